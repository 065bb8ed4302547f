#include "place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "file.h"

#define BESIDE "new"

struct place {
    struct place *next; /* in `taken` */
    dev_t dev;
    ino_t ino;
    int dir; /* descriptor */
    char *path;
};

/* The one thing here that belongs to the process, as the record locks it protects do. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct place *taken;

static enum err take(struct place *p)
{
    enum err e = ERR_OK;

    pthread_mutex_lock(&lock);
    for (const struct place *other = taken; other && !e; other = other->next)
        if (other->dev == p->dev && other->ino == p->ino)
            e = ERR_LOCKED;
    if (!e) {
        p->next = taken;
        taken = p;
    }
    pthread_mutex_unlock(&lock);
    return e;
}

static void let_go(struct place *p)
{
    pthread_mutex_lock(&lock);
    for (struct place **at = &taken; *at; at = &(*at)->next) {
        if (*at == p) {
            *at = p->next;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}

static enum err open_dir(struct place *p, const char *where, bool make)
{
    struct stat st;
    bool network;
    enum err e;

    if (!make && access(where, F_OK))
        return err_from_errno(errno);
    if ((e = dir_make(where, 0700)))
        return e;
    if (!(p->path = realpath(where, NULL)))
        return err_from_errno(errno);
    p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->dir < 0 || fstat(p->dir, &st))
        return err_from_errno(errno);
    p->dev = st.st_dev;
    p->ino = st.st_ino;
    if ((e = file_is_network_fs(p->path, &network)))
        return e;
    return network ? ERR_FILESYSTEM : ERR_OK;
}

enum err place_open(const char *where, bool make, struct place **out)
{
    struct place *p = NULL;
    enum err e = ERR_USAGE;

    if (!where)
        goto out;
    e = ERR_NOMEM;
    if (!(p = calloc(1, sizeof *p)))
        goto out;
    p->dir = -1;
    if ((e = open_dir(p, where, make)))
        goto out;
    if ((e = take(p)))
        goto out;
    *out = p;
    p = NULL;
out:
    place_close(p);
    return e;
}

void place_close(struct place *p)
{
    if (!p)
        return;
    let_go(p);
    if (p->dir >= 0)
        close(p->dir);
    free(p->path);
    free(p);
}

const char *place_path(const struct place *p)
{
    return p->path;
}

enum err place_reserve(const struct place *p, const char *file, uint64_t size)
{
    int fd = openat(p->dir, file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int number;

    if (fd < 0)
        return err_from_errno(errno);
    number = posix_fallocate(fd, 0, (off_t)size);
    close(fd);
    return err_from_errno(number);
}

enum err place_size(const struct place *p, const char *file, uint64_t *size)
{
    struct stat st;

    if (fstatat(p->dir, file, &st, AT_SYMLINK_NOFOLLOW))
        return err_from_errno(errno);
    *size = (uint64_t)st.st_size;
    return ERR_OK;
}

enum err place_open_file(const struct place *p, const char *file, int *fd)
{
    *fd = openat(p->dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return *fd < 0 ? err_from_errno(errno) : ERR_OK;
}

enum err place_resize(const struct place *p, const char *file, uint64_t size)
{
    int fd = openat(p->dir, file, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    enum err e = fd < 0 || ftruncate(fd, (off_t)size) ? err_from_errno(errno) : ERR_OK;

    if (fd >= 0)
        close(fd);
    return e;
}

enum err place_sync(const struct place *p, const char *file)
{
    int fd = openat(p->dir, file, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    int parent = openat(p->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err e = ERR_OK;

    /* A parent we may not even read is not one in which we have just made the directory. */
    if (fd < 0 || fsync(fd) || fsync(p->dir) || (parent >= 0 && fsync(parent)))
        e = err_from_errno(errno);
    if (fd >= 0)
        close(fd);
    if (parent >= 0)
        close(parent);
    return e;
}

/* What a former attempt has left: files only. */
static enum err beside_empty(int dir)
{
    int fd = openat(dir, BESIDE, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    const struct dirent *one;
    enum err e = ERR_OK;
    DIR *d;

    if (fd < 0)
        return errno == ENOENT ? ERR_OK : err_from_errno(errno);
    if (!(d = fdopendir(fd))) {
        e = err_from_errno(errno);
        close(fd);
        return e;
    }
    /* cppcheck-suppress readdirCalled ; nobody else reads this DIR */
    while (!e && (one = readdir(d)))
        if (strcmp(one->d_name, ".") != 0 && strcmp(one->d_name, "..") != 0 &&
            unlinkat(fd, one->d_name, 0))
            e = err_from_errno(errno);
    closedir(d);
    return e ? e : err_from_errno(unlinkat(dir, BESIDE, AT_REMOVEDIR) ? errno : 0);
}

enum err place_beside(const char *where, const char *file, char **beside)
{
    char *path = NULL;
    struct stat st;
    int dir = -1;
    enum err e = ERR_USAGE;

    *beside = NULL;
    if (!where || (e = dir_make(where, 0700)))
        goto out;
    dir = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        e = err_from_errno(errno);
        goto out;
    }
    if (fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) == 0)
        goto out;
    if (errno != ENOENT) {
        e = err_from_errno(errno);
        goto out;
    }
    if ((e = beside_empty(dir)))
        goto out;
    e = ERR_NOMEM;
    if (!(path = malloc(strlen(where) + sizeof "/" BESIDE)))
        goto out;
    memcpy(path, where, strlen(where));
    memcpy(path + strlen(where), "/" BESIDE, sizeof "/" BESIDE);
    *beside = path;
    e = ERR_OK;
out:
    if (dir >= 0)
        close(dir);
    return e;
}

enum err place_adopt(const char *where, const char *file)
{
    int dir = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int from = openat(dir, BESIDE, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    enum err e = ERR_OK;

    if (dir < 0 || from < 0 || renameat2(from, file, dir, file, RENAME_NOREPLACE) || fsync(from) ||
        fsync(dir))
        e = err_from_errno(errno);
    else
        e = beside_empty(dir);
    if (from >= 0)
        close(from);
    if (dir >= 0)
        close(dir);
    return e;
}

bool place_is_full(const struct place *p, uint64_t wanted)
{
    struct statvfs vfs;

    return !fstatvfs(p->dir, &vfs) && vfs.f_bavail * vfs.f_frsize < wanted;
}
