/* Statements and offers of a circle: one encoding each, and every other one refused. */
#include "circle_world.h"

#include "reader.h"
#include "writer.h"

/* Everything set; encoding takes what the kind has. */
static struct circle_statement full_statement(enum circle_kind kind)
{
    struct circle_statement s = {.kind = kind,
                                 .ts_ms = NOW,
                                 .n = kind == CIRCLE_CREATE ? 0 : 7,
                                 .row = row_of(&houses[1], 3),
                                 .offer = SPAN_STR("offer"),
                                 .class_mask = CLASS_MEDICAL,
                                 .org_count = 2,
                                 .date_ms = NOW + 1,
                                 .way = WAY_FALC,
                                 .has_evidence = true,
                                 .given_by = GIVEN_BY_REPRESENTATIVE,
                                 .has_supersedes = true,
                                 .supersedes = 3,
                                 .own_opinion = true,
                                 .about = 4,
                                 .emergency = true,
                                 .reason = END_MOVED};

    id_of(s.circle, 5, 1);
    memset(s.prev, 6, sizeof s.prev);
    memcpy(s.author, houses[1].org, ID_BYTES);
    memcpy(s.actor, houses[1].actor, ID_BYTES);
    id_of(s.nonce, 5, 2);
    memcpy(s.target, houses[2].org, ID_BYTES);
    memcpy(s.orgs[0], houses[3].org, ID_BYTES);
    memcpy(s.orgs[1], houses[2].org, ID_BYTES);
    memset(s.evidence, 7, sizeof s.evidence);
    return s;
}

static bool reserved(enum circle_kind kind)
{
    return kind >= CIRCLE_RESPONSIBILITY && kind <= CIRCLE_ERASE;
}

static void every_kind_reads_back_to_the_same_bytes(void **state)
{
    (void)state;
    for (enum circle_kind kind = CIRCLE_CREATE; kind <= CIRCLE_CLOSE; kind++) {
        struct circle_statement s = full_statement(kind);
        struct circle_statement back;
        struct bytes stmt = {0};
        struct bytes again = {0};
        if (reserved(kind))
            continue;
        assert_int_equal(circle_encode(&s, &stmt), ERR_OK);
        assert_int_equal(circle_decode(bytes_span(&stmt), &back), ERR_OK);
        assert_int_equal(back.kind, kind);
        assert_memory_equal(back.author, s.author, ID_BYTES);
        assert_memory_equal(back.actor, s.actor, ID_BYTES);
        assert_int_equal(circle_encode(&back, &again), ERR_OK);
        assert_true(span_equal(bytes_span(&stmt), bytes_span(&again)));
        for (size_t n = 0; n < stmt.len; n++)
            assert_int_not_equal(circle_decode(span_of(stmt.ptr, n), &back), ERR_OK);
        bytes_free(&stmt);
        bytes_free(&again);
    }
}

static void every_field_of_a_consent_arrives(void **state)
{
    struct circle_statement s = full_statement(CIRCLE_CONSENT);
    struct circle_statement back;
    struct bytes stmt = {0};

    (void)state;
    assert_int_equal(circle_encode(&s, &stmt), ERR_OK);
    assert_int_equal(circle_decode(bytes_span(&stmt), &back), ERR_OK);
    assert_int_equal(back.n, 7);
    assert_int_equal(back.ts_ms, NOW);
    assert_int_equal(back.class_mask, CLASS_MEDICAL);
    assert_int_equal(back.org_count, 2);
    assert_memory_equal(back.orgs, s.orgs, sizeof s.orgs);
    assert_int_equal(back.date_ms, NOW + 1);
    assert_int_equal(back.way, WAY_FALC);
    assert_true(back.has_evidence);
    assert_memory_equal(back.evidence, s.evidence, 32);
    assert_int_equal(back.given_by, GIVEN_BY_REPRESENTATIVE);
    assert_true(back.has_supersedes);
    assert_int_equal(back.supersedes, 3);
    assert_true(back.own_opinion);
    assert_memory_equal(back.circle, s.circle, ID_BYTES);
    assert_memory_equal(back.prev, s.prev, STMT_LINK_BYTES);
    bytes_free(&stmt);
}

