/*
 * memory - what the hub may hold at most, computed from its settings before it starts. Each part is
 * held to its share by who fills it: an account for what is under way (account.h), a window for
 * what is issued (window.h), quotas for what waits (quota.h), nodes_max for sessions. What many
 * peers together make the library hold, beyond all accounts, is watched (door_shed.c).
 */
#ifndef HUB_MEMORY_H
#define HUB_MEMORY_H

#include <stdint.h>

#include "err.h"
#include "serve.h"

struct memory_plan {
    uint64_t base;      /* programs, keys, directories, threads */
    uint64_t nodes;     /* connected: the library's 39 KiB and ours */
    uint64_t index;     /* of what waits */
    uint64_t work;      /* requests and their answers, from door to door */
    uint64_t deliver;   /* issued and not acknowledged */
    uint64_t transport; /* frames of many peers that the door has not read yet */
    uint64_t bound;     /* all of it */
};

/* ERR_CONF: it is more than memory_max; *why (static, French) says which setting to change. */
enum err memory_plan(const struct hub_conf *conf, struct memory_plan *out, const char **why);

#endif
