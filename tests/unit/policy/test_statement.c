/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "policy_world.h"

#include "failing_alloc.h"
#include "reader.h"
#include "writer.h"

static const uint8_t stmt_bytes[] = {0x82, 0x01, 0x07, 0x02, 0xc4, 0x01, 0xff}; /* {1:7, 2:h'ff'} */
#define STMT SPAN_OF(stmt_bytes)

static struct statement_sig signature_of(enum statement_role role, const struct house *h)
{
    struct statement_sig s;

    assert_int_equal(statement_sign(STATEMENT_KEYS, STMT, role, h->org, h->sign, &s), ERR_OK);
    return s;
}

static void an_ss_reads_back_as_it_was_joined(void **state)
{
    struct statement_sig sig = signature_of(ROLE_NODE, &houses[1]);
    struct bytes ss = {0};
    struct statement s;

    (void)state;
    assert_int_equal(statement_join(STMT, &sig, 1, &ss), ERR_OK);
    assert_int_equal(statement_parse(bytes_span(&ss), &s), ERR_OK);
    assert_true(span_equal(s.stmt, STMT));
    assert_int_equal(s.count, 1);
    assert_memory_equal(&s.sig[0], &sig, sizeof sig);
    bytes_free(&ss);
}

static void signatures_are_put_in_the_one_order(void **state)
{
    struct statement_sig sigs[4] = {
        signature_of(ROLE_COUNTERSIGNER, &houses[2]), signature_of(ROLE_COUNTERSIGNER, &houses[1]),
        signature_of(ROLE_NODE, &houses[5]), signature_of(ROLE_FOUNDER, &houses[7])};
    struct bytes ss = {0};
    struct bytes again = {0};
    struct statement s;

    (void)state;
    assert_int_equal(statement_join(STMT, sigs, 4, &ss), ERR_OK);
    assert_int_equal(statement_parse(bytes_span(&ss), &s), ERR_OK);
    assert_int_equal(s.sig[0].role, ROLE_FOUNDER);
    assert_int_equal(s.sig[1].role, ROLE_NODE);
    assert_memory_equal(s.sig[2].org, houses[1].org, ID_BYTES);
    assert_memory_equal(s.sig[3].org, houses[2].org, ID_BYTES);
    assert_int_equal(statement_join(STMT, s.sig, 4, &again), ERR_OK);
    assert_true(span_equal(bytes_span(&ss), bytes_span(&again)));
    bytes_free(&ss);
    bytes_free(&again);
}

static void one_signature_of_a_role_and_organisation(void **state)
{
    struct statement_sig sigs[2] = {signature_of(ROLE_NODE, &houses[1]),
                                    signature_of(ROLE_NODE, &houses[1])};
    struct bytes ss = {0};

    (void)state;
    assert_int_equal(statement_join(STMT, sigs, 2, &ss), ERR_EXISTS);
    assert_null(ss.ptr);
}

/* An SS by hand, so that it can be wrong. */
static enum err parse_by_hand(const struct statement_sig *sigs, size_t count, struct span stmt)
{
    struct bytes ss = {0};
    struct statement s;
    struct writer w;
    enum err e;

    wr_init(&w);
    wr_array(&w, 2);
    wr_bin(&w, stmt);
    wr_array(&w, count);
    for (size_t i = 0; i < count; i++) {
        wr_array(&w, 4);
        wr_uint(&w, sigs[i].role);
        wr_bin(&w, SPAN_OF(sigs[i].org));
        wr_bin(&w, SPAN_OF(sigs[i].kid));
        wr_bin(&w, SPAN_OF(sigs[i].sig));
    }
    assert_int_equal(wr_take(&w, &ss), ERR_OK);
    e = statement_parse(bytes_span(&ss), &s);
    bytes_free(&ss);
    return e;
}

static void signatures_out_of_order_or_twice_are_refused(void **state)
{
    struct statement_sig sigs[2] = {signature_of(ROLE_NODE, &houses[2]),
                                    signature_of(ROLE_NODE, &houses[1])};

    (void)state;
    assert_int_equal(parse_by_hand(sigs, 2, STMT), ERR_KEY_ORDER);
    sigs[0] = signature_of(ROLE_COUNTERSIGNER, &houses[0]);
    assert_int_equal(parse_by_hand(sigs, 2, STMT), ERR_KEY_ORDER);
    sigs[0] = sigs[1];
    assert_int_equal(parse_by_hand(sigs, 2, STMT), ERR_DUPLICATE_KEY);
}

static void roles_outside_the_table_are_refused(void **state)
{
    struct statement_sig sig = signature_of(ROLE_NODE, &houses[2]);

    (void)state;
    sig.role = 0;
    assert_int_equal(parse_by_hand(&sig, 1, STMT), ERR_FIELD_VALUE);
    sig.role = 9;
    assert_int_equal(parse_by_hand(&sig, 1, STMT), ERR_FIELD_VALUE);
    sig.role = ROLE_REGISTRAR; /* has an organisation here, and must not */
    assert_int_equal(parse_by_hand(&sig, 1, STMT), ERR_FIELD_VALUE);
    sig.role = ROLE_HUB;
    assert_int_equal(parse_by_hand(&sig, 1, STMT), ERR_FIELD_VALUE);
}

