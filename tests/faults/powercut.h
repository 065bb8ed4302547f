/*
 * powercut - directories as a machine could find them after its current was cut.
 *
 * recorder.so wrote down what happened (recorder.c); a cut is an index into those records: those
 * before it had returned, the one at it was under way, the others never were. powercut_rebuild()
 * makes one of the many directories that could be on the disk then. The seed chooses which; the
 * same recording, cut and seed give the same bytes.
 *
 * The model, which is POSIX without what any file system adds (fsync(2) of Linux: an fsync does
 * not cover the directory entry; POSIX.1 fsync, rationale), hence at least as harsh as ext4 with
 * data=ordered, which writes data before the names and sizes that need it, and those in order:
 * - What the recording found at its beginning is on the disk.
 * - A write is on the disk when it went through a descriptor with O_SYNC or O_DSYNC, or when an
 *   fsync or fdatasync of that file, begun after it had returned, has returned before the cut.
 * - Of every other write any part may be there, in units of 512 bytes aligned in the file: what a
 *   disk writes whole. Parts of later writes may be there without those of earlier ones, and the
 *   file may have grown without its content (zeros). A size that was set may be there or not.
 * - A mode is on the disk after an fsync (not: fdatasync).
 * - A name that was made, linked, moved or removed is on the disk when its directory was synced
 *   after it (both directories, for a move between two): an fsync of the file does not do.
 *   Any other may be there or not, without regard to order. A move is one change: never both
 *   names, never neither (every journalling file system keeps that).
 * - lock.mdb, whose mapping is not followed, holds noise.
 *
 * Thread rule: one thread.
 */
#ifndef TESTS_POWERCUT_H
#define TESTS_POWERCUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "recorder_format.h"
#include "span.h"

#define POWERCUT_SECTOR 512

struct powercut;

/* A copy of the recording as it is now; a last record in part is left out. ERR_UNSUPPORTED: it is
 * void, *why (may be NULL) says it in English (owned, NUL-terminated). ERR_CORRUPT. */
enum err powercut_open(const char *log, struct powercut **out, struct bytes *why);
void powercut_close(struct powercut *p); /* NULL is fine */

size_t powercut_records(const struct powercut *p); /* the last cut there is */
size_t powercut_first(const struct powercut *p);   /* the first one: a process has begun */

struct powercut_record {
    enum record_kind kind;
    unsigned flags;
    int pid;
    uint64_t ino;
    uint64_t at;
    struct span name;
    struct span name2;
    struct span data; /* borrowed from p */
};
struct powercut_record powercut_record(const struct powercut *p, size_t i);
/* The next of that kind at or after `from`; powercut_records() if there is none. */
size_t powercut_next(const struct powercut *p, enum record_kind kind, size_t from);

/* Appends a MARK: whoever calls this has seen something, so a cut behind the mark must keep it. */
enum err powercut_mark(const char *log, struct span what);

/* A cut in from <= cut < to: every second anywhere, the others beside a sync, a name or a frame,
 * where orders go wrong. */
size_t powercut_choose(const struct powercut *p, uint64_t seed, size_t from, size_t to);

/* What a rebuilt directory was made of. */
struct powercut_facts {
    size_t synced; /* writes, sizes, modes and names on the disk for certain */
    size_t kept;   /* others that are there, whole */
    size_t torn;   /* writes of which a part is there */
    size_t lost;
    size_t names_kept; /* the same of names alone, counted above too */
    size_t names_lost;
};

/* Writes the directory to `into`, which must not be there or be empty. facts may be NULL.
 * ERR_RANGE: not from powercut_first() to powercut_records(). */
enum err powercut_rebuild(const struct powercut *p, size_t cut, uint64_t seed, const char *into,
                          struct powercut_facts *facts);

#endif
