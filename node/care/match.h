/*
 * match - who might be the same person: proposals for a human, and the alert when one is entered
 * twice. Nothing here links anything. A matricule alone is never enough: where the traits
 * contradict it, the proposal says so.
 * Thread rule: the loop's.
 */
#ifndef CARE_MATCH_H
#define CARE_MATCH_H

#include "person.h"

#define MATCHES_MAX 32

enum match_grade {
    MATCH_INS = 1,     /* both qualified, same matricule, nothing contradicts */
    MATCH_TRAITS,      /* the five strict traits are equal */
    MATCH_POSSIBLE,    /* nothing contradicts; or same birth date, sex and folded name */
    MATCH_CONTRADICTED /* same matricule, but traits that exclude each other: somebody is wrong */
};
struct match {
    uint8_t person[ID_BYTES];
    bool provisional;
    enum match_grade grade;
};

/* Persons, own and provisional, that `who` might be, best grade first, `except` (may be NULL) left
 * out. *truncated: there are more than MATCHES_MAX, or more of the name than are looked at. */
enum err match_find(struct node *n, struct txn *t, const struct identity *who,
                    const uint8_t *except, struct match out[MATCHES_MAX], size_t *count,
                    bool *truncated);
const char *match_word(enum match_grade g); /* French */

/* Index entries of a person: put when she is added or changed. */
enum err match_index(struct node *n, struct txn *t, const struct person *p);
enum err match_unindex(struct node *n, struct txn *t, const struct person *p);

#endif
