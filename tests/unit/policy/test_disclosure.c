/*
 * The decision table, row by row, in cases a professional would recognise. Names carry the article
 * that the row enforces (CSP); the order and the codes are PROTOCOL.md 8.4. The exhaustive
 * comparison with the law's words is test_disclosure_model.c.
 */
#include "circle_world.h"

#include "disclosure.h"

/* A sheet from house 0 to house 1: échange, social, between social professionals, coordination. */
static struct disclosure sheet(const struct house *from, const struct house *to)
{
    struct disclosure ask = {.type = ENVELOPE_SHEET,
                             .recipients = 1,
                             .class_mask = CLASS_IDENTITY | CLASS_SOCIAL,
                             .basis = BASIS_ECHANGE,
                             .purpose = 1,
                             .scat = CATEGORY_SOCIAL,
                             .rcat = CATEGORY_SOCIAL};

    memcpy(ask.from, from->org, ID_BYTES);
    memcpy(ask.to, to->org, ID_BYTES);
    return ask;
}

static void refused(const struct circle *c, const struct disclosure *ask, enum err code,
                    enum disclosure_row row)
{
    static const enum judge judges[] = {JUDGE_SENDER, JUDGE_HUB, JUDGE_RECIPIENT};

    for (size_t i = 0; i < 3; i++) {
        struct verdict v;
        assert_int_equal(disclosure_judge(c, ask, judges[i], &v), code);
        assert_int_equal(v.code, code);
        assert_int_equal(v.row, row);
        assert_string_equal(v.name, disclosure_table[row].name);
        assert_string_equal(v.source, disclosure_table[row].source);
        assert_false(v.inform_later);
    }
}

static void passes(const struct circle *c, const struct disclosure *ask)
{
    static const enum judge judges[] = {JUDGE_SENDER, JUDGE_HUB, JUDGE_RECIPIENT};

    for (size_t i = 0; i < 3; i++) {
        struct verdict v;
        assert_int_equal(disclosure_judge(c, ask, judges[i], &v), ERR_OK);
        assert_int_equal(v.row, DISCLOSURE_ROWS);
        assert_string_equal(v.name, "");
        assert_int_equal(v.unjudged, 0);
        assert_int_equal(v.inform_later, ask->basis == BASIS_URGENCE);
    }
}

static void the_table_is_complete_and_in_order(void **state)
{
    (void)state;
    for (unsigned row = 0; row < DISCLOSURE_ROWS; row++) {
        const struct disclosure_rule *rule = &disclosure_table[row];
        assert_int_equal(rule->row, row);
        assert_non_null(rule->ask);
        assert_true(strlen(rule->name) > 0 && strlen(rule->source) > 0);
        assert_true((rule->sheet | rule->invitation) != 0);         /* somebody can judge it */
        assert_true(rule->sheet == 0 || (rule->sheet & JUDGE_HUB)); /* the hub sees every row */
        assert_true(rule->invitation == 0 || (rule->invitation & JUDGE_HUB));
    }
}

static void L1110_4_II_echange_between_named_members_needs_no_consent(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = sheet(&houses[0], &houses[1]);

    (void)state;
    passes(c, &ask);
    circle_free(c);
}

static void L1110_4_II_who_does_not_take_part_neither_sends_nor_receives(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = sheet(&houses[5], &houses[1]);

    (void)state;
    refused(c, &ask, ERR_NOT_IN_CIRCLE, ROW_SENDER);
    ask = sheet(&houses[0], &houses[5]);
    refused(c, &ask, ERR_NOT_IN_CIRCLE, ROW_RECIPIENT);
    assert_int_equal(leave(c, &houses[2]), ERR_OK);
    ask = sheet(&houses[2], &houses[1]);
    refused(c, &ask, ERR_FORMER_MEMBER, ROW_SENDER);
    ask = sheet(&houses[0], &houses[2]);
    refused(c, &ask, ERR_FORMER_MEMBER, ROW_RECIPIENT);
    circle_free(c);
}

static void L1110_4_II_a_closed_circle_receives_nothing_more(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = sheet(&houses[0], &houses[1]);

    (void)state;
    assert_int_equal(shut(c, &houses[0]), ERR_OK);
    refused(c, &ask, ERR_CIRCLE_CLOSED, ROW_CLOSED);
    circle_free(c);
}

