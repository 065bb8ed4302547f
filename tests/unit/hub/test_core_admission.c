/* The core, one group at a time: what is admitted, declared, delivered, acknowledged, reported. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_world.h"
#include "writer.h"

static void an_envelope_goes_from_one_to_the_other_with_its_receipts(void **state)
{
    struct world *w = *state;
    struct receipt_facts facts;

    world_send(w, 0, 1);
    assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), 1);
    assert_ok(member_ack_all(w->m[1]));
    assert_non_null(member_receipt_of(w->m[0], AUDIT_DELIVERED, 0));
    assert_ok(member_item_facts(member_receipt_of(w->m[0], AUDIT_DELIVERED, 0), &facts));
    assert_int_equal(w->core->count.delivered, 1);
    assert_ok(member_ack_all(w->m[0]));
    assert_memory_is_the_store(w);
}

static void one_ack_covers_many_and_every_sender_has_his_path(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 40; i++)
        world_send(w, i % 3 == 0 ? 2 : 0, 1);
    assert_ok(member_ack_all(w->m[1]));
    assert_int_equal(member_items_of(w->m[0], DELIVER_RECEIPT), 26);
    assert_int_equal(member_items_of(w->m[2], DELIVER_RECEIPT), 14);
    for (size_t i = 0; i < member_items(w->m[0]); i++) {
        struct receipt_facts facts;
        struct receipt r;

        if (member_item(w->m[0], i)->kind != DELIVER_RECEIPT)
            continue;
        assert_ok(receipt_decode(bytes_span(&member_item(w->m[0], i)->receipt), &r));
        assert_true(r.has_path);
        assert_ok(
            receipt_check(&r, span_text(w->id.audit_origin), &w->id.federation.audit_log, &facts));
    }
    assert_memory_is_the_store(w);
}

static void a_repeated_envelope_has_the_first_receipt(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1), a = {0}, b = {0};

    assert_ok(member_put(w->m[0], bytes_span(&whole), &a));
    world_send(w, 0, 2);
    assert_ok(member_put(w->m[0], bytes_span(&whole), &b));
    assert_true(span_equal(bytes_span(&a), bytes_span(&b)));
    assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), 1);
    bytes_free(&whole);
    bytes_free(&a);
    bytes_free(&b);
}

static void refuse(struct world *w, size_t by, struct span whole, enum err code)
{
    struct memory before = memory_of(w), after;

    assert_int_equal(member_put(w->m[by], whole, NULL), code);
    after = memory_of(w);
    assert_int_equal(after.audit, before.audit + (refusal_is_final(code) ? 1 : 0));
    after.audit = before.audit;
    assert_same_memory(&before, &after);
}

static void refuse_header(struct world *w, const struct env_header *h, enum err code)
{
    struct bytes whole = {0};

    assert_ok(member_seal(w->m[0], h, SPAN_STR("corps"), &whole, NULL));
    refuse(w, 0, bytes_span(&whole), code);
    bytes_free(&whole);
}

static struct env_header header(struct world *w)
{
    struct env_header h;

    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 1, &h));
    return h;
}

static void what_does_not_fit_is_refused_by_name_and_logged(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 1, 2);
    struct member_parts p = {0};
    struct env_header h = header(w);

    refuse(w, 0, bytes_span(&whole), ERR_FROM);
    h.keys_head.root[0] ^= 1;
    refuse_header(w, &h, ERR_CHECKPOINT);
    h = header(w);
    h.audit_head.size = 1u << 20; /* a head that is not there yet, and not signed either */
    refuse_header(w, &h, ERR_CHECKPOINT);
    h = header(w);
    h.circle[0] ^= 1;
    refuse_header(w, &h, ERR_NOT_IN_CIRCLE);
    h = header(w);
    h.ts -= 3 * UINT64_C(86400000);
    h.exp = h.ts + 1;
    refuse_header(w, &h, ERR_EXPIRED);
    h = header(w);
    h.status = MODE_REAL;
    refuse_header(w, &h, ERR_MODE);
    h = header(w);
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("corps"), &whole, NULL));
    assert_ok(member_parts_read(bytes_span(&whole), &p));
    p.sig.ptr[0] ^= 1;
    assert_ok(member_parts_write(&p, &whole));
    refuse(w, 0, bytes_span(&whole), ERR_FORGED);
    assert_int_equal(w->penalties, 1);
    memset(p.rcp.ptr, 9, KID_BYTES);
    assert_ok(member_parts_sign(w->m[0], &p));
    assert_ok(member_parts_write(&p, &whole));
    refuse(w, 0, bytes_span(&whole), ERR_ADDRESSEE);
    assert_memory_is_the_store(w);
    member_parts_free(&p);
    bytes_free(&whole);
}

