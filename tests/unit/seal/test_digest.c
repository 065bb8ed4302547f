/* link: -Wl,--wrap=sodium_malloc */
#include "seal_support.h"

#include "digest.h"

/* Expected BLAKE2b values were computed with CPython's hashlib.blake2b, an independent
 * implementation which reproduces RFC 7693 appendix A. */
#define LABEL "relais/test"

static uint8_t out[DIGEST_512];

static void a_labelled_digest_is_blake2b_of_length_label_data(void **state)
{
    (void)state;
    assert_int_equal(digest_of(LABEL, SPAN_STR("abc"), out, DIGEST_512), ERR_OK);
    assert_hex(out, DIGEST_512,
               "9365d575e6a96c470ae67be06bc214ad654144f91f25f69b6f46c506c5120b72"
               "01e105ddfa6af4d88688cdd55b87fa7c5ffd55b1eb214bbd21eebf0e45b85187");
    assert_int_equal(digest_of(LABEL, SPAN_STR("abc"), out, DIGEST_256), ERR_OK);
    assert_hex(out, DIGEST_256, "84eddc65be7bca0f29e7d1cddc204539f8581e78b3954647ca6eccb25f59572d");
    assert_int_equal(digest_of(LABEL, SPAN_STR("abc"), out, DIGEST_128), ERR_OK);
    assert_hex(out, DIGEST_128, "ef4aa31f082c4ffcb6b6bff6bbfceaef");
}

static void parts_are_absorbed_one_after_the_other(void **state)
{
    uint8_t one[DIGEST_256], two[DIGEST_256];
    const struct span parts[] = {SPAN_STR("a"), SPAN_STR(""), SPAN_STR("bc")};

    (void)state;
    assert_int_equal(digest_of(LABEL, SPAN_STR("abc"), one, sizeof one), ERR_OK);
    assert_int_equal(digest_parts(LABEL, NO_KEY, parts, 3, two, sizeof two), ERR_OK);
    assert_memory_equal(one, two, sizeof one);
}

static void a_keyed_digest_is_keyed_blake2b(void **state)
{
    const struct span data = SPAN_STR("abc");
    uint8_t key[DIGEST_KEY_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    assert_int_equal(digest_parts(LABEL, SPAN_OF(key), &data, 1, out, DIGEST_256), ERR_OK);
    assert_hex(out, DIGEST_256, "11cc5dac9ec2230a4db0e9e02ae2b67bcc8970de347b07ef369ab847a3560882");
}

static void fields_carry_their_length(void **state)
{
    struct digest d;

    (void)state;
    digest_init(&d, LABEL, NO_KEY, DIGEST_256);
    digest_field(&d, SPAN_STR("abc"));
    digest_field(&d, NO_KEY);
    digest_le64(&d, 0x0102030405060708);
    assert_int_equal(digest_final(&d, out), ERR_OK);
    assert_hex(out, DIGEST_256, "a0863bfc3c9babb618b9e39bf7802480c4fd1a3bad3c336cd4200676d65bf7b8");
}

static void moving_a_byte_between_fields_changes_the_digest(void **state)
{
    uint8_t other[DIGEST_256];
    struct digest d;

    (void)state;
    digest_init(&d, LABEL, NO_KEY, DIGEST_256);
    digest_field(&d, SPAN_STR("ab"));
    digest_field(&d, SPAN_STR("c"));
    assert_int_equal(digest_final(&d, out), ERR_OK);
    digest_init(&d, LABEL, NO_KEY, DIGEST_256);
    digest_field(&d, SPAN_STR("a"));
    digest_field(&d, SPAN_STR("bc"));
    assert_int_equal(digest_final(&d, other), ERR_OK);
    assert_memory_not_equal(out, other, sizeof other);
}

static void moving_a_byte_between_label_and_data_changes_the_digest(void **state)
{
    uint8_t other[DIGEST_256];

    (void)state;
    assert_int_equal(digest_of("label", SPAN_STR("sdata"), out, DIGEST_256), ERR_OK);
    assert_int_equal(digest_of("labels", SPAN_STR("data"), other, DIGEST_256), ERR_OK);
    assert_memory_not_equal(out, other, sizeof other);
}

static void what_is_outside_the_limits_is_refused_and_writes_nothing(void **state)
{
    const uint8_t before[DIGEST_512] = {0};
    uint8_t key[DIGEST_KEY_MAX + 1] = {0};
    char label[DIGEST_LABEL_MAX + 2];
    const struct span data = SPAN_STR("abc");

    (void)state;
    memset(label, 'l', sizeof label);
    label[sizeof label - 1] = '\0';
    memset(out, 0, sizeof out);
    assert_int_equal(digest_of("", data, out, DIGEST_256), ERR_RANGE);
    assert_int_equal(digest_of(label, data, out, DIGEST_256), ERR_RANGE);
    assert_int_equal(digest_of(LABEL, data, out, 0), ERR_RANGE);
    assert_int_equal(digest_of(LABEL, data, out, 31), ERR_RANGE);
    assert_int_equal(digest_of(LABEL, data, out, 128), ERR_RANGE);
    assert_int_equal(digest_parts(LABEL, SPAN_OF(key), &data, 1, out, DIGEST_256), ERR_RANGE);
    assert_memory_equal(out, before, sizeof before);
    label[DIGEST_LABEL_MAX] = '\0';
    assert_int_equal(digest_of(label, data, out, DIGEST_256), ERR_OK);
}

static void a_digest_is_finished_once(void **state)
{
    struct digest d;

    (void)state;
    digest_init(&d, LABEL, NO_KEY, DIGEST_256);
    assert_int_equal(digest_final(&d, out), ERR_OK);
    digest_add(&d, SPAN_STR("more"));
    assert_int_equal(digest_final(&d, out), ERR_RANGE);
    digest_init(&d, LABEL, NO_KEY, DIGEST_256);
    digest_wipe(&d);
    assert_int_equal(digest_final(&d, out), ERR_RANGE);
}

/* FIPS 180-2 B.1 */
static void sha256_of_abc_is_the_published_one(void **state)
{
    (void)state;
    sha256(SPAN_STR("abc"), out);
    assert_hex(out, SHA256_BYTES,
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* Roots of trees of one and two leaves ("" and 00) of the reference tree that RFC 6962
 * implementations share (google/certificate-transparency) */
static void leaf_and_node_reproduce_the_rfc_6962_reference_roots(void **state)
{
    uint8_t left[SHA256_BYTES], right[SHA256_BYTES];

    (void)state;
    sha256_leaf(NO_KEY, left);
    assert_hex(left, sizeof left,
               "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    sha256_leaf(SPAN_STR("\x00"), right);
    sha256_node(left, right, out);
    assert_hex(out, SHA256_BYTES,
               "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_labelled_digest_is_blake2b_of_length_label_data),
        cmocka_unit_test(parts_are_absorbed_one_after_the_other),
        cmocka_unit_test(a_keyed_digest_is_keyed_blake2b),
        cmocka_unit_test(fields_carry_their_length),
        cmocka_unit_test(moving_a_byte_between_fields_changes_the_digest),
        cmocka_unit_test(moving_a_byte_between_label_and_data_changes_the_digest),
        cmocka_unit_test(what_is_outside_the_limits_is_refused_and_writes_nothing),
        cmocka_unit_test(a_digest_is_finished_once),
        cmocka_unit_test(sha256_of_abc_is_the_published_one),
        cmocka_unit_test(leaf_and_node_reproduce_the_rfc_6962_reference_roots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
