/* The fair queue: order within an organisation, turns by cost between them, lanes; a random load is
 * compared with a model that is written without lists or links. */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "failing_alloc.h"
#include "hub.h"

#define assert_ok(call) assert_int_equal((call), ERR_OK)

static struct job *job_by(uint8_t org, enum lane lane, uint32_t cost, uint64_t req)
{
    struct job *j = calloc(1, sizeof *j);

    assert_non_null(j);
    j->who.org[0] = org;
    j->lane = lane;
    j->cost = cost;
    j->req = req;
    return j;
}

static struct fair *fair_of(bool exclusive)
{
    struct fair *f = NULL;

    assert_ok(fair_new(exclusive, &f));
    return f;
}

static void put(struct fair *f, uint8_t org, uint32_t cost, uint64_t req)
{
    assert_ok(fair_push(f, job_by(org, LANE_MEMBERS, cost, req)));
}

/* Pops one; its organisation and number. */
static uint8_t got(struct fair *f, uint64_t *req)
{
    struct job *j = NULL;
    uint8_t org;

    assert_ok(fair_pop(f, &j, 0));
    org = j->who.org[0];
    if (req)
        *req = j->req;
    job_free(j);
    return org;
}

/* --- turns -------------------------------------------------------------------------------------
 */

static void who_asks_little_does_not_wait_behind_who_asks_much(void **state)
{
    struct fair *f = fair_of(false);
    unsigned before = 0;

    (void)state;
    for (int i = 0; i < 1000; i++)
        put(f, 1, 0, 0);
    put(f, 2, 0, 0);
    while (got(f, NULL) != 2)
        before++;
    assert_in_range(before, 0, FAIR_QUANTUM / JOB_COST_FIXED);
    fair_free(f);
}

static void a_late_comer_waits_for_one_turn_of_each_and_no_more(void **state)
{
    struct fair *f = fair_of(false);
    unsigned before = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        for (uint8_t org = 1; org <= 50; org++)
            put(f, org, JOB_COST_MAX, 0);
    for (int i = 0; i < 75; i++)
        got(f, NULL);
    put(f, 99, JOB_COST_MAX, 0);
    while (got(f, NULL) != 99)
        before++;
    assert_in_range(before, 0, 51);
    fair_free(f);
}

/* In any stretch the shares by cost differ by no more than a turn and one job. */
static void large_frames_buy_no_larger_share(void **state)
{
    struct fair *f = fair_of(false);
    uint64_t spent[3] = {0};

    (void)state;
    for (int i = 0; i < 2000; i++) {
        put(f, 0, JOB_COST_FIXED + 300000, 0);
        put(f, 1, JOB_COST_FIXED + 500, 0);
        put(f, 2, JOB_COST_FIXED + 60000, 0);
    }
    for (int i = 0; i < 2500; i++) {
        static const uint32_t cost[] = {JOB_COST_FIXED + 300000, JOB_COST_FIXED + 500,
                                        JOB_COST_FIXED + 60000};
        uint8_t org = got(f, NULL);

        spent[org] += cost[org];
        for (int a = 0; i > 100 && a < 3; a++)
            for (int b = 0; b < 3; b++)
                assert_true(spent[a] <= spent[b] + 2 * (FAIR_QUANTUM + JOB_COST_MAX));
    }
    fair_free(f);
}

static void lanes_go_before_each_other_and_leave_members_their_quarter(void **state)
{
    struct fair *f = fair_of(false);
    struct job *out[16];
    size_t n = 0;
    size_t of[LANES] = {0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_ok(fair_push(f, job_by(1, LANE_MEMBERS, 0, 0)));
        assert_ok(fair_push(f, job_by(2, LANE_EMERGENCY, 0, 0)));
    }
    assert_ok(fair_push(f, job_by(0, LANE_HUB, 0, 0)));
    assert_ok(fair_pop_many(f, out, &(struct fair_group){16, SIZE_MAX, UINT64_MAX, 0}, 0, &n));
    assert_int_equal(n, 16);
    assert_int_equal(out[0]->lane, LANE_HUB);
    for (size_t i = 0; i < n; i++) {
        of[out[i]->lane]++;
        assert_true(i == 0 || out[i]->lane <= out[i - 1]->lane);
    }
    for (size_t i = 0; i < n; i++)
        job_free(out[i]);
    assert_int_equal(of[LANE_EMERGENCY], 11);
    assert_int_equal(of[LANE_MEMBERS], 4);
    fair_free(f);
}

