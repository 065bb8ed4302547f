/* link: -Wl,--wrap=sodium_malloc,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <stdlib.h>

#include "seal_support.h"

#include "envelope.h"
#include "failing_alloc.h"

#define NOW UINT64_C(1767609000000)
#define BODY SPAN_STR("un corps de message, avec accents : é, ç, œ")

/* Everything a sender and a receiver have. Errors of the receiver's questions can be set. */
struct bench {
    struct secret_sign *signer;
    struct secret_box *prekey[2];
    struct env_header header;
    struct box_public to[2];
    struct receive_ctx ctx;
    enum err key_error;
    enum err prekey_error;
    enum err seen_error;
    uint8_t seen[DIGEST_BYTES];
};

static enum err find_key(void *arg, const uint8_t org[ID_BYTES], const uint8_t skid[KID_BYTES],
                         struct sign_public *pk)
{
    const struct bench *b = arg;

    assert_memory_equal(org, b->header.from, ID_BYTES);
    assert_memory_equal(skid, b->header.skid, KID_BYTES);
    *pk = *secret_sign_public(b->signer);
    return b->key_error;
}

static enum err find_prekey(void *arg, const uint8_t kid[KID_BYTES], const struct secret_box **out)
{
    const struct bench *b = arg;
    uint8_t own[KID_BYTES];

    if (b->prekey_error)
        return b->prekey_error;
    box_kid(&b->to[1], own);
    if (memcmp(own, kid, sizeof own) != 0)
        return ERR_NOT_FOUND;
    *out = b->prekey[1];
    return ERR_OK;
}

static enum err find_seen(void *arg, const uint8_t mid[ID_BYTES], const uint8_t from[ID_BYTES],
                          uint8_t digest[DIGEST_BYTES])
{
    const struct bench *b = arg;

    assert_memory_equal(mid, b->header.mid, ID_BYTES);
    assert_memory_equal(from, b->header.from, ID_BYTES);
    memcpy(digest, b->seen, DIGEST_BYTES);
    return b->seen_error;
}

static struct env_header a_header(const struct bench *b)
{
    struct env_header h = {
        .suite = 1,
        .type = ENVELOPE_SHEET,
        .to_count = 2,
        .ts = NOW,
        .exp = NOW + 1000,
        .class_mask = CLASS_SOCIAL,
        .basis = BASIS_ECHANGE,
        .purpose = 1,
        .status = MODE_EXERCISE,
        .sign = 1,
        .scat = CATEGORY_HEALTH,
        .rcat = {1, 1}
    };

    memset(h.mid, 2, ID_BYTES);
    memset(h.from, 4, ID_BYTES);
    memset(h.to[0], 6, ID_BYTES);
    memset(h.to[1], 7, ID_BYTES);
    sign_kid(secret_sign_public(b->signer), h.skid);
    return h;
}

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct entropy source = replayed(1);

    assert_non_null(b);
    assert_int_equal(secret_sign_generate(&source, &b->signer), ERR_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(secret_box_generate(&source, &b->prekey[i]), ERR_OK);
        b->to[i] = *secret_box_public(b->prekey[i]);
    }
    b->header = a_header(b);
    b->seen_error = ERR_NOT_FOUND;
    b->ctx = (struct receive_ctx){.mode = MODE_EXERCISE,
                                  .now_ms = NOW,
                                  .signing_key = find_key,
                                  .prekey = find_prekey,
                                  .seen = find_seen,
                                  .arg = b};
    memset(b->ctx.org, 7, ID_BYTES);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;

    secret_sign_free(b->signer);
    secret_box_free(b->prekey[0]);
    secret_box_free(b->prekey[1]);
    free(b);
    return 0;
}

static struct bytes sealed(struct bench *b, struct span body, uint8_t digest[DIGEST_BYTES])
{
    struct entropy source = replayed(2);
    struct bytes whole = {0};

    assert_int_equal(envelope_seal(&b->header, b->to, body, b->signer, &source, &whole, digest),
                     ERR_OK);
    return whole;
}

/* ---- there and back ---- */

