/* The text form of files that travel by hand (PROTOCOL.md 14). */
#include <string.h>

#include "random.h"
#include "statement.h"

#define ARMOUR_LINE 64

static const char *const names[] = {
    [ARMOUR_INVITATION] = "INVITATION",
    [ARMOUR_REQUEST] = "REQUEST",
    [ARMOUR_SIGNATURE] = "SIGNATURE",
    [ARMOUR_STATEMENT] = "STATEMENT",
};
#define ARMOUR_KINDS (sizeof names / sizeof names[0])

static bool kind_known(enum armour_kind kind)
{
    return kind >= ARMOUR_INVITATION && kind < ARMOUR_KINDS;
}

enum err armour_write(enum armour_kind kind, struct span data, struct bytes *out)
{
    struct bytes base = {0};
    struct bytes text = {0};
    enum err e;

    if (!kind_known(kind))
        return ERR_RANGE;
    if (data.len == 0 || data.len > ARMOUR_DATA_MAX)
        return ERR_SIZE;
    if ((e = base64_write(&base, data)))
        goto out;
    /* room for all of it at once: a buffer that grows would leave copies of a secret behind */
    if ((e = bytes_reserve(&text, ARMOUR_TEXT_MAX)))
        goto out;
    if ((e = bytes_printf(&text, "-----BEGIN RELAIS %s-----\n", names[kind])))
        goto out;
    for (size_t at = 0; at < base.len; at += ARMOUR_LINE) {
        size_t n = base.len - at < ARMOUR_LINE ? base.len - at : ARMOUR_LINE;
        if ((e = bytes_append(&text, span_of(base.ptr + at, n))))
            goto out;
        if ((e = bytes_append(&text, SPAN_STR("\n"))))
            goto out;
    }
    if ((e = bytes_printf(&text, "-----END RELAIS %s-----\n", names[kind])))
        goto out;
    *out = text;
    text = (struct bytes){0};
out:
    seal_bytes_free(&base);
    seal_bytes_free(&text);
    return e;
}

enum err armour_peek(struct span text, enum armour_kind *out)
{
    static const char begin[] = "-----BEGIN RELAIS ";
    const size_t skip = sizeof begin - 1;

    if (text.len < skip || memcmp(text.ptr, begin, skip) != 0)
        return ERR_TEXT_FORM;
    for (size_t k = ARMOUR_INVITATION; k < ARMOUR_KINDS; k++) {
        size_t n = strlen(names[k]);
        if (text.len - skip < n + 6 || memcmp(text.ptr + skip, names[k], n) != 0)
            continue;
        if (memcmp(text.ptr + skip + n, "-----\n", 6) != 0)
            continue;
        *out = (enum armour_kind)k;
        return ERR_OK;
    }
    return ERR_TEXT_FORM;
}

/* Text without the white space that editors and mail leave behind its last line. */
static struct span trimmed(struct span text)
{
    while (text.len > 0 && memchr(" \t\r\n", text.ptr[text.len - 1], 4))
        text.len--;
    return text;
}

/* What stands between the first and the last line, without its newlines. */
static enum err inner(struct span text, struct bytes *base)
{
    const uint8_t *first = memchr(text.ptr, '\n', text.len);
    const uint8_t *last = memrchr(text.ptr, '\n', text.len);
    enum err e;

    if (!first || first >= last)
        return ERR_TEXT_FORM;
    if ((e = bytes_reserve(base, text.len)))
        return e;
    for (const uint8_t *p = first + 1; p < last; p++) {
        if (*p != '\n' && (e = bytes_append(base, span_of(p, 1))))
            return e;
    }
    return ERR_OK;
}

enum err armour_read(enum armour_kind kind, struct span text, struct bytes *out)
{
    struct bytes base = {0};
    struct bytes data = {0};
    struct bytes again = {0};
    enum armour_kind found;
    enum err e;

    if (text.len > ARMOUR_TEXT_MAX)
        return ERR_SIZE;
    if ((e = armour_peek(text, &found)))
        return e;
    if (found != kind)
        return ERR_TEXT_FORM;
    text = trimmed(text);
    if ((e = inner(text, &base)))
        goto out;
    if ((e = base64_read(&data, bytes_span(&base), ARMOUR_DATA_MAX)))
        goto out;
    if ((e = armour_write(kind, bytes_span(&data), &again))) /* one way to write it */
        goto out;
    if (!span_equal(trimmed(bytes_span(&again)), text)) {
        e = ERR_TEXT_FORM;
        goto out;
    }
    *out = data;
    data = (struct bytes){0};
out:
    seal_bytes_free(&base);
    seal_bytes_free(&data);
    seal_bytes_free(&again);
    return e;
}
