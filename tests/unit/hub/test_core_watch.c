/* The core: what it tells when somebody does not come, cannot act any more, or when the clock
 * jumps. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_world.h"
#include "recovery.h"
#include "warnings.h"

#define MINUTE_MS UINT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

static void away(struct world *w, size_t i)
{
    struct job *gone = job_of(w, JOB_GONE, w->m[i]);

    gone->session = w->session[i];
    assert_ok(fair_push(w->in, gone));
    world_turn(w);
}

static void greet(struct world *w, size_t i)
{
    struct msg_hello hello;

    assert_ok(member_hello_make(w->m[i], &hello));
    assert_ok(member_hello(w->m[i], &hello));
}

/* Both clocks, a minute at a time, as ticks would see it. */
static void time_passes(struct world *w, uint64_t ms)
{
    for (uint64_t gone = 0; gone < ms; gone += 10 * MINUTE_MS) {
        clock_fixed_advance(&w->clock, 10 * MINUTE_MS);
        world_job(w, JOB_TICK);
    }
}

static void send_for(struct world *w, uint64_t life_ms)
{
    struct bytes whole = {0};
    struct env_header h;

    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 1, &h));
    h.exp = h.ts + life_ms;
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("corps"), &whole, NULL));
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    bytes_free(&whole);
}

/* rabbitmq-server#10718: nobody came to fetch it, so its time never ran out. */
static void trap_expiry_not_fired_without_consumer(void **state)
{
    struct world *w = *state;

    away(w, 1);
    send_for(w, 9 * DAY_MS);
    time_passes(w, 8 * DAY_MS);
    assert_int_equal(w->core->count.expired, 0); /* the control */
    time_passes(w, 2 * DAY_MS);
    assert_int_equal(w->core->count.expired, 1);
    assert_non_null(member_receipt_of(w->m[0], AUDIT_EXPIRED, 0));
    greet(w, 1);
    assert_non_null(member_receipt_of(w->m[1], AUDIT_EXPIRED, 0));
    assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), 0);
}

/* --- the clock ---------------------------------------------------------------------------------
 */

static void jump(struct world *w, int64_t by_ms)
{
    clock_fixed_jump(&w->clock, (uint64_t)((int64_t)clock_now_ms(&w->clock.clock) + by_ms));
    world_job(w, JOB_TICK);
}

static void a_clock_set_forward_expires_nothing_until_it_is_believed(void **state)
{
    struct world *w = *state;

    away(w, 1);
    send_for(w, DAY_MS);
    world_job(w, JOB_TICK);
    jump(w, 40 * (int64_t)DAY_MS);
    for (int i = 0; i < 5; i++)
        world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.expired, 0);
    assert_int_equal(w->core->steady.jumps, 1);
    assert_true(clock_doubt_left_ms(w->core) > 0);
    jump(w, -40 * (int64_t)DAY_MS); /* somebody puts it right */
    time_passes(w, 2 * HOUR_MS);
    assert_int_equal(clock_doubt_left_ms(w->core), 0);
    assert_int_equal(w->core->count.expired, 0);
    greet(w, 1);
    assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), 1); /* nothing was lost */
}

static void a_clock_that_stays_where_it_jumped_is_believed_in_the_end(void **state)
{
    struct world *w = *state;

    away(w, 1);
    send_for(w, DAY_MS);
    world_job(w, JOB_TICK);
    jump(w, 2 * (int64_t)DAY_MS);
    time_passes(w, 50 * MINUTE_MS);
    assert_int_equal(w->core->count.expired, 0);
    time_passes(w, 20 * MINUTE_MS);
    assert_int_equal(w->core->count.expired, 1);
}

static void the_operator_says_that_the_clock_is_right(void **state)
{
    struct world *w = *state;
    json_t *data = NULL;

    away(w, 1);
    send_for(w, DAY_MS);
    world_job(w, JOB_TICK);
    assert_int_equal(world_command(w, "clock.confirm", NULL, NULL), ERR_STATE); /* no doubt */
    jump(w, 2 * (int64_t)DAY_MS);
    assert_int_equal(w->core->count.expired, 0);
    assert_ok(world_command(w, "status", NULL, &data));
    assert_true(json_integer_value(json_object_get(data, "clock_doubt_ms")) > 0);
    assert_non_null(
        strstr(json_string_value(json_object_get(w->answer, "text")), "horloge a saut"));
    json_decref(data);
    assert_ok(world_command(w, "clock.confirm", NULL, NULL));
    world_job(w, JOB_TICK);
    world_job(w, JOB_TICK); /* a slice at a time */
    assert_int_equal(w->core->count.expired, 1);
}

