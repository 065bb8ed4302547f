/* link: -Wl,--wrap=sodium_malloc */
#include "seal_support.h"

#include "hkdf.h"

/* RFC 5869 A.1 */
static void basic_case_of_rfc_5869(void **state)
{
    uint8_t ikm[22], salt[13], info[10], prk[HKDF_BYTES], okm[42];
    const struct span secret = {ikm,
                                unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", ikm, 22)};
    const struct span context = {info, unhex("f0f1f2f3f4f5f6f7f8f9", info, 10)};

    (void)state;
    unhex("000102030405060708090a0b0c", salt, sizeof salt);
    hkdf_extract(SPAN_OF(salt), &secret, 1, prk);
    assert_hex(prk, sizeof prk, "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    assert_int_equal(hkdf_expand(prk, &context, 1, okm, sizeof okm), ERR_OK);
    assert_hex(
        okm, sizeof okm,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

/* RFC 5869 A.3: no salt, no info */
static void no_salt_and_no_info_of_rfc_5869(void **state)
{
    uint8_t ikm[22], prk[HKDF_BYTES], okm[42];
    const struct span secret = {ikm,
                                unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", ikm, 22)};

    (void)state;
    hkdf_extract((struct span){NULL, 0}, &secret, 1, prk);
    assert_hex(prk, sizeof prk, "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
    assert_int_equal(hkdf_expand(prk, NULL, 0, okm, sizeof okm), ERR_OK);
    assert_hex(
        okm, sizeof okm,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

static void inputs_in_parts_are_inputs_joined(void **state)
{
    const struct span parts[] = {SPAN_STR("one"), SPAN_STR(""), SPAN_STR("two")};
    const struct span joined = SPAN_STR("onetwo");
    uint8_t a[HKDF_BYTES], b[HKDF_BYTES], x[70], y[70];

    (void)state;
    hkdf_extract(joined, parts, 3, a);
    hkdf_extract(joined, &joined, 1, b);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(hkdf_expand(a, parts, 3, x, sizeof x), ERR_OK);
    assert_int_equal(hkdf_expand(a, &joined, 1, y, sizeof y), ERR_OK);
    assert_memory_equal(x, y, sizeof x);
}

static void more_than_255_blocks_are_refused(void **state)
{
    static uint8_t out[HKDF_OUT_MAX + 1];
    const uint8_t prk[HKDF_BYTES] = {1};

    (void)state;
    assert_int_equal(hkdf_expand(prk, NULL, 0, out, sizeof out), ERR_RANGE);
    assert_int_equal(out[0], 0);
    assert_int_equal(hkdf_expand(prk, NULL, 0, out, HKDF_OUT_MAX), ERR_OK);
    assert_int_equal(out[HKDF_OUT_MAX], 0);
    assert_int_equal(hkdf_expand(prk, NULL, 0, out, 0), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basic_case_of_rfc_5869),
        cmocka_unit_test(no_salt_and_no_info_of_rfc_5869),
        cmocka_unit_test(inputs_in_parts_are_inputs_joined),
        cmocka_unit_test(more_than_255_blocks_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
