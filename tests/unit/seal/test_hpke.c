/* link: -Wl,--wrap=sodium_malloc */
#include "seal_support.h"

#include "../../vectors/rfc9180-a2-1.h"
#include "hpke.h"

#define PLAIN SPAN_STR("a message key, or anything")
#define PLAIN_LEN (sizeof "a message key, or anything" - 1)
#define SEALED_LEN (PLAIN_LEN + HPKE_TAG_BYTES)
#define INFO SPAN_STR("info")
#define AAD SPAN_STR("aad")

struct bench {
    struct secret_box *key, *other;
    uint8_t enc[HPKE_ENC_BYTES];
    uint8_t sealed[SEALED_LEN];
};

static int set_up(void **state)
{
    static struct bench b;
    struct entropy source = replayed(1);

    assert_int_equal(secret_box_generate(&source, &b.key), ERR_OK);
    assert_int_equal(secret_box_generate(&source, &b.other), ERR_OK);
    assert_int_equal(
        hpke_seal(secret_box_public(b.key), INFO, AAD, PLAIN, &source, b.enc, b.sealed), ERR_OK);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;

    secret_box_free(b->key);
    secret_box_free(b->other);
    return 0;
}

struct a21 {
    struct secret_box *ephemeral, *recipient;
    uint8_t info[32], aad[16], plain[64], sealed[64];
    struct span info_span, aad_span, plain_span, sealed_span;
};

static struct secret_box *box_of_hex(const char *text)
{
    struct secret32 *secret = secret_of_hex(text);
    struct secret_box *box = NULL;

    assert_int_equal(secret_box_from(secret, &box), ERR_OK);
    secret32_free(secret);
    return box;
}

static void a21_read(struct a21 *v)
{
    v->ephemeral = box_of_hex(A21_SK_EPHEMERAL);
    v->recipient = box_of_hex(A21_SK_RECIPIENT);
    v->info_span = (struct span){v->info, unhex(A21_INFO, v->info, sizeof v->info)};
    v->aad_span = (struct span){v->aad, unhex(A21_AAD, v->aad, sizeof v->aad)};
    v->plain_span = (struct span){v->plain, unhex(A21_PLAIN, v->plain, sizeof v->plain)};
    v->sealed_span = (struct span){v->sealed, unhex(A21_SEALED, v->sealed, sizeof v->sealed)};
}

static void sealing_reproduces_rfc_9180_a_2_1(void **state)
{
    uint8_t enc[HPKE_ENC_BYTES], sealed[64];
    struct a21 v;

    (void)state;
    a21_read(&v);
    assert_hex(secret_box_public(v.recipient)->b, KEY_BYTES, A21_PK_RECIPIENT);
    assert_int_equal(hpke_seal_with(v.ephemeral, secret_box_public(v.recipient), v.info_span,
                                    v.aad_span, v.plain_span, enc, sealed),
                     ERR_OK);
    assert_hex(enc, sizeof enc, A21_PK_EPHEMERAL);
    assert_hex(sealed, v.plain_span.len + HPKE_TAG_BYTES, A21_SEALED);
    secret_box_free(v.ephemeral);
    secret_box_free(v.recipient);
}

static void opening_reproduces_rfc_9180_a_2_1(void **state)
{
    uint8_t plain[64];
    struct a21 v;

    (void)state;
    a21_read(&v);
    assert_int_equal(hpke_open(v.recipient, secret_box_public(v.ephemeral)->b, v.info_span,
                               v.aad_span, v.sealed_span, plain),
                     ERR_OK);
    assert_memory_equal(plain, v.plain, v.plain_span.len);
    secret_box_free(v.ephemeral);
    secret_box_free(v.recipient);
}

static void the_recipient_opens_what_was_sealed(void **state)
{
    struct bench *b = *state;
    uint8_t plain[PLAIN_LEN];

    assert_int_equal(hpke_open(b->key, b->enc, INFO, AAD, SPAN_OF(b->sealed), plain), ERR_OK);
    assert_memory_equal(plain, PLAIN.ptr, sizeof plain);
}

static void nothing_can_be_sealed_and_opened(void **state)
{
    struct bench *b = *state;
    struct entropy source = replayed(2);
    const struct span none = {NULL, 0};
    uint8_t enc[HPKE_ENC_BYTES], sealed[HPKE_TAG_BYTES], plain[1];

    assert_int_equal(hpke_seal(secret_box_public(b->key), none, none, none, &source, enc, sealed),
                     ERR_OK);
    assert_int_equal(hpke_open(b->key, enc, none, none, SPAN_OF(sealed), plain), ERR_OK);
}

