/* shares.json: the keys of a node in printed parts (PROTOCOL.md 14.1), by another arithmetic. */
#include <stdio.h>
#include <string.h>

#include "vectors.h"
#include "vectors_kit.h"

#define SECRETS 3
#define CHECK 8
#define VALUE (32 * SECRETS + CHECK)
#define LINES 8
#define LINE 15
#define SHEET (LINES * LINE)
#define LINE_TEXT 64
#define MOST 16

static unsigned times(unsigned a, unsigned b) /* polynomials, then the remainder */
{
    unsigned product = 0;

    for (unsigned i = 0; i < 8; i++)
        product ^= (b >> i & 1) ? a << i : 0;
    for (unsigned i = 15; i >= 8; i--)
        product ^= (product >> i & 1) ? 0x11bU << (i - 8) : 0;
    return product;
}

struct sharing {
    unsigned threshold, count;
    uint8_t set[CHECK];
    uint8_t shared[VALUE];
    uint8_t random[(MOST - 1) * VALUE];
};

static void random_of(const char *name, uint8_t *out, size_t n)
{
    for (size_t at = 0; at < n; at += 32) {
        char part[80];
        uint8_t block[32];

        snprintf(part, sizeof part, "%s random %zu", name, at / 32);
        vec_secret(part, block);
        memcpy(out + at, block, n - at < 32 ? n - at : 32);
    }
}

static void sharing_make(struct sharing *s, const char *name, unsigned threshold, unsigned count)
{
    const uint8_t k = (uint8_t)threshold;
    const struct span parts[] = {
        SPAN_OF(s->set), {&k,        1            },
         {s->shared, VALUE - CHECK}
    };
    uint8_t hash[16];
    char one[80];

    *s = (struct sharing){.threshold = threshold, .count = count};
    snprintf(one, sizeof one, "%s set", name);
    random_of(one, s->set, sizeof s->set);
    for (size_t i = 0; i < SECRETS; i++) {
        snprintf(one, sizeof one, "%s secret %zu", name, i + 1);
        vec_secret(one, s->shared + 32 * i);
    }
    random_of(name, s->random, (threshold - 1) * (size_t)VALUE);
    MUST(digest_parts("relais/share1/check", NO_KEY, parts, 3, hash, sizeof hash));
    memcpy(s->shared + 32 * SECRETS, hash, CHECK);
}

static uint8_t at_point(const struct sharing *s, size_t at, unsigned x)
{
    unsigned power = 1;
    unsigned sum = s->shared[at];

    for (unsigned i = 1; i < s->threshold; i++) {
        power = times(power, x);
        sum ^= times(power, s->random[(i - 1) * VALUE + at]);
    }
    return (uint8_t)sum;
}

static void sheet_of(const struct sharing *s, unsigned x, uint8_t sheet[SHEET])
{
    uint8_t hash[16];

    sheet[0] = 1;
    memcpy(sheet + 1, s->set, 8);
    sheet[9] = (uint8_t)s->threshold;
    sheet[10] = (uint8_t)s->count;
    sheet[11] = (uint8_t)x;
    for (size_t at = 0; at < VALUE; at++)
        sheet[12 + at] = at_point(s, at, x);
    MUST(digest_of("relais/share1/sheet", span_of(sheet, SHEET - 4), hash, sizeof hash));
    memcpy(sheet + SHEET - 4, hash, 4);
}

static void line_text(const uint8_t *sheet, unsigned number, char text[LINE_TEXT])
{
    const uint8_t n = (uint8_t)number;
    const uint8_t *line = sheet + (size_t)(number - 1) * LINE;
    const struct span parts[] = {
        {&n,   1   },
        {line, LINE}
    };
    struct bytes chars = {0}, check = {0};
    uint8_t hash[16];

    MUST(digest_parts("relais/share1/line", NO_KEY, parts, 2, hash, sizeof hash));
    MUST(base32_write(&chars, span_of(line, LINE), 120));
    MUST(base32_write(&check, SPAN_OF(hash), 20));
    snprintf(text, LINE_TEXT, "%u: %.6s %.6s %.6s %.6s %.4s", number, (char *)chars.ptr,
             (char *)chars.ptr + 6, (char *)chars.ptr + 12, (char *)chars.ptr + 18,
             (char *)check.ptr);
    bytes_free(&chars);
    bytes_free(&check);
}

