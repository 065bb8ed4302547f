#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reader.h"

#define OVER(...) reader_over(SPAN_OF(((const uint8_t[]){__VA_ARGS__})))

static void a_straight_decoder_reads_every_type(void **state)
{
    static const uint8_t in[] = {0x98, 0x05, 0xd0, 0x80, 0xc3, 0xc0, 0xc4, 0x02, 0xaa,
                                 0xbb, 0xa2, 'h',  'i',  0x92, 0x01, 0x02, 0x80};
    struct reader r = reader_over(SPAN_OF(in));
    uint8_t two[2];
    struct rd_map m;
    uint64_t key;

    (void)state;
    rd_array(&r, 8);
    assert_int_equal(rd_u8(&r, 9), 5);
    assert_int_equal(rd_int(&r), -128);
    assert_true(rd_bool(&r));
    assert_true(rd_skip_nil(&r));
    rd_fixed(&r, two, sizeof two);
    assert_memory_equal(two, "\xaa\xbb", 2);
    assert_true(span_equal(rd_text(&r, 2), SPAN_STR("hi")));
    assert_int_equal(rd_array_between(&r, 1, 3), 2);
    assert_int_equal(rd_u16(&r, 9), 1);
    assert_int_equal(rd_u32(&r, 9), 2);
    m = rd_map(&r, 0);
    assert_false(rd_map_next(&r, &m, &key));
    assert_int_equal(rd_peek(&r), MP_NONE);
    assert_int_equal(rd_error(&r), ERR_OK);
    assert_int_equal(rd_where(&r), sizeof in);
    assert_int_equal(rd_end(&r), ERR_OK);
}

static void after_the_first_error_every_getter_returns_nothing(void **state)
{
    struct reader r = OVER(0x94, 0x05, 0x05, 0x05, 0x05);
    uint8_t out[3] = {1, 2, 3};
    struct rd_map m;
    uint64_t key = 77;

    (void)state;
    rd_array(&r, 4);
    assert_true(span_equal(rd_text(&r, 9), span_text("")));
    assert_int_equal(rd_error(&r), ERR_TYPE);
    assert_int_equal(rd_where(&r), 1);

    assert_int_equal(rd_uint(&r, 9), 0);
    assert_int_equal(rd_int(&r), 0);
    assert_false(rd_bool(&r));
    rd_nil(&r);
    assert_false(rd_skip_nil(&r));
    assert_int_equal(rd_peek(&r), MP_NONE);
    rd_fixed(&r, out, sizeof out);
    assert_memory_equal(out, "\0\0\0", 3);
    assert_int_equal(rd_blob(&r, 0, 9).len, 0);
    assert_int_equal(rd_raw(&r).len, 0);
    assert_int_equal(rd_array_between(&r, 0, 9), 0);
    m = rd_map(&r, 9);
    assert_int_equal(m.pairs, 0);
    assert_false(rd_map_next(&r, &m, &key));
    assert_int_equal(key, 77);
    rd_skip(&r);
    rd_unknown(&r, 1);
    rd_fail(&r, ERR_FORGED);
    assert_int_equal(rd_where(&r), 1);
    assert_int_equal(rd_end(&r), ERR_TYPE);
}

