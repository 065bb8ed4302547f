#include "faulty_store.h"

#include <stdlib.h>

#include "engine.h"

struct faulty {
    struct store base;
    struct store *inner;
    struct store_faults *faults;
};

struct faulty_txn {
    struct txn base;
    struct txn *inner;
};

static struct store_faults *faults_of(const struct txn *t)
{
    return ((struct faulty *)t->store)->faults;
}

static struct txn *inner_of(const struct txn *t)
{
    return ((const struct faulty_txn *)t)->inner;
}

static const struct store_engine *engine_of(const struct txn *t)
{
    return inner_of(t)->store->engine;
}

/* Counts one; the fault if it is this one's turn. */
static enum err turn(unsigned long *count, unsigned long which, enum err error)
{
    if (++*count != which)
        return ERR_OK;
    return error ? error : ERR_IO;
}

static void quiet(const struct store_faults *f, bool on)
{
    if (f->quiet)
        f->quiet(on);
}

static enum err faulty_begin(struct store *s, enum txn_kind kind, struct txn **out)
{
    struct faulty *f = (struct faulty *)s;
    struct faulty_txn *t;
    enum err e;

    if ((e = turn(&f->faults->begins, f->faults->fail_begin, f->faults->begin_error)))
        return e;
    if (!(t = calloc(1, sizeof *t)))
        return ERR_NOMEM;
    quiet(f->faults, true);
    e = store_begin(f->inner, kind, &t->inner);
    quiet(f->faults, false);
    if (e) {
        free(t);
        return e;
    }
    t->base.commits_seen = t->inner->commits_seen;
    *out = &t->base;
    return ERR_OK;
}

static enum err faulty_commit(struct txn *t)
{
    static const enum err answers[] = {
        [COMMIT_CONFLICT] = ERR_CONFLICT,
        [COMMIT_FULL] = ERR_FULL,
        [COMMIT_IO] = ERR_IO,
        [COMMIT_UNKNOWN_WRITTEN] = ERR_UNKNOWN,
        [COMMIT_UNKNOWN_LOST] = ERR_UNKNOWN,
    };
    struct store_faults *f = faults_of(t);
    struct faulty_txn *own = (struct faulty_txn *)t;
    enum err e = turn(&f->commits, f->fail_commit, answers[f->commit_fault]);
    enum err inner;

    if (e && f->commit_fault != COMMIT_UNKNOWN_WRITTEN) {
        store_abort(&own->inner);
        return e;
    }
    quiet(f, true);
    inner = store_commit(&own->inner);
    quiet(f, false);
    return inner ? inner : e;
}

static void faulty_abort(struct txn *t)
{
    store_abort(&((struct faulty_txn *)t)->inner);
}

static enum err faulty_get_many(struct txn *t, int table, const struct span *keys, size_t n,
                                struct span *values)
{
    struct store_faults *f = faults_of(t);
    enum err e;

    if ((e = turn(&f->gets, f->fail_get, f->get_error)))
        return e;
    return engine_of(t)->get_many(inner_of(t), table, keys, n, values);
}

static enum err faulty_put(struct txn *t, int table, struct span key, struct span value,
                           enum put_mode mode)
{
    struct store_faults *f = faults_of(t);
    enum err e;

    if ((e = turn(&f->puts, f->fail_put, f->put_error)))
        return e;
    quiet(f, true);
    e = engine_of(t)->put(inner_of(t), table, key, value, mode);
    quiet(f, false);
    return e;
}

static enum err faulty_del(struct txn *t, int table, struct span key)
{
    struct store_faults *f = faults_of(t);
    enum err e;

    if ((e = turn(&f->dels, f->fail_del, f->del_error)))
        return e;
    quiet(f, true);
    e = engine_of(t)->del(inner_of(t), table, key);
    quiet(f, false);
    return e;
}

static enum err faulty_scan(struct txn *t, int table, struct span from, struct span to, size_t most,
                            visit_fn *visit, void *arg)
{
    struct store_faults *f = faults_of(t);
    enum err e;

    if ((e = turn(&f->scans, f->fail_scan, f->scan_error)))
        return e;
    return engine_of(t)->scan(inner_of(t), table, from, to, most, visit, arg);
}

static enum err faulty_before(struct txn *t, int table, struct span bound, struct span *key,
                              struct span *value)
{
    struct store_faults *f = faults_of(t);
    enum err e;

    if ((e = turn(&f->scans, f->fail_scan, f->scan_error)))
        return e;
    return engine_of(t)->before(inner_of(t), table, bound, key, value);
}

static enum err faulty_check(struct txn *t, int table, void (*bad)(void *arg, struct span key),
                             void *arg)
{
    return engine_of(t)->check(inner_of(t), table, bad, arg);
}

static enum err faulty_stats(struct txn *t, struct store_stats *out)
{
    return engine_of(t)->stats(inner_of(t), out);
}

static enum err faulty_reader_check(struct store *s, size_t *freed)
{
    return store_reader_check(((struct faulty *)s)->inner, freed);
}

static enum err faulty_copy(struct txn *t, int fd)
{
    return engine_of(t)->copy(inner_of(t), fd);
}

static void faulty_close(struct store *s)
{
    store_close(((struct faulty *)s)->inner);
    free(s);
}

static const struct store_engine faulty_engine = {
    .name = "faulty",
    .close = faulty_close,
    .begin = faulty_begin,
    .commit = faulty_commit,
    .abort = faulty_abort,
    .get_many = faulty_get_many,
    .put = faulty_put,
    .del = faulty_del,
    .scan = faulty_scan,
    .before = faulty_before,
    .check = faulty_check,
    .stats = faulty_stats,
    .reader_check = faulty_reader_check,
    .copy = faulty_copy,
};

struct store *store_wrap(struct store *inner, struct store_faults *faults)
{
    struct store_options o = {.n = (size_t)inner->tables,
                              .random_fill = inner->random_fill,
                              .random_arg = inner->random_arg};
    struct faulty *f = calloc(1, sizeof *f);

    if (!f || store_base_init(&f->base, &faulty_engine, &o)) {
        free(f);
        store_close(inner);
        return NULL;
    }
    f->inner = inner;
    f->faults = faults;
    return &f->base;
}

struct store *store_unwrapped(struct store *wrapper)
{
    return ((struct faulty *)wrapper)->inner;
}
