/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
/* link: -Wl,--wrap=openat,--wrap=read,--wrap=write,--wrap=fsync,--wrap=fchmod,--wrap=fstat */
/* link: -Wl,--wrap=renameat,--wrap=renameat2,--wrap=flock,--wrap=ftruncate */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "file.h"

/* ---- a disk that fails when told: the n-th call of one function ---- */

static struct {
    const char *call;
    int nth;
    int error; /* errno; for write: 0 makes a short write */
} fault;
static uid_t owner_shown = (uid_t)-1;

static int fails(const char *call)
{
    return fault.call && strcmp(fault.call, call) == 0 && --fault.nth == 0;
}

static void fail_at(const char *call, int nth, int error)
{
    fault.call = call;
    fault.nth = nth;
    fault.error = error;
}

#define FAULTY(type, name, args, pass)                                                             \
    type __real_##name args;                                                                       \
    type __wrap_##name args;                                                                       \
    type __wrap_##name args                                                                        \
    {                                                                                              \
        if (fails(#name)) {                                                                        \
            errno = fault.error;                                                                   \
            return -1;                                                                             \
        }                                                                                          \
        return __real_##name pass;                                                                 \
    }

FAULTY(int, openat, (int at, const char *path, int flags, mode_t mode), (at, path, flags, mode))
FAULTY(ssize_t, read, (int fd, void *to, size_t n), (fd, to, n))
FAULTY(int, fsync, (int fd), (fd))
FAULTY(int, fchmod, (int fd, mode_t mode), (fd, mode))
FAULTY(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
FAULTY(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
       (a, from, b, to, flags))
FAULTY(int, flock, (int fd, int what), (fd, what))
FAULTY(int, ftruncate, (int fd, off_t len), (fd, len))

ssize_t __real_write(int fd, const void *from, size_t n);
ssize_t __wrap_write(int fd, const void *from, size_t n);
ssize_t __wrap_write(int fd, const void *from, size_t n)
{
    if (fails("write")) {
        if (fault.error == 0)
            return __real_write(fd, from, n / 2);
        errno = fault.error;
        return -1;
    }
    return __real_write(fd, from, n);
}

int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st)
{
    int result;

    if (fails("fstat")) {
        errno = fault.error;
        return -1;
    }
    result = __real_fstat(fd, st);
    if (owner_shown != (uid_t)-1)
        st->st_uid = owner_shown;
    return result;
}

/* ---- a directory for each test ---- */

static char dir[64];
static char path_room[4][128];
static int path_next;

static char *in_dir(const char *name)
{
    char *path = path_room[path_next++ % 4];

    snprintf(path, sizeof path_room[0], "%s/%s", dir, name);
    return path;
}

static int setup(void **state)
{
    (void)state;
    fault.call = NULL;
    owner_shown = (uid_t)-1;
    snprintf(dir, sizeof dir, "/tmp/relais-file-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int entries(void)
{
    DIR *d = opendir(dir);
    int n = 0;

    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static int teardown(void **state)
{
    DIR *d = opendir(dir);
    struct dirent *entry;

    (void)state;
    while ((entry = readdir(d)))
        if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
            if (unlink(in_dir(entry->d_name)) < 0)
                rmdir(in_dir(entry->d_name));
    closedir(d);
    return rmdir(dir);
}

static void assert_content(const char *name, const char *expected)
{
    struct bytes b = {0};

    assert_int_equal(file_read(in_dir(name), 4096, &b), ERR_OK);
    assert_true(span_equal(bytes_span(&b), span_text(expected)));
    bytes_free(&b);
}

static mode_t mode_of(const char *name)
{
    struct stat st;

    assert_int_equal(stat(in_dir(name), &st), 0);
    return st.st_mode & 07777;
}

/* ---- tests ---- */

static void errno_becomes_a_named_error(void **state)
{
    (void)state;
    assert_int_equal(err_from_errno(0), ERR_OK);
    assert_int_equal(err_from_errno(ENOMEM), ERR_NOMEM);
    assert_int_equal(err_from_errno(ENOENT), ERR_NOT_FOUND);
    assert_int_equal(err_from_errno(EEXIST), ERR_EXISTS);
    assert_int_equal(err_from_errno(ENOSPC), ERR_FULL);
    assert_int_equal(err_from_errno(EDQUOT), ERR_FULL);
    assert_int_equal(err_from_errno(EROFS), ERR_READONLY);
    assert_int_equal(err_from_errno(EACCES), ERR_PERMISSION);
    assert_int_equal(err_from_errno(EPERM), ERR_PERMISSION);
    assert_int_equal(err_from_errno(EAGAIN), ERR_AGAIN);
    assert_int_equal(err_from_errno(EBUSY), ERR_LOCKED);
    assert_int_equal(err_from_errno(EFBIG), ERR_SIZE);
    assert_int_equal(err_from_errno(ENOTDIR), ERR_USAGE);
    assert_int_equal(err_from_errno(ETIMEDOUT), ERR_TIMEOUT);
    assert_int_equal(err_from_errno(EPIPE), ERR_CLOSED);
    assert_int_equal(err_from_errno(ENOSYS), ERR_UNSUPPORTED);
    assert_int_equal(err_from_errno(EIO), ERR_IO);
    assert_int_equal(err_from_errno(ENXIO), ERR_IO);
}

static void a_file_is_written_read_and_replaced(void **state)
{
    (void)state;
    assert_int_equal(file_write_atomic(in_dir("f"), SPAN_STR("one"), 0600), ERR_OK);
    assert_content("f", "one");
    assert_int_equal(file_write_atomic(in_dir("f"), SPAN_STR(""), 0600), ERR_OK);
    assert_content("f", "");
    assert_int_equal(entries(), 1);
}

static void the_mode_is_exact_whatever_the_umask(void **state)
{
    mode_t before = umask(077);

    (void)state;
    assert_int_equal(file_write_atomic(in_dir("open"), SPAN_STR("x"), 0644), ERR_OK);
    umask(0);
    assert_int_equal(file_write_atomic(in_dir("closed"), SPAN_STR("x"), 0400), ERR_OK);
    umask(before);
    assert_int_equal(mode_of("open"), 0644);
    assert_int_equal(mode_of("closed"), 0400);
}

static void a_failed_write_leaves_the_old_file_and_nothing_else(void **state)
{
    static const struct {
        const char *call;
        int error;
        enum err e;
    } rows[] = {
        {"openat",   EROFS,  ERR_READONLY  },
        {"openat",   EACCES, ERR_PERMISSION},
        {"write",    ENOSPC, ERR_FULL      },
        {"write",    EFBIG,  ERR_FULL      },
        {"write",    EIO,    ERR_IO        },
        {"fchmod",   EPERM,  ERR_PERMISSION},
        {"fsync",    EIO,    ERR_IO        },
        {"fsync",    ENOSPC, ERR_FULL      },
        {"renameat", EROFS,  ERR_READONLY  },
        {"renameat", EISDIR, ERR_USAGE     },
    };

    (void)state;
    assert_int_equal(file_write_atomic(in_dir("f"), SPAN_STR("old"), 0600), ERR_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fail_at(rows[i].call, 1, rows[i].error);
        assert_int_equal(file_write_atomic(in_dir("f"), SPAN_STR("new"), 0600), rows[i].e);
        assert_int_equal(fault.nth, 0); /* it did happen */
        assert_content("f", "old");
        assert_int_equal(entries(), 1);
    }
}

static void an_unconfirmed_directory_is_an_unknown_outcome(void **state)
{
    (void)state;
    fail_at("fsync", 2, EIO);
    assert_int_equal(file_write_atomic(in_dir("f"), SPAN_STR("new"), 0600), ERR_UNKNOWN);
    assert_content("f", "new");
    fail_at("fsync", 1, EIO);
    assert_int_equal(file_remove(in_dir("f")), ERR_UNKNOWN);
    assert_int_equal(entries(), 0);
}

static void short_and_interrupted_writes_go_on(void **state)
{
    (void)state;
    fail_at("write", 1, 0);
    assert_int_equal(file_write_atomic(in_dir("f"), SPAN_STR("0123456789"), 0600), ERR_OK);
    assert_content("f", "0123456789");
    fail_at("write", 1, EINTR);
    assert_int_equal(file_write_atomic(in_dir("f"), SPAN_STR("again"), 0600), ERR_OK);
    assert_content("f", "again");
}

static void a_name_left_by_a_crash_is_stepped_over(void **state)
{
    (void)state;
    fail_at("openat", 1, EEXIST);
    assert_int_equal(file_write_atomic(in_dir("f"), SPAN_STR("x"), 0600), ERR_OK);
    assert_content("f", "x");
}

/* Its pid is nobody's for as long as it is ours to wait for; then it is nobody's at all. */
static int pid_of_the_dead(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return (int)pid;
}

static void a_free_path_is_told_and_what_killed_writes_left_beside_it_goes(void **state)
{
    char dead[64], alive[64];

    (void)state;
    snprintf(dead, sizeof dead, ".tmp-%d-0", pid_of_the_dead());
    snprintf(alive, sizeof alive, ".tmp-%d-0", (int)getpid());
    assert_int_equal(file_write_atomic(in_dir(dead), SPAN_STR("half"), 0600), ERR_OK);
    assert_int_equal(file_write_atomic(in_dir(alive), SPAN_STR("being written"), 0600), ERR_OK);
    assert_int_equal(file_write_atomic(in_dir(".tmp-x"), SPAN_STR("not ours"), 0600), ERR_OK);
    assert_int_equal(file_is_free(in_dir(".tmp-x")), ERR_EXISTS);
    assert_int_equal(entries(), 3);
    assert_int_equal(file_is_free(in_dir("f")), ERR_OK);
    assert_int_equal(entries(), 2);
    assert_content(alive, "being written");
    assert_content(".tmp-x", "not ours");
    assert_int_equal(file_is_free(in_dir("no/f")), ERR_NOT_FOUND);
    fail_at("openat", 1, EMFILE);
    assert_int_equal(file_is_free(in_dir("f")), ERR_IO);
}

static void write_new_never_replaces(void **state)
{
    (void)state;
    assert_int_equal(file_write_new(in_dir("f"), SPAN_STR("first"), 0600), ERR_OK);
    assert_int_equal(file_write_new(in_dir("f"), SPAN_STR("second"), 0600), ERR_EXISTS);
    assert_content("f", "first");
    assert_int_equal(entries(), 1);
    fail_at("renameat2", 1, EIO);
    assert_int_equal(file_write_new(in_dir("g"), SPAN_STR("x"), 0600), ERR_IO);
    assert_int_equal(entries(), 1);
}

static void write_new_works_where_no_replace_is_not_known(void **state)
{
    (void)state;
    fail_at("renameat2", 1, EINVAL);
    assert_int_equal(file_write_new(in_dir("f"), SPAN_STR("first"), 0600), ERR_OK);
    fail_at("renameat2", 1, EINVAL);
    assert_int_equal(file_write_new(in_dir("f"), SPAN_STR("second"), 0600), ERR_EXISTS);
    assert_content("f", "first");
    assert_int_equal(entries(), 1);
}

static void a_missing_directory_or_file_is_not_found(void **state)
{
    struct bytes b = {0};

    (void)state;
    assert_int_equal(file_write_atomic(in_dir("no/f"), SPAN_STR("x"), 0600), ERR_NOT_FOUND);
    assert_int_equal(file_read(in_dir("f"), 10, &b), ERR_NOT_FOUND);
    assert_int_equal(file_remove(in_dir("f")), ERR_NOT_FOUND);
    assert_int_equal(file_remove(in_dir("no/f")), ERR_NOT_FOUND);
    assert_int_equal(file_read(dir, 10, &b), ERR_USAGE);
}

static void reading_stops_at_the_limit(void **state)
{
    struct bytes b = {0};

    (void)state;
    assert_int_equal(file_write_atomic(in_dir("f"), SPAN_STR("0123456789"), 0600), ERR_OK);
    assert_int_equal(file_read(in_dir("f"), 9, &b), ERR_SIZE);
    assert_null(b.ptr);
    assert_int_equal(file_read(in_dir("f"), 10, &b), ERR_OK);
    assert_int_equal(b.len, 10);
    bytes_free(&b);
    assert_int_equal(file_read("/dev/zero", 100000, &b), ERR_SIZE); /* has no size of its own */
    fail_at("read", 1, EIO);
    assert_int_equal(file_read(in_dir("f"), 10, &b), ERR_IO);
    fail_at("fstat", 1, EIO);
    assert_int_equal(file_read(in_dir("f"), 10, &b), ERR_IO);
    fail_at("read", 1, EINTR);
    assert_int_equal(file_read(in_dir("f"), 10, &b), ERR_OK);
    bytes_free(&b);
}

static void a_secret_others_could_read_is_refused(void **state)
{
    struct bytes b = {0};

    (void)state;
    assert_int_equal(file_write_atomic(in_dir("k"), SPAN_STR("secret"), 0600), ERR_OK);
    assert_int_equal(file_read_secret(in_dir("k"), 64, &b), ERR_OK);
    assert_true(span_equal(bytes_span(&b), SPAN_STR("secret")));
    file_secret_free(&b);
    assert_null(b.ptr);
    file_secret_free(&b);

    assert_int_equal(chmod(in_dir("k"), 0640), 0);
    assert_int_equal(file_read_secret(in_dir("k"), 64, &b), ERR_PERMISSION);
    assert_int_equal(chmod(in_dir("k"), 0604), 0);
    assert_int_equal(file_read_secret(in_dir("k"), 64, &b), ERR_PERMISSION);
    assert_int_equal(chmod(in_dir("k"), 0600), 0);
    owner_shown = geteuid() + 4711;
    assert_int_equal(file_read_secret(in_dir("k"), 64, &b), ERR_PERMISSION);
    owner_shown = 0; /* root gave it to us, as systemd does with credentials */
    assert_int_equal(file_read_secret(in_dir("k"), 64, &b), ERR_OK);
    file_secret_free(&b);
    assert_int_equal(file_read_secret("/dev/null", 64, &b), ERR_PERMISSION);
}

static void a_directory_is_made_private_and_checked(void **state)
{
    mode_t before = umask(0777);

    (void)state;
    assert_int_equal(dir_make(in_dir("d"), 0700), ERR_OK);
    umask(before);
    assert_int_equal(mode_of("d"), 0700);
    assert_int_equal(dir_make(in_dir("d"), 0700), ERR_OK); /* again is fine */
    assert_int_equal(chmod(in_dir("d"), 0750), 0);
    assert_int_equal(dir_make(in_dir("d"), 0700), ERR_PERMISSION);
    assert_int_equal(dir_make(in_dir("d"), 0750), ERR_OK);
    owner_shown = geteuid() + 4711;
    assert_int_equal(dir_make(in_dir("d"), 0750), ERR_PERMISSION);
    owner_shown = (uid_t)-1;
    fail_at("fstat", 1, EIO);
    assert_int_equal(dir_make(in_dir("d"), 0750), ERR_IO);
    assert_int_equal(dir_make(in_dir("no/d"), 0700), ERR_NOT_FOUND);
    assert_int_equal(file_write_atomic(in_dir("f"), SPAN_STR("x"), 0600), ERR_OK);
    assert_int_equal(dir_make(in_dir("f"), 0700), ERR_EXISTS);
    assert_int_equal(symlink("d", in_dir("s")), 0);
    assert_int_equal(dir_make(in_dir("s"), 0700), ERR_EXISTS);
}

static void a_directory_is_locked_by_one_process(void **state)
{
    int fd = -1;
    int second = -1;
    char pid[24];

    (void)state;
    assert_int_equal(dir_lock(dir, &fd), ERR_OK);
    snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    assert_content("lock", pid);
    assert_int_equal(dir_lock(dir, &second), ERR_LOCKED);
    assert_int_equal(second, -1);
    assert_content("lock", pid); /* the loser did not write */
    dir_unlock(&fd);
    assert_int_equal(fd, -1);
    dir_unlock(&fd);
    assert_int_equal(dir_lock(dir, &second), ERR_OK);
    dir_unlock(&second);
    assert_int_equal(dir_lock(in_dir("no"), &fd), ERR_NOT_FOUND);
}

static void a_lock_that_cannot_be_taken_says_why(void **state)
{
    int fd = -1;

    (void)state;
    fail_at("openat", 1, EACCES);
    assert_int_equal(dir_lock(dir, &fd), ERR_PERMISSION);
    fail_at("flock", 1, ENOLCK);
    assert_int_equal(dir_lock(dir, &fd), ERR_IO);
    fail_at("ftruncate", 1, EIO);
    assert_int_equal(dir_lock(dir, &fd), ERR_IO);
    fail_at("write", 1, ENOSPC);
    assert_int_equal(dir_lock(dir, &fd), ERR_FULL);
    assert_int_equal(fd, -1);
    assert_int_equal(dir_lock(dir, &fd), ERR_OK); /* nothing is still held */
    dir_unlock(&fd);
}

static void a_lock_ends_with_its_process(void **state)
{
    int fd = -1;
    int status = -1;
    pid_t child = fork();

    (void)state;
    if (child == 0)
        _exit(dir_lock(dir, &fd) == ERR_OK ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(dir_lock(dir, &fd), ERR_OK);
    dir_unlock(&fd);
}

static void network_file_systems_are_known(void **state)
{
    bool network = true;

    (void)state;
    assert_true(fs_magic_is_network(NFS_SUPER_MAGIC));
    assert_true(fs_magic_is_network(CIFS_SUPER_MAGIC));
    assert_true(fs_magic_is_network(SMB2_SUPER_MAGIC));
    assert_true(fs_magic_is_network(V9FS_MAGIC));
    assert_false(fs_magic_is_network(EXT4_SUPER_MAGIC));
    assert_false(fs_magic_is_network(TMPFS_MAGIC));
    assert_false(fs_magic_is_network(FUSE_SUPER_MAGIC));
    assert_int_equal(file_is_network_fs("/proc", &network), ERR_OK);
    assert_false(network);
    assert_int_equal(file_is_network_fs(in_dir("no"), &network), ERR_NOT_FOUND);
}

static void a_lack_of_memory_changes_nothing_on_disk(void **state)
{
    struct bytes b = {0};

    (void)state;
    assert_int_equal(file_write_atomic(in_dir("f"), SPAN_STR("old"), 0600), ERR_OK);
    for (long n = 1; n <= 2; n++) {
        alloc_fail_after(n);
        assert_int_equal(file_write_atomic(in_dir("f"), SPAN_STR("new"), 0600), ERR_NOMEM);
        alloc_fail_after(n);
        assert_int_equal(file_remove(in_dir("f")), ERR_NOMEM);
    }
    alloc_fail_after(1);
    assert_int_equal(file_read(in_dir("f"), 10, &b), ERR_NOMEM);
    alloc_fail_after(2); /* a file without a size: the buffer has to grow */
    assert_int_equal(file_read("/dev/zero", 100000, &b), ERR_NOMEM);
    alloc_fail_after(-1);
    assert_content("f", "old");
    assert_int_equal(entries(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(errno_becomes_a_named_error),
        TEST(a_file_is_written_read_and_replaced),
        TEST(the_mode_is_exact_whatever_the_umask),
        TEST(a_failed_write_leaves_the_old_file_and_nothing_else),
        TEST(an_unconfirmed_directory_is_an_unknown_outcome),
        TEST(short_and_interrupted_writes_go_on),
        TEST(a_name_left_by_a_crash_is_stepped_over),
        TEST(a_free_path_is_told_and_what_killed_writes_left_beside_it_goes),
        TEST(write_new_never_replaces),
        TEST(write_new_works_where_no_replace_is_not_known),
        TEST(a_missing_directory_or_file_is_not_found),
        TEST(reading_stops_at_the_limit),
        TEST(a_secret_others_could_read_is_refused),
        TEST(a_directory_is_made_private_and_checked),
        TEST(a_directory_is_locked_by_one_process),
        TEST(a_lock_that_cannot_be_taken_says_why),
        TEST(a_lock_ends_with_its_process),
        TEST(network_file_systems_are_known),
        TEST(a_lack_of_memory_changes_nothing_on_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
