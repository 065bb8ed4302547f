/* link: -Wl,--wrap=sodium_malloc */
#include "seal_support.h"

#include <stdio.h>

#include "keyring.h"

static int set_up(void **state)
{
    *state = secret_alloc(sizeof(struct keyring));
    return *state == NULL;
}

static int tear_down(void **state)
{
    keyring_free(*state);
    return 0;
}

static void fill(struct keyring *r, size_t n)
{
    char name[KEYRING_NAME_MAX + 1];

    for (size_t i = 0; i < n; i++) {
        (void)snprintf(name, sizeof name, "prekey-%02zu", i);
        assert_int_equal(keyring_add_bytes(r, name, SPAN_STR("secret")), ERR_OK);
    }
}

static void what_was_added_is_found(void **state)
{
    struct keyring *r = *state;
    struct entropy source = replayed(1);
    struct secret32 *key = NULL, *found = NULL;
    struct span value;

    assert_int_equal(secret32_generate(&source, &key), ERR_OK);
    assert_int_equal(keyring_add(r, "sign", key), ERR_OK);
    assert_int_equal(keyring_add_bytes(r, "box", SPAN_STR("short")), ERR_OK);
    assert_int_equal(keyring_get(r, "sign", &found), ERR_OK);
    assert_true(secret32_equal(found, key));
    assert_int_equal(keyring_find(r, "box", &value), ERR_OK);
    assert_true(span_equal(value, SPAN_STR("short")));
    secret32_free(key);
    secret32_free(found);
}

static void names_are_listed_in_order(void **state)
{
    struct keyring *r = *state;

    assert_int_equal(keyring_count(r), 0);
    assert_null(keyring_name(r, 0));
    assert_int_equal(keyring_add_bytes(r, "b", SPAN_STR("2")), ERR_OK);
    assert_int_equal(keyring_add_bytes(r, "c", SPAN_STR("3")), ERR_OK);
    assert_int_equal(keyring_add_bytes(r, "a", SPAN_STR("1")), ERR_OK);
    assert_int_equal(keyring_count(r), 3);
    assert_string_equal(keyring_name(r, 0), "a");
    assert_string_equal(keyring_name(r, 1), "b");
    assert_string_equal(keyring_name(r, 2), "c");
    assert_null(keyring_name(r, 3));
}

static void a_name_is_taken_once(void **state)
{
    struct keyring *r = *state;

    assert_int_equal(keyring_add_bytes(r, "sign", SPAN_STR("1")), ERR_OK);
    assert_int_equal(keyring_add_bytes(r, "sign", SPAN_STR("2")), ERR_EXISTS);
    assert_int_equal(keyring_count(r), 1);
}

static void a_name_or_length_outside_the_limits_is_refused(void **state)
{
    struct keyring *r = *state;
    uint8_t large[KEYRING_VALUE_MAX + 1] = {1};
    const struct span one = SPAN_STR("1");

    assert_int_equal(keyring_add_bytes(r, "", one), ERR_RANGE);
    assert_int_equal(keyring_add_bytes(r, "abcdefghijklmnopqrstuvwxyz-0123456", one), ERR_RANGE);
    assert_int_equal(keyring_add_bytes(r, "Upper", one), ERR_RANGE);
    assert_int_equal(keyring_add_bytes(r, "a b", one), ERR_RANGE);
    assert_int_equal(keyring_add_bytes(r, "a/b", one), ERR_RANGE);
    assert_int_equal(keyring_add_bytes(r, "a:b", one), ERR_RANGE);
    assert_int_equal(keyring_add_bytes(r, "a{b", one), ERR_RANGE);
    assert_int_equal(keyring_add_bytes(r, "caf\xc3\xa9", one), ERR_RANGE);
    assert_int_equal(keyring_add_bytes(r, "none", (struct span){NULL, 0}), ERR_RANGE);
    assert_int_equal(keyring_add_bytes(r, "large", SPAN_OF(large)), ERR_RANGE);
    assert_int_equal(keyring_count(r), 0);
    assert_int_equal(keyring_add_bytes(r, "az09.-_", (struct span){large, KEYRING_VALUE_MAX}),
                     ERR_OK);
}

static void a_full_ring_takes_no_more(void **state)
{
    struct keyring *r = *state;

    fill(r, KEYRING_MAX);
    assert_int_equal(keyring_add_bytes(r, "one-more", SPAN_STR("1")), ERR_FULL);
    assert_int_equal(keyring_count(r), KEYRING_MAX);
}

static void a_removed_secret_is_gone_and_wiped(void **state)
{
    struct keyring *r = *state;
    const struct keyring_entry none = {0};
    struct span value;

    fill(r, 3);
    assert_int_equal(keyring_remove(r, "prekey-01"), ERR_OK);
    assert_int_equal(keyring_remove(r, "prekey-01"), ERR_NOT_FOUND);
    assert_int_equal(keyring_remove(r, "zzz"), ERR_NOT_FOUND);
    assert_int_equal(keyring_count(r), 2);
    assert_string_equal(keyring_name(r, 1), "prekey-02");
    assert_int_equal(keyring_find(r, "prekey-01", &value), ERR_NOT_FOUND);
    assert_memory_equal(&r->entries[2], &none, sizeof none);
}