static void put_lines(json_t *o, const uint8_t sheet[SHEET])
{
    json_t *list = put_array(o, "lines");
    char text[LINE_TEXT];

    for (unsigned i = 1; i <= LINES; i++) {
        line_text(sheet, i, text);
        json_array_append_new(list, json_string(text));
    }
}

static void put_sharing(json_t *list, const char *what, unsigned threshold, unsigned count)
{
    struct sharing s;
    json_t *o = add_object(list);
    json_t *secrets, *shares;

    sharing_make(&s, what, threshold, count);
    put_text(o, "what", what);
    put_uint(o, "threshold", threshold);
    put_uint(o, "count", count);
    put_span(o, "set", SPAN_OF(s.set));
    secrets = put_array(o, "secrets");
    for (size_t i = 0; i < SECRETS; i++)
        json_array_append_new(secrets, vec_json_hex(span_of(s.shared + 32 * i, 32)));
    put_span(o, "random", span_of(s.random, (threshold - 1) * (size_t)VALUE));
    shares = put_array(o, "shares");
    for (unsigned x = 1; x <= count; x++) {
        uint8_t sheet[SHEET];
        json_t *one = add_object(shares);

        sheet_of(&s, x, sheet);
        put_uint(one, "number", x);
        put_span(one, "value", span_of(sheet + 12, VALUE));
        put_lines(one, sheet);
    }
}

/* A sheet of two of three with one fault; where its tag is to fit, it is made again. */
static void put_bad(json_t *list, const char *what, enum err e, size_t at, uint8_t value, bool tag)
{
    struct sharing s;
    uint8_t sheet[SHEET];
    uint8_t hash[16];
    json_t *o = add_object(list);

    sharing_make(&s, "bad", 2, 3);
    sheet_of(&s, 1, sheet);
    sheet[at] = value;
    if (tag) {
        MUST(digest_of("relais/share1/sheet", span_of(sheet, SHEET - 4), hash, sizeof hash));
        memcpy(sheet + SHEET - 4, hash, 4);
    }
    put_text(o, "what", what);
    put_lines(o, sheet);
    put_text(o, "error", vec_err(e));
}

/* One character of a good line, or the lines themselves, as somebody mistook them. */
static void put_slips(json_t *list)
{
    struct sharing s;
    uint8_t sheet[SHEET];
    json_t *o = add_object(list);
    json_t *lines;
    char text[LINE_TEXT];

    sharing_make(&s, "bad", 2, 3);
    sheet_of(&s, 2, sheet);
    put_text(o, "what", "one character of line 5");
    put_lines(o, sheet);
    line_text(sheet, 5, text);
    text[9] = text[9] == 'A' ? 'C' : 'A';
    json_array_set_new(json_object_get(o, "lines"), 4, json_string(text));
    put_text(o, "error", vec_err(ERR_TEXT_FORM));
    o = add_object(list);
    put_text(o, "what", "line 8 is missing");
    put_lines(o, sheet);
    lines = json_object_get(o, "lines");
    json_array_remove(lines, 7);
    put_text(o, "error", vec_err(ERR_FIELD_MISSING));
}

json_t *vectors_shares(void)
{
    json_t *file = json_object();
    json_t *list;

    put_text(file, "about", "The keys of a node in printed parts (14.1)");
    list = put_array(file, "good");
    put_sharing(list, "two of three", 2, 3);
    put_sharing(list, "three of five", 3, 5);
    list = put_array(file, "bad");
    put_bad(list, "another version", ERR_VERSION, 0, 2, true);
    put_bad(list, "a byte changed in a line that checks", ERR_CONFLICT, 40, 0, false);
    put_bad(list, "threshold 1", ERR_FIELD_VALUE, 9, 1, true);
    put_bad(list, "threshold above the count", ERR_FIELD_VALUE, 9, 4, true);
    put_bad(list, "17 parts", ERR_FIELD_VALUE, 10, 17, true);
    put_bad(list, "part 0", ERR_FIELD_VALUE, 11, 0, true);
    put_bad(list, "part 4 of 3", ERR_FIELD_VALUE, 11, 4, true);
    put_slips(list);
    return file;
}
