/* zap_keys - see zap_keys.h. */
#include "zap_keys.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zap.h"

#define ROOM_FIRST 64

struct zap_row {
    struct zap_key key;
    char user[LINK_USER_MAX + 1];
    char address[LINK_ADDRESS_MAX + 1]; /* of the last handshake, "" before the first */
};

static_assert(sizeof(struct zap_key) == 1 + LINK_KEY_BYTES, "compared as bytes: no padding");

/* The place of the key, or where it belongs; *found says which. */
static size_t place(const struct zap_keys *t, const struct zap_key *key, int *found)
{
    size_t low = 0, high = t->n;

    *found = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(&t->rows[middle]->key, key, sizeof *key);

        if (order == 0) {
            *found = 1;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum err grow(struct zap_keys *t)
{
    size_t room = t->room ? 2 * t->room : ROOM_FIRST;
    struct zap_row **rows;

    if (t->n < t->room)
        return ERR_OK;
    if (!(rows = realloc(t->rows, room * sizeof *rows)))
        return ERR_NOMEM;
    t->rows = rows;
    t->room = room;
    return ERR_OK;
}

enum err zap_keys_put(struct zap_keys *t, const struct zap_key *key, const char *user)
{
    int found;
    size_t at = place(t, key, &found);
    struct zap_row *row;
    enum err e;

    if (!found) {
        if (t->n >= ZAP_KEYS_MAX)
            return ERR_FULL;
        if ((e = grow(t)))
            return e;
        if (!(row = calloc(1, sizeof *row)))
            return ERR_NOMEM;
        row->key = *key;
        memmove(t->rows + at + 1, t->rows + at, (t->n - at) * sizeof *t->rows);
        t->rows[at] = row;
        t->n++;
    }
    snprintf(t->rows[at]->user, sizeof t->rows[at]->user, "%s", user);
    return ERR_OK;
}

enum err zap_keys_remove(struct zap_keys *t, const struct zap_key *key)
{
    int found;
    size_t at = place(t, key, &found);

    if (!found)
        return ERR_NOT_FOUND;
    free(t->rows[at]);
    t->n--;
    memmove(t->rows + at, t->rows + at + 1, (t->n - at) * sizeof *t->rows);
    return ERR_OK;
}

const char *zap_keys_admit(struct zap_keys *t, const struct zap_key *key, const char *address)
{
    int found;
    size_t at = place(t, key, &found);

    if (!found)
        return NULL;
    snprintf(t->rows[at]->address, sizeof t->rows[at]->address, "%s", address);
    return t->rows[at]->user;
}

enum err zap_keys_only_from(const struct zap_keys *t, uint8_t domain, const char *address,
                            int (*left_out)(const char *user, void *arg), void *arg,
                            const char **user)
{
    const struct zap_row *only = NULL;

    for (size_t i = 0; i < t->n; i++) {
        const struct zap_row *row = t->rows[i];

        if (row->key.domain != domain || strcmp(row->address, address) != 0 ||
            (left_out && left_out(row->user, arg)))
            continue;
        if (only && strcmp(only->user, row->user) != 0)
            return ERR_NOT_FOUND;
        only = row;
    }
    if (!only)
        return ERR_NOT_FOUND;
    *user = only->user;
    return ERR_OK;
}

void zap_keys_free(struct zap_keys *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->rows[i]);
    free(t->rows);
    memset(t, 0, sizeof *t);
}
