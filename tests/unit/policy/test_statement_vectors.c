/* statements.json against the code: the keys log applied leaf by leaf, the circle from its creation
 * to its closing, and the fingerprint of hashes.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "circle.h"
#include "directory.h"
#include "vectors_load.h"

static int set_up(void **state)
{
    *state = vec_load("statements.json");
    return seal_init() ? -1 : 0;
}

static int tear_down(void **state)
{
    json_decref(*state);
    return 0;
}

static struct directory *a_directory(const json_t *file)
{
    struct entropy source = entropy_system();
    struct directory *d = NULL;
    const json_t *v;
    size_t i;

    assert_int_equal(directory_new(DIRECTORY_STATEMENT_TIME, &source, &d), ERR_OK);
    json_array_foreach(vec_list(file, "keys_log"), i, v)
    {
        struct bytes ss = vec_hex(v, "ss");
        enum err e = directory_apply(d, i, 0, bytes_span(&ss));

        if (e)
            fail_msg("%s: %s", vec_text(v, "what"), err_name(e));
        bytes_free(&ss);
    }
    return d;
}

static void the_keys_log_is_accepted_leaf_by_leaf(void **state)
{
    struct directory *d = a_directory(*state);

    assert_int_equal(directory_size(d), json_array_size(vec_list(*state, "keys_log")));
    assert_int_equal(directory_org_count(d), 5);
    directory_free(d);
}

static void what_the_log_is_told_wrongly_gets_the_code_of_the_vector(void **state)
{
    struct directory *d = a_directory(*state);
    const json_t *v;
    size_t i;

    assert_true(json_array_size(vec_list(*state, "keys_judged")) > 0);
    json_array_foreach(vec_list(*state, "keys_judged"), i, v)
    {
        struct bytes ss = vec_hex(v, "ss");
        const char *said = err_name(directory_check(d, directory_size(d), bytes_span(&ss)));

        if (strcmp(said + strlen("ERR_"), vec_text(v, "error")) != 0)
            fail_msg("%s: %s", vec_text(v, "what"), said);
        bytes_free(&ss);
    }
    directory_free(d);
}

static void a_changed_bit_of_a_leaf_is_refused(void **state)
{
    struct directory *d = a_directory(*state);
    const json_t *list = vec_list(*state, "keys_log");
    struct bytes ss = vec_hex(json_array_get(list, json_array_size(list) - 1), "ss");

    directory_free(d);
    for (size_t at = 0; at < ss.len; at++) {
        struct entropy source = entropy_system();
        const json_t *v;
        size_t i;

        if (at % 16)
            continue;
        assert_int_equal(directory_new(DIRECTORY_STATEMENT_TIME, &source, &d), ERR_OK);
        json_array_foreach(list, i, v)
        {
            struct bytes leaf = vec_hex(v, "ss");
            bool last = i + 1 == json_array_size(list);

            if (last)
                leaf.ptr[at] ^= 1;
            assert_true(last != (directory_apply(d, i, 0, bytes_span(&leaf)) == ERR_OK));
            bytes_free(&leaf);
        }
        directory_free(d);
    }
    bytes_free(&ss);
}

static enum err find(void *arg, const uint8_t org[ID_BYTES], const uint8_t kid[KID_BYTES],
                     struct sign_public *pk)
{
    const json_t *file = arg;
    const json_t *v;
    size_t i;

    (void)org;
    json_array_foreach(vec_list(file, "signing_keys"), i, v)
    {
        if (!vec_is(v, "kid", span_of(kid, KID_BYTES)))
            continue;
        vec_fixed(v, "pk", pk->b, sizeof pk->b);
        return ERR_OK;
    }
    return ERR_KEY_UNKNOWN;
}

static void the_circle_is_accepted_from_creation_to_closing(void **state)
{
    const json_t *circle = json_object_get(*state, "circle");
    struct circle_signers signers = {find, *state};
    struct circle *c = NULL;
    uint8_t handle[ID_BYTES];
    const json_t *v;
    size_t i;

    vec_fixed(circle, "handle", handle, sizeof handle);
    assert_int_equal(circle_new(handle, &c), ERR_OK);
    json_array_foreach(vec_list(circle, "chain"), i, v)
    {
        struct bytes ss = vec_hex(v, "ss");
        enum err e = circle_apply(c, bytes_span(&ss), &signers, 0);

        if (e)
            fail_msg("%s: %s", vec_text(v, "what"), err_name(e));
        assert_true(vec_is(v, "link", span_of(circle_head(c), STMT_LINK_BYTES)));
        bytes_free(&ss);
    }
    assert_memory_equal(circle_handle(c), handle, sizeof handle);
    assert_true(circle_closed(c));
    circle_free(c);
}

/* What is said beside the chain, on the head that `after` was. */
static void what_is_judged_gets_the_code_of_the_vector(void **state)
{
    const json_t *circle = json_object_get(*state, "circle");
    const json_t *chain = vec_list(circle, "chain");
    struct circle_signers signers = {find, *state};
    const json_t *v;
    size_t i;

    assert_true(json_array_size(vec_list(circle, "judged")) > 0);
    json_array_foreach(vec_list(circle, "judged"), i, v)
    {
        json_int_t after = json_integer_value(json_object_get(v, "after"));
        struct bytes ss = vec_hex(v, "ss");
        struct circle *c = NULL;
        const char *said;

        assert_int_equal(circle_new(NULL, &c), ERR_OK);
        for (json_int_t n = 0; n <= after; n++) {
            struct bytes link = vec_hex(json_array_get(chain, (size_t)n), "ss");
            assert_int_equal(circle_apply(c, bytes_span(&link), &signers, 0), ERR_OK);
            bytes_free(&link);
        }
        said = err_name(circle_check(c, bytes_span(&ss), &signers, 0));
        if (strcmp(said + strlen("ERR_"), vec_text(v, "error")) != 0)
            fail_msg("%s: %s", vec_text(v, "what"), said);
        bytes_free(&ss);
        circle_free(c);
    }
}

