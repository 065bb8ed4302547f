/*
 * preload_syncs - counts what a process asks the disk to keep: every fsync, fdatasync,
 * msync(MS_SYNC), and every write to a descriptor opened O_SYNC or O_DSYNC. The counters lie in
 * the file that RELAIS_SYNCS names, mapped, so that another process reads them while this one
 * runs. It changes nothing and costs a look at a table.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define DESCRIPTORS 65536

enum {
    NOT_LOOKED_AT,
    PLAIN,
    SYNCED
};

struct counters {
    _Atomic uint64_t syncs;
    _Atomic uint64_t synced_writes;
};

static struct counters *counters;
static _Atomic uint8_t kind[DESCRIPTORS];

__attribute__((constructor)) static void map(void)
{
    const char *path = getenv("RELAIS_SYNCS");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    void *at;

    if (fd < 0)
        return;
    if (ftruncate(fd, sizeof *counters) == 0) {
        at = mmap(NULL, sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        counters = at == MAP_FAILED ? NULL : at;
    }
    close(fd);
}

/* ISO C knows no way from an object's address to a function's: the bytes are the same. */
static void next(const char *name, void *real, size_t size)
{
    void *at = dlsym(RTLD_NEXT, name);

    if (!at || size != sizeof at)
        abort();
    memcpy(real, &at, sizeof at);
}

/* A function of the C library, looked up once. */
#define REAL(name)                                                                                 \
    static __typeof__(&name) real;                                                                 \
    if (!real)                                                                                     \
    next(#name, &real, sizeof real)

static void sync_seen(void)
{
    if (counters)
        atomic_fetch_add_explicit(&counters->syncs, 1, memory_order_relaxed);
}

static void write_seen(int fd)
{
    int flags;

    if (!counters || fd < 0 || fd >= DESCRIPTORS)
        return;
    if (atomic_load_explicit(&kind[fd], memory_order_relaxed) == NOT_LOOKED_AT) {
        flags = fcntl(fd, F_GETFL);
        atomic_store(&kind[fd], flags >= 0 && (flags & (O_SYNC | O_DSYNC)) ? SYNCED : PLAIN);
    }
    if (atomic_load_explicit(&kind[fd], memory_order_relaxed) == SYNCED)
        atomic_fetch_add_explicit(&counters->synced_writes, 1, memory_order_relaxed);
}

int close(int fd)
{
    REAL(close);
    if (fd >= 0 && fd < DESCRIPTORS)
        atomic_store(&kind[fd], NOT_LOOKED_AT);
    return real(fd);
}

int fsync(int fd)
{
    REAL(fsync);
    sync_seen();
    return real(fd);
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    sync_seen();
    return real(fd);
}

int msync(void *at, size_t size, int flags)
{
    REAL(msync);
    if (flags & MS_SYNC)
        sync_seen();
    return real(at, size, flags);
}

ssize_t write(int fd, const void *from, size_t n)
{
    REAL(write);
    write_seen(fd);
    return real(fd, from, n);
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
    REAL(writev);
    write_seen(fd);
    return real(fd, parts, n);
}

ssize_t pwrite(int fd, const void *from, size_t n, off_t at)
{
    REAL(pwrite);
    write_seen(fd);
    return real(fd, from, n, at);
}

ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at)
{
    REAL(pwrite64);
    write_seen(fd);
    return real(fd, from, n, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t at)
{
    REAL(pwritev);
    write_seen(fd);
    return real(fd, parts, n, at);
}
