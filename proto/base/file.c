#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "file.h"

#define DRAFT_PREFIX ".tmp-"
#define DRAFT_FORM DRAFT_PREFIX "%d-%u" /* pid, number */

enum {
    READ_STEP = 4096,
    NAME_TRIES = 100, /* temporary names left by a crash that are stepped over */
    OTHERS_BITS = S_IRWXG | S_IRWXO,
    MODE_BITS = 07777,
};

/* ---- errno ---- */

enum err err_from_errno(int number)
{
    switch (number) {
    case 0:
        return ERR_OK;
    case ENOMEM:
        return ERR_NOMEM;
    case ENOENT:
        return ERR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
        return ERR_EXISTS;
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case EROFS:
        return ERR_READONLY;
    case EACCES:
    case EPERM:
        return ERR_PERMISSION;
    case EAGAIN:
        return ERR_AGAIN;
    case EBUSY:
        return ERR_LOCKED;
    case EFBIG:
        return ERR_SIZE;
    case EINVAL:
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
        return ERR_USAGE;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
    case ENOTCONN:
        return ERR_CLOSED;
    case EOPNOTSUPP:
    case ENOSYS:
        return ERR_UNSUPPORTED;
    default:
        return ERR_IO;
    }
}

static enum err last_err(void)
{
    return err_from_errno(errno);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd); /* what had to last was synced before */
    *fd = -1;
}

/* ---- reading ---- */

/* Until the end, or one byte more than max. `hint` makes one allocation enough for a plain file,
 * so that a secret is never left behind by a growing buffer. */
static enum err read_all(int fd, size_t max, size_t hint, struct bytes *out)
{
    enum err e;

    if ((e = bytes_reserve(out, hint + 1)))
        return e;
    for (;;) {
        ssize_t n;

        if (out->cap - out->len == 0 && (e = bytes_reserve(out, READ_STEP)))
            return e;
        n = read(fd, out->ptr + out->len, out->cap - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return last_err();
        if (n == 0)
            return ERR_OK;
        out->len += (size_t)n;
        if (out->len > max)
            return ERR_SIZE;
    }
}

static enum err open_and_read(const char *path, size_t max, bool secret, struct bytes *out)
{
    struct bytes made = {0};
    struct stat st;
    int fd;
    enum err e = ERR_OK;

    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0) {
        e = last_err();
        goto out;
    }
    if (S_ISDIR(st.st_mode)) {
        e = ERR_USAGE;
        goto out;
    }
    if (secret && (!S_ISREG(st.st_mode) || (st.st_mode & OTHERS_BITS) ||
                   (st.st_uid != geteuid() && st.st_uid != 0))) {
        e = ERR_PERMISSION;
        goto out;
    }
    if (st.st_size > 0 && (uint64_t)st.st_size > max) {
        e = ERR_SIZE;
        goto out;
    }
    if ((e = read_all(fd, max, (size_t)st.st_size, &made)))
        goto out;
    bytes_free(out);
    *out = made;
    made = (struct bytes){0};
out:
    file_secret_free(&made);
    close_fd(&fd);
    return e;
}

enum err file_read(const char *path, size_t max, struct bytes *out)
{
    return open_and_read(path, max, false, out);
}

enum err file_read_secret(const char *path, size_t max, struct bytes *out)
{
    return open_and_read(path, max, true, out);
}

void file_secret_free(struct bytes *secret)
{
    if (secret->ptr)
        explicit_bzero(secret->ptr, secret->cap);
    bytes_free(secret);
}

/* ---- writing ---- */

/* A file in the making, beside the one it will be. */
struct draft {
    int dir;
    int fd;
    char *path; /* copies: dirname() and basename() cut them */
    char *path2;
    const char *name;
    char temporary[64];
    bool exists;
};

