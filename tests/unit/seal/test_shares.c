/* link: -Wl,--wrap=sodium_malloc -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "seal_support.h"

#include <stdio.h>
#include <stdlib.h>

#include "failing_alloc.h"
#include "gf256.h"
#include "shares.h"
#include "vectors_load.h"

#define FIELD 256

/* --- the field ------------------------------------------------------------------------------- */

/* The other way: multiply the polynomials, then divide. */
static uint8_t slow_mul(unsigned a, unsigned b)
{
    unsigned product = 0;

    for (unsigned i = 0; i < 8; i++)
        if (b >> i & 1)
            product ^= a << i;
    for (unsigned i = 15; i >= 8; i--)
        if (product >> i & 1)
            product ^= 0x11bU << (i - 8);
    return (uint8_t)product;
}

static void products_and_inverses_are_those_of_the_field(void **state)
{
    (void)state;
    for (unsigned a = 0; a < FIELD; a++) {
        for (unsigned b = 0; b < FIELD; b++)
            assert_int_equal(gf256_mul((uint8_t)a, (uint8_t)b), slow_mul(a, b));
        assert_int_equal(gf256_mul((uint8_t)a, gf256_inv((uint8_t)a)), a != 0);
    }
    assert_int_equal(gf256_mul(0x57, 0x83), 0xc1); /* FIPS 197, 4.2 */
    assert_int_equal(gf256_inv(0x53), 0xca);
}

/* All 65,536 lines: with one part of two, each secret is as possible as any other. */
static void one_part_of_two_says_nothing(void **state)
{
    static unsigned seen[FIELD][FIELD]; /* value of the part, secret */
    uint8_t x = 3;

    (void)state;
    memset(seen, 0, sizeof seen);
    for (unsigned secret = 0; secret < FIELD; secret++)
        for (unsigned c = 0; c < FIELD; c++) {
            const uint8_t line[] = {(uint8_t)secret, (uint8_t)c};

            seen[gf256_poly(line, 2, x)][secret]++;
        }
    for (unsigned y = 0; y < FIELD; y++)
        for (unsigned secret = 0; secret < FIELD; secret++)
            assert_int_equal(seen[y][secret], 1);
}

/* For some secrets, all 65,536 parabolas: the two parts take each pair of values once, so that the
 * pair is as likely under one secret as under another. */
static void two_parts_of_three_say_nothing(void **state)
{
    static uint8_t seen[FIELD][FIELD];

    (void)state;
    for (unsigned secret = 0; secret < FIELD; secret += 15) {
        unsigned pairs = 0;

        memset(seen, 0, sizeof seen);
        for (unsigned c = 0; c < FIELD * FIELD; c++) {
            const uint8_t p[] = {(uint8_t)secret, (uint8_t)(c >> 8), (uint8_t)c};
            uint8_t *cell = &seen[gf256_poly(p, 3, 2)][gf256_poly(p, 3, 5)];

            pairs += *cell == 0;
            *cell = 1;
        }
        assert_int_equal(pairs, FIELD * FIELD);
    }
}

/* --- sharing --------------------------------------------------------------------------------- */

struct bench {
    struct secret32 *secret[SHARE_SECRETS];
    struct share share[SHARES_MAX];
};

static int set_up(void **state)
{
    static struct bench b;
    struct entropy source = replayed(9);

    for (size_t i = 0; i < SHARE_SECRETS; i++)
        assert_int_equal(secret32_generate(&source, &b.secret[i]), ERR_OK);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;

    for (size_t i = 0; i < SHARE_SECRETS; i++)
        secret32_free(b->secret[i]);
    return 0;
}

static const struct secret32 *const *given(const struct bench *b)
{
    static const struct secret32 *list[SHARE_SECRETS];

    for (size_t i = 0; i < SHARE_SECRETS; i++)
        list[i] = b->secret[i];
    return list;
}

static void split(struct bench *b, unsigned k, unsigned n, uint8_t seed)
{
    struct entropy source = replayed(seed);

    assert_int_equal(shares_split(given(b), k, n, &source, b->share), ERR_OK);
}

static void assert_joins(const struct bench *b, const struct share *s, size_t n)
{
    struct secret32 *got[SHARE_SECRETS] = {0};

    assert_int_equal(shares_join(s, n, got), ERR_OK);
    for (size_t i = 0; i < SHARE_SECRETS; i++) {
        assert_true(secret32_equal(got[i], b->secret[i]));
        secret32_free(got[i]);
    }
}

static void assert_not_joined(const struct share *s, size_t n, enum err why)
{
    struct secret32 *got[SHARE_SECRETS] = {0};

    assert_int_equal(shares_join(s, n, got), why);
    for (size_t i = 0; i < SHARE_SECRETS; i++)
        assert_null(got[i]);
}

