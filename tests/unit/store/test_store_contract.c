/*
 * The contract of store.h, every case on every engine.
 */
#include <pthread.h>

#include "store_fixture.h"

static const struct span none = {NULL, 0};

/* What a scan visits, joined by commas. */
struct seen {
    char text[256];
    size_t visits;
    size_t enough_after; /* 0: never */
    enum err answer;     /* of the last visit that counts */
    struct txn *write_in;
};

static enum err see(void *arg, struct span key, struct span value)
{
    struct seen *seen = arg;
    size_t len = strlen(seen->text);

    snprintf(seen->text + len, sizeof seen->text - len, "%s%.*s=%.*s", len ? "," : "", (int)key.len,
             (const char *)key.ptr, (int)value.len, (const char *)value.ptr);
    if (seen->write_in)
        return store_put(seen->write_in, TABLE_A, text("z"), text("z"));
    return ++seen->visits == seen->enough_after ? seen->answer : ERR_OK;
}

static void assert_scan(struct txn *t, const char *from, const char *to, size_t most,
                        const char *want)
{
    struct seen seen = {0};

    assert_int_equal(store_scan(t, TABLE_A, text(from), text(to), most, see, &seen), ERR_OK);
    assert_string_equal(seen.text, want);
}

static struct txn *write_four(struct store *s)
{
    struct txn *t = begin(s, TXN_WRITE);

    assert_int_equal(store_put(t, TABLE_A, text("bb"), text("3")), ERR_OK);
    assert_int_equal(store_put(t, TABLE_A, text("a"), text("1")), ERR_OK);
    assert_int_equal(store_put(t, TABLE_A, text("d"), text("4")), ERR_OK);
    assert_int_equal(store_put(t, TABLE_A, text("b"), text("2")), ERR_OK);
    return t;
}

static void a_committed_value_is_read_back(void **state)
{
    struct fixture *f = *state;

    put_now(f->s, TABLE_A, text("key"), text("value"));
    assert_stored(f->s, TABLE_A, text("key"), text("value"));
}

static void tables_do_not_see_each_other(void **state)
{
    struct fixture *f = *state;

    put_now(f->s, TABLE_A, text("key"), text("in a"));
    put_now(f->s, TABLE_C, text("key"), text("in c"));
    assert_stored(f->s, TABLE_A, text("key"), text("in a"));
    assert_absent(f->s, TABLE_B, text("key"));
    assert_stored(f->s, TABLE_C, text("key"), text("in c"));
}

static void a_write_transaction_sees_its_own_writes_and_readers_do_not(void **state)
{
    struct fixture *f = *state;
    struct txn *t = write_four(f->s);
    struct span got;

    assert_int_equal(store_get(t, TABLE_A, text("bb"), &got), ERR_OK);
    assert_span(got, text("3"));
    assert_scan(t, "", "", SIZE_MAX, "a=1,b=2,bb=3,d=4");
    assert_int_equal(store_del(t, TABLE_A, text("b")), ERR_OK);
    assert_int_equal(store_get(t, TABLE_A, text("b"), &got), ERR_NOT_FOUND);
    assert_absent(f->s, TABLE_A, text("a"));
    commit(&t);
    assert_stored(f->s, TABLE_A, text("a"), text("1"));
    assert_absent(f->s, TABLE_A, text("b"));
}

static void an_aborted_transaction_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct txn *t = write_four(f->s);

    store_abort(&t);
    assert_null(t);
    store_abort(&t);
    store_abort(NULL);
    assert_absent(f->s, TABLE_A, text("a"));
}

static void a_reader_keeps_its_snapshot_while_others_commit(void **state)
{
    struct fixture *f = *state;
    struct txn *reader;
    struct span got;

    put_now(f->s, TABLE_A, text("k"), text("old"));
    reader = begin(f->s, TXN_READ);
    put_now(f->s, TABLE_A, text("k"), text("new"));
    put_now(f->s, TABLE_A, text("l"), text("new"));
    assert_int_equal(store_get(reader, TABLE_A, text("k"), &got), ERR_OK);
    assert_span(got, text("old"));
    assert_int_equal(store_get(reader, TABLE_A, text("l"), &got), ERR_NOT_FOUND);
    commit(&reader); /* of a read transaction: just its end */
    assert_stored(f->s, TABLE_A, text("k"), text("new"));
}

