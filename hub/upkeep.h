/*
 * upkeep - what an operator does to a hub's directory from outside the daemon: back up, restore,
 * check, compact. Only `compact` and `restore` need the daemon away; the others read beside it.
 */
#ifndef HUB_UPKEEP_H
#define HUB_UPKEEP_H

#include "cli.h"

int upkeep_backup(struct cli *c);
int upkeep_restore(struct cli *c);
int upkeep_fsck(struct cli *c);
int upkeep_compact(struct cli *c);

#endif
