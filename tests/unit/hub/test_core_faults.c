/* The core when its store or the memory fails at each place in turn: whoever asked is told to ask
 * again or hears nothing, what is in memory is what is on disk, and asking again works once. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_deeds.h"

/* --- PUT -------------------------------------------------------------------------------------- */

static void put_prepare(struct world *w, struct deed *d)
{
    d->bytes = world_letter(w, 0, 1);
    d->count = leaves_of(w, AUDIT_ACCEPTED);
}

static enum err put_act(struct world *w, struct deed *d)
{
    return member_put(w->m[0], bytes_span(&d->bytes), NULL);
}

static void put_check(struct world *w, struct deed *d)
{
    size_t waiting = 0;

    assert_int_equal(leaves_of(w, AUDIT_ACCEPTED), d->count + 1);
    for (size_t i = 0; i < member_items(w->m[1]); i++)
        waiting +=
            member_item(w->m[1], i)->kind == DELIVER_ENVELOPE && !member_item(w->m[1], i)->acked;
    assert_true(waiting <= 1);
    greet_all(w); /* a delivery that could not be said is said again in a new session */
    assert_int_equal(last_item(w, 1)->kind, DELIVER_ENVELOPE);
    assert_true(span_equal(bytes_span(&last_item(w, 1)->item), bytes_span(&d->bytes)));
    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_ack_all(w->m[0]));
}

static void trap_duplicate_marked_before_processing_ended(void **state)
{
    struct deed d = {.prepare = put_prepare, .act = put_act, .check = put_check};

    every_place(*state, &d);
}

/* --- DECLARE ------------------------------------------------------------------------------------
 */

static void notice_prepare(struct world *w, struct deed *d)
{
    struct circle_statement s;

    assert_ok(member_statement(w->m[0], w->circle, CIRCLE_NOTICE, &s));
    s.class_mask = CLASS_SOCIAL;
    s.way = WAY_ORAL;
    s.org_count = 1;
    memcpy(s.orgs[0], member_org(w->m[1]), ID_BYTES);
    assert_ok(circle_sign(&s, member_sign_key(w->m[0]), &d->bytes));
    d->count = leaves_of(w, AUDIT_STATEMENT);
}

static enum err declare_act(struct world *w, struct deed *d)
{
    return member_declare_ss(w->m[0], bytes_span(&d->bytes), NULL);
}

static void declare_check(struct world *w, struct deed *d)
{
    assert_int_equal(leaves_of(w, AUDIT_STATEMENT), d->count + 1);
    greet_all(w);
    for (size_t i = 0; i < PEOPLE; i++) {
        assert_true(span_equal(bytes_span(&last_item(w, i)->item), bytes_span(&d->bytes)));
        assert_ok(member_ack_all(w->m[i]));
    }
}

static void notice_check(struct world *w, struct deed *d)
{
    assert_ok(circle_load(w->circle->state, bytes_span(&d->bytes)));
    declare_check(w, d);
    if (circle_act_count(w->circle->state) > 200) { /* a new circle before the old one is full */
        member_circle_free(w->circle);
        assert_ok(member_circle_create(w->m[0], &w->circle));
        for (size_t i = 1; i < PEOPLE; i++)
            assert_ok(member_circle_join(w->m[0], w->m[i], w->circle, NULL));
        for (size_t i = 0; i < PEOPLE; i++)
            assert_ok(member_ack_all(w->m[i]));
    }
}

static void a_statement_survives_every_failure(void **state)
{
    struct deed d = {.prepare = notice_prepare, .act = declare_act, .check = notice_check};

    every_place(*state, &d);
}

static void create_prepare(struct world *w, struct deed *d)
{
    struct circle_statement s;

    assert_ok(member_statement(w->m[0], NULL, CIRCLE_CREATE, &s));
    assert_ok(entropy_fill(&w->entropy, s.nonce, sizeof s.nonce));
    s.row = member_row(w->m[0]);
    assert_ok(circle_sign(&s, member_sign_key(w->m[0]), &d->bytes));
    d->count = leaves_of(w, AUDIT_STATEMENT);
}

static void create_check(struct world *w, struct deed *d)
{
    assert_int_equal(leaves_of(w, AUDIT_STATEMENT), d->count + 1);
    greet_all(w);
    assert_ok(member_ack_all(w->m[0]));
}

