/*
 * show - persons and documents as JSON for programs and as French text for people. What others
 * wrote goes through word_printable() in the text, and stays byte for byte in the JSON.
 * Thread rule: pure functions.
 */
#ifndef CARE_SHOW_H
#define CARE_SHOW_H

#include <jansson.h>

#include "document.h"
#include "node.h"
#include "person.h"

/* New objects; NULL without memory. */
json_t *identity_json(const struct identity *p);
json_t *person_json(const struct person *p);
json_t *sheet_json(const struct node *n, const struct sheet *s); /* attachments without content */
json_t *invitation_json(const struct node *n, const struct invitation_doc *d);

/* Each appends. */
enum err identity_say(const struct identity *p, struct bytes *out);       /* one line, no newline */
enum err identity_say_fully(const struct identity *p, struct bytes *out); /* lines */
enum err say_duration(uint64_t s, struct bytes *out);                     /* "4 h", "2 jours" */
enum err sheet_say(const struct node *n, const struct sheet *s, struct bytes *out);
enum err invitation_say(const struct node *n, const struct invitation_doc *d, struct bytes *out);
/* "label : text\n", the text made printable. */
enum err say(struct bytes *out, const char *label, struct span text);
/* "14/01/2026 à 09:30" in the machine's time zone; "jamais" for 0. */
enum err say_time(uint64_t ms, struct bytes *out);
enum err short_id(const uint8_t id[ID_BYTES], struct bytes *out); /* last 8 hex digits */

#endif
