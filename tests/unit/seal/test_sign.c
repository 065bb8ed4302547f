/* link: -Wl,--wrap=sodium_malloc */
#include "seal_support.h"

#include <stdio.h>

#include "sign.h"

#define NOT_A_CONTEXT ((enum sign_context)SIGN_CONTEXT_COUNT)

struct bench {
    struct secret_sign *key;
    const struct sign_public *pk;
    uint8_t digest[DIGEST_512];
    uint8_t sig[SIG_BYTES];
};

static int set_up(void **state)
{
    static struct bench b;
    struct entropy source = replayed(1);

    assert_int_equal(secret_sign_generate(&source, &b.key), ERR_OK);
    b.pk = secret_sign_public(b.key);
    memset(b.digest, 0x5a, sizeof b.digest);
    assert_int_equal(sign_digest(SIGN_ENVELOPE, b.key, b.digest, b.sig), ERR_OK);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;

    secret_sign_free(b->key);
    return 0;
}

/* The order L of the base point, little endian (RFC 8032 5.1) */
static void add_group_order(uint8_t s[32])
{
    uint8_t order[32];
    unsigned carry = 0;

    unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", order, sizeof order);
    for (size_t i = 0; i < sizeof order; i++) {
        carry += (unsigned)s[i] + order[i];
        s[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

/* RFC 8032 7.1, tests 1 to 3 */
static void notes_reproduce_rfc_8032(void **state)
{
    static const struct {
        const char *seed, *pk, *text, *sig;
    } rows[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
         "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
         "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
         "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct secret32 *seed = secret_of_hex(rows[i].seed);
        struct secret_sign *key = NULL;
        uint8_t text[8], sig[SIG_BYTES];
        struct span note = {text, unhex(rows[i].text, text, sizeof text)};

        assert_int_equal(secret_sign_from_seed(seed, &key), ERR_OK);
        assert_hex(secret_sign_public(key)->b, KEY_BYTES, rows[i].pk);
        assert_int_equal(sign_note(key, note, sig), ERR_OK);
        assert_hex(sig, sizeof sig, rows[i].sig);
        assert_int_equal(verify_note(secret_sign_public(key), note, sig), ERR_OK);
        secret_sign_free(key);
        secret32_free(seed);
    }
}

static void a_signature_is_over_length_label_and_digest(void **state)
{
    struct bench *b = *state;
    const char *label = "relais/env1/sig";
    uint8_t text[1 + 15 + DIGEST_512];

    text[0] = 15;
    memcpy(text + 1, label, 15);
    memcpy(text + 16, b->digest, DIGEST_512);
    assert_int_equal(verify_note(b->pk, SPAN_OF(text), b->sig), ERR_OK);
}

static void a_signature_verifies_in_its_context_and_in_no_other(void **state)
{
    struct bench *b = *state;

    for (unsigned made = 0; made < SIGN_CONTEXT_COUNT; made++) {
        uint8_t sig[SIG_BYTES];

        assert_int_equal(sign_digest((enum sign_context)made, b->key, b->digest, sig), ERR_OK);
        for (unsigned asked = 0; asked < SIGN_CONTEXT_COUNT; asked++)
            assert_int_equal(verify_digest((enum sign_context)asked, b->pk, b->digest, sig),
                             asked == made ? ERR_OK : ERR_FORGED);
    }
}

static void any_altered_bit_is_forged(void **state)
{
    struct bench *b = *state;

    for (size_t bit = 0; bit < 8 * SIG_BYTES; bit++) {
        uint8_t sig[SIG_BYTES];

        memcpy(sig, b->sig, sizeof sig);
        sig[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(verify_digest(SIGN_ENVELOPE, b->pk, b->digest, sig), ERR_FORGED);
    }
    for (size_t i = 0; i < DIGEST_512; i++) {
        uint8_t digest[DIGEST_512];

        memcpy(digest, b->digest, sizeof digest);
        digest[i] ^= 0x80;
        assert_int_equal(verify_digest(SIGN_ENVELOPE, b->pk, digest, b->sig), ERR_FORGED);
    }
}

static void another_key_is_forged(void **state)
{
    struct bench *b = *state;
    struct entropy source = replayed(2);
    struct secret_sign *other = NULL;

    assert_int_equal(secret_sign_generate(&source, &other), ERR_OK);
    assert_int_equal(verify_digest(SIGN_ENVELOPE, secret_sign_public(other), b->digest, b->sig),
                     ERR_FORGED);
    secret_sign_free(other);
}

static void a_malleated_signature_is_forged(void **state)
{
    struct bench *b = *state;
    uint8_t sig[SIG_BYTES];

    memcpy(sig, b->sig, sizeof sig);
    add_group_order(sig + 32);
    assert_memory_not_equal(sig, b->sig, sizeof sig);
    assert_int_equal(verify_digest(SIGN_ENVELOPE, b->pk, b->digest, sig), ERR_FORGED);
}

/* Under the neutral element R = neutral, S = 0 satisfies the equation for every message. */
static void a_public_key_of_small_order_is_forged(void **state)
{
    struct bench *b = *state;
    const struct sign_public neutral = {{1}}, zero = {{0}};
    const uint8_t sig[SIG_BYTES] = {1};

    assert_int_equal(verify_digest(SIGN_ENVELOPE, &neutral, b->digest, sig), ERR_FORGED);
    assert_int_equal(verify_note(&neutral, SPAN_STR("any note"), sig), ERR_FORGED);
    assert_int_equal(verify_note(&zero, SPAN_STR("any note"), sig), ERR_FORGED);
}

static void a_context_that_is_no_row_is_refused(void **state)
{
    struct bench *b = *state;
    uint8_t sig[SIG_BYTES], before[SIG_BYTES];

    memset(sig, 0x11, sizeof sig);
    memcpy(before, sig, sizeof sig);
    assert_int_equal(sign_digest(NOT_A_CONTEXT, b->key, b->digest, sig), ERR_RANGE);
    assert_int_equal(verify_digest(NOT_A_CONTEXT, b->pk, b->digest, b->sig), ERR_RANGE);
    assert_null(sign_label(NOT_A_CONTEXT));
    assert_memory_equal(sig, before, sizeof sig);
}

static void no_label_occurs_twice(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIGN_CONTEXT_COUNT; i++)
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(sign_label((enum sign_context)i),
                                    sign_label((enum sign_context)j));
}

/* Tests run in the root of the sources. The table of PROTOCOL.md 2 starts its rows with a label. */
static void protocol_md_lists_the_same_contexts(void **state)
{
    FILE *f = fopen("proto/PROTOCOL.md", "r");
    char line[4096], row[64];
    size_t rows = 0, known = 0;
    int inside = 0;

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "| context |", 11) == 0)
            inside = 1;
        else if (line[0] != '|')
            inside = 0;
        if (!inside || strncmp(line, "| `relais/", 10) != 0)
            continue;
        rows++;
        for (unsigned c = 0; c < SIGN_CONTEXT_COUNT; c++) {
            (void)snprintf(row, sizeof row, "| `%s` |", sign_label((enum sign_context)c));
            known += strncmp(line, row, strlen(row)) == 0;
        }
    }
    (void)fclose(f);
    assert_int_equal(rows, SIGN_CONTEXT_COUNT);
    assert_int_equal(known, SIGN_CONTEXT_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_reproduce_rfc_8032),
        cmocka_unit_test(a_signature_is_over_length_label_and_digest),
        cmocka_unit_test(a_signature_verifies_in_its_context_and_in_no_other),
        cmocka_unit_test(any_altered_bit_is_forged),
        cmocka_unit_test(another_key_is_forged),
        cmocka_unit_test(a_malleated_signature_is_forged),
        cmocka_unit_test(a_public_key_of_small_order_is_forged),
        cmocka_unit_test(a_context_that_is_no_row_is_refused),
        cmocka_unit_test(no_label_occurs_twice),
        cmocka_unit_test(protocol_md_lists_the_same_contexts),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