static void a_new_circle_survives_every_failure(void **state)
{
    struct deed d = {.prepare = create_prepare, .act = declare_act, .check = create_check};

    every_place(*state, &d);
}

/* --- ACK, REPORT, HELLO
 * --------------------------------------------------------------------------- */

static void ack_prepare(struct world *w, struct deed *d)
{
    world_send(w, 0, 1);
    world_send(w, 2, 1);
    d->count = leaves_of(w, AUDIT_DELIVERED);
}

static enum err ack_act(struct world *w, struct deed *d)
{
    struct message say = {.type = MSG_ACK};
    struct member_answer a = {0};
    struct mailbox *m;
    enum err e;

    (void)d;
    m = mailbox_of(w->core,
                   (uint32_t)directory_find_node(w->core->dir, member_id(w->m[1]))->enrolled_at);
    if (m->acked >= last_item(w, 1)->seq) /* as WELCOME says: it was kept */
        return member_barrier(w->m[1]);
    assert_ok(member_ack_make(w->m[1], last_item(w, 1)->seq, &say.ack));
    e = member_tell(w->m[1], &say);
    member_settled(w->m[1], say.ack.upto); /* on the node's disk before it is said */
    if (!e && member_answer(w->m[1], 0, 0, &a) == ERR_OK) {
        e = a.code;
        member_answer_free(&a);
    } else if (!e && m->acked < say.ack.upto) {
        e = ERR_TIMEOUT;
    }
    return e;
}

static void ack_check(struct world *w, struct deed *d)
{
    assert_int_equal(leaves_of(w, AUDIT_DELIVERED), d->count + 1);
    greet_all(w);
    assert_int_equal(last_item(w, 0)->kind, DELIVER_RECEIPT);
    assert_int_equal(last_item(w, 2)->kind, DELIVER_RECEIPT);
    for (size_t i = 0; i < PEOPLE; i++)
        assert_ok(member_ack_all(w->m[i]));
}

static void an_acknowledgement_survives_every_failure(void **state)
{
    struct deed d = {.prepare = ack_prepare, .act = ack_act, .check = ack_check};

    every_place(*state, &d);
}

static void report_prepare(struct world *w, struct deed *d)
{
    world_send(w, 0, 1);
    assert_ok(member_report_make(w->m[1], last_item(w, 1), AUDIT_OPENED, ERR_OK, &d->bytes));
    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_ack_all(w->m[0]));
    d->count = leaves_of(w, AUDIT_OPENED);
}

static enum err report_act(struct world *w, struct deed *d)
{
    struct message say = {
        .type = MSG_REPORT, .statement = {member_next_req(w->m[1]), bytes_span(&d->bytes)}
    };

    return member_ask(w->m[1], &say, NULL);
}

static void report_check(struct world *w, struct deed *d)
{
    assert_int_equal(leaves_of(w, AUDIT_OPENED), d->count + 1);
    greet_all(w);
    assert_ok(member_ack_all(w->m[0]));
}

static void a_report_survives_every_failure(void **state)
{
    struct deed d = {.prepare = report_prepare, .act = report_act, .check = report_check};

    every_place(*state, &d);
}

static enum err hello_act(struct world *w, struct deed *d)
{
    struct msg_hello hello;

    (void)d;
    assert_ok(member_hello_make(w->m[1], &hello));
    return member_hello(w->m[1], &hello);
}

static void hello_check(struct world *w, struct deed *d)
{
    (void)d;
    world_send(w, 0, 1);
    assert_int_equal(last_item(w, 1)->kind, DELIVER_ENVELOPE);
    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_ack_all(w->m[0]));
}

static void a_session_survives_every_failure(void **state)
{
    struct deed d = {.prepare = nothing_to_do, .act = hello_act, .check = hello_check};

    every_place(*state, &d);
}

/* --- pages
 * ---------------------------------------------------------------------------------------- */

static enum err keys_act(struct world *w, struct deed *d)
{
    struct message say = {.type = MSG_KEYS, .keys = {.req = member_next_req(w->m[1])}};

    (void)d;
    return member_ask(w->m[1], &say, NULL);
}

static enum err chain_act(struct world *w, struct deed *d)
{
    struct message say = {.type = MSG_CHAIN, .chain = {.req = member_next_req(w->m[1])}};