static void a_start_long_after_the_last_leaf_waits_too(void **state)
{
    struct world *w = *state;

    away(w, 1);
    send_for(w, DAY_MS);
    memset(&w->core->steady, 0, sizeof w->core->steady); /* as a new process */
    clock_fixed_jump(&w->clock, clock_now_ms(&w->clock.clock) + 3 * DAY_MS);
    w->core->now_ms = clock_now_ms(&w->clock.clock);
    assert_ok(store_begin(w->core->store, TXN_READ, &w->core->t));
    assert_ok(clock_start(w->core));
    store_abort(&w->core->t);
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.expired, 0);
    time_passes(w, 2 * HOUR_MS);
    assert_int_equal(w->core->count.expired, 1);
}

/* --- silence -----------------------------------------------------------------------------------
 */

static void a_silent_node_is_told_to_its_senders_once(void **state)
{
    struct world *w = *state;
    struct receipt_facts f;
    json_t *data = NULL;

    away(w, 1);
    for (int i = 0; i < 3; i++)
        send_for(w, 20 * DAY_MS);
    time_passes(w, 23 * HOUR_MS);
    assert_null(member_receipt_of(w->m[0], AUDIT_SILENT, 0));
    time_passes(w, 2 * HOUR_MS);
    assert_non_null(member_receipt_of(w->m[0], AUDIT_SILENT, 0));
    assert_ok(member_item_facts(member_receipt_of(w->m[0], AUDIT_SILENT, 0), &f));
    assert_int_equal(f.detail.count, 3);
    assert_memory_equal(f.detail.by_org, member_org(w->m[1]), ID_BYTES);
    assert_memory_equal(f.detail.by_node, member_id(w->m[1]), ID_BYTES);
    assert_true(f.detail.heard_ms > 0);
    assert_null(member_receipt_of(w->m[2], AUDIT_SILENT, 0)); /* has nothing waiting there */
    assert_ok(world_command(w, "status", NULL, &data));
    assert_int_equal(json_array_size(json_object_get(data, "silent")), 1);
    assert_non_null(strstr(json_string_value(json_object_get(w->answer, "text")), "Muet : "));
    json_decref(data);
    send_for(w, 20 * DAY_MS);
    time_passes(w, 5 * HOUR_MS);
    assert_null(member_receipt_of(w->m[0], AUDIT_SILENT, 1)); /* once for each silence */
    assert_memory_is_the_store(w);
    greet(w, 1);
    assert_ok(member_ack_all(w->m[1]));
    away(w, 1);
    send_for(w, 20 * DAY_MS);
    time_passes(w, 26 * HOUR_MS);
    assert_non_null(member_receipt_of(w->m[0], AUDIT_SILENT, 1)); /* another silence */
}

static void a_telling_that_its_commit_lost_is_told_again(void **state)
{
    struct world *w = *state;
    struct mailbox *m;

    away(w, 1);
    send_for(w, 20 * DAY_MS);
    m = mailbox_of(w->core,
                   (uint32_t)directory_find_node(w->core->dir, member_id(w->m[1]))->enrolled_at);
    while (!m->silent) { /* the tick that tells fails, whichever it is */
        assert_null(member_receipt_of(w->m[0], AUDIT_SILENT, 0));
        w->strike = (struct strike){STRIKE_COMMIT, 1, ERR_IO, COMMIT_IO};
        strike_arm(w);
        time_passes(w, 10 * MINUTE_MS);
        strike_disarm(w);
        w->strike.at = STRIKE_NOTHING;
    }
    assert_null(member_receipt_of(w->m[0], AUDIT_SILENT, 0));
    time_passes(w, 20 * MINUTE_MS);
    assert_non_null(member_receipt_of(w->m[0], AUDIT_SILENT, 0));
}

/* --- announced absences ------------------------------------------------------------------------
 */

