#include "fair.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HASH_NONFATAL_OOM 1 /* hh.tbl stays NULL then; without this uthash would exit */
#include <uthash.h>

#include "hub.h"

enum {
    MS_PER_S = 1000,
    NS_PER_MS = 1000000,
    NS_PER_S = 1000000000
};

/* In a list a flow has been granted what its coming turn is worth. */
struct flow {
    uint8_t org[ID_BYTES]; /* key */
    struct flow *next;     /* in its lane's ring */
    struct job *first, **end;
    uint64_t deficit;
    uint64_t group; /* the last that took from it, and what it cost */
    uint64_t spent;
    bool busy; /* handed out and not done: in no ring */
    UT_hash_handle hh;
};

struct ring {
    struct flow *first, **end;
};

struct fair {
    pthread_mutex_t mutex;
    pthread_cond_t some;
    bool exclusive;
    bool closed;
    bool woken;
    uint64_t wakes;
    struct flow *flows[LANES]; /* one for each organisation that ever spoke: as many as enrolled */
    struct ring ring[LANES];
    struct ring rests[LANES]; /* have had their share of the group that is taken now */
    uint64_t group;
    uint64_t share;
    size_t patient; /* of those in it, how many can wait, and since when the first of them does */
    struct timespec patient_since;
    struct fair_counters count;
};

enum err fair_new(bool exclusive, struct fair **out)
{
    struct fair *f = calloc(1, sizeof *f);
    pthread_condattr_t monotonic;

    if (!f)
        return ERR_NOMEM;
    f->exclusive = exclusive;
    for (int i = 0; i < LANES; i++) {
        f->ring[i].end = &f->ring[i].first;
        f->rests[i].end = &f->rests[i].first;
    }
    /* On Linux these allocate nothing and cannot fail. */
    pthread_mutex_init(&f->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&f->some, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *out = f;
    return ERR_OK;
}

static void flow_free(struct flow *w)
{
    while (w->first) {
        struct job *j = w->first;

        w->first = j->next;
        job_free(j);
    }
    free(w);
}

void fair_free(struct fair *f)
{
    struct flow *w;
    struct flow *next;

    if (!f)
        return;
    for (int i = 0; i < LANES; i++) {
        HASH_ITER (hh, f->flows[i], w, next) {
            HASH_DEL(f->flows[i], w);
            flow_free(w);
        }
    }
    pthread_cond_destroy(&f->some);
    pthread_mutex_destroy(&f->mutex);
    free(f);
}

/* ---- under the mutex ---- */

static uint64_t cost_of(const struct job *j)
{
    if (j->cost == 0)
        return JOB_COST_FIXED;
    return j->cost < JOB_COST_MAX ? j->cost : JOB_COST_MAX;
}

static void ring_append(struct ring *r, struct flow *w)
{
    w->next = NULL;
    *r->end = w;
    r->end = &w->next;
}

static void ring_prepend(struct ring *r, struct flow *w)
{
    w->next = r->first;
    r->first = w;
    if (!w->next)
        r->end = &w->next;
}

static struct flow *ring_pop(struct ring *r)
{
    struct flow *w = r->first;

    r->first = w->next;
    if (!r->first)
        r->end = &r->first;
    return w;
}

static struct flow *flow_of(struct fair *f, enum lane lane, const uint8_t *org)
{
    struct flow *w;

    HASH_FIND(hh, f->flows[lane], org, ID_BYTES, w);
    if (w)
        return w;
    if (!(w = calloc(1, sizeof *w)))
        return NULL;
    memcpy(w->org, org, ID_BYTES);
    w->end = &w->first;
    HASH_ADD(hh, f->flows[lane], org, ID_BYTES, w);
    if (w->hh.tbl)
        return w;
    free(w);
    return NULL;
}

/* Goes on with its turn if that is worth the next job too; else to the end, with a new grant. */
static void flow_return(struct fair *f, enum lane lane, struct flow *w)
{
    struct ring *r = &f->ring[lane];

    if (!w->first)
        return; /* at its next job it begins anew */
    if (w->group == f->group && w->spent >= f->share) {
        ring_append(&f->rests[lane], w);
        return;
    }
    if (w->deficit >= cost_of(w->first)) {
        ring_prepend(r, w);
        return;
    }
    w->deficit += FAIR_QUANTUM;
    ring_append(r, w);
}

static struct job *take(struct fair *f, enum lane lane)
{
    struct ring *r = &f->ring[lane];
    struct flow *w;
    struct job *j;

    if (!r->first)
        return NULL;
    while (r->first->deficit < cost_of(r->first->first)) {
        w = ring_pop(r);
        w->deficit += FAIR_QUANTUM;
        ring_append(r, w);
    }
    w = ring_pop(r);
    j = w->first;
    w->first = j->next;
    if (!w->first)
        w->end = &w->first;
    w->deficit -= cost_of(j);
    if (w->group != f->group) {
        w->group = f->group;
        w->spent = 0;
    }
    w->spent += cost_of(j);
    w->busy = f->exclusive;
    if (!w->busy)
        flow_return(f, lane, w);
    f->count.depth--;
    f->count.popped++;
    f->patient -= j->can_wait;
    return j;
}

/* The lane whose turn it is when n of `most` are taken. */
static struct job *take_next(struct fair *f, size_t n, size_t most)
{
    struct job *j = take(f, LANE_HUB);

