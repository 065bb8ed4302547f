/*
 * hub - what the modules of relais-hub share: the work that travels between its threads.
 *
 *   door (main thread)  sockets, sessions, control socket, timers; no store, no verification
 *     | job             fair between organisations (fair.h), within what each may have under way
 *   workers             parse and verify; no store. Emergency organisations have one of their own
 *     | job             fair again, for what a commit takes in
 *   core (store thread) the only one that reads and writes the store: decides, commits a group,
 *     | parcel          and only then lets anything out
 *   door
 *
 * A job is owned by whoever holds it and freed by the core; a parcel is freed by the door.
 */
#ifndef HUB_HUB_H
#define HUB_HUB_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "account.h"
#include "clock.h"
#include "directory.h"
#include "envelope.h"
#include "fair.h"
#include "ids.h"
#include "messages.h"
#include "queue.h"
#include "random.h"
#include "span.h"
#include "statement.h"
#include "transport.h"

#define HUB_WORKERS_MAX 16
#define HUB_GROUP_MAX 256 /* items of one commit */
#define HUB_GROUP_BYTES (4u << 20)
#define HUB_GROUP_SHARE (1u << 20) /* of one organisation: 30 small jobs, 4 large */
#define HUB_GROUP_US 2000          /* of deciding: who comes during a group waits for all of it */
#define HUB_GROUP_LEAST 32         /* items of one commit while others wait, whatever they cost */

/* A member's node: number is the leaf index of its enrolment, small and for ever. */
struct member {
    uint8_t org[ID_BYTES];
    uint8_t node[ID_BYTES];
    uint32_t number;
    uint32_t keyed_at; /* leaf of the transport key it came in under */
};

enum job_kind {
    JOB_MEMBER,  /* a frame of an open session, verified as far as its type asks */
    JOB_HELLO,   /* a session wants to open */
    JOB_GONE,    /* a session has ended */
    JOB_JOIN,    /* a frame on the JOIN port */
    JOB_COMMAND, /* a request of the control socket */
    JOB_KEYS,    /* to workers: a statement of the keys log for their replica of the directory */
    JOB_TICK,    /* expiry and sweeping */
    JOB_LOCK     /* a node is let in no more */
};

struct job {
    struct job *next; /* in a queue */
    enum job_kind kind;
    enum lane lane;
    uint32_t cost;         /* for its turn in a queue; 0: the fixed price */
    struct charge *charge; /* owned, one of its holders */
    struct link_peer peer;
    uint64_t session; /* the door's number of the connection; 0: none */
    struct member who;
    char invite[33]; /* JOB_JOIN: hex of the invitation id */
    uint64_t req;
    uint64_t heard_us;      /* mono, at the door; 0: unknown */
    struct bytes frame;     /* owned; message and view borrow from it */
    struct message message; /* decoded */
    enum err verdict;       /* what the worker found; ERR_OK: decide */
    bool can_wait;          /* for others to be committed with: nobody waits for its effect */
    bool costly;            /* a signature did not verify: the door counts these */
    struct envelope_view view;
    struct env_header header;
    uint8_t digest[DIGEST_BYTES];
    struct statement ss;   /* REPORT, DECLARE, KEYS_PUT */
    uint64_t after;        /* ACK: where the former one stood */
    const json_t *request; /* JOB_COMMAND, borrowed until the answer */
    struct control_request *control;
    json_t *door;     /* JOB_COMMAND: what only the door knows, owned */
    uint64_t index;   /* JOB_KEYS */
    uint64_t time_ms; /* JOB_KEYS */
};

enum parcel_kind {
    PARCEL_FRAME,  /* send these bytes */
    PARCEL_OPEN,   /* the session is open: send, and start counting */
    PARCEL_KEYS,   /* a statement of the keys log: apply to replicas and to ZAP */
    PARCEL_INVITE, /* let this one-time key in on the JOIN port (number 0: no longer) */
    PARCEL_ANSWER, /* of a control request */
    PARCEL_LIMITS, /* what an organisation may have in flight */
    PARCEL_LOCK,   /* its key is let in again, or no more */
    PARCEL_AGAIN,  /* every member's connection is closed: all say HELLO again */
    PARCEL_FATAL   /* the store cannot go on: end the process */
};

struct parcel {
    enum parcel_kind kind;
    struct link_peer peer;
    uint64_t session;
    struct member who;
    struct bytes frame;
    struct charge *charge;   /* of the request that it answers: free again once it is sent */
    struct outflow *outflow; /* DELIVER on its way to the door */
    uint32_t outflow_bytes;
    uint64_t acked_seq; /* PARCEL_OPEN */
    uint64_t index;     /* PARCEL_KEYS */
    uint64_t time_ms;   /* PARCEL_KEYS */
    uint8_t key[32];    /* PARCEL_INVITE: one-time public key */
    char invite[33];    /* PARCEL_INVITE */
    bool allow;         /* PARCEL_INVITE, PARCEL_LOCK */
    struct account_limits limits;
    bool penalty; /* the request failed for its signature */
    struct control_request *control;
    json_t *answer; /* owned */
    enum err why;
};

void job_free(struct job *j);       /* NULL is fine */
void parcel_free(struct parcel *p); /* NULL is fine */

/* DELIVERs between the pump and the door, in bytes: the pump makes no more than OUTFLOW_MAX of
 * them, and is woken when half has gone. Any thread. */
#define OUTFLOW_MAX (8u << 20)
struct outflow {
    _Atomic uint64_t bytes;
    _Atomic bool wanted;
    struct fair *wake; /* the core's queue */
};
bool outflow_is_full(struct outflow *o); /* true: whoever asked is woken when there is room */
void outflow_add(struct outflow *o, struct parcel *p);
void parcel_arrived(struct parcel *p); /* the door has it; again is fine */

/* --- workers (workers.c) -------------------------------------------------------------------- */
struct workers;
struct worker_options {
    size_t count; /* for members; one more is kept for emergency organisations */
    const struct entropy *entropy;
    const struct clock *clock;
    uint64_t mode; /* of the federation */
    uint8_t federation[ID_BYTES];
    uint8_t incarnation[ID_BYTES]; /* of the hub's store, for ACKs */
    struct fair *core;             /* where verified jobs go */
};
enum err workers_start(const struct worker_options *options, struct workers **out);
void workers_stop(struct workers *w); /* what is queued is passed on first; NULL is fine */
/* In its organisation's turn. ERR_NOMEM, ERR_CLOSED: the job stays the caller's. */
enum err workers_give(struct workers *w, struct job *j);
/* A leaf of the keys log, for every worker's directory. */
enum err workers_keys(struct workers *w, uint64_t index, uint64_t time_ms, struct span ss);
struct proven;
/* One job, as a worker does it: fills message, view, header, digest and verdict. proven may be
 * NULL. For tests too. */
void job_verify(struct job *j, const struct directory *dir, const struct worker_options *o,
                struct proven *proven);

/* Who a ZAP user text names: "node:<org>:<node>:<keyed_at, 8 hex digits>" or "invite:<id>".
 * ERR_NOT_ENROLLED otherwise. */
enum err user_member(const char *user, struct member *out); /* number is left 0 */
enum err user_invite(const char *user, char id[33]);
#define USER_MEMBER_TEXT 80 /* with its NUL */
void user_of_member(const struct member *m, char out[USER_MEMBER_TEXT]);

#endif
