/*
 * digest - labelled BLAKE2b, and the SHA-256 of the Merkle log (RFC 6962).
 *
 *     H-n(key, label, data) = BLAKE2b-n(key; u8(len(label)) || label || data)
 *
 * The label comes first and carries its length, so no two uses ever hash the same bytes. Data
 * whose length is not fixed by the specification goes in with digest_field(), which writes
 * le64(len) || bytes; digest_add() is for parts of fixed length.
 * A streaming digest keeps its first failure (a label, key or size outside the limits) and
 * digest_final() tells it: the calls in between need no branches.
 * Thread rule: plain state, confine one struct digest to one thread.
 */
#ifndef RELAIS_DIGEST_H
#define RELAIS_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

#define DIGEST_128 16
#define DIGEST_256 32
#define DIGEST_512 64
#define DIGEST_KEY_MAX 64
#define DIGEST_LABEL_MAX 255
#define SHA256_BYTES 32
#define DIGEST_STATE_BYTES 384

#define NO_KEY ((struct span){NULL, 0})

struct digest {
    _Alignas(64) uint8_t state[DIGEST_STATE_BYTES];
    size_t out_len;
    enum err failed;
};

/* label: 1..255 bytes of text; key: empty or up to 64 bytes; out_len: 16, 32 or 64. */
void digest_init(struct digest *d, const char *label, struct span key, size_t out_len);
void digest_add(struct digest *d, struct span part);   /* the bytes alone: fixed lengths only */
void digest_field(struct digest *d, struct span part); /* le64(len) || bytes */
void digest_le64(struct digest *d, uint64_t value);
/* Writes out_len bytes and wipes the state. ERR_RANGE: see digest_init(); out is untouched. */
enum err digest_final(struct digest *d, uint8_t *out);
void digest_wipe(struct digest *d); /* to give up half way; digest_final() did it already */

/* All parts as by digest_add(): one call for what has fixed lengths, or a single part. */
enum err digest_parts(const char *label, struct span key, const struct span *parts, size_t n,
                      uint8_t *out, size_t out_len);
enum err digest_of(const char *label, struct span data, uint8_t *out, size_t out_len);

/* RFC 6962 2.1: a leaf is SHA-256(0x00 || data), a node SHA-256(0x01 || left || right). */
void sha256(struct span data, uint8_t out[SHA256_BYTES]);
void sha256_leaf(struct span data, uint8_t out[SHA256_BYTES]);
void sha256_node(const uint8_t left[SHA256_BYTES], const uint8_t right[SHA256_BYTES],
                 uint8_t out[SHA256_BYTES]);

#endif
