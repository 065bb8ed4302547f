/*
 * store_fixture - what the tests of store/ share: a store in a directory of its own, on the
 * engine named by the test's initial state, and short hands for spans.
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"

enum {
    TABLE_A,
    TABLE_B,
    TABLE_C,
    TABLES
};

struct fixture {
    const char *engine;
    char dir[64];  /* private, empty at first */
    char path[80]; /* dir/store: where the store is */
    struct store_options options;
    struct store *s;
};

/* One test, once on each engine. */
#define ON(engine_, test_)                                                                         \
    {                                                                                              \
#test_ " (" engine_ ")", test_, fixture_up, fixture_down, engine_                          \
    }
#define ON_BOTH(test_) ON("lmdb", test_), ON("mem", test_)

/* Another 16 bytes at every call: 1, 1, ... then 2, 2, ... */
static inline enum err counted_fill(void *arg, uint8_t *out, size_t n)
{
    static uint8_t calls;

    (void)arg;
    memset(out, ++calls, n);
    return ERR_OK;
}

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void fixture_open(struct fixture *f)
{
    assert_int_equal(store_open(f->engine, &f->options, &f->s), ERR_OK);
}

static inline void fixture_reopen(struct fixture *f)
{
    store_close(f->s);
    f->s = NULL;
    fixture_open(f);
}

static inline struct fixture *fixture_new(const char *engine)
{
    static const char *const names[TABLES] = {"a", "b", "c"};
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    f->engine = engine;
    snprintf(f->dir, sizeof f->dir, "/tmp/relais-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/store", f->dir);
    f->options = (struct store_options){
        .where = f->path,
        .names = names,
        .n = TABLES,
        .schema = 7,
        .first_map_bytes = 64 << 20,
        .random_fill = counted_fill,
    };
    return f;
}

static inline int fixture_up(void **state)
{
    struct fixture *f = fixture_new(*state);

    fixture_open(f);
    *state = f;
    return 0;
}

static inline int fixture_down(void **state)
{
    struct fixture *f = *state;

    store_close(f->s);
    remove_tree(f->dir);
    free(f);
    return 0;
}

static inline struct span text(const char *s)
{
    return (struct span){(const uint8_t *)s, strlen(s)};
}

/* A key of four bytes in numeric order; the buffers of the last eight calls are valid. */
static inline struct span number(uint32_t n)
{
    static uint8_t buffers[8][4];
    static unsigned turn;
    uint8_t *at = buffers[turn++ % 8];

    for (int i = 3; i >= 0; i--, n >>= 8)
        at[i] = (uint8_t)n;
    return (struct span){at, 4};
}

static inline uint32_t number_of(struct span s)
{
    uint32_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n = n << 8 | s.ptr[i];
    return n;
}

static inline struct txn *begin(struct store *s, enum txn_kind kind)
{
    struct txn *t = NULL;

    assert_int_equal(store_begin(s, kind, &t), ERR_OK);
    return t;
}

static inline void commit(struct txn **t)
{
    assert_int_equal(store_commit(t), ERR_OK);
    assert_null(*t);
}

static inline void assert_span(struct span got, struct span want)
{
    assert_non_null(got.ptr);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.ptr, want.ptr, want.len);
}

static inline void put_now(struct store *s, int table, struct span key, struct span value)
{
    struct txn *t = begin(s, TXN_WRITE);

    assert_int_equal(store_put(t, table, key, value), ERR_OK);
    commit(&t);
}

static inline void assert_stored(struct store *s, int table, struct span key, struct span value)
{
    struct txn *t = begin(s, TXN_READ);
    struct span got;

    assert_int_equal(store_get(t, table, key, &got), ERR_OK);
    assert_span(got, value);
    store_abort(&t);
}

static inline void assert_absent(struct store *s, int table, struct span key)
{
    struct txn *t = begin(s, TXN_READ);
    struct span got = {NULL, 77};

    assert_int_equal(store_get(t, table, key, &got), ERR_NOT_FOUND);
    assert_int_equal(got.len, 77); /* a failed call leaves its outputs alone */
    store_abort(&t);
}

#endif
