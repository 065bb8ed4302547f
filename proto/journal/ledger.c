/* ledger - see ledger.h for the rows; tiles.h for the tree in memory. */
#include "ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "rows.h"
#include "tlogproof.h"

static_assert(LEDGER_TILE_HASHES == TILE_WIDTH, "one width");
static_assert(ROW_HEAD_BYTES + LEDGER_ENTRY_MAX <= STORE_VALUE_MAX, "an entry fits a value");
static_assert(TILE_ROW_BYTES + 16 <= 3 * 4096, "a tile row fits three pages and their header");

/* Opening: everything in memory comes from the store */

enum err ledger_open(struct store *s, const struct ledger_tables *tables, struct span origin,
                     struct ledger **out)
{
    struct ledger *l = NULL;
    enum err e;

    if ((e = note_name_check(origin)))
        goto out;
    l = calloc(1, sizeof *l);
    e = ERR_NOMEM;
    if (l == NULL)
        goto out;
    l->store = s;
    l->tables = *tables;
    memcpy(l->origin, origin.ptr, origin.len);
    if ((e = ledger_reload(l)))
        goto out;
    *out = l;
    l = NULL;
out:
    ledger_close(l);
    return e;
}

void ledger_close(struct ledger *l)
{
    free(l);
}

/* Size of the log: one more than its greatest index. */
static enum err size_read(struct ledger *l, struct txn *t, uint64_t *size)
{
    uint8_t past[ROW_KEY_BYTES];
    struct span bound = {NULL, 0};
    struct span key, value;
    enum err e;

    if (l->tables.epoch != UINT32_MAX)
        bound = row_key(past, l->tables.epoch + 1, 0);
    e = store_before(t, l->tables.entry, bound, &key, &value);
    if (e != ERR_OK && e != ERR_NOT_FOUND)
        return e;
    if (e == ERR_OK && key.len != ROW_KEY_BYTES)
        return ERR_CORRUPT;
    if (e == ERR_NOT_FOUND || row_key_epoch(key) != l->tables.epoch) {
        *size = 0;
        return ERR_OK;
    }
    *size = row_key_index(key) + 1;
    return *size != 0 && *size <= MERKLE_SIZE_MAX ? ERR_OK : ERR_CORRUPT;
}

struct restore {
    struct tiles *tiles;
    unsigned level;
    uint64_t next; /* index the coming row must have */
};

static enum err restore_row(void *arg, struct span key, struct span value)
{
    struct restore *r = arg;

    if (key.len != (r->level == 0 ? ROW_KEY_BYTES : TILE_KEY_BYTES) ||
        row_key_index(key) != r->next || value.len < MERKLE_HASH_BYTES)
        return ERR_CORRUPT;
    tiles_restore(r->tiles, r->level, r->next, value.ptr);
    r->next++;
    return ERR_OK;
}

/* The open tile of a level: leaf hashes for level 0, roots of full tiles below for the others. */
static enum err level_read(struct ledger *l, struct txn *t, unsigned level)
{
    uint64_t end = tiles_count(l->tiles.size, level);
    struct restore r = {&l->tiles, level, end - end % TILE_WIDTH};
    uint8_t from[TILE_KEY_BYTES], to[TILE_KEY_BYTES];
    enum err e;

    if (level == 0)
        e = store_scan(t, l->tables.entry, row_key(from, l->tables.epoch, r.next),
                       row_key(to, l->tables.epoch, end), SIZE_MAX, restore_row, &r);
    else
        e = store_scan(t, l->tables.root, tile_key(from, l->tables.epoch, level - 1, r.next),
                       tile_key(to, l->tables.epoch, level - 1, end), SIZE_MAX, restore_row, &r);
    if (e)
        return e;
    return r.next == end ? ERR_OK : ERR_CORRUPT;
}

enum err ledger_reload(struct ledger *l)
{
    struct txn *t = NULL;
    enum err e;

    l->broken = 1;
    if ((e = store_begin(l->store, TXN_READ, &t)))
        goto out;
    if ((e = size_read(l, t, &l->tiles.size)))
        goto out;
    for (unsigned level = 0; level < TILE_LEVELS; level++)
        if ((e = level_read(l, t, level)))
            goto out;
    l->committed = l->tiles.size;
    l->broken = 0;
out:
    store_abort(&t);
    return e;
}

void ledger_committed(struct ledger *l)
{
    if (!l->broken)
        l->committed = l->tiles.size;
}

