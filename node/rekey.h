/*
 * rekey - other keys for this node (PROTOCOL.md 7.9): signing key, transport key and prekey at
 * once.
 *
 *     NONE --begin--> DRAINING --nothing signed is undecided--> OFFERED --in the log--> NONE
 *                        |<------------------ refused: the former ones stay ------------|
 *
 * The next keys are in node.key, and the statement that names them in the store, before anybody
 * hears of them; they take the place of the former ones when the keys log has them, and not before.
 * Killed at any instant, the node goes on where it was, with the keys that the log names.
 * From DRAINING on nothing new is sealed; in OFFERED nothing is signed at all: the hub may have
 * logged the statement, and refuses the former key from then on.
 * Thread rule: the loop's.
 */
#ifndef NODE_REKEY_H
#define NODE_REKEY_H

#include "node.h"

/* After contacts_open(): what was under way. */
enum err rekey_open(struct node *n);
void rekey_close(struct node *n);
/* Under way, and node.key (put back, or typed from parts) has not the next keys: it can only be
 * abandoned. */
bool rekey_lost(const struct node *n);
/* ERR_STATE: it is under way already. ERR_AGAIN: the last prekey is still on its way to the hub.
 * ERR_KEY_REVOKED: the log has other keys for this node. Own commit. */
enum err rekey_begin(struct node *n);
/* DRAINING: is there nothing left that the former key has signed and the hub not decided? Then it
 * is OFFERED, and on disk as such. ERR_AGAIN: there is. */
enum err rekey_offer(struct node *n);
/* The statement for KEYS_PUT. */
enum err rekey_statement(struct node *n, struct bytes *ss);
/* Does our copy of the keys log have it? */
bool rekey_logged(const struct node *n);
/* It has: from now on the node signs with the next keys, and what waits here is signed with them.
 * After an error it is called again. */
enum err rekey_settle(struct node *n);
/* Refused for good: the former keys stay. */
enum err rekey_abandon(struct node *n, enum err why);

#endif