static void what_is_sealed_is_received(void **state)
{
    struct bench *b = *state;
    uint8_t digest[DIGEST_BYTES];
    struct bytes whole = sealed(b, BODY, digest);
    struct received got;

    assert_int_equal(envelope_receive(&b->ctx, bytes_span(&whole), &got), ERR_OK);
    assert_int_equal(got.step, STEP_NONE);
    assert_true(span_equal(bytes_span(&got.body), BODY));
    assert_memory_equal(got.digest, digest, sizeof digest);
    assert_int_equal(got.index, 1);
    assert_memory_equal(got.header.mid, b->header.mid, ID_BYTES);
    received_wipe(&got);
    assert_null(got.mk);
    bytes_free(&whole);
}

static void every_recipient_gets_the_same_key_and_body(void **state)
{
    struct bench *b = *state;
    uint8_t digest[DIGEST_BYTES];
    struct bytes whole = sealed(b, BODY, digest);
    struct secret32 *mk[2] = {NULL, NULL};
    struct bytes body = {0};
    struct envelope_view v;
    struct env_header h;

    assert_int_equal(envelope_parse(bytes_span(&whole), &v, &h, NULL), ERR_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(envelope_open(&v, &h, i, b->prekey[i], &mk[i], &body, NULL), ERR_OK);
        assert_true(span_equal(bytes_span(&body), BODY));
    }
    assert_true(secret32_equal(mk[0], mk[1]));
    secret32_free(mk[0]);
    secret32_free(mk[1]);
    seal_bytes_free(&body);
    bytes_free(&whole);
}

static void nothing_of_the_body_is_in_the_envelope(void **state)
{
    struct bench *b = *state;
    uint8_t digest[DIGEST_BYTES];
    struct bytes whole = sealed(b, BODY, digest);

    assert_null(memmem(whole.ptr, whole.len, "corps", 5));
    bytes_free(&whole);
}

static void the_hub_checks_a_signature_without_opening(void **state)
{
    struct bench *b = *state;
    uint8_t named[DIGEST_BYTES];
    uint8_t digest[DIGEST_BYTES];
    struct bytes whole = sealed(b, BODY, named);
    struct entropy source = replayed(9);
    struct secret_sign *other = NULL;
    uint8_t kid[KID_BYTES];
    struct envelope_view v;
    struct env_header h;

    assert_int_equal(envelope_parse(bytes_span(&whole), &v, &h, NULL), ERR_OK);
    assert_int_equal(envelope_digest(&v, digest), ERR_OK);
    assert_memory_equal(digest, named, sizeof digest);
    assert_int_equal(envelope_verify(&v, &h, digest, secret_sign_public(b->signer)), ERR_OK);
    assert_int_equal(secret_sign_generate(&source, &other), ERR_OK);
    assert_int_equal(envelope_verify(&v, &h, digest, secret_sign_public(other)), ERR_FORGED);
    box_kid(&b->to[1], kid);
    assert_memory_equal(envelope_kid(&v, 1), kid, sizeof kid);
    secret_sign_free(other);
    bytes_free(&whole);
}

static void the_largest_body_fits_and_one_byte_more_does_not(void **state)
{
    struct bench *b = *state;
    uint8_t *large = calloc(1, ENVELOPE_BODY_MAX + 1);
    struct entropy source = replayed(3);
    uint8_t digest[DIGEST_BYTES];
    struct bytes whole = {0};
    struct received got;

    assert_non_null(large);
    memset(large, 0x80, ENVELOPE_BODY_MAX + 1);
    whole = sealed(b, span_of(large, ENVELOPE_BODY_MAX), digest);
    assert_true(whole.len <= ENVELOPE_MAX);
    assert_int_equal(envelope_receive(&b->ctx, bytes_span(&whole), &got), ERR_OK);
    assert_true(got.view.ct.len <= ENVELOPE_CT_MAX);
    assert_int_equal(got.body.len, ENVELOPE_BODY_MAX);
    received_wipe(&got);
    bytes_free(&whole);
    assert_int_equal(envelope_seal(&b->header, b->to, span_of(large, ENVELOPE_BODY_MAX + 1),
                                   b->signer, &source, &whole, digest),
                     ERR_SIZE);
    assert_int_equal(
        envelope_seal(&b->header, b->to, span_of(large, 0), b->signer, &source, &whole, digest),
        ERR_SIZE);
    assert_null(whole.ptr);
    free(large);
}

