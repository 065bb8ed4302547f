#include "deputy.h"

#include <assert.h>
#include <string.h>

#include "attached.h"
#include "circle.h"
#include "log.h"

#define DUE_KEY (8 + 8 + 1)
#define DUE_ROW (4 + 4)
#define RELEASED_KEY (8 + 1)
#define DEPUTIES_A_TICK 64
#define DEPUTY_BYTES_A_TICK (4u << 20)

static_assert(DEPUTIES_MAX <= UINT8_MAX, "counted in a byte");

/* --- rows ---------------------------------------------------------------------------------- */

static struct span due_key(const struct deputy_due *d, uint8_t key[DUE_KEY])
{
    be64_write(d->due_ms, key);
    be64_write(d->seq, key + 8);
    key[16] = d->which;
    return span_of(key, DUE_KEY);
}

enum err deputy_due_decode(struct span key, struct span row, struct deputy_due *out)
{
    if (key.len != DUE_KEY || row.len != DUE_ROW || key.ptr[16] >= DEPUTIES_MAX)
        return ERR_CORRUPT;
    *out = (struct deputy_due){.due_ms = be64_read(key.ptr),
                               .seq = be64_read(key.ptr + 8),
                               .which = key.ptr[16],
                               .number = be32_read(row.ptr),
                               .instead = be32_read(row.ptr + 4)};
    return ERR_OK;
}

static struct span released_key(uint64_t seq, uint8_t which, uint8_t key[RELEASED_KEY])
{
    be64_write(seq, key);
    key[8] = which;
    return span_of(key, RELEASED_KEY);
}

enum err deputy_released(struct txn *t, uint64_t seq, uint8_t which, uint64_t *out)
{
    uint8_t key[RELEASED_KEY];
    struct span row;
    enum err e = store_get(t, TABLE_RELEASED, released_key(seq, which, key), &row);

    if (e)
        return e;
    if (row.len != 8)
        return ERR_CORRUPT;
    *out = be64_read(row.ptr);
    return ERR_OK;
}

enum err deputies_forget(struct core *c, uint64_t seq, uint8_t count)
{
    uint8_t key[RELEASED_KEY];
    enum err e = ERR_OK;

    for (uint8_t i = 0; i < count && (!e || e == ERR_NOT_FOUND); i++)
        e = store_del(c->t, TABLE_RELEASED, released_key(seq, i, key));
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* --- at admission ---------------------------------------------------------------------------- */

/* The time counts from the leaf of `accepted`, which bears the group's. */
enum err deputies_note(struct core *c, const struct env_header *h, const struct item *it)
{
    enum err e = ERR_OK;

    for (size_t i = 0; i < h->deputy_count && !e; i++) {
        const struct deputy_due d = {
            .due_ms = c->now_ms + h->deputy[i].after_s * 1000, .seq = it->seq, .which = (uint8_t)i};
        uint8_t key[DUE_KEY];
        uint8_t row[DUE_ROW];

        be32_write(it->to[it->count + i], row);
        be32_write(it->to[h->deputy[i].instead], row + 4);
        if (d.due_ms < h->exp) /* one that comes late has no time left for its deputies */
            e = store_put(c->t, TABLE_DEPUTY, due_key(&d, key), SPAN_OF(row));
    }
    return e;
}

/* --- when it is due -------------------------------------------------------------------------- */

struct releasing {
    struct core *c;
    const struct deputy_due *due;
    const struct mailbox *deputy;
    const struct mailbox *instead;
    struct item it;   /* of the recipients */
    struct span body; /* our copy: rows are written while it is used */
    struct env_header header;
    enum err why; /* ERR_OK: released */
    uint64_t leaf;
};

static bool still_waits(const struct releasing *r)
{
    const struct item *it = &r->it;

    if (!r->instead || r->instead->acked >= it->seq || it->exp_ms < r->c->now_ms)
        return false;
    for (size_t i = 0; i < it->count; i++)
        if (it->to[i] == r->due->instead)
            return it->done[i] == ITEM_WAITS;
    return false;
}

/* Into r->why; any other answer is a failure of ours. */
static enum err deputy_judge(struct releasing *r)
{
    enum err e = ERR_OK;

    r->why = r->deputy ? core_standing(r->c, &r->deputy->who) : ERR_REVOKED;
    if (!r->why)
        r->why = e = item_judge(r->c, r->deputy, r->body);
    return item_is_held_for(e) ? ERR_OK : e;
}

static enum err leaf_add(struct releasing *r)
{
    struct detail d = {.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_DIGEST) | RD_KEY(DETAIL_FROM) |
                              RD_KEY(DETAIL_CIRCLE) | RD_KEY(DETAIL_TO) | RD_KEY(DETAIL_CODE) |
                              RD_KEY(DETAIL_CHAIN_N) | RD_KEY(DETAIL_INSTEAD) | RD_KEY(DETAIL_DUE),
                       .to_count = 1,
                       .code = (uint32_t)r->why,
                       .due_ms = r->due->due_ms};
    const uint8_t *org = r->header.to[header_principals(&r->header) + r->due->which];
    struct circle *circle;
    enum err e = circles_get(r->c, r->it.circle, &circle);

