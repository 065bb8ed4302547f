/*
 * A disk that fails or is full. The system calls LMDB writes with are replaced in this program,
 * which the dynamic linker finds before libc; the full and the read-only disk are a small tmpfs
 * in a mount namespace of our own, where that is permitted.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "store_fixture.h"

enum {
    META_END = 8192, /* the two meta pages */
    TMPFS_BYTES = 4 << 20
};

enum fault {
    NO_FAULT,
    META_FAILS,    /* the meta page is not written */
    META_SHORT,    /* nor here, but in part */
    META_IN_DOUBT, /* it is written, the disk says no, and writing the old one back fails */
    DATA_FAILS,    /* any data page */
    DATA_SHORT,
    SYNC_DATA_FAILS,    /* fdatasync, before the meta page */
    META_AND_SYNC_FAIL, /* and the sync of the reopen too */
};

static enum fault fault;
static int fault_errno;
static unsigned struck;
static bool write_back_blocked, sync_blocked;

static void arm(enum fault what, int number)
{
    fault = what;
    fault_errno = number;
    struck = 0;
}

static bool strikes(enum fault what)
{
    if (fault != what)
        return false;
    fault = NO_FAULT;
    errno = fault_errno;
    struck++;
    return true;
}

static ssize_t pwrite_meta(int fd, const void *from, size_t n, off_t at)
{
    if (write_back_blocked) {
        write_back_blocked = false;
        errno = EIO;
        return -1;
    }
    if (strikes(META_SHORT))
        return 3;
    if (strikes(META_FAILS))
        return -1;
    if (strikes(META_AND_SYNC_FAIL)) {
        sync_blocked = true;
        return -1;
    }
    if (fault == META_IN_DOUBT) {
        if (syscall(SYS_pwrite64, fd, from, n, at) != (ssize_t)n)
            abort();
        write_back_blocked = true;
        return strikes(META_IN_DOUBT) ? -1 : 0;
    }
    return syscall(SYS_pwrite64, fd, from, n, at);
}

ssize_t pwrite(int fd, const void *from, size_t n, off_t at)
{
    if (at < META_END)
        return pwrite_meta(fd, from, n, at);
    if (strikes(DATA_FAILS))
        return -1;
    if (strikes(DATA_SHORT))
        return syscall(SYS_pwrite64, fd, from, n / 2, at);
    return syscall(SYS_pwrite64, fd, from, n, at);
}

ssize_t writev(int fd, const struct iovec *from, int n)
{
    if (strikes(DATA_FAILS))
        return -1;
    if (strikes(DATA_SHORT))
        return syscall(SYS_writev, fd, from, 1) / 2;
    return syscall(SYS_writev, fd, from, n);
}

