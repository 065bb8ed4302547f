/* What waits for delivery: one row that says who gets it, one with the bytes (PROTOCOL.md 11,
 * DELIVER). Rows lie in the order of their sequence numbers. */
#include <stdlib.h>
#include <string.h>

#include "deputy.h"
#include "quota.h"

#define FIXED_BYTES (1 + 8 + 8 + 4 + 4 + 3 * ID_BYTES + DIGEST_BYTES + 2)
#define PER_RECIPIENT 5 /* number u32, done u8 */
#define SEEN_BYTES (DIGEST_BYTES + 8 + 8 + 8 + 4 + 1)

static void item_pack(const struct item *it, uint8_t *p)
{
    *p++ = (uint8_t)it->kind;
    be64_write(it->exp_ms, p);
    be64_write(it->index, p + 8);
    be32_write(it->sender, p + 16);
    be32_write(it->body_bytes, p + 20);
    p += 24;
    memcpy(p, it->mid, ID_BYTES);
    memcpy(p + ID_BYTES, it->from, ID_BYTES);
    memcpy(p + 2 * ID_BYTES, it->circle, ID_BYTES);
    p += 3 * ID_BYTES;
    memcpy(p, it->digest, DIGEST_BYTES);
    p += DIGEST_BYTES;
    p[0] = (uint8_t)(it->count >> 8);
    p[1] = (uint8_t)it->count;
    p += 2;
    for (size_t i = 0; i < it->count; i++, p += PER_RECIPIENT) {
        be32_write(it->to[i], p);
        p[4] = it->done[i];
    }
}

static enum err item_unpack(uint64_t seq, struct span row, struct item *it)
{
    const uint8_t *p = row.ptr;

    if (row.len < FIXED_BYTES)
        return ERR_CORRUPT;
    it->seq = seq;
    it->kind = (enum deliver_kind) * p++;
    it->exp_ms = be64_read(p);
    it->index = be64_read(p + 8);
    it->sender = be32_read(p + 16);
    it->body_bytes = be32_read(p + 20);
    p += 24;
    memcpy(it->mid, p, ID_BYTES);
    memcpy(it->from, p + ID_BYTES, ID_BYTES);
    memcpy(it->circle, p + 2 * ID_BYTES, ID_BYTES);
    p += 3 * ID_BYTES;
    memcpy(it->digest, p, DIGEST_BYTES);
    p += DIGEST_BYTES;
    it->count = (size_t)p[0] << 8 | p[1];
    p += 2;
    if (it->count > ITEM_RECIPIENTS_MAX || row.len != FIXED_BYTES + it->count * PER_RECIPIENT)
        return ERR_CORRUPT;
    for (size_t i = 0; i < it->count; i++, p += PER_RECIPIENT) {
        it->to[i] = be32_read(p);
        it->done[i] = p[4];
    }
    return ERR_OK;
}

static enum err item_write(struct core *c, const struct item *it, bool fresh)
{
    uint8_t row[FIXED_BYTES + ITEM_RECIPIENTS_MAX * PER_RECIPIENT];
    struct span value;
    uint8_t key[8];

    item_pack(it, row);
    value = span_of(row, FIXED_BYTES + it->count * PER_RECIPIENT);
    return fresh ? store_append(c->t, TABLE_ITEM, key_u64(it->seq, key), value)
                 : store_put(c->t, TABLE_ITEM, key_u64(it->seq, key), value);
}

enum err item_add(struct core *c, struct item *it, struct span body)
{
    uint8_t key[8];
    enum err e;

    if (it->count > ITEM_RECIPIENTS_MAX)
        return ERR_INTERNAL;
    it->seq = c->next_seq;
    it->body_bytes = (uint32_t)body.len;
    if ((e = item_write(c, it, true)))
        return e;
    if ((e = store_append(c->t, TABLE_BODY, key_u64(it->seq, key), body)))
        return e;
    c->next_seq++;
    if ((e = quota_count(c, it)))
        return e;
    for (size_t i = 0; i < it->count; i++)
        if ((e = mailbox_push(c, it->to[i], it->seq, it->body_bytes)))
            return e;
    return ERR_OK;
}

enum err item_read(struct txn *t, uint64_t seq, struct item *out)
{
    uint8_t key[8];
    struct span row;
    enum err e = store_get(t, TABLE_ITEM, key_u64(seq, key), &row);

    return e ? e : item_unpack(seq, row, out);
}

enum err item_body(struct txn *t, uint64_t seq, struct span *out)
{
    uint8_t key[8];
    enum err e = store_get(t, TABLE_BODY, key_u64(seq, key), out);

    return e == ERR_NOT_FOUND || e == ERR_CORRUPT ? ERR_OPEN : e;
}

enum err item_done(struct core *c, struct item *it, uint32_t number, enum item_done how)
{
    for (size_t i = 0; i < it->count; i++)
        if (it->to[i] == number)
            it->done[i] = (uint8_t)how;
    return item_write(c, it, false);
}

