/*
 * vectors - the files of proto/vectors and what makes each. The same program text writes them
 * (tests/system/prog_vectors.c) and holds the committed ones to it (a unit test): they are frozen.
 * Thread rule: one thread.
 */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <jansson.h>

#include "forge.h"
#include "reader.h"

json_t *vectors_envelope_good(void); /* each: a new object */
json_t *vectors_envelope_bad(void);
json_t *vectors_mp1(void);
json_t *vectors_hashes(void);
json_t *vectors_statements(void);
json_t *vectors_receipts(void);
json_t *vectors_shares(void);
json_t *vectors_witnesses(void);
json_t *vectors_attachments(void);

struct vectors_file {
    const char *name; /* in proto/vectors */
    json_t *(*make)(void);
};
extern const struct vectors_file vectors_files[];
extern const size_t vectors_file_count;

/* As the file holds it, final newline included; free() it. */
char *vectors_text(const struct vectors_file *f);

/* Good envelope number i of envelope-good.json, sealed; forge_free() it. For other vectors that
 * speak of envelopes. NULL beyond the last, else its name. */
const char *vectors_good_envelope(size_t i, struct forge *out);
/* What bad vectors start from: a short sheet from the hospital to the EHPAD. */
void vectors_plain_envelope(struct forge *f, const char *name, const struct forge_edit *how);

/* The directory, the receivers and their secrets: the same in both envelope files. */
void vectors_put_world(json_t *file);
/* The receiver's moment and the envelope. */
void vectors_put_scene(json_t *vector, const struct forge *f);

/* The value as JSON: maps by their keys as text, bin as {"bin": hex}, numbers as json_number(). */
void put_decoded(json_t *o, const char *key, struct span value);

/* A bad vector: from the plain envelope by one edit. */
struct bad_envelope {
    const char *name;
    const char *what;
    int step;
    enum err err;
    struct forge_edit edit;
};
extern const struct bad_envelope bad_outer[];
extern const size_t bad_outer_count;
extern const struct bad_envelope bad_header[];
extern const size_t bad_header_count;
extern const struct bad_envelope bad_trust[];
extern const size_t bad_trust_count;
extern const struct bad_envelope bad_batch[];
extern const size_t bad_batch_count;
extern const struct bad_envelope bad_content[];
extern const size_t bad_content_count;

#endif
