/* Absences in the keys log (PROTOCOL.md 7.7): "closed in August", said once for everybody. */
#include <string.h>

#include "directory_state.h"

const struct directory_absence *directory_absence(const struct directory *d,
                                                  const uint8_t org[ID_BYTES], uint64_t now_ms)
{
    const struct directory_org *o = directory_find_org(d, org);

    return o && o->absence.until_ms > now_ms ? &o->absence : NULL;
}

bool directory_absences_full(const struct directory_node *n, uint64_t now_ms)
{
    uint64_t oldest_ms = n->absences_ms[n->absence_count % ABSENCES_A_DAY];

    if (n->absence_count < ABSENCES_A_DAY)
        return false;
    return oldest_ms > now_ms || now_ms - oldest_ms < ABSENCE_DAY_MS;
}

/* Who is named may be turned to: somebody else, who was enrolled. */
static enum err substitute_find(const struct directory *d, const struct absence_statement *s,
                                uint32_t *index)
{
    const struct directory_org *o;

    *index = DIRECTORY_NONE;
    if (!s->has_substitute)
        return ERR_OK;
    if (memcmp(s->substitute, s->org, ID_BYTES) == 0)
        return ERR_FIELD_VALUE;
    if (!(o = directory_find_org(d, s->substitute)))
        return ERR_NOT_FOUND;
    *index = (uint32_t)(o - d->orgs);
    return ERR_OK;
}

/* By the statement's own ts: whoever reads the log later comes to the same answer. */
static enum err days_verify(const struct absence_statement *s)
{
    if (s->until_ms == 0)
        return ERR_OK;
    if (s->until_ms <= s->ts_ms)
        return ERR_FIELD_VALUE;
    return s->until_ms - s->ts_ms > ABSENCE_AHEAD_MS ? ERR_RANGE : ERR_OK;
}

enum err absence_verify(const struct directory *d, const struct statement *s, struct verified *v)
{
    const struct directory_absence *last;
    const struct directory_node *n;
    struct absence_statement a;
    enum err e;

    if ((e = absence_decode(s->stmt, &a)))
        return e;
    n = directory_find_node(d, a.node);
    if (!n || memcmp(d->orgs[n->org].id, a.org, ID_BYTES) != 0)
        return ERR_NOT_FOUND;
    if ((e = directory_signed_alone(s, ROLE_NODE, a.org, &n->signing)))
        return e;
    if ((e = directory_state_err(directory_node_state(d, n, DIRECTORY_NOW, UINT64_MAX))))
        return e;
    if ((e = days_verify(&a)) || (e = substitute_find(d, &a, &v->absence.substitute)))
        return e;
    last = &d->orgs[n->org].absence;
    if (last->at > 0 && a.ts_ms <= last->ts_ms)
        return a.ts_ms == last->ts_ms ? ERR_EXISTS : ERR_CHAIN;
    v->org = n->org;
    v->node = (uint32_t)(n - d->nodes);
    v->absence.ts_ms = a.ts_ms;
    v->absence.from_ms = a.from_ms;
    v->absence.until_ms = a.until_ms;
    v->absence.node = v->node;
    return ERR_OK;
}

void absence_apply(struct directory *d, const struct verified *v, uint64_t since_ms)
{
    struct directory_node *n = &d->nodes[v->node];

    d->orgs[v->org].absence = v->absence;
    d->orgs[v->org].absence.at = d->size;
    n->absences_ms[n->absence_count++ % ABSENCES_A_DAY] = since_ms;
}
