/* Reading alone, and readers of other processes: what they pin, and what is given back when they
 * die. The trap is known from rkv#47: a killed reader kept every freed page from being used again,
 * and the file grew for ever. */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "readers.h"
#include "store_fixture.h"

enum {
    ROUNDS = 300,
    VALUE_BYTES = 64 * 1024
};

static const char *const names[TABLES] = {"a", "b", "c"};

static void put(struct fixture *f, const char *key, size_t n)
{
    static uint8_t value[VALUE_BYTES];
    struct txn *t = NULL;

    memset(value, (int)n, sizeof value);
    assert_int_equal(store_begin(f->s, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(store_put(t, TABLE_A, text(key), SPAN_OF(value)), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
}

static void churn(struct fixture *f)
{
    for (size_t i = 0; i < ROUNDS; i++)
        put(f, "one", i);
}

static off_t file_size(const struct fixture *f)
{
    char path[128];
    struct stat st;

    snprintf(path, sizeof path, "%s/data.mdb", f->path);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

/* --- another process that reads ----------------------------------------------------------------
 */

static int read_for_ever(const char *where)
{
    struct store_options o = {.where = where,
                              .names = names,
                              .n = TABLES,
                              .schema = 7,
                              .access = STORE_READ_BESIDE,
                              .random_fill = counted_fill};
    struct store *s;
    struct txn *t;
    struct span value;

    if (store_open("lmdb", &o, &s) || store_begin(s, TXN_READ, &t) ||
        store_get(t, TABLE_A, text("one"), &value) || write(STDOUT_FILENO, value.ptr, 1) != 1)
        return 1;
    for (;;)
        pause();
}

static pid_t reader_start(const struct fixture *f, uint8_t *sees)
{
    int ready[2];
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    if ((pid = fork()) == 0) {
        dup2(ready[1], STDOUT_FILENO);
        execl("/proc/self/exe", "reader", "--read", f->path, NULL);
        _exit(9);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], sees, 1), 1);
    close(ready[0]);
    return pid;
}

static void reader_kill(pid_t pid)
{
    int status;

    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void trap_stale_readers(void **state)
{
    struct fixture *f = *state;
    struct store_stats s;
    size_t freed = 9;
    off_t before, pinned;
    uint8_t sees;
    pid_t pid;

    churn(f);
    before = file_size(f);
    churn(f);
    assert_int_equal(file_size(f), before); /* pages are used again */
    pid = reader_start(f, &sees);
    assert_int_equal(sees, (uint8_t)(ROUNDS - 1));
    reader_kill(pid);
    churn(f);
    pinned = file_size(f);
    assert_true(pinned > before + (off_t)VALUE_BYTES * (ROUNDS - 20)); /* this is the trap */
    assert_int_equal(store_stats(f->s, &s), ERR_OK);
    assert_int_equal(s.readers, 1);
    assert_int_equal(s.oldest_reader_lag, ROUNDS);
    assert_int_equal(store_reader_check(f->s, &freed), ERR_OK);
    assert_int_equal(freed, 1);
    churn(f);
    assert_int_equal(file_size(f), pinned);
    assert_int_equal(store_stats(f->s, &s), ERR_OK);
    assert_int_equal(s.readers, 0);
    assert_int_equal(s.oldest_reader_lag, 0);
}

static void a_live_reader_is_counted_and_never_taken_away(void **state)
{
    struct fixture *f = *state;
    struct store_stats s;
    size_t freed = 9;
    uint8_t sees;
    pid_t pid;

    put(f, "one", 1);
    pid = reader_start(f, &sees);
    put(f, "one", 2);
    assert_int_equal(store_reader_check(f->s, &freed), ERR_OK);
    assert_int_equal(freed, 0);
    assert_int_equal(store_stats(f->s, &s), ERR_OK);
    assert_int_equal(s.readers, 1);
    assert_int_equal(s.oldest_reader_lag, 1);
    reader_kill(pid);
}

static void a_line_without_a_reader_counts_nothing(void **state)
{
    struct readers r = {.oldest = UINT64_MAX, .own = 77};

    (void)state;
    assert_int_equal(readers_line("    pid     thread     txnid\n", &r), 0);
    assert_int_equal(readers_line("(no active readers)\n", &r), 0);
    assert_int_equal(readers_line("        42 7f00aa -\n", &r), 0);
    assert_int_equal(readers_line("        77 7f00aa 5\n", &r), 0);
    assert_int_equal(readers_line("nonsense", &r), 0);
    assert_int_equal(r.count, 0);
    assert_int_equal(readers_lag(&r, 9), 0);
    assert_int_equal(readers_line("        42 7f00aa 5\n", &r), 0);
    assert_int_equal(readers_line("        43 7f00aa 8\n", &r), 0);
    assert_int_equal(r.count, 2);
    assert_int_equal(readers_lag(&r, 9), 4);
    assert_int_equal(readers_lag(&r, 5), 0);
}

/* --- reading alone ------------------------------------------------------------------------------
 */

static enum err open_to_read(struct fixture *f, enum store_access access)
{
    store_close(f->s);
    f->s = NULL;
    f->options.access = access;
    return store_open("lmdb", &f->options, &f->s);
}

static void what_is_opened_to_read_is_never_written(void **state)
{
    struct fixture *f = *state;
    struct txn *t = NULL;
    struct span value;

    put(f, "one", 3);
    assert_int_equal(open_to_read(f, STORE_READ), ERR_OK);
    assert_int_equal(store_begin(f->s, TXN_WRITE, &t), ERR_READONLY);
    assert_int_equal(store_incarnation_renew(f->s), ERR_READONLY);
    assert_int_equal(store_begin(f->s, TXN_READ, &t), ERR_OK);
    assert_int_equal(store_get(t, TABLE_A, text("one"), &value), ERR_OK);
    assert_int_equal(value.ptr[0], 3);
    store_abort(&t);
}

static void a_store_that_is_not_there_is_not_made_by_reading(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    store_close(f->s);
    f->s = NULL;
    remove_tree(f->path);
    assert_int_equal(open_to_read(f, STORE_READ), ERR_NOT_FOUND);
    assert_int_equal(stat(f->path, &st), -1);
    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_int_equal(open_to_read(f, STORE_READ_BESIDE), ERR_NOT_FOUND);
    f->options.access = STORE_WRITE;
    fixture_open(f);
}

static void a_store_without_one_of_its_tables_is_not_read(void **state)
{
    static const char *const more[] = {"a", "b", "c", "d"};
    struct fixture *f = *state;

    f->options.names = more;
    f->options.n = 4;
    assert_int_equal(open_to_read(f, STORE_READ), ERR_CORRUPT);
    f->options.names = names;
    f->options.n = TABLES;
    assert_int_equal(open_to_read(f, STORE_READ), ERR_OK);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ON("lmdb", trap_stale_readers),
        ON("lmdb", a_live_reader_is_counted_and_never_taken_away),
        cmocka_unit_test(a_line_without_a_reader_counts_nothing),
        ON("lmdb", what_is_opened_to_read_is_never_written),
        ON("lmdb", a_store_that_is_not_there_is_not_made_by_reading),
        ON("lmdb", a_store_without_one_of_its_tables_is_not_read),
    };

    if (argc == 3 && strcmp(argv[1], "--read") == 0)
        return read_for_ever(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
