/* Witnessed receipts (PROTOCOL.md 10.3). A receipt is proven in the tree of its commit; witnesses
 * cosign some later one. The consistency proof between the two carries the path over. */
#include <string.h>

#include "contacts.h"
#include "courier.h"
#include "courier_internal.h"
#include "log.h"
#include "tlogproof.h"
#include "vault.h"
#include "witness.h"

void attest_free(struct courier *c)
{
    for (size_t i = 0; i < c->wanted_count; i++)
        bytes_free(&c->wanted[i]);
    c->wanted_count = 0;
}

static void wanted_drop(struct courier *c, size_t i)
{
    bytes_free(&c->wanted[i]);
    c->wanted_count--;
    memmove(&c->wanted[i], &c->wanted[i + 1], (c->wanted_count - i) * sizeof c->wanted[0]);
    c->wanted[c->wanted_count] = (struct bytes){0};
}

static void want(struct courier *c, struct span receipt)
{
    for (size_t i = 0; i < c->wanted_count; i++)
        if (span_equal(bytes_span(&c->wanted[i]), receipt))
            return;
    if (c->wanted_count == ATTEST_WANTED_MAX || bytes_copy(&c->wanted[c->wanted_count], receipt))
        return; /* who wants it asks again */
    c->wanted_count++;
    courier_want_work(c);
}

enum err attest_file(struct node *n, struct txn *t, struct span receipt, struct bytes *text)
{
    uint8_t leaf[MERKLE_HASH_BYTES];
    struct receipt r;
    enum err e = receipt_decode(receipt, &r);

    if (e)
        return e;
    merkle_leaf_hash(r.entry, leaf);
    e = vault_get(n->vault, t, TABLE_ATTESTED, NULL, SPAN_OF(leaf), text);
    if (e != ERR_NOT_FOUND)
        return e;
    if (n->courier)
        want(n->courier, receipt);
    return ERR_AGAIN;
}

/* From the receipt's tree to the newest that a quorum has cosigned. ERR_AGAIN: not so far yet.
 * ERR_EPOCH: never, for what witnesses cosign now is of a later epoch. */
static enum err question_of(struct courier *c, struct span receipt, struct receipt *r,
                            struct head_question *q)
{
    struct attestation a;
    struct sign_public pk; /* whichever of the log's keys: the proof joins the roots */
    enum err e;

    *q = (struct head_question){0};
    if ((e = receipt_decode(receipt, r)) || (e = contacts_epoch_of(c->n, &r->head, &q->epoch, &pk)))
        return e;
    witness_attested(c->n, LOG_AUDIT, &a);
    if (!a.named || a.what->n == 0 || a.epoch < q->epoch)
        return ERR_AGAIN;
    if (a.epoch > q->epoch)
        return ERR_EPOCH;
    if (a.what->head.size < r->head.size)
        return ERR_AGAIN;
    q->from = r->head;
    q->to = a.what->head;
    return ERR_OK;
}

static enum err file_make(struct courier *c, const struct receipt *r, const struct head_question *q,
                          const struct merkle_proof *proof, const uint8_t leaf[MERKLE_HASH_BYTES],
                          struct bytes *text)
{
    struct merkle_proof path;
    struct bytes extra = {0};
    struct bytes note = {0};
    enum err e;

    if ((e = merkle_verify_consistency(q->from.size, q->from.root, q->to.size, q->to.root,
                                       proof)) ||
        (e = merkle_extend(r->index, q->from.size, &r->inclusion, q->to.size, proof, &path)) ||
        (e = merkle_verify_inclusion(q->to.root, q->to.size, r->index, leaf, &path)))
        return e;
    if (!(e = receipt_extra_encode(r, &extra)) && !(e = witness_note(c->n, LOG_AUDIT, &note)))
        e = tlog_proof_write(bytes_span(&extra), r->index, &path, bytes_span(&note), text);
    bytes_free(&extra);
    bytes_free(&note);
    return e;
}

static enum err keep(struct courier *c, const struct receipt *r, const struct head_question *q,
                     const struct merkle_proof *proof)
{
    uint8_t leaf[MERKLE_HASH_BYTES];
    struct bytes text = {0};
    struct txn *t = NULL;
    enum err e;

    merkle_leaf_hash(r->entry, leaf);
    if (!(e = file_make(c, r, q, proof, leaf, &text)) &&
        !(e = store_begin(c->n->store, TXN_WRITE, &t)) &&
        !(e = vault_put(c->n->vault, t, TABLE_ATTESTED, NULL, SPAN_OF(leaf), bytes_span(&text))))
        e = node_commit(c->n, &t);
    node_abort(c->n, &t);
    bytes_free(&text);
    return e;
}

static void kept(struct courier *c, size_t i, enum err e)
{
    if (e)
        log_limited(LEVEL_WARN, "receipt.attest", "why=%s", err_name(e));
    if (e == ERR_BUSY || err_of_machine(e))
        return; /* the next turn asks again */
    wanted_drop(c, i);
    courier_want_work(c);
}

void attest_work(struct courier *c)
{
    struct task *x = task_find(c, TASK_ATTEST);

    if (x && !task_due(c, x))
        return;
    for (size_t i = 0; i < c->wanted_count; i++) {
        struct message m = {.type = MSG_CONSISTENCY};
        struct head_question q;
        struct receipt r;
        enum err e = question_of(c, bytes_span(&c->wanted[i]), &r, &q);

        if (e == ERR_AGAIN)
            continue;
        if (e) {
            kept(c, i, e);
            return;
        }
        if (!x && !(x = task_make(c, TASK_ATTEST, span_text(""))))
            return;
        x->question = q;
        x->from = i;
        m.consistency.of = (struct log_name){LOG_AUDIT, q.epoch};
        m.consistency.from = q.from.size;
        m.consistency.to = q.to.size;
        if ((e = task_send(c, x, &m, &m.consistency.req)))
            log_limited(LEVEL_DEBUG, "courier.unsent", "what=attest why=%s", err_name(e));
        return;
    }
}

void attest_proved(struct courier *c, struct task *x, const struct msg_consistency_proof *p)
{
    struct merkle_proof proof = {.count = p->n};
    struct head_question asked = x->question;
    struct head_question q;
    size_t i = (size_t)x->from;
    struct receipt r;
    enum err e;

    task_end(c, x);
    memcpy(proof.hash, p->hash, p->n * sizeof proof.hash[0]);
    if (i >= c->wanted_count || (e = question_of(c, bytes_span(&c->wanted[i]), &r, &q)) ||
        q.from.size != asked.from.size || q.to.size != asked.to.size) {
        courier_want_work(c); /* another head is attested by now */
        return;
    }
    kept(c, i, keep(c, &r, &q, &proof));
}

void attest_refused(struct courier *c, struct task *x, enum err why)
{
    size_t i = (size_t)x->from;

    task_end(c, x);
    if (i < c->wanted_count)
        kept(c, i, why);
}