static void every_k_of_them_give_the_secrets_back(void **state)
{
    struct bench *b = *state;
    unsigned joined = 0;

    split(b, 3, 5, 1);
    for (unsigned mask = 0; mask < 32; mask++) {
        struct share some[5];
        size_t n = 0;

        for (size_t i = 0; i < 5; i++)
            if (mask >> i & 1)
                some[n++] = b->share[4 - i]; /* in another order than they were made */
        if (n < 3) {
            assert_not_joined(some, n, ERR_FIELD_MISSING);
            continue;
        }
        assert_joins(b, some, n);
        joined++;
    }
    assert_int_equal(joined, 16);
    split(b, SHARES_MAX, SHARES_MAX, 2);
    assert_joins(b, b->share, SHARES_MAX);
}

static void a_part_changed_anywhere_is_found(void **state)
{
    struct bench *b = *state;

    split(b, 2, 3, 3);
    for (size_t at = 0; at < SHARE_VALUE_BYTES; at++) {
        b->share[1].value[at] ^= 0x40;
        assert_not_joined(b->share, 2, ERR_OPEN);
        b->share[1].value[at] ^= 0x40;
    }
    assert_joins(b, b->share, 2);
    for (size_t i = 0; i < 2; i++) { /* under another name of the set, or another threshold */
        b->share[i].set[0] ^= 1;
    }
    assert_not_joined(b->share, 2, ERR_OPEN);
}

static void parts_of_two_sharings_and_the_same_part_twice_are_refused(void **state)
{
    struct bench *b = *state;
    struct share other;

    split(b, 2, 3, 4);
    other = b->share[0];
    split(b, 2, 3, 5);
    assert_memory_not_equal(other.set, b->share[0].set, SHARE_SET_BYTES);
    b->share[0] = other;
    assert_not_joined(b->share, 2, ERR_CONFLICT);
    b->share[0] = b->share[1];
    assert_not_joined(b->share, 2, ERR_EXISTS);
    assert_not_joined(b->share, 0, ERR_FIELD_MISSING);
    b->share[0].number = 0;
    assert_not_joined(b->share, 2, ERR_RANGE);
}

static void thresholds_that_protect_nothing_are_refused(void **state)
{
    static const unsigned bad[][2] = {
        {0, 3 },
        {1, 3 },
        {4, 3 },
        {2, 17}
    };
    struct bench *b = *state;
    struct entropy source = replayed(6);

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(shares_split(given(b), bad[i][0], bad[i][1], &source, b->share),
                         ERR_RANGE);
}

static void no_randomness_and_no_memory_make_no_parts(void **state)
{
    struct bench *b = *state;

    for (int good = 0; good < 2; good++) {
        int left = good;
        struct entropy source = failing_entropy(&left);

        assert_int_equal(shares_split(given(b), 2, 2, &source, b->share), ERR_RANDOM);
    }
    split(b, 2, 2, 7);
    for (long n = 1; n <= 1 + SHARE_SECRETS; n++) {
        secret_alloc_fail_after(n);
        assert_not_joined(b->share, 2, ERR_NOMEM);
    }
    secret_alloc_fail_after(1);
    assert_int_equal(shares_split(given(b), 2, 2, &(struct entropy){0}, b->share), ERR_NOMEM);
    secret_alloc_fail_after(-1);
    assert_joins(b, b->share, 2);
}

/* --- sheets ---------------------------------------------------------------------------------- */

static void sheet_of(const struct share *s, char *text, size_t size)
{
    char lines[SHARE_LINES][SHARE_LINE_TEXT];
    size_t at = 0;

    assert_int_equal(share_write(s, lines), ERR_OK);
    for (size_t i = 0; i < SHARE_LINES; i++)
        at += (size_t)snprintf(text + at, size - at, "   %s\n", lines[i]);
}

static void a_sheet_reads_back_whatever_stands_around_its_lines(void **state)
{
    struct bench *b = *state;
    struct share back = {0};
    char lines[SHARE_LINES][SHARE_LINE_TEXT];
    char text[2000] = "Part 1 sur 5\n\nÀ garder : 12 ans.\n9: non\n";
    unsigned line = 9;

    split(b, 3, 5, 8);
    assert_int_equal(share_write(&b->share[2], lines), ERR_OK);
    for (size_t i = SHARE_LINES; i-- > 0;) { /* the last first */
        strncat(text, lines[i], sizeof text - strlen(text) - 1);
        strncat(text, i ? "\r\nceci n'est pas une ligne\n" : "", sizeof text - strlen(text) - 1);
    }
    assert_int_equal(share_read(span_text(text), &back, &line), ERR_OK);
    assert_int_equal(line, 0);
    assert_memory_equal(&back, &b->share[2], sizeof back);
}

