/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "policy_world.h"

#include "failing_alloc.h"

static const uint8_t stmt_bytes[] = {0x81, 0x01, 0x07};
#define STMT SPAN_OF(stmt_bytes)

static void armour_reads_back_what_was_written_in_any_length(void **state)
{
    static uint8_t data[300];

    (void)state;
    for (size_t n = 1; n <= sizeof data; n++) {
        struct bytes text = {0};
        struct bytes back = {0};
        data[n - 1] = (uint8_t)(n * 37);
        assert_int_equal(armour_write(ARMOUR_REQUEST, span_of(data, n), &text), ERR_OK);
        assert_int_equal(armour_read(ARMOUR_REQUEST, bytes_span(&text), &back), ERR_OK);
        assert_true(span_equal(bytes_span(&back), span_of(data, n)));
        bytes_free(&text);
        bytes_free(&back);
    }
}

static void the_text_is_the_one_of_the_specification(void **state)
{
    static const char expected[] =
        "-----BEGIN RELAIS SIGNATURE-----\n"
        "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\n"
        "QUE=\n"
        "-----END RELAIS SIGNATURE-----\n";
    uint8_t data[50];
    struct bytes text = {0};

    (void)state;
    memset(data, 'A', sizeof data);
    assert_int_equal(armour_write(ARMOUR_SIGNATURE, SPAN_OF(data), &text), ERR_OK);
    assert_string_equal((const char *)text.ptr, expected);
    bytes_free(&text);
}

static enum err read_text(const char *text)
{
    struct bytes back = {0};
    enum err e = armour_read(ARMOUR_STATEMENT, span_text(text), &back);

    if (!e)
        seal_bytes_free(&back);
    return e;
}

#define BEGIN "-----BEGIN RELAIS STATEMENT-----\n"
#define END "-----END RELAIS STATEMENT-----\n"

static void there_is_one_way_to_write_it(void **state)
{
    (void)state;
    assert_int_equal(read_text(BEGIN "QUFB\n" END), ERR_OK);
    assert_int_equal(read_text(BEGIN "QUFB\n-----END RELAIS STATEMENT-----"), ERR_OK);
    assert_int_equal(read_text(BEGIN "QUFB\n" END " \r\n\n"), ERR_OK);
    assert_int_equal(read_text(BEGIN "QU\nFB\n" END), ERR_TEXT_FORM); /* broken elsewhere */
    assert_int_equal(read_text(BEGIN "QUFB\n\n" END), ERR_TEXT_FORM);
    assert_int_equal(read_text(BEGIN "QUFB \n" END), ERR_TEXT_FORM);
    assert_int_equal(read_text(BEGIN "QUF\n" END), ERR_TEXT_FORM);
    assert_int_equal(read_text(BEGIN END), ERR_TEXT_FORM);
    assert_int_equal(read_text(BEGIN "QUFB\n-----END RELAIS REQUEST-----\n"), ERR_TEXT_FORM);
    assert_int_equal(read_text("-----BEGIN RELAIS REQUEST-----\nQUFB\n" END), ERR_TEXT_FORM);
    assert_int_equal(read_text("\n" BEGIN "QUFB\n" END), ERR_TEXT_FORM);
    assert_int_equal(read_text(BEGIN "QUFB\n" END "more"), ERR_TEXT_FORM);
    assert_int_equal(read_text("-----BEGIN RELAIS STATEMENT-----QUFB"), ERR_TEXT_FORM);
    assert_int_equal(read_text("-----BEGIN RELAIS LETTER-----\nQUFB\n"), ERR_TEXT_FORM);
    assert_int_equal(read_text("-----BEGIN RELAIS STATEMENT-----\n"), ERR_TEXT_FORM);
    assert_int_equal(read_text("-----BEGIN RELAIS "), ERR_TEXT_FORM);
    assert_int_equal(read_text(""), ERR_TEXT_FORM);
}

