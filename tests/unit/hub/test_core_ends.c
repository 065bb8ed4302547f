/* How the core starts, stops and gives up; sessions that end; answers that cannot be given. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_world.h"

static void push(struct world *w, struct job *j)
{
    assert_ok(fair_push(w->in, j));
    world_turn(w);
}

/* --- the thread
 * ------------------------------------------------------------------------------------- */

static size_t fatal_parcels(struct world *w, enum err *why)
{
    size_t n = 0;
    void *item;

    while (queue_pop(w->out, &item) == ERR_OK) {
        struct parcel *p = item;

        if (p->kind == PARCEL_FATAL) {
            n++;
            *why = p->why;
        }
        parcel_free(p);
    }
    return n;
}

static void a_thread_ends_quietly_when_its_queue_is_closed(void **state)
{
    struct world *w = *state;
    uint64_t commits = w->core->count.commits;
    enum err why;

    assert_ok(fair_push(w->in, job_of(w, JOB_TICK, NULL)));
    fair_close(w->in);
    assert_null(core_thread(w->core));
    assert_int_equal(w->core->count.commits, commits + 1); /* what was in it has been done */
    assert_int_equal(fatal_parcels(w, &why), 0);
}

/* The sweep fails, and so does reading anew what the core holds in memory. */
static void a_thread_that_cannot_go_on_says_so_and_ends(void **state)
{
    struct world *w = *state;
    enum err why = ERR_OK;

    w->faults.fail_scan = w->faults.scans + 1;
    w->faults.fail_begin = w->faults.begins + 2;
    assert_ok(fair_push(w->in, job_of(w, JOB_TICK, NULL)));
    assert_null(core_thread(w->core));
    assert_int_equal(fatal_parcels(w, &why), 1);
    assert_int_equal(why, ERR_IO);
}

static void a_thread_whose_door_has_gone_ends_too(void **state)
{
    struct world *w = *state;

    queue_close(w->out);
    w->faults.fail_scan = w->faults.scans + 1;
    w->faults.fail_begin = w->faults.begins + 2;
    assert_ok(fair_push(w->in, job_of(w, JOB_TICK, NULL)));
    assert_null(core_thread(w->core));
    core_close(NULL);
}

static void what_is_said_to_a_door_that_has_gone_is_dropped(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);
    uint64_t accepted = w->core->count.accepted;
    struct mailbox *m = world_box(w, 1);

    queue_close(w->out);
    assert_int_equal(member_put(w->m[0], bytes_span(&whole), NULL), ERR_TIMEOUT);
    assert_int_equal(w->core->count.accepted, accepted + 1); /* on disk, and nobody to tell */
    assert_int_equal(m->out, 0);
    assert_int_equal(m->len, 1);
    bytes_free(&whole);
}

static void work_for_the_workers_changes_nothing_here(void **state)
{
    struct world *w = *state;
    struct memory before = memory_of(w), after;

    push(w, job_of(w, JOB_KEYS, NULL));
    after = memory_of(w);
    assert_same_memory(&before, &after);
}

/* --- starting
 * ------------------------------------------------------------------------------------- */

static void a_start_that_fails_anywhere_leaves_no_leaf(void **state)
{
    static const enum strike_at sorts[] = {STRIKE_BEGIN,  STRIKE_PUT,   STRIKE_SCAN,
                                           STRIKE_COMMIT, STRIKE_ALLOC, STRIKE_GET};
    struct world *w = *state;
    size_t failed = 0;
    struct member_node *m = world_invite(w, "waiting", ORG_LIBERAL, false);

    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++) {
        for (unsigned long n = 1;; n++) {
            uint64_t audit = ledger_committed_size(w->core->audit);
            enum err e;

            w->strike = (struct strike){sorts[i], n, ERR_IO, COMMIT_IO};
            strike_arm(w);
            e = core_started(w->core);
            strike_disarm(w);
            w->strike.at = STRIKE_NOTHING;
            if (e == ERR_OK)
                break;
            failed++;
            assert_true(e == ERR_IO || e == ERR_NOMEM);
            assert_ok(core_reload(w->core));
            assert_int_equal(ledger_committed_size(w->core->audit), audit);
            assert_true(n < 1000);
        }
    }
    assert_true(failed > 8);
    member_free(m);
}

/* Everything in memory is read anew from a store that holds something, and each reading and each
 * allocation of it fails once: nothing is half there after the next try. */
static void reading_everything_anew_fails_whole(void **state)
{
    static const enum strike_at sorts[] = {STRIKE_GET, STRIKE_SCAN, STRIKE_BEGIN, STRIKE_ALLOC};
    struct world *w = *state;
    struct memory before, after;
    size_t failed = 0;

    world_greet(w, 1, 0, 0);
    for (int i = 0; i < 20; i++)
        world_send(w, 0, 1);
    before = memory_of(w);
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++) {
        for (unsigned long n = 1;; n++) {
            enum err e;

            mailboxes_free(w->core->mail);
            w->core->mail = NULL;
            assert_ok(mailboxes_new(&w->core->mail));
            w->strike = (struct strike){sorts[i], n, ERR_IO, COMMIT_IO};
            strike_arm(w);
            e = core_reload(w->core);
            strike_disarm(w);
            w->strike.at = STRIKE_NOTHING;
            if (e == ERR_OK)
                break;
            failed++;
            assert_int_equal(e, sorts[i] == STRIKE_ALLOC ? ERR_NOMEM : ERR_IO);
            assert_true(n < 1000);
        }
        after = memory_of(w);
        assert_same_memory(&before, &after);
    }
    assert_true(failed > 20);
}

