/* Steps 11 to 14 of the receive order: from a verified envelope to its body. */
#include "envelope.h"
#include "envelope_keys.h"

/* Step 11: the key of the envelope out of the own stanza. */
static enum err unwrap(const struct envelope_view *v, const struct env_header *h, size_t index,
                       const uint8_t hh[DIGEST_512], const struct secret_box *prekey,
                       struct secret32 *mk)
{
    const uint8_t *kid = envelope_kid(v, index);
    const uint8_t *enc = kid + KID_BYTES;
    struct span wrap = span_of(enc + HPKE_ENC_BYTES, ENVELOPE_WRAP_BYTES);
    uint8_t info[WRAP_INFO_BYTES];
    uint8_t aad[WRAP_AAD_BYTES];

    envelope_wrap_info(hh, info);
    envelope_wrap_aad(index, kid, h->to[index], aad);
    return hpke_open(prekey, enc, SPAN_OF(info), SPAN_OF(aad), wrap, secret32_bytes(mk));
}

/* Step 12: all recipients hold the same key, or it does not fit what was signed. */
static enum err check_commitment(const struct envelope_view *v, const uint8_t hh[DIGEST_512],
                                 const struct secret32 *mk)
{
    uint8_t com[ENVELOPE_COM_BYTES];
    enum err e;

    if ((e = envelope_commitment(secret32_span(mk), hh, com)))
        return e;
    return seal_equal(com, v->com.ptr, sizeof com) ? ERR_OK : ERR_OPEN;
}

/* Step 13. The padded body, as long as the ciphertext without its tag. */
static enum err decrypt(const struct envelope_view *v, const uint8_t hh[DIGEST_512],
                        const struct secret32 *mk, struct bytes *padded)
{
    size_t len = v->ct.len - AEAD_TAG_BYTES;
    struct envelope_body_key key;
    uint8_t rh[DIGEST_512];
    enum err e;

    if ((e = envelope_stanzas_hash(v->rcp, rh)))
        goto out;
    if ((e = envelope_body_key(secret32_span(mk), hh, rh, v->com.ptr, &key)))
        goto out;
    if ((e = bytes_reserve(padded, len)))
        goto out;
    if ((e = aead_open(key.secret, key.secret + AEAD_KEY_BYTES, SPAN_OF(key.aad), v->ct,
                       padded->ptr)))
        goto out;
    padded->len = len;
out:
    seal_wipe(&key, sizeof key);
    return e;
}

/* Step 14. */
static enum err strip(struct bytes *padded)
{
    size_t len;
    enum err e;

    if ((e = unpad(bytes_span(padded), &len)))
        return e;
    if (len == 0 || len > ENVELOPE_BODY_MAX)
        return ERR_OPEN;
    padded->len = len;
    return ERR_OK;
}

enum err envelope_open(const struct envelope_view *v, const struct env_header *header, size_t index,
                       const struct secret_box *prekey, struct secret32 **mk, struct bytes *body,
                       enum receive_step *step)
{
    enum receive_step at = STEP_UNWRAP;
    struct secret32 *key = NULL;
    struct bytes plain = {0};
    uint8_t hh[DIGEST_512];
    enum err e;

    if ((e = index < v->count ? ERR_OK : ERR_RANGE))
        goto out;
    if ((e = envelope_header_hash(v->hdr, hh)))
        goto out;
    if ((e = secret32_new(&key)))
        goto out;
    if ((e = unwrap(v, header, index, hh, prekey, key)))
        goto out;
    at = STEP_COMMITMENT;
    if ((e = check_commitment(v, hh, key)))
        goto out;
    at = STEP_BODY;
    if ((e = decrypt(v, hh, key, &plain)))
        goto out;
    at = STEP_PADDING;
    if ((e = strip(&plain)))
        goto out;
    at = STEP_NONE;
    seal_bytes_free(body);
    *body = plain;
    plain = (struct bytes){0};
    if (mk) {
        *mk = key;
        key = NULL;
    }
out:
    if (step)
        *step = at;
    secret32_free(key);
    seal_bytes_free(&plain);
    return e;
}
