/*
 * proven - roots of batches that a worker has verified (PROTOCOL.md 5.3): the other envelopes of
 * the batch cost hashes, no signature. Only what Ed25519 said yes to is remembered, with the key
 * and all 64 bytes of the signature, so an answer from here is the answer it would give again.
 * Confine one to one thread.
 */
#ifndef HUB_PROVEN_H
#define HUB_PROVEN_H

#include "envelope.h"

struct proven;

enum err proven_new(struct proven **out);
void proven_free(struct proven *p); /* NULL is fine */
/* Step 7. ERR_FORGED. p NULL: remembers nothing. */
enum err proven_verify(struct proven *p, const struct envelope_claim *claim,
                       const struct sign_public *pk);
uint64_t proven_verified(const struct proven *p); /* Ed25519 verifications made so far */

#endif
