/* What is told of nodes that nobody has heard of, while store and memory fail at each place in
 * turn: once for each silence, whatever failed. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_deeds.h"

#define DAY_MS (UINT64_C(24) * 3600 * 1000)

static void is_away(struct world *w, size_t i)
{
    struct job *gone = job_of(w, JOB_GONE, w->m[i]);

    gone->session = w->session[i];
    assert_ok(fair_push(w->in, gone));
    world_turn(w);
}

static enum err tick_act(struct world *w, struct deed *d)
{
    (void)d;
    world_job(w, JOB_TICK);
    return ERR_OK;
}

static void silence_prepare(struct world *w, struct deed *d)
{
    struct env_header h;

    crew_ahead(w->crew, (int64_t)(clock_now_ms(&w->clock.clock) - clock_now_ms(clock_system())));
    d->count = leaves_of(w, AUDIT_SILENT);
    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 1, &h));
    h.exp = h.ts + 20 * DAY_MS;
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("corps"), &d->bytes, NULL));
    assert_ok(member_put(w->m[0], bytes_span(&d->bytes), NULL));
}

/* He goes, and a day passes; again if he had greeted meanwhile. */
static void is_silent(struct world *w)
{
    if (!world_box(w, 1)->open)
        return;
    is_away(w, 1);
    clock_fixed_advance(&w->clock, DAY_MS + DAY_MS / 24);
    memset(&w->core->steady, 0, sizeof w->core->steady);
}

static void silence_check(struct world *w, struct deed *d)
{
    w->core->silence_looked_ms = 0;
    world_job(w, JOB_TICK);
    assert_int_equal(leaves_of(w, AUDIT_SILENT), d->count + 1); /* told once */
    crew_ahead(w->crew, (int64_t)(clock_now_ms(&w->clock.clock) - clock_now_ms(clock_system())));
    greet_all(w);
    for (size_t i = 0; i < PEOPLE; i++)
        assert_ok(member_ack_all(w->m[i]));
}

static enum err look_act(struct world *w, struct deed *d)
{
    if (leaves_of(w, AUDIT_SILENT) > d->count)
        return ERR_OK; /* it was kept after all; he has greeted since */
    is_silent(w);
    w->core->silence_looked_ms = 0;
    return tick_act(w, d);
}

static void telling_of_a_silence_survives_every_failure(void **state)
{
    struct deed d = {.prepare = silence_prepare, .act = look_act, .check = silence_check};

    every_place(*state, &d);
}

/* Its end, in which what was told is forgotten, comes with his greeting. */
static void end_prepare(struct world *w, struct deed *d)
{
    silence_prepare(w, d);
    assert_ok(look_act(w, d));
    assert_int_equal(leaves_of(w, AUDIT_SILENT), d->count + 1);
}

static enum err greet_act(struct world *w, struct deed *d)
{
    struct msg_hello hello;

    (void)d;
    assert_ok(member_hello_make(w->m[1], &hello));
    return member_hello(w->m[1], &hello);
}

static void the_end_of_a_silence_survives_every_failure(void **state)
{
    struct deed d = {.prepare = end_prepare, .act = greet_act, .check = silence_check};

    every_place(*state, &d);
}

static void row_put(struct world *w, int table, struct span key, struct span value)
{
    struct txn *t = NULL;

    assert_ok(store_begin(w->core->store, TXN_WRITE, &t));
    assert_ok(store_put(t, table, key, value));
    assert_ok(store_commit(&t));
    w->damaged = true;
}

static void a_row_of_another_form_ends_no_silence(void **state)
{
    struct world *w = *state;
    uint8_t key[9] = {0};
    struct msg_hello hello;

    be32_write(world_box(w, 1)->who.number, key);
    row_put(w, TABLE_SILENT, SPAN_OF(key), SPAN_STR("12345678"));
    assert_ok(member_hello_make(w->m[1], &hello));
    assert_int_equal(member_hello(w->m[1], &hello), ERR_UNKNOWN);
}

/* Of more senders than one look tells, the first are told now; and one who is not there any more is
 * an error of ours, not silence. */
static void a_look_at_many_senders_ends_somewhere(void **state)
{
    struct item it = {.kind = DELIVER_ENVELOPE, .count = 1};
    struct world *w = *state;
    uint64_t failed = w->core->count.failed_commits;

    it.to[0] = world_box(w, 1)->who.number;
    assert_ok(store_begin(w->core->store, TXN_WRITE, &w->core->t));
    for (uint32_t i = 0; i < 70; i++) {
        it.sender = i < 1 ? world_box(w, 0)->who.number : 5000 + i;
        assert_ok(item_add(w->core, &it, SPAN_STR("x")));
    }
    assert_ok(store_commit(&w->core->t));
    is_silent(w);
    w->core->silence_looked_ms = 0;
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.failed_commits, failed + 1);
    assert_int_equal(leaves_of(w, AUDIT_SILENT), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    static const struct CMUnitTest tests[] = {
        TEST(telling_of_a_silence_survives_every_failure),
        TEST(the_end_of_a_silence_survives_every_failure),
        TEST(a_row_of_another_form_ends_no_silence),
        TEST(a_look_at_many_senders_ends_somewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
