/*
 * The fault injector, on both engines: it is what the tests above store/ rely on.
 */
#include "faulty_store.h"
#include "store_fixture.h"

static struct store_faults faults;

/* The wrapper takes the place of the fixture's store, and is closed in its stead. */
static struct store *wrapped(struct fixture *f, struct store_faults with)
{
    faults = with;
    f->s = store_wrap(f->s, &faults);
    assert_non_null(f->s);
    return f->s;
}

static enum err put_and_commit(struct store *s, const char *key)
{
    struct txn *t = begin(s, TXN_WRITE);

    assert_int_equal(store_put(t, TABLE_A, text(key), text("v")), ERR_OK);
    return store_commit(&t);
}

static void a_wrapper_without_faults_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct store *s = wrapped(f, (struct store_faults){0});
    uint8_t outer[STORE_INCARNATION_BYTES], inner[STORE_INCARNATION_BYTES];
    struct span key, value;
    struct store_stats stats;
    struct txn *t;

    assert_int_equal(put_and_commit(s, "k"), ERR_OK);
    assert_stored(s, TABLE_A, text("k"), text("v"));
    assert_stored(store_unwrapped(s), TABLE_A, text("k"), text("v"));
    t = begin(s, TXN_WRITE);
    assert_int_equal(store_put_new(t, TABLE_A, text("k"), text("v")), ERR_EXISTS);
    assert_int_equal(store_last(t, TABLE_A, &key, &value), ERR_OK);
    assert_int_equal(store_del(t, TABLE_A, text("k")), ERR_OK);
    commit(&t);
    assert_absent(s, TABLE_A, text("k"));
    assert_int_equal(store_incarnation(s, outer), ERR_OK);
    assert_int_equal(store_incarnation(store_unwrapped(s), inner), ERR_OK);
    assert_memory_equal(outer, inner, sizeof outer);
    assert_int_equal(store_stats(s, &stats), ERR_OK);
    assert_int_equal(store_reader_check(s, NULL), ERR_OK);
    assert_int_equal(faults.commits, 2);
    assert_int_equal(faults.puts, 2);
}

static void a_commit_fails_as_told_and_the_next_one_succeeds(void **state)
{
    static const struct {
        enum commit_fault fault;
        enum err answer;
        bool written;
    } rows[] = {
        {COMMIT_CONFLICT,        ERR_CONFLICT, false},
        {COMMIT_FULL,            ERR_FULL,     false},
        {COMMIT_IO,              ERR_IO,       false},
        {COMMIT_UNKNOWN_WRITTEN, ERR_UNKNOWN,  true },
        {COMMIT_UNKNOWN_LOST,    ERR_UNKNOWN,  false},
    };
    struct fixture *f = *state;
    struct store *s = wrapped(f, (struct store_faults){0});
    char key[2] = "0";

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++, key[0]++) {
        faults.fail_commit = faults.commits + 2;
        faults.commit_fault = rows[i].fault;
        assert_int_equal(put_and_commit(s, "before"), ERR_OK);
        assert_int_equal(put_and_commit(s, key), rows[i].answer);
        if (rows[i].written)
            assert_stored(s, TABLE_A, text(key), text("v"));
        else
            assert_absent(s, TABLE_A, text(key));
        assert_int_equal(put_and_commit(s, key), ERR_OK);
        assert_stored(store_unwrapped(s), TABLE_A, text(key), text("v"));
    }
}

static void a_failed_write_dooms_its_transaction(void **state)
{
    struct fixture *f = *state;
    struct store *s = wrapped(f, (struct store_faults){.fail_put = 2, .put_error = ERR_FULL});
    struct txn *t = begin(s, TXN_WRITE);
    struct span got;

    assert_int_equal(store_put(t, TABLE_A, text("a"), text("1")), ERR_OK);
    assert_int_equal(store_put(t, TABLE_A, text("b"), text("2")), ERR_FULL);
    assert_int_equal(store_put(t, TABLE_A, text("c"), text("3")), ERR_FULL);
    assert_int_equal(store_get(t, TABLE_A, text("a"), &got), ERR_FULL);
    assert_int_equal(store_last(t, TABLE_A, &got, &got), ERR_FULL);
    assert_int_equal(store_commit(&t), ERR_FULL);
    assert_null(t);
    assert_absent(s, TABLE_A, text("a"));
    assert_int_equal(faults.commits, 0); /* it never reached the store */
    assert_int_equal(put_and_commit(s, "a"), ERR_OK);
}

