/* The receive order (PROTOCOL.md 5.4), steps 1 to 14: a row each from 5 on. */
#include "envelope.h"

#include <string.h>

struct receiving {
    const struct receive_ctx *ctx;
    struct received *r;
    struct sign_public signer;
    const struct secret_box *prekey; /* borrowed from the context's owner */
};

static enum err check_mode(struct receiving *in)
{
    return in->r->header.status == in->ctx->mode ? ERR_OK : ERR_MODE;
}

static enum err find_signer(struct receiving *in)
{
    const struct env_header *h = &in->r->header;

    return in->ctx->signing_key(in->ctx->arg, h->from, h->skid, &in->signer);
}

static enum err check_signature(struct receiving *in)
{
    const struct received *r = in->r;

    return envelope_verify(&r->view, &r->header, r->digest, &in->signer);
}

static enum err find_place(struct receiving *in)
{
    struct received *r = in->r;
    size_t index = header_recipient(&r->header, in->ctx->org);
    enum err e;

    if (index == r->header.to_count)
        return ERR_ADDRESSEE;
    e = in->ctx->prekey(in->ctx->arg, envelope_kid(&r->view, index), &in->prekey);
    if (e == ERR_NOT_FOUND)
        return ERR_ADDRESSEE;
    if (e)
        return e;
    r->index = index;
    return ERR_OK;
}

static enum err check_times(struct receiving *in)
{
    return header_check_times(&in->r->header, in->ctx->now_ms);
}

static enum err check_seen(struct receiving *in)
{
    const struct env_header *h = &in->r->header;
    uint8_t before[DIGEST_BYTES];
    enum err e = in->ctx->seen(in->ctx->arg, h->mid, h->from, before);

    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (e)
        return e;
    return memcmp(before, in->r->digest, sizeof before) == 0 ? ERR_DUPLICATE : ERR_MID_REUSED;
}

static const struct {
    enum receive_step step;
    enum err (*check)(struct receiving *in);
} steps[] = {
    {STEP_MODE,      check_mode     },
    {STEP_KEY,       find_signer    },
    {STEP_SIGNATURE, check_signature},
    {STEP_ADDRESSEE, find_place     },
    {STEP_TIMES,     check_times    },
    {STEP_SEEN,      check_seen     },
};

enum err envelope_receive(const struct receive_ctx *ctx, struct span whole, struct received *out)
{
    struct receiving in = {.ctx = ctx, .r = out};
    enum err e;

    *out = (struct received){0};
    if ((e = envelope_parse(whole, &out->view, &out->header, &out->step)))
        return e;
    if ((e = envelope_digest(&out->view, out->digest)))
        return e;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        out->step = steps[i].step;
        if ((e = steps[i].check(&in)))
            return e;
    }
    return envelope_open(&out->view, &out->header, out->index, in.prekey, &out->mk, &out->body,
                         &out->step);
}

void received_wipe(struct received *r)
{
    secret32_free(r->mk);
    seal_bytes_free(&r->body);
    *r = (struct received){0};
}
