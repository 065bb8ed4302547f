#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "span.h"

enum {
    FIRST_CAP = 64
};

struct span span_of(const void *ptr, size_t len)
{
    return (struct span){ptr, len};
}

struct span span_text(const char *text)
{
    return (struct span){(const uint8_t *)text, text ? strlen(text) : 0};
}

int span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

int span_compare(struct span a, struct span b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.ptr, b.ptr, common) : 0;

    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

struct span bytes_span(const struct bytes *b)
{
    return (struct span){b->ptr, b->len};
}

enum err bytes_reserve(struct bytes *b, size_t more)
{
    size_t cap = b->cap ? b->cap : FIRST_CAP;
    uint8_t *grown;

    if (more > SIZE_MAX / 2 || b->len > SIZE_MAX / 2)
        return ERR_NOMEM;
    if (b->cap - b->len >= more && b->ptr)
        return ERR_OK;
    while (cap < b->len + more)
        cap = cap < SIZE_MAX / 4 ? cap * 2 : b->len + more;
    grown = realloc(b->ptr, cap);
    if (!grown)
        return ERR_NOMEM;
    b->ptr = grown;
    b->cap = cap;
    return ERR_OK;
}

enum err bytes_append(struct bytes *b, struct span more)
{
    enum err e = bytes_reserve(b, more.len);

    if (e)
        return e;
    if (more.len)
        memcpy(b->ptr + b->len, more.ptr, more.len);
    b->len += more.len;
    return ERR_OK;
}

/* Moves a finished result into `out`; what `out` held goes last, as `made` may be made of it. */
static void replace(struct bytes *out, struct bytes made)
{
    bytes_free(out);
    *out = made;
}

enum err bytes_copy(struct bytes *out, struct span from)
{
    struct bytes made = {0};
    enum err e = bytes_append(&made, from);

    if (e)
        return e;
    replace(out, made);
    return ERR_OK;
}

enum err bytes_printf(struct bytes *b, const char *format, ...)
{
    va_list args;
    int n;
    enum err e;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        return ERR_RANGE;
    if ((e = bytes_reserve(b, (size_t)n + 1)))
        return e;
    va_start(args, format);
    vsnprintf((char *)b->ptr + b->len, (size_t)n + 1, format, args);
    va_end(args);
    b->len += (size_t)n;
    return ERR_OK;
}

void bytes_free(struct bytes *b)
{
    free(b->ptr);
    *b = (struct bytes){0};
}

/* ---- text forms ---- */

/* An empty result of `n` bytes plus the NUL. */
static enum err text_room(struct bytes *made, size_t n)
{
    enum err e = bytes_reserve(made, n + 1);

    if (e)
        return e;
    made->len = n;
    made->ptr[n] = 0;
    return ERR_OK;
}

enum err hex_write(struct bytes *out, struct span in)
{
    static const char digits[] = "0123456789abcdef";
    struct bytes made = {0};
    enum err e;

    if (in.len > SIZE_MAX / 8)
        return ERR_NOMEM;
    if ((e = text_room(&made, in.len * 2)))
        return e;
    for (size_t i = 0; i < in.len; i++) {
        made.ptr[2 * i] = (uint8_t)digits[in.ptr[i] >> 4];
        made.ptr[2 * i + 1] = (uint8_t)digits[in.ptr[i] & 15];
    }
    replace(out, made);
    return ERR_OK;
}

/* Lower case only: one value, one text. 16 and more: no digit. */
static unsigned hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - (unsigned)'0';
    if (c >= 'a' && c <= 'f')
        return c - (unsigned)'a' + 10;
    return 16;
}

enum err hex_read_fixed(uint8_t *out, size_t n, struct span text)
{
    if (text.len / 2 != n || text.len % 2 != 0)
        return ERR_TEXT_FORM;
    for (size_t i = 0; i < text.len; i++)
        if (hex_digit(text.ptr[i]) > 15)
            return ERR_TEXT_FORM;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(hex_digit(text.ptr[2 * i]) << 4 | hex_digit(text.ptr[2 * i + 1]));
    return ERR_OK;
}

