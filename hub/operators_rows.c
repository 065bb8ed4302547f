#include "operators_internal.h"

#include <string.h>

#include "reader.h"
#include "writer.h"

enum {
    ROW_NAMED = 1,
    ROW_WAITING,
    ROW_END
};
#define KEY_SIZE (1 + ID_BYTES)
#define NAMED_PARTS 4
#define WAITING_PARTS 8

static struct span key_of(unsigned kind, const uint8_t id[ID_BYTES], uint8_t key[KEY_SIZE])
{
    key[0] = (uint8_t)kind;
    memcpy(key + 1, id, ID_BYTES);
    return span_of(key, KEY_SIZE);
}

static enum err put(struct core *c, unsigned kind, const uint8_t id[ID_BYTES], struct writer *w)
{
    struct bytes row = {0};
    uint8_t key[KEY_SIZE];
    enum err e = wr_take(w, &row);

    if (!e)
        e = store_put(c->t, TABLE_OPERATOR, key_of(kind, id, key), bytes_span(&row));
    bytes_free(&row);
    return e;
}

static enum err each(struct core *c, unsigned kind, visit_fn *visit, void *arg)
{
    const uint8_t from = (uint8_t)kind;
    const uint8_t to = (uint8_t)(kind + 1);

    return store_scan(c->t, TABLE_OPERATOR, (struct span){&from, 1}, (struct span){&to, 1},
                      SIZE_MAX, visit, arg);
}

/* --- persons --------------------------------------------------------------------------------- */

enum err named_put(struct core *c, const struct named *n)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, NAMED_PARTS);
    wr_text(&w, span_text(n->name));
    wr_bin(&w, SPAN_OF(n->pk.b));
    wr_uint(&w, n->since_ms);
    wr_uint(&w, n->removed_ms);
    return put(c, ROW_NAMED, n->kid, &w);
}

static enum err named_read(struct span row, struct named *out)
{
    struct reader r = reader_over(row);
    struct named n = {0};
    struct span name;

    rd_array(&r, NAMED_PARTS);
    name = rd_text_between(&r, 1, OPERATOR_NAME_MAX);
    rd_fixed(&r, n.pk.b, KEY_BYTES);
    n.since_ms = rd_uint(&r, UINT64_MAX);
    n.removed_ms = rd_uint(&r, UINT64_MAX);
    if (rd_end(&r))
        return ERR_CORRUPT;
    memcpy(n.name, name.ptr, name.len);
    sign_kid(&n.pk, n.kid);
    *out = n;
    return ERR_OK;
}

enum err named_get(struct core *c, const uint8_t kid[KID_BYTES], struct named *out)
{
    uint8_t key[KEY_SIZE];
    struct span row;
    enum err e = store_get(c->t, TABLE_OPERATOR, key_of(ROW_NAMED, kid, key), &row);

    return e ? e : named_read(row, out);
}

struct named_visit {
    enum err (*visit)(void *arg, const struct named *n);
    void *arg;
};

static enum err named_row(void *arg, struct span key, struct span row)
{
    const struct named_visit *v = arg;
    struct named n;
    enum err e;

    if (key.len != KEY_SIZE || (e = named_read(row, &n)))
        return ERR_CORRUPT;
    return v->visit(v->arg, &n);
}

enum err named_each(struct core *c, enum err (*visit)(void *arg, const struct named *n), void *arg)
{
    struct named_visit v = {visit, arg};

    return each(c, ROW_NAMED, named_row, &v);
}

/* --- acts ------------------------------------------------------------------------------------ */

enum err waiting_put(struct core *c, const uint8_t nonce[ID_BYTES], const struct waiting *w)
{
    struct writer wr;

    wr_init(&wr);
    wr_array(&wr, WAITING_PARTS);
    wr_bin(&wr, bytes_span(&w->act));
    wr_text(&wr, bytes_span(&w->request));
    wr_bin(&wr, SPAN_OF(w->kid));
    wr_bin(&wr, SPAN_OF(w->sig));
    wr_bin(&wr, SPAN_OF(w->kid2));
    wr_bin(&wr, SPAN_OF(w->sig2));
    wr_uint(&wr, w->at_ms);
    wr_uint(&wr, w->state);
    return put(c, ROW_WAITING, nonce, &wr);
}

