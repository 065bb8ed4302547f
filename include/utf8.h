/*
 * utf8 - is this text? Strict: no overlong form, no surrogate, nothing above U+10FFFF.
 * Normal forms and search keys are text.h's. Thread rule: pure functions, any thread.
 */
#ifndef RELAIS_UTF8_H
#define RELAIS_UTF8_H

#include <stdbool.h>

#include "span.h"

bool utf8_valid(struct span text); /* valid UTF-8 without a NUL; the empty text is valid */
bool utf8_plain(struct span text); /* utf8_valid, and no control character at all (C0, DEL, C1) */

#endif
