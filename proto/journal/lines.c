/* lines - see lines.h. */
#include "lines.h"

#include <string.h>

#include "utf8.h"

enum err line_next(struct span *rest, struct span *line)
{
    const uint8_t *end = rest->len != 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;

    if (end == NULL)
        return ERR_TRUNCATED;
    *line = (struct span){rest->ptr, (size_t)(end - rest->ptr)};
    *rest = (struct span){end + 1, rest->len - line->len - 1};
    return ERR_OK;
}

int line_skip(struct span *text, struct span prefix)
{
    if (text->len < prefix.len || memcmp(text->ptr, prefix.ptr, prefix.len) != 0)
        return 0;
    *text = (struct span){text->ptr + prefix.len, text->len - prefix.len};
    return 1;
}

int line_until(struct span *text, char stop, struct span *part)
{
    const uint8_t *end = text->len != 0 ? memchr(text->ptr, stop, text->len) : NULL;

    if (end == NULL)
        return 0;
    *part = (struct span){text->ptr, (size_t)(end - text->ptr)};
    *text = (struct span){end + 1, text->len - part->len - 1};
    return 1;
}

enum err line_number(struct span text, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;

    if (text.len == 0 || (text.ptr[0] == '0' && text.len > 1))
        return ERR_TEXT_FORM;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)text.ptr[i] - '0';

        if (digit > 9)
            return ERR_TEXT_FORM;
        if (value > (most - digit) / 10 || digit > most)
            return ERR_RANGE;
        value = value * 10 + digit;
    }
    *out = value;
    return ERR_OK;
}

enum err line_fixed(struct span text, uint8_t *out, size_t n)
{
    struct bytes raw = {0};
    enum err e;

    if (text.len != (n + 2) / 3 * 4)
        return ERR_TEXT_FORM;
    if ((e = base64_read(&raw, text, n)))
        goto out;
    if (raw.len != n) {
        e = ERR_TEXT_FORM;
        goto out;
    }
    memcpy(out, raw.ptr, n);
out:
    bytes_free(&raw);
    return e == ERR_OK || e == ERR_NOMEM ? e : ERR_TEXT_FORM;
}

enum err text_check(struct span text)
{
    if (!utf8_valid(text))
        return ERR_UTF8;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 && text.ptr[i] != '\n')
            return ERR_UTF8;
    return ERR_OK;
}

/* White_Space of Unicode 15 beyond ASCII, as byte ranges of the last byte. In valid UTF-8 a match
 * always begins at the start of a character. */
static const struct {
    const char *lead;
    uint8_t first, last;
} spaces[] = {
    {"\xc2",     0x85, 0x85}, /* next line */
    {"\xc2",     0xa0, 0xa0}, /* no-break space */
    {"\xe1\x9a", 0x80, 0x80}, /* ogham space mark */
    {"\xe2\x80", 0x80, 0x8a}, /* en quad to hair space */
    {"\xe2\x80", 0xa8, 0xa9}, /* line and paragraph separator */
    {"\xe2\x80", 0xaf, 0xaf}, /* narrow no-break space */
    {"\xe2\x81", 0x9f, 0x9f}, /* medium mathematical space */
    {"\xe3\x80", 0x80, 0x80}, /* ideographic space */
};

int text_has_space(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= 0x20)
            return 1;
        for (size_t k = 0; k < sizeof spaces / sizeof spaces[0]; k++) {
            struct span at = {text.ptr + i, text.len - i};

            if (line_skip(&at, span_text(spaces[k].lead)) && at.len != 0 &&
                at.ptr[0] >= spaces[k].first && at.ptr[0] <= spaces[k].last)
                return 1;
        }
    }
    return 0;
}

void bytes_replace(struct bytes *out, struct bytes *made)
{
    bytes_free(out);
    *out = *made;
    *made = (struct bytes){0};
}
