/* Sealing: the steps of PROTOCOL.md 5.2 and 5.3, from a body to a signed envelope. */
#include "envelope.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "envelope_keys.h"

static_assert(RECIPIENTS_MAX * (ID_BYTES + 2 + 1) + DEPUTIES_MAX * 8 +
                      ATTACHMENTS_MAX * (ATTACHMENT_ADDRESS_BYTES + 8) + 640 <=
                  HEADER_MAX,
              "every header that can be written fits");

/* What grows from step to step. */
struct sealing {
    struct bytes hdr;
    uint8_t hh[DIGEST_512];
    uint8_t rh[DIGEST_512];
    uint8_t com[ENVELOPE_COM_BYTES];
    uint8_t sig[SIG_BYTES];
    struct secret32 *mk;
    size_t count;
    uint8_t rcp[RECIPIENTS_MAX * ENVELOPE_STANZA_BYTES];
    struct bytes ct;
};

static void sealing_wipe(struct sealing *s)
{
    bytes_free(&s->hdr);
    secret32_free(s->mk);
    bytes_free(&s->ct);
    *s = (struct sealing){0};
}

/* Read back strictly: nobody signs a header that a receiver would refuse. */
static enum err make_header(struct sealing *s, const struct env_header *h)
{
    struct env_header again;
    struct writer w;
    struct reader r;
    enum err e;

    wr_init(&w);
    header_encode(&w, h);
    if ((e = wr_take(&w, &s->hdr)))
        return e;
    r = reader_over(bytes_span(&s->hdr));
    if ((e = header_decode(&r, &again)))
        return e;
    s->count = again.to_count;
    return envelope_header_hash(bytes_span(&s->hdr), s->hh);
}

static enum err make_stanza(struct sealing *s, size_t i, const uint8_t org[ID_BYTES],
                            const struct box_public *prekey, const struct entropy *source)
{
    uint8_t *kid = s->rcp + i * ENVELOPE_STANZA_BYTES;
    uint8_t *enc = kid + KID_BYTES;
    uint8_t info[WRAP_INFO_BYTES];
    uint8_t aad[WRAP_AAD_BYTES];

    box_kid(prekey, kid);
    envelope_wrap_info(s->hh, info);
    envelope_wrap_aad(i, kid, org, aad);
    return hpke_seal(prekey, SPAN_OF(info), SPAN_OF(aad), secret32_span(s->mk), source, enc,
                     enc + HPKE_ENC_BYTES);
}

static struct span stanzas(const struct sealing *s)
{
    return span_of(s->rcp, s->count * ENVELOPE_STANZA_BYTES);
}

static enum err make_stanzas(struct sealing *s, const struct env_header *h,
                             const struct box_public *prekeys, const struct entropy *source)
{
    enum err e;

    if ((e = secret32_generate(source, &s->mk)))
        return e;
    for (size_t i = 0; i < s->count; i++)
        if ((e = make_stanza(s, i, h->to[i], &prekeys[i], source)))
            return e;
    if ((e = envelope_stanzas_hash(stanzas(s), s->rh)))
        return e;
    return envelope_commitment(secret32_span(s->mk), s->hh, s->com);
}

static enum err make_body(struct sealing *s, struct span body)
{
    struct envelope_body_key key;
    struct bytes padded = {0};
    enum err e;

    if ((e = envelope_body_key(secret32_span(s->mk), s->hh, s->rh, s->com, &key)))
        goto out;
    if ((e = pad(body, &padded)))
        goto out;
    if ((e = bytes_reserve(&s->ct, padded.len + AEAD_TAG_BYTES)))
        goto out;
    aead_seal(key.secret, key.secret + AEAD_KEY_BYTES, SPAN_OF(key.aad), bytes_span(&padded),
              s->ct.ptr);
    s->ct.len = padded.len + AEAD_TAG_BYTES;
out:
    seal_wipe(&key, sizeof key);
    seal_bytes_free(&padded);
    return e;
}

