/*
 * The quota and the map: what a full store answers, how it is emptied, how it grows.
 */
#include "store_fixture.h"

enum {
    QUOTA = 4 << 20,
    RECORD = 1500
};

static enum err put_one(struct store *s, uint32_t n, size_t len)
{
    static uint8_t value[STORE_VALUE_MAX];
    struct txn *t = begin(s, TXN_WRITE);
    enum err e = store_put(t, TABLE_A, number(n), (struct span){value, len});

    assert_int_equal(e, e ? store_commit(&t) : ERR_OK); /* doomed by its first error */
    return e ? e : store_commit(&t);
}

static uint32_t fill_with(struct store *s, size_t len)
{
    uint32_t n = 0;
    enum err e;

    while (!(e = put_one(s, n, len)))
        n++;
    assert_int_equal(e, ERR_FULL);
    return n;
}

static uint32_t fill(struct store *s)
{
    return fill_with(s, RECORD);
}

static uint64_t used(struct store *s)
{
    struct store_stats stats;

    assert_int_equal(store_stats(s, &stats), ERR_OK);
    return stats.used_bytes;
}

static void open_with_quota(struct fixture *f, uint64_t quota)
{
    store_close(f->s);
    f->options.max_bytes = quota;
    fixture_open(f);
}

static void a_full_store_keeps_what_it_has_and_takes_more_after_a_larger_quota(void **state)
{
    struct fixture *f = *state;
    struct store_stats stats;
    uint32_t n;

    open_with_quota(f, QUOTA);
    n = fill(f->s);
    assert_true(n > QUOTA / RECORD / 4); /* it is no use if half of it cannot be used */
    assert_true(used(f->s) <= QUOTA);
    assert_int_equal(put_one(f->s, n, RECORD), ERR_FULL);
    assert_int_equal(store_set_quota(f->s, 2 * QUOTA), ERR_OK);
    assert_int_equal(store_stats(f->s, &stats), ERR_OK);
    assert_int_equal(stats.quota_bytes, 2 * QUOTA);
    assert_true(fill(f->s) > n + n / 2);
    for (uint32_t i = 0; i < n; i++) {
        struct txn *t = begin(f->s, TXN_READ);
        struct span got;

        assert_int_equal(store_get(t, TABLE_A, number(i), &got), ERR_OK);
        assert_int_equal(got.len, RECORD);
        store_abort(&t);
    }
}

static void a_full_store_can_always_be_emptied_and_filled_again(void **state)
{
    struct fixture *f = *state;
    struct txn *t;

    open_with_quota(f, QUOTA);
    for (int round = 0; round < 3; round++) {
        uint32_t n = fill(f->s);

        assert_true(n > 500);
        for (uint32_t i = 0; i < n; i++) {
            t = begin(f->s, TXN_WRITE);
            assert_int_equal(store_del(t, TABLE_A, number(i)), ERR_OK);
            commit(&t);
        }
    }
    assert_true(used(f->s) < QUOTA / 4);
}

/* Records of exactly a page leave no slack, and under a reader no freed page may be used again. */
static void a_brimful_store_can_be_emptied_even_under_a_reader(void **state)
{
    struct fixture *f = *state;
    struct txn *reader, *t;
    uint32_t n;

    open_with_quota(f, QUOTA);
    n = fill_with(f->s, 4080);
    reader = begin(f->s, TXN_READ);
    for (uint32_t i = 0; i < n; i++) {
        t = begin(f->s, TXN_WRITE);
        assert_int_equal(store_del(t, TABLE_A, number(i)), ERR_OK);
        commit(&t);
        if (i == 20)
            store_abort(&reader);
    }
    assert_true(fill_with(f->s, 4080) > n - n / 8);
}

static void a_quota_below_what_is_used_refuses_writes_until_enough_is_deleted(void **state)
{
    struct fixture *f = *state;
    struct txn *t;

    for (uint32_t i = 0; i < 3000; i++)
        assert_int_equal(put_one(f->s, i, 600), ERR_OK);
    assert_int_equal(store_set_quota(f->s, STORE_QUOTA_MIN), ERR_OK);
    assert_int_equal(put_one(f->s, 5000, 600), ERR_FULL);
    t = begin(f->s, TXN_WRITE);
    for (uint32_t i = 0; i < 2500; i++)
        assert_int_equal(store_del(t, TABLE_A, number(i)), ERR_OK);
    commit(&t);
    t = begin(f->s, TXN_WRITE); /* pages freed by one commit serve the next but one */
    commit(&t);
    assert_int_equal(put_one(f->s, 5000, 600), ERR_OK);
}

