/*
 * storecopy - a daemon's store as files, while nobody has it open: copied, put in place, damaged,
 * and read as rows.
 */
#ifndef TESTS_FAULTS_STORECOPY_H
#define TESTS_FAULTS_STORECOPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define STORECOPY_TABLES 48

/* A digest of all rows, table by table. */
struct storecopy_digest {
    uint8_t table[STORECOPY_TABLES][32];
};

/* A directory of plain files, as a whole: `to` is made anew. */
enum err storecopy_copy(const char *from, const char *to);
/* `from` becomes `to`, which is removed first. */
enum err storecopy_move(const char *from, const char *to);
/* One bit of data.mdb turns over, at a place in what is in use of the file. */
enum err storecopy_flip(const char *dir, uint64_t draw);
/* Of every table of a hub's store, read in a process of its own: what a damaged file makes of its
 * reader stays there. ERR_CORRUPT: it cannot be read to the end. */
enum err storecopy_digest(const char *dir, struct storecopy_digest *out);
/* The name of a table that differs, of bodies only if no other does; NULL: none. A table with a row
 * that is not as it was written differs. */
const char *storecopy_differs(const struct storecopy_digest *a, const struct storecopy_digest *b);

#endif
