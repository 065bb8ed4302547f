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

#define PREKEYS_MAX 4

/* ---- JSON ---- */

static json_t *load(const char *name)
{
    json_error_t error;
    char path[256];
    json_t *file;

    snprintf(path, sizeof path, "proto/vectors/%s", name);
    file = json_load_file(path, 0, &error);
    if (!file)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return file;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    if (!text)
        fail_msg("no text \"%s\"", key);
    return text;
}

static uint64_t uint_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return json_is_string(v) ? strtoull(json_string_value(v), NULL, 10)
                             : (uint64_t)json_integer_value(v);
}

static struct bytes hex_of(const json_t *o, const char *key)
{
    struct bytes raw = {0};

    assert_int_equal(hex_read(&raw, span_text(text_of(o, key))), ERR_OK);
    return raw;
}

static void fixed_of(const json_t *o, const char *key, uint8_t *out, size_t n)
{
    assert_int_equal(hex_read_fixed(out, n, span_text(text_of(o, key))), ERR_OK);
}

static bool is_hex(const json_t *o, const char *key, struct span value)
{
    struct bytes wanted = hex_of(o, key);
    bool same = span_equal(bytes_span(&wanted), value);

    bytes_free(&wanted);
    return same;
}

static struct bytes envelope_of(const json_t *v)
{
    struct bytes whole = hex_of(v, "envelope");
    size_t zeros = (size_t)uint_of(v, "then_zeros");

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
        if (!is_hex(row, "org", span_of(org, ID_BYTES)) ||
            !is_hex(row, "skid", span_of(skid, KID_BYTES)))
            continue;
        if (strcmp(text_of(row, "state"), "revoked") == 0)
            return ERR_KEY_REVOKED;
        if (strcmp(text_of(row, "state"), "active") != 0)
            return ERR_KEY_UNKNOWN;
        fixed_of(row, "pk", pk->b, sizeof pk->b);
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
        if (!is_hex(row, "mid", span_of(mid, ID_BYTES)) ||
            !is_hex(row, "from", span_of(from, ID_BYTES)))
            continue;
        fixed_of(row, "digest", digest, DIGEST_BYTES);
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

static void receiver_begin(struct receiver *r, const json_t *file, const json_t *v)
{
    const json_t *who = json_object_get(json_object_get(file, "receivers"), text_of(v, "receiver"));
    const json_t *row;
    size_t i;

    *r = (struct receiver){.directory = json_object_get(file, "directory"),
                           .seen = json_object_get(v, "seen")};
    r->ctx = (struct receive_ctx){.mode = uint_of(v, "mode"),
                                  .now_ms = uint_of(v, "now_ms"),
                                  .signing_key = signing_key,
                                  .prekey = own_prekey,
                                  .seen = seen_before,
                                  .arg = r};
    fixed_of(who, "org", r->ctx.org, ID_BYTES);
    json_array_foreach(json_object_get(who, "prekeys"), i, row)
    {
        uint8_t secret[32];

        assert_true(i < PREKEYS_MAX);
        fixed_of(row, "kid", r->kid[i], KID_BYTES);
        fixed_of(row, "secret", secret, sizeof secret);
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
    return same && uint_of(want, "suite") == h->suite && is_hex(want, "mid", SPAN_OF(h->mid)) &&
           uint_of(want, "type") == h->type && is_hex(want, "from", SPAN_OF(h->from)) &&
           is_hex(want, "skid", SPAN_OF(h->skid)) && uint_of(want, "ts") == h->ts &&
           uint_of(want, "exp") == h->exp && uint_of(want, "seq") == h->seq &&
           is_hex(want, "circle", SPAN_OF(h->circle)) && uint_of(want, "class") == h->class_mask &&
           uint_of(want, "basis") == h->basis && uint_of(want, "purpose") == h->purpose &&
           !!json_object_get(want, "consent") == h->has_consent &&
           uint_of(want, "consent") == h->consent && uint_of(want, "status") == h->status &&
           uint_of(want, "sign") == h->sign && uint_of(want, "prio") == h->prio &&
           !!json_object_get(want, "re") == h->has_re &&
           (!h->has_re || is_hex(want, "re", SPAN_OF(h->re))) &&
           uint_of(json_array_get(dir, 0), "size") == h->keys_head.size &&
           is_hex(json_array_get(dir, 0), "root", SPAN_OF(h->keys_head.root)) &&
           is_hex(json_array_get(dir, 1), "sig", SPAN_OF(h->audit_head.sig)) &&
           is_hex(want, "actor", SPAN_OF(h->actor)) && uint_of(want, "scat") == h->scat &&
           !!json_object_get(want, "notice") == h->has_notice &&
           uint_of(want, "notice") == h->notice;
}

static void every_good_envelope_opens_to_what_the_vector_says(void **state)
{
    json_t *file = load("envelope-good.json");
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
            fail_msg("%s: %s at step %d", text_of(v, "name"), err_name(e), got.step);
        if (!header_is(json_object_get(expect, "header"), &got.header))
            fail_msg("%s: another header", text_of(v, "name"));
        assert_true(is_hex(expect, "hdr", got.view.hdr));
        assert_true(is_hex(expect, "digest", SPAN_OF(got.digest)));
        assert_true(is_hex(expect, "com", got.view.com));
        assert_int_equal(uint_of(expect, "index"), got.index);
        assert_int_equal(uint_of(expect, "padded_length") + AEAD_TAG_BYTES, got.view.ct.len);
        assert_true(is_hex(expect, "mk", secret32_span(got.mk)));
        assert_true(is_hex(expect, "body", bytes_span(&got.body)));
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
        fixed_of(t->seal, "mk", out, n);
    else
        fixed_of(json_array_get(json_object_get(t->seal, "stanzas"), i - 1), "ephemeral_secret",
                 out, n);
    return ERR_OK;
}

/* Those that no honest sender makes. */
static bool is_sealed_honestly(const json_t *v)
{
    return strcmp(text_of(v, "name"), "split-content-first") != 0 &&
           strcmp(text_of(v, "name"), "ignorable-keys") != 0;
}

static void sealing_again_with_the_same_randomness_gives_the_same_bytes(void **state)
{
    json_t *file = load("envelope-good.json");
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
        struct bytes body = hex_of(json_object_get(v, "expect"), "body");
        struct secret_sign *signer = NULL;
        struct secret32 *seed = NULL;
        struct bytes made = {0};
        uint8_t digest[DIGEST_BYTES];
        uint8_t raw[32];
        struct envelope_view view;
        struct env_header h;

        assert_int_equal(envelope_parse(bytes_span(&whole), &view, &h, NULL), ERR_OK);
        for (size_t j = 0; j < h.to_count; j++)
            fixed_of(json_array_get(json_object_get(seal, "stanzas"), j), "pk", prekeys[j].b, 32);
        fixed_of(seal, "signing_seed", raw, sizeof raw);
        assert_int_equal(secret32_copy(SPAN_OF(raw), &seed), ERR_OK);
        assert_int_equal(secret_sign_from_seed(seed, &signer), ERR_OK);
        if (is_sealed_honestly(v)) {
            assert_int_equal(
                envelope_seal(&h, prekeys, bytes_span(&body), signer, &source, &made, digest),
                ERR_OK);
            if (!span_equal(bytes_span(&made), bytes_span(&whole)))
                fail_msg("%s: sealed to other bytes", text_of(v, "name"));
            assert_true(is_hex(json_object_get(v, "expect"), "digest", SPAN_OF(digest)));
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
    json_t *file = load("envelope-bad.json");
    bool step_seen[STEP_CIRCLE + 1] = {0};
    unsigned wrong = 0;
    const json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "vectors"), i, v)
    {
        const json_t *expect = json_object_get(v, "expect");
        uint64_t step = uint_of(expect, "step");
        struct bytes whole = envelope_of(v);
        struct receiver r;
        struct received got;
        enum err e;

        receiver_begin(&r, file, v);
        e = envelope_receive(&r.ctx, bytes_span(&whole), &got);
        if (e == ERR_OK || got.step != step || strcmp(vec_err(e), text_of(expect, "error")) != 0) {
            print_error("%s: %s at step %d, not %s at step %d\n", text_of(v, "name"), vec_err(e),
                        got.step, text_of(expect, "error"), (int)step);
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
    json_t *file = load("envelope-good.json");
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
                fail_msg("%s: byte %zu may be changed", text_of(v, "name"), at);
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
    json_t *file = load("envelope-good.json");
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

/* ---- the other files ---- */

static void every_encoding_is_judged_as_the_vector_says(void **state)
{
    json_t *file = load("mp1.json");
    const json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "good"), i, v)
    {
        struct bytes raw = hex_of(v, "hex");

        if (mp_check(bytes_span(&raw)))
            fail_msg("%s: refused", text_of(v, "what"));
        bytes_free(&raw);
    }
    json_array_foreach(json_object_get(file, "bad"), i, v)
    {
        struct bytes raw = hex_of(v, "hex");
        enum err e = mp_check(bytes_span(&raw));

        if (strcmp(vec_err(e), text_of(v, "error")) != 0)
            fail_msg("%s: %s, not %s", text_of(v, "what"), vec_err(e), text_of(v, "error"));
        bytes_free(&raw);
    }
    json_decref(file);
}

static void padded_lengths_are_those_of_the_table(void **state)
{
    json_t *file = load("hashes.json");
    const json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "padded_lengths"), i, v)
        assert_int_equal(padded_len((size_t)uint_of(v, "body")), uint_of(v, "padded"));
    assert_true(i > 30);
    json_decref(file);
}