static void a_reused_id_is_refused(void **state)
{
    struct world *w = *state;
    struct env_header h = header(w);
    struct bytes whole = {0};

    assert_ok(member_seal(w->m[0], &h, SPAN_STR("un"), &whole, NULL));
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    refuse_header(w, &h, ERR_MID_REUSED);
    bytes_free(&whole);
}

static void a_head_of_another_history_stops_the_hub(void **state)
{
    struct world *w = *state;
    struct env_header h = header(w);
    struct bytes note = {0}, whole = {0};
    uint64_t audit = ledger_committed_size(w->core->audit);
    struct ckpt *head = &h.keys_head;

    head->root[4] ^= 1;
    assert_ok(bytes_printf(&note, "%s\n%llu\n", w->id.keys_origin, (unsigned long long)head->size));
    assert_ok(base64_write(&whole, SPAN_OF(head->root)));
    assert_ok(bytes_append(&note, bytes_span(&whole)));
    assert_ok(bytes_append(&note, SPAN_STR("\n")));
    assert_ok(sign_note(w->id.keys_log, bytes_span(&note), head->sig));
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("corps"), &whole, NULL));
    assert_int_equal(member_put(w->m[0], bytes_span(&whole), NULL), ERR_BEHIND);
    assert_int_equal(ledger_committed_size(w->core->audit), audit + 1); /* the alarm */
    assert_true(w->core->recovery.behind);
    bytes_free(&note);
    bytes_free(&whole);
}

/* A withdrawal and an envelope in one group: the statement goes first. */
static void a_withdrawal_beside_an_envelope_counts(void **state)
{
    struct world *w = *state;
    struct message declare = {.type = MSG_DECLARE}, put = {.type = MSG_PUT};
    struct bytes whole = {0}, ss = {0};
    struct circle_statement s;
    struct member_answer a = {0};
    struct env_header h = header(w);
    uint32_t consent;
    struct job *j[2];

    assert_ok(member_consent(w->m[0], w->circle, CLASS_SOCIAL, w->m[1], &consent));
    h.basis = BASIS_CONSENTI;
    h.has_consent = true;
    h.consent = consent;
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("corps"), &whole, NULL));
    assert_ok(member_statement(w->m[2], w->circle, CIRCLE_WITHDRAWAL, &s));
    s.about = consent;
    assert_ok(circle_sign(&s, member_sign_key(w->m[2]), &ss));
    put.put = (struct msg_put){member_next_req(w->m[0]), bytes_span(&whole)};
    declare.statement = (struct msg_statement){member_next_req(w->m[2]), bytes_span(&ss)};
    j[0] = job_of(w, JOB_MEMBER, w->m[0]);
    j[1] = job_of(w, JOB_MEMBER, w->m[2]);
    assert_ok(message_encode(&put, &j[0]->frame));
    assert_ok(message_encode(&declare, &j[1]->frame));
    for (size_t i = 0; i < 2; i++) {
        job_prepare(w, j[i], 2 * i);
        assert_ok(fair_push(w->in, j[i]));
    }
    world_turn(w);
    assert_ok(member_answer(w->m[0], put.put.req, 0, &a));
    assert_int_equal(a.code, ERR_CONSENT_WITHDRAWN);
    member_answer_free(&a);
    bytes_free(&whole);
    bytes_free(&ss);
}

