/*
 * secretbox - symmetric encryption: the raw AEAD of the envelope's body, sealed records at rest,
 * derived keys, blinded index tokens, and the padding that hides lengths.
 * The AEAD is XChaCha20-Poly1305-IETF; it does not commit to its key, so who needs that (the
 * envelope) carries a commitment beside it.
 * Thread rule: pure functions, any thread.
 */
#ifndef RELAIS_SECRETBOX_H
#define RELAIS_SECRETBOX_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "keys.h"
#include "random.h"
#include "span.h"

#define AEAD_KEY_BYTES 32
#define AEAD_NONCE_BYTES 24
#define AEAD_TAG_BYTES 16

/* out has room for plain.len + AEAD_TAG_BYTES and may be plain's own buffer. A (key, nonce) pair
 * seals once. */
void aead_seal(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
               struct span aad, struct span plain, uint8_t *out);
/* out has room for sealed.len - AEAD_TAG_BYTES and may be sealed's own buffer. ERR_OPEN. */
enum err aead_open(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
                   struct span aad, struct span sealed, uint8_t *out);

/*
 * A record at rest: u8 version (1) || be32 key id || nonce 24 || ciphertext and tag. Version and
 * key id are authenticated in front of the caller's aad (store table, key, schema version ...),
 * so a record cannot be moved to another place. The key id says which key of an epoch opens it.
 */
#define RECORD_VERSION 1
#define RECORD_OVERHEAD (1 + 4 + AEAD_NONCE_BYTES + AEAD_TAG_BYTES)
#define RECORD_PLAIN_MAX ((size_t)16 << 20)
#define RECORD_AAD_MAX 1024

/* A struct bytes given as out starts zeroed or owned; what it held is freed on success.
 * ERR_SIZE: plain or aad beyond its maximum. */
enum err record_seal(const struct secret32 *key, uint32_t key_id, struct span aad,
                     struct span plain, const struct entropy *source, struct bytes *out);
/* ERR_VERSION: another version; ERR_OPEN: everything else. Free with seal_bytes_free(). */
enum err record_open(const struct secret32 *key, struct span aad, struct span record,
                     struct bytes *out);
enum err record_key_id(struct span record, uint32_t *key_id); /* not authenticated: a lookup */

/* libsodium's crypto_kdf (BLAKE2b): sub-key number id of a master key in an 8-byte context. */
#define KDF_CONTEXT_BYTES 8
enum err kdf_derive(const struct secret32 *master, uint64_t id,
                    const char context[KDF_CONTEXT_BYTES], struct secret32 **out);

/* H-256(key, label, value): an index key that says nothing without the secret. ERR_RANGE: label. */
#define BLIND_TOKEN_BYTES 32
enum err blind_token(const struct secret32 *key, const char *label, struct span value,
                     uint8_t out[BLIND_TOKEN_BYTES]);

/*
 * Padding: payload || 0x80 || zeroes, up to a multiple of 256 while that is at most 4096, to the
 * next Padmé length above (at most 12 % more). A payload has one padded form: unpad() refuses
 * any other.
 */
#define PAD_BLOCK 256
#define PAD_BLOCK_LIMIT 4096
#define PAD_PLAIN_MAX ((size_t)1 << 30)
#define PADDED_BOUND(n) ((n) + (n) / 8 + PAD_BLOCK) /* padded_len(n) is never more */

size_t padded_len(size_t plain_len);                   /* 0 beyond PAD_PLAIN_MAX */
enum err pad(struct span plain, struct bytes *out);    /* ERR_SIZE, ERR_NOMEM */
enum err unpad(struct span padded, size_t *plain_len); /* ERR_OPEN; time says not where it ends */

#endif
