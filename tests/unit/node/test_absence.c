/* Closings: announced, waiting, refused, seen by whoever sends there. */
#include "sheet_rig.h"

#include "absence.h"

/* RIG_NOW is 21 September 2026. */
static void log_takes(struct desk *d)
{
    struct bytes ss = {0};
    uint64_t ts_ms;

    assert_int_equal(absence_due(d->r->n, &ts_ms, &ss), ERR_OK);
    rig_append(&d->r->keys, bytes_span(&ss));
    rig_sync(d->r);
    bytes_free(&ss);
}

static void other_closes(struct desk *d, uint64_t from_day, uint64_t until_day, bool substitute)
{
    struct absence_statement s = {.ts_ms = RIG_NOW,
                                  .from_ms = (RIG_NOW / ABSENCE_DAY_MS + from_day) * ABSENCE_DAY_MS,
                                  .until_ms =
                                      (RIG_NOW / ABSENCE_DAY_MS + until_day) * ABSENCE_DAY_MS,
                                  .has_substitute = substitute};
    struct bytes ss = {0};

    memcpy(s.federation, d->r->federation.id, ID_BYTES);
    memcpy(s.org, d->r->other.org, ID_BYTES);
    memcpy(s.node, d->r->other.node, ID_BYTES);
    memcpy(s.substitute, d->r->own.org, ID_BYTES);
    assert_int_equal(absence_sign(&s, d->r->other.sign, &ss), ERR_OK);
    rig_append(&d->r->keys, bytes_span(&ss));
    rig_sync(d->r);
    bytes_free(&ss);
}

#define SET_SEPTEMBER "{\"from\":\"2026-09-25\",\"until\":\"30/09/2026\",\"substitute\":\"Autre\"}"

static void a_closing_waits_for_the_hub_and_then_everybody_sees_it(void **state)
{
    struct desk *d = *state;
    struct bytes ss = {0};
    uint64_t ts_ms;

    assert_int_equal(ask(d, NULL, "absence.set", SET_SEPTEMBER), ERR_ACTOR);
    assert_int_equal(absence_due(d->r->n, &ts_ms, &ss), ERR_AGAIN);
    assert_int_equal(ask(d, NURSE, "absence.set", SET_SEPTEMBER), ERR_OK);
    assert_non_null(strstr(answered_text(d), "Fermeture du 25/09/2026 au 30/09/2026 ; s'adresser à "
                                             "Autre"));
    rig_restart(d->r); /* it is on disk */
    d->r->n->care = &care_hooks;
    assert_int_equal(ask(d, NULL, "absence.list", "{}"), ERR_OK);
    assert_non_null(strstr(answered_text(d), "attend le hub"));
    assert_int_equal(json_array_size(answered(d, "absences")), 0);
    log_takes(d);
    assert_int_equal(absence_due(d->r->n, &ts_ms, &ss), ERR_AGAIN);
    assert_int_equal(ask(d, NULL, "absence.list", "{}"), ERR_OK);
    assert_true(json_is_null(answered(d, "own")));
    assert_int_equal(json_array_size(answered(d, "absences")), 1);
    assert_non_null(
        strstr(answered_text(d), "fermeture du 25/09/2026 au 30/09/2026 ; s'adresser à Autre"));
    assert_int_equal(ask(d, NULL, "org.list", "{}"), ERR_OK);
    assert_non_null(strstr(answered_text(d), "fermeture annoncée du 25/09/2026"));
    assert_int_equal(ask(d, NURSE, "absence.clear", "{}"), ERR_OK);
    log_takes(d);
    assert_int_equal(absence_due(d->r->n, &ts_ms, &ss), ERR_AGAIN);
    assert_int_equal(ask(d, NULL, "absence.list", "{}"), ERR_OK);
    assert_non_null(strstr(answered_text(d), "Aucune fermeture"));
    assert_int_equal(ask(d, NURSE, "absence.clear", "{}"), ERR_NOT_FOUND);
    assert_non_null(strstr(answered_text(d), "rien à lever"));
}

