#include "machine.h"

#include <dirent.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "file.h"

uint64_t machine_held_bytes(void)
{
    struct bytes statm = {0};
    uint64_t resident = 0;
    uint64_t shared = 0;
    char *at;

    if (file_read("/proc/self/statm", 256, &statm) || bytes_append(&statm, span_of("", 1)))
        goto out;
    strtoull((const char *)statm.ptr, &at, 10); /* the whole size */
    resident = strtoull(at, &at, 10);
    shared = strtoull(at, NULL, 10);
out:
    bytes_free(&statm);
    return (resident > shared ? resident - shared : 0) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t descriptors_most(void)
{
    struct rlimit files;

    return getrlimit(RLIMIT_NOFILE, &files) ? 0 : files.rlim_cur;
}

static uint64_t descriptors_open(void)
{
    DIR *d = opendir("/proc/self/fd");
    uint64_t n = 0;

    if (!d)
        return 0;
    /* cppcheck-suppress readdirCalled ; nobody else reads this DIR */
    while (readdir(d))
        n++;
    closedir(d);
    return n > 3 ? n - 3 : 0; /* ".", ".." and the directory's own */
}

uint64_t machine_descriptors(uint64_t *most)
{
    *most = descriptors_most();
    return descriptors_open();
}

void machine_give_back(void)
{
    malloc_trim(0);
}

static bool clock_is_synchronised(void)
{
    struct timex t = {0};

    return adjtimex(&t) != TIME_ERROR; /* -1: not allowed to ask */
}

void machine_look(const char *dir, struct machine *out)
{
    struct machine m = {.held_bytes = machine_held_bytes(),
                        .descriptors = descriptors_open(),
                        .descriptors_max = descriptors_most(),
                        .clock_synchronised = clock_is_synchronised()};
    struct statvfs disk;

    if (statvfs(dir, &disk) == 0) {
        m.disk_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
        m.disk_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    }
    *out = m;
}

bool machine_disk_full(const struct machine *m)
{
    return m->disk_bytes > 0 && m->disk_free_bytes < DISK_FREE_MIN_BYTES;
}

unsigned machine_disk_percent(const struct machine *m)
{
    return machine_disk_full(m) ? 100
                                : percent_of(m->disk_bytes - m->disk_free_bytes, m->disk_bytes);
}

unsigned percent_of(uint64_t part, uint64_t whole)
{
    if (whole == 0)
        return 0;
    if (part >= UINT64_MAX / 100)
        return (unsigned)(part / (whole / 100 ? whole / 100 : 1));
    return (unsigned)(part * 100 / whole);
}

enum limit_level limit_judge(uint64_t value, uint64_t near, uint64_t reached)
{
    if (reached && value >= reached)
        return LIMIT_REACHED;
    return near && value >= near ? LIMIT_NEAR : LIMIT_FINE;
}