static void signatures_and_key_ids_verify(void **state)
{
    json_t *file = load("hashes.json");
    const json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "signatures"), i, v)
    {
        struct sign_public pk;
        uint8_t digest[64];
        uint8_t sig[64];

        assert_string_equal(text_of(v, "context"), sign_label((enum sign_context)i));
        fixed_of(v, "pk", pk.b, 32);
        fixed_of(v, "digest", digest, 64);
        fixed_of(v, "sig", sig, 64);
        assert_int_equal(verify_digest((enum sign_context)i, &pk, digest, sig), ERR_OK);
    }
    json_array_foreach(json_object_get(file, "key_ids"), i, v)
    {
        struct sign_public sign_pk;
        struct box_public box_pk;
        uint8_t kid[KID_BYTES];

        fixed_of(v, "signing_pk", sign_pk.b, 32);
        fixed_of(v, "box_pk", box_pk.b, 32);
        sign_kid(&sign_pk, kid);
        assert_true(is_hex(v, "signing_kid", SPAN_OF(kid)));
        box_kid(&box_pk, kid);
        assert_true(is_hex(v, "box_kid", SPAN_OF(kid)));
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
        cmocka_unit_test(every_encoding_is_judged_as_the_vector_says),
        cmocka_unit_test(padded_lengths_are_those_of_the_table),
        cmocka_unit_test(signatures_and_key_ids_verify),
    };

    if (seal_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
