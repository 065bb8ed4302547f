/* link: -Wl,--wrap=sodium_malloc,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <stdlib.h>

#include "seal_support.h"

#include "batch.h"
#include "envelope.h"
#include "failing_alloc.h"

static const uint8_t org[ID_BYTES] = {7};

struct many {
    struct secret_sign *signer;
    uint8_t skid[KID_BYTES];
    uint8_t (*digests)[DIGEST_512];
    struct bytes *sigs;
    size_t count;
};

static struct many signed_batch(size_t count)
{
    struct entropy source = replayed(5);
    struct many m = {.count = count};

    assert_int_equal(secret_sign_generate(&source, &m.signer), ERR_OK);
    sign_kid(secret_sign_public(m.signer), m.skid);
    m.digests = calloc(count, sizeof *m.digests);
    m.sigs = calloc(count, sizeof *m.sigs);
    assert_non_null(m.digests);
    assert_non_null(m.sigs);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(entropy_fill(&source, m.digests[i], DIGEST_512), ERR_OK);
    assert_int_equal(
        batch_sign(m.signer, org, (const uint8_t(*)[DIGEST_512])m.digests, count, m.sigs), ERR_OK);
    return m;
}

static void many_free(struct many *m)
{
    for (size_t i = 0; i < m->count; i++)
        bytes_free(&m->sigs[i]);
    free(m->sigs);
    free(m->digests);
    secret_sign_free(m->signer);
}

static enum err judge(const struct many *m, struct span sig, const uint8_t from[ID_BYTES],
                      const uint8_t digest[DIGEST_512])
{
    uint8_t claim[DIGEST_512];
    enum err e = batch_claim(sig, from, m->skid, digest, claim);

    return e ? e : verify_digest(SIGN_BATCH, secret_sign_public(m->signer), claim, sig.ptr);
}

static void each_of_a_batch_of_any_size_proves_itself_alone(void **state)
{
    static const size_t counts[] = {2, 3, 4, 5, 6, 7, 8, 9, 31, 32, 33, 1023, 1024};
    size_t judged = 0;

    (void)state;
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        struct many m = signed_batch(counts[k]);

        for (size_t i = 0; i < m.count; i++, judged++) {
            assert_true(m.sigs[i].len <= BATCH_SIG_MAX);
            assert_int_equal(judge(&m, bytes_span(&m.sigs[i]), org, m.digests[i]), ERR_OK);
        }
        many_free(&m);
    }
    assert_int_equal(judged, 2187);
}

static void no_other_digest_stands_at_a_place(void **state)
{
    struct many m = signed_batch(7);
    static const uint8_t other[ID_BYTES] = {8};

    (void)state;
    for (size_t i = 0; i < m.count; i++)
        for (size_t k = 0; k < m.count; k++)
            assert_int_equal(judge(&m, bytes_span(&m.sigs[i]), org, m.digests[k]),
                             i == k ? ERR_OK : ERR_FORGED);
    assert_int_equal(judge(&m, bytes_span(&m.sigs[0]), other, m.digests[0]), ERR_FORGED);
    many_free(&m);
}

static void every_byte_of_it_counts(void **state)
{
    struct many m = signed_batch(6);
    struct bytes *sig = &m.sigs[3];
    size_t refused = 0;

    (void)state;
    for (size_t i = 0; i < sig->len; i++) {
        sig->ptr[i] ^= 0x01;
        refused += judge(&m, bytes_span(sig), org, m.digests[3]) != ERR_OK;
        sig->ptr[i] ^= 0x01;
    }
    assert_int_equal(refused, sig->len);
    assert_int_equal(judge(&m, bytes_span(sig), org, m.digests[3]), ERR_OK);
    many_free(&m);
}

static void a_batch_has_its_limits(void **state)
{
    struct many m = signed_batch(2);
    const uint8_t(*digests)[DIGEST_512] = (const uint8_t(*)[DIGEST_512])m.digests;

    (void)state;
    assert_int_equal(batch_sign(m.signer, org, digests, 1, m.sigs), ERR_RANGE);
    assert_int_equal(batch_sign(m.signer, org, digests, BATCH_MAX + 1, m.sigs), ERR_RANGE);
    assert_int_equal(batch_check(span_of(m.sigs[0].ptr, SIG_BYTES)), ERR_SIZE);
    assert_int_equal(batch_check(span_of(m.sigs[0].ptr, m.sigs[0].len - 1)), ERR_SIZE);
    m.sigs[0].ptr[SIG_BYTES] = 2; /* index is count */
    assert_int_equal(batch_check(bytes_span(&m.sigs[0])), ERR_FIELD_VALUE);
    assert_int_equal(judge(&m, bytes_span(&m.sigs[0]), org, m.digests[0]), ERR_FIELD_VALUE);
    many_free(&m);
}