static void reserved_and_unknown_kinds_are_neither_made_nor_read(void **state)
{
    struct circle_statement back;

    (void)state;
    for (unsigned kind = 0; kind <= 16; kind++) {
        struct circle_statement s = full_statement((enum circle_kind)kind);
        uint8_t stmt[] = {0x82, 0x01, (uint8_t)kind, 0x18, 0x00}; /* {1: kind, 24: 0} */
        struct bytes out = {0};
        enum err expected = ERR_FIELD_UNKNOWN;
        if (kind == 0 || kind > CIRCLE_CLOSE)
            expected = ERR_RANGE;
        else if (reserved((enum circle_kind)kind))
            expected = ERR_UNSUPPORTED; /* whatever fields it will have */
        assert_int_equal(circle_decode(SPAN_OF(stmt), &back), expected);
        if (expected != ERR_FIELD_UNKNOWN)
            assert_int_equal(circle_encode(&s, &out), ERR_UNSUPPORTED);
    }
}

/* {pairs...}: the statement's map taken apart and put together with one pair less or more. */
static enum err decode_edited(struct span stmt, uint64_t without, uint64_t with)
{
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    struct circle_statement back;
    struct bytes edited = {0};
    struct writer w;
    size_t pairs = m.pairs - (without != 0) + (with != 0);
    uint64_t key;
    enum err e;

    wr_init(&w);
    wr_map(&w, pairs);
    while (rd_map_next(&r, &m, &key)) {
        struct span value = rd_raw(&r);
        if (with && key > with) {
            wr_key(&w, with);
            wr_uint(&w, 1);
            with = 0;
        }
        if (key == without)
            continue;
        wr_key(&w, key);
        wr_raw(&w, value);
    }
    if (with) {
        wr_key(&w, with);
        wr_uint(&w, 1);
    }
    assert_int_equal(rd_end(&r), ERR_OK);
    assert_int_equal(wr_take(&w, &edited), ERR_OK);
    e = circle_decode(bytes_span(&edited), &back);
    bytes_free(&edited);
    return e;
}

static void a_kind_has_its_own_fields_and_all_of_them(void **state)
{
    (void)state;
    for (enum circle_kind kind = CIRCLE_CREATE; kind <= CIRCLE_CLOSE; kind++) {
        struct circle_statement s = full_statement(kind);
        struct bytes stmt = {0};
        if (reserved(kind))
            continue;
        s.has_evidence = s.has_supersedes = false;
        assert_int_equal(circle_encode(&s, &stmt), ERR_OK);
        struct reader r = reader_over(bytes_span(&stmt));
        struct rd_map m = rd_map(&r, MP_KEY_MAX);
        uint64_t key;
        while (rd_map_next(&r, &m, &key)) {
            rd_skip(&r);
            assert_int_equal(decode_edited(bytes_span(&stmt), key, 0), ERR_FIELD_MISSING);
        }
        for (uint64_t more = 1; more < 70; more++) {
            if (more < 64 && rd_map_has(&m, (unsigned)more))
                continue;
            enum err e = decode_edited(bytes_span(&stmt), 0, more);
            bool its_own = kind == CIRCLE_CONSENT && more == 19;
            if (more >= 64 || its_own)
                assert_int_equal(e, ERR_OK); /* from 64 on: ignored, and signed */
            else
                assert_int_not_equal(e, ERR_OK);
        }
        bytes_free(&stmt);
    }
}

static enum err recoded(const struct circle_statement *s)
{
    struct circle_statement back;
    struct bytes stmt = {0};
    enum err e;

    if ((e = circle_encode(s, &stmt)))
        return e;
    e = circle_decode(bytes_span(&stmt), &back);
    bytes_free(&stmt);
    return e;
}

