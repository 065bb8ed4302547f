/*
 * upkeep - what an administrator does to a node's directory from outside the daemon: back up,
 * restore, check, compact. A backup stays encrypted as the store is: without the passphrase of the
 * key file in it, it says nothing. Exit statuses are those of cli.h.
 */
#ifndef NODE_UPKEEP_H
#define NODE_UPKEEP_H

#include "serve.h"

int upkeep_backup(const struct open_flags *flags, const char *to, bool as_json);
int upkeep_restore(const struct open_flags *flags, const char *from, const char *to, bool as_json);
int upkeep_fsck(const struct open_flags *flags, bool as_json);
int upkeep_compact(const struct open_flags *flags, bool as_json);

#endif
