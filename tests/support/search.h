/*
 * search - looks for texts that must not be there, in any form a program might keep them.
 *
 * Every needle is sought as it was typed, in small and in capital letters, decomposed (NFD),
 * without accents, and as a folded key (text.h); each of these as UTF-8, Latin-1, UTF-16 and UTF-32
 * in both byte orders, JSON escapes, hexadecimal, and base64 (both alphabets, all three
 * alignments). Hexadecimal and base64 are also found when blanks, colons or line ends stand
 * between. Thread rule: confine a search to one thread.
 */
#ifndef TESTS_SEARCH_H
#define TESTS_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

enum search_form {
    SEARCH_UTF8,
    SEARCH_LATIN1,
    SEARCH_UTF16LE,
    SEARCH_UTF16BE,
    SEARCH_UTF32LE,
    SEARCH_UTF32BE,
    SEARCH_JSON,
    SEARCH_HEX,
    SEARCH_BASE64,
    SEARCH_FORMS
};

/* A shorter needle, or form of one, would be found by chance. */
#define SEARCH_BYTES_MIN 6
#define SEARCH_NEEDLE_MAX 1024
#define SEARCH_NEEDLES_MAX 4096

struct search;

enum err search_new(struct search **out);
void search_free(struct search *s); /* NULL is fine */
/* Copied. ERR_UTF8, ERR_SIZE (under SEARCH_BYTES_MIN or over SEARCH_NEEDLE_MAX), ERR_ITEMS. The
 * same text again is ERR_OK and counts as one. Only before the first search_run(), else ERR_STATE.
 * After ERR_NOMEM the search is of no more use. */
enum err search_add(struct search *s, struct span needle);
/* Counts add up over calls. Occurrences across two haystacks are not seen. */
enum err search_run(struct search *s, struct span haystack);

size_t search_needles(const struct search *s);
struct span search_needle(const struct search *s, size_t i);
/* How often needle i was found in that form, over all its spellings; and exactly as typed. */
uint64_t search_count(const struct search *s, size_t i, enum search_form form);
uint64_t search_as_typed(const struct search *s, size_t i);
uint64_t search_total(const struct search *s);
const char *search_form_name(enum search_form form);

#endif
