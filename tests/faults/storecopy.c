#include "storecopy.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core.h"
#include "file.h"
#include "merkle.h"
#include "proctree.h"
#include "random.h"

#define PATH_BYTES 1400
#define PIECE 65536
#define READ_S 30

/* --- copies ------------------------------------------------------------------------------------
 */

static enum err file_copy(const char *from, const char *to)
{
    static char piece[PIECE];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    enum err e = in < 0 || out < 0 ? err_from_errno(errno) : ERR_OK;
    ssize_t n;

    while (!e && (n = read(in, piece, sizeof piece)) != 0)
        if (n < 0 || write(out, piece, (size_t)n) != n)
            e = err_from_errno(errno);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return e;
}

enum err storecopy_copy(const char *from, const char *to)
{
    char source[PATH_BYTES];
    char target[PATH_BYTES];
    const struct dirent *d;
    enum err e = ERR_OK;
    DIR *dir;

    tree_remove(to);
    if (mkdir(to, 0700) || !(dir = opendir(from)))
        return err_from_errno(errno);
    while (!e && (d = readdir(dir))) {
        if (d->d_type != DT_REG)
            continue;
        snprintf(source, sizeof source, "%.1000s/%s", from, d->d_name);
        snprintf(target, sizeof target, "%.1000s/%s", to, d->d_name);
        e = file_copy(source, target);
    }
    closedir(dir);
    return e;
}

enum err storecopy_move(const char *from, const char *to)
{
    tree_remove(to);
    return rename(from, to) ? err_from_errno(errno) : ERR_OK;
}

enum err storecopy_flip(const char *dir, uint64_t draw)
{
    char path[PATH_BYTES];
    struct stat st;
    uint8_t byte = 0;
    off_t at;
    enum err e = ERR_OK;
    int fd;

    snprintf(path, sizeof path, "%s/data.mdb", dir);
    if ((fd = open(path, O_RDWR | O_CLOEXEC)) < 0)
        return err_from_errno(errno);
    if (fstat(fd, &st) || st.st_size == 0)
        e = ERR_IO;
    at = e ? 0 : (off_t)((draw >> 3) % (uint64_t)st.st_size);
    if (!e && pread(fd, &byte, 1, at) != 1)
        e = ERR_IO;
    byte ^= (uint8_t)(1u << (draw & 7));
    if (!e && pwrite(fd, &byte, 1, at) != 1)
        e = ERR_IO;
    close(fd);
    return e;
}

/* --- rows --------------------------------------------------------------------------------------
 */

static enum err random_fill(void *arg, uint8_t *out, size_t n)
{
    const struct entropy source = entropy_system();

    (void)arg;
    return entropy_fill(&source, out, n);
}

/* The rows in their order, each hashed onto what was before. */
static enum err row_seen(void *arg, struct span key, struct span value)
{
    uint8_t *sum = arg;
    uint8_t one[32];

    merkle_leaf_hash(key, one);
    merkle_node_hash(sum, one, sum);
    merkle_leaf_hash(value, one);
    merkle_node_hash(sum, one, sum);
    return ERR_OK;
}

static_assert(HUB_TABLES <= STORECOPY_TABLES, "a digest for each");

static enum err digest_here(const char *dir, struct storecopy_digest *out)
{
    struct store_options o = {.where = dir,
                              .names = core_table_names(),
                              .n = HUB_TABLES,
                              .schema = HUB_SCHEMA,
                              .random_fill = random_fill};
    struct store *s = NULL;
    struct txn *t = NULL;
    struct span all = {0};
    enum err e;

    memset(out, 0, sizeof *out);
    if (!(e = store_open("lmdb", &o, &s)))
        e = store_begin(s, TXN_READ, &t);
    for (int table = 0; table < HUB_TABLES && !e; table++) {
        e = store_scan(t, table, all, all, SIZE_MAX, row_seen, out->table[table]);
        if (e == ERR_CORRUPT) { /* a row is not as it was written: its table differs */
            memset(out->table[table], 0xff, sizeof out->table[table]);
            e = ERR_OK;
        }
    }
    store_abort(&t);
    store_close(s);
    return e;
}

/* All of it, or nothing. */
static bool digest_take(int fd, struct storecopy_digest *out)
{
    size_t at = 0;
    ssize_t n;

    while (at < sizeof *out && (n = read(fd, (uint8_t *)out + at, sizeof *out - at)) > 0)
        at += (size_t)n;
    return at == sizeof *out;
}

enum err storecopy_digest(const char *dir, struct storecopy_digest *out)
{
    bool whole = false;
    int status = 1;
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC))
        return err_from_errno(errno);
    fflush(NULL);
    if ((pid = fork()) == 0) {
        struct storecopy_digest d;
        int null = open("/dev/null", O_WRONLY);

        alarm(READ_S); /* a page may lead back to itself */
        _exit(dup2(null, STDERR_FILENO) < 0 || digest_here(dir, &d) ||
              write(ends[1], &d, sizeof d) != sizeof d);
    }
    close(ends[1]);
    if (pid > 0)
        whole = digest_take(ends[0], out);
    close(ends[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return whole && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? ERR_OK : ERR_CORRUPT;
}

const char *storecopy_differs(const struct storecopy_digest *a, const struct storecopy_digest *b)
{
    const char *bodies = NULL;

    for (size_t i = 0; i < HUB_TABLES; i++) {
        if (memcmp(a->table[i], b->table[i], sizeof a->table[i]) == 0)
            continue;
        if (i != TABLE_BODY)
            return core_table_names()[i];
        bodies = core_table_names()[i];
    }
    return bodies;
}
