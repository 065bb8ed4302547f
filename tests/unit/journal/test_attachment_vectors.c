/* attachments.json against the code: sizes, chunks and addresses, what is offered for a file, and
 * the messages about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attfile.h"
#include "messages.h"
#include "proctree.h"
#include "random.h"
#include "vectors_load.h"

#define KEY ATTACHMENT_KEY_BYTES
#define HASH ATTACHMENT_HASH_BYTES

static char dir[64];

static int set_up(void **state)
{
    snprintf(dir, sizeof dir, "/tmp/attvectors-XXXXXX");
    *state = vec_load("attachments.json");
    return mkdtemp(dir) && !seal_init() ? 0 : -1;
}

static int tear_down(void **state)
{
    json_decref(*state);
    tree_remove(dir);
    return 0;
}

static void expect(const json_t *v, enum err e)
{
    const char *wanted = vec_text(v, "error");

    if (strcmp(e ? err_name(e) + strlen("ERR_") : "OK", wanted) != 0)
        fail_msg("%s: %s", vec_text(v, "what"), err_name(e));
}

static void sizes_are_what_the_vectors_say(void **state)
{
    const json_t *v;
    size_t i;

    json_array_foreach(vec_list(*state, "sizes"), i, v)
    {
        uint64_t size = vec_uint(v, "size");

        assert_int_equal(attachment_sealed_size(vec_uint(v, "plain")), size);
        assert_int_equal(attachment_plain_size(size), vec_uint(v, "plain"));
        assert_int_equal(attachment_chunks(size), vec_uint(v, "chunks"));
    }
    assert_true(i > 0);
    json_array_foreach(vec_list(*state, "bad_sizes"), i, v)
    {
        assert_int_equal(attachment_chunks(vec_uint(v, "size")), 0);
        assert_int_equal(attachment_plain_size(vec_uint(v, "size")), 0);
    }
    assert_true(i > 0);
}

/* Chunk i of a file of the vectors, by our own hand; its length. */
static size_t chunk_of(const json_t *file, uint32_t i, uint8_t *out)
{
    uint64_t plain = vec_uint(file, "plain");
    uint64_t size = attachment_sealed_size(plain);
    uint32_t len = attachment_chunk_len(size, i);
    uint8_t key[KEY], content[32];

    vec_fixed(file, "key", key, sizeof key);
    vec_fixed(file, "content", content, sizeof content);
    for (uint32_t at = 0; at < len - ATTACHMENT_TAG_BYTES; at++)
        out[at] = content[((uint64_t)i * ATTACHMENT_PLAIN + at) % sizeof content];
    attachment_seal(key, i, i + 1 == attachment_chunks(size),
                    span_of(out, len - ATTACHMENT_TAG_BYTES), out);
    return len;
}

static void files_become_the_chunks_of_the_vectors(void **state)
{
    static uint8_t room[ATTACHMENT_CHUNK];
    const json_t *v, *chunk;
    size_t n, i;

    json_array_foreach(vec_list(*state, "files"), n, v)
    {
        struct bytes hashes = {0};
        uint8_t address[ATTACHMENT_ADDRESS_BYTES];

        json_array_foreach(vec_list(v, "chunks"), i, chunk)
        {
            size_t len = chunk_of(v, (uint32_t)i, room);
            uint8_t hash[HASH];

            assert_int_equal(len, vec_uint(chunk, "bytes"));
            assert_true(vec_is(chunk, "tag",
                               span_of(room + len - ATTACHMENT_TAG_BYTES, ATTACHMENT_TAG_BYTES)));
            assert_int_equal(attachment_hash((uint32_t)i, span_of(room, len), hash), ERR_OK);
            assert_true(vec_is(chunk, "hash", SPAN_OF(hash)));
            assert_int_equal(bytes_append(&hashes, SPAN_OF(hash)), ERR_OK);
        }
        assert_int_equal(i, attachment_chunks(vec_uint(v, "size")));
        assert_int_equal(attachment_address(vec_uint(v, "size"), bytes_span(&hashes), address),
                         ERR_OK);
        assert_true(vec_is(v, "address", SPAN_OF(address)));
        bytes_free(&hashes);
    }
    assert_true(n > 0);
}

/* --- what is offered ----------------------------------------------------------------------------
 */

static const json_t *file_named(const json_t *all, const char *name)
{
    const json_t *v;
    size_t i;

    json_array_foreach(vec_list(all, "files"), i,
                       v) if (strcmp(vec_text(v, "what"), name) == 0) return v;
    fail_msg("no file %s", name);
    return NULL;
}

static struct span offer_of(const json_t *all, const json_t *offer, uint8_t *room)
{
    const json_t *file = file_named(all, vec_text(offer, "file"));
    size_t len = chunk_of(file, (uint32_t)vec_uint(offer, "chunk"), room);
    size_t more = (size_t)vec_uint(offer, "then_zeros");

