/*
 * contacts, inside: shared by contacts.c (replica and heads) and contacts_proof.c (receipts,
 * alarm).
 */
#ifndef NODE_CONTACTS_INTERNAL_H
#define NODE_CONTACTS_INTERNAL_H

#include "contacts.h"
#include "ledger.h"

struct contacts {
    bool joined;
    struct pins pins;
    struct directory *dir;
    struct ledger *ledger; /* NULL before joining */
    struct ckpt keys;
    struct ckpt audit;
    uint32_t audit_epoch;
    struct evidence { /* raised while a transaction was open: written when it has ended */
        enum err why;
        struct bytes what;
        struct bytes ours;
        struct bytes theirs;
    } unwritten;
};

enum err head_bytes(const struct ckpt *head, struct bytes *out);
/* Keeps both heads, raises the alarm, and returns why. */
enum err two_histories(struct node *n, enum err why, const char *what, const struct ckpt *ours,
                       const struct ckpt *theirs);
/* The signing key of (org, kid), revoked or not. arg is the node. */
enum err signer_ever(void *arg, const uint8_t org[ID_BYTES], const uint8_t kid[KID_BYTES],
                     struct sign_public *pk);
void evidence_free(struct contacts *c);

#endif
