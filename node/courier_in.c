/* Deliveries: gathered for one turn of the loop, kept in one commit, then acknowledged with one
 * signature (PROTOCOL.md 11, Delivery). */
#include <inttypes.h>
#include <string.h>

#include "contacts.h"
#include "courier_internal.h"
#include "intake.h"
#include "log.h"
#include "merkle.h"
#include "meta.h"
#include "receipt.h"

struct batch {
    size_t covered;
    struct covered covers[ACK_GROUP_MAX];
    uint8_t leaves[ACK_GROUP_MAX][MERKLE_HASH_BYTES]; /* of the envelopes among them */
    uint64_t upto;
};

void batch_drop(struct courier *c)
{
    for (size_t i = 0; i < c->batch_count; i++)
        bytes_free(&c->batch[i]);
    c->batch_count = 0;
    c->pause_until_ms = 0;
}

void on_deliver(struct courier *c, const struct link_frame *f, const struct message *m)
{
    const struct msg_deliver *d = &m->deliver;

    if (d->previous != c->got || d->seq <= c->got) {
        c->count.gaps++;
        courier_fault(c, "gap");
        return;
    }
    if (c->batch_count == ACK_GROUP_MAX || bytes_copy(&c->batch[c->batch_count], f->payload)) {
        courier_fault(c, "more than the credit");
        return;
    }
    c->batch_count++;
    c->got = d->seq;
    courier_want_work(c);
}

/* --- one batch ------------------------------------------------------------------------------- */

/* Everything of it was decoded once when it came; the copy borrows nothing from the link. */
static enum err item_of(const struct courier *c, size_t i, struct msg_deliver *out)
{
    struct message m;
    enum err e = message_decode(bytes_span(&c->batch[i]), SENT_BY_HUB, &m);

    if (!e)
        *out = m.deliver;
    return e;
}

/* Does a sender know more of the keys log than we do? Then his keys may be what we lack, and the
 * batch waits for the log; not for ever, for the size is only what he says. */
static bool keys_first(struct courier *c)
{
    uint64_t now_ms = courier_mono(c);
    uint64_t needed = 0;

    for (size_t i = 0; i < c->batch_count; i++) {
        struct msg_deliver d;
        uint64_t size = item_of(c, i, &d) ? 0 : intake_keys_size(c->n, &d);

        needed = size > needed ? size : needed;
    }
    if (needed <= contacts_keys_size(c->n))
        return false;
    if (c->pause_until_ms == 0)
        c->pause_until_ms = now_ms + KEYS_PAUSE_MS;
    if (now_ms >= c->pause_until_ms)
        return false;
    c->keys_target = needed > c->keys_target ? needed : c->keys_target;
    courier_sync_keys(c);
    return true;
}

static enum err take(struct courier *c, struct txn *t, struct batch *b)
{
    enum err e;

    for (size_t i = 0; i < c->batch_count; i++) {
        struct covered *covers = &b->covers[b->covered];
        struct msg_deliver d;

        if ((e = item_of(c, i, &d)))
            return e;
        /* Delivered again because the hub did not hear our ACK: named again, not taken again. */
        e = d.seq <= c->last_seq ? intake_again(c->n, &d, covers)
                                 : intake_item(c->n, t, &d, covers);
        if (e)
            return e;
        if (covers->is_envelope) {
            receipt_path_leaf(covers->mid, covers->digest, b->leaves[b->covered]);
            b->covered++;
        }
        b->upto = d.seq;
    }
    return ERR_OK;
}

static enum err cursor_keep(struct courier *c, struct txn *t, const struct batch *b)
{
    uint64_t upto = b->upto > c->last_seq ? b->upto : c->last_seq;
    enum err e = meta_put(c->n, t, "hub", SPAN_OF(c->hub));

    return e ? e : meta_put_u64(c->n, t, "last_seq", upto);
}

static enum err keep(struct courier *c, struct batch *b)
{
    struct txn *t = NULL;
    enum err e;

