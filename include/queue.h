/*
 * queue - bounded FIFO of pointers: how threads give work to each other.
 *
 * Any number of threads push and pop. queue_push() never waits: a full queue answers ERR_BUSY and
 * the item stays the caller's. An item belongs to the queue from ERR_OK of a push until a pop
 * hands it out; queue_free() does not free items, so drain first. queue_fd() is readable while
 * the queue holds something or is closed, so that an event loop can wait on it.
 *
 * After queue_close() pushes answer ERR_CLOSED at once; pops hand out what is left, then answer
 * ERR_CLOSED. Waiters wake. Close, join the threads, drain, free: in this order.
 */
#ifndef RELAIS_QUEUE_H
#define RELAIS_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum {
    QUEUE_FOREVER = -1
}; /* as wait_ms */

struct queue;

struct queue_counters {
    uint64_t pushed;
    uint64_t popped;
    uint64_t refused; /* ERR_BUSY and timed-out pushes */
    size_t depth;     /* now */
    size_t deepest;   /* ever */
};

enum err queue_new(size_t most, struct queue **out); /* room for `most` >= 1 items */
void queue_free(struct queue *q);                    /* NULL is fine; nobody may wait on it */

enum err queue_push(struct queue *q, void *item);                       /* ERR_BUSY, ERR_CLOSED */
enum err queue_push_wait(struct queue *q, void *item, int64_t wait_ms); /* ERR_TIMEOUT, _CLOSED */

enum err queue_pop(struct queue *q, void **item);                       /* ERR_AGAIN, ERR_CLOSED */
enum err queue_pop_wait(struct queue *q, void **item, int64_t wait_ms); /* ERR_TIMEOUT, _CLOSED */

/* For a group commit: waits up to wait_ms for a first item, then up to linger_us more for the
 * group to reach `most`. ERR_OK: 1..most items in out[], *count says how many.
 * ERR_TIMEOUT, ERR_CLOSED: none. */
enum err queue_pop_many(struct queue *q, void **out, size_t most, int64_t wait_ms,
                        uint64_t linger_us, size_t *count);

void queue_close(struct queue *q);   /* again is fine */
int queue_fd(const struct queue *q); /* poll it for input; never read it; lives as long as q */
struct queue_counters queue_counters(struct queue *q);

#endif
