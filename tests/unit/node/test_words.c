/* What a person reads: every error has a sentence, in French, that says what to do next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ids.h"
#include "utf8.h"
#include "words.h"

#define X(name, code, text) {name, #name},
static const struct {
    enum err code;
    const char *name;
} rows[] = {ERRORS(X)};
#undef X
#define ROWS (sizeof rows / sizeof rows[0])

static size_t sentences_in(const char *text)
{
    size_t count = 0;

    for (const char *p = text; *p; p++)
        count += (*p == '.' && (p[1] == ' ' || !p[1])) || (*p == ';' && p[1] == ' ');
    return count;
}

/* Words that no French sentence has; quoted commands are what a person types, and may. */
static bool has_english(const char *text)
{
    static const char *const english[] = {" the ",     " is ",    " not ",  " error",  " failed",
                                          " key ",     " and ",   " with ", " a file", " of ",
                                          " please",   "unknown", " hash",  " bytes",  "timeout",
                                          " invalid ", " payload"};

    for (size_t i = 0; i < sizeof english / sizeof english[0]; i++)
        if (strstr(text, english[i]))
            return true;
    return false;
}

static void every_error_has_its_own_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const char *text = word_error(rows[i].code);

        for (size_t k = 0; k < i; k++)
            if (strcmp(text, word_error(rows[k].code)) == 0)
                fail_msg("%s and %s say the same", rows[i].name, rows[k].name);
        if (strstr(text, "ERR_") || strcmp(text, err_text(rows[i].code)) == 0)
            fail_msg("%s shows a code", rows[i].name);
    }
    assert_string_equal(word_error((enum err)9999), word_error(ERR_INTERNAL));
    assert_string_equal(word_article((enum err)9999), "");
}

static void every_sentence_says_what_was_kept_and_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const char *text = word_error(rows[i].code);
        size_t len = strlen(text);

        if (sentences_in(text) < 3)
            fail_msg("%s has fewer than three parts: %s", rows[i].name, text);
        if (text[len - 1] != '.' || strstr(text, "..") || strstr(text, "  "))
            fail_msg("%s is not well written: %s", rows[i].name, text);
        if (!utf8_valid(span_text(text)))
            fail_msg("%s is not UTF-8", rows[i].name);
    }
}

static void no_sentence_is_in_english(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        if (has_english(word_error(rows[i].code)))
            fail_msg("%s: %s", rows[i].name, word_error(rows[i].code));
    assert_true(has_english("an error of the disk"));
}

static void refusals_of_the_law_name_their_article(void **state)
{
    static const struct {
        enum err code;
        const char *article;
    } law[] = {
        {ERR_NOTICE_MISSING,    "R1110-3"  },
        {ERR_CONSENT_MISSING,   "D1110-3-1"},
        {ERR_CONSENT_VERSION,   "D1110-3-1"},
        {ERR_CONSENT_WITHDRAWN, "L1110-4"  },
        {ERR_OPPOSITION,        "L1110-4"  },
        {ERR_NOT_IN_CIRCLE,     "L1110-4"  },
        {ERR_NOT_IN_TEAM,       "L1110-12" },
        {ERR_CATEGORY,          "R1110-2"  },
        {ERR_CLASS,             "R1110-1"  },
        {ERR_BASIS,             "L1110-4"  },
    };

    (void)state;
    for (size_t i = 0; i < sizeof law / sizeof law[0]; i++) {
        assert_non_null(strstr(word_article(law[i].code), law[i].article));
        assert_non_null(strstr(word_error(law[i].code), law[i].article));
    }
    assert_string_equal(word_article(ERR_FULL), "");
}

static void names_are_read_whatever_the_accents(void **state)
{
    uint64_t value = 0;

    (void)state;
    assert_int_equal(word_read(WORDS_CLASS, SPAN_STR("medical"), &value), ERR_OK);
    assert_int_equal(value, CLASS_MEDICAL);
    assert_int_equal(word_read(WORDS_CLASS, SPAN_STR("Me\u0301DICAL"), &value), ERR_OK); /* NFD */
    assert_int_equal(value, CLASS_MEDICAL);
    assert_int_equal(word_read(WORDS_BASIS, SPAN_STR("équipe"), &value), ERR_OK);
    assert_int_equal(value, BASIS_EQUIPE);
    assert_int_equal(word_read(WORDS_BASIS, SPAN_STR("Partage consenti"), &value), ERR_OK);
    assert_int_equal(value, BASIS_CONSENTI);
    assert_int_equal(word_read(WORDS_NOTE, SPAN_STR("dem-avis"), &value), ERR_OK);
    assert_int_equal(value, 4);
    assert_int_equal(word_read(WORDS_INS_STATUS, SPAN_STR("QUAL"), &value), ERR_OK);
    assert_int_equal(value, 4);
    assert_int_equal(word_read(WORDS_CATEGORY, SPAN_STR("2"), &value), ERR_OK);
    assert_int_equal(value, CATEGORY_SOCIAL);
}

