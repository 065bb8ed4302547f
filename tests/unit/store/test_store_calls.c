/* link: -Wl,--wrap=mdb_txn_begin,--wrap=mdb_cursor_open,--wrap=mdb_cursor_get,--wrap=mdb_get */
/* link: -Wl,--wrap=mdb_put,--wrap=mdb_del,--wrap=mdb_dbi_open,--wrap=mdb_env_create */
/* link: -Wl,--wrap=mdb_env_open,--wrap=mdb_env_set_mapsize,--wrap=mdb_env_set_maxreaders */
/* link: -Wl,--wrap=mdb_env_get_flags,--wrap=openat,--wrap=fsync,--wrap=ftruncate,--wrap=fstat */
/* link: -Wl,--wrap=fstatat,--wrap=realpath,--wrap=posix_fallocate,--wrap=pthread_mutex_init */
/*
 * Every call that store/ makes to LMDB and to the system fails once, in every scenario: the call
 * of the store says so, nothing leaks, what was committed stays, and the store goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <sys/stat.h>

#include "engine.h"
#include "store_fixture.h"

static long fail_at;        /* the n-th from now; not above 0: never */
static int fail_with = EIO; /* what LMDB answers then */
static const char *struck;

static bool fails(const char *name)
{
    if (--fail_at != 0)
        return false;
    struck = name;
    errno = EIO;
    return true;
}

/* LMDB answers with an errno, or a number of its own below zero. */
#define WRAP(name, parameters, arguments)                                                          \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        return fails(#name) ? fail_with : __real_##name arguments;                                 \
    }
/* The system answers -1. */
#define WRAP_SYSTEM(name, parameters, arguments)                                                   \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        return fails(#name) ? -1 : __real_##name arguments;                                        \
    }

WRAP(mdb_txn_begin, (MDB_env * env, MDB_txn *parent, unsigned flags, MDB_txn **txn),
     (env, parent, flags, txn))
WRAP(mdb_cursor_open, (MDB_txn * txn, MDB_dbi dbi, MDB_cursor **cursor), (txn, dbi, cursor))
WRAP(mdb_cursor_get, (MDB_cursor * cursor, MDB_val *key, MDB_val *data, MDB_cursor_op op),
     (cursor, key, data, op))
WRAP(mdb_get, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data), (txn, dbi, key, data))
WRAP(mdb_put, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags),
     (txn, dbi, key, data, flags))
WRAP(mdb_del, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data), (txn, dbi, key, data))
WRAP(mdb_dbi_open, (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *dbi),
     (txn, name, flags, dbi))
WRAP(mdb_env_create, (MDB_env * *env), (env))
WRAP(mdb_env_open, (MDB_env * env, const char *path, unsigned flags, mdb_mode_t mode),
     (env, path, flags, mode))
WRAP(mdb_env_set_mapsize, (MDB_env * env, size_t size), (env, size))
WRAP(mdb_env_set_maxreaders, (MDB_env * env, unsigned n), (env, n))
WRAP(posix_fallocate, (int fd, off_t from, off_t size), (fd, from, size))
WRAP(pthread_mutex_init, (pthread_mutex_t * lock, const pthread_mutexattr_t *with), (lock, with))
WRAP_SYSTEM(fsync, (int fd), (fd))
WRAP_SYSTEM(ftruncate, (int fd, off_t size), (fd, size))
WRAP_SYSTEM(fstat, (int fd, struct stat *st), (fd, st))
WRAP_SYSTEM(fstatat, (int dir, const char *name, struct stat *st, int flags),
            (dir, name, st, flags))

int __real_openat(int dir, const char *name, int flags, mode_t mode);
int __wrap_openat(int dir, const char *name, int flags, mode_t mode);
int __wrap_openat(int dir, const char *name, int flags, mode_t mode)
{
    if (!strcmp(name, "..")) /* may fail, see place.c */
        return __real_openat(dir, name, flags, mode);
    return fails("openat") ? -1 : __real_openat(dir, name, flags, mode);
}

