/*
 * lmdb - the durable engine: one LMDB environment, its default durability and nothing else.
 *
 * How a commit fails. LMDB writes the data pages, syncs them, and only then writes the meta page
 * that makes them count, through a descriptor that syncs. Failing before the meta page leaves
 * the environment usable and nothing written. Failing at the meta page makes it answer MDB_PANIC
 * from then on: that is ERR_UNKNOWN, and the next begin opens the files again.
 *
 * How it grows. The map is address space, the file is sparse. It may be remapped only while no
 * transaction is live, so growing waits for such a begin.
 */
#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "file.h"
#include "lmdb_err.h"
#include "lmdb_rows.h"
#include "mapsize.h"
#include "pages.h"
#include "place.h"
#include "readers.h"
#include "rowsum.h"

#define DATA_FILE "data.mdb"
#define READERS_MAX 126
#define LOCK_FILE_BYTES 8192 /* what so many slots take in lock.mdb */
#define UNSAFE_FLAGS                                                                               \
    (MDB_NOSYNC | MDB_NOMETASYNC | MDB_WRITEMAP | MDB_MAPASYNC | MDB_NOMEMINIT | MDB_NOLOCK)

struct lmdb_store {
    struct store base;
    struct place *place;
    MDB_env *env; /* NULL after a failed reopen */
    MDB_dbi dbis[STORE_TABLES_MAX + 1];
    uint32_t seeds[STORE_TABLES_MAX + 1]; /* of the sums of rows */
    char names[STORE_TABLES_MAX + 1][STORE_NAME_MAX + 1];
    size_t n;
    uint64_t first_map_bytes;
    uint64_t page_bytes;
    enum store_access access;
    bool grow, reopen; /* before the next begin; under base.lock */
};

struct lmdb_txn {
    struct txn base;
    MDB_txn *mdb;
    uint64_t room; /* what the quota leaves to this write transaction */
};

static struct lmdb_store *lmdb_of(const struct txn *t)
{
    return (struct lmdb_store *)t->store;
}

static MDB_txn *mdb_of(const struct txn *t)
{
    return ((const struct lmdb_txn *)t)->mdb;
}

static MDB_val val_of(struct span s)
{
    return (MDB_val){s.len, (void *)(uintptr_t)s.ptr}; /* LMDB reads it only */
}

static void request(struct lmdb_store *s, bool *what)
{
    pthread_mutex_lock(&s->base.lock);
    *what = true;
    pthread_mutex_unlock(&s->base.lock);
}

static uint64_t file_bytes(const struct lmdb_store *s, uint64_t *map_bytes)
{
    MDB_envinfo info;

    mdb_env_info(s->env, &info); /* fails for NULL only */
    *map_bytes = info.me_mapsize;
    return ((uint64_t)info.me_last_pgno + 1) * s->page_bytes;
}

/* Counts the free pages from number `first` on, in the lists LMDB keeps in its table 0. */
static enum err free_pages(const struct lmdb_store *s, uint64_t first, uint64_t *out)
{
    MDB_cursor *cursor = NULL;
    MDB_txn *mdb = NULL;
    MDB_val key, list;
    uint64_t n = 0;
    int rc;

    if ((rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &mdb)))
        goto out;
    if ((rc = mdb_cursor_open(mdb, 0, &cursor)))
        goto out;
    while (!(rc = mdb_cursor_get(cursor, &key, &list, MDB_NEXT)))
        n += page_list_count(list.mv_data, list.mv_size, first);
    mdb_cursor_close(cursor);
out:
    mdb_txn_abort(mdb);
    if (rc != MDB_NOTFOUND)
        return err_of(rc);
    *out = n;
    return ERR_OK;
}

/* What of a quota of `max` bytes is left. Counting free pages takes a walk, so only when near. */
static enum err room_left(const struct lmdb_store *s, uint64_t max, uint64_t *room)
{
    uint64_t map, free = 0, used = file_bytes(s, &map);
    enum err e;

    if (used + max / 8 > max && (e = free_pages(s, 0, &free)))
        return e;
    used -= free * s->page_bytes;
    *room = used < max ? max - used : 0;
    return ERR_OK;
}

/* Only while no transaction is live. At the limit there is nothing to do, writes will say so. */
static enum err map_grow(struct lmdb_store *s)
{
    uint64_t map, used = file_bytes(s, &map);
    uint64_t wanted = map_next(used, map, map_limit(s->base.max_bytes));
    int rc;

