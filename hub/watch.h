/*
 * watch - the hub seen from outside its work: limits and the warnings before them, the health page
 * and the figures for monitoring, and what the service manager is told. Lives in the loop; what it
 * knows of the store thread it reads from the board.
 * Nothing here names a person, a message or an organisation.
 * Thread rule: confined to the loop's thread.
 */
#ifndef HUB_WATCH_H
#define HUB_WATCH_H

#include <jansson.h>

#include "account.h"
#include "board.h"
#include "clock.h"
#include "fair.h"
#include "loop.h"
#include "queue.h"

struct door;
struct watch;

struct watch_options {
    const char *dir;    /* of the hub: its disk is watched */
    const char *listen; /* loopback address of the pages; "": none */
    const char *notify; /* NOTIFY_SOCKET; NULL: nobody asked */
    uint64_t watchdog_us;
    uint64_t memory_max_bytes;
    uint64_t nodes_max; /* sessions */
    struct board *board;
    struct fair *in;
    const struct accounts *accounts; /* bounds what is in it */
    struct queue *out;
    size_t out_most; /* its room */
    struct loop *loop;
    const struct clock *clock;
};

enum err watch_open(const struct watch_options *options, struct watch **out);
void watch_close(struct watch *w);                      /* NULL is fine */
void watch_door(struct watch *w, const struct door *d); /* borrowed; NULL: it has closed */
void watch_ready(struct watch *w);
void watch_stopping(struct watch *w);
/* For `status`: readiness, every limit, memory, disk, clock. NULL without memory. */
json_t *watch_facts(struct watch *w);

#endif
