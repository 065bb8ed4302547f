/* What the hub says to a member of the load, into the history. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "load_internal.h"

#define REST_MS 30

static void bad(struct actor *a, const char *what)
{
    history_say(a->l->h, "bad %s %s", a->name, what);
}

/* --- checkpoints -------------------------------------------------------------------------------
 */

static bool head_is_signed(const struct ckpt *head, const char *origin,
                           const struct sign_public *pk)
{
    struct bytes note = {0};
    struct note_key key;
    struct checkpoint c;
    bool good = checkpoint_assemble(span_text(origin), head->size, head->root, pk, head->sig,
                                    &note) == ERR_OK &&
                checkpoint_read(bytes_span(&note), &c) == ERR_OK &&
                note_key_init(&key, span_text(origin), NOTE_SIGNED, pk) == ERR_OK &&
                checkpoint_verify(&c, &key) == ERR_OK;

    bytes_free(&note);
    return good;
}

/* The audit log's origin ends in its epoch, which no message says: the year of the federation. */
void load_origin(struct load *l, const struct ckpt *head)
{
    size_t stem = strlen(l->keys_origin) - 4; /* without "keys" */

    for (unsigned epoch = 2000; epoch < 2200 && !l->audit_origin[0]; epoch++) {
        char origin[sizeof l->audit_origin];

        snprintf(origin, sizeof origin, "%.*saudit/%u", (int)stem, l->keys_origin, epoch);
        if (head_is_signed(head, origin, &l->audit_key))
            memcpy(l->audit_origin, origin, sizeof origin);
    }
}

static void head_seen(struct actor *a, const char *log, const struct ckpt *head)
{
    char root[65];

    history_say(a->l->h, "head %s %llu %s %s", log, (unsigned long long)head->size,
                hex_of(head->root, 32, root), a->name);
    if (strcmp(log, "audit") == 0 && head->size > a->newest.size)
        a->newest = *head;
}

/* Older than what the member holds, or another history at the same size. */
static bool is_rollback(const struct actor *a, const struct ckpt *head)
{
    return head->size < a->newest.size ||
           (head->size == a->newest.size && memcmp(head->root, a->newest.root, 32) != 0);
}

static void on_welcome(struct actor *a, const struct msg_welcome *w)
{
    struct load *l = a->l;

    if (!l->audit_origin[0])
        load_origin(l, &w->audit);
    if (!head_is_signed(&w->audit, l->audit_origin, &l->audit_key) ||
        !head_is_signed(&w->keys, l->keys_origin, &l->keys_key))
        bad(a, "welcome-with-a-head-that-does-not-verify");
    a->up = true;
    if (a->watching) {
        a->rollback = is_rollback(a, &w->audit);
        if (a->rollback)
            history_say(l->h, "noticed %s rollback", a->name);
        return;
    }
    if (is_rollback(a, &w->audit))
        bad(a, "welcome-older-than-what-was-seen");
    head_seen(a, "keys", &w->keys);
    head_seen(a, "audit", &w->audit);
    a->acked = w->acked_seq;
    history_say(l->h, "acked %s %llu", a->name, (unsigned long long)w->acked_seq);
}

/* --- answers -----------------------------------------------------------------------------------
 */

static bool receipt_good(struct actor *a, struct span bytes, struct receipt *r,
                         struct receipt_facts *f)
{
    if (receipt_decode(bytes, r) ||
        receipt_check(r, span_text(a->l->audit_origin), &a->l->audit_key, f)) {
        bad(a, "receipt-that-proves-nothing");
        return false;
    }
    head_seen(a, "audit", &r->head);
    return true;
}

static struct load_letter *letter_of_req(struct actor *a, uint64_t req)
{
    for (size_t i = a->first; req && i < a->n; i++)
        if (a->letter[i]->req == req)
            return a->letter[i];
    return NULL;
}

