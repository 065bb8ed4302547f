/* link: -Wl,--wrap=sodium_malloc */
#include "seal_support.h"

#include "secret.h"

/* RFC 7748 6.1 */
#define ALICE_SK "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
#define BOB_SK "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"

static void a_new_secret_is_zero_and_can_be_filled(void **state)
{
    const uint8_t none[KEY_BYTES] = {0};
    struct secret32 *s = NULL, *same = NULL;

    (void)state;
    assert_int_equal(secret32_new(&s), ERR_OK);
    assert_memory_equal(secret32_span(s).ptr, none, KEY_BYTES);
    memset(secret32_bytes(s), 9, KEY_BYTES);
    assert_int_equal(secret32_copy(secret32_span(s), &same), ERR_OK);
    assert_true(secret32_equal(s, same));
    secret32_bytes(same)[31] ^= 1;
    assert_false(secret32_equal(s, same));
    secret32_free(s);
    secret32_free(same);
    secret32_free(NULL);
}

static void a_secret_of_another_size_is_refused(void **state)
{
    const uint8_t raw[KEY_BYTES + 1] = {0};
    struct secret32 *s = NULL;

    (void)state;
    assert_int_equal(secret32_copy((struct span){raw, 31}, &s), ERR_SIZE);
    assert_int_equal(secret32_copy((struct span){raw, 33}, &s), ERR_SIZE);
    assert_int_equal(secret32_copy((struct span){NULL, 0}, &s), ERR_SIZE);
    assert_null(s);
}

static void generated_keys_come_from_the_given_source(void **state)
{
    struct entropy source = replayed(1);
    struct secret_sign *a = NULL, *b = NULL, *c = NULL;

    (void)state;
    assert_int_equal(secret_sign_generate(&source, &a), ERR_OK);
    assert_int_equal(secret_sign_generate(&source, &b), ERR_OK);
    source = replayed(1);
    assert_int_equal(secret_sign_generate(&source, &c), ERR_OK);
    assert_memory_equal(secret_sign_public(a), secret_sign_public(c), KEY_BYTES);
    assert_memory_not_equal(secret_sign_public(a), secret_sign_public(b), KEY_BYTES);
    secret_sign_free(a);
    secret_sign_free(b);
    secret_sign_free(c);
}