static void what_no_hub_would_take_is_refused_here(void **state)
{
    static const struct {
        const char *args;
        enum err e;
        const char *says;
    } rows[] = {
        {"{\"from\":\"2026-09-25\"}",                                                      ERR_USAGE, "dernier jour"},
        {"{\"from\":\"25.09.2026\",\"until\":\"2026-09-30\"}",                             ERR_USAGE, "AAAA-MM-JJ"  },
        {"{\"from\":\"2026-09-31\",\"until\":\"2026-10-02\"}",                             ERR_USAGE, "AAAA-MM-JJ"  },
        {"{\"from\":\"2026-09-30\",\"until\":\"2026-09-29\"}",                             ERR_RANGE, "précède"   },
        {"{\"from\":\"2026-08-01\",\"until\":\"2026-08-31\"}",                             ERR_RANGE, "passée"     },
        {"{\"from\":\"2027-09-01\",\"until\":\"2027-12-31\"}",                             ERR_RANGE, "366 jours"   },
        {"{\"from\":\"2026-09-25\",\"until\":\"2026-09-30\",\"substitute\":\"Personne\"}",
         ERR_NOT_FOUND,                                                                               ""            },
    };
    struct desk *d = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(ask(d, NURSE, "absence.set", "%s", rows[i].args), rows[i].e);
        if (!strstr(answered_text(d), rows[i].says))
            fail_msg("%s: %s", rows[i].args, answered_text(d));
    }
    assert_int_equal(ask(d, NULL, "absence.list", "{}"), ERR_OK);
    assert_true(json_is_null(answered(d, "own")));
}

static void a_refusal_is_kept_and_shown(void **state)
{
    struct desk *d = *state;
    struct bytes ss = {0};
    uint64_t ts_ms;

    assert_int_equal(ask(d, NURSE, "absence.set", SET_SEPTEMBER), ERR_OK);
    assert_int_equal(absence_due(d->r->n, &ts_ms, &ss), ERR_OK);
    bytes_free(&ss);
    assert_int_equal(absence_refused(d->r->n, ts_ms - 1, ERR_QUOTA), ERR_OK); /* another one */
    assert_int_equal(absence_due(d->r->n, &ts_ms, &ss), ERR_OK);
    bytes_free(&ss);
    assert_int_equal(absence_refused(d->r->n, ts_ms, ERR_QUOTA), ERR_OK);
    assert_int_equal(absence_due(d->r->n, &ts_ms, &ss), ERR_AGAIN);
    assert_int_equal(ask(d, NULL, "absence.list", "{}"), ERR_OK);
    assert_non_null(strstr(answered_text(d), "quatre par jour"));
    assert_int_equal(ask(d, NULL, "status", "{}"), ERR_OK);
    assert_non_null(strstr(answered_text(d), "refusée par le hub"));
    assert_int_equal(ask(d, NURSE, "absence.set", SET_SEPTEMBER), ERR_OK); /* once more */
    assert_int_equal(absence_due(d->r->n, &ts_ms, &ss), ERR_OK);
    bytes_free(&ss);
}

static enum err send(struct desk *d)
{
    char person[33];
    struct sheet s = letter_sheet(d);
    char unknown[33], mid[33];

    receive_sheet(d, &s, mid);
    enter_zoe(d, "EHPAD-12", INS_QUAL, person);
    provisional_id(d, unknown);
    assert_int_equal(
        ask(d, NURSE, "person.link", "{\"person\":\"%s\",\"to\":\"%s\"}", unknown, person), ERR_OK);
    return ask(d, NURSE, "sheet.send",
               "{\"subject\":\"Nuit calme\",\"note\":1,\"to\":[{\"org\":\"Autre\","
               "\"category\":1}],\"sections\":[{\"class\":8,\"text\":\"x\"}],"
               "\"basis\":2,\"person\":\"EHPAD-12\"}");
}

static void who_sends_to_a_closed_house_is_told_and_it_is_sent(void **state)
{
    struct desk *d = *state;

    other_closes(d, 0, 10, true);
    assert_int_equal(send(d), ERR_OK);
    assert_non_null(strstr(answered_text(d), "Autre a annoncé sa fermeture du 21/09/2026 au "
                                             "30/09/2026 ; adressez-vous à "));
    assert_int_equal(rig_rows(d->r, TABLE_OUT), 1);
}

static void a_closing_that_is_far_away_is_not_told_to_senders(void **state)
{
    struct desk *d = *state;

    other_closes(d, 20, 30, false);
    assert_int_equal(send(d), ERR_OK);
    assert_null(strstr(answered_text(d), "fermeture"));
    assert_int_equal(ask(d, NULL, "absence.list", "{}"), ERR_OK);
    assert_int_equal(json_array_size(answered(d, "absences")), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_up, desk_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_closing_waits_for_the_hub_and_then_everybody_sees_it),
        TEST(what_no_hub_would_take_is_refused_here),
        TEST(a_refusal_is_kept_and_shown),
        TEST(who_sends_to_a_closed_house_is_told_and_it_is_sent),
        TEST(a_closing_that_is_far_away_is_not_told_to_senders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
