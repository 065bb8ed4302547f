/* link: -Wl,--wrap=sodium_init -Wl,--wrap=sodium_malloc */
#include "seal_support.h"

#include <stdlib.h>

static int sodium_broken;

int __real_sodium_init(void);
int __wrap_sodium_init(void);
int __wrap_sodium_init(void)
{
    return sodium_broken ? -1 : __real_sodium_init();
}

static void starting_twice_is_fine(void **state)
{
    (void)state;
    assert_int_equal(seal_init(), ERR_OK);
    assert_int_equal(seal_init(), ERR_OK);
}

static void a_system_without_randomness_is_told(void **state)
{
    struct entropy source = entropy_system();
    struct secret32 *key = NULL;
    uint8_t out[8];

    (void)state;
    sodium_broken = 1;
    assert_int_equal(seal_init(), ERR_RANDOM);
    assert_int_equal(entropy_fill(&source, out, sizeof out), ERR_RANDOM);
    assert_int_equal(secret32_new(&key), ERR_NOMEM);
    sodium_broken = 0;
    assert_null(key);
}

static void the_system_source_fills_all_and_never_twice_the_same(void **state)
{
    struct entropy source = entropy_system();
    uint8_t a[64] = {0}, b[64] = {0}, none[64] = {0};

    (void)state;
    assert_int_equal(entropy_fill(&source, a, sizeof a), ERR_OK);
    assert_int_equal(entropy_fill(&source, b, sizeof b), ERR_OK);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a + 32, none, 32);
    assert_memory_not_equal(b + 32, none, 32);
}

static void a_seeded_source_replays(void **state)
{
    struct entropy_seed one, two;
    const uint8_t seed[SEED_BYTES] = {7};
    struct entropy a = entropy_seeded(seed, &one), b = entropy_seeded(seed, &two);
    uint8_t of_a[2][40], of_b[2][40];

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(entropy_fill(&a, of_a[i], sizeof of_a[i]), ERR_OK);
        assert_int_equal(entropy_fill(&b, of_b[i], sizeof of_b[i]), ERR_OK);
    }
    assert_memory_equal(of_a, of_b, sizeof of_a);
    assert_memory_not_equal(of_a[0], of_a[1], sizeof of_a[0]);
}

/* RFC 8439 A.1, test vector 1: all-zero key and nonce, block 0 */
static void a_seeded_source_is_the_chacha20_of_rfc_8439(void **state)
{
    const uint8_t seed[SEED_BYTES] = {0};
    struct entropy_seed room;
    struct entropy source = entropy_seeded(seed, &room);
    uint8_t out[64];

    (void)state;
    assert_int_equal(entropy_fill(&source, out, sizeof out), ERR_OK);
    assert_hex(out, sizeof out,
               "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
               "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
}

/* RFC 8439 A.1, test vector 5 has nonce 00..02: what le64(c) gives for c = 0x02 << 56 */
static void the_nonce_counts_the_fills_little_endian(void **state)
{
    const uint8_t seed[SEED_BYTES] = {0};
    struct entropy_seed room;
    struct entropy source = entropy_seeded(seed, &room);
    uint8_t out[32];

    (void)state;
    room.calls = (uint64_t)2 << 56;
    assert_int_equal(entropy_fill(&source, out, sizeof out), ERR_OK);
    assert_hex(out, sizeof out, "c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c7");
}

static void filling_nothing_asks_nobody(void **state)
{
    int good = 0;
    struct entropy source = failing_entropy(&good);
    uint8_t out[1];

    (void)state;
    assert_int_equal(entropy_fill(&source, out, 0), ERR_OK);
    assert_int_equal(entropy_fill(&source, out, 1), ERR_RANDOM);
}

static void comparison_sees_any_difference(void **state)
{
    const uint8_t a[4] = {1, 2, 3, 4}, last[4] = {1, 2, 3, 5}, first[4] = {0, 2, 3, 4};

    (void)state;
    assert_int_equal(seal_equal(a, a, 4), 1);
    assert_int_equal(seal_equal(a, last, 4), 0);
    assert_int_equal(seal_equal(a, first, 4), 0);
    assert_int_equal(seal_equal(a, last, 3), 1);
}

static void wiping_leaves_zeroes(void **state)
{
    uint8_t a[4] = {1, 2, 3, 4};
    const uint8_t wanted[4] = {0, 0, 0, 4};

    (void)state;
    seal_wipe(a, 3);
    assert_memory_equal(a, wanted, 4);
}

static void freeing_secret_bytes_leaves_an_empty_struct(void **state)
{
    struct bytes b = {0};

    (void)state;
    assert_int_equal(bytes_copy(&b, SPAN_STR("secret")), ERR_OK);
    seal_bytes_free(&b);
    assert_null(b.ptr);
    assert_int_equal(b.len + b.cap, 0);
    seal_bytes_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_system_without_randomness_is_told),
        cmocka_unit_test(starting_twice_is_fine),
        cmocka_unit_test(the_system_source_fills_all_and_never_twice_the_same),
        cmocka_unit_test(a_seeded_source_replays),
        cmocka_unit_test(a_seeded_source_is_the_chacha20_of_rfc_8439),
        cmocka_unit_test(the_nonce_counts_the_fills_little_endian),
        cmocka_unit_test(filling_nothing_asks_nobody),
        cmocka_unit_test(comparison_sees_any_difference),
        cmocka_unit_test(wiping_leaves_zeroes),
        cmocka_unit_test(freeing_secret_bytes_leaves_an_empty_struct),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
