/*
 * lmdb_rows - rows of one LMDB table, each with its sum (rowsum.h) behind its value. What is read
 * is checked: a row that is not as it was written, keys out of order, or a place that a row should
 * be at by its neighbours is ERR_CORRUPT, never an answer. What is not there is known not to be:
 * the rows around it are looked at.
 * Thread rule: that of the transaction.
 */
#ifndef RELAIS_STORE_LMDB_ROWS_H
#define RELAIS_STORE_LMDB_ROWS_H

#include <lmdb.h>

#include "store.h"

struct lmdb_rows {
    MDB_txn *mdb;
    MDB_dbi dbi;
    uint32_t seed; /* rowsum_seed() of the table's name */
};

/* ptr NULL: not there. */
enum err rows_get(const struct lmdb_rows *r, MDB_cursor *at, struct span key, struct span *value);
enum err rows_get_many(const struct lmdb_rows *r, const struct span *keys, size_t n,
                       struct span *values);
int rows_put(const struct lmdb_rows *r, struct span key, struct span value, unsigned flags);
enum err rows_scan(const struct lmdb_rows *r, struct span from, struct span to, size_t most,
                   visit_fn *visit, void *arg);
enum err rows_before(const struct lmdb_rows *r, struct span bound, struct span *key,
                     struct span *value);
/* All of them; a bad one is told by its key, and the next is looked at. ERR_CORRUPT: there is no
 * getting to the last. */
enum err rows_check(const struct lmdb_rows *r, void (*bad)(void *arg, struct span key), void *arg);

#endif
