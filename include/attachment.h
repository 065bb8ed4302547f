/*
 * attachment - a file too large for an envelope, as ciphertext in chunks that can be checked and
 * opened one by one, in any order (PROTOCOL.md 6.4). Each attachment has a random key of its own,
 * used for nothing else; the sheet that carries key and address is what makes it readable.
 * An attachment of another order, length or end than the one sealed does not open: a chunk's place
 * and whether it is the last are part of its nonce, and its hash is part of the address.
 * Thread rule: plain data and pure functions.
 */
#ifndef RELAIS_ATTACHMENT_H
#define RELAIS_ATTACHMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

#define ATTACHMENT_KEY_BYTES 32
#define ATTACHMENT_ADDRESS_BYTES 32
#define ATTACHMENT_HASH_BYTES 32
#define ATTACHMENT_TAG_BYTES 16
#define ATTACHMENT_CHUNK 262144 /* of ciphertext; the last one may be shorter */
#define ATTACHMENT_PLAIN (ATTACHMENT_CHUNK - ATTACHMENT_TAG_BYTES)
#define ATTACHMENT_PLAIN_MAX (UINT64_C(256) << 20)
#define ATTACHMENT_CHUNKS_MAX 1025
#define ATTACHMENT_SEALED_MAX                                                                      \
    (ATTACHMENT_PLAIN_MAX + (uint64_t)ATTACHMENT_CHUNKS_MAX * ATTACHMENT_TAG_BYTES)
#define ATTACHMENT_LIST_MAX (ATTACHMENT_CHUNKS_MAX * ATTACHMENT_HASH_BYTES)
#define ATTACHMENTS_MAX 16 /* of one envelope */

/* Bytes of ciphertext for so many of plain; 0: none or too many. */
uint64_t attachment_sealed_size(uint64_t plain);
/* The other way round; 0: no attachment has that size. */
uint64_t attachment_plain_size(uint64_t sealed);
/* Chunks of so much ciphertext; 0: no attachment has that size. */
uint32_t attachment_chunks(uint64_t sealed);
/* Length of chunk i < attachment_chunks(sealed). */
uint32_t attachment_chunk_len(uint64_t sealed, uint32_t i);

/* out has room for plain.len + ATTACHMENT_TAG_BYTES and may be plain's own buffer. */
void attachment_seal(const uint8_t key[ATTACHMENT_KEY_BYTES], uint32_t i, bool last,
                     struct span plain, uint8_t *out);
/* out has room for chunk.len - ATTACHMENT_TAG_BYTES and may be chunk's own buffer. ERR_OPEN. */
enum err attachment_open(const uint8_t key[ATTACHMENT_KEY_BYTES], uint32_t i, bool last,
                         struct span chunk, uint8_t *out);

enum err attachment_hash(uint32_t i, struct span chunk, uint8_t out[ATTACHMENT_HASH_BYTES]);
/* hashes: of every chunk, one after the other. ERR_SIZE: not as many as the size asks. */
enum err attachment_address(uint64_t sealed, struct span hashes,
                            uint8_t out[ATTACHMENT_ADDRESS_BYTES]);

#endif
