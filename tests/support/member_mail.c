/* The mailbox: what was delivered, ACK and REPORT (PROTOCOL.md 11). */
#include <stdlib.h>
#include <string.h>

#include "member_internal.h"
#include "merkle.h"

#define ITEMS_FIRST 64

size_t member_items(const struct member_node *m)
{
    return m->item_count;
}

const struct member_item *member_item(const struct member_node *m, size_t i)
{
    return i < m->item_count ? &m->items[i] : NULL;
}

size_t member_items_of(const struct member_node *m, enum deliver_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < m->item_count; i++)
        n += kind == 0 || m->items[i].kind == kind;
    return n;
}

/* Place of the first item whose seq is not below. */
static size_t place_of(const struct member_node *m, uint64_t seq)
{
    size_t low = 0;
    size_t high = m->item_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (m->items[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct member_item *item_room(struct member_node *m, size_t at)
{
    if (m->item_count == m->item_room) {
        size_t room = m->item_room ? 2 * m->item_room : ITEMS_FIRST;
        struct member_item *items = realloc(m->items, room * sizeof *items);

        if (!items)
            abort();
        m->items = items;
        m->item_room = room;
    }
    memmove(&m->items[at + 1], &m->items[at], (m->item_count - at) * sizeof *m->items);
    m->item_count++;
    m->items[at] = (struct member_item){0};
    return &m->items[at];
}

void member_keep_item(struct member_node *m, const struct msg_deliver *d)
{
    size_t at = place_of(m, d->seq);
    struct member_item *it;

    if (at < m->item_count && m->items[at].seq == d->seq) {
        m->items[at].copies++;
        m->items[at].session = m->session;
        return;
    }
    it = item_room(m, at);
    it->seq = d->seq;
    it->previous = d->previous;
    it->kind = d->kind;
    it->copies = 1;
    it->session = m->session;
    if (bytes_copy(&it->item, d->item) || bytes_copy(&it->receipt, d->receipt))
        abort();
}

void member_forget_mail(struct member_node *m)
{
    for (size_t i = 0; i < m->item_count; i++) {
        bytes_free(&m->items[i].item);
        bytes_free(&m->items[i].receipt);
    }
    m->item_count = 0;
}

void member_forget_heads(struct member_node *m)
{
    m->welcome.keys = (struct ckpt){0};
    m->welcome.audit = (struct ckpt){0};
}

struct awaited {
    const struct member_node *m;
    enum deliver_kind kind;
    size_t count;
};

static bool has_come(void *arg)
{
    const struct awaited *a = arg;

    return member_items_of(a->m, a->kind) >= a->count;
}

enum err member_await(struct member_node *m, enum deliver_kind kind, size_t count,
                      uint64_t within_ms)
{
    struct awaited a = {m, kind, count};

    return member_until(m, has_come, &a, within_ms) ? ERR_OK : ERR_TIMEOUT;
}

enum err member_item_facts(const struct member_item *it, struct receipt_facts *out)
{
    struct receipt r;
    enum err e = receipt_decode(bytes_span(&it->receipt), &r);

    return e ? e : receipt_read(&r, out);
}

const struct member_item *member_receipt_of(const struct member_node *m, enum audit_type type,
                                            size_t n)
{
    for (size_t i = 0; i < m->item_count; i++) {
        const struct member_item *it = &m->items[i];
        struct receipt_facts f;

        if (it->kind == DELIVER_RECEIPT && member_item_facts(it, &f) == ERR_OK && f.type == type &&
            n-- == 0)
            return it;
    }
    return NULL;
}

/* --- ACK ------------------------------------------------------------------------------------- */

struct leaves {
    size_t n;
    uint8_t (*hash)[32];
};

static enum err leaf_node(void *arg, unsigned level, uint64_t index, uint8_t out[32])
{
    const struct leaves *l = arg;
    uint8_t left[32];
    uint8_t right[32];
    enum err e;

    if (level == 0) {
        memcpy(out, l->hash[index], 32);
        return ERR_OK;
    }
    if ((e = leaf_node(arg, level - 1, 2 * index, left)) ||
        (e = leaf_node(arg, level - 1, 2 * index + 1, right)))
        return e;
    merkle_node_hash(left, right, out);
    return ERR_OK;
}

static enum err leaf_of(const struct member_item *it, uint8_t out[32])
{
    struct envelope_view view;
    struct env_header header;
    uint8_t digest[DIGEST_BYTES];
    enum err e;

    if ((e = envelope_parse(bytes_span(&it->item), &view, &header, NULL)) ||
        (e = envelope_digest(&view, digest)))
        return e;
    receipt_path_leaf(header.mid, digest, out);
    return ERR_OK;
}

/* Came in a former session, and the hub has told since that it is not ours: this one did not
 * deliver it. */
static bool has_ended(const struct member_node *m, const struct member_item *it)
{
    static const enum audit_type ends[] = {AUDIT_EXPIRED, AUDIT_HELD, AUDIT_RECALLED};
    struct envelope_view view;
    struct env_header header;

    if (it->session == m->session || envelope_parse(bytes_span(&it->item), &view, &header, NULL))
        return false;
    for (size_t i = 0; i < m->item_count; i++) {
        struct receipt_facts f;

        if (m->items[i].kind != DELIVER_RECEIPT || member_item_facts(&m->items[i], &f))
            continue;
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++)
            if (f.type == ends[k] && memcmp(f.detail.mid, header.mid, ID_BYTES) == 0)
                return true;
    }
    return false;
}

static enum err leaves_collect(const struct member_node *m, uint64_t upto, struct leaves *l)
{
    enum err e;

    l->hash = calloc(m->item_count + 1, sizeof *l->hash);
    if (!l->hash)
        return ERR_NOMEM;
    for (size_t i = place_of(m, m->acked + 1); i < m->item_count && m->items[i].seq <= upto; i++) {
        if (m->items[i].kind != DELIVER_ENVELOPE || has_ended(m, &m->items[i]))
            continue;
        if ((e = leaf_of(&m->items[i], l->hash[l->n])))
            return e;
        l->n++;
    }
    return ERR_OK;
}

enum err member_ack_sign(const struct member_node *m, struct msg_ack *a)
{
    struct ack_claim claim = {.after = m->acked, .upto = a->upto, .count = a->count};
    uint8_t digest[DIGEST_BYTES];
    enum err e;

    memcpy(claim.federation, m->hub.federation, ID_BYTES);
    memcpy(claim.hub, m->welcome.hub, ID_BYTES);
    memcpy(claim.org, m->org, ID_BYTES);
    memcpy(claim.node, m->id, ID_BYTES);
    memcpy(claim.root, a->root, sizeof claim.root);
    if ((e = ack_digest(&claim, digest)))
        return e;
    a->is_signed = true;
    return sign_digest(SIGN_ACK, m->sign, digest, a->sig);
}

enum err member_ack_make(struct member_node *m, uint64_t upto, struct msg_ack *out)
{
    struct leaves l = {0};
    struct merkle_source source = {leaf_node, &l};
    enum err e;

    *out = (struct msg_ack){
        .upto = upto, .credit_messages = m->credit_messages, .credit_bytes = m->credit_bytes};
    if (!(e = leaves_collect(m, upto, &l)) && l.n > 0) {
        out->count = (uint32_t)l.n;
        if (!(e = merkle_root(&source, l.n, out->root)))
            e = member_ack_sign(m, out);
    }
    free(l.hash);
    return e;
}

enum err member_ack(struct member_node *m, uint64_t upto)
{
    struct message say = {.type = MSG_ACK};
    enum err e;

    if ((e = member_ack_make(m, upto, &say.ack)) || (e = member_tell(m, &say)))
        return e;
    member_settled(m, upto);
    return ERR_OK;
}

void member_settled(struct member_node *m, uint64_t upto)
{
    for (size_t i = 0; i < m->item_count && m->items[i].seq <= upto; i++)
        m->items[i].acked = true;
    if (upto > m->acked)
        m->acked = upto;
    if (upto > m->on_disk)
        m->on_disk = upto;
}

enum err member_ack_all(struct member_node *m)
{
    enum err e;

    if (m->item_count == 0 || m->items[m->item_count - 1].seq <= m->acked)
        return ERR_OK;
    e = member_ack(m, m->items[m->item_count - 1].seq);
    return e ? e : member_barrier(m);
}

uint64_t member_acked(const struct member_node *m)
{
    return m->acked;
}

/* --- REPORT ---------------------------------------------------------------------------------- */

/* The statement of a REPORT or RECALL about an envelope. */
static enum err report_stmt(struct member_node *m, struct span envelope, enum audit_type outcome,
                            uint32_t code, struct bytes *out)
{
    struct envelope_view view;
    struct env_header header;
    uint8_t digest[DIGEST_BYTES];
    struct writer w;
    enum err e;

    if ((e = envelope_parse(envelope, &view, &header, NULL)) ||
        (e = envelope_digest(&view, digest)))
        return e;
    wr_init(&w);
    wr_map(&w, 8);
    wr_key(&w, 1);
    wr_uint(&w, outcome);
    wr_key(&w, 2);
    wr_bin(&w, SPAN_OF(header.mid));
    wr_key(&w, 3);
    wr_bin(&w, SPAN_OF(digest));
    wr_key(&w, 4);
    wr_bin(&w, SPAN_OF(header.from));
    wr_key(&w, 5);
    wr_bin(&w, SPAN_OF(m->org));
    wr_key(&w, 6);
    wr_uint(&w, crew_now_ms(m->crew));
    wr_key(&w, 7);
    wr_uint(&w, code);
    wr_key(&w, 8);
    wr_bin(&w, SPAN_OF(m->actor));
    return wr_take(&w, out);
}

enum err member_report_make(struct member_node *m, const struct member_item *item,
                            enum audit_type outcome, enum err code, struct bytes *ss)
{
    struct bytes stmt = {0};
    enum err e = report_stmt(m, bytes_span(&item->item), outcome, code, &stmt);

    bytes_free(ss);
    if (!e)
        e = statement_sign_alone(STATEMENT_REPORT, bytes_span(&stmt), ROLE_NODE, m->org, m->sign,
                                 ss);
    bytes_free(&stmt);
    return e;
}

enum err member_report(struct member_node *m, const struct member_item *item,
                       enum audit_type outcome, enum err code, struct bytes *receipt)
{
    struct message say = {.type = MSG_REPORT, .statement = {.req = member_next_req(m)}};
    struct member_answer a = {0};
    struct bytes ss = {0};
    enum err e;

    if ((e = member_report_make(m, item, outcome, code, &ss)))
        return e;
    say.statement.ss = bytes_span(&ss);
    e = member_ask(m, &say, &a);
    if (!e && receipt)
        e = bytes_copy(receipt, a.message.receipt.receipt);
    member_answer_free(&a);
    bytes_free(&ss);
    return e;
}

/* --- RECALL ---------------------------------------------------------------------------------- */

enum err member_recall_make(struct member_node *m, struct span envelope, enum recall_reason why,
                            struct bytes *ss)
{
    struct bytes stmt = {0};
    enum err e = report_stmt(m, envelope, AUDIT_RECALLED, why, &stmt);

    bytes_free(ss);
    if (!e)
        e = statement_sign_alone(STATEMENT_RECALL, bytes_span(&stmt), ROLE_NODE, m->org, m->sign,
                                 ss);
    bytes_free(&stmt);
    return e;
}

enum err member_recall_ss(struct member_node *m, struct span ss, struct bytes *receipt)
{
    struct message say = {
        .type = MSG_RECALL, .statement = {member_next_req(m), ss}
    };
    struct member_answer a = {0};
    enum err e = member_ask(m, &say, &a);

    if (!e && receipt)
        e = bytes_copy(receipt, a.message.receipt.receipt);
    member_answer_free(&a);
    return e;
}

enum err member_recall(struct member_node *m, struct span envelope, enum recall_reason why,
                       struct bytes *receipt)
{
    struct bytes ss = {0};
    enum err e = member_recall_make(m, envelope, why, &ss);

    if (!e)
        e = member_recall_ss(m, bytes_span(&ss), receipt);
    bytes_free(&ss);
    return e;
}
