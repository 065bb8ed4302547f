/* A suspended or revoked organisation may be responsible or référent somewhere: nobody is left
 * without one unseen. The other members of those circles get a receipt, the operator a list. */
#include <string.h>

#include "circle.h"
#include "core.h"
#include "warnings.h"

#define ESCALATED_KEY (2 * ID_BYTES)
#define SLICE 256

/* Where nobody else is, nobody is left without: and whoever has made circles without number for
 * himself does not weigh on his own suspension. */
static bool has_others(const struct circle *circle, const uint8_t org[ID_BYTES])
{
    for (size_t i = 0; i < circle_member_count(circle); i++) {
        const struct circle_member *m = circle_member(circle, i);

        if (m->current && memcmp(m->row.org, org, ID_BYTES) != 0)
            return true;
    }
    return false;
}

static unsigned roles_of(const struct circle *circle, const uint8_t org[ID_BYTES])
{
    const uint8_t *responsible = circle_responsible(circle);
    const uint8_t *referent = circle_referent(circle);
    unsigned roles = 0;

    if (circle_closed(circle) || !has_others(circle, org))
        return 0;
    if (responsible && memcmp(responsible, org, ID_BYTES) == 0)
        roles |= ROLE_RESPONSIBLE;
    if (referent && memcmp(referent, org, ID_BYTES) == 0)
        roles |= ROLE_REFERENT;
    return roles;
}

static enum err others_tell(struct core *c, const struct circle *circle,
                            const uint8_t org[ID_BYTES], uint64_t index)
{
    for (size_t i = 0; i < circle_member_count(circle); i++) {
        const struct circle_member *m = circle_member(circle, i);
        const struct directory_org *o = directory_find_org(c->dir, m->row.org);
        uint32_t at = o ? o->newest_node : DIRECTORY_NONE;

        if (!m->current || memcmp(m->row.org, org, ID_BYTES) == 0)
            continue;
        for (; at != DIRECTORY_NONE; at = directory_node(c->dir, at)->previous_of_org) {
            const struct directory_node *n = directory_node(c->dir, at);
            enum err e = n->revoked
                             ? ERR_OK
                             : item_add_receipt(c, (uint32_t)n->enrolled_at, NULL, index, NULL);

            if (e)
                return e;
        }
    }
    return ERR_OK;
}

static void key_of(const uint8_t handle[ID_BYTES], const uint8_t org[ID_BYTES],
                   uint8_t key[ESCALATED_KEY])
{
    memcpy(key, handle, ID_BYTES);
    memcpy(key + ID_BYTES, org, ID_BYTES);
}

static enum err row_put(struct core *c, const struct escalated *x, uint64_t index)
{
    uint8_t key[ESCALATED_KEY];
    uint8_t row[ESCALATED_ROW_BYTES];

    key_of(x->circle, x->org, key);
    row[0] = (uint8_t)x->roles;
    row[1] = (uint8_t)(x->code >> 8);
    row[2] = (uint8_t)x->code;
    be64_write(x->at_ms, row + 3);
    be64_write(index, row + 11);
    return store_put(c->t, TABLE_ESCALATED, SPAN_OF(key), SPAN_OF(row));
}

static enum err escalate_one(struct core *c, const struct circle *circle, const struct escalated *x)
{
    struct detail d = {.has = RD_KEY(DETAIL_CIRCLE) | RD_KEY(DETAIL_BY_ORG) | RD_KEY(DETAIL_CODE) |
                              RD_KEY(DETAIL_ROLES),
                       .code = x->code,
                       .roles = x->roles};
    uint64_t index;
    enum err e;

    memcpy(d.circle, x->circle, ID_BYTES);
    memcpy(d.by_org, x->org, ID_BYTES);
    if ((e = audit_add(c, AUDIT_ESCALATED, &d, &index)) || (e = row_put(c, x, index)))
        return e;
    return others_tell(c, circle, x->org, index);
}

struct slice {
    size_t n;
    uint8_t keys[SLICE][ESCALATED_KEY];
    uint8_t rows[SLICE][ESCALATED_ROW_BYTES];
};

