/*
 * prekeys - the node's own X25519 prekeys (PROTOCOL.md 7.4): made here, kept sealed, submitted
 * weekly, destroyed only when nothing can be addressed to them any more.
 * Thread rule: the loop's.
 */
#ifndef NODE_PREKEYS_H
#define NODE_PREKEYS_H

#include "keys.h"
#include "node.h"

#define PREKEY_EVERY_MS (UINT64_C(7) * 24 * 60 * 60 * 1000)  /* settings: unless set */
#define PREKEY_GRACE_MS (UINT64_C(44) * 24 * 60 * 60 * 1000) /* successor 14 days old, 30 more */

struct prekey {
    uint64_t number;
    uint64_t created_ms;
    uint8_t kid[KID_BYTES];
    struct secret_box *key; /* owned */
    struct bytes ss;        /* owned */
};
void prekey_wipe(struct prekey *p);

/* A fresh one with the given number, signed with `by` as org/node of federation; not kept yet.
 * previous: NULL for number 1. */
enum err prekey_make(struct node *n, const struct secret_sign *by,
                     const uint8_t federation[ID_BYTES], const uint8_t org[ID_BYTES],
                     const uint8_t node_id[ID_BYTES], uint64_t number, const uint8_t *previous,
                     struct prekey *out);
enum err prekey_keep(struct node *n, struct txn *t, const struct prekey *p);
enum err prekey_get(struct node *n, struct txn *t, const uint8_t kid[KID_BYTES],
                    struct prekey *out); /* ERR_NOT_FOUND */
/* The one with the greatest number. ERR_NOT_FOUND: none. */
enum err prekey_newest(struct node *n, struct txn *t, struct prekey *out);
/* What KEYS_PUT should carry now: one made before and not in the log yet, or a new one if the
 * newest in the log is old enough (settings.prekey_every). ERR_AGAIN: nothing to do. Own commit
 * before it answers. */
enum err prekey_due(struct node *n, struct bytes *ss);
/* Destroys those whose time is over. drained_ms: the mailbox was empty at this time. Own commit. */
enum err prekey_prune(struct node *n, uint64_t drained_ms);

#endif
