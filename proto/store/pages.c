#include "pages.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "span.h"

/* Of LMDB 0.9 on a machine of 64 bits, as its files have been since 2011. */
enum {
    META_AT = 16, /* behind the page's header */
    META_DBS = META_AT + 24,
    DB_BYTES = 48,
    META_LAST = META_DBS + 2 * DB_BYTES,
    META_TXN = META_LAST + 8,
    META_BYTES = META_TXN + 8,
    HEADER = 16,
    NODE = 8,
    BRANCH = 1,
    LEAF = 2,
    OVERFLOW = 4,
    META = 8,
    BIG = 1,
    SUB = 2,
    INTEGER_KEY = 8,
    KEY_MAX = 511,
    DEPTH_MAX = 32,
    PAGE_MIN = 512,
    PAGE_MAX = 65536
};
#define MAGIC UINT32_C(0xbeefc0de)
#define NOWHERE UINT64_MAX /* the root of an empty tree */

struct tree {
    uint16_t flags, depth;
    uint64_t branches, leaves, overflow, rows, root;
};

struct key {
    size_t len;
    uint8_t bytes[KEY_MAX];
};

struct pages {
    int fd;
    size_t size;    /* of one */
    uint64_t last;  /* highest in use */
    uint64_t freed; /* youngest commit that freed pages, as the tree of free pages says */
    uint64_t at;    /* looked at now */
    uint8_t *owned;
    uint8_t *buffer[DEPTH_MAX + 1];
    struct tree now; /* counted in the tree that is walked */
    struct key before, floor;
    bool any, floored;
    bool light; /* of tables, their roots alone */
};

enum tree_kind {
    TREE_FREE,
    TREE_MAIN,
    TREE_TABLE
};

static uint64_t number(const uint8_t *p, size_t bytes)
{
    uint64_t v = 0;

    while (bytes--)
        v = v << 8 | p[bytes]; /* little-endian machines only; LMDB writes its own order */
    return v;
}

static enum err at(struct pages *p, uint64_t page)
{
    p->at = page;
    return ERR_CORRUPT;
}

static enum err get(const struct pages *p, uint64_t page, uint8_t *into)
{
    for (size_t have = 0; have < p->size;) {
        ssize_t n = pread(p->fd, into + have, p->size - have, (off_t)(page * p->size + have));

        if (n < 0 && errno != EINTR)
            return err_from_errno(errno);
        if (n == 0)
            return ERR_CORRUPT;
        if (n > 0)
            have += (size_t)n;
    }
    return ERR_OK;
}

/* Each page has one owner. */
static enum err own(struct pages *p, uint64_t page)
{
    if (page < 2 || page > p->last || p->owned[page / 8] & 1u << page % 8)
        return at(p, page);
    p->owned[page / 8] |= (uint8_t)(1u << page % 8);
    return ERR_OK;
}

/* --- what is in a leaf ------------------------------------------------------------------------
 */

static enum err overflow(struct pages *p, uint64_t page, uint64_t bytes, uint8_t *buffer)
{
    uint64_t count;
    enum err e;

    if (page > p->last)
        return at(p, page);
    p->at = page;
    if ((e = get(p, page, buffer)))
        return e;
    count = number(buffer + 12, 4);
    if (number(buffer, 8) != page || number(buffer + 10, 2) != OVERFLOW ||
        count < (HEADER - 1 + bytes) / p->size + 1 || count > p->last)
        return at(p, page);
    for (uint64_t i = 0; i < count; i++)
        if ((e = own(p, page + i)))
            return e;
    p->now.overflow += count;
    return ERR_OK;
}

/* A list of free pages: their count, then the pages in descending order. `first` is what of it
 * lies in the leaf; else it begins at page `big`. */
static enum err free_list(struct pages *p, struct span first, uint64_t big, uint64_t bytes)
{
    uint64_t before = NOWHERE;
    uint8_t word[8];
    uint64_t count = 0;
    enum err e;