char *__real_realpath(const char *path, char *out);
char *__wrap_realpath(const char *path, char *out);
char *__wrap_realpath(const char *path, char *out)
{
    return fails("realpath") ? NULL : __real_realpath(path, out);
}

static unsigned flags_added;

int __real_mdb_env_get_flags(MDB_env *env, unsigned *flags);
int __wrap_mdb_env_get_flags(MDB_env *env, unsigned *flags);
int __wrap_mdb_env_get_flags(MDB_env *env, unsigned *flags)
{
    int rc = __real_mdb_env_get_flags(env, flags);

    *flags |= flags_added;
    return rc;
}

static enum err see_nothing(void *arg, struct span key, struct span value)
{
    (void)arg;
    (void)key;
    (void)value;
    return ERR_OK;
}

static enum err use_open(struct fixture *f)
{
    store_close(f->s);
    f->s = NULL;
    return store_open(f->engine, &f->options, &f->s);
}

static enum err use_reads(struct fixture *f)
{
    struct span none = {NULL, 0}, key = text("kept"), value;
    struct store_stats stats;
    struct txn *t = NULL;
    enum err e;

    if ((e = store_begin(f->s, TXN_READ, &t)))
        goto out;
    if ((e = store_get_many(t, TABLE_A, &key, 1, &value)))
        goto out;
    if ((e = store_scan(t, TABLE_A, none, none, SIZE_MAX, see_nothing, NULL)))
        goto out;
    if ((e = store_before(t, TABLE_A, text("z"), &key, &value)))
        goto out;
    e = store_stats(f->s, &stats);
out:
    store_abort(&t);
    return e;
}

static enum err use_writes(struct fixture *f)
{
    struct txn *t = NULL;
    enum err e;

    if ((e = store_begin(f->s, TXN_WRITE, &t)))
        goto out;
    if ((e = store_put(t, TABLE_A, text("a"), text("1"))))
        goto out;
    if ((e = store_del(t, TABLE_A, text("a"))))
        goto out;
    if ((e = store_put_new(t, TABLE_A, text("b"), text("2"))))
        goto out;
    if ((e = store_append(t, TABLE_B, text("b"), text("2"))))
        goto out;
out:
    store_abort(&t);
    return e;
}

/* Meets the end of the map, so that the next begin has to grow it. */
static enum err use_growth(struct fixture *f)
{
    static const uint8_t value[STORE_VALUE_MAX];
    struct txn *t = NULL;
    struct store_stats stats;
    enum err e;

    if ((e = store_begin(f->s, TXN_WRITE, &t)))
        goto out;
    if ((e = store_stats(f->s, &stats)))
        goto out;
    for (uint32_t i = 0; !e && i * STORE_VALUE_MAX < stats.map_bytes; i++)
        e = store_put(t, TABLE_C, number(i), SPAN_OF(value));
    if (e != ERR_FULL)
        goto out;
    store_abort(&t);
    e = store_begin(f->s, TXN_WRITE, &t);
out:
    store_abort(&t);
    return e;
}

static void each_call_fails_once(struct fixture *f, enum err (*use)(struct fixture *f), long least)
{
    long n = 0;
    enum err e;

    put_now(f->s, TABLE_A, text("kept"), text("as it was"));
    do {
        fail_at = ++n;
        struck = NULL;
        e = use(f);
        fail_at = 0;
        if (struck && !e)
            fail_msg("%s failed (call %ld) and nobody said so", struck, n);
        if (!f->s)
            fixture_open(f);
        assert_stored(f->s, TABLE_A, text("kept"), text("as it was"));
        put_now(f->s, TABLE_A, text("other"), number((uint32_t)n));
    } while (struck);
    assert_int_equal(e, ERR_OK);
    assert_true(n > least);
}

static void opening_survives_any_failing_call(void **state)
{
    each_call_fails_once(*state, use_open, 15);
}