    if (wanted > map && (rc = mdb_env_set_mapsize(s->env, wanted))) {
        s->reopen = true; /* it may be without any map now */
        return err_of(rc);
    }
    s->grow = false;
    return ERR_OK;
}

/* A file that ends before its last page was cut, unless all that is missing is free: a page that
 * was never needed is never written. Read through the map, a missing page would be a SIGBUS. */
static enum err file_check_whole(const struct lmdb_store *s)
{
    uint64_t map, wanted = file_bytes(s, &map), size, free;
    enum err e;

    if ((e = place_size(s->place, DATA_FILE, &size)) || size >= wanted)
        return e;
    if ((e = place_resize(s->place, DATA_FILE, wanted)))
        return e;
    if (!free_pages(s, size / s->page_bytes, &free) &&
        free == wanted / s->page_bytes - size / s->page_bytes)
        return ERR_OK;
    e = place_resize(s->place, DATA_FILE, size); /* so that the next look finds the same */
    return e ? e : ERR_CORRUPT;
}

static enum err tables_open(struct lmdb_store *s)
{
    bool reads = s->access != STORE_WRITE;
    MDB_txn *mdb;
    int rc;

    if ((rc = mdb_txn_begin(s->env, NULL, reads ? MDB_RDONLY : 0, &mdb)))
        return err_of(rc);
    for (size_t i = 0; i < s->n; i++) {
        if ((rc = mdb_dbi_open(mdb, s->names[i], reads ? 0 : MDB_CREATE, &s->dbis[i]))) {
            mdb_txn_abort(mdb);
            return rc == MDB_NOTFOUND ? ERR_CORRUPT : err_of(rc);
        }
    }
    return err_of(mdb_txn_commit(mdb)); /* writes nothing unless a table is new */
}

static enum err env_check(struct lmdb_store *s)
{
    unsigned flags = UNSAFE_FLAGS;
    MDB_stat stat;
    enum err e;
    int dead;

    mdb_env_get_flags(s->env, &flags);
    if (flags & UNSAFE_FLAGS || !(flags & MDB_NOTLS))
        return ERR_INTERNAL;
    mdb_env_stat(s->env, &stat);
    s->page_bytes = stat.ms_psize;
    mdb_reader_check(s->env, &dead);
    /* Beside a daemon the file may grow under us, and it has looked when it opened. */
    if (s->access != STORE_READ_BESIDE && (e = file_check_whole(s)))
        return e;
    return tables_open(s);
}

static enum err env_open(struct lmdb_store *s)
{
    uint64_t size;
    enum err e;
    int rc;

    if (s->access != STORE_WRITE && (e = place_size(s->place, DATA_FILE, &size)))
        return e; /* what is only read is there before */
    /* LMDB writes reader slots through a shared map: on a full disk that would be a SIGBUS. Not
     * later than here, for closing a descriptor of lock.mdb drops all its record locks. */
    if ((e = place_reserve(s->place, "lock.mdb", LOCK_FILE_BYTES)))
        return e;
    if ((rc = mdb_env_create(&s->env)))
        return err_of(rc);
    if ((rc = mdb_env_set_maxdbs(s->env, (MDB_dbi)s->n)) ||
        (rc = mdb_env_set_maxreaders(s->env, READERS_MAX)) ||
        (rc = mdb_env_set_mapsize(s->env, s->first_map_bytes)) ||
        (rc = mdb_env_open(s->env, place_path(s->place),
                           MDB_NOTLS | (s->access == STORE_WRITE ? 0 : MDB_RDONLY), 0600)))
        e = err_of(rc);
    else
        e = env_check(s);
    if (e) {
        mdb_env_close(s->env);
        s->env = NULL;
    }
    return e;
}

static enum err reopen(struct lmdb_store *s)
{
    enum err e;

    mdb_env_close(s->env); /* NULL is fine */
    s->env = NULL;
    /* What we then read must be what is on disk, not a meta page only the page cache has. */
    if ((e = place_sync(s->place, DATA_FILE)) || (e = env_open(s)))
        return e;
    s->grow = s->reopen = false;
    return ERR_OK;
}

static void lmdb_close(struct store *base)
{
    struct lmdb_store *s = (struct lmdb_store *)base;

    mdb_env_close(s->env);
    place_close(s->place);
    free(s);
}

/* Before LMDB, which trusts its pages. */
static enum err pages_look(const struct lmdb_store *s, const struct store_options *o)
{
    uint64_t size, page = 0;
    uint8_t key[8];
    enum err e;
    int fd;