    for (uint64_t i = 0; i == 0 || i <= count; i++) {
        uint64_t page;

        if (8 * i + 8 > bytes)
            return at(p, big ? big : p->at);
        if (!big)
            memcpy(word, first.ptr + 8 * i, sizeof word);
        else if (pread(p->fd, word, sizeof word, (off_t)(big * p->size + HEADER + 8 * i)) != 8)
            return ERR_IO;
        page = number(word, sizeof word);
        if (i == 0) {
            count = page;
            continue;
        }
        if (page >= before)
            return at(p, page);
        before = page;
        if ((e = own(p, page)))
            return e;
    }
    return ERR_OK;
}

static enum err tree_walk(struct pages *p, const uint8_t *db, enum tree_kind kind);

static enum err leaf_node(struct pages *p, const uint8_t *node, size_t room, enum tree_kind kind,
                          unsigned level)
{
    size_t key = number(node + 6, 2);
    uint64_t bytes = number(node, 4);
    unsigned flags = (unsigned)number(node + 4, 2);
    bool big = flags & BIG;
    const uint8_t *data = node + NODE + key;
    uint64_t page = 0;
    enum err e;

    if (NODE + key + (big ? 8 : bytes) > room || flags & ~(unsigned)(BIG | SUB) ||
        ((flags & SUB) != 0 && kind != TREE_MAIN))
        return ERR_CORRUPT;
    p->now.rows++;
    if (big) {
        page = number(data, 8);
        if ((e = overflow(p, page, bytes, p->buffer[level + 1])))
            return e;
    }
    if (kind == TREE_FREE && key == 8)
        p->freed = number(node + NODE, 8); /* they ascend */
    if (kind == TREE_FREE)
        return key == 8 ? free_list(p, span_of(data, bytes), page, bytes) : ERR_CORRUPT;
    return ERR_OK;
}

/* --- trees ------------------------------------------------------------------------------------ */

static int order(const struct key *a, struct span b, enum tree_kind kind)
{
    if (kind == TREE_FREE && a->len == 8 && b.len == 8) {
        uint64_t x = number(a->bytes, 8);
        uint64_t y = number(b.ptr, 8);

        return (x > y) - (x < y);
    }
    return span_compare(span_of(a->bytes, a->len), b);
}

static void key_keep(struct key *k, struct span from)
{
    k->len = from.len;
    memcpy(k->bytes, from.ptr, from.len);
}

/* Keys ascend over the whole tree, and none lies before the separator that leads to it. */
static enum err key_next(struct pages *p, struct span key, enum tree_kind kind)
{
    if ((p->any && order(&p->before, key, kind) >= 0) ||
        (p->floored && order(&p->floor, key, kind) > 0))
        return ERR_CORRUPT;
    key_keep(&p->before, key);
    p->any = true;
    p->floored = false;
    return ERR_OK;
}

static enum err separator(struct pages *p, struct span key, enum tree_kind kind)
{
    if (p->any && order(&p->before, key, kind) >= 0)
        return ERR_CORRUPT;
    key_keep(&p->floor, key);
    p->floored = true;
    return ERR_OK;
}

static enum err page_walk(struct pages *p, uint64_t page, enum tree_kind kind, unsigned level,
                          unsigned depth);

static enum err node_walk(struct pages *p, uint64_t page, size_t i, enum tree_kind kind,
                          unsigned level, unsigned depth)
{
    const uint8_t *b = p->buffer[level];
    size_t upper = number(b + 14, 2);
    size_t place = number(b + HEADER + 2 * i, 2);
    const uint8_t *node = b + place;
    size_t room = p->size - place;
    size_t key;
    enum err e;

    if (place < upper || place + NODE > p->size)
        return at(p, page);
    key = number(node + 6, 2);
    if (key > KEY_MAX || NODE + key > room)
        return at(p, page);
    if (level + 1 < depth) {
        if (i > 0 && separator(p, span_of(node + NODE, key), kind))
            return at(p, page);
        return page_walk(p, number(node, 6), kind, level + 1, depth);
    }
    if (key == 0 || key_next(p, span_of(node + NODE, key), kind))
        return at(p, page);
    e = leaf_node(p, node, room, kind, level);
    return e == ERR_CORRUPT && p->at == 0 ? at(p, page) : e;
}

