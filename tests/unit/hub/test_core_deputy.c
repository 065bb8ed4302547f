/* The core: what its recipient has not acknowledged in time goes to his deputy, once, if the deputy
 * may have it then (PROTOCOL.md 5.5). 0 writes to 1; 2 is the deputy. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_world.h"
#include "deputy.h"

#define HOUR_S UINT64_C(3600)
#define HOUR_MS (HOUR_S * 1000)

enum {
    SENDER,
    RECIPIENT,
    DEPUTY
};

static struct env_header header_after(struct world *w, uint64_t after_s)
{
    struct env_header h;

    crew_ahead(w->crew, (int64_t)(clock_now_ms(&w->clock.clock) - clock_now_ms(clock_system())));
    assert_ok(member_header(w->m[SENDER], w->circle->handle, &w->m[RECIPIENT], 2, &h));
    h.has_deputy = true;
    h.deputy_count = 1;
    h.deputy[0] = (struct env_deputy){0, after_s};
    return h;
}

static struct bytes put_header(struct world *w, const struct env_header *h)
{
    struct bytes whole = {0};

    assert_ok(member_seal(w->m[SENDER], h, SPAN_STR("corps"), &whole, NULL));
    assert_ok(member_put(w->m[SENDER], bytes_span(&whole), NULL));
    return whole;
}

static struct bytes put_after(struct world *w, uint64_t after_s)
{
    struct env_header h = header_after(w, after_s);

    return put_header(w, &h);
}

static void send_after(struct world *w, uint64_t after_s)
{
    struct bytes whole = put_after(w, after_s);

    bytes_free(&whole);
}

/* No credit: nothing is issued to him. */
static void stop(struct world *w, size_t i)
{
    world_greet(w, i, 0, 0);
}

static void come(struct world *w, size_t i)
{
    world_greet(w, i, 64, 1 << 20);
}

static void pass(struct world *w, uint64_t ms)
{
    clock_fixed_advance(&w->clock, ms);
    world_job(w, JOB_TICK);
}

static size_t letters_of(const struct world *w, size_t i)
{
    return member_items_of(w->m[i], DELIVER_ENVELOPE);
}

static size_t receipts_of(const struct world *w, size_t i, enum audit_type type)
{
    size_t n = 0;

    while (member_receipt_of(w->m[i], type, n))
        n++;
    return n;
}

static struct receipt_facts told(const struct world *w, size_t i, enum audit_type type, size_t n)
{
    const struct member_item *it = member_receipt_of(w->m[i], type, n);
    struct receipt_facts f;

    assert_non_null(it);
    assert_ok(member_item_facts(it, &f));
    return f;
}

static enum err count_row(void *arg, struct span key, struct span row)
{
    (void)key;
    (void)row;
    ++*(size_t *)arg;
    return ERR_OK;
}

static size_t rows_of(struct world *w, enum hub_table table)
{
    struct txn *t = NULL;
    size_t n = 0;

    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    assert_ok(
        store_scan(t, (int)table, (struct span){0}, (struct span){0}, SIZE_MAX, count_row, &n));
    store_abort(&t);
    return n;
}

/* --- released -------------------------------------------------------------------------------- */

