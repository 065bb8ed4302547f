/*
 * keyfile - named secrets on disk, sealed under a passphrase.
 *
 *     offset  0  8  "RELAISK1"
 *             8  4  be32 memory of Argon2id, in KiB
 *            12  4  be32 passes of Argon2id
 *            16 16  salt
 *            32 24  nonce
 *            56  .. XChaCha20-Poly1305(Argon2id(passphrase, salt), nonce, aad = bytes 0..55,
 *                   MP1 map: name (text) -> secret (bin), in the order of MP1 map keys)
 *
 * The costs stand in the file and are checked against the caller's caps before any memory is
 * taken. A system credential of at least 8 bytes serves as passphrase as well. The opened ring
 * keeps the derived key in guarded memory, so that a daemon saves without asking again.
 * What keyring_save() has accepted is on disk; the file is replaced as a whole or not at all.
 * Thread rule: confine a keyring to one thread.
 */
#ifndef RELAIS_KEYFILE_H
#define RELAIS_KEYFILE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "keys.h"
#include "random.h"
#include "span.h"

#define KEYFILE_HEADER_BYTES 56
#define KEYFILE_MAX 8192
#define KEYFILE_PATH_MAX 1024
#define PASSPHRASE_MIN 8
#define PASSPHRASE_MAX 1024
#define KEYRING_MAX 36
#define KEYRING_NAME_MAX 32
#define KEYRING_VALUE_MAX 64

struct keyfile_cost {
    uint32_t memory_kib;
    uint32_t passes;
};

/* What new files cost, and the most a program ever agrees to spend on reading one. */
#define KEYFILE_COST ((struct keyfile_cost){256 * 1024, 3})
#define KEYFILE_CAPS ((struct keyfile_cost){1024 * 1024, 10})

struct keyring;

/* A new, empty ring. Its file appears with the first keyring_save(), whole, so that who is killed
 * before leaves none; drafts of writes that were killed beside it are cleared away. ERR_EXISTS: the
 * path is taken. ERR_RANGE: passphrase shorter than 8 bytes or longer than 1024, cost outside
 * 8 KiB..1 GiB or 1..10 passes, path too long. */
enum err keyfile_create(const char *path, struct span passphrase, struct keyfile_cost cost,
                        const struct entropy *source, struct keyring **out);

/* ERR_PASSPHRASE: wrong passphrase or altered file, which cannot be told apart. ERR_RANGE: the
 * file asks for more than caps (or than KEYFILE_CAPS), or less than is possible. ERR_CORRUPT: it
 * opens and holds no proper array. Otherwise the error of file_read_secret(). */
enum err keyfile_open(const char *path, struct span passphrase, struct keyfile_cost caps,
                      struct keyring **out);

/* Names: 1..32 of a-z 0-9 . - _ ; ERR_EXISTS, ERR_FULL, ERR_RANGE (name or length). */
enum err keyring_add(struct keyring *r, const char *name, const struct secret32 *secret);
enum err keyring_add_bytes(struct keyring *r, const char *name, struct span secret); /* 1..64 */
/* ERR_NOT_FOUND; get: ERR_TYPE if what was added is not 32 bytes. */
enum err keyring_get(const struct keyring *r, const char *name, struct secret32 **out);
enum err keyring_find(const struct keyring *r, const char *name, struct span *out); /* borrowed */
enum err keyring_remove(struct keyring *r, const char *name);
size_t keyring_count(const struct keyring *r);
const char *keyring_name(const struct keyring *r, size_t i); /* NULL past the end; borrowed */

/* Replaces the file the ring came from. On error the file of before stands. The first save of a
 * new ring replaces nothing: ERR_EXISTS if there is a file by now. */
enum err keyring_save(struct keyring *r, const struct entropy *source);
/* Another passphrase or cost, for the next keyring_save(). */
enum err keyring_rekey(struct keyring *r, struct span passphrase, struct keyfile_cost cost,
                       const struct entropy *source);
void keyring_free(struct keyring *r); /* wipes; NULL is fine */

/* The same without a path: the file's bytes in memory. A ring from keyring_unseal() has no
 * path: keyring_save() answers ERR_STATE. */
enum err keyring_unseal(struct span file, struct span passphrase, struct keyfile_cost caps,
                        struct keyring **out);
enum err keyring_seal(const struct keyring *r, const struct entropy *source, struct bytes *out);

#endif