static enum err circle_visit(void *arg, struct span key, struct span row)
{
    struct slice *s = arg;

    (void)row;
    if (key.len != ID_BYTES)
        return ERR_CORRUPT;
    memcpy(s->keys[s->n++], key.ptr, ID_BYTES);
    return s->n == SLICE ? ERR_ENOUGH : ERR_OK;
}

/* The first key behind this one. False: there is none. */
static bool key_after(uint8_t *key, size_t size)
{
    for (size_t i = size; i-- > 0;)
        if (++key[i] != 0)
            return true;
    return false;
}

enum err escalate(struct core *c, const uint8_t org[ID_BYTES], enum err why, size_t *count)
{
    struct escalated x = {.code = (uint32_t)why, .at_ms = c->now_ms};
    uint8_t from[ID_BYTES] = {0};
    struct slice s;
    bool more = true;
    enum err e;

    *count = 0;
    memcpy(x.org, org, ID_BYTES);
    for (s.n = SLICE; more && s.n == SLICE;) {
        s.n = 0;
        if ((e = store_scan(c->t, TABLE_CIRCLE, SPAN_OF(from), (struct span){0}, SLICE,
                            circle_visit, &s)))
            return e;
        for (size_t i = 0; i < s.n; i++) {
            struct circle *circle;

            if ((e = circles_get(c, s.keys[i], &circle)) && e != ERR_NOT_FOUND)
                return e;
            if (e || !(x.roles = roles_of(circle, org)))
                continue;
            memcpy(x.circle, s.keys[i], ID_BYTES);
            if ((e = escalate_one(c, circle, &x)))
                return e;
            ++*count;
        }
        if (s.n > 0) {
            memcpy(from, s.keys[s.n - 1], ID_BYTES);
            more = key_after(from, sizeof from);
        }
    }
    return ERR_OK;
}

/* --- what is left ------------------------------------------------------------------------------
 */

static enum err escalated_visit(void *arg, struct span key, struct span row)
{
    struct slice *s = arg;

    if (key.len != ESCALATED_KEY || row.len != ESCALATED_ROW_BYTES)
        return ERR_CORRUPT;
    memcpy(s->keys[s->n], key.ptr, ESCALATED_KEY);
    memcpy(s->rows[s->n++], row.ptr, ESCALATED_ROW_BYTES);
    return s->n == SLICE ? ERR_ENOUGH : ERR_OK;
}

/* Roles that it still has and cannot fulfil. */
static enum err roles_left(struct core *c, struct escalated *x)
{
    const struct directory_org *o = directory_find_org(c->dir, x->org);
    struct circle *circle;
    enum err e;

    x->roles = 0;
    if (!o || directory_org_state(c->dir, o, DIRECTORY_NOW, c->now_ms) == DIRECTORY_ACTIVE)
        return ERR_OK;
    e = circles_get(c, x->circle, &circle);
    if (!e)
        x->roles = roles_of(circle, x->org);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err escalated_each(struct core *c, enum err (*visit)(void *arg, const struct escalated *e),
                        void *arg)
{
    uint8_t from[ESCALATED_KEY] = {0};
    struct slice s;
    enum err e;

    do {
        s.n = 0;
        if ((e = store_scan(c->t, TABLE_ESCALATED, SPAN_OF(from), (struct span){0}, SLICE,
                            escalated_visit, &s)))
            return e;
        for (size_t i = 0; i < s.n; i++) {
            struct escalated x = {.code = (uint32_t)(s.rows[i][1] << 8 | s.rows[i][2]),
                                  .at_ms = be64_read(s.rows[i] + 3)};

            memcpy(x.circle, s.keys[i], ID_BYTES);
            memcpy(x.org, s.keys[i] + ID_BYTES, ID_BYTES);
            if ((e = roles_left(c, &x)))
                return e;
            e = x.roles ? visit(arg, &x) : store_del(c->t, TABLE_ESCALATED, SPAN_OF(s.keys[i]));
            if (e)
                return e;
        }
        if (s.n > 0)
            memcpy(from, s.keys[s.n - 1], ESCALATED_KEY);
    } while (s.n == SLICE && key_after(from, sizeof from));
    return ERR_OK;
}
