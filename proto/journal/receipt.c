#include "receipt.h"

#include <string.h>

#include "checkpoint.h"
#include "digest.h"

#define EXTRA_VERSION 1

static void proof_read(struct reader *r, struct merkle_proof *p)
{
    p->count = rd_array_between(r, 0, MERKLE_PROOF_MAX);
    for (size_t i = 0; i < p->count; i++)
        rd_fixed(r, p->hash[i], sizeof p->hash[i]);
}

static void proof_write(struct writer *w, const struct merkle_proof *p)
{
    wr_array(w, p->count);
    for (size_t i = 0; i < p->count; i++)
        wr_bin(w, SPAN_OF(p->hash[i]));
}

static void path_read(struct reader *r, struct receipt *out)
{
    struct receipt_path *p = &out->path;

    if (rd_skip_nil(r))
        return;
    out->has_path = true;
    rd_array(r, 5);
    rd_fixed(r, p->mid, sizeof p->mid);
    rd_fixed(r, p->digest, sizeof p->digest);
    p->index = rd_uint(r, UINT32_MAX);
    p->count = rd_uint_between(r, 1, UINT32_MAX);
    proof_read(r, &p->proof);
}

static void path_write(struct writer *w, const struct receipt *r)
{
    if (!r->has_path) {
        wr_nil(w);
        return;
    }
    wr_array(w, 5);
    wr_bin(w, SPAN_OF(r->path.mid));
    wr_bin(w, SPAN_OF(r->path.digest));
    wr_uint(w, r->path.index);
    wr_uint(w, r->path.count);
    proof_write(w, &r->path.proof);
}

enum err receipt_encode(const struct receipt *r, struct bytes *out)
{
    struct writer w;

    if (r->inclusion.count > MERKLE_PROOF_MAX || r->path.proof.count > MERKLE_PROOF_MAX)
        return ERR_SIZE;
    wr_init(&w);
    wr_array(&w, 10);
    wr_uint(&w, r->log);
    wr_uint(&w, r->index);
    wr_bin(&w, r->entry);
    wr_bin(&w, SPAN_OF(r->salt));
    wr_bin(&w, r->detail);
    wr_uint(&w, r->head.size);
    proof_write(&w, &r->inclusion);
    wr_bin(&w, SPAN_OF(r->head.root));
    wr_bin(&w, SPAN_OF(r->head.sig));
    path_write(&w, r);
    return wr_take(&w, out);
}

enum err receipt_decode(struct span in, struct receipt *out)
{
    struct receipt v = {0};
    struct reader r = reader_over(in);
    enum err e;

    rd_array(&r, 10);
    v.log = (enum receipt_log)rd_uint_between(&r, LOG_KEYS, LOG_AUDIT);
    v.index = rd_uint(&r, UINT64_MAX);
    v.entry = rd_blob(&r, 1, ENTRY_MAX);
    rd_fixed(&r, v.salt, sizeof v.salt);
    v.detail = rd_blob(&r, 1, DETAIL_MAX);
    v.head.size = rd_uint(&r, UINT64_MAX);
    proof_read(&r, &v.inclusion);
    rd_fixed(&r, v.head.root, sizeof v.head.root);
    rd_fixed(&r, v.head.sig, sizeof v.head.sig);
    path_read(&r, &v);
    if ((e = rd_end(&r)))
        return e;
    *out = v;
    return ERR_OK;
}

enum err receipt_extra_encode(const struct receipt *r, struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, 5);
    wr_uint(&w, EXTRA_VERSION);
    wr_bin(&w, r->entry);
    wr_bin(&w, SPAN_OF(r->salt));
    wr_bin(&w, r->detail);
    path_write(&w, r);
    return wr_take(&w, out);
}

enum err receipt_extra_decode(struct span in, struct receipt *out)
{
    struct receipt v = {.log = LOG_AUDIT};
    struct reader r = reader_over(in);
    enum err e;

