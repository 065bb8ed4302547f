/*
 * verify - the words of relais-verify; node/verify.c does the checking.
 */
#ifndef NODE_VERIFY_H
#define NODE_VERIFY_H

#include "trust.h"

extern const char verify_help[];
const char *event_words(uint64_t type, uint64_t code); /* of an audit entry */
const char *motive_words(uint64_t type, uint64_t code);
const char *why_words(enum err e);  /* nothing was proven */
const char *file_words(enum err e); /* a file was not read */
const char *line_words(enum err e); /* a line of the policy */
void hex_print(const uint8_t *p, size_t n);
void org_print(const struct trust *policy, const uint8_t org[TRUST_ORG_BYTES]);
void time_print(uint64_t ms); /* le JJ/MM/AAAA HH:MM:SS UTC */

#endif
