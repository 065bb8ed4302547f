/*
 * door - the main thread of the hub: sockets, sessions, the control socket and the clock. It looks
 * at who is speaking and how much, hands the bytes to the workers and sends what the core says.
 * It never blocks, verifies no signature and touches no store.
 */
#ifndef HUB_DOOR_H
#define HUB_DOOR_H

#include "control.h"
#include "hub.h"
#include "loop.h"
#include "metrics.h"
#include "transport.h"
#include "zap.h"

struct door_options {
    const char *listen;
    const char *join_listen;
    const char *emergency_listen; /* "": emergency organisations come in with the others */
    uint32_t nodes_max;           /* sessions */
    const char *control_path;
    const struct identity *identity; /* whose transport key is bound, as the keys log says */
    const struct secret_box *bound;  /* the one at the start */
    uint32_t rate_per_s;             /* messages of one node, before any verification */
    uint32_t rate_burst;
    uint64_t memory_max_bytes; /* resident; above it the heaviest unfinished sender is cut off */
    const struct clock *clock;
    const struct entropy *entropy;
    struct transport *transport;
    struct workers *workers;
    struct attachments *attachments;
    struct accounts *accounts;   /* outlive every job and parcel */
    struct fair *core;           /* jobs that need no worker */
    struct queue *out;           /* parcels */
    json_t *(*facts)(void *arg); /* more for `status`, owned by who asks; NULL: nothing more */
    void *facts_arg;
};

struct door;

/* Binds everything; the ZAP thread runs from here on, and answers nobody before door_admit(): a
 * node that is turned away because its key is not read yet would never come back. */
enum err door_open(const struct door_options *options, struct loop *loop, struct door **out);
/* After all keys, and what the core announced at its start: handshakes are answered from now on. */
void door_admit(struct door *d);
void door_close(struct door *d); /* NULL is fine */
/* A leaf of the keys log: for the door's own directory and for ZAP. */
enum err door_keys(struct door *d, uint64_t index, uint64_t time_ms, struct span ss);
/* The transport key that is in force now is the one that is bound: at the start, and when the hour
 * of another has come (PROTOCOL.md 7.8). */
void door_bind_key(struct door *d);
size_t door_sessions(const struct door *d);                 /* open ones: what nodes_max bounds */
uint64_t door_refused(const struct door *d, unsigned code); /* at the door, by error */
void door_metrics(const struct door *d, struct metrics *m);
const char *door_endpoint(const struct door *d);
const char *door_join_endpoint(const struct door *d);
const char *door_emergency_endpoint(const struct door *d); /* "" without one */
enum err door_fatal(const struct door *d); /* why the loop was stopped; ERR_OK: on request */

#endif