/* ---- what sealing refuses ---- */

static enum err seal_error(struct bench *b, const struct entropy *source)
{
    struct bytes whole = {0};
    uint8_t digest[DIGEST_BYTES] = {0xaa};
    enum err e = envelope_seal(&b->header, b->to, BODY, b->signer, source, &whole, digest);

    if (e) { /* nothing was given out */
        assert_null(whole.ptr);
        assert_int_equal(digest[0], 0xaa);
    }
    bytes_free(&whole);
    return e;
}

static void a_header_that_nobody_would_accept_is_not_sealed(void **state)
{
    struct bench *b = *state;
    struct entropy source = replayed(2);

    b->header.purpose = 8;
    assert_int_equal(seal_error(b, &source), ERR_FIELD_VALUE);
    b->header.purpose = 1;
    b->header.to_count = RECIPIENTS_MAX + 1;
    assert_int_equal(seal_error(b, &source), ERR_RANGE);
    b->header.to_count = 2;
    b->header.suite = 2;
    assert_int_equal(seal_error(b, &source), ERR_SUITE);
}

static void a_key_id_that_is_not_the_signers_is_refused(void **state)
{
    struct bench *b = *state;
    struct entropy source = replayed(2);

    b->header.skid[0] ^= 1;
    assert_int_equal(seal_error(b, &source), ERR_USAGE);
}

static void nothing_is_sealed_to_a_point_of_small_order(void **state)
{
    struct bench *b = *state;
    struct entropy source = replayed(2);

    b->to[1] = (struct box_public){{0}};
    assert_int_equal(seal_error(b, &source), ERR_FIELD_VALUE);
}

static void without_randomness_nothing_is_sealed(void **state)
{
    struct bench *b = *state;

    for (int good = 0; good < 3; good++) { /* mk, two pairs */
        int left = good;
        struct entropy source = failing_entropy(&left);

        assert_int_equal(seal_error(b, &source), ERR_RANDOM);
    }
}

static void the_same_body_is_never_sealed_to_the_same_bytes(void **state)
{
    struct bench *b = *state;
    struct entropy source = replayed(5);
    struct bytes first = {0};
    struct bytes second = {0};
    uint8_t digest[DIGEST_BYTES];

    assert_int_equal(envelope_seal(&b->header, b->to, BODY, b->signer, &source, &first, digest),
                     ERR_OK);
    assert_int_equal(envelope_seal(&b->header, b->to, BODY, b->signer, &source, &second, digest),
                     ERR_OK);
    assert_int_equal(first.len, second.len);
    assert_false(span_equal(bytes_span(&first), bytes_span(&second)));
    bytes_free(&first);
    bytes_free(&second);
}

/* ---- what receiving refuses ---- */

static void an_error_of_the_receivers_store_ends_the_receiving(void **state)
{
    struct bench *b = *state;
    uint8_t digest[DIGEST_BYTES];
    struct bytes whole = sealed(b, BODY, digest);
    struct received got;

    b->seen_error = ERR_IO;
    assert_int_equal(envelope_receive(&b->ctx, bytes_span(&whole), &got), ERR_IO);
    assert_int_equal(got.step, STEP_SEEN);
    b->prekey_error = ERR_CORRUPT;
    assert_int_equal(envelope_receive(&b->ctx, bytes_span(&whole), &got), ERR_CORRUPT);
    assert_int_equal(got.step, STEP_ADDRESSEE);
    b->key_error = ERR_NOMEM;
    assert_int_equal(envelope_receive(&b->ctx, bytes_span(&whole), &got), ERR_NOMEM);
    assert_int_equal(got.step, STEP_KEY);
    bytes_free(&whole);
}