static void what_is_not_there_or_not_a_key_is_not_given(void **state)
{
    struct keyring *r = *state;
    struct secret32 *found = NULL;
    uint8_t raw[KEY_BYTES] = {1};

    assert_int_equal(keyring_add_bytes(r, "short", SPAN_STR("1")), ERR_OK);
    assert_int_equal(keyring_add_bytes(r, "key", SPAN_OF(raw)), ERR_OK);
    assert_int_equal(keyring_get(r, "other", &found), ERR_NOT_FOUND);
    assert_int_equal(keyring_get(r, "short", &found), ERR_TYPE);
    secret_alloc_fail_after(1);
    assert_int_equal(keyring_get(r, "key", &found), ERR_NOMEM);
    assert_null(found);
}

static void a_secret_of_the_ring_itself_can_be_added_again(void **state)
{
    struct keyring *r = *state;
    struct span value;

    assert_int_equal(keyring_add_bytes(r, "b", SPAN_STR("of b")), ERR_OK);
    assert_int_equal(keyring_add_bytes(r, "c", SPAN_STR("of c")), ERR_OK);
    assert_int_equal(keyring_find(r, "c", &value), ERR_OK);
    assert_int_equal(keyring_add_bytes(r, "a", value), ERR_OK);
    assert_int_equal(keyring_find(r, "a", &value), ERR_OK);
    assert_true(span_equal(value, SPAN_STR("of c")));
}

static void the_body_is_an_array_of_name_and_secret(void **state)
{
    struct keyring *r = *state;
    uint8_t body[KEYRING_BODY_MAX];
    size_t len = 0;

    assert_int_equal(keyring_add_bytes(r, "b", SPAN_STR("\x01\x02")), ERR_OK);
    assert_int_equal(keyring_add_bytes(r, "a", SPAN_STR("\x03")), ERR_OK);
    assert_int_equal(keyring_body_write(r, body, &len), ERR_OK);
    assert_hex(body, len, "9292a161c4010392a162c4020102");
}

static void the_largest_ring_fits_and_comes_back(void **state)
{
    struct keyring *r = *state;
    struct keyring *again = secret_alloc(sizeof *again);
    uint8_t body[KEYRING_BODY_MAX], value[KEYRING_VALUE_MAX] = {7};
    char name[KEYRING_NAME_MAX + 1];
    size_t len = 0;

    assert_non_null(again);
    memset(name, 'n', sizeof name);
    name[KEYRING_NAME_MAX] = '\0';
    for (size_t i = 0; i < KEYRING_MAX; i++) {
        name[0] = (char)('a' + i % 26);
        name[1] = (char)('a' + i / 26);
        assert_int_equal(keyring_add_bytes(r, name, SPAN_OF(value)), ERR_OK);
    }
    assert_int_equal(keyring_body_write(r, body, &len), ERR_OK);
    assert_int_equal(len, KEYRING_BODY_MAX);
    assert_int_equal(keyring_body_read(again, (struct span){body, len}), ERR_OK);
    assert_memory_equal(again, r, sizeof *r);
    keyring_free(again);
}

static void a_body_in_any_other_form_is_refused(void **state)
{
    static const char *const bodies[] = {
        "",                                 /* nothing */
        "80",                               /* a map */
        "9192a161c40103c0",                 /* a byte behind it */
        "9292a161c40103",                   /* one entry too few */
        "9192a161c400",                     /* no secret */
        "9192a0c40103",                     /* no name */
        "9192a141c40103",                   /* a name in capitals */
        "9191a161",                         /* a pair of one */
        "9193a161c40103c0",                 /* a pair of three */
        "9192a161a103",                     /* a text for a secret */
        "9192c40161c40103",                 /* bytes for a name */
        "9192d90161c40103",                 /* not the shortest form */
        "9292a162c4010392a161c40103",       /* not ascending */
        "9292a161c4010392a161c40103",       /* twice the same name */
        "dc001180808080808080808080808080", /* seventeen */
    };
    uint8_t body[64];

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct keyring *r = secret_alloc(sizeof *r);

        assert_non_null(r);
        assert_int_equal(
            keyring_body_read(r, (struct span){body, unhex(bodies[i], body, sizeof body)}),
            ERR_CORRUPT);
        keyring_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_added_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_are_listed_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_is_taken_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_or_length_outside_the_limits_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_full_ring_takes_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_removed_secret_is_gone_and_wiped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there_or_not_a_key_is_not_given, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_secret_of_the_ring_itself_can_be_added_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_body_is_an_array_of_name_and_secret, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_largest_ring_fits_and_comes_back, set_up, tear_down),
        cmocka_unit_test(a_body_in_any_other_form_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
