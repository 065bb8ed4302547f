/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../vectors/msgpack-suite.h"
#include "failing_alloc.h"
#include "reader.h"
#include "writer.h"

static void write_row(struct writer *w, const struct suite_row *row, struct span value)
{
    switch (row->type) {
    case MP_NIL:
        wr_nil(w);
        break;
    case MP_BOOL:
        wr_bool(w, row->value[0] == '1');
        break;
    case MP_UINT:
        wr_uint(w, strtoull(row->value, NULL, 10));
        break;
    case MP_INT:
        wr_int(w, strtoll(row->value, NULL, 10));
        break;
    case MP_TEXT:
        wr_text(w, value);
        break;
    default:
        wr_bin(w, value);
    }
}

static void every_value_of_the_suite_is_written_canonically(void **state)
{
    size_t checked = 0;

    (void)state;
    for (size_t i = 0; i < sizeof suite_rows / sizeof suite_rows[0]; i++) {
        const struct suite_row *row = &suite_rows[i];
        struct bytes value = {0};
        struct bytes out = {0};
        struct bytes hex = {0};
        struct writer w;

        if (!row->canonical || row->type == MP_ARRAY || row->type == MP_MAP)
            continue;
        if (row->type == MP_TEXT || row->type == MP_BIN)
            assert_int_equal(hex_read(&value, span_text(row->value)), ERR_OK);
        wr_init(&w);
        write_row(&w, row, bytes_span(&value));
        assert_int_equal(wr_take(&w, &out), ERR_OK);
        assert_int_equal(hex_write(&hex, bytes_span(&out)), ERR_OK);
        assert_string_equal(hex.ptr, row->canonical);
        bytes_free(&value);
        bytes_free(&out);
        bytes_free(&hex);
        checked++;
    }
    assert_int_equal(checked, 45);
}

static void a_positive_number_given_as_signed_is_of_the_uint_family(void **state)
{
    struct bytes out = {0};
    struct writer w;

    (void)state;
    wr_init(&w);
    wr_array(&w, 4);
    wr_int(&w, 5);
    wr_int(&w, 200);
    wr_int(&w, INT64_MAX);
    wr_int(&w, INT64_MIN);
    assert_int_equal(wr_take(&w, &out), ERR_OK);
    assert_int_equal(mp_check(bytes_span(&out)), ERR_OK);
    assert_int_equal(out.ptr[2], 0xcc);
    bytes_free(&out);
}

static void write_nested(struct writer *w)
{
    wr_array(w, 3);
    wr_map(w, 2);
    wr_key(w, 1);
    wr_bool(w, false);
    wr_key(w, 200);
    wr_text(w, SPAN_STR("caf\xc3\xa9"));
    wr_bin(w, (struct span){NULL, 0});
    wr_raw(w, SPAN_STR("\x91\xc0"));
}

static void containers_keys_and_raw_values_fit_together(void **state)
{
    static const uint8_t expected[] = {0x93, 0x82, 0x01, 0xc2, 0xcc, 0xc8, 0xa5, 'c',
                                       'a',  'f',  0xc3, 0xa9, 0xc4, 0x00, 0x91, 0xc0};
    struct bytes out = {0};
    struct writer w;

    (void)state;
    wr_init(&w);
    write_nested(&w);
    assert_true(span_equal(wr_span(&w), SPAN_OF(expected)));
    assert_int_equal(wr_take(&w, &out), ERR_OK);
    assert_true(span_equal(bytes_span(&out), SPAN_OF(expected)));
    assert_int_equal(mp_check(bytes_span(&out)), ERR_OK);
    assert_int_equal(wr_span(&w).len, 0); /* ready for another */
    bytes_free(&out);
}

static void a_lack_of_memory_is_kept_until_take(void **state)
{
    struct bytes out = {0};
    struct writer w;

    (void)state;
    wr_init(&w);
    alloc_fail_after(1);
    write_nested(&w);
    alloc_fail_after(-1);
    assert_int_equal(wr_error(&w), ERR_NOMEM);
    assert_int_equal(wr_take(&w, &out), ERR_NOMEM);
    assert_null(out.ptr);
    assert_null(w.out.ptr);
}

static void a_late_lack_of_memory_loses_nothing_of_the_callers(void **state)
{
    static uint8_t large[5000];
    struct bytes out = {0};
    struct writer w;

    (void)state;
    assert_int_equal(bytes_copy(&out, SPAN_STR("before")), ERR_OK);
    wr_init(&w);
    wr_array(&w, 2);
    alloc_fail_after(1);
    wr_bin(&w, SPAN_OF(large));
    alloc_fail_after(-1);
    wr_nil(&w);
    assert_int_equal(wr_take(&w, &out), ERR_NOMEM);
    assert_true(span_equal(bytes_span(&out), SPAN_STR("before")));
    bytes_free(&out);
}

static void text_no_reader_would_accept_is_refused(void **state)
{
    struct bytes out = {0};
    struct writer w;

    (void)state;
    wr_init(&w);
    wr_text(&w, SPAN_STR("\xff"));
    wr_nil(&w);
    wr_fail(&w, ERR_RANGE);
    assert_int_equal(wr_take(&w, &out), ERR_UTF8);
}

static void what_32_bits_cannot_count_is_refused(void **state)
{
    static const uint8_t one[1];
    struct bytes out = {0};
    struct writer w;
    size_t many = (size_t)UINT32_MAX + 1;

    (void)state;
    wr_init(&w);
    wr_array(&w, many);
    assert_int_equal(wr_take(&w, &out), ERR_SIZE);
    wr_map(&w, many);
    assert_int_equal(wr_take(&w, &out), ERR_SIZE);
    wr_bin(&w, span_of(one, many)); /* refused before a byte is read */
    assert_int_equal(wr_take(&w, &out), ERR_SIZE);
    wr_text(&w, span_of(one, many));
    assert_int_equal(wr_take(&w, &out), ERR_SIZE);
}

static void an_encoder_may_give_up_and_start_again(void **state)
{
    struct bytes out = {0};
    struct writer w;

    (void)state;
    wr_init(&w);
    wr_nil(&w);
    wr_fail(&w, ERR_OK);
    assert_int_equal(wr_error(&w), ERR_OK);
    wr_fail(&w, ERR_SCHEMA);
    assert_int_equal(wr_take(&w, &out), ERR_SCHEMA);
    wr_bool(&w, true);
    assert_int_equal(wr_take(&w, &out), ERR_OK);
    assert_int_equal(out.len, 1);
    wr_wipe(&w);
    wr_wipe(&w);
    bytes_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_of_the_suite_is_written_canonically),
        cmocka_unit_test(a_positive_number_given_as_signed_is_of_the_uint_family),
        cmocka_unit_test(containers_keys_and_raw_values_fit_together),
        cmocka_unit_test(a_lack_of_memory_is_kept_until_take),
        cmocka_unit_test(a_late_lack_of_memory_loses_nothing_of_the_callers),
        cmocka_unit_test(text_no_reader_would_accept_is_refused),
        cmocka_unit_test(what_32_bits_cannot_count_is_refused),
        cmocka_unit_test(an_encoder_may_give_up_and_start_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
