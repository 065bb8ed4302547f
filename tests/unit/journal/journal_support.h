/*
 * journal_support - what the tests of journal/ share: a tree in plain recursion straight from RFC
 * 6962 as the oracle, keys from fixed seeds, a store that keeps nothing. Included once by a test.
 */
#ifndef TESTS_JOURNAL_SUPPORT_H
#define TESTS_JOURNAL_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "checkpoint.h"
#include "keys.h"
#include "merkle.h"
#include "span.h"

typedef uint8_t hash32[MERKLE_HASH_BYTES]; /* tests only: arrays of hashes stay readable */

/* What leaf i logs in these tests: "entry <i>". */
static inline struct span entry_text(uint64_t i, char room[32])
{
    int n = snprintf(room, 32, "entry %llu", (unsigned long long)i);

    return span_of(room, (size_t)n);
}

static inline void entry_leaf(uint64_t i, hash32 out)
{
    char room[32];

    merkle_leaf_hash(entry_text(i, room), out);
}

/* MTH(D[begin:end]) as the RFC writes it. */
static inline void naive_root(hash32 *leaves, size_t begin, size_t end, hash32 out)
{
    hash32 left, right;
    size_t k = 1;

    if (end == begin) {
        merkle_empty_root(out);
        return;
    }
    if (end - begin == 1) {
        memcpy(out, leaves[begin], MERKLE_HASH_BYTES);
        return;
    }
    while (k * 2 < end - begin)
        k *= 2;
    naive_root(leaves, begin, begin + k, left);
    naive_root(leaves, begin + k, end, right);
    merkle_node_hash(left, right, out);
}

static inline struct secret_sign *key_of(uint8_t number)
{
    uint8_t raw[KEY_BYTES] = {number, 0x5e, 0xed};
    struct secret32 *seed = NULL;
    struct secret_sign *key = NULL;

    assert_int_equal(seal_init(), ERR_OK);
    assert_int_equal(secret32_copy(SPAN_OF(raw), &seed), ERR_OK);
    assert_int_equal(secret_sign_from_seed(seed, &key), ERR_OK);
    secret32_free(seed);
    return key;
}

static inline struct note_key note_key_of(const struct secret_sign *key, const char *name,
                                          enum note_kind kind)
{
    struct note_key k;

    assert_int_equal(note_key_init(&k, span_text(name), kind, secret_sign_public(key)), ERR_OK);
    return k;
}

/* A small generator with a fixed seed: tests repeat. (splitmix64) */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

#endif
