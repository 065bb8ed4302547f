/* Other keys for this node, at the hub (rekey.h): the statement is offered when nothing else that
 * the former key has signed is under way, and the link made anew under the keys that the hub knows.
 */
#include <string.h>

#include "courier_internal.h"
#include "log.h"
#include "rekey.h"

bool rekey_silent(const struct courier *c)
{
    return c->n->rekey.phase == REKEY_OFFERED;
}

static bool signing_flies(const struct courier *c)
{
    static const enum task_kind kinds[] = {TASK_PUT,         TASK_DECLARE, TASK_REPORT,
                                           TASK_KEYS_PUT,    TASK_RECALL,  TASK_WITNESS_PUT,
                                           TASK_ABSENCE_PUT, TASK_RESTATE};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (c->flying[kinds[i]] > 0)
            return true;
    return c->batch_count > 0;
}

static void offer(struct courier *c)
{
    struct task *x = task_make(c, TASK_REKEY, span_text(""));
    struct message m = {.type = MSG_KEYS_PUT};
    struct bytes ss = {0};
    enum err e;

    if (!task_due(c, x))
        return;
    if (!(e = rekey_statement(c->n, &ss))) {
        m.statement.ss = bytes_span(&ss);
        e = task_send(c, x, &m, &m.statement.req);
    }
    bytes_free(&ss);
    if (e)
        log_limited(LEVEL_DEBUG, "courier.unsent", "what=rekey why=%s", err_name(e));
}

void rekey_work(struct courier *c)
{
    struct node *n = c->n;
    enum err e;

    if (contacts_keys_size(n) < c->keys_target || rekey_logged(n))
        return; /* the log first: perhaps it is there already */
    if (rekey_lost(n))
        c->rekey_why = ERR_NOT_FOUND;
    if (c->rekey_why) {
        if (!(e = rekey_abandon(n, c->rekey_why)))
            c->rekey_why = ERR_OK;
        else
            log_limited(LEVEL_WARN, "rekey.abandon", "why=%s", err_name(e));
        return;
    }
    if (n->rekey.phase == REKEY_DRAINING && !signing_flies(c)) {
        e = rekey_offer(n);
        if (e && e != ERR_AGAIN)
            log_limited(LEVEL_WARN, "rekey.offer", "why=%s", err_name(e));
    }
    if (n->rekey.phase == REKEY_OFFERED)
        offer(c);
}

static void link_under(struct courier *c, bool next_keys)
{
    const struct link_socket *former = c->link;
    bool before = c->next_keys;

    c->next_keys = next_keys;
    courier_link_anew(c);
    if (c->link == former)
        c->next_keys = before;
}

static void turn_to(struct courier *c, bool next_keys)
{
    courier_down(c, "other keys");
    link_under(c, next_keys);
    courier_enter(c, COURIER_DOWN, 0);
}

/* At the next tick: this may be a frame of the very link. */
void rekey_turn(struct courier *c)
{
    c->turn_due = true;
}

void rekey_other(struct courier *c)
{
    if (rekey_silent(c) && c->n->rekey.sign)
        link_under(c, !c->next_keys);
}

void rekey_tick(struct courier *c)
{
    bool under_next = c->next_keys;
    struct task *x = task_find(c, TASK_REKEY);
    enum err e;

    if (c->turn_due && rekey_silent(c) && c->n->rekey.sign)
        turn_to(c, true);
    c->turn_due = false;
    if (!rekey_logged(c->n))
        return;
    if ((e = rekey_settle(c->n))) {
        log_limited(LEVEL_ERROR, "rekey.settle", "why=%s", err_name(e));
        return;
    }
    c->next_keys = false; /* they are the node's own now */
    c->rekey_why = ERR_OK;
    if (x)
        task_end(c, x);
    if (under_next)
        courier_want_work(c);
    else
        turn_to(c, false);
}