static enum err page_walk(struct pages *p, uint64_t page, enum tree_kind kind, unsigned level,
                          unsigned depth)
{
    uint8_t *b = p->buffer[level];
    bool leaf = level + 1 == depth;
    size_t lower, upper;
    enum err e;

    if ((e = own(p, page)))
        return e;
    p->at = page;
    if ((e = get(p, page, b)))
        return e;
    lower = number(b + 12, 2);
    upper = number(b + 14, 2);
    if (number(b, 8) != page || number(b + 10, 2) != (leaf ? LEAF : BRANCH) || lower <= HEADER ||
        lower % 2 || lower > upper || upper > p->size || (!leaf && lower < HEADER + 4))
        return at(p, page);
    if (leaf)
        p->now.leaves++;
    else
        p->now.branches++;
    for (size_t i = 0; i < (lower - HEADER) / 2; i++) {
        p->at = 0;
        if ((e = node_walk(p, page, i, kind, level, depth)))
            return e;
    }
    return ERR_OK;
}

static struct tree tree_read(const uint8_t *db)
{
    return (struct tree){.flags = (uint16_t)number(db + 4, 2),
                         .depth = (uint16_t)number(db + 6, 2),
                         .branches = number(db + 8, 8),
                         .leaves = number(db + 16, 8),
                         .overflow = number(db + 24, 8),
                         .rows = number(db + 32, 8),
                         .root = number(db + 40, 8)};
}

static enum err tree_walk(struct pages *p, const uint8_t *db, enum tree_kind kind)
{
    struct tree said = tree_read(db);
    enum err e = ERR_OK;

    p->now = (struct tree){0};
    p->any = p->floored = false;
    p->at = 0;
    if (said.flags != (kind == TREE_FREE ? INTEGER_KEY : 0) || said.depth > DEPTH_MAX ||
        (said.depth == 0) != (said.root == NOWHERE))
        return ERR_CORRUPT;
    if (p->light && kind == TREE_TABLE)
        return said.depth > 0 ? own(p, said.root) : ERR_OK;
    if (said.depth > 0)
        e = page_walk(p, said.root, kind, 0, said.depth);
    if (e)
        return e;
    p->at = said.root == NOWHERE ? 0 : said.root;
    return p->now.branches == said.branches && p->now.leaves == said.leaves &&
                   p->now.overflow == said.overflow && p->now.rows == said.rows
               ? ERR_OK
               : ERR_CORRUPT;
}

/* --- the tables, each a row of the main tree ---------------------------------------------------
 */

struct tables {
    uint8_t *db; /* DB_BYTES each */
    size_t n;
};

static enum err tables_take(struct pages *p, const uint8_t *page, struct tables *t)
{
    size_t n = (number(page + 12, 2) - HEADER) / 2;

    for (size_t i = 0; i < n; i++) {
        const uint8_t *node = page + number(page + HEADER + 2 * i, 2);
        size_t key = number(node + 6, 2);
        uint8_t *more;

        if (number(node + 4, 2) != SUB || number(node, 4) != DB_BYTES)
            return at(p, number(page, 8));
        if (!(more = realloc(t->db, (t->n + 1) * DB_BYTES)))
            return ERR_NOMEM;
        t->db = more;
        memcpy(t->db + t->n++ * DB_BYTES, node + NODE + key, DB_BYTES);
    }
    return ERR_OK;
}

/* Of a tree that was walked: its leaves once more. */
static enum err tables_find(struct pages *p, uint64_t page, unsigned level, unsigned depth,
                            struct tables *t)
{
    uint8_t *b = p->buffer[level];
    enum err e = get(p, page, b);

    if (e || level + 1 == depth)
        return e ? e : tables_take(p, b, t);
    for (size_t i = 0; i < (number(b + 12, 2) - HEADER) / 2 && !e; i++)
        e = tables_find(p, number(b + number(b + HEADER + 2 * i, 2), 6), level + 1, depth, t);
    return e;
}

static enum err trees_walk(struct pages *p, const uint8_t *meta)
{
    const uint8_t *main = meta + META_DBS + DB_BYTES;
    struct tree root = tree_read(main);
    struct tables t = {0};
    enum err e;

