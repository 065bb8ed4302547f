/*
 * meta - single values of the node under a name (TABLE_META), and the small coding helpers that
 * rows of the node's own tables share. Rows are MP1 arrays, sealed by the vault.
 */
#ifndef NODE_META_H
#define NODE_META_H

#include "node.h"
#include "reader.h"
#include "writer.h"

enum err meta_put(struct node *n, struct txn *t, const char *name, struct span value);
enum err meta_get(struct node *n, struct txn *t, const char *name, struct bytes *out);
enum err meta_put_u64(struct node *n, struct txn *t, const char *name, uint64_t value);
/* Absent: `standard`. */
enum err meta_get_u64(struct node *n, struct txn *t, const char *name, uint64_t standard,
                      uint64_t *out);
enum err meta_del(struct node *n, struct txn *t, const char *name); /* absent is fine */

/* wr_take() into rows: seals what the writer holds. */
enum err row_put(struct node *n, struct txn *t, int table, const uint8_t *person, struct span key,
                 struct writer *w);
void wr_fixed(struct writer *w, const uint8_t *bytes, size_t size);
/* The end of a row's decoding: any reading error of our own rows is ERR_CORRUPT. */
enum err row_end(struct reader *r);

#endif