static void what_may_no_longer_be_delivered_is_held_back(void **state)
{
    struct world *w = *state;
    struct env_header h = header(w);
    struct bytes whole = {0};
    struct msg_hello hello;
    uint32_t consent;

    assert_ok(member_consent(w->m[0], w->circle, CLASS_SOCIAL, w->m[1], &consent));
    assert_ok(member_ack_all(w->m[1]));
    member_credit(w->m[1], 0, 0);
    assert_ok(member_hello_make(w->m[1], &hello));
    assert_ok(member_hello(w->m[1], &hello));
    h.basis = BASIS_CONSENTI;
    h.has_consent = true;
    h.consent = consent;
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("corps"), &whole, NULL));
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    assert_ok(member_withdraw(w->m[0], w->circle, consent));
    member_credit(w->m[1], 64, 1 << 20);
    assert_ok(member_hello_make(w->m[1], &hello));
    assert_ok(member_hello(w->m[1], &hello));
    world_job(w, JOB_TICK);
    assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), 0);
    assert_non_null(member_receipt_of(w->m[0], AUDIT_HELD, 0));
    assert_non_null(member_receipt_of(w->m[1], AUDIT_HELD, 0));
    assert_int_equal(w->core->count.held, 1);
    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_ack_all(w->m[0]));
    assert_memory_is_the_store(w);
    bytes_free(&whole);
}

static void what_expires_is_told_to_both_and_forgotten_a_day_later(void **state)
{
    struct world *w = *state;
    struct env_header h = header(w);
    struct bytes whole = {0};

    h.exp = h.ts + 3600000;
    member_credit(w->m[1], 0, 0);
    assert_ok(member_ack(w->m[1], member_acked(w->m[1]))); /* credit alone */
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("corps"), &whole, NULL));
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.expired, 0); /* the control */
    clock_fixed_advance(&w->clock, 3700000);
    world_job(w, JOB_TICK);
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.expired, 1);
    assert_non_null(member_receipt_of(w->m[0], AUDIT_EXPIRED, 0));
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL)); /* still known */
    clock_fixed_advance(&w->clock, 25 * UINT64_C(3600000));
    world_job(w, JOB_TICK);
    assert_int_equal(member_put(w->m[0], bytes_span(&whole), NULL), ERR_EXPIRED);
    assert_memory_is_the_store(w);
    bytes_free(&whole);
}

/* --- acknowledging and reporting ---------------------------------------------------------------
 */

static void ack_is_refused(struct world *w, const struct msg_ack *ack, enum err code)
{
    struct message say = {.type = MSG_ACK, .ack = *ack};
    struct member_answer a = {0};
    struct msg_hello hello;

    assert_ok(member_tell(w->m[1], &say));
    assert_ok(member_answer(w->m[1], 0, 0, &a));
    assert_int_equal(a.code, code);
    member_answer_free(&a);
    assert_ok(member_hello_make(w->m[1], &hello));
    assert_ok(member_hello(w->m[1], &hello));
}

static void an_ack_that_lies_is_refused(void **state)
{
    struct world *w = *state;
    struct msg_ack honest, ack;

    world_send(w, 0, 1);
    assert_ok(member_ack_make(w->m[1], last_item(w, 1)->seq, &honest));
    ack = honest;
    ack.sig[0] ^= 1;
    ack_is_refused(w, &ack, ERR_FORGED);
    ack = honest;
    ack.root[9] ^= 1;
    assert_ok(member_ack_sign(w->m[1], &ack));
    ack_is_refused(w, &ack, ERR_PROOF);
    ack = honest;
    ack.count++;
    assert_ok(member_ack_sign(w->m[1], &ack));
    ack_is_refused(w, &ack, ERR_PROOF);
    ack = honest;
    ack.is_signed = false;
    ack_is_refused(w, &ack, ERR_PROOF);
    ack.upto += 5;
    ack_is_refused(w, &ack, ERR_RANGE);
    assert_int_equal(w->core->count.delivered, 0);
    assert_ok(member_ack_all(w->m[1]));
    assert_int_equal(w->core->count.delivered, 1);
}

static void an_ack_outside_a_session_is_refused(void **state)
{
    struct world *w = *state;
    struct message say = {.type = MSG_ACK};
    struct member_answer a = {0};

    assert_ok(member_ack_make(w->m[1], 0, &say.ack));
    w->session[1] = 999;
    assert_ok(member_tell(w->m[1], &say));
    assert_ok(member_answer(w->m[1], 0, 0, &a));
    assert_int_equal(a.code, ERR_MESSAGE_STATE);
    member_answer_free(&a);
}

