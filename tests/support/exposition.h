/*
 * exposition - a strict reading of the Prometheus text format, for tests: every line is HELP, TYPE
 * or a sample of the family that was named last; names and labels are well formed; no family and
 * no sample comes twice; histograms are complete, ascending and end in +Inf = _count.
 */
#ifndef TESTS_EXPOSITION_H
#define TESTS_EXPOSITION_H

#include <stddef.h>
#include <stdint.h>

#include "span.h"

struct exposition_facts {
    size_t families, samples, histograms;
};

/* NULL: it is well formed; else what is wrong with which line (static buffer). */
const char *exposition_check(struct span text, struct exposition_facts *out);
/* The value of a sample, named with its labels as written: "x_total{error=\"ERR_RATE\"}".
 * -1: there is none. */
double exposition_value(struct span text, const char *sample);

#endif
