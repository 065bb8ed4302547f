/*
 * fsck - the whole store of a hub read again: every row of every table, both logs rebuilt from
 * their raw entries, and what the tables say of one another. Reads only. It goes on after what it
 * finds, so that one report names everything.
 * Rows are named by table and key, never by what they hold.
 * Thread rule: one thread; nothing else writes this store meanwhile.
 */
#ifndef HUB_FSCK_H
#define HUB_FSCK_H

#include "backup.h"
#include "core.h"

#define FSCK_FINDINGS_MAX 1000 /* told; the rest is only counted */

struct fsck_options {
    const char *where; /* the directory that holds data.mdb */
    const struct identity *identity;
    const struct entropy *entropy;
    enum store_access access;
    const struct manifest *against; /* heads that must be history of these logs; NULL: none */
    /* French; key may be empty. */
    void (*found)(void *arg, const char *table, struct span key, const char *what);
    void *arg;
};

struct fsck_result {
    uint64_t rows, findings;
    uint8_t incarnation[ID_BYTES];
    struct {
        char origin[96];
        uint64_t size;
        uint8_t root[MERKLE_HASH_BYTES];
    } logs[2]; /* keys, audit */
};

/* ERR_OK: nothing found. ERR_CORRUPT: something was, and told. Anything else: it could not be read
 * to the end. */
/* Is every row of this table looked at? A test asks for each. */
bool fsck_knows(enum hub_table table);

enum err hub_fsck(const struct fsck_options *options, struct fsck_result *out);

#endif
