/* The core: what ends otherwise than by delivery while it is on its way. Recalls, and circles that
 * narrow: one final state for each message and recipient, whatever comes first. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_world.h"

static void credit(struct world *w, size_t i, uint32_t messages)
{
    struct msg_hello hello;

    member_credit(w->m[i], messages, 1 << 20);
    assert_ok(member_hello_make(w->m[i], &hello));
    assert_ok(member_hello(w->m[i], &hello));
}

/* From 0 to 1 and 2. */
static struct bytes letter_to_both(struct world *w)
{
    struct bytes whole = {0};
    struct env_header h;

    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 2, &h));
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("corps"), &whole, NULL));
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    return whole;
}

static const uint8_t *told_for(struct world *w, size_t who, enum audit_type type, size_t n,
                               struct receipt_facts *facts)
{
    const struct member_item *it = member_receipt_of(w->m[who], type, n);

    assert_non_null(it);
    assert_ok(member_item_facts(it, facts));
    return facts->detail.to[0];
}

static void told_nothing(struct world *w, size_t who, enum audit_type type)
{
    assert_null(member_receipt_of(w->m[who], type, 0));
}

static void what_waits_is_recalled_and_both_sides_are_told(void **state)
{
    struct world *w = *state;
    struct receipt_facts f;
    struct bytes whole, receipt = {0}, again = {0};
    struct statement_sig sig = {.role = ROLE_NODE};

    credit(w, 1, 0);
    whole = world_letter(w, 0, 1);
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    assert_ok(member_recall(w->m[0], bytes_span(&whole), RECALL_PERSON, &receipt));
    credit(w, 1, 64);
    assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_memory_equal(told_for(w, i, AUDIT_RECALLED, 0, &f), member_org(w->m[1]), ID_BYTES);
        assert_int_equal(f.detail.code, RECALL_PERSON);
        /* signed by the sender: the hub alone recalls nothing */
        memcpy(sig.org, f.detail.by_org, ID_BYTES);
        memcpy(sig.kid, f.detail.kid, KID_BYTES);
        memcpy(sig.sig, f.detail.sig, SIG_BYTES);
        assert_ok(statement_verify(STATEMENT_RECALL, f.detail.about, &sig,
                                   secret_sign_public(member_sign_key(w->m[0]))));
    }
    assert_ok(member_recall(w->m[0], bytes_span(&whole), RECALL_PERSON, &again));
    assert_true(span_equal(bytes_span(&receipt), bytes_span(&again)));
    assert_int_equal(w->core->count.recalled, 1);
    assert_ok(member_ack_all(w->m[0]));
    assert_ok(member_ack_all(w->m[1]));
    told_nothing(w, 0, AUDIT_DELIVERED);
    assert_memory_is_the_store(w);
    bytes_free(&whole);
    bytes_free(&receipt);
    bytes_free(&again);
}

static void what_is_on_its_way_is_recalled_and_still_counts_in_the_ack(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);

    world_send(w, 2, 1);
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    world_send(w, 2, 1);
    assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), 3);
    assert_ok(member_recall(w->m[0], bytes_span(&whole), RECALL_CONTENT, NULL));
    assert_memory_is_the_store(w); /* also the place kept for the ACK */
    assert_ok(member_ack_all(w->m[1]));
    assert_int_equal(member_answers(w->m[1]), 0); /* no ERR: count and root agree */
    assert_int_equal(w->core->count.delivered, 2);
    assert_non_null(member_receipt_of(w->m[2], AUDIT_DELIVERED, 1));
    told_nothing(w, 0, AUDIT_DELIVERED);
    assert_non_null(member_receipt_of(w->m[0], AUDIT_RECALLED, 0));
    assert_non_null(member_receipt_of(w->m[1], AUDIT_RECALLED, 0));
    assert_int_equal(member_recall(w->m[2], bytes_span(&whole), RECALL_CONTENT, NULL), ERR_FROM);
    assert_ok(member_ack_all(w->m[0]));
    assert_ok(member_ack_all(w->m[2]));
    assert_memory_is_the_store(w);
    bytes_free(&whole);
}

static void a_new_session_does_not_get_what_was_recalled_from_the_former(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);

    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    world_send(w, 2, 1);
    assert_ok(member_recall(w->m[0], bytes_span(&whole), RECALL_NO_REASON, NULL));
    credit(w, 1, 64);
    for (size_t i = 0; i < member_items(w->m[1]); i++)
        if (span_equal(bytes_span(&member_item(w->m[1], i)->item), bytes_span(&whole)))
            assert_int_equal(member_item(w->m[1], i)->copies, 1);
    assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), 2);
    assert_memory_is_the_store(w);
    bytes_free(&whole);
}

