/* Steps 15 and 16 on the frozen vectors: what is committed is what the generator makes, every good
 * body is read, every bad one is refused at its step by its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "envelope.h"
#include "payload.h"
#include "vectors_bad_payload.h"
#include "vectors_load.h"

static struct bytes envelope_of(const json_t *v)
{
    struct bytes whole = vec_hex(v, "envelope");
    size_t zeros = (size_t)vec_uint(v, "then_zeros");

    assert_int_equal(bytes_reserve(&whole, zeros + 1), ERR_OK);
    memset(whole.ptr + whole.len, 0, zeros);
    whole.len += zeros;
    return whole;
}

static void author_of(const json_t *file, const struct env_header *h, struct sign_public *pk)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(file, "directory"), i,
                       row) if (vec_is(row, "org", SPAN_OF(h->from)) &&
                                vec_is(row, "skid", SPAN_OF(h->skid)))
    {
        vec_fixed(row, "pk", pk->b, sizeof pk->b);
        return;
    }
    fail();
}

/* The body, by the receiver's prekey; steps before 11 are another test's. */
static void body_of(const json_t *file, const json_t *v, struct env_header *h, struct bytes *body)
{
    const json_t *receivers = json_object_get(file, "receivers");
    const json_t *prekeys =
        json_object_get(json_object_get(receivers, vec_text(v, "receiver")), "prekeys");
    struct bytes whole = envelope_of(v);
    struct envelope_view view;
    const json_t *row;
    size_t k;

    assert_int_equal(envelope_parse(bytes_span(&whole), &view, h, NULL), ERR_OK);
    for (size_t i = 0; i < h->to_count && !body->ptr; i++)
        json_array_foreach(prekeys, k, row)
        {
            struct secret32 *raw = NULL;
            struct secret_box *key = NULL;

            if (body->ptr || !vec_is(row, "kid", span_of(envelope_kid(&view, i), KID_BYTES)))
                continue;
            assert_int_equal(secret32_new(&raw), ERR_OK);
            vec_fixed(row, "secret", secret32_bytes(raw), KEY_BYTES);
            assert_int_equal(secret_box_from(raw, &key), ERR_OK);
            assert_int_equal(envelope_open(&view, h, i, key, NULL, body, NULL), ERR_OK);
            secret_box_free(key);
            secret32_free(raw);
        }
    assert_non_null(body->ptr);
    bytes_free(&whole);
}

static void the_committed_file_is_what_the_generator_makes(void **state)
{
    char *made = vectors_text(&vectors_payload_file);
    size_t len = strlen(made);
    char *committed = malloc(len + 2);
    FILE *in = fopen("proto/vectors/payload-bad.json", "r");

    (void)state;
    assert_non_null(in);
    assert_non_null(committed);
    if (fread(committed, 1, len + 1, in) != len || memcmp(committed, made, len) != 0)
        fail_msg("payload-bad.json is not what prog_payload_vectors makes today");
    fclose(in);
    free(committed);
    free(made);
}

static void every_good_payload_is_read_and_matches_its_label(void **state)
{
    json_t *file = vec_load("envelope-good.json");
    struct document *d = malloc(sizeof *d);
    const json_t *v;
    size_t i;

    (void)state;
    assert_non_null(d);
    json_array_foreach(json_object_get(file, "vectors"), i, v)
    {
        struct bytes body = {0};
        struct sign_public author;
        struct env_header h;
        enum err e;
        int step = -1;

        body_of(file, v, &h, &body);
        author_of(file, &h, &author);
        e = payload_receive(bytes_span(&body), &h, &author, 0, d, &step);
        if (e)
            fail_msg("%s: %s at step %d", vec_text(v, "name"), err_name(e), step);
        seal_bytes_free(&body);
    }
    assert_true(i >= 15);
    free(d);
    json_decref(file);
}

static void every_bad_payload_is_refused_at_its_step_by_its_name(void **state)
{
    json_t *file = vec_load("payload-bad.json");
    struct document *d = malloc(sizeof *d);
    unsigned steps[2] = {0};
    unsigned wrong = 0;
    const json_t *v;
    size_t i;

    (void)state;
    assert_non_null(d);
    json_array_foreach(json_object_get(file, "vectors"), i, v)
    {
        const json_t *expect = json_object_get(v, "expect");
        struct bytes body = {0};
        struct sign_public author;
        struct env_header h;
        enum err e;
        int step = -1;

        body_of(file, v, &h, &body);
        author_of(file, &h, &author);
        e = payload_receive(bytes_span(&body), &h, &author, 0, d, &step);
        if (step != (int)vec_uint(expect, "step") ||
            strcmp(vec_err(e), vec_text(expect, "error")) != 0) {
            print_error("%s: %s at step %d, not %s at step %d\n", vec_text(v, "name"), vec_err(e),
                        step, vec_text(expect, "error"), (int)vec_uint(expect, "step"));
            wrong++;
        }
        steps[step == STEP_LABEL]++;
        seal_bytes_free(&body);
    }
    assert_int_equal(wrong, 0);
    assert_true(steps[0] >= 60 && steps[1] >= 10);
    free(d);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_committed_file_is_what_the_generator_makes),
        cmocka_unit_test(every_good_payload_is_read_and_matches_its_label),
        cmocka_unit_test(every_bad_payload_is_refused_at_its_step_by_its_name),
    };

    return seal_init() ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
