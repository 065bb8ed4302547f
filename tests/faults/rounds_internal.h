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
void round_deputy(struct campaign *c, const struct round_kind *k, uint64_t n);
void round_operator(struct campaign *c, const struct round_kind *k, uint64_t n);
void round_backup(struct campaign *c, const struct round_kind *k, uint64_t n);
void round_rename(struct campaign *c, const struct round_kind *k, uint64_t n);
void round_clock_node(struct campaign *c, const struct round_kind *k, uint64_t n);
void round_old_node(struct campaign *c, const struct round_kind *k, uint64_t n);
void round_init(struct campaign *c, const struct round_kind *k, uint64_t n);

/* relais-hub with these words, NULL at the end, at the campaign's hub. Its exit status. */
int operate(const struct campaign *c, const char *const *words, struct bytes *said);
/* A hub put back from a backup serves when two operators agree, where some are named; it dies
 * between their signatures. */
bool operators_agree(struct campaign *c);
/* A node whose keys were in two places may have its mail again: two sign, where some are named. */
bool operators_release(struct campaign *c, const char *org);

#endif
