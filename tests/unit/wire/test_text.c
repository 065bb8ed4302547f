/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "text.h"
#include "utf8.h"

enum {
    POINT_LAST = 0x10ffff
};

static size_t encode(uint32_t point, uint8_t *to)
{
    if (point < 0x80) {
        to[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        to[0] = (uint8_t)(0xc0 | point >> 6);
        to[1] = (uint8_t)(0x80 | (point & 63));
        return 2;
    }
    if (point < 0x10000) {
        to[0] = (uint8_t)(0xe0 | point >> 12);
        to[1] = (uint8_t)(0x80 | (point >> 6 & 63));
        to[2] = (uint8_t)(0x80 | (point & 63));
        return 3;
    }
    to[0] = (uint8_t)(0xf0 | point >> 18);
    to[1] = (uint8_t)(0x80 | (point >> 12 & 63));
    to[2] = (uint8_t)(0x80 | (point >> 6 & 63));
    to[3] = (uint8_t)(0x80 | (point & 63));
    return 4;
}

static void composed_text_is_in_form_c_and_decomposed_is_not(void **state)
{
    (void)state;
    assert_true(text_is_nfc(SPAN_STR("")));
    assert_true(text_is_nfc(SPAN_STR("plain")));
    assert_true(text_is_nfc(SPAN_STR("\xc3\x89tienne")));   /* É */
    assert_false(text_is_nfc(SPAN_STR("E\xcc\x81tienne"))); /* E, combining acute */
    assert_int_equal(text_check_nfc(SPAN_STR("E\xcc\x81")), ERR_NFC);
    assert_int_equal(text_check_nfc(SPAN_STR("\xe2\x84\xab")), ERR_NFC); /* angstrom sign */
    assert_int_equal(text_check_nfc(SPAN_STR("\xea\xb0\x80")), ERR_OK);  /* a Hangul syllable */
    assert_int_equal(text_check_nfc(SPAN_STR("\xff")), ERR_UTF8);
    assert_int_equal(text_check_nfc(SPAN_STR("a\0b")), ERR_UTF8);
    assert_false(text_is_nfc(SPAN_STR("\xff")));
}

static void assert_nfc(const char *in, const char *expected)
{
    struct bytes out = {0};

    assert_int_equal(text_nfc(span_text(in), &out), ERR_OK);
    assert_true(span_equal(bytes_span(&out), span_text(expected)));
    assert_true(text_is_nfc(bytes_span(&out)));
    bytes_free(&out);
}

static void normalising_composes_and_orders_marks(void **state)
{
    struct bytes out = {0};

    (void)state;
    assert_nfc("", "");
    assert_nfc("plain", "plain");
    assert_nfc("E\xcc\x81tienne", "\xc3\x89tienne");
    assert_nfc("\xe2\x84\xab", "\xc3\x85");
    assert_nfc("a\xcc\x81\xcc\xa3", "\xe1\xba\xa1\xcc\x81"); /* dot below goes before acute */
    assert_nfc("\xe1\x84\x80\xe1\x85\xa1", "\xea\xb0\x80");  /* Hangul letters */
    assert_int_equal(text_nfc(SPAN_STR("\xc3("), &out), ERR_UTF8);
    assert_null(out.ptr);
}

static void assert_fold(const char *in, const char *expected)
{
    struct bytes out = {0};

    assert_int_equal(text_fold(span_text(in), &out), ERR_OK);
    assert_int_equal(bytes_reserve(&out, 1), ERR_OK);
    out.ptr[out.len] = 0;
    assert_string_equal(out.ptr, expected);
    bytes_free(&out);
}

static void names_typed_differently_meet_in_one_key(void **state)
{
    (void)state;
    assert_fold("\xc3\x89lo\xc3\xafse", "eloise");   /* Éloïse */
    assert_fold("E\xcc\x81LOI\xcc\x88SE", "eloise"); /* decomposed, upper case */
    assert_fold("C\xc5\x93ur", "coeur");             /* œ */
    assert_fold("C\xc5\x92UR", "coeur");             /* Œ */
    assert_fold("\xc3\x86gidius", "aegidius");       /* Æ */
    assert_fold("D'Artagnan", "dartagnan");
    assert_fold("D\xe2\x80\x99"
                "Artagnan",
                "dartagnan"); /* typographic apostrophe */
    assert_fold("D\xca\xbc"
                "Artagnan",
                "dartagnan"); /* letter apostrophe */
    assert_fold("Jean-Pierre", "jeanpierre");
    assert_fold("JEAN PIERRE", "jeanpierre");
    assert_fold("Jean\xc2\xa0Pierre", "jeanpierre");     /* no-break space */
    assert_fold("Jean\xe2\x80\x91Pierre", "jeanpierre"); /* no-break hyphen */
    assert_fold("Jean\xc2\xadPierre", "jeanpierre");     /* soft hyphen */
    assert_fold("  Fran\xc3\xa7ois  ", "francois");
    assert_fold("Stra\xc3\x9f"
                "er",
                "strasser");
    assert_fold("\xc3\x98ster\xc3\xa5s", "osteras");
    assert_fold("\xc5\x81ukasz", "lukasz");
    assert_fold("\xc4\x90or\xc4\x91"
                "e",
                "dorde");
    assert_fold("\xc4\xb0"
                "brahim I\xc5\x9f\xc4\xb1k",
                "ibrahimisik");
    assert_fold("\xef\xac\x81lle", "fille"); /* fi ligature */
    assert_fold("Louis XIV (14\xe1\xb5\x89)", "louisxiv14e");
    assert_fold("\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd", "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd");
    assert_fold("", "");
    assert_fold("-'. ", "");
}

static void folding_refuses_what_is_not_text(void **state)
{
    struct bytes out = {0};

    (void)state;
    assert_int_equal(text_fold(SPAN_STR("\xed\xa0\x80"), &out), ERR_UTF8);
    assert_null(out.ptr);
}

static void folding_and_normalising_again_change_nothing_for_any_character(void **state)
{
    struct bytes once = {0};
    struct bytes twice = {0};
    uint8_t utf8[4];

    (void)state;
    for (uint32_t point = 1; point <= POINT_LAST; point++) {
        struct span in = span_of(utf8, encode(point, utf8));

        if (point == 0xd800)
            point = 0xe000 - 1; /* surrogates */
        if (!utf8_valid(in))
            continue;
        assert_int_equal(text_fold(in, &once), ERR_OK);
        assert_int_equal(text_fold(bytes_span(&once), &twice), ERR_OK);
        assert_true(span_equal(bytes_span(&once), bytes_span(&twice)));
        assert_int_equal(text_nfc(in, &once), ERR_OK);
        assert_true(text_is_nfc(bytes_span(&once)));
    }
    bytes_free(&once);
    bytes_free(&twice);
}

static void a_lack_of_memory_is_said_and_changes_nothing(void **state)
{
    struct span hard = SPAN_STR("E\xcc\x81tienne d'Estournelles de Constant, s\xc3\xa9nateur de la "
                                "Sarthe, \xef\xb7\xba \xef\xb7\xba \xef\xb7\xba \xef\xb7\xba");
    struct bytes out = {0};

    (void)state;
    alloc_fail_after(1);
    assert_int_equal(text_check_nfc(hard), ERR_NOMEM);
    alloc_fail_after(1);
    assert_false(text_is_nfc(hard));
    alloc_fail_after(1);
    assert_int_equal(text_nfc(hard, &out), ERR_NOMEM);
    alloc_fail_after(1);
    assert_int_equal(text_nfc(SPAN_STR("plain"), &out), ERR_NOMEM);
    alloc_fail_after(1);
    assert_int_equal(text_fold(hard, &out), ERR_NOMEM);
    alloc_fail_after(2); /* the key grows beyond the text */
    assert_int_equal(text_fold(hard, &out), ERR_NOMEM);
    alloc_fail_after(-1);
    assert_null(out.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(composed_text_is_in_form_c_and_decomposed_is_not),
        cmocka_unit_test(normalising_composes_and_orders_marks),
        cmocka_unit_test(names_typed_differently_meet_in_one_key),
        cmocka_unit_test(folding_refuses_what_is_not_text),
        cmocka_unit_test(folding_and_normalising_again_change_nothing_for_any_character),
        cmocka_unit_test(a_lack_of_memory_is_said_and_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
