/* Another key of the hub (PROTOCOL.md 7.5, kind 8): with the old one's word, or, when that is lost,
 * with that of two houses and after the delay in which others may object. */
#include <string.h>

#include "directory_state.h"
#include "keys_codec.h"
#include "reader.h"
#include "writer.h"

enum {
    H_WHICH = KEY_FIRST,
    H_PK,
    H_POSSESSION,
    H_EFFECT
};
#define HUB_KEY_FIELDS 4
#define WITH_OLD_KEY 2 /* signatures: registrar and hub */

static enum err possession_digest(const uint8_t federation[ID_BYTES], uint64_t which,
                                  const struct sign_public *pk, uint8_t digest[DIGEST_512])
{
    const uint8_t key = (uint8_t)which;
    const struct span parts[] = {
        {federation, ID_BYTES },
        {&key,       1        },
        {pk->b,      KEY_BYTES}
    };

    return digest_parts("relais/keys1/possession", NO_KEY, parts, 3, digest, DIGEST_512);
}

enum err hub_key_encode(const uint8_t federation[ID_BYTES], uint64_t ts_ms,
                        const struct secret_sign *fresh, uint64_t effect_ms, struct bytes *out)
{
    const struct sign_public *pk = secret_sign_public(fresh);
    uint8_t digest[DIGEST_512];
    uint8_t sig[SIG_BYTES];
    struct writer w;
    enum err e;

    if ((e = possession_digest(federation, HUB_KEY_SIGNING, pk, digest)) ||
        (e = sign_digest(SIGN_POSSESSION, fresh, digest, sig)))
        return e;
    wr_init(&w);
    keys_head_write(&w, HUB_KEY_FIELDS, KEYS_ROTATE_HUB, federation, ts_ms);
    wr_key(&w, H_WHICH);
    wr_uint(&w, HUB_KEY_SIGNING);
    wr_key(&w, H_PK);
    wr_bin(&w, SPAN_OF(pk->b));
    wr_key(&w, H_POSSESSION);
    wr_bin(&w, SPAN_OF(sig));
    wr_key(&w, H_EFFECT);
    wr_uint(&w, effect_ms);
    return wr_take(&w, out);
}

enum err hub_key_decode(struct span stmt, struct hub_key_statement *out)
{
    struct hub_key_statement s = {0};
    struct keys_head h = {0};
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key)) {
        if (keys_head_field(&r, key, &h))
            continue;
        if (key == H_WHICH)
            s.which = rd_uint_between(&r, HUB_KEY_TRANSPORT, HUB_KEY_AUDIT_LOG);
        else if (key == H_PK)
            rd_fixed(&r, s.pk.b, KEY_BYTES);
        else if (key == H_POSSESSION)
            rd_fixed(&r, s.possession, sizeof s.possession);
        else if (key == H_EFFECT)
            s.effect_ms = rd_uint(&r, STMT_TIME_MAX);
        else
            rd_unknown(&r, key);
    }
    rd_map_require(&r, &m,
                   RD_KEY(KEY_KIND) | RD_KEY(KEY_FEDERATION) | RD_KEY(KEY_TS) | RD_KEY(H_WHICH) |
                       RD_KEY(H_PK) | RD_KEY(H_POSSESSION) | RD_KEY(H_EFFECT));
    if ((e = rd_end(&r)))
        return e;
    if (h.kind != KEYS_ROTATE_HUB)
        return ERR_FIELD_VALUE;
    memcpy(s.federation, h.federation, ID_BYTES);
    s.ts_ms = h.ts_ms;
    *out = s;
    return ERR_OK;
}

bool directory_hub_key_was(const struct directory *d, const struct sign_public *pk)
{
    for (size_t i = 0; i < d->hub_key_count; i++)
        if (memcmp(d->hub_keys[i].b, pk->b, KEY_BYTES) == 0)
            return true;
    return false;
}

static enum err key_is_new(const struct directory *d, const struct sign_public *pk)
{
    uint8_t kid[KID_BYTES];

    sign_kid(pk, kid);
    if (directory_key_is_genesis(d, pk) || directory_hub_key_was(d, pk) ||
        memcmp(pk->b, d->federation.hub.b, KEY_BYTES) == 0 ||
        idmap_get(&d->by_signing, kid) != IDMAP_NONE ||
        idmap_get(&d->by_witness, kid) != IDMAP_NONE)
        return ERR_EXISTS;
    return d->hub_key_count < HUB_KEYS_MAX ? ERR_OK : ERR_QUOTA;
}

static enum err agreed(const struct directory *d, const struct statement *s,
                       const struct hub_key_statement *h, const struct verified *v)
{
    const struct statement_sig *old = statement_find(s, ROLE_HUB, NULL);
    enum err e;

    if (!old) {
        if ((e = directory_countersigned(d, s, v)))
            return e;
        return h->effect_ms >= h->ts_ms + d->federation.emergency_delay_s * 1000 ? ERR_OK
                                                                                 : ERR_FIELD_VALUE;
    }
    if ((e = statement_verify(STATEMENT_KEYS, s->stmt, old, &d->federation.hub)))
        return e;
    return s->count == WITH_OLD_KEY && h->effect_ms == h->ts_ms ? ERR_OK : ERR_FIELD_VALUE;
}

enum err hub_key_verify(const struct directory *d, const struct statement *s, struct verified *v)
{
    const struct statement_sig *registrar = statement_find(s, ROLE_REGISTRAR, NULL);
    uint8_t digest[DIGEST_512];
    struct hub_key_statement h;
    enum err e;

    if ((e = hub_key_decode(s->stmt, &h)))
        return e;
    if (h.which != HUB_KEY_SIGNING)
        return ERR_UNSUPPORTED;
    if (!registrar)
        return ERR_FIELD_MISSING;
    if ((e = statement_verify(STATEMENT_KEYS, s->stmt, registrar, &d->federation.registrar)))
        return e;
    if ((e = possession_digest(h.federation, h.which, &h.pk, digest)))
        return e;
    if (verify_digest(SIGN_POSSESSION, &h.pk, digest, h.possession))
        return ERR_POSSESSION;
    if ((e = key_is_new(d, &h.pk)) || (e = agreed(d, s, &h, v)))
        return e;
    v->hub_key = h;
    return ERR_OK;
}

void hub_key_apply(struct directory *d, const struct verified *v)
{
    d->hub_keys[d->hub_key_count++] = d->federation.hub;
    d->federation.hub = v->hub_key.pk;
    d->hub_since_ms = v->hub_key.effect_ms;
}
