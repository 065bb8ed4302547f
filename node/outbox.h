/*
 * outbox - what this node sends: kept as payload under the person's key until link and directory
 * allow sealing, then kept as sealed bytes and offered again, byte for byte, until the hub has
 * decided. Survives a crash at any instant and a hub that is away for days.
 *
 *     TO_SEAL --seal--> SEALED --receipt--> ACCEPTED --> (per recipient) delivered, opened ...
 *        |                 |---refusal----> REFUSED
 *        |--(no longer lawful)------------> REFUSED      |--(exp passed)--> EXPIRED
 *
 * Recalled: TO_SEAL becomes WITHDRAWN at once; what may have reached the hub waits for its word.
 * A mid is given at outbox_add() and never again. Receipts are kept as on the wire.
 * Thread rule: the loop's.
 */
#ifndef NODE_OUTBOX_H
#define NODE_OUTBOX_H

#include "header.h"
#include "node.h"
#include "receipt.h"

enum out_state {
    OUT_TO_SEAL = 1,
    OUT_SEALED, /* offered to the hub, or about to be */
    OUT_ACCEPTED,
    OUT_REFUSED,  /* code, and row of the disclosure table if it was ours to judge */
    OUT_EXPIRED,  /* before the hub had it */
    OUT_WITHDRAWN /* taken back by us before the hub had it */
};
/* What became of our wish to take it back. */
enum out_recall {
    OUT_NOT_RECALLED,
    OUT_RECALL_ASKED, /* on its way to the hub */
    OUT_RECALL_DONE,  /* for whom, the marks tell */
    OUT_RECALL_LATE   /* everybody had it */
};
/* Per recipient, a set. */
enum out_mark {
    OUT_DELIVERED = 1,
    OUT_OPENED = 2,
    OUT_REJECTED = 4, /* the recipient's node refused it */
    OUT_UNREADABLE = 8,
    OUT_MISLABELLED = 16,
    OUT_LAPSED = 32, /* expired at the hub */
    OUT_HELD = 64,   /* held back by the hub: the circle had changed */
    OUT_RECALLED = 128,
    OUT_RELEASED = 256,  /* a deputy's: it went to his mailbox */
    OUT_UNRELEASED = 512 /* a deputy's: due, and he may not have it: code */
};

struct out_recipient {
    uint8_t org[ID_BYTES];
    unsigned marks;        /* of enum out_mark */
    uint64_t delivered_ms; /* hub time, 0: not yet */
    uint64_t opened_ms;
    uint32_t code;        /* of a refusal */
    uint64_t released_ms; /* to a deputy, hub time; 0: not, or he is none */
    bool is_deputy;
    size_t instead; /* of a deputy: place in `to` of whom he stands in for, and after how long */
    uint64_t after_s;
};
struct out_status {
    uint8_t mid[ID_BYTES];
    enum out_state state;
    uint32_t code; /* OUT_REFUSED: enum err */
    uint32_t row;  /* enum disclosure_row, DISCLOSURE_ROWS when none */
    uint64_t made_ms;
    uint64_t exp_ms;
    uint64_t accepted_ms; /* hub time */
    uint64_t type;
    uint64_t class_mask;
    uint64_t basis;
    bool urgent;
    uint8_t circle[ID_BYTES];
    uint8_t person[ID_BYTES];
    uint8_t actor[ID_BYTES];
    enum out_recall recall;
    uint32_t recall_reason; /* enum recall_reason */
    uint64_t recall_ms;
    uint8_t recall_actor[ID_BYTES];
    size_t count;
    struct out_recipient to[RECIPIENTS_MAX];
};

/* What a caller decides about an envelope; the outbox fills the rest of the header. */
struct out_intent {
    uint64_t type; /* enum envelope_type */
    uint8_t circle[ID_BYTES];
    uint8_t person[ID_BYTES]; /* local: whose key keeps the payload */
    uint64_t class_mask;
    uint64_t basis;
    uint64_t purpose;
    bool has_consent; /* false with basis 3: the current one is looked up */
    uint64_t consent;
    bool has_notice; /* false: the newest that covers is looked up, if one is needed */
    uint64_t notice;
    uint64_t prio;
    bool has_re;
    uint8_t re[ID_BYTES];
    uint64_t exp_ms; /* 0: now + settings.keep_for */
    uint8_t actor[ID_BYTES];
    uint64_t scat;
    size_t att_count;
    struct env_attachment att[ATTACHMENTS_MAX];
    size_t to_count;
    uint8_t to[RECIPIENTS_MAX][ID_BYTES];
    uint64_t rcat[RECIPIENTS_MAX];
    size_t deputy_count; /* the last ones of `to` */
    struct env_deputy deputy[DEPUTIES_MAX];
};

/* Judges as sender; a refusal keeps nothing (v, which may be NULL, says which row). Then keeps
 * payload and intent in t. After the commit call node_kick(). */
struct verdict;
enum err outbox_add(struct node *n, struct txn *t, const struct out_intent *intent,
                    struct span payload, uint8_t mid[ID_BYTES], struct verdict *v);

