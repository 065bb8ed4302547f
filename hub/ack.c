/* ACK and REPORT: what recipients say became of what they were sent (PROTOCOL.md 11). */
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "log.h"
#include "merkle.h"

/* The envelopes that one ACK covers, in order. */
struct covered {
    size_t n;
    size_t cap;
    struct one {
        uint8_t mid[ID_BYTES];
        uint8_t digest[DIGEST_BYTES];
        uint32_t sender;
        uint8_t leaf[32];
    } * list;
    uint8_t (*node)[32]; /* complete subtrees above the leaves, level by level */
    size_t first[64];    /* of a level, in node */
};

static void covered_free(struct covered *all)
{
    free(all->list);
    free(all->node);
}

static enum err covered_add(struct covered *all, const struct item *it)
{
    struct one *one;

    if (all->n == all->cap) {
        size_t cap = all->cap ? 2 * all->cap : 16;
        struct one *list = realloc(all->list, cap * sizeof *list);

        if (!list)
            return ERR_NOMEM;
        all->list = list;
        all->cap = cap;
    }
    one = &all->list[all->n++];
    memcpy(one->mid, it->mid, sizeof one->mid);
    memcpy(one->digest, it->digest, sizeof one->digest);
    one->sender = it->sender;
    receipt_path_leaf(it->mid, it->digest, one->leaf);
    return ERR_OK;
}

static enum err covered_read(struct core *c, const struct mailbox *m, uint64_t upto,
                             struct covered *all)
{
    enum err e;

    for (size_t i = 0; i < m->len; i++) {
        const struct entry *at = &m->ring[(m->head + i) & (m->cap - 1)];
        struct item it;

        if (at->seq > upto)
            break;
        if ((e = item_read(c->t, at->seq, &it)))
            return e;
        if (it.kind == DELIVER_ENVELOPE && (e = covered_add(all, &it)))
            return e;
    }
    return ERR_OK;
}

static const uint8_t *covered_node(const struct covered *all, unsigned level, uint64_t index)
{
    return level ? all->node[all->first[level] + index] : all->list[index].leaf;
}

/* Each hash once: every sender's path is looked up in them. */
static enum err covered_hash(struct covered *all)
{
    size_t at = 0;

    if (!(all->node = calloc(all->n, sizeof *all->node)))
        return ERR_NOMEM;
    for (unsigned level = 1; all->n >> level; level++) {
        all->first[level] = at;
        for (size_t i = 0; i < all->n >> level; i++)
            merkle_node_hash(covered_node(all, level - 1, 2 * i),
                             covered_node(all, level - 1, 2 * i + 1), all->node[at++]);
    }
    return ERR_OK;
}

/* Hash of a complete subtree of the ACK's own small tree. */
static enum err covered_subtree(void *arg, unsigned level, uint64_t index, uint8_t out[32])
{
    memcpy(out, covered_node(arg, level, index), 32);
    return ERR_OK;
}

static enum err delivered_log(struct core *c, const struct job *j, uint64_t *index)
{
    const struct msg_ack *a = &j->message.ack;
    const struct directory_node *n = directory_find_node(c->dir, j->who.node);
    struct detail d = {.has = RD_KEY(DETAIL_ROOT) | RD_KEY(DETAIL_UPTO) | RD_KEY(DETAIL_BY_ORG) |
                              RD_KEY(DETAIL_BY_NODE) | RD_KEY(DETAIL_KID) | RD_KEY(DETAIL_SIG) |
                              RD_KEY(DETAIL_COUNT) | RD_KEY(DETAIL_ABOUT),
                       .upto = a->upto,
                       .count = a->count};
    uint8_t about[2 * ID_BYTES + 8];

    if (!n)
        return ERR_INTERNAL;
    memcpy(d.root, a->root, sizeof d.root);
    memcpy(d.by_org, j->who.org, sizeof d.by_org);
    memcpy(d.by_node, j->who.node, sizeof d.by_node);
    memcpy(d.kid, n->kid, sizeof d.kid);
    memcpy(d.sig, a->sig, sizeof d.sig);
    memcpy(about, c->id->federation.id, ID_BYTES);
    memcpy(about + ID_BYTES, c->incarnation, ID_BYTES);
    be64_write(j->after, about + 2 * ID_BYTES);
    d.about = SPAN_OF(about);
    return audit_add(c, AUDIT_DELIVERED, &d, index);
}

/* Every sender gets the leaf and the path from his message to the root that was signed. */
static enum err senders_tell(struct core *c, struct covered *all, uint64_t index)
{
    struct merkle_source source = {covered_subtree, all};
    enum err e;

