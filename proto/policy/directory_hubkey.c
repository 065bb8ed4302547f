/* Another key of the hub (PROTOCOL.md 7.8, kind 8): with the hub's own word, or, when that is lost,
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
    H_EFFECT,
    H_EPOCH
};
#define HUB_KEY_FIELDS 3 /* of each */
#define WITH_HUB 2       /* signatures: registrar and hub */
#define OVERLAP_MAX_MS (UINT64_C(366) * 24 * 3600 * 1000)

static enum err possession_digest(const struct hub_key_statement *s, uint8_t digest[DIGEST_512])
{
    const uint8_t key = (uint8_t)s->which;
    const struct span parts[] = {
        SPAN_OF(s->federation), {&key, 1},
         SPAN_OF(s->pk)
    };

    return digest_parts("relais/keys1/possession", NO_KEY, parts, 3, digest, DIGEST_512);
}

static void write(struct writer *w, const struct hub_key_statement *s)
{
    const bool signs = s->which != HUB_KEY_TRANSPORT;
    const bool in_epochs = s->which == HUB_KEY_AUDIT_LOG;
    const size_t more = (signs ? 1U : 0U) + (in_epochs ? 1U : 0U);

    wr_init(w);
    keys_head_write(w, HUB_KEY_FIELDS + more, KEYS_ROTATE_HUB, s->federation, s->ts_ms);
    wr_key_uint(w, H_WHICH, s->which);
    wr_key_bin(w, H_PK, SPAN_OF(s->pk));
    if (signs) {
        wr_key_bin(w, H_POSSESSION, SPAN_OF(s->possession));
    }
    wr_key_uint(w, H_EFFECT, s->effect_ms);
    if (in_epochs) {
        wr_key_uint(w, H_EPOCH, s->epoch);
    }
}

enum err hub_key_encode(const struct hub_key_statement *s, const struct secret_sign *key,
                        struct bytes *out)
{
    struct hub_key_statement own = *s;
    uint8_t digest[DIGEST_512];
    struct writer w;
    enum err e;

    if (key) {
        memcpy(own.pk, secret_sign_public(key)->b, KEY_BYTES);
        if ((e = possession_digest(&own, digest)) ||
            (e = sign_digest(SIGN_POSSESSION, key, digest, own.possession)))
            return e;
    }
    write(&w, &own);
    return wr_take(&w, out);
}

/* Which fields there are follows from which key it is. */
static enum err fields_fit(const struct hub_key_statement *s, uint64_t seen)
{
    const uint64_t needed = (s->which == HUB_KEY_TRANSPORT ? 0 : RD_KEY(H_POSSESSION)) |
                            (s->which == HUB_KEY_AUDIT_LOG ? RD_KEY(H_EPOCH) : 0);
    const uint64_t there = seen & (RD_KEY(H_POSSESSION) | RD_KEY(H_EPOCH));

    if (s->which < HUB_KEY_TRANSPORT || s->which > HUB_KEY_AUDIT_LOG)
        return ERR_FIELD_VALUE;
    if (needed & ~there)
        return ERR_FIELD_MISSING;
    return there & ~needed ? ERR_FIELD_VALUE : ERR_OK;
}

enum err hub_key_decode(struct span stmt, struct hub_key_statement *out)
{
    struct hub_key_statement s = {0};
    struct keys_head h = {0};
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t seen = 0;
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key)) {
        if (keys_head_field(&r, key, &h))
            continue;
        if (key <= H_EPOCH)
            seen |= RD_KEY(key);
        if (key == H_WHICH)
            s.which = rd_uint(&r, UINT8_MAX);
        else if (key == H_PK)
            rd_fixed(&r, s.pk, KEY_BYTES);
        else if (key == H_POSSESSION)
            rd_fixed(&r, s.possession, sizeof s.possession);
        else if (key == H_EFFECT)
            s.effect_ms = rd_uint(&r, STMT_TIME_MAX);
        else if (key == H_EPOCH)
            s.epoch = rd_uint(&r, UINT32_MAX);
        else
            rd_unknown(&r, key);
    }
    rd_map_require(&r, &m,
                   RD_KEY(KEY_KIND) | RD_KEY(KEY_FEDERATION) | RD_KEY(KEY_TS) | RD_KEY(H_WHICH) |
                       RD_KEY(H_PK) | RD_KEY(H_EFFECT));
    if ((e = rd_end(&r)))
        return e;
    if (h.kind != KEYS_ROTATE_HUB)
        return ERR_FIELD_VALUE;
    if ((e = fields_fit(&s, seen)))
        return e;
    memcpy(s.federation, h.federation, ID_BYTES);
    s.ts_ms = h.ts_ms;
    *out = s;
    return ERR_OK;
}

