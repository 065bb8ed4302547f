/* Mailboxes in memory: for each node the sequence numbers that wait for it, an index over the
 * items on disk, built at start. Only the cursor and the session's identity are rows of their own.
 */
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 /* hh.tbl stays NULL then; without this uthash would exit */
#include <uthash.h>

#include "quota.h"

#define NODE_ROW_BYTES (2 * ID_BYTES + 8 + 8 + 2 * ID_BYTES + 3 + 8)
#define RING_FIRST 16

struct slot {
    uint32_t number; /* drawn by the hub, not by members */
    struct mailbox box;
    UT_hash_handle hh;
};

struct mailboxes {
    struct slot *all;
    bool loaded;
};

enum err mailboxes_new(struct mailboxes **out)
{
    struct mailboxes *m = calloc(1, sizeof *m);

    if (!m)
        return ERR_NOMEM;
    *out = m;
    return ERR_OK;
}

void mailboxes_free(struct mailboxes *m)
{
    struct slot *one;
    struct slot *next;

    if (!m)
        return;
    HASH_ITER (hh, m->all, one, next) {
        HASH_DEL(m->all, one);
        free(one->box.ring);
        free(one);
    }
    free(m);
}

struct mailbox *mailbox_of(const struct core *c, uint32_t number)
{
    struct slot *one;

    HASH_FIND(hh, c->mail->all, &number, sizeof number, one);
    return one ? &one->box : NULL;
}

enum err mailbox_make(struct core *c, const struct member *who)
{
    const struct directory_org *org = c->dir ? directory_find_org(c->dir, who->org) : NULL;
    struct slot *one;

    if (mailbox_of(c, who->number))
        return ERR_OK;
    one = calloc(1, sizeof *one);
    if (!one)
        return ERR_NOMEM;
    one->number = who->number;
    one->box.who = *who;
    one->box.window = &c->window;
    one->box.urgent = org && org->kind == ORG_EMERGENCY;
    HASH_ADD(hh, c->mail->all, number, sizeof one->number, one);
    if (one->hh.tbl)
        return ERR_OK;
    free(one);
    return ERR_NOMEM;
}

size_t mailbox_each(struct core *c, void (*visit)(struct mailbox *m, void *arg), void *arg)
{
    struct slot *one;
    struct slot *next;
    size_t n = 0;

    HASH_ITER (hh, c->mail->all, one, next) {
        visit(&one->box, arg);
        n++;
    }
    return n;
}

/* --- the row ------------------------------------------------------------------------------- */

enum err mailbox_save(struct core *c, const struct mailbox *m)
{
    uint8_t row[NODE_ROW_BYTES];
    uint8_t key[4];
    uint8_t *p = row;

    memcpy(p, m->who.org, ID_BYTES);
    memcpy(p + ID_BYTES, m->who.node, ID_BYTES);
    p += 2 * ID_BYTES;
    be64_write(m->acked, p);
    be64_write(m->session_number, p + 8);
    p += 16;
    memcpy(p, m->nonce, ID_BYTES);
    memcpy(p + ID_BYTES, m->incarnation, ID_BYTES);
    p += 2 * ID_BYTES;
    p[0] = m->known;
    p[1] = m->cloned;
    p[2] = m->locked;
    be64_write(m->heard_ms, p + 3);
    return store_put(c->t, TABLE_NODE, key_u32(m->who.number, key), SPAN_OF(row));
}

enum err mailbox_decode(struct span key, struct span row, struct mailbox *m)
{
    const uint8_t *p = row.ptr;

    if (key.len != 4 || row.len != NODE_ROW_BYTES)
        return ERR_CORRUPT;
    m->who.number = be32_read(key.ptr);
    memcpy(m->who.org, p, ID_BYTES);
    memcpy(m->who.node, p + ID_BYTES, ID_BYTES);
    p += 2 * ID_BYTES;
    m->acked = be64_read(p);
    m->session_number = be64_read(p + 8);
    p += 16;
    memcpy(m->nonce, p, ID_BYTES);
    memcpy(m->incarnation, p + ID_BYTES, ID_BYTES);
    p += 2 * ID_BYTES;
    m->known = p[0] != 0;
    m->cloned = p[1] != 0;
    m->locked = p[2] != 0;
    m->heard_ms = be64_read(p + 3);
    return ERR_OK;
}

