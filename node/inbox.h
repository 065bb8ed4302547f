/*
 * inbox - rows of received envelopes; private to the intake. What others ask is in intake.h.
 */
#ifndef NODE_INBOX_H
#define NODE_INBOX_H

#include "intake.h"

#define IN_KEY_BYTES (2 * ID_BYTES) /* mid, from */

void in_key(const uint8_t mid[ID_BYTES], const uint8_t from[ID_BYTES], uint8_t key[IN_KEY_BYTES]);
/* Whose key keeps it; NULL: the node's own. */
const uint8_t *in_person(const struct in_status *s);
enum err in_put(struct node *n, struct txn *t, const struct in_status *s);
enum err proof_put(struct node *n, struct txn *t, const struct in_status *s,
                   const struct received *r, struct span receipt);

/* The header of an envelope that was readable; borrows from *row: seal_bytes_free() it. */
enum err proof_header(struct node *n, struct txn *t, const struct in_status *s, struct bytes *row,
                      struct env_header *out);
/* Content and message key of an envelope go, for good; that it was here stays known. */
enum err content_destroy(struct node *n, struct txn *t, const struct in_status *s);

/* The receive order for one envelope that came with its receipt; everything but the dispatch. */
enum err intake_envelope(struct node *n, struct txn *t, uint64_t seq, struct span item,
                         struct span receipt);

#endif
