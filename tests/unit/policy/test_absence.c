/* Absences in the keys log (PROTOCOL.md 7.7): what is taken, what is refused and by which name, and
 * what the directory answers afterwards. */
#include "directory_world.h"

static struct directory *three_houses(void)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(enrol(d, &houses[i]), ERR_OK);
    return d;
}

static uint64_t day(uint64_t n)
{
    return (T0 / MS_PER_DAY + n) * MS_PER_DAY;
}

static enum err say(struct directory *d, const struct absence_statement *s)
{
    return put(d, absence_ss(s, &houses[1]));
}

static enum err say_days(struct directory *d, uint64_t ts_ms, uint64_t first, uint64_t end)
{
    struct absence_statement s = absence_plan(&houses[1], ts_ms, first, end);

    return say(d, &s);
}

static void an_absence_is_kept_until_it_is_over(void **state)
{
    struct directory *d = three_houses();
    struct absence_statement s = absence_plan(&houses[1], T0, 10, 41);
    const struct directory_absence *a;

    (void)state;
    assert_null(directory_absence(d, houses[1].org, T0));
    s.has_substitute = true;
    memcpy(s.substitute, houses[2].org, ID_BYTES);
    assert_int_equal(say(d, &s), ERR_OK);
    a = directory_absence(d, houses[1].org, T0);
    assert_non_null(a);
    assert_int_equal(a->from_ms, day(10));
    assert_int_equal(a->until_ms, day(41));
    assert_int_equal(a->at, 4);
    assert_memory_equal(directory_org(d, a->substitute)->id, houses[2].org, ID_BYTES);
    assert_memory_equal(directory_node(d, a->node)->id, houses[1].node, ID_BYTES);
    assert_non_null(directory_absence(d, houses[1].org, day(41) - 1));
    assert_null(directory_absence(d, houses[1].org, day(41)));
    assert_null(directory_absence(d, houses[2].org, T0));
    assert_null(directory_absence(d, houses[4].org, T0)); /* not enrolled */
    directory_free(d);
}

static void the_newest_counts_and_the_last_is_taken_back(void **state)
{
    struct directory *d = three_houses();

    (void)state;
    assert_int_equal(say_days(d, T0, 10, 41), ERR_OK);
    assert_int_equal(say_days(d, T0 + 1, 20, 21), ERR_OK);
    assert_int_equal(directory_absence(d, houses[1].org, T0)->from_ms, day(20));
    assert_int_equal(directory_absence(d, houses[1].org, T0)->substitute, DIRECTORY_NONE);
    assert_int_equal(say_days(d, T0 + 1, 20, 21), ERR_EXISTS);
    assert_int_equal(say_days(d, T0, 10, 41), ERR_CHAIN); /* nobody says an old one again */
    assert_int_equal(say_days(d, T0 + 2, 0, 0), ERR_OK);
    assert_null(directory_absence(d, houses[1].org, T0));
    assert_int_equal(say_days(d, T0 + 1, 20, 21), ERR_CHAIN);
    directory_free(d);
}

static void days_have_limits(void **state)
{
    struct directory *d = three_houses();
    struct absence_statement s = absence_plan(&houses[1], T0, 10, 41);

    (void)state;
    assert_int_equal(say_days(d, T0, 10, 367), ERR_RANGE); /* T0 is within a day */
    assert_int_equal(say_days(d, day(1), 10, 368), ERR_RANGE);
    assert_int_equal(say_days(d, T0, 10, 10), ERR_FIELD_VALUE);
    assert_int_equal(say_days(d, T0, 11, 10), ERR_FIELD_VALUE);
    assert_int_equal(say_days(d, day(5), 2, 5), ERR_FIELD_VALUE); /* over */
    s.from_ms++;
    assert_int_equal(say(d, &s), ERR_FIELD_VALUE);
    s = absence_plan(&houses[1], T0, 10, 41);
    s.until_ms--;
    assert_int_equal(say(d, &s), ERR_FIELD_VALUE);
    s = absence_plan(&houses[1], T0, 0, 0);
    s.until_ms = day(3);
    assert_int_equal(say(d, &s), ERR_OK); /* since ever: a day like any other */
    assert_int_equal(say_days(d, day(1), 10, 367), ERR_OK);
    directory_free(d);
}