static void a_line_is_read_as_people_type_it(void **state)
{
    struct bench *b = *state;
    char lines[SHARE_LINES][SHARE_LINE_TEXT];
    uint8_t want[SHARE_LINE_BYTES], got[SHARE_LINE_BYTES];
    char typed[80];
    size_t n = 0;

    split(b, 2, 2, 10);
    assert_int_equal(share_write(&b->share[0], lines), ERR_OK);
    assert_int_equal(share_line_read(4, span_text(lines[3]), want), ERR_OK);
    for (const char *c = lines[3] + 2; *c; c++) { /* small, tight, with hyphens and digits */
        char low = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;

        typed[n++] = low == 'o'   ? '0'
                     : low == 'i' ? '1'
                     : low == 'b' ? '8'
                     : low == ' ' ? '-'
                                  : low;
    }
    typed[n] = '\0';
    assert_int_equal(share_line_read(4, span_text(typed), got), ERR_OK);
    assert_memory_equal(got, want, sizeof got);
    assert_int_equal(share_line_read(5, span_text(typed), got), ERR_TEXT_FORM);
    assert_int_equal(share_line_read(5, span_text(lines[3]), got), ERR_TEXT_FORM);
    assert_int_equal(share_line_read(0, span_text(lines[3]), got), ERR_TEXT_FORM);
    assert_int_equal(share_line_read(9, span_text(lines[3]), got), ERR_TEXT_FORM);
    assert_int_equal(share_line_read(4, span_text(""), got), ERR_TEXT_FORM);
}

/* Every slip of one character, and every two neighbours changed over. */
static void a_slip_of_the_pen_is_found_in_its_line(void **state)
{
    struct bench *b = *state;
    char lines[SHARE_LINES][SHARE_LINE_TEXT];
    uint8_t got[SHARE_LINE_BYTES];
    unsigned tried = 0;

    split(b, 2, 2, 11);
    assert_int_equal(share_write(&b->share[1], lines), ERR_OK);
    for (unsigned i = 0; i < SHARE_LINES; i++)
        for (size_t at = 3; lines[i][at]; at++) {
            char was = lines[i][at], next = lines[i][at + 1];

            if (was == ' ')
                continue;
            for (const char *c = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567?"; *c; c++) {
                lines[i][at] = *c;
                if (*c != was)
                    assert_int_equal(share_line_read(i + 1, span_text(lines[i]), got),
                                     ERR_TEXT_FORM);
                tried++;
            }
            lines[i][at] = was;
            if (!next || next == ' ' || next == was)
                continue;
            lines[i][at] = next;
            lines[i][at + 1] = was;
            assert_int_equal(share_line_read(i + 1, span_text(lines[i]), got), ERR_TEXT_FORM);
            lines[i][at] = was;
            lines[i][at + 1] = next;
        }
    assert_int_equal(tried, SHARE_LINES * 28 * 33);
}

static void lines_missing_twice_or_of_another_sheet_are_named(void **state)
{
    struct bench *b = *state;
    char one[500], other[500], text[1200];
    struct share back;
    unsigned line = 0;
    char *third;

    split(b, 2, 2, 12);
    sheet_of(&b->share[0], one, sizeof one);
    sheet_of(&b->share[1], other, sizeof other);
    snprintf(text, sizeof text, "%s%s", one, other);
    assert_int_equal(share_read(span_text(text), &back, &line), ERR_EXISTS);
    assert_int_equal(line, 1);
    third = strstr(one, "3: ");
    memcpy(third, strstr(other, "3: "), SHARE_LINE_TEXT - 1);
    assert_int_equal(share_read(span_text(one), &back, &line), ERR_CONFLICT);
    assert_int_equal(line, 0);
    third[4] = '?';
    assert_int_equal(share_read(span_text(one), &back, &line), ERR_TEXT_FORM);
    assert_int_equal(line, 3);
    *third = 'x';
    assert_int_equal(share_read(span_text(one), &back, &line), ERR_FIELD_MISSING);
    assert_int_equal(line, 3);
    assert_int_equal(share_read((struct span){NULL, 0}, &back, &line), ERR_FIELD_MISSING);
    assert_int_equal(share_read(span_of(text, SHARE_SHEET_MAX + 1), &back, &line), ERR_SIZE);
}

