#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "err.h"

static const struct row {
    unsigned code;
    const char *name;
    const char *text;
} rows[] = {
#define X(name, code, text) {code, #name, text},
    ERRORS(X)
#undef X
};

enum {
    ROWS = sizeof rows / sizeof rows[0]
};

static void every_row_has_its_name_and_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        assert_string_equal(err_name((enum err)rows[i].code), rows[i].name);
        assert_string_equal(err_text((enum err)rows[i].code), rows[i].text);
        assert_int_equal(err_known(rows[i].code), 1);
    }
}

static void no_number_and_no_name_is_used_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_true(rows[i].code != rows[j].code);
            assert_true(strcmp(rows[i].name, rows[j].name) != 0);
        }
    }
}

static void codes_that_travel_keep_their_number(void **state)
{
    (void)state;
    assert_int_equal(ERR_OK, 0);
    assert_int_equal(ERR_BUSY, 8);
    assert_int_equal(ERR_NOT_CANONICAL, 34);
    assert_int_equal(ERR_FORGED, 50);
    assert_int_equal(ERR_MID_REUSED, 95);
}

static void a_number_without_a_row_is_named_as_such(void **state)
{
    (void)state;
    assert_string_equal(err_name((enum err)9999), "ERR_?");
    assert_string_equal(err_text((enum err)9999), "unknown error");
    assert_int_equal(err_known(9999), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_its_name_and_text),
        cmocka_unit_test(no_number_and_no_name_is_used_twice),
        cmocka_unit_test(codes_that_travel_keep_their_number),
        cmocka_unit_test(a_number_without_a_row_is_named_as_such),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
