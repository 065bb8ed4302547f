/* link: -Wl,--wrap=sodium_malloc -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "seal_support.h"

#include <stdlib.h>

#include "failing_alloc.h"
#include "secretbox.h"

#define AAD SPAN_STR("table/key/1")
#define PLAIN SPAN_STR("what the record says")
#define PLAIN_LEN (sizeof "what the record says" - 1)

struct bench {
    struct secret32 *key, *other;
    struct bytes record;
};

static int set_up(void **state)
{
    static struct bench b;
    struct entropy source = replayed(1);

    assert_int_equal(secret32_generate(&source, &b.key), ERR_OK);
    assert_int_equal(secret32_generate(&source, &b.other), ERR_OK);
    assert_int_equal(record_seal(b.key, 0x01020304, AAD, PLAIN, &source, &b.record), ERR_OK);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;

    secret32_free(b->key);
    secret32_free(b->other);
    bytes_free(&b->record);
    return 0;
}

/* draft-irtf-cfrg-xchacha-03 A.3.1 */
static const char sunscreen[] = "Ladies and Gentlemen of the class of '99: If I could offer you "
                                "only one tip for the future, sunscreen would be it.";
#define SUNSCREEN_SEALED                                                                           \
    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"                             \
    "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"                             \
    "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"                             \
    "21f9664c97637da9768812f615c68b13b52e"                                                         \
    "c0875924c1c7987947deafd8780acf49"
#define SUNSCREEN_LEN (sizeof sunscreen - 1)

static void the_aead_reproduces_the_xchacha_draft(void **state)
{
    uint8_t key[AEAD_KEY_BYTES], nonce[AEAD_NONCE_BYTES], aad[12];
    uint8_t sealed[SUNSCREEN_LEN + AEAD_TAG_BYTES], plain[SUNSCREEN_LEN];

    (void)state;
    unhex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", key, sizeof key);
    unhex("404142434445464748494a4b4c4d4e4f5051525354555657", nonce, sizeof nonce);
    unhex("50515253c0c1c2c3c4c5c6c7", aad, sizeof aad);
    aead_seal(key, nonce, SPAN_OF(aad), span_of(sunscreen, SUNSCREEN_LEN), sealed);
    assert_hex(sealed, sizeof sealed, SUNSCREEN_SEALED);
    assert_int_equal(aead_open(key, nonce, SPAN_OF(aad), SPAN_OF(sealed), plain), ERR_OK);
    assert_memory_equal(plain, sunscreen, sizeof plain);
}

static void the_aead_works_in_one_buffer(void **state)
{
    const uint8_t key[AEAD_KEY_BYTES] = {1}, nonce[AEAD_NONCE_BYTES] = {2};
    uint8_t room[PLAIN_LEN + AEAD_TAG_BYTES];

    (void)state;
    memcpy(room, PLAIN.ptr, PLAIN_LEN);
    aead_seal(key, nonce, AAD, (struct span){room, PLAIN_LEN}, room);
    assert_memory_not_equal(room, PLAIN.ptr, PLAIN_LEN);
    assert_int_equal(aead_open(key, nonce, AAD, SPAN_OF(room), room), ERR_OK);
    assert_memory_equal(room, PLAIN.ptr, PLAIN_LEN);
}

static void the_aead_refuses_short_or_altered_input(void **state)
{
    const uint8_t key[AEAD_KEY_BYTES] = {1}, nonce[AEAD_NONCE_BYTES] = {2};
    uint8_t sealed[PLAIN_LEN + AEAD_TAG_BYTES], plain[PLAIN_LEN];

    (void)state;
    aead_seal(key, nonce, AAD, PLAIN, sealed);
    for (size_t n = 0; n < sizeof sealed; n++)
        assert_int_equal(aead_open(key, nonce, AAD, (struct span){sealed, n}, plain), ERR_OPEN);
    sealed[0] ^= 1;
    assert_int_equal(aead_open(key, nonce, AAD, SPAN_OF(sealed), plain), ERR_OPEN);
}

