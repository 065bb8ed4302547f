/* Workers: what they verify in a frame, and the threads around it. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_world.h"

static enum err give_leaf(void *arg, uint64_t index, uint64_t time_ms, struct span ss)
{
    return workers_keys(arg, index, time_ms, ss);
}

static struct worker_options options(struct world *w, size_t count)
{
    struct worker_options o = w->verify;
    static struct entropy system_entropy;

    system_entropy = entropy_system();
    o.entropy = &system_entropy;
    o.clock = clock_system();
    o.count = count;
    o.core = w->in;
    return o;
}

static struct job *put_job(struct world *w, bool forged)
{
    struct bytes whole = world_letter(w, 0, 1);
    struct job *j = job_of(w, JOB_MEMBER, w->m[0]);

    if (forged)
        whole.ptr[whole.len - 1] ^= 1;
    assert_ok(member_put_frame(7, bytes_span(&whole), &j->frame));
    bytes_free(&whole);
    return j;
}

static void a_job_comes_out_verified_in_the_order_it_went_in(void **state)
{
    struct world *w = *state;
    struct worker_options o = options(w, 2);
    struct workers *all = NULL;

    assert_ok(workers_start(&o, &all));
    assert_ok(registry_each(w->core, give_leaf, all));
    assert_ok(workers_give(all, put_job(w, false)));
    assert_ok(workers_give(all, put_job(w, true)));
    for (int i = 0; i < 2; i++) {
        struct job *j;

        assert_ok(fair_pop(w->in, &j, 10000));
        assert_int_equal(j->verdict, i ? ERR_FORGED : ERR_OK);
        assert_int_equal(j->costly, i);
        assert_int_equal(j->req, 7);
        job_free(j);
    }
    workers_stop(all);
}

static void what_is_queued_when_they_stop_is_passed_on(void **state)
{
    struct world *w = *state;
    struct worker_options o = options(w, 1);
    struct workers *all = NULL;
    struct job *j;

    assert_ok(workers_start(&o, &all));
    for (int i = 0; i < 5; i++)
        assert_ok(workers_give(all, put_job(w, false)));
    workers_stop(all);
    for (int i = 0; i < 5; i++) {
        assert_ok(fair_pop(w->in, &j, 0));
        assert_int_equal(j->verdict, ERR_KEY_UNKNOWN); /* no directory yet */
        job_free(j);
    }
    workers_stop(NULL);
}

static void without_a_core_they_end_all_the_same(void **state)
{
    struct world *w = *state;
    struct worker_options o = options(w, 1);
    struct workers *all = NULL;
    struct fair *gone = NULL;
    struct job *j;

    assert_ok(fair_new(false, &gone));
    o.core = gone;
    assert_ok(workers_start(&o, &all));
    fair_close(gone);
    for (int i = 0; i < 5; i++)
        assert_ok(workers_give(all, put_job(w, false)));
    workers_stop(all);
    assert_int_equal(fair_pop(gone, &j, 0), ERR_CLOSED);
    fair_free(gone);
}

static void a_number_of_workers_outside_the_limits_is_refused(void **state)
{
    struct world *w = *state;
    struct worker_options o = options(w, 0);
    struct workers *all = NULL;

    assert_int_equal(workers_start(&o, &all), ERR_RANGE);
    o.count = HUB_WORKERS_MAX + 1;
    assert_int_equal(workers_start(&o, &all), ERR_RANGE);
}

static void without_memory_none_is_left_running(void **state)
{
    struct world *w = *state;
    struct worker_options o = options(w, 2);
    struct workers *all = NULL;
    struct span ss = SPAN_STR("x");
    long n = 0;
    enum err e;

    do {
        alloc_fail_after(++n);
        e = workers_start(&o, &all);
        alloc_fail_after(-1);
    } while (e == ERR_NOMEM);
    assert_ok(e);
    assert_true(n > 3);
    for (n = 1; n <= 2; n++) {
        alloc_fail_after(n);
        assert_int_equal(workers_keys(all, 0, 0, ss), ERR_NOMEM);
        alloc_fail_after(-1);
    }
    workers_stop(all);
}

