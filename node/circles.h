/*
 * circles - this node's copies of the chains of its circles, each verified again as it comes, and
 * the statements it makes itself: kept on disk, signed on the head, declared until the hub has
 * decided (PROTOCOL.md 8, 11).
 *
 * A statement of ours that meets a newer head is judged again on it and signed again; one that the
 * new state refuses ends with that refusal. The state shown is what the hub has committed. What
 * we send is judged as if our own narrowing statements (opposition, withdrawal, leave, remove,
 * close) stood there already: they bind us from the moment they are written (CSP L1110-4 IV).
 * Thread rule: the loop's.
 */
#ifndef NODE_CIRCLES_H
#define NODE_CIRCLES_H

#include "circle.h"
#include "disclosure.h"
#include "node.h"

/* What this node knows of a circle beside its chain. */
struct circle_info {
    uint8_t handle[ID_BYTES];
    bool has_person;
    uint8_t person[ID_BYTES]; /* local id: whose circle it is */
    bool incomplete;          /* statements are missing: CHAIN is being asked */
    uint64_t since_ms;
    uint64_t restores; /* of the hub, after which it is known to have the chain that we hold */
};
enum err circle_info_get(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                         struct circle_info *out); /* ERR_NOT_FOUND */
enum err circle_info_put(struct node *n, struct txn *t, const struct circle_info *i);
/* Statements are missing, or no longer. */
enum err circle_mark(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                     bool incomplete);
/* The hub has been restored since, and may have lost what we hold of this circle: it is offered
 * again before anything else about it is sent (PROTOCOL.md 10.5). */
bool circle_is_doubtful(const struct node *n, const struct circle_info *i);
enum err circle_settled(struct node *n, const uint8_t handle[ID_BYTES]); /* own commit */
/* This node was itself put back from a backup: every chain is asked for. Own commit. */
enum err circles_after_restore(struct node *n);
enum err circle_info_each(struct node *n, struct txn *t,
                          enum err (*visit)(void *arg, const struct circle_info *i), void *arg);

/* An invitation received and not answered. */
struct circle_invited {
    uint8_t handle[ID_BYTES];
    uint8_t from[ID_BYTES];
    uint8_t mid[ID_BYTES];
    uint8_t person[ID_BYTES]; /* local (provisional) person the invitation is about */
    uint64_t received_ms;
    struct bytes offer; /* owned; [offer, org, skid, sig] */
};
void circle_invited_wipe(struct circle_invited *i);
enum err circle_invited_put(struct node *n, struct txn *t, const struct circle_invited *i);
enum err circle_invited_get(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                            struct circle_invited *out); /* ERR_NOT_FOUND */
enum err circle_invited_each(struct node *n, struct txn *t,
                             enum err (*visit)(void *arg, const struct circle_invited *i),
                             void *arg);

enum err circles_open(struct node *n, struct circles **out);
void circles_close(struct circles *c);
void circles_forget(struct node *n); /* cached chains; read again when asked */

/* The chain as it is in this transaction. ERR_NOT_FOUND. Borrowed until the next circles_ call. */
enum err circles_get(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                     struct circle **out);
/* One statement of it, as signed; `ss` is owned. ERR_NOT_FOUND. */
enum err circles_statement(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                           uint32_t at, struct bytes *ss);
/* As it was with its first `size` statements; owned by the caller. ERR_RANGE: not that long. */
enum err circles_at(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES], uint32_t size,
                    struct circle **out);

/* A committed statement, from DELIVER, CHAIN_PAGE or our own RECEIPT: verified and appended. One
 * we hold already is ERR_OK; one beyond our end marks the circle incomplete and is ERR_OK, *gap
 * says so. ERR_SPLIT_VIEW: another statement stands at that n. A refused one is its error. */
enum err circles_take(struct node *n, struct txn *t, struct span ss, bool *gap);

/* The chain as it is with our own undecided narrowing statements after it; owned by the caller.
 * ERR_OK with *out NULL: there is none, circles_get() says it all. */
enum err circles_ahead(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                       struct circle **out);
/* May this be sent? The table as sender, over the chain as circles_ahead() has it; codes as
 * disclosure_judge_all().
 * ERR_NOT_IN_CIRCLE as well for a circle we do not hold. */
struct env_header;
enum err circles_judge(struct node *n, struct txn *t, const struct env_header *h, struct verdict *v,
                       size_t *which);
/* The newest live notice that covers all these recipients and classes. ERR_NOT_FOUND. */
enum err circles_notice_for(const struct circle *c, const uint8_t (*orgs)[ID_BYTES], size_t count,
                            uint64_t class_mask, uint64_t *n_out);
/* The same for consents; when none is alive, the newest that was withdrawn, so that the table can
 * say why. */
enum err circles_consent_for(const struct circle *c, const uint8_t (*orgs)[ID_BYTES], size_t count,
                             uint64_t class_mask, uint64_t *n_out);

/* --- statements on their way (acts) ------------------------------------------------------- */

enum act_state {
    ACT_WAITING = 1, /* not decided by the hub yet */
    ACT_DONE,        /* committed */
    ACT_FAILED       /* refused: code */
};
struct act {
    uint8_t id[ID_BYTES];
    enum act_state state;
    uint32_t code; /* enum err of a refusal */
    uint64_t made_ms;
    uint8_t person[ID_BYTES]; /* zero: of the circle's */
    struct bytes stmt;        /* owned: what is to be said; prev and n are filled when signing */
    struct bytes ss;          /* owned: as last signed; empty: not signed yet */
    struct bytes receipt;     /* owned */
};
void act_wipe(struct act *a);

/* Judges the statement on the present chain (not for CREATE and JOIN), keeps it, and lets the
 * courier declare it. *s is completed: circle (CREATE: the handle), prev, n. person: for CREATE.
 * t is the caller's write transaction; after its commit call node_kick(). */
enum err act_add(struct node *n, struct txn *t, struct circle_statement *s, const uint8_t *person,
                 uint8_t id[ID_BYTES]);
enum err act_get(struct node *n, struct txn *t, const uint8_t id[ID_BYTES], struct act *out);
/* The acts that wait, oldest first, one statement per circle at a time. */
enum err act_each_waiting(struct node *n, struct txn *t,
                          enum err (*visit)(void *arg, const struct act *a), void *arg);
/* What it says; circle is filled for a CREATE too. Borrows from *a. */
enum err act_statement(const struct act *a, struct circle_statement *s);
/* Does a statement of ours about this circle wait for the hub, or is the chain itself doubtful
 * there? Its envelopes wait behind it. */
enum err act_unsettled(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES], bool *out);
/* Signed on the present head (JOIN: on the head given, NULL for none) and kept so: what to send. */
enum err act_sign(struct node *n, struct txn *t, const uint8_t id[ID_BYTES], struct bytes *ss);
/* The node's key is another: what none has left here with is signed anew when it is sent. */
enum err acts_unsign(struct node *n, struct txn *t);
/* The hub's answers. Each is a commit of its own. receipt: as on the wire. */
enum err act_committed(struct node *n, const uint8_t id[ID_BYTES], struct span receipt);
enum err act_refused(struct node *n, const uint8_t id[ID_BYTES], enum err why);
/* STALE_HEAD: n and head as the hub told. After ERR_OK act_sign() signs again; when the circle is
 * incomplete now (circle_info), its chain must be read first. */
enum err act_stale(struct node *n, const uint8_t id[ID_BYTES], uint64_t head_n,
                   const uint8_t head[STMT_LINK_BYTES]);

#endif