/* Days from now; until 0: taken back. `by` submits what `of` signed. */
static enum err announce(struct world *w, size_t by, size_t of, uint64_t first, uint64_t until,
                         int64_t ahead_ms)
{
    struct absence_statement s = {.ts_ms = clock_now_ms(&w->clock.clock)};
    struct message say = {.type = MSG_KEYS_PUT};
    uint64_t today = s.ts_ms / DAY_MS;
    struct bytes ss = {0};
    enum err e;

    s.ts_ms += (uint64_t)ahead_ms;
    s.from_ms = until ? (today + first) * DAY_MS : 0;
    s.until_ms = until ? (today + until) * DAY_MS : 0;
    memcpy(s.federation, w->id.federation.id, ID_BYTES);
    memcpy(s.org, member_org(w->m[of]), ID_BYTES);
    memcpy(s.node, member_id(w->m[of]), ID_BYTES);
    if (until) {
        s.has_substitute = true;
        memcpy(s.substitute, member_org(w->m[of == 0 ? 1 : 0]), ID_BYTES);
    }
    assert_ok(absence_sign(&s, member_sign_key(w->m[of]), &ss));
    say.statement = (struct msg_statement){member_next_req(w->m[by]), bytes_span(&ss)};
    e = member_ask(w->m[by], &say, NULL);
    bytes_free(&ss);
    return e;
}

static void an_absence_is_published_and_bounded(void **state)
{
    struct world *w = *state;
    size_t told = w->keys_told;

    assert_int_equal(announce(w, 2, 1, 1, 31, 0), ERR_FROM);
    assert_int_equal(announce(w, 1, 1, 1, 368, 0), ERR_RANGE);
    assert_int_equal(announce(w, 1, 1, 5, 5, 0), ERR_FIELD_VALUE);
    assert_int_equal(announce(w, 1, 1, 1, 31, 11 * (int64_t)MINUTE_MS), ERR_SKEW);
    assert_int_equal(w->keys_told, told);
    for (int i = 0; i < ABSENCES_A_DAY; i++)
        assert_ok(announce(w, 1, 1, 1, 31, i));
    assert_int_equal(w->keys_told, told + ABSENCES_A_DAY);
    assert_int_equal(announce(w, 1, 1, 1, 31, ABSENCES_A_DAY), ERR_QUOTA);
    assert_int_equal(announce(w, 1, 1, 1, 31, ABSENCES_A_DAY - 1), ERR_EXISTS); /* said again */
    assert_ok(announce(w, 2, 2, 1, 31, 0)); /* another node's quota is its own */
    assert_memory_is_the_store(w);
    time_passes(w, 25 * HOUR_MS);
    assert_ok(announce(w, 1, 1, 0, 0, 0));
    assert_memory_is_the_store(w);
}

static void who_announced_that_he_is_closed_is_absent_and_not_silent(void **state)
{
    struct world *w = *state;
    json_t *data = NULL;

    assert_ok(announce(w, 1, 1, 0, 4, 0));
    away(w, 1);
    send_for(w, 20 * DAY_MS);
    time_passes(w, 50 * HOUR_MS);
    assert_null(member_receipt_of(w->m[0], AUDIT_SILENT, 0));
    assert_ok(world_command(w, "status", NULL, &data));
    assert_int_equal(json_array_size(json_object_get(data, "silent")), 0);
    assert_int_equal(json_array_size(json_object_get(data, "absent")), 1);
    assert_non_null(strstr(json_string_value(json_object_get(w->answer, "text")), "Absent : "));
    json_decref(data);
    time_passes(w, 46 * HOUR_MS); /* back by now, and expected for less than a day */
    assert_null(member_receipt_of(w->m[0], AUDIT_SILENT, 0));
    time_passes(w, 26 * HOUR_MS);
    assert_non_null(member_receipt_of(w->m[0], AUDIT_SILENT, 0));
    assert_memory_is_the_store(w);
}

static void who_is_there_or_has_nothing_waiting_is_not_silent(void **state)
{
    struct world *w = *state;
    json_t *data = NULL;

    away(w, 2);
    assert_ok(member_ack_all(w->m[1]));
    time_passes(w, 48 * HOUR_MS);
    assert_ok(world_command(w, "status", NULL, &data));
    assert_int_equal(json_array_size(json_object_get(data, "silent")), 0);
    json_decref(data);
}

/* --- escalation --------------------------------------------------------------------------------
 */

static json_t *org_args(struct world *w, size_t i)
{
    char hex[33];

    for (size_t k = 0; k < ID_BYTES; k++)
        snprintf(hex + 2 * k, 3, "%02x", member_org(w->m[i])[k]);
    return json_pack("{s:s}", "org", hex);
}