/* Does it go to him, as far as we were told? To a recipient, and to a deputy it was released to. */
bool out_concerns(const struct out_recipient *r);
enum err outbox_get(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                    struct out_status *out); /* ERR_NOT_FOUND */
/* Oldest first; visit may answer ERR_ENOUGH. */
enum err outbox_each(struct node *n, struct txn *t,
                     enum err (*visit)(void *arg, const struct out_status *s), void *arg);
/* The payload as it was added; seal_bytes_free(). */
enum err outbox_payload(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                        struct bytes *out);
/* --- the courier's side ------------------------------------------------------------------ */

/* The bytes to PUT: sealed now if they were not, and on disk. ERR_AGAIN: a statement of ours about
 * its circle goes first. ERR_OK with an empty *out when the
 * envelope has just ended (refused by our own judgement, expired). Own commit. */
enum err outbox_take(struct node *n, const uint8_t mid[ID_BYTES], struct bytes *out);
/* Those of the mids that are not sealed yet, at most OUTBOX_BATCH_MAX, sealed in one commit under
 * one signature (PROTOCOL.md 5.3); outbox_take() then finds their bytes. Fewer than two: nothing is
 * done. A failure changes nothing: each can still be taken alone. */
#define OUTBOX_BATCH_MAX 32
enum err outbox_batch(struct node *n, const uint8_t (*mids)[ID_BYTES], size_t count);
/* A hub restored from a backup has lost leaves: what lay there and has not ended for everybody is
 * offered again. Own commit; again is fine. */
enum err outbox_reoffer(struct node *n);
enum err outbox_accepted(struct node *n, const uint8_t mid[ID_BYTES], struct span receipt);
enum err outbox_refused(struct node *n, const uint8_t mid[ID_BYTES], enum err why,
                        struct span receipt);
/* It cannot go: an attachment of it was refused. Own commit. */
enum err outbox_fail(struct node *n, const uint8_t mid[ID_BYTES], enum err why);
/* A receipt from the mailbox that is about an envelope we sent. In the caller's transaction.
 * ERR_NOT_FOUND: none of ours. */
enum err outbox_receipt(struct node *n, struct txn *t, struct span receipt,
                        const struct receipt_facts *facts);
/* What waits in this circle and is not lawful any more, by our own undecided statements as well:
 * ended as OUT_REFUSED with its code, sealed or not. In the caller's transaction. One that had
 * reached the hub before is OUT_ACCEPTED as soon as a receipt proves it. */
enum err outbox_withhold(struct node *n, struct txn *t, const uint8_t circle[ID_BYTES],
                         size_t *count);
struct out_pending {
    uint8_t mid[ID_BYTES];
    bool sealed;
    bool first; /* nothing older in the list goes to any of its recipients: it may be offered */
};
/* What the hub has not decided about, oldest first, at most max; none of a circle about which a
 * statement of ours is undecided: it takes its place in the line when that is. */
enum err outbox_pending(struct node *n, struct txn *t, struct out_pending *list, size_t max,
                        size_t *count);

/* --- the node's key (outrekey.c) -------------------------------------------------------------- */

/* Is there anything sealed that the hub has not decided about? */
enum err outbox_has_sealed(struct node *n, struct txn *t, bool *has);
/* What waits to be sealed, signed by its author with the node's key of now. In t. */
enum err outbox_resign(struct node *n, struct txn *t);

/* --- taking back (outrecall.c) --------------------------------------------------------------- */

/* Before the hub had it: OUT_WITHDRAWN. Else OUT_RECALL_ASKED, signed and queued for the hub; again
 * is fine. In t; node_kick() after the commit. ERR_STATE: it went nowhere. ERR_TOO_LATE. */
enum err outbox_recall(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                       enum recall_reason why, const uint8_t actor[ID_BYTES]);
/* Whoever waits for the hub's word on a recall waits on this. */
void outbox_recall_id(const uint8_t mid[ID_BYTES], uint8_t id[ID_BYTES]);
/* The hub's answers, each a commit of its own. */
enum err outbox_recall_done(struct node *n, const uint8_t mid[ID_BYTES], struct span receipt);
enum err outbox_recall_refused(struct node *n, const uint8_t mid[ID_BYTES], enum err why);

/* --- receipts ----------------------------------------------------------------------------- */

/* Keeps a receipt under (id, type, org). The same again is fine. */
enum err receipts_put(struct node *n, struct txn *t, const uint8_t id[ID_BYTES], uint64_t type,
                      const uint8_t org[ID_BYTES], struct span receipt);
typedef enum err receipts_visit_fn(void *arg, uint64_t type, const uint8_t org[ID_BYTES],
                                   struct span receipt);
enum err receipts_each(struct node *n, struct txn *t, const uint8_t id[ID_BYTES],
                       receipts_visit_fn *visit, void *arg);
/* A receipt as a C2SP .tlog-proof text. */
enum err receipts_file(const struct node *n, struct span receipt, struct bytes *text);

#endif
