#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "utf8.h"

static void sequences_of_every_length_are_text(void **state)
{
    (void)state;
    assert_true(utf8_valid(SPAN_STR("")));
    assert_true(utf8_valid((struct span){NULL, 0}));
    assert_true(utf8_valid(SPAN_STR("az \x7f\t\n")));
    assert_true(utf8_valid(SPAN_STR("\xc2\x80\xdf\xbf")));
    assert_true(utf8_valid(SPAN_STR("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf")));
    assert_true(utf8_valid(SPAN_STR("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")));
}

static void what_is_no_text_is_refused(void **state)
{
    const struct span rows[] = {
        SPAN_STR("a\0b"),             /* NUL */
        SPAN_STR("\x80"),             /* continuation alone */
        SPAN_STR("\xc0\x80"),         /* overlong NUL */
        SPAN_STR("\xc1\xbf"),         /* overlong, two bytes */
        SPAN_STR("\xe0\x9f\xbf"),     /* overlong, three */
        SPAN_STR("\xf0\x8f\xbf\xbf"), /* overlong, four */
        SPAN_STR("\xed\xa0\x80"),     /* surrogates */
        SPAN_STR("\xed\xbf\xbf"),     /**/
        SPAN_STR("\xf4\x90\x80\x80"), /* above U+10FFFF */
        SPAN_STR("\xf5\x80\x80\x80"), /**/
        SPAN_STR("\xff"),             /**/
        SPAN_STR("\xc3"),             /* cut short */
        SPAN_STR("\xe2\x82"),         /**/
        SPAN_STR("\xf0\x9f\x8d"),     /**/
        SPAN_STR("\xc3("),            /* no continuation */
        SPAN_STR("\xe2\x82("),        /**/
        SPAN_STR("\xf0\x9f(\xba"),    /**/
        SPAN_STR("\xf0\x9f\x8d\xc0"), /**/
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_false(utf8_valid(rows[i]));
}

static void plain_text_has_no_control_characters(void **state)
{
    (void)state;
    assert_true(utf8_plain(SPAN_STR("caf\xc3\xa9 \xc2\xa0")));
    assert_false(utf8_plain(SPAN_STR("a\nb")));
    assert_false(utf8_plain(SPAN_STR("a\x7f")));
    assert_false(utf8_plain(SPAN_STR("a\x1b[2J")));
    assert_false(utf8_plain(SPAN_STR("\xc2\x9b")));
    assert_false(utf8_plain(SPAN_STR("\xc2")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_of_every_length_are_text),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(plain_text_has_no_control_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
