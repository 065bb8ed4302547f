#include "random.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static_assert(SEED_BYTES == crypto_stream_chacha20_ietf_KEYBYTES, "a seed is a ChaCha20 key");

enum err seal_init(void)
{
    return sodium_init() < 0 ? ERR_RANDOM : ERR_OK;
}

static enum err fill_system(void *arg, uint8_t *out, size_t n)
{
    enum err e;

    (void)arg;
    if ((e = seal_init()))
        return e;
    randombytes_buf(out, n);
    return ERR_OK;
}

struct entropy entropy_system(void)
{
    return (struct entropy){fill_system, NULL};
}

static enum err fill_seeded(void *arg, uint8_t *out, size_t n)
{
    struct entropy_seed *state = arg;
    uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES] = {0};

    for (size_t i = 0; i < 8; i++)
        nonce[4 + i] = (uint8_t)(state->calls >> (8 * i));
    crypto_stream_chacha20_ietf(out, n, nonce, state->seed);
    state->calls++;
    return ERR_OK;
}

struct entropy entropy_seeded(const uint8_t seed[SEED_BYTES], struct entropy_seed *state)
{
    memcpy(state->seed, seed, SEED_BYTES);
    state->calls = 0;
    return (struct entropy){fill_seeded, state};
}

enum err entropy_fill(const struct entropy *source, uint8_t *out, size_t n)
{
    if (n == 0)
        return ERR_OK;
    return source->fill(source->arg, out, n);
}

int seal_equal(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}

void seal_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}

void seal_bytes_free(struct bytes *b)
{
    if (b->ptr != NULL)
        seal_wipe(b->ptr, b->cap);
    bytes_free(b);
}
