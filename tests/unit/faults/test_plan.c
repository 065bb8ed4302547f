/* What a campaign plays, and that no kind of fault can be missing from it unnoticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plan.h"

#define SEEDS 20

static const struct plan_wish whole = {.seed = 1, .links = true, .nodes = true};

static size_t rounds_of(const struct plan *p, size_t first, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < first && i < p->n; i++)
        n += strcmp(p->at[i]->name, name) == 0;
    return n;
}

/* Kinds that are played among the others. */
static size_t kinds_inside(const struct round_kind **out)
{
    size_t count = round_kinds(out);
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        n += (*out)[i].share > 0;
    return n;
}

static void every_kind_comes_once_before_any_comes_again(void **state)
{
    const struct round_kind *kinds;
    size_t n = kinds_inside(&kinds);

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct plan_wish w = whole;
        struct plan p;

        w.seed = seed;
        w.rounds = n;
        plan_make(&w, &p);
        assert_int_equal(p.n, n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(rounds_of(&p, n, p.at[i]->name), 1);
        plan_free(&p);
    }
}

static void the_short_campaign_has_every_kind(void **state)
{
    struct plan_wish w = whole;
    const struct round_kind *kinds;
    size_t count = round_kinds(&kinds);
    struct plan p;

    (void)state;
    w.brief = true;
    plan_make(&w, &p);
    for (size_t i = 0; i < count; i++)
        assert_true(kinds[i].share == 0 || rounds_of(&p, p.n, kinds[i].name) > 0);
    plan_free(&p);
}

static void a_seed_is_a_plan(void **state)
{
    struct plan_wish w = whole;
    struct plan p, again, other;

    (void)state;
    plan_make(&w, &p);
    plan_make(&w, &again);
    w.seed = 2;
    plan_make(&w, &other);
    assert_int_equal(p.n, 800);
    assert_memory_equal(p.at, again.at, p.n * sizeof *p.at);
    assert_memory_not_equal(p.at, other.at, p.n * sizeof *p.at);
    plan_free(&p);
    plan_free(&again);
    plan_free(&other);
}

/* Every kind of the wish has happened once, but for one (NULL: for none). */
static size_t missing_but(const struct plan_wish *w, const char *but)
{
    const struct round_kind *kinds;
    size_t count = round_kinds(&kinds);
    struct verdict_counts v = {0};
    FILE *nowhere = fopen("/dev/null", "w");
    size_t missing;

    assert_non_null(nowhere);
    for (size_t i = 0; i < count; i++)
        if (!but || strcmp(kinds[i].name, but) != 0) {
            snprintf(v.fault[v.faults].kind, sizeof v.fault->kind, "%s", kinds[i].name);
            v.fault[v.faults++].n = 1;
        }
    missing = plan_missing(w, &v, nowhere);
    fclose(nowhere);
    return missing;
}

static void a_kind_that_never_happened_is_missing_whichever_it_is(void **state)
{
    const struct round_kind *kinds;
    size_t count = round_kinds(&kinds);

    (void)state;
    assert_true(count > 0);
    assert_int_equal(missing_but(&whole, NULL), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(missing_but(&whole, kinds[i].name), 1);
}

static void what_is_left_out_is_still_asked_for(void **state)
{
    struct plan_wish w = whole;
    struct plan p;

    (void)state;
    w.without = "stop,cut";
    plan_make(&w, &p);
    assert_int_equal(rounds_of(&p, p.n, "stop"), 0);
    assert_true(rounds_of(&p, p.n, "half-open") > 0);
    plan_free(&p);
    assert_int_equal(missing_but(&w, "stop"), 1);
}

static void kinds_that_were_asked_for_by_name_are_all_there_is(void **state)
{
    struct plan_wish w = whole;
    struct plan p;

    (void)state;
    w.only = "stop,kill-sync";
    w.rounds = 5;
    plan_make(&w, &p);
    assert_int_equal(p.n, 5);
    assert_int_equal(rounds_of(&p, 5, "stop") + rounds_of(&p, 5, "kill-sync"), 5);
    plan_free(&p);
    assert_int_equal(missing_but(&w, "cut"), 0);
    assert_int_equal(missing_but(&w, "stop"), 1);
    assert_true(plan_knows("stop,kill-sync"));
    assert_true(plan_knows(NULL));
    assert_false(plan_knows("stop,kill-sink"));
    assert_false(plan_knows(""));
}

/* What a campaign is for: nobody takes one of these out of the table. */
static void every_fault_that_may_come_has_a_kind(void **state)
{
    static const char *const wanted[] = {
        "kill-write",      "kill-torn",      "kill-sync",      "kill-send",   "kill-init",
        "kill-node-write", "kill-node-sync", "kill-node-send", "stop",        "cut",
        "half-open",       "disk-full",      "disk-full-node", "short-write", "io-error-write",
        "io-error-sync",   "io-error-read",  "io-error-node",  "clock-ahead", "clock-back",
        "flipped-bit",     "old-store",      "restored",       "power-cut",   "power-cut-node",
    };
    const struct round_kind *kinds;
    size_t count = round_kinds(&kinds);

    (void)state;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        size_t k = 0;

        while (k < count && strcmp(kinds[k].name, wanted[i]) != 0)
            k++;
        assert_true(k < count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_once_before_any_comes_again),
        cmocka_unit_test(the_short_campaign_has_every_kind),
        cmocka_unit_test(a_seed_is_a_plan),
        cmocka_unit_test(a_kind_that_never_happened_is_missing_whichever_it_is),
        cmocka_unit_test(what_is_left_out_is_still_asked_for),
        cmocka_unit_test(kinds_that_were_asked_for_by_name_are_all_there_is),
        cmocka_unit_test(every_fault_that_may_come_has_a_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