static void a_stmt_is_one_map_and_not_too_large(void **state)
{
    static const uint8_t array[] = {0x91, 0x01};
    static const uint8_t map_and_more[] = {0x81, 0x01, 0x01, 0x00};
    static const uint8_t cut[] = {0x82, 0x01, 0x01};
    struct statement_sig sig = signature_of(ROLE_NODE, &houses[2]);
    static uint8_t large[STMT_MAX + 1];

    (void)state;
    assert_int_equal(parse_by_hand(&sig, 1, SPAN_OF(array)), ERR_TYPE);
    assert_int_equal(parse_by_hand(&sig, 1, SPAN_OF(map_and_more)), ERR_TRAILING);
    assert_int_equal(parse_by_hand(&sig, 1, SPAN_OF(cut)), ERR_TRUNCATED);
    assert_int_equal(parse_by_hand(&sig, 1, SPAN_OF(large)), ERR_SIZE);
    assert_int_equal(parse_by_hand(&sig, 1, (struct span){large, 0}), ERR_SIZE);
}

static void an_ss_has_one_to_sixteen_signatures_and_a_request_may_have_none(void **state)
{
    struct statement_sig sigs[SS_SIGNATURES_MAX + 1];
    struct bytes ss = {0};
    struct statement s;

    (void)state;
    for (uint8_t i = 0; i <= SS_SIGNATURES_MAX; i++) {
        sigs[i] = signature_of(ROLE_FOUNDER, &houses[1]);
        sigs[i].org[0] = i;
    }
    assert_int_equal(parse_by_hand(sigs, SS_SIGNATURES_MAX, STMT), ERR_OK);
    assert_int_equal(parse_by_hand(sigs, SS_SIGNATURES_MAX + 1, STMT), ERR_SIZE);
    assert_int_equal(statement_join(STMT, sigs, SS_SIGNATURES_MAX + 1, &ss), ERR_ITEMS);
    assert_int_equal(statement_join(STMT, NULL, 0, &ss), ERR_OK);
    assert_int_equal(statement_parse(bytes_span(&ss), &s), ERR_SIZE);
    assert_int_equal(statement_parse_request(bytes_span(&ss), &s), ERR_OK);
    assert_int_equal(s.count, 0);
    bytes_free(&ss);
}

static void the_largest_ss_is_as_large_as_the_constant_says(void **state)
{
    static uint8_t stmt[STMT_MAX];
    static const uint8_t head[] = {0x81, 0x01, 0xc5, (STMT_MAX - 5) >> 8, (STMT_MAX - 5) & 0xff};
    struct statement_sig sigs[SS_SIGNATURES_MAX];
    struct bytes ss = {0};
    static uint8_t more[SS_MAX + 1];
    struct statement s;

    (void)state;
    memcpy(stmt, head, sizeof head);
    for (uint8_t i = 0; i < SS_SIGNATURES_MAX; i++) {
        sigs[i] = signature_of(ROLE_FOUNDER, &houses[1]);
        sigs[i].org[0] = i;
    }
    assert_int_equal(statement_join(SPAN_OF(stmt), sigs, SS_SIGNATURES_MAX, &ss), ERR_OK);
    assert_int_equal(ss.len, SS_MAX);
    assert_int_equal(statement_parse(SPAN_OF(more), &s), ERR_SIZE);
    bytes_free(&ss);
}

static void every_truncation_and_every_trailing_byte_is_refused(void **state)
{
    struct statement_sig sig = signature_of(ROLE_NODE, &houses[1]);
    struct bytes ss = {0};
    struct statement s;

    (void)state;
    assert_int_equal(statement_join(STMT, &sig, 1, &ss), ERR_OK);
    for (size_t n = 0; n < ss.len; n++)
        assert_int_not_equal(statement_parse(span_of(ss.ptr, n), &s), ERR_OK);
    assert_int_equal(bytes_append(&ss, SPAN_STR("x")), ERR_OK);
    assert_int_equal(statement_parse(bytes_span(&ss), &s), ERR_TRAILING);
    bytes_free(&ss);
}

