#include "vault.h"

#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1 /* hh.tbl stays NULL then; without this uthash would exit */
#include <uthash.h>

#include "node.h"
#include "secretbox.h"

#define EPOCH_FIRST 1 /* key id of the wrapping key of today */
#define META_KEY_ID 0
#define DEK_KEY_ID 1
#define INDEX_KEY_BYTES (BLIND_TOKEN_BYTES + ID_BYTES)
#define AAD_MAX (STORE_NAME_MAX + 1 + STORE_KEY_MAX)

enum sub_key {
    SUB_INDEX = 1,
    SUB_META,
    SUB_ACTOR,
    SUB_WRAP
};

struct dek {
    uint8_t person[ID_BYTES];
    struct secret32 *key;
    UT_hash_handle hh;
};

struct vault {
    struct secret32 *index;
    struct secret32 *meta;
    struct secret32 *actor;
    struct secret32 *wrap;
    const struct entropy *source;
    struct dek *deks;
};

/* clang-format off */
static const char *const names[NODE_TABLES] = {
    [TABLE_META] = "meta",           [TABLE_PKEY] = "pkey",         [TABLE_INDEX] = "index",
    [TABLE_PREKEY] = "prekey",       [TABLE_PIN] = "pin",           [TABLE_K_ENTRY] = "k.entry",
    [TABLE_K_SIDE] = "k.side",       [TABLE_K_TILE] = "k.tile",     [TABLE_K_ROOT] = "k.root",
    [TABLE_ALARM] = "alarm",         [TABLE_CIRCLE] = "circle",     [TABLE_CHAIN] = "chain",
    [TABLE_OFFER] = "offer",         [TABLE_ACT] = "act",           [TABLE_ACT_LIVE] = "act.live",
    [TABLE_OUT] = "out",             [TABLE_OUT_BODY] = "out.body", [TABLE_OUT_LIVE] = "out.live",
    [TABLE_OUT_SEALED] = "out.sealed", [TABLE_RECEIPT] = "receipt", [TABLE_IN] = "in",
    [TABLE_IN_BODY] = "in.body",     [TABLE_IN_PROOF] = "in.proof", [TABLE_IN_HELD] = "in.held",
    [TABLE_REPORT] = "report",     [TABLE_ACTOR] = "actor",
    [TABLE_JOURNAL] = "journal",     [TABLE_PERSON] = "person",     [TABLE_LINK] = "link",
    [TABLE_CARE] = "care",           [TABLE_SEEN_HEAD] = "seen.head", [TABLE_TOLD] = "told",
    [TABLE_BELL] = "bell",           [TABLE_BELL_LIVE] = "bell.live",
    [TABLE_ATT] = "att",             [TABLE_ATT_LIVE] = "att.live",
    [TABLE_ATT_SCAN] = "att.scan",
    [TABLE_ATTESTED] = "attested",
};
/* clang-format on */

const char *const *vault_table_names(void)
{
    return names;
}

enum err vault_open(const struct secret32 *master, const struct entropy *source, struct vault **out)
{
    struct vault *v = calloc(1, sizeof *v);
    enum err e;

    if (!v)
        return ERR_NOMEM;
    v->source = source;
    if ((e = kdf_derive(master, SUB_INDEX, "relaisno", &v->index)) ||
        (e = kdf_derive(master, SUB_META, "relaisno", &v->meta)) ||
        (e = kdf_derive(master, SUB_ACTOR, "relaisno", &v->actor)) ||
        (e = kdf_derive(master, SUB_WRAP, "relaisno", &v->wrap))) {
        vault_close(v);
        return e;
    }
    *out = v;
    return ERR_OK;
}

static void dek_drop(struct vault *v, struct dek *d)
{
    HASH_DEL(v->deks, d);
    secret32_free(d->key);
    free(d);
}

static void deks_drop(struct vault *v)
{
    struct dek *d;
    struct dek *next;

    HASH_ITER (hh, v->deks, d, next)
        dek_drop(v, d);
}

void vault_forget(struct vault *v)
{
    deks_drop(v);
}

void vault_close(struct vault *v)
{
    if (!v)
        return;
    deks_drop(v);
    secret32_free(v->index);
    secret32_free(v->meta);
    secret32_free(v->actor);
    secret32_free(v->wrap);
    free(v);
}

/* Table and key are part of what is authenticated: a record opens only where it was put. */
static struct span aad_of(int table, struct span key, uint8_t room[AAD_MAX])
{
    size_t name = strlen(names[table]) + 1;

    memcpy(room, names[table], name);
    memcpy(room + name, key.ptr, key.len);
    return span_of(room, name + key.len);
}