static void a_second_writer_is_told_busy_and_a_write_in_a_reader_refused(void **state)
{
    struct fixture *f = *state;
    struct txn *t = begin(f->s, TXN_WRITE), *second = NULL, *reader = begin(f->s, TXN_READ);

    assert_int_equal(store_begin(f->s, TXN_WRITE, &second), ERR_BUSY);
    assert_null(second);
    assert_int_equal(store_put(reader, TABLE_A, text("k"), text("v")), ERR_STATE);
    assert_int_equal(store_del(reader, TABLE_A, text("k")), ERR_STATE);
    store_abort(&t);
    store_abort(&reader);
    second = begin(f->s, TXN_WRITE);
    commit(&second);
}

static void keys_values_and_tables_have_limits(void **state)
{
    struct fixture *f = *state;
    uint8_t *big = calloc(1, STORE_VALUE_MAX + 1);
    struct txn *t = begin(f->s, TXN_WRITE);
    struct span got, long_key = {big, STORE_KEY_MAX + 1};
    struct seen seen = {0};

    assert_non_null(big);
    assert_int_equal(store_put(t, TABLE_A, long_key, none), ERR_SIZE);
    assert_int_equal(store_put(t, TABLE_A, none, text("v")), ERR_SIZE);
    assert_int_equal(store_get(t, TABLE_A, none, &got), ERR_SIZE);
    assert_int_equal(store_del(t, TABLE_A, long_key), ERR_SIZE);
    assert_int_equal(store_put(t, TABLE_A, text("k"), (struct span){big, STORE_VALUE_MAX + 1}),
                     ERR_SIZE);
    assert_int_equal(store_put(t, TABLES, text("k"), none), ERR_USAGE);
    assert_int_equal(store_get(t, -1, text("k"), &got), ERR_USAGE);
    assert_int_equal(store_scan(t, TABLES, none, none, 1, see, &seen), ERR_USAGE);
    assert_int_equal(store_scan(t, TABLE_A, long_key, none, 1, see, &seen), ERR_OK);
    long_key.len++;
    assert_int_equal(store_scan(t, TABLE_A, none, long_key, 1, see, &seen), ERR_SIZE);
    assert_int_equal(store_before(t, TABLE_A, long_key, &got, &got), ERR_SIZE);
    long_key.len = STORE_KEY_MAX; /* none of these doomed it */
    assert_int_equal(store_put(t, TABLE_A, long_key, (struct span){big, STORE_VALUE_MAX}), ERR_OK);
    commit(&t);
    assert_stored(f->s, TABLE_A, long_key, (struct span){big, STORE_VALUE_MAX});
    free(big);
}

static void an_empty_value_is_a_value(void **state)
{
    struct fixture *f = *state;

    put_now(f->s, TABLE_A, text("k"), none);
    assert_stored(f->s, TABLE_A, text("k"), text(""));
}

static void put_replaces_and_put_new_does_not(void **state)
{
    struct fixture *f = *state;
    struct txn *t = write_four(f->s);

    assert_int_equal(store_put_new(t, TABLE_A, text("a"), text("other")), ERR_EXISTS);
    assert_int_equal(store_put_new(t, TABLE_A, text("n"), text("new")), ERR_OK);
    assert_int_equal(store_put(t, TABLE_A, text("bb"), text("a longer one")), ERR_OK);
    commit(&t);
    assert_stored(f->s, TABLE_A, text("a"), text("1"));
    assert_stored(f->s, TABLE_A, text("n"), text("new"));
    assert_stored(f->s, TABLE_A, text("bb"), text("a longer one"));
}

static void append_wants_the_greatest_key(void **state)
{
    struct fixture *f = *state;
    struct txn *t = begin(f->s, TXN_WRITE);

    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(store_append(t, TABLE_A, number(i), number(i)), ERR_OK);
    assert_int_equal(store_append(t, TABLE_A, number(999), none), ERR_RANGE);
    assert_int_equal(store_append(t, TABLE_A, number(3), none), ERR_RANGE);
    assert_int_equal(store_append(t, TABLE_A, number(2000), none), ERR_OK);
    commit(&t);
    assert_stored(f->s, TABLE_A, number(999), number(999));
    assert_stored(f->s, TABLE_A, number(2000), text(""));
}

static void deleting_what_is_not_there_is_not_found_and_harmless(void **state)
{
    struct fixture *f = *state;
    struct txn *t = write_four(f->s);

    assert_int_equal(store_del(t, TABLE_A, text("nobody")), ERR_NOT_FOUND);
    assert_int_equal(store_del(t, TABLE_B, text("a")), ERR_NOT_FOUND);
    assert_int_equal(store_del(t, TABLE_A, text("d")), ERR_OK);
    commit(&t);
    assert_absent(f->s, TABLE_A, text("d"));
    assert_stored(f->s, TABLE_A, text("b"), text("2"));
}

