/* tiles - see tiles.h. */
#include "tiles.h"

#include <string.h>

/* Puts a hash into layer 0 and makes every node it completes. */
static void tile_put(struct tile *tile, uint64_t position, const uint8_t hash[MERKLE_HASH_BYTES])
{
    memcpy(tile->node[tile_slot(0, position)], hash, MERKLE_HASH_BYTES);
    for (unsigned layer = 0; layer < TILE_HEIGHT && (position & 1); layer++) {
        size_t right = tile_slot(layer, position);

        position >>= 1;
        merkle_node_hash(tile->node[right - 1], tile->node[right],
                         tile->node[tile_slot(layer + 1, position)]);
    }
}

enum err tiles_push(struct tiles *t, const uint8_t leaf[MERKLE_HASH_BYTES], tile_full_fn *full,
                    void *arg)
{
    const uint8_t *hash = leaf;
    uint64_t index = t->size;
    enum err e;

    for (unsigned level = 0; level < TILE_LEVELS; level++) {
        struct tile *tile = &t->open[level];

        tile_put(tile, index % TILE_WIDTH, hash);
        if (index % TILE_WIDTH != TILE_WIDTH - 1)
            break;
        index /= TILE_WIDTH;
        if ((e = full(arg, level, index, tile)))
            return e;
        hash = tile->node[tile_slot(TILE_HEIGHT, 0)];
    }
    t->size++;
    return ERR_OK;
}

void tiles_restore(struct tiles *t, unsigned level, uint64_t index,
                   const uint8_t hash[MERKLE_HASH_BYTES])
{
    tile_put(&t->open[level], index % TILE_WIDTH, hash);
}

static enum err open_subtree(void *arg, unsigned level, uint64_t index,
                             uint8_t out[MERKLE_HASH_BYTES])
{
    const struct tiles *t = arg;
    unsigned layer = level % TILE_HEIGHT;
    size_t slot = tile_slot(layer, tile_position(layer, index));

    memcpy(out, t->open[level / TILE_HEIGHT].node[slot], MERKLE_HASH_BYTES);
    return ERR_OK;
}

enum err tiles_root(struct tiles *t, uint8_t out[MERKLE_HASH_BYTES])
{
    const struct merkle_source from = {open_subtree, t};

    return merkle_root(&from, t->size, out);
}

int tiles_equal(const struct tiles *a, const struct tiles *b)
{
    if (a->size != b->size)
        return 0;
    for (unsigned level = 0; level < TILE_LEVELS; level++) {
        uint64_t width = tiles_count(a->size, level) % TILE_WIDTH;

        for (unsigned layer = 0; layer <= TILE_HEIGHT; layer++)
            if (memcmp(a->open[level].node[tile_slot(layer, 0)],
                       b->open[level].node[tile_slot(layer, 0)],
                       (size_t)(width >> layer) * MERKLE_HASH_BYTES) != 0)
                return 0;
    }
    return 1;
}

/* Layer 1 begins at slot 256 and is not in the row; what comes after it moves down. */
static size_t row_slot(unsigned layer, uint64_t position)
{
    return tile_slot(layer, position) - (layer > 1 ? TILE_WIDTH / 2 : 0);
}

void tile_to_row(const struct tile *tile, uint8_t row[TILE_ROW_BYTES])
{
    memcpy(row, tile->node[0], (size_t)TILE_WIDTH * MERKLE_HASH_BYTES);
    memcpy(row + row_slot(2, 0) * MERKLE_HASH_BYTES, tile->node[tile_slot(2, 0)],
           (size_t)(TILE_ROW_NODES - TILE_WIDTH) * MERKLE_HASH_BYTES);
}

void tile_row_node(const uint8_t row[TILE_ROW_BYTES], unsigned layer, uint64_t position,
                   uint8_t out[MERKLE_HASH_BYTES])
{
    const uint8_t *left = row + row_slot(0, 2 * position) * MERKLE_HASH_BYTES;

    if (layer == 1)
        merkle_node_hash(left, left + MERKLE_HASH_BYTES, out);
    else
        memcpy(out, row + row_slot(layer, position) * MERKLE_HASH_BYTES, MERKLE_HASH_BYTES);
}

uint64_t tile_row_first_leaf(size_t differing_byte)
{
    size_t slot = differing_byte / MERKLE_HASH_BYTES;
    unsigned layer = 2;

    if (slot < TILE_WIDTH)
        return slot;
    while (layer < TILE_HEIGHT && slot >= row_slot(layer + 1, 0))
        layer++;
    return (slot - row_slot(layer, 0)) << layer;
}
