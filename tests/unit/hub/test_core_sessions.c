/* Sessions, acknowledgements, reports: what a node says at the wrong moment, twice, or in another
 * form; and that a failure of the store is never an answer to it. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "checkpoint.h"
#include "core_world.h"
#include "writer.h"

static void push(struct world *w, struct job *j)
{
    assert_ok(fair_push(w->in, j));
    world_turn(w);
}

/* --- HELLO and the end of sessions
 * ------------------------------------------------------------------------------------- */

/* A HELLO over a connection of the test's choice, in a session of the test's choice. */
static struct job *hello_from(struct world *w, size_t i, const char *routing, uint64_t session)
{
    struct job *j = job_of(w, JOB_HELLO, w->m[i]);
    struct message say = {.type = MSG_HELLO};

    assert_ok(member_hello_make(w->m[i], &say.hello));
    assert_ok(message_encode(&say, &j->frame));
    assert_ok(message_decode(bytes_span(&j->frame), SENT_BY_NODE, &j->message));
    j->session = session;
    j->peer.routing_len = (uint8_t)strlen(routing);
    memcpy(j->peer.routing, routing, strlen(routing));
    return j;
}

/* Errors that were said to nobody's request, as ERR_FENCED is. */
static size_t heard(struct world *w, size_t i, enum err code)
{
    struct member_answer a = {0};
    size_t n = 0;

    while (member_answer(w->m[i], 0, 0, &a) == ERR_OK) {
        n += a.code == code;
        member_answer_free(&a);
    }
    return n;
}

static void who_greets_from_elsewhere_fences_the_former_session(void **state)
{
    static const char *const places[] = {"here", "hier", "farther", "here"};
    struct world *w = *state;

    w->place[1] = 77;
    push(w, hello_from(w, 1, places[0], 900));
    heard(w, 1, ERR_FENCED);
    push(w, hello_from(w, 1, places[0], 901)); /* where he was: nobody is fenced */
    assert_int_equal(heard(w, 1, ERR_FENCED), 0);
    for (uint64_t i = 1; i < 4; i++) {
        push(w, hello_from(w, 1, places[i], 901 + i));
        assert_int_equal(heard(w, 1, ERR_FENCED), 1);
        assert_int_equal(world_box(w, 1)->session, 901 + i);
    }
    w->place[1] = 78; /* another connection under the same routing name */
    push(w, hello_from(w, 1, places[3], 905));
    assert_int_equal(heard(w, 1, ERR_FENCED), 1);
    push(w, hello_from(w, 1, "elsewhere", 905)); /* the door's number is what a session is */
    assert_int_equal(heard(w, 1, ERR_FENCED), 0);
    assert_true(world_box(w, 1)->open);
}

static void the_same_session_number_with_another_nonce_is_a_clone(void **state)
{
    struct world *w = *state;
    struct msg_hello hello;

    assert_ok(member_hello_make(w->m[1], &hello));
    assert_ok(member_hello(w->m[1], &hello));
    assert_ok(member_hello(w->m[1], &hello)); /* the same again: its answer was lost */
    assert_int_equal(w->core->count.clones, 0);
    hello.nonce[0] ^= 1;
    assert_int_equal(member_hello(w->m[1], &hello), ERR_CLONED);
    assert_int_equal(w->core->count.clones, 1);
    assert_true(world_box(w, 1)->cloned);
}

/* Each failure in turn: the alarm is logged once, and the node stopped, or neither. */
static void a_clone_is_noticed_once_whatever_fails(void **state)
{
    static const struct strike sorts[] = {
        {STRIKE_PUT,    0, ERR_IO, COMMIT_CONFLICT       },
        {STRIKE_ALLOC,  0, ERR_OK, COMMIT_CONFLICT       },
        {STRIKE_COMMIT, 0, ERR_OK, COMMIT_UNKNOWN_LOST   },
        {STRIKE_COMMIT, 0, ERR_OK, COMMIT_UNKNOWN_WRITTEN},
    };
    struct world *w = *state;
    struct msg_hello hello;
    size_t struck = 0;

    assert_ok(member_hello_make(w->m[1], &hello));
    hello.incarnation[3] ^= 1;
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++) {
        for (unsigned long n = 1;; n++) {
            struct mailbox *m = world_box(w, 1);
            uint64_t audit;

            m->cloned = false; /* as an operator clears it */
            assert_ok(store_begin(w->core->store, TXN_WRITE, &w->core->t));
            assert_ok(mailbox_save(w->core, m));
            assert_ok(store_commit(&w->core->t));
            audit = ledger_committed_size(w->core->audit);
            w->strike = sorts[i];
            w->strike.n = n;
            w->struck = false;
            (void)!member_hello(w->m[1], &hello);
            assert_memory_is_the_store(w);
            if (!w->struck)
                break;
            struck++;
            assert_int_equal(member_hello(w->m[1], &hello), ERR_CLONED);
            assert_true(world_box(w, 1)->cloned);
            /* the alarm, and a refusal each time one was told */
            assert_in_range(ledger_committed_size(w->core->audit) - audit, 2, 3);
            assert_true(n < 500);
        }
    }
    assert_true(struck > 8);
}

