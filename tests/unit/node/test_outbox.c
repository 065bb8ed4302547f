/* What is sent: judged, kept, sealed once, and marked by receipts that prove. */
#include "node_rig.h"

struct post {
    struct rig *r;
    struct rig_circle circle;
};

static int up(void **state)
{
    struct post *x = calloc(1, sizeof *x);
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
    struct post *x = *state;
    void *rig = x->r;

    rig_circle_free(&x->circle);
    rig_down(&rig);
    free(x);
    return 0;
}

static void intent_new(struct post *x, struct out_intent *i)
{
    *i = (struct out_intent){.type = ENVELOPE_SHEET,
                             .class_mask = CLASS_IDENTITY | CLASS_MEDICAL,
                             .basis = BASIS_ECHANGE,
                             .purpose = 1,
                             .scat = CATEGORY_HEALTH,
                             .to_count = 1,
                             .rcat = {CATEGORY_HEALTH}};
    memcpy(i->circle, circle_handle(x->circle.c), ID_BYTES);
    memcpy(i->person, x->r->person[0], ID_BYTES);
    memcpy(i->to[0], x->r->other.org, ID_BYTES);
}

static enum err add(struct post *x, const struct out_intent *i, uint8_t mid[ID_BYTES],
                    struct verdict *v)
{
    struct txn *t = NULL;
    enum err e = store_begin(x->r->n->store, TXN_WRITE, &t);

    if (!e && !(e = outbox_add(x->r->n, t, i, SPAN_STR("une fiche"), mid, v)))
        e = node_commit(x->r->n, &t);
    node_abort(x->r->n, &t);
    return e;
}

static void sent(struct post *x, uint8_t mid[ID_BYTES], struct bytes *sealed)
{
    struct out_intent i;

    intent_new(x, &i);
    assert_int_equal(add(x, &i, mid, NULL), ERR_OK);
    assert_int_equal(outbox_take(x->r->n, mid, sealed), ERR_OK);
    assert_true(sealed->len > 0);
}

static struct out_status status_of(struct post *x, const uint8_t mid[ID_BYTES])
{
    struct out_status s;
    struct txn *t = NULL;

