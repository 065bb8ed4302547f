/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
/* Memory that runs out at every single allocation: a command does all of it or nothing. */
#include "sheet_rig.h"

#include "failing_alloc.h"

#define ENOUGH 3000

/* Whether the answer is one that a machine without memory may give. A fold that could not be made
 * counts as "different", so what compares names may also say that nobody fits. */
static bool is_shortage(enum err e)
{
    return e == ERR_NOMEM;
}

static void a_person_is_entered_or_not(void **state)
{
    struct desk *d = *state;
    enum err e = ERR_NOMEM;
    char first[33];
    size_t before;
    size_t index;

    enter_zoe(d, "EHPAD-12", INS_QUAL, first);
    before = rig_rows(d->r, TABLE_PERSON);
    index = rig_rows(d->r, TABLE_INDEX);

    for (long n = 1; e && n < ENOUGH; n++) {
        json_t *args = json_pack("{s:s,s:s,s:[s],s:s,s:i}", "local", "A1", "birth_name", "Œuvrard",
                                 "birth_first_names", "Zoé", "birth_date", "1938-05-17", "sex", 2);

        alloc_fail_after(n);
        e = ask_with(d, NURSE, "person.add", args);
        alloc_fail_after(-1);
        if (!e)
            break;
        if (!is_shortage(e))
            fail_msg("at %ld: %s", n, err_name(e));
        assert_int_equal(rig_rows(d->r, TABLE_PERSON), before);
        assert_int_equal(rig_rows(d->r, TABLE_INDEX), index);
    }
    assert_int_equal(e, ERR_OK);
    assert_int_equal(rig_rows(d->r, TABLE_PERSON), before + 1);
}

static void a_sheet_is_kept_whole_or_not_at_all(void **state)
{
    struct desk *d = *state;
    struct sheet s = letter_sheet(d);
    char mid[33], person[33], unknown[33];
    enum err e = ERR_NOMEM;

    receive_sheet(d, &s, mid);
    enter_zoe(d, "EHPAD-12", INS_QUAL, person);
    provisional_id(d, unknown);
    assert_int_equal(
        ask(d, NURSE, "person.link", "{\"person\":\"%s\",\"to\":\"%s\"}", unknown, person), ERR_OK);
    for (long n = 1; e && n < ENOUGH; n++) {
        json_t *args =
            json_pack("{s:i,s:s,s:s,s:i,s:[{s:s,s:i}],s:[{s:i,s:s}],s:[{s:s,s:s,s:i,s:s}]}", "note",
                      5, "subject", "Radio", "person", "EHPAD-12", "basis", 2, "to", "org", "Autre",
                      "category", 1, "sections", "class", 8, "text", "Voir.", "attachments", "name",
                      "a.pdf", "type", "application/pdf", "class", 8, "base64", "JVBERg==");

        alloc_fail_after(n);
        e = ask_with(d, NURSE, "sheet.send", args);
        alloc_fail_after(-1);
        if (!e)
            break;
        if (!is_shortage(e))
            fail_msg("at %ld: %s", n, err_name(e));
        assert_int_equal(rig_rows(d->r, TABLE_OUT), rig_rows(d->r, TABLE_OUT_BODY));
    }
    assert_int_equal(e, ERR_OK);
}

static void nothing_is_shown_that_the_journal_does_not_know(void **state)
{
    struct desk *d = *state;
    struct sheet s = letter_sheet(d);
    enum err e = ERR_NOMEM;
    size_t journal;
    char mid[33];

    receive_sheet(d, &s, mid);
    journal = rig_rows(d->r, TABLE_JOURNAL);
    for (long n = 1; e && n < ENOUGH; n++) {
        json_t *args = json_pack("{s:s}", "mid", mid);

        alloc_fail_after(n);
        e = ask_with(d, NURSE, "sheet.show", args);
        alloc_fail_after(-1);
        if (!e)
            break;
        if (!is_shortage(e))
            fail_msg("at %ld: %s", n, err_name(e));
        assert_null(answered(d, "document"));
        assert_null(strstr(answered_text(d), "Furos"));
        assert_int_equal(rig_rows(d->r, TABLE_JOURNAL), journal);
    }
    assert_int_equal(e, ERR_OK);
    assert_int_equal(rig_rows(d->r, TABLE_JOURNAL), journal + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_up, desk_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_person_is_entered_or_not),
        TEST(a_sheet_is_kept_whole_or_not_at_all),
        TEST(nothing_is_shown_that_the_journal_does_not_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
