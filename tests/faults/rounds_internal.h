/* rounds_internal - the rounds that live in a file of their own. */
#ifndef TESTS_FAULTS_ROUNDS_INTERNAL_H
#define TESTS_FAULTS_ROUNDS_INTERNAL_H

#include "rounds.h"

void round_power(struct campaign *c, const struct round_kind *k, uint64_t n);
void round_power_node(struct campaign *c, const struct round_kind *k, uint64_t n);
void round_old_store(struct campaign *c, const struct round_kind *k, uint64_t n);
void round_flip(struct campaign *c, const struct round_kind *k, uint64_t n);
void round_recall(struct campaign *c, const struct round_kind *k, uint64_t n);
void round_narrow(struct campaign *c, const struct round_kind *k, uint64_t n);
void round_batch(struct campaign *c, const struct round_kind *k, uint64_t n);
void round_attachment(struct campaign *c, const struct round_kind *k, uint64_t n);
void round_restored(struct campaign *c, const struct round_kind *k, uint64_t n);
void round_init(struct campaign *c, const struct round_kind *k, uint64_t n);

#endif
