/*
 * preload_faults - an LD_PRELOAD shim that makes a real process fail where a test says.
 *
 *   RELAIS_FAULT="point:n[:times]"   n counts from 1; times: how often from there on (1 if absent,
 *                                    * for ever)
 *     before-commit:n    SIGKILL on entering the n-th commit that has something to write
 *     after-commit:n     SIGKILL when that commit has returned
 *     commit-hang:n      the n-th such commit never returns: a disk that answers no more
 *     during-delivery:n  SIGKILL on the n-th send of a DELIVER frame
 *     before-receipt:n   the same for a RECEIPT frame: the commit is done, the answer is not out
 *     write-enospc:n  write-eio:n  write-erofs:n   the n-th write into the data file fails
 *     write-short:n      the n-th write is cut in the middle and says so, as a full disk does
 *     sync-eio:n         the n-th sync of the data file fails
 *     file-enospc:n  file-eio:n  file-erofs:n      any write or sync of any file, n-th (see below)
 *     read-eio:n         the n-th read of a file fails
 *     kill-write:n  kill-sync:n  kill-rename:n  kill-send:n
 *                        SIGKILL on entering the n-th such system call, whatever the file or socket
 *                        (kill-sync: fsync, fdatasync, and a write to a descriptor that syncs)
 *     kill-torn:n        half of the n-th write into a file, then SIGKILL
 *     kill-chunk:n       SIGKILL on the n-th send of a chunk of an attachment (ATT_PUT, ATT_CHUNK)
 *     cut-chunk:n        every TCP connection of the process is cut there
 *     kill-part:n        half of the n-th write into an attachment in the making, then SIGKILL
 *     part-enospc:n      the n-th such write fails
 *     zap-dead:n         the n-th receive of the ZAP thread fails
 *     zap-absent:1       the ZAP endpoint is never bound: nobody answers handshakes
 *     bind-wait:n        when the n-th TCP endpoint is bound, its caller stands still for 2 s
 *   RELAIS_FAULT_LOG=file     one line appended for every fault that has really fired
 *   RELAIS_CLOCK_FILE=file    milliseconds (text) added to CLOCK_REALTIME, read again when changed
 *
 * "The data file" is every path that ends in /data.mdb; the log of the process itself (descriptors
 * 0 to 2), sockets and pipes never fail.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* What we stand in front of; the libraries' headers belong to other folders. */
struct MDB_env;
struct MDB_txn;
struct MDB_cursor;
struct MDB_val;
#define MDB_RDONLY_FLAG 0x20000u
int mdb_txn_begin(struct MDB_env *env, struct MDB_txn *parent, unsigned flags,
                  struct MDB_txn **out);
int mdb_txn_commit(struct MDB_txn *txn);
void mdb_txn_abort(struct MDB_txn *txn);
int mdb_put(struct MDB_txn *txn, unsigned dbi, struct MDB_val *key, struct MDB_val *data,
            unsigned flags);
int mdb_del(struct MDB_txn *txn, unsigned dbi, struct MDB_val *key, struct MDB_val *data);
int zmq_msg_send(void *msg, void *socket, int flags);
int zmq_recv(void *socket, void *buf, size_t len, int flags);
int zmq_bind(void *socket, const char *endpoint);
void *zmq_msg_data(void *msg);
size_t zmq_msg_size(const void *msg);

enum point {
    BEFORE_COMMIT,
    AFTER_COMMIT,
    COMMIT_HANG,
    DURING_DELIVERY,
    BEFORE_RECEIPT,
    WRITE_ENOSPC,
    WRITE_EIO,
    WRITE_EROFS,
    WRITE_SHORT,
    SYNC_EIO,
    FILE_ENOSPC,
    FILE_EIO,
    FILE_EROFS,
    READ_EIO,
    KILL_WRITE,
    KILL_SYNC,
    KILL_RENAME,
    KILL_SEND,
    KILL_TORN,
    KILL_CHUNK,
    CUT_CHUNK,
    KILL_PART,
    PART_ENOSPC,
    ZAP_DEAD,
    ZAP_ABSENT,
    BIND_WAIT,
    POINTS
};

