/*
 * contacts, inside: shared by contacts.c (replica and heads) and contacts_proof.c (receipts,
 * alarm).
 */
#ifndef NODE_CONTACTS_INTERNAL_H
#define NODE_CONTACTS_INTERNAL_H

#include "contacts.h"
#include "ledger.h"

/* An epoch of the audit log that has ended (PROTOCOL.md 10.5). */
#define CHECKED_KEPT 64
struct closed_epoch {
    uint32_t number;
    struct ckpt held; /* our newest checked head of it; size 0: none */
    uint64_t common;  /* where the hub says that it ends for everybody */
    uint8_t root[32]; /* there */
    uint64_t lost;    /* leaves from common up to here are lost, it says */
};

/* A signed head of the audit log that is to be checked. */
struct seen_head {
    uint32_t epoch;
    struct ckpt head;
};

struct contacts {
    bool joined;
    struct pins pins;
    struct directory *dir;
    struct ledger *ledger; /* NULL before joining */
    struct ckpt keys;
    struct ckpt audit;    /* the newest head that is checked against all before it */
    uint32_t audit_epoch; /* its epoch; 0: none known */
    struct ckpt newest;   /* the longest seen of that epoch, checked or not */
    struct closed_epoch closed[EPOCHS_KNOWN_MAX];
    size_t closed_count;
    struct seen_head checked[CHECKED_KEPT]; /* a ring: heads proven to be of one history */
    size_t checked_next;
    struct seen_head *fresh; /* seen, and not in TABLE_SEEN_HEAD yet */
    size_t fresh_count, fresh_cap;
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
enum err head_load(struct node *n, struct txn *t, const char *name, struct ckpt *out);
enum err head_keep(struct node *n, struct txn *t, const char *name, const struct ckpt *head);
/* Against our replica. ERR_OK also for a head beyond it. */
enum err keys_head_check(struct node *n, const struct ckpt *head, const char *what);

/* contacts_keys.c: the key that signed this head, of those that may have. ERR_CHECKPOINT. */
enum err keys_signer(const struct contacts *c, const struct ckpt *head, struct sign_public *out);
enum err audit_signer(const struct contacts *c, uint32_t epoch, const struct ckpt *head,
                      struct sign_public *out);

/* contacts_audit.c; contacts_check.c has the rest of it */
#define SEEN_KEY (4 + 8)
void seen_key(uint32_t epoch, uint64_t size, uint8_t key[SEEN_KEY]);
enum err seen_read(struct span key, struct span row, struct seen_head *out);
struct closed_epoch *closed_find(struct contacts *c, uint32_t number); /* NULL */
const struct ckpt *held_of(struct contacts *c, uint32_t epoch);        /* NULL */
enum err audit_load(struct node *n, struct txn *t, struct contacts *c);
/* The epoch whose key name the signature is under, of those the hub has told. ERR_CHECKPOINT. */
enum err audit_epoch_of(const struct node *n, const struct ckpt *head, uint32_t *epoch,
                        struct sign_public *pk);
/* Remembers a head whose signature is good, to be checked; ERR_SPLIT_VIEW at once if it has the
 * size of one we hold and another root. */
enum err audit_note(struct node *n, uint32_t epoch, const struct ckpt *head, const char *what);

#endif
