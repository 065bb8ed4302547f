#include "directory.h"

#include <stdlib.h>
#include <string.h>

#include "directory_state.h"
#include "keys_codec.h"

enum err directory_new(enum directory_clock clock, const struct entropy *source,
                       struct directory **out)
{
    struct directory *d = calloc(1, sizeof *d);
    uint8_t seed[SEED_BYTES];
    enum err e;

    if (!d)
        return ERR_NOMEM;
    if ((e = entropy_fill(source, seed, sizeof seed))) {
        free(d);
        return e;
    }
    struct idmap *const maps[] = {&d->by_org,       &d->by_node,   &d->by_signing,
                                  &d->by_transport, &d->by_prekey, &d->by_witness};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
        memcpy(maps[i]->seed, seed, sizeof seed);
    seal_wipe(seed, sizeof seed);
    d->clock = clock;
    *out = d;
    return ERR_OK;
}

void directory_free(struct directory *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->node_count; i++)
        free(d->bodies[i]);
    free(d->bodies);
    free(d->orgs);
    free(d->nodes);
    free(d->prekeys);
    free(d->suspensions);
    free(d->formers);
    idmap_wipe(&d->by_org);
    idmap_wipe(&d->by_node);
    idmap_wipe(&d->by_signing);
    idmap_wipe(&d->by_transport);
    idmap_wipe(&d->by_prekey);
    idmap_wipe(&d->by_witness);
    free(d);
}

uint64_t directory_size(const struct directory *d)
{
    return d->size;
}

const struct federation *directory_federation(const struct directory *d)
{
    return d->founded ? &d->federation : NULL;
}

enum err federation_matches(const struct federation *f, const struct invitation *i)
{
    if (memcmp(f->id, i->federation, ID_BYTES) != 0 || f->mode != i->mode ||
        !span_equal(f->name, i->federation_name) ||
        memcmp(f->registrar.b, i->registrar.b, KEY_BYTES) != 0)
        return ERR_FINGERPRINT;
    return ERR_OK;
}

size_t directory_org_count(const struct directory *d)
{
    return d->org_count;
}

const struct directory_org *directory_org(const struct directory *d, size_t i)
{
    return i < d->org_count ? &d->orgs[i] : NULL;
}

const struct directory_node *directory_node(const struct directory *d, size_t i)
{
    return i < d->node_count ? &d->nodes[i] : NULL;
}

const struct directory_prekey *directory_prekey(const struct directory *d, size_t i)
{
    return i < d->prekey_count ? &d->prekeys[i] : NULL;
}

const struct directory_suspension *directory_suspension(const struct directory *d, size_t i)
{
    return i < d->suspension_count ? &d->suspensions[i] : NULL;
}

const struct directory_former *directory_former(const struct directory *d, size_t i)
{
    return i < d->former_count ? &d->formers[i] : NULL;
}

/* IDMAP_NONE is beyond every count. */
const struct directory_org *directory_find_org(const struct directory *d,
                                               const uint8_t id[ID_BYTES])
{
    return directory_org(d, idmap_get(&d->by_org, id));
}

const struct directory_node *directory_find_node(const struct directory *d,
                                                 const uint8_t id[ID_BYTES])
{
    return directory_node(d, idmap_get(&d->by_node, id));
}

const struct directory_node *directory_find_transport(const struct directory *d,
                                                      const struct box_public *pk)
{
    const struct directory_node *n;
    uint8_t kid[KID_BYTES];

    box_kid(pk, kid);
    n = directory_node(d, idmap_get(&d->by_transport, kid));
    return n && memcmp(n->transport.b, pk->b, KEY_BYTES) == 0 ? n : NULL;
}

const struct directory_node *directory_find_signing(const struct directory *d,
                                                    const uint8_t kid[KID_BYTES])
{
    return directory_node(d, idmap_get(&d->by_signing, kid));
}

const struct directory_prekey *directory_find_prekey(const struct directory *d,
                                                     const uint8_t kid[KID_BYTES])
{
    return directory_prekey(d, idmap_get(&d->by_prekey, kid));
}

enum err directory_services(const struct directory_org *o, struct span *out, size_t max,
                            size_t *count)
{
    struct enrolment en;
    enum err e;

    if ((e = enrolment_decode(o->enrolment, &en)))
        return e;
    if (en.service_count > max)
        return ERR_ITEMS;
    for (size_t i = 0; i < en.service_count; i++)
        out[i] = en.services[i];
    *count = en.service_count;
    return ERR_OK;
}

static bool suspended(const struct directory *d, const struct directory_org *o, uint64_t size)
{
    const struct directory_suspension *s = directory_suspension(d, o->newest_suspension);

    while (s && s->from >= size)
        s = directory_suspension(d, s->previous);
    return s && s->to >= size;
}

enum directory_state directory_node_state(const struct directory *d, const struct directory_node *n,
                                          uint64_t size, uint64_t now_ms)
{
    if (n->enrolled_at >= size)
        return DIRECTORY_ABSENT;
    if (n->revoked && n->revoked_at < size)
        return DIRECTORY_REVOKED;
    if (suspended(d, &d->orgs[n->org], size))
        return DIRECTORY_SUSPENDED;
    return now_ms < n->effect_ms ? DIRECTORY_PENDING : DIRECTORY_ACTIVE;
}

