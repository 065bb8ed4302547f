/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
/* Receipts: what they prove, and every way in which they must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "checkpoint.h"
#include "digest.h"
#include "failing_alloc.h"
#include "receipt.h"

#define LEAVES 11
#define COVERED 5
#define ORIGIN "essai.exemple/audit/2026"

struct log {
    struct secret_sign *key;
    struct bytes entry[LEAVES];
    struct bytes detail[LEAVES];
    uint8_t salt[LEAVES][SALT_BYTES];
    uint8_t leaf[LEAVES][32];
    uint8_t covered[COVERED][32];
};

static enum err subtree(void *arg, unsigned level, uint64_t index, uint8_t out[32])
{
    uint8_t(*leaf)[32] = arg;
    uint8_t left[32];
    uint8_t right[32];

    if (level == 0) {
        memcpy(out, leaf[index], 32);
        return ERR_OK;
    }
    if (subtree(arg, level - 1, 2 * index, left) || subtree(arg, level - 1, 2 * index + 1, right))
        return ERR_INTERNAL;
    merkle_node_hash(left, right, out);
    return ERR_OK;
}

static void fill_mid(size_t i, uint8_t mid[ID_BYTES], uint8_t digest[DIGEST_BYTES])
{
    memset(mid, (int)(0x10 + i), ID_BYTES);
    memset(digest, (int)(0x40 + i), DIGEST_BYTES);
}

static struct detail delivered_detail(struct log *l)
{
    struct merkle_source source = {subtree, l->covered};
    struct detail d = {.has = RD_KEY(DETAIL_ROOT) | RD_KEY(DETAIL_COUNT), .count = COVERED};

    for (size_t i = 0; i < COVERED; i++) {
        uint8_t mid[ID_BYTES];
        uint8_t digest[DIGEST_BYTES];

        fill_mid(i, mid, digest);
        receipt_path_leaf(mid, digest, l->covered[i]);
    }
    assert_int_equal(merkle_root(&source, COVERED, d.root), ERR_OK);
    return d;
}

static struct detail detail_at(struct log *l, size_t i)
{
    struct detail d = {.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_TO) | RD_KEY(DETAIL_CODE) |
                              RD_KEY(DETAIL_N),
                       .to_count = 2,
                       .code = 123,
                       .n = i};

    if (i == 4)
        return delivered_detail(l);
    memset(d.mid, (int)i, sizeof d.mid);
    memset(d.to, (int)i + 1, sizeof d.to);
    return d;
}

static int log_up(void **state)
{
    struct log *l = calloc(1, sizeof *l);
    static const uint8_t seed[SEED_BYTES] = {7};
    struct entropy_seed e;
    struct entropy source = entropy_seeded(seed, &e);

    assert_non_null(l);
    assert_int_equal(secret_sign_generate(&source, &l->key), ERR_OK);
    for (size_t i = 0; i < LEAVES; i++) {
        struct detail d = detail_at(l, i);
        uint8_t c[32];

        memset(l->salt[i], (int)(100 + i), SALT_BYTES);
        assert_int_equal(detail_encode(&d, &l->detail[i]), ERR_OK);
        assert_int_equal(detail_commit(l->salt[i], bytes_span(&l->detail[i]), c), ERR_OK);
        assert_int_equal(
            entry_encode(i == 4 ? AUDIT_DELIVERED : AUDIT_ACCEPTED, 1000 + i, c, &l->entry[i]),
            ERR_OK);
        sha256_leaf(bytes_span(&l->entry[i]), l->leaf[i]);
    }
    *state = l;
    return 0;
}

static int log_down(void **state)
{
    struct log *l = *state;

    for (size_t i = 0; i < LEAVES; i++) {
        bytes_free(&l->entry[i]);
        bytes_free(&l->detail[i]);
    }
    secret_sign_free(l->key);
    free(l);
    return 0;
}

static struct receipt receipt_of(struct log *l, size_t i)
{
    struct merkle_source source = {subtree, l->leaf};
    struct merkle_source acked = {subtree, l->covered};
    struct receipt r = {.log = LOG_AUDIT,
                        .index = i,
                        .entry = bytes_span(&l->entry[i]),
                        .detail = bytes_span(&l->detail[i]),
                        .head = {.size = LEAVES}};
    struct bytes body = {0};

    memcpy(r.salt, l->salt[i], SALT_BYTES);
    assert_int_equal(merkle_root(&source, LEAVES, r.head.root), ERR_OK);
    assert_int_equal(merkle_inclusion(&source, i, LEAVES, &r.inclusion), ERR_OK);
    assert_int_equal(checkpoint_body(SPAN_STR(ORIGIN), LEAVES, r.head.root, &body), ERR_OK);
    assert_int_equal(sign_note(l->key, bytes_span(&body), r.head.sig), ERR_OK);
    bytes_free(&body);
    if (i == 4) {
        r.has_path = true;
        r.path.index = 3;
        r.path.count = COVERED;
        fill_mid(3, r.path.mid, r.path.digest);
        assert_int_equal(merkle_inclusion(&acked, 3, COVERED, &r.path.proof), ERR_OK);
    }
    return r;
}

static enum err verdict(struct log *l, const struct receipt *r)
{
    struct receipt_facts facts;

    return receipt_check(r, SPAN_STR(ORIGIN), secret_sign_public(l->key), &facts);
}

static void every_leaf_of_the_log_is_proven(void **state)
{
    struct log *l = *state;

    for (size_t i = 0; i < LEAVES; i++) {
        struct receipt r = receipt_of(l, i);
        struct receipt_facts facts;

        assert_int_equal(receipt_check(&r, SPAN_STR(ORIGIN), secret_sign_public(l->key), &facts),
                         ERR_OK);
        assert_int_equal(facts.time_ms, 1000 + i);
    }
}

static void a_receipt_comes_back_as_it_was_written(void **state)
{
    struct log *l = *state;

    for (size_t i = 0; i < LEAVES; i++) {
        struct receipt r = receipt_of(l, i);
        struct bytes once = {0}, twice = {0}, extra = {0};
        struct receipt read;

        assert_int_equal(receipt_encode(&r, &once), ERR_OK);
        assert_int_equal(receipt_decode(bytes_span(&once), &read), ERR_OK);
        assert_int_equal(verdict(l, &read), ERR_OK);
        assert_int_equal(receipt_encode(&read, &twice), ERR_OK);
        assert_true(span_equal(bytes_span(&once), bytes_span(&twice)));
        assert_int_equal(receipt_extra_encode(&r, &extra), ERR_OK);
        assert_int_equal(receipt_extra_decode(bytes_span(&extra), &read), ERR_OK);
        assert_int_equal(read.has_path, i == 4);
        assert_true(span_equal(read.detail, r.detail));
        bytes_free(&once);
        bytes_free(&twice);
        bytes_free(&extra);
    }
}

static void every_single_byte_change_is_refused(void **state)
{
    struct log *l = *state;
    struct bytes wire = {0};
    struct receipt r = receipt_of(l, 4);
    struct receipt read;
    size_t refused = 0;

    assert_int_equal(receipt_encode(&r, &wire), ERR_OK);
    for (size_t i = 0; i < wire.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            wire.ptr[i] ^= (uint8_t)(1 << bit);
            if (receipt_decode(bytes_span(&wire), &read) != ERR_OK || read.log != LOG_AUDIT ||
                verdict(l, &read) != ERR_OK)
                refused++;
            wire.ptr[i] ^= (uint8_t)(1 << bit);
        }
    }
    assert_int_equal(refused, wire.len * 8);
    bytes_free(&wire);
}

static void a_path_belongs_to_its_ack_and_to_nothing_else(void **state)
{
    struct log *l = *state;
    struct receipt r = receipt_of(l, 4);
    struct receipt without = receipt_of(l, 4);
    struct receipt accepted = receipt_of(l, 3);

    without.has_path = false;
    assert_int_equal(verdict(l, &without), ERR_PROOF);
    accepted.has_path = true;
    accepted.path = r.path;
    assert_int_equal(verdict(l, &accepted), ERR_PROOF);
    fill_mid(2, r.path.mid, r.path.digest); /* another message of the same ACK */
    assert_int_equal(verdict(l, &r), ERR_PROOF);
    r = receipt_of(l, 4);
    r.path.count = COVERED + 1;
    assert_int_equal(verdict(l, &r), ERR_PROOF);
}

