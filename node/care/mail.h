/*
 * mail - documents by the number a human types, received or sent, and whose they are.
 * Thread rule: the loop's.
 */
#ifndef CARE_MAIL_H
#define CARE_MAIL_H

#include "document.h"
#include "intake.h"
#include "node.h"
#include "outbox.h"

struct mail {
    bool incoming;
    struct in_status in;   /* incoming */
    struct out_status out; /* else */
};

/* typed: mid in hex, or its first or last digits, 4 at least. ERR_NOT_FOUND; ERR_USAGE: several
 * fit, or it is no hex. */
enum err mail_find(struct node *n, struct txn *t, const char *typed, struct mail *out);
const uint8_t *mail_mid(const struct mail *m);
const uint8_t *mail_person(const struct mail *m); /* local; zero: none */
uint64_t mail_type(const struct mail *m);
/* The document; body keeps what it borrows from, seal_bytes_free() it. Codes as inbox_payload(). */
enum err mail_open(struct node *n, struct txn *t, const struct mail *m, struct bytes *body,
                   struct document *out);

/* Every document whose person stands for `person` (NULL: every one), by mid. */
enum err mail_each(struct node *n, struct txn *t, const uint8_t *person, bool incoming,
                   bool outgoing, enum err (*visit)(void *arg, const struct mail *m), void *arg);

#endif
