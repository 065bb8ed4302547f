#include "idmap.h"

#include <stdlib.h>
#include <string.h>

#include "digest.h"

#define CAP_FIRST 16

static uint64_t hash(const struct idmap *m, const uint8_t *key)
{
    struct span part = {key, ID_BYTES};
    uint8_t h[DIGEST_128] = {0};
    uint64_t n;

    if (digest_parts("relais/local/idmap", SPAN_OF(m->seed), &part, 1, h, sizeof h))
        return 0; /* cannot happen; slower, and as right */
    memcpy(&n, h, sizeof n);
    return n;
}

/* The key's slot, or the free one where it belongs. Never full: idmap_reserve(). */
static struct idmap_slot *slot_of(const struct idmap *m, const uint8_t *key)
{
    size_t at = (size_t)hash(m, key) & (m->cap - 1);

    while (m->slots[at].value != IDMAP_NONE && memcmp(m->slots[at].key, key, ID_BYTES) != 0)
        at = (at + 1) & (m->cap - 1);
    return &m->slots[at];
}

void idmap_wipe(struct idmap *m)
{
    free(m->slots);
    seal_wipe(m, sizeof *m);
}

enum err idmap_reserve(struct idmap *m, size_t more)
{
    struct idmap bigger = *m;

    if (m->cap == 0)
        bigger.cap = CAP_FIRST;
    while (m->used + more > bigger.cap / 2)
        bigger.cap *= 2;
    if (bigger.cap == m->cap)
        return ERR_OK;
    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    if (!bigger.slots)
        return ERR_NOMEM;
    for (size_t i = 0; i < bigger.cap; i++)
        bigger.slots[i].value = IDMAP_NONE;
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slots[i].value != IDMAP_NONE)
            *slot_of(&bigger, m->slots[i].key) = m->slots[i];
    }
    free(m->slots);
    *m = bigger;
    return ERR_OK;
}

void idmap_put(struct idmap *m, const uint8_t key[ID_BYTES], uint32_t value)
{
    struct idmap_slot *s = slot_of(m, key);

    memcpy(s->key, key, ID_BYTES);
    s->value = value;
    m->used++;
}

uint32_t idmap_get(const struct idmap *m, const uint8_t key[ID_BYTES])
{
    return m->cap == 0 ? IDMAP_NONE : slot_of(m, key)->value;
}