static void a_substitute_is_another_house_that_is_enrolled(void **state)
{
    struct directory *d = three_houses();
    struct absence_statement s = absence_plan(&houses[1], T0, 10, 41);

    (void)state;
    s.has_substitute = true;
    memcpy(s.substitute, houses[1].org, ID_BYTES);
    assert_int_equal(say(d, &s), ERR_FIELD_VALUE);
    memcpy(s.substitute, houses[4].org, ID_BYTES);
    assert_int_equal(say(d, &s), ERR_NOT_FOUND);
    s.from_ms = s.until_ms = 0;
    memcpy(s.substitute, houses[2].org, ID_BYTES);
    assert_int_equal(say(d, &s), ERR_FIELD_VALUE);
    directory_free(d);
}

static void only_its_own_node_in_good_standing_speaks(void **state)
{
    struct directory *d = three_houses();
    struct absence_statement s = absence_plan(&houses[1], T0, 10, 41);

    (void)state;
    assert_int_equal(put(d, absence_ss(&s, &houses[2])), ERR_KEY_UNKNOWN);
    memcpy(s.node, houses[2].node, ID_BYTES);
    assert_int_equal(say(d, &s), ERR_NOT_FOUND);
    s = absence_plan(&houses[4], T0, 10, 41);
    assert_int_equal(put(d, absence_ss(&s, &houses[4])), ERR_NOT_FOUND);
    assert_int_equal(put(d, suspend_ss(false, houses[1].org, hub_key)), ERR_OK);
    assert_int_equal(say_days(d, T0, 10, 41), ERR_SUSPENDED);
    assert_int_equal(put(d, suspend_ss(true, houses[1].org, hub_key)), ERR_OK);
    assert_int_equal(say_days(d, T0, 10, 41), ERR_OK);
    assert_int_equal(put(d, revoke_ss(houses[1].org, NULL, registrar())), ERR_OK);
    assert_int_equal(say_days(d, T0 + 1, 10, 41), ERR_REVOKED);
    directory_free(d);
}

static void four_in_a_day_are_counted_by_leaf_time(void **state)
{
    struct directory *d = three_houses();
    const struct directory_node *n;

    (void)state;
    for (uint64_t i = 0; i < ABSENCES_A_DAY; i++) {
        struct absence_statement s = absence_plan(&houses[1], T0 + i, 10, 41);

        n = directory_find_node(d, houses[1].node);
        assert_false(directory_absences_full(n, T0 + i));
        assert_int_equal(put_at(d, absence_ss(&s, &houses[1]), T0 + i * 1000), ERR_OK);
    }
    n = directory_find_node(d, houses[1].node);
    assert_true(directory_absences_full(n, T0 + 3000));
    assert_true(directory_absences_full(n, T0 - 1)); /* a clock that went back */
    assert_true(directory_absences_full(n, T0 + MS_PER_DAY - 1));
    assert_false(directory_absences_full(n, T0 + MS_PER_DAY));
    assert_false(directory_absences_full(directory_find_node(d, houses[2].node), T0 + 3000));
    directory_free(d);
}

static void a_statement_comes_back_as_it_went_in(void **state)
{
    struct absence_statement s = absence_plan(&houses[1], T0, 10, 41);
    struct absence_statement back;
    struct bytes stmt = {0};

    (void)state;
    s.has_substitute = true;
    memcpy(s.substitute, houses[2].org, ID_BYTES);
    assert_int_equal(absence_encode(&s, &stmt), ERR_OK);
    assert_int_equal(absence_decode(bytes_span(&stmt), &back), ERR_OK);
    assert_int_equal(back.from_ms, s.from_ms);
    assert_int_equal(back.until_ms, s.until_ms);
    assert_int_equal(back.ts_ms, T0);
    assert_true(back.has_substitute);
    assert_memory_equal(back.substitute, s.substitute, ID_BYTES);
    for (size_t len = 0; len < stmt.len; len++)
        assert_int_not_equal(absence_decode(span_of(stmt.ptr, len), &back), ERR_OK);
    bytes_free(&stmt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absence_is_kept_until_it_is_over),
        cmocka_unit_test(the_newest_counts_and_the_last_is_taken_back),
        cmocka_unit_test(days_have_limits),
        cmocka_unit_test(a_substitute_is_another_house_that_is_enrolled),
        cmocka_unit_test(only_its_own_node_in_good_standing_speaks),
        cmocka_unit_test(four_in_a_day_are_counted_by_leaf_time),
        cmocka_unit_test(a_statement_comes_back_as_it_went_in),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