static void decided(struct load_letter *x, enum letter_state how)
{
    struct load *l = x->by->l;

    if (x->state >= LETTER_DONE)
        return;
    x->state = how;
    if (!x->keep)
        bytes_free(&x->envelope);
    l->undecided--;
    if (how != LETTER_DONE)
        return;
    l->accepted++;
    l->batched += x->batched;
    l->outstanding += (size_t)__builtin_popcount(x->to & ~x->ended);
}

static void on_receipt(struct actor *a, const struct msg_receipt *m)
{
    struct load_letter *x;
    struct receipt_facts f;
    struct receipt r;
    char mid[33];

    if (!receipt_good(a, m->receipt, &r, &f) || ask_answered(a, m->req, ERR_OK, true))
        return;
    x = load_find(a->l, f.detail.mid);
    if (f.type != AUDIT_ACCEPTED || !x || x->by != a) {
        bad(a, "receipt-of-something-else");
        return;
    }
    history_say(a->l->h, "receipt %s %s %llu", a->name, hex_of(x->mid, ID_BYTES, mid),
                (unsigned long long)r.index);
    decided(x, LETTER_DONE);
}

/* PROTOCOL.md 11: what is not the last word. */
static bool not_final(uint32_t code)
{
    static const enum err again[] = {ERR_BUSY,     ERR_RATE,         ERR_UNKNOWN, ERR_STOPPING,
                                     ERR_FULL,     ERR_NOMEM,        ERR_IO,      ERR_INTERNAL,
                                     ERR_READONLY, ERR_MESSAGE_STATE};

    for (size_t i = 0; i < sizeof again / sizeof *again; i++)
        if (code == (uint32_t)again[i])
            return true;
    return false;
}

static void on_err(struct actor *a, const struct msg_err *m)
{
    struct load_letter *x = letter_of_req(a, m->req);
    char text[96];
    char mid[33];

    if (a->watching && m->code == ERR_BEHIND) { /* an old store that knows itself that it is */
        a->rollback = true;
        history_say(a->l->h, "noticed %s rollback", a->name);
        return;
    }
    a->rest_ms = clock_mono_ms(clock_system()) + REST_MS;
    if (m->req && m->code != ERR_MESSAGE_STATE &&
        ask_answered(a, m->req, (enum err)m->code, !not_final(m->code)))
        return;
    if (!x || m->code == ERR_MESSAGE_STATE) {
        if (!not_final(m->code) && m->code != ERR_FENCED && m->req == 0 && !a->watching) {
            snprintf(text, sizeof text, "told-%s", err_name((enum err)m->code));
            if (m->code != ERR_STATE && m->code != ERR_FORGED &&
                m->code != ERR_RANGE) /* of an ACK: greet again (PROTOCOL.md 11) */
                bad(a, text);
        }
        if (m->req == 0 || m->code == ERR_MESSAGE_STATE)
            actor_lost(a, REST_MS);
        return;
    }
    if (not_final(m->code)) {
        if (x->state == LETTER_SENT)
            x->state = LETTER_NEW;
        return;
    }
    history_say(a->l->h, "refused %s %s %u", a->name, hex_of(x->mid, ID_BYTES, mid),
                (unsigned)m->code);
    decided(x, LETTER_REFUSED);
}

/* --- mailbox -----------------------------------------------------------------------------------
 */

/* In the place of `accepted`, at a deputy. */
static bool stands_in(const struct actor *a, const struct receipt_facts *f)
{
    return f->type == AUDIT_DEPUTY && f->detail.code == ERR_OK && f->detail.to_count == 1 &&
           memcmp(f->detail.to[0], member_org(a->m), ID_BYTES) == 0;
}