static void a_record_opens_with_its_key_and_aad(void **state)
{
    struct bench *b = *state;
    struct bytes plain = {0};

    assert_int_equal(record_open(b->key, AAD, bytes_span(&b->record), &plain), ERR_OK);
    assert_true(span_equal(bytes_span(&plain), PLAIN));
    seal_bytes_free(&plain);
}

static void a_result_replaces_what_the_output_held(void **state)
{
    struct bench *b = *state;
    struct bytes out = {0};

    assert_int_equal(bytes_copy(&out, AAD), ERR_OK);
    assert_int_equal(record_open(b->key, AAD, bytes_span(&b->record), &out), ERR_OK);
    assert_int_equal(pad(PLAIN, &out), ERR_OK);
    assert_int_equal(out.len, PAD_BLOCK);
    seal_bytes_free(&out);
}

static void a_record_may_be_empty_and_without_aad(void **state)
{
    struct bench *b = *state;
    struct entropy source = replayed(2);
    struct bytes record = {0}, plain = {0};
    const struct span none = {NULL, 0};

    assert_int_equal(record_seal(b->key, 0, none, none, &source, &record), ERR_OK);
    assert_int_equal(record.len, RECORD_OVERHEAD);
    assert_int_equal(record_open(b->key, none, bytes_span(&record), &plain), ERR_OK);
    assert_int_equal(plain.len, 0);
    bytes_free(&record);
    seal_bytes_free(&plain);
}

static void a_record_tells_its_key_id(void **state)
{
    struct bench *b = *state;
    uint32_t id = 0;

    assert_int_equal(record_key_id(bytes_span(&b->record), &id), ERR_OK);
    assert_int_equal(id, 0x01020304);
    assert_int_equal(b->record.ptr[1], 1); /* big endian: the format is portable */
}

static void two_records_of_one_content_differ(void **state)
{
    struct bench *b = *state;
    struct entropy source = entropy_system();
    struct bytes again = {0};

    assert_int_equal(record_seal(b->key, 0x01020304, AAD, PLAIN, &source, &again), ERR_OK);
    assert_false(span_equal(bytes_span(&again), bytes_span(&b->record)));
    bytes_free(&again);
}

static void any_altered_byte_of_a_record_is_refused(void **state)
{
    struct bench *b = *state;
    struct bytes plain = {0};

    for (size_t i = 0; i < b->record.len; i++) {
        b->record.ptr[i] ^= 1;
        assert_int_equal(record_open(b->key, AAD, bytes_span(&b->record), &plain),
                         i == 0 ? ERR_VERSION : ERR_OPEN);
        b->record.ptr[i] ^= 1;
    }
    assert_null(plain.ptr);
}

static void a_record_moved_to_another_place_is_refused(void **state)
{
    struct bench *b = *state;
    struct bytes plain = {0};
    struct span record = bytes_span(&b->record);

    assert_int_equal(record_open(b->key, SPAN_STR("table/key/2"), record, &plain), ERR_OPEN);
    assert_int_equal(record_open(b->other, AAD, record, &plain), ERR_OPEN);
    assert_null(plain.ptr);
}

static void a_record_of_a_size_that_cannot_be_is_refused(void **state)
{
    struct bench *b = *state;
    struct bytes out = {0};
    struct entropy source = replayed(2);
    uint8_t *large = calloc(1, RECORD_OVERHEAD + RECORD_PLAIN_MAX + 1);
    uint32_t id;

    long before = alloc_count();

    assert_non_null(large);
    large[0] = RECORD_VERSION;
    for (size_t n = 0; n < RECORD_OVERHEAD; n++)
        assert_int_equal(record_key_id((struct span){b->record.ptr, n}, &id), ERR_OPEN);
    assert_int_equal(record_open(b->key, AAD,
                                 (struct span){large, RECORD_OVERHEAD + RECORD_PLAIN_MAX + 1},
                                 &out),
                     ERR_OPEN);
    assert_int_equal(
        record_open(b->key, (struct span){large, RECORD_AAD_MAX + 1}, bytes_span(&b->record), &out),
        ERR_OPEN);
    assert_int_equal(
        record_seal(b->key, 0, AAD, (struct span){large, RECORD_PLAIN_MAX + 1}, &source, &out),
        ERR_SIZE);
    assert_int_equal(
        record_seal(b->key, 0, (struct span){large, RECORD_AAD_MAX + 1}, PLAIN, &source, &out),
        ERR_SIZE);
    assert_null(out.ptr);
    assert_int_equal(alloc_count(), before); /* refused before any memory is taken */
    free(large);
}