static size_t escalated(struct world *w)
{
    json_t *data = NULL;
    size_t n;

    assert_ok(world_command(w, "status", NULL, &data));
    n = json_array_size(json_object_get(data, "escalated"));
    json_decref(data);
    return n;
}

static void circles_of_a_suspended_organisation_are_never_orphaned(void **state)
{
    struct world *w = *state;
    struct receipt_facts f;
    json_t *data = NULL;

    assert_ok(world_command(w, "org.suspend", org_args(w, 0), &data));
    assert_int_equal(json_array_size(json_object_get(data, "escalated")), 1);
    assert_non_null(
        strstr(json_string_value(json_object_get(w->answer, "text")), "responsable et référent"));
    assert_non_null(
        strstr(json_string_value(json_object_get(w->answer, "text")),
               "Organisation suspendue : le hub ne la sert plus. Ce qui l'attend est conservé.\n"
               "Elle répond de 1 cercle(s) ; leurs autres membres sont prévenus :\n"));
    json_decref(data);
    for (size_t i = 1; i < PEOPLE; i++) {
        assert_non_null(member_receipt_of(w->m[i], AUDIT_ESCALATED, 0));
        assert_ok(member_item_facts(member_receipt_of(w->m[i], AUDIT_ESCALATED, 0), &f));
        assert_memory_equal(f.detail.circle, w->circle->handle, ID_BYTES);
        assert_memory_equal(f.detail.by_org, member_org(w->m[0]), ID_BYTES);
        assert_int_equal(f.detail.roles, ROLE_RESPONSIBLE | ROLE_REFERENT);
        assert_int_equal(f.detail.code, ERR_SUSPENDED);
    }
    assert_int_equal(escalated(w), 1);
    assert_memory_is_the_store(w);
    assert_int_equal(escalated(w), 1); /* also read again */
    assert_ok(world_command(w, "org.resume", org_args(w, 0), NULL));
    assert_int_equal(escalated(w), 0); /* resolved */
}

static void who_answers_for_nothing_leaves_nothing_behind(void **state)
{
    struct world *w = *state;
    json_t *data = NULL;

    assert_ok(world_command(w, "org.suspend", org_args(w, 2), &data));
    assert_int_equal(json_array_size(json_object_get(data, "escalated")), 0);
    json_decref(data);
    assert_null(member_receipt_of(w->m[0], AUDIT_ESCALATED, 0));
    assert_int_equal(escalated(w), 0);
}

#define MANY 150

/* m[2], and m[1] is in all of them. */
static void answers_for_many(struct world *w)
{
    for (int i = 0; i < MANY; i++) {
        struct member_circle *c = NULL;

        assert_ok(member_circle_create(w->m[2], &c));
        assert_ok(member_circle_join(w->m[2], w->m[1], c, NULL));
        member_circle_free(c);
        assert_ok(member_ack_all(w->m[1]));
        assert_ok(member_ack_all(w->m[2]));
    }
}

/* He is suspended, and of his circles no more is done than in that group. Owned. */
static json_t *first_step(struct world *w)
{
    json_t *request = json_pack("{s:s,s:o}", "cmd", "org.suspend", "args", org_args(w, 2));
    struct job *j = job_of(w, JOB_COMMAND, NULL);

    j->request = request;
    j->door = json_object();
    assert_ok(fair_push(w->in, j));
    assert_ok(core_turn(w->core, 0)); /* this group alone */
    return request;
}

/* One commit for all of them would keep everybody else waiting. */
static void many_circles_are_walked_through_in_steps_that_are_not_lost(void **state)
{
    struct world *w = *state;
    json_t *data = NULL;
    uint64_t commits;
    size_t told = 0;

    answers_for_many(w);
    commits = w->core->count.commits;
    w->strike = (struct strike){STRIKE_COMMIT, 2, ERR_OK, COMMIT_UNKNOWN_LOST};
    assert_ok(world_command(w, "org.suspend", org_args(w, 2), &data));
    assert_true(json_is_true(json_object_get(data, "escalating")));
    assert_non_null(strstr(json_string_value(json_object_get(w->answer, "text")),
                           "et ceux des suivants le seront dans l'ordre"));
    assert_true(json_integer_value(json_object_get(data, "escalated_count")) < MANY);
    json_decref(data);
    data = NULL;
    assert_true(w->struck); /* the second step was lost, and done again */
    assert_true(w->core->count.commits > commits + 1);
    assert_false(w->core->escalating);
    assert_memory_is_the_store(w);
    assert_ok(world_command(w, "status", NULL, &data));
    assert_int_equal(json_integer_value(json_object_get(data, "escalated_count")), MANY);
    assert_true(json_is_false(json_object_get(data, "escalating")));
    json_decref(data);
    assert_ok(member_ack_all(w->m[1]));
    while (member_receipt_of(w->m[1], AUDIT_ESCALATED, told))
        told++;
    assert_int_equal(told, MANY); /* each once */
}

