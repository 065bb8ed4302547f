/* Circles in memory: folded from their chains when first asked for, forgotten when memory runs
 * full or when a commit was not confirmed. */
#include "circle.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 /* hh.tbl stays NULL then; without this uthash would exit */
#include <uthash.h>

#include "core.h"

#define CACHE_BYTES_MAX (64u << 20)
#define CHAIN_KEY_BYTES (ID_BYTES + 4)

struct cached {
    uint8_t handle[ID_BYTES];
    struct circle *circle;
    size_t bytes;
    UT_hash_handle hh; /* in order of last use, oldest first. The handle is a hash: no attacker
                        * picks its bits for less than the work of finding collisions */
};

struct circles {
    struct cached *all;
    size_t bytes;
};

enum err circles_new(struct circles **out)
{
    struct circles *cs = calloc(1, sizeof *cs);

    if (!cs)
        return ERR_NOMEM;
    *out = cs;
    return ERR_OK;
}

static size_t cached_bytes(const struct cached *one)
{
    return sizeof *one + circle_bytes(one->circle);
}

static void cached_free(struct circles *cs, struct cached *one)
{
    cs->bytes -= one->bytes;
    circle_free(one->circle);
    free(one);
}

static void cached_drop(struct circles *cs, struct cached *one)
{
    HASH_DEL(cs->all, one);
    cached_free(cs, one);
}

void circles_forget(struct circles *cs)
{
    while (cs->all)
        cached_drop(cs, cs->all);
}

void circles_free(struct circles *cs)
{
    if (!cs)
        return;
    circles_forget(cs);
    free(cs);
}

static struct cached *cached_find(struct circles *cs, const uint8_t handle[ID_BYTES])
{
    struct cached *one;

    HASH_FIND(hh, cs->all, handle, ID_BYTES, one);
    if (one) { /* to the young end, with what it has grown to since */
        cs->bytes -= one->bytes;
        one->bytes = cached_bytes(one);
        cs->bytes += one->bytes;
        HASH_DEL(cs->all, one);
        HASH_ADD(hh, cs->all, handle, ID_BYTES, one);
        if (!one->hh.tbl) { /* no memory: it is in the store, too */
            cached_free(cs, one);
            one = NULL;
        }
    }
    return one;
}

enum err circles_add(struct core *c, const uint8_t handle[ID_BYTES], struct circle *fresh)
{
    struct circles *cs = c->circles;
    struct cached *one = calloc(1, sizeof *one);

    if (!one) {
        circle_free(fresh);
        return ERR_NOMEM;
    }
    while (cs->all && cs->bytes > CACHE_BYTES_MAX)
        cached_drop(cs, cs->all);
    memcpy(one->handle, handle, ID_BYTES);
    one->circle = fresh;
    one->bytes = cached_bytes(one);
    cs->bytes += one->bytes;
    HASH_ADD(hh, cs->all, handle, ID_BYTES, one);
    if (one->hh.tbl)
        return ERR_OK;
    cached_free(cs, one);
    return ERR_NOMEM;
}

enum err chain_row_ss(struct span row, struct span *ss)
{
    if (row.len <= CHAIN_ROW_SS)
        return ERR_CORRUPT;
    *ss = span_of(row.ptr + CHAIN_ROW_SS, row.len - CHAIN_ROW_SS);
    return ERR_OK;
}

static enum err chain_visit(void *arg, struct span key, struct span row)
{
    struct span ss;
    enum err e;

    (void)key;
    if ((e = chain_row_ss(row, &ss)))
        return e;
    e = circle_load(arg, ss);
    return e && e != ERR_NOMEM ? ERR_CORRUPT : e; /* ours to mend: nobody is refused for it */
}

static enum err circle_from_store(struct txn *t, const uint8_t handle[ID_BYTES],
                                  struct circle **out)
{
    uint8_t from[CHAIN_KEY_BYTES];
    uint8_t to[CHAIN_KEY_BYTES];
    struct circle *fresh = NULL;
    enum err e;

    memcpy(from, handle, ID_BYTES);
    memcpy(to, handle, ID_BYTES);
    be32_write(0, from + ID_BYTES);
    be32_write(UINT32_MAX, to + ID_BYTES);
    if ((e = circle_new(handle, &fresh)))
        return e;
    if ((e = store_scan(t, TABLE_CHAIN, SPAN_OF(from), SPAN_OF(to), SIZE_MAX, chain_visit, fresh)))
        goto fail;
    if (circle_size(fresh) == 0) {
        e = ERR_NOT_FOUND;
        goto fail;
    }
    *out = fresh;
    return ERR_OK;
fail:
    circle_free(fresh);
    return e;
}

enum err circles_get(struct core *c, const uint8_t handle[ID_BYTES], struct circle **out)
{
    struct cached *one = cached_find(c->circles, handle);
    struct circle *fresh = NULL;
    struct txn *t = c->t;
    enum err e;

    if (one) {
        *out = one->circle;
        return ERR_OK;
    }
    if (!t && (e = store_begin(c->store, TXN_READ, &t)))
        return e;
    e = circle_from_store(t, handle, &fresh);
    if (!c->t)
        store_abort(&t);
    if (e || (e = circles_add(c, handle, fresh)))
        return e;
    *out = fresh;
    return ERR_OK;
}

static enum err signer_find(void *arg, const uint8_t org[ID_BYTES], const uint8_t kid[KID_BYTES],
                            struct sign_public *pk)
{
    struct core *c = arg;

    return directory_signer(c->dir, org, kid, DIRECTORY_NOW, c->now_ms, pk);
}

/* What was lost was signed with the keys of then. Of a revoked node nothing is believed. */
static enum err signer_then(void *arg, const uint8_t org[ID_BYTES], const uint8_t kid[KID_BYTES],
                            struct sign_public *pk)
{
    struct core *c = arg;
    const struct directory_node *n = directory_find_signing(c->dir, kid);

    return n && n->revoked ? ERR_KEY_REVOKED : directory_signed(c->dir, org, kid, pk);
}

struct circle_signers circles_signers(struct core *c, bool brought)
{
    return (struct circle_signers){brought ? signer_then : signer_find, c};
}
