/*
 * absence - "closed in August": what this organisation announces to everybody through the keys log
 * (PROTOCOL.md 7.7), and what others have announced, in French. An announcement of ours is signed
 * at once, kept until the log has it, and offered again until the hub has decided: it works
 * offline. One at a time: a newer one takes the place of one that waits.
 * Thread rule: the loop's.
 */
#ifndef NODE_ABSENCE_H
#define NODE_ABSENCE_H

#include "directory.h"
#include "node.h"

#define ABSENCE_SOON_MS (7 * ABSENCE_DAY_MS) /* senders are told so long before it begins */

enum absence_state {
    ABSENCE_WAITING = 1, /* for the hub, or for our copy of the log */
    ABSENCE_REFUSED      /* shown until the next one is made */
};
struct absence {
    enum absence_state state;
    uint32_t code; /* ABSENCE_REFUSED: enum err */
    uint64_t ts_ms;
    uint64_t from_ms;
    uint64_t until_ms; /* 0: the last one is taken back */
    bool has_substitute;
    uint8_t substitute[ID_BYTES];
    struct bytes ss; /* owned */
};
void absence_wipe(struct absence *a);

/* Signs and keeps it in t, in place of one that waits. node_kick() after the commit. ERR_RANGE,
 * ERR_FIELD_VALUE, ERR_NOT_FOUND: no hub would take it. substitute may be NULL. */
enum err absence_queue(struct node *n, struct txn *t, uint64_t from_ms, uint64_t until_ms,
                       const uint8_t *substitute);
enum err absence_get(struct node *n, struct txn *t, struct absence *out); /* ERR_NOT_FOUND */

/* --- the courier's side ---------------------------------------------------------------------- */

/* The SS to submit, and its ts. ERR_AGAIN: nothing waits. Own commit. */
enum err absence_due(struct node *n, uint64_t *ts_ms, struct bytes *ss);
/* The hub's final word on the one with this ts; another one is left alone. Own commit. */
enum err absence_refused(struct node *n, uint64_t ts_ms, enum err why);
/* What waits, signed with the key of now. In the caller's transaction. */
enum err absence_resign(struct node *n, struct txn *t);

/* --- for people, appended ---------------------------------------------------------------------
 */

/* What a sender should know of this recipient, if it is closed or soon will be. */
enum err absence_warn(struct node *n, const uint8_t org[ID_BYTES], struct bytes *out);
/* " du 01/08/2026 au 31/08/2026" */
enum err absence_days(uint64_t from_ms, uint64_t until_ms, struct bytes *out);
/* For `status`: one of ours that the hub refused. */
enum err absence_status(struct node *n, struct txn *t, struct bytes *out);

#endif
