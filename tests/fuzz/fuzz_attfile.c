/*
 * fuzz_attfile - the files of attachments as a disk may give them back: any header, any end. What
 * is taken for one keeps its promises; what is none is refused, and removed when it is listed.
 *
 * Input: flags u8, length of the header u16 LE, so much of the header (the rest of it is zero),
 * then what follows it. Flags: 1 the address is made that of the rest, 2 the first hash that of the
 * first chunk, 4 the file ends with what was given of its header, 8 it bears the name of a whole
 * one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attfile.h"
#include "fuzz.h"

#define HEADER 36864 /* as attfile.h draws it */
#define AT_SIZE 40
#define AT_ADDRESS 56
#define AT_HASHES 96

static char dir[64];

static void must(int holds)
{
    if (!holds)
        abort();
}

static void dir_remove(void)
{
    rmdir(dir);
}

static void dir_make_once(void)
{
    if (*dir)
        return;
    snprintf(dir, sizeof dir, "/tmp/fuzz-attfile-XXXXXX");
    must(mkdtemp(dir) != NULL);
    must(atexit(dir_remove) == 0);
}

static void repair(uint8_t *header, struct span rest, unsigned flags)
{
    uint64_t size = 0;
    uint32_t count;

    for (size_t i = 0; i < 8; i++)
        size |= (uint64_t)header[AT_SIZE + i] << (8 * i);
    count = attachment_chunks(size);
    if (count == 0)
        return;
    if ((flags & 2) && rest.len >= attachment_chunk_len(size, 0))
        must(attachment_hash(0, span_of(rest.ptr, attachment_chunk_len(size, 0)),
                             header + AT_HASHES) == ERR_OK);
    if (flags & 1)
        must(attachment_address(size,
                                span_of(header + AT_HASHES, (size_t)count * ATTACHMENT_HASH_BYTES),
                                header + AT_ADDRESS) == ERR_OK);
}

static void path_of(const uint8_t *address, bool whole, char *path, size_t room)
{
    size_t n = (size_t)snprintf(path, room, "%s/", dir);

    for (size_t i = 0; i < ATTACHMENT_ADDRESS_BYTES; i++)
        n += (size_t)snprintf(path + n, room - n, "%02x", address[i]);
    if (!whole)
        snprintf(path + n, room - n, ".part");
}

static void write_file(const char *path, struct span a, struct span b)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    must(fd >= 0 && write(fd, a.ptr, a.len) == (ssize_t)a.len);
    must(b.len == 0 || write(fd, b.ptr, b.len) == (ssize_t)b.len);
    close(fd);
}

static enum err listed(void *arg, const struct attfile_facts *facts, bool whole)
{
    (void)whole;
    must(facts->size > 0 && facts->size <= ATTACHMENT_SEALED_MAX);
    *(struct attfile_facts *)arg = *facts;
    return ERR_OK;
}

static void opened(const uint8_t *address, bool is_listed)
{
    static uint8_t room[ATTACHMENT_CHUNK];
    struct attfile *f = NULL;
    struct span chunk;
    enum err e = attfile_open(dir, address, &f);

    must((e == ERR_OK) == is_listed);
    if (e)
        return;
    fuzz_accepted++;
    must(attfile_count(f) == attachment_chunks(attfile_facts(f)->size));
    must(attfile_next(f) <= attfile_count(f));
    for (uint32_t i = 0; i < attfile_count(f) && i < 3; i++) {
        e = attfile_read(f, i, room, &chunk);
        if (!e)
            must(chunk.len == attachment_chunk_len(attfile_facts(f)->size, i));
        if (!attfile_whole(f)) /* what was counted can be read, and nothing else */
            must((e == ERR_OK) == (i < attfile_next(f)));
    }
    attfile_close(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t header[HEADER];
    struct attfile_facts facts = {0};
    struct span rest;
    char path[200];
    size_t given;
    bool whole;

    if (size < 3)
        return 0;
    dir_make_once();
    given = data[1] | (size_t)data[2] << 8;
    given = given > size - 3 ? size - 3 : given;
    given = given > HEADER ? HEADER : given;
    memset(header, 0, sizeof header);
    memcpy(header, data + 3, given);
    rest = span_of(data + 3 + given, size - 3 - given);
    repair(header, rest, data[0]);
    whole = data[0] & 8;
    path_of(header + AT_ADDRESS, whole, path, sizeof path);
    if (data[0] & 4)
        write_file(path, span_of(header, given), (struct span){0});
    else
        write_file(path, SPAN_OF(header), rest);
    must(attfile_each(dir, listed, &facts) == ERR_OK);
    must((access(path, F_OK) == 0) == (facts.size > 0)); /* what is none has gone */
    opened(header + AT_ADDRESS, facts.size > 0);
    unlink(path);
    return 0;
}
