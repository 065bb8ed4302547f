#include "attachment.h"

#include <assert.h>
#include <string.h>

#include "digest.h"
#include "secretbox.h"

static_assert(ATTACHMENT_TAG_BYTES == AEAD_TAG_BYTES, "one cipher");
static_assert((ATTACHMENT_PLAIN_MAX + ATTACHMENT_PLAIN - 1) / ATTACHMENT_PLAIN ==
                  ATTACHMENT_CHUNKS_MAX,
              "the largest file fills the largest list");

uint64_t attachment_sealed_size(uint64_t plain)
{
    if (plain == 0 || plain > ATTACHMENT_PLAIN_MAX)
        return 0;
    return plain + (plain + ATTACHMENT_PLAIN - 1) / ATTACHMENT_PLAIN * ATTACHMENT_TAG_BYTES;
}

uint32_t attachment_chunks(uint64_t sealed)
{
    uint64_t last = sealed % ATTACHMENT_CHUNK;

    if (sealed == 0 || sealed > ATTACHMENT_SEALED_MAX || (last > 0 && last <= ATTACHMENT_TAG_BYTES))
        return 0;
    return (uint32_t)((sealed + ATTACHMENT_CHUNK - 1) / ATTACHMENT_CHUNK);
}

uint64_t attachment_plain_size(uint64_t sealed)
{
    uint32_t n = attachment_chunks(sealed);

    return n ? sealed - (uint64_t)n * ATTACHMENT_TAG_BYTES : 0;
}

uint32_t attachment_chunk_len(uint64_t sealed, uint32_t i)
{
    uint64_t left = sealed - (uint64_t)i * ATTACHMENT_CHUNK;

    return left < ATTACHMENT_CHUNK ? (uint32_t)left : ATTACHMENT_CHUNK;
}

static void nonce_of(uint32_t i, bool last, uint8_t nonce[AEAD_NONCE_BYTES])
{
    memset(nonce, 0, AEAD_NONCE_BYTES);
    for (size_t k = 0; k < sizeof i; k++)
        nonce[k] = (uint8_t)(i >> (8 * k));
    nonce[sizeof i] = last;
}

void attachment_seal(const uint8_t key[ATTACHMENT_KEY_BYTES], uint32_t i, bool last,
                     struct span plain, uint8_t *out)
{
    uint8_t nonce[AEAD_NONCE_BYTES];

    nonce_of(i, last, nonce);
    aead_seal(key, nonce, span_text(""), plain, out);
}

enum err attachment_open(const uint8_t key[ATTACHMENT_KEY_BYTES], uint32_t i, bool last,
                         struct span chunk, uint8_t *out)
{
    uint8_t nonce[AEAD_NONCE_BYTES];

    nonce_of(i, last, nonce);
    return aead_open(key, nonce, span_text(""), chunk, out);
}

enum err attachment_hash(uint32_t i, struct span chunk, uint8_t out[ATTACHMENT_HASH_BYTES])
{
    uint8_t le[4] = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16), (uint8_t)(i >> 24)};
    struct span parts[] = {SPAN_OF(le), chunk};

    return digest_parts("relais/att1/chunk", NO_KEY, parts, 2, out, ATTACHMENT_HASH_BYTES);
}

enum err attachment_address(uint64_t sealed, struct span hashes,
                            uint8_t out[ATTACHMENT_ADDRESS_BYTES])
{
    uint32_t n = attachment_chunks(sealed);
    struct digest d;

    if (n == 0 || hashes.len != (size_t)n * ATTACHMENT_HASH_BYTES)
        return ERR_SIZE;
    digest_init(&d, "relais/att1/address", NO_KEY, DIGEST_256);
    digest_le64(&d, sealed);
    digest_add(&d, hashes);
    return digest_final(&d, out);
}