/* --- what one frame is asked
 * ------------------------------------------------------------------------ */

static enum err verdict_of(struct world *w, const struct message *say, size_t by)
{
    struct job *j = job_of(w, JOB_MEMBER, w->m[by]);
    enum err e;

    assert_ok(message_encode(say, &j->frame));
    job_verify(j, w->core->dir, &w->verify, NULL);
    e = j->verdict;
    job_free(j);
    return e;
}

static void frames_without_a_signature_are_only_read(void **state)
{
    struct world *w = *state;
    struct message say = {
        .type = MSG_KEYS, .keys = {1, 0}
    };
    struct job *j = job_of(w, JOB_TICK, NULL);

    assert_ok(verdict_of(w, &say, 0));
    say = (struct message){.type = MSG_ACK, .ack = {.upto = 0}};
    assert_ok(verdict_of(w, &say, 0));
    job_verify(j, w->core->dir, &w->verify, NULL); /* not a member's: untouched */
    assert_ok(j->verdict);
    job_free(j);
}

static void an_ack_of_a_node_that_is_not_there_is_refused(void **state)
{
    struct world *w = *state;
    struct message say = {
        .type = MSG_ACK, .ack = {.upto = 5, .count = 1, .is_signed = true}
    };
    struct member_node *m = NULL;

    assert_int_equal(verdict_of(w, &say, 0), ERR_FORGED);
    assert_ok(member_new(w->crew, "stranger", &m));
    w->m[PEOPLE] = m;
    assert_int_equal(verdict_of(w, &say, PEOPLE), ERR_NOT_ENROLLED);
}

static void names_of_users_are_read_strictly(void **state)
{
    static const char *const bad[] = {
        "",
        "node:",
        "node:00112233445566778899aabbccddeeff",
        "node:00112233445566778899aabbccddeeff:00112233445566778899aabbccddeef",
        "node:00112233445566778899aabbccddeeff-00112233445566778899aabbccddeeff",
        "node:zz112233445566778899aabbccddeeff:00112233445566778899aabbccddeeff:00000001",
        "node:00112233445566778899aabbccddeeff:zz112233445566778899aabbccddeeff:00000001",
        "node:00112233445566778899aabbccddeeff:00112233445566778899aabbccddeeff",
        "node:00112233445566778899aabbccddeeff:00112233445566778899aabbccddeeff:0000001",
        "node:00112233445566778899aabbccddeeff:00112233445566778899aabbccddeeff:0000000g",
        "node:00112233445566778899aabbccddeeff:00112233445566778899aabbccddeeff-00000001",
        "invite:00112233445566778899aabbccddeeff",
    };
    struct member who;
    char id[33];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(user_member(bad[i], &who), ERR_NOT_ENROLLED);
    assert_ok(user_member("node:00112233445566778899aabbccddeeff:"
                          "ff112233445566778899aabbccddee00:0000012a",
                          &who));
    assert_int_equal(who.keyed_at, 0x12a);
    assert_int_equal(who.org[1], 0x11);
    assert_int_equal(who.node[0], 0xff);
    assert_int_equal(user_invite("invite:0011", id), ERR_NOT_ENROLLED);
    assert_int_equal(user_invite("node:00112233445566778899aabbccddeeff", id), ERR_NOT_ENROLLED);
    assert_ok(user_invite("invite:00112233445566778899aabbccddeeff", id));
    assert_string_equal(id, "00112233445566778899aabbccddeeff");
    job_free(NULL);
    parcel_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    static const struct CMUnitTest tests[] = {
        TEST(a_job_comes_out_verified_in_the_order_it_went_in),
        TEST(what_is_queued_when_they_stop_is_passed_on),
        TEST(without_a_core_they_end_all_the_same),
        TEST(a_number_of_workers_outside_the_limits_is_refused),
        TEST(without_memory_none_is_left_running),
        TEST(frames_without_a_signature_are_only_read),
        TEST(an_ack_of_a_node_that_is_not_there_is_refused),
        cmocka_unit_test(names_of_users_are_read_strictly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