static void a_signature_verifies_for_its_family_statement_and_key_only(void **state)
{
    static const uint8_t other[] = {0x81, 0x01, 0x08};
    const struct sign_public *pk = secret_sign_public(houses[1].sign);
    struct statement_sig sig = signature_of(ROLE_NODE, &houses[1]);

    (void)state;
    assert_int_equal(statement_verify(STATEMENT_KEYS, STMT, &sig, pk), ERR_OK);
    assert_int_equal(statement_verify(STATEMENT_CHAIN, STMT, &sig, pk), ERR_FORGED);
    assert_int_equal(statement_verify(STATEMENT_REPORT, STMT, &sig, pk), ERR_FORGED);
    assert_int_equal(statement_verify(STATEMENT_KEYS, SPAN_OF(other), &sig, pk), ERR_FORGED);
    assert_int_equal(
        statement_verify(STATEMENT_KEYS, STMT, &sig, secret_sign_public(houses[2].sign)),
        ERR_KEY_UNKNOWN);
    sig.sig[9] ^= 1;
    assert_int_equal(statement_verify(STATEMENT_KEYS, STMT, &sig, pk), ERR_FORGED);
}

static void the_role_says_whether_an_organisation_is_named(void **state)
{
    struct statement_sig s;
    struct bytes ss = {0};

    (void)state;
    assert_int_equal(statement_sign(STATEMENT_KEYS, STMT, ROLE_HUB, NULL, hub_key, &s), ERR_OK);
    assert_int_equal(statement_sign(STATEMENT_KEYS, STMT, ROLE_HUB, houses[1].org, hub_key, &s),
                     ERR_USAGE);
    assert_int_equal(statement_sign(STATEMENT_KEYS, STMT, ROLE_NODE, NULL, hub_key, &s), ERR_USAGE);
    assert_int_equal(statement_sign_alone(STATEMENT_KEYS, STMT, ROLE_NODE, NULL, hub_key, &ss),
                     ERR_USAGE);
}

static void a_signature_is_found_by_role_and_organisation(void **state)
{
    struct statement_sig sigs[2] = {signature_of(ROLE_NODE, &houses[1])};
    struct bytes ss = {0};
    struct statement s;

    (void)state;
    assert_int_equal(
        statement_sign(STATEMENT_KEYS, STMT, ROLE_REGISTRAR, NULL, registrar_key, &sigs[1]),
        ERR_OK);
    assert_int_equal(statement_join(STMT, sigs, 2, &ss), ERR_OK);
    assert_int_equal(statement_parse(bytes_span(&ss), &s), ERR_OK);
    assert_ptr_equal(statement_find(&s, ROLE_REGISTRAR, NULL), &s.sig[0]);
    assert_ptr_equal(statement_find(&s, ROLE_NODE, houses[1].org), &s.sig[1]);
    assert_null(statement_find(&s, ROLE_NODE, houses[2].org));
    assert_null(statement_find(&s, ROLE_COUNTERSIGNER, houses[1].org));
    bytes_free(&ss);
}

/* PROTOCOL.md 8.1: prev of the successor. Spelt out with the labelled hash of section 2. */
static void the_link_is_the_labelled_hash_of_the_stmt(void **state)
{
    uint8_t link[STMT_LINK_BYTES];
    uint8_t expected[DIGEST_256];

    (void)state;
    assert_int_equal(statement_link(STMT, link), ERR_OK);
    assert_int_equal(digest_of("relais/chain1/link", STMT, expected, sizeof expected), ERR_OK);
    assert_memory_equal(link, expected, sizeof expected);
}

static void without_memory_nothing_is_made_and_nothing_leaks(void **state)
{
    struct statement_sig sig = signature_of(ROLE_NODE, &houses[1]);
    struct bytes ss = {0};
    enum err e = ERR_NOMEM;
    long n = 0;

    (void)state;
    while (e != ERR_OK) {
        alloc_fail_after(++n);
        e = statement_join(STMT, &sig, 1, &ss);
        alloc_fail_after(-1);
        if (e) {
            assert_int_equal(e, ERR_NOMEM);
            assert_null(ss.ptr);
        }
    }
    assert_true(n > 1);
    bytes_free(&ss);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ss_reads_back_as_it_was_joined),
        cmocka_unit_test(signatures_are_put_in_the_one_order),
        cmocka_unit_test(one_signature_of_a_role_and_organisation),
        cmocka_unit_test(signatures_out_of_order_or_twice_are_refused),
        cmocka_unit_test(roles_outside_the_table_are_refused),
        cmocka_unit_test(a_stmt_is_one_map_and_not_too_large),
        cmocka_unit_test(an_ss_has_one_to_sixteen_signatures_and_a_request_may_have_none),
        cmocka_unit_test(the_largest_ss_is_as_large_as_the_constant_says),
        cmocka_unit_test(every_truncation_and_every_trailing_byte_is_refused),
        cmocka_unit_test(a_signature_verifies_for_its_family_statement_and_key_only),
        cmocka_unit_test(the_role_says_whether_an_organisation_is_named),
        cmocka_unit_test(a_signature_is_found_by_role_and_organisation),
        cmocka_unit_test(the_link_is_the_labelled_hash_of_the_stmt),
        cmocka_unit_test(without_memory_nothing_is_made_and_nothing_leaks),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
