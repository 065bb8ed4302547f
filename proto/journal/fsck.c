/*
 * fsck - ledger_fsck(): the whole log once more from the raw entries. Nothing stored is trusted:
 * each leaf hash, tile and root row must be what the entries give, and no row may be left over.
 */
#include <stdlib.h>
#include <string.h>

#include "rows.h"

struct fsck {
    struct ledger *ledger;
    struct txn *txn;
    ledger_sideless_fn *sideless;
    void *sideless_arg;
    struct ledger_audit audit;
    struct tiles tiles;  /* grown from the raw entries */
    uint64_t sides;      /* side rows that belong to a leaf */
    uint64_t full_tiles; /* tile rows there must be, and root rows as many */
};

static enum err bad(struct fsck *f, uint64_t index, const char *what)
{
    f->audit.bad_index = index;
    f->audit.what = what;
    return ERR_CORRUPT;
}

/* A row that should be there, or the empty span. */
static enum err row_get(struct fsck *f, int table, struct span key, struct span *row)
{
    enum err e = store_get(f->txn, table, key, row);

    if (e == ERR_NOT_FOUND)
        *row = (struct span){NULL, 0};
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static size_t first_difference(struct span a, struct span b)
{
    size_t i = 0;

    while (i < a.len && i < b.len && a.ptr[i] == b.ptr[i])
        i++;
    return i;
}

/* A tile became full while the tree was grown again: are the stored ones the same? */
static enum err tile_check(void *arg, unsigned level, uint64_t n, const struct tile *tile)
{
    struct fsck *f = arg;
    const struct ledger_tables *in = &f->ledger->tables;
    const uint8_t *root = tile->node[tile_slot(TILE_HEIGHT, 0)];
    uint64_t first = (n * TILE_WIDTH) << (TILE_HEIGHT * level); /* leaf the tile begins at */
    uint8_t key[TILE_KEY_BYTES];
    uint8_t row[TILE_ROW_BYTES];
    struct span stored;
    enum err e;

    f->full_tiles++;
    tile_to_row(tile, row);
    tile_key(key, in->epoch, level, n);
    if ((e = row_get(f, in->tile, SPAN_OF(key), &stored)))
        return e;
    if (stored.len != sizeof row)
        return bad(f, first, stored.ptr == NULL ? "tile missing" : "tile of another length");
    if (memcmp(stored.ptr, row, sizeof row) != 0)
        return bad(f,
                   first + (tile_row_first_leaf(first_difference(stored, SPAN_OF(row)))
                            << (TILE_HEIGHT * level)),
                   "tile differs from the entries");
    if ((e = row_get(f, in->root, SPAN_OF(key), &stored)))
        return e;
    if (!span_equal(stored, span_of(root, MERKLE_HASH_BYTES)))
        return bad(f, first, "root of a tile missing or different");
    return ERR_OK;
}

static enum err side_check(struct fsck *f, uint64_t index, struct span entry)
{
    const struct ledger_tables *in = &f->ledger->tables;
    uint8_t key[ROW_KEY_BYTES];
    struct span side;
    enum err e;

    if ((e = row_get(f, in->side, row_key(key, in->epoch, index), &side)))
        return e;
    if (side.ptr != NULL) {
        f->sides++;
        return ERR_OK;
    }
    f->audit.sideless++;
    if (f->sideless != NULL && (e = f->sideless(f->sideless_arg, index, entry))) {
        f->audit.bad_index = index;
        f->audit.what = "a side is missing without reason";
        return e;
    }
    return ERR_OK;
}

static enum err entry_check(void *arg, struct span key, struct span row)
{
    struct fsck *f = arg;
    uint64_t index = f->tiles.size;
    uint8_t leaf[MERKLE_HASH_BYTES];
    struct span entry;
    enum err e;

    if (key.len != ROW_KEY_BYTES || row_key_index(key) != index)
        return bad(f, index, "entry missing");
    if (row.len < ROW_HEAD_BYTES)
        return bad(f, index, "entry row damaged");
    entry = span_of(row.ptr + ROW_HEAD_BYTES, row.len - ROW_HEAD_BYTES);
    merkle_leaf_hash(entry, leaf);
    if (memcmp(leaf, row.ptr, sizeof leaf) != 0)
        return bad(f, index, "entry differs from its leaf hash");
    if ((e = side_check(f, index, entry)))
        return e;
    if ((e = tiles_push(&f->tiles, leaf, tile_check, f)))
        return e;
    f->audit.size = f->tiles.size;
    return ERR_OK;
}

static enum err row_count(void *arg, struct span key, struct span value)
{
    uint64_t *n = arg;

    (void)key;
    (void)value;
    (*n)++;
    return ERR_OK;
}

/* All rows of this epoch in a table, and nothing but `expected` of them. */
static enum err count_check(struct fsck *f, int table, uint64_t expected, const char *what)
{
    uint32_t epoch = f->ledger->tables.epoch;
    uint8_t from[4], to[4];
    uint64_t n = 0;
    enum err e;

    put_be(from, epoch, sizeof from);
    put_be(to, (uint64_t)epoch + 1, sizeof to);
    if ((e = store_scan(f->txn, table, SPAN_OF(from),
                        epoch == UINT32_MAX ? span_of(NULL, 0) : SPAN_OF(to), SIZE_MAX, row_count,
                        &n)))
        return e;
    return n == expected ? ERR_OK : bad(f, f->tiles.size, what);
}

static enum err everything_check(struct fsck *f)
{
    const struct ledger_tables *in = &f->ledger->tables;
    uint8_t from[ROW_KEY_BYTES], to[ROW_KEY_BYTES];
    uint64_t size = f->ledger->committed;
    enum err e;

    if ((e = store_scan(f->txn, in->entry, row_key(from, in->epoch, 0),
                        row_key(to, in->epoch, size), SIZE_MAX, entry_check, f)))
        return e;
    if (f->tiles.size != size)
        return bad(f, f->tiles.size, "entry missing");
    if ((e = count_check(f, in->entry, size, "entries beyond the end")) ||
        (e = count_check(f, in->tile, f->full_tiles, "tiles beyond the end")) ||
        (e = count_check(f, in->root, f->full_tiles, "roots of tiles beyond the end")) ||
        (e = count_check(f, in->side, f->sides, "sides beyond the end")))
        return e;
    if (!tiles_equal(&f->tiles, &f->ledger->tiles))
        return bad(f, size - size % TILE_WIDTH, "memory differs from the entries");
    return tiles_root(&f->tiles, f->audit.root);
}

enum err ledger_fsck(struct ledger *l, struct txn *t, ledger_sideless_fn *sideless, void *arg,
                     struct ledger_audit *out)
{
    struct fsck *f = NULL;
    enum err e = ERR_STATE;

    if (l->broken || l->tiles.size != l->committed)
        goto out;
    f = calloc(1, sizeof *f);
    e = ERR_NOMEM;
    if (f == NULL)
        goto out;
    f->ledger = l;
    f->txn = t;
    f->sideless = sideless;
    f->sideless_arg = arg;
    e = everything_check(f);
    *out = f->audit;
out:
    free(f);
    return e;
}