static void the_end_of_another_session_ends_nothing(void **state)
{
    struct world *w = *state;
    struct message say = {.type = MSG_ACK};
    struct member_answer a = {0};
    struct job *j = job_of(w, JOB_GONE, w->m[1]);

    j->session = w->session[1] + 1000;
    push(w, j);
    assert_true(world_box(w, 1)->open);
    j = job_of(w, JOB_GONE, w->m[1]);
    j->who.number = 9999;
    push(w, j);
    for (int i = 0; i < 2; i++) { /* said twice, it has ended once */
        j = job_of(w, JOB_GONE, w->m[1]);
        j->session = w->session[1];
        push(w, j);
        assert_false(world_box(w, 1)->open);
    }
    assert_ok(member_ack_make(w->m[1], member_acked(w->m[1]), &say.ack));
    assert_ok(member_tell(w->m[1], &say)); /* it was on its way when the session ended */
    assert_ok(member_answer(w->m[1], 0, 0, &a));
    assert_int_equal(a.code, ERR_MESSAGE_STATE);
    member_answer_free(&a);
}

/* Its group was lost, but a later HELLO has opened a session meanwhile: that one stays. */
static void undoing_a_hello_leaves_a_newer_session_alone(void **state)
{
    struct world *w = *state;
    struct job j = {.kind = JOB_HELLO, .who = world_box(w, 1)->who, .session = 5};

    hello_undo(w->core, &j);
    assert_true(world_box(w, 1)->open);
    j.session = world_box(w, 1)->session;
    hello_undo(w->core, &j);
    assert_false(world_box(w, 1)->open);
    j.who.number = 9999;
    hello_undo(w->core, &j);
}

/* --- ACK and REPORT
 * ------------------------------------------------------------------------------------- */

static void an_ack_that_begins_elsewhere_is_out_of_range(void **state)
{
    struct world *w = *state;
    struct message say = {.type = MSG_ACK};
    struct member_answer a = {0};

    world_send(w, 0, 1);
    say.ack.upto = last_item(w, 1)->seq;
    w->after[1] = member_acked(w->m[1]) + 1; /* as if an ACK between had been lost at the door */
    assert_ok(member_tell(w->m[1], &say));
    assert_ok(member_answer(w->m[1], 0, 0, &a));
    assert_int_equal(a.code, ERR_RANGE);
    assert_int_equal(w->core->count.delivered, 0);
    member_answer_free(&a);
}

struct said {
    uint8_t mid[ID_BYTES], digest[DIGEST_BYTES], from[ID_BYTES], by[ID_BYTES];
    uint64_t extra; /* a key that no report has; 0: none */
};

static enum err report(struct world *w, size_t i, const struct said *r, size_t signatures)
{
    struct message say = {.type = MSG_REPORT, .statement = {.req = member_next_req(w->m[i])}};
    struct statement_sig sig[2];
    struct bytes stmt = {0}, ss = {0};
    struct writer out;
    enum err e;

    wr_init(&out);
    wr_map(&out, r->extra ? 9 : 8);
    wr_key(&out, 1);
    wr_uint(&out, AUDIT_OPENED);
    wr_key(&out, 2);
    wr_bin(&out, SPAN_OF(r->mid));
    wr_key(&out, 3);
    wr_bin(&out, SPAN_OF(r->digest));
    wr_key(&out, 4);
    wr_bin(&out, SPAN_OF(r->from));
    wr_key(&out, 5);
    wr_bin(&out, SPAN_OF(r->by));
    wr_key(&out, 6);
    wr_uint(&out, clock_now_ms(&w->clock.clock));
    wr_key(&out, 7);
    wr_uint(&out, 0);
    wr_key(&out, 8);
    wr_bin(&out, span_of(member_actor(w->m[i]), ID_BYTES));
    if (r->extra) {
        wr_key(&out, r->extra);
        wr_uint(&out, 1);
    }
    assert_ok(wr_take(&out, &stmt));
    for (size_t k = 0; k < signatures; k++) /* by this node; and, in another role, by its author */
        assert_ok(statement_sign(STATEMENT_REPORT, bytes_span(&stmt), k ? ROLE_AUTHOR : ROLE_NODE,
                                 member_org(w->m[i]), member_sign_key(w->m[i]), &sig[k]));
    assert_ok(statement_join(bytes_span(&stmt), sig, signatures, &ss));
    say.statement.ss = bytes_span(&ss);
    e = member_ask(w->m[i], &say, NULL);
    bytes_free(&stmt);
    bytes_free(&ss);
    return e;
}