static void L1110_4_IV_an_opposition_stops_what_it_covers_and_no_more(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = sheet(&houses[0], &houses[1]);

    (void)state;
    assert_int_equal(record(c, CIRCLE_OPPOSITION, &houses[2], CLASS_SOCIAL, &houses[1]), ERR_OK);
    refused(c, &ask, ERR_OPPOSITION, ROW_OPPOSITION);
    ask.class_mask = CLASS_IDENTITY | CLASS_AUTONOMY;
    passes(c, &ask);
    ask = sheet(&houses[0], &houses[2]);
    passes(c, &ask);
    assert_int_equal(end(c, CIRCLE_LIFT, &houses[2], 4), ERR_OK);
    ask = sheet(&houses[0], &houses[1]);
    passes(c, &ask);
    assert_int_equal(record(c, CIRCLE_OPPOSITION, &houses[2], CLASS_IDENTITY, NULL), ERR_OK);
    refused(c, &ask, ERR_OPPOSITION, ROW_OPPOSITION); /* everybody, and everything names her */
    circle_free(c);
}

static void L1110_4_IV_only_an_emergency_opposition_or_one_by_name_stops_an_emergency(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = sheet(&houses[0], &houses[1]);
    struct circle_statement s;

    (void)state;
    ask.basis = BASIS_URGENCE;
    ask.purpose = PURPOSE_URGENCE;
    assert_int_equal(record(c, CIRCLE_OPPOSITION, &houses[2], CLASS_SOCIAL, NULL), ERR_OK);
    passes(c, &ask);
    assert_int_equal(record(c, CIRCLE_OPPOSITION, &houses[2], CLASS_SOCIAL, &houses[1]), ERR_OK);
    refused(c, &ask, ERR_OPPOSITION, ROW_OPPOSITION);
    assert_int_equal(end(c, CIRCLE_LIFT, &houses[2], 5), ERR_OK);
    passes(c, &ask);
    s = act_of(c, CIRCLE_OPPOSITION, &houses[2], CLASS_SOCIAL, NULL);
    s.emergency = true;
    assert_int_equal(say(c, &s, &houses[2]), ERR_OK);
    refused(c, &ask, ERR_OPPOSITION, ROW_OPPOSITION);
    circle_free(c);
}

static void R1110_1_a_class_stays_within_the_mission_of_the_recipient(void **state)
{
    struct circle *c = circle_begun();
    struct circle_row row = row_of(&houses[1], 1);
    struct disclosure ask = sheet(&houses[0], &houses[1]);

    (void)state;
    row.class_mask = CLASS_IDENTITY | CLASS_SOCIAL;
    assert_int_equal(join_row(c, &houses[0], &houses[1], &row), ERR_OK);
    passes(c, &ask);
    ask.class_mask |= CLASS_MEDICAL;
    refused(c, &ask, ERR_CLASS, ROW_CLASS);
    circle_free(c);
}

static void R1110_1_restricted_information_has_one_recipient(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = sheet(&houses[0], &houses[1]);

    (void)state;
    ask.class_mask = CLASS_IDENTITY | CLASS_RESTRICTED;
    passes(c, &ask);
    ask.recipients = 2;
    refused(c, &ask, ERR_AUDIENCE, ROW_AUDIENCE);
    circle_free(c);
}

static void R1110_2_declared_categories_are_those_of_the_houses(void **state)
{
    struct circle *c = circle_begun();
    struct circle_row row = row_of(&houses[1], 1);
    struct disclosure ask = sheet(&houses[0], &houses[1]);

    (void)state;
    row.category = CATEGORY_SOCIAL;
    assert_int_equal(join_row(c, &houses[0], &houses[1], &row), ERR_OK);
    ask.rcat = CATEGORY_SOCIAL | CATEGORY_HEALTH;
    refused(c, &ask, ERR_CATEGORY, ROW_CATEGORY);
    ask = sheet(&houses[1], &houses[0]);
    passes(c, &ask);
    ask.scat = CATEGORY_HEALTH;
    ask.rcat = CATEGORY_HEALTH;
    refused(c, &ask, ERR_CATEGORY, ROW_CATEGORY);
    circle_free(c);
}