    assert_int_equal(store_begin(x->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(outbox_get(x->r->n, t, mid, &s), ERR_OK);
    store_abort(&t);
    return s;
}

static void accepted_detail(struct post *x, struct span sealed, struct detail *d)
{
    struct envelope_view v;
    struct env_header h;

    *d = (struct detail){.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_DIGEST) | RD_KEY(DETAIL_FROM) |
                                RD_KEY(DETAIL_CIRCLE) | RD_KEY(DETAIL_TO) | RD_KEY(DETAIL_CHAIN_N),
                         .to_count = 1,
                         .chain_n = 1};
    assert_int_equal(envelope_parse(sealed, &v, &h, NULL), ERR_OK);
    assert_int_equal(envelope_digest(&v, d->digest), ERR_OK);
    memcpy(d->mid, h.mid, ID_BYTES);
    memcpy(d->from, h.from, ID_BYTES);
    memcpy(d->circle, h.circle, ID_BYTES);
    memcpy(d->to[0], x->r->other.org, ID_BYTES);
}

static void accept(struct post *x, const uint8_t mid[ID_BYTES], struct span sealed)
{
    struct bytes receipt = {0};
    struct detail d;

    accepted_detail(x, sealed, &d);
    rig_receipt(x->r, AUDIT_ACCEPTED, &d, NULL, &receipt);
    assert_int_equal(outbox_accepted(x->r->n, mid, bytes_span(&receipt)), ERR_OK);
    bytes_free(&receipt);
}

static void a_refusal_of_the_table_keeps_nothing_and_names_its_row(void **state)
{
    struct post *x = *state;
    struct out_intent i;
    struct verdict v = {0};
    uint8_t mid[ID_BYTES];

    intent_new(x, &i);
    i.rcat[0] = CATEGORY_SOCIAL; /* another category, and nobody was told */
    assert_int_equal(add(x, &i, mid, &v), ERR_NOTICE_MISSING);
    assert_int_equal(v.row, ROW_NOTICE);
    intent_new(x, &i);
    i.basis = BASIS_CONSENTI;
    assert_int_equal(add(x, &i, mid, &v), ERR_CONSENT_MISSING);
    intent_new(x, &i);
    memset(i.circle, 7, ID_BYTES);
    assert_int_equal(add(x, &i, mid, &v), ERR_NOT_IN_CIRCLE);
    assert_int_equal(rig_rows(x->r, TABLE_OUT), 0);
    assert_int_equal(rig_rows(x->r, TABLE_OUT_BODY), 0);
}

static void a_header_nobody_could_read_is_refused_at_once(void **state)
{
    struct post *x = *state;
    struct out_intent i;
    uint8_t mid[ID_BYTES];

    intent_new(x, &i);
    i.to_count = 2;
    memcpy(i.to[1], i.to[0], ID_BYTES);
    i.rcat[1] = CATEGORY_HEALTH;
    assert_int_equal(add(x, &i, mid, NULL), ERR_FIELD_VALUE);
    intent_new(x, &i);
    i.exp_ms = RIG_NOW + LIFETIME_MAX_MS + 1;
    assert_int_equal(add(x, &i, mid, NULL), ERR_EXPIRY_LIMIT);
}

static void the_same_bytes_are_offered_again_after_a_crash(void **state)
{
    struct post *x = *state;
    struct bytes first = {0}, again = {0};
    uint8_t mid[ID_BYTES];
    struct out_pending list[4];
    size_t count = 0;
    struct txn *t = NULL;

    sent(x, mid, &first);
    rig_restart(x->r);
    assert_int_equal(store_begin(x->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(outbox_pending(x->r->n, t, list, 4, &count), ERR_OK);
    store_abort(&t);
    assert_int_equal(count, 1);
    clock_fixed_advance(&x->r->clock, 60000);
    assert_int_equal(outbox_take(x->r->n, mid, &again), ERR_OK);
    assert_true(span_equal(bytes_span(&first), bytes_span(&again)));
    bytes_free(&first);
    bytes_free(&again);
}

static void nothing_is_offered_before_it_is_on_disk(void **state)
{
    struct post *x = *state;
    struct out_intent i;
    struct bytes sealed = {0}, again = {0};
    uint8_t mid[ID_BYTES];

    intent_new(x, &i);
    assert_int_equal(add(x, &i, mid, NULL), ERR_OK);
    x->r->faults.fail_commit = x->r->faults.commits + 1;
    x->r->faults.commit_fault = COMMIT_FULL;
    assert_int_equal(outbox_take(x->r->n, mid, &sealed), ERR_FULL);
    assert_int_equal(sealed.len, 0);
    x->r->faults.fail_commit = x->r->faults.commits + 1;
    x->r->faults.commit_fault = COMMIT_UNKNOWN_WRITTEN;
    assert_int_equal(outbox_take(x->r->n, mid, &sealed), ERR_UNKNOWN);
    assert_int_equal(sealed.len, 0);
    assert_int_equal(outbox_take(x->r->n, mid, &sealed), ERR_OK);
    assert_int_equal(outbox_take(x->r->n, mid, &again), ERR_OK);
    assert_true(span_equal(bytes_span(&sealed), bytes_span(&again)));
    bytes_free(&sealed);
    bytes_free(&again);
}

static void what_became_unlawful_before_sealing_is_not_sealed(void **state)
{
    static const uint8_t actor[ID_BYTES] = {1};
    struct post *x = *state;
    struct circle_statement s;
    struct out_intent i;
    struct bytes sealed = {0};
    struct out_status status;
    uint8_t mid[ID_BYTES];

    intent_new(x, &i);
    assert_int_equal(add(x, &i, mid, NULL), ERR_OK);
    assert_int_equal(
        circle_next(x->circle.c, CIRCLE_OPPOSITION, x->r->other.org, actor, RIG_NOW, &s), ERR_OK);
    s.class_mask = CLASS_MEDICAL;
    s.date_ms = RIG_NOW;
    rig_say(x->r, x->circle.c, &x->r->other, &s, &x->circle.ss[x->circle.n++]);
    rig_circle_tell(x->r, &x->circle, 2, 3);
    assert_int_equal(outbox_take(x->r->n, mid, &sealed), ERR_OK);
    assert_int_equal(sealed.len, 0);
    status = status_of(x, mid);
    assert_int_equal(status.state, OUT_REFUSED);
    assert_int_equal(status.code, ERR_OPPOSITION);
    assert_int_equal(status.row, ROW_OPPOSITION);
    assert_int_equal(rig_rows(x->r, TABLE_OUT_LIVE), 0);
}

static void what_waited_past_its_time_expires_here(void **state)
{
    struct post *x = *state;
    struct out_intent i;
    struct bytes sealed = {0};
    uint8_t mid[ID_BYTES];

    intent_new(x, &i);
    i.exp_ms = RIG_NOW + 1000;
    assert_int_equal(add(x, &i, mid, NULL), ERR_OK);
    clock_fixed_advance(&x->r->clock, 1001);
    assert_int_equal(outbox_take(x->r->n, mid, &sealed), ERR_OK);
    assert_int_equal(sealed.len, 0);
    assert_int_equal(status_of(x, mid).state, OUT_EXPIRED);
}

static void a_receipt_about_other_bytes_accepts_nothing(void **state)
{
    struct post *x = *state;
    struct bytes sealed = {0}, receipt = {0};
    uint8_t mid[ID_BYTES];
    struct detail d;

    sent(x, mid, &sealed);
    accepted_detail(x, bytes_span(&sealed), &d);
    d.digest[0] ^= 1;
    rig_receipt(x->r, AUDIT_ACCEPTED, &d, NULL, &receipt);
    assert_int_equal(outbox_accepted(x->r->n, mid, bytes_span(&receipt)), ERR_PROOF);
    bytes_free(&receipt);
    d.digest[0] ^= 1;
    rig_receipt(x->r, AUDIT_REJECTED, &d, NULL, &receipt);
    assert_int_equal(outbox_accepted(x->r->n, mid, bytes_span(&receipt)), ERR_PROOF);
    bytes_free(&receipt);
    assert_int_equal(status_of(x, mid).state, OUT_SEALED);
    accept(x, mid, bytes_span(&sealed));
    assert_int_equal(status_of(x, mid).state, OUT_ACCEPTED);
    assert_int_equal(rig_rows(x->r, TABLE_OUT_LIVE), 0);
    assert_int_equal(rig_rows(x->r, TABLE_RECEIPT), 1);
    bytes_free(&sealed);
}

/* What the recipient's node signs in an ACK, as the hub logs it. */
static void delivered(struct post *x, struct span sealed, struct bytes *receipt, bool forged)
{
    struct ack_claim a = {.upto = 5, .count = 1};
    struct detail d = {.has = RD_KEY(DETAIL_ROOT) | RD_KEY(DETAIL_UPTO) | RD_KEY(DETAIL_BY_ORG) |
                              RD_KEY(DETAIL_BY_NODE) | RD_KEY(DETAIL_KID) | RD_KEY(DETAIL_SIG) |
                              RD_KEY(DETAIL_COUNT) | RD_KEY(DETAIL_ABOUT),
                       .upto = 5,
                       .count = 1};
    struct receipt_path path = {.count = 1};
    uint8_t about[2 * ID_BYTES + 8] = {0};
    uint8_t digest[DIGEST_BYTES];
    struct detail accepted;

    accepted_detail(x, sealed, &accepted);
    memcpy(path.mid, accepted.mid, ID_BYTES);
    memcpy(path.digest, accepted.digest, DIGEST_BYTES);
    receipt_path_leaf(path.mid, path.digest, d.root);
    memcpy(a.root, d.root, sizeof a.root);
    memcpy(a.federation, x->r->federation.id, ID_BYTES);
    memcpy(a.org, x->r->other.org, ID_BYTES);
    memcpy(a.node, x->r->other.node, ID_BYTES);
    memcpy(d.by_org, a.org, ID_BYTES);
    memcpy(d.by_node, a.node, ID_BYTES);
    sign_kid(secret_sign_public(x->r->other.sign), d.kid);
    assert_int_equal(ack_digest(&a, digest), ERR_OK);
    assert_int_equal(
        sign_digest(SIGN_ACK, forged ? x->r->own.sign : x->r->other.sign, digest, d.sig), ERR_OK);
    memcpy(about, a.federation, ID_BYTES);
    d.about = SPAN_OF(about);
    rig_receipt(x->r, AUDIT_DELIVERED, &d, &path, receipt);
}

static void deliver_receipt(struct post *x, struct span receipt)
{
    struct msg_deliver m = {.kind = DELIVER_RECEIPT, .receipt = receipt};
    struct covered covers;
    struct txn *t = NULL;

    assert_int_equal(store_begin(x->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(intake_item(x->r->n, t, &m, &covers), ERR_OK);
    assert_int_equal(node_commit(x->r->n, &t), ERR_OK);
}

static void delivered_is_marked_by_the_recipients_own_signature_alone(void **state)
{
    struct post *x = *state;
    struct bytes sealed = {0}, receipt = {0};
    uint8_t mid[ID_BYTES];
    struct out_status s;

    sent(x, mid, &sealed);
    accept(x, mid, bytes_span(&sealed));
    delivered(x, bytes_span(&sealed), &receipt, true);
    deliver_receipt(x, bytes_span(&receipt));
    assert_int_equal(status_of(x, mid).to[0].marks, 0);
    bytes_free(&receipt);
    delivered(x, bytes_span(&sealed), &receipt, false);
    deliver_receipt(x, bytes_span(&receipt));
    s = status_of(x, mid);
    assert_int_equal(s.to[0].marks, OUT_DELIVERED);
    assert_true(s.to[0].delivered_ms > 0);
    bytes_free(&receipt);
    bytes_free(&sealed);
}

static void a_receipt_becomes_a_file_that_checks(void **state)
{
    struct post *x = *state;
    struct bytes sealed = {0}, receipt = {0}, text = {0};
    struct detail d;
    uint8_t mid[ID_BYTES];

    sent(x, mid, &sealed);
    accepted_detail(x, bytes_span(&sealed), &d);
    rig_receipt(x->r, AUDIT_ACCEPTED, &d, NULL, &receipt);
    assert_int_equal(receipts_file(x->r->n, bytes_span(&receipt), &text), ERR_OK);
    assert_non_null(memmem(text.ptr, text.len, RIG_AUDIT_ORIGIN, strlen(RIG_AUDIT_ORIGIN)));
    bytes_free(&sealed);
    bytes_free(&receipt);
    bytes_free(&text);
}

static void a_hubs_refusal_ends_the_row_with_its_code(void **state)
{
    struct post *x = *state;
    struct bytes sealed = {0}, again = {0};
    uint8_t mid[ID_BYTES];
    struct out_status s;

    sent(x, mid, &sealed);
    assert_int_equal(outbox_refused(x->r->n, mid, ERR_CONSENT_WITHDRAWN, span_text("")), ERR_OK);
    s = status_of(x, mid);
    assert_int_equal(s.state, OUT_REFUSED);
    assert_int_equal(s.code, ERR_CONSENT_WITHDRAWN);
    assert_int_equal(outbox_take(x->r->n, mid, &again), ERR_OK);
    assert_int_equal(again.len, 0);
    accept(x, mid, bytes_span(&sealed)); /* too late: what has ended has ended */
    assert_int_equal(status_of(x, mid).state, OUT_REFUSED);
    bytes_free(&sealed);
}

static void every_mid_is_its_own_and_carries_the_time(void **state)
{
    struct post *x = *state;
    uint8_t a[ID_BYTES], b[ID_BYTES], now[8];

    assert_int_equal(node_new_mid(x->r->n, a), ERR_OK);
    assert_int_equal(node_new_mid(x->r->n, b), ERR_OK);
    put_be64(now, RIG_NOW);
    assert_memory_equal(a, now + 2, 6);
    assert_memory_not_equal(a, b, ID_BYTES);
}

/* --- our own statements, before the hub knows them ------------------------------------------- */

static void declare(struct post *x, enum circle_kind kind, uint8_t id[ID_BYTES])
{
    struct circle_statement s = {.kind = kind, .ts_ms = RIG_NOW, .date_ms = RIG_NOW};
    struct txn *t = NULL;

    memcpy(s.circle, circle_handle(x->circle.c), ID_BYTES);
    memcpy(s.author, x->r->own.org, ID_BYTES);
    s.actor[0] = 1;
    s.class_mask = CLASS_MEDICAL;
    s.reason = END_NORMAL;
    s.way = 1;
    s.given_by = GIVEN_BY_PERSON;
    if (kind == CIRCLE_NOTICE || kind == CIRCLE_CONSENT)
        memcpy(s.orgs[s.org_count++], x->r->other.org, ID_BYTES);
    assert_int_equal(store_begin(x->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(act_add(x->r->n, t, &s, NULL, id), ERR_OK);
    assert_int_equal(node_commit(x->r->n, &t), ERR_OK);
}

static size_t withheld(struct post *x)
{
    struct txn *t = NULL;
    size_t count = 99;

    assert_int_equal(store_begin(x->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(outbox_withhold(x->r->n, t, circle_handle(x->circle.c), &count), ERR_OK);
    assert_int_equal(node_commit(x->r->n, &t), ERR_OK);
    return count;
}

static size_t sendable(struct post *x)
{
    struct out_pending list[4];
    struct txn *t = NULL;
    size_t count = 99;

    assert_int_equal(store_begin(x->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(outbox_pending(x->r->n, t, list, 4, &count), ERR_OK);
    store_abort(&t);
    return count;
}

static void commit_act(struct post *x, const uint8_t id[ID_BYTES])
{
    struct detail d = {.has = RD_KEY(DETAIL_STATEMENT) | RD_KEY(DETAIL_CHAIN_N)};
    struct bytes ss = {0}, receipt = {0};
    struct statement st;
    struct txn *t = NULL;

    assert_int_equal(store_begin(x->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(act_sign(x->r->n, t, id, &ss), ERR_OK);
    assert_int_equal(node_commit(x->r->n, &t), ERR_OK);
    assert_int_equal(statement_parse(bytes_span(&ss), &st), ERR_OK);
    assert_int_equal(statement_link(st.stmt, d.statement), ERR_OK);
    rig_receipt(x->r, AUDIT_STATEMENT, &d, NULL, &receipt);
    assert_int_equal(act_committed(x->r->n, id, bytes_span(&receipt)), ERR_OK);
    bytes_free(&ss);
    bytes_free(&receipt);
}

static void our_own_opposition_binds_us_before_the_hub_knows_it(void **state)
{
    struct post *x = *state;
    struct out_intent i;
    struct verdict v = {0};
    uint8_t act[ID_BYTES], mid[ID_BYTES];

    intent_new(x, &i);
    declare(x, CIRCLE_OPPOSITION, act);
    assert_int_equal(add(x, &i, mid, &v), ERR_OPPOSITION);
    assert_int_equal(v.code, ERR_OPPOSITION);
    rig_restart(x->r);
    assert_int_equal(add(x, &i, mid, &v), ERR_OPPOSITION);
    assert_int_equal(act_refused(x->r->n, act, ERR_RIGHT), ERR_OK);
    assert_int_equal(add(x, &i, mid, &v), ERR_OK); /* it never was one */
}

static void our_own_leaving_and_closing_bind_us_at_once(void **state)
{
    struct post *x = *state;
    struct out_intent i;
    uint8_t act[ID_BYTES], mid[ID_BYTES];

    intent_new(x, &i);
    declare(x, CIRCLE_LEAVE, act);
    assert_int_equal(add(x, &i, mid, NULL), ERR_FORMER_MEMBER);
    assert_int_equal(act_refused(x->r->n, act, ERR_RIGHT), ERR_OK);
    assert_int_equal(add(x, &i, mid, NULL), ERR_OK);
}

static void a_withdrawal_binds_us_at_once_and_a_consent_only_with_the_hub(void **state)
{
    struct post *x = *state;
    struct out_intent i;
    uint8_t act[ID_BYTES], mid[ID_BYTES];

    intent_new(x, &i);
    i.basis = BASIS_CONSENTI;
    declare(x, CIRCLE_CONSENT, act);
    assert_int_equal(add(x, &i, mid, NULL), ERR_CONSENT_MISSING);
    commit_act(x, act);
    assert_int_equal(add(x, &i, mid, NULL), ERR_OK);
    declare(x, CIRCLE_WITHDRAWAL, act);
    assert_int_equal(add(x, &i, mid, NULL), ERR_CONSENT_WITHDRAWN);
    assert_int_equal(withheld(x), 1);
    assert_int_equal(status_of(x, mid).code, ERR_CONSENT_WITHDRAWN);
}

static void what_waits_sealed_or_not_is_withheld_with_the_code(void **state)
{
    struct post *x = *state;
    struct out_intent i;
    struct bytes sealed = {0}, again = {0};
    uint8_t act[ID_BYTES], first[ID_BYTES], second[ID_BYTES];

    sent(x, first, &sealed);
    intent_new(x, &i);
    assert_int_equal(add(x, &i, second, NULL), ERR_OK);
    assert_int_equal(withheld(x), 0);
    declare(x, CIRCLE_OPPOSITION, act);
    assert_int_equal(withheld(x), 2);
    assert_int_equal(status_of(x, first).state, OUT_REFUSED);
    assert_int_equal(status_of(x, first).code, ERR_OPPOSITION);
    assert_int_equal(status_of(x, second).code, ERR_OPPOSITION);
    assert_int_equal(rig_rows(x->r, TABLE_OUT_LIVE), 0);
    assert_int_equal(rig_rows(x->r, TABLE_OUT_SEALED), 0);
    commit_act(x, act);
    assert_int_equal(outbox_take(x->r->n, first, &again), ERR_OK);
    assert_int_equal(again.len, 0);
    accept(x, first, bytes_span(&sealed)); /* it had reached the hub: the receipt tells */
    assert_int_equal(status_of(x, first).state, OUT_ACCEPTED);
    bytes_free(&sealed);
    bytes_free(&again);
}

static void nothing_leaves_before_the_statements_of_its_circle(void **state)
{
    struct post *x = *state;
    struct out_intent i;
    struct bytes sealed = {0};
    uint8_t acts[2][ID_BYTES], mid[ID_BYTES];

    intent_new(x, &i);
    assert_int_equal(add(x, &i, mid, NULL), ERR_OK);
    assert_int_equal(sendable(x), 1);
    declare(x, CIRCLE_NOTICE, acts[0]);
    declare(x, CIRCLE_NOTICE, acts[1]);
    assert_int_equal(sendable(x), 0);
    assert_int_equal(outbox_take(x->r->n, mid, &sealed), ERR_AGAIN);
    assert_int_equal(act_stale(x->r->n, acts[0], 5, circle_head(x->circle.c)), ERR_OK);
    assert_int_equal(sendable(x), 0); /* the chain is to be read first: nothing overtakes */
    commit_act(x, acts[0]);
    assert_int_equal(sendable(x), 0);
    commit_act(x, acts[1]);
    assert_int_equal(sendable(x), 1);
    assert_int_equal(outbox_take(x->r->n, mid, &sealed), ERR_OK);
    assert_true(sealed.len > 0);
    bytes_free(&sealed);
}

struct order {
    size_t count;
    uint8_t id[8][ID_BYTES];
};

static enum err note_order(void *arg, const struct act *a)
{
    struct order *o = arg;

    memcpy(o->id[o->count++], a->id, ID_BYTES);
    return ERR_OK;
}

static void statements_keep_their_order_when_the_clock_stands(void **state)
{
    struct post *x = *state;
    uint8_t id[8][ID_BYTES];
    struct order o = {0};
    struct txn *t = NULL;

    for (size_t i = 0; i < 8; i++)
        declare(x, CIRCLE_NOTICE, id[i]);
    assert_int_equal(store_begin(x->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(act_each_waiting(x->r->n, t, note_order, &o), ERR_OK);
    store_abort(&t);
    assert_int_equal(o.count, 8);
    assert_memory_equal(o.id, id, sizeof id);
}

static void envelopes_keep_their_order_whatever_the_clock_does(void **state)
{
    struct post *x = *state;
    struct out_pending list[8];
    uint8_t mid[8][ID_BYTES];
    struct txn *t = NULL;
    struct out_intent i;
    size_t count = 0;

    for (size_t k = 0; k < 8; k++) { /* it stands, and then it is set back */
        intent_new(x, &i);
        assert_int_equal(add(x, &i, mid[k], NULL), ERR_OK);
        if (k == 4)
            clock_fixed_jump(&x->r->clock, RIG_NOW - 60000);
    }
    assert_int_equal(store_begin(x->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(outbox_pending(x->r->n, t, list, 8, &count), ERR_OK);
    store_abort(&t);
    assert_int_equal(count, 8);
    for (size_t k = 0; k < 8; k++)
        assert_memory_equal(list[k].mid, mid[k], ID_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_refusal_of_the_table_keeps_nothing_and_names_its_row, up,
                                        down),
        cmocka_unit_test_setup_teardown(a_header_nobody_could_read_is_refused_at_once, up, down),
        cmocka_unit_test_setup_teardown(the_same_bytes_are_offered_again_after_a_crash, up, down),
        cmocka_unit_test_setup_teardown(nothing_is_offered_before_it_is_on_disk, up, down),
        cmocka_unit_test_setup_teardown(what_became_unlawful_before_sealing_is_not_sealed, up,
                                        down),
        cmocka_unit_test_setup_teardown(what_waited_past_its_time_expires_here, up, down),
        cmocka_unit_test_setup_teardown(a_receipt_about_other_bytes_accepts_nothing, up, down),
        cmocka_unit_test_setup_teardown(delivered_is_marked_by_the_recipients_own_signature_alone,
                                        up, down),
        cmocka_unit_test_setup_teardown(a_receipt_becomes_a_file_that_checks, up, down),
        cmocka_unit_test_setup_teardown(a_hubs_refusal_ends_the_row_with_its_code, up, down),
        cmocka_unit_test_setup_teardown(every_mid_is_its_own_and_carries_the_time, up, down),
        cmocka_unit_test_setup_teardown(our_own_opposition_binds_us_before_the_hub_knows_it, up,
                                        down),
        cmocka_unit_test_setup_teardown(our_own_leaving_and_closing_bind_us_at_once, up, down),
        cmocka_unit_test_setup_teardown(
            a_withdrawal_binds_us_at_once_and_a_consent_only_with_the_hub, up, down),
        cmocka_unit_test_setup_teardown(what_waits_sealed_or_not_is_withheld_with_the_code, up,
                                        down),
        cmocka_unit_test_setup_teardown(nothing_leaves_before_the_statements_of_its_circle, up,
                                        down),
        cmocka_unit_test_setup_teardown(statements_keep_their_order_when_the_clock_stands, up,
                                        down),
        cmocka_unit_test_setup_teardown(envelopes_keep_their_order_whatever_the_clock_does, up,
                                        down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