static void making_a_store_survives_any_failing_call(void **state)
{
    struct fixture *f = *state;
    long n = 0;
    enum err e;

    do {
        store_close(f->s);
        f->s = NULL;
        remove_tree(f->path);
        fail_at = ++n;
        struck = NULL;
        e = store_open(f->engine, &f->options, &f->s);
        fail_at = 0;
        assert_int_equal(!e, !struck);
    } while (struck);
    assert_true(n > 15);
}

static void reading_survives_any_failing_call(void **state)
{
    each_call_fails_once(*state, use_reads, 8);
}

static void writing_survives_any_failing_call(void **state)
{
    each_call_fails_once(*state, use_writes, 4);
}

static void growing_survives_any_failing_call(void **state)
{
    struct fixture *f = *state;

    store_close(f->s);
    f->options.first_map_bytes = 1 << 20;
    fixture_open(f);
    each_call_fails_once(f, use_growth, 5);
}

static void a_store_near_its_quota_survives_any_failing_call(void **state)
{
    static const uint8_t value[STORE_VALUE_MAX];
    struct fixture *f = *state;

    assert_int_equal(store_set_quota(f->s, 4 * STORE_QUOTA_MIN), ERR_OK);
    for (uint32_t i = 0; i < 3; i++)
        put_now(f->s, TABLE_C, number(i), SPAN_OF(value));
    put_now(f->s, TABLE_C, number(4), (struct span){value, STORE_VALUE_MAX / 2});
    each_call_fails_once(f, use_writes, 6);
}

static void a_shortened_file_is_refused_whatever_call_fails(void **state)
{
    static const uint8_t value[STORE_VALUE_MAX];
    struct fixture *f = *state;
    char file[96];
    struct stat st;
    long n = 0;

    put_now(f->s, TABLE_C, number(1), SPAN_OF(value));
    store_close(f->s);
    f->s = NULL;
    snprintf(file, sizeof file, "%s/data.mdb", f->path);
    assert_int_equal(truncate(file, 600000), 0);
    do {
        fail_at = ++n;
        struck = NULL;
        assert_true(store_open(f->engine, &f->options, &f->s) != ERR_OK);
        fail_at = 0;
        assert_int_equal(stat(file, &st), 0);
    } while (struck && st.st_size == 600000); /* not restored if just that call failed */
    assert_true(n > 10);
}

static void a_map_that_another_process_has_enlarged_is_adopted(void **state)
{
    struct fixture *f = *state;
    struct txn *reader = begin(f->s, TXN_READ), *t = NULL;

    fail_with = MDB_MAP_RESIZED;
    fail_at = 1;
    assert_int_equal(store_begin(f->s, TXN_WRITE, &t), ERR_BUSY); /* not under a live reader */
    store_abort(&reader);
    put_now(f->s, TABLE_A, text("k"), text("v"));
    fail_at = 1;
    put_now(f->s, TABLE_A, text("k"), text("w"));
    assert_stored(f->s, TABLE_A, text("k"), text("w"));
    fail_with = EIO;
}

static void trap_nosync_for_speed(void **state)
{
    static const unsigned bad[] = {MDB_NOSYNC,   MDB_NOMETASYNC, MDB_WRITEMAP,
                                   MDB_MAPASYNC, MDB_NOMEMINIT,  MDB_NOLOCK};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        flags_added = bad[i];
        assert_int_equal(use_open(f), ERR_INTERNAL);
        flags_added = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("lmdb", opening_survives_any_failing_call),
        ON("lmdb", making_a_store_survives_any_failing_call),
        ON("lmdb", reading_survives_any_failing_call),
        ON("lmdb", writing_survives_any_failing_call),
        ON("lmdb", growing_survives_any_failing_call),
        ON("lmdb", a_store_near_its_quota_survives_any_failing_call),
        ON("lmdb", a_shortened_file_is_refused_whatever_call_fails),
        ON("lmdb", a_map_that_another_process_has_enlarged_is_adopted),
        ON("lmdb", trap_nosync_for_speed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