/* --- what is asked ---------------------------------------------------------------------------- */

size_t directory_hub_keys(const struct directory *d, enum hub_key which,
                          const struct hub_key_used **out)
{
    *out = d->hub_keys[which].row;
    return d->hub_keys[which].count;
}

static bool is_among(const struct hub_key_list *list, size_t count, const uint8_t pk[KEY_BYTES])
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(list->row[i].pk, pk, KEY_BYTES) == 0)
            return true;
    return false;
}

bool directory_hub_key_was(const struct directory *d, enum hub_key which,
                           const uint8_t pk[KEY_BYTES])
{
    const struct hub_key_list *list = &d->hub_keys[which];

    return list->count > 0 && is_among(list, list->count - 1, pk);
}

bool hub_key_signs(const struct hub_key_used *list, size_t count, size_t i, uint64_t at)
{
    return i + 1 == count || at < list[i + 1].from;
}

uint64_t directory_hub_hold_ms(const struct directory *d)
{
    return d->hub_hold_ms;
}

uint64_t hub_signs_since(const struct directory *d)
{
    const struct hub_key_list *list = &d->hub_keys[HUB_KEY_SIGNING];

    return list->row[list->count - 1].from;
}

bool directory_key_is_hubs(const struct directory *d, const uint8_t pk[KEY_BYTES])
{
    if (memcmp(pk, d->federation.registrar.b, KEY_BYTES) == 0)
        return true;
    for (size_t which = HUB_KEY_TRANSPORT; which <= HUB_KEY_AUDIT_LOG; which++)
        if (is_among(&d->hub_keys[which], d->hub_keys[which].count, pk))
            return true;
    return false;
}

/* --- judging one ------------------------------------------------------------------------------ */

static enum err key_is_new(const struct directory *d, const struct hub_key_statement *h)
{
    struct sign_public sign;
    struct box_public box;
    uint8_t kid[KID_BYTES];
    bool taken;

    memcpy(sign.b, h->pk, KEY_BYTES);
    memcpy(box.b, h->pk, KEY_BYTES);
    if (h->which == HUB_KEY_TRANSPORT) {
        box_kid(&box, kid);
        taken = idmap_get(&d->by_transport, kid) != IDMAP_NONE ||
                idmap_get(&d->by_prekey, kid) != IDMAP_NONE;
    } else {
        sign_kid(&sign, kid);
        taken = idmap_get(&d->by_signing, kid) != IDMAP_NONE ||
                idmap_get(&d->by_witness, kid) != IDMAP_NONE;
    }
    if (taken || directory_key_is_hubs(d, h->pk))
        return ERR_EXISTS;
    return d->hub_keys[h->which].count <= HUB_KEYS_MAX ? ERR_OK : ERR_QUOTA;
}

/* Epochs go up: each has the key of the newest row that is not above it. */
static enum err epoch_fits(const struct directory *d, const struct hub_key_statement *h)
{
    const struct hub_key_list *list = &d->hub_keys[HUB_KEY_AUDIT_LOG];

    if (h->which != HUB_KEY_AUDIT_LOG)
        return ERR_OK;
    return h->epoch > list->row[list->count - 1].from ? ERR_OK : ERR_FIELD_VALUE;
}

static bool effect_agreed(const struct hub_key_statement *h)
{
    if (h->which != HUB_KEY_TRANSPORT)
        return h->effect_ms == h->ts_ms;
    return h->effect_ms >= h->ts_ms && h->effect_ms - h->ts_ms <= OVERLAP_MAX_MS;
}

