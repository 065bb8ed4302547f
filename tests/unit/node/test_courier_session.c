/* link: -Wl,--wrap=link_send */
/* How often a node speaks to a hub that gives it no satisfaction, and what it does about a session
 * that was taken over, suspended, or in which something is missing. The courier is whole, its wire
 * is a list, its clock is turned by hand: an hour passes in a moment, and every frame is counted.
 */
#include "node_rig.h"

#include "courier_internal.h"
#include "loop.h"
#include "transport.h"

#define SENT_MAX 4096
#define STEP_MS 100
#define MINUTE_MS UINT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

struct sent {
    enum message_type type;
    uint64_t at_ms, req, session, last_seq;
    uint8_t mid[ID_BYTES];
};

static struct wire {
    struct sent list[SENT_MAX];
    size_t n;
    const struct clock *clock;
} wire;

enum err __wrap_link_send(struct link_socket *s, const struct link_peer *to, struct span payload);
enum err __wrap_link_send(struct link_socket *s, const struct link_peer *to, struct span payload)
{
    struct sent *one = &wire.list[wire.n];
    struct envelope_view v;
    struct env_header h;
    struct message m;

    (void)s, (void)to;
    assert_true(wire.n < SENT_MAX);
    assert_int_equal(message_decode(payload, SENT_BY_NODE, &m), ERR_OK);
    if (m.type == MSG_PING)
        return ERR_OK;
    *one = (struct sent){.type = m.type, .at_ms = clock_mono_ms(wire.clock)};
    if (m.type == MSG_PUT) {
        assert_int_equal(envelope_parse(m.put.envelope, &v, &h, NULL), ERR_OK);
        memcpy(one->mid, h.mid, ID_BYTES);
        one->req = m.put.req;
    } else if (m.type == MSG_HELLO) {
        one->session = m.hello.session;
        one->last_seq = m.hello.last_seq;
    }
    wire.n++;
    return ERR_OK;
}

struct desk {
    struct rig *r;
    struct rig_circle circle;
    struct transport *transport;
    struct courier *c;
    uint64_t acked; /* what the hub says in its next WELCOME */
};

