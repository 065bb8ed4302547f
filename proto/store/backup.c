#include "backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "file.h"

#define CHUNK (1u << 20)
#define DIR_MODE 0700
#define FILE_MODE 0600
#define PATH_ROOM (BACKUP_PATH_MAX + BACKUP_NAME_MAX + 16)

static enum err path_in(const char *dir, const char *name, char out[PATH_ROOM])
{
    int n = snprintf(out, PATH_ROOM, "%s/%s", dir, name);

    return n < 0 || n >= PATH_ROOM ? ERR_RANGE : ERR_OK;
}

static enum err dir_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err e = fd < 0 || fsync(fd) ? err_from_errno(errno) : ERR_OK;

    if (fd >= 0)
        close(fd);
    return e;
}

static bool dir_is_empty(const char *path)
{
    DIR *d = opendir(path);
    const struct dirent *one;
    bool empty = d != NULL;

    /* cppcheck-suppress readdirCalled ; nobody else reads this DIR */
    while (d && empty && (one = readdir(d)))
        empty = strcmp(one->d_name, ".") == 0 || strcmp(one->d_name, "..") == 0;
    if (d)
        closedir(d);
    return empty;
}

/* Missing or empty before, there and ours afterwards. */
static enum err dir_fresh(const char *path)
{
    enum err e = dir_make(path, DIR_MODE);

    if (e)
        return e;
    return dir_is_empty(path) ? ERR_OK : ERR_EXISTS;
}

/* --- bytes ----------------------------------------------------------------------------------- */

static enum err write_all(int fd, const uint8_t *at, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(fd, at, n);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return wrote < 0 ? err_from_errno(errno) : ERR_IO;
        at += wrote;
        n -= (size_t)wrote;
    }
    return ERR_OK;
}

/* Everything that `in` holds, into `out` unless that is -1; and its hash. */
static enum err stream(int in, int out, uint64_t *bytes, uint8_t hash[32])
{
    uint8_t *buf = malloc(CHUNK);
    enum err e = buf ? ERR_OK : ERR_NOMEM;
    struct digest d;
    uint64_t all = 0;

    digest_init(&d, "relais/backup/file", NO_KEY, DIGEST_256);
    while (!e) {
        ssize_t n = read(in, buf, CHUNK);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            e = err_from_errno(errno);
        if (n <= 0)
            break;
        digest_add(&d, span_of(buf, (size_t)n));
        all += (uint64_t)n;
        if (out >= 0)
            e = write_all(out, buf, (size_t)n);
    }
    free(buf);
    if (e) {
        digest_wipe(&d);
        return e;
    }
    if ((e = digest_final(&d, hash)))
        return e;
    *bytes = all;
    return ERR_OK;
}

/* to NULL: only read. The copy is on disk when this returns; its directory entry is not. */
static enum err copy_file(const char *from, const char *to, uint64_t *bytes, uint8_t hash[32])
{
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int out = -1;
    enum err e = ERR_OK;

    if (in < 0)
        return err_from_errno(errno);
    if (to && (out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE)) < 0)
        e = err_from_errno(errno);
    if (!e)
        e = stream(in, out, bytes, hash);
    if (!e && out >= 0 && fsync(out))
        e = err_from_errno(errno);
    close(in);
    if (out >= 0)
        close(out);
    return e;
}

/* --- making ---------------------------------------------------------------------------------- */

enum err backup_begin(const char *to, const char *program, uint64_t now_ms, struct backup *out)
{
    struct backup b = {.m.made_ms = now_ms};
    enum err e;

    if ((size_t)snprintf(b.to, sizeof b.to, "%s", to) >= sizeof b.to ||
        (size_t)snprintf(b.m.program, sizeof b.m.program, "%s", program) >= sizeof b.m.program)
        return ERR_RANGE;
    if ((e = dir_fresh(to)))
        return e;
    *out = b;
    return ERR_OK;
}

static enum err noted(struct backup *b, const char *name, uint64_t bytes, const uint8_t hash[32])
{
    struct manifest *m = &b->m;

    if (m->file_count == BACKUP_FILES_MAX ||
        (size_t)snprintf(m->files[m->file_count].name, sizeof m->files[0].name, "%s", name) >=
            sizeof m->files[0].name)
        return ERR_RANGE;
    m->files[m->file_count].bytes = bytes;
    memcpy(m->files[m->file_count++].hash, hash, 32);
    return ERR_OK;
}

enum err backup_file(struct backup *b, const char *dir, const char *name, bool must)
{
    char from[PATH_ROOM];
    char to[PATH_ROOM];
    uint8_t hash[32];
    uint64_t bytes;
    enum err e;

    if ((e = path_in(dir, name, from)) || (e = path_in(b->to, name, to)))
        return e;
    e = copy_file(from, to, &bytes, hash);
    if (e == ERR_NOT_FOUND && !must)
        return ERR_OK;
    return e ? e : noted(b, name, bytes, hash);
}

enum err backup_store(struct backup *b, struct store *s)
{
    char to[PATH_ROOM];
    uint8_t hash[32];
    uint64_t bytes;
    enum err e;
    int fd;

