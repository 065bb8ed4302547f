/* The checker of the fault campaign, on histories made by hand: a good one, and one bad one for
 * each of its rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "checker.h"

/* One envelope from a to b and c, delivered; one sheet from N to M. */
static const char *const good[] = {
    "1 round 1 kill-write",
    "1 fault kill-write",
    "2 sent a m1 d1 b,c",
    "3 sent a m2 d2 b",
    "4 receipt a m1 10",
    "4 head audit 2 r2 a",
    "5 receipt a m2 11",
    "6 got b 1 m1 d1",
    "6 got b 2 m2 d2",
    "6 got c 1 m1 d1",
    "7 got b 1 m1 d1",
    "7 acked b 2",
    "8 ended a m1 b 2",
    "8 ended a m1 c 2",
    "8 ended a m2 b 2",
    "9 wrote N s1 M",
    "9 kept N s1",
    "9 memory hub 100 200",
    "9 wrote N s2 M",
    "9 exit hub status5 sync-eio:3",
    "9 outbox N s1 n1 3 0 1",
    "9 outbox N s2 n2 3 0 1",
    "9 listed M s1 1 1",
    "9 listed M s2 2 1",
    "9 restored hub",
    "9 noticed b rollback",
    "9 replaced hub",
    "9 tree audit 1 r1",
    "9 tree audit 2 r2",
    "9 leaf 10 1 m1",
    "9 leaf 11 1 m2",
    "9 leaf 12 2 m1",
    "9 leaf 13 1 n1",
    "9 leaf 14 1 n2",
    "10 end",
};
#define GOOD (sizeof good / sizeof *good)

/* The good history with what follows `after` put behind that line, and without `without`. */
static struct verdict_counts with(const char *after, const char *more, const char *without)
{
    struct verdict_counts v = {0};
    struct checker *c = NULL;
    FILE *nowhere = fopen("/dev/null", "w");
    char line[HISTORY_LINE_MAX];
    size_t seen = 0;

    assert_non_null(nowhere);
    assert_int_equal(checker_new(nowhere, &c), ERR_OK);
    for (size_t i = 0; i < GOOD; i++) {
        if (without && strcmp(good[i], without) == 0) {
            seen++;
        } else {
            snprintf(line, sizeof line, "%s", good[i]);
            assert_int_equal(checker_line(c, line), ERR_OK);
        }
        if (after && strcmp(good[i], after) == 0) {
            snprintf(line, sizeof line, "%s", more);
            assert_int_equal(checker_line(c, line), ERR_OK);
            seen++;
        }
    }
    assert_int_equal(seen, (without != NULL) + (after != NULL)); /* no line was misspelt */
    checker_verdict(c, &v);
    checker_free(c);
    fclose(nowhere);
    return v;
}

/* A history of its own; a line that is NULL is left out. */
static struct verdict_counts of(const char *const *lines, size_t n)
{
    struct verdict_counts v = {0};
    struct checker *c = NULL;
    FILE *nowhere = fopen("/dev/null", "w");

    assert_non_null(nowhere);
    assert_int_equal(checker_new(nowhere, &c), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        char line[HISTORY_LINE_MAX];

        snprintf(line, sizeof line, "%s", lines[i] ? lines[i] : "0 round 1 x");
        assert_int_equal(checker_line(c, line), ERR_OK);
    }
    checker_verdict(c, &v);
    checker_free(c);
    fclose(nowhere);
    return v;
}
#define OF(lines) of(lines, sizeof(lines) / sizeof *(lines))

static void expect(struct verdict_counts v, size_t lost, size_t doubled, size_t disordered,
                   size_t unexplained)
{
    assert_int_equal(v.lost, lost);
    assert_int_equal(v.doubled, doubled);
    assert_int_equal(v.disordered, disordered);
    assert_int_equal(v.unexplained, unexplained);
}

static void a_history_in_order_has_no_findings(void **state)
{
    struct verdict_counts v = with(NULL, NULL, NULL);

    (void)state;
    expect(v, 0, 0, 0, 0);
    assert_int_equal(v.rounds, 1);
    assert_int_equal(v.accepted, 2);
    assert_int_equal(checker_faults(&v, "kill-write"), 1);
    assert_int_equal(checker_faults(&v, "kill-sync"), 0);
}