void waiting_wipe(struct waiting *w)
{
    bytes_free(&w->act);
    bytes_free(&w->request);
}

static enum err waiting_read(struct span row, struct waiting *out)
{
    struct reader r = reader_over(row);
    struct waiting w = {0};
    struct span act, request;
    enum err e;

    rd_array(&r, WAITING_PARTS);
    act = rd_blob(&r, 1, OPERATOR_ACT_MAX);
    request = rd_text_between(&r, 1, OPERATOR_REQUEST_MAX);
    rd_fixed(&r, w.kid, sizeof w.kid);
    rd_fixed(&r, w.sig, sizeof w.sig);
    rd_fixed(&r, w.kid2, sizeof w.kid2);
    rd_fixed(&r, w.sig2, sizeof w.sig2);
    w.at_ms = rd_uint(&r, UINT64_MAX);
    w.state = rd_uint_between(&r, ACT_WAITS, ACT_DONE);
    if (rd_end(&r))
        return ERR_CORRUPT;
    if ((e = bytes_copy(&w.act, act)) || (e = bytes_copy(&w.request, request))) {
        waiting_wipe(&w);
        return e;
    }
    *out = w;
    return ERR_OK;
}

enum err operator_row_check(struct span key, struct span row)
{
    struct waiting w = {0};
    struct named n;
    enum err e;

    if (key.len != KEY_SIZE || (key.ptr[0] != ROW_NAMED && key.ptr[0] != ROW_WAITING))
        return ERR_CORRUPT;
    if (key.ptr[0] == ROW_NAMED) {
        e = named_read(row, &n);
        return !e && memcmp(n.kid, key.ptr + 1, KID_BYTES) != 0 ? ERR_CORRUPT : e;
    }
    e = waiting_read(row, &w);
    waiting_wipe(&w);
    return e;
}

enum err waiting_get(struct core *c, const uint8_t nonce[ID_BYTES], struct waiting *out)
{
    uint8_t key[KEY_SIZE];
    struct span row;
    enum err e = store_get(c->t, TABLE_OPERATOR, key_of(ROW_WAITING, nonce, key), &row);

    return e ? e : waiting_read(row, out);
}

enum err waiting_del(struct core *c, const uint8_t nonce[ID_BYTES])
{
    uint8_t key[KEY_SIZE];

    return store_del(c->t, TABLE_OPERATOR, key_of(ROW_WAITING, nonce, key));
}

struct waiting_visit {
    enum err (*visit)(void *arg, const uint8_t nonce[ID_BYTES], const struct waiting *w);
    void *arg;
};

static enum err waiting_row(void *arg, struct span key, struct span row)
{
    const struct waiting_visit *v = arg;
    struct waiting w = {0};
    enum err e;

    if (key.len != KEY_SIZE)
        return ERR_CORRUPT;
    if ((e = waiting_read(row, &w)))
        return e;
    e = v->visit(v->arg, key.ptr + 1, &w);
    waiting_wipe(&w);
    return e;
}

enum err waiting_each(struct core *c,
                      enum err (*visit)(void *arg, const uint8_t nonce[ID_BYTES],
                                        const struct waiting *w),
                      void *arg)
{
    struct waiting_visit v = {visit, arg};

    return each(c, ROW_WAITING, waiting_row, &v);
}

static enum err count_row(void *arg, struct span key, struct span row)
{
    size_t *n = arg;

    (void)key;
    (void)row;
    ++*n;
    return ERR_OK;
}

enum err waiting_room(struct core *c, size_t most)
{
    size_t n = 0;
    enum err e = each(c, ROW_WAITING, count_row, &n);

    return e ? e : n < most ? ERR_OK : ERR_QUOTA;
}
