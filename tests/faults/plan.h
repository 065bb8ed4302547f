/*
 * plan - which rounds a campaign plays, and whether every kind of fault that belongs to it has
 * really happened. A plan begins with every kind once, in the seed's order; then each has its
 * share. Thread rule: plain data, one thread.
 */
#ifndef TESTS_FAULTS_PLAN_H
#define TESTS_FAULTS_PLAN_H

#include <stdio.h>

#include "checker.h"
#include "rounds.h"

struct plan_wish {
    uint64_t seed;
    size_t rounds; /* 0: the usual number */
    bool brief;    /* the short campaign */
    bool links, nodes;
    const char *only;    /* of these kinds alone, with commas; NULL: all */
    const char *without; /* a control: rounds of these are left out, and missed */
};

struct plan {
    const struct round_kind **at; /* what comes last (share 0) is not in it */
    size_t n;
};

/* Every name in a list of kinds is one; NULL is fine. */
bool plan_knows(const char *list);
/* May a round of that kind be played? */
bool plan_plays(const struct plan_wish *w, const struct round_kind *k);
void plan_make(const struct plan_wish *w, struct plan *p);
void plan_free(struct plan *p);
/* One line for each kind the campaign asks for; how many have never happened. */
size_t plan_missing(const struct plan_wish *w, const struct verdict_counts *v, FILE *out);

#endif
