/* link: -Wl,--wrap=link_send */
/* Heads on the wire: what is asked of the hub and when again, what is cosigned and published, and
 * receipts under a head that a quorum has cosigned. The wire is a list; the hub answers here. */
#include "witness_rig.h"

#include "courier_internal.h"
#include "loop.h"
#include "tlogproof.h"

#define SENT_MAX 64
#define RETRY_MS 120000 /* longer than any repetition waits */

static struct {
    struct message list[SENT_MAX];
    struct bytes statement; /* of the newest KEYS_PUT */
    size_t n;
    enum err says; /* to whatever is sent */
} wire;

enum err __wrap_link_send(struct link_socket *s, const struct link_peer *to, struct span payload);
enum err __wrap_link_send(struct link_socket *s, const struct link_peer *to, struct span payload)
{
    struct message *m = &wire.list[wire.n];

    (void)s, (void)to;
    if (wire.says)
        return wire.says;
    assert_true(wire.n < SENT_MAX);
    assert_int_equal(message_decode(payload, SENT_BY_NODE, m), ERR_OK);
    if (m->type == MSG_KEYS_PUT)
        assert_int_equal(bytes_copy(&wire.statement, m->statement.ss), ERR_OK);
    if (m->type == MSG_CONSISTENCY || m->type == MSG_COSIGN || m->type == MSG_KEYS_PUT)
        wire.n++;
    return ERR_OK;
}

struct desk {
    struct watched w;
    struct courier c;
};

static int up(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    void *rig = NULL;

    assert_non_null(d);
    rig_up(&rig);
    watched_begin(&d->w, rig);
    d->c = (struct courier){.n = d->w.r->n, .state = COURIER_READY, .work_due = true};
    d->w.r->n->courier = &d->c;
    wire.n = 0;
    wire.says = ERR_OK;
    *state = d;
    return 0;
}

static int down(void **state)
{
    struct desk *d = *state;
    void *rig = d->w.r;

    d->w.r->n->courier = NULL;
    attest_free(&d->c);
    tasks_free(&d->c);
    bytes_free(&wire.statement);
    watched_end(&d->w);
    rig_down(&rig);
    free(d);
    return 0;
}

/* A turn after that time; how many questions, cosignatures and statements were sent in it. */
static size_t turn(struct desk *d, uint64_t ms)
{
    size_t before = wire.n;

    clock_fixed_advance(&d->w.r->clock, ms);
    tasks_time(&d->c);
    heads_work(&d->c);
    return wire.n - before;
}

static void told(struct desk *d, const struct msg_heads *h)
{
    struct message m = {.type = MSG_HEADS, .heads = *h};

    on_heads(&d->c, NULL, &m);
}

static void told_now(struct desk *d)
{
    struct msg_heads h = heads_now(&d->w);

    told(d, &h);
}

static const struct message *last(enum message_type type)
{
    for (size_t i = wire.n; i-- > 0;)
        if (wire.list[i].type == type)
            return &wire.list[i];
    fail_msg("nothing of type %d was sent", (int)type);
    return NULL;
}

/* The honest answer to the last question; spoil: one hash of it. */
static void proves(struct desk *d, bool spoil)
{
    const struct msg_consistency *q = &last(MSG_CONSISTENCY)->consistency;
    struct merkle_source source = {rig_subtree, &d->w.r->audit};
    struct message m = {
        .type = MSG_CONSISTENCY_PROOF,
        .consistency_proof = {.req = q->req, .of = q->of, .from = q->from, .to = q->to}
    };
    struct merkle_proof proof;

    assert_int_equal(merkle_consistency(&source, q->from, q->to, &proof), ERR_OK);
    m.consistency_proof.n = proof.count;
    memcpy(m.consistency_proof.hash, proof.hash, proof.count * sizeof proof.hash[0]);
    m.consistency_proof.hash[0][0] ^= spoil;
    on_consistency_proof(&d->c, NULL, &m);
}

static void refuses(struct desk *d, uint64_t req, enum err why)
{
    struct message m = {
        .type = MSG_ERR, .err = {.req = req, .code = why}
    };

    on_err(&d->c, NULL, &m);
}

