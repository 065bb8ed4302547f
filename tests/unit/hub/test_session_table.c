/* The table of sessions: who is there, how fast he may speak, what waits for him. */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "session_table.h"

static struct member member_of(uint8_t number)
{
    struct member who = {.number = number};

    who.node[0] = number;
    return who;
}

static struct parcel *parcel_of(size_t bytes)
{
    struct parcel *p = calloc(1, sizeof *p);

    assert_non_null(p);
    assert_int_equal(bytes_reserve(&p->frame, bytes ? bytes : 1), ERR_OK);
    p->frame.len = bytes;
    return p;
}

static void a_node_has_one_entry(void **state)
{
    struct member a = member_of(1), b = member_of(2);
    struct session *all = NULL;
    struct session *one = session_make(&all, &a);

    (void)state;
    assert_non_null(one);
    assert_ptr_equal(session_make(&all, &a), one);
    assert_ptr_not_equal(session_make(&all, &b), one);
    assert_ptr_equal(session_find(all, a.node), one);
    sessions_free(&all);
    assert_null(session_find(all, a.node));
}

static void tokens_come_back_with_time_and_not_beyond_the_burst(void **state)
{
    struct bucket b = {0};

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(bucket_take(&b, 1000, 10, 3, 1));
    assert_false(bucket_take(&b, 1000, 10, 3, 1));
    assert_false(bucket_take(&b, 1050, 10, 3, 1));
    assert_true(bucket_take(&b, 1101, 10, 3, 1));
    assert_false(bucket_take(&b, 1101, 10, 3, 1));
    for (int i = 0; i < 3; i++)
        assert_true(bucket_take(&b, 900000, 10, 3, 1));
    assert_false(bucket_take(&b, 900000, 10, 3, 1));
    assert_false(bucket_take(&b, 900250, 10, 3, 3)); /* two are there: they stay */
    assert_true(bucket_take(&b, 900250, 10, 3, 2));
}

static void what_is_owed_is_paid_with_time(void **state)
{
    struct bucket b = {0};

    (void)state;
    assert_int_equal(bucket_owe_ms(&b, 1000, 10, 3, 3, 5000), 0);
    assert_int_equal(bucket_owe_ms(&b, 1000, 10, 3, 1, 5000), 100);
    assert_int_equal(bucket_owe_ms(&b, 1000, 10, 3, 2, 5000), 300);
    assert_int_equal(bucket_owe_ms(&b, 1200, 10, 3, 0, 5000), 100);
    assert_int_equal(bucket_owe_ms(&b, 1300, 10, 3, 0, 5000), 0);
    assert_int_equal(bucket_owe_ms(&b, 1300, 10, 3, 1000000, 5000), 5000); /* not for ever */
    assert_int_equal(bucket_owe_ms(&b, 900000, 10, 3, 3, 5000), 0);        /* nor is it saved */
    assert_int_equal(bucket_owe_ms(&b, 900000, 10, 3, 1, 5000), 100);
}

static void an_emptied_bucket_begins_to_fill_when_it_is_said(void **state)
{
    struct bucket b = {0};

    (void)state;
    assert_true(bucket_take(&b, 1000, 10, 3, 1));
    bucket_drain(&b, 2000);
    assert_false(bucket_take(&b, 1000, 10, 3, 1));
    assert_false(bucket_take(&b, 2000, 10, 3, 1)); /* the second before is not counted */
    assert_true(bucket_take(&b, 2101, 10, 3, 1));
    assert_false(bucket_take(&b, 2101, 10, 3, 1));
}

static void what_waits_is_bounded(void **state)
{
    struct member who = member_of(1);
    struct session *all = NULL;
    struct session *s = session_make(&all, &who);
    size_t n = 0;

    (void)state;
    while (session_wait(s, parcel_of(1 << 20)) == ERR_OK)
        n++;
    assert_in_range(n, 16, 64);
    assert_int_equal(s->waiting_count, n);
    session_drop_waiting(s);
    assert_int_equal(s->waiting_count, 0);
    assert_int_equal(session_wait(s, parcel_of(10)), ERR_OK); /* there is room again */
    sessions_free(&all);
}

static void without_memory_nothing_is_kept(void **state)
{
    struct member who = member_of(1);
    struct session *all = NULL;
    struct session *s;
    struct parcel *p = parcel_of(3);
    long n = 0;

    (void)state;
    do {
        alloc_fail_after(++n);
        s = session_make(&all, &who);
        alloc_fail_after(-1);
        assert_true(s || !session_find(all, who.node));
    } while (!s);
    assert_true(n > 2);
    alloc_fail_after(1);
    assert_int_equal(session_wait(s, p), ERR_NOMEM);
    alloc_fail_after(-1);
    assert_int_equal(s->waiting_count, 0);
    sessions_free(&all);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_has_one_entry),
        cmocka_unit_test(tokens_come_back_with_time_and_not_beyond_the_burst),
        cmocka_unit_test(what_is_owed_is_paid_with_time),
        cmocka_unit_test(an_emptied_bucket_begins_to_fill_when_it_is_said),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(without_memory_nothing_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
