/* The core at its limits: many of a thing at once, credit that is short, the same thing twice. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <malloc.h>

#include "core_world.h"
#include "warnings.h"

static void send_until(struct world *w, struct member_node *const *to, size_t count, uint64_t exp)
{
    struct bytes whole = {0};
    struct env_header h;

    assert_ok(member_header(w->m[0], w->circle->handle, to, count, &h));
    h.exp = h.ts + exp;
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("x"), &whole, NULL));
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    bytes_free(&whole);
}

static size_t receipts_of(const struct world *w, size_t i, enum audit_type type)
{
    size_t n = 0;

    while (member_receipt_of(w->m[i], type, n))
        n++;
    return n;
}

/* --- delivery
 * ------------------------------------------------------------------------------------- */

static void credit_in_bytes_lets_one_through_at_a_time(void **state)
{
    struct world *w = *state;

    world_greet(w, 1, 10, 1); /* a byte: less than any message, so one is out at a time */
    for (int i = 0; i < 3; i++)
        world_send(w, 0, 1);
    for (size_t i = 1; i <= 3; i++) {
        assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), i);
        assert_ok(member_ack_all(w->m[1]));
    }
    assert_int_equal(w->core->count.delivered, 3);
}

static void of_three_that_wait_the_middle_one_expires(void **state)
{
    struct world *w = *state;
    size_t had = member_items_of(w->m[1], DELIVER_ENVELOPE);

    world_greet(w, 1, 0, 0);
    send_until(w, &w->m[1], 1, 3600000);
    send_until(w, &w->m[1], 1, 60000);
    send_until(w, &w->m[1], 1, 3600000);
    clock_fixed_advance(&w->clock, 120000);
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.expired, 1);
    assert_memory_is_the_store(w);
    world_greet(w, 1, 100, 1 << 20);
    assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), had + 2);
    assert_int_equal(receipts_of(w, 1, AUDIT_EXPIRED), 1);
    assert_ok(member_ack_all(w->m[1]));
    assert_int_equal(w->core->count.delivered, 2);
    assert_memory_is_the_store(w);
}

/* It was issued, and expires before the recipient has said that he has it: the ACK still counts
 * it, gives its credit back, and nobody is told that it was delivered. */
static void what_expires_on_its_way_is_counted_by_its_ack_and_not_delivered(void **state)
{
    struct world *w = *state;
    struct mailbox *m = world_box(w, 1);

    world_greet(w, 1, 100, 1 << 20);
    send_until(w, &w->m[1], 1, 60000);
    assert_int_equal(m->out, 1);
    clock_fixed_advance(&w->clock, 120000);
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.expired, 1);
    assert_int_equal(m->out, 2); /* and its receipt */
    assert_ok(member_ack_all(w->m[1]));
    assert_int_equal(member_answers(w->m[1]), 0);
    assert_int_equal(m->out, 0);
    assert_int_equal(m->out_bytes, 0);
    assert_int_equal(w->core->count.delivered, 0);
    assert_memory_is_the_store(w);
}

/* The two ends cross: the signed ACK covers what has just ended. */
static void an_ack_that_crosses_an_expiry_loses_nothing(void **state)
{
    struct world *w = *state;
    struct message say = {.type = MSG_ACK};

    world_greet(w, 1, 100, 1 << 20);
    send_until(w, &w->m[1], 1, 60000);
    world_send(w, 2, 1);
    assert_ok(member_ack_make(w->m[1], last_item(w, 1)->seq, &say.ack));
    clock_fixed_advance(&w->clock, 120000);
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.expired, 1);
    assert_ok(member_tell(w->m[1], &say));
    assert_int_equal(member_answers(w->m[1]), 0);
    assert_int_equal(w->core->count.delivered, 1);
    assert_int_equal(receipts_of(w, 0, AUDIT_EXPIRED), 1);
    assert_int_equal(receipts_of(w, 0, AUDIT_DELIVERED), 0);
    assert_int_equal(receipts_of(w, 2, AUDIT_DELIVERED), 1);
    assert_int_equal(receipts_of(w, 1, AUDIT_EXPIRED), 1);
    assert_memory_is_the_store(w);
}

