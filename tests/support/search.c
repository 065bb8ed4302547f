#include "search.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "text.h"
#include "utf8.h"

/* A pattern is found by its first four bytes: a bit for "none begins like this", then a chain. */
#define HEAD_BYTES 4
#define SLOT_BITS 16
#define SLOTS (1u << SLOT_BITS)
#define NONE UINT32_MAX

struct pattern {
    struct bytes bytes;
    uint32_t needle;
    enum search_form form;
    bool typed; /* the needle itself, as UTF-8 */
    uint32_t next;
};

struct needle {
    struct bytes text;
    uint64_t count[SEARCH_FORMS];
    uint64_t as_typed;
};

struct search {
    struct needle *needles;
    size_t needle_count;
    struct pattern *patterns;
    size_t pattern_count;
    size_t pattern_room;
    uint32_t slot[SLOTS];
    bool running;
};

static const char *const form_names[SEARCH_FORMS] = {
    [SEARCH_UTF8] = "utf-8",       [SEARCH_LATIN1] = "latin-1",   [SEARCH_UTF16LE] = "utf-16le",
    [SEARCH_UTF16BE] = "utf-16be", [SEARCH_UTF32LE] = "utf-32le", [SEARCH_UTF32BE] = "utf-32be",
    [SEARCH_JSON] = "json",        [SEARCH_HEX] = "hex",          [SEARCH_BASE64] = "base64",
};

const char *search_form_name(enum search_form form)
{
    return form < SEARCH_FORMS ? form_names[form] : "?";
}

enum err search_new(struct search **out)
{
    struct search *s = calloc(1, sizeof *s);

    if (!s || !(s->needles = calloc(SEARCH_NEEDLES_MAX, sizeof *s->needles))) {
        free(s);
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < SLOTS; i++)
        s->slot[i] = NONE;
    *out = s;
    return ERR_OK;
}

void search_free(struct search *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->pattern_count; i++)
        bytes_free(&s->patterns[i].bytes);
    for (size_t i = 0; i < s->needle_count; i++)
        bytes_free(&s->needles[i].text);
    free(s->patterns);
    free(s->needles);
    free(s);
}

/* --- patterns -------------------------------------------------------------------------------- */

static uint32_t head_hash(const uint8_t *p)
{
    uint32_t head;

    memcpy(&head, p, HEAD_BYTES);
    return (head * 2654435761u) >> (32 - SLOT_BITS);
}

static bool pattern_known(const struct search *s, struct span bytes, uint32_t needle)
{
    for (uint32_t i = s->slot[head_hash(bytes.ptr)]; i != NONE; i = s->patterns[i].next)
        if (s->patterns[i].needle == needle && span_equal(bytes_span(&s->patterns[i].bytes), bytes))
            return true;
    return false;
}

static enum err pattern_add(struct search *s, enum search_form form, struct span bytes)
{
    uint32_t needle = (uint32_t)s->needle_count;
    struct pattern p = {.needle = needle, .form = form};
    uint32_t *slot;
    enum err e;

    if (bytes.len < SEARCH_BYTES_MIN || pattern_known(s, bytes, needle))
        return ERR_OK;
    if (s->pattern_count == s->pattern_room) {
        size_t room = s->pattern_room ? 2 * s->pattern_room : 256;
        struct pattern *more = reallocarray(s->patterns, room, sizeof *more);

        if (!more)
            return ERR_NOMEM;
        s->patterns = more;
        s->pattern_room = room;
    }
    if ((e = bytes_copy(&p.bytes, bytes)))
        return e;
    p.typed = form == SEARCH_UTF8 && span_equal(bytes, bytes_span(&s->needles[needle].text));
    slot = &s->slot[head_hash(bytes.ptr)];
    p.next = *slot;
    *slot = (uint32_t)s->pattern_count;
    s->patterns[s->pattern_count++] = p;
    return ERR_OK;
}

/* --- forms of one spelling -------------------------------------------------------------------- */

static enum err put_unit(struct bytes *out, uint32_t value, size_t size, bool big)
{
    uint8_t unit[4];

    for (size_t i = 0; i < size; i++)
        unit[big ? size - 1 - i : i] = (uint8_t)(value >> (8 * i));
    return bytes_append(out, span_of(unit, size));
}

static enum err put_utf16(struct bytes *out, uint32_t cp, bool big)
{
    enum err e;

    if (cp < 0x10000)
        return put_unit(out, cp, 2, big);
    if ((e = put_unit(out, 0xd800 + ((cp - 0x10000) >> 10), 2, big)))
        return e;
    return put_unit(out, 0xdc00 + ((cp - 0x10000) & 0x3ff), 2, big);
}

