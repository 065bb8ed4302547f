/*
 * quota - what the hub keeps for each organisation: as sender, the messages that not every
 * recipient has yet (one for each recipient, until the last has it) and their bytes; the receipts
 * that it has not fetched; and, where its messages have ended otherwise than by delivery, the
 * receipts that their recipients have not fetched. Counted in memory from the items themselves, so
 * the figures are exact and rebuilt at every start; the limits are settings, or the operator's for
 * one organisation, on disk.
 *
 * Only PUT is held against it. ACK, REPORT, RECALL and statements of circles never are: they end
 * messages, or narrow what may be sent. Confined to the core's thread.
 */
#ifndef HUB_QUOTA_H
#define HUB_QUOTA_H

#ifndef HASH_NONFATAL_OOM
#define HASH_NONFATAL_OOM 1 /* hh.tbl stays NULL then; without this uthash would exit */
#endif
#include <uthash.h>

#include "core.h"

struct quota_limits {
    uint64_t messages;
    uint64_t bytes;
    uint64_t inflight_messages;
    uint64_t inflight_bytes;
};

struct usage {
    uint8_t org[ID_BYTES]; /* key */
    uint64_t messages;
    uint64_t bytes;
    struct quota_limits limits; /* 0: the setting */
    UT_hash_handle hh;
};

struct quotas {
    struct usage *each;
    uint64_t messages; /* of all together */
    uint64_t highest;
    uint64_t sender_refused, hub_refused;
};

enum err quotas_new(struct quotas **out);
void quotas_free(struct quotas *q);                  /* NULL is fine */
void quotas_forget(struct core *c);                  /* what is used, before it is counted anew */
enum err quotas_load(struct core *c, struct txn *t); /* the operator's limits */
enum err quotas_announce(struct core *c);            /* those in flight, to the door */

/* NULL: no memory. */
struct usage *quota_usage(struct core *c, const uint8_t org[ID_BYTES]);
enum err quota_count(struct core *c, const struct item *it); /* ERR_NOMEM */
void quota_uncount(struct core *c, const struct item *it);
/* May one more, for `count` recipients, be kept? ERR_SENDER_QUOTA, ERR_HUB_QUOTA. */
enum err quota_check(struct core *c, const uint8_t org[ID_BYTES], size_t count, size_t bytes);
/* With the settings where the operator has said nothing. */
struct quota_limits quota_limits_of(const struct core *c, const struct usage *u);
enum err quota_set(struct core *c, const uint8_t org[ID_BYTES], const struct quota_limits *limits);

#endif
