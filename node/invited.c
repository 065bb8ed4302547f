/* Invitations to circles, received and not answered yet (circles.h). */
#include <string.h>

#include "circles.h"
#include "meta.h"
#include "vault.h"

#define INVITED_FIELDS 5

void circle_invited_wipe(struct circle_invited *i)
{
    bytes_free(&i->offer);
    *i = (struct circle_invited){0};
}

enum err circle_invited_put(struct node *n, struct txn *t, const struct circle_invited *i)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, INVITED_FIELDS);
    wr_fixed(&w, i->from, ID_BYTES);
    wr_fixed(&w, i->mid, ID_BYTES);
    wr_fixed(&w, i->person, ID_BYTES);
    wr_uint(&w, i->received_ms);
    wr_bin(&w, bytes_span(&i->offer));
    return row_put(n, t, TABLE_OFFER, NULL, SPAN_OF(i->handle), &w);
}

static enum err invited_decode(struct span key, struct span row, struct circle_invited *out)
{
    struct reader r = reader_over(row);
    struct circle_invited i = {0};
    struct span offer;
    enum err e;

    rd_array(&r, INVITED_FIELDS);
    rd_fixed(&r, i.from, ID_BYTES);
    rd_fixed(&r, i.mid, ID_BYTES);
    rd_fixed(&r, i.person, ID_BYTES);
    i.received_ms = rd_uint(&r, UINT64_MAX);
    offer = rd_blob(&r, 1, CIRCLE_OFFER_MAX);
    if ((e = row_end(&r)))
        return e;
    if (key.len != ID_BYTES)
        return ERR_CORRUPT;
    memcpy(i.handle, key.ptr, ID_BYTES);
    if ((e = bytes_copy(&i.offer, offer)))
        return e;
    *out = i;
    return ERR_OK;
}

enum err circle_invited_get(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                            struct circle_invited *out)
{
    struct span key = span_of(handle, ID_BYTES);
    struct bytes row = {0};
    enum err e = vault_get(n->vault, t, TABLE_OFFER, NULL, key, &row);

    if (!e)
        e = invited_decode(key, bytes_span(&row), out);
    seal_bytes_free(&row);
    return e;
}

struct invited_visit {
    enum err (*visit)(void *arg, const struct circle_invited *i);
    void *arg;
};

static enum err invited_one(void *arg, struct span key, struct span row)
{
    struct invited_visit *v = arg;
    struct circle_invited i = {0};
    enum err e = invited_decode(key, row, &i);

    if (!e)
        e = v->visit(v->arg, &i);
    circle_invited_wipe(&i);
    return e;
}

enum err circle_invited_each(struct node *n, struct txn *t,
                             enum err (*visit)(void *arg, const struct circle_invited *i),
                             void *arg)
{
    struct invited_visit v = {visit, arg};

    return vault_scan(n->vault, t, TABLE_OFFER, span_text(""), span_text(""), SIZE_MAX, invited_one,
                      &v);
}
