#include "shares.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "digest.h"
#include "gf256.h"
#include "secret.h"

#define VERSION 1
#define SECRETS_BYTES (SHARE_SECRETS * KEY_BYTES)
#define TAG_BYTES 4
#define SHEET_BYTES ((size_t)SHARE_LINES * SHARE_LINE_BYTES)
#define LINE_CHARS 24
#define GROUP_CHARS 6
#define CHECK_CHARS 4
#define TYPED_CHARS (LINE_CHARS + CHECK_CHARS)

static_assert(1 + SHARE_SET_BYTES + 3 + SHARE_VALUE_BYTES + TAG_BYTES == SHEET_BYTES,
              "a sheet fills its lines");
static_assert(LINE_CHARS * 5 == SHARE_LINE_BYTES * 8, "five bits a character");
static_assert(3 + LINE_CHARS + LINE_CHARS / GROUP_CHARS + CHECK_CHARS + 1 == SHARE_LINE_TEXT,
              "number, groups, check and NUL");

/* --- sharing --------------------------------------------------------------------------------- */

static enum err check_of(const uint8_t *set, uint8_t threshold, const uint8_t *secrets,
                         uint8_t out[SHARE_CHECK_BYTES])
{
    const struct span parts[] = {
        {set,        SHARE_SET_BYTES},
        {&threshold, 1              },
        {secrets,    SECRETS_BYTES  }
    };
    uint8_t hash[DIGEST_128];
    enum err e;

    if ((e = digest_parts("relais/share1/check", NO_KEY, parts, 3, hash, sizeof hash)))
        return e;
    memcpy(out, hash, SHARE_CHECK_BYTES);
    seal_wipe(hash, sizeof hash);
    return ERR_OK;
}

/* What is shared, and one polynomial at a time: never outside guarded memory. */
struct work {
    uint8_t shared[SHARE_VALUE_BYTES];
    uint8_t random[(SHARES_MAX - 1) * SHARE_VALUE_BYTES];
    uint8_t polynomial[SHARES_MAX];
};

static void share_byte(struct work *w, size_t at, unsigned threshold, unsigned count,
                       struct share *out)
{
    w->polynomial[0] = w->shared[at];
    for (size_t i = 1; i < threshold; i++)
        w->polynomial[i] = w->random[(i - 1) * SHARE_VALUE_BYTES + at];
    for (size_t i = 0; i < count; i++)
        out[i].value[at] = gf256_poly(w->polynomial, threshold, out[i].number);
}

enum err shares_split(const struct secret32 *const secrets[SHARE_SECRETS], unsigned threshold,
                      unsigned count, const struct entropy *source, struct share *out)
{
    struct work *w = NULL;
    uint8_t set[SHARE_SET_BYTES];
    enum err e;

    if (threshold < SHARE_THRESHOLD_MIN || threshold > count || count > SHARES_MAX)
        return ERR_RANGE;
    if (!(w = secret_alloc(sizeof *w)))
        return ERR_NOMEM;
    for (size_t i = 0; i < SHARE_SECRETS; i++)
        memcpy(w->shared + i * KEY_BYTES, secrets[i]->b, KEY_BYTES);
    if ((e = entropy_fill(source, set, sizeof set)) ||
        (e = entropy_fill(source, w->random, (threshold - 1) * SHARE_VALUE_BYTES)))
        goto out;
    if ((e = check_of(set, (uint8_t)threshold, w->shared, w->shared + SECRETS_BYTES)))
        goto out;
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct share){
            .threshold = (uint8_t)threshold, .count = (uint8_t)count, .number = (uint8_t)(i + 1)};
        memcpy(out[i].set, set, sizeof set);
    }
    for (size_t at = 0; at < SHARE_VALUE_BYTES; at++)
        share_byte(w, at, threshold, count, out);
out:
    secret_release(w);
    return e;
}

static bool in_range(const struct share *s)
{
    return s->threshold >= SHARE_THRESHOLD_MIN && s->threshold <= s->count &&
           s->count <= SHARES_MAX && s->number >= 1 && s->number <= s->count;
}

/* All are of one sharing and each another part of it, and they are enough. */
static enum err fit_together(const struct share *shares, size_t n)
{
    if (n == 0)
        return ERR_FIELD_MISSING;
    for (size_t i = 0; i < n; i++)
        if (!in_range(&shares[i]))
            return ERR_RANGE;
    for (size_t i = 1; i < n; i++) {
        if (memcmp(shares[i].set, shares[0].set, SHARE_SET_BYTES) != 0 ||
            shares[i].threshold != shares[0].threshold || shares[i].count != shares[0].count)
            return ERR_CONFLICT;
        for (size_t j = 0; j < i; j++)
            if (shares[i].number == shares[j].number)
                return ERR_EXISTS;
    }
    return n < shares[0].threshold ? ERR_FIELD_MISSING : ERR_OK;
}