uint64_t ledger_size(const struct ledger *l)
{
    return l->tiles.size;
}

uint64_t ledger_committed_size(const struct ledger *l)
{
    return l->committed;
}

struct span ledger_origin(const struct ledger *l)
{
    return span_text(l->origin);
}

/* Appending */

static enum err tile_store(void *arg, unsigned level, uint64_t n, const struct tile *tile)
{
    const struct ledger_view *v = arg;
    const struct ledger_tables *in = &v->ledger->tables;
    uint8_t row[TILE_ROW_BYTES];
    uint8_t key[TILE_KEY_BYTES];
    enum err e;

    tile_to_row(tile, row);
    tile_key(key, in->epoch, level, n);
    if ((e = store_put_new(v->txn, in->tile, SPAN_OF(key), SPAN_OF(row))))
        return e;
    return store_put_new(v->txn, in->root, SPAN_OF(key),
                         SPAN_OF(tile->node[tile_slot(TILE_HEIGHT, 0)]));
}

static enum err rows_append(struct ledger *l, struct txn *t, struct span entry, struct span side,
                            const uint8_t leaf[MERKLE_HASH_BYTES])
{
    uint8_t key[ROW_KEY_BYTES];
    enum err e;

    row_key(key, l->tables.epoch, l->tiles.size);
    memcpy(l->row, leaf, MERKLE_HASH_BYTES);
    if (entry.len != 0)
        memcpy(l->row + ROW_HEAD_BYTES, entry.ptr, entry.len);
    if ((e = store_append(t, l->tables.entry, SPAN_OF(key),
                          span_of(l->row, ROW_HEAD_BYTES + entry.len))))
        return e;
    if (side.len == 0)
        return ERR_OK;
    return store_append(t, l->tables.side, SPAN_OF(key), side);
}

enum err ledger_append(struct ledger *l, struct txn *t, struct span entry, struct span side,
                       uint64_t *index)
{
    struct ledger_view v = {.ledger = l, .txn = t};
    uint8_t leaf[MERKLE_HASH_BYTES];
    uint64_t at = l->tiles.size;
    enum err e;

    if (l->broken)
        return ERR_STATE;
    if (entry.len > LEDGER_ENTRY_MAX || side.len > LEDGER_SIDE_MAX)
        return ERR_SIZE;
    merkle_leaf_hash(entry, leaf);
    if ((e = rows_append(l, t, entry, side, leaf)) ||
        (e = tiles_push(&l->tiles, leaf, tile_store, &v))) {
        l->broken = 1; /* memory and transaction may differ now */
        return e;
    }
    *index = at;
    return ERR_OK;
}

/* Roots and proofs */

/* The stored row of a full tile; borrowed as long as the view's transaction is left alone. */
static enum err tile_find(struct ledger_view *v, unsigned level, uint64_t n, const uint8_t **row)
{
    const struct ledger_tables *in = &v->ledger->tables;
    uint8_t key[TILE_KEY_BYTES];
    struct span value;
    enum err e;

    if (v->row[level] != NULL && v->n[level] == n) {
        *row = v->row[level];
        return ERR_OK;
    }
    if (v->txn == NULL)
        return ERR_USAGE;
    e = store_get(v->txn, in->tile, tile_key(key, in->epoch, level, n), &value);
    if (e == ERR_NOT_FOUND || (e == ERR_OK && value.len != TILE_ROW_BYTES))
        return ERR_CORRUPT;
    if (e)
        return e;
    v->row[level] = value.ptr;
    v->n[level] = n;
    *row = value.ptr;
    return ERR_OK;
}

static enum err ledger_subtree(void *arg, unsigned height, uint64_t index,
                               uint8_t out[MERKLE_HASH_BYTES])
{
    struct ledger_view *v = arg;
    const struct tiles *tiles = &v->ledger->tiles;
    unsigned level = height / TILE_HEIGHT;
    unsigned layer = height % TILE_HEIGHT;
    uint64_t n = index >> (TILE_HEIGHT - layer);
    uint64_t position = tile_position(layer, index);
    const uint8_t *row;
    enum err e;

    if (n == tiles_count(tiles->size, level) / TILE_WIDTH) {
        memcpy(out, tiles->open[level].node[tile_slot(layer, position)], MERKLE_HASH_BYTES);
        return ERR_OK;
    }
    if ((e = tile_find(v, level, n, &row)))
        return e;
    tile_row_node(row, layer, position, out);
    return ERR_OK;
}

