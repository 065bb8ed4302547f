#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "header.h"

#define NOW UINT64_C(1767609000000)

static void fill(uint8_t *out, size_t n, uint8_t with)
{
    memset(out, with, n);
}

static struct env_header a_header(void)
{
    struct env_header h = {
        .suite = 1,
        .type = ENVELOPE_SHEET,
        .to_count = 2,
        .ts = NOW,
        .exp = NOW + 1000,
        .seq = 7,
        .class_mask = CLASS_ALL,
        .basis = BASIS_ECHANGE,
        .purpose = 7,
        .status = MODE_REAL,
        .sign = 1,
        .scat = CATEGORY_HEALTH,
        .rcat = {1, 3}
    };

    fill(h.mid, ID_BYTES, 2);
    fill(h.from, ID_BYTES, 4);
    fill(h.skid, ID_BYTES, 5);
    fill(h.to[0], ID_BYTES, 6);
    fill(h.to[1], ID_BYTES, 7);
    fill(h.circle, ID_BYTES, 10);
    fill(h.actor, ID_BYTES, 22);
    h.keys_head.size = 9;
    fill(h.keys_head.root, 32, 20);
    fill(h.audit_head.sig, 64, 21);
    return h;
}

static struct env_header a_full_header(void)
{
    struct env_header h = a_header();

    h.basis = BASIS_CONSENTI;
    h.has_consent = true;
    h.consent = UINT64_MAX;
    h.has_re = true;
    fill(h.re, ID_BYTES, 18);
    h.has_notice = true;
    h.notice = 3;
    h.prio = 1;
    h.has_deputy = true;
    h.deputy_count = 1;
    h.deputy[0] = (struct env_deputy){0, DEPUTY_AFTER_MIN_S};
    return h;
}

static struct bytes encoded(const struct env_header *h)
{
    struct bytes out = {0};
    struct writer w;

    wr_init(&w);
    header_encode(&w, h);
    assert_int_equal(wr_take(&w, &out), ERR_OK);
    return out;
}

static enum err decode(struct span hdr, struct env_header *out)
{
    struct reader r = reader_over(hdr);

    return header_decode(&r, out);
}

/* Encodes what is wrong, and reads it back. */
static enum err judged(const struct env_header *h)
{
    struct bytes hdr = encoded(h);
    struct env_header out;
    enum err e = decode(bytes_span(&hdr), &out);

    bytes_free(&hdr);
    return e;
}

static void assert_comes_back(const struct env_header *h)
{
    struct bytes hdr = encoded(h);
    struct env_header out;
    struct bytes again;

    assert_int_equal(decode(bytes_span(&hdr), &out), ERR_OK);
    assert_int_equal(out.to_count, h->to_count);
    assert_memory_equal(out.to, h->to, sizeof out.to);
    assert_memory_equal(out.rcat, h->rcat, sizeof out.rcat);
    assert_memory_equal(out.mid, h->mid, ID_BYTES);
    assert_memory_equal(out.from, h->from, ID_BYTES);
    assert_memory_equal(out.skid, h->skid, ID_BYTES);
    assert_memory_equal(out.circle, h->circle, ID_BYTES);
    assert_memory_equal(out.actor, h->actor, ID_BYTES);
    assert_memory_equal(out.re, h->re, ID_BYTES);
    assert_int_equal(out.keys_head.size, h->keys_head.size);
    assert_memory_equal(out.keys_head.root, h->keys_head.root, 32);
    assert_memory_equal(out.audit_head.sig, h->audit_head.sig, 64);
    assert_int_equal(out.ts, h->ts);
    assert_int_equal(out.exp, h->exp);
    assert_int_equal(out.has_consent, h->has_consent);
    assert_true(out.consent == h->consent);
    assert_int_equal(out.has_re, h->has_re);
    assert_int_equal(out.has_notice, h->has_notice);
    assert_int_equal(out.notice, h->notice);
    assert_int_equal(out.prio, h->prio);
    assert_int_equal(out.has_deputy, h->has_deputy);
    assert_int_equal(out.deputy_count, h->deputy_count);
    assert_memory_equal(out.deputy, h->deputy, sizeof out.deputy);
    again = encoded(&out);
    assert_true(span_equal(bytes_span(&again), bytes_span(&hdr)));
    bytes_free(&again);
    bytes_free(&hdr);
}

static void a_header_comes_back_as_it_was(void **state)
{
    struct env_header h = a_header();

    (void)state;
    assert_comes_back(&h);
}

static void a_header_with_every_optional_field_comes_back(void **state)
{
    struct env_header h = a_full_header();

    (void)state;
    assert_comes_back(&h);
}

