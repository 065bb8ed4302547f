/* Many envelopes that wait to be sealed: one commit, one signature (PROTOCOL.md 5.3). */
#include <stdlib.h>
#include <string.h>

#include "circles.h"
#include "envelope.h"
#include "outrow.h"
#include "witness.h"

struct bundle {
    size_t count;
    struct out_row *rows; /* owned, OUTBOX_BATCH_MAX of them */
    struct bytes sealed[OUTBOX_BATCH_MAX];
};

static enum err bundle_new(struct bundle **out)
{
    struct bundle *b = calloc(1, sizeof *b);

    if (b)
        b->rows = calloc(OUTBOX_BATCH_MAX, sizeof *b->rows);
    if (!b || !b->rows) {
        free(b);
        return ERR_NOMEM;
    }
    *out = b;
    return ERR_OK;
}

static void bundle_free(struct bundle *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < OUTBOX_BATCH_MAX; i++)
        bytes_free(&b->sealed[i]);
    free(b->rows);
    free(b);
}

static enum err bundle_add(struct node *n, struct txn *t, struct bundle *b,
                           const uint8_t mid[ID_BYTES])
{
    struct out_row *row = &b->rows[b->count];
    bool behind;
    enum err e = out_row_get(n, t, mid, row);

    if (e || row->status.state != OUT_TO_SEAL)
        return e;
    if ((e = act_unsettled(n, t, row->header.circle, &behind)))
        return e;
    b->count += behind ? 0 : 1;
    return ERR_OK;
}

static enum err bundle_gather(struct node *n, struct txn *t, struct bundle *b,
                              const uint8_t (*mids)[ID_BYTES], size_t count)
{
    enum err e;

    for (size_t i = 0; i < count && b->count < OUTBOX_BATCH_MAX; i++)
        if ((e = bundle_add(n, t, b, mids[i])))
            return e;
    return ERR_OK;
}

/* Seals all; those that end here stay without bytes. */
static enum err bundle_seal(struct node *n, struct txn *t, struct bundle *b)
{
    enum err e;

    for (size_t i = 0; i < b->count; i++) {
        b->rows[i].header.sign = ENVELOPE_SIGN_BATCH;
        if ((e = out_row_seal(n, t, &b->rows[i], &b->sealed[i])))
            return e;
    }
    return ERR_OK;
}

/* One that is left alone has nothing to share a signature with. */
static enum err seal_alone(struct node *n, struct txn *t, struct out_row *row, struct bytes *sealed)
{
    row->header.sign = ENVELOPE_SIGN_SINGLE;
    return out_row_seal(n, t, row, sealed);
}

static enum err bundle_sign(struct node *n, struct txn *t, struct bundle *b)
{
    uint8_t digests[OUTBOX_BATCH_MAX][DIGEST_BYTES];
    struct bytes list[OUTBOX_BATCH_MAX] = {0};
    size_t place[OUTBOX_BATCH_MAX];
    size_t k = 0;
    enum err e;

    for (size_t i = 0; i < b->count; i++) {
        if (b->sealed[i].len == 0)
            continue;
        memcpy(digests[k], b->rows[i].digest, DIGEST_BYTES);
        place[k++] = i;
    }
    if (k == 0)
        return ERR_OK;
    if (k == 1)
        return seal_alone(n, t, &b->rows[place[0]], &b->sealed[place[0]]);
    for (size_t i = 0; i < k; i++)
        list[i] = b->sealed[place[i]];
    e = envelope_sign_batch(n->sign, n->self.org, (const uint8_t(*)[DIGEST_BYTES])digests, k, list);
    for (size_t i = 0; i < k; i++)
        b->sealed[place[i]] = list[i];
    return e;
}

static enum err bundle_keep(struct node *n, struct txn *t, struct bundle *b)
{
    enum err e;

    for (size_t i = 0; i < b->count; i++)
        if (b->sealed[i].len > 0 && (e = out_row_sealed(n, t, &b->rows[i], &b->sealed[i])))
            return e;
    return ERR_OK;
}

enum err outbox_batch(struct node *n, const uint8_t (*mids)[ID_BYTES], size_t count)
{
    struct bundle *b = NULL;
    struct txn *t = NULL;
    enum err e;

    if (count < BATCH_MIN || witness_may_seal(n) || n->rekey.phase == REKEY_DRAINING)
        return ERR_OK;
    if ((e = bundle_new(&b)))
        return e;
    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        goto out;
    if ((e = bundle_gather(n, t, b, mids, count)) || b->count < BATCH_MIN)
        goto out;
    if ((e = bundle_seal(n, t, b)) || (e = bundle_sign(n, t, b)) || (e = bundle_keep(n, t, b)))
        goto out;
    if ((e = node_commit(n, &t)))
        goto out;
    for (size_t i = 0; i < b->count; i++)
        if (b->sealed[i].len == 0)
            out_row_settled(n, &b->rows[i]);
out:
    node_abort(n, &t);
    bundle_free(b);
    return e;
}