static void values_are_held_to_their_ranges(void **state)
{
    struct circle_statement s;

    (void)state;
#define REFUSED(kind, change, expected)                                                            \
    do {                                                                                           \
        s = full_statement(kind);                                                                  \
        change;                                                                                    \
        assert_int_equal(recoded(&s), expected);                                                   \
    } while (0)
    REFUSED(CIRCLE_CREATE, s.n = 1, ERR_FIELD_VALUE);
    REFUSED(CIRCLE_LEAVE, s.n = 0, ERR_FIELD_VALUE);
    REFUSED(CIRCLE_LEAVE, s.n = CIRCLE_STATEMENTS_MAX + 1, ERR_RANGE);
    REFUSED(CIRCLE_LEAVE, s.ts_ms = STMT_TIME_MAX + 1, ERR_RANGE);
    REFUSED(CIRCLE_CREATE, s.row.category = 0, ERR_RANGE);
    REFUSED(CIRCLE_CREATE, s.row.category = 4, ERR_RANGE);
    REFUSED(CIRCLE_CREATE, s.row.class_mask = 32, ERR_RANGE);
    REFUSED(CIRCLE_CREATE, s.row.rights = 4, ERR_RANGE);
    REFUSED(CIRCLE_CREATE, s.row.team = CIRCLE_TEAM_MAX + 1, ERR_RANGE);
    REFUSED(CIRCLE_NOTICE, s.class_mask = 0, ERR_RANGE);
    REFUSED(CIRCLE_NOTICE, s.class_mask = 32, ERR_RANGE);
    REFUSED(CIRCLE_NOTICE, s.org_count = 0, ERR_FIELD_VALUE);
    REFUSED(CIRCLE_CONSENT, s.org_count = 0, ERR_FIELD_VALUE);
    REFUSED(CIRCLE_OPPOSITION, s.org_count = 0, ERR_OK); /* everybody */
    REFUSED(CIRCLE_NOTICE, memcpy(s.orgs[1], s.orgs[0], ID_BYTES), ERR_FIELD_VALUE);
    REFUSED(CIRCLE_NOTICE, s.org_count = CIRCLE_ACT_ORGS_MAX + 1, ERR_ITEMS);
    REFUSED(CIRCLE_NOTICE, s.way = 0, ERR_RANGE);
    REFUSED(CIRCLE_NOTICE, s.way = 5, ERR_RANGE);
    REFUSED(CIRCLE_CONSENT, s.given_by = 3, ERR_RANGE);
    REFUSED(CIRCLE_CLOSE, s.reason = 4, ERR_RANGE);
    REFUSED(CIRCLE_JOIN, s.offer.len = 0, ERR_SIZE);
#undef REFUSED
}

static void an_offer_reads_back_and_nothing_else_does(void **state)
{
    struct circle *c = circle_begun();
    static uint8_t large[CIRCLE_OFFER_MAX + 1];
    struct circle_offer back;
    uint8_t skid[KID_BYTES];
    uint8_t kid[KID_BYTES];

    (void)state;
    sign_kid(secret_sign_public(houses[0].sign), kid);
    for (int join = 0; join < 2; join++) {
        struct circle_offer o =
            offer_plan(c, join ? CIRCLE_JOIN : CIRCLE_REFERENT, &houses[0], &houses[1], 9);
        struct bytes offer = {0};
        o.at = CIRCLE_STATEMENTS_MAX;
        assert_int_equal(circle_offer_sign(&o, houses[0].sign, &offer), ERR_OK);
        assert_int_equal(circle_offer_decode(bytes_span(&offer), &back, skid), ERR_OK);
        assert_int_equal(back.kind, o.kind);
        assert_memory_equal(back.circle, o.circle, ID_BYTES);
        assert_memory_equal(back.by, o.by, ID_BYTES);
        assert_memory_equal(back.to, o.to, ID_BYTES);
        assert_memory_equal(back.nonce, o.nonce, ID_BYTES);
        assert_int_equal(back.expires_ms, o.expires_ms);
        assert_int_equal(back.at, o.at);
        assert_int_equal(back.row.rights, join ? CIRCLE_RIGHT_ALL : 0);
        assert_memory_equal(skid, kid, KID_BYTES);
        for (size_t n = 0; n < offer.len; n++)
            assert_int_not_equal(circle_offer_decode(span_of(offer.ptr, n), &back, NULL), ERR_OK);
        bytes_free(&offer);
    }
    assert_int_equal(circle_offer_decode(SPAN_OF(large), &back, NULL), ERR_SIZE);
    circle_free(c);
}

/* [inner, by, kid, sig] with an inner map of our own making; no key 8 when `at` is far off. */
static enum err decode_offer_at(uint64_t at, uint64_t kind, bool with_row, uint64_t more,
                                uint8_t by)
{
    struct circle_offer back;
    struct bytes inner = {0};
    struct bytes offer = {0};
    const uint8_t zeros[SIG_BYTES] = {0};
    struct writer w;
    enum err e;

    wr_init(&w);
    wr_map(&w, 6U + with_row + (at <= CIRCLE_STATEMENTS_MAX + 1) + (more != 0));
    wr_key(&w, 1);
    wr_uint(&w, kind);
    for (uint64_t key = 2; key <= 4; key++) {
        wr_key(&w, key);
        wr_bin(&w, span_of(zeros, ID_BYTES));
    }
    if (with_row) {
        wr_key(&w, 5);
        wr_map(&w, 5);
        wr_key(&w, 1);
        wr_bin(&w, span_of(zeros, ID_BYTES));
        for (uint64_t key = 2; key <= 5; key++) {
            wr_key(&w, key);
            wr_uint(&w, 1);
        }
    }
    wr_key(&w, 6);
    wr_uint(&w, NOW);
    wr_key(&w, 7);
    wr_bin(&w, span_of(zeros, ID_BYTES));
    if (at <= CIRCLE_STATEMENTS_MAX + 1) {
        wr_key(&w, 8);
        wr_uint(&w, at);
    }
    if (more) {
        wr_key(&w, more);
        wr_uint(&w, 1);
    }
    assert_int_equal(wr_take(&w, &inner), ERR_OK);
    uint8_t org[ID_BYTES] = {by};
    wr_array(&w, 4);
    wr_bin(&w, bytes_span(&inner));
    wr_bin(&w, SPAN_OF(org));
    wr_bin(&w, span_of(zeros, KID_BYTES));
    wr_bin(&w, SPAN_OF(zeros));
    assert_int_equal(wr_take(&w, &offer), ERR_OK);
    e = circle_offer_decode(bytes_span(&offer), &back, NULL);
    bytes_free(&inner);
    bytes_free(&offer);
    return e;
}

