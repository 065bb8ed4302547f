/*
 * secret - what only seal/ knows of secret keys: their layout, their memory, and X25519 itself.
 * Thread rule: as keys.h.
 */
#ifndef RELAIS_SEAL_SECRET_H
#define RELAIS_SEAL_SECRET_H

#include "keys.h"

struct secret32 {
    uint8_t b[KEY_BYTES];
};

struct secret_sign {
    uint8_t sk[2 * KEY_BYTES]; /* seed || public key, as libsodium keeps it */
    struct sign_public pk;
};

struct secret_box {
    struct secret32 sk;
    struct box_public pk;
};

/* Guarded and zeroed; NULL when there is none. Freed by secret_release(), which wipes. */
void *secret_alloc(size_t n);
void secret_release(void *p); /* NULL is fine */

/* ERR_FIELD_VALUE: the point is of small order, the shared secret would be all zero. */
enum err x25519(const struct secret32 *secret, const struct box_public *point,
                uint8_t shared[KEY_BYTES]);

#endif