static void many_expire_at_once_and_every_one_is_told(void **state)
{
    enum {
        MANY = 70
    };
    struct world *w = *state;
    int ticks = 0;

    world_greet(w, 1, 0, 0);
    for (int i = 0; i < MANY; i++)
        send_until(w, &w->m[1], 1, 60000);
    clock_fixed_advance(&w->clock, 120000);
    for (; w->core->count.expired < MANY && ticks < 10; ticks++)
        world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.expired, MANY);
    assert_true(ticks > 1); /* a slice at a time */
    world_greet(w, 1, 1000, 1 << 20);
    assert_int_equal(receipts_of(w, 0, AUDIT_EXPIRED), MANY);
    assert_int_equal(receipts_of(w, 1, AUDIT_EXPIRED), MANY);
    assert_memory_is_the_store(w);
}

static void who_has_it_is_not_told_that_it_expired(void **state)
{
    struct world *w = *state;

    world_greet(w, 2, 0, 0);
    send_until(w, &w->m[1], 2, 60000);
    assert_ok(member_ack_all(w->m[1]));
    assert_memory_is_the_store(w); /* one has it, one waits */
    clock_fixed_advance(&w->clock, 120000);
    world_job(w, JOB_TICK);
    world_job(w, JOB_TICK);
    world_greet(w, 2, 100, 1 << 20);
    assert_int_equal(w->core->count.expired, 1);
    assert_int_equal(receipts_of(w, 1, AUDIT_EXPIRED), 0);
    assert_int_equal(receipts_of(w, 2, AUDIT_EXPIRED), 1);
    assert_memory_is_the_store(w);
}

/* One recipient has the item held back, the other lets it expire: each is told his own end once. */
static void an_item_ends_for_each_recipient_in_his_way(void **state)
{
    struct world *w = *state;
    struct bytes whole = {0};
    struct env_header h;
    uint32_t consent;

    for (size_t i = 1; i < PEOPLE; i++)
        world_greet(w, i, 0, 0);
    assert_ok(member_consent(w->m[0], w->circle, CLASS_SOCIAL, w->m[1], &consent));
    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 2, &h));
    h.exp = h.ts + 60000;
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("x"), &whole, NULL));
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    assert_ok(member_oppose(w->m[0], w->circle, CLASS_SOCIAL, w->m[1]));
    world_greet(w, 1, 100, 1 << 20);
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.held, 1);
    assert_int_equal(receipts_of(w, 1, AUDIT_HELD), 1);
    assert_memory_is_the_store(w); /* held for one, waiting for the other */
    clock_fixed_advance(&w->clock, 120000);
    world_job(w, JOB_TICK);
    world_job(w, JOB_TICK);
    world_greet(w, 2, 100, 1 << 20);
    assert_int_equal(w->core->count.expired, 1);
    assert_int_equal(receipts_of(w, 1, AUDIT_EXPIRED), 0);
    assert_int_equal(receipts_of(w, 2, AUDIT_EXPIRED), 1);
    assert_int_equal(receipts_of(w, 2, AUDIT_HELD), 0);
    assert_memory_is_the_store(w);
    bytes_free(&whole);
}

static void more_than_one_pump_may_hold_are_held_in_turn(void **state)
{
    enum {
        MANY = 300
    };
    struct world *w = *state;
    uint64_t commits;

    world_greet(w, 1, 0, 0);
    for (int i = 0; i < MANY; i++)
        send_until(w, &w->m[1], 1, 3600000);
    assert_ok(member_oppose(w->m[0], w->circle, CLASS_SOCIAL, w->m[1]));
    commits = w->core->count.commits;
    world_greet(w, 1, 1000, 1 << 20);
    assert_true(w->core->count.commits >= commits + 3); /* the greeting, and two groups of ends */
    for (int i = 0; i < 4; i++)
        world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.held, MANY);
    assert_int_equal(receipts_of(w, 0, AUDIT_HELD), MANY);
    assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), 0);
    assert_memory_is_the_store(w);
}