static void what_is_not_acknowledged_in_time_goes_to_the_deputy(void **state)
{
    struct world *w = *state;
    uint64_t accepted_ms, due_ms;
    struct receipt_facts f;
    struct bytes whole;

    stop(w, RECIPIENT);
    whole = put_after(w, 4 * HOUR_S);
    accepted_ms = clock_now_ms(&w->clock.clock);
    due_ms = accepted_ms + 4 * HOUR_MS;
    assert_int_equal(rows_of(w, TABLE_DEPUTY), 1);
    pass(w, 4 * HOUR_MS - 1);
    assert_int_equal(letters_of(w, DEPUTY), 0); /* the control: not a moment earlier */
    assert_int_equal(receipts_of(w, SENDER, AUDIT_DEPUTY), 0);
    pass(w, 1);
    assert_int_equal(letters_of(w, DEPUTY), 1);
    assert_true(span_equal(bytes_span(&last_item(w, DEPUTY)->item), bytes_span(&whole)));
    assert_ok(member_item_facts(last_item(w, DEPUTY), &f)); /* in the place of `accepted` */
    assert_int_equal(f.type, AUDIT_DEPUTY);
    assert_int_equal(f.time_ms, due_ms);
    assert_int_equal(f.detail.code, ERR_OK);
    assert_int_equal(f.detail.due_ms, due_ms);
    assert_int_equal(f.detail.chain_n, circle_size(w->circle->state) - 1);
    assert_int_equal(f.detail.to_count, 1);
    assert_memory_equal(f.detail.to[0], member_org(w->m[DEPUTY]), ID_BYTES);
    assert_memory_equal(f.detail.instead, member_org(w->m[RECIPIENT]), ID_BYTES);
    assert_memory_equal(f.detail.from, member_org(w->m[SENDER]), ID_BYTES);
    assert_int_equal(told(w, SENDER, AUDIT_DEPUTY, 0).detail.code, ERR_OK);
    assert_int_equal(w->core->count.released, 1);
    for (int i = 0; i < 5; i++)
        pass(w, HOUR_MS);
    assert_int_equal(letters_of(w, DEPUTY), 1); /* once */
    assert_int_equal(rows_of(w, TABLE_DEPUTY), 0);
    assert_memory_is_the_store(w);
    bytes_free(&whole);
}

static void the_recipient_keeps_his_own_and_is_told(void **state)
{
    struct world *w = *state;
    struct receipt_facts f;

    stop(w, RECIPIENT);
    send_after(w, HOUR_S);
    pass(w, HOUR_MS);
    assert_ok(member_ack_all(w->m[DEPUTY]));
    come(w, RECIPIENT);
    assert_int_equal(letters_of(w, RECIPIENT), 1);
    assert_int_equal(last_item(w, RECIPIENT)->kind, DELIVER_RECEIPT); /* behind his envelope */
    f = told(w, RECIPIENT, AUDIT_DEPUTY, 0);
    assert_memory_equal(f.detail.to[0], member_org(w->m[DEPUTY]), ID_BYTES);
    assert_ok(member_ack_all(w->m[RECIPIENT]));
    f = told(w, SENDER, AUDIT_DELIVERED, 0); /* each for himself */
    assert_memory_equal(f.detail.by_org, member_org(w->m[DEPUTY]), ID_BYTES);
    f = told(w, SENDER, AUDIT_DELIVERED, 1);
    assert_memory_equal(f.detail.by_org, member_org(w->m[RECIPIENT]), ID_BYTES);
    assert_ok(member_ack_all(w->m[SENDER]));
    assert_int_equal(rows_of(w, TABLE_ITEM), 0);
    assert_memory_is_the_store(w);
}

static void issued_is_not_delivered(void **state)
{
    struct world *w = *state;

    send_after(w, HOUR_S);
    assert_int_equal(letters_of(w, RECIPIENT), 1); /* and says nothing */
    pass(w, HOUR_MS);
    assert_int_equal(letters_of(w, DEPUTY), 1);
    assert_ok(member_ack_all(w->m[RECIPIENT]));
    assert_int_equal(w->core->count.delivered, 1);
}

static void two_recipients_and_the_deputy_of_one(void **state)
{
    struct world *w = *state;
    struct member_node *to[3];
    struct env_header h;
    struct bytes whole;

    to[0] = w->m[RECIPIENT];
    to[1] = w->m[SENDER]; /* who may write to himself: the world has three */
    to[2] = w->m[DEPUTY];
    stop(w, RECIPIENT);
    assert_ok(member_header(w->m[SENDER], w->circle->handle, to, 3, &h));
    h.has_deputy = true;
    h.deputy_count = 1;
    h.deputy[0] = (struct env_deputy){1, HOUR_S};
    whole = put_header(w, &h);
    assert_ok(member_ack_all(w->m[SENDER]));
    pass(w, HOUR_MS); /* the one whom he stands in for has it; the other has not */
    assert_int_equal(letters_of(w, DEPUTY), 0);
    assert_int_equal(receipts_of(w, SENDER, AUDIT_DEPUTY), 0);
    assert_int_equal(w->core->count.released, 0);
    bytes_free(&whole);
}

