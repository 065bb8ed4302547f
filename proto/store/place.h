/*
 * place - the directory of an embedded engine: fit to hold a store, and open once in this
 * process (LMDB must not open one file twice: closing either drops the record locks of both;
 * other processes are kept out by the program's dir_lock()).
 * Thread rule: open and close from any thread, the rest from one at a time.
 */
#ifndef RELAIS_STORE_PLACE_H
#define RELAIS_STORE_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct place;

/* make: makes the directory if only that is missing. ERR_USAGE (NULL), ERR_LOCKED, ERR_FILESYSTEM,
 * ERR_PERMISSION, ERR_READONLY, ERR_NOT_FOUND, ERR_NOMEM. */
enum err place_open(const char *where, bool make, struct place **out);
void place_close(struct place *p); /* NULL is fine */

const char *place_path(const struct place *p); /* absolute, a later chdir() does not move it */

/* Blocks on disk for the first `size` bytes of a file, made (0600) if it is missing. ERR_FULL. */
enum err place_reserve(const struct place *p, const char *file, uint64_t size);

enum err place_size(const struct place *p, const char *file, uint64_t *size);
enum err place_open_file(const struct place *p, const char *file,
                         int *fd); /* opens it, to be read */
enum err place_resize(const struct place *p, const char *file, uint64_t size);

/* On disk when it returns: the content of `file`, its entry, the directory's own entry. */
enum err place_sync(const struct place *p, const char *file);

/* A new `file` is made in a directory of its own and moved when it is whole and on the disk: cut
 * off while it is made, it is made again, where half of it would be called damaged.
 * place_beside: *beside is the path of that directory, empty, for malloc's free(); NULL if `where`
 * has the file already. Errors as of place_open(). place_adopt: after both are closed. */
enum err place_beside(const char *where, const char *file, char **beside);
enum err place_adopt(const char *where, const char *file);

bool place_is_full(const struct place *p, uint64_t wanted); /* the disk has fewer bytes free */

#endif
