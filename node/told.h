/*
 * told - what the hub warns this organisation of, kept until it is over: recipients that are silent
 * while our mail waits for them (receipt type 16), circles whose responsible or référent cannot act
 * any more (type 17). Shown by `status`.
 * Thread rule: the loop's.
 */
#ifndef NODE_TOLD_H
#define NODE_TOLD_H

#include "node.h"
#include "receipt.h"

enum told_kind {
    TOLD_SILENT = 1, /* org, node */
    TOLD_ESCALATED   /* circle, org */
};
struct told {
    enum told_kind kind;
    uint8_t first[ID_BYTES];
    uint8_t second[ID_BYTES];
    uint64_t at_ms;    /* hub time of the receipt */
    uint64_t count;    /* TOLD_SILENT: messages of ours that wait, at least */
    uint64_t heard_ms; /* TOLD_SILENT: 0 is never */
    uint64_t roles;    /* TOLD_ESCALATED: 1 responsible, 2 référent */
    uint32_t code;     /* TOLD_ESCALATED: ERR_SUSPENDED, ERR_REVOKED */
};

/* A receipt of the mailbox that was proven; other types are ERR_NOT_FOUND. */
enum err told_receipt(struct node *n, struct txn *t, const struct receipt_facts *f);
/* An organisation has acknowledged something: its silence is over. */
enum err told_heard(struct node *n, struct txn *t, const uint8_t org[ID_BYTES]);
enum err told_each(struct node *n, struct txn *t,
                   enum err (*visit)(void *arg, const struct told *x), void *arg);
/* For people: one sentence a line, appended; and data "warnings". */
struct call;
enum err told_say(struct node *n, struct txn *t, struct call *c);
/* The same for one recipient, if he is silent: what a sender should know. */
enum err told_silence_say(struct node *n, struct txn *t, const uint8_t org[ID_BYTES],
                          struct bytes *out);

#endif
