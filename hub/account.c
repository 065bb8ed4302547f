#include "account.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 /* hh.tbl stays NULL then; without this uthash would exit */
#include <uthash.h>

struct account {
    uint8_t org[ID_BYTES]; /* key */
    struct accounts *all;
    struct account_limits limits;
    _Atomic uint32_t messages;
    _Atomic uint64_t bytes;
    UT_hash_handle hh;
};

struct charge {
    struct account *of;
    uint64_t bytes;
    _Atomic uint32_t messages;
    _Atomic unsigned holders;
};

struct accounts {
    struct account *each; /* as many as organisations ever enrolled */
    struct account_limits standard;
    uint64_t budget_bytes;
    _Atomic uint64_t bytes;
    uint64_t highest;
};

enum err accounts_new(uint64_t budget_bytes, const struct account_limits *standard,
                      struct accounts **out)
{
    struct accounts *a = calloc(1, sizeof *a);

    if (!a)
        return ERR_NOMEM;
    a->budget_bytes = budget_bytes;
    a->standard = *standard;
    *out = a;
    return ERR_OK;
}

void accounts_free(struct accounts *a)
{
    struct account *one;
    struct account *next;

    if (!a)
        return;
    HASH_ITER (hh, a->each, one, next) {
        HASH_DEL(a->each, one);
        free(one);
    }
    free(a);
}

struct account *account_of(struct accounts *a, const uint8_t org[ID_BYTES])
{
    struct account *one;

    HASH_FIND(hh, a->each, org, ID_BYTES, one);
    if (one)
        return one;
    if (!(one = calloc(1, sizeof *one)))
        return NULL;
    memcpy(one->org, org, ID_BYTES);
    one->all = a;
    one->limits = a->standard;
    HASH_ADD(hh, a->each, org, ID_BYTES, one);
    if (one->hh.tbl)
        return one;
    free(one);
    return NULL;
}

void account_limit(struct account *one, const struct account_limits *limits)
{
    one->limits = limits ? *limits : one->all->standard;
}

/* Only the door takes, so what is read here can only have become less meanwhile. */
static bool has_room(const struct account *one, uint32_t messages, uint64_t bytes)
{
    const struct accounts *a = one->all;
    uint64_t used = atomic_load(&a->bytes);
    uint64_t held = atomic_load(&one->bytes);

    if (used + bytes > a->budget_bytes ||
        (messages && atomic_load(&one->messages) + messages > one->limits.messages))
        return false;
    return held == 0 ||
           (held + bytes <= one->limits.bytes && held + bytes <= a->budget_bytes - used);
}

enum err charge_take(struct account *one, uint32_t messages, uint64_t bytes, struct charge **out)
{
    struct accounts *a = one->all;
    struct charge *c;
    uint64_t used;

    if (!has_room(one, messages, bytes))
        return ERR_BUSY;
    if (!(c = calloc(1, sizeof *c)))
        return ERR_NOMEM;
    c->of = one;
    c->bytes = bytes;
    c->messages = messages;
    c->holders = 1;
    used = atomic_fetch_add(&a->bytes, bytes) + bytes;
    if (used > a->highest)
        a->highest = used;
    atomic_fetch_add(&one->bytes, bytes);
    atomic_fetch_add(&one->messages, messages);
    *out = c;
    return ERR_OK;
}

struct charge *charge_share(struct charge *c)
{
    if (c)
        atomic_fetch_add(&c->holders, 1);
    return c;
}

void charge_answered(struct charge *c)
{
    if (c)
        atomic_fetch_sub(&c->of->messages, atomic_exchange(&c->messages, 0));
}

void charge_drop(struct charge *c)
{
    if (!c || atomic_fetch_sub(&c->holders, 1) > 1)
        return;
    charge_answered(c);
    atomic_fetch_sub(&c->of->bytes, c->bytes);
    atomic_fetch_sub(&c->of->all->bytes, c->bytes);
    free(c);
}

struct accounts_use accounts_use(const struct accounts *a)
{
    return (struct accounts_use){a->budget_bytes, atomic_load(&a->bytes), a->highest};
}
