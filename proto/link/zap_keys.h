/*
 * zap_keys - which key is let in, for which domain, under which name: the table behind zap.
 * Sorted, so that a look-up takes some twenty comparisons and no choice of keys makes it slower.
 * Thread rule: none of its own; zap holds its lock around every call.
 */
#ifndef RELAIS_ZAP_KEYS_H
#define RELAIS_ZAP_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "transport.h"

struct zap_key {
    uint8_t domain; /* place in the list of domains */
    uint8_t key[LINK_KEY_BYTES];
};

struct zap_row;

struct zap_keys { /* all zeroes: the empty table */
    struct zap_row **rows;
    size_t n, room;
};

enum err zap_keys_put(struct zap_keys *t, const struct zap_key *key, const char *user);
enum err zap_keys_remove(struct zap_keys *t, const struct zap_key *key); /* ERR_NOT_FOUND */
/* The user, borrowed until the next change; NULL: not let in. Remembers the address. */
const char *zap_keys_admit(struct zap_keys *t, const struct zap_key *key, const char *address);
/* The user last admitted from there, if it is one alone: ERR_NOT_FOUND otherwise. Those of whom
 * left_out() holds are; it may be NULL. */
enum err zap_keys_only_from(const struct zap_keys *t, uint8_t domain, const char *address,
                            int (*left_out)(const char *user, void *arg), void *arg,
                            const char **user);
void zap_keys_free(struct zap_keys *t);

#endif
