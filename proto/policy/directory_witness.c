/* Witnesses in the keys log (PROTOCOL.md 7.6): whose key, which set, and who counts. */
#include <string.h>

#include "directory_state.h"

const struct directory_witnesses *directory_witnesses(const struct directory *d)
{
    return d->witnesses.count > 0 ? &d->witnesses : NULL;
}

bool directory_is_witness(const struct directory *d, const struct directory_node *n)
{
    uint32_t index = (uint32_t)(n - d->nodes);

    if (n->witness_number == 0 ||
        directory_node_state(d, n, DIRECTORY_NOW, UINT64_MAX) != DIRECTORY_ACTIVE)
        return false;
    for (size_t i = 0; i < d->witnesses.count; i++)
        if (d->witnesses.node[i] == index)
            return true;
    return false;
}

/* One voice for each organisation, and none for who operates the hub. */
static enum err seat_verify(const struct directory *d, const struct directory_witnesses *set,
                            const uint8_t node[ID_BYTES], uint32_t *index)
{
    const struct directory_node *n = directory_find_node(d, node);

    if (!n)
        return ERR_NOT_FOUND;
    if (n->revoked)
        return ERR_REVOKED;
    if (memcmp(d->orgs[n->org].id, d->federation.operator_org, ID_BYTES) == 0)
        return ERR_FIELD_VALUE;
    for (size_t i = 0; i < set->count; i++)
        if (d->nodes[set->node[i]].org == n->org)
            return ERR_FIELD_VALUE;
    *index = (uint32_t)(n - d->nodes);
    return ERR_OK;
}

enum err witness_set_verify(const struct directory *d, const struct statement *s,
                            struct verified *v)
{
    struct witness_set_statement set;
    enum err e;

    if ((e = witness_set_decode(s->stmt, &set)))
        return e;
    if ((e = directory_signed_alone(s, ROLE_REGISTRAR, NULL, &d->federation.registrar)))
        return e;
    if (d->federation.mode != MODE_EXERCISE && set.count < WITNESS_SET_FULL)
        return ERR_FIELD_VALUE;
    if (set.quorum > set.count || 2 * set.quorum <= set.count)
        return ERR_FIELD_VALUE;
    v->witnesses.quorum = set.quorum;
    v->witnesses.ts_ms = set.ts_ms;
    for (size_t i = 0; i < set.count; i++) {
        if ((e = seat_verify(d, &v->witnesses, set.node[i], &v->witnesses.node[i])))
            return e;
        v->witnesses.count++;
    }
    return ERR_OK;
}

/* A witness key signs notes and nothing else: no key of the federation, no key seen before. */
static bool witness_key_free(const struct directory *d, const struct sign_public *pk)
{
    uint8_t kid[KID_BYTES];

    for (size_t i = 0; i < d->federation.founder_count; i++)
        if (memcmp(d->federation.founders[i].pk.b, pk->b, KEY_BYTES) == 0)
            return false;
    sign_kid(pk, kid);
    return !directory_key_is_hubs(d, pk->b) && idmap_get(&d->by_signing, kid) == IDMAP_NONE &&
           idmap_get(&d->by_witness, kid) == IDMAP_NONE;
}

enum err witness_key_verify(const struct directory *d, const struct statement *s,
                            struct verified *v)
{
    const struct directory_node *n;
    enum err e;

    if ((e = witness_key_decode(s->stmt, &v->witness)))
        return e;
    n = directory_find_node(d, v->witness.node);
    if (!n || memcmp(d->orgs[n->org].id, v->witness.org, ID_BYTES) != 0)
        return ERR_NOT_FOUND;
    if ((e = directory_signed_alone(s, ROLE_NODE, v->witness.org, &n->signing)))
        return e;
    if ((e = directory_state_err(directory_node_state(d, n, DIRECTORY_NOW, UINT64_MAX))))
        return e;
    if (v->witness.number != n->witness_number + 1)
        return ERR_CHAIN;
    if (!witness_key_free(d, &v->witness.pk))
        return ERR_EXISTS;
    v->node = (uint32_t)(n - d->nodes);
    return ERR_OK;
}

void witness_apply(struct directory *d, const struct verified *v)
{
    uint8_t kid[KID_BYTES];

    if (v->kind == KEYS_WITNESS_SET) {
        d->witnesses = v->witnesses;
        d->witnesses.at = d->size;
        return;
    }
    d->nodes[v->node].witness = v->witness.pk;
    d->nodes[v->node].witness_number = v->witness.number;
    sign_kid(&v->witness.pk, kid);
    idmap_put(&d->by_witness, kid, v->node);
}
