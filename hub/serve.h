/*
 * serve - the daemon, wired together: identity, store, workers, door. Opened bottom-up, closed
 * top-down.
 */
#ifndef HUB_SERVE_H
#define HUB_SERVE_H

#include "span.h"

#define SERVE_PATH_MAX 1024

struct hub_conf {
    char listen[256];
    char join_listen[256];
    char emergency_listen[256]; /* empty: emergency organisations come in with the others */
    char public_emergency_endpoint[256];
    char public_endpoint[256]; /* as nodes reach us; empty: what is bound */
    char public_join_endpoint[256];
    char passphrase_file[SERVE_PATH_MAX];
    uint32_t workers;
    uint32_t rate_per_s;
    uint32_t rate_burst;
    uint32_t inflight_messages;
    uint64_t inflight_bytes;
    uint64_t quota_messages; /* kept for one organisation */
    uint64_t quota_bytes;
    uint64_t waiting_max; /* messages kept for all together */
    uint64_t log_day;     /* bytes that one organisation puts in for ever: a day */
    uint64_t log_total;   /* and in all */
    uint64_t circles_day; /* circles that it creates */
    uint64_t circles_total;
    uint32_t nodes_max; /* connected at once */
    uint64_t memory_max;
    uint64_t store_max;
    uint64_t store_check;
    uint64_t silent_after_s;
    uint64_t attachment_quota; /* bytes of attachments kept for one organisation */
    uint64_t attachment_max;   /* of all together */
    char metrics_listen[64];   /* loopback; "": no pages */
    uint32_t heads_every_s;
    uint32_t operators_required; /* once somebody is named; in a real federation always 2 */
    uint32_t restore_wait_s;
};

/* Reads <dir>/hub.conf (absent: the defaults). `why` gets file, line and reason. */
enum err hub_conf_read(const char *dir, struct hub_conf *out, char *why, size_t why_size);
void hub_conf_help(void);
const struct setting *hub_settings(size_t *n); /* every row that hub.conf may have */

/* Runs until SIGTERM or SIGINT: ERR_OK. Else why it did not start, or stopped. */
enum err hub_serve(const char *dir, const struct hub_conf *conf, struct span passphrase);

#endif