static void a_store_without_a_quota_is_never_tight(void **state)
{
    struct world *w = *state;
    struct core_options o = world_options(w);
    struct core *c = NULL, *used = w->core;
    struct bytes whole = world_letter(w, 0, 1);

    o.store_max_bytes = 0;
    assert_ok(core_open(&o, &c));
    assert_int_equal(c->quota, 0);
    core_close(c);
    c = used;
    c->quota = 0; /* full all the same: the disk is */
    w->strike = (struct strike){STRIKE_COMMIT, 1, ERR_OK, COMMIT_FULL};
    assert_int_equal(member_put(w->m[0], bytes_span(&whole), NULL), ERR_FULL);
    assert_false(c->tight);
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    bytes_free(&whole);
}

/* --- a full store
 * ------------------------------------------------------------------------------------- */

static enum err new_prekey(struct world *w)
{
    struct message say = {
        .type = MSG_KEYS_PUT, .statement = {member_next_req(w->m[1]), SPAN_STR("x")}
    };
    struct job *j = job_of(w, JOB_MEMBER, w->m[1]);
    struct member_answer a = {0};
    enum err e;

    assert_ok(message_encode(&say, &j->frame));
    job_prepare(w, j, 1);
    j->verdict = ERR_OK; /* the worker's word is not what is asked here */
    push(w, j);
    assert_ok(member_answer(w->m[1], say.statement.req, 0, &a));
    e = a.code;
    member_answer_free(&a);
    return e;
}

static void fill(struct world *w, uint64_t mib)
{
    uint8_t *value = calloc(1, 1u << 20), key[8];
    struct txn *t = NULL;

    assert_non_null(value);
    assert_ok(store_begin(w->core->store, TXN_WRITE, &t));
    for (uint64_t i = 0; i < mib; i++)
        assert_ok(store_put(t, TABLE_BODY, key_u64(UINT32_MAX + i, key), span_of(value, 1u << 20)));
    assert_ok(store_commit(&t));
    free(value);
}

static enum err oppose(struct world *w)
{
    struct circle_statement s;

    assert_ok(member_statement(w->m[1], w->circle, CIRCLE_OPPOSITION, &s));
    s.class_mask = CLASS_SOCIAL;
    s.way = WAY_ORAL;
    return member_declare(w->m[1], w->circle, &s, NULL);
}

static void a_tight_store_stays_tight_until_there_is_room(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);
    uint64_t quota = w->core->quota;

    world_send(w, 0, 1);
    assert_ok(member_ack_all(w->m[1]));
    for (int i = 0; i < 2; i++) { /* the second one finds it tight already */
        w->strike = (struct strike){STRIKE_COMMIT, 1, ERR_OK, COMMIT_FULL};
        world_job(w, JOB_TICK);
        assert_true(w->core->tight);
    }
    assert_int_equal(member_put(w->m[0], bytes_span(&whole), NULL), ERR_FULL);
    assert_int_equal(member_report(w->m[1], last_item(w, 1), AUDIT_OPENED, ERR_OK, NULL), ERR_FULL);
    assert_int_equal(new_prekey(w), ERR_FULL);
    assert_ok(member_sync(w->m[1])); /* reading goes on */
    assert_ok(oppose(w));
    fill(w, 2);
    w->core->quota = 2u << 20; /* that much is used */
    clock_fixed_advance(&w->clock, 1100);
    world_job(w, JOB_TICK);
    assert_true(w->core->tight && w->core->tight_room);
    w->core->quota = 1u << 20; /* and now the reserve, too */
    w->core->reserve = 1u << 20;
    clock_fixed_advance(&w->clock, 1100);
    assert_int_equal(oppose(w), ERR_FULL);
    w->core->reserve = quota / 15;
    w->core->quota = quota;
    world_job(w, JOB_TICK); /* not looked at again so soon */
    assert_true(w->core->tight);
    clock_fixed_advance(&w->clock, 1100);
    world_job(w, JOB_TICK);
    assert_false(w->core->tight);
    bytes_free(&whole);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    static const struct CMUnitTest tests[] = {
        TEST(a_thread_ends_quietly_when_its_queue_is_closed),
        TEST(a_thread_that_cannot_go_on_says_so_and_ends),
        TEST(a_thread_whose_door_has_gone_ends_too),
        TEST(what_is_said_to_a_door_that_has_gone_is_dropped),
        TEST(work_for_the_workers_changes_nothing_here),
        TEST(a_start_that_fails_anywhere_leaves_no_leaf),
        TEST(reading_everything_anew_fails_whole),
        TEST(a_store_without_a_quota_is_never_tight),
        TEST(a_tight_store_stays_tight_until_there_is_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
