/*
 * file - whole small files and directories, durably or not at all.
 * A failed write leaves the old file as it was and no temporary file behind. Paths are the
 * operator's or our own, never a peer's. Thread rule: any thread.
 */
#ifndef RELAIS_FILE_H
#define RELAIS_FILE_H

#include <stdbool.h>

#include "span.h"

enum err err_from_errno(int number); /* 0: ERR_OK; what has no row of its own: ERR_IO */

/* The whole file; ERR_SIZE if it is longer than max, ERR_NOT_FOUND, ERR_PERMISSION. */
enum err file_read(const char *path, size_t max, struct bytes *out);

/* Same for a secret: a regular file of this user or root, without any bit for group or others,
 * else ERR_PERMISSION. Free it with file_secret_free(), which overwrites it first. */
enum err file_read_secret(const char *path, size_t max, struct bytes *out);
void file_secret_free(struct bytes *secret);

/* Replaces or creates. On disk, with its directory entry, when ERR_OK. ERR_FULL, ERR_READONLY,
 * ERR_PERMISSION, ERR_IO: the old file is untouched. ERR_UNKNOWN: the new file is in place, but
 * the device did not confirm the directory; write again. `mode` is exact, whatever the umask. */
enum err file_write_atomic(const char *path, struct span content, unsigned mode);

/* Same, but never replaces: ERR_EXISTS. */
enum err file_write_new(const char *path, struct span content, unsigned mode);

/* For who will file_write_new() much later: ERR_EXISTS if the path is taken. What writes into the
 * same directory have left that were killed in the middle, by processes of this user that are no
 * more, is removed. */
enum err file_is_free(const char *path);

enum err file_remove(const char *path); /* durable; ERR_NOT_FOUND */

/* Makes the directory, not its parents; on disk, with its entry, when ERR_OK. One that exists is
 * fine if it is a directory without bits beyond `mode` (ERR_PERMISSION) and ours or root's. */
enum err dir_make(const char *path, unsigned mode);

/* One process per directory: a file `lock` in it, held until dir_unlock() or exit, with our pid
 * in it for the operator. ERR_LOCKED if another process holds it. */
enum err dir_lock(const char *dir, int *fd);
void dir_unlock(int *fd); /* -1 is fine; leaves -1 */

/* NFS, SMB or CIFS, AFS, 9p and the like: where neither flock nor mmap keeps its promise. */
enum err file_is_network_fs(const char *path, bool *network);
bool fs_magic_is_network(uint64_t magic); /* statfs f_type */

#endif
