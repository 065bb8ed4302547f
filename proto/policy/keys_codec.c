#include "keys_codec.h"

#include <string.h>

#include "reader.h"
#include "writer.h"

#define HEAD_PAIRS 3

void keys_head_write(struct writer *w, size_t pairs, enum keys_kind kind, const uint8_t *federation,
                     uint64_t ts_ms)
{
    wr_map(w, HEAD_PAIRS + pairs);
    wr_key_uint(w, KEY_KIND, kind);
    wr_key_bin(w, KEY_FEDERATION, span_of(federation, ID_BYTES));
    wr_key_uint(w, KEY_TS, ts_ms);
}

/* Keys 1 to 3, which each statement has. true: it was one of them, and is read. */
bool keys_head_field(struct reader *r, uint64_t key, struct keys_head *h)
{
    switch (key) {
    case KEY_KIND:
        h->kind = rd_uint_between(r, KEYS_GENESIS, KEYS_RESET);
        return true;
    case KEY_FEDERATION:
        rd_fixed(r, h->federation, sizeof h->federation);
        return true;
    case KEY_TS:
        h->ts_ms = rd_uint(r, STMT_TIME_MAX);
        return true;
    default:
        return false;
    }
}

enum err keys_head_decode(struct span stmt, struct keys_head *out)
{
    struct keys_head h = {0};
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key)) {
        if (!keys_head_field(&r, key, &h))
            rd_skip(&r);
    }
    rd_map_require(&r, &m, KEYS_HEAD);
    if ((e = rd_end(&r)))
        return e;
    *out = h;
    return ERR_OK;
}

enum err keys_stmt_peek(struct span stmt, enum keys_kind *kind, uint8_t federation[ID_BYTES])
{
    struct keys_head h;
    enum err e;

    if ((e = keys_head_decode(stmt, &h)))
        return e;
    *kind = (enum keys_kind)h.kind;
    memcpy(federation, h.federation, ID_BYTES);
    return ERR_OK;
}

/* --- genesis ------------------------------------------------------------------------------- */

enum {
    G_NAME = KEY_FIRST,
    G_MODE,
    G_HUB_TRANSPORT,
    G_HUB,
    G_KEYS_LOG,
    G_AUDIT_LOG,
    G_REGISTRAR,
    G_FOUNDERS,
    G_DELAY,
    G_OPERATOR
};
#define G_ALL (((RD_KEY(G_OPERATOR) << 1) - 1) & ~UINT64_C(1))

enum err genesis_encode(const struct federation *f, struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    if (f->founder_count > FOUNDERS_MAX)
        return ERR_ITEMS;
    keys_head_write(&w, G_OPERATOR - HEAD_PAIRS, KEYS_GENESIS, f->id, f->ts_ms);
    wr_key_text(&w, G_NAME, f->name);
    wr_key_uint(&w, G_MODE, f->mode);
    wr_key_bin(&w, G_HUB_TRANSPORT, SPAN_OF(f->hub_transport.b));
    wr_key_bin(&w, G_HUB, SPAN_OF(f->hub.b));
    wr_key_bin(&w, G_KEYS_LOG, SPAN_OF(f->keys_log.b));
    wr_key_bin(&w, G_AUDIT_LOG, SPAN_OF(f->audit_log.b));
    wr_key_bin(&w, G_REGISTRAR, SPAN_OF(f->registrar.b));
    wr_key(&w, G_FOUNDERS);
    wr_array(&w, f->founder_count);
    for (size_t i = 0; i < f->founder_count; i++) {
        wr_array(&w, 2);
        wr_bin(&w, SPAN_OF(f->founders[i].org));
        wr_bin(&w, SPAN_OF(f->founders[i].pk.b));
    }
    wr_key_uint(&w, G_DELAY, f->emergency_delay_s);
    wr_key_bin(&w, G_OPERATOR, SPAN_OF(f->operator_org));
    return wr_take(&w, out);
}

/* Log origins are made of it: a-z 0-9 . - only. */
static struct span rd_federation_name(struct reader *r)
{
    struct span name = rd_text_between(r, 1, FEDERATION_NAME_MAX);

    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '-')
            rd_fail(r, ERR_FIELD_VALUE);
    }
    return name;
}

static void founders_read(struct reader *r, struct federation *f)
{
    f->founder_count = rd_array_between(r, 1, FOUNDERS_MAX);
    for (size_t i = 0; i < f->founder_count && !rd_error(r); i++) {
        rd_array(r, 2);
        rd_fixed(r, f->founders[i].org, ID_BYTES);
        rd_fixed(r, f->founders[i].pk.b, KEY_BYTES);
    }
}