/* It had reached him when it expired: a human may have read it, and nothing else is to be said. */
static void of_what_has_expired_only_a_reading_is_reported(void **state)
{
    struct world *w = *state;
    const struct member_item *late;

    world_greet(w, 1, 100, 1 << 20);
    send_until(w, &w->m[1], 1, 60000);
    clock_fixed_advance(&w->clock, 120000);
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.expired, 1);
    late = member_item(w->m[1], member_items(w->m[1]) - 2);
    assert_int_equal(late->kind, DELIVER_ENVELOPE);
    assert_ok(member_ack_all(w->m[1]));
    assert_int_equal(member_report(w->m[1], late, AUDIT_REFUSED, ERR_CLASS, NULL), ERR_STATE);
    assert_int_equal(w->core->count.reports, 0);
    assert_ok(member_report(w->m[1], late, AUDIT_OPENED, ERR_OK, NULL));
}

/* --- mailboxes and items, by their own functions
 * -------------------------------------------------------------- */

static void an_item_has_so_many_recipients_and_they_exist(void **state)
{
    struct world *w = *state;
    struct item *it = calloc(1, sizeof *it);
    uint64_t next = w->core->next_seq;

    assert_non_null(it);
    assert_ok(store_begin(w->core->store, TXN_WRITE, &w->core->t));
    it->kind = DELIVER_STATEMENT;
    it->count = ITEM_RECIPIENTS_MAX + 1;
    assert_int_equal(item_add(w->core, it, SPAN_STR("x")), ERR_INTERNAL);
    assert_int_equal(w->core->next_seq, next);
    it->count = 1;
    it->to[0] = 9999;
    assert_int_equal(item_add(w->core, it, SPAN_STR("x")), ERR_INTERNAL);
    store_abort(&w->core->t);
    assert_ok(core_reload(w->core));
    free(it);
}

static void an_entry_that_ends_leaves_the_mailbox_unless_an_ack_is_to_count_it(void **state)
{
    struct core c = {0};
    struct mailbox *box;
    struct member who = {.number = 7};

    (void)state;
    assert_ok(mailboxes_new(&c.mail));
    assert_int_equal(mailbox_push(&c, 7, 1, 1), ERR_INTERNAL);
    assert_ok(mailbox_make(&c, &who));
    box = mailbox_of(&c, 7);
    for (uint32_t i = 1; i <= 5; i++)
        assert_ok(mailbox_push(&c, 7, i, 10 * i));
    box->out = 3;
    box->out_bytes = 10 + 20 + 30;
    box->open = true;
    assert_false(mailbox_end(box, 99)); /* not there */
    assert_int_equal(box->len, 5);
    assert_true(mailbox_end(box, 2)); /* issued: it stays for the ACK that counts it */
    assert_int_equal(box->len, 5);
    assert_int_equal(box->out_bytes, 60);
    assert_false(mailbox_end(box, 4));
    assert_int_equal(box->len, 4);
    assert_int_equal(box->out, 3);
    mailbox_pop(box, 5); /* also what was never issued */
    assert_int_equal(box->len, 0);
    assert_int_equal(box->out, 0);
    assert_int_equal(box->out_bytes, 0);
    mailboxes_free(c.mail);
    mailboxes_free(NULL);
}

static void without_memory_there_is_no_mailbox_and_no_entry(void **state)
{
    struct core c = {0};
    struct member who = {.number = 7};
    size_t pushed = 0;
    long n = 0;
    enum err e;

    (void)state;
    assert_ok(mailboxes_new(&c.mail));
    do {
        alloc_fail_after(++n);
        e = mailbox_make(&c, &who);
        alloc_fail_after(-1);
        assert_true((e == ERR_OK) == (mailbox_of(&c, 7) != NULL));
    } while (e == ERR_NOMEM);
    assert_ok(e);
    assert_true(n > 2); /* the entry, the table, its buckets */
    for (uint32_t i = 0; i < 40; i++) {
        alloc_fail_after(1);
        e = mailbox_push(&c, 7, i + 1, 1);
        alloc_fail_after(-1);
        pushed += e == ERR_OK;
        assert_int_equal(mailbox_of(&c, 7)->len, pushed);
        if (e) {
            assert_int_equal(e, ERR_NOMEM);
            assert_ok(mailbox_push(&c, 7, i + 1, 1));
            pushed++;
        }
    }
    mailboxes_free(c.mail);
}

