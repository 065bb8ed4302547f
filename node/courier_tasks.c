/* Requests that wait for an answer: sent again with a growing, jittered wait until it is final
 * (PROTOCOL.md 11). */
#include <stdlib.h>
#include <string.h>

#include "courier_internal.h"

struct task *task_make(struct courier *c, enum task_kind kind, struct span key)
{
    struct task_id id;
    struct task *x;

    memset(&id, 0, sizeof id); /* hashed whole */
    id.kind = (uint8_t)kind;
    memcpy(id.key, key.ptr, key.len);
    HASH_FIND(hh, c->tasks, &id, sizeof id, x);
    if (x || !(x = calloc(1, sizeof *x)))
        return x;
    x->id = id;
    x->wait_ms = c->n->settings.retry_ms;
    HASH_ADD(hh, c->tasks, id, sizeof x->id, x);
    if (!x->hh.tbl) {
        free(x);
        return NULL;
    }
    return x;
}

void task_land(struct courier *c, struct task *x)
{
    if (x->flying)
        c->flying[x->id.kind]--;
    x->flying = false;
}

void task_end(struct courier *c, struct task *x)
{
    task_land(c, x);
    HASH_DEL(c->tasks, x);
    free(x);
}

void task_again(struct courier *c, struct task *x)
{
    uint64_t most = c->n->settings.retry_max_ms;

    task_land(c, x);
    x->due_ms = courier_mono(c) + courier_jitter(c, x->wait_ms);
    x->wait_ms = 2 * x->wait_ms < most ? 2 * x->wait_ms : most;
}

void task_now(struct courier *c, struct task *x)
{
    task_land(c, x);
    x->due_ms = 0;
    courier_want_work(c);
}

bool task_due(const struct courier *c, const struct task *x)
{
    return x && !x->flying && courier_mono(c) >= x->due_ms;
}

struct task *task_of_req(const struct courier *c, uint64_t req)
{
    struct task *x;
    struct task *next;

    HASH_ITER (hh, c->tasks, x, next)
        if (x->flying && x->req == req)
            return x;
    return NULL;
}

void tasks_landed(struct courier *c)
{
    struct task *x;
    struct task *next;

    HASH_ITER (hh, c->tasks, x, next) {
        task_land(c, x);
        x->due_ms = 0;
    }
}

void tasks_time(struct courier *c)
{
    struct task *x;
    struct task *next;

    HASH_ITER (hh, c->tasks, x, next)
        if (x->flying && courier_mono(c) >= x->due_ms)
            task_again(c, x);
}

void tasks_free(struct courier *c)
{
    struct task *x;
    struct task *next;

    HASH_ITER (hh, c->tasks, x, next)
        task_end(c, x);
}

/* ERR_BUSY: no place on the wire now; the task stays due. */
enum err task_send(struct courier *c, struct task *x, struct message *m, uint64_t *req)
{
    uint64_t number = ++c->next_req;
    enum err e;

    *req = number;
    if ((e = courier_send(c, m))) {
        x->due_ms = courier_mono(c) + courier_jitter(c, x->wait_ms);
        return e;
    }
    x->req = number;
    x->flying = true;
    x->tries++;
    x->due_ms = courier_mono(c) + x->wait_ms;
    c->flying[x->id.kind]++;
    return ERR_OK;
}

struct task *task_find(const struct courier *c, enum task_kind kind)
{
    struct task_id id;
    struct task *x;

    memset(&id, 0, sizeof id);
    id.kind = (uint8_t)kind;
    HASH_FIND(hh, c->tasks, &id, sizeof id, x);
    return x;
}
