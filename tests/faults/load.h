/*
 * load - members that send without pause, each with what it holds in its hands: every envelope is
 * offered byte for byte until its receipt or a final refusal is there, everything that comes is
 * acknowledged, and all of it goes into the history at the moment it happens. The members are
 * parts of the harness, which no fault touches: what they hold is durable.
 * Thread rule: one thread.
 */
#ifndef TESTS_FAULTS_LOAD_H
#define TESTS_FAULTS_LOAD_H

#include <stdbool.h>

#include "history.h"
#include "links.h"
#include "scene.h"

#define LOAD_ACTORS_MAX 12
#define LOAD_NAME 8

struct load;
struct actor;

/* Small numbers drawn from a seed; the same in every run. */
struct dice {
    uint64_t state;
};
uint64_t dice_draw(struct dice *d, uint64_t below);               /* 0 to below - 1 */
uint64_t dice_named(uint64_t seed, const char *name, uint64_t n); /* a seed for one purpose */

enum err load_new(struct history *h, const struct scene *s, struct load **out);
void load_free(struct load *l); /* NULL is fine; before the scene */
/* A member of the scene, or of another crew, takes part under this name; all before the first
 * load_write(). */
enum err load_add(struct load *l, const char *name, struct member_node *m);
size_t load_actors(const struct load *l);
/* The member is away (not connected), or back. */
void load_away(struct load *l, size_t actor, bool away);
bool load_is_away(const struct load *l, size_t actor);
/* One envelope from one to those of the mask (himself is left out); it expires after life_ms. */
enum err load_write(struct load *l, size_t actor, unsigned to, uint64_t life_ms, size_t bytes);
/* The same with what is special about it. */
struct load_wish {
    uint64_t life_ms;
    size_t bytes;
    uint32_t consent; /* shared under that consent, by its place in the circle; 0: an exchange */
    bool keep;        /* it may be recalled */
    size_t deputy;    /* who stands in for the first recipient, counted from 1; 0: nobody */
    uint64_t after_s; /* and when */
};
enum err load_write_as(struct load *l, size_t actor, unsigned to, const struct load_wish *wish);
/* So many under one signature, each an envelope of its own. */
enum err load_write_batch(struct load *l, size_t actor, unsigned to, size_t n);

/* A statement, offered byte for byte until there is its receipt or a final refusal. `ss` is taken.
 * Lives as long as the load. */
struct ask;
struct ask *load_ask(struct load *l, size_t actor, enum message_type type, struct bytes *ss);
bool load_asked(const struct ask *a, enum err *code); /* it is decided */
size_t load_asking(const struct load *l);             /* how many are not */
/* Asks for every kept envelope of his that is accepted and has not ended to be recalled. */
size_t load_recall(struct load *l, size_t actor);
size_t load_ended_so(const struct load *l, unsigned type); /* envelopes that ended in that way */
size_t load_released(const struct load *l);                /* envelopes, to their deputies */
size_t load_batched(const struct load *l);                 /* accepted under common signatures */

/* Sends, hears, acknowledges, reconnects; waits at most a few ms. */
void load_turn(struct load *l);
/* Every connection is made anew: the hub has ended. */
void load_reconnect(struct load *l);
void load_reconnect_one(struct load *l, size_t actor);

size_t load_undecided(const struct load *l);   /* offers without receipt or refusal */
size_t load_outstanding(const struct load *l); /* accepted, and not ended for some recipient */
size_t load_accepted(const struct load *l);
size_t load_greeted(const struct load *l); /* who has a session now */
void load_explain(const struct load *l);   /* to stderr: what is still missing */
/* The newest audit head that any member holds; 0: none. */
uint64_t load_audit_size(const struct load *l);
/* While an old store is in place: members look (HELLO, WELCOME) and neither send nor keep. True
 * once one has seen a head that contradicts what it holds. */
bool load_sees_rollback(struct load *l, size_t actor, uint64_t within_ms);

#endif
