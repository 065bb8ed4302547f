/*
 * rows - keys and rows of a ledger in the store, and the ledger itself: shared by ledger.c, which
 * writes them, and fsck.c, which distrusts them. Private to journal/.
 */
#ifndef RELAIS_JOURNAL_ROWS_H
#define RELAIS_JOURNAL_ROWS_H

#include <stdint.h>

#include "checkpoint.h"
#include "ledger.h"
#include "tiles.h"

enum {
    ROW_KEY_BYTES = 4 + 8,              /* epoch, index */
    TILE_KEY_BYTES = 4 + 1 + 8,         /* epoch, level, n */
    ROW_HEAD_BYTES = MERKLE_HASH_BYTES, /* before the entry's own bytes */
};

struct ledger {
    struct store *store;
    struct ledger_tables tables;
    char origin[NOTE_NAME_MAX + 1];
    uint64_t committed; /* leaves known to be in the store */
    int broken;         /* memory may differ from the store: reload first */
    struct tiles tiles;
    uint8_t row[ROW_HEAD_BYTES + LEDGER_ENTRY_MAX]; /* scratch of an append */
};

/* One question: the transaction, and the tile last read of each level. */
struct ledger_view {
    struct ledger *ledger;
    struct txn *txn;
    const uint8_t *row[TILE_LEVELS];
    uint64_t n[TILE_LEVELS];
};

static inline void put_be(uint8_t *out, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0) {
        out[bytes] = (uint8_t)value;
        value >>= 8;
    }
}

static inline uint64_t get_be(const uint8_t *in, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | in[i];
    return value;
}

/* Both write the key and return it as a span. */
static inline struct span row_key(uint8_t out[ROW_KEY_BYTES], uint32_t epoch, uint64_t index)
{
    put_be(out, epoch, 4);
    put_be(out + 4, index, 8);
    return (struct span){out, ROW_KEY_BYTES};
}

static inline struct span tile_key(uint8_t out[TILE_KEY_BYTES], uint32_t epoch, unsigned level,
                                   uint64_t n)
{
    put_be(out, epoch, 4);
    out[4] = (uint8_t)level;
    put_be(out + 5, n, 8);
    return (struct span){out, TILE_KEY_BYTES};
}

/* Of either key: it begins with the epoch and ends with the index or number. */
static inline uint32_t row_key_epoch(struct span key)
{
    return (uint32_t)get_be(key.ptr, 4);
}

static inline uint64_t row_key_index(struct span key)
{
    return get_be(key.ptr + key.len - 8, 8);
}

#endif