/* --- sweeping
 * ------------------------------------------------------------------------------------- */

static void seen_row(struct world *w, uint32_t n, uint64_t exp_ms)
{
    struct seen s = {.exp_ms = exp_ms};
    uint8_t mid[ID_BYTES] = {0}, from[ID_BYTES] = {0};

    be32_write(n, mid);
    memset(from, 0xff, sizeof from); /* so that the key after it carries */
    assert_ok(seen_put(w->core, mid, from, &s));
}

static size_t seen_rows(struct world *w, uint32_t upto)
{
    uint8_t mid[ID_BYTES] = {0}, from[ID_BYTES];
    struct txn *t = NULL;
    struct seen s;
    size_t n = 0;

    memset(from, 0xff, sizeof from);
    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    for (uint32_t i = 0; i < upto; i++) {
        be32_write(i, mid);
        n += seen_get(t, mid, from, &s) == ERR_OK;
    }
    store_abort(&t);
    return n;
}

static void old_dedupe_rows_go_a_slice_at_a_time_and_fresh_ones_stay(void **state)
{
    enum {
        FRESH = 4500, /* more than a slice, and they come first */
        MANY = 5000
    };
    struct world *w = *state;
    uint64_t now = clock_now_ms(&w->clock.clock), failed;

    assert_ok(store_begin(w->core->store, TXN_WRITE, &w->core->t));
    for (uint32_t i = 0; i < MANY; i++)
        seen_row(w, i, i < FRESH ? now : now - UINT64_C(25) * 3600000);
    assert_ok(store_commit(&w->core->t));
    world_job(w, JOB_TICK);
    assert_int_equal(seen_rows(w, MANY), MANY); /* the first slice: all fresh */
    failed = w->core->count.failed_commits;
    w->faults.fail_del = w->faults.dels + 10;
    world_job(w, JOB_TICK);
    w->faults.fail_del = 0;
    assert_int_equal(w->core->count.failed_commits, failed + 1);
    assert_int_equal(seen_rows(w, MANY), MANY); /* all of the slice, or nothing */
    world_job(w, JOB_TICK);
    assert_int_equal(seen_rows(w, MANY), FRESH);
    clock_fixed_advance(&w->clock, UINT64_C(25) * 3600000);
    world_job(w, JOB_TICK); /* from the first row again */
    assert_in_range(seen_rows(w, MANY), 1, FRESH - 1);
    world_job(w, JOB_TICK);
    assert_int_equal(seen_rows(w, MANY), 0);
}

/* --- refusals
 * ------------------------------------------------------------------------------------- */

static void put_garbage(struct world *w, size_t i)
{
    struct message say = {
        .type = MSG_PUT, .put = {member_next_req(w->m[i]), SPAN_STR("no envelope")}
    };
    struct job *j = job_of(w, JOB_MEMBER, w->m[i]);

    assert_ok(message_encode(&say, &j->frame));
    job_prepare(w, j, i);
    assert_int_not_equal(j->verdict, ERR_OK);
    j->cost = 1; /* all of them in one group, whatever the share of one organisation is */
    assert_ok(fair_push(w->in, j));
}

static void a_group_signs_so_many_refusals_and_counts_the_rest(void **state)
{
    struct world *w = *state;
    uint64_t audit = ledger_committed_size(w->core->audit), refused = w->core->count.refused;

    for (int i = 0; i < 100; i++)
        put_garbage(w, 0);
    world_turn(w);
    assert_int_equal(w->core->count.refused, refused + 100);
    assert_int_equal(ledger_committed_size(w->core->audit), audit + 64);
    member_forget_answers(w->m[0]);
}

