/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "proven.h"

struct signed_claim {
    struct secret_sign *key;
    struct envelope_claim claim;
    uint8_t sig[SIG_BYTES];
};

static void sign_claim(struct signed_claim *s, enum sign_context context, uint8_t with)
{
    const uint8_t seed[SEED_BYTES] = {1};
    struct entropy_seed state;
    struct entropy source = entropy_seeded(seed, &state);

    assert_int_equal(secret_sign_generate(&source, &s->key), ERR_OK);
    s->claim.context = context;
    memset(s->claim.digest, with, sizeof s->claim.digest);
    assert_int_equal(sign_digest(context, s->key, s->claim.digest, s->sig), ERR_OK);
    s->claim.sig = s->sig;
}

static void a_root_is_verified_once_for_all_of_its_batch(void **state)
{
    struct signed_claim s;
    struct proven *p = NULL;

    (void)state;
    sign_claim(&s, SIGN_BATCH, 3);
    assert_int_equal(proven_new(&p), ERR_OK);
    for (int i = 0; i < 32; i++)
        assert_int_equal(proven_verify(p, &s.claim, secret_sign_public(s.key)), ERR_OK);
    assert_int_equal(proven_verified(p), 1);
    proven_free(p);
    secret_sign_free(s.key);
}

static void a_single_signature_is_verified_each_time(void **state)
{
    struct signed_claim s;
    struct proven *p = NULL;

    (void)state;
    sign_claim(&s, SIGN_ENVELOPE, 3);
    assert_int_equal(proven_new(&p), ERR_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(proven_verify(p, &s.claim, secret_sign_public(s.key)), ERR_OK);
    assert_int_equal(proven_verified(p), 3);
    proven_free(p);
    secret_sign_free(s.key);
}

/* The attack: a good root is known, and comes again with other bytes as its signature, under
 * another key, or as another root that falls on the same slot. */
static void what_is_remembered_answers_for_nothing_else(void **state)
{
    struct signed_claim good;
    struct signed_claim other;
    struct envelope_claim c;
    struct sign_public stranger = {{9}};
    uint8_t sig[SIG_BYTES];
    struct proven *p = NULL;

    (void)state;
    sign_claim(&good, SIGN_BATCH, 3);
    sign_claim(&other, SIGN_BATCH, 3);
    assert_int_equal(proven_new(&p), ERR_OK);
    assert_int_equal(proven_verify(p, &good.claim, secret_sign_public(good.key)), ERR_OK);
    for (size_t i = 0; i < SIG_BYTES; i++) {
        c = good.claim;
        memcpy(sig, good.sig, sizeof sig);
        sig[i] ^= 1;
        c.sig = sig;
        assert_int_equal(proven_verify(p, &c, secret_sign_public(good.key)), ERR_FORGED);
    }
    assert_int_equal(proven_verify(p, &good.claim, &stranger), ERR_FORGED);
    c = good.claim;
    c.digest[63] ^= 1; /* same slot */
    assert_int_equal(proven_verify(p, &c, secret_sign_public(good.key)), ERR_FORGED);
    assert_int_equal(proven_verify(p, &good.claim, secret_sign_public(good.key)), ERR_OK);
    proven_free(p);
    secret_sign_free(good.key);
    secret_sign_free(other.key);
}

static void without_a_memory_everything_is_verified(void **state)
{
    struct signed_claim s;
    struct proven *p = NULL;

    (void)state;
    sign_claim(&s, SIGN_BATCH, 3);
    assert_int_equal(proven_verify(NULL, &s.claim, secret_sign_public(s.key)), ERR_OK);
    alloc_fail_after(1);
    assert_int_equal(proven_new(&p), ERR_NOMEM);
    alloc_fail_after(-1);
    proven_free(NULL);
    secret_sign_free(s.key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_is_verified_once_for_all_of_its_batch),
        cmocka_unit_test(a_single_signature_is_verified_each_time),
        cmocka_unit_test(what_is_remembered_answers_for_nothing_else),
        cmocka_unit_test(without_a_memory_everything_is_verified),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