static enum err dek_remember(struct vault *v, const uint8_t person[ID_BYTES], struct secret32 *key)
{
    struct dek *d = calloc(1, sizeof *d);

    if (!d)
        return ERR_NOMEM;
    if (HASH_COUNT(v->deks) >= VAULT_DEKS_CACHED)
        deks_drop(v);
    memcpy(d->person, person, ID_BYTES);
    d->key = key;
    HASH_ADD(hh, v->deks, person, ID_BYTES, d);
    if (!d->hh.tbl) {
        free(d);
        return ERR_NOMEM;
    }
    return ERR_OK;
}

static enum err dek_unwrap(struct vault *v, const uint8_t person[ID_BYTES], struct span record,
                           struct secret32 **out)
{
    uint8_t room[AAD_MAX];
    struct bytes plain = {0};
    enum err e =
        record_open(v->wrap, aad_of(TABLE_PKEY, span_of(person, ID_BYTES), room), record, &plain);

    if (!e)
        e = secret32_copy(bytes_span(&plain), out);
    seal_bytes_free(&plain);
    return e == ERR_OK || e == ERR_NOMEM ? e : ERR_CORRUPT;
}

/* Borrowed until the next call. The row is asked for each time, so that a key whose making was
 * not committed, or that was destroyed, is never used. */
static enum err dek_of(struct vault *v, struct txn *t, const uint8_t person[ID_BYTES],
                       const struct secret32 **out)
{
    struct secret32 *key = NULL;
    struct span record;
    struct dek *d;
    enum err e;

    HASH_FIND(hh, v->deks, person, ID_BYTES, d);
    if ((e = store_get(t, TABLE_PKEY, span_of(person, ID_BYTES), &record))) {
        if (d)
            dek_drop(v, d);
        return e;
    }
    if (d) {
        *out = d->key;
        return ERR_OK;
    }
    if ((e = dek_unwrap(v, person, record, &key)))
        return e;
    if ((e = dek_remember(v, person, key))) {
        secret32_free(key);
        return e;
    }
    *out = key;
    return ERR_OK;
}

static enum err key_of(struct vault *v, struct txn *t, const uint8_t *person,
                       const struct secret32 **key, uint32_t *key_id)
{
    *key = v->meta;
    *key_id = person ? DEK_KEY_ID : META_KEY_ID;
    return person ? dek_of(v, t, person, key) : ERR_OK;
}

enum err vault_person_new(struct vault *v, struct txn *t, uint8_t person[ID_BYTES])
{
    uint8_t room[AAD_MAX];
    uint8_t id[ID_BYTES];
    struct secret32 *key = NULL;
    struct bytes record = {0};
    enum err e;

    if ((e = entropy_fill(v->source, id, sizeof id)))
        goto out;
    if ((e = secret32_generate(v->source, &key)))
        goto out;
    if ((e = record_seal(v->wrap, EPOCH_FIRST, aad_of(TABLE_PKEY, SPAN_OF(id), room),
                         secret32_span(key), v->source, &record)))
        goto out;
    if ((e = store_put_new(t, TABLE_PKEY, SPAN_OF(id), bytes_span(&record))))
        goto out;
    memcpy(person, id, sizeof id);
out:
    bytes_free(&record);
    secret32_free(key);
    return e;
}

enum err vault_person_erase(struct vault *v, struct txn *t, const uint8_t person[ID_BYTES])
{
    struct dek *d;

    HASH_FIND(hh, v->deks, person, ID_BYTES, d);
    if (d)
        dek_drop(v, d);
    return store_del(t, TABLE_PKEY, span_of(person, ID_BYTES));
}

enum err vault_person_check(struct vault *v, struct txn *t, const uint8_t person[ID_BYTES])
{
    const struct secret32 *key;

    return dek_of(v, t, person, &key);
}

static enum err put(struct vault *v, struct txn *t, int table, const uint8_t *person,
                    struct span key, struct span plain, bool fresh)
{
    uint8_t room[AAD_MAX];
    const struct secret32 *with;
    struct bytes record = {0};
    uint32_t key_id;
    enum err e;

    if (key.len > STORE_KEY_MAX)
        return ERR_SIZE;
    if ((e = key_of(v, t, person, &with, &key_id)))
        return e;
    if ((e = record_seal(with, key_id, aad_of(table, key, room), plain, v->source, &record)))
        return e;
    e = fresh ? store_put_new(t, table, key, bytes_span(&record))
              : store_put(t, table, key, bytes_span(&record));
    bytes_free(&record);
    return e;
}

enum err vault_put(struct vault *v, struct txn *t, int table, const uint8_t *person,
                   struct span key, struct span plain)
{
    return put(v, t, table, person, key, plain, false);
}