/* A revoked node never comes back: nothing is kept for it that has no end of its own. */
static bool is_gone(const struct core *c, const struct mailbox *m)
{
    const struct directory_node *n = directory_find_node(c->dir, m->who.node);

    return n && n->revoked;
}

bool item_is_orphan(struct core *c, const struct item *it)
{
    for (size_t i = 0; it->kind != DELIVER_ENVELOPE && i < it->count; i++) {
        const struct mailbox *m = mailbox_of(c, it->to[i]);

        if (it->done[i] != ITEM_ENDED && m && m->acked < it->seq && is_gone(c, m))
            return true;
    }
    return false;
}

enum err item_forsake(struct core *c, struct item *it)
{
    for (size_t i = 0; it->kind != DELIVER_ENVELOPE && i < it->count; i++) {
        struct mailbox *m = mailbox_of(c, it->to[i]);
        enum err e;

        if (it->done[i] == ITEM_ENDED || !m || m->acked >= it->seq || !is_gone(c, m))
            continue;
        mailbox_end(m, it->seq);
        if ((e = item_done(c, it, it->to[i], ITEM_ENDED)))
            return e;
    }
    return item_settle(c, it->seq);
}

/* Does this recipient still need it: its bytes, or its place in the ACK to come? */
static bool is_needed(const struct item *it, size_t i, const struct mailbox *m)
{
    if (!m || m->acked >= it->seq || it->done[i] == ITEM_ENDED)
        return false;
    return it->done[i] == ITEM_WAITS || m->open;
}

enum err item_settle(struct core *c, uint64_t seq)
{
    struct item it;
    uint8_t key[8];
    enum err e = item_read(c->t, seq, &it);

    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    for (size_t i = 0; i < it.count; i++)
        if (is_needed(&it, i, mailbox_of(c, it.to[i])))
            return ERR_OK;
    if ((e = store_del(c->t, TABLE_ITEM, key_u64(seq, key))))
        return e;
    if ((e = store_del(c->t, TABLE_BODY, key_u64(seq, key))) && e != ERR_NOT_FOUND)
        return e; /* lost by the disk: its end was told all the same */
    quota_uncount(c, &it);
    return ERR_OK;
}

struct scan {
    enum err (*visit)(void *arg, const struct item *it);
    void *arg;
};

static enum err scan_row(void *arg, struct span key, struct span value)
{
    struct scan *s = arg;
    struct item it;
    enum err e;

    if (key.len != 8)
        return ERR_CORRUPT;
    if ((e = item_unpack(be64_read(key.ptr), value, &it)))
        return e;
    return s->visit(s->arg, &it);
}

enum err items_scan(struct txn *t, uint64_t from_seq, size_t most,
                    enum err (*visit)(void *arg, const struct item *it), void *arg)
{
    struct scan s = {visit, arg};
    uint8_t from[8];

    return store_scan(t, TABLE_ITEM, key_u64(from_seq, from), (struct span){0}, most, scan_row, &s);
}

/* A receipt travels as the number of its leaf; its proof is made when it is delivered. What only
 * the ACK's moment knew, the path, is the body. */
enum err item_add_receipt(struct core *c, uint32_t number, const uint8_t payer[ID_BYTES],
                          uint64_t index, const struct receipt_path *path)
{
    const struct mailbox *m = mailbox_of(c, number);
    struct receipt r = {.log = LOG_AUDIT, .entry = SPAN_STR("-"), .detail = SPAN_STR("-")};
    struct item it = {.kind = DELIVER_RECEIPT, .index = index, .count = 1, .to = {number}};
    struct bytes body = {0};
    enum err e = ERR_OK;

    if (!m)
        return ERR_INTERNAL;
    if (is_gone(c, m))
        return ERR_OK; /* the leaf is in the log: nobody is left to fetch its receipt */
    memcpy(it.from, payer ? payer : m->who.org, ID_BYTES);
    if (path) {
        r.has_path = true;
        r.path = *path;
        e = receipt_extra_encode(&r, &body);
    }
    if (!e)
        e = item_add(c, &it, bytes_span(&body));
    bytes_free(&body);
    return e;
}

/* --- accepted envelopes -------------------------------------------------------------------- */

static void seen_key(const uint8_t mid[ID_BYTES], const uint8_t from[ID_BYTES],
                     uint8_t key[2 * ID_BYTES])
{
    memcpy(key, mid, ID_BYTES);
    memcpy(key + ID_BYTES, from, ID_BYTES);
}

enum err seen_get(struct txn *t, const uint8_t mid[ID_BYTES], const uint8_t from[ID_BYTES],
                  struct seen *out)
{
    uint8_t key[2 * ID_BYTES];
    struct span row;
    enum err e;

    seen_key(mid, from, key);
    if ((e = store_get(t, TABLE_SEEN, SPAN_OF(key), &row)))
        return e;
    if (row.len != SEEN_BYTES)
        return ERR_CORRUPT;
    memcpy(out->digest, row.ptr, DIGEST_BYTES);
    out->index = be64_read(row.ptr + DIGEST_BYTES);
    out->seq = be64_read(row.ptr + DIGEST_BYTES + 8);
    out->exp_ms = be64_read(row.ptr + DIGEST_BYTES + 16);
    out->sender = be32_read(row.ptr + DIGEST_BYTES + 24);
    out->deputies = row.ptr[DIGEST_BYTES + 28];
    return ERR_OK;
}

