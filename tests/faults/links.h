/*
 * links - the network of a campaign: the hub and the harness in a network namespace of their own,
 * each site in another, a veth pair between. A cut link drops what is sent, silently; a site that
 * moved to another address leaves half-open connections behind. Nothing of it is left when the
 * process ends, however it ends.
 * Needs root, or a kernel that lets a user make namespaces, and the program ip.
 * Thread rule: one thread; processes and threads it starts live where it is at that moment.
 */
#ifndef TESTS_FAULTS_LINKS_H
#define TESTS_FAULTS_LINKS_H

#include <stddef.h>

#include "err.h"

#define LINKS_MAX 8

struct links;

/* Before any other thread. ERR_PERMISSION: no namespaces here. */
enum err links_open(size_t sites, struct links **out);
void links_close(struct links *l); /* NULL is fine */
/* Where this thread is from now on. Back with links_leave(). */
enum err links_enter(struct links *l, size_t site);
enum err links_leave(struct links *l);
enum err links_cut(struct links *l, size_t site);
enum err links_mend(struct links *l, size_t site);
/* The site has another address: what was connected stays open at the hub, and nobody is there. */
enum err links_move(struct links *l, size_t site);
/* The hub's address as the site sees it. */
const char *links_hub(const struct links *l, size_t site);

#endif
