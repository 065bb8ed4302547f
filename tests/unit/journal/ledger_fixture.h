/*
 * ledger_fixture - what the tests of the ledger share: a ledger over a store of its own on the
 * engine named by the test's initial state, with faults to inject, and hands to damage its rows.
 */
#ifndef TESTS_LEDGER_FIXTURE_H
#define TESTS_LEDGER_FIXTURE_H

#include "journal_support.h"

#include <ftw.h>
#include <unistd.h>

#include "faulty_store.h"
#include "ledger.h"

#define ORIGIN "demo/audit/2026"
#define EPOCH 5

enum {
    TABLE_ENTRY,
    TABLE_SIDE,
    TABLE_TILE,
    TABLE_ROOT,
    TABLES
};

struct fixture {
    const char *engine;
    char dir[64];
    char path[80];
    struct store_faults faults;
    struct store *s;
    struct ledger_tables tables;
    struct ledger *l;
    struct secret_sign *key;
    struct note_key note_key;
};

/* One test, once on each engine. */
#define ON(engine_, test_)                                                                         \
    {                                                                                              \
#test_ " (" engine_ ")", test_, fixture_up, fixture_down, engine_                          \
    }
#define ON_BOTH(test_) ON("lmdb", test_), ON("mem", test_)

static inline enum err zero_fill(void *arg, uint8_t *out, size_t n)
{
    (void)arg;
    memset(out, 0, n);
    return ERR_OK;
}

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void ledger_again(struct fixture *f)
{
    ledger_close(f->l);
    f->l = NULL;
    assert_int_equal(ledger_open(f->s, &f->tables, SPAN_STR(ORIGIN), &f->l), ERR_OK);
}

static inline int fixture_up(void **state)
{
    static const char *const names[TABLES] = {"entry", "side", "tile", "root"};
    struct fixture *f = calloc(1, sizeof *f);
    struct store *inner = NULL;
    struct store_options options = {.where = f->path, .names = names, .n = TABLES, .schema = 1};

    assert_non_null(f);
    options.first_map_bytes = 256 << 20;
    options.random_fill = zero_fill;
    f->engine = *state;
    snprintf(f->dir, sizeof f->dir, "/tmp/relais-ledger-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/store", f->dir);
    assert_int_equal(store_open(f->engine, &options, &inner), ERR_OK);
    f->s = store_wrap(inner, &f->faults);
    assert_non_null(f->s);
    f->tables = (struct ledger_tables){TABLE_ENTRY, TABLE_SIDE, TABLE_TILE, TABLE_ROOT, EPOCH};
    ledger_again(f);
    f->key = key_of(1);
    f->note_key = note_key_of(f->key, ORIGIN, NOTE_SIGNED);
    *state = f;
    return 0;
}

static inline int fixture_down(void **state)
{
    struct fixture *f = *state;

    ledger_close(f->l);
    store_close(f->s);
    secret_sign_free(f->key);
    nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static inline struct txn *begin(struct fixture *f, enum txn_kind kind)
{
    struct txn *t = NULL;

    assert_int_equal(store_begin(f->s, kind, &t), ERR_OK);
    return t;
}

/* Appends "entry <i>" with side "side <i>"; every third entry has no side. */
static inline enum err append_next(struct fixture *f, struct txn *t)
{
    uint64_t i = ledger_size(f->l);
    char entry[32], side[32];
    uint64_t index = UINT64_MAX;
    int n = snprintf(side, sizeof side, "side %llu", (unsigned long long)i);
    enum err e = ledger_append(f->l, t, entry_text(i, entry),
                               span_of(side, i % 3 == 2 ? 0 : (size_t)n), &index);

    if (e == ERR_OK)
        assert_int_equal(index, i);
    return e;
}

/* Grows the log to this size, a commit every `batch` entries. */
static inline void grow_by(struct fixture *f, uint64_t size, uint64_t batch)
{
    while (ledger_size(f->l) < size) {
        struct txn *t = begin(f, TXN_WRITE);

        do
            assert_int_equal(append_next(f, t), ERR_OK);
        while (ledger_size(f->l) < size && ledger_size(f->l) % batch != 0);
        assert_int_equal(store_commit(&t), ERR_OK);
        ledger_committed(f->l);
    }
}

static inline void grow(struct fixture *f, uint64_t size)
{
    grow_by(f, size, 4096);
}

static inline void root_of(struct fixture *f, uint64_t size, hash32 out)
{
    struct txn *t = begin(f, TXN_READ);

    assert_int_equal(ledger_root(f->l, t, size, out), ERR_OK);
    store_abort(&t);
}

/* Keys as ledger.h documents them, written out by hand. */
static inline struct span entry_key(uint8_t key[12], uint64_t index)
{
    memset(key, 0, 4);
    key[3] = EPOCH;
    for (int i = 0; i < 8; i++)
        key[4 + i] = (uint8_t)(index >> (56 - 8 * i));
    return span_of(key, 12);
}

static inline struct span tile_row_key(uint8_t key[13], uint8_t level, uint64_t n)
{
    memset(key, 0, 4);
    key[3] = EPOCH;
    key[4] = level;
    for (int i = 0; i < 8; i++)
        key[5 + i] = (uint8_t)(n >> (56 - 8 * i));
    return span_of(key, 13);
}

static inline void row_delete(struct fixture *f, int table, struct span key)
{
    struct txn *t = begin(f, TXN_WRITE);

    assert_int_equal(store_del(t, table, key), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
}

static inline void row_put(struct fixture *f, int table, struct span key, struct span value)
{
    struct txn *t = begin(f, TXN_WRITE);

    assert_int_equal(store_put(t, table, key, value), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
}

/* Flips bits of one stored byte; twice is as before. */
static inline void row_flip(struct fixture *f, int table, struct span key, size_t at, uint8_t mask)
{
    struct txn *t = begin(f, TXN_WRITE);
    struct bytes copy = {0};
    struct span value;

    assert_int_equal(store_get(t, table, key, &value), ERR_OK);
    assert_true(at < value.len);
    assert_int_equal(bytes_copy(&copy, value), ERR_OK);
    copy.ptr[at] ^= mask;
    assert_int_equal(store_put(t, table, key, bytes_span(&copy)), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
    bytes_free(&copy);
}

#endif
