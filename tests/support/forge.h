/*
 * forge - seals envelopes step by step from PROTOCOL.md 5.2 and 5.3, and lets a test change what
 * it wants between two steps, so that exactly one check of a receiver has something to refuse.
 * Knows neither header_encode() nor envelope_seal(). Thread rule: one thread.
 */
#ifndef TESTS_FORGE_H
#define TESTS_FORGE_H

#include "header.h"
#include "vectors_kit.h"

#define FORGE_PAIRS_MAX 48
#define FORGE_PARTS_MAX 8
#define FORGE_STANZA 96

/* What stands finished, and may be changed, when an edit is called. */
enum forge_point {
    AT_START,  /* h, prekey, body, receiver and its moment */
    AT_PAIRS,  /* pair[]: the header's keys and values, each encoded */
    AT_HDR,    /* hdr */
    AT_KEYS,   /* mk[], body_mk, ephemeral[], wrap_index[] */
    AT_RCP,    /* rcp */
    AT_COM,    /* com */
    AT_PADDED, /* padded: the body before it is encrypted */
    AT_CT,     /* ct */
    AT_DIGEST, /* digest, before it is signed */
    AT_SIG,    /* sig */
    AT_PARTS,  /* part[]: the six elements, each encoded */
    AT_WHOLE   /* whole */
};

enum forge_seen {
    SEEN_NOTHING,
    SEEN_SAME,
    SEEN_OTHER_BYTES,
    SEEN_OTHER_SENDER
};

struct forge_pair {
    struct bytes key;
    struct bytes value;
};

struct forge {
    /* the receiver */
    enum vec_member receiver;
    uint64_t mode;
    uint64_t now_ms;
    enum forge_seen seen;

    /* the sender */
    enum vec_member sender;
    struct env_header h;
    struct box_public prekey[RECIPIENTS_MAX];
    struct bytes body;
    const char *signer; /* name of the key that signs */
    enum sign_context context;

    /* what is made, in this order */
    size_t pair_count;
    struct forge_pair pair[FORGE_PAIRS_MAX];
    struct bytes hdr;
    uint8_t hh[64];
    uint8_t mk[RECIPIENTS_MAX][32]; /* as wrapped for each: all alike in an honest envelope */
    uint8_t body_mk[32];            /* as used for com, k and n */
    uint8_t ephemeral[RECIPIENTS_MAX][32];
    size_t wrap_index[RECIPIENTS_MAX]; /* as bound into each wrap */
    struct bytes rcp;
    uint8_t rh[64];
    uint8_t com[32];
    struct bytes padded;
    uint8_t body_key[64]; /* k, n, eight more */
    uint8_t body_aad[64];
    struct bytes ct;
    uint8_t digest[64];
    size_t batch_count; /* 0: signed singly. Read again at AT_SIG and AT_PARTS, like the path. */
    size_t batch_index;
    enum vec_member batch_from; /* whose organisation the root names: the sender's unless set */
    bool batch_from_set;
    struct bytes batch_path;
    uint8_t sig[64];
    uint64_t version;
    size_t part_count;
    struct bytes part[FORGE_PARTS_MAX];
    struct bytes whole;
    size_t zeros; /* that follow `whole` and are not worth writing down */
};

struct forge_edit {
    void (*before)(struct forge *f); /* the scene, when it is not the plain one; may be NULL */
    enum forge_point point;
    void (*edit)(struct forge *f, const struct forge_edit *how);
    unsigned number;  /* for the edit */
    const char *text; /* for the edit */
};

/* An honest scene: the hospital writes to the EHPAD, one minute ago. `name` makes it unique. */
void forge_init(struct forge *f, const char *name);
/* Audience: count members, each under its prekey 2, categories of the cast. */
void forge_address(struct forge *f, const enum vec_member *to, size_t count);
/* All steps from the pairs on, `how` (may be NULL) being called at its point. */
void forge_seal(struct forge *f, const struct forge_edit *how);
void forge_free(struct forge *f);

/* For edits */
void forge_set_bytes(struct bytes *b, struct span value);
struct forge_pair *forge_pair_of(struct forge *f, uint64_t key); /* aborts if it is not there */
void forge_insert_pair(struct forge *f, size_t at, struct span key, struct span value);
void forge_drop_pair(struct forge *f, uint64_t key);
void forge_set_bin_part(struct forge *f, size_t part, struct span value);
/* Stanza of recipient i again, after its mk, ephemeral, wrap_index or the header changed. */
void forge_stanza(struct forge *f, size_t i, uint8_t out[FORGE_STANZA]);

/* ct again, from `padded`, under whatever is given. */
void forge_encrypt(struct forge *f, const uint8_t mk[32], const uint8_t rh[64],
                   const uint8_t com[32]);

/* pad() of PROTOCOL.md 5.2, read once more. */
size_t forge_padded_len(size_t body_len);

#endif