int fdatasync(int fd)
{
    return strikes(SYNC_DATA_FAILS) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    if (sync_blocked) {
        sync_blocked = false;
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

static enum err put_failing(struct store *s, const char *key, enum fault what, int number)
{
    struct txn *t = begin(s, TXN_WRITE);
    enum err e;

    assert_int_equal(store_put(t, TABLE_A, text(key), text("v")), ERR_OK);
    arm(what, number);
    e = store_commit(&t);
    assert_null(t);
    assert_int_equal(struck, 1); /* LMDB does come by here, or this tests nothing */
    return e;
}

static void a_commit_that_fails_before_the_meta_page_is_not_written(void **state)
{
    static const struct {
        enum fault fault;
        int number;
        enum err answer;
    } rows[] = {
        {DATA_FAILS,      ENOSPC, ERR_FULL   },
        {DATA_FAILS,      EDQUOT, ERR_FULL   },
        {DATA_FAILS,      EFBIG,  ERR_FULL   },
        {DATA_FAILS,      ENOMEM, ERR_NOMEM  },
        {SYNC_DATA_FAILS, ENOSPC, ERR_FULL   },
        {DATA_FAILS,      EIO,    ERR_UNKNOWN}, /* certain for us, but we do not trust such a disk */
        {DATA_SHORT,      0,      ERR_UNKNOWN},
        {SYNC_DATA_FAILS, EIO,    ERR_UNKNOWN},
    };
    struct fixture *f = *state;

    put_now(f->s, TABLE_A, text("before"), text("1"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(put_failing(f->s, "k", rows[i].fault, rows[i].number), rows[i].answer);
        assert_absent(f->s, TABLE_A, text("k"));
        assert_stored(f->s, TABLE_A, text("before"), text("1"));
        put_now(f->s, TABLE_A, text("k"), text("again"));
        fixture_reopen(f);
        assert_stored(f->s, TABLE_A, text("k"), text("again"));
        struct txn *t = begin(f->s, TXN_WRITE);
        assert_int_equal(store_del(t, TABLE_A, text("k")), ERR_OK);
        commit(&t);
    }
}

static void a_commit_that_fails_at_the_meta_page_is_unknown_and_then_seen_as_it_is(void **state)
{
    static const struct {
        enum fault fault;
        int number;
        bool written;
    } rows[] = {
        {META_FAILS,    EIO,    false},
        {META_FAILS,    ENOSPC, false}, /* no doubt is removed by the kind of error */
        {META_SHORT,    0,      false},
        {META_IN_DOUBT, EIO,    true },
    };
    struct fixture *f = *state;
    char key[] = "k0";

    put_now(f->s, TABLE_A, text("before"), text("1"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++, key[1]++) {
        assert_int_equal(put_failing(f->s, key, rows[i].fault, rows[i].number), ERR_UNKNOWN);
        if (rows[i].written)
            assert_stored(f->s, TABLE_A, text(key), text("v"));
        else
            assert_absent(f->s, TABLE_A, text(key));
        put_now(f->s, TABLE_A, text(key), text("again"));
        fixture_reopen(f);
        assert_stored(f->s, TABLE_A, text(key), text("again"));
        assert_stored(f->s, TABLE_A, text("before"), text("1"));
    }
}

static void after_an_unknown_commit_begin_waits_for_live_readers(void **state)
{
    struct fixture *f = *state;
    struct txn *reader, *t = NULL;
    struct store_stats stats;
    struct span got;

    put_now(f->s, TABLE_A, text("before"), text("1"));
    reader = begin(f->s, TXN_READ);
    assert_int_equal(put_failing(f->s, "k", META_FAILS, EIO), ERR_UNKNOWN);
    assert_int_equal(store_begin(f->s, TXN_READ, &t), ERR_BUSY);
    assert_int_equal(store_begin(f->s, TXN_WRITE, &t), ERR_BUSY);
    assert_int_equal(store_stats(f->s, &stats), ERR_BUSY);
    assert_int_equal(store_get(reader, TABLE_A, text("before"), &got), ERR_OK);
    assert_span(got, text("1"));
    store_abort(&reader);
    put_now(f->s, TABLE_A, text("k"), text("again"));
}

static void a_reopen_that_fails_is_tried_again_at_the_next_begin(void **state)
{
    struct fixture *f = *state;
    struct txn *t = NULL;

    put_now(f->s, TABLE_A, text("before"), text("1"));
    assert_int_equal(put_failing(f->s, "k", META_AND_SYNC_FAIL, EIO), ERR_UNKNOWN);
    assert_int_equal(store_begin(f->s, TXN_WRITE, &t), ERR_IO);
    assert_int_equal(store_reader_check(f->s, NULL), ERR_OK); /* nothing is open, no harm done */
    assert_absent(f->s, TABLE_A, text("k"));
    put_now(f->s, TABLE_A, text("k"), text("again"));
    assert_stored(f->s, TABLE_A, text("before"), text("1"));
}

/* Nothing outside this process sees the mounts, and nothing is left of them after it. */
static int namespace_of_our_own(void)
{
    static int refused = -1; /* 0, or the errno */

    if (refused < 0) {
        refused = 0;
        if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
            refused = errno;
    }
    return refused;
}

static void mount_small(const char *at, unsigned long flags)
{
    char options[64];

    if (namespace_of_our_own()) {
        print_message("SKIPPED: mounting is not permitted here (%s)\n",
                      strerror(namespace_of_our_own()));
        skip();
    }
    snprintf(options, sizeof options, "size=%d,mode=0700", TMPFS_BYTES);
    assert_int_equal(mount("none", at, "tmpfs", flags, options), 0);
}

static void ballast_fill(const char *path)
{
    static const uint8_t block[4096];
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    while (write(fd, block, sizeof block) > 0)
        ;
    close(fd);
}

static void ballast_write(const char *path, off_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(posix_fallocate(fd, 0, size), 0);
    close(fd);
}

static enum err put_numbered(struct store *s, uint32_t n)
{
    static uint8_t value[30000];
    struct txn *t = begin(s, TXN_WRITE);

    assert_int_equal(store_put(t, TABLE_A, number(n), SPAN_OF(value)), ERR_OK);
    return store_commit(&t);
}

static void a_full_disk_refuses_keeps_and_goes_on_when_there_is_space(void **state)
{
    struct fixture *f = *state;
    char ballast[96];
    uint32_t n = 0;
    struct txn *t;
    struct span got;
    enum err e;

    store_close(f->s);
    f->s = NULL;
    mount_small(f->path, 0);
    snprintf(ballast, sizeof ballast, "%s/ballast", f->path);
    ballast_write(ballast, TMPFS_BYTES / 2);
    fixture_open(f);
    while (!(e = put_numbered(f->s, n)))
        n++;
    assert_int_equal(e, ERR_FULL);
    assert_true(n > 10);
    assert_int_equal(put_numbered(f->s, n), ERR_FULL);
    for (int again = 0; again < 2; again++) {
        t = begin(f->s, TXN_READ);
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(store_get(t, TABLE_A, number(i), &got), ERR_OK);
        assert_int_equal(store_get(t, TABLE_A, number(n), &got), ERR_NOT_FOUND);
        store_abort(&t);
        fixture_reopen(f);
    }
    assert_int_equal(unlink(ballast), 0);
    assert_int_equal(put_numbered(f->s, n), ERR_OK);
    assert_int_equal(put_numbered(f->s, n + 1), ERR_OK);
    store_close(f->s);
    f->s = NULL;
    assert_int_equal(umount(f->path), 0);
}

static void a_store_is_not_opened_on_a_full_disk_and_nobody_dies(void **state)
{
    struct fixture *f = *state;
    char ballast[96];

    store_close(f->s);
    f->s = NULL;
    mount_small(f->path, 0);
    snprintf(ballast, sizeof ballast, "%s/ballast", f->path);
    for (int with_store = 0; with_store < 2; with_store++) {
        ballast_fill(ballast);
        if (!with_store)
            assert_int_equal(store_open("lmdb", &f->options, &f->s), ERR_FULL);
        else
            fixture_open(f); /* nothing is missing: it may be read */
        store_close(f->s);
        f->s = NULL;
        assert_int_equal(unlink(ballast), 0);
        fixture_open(f);
        put_now(f->s, TABLE_A, text("k"), text("v"));
        store_close(f->s);
        f->s = NULL;
    }
    assert_int_equal(umount(f->path), 0);
}

static void a_read_only_disk_is_named_as_such(void **state)
{
    struct fixture *f = *state;

    store_close(f->s);
    f->s = NULL;
    mount_small(f->path, 0);
    for (int with_store = 0; with_store < 2; with_store++) {
        assert_int_equal(mount("none", f->path, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
        assert_int_equal(store_open("lmdb", &f->options, &f->s), ERR_READONLY);
        assert_int_equal(mount("none", f->path, NULL, MS_REMOUNT, NULL), 0);
        fixture_open(f);
        store_close(f->s);
        f->s = NULL;
    }
    assert_int_equal(umount(f->path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("lmdb", a_commit_that_fails_before_the_meta_page_is_not_written),
        ON("lmdb", a_commit_that_fails_at_the_meta_page_is_unknown_and_then_seen_as_it_is),
        ON("lmdb", after_an_unknown_commit_begin_waits_for_live_readers),
        ON("lmdb", a_reopen_that_fails_is_tried_again_at_the_next_begin),
        ON("lmdb", a_full_disk_refuses_keeps_and_goes_on_when_there_is_space),
        ON("lmdb", a_store_is_not_opened_on_a_full_disk_and_nobody_dies),
        ON("lmdb", a_read_only_disk_is_named_as_such),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
