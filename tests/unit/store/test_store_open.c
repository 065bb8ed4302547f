/* link: -Wl,--wrap=file_is_network_fs */
/*
 * Opening, refusing to open, opening again, copying.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "engine.h"
#include "file.h"
#include "store_fixture.h"

static bool on_network;

enum err __wrap_file_is_network_fs(const char *path, bool *network);
enum err __wrap_file_is_network_fs(const char *path, bool *network)
{
    if (!path)
        return ERR_IO;
    *network = on_network;
    return ERR_OK;
}

static enum err try_open(struct fixture *f)
{
    return store_open(f->engine, &f->options, &f->s);
}

static void assert_refused(struct fixture *f, enum err want)
{
    assert_int_equal(try_open(f), want);
    assert_null(f->s);
}

static void close_now(struct fixture *f)
{
    store_close(f->s);
    f->s = NULL;
}

static void bad_options_are_refused(void **state)
{
    static const char *const twice[] = {"a", "b", "a"}, *const odd[] = {"a", "B", "c"},
                             *const own[] = {"a", "!store", "c"}, *const gap[] = {"a", NULL, "c"},
                             *const empty[] = {"a", "", "c"},
                             *const far[] = {"a", "b", "a-name-of-more-than-thirty-two-bytes"};
    static const char *const *const bad[] = {twice, odd, own, gap, empty, far, NULL};
    struct fixture *f = *state;
    struct store_options good = f->options;

    close_now(f);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        f->options.names = bad[i];
        assert_refused(f, ERR_USAGE);
    }
    f->options = good;
    f->options.n = 0;
    assert_refused(f, ERR_USAGE);
    f->options.n = STORE_TABLES_MAX + 1;
    assert_refused(f, ERR_USAGE);
    f->options = good;
    f->options.random_fill = NULL;
    assert_refused(f, ERR_USAGE);
    f->options = good;
    f->options.max_bytes = STORE_QUOTA_MIN - 1;
    assert_refused(f, ERR_USAGE);
    f->options = good;
    f->engine = "postgres";
    assert_refused(f, ERR_UNSUPPORTED);
}

static enum err no_random(void *arg, uint8_t *out, size_t n)
{
    (void)arg;
    (void)out;
    (void)n;
    return ERR_RANDOM;
}

static void without_randomness_no_store_is_made(void **state)
{
    struct fixture *f = *state;

    close_now(f);
    remove_tree(f->path);
    f->options.random_fill = no_random;
    assert_refused(f, ERR_RANDOM);
    f->options.random_fill = counted_fill;
    fixture_open(f);
    store_close(f->s);
    f->options.random_fill = no_random; /* needed only once */
    f->s = NULL;
    assert_int_equal(try_open(f), strcmp(f->engine, "mem") ? ERR_OK : ERR_RANDOM);
    if (f->s)
        assert_int_equal(store_incarnation_renew(f->s), ERR_RANDOM);
}

static void data_and_incarnation_survive_a_reopen(void **state)
{
    struct fixture *f = *state;
    uint8_t before[STORE_INCARNATION_BYTES], after[STORE_INCARNATION_BYTES];

    put_now(f->s, TABLE_B, text("k"), text("v"));
    assert_int_equal(store_incarnation(f->s, before), ERR_OK);
    fixture_reopen(f);
    assert_stored(f->s, TABLE_B, text("k"), text("v"));
    assert_int_equal(store_incarnation(f->s, after), ERR_OK);
    assert_memory_equal(before, after, sizeof before);
    assert_int_equal(store_incarnation_renew(f->s), ERR_OK);
    assert_int_equal(store_incarnation(f->s, before), ERR_OK);
    fixture_reopen(f);
    assert_int_equal(store_incarnation(f->s, after), ERR_OK);
    assert_memory_equal(before, after, sizeof before);
}

static void tables_may_be_added_later(void **state)
{
    static const char *const more[] = {"c", "new", "a"};
    struct fixture *f = *state;

    put_now(f->s, TABLE_C, text("k"), text("v"));
    close_now(f);
    f->options.names = more;
    fixture_open(f);
    assert_stored(f->s, 0, text("k"), text("v"));
    put_now(f->s, 1, text("k"), text("v"));
}

static void a_store_opens_once_in_a_process(void **state)
{
    struct fixture *f = *state;
    struct fixture *other = fixture_new("lmdb");
    struct store *second = NULL;

    assert_int_equal(store_open("lmdb", &f->options, &second), ERR_LOCKED);
    assert_null(second);
    fixture_open(other); /* another directory is fine */
    assert_int_equal(store_open("lmdb", &f->options, &second), ERR_LOCKED);
    close_now(f);
    assert_int_equal(store_open("lmdb", &f->options, &second), ERR_OK);
    put_now(second, TABLE_A, text("k"), text("v"));
    store_close(second);
    fixture_down((void **)&other);
}

