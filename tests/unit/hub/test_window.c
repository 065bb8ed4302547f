/* Whose turn it is to be sent something, and how much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core.h"

#define BOXES 3
#define BYTES 1000

static struct window w;
static struct mailbox box[BOXES];
static const struct entry letter = {.seq = 1, .bytes = BYTES};

static int set_up(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    memset(box, 0, sizeof box);
    for (size_t i = 0; i < BOXES; i++)
        box[i] = (struct mailbox){.window = &w,
                                  .open = true,
                                  .len = 5,
                                  .credit_messages = 4,
                                  .credit_bytes = 4 * BYTES,
                                  .window_bytes = WINDOW_FIRST};
    return 0;
}

static void who_is_ready_comes_in_turn_and_once(void **state)
{
    (void)state;
    assert_false(window_waits(&w));
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < BOXES; i++)
            window_ready(&box[i]);
    assert_true(window_waits(&w));
    for (size_t i = 0; i < BOXES; i++)
        assert_ptr_equal(window_next(&w), &box[i]);
    assert_null(window_next(&w));
    assert_false(window_waits(&w));
}

static void emergency_services_come_before_all_others(void **state)
{
    (void)state;
    box[2].urgent = true;
    for (size_t i = 0; i < BOXES; i++)
        window_ready(&box[i]);
    assert_ptr_equal(window_next(&w), &box[2]);
    assert_true(window_waits(&w));
    assert_ptr_equal(window_next(&w), &box[0]);
    window_ready(&box[2]);
    assert_true(window_waits(&w));
    assert_ptr_equal(window_next(&w), &box[2]);
}

static void nobody_is_listed_who_can_be_sent_nothing(void **state)
{
    (void)state;
    box[0].open = false;
    box[1].cloned = true;
    box[2].out = box[2].len;
    for (size_t i = 0; i < BOXES; i++)
        window_ready(&box[i]);
    assert_false(window_waits(&w));
}

static void credit_in_messages_and_in_bytes_bounds_each(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(window_says(&box[0], &letter), WINDOW_OPEN);
        window_issued(&box[0], &letter);
    }
    assert_int_equal(window_says(&box[0], &letter), WINDOW_CREDIT); /* messages */
    box[0].credit_messages = 100;
    assert_int_equal(window_says(&box[0], &letter), WINDOW_CREDIT); /* bytes */
    box[1].credit_bytes = 1;
    assert_int_equal(window_says(&box[1], &letter), WINDOW_OPEN); /* one always goes */
}

static void his_window_is_small_at_first_and_grows_to_its_end(void **state)
{
    (void)state;
    box[0].credit_messages = box[0].credit_bytes = UINT32_MAX;
    while (window_says(&box[0], &letter) == WINDOW_OPEN)
        window_issued(&box[0], &letter);
    assert_true(w.bytes <= WINDOW_FIRST && w.bytes > WINDOW_FIRST - 2 * (BYTES + DELIVER_EXTRA));
    assert_int_equal(w.highest, w.bytes);
    assert_int_equal(window_says(&box[0], &letter), WINDOW_CREDIT);
    window_grow(&box[0]);
    assert_int_equal(window_says(&box[0], &letter), WINDOW_OPEN);
    for (int i = 0; i < 20; i++)
        window_grow(&box[0]);
    assert_int_equal(box[0].window_bytes, WINDOW_MAX);
}

/* Of one bound over all, each leaves as much free as he holds; who meets it waits aside until
 * something comes back, from whomever. */
static void the_bound_over_all_holds_who_holds_most(void **state)
{
    (void)state;
    w.most = 8 * (BYTES + DELIVER_EXTRA);
    for (size_t i = 0; i < BOXES; i++)
        box[i].credit_messages = box[i].credit_bytes = UINT32_MAX;
    box[1].urgent = true;
    while (window_says(&box[0], &letter) == WINDOW_OPEN)
        window_issued(&box[0], &letter);
    assert_int_equal(window_says(&box[0], &letter), WINDOW_BOUND);
    assert_int_equal(box[0].out, 4);
    assert_int_equal(window_says(&box[1], &letter), WINDOW_OPEN); /* others still may */
    while (window_says(&box[1], &letter) == WINDOW_OPEN)
        window_issued(&box[1], &letter);
    window_starved(&box[0]);
    window_starved(&box[1]);
    window_ready(&box[0]);
    assert_false(window_waits(&w));
    window_returned(&box[0], &letter);
    assert_ptr_equal(window_next(&w), &box[1]); /* the urgent one first */
    assert_ptr_equal(window_next(&w), &box[0]);
    for (size_t i = 0; i < 2; i++)
        window_shut(&box[i]);
    assert_int_equal(w.bytes, 0);
    assert_int_equal(box[0].out + box[1].out, 0);
    assert_false(box[0].open);
    assert_true(w.highest <= w.most);
}

/* ACKs do not wait for each other while mail waits for one of them. */
static void who_waits_for_an_acknowledgement_is_counted_until_it_comes(void **state)
{
    (void)state;
    window_issued(&box[0], &letter);
    window_stopped(&box[0]);
    window_stopped(&box[0]);
    window_stopped(&box[1]);
    assert_int_equal(w.stopped, 2);
    assert_int_equal(window_acks_wait_ms(&w), 0);
    window_returned(&box[0], &letter);
    assert_int_equal(w.stopped, 1);
    window_shut(&box[0]);
    assert_int_equal(w.stopped, 1);
    window_shut(&box[1]);
    assert_int_equal(w.stopped, 0);
    assert_true(window_acks_wait_ms(&w) > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    static const struct CMUnitTest tests[] = {
        TEST(who_is_ready_comes_in_turn_and_once),
        TEST(emergency_services_come_before_all_others),
        TEST(nobody_is_listed_who_can_be_sent_nothing),
        TEST(credit_in_messages_and_in_bytes_bounds_each),
        TEST(his_window_is_small_at_first_and_grows_to_its_end),
        TEST(the_bound_over_all_holds_who_holds_most),
        TEST(who_waits_for_an_acknowledgement_is_counted_until_it_comes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
