/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "directory_world.h"

#include "failing_alloc.h"

static void print_of(const struct house *h, const struct federation *f, char text[FINGERPRINT_TEXT])
{
    assert_int_equal(fingerprint_of(secret_sign_public(h->sign), secret_box_public(h->transport),
                                    secret_box_public(h->prekeys[0]), f, text),
                     ERR_OK);
}

/* PROTOCOL.md 4, spelt out: H-256 over eight keys, its first 100 bits in base32. */
static void a_fingerprint_is_five_groups_of_four_of_the_labelled_hash(void **state)
{
    struct federation f = federation_plan();
    const struct house *h = &houses[1];
    uint8_t keys[8 * KEY_BYTES];
    uint8_t hash[DIGEST_256];
    struct bytes chars = {0};
    char text[FINGERPRINT_TEXT];

    (void)state;
    memcpy(keys, secret_sign_public(h->sign)->b, 32);
    memcpy(keys + 32, secret_box_public(h->transport)->b, 32);
    memcpy(keys + 64, secret_box_public(h->prekeys[0])->b, 32);
    memcpy(keys + 96, f.hub_transport.b, 32);
    memcpy(keys + 128, f.hub.b, 32);
    memcpy(keys + 160, f.keys_log.b, 32);
    memcpy(keys + 192, f.audit_log.b, 32);
    memcpy(keys + 224, f.registrar.b, 32);
    assert_int_equal(digest_of("relais/fingerprint", SPAN_OF(keys), hash, sizeof hash), ERR_OK);
    assert_int_equal(base32_write(&chars, SPAN_OF(hash), 100), ERR_OK);
    print_of(h, &f, text);
    assert_int_equal(strlen(text), FINGERPRINT_TEXT - 1);
    for (size_t group = 0; group < 5; group++) {
        assert_memory_equal(text + 5 * group, chars.ptr + 4 * group, 4);
        assert_int_equal(text[5 * group + 4], group < 4 ? '-' : '\0');
    }
    bytes_free(&chars);
}

static void every_key_changes_the_fingerprint(void **state)
{
    struct federation f = federation_plan();
    uint8_t *const keys[] = {f.hub_transport.b, f.hub.b, f.keys_log.b, f.audit_log.b,
                             f.registrar.b};
    struct house other = houses[1];
    char right[FINGERPRINT_TEXT];
    char wrong[FINGERPRINT_TEXT];

    (void)state;
    print_of(&houses[1], &f, right);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        keys[i][31] ^= 1;
        print_of(&houses[1], &f, wrong);
        keys[i][31] ^= 1;
        assert_string_not_equal(right, wrong);
    }
    other.sign = houses[2].sign;
    print_of(&other, &f, wrong);
    assert_string_not_equal(right, wrong);
    other = houses[1];
    other.transport = houses[2].transport;
    print_of(&other, &f, wrong);
    assert_string_not_equal(right, wrong);
    other = houses[1];
    other.prekeys[0] = houses[2].prekeys[0];
    print_of(&other, &f, wrong);
    assert_string_not_equal(right, wrong);
}

static void a_human_may_type_it_in_his_own_way_but_all_of_it(void **state)
{
    static const char expected[FINGERPRINT_TEXT] = "ABCD-EFGH-IJKL-MNOP-QRST";

    (void)state;
    assert_int_equal(fingerprint_compare(expected, span_text(expected)), ERR_OK);
    assert_int_equal(fingerprint_compare(expected, SPAN_STR(" abcd efgh\tijkl mnop qrst\r\n")),
                     ERR_OK);
    assert_int_equal(fingerprint_compare(expected, SPAN_STR("ABCDEFGHIJKLMNOPQRST")), ERR_OK);
    assert_int_equal(fingerprint_compare(expected, SPAN_STR("ABCD-EFGH-IJKL-MNOP-QRSU")),
                     ERR_FINGERPRINT);
    assert_int_equal(fingerprint_compare(expected, SPAN_STR("ABCD-EFGH-IJKL-MNOP-QRS")),
                     ERR_FINGERPRINT);
    assert_int_equal(fingerprint_compare(expected, SPAN_STR("ABCD-EFGH-IJKL-MNOP-QRSTU")),
                     ERR_FINGERPRINT);
    assert_int_equal(fingerprint_compare(expected, SPAN_STR("ABCD-EFGH-IJKL-MNOP-QRST\0X")),
                     ERR_FINGERPRINT);
    assert_int_equal(fingerprint_compare(expected, SPAN_STR("")), ERR_FINGERPRINT);
}

static void without_memory_there_is_no_fingerprint(void **state)
{
    struct federation f = federation_plan();
    char text[FINGERPRINT_TEXT];

    (void)state;
    alloc_fail_after(1);
    assert_int_equal(fingerprint_of(secret_sign_public(houses[1].sign),
                                    secret_box_public(houses[1].transport),
                                    secret_box_public(houses[1].prekeys[0]), &f, text),
                     ERR_NOMEM);
    alloc_fail_after(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fingerprint_is_five_groups_of_four_of_the_labelled_hash),
        cmocka_unit_test(every_key_changes_the_fingerprint),
        cmocka_unit_test(a_human_may_type_it_in_his_own_way_but_all_of_it),
        cmocka_unit_test(without_memory_there_is_no_fingerprint),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
