/*
 * load - what is sent and what takes it. Envelopes are sealed before the clock starts. A taker
 * acknowledges as a node does: one signed ACK for what one turn of its loop has brought, with a
 * node's credit. It looks at no envelope, for a node does that on a machine of its own: the leaf
 * of each is known from the sealing, found again by the end of its signature.
 */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include "bench.h"

#define WINDOW 64         /* messages a sender has under way, as a node does */
#define TAKER_MESSAGES 64 /* a node's credit */
#define TAKER_BYTES (4u << 20)
#define COMMIT_S 0.0005 /* what a node's commit takes: it acknowledges no sooner */

struct load {
    struct bytes *frame; /* PUT; req is the number in the load, from 1 */
    uint8_t (*leaf)[32];
    size_t n;
    size_t body_bytes;
};

struct load load_make(struct member_node *from, const uint8_t circle[ID_BYTES],
                      struct member_node *const *to, size_t to_count, size_t n, size_t body_bytes);
#define BATCH 32 /* envelopes under one signature, as a node makes them */
/* One load a sender, two at a time; batch: 1, or BATCH. */
void loads_make(struct world *w, size_t senders, size_t recipients, size_t each, size_t batch,
                struct load *out);
void load_free(struct load *l);

/* --- sending --- */
struct pusher {
    struct member_node *m;
    struct load load;
    size_t sent;
    size_t answered;
    size_t refused;
    uint64_t upto; /* of what its own mailbox brought: receipts, acknowledged unsigned */
    uint64_t acked;
};

void pusher_open(struct pusher *p, struct member_node *m);
void pusher_close(struct pusher *p);
void pusher_turn(struct pusher *p); /* sends what the window allows, acknowledges */

/* --- taking --- */
struct known; /* the leaves of all loads */
struct known *known_make(const struct load *loads, size_t n);
void known_free(struct known *k);

struct taker {
    struct member_node *m;
    const struct known *known;
    void (*on_message)(struct taker *t, size_t load, size_t i, void *arg); /* may be NULL */
    void *arg;
    size_t taken; /* envelopes */
    size_t acked;
    uint64_t upto;
    double acked_at;
    size_t batch;
    uint8_t leaf[4 * TAKER_MESSAGES][32];
};

/* Before the HELLO: it says the credit. */
void taker_credit(struct member_node *m);
void taker_open(struct taker *t, struct member_node *m, const struct known *known);
void taker_close(struct taker *t);
void taker_turn(struct taker *t); /* acknowledges what has come */

/* Closes and opens the session anew, so that the credit is a node's. */
void member_again(struct member_node *m, bool as_taker);

#endif