static enum err may_ask(const struct ledger *l, uint64_t size)
{
    if (l->broken)
        return ERR_STATE;
    return size <= l->tiles.size ? ERR_OK : ERR_RANGE;
}

enum err ledger_root(struct ledger *l, struct txn *t, uint64_t size, uint8_t out[MERKLE_HASH_BYTES])
{
    struct ledger_view v = {.ledger = l, .txn = t};
    const struct merkle_source from = {ledger_subtree, &v};
    enum err e;

    if ((e = may_ask(l, size)))
        return e;
    return merkle_root(&from, size, out);
}

enum err ledger_inclusion(struct ledger *l, struct txn *t, uint64_t index, uint64_t size,
                          struct merkle_proof *out)
{
    struct ledger_view v = {.ledger = l, .txn = t};
    const struct merkle_source from = {ledger_subtree, &v};
    enum err e;

    if ((e = may_ask(l, size)))
        return e;
    return merkle_inclusion(&from, index, size, out);
}

enum err ledger_consistency(struct ledger *l, struct txn *t, uint64_t m, uint64_t n,
                            struct merkle_proof *out)
{
    struct ledger_view v = {.ledger = l, .txn = t};
    const struct merkle_source from = {ledger_subtree, &v};
    enum err e;

    if ((e = may_ask(l, n)))
        return e;
    return merkle_consistency(&from, m, n, out);
}

enum err ledger_checkpoint_note(struct ledger *l, struct txn *t, uint64_t size,
                                const struct secret_sign *key, struct bytes *out)
{
    uint8_t root[MERKLE_HASH_BYTES];
    enum err e;

    if (l->broken || size > l->committed)
        return ERR_STATE;
    if ((e = ledger_root(l, t, size, root)))
        return e;
    return checkpoint_sign(ledger_origin(l), size, root, key, out);
}

enum err ledger_receipt(struct ledger *l, struct txn *t, uint64_t index, struct span note,
                        struct span extra, struct bytes *out)
{
    uint8_t root[MERKLE_HASH_BYTES];
    struct merkle_proof path;
    struct checkpoint c;
    enum err e;

    if ((e = checkpoint_read(note, &c)))
        return e;
    if ((e = ledger_root(l, t, c.size, root)))
        return e;
    if (!span_equal(c.origin, ledger_origin(l)) || memcmp(root, c.root, sizeof root) != 0)
        return ERR_CHECKPOINT;
    if ((e = ledger_inclusion(l, t, index, c.size, &path)))
        return e;
    return tlog_proof_write(extra, index, &path, note, out);
}

/* Entries */

static enum err entry_row(struct ledger *l, struct txn *t, uint64_t index, struct span *row)
{
    uint8_t key[ROW_KEY_BYTES];
    enum err e;

    if (l->broken)
        return ERR_STATE;
    if (index >= l->tiles.size)
        return ERR_NOT_FOUND;
    e = store_get(t, l->tables.entry, row_key(key, l->tables.epoch, index), row);
    if (e == ERR_NOT_FOUND || (e == ERR_OK && row->len < ROW_HEAD_BYTES))
        return ERR_CORRUPT;
    return e;
}

enum err ledger_entry(struct ledger *l, struct txn *t, uint64_t index, struct span *entry,
                      struct span *side, int *has_side)
{
    struct span none = {NULL, 0};
    uint8_t key[ROW_KEY_BYTES];
    struct span row, beside;
    enum err e;

    if ((e = entry_row(l, t, index, &row)))
        return e;
    e = store_get(t, l->tables.side, row_key(key, l->tables.epoch, index), &beside);
    if (e != ERR_OK && e != ERR_NOT_FOUND)
        return e;
    *side = e == ERR_OK ? beside : none;
    *entry = span_of(row.ptr + ROW_HEAD_BYTES, row.len - ROW_HEAD_BYTES);
    if (has_side != NULL)
        *has_side = side->ptr != NULL;
    return ERR_OK;
}

enum err ledger_erase(struct ledger *l, struct txn *t, uint64_t index)
{
    uint8_t key[ROW_KEY_BYTES];
    struct span row;
    enum err e;

    if ((e = entry_row(l, t, index, &row)))
        return e;
    e = store_del(t, l->tables.side, row_key(key, l->tables.epoch, index));
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}