static enum err row_load(void *arg, struct span key, struct span row)
{
    struct core *c = arg;
    struct mailbox read = {0};
    enum err e;

    if ((e = mailbox_decode(key, row, &read)))
        return e;
    if ((e = mailbox_make(c, &read.who)))
        return e;
    return mailbox_decode(key, row, mailbox_of(c, read.who.number));
}

/* --- the ring ------------------------------------------------------------------------------ */

static struct entry *entry_at(const struct mailbox *m, size_t i)
{
    return &m->ring[(m->head + i) & (m->cap - 1)];
}

static enum err ring_resize(struct mailbox *m, size_t cap)
{
    struct entry *ring = calloc(cap, sizeof *ring);

    if (!ring)
        return ERR_NOMEM;
    for (size_t i = 0; i < m->len; i++)
        ring[i] = *entry_at(m, i);
    free(m->ring);
    m->ring = ring;
    m->head = 0;
    m->cap = cap;
    return ERR_OK;
}

enum err mailbox_push(struct core *c, uint32_t number, uint64_t seq, uint32_t bytes)
{
    struct mailbox *m = mailbox_of(c, number);
    enum err e;

    if (!m)
        return ERR_INTERNAL;
    if (m->len == m->cap && (e = ring_resize(m, m->cap ? 2 * m->cap : RING_FIRST)))
        return e;
    m->len++;
    *entry_at(m, m->len - 1) = (struct entry){.seq = seq, .bytes = bytes};
    window_ready(m);
    return ERR_OK;
}

void mailbox_pop(struct mailbox *m, uint64_t upto)
{
    while (m->len > 0 && entry_at(m, 0)->seq <= upto) {
        if (m->out > 0)
            window_returned(m, entry_at(m, 0));
        m->head = (m->head + 1) & (m->cap - 1);
        m->len--;
    }
    while (m->cap > RING_FIRST && m->len < m->cap / 8)
        if (ring_resize(m, m->cap / 2))
            break; /* no memory to save memory: it stays as large as it is */
}

