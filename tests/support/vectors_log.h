/*
 * vectors_log - the audit log of the vectors: fourteen entries that tell the story of the circle,
 * and the tree over them, computed as RFC 6962 2.1 says it: by recursion. Thread rule: one thread.
 */
#ifndef TESTS_VECTORS_LOG_H
#define TESTS_VECTORS_LOG_H

#include "vectors_kit.h"

#define VEC_LOG_ORIGIN VEC_FEDERATION "/audit/2026"
#define VEC_LOG_MAX 16
#define VEC_PATH_MAX 8

struct vec_leaf {
    const char *what;
    uint64_t type;
    uint8_t salt[32];
    struct bytes detail;
    struct bytes entry;
};

struct vec_path {
    size_t count;
    uint8_t hash[VEC_PATH_MAX][32];
};

struct vec_delivered { /* the ACK behind entry 5 */
    uint8_t federation[16], incarnation[16], org[16], node[16];
    uint64_t after, upto;
    uint32_t count;
    uint8_t item[4][16 + 64]; /* mid, digest */
    uint8_t leaf[4][32];
    uint8_t root[32];
    struct bytes data; /* what is hashed into digest */
    uint8_t digest[64];
    uint8_t sig[64];
};

struct vec_log {
    size_t size;
    struct vec_leaf leaf[VEC_LOG_MAX];
    uint8_t hash[VEC_LOG_MAX][32]; /* leaf hashes */
    struct vec_delivered delivered;
    struct bytes report; /* stmt and SS of entry 6 */
    struct bytes report_ss;
    struct bytes recall; /* of entry 11 */
    struct bytes recall_ss;
};
const struct vec_log *vec_log(void); /* made once, lives as long as the program */

void vec_tree_root(const uint8_t (*leaves)[32], size_t n, uint8_t root[32]);
void vec_tree_path(const uint8_t (*leaves)[32], size_t n, size_t index, struct vec_path *path);

#endif