static void a_group_is_bounded_in_bytes_and_never_empty(void **state)
{
    struct fair *f = fair_of(false);
    struct job *out[8];
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 8; i++) {
        struct job *j = job_by((uint8_t)i, LANE_MEMBERS, 0, 0);

        assert_ok(bytes_reserve(&j->frame, 1000));
        j->frame.len = 1000;
        assert_ok(fair_push(f, j));
    }
    assert_ok(fair_pop_many(f, out, &(struct fair_group){8, 2500, UINT64_MAX, 0}, 0, &n));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        job_free(out[i]);
    assert_ok(fair_pop_many(f, out, &(struct fair_group){8, 1, UINT64_MAX, 0}, 0, &n));
    assert_int_equal(n, 1);
    job_free(out[0]);
    fair_free(f);
}

static void one_organisation_has_its_share_of_a_group_and_no_more(void **state)
{
    const struct fair_group most = {64, SIZE_MAX, 4 * JOB_COST_FIXED, 0};
    struct fair *f = fair_of(false);
    struct job *out[64];
    size_t of[3];
    size_t n = 0;

    (void)state;
    for (uint64_t i = 0; i < 10; i++)
        put(f, 1, 0, i);
    put(f, 2, 0, 100);
    for (size_t group = 0; group < 3; group++) {
        memset(of, 0, sizeof of);
        assert_ok(fair_pop_many(f, out, &most, 0, &n));
        for (size_t i = 0; i < n; i++) {
            if (out[i]->who.org[0] == 1) /* its order is kept across groups */
                assert_int_equal(out[i]->req, 4 * group + of[1]);
            of[out[i]->who.org[0]]++;
            job_free(out[i]);
        }
        assert_int_equal(of[1], group < 2 ? 4 : 2);
        assert_int_equal(of[2], group == 0 ? 1 : 0);
    }
    assert_int_equal(fair_pop_many(f, out, &most, 0, &n), ERR_TIMEOUT);
    fair_free(f);
}

static void an_exclusive_queue_hands_out_one_of_each_at_a_time(void **state)
{
    struct fair *f = fair_of(true);
    struct job *j = NULL;
    uint8_t org[ID_BYTES] = {1};
    uint64_t req = 0;

    (void)state;
    put(f, 1, 0, 1);
    put(f, 1, 0, 2);
    put(f, 2, 0, 3);
    assert_int_equal(got(f, &req), 1);
    assert_int_equal(got(f, &req), 2); /* though the other has more, and came first */
    assert_int_equal(fair_pop(f, &j, 0), ERR_TIMEOUT);
    fair_done(f, LANE_MEMBERS, org);
    assert_int_equal(got(f, &req), 1);
    assert_int_equal(req, 2);
    fair_done(f, LANE_MEMBERS, org);
    fair_done(f, LANE_MEMBERS, org); /* again is fine */
    assert_int_equal(fair_counters(f).depth, 0);
    fair_free(f);
}

/* --- waiting and ending ------------------------------------------------------------------------
 */

static void a_wake_is_not_lost_and_a_close_hands_out_what_is_left(void **state)
{
    struct fair *f = fair_of(false);
    struct job *j = job_by(1, LANE_MEMBERS, 0, 0);
    struct job *out = NULL;

    (void)state;
    assert_int_equal(fair_pop(f, &out, 0), ERR_TIMEOUT);
    assert_int_equal(fair_pop(f, &out, 5), ERR_TIMEOUT);
    fair_wake(f);
    assert_int_equal(fair_pop(f, &out, FAIR_FOREVER), ERR_AGAIN);
    assert_int_equal(fair_pop(f, &out, 0), ERR_TIMEOUT); /* once */
    put(f, 1, 0, 7);
    fair_close(f);
    fair_close(f);
    assert_int_equal(fair_push(f, j), ERR_CLOSED);
    job_free(j);
    got(f, NULL);
    assert_int_equal(fair_pop(f, &out, FAIR_FOREVER), ERR_CLOSED);
    fair_free(f);
    fair_free(NULL);
}

#define LONG_MS 60000
#define GATHER_MS 40

struct gathering {
    struct fair *f;
    struct job *got[8];
    size_t n;
};

static void *gathers(void *arg)
{
    struct gathering *g = arg;
    const struct fair_group most = {8, SIZE_MAX, UINT64_MAX, LONG_MS};

    return (void *)(uintptr_t)fair_pop_many(g->f, g->got, &most, 10 * LONG_MS, &g->n);
}

static void put_patient(struct fair *f, uint64_t req)
{
    struct job *j = job_by(1, LANE_MEMBERS, 0, req);

    j->can_wait = true;
    assert_ok(fair_push(f, j));
}