/* --- questions and cosignatures ---------------------------------------------------------------
 */

static void a_grown_log_is_asked_about_until_it_is_proven_and_then_cosigned(void **state)
{
    struct desk *d = *state;

    audit_grow(&d->w, 2);
    told_now(d);
    assert_int_equal(turn(d, 0), 2); /* where we begin: both logs are cosigned */
    audit_grow(&d->w, 3);
    told_now(d);
    wire.says = ERR_BUSY;
    assert_int_equal(turn(d, 0), 0);
    wire.says = ERR_OK;
    assert_int_equal(turn(d, RETRY_MS), 1); /* the same question, once the line takes it */
    assert_int_equal(last(MSG_CONSISTENCY)->consistency.from, 2);
    assert_int_equal(last(MSG_CONSISTENCY)->consistency.to, 5);
    assert_int_equal(turn(d, 0), 0); /* one at a time */
    turn(d, RETRY_MS);               /* the answer never came */
    assert_int_equal(turn(d, RETRY_MS), 1);
    proves(d, false);
    assert_int_equal(turn(d, 0), 1);
    assert_int_equal(last(MSG_COSIGN)->cosign.size, 5);
    assert_int_equal(d->c.state, COURIER_READY);
}

static void a_cosignature_that_the_line_did_not_take_is_said_in_the_next_turn(void **state)
{
    struct desk *d = *state;

    told_now(d);
    wire.says = ERR_BUSY;
    assert_int_equal(turn(d, 0), 0);
    wire.says = ERR_OK;
    assert_int_equal(turn(d, 0), 1);
    assert_int_equal(last(MSG_COSIGN)->cosign.size, d->w.r->keys.size);
    assert_int_equal(turn(d, 0), 0);
}

static void a_proof_that_proves_nothing_stops_it(void **state)
{
    struct desk *d = *state;

    audit_grow(&d->w, 2);
    told_now(d);
    turn(d, 0);
    audit_grow(&d->w, 3);
    told_now(d);
    assert_int_equal(turn(d, 0), 1);
    proves(d, true);
    assert_int_equal(d->c.state, COURIER_STOPPED);
    assert_int_equal(d->c.why, ERR_SPLIT_VIEW);
    assert_int_equal(rig_rows(d->w.r, TABLE_ALARM), 1);
}

static void a_proof_that_nobody_asked_for_is_not_looked_at(void **state)
{
    struct desk *d = *state;
    struct message m = {
        .type = MSG_CONSISTENCY_PROOF, .consistency_proof = {.req = 77, .of = {LOG_AUDIT, 1}}
    };

    on_consistency_proof(&d->c, NULL, &m);
    assert_int_equal(d->c.state, COURIER_READY);
    assert_int_equal(d->w.r->n->alarm, ERR_OK);
}

/* WELCOME said something of the same log that is not judged yet: HEADS has to wait. */
static void heads_wait_for_the_welcome_to_be_judged(void **state)
{
    struct desk *d = *state;
    struct msg_heads h = heads_now(&d->w);

    d->c.welcome.held = true;
    told(d, &h);
    assert_int_equal(turn(d, 0), 0);
    h.keys.size += 5;
    told(d, &h);
    assert_int_equal(d->c.keys_target, h.keys.size);
    assert_int_equal(turn(d, 0), 0); /* nothing was taken as announced */
    d->c.welcome.held = false;
    d->c.keys_target = 0;
    told_now(d);
    assert_int_equal(turn(d, 0), 1);
}

static void what_cannot_be_kept_of_heads_is_tried_again(void **state)
{
    struct desk *d = *state;
    struct store_faults *f = &d->w.r->faults;

    audit_grow(&d->w, 2);
    told_now(d);
    turn(d, 0);
    audit_grow(&d->w, 1);
    told_now(d);
    f->fail_commit = f->commits + 1;
    f->commit_fault = COMMIT_IO;
    assert_int_equal(turn(d, 0), 0);
    assert_int_equal(d->c.state, COURIER_READY);
    assert_int_equal(turn(d, 0), 1);
    f->fail_commit = f->commits + 1;
    proves(d, false); /* its end cannot be written: asked again */
    assert_int_equal(turn(d, RETRY_MS), 1);
    proves(d, false);
    assert_int_equal(turn(d, 0), 1);
    assert_int_equal(last(MSG_COSIGN)->cosign.size, 3);
}

