/*
 * mem - the reference engine: one treap per table, a commit swaps all roots at once. A read
 * transaction holds the roots of its beginning, so it is a true snapshot and never in the way.
 * Nothing survives store_close(). The quota counts keys and values.
 */
#include <stdlib.h>

#include "engine.h"
#include "treap.h"

struct version {
    struct treap *roots[STORE_TABLES_MAX + 1];
    uint64_t used_bytes;
    uint64_t commits;
};

struct mem_store {
    struct store base;
    size_t n;
    struct version now; /* under base.lock */
};

struct mem_txn {
    struct txn base;
    struct version seen; /* and, in a write transaction, changed */
};

static struct mem_store *mem_of(const struct txn *t)
{
    return (struct mem_store *)t->store;
}

static struct treap **root_of(struct txn *t, int table)
{
    return &((struct mem_txn *)t)->seen.roots[table];
}

static void version_copy(struct version *to, const struct version *from, size_t n)
{
    *to = *from;
    for (size_t i = 0; i < n; i++)
        treap_retain(to->roots[i]);
}

static void version_wipe(struct version *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        treap_release(v->roots[i]);
}

static enum err mem_open(const struct store_options *o, struct store **out)
{
    struct mem_store *s = calloc(1, sizeof *s);

    if (!s)
        return ERR_NOMEM;
    s->n = o->n;
    *out = &s->base;
    return ERR_OK;
}

static void mem_close(struct store *base)
{
    struct mem_store *s = (struct mem_store *)base;

    version_wipe(&s->now, s->n);
    free(s);
}

static enum err mem_begin(struct store *base, enum txn_kind kind, struct txn **out)
{
    struct mem_store *s = (struct mem_store *)base;
    struct mem_txn *t = calloc(1, sizeof *t);

    (void)kind;
    if (!t)
        return ERR_NOMEM;
    version_copy(&t->seen, &s->now, s->n);
    t->base.commits_seen = s->now.commits;
    *out = &t->base;
    return ERR_OK;
}

static enum err mem_commit(struct txn *base)
{
    struct mem_store *s = mem_of(base);
    struct mem_txn *t = (struct mem_txn *)base;
    struct version old;

    pthread_mutex_lock(&s->base.lock);
    old = s->now;
    s->now = t->seen;
    s->now.commits++;
    pthread_mutex_unlock(&s->base.lock);
    version_wipe(&old, s->n);
    return ERR_OK;
}

static void mem_abort(struct txn *base)
{
    version_wipe(&((struct mem_txn *)base)->seen, mem_of(base)->n);
}

static struct span value_of(const struct treap *node)
{
    struct span value = treap_value(node);

    return span_present(value.ptr, value.len);
}

static enum err mem_get_many(struct txn *t, int table, const struct span *keys, size_t n,
                             struct span *values)
{
    const struct treap *node;

    for (size_t i = 0; i < n; i++) {
        node = treap_at(*root_of(t, table), keys[i]);
        values[i] = node ? value_of(node) : (struct span){NULL, 0};
    }
    return ERR_OK;
}

static enum err mode_check(const struct treap *root, struct span key, enum put_mode mode)
{
    if (mode == PUT_NEW && treap_at(root, key))
        return ERR_EXISTS;
    if (mode == PUT_LAST && treap_from(root, key))
        return ERR_RANGE;
    return ERR_OK;
}

static enum err mem_put(struct txn *t, int table, struct span key, struct span value,
                        enum put_mode mode)
{
    struct treap **root = root_of(t, table);
    const struct treap *old = treap_at(*root, key);
    uint64_t *used = &((struct mem_txn *)t)->seen.used_bytes;
    uint64_t was = old ? key.len + treap_value(old).len : 0;
    uint64_t used_then = *used - was + key.len + value.len;
    enum err e;

    if ((e = mode_check(*root, key, mode)))
        return e;
    if (t->store->max_bytes && used_then > t->store->max_bytes)
        return ERR_FULL;
    if ((e = treap_put(root, key, value)))
        return e;
    *used = used_then;
    return ERR_OK;
}

static enum err mem_del(struct txn *t, int table, struct span key)
{
    const struct treap *old = treap_at(*root_of(t, table), key);
    uint64_t was = old ? key.len + treap_value(old).len : 0;
    enum err e;

    if ((e = treap_del(root_of(t, table), key)))
        return e;
    ((struct mem_txn *)t)->seen.used_bytes -= was;
    return ERR_OK;
}

static enum err mem_scan(struct txn *t, int table, struct span from, struct span to, size_t most,
                         visit_fn *visit, void *arg)
{
    const struct treap *root = *root_of(t, table); /* no write while a scan runs */
    enum err e = ERR_OK;

    for (const struct treap *n = treap_from(root, from); n && most; most--) {
        if (to.len && span_compare(treap_key(n), to) >= 0)
            break;
        if ((e = visit(arg, treap_key(n), value_of(n))))
            break;
        n = treap_above(root, treap_key(n));
    }
    return e;
}

static enum err mem_before(struct txn *t, int table, struct span bound, struct span *key,
                           struct span *value)
{
    const struct treap *node = treap_below(*root_of(t, table), bound);

    if (!node)
        return ERR_NOT_FOUND;
    *key = treap_key(node);
    *value = value_of(node);
    return ERR_OK;
}

/* Memory is believed. */
static enum err mem_check(struct txn *t, int table, void (*bad)(void *arg, struct span key),
                          void *arg)
{
    (void)t, (void)table, (void)bad, (void)arg;
    return ERR_OK;
}

static enum err mem_stats(struct txn *t, struct store_stats *out)
{
    out->used_bytes = ((struct mem_txn *)t)->seen.used_bytes;
    out->file_bytes = out->used_bytes;
    return ERR_OK;
}

static enum err mem_reader_check(struct store *s, size_t *freed)
{
    (void)s;
    *freed = 0;
    return ERR_OK;
}

static enum err mem_copy(struct txn *t, int fd)
{
    (void)t;
    (void)fd;
    return ERR_UNSUPPORTED;
}

const struct store_engine store_mem = {
    .name = "mem",
    .open = mem_open,
    .close = mem_close,
    .begin = mem_begin,
    .commit = mem_commit,
    .abort = mem_abort,
    .get_many = mem_get_many,
    .put = mem_put,
    .del = mem_del,
    .scan = mem_scan,
    .before = mem_before,
    .check = mem_check,
    .stats = mem_stats,
    .reader_check = mem_reader_check,
    .copy = mem_copy,
};