static void another_schema_or_format_is_a_version_error(void **state)
{
    struct fixture *f = *state;
    struct span page = text("page");
    static const uint8_t newer[40] = {0, 0, 0, 2};
    struct txn *t;

    close_now(f);
    f->options.schema++;
    assert_refused(f, ERR_VERSION);
    f->options.schema--;
    fixture_open(f);
    t = begin(f->s, TXN_WRITE);
    assert_int_equal(f->s->engine->put(t, TABLES, page, SPAN_OF(newer), PUT_ANY), ERR_OK);
    commit(&t);
    close_now(f);
    assert_refused(f, ERR_VERSION);
}

static void a_damaged_own_page_or_data_without_one_is_corrupt(void **state)
{
    static const uint8_t bad[] = {0, 0, 0, 1, 0, 0, 0, 7, 9, 9};
    struct fixture *f = *state;
    struct span page = text("page");
    struct txn *t;

    put_now(f->s, TABLE_C, text("k"), text("v"));
    for (size_t len = 0; len <= sizeof bad; len += 3) {
        t = begin(f->s, TXN_WRITE);
        assert_int_equal(f->s->engine->put(t, TABLES, page, span_of(bad, len), PUT_ANY), ERR_OK);
        commit(&t);
        assert_int_equal(store_incarnation(f->s, (uint8_t[STORE_INCARNATION_BYTES]){0}),
                         ERR_CORRUPT);
    }
    t = begin(f->s, TXN_WRITE);
    assert_int_equal(f->s->engine->del(t, TABLES, page), ERR_OK);
    commit(&t);
    close_now(f);
    assert_refused(f, ERR_CORRUPT);
}

static void a_truncated_or_foreign_file_is_corrupt_and_stays_as_it_is(void **state)
{
    static uint8_t value[300000];
    struct fixture *f = *state;
    char file[96];
    struct stat st;

    put_now(f->s, TABLE_A, text("a"), SPAN_OF(value));
    put_now(f->s, TABLE_A, text("b"), SPAN_OF(value));
    close_now(f);
    snprintf(file, sizeof file, "%s/data.mdb", f->path);
    assert_int_equal(truncate(file, 200000), 0);
    assert_refused(f, ERR_CORRUPT);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_size, 200000);
    assert_refused(f, ERR_CORRUPT);
    assert_int_equal(truncate(file, 0), 0);
    assert_int_equal(truncate(file, 50000), 0); /* zeros */
    assert_refused(f, ERR_CORRUPT);
}

static void a_file_whose_last_pages_were_never_needed_is_whole(void **state)
{
    static uint8_t value[STORE_VALUE_MAX];
    struct fixture *f = *state;
    struct store_stats stats;
    struct stat st;
    char file[96];
    struct txn *t;

    for (int i = 0; i < 20; i++) /* leaves some free pages, so that the end is not needed */
        put_now(f->s, TABLE_A, text("a"), text("1"));
    t = begin(f->s, TXN_WRITE);
    assert_int_equal(store_put(t, TABLE_A, text("big"), SPAN_OF(value)), ERR_OK);
    assert_int_equal(store_del(t, TABLE_A, text("big")), ERR_OK);
    commit(&t);
    assert_int_equal(store_stats(f->s, &stats), ERR_OK);
    close_now(f);
    snprintf(file, sizeof file, "%s/data.mdb", f->path);
    assert_int_equal(stat(file, &st), 0);
    assert_true((uint64_t)st.st_size < stats.file_bytes); /* or this tests nothing */
    fixture_open(f);
    assert_stored(f->s, TABLE_A, text("a"), text("1"));
}

static void a_directory_must_be_private_local_and_possible(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    char file[96];

    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    snprintf(file, sizeof file, "%s/data.mdb", f->path);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    close_now(f);
    assert_int_equal(chmod(f->path, 0750), 0);
    assert_refused(f, ERR_PERMISSION);
    assert_int_equal(chmod(f->path, 0700), 0);
    on_network = true;
    assert_refused(f, ERR_FILESYSTEM);
    on_network = false;
    f->options.where = file;
    assert_refused(f, ERR_EXISTS);
    snprintf(file, sizeof file, "%s/no/parent", f->dir);
    assert_refused(f, ERR_NOT_FOUND);
    f->options.where = NULL;
    assert_refused(f, ERR_USAGE);
}

static void a_directory_we_may_not_enter_is_a_permission_error(void **state)
{
    struct fixture *f = *state;

    close_now(f);
    if (geteuid() == 0) { /* for root everything is permitted, so be somebody else for a while */
        assert_int_equal(seteuid(65534), 0);
        assert_refused(f, ERR_PERMISSION);
        assert_int_equal(seteuid(0), 0);
    } else {
        remove_tree(f->path);
        assert_int_equal(mkdir(f->path, 0500), 0);
        assert_refused(f, ERR_PERMISSION);
        assert_int_equal(chmod(f->path, 0700), 0);
    }
}