static void any_altered_bit_cannot_be_opened(void **state)
{
    struct bench *b = *state;
    uint8_t plain[PLAIN_LEN];

    for (size_t bit = 0; bit < 8 * SEALED_LEN; bit++) {
        uint8_t sealed[SEALED_LEN];

        memcpy(sealed, b->sealed, sizeof sealed);
        sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(hpke_open(b->key, b->enc, INFO, AAD, SPAN_OF(sealed), plain), ERR_OPEN);
    }
    /* also the top bit of enc, which X25519 ignores but the KEM context does not */
    for (size_t bit = 0; bit < 8 * HPKE_ENC_BYTES; bit++) {
        uint8_t enc[HPKE_ENC_BYTES];

        memcpy(enc, b->enc, sizeof enc);
        enc[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(hpke_open(b->key, enc, INFO, AAD, SPAN_OF(b->sealed), plain), ERR_OPEN);
    }
}

static void another_info_aad_or_key_cannot_open(void **state)
{
    struct bench *b = *state;
    uint8_t plain[PLAIN_LEN];
    const uint8_t none[PLAIN_LEN] = {0};

    memset(plain, 0x33, sizeof plain);
    assert_int_equal(hpke_open(b->key, b->enc, AAD, AAD, SPAN_OF(b->sealed), plain), ERR_OPEN);
    assert_int_equal(hpke_open(b->key, b->enc, INFO, INFO, SPAN_OF(b->sealed), plain), ERR_OPEN);
    assert_int_equal(hpke_open(b->other, b->enc, INFO, AAD, SPAN_OF(b->sealed), plain), ERR_OPEN);
    assert_memory_equal(plain, none, sizeof plain); /* of the content, nothing */
}

static void a_short_input_cannot_be_opened(void **state)
{
    struct bench *b = *state;
    uint8_t plain[PLAIN_LEN];

    for (size_t n = 0; n < SEALED_LEN; n++)
        assert_int_equal(hpke_open(b->key, b->enc, INFO, AAD, (struct span){b->sealed, n}, plain),
                         ERR_OPEN);
}

static void a_point_of_small_order_is_refused_on_both_sides(void **state)
{
    struct bench *b = *state;
    const struct box_public zero = {{0}};
    struct entropy source = replayed(3);
    uint8_t enc[HPKE_ENC_BYTES] = {0}, sealed[SEALED_LEN], plain[PLAIN_LEN];

    assert_int_equal(hpke_open(b->key, zero.b, INFO, AAD, SPAN_OF(b->sealed), plain), ERR_OPEN);
    assert_int_equal(hpke_seal(&zero, INFO, AAD, PLAIN, &source, enc, sealed), ERR_FIELD_VALUE);
    assert_memory_equal(enc, zero.b, sizeof enc);
}

static void sealing_without_randomness_or_memory_is_told(void **state)
{
    struct bench *b = *state;
    int good = 0;
    struct entropy source = failing_entropy(&good);
    uint8_t enc[HPKE_ENC_BYTES], sealed[SEALED_LEN];
    const struct box_public *to = secret_box_public(b->key);

    assert_int_equal(hpke_seal(to, INFO, AAD, PLAIN, &source, enc, sealed), ERR_RANDOM);
    source = replayed(4);
    secret_alloc_fail_after(2);
    assert_int_equal(hpke_seal(to, INFO, AAD, PLAIN, &source, enc, sealed), ERR_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealing_reproduces_rfc_9180_a_2_1),
        cmocka_unit_test(opening_reproduces_rfc_9180_a_2_1),
        cmocka_unit_test(the_recipient_opens_what_was_sealed),
        cmocka_unit_test(nothing_can_be_sealed_and_opened),
        cmocka_unit_test(any_altered_bit_cannot_be_opened),
        cmocka_unit_test(another_info_aad_or_key_cannot_open),
        cmocka_unit_test(a_short_input_cannot_be_opened),
        cmocka_unit_test(a_point_of_small_order_is_refused_on_both_sides),
        cmocka_unit_test(sealing_without_randomness_or_memory_is_told),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