static enum err make_signature(struct sealing *s, const struct env_header *h,
                               const struct secret_sign *signer, uint8_t digest[DIGEST_BYTES])
{
    const struct envelope_view v = {.version = ENVELOPE_VERSION,
                                    .hdr = bytes_span(&s->hdr),
                                    .rcp = stanzas(s),
                                    .com = SPAN_OF(s->com),
                                    .ct = bytes_span(&s->ct)};
    enum err e;

    if ((e = envelope_digest(&v, digest)))
        return e;
    if (h->sign == ENVELOPE_SIGN_BATCH)
        return ERR_OK; /* 64 zero bytes until envelope_sign_batch() */
    return sign_digest(SIGN_ENVELOPE, signer, digest, s->sig);
}

static enum err write_parts(const struct sealing *s, struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, ENVELOPE_PARTS);
    wr_uint(&w, ENVELOPE_VERSION);
    wr_bin(&w, bytes_span(&s->hdr));
    wr_bin(&w, stanzas(s));
    wr_bin(&w, SPAN_OF(s->com));
    wr_bin(&w, bytes_span(&s->ct));
    wr_bin(&w, SPAN_OF(s->sig));
    return wr_take(&w, out);
}

static enum err check_signer(const struct env_header *h, const struct secret_sign *signer)
{
    uint8_t skid[KID_BYTES];

    sign_kid(secret_sign_public(signer), skid);
    return memcmp(skid, h->skid, sizeof skid) == 0 ? ERR_OK : ERR_USAGE;
}

enum err envelope_seal(const struct env_header *header, const struct box_public *prekeys,
                       struct span body, const struct secret_sign *signer,
                       const struct entropy *source, struct bytes *out,
                       uint8_t digest[DIGEST_BYTES])
{
    struct sealing s = {0};
    struct bytes made = {0};
    uint8_t named[DIGEST_BYTES];
    enum err e;

    if ((e = body.len > 0 && body.len <= ENVELOPE_BODY_MAX ? ERR_OK : ERR_SIZE))
        goto out;
    if ((e = check_signer(header, signer)))
        goto out;
    if ((e = make_header(&s, header)))
        goto out;
    if ((e = make_stanzas(&s, header, prekeys, source)))
        goto out;
    if ((e = make_body(&s, body)))
        goto out;
    if ((e = make_signature(&s, header, signer, named)))
        goto out;
    if ((e = write_parts(&s, &made)))
        goto out;
    bytes_free(out);
    *out = made;
    memcpy(digest, named, sizeof named);
out:
    sealing_wipe(&s);
    return e;
}

/* The signature is the last part: everything before it stays as it was hashed. */
static enum err sig_replace(struct span envelope, struct span sig, struct bytes *out)
{
    const size_t lacking = 2 + SIG_BYTES; /* bin 8, length, zeros */
    struct bytes part = {0};
    struct writer w;
    enum err e;

    if (envelope.len <= lacking)
        return ERR_USAGE;
    wr_init(&w);
    wr_bin(&w, sig);
    if ((e = wr_take(&w, &part)))
        return e;
    if ((e = bytes_append(out, span_of(envelope.ptr, envelope.len - lacking))))
        goto out;
    e = bytes_append(out, bytes_span(&part));
out:
    bytes_free(&part);
    return e;
}

static void list_free(struct bytes *list, size_t count)
{
    for (size_t i = 0; list && i < count; i++)
        bytes_free(&list[i]);
    free(list);
}

enum err envelope_sign_batch(const struct secret_sign *signer, const uint8_t from[ID_BYTES],
                             const uint8_t (*digests)[DIGEST_BYTES], size_t count,
                             struct bytes *envelopes)
{
    struct bytes *sigs = calloc(count, sizeof *sigs);
    struct bytes *made = calloc(count, sizeof *made);
    enum err e = ERR_NOMEM;

    if (!sigs || !made)
        goto out;
    if ((e = batch_sign(signer, from, digests, count, sigs)))
        goto out;
    for (size_t i = 0; i < count; i++)
        if ((e = sig_replace(bytes_span(&envelopes[i]), bytes_span(&sigs[i]), &made[i])))
            goto out;
    for (size_t i = 0; i < count; i++) {
        bytes_free(&envelopes[i]);
        envelopes[i] = made[i];
        made[i] = (struct bytes){0};
    }
out:
    list_free(sigs, count);
    list_free(made, count);
    return e;
}
