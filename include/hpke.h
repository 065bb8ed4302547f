/*
 * hpke - HPKE Base mode, single shot (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
 * ChaCha20Poly1305. Says nothing about who sealed: the envelope's signature does.
 * Thread rule: pure functions, any thread.
 */
#ifndef RELAIS_HPKE_H
#define RELAIS_HPKE_H

#include <stdint.h>

#include "err.h"
#include "keys.h"
#include "random.h"
#include "span.h"

#define HPKE_ENC_BYTES 32
#define HPKE_TAG_BYTES 16

/* Seals plain to `to`. sealed has room for plain.len + HPKE_TAG_BYTES and does not overlap the
 * inputs. ERR_FIELD_VALUE: `to` is a point of small order, nothing can be sealed to it. */
enum err hpke_seal(const struct box_public *to, struct span info, struct span aad,
                   struct span plain, const struct entropy *source, uint8_t enc[HPKE_ENC_BYTES],
                   uint8_t *sealed);

/* The same with a given ephemeral pair, for published vectors: never use a pair twice. */
enum err hpke_seal_with(const struct secret_box *ephemeral, const struct box_public *to,
                        struct span info, struct span aad, struct span plain,
                        uint8_t enc[HPKE_ENC_BYTES], uint8_t *sealed);

/* plain has room for sealed.len - HPKE_TAG_BYTES. Whatever is wrong (bad point, short input, bad
 * tag, other info or aad): ERR_OPEN, and plain holds nothing of the content. */
enum err hpke_open(const struct secret_box *key, const uint8_t enc[HPKE_ENC_BYTES],
                   struct span info, struct span aad, struct span sealed, uint8_t *plain);

#endif