static void R1110_3_I_across_categories_the_person_is_informed_before(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = sheet(&houses[0], &houses[1]);

    (void)state;
    ask.scat = CATEGORY_HEALTH;
    refused(c, &ask, ERR_NOTICE_MISSING, ROW_NOTICE);
    assert_int_equal(record(c, CIRCLE_NOTICE, &houses[2], CLASS_SOCIAL, &houses[1]), ERR_OK);
    refused(c, &ask, ERR_NOTICE_MISSING, ROW_NOTICE); /* one exists; the header names none */
    ask.has_notice = true;
    ask.notice = 4;
    passes(c, &ask);
    ask.notice = 3;
    refused(c, &ask, ERR_NOTICE_MISSING, ROW_NOTICE);
    ask.notice = UINT64_MAX;
    refused(c, &ask, ERR_NOTICE_MISSING, ROW_NOTICE);
    ask.notice = (UINT64_C(1) << 32) + 4;
    refused(c, &ask, ERR_NOTICE_MISSING, ROW_NOTICE);
    ask.notice = 4;
    ask.has_notice = false;
    refused(c, &ask, ERR_NOTICE_MISSING, ROW_NOTICE);
    ask.has_notice = true;
    ask.notice = 4;
    ask.class_mask |= CLASS_MEDICAL; /* of which she was not told */
    refused(c, &ask, ERR_NOTICE_MISSING, ROW_NOTICE);
    ask = sheet(&houses[0], &houses[2]);
    ask.scat = CATEGORY_HEALTH;
    ask.has_notice = true;
    ask.notice = 4; /* about another recipient */
    refused(c, &ask, ERR_NOTICE_MISSING, ROW_NOTICE);
    circle_free(c);
}

static void R1110_3_II_inside_the_team_too(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = sheet(&houses[0], &houses[1]);

    (void)state;
    ask.basis = BASIS_EQUIPE;
    passes(c, &ask);
    ask.rcat = CATEGORY_HEALTH | CATEGORY_SOCIAL; /* some of those addressed are of the other */
    refused(c, &ask, ERR_NOTICE_MISSING, ROW_NOTICE);
    assert_int_equal(record(c, CIRCLE_NOTICE, &houses[2], CLASS_SOCIAL, &houses[1]), ERR_OK);
    ask.has_notice = true;
    ask.notice = 4;
    passes(c, &ask);
    circle_free(c);
}

static void R1110_3_III_urgency_dispenses_from_the_notice_and_she_is_informed_later(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = sheet(&houses[0], &houses[1]);

    (void)state;
    ask.scat = CATEGORY_HEALTH;
    ask.basis = BASIS_URGENCE;
    ask.purpose = PURPOSE_URGENCE;
    passes(c, &ask); /* which holds that inform_later is set */
    ask.purpose = 1;
    refused(c, &ask, ERR_BASIS, ROW_BASIS);
    circle_free(c);
}

static void L1110_12_a_team_is_declared_and_zero_is_none(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = sheet(&houses[0], &houses[1]);

    (void)state;
    ask.basis = BASIS_EQUIPE;
    passes(c, &ask);
    ask = sheet(&houses[0], &houses[2]);
    ask.basis = BASIS_EQUIPE;
    refused(c, &ask, ERR_NOT_IN_TEAM, ROW_TEAM);
    ask = sheet(&houses[2], &houses[3]); /* both in none */
    ask.basis = BASIS_EQUIPE;
    refused(c, &ask, ERR_NOT_IN_TEAM, ROW_TEAM);
    circle_free(c);
}

static void L1110_4_III_outside_the_team_sharing_needs_a_prior_consent(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = sheet(&houses[0], &houses[2]);

    (void)state;
    ask.basis = BASIS_CONSENTI;
    refused(c, &ask, ERR_CONSENT_MISSING, ROW_CONSENT);
    ask.has_consent = true;
    ask.consent = 4;
    refused(c, &ask, ERR_CONSENT_MISSING, ROW_CONSENT);
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[0], CLASS_SOCIAL, &houses[2]), ERR_OK);
    passes(c, &ask);
    ask.class_mask = CLASS_IDENTITY;
    passes(c, &ask); /* class 1 is covered by any consent for that recipient */
    ask.class_mask = CLASS_MEDICAL;
    refused(c, &ask, ERR_CONSENT_MISSING, ROW_CONSENT);
    ask = sheet(&houses[0], &houses[3]);
    ask.basis = BASIS_CONSENTI;
    ask.has_consent = true;
    ask.consent = 4;
    refused(c, &ask, ERR_CONSENT_MISSING, ROW_CONSENT);
    circle_free(c);
}