static void a_deputy_is_not_told_before(void **state)
{
    struct world *w = *state;
    size_t items = member_items(w->m[DEPUTY]);
    struct bytes whole, ss = {0};
    struct member_item as_if = {.kind = DELIVER_ENVELOPE};
    struct message say = {.type = MSG_REPORT};

    stop(w, RECIPIENT);
    whole = put_after(w, HOUR_S);
    send_after(w, HOUR_S);
    world_send(w, SENDER, DEPUTY); /* acknowledges beyond it */
    assert_ok(member_ack_all(w->m[DEPUTY]));
    assert_int_equal(member_items(w->m[DEPUTY]), items + 1);
    as_if.item = whole; /* has got hold of it elsewhere: it is not his yet */
    assert_ok(member_report_make(w->m[DEPUTY], &as_if, AUDIT_OPENED, ERR_OK, &ss));
    say.statement = (struct msg_statement){member_next_req(w->m[DEPUTY]), bytes_span(&ss)};
    assert_int_equal(member_ask(w->m[DEPUTY], &say, NULL), ERR_STATE);
    pass(w, HOUR_MS);
    say.statement.req = member_next_req(w->m[DEPUTY]);
    assert_int_equal(member_ask(w->m[DEPUTY], &say, NULL), ERR_STATE); /* not acknowledged */
    assert_ok(member_ack_all(w->m[DEPUTY]));
    say.statement.req = member_next_req(w->m[DEPUTY]);
    assert_ok(member_ask(w->m[DEPUTY], &say, NULL));
    assert_non_null(member_receipt_of(w->m[SENDER], AUDIT_OPENED, 0));
    bytes_free(&whole);
    bytes_free(&ss);
}

/* --- not released ---------------------------------------------------------------------------- */

static void what_was_acknowledged_in_time_needs_no_deputy(void **state)
{
    struct world *w = *state;
    uint64_t leaves;

    send_after(w, HOUR_S);
    assert_ok(member_ack_all(w->m[RECIPIENT]));
    assert_ok(member_ack_all(w->m[SENDER]));
    leaves = ledger_committed_size(w->core->audit);
    pass(w, HOUR_MS);
    assert_int_equal(rows_of(w, TABLE_DEPUTY), 0); /* the control: it was looked at */
    assert_int_equal(letters_of(w, DEPUTY), 0);
    assert_int_equal(ledger_committed_size(w->core->audit), leaves);
}

static void assert_not_released(struct world *w, enum err why)
{
    struct receipt_facts f = told(w, SENDER, AUDIT_DEPUTY, 0);

    assert_int_equal(f.detail.code, why);
    assert_memory_equal(f.detail.to[0], member_org(w->m[DEPUTY]), ID_BYTES);
    assert_memory_equal(f.detail.instead, member_org(w->m[RECIPIENT]), ID_BYTES);
    assert_int_equal(letters_of(w, DEPUTY), 0);
    assert_null(member_receipt_of(w->m[RECIPIENT], AUDIT_DEPUTY, 0));
    assert_null(member_receipt_of(w->m[DEPUTY], AUDIT_DEPUTY, 0));
    assert_int_equal(w->core->count.released, 0);
    assert_memory_is_the_store(w);
}

static void whom_the_person_has_come_to_oppose_gets_nothing(void **state)
{
    struct world *w = *state;

    stop(w, RECIPIENT);
    send_after(w, HOUR_S);
    assert_ok(member_oppose(w->m[SENDER], w->circle, CLASS_SOCIAL, w->m[DEPUTY]));
    pass(w, HOUR_MS);
    assert_not_released(w, ERR_OPPOSITION);
    assert_int_equal(told(w, SENDER, AUDIT_DEPUTY, 0).detail.chain_n,
                     circle_size(w->circle->state) - 1);
    for (int i = 0; i < 3; i++)
        pass(w, HOUR_MS);
    assert_null(member_receipt_of(w->m[SENDER], AUDIT_DEPUTY, 1)); /* once, and for good */
    come(w, RECIPIENT);
    assert_int_equal(letters_of(w, RECIPIENT), 1); /* his own is untouched */
}

