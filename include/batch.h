/*
 * batch - one signature over the root of many envelopes (PROTOCOL.md 5.3). A node with much to
 * send signs once; whoever verified that root once need not verify it again. Each envelope carries
 * its own way to the root, so it is worth alone what a singly signed one is.
 *
 *     sig = signature[64] ‖ le16(index) ‖ le16(count) ‖ path
 *
 * The signature covers sender, key id, count and root, under labels of its own: nothing of it is
 * valid as a single signature, in another sender's name or at another place.
 * Thread rule: pure functions, any thread.
 */
#ifndef RELAIS_BATCH_H
#define RELAIS_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "ids.h"
#include "keys.h"
#include "sign.h"
#include "span.h"

enum {
    BATCH_MIN = 2,
    BATCH_MAX = 1024,
    BATCH_PATH_MAX = 10, /* hashes on the way up from one of BATCH_MAX */
    BATCH_HASH_BYTES = 32,
    BATCH_PLACE_BYTES = 4,
    BATCH_SIG_MAX = SIG_BYTES + BATCH_PLACE_BYTES + BATCH_PATH_MAX * BATCH_HASH_BYTES
};

/* The form alone. ERR_SIZE: not as long as its index and count ask; ERR_FIELD_VALUE: count outside
 * BATCH_MIN..BATCH_MAX, or index not below it. */
enum err batch_check(struct span sig);

/* What the 64 bytes in `sig` are a signature of, if `digest` stands where it says. The form was
 * checked before (else the same errors). */
enum err batch_claim(struct span sig, const uint8_t from[ID_BYTES], const uint8_t skid[KID_BYTES],
                     const uint8_t digest[DIGEST_512], uint8_t claim[DIGEST_512]);

/* Signs `count` digests, each 64 bytes: sigs[i] is replaced by owned bytes. ERR_RANGE: count
 * outside its limits. On failure nothing was replaced. */
enum err batch_sign(const struct secret_sign *signer, const uint8_t from[ID_BYTES],
                    const uint8_t (*digests)[DIGEST_512], size_t count, struct bytes *sigs);

#endif