static void a_new_witness_key_is_published_until_the_log_has_it(void **state)
{
    struct desk *d = *state;
    struct node *n = d->w.r->n;
    struct bytes ss = {0};

    assert_int_equal(turn(d, 0), 0);
    assert_int_equal(witness_key_renew(n->ring, &n->entropy), ERR_OK);
    secret_sign_free(n->witness);
    n->witness = NULL;
    assert_int_equal(witness_key_open(n->ring, &n->witness), ERR_OK);
    d->c.keys_target = contacts_keys_size(n) + 1;
    assert_int_equal(turn(d, 0), 0); /* it may be in what is not read yet */
    d->c.keys_target = 0;
    wire.says = ERR_BUSY;
    assert_int_equal(turn(d, 0), 0);
    wire.says = ERR_OK;
    assert_int_equal(turn(d, RETRY_MS), 1);
    turn(d, RETRY_MS);
    assert_int_equal(turn(d, RETRY_MS), 1); /* no answer: again */
    assert_int_equal(bytes_copy(&ss, bytes_span(&wire.statement)), ERR_OK);
    statement_append(d->w.r, &ss);
    turn(d, RETRY_MS);
    assert_int_equal(turn(d, RETRY_MS), 0);
    assert_null(task_find(&d->c, TASK_WITNESS_PUT));
}

/* --- receipts under a cosigned head -----------------------------------------------------------
 */

static struct bytes receipt_new(struct desk *d)
{
    struct detail x = {.has = RD_KEY(DETAIL_MID), .mid = {9}};
    struct bytes receipt = {0};

    rig_receipt(d->w.r, AUDIT_ACCEPTED, &x, NULL, &receipt);
    return receipt;
}

static enum err asked(struct desk *d, const struct bytes *receipt, struct bytes *text)
{
    struct txn *t = NULL;
    enum err e;

    assert_int_equal(store_begin(d->w.r->n->store, TXN_READ, &t), ERR_OK);
    e = attest_file(d->w.r->n, t, bytes_span(receipt), text);
    store_abort(&t);
    return e;
}

/* All that there is, cosigned by the three others now. */
static void attested(struct desk *d)
{
    struct msg_heads h = heads_now(&d->w);

    cosign_all(&d->w, &h.audit_seen, LOG_AUDIT, node_now_ms(d->w.r->n) / 1000);
    told(d, &h);
    questions_answered(&d->w); /* of heads; what is looked at here is the receipt's */
}

/* The entry lies in the tree that the note is about, and the note has the three witnesses' lines.
 */
static void assert_proven(const struct sign_public *log_key, const struct bytes *receipt,
                          const struct bytes *text)
{
    uint8_t leaf[MERKLE_HASH_BYTES];
    struct tlog_proof p = {0};
    struct note_key key;
    struct receipt r;

    assert_int_equal(receipt_decode(bytes_span(receipt), &r), ERR_OK);
    merkle_leaf_hash(r.entry, leaf);
    assert_int_equal(tlog_proof_read(bytes_span(text), &p), ERR_OK);
    assert_int_equal(p.checkpoint.line_count, HOUSES);
    assert_int_equal(note_key_init(&key, SPAN_STR(RIG_AUDIT_ORIGIN), NOTE_SIGNED, log_key), ERR_OK);
    assert_int_equal(tlog_proof_check(&p, leaf, &key), ERR_OK);
    tlog_proof_wipe(&p);
}

