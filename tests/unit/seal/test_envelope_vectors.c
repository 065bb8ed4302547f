/* The frozen vectors: what is committed is what the generator makes, and what the code does. All
 * the receiver knows is read from the JSON, as by an implementation in another language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "envelope.h"
#include "vectors.h"
#include "vectors_load.h"

#define PREKEYS_MAX 4

static struct bytes envelope_of(const json_t *v)
{
    struct bytes whole = vec_hex(v, "envelope");
    size_t zeros = (size_t)vec_uint(v, "then_zeros");

    assert_int_equal(bytes_reserve(&whole, zeros + 1), ERR_OK);
    memset(whole.ptr + whole.len, 0, zeros);
    whole.len += zeros;
    return whole;
}

/* ---- a receiver out of a vector ---- */

struct receiver {
    struct receive_ctx ctx;
    const json_t *directory;
    const json_t *seen;
    size_t prekey_count;
    uint8_t kid[PREKEYS_MAX][KID_BYTES];
    struct secret_box *prekey[PREKEYS_MAX];
};

static enum err signing_key(void *arg, const uint8_t org[ID_BYTES], const uint8_t skid[KID_BYTES],
                            struct sign_public *pk)
{
    const struct receiver *r = arg;
    const json_t *row;
    size_t i;

    json_array_foreach(r->directory, i, row)
    {
        if (!vec_is(row, "org", span_of(org, ID_BYTES)) ||
            !vec_is(row, "skid", span_of(skid, KID_BYTES)))
            continue;
        if (strcmp(vec_text(row, "state"), "revoked") == 0)
            return ERR_KEY_REVOKED;
        if (strcmp(vec_text(row, "state"), "active") != 0)
            return ERR_KEY_UNKNOWN;
        vec_fixed(row, "pk", pk->b, sizeof pk->b);
        return ERR_OK;
    }
    return ERR_KEY_UNKNOWN;
}

static enum err own_prekey(void *arg, const uint8_t kid[KID_BYTES], const struct secret_box **out)
{
    const struct receiver *r = arg;

