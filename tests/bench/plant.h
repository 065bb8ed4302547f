/*
 * plant - the hub's own core, opened in this process on the directory of a hub that is stopped:
 * fills a store quickly (no network, and no signature check where it says so), and is the ceiling
 * that a hub with a network is compared to.
 */
#ifndef TESTS_BENCH_PLANT_H
#define TESTS_BENCH_PLANT_H

#include "core.h"
#include "load.h"

struct plant {
    struct identity *id;
    struct entropy entropy;
    struct fair *in;
    struct queue *out;
    struct core *core;
};

/* Stops the world's hub; world_start() has it back after plant_close(). */
void plant_open(struct plant *p, struct world *w);
void plant_close(struct plant *p);
/* One group after another until nothing waits; what the core says is thrown away. */
void plant_work(struct plant *p);

/* n nodes, each of an organisation of its own, enrolled by the registrar, never connected. */
void plant_enrol(struct world *w, struct member_node **m, size_t n);
/* n envelopes by the first sender to the first `recipients`, accepted by the core as if a worker
 * had found their signature good: one was sealed, the others differ in mid and digest. *out (may be
 * NULL) is what a taker must know of them. */
void plant_mail(struct world *w, size_t recipients, size_t n, size_t body_bytes, struct load *out);

#endif
