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
                     const struct ckpt *head); /* ERR_CHECKPOINT */
/* The epoch of the audit log is part of what is signed and of no message: the known one is tried
 * first, then its successor, then the years around now_ms, then 1. ERR_CHECKPOINT: none of them. */
enum err audit_epoch_find(const struct pins *p, const struct ckpt *head, uint32_t known,
                          uint64_t now_ms, uint32_t *epoch);
int head_same(const struct ckpt *a, const struct ckpt *b); /* size and root */

#endif