static struct said said_of(const struct world *w, size_t by, const struct bytes *whole)
{
    struct envelope_view view;
    struct env_header h;
    struct said r = {0};

    assert_ok(envelope_parse(bytes_span(whole), &view, &h, NULL));
    assert_ok(envelope_digest(&view, r.digest));
    memcpy(r.mid, h.mid, ID_BYTES);
    memcpy(r.from, h.from, ID_BYTES);
    memcpy(r.by, member_org(w->m[by]), ID_BYTES);
    return r;
}

/* It expired before it was ever sent to him. */
static void what_never_came_cannot_be_reported_on(void **state)
{
    struct world *w = *state;
    struct bytes whole = {0};
    struct env_header h;
    struct said r;

    world_greet(w, 1, 0, 0);
    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 1, &h));
    h.exp = h.ts + 60000;
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("x"), &whole, NULL));
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    clock_fixed_advance(&w->clock, 120000);
    world_job(w, JOB_TICK);
    world_greet(w, 1, 100, 1 << 20);
    assert_ok(member_ack_all(w->m[1])); /* the receipt, which comes behind it */
    r = said_of(w, 1, &whole);
    assert_int_equal(report(w, 1, &r, 1), ERR_STATE);
    assert_int_equal(w->core->count.reports, 0);
    bytes_free(&whole);
}

static void a_report_says_what_was_sent_and_by_whom(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);
    struct said honest = said_of(w, 1, &whole), r;

    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    assert_ok(member_ack_all(w->m[1]));
    r = honest;
    memcpy(r.by, member_org(w->m[2]), ID_BYTES);
    assert_int_equal(report(w, 1, &r, 1), ERR_FROM);
    r = honest;
    r.digest[7] ^= 1;
    assert_int_equal(report(w, 1, &r, 1), ERR_NOT_FOUND);
    r = honest;
    r.extra = 9;
    assert_int_equal(report(w, 1, &r, 1), ERR_FIELD_UNKNOWN);
    assert_int_equal(report(w, 1, &honest, 2), ERR_FIELD_VALUE);
    assert_int_equal(w->core->count.reports, 0);
    assert_ok(report(w, 1, &honest, 1));
    assert_int_equal(w->core->count.reports, 1);
    bytes_free(&whole);
}

/* --- a store that fails is no judge
 * ------------------------------------------------------------------------------------- */

static const enum err failures[] = {ERR_NOMEM,    ERR_IO,       ERR_FULL,  ERR_CORRUPT,
                                    ERR_INTERNAL, ERR_READONLY, ERR_RANDOM};

static enum err told_for(enum err why)
{
    return why == ERR_FULL || why == ERR_READONLY ? why : ERR_UNKNOWN;
}

static void a_failure_of_the_store_is_never_a_refusal(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);
    uint64_t audit = ledger_committed_size(w->core->audit);

    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        circles_forget(w->core->circles);
        w->strike = (struct strike){STRIKE_SCAN, 1, failures[i], COMMIT_CONFLICT};
        w->struck = false;
        assert_int_equal(member_put(w->m[0], bytes_span(&whole), NULL), told_for(failures[i]));
        assert_true(w->struck);
        w->core->tight = false;
        assert_int_equal(ledger_committed_size(w->core->audit), audit);
    }
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    bytes_free(&whole);
}

static void nor_is_it_one_of_a_statement(void **state)
{
    static const enum err some[] = {ERR_NOMEM, ERR_IO, ERR_CORRUPT, ERR_INTERNAL};
    struct world *w = *state;
    uint64_t audit = ledger_committed_size(w->core->audit);
    struct circle_statement s;

    assert_ok(member_statement(w->m[1], w->circle, CIRCLE_OPPOSITION, &s));
    s.class_mask = CLASS_MEDICAL;
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        circles_forget(w->core->circles);
        w->strike = (struct strike){STRIKE_SCAN, 1, some[i], COMMIT_CONFLICT};
        w->struck = false;
        assert_int_equal(member_declare(w->m[1], w->circle, &s, NULL), ERR_UNKNOWN);
        assert_true(w->struck);
        assert_int_equal(ledger_committed_size(w->core->audit), audit);
    }
    assert_ok(member_declare(w->m[1], w->circle, &s, NULL));
}

