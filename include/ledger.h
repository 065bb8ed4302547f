/*
 * ledger - append-only Merkle log (RFC 6962) inside the caller's transactions, so that one commit
 * holds a decision and its leaf. Logged bytes are hashed and never change; `side` bytes (salt and
 * detail) lie beside the leaf, are not hashed, and can be erased.
 *
 * Memory holds one open tile per level and is derived from the store: a rule of three steps keeps
 * it true. (1) Append within a write transaction. (2) If its commit answered ERR_OK, call
 * ledger_committed(). (3) After anything else, an abort included, call ledger_reload() before the
 * next use. A head is signed only for a size that ledger_committed() or ledger_reload() saw.
 *
 * Transactions handed in must see everything the ledger holds: the write transaction in progress,
 * or one begun after the last commit. Roots and proofs of old sizes are the same for ever.
 * Thread rule: confine a ledger to one thread.
 */
#ifndef RELAIS_LEDGER_H
#define RELAIS_LEDGER_H

#include <stdint.h>

#include "err.h"
#include "keys.h"
#include "merkle.h"
#include "span.h"
#include "store.h"

#define LEDGER_ENTRY_MAX 65535 /* the length prefix of a tlog-tiles bundle */
#define LEDGER_SIDE_MAX 65535
#define LEDGER_TILE_HASHES 256

/* Tables of the store, for this use alone. Rows (integers big-endian):
 *   entry  epoch u32 || index u64           -> leaf hash || entry bytes
 *   side   epoch u32 || index u64           -> side bytes; the row goes when it is erased
 *   tile   epoch u32 || level u8 || n u64   -> 256 hashes (a tlog-tiles tile), then the 127 hashes
 *          of the tile's subtrees of 4, 8, ... 256: written once, when full. 12,256 bytes fill
 *          the three pages that 8,192 would take; without them a proof computes 500 hashes more.
 *   root   epoch u32 || level u8 || n u64   -> hash of the full tile, for a quick start
 * Several epochs (one log each) may share the tables; only the newest one can be appended to. */
struct ledger_tables {
    int entry;
    int side;
    int tile;
    int root;
    uint32_t epoch;
};

struct ledger;

/* Borrows the store, copies the rest. Reads at most 255 small rows per level. ERR_CORRUPT: rows
 * are missing. origin: note_name_check(). */
enum err ledger_open(struct store *s, const struct ledger_tables *tables, struct span origin,
                     struct ledger **out);
void ledger_close(struct ledger *l); /* NULL is fine */

/* An empty side has no row. After an error other than ERR_SIZE the ledger
 * answers ERR_STATE to everything until ledger_reload(); the transaction must not be committed. */
enum err ledger_append(struct ledger *l, struct txn *t, struct span entry, struct span side,
                       uint64_t *index);
void ledger_committed(struct ledger *l);  /* store_commit() answered ERR_OK */
enum err ledger_reload(struct ledger *l); /* everything again from the store */

uint64_t ledger_size(const struct ledger *l);           /* with what is not committed yet */
uint64_t ledger_committed_size(const struct ledger *l); /* what may be signed and shown */
struct span ledger_origin(const struct ledger *l);      /* until ledger_close() */

/* Of any size up to ledger_size(), ERR_RANGE above. `t` may be NULL for the root of the current
 * size, which memory knows. ERR_CORRUPT: a tile is missing or damaged in form. */
enum err ledger_root(struct ledger *l, struct txn *t, uint64_t size,
                     uint8_t out[MERKLE_HASH_BYTES]);
enum err ledger_inclusion(struct ledger *l, struct txn *t, uint64_t index, uint64_t size,
                          struct merkle_proof *out);
enum err ledger_consistency(struct ledger *l, struct txn *t, uint64_t m, uint64_t n,
                            struct merkle_proof *out);

/* *out becomes the signed checkpoint of that size: recomputed, deterministic, the same bytes at
 * every call. ERR_STATE for a size that is not committed. */
enum err ledger_checkpoint_note(struct ledger *l, struct txn *t, uint64_t size,
                                const struct secret_sign *key, struct bytes *out);

/* *out becomes the receipt file: side bytes are not in it unless the caller puts them in `extra`.
 */
enum err ledger_receipt(struct ledger *l, struct txn *t, uint64_t index, struct span note,
                        struct span extra, struct bytes *out);

/* Borrowed until the next write in the transaction or its end. ERR_NOT_FOUND beyond the end. A side
 * that is erased or was never written is the empty span at NULL, *has_side (may be NULL) 0: what
 * the entry says tells which. Sides are not hashed: who reads one checks the commitment in the
 * entry. */
enum err ledger_entry(struct ledger *l, struct txn *t, uint64_t index, struct span *entry,
                      struct span *side, int *has_side);
/* Deletes salt and detail; the leaf stays. ERR_NOT_FOUND: no such leaf, ERR_OK if gone already. */
enum err ledger_erase(struct ledger *l, struct txn *t, uint64_t index);

/* Everything recomputed from the raw entries and compared: leaf hashes, tiles, roots, memory, and
 * rows that should not be there. */
struct ledger_audit {
    uint64_t size;                   /* leaves found good, counted from the first */
    uint64_t bad_index;              /* first leaf concerned, when the answer is ERR_CORRUPT */
    const char *what;                /* static text: what is wrong there */
    uint64_t sideless;               /* leaves without a side row: erased, or never written */
    uint8_t root[MERKLE_HASH_BYTES]; /* of the recomputed tree; on ERR_OK */
};
/* Called for each leaf without a side, which has its reasons if it is of a type without one or
 * another leaf names the erasure: ERR_OK then, anything else is the answer of the audit. NULL:
 * every missing side is accepted. */
typedef enum err ledger_sideless_fn(void *arg, uint64_t index, struct span entry);

/* ERR_OK, or ERR_CORRUPT with where and what in *out. ERR_STATE while something is staged. */
enum err ledger_fsck(struct ledger *l, struct txn *t, ledger_sideless_fn *sideless, void *arg,
                     struct ledger_audit *out);

#endif