    rd_array(&r, 5);
    if (rd_uint(&r, UINT64_MAX) != EXTRA_VERSION)
        rd_fail(&r, ERR_VERSION);
    v.entry = rd_blob(&r, 1, ENTRY_MAX);
    rd_fixed(&r, v.salt, sizeof v.salt);
    v.detail = rd_blob(&r, 1, DETAIL_MAX);
    path_read(&r, &v);
    if ((e = rd_end(&r)))
        return e;
    *out = v;
    return ERR_OK;
}

void receipt_path_leaf(const uint8_t mid[ID_BYTES], const uint8_t digest[DIGEST_BYTES],
                       uint8_t leaf[32])
{
    uint8_t both[ID_BYTES + DIGEST_BYTES];

    memcpy(both, mid, ID_BYTES);
    memcpy(both + ID_BYTES, digest, DIGEST_BYTES);
    sha256_leaf(SPAN_OF(both), leaf);
}

static enum err head_check(const struct ckpt *c, struct span origin, const struct sign_public *log)
{
    struct bytes text = {0};
    enum err e;

    if ((e = checkpoint_body(origin, c->size, c->root, &text)))
        goto out;
    if (verify_note(log, bytes_span(&text), c->sig))
        e = ERR_CHECKPOINT;
out:
    bytes_free(&text);
    return e;
}

/* An entry of type delivered names the root of its ACK; the path leads from the message to it. */
static enum err path_check(const struct receipt *r, const struct receipt_facts *f)
{
    uint8_t leaf[32];

    if (f->type != AUDIT_DELIVERED)
        return r->has_path ? ERR_PROOF : ERR_OK;
    if (!r->has_path || !(f->detail.has & RD_KEY(DETAIL_ROOT)) || f->detail.count != r->path.count)
        return ERR_PROOF;
    receipt_path_leaf(r->path.mid, r->path.digest, leaf);
    return merkle_verify_inclusion(f->detail.root, r->path.count, r->path.index, leaf,
                                   &r->path.proof);
}

enum err receipt_read(const struct receipt *r, struct receipt_facts *out)
{
    struct receipt_facts f;
    uint8_t stated[32];
    uint8_t c[32];
    enum err e;

    if ((e = entry_decode(r->entry, &f.type, &f.time_ms, stated)))
        return e;
    if ((e = detail_decode(r->detail, &f.detail)))
        return e;
    if ((e = detail_commit(r->salt, r->detail, c)))
        return e;
    if (memcmp(c, stated, sizeof c) != 0)
        return ERR_PROOF;
    if ((e = path_check(r, &f)))
        return e;
    *out = f;
    return ERR_OK;
}

enum err receipt_check(const struct receipt *r, struct span origin, const struct sign_public *log,
                       struct receipt_facts *out)
{
    struct receipt_facts facts;
    uint8_t leaf[32];
    enum err e;

    if ((e = receipt_read(r, &facts)))
        return e;
    sha256_leaf(r->entry, leaf);
    if ((e = merkle_verify_inclusion(r->head.root, r->head.size, r->index, leaf, &r->inclusion)))
        return e;
    if ((e = head_check(&r->head, origin, log)))
        return e;
    *out = facts;
    return ERR_OK;
}

enum err ack_digest(const struct ack_claim *a, uint8_t out[DIGEST_BYTES])
{
    struct digest d;

    digest_init(&d, "relais/ack1/body", NO_KEY, DIGEST_512);
    digest_add(&d, SPAN_OF(a->federation));
    digest_add(&d, SPAN_OF(a->hub));
    digest_add(&d, SPAN_OF(a->org));
    digest_add(&d, SPAN_OF(a->node));
    digest_le64(&d, a->after);
    digest_le64(&d, a->upto);
    digest_add(&d, span_of((uint8_t[]){(uint8_t)a->count, (uint8_t)(a->count >> 8),
                                       (uint8_t)(a->count >> 16), (uint8_t)(a->count >> 24)},
                           4));
    digest_add(&d, SPAN_OF(a->root));
    return digest_final(&d, out);
}