    for (size_t i = 0; i < r->prekey_count; i++)
        if (memcmp(r->kid[i], kid, KID_BYTES) == 0) {
            *out = r->prekey[i];
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}

static enum err seen_before(void *arg, const uint8_t mid[ID_BYTES], const uint8_t from[ID_BYTES],
                            uint8_t digest[DIGEST_BYTES])
{
    const struct receiver *r = arg;
    const json_t *row;
    size_t i;

    json_array_foreach(r->seen, i, row)
    {
        if (!vec_is(row, "mid", span_of(mid, ID_BYTES)) ||
            !vec_is(row, "from", span_of(from, ID_BYTES)))
            continue;
        vec_fixed(row, "digest", digest, DIGEST_BYTES);
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

static void receiver_begin(struct receiver *r, const json_t *file, const json_t *v)
{
    const json_t *who =
        json_object_get(json_object_get(file, "receivers"), vec_text(v, "receiver"));
    const json_t *row;
    size_t i;

    *r = (struct receiver){.directory = json_object_get(file, "directory"),
                           .seen = json_object_get(v, "seen")};
    r->ctx = (struct receive_ctx){.mode = vec_uint(v, "mode"),
                                  .now_ms = vec_uint(v, "now_ms"),
                                  .signing_key = signing_key,
                                  .prekey = own_prekey,
                                  .seen = seen_before,
                                  .arg = r};
    vec_fixed(who, "org", r->ctx.org, ID_BYTES);
    json_array_foreach(json_object_get(who, "prekeys"), i, row)
    {
        uint8_t secret[32];

        assert_true(i < PREKEYS_MAX);
        vec_fixed(row, "kid", r->kid[i], KID_BYTES);
        vec_fixed(row, "secret", secret, sizeof secret);
        r->prekey[i] = vec_box_of(secret);
        r->prekey_count = i + 1;
    }
}

static void receiver_end(struct receiver *r)
{
    for (size_t i = 0; i < r->prekey_count; i++)
        secret_box_free(r->prekey[i]);
}

/* ---- frozen ---- */

static void the_committed_vectors_are_what_the_generator_makes(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors_file_count; i++) {
        char *made = vectors_text(&vectors_files[i]);
        size_t len = strlen(made);
        char *committed = malloc(len + 2);
        char path[256];
        FILE *in;

        snprintf(path, sizeof path, "proto/vectors/%s", vectors_files[i].name);
        in = fopen(path, "r");
        assert_non_null(in);
        assert_non_null(committed);
        if (fread(committed, 1, len + 1, in) != len || memcmp(committed, made, len) != 0)
            fail_msg("%s is not what prog_vectors makes today", path);
        fclose(in);
        free(committed);
        free(made);
    }
}

/* ---- good ---- */

static bool header_is(const json_t *want, const struct env_header *h)
{
    const json_t *to = json_object_get(want, "to");
    const json_t *rcat = json_object_get(want, "rcat");
    const json_t *dir = json_object_get(want, "dir");
    bool same = json_array_size(to) == h->to_count && json_array_size(rcat) == h->to_count;

    for (size_t i = 0; same && i < h->to_count; i++) {
        uint8_t org[ID_BYTES];

        assert_int_equal(
            hex_read_fixed(org, ID_BYTES, span_text(json_string_value(json_array_get(to, i)))),
            ERR_OK);
        same = memcmp(org, h->to[i], ID_BYTES) == 0 &&
               (uint64_t)json_integer_value(json_array_get(rcat, i)) == h->rcat[i];
    }
    return same && vec_uint(want, "suite") == h->suite && vec_is(want, "mid", SPAN_OF(h->mid)) &&
           vec_uint(want, "type") == h->type && vec_is(want, "from", SPAN_OF(h->from)) &&
           vec_is(want, "skid", SPAN_OF(h->skid)) && vec_uint(want, "ts") == h->ts &&
           vec_uint(want, "exp") == h->exp && vec_uint(want, "seq") == h->seq &&
           vec_is(want, "circle", SPAN_OF(h->circle)) && vec_uint(want, "class") == h->class_mask &&
           vec_uint(want, "basis") == h->basis && vec_uint(want, "purpose") == h->purpose &&
           !!json_object_get(want, "consent") == h->has_consent &&
           vec_uint(want, "consent") == h->consent && vec_uint(want, "status") == h->status &&
           vec_uint(want, "sign") == h->sign && vec_uint(want, "prio") == h->prio &&
           !!json_object_get(want, "re") == h->has_re &&
           (!h->has_re || vec_is(want, "re", SPAN_OF(h->re))) &&
           vec_uint(json_array_get(dir, 0), "size") == h->keys_head.size &&
           vec_is(json_array_get(dir, 0), "root", SPAN_OF(h->keys_head.root)) &&
           vec_is(json_array_get(dir, 1), "sig", SPAN_OF(h->audit_head.sig)) &&
           vec_is(want, "actor", SPAN_OF(h->actor)) && vec_uint(want, "scat") == h->scat &&
           !!json_object_get(want, "notice") == h->has_notice &&
           vec_uint(want, "notice") == h->notice;
}

static void every_good_envelope_opens_to_what_the_vector_says(void **state)
{
    json_t *file = vec_load("envelope-good.json");
    const json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "vectors"), i, v)
    {
        const json_t *expect = json_object_get(v, "expect");
        struct bytes whole = envelope_of(v);
        struct receiver r;
        struct received got;
        enum err e;

        receiver_begin(&r, file, v);
        e = envelope_receive(&r.ctx, bytes_span(&whole), &got);
        if (e || got.step != STEP_NONE)
            fail_msg("%s: %s at step %d", vec_text(v, "name"), err_name(e), got.step);
        if (!header_is(json_object_get(expect, "header"), &got.header))
            fail_msg("%s: another header", vec_text(v, "name"));
        assert_true(vec_is(expect, "hdr", got.view.hdr));
        assert_true(vec_is(expect, "digest", SPAN_OF(got.digest)));
        assert_true(vec_is(expect, "com", got.view.com));
        assert_int_equal(vec_uint(expect, "index"), got.index);
        assert_int_equal(vec_uint(expect, "padded_length") + AEAD_TAG_BYTES, got.view.ct.len);
        assert_true(vec_is(expect, "mk", secret32_span(got.mk)));
        assert_true(vec_is(expect, "body", bytes_span(&got.body)));
        received_wipe(&got);
        receiver_end(&r);
        bytes_free(&whole);
    }
    assert_true(i >= 15);
    json_decref(file);
}