    (void)d;
    memcpy(say.chain.circle, w->circle->handle, ID_BYTES);
    circles_forget(w->core->circles); /* so that it is folded from the store */
    return member_ask(w->m[1], &say, NULL);
}

static void a_page_of_keys_survives_every_failure(void **state)
{
    reading_fails_and_is_asked_again(*state, keys_act);
}

static void a_page_of_a_chain_survives_every_failure(void **state)
{
    reading_fails_and_is_asked_again(*state, chain_act);
}

/* --- expiry and holding back
 * ------------------------------------------------------------------------ */

static void expiry_prepare(struct world *w, struct deed *d)
{
    struct env_header h;

    crew_ahead(w->crew, (int64_t)(clock_now_ms(&w->clock.clock) - clock_now_ms(clock_system())));
    d->count = leaves_of(w, AUDIT_EXPIRED);
    w->core->sweep_at = 0; /* the first tick finds it, and is the one that is struck */
    member_credit(w->m[1], 0, 0);
    greet_all(w);
    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 1, &h));
    h.exp = h.ts + 60000;
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("x"), &d->bytes, NULL));
    assert_ok(member_put(w->m[0], bytes_span(&d->bytes), NULL));
    clock_fixed_advance(&w->clock, 120000);
}

static enum err tick_act(struct world *w, struct deed *d)
{
    (void)d;
    world_job(w, JOB_TICK);
    world_job(w, JOB_TICK); /* a slice of the sweep may begin behind it */
    return ERR_OK;
}

static void expiry_check(struct world *w, struct deed *d)
{
    member_credit(w->m[1], 100, 1 << 20);
    greet_all(w);
    assert_int_equal(leaves_of(w, AUDIT_EXPIRED), d->count + 1);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(last_item(w, i)->kind, DELIVER_RECEIPT);
        assert_ok(member_ack_all(w->m[i]));
    }
}

static void expiry_survives_every_failure(void **state)
{
    struct deed d = {.prepare = expiry_prepare, .act = tick_act, .check = expiry_check};

    every_place(*state, &d);
}

/* From 0 to 1, who does not come; 2 stands in for him after a minute. */
static void deputy_prepare(struct world *w, struct deed *d)
{
    struct env_header h;

    crew_ahead(w->crew, (int64_t)(clock_now_ms(&w->clock.clock) - clock_now_ms(clock_system())));
    d->count = leaves_of(w, AUDIT_DEPUTY);
    member_credit(w->m[1], 0, 0);
    greet_all(w);
    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 2, &h));
    h.has_deputy = true;
    h.deputy_count = 1;
    h.deputy[0] = (struct env_deputy){0, DEPUTY_AFTER_MIN_S};
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("x"), &d->bytes, NULL));
    assert_ok(member_put(w->m[0], bytes_span(&d->bytes), NULL));
    clock_fixed_advance(&w->clock, 61000);
}

static void deputy_check(struct world *w, struct deed *d)
{
    size_t copies = 0;

    greet_all(w);
    assert_int_equal(leaves_of(w, AUDIT_DEPUTY), d->count + 1);
    for (size_t i = 0; i < member_items(w->m[2]); i++)
        if (span_equal(bytes_span(&member_item(w->m[2], i)->item), bytes_span(&d->bytes)))
            copies++;
    assert_int_equal(copies, 1);
    assert_ok(member_recall(w->m[0], bytes_span(&d->bytes), RECALL_NO_REASON, NULL));
    for (size_t i = 0; i < PEOPLE; i++) {
        member_credit(w->m[i], 100, 1 << 20);
        greet_all(w);
        assert_ok(member_ack_all(w->m[i]));
        member_forget_mail(w->m[i]);
    }
}

static void releasing_to_a_deputy_survives_every_failure(void **state)
{
    struct deed d = {.prepare = deputy_prepare, .act = tick_act, .check = deputy_check};

    every_place(*state, &d);
}