static void sizes_are_bounded(void **state)
{
    static uint8_t large[ARMOUR_DATA_MAX + 1];
    static char text[ARMOUR_TEXT_MAX + 1];
    struct bytes out = {0};

    (void)state;
    assert_int_equal(armour_write(ARMOUR_REQUEST, SPAN_OF(large), &out), ERR_SIZE);
    assert_int_equal(armour_write(ARMOUR_REQUEST, span_of(large, 0), &out), ERR_SIZE);
    assert_int_equal(armour_write((enum armour_kind)5, span_of(large, 4), &out), ERR_RANGE);
    assert_int_equal(armour_write((enum armour_kind)0, span_of(large, 4), &out), ERR_RANGE);
    assert_int_equal(armour_read(ARMOUR_REQUEST, SPAN_OF(text), &out), ERR_SIZE);
    assert_int_equal(armour_write(ARMOUR_REQUEST, span_of(large, ARMOUR_DATA_MAX), &out), ERR_OK);
    bytes_free(&out);
}

static void a_file_says_what_it_is(void **state)
{
    (void)state;
    for (enum armour_kind k = ARMOUR_INVITATION; k <= ARMOUR_STATEMENT; k++) {
        struct bytes text = {0};
        enum armour_kind found = 0;
        assert_int_equal(armour_write(k, STMT, &text), ERR_OK);
        assert_int_equal(armour_peek(bytes_span(&text), &found), ERR_OK);
        assert_int_equal(found, k);
        bytes_free(&text);
    }
}

/* --- SIGNATURE and REQUEST ------------------------------------------------------------------ */

static struct bytes request_of(const struct statement_sig *sigs, size_t count)
{
    struct bytes ss = {0};

    assert_int_equal(statement_join(STMT, sigs, count, &ss), ERR_OK);
    return ss;
}

static struct statement_sig by(uint8_t house)
{
    struct statement_sig s;

    assert_int_equal(statement_sign(STATEMENT_KEYS, STMT, ROLE_COUNTERSIGNER, houses[house].org,
                                    houses[house].sign, &s),
                     ERR_OK);
    return s;
}

static void signatures_made_in_several_houses_complete_a_request(void **state)
{
    struct statement_sig first = by(2);
    struct statement_sig second = by(1);
    struct bytes request = request_of(NULL, 0);
    struct bytes file = {0};
    struct bytes merged = {0};
    struct bytes complete = {0};
    struct statement s;

    (void)state;
    assert_int_equal(signature_encode(STMT, &first, &file), ERR_OK);
    assert_true(file.len <= SIGNATURE_FILE_MAX);
    assert_int_equal(request_merge(bytes_span(&request), bytes_span(&file), &merged), ERR_OK);
    bytes_free(&file);
    assert_int_equal(signature_encode(STMT, &second, &file), ERR_OK);
    assert_int_equal(request_merge(bytes_span(&merged), bytes_span(&file), &complete), ERR_OK);
    assert_int_equal(statement_parse(bytes_span(&complete), &s), ERR_OK);
    assert_int_equal(s.count, 2);
    assert_memory_equal(&s.sig[0], &second, sizeof second);
    bytes_free(&request);
    bytes_free(&file);
    bytes_free(&merged);
    bytes_free(&complete);
}

static void the_same_signature_again_changes_nothing(void **state)
{
    struct statement_sig sig = by(2);
    struct bytes request = request_of(&sig, 1);
    struct bytes file = {0};
    struct bytes merged = {0};

    (void)state;
    assert_int_equal(signature_encode(STMT, &sig, &file), ERR_OK);
    assert_int_equal(request_merge(bytes_span(&request), bytes_span(&file), &merged), ERR_OK);
    assert_true(span_equal(bytes_span(&request), bytes_span(&merged)));
    bytes_free(&request);
    bytes_free(&file);
    bytes_free(&merged);
}

static void another_signature_in_the_same_place_is_refused(void **state)
{
    struct statement_sig sig = by(2);
    struct statement_sig other = by(2);
    struct bytes request = request_of(&sig, 1);
    struct bytes file = {0};
    struct bytes merged = {0};

    (void)state;
    other.sig[0] ^= 1;
    assert_int_equal(signature_encode(STMT, &other, &file), ERR_OK);
    assert_int_equal(request_merge(bytes_span(&request), bytes_span(&file), &merged), ERR_EXISTS);
    bytes_free(&request);
    bytes_free(&file);
}

