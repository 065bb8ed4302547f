/* The calls that change files, each in front of the C library's own (see recorder.c). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "recorder_internal.h"

/* --- opening ---------------------------------------------------------------------------------- */

static void *_Atomic real_openat, *_Atomic real_fopen, *_Atomic real_mkostemp;

static int open_any(int at, const char *path, int flags, mode_t mode)
{
    struct place p;
    struct stat st;
    int fd;

    if (!recording() || !(flags & (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))) ||
        !place_of(at, path, &p))
        return REAL(int (*)(int, const char *, int, ...), openat)(at, path, flags, mode);
    enter();
    place_of(at, path, &p);
    fd = REAL(int (*)(int, const char *, int, ...), openat)(at, path, flags, mode);
    if (fd >= 0 && p.there && S_ISLNK(p.st.st_mode))
        note_void("a file was opened through a symbolic link");
    else if (fd >= 0 && (flags & O_TMPFILE) == O_TMPFILE)
        note_void("O_TMPFILE");
    else if (fd >= 0 && !p.there && !fstat(fd, &st))
        note((struct record_head){.kind = RECORD_CREATE,
                                  .mode = st.st_mode & MODE_BITS,
                                  .ino = p.dir,
                                  .ino2 = st.st_ino},
             p.name, NULL, NULL);
    else if (fd >= 0 && (flags & O_TRUNC) && S_ISREG(p.st.st_mode))
        note((struct record_head){.kind = RECORD_RESIZE, .ino = p.st.st_ino}, NULL, NULL, NULL);
    leave();
    return fd;
}

static mode_t mode_given(int flags, va_list list)
{
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
}

#define OPENER(name)                                                                               \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list list;                                                                              \
        mode_t mode;                                                                               \
        va_start(list, flags);                                                                     \
        mode = mode_given(flags, list);                                                            \
        va_end(list);                                                                              \
        return open_any(AT_FDCWD, path, flags, mode);                                              \
    }
#define OPENER_AT(name)                                                                            \
    int name(int at, const char *path, int flags, ...)                                             \
    {                                                                                              \
        va_list list;                                                                              \
        mode_t mode;                                                                               \
        va_start(list, flags);                                                                     \
        mode = mode_given(flags, list);                                                            \
        va_end(list);                                                                              \
        return open_any(at, path, flags, mode);                                                    \
    }
OPENER(open)
OPENER(open64)
OPENER_AT(openat)
OPENER_AT(openat64)

/* what _FORTIFY_SOURCE makes of an open without a mode */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int at, const char *path, int flags);
int __openat64_2(int at, const char *path, int flags);

int __open_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags, 0);
}

int __openat_2(int at, const char *path, int flags)
{
    return open_any(at, path, flags, 0);
}

int __openat64_2(int at, const char *path, int flags)
{
    return open_any(at, path, flags, 0);
}