static void values_outside_the_callers_limits_are_refused(void **state)
{
    struct reader r;
    uint8_t out[2] = {9, 9};

    (void)state;
    r = OVER(0x0a);
    assert_int_equal(rd_uint(&r, 9), 0);
    assert_int_equal(rd_end(&r), ERR_RANGE);
    assert_int_equal(rd_where(&r), 0);
    r = OVER(0x01);
    assert_int_equal(rd_uint_between(&r, 2, 9), 0);
    assert_int_equal(rd_end(&r), ERR_RANGE);
    r = OVER(0xff);
    assert_int_equal(rd_int_between(&r, 0, 9), 0);
    assert_int_equal(rd_end(&r), ERR_RANGE);
    r = OVER(0x0a);
    assert_int_equal(rd_int_between(&r, 0, 9), 0);
    assert_int_equal(rd_end(&r), ERR_RANGE);
    r = OVER(0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0);
    assert_int_equal(rd_int(&r), 0);
    assert_int_equal(rd_end(&r), ERR_RANGE);
    r = OVER(0xc4, 0x01, 0x00);
    rd_fixed(&r, out, 2);
    assert_int_equal(rd_end(&r), ERR_SIZE);
    assert_memory_equal(out, "\0\0", 2);
    r = OVER(0xa2, 'h', 'i');
    assert_int_equal(rd_text(&r, 1).len, 0);
    assert_int_equal(rd_end(&r), ERR_SIZE);
    r = OVER(0xa1, 'h');
    assert_int_equal(rd_text_between(&r, 2, 9).len, 0);
    assert_int_equal(rd_end(&r), ERR_SIZE);
    r = OVER(0x91, 0x01);
    rd_array(&r, 2);
    assert_int_equal(rd_end(&r), ERR_SIZE);
    r = OVER(0x81, 0x01, 0x01);
    (void)rd_map(&r, 0);
    assert_int_equal(rd_error(&r), ERR_SIZE);
}

static void the_largest_and_smallest_numbers_are_read(void **state)
{
    struct reader r =
        OVER(0x93, 0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xd3, 0x80, 0, 0, 0, 0, 0,
             0, 0, 0xcf, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);

    (void)state;
    rd_array(&r, 3);
    assert_true(rd_uint(&r, UINT64_MAX) == UINT64_MAX);
    assert_true(rd_int(&r) == INT64_MIN);
    assert_true(rd_int(&r) == INT64_MAX);
    assert_int_equal(rd_end(&r), ERR_OK);
}

static void a_map_is_read_key_by_key(void **state)
{
    struct reader r = OVER(0x83, 0x01, 0x05, 0x02, 0x92, 0x01, 0x02, 0xcc, 0xff, 0x81, 0x00, 0xc0);
    struct rd_map m = rd_map(&r, 3);
    uint64_t key;
    uint64_t one = 0;

    (void)state;
    while (rd_map_next(&r, &m, &key)) {
        switch (key) {
        case 1:
            one = rd_uint(&r, 9);
            break;
        case 2:
            rd_skip(&r);
            break;
        default:
            rd_unknown(&r, key); /* 255: not known, but may be ignored */
        }
    }
    rd_map_require(&r, &m, RD_KEY(1) | RD_KEY(2));
    assert_int_equal(rd_end(&r), ERR_OK);
    assert_int_equal(one, 5);
    assert_int_equal(m.pairs, 3);
    assert_true(rd_map_has(&m, 2));
    assert_false(rd_map_has(&m, 3));
    assert_false(rd_map_has(&m, 255)); /* only keys below 64 are remembered */
}

static void a_missing_or_unknown_field_has_its_own_error(void **state)
{
    struct reader r = OVER(0x81, 0x01, 0x05);
    struct rd_map m = rd_map(&r, 3);
    uint64_t key;

    (void)state;
    assert_true(rd_map_next(&r, &m, &key));
    rd_skip(&r);
    assert_false(rd_map_next(&r, &m, &key));
    rd_map_require(&r, &m, RD_KEY(1) | RD_KEY(63));
    assert_int_equal(rd_end(&r), ERR_FIELD_MISSING);

    r = OVER(0x81, 0x3f, 0x05);
    m = rd_map(&r, 3);
    assert_true(rd_map_next(&r, &m, &key));
    rd_unknown(&r, key);
    assert_int_equal(rd_end(&r), ERR_FIELD_UNKNOWN);
}

static enum err keys_of(struct reader r)
{
    struct rd_map m = rd_map(&r, 9);
    uint64_t key;

    while (rd_map_next(&r, &m, &key))
        rd_skip(&r);
    return rd_end(&r);
}

