/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "span.h"

static void spans_compare_by_content(void **state)
{
    (void)state;
    assert_true(span_equal(span_text("abc"), span_of("abc", 3)));
    assert_false(span_equal(span_text("abc"), span_text("abd")));
    assert_false(span_equal(span_text("abc"), span_text("ab")));
    assert_true(span_equal(span_text(NULL), span_text("")));
    assert_int_equal(span_compare(span_text("abc"), span_text("abc")), 0);
    assert_true(span_compare(span_text("ab"), span_text("abc")) < 0);
    assert_true(span_compare(span_text("b"), span_text("abc")) > 0);
    assert_true(span_compare(span_text("abc"), span_text("ab")) > 0);
    assert_int_equal(span_compare(span_text(NULL), span_text("")), 0);
    assert_true(span_compare(SPAN_STR("\x7f"), SPAN_STR("\x80")) < 0); /* unsigned, as on disk */
}

static void bytes_grow_and_keep_their_content(void **state)
{
    struct bytes b = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(bytes_append(&b, SPAN_STR("0123456789")), ERR_OK);
    assert_int_equal(b.len, 10000);
    assert_memory_equal(b.ptr + 9990, "0123456789", 10);
    assert_int_equal(bytes_append(&b, (struct span){NULL, 0}), ERR_OK);
    bytes_free(&b);
    assert_null(b.ptr);
    bytes_free(&b);
}

static void a_copy_replaces_what_was_held(void **state)
{
    struct bytes b = {0};

    (void)state;
    assert_int_equal(bytes_copy(&b, SPAN_STR("first")), ERR_OK);
    assert_int_equal(bytes_copy(&b, SPAN_STR("second")), ERR_OK);
    assert_int_equal(bytes_copy(&b, span_of(b.ptr, 3)), ERR_OK); /* of itself */
    assert_true(span_equal(bytes_span(&b), SPAN_STR("sec")));
    assert_int_equal(bytes_copy(&b, (struct span){NULL, 0}), ERR_OK);
    assert_int_equal(b.len, 0);
    assert_non_null(b.ptr);
    bytes_free(&b);
}

static void absurd_sizes_are_refused_before_they_wrap(void **state)
{
    struct bytes b = {0};
    uint8_t byte = 0;
    struct span huge = {&byte, SIZE_MAX / 2 + 1};

    (void)state;
    assert_int_equal(bytes_reserve(&b, SIZE_MAX), ERR_NOMEM);
    assert_int_equal(bytes_append(&b, huge), ERR_NOMEM);
    assert_int_equal(hex_write(&b, huge), ERR_NOMEM);
    assert_int_equal(base64_write(&b, huge), ERR_NOMEM);
    assert_null(b.ptr);
}

static void printing_appends_and_ends_with_a_nul(void **state)
{
    struct bytes b = {0};

    (void)state;
    assert_int_equal(bytes_printf(&b, "%d-%s", 42, "x"), ERR_OK);
    assert_int_equal(bytes_printf(&b, "%0100d", 7), ERR_OK);
    assert_int_equal(b.len, 104);
    assert_int_equal(strlen((char *)b.ptr), 104);
    assert_memory_equal(b.ptr, "42-x000", 7);
    bytes_free(&b);
}

static void assert_base64(const char *plain, const char *text)
{
    struct bytes b = {0};

    assert_int_equal(base64_write(&b, span_text(plain)), ERR_OK);
    assert_string_equal(b.ptr, text);
    assert_int_equal(base64_read(&b, span_text(text), 64), ERR_OK);
    assert_true(span_equal(bytes_span(&b), span_text(plain)));
    bytes_free(&b);
}

static void base64_agrees_with_rfc_4648_section_10(void **state)
{
    (void)state;
    assert_base64("", "");
    assert_base64("f", "Zg==");
    assert_base64("fo", "Zm8=");
    assert_base64("foo", "Zm9v");
    assert_base64("foob", "Zm9vYg==");
    assert_base64("fooba", "Zm9vYmE=");
    assert_base64("foobar", "Zm9vYmFy");
    assert_base64("\xfb\xff\xfe", "+//+");
}

static void bytes_have_one_base64_text(void **state)
{
    const struct span bad[] = {
        SPAN_STR("Zg"),       /* no padding */
        SPAN_STR("Zg="),      /**/
        SPAN_STR("Zh=="),     /* bits beyond the end */
        SPAN_STR("Zm9="),     /**/
        SPAN_STR("Z==="),     /* too much padding */
        SPAN_STR("===="),     /**/
        SPAN_STR("Zg==Zg=="), /* padding in the middle */
        SPAN_STR("Zm9v\n"),   /* white space */
        SPAN_STR("Zm 9"),     /**/
        SPAN_STR("Zm-_"),     /* the other alphabet */
        SPAN_STR("Zm9\0"),    /* strchr() would find the NUL */
        SPAN_STR("=Zm9"),     /**/
    };
    struct bytes b = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(base64_read(&b, bad[i], 64), ERR_TEXT_FORM);
    assert_int_equal(base64_read(&b, SPAN_STR("Zm9v"), 2), ERR_SIZE);
    assert_int_equal(base64_read(&b, SPAN_STR("Zm8="), 2), ERR_OK);
    bytes_free(&b);
}

