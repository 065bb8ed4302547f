/* How a message ends without being delivered: held back by the pump, or expired. Both sides are
 * told by a receipt, and what is left of the item goes (PROTOCOL.md 12). */
#include <stdlib.h>
#include <string.h>

#include "core.h"

static enum err end_for(struct core *c, struct item *it, uint32_t number, enum audit_type type,
                        enum err why)
{
    struct mailbox *m = mailbox_of(c, number);
    struct detail d = {.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_DIGEST) | RD_KEY(DETAIL_FROM) |
                              RD_KEY(DETAIL_CIRCLE) | RD_KEY(DETAIL_TO) | RD_KEY(DETAIL_CODE),
                       .to_count = 1,
                       .code = (uint32_t)why};
    struct envelope_view view;
    struct env_header header;
    struct span body;
    uint64_t index;
    enum err e;

    if (!m)
        return ERR_INTERNAL;
    if ((e = item_body(c->t, it->seq, &body)) || (e = envelope_parse(body, &view, &header, NULL)))
        return e;
    memcpy(d.mid, it->mid, sizeof d.mid);
    memcpy(d.digest, it->digest, sizeof d.digest);
    memcpy(d.from, it->from, sizeof d.from);
    memcpy(d.circle, header.circle, sizeof d.circle);
    memcpy(d.to[0], m->who.org, sizeof d.to[0]);
    if ((e = audit_add(c, type, &d, &index)))
        return e;
    if ((e = ended_put(c, it->mid, m->who.org, type, index)))
        return e;
    if ((e = item_done(c, it, number)))
        return e;
    if ((e = item_add_receipt(c, it->sender, index, NULL)))
        return e;
    if ((e = item_add_receipt(c, number, index, NULL)))
        return e;
    return item_settle(c, it->seq);
}

/* The list is the core's: what a failed group could not write is judged again by the next pump,
 * because reloading puts the entry back into its mailbox. */
enum err holds_write(struct core *c)
{
    enum err e = ERR_OK;

    while (c->holds && !e) {
        struct held *h = c->holds;
        struct item it;

        c->holds = h->next;
        e = item_read(c->t, h->seq, &it);
        if (!e)
            e = end_for(c, &it, h->number, AUDIT_HELD, h->why);
        c->count.held++;
        free(h);
    }
    return e;
}

void holds_forget(struct core *c)
{
    while (c->holds) {
        struct held *h = c->holds;

        c->holds = h->next;
        free(h);
    }
}

struct expiring {
    struct core *c;
    uint64_t seqs[64];
    size_t n;
    uint64_t next; /* where the next slice begins */
};

static enum err expiring_visit(void *arg, const struct item *it)
{
    struct expiring *x = arg;

    x->next = it->seq + 1;
    if (it->exp_ms != 0 && it->exp_ms < x->c->now_ms)
        x->seqs[x->n++] = it->seq;
    return x->n == sizeof x->seqs / sizeof x->seqs[0] ? ERR_ENOUGH : ERR_OK;
}

static enum err expire_one(struct core *c, uint64_t seq)
{
    struct item it;
    enum err e = item_read(c->t, seq, &it);

    if (e)
        return e;
    for (size_t i = 0; i < it.count; i++) {
        struct mailbox *m = mailbox_of(c, it.to[i]);

        if (it.done[i] || !m || m->acked >= seq)
            continue;
        mailbox_drop(m, seq);
        c->count.expired++;
        if ((e = end_for(c, &it, it.to[i], AUDIT_EXPIRED, ERR_EXPIRED)))
            return e;
    }
    return item_settle(c, seq);
}

#define SWEEP_SLICE 4096

/* A slice of the items at each tick, so that a full hub is not held up by its sweeping. */
static enum err sweep(struct core *c)
{
    struct expiring x = {.c = c, .next = c->sweep_at};
    enum err e = items_scan(c->t, c->sweep_at, SWEEP_SLICE, expiring_visit, &x);

    if (e)
        return e;
    c->sweep_at = x.next == c->sweep_at ? 0 : x.next;
    for (size_t i = 0; i < x.n; i++)
        if ((e = expire_one(c, x.seqs[i])))
            return e;
    return ERR_OK;
}

enum err on_tick(struct core *c, struct job *j)
{
    enum err e;

    (void)j;
    if ((e = sweep(c)))
        return e;
    if ((e = seen_sweep(c)))
        return e;
    figures_tick(c);
    return ERR_OK;
}