static void keys_ascend_are_small_and_are_numbers(void **state)
{
    (void)state;
    assert_int_equal(keys_of(OVER(0x82, 0x01, 0xc0, 0x02, 0xc0)), ERR_OK);
    assert_int_equal(keys_of(OVER(0x82, 0x00, 0xc0, 0x02, 0xc0)), ERR_OK);
    assert_int_equal(keys_of(OVER(0x82, 0x02, 0xc0, 0x01, 0xc0)), ERR_KEY_ORDER);
    assert_int_equal(keys_of(OVER(0x82, 0x02, 0xc0, 0x02, 0xc0)), ERR_DUPLICATE_KEY);
    assert_int_equal(keys_of(OVER(0x81, 0xcd, 0x01, 0x00, 0xc0)), ERR_RANGE);
    assert_int_equal(keys_of(OVER(0x81, 0xa1, 'a', 0xc0)), ERR_TYPE);
    assert_int_equal(keys_of(OVER(0x81, 0xff, 0xc0)), ERR_TYPE);
    assert_int_equal(keys_of(OVER(0x81, 0x01)), ERR_TRUNCATED);
    assert_int_equal(mp_check(SPAN_OF(((uint8_t[]){0x81, 0xcd, 0x01, 0x00, 0xc0}))), ERR_RANGE);
    assert_int_equal(mp_check(SPAN_OF(((uint8_t[]){0x81, 0x90, 0xc0}))), ERR_TYPE);
}

static void a_decoder_that_leaves_a_value_unread_is_told_so(void **state)
{
    struct reader r = OVER(0x82, 0x01, 0x05, 0x02, 0x06);
    struct rd_map m = rd_map(&r, 9);
    uint64_t key;

    (void)state;
    assert_true(rd_map_next(&r, &m, &key));
    assert_false(rd_map_next(&r, &m, &key)); /* the value of 1 is still there */
    assert_int_equal(rd_error(&r), ERR_INTERNAL);

    r = OVER(0x81, 0x01, 0x05);
    m = rd_map(&r, 9);
    assert_true(rd_map_next(&r, &m, &key));
    assert_false(rd_map_next(&r, &m, &key)); /* the last one as well */
    assert_int_equal(rd_error(&r), ERR_INTERNAL);

    r = OVER(0x81, 0x01, 0x05);
    m = rd_map(&r, 9);
    (void)rd_uint(&r, 9); /* a key is not a value */
    assert_int_equal(rd_error(&r), ERR_INTERNAL);

    r = OVER(0x82, 0x01, 0x92, 0x05, 0x05, 0x02, 0x06);
    m = rd_map(&r, 9);
    assert_true(rd_map_next(&r, &m, &key));
    rd_array(&r, 2);
    (void)rd_uint(&r, 9);
    assert_false(rd_map_next(&r, &m, &key)); /* half an array was read */
    assert_int_equal(rd_error(&r), ERR_INTERNAL);
}

static void raw_gives_the_encoding_of_one_whole_value(void **state)
{
    static const uint8_t in[] = {0x92, 0x82, 0x01, 0x91, 0xc0, 0x02, 0xa1, 'x', 0x07};
    struct reader r = reader_over(SPAN_OF(in));
    struct span raw;

    (void)state;
    rd_array(&r, 2);
    raw = rd_raw(&r);
    assert_true(span_equal(raw, span_of(in + 1, 7)));
    assert_int_equal(mp_check(raw), ERR_OK);
    assert_int_equal(rd_uint(&r, 9), 7);
    assert_int_equal(rd_end(&r), ERR_OK);

    r = OVER(0x92, 0x91, 0xc1, 0x07);
    rd_array(&r, 2);
    assert_int_equal(rd_raw(&r).len, 0);
    assert_int_equal(rd_end(&r), ERR_TYPE);
}

static void eight_levels_are_read_and_nine_are_not(void **state)
{
    uint8_t in[10];

    (void)state;
    memset(in, 0x91, sizeof in);
    in[7] = 0x90;
    assert_int_equal(mp_check(span_of(in, 8)), ERR_OK);
    in[7] = 0x91;
    in[8] = 0xc0;
    assert_int_equal(mp_check(span_of(in, 9)), ERR_OK);
    in[8] = 0x90;
    assert_int_equal(mp_check(span_of(in, 9)), ERR_DEPTH);
    in[8] = 0x80;
    assert_int_equal(mp_check(span_of(in, 9)), ERR_DEPTH);
}

