#include "lmdb_rows.h"

#include <string.h>

#include "engine.h"
#include "lmdb_err.h"
#include "rowsum.h"

static MDB_val val_of(struct span s)
{
    return (MDB_val){s.len, (void *)(uintptr_t)s.ptr}; /* LMDB reads it only */
}

static struct span span_of_val(MDB_val v)
{
    return span_present(v.mv_data, v.mv_size);
}

/* A row as it was written, without its sum. */
static enum err row_take(const struct lmdb_rows *r, struct span key, MDB_val v, struct span *value)
{
    struct span all = span_of_val(v);

    if (key.len > STORE_KEY_MAX || all.len < ROWSUM_BYTES)
        return ERR_CORRUPT;
    all.len -= ROWSUM_BYTES;
    if (rowsum_of(r->seed, key, all) != rowsum_read(all.ptr + all.len))
        return ERR_CORRUPT;
    *value = span_present(all.ptr, all.len);
    return ERR_OK;
}

/* The cursor stands on the first row at or above `key`, or behind the last: is that so? The row is
 * given, and the cursor stands there again. ERR_NOT_FOUND: behind the last. */
static enum err row_from(const struct lmdb_rows *r, MDB_cursor *at, struct span bound,
                         struct span *key, struct span *value)
{
    MDB_val k = val_of(bound), v;
    int rc = mdb_cursor_get(at, &k, &v, MDB_SET_RANGE);
    bool last = rc == MDB_NOTFOUND;
    struct span before = {0};
    enum err e;

    if (rc && !last)
        return err_of(rc);
    if (!last) {
        *key = span_of_val(k);
        if ((e = row_take(r, *key, v, value)))
            return e;
        if (span_compare(*key, bound) == 0)
            return ERR_OK;
        if (span_compare(*key, bound) < 0)
            return ERR_CORRUPT;
    }
    rc = mdb_cursor_get(at, &k, &v, last ? MDB_LAST : MDB_PREV);
    if (rc && rc != MDB_NOTFOUND)
        return err_of(rc);
    if (!rc && ((e = row_take(r, span_of_val(k), v, &before)) != ERR_OK ||
                span_compare(span_of_val(k), bound) >= 0))
        return ERR_CORRUPT;
    if (!last && !rc && (rc = mdb_cursor_get(at, &k, &v, MDB_NEXT)))
        return err_of(rc);
    return last ? ERR_NOT_FOUND : ERR_OK;
}

enum err rows_get(const struct lmdb_rows *r, MDB_cursor *at, struct span key, struct span *value)
{
    struct span found = {0};
    struct span row = {0};
    enum err e = row_from(r, at, key, &found, &row);

    if (e == ERR_NOT_FOUND || (!e && !span_equal(found, key))) {
        *value = (struct span){NULL, 0};
        return ERR_OK;
    }
    if (!e)
        *value = row;
    return e;
}

enum err rows_get_many(const struct lmdb_rows *r, const struct span *keys, size_t n,
                       struct span *values)
{
    MDB_cursor *cursor;
    enum err e = ERR_OK;
    int rc;

    if ((rc = mdb_cursor_open(r->mdb, r->dbi, &cursor)))
        return err_of(rc);
    for (size_t i = 0; i < n && !e; i++)
        e = rows_get(r, cursor, keys[i], &values[i]);
    mdb_cursor_close(cursor);
    return e;
}

int rows_put(const struct lmdb_rows *r, struct span key, struct span value, unsigned flags)
{
    MDB_val k = val_of(key), v = {value.len + ROWSUM_BYTES, NULL};
    int rc = mdb_put(r->mdb, r->dbi, &k, &v, flags | MDB_RESERVE);

    if (rc)
        return rc;
    if (value.len)
        memcpy(v.mv_data, value.ptr, value.len);
    rowsum_write(rowsum_of(r->seed, key, value), (uint8_t *)v.mv_data + value.len);
    return 0;
}

static enum err scan_on(const struct lmdb_rows *r, MDB_cursor *cursor, struct span to, size_t most,
                        visit_fn *visit, void *arg)
{
    uint8_t last[STORE_KEY_MAX];
    size_t last_len = 0;
    MDB_val k, v;
    enum err e = ERR_OK;
    int rc = mdb_cursor_get(cursor, &k, &v, MDB_GET_CURRENT);

    for (; !rc && most; most--) {
        struct span key = span_of_val(k);
        struct span value;

        if (to.len && span_compare(key, to) >= 0)
            break;
        if ((e = row_take(r, key, v, &value)))
            break;
        if (last_len && span_compare(span_of(last, last_len), key) >= 0)
            return ERR_CORRUPT;
        memcpy(last, key.ptr, key.len);
        last_len = key.len;
        if ((e = visit(arg, key, value)) || most == 1)
            break;
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    return rc && rc != MDB_NOTFOUND ? err_of(rc) : e;
}

enum err rows_scan(const struct lmdb_rows *r, struct span from, struct span to, size_t most,
                   visit_fn *visit, void *arg)
{
    struct span key, value;
    MDB_cursor *cursor;
    MDB_val k, v;
    enum err e;
    int rc;

    if ((rc = mdb_cursor_open(r->mdb, r->dbi, &cursor)))
        return err_of(rc);
    if (from.len)
        e = row_from(r, cursor, from, &key, &value);
    else if ((rc = mdb_cursor_get(cursor, &k, &v, MDB_FIRST)))
        e = rc == MDB_NOTFOUND ? ERR_NOT_FOUND : err_of(rc);
    else
        e = ERR_OK;
    if (!e)
        e = scan_on(r, cursor, to, most, visit, arg);
    else if (e == ERR_NOT_FOUND)
        e = ERR_OK;
    mdb_cursor_close(cursor);
    return e;
}

enum err rows_before(const struct lmdb_rows *r, struct span bound, struct span *key,
                     struct span *value)
{
    MDB_cursor_op step = MDB_LAST;
    MDB_cursor *cursor;
    MDB_val k, v;
    enum err e = ERR_NOT_FOUND;
    int rc;

    if ((rc = mdb_cursor_open(r->mdb, r->dbi, &cursor)))
        return err_of(rc);
    if (bound.len) {
        e = row_from(r, cursor, bound, key, value);
        step = e ? MDB_LAST : MDB_PREV;
    }
    if (e && e != ERR_NOT_FOUND)
        goto out;
    rc = mdb_cursor_get(cursor, &k, &v, step);
    e = rc == MDB_NOTFOUND ? ERR_NOT_FOUND : err_of(rc);
    if (!e && !(e = row_take(r, span_of_val(k), v, value)))
        *key = span_of_val(k);
out:
    mdb_cursor_close(cursor);
    return e;
}

enum err rows_check(const struct lmdb_rows *r, void (*bad)(void *arg, struct span key), void *arg)
{
    MDB_cursor *cursor;
    struct span value;
    MDB_val k, v;
    int rc;

    if ((rc = mdb_cursor_open(r->mdb, r->dbi, &cursor)))
        return err_of(rc);
    while (!(rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)))
        if (row_take(r, span_of_val(k), v, &value))
            bad(arg, span_of_val(k));
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? ERR_OK : err_of(rc);
}
