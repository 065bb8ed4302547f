/*
 * window - how much is issued to recipients and not acknowledged yet, and whose turn it is.
 *
 * A mailbox is in the ready list only if it may have something to issue: what waits for nodes that
 * are away, or that have not acknowledged, costs nothing at a commit. A node may be issued what its
 * credit says, what its window says (small at first, doubled by every ACK, so that who never
 * acknowledges never holds much), and as much as he leaves free for others of one bound over all.
 * What the bound holds up waits aside until something is acknowledged or a session ends.
 * Confined to the core's thread.
 */
#ifndef HUB_WINDOW_H
#define HUB_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOW_FIRST (512u << 10)
#define WINDOW_MAX (16u << 20)
#define DELIVER_EXTRA 2048 /* of a DELIVER, beside the item: its receipt and the parcel */

struct mailbox;
struct entry;

struct window_list {
    struct mailbox *first, *last;
};

/* Zeroed, it is empty and has no bound. */
struct window {
    uint64_t most; /* bytes; 0: no bound */
    uint64_t bytes;
    uint64_t highest;
    struct window_list urgent; /* emergency organisations */
    struct window_list ready;
    struct window_list starved;
    size_t stopped; /* mailboxes with mail that waits for an ACK */
};

enum window_says {
    WINDOW_OPEN,
    WINDOW_CREDIT, /* the recipient has to acknowledge first */
    WINDOW_BOUND   /* others have to */
};

enum window_says window_says(const struct mailbox *m, const struct entry *next);
void window_stopped(struct mailbox *m); /* not WINDOW_OPEN was said */
/* What an ACK commits goes with the next message, if one comes in that time; 0: mail waits for it.
 */
uint32_t window_acks_wait_ms(const struct window *w);
void window_issued(struct mailbox *m, const struct entry *e);
void window_returned(struct mailbox *m, const struct entry *e);
void window_shut(struct mailbox *m); /* the session has ended: nothing is out any more */
void window_grow(struct mailbox *m);

/* Lists it if it is open and holds something that was not issued; fine if listed. */
void window_ready(struct mailbox *m);
void window_starved(struct mailbox *m);
struct mailbox *window_next(struct window *w); /* taken off the list; NULL: none */
bool window_waits(const struct window *w);     /* is somebody in the ready list? */

#endif