    for (size_t i = 0; i < all->n; i++) {
        struct receipt_path path = {.index = i, .count = all->n};

        memcpy(path.mid, all->list[i].mid, sizeof path.mid);
        memcpy(path.digest, all->list[i].digest, sizeof path.digest);
        if ((e = merkle_inclusion(&source, i, all->n, &path.proof)))
            return e;
        if ((e = item_add_receipt(c, all->list[i].sender, index, &path)))
            return e;
    }
    return ERR_OK;
}

static enum err ack_matches(struct core *c, const struct job *j, const struct mailbox *m,
                            struct covered *all)
{
    struct merkle_source source = {covered_subtree, all};
    const struct msg_ack *a = &j->message.ack;
    uint8_t root[32] = {0};
    enum err e;

    if (a->upto > m->issued || j->after != m->acked)
        return ERR_RANGE;
    if ((e = covered_read(c, m, a->upto, all)))
        return e;
    if (all->n != a->count || (all->n > 0) != a->is_signed)
        return ERR_PROOF;
    if (all->n == 0)
        return ERR_OK;
    if ((e = covered_hash(all)) || (e = merkle_root(&source, all->n, root)))
        return e;
    return memcmp(root, a->root, sizeof root) == 0 ? ERR_OK : ERR_PROOF;
}

/* Rows go first, memory last: what popped here is told by the cursor if the commit fails. */
static enum err settle_upto(struct core *c, struct mailbox *m, uint64_t upto)
{
    uint64_t *seqs = NULL;
    size_t n = 0;
    enum err e = ERR_OK;

    while (n < m->len && m->ring[(m->head + n) & (m->cap - 1)].seq <= upto)
        n++;
    if (n > 0 && !(seqs = calloc(n, sizeof *seqs)))
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        seqs[i] = m->ring[(m->head + i) & (m->cap - 1)].seq;
    mailbox_pop(m, upto);
    m->acked = upto;
    if ((e = mailbox_save(c, m)))
        goto out;
    for (size_t i = 0; i < n && !e; i++)
        e = item_settle(c, seqs[i]);
out:
    free(seqs);
    return e;
}

enum err on_ack(struct core *c, struct job *j)
{
    struct mailbox *m = mailbox_of(c, j->who.number);
    const struct msg_ack *a = &j->message.ack;
    struct covered all = {0};
    uint64_t index;
    enum err e;

    if (!m || !m->open || m->session != j->session)
        return core_refuse(c, j, ERR_MESSAGE_STATE);
    session_credit(m, a->credit_messages, a->credit_bytes);
    if (a->upto <= m->acked) /* credit alone: a cursor never goes back */
        return ERR_OK;
    if ((e = ack_matches(c, j, m, &all))) {
        e = e == ERR_RANGE || e == ERR_PROOF ? core_refuse(c, j, e) : e;
        goto out;
    }
    if (all.n > 0 && ((e = delivered_log(c, j, &index)) || (e = senders_tell(c, &all, index))))
        goto out;
    c->count.delivered += all.n;
    e = settle_upto(c, m, a->upto);
out:
    covered_free(&all);
    return e;
}

/* --- REPORT -------------------------------------------------------------------------------- */

struct report {
    uint64_t outcome;
    uint8_t mid[ID_BYTES];
    uint8_t digest[DIGEST_BYTES];
    uint8_t from[ID_BYTES];
    uint8_t by[ID_BYTES];
    uint64_t ts_ms;
    uint32_t code;
    uint8_t actor[ID_BYTES];
};

static enum err report_decode(struct span stmt, struct report *out)
{
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, 64);
    uint64_t key;

    while (rd_map_next(&r, &m, &key)) {
        switch (key) {
        case 1:
            out->outcome = rd_uint_between(&r, AUDIT_OPENED, AUDIT_MISLABELLED);
            break;
        case 2:
            rd_fixed(&r, out->mid, sizeof out->mid);
            break;
        case 3:
            rd_fixed(&r, out->digest, sizeof out->digest);
            break;
        case 4:
            rd_fixed(&r, out->from, sizeof out->from);
            break;
        case 5:
            rd_fixed(&r, out->by, sizeof out->by);
            break;
        case 6:
            out->ts_ms = rd_uint(&r, STMT_TIME_MAX);
            break;
        case 7:
            out->code = rd_u32(&r, UINT16_MAX);
            break;
        case 8:
            rd_fixed(&r, out->actor, sizeof out->actor);
            break;
        default:
            rd_unknown(&r, key);
        }
    }
    rd_map_require(&r, &m, 0x1fe);
    if (out->outcome == 4) /* taken: for handoffs, not yet */
        rd_fail(&r, ERR_UNSUPPORTED);
    return rd_end(&r);
}