static void letter_add(struct desk *d)
{
    struct out_intent i = {.type = ENVELOPE_SHEET,
                           .class_mask = CLASS_IDENTITY | CLASS_MEDICAL,
                           .basis = BASIS_ECHANGE,
                           .purpose = 1,
                           .scat = CATEGORY_HEALTH,
                           .to_count = 1,
                           .rcat = {CATEGORY_HEALTH}};
    uint8_t mid[ID_BYTES];
    struct txn *t = NULL;

    memcpy(i.circle, circle_handle(d->circle.c), ID_BYTES);
    memcpy(i.person, d->r->person[0], ID_BYTES);
    memcpy(i.to[0], d->r->other.org, ID_BYTES);
    assert_int_equal(store_begin(d->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(outbox_add(d->r->n, t, &i, SPAN_STR("une fiche"), mid, NULL), ERR_OK);
    assert_int_equal(node_commit(d->r->n, &t), ERR_OK);
}

static int up(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    struct transport_options o;
    struct node *n;
    void *rig = NULL;

    assert_non_null(d);
    rig_up(&rig);
    d->r = rig;
    n = d->r->n;
    rig_circle_new(d->r, &d->circle);
    rig_circle_tell(d->r, &d->circle, 0, d->circle.n);
    wire = (struct wire){.clock = &d->r->clock.clock};
    snprintf(n->settings.endpoint, sizeof n->settings.endpoint, "tcp://127.0.0.1:9");
    n->settings.retry_ms = 5000; /* as without a setting */
    n->settings.retry_max_ms = 60000;
    n->settings.ping_ms = 2 * HOUR_MS; /* silence is not what is looked at here */
    o = (struct transport_options){.entropy = &d->r->entropy};
    assert_int_equal(loop_open(&d->r->clock.clock, &n->loop), ERR_OK);
    assert_int_equal(transport_open(&o, &d->transport), ERR_OK);
    assert_int_equal(courier_open(n, d->transport, &d->c), ERR_OK);
    *state = d;
    return 0;
}

static int down(void **state)
{
    struct desk *d = *state;
    void *rig = d->r;

    courier_close(d->c);
    transport_close(d->transport);
    loop_close(d->r->n->loop);
    d->r->n->loop = NULL;
    rig_circle_free(&d->circle);
    rig_down(&rig);
    free(d);
    return 0;
}

static void says(struct desk *d, const struct message *m)
{
    struct bytes frame = {0};
    struct link_frame f = {0};

    assert_int_equal(message_encode(m, &frame), ERR_OK);
    f.payload = bytes_span(&frame);
    courier_on_frame(NULL, &f, d->c);
    bytes_free(&frame);
}

static void welcome(struct desk *d)
{
    struct message m = {
        .type = MSG_WELCOME,
        .welcome = {.version = WIRE_VERSION,
                    .hub = {7},
                    .keys = rig_keys_head(d->r),
                    .epoch = RIG_EPOCH_NUMBER,
                    .audit = rig_audit_head(d->r),
                    .time_ms = clock_now_ms(&d->r->clock.clock),
                    .acked_seq = d->acked,
                    .head_seq = d->acked}
    };

    memcpy(m.welcome.federation, d->r->n->self.federation, ID_BYTES);
    says(d, &m);
}

static void refuses(struct desk *d, uint64_t req, enum err why)
{
    says(d, &(struct message){
                .type = MSG_ERR, .err = {.req = req, .code = why}
    });
}

/* Time goes by; hears, if not NULL, each frame that is sent and may answer it. */
static void time_passes(struct desk *d, uint64_t ms,
                        void (*hears)(struct desk *d, const struct sent *one))
{
    for (uint64_t gone = 0; gone < ms; gone += STEP_MS) {
        size_t before = wire.n;

        clock_fixed_advance(&d->r->clock, STEP_MS);
        assert_int_equal(loop_turn(d->r->n->loop, 0), ERR_OK);
        for (size_t i = before; hears && i < wire.n; i++)
            hears(d, &wire.list[i]);
    }
}

static void hub_greets(struct desk *d, const struct sent *one)
{
    if (one->type == MSG_HELLO)
        welcome(d);
}

static size_t sent_of(enum message_type type)
{
    size_t n = 0;

    for (size_t i = 0; i < wire.n; i++)
        n += wire.list[i].type == type;
    return n;
}

/* Of all frames of that type: the most in any minute, and how many different pauses there were. */
static void rate_of(enum message_type type, size_t *most, size_t *pauses)
{
    uint64_t seen[SENT_MAX];
    size_t n = 0;

    *most = *pauses = 0;
    for (size_t i = 0; i < wire.n; i++)
        if (wire.list[i].type == type)
            seen[n++] = wire.list[i].at_ms;
    for (size_t i = 0, k = 0; i < n; i++) {
        while (seen[i] - seen[k] >= MINUTE_MS)
            k++;
        *most = i - k + 1 > *most ? i - k + 1 : *most;
        *pauses += i > 1 && seen[i] - seen[i - 1] != seen[i - 1] - seen[i - 2];
    }
}

/* --- never a tight loop ------------------------------------------------------------------------
 */

static enum err hub_refusal;

static void hub_refuses(struct desk *d, const struct sent *one)
{
    if (one->type == MSG_HELLO)
        welcome(d);
    else if (one->type == MSG_PUT && hub_refusal)
        refuses(d, one->req, hub_refusal);
}

/* Known from nuts-node#2138. The pauses grow to retry_max, are jittered between half and all of
 * it, and are the same whether the hub refuses or says nothing. */
static void trap_tight_retry_loop(void **state)
{
    static const enum err answers[] = {ERR_BUSY, ERR_RATE,  ERR_UNKNOWN, ERR_SENDER_QUOTA,
                                       ERR_FULL, ERR_NOMEM, ERR_OK /* none at all */};
    struct desk *d = *state;
    size_t most, pauses;

    letter_add(d);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        size_t before = wire.n;

        hub_refusal = answers[i];
        time_passes(d, HOUR_MS, hub_refuses);
        assert_true(wire.n - before >= 20); /* it does not give up either */
    }
    assert_int_equal(sent_of(MSG_HELLO), 1);
    rate_of(MSG_PUT, &most, &pauses);
    assert_true(most <= 6);
    assert_true(pauses > 20);
    for (size_t i = 0, first = SENT_MAX; i < wire.n; i++) /* the same message for ever */
        if (wire.list[i].type == MSG_PUT) {
            first = first == SENT_MAX ? i : first;
            assert_memory_equal(wire.list[i].mid, wire.list[first].mid, ID_BYTES);
        }
}

/* The same for greetings: a hub that is there, and answers nobody or with an error. */
static void nobody_is_greeted_in_a_tight_loop(void **state)
{
    struct desk *d = *state;
    size_t most, pauses;

    time_passes(d, HOUR_MS, NULL);
    rate_of(MSG_HELLO, &most, &pauses);
    assert_true(sent_of(MSG_HELLO) > 60);
    assert_true(most <= 10);
    assert_true(pauses > 20);
    wire.n = 0;
    for (int i = 0; i < 36000; i++) { /* refused as soon as it is said */
        size_t before = wire.n;

        time_passes(d, STEP_MS, NULL);
        if (wire.n > before)
            refuses(d, 0, ERR_BUSY);
    }
    rate_of(MSG_HELLO, &most, &pauses);
    assert_true(sent_of(MSG_HELLO) > 60);
    assert_true(most <= 6);
}

/* A hub that welcomes, and ends every session at once for what it is told there. */
static void hub_quarrels(struct desk *d, const struct sent *one)
{
    if (one->type != MSG_HELLO)
        return;
    welcome(d);
    refuses(d, 0, ERR_PROOF);
}

static void a_welcome_that_leads_nowhere_is_no_reason_to_hurry(void **state)
{
    struct desk *d = *state;
    size_t most, pauses;

    time_passes(d, HOUR_MS, hub_quarrels);
    rate_of(MSG_HELLO, &most, &pauses);
    assert_true(sent_of(MSG_HELLO) > 60);
    assert_true(most <= 10);
}

/* --- sessions that are over ---------------------------------------------------------------------
 */

static void goes_up(struct desk *d)
{
    time_passes(d, MINUTE_MS, hub_greets);
    assert_int_equal(courier_state(d->c), COURIER_READY);
}

/* Somebody else is this node now: not a word more, until a human has looked. */
static void who_is_fenced_says_nothing_until_a_human_decides(void **state)
{
    static const enum err ends[] = {ERR_FENCED, ERR_REVOKED, ERR_ROLLBACK};
    struct desk *d = *state;
    uint64_t session;

    letter_add(d);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        goes_up(d);
        session = d->c->session;
        refuses(d, 0, ends[i]);
        assert_int_equal(courier_state(d->c), COURIER_STOPPED);
        assert_int_equal(courier_why(d->c), ends[i]);
        wire.n = 0;
        time_passes(d, 2 * HOUR_MS, hub_greets);
        welcome(d); /* nor is what still comes listened to */
        assert_int_equal(wire.n, 0);
        assert_int_equal(courier_state(d->c), COURIER_STOPPED);
        courier_resume(d->c);
        goes_up(d);
        assert_int_equal(wire.list[0].type, MSG_HELLO);
        assert_int_equal(wire.list[0].session, session + 1);
        assert_int_equal(sent_of(MSG_PUT) > 0, true); /* what waits is still there */
    }
}