static void the_commit_order_decides_between_recall_and_ack(void **state)
{
    struct world *w = *state;
    struct bytes whole = letter_to_both(w);
    struct receipt_facts f;

    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_recall(w->m[0], bytes_span(&whole), RECALL_CONTENT, NULL)); /* in part */
    assert_ok(member_ack_all(w->m[2]));
    assert_memory_equal(told_for(w, 0, AUDIT_RECALLED, 0, &f), member_org(w->m[2]), ID_BYTES);
    assert_null(member_receipt_of(w->m[0], AUDIT_RECALLED, 1));
    told_for(w, 0, AUDIT_DELIVERED, 0, &f);
    assert_memory_equal(f.detail.by_org, member_org(w->m[1]), ID_BYTES);
    assert_null(member_receipt_of(w->m[0], AUDIT_DELIVERED, 1));
    told_nothing(w, 1, AUDIT_RECALLED);
    assert_int_equal(w->core->count.delivered, 1);
    bytes_free(&whole);
    whole = letter_to_both(w);
    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_ack_all(w->m[2]));
    assert_int_equal(member_recall(w->m[0], bytes_span(&whole), RECALL_CONTENT, NULL),
                     ERR_TOO_LATE);
    assert_ok(member_ack_all(w->m[0]));
    assert_memory_is_the_store(w);
    bytes_free(&whole);
}

/* In one group, with the recall behind the ACK in the queue: recalls go first. */
static void a_recall_beside_an_ack_counts(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1), ss = {0};
    struct message recall = {.type = MSG_RECALL}, ack = {.type = MSG_ACK};
    struct member_answer a = {0};
    struct job *j[2];

    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    assert_ok(member_recall_make(w->m[0], bytes_span(&whole), RECALL_CONTENT, &ss));
    assert_ok(member_ack_make(w->m[1], last_item(w, 1)->seq, &ack.ack));
    recall.statement = (struct msg_statement){member_next_req(w->m[0]), bytes_span(&ss)};
    j[0] = job_of(w, JOB_MEMBER, w->m[1]);
    j[1] = job_of(w, JOB_MEMBER, w->m[0]);
    assert_ok(message_encode(&ack, &j[0]->frame));
    assert_ok(message_encode(&recall, &j[1]->frame));
    for (size_t i = 0; i < 2; i++) {
        job_prepare(w, j[i], 1 - i);
        assert_ok(fair_push(w->in, j[i]));
    }
    world_turn(w);
    assert_ok(member_answer(w->m[0], recall.statement.req, 0, &a));
    assert_ok(a.code);
    assert_int_equal(w->core->count.recalled, 1);
    assert_int_equal(w->core->count.delivered, 0);
    member_answer_free(&a);
    bytes_free(&whole);
    bytes_free(&ss);
}

/* And with its own PUT before it in one group: that one is not overtaken. */
static void a_recall_beside_its_own_message_comes_after_it(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1), ss = {0};
    struct message recall = {.type = MSG_RECALL}, put = {.type = MSG_PUT};
    struct member_answer a = {0};
    struct job *j[2];

    credit(w, 1, 0);
    assert_ok(member_recall_make(w->m[0], bytes_span(&whole), RECALL_CONTENT, &ss));
    assert_int_equal(member_recall_ss(w->m[0], bytes_span(&ss), NULL), ERR_NOT_FOUND);
    put.put = (struct msg_put){member_next_req(w->m[0]), bytes_span(&whole)};
    recall.statement = (struct msg_statement){member_next_req(w->m[0]), bytes_span(&ss)};
    for (size_t i = 0; i < 2; i++) {
        j[i] = job_of(w, JOB_MEMBER, w->m[0]);
        assert_ok(message_encode(i ? &recall : &put, &j[i]->frame));
        job_prepare(w, j[i], 0);
        assert_ok(fair_push(w->in, j[i]));
    }
    world_turn(w);
    assert_ok(member_answer(w->m[0], recall.statement.req, 0, &a));
    assert_ok(a.code);
    assert_int_equal(w->core->count.recalled, 1);
    member_answer_free(&a);
    bytes_free(&whole);
    bytes_free(&ss);
}

