/*
 * core_deeds - one thing to do at a core, done again and again while its store or the memory fails
 * at each place in turn: whoever asked is told to ask again or hears nothing, what is in memory is
 * what is on disk, and asking again works once.
 */
#ifndef TESTS_CORE_DEEDS_H
#define TESTS_CORE_DEEDS_H

#include "core_world.h"

#define PLACES_MAX 3000

/* One thing to do that may be done again with the same bytes. */
struct deed {
    void (*prepare)(struct world *w, struct deed *d); /* something fresh to do */
    enum err (*act)(struct world *w, struct deed *d); /* the code of the answer; the same again */
    void (*check)(struct world *w, struct deed *d);   /* that it has been done exactly once */
    struct bytes bytes;
    struct bytes note;
    uint64_t count;
    uint32_t n;
    uint8_t id[ID_BYTES];
    json_t *data;
};

static inline bool is_told_to_ask_again(enum err e)
{
    return e == ERR_OK || e == ERR_UNKNOWN || e == ERR_FULL || e == ERR_READONLY ||
           e == ERR_TIMEOUT || e == ERR_NOMEM || e == ERR_IO || e == ERR_MESSAGE_STATE;
}

static inline bool org_is_suspended(struct world *w)
{
    const struct directory_org *o = directory_find_org(w->core->dir, member_org(w->m[2]));

    return directory_org_state(w->core->dir, o, DIRECTORY_NOW, w->core->now_ms) ==
           DIRECTORY_SUSPENDED;
}

static inline void greet_all(struct world *w)
{
    struct msg_hello hello;

    for (size_t i = 0; i < PEOPLE; i++) {
        if (i == 2 && org_is_suspended(w))
            continue;
        assert_ok(member_hello_make(w->m[i], &hello));
        assert_ok(member_hello(w->m[i], &hello));
    }
}

/* The n-th of that sort fails during the deed. False: there was no n-th. */
static inline bool struck_once(struct world *w, struct deed *d, struct strike strike)
{
    enum err e;

    bytes_free(&d->bytes);
    d->prepare(w, d);
    w->strike = strike;
    w->struck = false;
    w->turned = ERR_OK;
    e = d->act(w, d);
    if (!w->struck)
        assert_ok(e);
    assert_true(is_told_to_ask_again(e));
    assert_memory_is_the_store(w);
    if (w->struck) {
        w->core->tight = false; /* as a second later */
        greet_all(w);
        assert_ok(d->act(w, d));
    }
    d->check(w, d);
    assert_memory_is_the_store(w);
    return w->struck;
}

static const struct strike strikes[] = {
    {STRIKE_PUT,    0, ERR_IO,   COMMIT_CONFLICT       },
    {STRIKE_PUT,    0, ERR_FULL, COMMIT_CONFLICT       },
    {STRIKE_GET,    0, ERR_IO,   COMMIT_CONFLICT       },
    {STRIKE_DEL,    0, ERR_IO,   COMMIT_CONFLICT       },
    {STRIKE_SCAN,   0, ERR_IO,   COMMIT_CONFLICT       },
    {STRIKE_BEGIN,  0, ERR_IO,   COMMIT_CONFLICT       },
    {STRIKE_COMMIT, 0, ERR_OK,   COMMIT_UNKNOWN_WRITTEN},
    {STRIKE_COMMIT, 0, ERR_OK,   COMMIT_UNKNOWN_LOST   },
    {STRIKE_COMMIT, 0, ERR_OK,   COMMIT_FULL           },
    {STRIKE_COMMIT, 0, ERR_OK,   COMMIT_IO             },
    {STRIKE_COMMIT, 0, ERR_OK,   COMMIT_CONFLICT       },
    {STRIKE_ALLOC,  0, ERR_OK,   COMMIT_CONFLICT       },
};

static inline void every_place(struct world *w, struct deed *d)
{
    size_t struck = 0;

    for (size_t i = 0; i < sizeof strikes / sizeof *strikes; i++) {
        struct strike s = strikes[i];

        for (s.n = 1; struck_once(w, d, s); s.n++) {
            struck++;
            assert_true(s.n < PLACES_MAX);
        }
        if (s.at == STRIKE_COMMIT || s.at == STRIKE_PUT || s.at == STRIKE_ALLOC)
            assert_true(s.n > 1); /* the control: something did fail */
    }
    assert_true(struck > 10);
    bytes_free(&d->bytes);
    bytes_free(&d->note);
    json_decref(d->data);
}

static inline uint64_t leaves_of(struct world *w, enum audit_type wanted)
{
    struct txn *t = NULL;
    uint64_t n = 0;

    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    for (uint64_t i = 0; i < ledger_committed_size(w->core->audit); i++) {
        struct span entry, side;
        uint8_t c[32];
        uint64_t type, ms;

        assert_ok(ledger_entry(w->core->audit, t, i, &entry, &side, NULL));
        assert_ok(entry_decode(entry, &type, &ms, c));
        n += type == wanted;
    }
    store_abort(&t);
    return n;
}

static inline void nothing_to_do(struct world *w, struct deed *d)
{
    (void)w;
    (void)d;
}

/* Reading writes nothing, so there is nothing that could fail in writing. */
static inline void
reading_fails_and_is_asked_again(struct world *w, enum err (*act)(struct world *w, struct deed *d))
{
    static const struct strike some[] = {
        {STRIKE_GET,   0, ERR_IO, COMMIT_CONFLICT},
        {STRIKE_SCAN,  0, ERR_IO, COMMIT_CONFLICT},
        {STRIKE_BEGIN, 0, ERR_IO, COMMIT_CONFLICT},
        {STRIKE_ALLOC, 0, ERR_OK, COMMIT_CONFLICT},
    };
    struct deed d = {.prepare = nothing_to_do, .act = act, .check = nothing_to_do};
    size_t struck = 0;

    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        struct strike s = some[i];

        for (s.n = 1; struck_once(w, &d, s); s.n++, struck++)
            assert_true(s.n < PLACES_MAX);
    }
    assert_true(struck > 5);
}

#endif