static void a_sheet_of_another_version_or_without_sense_is_refused(void **state)
{
    struct bench *b = *state;
    char lines[SHARE_LINES][SHARE_LINE_TEXT];
    uint8_t raw[SHARE_LINES][SHARE_LINE_BYTES];
    struct share bad, back;

    split(b, 2, 2, 13);
    bad = b->share[0];
    bad.number = 3;
    assert_int_equal(share_write(&bad, lines), ERR_OK);
    for (unsigned i = 0; i < SHARE_LINES; i++)
        assert_int_equal(share_line_read(i + 1, span_text(lines[i]), raw[i]), ERR_OK);
    assert_int_equal(share_lines_decode((const uint8_t(*)[SHARE_LINE_BYTES])raw, &back),
                     ERR_FIELD_VALUE);
    raw[0][0] = 2;
    assert_int_equal(share_lines_decode((const uint8_t(*)[SHARE_LINE_BYTES])raw, &back),
                     ERR_VERSION);
}

/* --- the frozen vectors ---------------------------------------------------------------------- */

/* The bytes of a vector, in the order they are asked for. */
static enum err fill_from(void *arg, uint8_t *out, size_t n)
{
    struct span *left = arg;

    if (n > left->len)
        return ERR_RANDOM;
    memcpy(out, left->ptr, n);
    *left = span_of(left->ptr + n, left->len - n);
    return ERR_OK;
}

static void assert_sharing(const json_t *v)
{
    struct bytes random = vec_hex(v, "set"), more = vec_hex(v, "random");
    struct share share[SHARES_MAX];
    struct bench b = {0};
    struct span left;
    struct entropy source = {fill_from, &left};
    const json_t *one;
    size_t i;

    assert_int_equal(bytes_append(&random, bytes_span(&more)), ERR_OK);
    left = bytes_span(&random);
    json_array_foreach(vec_list(v, "secrets"), i, one)
    {
        b.secret[i] = secret_of_hex(json_string_value(one));
    }
    assert_int_equal(shares_split(given(&b), (unsigned)vec_uint(v, "threshold"),
                                  (unsigned)vec_uint(v, "count"), &source, share),
                     ERR_OK);
    assert_int_equal(left.len, 0);
    json_array_foreach(vec_list(v, "shares"), i, one)
    {
        const json_t *lines = vec_list(one, "lines");
        char made[SHARE_LINES][SHARE_LINE_TEXT];

        assert_true(vec_is(one, "value", SPAN_OF(share[i].value)));
        assert_int_equal(share_write(&share[i], made), ERR_OK);
        for (size_t n = 0; n < SHARE_LINES; n++)
            assert_string_equal(made[n], json_string_value(json_array_get(lines, n)));
    }
    assert_int_equal(i, vec_uint(v, "count"));
    for (i = 0; i < SHARE_SECRETS; i++)
        secret32_free(b.secret[i]);
    bytes_free(&random);
    bytes_free(&more);
}

static void the_frozen_sharings_are_made_again(void **state)
{
    json_t *file = vec_load("shares.json");
    const json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(vec_list(file, "good"), i, v)
    {
        assert_sharing(v);
    }
    assert_int_equal(i, 2);
    json_decref(file);
}

static void the_frozen_bad_sheets_are_refused_by_name(void **state)
{
    json_t *file = vec_load("shares.json");
    const json_t *v, *line;
    size_t i, n;

    (void)state;
    json_array_foreach(vec_list(file, "bad"), i, v)
    {
        struct bytes text = {0};
        struct share s;
        unsigned at;
        enum err e;

        json_array_foreach(vec_list(v, "lines"), n, line)
        {
            assert_int_equal(bytes_printf(&text, "%s\n", json_string_value(line)), ERR_OK);
        }
        e = share_read(bytes_span(&text), &s, &at);
        assert_string_equal(err_name(e) + strlen("ERR_"), vec_text(v, "error"));
        bytes_free(&text);
    }
    assert_true(i >= 9);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_and_inverses_are_those_of_the_field),
        cmocka_unit_test(one_part_of_two_says_nothing),
        cmocka_unit_test(two_parts_of_three_say_nothing),
        cmocka_unit_test(every_k_of_them_give_the_secrets_back),
        cmocka_unit_test(a_part_changed_anywhere_is_found),
        cmocka_unit_test(parts_of_two_sharings_and_the_same_part_twice_are_refused),
        cmocka_unit_test(thresholds_that_protect_nothing_are_refused),
        cmocka_unit_test(no_randomness_and_no_memory_make_no_parts),
        cmocka_unit_test(a_sheet_reads_back_whatever_stands_around_its_lines),
        cmocka_unit_test(a_line_is_read_as_people_type_it),
        cmocka_unit_test(a_slip_of_the_pen_is_found_in_its_line),
        cmocka_unit_test(lines_missing_twice_or_of_another_sheet_are_named),
        cmocka_unit_test(a_sheet_of_another_version_or_without_sense_is_refused),
        cmocka_unit_test(the_frozen_sharings_are_made_again),
        cmocka_unit_test(the_frozen_bad_sheets_are_refused_by_name),
    };

    if (seal_init())
        return EXIT_FAILURE;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
