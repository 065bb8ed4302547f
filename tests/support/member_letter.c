/* Envelopes: honest ones, and the same taken apart and put together otherwise. */
#include <string.h>

#include "digest.h"
#include "member_internal.h"

#define DAY_MS (UINT64_C(24) * 60 * 60 * 1000)

static void mid_make(struct member_node *m, uint64_t now_ms, uint8_t mid[ID_BYTES])
{
    for (int i = 0; i < 6; i++)
        mid[i] = (uint8_t)(now_ms >> (8 * (5 - i)));
    member_random(m, mid + 6, ID_BYTES - 6);
}

enum err member_header_to(struct member_node *m, const uint8_t circle[ID_BYTES],
                          const uint8_t (*to)[ID_BYTES], size_t count, struct env_header *out)
{
    uint64_t now = crew_now_ms(m->crew);
    struct env_header h = {.suite = ENVELOPE_SUITE,
                           .type = ENVELOPE_SHEET,
                           .to_count = count,
                           .ts = now,
                           .exp = now + DAY_MS,
                           .seq = ++m->seq,
                           .class_mask = CLASS_IDENTITY | CLASS_SOCIAL,
                           .basis = BASIS_ECHANGE,
                           .purpose = 1,
                           .status = m->hub.mode,
                           .sign = ENVELOPE_SIGN_SINGLE,
                           .keys_head = m->keys_head,
                           .audit_head = m->welcome.audit,
                           .scat = CATEGORY_HEALTH};

    if (count > RECIPIENTS_MAX)
        return ERR_RANGE;
    mid_make(m, now, h.mid);
    memcpy(h.from, m->org, ID_BYTES);
    sign_kid(secret_sign_public(m->sign), h.skid);
    memcpy(h.circle, circle, ID_BYTES);
    memcpy(h.actor, m->actor, ID_BYTES);
    for (size_t i = 0; i < count; i++) {
        memcpy(h.to[i], to[i], ID_BYTES);
        h.rcat[i] = CATEGORY_HEALTH;
    }
    *out = h;
    return ERR_OK;
}

enum err member_header(struct member_node *m, const uint8_t circle[ID_BYTES],
                       struct member_node *const *to, size_t count, struct env_header *out)
{
    uint8_t orgs[RECIPIENTS_MAX][ID_BYTES];

    if (count > RECIPIENTS_MAX)
        return ERR_RANGE;
    for (size_t i = 0; i < count; i++)
        memcpy(orgs[i], to[i]->org, ID_BYTES);
    return member_header_to(m, circle, (const uint8_t(*)[ID_BYTES])orgs, count, out);
}

enum err member_seal(struct member_node *m, const struct env_header *h, struct span body,
                     struct bytes *out, uint8_t *digest)
{
    struct box_public prekeys[RECIPIENTS_MAX];
    const struct directory_prekey *p;
    uint8_t discard[DIGEST_BYTES];
    enum err e;

    if (h->to_count > RECIPIENTS_MAX)
        return ERR_RANGE;
    for (size_t i = 0; i < h->to_count; i++) {
        if ((e = directory_seal_to(m->dir, h->to[i], crew_now_ms(m->crew), &p)))
            return e;
        prekeys[i] = p->pk;
    }
    return envelope_seal(h, prekeys, body, m->sign, &m->entropy, out, digest ? digest : discard);
}

enum err member_letter(struct member_node *m, const uint8_t circle[ID_BYTES],
                       struct member_node *const *to, size_t count, struct span body,
                       struct bytes *out)
{
    struct env_header h;
    enum err e = member_header(m, circle, to, count, &h);

    return e ? e : member_seal(m, &h, body, out, NULL);
}

enum err member_letters(struct member_node *m, const uint8_t circle[ID_BYTES],
                        struct member_node *const *to, size_t count, struct span body,
                        struct bytes *out, size_t n)
{
    uint8_t digests[BATCH_MAX][DIGEST_BYTES];
    enum err e;

    if (n < BATCH_MIN || n > BATCH_MAX)
        return ERR_RANGE;
    for (size_t i = 0; i < n; i++) {
        struct env_header h;

        if ((e = member_header(m, circle, to, count, &h)))
            return e;
        h.sign = ENVELOPE_SIGN_BATCH;
        if ((e = member_seal(m, &h, body, &out[i], digests[i])))
            return e;
    }
    return envelope_sign_batch(m->sign, m->org, (const uint8_t(*)[DIGEST_BYTES])digests, n, out);
}

enum err member_put_frame(uint64_t req, struct span envelope, struct bytes *frame)
{
    struct message say = {
        .type = MSG_PUT, .put = {.req = req, .envelope = envelope}
    };

    return message_encode(&say, frame);
}

enum err member_put(struct member_node *m, struct span envelope, struct bytes *receipt)
{
    struct message say = {
        .type = MSG_PUT, .put = {.req = member_next_req(m), .envelope = envelope}
    };
    struct member_answer a = {0};
    enum err e = member_ask(m, &say, &a);

    if (!e && receipt)
        e = bytes_copy(receipt, a.message.receipt.receipt);
    member_answer_free(&a);
    return e;
}

/* --- taken apart ----------------------------------------------------------------------------- */

enum err member_parts_read(struct span envelope, struct member_parts *out)
{
    struct envelope_view v;
    struct env_header h;
    struct member_parts p = {0};
    enum err e;

    if ((e = envelope_parse(envelope, &v, &h, NULL)))
        return e;
    p.version = v.version;
    if ((e = bytes_copy(&p.hdr, v.hdr)) || (e = bytes_copy(&p.rcp, v.rcp)) ||
        (e = bytes_copy(&p.com, v.com)) || (e = bytes_copy(&p.ct, v.ct)) ||
        (e = bytes_copy(&p.sig, v.sig)))
        member_parts_free(&p);
    else
        *out = p;
    return e;
}

enum err member_parts_write(const struct member_parts *p, struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, ENVELOPE_PARTS);
    wr_uint(&w, p->version);
    wr_bin(&w, bytes_span(&p->hdr));
    wr_bin(&w, bytes_span(&p->rcp));
    wr_bin(&w, bytes_span(&p->com));
    wr_bin(&w, bytes_span(&p->ct));
    wr_bin(&w, bytes_span(&p->sig));
    return wr_take(&w, out);
}

enum err member_parts_sign(const struct member_node *m, struct member_parts *p)
{
    struct envelope_view v = {.version = p->version,
                              .hdr = bytes_span(&p->hdr),
                              .rcp = bytes_span(&p->rcp),
                              .com = bytes_span(&p->com),
                              .ct = bytes_span(&p->ct)};
    uint8_t digest[DIGEST_BYTES];
    uint8_t sig[SIG_BYTES];
    enum err e;

    if ((e = envelope_digest(&v, digest)) || (e = sign_digest(SIGN_ENVELOPE, m->sign, digest, sig)))
        return e;
    return bytes_copy(&p->sig, SPAN_OF(sig));
}

void member_parts_free(struct member_parts *p)
{
    bytes_free(&p->hdr);
    bytes_free(&p->rcp);
    bytes_free(&p->com);
    bytes_free(&p->ct);
    bytes_free(&p->sig);
}

enum err member_parts_header(struct member_parts *p, const struct env_header *h)
{
    struct bytes hdr = {0};
    struct writer w;
    enum err e;

    wr_init(&w);
    header_encode(&w, h);
    if ((e = wr_take(&w, &hdr)))
        return e;
    bytes_free(&p->hdr);
    p->hdr = hdr;
    return ERR_OK;
}
