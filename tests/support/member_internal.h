/* member_internal - what the files of member.h share. */
#ifndef TESTS_MEMBER_INTERNAL_H
#define TESTS_MEMBER_INTERNAL_H

#include "loop.h"
#include "member.h"
#include "random.h"
#include "transport.h"

#define MEMBER_NAME_MAX 64

struct crew {
    char seed[MEMBER_NAME_MAX];
    struct entropy entropy;
    struct entropy_seed state;
    struct transport *transport;
    struct loop *loop;
    int64_t ahead_ms;
    uint64_t patience_ms;
};

struct waiting_answer {
    struct waiting_answer *next;
    struct member_answer a;
    uint64_t req;
};

struct member_node {
    struct crew *crew;
    char name[MEMBER_NAME_MAX];
    struct entropy entropy;
    struct entropy_seed state;
    struct member_hub hub;

    enum err (*wire)(struct member_node *m, struct span frame, bool join, void *arg);
    void *wire_arg;

    /* who it is */
    uint8_t org[ID_BYTES];
    uint8_t id[ID_BYTES];
    uint8_t actor[ID_BYTES];
    uint8_t incarnation[ID_BYTES];
    struct secret_sign *sign;
    struct secret_box *curve;
    struct secret_box *prekey;

    /* enrolment */
    struct secret_box *once; /* the invitation's key */
    struct bytes body;
    uint8_t possession[SIG_BYTES];
    char fingerprint[FINGERPRINT_TEXT];
    struct link_socket *join;
    struct bytes join_answer; /* the last JOIN_STATE */
    bool join_heard;

    /* session */
    struct link_socket *link;
    uint64_t session;
    uint64_t req;
    uint32_t credit_messages, credit_bytes;
    struct msg_welcome welcome;
    struct msg_heads heads; /* the last */
    size_t heads_heard;
    bool welcomed; /* since the last HELLO */
    struct directory *dir;
    struct ckpt keys_head;
    uint64_t seq; /* of envelopes */

    /* what came */
    struct waiting_answer *answers, **answers_end;
    size_t answer_count;
    bool (*seen)(struct member_node *m, const struct message *frame, void *arg);
    void *seen_arg;
    struct member_item *items;
    size_t item_count, item_room;
    uint64_t acked;   /* at the hub, as far as this node knows */
    uint64_t on_disk; /* acknowledged once: it is never asked for again */
};

enum err member_make(struct crew *c, const char *name, struct member_node **out);
void member_heard(struct member_node *m, struct span frame); /* a frame of the member port */
/* Until done, or at once if the answer would have come by now. */
bool member_until(struct member_node *m, bool (*done)(void *arg), void *arg, uint64_t within_ms);
void member_keep_item(struct member_node *m, const struct msg_deliver *d);
void member_random(struct member_node *m, uint8_t *out, size_t n); /* aborts if there is none */

#endif
