/*
 * join - enrolment of this node (PROTOCOL.md 4, 7.3, 11) and the signatures it is asked for as a
 * founder or countersigner. Runs without a daemon.
 * The keys never leave the node; the human types the fingerprint that the hub's operator reads to
 * him on the telephone, and nothing is accepted before it matches.
 * Thread rule: the caller's.
 */
#ifndef NODE_JOIN_H
#define NODE_JOIN_H

#include <jansson.h>

#include "directory.h"
#include "messages.h"
#include "node.h"

/* An enrolment on its way, kept in the store from before the first JOIN. */
struct joining {
    struct bytes invitation; /* owned, holds a secret */
    struct bytes body;       /* owned: the same for ever under this invitation */
    uint8_t possession[SIG_BYTES];
    uint8_t mac[32];
    bool confirmed; /* a human compared the fingerprint */
    bool heard;     /* the hub has answered it: not the wrong file, not another's */
    char fingerprint[FINGERPRINT_TEXT];
};
void joining_wipe(struct joining *j);
enum err joining_get(struct node *n, struct joining *out); /* ERR_NOT_FOUND */

/* Reads the invitation (armour), makes prekey and body on the first call, keeps them. The same
 * invitation again gives the same. ERR_INVITATION: expired; ERR_EXISTS: joined already;
 * ERR_CONFLICT: another invitation is under way, known to its hub, neither refused nor expired. */
enum err join_begin(struct node *n, struct span armour, struct joining *out);
/* fp as typed. ERR_FINGERPRINT. */
enum err join_confirm(struct node *n, struct joining *j, struct span fp);
/* A human gives up the enrolment under way, if there is one. */
enum err join_forget(struct node *n);
/* What `status` says of an enrolment that is under way, French; nothing when there is none. */
enum err join_say(struct node *n, struct txn *t, struct bytes *text);
/* One frame each way is up to the caller; this judges an answer. ERR_OK and *done: enrolled, pins
 * are kept. ERR_WAITING; ERR_FINGERPRINT: enrolled, but nobody has compared; the code of a refusal;
 * ERR_FORGED ...: the hub's answer is not what the invitation promised. */
enum err join_answer(struct node *n, struct joining *j, const struct msg_join_state *s, bool *done);
enum err join_message(const struct joining *j, struct bytes *frame);
/* Over the network: asks until there is an answer, or (wait) until it is final. */
enum err join_run(struct node *n, struct joining *j, uint64_t wait_ms, enum join_state *state);

/* What a REQUEST file asks to sign, in French, and (confirm) the SIGNATURE file in armour.
 * ERR_RIGHT: nothing in it is for this organisation to sign. */
enum err sign_request(struct node *n, struct span armour, bool confirm, struct bytes *text,
                      struct bytes *signature);

#endif