static void a_deputy_who_has_left_gets_nothing(void **state)
{
    struct world *w = *state;

    stop(w, RECIPIENT);
    send_after(w, HOUR_S);
    assert_ok(member_leave(w->m[DEPUTY], w->circle));
    pass(w, HOUR_MS);
    assert_not_released(w, ERR_FORMER_MEMBER);
}

static void a_suspended_deputy_gets_nothing(void **state)
{
    struct world *w = *state;

    stop(w, RECIPIENT);
    send_after(w, HOUR_S);
    assert_ok(world_about(w, "org.suspend", "org", member_org(w->m[DEPUTY]), NULL));
    pass(w, HOUR_MS);
    assert_not_released(w, ERR_SUSPENDED);
}

static void a_suspended_recipient_has_a_deputy_all_the_same(void **state)
{
    struct world *w = *state;

    stop(w, RECIPIENT);
    send_after(w, HOUR_S);
    assert_ok(world_about(w, "org.suspend", "org", member_org(w->m[RECIPIENT]), NULL));
    pass(w, HOUR_MS);
    assert_int_equal(letters_of(w, DEPUTY), 1);
}

static void who_may_not_have_it_himself_has_no_deputy(void **state)
{
    struct world *w = *state;

    stop(w, RECIPIENT);
    send_after(w, HOUR_S);
    assert_ok(member_leave(w->m[RECIPIENT], w->circle));
    pass(w, HOUR_MS);
    assert_int_equal(told(w, SENDER, AUDIT_HELD, 0).detail.code, ERR_FORMER_MEMBER);
    assert_null(member_receipt_of(w->m[SENDER], AUDIT_DEPUTY, 0));
    assert_int_equal(letters_of(w, DEPUTY), 0);
    assert_int_equal(w->core->count.held, 1);
    assert_memory_is_the_store(w);
}

/* --- ends ------------------------------------------------------------------------------------ */

static void a_recall_before_it_is_due_ends_the_deputys_too(void **state)
{
    struct world *w = *state;
    struct bytes whole;

    stop(w, RECIPIENT);
    whole = put_after(w, HOUR_S);
    assert_ok(member_recall(w->m[SENDER], bytes_span(&whole), RECALL_CONTENT, NULL));
    pass(w, HOUR_MS);
    assert_int_equal(rows_of(w, TABLE_DEPUTY), 0);
    assert_int_equal(letters_of(w, DEPUTY), 0);
    assert_int_equal(receipts_of(w, SENDER, AUDIT_RECALLED), 1);
    assert_int_equal(receipts_of(w, SENDER, AUDIT_DEPUTY), 0);
    bytes_free(&whole);
}

static void a_recall_takes_back_from_the_deputy(void **state)
{
    struct world *w = *state;
    struct bytes whole, receipt = {0}, again = {0};

    stop(w, RECIPIENT);
    stop(w, DEPUTY);
    whole = put_after(w, HOUR_S);
    pass(w, HOUR_MS);
    assert_int_equal(w->core->count.released, 1);
    assert_ok(member_recall(w->m[SENDER], bytes_span(&whole), RECALL_CONTENT, &receipt));
    assert_int_equal(receipts_of(w, SENDER, AUDIT_RECALLED), 2); /* the recipient's, then his */
    assert_memory_equal(told(w, SENDER, AUDIT_RECALLED, 1).detail.to[0], member_org(w->m[DEPUTY]),
                        ID_BYTES);
    come(w, DEPUTY);
    assert_int_equal(letters_of(w, DEPUTY), 0);
    assert_int_equal(receipts_of(w, DEPUTY, AUDIT_RECALLED), 1);
    assert_ok(member_recall(w->m[SENDER], bytes_span(&whole), RECALL_CONTENT, &again));
    assert_true(span_equal(bytes_span(&receipt), bytes_span(&again)));
    bytes_free(&whole);
    bytes_free(&receipt);
    bytes_free(&again);
}