    if (e)
        return e;
    d.chain_n = circle_size(circle) - 1;
    memcpy(d.mid, r->it.mid, sizeof d.mid);
    memcpy(d.digest, r->it.digest, sizeof d.digest);
    memcpy(d.from, r->it.from, sizeof d.from);
    memcpy(d.circle, r->it.circle, sizeof d.circle);
    memcpy(d.to[0], org, sizeof d.to[0]);
    memcpy(d.instead, r->instead->who.org, sizeof d.instead);
    return audit_add(r->c, AUDIT_DEPUTY, &d, &r->leaf);
}

/* From here on he is a recipient, with an item of his own. */
static enum err hand_over(struct releasing *r)
{
    struct item mine = {.kind = DELIVER_ENVELOPE,
                        .exp_ms = r->it.exp_ms,
                        .index = r->leaf,
                        .sender = r->it.sender,
                        .count = 1,
                        .to = {r->due->number}};
    uint8_t key[RELEASED_KEY];
    uint8_t row[8];
    enum err e;

    memcpy(mine.mid, r->it.mid, sizeof mine.mid);
    memcpy(mine.from, r->it.from, sizeof mine.from);
    memcpy(mine.circle, r->it.circle, sizeof mine.circle);
    memcpy(mine.digest, r->it.digest, sizeof mine.digest);
    if ((e = item_add(r->c, &mine, r->body)) || (e = attached_grant(r->c, &r->header, &mine)))
        return e;
    be64_write(mine.seq, row);
    if ((e = store_put_new(r->c->t, TABLE_RELEASED, released_key(r->it.seq, r->due->which, key),
                           SPAN_OF(row))))
        return e;
    return item_add_receipt(r->c, r->due->instead, r->it.from, r->leaf, NULL);
}

/* What the disk holds is not what was accepted: nobody is kept waiting for it. */
static enum err lost(struct releasing *r)
{
    return item_hold(r->c, &r->it, r->due->instead, ERR_CORRUPT);
}

static enum err decide(struct releasing *r)
{
    struct envelope_view view;
    enum err e;

    if (envelope_parse(r->body, &view, &r->header, NULL) || r->due->which >= r->header.deputy_count)
        return lost(r);
    e = item_judge(r->c, r->instead, r->body);
    if (item_is_held_for(e)) /* who may not have it himself has nobody in his place */
        return item_hold(r->c, &r->it, r->due->instead, e);
    if (e)
        return e == ERR_OPEN ? lost(r) : e;
    if ((e = deputy_judge(r)) == ERR_OPEN)
        return lost(r);
    if (e || (e = leaf_add(r)) || (!r->why && (e = hand_over(r))))
        return e;
    r->c->count.released += !r->why;
    log_info("deputy.due", "seq=%llu why=%s", (unsigned long long)r->it.seq, err_name(r->why));
    return item_add_receipt(r->c, r->it.sender, r->it.from, r->leaf, NULL);
}

/* *bytes: what was copied. */
static enum err release(struct core *c, const struct deputy_due *due, size_t *bytes)
{
    struct releasing r = {.c = c,
                          .due = due,
                          .deputy = mailbox_of(c, due->number),
                          .instead = mailbox_of(c, due->instead)};
    struct bytes copy = {0};
    struct span body;
    uint8_t key[DUE_KEY];
    enum err e;

    if ((e = store_del(c->t, TABLE_DEPUTY, due_key(due, key))))
        return e;
    e = item_read(c->t, due->seq, &r.it);
    if (e || !still_waits(&r))
        return e == ERR_NOT_FOUND ? ERR_OK : e; /* its end was told when it came */
    e = item_body(c->t, due->seq, &body);
    if (e || (e = bytes_copy(&copy, body)))
        return e == ERR_OPEN ? lost(&r) : e;
    r.body = bytes_span(&copy);
    *bytes += copy.len;
    e = decide(&r);
    bytes_free(&copy);
    return e;
}

struct due_list {
    size_t n;
    struct deputy_due all[DEPUTIES_A_TICK];
};

static enum err due_visit(void *arg, struct span key, struct span row)
{
    struct due_list *l = arg;

    return deputy_due_decode(key, row, &l->all[l->n++]);
}

enum err deputies_sweep(struct core *c)
{
    struct due_list l = {0};
    size_t bytes = 0;
    uint8_t to[8];
    enum err e;

    if (c->tight) /* it takes room: when there is some again */
        return ERR_OK;
    e = store_scan(c->t, TABLE_DEPUTY, (struct span){0}, key_u64(c->now_ms + 1, to),
                   DEPUTIES_A_TICK, due_visit, &l);
    for (size_t i = 0; i < l.n && !e && bytes < DEPUTY_BYTES_A_TICK; i++)
        e = release(c, &l.all[i], &bytes);
    return e;
}
