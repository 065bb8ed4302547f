/*
 * store - ordered keys in named tables, one writer, buffered writes, one durable commit.
 *
 * An engine ("lmdb": a directory on a local disk; "mem": nothing survives store_close(), for
 * tests) is chosen by name at store_open(); nobody above store/ knows which one runs.
 *
 * Promises
 * - What store_commit() answered ERR_OK for survives a kill and a power cut. A write transaction
 *   is kept whole or not at all. It sees its own writes; nobody else does before the commit.
 * - A read transaction sees the last commit before it began, and nothing later.
 * - After a commit that did not answer ERR_OK: forget everything derived from the store, begin
 *   again and look. ERR_UNKNOWN is the only answer that leaves it open whether the data was
 *   written (the next transaction shows the truth); every other error means nothing was written.
 *   The handle is safe to use again at once: an engine that has to reopen its files does so by
 *   itself in the next store_begin().
 * - What is read is what was written: a row that the disk gave back otherwise, or in another's
 *   place, is ERR_CORRUPT when it is met. A file up to check_bytes is looked at as a whole when it
 *   is opened, its pages and every row; beyond that, a page that came back in an older state may
 *   go unseen until such a look (store_options).
 * - A write call that fails because of the machine (ERR_FULL, ERR_IO, ERR_NOMEM, ERR_CORRUPT)
 *   dooms its transaction: every later call and the commit give the same answer and nothing is
 *   written. Answers about the data (ERR_NOT_FOUND, ERR_EXISTS, ERR_RANGE, ERR_SIZE) do not.
 *
 * Thread rule: store_begin(TXN_READ) and store_stats() from any thread; one write transaction at
 * a time, a second store_begin(TXN_WRITE) answers ERR_BUSY and never waits. One transaction
 * belongs to one thread at a time. Keep read transactions short (100 ms) and never across the
 * network: a live one keeps freed pages from being used again. Open after fork(), never before.
 */
#ifndef RELAIS_STORE_H
#define RELAIS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

enum {
    STORE_TABLES_MAX = 48,
    STORE_NAME_MAX = 32,           /* table names: 1 to 32 of a-z 0-9 _ - . */
    STORE_KEY_MAX = 64,            /* a key has 1 to 64 bytes */
    STORE_VALUE_MAX = 1024 * 1024, /* a value has 0 bytes to 1 MiB */
    STORE_INCARNATION_BYTES = 16,
    STORE_QUOTA_MIN = 1024 * 1024,
};
#define STORE_FIRST_MAP_BYTES (UINT64_C(1) << 30) /* address space; the file stays sparse */

struct store;
struct txn;

enum txn_kind {
    TXN_READ,
    TXN_WRITE
};

/* Reading alone writes nothing into the data: ERR_READONLY to every write transaction. It needs a
 * store that is there (ERR_NOT_FOUND, ERR_CORRUPT: a table is missing). */
enum store_access {
    STORE_WRITE,
    STORE_READ,       /* the caller holds the directory's lock: no daemon runs */
    STORE_READ_BESIDE /* a daemon may have it open, and go on writing */
};

/* A table is its index in store_options.names. */
struct store_options {
    const char *where;        /* lmdb: directory, made (0700) if its parent exists; mem: ignored */
    const char *const *names; /* of the tables; copied */
    size_t n;                 /* 1 to STORE_TABLES_MAX */
    uint32_t schema;          /* of what lives in the tables; another one stored: ERR_VERSION */
    uint64_t max_bytes;       /* quota, at least STORE_QUOTA_MIN; 0 = the disk is the limit */
    enum store_access access;
    uint64_t check_bytes; /* a file up to this is read whole before anything is believed of it */
    /* May be NULL: told of what that look found. table NULL: a page of the file, key its number.
     * True: the caller can live with this row, which answers ERR_CORRUPT to whoever reads it; a
     * store that has nothing worse is opened. Of a page the answer is not asked. */
    bool (*damaged)(void *arg, const char *table, struct span key);
    void *damaged_arg;
    uint64_t first_map_bytes; /* 0 = STORE_FIRST_MAP_BYTES; doubles when 80 % are used */
    enum err (*random_fill)(void *arg, uint8_t *out, size_t n); /* for the incarnation */
    void *random_arg;
};

/* ERR_UNSUPPORTED (no such engine), ERR_USAGE (options), ERR_LOCKED (this directory is open in
 * this process already; other processes are kept out by the caller's directory lock, see file.h),
 * ERR_FILESYSTEM, ERR_PERMISSION (also: others may enter the directory), ERR_READONLY,
 * ERR_NOT_FOUND (no parent directory), ERR_EXISTS (a file is there), ERR_VERSION (format or
 * schema), ERR_CORRUPT (also: a foreign store), ERR_FULL, ERR_NOMEM, ERR_IO, and whatever
 * random_fill answers. The options are copied. A new store is durable, directory entry included,
 * when this returns. */
enum err store_open(const char *engine, const struct store_options *options, struct store **out);
void store_close(struct store *s); /* NULL is fine; every transaction has ended before */

