/* A suspended or revoked organisation may be responsible or référent somewhere: nobody is left
 * without one unseen. The other members of those circles get a receipt, the operator a list. */
#include <string.h>

#include "circle.h"
#include "core.h"
#include "warnings.h"

#define ESCALATED_KEY (2 * ID_BYTES)
#define SLICE 256 /* rows judged in one answer; the others are counted */

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

/* --- the walk ------------------------------------------------------------------------------ */

/* One step of it, in one group: others are served between two. */
#define STEP_CIRCLES 64
#define STEP_TOLD 256 /* receipts */
#define WORK_PREFIX "escalate:"
#define WORK_KEY (sizeof WORK_PREFIX - 1 + ID_BYTES)
#define WORK_ROW (2 + 8 + ID_BYTES)

/* How far it has come is a row, so a hub that was killed goes on there. */
struct work {
    struct escalated x; /* org, code, at_ms; the rest of each circle in turn */
    uint8_t from[ID_BYTES];
};

static struct span work_key(const uint8_t org[ID_BYTES], uint8_t key[WORK_KEY])
{
    memcpy(key, WORK_PREFIX, sizeof WORK_PREFIX - 1);
    memcpy(key + sizeof WORK_PREFIX - 1, org, ID_BYTES);
    return span_of(key, WORK_KEY);
}

static enum err work_put(struct core *c, const struct work *w)
{
    uint8_t key[WORK_KEY];
    uint8_t row[WORK_ROW];

    row[0] = (uint8_t)(w->x.code >> 8);
    row[1] = (uint8_t)w->x.code;
    be64_write(w->x.at_ms, row + 2);
    memcpy(row + 10, w->from, ID_BYTES);
    return store_put(c->t, TABLE_META, work_key(w->x.org, key), SPAN_OF(row));
}

static enum err work_end(struct core *c, const struct work *w)
{
    uint8_t key[WORK_KEY];
    enum err e = store_del(c->t, TABLE_META, work_key(w->x.org, key));

    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err escalation_row(struct span key, struct span row)
{
    return key.len == WORK_KEY && row.len == WORK_ROW ? ERR_OK : ERR_CORRUPT;
}

static enum err work_visit(void *arg, struct span key, struct span row)
{
    struct work *w = arg;
    enum err e = escalation_row(key, row);

    if (e)
        return e;
    memcpy(w->x.org, key.ptr + sizeof WORK_PREFIX - 1, ID_BYTES);
    w->x.code = (uint32_t)(row.ptr[0] << 8 | row.ptr[1]);
    w->x.at_ms = be64_read(row.ptr + 2);
    memcpy(w->from, row.ptr + 10, ID_BYTES);
    return ERR_ENOUGH;
}

/* The first that is under way. x.code 0: there is none. */
static enum err work_get(struct txn *t, struct work *w)
{
    *w = (struct work){0};
    return store_scan(t, TABLE_META, SPAN_STR("escalate:"), SPAN_STR("escalate;"), 1, work_visit,
                      w);
}

enum err escalation_load(struct core *c, struct txn *t)
{
    struct work w;
    enum err e = work_get(t, &w);

    c->escalating = !e && w.x.code != 0;
    return e;
}

struct handles {
    size_t n;
    uint8_t each[STEP_CIRCLES][ID_BYTES];
};

static enum err circle_visit(void *arg, struct span key, struct span row)
{
    struct handles *h = arg;

    (void)row;
    if (key.len != ID_BYTES)
        return ERR_CORRUPT;
    memcpy(h->each[h->n++], key.ptr, ID_BYTES);
    return h->n == STEP_CIRCLES ? ERR_ENOUGH : ERR_OK;
}

/* The first key behind this one. False: there is none. */
static bool key_after(uint8_t *key, size_t size)
{
    for (size_t i = size; i-- > 0;)
        if (++key[i] != 0)
            return true;
    return false;
}

/* *end: no circle is left. */
static enum err step(struct core *c, struct work *w, size_t *count, bool *end)
{
    uint64_t began_us = clock_mono_us(c->clock);
    uint64_t seq = c->next_seq;
    struct handles h = {0};
    size_t i = 0;
    enum err e;

