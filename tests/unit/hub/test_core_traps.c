/* Mistakes that other systems shipped, replayed at the core: each test is named after one. The
 * table of all of them is in tests/README.md. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_world.h"

#define HOUR_MS UINT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

static size_t receipts_of(const struct member_node *m, enum audit_type type)
{
    size_t n = 0;

    while (member_receipt_of(m, type, n))
        n++;
    return n;
}

static struct bytes letter_living(struct world *w, uint64_t ms)
{
    struct bytes whole = {0};
    struct env_header h;

    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 1, &h));
    h.exp = h.ts + ms;
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("corps"), &whole, NULL));
    return whole;
}

/* Mirth#2986: an answer of nonsense was taken for an acknowledgement. Every bit of an honest ACK
 * turned over, but for those that say how much may come next, which nobody signs. */
static void trap_garbage_ack_means_sent(void **state)
{
    struct world *w = *state;
    struct message ack = {.type = MSG_ACK};
    struct bytes frame = {0};
    size_t tried = 0;

    world_send(w, 0, 1);
    assert_ok(member_ack_make(w->m[1], last_item(w, 1)->seq, &ack.ack));
    assert_ok(message_encode(&ack, &frame));
    for (size_t bit = 0; bit < 8 * frame.len; bit++) {
        struct message m;
        struct job *j;

        frame.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        j = job_of(w, JOB_MEMBER, w->m[1]);
        assert_ok(bytes_copy(&j->frame, bytes_span(&frame)));
        frame.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (message_decode(bytes_span(&j->frame), SENT_BY_NODE, &m) == ERR_OK &&
            m.type == MSG_ACK && m.ack.is_signed && m.ack.upto == ack.ack.upto &&
            m.ack.count == ack.ack.count &&
            memcmp(m.ack.root, ack.ack.root, sizeof m.ack.root) == 0 &&
            memcmp(m.ack.sig, ack.ack.sig, sizeof m.ack.sig) == 0) {
            job_free(j); /* only the credit differs */
            continue;
        }
        w->after[1] = member_acked(w->m[1]);
        job_prepare(w, j, 1);
        w->after[1] = member_acked(w->m[1]);
        assert_ok(fair_push(w->in, j));
        world_turn(w);
        tried++;
        assert_int_equal(w->core->count.delivered, 0);
        assert_int_equal(receipts_of(w->m[0], AUDIT_DELIVERED), 0);
        assert_int_equal(world_box(w, 1)->len, 1);
    }
    assert_true(tried > 700);
    member_forget_answers(w->m[1]);
    assert_ok(member_ack_all(w->m[1])); /* the control */
    assert_int_equal(receipts_of(w->m[0], AUDIT_DELIVERED), 1);
    bytes_free(&frame);
}

/* Holodeck#128: the timer fired while the receipt was being written, and both were reported. The
 * ACK and the end of the lifetime meet in one group, in either order, and its commit fails in each
 * way before it is tried again. */
static void meet(struct world *w, bool tick_first, const enum commit_fault *fails)
{
    struct bytes whole = letter_living(w, HOUR_MS);
    size_t delivered = receipts_of(w->m[0], AUDIT_DELIVERED);
    size_t expired = receipts_of(w->m[0], AUDIT_EXPIRED);
    struct message ack = {.type = MSG_ACK};
    struct job *tick, *j;

    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    bytes_free(&whole);
    assert_ok(member_ack_make(w->m[1], last_item(w, 1)->seq, &ack.ack));
    clock_fixed_advance(&w->clock, HOUR_MS + 1000);
    crew_ahead(w->crew, (int64_t)(clock_now_ms(&w->clock.clock) - clock_now_ms(clock_system())));
    j = job_of(w, JOB_MEMBER, w->m[1]);
    assert_ok(message_encode(&ack, &j->frame));
    job_prepare(w, j, 1);
    tick = job_of(w, JOB_TICK, NULL);
    assert_ok(fair_push(w->in, tick_first ? tick : j));
    assert_ok(fair_push(w->in, tick_first ? j : tick));
    if (fails)
        w->strike = (struct strike){.at = STRIKE_COMMIT, .n = 1, .commit = *fails};
    w->struck = false;
    world_turn(w);
    assert_int_equal(w->struck, fails != NULL);
    member_forget_answers(w->m[1]);
    member_settled(w->m[1], ack.ack.upto); /* it is on its disk, whatever became of the ACK */
    for (size_t i = 0; i < PEOPLE; i++)    /* whoever was told to come again does */
        world_greet(w, i, 100, 1 << 20);
    world_job(w, JOB_TICK);
    assert_ok(member_ack_all(w->m[1]));
    world_job(w, JOB_TICK);
    delivered = receipts_of(w->m[0], AUDIT_DELIVERED) - delivered;
    expired = receipts_of(w->m[0], AUDIT_EXPIRED) - expired;
    assert_int_equal(delivered + expired, 1);
    assert_ok(member_ack_all(w->m[0]));
}

static void trap_receipt_and_no_receipt_both_reported(void **state)
{
    static const enum commit_fault faults[] = {COMMIT_IO, COMMIT_UNKNOWN_LOST,
                                               COMMIT_UNKNOWN_WRITTEN};
    struct world *w = *state;

    for (int first = 0; first < 2; first++) {
        meet(w, first, NULL);
        for (size_t k = 0; k < sizeof faults / sizeof *faults; k++)
            meet(w, first, &faults[k]);
    }
    assert_true(receipts_of(w->m[0], AUDIT_DELIVERED) > 0); /* either came first somewhere */
    assert_true(receipts_of(w->m[0], AUDIT_EXPIRED) > 0);
    assert_memory_is_the_store(w);
}

/* Mirth#2178: the queue was pruned, and with it what had failed and nobody had looked at. The
 * sender comes back after more than a year, long after its message and every row that remembered
 * it have gone. */
static void trap_errors_pruned(void **state)
{
    struct world *w = *state;
    struct bytes whole = letter_living(w, DAY_MS);
    uint64_t audit;
    struct job *j;

    for (size_t i = 0; i < 2; i++) {
        j = job_of(w, JOB_GONE, w->m[i]);
        if (i == 0)
            assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
        j->session = w->session[i];
        assert_ok(fair_push(w->in, j));
        world_turn(w);
        if (i == 0)
            assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), 1);
    }
    for (uint64_t gone = 0; gone < 400 * DAY_MS; gone += HOUR_MS) {
        clock_fixed_advance(&w->clock, HOUR_MS);
        world_job(w, JOB_TICK);
    }
    audit = ledger_committed_size(w->core->audit);
    assert_int_equal(w->core->count.expired, 1);
    assert_ok(core_reload(w->core));
    assert_int_equal(ledger_committed_size(w->core->audit), audit);
    world_greet(w, 0, 100, 1 << 20);
    assert_int_equal(receipts_of(w->m[0], AUDIT_EXPIRED), 1);
    bytes_free(&whole);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    static const struct CMUnitTest tests[] = {
        TEST(trap_garbage_ack_means_sent),
        TEST(trap_receipt_and_no_receipt_both_reported),
        TEST(trap_errors_pruned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