static void get_many_marks_the_absent(void **state)
{
    struct fixture *f = *state;
    struct txn *t = write_four(f->s);
    struct span keys[] = {text("d"), text("no"), text("a"), text("d"), text("e")};
    struct span values[5];

    assert_int_equal(store_put(t, TABLE_A, text("e"), none), ERR_OK);
    assert_int_equal(store_get_many(t, TABLE_A, keys, 5, values), ERR_OK);
    assert_span(values[0], text("4"));
    assert_null(values[1].ptr);
    assert_span(values[2], text("1"));
    assert_span(values[3], text("4"));
    assert_span(values[4], text(""));
    assert_int_equal(store_get_many(t, TABLE_A, keys, 0, NULL), ERR_OK);
    keys[3] = none;
    assert_int_equal(store_get_many(t, TABLE_A, keys, 5, values), ERR_SIZE);
    store_abort(&t);
}

static void a_scan_is_ascending_and_keeps_to_its_bounds(void **state)
{
    struct fixture *f = *state;
    struct txn *t = write_four(f->s);

    assert_scan(t, "", "", SIZE_MAX, "a=1,b=2,bb=3,d=4");
    assert_scan(t, "b", "d", SIZE_MAX, "b=2,bb=3");
    assert_scan(t, "b", "", SIZE_MAX, "b=2,bb=3,d=4");
    assert_scan(t, "ba", "", SIZE_MAX, "bb=3,d=4");
    assert_scan(t, "", "b", SIZE_MAX, "a=1");
    assert_scan(t, "", "", 2, "a=1,b=2");
    assert_scan(t, "", "", 0, "");
    assert_scan(t, "d", "d", SIZE_MAX, "");
    assert_scan(t, "d", "a", SIZE_MAX, "");
    assert_scan(t, "e", "", SIZE_MAX, "");
    assert_scan(t, "bc", "c", SIZE_MAX, "");
    store_abort(&t);
}

static void a_visitor_stops_a_scan_with_enough_or_with_an_error(void **state)
{
    struct fixture *f = *state;
    struct txn *t = write_four(f->s);
    struct seen stop = {.enough_after = 2, .answer = ERR_ENOUGH};
    struct seen fail = {.enough_after = 3, .answer = ERR_CHAIN};

    assert_int_equal(store_scan(t, TABLE_A, none, none, SIZE_MAX, see, &stop), ERR_OK);
    assert_string_equal(stop.text, "a=1,b=2");
    assert_int_equal(store_scan(t, TABLE_A, none, none, SIZE_MAX, see, &fail), ERR_CHAIN);
    assert_string_equal(fail.text, "a=1,b=2,bb=3");
    commit(&t); /* a visitor's error is not the store's */
}

static void a_visitor_cannot_write(void **state)
{
    struct fixture *f = *state;
    struct txn *t = write_four(f->s);
    struct seen seen = {.write_in = t};

    assert_int_equal(store_scan(t, TABLE_A, none, none, SIZE_MAX, see, &seen), ERR_STATE);
    assert_int_equal(store_put(t, TABLE_A, text("z"), text("z")), ERR_OK);
    commit(&t);
}

static void last_and_before_find_the_greatest_key_below(void **state)
{
    struct fixture *f = *state;
    struct txn *t = write_four(f->s);
    struct span key, value;

    assert_int_equal(store_last(t, TABLE_A, &key, &value), ERR_OK);
    assert_span(key, text("d"));
    assert_span(value, text("4"));
    assert_int_equal(store_before(t, TABLE_A, text("d"), &key, &value), ERR_OK);
    assert_span(key, text("bb"));
    assert_int_equal(store_before(t, TABLE_A, text("bazzz"), &key, &value), ERR_OK);
    assert_span(key, text("b"));
    assert_int_equal(store_before(t, TABLE_A, text("x"), &key, &value), ERR_OK);
    assert_span(key, text("d"));
    assert_int_equal(store_before(t, TABLE_A, text("a"), &key, &value), ERR_NOT_FOUND);
    assert_int_equal(store_last(t, TABLE_B, &key, &value), ERR_NOT_FOUND);
    assert_int_equal(store_before(t, TABLE_B, text("a"), &key, &value), ERR_NOT_FOUND);
    store_abort(&t);
}

