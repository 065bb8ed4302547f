/* Which envelopes may be offered to the hub now (outbox.h). */
#include <assert.h>
#include <string.h>

#include "attach.h"
#include "circles.h"
#include "outrow.h"

#define LINES_MAX 512 /* recipients for whom a turn keeps a line */
static_assert(LINES_MAX >= RECIPIENTS_MAX, "the oldest envelope is in line for all of its own");

struct pending {
    struct node *n;
    struct txn *t;
    struct out_pending *list;
    size_t max;
    size_t count;
    size_t lines;
    uint8_t line[LINES_MAX][ID_BYTES]; /* recipients of what is older */
};

static bool in_line(const struct pending *p, const uint8_t org[ID_BYTES])
{
    for (size_t i = 0; i < p->lines; i++)
        if (memcmp(p->line[i], org, ID_BYTES) == 0)
            return true;
    return false;
}

/* Takes its place in the line of each recipient; whether it is the first in all of them. */
static bool line_up(struct pending *p, const struct env_header *h)
{
    bool first = true;

    for (size_t i = 0; i < h->to_count; i++) {
        if (in_line(p, h->to[i]))
            first = false;
        else
            memcpy(p->line[p->lines++], h->to[i], ID_BYTES);
    }
    return first;
}

static enum err pending_one(void *arg, struct span key, struct span value)
{
    struct pending *p = arg;
    struct out_pending *o;
    struct out_row row;
    bool behind;
    enum err e;

    (void)value;
    if (key.len != OUT_LIVE_BYTES)
        return ERR_CORRUPT;
    if (p->count == p->max || p->lines + RECIPIENTS_MAX > LINES_MAX)
        return ERR_ENOUGH;
    o = &p->list[p->count];
    memcpy(o->mid, key.ptr + OUT_LIVE_BYTES - ID_BYTES, ID_BYTES);
    if ((e = out_row_get(p->n, p->t, o->mid, &row)) ||
        (e = act_unsettled(p->n, p->t, row.header.circle, &behind)) || behind)
        return e;
    if (row.header.att_count > 0 && ((e = attach_blocks(p->t, o->mid, &behind)) || behind))
        return e; /* in line when the hub has its attachments */
    o->sealed = row.status.state == OUT_SEALED;
    o->first = line_up(p, &row.header);
    p->count++;
    return ERR_OK;
}

enum err outbox_pending(struct node *n, struct txn *t, struct out_pending *list, size_t max,
                        size_t *count)
{
    struct pending p = {.n = n, .t = t, .list = list, .max = max};
    enum err e =
        store_scan(t, TABLE_OUT_LIVE, span_text(""), span_text(""), SIZE_MAX, pending_one, &p);

    if (!e)
        *count = p.count;
    return e;
}