/* The recipient has it; who stood in for him has not. */
static void a_recall_reaches_the_deputy_alone(void **state)
{
    struct world *w = *state;
    struct bytes whole;

    stop(w, DEPUTY);
    whole = put_after(w, HOUR_S);
    pass(w, HOUR_MS);
    assert_ok(member_ack_all(w->m[RECIPIENT]));
    assert_ok(member_recall(w->m[SENDER], bytes_span(&whole), RECALL_CONTENT, NULL));
    assert_int_equal(receipts_of(w, SENDER, AUDIT_RECALLED), 1);
    assert_memory_equal(told(w, SENDER, AUDIT_RECALLED, 0).detail.to[0], member_org(w->m[DEPUTY]),
                        ID_BYTES);
    come(w, DEPUTY);
    assert_int_equal(letters_of(w, DEPUTY), 0);
    assert_memory_is_the_store(w);
    bytes_free(&whole);
}

static void a_circle_that_narrows_holds_back_from_the_deputy(void **state)
{
    struct world *w = *state;

    stop(w, RECIPIENT);
    stop(w, DEPUTY);
    send_after(w, HOUR_S);
    pass(w, HOUR_MS);
    assert_int_equal(w->core->count.released, 1);
    assert_ok(member_oppose(w->m[SENDER], w->circle, CLASS_SOCIAL, w->m[DEPUTY]));
    come(w, DEPUTY);
    world_job(w, JOB_TICK);
    assert_int_equal(letters_of(w, DEPUTY), 0);
    assert_memory_equal(told(w, SENDER, AUDIT_HELD, 0).detail.to[0], member_org(w->m[DEPUTY]),
                        ID_BYTES);
    come(w, RECIPIENT);
    assert_int_equal(letters_of(w, RECIPIENT), 1);
}

static void what_expires_expires_for_both(void **state)
{
    struct world *w = *state;

    stop(w, RECIPIENT);
    stop(w, DEPUTY);
    send_after(w, HOUR_S);
    pass(w, HOUR_MS);
    assert_int_equal(w->core->count.released, 1);
    pass(w, 24 * HOUR_MS);
    for (int i = 0; i < 4; i++) /* a slice of the sweep may begin behind it */
        pass(w, 1);
    assert_int_equal(receipts_of(w, SENDER, AUDIT_EXPIRED), 2);
    come(w, DEPUTY);
    assert_int_equal(letters_of(w, DEPUTY), 0);
    assert_int_equal(receipts_of(w, DEPUTY, AUDIT_EXPIRED), 1);
}

/* Both are past when the hub comes back: no deputy gets what is over. */
static void what_has_expired_is_not_released(void **state)
{
    struct world *w = *state;

    stop(w, RECIPIENT);
    send_after(w, HOUR_S);
    clock_fixed_advance(&w->clock, 25 * HOUR_MS);
    w->core->sweep_at = UINT64_MAX; /* the deputies' turn comes before that of expiry */
    world_job(w, JOB_TICK);
    world_job(w, JOB_TICK);
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.released, 0);
    assert_int_equal(receipts_of(w, SENDER, AUDIT_EXPIRED), 1);
    assert_int_equal(rows_of(w, TABLE_DEPUTY), 0);
}

/* Its deputy's time would end behind its own: also because it was accepted so late. */
static void one_that_comes_late_has_no_time_for_its_deputy(void **state)
{
    struct world *w = *state;
    struct env_header h = header_after(w, 20 * HOUR_S);
    struct bytes whole;

    clock_fixed_advance(&w->clock, 10 * HOUR_MS);
    whole = put_header(w, &h);
    assert_int_equal(rows_of(w, TABLE_DEPUTY), 0);
    bytes_free(&whole);
}

/* --- time, room, restart -----------------------------------------------------------------------
 */

