/* Deputies at a node (PROTOCOL.md 5.5): one takes an envelope with the leaf of its release alone; a
 * recipient is told that his has it; a sender keeps for each what became of him. */
#include "node_rig.h"

#include "inbox.h"
#include "outrow.h"

struct desk {
    struct rig *r;
    struct rig_circle circle;
    uint8_t third[ID_BYTES]; /* an organisation that is only named here */
};

static int up(void **state)
{
    struct desk *x = calloc(1, sizeof *x);
    void *rig = NULL;

    assert_non_null(x);
    rig_up(&rig);
    x->r = rig;
    rig_fill(x->r, x->third, ID_BYTES);
    rig_circle_new(x->r, &x->circle);
    rig_circle_tell(x->r, &x->circle, 0, x->circle.n);
    *state = x;
    return 0;
}

static int down(void **state)
{
    struct desk *x = *state;
    void *rig = x->r;

    rig_circle_free(&x->circle);
    rig_down(&rig);
    free(x);
    return 0;
}

/* From `other` to two, the second being the deputy of the first. Not accepted yet. */
static void letter_to(struct desk *x, const uint8_t *first, const uint8_t *second,
                      struct rig_letter *l)
{
    struct box_public to[2];

    to[0] = to[1] = rig_own_prekey(x->r);
    *l = (struct rig_letter){0};
    rig_header(x->r, &x->circle, &l->header);
    l->header.to_count = 2;
    memcpy(l->header.to[0], first, ID_BYTES);
    memcpy(l->header.to[1], second, ID_BYTES);
    l->header.rcat[1] = CATEGORY_HEALTH;
    l->header.has_deputy = true;
    l->header.deputy_count = 1;
    l->header.deputy[0] = (struct env_deputy){0, 4 * 3600};
    rig_seal(x->r, l, to, SPAN_OF(rig_body));
}

static struct detail release_of(const struct env_header *h, const uint8_t digest[DIGEST_BYTES])
{
    struct detail d = {.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_DIGEST) | RD_KEY(DETAIL_FROM) |
                              RD_KEY(DETAIL_CIRCLE) | RD_KEY(DETAIL_TO) | RD_KEY(DETAIL_CODE) |
                              RD_KEY(DETAIL_CHAIN_N) | RD_KEY(DETAIL_INSTEAD) | RD_KEY(DETAIL_DUE),
                       .to_count = 1,
                       .chain_n = 1,
                       .due_ms = RIG_NOW};

    memcpy(d.mid, h->mid, ID_BYTES);
    memcpy(d.digest, digest, DIGEST_BYTES);
    memcpy(d.from, h->from, ID_BYTES);
    memcpy(d.circle, h->circle, ID_BYTES);
    memcpy(d.to[0], h->to[1], ID_BYTES);
    memcpy(d.instead, h->to[0], ID_BYTES);
    return d;
}