static void the_largest_header_fits(void **state)
{
    struct env_header h = a_full_header();
    struct bytes hdr;

    (void)state;
    h.to_count = RECIPIENTS_MAX;
    for (size_t i = 0; i < RECIPIENTS_MAX; i++) {
        fill(h.to[i], ID_BYTES, (uint8_t)i);
        h.rcat[i] = 1;
    }
    h.deputy_count = DEPUTIES_MAX;
    for (size_t i = 0; i < DEPUTIES_MAX; i++)
        h.deputy[i] = (struct env_deputy){i, DEPUTY_AFTER_MAX_S};
    h.has_att = true;
    h.att_count = ATTACHMENTS_MAX;
    for (size_t i = 0; i < ATTACHMENTS_MAX; i++) {
        fill(h.att[i].address, sizeof h.att[i].address, (uint8_t)i);
        h.att[i].size = 200000000;
    }
    h.ts = h.exp = h.seq = h.keys_head.size = h.audit_head.size = h.notice = UINT64_MAX;
    assert_comes_back(&h);
    hdr = encoded(&h);
    assert_true(hdr.len <= HEADER_MAX);
    bytes_free(&hdr);
}

static void assert_not_encoded(const struct env_header *h)
{
    struct bytes out = {0};
    struct writer w;

    wr_init(&w);
    header_encode(&w, h);
    assert_int_equal(wr_take(&w, &out), ERR_RANGE);
    assert_null(out.ptr);
}

static void more_than_there_may_be_is_not_encoded(void **state)
{
    struct env_header h = a_header();

    (void)state;
    h.to_count = RECIPIENTS_MAX + 1;
    assert_not_encoded(&h);
    h = a_full_header();
    h.deputy_count = DEPUTIES_MAX + 1;
    assert_not_encoded(&h);
    h = a_header();
    h.att_count = ATTACHMENTS_MAX + 1;
    assert_not_encoded(&h);
}

/* The last ones of `to`: of five, the fourth stands in for the first, the fifth for the third. */
static struct env_header with_deputies(void)
{
    struct env_header h = a_header();

    h.to_count = 5;
    for (size_t i = 0; i < 5; i++) {
        fill(h.to[i], ID_BYTES, (uint8_t)(60 + i));
        h.rcat[i] = 1;
    }
    h.exp = h.ts + 3600 * 1000;
    h.has_deputy = true;
    h.deputy_count = 2;
    h.deputy[0] = (struct env_deputy){0, 60};
    h.deputy[1] = (struct env_deputy){2, 3599};
    return h;
}

static void a_deputy_knows_for_whom_and_a_recipient_who_his_is(void **state)
{
    const struct env_header h = with_deputies();
    const struct env_header none = a_header();

    (void)state;
    assert_comes_back(&h);
    assert_int_equal(header_principals(&h), 3);
    assert_null(header_deputy(&h, 0));
    assert_null(header_deputy(&h, 2));
    assert_ptr_equal(header_deputy(&h, 3), &h.deputy[0]);
    assert_ptr_equal(header_deputy(&h, 4), &h.deputy[1]);
    assert_null(header_deputy(&h, 5));
    assert_int_equal(header_deputy_of(&h, 0), 3);
    assert_int_equal(header_deputy_of(&h, 1), 5);
    assert_int_equal(header_deputy_of(&h, 2), 4);
    assert_int_equal(header_principals(&none), 2);
    assert_null(header_deputy(&none, 1));
    assert_int_equal(header_deputy_of(&none, 0), 2);
}

static void deputies_are_fewer_ordered_and_for_recipients(void **state)
{
    static const struct {
        size_t count;
        struct env_deputy first, second;
        enum err err;
    } rows[] = {
        {2, {0, 60},                     {2, 60},                 ERR_OK         },
        {2, {1, 60},                     {2, DEPUTY_AFTER_MAX_S}, ERR_OK         },
        {2, {0, 60},                     {0, 60},                 ERR_FIELD_VALUE}, /* twice */
        {2, {1, 60},                     {0, 60},                 ERR_FIELD_VALUE},
        {2, {0, 60},                     {3, 60},                 ERR_FIELD_VALUE}, /* a deputy */
        {2, {0, 60},                     {UINT64_MAX, 60},        ERR_FIELD_VALUE},
        {1, {4, 60},                     {0, 0},                  ERR_FIELD_VALUE}, /* himself */
        {1, {0, DEPUTY_AFTER_MIN_S - 1}, {0, 0},                  ERR_FIELD_VALUE},
        {1, {0, DEPUTY_AFTER_MAX_S + 1}, {0, 0},                  ERR_FIELD_VALUE},
        {0, {0, 0},                      {0, 0},                  ERR_SIZE       },
        {3, {0, 60},                     {1, 60},                 ERR_FIELD_VALUE}, /* of five */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct env_header h = with_deputies();

        h.deputy_count = rows[i].count;
        h.deputy[0] = rows[i].first;
        h.deputy[1] = rows[i].second;
        assert_int_equal(judged(&h), rows[i].err);
    }
}