static void a_stranger_is_refused_without_a_leaf(void **state)
{
    struct world *w = *state;
    uint64_t audit = ledger_committed_size(w->core->audit);
    struct job *j = job_of(w, JOB_HELLO, NULL);
    uint64_t refused = w->core->count.refused;

    memset(j->who.node, 0x5a, sizeof j->who.node);
    j->who.number = 4000;
    j->session = ++w->next_session;
    assert_ok(fair_push(w->in, j));
    world_turn(w);
    assert_int_equal(w->core->count.refused, refused + 1);
    assert_int_equal(ledger_committed_size(w->core->audit), audit);
}

static void a_refusal_that_cannot_be_said_is_not_half_done(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 1, 2);
    size_t lost = 0;
    enum err e;

    for (unsigned long n = 1;; n++) {
        uint64_t audit = ledger_committed_size(w->core->audit);

        w->strike = (struct strike){STRIKE_ALLOC, n, ERR_OK, COMMIT_CONFLICT};
        w->struck = false;
        e = member_put(w->m[0], bytes_span(&whole), NULL); /* of another's: ERR_FROM */
        if (!w->struck)
            break;
        assert_true(e == ERR_FROM || e == ERR_UNKNOWN || e == ERR_TIMEOUT || e == ERR_CLOSED);
        if (e != ERR_FROM) {
            lost++;
            assert_in_range(ledger_committed_size(w->core->audit), audit, audit + 1);
        }
        assert_memory_is_the_store(w);
        world_greet(w, 0, 100, 1 << 20);
    }
    assert_int_equal(e, ERR_FROM);
    assert_true(lost > 3);
    bytes_free(&whole);
}

/* --- circles and logs
 * ------------------------------------------------------------------------------------- */

static void a_page_of_a_chain_ends_before_it_grows_too_large(void **state)
{
    enum {
        BIG = 5500,
        ROWS = 100
    };
    struct world *w = *state;
    struct message ask = {.type = MSG_CHAIN};
    uint8_t key[ID_BYTES + 4], row[CHAIN_ROW_SS + BIG];
    struct member_answer a = {0};
    struct txn *t = NULL;

    memset(row, 0x11, sizeof row);
    memcpy(key, w->circle->handle, ID_BYTES);
    assert_ok(store_begin(w->core->store, TXN_WRITE, &t));
    for (uint32_t i = 0; i < ROWS; i++) {
        be32_write(1000 + i, key + ID_BYTES);
        assert_ok(store_put(t, TABLE_CHAIN, SPAN_OF(key), SPAN_OF(row)));
    }
    assert_ok(store_commit(&t));
    memcpy(ask.chain.circle, w->circle->handle, ID_BYTES);
    ask.chain.from = 1000;
    ask.chain.req = member_next_req(w->m[1]);
    assert_ok(member_ask(w->m[1], &ask, &a));
    assert_in_range(a.message.chain_page.n, 280000 / BIG - 1, 280000 / BIG);
    member_answer_free(&a);
    w->damaged = true; /* those rows are no statements */
}

/* Folded circles are a cache: it stays within its bound, and who was dropped is folded again. */
static void a_great_many_circles_do_not_stay_in_memory(void **state)
{
    enum {
        MANY = 600000
    };
    struct world *w = *state;
    struct circle *circle = NULL;
    uint8_t handle[ID_BYTES] = {0};
    size_t before = mallinfo2().uordblks, one;

    assert_ok(circle_new(handle, &circle));
    one = circle_bytes(circle);
    circle_free(circle);
    assert_true(one * MANY > (size_t)100 << 20); /* the control: more than the bound */
    for (uint32_t i = 0; i < MANY; i++) {
        be32_write(i, handle);
        assert_ok(circle_new(handle, &circle));
        assert_ok(circles_add(w->core, handle, circle));
    }
    assert_true(mallinfo2().uordblks - before < (size_t)80 << 20);
    w->faults.fail_begin = w->faults.begins + 1;
    assert_int_equal(circles_get(w->core, w->circle->handle, &circle), ERR_IO); /* it was dropped */
    assert_ok(circles_get(w->core, w->circle->handle, &circle));
    assert_int_equal(circle_size(circle), 3);
    w->faults.fail_begin = w->faults.begins + 1;
    assert_ok(circles_get(w->core, w->circle->handle, &circle)); /* and is kept now */
    w->faults.fail_begin = 0;
}

