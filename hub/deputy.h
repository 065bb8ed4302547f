/*
 * deputy - what a recipient has not acknowledged in the time its sender has set is released to his
 * deputy (PROTOCOL.md 5.5). What waits for that is on disk by due time, so that a restart forgets
 * nothing; each release is one transaction with its leaf, and leaves no second one to make.
 * Confined to the core's thread.
 */
#ifndef HUB_DEPUTY_H
#define HUB_DEPUTY_H

#include "core.h"

struct deputy_due {
    uint64_t due_ms;
    uint64_t seq;     /* of the recipients' item */
    uint8_t which;    /* counted in header 19 */
    uint32_t number;  /* the deputy's node */
    uint32_t instead; /* the recipient's */
};
enum err deputy_due_decode(struct span key, struct span row, struct deputy_due *out);

/* With the item just added; it->to goes on after its count with the nodes of the deputies. */
enum err deputies_note(struct core *c, const struct env_header *h, const struct item *it);
/* A slice of those that are due, inside the group. */
enum err deputies_sweep(struct core *c);

/* The item that was released to deputy `which` of the item `seq`. ERR_NOT_FOUND: none was. */
enum err deputy_released(struct txn *t, uint64_t seq, uint8_t which, uint64_t *out);
/* The dedupe row of `seq` goes: nobody asks any more. */
enum err deputies_forget(struct core *c, uint64_t seq, uint8_t count);

#endif
