/* witnesses.json against the code: what is cosigned, what is proven, what is said about it, and how
 * an epoch begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "checkpoint.h"
#include "messages.h"
#include "receipt.h"
#include "vectors_load.h"

static int set_up(void **state)
{
    *state = vec_load("witnesses.json");
    return seal_init() ? -1 : 0;
}

static int tear_down(void **state)
{
    json_decref(*state);
    return 0;
}

static uint64_t number(const json_t *v, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(v, key));
}

static void fixed(const json_t *v, const char *key, uint8_t *out, size_t size)
{
    struct bytes raw = vec_hex(v, key);

    assert_int_equal(raw.len, size);
    memcpy(out, raw.ptr, size);
    bytes_free(&raw);
}

static void expect(const json_t *v, enum err e)
{
    const char *wanted = json_string_value(json_object_get(v, "error"));

    if (strcmp(e ? err_name(e) + strlen("ERR_") : "OK", wanted ? wanted : "OK") != 0)
        fail_msg("%s: %s", vec_text(v, "what"), err_name(e));
}

static enum err cosignature_of(const json_t *v)
{
    struct sign_public pk;
    uint8_t root[32];
    uint8_t sig[SIG_BYTES];

    fixed(v, "pk", pk.b, sizeof pk.b);
    fixed(v, "root", root, sizeof root);
    fixed(v, "sig", sig, sizeof sig);
    return cosignature_verify(span_text(vec_text(v, "origin")), number(v, "size"), root,
                              number(v, "time"), &pk, sig);
}

static void line_is_the_vectors(const json_t *v)
{
    struct sign_public pk;
    struct bytes line = {0};
    uint8_t sig[SIG_BYTES];

    fixed(v, "pk", pk.b, sizeof pk.b);
    fixed(v, "sig", sig, sizeof sig);
    assert_int_equal(
        cosignature_line(span_text(vec_text(v, "name")), &pk, number(v, "time"), sig, &line),
        ERR_OK);
    assert_true(span_equal(bytes_span(&line), span_text(vec_text(v, "line"))));
    bytes_free(&line);
}

static void cosignatures_are_what_the_vectors_say(void **state)
{
    const json_t *v;
    size_t i;

    json_array_foreach(vec_list(*state, "cosignatures"), i, v)
    {
        expect(v, cosignature_of(v));
        line_is_the_vectors(v);
    }
    json_array_foreach(vec_list(*state, "bad_cosignatures"), i, v) expect(v, cosignature_of(v));
    assert_true(i > 0);
}

static enum err consistency_of(const json_t *v)
{
    const json_t *hashes = json_object_get(v, "hashes"); /* may be empty */
    struct merkle_proof proof = {.count = json_array_size(hashes)};
    uint8_t from[32], to[32];

    fixed(v, "from_root", from, sizeof from);
    fixed(v, "to_root", to, sizeof to);
    for (size_t i = 0; i < proof.count; i++) {
        struct bytes raw = {0};

        assert_int_equal(hex_read(&raw, span_text(json_string_value(json_array_get(hashes, i)))),
                         ERR_OK);
        memcpy(proof.hash[i], raw.ptr, 32);
        bytes_free(&raw);
    }
    return merkle_verify_consistency(number(v, "from"), from, number(v, "to"), to, &proof);
}

static void proofs_are_what_the_vectors_say(void **state)
{
    const json_t *v;
    size_t i;

    json_array_foreach(vec_list(*state, "consistency"), i, v) expect(v, consistency_of(v));
    assert_true(i > 0);
    json_array_foreach(vec_list(*state, "bad_consistency"), i, v) expect(v, consistency_of(v));
    assert_true(i > 0);
}

static enum err message_of(const json_t *v, bool again)
{
    struct bytes frame = vec_hex(v, "frame");
    bool by_node = frame.ptr[1] == MSG_CONSISTENCY || frame.ptr[1] == MSG_COSIGN;
    struct bytes made = {0};
    struct message m;
    enum err e = message_decode(bytes_span(&frame), by_node ? SENT_BY_NODE : SENT_BY_HUB, &m);

    if (again) {
        assert_int_equal(e, ERR_OK);
        assert_int_equal(message_encode(&m, &made), ERR_OK);
        assert_true(span_equal(bytes_span(&made), bytes_span(&frame)));
    }
    bytes_free(&made);
    bytes_free(&frame);
    return e;
}

static void messages_are_read_and_written_as_the_vectors_say(void **state)
{
    const json_t *v;
    size_t i;

    json_array_foreach(vec_list(*state, "messages"), i, v) expect(v, message_of(v, true));
    assert_true(i > 0);
    json_array_foreach(vec_list(*state, "bad_messages"), i, v) expect(v, message_of(v, false));
    assert_true(i > 0);
}

/* As a node judges it (node/contacts_audit.c): the receipt, then what the leaf says. */
static enum err opening_of(const json_t *file, const json_t *v)
{
    struct bytes raw = vec_hex(v, "receipt");
    struct receipt_facts f;
    struct sign_public log;
    struct receipt r;
    enum err e;

    fixed(file, "audit_log", log.b, sizeof log.b);
    if (!(e = receipt_decode(bytes_span(&raw), &r)))
        e = receipt_check(&r, span_text(vec_text(v, "origin")), &log, &f);
    if (!e && (f.type != AUDIT_EPOCH || r.index != 0 || f.detail.lost < f.detail.common))
        e = ERR_EPOCH;
    bytes_free(&raw);
    return e;
}

static void the_first_leaf_of_an_epoch_is_what_the_vectors_say(void **state)
{
    const json_t *v;
    size_t i;

    json_array_foreach(vec_list(*state, "openings"), i, v) expect(v, opening_of(*state, v));
    assert_true(i > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cosignatures_are_what_the_vectors_say),
        cmocka_unit_test(proofs_are_what_the_vectors_say),
        cmocka_unit_test(messages_are_read_and_written_as_the_vectors_say),
        cmocka_unit_test(the_first_leaf_of_an_epoch_is_what_the_vectors_say),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