/* One code point; ERR_RANGE: this form has no such character. */
static enum err put_code(struct bytes *out, enum search_form form, uint32_t cp, bool capital)
{
    switch (form) {
    case SEARCH_LATIN1:
        return cp > 0xff ? ERR_RANGE : put_unit(out, cp, 1, false);
    case SEARCH_UTF16LE:
    case SEARCH_UTF16BE:
        return put_utf16(out, cp, form == SEARCH_UTF16BE);
    case SEARCH_UTF32LE:
    case SEARCH_UTF32BE:
        return put_unit(out, cp, 4, form == SEARCH_UTF32BE);
    default:
        if (cp < 0x80)
            return put_unit(out, cp, 1, false);
        if (cp > 0xffff)
            return ERR_RANGE;
        return bytes_printf(out, capital ? "\\u%04X" : "\\u%04x", cp);
    }
}

static enum err add_codes(struct search *s, struct span text, enum search_form form, bool capital)
{
    struct bytes out = {0};
    enum err e = ERR_OK;

    for (size_t at = 0; at < text.len && !e;) {
        utf8proc_int32_t cp = 0;
        utf8proc_ssize_t n =
            utf8proc_iterate(text.ptr + at, (utf8proc_ssize_t)(text.len - at), &cp);

        if (n <= 0)
            e = ERR_UTF8;
        else
            e = put_code(&out, form, (uint32_t)cp, capital);
        at += (size_t)(n > 0 ? n : 0);
    }
    if (!e)
        e = pattern_add(s, form, bytes_span(&out));
    bytes_free(&out);
    return e == ERR_RANGE ? ERR_OK : e;
}

static enum err add_hex(struct search *s, struct span text)
{
    struct bytes hex = {0};
    enum err e = hex_write(&hex, text);

    if (!e)
        e = pattern_add(s, SEARCH_HEX, bytes_span(&hex));
    for (size_t i = 0; i < hex.len && !e; i++)
        if (hex.ptr[i] >= 'a')
            hex.ptr[i] = (uint8_t)(hex.ptr[i] - 'a' + 'A');
    if (!e)
        e = pattern_add(s, SEARCH_HEX, bytes_span(&hex));
    bytes_free(&hex);
    return e;
}

/* The characters that depend on the text alone, when `shift` bytes of something else stand before
 * it in the encoded data: six bits each, whole ones only. */
static enum err add_base64_at(struct search *s, struct span text, size_t shift)
{
    static const uint8_t zeros[2] = {0};
    size_t skip = (8 * shift + 5) / 6;
    size_t whole = 8 * (shift + text.len) / 6;
    struct bytes data = {0};
    struct bytes code = {0};
    enum err e;

    if ((e = bytes_append(&data, span_of(zeros, shift))) || (e = bytes_append(&data, text)) ||
        (e = base64_write(&code, bytes_span(&data))))
        goto out;
    if ((e = pattern_add(s, SEARCH_BASE64, span_of(code.ptr + skip, whole - skip))))
        goto out;
    for (size_t i = 0; i < code.len; i++)
        code.ptr[i] = code.ptr[i] == '+' ? '-' : code.ptr[i] == '/' ? '_' : code.ptr[i];
    e = pattern_add(s, SEARCH_BASE64, span_of(code.ptr + skip, whole - skip));
out:
    bytes_free(&data);
    bytes_free(&code);
    return e;
}

static enum err add_spelling(struct search *s, struct span text)
{
    enum err e;

    if ((e = pattern_add(s, SEARCH_UTF8, text)))
        return e;
    for (enum search_form f = SEARCH_LATIN1; f <= SEARCH_JSON; f++)
        if ((e = add_codes(s, text, f, false)))
            return e;
    if ((e = add_codes(s, text, SEARCH_JSON, true)) || (e = add_hex(s, text)))
        return e;
    for (size_t shift = 0; shift < 3; shift++)
        if ((e = add_base64_at(s, text, shift)))
            return e;
    return ERR_OK;
}

/* --- spellings of one needle ------------------------------------------------------------------ */

static enum err put_utf8(struct bytes *out, utf8proc_int32_t cp)
{
    uint8_t raw[4];
    utf8proc_ssize_t n = utf8proc_encode_char(cp, raw);

    return n > 0 ? bytes_append(out, span_of(raw, (size_t)n)) : ERR_UTF8;
}

static enum err mapped(struct span text, utf8proc_int32_t (*map)(utf8proc_int32_t),
                       struct bytes *out)
{
    enum err e = ERR_OK;

    for (size_t at = 0; at < text.len && !e;) {
        utf8proc_int32_t cp = 0;
        utf8proc_ssize_t n =
            utf8proc_iterate(text.ptr + at, (utf8proc_ssize_t)(text.len - at), &cp);

        e = n > 0 ? put_utf8(out, map(cp)) : ERR_UTF8;
        at += (size_t)(n > 0 ? n : 0);
    }
    return e;
}

