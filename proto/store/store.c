#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "own.h"
#include "place.h"
#include "trim.h"

static const struct store_engine *const engines[] = {&store_lmdb, &store_mem};

struct span span_present(const void *ptr, size_t len)
{
    static const uint8_t nothing[1];

    return (struct span){len ? ptr : nothing, len};
}

static bool name_valid(const char *name)
{
    size_t len = name ? strlen(name) : 0;

    return len && len <= STORE_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == len;
}

static bool options_valid(const struct store_options *o)
{
    if (!o->names || !o->n || o->n > STORE_TABLES_MAX || !o->random_fill)
        return false;
    for (size_t i = 0; i < o->n; i++) {
        if (!name_valid(o->names[i]))
            return false;
        for (size_t j = 0; j < i; j++)
            if (!strcmp(o->names[i], o->names[j]))
                return false;
    }
    return !o->max_bytes || o->max_bytes >= STORE_QUOTA_MIN;
}

enum err store_base_init(struct store *s, const struct store_engine *engine,
                         const struct store_options *o)
{
    if (pthread_mutex_init(&s->lock, NULL))
        return ERR_NOMEM;
    s->engine = engine;
    s->tables = (int)o->n;
    s->read_only = o->access != STORE_WRITE;
    s->max_bytes = o->max_bytes;
    s->random_fill = o->random_fill;
    s->random_arg = o->random_arg;
    return ERR_OK;
}

struct look {
    const struct store_options *o;
    const char *table;
    enum err found;
};

static void row_is_bad(void *arg, struct span key)
{
    struct look *l = arg;

    if (!l->o->damaged || !l->o->damaged(l->o->damaged_arg, l->table, key))
        l->found = ERR_CORRUPT;
}

/* All rows of a file that is not too large for it: all that is wrong is told, not only the first.
 */
static enum err rows_look(struct store *s, const struct store_options *o)
{
    struct look l = {.o = o};
    struct store_stats stats;
    struct txn *t = NULL;
    enum err e;

    if (!o->check_bytes || (e = store_stats(s, &stats)))
        return o->check_bytes ? e : ERR_OK;
    if (stats.file_bytes > o->check_bytes)
        return ERR_OK;
    if ((e = store_begin(s, TXN_READ, &t)))
        return e;
    for (int i = 0; i < s->tables && !e; i++) {
        l.table = o->names[i];
        e = s->engine->check(t, i, row_is_bad, &l);
    }
    store_abort(&t);
    return e ? e : l.found;
}

/* The engine is open; give it its common part and check or write the store's own page. */
static enum err open_own(struct store *s, const struct store_engine *engine,
                         const struct store_options *o)
{
    enum err e;

    if ((e = store_base_init(s, engine, o))) {
        engine->close(s);
        return e;
    }
    if ((e = own_check(s, o->schema)) || (e = rows_look(s, o)))
        store_close(s);
    return e;
}

/* A new store gets its place only when it is whole. */
static enum err open_engine(const struct store_engine *engine, const struct store_options *o,
                            struct store **out)
{
    struct store_options aside = *o;
    struct store *made = NULL;
    char *beside = NULL;
    enum err e;

    if (engine->file && o->access == STORE_WRITE &&
        (e = place_beside(o->where, engine->file, &beside)))
        return e;
    if (beside) {
        aside.where = beside;
        if (!(e = engine->open(&aside, &made))) {
            engine->close(made);
            e = place_adopt(o->where, engine->file);
        }
        free(beside);
        if (e)
            return e;
    }
    return engine->open(o, out);
}

enum err store_open(const char *engine, const struct store_options *options, struct store **out)
{
    const char *names[STORE_TABLES_MAX + 1];
    struct store_options all = *options;
    const struct store_engine *found = NULL;
    struct store *s;
    enum err e;

    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++)
        if (!strcmp(engines[i]->name, engine))
            found = engines[i];
    if (!found)
        return ERR_UNSUPPORTED;
    if (!options_valid(options))
        return ERR_USAGE;
    memcpy(names, options->names, options->n * sizeof *names);
    names[options->n] = OWN_TABLE_NAME;
    all.names = names;
    all.n = options->n + 1;
    if ((e = open_engine(found, &all, &s)))
        return e;
    if ((e = open_own(s, found, options)))
        return e;
    *out = s;
    return ERR_OK;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    pthread_mutex_destroy(&s->lock);
    s->engine->close(s);
}