static enum err no_randomness(void *arg, uint8_t *out, size_t n)
{
    (void)arg;
    (void)out;
    (void)n;
    return ERR_RANDOM;
}

static void without_randomness_nothing_is_logged(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);
    struct entropy none = {no_randomness, NULL};
    uint64_t audit = ledger_committed_size(w->core->audit);
    struct detail d = {.has = RD_KEY(DETAIL_ACT), .act = ACT_START};
    uint64_t index = 12345;

    assert_ok(store_begin(w->core->store, TXN_WRITE, &w->core->t));
    w->core->entropy = &none;
    assert_int_equal(audit_add(w->core, AUDIT_ACT, &d, &index), ERR_RANDOM);
    w->core->entropy = &w->entropy;
    assert_int_equal(index, 12345);
    store_abort(&w->core->t);
    assert_int_equal(ledger_size(w->core->audit), audit);
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    bytes_free(&whole);
}

/* Heads are proofs made on demand: each reading that fails is told, and nothing false is kept. */
static void a_receipt_that_cannot_be_read_is_not_made_up(void **state)
{
    static const enum strike_at sorts[] = {STRIKE_GET, STRIKE_SCAN, STRIKE_ALLOC};
    struct world *w = *state;
    struct bytes right = {0}, out = {0};
    size_t failed = 0;
    uint64_t index;

    for (int i = 0; i < 300; i++) { /* more than one tile of the log */
        struct detail d = {.has = RD_KEY(DETAIL_ACT), .act = ACT_START};

        assert_ok(store_begin(w->core->store, TXN_WRITE, &w->core->t));
        assert_ok(audit_add(w->core, AUDIT_ACT, &d, &index));
        assert_ok(store_commit(&w->core->t));
        ledger_committed(w->core->audit);
    }
    world_send(w, 0, 1);
    index = ledger_committed_size(w->core->audit) - 1;
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++) {
        for (unsigned long n = 1;; n++) {
            struct txn *t = NULL;
            enum err e;

            heads_forget(w->core->heads);
            bytes_free(&out);
            assert_ok(store_begin(w->core->store, TXN_READ, &t));
            w->strike = (struct strike){sorts[i], n, ERR_IO, COMMIT_CONFLICT};
            strike_arm(w);
            e = audit_receipt(w->core, t, index, NULL, &out);
            strike_disarm(w);
            w->strike.at = STRIKE_NOTHING;
            store_abort(&t);
            if (e == ERR_OK)
                break;
            failed++;
            assert_int_equal(e, sorts[i] == STRIKE_ALLOC ? ERR_NOMEM : ERR_IO);
            assert_int_equal(out.len, 0);
            assert_true(n < 200);
        }
        if (!right.len)
            assert_ok(bytes_copy(&right, bytes_span(&out)));
        assert_true(span_equal(bytes_span(&right), bytes_span(&out)));
    }
    assert_true(failed > 5);
    bytes_free(&right);
    bytes_free(&out);
}

/* Our signature on another history, each allocation failing in turn: an alarm, or asked again. It
 * is never taken for rubbish because there was no memory to look at it. */
static void another_history_is_an_alarm_whatever_memory_there_is(void **state)
{
    struct world *w = *state;
    struct bytes note = {0}, whole = {0};
    struct env_header h;
    size_t asked_again = 0;
    enum err e;

    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 1, &h));
    h.audit_head.root[0] ^= 1;
    assert_ok(checkpoint_body(span_text(w->id.audit_origin), h.audit_head.size, h.audit_head.root,
                              &note));
    assert_ok(sign_note(w->id.audit_log, bytes_span(&note), h.audit_head.sig));
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("x"), &whole, NULL));
    for (unsigned long n = 1;; n++) {
        uint64_t audit = ledger_committed_size(w->core->audit);

        w->strike = (struct strike){STRIKE_ALLOC, n, ERR_OK, COMMIT_CONFLICT};
        w->struck = false;
        e = member_put(w->m[0], bytes_span(&whole), NULL);
        if (!w->struck || e == ERR_BEHIND) /* it has stopped, and greets nobody */
            break;
        assert_int_not_equal(e, ERR_CHECKPOINT);
        asked_again += e == ERR_UNKNOWN;
        assert_int_equal(ledger_committed_size(w->core->audit), audit);
        world_greet(w, 0, 100, 1 << 20);
    }
    assert_int_equal(e, ERR_BEHIND);
    assert_true(asked_again > 5);
    bytes_free(&note);
    bytes_free(&whole);
}

