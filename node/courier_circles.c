/* A restored hub may have lost the end of a circle's chain: whoever holds it offers it again, byte
 * for byte and whoever its author is, from the last statement back to where the hub stands, then
 * forward (PROTOCOL.md 10.5). */
#include <string.h>

#include "circles.h"
#include "contacts.h"
#include "courier_internal.h"
#include "log.h"
#include "statement.h"

struct doubtful {
    const struct node *n;
    size_t count;
    uint8_t handle[OTHERS_FLYING_MAX][ID_BYTES];
};

static enum err gather(void *arg, const struct circle_info *i)
{
    struct doubtful *d = arg;

    if (!circle_is_doubtful(d->n, i))
        return ERR_OK;
    memcpy(d->handle[d->count++], i->handle, ID_BYTES);
    return d->count == OTHERS_FLYING_MAX ? ERR_ENOUGH : ERR_OK;
}

static void settle(struct courier *c, struct task *x)
{
    enum err e = circle_settled(c->n, x->id.key);

    if (e) {
        log_limited(LEVEL_WARN, "circle.settle", "why=%s", err_name(e));
        task_again(c, x);
        return;
    }
    task_end(c, x);
    courier_want_work(c);
}

/* The statement to offer and how many we hold. ERR_NOT_FOUND: we hold none. */
static enum err statement_at(struct courier *c, struct task *x, struct bytes *ss, uint32_t *size)
{
    struct circle *circle = NULL;
    struct txn *t = NULL;
    enum err e = store_begin(c->n->store, TXN_READ, &t);

    if (!e && !(e = circles_get(c->n, t, x->id.key, &circle))) {
        *size = circle_size(circle);
        if (x->tries == 0 || x->from >= *size)
            x->from = *size - 1;
        e = circles_statement(c->n, t, x->id.key, (uint32_t)x->from, ss);
    }
    store_abort(&t);
    return e;
}

static void offer(struct courier *c, const uint8_t handle[ID_BYTES])
{
    struct task *x = task_make(c, TASK_RESTATE, span_of(handle, ID_BYTES));
    struct message m = {.type = MSG_DECLARE};
    struct bytes ss = {0};
    uint32_t size;
    enum err e;

    if (!task_due(c, x))
        return;
    e = statement_at(c, x, &ss, &size);
    if (e == ERR_NOT_FOUND) {
        settle(c, x);
    } else if (e) {
        log_limited(LEVEL_WARN, "circle.restate", "why=%s", err_name(e));
        task_again(c, x);
    } else {
        m.statement.ss = bytes_span(&ss);
        if ((e = task_send(c, x, &m, &m.statement.req)))
            log_limited(LEVEL_DEBUG, "courier.unsent", "what=restate why=%s", err_name(e));
    }
    seal_bytes_free(&ss);
}

void restates_work(struct courier *c)
{
    struct doubtful d = {.n = c->n};
    struct txn *t = NULL;
    enum err e = store_begin(c->n->store, TXN_READ, &t);

    if (!e)
        e = circle_info_each(c->n, t, gather, &d);
    store_abort(&t);
    if (e)
        log_limited(LEVEL_WARN, "circles.doubtful", "why=%s", err_name(e));
    for (size_t i = 0; i < d.count; i++)
        offer(c, d.handle[i]);
}

/* The receipt is about what we offered, or it is none. */
static enum err receipt_of(struct courier *c, struct span ss, struct span receipt)
{
    uint8_t link[STMT_LINK_BYTES];
    struct receipt_facts facts;
    struct receipt r;
    struct statement st;
    enum err e;

    if ((e = receipt_decode(receipt, &r)) || (e = contacts_receipt(c->n, &r, &facts)) ||
        (e = statement_parse(ss, &st)) || (e = statement_link(st.stmt, link)))
        return e;
    if (facts.type != AUDIT_STATEMENT || memcmp(link, facts.detail.statement, sizeof link) != 0)
        return ERR_PROOF;
    return ERR_OK;
}

void restated(struct courier *c, struct task *x, struct span receipt)
{
    struct bytes ss = {0};
    uint32_t size = 0;
    enum err e = statement_at(c, x, &ss, &size);

    if (!e)
        e = receipt_of(c, bytes_span(&ss), receipt);
    seal_bytes_free(&ss);
    if (e) {
        log_limited(LEVEL_WARN, "receipt.not_kept", "why=%s", err_name(e));
        task_again(c, x);
    } else if (x->from + 1 >= size) {
        settle(c, x);
    } else {
        x->from++;
        task_now(c, x);
    }
}

void restate_refused(struct courier *c, struct task *x, const struct msg_err *m, enum err why)
{
    bool told = why == ERR_STALE_HEAD && m->extra == EXTRA_HEAD;

    if (told && m->head_n + 1 < x->from) {
        x->from = m->head_n + 1; /* from there on it has lost them */
        task_now(c, x);
        return;
    }
    if (!told && x->from > 0 &&
        (why == ERR_NOT_IN_CIRCLE || why == ERR_FORMER_MEMBER || why == ERR_STALE_HEAD)) {
        x->from = 0; /* it does not know us there: from the beginning, what it has it answers */
        task_now(c, x);
        return;
    }
    log_warn("circle.not_restated", "n=%llu why=%s", (unsigned long long)x->from, err_name(why));
    settle(c, x);
}
