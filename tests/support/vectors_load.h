/*
 * vectors_load - reading proto/vectors in tests, from JSON alone. What is not there or not in its
 * form ends the program with a word: a frozen file is damaged.
 * Thread rule: one thread.
 */
#ifndef TESTS_VECTORS_LOAD_H
#define TESTS_VECTORS_LOAD_H

#include <jansson.h>
#include <stdbool.h>

#include "span.h"

json_t *vec_load(const char *name); /* json_decref() it */
const json_t *vec_list(const json_t *o, const char *key);
const char *vec_text(const json_t *o, const char *key);
uint64_t vec_uint(const json_t *o, const char *key);    /* 0 when absent */
struct bytes vec_hex(const json_t *o, const char *key); /* owned */
void vec_fixed(const json_t *o, const char *key, uint8_t *out, size_t n);
bool vec_is(const json_t *o, const char *key, struct span value); /* the hex of exactly this */

#endif