    if (o->access == STORE_READ_BESIDE)
        return ERR_OK;
    if ((e = place_size(s->place, DATA_FILE, &size)))
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    if ((e = place_open_file(s->place, DATA_FILE, &fd)))
        return e;
    e = pages_check(fd, size <= o->check_bytes, &page);
    close(fd);
    for (int i = 0; i < 8; i++)
        key[i] = (uint8_t)(page >> (56 - 8 * i));
    if (e == ERR_CORRUPT && o->damaged)
        (void)o->damaged(o->damaged_arg, NULL, span_of(key, sizeof key));
    return e;
}

static enum err lmdb_open(const struct store_options *o, struct store **out)
{
    struct lmdb_store *s = calloc(1, sizeof *s);
    enum err e = ERR_NOMEM;

    if (!s)
        goto out;
    s->first_map_bytes = map_first(o->first_map_bytes, o->max_bytes);
    s->n = o->n;
    s->access = o->access;
    for (size_t i = 0; i < o->n; i++)
        snprintf(s->names[i], sizeof s->names[i], "%s", o->names[i]);
    for (size_t i = 0; i < o->n; i++)
        s->seeds[i] = rowsum_seed(o->names[i]);
    if ((e = place_open(o->where, o->access == STORE_WRITE, &s->place)) || (e = pages_look(s, o)) ||
        (e = env_open(s)))
        goto out;
    if (o->access == STORE_WRITE && (e = place_sync(s->place, DATA_FILE)))
        goto out;
    *out = &s->base;
    s = NULL;
out:
    if (s)
        lmdb_close(&s->base);
    return e;
}

/* Does what has to be done first, or says that it cannot be done yet. A map that is merely crowded
 * grows when it happens to be possible. */
static enum err settle(struct lmdb_store *s, enum txn_kind kind)
{
    uint64_t map, used;

    if (s->reopen)
        return s->base.live ? ERR_BUSY : reopen(s);
    used = file_bytes(s, &map);
    if (map >= map_limit(s->base.max_bytes))
        s->grow = false;
    else if (!s->base.live && (s->grow || (kind == TXN_WRITE && map_is_crowded(used, map))))
        return map_grow(s);
    return s->grow ? ERR_BUSY : ERR_OK;
}

static enum err begin(struct lmdb_store *s, enum txn_kind kind, struct lmdb_txn *t)
{
    enum err e;
    int rc;

    for (int i = 0; i < 2; i++) {
        if ((e = settle(s, kind)))
            return e;
        rc = mdb_txn_begin(s->env, NULL, kind == TXN_READ ? MDB_RDONLY : 0, &t->mdb);
        if (rc != MDB_PANIC && rc != MDB_MAP_RESIZED /* by a tool, in another process */)
            return err_of(rc);
        s->reopen = true;
    }
    return ERR_IO;
}

static enum err lmdb_begin(struct store *base, enum txn_kind kind, struct txn **out)
{
    struct lmdb_store *s = (struct lmdb_store *)base;
    struct lmdb_txn *t = calloc(1, sizeof *t);
    enum err e = ERR_NOMEM;

    if (!t)
        goto out;
    if ((e = begin(s, kind, t)))
        goto out;
    t->base.commits_seen = mdb_txn_id(t->mdb) - (kind == TXN_WRITE);
    if (kind == TXN_WRITE && base->max_bytes && (e = room_left(s, base->max_bytes, &t->room)))
        goto out;
    *out = &t->base;
    t = NULL;
out:
    if (t)
        mdb_txn_abort(t->mdb);
    free(t);
    return e;
}

static enum err write_done(struct lmdb_store *s, int rc)
{
    if (rc == MDB_MAP_FULL)
        request(s, &s->grow);
    return err_of(rc);
}

/* Certain only if the environment lives: then the meta page was not reached. LMDB reports a
 * short write, which is how a full disk begins, as EIO; any other EIO is left in doubt. */
static enum err commit_failed(struct lmdb_store *s, int rc)
{
    MDB_txn *probe = NULL;
    bool lives = !mdb_txn_begin(s->env, NULL, MDB_RDONLY, &probe);
    enum err e = write_done(s, rc);

    mdb_txn_abort(probe);
    if (rc == EIO && place_is_full(s->place, 2 * STORE_VALUE_MAX))
        e = ERR_FULL;
    if (lives && (e == ERR_FULL || e == ERR_NOMEM))
        return e;
    request(s, &s->reopen);
    return ERR_UNKNOWN;
}