/* --- lost ---------------------------------------------------------------------------------------
 */

static void reported_as_delivered_and_not_there_is_lost(void **state)
{
    (void)state;
    expect(with(NULL, NULL, "6 got b 2 m2 d2"), 1, 0, 0, 0);
}

static void accepted_without_delivery_or_report_is_lost(void **state)
{
    static const char *const lines[] = {"1 sent a m1 d1 b", "2 receipt a m1 0", "3 leaf 0 1 m1",
                                        "4 end"};

    (void)state;
    expect(OF(lines), 1, 0, 0, 0);
}

static void a_receipt_without_a_leaf_is_lost(void **state)
{
    (void)state;
    expect(with(NULL, NULL, "9 leaf 11 1 m2"), 1, 0, 0, 0);
}

static void a_sheet_that_left_and_never_came_is_lost(void **state)
{
    (void)state;
    expect(with(NULL, NULL, "9 listed M s1 1 1"), 1, 0, 0, 0);
    expect(with("9 kept N s1", "9 wrote N s3 M", NULL), 0, 0, 0, 0); /* never kept: no promise */
}

static void a_kept_sheet_in_no_box_is_lost(void **state)
{
    struct checker *c = NULL;
    struct verdict_counts v;
    static const char *const lines[] = {"1 wrote N s1 M", "2 kept N s1", "4 end"};
    char line[64];

    (void)state;
    assert_int_equal(checker_new(stderr, &c), ERR_OK);
    for (size_t i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "%s", lines[i]);
        assert_int_equal(checker_line(c, line), ERR_OK);
    }
    checker_verdict(c, &v);
    expect(v, 1, 0, 0, 0);
    checker_free(c);
}

/* --- doubled ------------------------------------------------------------------------------------
 */

static void two_places_in_a_mailbox_are_doubled(void **state)
{
    (void)state;
    expect(with("6 got b 2 m2 d2", "6 got b 5 m1 d1", NULL), 0, 1, 0, 0);
}

static void redelivery_after_a_kept_ack_is_doubled(void **state)
{
    (void)state;
    expect(with("7 acked b 2", "8 got b 1 m1 d1", NULL), 0, 1, 0, 0);
}

static void two_leaves_or_two_receipts_are_doubled(void **state)
{
    (void)state;
    expect(with("9 leaf 10 1 m1", "9 leaf 10 1 m1", NULL), 0, 1, 0, 0);
    expect(with("5 receipt a m2 11", "5 receipt a m1 12", NULL), 0, 1, 0, 0);
    expect(with("5 receipt a m2 11", "5 receipt a m1 10", NULL), 0, 0, 0, 0); /* said again */
}

static void a_sheet_shown_twice_is_doubled(void **state)
{
    (void)state;
    expect(with("9 listed M s2 2 1", "9 listed M s2 3 1", NULL), 0, 1, 0, 0);
    expect(with("9 outbox N s2 n2 3 0 1", "9 outbox N s2 n2 3 0 1", NULL), 0, 1, 0, 0);
}

/* --- disordered ---------------------------------------------------------------------------------
 */

static void delivery_in_another_order_than_the_log_is_disordered(void **state)
{
    (void)state;
    expect(with("6 got c 1 m1 d1", "6 got b 1 m1 d1", "6 got b 1 m1 d1"), 0, 0, 1, 0);
}

static void a_mailbox_in_another_order_than_the_log_is_disordered(void **state)
{
    (void)state;
    expect(with("5 receipt a m2 11", "6 got b 7 m1 d1", "6 got b 1 m1 d1"), 0, 1, 1, 0);
}

