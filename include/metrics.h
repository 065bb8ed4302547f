/*
 * metrics - figures in the Prometheus text format (version 0.0.4), and histograms of latencies.
 * A writer keeps its first failure, so that the list of figures reads without branches; a sample
 * belongs to the family that was named last. Label values are escaped here; names are the
 * program's own constants.
 * Thread rule: plain data; confine one writer, and one histogram, to one thread at a time.
 */
#ifndef RELAIS_METRICS_H
#define RELAIS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "span.h"

enum metric_kind {
    METRIC_GAUGE,
    METRIC_COUNTER,
    METRIC_HISTOGRAM
};

struct metrics {
    struct bytes *out;
    enum err failed; /* the first failure; nothing is written any more then */
    const char *family;
};

struct metrics metrics_over(struct bytes *out);
/* HELP and TYPE of the samples that follow. A counter's name ends in _total. */
void metric_family(struct metrics *m, const char *name, enum metric_kind kind, const char *help);
void metric_value(struct metrics *m, uint64_t value);
void metric_signed(struct metrics *m, int64_t value);
/* With one label. */
void metric_labelled(struct metrics *m, const char *label, const char *label_value, uint64_t value);
/* A family with one sample. */
void metric_one(struct metrics *m, const char *name, enum metric_kind kind, const char *help,
                uint64_t value);

/* Latencies: counted in fixed steps from 100 us to 10 s. Zeroed memory is an empty histogram. */
#define HISTOGRAM_STEPS 16
struct histogram {
    uint64_t count[HISTOGRAM_STEPS + 1]; /* the last: beyond every step */
    uint64_t sum_us;
};

void histogram_add(struct histogram *h, uint64_t us);
uint64_t histogram_count(const struct histogram *h);
/* The smallest step that a share of all (0..100 %) does not exceed, in us; 0 when empty. Beyond
 * the last step: the last step. */
uint64_t histogram_percentile_us(const struct histogram *h, unsigned percent);
/* A family of its own, in seconds. */
void metric_histogram(struct metrics *m, const char *name, const char *help,
                      const struct histogram *h);

#endif
