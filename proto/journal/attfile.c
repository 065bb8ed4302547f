#include "attfile.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

#define MAGIC "relais-att1\n\0\0\0\0"
#define MAGIC_BYTES 16
#define AT_OWNER 16
#define AT_NUMBER 32
#define AT_SIZE 40
#define AT_MADE 48
#define AT_ADDRESS 56
#define AT_HASHES 96
#define ATTFILE_HEADER 36864 /* whole pages */
#define NAME_ROOM 80
static_assert(AT_HASHES + ATTACHMENT_LIST_MAX <= ATTFILE_HEADER, "the longest list fits");

struct attfile {
    struct attfile_facts facts;
    uint32_t count;
    uint32_t next;
    bool whole;
    int dir;
    int fd;
    char name[NAME_ROOM]; /* as it is now */
    uint8_t header[ATTFILE_HEADER];
};

static enum err last_err(void)
{
    enum err e = errno == EFBIG ? ERR_FULL : err_from_errno(errno);

    return e ? e : ERR_IO; /* asked after a failure alone */
}

static void le_write(uint8_t *at, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t le_read(const uint8_t *at, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static void name_of(const uint8_t address[ATTACHMENT_ADDRESS_BYTES], bool whole,
                    char name[NAME_ROOM])
{
    for (size_t i = 0; i < ATTACHMENT_ADDRESS_BYTES; i++)
        snprintf(name + 2 * i, 3, "%02x", address[i]);
    if (!whole)
        snprintf(name + (size_t)2 * ATTACHMENT_ADDRESS_BYTES, 6, ".part");
}

/* --- bytes ---------------------------------------------------------------------------------- */

static enum err write_at(int fd, struct span bytes, uint64_t at)
{
    while (bytes.len > 0) {
        ssize_t n = pwrite(fd, bytes.ptr, bytes.len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return last_err();
        at += (uint64_t)n;
        bytes = span_of(bytes.ptr + n, bytes.len - (size_t)n);
    }
    return ERR_OK;
}

/* ERR_RANGE: the file ends before. */
static enum err read_at(int fd, uint8_t *room, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t n = pread(fd, room, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return last_err();
        if (n == 0)
            return ERR_RANGE;
        room += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

static uint64_t chunk_at(uint32_t i)
{
    return ATTFILE_HEADER + (uint64_t)i * ATTACHMENT_CHUNK;
}

static const uint8_t *hash_at(const struct attfile *f, uint32_t i)
{
    return f->header + AT_HASHES + (size_t)i * ATTACHMENT_HASH_BYTES;
}

/* --- header --------------------------------------------------------------------------------- */

static enum err header_put(struct attfile *f)
{
    uint8_t *h = f->header;

    memcpy(h, MAGIC, MAGIC_BYTES);
    memcpy(h + AT_OWNER, f->facts.owner, ID_BYTES);
    le_write(h + AT_NUMBER, f->facts.number, 4);
    le_write(h + AT_SIZE, f->facts.size, 8);
    le_write(h + AT_MADE, f->facts.made_ms, 8);
    memcpy(h + AT_ADDRESS, f->facts.address, ATTACHMENT_ADDRESS_BYTES);
    return write_at(f->fd, SPAN_OF(f->header), 0);
}

/* The address is that of size and hashes: a torn or foreign header is none. */
static enum err header_get(struct attfile *f)
{
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
    const uint8_t *h = f->header;
    enum err e = read_at(f->fd, f->header, sizeof f->header, 0);

    if (e)
        return e == ERR_RANGE ? ERR_CORRUPT : e;
    memcpy(f->facts.owner, h + AT_OWNER, ID_BYTES);
    f->facts.number = (uint32_t)le_read(h + AT_NUMBER, 4);
    f->facts.size = le_read(h + AT_SIZE, 8);
    f->facts.made_ms = le_read(h + AT_MADE, 8);
    memcpy(f->facts.address, h + AT_ADDRESS, ATTACHMENT_ADDRESS_BYTES);
    f->count = attachment_chunks(f->facts.size);
    if (memcmp(h, MAGIC, MAGIC_BYTES) != 0 || f->count == 0 ||
        attachment_address(f->facts.size, attfile_hashes(f), address) ||
        memcmp(address, f->facts.address, sizeof address) != 0)
        return ERR_CORRUPT;
    return ERR_OK;
}

/* --- opening -------------------------------------------------------------------------------- */

static enum err blank(const char *dir, struct attfile **out)
{
    struct attfile *f = calloc(1, sizeof *f);

    if (!f)
        return ERR_NOMEM;
    f->fd = -1;
    f->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->dir < 0) {
        enum err e = last_err();

        free(f);
        return e;
    }
    *out = f;
    return ERR_OK;
}

void attfile_close(struct attfile *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    close(f->dir);
    free(f);
}

void attfile_discard(struct attfile *f)
{
    if (f && !f->whole)
        (void)unlinkat(f->dir, f->name, 0); /* else it goes when the directory is listed next */
    attfile_close(f);
}

static enum err file_make(struct attfile *f)
{
    f->fd = openat(f->dir, f->name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    return f->fd < 0 ? last_err() : ERR_OK;
}

enum err attfile_create(const char *dir, const struct attfile_facts *facts, struct span hashes,
                        struct attfile **out)
{
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
    struct attfile *f = NULL;
    enum err e;

    if (attachment_address(facts->size, hashes, address) ||
        memcmp(address, facts->address, sizeof address) != 0)
        return ERR_ATTACHMENT_ADDRESS;
    if ((e = blank(dir, &f)))
        return e;
    f->facts = *facts;
    f->count = attachment_chunks(facts->size);
    memcpy(f->header + AT_HASHES, hashes.ptr, hashes.len);
    name_of(facts->address, false, f->name);
    if ((e = file_make(f)) || (e = header_put(f)) || (e = attfile_sync(f)))
        goto fail;
    if (fsync(f->dir) < 0) {
        e = last_err();
        goto fail;
    }
    *out = f;
    return ERR_OK;
fail:
    attfile_close(f);
    return e;
}

static enum err chunk_check(struct attfile *f, uint32_t i, uint8_t *room, struct span *chunk)
{
    uint8_t hash[ATTACHMENT_HASH_BYTES];
    uint32_t len = attachment_chunk_len(f->facts.size, i);
    enum err e = read_at(f->fd, room, len, chunk_at(i));

    if (!e)
        e = attachment_hash(i, span_of(room, len), hash);
    if (e)
        return e == ERR_RANGE ? ERR_CORRUPT : e;
    if (memcmp(hash, hash_at(f, i), sizeof hash) != 0)
        return ERR_CORRUPT;
    *chunk = span_of(room, len);
    return ERR_OK;
}

/* A crash may have torn the end: only what reads right is there. */
static enum err resume(struct attfile *f)
{
    uint8_t *room = malloc(ATTACHMENT_CHUNK);
    enum err e = room ? ERR_OK : ERR_NOMEM;
    struct span chunk;

    while (!e && f->next < f->count && !(e = chunk_check(f, f->next, room, &chunk)))
        f->next++;
    free(room);
    return e == ERR_CORRUPT ? ERR_OK : e;
}

enum err attfile_open(const char *dir, const uint8_t address[ATTACHMENT_ADDRESS_BYTES],
                      struct attfile **out)
{
    struct attfile *f = NULL;
    enum err e;

    if ((e = blank(dir, &f)))
        return e;
    name_of(address, true, f->name);
    f->fd = openat(f->dir, f->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    f->whole = f->fd >= 0;
    if (!f->whole) {
        name_of(address, false, f->name);
        f->fd = openat(f->dir, f->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    }
    if (f->fd < 0) {
        e = errno == ENOENT ? ERR_NOT_FOUND : last_err();
        goto fail;
    }
    if ((e = header_get(f)))
        goto fail;
    if (memcmp(f->facts.address, address, ATTACHMENT_ADDRESS_BYTES) != 0) {
        e = ERR_CORRUPT;
        goto fail;
    }
    if (f->whole)
        f->next = f->count;
    else if ((e = resume(f)))
        goto fail;
    *out = f;
    return ERR_OK;
fail:
    attfile_close(f);
    return e;
}

const struct attfile_facts *attfile_facts(const struct attfile *f)
{
    return &f->facts;
}

struct span attfile_hashes(const struct attfile *f)
{
    return span_of(f->header + AT_HASHES, (size_t)f->count * ATTACHMENT_HASH_BYTES);
}

uint32_t attfile_count(const struct attfile *f)
{
    return f->count;
}

uint32_t attfile_next(const struct attfile *f)
{
    return f->next;
}

bool attfile_whole(const struct attfile *f)
{
    return f->whole;
}

/* --- chunks --------------------------------------------------------------------------------- */

enum err attfile_write(struct attfile *f, uint32_t i, struct span chunk)
{
    uint8_t hash[ATTACHMENT_HASH_BYTES];
    enum err e;

    if (f->whole || i != f->next || i >= f->count)
        return ERR_AGAIN;
    if (chunk.len != attachment_chunk_len(f->facts.size, i))
        return ERR_ATTACHMENT_ADDRESS;
    if ((e = attachment_hash(i, chunk, hash)))
        return e;
    if (memcmp(hash, hash_at(f, i), sizeof hash) != 0)
        return ERR_ATTACHMENT_ADDRESS;
    if ((e = write_at(f->fd, chunk, chunk_at(i))))
        return e;
    f->next++;
    return ERR_OK;
}

enum err attfile_sync(struct attfile *f)
{
    return fdatasync(f->fd) < 0 ? last_err() : ERR_OK;
}

static enum err named(struct attfile *f)
{
    char whole[NAME_ROOM];

    name_of(f->facts.address, true, whole);
    if (renameat(f->dir, f->name, f->dir, whole) < 0)
        return last_err();
    memcpy(f->name, whole, sizeof f->name);
    f->whole = true;
    return fsync(f->dir) < 0 ? last_err() : ERR_OK;
}

enum err attfile_finish(struct attfile *f)
{
    enum err e;

    if (f->whole)
        return ERR_OK;
    if (f->next != f->count)
        return ERR_AGAIN;
    e = attfile_sync(f);
    return e ? e : named(f);
}

enum err attfile_read(struct attfile *f, uint32_t i, uint8_t *room, struct span *chunk)
{
    return i < f->next ? chunk_check(f, i, room, chunk) : ERR_RANGE;
}

/* --- drafts --------------------------------------------------------------------------------- */

enum err attfile_draft(const char *dir, const char *name, uint64_t size, struct attfile **out)
{
    struct attfile *f = NULL;
    enum err e;

    if (attachment_chunks(size) == 0)
        return ERR_SIZE;
    if ((e = blank(dir, &f)))
        return e;
    f->facts.size = size;
    f->count = attachment_chunks(size);
    snprintf(f->name, sizeof f->name, "%.64s.part", name);
    if ((e = file_make(f))) {
        attfile_close(f);
        return e;
    }
    *out = f;
    return ERR_OK;
}

enum err attfile_append(struct attfile *f, struct span chunk)
{
    uint32_t i = f->next;
    enum err e;

    if (i == f->count || chunk.len != attachment_chunk_len(f->facts.size, i))
        return ERR_SIZE;
    if ((e = attachment_hash(i, chunk, f->header + AT_HASHES + (size_t)i * ATTACHMENT_HASH_BYTES)))
        return e;
    return attfile_write(f, i, chunk);
}

enum err attfile_seal(struct attfile *f, const struct attfile_facts *facts)
{
    uint64_t size = f->facts.size;
    enum err e;

    if (f->next != f->count)
        return ERR_SIZE;
    f->facts = *facts;
    f->facts.size = size;
    if ((e = attachment_address(size, attfile_hashes(f), f->facts.address)) ||
        (e = header_put(f)) || (e = attfile_sync(f)))
        return e;
    return named(f);
}

/* --- a directory ---------------------------------------------------------------------------- */

enum err attfile_remove(const char *dir, const uint8_t address[ATTACHMENT_ADDRESS_BYTES])
{
    struct attfile *f = NULL;
    bool found = false;
    enum err e = blank(dir, &f);

    for (int whole = 0; !e && whole < 2; whole++) {
        name_of(address, whole, f->name);
        if (unlinkat(f->dir, f->name, 0) == 0)
            found = true;
        else if (errno != ENOENT)
            e = last_err();
    }
    if (!e && fsync(f->dir) < 0)
        e = last_err();
    attfile_close(f);
    return e ? e : found ? ERR_OK : ERR_NOT_FOUND;
}

/* One entry: its header; ERR_CORRUPT: none. */
static enum err look(struct attfile *f, const char *name, bool *whole)
{
    char expected[NAME_ROOM];
    enum err e;

    *whole = !strchr(name, '.');
    f->fd = openat(f->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (f->fd < 0)
        return errno == ELOOP ? ERR_CORRUPT : last_err();
    e = header_get(f);
    close(f->fd);
    f->fd = -1;
    if (e)
        return e;
    name_of(f->facts.address, *whole, expected);
    return strcmp(name, expected) == 0 ? ERR_OK : ERR_CORRUPT;
}

enum err attfile_each(const char *dir,
                      enum err (*visit)(void *arg, const struct attfile_facts *facts, bool whole),
                      void *arg)
{
    struct attfile *f = NULL;
    struct dirent *entry;
    DIR *list = NULL;
    bool whole;
    enum err e = blank(dir, &f);

    if (e)
        return e;
    if (!(list = opendir(dir))) {
        e = last_err();
        goto out;
    }
    /* cppcheck-suppress readdirCalled ; nobody else reads this DIR */
    while (!e && (entry = readdir(list))) {
        if (entry->d_name[0] == '.')
            continue;
        e = look(f, entry->d_name, &whole);
        if (!e)
            e = visit(arg, &f->facts, whole);
        else if (e == ERR_CORRUPT)
            e = unlinkat(f->dir, entry->d_name, 0) < 0 ? last_err() : ERR_OK;
    }
out:
    if (list)
        closedir(list);
    attfile_close(f);
    return e;
}