/* ERR_BUSY: a write transaction is live; or (seldom, after ERR_FULL or ERR_UNKNOWN, and for reads
 * too) the engine must remap or reopen its file while other transactions are live: end them and
 * begin again. Also ERR_NOMEM, ERR_IO, ERR_FULL (no reader slot: 126 live reads), ERR_CORRUPT. */
enum err store_begin(struct store *s, enum txn_kind kind, struct txn **out);

/* *t is NULL afterwards, whatever the answer. ERR_CONFLICT: another writer came first, nothing
 * written. ERR_UNKNOWN, ERR_FULL, ERR_IO, ERR_NOMEM: see above. A read transaction just ends. */
enum err store_commit(struct txn **t);
void store_abort(struct txn **t); /* NULL and a pointer to NULL are fine; *t is NULL afterwards */

/* Values and keys handed out are borrowed until the next write in this transaction or its end,
 * whichever comes first, have no alignment, and are never at NULL even when empty; so never pass
 * them to a write of the same transaction without a copy. A table
 * outside the options is ERR_USAGE, a write in a read transaction ERR_STATE, a key or value
 * outside the limits ERR_SIZE. */
enum err store_get(struct txn *t, int table, struct span key,
                   struct span *value); /* ERR_NOT_FOUND */

/* ERR_OK also when some or all are absent: values[i].ptr is NULL then. After an error `values`
 * says nothing. */
enum err store_get_many(struct txn *t, int table, const struct span *keys, size_t n,
                        struct span *values);

enum err store_put(struct txn *t, int table, struct span key, struct span value); /* replaces */
enum err store_put_new(struct txn *t, int table, struct span key,
                       struct span value); /* ERR_EXISTS */

/* For keys that only grow (fills pages to the brim): ERR_RANGE unless greater than all others. */
enum err store_append(struct txn *t, int table, struct span key, struct span value);
enum err store_del(struct txn *t, int table, struct span key); /* ERR_NOT_FOUND */

/* ERR_OK: go on. ERR_ENOUGH: stop here, the scan answers ERR_OK. Anything else: stop, the scan
 * answers that. A visitor may read in the same transaction; a write answers ERR_STATE (collect
 * first, write after the scan). Key and value are borrowed until the visitor returns. */
typedef enum err visit_fn(void *arg, struct span key, struct span value);

/* Ascending (memcmp, a prefix before what it begins), from <= key < to. An empty `from` begins
 * at the first key, an empty `to` goes on to the last. Visits `most` keys at the most (SIZE_MAX:
 * all; 0: none). Nothing in the range is ERR_OK. A bound has at most STORE_KEY_MAX + 1 bytes
 * (ERR_SIZE) and must live until the scan returns. */
enum err store_scan(struct txn *t, int table, struct span from, struct span to, size_t most,
                    visit_fn *visit, void *arg);

/* The greatest key (of all, or below `bound`; an empty bound is no bound). ERR_NOT_FOUND. */
enum err store_last(struct txn *t, int table, struct span *key, struct span *value);
enum err store_before(struct txn *t, int table, struct span bound, struct span *key,
                      struct span *value);

struct store_stats {
    uint64_t used_bytes; /* what the quota counts: pages in use (mem: keys and values) */
    uint64_t
        file_bytes;     /* up to the last page ever used; a file never shrinks, store_copy() does */
    uint64_t map_bytes; /* 0 for mem */
    uint64_t quota_bytes; /* 0 = none */
    uint64_t free_pages;  /* used before, will be used again */
    uint64_t page_bytes;
    uint64_t commits;           /* number of the last commit */
    uint64_t readers;           /* live read transactions, those of other processes too */
    uint64_t oldest_reader_lag; /* commits since the oldest of them began; 0 without readers */
};
enum err store_stats(struct store *s, struct store_stats *out);

/* After much was read at once in t: what lies mapped of the file is the process's memory no longer,
 * until it is read again. Whatever is borrowed stays good. Costs as much as 10 reads. */
void store_trim(struct txn *t);

/* Once a minute: gives back the reader slots of processes that died. *freed may be NULL. */
enum err store_reader_check(struct store *s, size_t *freed);

/* Between write transactions. Below what is used: writes answer ERR_FULL until enough was
 * deleted. A full store can be emptied: deleting has a reserve beyond the quota (a sixteenth, 1 MiB
 * at least), which runs out only under a reader that pins what is freed for a long time. ERR_USAGE
 * below STORE_QUOTA_MIN, ERR_BUSY while a write transaction is live. */
enum err store_set_quota(struct store *s, uint64_t max_bytes);

/* Writes one compacted snapshot (deleted data is not in it) to `fd`: as `data.mdb` in an empty
 * 0700 directory it opens as this store. Counts as a live read while it runs, so run it when
 * little is written. ERR_UNSUPPORTED (mem), ERR_FULL, ERR_IO, ERR_CLOSED (reader of a pipe gone).
 */
enum err store_copy(struct store *s, int fd);

/* Random, made with the store, the same at every open. Renew it after a restore, before anything
 * is served: cursors and sessions are valid within one incarnation only. Renewing is a commit of
 * its own and answers as one. Reading it is a short read transaction. */
enum err store_incarnation(struct store *s, uint8_t out[STORE_INCARNATION_BYTES]);
enum err store_incarnation_renew(struct store *s);

#endif