static void held_prepare(struct world *w, struct deed *d)
{
    struct env_header h;

    if (circle_act_count(w->circle->state) > 200) {
        member_circle_free(w->circle);
        assert_ok(member_circle_create(w->m[0], &w->circle));
        for (size_t i = 1; i < PEOPLE; i++)
            assert_ok(member_circle_join(w->m[0], w->m[i], w->circle, NULL));
    }
    d->count = leaves_of(w, AUDIT_HELD);
    assert_ok(member_consent(w->m[0], w->circle, CLASS_SOCIAL, w->m[1], &d->n));
    for (size_t i = 0; i < PEOPLE; i++)
        assert_ok(member_ack_all(w->m[i]));
    member_credit(w->m[1], 0, 0);
    greet_all(w);
    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 1, &h));
    h.basis = BASIS_CONSENTI;
    h.has_consent = true;
    h.consent = d->n;
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("x"), &d->bytes, NULL));
    assert_ok(member_put(w->m[0], bytes_span(&d->bytes), NULL));
    assert_ok(member_withdraw(w->m[0], w->circle, d->n));
    member_credit(w->m[1], 100, 1 << 20);
}

static void held_check(struct world *w, struct deed *d)
{
    greet_all(w);
    world_job(w, JOB_TICK);
    assert_int_equal(leaves_of(w, AUDIT_HELD), d->count + 1);
    for (size_t i = 0; i < PEOPLE; i++)
        assert_ok(member_ack_all(w->m[i]));
    for (size_t i = 0; i < member_items(w->m[1]); i++)
        assert_int_not_equal(member_item(w->m[1], i)->kind, DELIVER_ENVELOPE);
}

static void holding_back_survives_every_failure(void **state)
{
    struct deed d = {.prepare = held_prepare, .act = hello_act, .check = held_check};

    every_place(*state, &d);
}

/* --- enrolment and the operator
 * ---------------------------------------------------------------------- */

static enum err invite_act(struct world *w, struct deed *d)
{
    (void)d;
    return world_command(w, "invite", json_pack("{s:s,s:i}", "name", "Essai", "kind", ORG_DAC),
                         NULL);
}

static void inviting_survives_every_failure(void **state)
{
    struct deed d = {.prepare = nothing_to_do, .act = invite_act, .check = nothing_to_do};

    every_place(*state, &d);
}

static struct member_node *newcomer;

static void join_prepare(struct world *w, struct deed *d)
{
    member_free(newcomer);
    snprintf((char *)d->id, sizeof d->id, "new-%u", d->n++ % 1000000);
    newcomer = world_invite(w, (const char *)d->id, ORG_LIBERAL, false);
}

static enum err join_act(struct world *w, struct deed *d)
{
    enum join_state state = JOIN_REFUSED;
    enum err code;
    enum err e;

    (void)w;
    (void)d;
    if ((e = member_join(newcomer, &state, &code)))
        return e;
    assert_int_equal(state, JOIN_APPROVAL);
    return ERR_OK;
}

static void join_check(struct world *w, struct deed *d)
{
    assert_ok(join_act(w, d));
}

static void joining_survives_every_failure(void **state)
{
    struct deed d = {.prepare = join_prepare, .act = join_act, .check = join_check};

    every_place(*state, &d);
    member_free(newcomer);
    newcomer = NULL;
}

static void enrol_prepare(struct world *w, struct deed *d)
{
    struct bytes request = {0};

    join_prepare(w, d);
    world_ask(newcomer, JOIN_APPROVAL);
    assert_ok(world_approve(w, newcomer, &request));
    assert_ok(
        request_sign_with(world_registrar, ROLE_REGISTRAR, NULL, bytes_span(&request), &d->bytes));
    d->count = directory_size(w->core->dir);
    bytes_free(&request);
}

/* The operator is told that the request is gone when it was kept after all: then it is there. */
static enum err enrol_act(struct world *w, struct deed *d)
{
    bool complete = false;
    enum err e = world_import(w, bytes_span(&d->bytes), &complete);

    if (e == ERR_NOT_FOUND && directory_size(w->core->dir) == d->count + 1)
        return ERR_OK;
    return e;
}

static void enrol_check(struct world *w, struct deed *d)
{
    assert_int_equal(directory_size(w->core->dir), d->count + 1);
    world_ask(newcomer, JOIN_ENROLLED);
}

static void an_enrolment_survives_every_failure(void **state)
{
    struct world *w = *state;
    struct deed d = {.prepare = enrol_prepare, .act = enrol_act, .check = enrol_check};
    size_t told = w->keys_told;
    uint64_t size = directory_size(w->core->dir);

    every_place(w, &d);
    /* Every leaf was announced to the door and the workers, also after a commit in doubt. */
    assert_int_equal(w->keys_told - told, directory_size(w->core->dir) - size);
    member_free(newcomer);
    newcomer = NULL;
}