static void a_report_is_kept_once_and_told_to_the_sender(void **state)
{
    struct world *w = *state;
    struct bytes a = {0}, b = {0};

    world_send(w, 0, 1);
    assert_int_equal(member_report(w->m[1], last_item(w, 1), AUDIT_OPENED, ERR_OK, NULL),
                     ERR_STATE);
    assert_int_equal(member_report(w->m[2], last_item(w, 1), AUDIT_OPENED, ERR_OK, NULL),
                     ERR_NOT_FOUND);
    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_report(w->m[1], last_item(w, 1), AUDIT_OPENED, ERR_OK, &a));
    assert_ok(member_report(w->m[1], last_item(w, 1), AUDIT_OPENED, ERR_OK, &b));
    assert_true(span_equal(bytes_span(&a), bytes_span(&b)));
    assert_ok(member_report(w->m[1], last_item(w, 1), AUDIT_UNREADABLE, ERR_OPEN, &b));
    assert_int_equal(member_report(w->m[1], last_item(w, 1), (enum audit_type)4, ERR_OK, NULL),
                     ERR_UNSUPPORTED);
    assert_int_equal(w->core->count.reports, 2);
    assert_non_null(member_receipt_of(w->m[0], AUDIT_OPENED, 0));
    assert_null(member_receipt_of(w->m[0], AUDIT_OPENED, 1));
    bytes_free(&a);
    bytes_free(&b);
}

static void report_ss_is_refused(struct world *w, size_t by, const struct bytes *ss, enum err code)
{
    struct message say = {
        .type = MSG_REPORT, .statement = {member_next_req(w->m[by]), bytes_span(ss)}
    };

    assert_int_equal(member_ask(w->m[by], &say, NULL), code);
}

static void a_report_that_lies_is_refused(void **state)
{
    struct world *w = *state;
    struct bytes ss = {0}, stmt = {0}, text = {0};
    struct circle_statement s;

    world_send(w, 0, 1);
    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_report_make(w->m[1], last_item(w, 1), AUDIT_OPENED, ERR_OK, &ss));
    report_ss_is_refused(w, 2, &ss, ERR_FROM);
    ss.ptr[ss.len - 1] ^= 1;
    report_ss_is_refused(w, 1, &ss, ERR_FORGED);
    assert_ok(member_report_make(w->m[2], last_item(w, 1), AUDIT_OPENED, ERR_OK, &ss));
    ss.len--;
    report_ss_is_refused(w, 2, &ss, ERR_TRUNCATED);
    /* a statement of another sort, and one by no node */
    assert_ok(member_statement(w->m[1], w->circle, CIRCLE_LEAVE, &s));
    assert_ok(circle_encode(&s, &stmt));
    assert_ok(statement_sign_alone(STATEMENT_REPORT, bytes_span(&stmt), ROLE_NODE,
                                   member_org(w->m[1]), member_sign_key(w->m[1]), &text));
    report_ss_is_refused(w, 1, &text, ERR_SIZE);
    bytes_free(&text);
    assert_ok(statement_sign_alone(STATEMENT_REPORT, bytes_span(&stmt), ROLE_AUTHOR,
                                   member_org(w->m[1]), member_sign_key(w->m[1]), &text));
    report_ss_is_refused(w, 1, &text, ERR_FIELD_VALUE);
    bytes_free(&text);
    assert_ok(statement_sign_alone(STATEMENT_REPORT, bytes_span(&stmt), ROLE_NODE,
                                   member_org(w->m[1]), member_sign_key(w->m[0]), &text));
    report_ss_is_refused(w, 1, &text, ERR_KEY_UNKNOWN);
    assert_int_equal(w->core->count.reports, 0);
    bytes_free(&ss);
    bytes_free(&stmt);
    bytes_free(&text);
}

/* --- circles and keys
 * ----------------------------------------------------------------------------- */

