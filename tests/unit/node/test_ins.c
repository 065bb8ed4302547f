/* Matricules: the published answers, Corsica, forms that only look right, and the two worlds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "ids.h"
#include "ins.h"

static enum err typed(const char *text)
{
    char compact[INS_MATRICULE + 1];
    enum err e = ins_compact(span_text(text), compact);

    return e ? e : ins_check(span_text(compact));
}

static void the_published_answers_are_ours(void **state)
{
    json_t *file = json_load_file("tests/vectors/nir.json", 0, NULL);
    const json_t *v;
    size_t i;

    (void)state;
    assert_non_null(file);
    json_array_foreach(json_object_get(file, "vectors"), i, v)
    {
        const char *text = json_string_value(json_object_get(v, "typed"));
        enum err wanted = json_is_true(json_object_get(v, "valid")) ? ERR_OK : ERR_INS_KEY;

        if (typed(text) != wanted)
            fail_msg("%s: %s wanted", text, err_name(wanted));
    }
    assert_true(i > 100);
    json_decref(file);
}

static void corsica_counts_as_19_and_18(void **state)
{
    (void)state;
    assert_int_equal(typed("1 86 02 2A 215 325 23"), ERR_OK);
    assert_int_equal(typed("1 86 02 2b 215 325 50"), ERR_OK);
    assert_int_equal(typed("186022A21532550"), ERR_INS_KEY); /* the key of the other half */
    assert_int_equal(typed("186022C21532523"), ERR_INS_KEY);
    assert_int_equal(typed("18602A215325 23"), ERR_INS_KEY);
    assert_int_equal(typed("186023A21532523"), ERR_INS_KEY); /* a letter after 3 is no Corsica */
}

/* Sets the key that fits, so that only the form can be at fault. */
static void with_right_key(const char *thirteen, char out[16])
{
    unsigned long long number = 0;

    for (size_t i = 0; i < 13; i++)
        number = number * 10 + (unsigned long long)(thirteen[i] - '0');
    snprintf(out, 16, "%s%02llu", thirteen, 97 - number % 97);
}

static void sex_and_month_must_exist(void **state)
{
    static const char *const good[] = {"2380544109417", "7380544109417", "1384244109417",
                                       "1385044109417", "4389944109417", "1382044109417"};
    static const char *const bad[] = {"5380544109417", "9380544109417", "0380544109417",
                                      "1380044109417", "1381344109417", "1381944109417",
                                      "1384344109417", "1384944109417"};
    char nir[16];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        with_right_key(good[i], nir);
        assert_int_equal(typed(nir), ERR_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        with_right_key(bad[i], nir);
        assert_int_equal(typed(nir), ERR_INS_KEY);
    }
}

static void every_single_digit_error_is_seen(void **state)
{
    char nir[16];

    (void)state;
    for (size_t at = 0; at < 15; at++)
        for (int c = '0'; c <= '9'; c++) {
            memcpy(nir, "238054410941733", 16);
            if (nir[at] == c)
                continue;
            nir[at] = (char)c;
            assert_int_equal(typed(nir), ERR_INS_KEY);
        }
}

static void what_is_no_matricule_is_refused(void **state)
{
    (void)state;
    assert_int_equal(typed(""), ERR_INS_KEY);
    assert_int_equal(typed("2380544109417"), ERR_INS_KEY); /* without its key */
    assert_int_equal(typed("2380544109417330"), ERR_INS_KEY);
    assert_int_equal(typed("23805441094173x"), ERR_INS_KEY);
    assert_int_equal(typed("x38054410941764"), ERR_INS_KEY);
    assert_int_equal(ins_check(SPAN_STR("23805441094176")), ERR_INS_KEY);
    assert_int_equal(ins_check(SPAN_STR("2 8054410941764")), ERR_INS_KEY);
}

static void oids_are_read_and_written(void **state)
{
    enum ins_oid oid = INS_OIDS;

    (void)state;
    for (unsigned i = 0; i < INS_OIDS; i++) {
        assert_int_equal(ins_oid_read(span_text(ins_oid_text((enum ins_oid)i)), &oid), ERR_OK);
        assert_int_equal(oid, i);
    }
    assert_int_equal(ins_oid_read(SPAN_STR("1.2.250.1.213.1.4.2"), &oid), ERR_FIELD_VALUE);
    assert_int_equal(ins_oid_read(SPAN_STR("1.2.250.1.213.1.4.1"), &oid), ERR_FIELD_VALUE);
    assert_string_equal(ins_oid_text((enum ins_oid)99), "");
}

static void test_numbers_and_real_ones_never_meet(void **state)
{
    (void)state;
    assert_int_equal(ins_check_mode(INS_OID_NIR, MODE_REAL), ERR_OK);
    assert_int_equal(ins_check_mode(INS_OID_NIA, MODE_REAL), ERR_OK);
    assert_int_equal(ins_check_mode(INS_OID_TEST, MODE_REAL), ERR_INS_MODE);
    assert_int_equal(ins_check_mode(INS_OID_DEMO, MODE_REAL), ERR_INS_MODE);
    assert_int_equal(ins_check_mode(INS_OID_NIR, MODE_EXERCISE), ERR_INS_MODE);
    assert_int_equal(ins_check_mode(INS_OID_NIA, MODE_EXERCISE), ERR_INS_MODE);
    assert_int_equal(ins_check_mode(INS_OID_TEST, MODE_EXERCISE), ERR_OK);
    assert_int_equal(ins_check_mode(INS_OID_DEMO, MODE_EXERCISE), ERR_OK);
    assert_int_equal(ins_check_mode(INS_OID_TEST, 0), ERR_NOT_JOINED);
    assert_int_equal(ins_check_mode(INS_OIDS, MODE_REAL), ERR_INS_MODE);
}

static void a_matricule_without_oid_gets_that_of_its_world(void **state)
{
    (void)state;
    assert_int_equal(ins_oid_standard("238054410941733", MODE_EXERCISE), INS_OID_TEST);
    assert_int_equal(ins_oid_standard("238054410941733", MODE_REAL), INS_OID_NIR);
    assert_int_equal(ins_oid_standard("738054410941764", MODE_REAL), INS_OID_NIA);
    assert_int_equal(ins_oid_standard("838054410941764", MODE_REAL), INS_OID_NIA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_answers_are_ours),
        cmocka_unit_test(corsica_counts_as_19_and_18),
        cmocka_unit_test(sex_and_month_must_exist),
        cmocka_unit_test(every_single_digit_error_is_seen),
        cmocka_unit_test(what_is_no_matricule_is_refused),
        cmocka_unit_test(oids_are_read_and_written),
        cmocka_unit_test(test_numbers_and_real_ones_never_meet),
        cmocka_unit_test(a_matricule_without_oid_gets_that_of_its_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