static void without_memory_nothing_is_replaced(void **state)
{
    struct many m = signed_batch(5);
    struct bytes before = {0};
    long failures = 0;

    (void)state;
    assert_int_equal(bytes_copy(&before, bytes_span(&m.sigs[4])), ERR_OK);
    for (long n = 1;; n++) {
        enum err e;

        alloc_fail_after(n);
        e = batch_sign(m.signer, org, (const uint8_t(*)[DIGEST_512])m.digests, 5, m.sigs);
        alloc_fail_after(-1);
        if (e == ERR_OK)
            break;
        assert_int_equal(e, ERR_NOMEM);
        failures++;
        assert_true(span_equal(bytes_span(&m.sigs[4]), bytes_span(&before)));
    }
    assert_true(failures >= 5);
    bytes_free(&before);
    many_free(&m);
}

/* --- envelopes ----------------------------------------------------------------------------- */

#define LETTERS 3

struct letters {
    struct secret_sign *signer;
    struct secret_box *prekey;
    struct bytes whole[LETTERS];
    uint8_t digest[LETTERS][DIGEST_BYTES];
};

static struct letters unsigned_letters(void)
{
    struct entropy source = replayed(6);
    struct letters l = {0};
    struct env_header h = {.suite = ENVELOPE_SUITE,
                           .type = ENVELOPE_SHEET,
                           .to_count = 1,
                           .to = {{9}},
                           .rcat = {1},
                           .ts = 1,
                           .exp = 2,
                           .class_mask = 1,
                           .basis = 1,
                           .purpose = 1,
                           .status = MODE_EXERCISE,
                           .sign = ENVELOPE_SIGN_BATCH,
                           .scat = 1};

    memcpy(h.from, org, sizeof org);
    assert_int_equal(secret_sign_generate(&source, &l.signer), ERR_OK);
    assert_int_equal(secret_box_generate(&source, &l.prekey), ERR_OK);
    sign_kid(secret_sign_public(l.signer), h.skid);
    for (size_t i = 0; i < LETTERS; i++) {
        h.seq = i;
        assert_int_equal(envelope_seal(&h, secret_box_public(l.prekey), SPAN_STR("lettre"),
                                       l.signer, &source, &l.whole[i], l.digest[i]),
                         ERR_OK);
    }
    return l;
}

static void letters_free(struct letters *l)
{
    for (size_t i = 0; i < LETTERS; i++)
        bytes_free(&l->whole[i]);
    secret_sign_free(l->signer);
    secret_box_free(l->prekey);
}

static enum err complete(struct letters *l, size_t count)
{
    return envelope_sign_batch(l->signer, org, (const uint8_t(*)[DIGEST_BYTES])l->digest, count,
                               l->whole);
}

static void an_envelope_sealed_for_a_batch_is_none_until_it_is_signed(void **state)
{
    struct letters l = unsigned_letters();
    struct envelope_view v;
    struct env_header h;
    enum receive_step step;
    uint8_t digest[DIGEST_BYTES];

    (void)state;
    assert_int_equal(envelope_parse(bytes_span(&l.whole[0]), &v, &h, &step), ERR_SIZE);
    assert_int_equal(step, STEP_HEADER);
    assert_int_equal(complete(&l, LETTERS), ERR_OK);
    for (size_t i = 0; i < LETTERS; i++) {
        assert_int_equal(envelope_parse(bytes_span(&l.whole[i]), &v, &h, &step), ERR_OK);
        assert_int_equal(envelope_digest(&v, digest), ERR_OK);
        assert_memory_equal(digest, l.digest[i], sizeof digest);
        assert_int_equal(envelope_verify(&v, &h, digest, secret_sign_public(l.signer)), ERR_OK);
        digest[0] ^= 1;
        assert_int_equal(envelope_verify(&v, &h, digest, secret_sign_public(l.signer)), ERR_FORGED);
    }
    letters_free(&l);
}

static void a_batch_that_fails_leaves_the_envelopes_as_they_were(void **state)
{
    struct letters l = unsigned_letters();
    struct bytes before = {0};
    long failures = 0;

    (void)state;
    assert_int_equal(bytes_copy(&before, bytes_span(&l.whole[2])), ERR_OK);
    assert_int_equal(complete(&l, 1), ERR_RANGE);
    for (long n = 1;; n++) {
        enum err e;

        alloc_fail_after(n);
        e = complete(&l, LETTERS);
        alloc_fail_after(-1);
        if (e == ERR_OK)
            break;
        assert_int_equal(e, ERR_NOMEM);
        assert_true(span_equal(bytes_span(&l.whole[2]), bytes_span(&before)));
        failures++;
    }
    assert_true(failures >= 6);
    l.whole[0].len = 2; /* no envelope */
    assert_int_equal(complete(&l, LETTERS), ERR_USAGE);
    bytes_free(&before);
    letters_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_a_batch_of_any_size_proves_itself_alone),
        cmocka_unit_test(no_other_digest_stands_at_a_place),
        cmocka_unit_test(every_byte_of_it_counts),
        cmocka_unit_test(a_batch_has_its_limits),
        cmocka_unit_test(without_memory_nothing_is_replaced),
        cmocka_unit_test(an_envelope_sealed_for_a_batch_is_none_until_it_is_signed),
        cmocka_unit_test(a_batch_that_fails_leaves_the_envelopes_as_they_were),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
