/* link: -Wl,--wrap=link_send */
/* What one recipient gets from us reaches the hub in the order of the outbox, whatever the hub
 * answers meanwhile. The wire is a list of what was sent; the hub's answers are made here. */
#include "node_rig.h"

#include "courier_internal.h"
#include "loop.h"
#include "outrow.h"
#include "transport.h"

#define LETTERS 4
#define LAST (LETTERS - 1) /* to somebody else */
#define SENT_MAX 64

struct wire {
    size_t puts;
    uint8_t mid[SENT_MAX][ID_BYTES];
    uint64_t req[SENT_MAX];
    uint64_t sign[SENT_MAX];
};
static struct wire wire;
static enum err wire_says; /* to whatever is sent */

enum err __wrap_link_send(struct link_socket *s, const struct link_peer *to, struct span payload);
enum err __wrap_link_send(struct link_socket *s, const struct link_peer *to, struct span payload)
{
    struct envelope_view v;
    struct env_header h;
    struct message m;

    (void)s, (void)to;
    if (wire_says)
        return wire_says;
    assert_int_equal(message_decode(payload, SENT_BY_NODE, &m), ERR_OK);
    if (m.type != MSG_PUT)
        return ERR_OK;
    assert_true(wire.puts < SENT_MAX);
    assert_int_equal(envelope_parse(m.put.envelope, &v, &h, NULL), ERR_OK);
    memcpy(wire.mid[wire.puts], h.mid, ID_BYTES);
    wire.sign[wire.puts] = h.sign;
    wire.req[wire.puts++] = m.put.req;
    return ERR_OK;
}

struct desk {
    struct rig *r;
    struct rig_circle circle;
    struct courier c;
    uint8_t mids[LETTERS][ID_BYTES];
};