static enum err decode_offer(uint64_t kind, bool with_row, uint64_t more, uint8_t by)
{
    return decode_offer_at(7, kind, with_row, more, by);
}

static void an_offer_says_where_in_the_chain_it_was_made(void **state)
{
    (void)state;
    assert_int_equal(decode_offer_at(CIRCLE_STATEMENTS_MAX, CIRCLE_JOIN, true, 0, 0), ERR_OK);
    assert_int_equal(decode_offer_at(CIRCLE_STATEMENTS_MAX + 1, CIRCLE_JOIN, true, 0, 0),
                     ERR_RANGE);
    assert_int_equal(decode_offer_at(UINT64_MAX, CIRCLE_JOIN, true, 0, 0), ERR_FIELD_MISSING);
    assert_int_equal(decode_offer_at(UINT64_MAX, CIRCLE_REFERENT, false, 0, 0), ERR_FIELD_MISSING);
}

static void an_offer_is_of_two_kinds_with_their_fields(void **state)
{
    (void)state;
    assert_int_equal(decode_offer(CIRCLE_JOIN, true, 0, 0), ERR_OK);
    assert_int_equal(decode_offer(CIRCLE_JOIN, true, 64, 0), ERR_OK);
    assert_int_equal(decode_offer(CIRCLE_REFERENT, false, 0, 0), ERR_OK);
    assert_int_equal(decode_offer(CIRCLE_JOIN, false, 0, 0), ERR_FIELD_MISSING);
    assert_int_equal(decode_offer(CIRCLE_REFERENT, true, 0, 0), ERR_FIELD_UNKNOWN);
    assert_int_equal(decode_offer(CIRCLE_NOTICE, true, 0, 0), ERR_FIELD_VALUE);
    assert_int_equal(decode_offer(CIRCLE_JOIN, true, 9, 0), ERR_FIELD_UNKNOWN);
    assert_int_equal(decode_offer(CIRCLE_JOIN, true, 0, 1), ERR_FIELD_VALUE); /* not by whom */
}

static void a_row_has_five_fields_and_no_other(void **state)
{
    struct circle_statement s = full_statement(CIRCLE_CREATE);
    struct circle_statement back;
    struct bytes stmt = {0};

    (void)state;
    assert_int_equal(circle_encode(&s, &stmt), ERR_OK);
    uint8_t *row = memmem(stmt.ptr, stmt.len, "\x09\x85\x01", 3); /* key 9: map of five */
    assert_non_null(row);
    uint8_t *rights = stmt.ptr + stmt.len - 2;
    assert_int_equal(*rights, 5);
    *rights = 6; /* another key than rights */
    assert_int_equal(circle_decode(bytes_span(&stmt), &back), ERR_FIELD_UNKNOWN);
    row[1] = 0x84;
    stmt.len -= 2;
    assert_int_equal(circle_decode(bytes_span(&stmt), &back), ERR_FIELD_MISSING);
    bytes_free(&stmt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_reads_back_to_the_same_bytes),
        cmocka_unit_test(every_field_of_a_consent_arrives),
        cmocka_unit_test(reserved_and_unknown_kinds_are_neither_made_nor_read),
        cmocka_unit_test(a_kind_has_its_own_fields_and_all_of_them),
        cmocka_unit_test(values_are_held_to_their_ranges),
        cmocka_unit_test(an_offer_reads_back_and_nothing_else_does),
        cmocka_unit_test(an_offer_says_where_in_the_chain_it_was_made),
        cmocka_unit_test(an_offer_is_of_two_kinds_with_their_fields),
        cmocka_unit_test(a_row_has_five_fields_and_no_other),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
