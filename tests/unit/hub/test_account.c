/* Accounts: what may be under way, for one and for all together. */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "account.h"
#include "failing_alloc.h"

#define assert_ok(call) assert_int_equal((call), ERR_OK)
#define GREEDY 9

static const struct account_limits wide = {1000000, 1 << 30};

static struct accounts *accounts_of(uint64_t budget, const struct account_limits *standard)
{
    struct accounts *a = NULL;

    assert_ok(accounts_new(budget, standard, &a));
    return a;
}

static struct account *one(struct accounts *a, uint8_t number)
{
    uint8_t org[ID_BYTES] = {number};
    struct account *found = account_of(a, org);

    assert_non_null(found);
    assert_ptr_equal(account_of(a, org), found);
    return found;
}

static void a_message_counts_until_it_is_answered_its_bytes_until_nobody_holds_it(void **state)
{
    struct accounts *a = accounts_of(1000, &(struct account_limits){1, 1000});
    struct charge *c = NULL, *again = NULL, *answer;

    (void)state;
    assert_ok(charge_take(one(a, 1), 1, 100, &c));
    assert_int_equal(charge_take(one(a, 1), 1, 100, &again), ERR_BUSY);
    answer = charge_share(c);
    charge_answered(answer);
    charge_answered(answer); /* again is fine */
    assert_int_equal(accounts_use(a).bytes, 100);
    assert_ok(charge_take(one(a, 1), 1, 100, &again));
    charge_drop(c);
    assert_int_equal(accounts_use(a).bytes, 200);
    charge_drop(answer);
    assert_int_equal(accounts_use(a).bytes, 100);
    charge_drop(again);
    assert_int_equal(accounts_use(a).bytes, 0);
    assert_int_equal(accounts_use(a).highest, 200);
    charge_drop(NULL);
    charge_answered(NULL);
    assert_null(charge_share(NULL));
    accounts_free(a);
    accounts_free(NULL);
}

/* The rule of account.h: K greedy ones leave 1/(K+1) for whoever comes next. */
static void greedy_ones_leave_room_for_who_comes_next(void **state)
{
    static struct charge *held[4096];
    struct accounts *a = accounts_of(1000000, &wide);
    uint64_t of[GREEDY + 1] = {0};
    size_t n = 0;
    bool taken = true;

    (void)state;
    while (taken) {
        taken = false;
        for (uint8_t i = 1; i <= GREEDY; i++)
            if (n < 4096 && charge_take(one(a, i), 1, 1000, &held[n]) == ERR_OK) {
                of[i] += 1000;
                n++;
                taken = true;
            }
    }
    assert_true(n > 500 && n < 4096);
    for (uint8_t i = 1; i <= GREEDY; i++)
        assert_in_range(of[i], 1000000 / (GREEDY + 1) - 1000, 1000000 / (GREEDY + 1) + 1000);
    for (int k = 0; k < 40; k++) /* he gets as much as he leaves */
        assert_ok(charge_take(one(a, 99), 1, 1000, &held[n++]));
    while (n > 0)
        charge_drop(held[--n]);
    assert_int_equal(accounts_use(a).bytes, 0);
    accounts_free(a);
}

static void
one_message_larger_than_a_limit_is_let_in_alone_but_never_beyond_the_budget(void **state)
{
    struct accounts *a = accounts_of(1000, &(struct account_limits){10, 50});
    struct charge *c = NULL, *more = NULL;

    (void)state;
    assert_ok(charge_take(one(a, 1), 1, 900, &c));
    assert_int_equal(charge_take(one(a, 1), 1, 1, &more), ERR_BUSY);
    assert_int_equal(charge_take(one(a, 2), 1, 101, &more), ERR_BUSY);
    assert_ok(charge_take(one(a, 2), 1, 100, &more));
    charge_drop(c);
    charge_drop(more);
    accounts_free(a);
}

static void one_organisation_can_have_other_limits(void **state)
{
    struct accounts *a = accounts_of(1000, &(struct account_limits){1, 1000});
    struct charge *c[3] = {NULL};

    (void)state;
    account_limit(one(a, 1), &(struct account_limits){2, 1000});
    assert_ok(charge_take(one(a, 1), 1, 10, &c[0]));
    assert_ok(charge_take(one(a, 1), 1, 10, &c[1]));
    assert_int_equal(charge_take(one(a, 1), 1, 10, &c[2]), ERR_BUSY);
    assert_ok(charge_take(one(a, 1), 0, 10, &c[2])); /* not counted in number */
    charge_drop(c[2]);
    charge_drop(c[1]);
    account_limit(one(a, 1), NULL);
    assert_int_equal(charge_take(one(a, 1), 1, 10, &c[1]), ERR_BUSY);
    charge_drop(c[0]);
    accounts_free(a);
}

static void without_memory_nothing_is_taken(void **state)
{
    struct accounts *a = NULL;
    struct charge *c = NULL;
    uint8_t org[ID_BYTES] = {7};
    struct account *found;
    long n = 0;

    (void)state;
    alloc_fail_after(1);
    assert_int_equal(accounts_new(1, &wide, &a), ERR_NOMEM);
    alloc_fail_after(-1);
    a = accounts_of(1000, &wide);
    do {
        alloc_fail_after(++n);
        found = account_of(a, org);
        alloc_fail_after(-1);
    } while (!found);
    assert_true(n > 1);
    alloc_fail_after(1);
    assert_int_equal(charge_take(found, 1, 10, &c), ERR_NOMEM);
    alloc_fail_after(-1);
    assert_int_equal(accounts_use(a).bytes, 0);
    assert_ok(charge_take(found, 1, 10, &c));
    charge_drop(c);
    accounts_free(a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_counts_until_it_is_answered_its_bytes_until_nobody_holds_it),
        cmocka_unit_test(greedy_ones_leave_room_for_who_comes_next),
        cmocka_unit_test(
            one_message_larger_than_a_limit_is_let_in_alone_but_never_beyond_the_budget),
        cmocka_unit_test(one_organisation_can_have_other_limits),
        cmocka_unit_test(without_memory_nothing_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
