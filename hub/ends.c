/* How a message ends without being delivered: held back, expired, recalled. Both sides are told by
 * a receipt, and what is left of the item goes (PROTOCOL.md 11, 12). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "attached.h"
#include "deputy.h"
#include "lasting.h"
#include "log.h"
#include "operators.h"
#include "warnings.h"

/* Signed by a member, who is then named with his key: the hub alone could not have made it. */
static void act_name(const struct statement *act, struct detail *d)
{
    d->has |=
        RD_KEY(DETAIL_BY_ORG) | RD_KEY(DETAIL_KID) | RD_KEY(DETAIL_SIG) | RD_KEY(DETAIL_ABOUT);
    memcpy(d->by_org, act->sig[0].org, sizeof d->by_org);
    memcpy(d->kid, act->sig[0].kid, sizeof d->kid);
    memcpy(d->sig, act->sig[0].sig, sizeof d->sig);
    d->about = act->stmt;
}

static enum err end_log(struct core *c, const struct item *it, const struct mailbox *m,
                        const struct ending *how, uint64_t *index)
{
    struct detail d = {.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_DIGEST) | RD_KEY(DETAIL_FROM) |
                              RD_KEY(DETAIL_CIRCLE) | RD_KEY(DETAIL_TO) | RD_KEY(DETAIL_CODE),
                       .to_count = 1,
                       .code = how->code};

    memcpy(d.mid, it->mid, sizeof d.mid);
    memcpy(d.digest, it->digest, sizeof d.digest);
    memcpy(d.from, it->from, sizeof d.from);
    memcpy(d.circle, it->circle, sizeof d.circle);
    memcpy(d.to[0], m->who.org, sizeof d.to[0]);
    if (how->act)
        act_name(how->act, &d);
    return audit_add(c, how->type, &d, index);
}

enum err item_end(struct core *c, struct item *it, uint32_t number, const struct ending *how)
{
    struct mailbox *m = mailbox_of(c, number);
    struct ended ended;
    bool issued;
    enum err e;

    if (!m)
        return ERR_INTERNAL;
    if ((e = attached_end(c, it, number)))
        return e;
    ended.had = it->seq <= m->may_have;
    issued = mailbox_end(m, it->seq);
    if ((e = end_log(c, it, m, how, &ended.index)))
        return e;
    if ((e = ended_put(c, it->mid, m->who.org, how->type, &ended)))
        return e;
    if ((e = item_done(c, it, number, issued ? ITEM_ENDED_ISSUED : ITEM_ENDED)))
        return e;
    if ((e = item_add_receipt(c, it->sender, it->from, ended.index, NULL)))
        return e;
    if ((e = item_add_receipt(c, number, it->from, ended.index, NULL)))
        return e;
    return item_settle(c, it->seq);
}

/* A statement (its chain can still be asked for) or a receipt (its leaf is still there) whose bytes
 * are lost: there is nobody to answer to but the operator. */
static enum err item_drop(struct core *c, struct item *it, uint32_t number)
{
    enum err e;

    mailbox_end(mailbox_of(c, number), it->seq);
    if ((e = item_done(c, it, number, ITEM_ENDED)))
        return e;
    return item_settle(c, it->seq);
}

enum err item_hold(struct core *c, struct item *it, uint32_t number, enum err why)
{
    if (why == ERR_CORRUPT) {
        log_error("item.damaged", "seq=%" PRIu64 " kind=%u", it->seq, (unsigned)it->kind);
        c->count.damaged++;
    }
    if (it->kind != DELIVER_ENVELOPE)
        return item_drop(c, it, number);
    c->count.held++;
    return item_end(c, it, number, &(struct ending){AUDIT_HELD, why, NULL});
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
            e = item_hold(c, &it, h->number, h->why);
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

/* --- what is on its way when its circle narrows -------------------------------------------- */

static enum err issued_one(struct core *c, struct mailbox *m, uint64_t seq,
                           const uint8_t handle[ID_BYTES])
{
    struct span body;
    struct item it;
    enum err e = item_read(c->t, seq, &it);

    if (e || it.kind != DELIVER_ENVELOPE || memcmp(it.circle, handle, ID_BYTES) != 0)
        return e;
    e = item_body(c->t, seq, &body);
    if (!e)
        e = item_judge(c, m, body);
    if (e == ERR_OPEN) /* nobody can judge it any more */
        e = ERR_CORRUPT;
    else if (!item_is_held_for(e))
        return e;
    return item_hold(c, &it, m->who.number, e);
}

enum err issued_judge(struct core *c, const uint8_t handle[ID_BYTES], const uint8_t org[ID_BYTES])
{
    const struct directory_org *o = directory_find_org(c->dir, org);
    uint32_t i = o ? o->newest_node : DIRECTORY_NONE;
    enum err e = ERR_OK;

    while (i != DIRECTORY_NONE) {
        const struct directory_node *n = directory_node(c->dir, i);
        struct mailbox *m = mailbox_of(c, (uint32_t)n->enrolled_at);

        for (size_t k = 0; m && m->open && k < m->out; k++) { /* entries that end stay in place */
            const struct entry *at = &m->ring[(m->head + k) & (m->cap - 1)];

            if (!at->ended && (e = issued_one(c, m, at->seq, handle)))
                return e;
        }
        i = n->previous_of_org;
    }
    return ERR_OK;
}

/* --- expiry ---------------------------------------------------------------------------------- */

struct expiring {
    struct core *c;
    uint64_t seqs[64];
    size_t n;
    uint64_t next; /* where the next slice begins */
};

/* The hub ended while the ACK was awaited that this item stayed for. */
static bool is_left_over(const struct item *it)
{
    for (size_t i = 0; i < it->count; i++)
        if (it->done[i] == ITEM_ENDED_ISSUED)
            return true;
    return false;
}

static enum err expiring_visit(void *arg, const struct item *it)
{
    struct expiring *x = arg;

    x->next = it->seq + 1;
    if ((it->exp_ms != 0 && it->exp_ms < x->c->now_ms) || is_left_over(it) ||
        item_is_orphan(x->c, it))
        x->seqs[x->n++] = it->seq;
    return x->n == sizeof x->seqs / sizeof x->seqs[0] ? ERR_ENOUGH : ERR_OK;
}

static enum err expire_one(struct core *c, uint64_t seq)
{
    struct item it;
    enum err e = item_read(c->t, seq, &it);

    if (e)
        return e;
    for (size_t i = 0; i < it.count && it.exp_ms != 0 && it.exp_ms < c->now_ms; i++) {
        const struct mailbox *m = mailbox_of(c, it.to[i]);

        if (it.done[i] != ITEM_WAITS || !m || m->acked >= seq)
            continue;
        c->count.expired++;
        if ((e = item_end(c, &it, it.to[i], &(struct ending){AUDIT_EXPIRED, ERR_EXPIRED, NULL})))
            return e;
    }
    return item_forsake(c, &it);
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
    /* nothing is lost by waiting until it is sure what time it is */
    if (clock_steady(c) && ((e = sweep(c)) || (e = deputies_sweep(c)) || (e = seen_sweep(c)) ||
                            (e = silence_look(c)) || (e = operators_sweep(c)) ||
                            (e = attached_sweep(c)) || (e = lasting_sweep(c))))
        return e;
    figures_tick(c);
    return heads_tell_due(c);
}