static void a_circle_is_created_once(void **state)
{
    struct world *w = *state;
    struct circle_statement s;
    struct bytes ss = {0};

    assert_ok(member_statement(w->m[0], NULL, CIRCLE_CREATE, &s));
    s.row = member_row(w->m[0]);
    assert_ok(circle_sign(&s, member_sign_key(w->m[0]), &ss));
    assert_ok(member_declare_ss(w->m[0], bytes_span(&ss), NULL));
    ss.ptr[ss.len - 1] ^= 1; /* the same circle, other bytes */
    assert_int_equal(member_declare_ss(w->m[0], bytes_span(&ss), NULL), ERR_EXISTS);
    ss.ptr[ss.len - 1] ^= 1;
    assert_ok(member_declare_ss(w->m[0], bytes_span(&ss), NULL)); /* a repetition is fine */
    bytes_free(&ss);
}

static void who_has_left_hears_of_it_and_of_nothing_after(void **state)
{
    struct world *w = *state;
    size_t had;

    assert_ok(member_leave(w->m[2], w->circle));
    had = member_items_of(w->m[2], DELIVER_STATEMENT);
    assert_int_equal(last_item(w, 2)->kind, DELIVER_STATEMENT);
    assert_ok(member_notice(w->m[0], w->circle, CLASS_SOCIAL, w->m[1], NULL));
    assert_int_equal(member_items_of(w->m[2], DELIVER_STATEMENT), had);
    assert_int_equal(last_item(w, 1)->kind, DELIVER_STATEMENT);
}

static void a_revoked_node_is_sent_no_statement(void **state)
{
    struct world *w = *state;
    uint64_t waiting;
    json_t *data = NULL;

    assert_ok(world_about(w, "org.revoke", "org", member_org(w->m[2]), &data));
    assert_ok(world_sign(w, span_text(json_string_value(json_object_get(data, "request"))), NULL));
    json_decref(data);
    assert_ok(member_sync(w->m[0]));
    waiting = world_box(w, 2)->len;
    assert_ok(member_notice(w->m[0], w->circle, CLASS_SOCIAL, w->m[1], NULL));
    assert_int_equal(world_box(w, 2)->len, waiting);
    assert_int_equal(last_item(w, 1)->kind, DELIVER_STATEMENT);
    assert_memory_is_the_store(w);
}

/* What nobody can ever fetch would count against its sender for ever. */
static void receipts_for_a_revoked_node_free_the_quota_of_who_paid_for_them(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 2);
    const struct usage *u = quota_usage(w->core, member_org(w->m[0]));
    json_t *data = NULL;

    world_greet(w, 2, 0, 0); /* away, as it were */
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    assert_ok(member_recall(w->m[0], bytes_span(&whole), RECALL_CONTENT, NULL));
    bytes_free(&whole);
    assert_ok(member_ack_all(w->m[0]));
    assert_int_equal(u->messages, 1); /* the absent one's receipt */
    whole = world_letter(w, 0, 2);
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    bytes_free(&whole);
    assert_ok(world_about(w, "org.revoke", "org", member_org(w->m[2]), &data));
    assert_ok(world_sign(w, span_text(json_string_value(json_object_get(data, "request"))), NULL));
    json_decref(data);
    for (int i = 0; i < 3; i++)
        world_job(w, JOB_TICK);
    assert_int_equal(u->messages, 1); /* the letter that waits, and has an end of its own */
    assert_memory_is_the_store(w);
    clock_fixed_advance(&w->clock, 40ull * 24 * 3600 * 1000);
    clock_believe(w->core);
    for (int i = 0; i < 3; i++)
        world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.expired, 1);
    assert_int_equal(receipts_of(w, 0, AUDIT_EXPIRED), 1);
    assert_ok(member_ack_all(w->m[0]));
    u = quota_usage(w->core, member_org(w->m[0]));
    assert_int_equal(u->messages, 0);
    assert_memory_is_the_store(w);
}