static void hex_is_lower_case_and_even(void **state)
{
    struct bytes b = {0};
    uint8_t two[2] = {7, 7};

    (void)state;
    assert_int_equal(hex_write(&b, SPAN_STR("\x00\x9f\xfa")), ERR_OK);
    assert_string_equal(b.ptr, "009ffa");
    assert_int_equal(hex_read(&b, SPAN_STR("009ffa")), ERR_OK);
    assert_true(span_equal(bytes_span(&b), SPAN_STR("\x00\x9f\xfa")));
    assert_int_equal(hex_read(&b, SPAN_STR("0")), ERR_TEXT_FORM);
    assert_int_equal(hex_read(&b, SPAN_STR("0A")), ERR_TEXT_FORM);
    assert_int_equal(hex_read(&b, SPAN_STR("0g")), ERR_TEXT_FORM);
    assert_int_equal(hex_read(&b, SPAN_STR("/0")), ERR_TEXT_FORM);
    assert_int_equal(hex_read(&b, SPAN_STR(":0")), ERR_TEXT_FORM);
    assert_int_equal(hex_read_fixed(two, 2, SPAN_STR("010")), ERR_TEXT_FORM);
    assert_int_equal(hex_read_fixed(two, 2, SPAN_STR("01020")), ERR_TEXT_FORM);
    assert_int_equal(hex_read_fixed(two, 2, SPAN_STR("010x")), ERR_TEXT_FORM);
    assert_int_equal(two[0], 7); /* untouched */
    assert_int_equal(hex_read_fixed(two, 2, SPAN_STR("01ff")), ERR_OK);
    assert_int_equal(two[1], 255);
    bytes_free(&b);
}

static void base32_writes_the_first_bits(void **state)
{
    struct bytes b = {0};

    (void)state;
    assert_int_equal(base32_write(&b, SPAN_STR("fooba"), 40), ERR_OK); /* RFC 4648 section 10 */
    assert_string_equal(b.ptr, "MZXW6YTB");
    assert_int_equal(base32_write(&b, SPAN_STR("fooba"), 35), ERR_OK);
    assert_string_equal(b.ptr, "MZXW6YT");
    assert_int_equal(base32_write(&b, SPAN_STR(""), 0), ERR_OK);
    assert_string_equal(b.ptr, "");
    assert_int_equal(base32_write(&b, SPAN_STR("fooba"), 12), ERR_USAGE);
    assert_int_equal(base32_write(&b, SPAN_STR("fooba"), 45), ERR_USAGE);
    bytes_free(&b);
}

static void a_lack_of_memory_leaves_the_output_untouched(void **state)
{
    struct bytes b = {0};

    (void)state;
    assert_int_equal(bytes_copy(&b, SPAN_STR("kept")), ERR_OK);
    alloc_fail_after(1);
    assert_int_equal(bytes_copy(&b, SPAN_STR("x")), ERR_NOMEM);
    alloc_fail_after(1);
    assert_int_equal(bytes_reserve(&b, 4096), ERR_NOMEM);
    alloc_fail_after(1);
    assert_int_equal(bytes_printf(&b, "%0100d", 1), ERR_NOMEM);
    alloc_fail_after(1);
    assert_int_equal(hex_write(&b, SPAN_STR("x")), ERR_NOMEM);
    alloc_fail_after(1);
    assert_int_equal(hex_read(&b, SPAN_STR("00")), ERR_NOMEM);
    alloc_fail_after(1);
    assert_int_equal(base64_write(&b, SPAN_STR("x")), ERR_NOMEM);
    alloc_fail_after(1);
    assert_int_equal(base64_read(&b, SPAN_STR("Zg=="), 9), ERR_NOMEM);
    alloc_fail_after(1);
    assert_int_equal(base32_write(&b, SPAN_STR("fooba"), 40), ERR_NOMEM);
    alloc_fail_after(-1);
    assert_true(span_equal(bytes_span(&b), SPAN_STR("kept")));
    bytes_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_compare_by_content),
        cmocka_unit_test(bytes_grow_and_keep_their_content),
        cmocka_unit_test(a_copy_replaces_what_was_held),
        cmocka_unit_test(absurd_sizes_are_refused_before_they_wrap),
        cmocka_unit_test(printing_appends_and_ends_with_a_nul),
        cmocka_unit_test(base64_agrees_with_rfc_4648_section_10),
        cmocka_unit_test(bytes_have_one_base64_text),
        cmocka_unit_test(hex_is_lower_case_and_even),
        cmocka_unit_test(base32_writes_the_first_bits),
        cmocka_unit_test(a_lack_of_memory_leaves_the_output_untouched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
