/* watch_internal - what the two files of the watch share. */
#ifndef HUB_WATCH_INTERNAL_H
#define HUB_WATCH_INTERNAL_H

#include "machine.h"
#include "watch.h"

/* Everything that was seen at the last look. */
struct seen {
    struct figures f;
    struct machine m;
    uint64_t memory_max_bytes;
    uint64_t sessions, nodes_max;
    uint64_t in_depth, out_depth;
    unsigned queue_percent; /* of the fuller one */
    uint64_t silent_ms;     /* since the store thread was last heard */
};

/* A figure with its two bounds; 0 is no bound. */
struct limit {
    const char *name;
    const char *unit;
    uint64_t near, reached;
    uint64_t (*value)(const struct seen *s);
    const char *text;   /* French, for `status` */
    const char *advice; /* the same: what to do */
};
#define LIMITS 17
extern const struct limit limits[LIMITS];

struct http;

struct watch {
    struct watch_options o;
    struct http *http;
    const struct door *door;
    bool ready, stopping;
    struct seen seen;
    uint64_t value[LIMITS];
    enum limit_level level[LIMITS];
};

void watch_look(struct watch *w);
const char *watch_why_not_alive(const struct watch *w); /* NULL: it is */
const char *watch_why_not_ready(const struct watch *w);
enum err watch_metrics(const struct watch *w, struct bytes *out); /* watch_metrics.c */

#endif