/* The randomness of a vector: mk, then the ephemeral secrets. */
struct tape {
    const json_t *seal;
    size_t next;
};

static enum err play(void *arg, uint8_t *out, size_t n)
{
    struct tape *t = arg;
    size_t i = t->next++;

    if (i == 0)
        vec_fixed(t->seal, "mk", out, n);
    else
        vec_fixed(json_array_get(json_object_get(t->seal, "stanzas"), i - 1), "ephemeral_secret",
                  out, n);
    return ERR_OK;
}

/* Those that no honest sender makes. */
static bool is_sealed_honestly(const json_t *v)
{
    return strcmp(vec_text(v, "name"), "split-content-first") != 0 &&
           strcmp(vec_text(v, "name"), "ignorable-keys") != 0;
}

/* The neighbours of a vector's batch are made up: forge.c says how. */
static bool batch_is_same(const json_t *v, const struct env_header *h,
                          const struct secret_sign *signer, const uint8_t digest[DIGEST_BYTES],
                          struct span unsigned_made, struct span whole)
{
    const json_t *place = json_object_get(json_object_get(v, "seal"), "batch");
    size_t index = (size_t)json_integer_value(json_object_get(place, "index"));
    size_t count = (size_t)json_integer_value(json_object_get(place, "count"));
    uint8_t(*digests)[DIGEST_512] = calloc(count, sizeof *digests);
    struct bytes *sigs = calloc(count, sizeof *sigs);
    size_t head = unsigned_made.len - 2 - SIG_BYTES;
    bool same;

    assert_non_null(digests);
    assert_non_null(sigs);
    for (size_t i = 0; i < count; i++) {
        uint8_t number[2] = {(uint8_t)i, (uint8_t)(i >> 8)};

        assert_int_equal(digest_of("relais/vectors1/neighbour", SPAN_OF(number), digests[i], 64),
                         ERR_OK);
    }
    memcpy(digests[index], digest, DIGEST_512);
    assert_int_equal(
        batch_sign(signer, h->from, (const uint8_t(*)[DIGEST_512])digests, count, sigs), ERR_OK);
    same = whole.len > head && memcmp(whole.ptr, unsigned_made.ptr, head) == 0 &&
           vec_is(json_object_get(v, "expect"), "sig", bytes_span(&sigs[index]));
    for (size_t i = 0; i < count; i++)
        bytes_free(&sigs[i]);
    free(sigs);
    free(digests);
    return same;
}

static void sealing_again_with_the_same_randomness_gives_the_same_bytes(void **state)
{
    json_t *file = vec_load("envelope-good.json");
    size_t sealed = 0;
    const json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "vectors"), i, v)
    {
        const json_t *seal = json_object_get(v, "seal");
        struct tape tape = {seal, 0};
        struct entropy source = {play, &tape};
        struct box_public prekeys[RECIPIENTS_MAX];
        struct bytes whole = envelope_of(v);
        struct bytes body = vec_hex(json_object_get(v, "expect"), "body");
        struct secret_sign *signer = NULL;
        struct secret32 *seed = NULL;
        struct bytes made = {0};
        uint8_t digest[DIGEST_BYTES];
        uint8_t raw[32];
        struct envelope_view view;
        struct env_header h;

        assert_int_equal(envelope_parse(bytes_span(&whole), &view, &h, NULL), ERR_OK);
        for (size_t j = 0; j < h.to_count; j++)
            vec_fixed(json_array_get(json_object_get(seal, "stanzas"), j), "pk", prekeys[j].b, 32);
        vec_fixed(seal, "signing_seed", raw, sizeof raw);
        assert_int_equal(secret32_copy(SPAN_OF(raw), &seed), ERR_OK);
        assert_int_equal(secret_sign_from_seed(seed, &signer), ERR_OK);
        if (is_sealed_honestly(v)) {
            assert_int_equal(
                envelope_seal(&h, prekeys, bytes_span(&body), signer, &source, &made, digest),
                ERR_OK);
            if (h.sign == ENVELOPE_SIGN_BATCH
                    ? !batch_is_same(v, &h, signer, digest, bytes_span(&made), bytes_span(&whole))
                    : !span_equal(bytes_span(&made), bytes_span(&whole)))
                fail_msg("%s: sealed to other bytes", vec_text(v, "name"));
            assert_true(vec_is(json_object_get(v, "expect"), "digest", SPAN_OF(digest)));
            sealed++;
        }
        secret32_free(seed);
        secret_sign_free(signer);
        bytes_free(&whole);
        bytes_free(&body);
        bytes_free(&made);
    }
    assert_int_equal(sealed + 2, i);
    json_decref(file);
}

