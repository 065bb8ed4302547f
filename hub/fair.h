/*
 * fair - jobs on their way to a stage of the hub, so that nobody who asks much delays who asks
 * little. One FIFO per organisation; the stage takes from each in turn as much as its turn is
 * worth (deficit round robin), where a job costs its bytes and a fixed price for the signature or
 * the decision it asks for. An organisation's jobs keep their order.
 *
 * Lanes go before each other: first what the hub itself has to do, then emergency organisations,
 * then members; but of one group the emergency lane leaves a quarter to the members who wait.
 *
 * In an exclusive queue an organisation whose job was handed out has its next one handed out only
 * after fair_done(): several threads share the queue and the order is kept all the same.
 *
 * Not bounded here: what a member may have under way is charged to its account (account.h) before
 * it comes in, and what the hub pushes itself is at most one GONE a session and one TICK.
 *
 * Thread rule: any thread. A job belongs to the queue from ERR_OK of a push until a pop hands it
 * out. After fair_close() pushes answer ERR_CLOSED; pops hand out what is left, then ERR_CLOSED.
 * Close, join the threads, drain, free: in this order.
 */
#ifndef HUB_FAIR_H
#define HUB_FAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum {
    FAIR_FOREVER = -1
}; /* as wait_ms */

enum lane {
    LANE_MEMBERS, /* 0: what nobody has said otherwise of */
    LANE_EMERGENCY,
    LANE_HUB,
    LANES
};

/* Of a job, in the unit of a byte hashed: a signature checked, or a decision logged. */
#define JOB_COST_FIXED (32u << 10)
#define JOB_COST_MAX (JOB_COST_FIXED + 640u * 1024)
/* What one turn is worth: so a job waits for at most JOB_COST_MAX / FAIR_QUANTUM rounds. */
#define FAIR_QUANTUM (64u << 10)

struct job;
struct fair;

struct fair_counters {
    uint64_t pushed;
    uint64_t popped;
    size_t depth;
    size_t deepest;
};

enum err fair_new(bool exclusive, struct fair **out);
void fair_free(struct fair *f); /* NULL is fine; jobs left in it are freed */

/* By j->lane and j->who.org; j->cost 0 is JOB_COST_FIXED. ERR_NOMEM, ERR_CLOSED: j stays the
 * caller's. */
enum err fair_push(struct fair *f, struct job *j);
/* What is taken at once: so many jobs, fewer when their frames reach `bytes` (the first is always
 * handed out), and of one organisation none after its jobs in this group have cost `share`,
 * whether others wait or not: who comes while the group is dealt with waits for all of it. */
struct fair_group {
    size_t jobs;
    size_t bytes;
    uint64_t share;
    uint32_t gather_ms; /* jobs that can wait (j->can_wait) do so long for one that cannot */
};
/* Waits up to wait_ms for one. ERR_TIMEOUT; ERR_AGAIN: fair_wake(); ERR_CLOSED. */
enum err fair_pop_many(struct fair *f, struct job **out, const struct fair_group *most,
                       int64_t wait_ms, size_t *count);
enum err fair_pop(struct fair *f, struct job **out, int64_t wait_ms);
/* In an exclusive queue: the job of that organisation is dealt with. */
void fair_done(struct fair *f, enum lane lane, const uint8_t *org);
/* Everybody who waits gets ERR_AGAIN; if nobody does, who pops next and finds nothing. */
void fair_wake(struct fair *f);
void fair_close(struct fair *f); /* again is fine */
struct fair_counters fair_counters(struct fair *f);

#endif