static void letter_add(struct desk *d, uint8_t mid[ID_BYTES])
{
    struct out_intent i = {.type = ENVELOPE_SHEET,
                           .class_mask = CLASS_IDENTITY | CLASS_MEDICAL,
                           .basis = BASIS_ECHANGE,
                           .purpose = 1,
                           .scat = CATEGORY_HEALTH,
                           .to_count = 1,
                           .rcat = {CATEGORY_HEALTH}};
    struct txn *t = NULL;

    memcpy(i.circle, circle_handle(d->circle.c), ID_BYTES);
    memcpy(i.person, d->r->person[0], ID_BYTES);
    memcpy(i.to[0], d->r->other.org, ID_BYTES);
    assert_int_equal(store_begin(d->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(outbox_add(d->r->n, t, &i, SPAN_STR("une fiche"), mid, NULL), ERR_OK);
    assert_int_equal(node_commit(d->r->n, &t), ERR_OK);
}

/* Sealed already, and in its row for an organisation that nothing else goes to. */
static void readdressed(struct desk *d, const uint8_t mid[ID_BYTES])
{
    struct bytes sealed = {0};
    struct txn *t = NULL;
    struct out_row row;

    assert_int_equal(outbox_take(d->r->n, mid, &sealed), ERR_OK);
    assert_int_equal(store_begin(d->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(out_row_get(d->r->n, t, mid, &row), ERR_OK);
    memset(row.header.to[0], 9, ID_BYTES);
    assert_int_equal(out_row_put(d->r->n, t, &row), ERR_OK);
    assert_int_equal(node_commit(d->r->n, &t), ERR_OK);
    bytes_free(&sealed);
}

static int up(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    void *rig = NULL;

    assert_non_null(d);
    rig_up(&rig);
    d->r = rig;
    rig_circle_new(d->r, &d->circle);
    rig_circle_tell(d->r, &d->circle, 0, d->circle.n);
    for (size_t k = 0; k < LETTERS; k++)
        letter_add(d, d->mids[k]);
    readdressed(d, d->mids[LAST]);
    d->c = (struct courier){.n = d->r->n, .state = COURIER_READY, .work_due = true};
    wire = (struct wire){0};
    *state = d;
    return 0;
}

static int down(void **state)
{
    struct desk *d = *state;
    void *rig = d->r;

    tasks_free(&d->c);
    rig_circle_free(&d->circle);
    rig_down(&rig);
    free(d);
    return 0;
}

/* A turn of the courier; the number of PUTs in it. */
static size_t turn(struct desk *d)
{
    size_t before = wire.puts;

    courier_work(&d->c);
    return wire.puts - before;
}

static size_t turn_after(struct desk *d, uint64_t ms)
{
    clock_fixed_advance(&d->r->clock, ms);
    tasks_time(&d->c);
    return turn(d);
}

static bool was(const struct desk *d, size_t put, size_t letter)
{
    return memcmp(wire.mid[put], d->mids[letter], ID_BYTES) == 0;
}

static void answered(struct desk *d, size_t put, enum err why)
{
    struct message m = {
        .type = MSG_ERR, .err = {.req = wire.req[put], .code = why}
    };

    on_err(&d->c, NULL, &m);
}

static void accepted(struct desk *d, size_t put)
{
    struct detail x = {.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_DIGEST) | RD_KEY(DETAIL_FROM) |
                              RD_KEY(DETAIL_CIRCLE) | RD_KEY(DETAIL_TO) | RD_KEY(DETAIL_CHAIN_N),
                       .to_count = 1,
                       .chain_n = 1};
    struct message m = {.type = MSG_RECEIPT, .receipt = {.req = wire.req[put]}};
    struct bytes receipt = {0};
    struct txn *t = NULL;
    struct out_row row;

    assert_int_equal(store_begin(d->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(out_row_get(d->r->n, t, wire.mid[put], &row), ERR_OK);
    store_abort(&t);
    memcpy(x.mid, wire.mid[put], ID_BYTES);
    memcpy(x.digest, row.digest, DIGEST_BYTES);
    memcpy(x.from, d->r->own.org, ID_BYTES);
    memcpy(x.circle, row.header.circle, ID_BYTES);
    memcpy(x.to[0], row.header.to[0], ID_BYTES);
    rig_receipt(d->r, AUDIT_ACCEPTED, &x, NULL, &receipt);
    m.receipt.receipt = bytes_span(&receipt);
    on_receipt(&d->c, NULL, &m);
    bytes_free(&receipt);
}

#define RETRY_MS 120000 /* longer than any repetition waits */

static void the_oldest_for_each_recipient_flies_and_nothing_behind_it(void **state)
{
    struct desk *d = *state;

    assert_int_equal(turn(d), 2);
    assert_true(was(d, 0, 0) && was(d, 1, LAST));
    assert_int_equal(turn(d), 0);
    accepted(d, 1);
    assert_int_equal(turn(d), 0); /* another recipient's answer moves no line but his */
    accepted(d, 0);
    assert_int_equal(turn(d), 1);
    assert_true(was(d, 2, 1));
}

static void nothing_overtakes_one_that_was_told_to_come_again(void **state)
{
    static const enum err later[] = {
        ERR_BUSY,         ERR_RATE,      ERR_UNKNOWN,    ERR_FULL,      ERR_STOPPING,
        ERR_SENDER_QUOTA, ERR_HUB_QUOTA, ERR_RECOVERING, ERR_NOMEM,     ERR_IO,
        ERR_READONLY,     ERR_INTERNAL,  ERR_LOG_DAY,    ERR_LOG_TOTAL, ERR_CIRCLES_QUOTA};
    struct desk *d = *state;
    size_t last = 0;

    assert_int_equal(turn(d), 2);
    accepted(d, 1);
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        answered(d, last, later[i]);
        assert_int_equal(turn(d), 0);
        assert_int_equal(turn_after(d, RETRY_MS), 1);
        last = wire.puts - 1;
        assert_true(was(d, last, 0));
    }
    accepted(d, last);
    assert_int_equal(turn(d), 1);
    assert_true(was(d, wire.puts - 1, 1));
}

static void nothing_overtakes_one_whose_answer_never_came(void **state)
{
    struct desk *d = *state;

    assert_int_equal(turn(d), 2);
    accepted(d, 1);
    for (size_t i = 0; i < 4; i++) { /* given up and due again in some turns, never another */
        size_t n = turn_after(d, RETRY_MS);

        assert_true(n <= 1);
        assert_true(was(d, wire.puts - 1, n ? 0 : i ? 0 : LAST));
    }
    assert_true(wire.puts > 2); /* it was offered again */
    assert_true(was(d, wire.puts - 1, 0));
    tasks_landed(&d->c); /* the session is gone */
    assert_int_equal(turn(d), 1);
    assert_true(was(d, wire.puts - 1, 0));
}

static void one_that_is_refused_for_good_is_in_nobodys_way(void **state)
{
    struct desk *d = *state;

    assert_int_equal(turn(d), 2);
    answered(d, 0, ERR_NOT_IN_CIRCLE);
    assert_int_equal(turn(d), 1);
    assert_true(was(d, 2, 1));
}

static void those_behind_are_sealed_with_the_first_of_the_line(void **state)
{
    struct desk *d = *state;
    struct out_status s;
    struct txn *t = NULL;

    assert_int_equal(turn(d), 2);
    assert_int_equal(wire.sign[0], ENVELOPE_SIGN_BATCH);
    assert_int_equal(store_begin(d->r->n->store, TXN_READ, &t), ERR_OK);
    for (size_t k = 0; k < LETTERS; k++) {
        assert_int_equal(outbox_get(d->r->n, t, d->mids[k], &s), ERR_OK);
        assert_int_equal(s.state, OUT_SEALED);
    }
    store_abort(&t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

/* libzmq may end its session without a word: no connection comes, however often a HELLO is tried.
 */
static void a_link_that_stays_dead_is_made_anew(void **state)
{
    struct desk *d = *state;
    struct node *n = d->r->n;
    struct transport_options o = {.entropy = &d->r->entropy};
    struct transport *t = NULL;
    struct courier *c = NULL;
    size_t anew = 0;

    snprintf(n->settings.endpoint, sizeof n->settings.endpoint, "tcp://127.0.0.1:9");
    assert_int_equal(loop_open(&d->r->clock.clock, &n->loop), ERR_OK);
    assert_int_equal(transport_open(&o, &t), ERR_OK);
    wire_says = ERR_BUSY;
    assert_int_equal(courier_open(n, t, &c), ERR_OK);
    for (uint64_t ms = 0; ms < 3 * LINK_ANEW_MS; ms += 500) {
        uint64_t before = c->linked_ms;

        clock_fixed_advance(&d->r->clock, 500);
        assert_int_equal(loop_turn(n->loop, 0), ERR_OK);
        anew += c->linked_ms != before;
        assert_true(anew == 0 || ms > LINK_ANEW_MS - 1000);
    }
    assert_int_equal(anew, 2);
    wire_says = ERR_OK;
    courier_close(c);
    transport_close(t);
    loop_close(n->loop);
    n->loop = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_oldest_for_each_recipient_flies_and_nothing_behind_it),
        TEST(nothing_overtakes_one_that_was_told_to_come_again),
        TEST(nothing_overtakes_one_whose_answer_never_came),
        TEST(one_that_is_refused_for_good_is_in_nobodys_way),
        TEST(those_behind_are_sealed_with_the_first_of_the_line),
        cmocka_unit_test_setup_teardown(a_link_that_stays_dead_is_made_anew, up, down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