static const char *const names[POINTS] = {
    [BEFORE_COMMIT] = "before-commit",
    [AFTER_COMMIT] = "after-commit",
    [COMMIT_HANG] = "commit-hang",
    [DURING_DELIVERY] = "during-delivery",
    [BEFORE_RECEIPT] = "before-receipt",
    [WRITE_ENOSPC] = "write-enospc",
    [WRITE_EIO] = "write-eio",
    [WRITE_EROFS] = "write-erofs",
    [WRITE_SHORT] = "write-short",
    [SYNC_EIO] = "sync-eio",
    [FILE_ENOSPC] = "file-enospc",
    [FILE_EIO] = "file-eio",
    [FILE_EROFS] = "file-erofs",
    [ZAP_DEAD] = "zap-dead",
    [READ_EIO] = "read-eio",
    [KILL_WRITE] = "kill-write",
    [KILL_SYNC] = "kill-sync",
    [KILL_RENAME] = "kill-rename",
    [KILL_SEND] = "kill-send",
    [KILL_TORN] = "kill-torn",
    [KILL_CHUNK] = "kill-chunk",
    [CUT_CHUNK] = "cut-chunk",
    [KILL_PART] = "kill-part",
    [PART_ENOSPC] = "part-enospc",
    [ZAP_ABSENT] = "zap-absent",
    [BIND_WAIT] = "bind-wait",
};

static enum point armed = POINTS;
static unsigned long first, last; /* which ones, inclusive */
static _Atomic unsigned long seen;
static char log_path[PATH_MAX];
static char clock_path[PATH_MAX];

#define REAL(type, name) ((type)(uintptr_t)real_of(&real_##name, #name))
static void *real_of(void *_Atomic *kept, const char *name)
{
    void *f = *kept;

    if (!f)
        *kept = f = dlsym(RTLD_NEXT, name);
    if (!f)
        _exit(97);
    return f;
}

/* --- arming --------------------------------------------------------------------------------- */

static void copy_env(const char *name, char *out, size_t size)
{
    const char *value = getenv(name);

    snprintf(out, size, "%s", value ? value : "");
}

static void arm(const char *text)
{
    size_t n = strcspn(text, ":");
    char *end;

    for (enum point p = 0; p < POINTS; p++)
        if (strlen(names[p]) == n && strncmp(names[p], text, n) == 0)
            armed = p;
    if (armed == POINTS || text[n] != ':')
        _exit(98); /* a typing error in a test must not look like "no fault fired" */
    first = strtoul(text + n + 1, &end, 10);
    last = first;
    if (*end == ':')
        last = end[1] == '*' ? ULONG_MAX : first + strtoul(end + 1, NULL, 10) - 1;
}

__attribute__((constructor)) static void start(void)
{
    const char *fault = getenv("RELAIS_FAULT");

    copy_env("RELAIS_FAULT_LOG", log_path, sizeof log_path);
    copy_env("RELAIS_CLOCK_FILE", clock_path, sizeof clock_path);
    if (fault && *fault)
        arm(fault);
}

static ssize_t plain_write(int fd, const void *buf, size_t n);