static void a_receipt_is_carried_over_once_a_quorum_stands_beyond_it(void **state)
{
    struct desk *d = *state;
    struct bytes text = {0};
    struct bytes receipt;

    audit_grow(&d->w, 3);
    attested(d);
    receipt = receipt_new(d);
    assert_int_equal(asked(d, &receipt, &text), ERR_AGAIN);
    assert_int_equal(asked(d, &receipt, &text), ERR_AGAIN);
    assert_int_equal(d->c.wanted_count, 1); /* the same, once */
    turn(d, 0);
    assert_null(task_find(&d->c, TASK_ATTEST)); /* no quorum has been as far */
    audit_grow(&d->w, 4);
    attested(d);
    wire.says = ERR_BUSY;
    turn(d, 0);
    wire.says = ERR_OK;
    turn(d, RETRY_MS);
    assert_non_null(task_find(&d->c, TASK_ATTEST));
    assert_int_equal(last(MSG_CONSISTENCY)->consistency.from, 4);
    assert_int_equal(last(MSG_CONSISTENCY)->consistency.to, 8);
    proves(d, false);
    assert_int_equal(d->c.wanted_count, 0);
    assert_int_equal(asked(d, &receipt, &text), ERR_OK);
    assert_proven(secret_sign_public(d->w.r->audit_log), &receipt, &text);
    bytes_free(&text);
    bytes_free(&receipt);
}

static void a_question_that_fails_is_asked_again_or_given_up(void **state)
{
    struct desk *d = *state;
    struct store_faults *f = &d->w.r->faults;
    struct bytes text = {0};
    struct bytes receipt;
    uint64_t req;

    audit_grow(&d->w, 3);
    receipt = receipt_new(d);
    audit_grow(&d->w, 2);
    attested(d);
    assert_int_equal(asked(d, &receipt, &text), ERR_AGAIN);
    turn(d, 0);
    req = last(MSG_CONSISTENCY)->consistency.req;
    refuses(d, req, ERR_BUSY);
    assert_int_equal(d->c.wanted_count, 1);
    turn(d, RETRY_MS);
    f->fail_commit = f->commits + 1;
    f->commit_fault = COMMIT_IO;
    proves(d, false); /* the file could not be kept */
    assert_int_equal(d->c.wanted_count, 1);
    turn(d, RETRY_MS);
    proves(d, true); /* proves nothing: not kept, and who wants it asks again */
    assert_int_equal(d->c.wanted_count, 0);
    assert_int_equal(asked(d, &receipt, &text), ERR_AGAIN);
    turn(d, RETRY_MS);
    req = last(MSG_CONSISTENCY)->consistency.req;
    refuses(d, req, ERR_NOT_FOUND);
    assert_int_equal(d->c.wanted_count, 0);
    assert_int_equal(asked(d, &receipt, &text), ERR_AGAIN);
    turn(d, RETRY_MS);
    proves(d, false);
    assert_int_equal(asked(d, &receipt, &text), ERR_OK);
    bytes_free(&text);
    bytes_free(&receipt);
}

static void an_answer_about_a_head_that_is_no_longer_the_attested_is_asked_anew(void **state)
{
    struct desk *d = *state;
    struct bytes text = {0};
    struct bytes receipt;

    audit_grow(&d->w, 3);
    receipt = receipt_new(d);
    audit_grow(&d->w, 2);
    attested(d);
    assert_int_equal(asked(d, &receipt, &text), ERR_AGAIN);
    turn(d, 0);
    audit_grow(&d->w, 2);
    attested(d);
    proves(d, false);
    assert_int_equal(d->c.wanted_count, 1);
    turn(d, 0);
    assert_int_equal(last(MSG_CONSISTENCY)->consistency.to, 8);
    proves(d, false);
    assert_int_equal(asked(d, &receipt, &text), ERR_OK);
    bytes_free(&text);
    bytes_free(&receipt);
}

#define NEXT_ORIGIN RIG_NAME "/audit/2027"

/* The hub was restored and has lost nothing: its next epoch, of which there is leaf 0 alone. */
static struct ckpt epoch_turns(struct desk *d)
{
    struct rig *r = d->w.r;
    struct ckpt end = rig_audit_head(r);
    struct detail x = {.has = RD_KEY(DETAIL_EPOCH) | RD_KEY(DETAIL_COMMON) |
                              RD_KEY(DETAIL_COMMON_ROOT) | RD_KEY(DETAIL_LOST),
                       .epoch = RIG_EPOCH_NUMBER,
                       .common = end.size,
                       .lost = end.size};
    struct receipt opening = {.log = LOG_AUDIT};
    struct bytes detail = {0}, entry = {0}, receipt = {0};
    struct rig_log next = {0};
    uint8_t c[32];