static void a_log_that_contradicts_its_sender_is_disordered(void **state)
{
    (void)state;
    /* m3 is offered after the receipt of m2 and stands before it */
    struct verdict_counts v = with("5 receipt a m2 11", "5 sent a m3 d3 c", NULL);

    expect(v, 0, 0, 0, 1); /* unanswered: the control */
    {
        struct checker *c = NULL;
        static const char *const lines[] = {"1 sent a m2 d2 b",
                                            "2 receipt a m2 11",
                                            "3 sent a m3 d3 c",
                                            "4 receipt a m3 9",
                                            "5 got b 2 m2 d2",
                                            "5 got c 1 m3 d3",
                                            "6 ended a m2 b 2",
                                            "6 ended a m3 c 2",
                                            "7 leaf 9 1 m3",
                                            "7 leaf 11 1 m2",
                                            "8 end"};
        char line[64];

        assert_int_equal(checker_new(stderr, &c), ERR_OK);
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
            snprintf(line, sizeof line, "%s", lines[i]);
            assert_int_equal(checker_line(c, line), ERR_OK);
        }
        checker_verdict(c, &v);
        expect(v, 0, 0, 1, 0);
        checker_free(c);
    }
}

static void sheets_in_another_order_are_disordered(void **state)
{
    (void)state;
    expect(with("9 listed M s2 2 1", "9 listed M s1 3 1", "9 listed M s1 1 1"), 0, 0, 1, 0);
}

/* s1, written first, has a file: it stands behind s2 in the log, and at its recipient. */
static void a_sheet_may_overtake_another_whose_file_is_on_its_way(void **state)
{
    const char *lines[] = {"1 wrote N s1 M",         "1 filed s1",        "1 kept N s1",
                           "2 wrote N s2 M",         "2 kept N s2",       "9 outbox N s1 n1 3 0 1",
                           "9 outbox N s2 n2 3 0 1", "9 listed M s2 1 1", "9 listed M s1 2 1",
                           "9 leaf 0 1 n2",          "9 leaf 1 1 n1",     "9 end"};

    (void)state;
    expect(OF(lines), 0, 0, 0, 0);
    lines[1] = NULL;
    expect(OF(lines), 0, 0, 1, 0); /* without a file it may not */
}

static void a_node_that_keeps_none_of_its_sheets_takes_no_part(void **state)
{
    const char *lines[] = {"1 wrote N s1 M", "1 wrote N s2 M", "1 wrote N s3 M",
                           "1 wrote N s4 M", "1 wrote N s5 M", "9 end"};

    (void)state;
    expect(OF(lines), 0, 0, 0, 1);
    lines[4] = NULL;
    expect(OF(lines), 0, 0, 0, 0); /* that may be chance */
}

/* --- unexplained --------------------------------------------------------------------------------
 */

static void an_offer_without_an_answer_is_unexplained(void **state)
{
    (void)state;
    expect(with("3 sent a m2 d2 b", "3 sent a m3 d3 c", NULL), 0, 0, 0, 1);
}

static void a_delivery_that_its_sender_never_hears_of_is_unexplained(void **state)
{
    (void)state;
    expect(with(NULL, NULL, "8 ended a m2 b 2"), 0, 0, 0, 1);
    expect(with(NULL, NULL, "9 outbox N s2 n2 3 0 1"), 0, 0, 0, 1);
}

static void a_delivery_without_acceptance_is_unexplained(void **state)
{
    (void)state;
    expect(with(NULL, NULL, "5 receipt a m2 11"), 0, 0, 0, 2); /* and never answered */
}

static void a_sheet_that_overtook_another_on_its_way_to_the_log_is_disordered(void **state)
{
    (void)state; /* and it came in another order than that of the log */
    expect(with("9 leaf 12 2 m1", "9 leaf 15 1 n1", "9 leaf 13 1 n1"), 0, 0, 2, 0);
}

static void a_message_of_a_node_with_two_leaves_is_doubled(void **state)
{
    (void)state;
    expect(with("9 leaf 12 2 m1", "9 leaf 15 1 n1", NULL), 0, 1, 0, 0);
}

static void a_sheet_without_a_leaf_is_lost(void **state)
{
    (void)state;
    expect(with(NULL, NULL, "9 leaf 13 1 n1"), 1, 0, 0, 0);
}

static void two_final_states_are_unexplained(void **state)
{
    (void)state;
    expect(with("8 ended a m2 b 2", "8 ended a m2 b 8", NULL), 0, 0, 0, 2);
}

