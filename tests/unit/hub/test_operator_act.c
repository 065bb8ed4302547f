/* Acts that operators sign: one encoding each, one signature each, and keys in files of their own.
 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "operator_act.h"
#include "random.h"

#define LIGHT ((struct keyfile_cost){8192, 1})

static const uint8_t subject[16] = {1, 2, 3};

static struct operator_act an_act(void)
{
    return (struct operator_act){
        .federation = {7}, .act = 3, .subject = SPAN_OF(subject), .nonce = {9}, .expires_ms = 99};
}

static void an_act_has_one_encoding(void **state)
{
    struct operator_act a = an_act(), b;
    struct bytes first = {0}, second = {0};

    (void)state;
    assert_int_equal(operator_act_encode(&a, &first), ERR_OK);
    assert_int_equal(operator_act_decode(bytes_span(&first), &b), ERR_OK);
    assert_int_equal(operator_act_encode(&b, &second), ERR_OK);
    assert_true(span_equal(bytes_span(&first), bytes_span(&second)));
    for (size_t n = 0; n < first.len; n++)
        assert_int_not_equal(operator_act_decode(span_of(first.ptr, n), &b), ERR_OK);
    assert_int_equal(bytes_append(&first, SPAN_STR("x")), ERR_OK);
    assert_int_not_equal(operator_act_decode(bytes_span(&first), &b), ERR_OK);
    bytes_free(&first);
    bytes_free(&second);
}

static void what_is_longer_than_any_act_is_none(void **state)
{
    static const uint8_t zeros[OPERATOR_ACT_MAX + 1];
    struct operator_act a;

    (void)state;
    assert_int_equal(operator_act_decode(SPAN_OF(zeros), &a), ERR_SIZE);
}

static void a_signature_is_of_one_act_by_one_key(void **state)
{
    struct entropy source = entropy_system();
    struct secret_sign *key = NULL, *other = NULL;
    struct operator_act a = an_act();
    struct bytes act = {0};
    uint8_t sig[SIG_BYTES];

    (void)state;
    assert_int_equal(secret_sign_generate(&source, &key), ERR_OK);
    assert_int_equal(secret_sign_generate(&source, &other), ERR_OK);
    assert_int_equal(operator_act_encode(&a, &act), ERR_OK);
    assert_int_equal(operator_act_sign(bytes_span(&act), key, sig), ERR_OK);
    assert_int_equal(operator_act_verify(bytes_span(&act), secret_sign_public(key), sig), ERR_OK);
    assert_int_equal(operator_act_verify(bytes_span(&act), secret_sign_public(other), sig),
                     ERR_FORGED);
    act.ptr[act.len - 1] ^= 1;
    assert_int_equal(operator_act_verify(bytes_span(&act), secret_sign_public(key), sig),
                     ERR_FORGED);
    bytes_free(&act);
    secret_sign_free(key);
    secret_sign_free(other);
}

static void a_key_is_made_kept_and_opened_with_its_passphrase_alone(void **state)
{
    char dir[] = "/tmp/operator-act-XXXXXX", path[64];
    struct entropy source = entropy_system();
    struct secret_sign *key = NULL;
    struct sign_public pk;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/alice.key", dir);
    assert_int_equal(operator_key_open(path, SPAN_STR("une phrase de passe"), &key), ERR_NOT_FOUND);
    assert_int_equal(operator_key_make(path, SPAN_STR("une phrase de passe"), LIGHT, &source, &pk),
                     ERR_OK);
    assert_int_equal(operator_key_make(path, SPAN_STR("une phrase de passe"), LIGHT, &source, &pk),
                     ERR_EXISTS);
    assert_int_equal(operator_key_open(path, SPAN_STR("une autre phrase"), &key), ERR_PASSPHRASE);
    assert_null(key);
    assert_int_equal(operator_key_open(path, SPAN_STR("une phrase de passe"), &key), ERR_OK);
    assert_memory_equal(secret_sign_public(key)->b, pk.b, KEY_BYTES);
    secret_sign_free(key);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void without_memory_no_key_is_half_made(void **state)
{
    char dir[] = "/tmp/operator-act-XXXXXX", path[64];
    struct entropy source = entropy_system();
    struct secret_sign *key = NULL;
    struct sign_public pk;
    long made = 0, opened = 0;
    enum err e;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/bruno.key", dir);
    do {
        alloc_fail_after(++made);
        e = operator_key_make(path, SPAN_STR("une phrase de passe"), LIGHT, &source, &pk);
        alloc_fail_after(-1);
        if (e)
            assert_int_not_equal(access(path, F_OK), 0);
    } while (e == ERR_NOMEM);
    assert_int_equal(e, ERR_OK);
    do {
        alloc_fail_after(++opened);
        e = operator_key_open(path, SPAN_STR("une phrase de passe"), &key);
        alloc_fail_after(-1);
    } while (e == ERR_NOMEM);
    assert_int_equal(e, ERR_OK);
    assert_true(made > 1 && opened > 1);
    secret_sign_free(key);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static long fills_left;

static enum err fill_some(void *arg, uint8_t *out, size_t n)
{
    const struct entropy source = entropy_system();

    (void)arg;
    return fills_left-- > 0 ? entropy_fill(&source, out, n) : ERR_RANDOM;
}

static void without_randomness_no_key_is_half_made(void **state)
{
    char dir[] = "/tmp/operator-act-XXXXXX", path[64];
    const struct entropy source = {fill_some, NULL};
    struct sign_public pk;
    long n = -1;
    enum err e;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/claire.key", dir);
    do {
        fills_left = ++n;
        e = operator_key_make(path, SPAN_STR("une phrase de passe"), LIGHT, &source, &pk);
        if (e)
            assert_int_not_equal(access(path, F_OK), 0);
    } while (e == ERR_RANDOM);
    assert_int_equal(e, ERR_OK);
    assert_true(n > 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* A ring that holds another's secret is no operator's. */
static void another_key_file_is_no_operators(void **state)
{
    char dir[] = "/tmp/operator-act-XXXXXX", path[64];
    struct entropy source = entropy_system();
    struct secret_sign *key = NULL;
    struct keyring *ring = NULL;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/node.key", dir);
    assert_int_equal(keyfile_create(path, SPAN_STR("une phrase de passe"), LIGHT, &source, &ring),
                     ERR_OK);
    assert_int_equal(keyring_save(ring, &source), ERR_OK);
    keyring_free(ring);
    assert_int_equal(operator_key_open(path, SPAN_STR("une phrase de passe"), &key), ERR_NOT_FOUND);
    assert_null(key);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_act_has_one_encoding),
        cmocka_unit_test(what_is_longer_than_any_act_is_none),
        cmocka_unit_test(a_signature_is_of_one_act_by_one_key),
        cmocka_unit_test(a_key_is_made_kept_and_opened_with_its_passphrase_alone),
        cmocka_unit_test(without_memory_no_key_is_half_made),
        cmocka_unit_test(without_randomness_no_key_is_half_made),
        cmocka_unit_test(another_key_file_is_no_operators),
    };

    return seal_init() ? EXIT_FAILURE : cmocka_run_group_tests(tests, NULL, NULL);
}
