#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "queue.h"

enum {
    US_PER_MS = 1000,
    NS_PER_US = 1000,
    US_PER_S = 1000000,
    NS_PER_S = 1000000000
};

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t some; /* an item came, or closed */
    pthread_cond_t many; /* `goal` items are there, or closed */
    pthread_cond_t room; /* an item went, or closed */
    size_t goal;         /* smallest group somebody lingers for; 0: nobody does */
    int fd;
    bool closed;
    bool readable; /* the state of fd */
    struct queue_counters count;
    size_t most;
    size_t first;
    void *item[];
};

/* Deadlines are on the monotonic clock: a wall clock set back must not stop a group commit. */
static struct timespec deadline_in(uint64_t us)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(us / US_PER_S);
    t.tv_nsec += (long)(us % US_PER_S) * NS_PER_US;
    if (t.tv_nsec >= NS_PER_S) {
        t.tv_nsec -= NS_PER_S;
        t.tv_sec++;
    }
    return t;
}

/* False once the deadline has passed. A negative wait_ms has none. */
static bool wait_on(pthread_cond_t *cond, struct queue *q, int64_t wait_ms,
                    const struct timespec *deadline)
{
    if (wait_ms < 0)
        return pthread_cond_wait(cond, &q->mutex) == 0;
    return pthread_cond_timedwait(cond, &q->mutex, deadline) == 0;
}

static struct timespec deadline_of(int64_t wait_ms)
{
    return deadline_in(wait_ms > 0 ? (uint64_t)wait_ms * US_PER_MS : 0);
}

/* The descriptor follows "not empty, or closed". Neither call can fail or block: the counter of a
 * non-blocking eventfd is 0 or 1 here. */
static void show(struct queue *q)
{
    bool want = q->count.depth > 0 || q->closed;
    eventfd_t drained;

    if (want == q->readable)
        return;
    if (want)
        eventfd_write(q->fd, 1);
    else
        eventfd_read(q->fd, &drained);
    q->readable = want;
}

static enum err cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;
    int failed;

    if (pthread_condattr_init(&monotonic) != 0)
        return ERR_NOMEM;
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    failed = pthread_cond_init(cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return failed ? ERR_NOMEM : ERR_OK;
}

enum err queue_new(size_t most, struct queue **out)
{
    struct queue *q;

    if (most == 0 || most > (SIZE_MAX - sizeof *q) / sizeof(void *))
        return ERR_RANGE;
    q = calloc(1, sizeof *q + most * sizeof(void *));
    if (!q)
        return ERR_NOMEM;
    q->most = most;
    q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    /* On Linux the init calls below allocate nothing and only fail for lack of memory. */
    if (q->fd < 0 || pthread_mutex_init(&q->mutex, NULL) != 0 || cond_init(&q->some) ||
        cond_init(&q->many) || cond_init(&q->room)) {
        if (q->fd >= 0)
            close(q->fd);
        free(q);
        return ERR_NOMEM;
    }
    *out = q;
    return ERR_OK;
}

void queue_free(struct queue *q)
{
    if (!q)
        return;
    close(q->fd);
    pthread_cond_destroy(&q->some);
    pthread_cond_destroy(&q->many);
    pthread_cond_destroy(&q->room);
    pthread_mutex_destroy(&q->mutex);
    free(q);
}

/* ---- under the mutex ---- */

static void put(struct queue *q, void *item)
{
    q->item[(q->first + q->count.depth) % q->most] = item;
    q->count.depth++;
    q->count.pushed++;
    if (q->count.depth > q->count.deepest)
        q->count.deepest = q->count.depth;
    show(q);
    pthread_cond_signal(&q->some);
    if (q->goal > 0 && q->count.depth >= q->goal)
        pthread_cond_broadcast(&q->many);
}

static size_t get(struct queue *q, void **out, size_t most)
{
    size_t n = 0;

    for (; n < most && q->count.depth > 0; n++) {
        out[n] = q->item[q->first];
        q->first = (q->first + 1) % q->most;
        q->count.depth--;
    }
    q->count.popped += n;
    show(q);
    if (n == 1)
        pthread_cond_signal(&q->room);
    else if (n > 1)
        pthread_cond_broadcast(&q->room);
    return n;
}

