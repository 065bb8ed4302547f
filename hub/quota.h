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
    uint64_t log_day, log_total; /* bytes that never go away (lasting.h) */
    uint64_t circles_day, circles_total;
};

/* What it has put in for ever: lasting.h. */
struct lasting {
    uint64_t day; /* since 1970: of what is counted by day */
    uint64_t day_bytes, bytes;
    uint64_t day_circles, circles;
    uint64_t day_refusals; /* that have a leaf */
    uint64_t untold;       /* refusals without one, and when the first of them was */
    uint64_t untold_day;
    uint64_t untold_code; /* of the last of them */
};

struct usage {
    uint8_t org[ID_BYTES]; /* key */
    uint64_t messages;
    uint64_t bytes;
    struct quota_limits limits; /* 0: the setting */
    struct lasting lasting;
    bool changed; /* by this group */
    struct usage *next_changed;
    UT_hash_handle hh;
};

struct quotas {
    struct usage *each;
    struct usage *changed; /* whose lasting row is to be written */
    uint64_t messages;     /* of all together */
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
/* Of limits, in the order of the row and of the log's leaf. */
#define QUOTA_LIMITS 8
#define QUOTA_ROW_BYTES (QUOTA_LIMITS * 8)
uint64_t *quota_limit(struct quota_limits *l, size_t i);
void quota_row(const struct quota_limits *limits, uint8_t row[QUOTA_ROW_BYTES]);
/* With the settings where the operator has said nothing. */
struct quota_limits quota_limits_of(const struct core *c, const struct usage *u);
enum err quota_set(struct core *c, const uint8_t org[ID_BYTES], const struct quota_limits *limits);
/* How near, in percent: one organisation to the nearer limit of what waits; all together to
 * waiting_max; and the highest of all organisations by such a figure. */
unsigned quota_percent(const struct core *c, const struct usage *u);
unsigned quota_hub_percent(const struct core *c);
unsigned quota_most(const struct core *c,
                    unsigned (*percent)(const struct core *c, const struct usage *u));

#endif
