/* load_internal - what the files of load.h share. */
#ifndef TESTS_FAULTS_LOAD_INTERNAL_H
#define TESTS_FAULTS_LOAD_INTERNAL_H

#include "load.h"
#include "member_internal.h"

enum letter_state {
    LETTER_NEW, /* or to be offered again */
    LETTER_SENT,
    LETTER_DONE,
    LETTER_REFUSED
};

struct load_letter {
    uint8_t mid[ID_BYTES];
    struct actor *by;
    struct bytes envelope; /* until it is decided */
    enum letter_state state;
    uint64_t req;
    uint64_t sent_ms;
    bool said, keep, batched, recalled, shared;
    unsigned to;    /* mask of actors */
    unsigned ended; /* of those, ended */
    size_t deputy;  /* of `to` when it is released to him; counted from 1, 0: none */
    char digest[17];
};

struct ask {
    struct ask *next;
    struct actor *by;
    enum message_type type;
    struct bytes ss;
    enum letter_state state;
    uint64_t req;
    uint64_t sent_ms;
    enum err code;
};

struct actor {
    char name[LOAD_NAME];
    struct load *l;
    size_t number;
    struct member_node *m;
    bool away, up, watching;
    uint64_t hello_ms, ack_ms, rest_ms;
    uint64_t acked; /* as of the last WELCOME */
    struct load_letter **letter;
    size_t n, cap, first; /* all before first are decided */
    struct ckpt newest;   /* audit head */
    bool rollback;
};

struct load {
    struct history *h;
    const struct scene *scene;
    struct actor actor[LOAD_ACTORS_MAX];
    size_t n;
    struct load_letter **slot; /* hash of mids */
    size_t slots, letters;
    struct crew *crews[LOAD_ACTORS_MAX];
    size_t crew_count;
    size_t accepted, undecided, outstanding, batched, released;
    struct ask *asks, **asks_end;
    size_t asking;
    size_t ended_so[32]; /* by audit type */
    bool key_known;
    struct sign_public audit_key, keys_key;
    char audit_origin[96], keys_origin[96];
};

bool load_hear(struct member_node *m, const struct message *frame, void *arg);
struct load_letter *load_find(struct load *l, const uint8_t mid[ID_BYTES]);
struct actor *load_by_org(struct load *l, const uint8_t org[ID_BYTES]);
void load_origin(struct load *l, const struct ckpt *audit); /* learned once, from a head */
const char *hex_of(const uint8_t *in, size_t n, char *out);
void load_keep(struct actor *a, struct load_letter *x);
bool asks_offer(struct actor *a); /* false: it is time to greet anew */
void asks_lost(struct actor *a);
bool ask_answered(struct actor *a, uint64_t req, enum err code, bool final); /* was it one? */
void asks_free(struct load *l);
void actor_lost(struct actor *a, uint64_t wait_ms); /* greets again, then offers again */

#endif
