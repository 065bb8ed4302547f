/*
 * random - where randomness comes from, and the three things every user of a secret needs:
 * libsodium started, comparison in constant time, wiping that the compiler keeps.
 * Randomness is injected: code takes a struct entropy and never asks the system by itself, so
 * that a test or a vector replays it. Programs pass entropy_system(), and nothing else.
 * Thread rule: seal_init() and the system source, any thread; a seeded source, one thread.
 */
#ifndef RELAIS_RANDOM_H
#define RELAIS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

#define SEED_BYTES 32

struct entropy {
    enum err (*fill)(void *arg, uint8_t *out, size_t n);
    void *arg;
};

/* The state of a seeded source; it holds the seed: wipe it if the seed was a secret. */
struct entropy_seed {
    uint8_t seed[SEED_BYTES];
    uint64_t calls;
};

/* Starts libsodium; harmless to repeat. ERR_RANDOM: the system has no randomness to give. */
enum err seal_init(void);

struct entropy entropy_system(void);

/* For tests and vectors only: fill number c (from 0) returns the ChaCha20-IETF key stream under
 * the seed with nonce le32(0) || le64(c). Borrows state, which must outlive the result. */
struct entropy entropy_seeded(const uint8_t seed[SEED_BYTES], struct entropy_seed *state);

/* Exactly n bytes or an error, never fewer; on error `out` is undefined. n = 0 is fine. */
enum err entropy_fill(const struct entropy *source, uint8_t *out, size_t n);

int seal_equal(const void *a, const void *b, size_t n); /* 1 if equal; time depends on n only */
void seal_wipe(void *p, size_t n);                      /* never optimised away */
void seal_bytes_free(struct bytes *b);                  /* bytes_free() after wiping all of cap */

#endif