    if ((e = store_incarnation(s, b->m.incarnation)) || (e = path_in(b->to, BACKUP_STORE, to)))
        return e;
    fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (fd < 0)
        return err_from_errno(errno);
    e = store_copy(s, fd);
    if (!e && fsync(fd))
        e = err_from_errno(errno);
    close(fd);
    if (!e)
        e = copy_file(to, NULL, &bytes, hash);
    return e ? e : noted(b, BACKUP_STORE, bytes, hash);
}

enum err backup_log(struct backup *b, const char *origin, uint64_t size, const uint8_t root[32])
{
    struct manifest *m = &b->m;

    if (m->log_count == BACKUP_LOGS_MAX ||
        (size_t)snprintf(m->logs[m->log_count].origin, sizeof m->logs[0].origin, "%s", origin) >=
            sizeof m->logs[0].origin)
        return ERR_RANGE;
    m->logs[m->log_count].size = size;
    memcpy(m->logs[m->log_count++].root, root, 32);
    return ERR_OK;
}

enum err backup_end(struct backup *b, const struct secret32 *key)
{
    struct bytes text = {0};
    char lock[PATH_ROOM];
    char path[PATH_ROOM];
    enum err e;

    if ((e = path_in(b->to, "lock.mdb", lock)) || (e = path_in(b->to, BACKUP_MANIFEST, path)))
        return e;
    if (unlink(lock) && errno != ENOENT) /* of who looked into the copy */
        return err_from_errno(errno);
    if ((e = dir_sync(b->to)) || (e = manifest_encode(&b->m, key, &text)))
        return e;
    e = file_write_new(path, bytes_span(&text), FILE_MODE);
    bytes_free(&text);
    return e;
}

/* --- putting back ---------------------------------------------------------------------------- */

static enum err one_as_said(const struct manifest *m, size_t i, const char *from, const char *to,
                            const char **bad)
{
    uint8_t hash[32] = {0};
    uint64_t bytes = 0;
    enum err e = copy_file(from, to, &bytes, hash);

    if (!e && (bytes != m->files[i].bytes || memcmp(hash, m->files[i].hash, sizeof hash) != 0))
        e = ERR_CORRUPT;
    if (e == ERR_CORRUPT || e == ERR_NOT_FOUND || e == ERR_USAGE /* a link, a directory */)
        *bad = m->files[i].name;
    return e;
}

enum err backup_check(const char *from, const struct secret32 *key, struct manifest *m,
                      const char **bad)
{
    struct bytes text = {0};
    char path[PATH_ROOM];
    enum err e;

    *bad = NULL;
    if ((e = path_in(from, BACKUP_MANIFEST, path)))
        return e;
    e = file_read(path, BACKUP_MANIFEST_MAX, &text);
    if (!e)
        e = manifest_check(bytes_span(&text), key);
    if (!e)
        e = manifest_decode(bytes_span(&text), m);
    bytes_free(&text);
    for (size_t i = 0; !e && i < m->file_count; i++)
        if (!(e = path_in(from, m->files[i].name, path)))
            e = one_as_said(m, i, path, NULL, bad);
    return e;
}

enum err backup_restore(const char *from, const struct manifest *m, const char *to,
                        const char **bad)
{
    char source[PATH_ROOM];
    char target[PATH_ROOM];
    char store[PATH_ROOM];
    enum err e;

    *bad = NULL;
    if ((e = dir_fresh(to)) || (e = path_in(to, "store", store)) || (e = dir_make(store, DIR_MODE)))
        return e;
    for (size_t i = 0; i < m->file_count; i++) {
        bool is_store = strcmp(m->files[i].name, BACKUP_STORE) == 0;

        if ((e = path_in(from, m->files[i].name, source)) ||
            (e = path_in(is_store ? store : to, m->files[i].name, target)) ||
            (e = one_as_said(m, i, source, target, bad)))
            return e;
    }
    if ((e = dir_sync(store)))
        return e;
    return dir_sync(to);
}

enum err backup_place(const char *part, const char *to)
{
    char parent[PATH_ROOM];
    char *slash;

    if ((size_t)snprintf(parent, sizeof parent, "%s", to) >= sizeof parent)
        return ERR_RANGE;
    if (rename(part, to)) /* onto an empty directory, or none */
        return err_from_errno(errno);
    slash = strrchr(parent, '/');
    if (slash == parent)
        slash++;
    if (slash)
        *slash = '\0';
    return dir_sync(slash ? parent : ".");
}

/* --- compaction ------------------------------------------------------------------------------ */

/* LMDB keeps everything in one file: renaming the copy over it is the one step. */
enum err store_compact(struct store *s, const char *where)
{
    char fresh[PATH_ROOM];
    char old[PATH_ROOM];
    enum err e;
    int fd;

    if ((e = path_in(where, BACKUP_STORE ".compact", fresh)) ||
        (e = path_in(where, BACKUP_STORE, old)))
        return e;
    if (unlink(fresh) && errno != ENOENT) /* a crash left it */
        return err_from_errno(errno);
    fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (fd < 0)
        return err_from_errno(errno);
    e = store_copy(s, fd);
    if (!e && fsync(fd))
        e = err_from_errno(errno);
    close(fd);
    if (!e && rename(fresh, old))
        e = err_from_errno(errno);
    if (!e)
        return dir_sync(where);
    unlink(fresh);
    return e;
}