    memcpy(x.common_root, end.root, sizeof x.common_root);
    assert_int_equal(detail_encode(&x, &detail), ERR_OK);
    assert_int_equal(detail_commit(opening.salt, bytes_span(&detail), c), ERR_OK);
    assert_int_equal(entry_encode(AUDIT_EPOCH, RIG_NOW, c, &entry), ERR_OK);
    rig_append(&next, bytes_span(&entry));
    opening.entry = bytes_span(&entry);
    opening.detail = bytes_span(&detail);
    opening.head = rig_head(&next, 1, NEXT_ORIGIN, r->audit_log);
    assert_int_equal(receipt_encode(&opening, &receipt), ERR_OK);
    assert_int_equal(contacts_see_epoch(r->n, RIG_EPOCH_NUMBER + 1, bytes_span(&receipt)), ERR_OK);
    bytes_free(&next.entry[0]);
    bytes_free(&detail);
    bytes_free(&entry);
    bytes_free(&receipt);
    return opening.head;
}

/* Else the list would be full of them for ever, and nothing else be carried over. */
static void a_receipt_of_a_closed_epoch_is_wanted_no_more(void **state)
{
    struct desk *d = *state;
    struct bytes text = {0};
    struct bytes receipt;
    struct msg_heads h;

    audit_grow(&d->w, 3);
    attested(d);
    receipt = receipt_new(d);
    assert_int_equal(asked(d, &receipt, &text), ERR_AGAIN);
    turn(d, 0);
    assert_int_equal(d->c.wanted_count, 1);
    h = heads_now(&d->w);
    h.epoch++;
    h.audit = h.audit_seen.head = epoch_turns(d);
    turn(d, 0);
    assert_int_equal(d->c.wanted_count, 1); /* no later one is attested yet */
    cosign_all(&d->w, &h.audit_seen, LOG_AUDIT, node_now_ms(d->w.r->n) / 1000);
    for (size_t i = 0; i < h.audit_seen.n; i++) {
        struct cosignature *one = &h.audit_seen.by[i];

        assert_int_equal(cosignature_make(SPAN_STR(NEXT_ORIGIN), h.audit.size, h.audit.root,
                                          one->time_s, d->w.key[i + 1], one->sig),
                         ERR_OK);
    }
    assert_int_equal(witness_announced(d->w.r->n, &h), ERR_OK);
    turn(d, 0);
    assert_int_equal(d->c.wanted_count, 0);
    assert_null(task_find(&d->c, TASK_ATTEST));
    bytes_free(&receipt);
}

static void what_is_wanted_is_bounded_and_no_receipt_is_refused(void **state)
{
    struct desk *d = *state;
    struct bytes receipt = {0};
    struct bytes text = {0};

    assert_int_not_equal(asked(d, &receipt, &text), ERR_OK); /* no receipt at all */
    assert_int_equal(d->c.wanted_count, 0);
    for (size_t i = 0; i < ATTEST_WANTED_MAX + 3; i++) {
        receipt = receipt_new(d);
        assert_int_equal(asked(d, &receipt, &text), ERR_AGAIN);
        bytes_free(&receipt);
    }
    assert_int_equal(d->c.wanted_count, ATTEST_WANTED_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_grown_log_is_asked_about_until_it_is_proven_and_then_cosigned),
        TEST(a_cosignature_that_the_line_did_not_take_is_said_in_the_next_turn),
        TEST(a_proof_that_proves_nothing_stops_it),
        TEST(a_proof_that_nobody_asked_for_is_not_looked_at),
        TEST(heads_wait_for_the_welcome_to_be_judged),
        TEST(what_cannot_be_kept_of_heads_is_tried_again),
        TEST(a_new_witness_key_is_published_until_the_log_has_it),
        TEST(a_receipt_is_carried_over_once_a_quorum_stands_beyond_it),
        TEST(a_question_that_fails_is_asked_again_or_given_up),
        TEST(an_answer_about_a_head_that_is_no_longer_the_attested_is_asked_anew),
        TEST(a_receipt_of_a_closed_epoch_is_wanted_no_more),
        TEST(what_is_wanted_is_bounded_and_no_receipt_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