/* ---- bad ---- */

static void every_bad_envelope_is_refused_at_its_step(void **state)
{
    json_t *file = vec_load("envelope-bad.json");
    bool step_seen[STEP_CIRCLE + 1] = {0};
    unsigned wrong = 0;
    const json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "vectors"), i, v)
    {
        const json_t *expect = json_object_get(v, "expect");
        uint64_t step = vec_uint(expect, "step");
        struct bytes whole = envelope_of(v);
        struct receiver r;
        struct received got;
        enum err e;

        receiver_begin(&r, file, v);
        e = envelope_receive(&r.ctx, bytes_span(&whole), &got);
        if (e == ERR_OK || got.step != step || strcmp(vec_err(e), vec_text(expect, "error")) != 0) {
            print_error("%s: %s at step %d, not %s at step %d\n", vec_text(v, "name"), vec_err(e),
                        got.step, vec_text(expect, "error"), (int)step);
            wrong++;
        }
        assert_null(got.mk);
        assert_null(got.body.ptr);
        assert_true(step <= STEP_CIRCLE);
        step_seen[step] = true;
        received_wipe(&got);
        receiver_end(&r);
        bytes_free(&whole);
    }
    assert_int_equal(wrong, 0);
    for (size_t step = STEP_SIZE; step <= STEP_PADDING; step++)
        assert_true(step_seen[step]);
    json_decref(file);
}

static void a_changed_bit_anywhere_in_a_good_envelope_is_refused(void **state)
{
    json_t *file = vec_load("envelope-good.json");
    const json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "vectors"), i, v)
    {
        struct bytes whole = envelope_of(v);
        size_t step = whole.len > 2000 ? 7 : 1; /* the long ones: a sample */
        struct receiver r;
        struct received got;

        receiver_begin(&r, file, v);
        for (size_t at = 0; at < whole.len; at += step) {
            uint8_t bit = (uint8_t)(1u << (at % 8));

            whole.ptr[at] ^= bit;
            if (envelope_receive(&r.ctx, bytes_span(&whole), &got) == ERR_OK)
                fail_msg("%s: byte %zu may be changed", vec_text(v, "name"), at);
            received_wipe(&got);
            whole.ptr[at] ^= bit;
        }
        receiver_end(&r);
        bytes_free(&whole);
    }
    json_decref(file);
}

static void a_good_envelope_cut_short_anywhere_is_refused(void **state)
{
    json_t *file = vec_load("envelope-good.json");
    const json_t *v = json_array_get(json_object_get(file, "vectors"), 0);
    struct bytes whole = envelope_of(v);
    struct receiver r;
    struct received got;

    (void)state;
    receiver_begin(&r, file, v);
    for (size_t len = 0; len < whole.len; len++) {
        assert_int_not_equal(envelope_receive(&r.ctx, span_of(whole.ptr, len), &got), ERR_OK);
        assert_int_equal(got.step, STEP_OUTER);
        received_wipe(&got);
    }
    receiver_end(&r);
    bytes_free(&whole);
    json_decref(file);
}

