/*
 * campaign - the world of a campaign and what every round is made of: a real hub, members that
 * send without pause (load.h), two real nodes that send sheets to each other, and the links
 * between. Rounds (rounds.h) break it and wait until nobody is owed an answer.
 * Thread rule: one thread.
 */
#ifndef TESTS_FAULTS_CAMPAIGN_H
#define TESTS_FAULTS_CAMPAIGN_H

#include "load.h"
#include "noded.h"

#define CAMPAIGN_NODES 2
#define NODES_BEHIND_MIN 9 /* their clocks at first: what others bear, PROTOCOL.md 5.4 step 9 */
#define SITE_FAR 2         /* of the far member; 0 and 1 are the nodes' */
#define SITES 3
#define ROUND_KINDS_MAX 48

struct campaign_options {
    uint64_t seed;
    const char *history; /* file */
    bool links;          /* namespaces, and what needs them */
    bool nodes;
    uint64_t patience_ms; /* for what must come; 0: the usual */
};

struct campaign {
    uint64_t seed;
    struct dice dice;
    struct history *history;
    struct links *links; /* NULL: everything on loopback */
    struct scene scene;
    struct crew *far_crew;
    struct member_node *far;
    struct load *load;
    struct noded *node[CAMPAIGN_NODES];
    bool node_up[CAMPAIGN_NODES]; /* it should be running */
    const char *node_armed[CAMPAIGN_NODES];
    int node_behind_min[CAMPAIGN_NODES];
    size_t sheets; /* asked for, of both nodes */
    size_t sent[CAMPAIGN_NODES];
    uint64_t sheet_ms;                       /* when the next is due */
    const char *armed;                       /* the fault the hub runs under; NULL: none */
    size_t operators;                        /* acts that they have been asked for */
    char first[1100], old[1100], real[1100]; /* copies of the store */
    uint64_t patience_ms;
    size_t rounds, kills, cuts, stuck;
    size_t happened[ROUND_KINDS_MAX]; /* faults, in the order of round_kinds() */
    bool given_up;                    /* the hub does not start any more */
};

enum err campaign_open(const struct campaign_options *o, struct campaign *c);
void campaign_close(struct campaign *c);
/* Nobody is in the way any more: everything has to arrive. Then `last` (may be NULL). Then the
 * nodes' boxes, the log recomputed, and the end. ERR_TIMEOUT: it did not, which the history shows.
 */
enum err campaign_end(struct campaign *c, void (*last)(struct campaign *c));

/* --- what rounds do ----------------------------------------------------------------------------
 */

void fault_happened(struct campaign *c, const char *kind);
/* The hub, under a fault of preload_faults.c (NULL: none) and the campaign's clock; everybody
 * connects anew. False: it ended before it was ready. */
bool hub_start(struct campaign *c, const char *fault);
bool hub_start_with(struct campaign *c, const struct hubproc_start *how, const char *armed);
void hub_stop(struct campaign *c); /* SIGTERM, fine if it has ended */
void hub_kill(struct campaign *c);
/* Runs, and if it has just ended by itself, that is in the history. */
bool hub_alive(struct campaign *c);
void hub_ensure(struct campaign *c); /* runs without a fault when this returns */
/* A damaged store: true if the hub refuses it, or says what is wrong. It does not run after that.
 */
bool hub_finds_damage(struct campaign *c);
bool node_alive(struct campaign *c, size_t i);
void node_start(struct campaign *c, size_t i, const char *fault);
void node_start_recorded(struct campaign *c, size_t i, const char *log); /* powercut.h */
void node_stop(struct campaign *c, size_t i);

/* Some envelopes from everybody to a few each. */
void write_some(struct campaign *c, size_t each);
void sheet_send(struct campaign *c, size_t from); /* of a node that runs */
/* The same with a file of that many bytes; token: its subject. False: it was not kept. */
bool sheet_attach(struct campaign *c, size_t from, size_t bytes, char token[32]);
/* The file of that sheet is at its recipient, as it was given. What is another is in the history.
 */
bool sheet_attached(struct campaign *c, size_t to, const char *token, size_t bytes);
/* The world goes on: load, nodes' sheets, the watch over processes. */
void world_turn(struct campaign *c);
/* Until done, or false after within_ms. */
bool world_until(struct campaign *c, bool (*done)(struct campaign *c), uint64_t within_ms);
void world_run(struct campaign *c, uint64_t ms);
bool all_decided(struct campaign *c);
bool sheets_accepted(struct campaign *c);  /* all that the nodes have sent */
bool sheets_arrived(struct campaign *c);   /* the same */
size_t sheets_waiting(struct campaign *c); /* which have not */
bool hub_ended(struct campaign *c);
/* The round is over: hub up, every offer answered, memory looked at. */
void round_end(struct campaign *c);

#endif
