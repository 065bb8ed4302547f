/* Silent nodes: mail waits for them, and nobody has heard of them for a day. Each sender is told
 * once for each silence, with how much of his waits and since when (PROTOCOL.md 12). */
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "log.h"
#include "warnings.h"

#define LOOK_MS 60000
#define GRACE_MS 600000 /* after the start: everybody connects again first */
#define ENTRIES_A_LOOK 4096
#define SENDERS_A_LOOK 64

struct told {
    uint32_t sender;
    uint64_t count;
};

struct looking {
    struct core *c;
    enum err e;
};

static void told_key(uint32_t silent, uint32_t sender, uint8_t key[SILENT_KEY])
{
    be32_write(silent, key);
    be32_write(sender, key + 4);
}

static uint64_t last_heard_ms(const struct core *c, const struct mailbox *m)
{
    return m->heard_ms ? m->heard_ms : c->started_ms;
}

/* Who has announced that he is closed (PROTOCOL.md 7.7) is expected again after it. */
static uint64_t expected_ms(const struct core *c, const struct mailbox *m)
{
    const struct directory_org *o = directory_find_org(c->dir, m->who.org);
    uint64_t heard_ms = last_heard_ms(c, m);

    if (!o || o->absence.from_ms > c->now_ms || o->absence.until_ms < heard_ms)
        return heard_ms;
    return o->absence.until_ms;
}

static bool is_silent(const struct core *c, const struct mailbox *m)
{
    uint64_t heard_ms = expected_ms(c, m);

    return !m->open && m->len > 0 && c->now_ms > heard_ms &&
           c->now_ms - heard_ms >= c->silent_after_ms;
}

/* False: the list is full, he is for the next look. */
static bool count_one(struct told *list, size_t *n, uint32_t sender)
{
    for (size_t i = 0; i < *n; i++)
        if (list[i].sender == sender) {
            list[i].count++;
            return true;
        }
    if (*n == SENDERS_A_LOOK)
        return false;
    list[(*n)++] = (struct told){sender, 1};
    return true;
}

/* Whose envelopes wait there, of those that were not looked at in this silence. */
static enum err senders_of(struct core *c, struct mailbox *m, struct told *list, size_t *n,
                           uint64_t *upto)
{
    size_t at = mailbox_before(m, m->silence_upto + 1);

    for (size_t i = at; i < m->len && i - at < ENTRIES_A_LOOK; i++) {
        uint64_t seq = m->ring[(m->head + i) & (m->cap - 1)].seq;
        struct item it;
        enum err e = item_read(c->t, seq, &it);

        if (e)
            return e;
        if (it.kind == DELIVER_ENVELOPE && !count_one(list, n, it.sender))
            break;
        *upto = seq;
    }
    return ERR_OK;
}

static enum err tell(struct core *c, const struct mailbox *m, const struct told *to)
{
    const struct mailbox *sender = mailbox_of(c, to->sender);
    struct detail d = {.has = RD_KEY(DETAIL_TO) | RD_KEY(DETAIL_BY_ORG) | RD_KEY(DETAIL_BY_NODE) |
                              RD_KEY(DETAIL_COUNT) | RD_KEY(DETAIL_HEARD),
                       .to_count = 1,
                       .count = to->count,
                       .heard_ms = last_heard_ms(c, m)};
    uint8_t key[SILENT_KEY];
    uint8_t row[8];
    struct span before;
    uint64_t index;
    enum err e;

    if (!sender)
        return ERR_INTERNAL;
    told_key(m->who.number, to->sender, key);
    e = store_get(c->t, TABLE_SILENT, SPAN_OF(key), &before);
    if (e != ERR_NOT_FOUND)
        return e; /* he knows of this silence */
    memcpy(d.to[0], sender->who.org, ID_BYTES);
    memcpy(d.by_org, m->who.org, ID_BYTES);
    memcpy(d.by_node, m->who.node, ID_BYTES);
    be64_write(d.heard_ms, row);
    if ((e = audit_add(c, AUDIT_SILENT, &d, &index)) ||
        (e = store_put(c->t, TABLE_SILENT, SPAN_OF(key), SPAN_OF(row))))
        return e;
    return item_add_receipt(c, to->sender, NULL, index, NULL);
}

static void look_one(struct mailbox *m, void *arg)
{
    struct looking *l = arg;
    struct told list[SENDERS_A_LOOK];
    uint64_t upto = m->silence_upto;
    size_t n = 0;

    if (l->e || !is_silent(l->c, m))
        return;
    if (!m->silent)
        log_warn("node.silent", "number=%u waiting=%zu", m->who.number, m->len);
    m->silent = true;
    l->e = senders_of(l->c, m, list, &n, &upto);
    for (size_t i = 0; i < n && !l->e; i++)
        l->e = tell(l->c, m, &list[i]);
    m->silence_upto = upto;
}

enum err silence_look(struct core *c)
{
    struct looking l = {.c = c};
    uint64_t mono_ms = clock_mono_ms(c->clock);

    if (mono_ms - c->started_mono_ms < GRACE_MS || mono_ms - c->silence_looked_ms < LOOK_MS)
        return ERR_OK;
    c->silence_looked_ms = mono_ms;
    mailbox_each(c, look_one, &l);
    return l.e;
}

struct rows {
    size_t n;
    uint8_t keys[SENDERS_A_LOOK][SILENT_KEY];
};

static enum err row_visit(void *arg, struct span key, struct span value)
{
    struct rows *r = arg;

    (void)value;
    if (key.len != SILENT_KEY)
        return ERR_CORRUPT;
    memcpy(r->keys[r->n++], key.ptr, SILENT_KEY);
    return r->n == SENDERS_A_LOOK ? ERR_ENOUGH : ERR_OK;
}

enum err silence_over(struct core *c, struct mailbox *m)
{
    uint8_t from[SILENT_KEY];
    uint8_t to[SILENT_KEY];
    struct rows r;
    enum err e;

    m->silent = false;
    m->silence_upto = 0;
    told_key(m->who.number, 0, from);
    told_key(m->who.number + 1, 0, to);
    do {
        r.n = 0;
        if ((e = store_scan(c->t, TABLE_SILENT, SPAN_OF(from), SPAN_OF(to), SENDERS_A_LOOK,
                            row_visit, &r)))
            return e;
        for (size_t i = 0; i < r.n; i++)
            if ((e = store_del(c->t, TABLE_SILENT, SPAN_OF(r.keys[i]))))
                return e;
    } while (r.n == SENDERS_A_LOOK);
    return ERR_OK;
}
