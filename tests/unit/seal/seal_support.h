/*
 * seal_support - what the tests of seal/ share: randomness that replays or fails, guarded memory
 * that fails, hex. Included once by each test, which links with
 * -Wl,--wrap=sodium_malloc and, for the heap, the wraps of failing_alloc.h.
 */
#ifndef TESTS_SEAL_SUPPORT_H
#define TESTS_SEAL_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keys.h"
#include "random.h"

static long secret_allocs_left = -1;

/* The n-th guarded allocation from now fails (1: the next); -1: none. */
static inline void secret_alloc_fail_after(long n)
{
    secret_allocs_left = n;
}

void *__real_sodium_malloc(size_t n);
void *__wrap_sodium_malloc(size_t n);
void *__wrap_sodium_malloc(size_t n)
{
    if (secret_allocs_left > 0 && --secret_allocs_left == 0)
        return NULL;
    return __real_sodium_malloc(n);
}

static struct entropy_seed test_seed;

static inline struct entropy replayed(uint8_t number)
{
    const uint8_t seed[SEED_BYTES] = {number};

    return entropy_seeded(seed, &test_seed);
}

static inline enum err fill_nothing(void *arg, uint8_t *out, size_t n)
{
    int *good = arg;

    if ((*good)-- > 0) {
        memset(out, 0x42, n);
        return ERR_OK;
    }
    return ERR_RANDOM;
}

/* Fails after `good` fills. */
static inline struct entropy failing_entropy(int *good)
{
    return (struct entropy){fill_nothing, good};
}

static inline uint8_t nibble(char c)
{
    const char *digits = "0123456789abcdef";

    return (uint8_t)(strchr(digits, c) - digits);
}

/* Reads hex of our own vectors; the number of bytes. */
static inline size_t unhex(const char *text, uint8_t *out, size_t room)
{
    size_t n = strlen(text) / 2;

    assert_true(strlen(text) % 2 == 0 && n <= room);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
    return n;
}

static inline void assert_hex(const uint8_t *bytes, size_t n, const char *text)
{
    uint8_t wanted[512];

    assert_int_equal(unhex(text, wanted, sizeof wanted), n);
    assert_memory_equal(bytes, wanted, n);
}

static inline struct secret32 *secret_of_hex(const char *text)
{
    struct secret32 *s = NULL;
    uint8_t raw[KEY_BYTES];

    assert_int_equal(unhex(text, raw, sizeof raw), sizeof raw);
    assert_int_equal(secret32_copy(SPAN_OF(raw), &s), ERR_OK);
    return s;
}

#endif
