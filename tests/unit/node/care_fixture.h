/*
 * care_fixture - a node without hub or keys: a store in memory and a vault, enough for persons and
 * matches; and the persons of the story, who do not exist.
 */
#ifndef TESTS_CARE_FIXTURE_H
#define TESTS_CARE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "person.h"
#include "vault.h"

struct care {
    struct node n;
    struct clock_fixed clock;
    struct entropy_seed seed;
    struct secret32 *master;
    struct txn *t;
};

static inline enum err care_fill(void *arg, uint8_t *out, size_t n)
{
    return entropy_fill(arg, out, n);
}

static inline int care_up(void **state)
{
    static const uint8_t seed[SEED_BYTES] = {7};
    struct store_options options = {.names = vault_table_names(), .n = NODE_TABLES, .schema = 1};
    struct care *c = calloc(1, sizeof *c);

    assert_non_null(c);
    assert_int_equal(seal_init(), ERR_OK);
    clock_fixed_init(&c->clock, UINT64_C(1767609000000));
    c->n.clock = &c->clock.clock;
    c->n.entropy = entropy_seeded(seed, &c->seed);
    c->n.self.mode = MODE_EXERCISE;
    options.random_fill = care_fill;
    options.random_arg = &c->n.entropy;
    assert_int_equal(store_open("mem", &options, &c->n.store), ERR_OK);
    assert_int_equal(secret32_generate(&c->n.entropy, &c->master), ERR_OK);
    assert_int_equal(vault_open(c->master, &c->n.entropy, &c->n.vault), ERR_OK);
    assert_int_equal(store_begin(c->n.store, TXN_WRITE, &c->t), ERR_OK);
    *state = c;
    return 0;
}

static inline int care_down(void **state)
{
    struct care *c = *state;

    store_abort(&c->t);
    vault_close(c->n.vault);
    store_close(c->n.store);
    secret32_free(c->master);
    free(c);
    return 0;
}

/* Somebody with five traits and a qualified test INS. */
static inline struct identity zoe(void)
{
    return (struct identity){
        .local = "HSA-2026-00417",
        .status = INS_QUAL,
        .matricule = "238054410941733",
        .oid = INS_OID_TEST,
        .birth_name = "Œuvrard-D'Almeïda",
        .birth_first_count = 2,
        .birth_first = {"Zoé", "Marie-Thérèse"},
        .birth_date = "1938-05-17",
        .sex = 2,
        .birth_place = "44109",
        .used_name = "Le Goff"
    };
}

/* All they state: padding has no meaning. */
static inline void assert_same_identity(const struct identity *a, const struct identity *b)
{
    struct writer wa;
    struct writer wb;

    wr_init(&wa);
    wr_init(&wb);
    identity_encode(&wa, a, IDENTITY_KEPT);
    identity_encode(&wb, b, IDENTITY_KEPT);
    assert_int_equal(wr_error(&wa) | wr_error(&wb), ERR_OK);
    assert_true(span_equal(wr_span(&wa), wr_span(&wb)));
    wr_wipe(&wa);
    wr_wipe(&wb);
}

static inline struct person own(struct identity who)
{
    return (struct person){.identity = who};
}

static inline struct person provisional(struct identity who, uint8_t from)
{
    struct person p = {.provisional = true, .identity = who};

    memset(p.from, from, sizeof p.from);
    return p;
}

#endif