size_t mailbox_before(const struct mailbox *m, uint64_t seq)
{
    size_t low = 0;
    size_t high = m->len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (entry_at(m, middle)->seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Of the entry with this seq, or len. */
static size_t place_of(const struct mailbox *m, uint64_t seq)
{
    size_t at = mailbox_before(m, seq);

    return at < m->len && entry_at(m, at)->seq == seq ? at : m->len;
}

/* The shorter side moves up. */
static void ring_remove(struct mailbox *m, size_t at)
{
    if (at < m->len / 2) {
        for (size_t k = at; k > 0; k--)
            *entry_at(m, k) = *entry_at(m, k - 1);
        m->head = (m->head + 1) & (m->cap - 1);
    } else {
        for (size_t k = at; k + 1 < m->len; k++)
            *entry_at(m, k) = *entry_at(m, k + 1);
    }
    m->len--;
}

bool mailbox_end(struct mailbox *m, uint64_t seq)
{
    size_t at = place_of(m, seq);

    if (at == m->len)
        return false;
    if (m->open && at < m->out) {
        entry_at(m, at)->ended = true;
        return true;
    }
    ring_remove(m, at);
    return false;
}

/* In place, in order. What is issued is counted anew by who asks. */
static void ring_forget_ended(struct mailbox *m)
{
    size_t kept = 0;

    for (size_t i = 0; i < m->len; i++)
        if (!entry_at(m, i)->ended)
            *entry_at(m, kept++) = *entry_at(m, i);
    m->len = kept;
}

enum err mailbox_session_over(struct core *c, struct mailbox *m)
{
    size_t issued = mailbox_before(m, m->issued + 1);
    uint64_t *seqs = calloc(issued + 1, sizeof *seqs);
    size_t n = 0;
    enum err e = ERR_OK;

    if (!seqs)
        return ERR_NOMEM;
    for (size_t i = 0; i < issued; i++)
        if (entry_at(m, i)->ended)
            seqs[n++] = entry_at(m, i)->seq;
    window_shut(m);
    ring_forget_ended(m);
    for (size_t i = 0; i < n && !e; i++)
        e = item_settle(c, seqs[i]);
    free(seqs);
    return e;
}

/* --- all again from the store ---------------------------------------------------------------- */

static void session_forget_out(struct mailbox *m, void *arg)
{
    (void)arg;
    m->len = 0;
    m->head = 0;
    m->silence_upto = 0; /* who was told is a row: if it was lost, he is told again */
}

struct indexing {
    struct core *c;
    uint64_t next; /* seq that the next slice begins at */
};

static enum err item_index(void *arg, const struct item *it)
{
    struct indexing *x = arg;
    struct core *c = x->c;
    enum err e;

    x->next = it->seq + 1;
    if ((e = quota_count(c, it)))
        return e;
    for (size_t i = 0; i < it->count; i++) {
        struct mailbox *m = mailbox_of(c, it->to[i]);

        if (!m || it->done[i] == ITEM_ENDED || it->seq <= m->acked)
            continue;
        if (it->done[i] == ITEM_ENDED_ISSUED && (!m->open || it->seq > m->issued))
            continue; /* its session is over: nobody counts it any more */
        if ((e = mailbox_push(c, it->to[i], it->seq, it->body_bytes)))
            return e;
        entry_at(m, m->len - 1)->ended = it->done[i] == ITEM_ENDED_ISSUED;
    }
    return ERR_OK;
}

#define INDEX_SLICE 16384

/* In slices: the rows lie between bodies, and what the kernel maps around each, all of it together
 * would be most of the file. */
static enum err items_index(struct core *c, struct txn *t)
{
    struct indexing x = {c, 0};
    uint64_t from;
    enum err e;

    do {
        from = x.next;
        if ((e = items_scan(t, from, INDEX_SLICE, item_index, &x)))
            return e;
        store_trim(t);
    } while (x.next != from);
    return ERR_OK;
}

/* What was issued in this session and is not acknowledged stays issued: the index before the
 * failed commit may have counted otherwise. */
static void session_recount(struct mailbox *m, void *arg)
{
    const bool *first = arg;
    bool open = m->open;

    if (*first && m->len > 0) /* what the process before us has issued, nobody knows */
        m->may_have = entry_at(m, m->len - 1)->seq;
    window_shut(m);
    m->open = open;
    while (m->open && m->out < m->len && entry_at(m, m->out)->seq <= m->issued)
        window_issued(m, entry_at(m, m->out));
    window_ready(m);
}

enum err mailboxes_load(struct core *c)
{
    bool first = !c->mail->loaded;
    struct txn *t = NULL;
    enum err e;

    mailbox_each(c, session_forget_out, NULL);
    quotas_forget(c);
    for (size_t i = 0; c->dir && directory_node(c->dir, i); i++) {
        const struct directory_node *n = directory_node(c->dir, i);
        struct member who = {.number = (uint32_t)n->enrolled_at};

        memcpy(who.node, n->id, sizeof who.node);
        memcpy(who.org, directory_org(c->dir, n->org)->id, sizeof who.org);
        if ((e = mailbox_make(c, &who)))
            return e;
    }
    if ((e = store_begin(c->store, TXN_READ, &t)))
        return e;
    if ((e = store_scan(t, TABLE_NODE, (struct span){0}, (struct span){0}, SIZE_MAX, row_load, c)))
        goto out;
    if ((e = quotas_load(c, t)) || (e = items_index(c, t)))
        goto out;
    mailbox_each(c, session_recount, &first);
    c->mail->loaded = true;
out:
    store_abort(&t);
    return e;
}
