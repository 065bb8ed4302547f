#include "circle.h"

#include <stdlib.h>
#include <string.h>

#include "circle_state.h"

enum err circle_new(const uint8_t *handle, struct circle **out)
{
    struct circle *c = calloc(1, sizeof *c);

    if (!c)
        return ERR_NOMEM;
    if (handle) {
        memcpy(c->handle, handle, ID_BYTES);
        c->handle_given = true;
    }
    *out = c;
    return ERR_OK;
}

void circle_free(struct circle *c)
{
    if (!c)
        return;
    free(c->members);
    free(c->acts);
    free(c->orgs);
    free(c->nonces);
    free(c);
}

/* Exactly what is in use. NULL for nothing, and when there is no memory: *failed says which. */
static void *copied(const void *from, size_t count, size_t each, size_t *cap, bool *failed)
{
    void *to = NULL;

    if (count > 0) {
        to = malloc(count * each);
        if (to)
            memcpy(to, from, count * each);
        else
            *failed = true;
    }
    *cap = count;
    return to;
}

enum err circle_clone(const struct circle *c, struct circle **out)
{
    struct circle *to = malloc(sizeof *to);
    bool failed = false;

    if (!to)
        return ERR_NOMEM;
    *to = *c;
    to->members = copied(c->members, c->member_count, sizeof *c->members, &to->member_cap, &failed);
    to->acts = copied(c->acts, c->act_count, sizeof *c->acts, &to->act_cap, &failed);
    to->orgs = copied(c->orgs, c->org_count, sizeof *c->orgs, &to->org_cap, &failed);
    to->nonces = copied(c->nonces, c->nonce_count, sizeof *c->nonces, &to->nonce_cap, &failed);
    if (failed) {
        circle_free(to);
        return ERR_NOMEM;
    }
    *out = to;
    return ERR_OK;
}

size_t circle_bytes(const struct circle *c)
{
    return sizeof *c + c->member_cap * sizeof *c->members + c->act_cap * sizeof *c->acts +
           c->org_cap * sizeof *c->orgs + c->nonce_cap * sizeof *c->nonces;
}

uint32_t circle_size(const struct circle *c)
{
    return c->size;
}

const uint8_t *circle_head(const struct circle *c)
{
    return c->size ? c->head : NULL;
}

const uint8_t *circle_handle(const struct circle *c)
{
    return c->size ? c->handle : NULL;
}

bool circle_narrows(enum circle_kind kind)
{
    return kind == CIRCLE_OPPOSITION || kind == CIRCLE_WITHDRAWAL || kind == CIRCLE_LEAVE ||
           kind == CIRCLE_REMOVE || kind == CIRCLE_CLOSE;
}

bool circle_closed(const struct circle *c)
{
    return c->closed;
}

const uint8_t *circle_responsible(const struct circle *c)
{
    return c->size ? c->responsible : NULL;
}

const uint8_t *circle_referent(const struct circle *c)
{
    return c->has_referent ? c->referent : NULL;
}

size_t circle_member_count(const struct circle *c)
{
    return c->member_count;
}

const struct circle_member *circle_member(const struct circle *c, size_t i)
{
    return i < c->member_count ? &c->members[i] : NULL;
}

const struct circle_member *circle_find(const struct circle *c, const uint8_t org[ID_BYTES])
{
    for (size_t i = 0; i < c->member_count; i++) {
        if (memcmp(c->members[i].row.org, org, ID_BYTES) == 0)
            return &c->members[i];
    }
    return NULL;
}

size_t circle_act_count(const struct circle *c)
{
    return c->act_count;
}

const struct circle_act *circle_act(const struct circle *c, size_t i)
{
    return i < c->act_count ? &c->acts[i] : NULL;
}

const struct circle_act *circle_act_of(const struct circle *c, uint32_t n)
{
    size_t low = 0;
    size_t high = c->act_count;

    while (low < high) { /* ascending n */
        size_t middle = low + (high - low) / 2;
        if (c->acts[middle].n < n)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->act_count && c->acts[low].n == n ? &c->acts[low] : NULL;
}

const uint8_t *circle_act_org(const struct circle *c, const struct circle_act *a, size_t i)
{
    return i < a->org_count ? c->orgs[a->first_org + i] : NULL;
}

bool circle_act_names(const struct circle *c, const struct circle_act *a,
                      const uint8_t org[ID_BYTES])
{
    for (size_t i = 0; i < a->org_count; i++) {
        if (memcmp(c->orgs[a->first_org + i], org, ID_BYTES) == 0)
            return true;
    }
    return false;
}

enum err circle_next(const struct circle *c, enum circle_kind kind, const uint8_t author[ID_BYTES],
                     const uint8_t actor[ID_BYTES], uint64_t ts_ms, struct circle_statement *out)
{
    struct circle_statement s = {.kind = kind, .ts_ms = ts_ms};

    if ((kind == CIRCLE_CREATE) != (!c || c->size == 0))
        return ERR_STATE;
    memcpy(s.author, author, ID_BYTES);
    memcpy(s.actor, actor, ID_BYTES);
    if (kind != CIRCLE_CREATE) {
        memcpy(s.circle, c->handle, ID_BYTES);
        memcpy(s.prev, c->head, STMT_LINK_BYTES);
        s.n = c->size;
    }
    *out = s;
    return ERR_OK;
}
