/* Offers: a member invites into the circle, or hands over the part of référent (8.3). */
#include <string.h>

#include "circle.h"
#include "circle_row.h"
#include "reader.h"
#include "writer.h"

enum {
    O_KIND = 1,
    O_CIRCLE,
    O_BY,
    O_TO,
    O_ROW,
    O_EXPIRES,
    O_NONCE,
    O_AT,
    O_PAIRS = O_AT
};
#define O_MUST                                                                                     \
    (RD_KEY(O_KIND) | RD_KEY(O_CIRCLE) | RD_KEY(O_BY) | RD_KEY(O_TO) | RD_KEY(O_EXPIRES) |         \
     RD_KEY(O_NONCE) | RD_KEY(O_AT))
#define OFFER_PARTS 4

struct offer_view {
    struct span inner; /* what is signed */
    struct statement_sig sig;
};

static enum err inner_encode(const struct circle_offer *o, struct bytes *out)
{
    bool join = o->kind == CIRCLE_JOIN;
    struct writer w;

    wr_init(&w);
    wr_map(&w, join ? O_PAIRS : O_PAIRS - 1);
    wr_key_uint(&w, O_KIND, o->kind);
    wr_key_bin(&w, O_CIRCLE, SPAN_OF(o->circle));
    wr_key_bin(&w, O_BY, SPAN_OF(o->by));
    wr_key_bin(&w, O_TO, SPAN_OF(o->to));
    if (join) {
        wr_key(&w, O_ROW);
        circle_row_write(&w, &o->row);
    }
    wr_key_uint(&w, O_EXPIRES, o->expires_ms);
    wr_key_bin(&w, O_NONCE, SPAN_OF(o->nonce));
    wr_key_uint(&w, O_AT, o->at);
    return wr_take(&w, out);
}

static enum err offer_digest(struct span inner, uint8_t digest[DIGEST_512])
{
    return digest_of("relais/chain1/offer", inner, digest, DIGEST_512);
}

enum err circle_offer_sign(const struct circle_offer *o, const struct secret_sign *key,
                           struct bytes *out)
{
    struct bytes inner = {0};
    uint8_t digest[DIGEST_512];
    uint8_t kid[KID_BYTES];
    uint8_t sig[SIG_BYTES];
    struct writer w;
    enum err e;

    if ((e = inner_encode(o, &inner)))
        return e;
    if ((e = offer_digest(bytes_span(&inner), digest)))
        goto out;
    if ((e = sign_digest(SIGN_OFFER, key, digest, sig)))
        goto out;
    sign_kid(secret_sign_public(key), kid);
    wr_init(&w);
    wr_array(&w, OFFER_PARTS);
    wr_bin(&w, bytes_span(&inner));
    wr_bin(&w, SPAN_OF(o->by));
    wr_bin(&w, SPAN_OF(kid));
    wr_bin(&w, SPAN_OF(sig));
    e = wr_take(&w, out);
out:
    bytes_free(&inner);
    return e;
}

static void field_read(struct reader *r, uint64_t key, struct circle_offer *o)
{
    switch (key) {
    case O_KIND:
        o->kind = (enum circle_kind)rd_uint(r, CIRCLE_CLOSE);
        break;
    case O_CIRCLE:
        rd_fixed(r, o->circle, sizeof o->circle);
        break;
    case O_BY:
        rd_fixed(r, o->by, sizeof o->by);
        break;
    case O_TO:
        rd_fixed(r, o->to, sizeof o->to);
        break;
    case O_ROW:
        circle_row_read(r, &o->row);
        break;
    case O_EXPIRES:
        o->expires_ms = rd_uint(r, STMT_TIME_MAX);
        break;
    case O_NONCE:
        rd_fixed(r, o->nonce, sizeof o->nonce);
        break;
    case O_AT:
        o->at = rd_u32(r, CIRCLE_STATEMENTS_MAX);
        break;
    default:
        rd_unknown(r, key);
    }
}

static enum err inner_decode(struct span inner, struct circle_offer *out)
{
    struct circle_offer o = {0};
    struct reader r = reader_over(inner);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key))
        field_read(&r, key, &o);
    rd_map_require(&r, &m, O_MUST);
    if (!rd_error(&r) && o.kind != CIRCLE_JOIN && o.kind != CIRCLE_REFERENT)
        rd_fail(&r, ERR_FIELD_VALUE);
    if (o.kind == CIRCLE_JOIN)
        rd_map_require(&r, &m, RD_KEY(O_ROW));
    else if (rd_map_has(&m, O_ROW))
        rd_fail(&r, ERR_FIELD_UNKNOWN);
    if ((e = rd_end(&r)))
        return e;
    *out = o;
    return ERR_OK;
}

static enum err decode(struct span offer, struct offer_view *view, struct circle_offer *out)
{
    struct reader r = reader_over(offer);
    struct circle_offer o;
    enum err e;

    if (offer.len > CIRCLE_OFFER_MAX)
        return ERR_SIZE;
    rd_array(&r, OFFER_PARTS);
    view->inner = rd_blob(&r, 1, CIRCLE_OFFER_MAX);
    rd_fixed(&r, view->sig.org, ID_BYTES);
    rd_fixed(&r, view->sig.kid, KID_BYTES);
    rd_fixed(&r, view->sig.sig, SIG_BYTES);
    if ((e = rd_end(&r)))
        return e;
    if ((e = inner_decode(view->inner, &o)))
        return e;
    if (memcmp(view->sig.org, o.by, ID_BYTES) != 0)
        return ERR_FIELD_VALUE;
    *out = o;
    return ERR_OK;
}

enum err circle_offer_decode(struct span offer, struct circle_offer *out, uint8_t *skid)
{
    struct offer_view view;
    enum err e;

    if ((e = decode(offer, &view, out)))
        return e;
    if (skid)
        memcpy(skid, view.sig.kid, KID_BYTES);
    return ERR_OK;
}

enum err circle_offer_verify(struct span offer, const struct circle_signers *signers,
                             struct circle_offer *out)
{
    struct offer_view view;
    struct circle_offer o;
    struct sign_public pk;
    uint8_t digest[DIGEST_512];
    enum err e;

    if ((e = decode(offer, &view, &o)))
        return e;
    if ((e = signers->find(signers->arg, o.by, view.sig.kid, &pk)))
        return e;
    if ((e = offer_digest(view.inner, digest)))
        return e;
    if ((e = verify_digest(SIGN_OFFER, &pk, digest, view.sig.sig)))
        return e;
    *out = o;
    return ERR_OK;
}