static void a_name_that_is_none_is_refused(void **state)
{
    uint64_t value = 77;

    (void)state;
    assert_int_equal(word_read(WORDS_CLASS, SPAN_STR("secret"), &value), ERR_FIELD_VALUE);
    assert_int_equal(word_read(WORDS_CLASS, SPAN_STR(""), &value), ERR_FIELD_VALUE);
    assert_int_equal(word_read(WORDS_CLASS, SPAN_STR("3"), &value), ERR_FIELD_VALUE);
    assert_int_equal(word_read(WORDS_CLASS, SPAN_STR("99999"), &value), ERR_FIELD_VALUE);
    assert_int_equal(word_read(WORDS_CLASS, SPAN_STR("méd"), &value), ERR_FIELD_VALUE);
    assert_int_equal(word_read(WORDS_CLASS, SPAN_STR("m\xff"), &value), ERR_FIELD_VALUE);
    assert_int_equal(value, 77);
}

static void a_mask_is_a_list_of_names(void **state)
{
    uint64_t mask = 0;

    (void)state;
    assert_int_equal(word_read_mask(WORDS_CLASS, SPAN_STR("social, Médical,autonomie"), &mask),
                     ERR_OK);
    assert_int_equal(mask, CLASS_SOCIAL | CLASS_MEDICAL | CLASS_AUTONOMY);
    assert_int_equal(word_read_mask(WORDS_CLASS, SPAN_STR("social,,médical"), &mask),
                     ERR_FIELD_VALUE);
    assert_int_equal(word_read_mask(WORDS_CLASS, SPAN_STR(""), &mask), ERR_FIELD_VALUE);
    assert_int_equal(mask, CLASS_SOCIAL | CLASS_MEDICAL | CLASS_AUTONOMY);
}

static void what_is_listed_is_what_is_read(void **state)
{
    (void)state;
    for (unsigned t = 0; t < WORD_TABLES; t++) {
        struct bytes names = {0};
        uint64_t value;
        size_t from = 0;

        assert_int_equal(word_list((enum word_table)t, &names), ERR_OK);
        for (size_t i = 0; i <= names.len; i++) {
            if (i < names.len && !(names.ptr[i] == ',' && names.ptr[i + 1] == ' '))
                continue;
            assert_int_equal(
                word_read((enum word_table)t, span_of(names.ptr + from, i - from), &value), ERR_OK);
            from = i + 2;
        }
        bytes_free(&names);
    }
}

static void a_mask_is_spelt_out(void **state)
{
    struct bytes out = {0};

    (void)state;
    assert_int_equal(word_classes(CLASS_IDENTITY | CLASS_MEDICAL, &out), ERR_OK);
    assert_true(span_equal(bytes_span(&out), SPAN_STR("identité, médical")));
    assert_string_equal(word_class(3), "inconnu");
    bytes_free(&out);
}

static void text_of_others_cannot_steer_a_terminal(void **state)
{
    struct bytes out = {0};

    (void)state;
    assert_int_equal(
        word_printable(SPAN_STR("Œil\t\x1b[2Jrouge\n\u202Eévil\xc2\x85\u200F\u2067."), &out),
        ERR_OK);
    assert_true(span_equal(bytes_span(&out), SPAN_STR("Œil\t\uFFFD[2Jrouge\n\uFFFDévil\uFFFD"
                                                      "\uFFFD\uFFFD.")));
    bytes_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_its_own_sentence),
        cmocka_unit_test(every_sentence_says_what_was_kept_and_what_to_do),
        cmocka_unit_test(no_sentence_is_in_english),
        cmocka_unit_test(refusals_of_the_law_name_their_article),
        cmocka_unit_test(names_are_read_whatever_the_accents),
        cmocka_unit_test(a_name_that_is_none_is_refused),
        cmocka_unit_test(a_mask_is_a_list_of_names),
        cmocka_unit_test(what_is_listed_is_what_is_read),
        cmocka_unit_test(a_mask_is_spelt_out),
        cmocka_unit_test(text_of_others_cannot_steer_a_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
