/* Attachments as the core sees them: an envelope that names some needs them here, its recipients
 * may then fetch them, and what nobody waits for goes, told to those it concerns. */
#include <string.h>

#include "attached.h"
#include "lasting.h"
#include "log.h"

#define REF_KEY (ATTACHMENT_ADDRESS_BYTES + ID_BYTES)
#define REF_ROW 17 /* until u64, node number u32, done u8, grants u32 */

static struct span ref_key(const uint8_t *address, const uint8_t *org, uint8_t key[REF_KEY])
{
    memcpy(key, address, ATTACHMENT_ADDRESS_BYTES);
    memcpy(key + ATTACHMENT_ADDRESS_BYTES, org, ID_BYTES);
    return span_of(key, REF_KEY);
}

enum err attached_row_read(struct span key, struct span row, struct attachment_ref *out)
{
    if (key.len != REF_KEY || row.len != REF_ROW || row.ptr[12] > 1)
        return ERR_CORRUPT;
    *out = (struct attachment_ref){.until_ms = be64_read(row.ptr),
                                   .number = be32_read(row.ptr + 8),
                                   .done = row.ptr[12] == 1,
                                   .grants = be32_read(row.ptr + 13)};
    memcpy(out->org, key.ptr + ATTACHMENT_ADDRESS_BYTES, ID_BYTES);
    return ERR_OK;
}

static enum err ref_put(struct core *c, const uint8_t *address, const struct attachment_ref *ref)
{
    uint8_t key[REF_KEY];
    uint8_t row[REF_ROW];
    enum err e;

    be64_write(ref->until_ms, row);
    be32_write(ref->number, row + 8);
    row[12] = ref->done;
    be32_write(ref->grants, row + 13);
    if ((e = store_put(c->t, TABLE_ATT_REF, ref_key(address, ref->org, key), SPAN_OF(row))))
        return e;
    return attachments_refer(c->attachments, address, ref);
}

enum err attached_check(struct core *c, const struct job *j)
{
    const struct env_header *h = &j->header;
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < h->att_count; i++)
        e = attachments_check(c->attachments, h->att[i].address, h->att[i].size, h->from);
    return e;
}

/* What one may fetch already stays his until the later of both. */
static enum err grant_one(struct core *c, const struct env_header *h, const uint8_t *address,
                          uint32_t number)
{
    struct attachment_ref ref = {.number = number, .until_ms = h->exp};
    const struct mailbox *m = mailbox_of(c, number);
    struct attachment_ref before;
    enum err e;

    if (!m)
        return ERR_INTERNAL;
    memcpy(ref.org, m->who.org, ID_BYTES);
    e = attachments_may(c->attachments, address, ref.org, &before);
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    ref.grants = before.grants + 1;
    if (before.grants && before.until_ms > ref.until_ms)
        ref.until_ms = before.until_ms;
    return ref_put(c, address, &ref);
}

enum err attached_grant(struct core *c, const struct env_header *h, const struct item *it)
{
    enum err e = ERR_OK;

    for (size_t i = 0; c->attachments && !e && i < h->att_count; i++)
        for (size_t k = 0; !e && k < it->count; k++)
            e = grant_one(c, h, h->att[i].address, it->to[k]);
    return e;
}

/* Without a right nobody is waited for: it goes at the next sweep if no other waits. */
static enum err end_one(struct core *c, const uint8_t *address, const uint8_t org[ID_BYTES])
{
    struct attachment_ref ref;
    enum err e = attachments_may(c->attachments, address, org, &ref);

    if (e || !ref.number)
        return ERR_OK;
    if (--ref.grants == 0 && ref.until_ms >= c->now_ms)
        ref.until_ms = c->now_ms - 1;
    return ref_put(c, address, &ref);
}

enum err attached_end(struct core *c, const struct item *it, uint32_t number)
{
    const struct mailbox *m = mailbox_of(c, number);
    struct envelope_view v;
    struct env_header h;
    struct span body;
    enum err e;

    if (!c->attachments || !m)
        return ERR_OK;
    e = item_body(c->t, it->seq, &body);
    if (e == ERR_OPEN || (!e && envelope_parse(body, &v, &h, NULL)))
        return ERR_OK; /* nobody knows any more what it named: until it expires */
    for (size_t i = 0; !e && i < h.att_count; i++)
        e = end_one(c, h.att[i].address, m->who.org);
    return e;
}

enum err on_att_done(struct core *c, struct job *j)
{
    const uint8_t *address = j->message.att_chunk.address;
    struct message m = {
        .type = MSG_ATT_STATE, .att_state = {.req = j->req, .whole = true}
    };
    struct attachment_ref ref;
    enum err e =
        c->attachments ? attachments_may(c->attachments, address, j->who.org, &ref) : ERR_NOT_FOUND;

