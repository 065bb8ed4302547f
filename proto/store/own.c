#include "own.h"

#include <string.h>

#include "engine.h"

/* One record: format, schema (big-endian), incarnation. A new format gets a new number, and is
 * refused by older programs before they read anything else. */
enum {
    FORMAT = 1,
    FORMAT_AT = 0,
    SCHEMA_AT = 4,
    INCARNATION_AT = 8
};
enum {
    PAGE_BYTES = INCARNATION_AT + STORE_INCARNATION_BYTES
};

static const struct span page_key = {(const uint8_t *)"page", 4};

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 3; i >= 0; i--, value >>= 8)
        at[i] = (uint8_t)value;
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static enum err page_read(struct txn *t, uint8_t page[PAGE_BYTES])
{
    struct span value;
    enum err e;

    if ((e = t->store->engine->get_many(t, t->store->tables, &page_key, 1, &value)))
        return e;
    if (!value.ptr)
        return ERR_NOT_FOUND;
    if (value.len < SCHEMA_AT)
        return ERR_CORRUPT;
    if (get_u32(value.ptr + FORMAT_AT) != FORMAT) /* before the length: it may differ then */
        return ERR_VERSION;
    if (value.len != PAGE_BYTES)
        return ERR_CORRUPT;
    memcpy(page, value.ptr, PAGE_BYTES);
    return ERR_OK;
}

static enum err page_write(struct txn *t, const uint8_t page[PAGE_BYTES])
{
    struct store *s = t->store;

    return s->engine->put(t, s->tables, page_key, (struct span){page, PAGE_BYTES}, PUT_ANY);
}

/* Data without a page was not made by this program. */
static enum err page_create(struct txn *t, uint32_t schema, uint8_t page[PAGE_BYTES])
{
    struct span key, value;
    enum err e;

    for (int i = 0; i < t->store->tables; i++)
        if ((e = store_last(t, i, &key, &value)) != ERR_NOT_FOUND)
            return e ? e : ERR_CORRUPT;
    put_u32(page + FORMAT_AT, FORMAT);
    put_u32(page + SCHEMA_AT, schema);
    if ((e = t->store->random_fill(t->store->random_arg, page + INCARNATION_AT,
                                   STORE_INCARNATION_BYTES)))
        return e;
    return page_write(t, page);
}

enum err own_check(struct store *s, uint32_t schema)
{
    uint8_t page[PAGE_BYTES];
    struct txn *t = NULL;
    enum err e;

    if ((e = store_begin(s, s->read_only ? TXN_READ : TXN_WRITE, &t)))
        goto out;
    if ((e = page_read(t, page)) == ERR_NOT_FOUND && s->read_only)
        e = ERR_CORRUPT;
    else if (e == ERR_NOT_FOUND) {
        if ((e = page_create(t, schema, page)))
            goto out;
        e = store_commit(&t);
    }
    if (e)
        goto out;
    if (get_u32(page + SCHEMA_AT) != schema)
        e = ERR_VERSION;
out:
    store_abort(&t);
    return e;
}

/* Read each time: after a renewal of unknown outcome only the store knows. */
enum err store_incarnation(struct store *s, uint8_t out[STORE_INCARNATION_BYTES])
{
    uint8_t page[PAGE_BYTES];
    struct txn *t = NULL;
    enum err e;

    if ((e = store_begin(s, TXN_READ, &t)))
        goto out;
    if ((e = page_read(t, page)))
        goto out;
    memcpy(out, page + INCARNATION_AT, STORE_INCARNATION_BYTES);
out:
    store_abort(&t);
    return e;
}

enum err store_incarnation_renew(struct store *s)
{
    uint8_t page[PAGE_BYTES];
    struct txn *t = NULL;
    enum err e;

    if ((e = store_begin(s, TXN_WRITE, &t)))
        goto out;
    if ((e = page_read(t, page)))
        goto out;
    if ((e = s->random_fill(s->random_arg, page + INCARNATION_AT, STORE_INCARNATION_BYTES)))
        goto out;
    if ((e = page_write(t, page)))
        goto out;
    e = store_commit(&t);
out:
    store_abort(&t);
    return e;
}