static void the_working_directory_may_change_while_a_store_is_open(void **state)
{
    struct fixture *f = *state;
    char *home = getcwd(NULL, 0);

    close_now(f);
    assert_int_equal(chdir(f->dir), 0);
    f->options.where = "store";
    fixture_open(f);
    assert_int_equal(chdir(home), 0);
    put_now(f->s, TABLE_A, text("k"), text("v"));
    f->options.where = f->path;
    fixture_reopen(f);
    assert_stored(f->s, TABLE_A, text("k"), text("v"));
    free(home);
}

/* In the child: a reader that never ends. Answers 'r' when it has begun. */
static void hold_a_reader(struct fixture *f, int go, int tell)
{
    struct txn *t;
    char c;

    if (read(go, &c, 1) != 1 || try_open(f) || store_begin(f->s, TXN_READ, &t) ||
        write(tell, "r", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static void a_reader_slot_of_a_dead_process_is_given_back(void **state)
{
    struct fixture *f = *state;
    int go[2], tell[2];
    size_t freed = 0;
    pid_t child;
    char c;

    close_now(f); /* LMDB must not be open over a fork */
    assert_int_equal(pipe(go) | pipe(tell), 0);
    child = fork();
    if (!child)
        hold_a_reader(f, go[0], tell[1]);
    assert_true(child > 0);
    fixture_open(f);
    assert_int_equal(write(go[1], "g", 1), 1);
    assert_int_equal(read(tell[0], &c, 1), 1);
    assert_int_equal(store_reader_check(f->s, &freed), ERR_OK);
    assert_int_equal(freed, 0);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(store_reader_check(f->s, &freed), ERR_OK);
    assert_int_equal(freed, 1);
    for (int i = 0; i < 2; i++) {
        close(go[i]);
        close(tell[i]);
    }
}

static void a_copy_opens_as_the_same_store_without_what_was_deleted(void **state)
{
    struct fixture *f = *state;
    struct fixture *copy = fixture_new("lmdb");
    struct bytes content = {0};
    char file[96];
    struct txn *t;
    int fd;

    put_now(f->s, TABLE_A, text("secret"), text("no longer wanted"));
    put_now(f->s, TABLE_A, text("k"), text("kept as it is"));
    t = begin(f->s, TXN_WRITE);
    assert_int_equal(store_del(t, TABLE_A, text("secret")), ERR_OK);
    commit(&t);
    assert_int_equal(mkdir(copy->path, 0700), 0);
    snprintf(file, sizeof file, "%s/data.mdb", copy->path);
    fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(store_copy(f->s, fd), ERR_OK);
    assert_int_equal(close(fd), 0);
    assert_int_equal(file_read(file, 1 << 24, &content), ERR_OK);
    assert_non_null(memmem(content.ptr, content.len, "kept as it is", 13));
    assert_null(memmem(content.ptr, content.len, "no longer wanted", 16));
    fixture_open(copy);
    assert_stored(copy->s, TABLE_A, text("k"), text("kept as it is"));
    bytes_free(&content);
    fixture_down((void **)&copy);
}

static void a_copy_that_cannot_be_written_says_why(void **state)
{
    struct fixture *f = *state;
    int ends[2], fd = open("/dev/full", O_WRONLY);

    assert_true(fd >= 0);
    assert_int_equal(store_copy(f->s, fd), ERR_FULL);
    close(fd);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(store_copy(f->s, ends[1]), ERR_CLOSED);
    close(ends[1]);
    put_now(f->s, TABLE_A, text("k"), text("v"));
}

static void memory_has_no_copy(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_copy(f->s, 1), ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(bad_options_are_refused),
        ON_BOTH(without_randomness_no_store_is_made),
        ON("lmdb", data_and_incarnation_survive_a_reopen),
        ON("lmdb", tables_may_be_added_later),
        ON("lmdb", a_store_opens_once_in_a_process),
        ON("lmdb", another_schema_or_format_is_a_version_error),
        ON("lmdb", a_damaged_own_page_or_data_without_one_is_corrupt),
        ON("lmdb", a_truncated_or_foreign_file_is_corrupt_and_stays_as_it_is),
        ON("lmdb", a_file_whose_last_pages_were_never_needed_is_whole),
        ON("lmdb", a_directory_must_be_private_local_and_possible),
        ON("lmdb", a_directory_we_may_not_enter_is_a_permission_error),
        ON("lmdb", the_working_directory_may_change_while_a_store_is_open),
        ON("lmdb", a_reader_slot_of_a_dead_process_is_given_back),
        ON("lmdb", a_copy_opens_as_the_same_store_without_what_was_deleted),
        ON("lmdb", a_copy_that_cannot_be_written_says_why),
        ON("mem", memory_has_no_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