    if (e == ERR_ATTACHMENT_RIGHT)
        return core_refuse(c, j, e);
    if (!e && ref.number && !ref.done) {
        ref.done = true;
        if ((e = ref_put(c, address, &ref)))
            return e;
    }
    memcpy(m.att_state.address, address, sizeof m.att_state.address);
    return core_say(c, j, &m, true); /* gone already: he has it, and nobody minds */
}

/* --- at start, and after a commit that was not confirmed ---------------------------------------
 */

static enum err ref_load(void *arg, struct span key, struct span row)
{
    struct core *c = arg;
    struct attachment_ref ref;
    enum err e = attached_row_read(key, row, &ref);

    if (!e && (e = attachments_refer(c->attachments, key.ptr, &ref)) == ERR_NOT_FOUND) {
        log_limited(LEVEL_WARN, "attachment.absent", "number=%u", ref.number);
        e = ERR_OK; /* the store was restored without it: whoever asks is told */
    }
    return e;
}

enum err attached_load(struct core *c)
{
    struct txn *t = NULL;
    enum err e;

    if (!c->attachments)
        return ERR_OK;
    attachments_forget(c->attachments);
    if ((e = store_begin(c->store, TXN_READ, &t)))
        return e;
    e = store_scan(t, TABLE_ATT_REF, (struct span){0}, (struct span){0}, SIZE_MAX, ref_load, c);
    store_abort(&t);
    return e;
}

/* --- what goes ----------------------------------------------------------------------------------
 */

struct refs_found {
    size_t n;
    uint8_t key[256][REF_KEY];
};

static enum err ref_found(void *arg, struct span key, struct span row)
{
    struct refs_found *f = arg;

    (void)row;
    if (key.len != REF_KEY)
        return ERR_CORRUPT;
    memcpy(f->key[f->n++], key.ptr, REF_KEY);
    return ERR_OK;
}

static enum err refs_delete(struct core *c, const uint8_t *address)
{
    uint8_t to[ATTACHMENT_ADDRESS_BYTES + ID_BYTES + 1];
    struct refs_found f;
    enum err e;

    memcpy(to, address, ATTACHMENT_ADDRESS_BYTES);
    memset(to + ATTACHMENT_ADDRESS_BYTES, 0xff, ID_BYTES + 1);
    do {
        f.n = 0;
        e = store_scan(c->t, TABLE_ATT_REF, span_of(address, ATTACHMENT_ADDRESS_BYTES), SPAN_OF(to),
                       sizeof f.key / sizeof f.key[0], ref_found, &f);
        for (size_t i = 0; !e && i < f.n; i++)
            e = store_del(c->t, TABLE_ATT_REF, SPAN_OF(f.key[i]));
    } while (!e && f.n == sizeof f.key / sizeof f.key[0]);
    return e;
}

static enum err gone(struct core *c, const struct attachment_gone *g)
{
    struct detail d = {.has = RD_KEY(DETAIL_FROM) | RD_KEY(DETAIL_ADDRESS) | RD_KEY(DETAIL_SIZE),
                       .size = g->size};
    uint64_t index;
    enum err e;

    memcpy(d.from, g->owner, ID_BYTES);
    memcpy(d.address, g->address, sizeof d.address);
    if (g->count > 0)
        d.has |= RD_KEY(DETAIL_TO);
    for (d.to_count = 0; d.to_count < g->count; d.to_count++)
        memcpy(d.to[d.to_count], g->waiting[d.to_count].org, ID_BYTES);
    if ((e = refs_delete(c, g->address)) ||
        (e = lasting_leaf(c, g->owner, AUDIT_ATTACHMENT_REMOVED, &d, &index)) ||
        (e = item_add_receipt(c, g->number, g->owner, index, NULL)))
        return e;
    for (size_t i = 0; !e && i < g->count; i++)
        e = item_add_receipt(c, g->waiting[i].number, g->owner, index, NULL);
    log_info("attachment.removed", "size=%llu waiting=%zu", (unsigned long long)g->size, g->count);
    return e;
}

enum err attached_sweep(struct core *c)
{
    struct attachment_gone g;
    enum err e = ERR_OK;

    for (int i = 0; c->attachments && !e && i < ATTACHMENTS_A_TICK; i++) {
        if ((e = attachments_next_gone(c->attachments, c->now_ms, &g)))
            return e == ERR_NOT_FOUND ? ERR_OK : e;
        e = gone(c, &g);
    }
    return e;
}