/* It is in force again before all were told: the others need not hear of it. */
static void who_is_resumed_while_his_circles_are_walked_through_is_let_be(void **state)
{
    struct world *w = *state;
    json_t *data = NULL;
    json_t *request;

    answers_for_many(w);
    request = first_step(w);
    assert_true(w->core->escalating);
    assert_ok(core_reload(w->core)); /* as after a start */
    assert_true(w->core->escalating);
    assert_ok(world_command(w, "org.resume", org_args(w, 2), NULL));
    assert_false(w->core->escalating);
    assert_ok(world_command(w, "status", NULL, &data));
    assert_int_equal(json_integer_value(json_object_get(data, "escalated_count")), 0);
    json_decref(data);
    json_decref(request);
}

static uint64_t audit_size(const struct world *w)
{
    return ledger_committed_size(w->core->audit);
}

/* What it writes before it knows what others hold is a second history, to all of them. */
static void a_walk_that_a_backup_has_kept_waits_until_the_hub_serves(void **state)
{
    struct world *w = *state;
    json_t *data = NULL;
    json_t *request;
    uint64_t audit;

    answers_for_many(w);
    request = first_step(w);
    w->core->tight = true; /* nor does it use up what a full hub needs to get empty */
    w->core->tight_ms = clock_mono_ms(w->core->clock);
    audit = audit_size(w);
    world_turn(w);
    assert_int_equal(audit_size(w), audit);
    w->core->tight = false;
    assert_ok(restore_mark(w->core->store));
    assert_ok(core_reload(w->core)); /* as after a start */
    assert_true(w->core->recovery.on && w->core->escalating);
    world_turn(w);
    world_job(w, JOB_TICK);
    assert_int_equal(audit_size(w), audit);
    clock_fixed_advance(&w->clock, HOUR_MS);
    world_job(w, JOB_TICK); /* nobody has come: it serves again */
    assert_false(w->core->recovery.on || w->core->escalating);
    assert_ok(world_command(w, "status", NULL, &data));
    assert_int_equal(json_integer_value(json_object_get(data, "escalated_count")), MANY);
    json_decref(data);
    json_decref(request);
}

static void a_revocation_is_escalated_as_one(void **state)
{
    struct world *w = *state;
    struct receipt_facts f;

    assert_ok(world_command(w, "org.revoke", org_args(w, 0), NULL));
    assert_non_null(member_receipt_of(w->m[1], AUDIT_ESCALATED, 0));
    assert_ok(member_item_facts(member_receipt_of(w->m[1], AUDIT_ESCALATED, 0), &f));
    assert_int_equal(f.detail.code, ERR_REVOKED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    const struct CMUnitTest tests[] = {
        TEST(trap_expiry_not_fired_without_consumer),
        TEST(a_clock_set_forward_expires_nothing_until_it_is_believed),
        TEST(a_clock_that_stays_where_it_jumped_is_believed_in_the_end),
        TEST(the_operator_says_that_the_clock_is_right),
        TEST(a_start_long_after_the_last_leaf_waits_too),
        TEST(a_silent_node_is_told_to_its_senders_once),
        TEST(a_telling_that_its_commit_lost_is_told_again),
        TEST(who_is_there_or_has_nothing_waiting_is_not_silent),
        TEST(an_absence_is_published_and_bounded),
        TEST(who_announced_that_he_is_closed_is_absent_and_not_silent),
        TEST(circles_of_a_suspended_organisation_are_never_orphaned),
        TEST(who_answers_for_nothing_leaves_nothing_behind),
        TEST(many_circles_are_walked_through_in_steps_that_are_not_lost),
        TEST(who_is_resumed_while_his_circles_are_walked_through_is_let_be),
        TEST(a_walk_that_a_backup_has_kept_waits_until_the_hub_serves),
        TEST(a_revocation_is_escalated_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