int creat(const char *path, mode_t mode)
{
    return open_any(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode)
{
    return open_any(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

/* stdio opens and writes inside of the C library, where nothing can stand in front of it */
FILE *fopen(const char *path, const char *mode)
{
    FILE *f = REAL(FILE * (*)(const char *, const char *), fopen)(path, mode);
    struct stat st;

    if (f && strpbrk(mode, "wa+") && counts(fileno(f), &st))
        make_void("stdio writes to a file");
    return f;
}

FILE *fopen64(const char *path, const char *mode)
{
    return fopen(path, mode);
}

int mkostemp(char *template, int flags)
{
    int fd = REAL(int (*)(char *, int), mkostemp)(template, flags);
    struct stat st;

    if (fd >= 0 && counts(fd, &st))
        make_void("mkstemp");
    return fd;
}

int mkstemp(char *template)
{
    return mkostemp(template, 0);
}

static void *_Atomic real_mmap;

void *mmap(void *near, size_t len, int prot, int flags, int fd, off_t at)
{
    static const char spared[] = "/lock.mdb";
    void *map =
        REAL(void *(*)(void *, size_t, int, int, int, off_t), mmap)(near, len, prot, flags, fd, at);
    char path[PATH_MAX];
    struct stat st;

    if (map == MAP_FAILED || fd < 0 || !(prot & PROT_WRITE) || !(flags & MAP_SHARED) ||
        !counts(fd, &st) || !path_of(fd, path))
        return map;
    if (strlen(path) < sizeof spared ||
        strcmp(path + strlen(path) - (sizeof spared - 1), spared) != 0)
        make_void("a file is written through a shared mapping");
    return map;
}

void *mmap64(void *near, size_t len, int prot, int flags, int fd, off64_t at)
{
    return mmap(near, len, prot, flags, fd, at);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void *_Atomic real_write, *_Atomic real_pwrite64, *_Atomic real_writev,
    *_Atomic real_pwritev64, *_Atomic real_sendfile, *_Atomic real_copy_file_range;

/* What was written from `at` on, piece by piece as the caller had it. */
static void note_written(int fd, const struct stat *st, const struct iovec *v, int n, ssize_t done,
                         off_t at)
{
    int how = fcntl(fd, F_GETFL);
    size_t left = (size_t)done;

    for (int i = 0; i < n && left > 0; i++) {
        size_t len = v[i].iov_len < left ? v[i].iov_len : left;

        if (len)
            note((struct record_head){.kind = RECORD_WRITE,
                                      .flags = how & O_DSYNC ? RECORD_SYNCED : 0,
                                      .ino = st->st_ino,
                                      .at = (uint64_t)at,
                                      .data_len = (uint32_t)len},
                 NULL, NULL, v[i].iov_base);
        at += (off_t)len;
        left -= len;
    }
}

static off_t place_after(int fd, ssize_t done)
{
    return lseek(fd, 0, SEEK_CUR) - done;
}

ssize_t write(int fd, const void *buf, size_t n)
{
    struct iovec v = {(void *)(uintptr_t)buf, n};
    struct stat st;
    ssize_t done;

    if (!counts(fd, &st)) {
        note_said(fd, buf, n);
        return REAL(ssize_t(*)(int, const void *, size_t), write)(fd, buf, n);
    }
    enter();
    done = REAL(ssize_t(*)(int, const void *, size_t), write)(fd, buf, n);
    if (done > 0)
        note_written(fd, &st, &v, 1, done, place_after(fd, done));
    leave();
    return done;
}

ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t at)
{
    struct iovec v = {(void *)(uintptr_t)buf, n};
    struct stat st;
    ssize_t done;

    if (!counts(fd, &st))
        return REAL(ssize_t(*)(int, const void *, size_t, off64_t), pwrite64)(fd, buf, n, at);
    enter();
    done = REAL(ssize_t(*)(int, const void *, size_t, off64_t), pwrite64)(fd, buf, n, at);
    if (done > 0)
        note_written(fd, &st, &v, 1, done, at);
    leave();
    return done;
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t at)
{
    return pwrite64(fd, buf, n, at);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
    struct stat st;
    ssize_t done;

    if (!counts(fd, &st)) {
        for (int i = 0; i < n && i < PIECES_MAX; i++)
            note_said(fd, v[i].iov_base, v[i].iov_len);
        return REAL(ssize_t(*)(int, const struct iovec *, int), writev)(fd, v, n);
    }
    enter();
    done = REAL(ssize_t(*)(int, const struct iovec *, int), writev)(fd, v, n);
    if (done > 0)
        note_written(fd, &st, v, n, done, place_after(fd, done));
    leave();
    return done;
}

ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t at)
{
    struct stat st;
    ssize_t done;

    if (!counts(fd, &st))
        return REAL(ssize_t(*)(int, const struct iovec *, int, off64_t), pwritev64)(fd, v, n, at);
    enter();
    done = REAL(ssize_t(*)(int, const struct iovec *, int, off64_t), pwritev64)(fd, v, n, at);
    if (done > 0)
        note_written(fd, &st, v, n, done, at);
    leave();
    return done;
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
    return pwritev64(fd, v, n, at);
}

ssize_t sendfile(int out, int in, off_t *at, size_t n)
{
    struct stat st;

    if (counts(out, &st))
        make_void("sendfile");
    return REAL(ssize_t(*)(int, int, off_t *, size_t), sendfile)(out, in, at, n);
}

ssize_t sendfile64(int out, int in, off64_t *at, size_t n)
{
    return sendfile(out, in, at, n);
}

ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t n, unsigned flags)
{
    struct stat st;

    if (counts(out, &st))
        make_void("copy_file_range");
    return REAL(ssize_t(*)(int, off64_t *, int, off64_t *, size_t, unsigned),
                copy_file_range)(in, in_at, out, out_at, n, flags);
}

/* --- sizes and modes -------------------------------------------------------------------------- */

static void *_Atomic real_ftruncate64, *_Atomic real_truncate64, *_Atomic real_fallocate64,
    *_Atomic real_posix_fallocate64, *_Atomic real_fchmod, *_Atomic real_fchmodat;

static void note_size(uint64_t ino, off64_t size)
{
    note((struct record_head){.kind = RECORD_RESIZE, .ino = ino, .at = (uint64_t)size}, NULL, NULL,
         NULL);
}

int ftruncate64(int fd, off64_t size)
{
    struct stat st;
    int rc;

    if (!counts(fd, &st))
        return REAL(int (*)(int, off64_t), ftruncate64)(fd, size);
    enter();
    rc = REAL(int (*)(int, off64_t), ftruncate64)(fd, size);
    if (!rc)
        note_size(st.st_ino, size);
    leave();
    return rc;
}

int ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

int truncate64(const char *path, off64_t size)
{
    struct place p;
    int rc;

    if (!place_of(AT_FDCWD, path, &p))
        return REAL(int (*)(const char *, off64_t), truncate64)(path, size);
    enter();
    rc = REAL(int (*)(const char *, off64_t), truncate64)(path, size);
    if (!rc)
        note_size(p.st.st_ino, size);
    leave();
    return rc;
}

int truncate(const char *path, off_t size)
{
    return truncate64(path, size);
}

static void note_growth(int fd, const struct stat *before)
{
    struct stat now;

    if (fstat(fd, &now) == 0 && now.st_size != before->st_size)
        note_size(now.st_ino, now.st_size);
}

int fallocate64(int fd, int mode, off64_t at, off64_t len)
{
    struct stat st;
    int rc;

    if (!counts(fd, &st))
        return REAL(int (*)(int, int, off64_t, off64_t), fallocate64)(fd, mode, at, len);
    enter();
    rc = REAL(int (*)(int, int, off64_t, off64_t), fallocate64)(fd, mode, at, len);
    if (!rc && (mode & ~FALLOC_FL_KEEP_SIZE))
        note_void("fallocate that changes content");
    else if (!rc)
        note_growth(fd, &st);
    leave();
    return rc;
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
    return fallocate64(fd, mode, at, len);
}

int posix_fallocate64(int fd, off64_t at, off64_t len)
{
    struct stat st;
    int rc;

    if (!counts(fd, &st))
        return REAL(int (*)(int, off64_t, off64_t), posix_fallocate64)(fd, at, len);
    enter();
    rc = REAL(int (*)(int, off64_t, off64_t), posix_fallocate64)(fd, at, len);
    if (!rc)
        note_growth(fd, &st);
    leave();
    return rc;
}

int posix_fallocate(int fd, off_t at, off_t len)
{
    return posix_fallocate64(fd, at, len);
}

static void note_mode(uint64_t ino, mode_t mode)
{
    note((struct record_head){.kind = RECORD_CHMOD, .ino = ino, .mode = mode & MODE_BITS}, NULL,
         NULL, NULL);
}

int fchmod(int fd, mode_t mode)
{
    struct stat st;
    int rc;

    if (!counts(fd, &st))
        return REAL(int (*)(int, mode_t), fchmod)(fd, mode);
    enter();
    rc = REAL(int (*)(int, mode_t), fchmod)(fd, mode);
    if (!rc)
        note_mode(st.st_ino, mode);
    leave();
    return rc;
}

int fchmodat(int at, const char *path, mode_t mode, int flags)
{
    struct place p;
    int rc;

    if (!place_of(at, path, &p) || !p.there || !is_file(&p.st))
        return REAL(int (*)(int, const char *, mode_t, int), fchmodat)(at, path, mode, flags);
    enter();
    rc = REAL(int (*)(int, const char *, mode_t, int), fchmodat)(at, path, mode, flags);
    if (!rc)
        note_mode(p.st.st_ino, mode);
    leave();
    return rc;
}

int chmod(const char *path, mode_t mode)
{
    return fchmodat(AT_FDCWD, path, mode, 0);
}

/* --- syncing ---------------------------------------------------------------------------------- */

static void *_Atomic real_fsync, *_Atomic real_fdatasync, *_Atomic real_sync, *_Atomic real_syncfs;

static uint64_t reached(void)
{
    uint64_t size;

    enter();
    size = log_size();
    leave();
    return size;
}

/* What was recorded before the sync began had returned by then: that much it covers. */
static int sync_any(int fd, int (*real)(int), enum record_kind kind, uint16_t flags)
{
    struct stat st;
    uint64_t covers;
    int rc;

    if (!counts(fd, &st))
        return real(fd);
    covers = reached();
    rc = real(fd);
    enter();
    if (rc)
        note_void("a sync failed");
    else
        note(
            (struct record_head){
                .kind = (uint16_t)kind, .flags = flags, .ino = st.st_ino, .at = covers},
            NULL, NULL, NULL);
    leave();
    return rc;
}

int fsync(int fd)
{
    return sync_any(fd, REAL(int (*)(int), fsync), RECORD_SYNC, 0);
}

int fdatasync(int fd)
{
    return sync_any(fd, REAL(int (*)(int), fdatasync), RECORD_SYNC, RECORD_CONTENT);
}

int syncfs(int fd)
{
    return sync_any(fd, REAL(int (*)(int), syncfs), RECORD_SYNC_ALL, 0);
}

void sync(void)
{
    uint64_t covers = recording() ? reached() : 0;

    REAL(void (*)(void), sync)();
    if (!recording())
        return;
    enter();
    note((struct record_head){.kind = RECORD_SYNC_ALL, .at = covers}, NULL, NULL, NULL);
    leave();
}

/* --- names ------------------------------------------------------------------------------------ */

static void *_Atomic real_renameat2, *_Atomic real_unlinkat, *_Atomic real_mkdirat,
    *_Atomic real_linkat, *_Atomic real_symlinkat;

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    struct place a, b;
    bool from_ours = place_of(from_at, from, &a);
    bool to_ours = place_of(to_at, to, &b);
    int rc;

    if (!from_ours && !to_ours)
        return REAL(int (*)(int, const char *, int, const char *, unsigned),
                    renameat2)(from_at, from, to_at, to, flags);
    enter();
    rc = REAL(int (*)(int, const char *, int, const char *, unsigned), renameat2)(from_at, from,
                                                                                  to_at, to, flags);
    if (!rc && (from_ours != to_ours || (flags & ~(unsigned)RENAME_NOREPLACE)))
        note_void("something was moved into the directory, out of it, or exchanged");
    else if (!rc && is_file(&a.st))
        note(
            (struct record_head){
                .kind = RECORD_RENAME, .ino = a.dir, .ino2 = a.st.st_ino, .other = b.dir},
            a.name, b.name, NULL);
    leave();
    return rc;
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
    return renameat2(from_at, from, to_at, to, 0);
}

