/* The absence of an organisation (PROTOCOL.md 7.7), struct to bytes and back. */
#include <string.h>

#include "keys_codec.h"
#include "reader.h"
#include "writer.h"

enum {
    A_ORG = KEY_FIRST,
    A_NODE,
    A_FROM,
    A_UNTIL,
    A_SUBSTITUTE
};

enum err absence_encode(const struct absence_statement *s, struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    keys_head_write(&w, s->has_substitute ? 5 : 4, KEYS_ABSENCE, s->federation, s->ts_ms);
    wr_key_bin(&w, A_ORG, SPAN_OF(s->org));
    wr_key_bin(&w, A_NODE, SPAN_OF(s->node));
    wr_key_uint(&w, A_FROM, s->from_ms);
    wr_key_uint(&w, A_UNTIL, s->until_ms);
    if (s->has_substitute) {
        wr_key_bin(&w, A_SUBSTITUTE, SPAN_OF(s->substitute));
    }
    return wr_take(&w, out);
}

enum err absence_sign(const struct absence_statement *s, const struct secret_sign *key,
                      struct bytes *out)
{
    struct bytes stmt = {0};
    enum err e;

    if ((e = absence_encode(s, &stmt)))
        return e;
    e = statement_sign_alone(STATEMENT_KEYS, bytes_span(&stmt), ROLE_NODE, s->org, key, out);
    bytes_free(&stmt);
    return e;
}

static void absence_field(struct reader *r, uint64_t key, struct absence_statement *s)
{
    switch (key) {
    case A_ORG:
        rd_fixed(r, s->org, sizeof s->org);
        break;
    case A_NODE:
        rd_fixed(r, s->node, sizeof s->node);
        break;
    case A_FROM:
        s->from_ms = rd_uint(r, STMT_TIME_MAX);
        break;
    case A_UNTIL:
        s->until_ms = rd_uint(r, STMT_TIME_MAX);
        break;
    case A_SUBSTITUTE:
        rd_fixed(r, s->substitute, sizeof s->substitute);
        break;
    default:
        rd_unknown(r, key);
    }
}

/* Whole days, one at least; or taken back, which names nothing. */
static bool days_right(const struct absence_statement *s)
{
    if (s->from_ms == 0 && s->until_ms == 0)
        return !s->has_substitute;
    return s->until_ms > s->from_ms && s->from_ms % ABSENCE_DAY_MS == 0 &&
           s->until_ms % ABSENCE_DAY_MS == 0;
}

enum err absence_decode(struct span stmt, struct absence_statement *out)
{
    struct absence_statement s = {0};
    struct keys_head h = {0};
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key)) {
        if (!keys_head_field(&r, key, &h))
            absence_field(&r, key, &s);
    }
    rd_map_require(&r, &m,
                   KEYS_HEAD | RD_KEY(A_ORG) | RD_KEY(A_NODE) | RD_KEY(A_FROM) | RD_KEY(A_UNTIL));
    if ((e = rd_end(&r)))
        return e;
    s.has_substitute = rd_map_has(&m, A_SUBSTITUTE);
    if (h.kind != KEYS_ABSENCE || !days_right(&s))
        return ERR_FIELD_VALUE;
    memcpy(s.federation, h.federation, ID_BYTES);
    s.ts_ms = h.ts_ms;
    *out = s;
    return ERR_OK;
}
