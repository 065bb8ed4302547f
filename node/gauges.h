/*
 * gauges - the node seen from outside its work: limits and the warnings before them, the health
 * page and the figures for monitoring, and what the service manager is told. Counts only: nothing
 * names a person, a message or an organisation. Thread rule: the loop's.
 */
#ifndef NODE_GAUGES_H
#define NODE_GAUGES_H

#include <jansson.h>

#include "node.h"

struct gauges;

/* Reads NOTIFY_SOCKET and WATCHDOG_USEC, and takes them out of the environment. ERR_CONF:
 * metrics_listen is no loopback address; ERR_BUSY: the port is taken. */
enum err gauges_open(struct node *n, struct gauges **out);
void gauges_close(struct gauges *w); /* NULL is fine */
void gauges_ready(struct gauges *w);
void gauges_stopping(struct gauges *w);
/* For `status`; NULL without memory. w may be NULL: no daemon runs, json null. */
json_t *gauges_facts(struct gauges *w);
/* What is near a limit or has reached it, in French; nothing if all is fine. */
enum err gauges_text(struct gauges *w, struct bytes *text);

#endif
