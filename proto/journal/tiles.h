/*
 * tiles - the open (not yet full) tile of every level of a growing tree, and the layout of a tile.
 * A tile of level L holds 256 subtrees of 256^L leaves each, and all nodes above them up to its
 * own root: layer 0 are the 256 hashes, layer r the 256 >> r subtrees of 2^r of them.
 * Private to journal/. Memory is flat: about 128 KiB whatever the tree's size.
 */
#ifndef RELAIS_JOURNAL_TILES_H
#define RELAIS_JOURNAL_TILES_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "merkle.h"

enum {
    TILE_WIDTH = 256,
    TILE_HEIGHT = 8,                   /* 2^8 = width */
    TILE_NODES = 511,                  /* 256 + 128 + ... + 1 */
    TILE_LEVELS = 8,                   /* 8 levels of 8 bits hold any size */
    TILE_ROW_NODES = TILE_NODES - 128, /* layer 1 is left out: one hash makes it again */
    TILE_ROW_BYTES = TILE_ROW_NODES * MERKLE_HASH_BYTES,
};

struct tile {
    uint8_t node[TILE_NODES][MERKLE_HASH_BYTES];
};

struct tiles {
    uint64_t size; /* leaves pushed */
    struct tile open[TILE_LEVELS];
};

/* Where a node stands among TILE_NODES. */
static inline size_t tile_slot(unsigned layer, uint64_t position)
{
    return (512 - (512U >> layer)) + (size_t)position;
}

/* Place of a subtree within its tile, from its number within the log. */
static inline uint64_t tile_position(unsigned layer, uint64_t index)
{
    return index & (((uint64_t)TILE_WIDTH >> layer) - 1);
}

/* How many hashes a level has at this size: complete subtrees of 256^level leaves. */
static inline uint64_t tiles_count(uint64_t size, unsigned level)
{
    return size >> (TILE_HEIGHT * level); /* level < TILE_LEVELS */
}

/* Called with each tile that became full, lowest level first; its number within the level is n. */
typedef enum err tile_full_fn(void *arg, unsigned level, uint64_t n, const struct tile *tile);

/* After an error of `full` the tiles are of no use any more. */
enum err tiles_push(struct tiles *t, const uint8_t leaf[MERKLE_HASH_BYTES], tile_full_fn *full,
                    void *arg);

/* Puts hash number `index` of a level back into the open tile, in ascending order: when starting
 * from what is stored. */
void tiles_restore(struct tiles *t, unsigned level, uint64_t index,
                   const uint8_t hash[MERKLE_HASH_BYTES]);

/* Root of everything pushed: the open tiles know all its subtrees. */
enum err tiles_root(struct tiles *t, uint8_t out[MERKLE_HASH_BYTES]);

/* 1 if both hold the same tree, as far as open tiles tell. */
int tiles_equal(const struct tiles *a, const struct tiles *b);

/* A full tile as it is stored, and a node of it: layers 0 and 2 to 8. */
void tile_to_row(const struct tile *tile, uint8_t row[TILE_ROW_BYTES]);
void tile_row_node(const uint8_t row[TILE_ROW_BYTES], unsigned layer, uint64_t position,
                   uint8_t out[MERKLE_HASH_BYTES]);

/* First leaf, counted within the tile in units of 256^level, below the first byte that differs. */
uint64_t tile_row_first_leaf(size_t differing_byte);

#endif
