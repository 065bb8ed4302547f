/*
 * intake - what the mailbox delivers. Envelopes go through the receive order (PROTOCOL.md 5.4):
 * steps 1 to 14 by envelope_receive(), 15 and 16 by the care hooks, 17 by the circle's chain at the
 * position that the accepted-receipt proves. Nothing of a message is shown unless every step
 * passed; what did not is recorded, reported where the protocol has a report for it, acknowledged,
 * and blocks nothing behind it.
 *
 * One transaction holds all of a batch: content re-encrypted under the person's key, the evidence
 * (header, recipients, commitment, signature, message key, hash of the ciphertext, the receipt),
 * the dedupe row, the inbox row, the reports to send. Only after its commit is anything acked.
 * Thread rule: the loop's.
 */
#ifndef NODE_INTAKE_H
#define NODE_INTAKE_H

#include "actor.h"
#include "attach.h"
#include "envelope.h"
#include "messages.h"
#include "node.h"
#include "outbox.h"

/* --- what care/ gives ----------------------------------------------------------------------- */

/* A payload that was read: opaque but for what the intake needs. All spans are borrowed from the
 * body it was read from. */
struct care_payload {
    uint64_t type;       /* enum envelope_type, by its schema */
    uint64_t class_mask; /* recomputed */
    struct span offer;   /* invitation: [offer, org, skid, sig]; else empty */
    uint64_t to_kind;    /* whom it names here: enum addressee_kind, 0 nobody */
    struct span to_name;
    void *doc; /* care/'s own; freed by hooks->release() */
};

struct care_hooks {
    /* Steps 15 and 16. Strict reading, schema, the author's signature (by the signing key that the
     * directory has for its org and skid), then everything the header repeats: class, type, prio,
     * re, audience, categories. Reader errors, ERR_SCHEMA, ERR_FORGED, ERR_NFC ...: step 15.
     * ERR_MISLABELLED: step 16. On any error *out is released already. */
    enum err (*open)(struct node *n, struct span body, const struct env_header *h,
                     struct care_payload *out);
    void (*release)(struct care_payload *p); /* a zeroed one is fine */

    /* Whose document is it? circle_person: whom this node associates with the circle, NULL if
     * nobody yet. *person becomes the local person under whose key it is kept: circle_person, or a
     * provisional person (personne à identifier) made in t. ERR_MISLABELLED: it is about another
     * person than the circle's. */
    enum err (*person)(struct node *n, struct txn *t, const struct care_payload *p,
                       const struct env_header *h, const uint8_t *circle_person,
                       uint8_t person[ID_BYTES]);

    /* The attachment of a received sheet that this row speaks of (attach.h). ERR_NOT_FOUND: nobody
     * may read that sheet any more. */
    enum err (*attachment)(struct node *n, struct txn *t, const struct att_row *row,
                           struct att_source *out);

    /* A payload of our own, signed with the node's key of now. May be NULL. */
    enum err (*resign)(struct node *n, struct span body, struct bytes *out);

    /* Called in t after a document was accepted and its rows are written: for indexes of care/.
     * May be NULL. */
    enum err (*kept)(struct node *n, struct txn *t, const struct care_payload *p,
                     const struct env_header *h, const uint8_t person[ID_BYTES]);

    /* The payload of an invitation (6.3) about a local person, signed: body of an envelope of type
     * 2. author: name, profession, category, rpps of the acting professional. */
    enum err (*invite)(struct node *n, struct txn *t, const uint8_t person[ID_BYTES],
                       struct span offer, const struct actor *author, struct span message,
                       struct bytes *payload);
    /* ERR_OK if the person may have a circle now (identity complete enough); else ERR_TRAITS,
     * ERR_UNIDENTIFIED, ERR_NOT_FOUND. */
    enum err (*circle_ready)(struct node *n, struct txn *t, const uint8_t person[ID_BYTES]);
};

/* --- received envelopes ---------------------------------------------------------------------- */