static void a_failed_delete_dooms_its_transaction(void **state)
{
    struct fixture *f = *state;
    struct store *s = wrapped(f, (struct store_faults){.fail_del = 1});
    struct txn *t;

    assert_int_equal(put_and_commit(s, "a"), ERR_OK);
    t = begin(s, TXN_WRITE);
    assert_int_equal(store_del(t, TABLE_A, text("a")), ERR_IO);
    assert_int_equal(store_commit(&t), ERR_IO);
    assert_stored(s, TABLE_A, text("a"), text("v"));
}

static enum err visit_nothing(void *arg, struct span key, struct span value)
{
    (void)arg;
    (void)key;
    (void)value;
    return ERR_OK;
}

static void a_failed_read_is_reported_once_and_dooms_nothing(void **state)
{
    struct fixture *f = *state;
    struct store *s = wrapped(f, (struct store_faults){.fail_get = 2,
                                                       .get_error = ERR_CORRUPT,
                                                       .fail_scan = 1,
                                                       .fail_begin = 3,
                                                       .begin_error = ERR_NOMEM});
    struct span got, none = {NULL, 0};
    struct txn *t;

    assert_int_equal(put_and_commit(s, "a"), ERR_OK);
    t = begin(s, TXN_WRITE);
    assert_int_equal(store_get(t, TABLE_A, text("a"), &got), ERR_OK);
    assert_int_equal(store_get(t, TABLE_A, text("a"), &got), ERR_CORRUPT);
    assert_int_equal(store_get(t, TABLE_A, text("a"), &got), ERR_OK);
    assert_int_equal(store_scan(t, TABLE_A, none, none, 1, visit_nothing, NULL), ERR_IO);
    assert_int_equal(store_scan(t, TABLE_A, none, none, 1, visit_nothing, NULL), ERR_OK);
    commit(&t);
    assert_int_equal(store_begin(s, TXN_READ, &t), ERR_NOMEM);
    assert_null(t);
    faults.fail_scan = faults.scans + 1;
    t = begin(s, TXN_READ);
    assert_int_equal(store_last(t, TABLE_A, &got, &got), ERR_IO);
    store_abort(&t);
}

static void a_renewal_of_unknown_outcome_is_told_and_can_be_looked_at(void **state)
{
    struct fixture *f = *state;
    struct store *s =
        wrapped(f, (struct store_faults){.fail_commit = 1, .commit_fault = COMMIT_UNKNOWN_WRITTEN});
    uint8_t before[STORE_INCARNATION_BYTES], after[STORE_INCARNATION_BYTES];

    assert_int_equal(store_incarnation(s, before), ERR_OK);
    assert_int_equal(store_incarnation_renew(s), ERR_UNKNOWN);
    assert_int_equal(store_incarnation(s, after), ERR_OK);
    assert_memory_not_equal(before, after, sizeof before);
    faults.fail_put = faults.puts + 1;
    assert_int_equal(store_incarnation_renew(s), ERR_IO);
    faults.fail_get = faults.gets + 1;
    assert_int_equal(store_incarnation_renew(s), ERR_IO);
    faults.fail_get = faults.gets + 1;
    assert_int_equal(store_incarnation(s, before), ERR_IO);
    faults.fail_begin = faults.begins + 1;
    assert_int_equal(store_incarnation_renew(s), ERR_IO);
    faults.fail_begin = faults.begins + 1;
    assert_int_equal(store_incarnation(s, before), ERR_IO);
    assert_int_equal(store_incarnation(s, before), ERR_OK);
    assert_memory_equal(before, after, sizeof before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_wrapper_without_faults_changes_nothing),
        ON_BOTH(a_commit_fails_as_told_and_the_next_one_succeeds),
        ON_BOTH(a_failed_write_dooms_its_transaction),
        ON_BOTH(a_failed_delete_dooms_its_transaction),
        ON_BOTH(a_failed_read_is_reported_once_and_dooms_nothing),
        ON_BOTH(a_renewal_of_unknown_outcome_is_told_and_can_be_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