static void approve_prepare(struct world *w, struct deed *d)
{
    join_prepare(w, d);
    world_ask(newcomer, JOIN_APPROVAL);
}

static enum err approve_act(struct world *w, struct deed *d)
{
    return world_approve(w, newcomer, &d->note);
}

static void approve_check(struct world *w, struct deed *d)
{
    (void)w;
    (void)d;
    world_ask(newcomer, JOIN_REGISTRAR);
}

static void an_approval_survives_every_failure(void **state)
{
    struct deed d = {.prepare = approve_prepare, .act = approve_act, .check = approve_check};

    every_place(*state, &d);
    member_free(newcomer);
    newcomer = NULL;
}

/* Suspended and resumed in turn: m[2], who is not asked to greet meanwhile. */
static void suspend_prepare(struct world *w, struct deed *d)
{
    (void)d;
    if (org_is_suspended(w))
        assert_ok(world_about(w, "org.resume", "org", member_org(w->m[2]), NULL));
}

static enum err suspend_act(struct world *w, struct deed *d)
{
    (void)d;
    if (org_is_suspended(w))
        return ERR_OK;
    return world_about(w, "org.suspend", "org", member_org(w->m[2]), NULL);
}

static void suspend_check(struct world *w, struct deed *d)
{
    struct bytes whole = {0};

    (void)d;
    assert_true(org_is_suspended(w));
    assert_ok(member_letter(w->m[0], w->circle->handle, &w->m[2], 1, SPAN_STR("x"), &whole));
    assert_int_equal(member_put(w->m[0], bytes_span(&whole), NULL), ERR_ADDRESSEE);
    bytes_free(&whole);
}

static void a_suspension_survives_every_failure(void **state)
{
    struct deed d = {.prepare = suspend_prepare, .act = suspend_act, .check = suspend_check};

    every_place(*state, &d);
}

/* What only reads. */
static const char *reading;

static enum err read_act(struct world *w, struct deed *d)
{
    (void)d;
    return world_command(w, reading, NULL, NULL);
}

static void what_an_operator_reads_survives_every_failure(void **state)
{
    static const char *const names[] = {"status", "log", "org.list", "requests", "trust"};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        reading = names[i];
        reading_fails_and_is_asked_again(w, read_act);
    }
}

/* --- opening
 * ----------------------------------------------------------------------------------------- */

static void a_core_that_cannot_open_says_so_and_leaks_nothing(void **state)
{
    struct world *w = *state;
    struct core_options o = world_options(w);
    struct core *c = NULL;
    long n = 0;
    enum err e;

    do {
        alloc_fail_after(++n);
        e = core_open(&o, &c);
        alloc_fail_after(-1);
    } while (e == ERR_NOMEM);
    assert_ok(e);
    assert_true(n > 10);
    core_close(c);
    for (unsigned long at = 1; at < 40; at++) {
        w->faults.fail_begin = w->faults.begins + at;
        w->faults.begin_error = ERR_IO;
        if ((e = core_open(&o, &c)) == ERR_OK)
            break;
        assert_int_equal(e, ERR_IO);
    }
    w->faults.fail_begin = 0;
    assert_ok(e);
    core_close(c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    static const struct CMUnitTest tests[] = {
        TEST(trap_duplicate_marked_before_processing_ended),
        TEST(a_statement_survives_every_failure),
        TEST(a_new_circle_survives_every_failure),
        TEST(an_acknowledgement_survives_every_failure),
        TEST(a_report_survives_every_failure),
        TEST(a_session_survives_every_failure),
        TEST(a_page_of_keys_survives_every_failure),
        TEST(a_page_of_a_chain_survives_every_failure),
        TEST(expiry_survives_every_failure),
        TEST(releasing_to_a_deputy_survives_every_failure),
        TEST(holding_back_survives_every_failure),
        TEST(inviting_survives_every_failure),
        TEST(joining_survives_every_failure),
        TEST(an_enrolment_survives_every_failure),
        TEST(an_approval_survives_every_failure),
        TEST(a_suspension_survives_every_failure),
        TEST(what_an_operator_reads_survives_every_failure),
        TEST(a_core_that_cannot_open_says_so_and_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