static void a_declaration_is_delivered_to_members_and_repeated_with_one_receipt(void **state)
{
    struct world *w = *state;
    struct circle_statement s;
    struct member_answer a = {0}, b = {0};
    struct bytes ss = {0};
    size_t had = member_items_of(w->m[2], DELIVER_STATEMENT);

    assert_ok(member_statement(w->m[1], w->circle, CIRCLE_OPPOSITION, &s));
    s.class_mask = CLASS_MEDICAL;
    assert_ok(circle_sign(&s, member_sign_key(w->m[1]), &ss));
    assert_ok(member_declare_ss(w->m[1], bytes_span(&ss), &a));
    assert_ok(member_declare_ss(w->m[1], bytes_span(&ss), &b));
    assert_true(span_equal(a.message.receipt.receipt, b.message.receipt.receipt));
    assert_int_equal(member_items_of(w->m[2], DELIVER_STATEMENT), had + 1);
    s.class_mask = CLASS_SOCIAL; /* another one on the same head */
    bytes_free(&ss);
    assert_ok(circle_sign(&s, member_sign_key(w->m[1]), &ss));
    member_answer_free(&a);
    assert_int_equal(member_declare_ss(w->m[1], bytes_span(&ss), &a), ERR_STALE_HEAD);
    assert_int_equal(a.message.err.extra, EXTRA_HEAD);
    assert_memory_is_the_store(w);
    member_answer_free(&a);
    member_answer_free(&b);
    bytes_free(&ss);
}

static enum err wr_nothing(struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    wr_map(&w, 0);
    return wr_take(&w, out);
}

static void declarations_that_do_not_fit_are_refused(void **state)
{
    struct world *w = *state;
    struct circle_statement s;
    struct bytes ss = {0}, stmt = {0};
    struct member_circle *again = NULL;

    assert_ok(member_statement(w->m[1], w->circle, CIRCLE_OPPOSITION, &s));
    s.class_mask = CLASS_MEDICAL;
    assert_int_equal(member_declare(w->m[2], w->circle, &s, NULL), ERR_FROM);
    assert_ok(circle_sign(&s, member_sign_key(w->m[0]), &ss));
    assert_int_equal(member_declare_ss(w->m[1], bytes_span(&ss), NULL), ERR_KEY_UNKNOWN);
    s.circle[0] ^= 1;
    assert_int_equal(member_declare(w->m[1], w->circle, &s, NULL), ERR_NOT_IN_CIRCLE);
    assert_ok(wr_nothing(&stmt));
    bytes_free(&ss);
    assert_ok(statement_sign_alone(STATEMENT_CHAIN, bytes_span(&stmt), ROLE_AUTHOR,
                                   member_org(w->m[1]), member_sign_key(w->m[1]), &ss));
    assert_int_equal(member_declare_ss(w->m[1], bytes_span(&ss), NULL), ERR_FIELD_MISSING);
    assert_ok(member_circle_create(w->m[1], &again)); /* a second circle is fine */
    member_circle_free(again);
    bytes_free(&ss);
    bytes_free(&stmt);
}

static void a_chain_is_read_by_members_in_pages(void **state)
{
    struct world *w = *state;
    struct message ask = {.type = MSG_CHAIN};
    struct member_answer a = {0};

    memcpy(ask.chain.circle, w->circle->handle, ID_BYTES);
    ask.chain.req = member_next_req(w->m[1]);
    ask.chain.from = 1;
    assert_ok(member_ask(w->m[1], &ask, &a));
    assert_int_equal(a.message.chain_page.n, 2);
    assert_int_equal(a.message.chain_page.total, 3);
    member_answer_free(&a);
    ask.chain.from = UINT64_MAX;
    assert_ok(member_ask(w->m[1], &ask, &a));
    assert_int_equal(a.message.chain_page.n, 0);
    member_answer_free(&a);
    assert_ok(member_leave(w->m[2], w->circle));
    assert_int_equal(member_ask(w->m[2], &ask, NULL), ERR_FORMER_MEMBER);
    ask.chain.circle[0] ^= 1;
    assert_int_equal(member_ask(w->m[1], &ask, NULL), ERR_NOT_IN_CIRCLE);
}

