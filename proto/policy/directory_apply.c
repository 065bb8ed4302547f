/*
 * The one writer of a directory: what directory_verify() found good is written, after room for it
 * was reserved; so a refused statement has no effect.
 */
#include <stdlib.h>
#include <string.h>

#include "directory_state.h"

static void genesis_apply(struct directory *d, const struct verified *v)
{
    d->federation = v->federation;
    memcpy(d->name, v->federation.name.ptr, v->federation.name.len);
    d->federation.name.ptr = d->name;
    d->founded = true;
    hub_keys_begin(d);
}

static uint64_t moment(const struct directory *d, uint64_t time_ms, uint64_t ts_ms)
{
    return d->clock == DIRECTORY_LEAF_TIME ? time_ms : ts_ms;
}

static void prekey_put(struct directory *d, const struct prekey_statement *p, uint32_t node,
                       uint32_t previous, uint64_t since_ms)
{
    uint32_t i = (uint32_t)d->prekey_count++;
    struct directory_prekey *k = &d->prekeys[i];

    *k = (struct directory_prekey){.pk = p->pk,
                                   .number = p->number,
                                   .at = d->size,
                                   .since_ms = since_ms,
                                   .node = node,
                                   .previous = previous};
    box_kid(&k->pk, k->kid);
    idmap_put(&d->by_prekey, k->kid, i);
    d->nodes[node].prekey = i;
    if (previous != DIRECTORY_NONE) {
        d->prekeys[previous].replaced = true;
        d->prekeys[previous].replaced_ms = since_ms;
    }
}

static uint32_t org_put(struct directory *d, const struct enrolment *en)
{
    uint32_t i = (uint32_t)d->org_count++;
    struct directory_org *o = &d->orgs[i];

    *o = (struct directory_org){.kind = en->kind,
                                .enrolled_at = d->size,
                                .newest_node = DIRECTORY_NONE,
                                .newest_suspension = DIRECTORY_NONE};
    memcpy(o->id, en->org, ID_BYTES);
    idmap_put(&d->by_org, o->id, i);
    return i;
}

/* A text that lies in `old`, where it lies in the copy. */
static struct span moved(struct span text, struct span old, const uint8_t *copy)
{
    return text.len ? span_of(copy + (text.ptr - old.ptr), text.len) : (struct span){NULL, 0};
}

/* node: DIRECTORY_NONE is all of them. */
static void revoke_apply(struct directory *d, uint32_t org, uint32_t node, uint64_t reason)
{
    for (uint32_t i = d->orgs[org].newest_node; i != DIRECTORY_NONE;
         i = d->nodes[i].previous_of_org) {
        struct directory_node *n = &d->nodes[i];
        if (n->revoked || (node != DIRECTORY_NONE && node != i))
            continue;
        n->revoked = true;
        n->revoked_at = d->size;
        n->revoked_reason = reason;
    }
}

/* `body` is ours now; the texts of the organisation lie in it. */
static void enrol_apply(struct directory *d, const struct verified *v, uint64_t time_ms,
                        uint8_t *body)
{
    const struct enrolment *en = &v->enrolment;
    uint32_t org = v->org == DIRECTORY_NONE ? org_put(d, en) : v->org;
    uint32_t node = (uint32_t)d->node_count++;
    struct directory_org *o = &d->orgs[org];
    struct directory_node *n = &d->nodes[node];
    uint8_t transport[KID_BYTES];

    if (v->kind == KEYS_RESET) /* whoever holds the keys of before speaks for nobody */
        revoke_apply(d, org, DIRECTORY_NONE, REVOKE_LOST);
    *n = (struct directory_node){.signing = en->signing,
                                 .transport = en->transport,
                                 .enrolled_at = d->size,
                                 .keyed_at = d->size,
                                 .former = DIRECTORY_NONE,
                                 .effect_ms = v->effect_ms == v->ts_ms ? 0 : v->effect_ms,
                                 .org = org,
                                 .previous_of_org = o->newest_node};
    memcpy(n->id, en->node, ID_BYTES);
    sign_kid(&n->signing, n->kid);
    box_kid(&n->transport, transport);
    idmap_put(&d->by_node, n->id, node);
    idmap_put(&d->by_signing, n->kid, node);
    idmap_put(&d->by_transport, transport, node);
    d->bodies[node] = body;
    memcpy(body, v->body.ptr, v->body.len);
    o->name = moved(en->name, v->body, body);
    o->national_id = moved(en->national_id, v->body, body);
    o->territory = moved(en->territory, v->body, body);
    o->enrolment = span_of(body, v->body.len);
    o->newest_node = node;
    prekey_put(d, &v->prekey, node, DIRECTORY_NONE, moment(d, time_ms, v->prekey.ts_ms));
}