static void told(struct desk *x, enum audit_type type, const struct detail *d)
{
    struct msg_deliver m = {.seq = ++x->r->seq, .kind = DELIVER_RECEIPT};
    struct bytes receipt = {0};
    struct covered covers;
    struct txn *t = NULL;

    rig_receipt(x->r, type, d, NULL, &receipt);
    m.receipt = bytes_span(&receipt);
    assert_int_equal(store_begin(x->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(intake_item(x->r->n, t, &m, &covers), ERR_OK);
    assert_int_equal(node_commit(x->r->n, &t), ERR_OK);
    bytes_free(&receipt);
}

/* --- the deputy's node --------------------------------------------------------------------------
 */

static void a_deputy_takes_it_with_the_leaf_of_its_release(void **state)
{
    struct desk *x = *state;
    struct rig_letter l;
    struct in_status s;
    struct detail d;

    letter_to(x, x->third, x->r->own.org, &l);
    d = release_of(&l.header, l.digest);
    rig_receipt(x->r, AUDIT_DEPUTY, &d, NULL, &l.receipt);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    rig_restart(x->r);
    assert_int_equal(rig_inbox(x->r, &l, &s), ERR_OK);
    assert_int_equal(s.state, IN_RECEIVED);
    assert_true(s.as_deputy);
    assert_memory_equal(s.deputed, x->third, ID_BYTES);
    assert_int_equal(s.deputed_ms, clock_now_ms(&x->r->clock.clock));
    rig_letter_free(&l);
}

static void mine(struct detail *d, struct desk *x)
{
    memcpy(d->to[0], x->r->other.org, ID_BYTES); /* another deputy's */
}
static void place(struct detail *d, struct desk *x)
{
    memcpy(d->instead, x->r->other.org, ID_BYTES); /* for another recipient */
}
static void code(struct detail *d, struct desk *x)
{
    (void)x;
    d->code = ERR_OPPOSITION;
}
static void two(struct detail *d, struct desk *x)
{
    d->to_count = 2;
    memcpy(d->to[1], x->third, ID_BYTES);
}
static void bytes(struct detail *d, struct desk *x)
{
    (void)x;
    d->digest[0] ^= 1;
}

static void a_deputy_takes_it_with_nothing_else(void **state)
{
    static void (*const spoil[])(struct detail * d, struct desk * x) = {mine, place, code, two,
                                                                        bytes};
    struct desk *x = *state;

    for (size_t i = 0; i <= sizeof spoil / sizeof *spoil; i++) {
        enum audit_type type = i ? AUDIT_DEPUTY : AUDIT_ACCEPTED; /* before its time */
        struct rig_letter l;
        struct in_status s;
        struct detail d;

        letter_to(x, x->third, x->r->own.org, &l);
        d = release_of(&l.header, l.digest);
        if (i)
            spoil[i - 1](&d, x);
        rig_receipt(x->r, type, &d, NULL, &l.receipt);
        assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
        assert_int_equal(rig_inbox(x->r, &l, &s), ERR_OK);
        assert_int_equal(s.state, IN_REFUSED);
        assert_int_equal(s.code, ERR_PROOF);
        assert_int_equal(s.step, STEP_CIRCLE);
        rig_letter_free(&l);
    }
}

static void a_recipient_is_no_deputy(void **state)
{
    struct desk *x = *state;
    struct rig_letter l;
    struct in_status s;
    struct detail d;

    letter_to(x, x->r->own.org, x->third, &l);
    d = release_of(&l.header, l.digest);
    rig_receipt(x->r, AUDIT_DEPUTY, &d, NULL, &l.receipt);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    assert_int_equal(rig_inbox(x->r, &l, &s), ERR_OK);
    assert_int_equal(s.state, IN_REFUSED);
    assert_int_equal(s.code, ERR_PROOF);
    rig_letter_free(&l);
}

/* --- the recipient's ----------------------------------------------------------------------------
 */

static void a_recipient_keeps_that_his_deputy_has_it_too(void **state)
{
    struct desk *x = *state;
    struct rig_letter l;
    struct in_status s;
    struct detail d, other;

    letter_to(x, x->r->own.org, x->third, &l);
    d = release_of(&l.header, l.digest);
    told(x, AUDIT_DEPUTY, &d); /* about what is not here: nothing to mark */
    rig_accept(x->r, &l, 1);
    assert_int_equal(rig_deliver_letter(x->r, &l), ERR_OK);
    other = d;
    other.digest[0] ^= 1;
    told(x, AUDIT_DEPUTY, &other);
    other = d;
    other.code = ERR_OPPOSITION;
    told(x, AUDIT_DEPUTY, &other);
    other = d;
    memcpy(other.instead, x->r->other.org, ID_BYTES);
    told(x, AUDIT_DEPUTY, &other);
    assert_int_equal(rig_inbox(x->r, &l, &s), ERR_OK);
    assert_int_equal(s.deputed_ms, 0);
    told(x, AUDIT_DEPUTY, &d);
    assert_int_equal(rig_inbox(x->r, &l, &s), ERR_OK);
    assert_int_equal(s.state, IN_RECEIVED);
    assert_false(s.as_deputy);
    assert_memory_equal(s.deputed, x->third, ID_BYTES);
    assert_int_equal(s.deputed_ms, clock_now_ms(&x->r->clock.clock));
    rig_letter_free(&l);
}

/* --- the sender's -------------------------------------------------------------------------------
 */

/* Of ours to `other`, the third in its place if need be; the hub has it. */
static void sent(struct desk *x, struct out_row *row)
{
    struct out_status *s = &row->status;
    struct env_header *h = &row->header;
    struct txn *t = NULL;

    memset(row, 0, sizeof *row);
    rig_header(x->r, &x->circle, h);
    memcpy(h->from, x->r->own.org, ID_BYTES);
    memcpy(h->to[0], x->r->other.org, ID_BYTES);
    memcpy(h->to[1], x->third, ID_BYTES);
    h->rcat[1] = CATEGORY_HEALTH;
    h->to_count = 2;
    h->has_deputy = true;
    h->deputy_count = 1;
    h->deputy[0] = (struct env_deputy){0, 60};
    rig_fill(x->r, row->digest, DIGEST_BYTES);
    s->state = OUT_ACCEPTED;
    s->row = DISCLOSURE_ROWS;
    s->count = 2;
    memcpy(s->mid, h->mid, ID_BYTES);
    memcpy(s->person, x->r->person[0], ID_BYTES);
    memcpy(s->to[0].org, h->to[0], ID_BYTES);
    memcpy(s->to[1].org, h->to[1], ID_BYTES);
    s->to[1].is_deputy = true;
    assert_int_equal(store_begin(x->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(store_put(t, TABLE_OUT_SEALED, SPAN_OF(s->mid), SPAN_STR("x")), ERR_OK);
    assert_int_equal(out_row_put(x->r->n, t, row), ERR_OK);
    assert_int_equal(node_commit(x->r->n, &t), ERR_OK);
}

static void kept(struct desk *x, struct out_row *row)
{
    uint8_t mid[ID_BYTES];
    struct txn *t = NULL;

    memcpy(mid, row->status.mid, ID_BYTES);
    assert_int_equal(store_begin(x->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(out_row_get(x->r->n, t, mid, row), ERR_OK);
    store_abort(&t);
}

static void a_sender_keeps_what_became_of_the_deputy(void **state)
{
    struct desk *x = *state;
    struct out_row row;
    struct detail d, other;

    sent(x, &row);
    d = release_of(&row.header, row.digest);
    kept(x, &row);
    assert_true(row.status.to[1].is_deputy);
    assert_int_equal(row.status.to[1].after_s, 60);
    assert_false(out_concerns(&row.status.to[1]));
    other = d;
    memcpy(other.instead, x->third, ID_BYTES); /* in another's place than we have said */
    told(x, AUDIT_DEPUTY, &other);
    other = d;
    memcpy(other.to[0], x->r->other.org, ID_BYTES); /* to one who is no deputy */
    told(x, AUDIT_DEPUTY, &other);
    other = d;
    other.digest[0] ^= 1;
    told(x, AUDIT_DEPUTY, &other);
    kept(x, &row);
    assert_int_equal(row.status.to[0].marks, 0);
    assert_int_equal(row.status.to[1].marks, 0);
    told(x, AUDIT_DEPUTY, &d);
    kept(x, &row);
    assert_int_equal(row.status.to[1].marks, OUT_RELEASED);
    assert_int_equal(row.status.to[1].released_ms, clock_now_ms(&x->r->clock.clock));
    assert_true(out_concerns(&row.status.to[1]));
    assert_int_equal(row.status.to[0].marks, 0);
}

static void what_the_deputy_may_not_have_is_kept_with_its_reason(void **state)
{
    struct desk *x = *state;
    struct out_row row;
    struct detail d;

    sent(x, &row);
    d = release_of(&row.header, row.digest);
    d.code = ERR_OPPOSITION;
    told(x, AUDIT_DEPUTY, &d);
    kept(x, &row);
    assert_int_equal(row.status.to[1].marks, OUT_UNRELEASED);
    assert_int_equal(row.status.to[1].code, ERR_OPPOSITION);
    assert_false(out_concerns(&row.status.to[1]));
}

static void mark_of(struct desk *x, struct out_row *row, size_t i)
{
    struct detail d = release_of(&row->header, row->digest);

    d.has &= ~(RD_KEY(DETAIL_CHAIN_N) | RD_KEY(DETAIL_INSTEAD) | RD_KEY(DETAIL_DUE));
    d.code = ERR_EXPIRED;
    memcpy(d.to[0], row->header.to[i], ID_BYTES);
    told(x, AUDIT_EXPIRED, &d);
}

/* The sealed bytes stay while a hub that lost them might ask for them again. */
static void it_has_ended_for_all_without_a_deputy_who_was_not_called(void **state)
{
    struct desk *x = *state;
    struct out_row row;
    struct detail d;

    sent(x, &row);
    assert_int_equal(rig_rows(x->r, TABLE_OUT_SEALED), 1);
    mark_of(x, &row, 0);
    assert_int_equal(rig_rows(x->r, TABLE_OUT_SEALED), 0);

    sent(x, &row);
    d = release_of(&row.header, row.digest);
    told(x, AUDIT_DEPUTY, &d);
    mark_of(x, &row, 0);
    assert_int_equal(rig_rows(x->r, TABLE_OUT_SEALED), 1); /* he was called, and has not got it */
    mark_of(x, &row, 1);
    assert_int_equal(rig_rows(x->r, TABLE_OUT_SEALED), 0);
}

static enum err recall(struct desk *x, const struct out_row *row)
{
    static const uint8_t actor[ID_BYTES] = {1};
    struct txn *t = NULL;
    enum err e;

    assert_int_equal(store_begin(x->r->n->store, TXN_WRITE, &t), ERR_OK);
    e = outbox_recall(x->r->n, t, row->status.mid, RECALL_CONTENT, actor);
    store_abort(&t);
    return e;
}

static void a_deputy_who_has_not_got_it_yet_can_lose_it(void **state)
{
    struct desk *x = *state;
    struct out_row row;
    struct detail d;

    sent(x, &row);
    assert_int_equal(recall(x, &row), ERR_OK);
    mark_of(x, &row, 0);
    assert_int_equal(recall(x, &row), ERR_TOO_LATE); /* nobody else was ever to have it */
    sent(x, &row);
    d = release_of(&row.header, row.digest);
    told(x, AUDIT_DEPUTY, &d);
    mark_of(x, &row, 0);
    assert_int_equal(recall(x, &row), ERR_OK);
    mark_of(x, &row, 1);
    assert_int_equal(recall(x, &row), ERR_TOO_LATE);
}

/* --- evidence -----------------------------------------------------------------------------------
 */

static void the_evidence_of_a_batch_is_read_back(void **state)
{
    struct desk *x = *state;
    struct box_public to = rig_own_prekey(x->r);
    uint8_t digests[BATCH_MIN][DIGEST_BYTES];
    struct rig_letter l[BATCH_MIN] = {0};
    struct bytes sealed[BATCH_MIN] = {0};
    struct bytes receipt = {0};
    struct txn *t = NULL;
    struct in_status s;

    for (size_t i = 0; i < BATCH_MIN; i++) {
        rig_header(x->r, &x->circle, &l[i].header);
        l[i].header.sign = ENVELOPE_SIGN_BATCH;
        rig_seal(x->r, &l[i], &to, SPAN_OF(rig_body));
        memcpy(digests[i], l[i].digest, DIGEST_BYTES);
        sealed[i] = l[i].sealed;
    }
    assert_int_equal(envelope_sign_batch(x->r->other.sign, x->r->other.org,
                                         (const uint8_t(*)[DIGEST_BYTES])digests, BATCH_MIN,
                                         sealed),
                     ERR_OK);
    for (size_t i = 0; i < BATCH_MIN; i++) {
        l[i].sealed = sealed[i];
        rig_accept(x->r, &l[i], 1);
        assert_int_equal(rig_deliver_letter(x->r, &l[i]), ERR_OK);
        assert_int_equal(rig_inbox(x->r, &l[i], &s), ERR_OK);
        assert_int_equal(s.state, IN_RECEIVED);
        assert_int_equal(store_begin(x->r->n->store, TXN_READ, &t), ERR_OK);
        assert_int_equal(inbox_receipt(x->r->n, t, &s, &receipt), ERR_OK);
        store_abort(&t);
        rig_letter_free(&l[i]);
    }
    bytes_free(&receipt);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_deputy_takes_it_with_the_leaf_of_its_release),
        TEST(a_deputy_takes_it_with_nothing_else),
        TEST(a_recipient_is_no_deputy),
        TEST(a_recipient_keeps_that_his_deputy_has_it_too),
        TEST(a_sender_keeps_what_became_of_the_deputy),
        TEST(what_the_deputy_may_not_have_is_kept_with_its_reason),
        TEST(it_has_ended_for_all_without_a_deputy_who_was_not_called),
        TEST(a_deputy_who_has_not_got_it_yet_can_lose_it),
        TEST(the_evidence_of_a_batch_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
