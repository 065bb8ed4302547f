/* zap_keys - a uthash table; see zap_keys.h. */
#include "zap_keys.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 /* no memory: the entry is not added, its hh.tbl stays NULL */
#include <uthash.h>

#include "zap.h"

struct zap_keys {
    struct zap_key key;
    char user[LINK_USER_MAX + 1];
    char address[LINK_ADDRESS_MAX + 1]; /* of the last handshake, "" before the first */
    UT_hash_handle hh;
};

static_assert(sizeof(struct zap_key) == 1 + LINK_KEY_BYTES, "hashed as bytes: no padding");

static struct zap_keys *find(struct zap_keys *t, const struct zap_key *key)
{
    struct zap_keys *found = NULL;

    HASH_FIND(hh, t, key, sizeof *key, found);
    return found;
}

enum err zap_keys_put(struct zap_keys **t, const struct zap_key *key, const char *user)
{
    struct zap_keys *k = find(*t, key);

    if (k) {
        snprintf(k->user, sizeof k->user, "%s", user);
        return ERR_OK;
    }
    if (zap_keys_count(*t) >= ZAP_KEYS_MAX)
        return ERR_FULL;
    if (!(k = calloc(1, sizeof *k)))
        return ERR_NOMEM;
    k->key = *key;
    snprintf(k->user, sizeof k->user, "%s", user);
    HASH_ADD(hh, *t, key, sizeof k->key, k);
    if (!k->hh.tbl) {
        free(k);
        return ERR_NOMEM;
    }
    return ERR_OK;
}

enum err zap_keys_remove(struct zap_keys **t, const struct zap_key *key)
{
    struct zap_keys *k = find(*t, key);

    if (!k)
        return ERR_NOT_FOUND;
    HASH_DEL(*t, k);
    free(k);
    return ERR_OK;
}

const char *zap_keys_admit(struct zap_keys *t, const struct zap_key *key, const char *address)
{
    struct zap_keys *k = find(t, key);

    if (!k)
        return NULL;
    snprintf(k->address, sizeof k->address, "%s", address);
    return k->user;
}

enum err zap_keys_only_from(const struct zap_keys *t, uint8_t domain, const char *address,
                            const char **user)
{
    const struct zap_keys *only = NULL;

    for (const struct zap_keys *k = t; k; k = k->hh.next) {
        if (k->key.domain != domain || strcmp(k->address, address) != 0)
            continue;
        if (only && strcmp(only->user, k->user) != 0)
            return ERR_NOT_FOUND;
        only = k;
    }
    if (!only)
        return ERR_NOT_FOUND;
    *user = only->user;
    return ERR_OK;
}

size_t zap_keys_count(const struct zap_keys *t)
{
    return HASH_COUNT(t);
}

void zap_keys_free(struct zap_keys **t)
{
    struct zap_keys *k, *next;

    HASH_ITER (hh, *t, k, next) {
        HASH_DEL(*t, k);
        free(k);
    }
}
