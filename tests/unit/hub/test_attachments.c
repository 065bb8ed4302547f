/* The register of attachments at the hub: whose they are, who may fetch them, when they go. */
#include "attachments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attachments_internal.h"
#include "keys.h"
#include "proctree.h"

#define SIZE 1000
#define HOUR_MS (UINT64_C(3600) * 1000)
#define QUOTA (3 * ATTACHMENT_COST(SIZE))

static char dir[64];
static uint8_t address[ATTACHMENT_ADDRESS_BYTES];
static const uint8_t owner[ID_BYTES] = {1};
static const uint8_t other[ID_BYTES] = {2};
static const uint8_t third[ID_BYTES] = {3};
static struct clock_fixed clock_now;

static void file_put(void)
{
    static uint8_t chunk[SIZE];
    uint8_t hash[ATTACHMENT_HASH_BYTES];
    struct attfile_facts facts = {.size = SIZE, .number = 7, .made_ms = 1000};
    struct attfile *f = NULL;

    memcpy(facts.owner, owner, ID_BYTES);
    assert_int_equal(attachment_hash(0, SPAN_OF(chunk), hash), ERR_OK);
    assert_int_equal(attachment_address(SIZE, SPAN_OF(hash), address), ERR_OK);
    memcpy(facts.address, address, sizeof address);
    assert_int_equal(attfile_create(dir, &facts, SPAN_OF(hash), &f), ERR_OK);
    assert_int_equal(attfile_write(f, 0, SPAN_OF(chunk)), ERR_OK);
    assert_int_equal(attfile_finish(f), ERR_OK);
    attfile_close(f);
}

static int set_up(void **state)
{
    struct attachments_options o = {.dir = dir, .quota_bytes = QUOTA, .max_bytes = 2 * QUOTA};
    struct attachments *a = NULL;

    snprintf(dir, sizeof dir, "/tmp/attachments-XXXXXX");
    assert_non_null(mkdtemp(dir));
    file_put();
    o.clock = &clock_now.clock;
    assert_int_equal(attachments_open(&o, &a), ERR_OK);
    *state = a;
    return 0;
}

static int tear_down(void **state)
{
    attachments_free(*state);
    tree_remove(dir);
    return 0;
}

static struct attachment_ref ref_to(const uint8_t *org, uint64_t until_ms, bool done)
{
    struct attachment_ref r = {.number = 9, .until_ms = until_ms, .done = done, .grants = 1};

    memcpy(r.org, org, ID_BYTES);
    return r;
}

static void who_was_not_sent_it_cannot_fetch_it(void **state)
{
    struct attachments *a = *state;
    struct attachment_ref to_other = ref_to(other, HOUR_MS, false);
    struct attachment_ref got;

    assert_int_equal(attachments_may(a, address, owner, &got), ERR_OK);
    assert_int_equal(attachments_may(a, address, other, &got), ERR_ATTACHMENT_RIGHT);
    assert_int_equal(attachments_refer(a, address, &to_other), ERR_OK);
    assert_int_equal(attachments_may(a, address, other, &got), ERR_OK);
    assert_int_equal(got.number, 9);
    assert_int_equal(attachments_may(a, address, third, &got), ERR_ATTACHMENT_RIGHT);
    attachments_forget(a);
    assert_int_equal(attachments_may(a, address, other, &got), ERR_ATTACHMENT_RIGHT);
}

static void an_envelope_needs_its_senders_own_of_that_size(void **state)
{
    struct attachments *a = *state;
    uint8_t none[ATTACHMENT_ADDRESS_BYTES] = {5};

    assert_int_equal(attachments_check(a, address, SIZE, owner), ERR_OK);
    assert_int_equal(attachments_check(a, address, SIZE + 1, owner), ERR_ATTACHMENT_MISSING);
    assert_int_equal(attachments_check(a, address, SIZE, other), ERR_ATTACHMENT_MISSING);
    assert_int_equal(attachments_check(a, none, SIZE, owner), ERR_ATTACHMENT_MISSING);
    assert_int_equal(attachments_check(NULL, address, SIZE, owner), ERR_ATTACHMENT_MISSING);
}

static void it_goes_when_all_have_it_or_the_time_is_over_and_says_who_has_not(void **state)
{
    struct attachments *a = *state;
    struct attachment_ref done = ref_to(other, HOUR_MS, true);
    struct attachment_ref waits = ref_to(third, HOUR_MS, false);
    struct attachment_gone gone;
    struct attachment_ref got;

    assert_int_equal(attachments_refer(a, address, &done), ERR_OK);
    assert_int_equal(attachments_refer(a, address, &waits), ERR_OK);
    assert_int_equal(attachments_next_gone(a, HOUR_MS, &gone), ERR_NOT_FOUND);
    assert_int_equal(attachments_next_gone(a, HOUR_MS + 1, &gone), ERR_OK);
    assert_int_equal(gone.count, 1);
    assert_memory_equal(gone.waiting[0].org, third, ID_BYTES);
    assert_int_equal(gone.number, 7);
    assert_int_equal(attachments_check(a, address, SIZE, owner), ERR_ATTACHMENT_MISSING);
    attachments_committed(a);
    assert_int_equal(attachments_may(a, address, owner, &got), ERR_NOT_FOUND);
}

static void one_that_no_envelope_named_goes_after_a_day(void **state)
{
    struct attachments *a = *state;
    struct attachment_gone gone;

    assert_int_equal(attachments_next_gone(a, ATTACHMENT_UNCLAIMED_MS, &gone), ERR_NOT_FOUND);
    assert_int_equal(attachments_next_gone(a, ATTACHMENT_UNCLAIMED_MS + 1001, &gone), ERR_OK);
    assert_false(gone.was_sent);
    attachments_forget(a); /* that commit was not confirmed: it stays */
    assert_int_equal(attachments_check(a, address, SIZE, owner), ERR_OK);
}

static void a_quota_counts_files_and_not_bytes_alone(void **state)
{
    struct attachments *a = *state;
    struct attachments_use u = attachments_use(a);

    assert_int_equal(u.count, 1);
    assert_int_equal(u.bytes, ATTACHMENT_COST(SIZE));
    assert_int_equal(u.fullest_bytes, u.bytes);
    assert_int_equal(u.quota_bytes, QUOTA);
    assert_int_equal(held_room(a, owner, SIZE), ERR_OK);
    assert_int_equal(held_room(a, owner, QUOTA - ATTACHMENT_COST(SIZE)), ERR_ATTACHMENT_QUOTA);
    assert_int_equal(held_room(a, other, QUOTA - ATTACHMENT_COST(0)), ERR_OK);
    assert_int_equal(held_room(a, other, QUOTA - ATTACHMENT_COST(0) + 1), ERR_ATTACHMENT_QUOTA);
    assert_int_equal(attachments_use(a).refused, 2);
    assert_int_equal(attachments_use(NULL).count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_was_not_sent_it_cannot_fetch_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_envelope_needs_its_senders_own_of_that_size, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            it_goes_when_all_have_it_or_the_time_is_over_and_says_who_has_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_no_envelope_named_goes_after_a_day, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_quota_counts_files_and_not_bytes_alone, set_up,
                                        tear_down),
    };

    return seal_init() ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
