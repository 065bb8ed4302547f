/* Witness keys and the witness set, bytes to structs (PROTOCOL.md 7.6). */
#include <string.h>

#include "keys_codec.h"

enum {
    W_NODES = KEY_FIRST,
    W_QUORUM
};

enum err witness_set_encode(const struct witness_set_statement *s, struct bytes *out)
{
    struct writer w;

    if (s->count > WITNESS_SET_MAX)
        return ERR_ITEMS;
    wr_init(&w);
    keys_head_write(&w, 2, KEYS_WITNESS_SET, s->federation, s->ts_ms);
    wr_key(&w, W_NODES);
    wr_array(&w, s->count);
    for (size_t i = 0; i < s->count; i++)
        wr_bin(&w, SPAN_OF(s->node[i]));
    wr_key_uint(&w, W_QUORUM, s->quorum);
    return wr_take(&w, out);
}

static void nodes_read(struct reader *r, struct witness_set_statement *s)
{
    s->count = rd_array_between(r, 1, WITNESS_SET_MAX);
    for (size_t i = 0; i < s->count && !rd_error(r); i++)
        rd_fixed(r, s->node[i], ID_BYTES);
}

enum err witness_set_decode(struct span stmt, struct witness_set_statement *out)
{
    struct witness_set_statement s = {0};
    struct keys_head h = {0};
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key)) {
        if (keys_head_field(&r, key, &h))
            continue;
        if (key == W_NODES)
            nodes_read(&r, &s);
        else if (key == W_QUORUM)
            s.quorum = rd_uint_between(&r, 1, WITNESS_SET_MAX);
        else
            rd_unknown(&r, key);
    }
    rd_map_require(&r, &m, KEYS_HEAD | RD_KEY(W_NODES) | RD_KEY(W_QUORUM));
    if ((e = rd_end(&r)))
        return e;
    if (h.kind != KEYS_WITNESS_SET)
        return ERR_FIELD_VALUE;
    memcpy(s.federation, h.federation, ID_BYTES);
    s.ts_ms = h.ts_ms;
    *out = s;
    return ERR_OK;
}

enum {
    K_ORG = KEY_FIRST,
    K_NODE,
    K_NUMBER,
    K_PK
};

enum err witness_key_encode(const struct witness_key_statement *s, struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    keys_head_write(&w, 4, KEYS_WITNESS_KEY, s->federation, s->ts_ms);
    wr_key_bin(&w, K_ORG, SPAN_OF(s->org));
    wr_key_bin(&w, K_NODE, SPAN_OF(s->node));
    wr_key_uint(&w, K_NUMBER, s->number);
    wr_key_bin(&w, K_PK, SPAN_OF(s->pk.b));
    return wr_take(&w, out);
}

enum err witness_key_sign(const struct witness_key_statement *s, const struct secret_sign *key,
                          struct bytes *out)
{
    struct bytes stmt = {0};
    enum err e;

    if ((e = witness_key_encode(s, &stmt)))
        return e;
    e = statement_sign_alone(STATEMENT_KEYS, bytes_span(&stmt), ROLE_NODE, s->org, key, out);
    bytes_free(&stmt);
    return e;
}

static void key_field(struct reader *r, uint64_t key, struct witness_key_statement *s)
{
    switch (key) {
    case K_ORG:
        rd_fixed(r, s->org, sizeof s->org);
        break;
    case K_NODE:
        rd_fixed(r, s->node, sizeof s->node);
        break;
    case K_NUMBER:
        s->number = rd_uint_between(r, 1, UINT64_MAX - 1);
        break;
    case K_PK:
        rd_fixed(r, s->pk.b, KEY_BYTES);
        break;
    default:
        rd_unknown(r, key);
    }
}

enum err witness_key_decode(struct span stmt, struct witness_key_statement *out)
{
    struct witness_key_statement s = {0};
    struct keys_head h = {0};
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key)) {
        if (!keys_head_field(&r, key, &h))
            key_field(&r, key, &s);
    }
    rd_map_require(&r, &m,
                   KEYS_HEAD | RD_KEY(K_ORG) | RD_KEY(K_NODE) | RD_KEY(K_NUMBER) | RD_KEY(K_PK));
    if ((e = rd_end(&r)))
        return e;
    if (h.kind != KEYS_WITNESS_KEY)
        return ERR_FIELD_VALUE;
    memcpy(s.federation, h.federation, ID_BYTES);
    s.ts_ms = h.ts_ms;
    *out = s;
    return ERR_OK;
}