enum err vault_put_new(struct vault *v, struct txn *t, int table, const uint8_t *person,
                       struct span key, struct span plain)
{
    return put(v, t, table, person, key, plain, true);
}

enum err vault_reveal(struct vault *v, struct txn *t, int table, const uint8_t *person,
                      struct span key, struct span record, struct bytes *plain)
{
    uint8_t room[AAD_MAX];
    const struct secret32 *with;
    uint32_t key_id;
    enum err e;

    if (key.len > STORE_KEY_MAX)
        return ERR_SIZE;
    if ((e = key_of(v, t, person, &with, &key_id)))
        return e;
    e = record_open(with, aad_of(table, key, room), record, plain);
    return e == ERR_OK || e == ERR_NOMEM ? e : ERR_CORRUPT;
}

enum err vault_get(struct vault *v, struct txn *t, int table, const uint8_t *person,
                   struct span key, struct bytes *plain)
{
    struct span record;
    enum err e = store_get(t, table, key, &record);

    return e ? e : vault_reveal(v, t, table, person, key, record, plain);
}

struct scanning {
    struct vault *v;
    struct txn *t;
    int table;
    vault_visit_fn *visit;
    void *arg;
};

static enum err scan_one(void *arg, struct span key, struct span record)
{
    struct scanning *s = arg;
    struct bytes plain = {0};
    enum err e = vault_reveal(s->v, s->t, s->table, NULL, key, record, &plain);

    if (!e)
        e = s->visit(s->arg, key, bytes_span(&plain));
    seal_bytes_free(&plain);
    return e;
}

enum err vault_scan(struct vault *v, struct txn *t, int table, struct span from, struct span to,
                    size_t most, vault_visit_fn *visit, void *arg)
{
    struct scanning s = {v, t, table, visit, arg};

    return store_scan(t, table, from, to, most, scan_one, &s);
}

/* --- index ----------------------------------------------------------------------------------- */

static enum err index_key(struct vault *v, const char *name, struct span value,
                          const uint8_t id[ID_BYTES], uint8_t key[INDEX_KEY_BYTES])
{
    enum err e = blind_token(v->index, name, value, key);

    memcpy(key + BLIND_TOKEN_BYTES, id, ID_BYTES);
    return e;
}

enum err vault_index_put(struct vault *v, struct txn *t, const char *name, struct span value,
                         const uint8_t id[ID_BYTES])
{
    uint8_t key[INDEX_KEY_BYTES];
    enum err e = index_key(v, name, value, id, key);

    return e ? e : store_put(t, TABLE_INDEX, SPAN_OF(key), span_text(""));
}

enum err vault_index_del(struct vault *v, struct txn *t, const char *name, struct span value,
                         const uint8_t id[ID_BYTES])
{
    uint8_t key[INDEX_KEY_BYTES];
    enum err e = index_key(v, name, value, id, key);

    return e ? e : store_del(t, TABLE_INDEX, SPAN_OF(key));
}

struct finding {
    uint8_t (*ids)[ID_BYTES];
    size_t max;
    size_t count;
};

static enum err find_one(void *arg, struct span key, struct span value)
{
    struct finding *f = arg;

    (void)value;
    if (key.len != INDEX_KEY_BYTES)
        return ERR_CORRUPT;
    if (f->count == f->max)
        return ERR_FULL;
    memcpy(f->ids[f->count++], key.ptr + BLIND_TOKEN_BYTES, ID_BYTES);
    return ERR_OK;
}

enum err vault_index_find(struct vault *v, struct txn *t, const char *name, struct span value,
                          uint8_t (*ids)[ID_BYTES], size_t max, size_t *count)
{
    uint8_t from[INDEX_KEY_BYTES + 1] = {0};
    uint8_t to[INDEX_KEY_BYTES + 1];
    struct finding f = {ids, max, 0};
    enum err e;

    if ((e = blind_token(v->index, name, value, from)))
        return e;
    memcpy(to, from, BLIND_TOKEN_BYTES);
    memset(to + BLIND_TOKEN_BYTES, 0xff, sizeof to - BLIND_TOKEN_BYTES); /* above every id */
    e = store_scan(t, TABLE_INDEX, span_of(from, BLIND_TOKEN_BYTES), SPAN_OF(to), SIZE_MAX,
                   find_one, &f);
    if (!e || e == ERR_FULL)
        *count = f.count;
    return e;
}

enum err vault_pseudonym(struct vault *v, struct span value, uint8_t out[ID_BYTES])
{
    uint8_t token[BLIND_TOKEN_BYTES];
    enum err e = blind_token(v->actor, "actor", value, token);

    if (!e)
        memcpy(out, token, ID_BYTES);
    return e;
}