/* Both keys stay its own: a key that was somebody's once is never anybody else's. */
static void node_key_apply(struct directory *d, const struct verified *v, uint64_t time_ms)
{
    struct directory_node *n = &d->nodes[v->node];
    uint8_t transport[KID_BYTES];

    d->formers[d->former_count] = (struct directory_former){.signing = n->signing,
                                                            .transport = n->transport,
                                                            .since = n->keyed_at,
                                                            .until = d->size,
                                                            .node = v->node,
                                                            .previous = n->former};
    memcpy(d->formers[d->former_count].kid, n->kid, KID_BYTES);
    n->former = (uint32_t)d->former_count++;
    n->signing = v->node_key.signing;
    n->transport = v->node_key.transport;
    n->keyed_at = d->size;
    n->rekeyed++;
    sign_kid(&n->signing, n->kid);
    box_kid(&n->transport, transport);
    idmap_put(&d->by_signing, n->kid, v->node);
    idmap_put(&d->by_transport, transport, v->node);
    prekey_put(d, &v->prekey, v->node, n->prekey, moment(d, time_ms, v->prekey.ts_ms));
}

static void suspend_apply(struct directory *d, const struct verified *v)
{
    struct directory_org *o = &d->orgs[v->org];

    if (v->kind == KEYS_RESUME) {
        d->suspensions[o->newest_suspension].to = d->size;
        return;
    }
    d->suspensions[d->suspension_count] = (struct directory_suspension){
        .from = d->size, .to = UINT64_MAX, .reason = v->reason, .previous = o->newest_suspension};
    o->newest_suspension = (uint32_t)d->suspension_count++;
}

/* array: address of the pointer to its elements. */
static enum err grow(void *array, size_t count, size_t *cap, size_t each)
{
    size_t more = *cap ? 2 * *cap : 16;
    void *held;
    void *bigger;

    if (count < *cap)
        return ERR_OK;
    if (count >= DIRECTORY_NONE)
        return ERR_FULL;
    memcpy(&held, array, sizeof held); /* pointers to objects are alike, as POSIX has them */
    if (!(bigger = realloc(held, more * each)))
        return ERR_NOMEM;
    memcpy(array, &bigger, sizeof bigger);
    *cap = more;
    return ERR_OK;
}

/* Room for one of everything: after this nothing can fail. */
static enum err make_room(struct directory *d)
{
    struct idmap *const maps[] = {&d->by_org,       &d->by_node,   &d->by_signing,
                                  &d->by_transport, &d->by_prekey, &d->by_witness};
    enum err e;

    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        if ((e = idmap_reserve(maps[i], 1)))
            return e;
    }
    if ((e = grow(&d->orgs, d->org_count, &d->org_cap, sizeof *d->orgs)))
        return e;
    if ((e = grow(&d->nodes, d->node_count, &d->node_cap, sizeof *d->nodes)))
        return e;
    if ((e = grow(&d->bodies, d->node_count, &d->body_cap, sizeof *d->bodies)))
        return e;
    if ((e = grow(&d->prekeys, d->prekey_count, &d->prekey_cap, sizeof *d->prekeys)))
        return e;
    if ((e = grow(&d->formers, d->former_count, &d->former_cap, sizeof *d->formers)))
        return e;
    return grow(&d->suspensions, d->suspension_count, &d->suspension_cap, sizeof *d->suspensions);
}

enum err directory_check(const struct directory *d, uint64_t index, struct span ss)
{
    struct verified v = {0};

    return directory_verify(d, index, ss, &v);
}

enum err directory_apply(struct directory *d, uint64_t index, uint64_t time_ms, struct span ss)
{
    struct verified v = {0};
    uint8_t *body = NULL;
    enum err e;

    if ((e = directory_verify(d, index, ss, &v)))
        return e;
    if ((e = make_room(d)))
        return e;
    if ((v.kind == KEYS_ENROL || v.kind == KEYS_RESET) && !(body = malloc(v.body.len)))
        return ERR_NOMEM;
    if (v.kind == KEYS_GENESIS)
        genesis_apply(d, &v);
    else if (body)
        enrol_apply(d, &v, time_ms, body);
    else if (v.kind == KEYS_PREKEY)
        prekey_put(d, &v.prekey, v.node, d->nodes[v.node].prekey,
                   moment(d, time_ms, v.prekey.ts_ms));
    else if (v.kind == KEYS_ROTATE_NODE)
        node_key_apply(d, &v, time_ms);
    else if (v.kind == KEYS_REVOKE)
        revoke_apply(d, v.org, v.node, v.reason);
    else if (v.kind == KEYS_ROTATE_HUB)
        hub_key_apply(d, &v);
    else if (v.kind == KEYS_WITNESS_SET || v.kind == KEYS_WITNESS_KEY)
        witness_apply(d, &v);
    else if (v.kind == KEYS_ABSENCE)
        absence_apply(d, &v, moment(d, time_ms, v.ts_ms));
    else
        suspend_apply(d, &v);
    d->size++;
    return ERR_OK;
}