static void an_end_told_to_one_side_alone_is_unexplained(void **state)
{
    (void)state;
    expect(with("8 ended a m1 b 2", "8 ended a m2 b 8", "8 ended a m2 b 2"), 0, 0, 0, 1);
    expect(with("8 ended a m1 b 2", "8 ended b m2 b 8", "8 ended a m2 b 2"), 0, 0, 0, 1);
}

static void delivery_after_the_end_is_unexplained(void **state)
{
    (void)state;
    expect(with("5 receipt a m2 11", "5 ended a m1 c 8", NULL), 0, 0, 0, 2);
}

static void a_checkpoint_the_log_does_not_contain_is_unexplained(void **state)
{
    (void)state;
    expect(with("6 got b 1 m1 d1", "6 head audit 2 other b", NULL), 0, 0, 0, 1);
    expect(with("6 got b 1 m1 d1", "6 head audit 3 r3 b", NULL), 0, 0, 0, 1);
    expect(with("6 got b 1 m1 d1", "6 head keys 1 r1 b", NULL), 0, 0, 0, 1);
}

static void a_receipt_whose_leaf_is_elsewhere_is_unexplained(void **state)
{
    (void)state;
    expect(with("9 leaf 10 1 m1", "9 leaf 14 1 m2", "9 leaf 11 1 m2"), 0, 0, 0, 1);
}

static void another_content_is_unexplained(void **state)
{
    (void)state;
    expect(with("6 got c 1 m1 d1", "7 got b 2 m2 dx", NULL), 0, 0, 0, 1);
}

static void what_nobody_sent_is_unexplained(void **state)
{
    (void)state;
    expect(with("6 got c 1 m1 d1", "7 got b 3 m7 d7", NULL), 0, 0, 0, 1);
    expect(with("6 got c 1 m1 d1", "7 got c 3 m2 d2", NULL), 0, 0, 0, 1); /* not his */
    expect(with("6 got c 1 m1 d1", "7 receipt b m1 10", NULL), 0, 0, 0, 1);
    expect(with("6 got c 1 m1 d1", "7 ended b m1 c 2", NULL), 0, 0, 0, 1);
}

static void an_honest_envelope_refused_is_unexplained(void **state)
{
    (void)state;
    expect(with("3 sent a m2 d2 b", "3 refused a m2 91", NULL), 0, 0, 0, 2);
    expect(with("5 receipt a m2 11", "6 refused a m2 91", NULL), 0, 0, 0, 1);
}

static void a_daemon_that_ends_by_itself_is_unexplained(void **state)
{
    (void)state;
    expect(with("9 kept N s1", "9 exit hub status1 -", NULL), 0, 0, 0, 1);
    expect(with("9 kept N s1", "9 exit hub signal11 sync-eio:3", NULL), 0, 0, 0, 1);
}

static void memory_beyond_its_bound_is_unexplained(void **state)
{
    (void)state;
    expect(with("9 kept N s1", "9 memory hub 201 200", NULL), 0, 0, 0, 1);
}

static void an_old_store_that_nobody_notices_is_unexplained(void **state)
{
    (void)state;
    expect(with(NULL, NULL, "9 noticed b rollback"), 0, 0, 0, 1);
    expect(with(NULL, NULL, "9 replaced hub"), 0, 0, 0, 1);
}

static void a_refused_sheet_is_unexplained(void **state)
{
    (void)state;
    expect(with("9 wrote N s2 M", "9 outbox N s2 n2 4 91 0", "9 outbox N s2 n2 3 0 1"), 0, 0, 0, 1);
    expect(with("9 kept N s1", "9 listed M zz 4 1", NULL), 0, 0, 0, 1);
}

static void what_must_never_be_seen_is_unexplained(void **state)
{
    (void)state;
    expect(with("9 kept N s1", "9 bad b receipt-that-proves-nothing", NULL), 0, 0, 0, 1);
}