    if ((e = tree_walk(p, meta + META_DBS, TREE_FREE)) || (e = tree_walk(p, main, TREE_MAIN)))
        goto out;
    if (root.depth > 0 && (e = tables_find(p, root.root, 0, root.depth, &t)))
        goto out;
    for (size_t i = 0; i < t.n && !e; i++)
        e = tree_walk(p, t.db + i * DB_BYTES, TREE_TABLE);
    for (uint64_t page = 2; page <= p->last && !e && !p->light; page++)
        if (!(p->owned[page / 8] & 1u << page % 8))
            e = at(p, page);
out:
    free(t.db);
    return e;
}

/* --- the file ----------------------------------------------------------------------------------
 */

static bool meta_good(const struct pages *p, const uint8_t *meta, uint64_t page)
{
    return number(meta, 8) == page && number(meta + 10, 2) == META &&
           number(meta + META_AT, 4) == MAGIC && number(meta + META_DBS, 4) == p->size;
}

/* Commits go to the two pages in turn, so they are one apart; a new file has none. */
static enum err metas_read(struct pages *p, uint8_t meta[2][META_BYTES], int *newest)
{
    uint64_t txn[2];

    for (int i = 0; i < 2; i++) {
        p->at = (uint64_t)i;
        if (pread(p->fd, meta[i], META_BYTES, (off_t)((size_t)i * p->size)) != META_BYTES ||
            !meta_good(p, meta[i], (uint64_t)i))
            return ERR_CORRUPT;
        txn[i] = number(meta[i] + META_TXN, 8);
    }
    *newest = txn[1] > txn[0];
    p->at = 0;
    if (txn[*newest] - txn[!*newest] > 1 || (txn[0] | txn[1] ? txn[0] % 2 || !(txn[1] % 2) : 0) ||
        number(meta[*newest] + META_LAST, 8) < number(meta[!*newest] + META_LAST, 8))
        return ERR_CORRUPT;
    return ERR_OK;
}

static enum err room(struct pages *p)
{
    if (!(p->owned = calloc(1, p->last / 8 + 1)))
        return ERR_NOMEM;
    for (size_t i = 0; i < sizeof p->buffer / sizeof *p->buffer; i++)
        if (!(p->buffer[i] = malloc(p->size)))
            return ERR_NOMEM;
    return ERR_OK;
}

/* Every commit but the first frees pages, and its own record of them is the youngest. Of the older
 * meta page nothing can be asked: LMDB, when it fails to write one, puts the former number back
 * over the new trees. So the one bit that makes the newest commit look like the one two before
 * it goes unseen here; it is the whole state of one commit ago. */
static bool number_fits(const struct pages *p, const uint8_t *meta)
{
    uint64_t txn = number(meta + META_TXN, 8);

    return txn < 2 ? p->freed <= txn : p->freed == txn;
}

/* All that the newest commit leads to. */
static enum err newest_walk(struct pages *p, const uint8_t *meta, uint64_t file_bytes)
{
    enum err e;

    p->last = number(meta + META_LAST, 8);
    p->at = 0;
    if (p->last < 1 || p->last >= file_bytes) /* far beyond the file: no room is made for it */
        return ERR_CORRUPT;
    if ((e = room(p)) || (e = trees_walk(p, meta)))
        return e;
    return number_fits(p, meta) ? ERR_OK : at(p, 0);
}

enum err pages_check(int fd, bool all, uint64_t *page)
{
    struct pages p = {.fd = fd, .light = !all};
    uint8_t meta[2][META_BYTES];
    struct stat st;
    int newest;
    enum err e = ERR_CORRUPT;

    if (fstat(fd, &st))
        return err_from_errno(errno);
    if (st.st_size == 0)
        return ERR_OK;
    if (pread(fd, meta[0], META_BYTES, 0) != META_BYTES)
        goto out;
    p.size = number(meta[0] + META_DBS, 4);
    if (p.size < PAGE_MIN || p.size > PAGE_MAX || p.size & (p.size - 1))
        goto out;
    if (!(e = metas_read(&p, meta, &newest)))
        e = newest_walk(&p, meta[newest], (uint64_t)st.st_size);
out:
    for (size_t i = 0; i < sizeof p.buffer / sizeof *p.buffer; i++)
        free(p.buffer[i]);
    free(p.owned);
    if (e)
        *page = p.at;
    return e;
}