static void genesis_field(struct reader *r, uint64_t key, struct federation *f)
{
    switch (key) {
    case G_NAME:
        f->name = rd_federation_name(r);
        break;
    case G_MODE:
        f->mode = rd_uint_between(r, MODE_REAL, MODE_EXERCISE);
        break;
    case G_HUB_TRANSPORT:
        rd_fixed(r, f->hub_transport.b, KEY_BYTES);
        break;
    case G_HUB:
        rd_fixed(r, f->hub.b, KEY_BYTES);
        break;
    case G_KEYS_LOG:
        rd_fixed(r, f->keys_log.b, KEY_BYTES);
        break;
    case G_AUDIT_LOG:
        rd_fixed(r, f->audit_log.b, KEY_BYTES);
        break;
    case G_REGISTRAR:
        rd_fixed(r, f->registrar.b, KEY_BYTES);
        break;
    case G_FOUNDERS:
        founders_read(r, f);
        break;
    case G_DELAY:
        f->emergency_delay_s = rd_uint(r, EMERGENCY_DELAY_MAX_S);
        break;
    case G_OPERATOR:
        rd_fixed(r, f->operator_org, sizeof f->operator_org);
        break;
    default:
        rd_unknown(r, key);
    }
}

enum err genesis_decode(struct span stmt, struct federation *out)
{
    struct federation f = {0};
    struct keys_head h = {0};
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key)) {
        if (!keys_head_field(&r, key, &h))
            genesis_field(&r, key, &f);
    }
    rd_map_require(&r, &m, G_ALL);
    if ((e = rd_end(&r)))
        return e;
    memcpy(f.id, h.federation, ID_BYTES);
    f.ts_ms = h.ts_ms;
    *out = f;
    return ERR_OK;
}

/* --- enrolment statement: its body is in enrolment.c ----------------------------------------- */

enum {
    E_BODY = KEY_FIRST,
    E_POSSESSION,
    E_EFFECT
};

enum err enrol_encode(enum keys_kind kind, const uint8_t federation[ID_BYTES], uint64_t ts_ms,
                      struct span body, const uint8_t possession[SIG_BYTES], uint64_t effect_ms,
                      struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    keys_head_write(&w, 3, kind, federation, ts_ms);
    wr_key_bin(&w, E_BODY, body);
    wr_key_bin(&w, E_POSSESSION, span_of(possession, SIG_BYTES));
    wr_key_uint(&w, E_EFFECT, effect_ms);
    return wr_take(&w, out);
}

enum err enrol_statement_decode(struct span stmt, struct enrol_statement *out)
{
    struct enrol_statement s = {0};
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key)) {
        if (keys_head_field(&r, key, &s.head))
            continue;
        if (key == E_BODY)
            s.body = rd_blob(&r, 1, STMT_MAX);
        else if (key == E_POSSESSION)
            rd_fixed(&r, s.possession, sizeof s.possession);
        else if (key == E_EFFECT)
            s.effect_ms = rd_uint(&r, STMT_TIME_MAX);
        else
            rd_unknown(&r, key);
    }
    rd_map_require(&r, &m, KEYS_HEAD | RD_KEY(E_BODY) | RD_KEY(E_POSSESSION) | RD_KEY(E_EFFECT));
    if ((e = rd_end(&r)))
        return e;
    *out = s;
    return ERR_OK;
}

enum err enrol_decode(struct span stmt, struct span *body, uint64_t *effect_ms)
{
    struct enrol_statement s;
    enum err e;

    if ((e = enrol_statement_decode(stmt, &s)))
        return e;
    if (s.head.kind != KEYS_ENROL && s.head.kind != KEYS_RESET)
        return ERR_FIELD_VALUE;
    *body = s.body;
    *effect_ms = s.effect_ms;
    return ERR_OK;
}

/* --- prekey ---------------------------------------------------------------------------------- */

enum {
    P_ORG = KEY_FIRST,
    P_NODE,
    P_NUMBER,
    P_PK,
    P_PREVIOUS
};

enum err prekey_encode(const struct prekey_statement *p, struct bytes *out)
{
    struct writer w;
    bool first = p->number == 1;

    wr_init(&w);
    keys_head_write(&w, first ? 4 : 5, KEYS_PREKEY, p->federation, p->ts_ms);
    wr_key_bin(&w, P_ORG, SPAN_OF(p->org));
    wr_key_bin(&w, P_NODE, SPAN_OF(p->node));
    wr_key_uint(&w, P_NUMBER, p->number);
    wr_key_bin(&w, P_PK, SPAN_OF(p->pk.b));
    if (!first)
        wr_key_bin(&w, P_PREVIOUS, SPAN_OF(p->previous));
    return wr_take(&w, out);
}

enum err prekey_sign(const struct prekey_statement *p, const struct secret_sign *key,
                     struct bytes *out)
{
    struct bytes stmt = {0};
    enum err e;

    if ((e = prekey_encode(p, &stmt)))
        return e;
    e = statement_sign_alone(STATEMENT_KEYS, bytes_span(&stmt), ROLE_NODE, p->org, key, out);
    bytes_free(&stmt);
    return e;
}

