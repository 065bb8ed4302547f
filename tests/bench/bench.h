/*
 * bench - what figures have in common: a world of senders and recipients around one hub process,
 * time, medians, and the one line a figure is. A step that fails ends the program: half a run has
 * no figure.
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "scene.h"

#define BODY_BYTES 1500 /* sealed for three: about 2 KiB on the wire */
#define RUNS_MAX 8

extern bool quick; /* one short run of each: does it work at all */
#define RUNS (quick ? (size_t)1 : (size_t)3)

struct world {
    struct scene scene;
    struct member_node **m;  /* senders */
    struct member_node **to; /* recipients */
    char syncs_file[256];
    const volatile uint64_t *syncs; /* the hub's, counted as they happen: preload_syncs.c */
    const volatile uint64_t *own;   /* of this program, which run.sh has counted; NULL: not */
    struct {
        uint64_t syncs, ours, others; /* at the beginning */
        uint64_t counted, busy, busy_others;
    } seen; /* between measure_begin() and measure_end(), summed over the runs */
};

/* All in one circle, connected, the notices given that they need. */
void world_up(struct world *w, size_t senders, size_t recipients);
void world_up_standard(struct world *w, size_t senders, size_t recipients); /* as installed */
void world_up_alone(struct world *w); /* a founder, no circle: for nodes of another kind */
/* The counters alone; who opens the scene gives w->syncs_file to its hub. */
void world_watch(struct world *w);
void world_unwatch(struct world *w);
void world_down(struct world *w);
enum err world_start(struct world *w); /* the hub again, after hubproc_stop() or hubproc_kill() */

void ok(enum err e, const char *what);
void ok_or(enum err e, enum err fine, const char *what);
void must(bool holds, const char *what);

double seconds(void); /* monotonic */
double median(double *v, size_t n);
double quantile(double *v, size_t n, double q);

/* Around what is measured: how often the hub synced, and how much of the processors went to
 * processes that are none of ours. */
void measure_begin(struct world *w);
void measure_end(struct world *w);
uint64_t world_syncs(const struct world *w); /* so far, of the hub and of this program */

/* The median of the runs, as one JSON object a line: bench, value, min, max, unit, runs, n, fs,
 * flags, syncs (all runs), others_pct. fs is the file system the hub's store is on. tmpfs makes a
 * figure void, and ends the program. */
void report(const struct world *w, const char *name, const char *unit, double *of_runs, size_t runs,
            size_t n);

/* The rows; each opens its own world. */
void bench_accept(void);
void bench_batch(void);
void bench_life(void);
void bench_oneway(void);
void bench_fanout(void);
void bench_drain(void);
void bench_idle(void);
void bench_restart(void);
void bench_proof(void);
void bench_ceiling(void);
void bench_hostile(void);

/* One sender at 500/s to the first recipients; took: seconds each message took to the first. */
void oneway_run(struct world *w, size_t n, size_t to_count, double *took);
void million_down(void); /* the world that restart and proof share */

#endif