enum err store_begin(struct store *s, enum txn_kind kind, struct txn **out)
{
    struct txn *t;
    enum err e = ERR_BUSY;

    if (kind == TXN_WRITE && s->read_only)
        return ERR_READONLY;
    pthread_mutex_lock(&s->lock);
    /* After this no engine waits for a writer of ours, so beginning under the lock is no deadlock.
     */
    if (kind == TXN_WRITE && s->writing)
        goto out;
    if ((e = s->engine->begin(s, kind, &t)))
        goto out;
    t->store = s;
    t->kind = kind;
    t->next = s->live;
    t->link = &s->live;
    if (t->next)
        t->next->link = &t->next;
    s->live = t;
    if (kind == TXN_WRITE)
        s->writing = true;
    *out = t;
out:
    pthread_mutex_unlock(&s->lock);
    return e;
}

/* It leaves the list only after the engine has let go of its file: an empty list is the engine's
 * leave to remap. */
static void txn_end(struct txn **t)
{
    struct txn *ended = *t;
    struct store *s = ended->store;

    pthread_mutex_lock(&s->lock);
    *ended->link = ended->next;
    if (ended->next)
        ended->next->link = ended->link;
    if (ended->kind == TXN_WRITE)
        s->writing = false;
    pthread_mutex_unlock(&s->lock);
    free(ended);
    *t = NULL;
}

enum err store_commit(struct txn **t)
{
    enum err e = (*t)->doomed;

    if (e || (*t)->kind == TXN_READ)
        (*t)->store->engine->abort(*t);
    else
        e = (*t)->store->engine->commit(*t);
    txn_end(t);
    return e;
}

void store_abort(struct txn **t)
{
    if (!t || !*t)
        return;
    (*t)->store->engine->abort(*t);
    txn_end(t);
}

static enum err access_check(const struct txn *t, int table, struct span key)
{
    if (t->doomed)
        return t->doomed;
    if (table < 0 || table >= t->store->tables)
        return ERR_USAGE;
    return key.len && key.len <= STORE_KEY_MAX ? ERR_OK : ERR_SIZE;
}

enum err store_get_many(struct txn *t, int table, const struct span *keys, size_t n,
                        struct span *values)
{
    enum err e;

    for (size_t i = 0; i < n; i++)
        if ((e = access_check(t, table, keys[i])))
            return e;
    return t->store->engine->get_many(t, table, keys, n, values);
}

enum err store_get(struct txn *t, int table, struct span key, struct span *value)
{
    struct span found;
    enum err e;

    if ((e = store_get_many(t, table, &key, 1, &found)))
        return e;
    if (!found.ptr)
        return ERR_NOT_FOUND;
    *value = found;
    return ERR_OK;
}

static enum err write_check(const struct txn *t, int table, struct span key)
{
    enum err e;

    if ((e = access_check(t, table, key)))
        return e;
    return t->kind == TXN_WRITE && !t->scans ? ERR_OK : ERR_STATE;
}

/* A failure of the machine leaves a half-written transaction: it must never be committed. */
static enum err write_done(struct txn *t, enum err e)
{
    if (e && e != ERR_NOT_FOUND && e != ERR_EXISTS && e != ERR_RANGE)
        t->doomed = e;
    return e;
}

static enum err put(struct txn *t, int table, struct span key, struct span value,
                    enum put_mode mode)
{
    enum err e;

    if ((e = write_check(t, table, key)))
        return e;
    if (value.len > STORE_VALUE_MAX)
        return ERR_SIZE;
    return write_done(t, t->store->engine->put(t, table, key, value, mode));
}

enum err store_put(struct txn *t, int table, struct span key, struct span value)
{
    return put(t, table, key, value, PUT_ANY);
}

