/*
 * policy_world - what the tests of policy/ share: houses (organisations with their keys), the
 * statements they make, and the federation they live in. Deterministic: house i is the same in
 * every run. Included once by each test.
 */
#ifndef TESTS_POLICY_WORLD_H
#define TESTS_POLICY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "circle.h"
#include "directory.h"
#include "random.h"
#include "statement.h"

#define MS_PER_DAY (UINT64_C(24) * 60 * 60 * 1000)
#define HOUSES 8
#define PREKEYS 6

struct house {
    uint8_t org[ID_BYTES];
    uint8_t node[ID_BYTES];
    uint8_t actor[ID_BYTES];
    struct secret_sign *sign;
    struct secret_box *transport;
    struct secret_box *prekeys[PREKEYS];
    uint64_t kind;
    char name[32];
};

static struct house houses[HOUSES];
/* of the federation */
static struct secret_sign *hub_key, *registrar_key, *keys_log_key, *audit_log_key;
static struct secret_box *hub_box;

static inline struct entropy fixed_entropy(uint8_t number)
{
    static struct entropy_seed states[256];
    uint8_t seed[SEED_BYTES] = {number, 0x51};

    return entropy_seeded(seed, &states[number]);
}

static inline void id_of(uint8_t out[ID_BYTES], uint8_t sort, uint8_t number)
{
    memset(out, sort, ID_BYTES);
    out[ID_BYTES - 1] = number;
}

static inline void house_build(struct house *h, uint8_t number, uint64_t kind)
{
    struct entropy source = fixed_entropy(number);

    id_of(h->org, 0x01, number);
    id_of(h->node, 0x02, number);
    id_of(h->actor, 0x03, number);
    h->kind = kind;
    (void)snprintf(h->name, sizeof h->name, "Maison %u", number);
    assert_int_equal(secret_sign_generate(&source, &h->sign), ERR_OK);
    assert_int_equal(secret_box_generate(&source, &h->transport), ERR_OK);
    for (size_t i = 0; i < PREKEYS; i++)
        assert_int_equal(secret_box_generate(&source, &h->prekeys[i]), ERR_OK);
}

static inline void house_clear(struct house *h)
{
    secret_sign_free(h->sign);
    secret_box_free(h->transport);
    for (size_t i = 0; i < PREKEYS; i++)
        secret_box_free(h->prekeys[i]);
    memset(h, 0, sizeof *h);
}

static inline int world_open(void **state)
{
    static const uint64_t kinds[HOUSES] = {ORG_DAC,  ORG_ESSMS,   ORG_HOSPITAL, ORG_EMERGENCY,
                                           ORG_MDPH, ORG_LIBERAL, ORG_ESSMS,    ORG_EMERGENCY};
    struct entropy source = fixed_entropy(200);

    (void)state;
    assert_int_equal(seal_init(), ERR_OK);
    for (uint8_t i = 0; i < HOUSES; i++)
        house_build(&houses[i], i, kinds[i]);
    assert_int_equal(secret_sign_generate(&source, &hub_key), ERR_OK);
    assert_int_equal(secret_sign_generate(&source, &registrar_key), ERR_OK);
    assert_int_equal(secret_sign_generate(&source, &keys_log_key), ERR_OK);
    assert_int_equal(secret_sign_generate(&source, &audit_log_key), ERR_OK);
    assert_int_equal(secret_box_generate(&source, &hub_box), ERR_OK);
    return 0;
}

static inline int world_close(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOUSES; i++)
        house_clear(&houses[i]);
    secret_sign_free(hub_key);
    secret_sign_free(registrar_key);
    secret_sign_free(keys_log_key);
    secret_sign_free(audit_log_key);
    secret_box_free(hub_box);
    return 0;
}

/* Who signs for a house, asked as circle.h asks. */
static inline enum err find_house(void *arg, const uint8_t org[ID_BYTES],
                                  const uint8_t kid[KID_BYTES], struct sign_public *pk)
{
    (void)arg;
    for (size_t i = 0; i < HOUSES; i++) {
        uint8_t own[KID_BYTES];
        sign_kid(secret_sign_public(houses[i].sign), own);
        if (memcmp(houses[i].org, org, ID_BYTES) != 0 || memcmp(own, kid, KID_BYTES) != 0)
            continue;
        *pk = *secret_sign_public(houses[i].sign);
        return ERR_OK;
    }
    return ERR_KEY_UNKNOWN;
}

static const struct circle_signers all_houses = {find_house, NULL};

/* Copies text that flips one bit of byte `at`. */
static inline void bit_flip(struct bytes *b, size_t at)
{
    b->ptr[at] ^= 0x01;
}

#endif
