/* ACK: what a node has on its disk (PROTOCOL.md 11). */
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
        bool ended; /* recalled or held back while on its way: told so already */
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

static enum err covered_add(struct covered *all, const struct item *it, bool ended)
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
    one->ended = ended;
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
        if (it.kind == DELIVER_ENVELOPE && (e = covered_add(all, &it, at->ended)))
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

/* Every sender gets the leaf and the path from his message to the root that was signed; not he
 * whose message has met another end: one final state per message and recipient. */
static enum err senders_tell(struct core *c, struct covered *all, uint64_t index)
{
    struct merkle_source source = {covered_subtree, all};
    enum err e;

    for (size_t i = 0; i < all->n; i++) {
        struct receipt_path path = {.index = i, .count = all->n};

        if (all->list[i].ended)
            continue;
        c->count.delivered++;
        memcpy(path.mid, all->list[i].mid, sizeof path.mid);
        memcpy(path.digest, all->list[i].digest, sizeof path.digest);
        if ((e = merkle_inclusion(&source, i, all->n, &path.proof)))
            return e;
        if ((e = item_add_receipt(c, all->list[i].sender, NULL, index, &path)))
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
    m->heard_ms = c->now_ms;
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
    window_ready(m);
    if (a->upto <= m->acked) /* credit alone: a cursor never goes back */
        return ERR_OK;
    if ((e = ack_matches(c, j, m, &all))) {
        e = e == ERR_RANGE || e == ERR_PROOF ? core_refuse(c, j, e) : e;
        goto out;
    }
    if (all.n > 0 && ((e = delivered_log(c, j, &index)) || (e = senders_tell(c, &all, index))))
        goto out;
    window_grow(m);
    if (!(e = settle_upto(c, m, a->upto)))
        window_ready(m);
out:
    covered_free(&all);
    return e;
}