static enum err lmdb_commit(struct txn *t)
{
    int rc = mdb_txn_commit(mdb_of(t));

    return rc ? commit_failed(lmdb_of(t), rc) : ERR_OK;
}

static void lmdb_abort(struct txn *t)
{
    mdb_txn_abort(mdb_of(t));
}

static struct lmdb_rows rows_of(const struct txn *t, int table)
{
    const struct lmdb_store *s = lmdb_of(t);

    return (struct lmdb_rows){mdb_of(t), s->dbis[table], s->seeds[table]};
}

static enum err lmdb_get_many(struct txn *t, int table, const struct span *keys, size_t n,
                              struct span *values)
{
    const struct lmdb_rows r = rows_of(t, table);

    return rows_get_many(&r, keys, n, values);
}

static enum err lmdb_put(struct txn *t, int table, struct span key, struct span value,
                         enum put_mode mode)
{
    static const unsigned flags[] = {[PUT_NEW] = MDB_NOOVERWRITE, [PUT_LAST] = MDB_APPEND};
    struct lmdb_store *s = lmdb_of(t);
    uint64_t *room = &((struct lmdb_txn *)t)->room;
    uint64_t cost = record_cost(s->page_bytes, key.len, value.len + ROWSUM_BYTES);
    const struct lmdb_rows r = rows_of(t, table);
    int rc;

    if (!s->base.max_bytes || table == s->base.tables) /* its own page always fits */
        cost = 0;
    if (cost > *room)
        return ERR_FULL;
    rc = rows_put(&r, key, value, flags[mode]);
    if (rc == MDB_KEYEXIST)
        return mode == PUT_LAST ? ERR_RANGE : ERR_EXISTS;
    if (!rc)
        *room -= cost;
    return write_done(s, rc);
}

static enum err lmdb_del(struct txn *t, int table, struct span key)
{
    MDB_val k = val_of(key);

    return write_done(lmdb_of(t), mdb_del(mdb_of(t), lmdb_of(t)->dbis[table], &k, NULL));
}

static enum err lmdb_scan(struct txn *t, int table, struct span from, struct span to, size_t most,
                          visit_fn *visit, void *arg)
{
    const struct lmdb_rows r = rows_of(t, table);

    return rows_scan(&r, from, to, most, visit, arg);
}

static enum err lmdb_before(struct txn *t, int table, struct span bound, struct span *key,
                            struct span *value)
{
    const struct lmdb_rows r = rows_of(t, table);

    return rows_before(&r, bound, key, value);
}

static enum err lmdb_check(struct txn *t, int table, void (*bad)(void *arg, struct span key),
                           void *arg)
{
    const struct lmdb_rows r = rows_of(t, table);

    return rows_check(&r, bad, arg);
}

static enum err lmdb_stats(struct txn *t, struct store_stats *out)
{
    const struct lmdb_store *s = lmdb_of(t);
    struct readers others = {.oldest = UINT64_MAX, .own = (long)getpid()};
    enum err e;

    if ((e = free_pages(s, 0, &out->free_pages)))
        return e;
    out->file_bytes = file_bytes(s, &out->map_bytes);
    out->page_bytes = s->page_bytes;
    out->used_bytes = out->file_bytes - out->free_pages * s->page_bytes;
    if (mdb_reader_list(s->env, readers_line, &others) < 0)
        return ERR_IO;
    out->readers = others.count;
    out->oldest_reader_lag = readers_lag(&others, out->commits);
    return ERR_OK;
}

static enum err lmdb_reader_check(struct store *base, size_t *freed)
{
    struct lmdb_store *s = (struct lmdb_store *)base;
    int dead = 0, rc = s->env ? mdb_reader_check(s->env, &dead) : 0;

    *freed = (size_t)dead;
    return err_of(rc);
}

static enum err lmdb_copy(struct txn *t, int fd)
{
    return err_of(mdb_env_copyfd2(lmdb_of(t)->env, fd, MDB_CP_COMPACT));
}

const struct store_engine store_lmdb = {
    .name = "lmdb",
    .file = DATA_FILE,
    .open = lmdb_open,
    .close = lmdb_close,
    .begin = lmdb_begin,
    .commit = lmdb_commit,
    .abort = lmdb_abort,
    .get_many = lmdb_get_many,
    .put = lmdb_put,
    .del = lmdb_del,
    .scan = lmdb_scan,
    .before = lmdb_before,
    .check = lmdb_check,
    .stats = lmdb_stats,
    .reader_check = lmdb_reader_check,
    .copy = lmdb_copy,
};