    if ((e = store_scan(c->t, TABLE_CIRCLE, SPAN_OF(w->from), (struct span){0}, STEP_CIRCLES,
                        circle_visit, &h)))
        return e;
    *end = h.n < STEP_CIRCLES;
    for (; i < h.n && c->next_seq - seq < STEP_TOLD; i++) {
        struct circle *circle;

        if (i > 0 && clock_mono_us(c->clock) - began_us > HUB_GROUP_US)
            break;
        memcpy(w->from, h.each[i], ID_BYTES);
        if ((e = circles_get(c, h.each[i], &circle)) && e != ERR_NOT_FOUND)
            return e;
        w->x.roles = e ? 0 : roles_of(circle, w->x.org);
        memcpy(w->x.circle, h.each[i], ID_BYTES);
        if (w->x.roles && (e = escalate_one(c, circle, &w->x)))
            return e;
        *count += w->x.roles != 0;
    }
    *end = *end && i == h.n;
    if (i > 0 && !key_after(w->from, sizeof w->from))
        *end = true;
    return ERR_OK;
}

/* Resumed meanwhile: nobody has to be told any more. */
static bool is_over(const struct core *c, const struct work *w)
{
    const struct directory_org *o = directory_find_org(c->dir, w->x.org);

    return !o || directory_org_state(c->dir, o, DIRECTORY_NOW, c->now_ms) == DIRECTORY_ACTIVE;
}

static enum err walk(struct core *c, struct work *w, size_t *count, bool *end)
{
    enum err e;

    *end = is_over(c, w);
    if (!*end && (e = step(c, w, count, end)))
        return e;
    return *end ? work_end(c, w) : work_put(c, w);
}

enum err escalate(struct core *c, const uint8_t org[ID_BYTES], enum err why, size_t *count,
                  bool *end)
{
    struct work w = {
        .x = {.code = (uint32_t)why, .at_ms = c->now_ms}
    };
    enum err e;

    *count = 0;
    memcpy(w.x.org, org, ID_BYTES);
    e = walk(c, &w, count, end);
    if (!e && !*end)
        c->escalating = true;
    return e;
}

enum err escalate_on(struct core *c)
{
    struct work w;
    size_t count = 0;
    bool end;
    enum err e = work_get(c->t, &w);

    if (e)
        return e;
    c->escalating = w.x.code != 0;
    return c->escalating ? walk(c, &w, &count, &end) : ERR_OK;
}

/* --- what is left ------------------------------------------------------------------------------
 */

struct slice {
    size_t n;
    uint8_t keys[SLICE][ESCALATED_KEY];
    uint8_t rows[SLICE][ESCALATED_ROW_BYTES];
};

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

static enum err count_visit(void *arg, struct span key, struct span row)
{
    size_t *n = arg;

    (void)key;
    (void)row;
    ++*n;
    return ERR_OK;
}

enum err escalated_each(struct core *c, enum err (*visit)(void *arg, const struct escalated *e),
                        void *arg, size_t *unread)
{
    struct slice s = {0};
    uint8_t from[ESCALATED_KEY];
    enum err e;

    *unread = 0;
    if ((e = store_scan(c->t, TABLE_ESCALATED, (struct span){0}, (struct span){0}, SLICE,
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
    if (s.n < SLICE)
        return ERR_OK;
    memcpy(from, s.keys[s.n - 1], ESCALATED_KEY);
    return key_after(from, sizeof from)
               ? store_scan(c->t, TABLE_ESCALATED, SPAN_OF(from), (struct span){0}, SIZE_MAX,
                            count_visit, unread)
               : ERR_OK;
}