enum err store_put_new(struct txn *t, int table, struct span key, struct span value)
{
    return put(t, table, key, value, PUT_NEW);
}

enum err store_append(struct txn *t, int table, struct span key, struct span value)
{
    return put(t, table, key, value, PUT_LAST);
}

enum err store_del(struct txn *t, int table, struct span key)
{
    enum err e;

    if ((e = write_check(t, table, key)))
        return e;
    return write_done(t, t->store->engine->del(t, table, key));
}

/* A bound need not be a key: it may be empty, or a longest key and one byte ("just above it"). */
static enum err bound_check(const struct txn *t, int table, struct span bound)
{
    if (bound.len > STORE_KEY_MAX + 1)
        return ERR_SIZE;
    return access_check(t, table, (struct span){(const uint8_t *)"", 1});
}

enum err store_scan(struct txn *t, int table, struct span from, struct span to, size_t most,
                    visit_fn *visit, void *arg)
{
    enum err e;

    if ((e = bound_check(t, table, from)) || (e = bound_check(t, table, to)))
        return e;
    if (!most || (to.len && span_compare(from, to) >= 0))
        return ERR_OK;
    t->scans++;
    e = t->store->engine->scan(t, table, from, to, most, visit, arg);
    t->scans--;
    return e == ERR_ENOUGH ? ERR_OK : e;
}

enum err store_before(struct txn *t, int table, struct span bound, struct span *key,
                      struct span *value)
{
    enum err e;

    if ((e = bound_check(t, table, bound)))
        return e;
    return t->store->engine->before(t, table, bound, key, value);
}

enum err store_last(struct txn *t, int table, struct span *key, struct span *value)
{
    return store_before(t, table, (struct span){NULL, 0}, key, value);
}

static void stats_common(struct store *s, const struct txn *own, struct store_stats *out)
{
    pthread_mutex_lock(&s->lock);
    out->quota_bytes = s->max_bytes;
    for (const struct txn *t = s->live; t; t = t->next) {
        if (t == own || t->kind == TXN_WRITE)
            continue;
        out->readers++;
        if (out->commits - t->commits_seen > out->oldest_reader_lag)
            out->oldest_reader_lag = out->commits - t->commits_seen;
    }
    pthread_mutex_unlock(&s->lock);
}

enum err store_stats(struct store *s, struct store_stats *out)
{
    struct store_stats now = {0};
    struct txn *t = NULL;
    enum err e;

    if ((e = store_begin(s, TXN_READ, &t)))
        goto out;
    now.commits = t->commits_seen;
    if ((e = s->engine->stats(t, &now)))
        goto out;
    stats_common(s, t, &now);
    *out = now;
out:
    store_abort(&t);
    return e;
}

enum err store_copy(struct store *s, int fd)
{
    struct txn *t = NULL; /* keeps the engine from remapping under the copy */
    enum err e;

    if ((e = store_begin(s, TXN_READ, &t)))
        goto out;
    e = s->engine->copy(t, fd);
out:
    store_abort(&t);
    return e;
}

void store_trim(struct txn *t)
{
    struct span key, value;

    if (!t->doomed &&
        !t->store->engine->before(t, t->store->tables, (struct span){NULL, 0}, &key, &value))
        trim_mapping(key.ptr);
}

enum err store_reader_check(struct store *s, size_t *freed)
{
    size_t n = 0;
    enum err e;

    pthread_mutex_lock(&s->lock);
    e = s->engine->reader_check(s, &n);
    pthread_mutex_unlock(&s->lock);
    if (!e && freed)
        *freed = n;
    return e;
}

enum err store_set_quota(struct store *s, uint64_t max_bytes)
{
    enum err e = ERR_BUSY;

    if (max_bytes && max_bytes < STORE_QUOTA_MIN)
        return ERR_USAGE;
    pthread_mutex_lock(&s->lock);
    if (!s->writing) {
        s->max_bytes = max_bytes;
        e = ERR_OK;
    }
    pthread_mutex_unlock(&s->lock);
    return e;
}
