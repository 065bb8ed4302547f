/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
/*
 * Every allocation of store/ fails once: the call says ERR_NOMEM, nothing leaks (the sanitizers
 * look), nothing that was committed is lost.
 */
#include "failing_alloc.h"
#include "store_fixture.h"

enum {
    RECORDS = 150
};

static enum err visit_nothing(void *arg, struct span key, struct span value)
{
    (void)arg;
    (void)key;
    (void)value;
    return ERR_OK;
}

static enum err fill(struct txn *t)
{
    struct span none = {NULL, 0};
    enum err e;

    for (uint32_t i = 0; i < RECORDS; i++)
        if ((e = store_put(t, TABLE_A, number(i * 2654435761U), number(i))))
            return e;
    for (uint32_t i = 0; i < RECORDS; i += 2)
        if ((e = store_del(t, TABLE_A, number(i * 2654435761U))))
            return e;
    return store_scan(t, TABLE_A, none, none, SIZE_MAX, visit_nothing, NULL);
}

static enum err use(struct store *s)
{
    struct store_stats stats;
    struct txn *t = NULL;
    enum err e;

    if ((e = store_begin(s, TXN_WRITE, &t)))
        goto out;
    if ((e = fill(t)))
        goto out;
    if ((e = store_commit(&t)))
        goto out;
    if ((e = store_stats(s, &stats)))
        goto out;
    e = store_incarnation_renew(s);
out:
    store_abort(&t);
    return e;
}

static void every_allocation_may_fail_while_opening(void **state)
{
    struct fixture *f = *state;
    long n = 0;
    enum err e = ERR_NOMEM;

    store_close(f->s);
    for (f->s = NULL; e == ERR_NOMEM; n++) {
        alloc_fail_after(n + 1);
        e = store_open(f->engine, &f->options, &f->s);
        alloc_fail_after(-1);
        assert_true(e == ERR_OK ? !!f->s : !f->s);
    }
    assert_int_equal(e, ERR_OK);
    assert_true(n > 2);
}

static void every_allocation_may_fail_in_use_and_what_was_there_stays(void **state)
{
    struct fixture *f = *state;
    long n = 0;
    enum err e = ERR_NOMEM;

    put_now(f->s, TABLE_A, text("kept"), text("as it was"));
    for (; e == ERR_NOMEM; n++) {
        alloc_fail_after(n + 1);
        e = use(f->s);
        alloc_fail_after(-1);
        assert_stored(f->s, TABLE_A, text("kept"), text("as it was"));
    }
    assert_int_equal(e, ERR_OK);
    assert_true(n > (strcmp(f->engine, "mem") ? 2 : 3 * RECORDS));
    assert_stored(f->s, TABLE_A, number(2654435761U), number(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(every_allocation_may_fail_while_opening),
        ON_BOTH(every_allocation_may_fail_in_use_and_what_was_there_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
