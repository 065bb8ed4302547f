/*
 * vectors_bad_payload - proto/vectors/payload-bad.json: envelopes that open, and whose payload step
 * 15 or 16 refuses. Each is the plain sheet (or an invitation) with one value changed at a path,
 * signed again by its author.
 * Thread rule: one thread.
 */
#ifndef TESTS_VECTORS_BAD_PAYLOAD_H
#define TESTS_VECTORS_BAD_PAYLOAD_H

#include "vectors.h"

json_t *vectors_payload_bad(void); /* a new object */
extern const struct vectors_file vectors_payload_file;

/* One change to an MP1 value. The path names map keys and array indices: "5.0.1" is key 1 of the
 * first element of key 5. */
enum patch_op {
    PATCH_NONE,
    PATCH_HEX,     /* the value there becomes these bytes (hex) */
    PATCH_TEXT,    /* ... this text */
    PATCH_LETTERS, /* ... a text of `number` letters */
    PATCH_UINT,    /* ... this number */
    PATCH_DROP,    /* key and value, or element, are taken away */
    PATCH_ADD,     /* the map there gets a last key and value (hex), or the array an element */
    PATCH_REPEAT,  /* the array there holds its first element `number` times */
    PATCH_CUT,     /* without path: the last `number` bytes are missing */
    PATCH_APPEND   /* without path: these bytes (hex) follow */
};
struct patch {
    enum patch_op op;
    const char *path;
    const char *text;
    size_t number;
};
void patch_apply(const struct patch *p, struct span value, struct bytes *out);

#endif