/* The first of two copies goes on sending, knows why nothing comes, and greets anew when resumed.
 */
static void the_first_of_two_copies_learns_of_the_other(void **state)
{
    struct desk *d = *state;

    goes_up(d);
    assert_false(courier_cloned(d->c));
    refuses(d, 0, ERR_CLONED);
    assert_int_equal(courier_state(d->c), COURIER_READY);
    assert_true(courier_cloned(d->c));
    courier_resume(d->c);
    assert_int_not_equal(courier_state(d->c), COURIER_READY);
    goes_up(d);
    assert_false(courier_cloned(d->c));
}

/* A suspension may be lifted: it asks, once a minute, and goes on where it was. */
static void who_is_suspended_asks_once_a_minute_and_goes_on(void **state)
{
    struct desk *d = *state;
    uint8_t mid[ID_BYTES];
    size_t most, pauses;

    letter_add(d);
    goes_up(d);
    assert_int_equal(sent_of(MSG_PUT) > 0, true);
    for (size_t i = 0; i < wire.n; i++)
        if (wire.list[i].type == MSG_PUT)
            memcpy(mid, wire.list[i].mid, ID_BYTES);
    refuses(d, 0, ERR_SUSPENDED);
    assert_int_equal(courier_why(d->c), ERR_SUSPENDED);
    wire.n = 0;
    for (uint64_t ms = 0; ms < HOUR_MS; ms += STEP_MS) {
        size_t before = wire.n;

        time_passes(d, STEP_MS, NULL);
        if (wire.n > before)
            refuses(d, 0, ERR_SUSPENDED);
    }
    assert_int_equal(sent_of(MSG_HELLO), wire.n);
    assert_in_range(wire.n, 55, 121);
    rate_of(MSG_HELLO, &most, &pauses);
    assert_true(most <= 2);
    assert_true(pauses > 20);
    wire.n = 0;
    goes_up(d); /* lifted */
    assert_int_equal(courier_why(d->c), ERR_OK);
    assert_int_equal(sent_of(MSG_PUT) > 0, true);
    assert_memory_equal(wire.list[wire.n - 1].mid, mid, ID_BYTES);
}

