#include "meta.h"

#include "vault.h"

enum err meta_put(struct node *n, struct txn *t, const char *name, struct span value)
{
    return vault_put(n->vault, t, TABLE_META, NULL, span_text(name), value);
}

enum err meta_get(struct node *n, struct txn *t, const char *name, struct bytes *out)
{
    return vault_get(n->vault, t, TABLE_META, NULL, span_text(name), out);
}

enum err meta_put_u64(struct node *n, struct txn *t, const char *name, uint64_t value)
{
    uint8_t row[8];

    put_be64(row, value);
    return meta_put(n, t, name, SPAN_OF(row));
}

enum err meta_get_u64(struct node *n, struct txn *t, const char *name, uint64_t standard,
                      uint64_t *out)
{
    struct bytes row = {0};
    enum err e = meta_get(n, t, name, &row);

    if (e == ERR_NOT_FOUND) {
        *out = standard;
        return ERR_OK;
    }
    if (!e && row.len != 8)
        e = ERR_CORRUPT;
    if (!e)
        *out = get_be64(row.ptr);
    seal_bytes_free(&row);
    return e;
}

enum err meta_del(struct node *n, struct txn *t, const char *name)
{
    enum err e;

    (void)n;
    e = store_del(t, TABLE_META, span_text(name));
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err row_put(struct node *n, struct txn *t, int table, const uint8_t *person, struct span key,
                 struct writer *w)
{
    struct bytes row = {0};
    enum err e = wr_take(w, &row);

    if (!e)
        e = vault_put(n->vault, t, table, person, key, bytes_span(&row));
    seal_bytes_free(&row);
    return e;
}

void wr_fixed(struct writer *w, const uint8_t *bytes, size_t size)
{
    wr_bin(w, span_of(bytes, size));
}

enum err row_end(struct reader *r)
{
    enum err e = rd_end(r);

    return e == ERR_OK || e == ERR_NOMEM ? e : ERR_CORRUPT;
}