static enum err open_dir_of(struct draft *d, const char *path)
{
    *d = (struct draft){.dir = -1, .fd = -1};
    d->path = malloc(strlen(path) + 1);
    d->path2 = malloc(strlen(path) + 1);
    if (!d->path || !d->path2)
        return ERR_NOMEM;
    memcpy(d->path, path, strlen(path) + 1);
    memcpy(d->path2, path, strlen(path) + 1);
    d->name = basename(d->path2);
    d->dir = open(dirname(d->path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return d->dir < 0 ? last_err() : ERR_OK;
}

static enum err draft_create(struct draft *d)
{
    static atomic_uint counter;

    for (int i = 0; i < NAME_TRIES; i++) {
        snprintf(d->temporary, sizeof d->temporary, DRAFT_FORM, (int)getpid(),
                 atomic_fetch_add(&counter, 1));
        d->fd = openat(d->dir, d->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (d->fd >= 0)
            break;
        if (errno != EEXIST)
            return last_err();
    }
    d->exists = d->fd >= 0;
    return d->exists ? ERR_OK : ERR_EXISTS;
}

static enum err write_all(int fd, struct span content)
{
    while (content.len > 0) {
        ssize_t n = write(fd, content.ptr, content.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EFBIG ? ERR_FULL : last_err(); /* a limit of the process or disk */
        content = span_of(content.ptr + n, content.len - (size_t)n);
    }
    return ERR_OK;
}

static enum err draft_fill(struct draft *d, struct span content, unsigned mode)
{
    enum err e;

    if ((e = draft_create(d)))
        return e;
    if ((e = write_all(d->fd, content)))
        return e;
    if (fchmod(d->fd, mode & MODE_BITS) < 0 || fsync(d->fd) < 0)
        return last_err();
    return ERR_OK;
}

/* RENAME_NOREPLACE first, as it works on a FAT stick too; link() where it is not known. */
static int move_new(struct draft *d)
{
    if (renameat2(d->dir, d->temporary, d->dir, d->name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (linkat(d->dir, d->temporary, d->dir, d->name, 0) < 0)
        return -1;
    return unlinkat(d->dir, d->temporary, 0);
}

static enum err write_file(const char *path, struct span content, unsigned mode, bool replace)
{
    struct draft d;
    int moved;
    enum err e;

    if ((e = open_dir_of(&d, path)))
        goto out;
    if ((e = draft_fill(&d, content, mode)))
        goto out;
    moved = replace ? renameat(d.dir, d.temporary, d.dir, d.name) : move_new(&d);
    if (moved < 0) {
        e = last_err();
        goto out;
    }
    d.exists = false;
    e = fsync(d.dir) < 0 ? ERR_UNKNOWN : ERR_OK;
out:
    if (d.exists)
        unlinkat(d.dir, d.temporary, 0);
    close_fd(&d.fd);
    close_fd(&d.dir);
    free(d.path);
    free(d.path2);
    return e;
}

enum err file_write_atomic(const char *path, struct span content, unsigned mode)
{
    return write_file(path, content, mode, true);
}

enum err file_write_new(const char *path, struct span content, unsigned mode)
{
    return write_file(path, content, mode, false);
}

/* ---- what a killed write left ---- */

/* Of a process that is no more: nobody will ever rename it. */
static bool is_orphan(int dir, const char *name)
{
    const char *number = name + sizeof DRAFT_PREFIX - 1;
    struct stat st;
    char *end;
    long pid;

    if (strncmp(name, DRAFT_PREFIX, sizeof DRAFT_PREFIX - 1) != 0 || *number < '1' || *number > '9')
        return false;
    pid = strtol(number, &end, 10);
    if (*end != '-' || end[1] < '0' || end[1] > '9' || pid > INT_MAX)
        return false;
    strtoul(end + 1, &end, 10);
    return *end == '\0' && kill((pid_t)pid, 0) < 0 && errno == ESRCH &&
           fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_uid == geteuid();
}

static enum err orphans_remove(int at)
{
    int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *d;
    enum err e = ERR_OK;

    if (!list) {
        e = last_err();
        close_fd(&fd);
        return e;
    }
    /* cppcheck-suppress readdirCalled ; nobody else reads this DIR */
    while (!e && (d = readdir(list)))
        if (is_orphan(at, d->d_name) && unlinkat(at, d->d_name, 0) < 0 && errno != ENOENT)
            e = last_err();
    closedir(list);
    return e;
}

enum err file_is_free(const char *path)
{
    struct draft d;
    struct stat st;
    enum err e;

    if ((e = open_dir_of(&d, path)))
        goto out;
    if (fstatat(d.dir, d.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        e = ERR_EXISTS;
    else if (errno != ENOENT)
        e = last_err();
    else
        e = orphans_remove(d.dir);
out:
    close_fd(&d.dir);
    free(d.path);
    free(d.path2);
    return e;
}

enum err file_remove(const char *path)
{
    struct draft d;
    enum err e;

    if ((e = open_dir_of(&d, path)))
        goto out;
    if (unlinkat(d.dir, d.name, 0) < 0)
        e = last_err();
    else
        e = fsync(d.dir) < 0 ? ERR_UNKNOWN : ERR_OK;
out:
    close_fd(&d.dir);
    free(d.path);
    free(d.path2);
    return e;
}

/* ---- directories ---- */

/* The entry of a directory is in its parent. One we may not even read is nothing to wait for. */
static enum err entry_sync(int dir)
{
    int parent = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err e = parent >= 0 && fsync(parent) < 0 ? ERR_UNKNOWN : ERR_OK;

    close_fd(&parent);
    return e;
}

enum err dir_make(const char *path, unsigned mode)
{
    struct stat st;
    int fd = -1;
    enum err e = ERR_OK;
    bool made = mkdir(path, mode & MODE_BITS) == 0;

    if (!made && errno != EEXIST)
        return last_err();
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOTDIR || errno == ELOOP ? ERR_EXISTS : last_err();
    if ((made && fchmod(fd, mode & MODE_BITS) < 0) || fstat(fd, &st) < 0)
        e = last_err();
    else if ((st.st_mode & MODE_BITS & ~mode) || (st.st_uid != geteuid() && st.st_uid != 0))
        e = ERR_PERMISSION;
    else if (fsync(fd) < 0) /* whoever made it may have been ended before this */
        e = last_err();
    else
        e = entry_sync(fd);
    close_fd(&fd);
    return e;
}

enum err dir_lock(const char *dir, int *out)
{
    char pid[24];
    int at;
    int fd = -1;
    enum err e = ERR_OK;

    at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at >= 0)
        fd = openat(at, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        e = last_err();
        goto out;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        e = errno == EWOULDBLOCK ? ERR_LOCKED : last_err();
        goto out;
    }
    snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0) {
        e = last_err();
        goto out;
    }
    if ((e = write_all(fd, span_text(pid))))
        goto out;
    *out = fd;
    fd = -1;
out:
    close_fd(&fd);
    close_fd(&at);
    return e;
}

void dir_unlock(int *fd)
{
    close_fd(fd); /* the file stays: removing it would let two processes lock two files */
}

bool fs_magic_is_network(uint64_t magic)
{
    static const uint32_t network[] = {
        NFS_SUPER_MAGIC, SMB_SUPER_MAGIC,  SMB2_SUPER_MAGIC,      CIFS_SUPER_MAGIC,
        AFS_SUPER_MAGIC, AFS_FS_MAGIC,     CODA_SUPER_MAGIC,      NCP_SUPER_MAGIC,
        V9FS_MAGIC,      CEPH_SUPER_MAGIC, 0x01161970 /* GFS2 */, 0x7461636f /* OCFS2 */,
    };

    for (size_t i = 0; i < sizeof network / sizeof network[0]; i++)
        if (magic == network[i])
            return true;
    return false;
}

enum err file_is_network_fs(const char *path, bool *network)
{
    struct statfs fs;

    if (statfs(path, &fs) < 0)
        return last_err();
    *network = fs_magic_is_network((uint32_t)fs.f_type);
    return ERR_OK;
}
