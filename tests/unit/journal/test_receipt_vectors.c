/* receipts.json against the code: entries, details, receipts, files, acknowledgement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "digest.h"
#include "random.h"
#include "receipt.h"
#include "sign.h"
#include "tlogproof.h"
#include "vectors_load.h"

struct bench {
    json_t *file;
    const json_t *log;
    struct sign_public pk;
};

static int set_up(void **state)
{
    static struct bench b;

    b.file = vec_load("receipts.json");
    b.log = json_object_get(b.file, "log");
    vec_fixed(b.log, "pk", b.pk.b, sizeof b.pk.b);
    *state = &b;
    return seal_init() ? -1 : 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;

    json_decref(b->file);
    return 0;
}

static void every_entry_commits_to_its_detail(void **state)
{
    struct bench *b = *state;
    const json_t *v;
    size_t i;

    json_array_foreach(vec_list(b->log, "leaves"), i, v)
    {
        struct bytes detail = vec_hex(v, "detail");
        struct bytes entry = vec_hex(v, "entry");
        uint8_t salt[SALT_BYTES], c[32], made[32], leaf[32];
        uint64_t type, time_ms;

        vec_fixed(v, "salt", salt, sizeof salt);
        assert_int_equal(entry_decode(bytes_span(&entry), &type, &time_ms, c), ERR_OK);
        assert_int_equal(type, vec_uint(v, "type"));
        assert_int_equal(detail_commit(salt, bytes_span(&detail), made), ERR_OK);
        assert_memory_equal(made, c, sizeof c);
        merkle_leaf_hash(bytes_span(&entry), leaf);
        assert_true(vec_is(v, "leaf_hash", SPAN_OF(leaf)));
        bytes_free(&detail);
        bytes_free(&entry);
    }
}

static void every_detail_comes_back_as_it_was(void **state)
{
    struct bench *b = *state;
    const json_t *v;
    size_t i;

    json_array_foreach(vec_list(b->log, "leaves"), i, v)
    {
        struct bytes bytes = vec_hex(v, "detail");
        struct bytes again = {0};
        struct detail d;

        assert_int_equal(detail_decode(bytes_span(&bytes), &d), ERR_OK);
        assert_int_equal(detail_encode(&d, &again), ERR_OK);
        assert_true(span_equal(bytes_span(&again), bytes_span(&bytes)));
        bytes_free(&again);
        bytes_free(&bytes);
    }
}

static void every_checkpoint_verifies(void **state)
{
    struct bench *b = *state;
    struct note_key key;
    const json_t *v;
    size_t i;

    assert_int_equal(
        note_key_init(&key, span_text(vec_text(b->log, "origin")), NOTE_SIGNED, &b->pk), ERR_OK);
    json_array_foreach(vec_list(b->log, "leaves"), i, v)
    {
        struct checkpoint c;

        assert_int_equal(checkpoint_read(span_text(vec_text(v, "checkpoint_after")), &c), ERR_OK);
        assert_int_equal(checkpoint_verify(&c, &key), ERR_OK);
        assert_int_equal(c.size, i + 1);
        assert_true(vec_is(v, "root_after", SPAN_OF(c.root)));
    }
}

static void every_good_receipt_checks_and_comes_back(void **state)
{
    struct bench *b = *state;
    struct span origin = span_text(vec_text(b->log, "origin"));
    const json_t *v;
    size_t i;

    json_array_foreach(vec_list(b->file, "receipts"), i, v)
    {
        struct bytes bytes = vec_hex(v, "receipt");
        struct bytes again = {0};
        struct receipt_facts facts;
        struct receipt r;

        assert_int_equal(receipt_decode(bytes_span(&bytes), &r), ERR_OK);
        assert_int_equal(receipt_check(&r, origin, &b->pk, &facts), ERR_OK);
        assert_int_equal(facts.type, vec_uint(v, "type"));
        assert_int_equal(r.index, vec_uint(v, "index"));
        assert_int_equal(r.head.size, vec_uint(v, "size"));
        assert_int_equal(receipt_encode(&r, &again), ERR_OK);
        assert_true(span_equal(bytes_span(&again), bytes_span(&bytes)));
        bytes_free(&again);
        bytes_free(&bytes);
    }
}

static void every_receipt_file_is_the_one_we_write(void **state)
{
    struct bench *b = *state;
    const json_t *leaves = vec_list(b->log, "leaves");
    const json_t *v;
    size_t i;

    json_array_foreach(vec_list(b->file, "receipts"), i, v)
    {
        struct bytes bytes = vec_hex(v, "receipt");
        const char *note =
            vec_text(json_array_get(leaves, vec_uint(v, "size") - 1), "checkpoint_after");
        struct bytes extra = {0};
        struct bytes text = {0};
        struct receipt r;

        assert_int_equal(receipt_decode(bytes_span(&bytes), &r), ERR_OK);
        assert_int_equal(receipt_extra_encode(&r, &extra), ERR_OK);
        assert_int_equal(
            tlog_proof_write(bytes_span(&extra), r.index, &r.inclusion, span_text(note), &text),
            ERR_OK);
        assert_true(span_equal(bytes_span(&text), span_text(vec_text(v, "file"))));
        bytes_free(&extra);
        bytes_free(&text);
        bytes_free(&bytes);
    }
}

static void every_bad_receipt_is_refused(void **state)
{
    struct bench *b = *state;
    struct span origin = span_text(vec_text(b->log, "origin"));
    const json_t *v;
    size_t i;

    json_array_foreach(vec_list(b->file, "bad_receipts"), i, v)
    {
        struct bytes bytes = vec_hex(v, "receipt");
        struct receipt_facts facts;
        struct receipt r;
        enum err e = receipt_decode(bytes_span(&bytes), &r);

        if (!e)
            e = receipt_check(&r, origin, &b->pk, &facts);
        if (strcmp(err_name(e) + strlen("ERR_"), vec_text(v, "error")) != 0)
            fail_msg("%s: %s, not %s", vec_text(v, "what"), err_name(e), vec_text(v, "error"));
        bytes_free(&bytes);
    }
}

/* The claim that an entry of type delivered says its member signed. */
static enum err delivered_digest(const struct detail *d, uint8_t digest[64])
{
    struct ack_claim claim = {.upto = d->upto, .count = (uint32_t)d->count};