static void an_array_of_exactly_the_item_limit_is_read(void **state)
{
    static uint8_t in[3 + MP_ITEMS_MAX] = {0xdc};
    struct reader r;

    (void)state;
    in[1] = (MP_ITEMS_MAX - 1) >> 8;
    in[2] = (MP_ITEMS_MAX - 1) & 255;
    assert_int_equal(mp_check(span_of(in, 3 + MP_ITEMS_MAX - 1)), ERR_OK);
    in[1] = MP_ITEMS_MAX >> 8;
    in[2] = MP_ITEMS_MAX & 255;
    assert_int_equal(mp_check(SPAN_OF(in)), ERR_ITEMS);

    r = reader_over_limits(SPAN_OF(in), MP_ITEMS_MAX + 1);
    rd_skip(&r);
    assert_int_equal(rd_end(&r), ERR_OK);
}

static void items_of_several_arrays_count_together(void **state)
{
    static const uint8_t in[] = {0x92, 0x92, 1, 2, 0x92, 1, 2}; /* 7 items */
    static const uint8_t map[] = {0x92, 0x81, 1, 2, 3};         /* 5 items */
    struct reader r = reader_over_limits(SPAN_OF(in), 7);

    (void)state;
    rd_skip(&r);
    assert_int_equal(rd_end(&r), ERR_OK);
    r = reader_over_limits(SPAN_OF(in), 6);
    rd_skip(&r);
    assert_int_equal(rd_end(&r), ERR_ITEMS);
    r = reader_over_limits(SPAN_OF(map), 5);
    rd_skip(&r);
    assert_int_equal(rd_end(&r), ERR_OK);
    r = reader_over_limits(SPAN_OF(map), 4);
    rd_skip(&r);
    assert_int_equal(rd_end(&r), ERR_ITEMS);
    r = reader_over_limits(SPAN_OF(map), 0);
    rd_skip(&r);
    assert_int_equal(rd_end(&r), ERR_ITEMS);
}

static void there_is_one_object_and_nothing_after_it(void **state)
{
    struct reader r = OVER(0x01, 0x02);

    (void)state;
    assert_int_equal(rd_uint(&r, 9), 1);
    assert_int_equal(rd_uint(&r, 9), 0);
    assert_int_equal(rd_end(&r), ERR_TRAILING);

    r = OVER(0x01);
    assert_int_equal(rd_uint(&r, 9), 1);
    assert_int_equal(rd_uint(&r, 9), 0); /* one more than there is */
    assert_int_equal(rd_end(&r), ERR_TRUNCATED);

    r = OVER(0x92, 0x01, 0x02);
    rd_array(&r, 2);
    (void)rd_uint(&r, 9);
    assert_int_equal(rd_end(&r), ERR_TRAILING); /* the decoder did not want all of it */

    r = reader_over((struct span){NULL, 0});
    assert_int_equal(rd_end(&r), ERR_TRUNCATED);
    assert_int_equal(mp_check((struct span){NULL, 0}), ERR_TRUNCATED);
}

static void a_head_that_promises_too_much_is_refused_where_it_stands(void **state)
{
    static const uint8_t pairs[] = {0x82, 0x01, 0xc0, 0x02}; /* one byte short of two pairs */
    static const uint8_t items[] = {0x92, 0x01, 0x02};
    struct reader r = reader_over(SPAN_OF(pairs));

    (void)state;
    (void)rd_map(&r, 9);
    assert_int_equal(rd_error(&r), ERR_TRUNCATED);
    assert_int_equal(rd_where(&r), 0);
    r = reader_over_limits(SPAN_OF(items), 2);
    rd_array(&r, 2);
    assert_int_equal(rd_error(&r), ERR_ITEMS);
    assert_int_equal(rd_where(&r), 0);
}

