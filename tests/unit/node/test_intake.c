/* What the mailbox delivers: the receive order, and that nothing is kept by half. */
#include "node_rig.h"

struct letters {
    struct rig *r;
    struct rig_circle circle;
};

static int up(void **state)
{
    struct letters *x = calloc(1, sizeof *x);
    void *rig = NULL;

    assert_non_null(x);
    rig_up(&rig);
    x->r = rig;
    rig_circle_new(x->r, &x->circle);
    rig_circle_tell(x->r, &x->circle, 0, x->circle.n);
    *state = x;
    return 0;
}

static int down(void **state)
{
    struct letters *x = *state;
    void *rig = x->r;

    rig_circle_free(&x->circle);
    rig_down(&rig);
    free(x);
    return 0;
}

static void expect(struct letters *x, const struct rig_letter *l, enum in_state state,
                   enum err code, enum receive_step step)
{
    struct in_status s;

    assert_int_equal(rig_inbox(x->r, l, &s), ERR_OK);
    assert_int_equal(s.state, state);
    assert_int_equal(s.code, code);
    assert_int_equal(s.step, step);
}

static void a_good_letter_is_kept_under_the_persons_key(void **state)
{
    struct letters *x = *state;
    struct rig_letter l;
    struct in_status s;
    struct bytes body = {0}, receipt = {0};
    struct txn *t = NULL;

    rig_letter_new(x->r, &x->circle, SPAN_OF(rig_body), 1, &l);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    rig_restart(x->r);
    assert_int_equal(rig_inbox(x->r, &l, &s), ERR_OK);
    assert_int_equal(s.state, IN_RECEIVED);
    assert_memory_equal(s.person, x->r->person[0], ID_BYTES);
    assert_memory_equal(s.digest, l.digest, DIGEST_BYTES);
    assert_int_equal(store_begin(x->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(inbox_payload(x->r->n, t, &s, &body), ERR_OK);
    assert_true(span_equal(bytes_span(&body), SPAN_OF(rig_body)));
    assert_int_equal(inbox_receipt(x->r->n, t, &s, &receipt), ERR_OK);
    assert_true(span_equal(bytes_span(&receipt), bytes_span(&l.receipt)));
    seal_bytes_free(&body);
    assert_int_equal(vault_person_erase(x->r->n->vault, t, x->r->person[0]), ERR_OK);
    assert_int_equal(inbox_payload(x->r->n, t, &s, &body), ERR_NOT_FOUND);
    store_abort(&t);
    bytes_free(&receipt);
    rig_letter_free(&l);
}

static void what_the_ack_must_name_is_told(void **state)
{
    struct letters *x = *state;
    struct rig_letter l;
    struct covered covers;

    rig_letter_new(x->r, &x->circle, SPAN_OF(rig_body), 1, &l);
    assert_int_equal(rig_deliver(x->r, bytes_span(&l.sealed), bytes_span(&l.receipt), &covers),
                     ERR_OK);
    assert_true(covers.is_envelope);
    assert_memory_equal(covers.mid, l.header.mid, ID_BYTES);
    assert_memory_equal(covers.digest, l.digest, DIGEST_BYTES);
    rig_letter_free(&l);
}

static void an_unreadable_item_is_named_by_its_receipt_and_blocks_nothing(void **state)
{
    struct letters *x = *state;
    struct rig_letter l;
    struct covered covers;

    rig_letter_new(x->r, &x->circle, SPAN_OF(rig_body), 1, &l);
    assert_int_equal(rig_deliver(x->r, SPAN_STR("\x91\x01"), bytes_span(&l.receipt), &covers),
                     ERR_OK);
    assert_true(covers.is_envelope);
    assert_memory_equal(covers.mid, l.header.mid, ID_BYTES);
    assert_memory_equal(covers.digest, l.digest, DIGEST_BYTES);
    assert_int_equal(rig_rows(x->r, TABLE_IN), 0);
    rig_letter_free(&l);
}

static void a_letter_delivered_twice_is_kept_once(void **state)
{
    struct letters *x = *state;
    struct rig_letter l;

    rig_letter_new(x->r, &x->circle, SPAN_OF(rig_body), 1, &l);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    assert_int_equal(rig_rows(x->r, TABLE_IN), 1);
    assert_int_equal(rig_rows(x->r, TABLE_REPORT), 0);
    expect(x, &l, IN_RECEIVED, ERR_OK, STEP_NONE);
    rig_letter_free(&l);
}

static void another_content_under_the_same_id_leaves_the_first(void **state)
{
    static const uint8_t second[] = {ENVELOPE_SHEET, CLASS_IDENTITY | CLASS_MEDICAL, 0, 0, 'x'};
    struct letters *x = *state;
    struct box_public to = rig_own_prekey(x->r);
    struct rig_letter l, m = {0};
    struct bytes body = {0};
    struct in_status s;
    struct txn *t = NULL;

    rig_letter_new(x->r, &x->circle, SPAN_OF(rig_body), 1, &l);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    m.header = l.header;
    rig_seal(x->r, &m, &to, SPAN_OF(second));
    rig_accept(x->r, &m, 1);
    assert_int_equal(rig_deliver_letter(x->r, &m), ERR_OK);
    assert_int_equal(rig_inbox(x->r, &l, &s), ERR_OK);
    assert_int_equal(store_begin(x->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(inbox_payload(x->r->n, t, &s, &body), ERR_OK);
    assert_true(span_equal(bytes_span(&body), SPAN_OF(rig_body)));
    store_abort(&t);
    seal_bytes_free(&body);
    rig_letter_free(&l);
    rig_letter_free(&m);
}

static void content_that_belies_its_label_is_quarantined_and_reported(void **state)
{
    static const uint8_t lie[] = {ENVELOPE_SHEET, CLASS_IDENTITY | CLASS_SOCIAL, 0, 0, 'x'};
    struct letters *x = *state;
    struct rig_letter l;
    struct bytes body = {0};
    struct in_status s;
    struct txn *t = NULL;

    rig_letter_new(x->r, &x->circle, SPAN_OF(lie), 1, &l);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    expect(x, &l, IN_QUARANTINED, ERR_MISLABELLED, STEP_LABEL);
    assert_int_equal(rig_rows(x->r, TABLE_REPORT), 1);
    assert_int_equal(rig_inbox(x->r, &l, &s), ERR_OK);
    assert_int_equal(store_begin(x->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(inbox_payload(x->r->n, t, &s, &body), ERR_QUARANTINED);
    store_abort(&t);
    rig_letter_free(&l);
}

static void another_person_than_the_circles_is_quarantined(void **state)
{
    static const uint8_t hers[] = {ENVELOPE_SHEET, CLASS_IDENTITY | CLASS_MEDICAL, 1, 0, 'x'};
    struct letters *x = *state;
    struct circle_info info;
    struct rig_letter l;
    struct txn *t = NULL;

    assert_int_equal(store_begin(x->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(circle_info_get(x->r->n, t, circle_handle(x->circle.c), &info), ERR_OK);
    info.has_person = true;
    memcpy(info.person, x->r->person[0], ID_BYTES);
    assert_int_equal(circle_info_put(x->r->n, t, &info), ERR_OK);
    assert_int_equal(node_commit(x->r->n, &t), ERR_OK);
    rig_letter_new(x->r, &x->circle, SPAN_OF(hers), 1, &l);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    expect(x, &l, IN_QUARANTINED, ERR_MISLABELLED, STEP_CIRCLE);
    rig_letter_free(&l);
}

static void a_damaged_document_is_refused_and_reported(void **state)
{
    static const uint8_t bad[] = {ENVELOPE_SHEET, CLASS_IDENTITY | CLASS_MEDICAL, 0, FAULT_SCHEMA};
    struct letters *x = *state;
    struct rig_letter l;

    rig_letter_new(x->r, &x->circle, SPAN_OF(bad), 1, &l);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    expect(x, &l, IN_REFUSED, ERR_SCHEMA, STEP_PAYLOAD);
    assert_int_equal(rig_rows(x->r, TABLE_REPORT), 1);
    rig_letter_free(&l);
}

static void what_does_not_open_is_unreadable_and_says_no_more(void **state)
{
    struct letters *x = *state;
    struct box_public to = rig_own_prekey(x->r);
    struct env_header h;
    struct envelope_view v;
    struct rig_letter l = {0};
    struct writer w;
    struct bytes body = {0};
    uint8_t wrong[ENVELOPE_STANZA_BYTES];

    /* the key wrapped for us is another one's, the sender has signed it so */
    rig_header(x->r, &x->circle, &l.header);
    rig_seal(x->r, &l, &to, SPAN_OF(rig_body));
    assert_int_equal(envelope_parse(bytes_span(&l.sealed), &v, &h, NULL), ERR_OK);
    memcpy(wrong, v.rcp.ptr, sizeof wrong);
    wrong[sizeof wrong - 1] ^= 1;
    v.rcp = SPAN_OF(wrong);
    assert_int_equal(envelope_digest(&v, l.digest), ERR_OK);
    uint8_t sig[SIG_BYTES];
    assert_int_equal(sign_digest(SIGN_ENVELOPE, x->r->other.sign, l.digest, sig), ERR_OK);
    wr_init(&w);
    wr_array(&w, ENVELOPE_PARTS);
    wr_uint(&w, ENVELOPE_VERSION);
    wr_bin(&w, v.hdr);
    wr_bin(&w, v.rcp);
    wr_bin(&w, v.com);
    wr_bin(&w, v.ct);
    wr_bin(&w, SPAN_OF(sig));
    assert_int_equal(wr_take(&w, &body), ERR_OK);
    bytes_free(&l.sealed);
    l.sealed = body;
    rig_accept(x->r, &l, 1);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    expect(x, &l, IN_UNREADABLE, ERR_OPEN, STEP_UNWRAP);
    assert_int_equal(rig_rows(x->r, TABLE_REPORT), 1);
    rig_letter_free(&l);
}

static void a_forged_letter_leaves_no_row_that_shuts_out_the_real_one(void **state)
{
    struct letters *x = *state;
    struct bytes forged = {0};
    struct rig_letter l;

    rig_letter_new(x->r, &x->circle, SPAN_OF(rig_body), 1, &l);
    assert_int_equal(bytes_copy(&forged, bytes_span(&l.sealed)), ERR_OK);
    forged.ptr[forged.len - 1] ^= 1; /* of the signature */
    assert_int_equal(rig_deliver(x->r, bytes_span(&forged), bytes_span(&l.receipt), NULL), ERR_OK);
    assert_int_equal(rig_rows(x->r, TABLE_IN), 0);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    expect(x, &l, IN_RECEIVED, ERR_OK, STEP_NONE);
    bytes_free(&forged);
    rig_letter_free(&l);
}

static void a_receipt_about_another_letter_proves_nothing(void **state)
{
    struct letters *x = *state;
    struct rig_letter l, m;

    rig_letter_new(x->r, &x->circle, SPAN_OF(rig_body), 1, &l);
    rig_letter_new(x->r, &x->circle, SPAN_OF(rig_body), 1, &m);
    assert_int_equal(rig_deliver(x->r, bytes_span(&l.sealed), bytes_span(&m.receipt), NULL),
                     ERR_OK);
    expect(x, &l, IN_REFUSED, ERR_PROOF, STEP_CIRCLE);
    rig_letter_free(&l);
    rig_letter_free(&m);
}

static void a_receipt_about_other_bytes_of_the_same_id_proves_nothing(void **state)
{
    static const uint8_t second[] = {ENVELOPE_SHEET, CLASS_IDENTITY | CLASS_MEDICAL, 0, 0, 'x'};
    struct letters *x = *state;
    struct box_public to = rig_own_prekey(x->r);
    struct rig_letter l, m = {0};

    rig_letter_new(x->r, &x->circle, SPAN_OF(rig_body), 1, &l);
    m.header = l.header;
    rig_seal(x->r, &m, &to, SPAN_OF(second));
    assert_int_equal(rig_deliver(x->r, bytes_span(&m.sealed), bytes_span(&l.receipt), NULL),
                     ERR_OK);
    expect(x, &m, IN_REFUSED, ERR_PROOF, STEP_CIRCLE);
    rig_letter_free(&l);
    rig_letter_free(&m);
}

static void an_unknown_circle_holds_the_letter_until_its_chain_is_read(void **state)
{
    struct letters *x = *state;
    struct rig_circle second;
    struct circle_info info;
    struct rig_letter l;
    struct txn *t = NULL;

    rig_circle_new(x->r, &second);
    rig_letter_new(x->r, &second, SPAN_OF(rig_body), 1, &l);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    expect(x, &l, IN_HELD, ERR_OK, STEP_NONE);
    assert_int_equal(rig_rows(x->r, TABLE_IN_BODY), 0);
    assert_int_equal(store_begin(x->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(circle_info_get(x->r->n, t, circle_handle(second.c), &info), ERR_OK);
    assert_true(info.incomplete);
    store_abort(&t);
    rig_circle_tell(x->r, &second, 0, second.n);
    expect(x, &l, IN_RECEIVED, ERR_OK, STEP_NONE);
    assert_int_equal(rig_rows(x->r, TABLE_IN_HELD), 0);
    rig_letter_free(&l);
    rig_circle_free(&second);
}

static void an_opposition_known_here_refuses_what_was_accepted_before_it(void **state)
{
    static const uint8_t actor[ID_BYTES] = {1};
    struct letters *x = *state;
    struct circle_statement s;
    struct rig_letter l;

    rig_letter_new(x->r, &x->circle, SPAN_OF(rig_body), 1, &l);
    assert_int_equal(circle_next(x->circle.c, CIRCLE_OPPOSITION, x->r->own.org, actor, RIG_NOW, &s),
                     ERR_OK);
    s.class_mask = CLASS_MEDICAL;
    s.date_ms = RIG_NOW;
    rig_say(x->r, x->circle.c, &x->r->own, &s, &x->circle.ss[x->circle.n++]);
    rig_circle_tell(x->r, &x->circle, 2, 3);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    expect(x, &l, IN_REFUSED, ERR_OPPOSITION, STEP_CIRCLE);
    rig_letter_free(&l);
}

static void a_full_disk_keeps_nothing_of_a_letter(void **state)
{
    struct letters *x = *state;
    struct rig_letter l;

    rig_letter_new(x->r, &x->circle, SPAN_OF(rig_body), 1, &l);
    x->r->faults.fail_commit = x->r->faults.commits + 1;
    x->r->faults.commit_fault = COMMIT_FULL;
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_FULL);
    assert_int_equal(rig_rows(x->r, TABLE_IN), 0);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    expect(x, &l, IN_RECEIVED, ERR_OK, STEP_NONE);
    rig_letter_free(&l);
}

static void each_failing_write_is_an_answer_and_no_half_letter(void **state)
{
    struct letters *x = *state;
    struct rig_letter l;
    unsigned long n = 0;
    enum err e;

    rig_letter_new(x->r, &x->circle, SPAN_OF(rig_body), 1, &l);
    do {
        x->r->faults.fail_put = x->r->faults.puts + ++n;
        e = rig_deliver_letter(x->r, &l);
        x->r->faults.fail_put = 0;
        if (e) {
            assert_int_equal(e, ERR_IO);
            assert_int_equal(rig_rows(x->r, TABLE_IN), 0);
        }
    } while (e && n < 20);
    assert_int_equal(e, ERR_OK);
    assert_true(n > 3);
    rig_letter_free(&l);
}

static void a_failing_memory_is_no_verdict_on_the_letter(void **state)
{
    static const uint8_t heavy[] = {ENVELOPE_SHEET, CLASS_IDENTITY | CLASS_MEDICAL, 0, FAULT_DISK};
    struct letters *x = *state;
    struct rig_letter l;

    rig_letter_new(x->r, &x->circle, SPAN_OF(heavy), 1, &l);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_NOMEM);
    assert_int_equal(rig_rows(x->r, TABLE_IN), 0);
    assert_int_equal(rig_rows(x->r, TABLE_REPORT), 0);
    rig_letter_free(&l);
}

static void two_histories_in_a_senders_header_stop_the_node(void **state)
{
    struct letters *x = *state;
    struct box_public to = rig_own_prekey(x->r);
    struct rig_log split = {0};
    struct rig_letter l = {0};

    rig_append(&split, SPAN_STR("another first leaf"));
    rig_header(x->r, &x->circle, &l.header);
    l.header.keys_head = rig_head(&split, 1, RIG_KEYS_ORIGIN, x->r->keys_log);
    rig_seal(x->r, &l, &to, SPAN_OF(rig_body));
    rig_accept(x->r, &l, 1);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_SPLIT_VIEW);
    assert_int_equal(x->r->n->alarm, ERR_SPLIT_VIEW);
    assert_int_equal(rig_rows(x->r, TABLE_IN), 0);
    assert_int_equal(rig_rows(x->r, TABLE_ALARM), 1);
    rig_restart(x->r);
    assert_int_equal(x->r->n->alarm, ERR_SPLIT_VIEW);
    rig_log_free(&split);
    rig_letter_free(&l);
}

static enum err first_report(void *arg, struct span key, struct span ss)
{
    (void)ss;
    memcpy(arg, key.ptr, REPORT_KEY_BYTES);
    return ERR_OK;
}

static void the_first_opening_is_reported_once(void **state)
{
    static const uint8_t actor[ID_BYTES] = {9};
    struct letters *x = *state;
    uint8_t key[REPORT_KEY_BYTES];
    struct rig_letter l;
    struct in_status s;
    struct txn *t = NULL;

    rig_letter_new(x->r, &x->circle, SPAN_OF(rig_body), 1, &l);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(store_begin(x->r->n->store, TXN_WRITE, &t), ERR_OK);
        assert_int_equal(inbox_opened(x->r->n, t, l.header.mid, l.header.from, actor), ERR_OK);
        assert_int_equal(node_commit(x->r->n, &t), ERR_OK);
        assert_int_equal(rig_rows(x->r, TABLE_REPORT), i == 0 ? 1 : 0);
        if (i == 0) { /* the hub has it: the row goes, and no other comes */
            assert_int_equal(store_begin(x->r->n->store, TXN_READ, &t), ERR_OK);
            assert_int_equal(reports_each(x->r->n, t, first_report, key), ERR_OK);
            store_abort(&t);
            assert_int_equal(reports_done(x->r->n, key, span_text("")), ERR_OK);
        }
        clock_fixed_advance(&x->r->clock, 5000);
    }
    assert_int_equal(rig_inbox(x->r, &l, &s), ERR_OK);
    assert_int_equal(s.opened_ms, RIG_NOW);
    rig_letter_free(&l);
}

static void what_the_hub_says_lapsed_is_shown_as_lapsed(void **state)
{
    struct letters *x = *state;
    struct detail d = {.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_DIGEST) | RD_KEY(DETAIL_FROM) |
                              RD_KEY(DETAIL_CIRCLE) | RD_KEY(DETAIL_TO) | RD_KEY(DETAIL_CODE),
                       .to_count = 1,
                       .code = ERR_EXPIRED,
                       .mid = {3}};
    struct msg_deliver m = {.seq = 90, .kind = DELIVER_RECEIPT};
    struct rig_letter l = {0};
    struct bytes receipt = {0};
    struct covered covers;
    struct txn *t = NULL;

    memcpy(d.from, x->r->other.org, ID_BYTES);
    memcpy(d.to[0], x->r->own.org, ID_BYTES);
    rig_receipt(x->r, AUDIT_EXPIRED, &d, NULL, &receipt);
    m.receipt = bytes_span(&receipt);
    assert_int_equal(store_begin(x->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(intake_item(x->r->n, t, &m, &covers), ERR_OK);
    assert_int_equal(node_commit(x->r->n, &t), ERR_OK);
    assert_false(covers.is_envelope);
    l.header.mid[0] = 3;
    memcpy(l.header.from, x->r->other.org, ID_BYTES);
    expect(x, &l, IN_LAPSED, ERR_EXPIRED, STEP_NONE);
    bytes_free(&receipt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_letter_is_kept_under_the_persons_key, up, down),
        cmocka_unit_test_setup_teardown(what_the_ack_must_name_is_told, up, down),
        cmocka_unit_test_setup_teardown(
            an_unreadable_item_is_named_by_its_receipt_and_blocks_nothing, up, down),
        cmocka_unit_test_setup_teardown(a_letter_delivered_twice_is_kept_once, up, down),
        cmocka_unit_test_setup_teardown(another_content_under_the_same_id_leaves_the_first, up,
                                        down),
        cmocka_unit_test_setup_teardown(content_that_belies_its_label_is_quarantined_and_reported,
                                        up, down),
        cmocka_unit_test_setup_teardown(another_person_than_the_circles_is_quarantined, up, down),
        cmocka_unit_test_setup_teardown(a_damaged_document_is_refused_and_reported, up, down),
        cmocka_unit_test_setup_teardown(what_does_not_open_is_unreadable_and_says_no_more, up,
                                        down),
        cmocka_unit_test_setup_teardown(a_forged_letter_leaves_no_row_that_shuts_out_the_real_one,
                                        up, down),
        cmocka_unit_test_setup_teardown(a_receipt_about_other_bytes_of_the_same_id_proves_nothing,
                                        up, down),
        cmocka_unit_test_setup_teardown(a_receipt_about_another_letter_proves_nothing, up, down),
        cmocka_unit_test_setup_teardown(an_unknown_circle_holds_the_letter_until_its_chain_is_read,
                                        up, down),
        cmocka_unit_test_setup_teardown(
            an_opposition_known_here_refuses_what_was_accepted_before_it, up, down),
        cmocka_unit_test_setup_teardown(a_full_disk_keeps_nothing_of_a_letter, up, down),
        cmocka_unit_test_setup_teardown(each_failing_write_is_an_answer_and_no_half_letter, up,
                                        down),
        cmocka_unit_test_setup_teardown(a_failing_memory_is_no_verdict_on_the_letter, up, down),
        cmocka_unit_test_setup_teardown(two_histories_in_a_senders_header_stop_the_node, up, down),
        cmocka_unit_test_setup_teardown(the_first_opening_is_reported_once, up, down),
        cmocka_unit_test_setup_teardown(what_the_hub_says_lapsed_is_shown_as_lapsed, up, down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
