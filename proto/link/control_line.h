/*
 * control_line - the JSON lines of the control socket, for its two ends.
 * Thread rule: pure functions.
 */
#ifndef RELAIS_CONTROL_LINE_H
#define RELAIS_CONTROL_LINE_H

#include <stddef.h>

#include <jansson.h>

#include "err.h"
#include "span.h"

/* One JSON object: ERR_DEPTH, ERR_DUPLICATE_KEY, ERR_UTF8, ERR_TEXT_FORM (no JSON), ERR_TYPE (no
 * object), ERR_SIZE, ERR_NOMEM. The text is read without its newline. */
enum err line_read(struct span text, json_t **out);
/* Appends the object and a newline; ERR_TYPE, ERR_SIZE, ERR_NOMEM. */
enum err line_write(struct bytes *out, const json_t *object);

#endif