static void what_can_wait_goes_with_the_first_that_cannot(void **state)
{
    struct gathering g = {.f = fair_of(false)};
    pthread_t t;
    void *said;

    (void)state;
    put_patient(g.f, 1);
    assert_int_equal(pthread_create(&t, NULL, gathers, &g), 0);
    put_patient(g.f, 2);
    put_patient(g.f, 3);
    put(g.f, 2, 0, 4);
    assert_int_equal(pthread_join(t, &said), 0);
    assert_int_equal((uintptr_t)said, ERR_OK);
    assert_int_equal(g.n, 4);
    for (size_t i = 0; i < g.n; i++)
        job_free(g.got[i]);
    fair_free(g.f);
}

/* It can be later on a busy machine, and never earlier. */
static void what_can_wait_does_so_each_time(void **state)
{
    const struct fair_group most = {1, SIZE_MAX, UINT64_MAX, GATHER_MS};
    struct fair *f = fair_of(false);
    struct job *one = NULL;
    uint64_t since;
    size_t n;

    (void)state;
    for (uint64_t i = 1; i <= 2; i++) {
        since = clock_mono_ms(clock_system());
        put_patient(f, i);
        assert_ok(fair_pop_many(f, &one, &most, LONG_MS, &n));
        assert_true(clock_mono_ms(clock_system()) + 1 >= since + GATHER_MS);
        job_free(one);
    }
    fair_free(f);
}

static void what_can_wait_is_handed_out_when_it_is_time_or_the_end(void **state)
{
    const struct fair_group soon = {1, SIZE_MAX, UINT64_MAX, 1};
    const struct fair_group never = {1, SIZE_MAX, UINT64_MAX, LONG_MS};
    struct gathering g = {.f = fair_of(false)};
    struct job *one = NULL;
    pthread_t t;
    void *said;
    size_t n;

    (void)state;
    put_patient(g.f, 1);
    assert_ok(fair_pop_many(g.f, &one, &soon, LONG_MS, &n));
    job_free(one);
    put_patient(g.f, 2);
    assert_ok(fair_pop_many(g.f, &one, &never, 0, &n)); /* who will not wait need not */
    job_free(one);
    put_patient(g.f, 3);
    fair_wake(g.f);
    assert_ok(fair_pop_many(g.f, &one, &never, LONG_MS, &n));
    job_free(one);
    assert_int_equal(fair_pop_many(g.f, &one, &never, LONG_MS, &n), ERR_AGAIN);
    put_patient(g.f, 4);
    assert_int_equal(pthread_create(&t, NULL, gathers, &g), 0);
    fair_close(g.f);
    assert_int_equal(pthread_join(t, &said), 0);
    assert_int_equal((uintptr_t)said, ERR_OK);
    assert_int_equal(g.n, 1);
    job_free(g.got[0]);
    fair_free(g.f);
}

static void *wait_for_wake(void *arg)
{
    struct job *j = NULL;

    return (void *)(uintptr_t)fair_pop(arg, &j, FAIR_FOREVER);
}

static void a_wake_reaches_everybody_who_waits(void **state)
{
    struct fair *f = fair_of(true);
    pthread_t t[3];
    void *said;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&t[i], NULL, wait_for_wake, f), 0);
    for (int i = 0; i < 3; i++) {
        do
            fair_wake(f); /* who was not waiting yet is by the next */
        while (pthread_tryjoin_np(t[i], &said) != 0);
        assert_int_equal((uintptr_t)said, ERR_AGAIN);
    }
    fair_free(f);
}

static void without_memory_a_job_stays_with_who_pushed_it(void **state)
{
    struct fair *f = NULL;
    struct job *j = job_by(9, LANE_MEMBERS, 0, 0);
    long n = 0;
    enum err e;

    (void)state;
    alloc_fail_after(1);
    assert_int_equal(fair_new(false, &f), ERR_NOMEM);
    alloc_fail_after(-1);
    f = fair_of(false);
    do {
        alloc_fail_after(++n);
        e = fair_push(f, j);
        alloc_fail_after(-1);
    } while (e == ERR_NOMEM);
    assert_ok(e);
    assert_true(n > 1);
    assert_int_equal(fair_counters(f).depth, 1);
    fair_free(f); /* frees the job */
}

/* --- against a model ---------------------------------------------------------------------------
 */

#define ORGS 7
#define STEPS 20000
#define LOAD_MAX 4096

/* The same rules over plain arrays: every organisation's jobs, and a list of whose turn it is. */
struct model {
    struct {
        uint64_t req[LOAD_MAX];
        uint32_t cost[LOAD_MAX];
        size_t head, len;
        uint64_t deficit;
        bool busy;
    } org[ORGS];
    uint8_t turn[ORGS];
    size_t turns;
};

static void model_last(struct model *m, uint8_t o)
{
    m->turn[m->turns++] = o;
}

