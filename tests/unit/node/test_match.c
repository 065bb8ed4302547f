/* Proposals: what is offered to the human, in which order, and what never is. */
#include "care_fixture.h"

#include <stdio.h>

#include "match.h"

static struct person add_as(struct care *c, struct identity who, const char *local)
{
    struct person p = own(who);

    snprintf(p.identity.local, sizeof p.identity.local, "%s", local);
    assert_int_equal(person_add(&c->n, c->t, &p), ERR_OK);
    return p;
}

static size_t find(struct care *c, const struct identity *who, struct match out[MATCHES_MAX])
{
    bool truncated = true;
    size_t count = 0;

    assert_int_equal(match_find(&c->n, c->t, who, NULL, out, &count, &truncated), ERR_OK);
    assert_false(truncated);
    return count;
}

static struct identity without_ins(struct identity p)
{
    p.status = INS_NONE;
    p.matricule[0] = '\0';
    return p;
}

static void a_qualified_matricule_and_nothing_against_it_comes_first(void **state)
{
    struct care *c = *state;
    struct identity who = zoe();
    struct match found[MATCHES_MAX];
    struct person by_traits = add_as(c, without_ins(zoe()), "traits");
    struct person by_ins = add_as(c, zoe(), "ins");

    assert_int_equal(find(c, &who, found), 2);
    assert_int_equal(found[0].grade, MATCH_INS);
    assert_memory_equal(found[0].person, by_ins.id, ID_BYTES);
    assert_int_equal(found[1].grade, MATCH_TRAITS);
    assert_memory_equal(found[1].person, by_traits.id, ID_BYTES);
}

static void a_matricule_alone_is_not_enough(void **state)
{
    struct care *c = *state;
    struct identity who = zoe();
    struct match found[MATCHES_MAX];

    memcpy(who.birth_date, "1951-01-02", IDENTITY_DATE);
    add_as(c, zoe(), "one");
    assert_int_equal(find(c, &who, found), 1);
    assert_int_equal(found[0].grade, MATCH_CONTRADICTED);
}

static void an_unqualified_matricule_matches_nobody(void **state)
{
    struct care *c = *state;
    struct identity who = zoe();
    struct match found[MATCHES_MAX];

    who.status = INS_PROV;
    snprintf(who.birth_name, sizeof who.birth_name, "Martin");
    who.used_name[0] = '\0';
    add_as(c, zoe(), "one");
    assert_int_equal(find(c, &who, found), 0);
}

static void two_qualified_identities_are_two_persons(void **state)
{
    struct care *c = *state;
    struct identity twin = zoe();
    struct match found[MATCHES_MAX];

    memcpy(twin.matricule, "255081416802538", INS_MATRICULE);
    add_as(c, zoe(), "one");
    assert_int_equal(find(c, &twin, found), 0);
}

static void spelling_does_not_hide_the_same_traits(void **state)
{
    struct care *c = *state;
    struct identity who = without_ins(zoe());
    struct match found[MATCHES_MAX];

    snprintf(who.birth_name, sizeof who.birth_name, "OEUVRARD DALMEIDA");
    snprintf(who.birth_first[0], sizeof who.birth_first[0], "ZOE");
    add_as(c, zoe(), "one");
    assert_int_equal(find(c, &who, found), 1);
    assert_int_equal(found[0].grade, MATCH_TRAITS);
}

static void two_candidates_are_both_shown(void **state)
{
    struct care *c = *state;
    struct identity who = without_ins(zoe());
    struct identity twin = without_ins(zoe());
    struct match found[MATCHES_MAX];

    snprintf(twin.birth_first[0], sizeof twin.birth_first[0], "Léa");
    add_as(c, without_ins(zoe()), "one");
    add_as(c, twin, "two");
    assert_int_equal(find(c, &who, found), 2);
    assert_int_equal(found[0].grade, MATCH_TRAITS);
    assert_int_equal(found[1].grade, MATCH_POSSIBLE); /* same day, sex and name: look twice */
}

static void somebody_poorly_known_is_possible_and_no_more(void **state)
{
    struct care *c = *state;
    struct identity poor = {.local = "x", .birth_name = "Le Goff"};
    struct match found[MATCHES_MAX];

    add_as(c, zoe(), "one"); /* uses that name */
    assert_int_equal(find(c, &poor, found), 1);
    assert_int_equal(found[0].grade, MATCH_POSSIBLE);
    memcpy(poor.birth_date, "1951-01-02", IDENTITY_DATE);
    assert_int_equal(find(c, &poor, found), 0); /* another day of birth */
}

static void she_is_not_proposed_to_herself(void **state)
{
    struct care *c = *state;
    struct person p = add_as(c, zoe(), "one");
    struct match found[MATCHES_MAX];
    bool truncated;
    size_t count = 9;

    assert_int_equal(match_find(&c->n, c->t, &p.identity, p.id, found, &count, &truncated), ERR_OK);
    assert_int_equal(count, 0);
}

static void more_than_fit_are_said_to_be_more(void **state)
{
    struct care *c = *state;
    struct identity who = without_ins(zoe());
    struct match found[MATCHES_MAX];
    bool truncated = false;
    size_t count = 0;

    for (unsigned i = 0; i < 300; i++) {
        char local[16];

        snprintf(local, sizeof local, "L%u", i);
        add_as(c, without_ins(zoe()), local);
    }
    assert_int_equal(match_find(&c->n, c->t, &who, NULL, found, &count, &truncated), ERR_OK);
    assert_int_equal(count, MATCHES_MAX);
    assert_true(truncated);
}

static void a_changed_identity_is_found_by_the_new_and_not_by_the_old(void **state)
{
    struct care *c = *state;
    struct person p = add_as(c, without_ins(zoe()), "one");
    struct identity before = p.identity;
    struct match found[MATCHES_MAX];

    snprintf(p.identity.birth_name, sizeof p.identity.birth_name, "Château");
    p.identity.used_name[0] = '\0';
    assert_int_equal(person_put(&c->n, c->t, &p), ERR_OK);
    assert_int_equal(find(c, &before, found), 0);
    assert_int_equal(find(c, &p.identity, found), 1);
}

static void every_grade_has_a_word(void **state)
{
    (void)state;
    for (unsigned g = MATCH_INS; g <= MATCH_CONTRADICTED; g++)
        assert_true(*match_word((enum match_grade)g));
    assert_string_equal(match_word((enum match_grade)9), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, care_up, care_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_qualified_matricule_and_nothing_against_it_comes_first),
        TEST(a_matricule_alone_is_not_enough),
        TEST(an_unqualified_matricule_matches_nobody),
        TEST(two_qualified_identities_are_two_persons),
        TEST(spelling_does_not_hide_the_same_traits),
        TEST(two_candidates_are_both_shown),
        TEST(somebody_poorly_known_is_possible_and_no_more),
        TEST(she_is_not_proposed_to_herself),
        TEST(more_than_fit_are_said_to_be_more),
        TEST(a_changed_identity_is_found_by_the_new_and_not_by_the_old),
        TEST(every_grade_has_a_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