static void what_a_human_read_before_the_recall_came_is_said(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);
    const struct member_item *it;

    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    it = last_item(w, 1);
    assert_ok(member_recall(w->m[0], bytes_span(&whole), RECALL_CONTENT, NULL));
    it = member_item(w->m[1], member_items(w->m[1]) - 2); /* before its receipt */
    assert_int_equal(it->kind, DELIVER_ENVELOPE);
    assert_ok(member_ack_all(w->m[1]));
    assert_int_equal(member_report(w->m[1], it, AUDIT_REFUSED, ERR_CLASS, NULL), ERR_STATE);
    assert_ok(member_report(w->m[1], it, AUDIT_OPENED, ERR_OK, NULL));
    assert_non_null(member_receipt_of(w->m[0], AUDIT_OPENED, 0));
    bytes_free(&whole);
}

static void what_never_left_the_hub_nobody_has_read(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);
    struct member_item it = {.item = whole};

    credit(w, 1, 0);
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    assert_ok(member_recall(w->m[0], bytes_span(&whole), RECALL_CONTENT, NULL));
    credit(w, 1, 64);
    assert_ok(member_ack_all(w->m[1]));
    assert_int_equal(member_report(w->m[1], &it, AUDIT_OPENED, ERR_OK, NULL), ERR_STATE);
    bytes_free(&whole);
}

static void a_recall_that_lies_is_refused(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1), other = world_letter(w, 2, 1), ss = {0};

    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    assert_ok(member_put(w->m[2], bytes_span(&other), NULL));
    assert_ok(member_recall_make(w->m[0], bytes_span(&whole), RECALL_CONTENT, &ss));
    assert_int_equal(member_recall_ss(w->m[1], bytes_span(&ss), NULL), ERR_FROM);
    assert_int_equal(member_recall(w->m[0], bytes_span(&other), RECALL_CONTENT, NULL), ERR_FROM);
    ss.ptr[ss.len - 1] ^= 1;
    assert_int_equal(member_recall_ss(w->m[0], bytes_span(&ss), NULL), ERR_FORGED);
    assert_int_equal(member_recall(w->m[0], bytes_span(&whole), (enum recall_reason)5, NULL),
                     ERR_FIELD_VALUE);
    assert_ok(member_report_make(w->m[0], last_item(w, 1), AUDIT_OPENED, ERR_OK, &ss));
    assert_int_equal(member_recall_ss(w->m[0], bytes_span(&ss), NULL), ERR_FORGED); /* context */
    assert_int_equal(w->core->count.recalled, 0);
    bytes_free(&whole);
    bytes_free(&other);
    bytes_free(&ss);
}

/* --- circles that narrow -----------------------------------------------------------------------
 */

static void consented(struct world *w, uint32_t *consent, struct bytes *whole)
{
    struct env_header h;

    assert_ok(member_consent(w->m[0], w->circle, CLASS_SOCIAL, w->m[1], consent));
    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 1, &h));
    h.basis = BASIS_CONSENTI;
    h.has_consent = true;
    h.consent = *consent;
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("corps"), whole, NULL));
}

static void what_is_on_its_way_is_held_back_by_a_withdrawal(void **state)
{
    struct world *w = *state;
    struct bytes whole = {0};
    struct receipt_facts f;
    uint32_t consent;

    consented(w, &consent, &whole);
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    world_send(w, 2, 1); /* an échange: it stays lawful */
    assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), 2);
    assert_ok(member_withdraw(w->m[2], w->circle, consent));
    assert_int_equal(w->core->count.held, 1);
    for (size_t i = 0; i < 2; i++) {
        told_for(w, i, AUDIT_HELD, 0, &f);
        assert_int_equal(f.detail.code, ERR_CONSENT_WITHDRAWN);
    }
    assert_memory_is_the_store(w);
    assert_ok(member_ack_all(w->m[1]));
    assert_int_equal(member_answers(w->m[1]), 0);
    told_nothing(w, 0, AUDIT_DELIVERED);
    assert_non_null(member_receipt_of(w->m[2], AUDIT_DELIVERED, 0));
    assert_int_equal(member_recall(w->m[0], bytes_span(&whole), RECALL_CONTENT, NULL),
                     ERR_TOO_LATE);
    assert_ok(member_ack_all(w->m[0]));
    assert_ok(member_ack_all(w->m[2]));
    assert_memory_is_the_store(w);
    bytes_free(&whole);
}

