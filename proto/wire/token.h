/*
 * token - the head of one msgpack value of profile MP1, in its shortest form or not at all.
 * Private to reader.c. Reads at most `left` bytes and does not look at the body.
 * Thread rule: pure functions.
 */
#ifndef RELAIS_TOKEN_H
#define RELAIS_TOKEN_H

#include "reader.h"

struct token {
    enum mp_type type;
    size_t head;         /* bytes */
    uint64_t value;      /* number (MP_INT: two's complement), length or count */
    const uint8_t *body; /* behind the head: for text and bin, `value` bytes if they are there */
};

/* ERR_TRUNCATED, ERR_TYPE (ext, float, c1), ERR_NOT_CANONICAL. */
enum err token_read(const uint8_t *at, size_t left, struct token *out);

#endif