/* What was held back or has expired was never his, however far he has acknowledged since. */
static enum err never_had(struct core *c, const struct report *r)
{
    static const enum audit_type ends[] = {AUDIT_HELD, AUDIT_EXPIRED};
    uint64_t index;

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        enum err e = ended_get(c->t, r->mid, r->by, ends[i], &index);

        if (e != ERR_NOT_FOUND)
            return e ? e : ERR_STATE;
    }
    return ERR_OK;
}

/* Was this message for him, and does he have it? */
static enum err report_check(struct core *c, const struct job *j, const struct report *r,
                             struct seen *seen, uint8_t circle[ID_BYTES])
{
    const struct mailbox *m = mailbox_of(c, j->who.number);
    struct detail d;
    struct span entry;
    struct span side;
    enum err e;

    if (memcmp(r->by, j->who.org, ID_BYTES) != 0)
        return ERR_FROM;
    if ((e = seen_get(c->t, r->mid, r->from, seen)))
        return e;
    if (memcmp(seen->digest, r->digest, DIGEST_BYTES) != 0)
        return ERR_NOT_FOUND;
    if ((e = ledger_entry(c->audit, c->t, seen->index, &entry, &side, NULL)))
        return e;
    if (side.len <= SALT_BYTES)
        return ERR_NOT_FOUND;
    if ((e = detail_decode(span_of(side.ptr + SALT_BYTES, side.len - SALT_BYTES), &d)))
        return e;
    memcpy(circle, d.circle, ID_BYTES);
    for (size_t i = 0; i < d.to_count; i++)
        if (memcmp(d.to[i], r->by, ID_BYTES) == 0)
            return m && m->acked >= seen->seq ? never_had(c, r) : ERR_STATE;
    return ERR_NOT_FOUND;
}

static enum err report_log(struct core *c, const struct job *j, const struct report *r,
                           const uint8_t circle[ID_BYTES], uint64_t *index)
{
    struct detail d = {.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_DIGEST) | RD_KEY(DETAIL_FROM) |
                              RD_KEY(DETAIL_CIRCLE) | RD_KEY(DETAIL_CODE) | RD_KEY(DETAIL_BY_ORG) |
                              RD_KEY(DETAIL_KID) | RD_KEY(DETAIL_SIG) | RD_KEY(DETAIL_ABOUT),
                       .code = r->code,
                       .about = j->ss.stmt};

    memcpy(d.mid, r->mid, sizeof d.mid);
    memcpy(d.digest, r->digest, sizeof d.digest);
    memcpy(d.from, r->from, sizeof d.from);
    memcpy(d.circle, circle, sizeof d.circle);
    memcpy(d.by_org, r->by, sizeof d.by_org);
    memcpy(d.kid, j->ss.sig[0].kid, sizeof d.kid);
    memcpy(d.sig, j->ss.sig[0].sig, sizeof d.sig);
    return audit_add(c, (enum audit_type)r->outcome, &d, index);
}

static enum err report_keep(struct core *c, const struct job *j, const struct report *r,
                            const struct seen *seen, const uint8_t circle[ID_BYTES])
{
    uint64_t index;
    enum err e;

    if ((e = report_log(c, j, r, circle, &index)))
        return e;
    if ((e = ended_put(c, r->mid, r->by, (enum audit_type)r->outcome, index)))
        return e;
    if ((e = item_add_receipt(c, seen->sender, index, NULL)))
        return e;
    c->count.reports++;
    return core_say_receipt(c, j, index);
}

enum err on_report(struct core *c, struct job *j)
{
    struct report r = {0};
    struct seen seen;
    uint8_t circle[ID_BYTES];
    uint64_t index;
    enum err e;

    if ((e = report_decode(j->ss.stmt, &r)))
        return core_refuse(c, j, e);
    if ((e = report_check(c, j, &r, &seen, circle)))
        return e == ERR_FROM || e == ERR_NOT_FOUND || e == ERR_STATE ? core_refuse(c, j, e) : e;
    e = ended_get(c->t, r.mid, r.by, (enum audit_type)r.outcome, &index);
    if (e == ERR_OK)
        return core_say_receipt(c, j, index); /* said before: the same receipt */
    return e == ERR_NOT_FOUND ? report_keep(c, j, &r, &seen, circle) : e;
}