static void D1110_3_1_notice_and_consent_are_two_things(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = sheet(&houses[0], &houses[2]);

    (void)state;
    assert_int_equal(record(c, CIRCLE_NOTICE, &houses[0], CLASS_SOCIAL, &houses[2]), ERR_OK);
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[0], CLASS_SOCIAL, &houses[2]), ERR_OK);
    ask.basis = BASIS_CONSENTI;
    ask.has_consent = true;
    ask.consent = 4; /* the notice */
    refused(c, &ask, ERR_CONSENT_MISSING, ROW_CONSENT);
    ask = sheet(&houses[0], &houses[2]);
    ask.scat = CATEGORY_HEALTH;
    ask.has_notice = true;
    ask.notice = 5; /* the consent */
    refused(c, &ask, ERR_NOTICE_MISSING, ROW_NOTICE);
    circle_free(c);
}

static void D1110_3_1_a_consent_holds_until_withdrawn_and_in_its_newest_version(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = sheet(&houses[0], &houses[2]);

    (void)state;
    ask.basis = BASIS_CONSENTI;
    ask.has_consent = true;
    ask.consent = 4;
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[0], CLASS_SOCIAL, &houses[2]), ERR_OK);
    assert_int_equal(
        record(c, CIRCLE_CONSENT, &houses[0], CLASS_SOCIAL | CLASS_MEDICAL, &houses[2]), ERR_OK);
    refused(c, &ask, ERR_CONSENT_VERSION, ROW_CONSENT);
    ask.consent = 5;
    passes(c, &ask);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[3], 5), ERR_OK);
    refused(c, &ask, ERR_CONSENT_WITHDRAWN, ROW_CONSENT);
    ask.consent = 4; /* the older one does not come to life again */
    refused(c, &ask, ERR_CONSENT_VERSION, ROW_CONSENT);
    assert_int_equal(regrant(c, &houses[0], CLASS_SOCIAL, &houses[2], 6), ERR_OK);
    ask.consent = 7;
    passes(c, &ask);
    circle_free(c);
}

static void unknown_never_passes_silently(void **state)
{
    struct circle *c = circle_of_four();
    const struct disclosure good = sheet(&houses[0], &houses[1]);
    struct disclosure ask;

    (void)state;
#define UNKNOWN(field, value, code)                                                                \
    do {                                                                                           \
        ask = good;                                                                                \
        ask.field = value;                                                                         \
        refused(c, &ask, code, ROW_VALUES);                                                        \
        refused(NULL, &ask, code, ROW_VALUES);                                                     \
    } while (0)
    UNKNOWN(type, 0, ERR_UNSUPPORTED);
    UNKNOWN(type, 3, ERR_UNSUPPORTED);
    UNKNOWN(class_mask, 0, ERR_FIELD_VALUE);
    UNKNOWN(class_mask, 32, ERR_FIELD_VALUE);
    UNKNOWN(basis, 0, ERR_FIELD_VALUE);
    UNKNOWN(basis, 5, ERR_FIELD_VALUE);
    UNKNOWN(purpose, 0, ERR_FIELD_VALUE);
    UNKNOWN(purpose, 8, ERR_FIELD_VALUE);
    UNKNOWN(scat, 0, ERR_FIELD_VALUE);
    UNKNOWN(scat, 3, ERR_FIELD_VALUE);
    UNKNOWN(rcat, 0, ERR_FIELD_VALUE);
    UNKNOWN(rcat, 4, ERR_FIELD_VALUE);
    UNKNOWN(recipients, 0, ERR_FIELD_VALUE);
    UNKNOWN(has_consent, true, ERR_FIELD_VALUE); /* basis 1 relies on none */
#undef UNKNOWN
    refused(NULL, &good, ERR_NOT_IN_CIRCLE, ROW_SENDER); /* a circle nobody knows */
    circle_free(c);
}

/* --- invitations (type 2) ------------------------------------------------------------------- */

static struct disclosure invitation(const struct house *from, const struct house *to)
{
    struct disclosure ask = sheet(from, to);