static void a_record_needs_memory_and_randomness(void **state)
{
    struct bench *b = *state;
    int good = 0;
    struct entropy source = failing_entropy(&good);
    struct bytes out = {0};

    assert_int_equal(record_seal(b->key, 0, AAD, PLAIN, &source, &out), ERR_RANDOM);
    alloc_fail_after(1);
    assert_int_equal(record_seal(b->key, 0, AAD, PLAIN, &source, &out), ERR_NOMEM);
    alloc_fail_after(1);
    assert_int_equal(record_open(b->key, AAD, bytes_span(&b->record), &out), ERR_NOMEM);
    alloc_fail_after(1);
    assert_int_equal(pad(PLAIN, &out), ERR_NOMEM);
    alloc_fail_after(-1);
    assert_null(out.ptr);
}

/* Expected: CPython's hashlib.blake2b(key = 00..1f, salt = le64(7), person = "records_") */
static void derived_keys_are_keyed_blake2b_with_id_and_context(void **state)
{
    struct secret32 *master =
        secret_of_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    struct secret32 *sub = NULL, *other = NULL;

    (void)state;
    assert_int_equal(kdf_derive(master, 7, "records_", &sub), ERR_OK);
    assert_hex(secret32_span(sub).ptr, KEY_BYTES,
               "917c6ec59801f437e3cb84b55e32b33284001fe51e56dacbed06aa1cd63caee8");
    assert_int_equal(kdf_derive(master, 8, "records_", &other), ERR_OK);
    assert_false(secret32_equal(sub, other));
    secret32_free(other);
    other = NULL;
    secret_alloc_fail_after(1);
    assert_int_equal(kdf_derive(master, 7, "records_", &other), ERR_NOMEM);
    assert_null(other);
    secret32_free(sub);
    secret32_free(master);
}

/* Expected: CPython's hashlib.blake2b(key = 00..1f) over u8(11) || "relais/test" || "martin" */
static void a_blind_token_is_a_keyed_labelled_digest(void **state)
{
    struct secret32 *key =
        secret_of_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    uint8_t token[BLIND_TOKEN_BYTES];

    (void)state;
    assert_int_equal(blind_token(key, "relais/test", SPAN_STR("martin"), token), ERR_OK);
    assert_hex(token, sizeof token,
               "cc7b77e650aa0dfafe9cefd4e8a672de3f72c95c2561f23620f2b1fe8a1bf24b");
    assert_int_equal(blind_token(key, "", SPAN_STR("martin"), token), ERR_RANGE);
    secret32_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_aead_reproduces_the_xchacha_draft),
        cmocka_unit_test(the_aead_works_in_one_buffer),
        cmocka_unit_test(the_aead_refuses_short_or_altered_input),
        cmocka_unit_test(a_record_opens_with_its_key_and_aad),
        cmocka_unit_test(a_result_replaces_what_the_output_held),
        cmocka_unit_test(a_record_may_be_empty_and_without_aad),
        cmocka_unit_test(a_record_tells_its_key_id),
        cmocka_unit_test(two_records_of_one_content_differ),
        cmocka_unit_test(any_altered_byte_of_a_record_is_refused),
        cmocka_unit_test(a_record_moved_to_another_place_is_refused),
        cmocka_unit_test(a_record_of_a_size_that_cannot_be_is_refused),
        cmocka_unit_test(a_record_needs_memory_and_randomness),
        cmocka_unit_test(derived_keys_are_keyed_blake2b_with_id_and_context),
        cmocka_unit_test(a_blind_token_is_a_keyed_labelled_digest),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