static void note(void)
{
    char line[96];
    int fd;
    int n;

    if (!log_path[0] || (fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0)
        return;
    n = snprintf(line, sizeof line, "%s %lu\n", names[armed], (unsigned long)seen);
    if (plain_write(fd, line, (size_t)n) < 0)
        _exit(96);
    close(fd);
}

/* One more event of this point: does it fail? */
static int strikes(enum point p)
{
    unsigned long now;

    if (armed != p)
        return 0;
    now = ++seen;
    if (now < first || now > last)
        return 0;
    note();
    return 1;
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* --- files ---------------------------------------------------------------------------------- */

enum sort {
    SORT_OTHER,
    SORT_FILE,
    SORT_DATA,
    SORT_PART
};

static int ends_in(const char *path, size_t n, const char *tail)
{
    size_t len = strlen(tail);

    return n >= len && strcmp(path + n - len, tail) == 0;
}

static enum sort sort_of(int fd)
{
    char link[64];
    char path[PATH_MAX];
    struct stat st;
    ssize_t n;

    if (fd <= STDERR_FILENO || fstat(fd, &st) || !S_ISREG(st.st_mode))
        return SORT_OTHER;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof path - 1);
    if (n < 0)
        return SORT_OTHER;
    path[n] = '\0';
    if (ends_in(path, (size_t)n, "/data.mdb"))
        return SORT_DATA;
    return ends_in(path, (size_t)n, ".part") ? SORT_PART : SORT_FILE;
}

static int number_of(enum point p)
{
    switch (p) {
    case WRITE_ENOSPC:
    case FILE_ENOSPC:
    case PART_ENOSPC:
        return ENOSPC;
    case WRITE_EROFS:
    case FILE_EROFS:
        return EROFS;
    default:
        return EIO;
    }
}

/* Is this the write to die at? A pipe and the process's own words are no writes that matter. */
static void write_kills(int fd)
{
    int saved = errno;

    if (armed == KILL_WRITE && sort_of(fd) != SORT_OTHER && strikes(KILL_WRITE))
        die();
    if (armed == KILL_SYNC && sort_of(fd) != SORT_OTHER &&
        (fcntl(fd, F_GETFL) & (O_DSYNC | O_SYNC)) && strikes(KILL_SYNC))
        die();
    errno = saved;
}

/* Does this write fail? *cut: write half of it instead. */
static int write_fails(int fd, int *cut)
{
    enum sort s;
    int saved = errno;
    int fails = 0;

    *cut = 0;
    if (armed == KILL_WRITE || armed == KILL_SYNC)
        write_kills(fd);
    if (armed == KILL_TORN && sort_of(fd) != SORT_OTHER)
        *cut = strikes(KILL_TORN);
    if (armed == KILL_PART && sort_of(fd) == SORT_PART)
        *cut = strikes(KILL_PART);
    if (armed == PART_ENOSPC && sort_of(fd) == SORT_PART && strikes(PART_ENOSPC)) {
        errno = ENOSPC;
        return 1;
    }
    if (armed < WRITE_ENOSPC || armed > FILE_EROFS)
        return 0;
    s = sort_of(fd);
    if (s == SORT_DATA && armed == WRITE_SHORT)
        *cut = strikes(WRITE_SHORT);
    else if (s == SORT_DATA && armed <= WRITE_EROFS)
        fails = strikes(armed);
    else if (s != SORT_OTHER && armed >= FILE_ENOSPC)
        fails = strikes(armed);
    errno = fails ? number_of(armed) : saved;
    return fails;
}

static int sync_fails(int fd)
{
    int saved = errno;
    int fails = 0;

    if (armed == KILL_SYNC && sort_of(fd) != SORT_OTHER && strikes(KILL_SYNC))
        die();
    if (armed == SYNC_EIO && sort_of(fd) == SORT_DATA)
        fails = strikes(SYNC_EIO);
    else if (armed >= FILE_ENOSPC && armed <= FILE_EROFS && sort_of(fd) != SORT_OTHER)
        fails = strikes(armed);
    errno = fails ? number_of(armed) : saved;
    return fails;
}

static void *_Atomic real_write, *_Atomic real_pwrite64, *_Atomic real_writev,
    *_Atomic real_pwritev64, *_Atomic real_fsync, *_Atomic real_fdatasync;

static ssize_t plain_write(int fd, const void *buf, size_t n)
{
    return REAL(ssize_t(*)(int, const void *, size_t), write)(fd, buf, n);
}

/* What was half written stays so. */
static ssize_t after(int cut, ssize_t written)
{
    if (cut && (armed == KILL_TORN || armed == KILL_PART))
        die();
    return written;
}

ssize_t write(int fd, const void *buf, size_t n)
{
    int cut;

    if (write_fails(fd, &cut))
        return -1;
    return after(cut, plain_write(fd, buf, cut ? n / 2 : n));
}

ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t at)
{
    int cut;

    if (write_fails(fd, &cut))
        return -1;
    return after(cut, REAL(ssize_t(*)(int, const void *, size_t, off64_t),
                           pwrite64)(fd, buf, cut ? n / 2 : n, at));
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t at)
{
    return pwrite64(fd, buf, n, at);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
    int cut;

    if (write_fails(fd, &cut))
        return -1;
    if (cut)
        return after(cut, plain_write(fd, v[0].iov_base, v[0].iov_len / 2));
    return REAL(ssize_t(*)(int, const struct iovec *, int), writev)(fd, v, n);
}

ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t at)
{
    int cut;

    if (write_fails(fd, &cut))
        return -1;
    if (cut)
        return after(cut, REAL(ssize_t(*)(int, const void *, size_t, off64_t),
                               pwrite64)(fd, v[0].iov_base, v[0].iov_len / 2, at));
    return REAL(ssize_t(*)(int, const struct iovec *, int, off64_t), pwritev64)(fd, v, n, at);
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
    return pwritev64(fd, v, n, at);
}

int fsync(int fd)
{
    return sync_fails(fd) ? -1 : REAL(int (*)(int), fsync)(fd);
}

