/*
 * warnings - what the core looks for at each tick and tells before it hurts: a wall clock that
 * cannot be believed, nodes that nobody has heard of, circles whose responsible cannot act any
 * more. Thread rule: the store thread's, inside a group.
 */
#ifndef HUB_WARNINGS_H
#define HUB_WARNINGS_H

#include "core.h"

/* steady.c. A jump of the wall clock against the monotonic one is alarmed, and nothing expires
 * until the clock has gone steadily for a while, or the operator says that it is right. */
#define CLOCK_JUMP_MS (UINT64_C(5) * 60 * 1000)
#define CLOCK_SETTLE_MS (UINT64_C(60) * 60 * 1000)
#define CLOCK_GAP_MS (UINT64_C(24) * 60 * 60 * 1000) /* since the last leaf, at the start */
enum err clock_start(struct core *c); /* in a transaction, before any leaf of this start */
bool clock_steady(struct core *c);    /* looks, at each tick */
uint64_t clock_doubt_left_ms(const struct core *c); /* 0: it is believed */
void clock_believe(struct core *c);

/* silence.c. Nodes with waiting mail that nobody has heard of for a day: their senders are told. */
enum err silence_look(struct core *c); /* at each tick; mostly nothing */
enum err silence_over(struct core *c, struct mailbox *m);

/* escalate.c. Circles that a suspended or revoked organisation answers for: the other members are
 * told, and the operator sees them until somebody else does. */
#define ROLE_RESPONSIBLE 1
#define ROLE_REFERENT 2
struct escalated {
    uint8_t circle[ID_BYTES];
    uint8_t org[ID_BYTES];
    unsigned roles; /* mask: what it still is there */
    uint32_t code;  /* ERR_SUSPENDED or ERR_REVOKED */
    uint64_t at_ms;
};
/* Begins with the first of them, a bounded step; *count of it. *end false: c->escalating, and each
 * group that follows takes a step (escalate_on), also after a new start. */
enum err escalate(struct core *c, const uint8_t org[ID_BYTES], enum err why, size_t *count,
                  bool *end);
enum err escalate_on(struct core *c);
enum err escalation_load(struct core *c, struct txn *t);
enum err escalation_row(struct span key, struct span row); /* of TABLE_META. ERR_CORRUPT */
/* Those that are not resolved; resolved rows go. So many are judged at a time; *unread: the rows
 * behind them. */
enum err escalated_each(struct core *c, enum err (*visit)(void *arg, const struct escalated *e),
                        void *arg, size_t *unread);

#endif