    assert_int_equal(d->about.len, 2 * ID_BYTES + 8);
    memcpy(claim.federation, d->about.ptr, ID_BYTES);
    memcpy(claim.hub, d->about.ptr + ID_BYTES, ID_BYTES);
    for (size_t i = 0; i < 8; i++)
        claim.after = claim.after << 8 | d->about.ptr[2 * ID_BYTES + i];
    memcpy(claim.org, d->by_org, ID_BYTES);
    memcpy(claim.node, d->by_node, ID_BYTES);
    memcpy(claim.root, d->root, sizeof claim.root);
    return ack_digest(&claim, digest);
}

static enum err member_signed(struct bench *b, const json_t *v)
{
    struct bytes bytes = vec_hex(v, "receipt");
    struct receipt_facts facts;
    struct sign_public pk;
    struct receipt r;
    uint8_t digest[64];
    enum err e;

    assert_int_equal(receipt_decode(bytes_span(&bytes), &r), ERR_OK);
    assert_int_equal(receipt_check(&r, span_text(vec_text(b->log, "origin")), &b->pk, &facts),
                     ERR_OK);
    vec_fixed(json_object_get(b->file, facts.type == AUDIT_RECALLED ? "recall" : "ack"), "pk", pk.b,
              sizeof pk.b);
    if (facts.type == AUDIT_RECALLED) {
        assert_int_equal(digest_of("relais/recall1/stmt", facts.detail.about, digest, 64), ERR_OK);
        e = verify_digest(SIGN_RECALL, &pk, digest, facts.detail.sig);
    } else if (facts.type == AUDIT_DELIVERED) {
        assert_int_equal(delivered_digest(&facts.detail, digest), ERR_OK);
        e = verify_digest(SIGN_ACK, &pk, digest, facts.detail.sig);
    } else {
        assert_int_equal(facts.type, AUDIT_OPENED);
        assert_int_equal(digest_of("relais/report1/stmt", facts.detail.about, digest, 64), ERR_OK);
        e = verify_digest(SIGN_REPORT, &pk, digest, facts.detail.sig);
    }
    bytes_free(&bytes);
    return e;
}

static void what_a_member_signed_is_in_its_receipts(void **state)
{
    struct bench *b = *state;
    unsigned found = 0;
    const json_t *v;
    size_t i;

    json_array_foreach(vec_list(b->file, "receipts"), i, v)
    {
        if (vec_uint(v, "type") != AUDIT_DELIVERED && vec_uint(v, "type") != AUDIT_OPENED &&
            vec_uint(v, "type") != AUDIT_RECALLED)
            continue;
        assert_int_equal(member_signed(b, v), ERR_OK);
        found++;
    }
    assert_int_equal(found, 4);
}

static void what_a_hub_puts_in_a_members_mouth_is_seen(void **state)
{
    struct bench *b = *state;
    const json_t *v;
    size_t i;

    json_array_foreach(vec_list(b->file, "bad_member_signatures"), i, v)
        assert_int_equal(member_signed(b, v), ERR_FORGED);
}

static void the_acknowledgement_is_what_its_member_signed(void **state)
{
    struct bench *b = *state;
    const json_t *ack = json_object_get(b->file, "ack");
    struct ack_claim claim = {.after = vec_uint(ack, "after"),
                              .upto = vec_uint(ack, "up_to"),
                              .count = (uint32_t)vec_uint(ack, "count")};
    struct sign_public pk;
    uint8_t digest[DIGEST_BYTES];
    uint8_t sig[SIG_BYTES];

    vec_fixed(ack, "federation", claim.federation, ID_BYTES);
    vec_fixed(ack, "hub_incarnation", claim.hub, ID_BYTES);
    vec_fixed(ack, "org", claim.org, ID_BYTES);
    vec_fixed(ack, "node", claim.node, ID_BYTES);
    vec_fixed(ack, "root", claim.root, 32);
    vec_fixed(ack, "pk", pk.b, sizeof pk.b);
    vec_fixed(ack, "sig", sig, sizeof sig);
    assert_int_equal(ack_digest(&claim, digest), ERR_OK);
    assert_true(vec_is(ack, "digest", SPAN_OF(digest)));
    assert_int_equal(verify_digest(SIGN_ACK, &pk, digest, sig), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_commits_to_its_detail),
        cmocka_unit_test(every_detail_comes_back_as_it_was),
        cmocka_unit_test(every_checkpoint_verifies),
        cmocka_unit_test(every_good_receipt_checks_and_comes_back),
        cmocka_unit_test(every_receipt_file_is_the_one_we_write),
        cmocka_unit_test(every_bad_receipt_is_refused),
        cmocka_unit_test(what_a_member_signed_is_in_its_receipts),
        cmocka_unit_test(what_a_hub_puts_in_a_members_mouth_is_seen),
        cmocka_unit_test(the_acknowledgement_is_what_its_member_signed),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
