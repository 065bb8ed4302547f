#include "digest.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static_assert(sizeof(crypto_generichash_blake2b_state) <= DIGEST_STATE_BYTES,
              "a BLAKE2b state fits its room");
static_assert(_Alignof(crypto_generichash_blake2b_state) <= 64, "and is aligned there");
static_assert(DIGEST_KEY_MAX == crypto_generichash_blake2b_KEYBYTES_MAX, "one limit");

static crypto_generichash_blake2b_state *state_of(struct digest *d)
{
    return (crypto_generichash_blake2b_state *)(void *)d->state;
}

static void absorb(struct digest *d, const uint8_t *ptr, size_t n)
{
    if (!d->failed && n > 0)
        crypto_generichash_blake2b_update(state_of(d), ptr, n);
}

static int known_size(size_t n)
{
    return n == DIGEST_128 || n == DIGEST_256 || n == DIGEST_512;
}

void digest_init(struct digest *d, const char *label, struct span key, size_t out_len)
{
    size_t label_len = strlen(label);
    uint8_t prefix = (uint8_t)label_len;

    d->out_len = out_len;
    d->failed = ERR_RANGE;
    if (label_len == 0 || label_len > DIGEST_LABEL_MAX || key.len > DIGEST_KEY_MAX)
        return;
    if (!known_size(out_len))
        return;
    d->failed = ERR_OK;
    crypto_generichash_blake2b_init(state_of(d), key.ptr, key.len, out_len);
    absorb(d, &prefix, 1);
    absorb(d, (const uint8_t *)label, label_len);
}

void digest_add(struct digest *d, struct span part)
{
    absorb(d, part.ptr, part.len);
}

void digest_le64(struct digest *d, uint64_t value)
{
    uint8_t le[8];

    for (size_t i = 0; i < sizeof le; i++)
        le[i] = (uint8_t)(value >> (8 * i));
    absorb(d, le, sizeof le);
}

void digest_field(struct digest *d, struct span part)
{
    digest_le64(d, part.len);
    digest_add(d, part);
}

enum err digest_final(struct digest *d, uint8_t *out)
{
    enum err e = d->failed;

    if (!e)
        crypto_generichash_blake2b_final(state_of(d), out, d->out_len);
    digest_wipe(d);
    return e;
}

void digest_wipe(struct digest *d)
{
    sodium_memzero(d, sizeof *d);
    d->failed = ERR_RANGE; /* a digest is finished once */
}

enum err digest_parts(const char *label, struct span key, const struct span *parts, size_t n,
                      uint8_t *out, size_t out_len)
{
    struct digest d;

    digest_init(&d, label, key, out_len);
    for (size_t i = 0; i < n; i++)
        digest_add(&d, parts[i]);
    return digest_final(&d, out);
}

enum err digest_of(const char *label, struct span data, uint8_t *out, size_t out_len)
{
    return digest_parts(label, NO_KEY, &data, 1, out, out_len);
}

static void sha256_tagged(struct span tag, struct span a, struct span b, uint8_t *out)
{
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, tag.ptr, tag.len);
    crypto_hash_sha256_update(&state, a.ptr, a.len);
    crypto_hash_sha256_update(&state, b.ptr, b.len);
    crypto_hash_sha256_final(&state, out);
}

void sha256(struct span data, uint8_t out[SHA256_BYTES])
{
    crypto_hash_sha256(out, data.ptr, data.len);
}

void sha256_leaf(struct span data, uint8_t out[SHA256_BYTES])
{
    sha256_tagged(SPAN_STR("\x00"), data, NO_KEY, out);
}

void sha256_node(const uint8_t left[SHA256_BYTES], const uint8_t right[SHA256_BYTES],
                 uint8_t out[SHA256_BYTES])
{
    sha256_tagged(SPAN_STR("\x01"), (struct span){left, SHA256_BYTES},
                  (struct span){right, SHA256_BYTES}, out);
}
