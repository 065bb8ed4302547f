#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "text.h"
#include "utf8.h"

enum {
    NFC = UTF8PROC_STABLE | UTF8PROC_COMPOSE,
    /* marks stand alone after it, and is_kept() drops them */
    FOLD = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
           UTF8PROC_IGNORE,
    POINT_GROWTH_MAX = 32, /* code points one decomposes to: 18 at most in Unicode 15 (U+FDFA) */
    UTF8_POINT_MAX = 4,
};

/* Below U+0300 nothing combines, so such text is in form C without further question. */
static bool surely_nfc(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] >= 0xcc)
            return false;
    return true;
}

/* Owned UTF-8 in form C. Decomposed in a buffer of our own, so that a lack of memory is seen. */
static enum err compose(struct span text, struct bytes *out)
{
    utf8proc_ssize_t n =
        utf8proc_decompose(text.ptr, (utf8proc_ssize_t)text.len, NULL, 0, (utf8proc_option_t)NFC);
    utf8proc_int32_t *points;
    utf8proc_ssize_t len;

    if (n < 0)
        return ERR_UTF8;
    points = malloc(((size_t)n + 1) * sizeof *points); /* and the NUL that reencode adds */
    if (!points)
        return ERR_NOMEM;
    n = utf8proc_decompose(text.ptr, (utf8proc_ssize_t)text.len, points, n, (utf8proc_option_t)NFC);
    len = n < 0 ? n : utf8proc_reencode(points, n, (utf8proc_option_t)NFC);
    if (len < 0) {
        free(points);
        return ERR_INTERNAL;
    }
    *out = (struct bytes){(uint8_t *)points, (size_t)len, (size_t)len + 1};
    return ERR_OK;
}

enum err text_nfc(struct span text, struct bytes *out)
{
    struct bytes made = {0};
    enum err e;

    if (!utf8_valid(text))
        return ERR_UTF8;
    e = surely_nfc(text) ? bytes_append(&made, text) : compose(text, &made);
    if (e)
        return e;
    bytes_free(out);
    *out = made;
    return ERR_OK;
}

enum err text_check_nfc(struct span text)
{
    struct bytes made = {0};
    enum err e;

    if (!utf8_valid(text))
        return ERR_UTF8;
    if (surely_nfc(text))
        return ERR_OK;
    if ((e = compose(text, &made)))
        return e;
    if (!span_equal(bytes_span(&made), text))
        e = ERR_NFC;
    bytes_free(&made);
    return e;
}

bool text_is_nfc(struct span text)
{
    return text_check_nfc(text) == ERR_OK;
}

/* ---- search keys ---- */

/* Letters of Latin names that Unicode does not decompose, lower case. */
static const struct {
    utf8proc_int32_t point;
    const char *spelt;
} letters[] = {
    {0x00e6, "ae"}, /* æ */
    {0x00f0, "d" }, /* ð */
    {0x00f8, "o" }, /* ø */
    {0x00fe, "th"}, /* þ */
    {0x0111, "d" }, /* đ */
    {0x0127, "h" }, /* ħ */
    {0x0131, "i" }, /* ı */
    {0x0138, "k" }, /* ĸ */
    {0x0142, "l" }, /* ł */
    {0x014b, "n" }, /* ŋ */
    {0x0153, "oe"}, /* œ */
    {0x0167, "t" }, /* ŧ */
    {0x0180, "b" }, /* ƀ */
    {0x019a, "l" }, /* ƚ */
    {0x01b6, "z" }, /* ƶ */
    {0x0268, "i" }, /* ɨ */
    {0x0289, "u" }, /* ʉ */
};

static bool is_kept(utf8proc_int32_t point)
{
    utf8proc_category_t c = utf8proc_category(point);

    return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO) ||
           (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO);
}

/* Apostrophes that Unicode counts among the letters. */
static bool is_apostrophe(utf8proc_int32_t point)
{
    return point >= 0x02b9 && point <= 0x02cf;
}

static enum err append_folded(struct bytes *b, utf8proc_int32_t point)
{
    utf8proc_uint8_t utf8[UTF8_POINT_MAX];

    if (!is_kept(point) || is_apostrophe(point))
        return ERR_OK;
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        if (letters[i].point == point)
            return bytes_append(b, span_text(letters[i].spelt));
    return bytes_append(b, span_of(utf8, (size_t)utf8proc_encode_char(point, utf8)));
}

static enum err fold_point(struct bytes *b, utf8proc_int32_t point)
{
    utf8proc_int32_t parts[POINT_GROWTH_MAX];
    int boundary = UTF8PROC_BOUNDCLASS_START;
    utf8proc_ssize_t n =
        utf8proc_decompose_char(point, parts, POINT_GROWTH_MAX, (utf8proc_option_t)FOLD, &boundary);
    enum err e;

    if (n < 0 || n > POINT_GROWTH_MAX)
        return ERR_INTERNAL;
    for (utf8proc_ssize_t i = 0; i < n; i++)
        if ((e = append_folded(b, parts[i])))
            return e;
    return ERR_OK;
}

enum err text_fold(struct span text, struct bytes *out)
{
    struct bytes made = {0};
    enum err e;

    if (!utf8_valid(text))
        return ERR_UTF8;
    if ((e = bytes_reserve(&made, text.len + 1)))
        goto out;
    for (size_t i = 0; i < text.len;) {
        utf8proc_int32_t point;

        i += (size_t)utf8proc_iterate(text.ptr + i, (utf8proc_ssize_t)(text.len - i), &point);
        if ((e = fold_point(&made, point)))
            goto out;
    }
    bytes_free(out);
    *out = made;
    made = (struct bytes){0};
out:
    bytes_free(&made);
    return e;
}