    if (json_object_get(offer, "flip"))
        room[vec_uint(offer, "flip")] ^= 1;
    memset(room + len, 0, more);
    return span_of(room, len + more - (size_t)vec_uint(offer, "cut"));
}

static enum err file_begun(const json_t *v, struct attfile **f)
{
    const json_t *list = vec_list(v, "hashes");
    struct attfile_facts facts = {.size = vec_uint(v, "size")};
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
    struct bytes hashes = {0};
    enum err e = ERR_OK;

    vec_fixed(v, "address", facts.address, sizeof facts.address);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct bytes raw = {0};

        assert_int_equal(hex_read(&raw, span_text(json_string_value(json_array_get(list, i)))),
                         ERR_OK);
        assert_int_equal(bytes_append(&hashes, bytes_span(&raw)), ERR_OK);
        bytes_free(&raw);
    }
    if (attachment_chunks(facts.size) == 0)
        e = ERR_FIELD_VALUE;
    else if (!(e = attachment_address(facts.size, bytes_span(&hashes), address)))
        e = attfile_create(dir, &facts, bytes_span(&hashes), f);
    bytes_free(&hashes);
    return e;
}

static enum err file_opened(const json_t *v, struct attfile *f, uint8_t *room, uint64_t *opens)
{
    uint8_t key[KEY];
    struct span chunk;
    enum err e = ERR_OK;

    vec_fixed(v, "key", key, sizeof key);
    for (uint32_t i = 0; i < attfile_next(f); i++) {
        assert_int_equal(attfile_read(f, i, room, &chunk), ERR_OK);
        if ((e = attachment_open(key, i, i + 1 == attfile_count(f), chunk, room)))
            break;
        ++*opens;
    }
    return e;
}

/* As the hub, and then a recipient, does it. */
static void judge(const json_t *all, const json_t *v)
{
    static uint8_t room[ATTACHMENT_CHUNK + ATTACHMENT_TAG_BYTES];
    struct attfile *f = NULL;
    enum err e = file_begun(v, &f);
    uint32_t next = 0;
    uint64_t opens = 0;
    bool whole = false;
    const json_t *offer;
    size_t i;

    if (f) {
        json_array_foreach(vec_list(v, "offers"), i, offer)
        {
            e = attfile_write(f, (uint32_t)vec_uint(offer, "as"), offer_of(all, offer, room));
            if (e && e != ERR_AGAIN)
                break;
            e = ERR_OK;
        }
        next = attfile_next(f);
        whole = next == attfile_count(f);
        assert_int_equal(attfile_finish(f), whole ? ERR_OK : ERR_AGAIN);
        if (!e)
            e = file_opened(v, f, room, &opens);
    }
    attfile_discard(f);
    expect(v, e);
    assert_int_equal(next, vec_uint(v, "next"));
    assert_int_equal(opens, vec_uint(v, "opens"));
    assert_true(whole == json_is_true(json_object_get(v, "whole")));
}

static void what_is_offered_is_taken_and_opened_as_the_vectors_say(void **state)
{
    const json_t *v;
    size_t i, refused = 0;

    json_array_foreach(vec_list(*state, "offered"), i, v)
    {
        judge(*state, v);
        refused += strcmp(vec_text(v, "error"), "OK") != 0;
    }
    assert_true(refused > 20);
}

/* --- messages -----------------------------------------------------------------------------------
 */

static struct bytes frame_of(const json_t *v)
{
    struct bytes frame = vec_hex(v, "frame");
    size_t zeros = (size_t)vec_uint(v, "then_zeros");

    assert_int_equal(bytes_reserve(&frame, zeros + 1), ERR_OK);
    memset(frame.ptr + frame.len, 0, zeros);
    frame.len += zeros;
    return frame;
}

static enum err message_of(const json_t *v, struct bytes *again)
{
    bool by_hub = strcmp(vec_text(v, "from"), "hub") == 0;
    struct bytes frame = frame_of(v);
    struct message m;
    enum err e = message_decode(bytes_span(&frame), by_hub ? SENT_BY_HUB : SENT_BY_NODE, &m);

    if (again && !e) {
        assert_int_equal(message_encode(&m, again), ERR_OK);
        assert_true(span_equal(bytes_span(again), bytes_span(&frame)));
    }
    bytes_free(&frame);
    return e;
}

static void messages_are_read_and_written_as_the_vectors_say(void **state)
{
    struct bytes again = {0};
    const json_t *v;
    size_t i;

    json_array_foreach(vec_list(*state, "messages"), i, v)
        assert_int_equal(message_of(v, &again), ERR_OK);
    assert_true(i > 0);
    json_array_foreach(vec_list(*state, "bad_messages"), i, v) expect(v, message_of(v, NULL));
    assert_true(i > 20);
    bytes_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_what_the_vectors_say),
        cmocka_unit_test(files_become_the_chunks_of_the_vectors),
        cmocka_unit_test(what_is_offered_is_taken_and_opened_as_the_vectors_say),
        cmocka_unit_test(messages_are_read_and_written_as_the_vectors_say),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