    if (!j && (most < 4 || n < most - most / 4 || !f->ring[LANE_MEMBERS].first))
        j = take(f, LANE_EMERGENCY);
    return j ? j : take(f, LANE_MEMBERS);
}

static void rests_end(struct fair *f)
{
    for (enum lane lane = 0; lane < LANES; lane++)
        while (f->rests[lane].first) {
            struct flow *w = ring_pop(&f->rests[lane]);

            w->spent = 0;
            flow_return(f, lane, w);
        }
}

static size_t take_group(struct fair *f, struct job **out, const struct fair_group *most)
{
    size_t bytes = 0;
    size_t n = 0;

    f->group++;
    f->share = most->share;
    while (n < most->jobs && (n == 0 || bytes < most->bytes)) {
        if (!(out[n] = take_next(f, n, most->jobs)))
            break;
        bytes += out[n++]->frame.len;
    }
    rests_end(f);
    return n;
}

static struct timespec now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t;
}

static struct timespec later(struct timespec t, int64_t wait_ms)
{
    t.tv_sec += (time_t)(wait_ms / MS_PER_S);
    t.tv_nsec += (long)(wait_ms % MS_PER_S) * NS_PER_MS;
    if (t.tv_nsec >= NS_PER_S) {
        t.tv_nsec -= NS_PER_S;
        t.tv_sec++;
    }
    return t;
}

static bool is_over(const struct timespec *deadline)
{
    struct timespec t = now();

    return t.tv_sec > deadline->tv_sec ||
           (t.tv_sec == deadline->tv_sec && t.tv_nsec >= deadline->tv_nsec);
}

/* False: the time is over. */
static bool wait_some(struct fair *f, int64_t wait_ms, const struct timespec *deadline)
{
    if (wait_ms < 0)
        return pthread_cond_wait(&f->some, &f->mutex) == 0;
    return pthread_cond_timedwait(&f->some, &f->mutex, deadline) == 0;
}

/* Lets jobs that can all wait do so, until one comes that cannot, or it is time. */
static void gather(struct fair *f, uint32_t gather_ms, const struct timespec *deadline)
{
    struct timespec until;

    while (f->patient > 0 && f->patient == f->count.depth && !f->closed && !f->woken) {
        until = later(f->patient_since, gather_ms);
        if (is_over(&until) || is_over(deadline))
            return;
        pthread_cond_timedwait(&f->some, &f->mutex, &until);
    }
}

/* ---- the contract ---- */

enum err fair_push(struct fair *f, struct job *j)
{
    struct flow *w;
    enum err e = ERR_OK;

    pthread_mutex_lock(&f->mutex);
    if (f->closed) {
        e = ERR_CLOSED;
    } else if (!(w = flow_of(f, j->lane, j->who.org))) {
        e = ERR_NOMEM;
    } else {
        j->next = NULL;
        *w->end = j;
        w->end = &j->next;
        if (w->first == j && !w->busy) {
            w->deficit = FAIR_QUANTUM;
            ring_append(&f->ring[j->lane], w);
        }
        f->count.pushed++;
        if (j->can_wait && f->patient++ == 0)
            f->patient_since = now();
        if (++f->count.depth > f->count.deepest)
            f->count.deepest = f->count.depth;
        pthread_cond_signal(&f->some);
    }
    pthread_mutex_unlock(&f->mutex);
    return e;
}

enum err fair_pop_many(struct fair *f, struct job **out, const struct fair_group *most,
                       int64_t wait_ms, size_t *count)
{
    struct timespec deadline = later(now(), wait_ms > 0 ? wait_ms : 0);
    bool in_time = true;
    enum err e = ERR_OK;
    uint64_t wakes;
    size_t n;

    pthread_mutex_lock(&f->mutex);
    wakes = f->wakes;
    gather(f, most->gather_ms, &deadline);
    while ((n = take_group(f, out, most)) == 0) {
        if (f->closed && f->count.depth == 0)
            e = ERR_CLOSED;
        else if (f->woken || f->wakes != wakes)
            e = ERR_AGAIN;
        else if (!in_time)
            e = ERR_TIMEOUT;
        if (e)
            break;
        in_time = wait_some(f, wait_ms, &deadline);
        gather(f, most->gather_ms, &deadline);
    }
    if (e == ERR_AGAIN)
        f->woken = false;
    pthread_mutex_unlock(&f->mutex);
    if (!e)
        *count = n;
    return e;
}

enum err fair_pop(struct fair *f, struct job **out, int64_t wait_ms)
{
    const struct fair_group one = {1, SIZE_MAX, UINT64_MAX, 0};
    size_t n;

    return fair_pop_many(f, out, &one, wait_ms, &n);
}

void fair_done(struct fair *f, enum lane lane, const uint8_t *org)
{
    struct flow *w;

    pthread_mutex_lock(&f->mutex);
    HASH_FIND(hh, f->flows[lane], org, ID_BYTES, w);
    if (w && w->busy) {
        w->busy = false;
        flow_return(f, lane, w);
        if (w->first)
            pthread_cond_signal(&f->some);
    }
    if (f->closed)
        pthread_cond_broadcast(&f->some); /* who waits for the last ones looks again */
    pthread_mutex_unlock(&f->mutex);
}

void fair_wake(struct fair *f)
{
    pthread_mutex_lock(&f->mutex);
    f->woken = true;
    f->wakes++;
    pthread_cond_broadcast(&f->some);
    pthread_mutex_unlock(&f->mutex);
}

void fair_close(struct fair *f)
{
    pthread_mutex_lock(&f->mutex);
    f->closed = true;
    pthread_cond_broadcast(&f->some);
    pthread_mutex_unlock(&f->mutex);
}

struct fair_counters fair_counters(struct fair *f)
{
    struct fair_counters c;

    pthread_mutex_lock(&f->mutex);
    c = f->count;
    pthread_mutex_unlock(&f->mutex);
    return c;
}