static enum err agreed(const struct directory *d, const struct statement *s,
                       const struct hub_key_statement *h, struct verified *v)
{
    const struct statement_sig *hub = statement_find(s, ROLE_HUB, NULL);
    enum err e;

    if (!hub) {
        if ((e = directory_countersigned(d, s, v)))
            return e;
        return h->effect_ms >= h->ts_ms + d->federation.emergency_delay_s * 1000 ? ERR_OK
                                                                                 : ERR_FIELD_VALUE;
    }
    if ((e = statement_verify(STATEMENT_KEYS, s->stmt, hub, &d->federation.hub)))
        return e;
    if (s->count != WITH_HUB || !effect_agreed(h))
        return ERR_FIELD_VALUE;
    v->agreed = true;
    return h->which == HUB_KEY_SIGNING || h->ts_ms >= hub_signs_since(d) ? ERR_OK : ERR_NOT_YET;
}

static enum err possession_verify(const struct hub_key_statement *h)
{
    uint8_t digest[DIGEST_512];
    struct sign_public pk;
    enum err e;

    if (h->which == HUB_KEY_TRANSPORT)
        return ERR_OK;
    if ((e = possession_digest(h, digest)))
        return e;
    memcpy(pk.b, h->pk, KEY_BYTES);
    return verify_digest(SIGN_POSSESSION, &pk, digest, h->possession) ? ERR_POSSESSION : ERR_OK;
}

enum err hub_key_verify(const struct directory *d, const struct statement *s, struct verified *v)
{
    const struct statement_sig *registrar = statement_find(s, ROLE_REGISTRAR, NULL);
    struct hub_key_statement h;
    enum err e;

    if ((e = hub_key_decode(s->stmt, &h)))
        return e;
    if (!registrar)
        return ERR_FIELD_MISSING;
    if ((e = statement_verify(STATEMENT_KEYS, s->stmt, registrar, &d->federation.registrar)))
        return e;
    if ((e = possession_verify(&h)) || (e = key_is_new(d, &h)) || (e = epoch_fits(d, &h)) ||
        (e = agreed(d, s, &h, v)))
        return e;
    v->hub_key = h;
    return ERR_OK;
}

/* --- the one writer --------------------------------------------------------------------------- */

static void key_put(struct directory *d, enum hub_key which, const uint8_t pk[KEY_BYTES],
                    uint64_t from, bool is_agreed)
{
    struct hub_key_list *list = &d->hub_keys[which];
    struct hub_key_used *row = &list->row[list->count++];

    memcpy(row->pk, pk, KEY_BYTES);
    row->from = from;
    row->agreed = is_agreed;
}

void hub_keys_begin(struct directory *d)
{
    const struct federation *f = &d->federation;

    key_put(d, HUB_KEY_TRANSPORT, f->hub_transport.b, 0, true);
    key_put(d, HUB_KEY_SIGNING, f->hub.b, 0, true);
    key_put(d, HUB_KEY_KEYS_LOG, f->keys_log.b, 0, true);
    key_put(d, HUB_KEY_AUDIT_LOG, f->audit_log.b, 0, true);
}

void hub_key_apply(struct directory *d, const struct verified *v)
{
    const struct hub_key_statement *h = &v->hub_key;
    uint64_t from = h->effect_ms;

    if (h->which == HUB_KEY_KEYS_LOG)
        from = d->size + 1; /* trees that hold this leaf */
    else if (h->which == HUB_KEY_AUDIT_LOG)
        from = h->epoch;
    key_put(d, (enum hub_key)h->which, h->pk, from, v->agreed);
    if (h->which == HUB_KEY_TRANSPORT)
        memcpy(d->federation.hub_transport.b, h->pk, KEY_BYTES);
    else if (h->which == HUB_KEY_SIGNING)
        memcpy(d->federation.hub.b, h->pk, KEY_BYTES);
    else if (h->which == HUB_KEY_KEYS_LOG)
        memcpy(d->federation.keys_log.b, h->pk, KEY_BYTES);
    else
        memcpy(d->federation.audit_log.b, h->pk, KEY_BYTES);
    if (!v->agreed && h->effect_ms > d->hub_hold_ms &&
        (h->which == HUB_KEY_KEYS_LOG || h->which == HUB_KEY_AUDIT_LOG))
        d->hub_hold_ms = h->effect_ms;
}
