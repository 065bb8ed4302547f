/*
 * idmap - 16-byte ids to small numbers. Ids are chosen by members, perhaps to collide: they are
 * hashed under a secret seed. Nothing is ever removed, as in the log it mirrors.
 * Thread rule: confine an idmap to one thread.
 */
#ifndef RELAIS_IDMAP_H
#define RELAIS_IDMAP_H

#include <stddef.h>
#include <stdint.h>

#include "ids.h"
#include "random.h"
#include "span.h"

#define IDMAP_NONE UINT32_MAX

struct idmap_slot {
    uint8_t key[ID_BYTES];
    uint32_t value; /* IDMAP_NONE: free */
};

struct idmap { /* caller's memory; zeroed but for the seed it is empty */
    uint8_t seed[SEED_BYTES];
    struct idmap_slot *slots;
    size_t cap; /* a power of two, or 0 */
    size_t used;
};

void idmap_wipe(struct idmap *m);
enum err idmap_reserve(struct idmap *m, size_t more); /* room for idmap_put() `more` times */
void idmap_put(struct idmap *m, const uint8_t key[ID_BYTES], uint32_t value); /* key is new */
uint32_t idmap_get(const struct idmap *m, const uint8_t key[ID_BYTES]);       /* or IDMAP_NONE */

#endif