static void stats_count_readers_and_how_far_they_lag(void **state)
{
    struct fixture *f = *state;
    struct store_stats stats, before;
    struct txn *old, *newer;

    assert_int_equal(store_stats(f->s, &before), ERR_OK);
    assert_int_equal(before.readers, 0);
    assert_int_equal(before.oldest_reader_lag, 0);
    old = begin(f->s, TXN_READ);
    put_now(f->s, TABLE_A, text("a"), text("1"));
    newer = begin(f->s, TXN_READ);
    put_now(f->s, TABLE_A, text("a"), text("22"));
    assert_int_equal(store_stats(f->s, &stats), ERR_OK);
    assert_int_equal(stats.readers, 2);
    assert_int_equal(stats.oldest_reader_lag, 2);
    assert_int_equal(stats.commits, before.commits + 2);
    assert_true(stats.used_bytes > 0);
    assert_true(stats.file_bytes >= stats.used_bytes);
    store_abort(&old);
    assert_int_equal(store_stats(f->s, &stats), ERR_OK);
    assert_int_equal(stats.oldest_reader_lag, 1);
    store_abort(&newer);
    assert_int_equal(store_reader_check(f->s, NULL), ERR_OK);
}

static void the_incarnation_stays_until_it_is_renewed(void **state)
{
    struct fixture *f = *state;
    uint8_t first[STORE_INCARNATION_BYTES], again[STORE_INCARNATION_BYTES];

    assert_int_equal(store_incarnation(f->s, first), ERR_OK);
    put_now(f->s, TABLE_A, text("a"), text("1"));
    assert_int_equal(store_incarnation(f->s, again), ERR_OK);
    assert_memory_equal(first, again, sizeof first);
    assert_int_equal(store_incarnation_renew(f->s), ERR_OK);
    assert_int_equal(store_incarnation(f->s, again), ERR_OK);
    assert_memory_not_equal(first, again, sizeof first);
    assert_stored(f->s, TABLE_A, text("a"), text("1"));
}

/* The sum of both accounts is the same in every snapshot, however the threads interleave. */
static void *read_sums(void *arg)
{
    struct store *s = arg;
    struct txn *t = NULL;
    struct span a, b;
    uintptr_t wrong = 0;

    for (int i = 0; i < 2000; i++) {
        if (store_begin(s, TXN_READ, &t) || store_get(t, TABLE_A, text("x"), &a) ||
            store_get(t, TABLE_B, text("y"), &b) || number_of(a) + number_of(b) != 1000)
            wrong++;
        store_abort(&t);
    }
    return (void *)wrong;
}

static void readers_on_other_threads_always_see_whole_commits(void **state)
{
    struct fixture *f = *state;
    pthread_t readers[2];
    struct txn *t;
    void *wrong;

    t = begin(f->s, TXN_WRITE);
    assert_int_equal(store_put(t, TABLE_A, text("x"), number(0)), ERR_OK);
    assert_int_equal(store_put(t, TABLE_B, text("y"), number(1000)), ERR_OK);
    commit(&t);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_sums, f->s), 0);
    for (uint32_t i = 1; i <= 200; i++) {
        t = begin(f->s, TXN_WRITE);
        assert_int_equal(store_put(t, TABLE_A, text("x"), number(i)), ERR_OK);
        assert_int_equal(store_put(t, TABLE_B, text("y"), number(1000 - i)), ERR_OK);
        commit(&t);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(readers[i], &wrong), 0);
        assert_null(wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_committed_value_is_read_back),
        ON_BOTH(tables_do_not_see_each_other),
        ON_BOTH(a_write_transaction_sees_its_own_writes_and_readers_do_not),
        ON_BOTH(an_aborted_transaction_leaves_nothing),
        ON_BOTH(a_reader_keeps_its_snapshot_while_others_commit),
        ON_BOTH(a_second_writer_is_told_busy_and_a_write_in_a_reader_refused),
        ON_BOTH(keys_values_and_tables_have_limits),
        ON_BOTH(an_empty_value_is_a_value),
        ON_BOTH(put_replaces_and_put_new_does_not),
        ON_BOTH(append_wants_the_greatest_key),
        ON_BOTH(deleting_what_is_not_there_is_not_found_and_harmless),
        ON_BOTH(get_many_marks_the_absent),
        ON_BOTH(a_scan_is_ascending_and_keeps_to_its_bounds),
        ON_BOTH(a_visitor_stops_a_scan_with_enough_or_with_an_error),
        ON_BOTH(a_visitor_cannot_write),
        ON_BOTH(last_and_before_find_the_greatest_key_below),
        ON_BOTH(stats_count_readers_and_how_far_they_lag),
        ON_BOTH(the_incarnation_stays_until_it_is_renewed),
        ON_BOTH(readers_on_other_threads_always_see_whole_commits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
