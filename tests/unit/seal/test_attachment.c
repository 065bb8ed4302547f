/* link: -Wl,--wrap=sodium_malloc,--wrap=malloc,--wrap=calloc,--wrap=realloc */
/* Chunks of a large attachment: sizes, places, addresses (PROTOCOL.md 6.4). */
#include "attachment.h"

#include "seal_support.h"

static const uint8_t key[ATTACHMENT_KEY_BYTES] = {7};

static void sizes_of_clear_and_sealed_are_each_others(void **state)
{
    static const uint64_t plain[] = {1,
                                     ATTACHMENT_PLAIN - 1,
                                     ATTACHMENT_PLAIN,
                                     ATTACHMENT_PLAIN + 1,
                                     2 * ATTACHMENT_PLAIN,
                                     ATTACHMENT_PLAIN_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        uint64_t sealed = attachment_sealed_size(plain[i]);
        uint32_t n = attachment_chunks(sealed);
        uint64_t sum = 0;

        assert_true(n > 0 && n <= ATTACHMENT_CHUNKS_MAX);
        assert_int_equal(attachment_plain_size(sealed), plain[i]);
        for (uint32_t k = 0; k < n; k++)
            sum += attachment_chunk_len(sealed, k);
        assert_int_equal(sum, sealed);
    }
    assert_int_equal(attachment_chunks(attachment_sealed_size(ATTACHMENT_PLAIN_MAX)),
                     ATTACHMENT_CHUNKS_MAX);
}

static void no_attachment_has_another_size(void **state)
{
    (void)state;
    assert_int_equal(attachment_sealed_size(0), 0);
    assert_int_equal(attachment_sealed_size(ATTACHMENT_PLAIN_MAX + 1), 0);
    assert_int_equal(attachment_chunks(0), 0);
    assert_int_equal(attachment_chunks(ATTACHMENT_TAG_BYTES), 0);
    assert_int_equal(attachment_chunks(ATTACHMENT_CHUNK + ATTACHMENT_TAG_BYTES), 0);
    assert_int_equal(attachment_chunks(ATTACHMENT_SEALED_MAX + 1), 0);
    assert_int_equal(attachment_plain_size(1), 0);
}

static void a_chunk_opens_at_its_place_and_no_other(void **state)
{
    uint8_t chunk[5 + ATTACHMENT_TAG_BYTES];
    uint8_t other[ATTACHMENT_KEY_BYTES] = {8};
    uint8_t out[5];

    (void)state;
    attachment_seal(key, 3, false, SPAN_STR("Zoé!"), chunk);
    assert_int_equal(attachment_open(key, 3, false, SPAN_OF(chunk), out), ERR_OK);
    assert_memory_equal(out, "Zoé!", 5);
    assert_int_equal(attachment_open(key, 2, false, SPAN_OF(chunk), out), ERR_OPEN);
    assert_int_equal(attachment_open(key, 3, true, SPAN_OF(chunk), out), ERR_OPEN); /* cut short */
    assert_int_equal(attachment_open(other, 3, false, SPAN_OF(chunk), out), ERR_OPEN);
    chunk[0] ^= 1;
    assert_int_equal(attachment_open(key, 3, false, SPAN_OF(chunk), out), ERR_OPEN);
}

static void an_address_is_that_of_size_order_and_every_chunk(void **state)
{
    uint8_t hashes[2 * ATTACHMENT_HASH_BYTES];
    uint8_t swapped[sizeof hashes];
    uint8_t a[ATTACHMENT_ADDRESS_BYTES];
    uint8_t b[ATTACHMENT_ADDRESS_BYTES];
    uint64_t size = ATTACHMENT_CHUNK + 100;

    (void)state;
    assert_int_equal(attachment_hash(0, SPAN_STR("x"), hashes), ERR_OK);
    assert_int_equal(attachment_hash(1, SPAN_STR("x"), hashes + ATTACHMENT_HASH_BYTES), ERR_OK);
    assert_memory_not_equal(hashes, hashes + ATTACHMENT_HASH_BYTES, ATTACHMENT_HASH_BYTES);
    memcpy(swapped, hashes + ATTACHMENT_HASH_BYTES, ATTACHMENT_HASH_BYTES);
    memcpy(swapped + ATTACHMENT_HASH_BYTES, hashes, ATTACHMENT_HASH_BYTES);
    assert_int_equal(attachment_address(size, SPAN_OF(hashes), a), ERR_OK);
    assert_int_equal(attachment_address(size + 1, SPAN_OF(hashes), b), ERR_OK);
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(attachment_address(size, SPAN_OF(swapped), b), ERR_OK);
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(attachment_address(size, span_of(hashes, ATTACHMENT_HASH_BYTES), b), ERR_SIZE);
    assert_int_equal(attachment_address(0, span_of(hashes, 0), b), ERR_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_of_clear_and_sealed_are_each_others),
        cmocka_unit_test(no_attachment_has_another_size),
        cmocka_unit_test(a_chunk_opens_at_its_place_and_no_other),
        cmocka_unit_test(an_address_is_that_of_size_order_and_every_chunk),
    };

    if (seal_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
