/*
 * span - borrowed bytes, and bytes - owned bytes.
 * A span never frees; whoever hands one out says until when it is valid. A struct bytes is freed
 * once by its owner with bytes_free(), which accepts a zeroed struct and leaves a zeroed struct.
 * Thread rule: plain data, no hidden state.
 */
#ifndef RELAIS_SPAN_H
#define RELAIS_SPAN_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct span {
    const uint8_t *ptr;
    size_t len;
};

struct bytes {
    uint8_t *ptr;
    size_t len;
    size_t cap;
};

#define SPAN_OF(array) ((struct span){(const uint8_t *)(array), sizeof(array)})
#define SPAN_STR(text) ((struct span){(const uint8_t *)(text), sizeof(text) - 1}) /* literal */

struct span span_of(const void *ptr, size_t len);
struct span span_text(const char *text);        /* NUL-terminated; NULL gives the empty span */
int span_equal(struct span a, struct span b);   /* not constant time: never for secrets */
int span_compare(struct span a, struct span b); /* memcmp order, shorter first */
struct span bytes_span(const struct bytes *b);

enum err bytes_reserve(struct bytes *b, size_t more); /* room for `more` bytes after len */
enum err bytes_append(struct bytes *b, struct span more);
enum err bytes_copy(struct bytes *out, struct span from); /* out becomes an owned copy */
enum err bytes_printf(struct bytes *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void bytes_free(struct bytes *b);

/* Text forms. Lower-case hex; base64 is RFC 4648 section 4 with padding, strict on reading
 * (no white space, no missing padding, zero trailing bits); base32 is RFC 4648 section 6, upper
 * case without padding. Output of *_write is NUL-terminated text in `out`. */
enum err hex_write(struct bytes *out, struct span in);
enum err hex_read(struct bytes *out, struct span text);
enum err hex_read_fixed(uint8_t *out, size_t n, struct span text); /* exactly 2n digits */
enum err base64_write(struct bytes *out, struct span in);
enum err base64_read(struct bytes *out, struct span text, size_t max);
enum err base32_write(struct bytes *out, struct span in, size_t bits); /* first `bits`, % 5 == 0 */

#endif