int fdatasync(int fd)
{
    return sync_fails(fd) ? -1 : REAL(int (*)(int), fdatasync)(fd);
}

/* --- reading, renaming, sending ----------------------------------------------------------------
 */

static void *_Atomic real_read, *_Atomic real_pread64, *_Atomic real_rename, *_Atomic real_renameat,
    *_Atomic real_renameat2, *_Atomic real_send, *_Atomic real_sendmsg;

static int read_fails(int fd)
{
    int saved = errno;
    int fails = armed == READ_EIO && sort_of(fd) != SORT_OTHER && strikes(READ_EIO);

    errno = fails ? EIO : saved;
    return fails;
}

ssize_t read(int fd, void *buf, size_t n)
{
    return read_fails(fd) ? -1 : REAL(ssize_t(*)(int, void *, size_t), read)(fd, buf, n);
}

ssize_t pread64(int fd, void *buf, size_t n, off64_t at)
{
    return read_fails(fd) ? -1
                          : REAL(ssize_t(*)(int, void *, size_t, off64_t), pread64)(fd, buf, n, at);
}

ssize_t pread(int fd, void *buf, size_t n, off_t at)
{
    return pread64(fd, buf, n, at);
}

static void kills_at(enum point p)
{
    if (armed == p && strikes(p))
        die();
}

int rename(const char *from, const char *to)
{
    kills_at(KILL_RENAME);
    return REAL(int (*)(const char *, const char *), rename)(from, to);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    kills_at(KILL_RENAME);
    return REAL(int (*)(int, const char *, int, const char *), renameat)(from_dir, from, to_dir,
                                                                         to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    kills_at(KILL_RENAME);
    return REAL(int (*)(int, const char *, int, const char *, unsigned),
                renameat2)(from_dir, from, to_dir, to, flags);
}

ssize_t send(int fd, const void *buf, size_t n, int flags)
{
    kills_at(KILL_SEND);
    return REAL(ssize_t(*)(int, const void *, size_t, int), send)(fd, buf, n, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
    kills_at(KILL_SEND);
    return REAL(ssize_t(*)(int, const struct msghdr *, int), sendmsg)(fd, msg, flags);
}

/* --- commits: LMDB has one write transaction at a time ---------------------------------------- */

static struct MDB_txn *_Atomic writing;
static _Atomic int dirty, hung;
static void *_Atomic real_mdb_txn_begin, *_Atomic real_mdb_txn_commit, *_Atomic real_mdb_txn_abort,
    *_Atomic real_mdb_put, *_Atomic real_mdb_del;

int mdb_txn_begin(struct MDB_env *env, struct MDB_txn *parent, unsigned flags, struct MDB_txn **out)
{
    int rc = REAL(int (*)(struct MDB_env *, struct MDB_txn *, unsigned, struct MDB_txn **),
                  mdb_txn_begin)(env, parent, flags, out);

    if (!rc && !(flags & MDB_RDONLY_FLAG)) {
        writing = *out;
        dirty = 0;
    }
    return rc;
}

int mdb_txn_commit(struct MDB_txn *txn)
{
    int counts = txn == writing && dirty;
    int rc;

    if (txn == writing)
        writing = NULL;
    if (counts && strikes(BEFORE_COMMIT))
        die();
    while (counts && (armed == COMMIT_HANG) && (hung || strikes(COMMIT_HANG))) {
        hung = 1;
        pause();
    }
    rc = REAL(int (*)(struct MDB_txn *), mdb_txn_commit)(txn);
    if (counts && strikes(AFTER_COMMIT))
        die();
    return rc;
}

void mdb_txn_abort(struct MDB_txn *txn)
{
    if (txn && txn == writing)
        writing = NULL;
    REAL(void (*)(struct MDB_txn *), mdb_txn_abort)(txn);
}

int mdb_put(struct MDB_txn *txn, unsigned dbi, struct MDB_val *key, struct MDB_val *data,
            unsigned flags)
{
    int rc = REAL(int (*)(struct MDB_txn *, unsigned, struct MDB_val *, struct MDB_val *, unsigned),
                  mdb_put)(txn, dbi, key, data, flags);

    dirty |= !rc && txn == writing;
    return rc;
}

int mdb_del(struct MDB_txn *txn, unsigned dbi, struct MDB_val *key, struct MDB_val *data)
{
    int rc = REAL(int (*)(struct MDB_txn *, unsigned, struct MDB_val *, struct MDB_val *),
                  mdb_del)(txn, dbi, key, data);

    dirty |= !rc && txn == writing;
    return rc;
}

/* --- the network ------------------------------------------------------------------------------ */

static void *_Atomic real_zmq_msg_send, *_Atomic real_zmq_recv, *_Atomic real_zmq_bind;
static void *_Atomic zap_socket;

/* An MP1 array of the message's number of fields that begins with its type (PROTOCOL.md 11). */
static int is_frame(void *msg, size_t fields, unsigned type)
{
    const uint8_t *p = zmq_msg_data(msg);

    return zmq_msg_size(msg) >= 2 && p[0] == (0x90 | fields) && p[1] == type;
}

/* As a cable pulled out: whoever is at the other end hears of it. */
static void cut(void)
{
    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof peer;

        if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
            (peer.ss_family == AF_INET || peer.ss_family == AF_INET6))
            shutdown(fd, SHUT_RDWR);
    }
}

