/*
 * watch - the node seen from outside its work: limits and the warnings before them, the health page
 * and the figures for monitoring, and what the service manager is told. Counts only: nothing names
 * a person, a message or an organisation.
 * Thread rule: the loop's.
 */
#ifndef NODE_WATCH_H
#define NODE_WATCH_H

#include <jansson.h>

#include "node.h"

struct watch;

/* Reads NOTIFY_SOCKET and WATCHDOG_USEC, and takes them out of the environment. ERR_CONF:
 * metrics_listen is no loopback address; ERR_BUSY: the port is taken. */
enum err watch_open(struct node *n, struct watch **out);
void watch_close(struct watch *w); /* NULL is fine */
void watch_ready(struct watch *w);
void watch_stopping(struct watch *w);
/* For `status`; NULL without memory. w may be NULL: no daemon runs, json null. */
json_t *watch_facts(struct watch *w);
/* What is near a limit or has reached it, in French; nothing if all is fine. */
enum err watch_text(struct watch *w, struct bytes *text);

#endif
