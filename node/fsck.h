/*
 * fsck - every record of a node read again as it lies: opened under its key, its place checked by
 * what it is sealed to, the journal's chain, the keys log from its raw entries. Reads only, shows
 * nothing of what it opens, and goes on after what it finds.
 * A record whose person was erased is counted, not found: no key opens it any more.
 */
#ifndef NODE_FSCK_H
#define NODE_FSCK_H

#include "backup.h"
#include "node.h"

#define FSCK_FINDINGS_MAX 1000 /* told; the rest is only counted */

struct fsck_result {
    uint64_t rows, findings, erased;
    char keys_origin[BACKUP_ORIGIN_MAX + 1]; /* "": not joined */
    uint64_t keys_size;
    uint8_t keys_root[32];
};

/* Is every row of this table looked at? A test asks for each. */
bool fsck_knows(enum node_table table);

/* n as of node_open_vault(). found: French; key may be empty. ERR_OK, ERR_CORRUPT (told), or why it
 * could not be read to the end. */
enum err node_fsck(struct node *n,
                   void (*found)(void *arg, const char *table, struct span key, const char *what),
                   void *arg, struct fsck_result *out);

#endif
