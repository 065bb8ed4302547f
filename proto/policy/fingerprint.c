/* What two humans compare before the registrar signs (PROTOCOL.md 4). */
#include <assert.h>
#include <string.h>

#include "directory.h"

#define FINGERPRINT_BITS 100
#define FINGERPRINT_CHARS 20
#define FINGERPRINT_GROUP 4

static_assert(FINGERPRINT_BITS == 5 * FINGERPRINT_CHARS, "five bits a character");
static_assert(FINGERPRINT_TEXT == FINGERPRINT_CHARS + FINGERPRINT_CHARS / FINGERPRINT_GROUP,
              "hyphens between the groups, and the NUL");

enum err fingerprint_of(const struct sign_public *signing, const struct box_public *transport,
                        const struct box_public *prekey, const struct federation *f,
                        char text[FINGERPRINT_TEXT])
{
    const struct span parts[] = {
        SPAN_OF(signing->b),         SPAN_OF(transport->b),   SPAN_OF(prekey->b),
        SPAN_OF(f->hub_transport.b), SPAN_OF(f->hub.b),       SPAN_OF(f->keys_log.b),
        SPAN_OF(f->audit_log.b),     SPAN_OF(f->registrar.b),
    };
    uint8_t digest[DIGEST_256];
    struct bytes chars = {0};
    size_t at = 0;
    enum err e;

    if ((e = digest_parts("relais/fingerprint", NO_KEY, parts, sizeof parts / sizeof parts[0],
                          digest, sizeof digest)))
        return e;
    if ((e = base32_write(&chars, SPAN_OF(digest), FINGERPRINT_BITS)))
        return e;
    for (size_t i = 0; i < FINGERPRINT_CHARS; i++) {
        if (i > 0 && i % FINGERPRINT_GROUP == 0)
            text[at++] = '-';
        text[at++] = (char)chars.ptr[i];
    }
    text[at] = '\0';
    bytes_free(&chars);
    return ERR_OK;
}

/* The next character that counts, in upper case; 0 at the end and nowhere else. */
static char next_char(struct span *text)
{
    while (text->len > 0) {
        char c = (char)*text->ptr;
        text->ptr++;
        text->len--;
        if (c == ' ' || c == '-' || c == '\t' || c == '\n' || c == '\r')
            continue;
        if (c == 0)
            return '?';
        return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return 0;
}

enum err fingerprint_compare(const char expected[FINGERPRINT_TEXT], struct span typed)
{
    struct span wanted = span_text(expected);
    char a;

    do {
        a = next_char(&wanted);
        if (a != next_char(&typed))
            return ERR_FINGERPRINT;
    } while (a != 0);
    return ERR_OK;
}