/* --- two failures at once
 * ------------------------------------------------------------------------------------- */

/* One group whose n-th allocation fails, beside what the store was told to fail. */
static enum err turn_with(struct world *w, long n)
{
    enum err e;

    alloc_fail_after(n);
    e = core_turn(w->core, 0);
    alloc_fail_after(-1);
    w->faults.fail_begin = w->faults.fail_commit = 0;
    return e;
}

/* The receipt cannot be read, and there is no memory for the apology: silence, and the same PUT
 * again has its receipt. */
static void an_answer_that_is_lost_can_be_asked_for_again(void **state)
{
    struct world *w = *state;
    size_t silent = 0;

    for (long n = 1; n < 60; n++) {
        struct bytes whole = world_letter(w, 0, 2);
        struct job *j = job_of(w, JOB_MEMBER, w->m[0]);
        uint64_t accepted = w->core->count.accepted;
        uint64_t req = member_next_req(w->m[0]);
        struct member_answer a = {0};
        enum err e;

        assert_ok(member_put_frame(req, bytes_span(&whole), &j->frame));
        job_prepare(w, j, 0);
        assert_ok(fair_push(w->in, j));
        w->faults.fail_begin = w->faults.begins + 2; /* of what reads the receipt */
        e = turn_with(w, n);
        parcels_out(w);
        if (e) /* as the next start does */
            assert_ok(core_reload(w->core));
        else if (w->core->count.accepted == accepted + 1)
            silent += member_answer(w->m[0], req, 0, &a) == ERR_TIMEOUT;
        member_answer_free(&a);
        member_forget_answers(w->m[0]);
        world_greet(w, 0, 100, 1 << 20);
        assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
        assert_memory_is_the_store(w);
        bytes_free(&whole);
    }
    assert_int_equal(silent, 1); /* one place where nothing can be said */
}

/* The commit fails, and then the memory for saying so: the core ends rather than say nothing. */
static void a_lost_group_that_cannot_be_told_ends_the_core(void **state)
{
    struct world *w = *state;
    size_t ended = 0, told = 0;

    for (long n = 1; n < 200; n++) {
        struct bytes whole = world_letter(w, 0, 2);
        struct job *j = job_of(w, JOB_MEMBER, w->m[0]);
        uint64_t audit = ledger_committed_size(w->core->audit);
        enum err e;

        assert_ok(member_put_frame(member_next_req(w->m[0]), bytes_span(&whole), &j->frame));
        job_prepare(w, j, 0);
        assert_ok(fair_push(w->in, j));
        w->faults.fail_commit = w->faults.commits + 1;
        w->faults.commit_fault = COMMIT_UNKNOWN_LOST;
        e = turn_with(w, n);
        assert_true(e == ERR_OK || e == ERR_NOMEM);
        ended += e == ERR_NOMEM;
        told += e == ERR_OK;
        parcels_out(w);
        assert_ok(core_reload(w->core)); /* as the next start does */
        assert_int_equal(ledger_committed_size(w->core->audit), audit);
        member_forget_answers(w->m[0]);
        world_greet(w, 0, 100, 1 << 20);
        bytes_free(&whole);
    }
    assert_true(ended > 3);
    assert_true(told > 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    static const struct CMUnitTest tests[] = {
        TEST(who_greets_from_elsewhere_fences_the_former_session),
        TEST(the_same_session_number_with_another_nonce_is_a_clone),
        TEST(a_clone_is_noticed_once_whatever_fails),
        TEST(the_end_of_another_session_ends_nothing),
        TEST(undoing_a_hello_leaves_a_newer_session_alone),
        TEST(an_ack_that_begins_elsewhere_is_out_of_range),
        TEST(what_never_came_cannot_be_reported_on),
        TEST(a_report_says_what_was_sent_and_by_whom),
        TEST(a_failure_of_the_store_is_never_a_refusal),
        TEST(nor_is_it_one_of_a_statement),
        TEST(without_randomness_nothing_is_logged),
        TEST(a_receipt_that_cannot_be_read_is_not_made_up),
        TEST(another_history_is_an_alarm_whatever_memory_there_is),
        TEST(an_answer_that_is_lost_can_be_asked_for_again),
        TEST(a_lost_group_that_cannot_be_told_ends_the_core),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
