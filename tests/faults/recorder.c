/*
 * recorder - an LD_PRELOAD library that writes down what a process does to the files under one
 * directory and what it says to others, in one global order (recorder_format.h). powercut.c makes
 * of it what a machine could find on its disk after the current was cut.
 *
 *   RELAIS_RECORD_DIR=directory   that exists; everything below it counts
 *   RELAIS_RECORD_OUT=file        appended to; outside of the directory. The first process notes
 *                                 what is there; later ones (a daemon started again) go on
 *
 * Recorded: open and creat that make or empty a file, write, pwrite, writev, pwritev, ftruncate,
 * truncate, fallocate that grows, fsync, fdatasync, sync, syncfs, rename, link, unlink, rmdir,
 * mkdir, chmod. Descriptors are looked up in the kernel at each call, so dup, close, fork and a
 * descriptor that was passed on need no record. sync_file_range and msync promise nothing that
 * this model counts, and are not looked at. Sockets in the directory are not files.
 * What it cannot follow makes the recording void, which powercut_open() says: a writable shared
 * mapping (but of lock.mdb, whose content LMDB makes anew), stdio, sendfile, copy_file_range,
 * symlink, mkostemp and O_TMPFILE on files of the directory, a sync that failed, something moved
 * in or out. A log that cannot be written ends the process.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "recorder_internal.h"

#define PIECE 65536u

static int log_fd = -1;
static char root[PATH_MAX];
static size_t root_len;
static dev_t root_dev;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void *real_of(void *_Atomic *kept, const char *name)
{
    void *f = *kept;

    if (!f)
        *kept = f = dlsym(RTLD_NEXT, name);
    if (!f)
        _exit(97);
    return f;
}

static _Noreturn void give_up(const char *why)
{
    syscall(SYS_write, STDERR_FILENO, why, strlen(why));
    _exit(96);
}

bool recording(void)
{
    return log_fd >= 0;
}

/* --- the log ---------------------------------------------------------------------------------- */

/* One thread of one process at a time; a record lock ends with the process that holds it. */
void enter(void)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    pthread_mutex_lock(&lock);
    while (fcntl(log_fd, F_SETLKW, &whole) && errno == EINTR)
        ;
}

void leave(void)
{
    struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    int saved = errno;

    fcntl(log_fd, F_SETLK, &whole);
    pthread_mutex_unlock(&lock);
    errno = saved;
}

uint64_t log_size(void)
{
    struct stat st;

    if (fstat(log_fd, &st))
        give_up("recorder: the log is gone\n");
    return (uint64_t)st.st_size;
}

/* Between enter() and leave(). */
void note(struct record_head h, const char *name, const char *name2, const void *data)
{
    struct iovec v[4];
    int saved = errno;
    size_t total;

    h.magic = RECORD_MAGIC;
    h.pid = (int32_t)getpid();
    h.name_len = (uint16_t)(name ? strlen(name) : 0);
    h.name2_len = (uint16_t)(name2 ? strlen(name2) : 0);
    v[0] = (struct iovec){&h, sizeof h};
    v[1] = (struct iovec){(void *)(uintptr_t)name, h.name_len};
    v[2] = (struct iovec){(void *)(uintptr_t)name2, h.name2_len};
    v[3] = (struct iovec){(void *)(uintptr_t)data, h.data_len};
    total = v[0].iov_len + v[1].iov_len + v[2].iov_len + v[3].iov_len;
    if (syscall(SYS_writev, log_fd, v, 4) != (long)total)
        give_up("recorder: the log cannot be written\n");
    errno = saved;
}

void note_void(const char *why)
{
    note((struct record_head){.kind = RECORD_VOID, .data_len = (uint32_t)strlen(why)}, NULL, NULL,
         why);
}

void make_void(const char *why)
{
    enter();
    note_void(why);
    leave();
}

/* --- which files count ------------------------------------------------------------------------ */

bool path_of(int fd, char path[PATH_MAX])
{
    char link[64];
    ssize_t n;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, PATH_MAX - 1);
    if (n < 0)
        return false;
    path[n] = '\0';
    return true;
}

static bool is_below(const char *path)
{
    return strncmp(path, root, root_len) == 0 && (path[root_len] == '/' || !path[root_len]);
}

