/*
 * link_rig - a hub end and node ends on a free loopback port, for tests of the link: real sockets,
 * a loop on the system clock, and waiting for events with a limit of ten seconds.
 * Every function says success as 1 or 0, or gives the err of the call it makes.
 * Thread rule: one thread.
 */
#ifndef TESTS_LINK_RIG_H
#define TESTS_LINK_RIG_H

#include <stddef.h>
#include <stdint.h>

#include "keys.h"
#include "loop.h"
#include "random.h"
#include "transport.h"
#include "zap.h"

#define RIG_DOMAIN "hub"
#define RIG_OTHER_DOMAIN "join"

struct inbox {
    size_t count;
    size_t faults;
    struct link_frame last; /* payload: of `copy` */
    struct bytes copy;
};

struct rig_node {
    struct secret_box *key;
    struct link_socket *link;
    struct inbox inbox;
};

#define RIG_NODES_MAX 16

struct rig {
    struct entropy entropy;
    struct entropy_seed seed;
    struct transport *transport;
    struct zap *zap;
    struct loop *loop;
    struct secret_box *key; /* the listener's */
    struct link_socket *hub;
    struct inbox inbox;
    int port;
    _Atomic int denied, fatal, last_reason;
    struct rig_node nodes[RIG_NODES_MAX]; /* of rig_join(), closed by rig_close() at the latest */
};

/* Transport, ZAP thread, loop and a listener whose frames go to the inbox; handshake_ms 0: usual.
 */
enum err rig_open(struct rig *r, int handshake_ms);
void rig_close(struct rig *r);

/* A node key, let in as `user`; NULL: not let in. */
enum err rig_key(struct rig *r, const char *user, struct secret_box **out);
/* A connector with a key of its own, as `user`; NULL: it did not work. */
struct rig_node *rig_join(struct rig *r, const char *user);
enum err rig_connect(struct rig *r, const struct secret_box *key, struct link_socket **out);
void rig_leave(struct rig *r, struct rig_node *n);

/* Turns the loop until done(arg) says 1; 0: not in ten seconds. */
int rig_until(struct rig *r, int (*done)(void *arg), void *arg);
int rig_receives(struct rig *r, struct inbox *in, size_t count); /* that many since the start */
/* Turns the loop while the link is busy, ten seconds at most. */
enum err rig_send(struct rig *r, struct link_socket *s, const struct link_peer *to,
                  struct span payload);
/* The node sends, the hub has it: also the way to know that a node is connected. */
int rig_says(struct rig *r, struct rig_node *n, const char *text);
/* The same after a rebind: repeats, as a node does, until the hub has heard this user again. */
int rig_returns(struct rig *r, struct rig_node *n, const char *user);

size_t rig_memory_kib(void); /* resident set of this process */

#endif