static void on_envelope(struct actor *a, const struct msg_deliver *d)
{
    uint8_t digest[DIGEST_BYTES];
    struct envelope_view view;
    struct env_header header;
    struct receipt_facts f;
    struct receipt r;
    char mid[33];
    char hex[17];

    if (envelope_parse(d->item, &view, &header, NULL) || envelope_digest(&view, digest)) {
        bad(a, "delivery-that-cannot-be-read");
        return;
    }
    history_say(a->l->h, "got %s %llu %s %s", a->name, (unsigned long long)d->seq,
                hex_of(header.mid, ID_BYTES, mid), hex_of(digest, 8, hex));
    if (receipt_good(a, d->receipt, &r, &f) && ((f.type != AUDIT_ACCEPTED && !stands_in(a, &f)) ||
                                                memcmp(f.detail.mid, header.mid, ID_BYTES) != 0 ||
                                                memcmp(f.detail.digest, digest, DIGEST_BYTES) != 0))
        bad(a, "delivery-with-the-receipt-of-another");
}

static void ended(struct actor *a, const uint8_t mid[ID_BYTES], const uint8_t to[ID_BYTES],
                  unsigned type)
{
    struct load_letter *x = load_find(a->l, mid);
    const struct actor *who = load_by_org(a->l, to);
    unsigned bit;
    char hex[33];

    if (!x || !who) {
        bad(a, "end-of-what-nobody-sent");
        return;
    }
    history_say(a->l->h, "ended %s %s %s %u", a->name, hex_of(mid, ID_BYTES, hex), who->name, type);
    bit = 1u << who->number & x->to & ~x->ended;
    if (!bit || x->by != a)
        return;
    x->ended |= bit;
    if (type < sizeof a->l->ended_so / sizeof *a->l->ended_so)
        a->l->ended_so[type]++;
    if (x->state == LETTER_DONE)
        a->l->outstanding--;
}

/* From now on the deputy is a recipient like the others. */
static void released(struct actor *a, const struct receipt *r, const struct detail *d)
{
    struct load_letter *x = load_find(a->l, d->mid);
    const struct actor *who = d->to_count == 1 ? load_by_org(a->l, d->to[0]) : NULL;
    char hex[33];

    if (!x || !who) {
        bad(a, "release-of-what-nobody-sent");
        return;
    }
    history_say(a->l->h, "released %s %s %s %u %llu", a->name, hex_of(d->mid, ID_BYTES, hex),
                who->name, (unsigned)d->code, (unsigned long long)r->index);
    if (x->by != a || d->code || x->to & 1u << who->number)
        return;
    x->to |= 1u << who->number;
    a->l->released++;
    a->l->outstanding += x->state == LETTER_DONE;
}

static void on_report(struct actor *a, const struct msg_deliver *d)
{
    struct receipt_facts f;
    struct receipt r;

    if (!receipt_good(a, d->receipt, &r, &f))
        return;
    if (f.type == AUDIT_DELIVERED && r.has_path)
        ended(a, r.path.mid, f.detail.by_org, AUDIT_DELIVERED);
    else if (f.type == AUDIT_DEPUTY)
        released(a, &r, &f.detail);
    else if ((f.detail.has & RD_KEY(DETAIL_MID)) && (f.detail.has & RD_KEY(DETAIL_TO)) &&
             f.detail.to_count == 1)
        ended(a, f.detail.mid, f.detail.to[0], (unsigned)f.type);
    else
        bad(a, "report-of-another-kind");
}

static void on_deliver(struct actor *a, const struct msg_deliver *d)
{
    struct receipt_facts f;
    struct receipt r;

    if (d->kind == DELIVER_ENVELOPE)
        on_envelope(a, d);
    else if (d->kind == DELIVER_RECEIPT)
        on_report(a, d);
    else
        (void)receipt_good(a, d->receipt, &r, &f);
}

bool load_hear(struct member_node *m, const struct message *frame, void *arg)
{
    struct actor *a = arg;

    (void)m;
    switch (frame->type) {
    case MSG_WELCOME:
        on_welcome(a, &frame->welcome);
        return a->watching; /* an old store is looked at, and nothing learned from it */
    case MSG_RECEIPT:
        on_receipt(a, &frame->receipt);
        return true;
    case MSG_DELIVER:
        if (!a->watching)
            on_deliver(a, &frame->deliver);
        return a->watching;
    case MSG_ERR:
        on_err(a, &frame->err);
        return true;
    default:
        return false;
    }
}
