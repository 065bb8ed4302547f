/*
 * bell_internal - between bell.c (rows) and bell_run.c (commands).
 */
#ifndef NODE_BELL_INTERNAL_H
#define NODE_BELL_INTERNAL_H

#include "bell.h"
#include "inbox.h"

enum bell_live {      /* first byte of TABLE_BELL_LIVE: the urgent ones come first */
    BELL_LIVE_URGENT, /* to run, or running */
    BELL_LIVE_TO_DO,
    BELL_LIVE_FAILED, /* for good, and nobody has opened the message */
    BELL_LIVES
};
#define BELL_LIVE_BYTES (1 + IN_KEY_BYTES)

enum err bell_put(struct node *n, struct txn *t, const struct bell *b); /* both tables */
/* Is the message still there for somebody to read? */
enum err bell_worth(struct node *n, struct txn *t, const struct bell *b, bool *yes);
const char *bell_why(enum bell_failure why);

const char *bells_label(const struct bells *b, uint64_t kind, struct span name); /* b: or NULL */
void bells_look(struct bells *b); /* there may be something to ring */

#endif
