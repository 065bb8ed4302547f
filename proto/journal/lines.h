/*
 * lines - what the text formats of this folder share: lines, decimals, hashes, plain UTF-8.
 * Private to journal/. Nothing is allocated beyond a call. Thread rule: pure functions.
 */
#ifndef RELAIS_JOURNAL_LINES_H
#define RELAIS_JOURNAL_LINES_H

#include <stdint.h>

#include "err.h"
#include "span.h"

#define LINE_HASH_CHARS 44 /* base64 of 32 bytes */

/* Takes the first line off *rest, without its newline. ERR_TRUNCATED if none ends in a newline. */
enum err line_next(struct span *rest, struct span *line);

/* Takes `prefix` off *text: 1, or 0 when *text begins otherwise and is left as it was. */
int line_skip(struct span *text, struct span prefix);

/* Takes what comes before the first `stop` off *text, and the stop; 0 when there is none. */
int line_until(struct span *text, char stop, struct span *part);

/* A decimal without sign or leading zeros. ERR_TEXT_FORM, ERR_RANGE above `most`. */
enum err line_number(struct span text, uint64_t most, uint64_t *out);

/* Base64 of exactly n bytes. ERR_TEXT_FORM, ERR_NOMEM. */
enum err line_fixed(struct span text, uint8_t *out, size_t n);

/* ERR_UTF8 unless valid UTF-8 without control characters below U+0020 other than newline. */
enum err text_check(struct span text);

/* 1 if the valid UTF-8 text holds a Unicode space or a control character below U+0020. */
int text_has_space(struct span text);

/* Moves a finished result into *out; what *out held is freed last, `made` may be made of it. */
void bytes_replace(struct bytes *out, struct bytes *made);

#endif
