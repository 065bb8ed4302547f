/*
 * backup - a daemon's directory, copied while it runs and put back on a bare machine. A backup is
 * a directory (0700) of plain files and, written last, a `manifest`: what lies there, how long,
 * which BLAKE2b-256, the heads of the logs it holds, sealed under a key of the daemon's own key
 * file. Without a manifest, or with one changed byte anywhere, a backup is refused.
 * The store is copied as one snapshot, compacted: what was deleted is not in it. Nothing is opened
 * that was encrypted; what was not, is not encrypted here either.
 * Thread rule: confine a backup to one thread.
 */
#ifndef RELAIS_BACKUP_H
#define RELAIS_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "keys.h"
#include "span.h"
#include "store.h"

#define BACKUP_FILES_MAX 8
#define BACKUP_LOGS_MAX 8
#define BACKUP_NAME_MAX 32
#define BACKUP_ORIGIN_MAX 95
#define BACKUP_PATH_MAX 1024
#define BACKUP_FILE_MAX (1024 * 1024) /* of each but the store */
#define BACKUP_MANIFEST_MAX 4096
#define BACKUP_STORE "data.mdb" /* its name in a backup; in a directory: store/data.mdb */
#define BACKUP_MANIFEST "manifest"

struct manifest {
    char program[BACKUP_NAME_MAX + 1];
    uint64_t made_ms;
    uint8_t incarnation[STORE_INCARNATION_BYTES];
    size_t log_count;
    struct {
        char origin[BACKUP_ORIGIN_MAX + 1];
        uint64_t size;
        uint8_t root[32];
    } logs[BACKUP_LOGS_MAX];
    size_t file_count;
    struct {
        char name[BACKUP_NAME_MAX + 1];
        uint64_t bytes;
        uint8_t hash[32];
    } files[BACKUP_FILES_MAX];
};

/* Text of lines, one form for each manifest; the last line seals the others. ERR_RANGE: a name or
 * a count outside its limits. */
enum err manifest_encode(const struct manifest *m, const struct secret32 *key, struct bytes *out);
/* ERR_TEXT_FORM: not exactly that form; ERR_VERSION; ERR_SIZE. Proves nothing yet. */
enum err manifest_decode(struct span text, struct manifest *out);
/* ERR_FORGED: another key, or a changed byte. */
enum err manifest_check(struct span text, const struct secret32 *key);

struct backup {
    char to[BACKUP_PATH_MAX];
    struct manifest m;
};

/* A new directory. ERR_EXISTS: there is something in it. */
enum err backup_begin(const char *to, const char *program, uint64_t now_ms, struct backup *out);
/* Copies one file. must: ERR_NOT_FOUND if it is not there; else it is left out. */
enum err backup_file(struct backup *b, const char *dir, const char *name, bool must);
enum err backup_store(struct backup *b, struct store *s);
enum err backup_log(struct backup *b, const char *origin, uint64_t size, const uint8_t root[32]);
/* On disk, directory entry included, when ERR_OK. */
enum err backup_end(struct backup *b, const struct secret32 *key);

/* Manifest and every byte. bad: the file that is not as the manifest says (ERR_CORRUPT,
 * ERR_NOT_FOUND), NULL otherwise; borrows from m. */
enum err backup_check(const char *from, const struct secret32 *key, struct manifest *m,
                      const char **bad);
/* Of a backup that was checked, into a directory that is missing or empty (ERR_EXISTS). Every byte
 * is hashed again on its way. The store keeps its old incarnation: renew it before it serves. */
enum err backup_restore(const char *from, const struct manifest *m, const char *to,
                        const char **bad);

/* The last step: `part`, on the same file system, becomes `to`, which is missing or empty. On disk
 * when ERR_OK. */
enum err backup_place(const char *part, const char *to);

/* Where to copy a store in use, to look at it: `dir`/fsck.PID. What others left there who were
 * killed over it goes. ERR_RANGE: too long a name. */
enum err look_aside(const char *dir, char to[BACKUP_PATH_MAX]);
void look_over(const char *to); /* the copy goes */

/* Rewrites a store's file without what was deleted, in one step that a crash leaves done or not
 * done: s is open, its directory is `where`, nobody else has it. Close s after it, whatever the
 * answer, and open it again. */
enum err store_compact(struct store *s, const char *where);

#endif
