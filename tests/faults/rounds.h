/*
 * rounds - the kinds of fault of a campaign, one row each: what it breaks, how often, and whether
 * the short campaign has it too. A round makes its fault happen, lets the world go on, and leaves
 * behind a hub that runs and nobody who is owed an answer.
 */
#ifndef TESTS_FAULTS_ROUNDS_H
#define TESTS_FAULTS_ROUNDS_H

#include "campaign.h"

struct round_kind {
    const char *name; /* in the history: `fault` */
    void (*run)(struct campaign *c, const struct round_kind *k, uint64_t n);
    const char *point;  /* of preload_faults.c, if there is one */
    unsigned deep;      /* how far into a run it may strike: about what a round's work makes */
    unsigned share;     /* in a full campaign, of all rounds; 0: once, and nothing comes after it */
    unsigned short_run; /* rounds of the short campaign; 0: not in it */
    bool needs_links, needs_nodes;
};

size_t round_kinds(const struct round_kind **out);

#endif