static void a_refused_envelope_tells_what_was_proven_before(void **state)
{
    struct bench *b = *state;
    uint8_t digest[DIGEST_BYTES];
    struct bytes whole = sealed(b, BODY, digest);
    struct received got;

    memcpy(b->seen, digest, sizeof digest);
    b->seen_error = ERR_OK;
    assert_int_equal(envelope_receive(&b->ctx, bytes_span(&whole), &got), ERR_DUPLICATE);
    assert_memory_equal(got.digest, digest, sizeof digest);
    assert_memory_equal(got.header.mid, b->header.mid, ID_BYTES);
    assert_int_equal(got.index, 1);
    b->seen[0] ^= 1;
    assert_int_equal(envelope_receive(&b->ctx, bytes_span(&whole), &got), ERR_MID_REUSED);
    bytes_free(&whole);
}

static void an_envelope_for_somebody_else_is_refused(void **state)
{
    struct bench *b = *state;
    uint8_t digest[DIGEST_BYTES];
    struct bytes whole = sealed(b, BODY, digest);
    struct received got;

    b->ctx.org[0] ^= 1;
    assert_int_equal(envelope_receive(&b->ctx, bytes_span(&whole), &got), ERR_ADDRESSEE);
    b->ctx.org[0] ^= 1;
    b->prekey_error = ERR_NOT_FOUND;
    assert_int_equal(envelope_receive(&b->ctx, bytes_span(&whole), &got), ERR_ADDRESSEE);
    assert_int_equal(got.step, STEP_ADDRESSEE);
    bytes_free(&whole);
}

static void a_failed_parse_leaves_its_results_alone(void **state)
{
    struct envelope_view v = {.count = 77};
    struct env_header h = {.seq = 77};
    enum receive_step step = STEP_NONE;

    (void)state;
    assert_int_equal(envelope_parse(SPAN_STR("\x96\x01"), &v, &h, &step), ERR_TRUNCATED);
    assert_int_equal(step, STEP_OUTER);
    assert_int_equal(envelope_parse(SPAN_STR("\x90"), &v, &h, NULL), ERR_SIZE);
    assert_int_equal(v.count, 77);
    assert_int_equal(h.seq, 77);
}

static void a_stanza_that_is_not_there_is_not_opened(void **state)
{
    struct bench *b = *state;
    uint8_t digest[DIGEST_BYTES];
    struct bytes whole = sealed(b, BODY, digest);
    struct bytes body = {0};
    struct envelope_view v;
    struct env_header h;

    assert_int_equal(envelope_parse(bytes_span(&whole), &v, &h, NULL), ERR_OK);
    assert_int_equal(envelope_open(&v, &h, 2, b->prekey[1], NULL, &body, NULL), ERR_RANGE);
    bytes_free(&whole);
}

static void a_key_of_another_does_not_open(void **state)
{
    struct bench *b = *state;
    enum receive_step step = STEP_NONE;
    uint8_t digest[DIGEST_BYTES];
    struct bytes whole = sealed(b, BODY, digest);
    struct secret32 *mk = NULL;
    struct bytes body = {0};
    struct envelope_view v;
    struct env_header h;

    assert_int_equal(envelope_parse(bytes_span(&whole), &v, &h, NULL), ERR_OK);
    assert_int_equal(envelope_open(&v, &h, 0, b->prekey[1], &mk, &body, &step), ERR_OPEN);
    assert_int_equal(step, STEP_UNWRAP);
    assert_null(mk);
    assert_null(body.ptr);
    bytes_free(&whole);
}

static void a_result_replaces_what_was_there(void **state)
{
    struct bench *b = *state;
    struct entropy source = replayed(2);
    uint8_t digest[DIGEST_BYTES];
    struct bytes whole = sealed(b, BODY, digest);
    struct bytes body = {0};
    struct envelope_view v;
    struct env_header h;

    assert_int_equal(envelope_seal(&b->header, b->to, BODY, b->signer, &source, &whole, digest),
                     ERR_OK);
    assert_int_equal(bytes_append(&body, SPAN_STR("what was there")), ERR_OK);
    assert_int_equal(envelope_parse(bytes_span(&whole), &v, &h, NULL), ERR_OK);
    assert_int_equal(envelope_open(&v, &h, 0, b->prekey[0], NULL, &body, NULL), ERR_OK);
    assert_true(span_equal(bytes_span(&body), BODY));
    seal_bytes_free(&body);
    bytes_free(&whole);
}

