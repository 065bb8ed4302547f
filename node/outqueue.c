/* Which envelopes may be offered to the hub now (outbox.h). */
#include <string.h>

#include "circles.h"
#include "outrow.h"

struct pending {
    struct node *n;
    struct txn *t;
    uint8_t (*mids)[ID_BYTES];
    size_t max;
    size_t count;
};

static enum err pending_one(void *arg, struct span key, struct span value)
{
    struct pending *p = arg;
    const uint8_t *mid;
    struct out_row row;
    bool behind;
    enum err e;

    (void)value;
    if (key.len != OUT_LIVE_BYTES)
        return ERR_CORRUPT;
    mid = key.ptr + OUT_LIVE_BYTES - ID_BYTES;
    if (p->count == p->max)
        return ERR_ENOUGH;
    if ((e = out_row_get(p->n, p->t, mid, &row)) ||
        (e = act_unsettled(p->n, p->t, row.header.circle, &behind)) || behind)
        return e;
    memcpy(p->mids[p->count++], mid, ID_BYTES);
    return ERR_OK;
}

enum err outbox_pending(struct node *n, struct txn *t, uint8_t (*mids)[ID_BYTES], size_t max,
                        size_t *count)
{
    struct pending p = {n, t, mids, max, 0};
    enum err e =
        store_scan(t, TABLE_OUT_LIVE, span_text(""), span_text(""), SIZE_MAX, pending_one, &p);

    if (!e)
        *count = p.count;
    return e;
}