static void damage_that_fsck_does_not_find_or_a_hub_serves_is_unexplained(void **state)
{
    static const struct {
        const char *line;
        size_t unexplained;
    } rows[] = {
        {"9 flip item found refused",   0},
        {"9 flip pages found refused",  0},
        {"9 flip - clean served",       0},
        {"9 flip - found refused",      0},
        {"9 flip item clean refused",   1},
        {"9 flip item found served",    1},
        {"9 flip body found served",    0},
        {"9 flip body clean served",    1},
        {"9 flip pages clean served",   2},
        {"9 flip pages found nameless", 1},
        {"9 flip - clean nameless",     1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(with("9 kept N s1", rows[i].line, NULL), 0, 0, 0, rows[i].unexplained);
}

static void what_comes_after_its_consent_was_withdrawn_is_unexplained(void **state)
{
    static const char *const lines[] = {
        "1 sent a m2 d2 b", "2 receipt a m2 11", "3 shared m2 b",  "4 withdrawn b",
        "5 got b 2 m2 d2",  "6 ended a m2 b 2",  "7 leaf 11 1 m2", "8 end"};

    (void)state;
    for (size_t without = 0; without < 2; without++) { /* the withdrawal: the control */
        struct checker *c = NULL;
        struct verdict_counts v;
        char line[64];

        assert_int_equal(checker_new(stderr, &c), ERR_OK);
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
            snprintf(line, sizeof line, "%s", lines[i]);
            if (i != 3 || !without)
                assert_int_equal(checker_line(c, line), ERR_OK);
        }
        checker_verdict(c, &v);
        expect(v, 0, 0, 0, !without);
        checker_free(c);
    }
}

enum {
    D_TOLD_SENDER = 4,
    D_TOLD_RECIPIENT,
    D_GOT,
    D_ENDED = 9,
    D_LEAF = 11,
    D_MORE
};
#define RELEASED                                                                                   \
    "1 sent a m1 d1 b", "1 deputy m1 c", "2 receipt a m1 0", NULL, "3 released a m1 c 0 1",        \
        "3 released b m1 c 0 1", "4 got c 1 m1 d1", "5 got b 1 m1 d1", "6 ended a m1 b 2",         \
        "6 ended a m1 c 2", "9 leaf 0 1 m1", "9 leaf 1 15 m1", NULL, "9 end"

static void a_deputy_is_a_recipient_from_his_release_on(void **state)
{
    const char *lines[] = {RELEASED};

    (void)state;
    expect(OF(lines), 0, 0, 0, 0);
    lines[D_GOT] = NULL; /* and never has it */
    expect(OF(lines), 1, 0, 0, 0);
    lines[D_ENDED] = NULL;
    expect(OF(lines), 1, 0, 0, 0);
}

static void a_deputy_who_has_it_without_a_release_is_unexplained(void **state)
{
    const char *lines[] = {RELEASED};

    (void)state;
    lines[D_TOLD_SENDER] = NULL;
    expect(OF(lines), 0, 0, 0, 1); /* one side alone was told */
    lines[D_TOLD_RECIPIENT] = NULL;
    expect(OF(lines), 0, 0, 0, 1);
    lines[D_GOT] = lines[D_ENDED] = lines[D_LEAF] = NULL;
    expect(OF(lines), 0, 0, 0, 0); /* not released, and nothing came */
}

static void what_is_released_twice_or_to_another_is_a_finding(void **state)
{
    const char *lines[] = {RELEASED};

    (void)state;
    lines[D_MORE] = "9 leaf 2 15 m1";
    expect(OF(lines), 0, 1, 0, 0);
    lines[D_MORE] = "9 released a m1 c 0 2";
    expect(OF(lines), 0, 1, 0, 0);
    lines[D_MORE] = "9 released a m1 b 0 2"; /* who is no deputy */
    expect(OF(lines), 0, 0, 0, 1);
    lines[D_MORE] = "9 released a m1 c 12 2"; /* refused */
    expect(OF(lines), 0, 0, 0, 1);
}

static void an_act_that_is_decided_twice_is_doubled(void **state)
{
    const char *lines[] = {"1 act 5 96 aa", "1 act 6 0 aa", "1 act 7 96 bb", NULL, "2 end"};

    (void)state;
    expect(OF(lines), 0, 0, 0, 0);
    lines[3] = "1 act 8 0 aa";
    expect(OF(lines), 0, 1, 0, 0);
}

static void a_history_without_end_is_unexplained(void **state)
{
    (void)state;
    expect(with(NULL, NULL, "10 end"), 0, 0, 0, 1);
}

static void what_is_no_line_of_a_history_is_refused(void **state)
{
    static const char *const lines[] = {
        "", "1", "1 nothing", "1 got b 1 m1", "1 end here", "1 sent a m1 d1 b c"};
    struct checker *c = NULL;

    (void)state;
    assert_int_equal(checker_new(stderr, &c), ERR_OK);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char line[64];

        snprintf(line, sizeof line, "%s", lines[i]);
        assert_int_equal(checker_line(c, line), ERR_TEXT_FORM);
    }
    checker_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_history_in_order_has_no_findings),
        cmocka_unit_test(reported_as_delivered_and_not_there_is_lost),
        cmocka_unit_test(accepted_without_delivery_or_report_is_lost),
        cmocka_unit_test(a_receipt_without_a_leaf_is_lost),
        cmocka_unit_test(a_sheet_that_left_and_never_came_is_lost),
        cmocka_unit_test(a_kept_sheet_in_no_box_is_lost),
        cmocka_unit_test(two_places_in_a_mailbox_are_doubled),
        cmocka_unit_test(redelivery_after_a_kept_ack_is_doubled),
        cmocka_unit_test(two_leaves_or_two_receipts_are_doubled),
        cmocka_unit_test(a_sheet_shown_twice_is_doubled),
        cmocka_unit_test(delivery_in_another_order_than_the_log_is_disordered),
        cmocka_unit_test(a_mailbox_in_another_order_than_the_log_is_disordered),
        cmocka_unit_test(a_log_that_contradicts_its_sender_is_disordered),
        cmocka_unit_test(sheets_in_another_order_are_disordered),
        cmocka_unit_test(an_offer_without_an_answer_is_unexplained),
        cmocka_unit_test(a_delivery_that_its_sender_never_hears_of_is_unexplained),
        cmocka_unit_test(a_delivery_without_acceptance_is_unexplained),
        cmocka_unit_test(a_sheet_that_overtook_another_on_its_way_to_the_log_is_disordered),
        cmocka_unit_test(a_message_of_a_node_with_two_leaves_is_doubled),
        cmocka_unit_test(a_sheet_without_a_leaf_is_lost),
        cmocka_unit_test(two_final_states_are_unexplained),
        cmocka_unit_test(an_end_told_to_one_side_alone_is_unexplained),
        cmocka_unit_test(delivery_after_the_end_is_unexplained),
        cmocka_unit_test(a_checkpoint_the_log_does_not_contain_is_unexplained),
        cmocka_unit_test(a_receipt_whose_leaf_is_elsewhere_is_unexplained),
        cmocka_unit_test(another_content_is_unexplained),
        cmocka_unit_test(what_nobody_sent_is_unexplained),
        cmocka_unit_test(an_honest_envelope_refused_is_unexplained),
        cmocka_unit_test(a_daemon_that_ends_by_itself_is_unexplained),
        cmocka_unit_test(memory_beyond_its_bound_is_unexplained),
        cmocka_unit_test(an_old_store_that_nobody_notices_is_unexplained),
        cmocka_unit_test(a_refused_sheet_is_unexplained),
        cmocka_unit_test(what_must_never_be_seen_is_unexplained),
        cmocka_unit_test(damage_that_fsck_does_not_find_or_a_hub_serves_is_unexplained),
        cmocka_unit_test(what_comes_after_its_consent_was_withdrawn_is_unexplained),
        cmocka_unit_test(a_sheet_may_overtake_another_whose_file_is_on_its_way),
        cmocka_unit_test(a_node_that_keeps_none_of_its_sheets_takes_no_part),
        cmocka_unit_test(a_deputy_is_a_recipient_from_his_release_on),
        cmocka_unit_test(a_deputy_who_has_it_without_a_release_is_unexplained),
        cmocka_unit_test(what_is_released_twice_or_to_another_is_a_finding),
        cmocka_unit_test(an_act_that_is_decided_twice_is_doubled),
        cmocka_unit_test(a_history_without_end_is_unexplained),
        cmocka_unit_test(what_is_no_line_of_a_history_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
