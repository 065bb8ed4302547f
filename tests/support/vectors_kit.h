/*
 * vectors_kit - what the generators of proto/vectors share: secrets and ids derived from names, the
 * cast of the story they tell, JSON, and the MP1 pieces that every structure is made of.
 *
 * The generators are a second reading of PROTOCOL.md: they use the primitives (labelled digest,
 * signature, HPKE, AEAD, writer) and none of the codecs, so that a codec which misreads the
 * specification meets vectors that do not.
 * A generator has no errors to report: vec_must() says where and aborts.
 * Thread rule: one thread.
 */
#ifndef TESTS_VECTORS_KIT_H
#define TESTS_VECTORS_KIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "digest.h"
#include "ids.h"
#include "keys.h"
#include "sign.h"
#include "span.h"
#include "writer.h"

#define MUST(e) vec_must((e), __FILE__, __LINE__)
void vec_must(enum err e, const char *file, int line);

/* Secret and id "name": H-256("relais/vectors1", name), an id being its first 16 bytes. Adding a
 * name never changes another. */
void vec_secret(const char *name, uint8_t out[32]);
void vec_id(const char *name, uint8_t out[ID_BYTES]);
void vec_numbered_id(const char *name, unsigned number, uint8_t out[ID_BYTES]);

struct secret_sign *vec_sign_key(const char *name);  /* owned */
struct secret_box *vec_box_key(const char *name);    /* owned */
struct secret_box *vec_box_of(const uint8_t sk[32]); /* owned */
struct sign_public vec_sign_pk(const char *name);
struct box_public vec_box_pk(const char *name);
void vec_sign_as(const char *name, enum sign_context c, const uint8_t digest[64], uint8_t sig[64]);

/* The cast. Keys of member i: "<key> signing", "<key> transport", "<key> prekey 1" and 2. */
enum vec_member {
    HOSPITAL,
    EHPAD,
    DAC,
    SAMU,
    SSIAD,    /* enrolled once, revoked since */
    NEWCOMER, /* enrolled, not in effect yet */
    MEMBERS
};
struct vec_person {
    const char *key;  /* of its names */
    const char *name; /* of the organisation */
    uint64_t kind;    /* section 3 */
    uint64_t category;
    const char *author; /* a professional */
    const char *profession;
};
extern const struct vec_person vec_cast[MEMBERS];
void vec_org(enum vec_member m, uint8_t org[ID_BYTES]);
void vec_node(enum vec_member m, uint8_t node[ID_BYTES]);
const char *vec_key(enum vec_member m,
                    const char *which); /* static until the eighth call from now */
void vec_skid(enum vec_member m, uint8_t skid[KID_BYTES]);
void vec_prekey_kid(enum vec_member m, unsigned number, uint8_t kid[KID_BYTES]);

#define VEC_FEDERATION "exercice.relais.example"
#define VEC_T0 UINT64_C(1767609000000) /* 2026-01-05T10:30:00Z: the story begins */
#define VEC_MINUTE UINT64_C(60000)
#define VEC_DAY (24 * 60 * VEC_MINUTE)

/* Handle of the circle of statements.json. */
void vec_circle(uint8_t handle[ID_BYTES]);

/* JSON. Everything is written in order and ends up as one line per value. */
void put_span(json_t *o, const char *key, struct span value); /* as hex */
void put_id(json_t *o, const char *key, const uint8_t id[ID_BYTES]);
void put_uint(json_t *o, const char *key, uint64_t value); /* above 2^53 - 1: decimal text */
void put_text(json_t *o, const char *key, const char *value);
json_t *put_object(json_t *o, const char *key); /* a new object inside o, borrowed */
json_t *put_array(json_t *o, const char *key);
json_t *add_object(json_t *array);
json_t *vec_json_hex(struct span value);
json_t *json_number(uint64_t value);
const char *vec_err(enum err e); /* "FORGED": as PROTOCOL.md says it */

/* One MP1 value in owned bytes, as `bytes_span(&(struct bytes)...)` of a finished writer. */
struct bytes vec_take(struct writer *w);
/* Deterministic note text and signature of a log's head: [size, root, sig]. */
void wr_vec_head(struct writer *w, const char *origin, const char *key, uint64_t size,
                 const uint8_t root[32]);
void vec_note_text(const char *origin, uint64_t size, const uint8_t root[32], struct bytes *out);
void vec_head_sig(const char *origin, const char *key, uint64_t size, const uint8_t root[32],
                  uint8_t sig[64]);

#endif