/* A file or directory of ours? Leaves errno alone. */
bool counts(int fd, struct stat *st)
{
    char path[PATH_MAX];
    int saved = errno;
    bool ours = log_fd >= 0 && fd >= 0 && fstat(fd, st) == 0 && st->st_dev == root_dev &&
                (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) && path_of(fd, path) &&
                is_below(path);

    errno = saved;
    return ours;
}

bool place_of(int at, const char *path, struct place *p)
{
    char parent[PATH_MAX];
    size_t len = path ? strlen(path) : 0;
    const char *slash;
    struct stat st;
    int saved = errno;
    bool ours = false;
    int fd;

    if (log_fd < 0 || len == 0 || len >= sizeof parent)
        return false;
    memcpy(parent, path, len + 1);
    while (len > 1 && parent[len - 1] == '/')
        parent[--len] = '\0';
    slash = strrchr(parent, '/');
    snprintf(p->name, sizeof p->name, "%.*s", NAME_MAX, slash ? slash + 1 : parent);
    if (!slash)
        memcpy(parent, ".", 2);
    else
        parent[slash == parent ? 1 : slash - parent] = '\0';
    fd = (int)syscall(SYS_openat, at, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        ours = counts(fd, &st);
        p->dir = st.st_ino;
        p->there = fstatat(fd, p->name, &p->st, AT_SYMLINK_NOFOLLOW) == 0;
        syscall(SYS_close, fd);
    }
    errno = saved;
    return ours;
}

bool is_file(const struct stat *st)
{
    return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode);
}

uint16_t folder(const struct stat *st)
{
    return S_ISDIR(st->st_mode) ? RECORD_FOLDER : 0;
}

/* --- the beginning ---------------------------------------------------------------------------- */

static void note_content(int fd, const struct stat *st)
{
    static char piece[PIECE];
    static const char zeros[PIECE];
    ssize_t n;

    for (off_t at = 0; (n = pread(fd, piece, sizeof piece, at)) > 0; at += n)
        if (memcmp(piece, zeros, (size_t)n) != 0)
            note((struct record_head){.kind = RECORD_WRITE,
                                      .flags = RECORD_BASE,
                                      .ino = st->st_ino,
                                      .at = (uint64_t)at,
                                      .data_len = (uint32_t)n},
                 NULL, NULL, piece);
    note((struct record_head){.kind = RECORD_RESIZE,
                              .flags = RECORD_BASE,
                              .ino = st->st_ino,
                              .at = (uint64_t)st->st_size},
         NULL, NULL, NULL);
}