    ask.type = ENVELOPE_INVITATION;
    ask.class_mask = CLASS_IDENTITY;
    return ask;
}

static enum err invited_by(const struct circle *c, const struct disclosure *ask,
                           enum disclosure_row *row)
{
    struct verdict sender;
    struct verdict hub;

    assert_int_equal(disclosure_judge(c, ask, JUDGE_SENDER, &sender),
                     disclosure_judge(c, ask, JUDGE_HUB, &hub));
    assert_int_equal(sender.row, hub.row);
    *row = hub.row;
    return hub.code;
}

static void an_invitation_is_by_a_member_who_may_to_one_who_is_none(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = invitation(&houses[0], &houses[5]);
    enum disclosure_row row;

    (void)state;
    assert_int_equal(invited_by(c, &ask, &row), ERR_OK);
    ask = invitation(&houses[3], &houses[5]); /* has no right */
    assert_int_equal(invited_by(c, &ask, &row), ERR_RIGHT);
    assert_int_equal(row, ROW_INVITER);
    ask = invitation(&houses[0], &houses[1]);
    assert_int_equal(invited_by(c, &ask, &row), ERR_EXISTS);
    assert_int_equal(row, ROW_INVITED);
    ask = invitation(&houses[6], &houses[5]);
    assert_int_equal(invited_by(c, &ask, &row), ERR_NOT_IN_CIRCLE);
    ask = invitation(&houses[0], &houses[5]);
    ask.recipients = 2;
    assert_int_equal(invited_by(c, &ask, &row), ERR_AUDIENCE);
    ask = invitation(&houses[0], &houses[5]);
    ask.class_mask |= CLASS_SOCIAL;
    assert_int_equal(invited_by(c, &ask, &row), ERR_CLASS);
    circle_free(c);
}

static void an_invitation_stops_at_an_opposition_and_a_closed_circle(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = invitation(&houses[0], &houses[5]);
    enum disclosure_row row;

    (void)state;
    assert_int_equal(record(c, CIRCLE_OPPOSITION, &houses[2], CLASS_SOCIAL, &houses[5]), ERR_OK);
    assert_int_equal(invited_by(c, &ask, &row), ERR_OK);
    assert_int_equal(record(c, CIRCLE_OPPOSITION, &houses[2], CLASS_IDENTITY, &houses[5]), ERR_OK);
    assert_int_equal(invited_by(c, &ask, &row), ERR_OPPOSITION);
    assert_int_equal(leave(c, &houses[1]), ERR_OK);
    ask = invitation(&houses[0], &houses[1]); /* a former member may be invited again */
    assert_int_equal(invited_by(c, &ask, &row), ERR_OK);
    assert_int_equal(shut(c, &houses[0]), ERR_OK);
    assert_int_equal(invited_by(c, &ask, &row), ERR_CIRCLE_CLOSED);
    circle_free(c);
}

/* Who is invited has no chain; what he cannot judge is named, and somebody else has judged it. */
static void what_the_invited_cannot_judge_is_said(void **state)
{
    struct disclosure ask = invitation(&houses[0], &houses[5]);
    struct verdict v;
    const unsigned expected = 1U << ROW_SENDER | 1U << ROW_CLOSED | 1U << ROW_OPPOSITION |
                              1U << ROW_INVITER | 1U << ROW_INVITED;

    (void)state;
    assert_int_equal(disclosure_judge(NULL, &ask, JUDGE_RECIPIENT, &v), ERR_OK);
    assert_int_equal(v.unjudged, expected);
    assert_int_equal(disclosure_judge(NULL, &ask, JUDGE_HUB, &v), ERR_NOT_IN_CIRCLE);
    ask.recipients = 2;
    assert_int_equal(disclosure_judge(NULL, &ask, JUDGE_RECIPIENT, &v), ERR_AUDIENCE);
}

/* --- all recipients of an envelope ------------------------------------------------------------ */