static void another_log_key_or_origin_proves_nothing(void **state)
{
    struct log *l = *state;
    struct receipt r = receipt_of(l, 2);
    struct sign_public other = *secret_sign_public(l->key);
    struct receipt_facts facts;

    other.b[0] ^= 1;
    assert_int_equal(receipt_check(&r, SPAN_STR(ORIGIN), &other, &facts), ERR_CHECKPOINT);
    assert_int_equal(
        receipt_check(&r, SPAN_STR("autre/audit/2026"), secret_sign_public(l->key), &facts),
        ERR_CHECKPOINT);
}

static void a_detail_beyond_its_limits_is_not_written(void **state)
{
    static uint8_t large[4097];
    struct detail d = {.has = RD_KEY(DETAIL_ABOUT), .about = SPAN_OF(large)};
    struct receipt r = {.log = LOG_AUDIT, .inclusion = {.count = MERKLE_PROOF_MAX + 1}};
    struct bytes out = {0};

    (void)state;
    assert_int_equal(detail_encode(&d, &out), ERR_SIZE);
    d = (struct detail){.has = RD_KEY(DETAIL_TO), .to_count = 65};
    assert_int_equal(detail_encode(&d, &out), ERR_SIZE);
    assert_int_equal(receipt_encode(&r, &out), ERR_SIZE);
}