static void model_push(struct model *m, uint8_t o, uint32_t cost, uint64_t req)
{
    size_t at = m->org[o].head + m->org[o].len++;

    m->org[o].req[at % LOAD_MAX] = req;
    m->org[o].cost[at % LOAD_MAX] = cost;
    if (m->org[o].len > 1 || m->org[o].busy)
        return;
    m->org[o].deficit = FAIR_QUANTUM;
    model_last(m, o);
}

static void model_return(struct model *m, uint8_t o)
{
    if (m->org[o].len == 0)
        return;
    if (m->org[o].deficit < m->org[o].cost[m->org[o].head]) {
        m->org[o].deficit += FAIR_QUANTUM;
        model_last(m, o);
        return;
    }
    memmove(m->turn + 1, m->turn, m->turns++);
    m->turn[0] = o;
}

static uint8_t model_first(struct model *m)
{
    uint8_t o = m->turn[0];

    memmove(m->turn, m->turn + 1, --m->turns);
    return o;
}

static bool model_pop(struct model *m, bool exclusive, uint8_t *o, uint64_t *req)
{
    uint32_t cost;

    if (m->turns == 0)
        return false;
    while (m->org[m->turn[0]].deficit < m->org[m->turn[0]].cost[m->org[m->turn[0]].head]) {
        *o = model_first(m);
        m->org[*o].deficit += FAIR_QUANTUM;
        model_last(m, *o);
    }
    *o = model_first(m);
    *req = m->org[*o].req[m->org[*o].head];
    cost = m->org[*o].cost[m->org[*o].head];
    m->org[*o].head = (m->org[*o].head + 1) % LOAD_MAX;
    m->org[*o].len--;
    m->org[*o].deficit -= cost;
    m->org[*o].busy = exclusive;
    if (!exclusive)
        model_return(m, *o);
    return true;
}

/* splitmix64: the same load for the same seed, everywhere. */
static uint64_t drawn(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void compare(bool exclusive, uint64_t seed)
{
    struct fair *f = fair_of(exclusive);
    struct model *m = calloc(1, sizeof *m);
    size_t pushed = 0, popped = 0, done = 0;

    assert_non_null(m);
    for (uint64_t step = 1; step <= STEPS; step++) {
        uint8_t o = (uint8_t)(drawn(&seed) % ORGS);
        unsigned what = (unsigned)(drawn(&seed) % 100);

        if (what < 45 && m->org[o].len < LOAD_MAX) {
            uint32_t cost = JOB_COST_FIXED + (uint32_t)(drawn(&seed) % (o == 0 ? 640000 : 4000));

            put(f, o, cost, step);
            model_push(m, o, cost, step);
            pushed++;
        } else if (what < 80) {
            struct job *j = NULL;
            uint64_t req = 0;

            if (!model_pop(m, exclusive, &o, &req)) {
                assert_int_equal(fair_pop(f, &j, 0), ERR_TIMEOUT);
                continue;
            }
            assert_ok(fair_pop(f, &j, 0));
            assert_int_equal(j->who.org[0], o);
            assert_int_equal(j->req, req);
            job_free(j);
            popped++;
        } else if (exclusive && m->org[o].busy) {
            uint8_t org[ID_BYTES] = {o};

            fair_done(f, LANE_MEMBERS, org);
            m->org[o].busy = false;
            model_return(m, o);
            done++;
        }
    }
    assert_int_equal(fair_counters(f).depth, pushed - popped);
    assert_true(popped > STEPS / 10 && (!exclusive || done > STEPS / 20));
    free(m);
    fair_free(f);
}

static void it_does_what_the_model_does(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        compare(false, seed);
        compare(true, seed);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_little_does_not_wait_behind_who_asks_much),
        cmocka_unit_test(a_late_comer_waits_for_one_turn_of_each_and_no_more),
        cmocka_unit_test(large_frames_buy_no_larger_share),
        cmocka_unit_test(lanes_go_before_each_other_and_leave_members_their_quarter),
        cmocka_unit_test(a_group_is_bounded_in_bytes_and_never_empty),
        cmocka_unit_test(one_organisation_has_its_share_of_a_group_and_no_more),
        cmocka_unit_test(an_exclusive_queue_hands_out_one_of_each_at_a_time),
        cmocka_unit_test(a_wake_is_not_lost_and_a_close_hands_out_what_is_left),
        cmocka_unit_test(what_can_wait_goes_with_the_first_that_cannot),
        cmocka_unit_test(what_can_wait_does_so_each_time),
        cmocka_unit_test(what_can_wait_is_handed_out_when_it_is_time_or_the_end),
        cmocka_unit_test(a_wake_reaches_everybody_who_waits),
        cmocka_unit_test(without_memory_a_job_stays_with_who_pushed_it),
        cmocka_unit_test(it_does_what_the_model_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
