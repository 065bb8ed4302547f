/*
 * reading, inside: what the lists (sheet_list.c) and one document (reading.c) share.
 */
#ifndef CARE_READING_INTERNAL_H
#define CARE_READING_INTERNAL_H

#include "actor.h"
#include "commands.h"
#include "mail.h"

/* ERR_CATEGORY, ERR_RIGHT: a document received that was not addressed to this professional. */
enum err may_read(const struct node *n, const struct mail *m, const struct document *d,
                  const struct actor *a);
/* Puts down who did it; actor: his pseudonym. */
enum err journal_read(struct node *n, struct txn *t, const struct call *c, enum journal_act act,
                      const uint8_t *person, const uint8_t *about, uint8_t actor[ID_BYTES]);
/* New objects; NULL without memory. */
json_t *in_json(const struct node *n, const struct in_status *s);
json_t *out_json(const struct out_status *s);
/* State, and what became of it for each recipient: data "recipients", and text. */
enum err recipients_say(const struct node *n, struct call *c, const struct out_status *s);
/* The argument `mid`. ERR_NOT_FOUND and ERR_USAGE say what was typed, and list what fits. */
enum err mail_asked(struct node *n, struct txn *t, struct call *c, struct mail *out);

#endif