static void join_bytes(const struct share *shares, size_t n, struct work *w)
{
    uint8_t x[SHARES_MAX];

    for (size_t i = 0; i < n; i++)
        x[i] = shares[i].number;
    for (size_t at = 0; at < SHARE_VALUE_BYTES; at++) {
        for (size_t i = 0; i < n; i++)
            w->polynomial[i] = shares[i].value[at];
        w->shared[at] = gf256_at_zero(x, w->polynomial, n);
    }
}

enum err shares_join(const struct share *shares, size_t n, struct secret32 *secrets[SHARE_SECRETS])
{
    struct secret32 *made[SHARE_SECRETS] = {0};
    uint8_t check[SHARE_CHECK_BYTES];
    struct work *w = NULL;
    enum err e;

    if ((e = fit_together(shares, n)))
        return e;
    if (!(w = secret_alloc(sizeof *w)))
        return ERR_NOMEM;
    join_bytes(shares, shares[0].threshold, w);
    if ((e = check_of(shares[0].set, shares[0].threshold, w->shared, check)))
        goto out;
    if (!seal_equal(check, w->shared + SECRETS_BYTES, sizeof check)) {
        e = ERR_OPEN;
        goto out;
    }
    for (size_t i = 0; i < SHARE_SECRETS; i++)
        if ((e = secret32_copy(span_of(w->shared + i * KEY_BYTES, KEY_BYTES), &made[i])))
            goto out;
    for (size_t i = 0; i < SHARE_SECRETS; i++) {
        secrets[i] = made[i];
        made[i] = NULL;
    }
out:
    for (size_t i = 0; i < SHARE_SECRETS; i++)
        secret32_free(made[i]);
    seal_wipe(check, sizeof check);
    secret_release(w);
    return e;
}

void shares_wipe(struct share *shares, size_t n)
{
    seal_wipe(shares, n * sizeof *shares);
}

/* --- lines ----------------------------------------------------------------------------------- */

/* Five bits from bit `at` on. */
static unsigned five_bits(const uint8_t *b, size_t at)
{
    unsigned pair = (unsigned)b[at / 8] << 8;

    if (at % 8 > 3)
        pair |= b[at / 8 + 1];
    return pair >> (11 - at % 8) & 31U;
}

/* A..Z, 2..7: arithmetic and no table, because the characters are of a secret. */
static char base32_char(unsigned v)
{
    unsigned letter = 0U - (unsigned)(v < 26);

    return (char)((letter & ('A' + v)) | (~letter & ('2' + v - 26)));
}

static int base32_value(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == '0')
        c = 'O';
    else if (c == '1')
        c = 'I';
    else if (c == '8')
        c = 'B';
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

static enum err line_check(unsigned number, const uint8_t *bytes, uint8_t hash[DIGEST_128])
{
    const uint8_t line = (uint8_t)number;
    const struct span parts[] = {
        {&line, 1               },
        {bytes, SHARE_LINE_BYTES}
    };

    return digest_parts("relais/share1/line", NO_KEY, parts, 2, hash, DIGEST_128);
}

static enum err line_write(unsigned number, const uint8_t *bytes, char text[SHARE_LINE_TEXT])
{
    uint8_t hash[DIGEST_128];
    size_t at = 0;
    enum err e;

    if ((e = line_check(number, bytes, hash)))
        return e;
    text[at++] = (char)('0' + number);
    text[at++] = ':';
    for (size_t i = 0; i < LINE_CHARS; i++) {
        if (i % GROUP_CHARS == 0)
            text[at++] = ' ';
        text[at++] = base32_char(five_bits(bytes, 5 * i));
    }
    text[at++] = ' ';
    for (size_t i = 0; i < CHECK_CHARS; i++)
        text[at++] = base32_char(five_bits(hash, 5 * i));
    text[at] = '\0';
    return ERR_OK;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "N:" in front; 0: there is none. *rest is what follows it. */
static unsigned line_number(struct span line, struct span *rest)
{
    while (line.len > 0 && is_space(*line.ptr))
        line = span_of(line.ptr + 1, line.len - 1);
    *rest = line;
    if (line.len < 2 || line.ptr[0] < '1' || line.ptr[0] > '0' + SHARE_LINES || line.ptr[1] != ':')
        return 0;
    *rest = span_of(line.ptr + 2, line.len - 2);
    return (unsigned)(line.ptr[0] - '0');
}

/* The values of exactly 28 characters. */
static enum err chars_read(struct span typed, uint8_t out[TYPED_CHARS])
{
    size_t n = 0;

    for (size_t i = 0; i < typed.len; i++) {
        int v;

        if (is_space(typed.ptr[i]) || typed.ptr[i] == '-')
            continue;
        v = base32_value((char)typed.ptr[i]);
        if (v < 0 || n == TYPED_CHARS)
            return ERR_TEXT_FORM;
        out[n++] = (uint8_t)v;
    }
    return n == TYPED_CHARS ? ERR_OK : ERR_TEXT_FORM;
}

enum err share_line_read(unsigned number, struct span typed, uint8_t out[SHARE_LINE_BYTES])
{
    uint8_t bytes[SHARE_LINE_BYTES] = {0};
    uint8_t chars[TYPED_CHARS];
    uint8_t hash[DIGEST_128];
    struct span rest;
    unsigned named = line_number(typed, &rest);
    unsigned differ = 0;
    enum err e;

