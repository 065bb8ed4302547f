/*
 * keyring - the named secrets of a key file in memory, and their MP1 form; keyfile.c puts them
 * on disk. The whole struct lives in guarded memory (secret_alloc).
 * Thread rule: as keyfile.h.
 */
#ifndef RELAIS_SEAL_KEYRING_H
#define RELAIS_SEAL_KEYRING_H

#include <stdbool.h>

#include "keyfile.h"
#include "secret.h"

#define KEYFILE_SALT_BYTES 16

struct keyring_entry {
    char name[KEYRING_NAME_MAX + 1];
    uint8_t len;
    uint8_t value[KEYRING_VALUE_MAX];
};

struct keyring {
    struct keyring_entry entries[KEYRING_MAX]; /* ascending by name */
    size_t count;
    struct keyfile_cost cost;
    uint8_t salt[KEYFILE_SALT_BYTES];
    struct secret32 key;         /* Argon2id(passphrase, salt) at that cost */
    char path[KEYFILE_PATH_MAX]; /* empty: not from a file */
    bool unwritten;              /* made, and never saved: the path must be free */
};

/* str8 name and bin8 value at their longest, in an array of 2, in an array of up to 16 */
#define KEYRING_BODY_MAX                                                                           \
    (3 + (size_t)KEYRING_MAX * (1 + 2 + KEYRING_NAME_MAX + 2 + KEYRING_VALUE_MAX))

/* A writer's error, never one of its own. body has room for KEYRING_BODY_MAX, guarded. */
enum err keyring_body_write(const struct keyring *r, uint8_t *body, size_t *len);
/* Into an empty ring. ERR_CORRUPT: anything but the one encoding; the ring is then half full. */
enum err keyring_body_read(struct keyring *r, struct span body);

#endif