static void prekey_field(struct reader *r, uint64_t key, struct prekey_statement *p)
{
    switch (key) {
    case P_ORG:
        rd_fixed(r, p->org, sizeof p->org);
        break;
    case P_NODE:
        rd_fixed(r, p->node, sizeof p->node);
        break;
    case P_NUMBER:
        p->number = rd_uint_between(r, 1, UINT64_MAX - 1);
        break;
    case P_PK:
        rd_fixed(r, p->pk.b, KEY_BYTES);
        break;
    case P_PREVIOUS:
        rd_fixed(r, p->previous, sizeof p->previous);
        break;
    default:
        rd_unknown(r, key);
    }
}

enum err prekey_decode(struct span stmt, struct prekey_statement *out)
{
    struct prekey_statement p = {0};
    struct keys_head h = {0};
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key)) {
        if (!keys_head_field(&r, key, &h))
            prekey_field(&r, key, &p);
    }
    rd_map_require(&r, &m,
                   KEYS_HEAD | RD_KEY(P_ORG) | RD_KEY(P_NODE) | RD_KEY(P_NUMBER) | RD_KEY(P_PK));
    if ((e = rd_end(&r)))
        return e;
    if (h.kind != KEYS_PREKEY)
        return ERR_FIELD_VALUE;
    if (rd_map_has(&m, P_PREVIOUS) != (p.number > 1)) /* number 1 follows nothing */
        return p.number > 1 ? ERR_FIELD_MISSING : ERR_FIELD_VALUE;
    memcpy(p.federation, h.federation, ID_BYTES);
    p.ts_ms = h.ts_ms;
    *out = p;
    return ERR_OK;
}

/* --- suspend, resume, revoke ------------------------------------------------------------------ */

enum {
    S_ORG = KEY_FIRST,
    S_REASON
};
enum {
    R_ORG = KEY_FIRST,
    R_NODE,
    R_REASON
};

enum err suspend_encode(const uint8_t federation[ID_BYTES], uint64_t ts_ms, bool resume,
                        const uint8_t org[ID_BYTES], uint64_t reason, struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    keys_head_write(&w, 2, resume ? KEYS_RESUME : KEYS_SUSPEND, federation, ts_ms);
    wr_key_bin(&w, S_ORG, span_of(org, ID_BYTES));
    wr_key_uint(&w, S_REASON, reason);
    return wr_take(&w, out);
}

enum err suspend_decode(struct span stmt, struct suspend_statement *out)
{
    struct suspend_statement s = {0};
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key)) {
        if (keys_head_field(&r, key, &s.head))
            continue;
        if (key == S_ORG)
            rd_fixed(&r, s.org, sizeof s.org);
        else if (key == S_REASON)
            s.reason = rd_uint(&r, UINT32_MAX);
        else
            rd_unknown(&r, key);
    }
    rd_map_require(&r, &m, KEYS_HEAD | RD_KEY(S_ORG) | RD_KEY(S_REASON));
    if ((e = rd_end(&r)))
        return e;
    *out = s;
    return ERR_OK;
}

enum err revoke_encode(const uint8_t federation[ID_BYTES], uint64_t ts_ms,
                       const uint8_t org[ID_BYTES], const uint8_t *node, enum revoke_reason reason,
                       struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    keys_head_write(&w, node ? 3 : 2, KEYS_REVOKE, federation, ts_ms);
    wr_key_bin(&w, R_ORG, span_of(org, ID_BYTES));
    if (node)
        wr_key_bin(&w, R_NODE, span_of(node, ID_BYTES));
    wr_key_uint(&w, R_REASON, reason);
    return wr_take(&w, out);
}

enum err revoke_decode(struct span stmt, struct revoke_statement *out)
{
    struct revoke_statement s = {0};
    struct keys_head h = {0};
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key)) {
        if (keys_head_field(&r, key, &h))
            continue;
        if (key == R_ORG)
            rd_fixed(&r, s.org, sizeof s.org);
        else if (key == R_NODE)
            rd_fixed(&r, s.node, sizeof s.node);
        else if (key == R_REASON)
            s.reason = rd_uint_between(&r, REVOKE_ENDED, REVOKE_COMPROMISED);
        else
            rd_unknown(&r, key);
    }
    rd_map_require(&r, &m, KEYS_HEAD | RD_KEY(R_ORG) | RD_KEY(R_REASON));
    if ((e = rd_end(&r)))
        return e;
    if (h.kind != KEYS_REVOKE)
        return ERR_FIELD_VALUE;
    s.has_node = rd_map_has(&m, R_NODE);
    memcpy(s.federation, h.federation, ID_BYTES);
    s.ts_ms = h.ts_ms;
    *out = s;
    return ERR_OK;
}