/* --- what is missing ----------------------------------------------------------------------------
 */

static void deliver(struct desk *d, uint64_t seq, uint64_t previous)
{
    says(d, &(struct message){
                .type = MSG_DELIVER,
                .deliver = {.seq = seq,
                            .previous = previous,
                            .kind = DELIVER_ENVELOPE,
                            .item = SPAN_STR("envelope"),
                            .receipt = SPAN_STR("receipt")}
    });
}

/* A gap is never acknowledged over: a new HELLO from where our disk stands. */
static void a_gap_in_the_sequence_ends_in_a_new_greeting(void **state)
{
    static const struct {
        uint64_t seq, previous;
    } gaps[] = {
        {12, 11}, /* something between is missing */
        {11, 9 }, /* the one before is another than ours */
        {10, 10}, /* again, in the same session */
        {4,  3 }, /* long past */
    };
    struct desk *d = *state;

    d->acked = 10;
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
        goes_up(d);
        d->c->last_seq = 10;
        wire.n = 0;
        deliver(d, gaps[i].seq, gaps[i].previous);
        assert_int_equal(d->c->count.gaps, i + 1);
        assert_int_equal(courier_state(d->c), COURIER_DOWN);
        assert_int_equal(d->c->batch_count, 0);
        time_passes(d, MINUTE_MS, hub_greets);
        assert_int_equal(courier_state(d->c), COURIER_READY);
        assert_int_equal(sent_of(MSG_ACK), 0);
        assert_int_equal(sent_of(MSG_HELLO), 1);
        assert_int_equal(wire.list[0].last_seq, 10);
    }
    deliver(d, 11, 10); /* the control: that one follows */
    assert_int_equal(d->c->count.gaps, sizeof gaps / sizeof *gaps);
    assert_int_equal(d->c->batch_count, 1);
}

static void hub_skips(struct desk *d, const struct sent *one)
{
    if (one->type != MSG_HELLO)
        return;
    welcome(d);
    deliver(d, d->acked + 2, d->acked + 1);
}

/* A hub that has lost it for good: asked again and again, but not in a hurry. */
static void a_gap_that_stays_is_asked_for_with_patience(void **state)
{
    struct desk *d = *state;
    size_t most, pauses;

    time_passes(d, HOUR_MS, hub_skips);
    rate_of(MSG_HELLO, &most, &pauses);
    assert_true(d->c->count.gaps > 60);
    assert_true(most <= 10);
    assert_int_equal(sent_of(MSG_ACK), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
    const struct CMUnitTest tests[] = {
        TEST(trap_tight_retry_loop),
        TEST(nobody_is_greeted_in_a_tight_loop),
        TEST(a_welcome_that_leads_nowhere_is_no_reason_to_hurry),
        TEST(who_is_fenced_says_nothing_until_a_human_decides),
        TEST(the_first_of_two_copies_learns_of_the_other),
        TEST(who_is_suspended_asks_once_a_minute_and_goes_on),
        TEST(a_gap_in_the_sequence_ends_in_a_new_greeting),
        TEST(a_gap_that_stays_is_asked_for_with_patience),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
