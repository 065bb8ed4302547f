/*
 * board - what the store thread tells of itself: figures it writes once a second, and a beat at
 * each turn. The main thread reads them for status pages, warnings and the watchdog, and never has
 * to ask the store thread, which may be the one that hangs.
 * Thread rule: any thread; each call copies under a lock.
 */
#ifndef HUB_BOARD_H
#define HUB_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "metrics.h"
#include "store.h"

#define ERR_CODES 256 /* every row of err.h is below */

/* Deliveries that wait, by how long their leaf has been in the log. */
enum age_class {
    AGE_MINUTE, /* younger than that */
    AGE_HOUR,
    AGE_DAY,
    AGE_WEEK,
    AGE_OLDER,
    AGES
};

struct figures {
    uint64_t told_ms;            /* mono: when these were written; 0: never */
    struct histogram accept;     /* from the frame at the door to the receipt after the commit */
    struct histogram commit;     /* the commit alone */
    uint64_t refused[ERR_CODES]; /* by error, by the core */
    uint64_t accepted, delivered, reports, statements, held, expired, recalled, clones;
    uint64_t released; /* to deputies */
    uint64_t damaged;  /* what waited, and the disk has lost */
    uint64_t commits, failed_commits;
    uint64_t nodes, sessions, cloned, waiting;
    uint64_t waiting_by_age[AGES];
    uint64_t oldest_ms; /* age of the oldest that waits; 0: nothing waits */
    uint64_t keys_size, audit_size;
    uint64_t invitations; /* made and not enrolled, refused or expired */
    struct store_stats store;
    int64_t growth_per_day; /* bytes of the store, from what was seen in the last day */
    uint64_t reader_age_ms; /* of the oldest live read */
    uint64_t witnesses;     /* of the set in force; 0: none is named */
    uint64_t witness_lag;   /* audit leaves behind no quorum yet */
    uint64_t witness_age_s; /* since the older of the two logs' last quorum */
    struct {                /* attachments (attachments.h) */
        uint64_t count, bytes, max_bytes;
        uint64_t fullest_bytes, quota_bytes; /* of the organisation that keeps most, of each */
        uint64_t removed, refused, strangers;
    } att;
    uint64_t untold;          /* refusals without a leaf of their own */
    uint64_t log_percent;     /* of the organisation nearest to a limit of what lasts */
    uint64_t member_percent;  /* of that nearest to a limit of what waits (quota.h) */
    uint64_t waiting_percent; /* of all together, of waiting_max */
    bool tight, constituted;
};

struct board;

enum err board_new(struct board **out);
void board_free(struct board *b); /* NULL is fine */
void board_beat(struct board *b, uint64_t mono_ms);
uint64_t board_last_beat(const struct board *b);
void board_write(struct board *b, const struct figures *f);
void board_read(struct board *b, struct figures *out);

#endif
