/*
 * lasting - what each organisation has put into the hub for ever: leaves of the audit log and
 * statements of circles. Its bytes are counted as the store keeps them, by day and in all, and
 * beside them the circles that it has created. Nothing of this ever goes away again, so who has
 * reached a limit is told so (ERR_LOG_DAY, ERR_LOG_TOTAL, ERR_CIRCLES_QUOTA: none is final, none
 * leaves a leaf) instead of being let fill the store.
 *
 * PUT, and statements that do not narrow, are held against it. With an envelope its sender pays
 * at once for the end that each recipient's copy will have and for what he will report of it, so
 * that nobody's own room is used up by what others send him. ACK, REPORT, RECALL and statements
 * that narrow are counted where they cost more, and never refused.
 *
 * Rows are written with the group that they belong to. A day is one of the hub's clock, UTC.
 * Confined to the core's thread.
 */
#ifndef HUB_LASTING_H
#define HUB_LASTING_H

#include "quota.h"

#define LASTING_DAY_MS (UINT64_C(24) * 3600 * 1000)
/* Beside its entry and its detail: keys, hashes and heads that a leaf takes in the store. */
#define LASTING_LEAF 160
/* For each recipient: the leaf of its end, and that of one report, with their rows. */
#define LASTING_ENDS 1280
/* Of a statement, beside its leaf and itself: its circle's row, and pages that are never full. */
#define LASTING_STATEMENT 256
/* Leaves of refusals of one organisation in a day; what is refused beyond is counted, and the
 * number of them becomes one leaf on the next day. */
#define LASTING_REFUSALS 2000

/* audit_add() for an act of that organisation, which pays for it. */
enum err lasting_leaf(struct core *c, const uint8_t org[ID_BYTES], enum audit_type type,
                      struct detail *d, uint64_t *index);
enum err lasting_add(struct core *c, const uint8_t org[ID_BYTES], size_t bytes);
enum err lasting_circle(struct core *c, const uint8_t org[ID_BYTES]);
/* May it add to the logs? circle: by creating one. ERR_LOG_DAY, ERR_LOG_TOTAL,
 * ERR_CIRCLES_QUOTA; ERR_NOMEM. */
enum err lasting_check(struct core *c, const uint8_t org[ID_BYTES], bool circle);
/* May one more refusal of it have a leaf? If not it is counted. ERR_AGAIN: it was; ERR_NOMEM. */
enum err lasting_refusal(struct core *c, const uint8_t org[ID_BYTES], enum err why);
enum err lasting_write(struct core *c); /* the rows of this group */
/* At each tick: the refusals of days that are over, which had no leaf of their own. */
enum err lasting_sweep(struct core *c);
enum err lasting_load(struct core *c, struct txn *t);
enum err lasting_decode(struct span key, struct span row, struct lasting *out); /* ERR_CORRUPT */
/* Of its limits, that which it is nearest to, in percent. */
unsigned lasting_percent(const struct core *c, const struct usage *u);

#endif