enum directory_state directory_org_state(const struct directory *d, const struct directory_org *o,
                                         uint64_t size, uint64_t now_ms)
{
    static const int rank[] = {
        [DIRECTORY_ABSENT] = 0,    [DIRECTORY_REVOKED] = 1, [DIRECTORY_PENDING] = 2,
        [DIRECTORY_SUSPENDED] = 3, [DIRECTORY_ACTIVE] = 4,
    };
    enum directory_state best = DIRECTORY_ABSENT;

    for (uint32_t i = o->newest_node; i != DIRECTORY_NONE; i = d->nodes[i].previous_of_org) {
        enum directory_state s = directory_node_state(d, &d->nodes[i], size, now_ms);
        if (rank[s] > rank[best])
            best = s;
    }
    return best;
}

enum err directory_state_err(enum directory_state s)
{
    switch (s) {
    case DIRECTORY_ACTIVE:
        return ERR_OK;
    case DIRECTORY_PENDING:
        return ERR_NOT_YET;
    case DIRECTORY_SUSPENDED:
        return ERR_SUSPENDED;
    case DIRECTORY_REVOKED:
        return ERR_REVOKED;
    case DIRECTORY_ABSENT:
        break;
    }
    return ERR_NOT_ENROLLED;
}

/* Of that organisation, whose signing key this is or was. */
static const struct directory_node *
node_of_signer(const struct directory *d, const uint8_t org[ID_BYTES], const uint8_t kid[KID_BYTES])
{
    const struct directory_node *n = directory_find_signing(d, kid);

    return n && memcmp(d->orgs[n->org].id, org, ID_BYTES) == 0 ? n : NULL;
}

/* NULL: it is the one in force. */
static const struct directory_former *
former_of(const struct directory *d, const struct directory_node *n, const uint8_t kid[KID_BYTES])
{
    const struct directory_former *f = NULL;

    if (memcmp(n->kid, kid, KID_BYTES) == 0)
        return NULL;
    for (f = directory_former(d, n->former); f && memcmp(f->kid, kid, KID_BYTES) != 0;)
        f = directory_former(d, f->previous);
    return f;
}

enum err directory_signer(const struct directory *d, const uint8_t org[ID_BYTES],
                          const uint8_t kid[KID_BYTES], uint64_t size, uint64_t now_ms,
                          struct sign_public *out)
{
    const struct directory_node *n = node_of_signer(d, org, kid);
    const struct directory_former *f = n ? former_of(d, n, kid) : NULL;

    if (!n || (f ? f->since : n->keyed_at) >= size)
        return ERR_KEY_UNKNOWN;
    if ((n->revoked && n->revoked_at < size) || (f && f->until < size))
        return ERR_KEY_REVOKED;
    if (now_ms < n->effect_ms)
        return ERR_KEY_UNKNOWN;
    *out = f ? f->signing : n->signing;
    return ERR_OK;
}

enum err directory_signed(const struct directory *d, const uint8_t org[ID_BYTES],
                          const uint8_t kid[KID_BYTES], struct sign_public *out)
{
    const struct directory_node *n = node_of_signer(d, org, kid);
    const struct directory_former *f = n ? former_of(d, n, kid) : NULL;

    if (!n)
        return ERR_KEY_UNKNOWN;
    *out = f ? f->signing : n->signing;
    return ERR_OK;
}

bool directory_prekey_live(const struct directory *d, const struct directory_prekey *p,
                           uint64_t now_ms)
{
    (void)d;
    return !p->replaced || now_ms < p->replaced_ms || now_ms - p->replaced_ms < PREKEY_LIVE_MS;
}

enum err directory_addressee(const struct directory *d, const uint8_t org[ID_BYTES],
                             const uint8_t kid[KID_BYTES], uint64_t now_ms,
                             const struct directory_prekey **out)
{
    const struct directory_prekey *p = directory_find_prekey(d, kid);
    const struct directory_node *n = p ? &d->nodes[p->node] : NULL;

    if (!n || memcmp(d->orgs[n->org].id, org, ID_BYTES) != 0)
        return ERR_ADDRESSEE;
    if (directory_node_state(d, n, DIRECTORY_NOW, now_ms) != DIRECTORY_ACTIVE)
        return ERR_ADDRESSEE;
    if (!directory_prekey_live(d, p, now_ms))
        return ERR_ADDRESSEE;
    *out = p;
    return ERR_OK;
}

enum err directory_seal_to(const struct directory *d, const uint8_t org[ID_BYTES], uint64_t now_ms,
                           const struct directory_prekey **out)
{
    const struct directory_org *o = directory_find_org(d, org);

    if (!o)
        return ERR_ADDRESSEE;
    for (uint32_t i = o->newest_node; i != DIRECTORY_NONE; i = d->nodes[i].previous_of_org) {
        const struct directory_node *n = &d->nodes[i];
        if (directory_node_state(d, n, DIRECTORY_NOW, now_ms) != DIRECTORY_ACTIVE)
            continue;
        *out = &d->prekeys[n->prekey];
        return ERR_OK;
    }
    return ERR_ADDRESSEE;
}
