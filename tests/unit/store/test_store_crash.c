/*
 * Killed at any moment, a store holds exactly what was committed: everything a commit answered
 * ERR_OK for, and each transaction whole or not at all.
 */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "store_fixture.h"

enum {
    KILLS = 40,
    REPORTS_MOST = 40,
    SPINS_MOST = 400000
};

static uint64_t random_state;

static uint32_t roll(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % below;
}

/* Record n is in two tables with the same content; one in three is larger than a page. */
static struct span content_of(uint32_t n)
{
    static uint8_t buffer[20000];

    memset(buffer, (int)(n % 255 + 1), sizeof buffer);
    return (struct span){buffer, n % 3 ? 40 : 5000 + n % 15000};
}

static enum err commit_record(struct store *s, uint32_t n)
{
    struct txn *t = NULL;
    enum err e;

    if ((e = store_begin(s, TXN_WRITE, &t)))
        goto out;
    if ((e = store_append(t, TABLE_A, number(n), content_of(n))))
        goto out;
    if ((e = store_put(t, TABLE_B, number(n * 2654435761U), content_of(n))))
        goto out;
    e = store_commit(&t);
out:
    store_abort(&t);
    return e;
}

/* In the child, until it is killed: commit the next record, then tell its number. */
static void commit_forever(struct fixture *f, uint32_t next, int tell)
{
    if (store_open(f->engine, &f->options, &f->s))
        _exit(1);
    for (;; next++)
        if (commit_record(f->s, next) || write(tell, &next, sizeof next) != sizeof next)
            _exit(2);
}

/* Reads some reports, waits a little more, kills, reads the rest: how many it has committed for
 * certain in all, `sure` being those of before. */
static uint32_t kill_one(struct fixture *f, uint32_t sure, uint32_t next)
{
    uint32_t reports = roll(REPORTS_MOST), told;
    int ends[2], status;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (!child)
        commit_forever(f, next, ends[1]);
    assert_true(child > 0);
    close(ends[1]);
    while (reports-- > 0 && read(ends[0], &told, sizeof told) == sizeof told)
        sure = told + 1;
    for (volatile uint32_t spins = roll(SPINS_MOST); spins > 0; spins--)
        ;
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(ends[0], &told, sizeof told) == sizeof told)
        sure = told + 1;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL); /* not by itself */
    return sure;
}

static uint32_t records_whole(struct fixture *f)
{
    struct txn *t = begin(f->s, TXN_READ);
    struct span key, value;
    uint32_t n = 0;
    enum err e = store_last(t, TABLE_A, &key, &value);

    assert_true(!e || e == ERR_NOT_FOUND);
    if (!e)
        n = number_of(key) + 1;
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(store_get(t, TABLE_A, number(i), &value), ERR_OK);
        assert_span(value, content_of(i));
        assert_int_equal(store_get(t, TABLE_B, number(i * 2654435761U), &value), ERR_OK);
        assert_span(value, content_of(i));
    }
    assert_int_equal(store_get(t, TABLE_B, number(n * 2654435761U), &value), ERR_NOT_FOUND);
    store_abort(&t);
    return n;
}

static void what_was_committed_before_a_kill_is_there_and_nothing_in_part(void **state)
{
    struct fixture *f = *state;
    uint32_t sure = 0, there = 0, kills = 0, unreported = 0;

    store_close(f->s);
    for (f->s = NULL; kills < KILLS; kills++) {
        sure = kill_one(f, sure, there);
        fixture_open(f);
        there = records_whole(f);
        assert_true(there == sure || there == sure + 1); /* one may be committed and not told */
        unreported += there - sure;
        sure = there;
        store_close(f->s);
        f->s = NULL;
    }
    print_message("%u kills, %u records, %u committed but not told\n", kills, there, unreported);
    assert_true(kills > 0 && there > kills);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("lmdb", what_was_committed_before_a_kill_is_there_and_nothing_in_part),
    };
    const char *given = getenv("STORE_SEED");

    random_state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761U;
    random_state |= 1;
    print_message("STORE_SEED=%llu\n", (unsigned long long)random_state);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
