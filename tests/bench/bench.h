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

struct world {
    struct scene scene;
    struct member_node **m;  /* senders */
    struct member_node **to; /* recipients */
};

/* All in one circle, connected, the notices given that they need. */
void world_up(struct world *w, size_t senders, size_t recipients);
void world_down(struct world *w);

void ok(enum err e, const char *what);
void ok_or(enum err e, enum err fine, const char *what);
void must(bool holds, const char *what);

double seconds(void); /* monotonic */
double median(double *v, size_t n);
double quantile(double *v, size_t n, double q);
/* {"bench": NAME, "value": ..., "unit": ..., "runs": ..., "n": ..., "fs": ...}: fs is the file
 * system the hub's store is on. tmpfs makes a figure void, and ends the program. */
void report(const struct world *w, const char *name, double value, const char *unit, size_t runs,
            size_t n);

#endif