/* As given, and in small and capital letters. */
static enum err add_cases(struct search *s, struct span text)
{
    struct bytes small = {0};
    struct bytes capital = {0};
    enum err e;

    if ((e = add_spelling(s, text)) || (e = mapped(text, utf8proc_tolower, &small)) ||
        (e = add_spelling(s, bytes_span(&small))) || (e = mapped(text, utf8proc_toupper, &capital)))
        goto out;
    e = add_spelling(s, bytes_span(&capital));
out:
    bytes_free(&small);
    bytes_free(&capital);
    return e;
}

static enum err add_normal(struct search *s, struct span text, utf8proc_option_t options)
{
    utf8proc_uint8_t *made = NULL;
    utf8proc_ssize_t n = utf8proc_map(text.ptr, (utf8proc_ssize_t)text.len, &made, options);
    enum err e = n < 0 ? ERR_UTF8 : add_cases(s, span_of(made, (size_t)n));

    free(made);
    return e;
}

static enum err add_all(struct search *s, struct span text)
{
    struct bytes key = {0};
    enum err e;

    if ((e = add_cases(s, text)) || (e = add_normal(s, text, UTF8PROC_DECOMPOSE)) ||
        (e = add_normal(s, text, UTF8PROC_COMPOSE | UTF8PROC_STRIPMARK)) ||
        (e = text_fold(text, &key)))
        goto out;
    e = add_spelling(s, bytes_span(&key));
out:
    bytes_free(&key);
    return e;
}

enum err search_add(struct search *s, struct span needle)
{
    enum err e;

    if (s->running)
        return ERR_STATE;
    if (!utf8_valid(needle))
        return ERR_UTF8;
    if (needle.len < SEARCH_BYTES_MIN || needle.len > SEARCH_NEEDLE_MAX)
        return ERR_SIZE;
    if (s->needle_count == SEARCH_NEEDLES_MAX)
        return ERR_ITEMS;
    for (size_t i = 0; i < s->needle_count; i++)
        if (span_equal(bytes_span(&s->needles[i].text), needle))
            return ERR_OK;
    if ((e = bytes_copy(&s->needles[s->needle_count].text, needle)))
        return e;
    if ((e = add_all(s, needle)))
        bytes_free(&s->needles[s->needle_count].text);
    else
        s->needle_count++;
    return e;
}

/* --- looking ---------------------------------------------------------------------------------- */

static bool may_be_wrapped(enum search_form form)
{
    return form == SEARCH_HEX || form == SEARCH_BASE64;
}

static void look(struct search *s, struct span h, bool wrapped)
{
    for (size_t at = 0; at + SEARCH_BYTES_MIN <= h.len; at++) {
        uint32_t i = s->slot[head_hash(h.ptr + at)];

        for (; i != NONE; i = s->patterns[i].next) {
            const struct pattern *p = &s->patterns[i];

            if (may_be_wrapped(p->form) != wrapped || p->bytes.len > h.len - at ||
                memcmp(p->bytes.ptr, h.ptr + at, p->bytes.len) != 0)
                continue;
            s->needles[p->needle].count[p->form]++;
            s->needles[p->needle].as_typed += p->typed;
        }
    }
}

static bool is_blank(uint8_t c)
{
    return c == '\n' || c == '\r' || c == ' ' || c == '\t' || c == ':';
}

enum err search_run(struct search *s, struct span haystack)
{
    uint8_t *dense = malloc(haystack.len ? haystack.len : 1);
    size_t n = 0;

    if (!dense)
        return ERR_NOMEM;
    s->running = true;
    look(s, haystack, false);
    for (size_t i = 0; i < haystack.len; i++)
        if (!is_blank(haystack.ptr[i]))
            dense[n++] = haystack.ptr[i];
    look(s, span_of(dense, n), true);
    free(dense);
    return ERR_OK;
}

size_t search_needles(const struct search *s)
{
    return s->needle_count;
}

struct span search_needle(const struct search *s, size_t i)
{
    return bytes_span(&s->needles[i].text);
}

uint64_t search_count(const struct search *s, size_t i, enum search_form form)
{
    return s->needles[i].count[form];
}

uint64_t search_as_typed(const struct search *s, size_t i)
{
    return s->needles[i].as_typed;
}

uint64_t search_total(const struct search *s)
{
    uint64_t n = 0;

    for (size_t i = 0; i < s->needle_count; i++)
        for (enum search_form f = 0; f < SEARCH_FORMS; f++)
            n += s->needles[i].count[f];
    return n;
}