static void a_quota_is_refused_when_too_small_or_while_a_writer_is_live(void **state)
{
    struct fixture *f = *state;
    struct txn *t;

    assert_int_equal(store_set_quota(f->s, STORE_QUOTA_MIN - 1), ERR_USAGE);
    t = begin(f->s, TXN_WRITE);
    assert_int_equal(store_set_quota(f->s, STORE_QUOTA_MIN), ERR_BUSY);
    store_abort(&t);
    assert_int_equal(store_set_quota(f->s, STORE_QUOTA_MIN), ERR_OK);
    assert_int_equal(store_set_quota(f->s, 0), ERR_OK);
}

static void the_map_grows_on_the_way_without_anybody_noticing(void **state)
{
    struct fixture *f = *state;
    struct store_stats stats;

    store_close(f->s);
    f->options.first_map_bytes = 1 << 20;
    fixture_open(f);
    for (uint32_t i = 0; i < 4000; i++)
        assert_int_equal(put_one(f->s, i, RECORD), ERR_OK);
    assert_int_equal(store_stats(f->s, &stats), ERR_OK);
    assert_true(stats.map_bytes >= stats.file_bytes);
    assert_true(stats.map_bytes >= 8 << 20);
}

static void one_transaction_larger_than_the_map_succeeds_at_a_retry(void **state)
{
    static uint8_t value[400000];
    struct fixture *f = *state;
    struct txn *t;
    enum err e = ERR_FULL;
    int tries = 0;

    store_close(f->s);
    f->options.first_map_bytes = 1 << 20;
    fixture_open(f);
    put_now(f->s, TABLE_B, text("kept"), text("kept"));
    for (; e == ERR_FULL && tries < 10; tries++) {
        t = begin(f->s, TXN_WRITE);
        e = ERR_OK;
        for (uint32_t i = 0; i < 16 && !e; i++)
            e = store_put(t, TABLE_A, number(i), SPAN_OF(value));
        assert_int_equal(store_commit(&t), e);
        if (e)
            assert_absent(f->s, TABLE_A, number(0));
    }
    assert_int_equal(e, ERR_OK);
    assert_true(tries > 1); /* the map was too small at first, or this tests nothing */
    assert_stored(f->s, TABLE_A, number(15), SPAN_OF(value));
    assert_stored(f->s, TABLE_B, text("kept"), text("kept"));
}

static void growing_waits_for_live_readers_and_says_so(void **state)
{
    static uint8_t value[900000];
    struct fixture *f = *state;
    struct txn *reader, *t = NULL;

    store_close(f->s);
    f->options.first_map_bytes = 1 << 20;
    fixture_open(f);
    reader = begin(f->s, TXN_READ);
    t = begin(f->s, TXN_WRITE);
    assert_int_equal(store_put(t, TABLE_A, number(1), SPAN_OF(value)), ERR_OK);
    assert_int_equal(store_put(t, TABLE_A, number(2), SPAN_OF(value)), ERR_FULL);
    store_abort(&t);
    assert_int_equal(store_begin(f->s, TXN_WRITE, &t), ERR_BUSY);
    assert_int_equal(store_begin(f->s, TXN_READ, &t), ERR_BUSY);
    store_abort(&reader);
    assert_int_equal(put_one(f->s, 1, sizeof value), ERR_OK);
    assert_int_equal(put_one(f->s, 2, sizeof value), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_full_store_keeps_what_it_has_and_takes_more_after_a_larger_quota),
        ON_BOTH(a_full_store_can_always_be_emptied_and_filled_again),
        ON_BOTH(a_brimful_store_can_be_emptied_even_under_a_reader),
        ON_BOTH(a_quota_below_what_is_used_refuses_writes_until_enough_is_deleted),
        ON_BOTH(a_quota_is_refused_when_too_small_or_while_a_writer_is_live),
        ON("lmdb", the_map_grows_on_the_way_without_anybody_noticing),
        ON("lmdb", one_transaction_larger_than_the_map_succeeds_at_a_retry),
        ON("lmdb", growing_waits_for_live_readers_and_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
