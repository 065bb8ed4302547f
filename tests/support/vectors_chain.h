/*
 * vectors_chain - signed statements for the vectors (PROTOCOL.md 7.1 and 8): the life of one circle
 * from creation to closing. Written from the specification with the writer alone.
 * Thread rule: one thread.
 */
#ifndef TESTS_VECTORS_CHAIN_H
#define TESTS_VECTORS_CHAIN_H

#include "vectors_kit.h"

#define VEC_CHAIN_MAX 20
#define VEC_JUDGED_MAX 12

struct vec_signer {
    uint64_t role;    /* 7.1 */
    uint8_t org[16];  /* zeros for registrar and hub */
    const char *name; /* of the key */
};

/* SS = [stmt, signatures], D = H-512(label, stmt); signers are in order already. */
void vec_ss(struct span stmt, const char *label, enum sign_context context,
            const struct vec_signer *signers, size_t count, struct bytes *out);
struct vec_signer vec_signer_of(uint64_t role, enum vec_member m); /* its node's signing key */

struct vec_link {
    const char *what;
    enum vec_member author;
    struct bytes stmt;
    struct bytes ss;
    uint8_t hash[32]; /* prev of the next */
};

/* What somebody says when the head is that of link[after]; it is no part of the chain. */
struct vec_judged {
    const char *what;
    size_t after;
    const char *error; /* "OK": would be accepted */
    struct bytes ss;
};

struct vec_chain {
    uint8_t handle[ID_BYTES];
    struct bytes offer_ehpad; /* [offer, org, skid, sig] each */
    struct bytes offer_dac;
    struct bytes offer_samu;
    struct bytes offer_referent;
    size_t count;
    struct vec_link link[VEC_CHAIN_MAX];
    size_t judged_count;
    struct vec_judged judged[VEC_JUDGED_MAX];
};
const struct vec_chain *vec_chain(void); /* made once, lives as long as the program */

#endif