static void every_truncation_of_a_value_is_refused(void **state)
{
    static const uint8_t in[] = {
        0x96, 0xcd, 0x01, 0x00, 0xd1, 0x80, 0x00, 0xc4, 0x02, 1,    2,   0xa2, 'h', 'i', 0x82,
        0x01, 0xc0, 0x02, 0xce, 0x00, 0x01, 0x00, 0x00, 0xd9, 0x20, 'a', 'a',  'a', 'a', 'a',
        'a',  'a',  'a',  'a',  'a',  'a',  'a',  'a',  'a',  'a',  'a', 'a',  'a', 'a', 'a',
        'a',  'a',  'a',  'a',  'a',  'a',  'a',  'a',  'a',  'a',  'a', 'a'};

    (void)state;
    assert_int_equal(mp_check(SPAN_OF(in)), ERR_OK);
    for (size_t len = 0; len < sizeof in; len++)
        assert_int_equal(mp_check(span_of(in, len)), ERR_TRUNCATED);
}

static void text_that_is_not_utf8_is_refused_also_when_skipped(void **state)
{
    struct reader r = OVER(0xa2, 0xc3, 0x28);

    (void)state;
    assert_int_equal(rd_text(&r, 9).len, 0);
    assert_int_equal(rd_end(&r), ERR_UTF8);
    r = OVER(0xa1, 0x00);
    rd_skip(&r);
    assert_int_equal(rd_end(&r), ERR_UTF8);
    r = OVER(0xc4, 0x02, 0xc3, 0x28); /* bin may hold anything */
    rd_skip(&r);
    assert_int_equal(rd_end(&r), ERR_OK);
}

static void a_decoder_may_add_its_own_finding_once(void **state)
{
    struct reader r = OVER(0x92, 0x01, 0x02);

    (void)state;
    rd_array(&r, 2);
    (void)rd_uint(&r, 9);
    rd_fail(&r, ERR_OK);
    assert_int_equal(rd_error(&r), ERR_OK);
    rd_fail(&r, ERR_FIELD_VALUE);
    rd_fail(&r, ERR_VERSION);
    assert_int_equal(rd_uint(&r, 9), 0);
    assert_int_equal(rd_end(&r), ERR_FIELD_VALUE);
}

static void nil_is_optional_only_where_the_decoder_says_so(void **state)
{
    struct reader r = OVER(0x92, 0xc0, 0x01);

    (void)state;
    rd_array(&r, 2);
    assert_true(rd_skip_nil(&r));
    assert_false(rd_skip_nil(&r));
    rd_nil(&r);
    assert_int_equal(rd_end(&r), ERR_TYPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_straight_decoder_reads_every_type),
        cmocka_unit_test(after_the_first_error_every_getter_returns_nothing),
        cmocka_unit_test(values_outside_the_callers_limits_are_refused),
        cmocka_unit_test(the_largest_and_smallest_numbers_are_read),
        cmocka_unit_test(a_map_is_read_key_by_key),
        cmocka_unit_test(a_missing_or_unknown_field_has_its_own_error),
        cmocka_unit_test(keys_ascend_are_small_and_are_numbers),
        cmocka_unit_test(a_decoder_that_leaves_a_value_unread_is_told_so),
        cmocka_unit_test(raw_gives_the_encoding_of_one_whole_value),
        cmocka_unit_test(eight_levels_are_read_and_nine_are_not),
        cmocka_unit_test(an_array_of_exactly_the_item_limit_is_read),
        cmocka_unit_test(items_of_several_arrays_count_together),
        cmocka_unit_test(there_is_one_object_and_nothing_after_it),
        cmocka_unit_test(a_head_that_promises_too_much_is_refused_where_it_stands),
        cmocka_unit_test(every_truncation_of_a_value_is_refused),
        cmocka_unit_test(text_that_is_not_utf8_is_refused_also_when_skipped),
        cmocka_unit_test(a_decoder_may_add_its_own_finding_once),
        cmocka_unit_test(nil_is_optional_only_where_the_decoder_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
