/* Seen heads are proven to be of one history, one by one (contacts.h, PROTOCOL.md 10.4). */
#include <string.h>

#include "contacts_internal.h"
#include "heads.h"
#include "merkle.h"
#include "meta.h"
#include "vault.h"

size_t contacts_unchecked(const struct node *n)
{
    return n->contacts->fresh_count;
}

static enum err seen_put(struct node *n, struct txn *t, const struct seen_head *x,
                         struct ckpt *other)
{
    uint8_t key[SEEN_KEY];
    struct bytes row = {0};
    struct seen_head before;
    struct writer w;
    enum err e;

    seen_key(x->epoch, x->head.size, key);
    e = vault_get(n->vault, t, TABLE_SEEN_HEAD, NULL, SPAN_OF(key), &row);
    if (!e && !(e = seen_read(SPAN_OF(key), bytes_span(&row), &before)) &&
        !head_same(&before.head, &x->head)) {
        *other = before.head;
        e = ERR_SPLIT_VIEW;
    }
    seal_bytes_free(&row);
    if (e != ERR_NOT_FOUND)
        return e;
    wr_init(&w);
    wr_ckpt(&w, &x->head);
    return row_put(n, t, TABLE_SEEN_HEAD, NULL, SPAN_OF(key), &w);
}

enum err contacts_heads_flush(struct node *n)
{
    struct contacts *c = n->contacts;
    struct seen_head bad = {0};
    struct ckpt other;
    struct txn *t = NULL;
    enum err e;

    if (c->fresh_count == 0)
        return ERR_OK;
    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    for (size_t i = 0; i < c->fresh_count && !e; i++)
        if ((e = seen_put(n, t, &c->fresh[i], &other)) == ERR_SPLIT_VIEW)
            bad = c->fresh[i];
    if (!e && !(e = store_commit(&t)))
        c->fresh_count = 0;
    store_abort(&t);
    return e == ERR_SPLIT_VIEW ? two_histories(n, e, "audit head", &other, &bad.head) : e;
}

/* What a head of that epoch is compared with. Of a closed one the hub has no more than what leaf 0
 * of the next calls common; beyond that nothing can be proven any more. */
static struct ckpt reference(struct contacts *c, uint32_t epoch, const struct ckpt *held)
{
    const struct closed_epoch *x = closed_find(c, epoch);
    struct ckpt end = *held;

    if (x && held->size > x->common) {
        end = (struct ckpt){.size = x->common};
        memcpy(end.root, x->root, sizeof end.root);
    }
    return end;
}

enum err contacts_question(struct node *n, struct head_question *out)
{
    struct contacts *c = n->contacts;
    const struct ckpt *held;
    struct ckpt with;
    struct bytes row = {0};
    struct seen_head x;
    struct txn *t = NULL;
    struct span key;
    struct span sealed;
    uint8_t copy[SEEN_KEY];
    enum err e;

    if (!c->joined)
        return ERR_AGAIN;
    if ((e = store_begin(n->store, TXN_READ, &t)))
        return e;
    e = store_last(t, TABLE_SEEN_HEAD, &key, &sealed); /* the longest of the newest epoch first */
    if (!e && key.len != SEEN_KEY)
        e = ERR_CORRUPT;
    if (!e) {
        memcpy(copy, key.ptr, sizeof copy);
        if (!(e = vault_get(n->vault, t, TABLE_SEEN_HEAD, NULL, SPAN_OF(copy), &row)))
            e = seen_read(SPAN_OF(copy), bytes_span(&row), &x);
    }
    store_abort(&t);
    seal_bytes_free(&row);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_AGAIN : e;
    if (!(held = held_of(c, x.epoch)))
        return ERR_CORRUPT;
    with = reference(c, x.epoch, held);
    *out = (struct head_question){.epoch = x.epoch, .to_is_new = x.head.size > with.size};
    out->from = out->to_is_new ? with : x.head;
    out->to = out->to_is_new ? x.head : with;
    if (out->from.size == 0)
        merkle_empty_root(out->from.root);
    return ERR_OK;
}

static enum err question_end(struct node *n, const struct head_question *q)
{
    struct contacts *c = n->contacts;
    struct closed_epoch *x = closed_find(c, q->epoch);
    bool adopt = q->to_is_new && q->epoch == c->audit_epoch;
    uint8_t key[SEEN_KEY];
    struct txn *t = NULL;
    enum err e;

    seen_key(q->epoch, q->to_is_new ? q->to.size : q->from.size, key);
    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    e = store_del(t, TABLE_SEEN_HEAD, SPAN_OF(key));
    if (e == ERR_NOT_FOUND)
        e = ERR_OK;
    if (!e && adopt)
        e = head_keep(n, t, "audit_head", &q->to);
    if (!e)
        e = store_commit(&t);
    store_abort(&t);
    if (!e)
        c->checked[c->checked_next++ % CHECKED_KEPT] =
            (struct seen_head){q->epoch, q->to_is_new ? q->to : q->from};
    if (!e && adopt)
        c->audit = q->to;
    if (!e && x && q->to_is_new)
        x->held = q->to;
    return e;
}

enum err contacts_proved(struct node *n, const struct head_question *q,
                         const struct msg_consistency_proof *p)
{
    struct merkle_proof proof = {.count = p->n};

    if (p->of.log != LOG_AUDIT || p->of.epoch != q->epoch || p->from != q->from.size ||
        p->to != q->to.size)
        return ERR_PROOF;
    memcpy(proof.hash, p->hash, p->n * sizeof proof.hash[0]);
    if (merkle_verify_consistency(q->from.size, q->from.root, q->to.size, q->to.root, &proof))
        return two_histories(n, ERR_SPLIT_VIEW, "audit consistency", &q->from, &q->to);
    return question_end(n, q);
}

enum err contacts_unproved(struct node *n, const struct head_question *q)
{
    return two_histories(n, ERR_SPLIT_VIEW, "audit consistency refused", &q->from, &q->to);
}