    if (number < 1 || number > SHARE_LINES || (named != 0 && named != number))
        return ERR_TEXT_FORM;
    if ((e = chars_read(rest, chars)))
        goto out;
    for (size_t bit = 0; bit < 8 * (size_t)SHARE_LINE_BYTES; bit++)
        bytes[bit / 8] |= (uint8_t)((chars[bit / 5] >> (4 - bit % 5) & 1U) << (7 - bit % 8));
    if ((e = line_check(number, bytes, hash)))
        goto out;
    for (size_t i = 0; i < CHECK_CHARS; i++)
        differ |= five_bits(hash, 5 * i) ^ chars[LINE_CHARS + i];
    if (differ)
        e = ERR_TEXT_FORM;
    else
        memcpy(out, bytes, sizeof bytes);
out:
    seal_wipe(bytes, sizeof bytes);
    seal_wipe(chars, sizeof chars);
    return e;
}

/* --- sheets ---------------------------------------------------------------------------------- */

static enum err tag_of(const uint8_t *sheet, uint8_t tag[TAG_BYTES])
{
    uint8_t hash[DIGEST_128];
    enum err e;

    if ((e = digest_of("relais/share1/sheet", span_of(sheet, SHEET_BYTES - TAG_BYTES), hash,
                       sizeof hash)))
        return e;
    memcpy(tag, hash, TAG_BYTES);
    return ERR_OK;
}

enum err share_write(const struct share *s, char lines[SHARE_LINES][SHARE_LINE_TEXT])
{
    uint8_t sheet[SHEET_BYTES];
    uint8_t *at = sheet;
    enum err e;

    *at++ = VERSION;
    memcpy(at, s->set, SHARE_SET_BYTES);
    at += SHARE_SET_BYTES;
    *at++ = s->threshold;
    *at++ = s->count;
    *at++ = s->number;
    memcpy(at, s->value, SHARE_VALUE_BYTES);
    if ((e = tag_of(sheet, at + SHARE_VALUE_BYTES)))
        goto out;
    for (unsigned i = 0; i < SHARE_LINES && !e; i++)
        e = line_write(i + 1, sheet + (size_t)i * SHARE_LINE_BYTES, lines[i]);
out:
    seal_wipe(sheet, sizeof sheet);
    return e;
}

enum err share_lines_decode(const uint8_t lines[SHARE_LINES][SHARE_LINE_BYTES], struct share *out)
{
    const uint8_t *sheet = lines[0];
    struct share s = {0};
    uint8_t tag[TAG_BYTES];
    enum err e;

    if (sheet[0] != VERSION)
        return ERR_VERSION;
    if ((e = tag_of(sheet, tag)))
        return e;
    if (!seal_equal(tag, sheet + SHEET_BYTES - TAG_BYTES, TAG_BYTES))
        return ERR_CONFLICT;
    memcpy(s.set, sheet + 1, SHARE_SET_BYTES);
    s.threshold = sheet[1 + SHARE_SET_BYTES];
    s.count = sheet[2 + SHARE_SET_BYTES];
    s.number = sheet[3 + SHARE_SET_BYTES];
    if (!in_range(&s))
        return ERR_FIELD_VALUE;
    memcpy(s.value, sheet + 4 + SHARE_SET_BYTES, SHARE_VALUE_BYTES);
    *out = s;
    shares_wipe(&s, 1);
    return ERR_OK;
}

/* Up to the end of the line; *text is what comes after it. */
static struct span line_cut(struct span *text)
{
    const uint8_t *end = memchr(text->ptr, '\n', text->len);
    size_t len = end ? (size_t)(end - text->ptr) : text->len;
    struct span line = span_of(text->ptr, len);
    size_t whole = end ? len + 1 : len;

    *text = span_of(text->ptr + whole, text->len - whole);
    return line;
}

enum err share_read(struct span text, struct share *out, unsigned *line)
{
    uint8_t lines[SHARE_LINES][SHARE_LINE_BYTES];
    bool have[SHARE_LINES] = {0};
    enum err e = text.len > SHARE_SHEET_MAX ? ERR_SIZE : ERR_OK;
    unsigned at = 0;

    while (!e && text.len > 0) {
        struct span rest;
        struct span one = line_cut(&text);

        if (!(at = line_number(one, &rest)))
            continue;
        if (have[at - 1])
            e = ERR_EXISTS;
        else
            e = share_line_read(at, one, lines[at - 1]);
        have[at - 1] = true;
    }
    for (unsigned i = 0; i < SHARE_LINES && !e; i++)
        if (!have[i]) {
            at = i + 1;
            e = ERR_FIELD_MISSING;
        }
    if (!e) {
        at = 0;
        e = share_lines_decode((const uint8_t(*)[SHARE_LINE_BYTES])lines, out);
    }
    *line = e ? at : 0;
    seal_wipe(lines, sizeof lines);
    return e;
}
