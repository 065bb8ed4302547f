/*
 * words - what a person reads, in French: a sentence for every error, and the names of the codes of
 * PROTOCOL.md 3 in both directions. Each refusal says what happened, what was kept, what to do
 * next, and the article where there is one. No code stands alone, no English word.
 * Thread rule: constants and pure functions, any thread.
 */
#ifndef NODE_WORDS_H
#define NODE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

/* Static, never NULL; for a number that is no row, the sentence of ERR_INTERNAL. */
const char *word_error(enum err e);
/* The article that the refusal rests on ("article L1110-4 du code de la santé publique"), "" when
 * there is none. */
const char *word_article(enum err e);

/* Names of a value of PROTOCOL.md 3; "inconnu" for what is no value. Static. */
const char *word_class(uint64_t one_bit);
const char *word_category(uint64_t mask);
const char *word_basis(uint64_t basis);
const char *word_purpose(uint64_t purpose);
const char *word_org_kind(uint64_t kind);
const char *word_mode(uint64_t mode);
const char *word_way(uint64_t way);
const char *word_circle_end(uint64_t reason);
const char *word_ins_status(uint64_t status);
const char *word_sex(uint64_t sex);
const char *word_measure(uint64_t measure);
const char *word_note(uint64_t note);
const char *word_addressee(uint64_t kind);
const char *word_out_state(uint64_t state); /* enum out_state */
const char *word_in_state(uint64_t state);  /* enum in_state */
const char *word_recall(uint64_t reason);   /* enum recall_reason */
/* "identité, médical" into out, owned; any mask. */
enum err word_classes(uint64_t mask, struct bytes *out);

/* Which table of names a value is read from. */
enum word_table {
    WORDS_CLASS,
    WORDS_CATEGORY,
    WORDS_BASIS,
    WORDS_PURPOSE,
    WORDS_WAY,
    WORDS_CIRCLE_END,
    WORDS_INS_STATUS,
    WORDS_SEX,
    WORDS_MEASURE,
    WORDS_NOTE,
    WORDS_ADDRESSEE,
    WORDS_SCOPE,
    WORDS_RIGHT,
    WORDS_GIVEN_BY,
    WORDS_RECALL,
    WORD_TABLES
};
/* A name as a person types it: accents and case do not matter, a number is taken as it is.
 * ERR_FIELD_VALUE: no such name. */
enum err word_read(enum word_table table, struct span text, uint64_t *value);
/* Names separated by commas, as a mask. ERR_FIELD_VALUE: also when empty. */
enum err word_read_mask(enum word_table table, struct span text, uint64_t *mask);
/* The accepted names, for help: "identité, social, …"; owned. */
enum err word_list(enum word_table table, struct bytes *out);

/* Text of others on a terminal: control characters other than newline and tab, and marks that turn
 * the direction of writing, become U+FFFD. Appends. */
enum err word_printable(struct span text, struct bytes *out);

#endif