static void a_clock_that_jumped_releases_nothing(void **state)
{
    struct world *w = *state;

    stop(w, RECIPIENT);
    send_after(w, HOUR_S);
    world_job(w, JOB_TICK);
    clock_fixed_jump(&w->clock, clock_now_ms(&w->clock.clock) + 2 * HOUR_MS);
    for (int i = 0; i < 5; i++)
        world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.released, 0);
    assert_int_equal(letters_of(w, DEPUTY), 0);
    assert_ok(world_command(w, "clock.confirm", NULL, NULL));
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.released, 1);
    assert_int_equal(letters_of(w, DEPUTY), 1);
}

static void a_full_store_waits_with_it(void **state)
{
    struct world *w = *state;

    stop(w, RECIPIENT);
    send_after(w, HOUR_S);
    clock_fixed_advance(&w->clock, HOUR_MS);
    w->core->tight = true;
    w->core->tight_ms = clock_mono_ms(&w->clock.clock);
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.released, 0);
    w->core->tight = false;
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.released, 1);
}

#define MANY 150

static void many_are_released_some_at_a_time(void **state)
{
    struct world *w = *state;
    uint64_t before = 0;
    int ticks = 0;

    stop(w, RECIPIENT);
    for (int i = 0; i < MANY; i++)
        send_after(w, HOUR_S);
    clock_fixed_advance(&w->clock, HOUR_MS);
    for (; w->core->count.released < MANY && ticks < MANY; ticks++) {
        world_job(w, JOB_TICK);
        assert_true(w->core->count.released - before <= 64);
        assert_true(w->core->count.released > before);
        before = w->core->count.released;
    }
    assert_int_equal(ticks, 3);
    assert_int_equal(rows_of(w, TABLE_RELEASED), MANY);
}

static void a_restart_forgets_none(void **state)
{
    struct world *w = *state;

    stop(w, RECIPIENT);
    send_after(w, HOUR_S);
    assert_ok(core_reload(w->core));
    pass(w, HOUR_MS);
    assert_int_equal(w->core->count.released, 1);
    assert_ok(core_reload(w->core));
    pass(w, HOUR_MS);
    assert_int_equal(w->core->count.released, 1);
    come(w, DEPUTY);
    assert_int_equal(letters_of(w, DEPUTY), 1);
    assert_ok(member_ack_all(w->m[DEPUTY]));
}

/* 24 hours behind exp nobody asks for it any more. */
static void what_was_released_is_forgotten_with_its_mid(void **state)
{
    struct world *w = *state;

    stop(w, RECIPIENT);
    send_after(w, HOUR_S);
    pass(w, HOUR_MS);
    assert_int_equal(rows_of(w, TABLE_RELEASED), 1);
    for (int i = 0; i < 52; i++)
        pass(w, HOUR_MS);
    assert_int_equal(rows_of(w, TABLE_SEEN), 0);
    assert_int_equal(rows_of(w, TABLE_RELEASED), 0);
}

/* --- admission ------------------------------------------------------------------------------- */

static void a_deputy_is_judged_at_once_like_a_recipient(void **state)
{
    struct world *w = *state;
    struct env_header h = header_after(w, HOUR_S);
    struct bytes whole = {0};

    assert_ok(member_oppose(w->m[SENDER], w->circle, CLASS_SOCIAL, w->m[DEPUTY]));
    assert_ok(member_seal(w->m[SENDER], &h, SPAN_STR("corps"), &whole, NULL));
    assert_int_equal(member_put(w->m[SENDER], bytes_span(&whole), NULL), ERR_OPPOSITION);
    bytes_free(&whole);
}

