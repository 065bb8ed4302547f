/* link: -Wl,--wrap=sodium_malloc */
#include "seal_support.h"

#include <stdlib.h>

#include "secretbox.h"

#define SWEEP 20000
#define BODY_MAX 262144 /* PROTOCOL.md 5: the largest body of an envelope */

static void small_payloads_fill_blocks_of_256(void **state)
{
    (void)state;
    assert_int_equal(padded_len(0), 256);
    assert_int_equal(padded_len(255), 256);
    assert_int_equal(padded_len(256), 512);
    assert_int_equal(padded_len(4094), 4096);
    assert_int_equal(padded_len(4095), 4096);
}

/* Values worked out by hand from PROTOCOL.md 5.2 */
static void larger_payloads_follow_padme(void **state)
{
    (void)state;
    assert_int_equal(padded_len(4096), 4096 + 256); /* L 4097: E 12, S 4, steps of 2^8 */
    assert_int_equal(padded_len(8191), 8192);       /* L 8192: E 13, S 4, steps of 2^9 */
    assert_int_equal(padded_len(8192), 8192 + 512);
    assert_int_equal(padded_len(65535), 65536); /* L 65536: E 16, S 5, steps of 2^11 */
    assert_int_equal(padded_len(65536), 65536 + 2048);
    assert_int_equal(padded_len(BODY_MAX), BODY_MAX + 8192); /* E 18, S 5, steps of 2^13 */
    assert_int_equal(padded_len(39999), 40960);              /* L 40000: E 15, S 4, steps of 2^11 */
    assert_int_equal(padded_len(69999), 71680);              /* L 70000: E 16, S 5, steps of 2^11 */
    assert_int_equal(padded_len(PAD_PLAIN_MAX), PAD_PLAIN_MAX + (1 << 25)); /* E 30, S 5 */
}

static void padding_adds_at_most_a_block_or_an_eighth(void **state)
{
    size_t last = 0;

    (void)state;
    for (size_t n = 0; n <= PAD_PLAIN_MAX; n += n < SWEEP ? 1 : n / 1000 + 1) {
        size_t len = padded_len(n);

        assert_true(len > n && len >= last && len <= PADDED_BOUND(n));
        assert_true(n < PAD_BLOCK_LIMIT || len - n <= n * 12 / 100);
        last = len;
    }
}

static void too_large_a_payload_is_refused(void **state)
{
    struct bytes out = {0};

    (void)state;
    assert_int_equal(padded_len(PAD_PLAIN_MAX + 1), 0);
    assert_int_equal(padded_len(SIZE_MAX), 0);
    assert_int_equal(pad((struct span){NULL, PAD_PLAIN_MAX + 1}, &out), ERR_SIZE);
    assert_null(out.ptr);
}

static void what_was_padded_comes_back(void **state)
{
    static uint8_t plain[SWEEP];
    const size_t sizes[] = {0, 1, 255, 256, 257, 4095, 4096, 4097, 8191, 8192, 12345, SWEEP};

    (void)state;
    memset(plain, 0x80, sizeof plain); /* payload bytes that look like marks */
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct bytes padded = {0};
        size_t len = SIZE_MAX;

        assert_int_equal(pad((struct span){plain, sizes[i]}, &padded), ERR_OK);
        assert_int_equal(padded.len, padded_len(sizes[i]));
        assert_int_equal(unpad(bytes_span(&padded), &len), ERR_OK);
        assert_int_equal(len, sizes[i]);
        assert_memory_equal(padded.ptr, plain, len);
        bytes_free(&padded);
    }
}

static void every_length_comes_back(void **state)
{
    static uint8_t room[PADDED_BOUND(SWEEP)];

    (void)state;
    for (size_t n = 0; n <= SWEEP; n += 7) {
        size_t len = SIZE_MAX;

        room[n] = 0x80;
        assert_int_equal(unpad((struct span){room, padded_len(n)}, &len), ERR_OK);
        assert_int_equal(len, n);
        room[n] = 0;
    }
}

static void a_block_without_a_good_mark_is_refused(void **state)
{
    uint8_t block[512] = {0};
    size_t len = 77;

    (void)state;
    assert_int_equal(unpad((struct span){block, 256}, &len), ERR_OPEN); /* no mark */
    block[100] = 0x81;
    assert_int_equal(unpad((struct span){block, 256}, &len), ERR_OPEN); /* no such mark */
    block[100] = 0x80;
    block[200] = 1;
    assert_int_equal(unpad((struct span){block, 256}, &len), ERR_OPEN); /* not zero behind it */
    assert_int_equal(len, 77);
    block[200] = 0;
    assert_int_equal(unpad((struct span){block, 256}, &len), ERR_OK);
    assert_int_equal(len, 100);
}

static void a_length_that_padding_never_makes_is_refused(void **state)
{
    static uint8_t room[8192 + 256];
    size_t len = 77;

    (void)state;
    room[100] = 0x80;
    assert_int_equal(unpad((struct span){NULL, 0}, &len), ERR_OPEN);
    assert_int_equal(unpad((struct span){room, 255}, &len), ERR_OPEN);
    assert_int_equal(unpad((struct span){room, 257}, &len), ERR_OPEN);
    assert_int_equal(unpad((struct span){room, 512}, &len), ERR_OPEN); /* one block too many */
    room[100] = 0;
    room[8191 + 200] = 0x80;
    assert_int_equal(unpad((struct span){room, 8192 + 256}, &len), ERR_OPEN);
    assert_int_equal(len, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_payloads_fill_blocks_of_256),
        cmocka_unit_test(larger_payloads_follow_padme),
        cmocka_unit_test(padding_adds_at_most_a_block_or_an_eighth),
        cmocka_unit_test(too_large_a_payload_is_refused),
        cmocka_unit_test(what_was_padded_comes_back),
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(a_block_without_a_good_mark_is_refused),
        cmocka_unit_test(a_length_that_padding_never_makes_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
