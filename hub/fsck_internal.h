/* fsck_internal - what the files of the check share. */
#ifndef HUB_FSCK_INTERNAL_H
#define HUB_FSCK_INTERNAL_H

#define HASH_NONFATAL_OOM 1 /* hh.tbl stays NULL then; without this uthash would exit */
#include <uthash.h>

#include "fsck.h"

/* What the audit log says of a circle at its end. */
struct last_of {
    uint8_t handle[ID_BYTES];
    uint64_t n;
    uint8_t link[LINK_BYTES];
    bool has_row;
    UT_hash_handle hh;
};

struct fsck {
    const struct fsck_options *o;
    struct core *c; /* read only: store, transaction, logs, directory, circles */
    struct fsck_result r;
    struct last_of *circles;
    enum err failed; /* of the machine: ends the check */
    uint8_t last_chain[ID_BYTES];
};

void fsck_found(struct fsck *f, const char *table, struct span key, const char *what);
bool fsck_leaf(struct fsck *f, uint64_t index, uint64_t *type, struct detail *d); /* false: none */
void fsck_logs(struct fsck *f);   /* fsck_logs.c: both logs, the directory, the circles' numbers */
void fsck_tables(struct fsck *f); /* fsck_tables.c */

#endif