/* Issued, reconnected, and then the circle narrows: the receipt says what became of it. */
static void what_was_issued_in_a_former_session_is_held_back_before_the_next(void **state)
{
    struct world *w = *state;
    struct bytes whole = {0};
    uint32_t consent;
    struct member_item it;

    consented(w, &consent, &whole);
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    it = *last_item(w, 1);
    credit(w, 1, 0); /* a new session that takes nothing yet */
    assert_ok(member_withdraw(w->m[0], w->circle, consent));
    credit(w, 1, 64);
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.held, 1);
    assert_non_null(member_receipt_of(w->m[0], AUDIT_HELD, 0));
    assert_non_null(member_receipt_of(w->m[1], AUDIT_HELD, 0));
    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_report(w->m[1], &it, AUDIT_OPENED, ERR_OK, NULL)); /* it may have had it */
    told_nothing(w, 0, AUDIT_DELIVERED);
    bytes_free(&whole);
}

static void who_leaves_is_chased_and_so_is_what_he_was_sent(void **state)
{
    struct world *w = *state;

    world_send(w, 0, 1);
    world_send(w, 0, 2);
    assert_ok(member_leave(w->m[1], w->circle));
    assert_int_equal(w->core->count.held, 1);
    assert_non_null(member_receipt_of(w->m[1], AUDIT_HELD, 0));
    assert_null(member_receipt_of(w->m[2], AUDIT_HELD, 0));
    assert_memory_is_the_store(w);
}

static void what_expires_on_its_way_still_counts_in_the_ack(void **state)
{
    struct world *w = *state;
    struct env_header h;
    struct bytes whole = {0};

    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 1, &h));
    h.exp = h.ts + 3600000;
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("corps"), &whole, NULL));
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    clock_fixed_advance(&w->clock, 3700000);
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.expired, 1);
    assert_ok(member_ack_all(w->m[1]));
    assert_int_equal(member_answers(w->m[1]), 0);
    assert_non_null(member_receipt_of(w->m[0], AUDIT_EXPIRED, 0));
    told_nothing(w, 0, AUDIT_DELIVERED);
    assert_memory_is_the_store(w);
    bytes_free(&whole);
}

/* Envelopes that the hub still holds: what ended does not wait for an ACK that will not come. */
static size_t bodies(struct world *w)
{
    struct txn *t = NULL;
    struct item it;
    size_t n = 0;

    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    for (uint64_t seq = 1; seq < w->core->next_seq; seq++)
        n += item_read(t, seq, &it) == ERR_OK && it.kind == DELIVER_ENVELOPE;
    store_abort(&t);
    return n;
}

static void what_was_recalled_leaves_the_hub_with_the_session_or_the_hub_itself(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);
    struct job *gone;

    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    assert_ok(member_recall(w->m[0], bytes_span(&whole), RECALL_CONTENT, NULL));
    assert_int_equal(bodies(w), 1);
    gone = job_of(w, JOB_GONE, w->m[1]);
    gone->session = w->session[1];
    assert_ok(fair_push(w->in, gone));
    world_turn(w);
    assert_int_equal(bodies(w), 0);
    bytes_free(&whole);
    credit(w, 1, 64);
    whole = world_letter(w, 0, 1);
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    assert_ok(member_recall(w->m[0], bytes_span(&whole), RECALL_CONTENT, NULL));
    assert_int_equal(bodies(w), 1);
    mailbox_each(w->core, forget_session, NULL); /* as after a restart */
    assert_ok(core_reload(w->core));
    world_job(w, JOB_TICK);
    assert_int_equal(bodies(w), 0);
    bytes_free(&whole);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    const struct CMUnitTest tests[] = {
        TEST(what_waits_is_recalled_and_both_sides_are_told),
        TEST(what_is_on_its_way_is_recalled_and_still_counts_in_the_ack),
        TEST(a_new_session_does_not_get_what_was_recalled_from_the_former),
        TEST(the_commit_order_decides_between_recall_and_ack),
        TEST(a_recall_beside_an_ack_counts),
        TEST(a_recall_beside_its_own_message_comes_after_it),
        TEST(what_a_human_read_before_the_recall_came_is_said),
        TEST(what_never_left_the_hub_nobody_has_read),
        TEST(a_recall_that_lies_is_refused),
        TEST(what_is_on_its_way_is_held_back_by_a_withdrawal),
        TEST(what_was_issued_in_a_former_session_is_held_back_before_the_next),
        TEST(who_leaves_is_chased_and_so_is_what_he_was_sent),
        TEST(what_expires_on_its_way_still_counts_in_the_ack),
        TEST(what_was_recalled_leaves_the_hub_with_the_session_or_the_hub_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
