/*
 * circle_state - the inside of struct circle, for circle.c (questions, memory), circle_judge.c (may
 * this be said?) and circle_apply.c (the one writer). Thread rule: as circle.h.
 */
#ifndef RELAIS_CIRCLE_STATE_H
#define RELAIS_CIRCLE_STATE_H

#include "circle.h"

struct circle {
    bool handle_given; /* handle[] is what create must hash to */
    bool closed;
    bool has_referent;
    uint32_t size;
    uint8_t handle[ID_BYTES];
    uint8_t head[STMT_LINK_BYTES];
    uint8_t responsible[ID_BYTES];
    uint8_t referent[ID_BYTES];
    struct circle_member *members;
    size_t member_count, member_cap;
    struct circle_act *acts;
    size_t act_count, act_cap;
    uint8_t (*orgs)[ID_BYTES]; /* named by acts */
    size_t org_count, org_cap;
    uint8_t (*nonces)[ID_BYTES]; /* of offers that were used */
    size_t nonce_count, nonce_cap;
    size_t live[CIRCLE_OPPOSITION + 1]; /* by kind of act */
};

/* A statement found good. */
struct circle_step {
    struct circle_statement s;
    uint8_t link[STMT_LINK_BYTES];
    uint8_t handle[ID_BYTES];  /* CREATE */
    struct circle_offer offer; /* JOIN, REFERENT */
};

/* signers NULL: signatures were verified before. Spans in *out are borrowed from ss. */
enum err circle_judge(const struct circle *c, struct span ss, const struct circle_signers *signers,
                      uint64_t now_ms, struct circle_step *out);

#endif
