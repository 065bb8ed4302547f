/*
 * payload - a document signed by its author's node: [1, doc, org, skid, sig] (PROTOCOL.md 6).
 * Thread rule: pure functions; payload_open() confined to the loop with its node.
 */
#ifndef CARE_PAYLOAD_H
#define CARE_PAYLOAD_H

#include "document.h"
#include "sign.h"

#define PAYLOAD_BYTES_MAX 262144

struct payload {
    struct span doc; /* borrowed */
    uint8_t org[ID_BYTES];
    uint8_t skid[KID_BYTES];
    uint8_t sig[SIG_BYTES];
};

/* ERR_SIZE: larger than a body may be. */
enum err payload_write(struct span doc, const uint8_t org[ID_BYTES], const uint8_t skid[KID_BYTES],
                       const struct secret_sign *key, struct bytes *out);
enum err payload_decode(struct span body, struct payload *out);
/* ERR_FORGED. */
enum err payload_verify(const struct payload *p, const struct sign_public *author);

/* Steps 15 and 16 without a node: author is the key of (header.from, header.skid), mode the
 * federation's: then a matricule must be right and of that world too (ERR_INS_KEY, ERR_INS_MODE;
 * step 15), which is this node's own rule; 0: the protocol alone. *step is 15, 16, or 0. */
enum err payload_receive(struct span body, const struct env_header *h,
                         const struct sign_public *author, uint64_t mode, struct document *out,
                         int *step);

#endif
