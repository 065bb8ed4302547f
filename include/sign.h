/*
 * sign - the one caller of Ed25519.
 *
 *     sig = Ed25519(sk, u8(len(label)) || label || digest64)
 *
 * The label is a row of SIGN_CONTEXTS, so a signature made for one purpose never verifies for
 * another; the digest is a 64-byte labelled BLAKE2b made by the caller (digest.h). PROTOCOL.md
 * lists the same table.
 * The only exception: a C2SP signed note (checkpoint, cosignature) is signed as raw text, as its
 * format demands. Keys of notes are keys of their own and sign nothing else.
 * Verification is libsodium's: cofactorless, one signature at a time, S reduced, no public key
 * of small order. All our programs therefore agree on every input.
 * Thread rule: pure functions, any thread.
 */
#ifndef RELAIS_SIGN_H
#define RELAIS_SIGN_H

#include <stdint.h>

#include "digest.h"
#include "err.h"
#include "keys.h"
#include "span.h"

#define SIG_BYTES 64

/* clang-format off */
#define SIGN_CONTEXTS(X)                                                                              \
    X(SIGN_ENVELOPE,   "relais/env1/sig",          "one envelope")                                    \
    X(SIGN_BATCH,      "relais/env1/batch",        "the root of a batch of envelopes")                \
    X(SIGN_STATEMENT,  "relais/chain1/statement",  "a statement of a circle's chain")                 \
    X(SIGN_OFFER,      "relais/chain1/offer",      "an offer to join a circle, or to become référent")\
    X(SIGN_KEYS,       "relais/keys1/statement",   "a statement of the keys log")                     \
    X(SIGN_POSSESSION, "relais/keys1/possession",  "possession of a key that is being enrolled")      \
    X(SIGN_ACK,        "relais/ack1",              "a cumulative acknowledgement of delivery")        \
    X(SIGN_REPORT,     "relais/report1",           "what became of one message: opened, taken")       \
    X(SIGN_DOCUMENT,   "relais/doc1",              "a document, by its author")                       \
    X(SIGN_INVITATION, "relais/invitation1",       "an invitation of an organisation to a hub")       \
    X(SIGN_RECALL,     "relais/recall1",           "a sender takes a message back")                    \
    X(SIGN_OPERATOR,   "relais/operator1",         "a named operator of the hub agrees to an act")
/* clang-format on */

#define X(name, label, meaning) name,
enum sign_context {
    SIGN_CONTEXTS(X) SIGN_CONTEXT_COUNT
};
#undef X

const char *sign_label(enum sign_context c); /* NULL for a number that is no row. Static. */

/* ERR_RANGE: no such context. Failed calls leave sig untouched. */
enum err sign_digest(enum sign_context c, const struct secret_sign *key,
                     const uint8_t digest[DIGEST_512], uint8_t sig[SIG_BYTES]);
enum err verify_digest(enum sign_context c, const struct sign_public *key,
                       const uint8_t digest[DIGEST_512], const uint8_t sig[SIG_BYTES]);
/* verify_*: ERR_FORGED unless the signature is good. */

enum err sign_note(const struct secret_sign *key, struct span text, uint8_t sig[SIG_BYTES]);
enum err verify_note(const struct sign_public *key, struct span text, const uint8_t sig[SIG_BYTES]);

/* How many signatures this process has looked at, good or bad: what a message costs, for metrics.
 */
uint64_t sign_verifications(void);

#endif