static void statements_hash_to_their_digests(void **state)
{
    static const struct {
        const char *list;
        const char *label;
    } rows[] = {
        {"keys_log", "relais/keys1/stmt" },
        {"chain",    "relais/chain1/stmt"}
    };
    const json_t *places[] = {*state, json_object_get(*state, "circle")};

    for (size_t row = 0; row < 2; row++) {
        const json_t *v;
        size_t i;

        json_array_foreach(vec_list(places[row], rows[row].list), i, v)
        {
            struct bytes ss = vec_hex(v, "ss");
            struct statement s;
            uint8_t digest[64];

            assert_int_equal(statement_parse(bytes_span(&ss), &s), ERR_OK);
            assert_true(vec_is(v, "stmt", s.stmt));
            assert_int_equal(digest_of(rows[row].label, s.stmt, digest, 64), ERR_OK);
            assert_true(vec_is(v, "digest", SPAN_OF(digest)));
            bytes_free(&ss);
        }
    }
}

static void the_fingerprint_is_that_of_the_vector(void **state)
{
    json_t *file = vec_load("hashes.json");
    const json_t *v = json_object_get(file, "fingerprint");
    const json_t *groups = vec_list(v, "groups");
    struct sign_public signing;
    struct box_public transport, prekey;
    struct federation f = {0};
    char text[FINGERPRINT_TEXT];

    (void)state;
    vec_fixed(v, "signing_pk", signing.b, 32);
    vec_fixed(v, "transport_pk", transport.b, 32);
    vec_fixed(v, "first_prekey_pk", prekey.b, 32);
    vec_fixed(v, "hub_transport_pk", f.hub_transport.b, 32);
    vec_fixed(v, "hub_pk", f.hub.b, 32);
    vec_fixed(v, "keys_log_pk", f.keys_log.b, 32);
    vec_fixed(v, "audit_log_pk", f.audit_log.b, 32);
    vec_fixed(v, "registrar_pk", f.registrar.b, 32);
    assert_int_equal(fingerprint_of(&signing, &transport, &prekey, &f, text), ERR_OK);
    for (size_t i = 0; i < 5; i++)
        assert_memory_equal(text + 5 * i, json_string_value(json_array_get(groups, i)), 4);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_keys_log_is_accepted_leaf_by_leaf),
        cmocka_unit_test(what_the_log_is_told_wrongly_gets_the_code_of_the_vector),
        cmocka_unit_test(a_changed_bit_of_a_leaf_is_refused),
        cmocka_unit_test(the_circle_is_accepted_from_creation_to_closing),
        cmocka_unit_test(what_is_judged_gets_the_code_of_the_vector),
        cmocka_unit_test(statements_hash_to_their_digests),
        cmocka_unit_test(the_fingerprint_is_that_of_the_vector),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