enum err seen_put(struct core *c, const uint8_t mid[ID_BYTES], const uint8_t from[ID_BYTES],
                  const struct seen *s)
{
    uint8_t key[2 * ID_BYTES];
    uint8_t row[SEEN_BYTES];

    seen_key(mid, from, key);
    memcpy(row, s->digest, DIGEST_BYTES);
    be64_write(s->index, row + DIGEST_BYTES);
    be64_write(s->seq, row + DIGEST_BYTES + 8);
    be64_write(s->exp_ms, row + DIGEST_BYTES + 16);
    be32_write(s->sender, row + DIGEST_BYTES + 24);
    row[DIGEST_BYTES + 28] = s->deputies;
    return store_put_new(c->t, TABLE_SEEN, SPAN_OF(key), SPAN_OF(row));
}

static void ended_key(const uint8_t mid[ID_BYTES], const uint8_t org[ID_BYTES], enum audit_type how,
                      uint8_t key[2 * ID_BYTES + 1])
{
    seen_key(mid, org, key);
    key[2 * ID_BYTES] = (uint8_t)how;
}

#define ENDED_BYTES (8 + 1)

enum err ended_get(struct txn *t, const uint8_t mid[ID_BYTES], const uint8_t org[ID_BYTES],
                   enum audit_type how, struct ended *out)
{
    uint8_t key[2 * ID_BYTES + 1];
    struct span row;
    enum err e;

    ended_key(mid, org, how, key);
    if ((e = store_get(t, TABLE_REPORTED, SPAN_OF(key), &row)))
        return e;
    if (row.len != ENDED_BYTES)
        return ERR_CORRUPT;
    out->index = be64_read(row.ptr);
    out->had = row.ptr[8] != 0;
    return ERR_OK;
}

enum err ended_put(struct core *c, const uint8_t mid[ID_BYTES], const uint8_t org[ID_BYTES],
                   enum audit_type how, const struct ended *ended)
{
    uint8_t key[2 * ID_BYTES + 1];
    uint8_t row[ENDED_BYTES];

    ended_key(mid, org, how, key);
    be64_write(ended->index, row);
    row[8] = ended->had;
    return store_put(c->t, TABLE_REPORTED, SPAN_OF(key), SPAN_OF(row));
}

#define SEEN_SLICE 4096
#define SEEN_KEPT_MS (UINT64_C(24) * 60 * 60 * 1000) /* beyond exp */

struct seen_slice {
    uint64_t now_ms;
    size_t n;
    size_t visited;
    uint8_t last[2 * ID_BYTES];
    struct old {
        uint8_t key[2 * ID_BYTES];
        uint64_t seq;
        uint8_t deputies;
    } old[SEEN_SLICE];
};

static enum err seen_visit(void *arg, struct span key, struct span row)
{
    struct seen_slice *s = arg;

    if (key.len != sizeof s->last || row.len != SEEN_BYTES)
        return ERR_CORRUPT;
    s->visited++;
    memcpy(s->last, key.ptr, sizeof s->last);
    if (be64_read(row.ptr + DIGEST_BYTES + 16) + SEEN_KEPT_MS < s->now_ms) {
        struct old *o = &s->old[s->n++];

        memcpy(o->key, key.ptr, sizeof o->key);
        o->seq = be64_read(row.ptr + DIGEST_BYTES + 8);
        o->deputies = row.ptr[DIGEST_BYTES + 28];
    }
    return ERR_OK;
}

/* The key after `last`: a mid is never all ones in practice, and if it were, the sweep begins
 * again at the first row. */
static void key_after(uint8_t key[2 * ID_BYTES])
{
    for (int i = 2 * ID_BYTES - 1; i >= 0; i--)
        if (++key[i] != 0)
            return;
}

enum err seen_sweep(struct core *c)
{
    struct seen_slice *s = calloc(1, sizeof *s);
    enum err e;

    if (!s)
        return ERR_NOMEM;
    s->now_ms = c->now_ms;
    if ((e = store_scan(c->t, TABLE_SEEN, SPAN_OF(c->seen_at), (struct span){0}, SEEN_SLICE,
                        seen_visit, s)))
        goto out;
    for (size_t i = 0; i < s->n; i++)
        if ((e = store_del(c->t, TABLE_SEEN, SPAN_OF(s->old[i].key))) ||
            (e = deputies_forget(c, s->old[i].seq, s->old[i].deputies)))
            goto out;
    memset(c->seen_at, 0, sizeof c->seen_at);
    if (s->visited == SEEN_SLICE) {
        memcpy(c->seen_at, s->last, sizeof c->seen_at);
        key_after(c->seen_at);
    }
out:
    free(s);
    return e;
}
