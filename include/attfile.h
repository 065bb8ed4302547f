/*
 * attfile - an attachment on disk, at the hub and at nodes: ciphertext only. A file in the making
 * is ADDRESS.part, a whole one ADDRESS: a name without .part says that every byte is on disk.
 *
 *     header of ATTFILE_HEADER bytes: who, how large, the hash of every chunk; then the chunks
 *
 * Every chunk is checked against its hash when it is written and when it is read. Chunks are
 * written in order; after a crash attfile_open() finds how many whole ones there are by reading
 * them, so a torn write is never taken for a chunk.
 * Thread rule: confine a file to one thread.
 */
#ifndef RELAIS_ATTFILE_H
#define RELAIS_ATTFILE_H

#include "attachment.h"
#include "ids.h"

struct attfile_facts {
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
    uint8_t owner[ID_BYTES]; /* as its writer likes */
    uint32_t number;         /* same */
    uint64_t size;           /* of the ciphertext */
    uint64_t made_ms;
};

struct attfile;

/* A .part with these hashes: none of the chunks is there yet. ERR_ATTACHMENT_ADDRESS: the address
 * is not theirs. One that is there already is emptied. */
enum err attfile_create(const char *dir, const struct attfile_facts *facts, struct span hashes,
                        struct attfile **out);
/* Whole, or in the making and then every chunk read once. ERR_NOT_FOUND; ERR_CORRUPT: no header. */
enum err attfile_open(const char *dir, const uint8_t address[ATTACHMENT_ADDRESS_BYTES],
                      struct attfile **out);
void attfile_close(struct attfile *f); /* NULL is fine */

const struct attfile_facts *attfile_facts(const struct attfile *f);
struct span attfile_hashes(const struct attfile *f); /* borrowed from f */
uint32_t attfile_count(const struct attfile *f);
uint32_t attfile_next(const struct attfile *f); /* chunks that are there: the next one's number */
bool attfile_whole(const struct attfile *f);

/* The next chunk, not on disk yet. ERR_AGAIN: another is next. ERR_ATTACHMENT_ADDRESS: not that
 * chunk. ERR_FULL, ERR_IO. */
enum err attfile_write(struct attfile *f, uint32_t i, struct span chunk);
enum err attfile_sync(struct attfile *f);   /* what was written is on disk */
enum err attfile_finish(struct attfile *f); /* the same for the last, and the file gets its name */
/* room: ATTACHMENT_CHUNK bytes. ERR_RANGE: it is not there. ERR_CORRUPT: the disk has changed it.
 */
enum err attfile_read(struct attfile *f, uint32_t i, uint8_t *room, struct span *chunk);

/* --- while its hashes are not known yet --------------------------------------------------------
 */

/* A draft under any name, NAME.part, that attfile_seal() gives hashes, address and name. */
enum err attfile_draft(const char *dir, const char *name, uint64_t size, struct attfile **out);
void attfile_discard(struct attfile *f); /* closes it, and removes what has no name yet */
enum err attfile_append(struct attfile *f, struct span chunk);
enum err attfile_seal(struct attfile *f, const struct attfile_facts *facts);

/* --- a directory of them ------------------------------------------------------------------------
 */

/* Both forms; ERR_NOT_FOUND: there was none. Durable. */
enum err attfile_remove(const char *dir, const uint8_t address[ATTACHMENT_ADDRESS_BYTES]);
/* The header of every file; what is not one, drafts among them, is removed. */
enum err attfile_each(const char *dir,
                      enum err (*visit)(void *arg, const struct attfile_facts *facts, bool whole),
                      void *arg);
/* attcopy.c. The whole ones, into a directory that is made if need be: for backups, beside a daemon
 * that runs. A directory that is not there has none. ERR_CORRUPT: the disk has changed one. */
enum err attfiles_copy(const char *from, const char *to);

#endif
