/*
 * fuzz_envelope - the receive order with the keys of the vectors. An input that begins like an
 * envelope is received by the EHPAD; what its signature stops is opened all the same, as nothing
 * behind a signature may rely on the signer's good will. Any other input is a body: sealed, it must
 * come back.
 */
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "forge.h"
#include "fuzz.h"

#define ARRAY_OF_SIX 0x96

static struct {
    struct receive_ctx ctx;
    struct env_header header; /* for bodies */
    struct secret_sign *hospital;
    struct secret_box *prekey;
    struct box_public to;
    uint8_t kid[KID_BYTES];
    uint8_t skid[KID_BYTES];
} world;

static void must(int holds)
{
    if (!holds)
        abort();
}

static enum err signing_key(void *arg, const uint8_t org[ID_BYTES], const uint8_t skid[KID_BYTES],
                            struct sign_public *pk)
{
    (void)arg;
    if (memcmp(org, world.header.from, ID_BYTES) != 0 ||
        memcmp(skid, world.header.skid, KID_BYTES) != 0)
        return ERR_KEY_UNKNOWN;
    *pk = *secret_sign_public(world.hospital);
    return ERR_OK;
}

static enum err own_prekey(void *arg, const uint8_t kid[KID_BYTES], const struct secret_box **out)
{
    (void)arg;
    if (memcmp(kid, world.kid, KID_BYTES) != 0)
        return ERR_NOT_FOUND;
    *out = world.prekey;
    return ERR_OK;
}

static enum err never_seen(void *arg, const uint8_t mid[ID_BYTES], const uint8_t from[ID_BYTES],
                           uint8_t digest[DIGEST_BYTES])
{
    (void)arg;
    (void)mid;
    (void)from;
    (void)digest;
    return ERR_NOT_FOUND;
}

static void make_world(void)
{
    static struct forge f;

    if (world.hospital)
        return;
    MUST(seal_init());
    forge_init(&f, "fuzz");
    world.header = f.h;
    world.to = f.prekey[0];
    forge_free(&f);
    world.hospital = vec_sign_key("hospital signing");
    world.prekey = vec_box_key("ehpad prekey 2");
    vec_prekey_kid(EHPAD, 2, world.kid);
    world.ctx = (struct receive_ctx){.mode = MODE_EXERCISE,
                                     .now_ms = VEC_T0,
                                     .signing_key = signing_key,
                                     .prekey = own_prekey,
                                     .seen = never_seen};
    vec_org(EHPAD, world.ctx.org);
}

static void open_unsigned(const struct received *got)
{
    size_t index = header_recipient(&got->header, world.ctx.org);
    struct bytes body = {0};
    enum receive_step step;

    if (index == got->header.to_count)
        return;
    if (envelope_open(&got->view, &got->header, index, world.prekey, NULL, &body, &step) == ERR_OK)
        must(step == STEP_NONE && body.len >= 1 && body.len <= ENVELOPE_BODY_MAX);
    else
        must(step >= STEP_UNWRAP && step <= STEP_PADDING && !body.ptr);
    seal_bytes_free(&body);
}

static void receive(struct span whole)
{
    struct received got;
    enum err e = envelope_receive(&world.ctx, whole, &got);

    must((e == ERR_OK) == (got.step == STEP_NONE));
    if (e == ERR_OK) {
        fuzz_accepted++;
        must(got.mk && got.body.len >= 1);
    } else if (got.step > STEP_HEADER) {
        open_unsigned(&got);
    }
    received_wipe(&got);
}

static void there_and_back(struct span body)
{
    static const uint8_t seed[SEED_BYTES] = {1};
    struct entropy_seed replayed;
    struct entropy source = entropy_seeded(seed, &replayed);
    struct bytes whole = {0};
    uint8_t digest[DIGEST_BYTES];
    struct received got;

    MUST(envelope_seal(&world.header, &world.to, body, world.hospital, &source, &whole, digest));
    MUST(envelope_receive(&world.ctx, bytes_span(&whole), &got));
    must(span_equal(bytes_span(&got.body), body));
    must(memcmp(got.digest, digest, sizeof digest) == 0);
    received_wipe(&got);
    bytes_free(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    make_world();
    if (size == 0 || data[0] == ARRAY_OF_SIX || size > ENVELOPE_BODY_MAX)
        receive(span_of(data, size));
    else
        there_and_back(span_of(data, size));
    return 0;
}
