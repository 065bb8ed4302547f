/*
 * engine - what a store engine is: the table of functions below over ordered keys. store.c
 * checks every limit and every rule of store.h before it calls one, so an engine never meets a
 * bad table, an oversized key, a write in a read transaction or a second writer.
 *
 * Private to store/ and to the fault injector of the tests (tests/support/faulty_store.h).
 * Thread rule: begin and reader_check are called under the store's lock; commit,
 * abort and the rest by the thread that holds the transaction, without it.
 */
#ifndef RELAIS_STORE_ENGINE_H
#define RELAIS_STORE_ENGINE_H

#include <pthread.h>
#include <stdbool.h>

#include "store.h"

enum put_mode {
    PUT_ANY,
    PUT_NEW,
    PUT_LAST
};

/* An engine's own structures begin with these two. */
struct store {
    const struct store_engine *engine;
    pthread_mutex_t lock; /* guards the three below */
    struct txn *live;     /* every transaction that has begun and not ended */
    bool writing;         /* one of them writes */
    uint64_t max_bytes;   /* quota; constant while one of them writes, which may read it then */
    bool read_only;
    int tables; /* the caller's; one more, number `tables`, is the store's own */
    enum err (*random_fill)(void *arg, uint8_t *out, size_t n);
    void *random_arg;
};

struct txn {
    struct store *store;
    struct txn *next, **link; /* in store->live */
    enum txn_kind kind;
    enum err doomed;       /* not ERR_OK: the answer to everything from now on */
    unsigned scans;        /* running in it: no writes meanwhile */
    uint64_t commits_seen; /* set by begin: number of the newest commit it sees */
};

struct store_engine {
    const char *name;
    const char *file; /* by which a store is known to be there; NULL: it never is */
    /* `o->names` has the store's own table as its last, `o->n` counts it. Leaves `base` alone. */
    enum err (*open)(const struct store_options *o, struct store **out);
    void (*close)(struct store *s);
    /* store->live is empty exactly if nothing else uses the store now. Sets commits_seen. */
    enum err (*begin)(struct store *s, enum txn_kind kind, struct txn **out);
    enum err (*commit)(struct txn *t); /* releases what t holds, whatever the answer; */
    void (*abort)(struct txn *t);      /* t itself, one malloc() block, is freed by store.c */
    enum err (*get_many)(struct txn *t, int table, const struct span *keys, size_t n,
                         struct span *values);
    enum err (*put)(struct txn *t, int table, struct span key, struct span value,
                    enum put_mode mode);
    enum err (*del)(struct txn *t, int table, struct span key);
    enum err (*scan)(struct txn *t, int table, struct span from, struct span to, size_t most,
                     visit_fn *visit, void *arg);
    enum err (*before)(struct txn *t, int table, struct span bound, struct span *key,
                       struct span *value);
    /* Tells of each row that is not as it was written. ERR_CORRUPT: they cannot all be read. */
    enum err (*check)(struct txn *t, int table, void (*bad)(void *arg, struct span key), void *arg);
    /* Of the readers, those of other processes alone. */
    enum err (*stats)(struct txn *t, struct store_stats *out);
    enum err (*reader_check)(struct store *s, size_t *freed);
    enum err (*copy)(struct txn *t, int fd);
};

extern const struct store_engine store_lmdb;
extern const struct store_engine store_mem;

/* The part of `struct store` that is the same for all; ERR_NOMEM. */
enum err store_base_init(struct store *s, const struct store_engine *engine,
                         const struct store_options *o);

/* An empty value lives at an address too (store.h). */
struct span span_present(const void *ptr, size_t len);

#endif
