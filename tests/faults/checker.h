/*
 * checker - reads a history (history.h) and says what it proves against the hub and the nodes:
 *
 *   lost         accepted, or kept by a node, and neither delivered nor ended with a report
 *   doubled      one envelope with two effects: two places in a mailbox, two leaves, two receipts,
 *                redelivered after its ACK was kept; a sheet shown twice
 *   disordered   what one sender offered to one recipient took effect in another order than that of
 *                the log; or the log's order contradicts what the sender did, a node's sheets
 * included unexplained  everything else that no rule allows: two final states, a report that one
 * side did not get, a checkpoint that the final log does not contain, a refusal of an honest
 *                envelope, what came after its consent was withdrawn, a damaged store that
 *                fsck calls whole or the hub serves, a daemon that ended by itself, memory beyond
 *                its bound, no end
 *
 * It trusts the history alone. Thread rule: plain data, one thread.
 */
#ifndef TESTS_FAULTS_CHECKER_H
#define TESTS_FAULTS_CHECKER_H

#include <stdio.h>

#include "history.h"

#define CHECKER_NAMES_MAX 24 /* of who takes part */
#define CHECKER_FAULTS_MAX 64

struct verdict_counts {
    size_t rounds, accepted, lost, doubled, disordered, unexplained;
    struct {
        size_t changed, refused, served; /* rows: another; none, and refused; none, and served */
    } flips;
    size_t faults; /* kinds, below */
    struct fault_count {
        char kind[24];
        size_t n;
    } fault[CHECKER_FAULTS_MAX];
};

struct checker;

enum err checker_new(FILE *findings, struct checker **out); /* what is found is said there */
void checker_free(struct checker *c);                       /* NULL is fine */
/* A line of the history; it is cut into words. ERR_TEXT_FORM: not one of history.h. */
enum err checker_line(struct checker *c, char *line);
/* After the last line. */
void checker_verdict(struct checker *c, struct verdict_counts *out);
/* All of a file. */
enum err checker_file(const char *path, FILE *findings, struct verdict_counts *out);
size_t checker_faults(const struct verdict_counts *v, const char *kind);

#endif