static void what_is_restricted_has_no_deputy(void **state)
{
    struct world *w = *state;
    struct env_header h = header_after(w, HOUR_S);
    struct bytes whole = {0};

    h.class_mask |= CLASS_RESTRICTED;
    assert_ok(member_seal(w->m[SENDER], &h, SPAN_STR("corps"), &whole, NULL));
    assert_int_equal(member_put(w->m[SENDER], bytes_span(&whole), NULL), ERR_AUDIENCE);
    bytes_free(&whole);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

/* One whose bytes the disk has lost, or shortened, keeps no other from his deputy, nor the hub from
 * its work. */
static void what_the_disk_has_lost_is_released_to_nobody_and_told(void **state)
{
    struct world *w = *state;

    stop(w, RECIPIENT);
    for (int gone = 0; gone < 2; gone++) {
        uint64_t failed = w->core->count.failed_commits;
        struct txn *t = NULL;
        struct span at, body;

        send_after(w, HOUR_S);
        assert_ok(store_begin(w->core->store, TXN_WRITE, &t));
        assert_ok(store_last(t, TABLE_BODY, &at, &body));
        if (gone) {
            assert_ok(store_del(t, TABLE_BODY, at));
        } else {
            struct bytes cut = {0};

            assert_ok(bytes_copy(&cut, span_of(body.ptr, body.len - 1)));
            assert_ok(store_put(t, TABLE_BODY, at, bytes_span(&cut)));
            bytes_free(&cut);
        }
        assert_ok(store_commit(&t));
        send_after(w, HOUR_S);
        pass(w, HOUR_MS);
        assert_int_equal(w->core->count.failed_commits, failed);
        assert_int_equal(letters_of(w, DEPUTY), (size_t)gone + 1);
        assert_int_equal(receipts_of(w, SENDER, AUDIT_HELD), (size_t)gone + 1);
        assert_int_equal(told(w, SENDER, AUDIT_HELD, (size_t)gone).detail.code, ERR_CORRUPT);
    }
    come(w, RECIPIENT);
    assert_int_equal(receipts_of(w, RECIPIENT, AUDIT_HELD), 2);
    assert_int_equal(rows_of(w, TABLE_DEPUTY), 0);
}

/* --- rows that make no sense ------------------------------------------------------------------ */

static void row_put(struct world *w, int table, struct span key, struct span value)
{
    struct txn *t = NULL;

    assert_ok(store_begin(w->core->store, TXN_WRITE, &t));
    assert_ok(store_put(t, table, key, value));
    assert_ok(store_commit(&t));
}

static uint32_t number_of(const struct world *w, size_t i)
{
    return world_box(w, i)->who.number;
}

/* Due now: that letter, for its `which`-th deputy, in the place of `instead`. */
static void due_is(struct world *w, uint64_t seq, uint8_t which, uint32_t deputy, uint32_t instead)
{
    uint8_t key[8 + 8 + 1], row[8];

    be64_write(1, key);
    be64_write(seq, key + 8);
    key[16] = which;
    be32_write(deputy, row);
    be32_write(instead, row + 4);
    row_put(w, TABLE_DEPUTY, SPAN_OF(key), SPAN_OF(row));
}

/* It says another recipient, another deputy or none: nothing is released on it. */
static void a_row_that_names_the_wrong_ones_releases_nothing(void **state)
{
    struct world *w = *state;
    uint64_t failed, seq;

    stop(w, RECIPIENT);
    send_after(w, HOUR_S);
    seq = w->core->next_seq - 1;
    failed = w->core->count.failed_commits;
    due_is(w, seq, 0, number_of(w, DEPUTY), number_of(w, SENDER)); /* who does not wait for it */
    due_is(w, seq, 1, number_of(w, DEPUTY), 9999);
    due_is(w, seq + 1000, 0, number_of(w, DEPUTY), number_of(w, RECIPIENT)); /* not there */
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.failed_commits, failed);
    assert_int_equal(letters_of(w, DEPUTY), 0);
    due_is(w, seq, 0, 9999, number_of(w, RECIPIENT)); /* a node that is not there any more */
    world_job(w, JOB_TICK);
    assert_int_equal(letters_of(w, DEPUTY), 0);
    assert_int_equal(told(w, SENDER, AUDIT_DEPUTY, 0).detail.code, ERR_REVOKED);
    due_is(w, seq, 1, number_of(w, DEPUTY), number_of(w, RECIPIENT)); /* the envelope has one */
    world_job(w, JOB_TICK);
    assert_int_equal(letters_of(w, DEPUTY), 0);
    assert_int_equal(told(w, SENDER, AUDIT_HELD, 0).detail.code, ERR_CORRUPT);
}