/* RFC 8032 7.1, test 1 */
static void a_seed_gives_the_public_key_of_rfc_8032_and_comes_back(void **state)
{
    struct secret32 *seed =
        secret_of_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    struct secret32 *again = NULL;
    struct secret_sign *k = NULL;

    (void)state;
    assert_int_equal(secret_sign_from_seed(seed, &k), ERR_OK);
    assert_hex(secret_sign_public(k)->b, KEY_BYTES,
               "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    assert_int_equal(secret_sign_seed(k, &again), ERR_OK);
    assert_true(secret32_equal(seed, again));
    secret_sign_free(k);
    secret32_free(seed);
    secret32_free(again);
    secret_sign_free(NULL);
}

static void agreement_is_the_x25519_of_rfc_7748(void **state)
{
    struct secret32 *sk[2] = {secret_of_hex(ALICE_SK), secret_of_hex(BOB_SK)};
    struct secret32 *back = NULL, *shared[2] = {NULL, NULL};
    struct secret_box *box[2] = {NULL, NULL};

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(secret_box_from(sk[i], &box[i]), ERR_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(secret_box_shared(box[i], secret_box_public(box[1 - i]), &shared[i]),
                         ERR_OK);
    assert_hex(secret_box_public(box[0])->b, KEY_BYTES,
               "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    assert_hex(secret_box_public(box[1])->b, KEY_BYTES,
               "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    assert_hex(secret32_span(shared[0]).ptr, KEY_BYTES,
               "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_true(secret32_equal(shared[0], shared[1]));
    assert_int_equal(secret_box_secret(box[0], &back), ERR_OK);
    assert_true(secret32_equal(back, sk[0]));
    assert_memory_equal(secret_box_span(box[1]).ptr, secret32_span(sk[1]).ptr, KEY_BYTES);
    for (int i = 0; i < 2; i++) {
        secret_box_free(box[i]);
        secret32_free(sk[i]);
        secret32_free(shared[i]);
    }
    secret32_free(back);
    secret_box_free(NULL);
}

static void a_point_of_small_order_gives_no_shared_secret(void **state)
{
    /* 0, 1, and a point of order 8 (RFC 7748 6.1 asks for the all-zero check they trip) */
    const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    };
    struct entropy source = replayed(2);
    struct secret32 *shared = NULL;
    struct secret_box *box = NULL;

    (void)state;
    assert_int_equal(secret_box_generate(&source, &box), ERR_OK);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        struct box_public point;

        unhex(points[i], point.b, sizeof point.b);
        assert_int_equal(secret_box_shared(box, &point, &shared), ERR_FIELD_VALUE);
    }
    assert_null(shared);
    secret_box_free(box);
}

/* Expected values: CPython's hashlib.blake2b over u8(len) || label || 00 01 .. 1f */
static void key_ids_differ_by_the_use_of_the_key(void **state)
{
    struct sign_public sign;
    struct box_public box;
    uint8_t kid[KID_BYTES];

    (void)state;
    for (size_t i = 0; i < KEY_BYTES; i++)
        sign.b[i] = box.b[i] = (uint8_t)i;
    sign_kid(&sign, kid);
    assert_hex(kid, sizeof kid, "5e7c55ffbf1fea4cc7f8dd94a7599d7d");
    box_kid(&box, kid);
    assert_hex(kid, sizeof kid, "3ca209c843ed416fe977ed6673c1bb00");
}

static void a_source_that_fails_makes_no_key(void **state)
{
    int good = 0;
    struct entropy source = failing_entropy(&good);
    struct secret32 *s = NULL;
    struct secret_sign *k = NULL;
    struct secret_box *b = NULL;

    (void)state;
    assert_int_equal(secret32_generate(&source, &s), ERR_RANDOM);
    assert_int_equal(secret_sign_generate(&source, &k), ERR_RANDOM);
    assert_int_equal(secret_box_generate(&source, &b), ERR_RANDOM);
    assert_true(s == NULL && k == NULL && b == NULL);
}

static void every_failing_allocation_is_told_and_leaves_the_output(void **state)
{
    struct entropy source = replayed(3);
    struct secret32 *s = NULL;
    struct secret_sign *k = NULL;
    struct secret_box *b = NULL, *peer = NULL;

    (void)state;
    assert_int_equal(secret_box_generate(&source, &peer), ERR_OK);
    for (long n = 1; n <= 2; n++) {
        secret_alloc_fail_after(n);
        assert_int_equal(secret_sign_generate(&source, &k), ERR_NOMEM);
        secret_alloc_fail_after(n);
        assert_int_equal(secret_box_generate(&source, &b), ERR_NOMEM);
    }
    secret_alloc_fail_after(1);
    assert_int_equal(secret32_new(&s), ERR_NOMEM);
    secret_alloc_fail_after(1);
    assert_int_equal(secret32_generate(&source, &s), ERR_NOMEM);
    secret_alloc_fail_after(1);
    assert_int_equal(secret32_copy(secret_box_span(peer), &s), ERR_NOMEM);
    secret_alloc_fail_after(1);
    assert_int_equal(secret_box_shared(peer, secret_box_public(peer), &s), ERR_NOMEM);
    assert_true(s == NULL && k == NULL && b == NULL);
    secret_box_free(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_secret_is_zero_and_can_be_filled),
        cmocka_unit_test(a_secret_of_another_size_is_refused),
        cmocka_unit_test(generated_keys_come_from_the_given_source),
        cmocka_unit_test(a_seed_gives_the_public_key_of_rfc_8032_and_comes_back),
        cmocka_unit_test(agreement_is_the_x25519_of_rfc_7748),
        cmocka_unit_test(a_point_of_small_order_gives_no_shared_secret),
        cmocka_unit_test(key_ids_differ_by_the_use_of_the_key),
        cmocka_unit_test(a_source_that_fails_makes_no_key),
        cmocka_unit_test(every_failing_allocation_is_told_and_leaves_the_output),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