    if ((e = store_begin(c->n->store, TXN_WRITE, &t)))
        return e;
    if ((e = take(c, t, b)))
        goto out;
    if ((e = cursor_keep(c, t, b)))
        goto out;
    e = node_commit(c->n, &t);
out:
    node_abort(c->n, &t);
    return e;
}

/* --- ACK ---------------------------------------------------------------------------------------
 */

static enum err leaf_subtree(void *arg, unsigned level, uint64_t index, uint8_t out[32])
{
    const struct batch *b = arg;
    uint8_t left[MERKLE_HASH_BYTES];
    uint8_t right[MERKLE_HASH_BYTES];
    enum err e;

    if (level == 0) {
        memcpy(out, b->leaves[index], MERKLE_HASH_BYTES);
        return ERR_OK;
    }
    if ((e = leaf_subtree(arg, level - 1, 2 * index, left)) ||
        (e = leaf_subtree(arg, level - 1, 2 * index + 1, right)))
        return e;
    merkle_node_hash(left, right, out);
    return ERR_OK;
}

static enum err ack_sign(struct courier *c, struct batch *b, struct msg_ack *out)
{
    struct merkle_source source = {leaf_subtree, b};
    struct ack_claim claim = {.after = c->acked, .upto = b->upto, .count = (uint32_t)b->covered};
    uint8_t digest[DIGEST_BYTES];
    enum err e;

    out->upto = b->upto;
    out->credit_messages = CREDIT_MESSAGES;
    out->credit_bytes = CREDIT_BYTES;
    if (b->covered == 0)
        return ERR_OK;
    if ((e = merkle_root(&source, b->covered, claim.root)))
        return e;
    memcpy(claim.federation, c->n->self.federation, ID_BYTES);
    memcpy(claim.hub, c->hub, ID_BYTES);
    memcpy(claim.org, c->n->self.org, ID_BYTES);
    memcpy(claim.node, c->n->self.node, ID_BYTES);
    if ((e = ack_digest(&claim, digest)))
        return e;
    out->count = claim.count;
    memcpy(out->root, claim.root, sizeof out->root);
    out->is_signed = true;
    return sign_digest(SIGN_ACK, c->n->sign, digest, out->sig);
}

static enum err ack(struct courier *c, struct batch *b)
{
    struct message m = {.type = MSG_ACK};
    enum err e = ack_sign(c, b, &m.ack);

    if (!e)
        e = courier_send(c, &m);
    if (!e)
        c->acked = b->upto;
    return e;
}

/* --- all of it
 * ------------------------------------------------------------------------------------ */

void batch_flush(struct courier *c)
{
    struct batch b = {0};
    enum err e;

    if (rekey_silent(c) || keys_first(c))
        return;
    e = keep(c, &b);
    if (e == ERR_SPLIT_VIEW || e == ERR_ROLLBACK) {
        if (!c->n->alarm &&
            contacts_alarm(c->n, e, span_text("delivery"), span_text(""), bytes_span(&c->batch[0])))
            log_error("node.alarm.unwritten", "why=%s", err_name(e));
        courier_stop(c, e, false);
        return;
    }
    c->full = e == ERR_FULL;
    if (e) { /* not on disk: nothing is acknowledged, the hub delivers it again */
        c->count.failed_batches++;
        log_error("delivery.not_kept", "why=%s items=%zu", err_name(e), c->batch_count);
        courier_fault(c, err_name(e));
        return;
    }
    c->count.delivered += c->batch_count;
    if (b.upto > c->last_seq)
        c->last_seq = b.upto;
    batch_drop(c);
    if ((e = ack(c, &b))) {
        courier_down(c, err_name(e));
        return;
    }
    courier_want_work(c);
}

bool courier_full(const struct courier *c, uint64_t *waiting)
{
    if (!c || !c->full)
        return false;
    *waiting = c->head_seq > c->last_seq ? c->head_seq - c->last_seq : 1;
    return true;
}