static enum err wait_for_some(struct queue *q, int64_t wait_ms)
{
    struct timespec deadline = deadline_of(wait_ms);

    while (q->count.depth == 0 && !q->closed)
        if (!wait_on(&q->some, q, wait_ms, &deadline) && q->count.depth == 0 && !q->closed)
            return ERR_TIMEOUT;
    return q->count.depth > 0 ? ERR_OK : ERR_CLOSED;
}

/* A lingering consumer sleeps until its group is complete, not once for every item. */
static void linger(struct queue *q, size_t goal, uint64_t linger_us)
{
    struct timespec deadline = deadline_in(linger_us);

    if (goal > q->most)
        goal = q->most;
    while (q->count.depth > 0 && q->count.depth < goal && !q->closed) {
        if (q->goal == 0 || q->goal > goal)
            q->goal = goal;
        if (pthread_cond_timedwait(&q->many, &q->mutex, &deadline) != 0)
            break;
    }
    q->goal = 0;
    pthread_cond_broadcast(&q->many); /* whoever else lingers states its goal again */
}

/* ---- the contract ---- */

enum err queue_push(struct queue *q, void *item)
{
    enum err e = ERR_OK;

    pthread_mutex_lock(&q->mutex);
    if (q->closed) {
        e = ERR_CLOSED;
    } else if (q->count.depth == q->most) {
        q->count.refused++;
        e = ERR_BUSY;
    } else {
        put(q, item);
    }
    pthread_mutex_unlock(&q->mutex);
    return e;
}

enum err queue_push_wait(struct queue *q, void *item, int64_t wait_ms)
{
    struct timespec deadline = deadline_of(wait_ms);
    enum err e = ERR_OK;

    pthread_mutex_lock(&q->mutex);
    while (q->count.depth == q->most && !q->closed)
        if (!wait_on(&q->room, q, wait_ms, &deadline))
            break;
    if (q->closed) {
        e = ERR_CLOSED;
    } else if (q->count.depth == q->most) {
        q->count.refused++;
        e = ERR_TIMEOUT;
    } else {
        put(q, item);
    }
    pthread_mutex_unlock(&q->mutex);
    return e;
}

enum err queue_pop(struct queue *q, void **item)
{
    enum err e = ERR_OK;

    pthread_mutex_lock(&q->mutex);
    if (get(q, item, 1) == 0)
        e = q->closed ? ERR_CLOSED : ERR_AGAIN;
    pthread_mutex_unlock(&q->mutex);
    return e;
}

enum err queue_pop_wait(struct queue *q, void **item, int64_t wait_ms)
{
    size_t n;

    return queue_pop_many(q, item, 1, wait_ms, 0, &n);
}

enum err queue_pop_many(struct queue *q, void **out, size_t most, int64_t wait_ms,
                        uint64_t linger_us, size_t *count)
{
    enum err e = most > 0 ? ERR_OK : ERR_RANGE;
    size_t n = 0;

    pthread_mutex_lock(&q->mutex);
    while (!e && n == 0) { /* another consumer may take all of a group while this one lingers */
        if ((e = wait_for_some(q, wait_ms)))
            break;
        if (linger_us > 0)
            linger(q, most, linger_us);
        n = get(q, out, most);
    }
    pthread_mutex_unlock(&q->mutex);
    if (!e)
        *count = n;
    return e;
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->mutex);
    q->closed = true;
    show(q);
    pthread_cond_broadcast(&q->some);
    pthread_cond_broadcast(&q->many);
    pthread_cond_broadcast(&q->room);
    pthread_mutex_unlock(&q->mutex);
}

int queue_fd(const struct queue *q)
{
    return q->fd;
}

struct queue_counters queue_counters(struct queue *q)
{
    struct queue_counters c;

    pthread_mutex_lock(&q->mutex);
    c = q->count;
    pthread_mutex_unlock(&q->mutex);
    return c;
}