int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlinkat(int at, const char *path, int flags)
{
    struct place p;
    int rc;

    if (!place_of(at, path, &p) || !p.there || !is_file(&p.st))
        return REAL(int (*)(int, const char *, int), unlinkat)(at, path, flags);
    enter();
    rc = REAL(int (*)(int, const char *, int), unlinkat)(at, path, flags);
    if (!rc)
        note(
            (struct record_head){
                .kind = RECORD_UNLINK, .flags = folder(&p.st), .ino = p.dir, .ino2 = p.st.st_ino},
            p.name, NULL, NULL);
    leave();
    return rc;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int remove(const char *path)
{
    int rc = unlinkat(AT_FDCWD, path, 0);

    return rc && errno == EISDIR ? unlinkat(AT_FDCWD, path, AT_REMOVEDIR) : rc;
}

int mkdirat(int at, const char *path, mode_t mode)
{
    struct place p;
    int rc;

    if (!place_of(at, path, &p))
        return REAL(int (*)(int, const char *, mode_t), mkdirat)(at, path, mode);
    enter();
    rc = REAL(int (*)(int, const char *, mode_t), mkdirat)(at, path, mode);
    if (!rc && place_of(at, path, &p) && p.there)
        note((struct record_head){.kind = RECORD_CREATE,
                                  .flags = RECORD_FOLDER,
                                  .mode = p.st.st_mode & MODE_BITS,
                                  .ino = p.dir,
                                  .ino2 = p.st.st_ino},
             p.name, NULL, NULL);
    leave();
    return rc;
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    struct place a, b;
    bool from_ours = place_of(from_at, from, &a);
    bool to_ours = place_of(to_at, to, &b);
    int rc;

    if (!to_ours)
        return REAL(int (*)(int, const char *, int, const char *, int), linkat)(from_at, from,
                                                                                to_at, to, flags);
    enter();
    rc = REAL(int (*)(int, const char *, int, const char *, int), linkat)(from_at, from, to_at, to,
                                                                          flags);
    if (!rc && !from_ours)
        note_void("something was linked into the directory");
    else if (!rc && is_file(&a.st))
        note((struct record_head){.kind = RECORD_LINK, .ino = b.dir, .ino2 = a.st.st_ino}, b.name,
             NULL, NULL);
    leave();
    return rc;
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int symlinkat(const char *content, int at, const char *path)
{
    struct place p;

    if (place_of(at, path, &p))
        make_void("symlink");
    return REAL(int (*)(const char *, int, const char *), symlinkat)(content, at, path);
}

int symlink(const char *content, const char *path)
{
    return symlinkat(content, AT_FDCWD, path);
}