static void note_tree(int dir, uint64_t ino)
{
    DIR *d = fdopendir(dir);
    const struct dirent *one;
    struct stat st;
    int fd;

    if (!d)
        give_up("recorder: a directory cannot be read\n");
    while ((one = readdir(d))) {
        if (strcmp(one->d_name, ".") == 0 || strcmp(one->d_name, "..") == 0)
            continue;
        if (fstatat(dir, one->d_name, &st, AT_SYMLINK_NOFOLLOW) || !is_file(&st))
            continue;
        fd = (int)syscall(SYS_openat, dir, one->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
            give_up("recorder: a file cannot be read\n");
        note((struct record_head){.kind = RECORD_CREATE,
                                  .flags = (uint16_t)(RECORD_BASE | folder(&st)),
                                  .mode = st.st_mode & MODE_BITS,
                                  .ino = ino,
                                  .ino2 = st.st_ino},
             one->d_name, NULL, NULL);
        if (S_ISDIR(st.st_mode)) {
            note_tree(fd, st.st_ino); /* closes it */
        } else {
            note_content(fd, &st);
            syscall(SYS_close, fd);
        }
    }
    closedir(d);
}

static void note_root(int dir)
{
    struct stat st;

    if (fstat(dir, &st))
        give_up("recorder: no directory\n");
    note((struct record_head){.kind = RECORD_ROOT,
                              .mode = st.st_mode & MODE_BITS,
                              .ino = st.st_ino,
                              .data_len = (uint32_t)root_len},
         NULL, NULL, root);
    note_tree(dir, st.st_ino);
}

/* A process that was killed while it appended leaves a record in part: it never returned. */
static void tail_mend(void)
{
    uint64_t size = log_size();
    uint64_t at = 0;
    struct record_head h;

    while (at + sizeof h <= size && pread(log_fd, &h, sizeof h, (off_t)at) == sizeof h) {
        uint64_t whole = sizeof h + h.name_len + h.name2_len + (uint64_t)h.data_len;

        if (h.magic != RECORD_MAGIC)
            give_up("recorder: that is no log of mine\n");
        if (at + whole > size)
            break;
        at += whole;
    }
    if (at < size && syscall(SYS_ftruncate, log_fd, (long)at))
        give_up("recorder: the log cannot be cut\n");
}

static void lock_before(void)
{
    pthread_mutex_lock(&lock);
}

static void unlock_after(void)
{
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void start(void)
{
    const char *where = getenv("RELAIS_RECORD_DIR");
    const char *out = getenv("RELAIS_RECORD_OUT");
    char self[PATH_MAX];
    struct stat st;
    ssize_t n;
    int dir;

    if (!where || !out)
        return;
    dir = (int)syscall(SYS_openat, AT_FDCWD, where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || !path_of(dir, root) || fstat(dir, &st))
        give_up("recorder: RELAIS_RECORD_DIR is no directory\n");
    root_len = strlen(root);
    root_dev = st.st_dev;
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, out, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0)
        give_up("recorder: RELAIS_RECORD_OUT cannot be opened\n");
    /* far from the numbers that a program closes in a row */
    if ((dir = fcntl(log_fd, F_DUPFD_CLOEXEC, 700)) >= 0 || errno == EINVAL) {
        if (dir >= 0) {
            syscall(SYS_close, log_fd);
            log_fd = dir;
        }
    }
    pthread_atfork(lock_before, unlock_after, unlock_after);
    n = readlink("/proc/self/exe", self, sizeof self - 1);
    enter();
    if (log_size() == 0)
        note_root((int)syscall(SYS_openat, AT_FDCWD, where, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    else
        tail_mend();
    note((struct record_head){.kind = RECORD_START, .data_len = (uint32_t)(n > 0 ? n : 0)}, NULL,
         NULL, self);
    leave();
}

/* --- what is said ----------------------------------------------------------------------------- */

static void *_Atomic real_send, *_Atomic real_sendto, *_Atomic real_sendmsg,
    *_Atomic real_zmq_msg_send;

static bool is_local_socket(int fd)
{
    struct stat st;
    socklen_t size = sizeof(int);
    int saved = errno;
    int domain = 0;
    bool is = log_fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) &&
              getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;

    errno = saved;
    return is;
}

void note_said(int fd, const void *buf, size_t n)
{
    if (n == 0 || n > UINT32_MAX || !is_local_socket(fd))
        return;
    enter();
    note((struct record_head){.kind = RECORD_SEND, .data_len = (uint32_t)n}, NULL, NULL, buf);
    leave();
}

ssize_t send(int fd, const void *buf, size_t n, int flags)
{
    note_said(fd, buf, n);
    return REAL(ssize_t(*)(int, const void *, size_t, int), send)(fd, buf, n, flags);
}

ssize_t sendto(int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG to, socklen_t len)
{
    note_said(fd, buf, n);
    return REAL(ssize_t(*)(int, const void *, size_t, int, const struct sockaddr *, socklen_t),
                sendto)(fd, buf, n, flags, to.__sockaddr__, len);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    for (size_t i = 0; i < (size_t)m->msg_iovlen && i < PIECES_MAX; i++)
        note_said(fd, m->msg_iov[i].iov_base, m->msg_iov[i].iov_len);
    return REAL(ssize_t(*)(int, const struct msghdr *, int), sendmsg)(fd, m, flags);
}

/* In front of libzmq, where a frame is still in clear; weak, for programs without it. */
int zmq_msg_send(void *msg, void *socket, int flags);
__attribute__((weak)) void *zmq_msg_data(void *msg);
__attribute__((weak)) size_t zmq_msg_size(const void *msg);
#define ZMQ_SNDMORE_FLAG 2

int zmq_msg_send(void *msg, void *socket, int flags)
{
    if (log_fd >= 0) {
        enter();
        note((struct record_head){.kind = RECORD_FRAME,
                                  .flags = flags & ZMQ_SNDMORE_FLAG ? RECORD_MORE : 0,
                                  .data_len = (uint32_t)zmq_msg_size(msg)},
             NULL, NULL, zmq_msg_data(msg));
        leave();
    }
    return REAL(int (*)(void *, void *, int), zmq_msg_send)(msg, socket, flags);
}
