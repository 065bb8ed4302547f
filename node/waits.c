/* Calls that wait for the hub's word (commands.h). */
#include <stdlib.h>
#include <string.h>

#include "commands_internal.h"
#include "courier.h"
#include "log.h"

#define WAITS_MAX CONTROL_CONNECTIONS_MAX

struct wait {
    struct call *call;
    uint8_t id[ID_BYTES];
    uint64_t until_ms;
    settle_fn *settled;
};
struct waits {
    size_t count;
    struct wait list[WAITS_MAX];
};

enum err waits_open(struct waits **out)
{
    struct waits *w = calloc(1, sizeof *w);

    if (!w)
        return ERR_NOMEM;
    *out = w;
    return ERR_OK;
}

void call_stands(struct call *c)
{
    c->waits = true;
}

void call_end(struct call *c, enum err why)
{
    enum err e = control_answer(c->request, call_answer(c, why));

    if (e && e != ERR_CLOSED)
        log_limited(LEVEL_INFO, "control.unanswered", "why=%s", err_name(e));
    standing_free((struct standing_call *)c); /* its first member: command_run() made it */
}

void waits_close(struct waits *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->count; i++)
        call_end(w->list[i].call, ERR_STOPPING);
    free(w);
}

/* Time that is up is no refusal: what was written is kept, and will be sent. */
static void end(struct node *n, struct wait *x, enum err why)
{
    x->settled(n, x->call, x->id, why);
    call_end(x->call, why == ERR_OFFLINE ? ERR_OK : why);
}

enum err call_wait(struct node *n, struct call *c, const uint8_t id[ID_BYTES], uint64_t wait_ms,
                   settle_fn *settled)
{
    struct waits *w = n->waits;
    struct wait *x;

    if (!c->request || wait_ms == 0 || w->count == WAITS_MAX ||
        courier_state(n->courier) != COURIER_READY) {
        settled(n, c, id, ERR_OFFLINE);
        return ERR_OK;
    }
    x = &w->list[w->count++];
    x->call = c;
    memcpy(x->id, id, ID_BYTES);
    x->until_ms = clock_mono_ms(n->clock) + wait_ms;
    x->settled = settled;
    call_stands(c);
    return ERR_OK;
}

static void take_out(struct node *n, size_t i, enum err why)
{
    struct waits *w = n->waits;
    struct wait x = w->list[i];

    w->list[i] = w->list[--w->count];
    end(n, &x, why);
}

void waits_settle(struct node *n, const uint8_t id[ID_BYTES], enum err why)
{
    struct waits *w = n->waits;

    for (size_t i = w->count; i-- > 0;)
        if (memcmp(w->list[i].id, id, ID_BYTES) == 0)
            take_out(n, i, why);
}

void waits_tick(struct node *n)
{
    struct waits *w = n->waits;
    uint64_t now_ms = clock_mono_ms(n->clock);

    for (size_t i = w->count; i-- > 0;)
        if (now_ms >= w->list[i].until_ms)
            take_out(n, i, ERR_OFFLINE);
}