enum in_state {
    IN_RECEIVED = 1, /* readable */
    IN_HELD,         /* waits for statements of its circle; nothing was opened */
    IN_QUARANTINED,  /* label and content disagree (or another person): kept, never shown */
    IN_REFUSED,      /* a rule refuses it: code; kept as evidence, never shown */
    IN_UNREADABLE,   /* cannot be opened, or the payload is not what it must be */
    IN_LAPSED,       /* the hub told us that it expired or was held back */
    IN_RECALLED,     /* its sender took it back before anybody had opened it: content destroyed */
    IN_WITHHELD      /* came, then its circle narrowed before anybody had opened it: code */
};
struct in_status {
    uint8_t mid[ID_BYTES];
    uint8_t from[ID_BYTES];
    enum in_state state;
    uint32_t code; /* enum err */
    uint32_t step; /* enum receive_step that refused */
    uint64_t received_ms;
    uint64_t accepted_ms; /* hub time, of the receipt */
    uint64_t opened_ms;   /* 0: nobody has yet */
    uint64_t seq;         /* hub's */
    uint64_t type;
    uint64_t class_mask;
    uint64_t basis;
    uint64_t ts_ms; /* the sender's clock: display only */
    uint64_t exp_ms;
    bool urgent;
    bool has_re;
    uint8_t re[ID_BYTES];
    uint8_t circle[ID_BYTES];
    uint8_t person[ID_BYTES]; /* zero unless it was readable once */
    uint8_t digest[DIGEST_BYTES];
    enum audit_type ended; /* recalled or held back, also when it had been opened; 0: neither */
    uint64_t ended_ms;     /* hub time */
    bool as_deputy;        /* we stand in for `deputed`; else `deputed` has it in our place, too */
    uint8_t deputed[ID_BYTES];
    uint64_t deputed_ms; /* since when, hub time; 0: no deputy has it */
};

/* One item of the mailbox, in the caller's write transaction. ERR_OK also for what was refused and
 * recorded. Any other answer: the store failed, nothing of the batch may be committed or acked.
 * ERR_SPLIT_VIEW: evidence of two histories; stop. *covers: an envelope that the ACK must name. */
struct covered {
    bool is_envelope;
    uint8_t mid[ID_BYTES];
    uint8_t digest[DIGEST_BYTES];
};
enum err intake_item(struct node *n, struct txn *t, const struct msg_deliver *d,
                     struct covered *covers);
/* The same answer for an item that is on disk already (delivered twice): what the ACK must name. */
enum err intake_again(struct node *n, const struct msg_deliver *d, struct covered *covers);
/* How long the keys log was when its sender sealed it; of other items, one more than ours if they
 * are signed by a key that ours does not have; else 0. Unverified: a reason to read the log before
 * judging, nothing more. */
uint64_t intake_keys_size(const struct node *n, const struct msg_deliver *d);
/* A receipt about an envelope that was meant for us: expired, held back, recalled, or that our
 * deputy has it too (intake_ends.c).
 * ERR_PROOF: it is not about ours. */
enum err intake_ended(struct node *n, struct txn *t, struct span receipt,
                      const struct receipt_facts *f);
/* After a chain was completed: the envelopes that waited for it. In the caller's transaction. */
enum err intake_release(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES]);
enum err inbox_get(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                   const uint8_t from[ID_BYTES], struct in_status *out); /* ERR_NOT_FOUND */
/* By order of mid (the sender's time); visit may answer ERR_ENOUGH. */
enum err inbox_each(struct node *n, struct txn *t,
                    enum err (*visit)(void *arg, const struct in_status *s), void *arg);
/* The payload, of IN_RECEIVED only (ERR_QUARANTINED, ERR_OPEN or the code for the rest);
 * seal_bytes_free(). */
enum err inbox_payload(struct node *n, struct txn *t, const struct in_status *s, struct bytes *out);
/* A human has read it: the first time queues REPORT opened (signed, with the actor's pseudonym).
 * In t; node_kick() after the commit. */
enum err inbox_opened(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                      const uint8_t from[ID_BYTES], const uint8_t actor[ID_BYTES]);
/* The accepted-receipt that came with it; owned. */
enum err inbox_receipt(struct node *n, struct txn *t, const struct in_status *s, struct bytes *out);

/* Would the table refuse it today, by our own copy of the chain? ERR_OK: no; ERR_AGAIN: we do not
 * hold enough of it to tell; else the row's code. */
struct env_header;
enum err intake_judge_now(struct node *n, struct txn *t, const struct env_header *h);

/* --- reports on their way (the courier's side) ------------------------------------------- */

#define REPORT_KEY_BYTES (2 * ID_BYTES + 1) /* mid, from, outcome */
/* Queues a signed report, or a recall (AUDIT_RECALLED, of an envelope of ours). code: enum err, or
 * enum recall_reason. actor: NULL for the node itself. The same again is fine. */
enum err report_add(struct node *n, struct txn *t, enum audit_type outcome,
                    const struct in_status *about, uint32_t code, const uint8_t *actor);
enum err reports_each(struct node *n, struct txn *t,
                      enum err (*visit)(void *arg, struct span key, struct span ss), void *arg);
/* Signed with the node's key of now, if they were with another. In the caller's transaction. */
enum err reports_resign(struct node *n, struct txn *t);
/* The hub has it (receipt kept), or will never take it (receipt empty). Own commit. */
enum err reports_done(struct node *n, const uint8_t key[REPORT_KEY_BYTES], struct span receipt);

#endif