static void chunk_leaves(void *msg)
{
    if ((armed != KILL_CHUNK && armed != CUT_CHUNK) ||
        !(is_frame(msg, 5, 25) || is_frame(msg, 5, 27)) || !strikes(armed))
        return;
    if (armed == KILL_CHUNK)
        die();
    cut();
}

int zmq_msg_send(void *msg, void *socket, int flags)
{
    if ((armed == DURING_DELIVERY && is_frame(msg, 6, 5) && strikes(DURING_DELIVERY)) ||
        (armed == BEFORE_RECEIPT && is_frame(msg, 3, 4) && strikes(BEFORE_RECEIPT)))
        die();
    chunk_leaves(msg);
    return REAL(int (*)(void *, void *, int), zmq_msg_send)(msg, socket, flags);
}

int zmq_recv(void *socket, void *buf, size_t len, int flags)
{
    if (armed == ZAP_DEAD && socket == zap_socket && strikes(ZAP_DEAD)) {
        errno = EFAULT;
        return -1;
    }
    return REAL(int (*)(void *, void *, size_t, int), zmq_recv)(socket, buf, len, flags);
}

int zmq_bind(void *socket, const char *endpoint)
{
    int rc;

    if (strcmp(endpoint, "inproc://zeromq.zap.01") == 0) {
        zap_socket = socket;
        if (strikes(ZAP_ABSENT))
            return 0;
    }
    rc = REAL(int (*)(void *, const char *), zmq_bind)(socket, endpoint);
    if (strncmp(endpoint, "tcp:", 4) == 0 && strikes(BIND_WAIT))
        poll(NULL, 0, 2000);
    return rc;
}

/* --- the clock -------------------------------------------------------------------------------- */

static void *_Atomic real_clock_gettime;
static pthread_mutex_t clock_lock = PTHREAD_MUTEX_INITIALIZER;

static int64_t clock_ahead_ms(void)
{
    static struct timespec known;
    static int64_t ahead;
    static ino_t ino;
    struct stat st;
    char text[32];
    ssize_t n;
    int fd;

    pthread_mutex_lock(&clock_lock);
    if (stat(clock_path, &st) == 0 &&
        (st.st_mtim.tv_sec != known.tv_sec || st.st_mtim.tv_nsec != known.tv_nsec ||
         st.st_ino != ino) &&
        (fd = open(clock_path, O_RDONLY | O_CLOEXEC)) >= 0) {
        n = REAL(ssize_t(*)(int, void *, size_t), read)(fd, text, sizeof text - 1);
        close(fd);
        if (n > 0) {
            text[n] = '\0';
            ahead = strtoll(text, NULL, 10);
            known = st.st_mtim;
            ino = st.st_ino;
        }
    }
    pthread_mutex_unlock(&clock_lock);
    return ahead;
}

int clock_gettime(clockid_t which, struct timespec *out)
{
    int rc = REAL(int (*)(clockid_t, struct timespec *), clock_gettime)(which, out);
    int64_t ms;

    if (rc || which != CLOCK_REALTIME || !clock_path[0])
        return rc;
    ms = clock_ahead_ms();
    out->tv_sec += ms / 1000;
    out->tv_nsec += ms % 1000 * 1000000;
    if (out->tv_nsec >= 1000000000) {
        out->tv_sec++;
        out->tv_nsec -= 1000000000;
    } else if (out->tv_nsec < 0) {
        out->tv_sec--;
        out->tv_nsec += 1000000000;
    }
    return rc;
}