static void heads_a_slot_apart_are_not_confused(void **state)
{
    struct world *w = *state;
    struct core *c = w->core;
    struct ckpt before, after, other;
    struct txn *t = NULL;
    uint64_t index;

    assert_ok(store_begin(c->store, TXN_WRITE, &c->t));
    for (int i = 0; i < 1100; i++) {
        struct detail d = {.has = RD_KEY(DETAIL_ACT), .act = ACT_START};

        assert_ok(audit_add(c, AUDIT_ACT, &d, &index));
    }
    assert_ok(store_commit(&c->t));
    ledger_committed(c->audit);
    assert_ok(store_begin(c->store, TXN_READ, &t));
    assert_int_equal(audit_head(c, t, index + 2, &before), ERR_STATE);
    assert_ok(audit_head(c, t, index - 1024, &before));
    assert_ok(audit_head(c, t, index, &other));
    assert_ok(audit_head(c, t, index - 1024, &after));
    assert_int_equal(after.size, index - 1024);
    assert_memory_equal(before.root, after.root, sizeof before.root);
    assert_memory_not_equal(before.root, other.root, sizeof before.root);
    store_abort(&t);
}

/* Our root under a signature that is not ours: nobody's history, and no alarm. */
static void a_head_with_our_root_and_another_signature_is_no_checkpoint(void **state)
{
    struct world *w = *state;
    uint64_t audit = ledger_committed_size(w->core->audit);
    struct bytes whole = {0};
    struct env_header h;

    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 1, &h));
    h.audit_head.sig[5] ^= 1;
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("x"), &whole, NULL));
    assert_int_equal(member_put(w->m[0], bytes_span(&whole), NULL), ERR_CHECKPOINT);
    assert_int_equal(ledger_committed_size(w->core->audit), audit + 1);
    bytes_free(&whole);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    static const struct CMUnitTest tests[] = {
        TEST(credit_in_bytes_lets_one_through_at_a_time),
        TEST(of_three_that_wait_the_middle_one_expires),
        TEST(what_expires_on_its_way_is_counted_by_its_ack_and_not_delivered),
        TEST(an_ack_that_crosses_an_expiry_loses_nothing),
        TEST(many_expire_at_once_and_every_one_is_told),
        TEST(who_has_it_is_not_told_that_it_expired),
        TEST(an_item_ends_for_each_recipient_in_his_way),
        TEST(more_than_one_pump_may_hold_are_held_in_turn),
        TEST(of_what_has_expired_only_a_reading_is_reported),
        TEST(an_item_has_so_many_recipients_and_they_exist),
        cmocka_unit_test(an_entry_that_ends_leaves_the_mailbox_unless_an_ack_is_to_count_it),
        cmocka_unit_test(without_memory_there_is_no_mailbox_and_no_entry),
        TEST(old_dedupe_rows_go_a_slice_at_a_time_and_fresh_ones_stay),
        TEST(a_group_signs_so_many_refusals_and_counts_the_rest),
        TEST(a_stranger_is_refused_without_a_leaf),
        TEST(a_refusal_that_cannot_be_said_is_not_half_done),
        TEST(a_page_of_a_chain_ends_before_it_grows_too_large),
        TEST(a_great_many_circles_do_not_stay_in_memory),
        TEST(a_circle_is_created_once),
        TEST(who_has_left_hears_of_it_and_of_nothing_after),
        TEST(a_revoked_node_is_sent_no_statement),
        TEST(receipts_for_a_revoked_node_free_the_quota_of_who_paid_for_them),
        TEST(heads_a_slot_apart_are_not_confused),
        TEST(a_head_with_our_root_and_another_signature_is_no_checkpoint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
