/*
 * disclosure - may this be sent to him? The decision table of PROTOCOL.md 8.4, the law of the
 * secret partagé (CSP L1110-4, L1110-12, R1110-1 to R1110-3, D1110-3-1) over the state of a circle.
 * The same table judges at the sender before sealing, at the hub before accepting and again before
 * delivering, at the recipient before showing. Each row says who can judge it. Unknown never
 * passes silently: a declared value that is no code is refused, and what this judge cannot see is
 * named in the verdict, for the next.
 * Thread rule: pure functions.
 */
#ifndef RELAIS_DISCLOSURE_H
#define RELAIS_DISCLOSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "circle.h"
#include "ids.h"

enum judge {
    JUDGE_SENDER = 1,
    JUDGE_HUB = 2,
    JUDGE_RECIPIENT = 4
};

#define PURPOSE_URGENCE 5
#define PURPOSE_MAX 7

/* What an envelope declares, towards one recipient. */
struct disclosure {
    uint64_t type; /* enum envelope_type */
    uint8_t from[ID_BYTES];
    uint8_t to[ID_BYTES];
    size_t recipients; /* of the whole envelope */
    uint64_t class_mask;
    uint64_t basis;
    uint64_t purpose;
    uint64_t scat; /* one category_bit */
    uint64_t rcat; /* mask */
    bool has_consent;
    uint64_t consent; /* n */
    bool has_notice;
    uint64_t notice; /* n */
};

/* Rows 1 to 11 are those of PROTOCOL.md 8.4; 0 asks whether the values are codes at all; 12 and 13
 * are what an invitation (type 2) has besides 1, 3 and 4. */
enum disclosure_row {
    ROW_VALUES = 0,
    ROW_SENDER,
    ROW_RECIPIENT,
    ROW_CLOSED,
    ROW_OPPOSITION,
    ROW_CLASS,
    ROW_AUDIENCE,
    ROW_CATEGORY,
    ROW_NOTICE,
    ROW_TEAM,
    ROW_CONSENT,
    ROW_BASIS,
    ROW_INVITER,
    ROW_INVITED,
    DISCLOSURE_ROWS
};

typedef enum err disclosure_fn(const struct circle *c, const struct disclosure *ask);

struct disclosure_rule {
    enum disclosure_row row;
    const char *name; /* stable, for logs */
    unsigned sheet;   /* mask of enum judge who can judge it; 0: not a row of that type */
    unsigned invitation;
    disclosure_fn *ask; /* ERR_OK: passes this row */
    const char *source; /* the article */
};
extern const struct disclosure_rule disclosure_table[DISCLOSURE_ROWS];

struct verdict {
    enum err code;           /* ERR_OK, or why not */
    enum disclosure_row row; /* that refused; DISCLOSURE_ROWS when none did */
    const char *name;        /* of the row, or "" */
    const char *source;      /* of the row, or "" */
    unsigned unjudged;       /* bits of the rows this judge could not judge */
    bool inform_later;       /* basis 4 passed: CSP R1110-3 III, inform when possible */
};

/* Returns out->code; *out (may be NULL) is always written. c NULL: the circle is not known: every
 * row this judge can judge refuses with ERR_NOT_IN_CIRCLE. */
enum err disclosure_judge(const struct circle *c, const struct disclosure *ask, enum judge who,
                          struct verdict *out);

/* The recipients of one envelope, in order; the first refusal is the answer. `ask` gives all but
 * to, rcat and recipients. *which (may be NULL): index of the recipient refused, count when none.
 */
enum err disclosure_judge_all(const struct circle *c, const struct disclosure *ask,
                              const uint8_t (*to)[ID_BYTES], const uint64_t *rcat, size_t count,
                              enum judge who, struct verdict *out, size_t *which);

#endif
