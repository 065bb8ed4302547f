/* Whole attachments of one directory in another, every chunk checked on its way. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attfile.h"
#include "file.h"
#include "text.h"

static enum err chunks_copy(struct attfile *from, struct attfile *to, uint8_t *room)
{
    struct span chunk;
    enum err e = ERR_OK;

    for (uint32_t i = attfile_next(to); !e && i < attfile_count(from); i++)
        if (!(e = attfile_read(from, i, room, &chunk)))
            e = attfile_write(to, i, chunk);
    return e ? e : attfile_finish(to);
}

static enum err one_copy(const char *from, const char *to, const char *name, uint8_t *room)
{
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
    struct attfile *source = NULL;
    struct attfile *target = NULL;
    enum err e;

    if (hex_read_fixed(address, sizeof address, span_text(name)))
        return ERR_OK; /* in the making: whoever makes it begins again */
    if ((e = attfile_open(from, address, &source)))
        return e == ERR_NOT_FOUND ? ERR_OK : e; /* let go meanwhile */
    if (!(e = attfile_create(to, attfile_facts(source), attfile_hashes(source), &target)))
        e = chunks_copy(source, target, room);
    attfile_close(source);
    attfile_close(target);
    return e;
}

enum err attfiles_copy(const char *from, const char *to)
{
    uint8_t *room = NULL;
    struct dirent *entry;
    DIR *list = opendir(from);
    enum err e;

    if (!list)
        return errno == ENOENT ? ERR_OK : ERR_IO;
    if (!(room = malloc(ATTACHMENT_CHUNK)))
        e = ERR_NOMEM;
    else
        e = dir_make(to, 0700);
    /* cppcheck-suppress readdirCalled ; nobody else reads this DIR */
    while (!e && (entry = readdir(list)))
        e = one_copy(from, to, entry->d_name, room);
    free(room);
    closedir(list);
    return e;
}
