/*
 * text - Unicode normal form C for what humans wrote, and search keys for names.
 * The only user of utf8proc. Results are owned; input that is not utf8_valid() is ERR_UTF8.
 * Thread rule: pure functions, any thread.
 */
#ifndef RELAIS_TEXT_H
#define RELAIS_TEXT_H

#include <stdbool.h>

#include "span.h"

enum err text_check_nfc(struct span text); /* ERR_NFC, ERR_UTF8, ERR_NOMEM */
bool text_is_nfc(struct span text);        /* false as well when it could not be found out */
enum err text_nfc(struct span text, struct bytes *out);

/* Key under which differently typed forms of a name meet: compatibility forms unified, case
 * folded, diacritics dropped, ligatures and stroked letters spelt out (oe, ae, o, l, d...), then
 * letters and digits only: "L'Étoile-Cœur" and "letoile coeur" give "letoilecoeur".
 * Not reversible, never shown. Folding a key again changes nothing. */
enum err text_fold(struct span text, struct bytes *out);

#endif
