#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

#define CHUNK ((size_t)1 << 20)
#define PAGE ((size_t)4096)
#define MAPS_LINE 1024
#define MAPPING_MAX (UINT64_C(1) << 36) /* more is a sanitizer's shadow memory */

struct image {
    int mem;
    int out;
    uint8_t *chunk;
    struct image_facts facts;
};

static bool all_zero(const uint8_t *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static enum err put(struct image *i, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(i->out, p, n);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return err_from_errno(errno);
        p += wrote;
        n -= (size_t)wrote;
        i->facts.written += (uint64_t)wrote;
    }
    return ERR_OK;
}

/* Pages of zeros say nothing, and reserved address space is full of them. */
static enum err put_pages(struct image *i, size_t n)
{
    for (size_t at = 0; at < n; at += PAGE) {
        size_t len = n - at < PAGE ? n - at : PAGE;
        enum err e;

        if (all_zero(i->chunk + at, len))
            continue;
        if ((e = put(i, i->chunk + at, len)))
            return e;
    }
    return ERR_OK;
}

/* A page that cannot be read ends the mapping: past the end of its file, or of a device. */
static enum err copy_mapping(struct image *i, uint64_t from, uint64_t to)
{
    bool any = false;

    while (from < to) {
        size_t want = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
        ssize_t n = pread(i->mem, i->chunk, want, (off_t)from);
        enum err e;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EACCES || errno == EPERM))
            return ERR_PERMISSION;
        if (n <= 0)
            break;
        if ((e = put_pages(i, (size_t)n)))
            return e;
        i->facts.bytes += (uint64_t)n;
        from += (uint64_t)n;
        any = true;
    }
    i->facts.mappings += any;
    return ERR_OK;
}

/* "[vsyscall]" lies above what an offset can say, "[vvar]" is the kernel's. */
static bool is_kernels(const char *line)
{
    return strstr(line, "[vsyscall]") || strstr(line, "[vvar");
}

static enum err copy_all(struct image *i, FILE *maps)
{
    char line[MAPS_LINE];

    while (fgets(line, sizeof line, maps)) {
        uint64_t from;
        uint64_t to;
        char *end;
        enum err e;

        if (is_kernels(line))
            continue;
        from = strtoull(line, &end, 16);
        if (*end != '-')
            continue; /* the rest of a long path */
        to = strtoull(end + 1, &end, 16);
        if (to - from > MAPPING_MAX)
            return ERR_SIZE;
        if ((e = copy_mapping(i, from, to)))
            return e;
    }
    return ERR_OK;
}

enum err image_write(pid_t pid, const char *out, struct image_facts *facts)
{
    struct image i = {.mem = -1, .out = -1};
    FILE *maps = NULL;
    char path[64];
    enum err e = ERR_OK;

    snprintf(path, sizeof path, "/proc/%ld/maps", (long)pid);
    if (!(maps = fopen(path, "re"))) {
        e = err_from_errno(errno);
        goto out;
    }
    snprintf(path, sizeof path, "/proc/%ld/mem", (long)pid);
    if ((i.mem = open(path, O_RDONLY | O_CLOEXEC)) < 0 ||
        (i.out = open(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0) {
        e = err_from_errno(errno);
        goto out;
    }
    if (!(i.chunk = malloc(CHUNK))) {
        e = ERR_NOMEM;
        goto out;
    }
    if ((e = copy_all(&i, maps)))
        goto out;
    if (i.facts.mappings == 0) {
        e = ERR_PERMISSION;
        goto out;
    }
    *facts = i.facts;
out:
    free(i.chunk);
    if (maps)
        fclose(maps);
    if (i.mem >= 0)
        close(i.mem);
    if (i.out >= 0)
        close(i.out);
    if (e && i.out >= 0)
        unlink(out);
    return e;
}
