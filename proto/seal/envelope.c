/* What everybody may do with an envelope: parse it, name it, verify who sent it. */
#include "envelope.h"

#include <assert.h>
#include <string.h>

#include "envelope_keys.h"

#define STANZAS_MAX_BYTES ((size_t)RECIPIENTS_MAX * ENVELOPE_STANZA_BYTES)
#define MP_HEADS_BYTES 32 /* of the array and its six elements, generously */

static_assert(ENVELOPE_STANZA_BYTES == 96, "PROTOCOL.md 5");
static_assert(MP_HEADS_BYTES + HEADER_MAX + STANZAS_MAX_BYTES + ENVELOPE_COM_BYTES +
                      ENVELOPE_CT_MAX + BATCH_SIG_MAX <=
                  ENVELOPE_MAX,
              "an envelope with every part at its largest is not too large");
static enum err parse_outer(struct span whole, struct envelope_view *v)
{
    struct reader r = reader_over(whole);

    rd_array(&r, ENVELOPE_PARTS);
    v->version = rd_uint(&r, UINT64_MAX);
    v->hdr = rd_blob(&r, 1, HEADER_MAX);
    v->rcp = rd_blob(&r, ENVELOPE_STANZA_BYTES, STANZAS_MAX_BYTES);
    if (v->rcp.len % ENVELOPE_STANZA_BYTES)
        rd_fail(&r, ERR_SIZE);
    v->com = rd_blob(&r, ENVELOPE_COM_BYTES, ENVELOPE_COM_BYTES);
    v->ct = rd_blob(&r, ENVELOPE_CT_MIN, ENVELOPE_CT_MAX);
    v->sig = rd_blob(&r, SIG_BYTES, BATCH_SIG_MAX);
    v->count = v->rcp.len / ENVELOPE_STANZA_BYTES;
    return rd_end(&r);
}

static enum err check_signature_form(const struct envelope_view *v, const struct env_header *h)
{
    if (h->sign == ENVELOPE_SIGN_BATCH)
        return batch_check(v->sig);
    return v->sig.len == SIG_BYTES ? ERR_OK : ERR_SIZE;
}

static enum err parse_header(const struct envelope_view *v, struct env_header *h)
{
    struct reader r = reader_over(v->hdr);
    enum err e;

    if ((e = header_decode(&r, h)))
        return e;
    if (h->to_count != v->count)
        return ERR_FIELD_VALUE;
    return check_signature_form(v, h);
}

enum err envelope_parse(struct span whole, struct envelope_view *view, struct env_header *header,
                        enum receive_step *step)
{
    enum receive_step at = STEP_SIZE;
    struct envelope_view v = {0};
    struct env_header h;
    enum err e;

    if ((e = whole.len > ENVELOPE_MAX ? ERR_SIZE : ERR_OK))
        goto out;
    at = STEP_OUTER;
    if ((e = parse_outer(whole, &v)))
        goto out;
    at = STEP_VERSION;
    if ((e = v.version == ENVELOPE_VERSION ? ERR_OK : ERR_VERSION))
        goto out;
    if ((e = header_check_suite(v.hdr)))
        goto out;
    at = STEP_HEADER;
    if ((e = parse_header(&v, &h)))
        goto out;
    at = STEP_NONE;
    *view = v;
    *header = h;
out:
    if (step)
        *step = at;
    return e;
}

const uint8_t *envelope_kid(const struct envelope_view *v, size_t i)
{
    return v->rcp.ptr + i * ENVELOPE_STANZA_BYTES;
}

enum err envelope_digest(const struct envelope_view *v, uint8_t digest[DIGEST_BYTES])
{
    const uint8_t version = (uint8_t)v->version; /* step 3 saw that it is 1 */
    uint8_t hh[DIGEST_512];
    uint8_t rh[DIGEST_512];
    uint8_t ch[DIGEST_512];
    const struct span parts[] = {span_of(&version, sizeof version), SPAN_OF(hh), SPAN_OF(rh),
                                 v->com, SPAN_OF(ch)};
    enum err e;

    if ((e = envelope_header_hash(v->hdr, hh)))
        return e;
    if ((e = envelope_stanzas_hash(v->rcp, rh)))
        return e;
    if ((e = digest_of("relais/env1/ct", v->ct, ch, sizeof ch)))
        return e;
    return digest_parts("relais/env1/digest", NO_KEY, parts, sizeof parts / sizeof parts[0], digest,
                        DIGEST_BYTES);
}

enum err envelope_claim(const struct envelope_view *v, const struct env_header *h,
                        const uint8_t digest[DIGEST_BYTES], struct envelope_claim *out)
{
    out->sig = v->sig.ptr;
    if (h->sign == ENVELOPE_SIGN_BATCH) {
        out->context = SIGN_BATCH;
        return batch_claim(v->sig, h->from, h->skid, digest, out->digest);
    }
    out->context = SIGN_ENVELOPE;
    memcpy(out->digest, digest, DIGEST_BYTES);
    return ERR_OK;
}

enum err envelope_verify(const struct envelope_view *v, const struct env_header *h,
                         const uint8_t digest[DIGEST_BYTES], const struct sign_public *signer)
{
    struct envelope_claim claim;
    enum err e = envelope_claim(v, h, digest, &claim);

    return e ? e : verify_digest(claim.context, signer, claim.digest, claim.sig);
}
