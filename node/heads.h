/*
 * heads - signed heads of the two logs in their short form: is this one by the log's key?
 * Thread rule: pure functions.
 */
#ifndef NODE_HEADS_H
#define NODE_HEADS_H

#include "ckpt.h"
#include "contacts.h"

#define ORIGIN_ROOM 128

void keys_origin(const struct pins *p, char out[ORIGIN_ROOM]);
void audit_origin(const struct pins *p, uint32_t epoch, char out[ORIGIN_ROOM]);
enum err head_verify(const char *origin, const struct sign_public *pk,
                     const struct ckpt *head);             /* ERR_CHECKPOINT */
int head_same(const struct ckpt *a, const struct ckpt *b); /* size and root */

#endif