static enum err put_prekey(struct world *w, size_t by, size_t of, uint64_t number,
                           const uint8_t previous[KID_BYTES])
{
    struct prekey_statement p = {.ts_ms = clock_now_ms(&w->clock.clock), .number = number};
    struct message say = {.type = MSG_KEYS_PUT};
    struct secret_box *fresh = NULL;
    struct bytes ss = {0};
    enum err e;

    assert_ok(secret_box_generate(&w->entropy, &fresh));
    memcpy(p.federation, w->id.federation.id, ID_BYTES);
    memcpy(p.org, member_org(w->m[of]), ID_BYTES);
    memcpy(p.node, member_id(w->m[of]), ID_BYTES);
    memcpy(p.previous, previous, KID_BYTES);
    p.pk = *secret_box_public(fresh);
    assert_ok(prekey_sign(&p, member_sign_key(w->m[of]), &ss));
    say.statement = (struct msg_statement){member_next_req(w->m[by]), bytes_span(&ss)};
    e = member_ask(w->m[by], &say, NULL);
    secret_box_free(fresh);
    bytes_free(&ss);
    return e;
}

static void a_new_prekey_is_published_and_only_by_its_node(void **state)
{
    struct world *w = *state;
    uint8_t previous[KID_BYTES];
    size_t told = w->keys_told;
    struct message say = {.type = MSG_KEYS_PUT};
    struct bytes stmt = {0}, ss = {0};

    box_kid(secret_box_public(member_prekey(w->m[1])), previous);
    assert_int_equal(put_prekey(w, 2, 1, 2, previous), ERR_FROM);
    assert_int_equal(put_prekey(w, 1, 1, 3, previous), ERR_CHAIN);
    assert_ok(put_prekey(w, 1, 1, 2, previous));
    assert_int_equal(w->keys_told, told + 1);
    assert_ok(member_sync(w->m[0]));
    assert_ok(suspend_encode(w->id.federation.id, 5, false, member_org(w->m[2]), 1, &stmt));
    assert_ok(statement_sign_alone(STATEMENT_KEYS, bytes_span(&stmt), ROLE_NODE,
                                   member_org(w->m[1]), member_sign_key(w->m[1]), &ss));
    say.statement = (struct msg_statement){member_next_req(w->m[1]), bytes_span(&ss)};
    assert_int_equal(member_ask(w->m[1], &say, NULL), ERR_RIGHT);
    assert_memory_is_the_store(w);
    bytes_free(&stmt);
    bytes_free(&ss);
}

static void frames_that_a_session_does_not_know_are_refused(void **state)
{
    static const uint8_t unknown[] = {0x92, 0x3f, 0x4d};
    static const uint8_t ping[] = {0x94, 0x0d, 0x00, 0x00, 0x00};
    struct world *w = *state;

    assert_int_equal(member_ask_raw(w->m[0], SPAN_OF(unknown), 77, NULL), ERR_MESSAGE_UNKNOWN);
    assert_int_equal(member_ask_raw(w->m[0], SPAN_OF(ping), 0, NULL), ERR_MESSAGE_STATE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    static const struct CMUnitTest tests[] = {
        TEST(an_envelope_goes_from_one_to_the_other_with_its_receipts),
        TEST(one_ack_covers_many_and_every_sender_has_his_path),
        TEST(a_repeated_envelope_has_the_first_receipt),
        TEST(what_does_not_fit_is_refused_by_name_and_logged),
        TEST(a_reused_id_is_refused),
        TEST(a_head_of_another_history_stops_the_hub),
        TEST(a_withdrawal_beside_an_envelope_counts),
        TEST(what_may_no_longer_be_delivered_is_held_back),
        TEST(what_expires_is_told_to_both_and_forgotten_a_day_later),
        TEST(an_ack_that_lies_is_refused),
        TEST(an_ack_outside_a_session_is_refused),
        TEST(a_report_is_kept_once_and_told_to_the_sender),
        TEST(a_report_that_lies_is_refused),
        TEST(a_declaration_is_delivered_to_members_and_repeated_with_one_receipt),
        TEST(declarations_that_do_not_fit_are_refused),
        TEST(a_chain_is_read_by_members_in_pages),
        TEST(a_new_prekey_is_published_and_only_by_its_node),
        TEST(frames_that_a_session_does_not_know_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
