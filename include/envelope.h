/*
 * envelope - ENV1: one body, sealed once, opened by each of up to 64 organisations, signed by the
 * sender's node (PROTOCOL.md 5).
 *
 *     [ ver, hdr, rcp, com, ct, sig ]
 *
 * A sender calls envelope_seal(). A recipient calls envelope_receive(), the receive order in one
 * piece. The hub, which opens nothing, uses the parts: envelope_parse() (steps 1 to 4),
 * envelope_digest() and envelope_verify() (7), envelope_kid() (8), header_check_times() (9).
 *
 * Everything read is bounded by ENVELOPE_MAX; receiving allocates the key and the body, nothing
 * else. Whoever opens learns one error, ERR_OPEN, for steps 11 to 14; which of them it was is a
 * step number for the local log, and for that alone. Thread rule: pure functions over caller's
 * data, any thread.
 */
#ifndef RELAIS_ENVELOPE_H
#define RELAIS_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "batch.h"
#include "digest.h"
#include "header.h"
#include "hpke.h"
#include "keys.h"
#include "random.h"
#include "secretbox.h"
#include "sign.h"
#include "span.h"

enum {
    ENVELOPE_VERSION = 1,
    ENVELOPE_PARTS = 6,
    ENVELOPE_MAX = 300000,
    ENVELOPE_BODY_MAX = 262144,
    ENVELOPE_WRAP_BYTES = KEY_BYTES + HPKE_TAG_BYTES,
    ENVELOPE_STANZA_BYTES = KID_BYTES + HPKE_ENC_BYTES + ENVELOPE_WRAP_BYTES,
    ENVELOPE_COM_BYTES = 32,
    ENVELOPE_CT_MIN = PAD_BLOCK + AEAD_TAG_BYTES,
    ENVELOPE_CT_MAX = 270352,
};

/* The receive order of PROTOCOL.md 5.4, by its numbers. 15 to 17 need the payload's schema and the
 * circle: they are the node's. */
enum receive_step {
    STEP_NONE = 0,
    STEP_SIZE = 1,
    STEP_OUTER,
    STEP_VERSION,
    STEP_HEADER,
    STEP_MODE,
    STEP_KEY,
    STEP_SIGNATURE,
    STEP_ADDRESSEE,
    STEP_TIMES,
    STEP_SEEN,
    STEP_UNWRAP,
    STEP_COMMITMENT,
    STEP_BODY,
    STEP_PADDING,
    STEP_PAYLOAD,
    STEP_LABEL,
    STEP_CIRCLE
};

/* The outer array: borrowed from the bytes it was parsed from. */
struct envelope_view {
    uint64_t version;
    struct span hdr;
    struct span rcp;
    struct span com;
    struct span ct;
    struct span sig;
    size_t count; /* stanzas, 1..RECIPIENTS_MAX */
};

/* Steps 1 to 4. *step (may be NULL) is always written: the step that refused, STEP_NONE on ERR_OK.
 * View and header are written on success only. */
enum err envelope_parse(struct span whole, struct envelope_view *view, struct env_header *header,
                        enum receive_step *step);

const uint8_t *envelope_kid(const struct envelope_view *v, size_t i); /* i < count; borrowed */

/* 5.3: what receipts, dedupe and evidence name, and what is signed. */
enum err envelope_digest(const struct envelope_view *v, uint8_t digest[DIGEST_BYTES]);
/* Step 7, view, header and digest being of one envelope. ERR_FORGED. */
enum err envelope_verify(const struct envelope_view *v, const struct env_header *h,
                         const uint8_t digest[DIGEST_BYTES], const struct sign_public *signer);

/* What step 7 hands to Ed25519: the envelope's own digest, or that of its batch's root. Equal
 * claims with equal signatures under one key have one answer. sig is borrowed from the view. */
struct envelope_claim {
    enum sign_context context;
    uint8_t digest[DIGEST_BYTES];
    const uint8_t *sig;
};
enum err envelope_claim(const struct envelope_view *v, const struct env_header *h,
                        const uint8_t digest[DIGEST_BYTES], struct envelope_claim *out);