static void the_first_recipient_refused_gives_the_code(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = sheet(&houses[0], &houses[0]);
    uint8_t to[3][ID_BYTES];
    const uint64_t rcat[3] = {CATEGORY_SOCIAL, CATEGORY_SOCIAL, CATEGORY_HEALTH};
    struct verdict v;
    size_t which = 9;

    (void)state;
    memcpy(to[0], houses[1].org, ID_BYTES);
    memcpy(to[1], houses[2].org, ID_BYTES);
    memcpy(to[2], houses[3].org, ID_BYTES);
    const uint8_t(*list)[ID_BYTES] = (const uint8_t(*)[ID_BYTES])to;
    assert_int_equal(disclosure_judge_all(c, &ask, list, rcat, 2, JUDGE_HUB, &v, &which), ERR_OK);
    assert_int_equal(which, 2);
    assert_int_equal(disclosure_judge_all(c, &ask, list, rcat, 3, JUDGE_HUB, &v, &which),
                     ERR_NOTICE_MISSING);
    assert_int_equal(which, 2);
    assert_int_equal(v.row, ROW_NOTICE);
    memcpy(to[0], houses[5].org, ID_BYTES);
    assert_int_equal(disclosure_judge_all(c, &ask, list, rcat, 3, JUDGE_HUB, NULL, &which),
                     ERR_NOT_IN_CIRCLE);
    assert_int_equal(which, 0);
    assert_int_equal(disclosure_judge_all(c, &ask, list, rcat, 0, JUDGE_HUB, &v, NULL),
                     ERR_FIELD_VALUE);
    circle_free(c);
}

static void restricted_information_to_two_is_refused_whoever_they_are(void **state)
{
    struct circle *c = circle_of_four();
    struct disclosure ask = sheet(&houses[0], &houses[0]);
    uint8_t to[2][ID_BYTES];
    const uint64_t rcat[2] = {CATEGORY_SOCIAL, CATEGORY_SOCIAL};
    struct verdict v;

    (void)state;
    ask.class_mask = CLASS_RESTRICTED;
    memcpy(to[0], houses[1].org, ID_BYTES);
    memcpy(to[1], houses[2].org, ID_BYTES);
    const uint8_t(*list)[ID_BYTES] = (const uint8_t(*)[ID_BYTES])to;
    assert_int_equal(disclosure_judge_all(c, &ask, list, rcat, 1, JUDGE_HUB, &v, NULL), ERR_OK);
    assert_int_equal(disclosure_judge_all(c, &ask, list, rcat, 2, JUDGE_HUB, &v, NULL),
                     ERR_AUDIENCE);
    circle_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_complete_and_in_order),
        cmocka_unit_test(L1110_4_II_echange_between_named_members_needs_no_consent),
        cmocka_unit_test(L1110_4_II_who_does_not_take_part_neither_sends_nor_receives),
        cmocka_unit_test(L1110_4_II_a_closed_circle_receives_nothing_more),
        cmocka_unit_test(L1110_4_IV_an_opposition_stops_what_it_covers_and_no_more),
        cmocka_unit_test(L1110_4_IV_only_an_emergency_opposition_or_one_by_name_stops_an_emergency),
        cmocka_unit_test(R1110_1_a_class_stays_within_the_mission_of_the_recipient),
        cmocka_unit_test(R1110_1_restricted_information_has_one_recipient),
        cmocka_unit_test(R1110_2_declared_categories_are_those_of_the_houses),
        cmocka_unit_test(R1110_3_I_across_categories_the_person_is_informed_before),
        cmocka_unit_test(R1110_3_II_inside_the_team_too),
        cmocka_unit_test(R1110_3_III_urgency_dispenses_from_the_notice_and_she_is_informed_later),
        cmocka_unit_test(L1110_12_a_team_is_declared_and_zero_is_none),
        cmocka_unit_test(L1110_4_III_outside_the_team_sharing_needs_a_prior_consent),
        cmocka_unit_test(D1110_3_1_notice_and_consent_are_two_things),
        cmocka_unit_test(D1110_3_1_a_consent_holds_until_withdrawn_and_in_its_newest_version),
        cmocka_unit_test(unknown_never_passes_silently),
        cmocka_unit_test(an_invitation_is_by_a_member_who_may_to_one_who_is_none),
        cmocka_unit_test(an_invitation_stops_at_an_opposition_and_a_closed_circle),
        cmocka_unit_test(what_the_invited_cannot_judge_is_said),
        cmocka_unit_test(the_first_recipient_refused_gives_the_code),
        cmocka_unit_test(restricted_information_to_two_is_refused_whoever_they_are),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
