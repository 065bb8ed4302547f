#include "payload.h"

#include <assert.h>
#include <string.h>

#include "digest.h"
#include "envelope.h"

#define PAYLOAD_VERSION 1
#define PAYLOAD_PARTS 5

static_assert(PAYLOAD_BYTES_MAX == ENVELOPE_BODY_MAX, "a payload is the body of an envelope");

static enum err digest_doc(struct span doc, uint8_t digest[DIGEST_512])
{
    return digest_of("relais/doc1/doc", doc, digest, DIGEST_512);
}

enum err payload_write(struct span doc, const uint8_t org[ID_BYTES], const uint8_t skid[KID_BYTES],
                       const struct secret_sign *key, struct bytes *out)
{
    uint8_t digest[DIGEST_512];
    uint8_t sig[SIG_BYTES];
    struct writer w;
    enum err e;

    if ((e = digest_doc(doc, digest)) || (e = sign_digest(SIGN_DOCUMENT, key, digest, sig)))
        return e;
    wr_init(&w);
    wr_array(&w, PAYLOAD_PARTS);
    wr_uint(&w, PAYLOAD_VERSION);
    wr_bin(&w, doc);
    wr_bin(&w, span_of(org, ID_BYTES));
    wr_bin(&w, span_of(skid, KID_BYTES));
    wr_bin(&w, SPAN_OF(sig));
    if (wr_span(&w).len > PAYLOAD_BYTES_MAX)
        wr_fail(&w, ERR_SIZE);
    return wr_take(&w, out);
}

enum err payload_decode(struct span body, struct payload *out)
{
    struct reader r = reader_over(body);
    struct payload p = {
        .doc = {NULL, 0}
    };
    enum err e;

    if ((e = mp_check(body)))
        return e;
    rd_array(&r, PAYLOAD_PARTS);
    (void)rd_uint_between(&r, PAYLOAD_VERSION, PAYLOAD_VERSION);
    p.doc = rd_blob(&r, 1, PAYLOAD_BYTES_MAX);
    rd_fixed(&r, p.org, sizeof p.org);
    rd_fixed(&r, p.skid, sizeof p.skid);
    rd_fixed(&r, p.sig, sizeof p.sig);
    if (rd_end(&r))
        return ERR_SCHEMA; /* good MP1, but no payload */
    *out = p;
    return ERR_OK;
}

enum err payload_verify(const struct payload *p, const struct sign_public *author)
{
    uint8_t digest[DIGEST_512];
    enum err e = digest_doc(p->doc, digest);

    return e ? e : verify_digest(SIGN_DOCUMENT, author, digest, p->sig);
}

/* In this version whoever sends a document is its author (PROTOCOL.md 6). */
static bool author_sends(const struct payload *p, const struct env_header *h)
{
    return memcmp(p->org, h->from, ID_BYTES) == 0 && memcmp(p->skid, h->skid, KID_BYTES) == 0;
}

static enum err receive(struct span body, const struct env_header *h,
                        const struct sign_public *author, uint64_t mode, struct document *out)
{
    struct payload p;
    enum err e;

    if ((e = payload_decode(body, &p)) || (e = document_decode(p.doc, h->type, out)))
        return e;
    if (!author_sends(&p, h))
        return ERR_FORGED;
    if ((e = payload_verify(&p, author)))
        return e;
    return mode == 0 ? ERR_OK : identity_ins_check(document_identity(out), mode);
}

enum err payload_receive(struct span body, const struct env_header *h,
                         const struct sign_public *author, uint64_t mode, struct document *out,
                         int *step)
{
    enum err e = receive(body, h, author, mode, out);

    *step = e ? STEP_PAYLOAD : STEP_NONE;
    if (e)
        return e;
    e = document_matches(out, h);
    *step = e ? STEP_LABEL : STEP_NONE;
    return e;
}