/*
 * Seals `body` (1..ENVELOPE_BODY_MAX bytes, else ERR_SIZE) to header->to[i] under prekeys[i], both
 * of header->to_count. *out is replaced by owned bytes. The header goes through the strict
 * decoder first, so what a receiver would refuse in it is refused here with the same error.
 * ERR_USAGE: header->skid is not the signer's key id. ERR_FIELD_VALUE also for a prekey to which
 * nothing can be sealed. Randomness is drawn in this order: mk, then one pair per recipient.
 */
enum err envelope_seal(const struct env_header *header, const struct box_public *prekeys,
                       struct span body, const struct secret_sign *signer,
                       const struct entropy *source, struct bytes *out,
                       uint8_t digest[DIGEST_BYTES]);

/*
 * A header whose `sign` is batch is sealed all the same, and what comes out lacks its signature: no
 * receiver takes it (ERR_SIZE). envelope_sign_batch() completes `count` of them
 * (BATCH_MIN..BATCH_MAX, else ERR_RANGE), all sealed with one `from` and this signer; digests[i] is
 * that of envelopes[i]. On failure none was touched.
 */
enum err envelope_sign_batch(const struct secret_sign *signer, const uint8_t from[ID_BYTES],
                             const uint8_t (*digests)[DIGEST_BYTES], size_t count,
                             struct bytes *envelopes);

/*
 * Steps 11 to 14 for the stanza `index` (< count, else ERR_RANGE) with the prekey it names. View
 * and header belong together (envelope_parse()) and the signature was verified before. ERR_OPEN
 * for whatever is wrong; *step (may be NULL) as in envelope_parse(). *body is replaced by owned
 * bytes: free them with seal_bytes_free(). *mk (may be NULL) is owned too, and kept wrapped it is
 * evidence of what was said.
 */
enum err envelope_open(const struct envelope_view *v, const struct env_header *header, size_t index,
                       const struct secret_box *prekey, struct secret32 **mk, struct bytes *body,
                       enum receive_step *step);

/* What a recipient knows, by question. An error that a callback is not listed with (the store is
 * broken, no memory) ends the receiving with that error. */
struct receive_ctx {
    uint8_t org[ID_BYTES]; /* own */
    uint64_t mode;         /* of the federation: enum mode */
    uint64_t now_ms;
    /* Step 6. Key of (org, skid), enrolled and in effect: ERR_KEY_UNKNOWN, ERR_KEY_REVOKED. */
    enum err (*signing_key)(void *arg, const uint8_t org[ID_BYTES], const uint8_t skid[KID_BYTES],
                            struct sign_public *pk);
    /* Step 8. The own prekey of that id, borrowed until the receiving ends: ERR_NOT_FOUND. */
    enum err (*prekey)(void *arg, const uint8_t kid[KID_BYTES], const struct secret_box **out);
    /* Step 10. Digest of the envelope accepted before under (mid, from): ERR_NOT_FOUND. */
    enum err (*seen)(void *arg, const uint8_t mid[ID_BYTES], const uint8_t from[ID_BYTES],
                     uint8_t digest[DIGEST_BYTES]);
    void *arg;
};

/* Filled as far as the receiving came; `step` says how far: with STEP_NONE everything is there,
 * else it is the first step that refused, view and header are there after STEP_HEADER, digest
 * after STEP_KEY (the sender is proven only after STEP_SIGNATURE), index after STEP_ADDRESSEE. */
struct received {
    enum receive_step step;
    struct envelope_view view; /* borrows from the bytes received */
    struct env_header header;
    uint8_t digest[DIGEST_BYTES];
    size_t index;        /* own place in header.to */
    struct secret32 *mk; /* owned; NULL unless step is STEP_NONE */
    struct bytes body;   /* owned; empty unless step is STEP_NONE */
};

/* Steps 1 to 14 in order; *out is overwritten whatever the answer: received_wipe() it.
 * ERR_DUPLICATE and ERR_MID_REUSED are step 10's. */
enum err envelope_receive(const struct receive_ctx *ctx, struct span whole, struct received *out);
void received_wipe(struct received *r); /* a zeroed struct is fine */

#endif