enum err hex_read(struct bytes *out, struct span text)
{
    struct bytes made = {0};
    enum err e;

    if ((e = text_room(&made, text.len / 2)))
        goto out;
    if ((e = hex_read_fixed(made.ptr, made.len, text)))
        goto out;
    replace(out, made);
    made = (struct bytes){0};
out:
    bytes_free(&made);
    return e;
}

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum err base64_write(struct bytes *out, struct span in)
{
    struct bytes made = {0};
    uint8_t *to;
    enum err e;

    if (in.len > SIZE_MAX / 8)
        return ERR_NOMEM;
    if ((e = text_room(&made, (in.len + 2) / 3 * 4)))
        return e;
    to = made.ptr;
    for (size_t i = 0; i < in.len; i += 3) {
        size_t n = in.len - i < 3 ? in.len - i : 3;
        uint32_t group = (uint32_t)in.ptr[i] << 16;

        if (n > 1)
            group |= (uint32_t)in.ptr[i + 1] << 8;
        if (n > 2)
            group |= in.ptr[i + 2];
        *to++ = (uint8_t)base64_alphabet[group >> 18];
        *to++ = (uint8_t)base64_alphabet[group >> 12 & 63];
        *to++ = n > 1 ? (uint8_t)base64_alphabet[group >> 6 & 63] : '=';
        *to++ = n > 2 ? (uint8_t)base64_alphabet[group & 63] : '=';
    }
    replace(out, made);
    return ERR_OK;
}

static int base64_digit(uint8_t c)
{
    const char *found = c ? strchr(base64_alphabet, c) : NULL;

    return found ? (int)(found - base64_alphabet) : -1;
}

/* Four digits into up to three bytes; `n` is 3 less the padding. */
static enum err base64_group(const uint8_t *four, size_t n, uint8_t *to)
{
    uint32_t group = 0;

    for (size_t i = 0; i < 4; i++) {
        int digit = i <= n ? base64_digit(four[i]) : 0;

        if (digit < 0)
            return ERR_TEXT_FORM;
        group = group << 6 | (uint32_t)digit;
    }
    if ((n == 1 && (group & 0xffff)) || (n == 2 && (group & 0xff)))
        return ERR_TEXT_FORM; /* bits beyond the end: a second text for the same bytes */
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(group >> (16 - 8 * i));
    return ERR_OK;
}

enum err base64_read(struct bytes *out, struct span text, size_t max)
{
    struct bytes made = {0};
    size_t padding = 0;
    size_t n;
    enum err e;

    if (text.len % 4 != 0)
        return ERR_TEXT_FORM;
    while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=')
        padding++;
    n = text.len / 4 * 3 - padding;
    if (n > max)
        return ERR_SIZE;
    if ((e = text_room(&made, n)))
        goto out;
    for (size_t i = 0; i < text.len / 4; i++) {
        size_t width = i + 1 == text.len / 4 ? 3 - padding : 3;

        if ((e = base64_group(text.ptr + 4 * i, width, made.ptr + 3 * i)))
            goto out;
    }
    replace(out, made);
    made = (struct bytes){0};
out:
    bytes_free(&made);
    return e;
}

enum err base32_write(struct bytes *out, struct span in, size_t bits)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    struct bytes made = {0};
    enum err e;

    if (bits % 5 != 0 || bits / 8 + (bits % 8 != 0) > in.len)
        return ERR_USAGE;
    if ((e = text_room(&made, bits / 5)))
        return e;
    for (size_t i = 0; i < made.len; i++) {
        unsigned digit = 0;

        for (size_t bit = 5 * i; bit < 5 * i + 5; bit++)
            digit = digit << 1 | (in.ptr[bit / 8] >> (7 - bit % 8) & 1U);
        made.ptr[i] = (uint8_t)alphabet[digit];
    }
    replace(out, made);
    return ERR_OK;
}
