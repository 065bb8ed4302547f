/*
 * courier - the one link to the hub: session, keys sync, prekeys, outbox, deliveries (PROTOCOL.md
 * 11). A conversation is a table of (state, message); what is not listed ends the session.
 * Never a tight loop: whatever fails is tried again after a growing, jittered time. FENCED, CLONED,
 * SUSPENDED, REVOKED and an alarm stop it; `status` says so and a human decides.
 * Thread rule: the loop's.
 */
#ifndef NODE_COURIER_H
#define NODE_COURIER_H

#include <jansson.h>

#include "attach.h"
#include "node.h"

#define CREDIT_MESSAGES 64
#define CREDIT_BYTES (4u << 20)

enum courier_state {
    COURIER_STOPPED,  /* a human must decide: courier_why() */
    COURIER_DOWN,     /* no connection, or waiting before the next HELLO */
    COURIER_GREETING, /* HELLO sent */
    COURIER_SYNCING,  /* reading the keys log */
    COURIER_READY
};

/* Connects from now on. Borrows transport and n->loop. ERR_NOT_JOINED. */
enum err courier_open(struct node *n, struct transport *t, struct courier **out);
void courier_close(struct courier *c);                     /* NULL is fine */
void courier_kick(struct courier *c);                      /* there is something to send */
enum courier_state courier_state(const struct courier *c); /* NULL: COURIER_DOWN */
enum err courier_why(const struct courier *c);
/* In this session the hub said that it saw a second copy of this node. It takes what is sent. */
bool courier_cloned(const struct courier *c);
/* The disk takes no deliveries: how many the hub keeps for us. */
bool courier_full(const struct courier *c, uint64_t *waiting);
void courier_resume(struct courier *c); /* a human has decided: try again */
/* Chunks of an attachment that are over there (out) or here (in); false: none is under way. */
/* Why it does not go on just now; ERR_OK: nothing is known against it. */
enum err att_trouble_of(struct courier *c, enum att_way way,
                        const uint8_t address[ATTACHMENT_ADDRESS_BYTES]);
bool att_progress(const struct courier *c, enum att_way way,
                  const uint8_t address[ATTACHMENT_ADDRESS_BYTES], uint32_t *chunks);
json_t *courier_status(const struct node *n);

/* Asks for a circle's chain; the answer settles waits on `handle` (commands.h). */
enum err courier_ask_chain(struct node *n, const uint8_t handle[ID_BYTES], uint32_t from);

/* The receipt's file under a head that a quorum of witnesses has cosigned (PROTOCOL.md 10.3).
 * ERR_AGAIN: there is none yet; the hub is asked for what is missing while the link is up. t reads.
 */
enum err attest_file(struct node *n, struct txn *t, struct span receipt, struct bytes *text);

#endif