/* ---- without memory ---- */

static void sealing_without_memory_fails_whole(void **state)
{
    struct bench *b = *state;
    struct entropy source = replayed(2);
    enum err e = ERR_NOMEM;
    long n = 0;

    while (e) {
        alloc_fail_after(++n);
        e = seal_error(b, &source);
        alloc_fail_after(-1);
        assert_true(e == ERR_OK || e == ERR_NOMEM);
    }
    assert_true(n > 4);
    for (n = 1, e = ERR_NOMEM; e; n++) {
        secret_alloc_fail_after(n);
        e = seal_error(b, &source);
        secret_alloc_fail_after(-1);
        assert_true(e == ERR_OK || e == ERR_NOMEM);
    }
    assert_true(n > 4); /* mk and two pairs failed at least */
}

static void receiving_without_memory_fails_whole(void **state)
{
    struct bench *b = *state;
    uint8_t digest[DIGEST_BYTES];
    struct bytes whole = sealed(b, BODY, digest);
    struct received got;

    alloc_fail_after(1);
    assert_int_equal(envelope_receive(&b->ctx, bytes_span(&whole), &got), ERR_NOMEM);
    alloc_fail_after(-1);
    assert_null(got.mk);
    assert_null(got.body.ptr);
    secret_alloc_fail_after(1);
    assert_int_equal(envelope_receive(&b->ctx, bytes_span(&whole), &got), ERR_NOMEM);
    secret_alloc_fail_after(-1);
    assert_null(got.body.ptr);
    received_wipe(&got);
    bytes_free(&whole);
}

static void receiving_allocates_the_body_and_nothing_else(void **state)
{
    struct bench *b = *state;
    uint8_t digest[DIGEST_BYTES];
    struct bytes whole = sealed(b, BODY, digest);
    long before = alloc_count();
    struct received got;

    assert_int_equal(envelope_receive(&b->ctx, bytes_span(&whole), &got), ERR_OK);
    assert_int_equal(alloc_count() - before, 1); /* the body */
    assert_true(got.body.cap <= 2 * whole.len);
    received_wipe(&got);
    bytes_free(&whole);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BENCH(what_is_sealed_is_received),
        WITH_BENCH(every_recipient_gets_the_same_key_and_body),
        WITH_BENCH(nothing_of_the_body_is_in_the_envelope),
        WITH_BENCH(the_hub_checks_a_signature_without_opening),
        WITH_BENCH(the_largest_body_fits_and_one_byte_more_does_not),
        WITH_BENCH(a_header_that_nobody_would_accept_is_not_sealed),
        WITH_BENCH(a_key_id_that_is_not_the_signers_is_refused),
        WITH_BENCH(nothing_is_sealed_to_a_point_of_small_order),
        WITH_BENCH(without_randomness_nothing_is_sealed),
        WITH_BENCH(the_same_body_is_never_sealed_to_the_same_bytes),
        WITH_BENCH(an_error_of_the_receivers_store_ends_the_receiving),
        WITH_BENCH(a_refused_envelope_tells_what_was_proven_before),
        WITH_BENCH(an_envelope_for_somebody_else_is_refused),
        WITH_BENCH(a_failed_parse_leaves_its_results_alone),
        WITH_BENCH(a_stanza_that_is_not_there_is_not_opened),
        WITH_BENCH(a_key_of_another_does_not_open),
        WITH_BENCH(a_result_replaces_what_was_there),
        WITH_BENCH(sealing_without_memory_fails_whole),
        WITH_BENCH(receiving_without_memory_fails_whole),
        WITH_BENCH(receiving_allocates_the_body_and_nothing_else),
    };

    if (seal_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