static void a_value_out_of_its_range_is_refused(void **state)
{
    static const struct {
        size_t at;
        uint64_t value;
        enum err err;
    } rows[] = {
        {offsetof(struct env_header, suite),      2,  ERR_SUITE      },
        {offsetof(struct env_header, type),       0,  ERR_FIELD_VALUE},
        {offsetof(struct env_header, type),       3,  ERR_FIELD_VALUE},
        {offsetof(struct env_header, class_mask), 0,  ERR_FIELD_VALUE},
        {offsetof(struct env_header, class_mask), 32, ERR_FIELD_VALUE},
        {offsetof(struct env_header, basis),      5,  ERR_FIELD_VALUE},
        {offsetof(struct env_header, purpose),    8,  ERR_FIELD_VALUE},
        {offsetof(struct env_header, status),     3,  ERR_FIELD_VALUE},
        {offsetof(struct env_header, sign),       0,  ERR_FIELD_VALUE},
        {offsetof(struct env_header, sign),       3,  ERR_FIELD_VALUE},
        {offsetof(struct env_header, prio),       2,  ERR_FIELD_VALUE},
        {offsetof(struct env_header, scat),       3,  ERR_FIELD_VALUE},
        {offsetof(struct env_header, rcat[1]),    0,  ERR_FIELD_VALUE},
        {offsetof(struct env_header, rcat[1]),    4,  ERR_FIELD_VALUE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct env_header h = a_header();

        memcpy((uint8_t *)&h + rows[i].at, &rows[i].value, sizeof rows[i].value);
        assert_int_equal(judged(&h), rows[i].err);
    }
}

static void an_organisation_named_twice_is_refused(void **state)
{
    struct env_header h = a_header();

    (void)state;
    memcpy(h.to[1], h.to[0], ID_BYTES);
    assert_int_equal(judged(&h), ERR_FIELD_VALUE);
}

static void nobody_is_no_recipient(void **state)
{
    struct env_header h = a_header();

    (void)state;
    h.to_count = 0;
    assert_int_equal(judged(&h), ERR_SIZE);
}

static void a_consent_goes_with_basis_3_and_with_nothing_else(void **state)
{
    struct env_header h = a_header();

    (void)state;
    h.has_consent = true;
    assert_int_equal(judged(&h), ERR_FIELD_VALUE);
    h.basis = BASIS_CONSENTI;
    assert_int_equal(judged(&h), ERR_OK);
    h.has_consent = false;
    assert_int_equal(judged(&h), ERR_FIELD_MISSING);
}

/* The encoding with a pair more at its end; the map of a_header() has 20. */
static struct bytes with_pair(struct span pair)
{
    struct env_header h = a_header();
    struct bytes hdr = encoded(&h);

    assert_int_equal(hdr.ptr[2], 20);
    hdr.ptr[2]++;
    assert_int_equal(bytes_append(&hdr, pair), ERR_OK);
    return hdr;
}

static enum err judged_with(struct span pair)
{
    struct bytes hdr = with_pair(pair);
    struct env_header out;
    enum err e = decode(bytes_span(&hdr), &out);

    bytes_free(&hdr);
    return e;
}

static void an_unknown_key_is_refused_below_64_and_skipped_from_there_on(void **state)
{
    (void)state;
    assert_int_equal(judged_with(SPAN_STR("\x1a\x01")), ERR_FIELD_UNKNOWN);
    assert_int_equal(judged_with(SPAN_STR("\x3f\x01")), ERR_FIELD_UNKNOWN);
    assert_int_equal(judged_with(SPAN_STR("\x40\x01")), ERR_OK);
    assert_int_equal(judged_with(SPAN_STR("\xcc\xff\x90")), ERR_OK);
    assert_int_equal(judged_with(SPAN_STR("\x40\xca\x3f\x80\x00\x00")), ERR_TYPE);
}

static void a_failed_decoding_leaves_the_result_alone(void **state)
{
    struct env_header before;
    struct env_header out;

    (void)state;
    memset(&before, 0x5a, sizeof before);
    memset(&out, 0x5a, sizeof out);
    assert_int_equal(decode(SPAN_STR("\x81\x01\x01"), &out), ERR_FIELD_MISSING);
    assert_memory_equal(&out, &before, sizeof out);
}

static void a_missing_list_is_missing_and_not_misaligned(void **state)
{
    struct env_header h = a_header();
    struct bytes hdr = encoded(&h);
    const size_t to_at = 3 + 2 + 19 + 2 + 19 + 19; /* suite, mid, type, from, skid before it */
    const size_t to_len = 2 + 2 * 18;
    struct env_header out;

    (void)state;
    assert_int_equal(hdr.ptr[to_at], HEADER_TO);
    memmove(hdr.ptr + to_at, hdr.ptr + to_at + to_len, hdr.len - to_at - to_len);
    hdr.len -= to_len;
    hdr.ptr[2]--;
    assert_int_equal(decode(bytes_span(&hdr), &out), ERR_FIELD_MISSING);
    bytes_free(&hdr);
}

static void the_first_pair_tells_the_suite(void **state)
{
    (void)state;
    assert_int_equal(header_check_suite(SPAN_STR("\x82\x01\x02")), ERR_OK); /* no room for a pair */
    assert_int_equal(header_check_suite(SPAN_STR("\x81\x01\x02")), ERR_SUITE);
    assert_int_equal(header_check_suite(SPAN_STR("\x82\x01\xcc\x80\xff\xff")), ERR_SUITE);
    assert_int_equal(header_check_suite(SPAN_STR("\x81\x01\x01")), ERR_OK);
}

static void a_suite_that_cannot_be_read_is_for_the_decoder_to_refuse(void **state)
{
    (void)state;
    assert_int_equal(header_check_suite(SPAN_STR("\x81\x01\xcc\x02")), ERR_OK);
    assert_int_equal(header_check_suite(SPAN_STR("\x81\x02\x02")), ERR_OK);
    assert_int_equal(header_check_suite(SPAN_STR("\x80")), ERR_OK);
    assert_int_equal(header_check_suite(SPAN_STR("\x90")), ERR_OK);
    assert_int_equal(header_check_suite(span_of(NULL, 0)), ERR_OK);
}

static void times_are_judged_in_order(void **state)
{
    struct env_header h = a_header();

    (void)state;
    h.exp = h.ts + LIFETIME_MAX_MS;
    assert_int_equal(header_check_times(&h, h.ts), ERR_OK);
    assert_int_equal(header_check_times(&h, h.ts - SKEW_MAX_MS), ERR_OK);
    assert_int_equal(header_check_times(&h, h.ts - SKEW_MAX_MS - 1), ERR_SKEW);
    assert_int_equal(header_check_times(&h, h.exp), ERR_OK);
    assert_int_equal(header_check_times(&h, h.exp + 1), ERR_EXPIRED);
    h.exp++;
    assert_int_equal(header_check_times(&h, h.ts), ERR_EXPIRY_LIMIT);
    h.exp = h.ts;
    assert_int_equal(header_check_times(&h, h.ts), ERR_EXPIRY_LIMIT);
    h.exp = h.ts - 1;
    assert_int_equal(header_check_times(&h, h.ts - 1), ERR_EXPIRY_LIMIT);
    h.ts = h.exp = UINT64_MAX;
    assert_int_equal(header_check_times(&h, 0), ERR_SKEW);
    assert_int_equal(header_check_times(&h, UINT64_MAX), ERR_EXPIRY_LIMIT);
}

static void a_recipient_is_found_by_its_organisation(void **state)
{
    struct env_header h = a_header();

    (void)state;
    assert_int_equal(header_recipient(&h, h.to[0]), 0);
    assert_int_equal(header_recipient(&h, h.to[1]), 1);
    assert_int_equal(header_recipient(&h, h.from), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_comes_back_as_it_was),
        cmocka_unit_test(a_header_with_every_optional_field_comes_back),
        cmocka_unit_test(the_largest_header_fits),
        cmocka_unit_test(more_than_there_may_be_is_not_encoded),
        cmocka_unit_test(a_deputy_knows_for_whom_and_a_recipient_who_his_is),
        cmocka_unit_test(deputies_are_fewer_ordered_and_for_recipients),
        cmocka_unit_test(a_value_out_of_its_range_is_refused),
        cmocka_unit_test(an_organisation_named_twice_is_refused),
        cmocka_unit_test(nobody_is_no_recipient),
        cmocka_unit_test(a_consent_goes_with_basis_3_and_with_nothing_else),
        cmocka_unit_test(an_unknown_key_is_refused_below_64_and_skipped_from_there_on),
        cmocka_unit_test(a_failed_decoding_leaves_the_result_alone),
        cmocka_unit_test(a_missing_list_is_missing_and_not_misaligned),
        cmocka_unit_test(the_first_pair_tells_the_suite),
        cmocka_unit_test(a_suite_that_cannot_be_read_is_for_the_decoder_to_refuse),
        cmocka_unit_test(times_are_judged_in_order),
        cmocka_unit_test(a_recipient_is_found_by_its_organisation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