static void an_unknown_key_of_a_detail_is_refused_unless_it_may_be_ignored(void **state)
{
    static const uint8_t below[] = {0x81, 0x3f, 0xc0};
    static const uint8_t above[] = {0x81, 0x40, 0xc0};
    struct detail d;

    (void)state;
    assert_int_equal(detail_decode(SPAN_OF(below), &d), ERR_FIELD_UNKNOWN);
    assert_int_equal(detail_decode(SPAN_OF(above), &d), ERR_OK);
    assert_int_equal(d.has, 0);
}

static void the_extra_of_another_version_is_refused_by_name(void **state)
{
    struct log *l = *state;
    struct receipt r = receipt_of(l, 1);
    struct bytes extra = {0};

    assert_int_equal(receipt_extra_encode(&r, &extra), ERR_OK);
    extra.ptr[1] = 2;
    assert_int_equal(receipt_extra_decode(bytes_span(&extra), &r), ERR_VERSION);
    bytes_free(&extra);
}

static void every_field_of_an_acknowledgement_is_signed(void **state)
{
    struct ack_claim a = {.after = 1, .upto = 2, .count = 3};
    uint8_t first[DIGEST_BYTES];
    uint8_t other[DIGEST_BYTES];
    uint8_t *at = (uint8_t *)&a;
    size_t changed = 0;

    (void)state;
    assert_int_equal(ack_digest(&a, first), ERR_OK);
    for (size_t i = 0; i < offsetof(struct ack_claim, root) + sizeof a.root; i++) {
        at[i] ^= 1;
        assert_int_equal(ack_digest(&a, other), ERR_OK);
        if (memcmp(first, other, sizeof first) != 0)
            changed++;
        at[i] ^= 1;
    }
    assert_int_equal(changed, offsetof(struct ack_claim, root) + sizeof a.root);
}

static void nothing_is_made_or_believed_without_memory(void **state)
{
    struct log *l = *state;
    struct receipt r = receipt_of(l, 4);
    struct receipt_facts facts;
    size_t failed = 0;

    for (long n = 1;; n++) {
        struct bytes out = {0};
        enum err e;

        alloc_fail_after(n);
        e = receipt_encode(&r, &out);
        if (!e)
            e = receipt_extra_encode(&r, &out);
        if (!e)
            e = receipt_check(&r, SPAN_STR(ORIGIN), secret_sign_public(l->key), &facts);
        alloc_fail_after(-1);
        bytes_free(&out);
        if (e == ERR_OK)
            break;
        assert_int_equal(e, ERR_NOMEM);
        failed++;
    }
    assert_true(failed > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_leaf_of_the_log_is_proven),
        cmocka_unit_test(a_receipt_comes_back_as_it_was_written),
        cmocka_unit_test(every_single_byte_change_is_refused),
        cmocka_unit_test(a_path_belongs_to_its_ack_and_to_nothing_else),
        cmocka_unit_test(another_log_key_or_origin_proves_nothing),
        cmocka_unit_test(a_detail_beyond_its_limits_is_not_written),
        cmocka_unit_test(an_unknown_key_of_a_detail_is_refused_unless_it_may_be_ignored),
        cmocka_unit_test(the_extra_of_another_version_is_refused_by_name),
        cmocka_unit_test(every_field_of_an_acknowledgement_is_signed),
        cmocka_unit_test(nothing_is_made_or_believed_without_memory),
    };

    if (seal_init())
        return 1;
    return cmocka_run_group_tests(tests, log_up, log_down);
}