/* A deputy whom the envelope does not name has no business with it: its bytes are not those. */
static void a_deputy_whom_the_envelope_does_not_name_gets_nothing(void **state)
{
    struct world *w = *state;

    stop(w, RECIPIENT);
    send_after(w, HOUR_S);
    due_is(w, w->core->next_seq - 1, 0, number_of(w, SENDER), number_of(w, RECIPIENT));
    world_job(w, JOB_TICK);
    assert_int_equal(letters_of(w, DEPUTY), 0);
    assert_int_equal(told(w, SENDER, AUDIT_HELD, 0).detail.code, ERR_CORRUPT);
}

static void due_rows_of_another_form_release_nothing(void **state)
{
    struct world *w = *state;
    struct deputy_due due;
    uint8_t key[17] = {0}, row[8] = {0};
    uint64_t failed;

    assert_ok(deputy_due_decode(SPAN_OF(key), SPAN_OF(row), &due));
    assert_int_equal(deputy_due_decode(span_of(key, 16), SPAN_OF(row), &due), ERR_CORRUPT);
    assert_int_equal(deputy_due_decode(SPAN_OF(key), span_of(row, 7), &due), ERR_CORRUPT);
    key[16] = DEPUTIES_MAX;
    assert_int_equal(deputy_due_decode(SPAN_OF(key), SPAN_OF(row), &due), ERR_CORRUPT);
    failed = w->core->count.failed_commits;
    row_put(w, TABLE_DEPUTY, SPAN_OF(key), SPAN_OF(row));
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.failed_commits, failed + 1);
}

static void a_released_row_of_another_form_stops_the_recall(void **state)
{
    struct world *w = *state;
    struct bytes whole;
    uint8_t key[9] = {0};

    stop(w, RECIPIENT);
    whole = put_after(w, HOUR_S);
    be64_write(w->core->next_seq - 1, key);
    pass(w, HOUR_MS);
    assert_int_equal(rows_of(w, TABLE_RELEASED), 1);
    row_put(w, TABLE_RELEASED, SPAN_OF(key), SPAN_STR("short"));
    assert_int_equal(member_recall(w->m[SENDER], bytes_span(&whole), RECALL_NO_REASON, NULL),
                     ERR_UNKNOWN);
    bytes_free(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_row_that_names_the_wrong_ones_releases_nothing),
        TEST(a_deputy_whom_the_envelope_does_not_name_gets_nothing),
        TEST(due_rows_of_another_form_release_nothing),
        TEST(a_released_row_of_another_form_stops_the_recall),
        TEST(what_is_not_acknowledged_in_time_goes_to_the_deputy),
        TEST(the_recipient_keeps_his_own_and_is_told),
        TEST(issued_is_not_delivered),
        TEST(two_recipients_and_the_deputy_of_one),
        TEST(a_deputy_is_not_told_before),
        TEST(what_was_acknowledged_in_time_needs_no_deputy),
        TEST(whom_the_person_has_come_to_oppose_gets_nothing),
        TEST(a_deputy_who_has_left_gets_nothing),
        TEST(a_suspended_deputy_gets_nothing),
        TEST(a_suspended_recipient_has_a_deputy_all_the_same),
        TEST(who_may_not_have_it_himself_has_no_deputy),
        TEST(a_recall_before_it_is_due_ends_the_deputys_too),
        TEST(a_recall_takes_back_from_the_deputy),
        TEST(a_recall_reaches_the_deputy_alone),
        TEST(a_circle_that_narrows_holds_back_from_the_deputy),
        TEST(what_expires_expires_for_both),
        TEST(what_has_expired_is_not_released),
        TEST(one_that_comes_late_has_no_time_for_its_deputy),
        TEST(a_clock_that_jumped_releases_nothing),
        TEST(a_full_store_waits_with_it),
        TEST(many_are_released_some_at_a_time),
        TEST(a_restart_forgets_none),
        TEST(what_was_released_is_forgotten_with_its_mid),
        TEST(a_deputy_is_judged_at_once_like_a_recipient),
        TEST(what_is_restricted_has_no_deputy),
        TEST(what_the_disk_has_lost_is_released_to_nobody_and_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
