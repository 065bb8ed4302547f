/*
 * keys - public keys, and secret keys that live only in guarded memory.
 * Secrets are allocated by sodium_malloc (locked, guard pages), wiped by the one function that
 * frees them, and have no printer. Signing (Ed25519) and agreement (X25519) never share a key.
 * A CURVE key of the transport is a struct secret_box too; secret_box_span() lends it to it.
 * Thread rule: immutable after creation, any thread may read; free when nobody reads.
 */
#ifndef RELAIS_KEYS_H
#define RELAIS_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "random.h"
#include "span.h"

#define KEY_BYTES 32
#define KID_BYTES 16

struct sign_public {
    uint8_t b[KEY_BYTES]; /* Ed25519 */
};

struct box_public {
    uint8_t b[KEY_BYTES]; /* X25519 */
};

struct secret32;    /* 32 secret bytes: a seed, a symmetric key, a message key */
struct secret_sign; /* an Ed25519 pair */
struct secret_box;  /* an X25519 pair */

/* Each creates *out, owned by the caller. ERR_NOMEM; generate: also what the source returns. */
enum err secret32_new(struct secret32 **out); /* zeroes, to be filled by secret32_bytes() */
enum err secret32_generate(const struct entropy *source, struct secret32 **out);
enum err secret32_copy(struct span from, struct secret32 **out); /* ERR_SIZE unless 32 bytes */
void secret32_free(struct secret32 *s);                          /* wipes; NULL is fine */
struct span secret32_span(const struct secret32 *s); /* borrowed until secret32_free() */
uint8_t *secret32_bytes(struct secret32 *s);         /* writable, for a value derived in place */
int secret32_equal(const struct secret32 *a, const struct secret32 *b); /* constant time */

enum err secret_sign_generate(const struct entropy *source, struct secret_sign **out);
enum err secret_sign_from_seed(const struct secret32 *seed, struct secret_sign **out);
enum err secret_sign_seed(const struct secret_sign *k, struct secret32 **out); /* to store it */
const struct sign_public *secret_sign_public(const struct secret_sign *k);     /* borrowed */
void secret_sign_free(struct secret_sign *k);                                  /* NULL is fine */

enum err secret_box_generate(const struct entropy *source, struct secret_box **out);
enum err secret_box_from(const struct secret32 *secret, struct secret_box **out);
enum err secret_box_secret(const struct secret_box *k, struct secret32 **out); /* to store it */
const struct box_public *secret_box_public(const struct secret_box *k);        /* borrowed */
struct span secret_box_span(const struct secret_box *k); /* the raw secret, borrowed */
void secret_box_free(struct secret_box *k);              /* NULL is fine */

/* X25519. The result is no uniform key: hash it under a label (digest.h) before any use.
 * ERR_FIELD_VALUE: theirs is a point of small order, the secret would be all zero. */
enum err secret_box_shared(const struct secret_box *mine, const struct box_public *theirs,
                           struct secret32 **out);

/* Key ids: H-128("relais/kid/sign", pk) and H-128("relais/kid/box", pk). */
void sign_kid(const struct sign_public *pk, uint8_t kid[KID_BYTES]);
void box_kid(const struct box_public *pk, uint8_t kid[KID_BYTES]);

#endif