static void a_signature_about_another_statement_is_refused(void **state)
{
    static const uint8_t another[] = {0x81, 0x01, 0x08};
    struct statement_sig sig = by(2);
    struct bytes request = request_of(NULL, 0);
    struct bytes file = {0};
    struct bytes merged = {0};

    (void)state;
    assert_int_equal(signature_encode(SPAN_OF(another), &sig, &file), ERR_OK);
    assert_int_equal(request_merge(bytes_span(&request), bytes_span(&file), &merged), ERR_CONFLICT);
    bytes_free(&request);
    bytes_free(&file);
}

static void a_full_request_takes_no_more(void **state)
{
    struct statement_sig sigs[SS_SIGNATURES_MAX];
    struct statement_sig sig = by(2);
    struct bytes file = {0};
    struct bytes merged = {0};

    (void)state;
    for (uint8_t i = 0; i < SS_SIGNATURES_MAX; i++) {
        sigs[i] = by(1);
        sigs[i].org[0] = (uint8_t)(i + 100);
    }
    struct bytes request = request_of(sigs, SS_SIGNATURES_MAX);
    assert_int_equal(signature_encode(STMT, &sig, &file), ERR_OK);
    assert_int_equal(request_merge(bytes_span(&request), bytes_span(&file), &merged), ERR_ITEMS);
    bytes_free(&request);
    bytes_free(&file);
}

static void a_damaged_signature_file_is_refused(void **state)
{
    static uint8_t large[SIGNATURE_FILE_MAX + 1];
    struct statement_sig sig = by(2);
    struct bytes request = request_of(NULL, 0);
    struct bytes file = {0};
    struct bytes merged = {0};

    (void)state;
    assert_int_equal(signature_encode(STMT, &sig, &file), ERR_OK);
    file.ptr[1] = 2; /* not a keys statement */
    assert_int_equal(request_merge(bytes_span(&request), bytes_span(&file), &merged), ERR_RANGE);
    file.ptr[1] = 1;
    file.len--;
    assert_int_equal(request_merge(bytes_span(&request), bytes_span(&file), &merged),
                     ERR_TRUNCATED);
    assert_int_equal(request_merge(bytes_span(&request), SPAN_OF(large), &merged), ERR_SIZE);
    assert_int_equal(request_merge(SPAN_OF(large), bytes_span(&file), &merged), ERR_TYPE);
    bytes_free(&request);
    bytes_free(&file);
}

static void without_memory_nothing_is_made_and_nothing_leaks(void **state)
{
    struct statement_sig sig = by(2);
    struct bytes request = request_of(NULL, 0);
    struct bytes file = {0};
    enum err e = ERR_NOMEM;
    long n = 0;

    (void)state;
    assert_int_equal(signature_encode(STMT, &sig, &file), ERR_OK);
    while (e != ERR_OK) {
        struct bytes merged = {0};
        struct bytes text = {0};
        struct bytes back = {0};
        alloc_fail_after(++n);
        e = request_merge(bytes_span(&request), bytes_span(&file), &merged);
        if (!e)
            e = armour_write(ARMOUR_REQUEST, bytes_span(&merged), &text);
        if (!e)
            e = armour_read(ARMOUR_REQUEST, bytes_span(&text), &back);
        alloc_fail_after(-1);
        assert_true(e == ERR_OK || e == ERR_NOMEM);
        bytes_free(&merged);
        bytes_free(&text);
        seal_bytes_free(&back);
    }
    assert_true(n > 4);
    bytes_free(&request);
    bytes_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(armour_reads_back_what_was_written_in_any_length),
        cmocka_unit_test(the_text_is_the_one_of_the_specification),
        cmocka_unit_test(there_is_one_way_to_write_it),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(a_file_says_what_it_is),
        cmocka_unit_test(signatures_made_in_several_houses_complete_a_request),
        cmocka_unit_test(the_same_signature_again_changes_nothing),
        cmocka_unit_test(another_signature_in_the_same_place_is_refused),
        cmocka_unit_test(a_signature_about_another_statement_is_refused),
        cmocka_unit_test(a_full_request_takes_no_more),
        cmocka_unit_test(a_damaged_signature_file_is_refused),
        cmocka_unit_test(without_memory_nothing_is_made_and_nothing_leaks),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