/* Too large for a vector: the ciphertext is within its limits, what is in it is not. */
static void a_body_above_its_limit_is_refused_as_padding(void **state)
{
    static struct forge f;
    json_t *file = vec_load("envelope-bad.json");
    const json_t *v = json_array_get(json_object_get(file, "vectors"), 0);
    uint8_t *large = calloc(1, ENVELOPE_BODY_MAX + 1);
    struct receiver r;
    struct received got;

    (void)state;
    assert_non_null(large);
    receiver_begin(&r, file, v);
    forge_init(&f, "too large a body");
    forge_set_bytes(&f.body, span_of(large, ENVELOPE_BODY_MAX + 1));
    forge_seal(&f, NULL);
    assert_int_equal(envelope_receive(&r.ctx, bytes_span(&f.whole), &got), ERR_OPEN);
    assert_int_equal(got.step, STEP_PADDING);
    forge_free(&f);
    received_wipe(&got);
    receiver_end(&r);
    free(large);
    json_decref(file);
}

/* ---- the other files ---- */

static void every_encoding_is_judged_as_the_vector_says(void **state)
{
    json_t *file = vec_load("mp1.json");
    const json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "good"), i, v)
    {
        struct bytes raw = vec_hex(v, "hex");

        if (mp_check(bytes_span(&raw)))
            fail_msg("%s: refused", vec_text(v, "what"));
        bytes_free(&raw);
    }
    json_array_foreach(json_object_get(file, "bad"), i, v)
    {
        struct bytes raw = vec_hex(v, "hex");
        enum err e = mp_check(bytes_span(&raw));

        if (strcmp(vec_err(e), vec_text(v, "error")) != 0)
            fail_msg("%s: %s, not %s", vec_text(v, "what"), vec_err(e), vec_text(v, "error"));
        bytes_free(&raw);
    }
    json_decref(file);
}

static void padded_lengths_are_those_of_the_table(void **state)
{
    json_t *file = vec_load("hashes.json");
    const json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "padded_lengths"), i, v)
        assert_int_equal(padded_len((size_t)vec_uint(v, "body")), vec_uint(v, "padded"));
    assert_true(i > 30);
    json_decref(file);
}

static void signatures_and_key_ids_verify(void **state)
{
    json_t *file = vec_load("hashes.json");
    const json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "signatures"), i, v)
    {
        struct sign_public pk;
        uint8_t digest[64];
        uint8_t sig[64];

        assert_string_equal(vec_text(v, "context"), sign_label((enum sign_context)i));
        vec_fixed(v, "pk", pk.b, 32);
        vec_fixed(v, "digest", digest, 64);
        vec_fixed(v, "sig", sig, 64);
        assert_int_equal(verify_digest((enum sign_context)i, &pk, digest, sig), ERR_OK);
    }
    json_array_foreach(json_object_get(file, "key_ids"), i, v)
    {
        struct sign_public sign_pk;
        struct box_public box_pk;
        uint8_t kid[KID_BYTES];

        vec_fixed(v, "signing_pk", sign_pk.b, 32);
        vec_fixed(v, "box_pk", box_pk.b, 32);
        sign_kid(&sign_pk, kid);
        assert_true(vec_is(v, "signing_kid", SPAN_OF(kid)));
        box_kid(&box_pk, kid);
        assert_true(vec_is(v, "box_kid", SPAN_OF(kid)));
    }
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_committed_vectors_are_what_the_generator_makes),
        cmocka_unit_test(every_good_envelope_opens_to_what_the_vector_says),
        cmocka_unit_test(sealing_again_with_the_same_randomness_gives_the_same_bytes),
        cmocka_unit_test(every_bad_envelope_is_refused_at_its_step),
        cmocka_unit_test(a_changed_bit_anywhere_in_a_good_envelope_is_refused),
        cmocka_unit_test(a_good_envelope_cut_short_anywhere_is_refused),
        cmocka_unit_test(a_body_above_its_limit_is_refused_as_padding),
        cmocka_unit_test(every_encoding_is_judged_as_the_vector_says),
        cmocka_unit_test(padded_lengths_are_those_of_the_table),
        cmocka_unit_test(signatures_and_key_ids_verify),
    };

    if (seal_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
