/*
 * actor - the acting professional: stated with every command that reads or writes a document,
 * known outside by a pseudonym that only this node resolves. And the journal of what was done:
 * numbered, each row chained to the one before by its hash, so that none can be taken out
 * unnoticed.
 * Thread rule: the loop's.
 */
#ifndef NODE_ACTOR_H
#define NODE_ACTOR_H

#include <jansson.h>

#include "node.h"

#define ACTOR_NAME_MAX 120
#define ACTOR_PROFESSION_MAX 80
#define RPPS_DIGITS 11

struct actor {
    char name[ACTOR_NAME_MAX + 1];
    char profession[ACTOR_PROFESSION_MAX + 1];
    uint64_t category;          /* enum category_bit */
    char rpps[RPPS_DIGITS + 1]; /* "" when not stated */
    bool rpps_doubtful;         /* check digit does not fit: a warning, no refusal */
};

/* {"name":..,"profession":..,"category":1|2,"rpps":..}. ERR_ACTOR. Text becomes NFC. */
enum err actor_read(const json_t *from, struct actor *out);
bool rpps_check(const char digits[RPPS_DIGITS]); /* Luhn */
/* His pseudonym; remembered in t (write) the first time. */
enum err actor_id(struct node *n, struct txn *t, const struct actor *a, uint8_t id[ID_BYTES]);
enum err actor_get(struct node *n, struct txn *t, const uint8_t id[ID_BYTES],
                   struct actor *out); /* ERR_NOT_FOUND: not one of ours */

enum journal_act {
    JOURNAL_READ = 1, /* a document or a person was shown */
    JOURNAL_WRITE,    /* a document was made or sent */
    JOURNAL_PERSON,   /* a person record was made, changed, linked, unlinked */
    JOURNAL_CIRCLE,   /* a statement of a circle */
    JOURNAL_EXPORT,
    JOURNAL_ADMIN,
    JOURNAL_HIDDEN, /* the node itself: a document was recalled or held back, nobody sees it now */
    JOURNAL_UNSCANNED /* an attachment of a document, though no scanner has found it clean */
};
/* about: person, mid, handle ... (16 bytes, or NULL); actor may be NULL (the node itself). */
enum err journal_add(struct node *n, struct txn *t, enum journal_act act, const uint8_t *actor,
                     const uint8_t *person, const uint8_t *about);

#endif
