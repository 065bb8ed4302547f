#include "lasting.h"

#include <string.h>

#include "machine.h"

#define FIELDS 9
#define ROW_BYTES (FIELDS * 8)

static uint64_t today(const struct core *c)
{
    return c->now_ms / LASTING_DAY_MS;
}

/* What of `l` is of this day; the rest stands as it is. */
static struct lasting now_of(const struct core *c, const struct usage *u)
{
    struct lasting l = u->lasting;

    if (l.day == today(c))
        return l;
    l.day = today(c);
    l.day_bytes = l.day_circles = l.day_refusals = 0;
    return l;
}

/* Its row is written with this group. */
static struct usage *change(struct core *c, const uint8_t org[ID_BYTES])
{
    struct usage *u = quota_usage(c, org);

    if (!u)
        return NULL;
    u->lasting = now_of(c, u);
    if (!u->changed) {
        u->changed = true;
        u->next_changed = c->quotas->changed;
        c->quotas->changed = u;
    }
    return u;
}

enum err lasting_add(struct core *c, const uint8_t org[ID_BYTES], size_t bytes)
{
    struct usage *u = change(c, org);

    if (!u)
        return ERR_NOMEM;
    u->lasting.day_bytes += bytes;
    u->lasting.bytes += bytes;
    return ERR_OK;
}

enum err lasting_leaf(struct core *c, const uint8_t org[ID_BYTES], enum audit_type type,
                      struct detail *d, uint64_t *index)
{
    size_t bytes;
    enum err e = audit_add_sized(c, type, d, index, &bytes);

    return e ? e : lasting_add(c, org, bytes + LASTING_LEAF);
}

enum err lasting_circle(struct core *c, const uint8_t org[ID_BYTES])
{
    struct usage *u = change(c, org);

    if (!u)
        return ERR_NOMEM;
    u->lasting.day_circles++;
    u->lasting.circles++;
    return ERR_OK;
}

enum err lasting_check(struct core *c, const uint8_t org[ID_BYTES], bool circle)
{
    const struct usage *u = quota_usage(c, org);
    struct quota_limits l;
    struct lasting now;

    if (!u)
        return ERR_NOMEM;
    l = quota_limits_of(c, u);
    now = now_of(c, u);
    if (now.bytes >= l.log_total)
        return ERR_LOG_TOTAL;
    if (circle && now.circles >= l.circles_total)
        return ERR_CIRCLES_QUOTA;
    if (now.day_bytes >= l.log_day || (circle && now.day_circles >= l.circles_day))
        return ERR_LOG_DAY;
    return ERR_OK;
}

enum err lasting_refusal(struct core *c, const uint8_t org[ID_BYTES], enum err why)
{
    struct usage *u = change(c, org);
    struct quota_limits l;

    if (!u)
        return ERR_NOMEM;
    l = quota_limits_of(c, u);
    if (c->refusals_left > 0 && u->lasting.day_refusals < LASTING_REFUSALS &&
        u->lasting.bytes < l.log_total) {
        u->lasting.day_refusals++;
        c->refusals_left--;
        return ERR_OK;
    }
    if (u->lasting.untold++ == 0)
        u->lasting.untold_day = today(c);
    u->lasting.untold_code = (uint64_t)why;
    c->count.untold++;
    return ERR_AGAIN;
}

/* --- rows ------------------------------------------------------------------------------------ */

static uint64_t *field(struct lasting *l, size_t i)
{
    uint64_t *const fields[FIELDS] = {&l->day,         &l->day_bytes,  &l->bytes,
                                      &l->day_circles, &l->circles,    &l->day_refusals,
                                      &l->untold,      &l->untold_day, &l->untold_code};

    return fields[i];
}

enum err lasting_decode(struct span key, struct span row, struct lasting *out)
{
    if (key.len != ID_BYTES || row.len != ROW_BYTES)
        return ERR_CORRUPT;
    for (size_t i = 0; i < FIELDS; i++)
        *field(out, i) = be64_read(row.ptr + 8 * i);
    return out->untold_code < ERR_CODES ? ERR_OK : ERR_CORRUPT;
}

enum err lasting_write(struct core *c)
{
    struct usage *u;

    while ((u = c->quotas->changed)) {
        uint8_t row[ROW_BYTES];
        enum err e;

        for (size_t i = 0; i < FIELDS; i++)
            be64_write(*field(&u->lasting, i), row + 8 * i);
        if ((e = store_put(c->t, TABLE_LASTING, SPAN_OF(u->org), SPAN_OF(row))))
            return e;
        c->quotas->changed = u->next_changed;
        u->changed = false;
    }
    return ERR_OK;
}

static enum err row_load(void *arg, struct span key, struct span row)
{
    struct core *c = arg;
    struct lasting read;
    struct usage *u;
    enum err e = lasting_decode(key, row, &read);

    if (e)
        return e;
    if (!(u = quota_usage(c, key.ptr)))
        return ERR_NOMEM;
    u->lasting = read;
    return ERR_OK;
}

enum err lasting_load(struct core *c, struct txn *t)
{
    return store_scan(t, TABLE_LASTING, (struct span){0}, (struct span){0}, SIZE_MAX, row_load, c);
}

/* --- a day is over --------------------------------------------------------------------------- */

static enum err untold_tell(struct core *c, struct usage *u)
{
    struct detail d = {.has = RD_KEY(DETAIL_FROM) | RD_KEY(DETAIL_CODE) | RD_KEY(DETAIL_COUNT),
                       .code = (uint32_t)u->lasting.untold_code,
                       .count = u->lasting.untold};
    uint64_t index;
    enum err e;

    memcpy(d.from, u->org, sizeof d.from);
    if ((e = lasting_leaf(c, u->org, AUDIT_REJECTED, &d, &index)))
        return e;
    u->lasting.untold = 0;
    return ERR_OK;
}

enum err lasting_sweep(struct core *c)
{
    enum err e = ERR_OK;

    for (struct usage *u = c->quotas->each; u && !e; u = u->hh.next)
        if (u->lasting.untold && u->lasting.untold_day != today(c))
            e = untold_tell(c, u);
    return e;
}

/* --- how near ------------------------------------------------------------------------------ */

unsigned lasting_percent(const struct core *c, const struct usage *u)
{
    const struct quota_limits l = quota_limits_of(c, u);
    const struct lasting now = now_of(c, u);
    const unsigned of[] = {percent_of(now.day_bytes, l.log_day), percent_of(now.bytes, l.log_total),
                           percent_of(now.day_circles, l.circles_day),
                           percent_of(now.circles, l.circles_total)};
    unsigned most = 0;

    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
        most = of[i] > most ? of[i] : most;
    return most;
}
