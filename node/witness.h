/*
 * witness - this node as a witness of the hub's two logs, and what all witnesses have attested
 * (PROTOCOL.md 7.6, 10.4). A head is cosigned only when it is known to be of the one history that
 * this node follows (contacts.h), never one shorter than the last cosigned, and what is cosigned
 * is on disk before it is said. The key is one of its own: a cosignature does not name its maker.
 * Thread rule: the loop's.
 */
#ifndef NODE_WITNESS_H
#define NODE_WITNESS_H

#include "messages.h"
#include "node.h"
#include "receipt.h"

#define WITNESS_WARN_S 86400       /* no fresh attestation of the keys log: said in status */
#define WITNESS_HOLD_S (7 * 86400) /* then nothing new is sealed until there is one */

struct witness;

/* The key, of the key file. A renewed one retires the former as soon as the hub has logged it. */
enum err witness_key_make(struct keyring *ring, const struct entropy *source);
enum err witness_key_renew(struct keyring *ring, const struct entropy *source);
enum err witness_key_open(const struct keyring *ring, struct secret_sign **out);
/* An SS for KEYS_PUT, if the keys log does not name our key. ERR_AGAIN: it does. */
enum err witness_key_due(struct node *n, struct bytes *ss);

enum err witness_open(struct node *n, struct witness **out); /* after contacts_open() */
void witness_close(struct witness *w);                       /* NULL is fine */

/* What the hub announces. Heads go to contacts for checking: its errors. */
enum err witness_announced(struct node *n, const struct msg_heads *h);
/* The next cosignature to say, kept on disk by now. ERR_AGAIN: none. */
enum err witness_due(struct node *n, struct msg_cosign *out);
void witness_said(struct node *n, const struct msg_cosign *s);

/* Of the keys log (LOG_KEYS) or of the newest epoch of the audit log: the newest head with a
 * quorum. */
struct attestation {
    bool named;      /* witnesses are designated */
    bool is_witness; /* and we are one of them */
    size_t members;
    uint64_t quorum;
    uint64_t since_s;            /* when the designation was made, if there is no quorum yet */
    uint64_t time_s;             /* when the quorum was reached; 0: never */
    uint32_t epoch;              /* of an audit head */
    const struct cosigned *what; /* borrowed */
};
void witness_attested(const struct node *n, uint32_t log, struct attestation *out);
/* ERR_OK, or ERR_UNWITNESSED: nothing new may be sealed now. */
enum err witness_may_seal(const struct node *n);
/* "<federation>/witness/<node>": the C2SP name of a witness's key. */
#define WITNESS_NAME_ROOM 128
void witness_name(const struct node *n, const uint8_t node[ID_BYTES], char out[WITNESS_NAME_ROOM]);
/* *out becomes the note of the newest attested head of that log with its cosignatures.
 * ERR_NOT_FOUND. */
enum err witness_note(const struct node *n, uint32_t log, struct bytes *out);

#endif
