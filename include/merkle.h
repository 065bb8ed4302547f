/*
 * merkle - the tree of RFC 6962 section 2.1 with SHA-256: proofs made and proofs checked.
 * Checking needs nothing but the numbers and hashes handed in. Making proofs needs a source that
 * answers with the hash of any complete subtree; what the source says is trusted.
 * Nothing is allocated, no call keeps state. Thread rule: any thread, sources permitting.
 */
#ifndef RELAIS_MERKLE_H
#define RELAIS_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

#define MERKLE_HASH_BYTES 32
/* A larger tree is refused with ERR_RANGE: with this limit no index arithmetic can overflow and
 * every inclusion and every consistency proof fits MERKLE_PROOF_MAX hashes. */
#define MERKLE_SIZE_MAX ((uint64_t)1 << 62)
#define MERKLE_PROOF_MAX 64

struct merkle_proof {
    size_t count;
    uint8_t hash[MERKLE_PROOF_MAX][MERKLE_HASH_BYTES]; /* RFC 6962 order: lowest sibling first */
};

/* Hash of the complete subtree over leaves [index << level, (index + 1) << level). */
struct merkle_source {
    enum err (*subtree)(void *arg, unsigned level, uint64_t index, uint8_t out[MERKLE_HASH_BYTES]);
    void *arg;
};

void merkle_leaf_hash(struct span entry, uint8_t out[MERKLE_HASH_BYTES]);
/* out may be one of the inputs. */
void merkle_node_hash(const uint8_t left[MERKLE_HASH_BYTES], const uint8_t right[MERKLE_HASH_BYTES],
                      uint8_t out[MERKLE_HASH_BYTES]);
void merkle_empty_root(uint8_t out[MERKLE_HASH_BYTES]); /* SHA-256 of nothing */

/* Number of hashes in the one valid proof; 0 also when index >= size. */
size_t merkle_inclusion_count(uint64_t index, uint64_t size);

/* ERR_OK, or ERR_PROOF for every kind of damage: index not below size, too few or too many hashes,
 * another root. ERR_RANGE for a size above MERKLE_SIZE_MAX. */
enum err merkle_verify_inclusion(const uint8_t root[MERKLE_HASH_BYTES], uint64_t size,
                                 uint64_t index, const uint8_t leaf[MERKLE_HASH_BYTES],
                                 const struct merkle_proof *proof);

/* That the tree (n, new_root) begins with the tree (m, old_root). m > n is ERR_PROOF. With m == n,
 * and with m == 0 (whose root must be the empty root), the only valid proof is the empty one. */
enum err merkle_verify_consistency(uint64_t m, const uint8_t old_root[MERKLE_HASH_BYTES],
                                   uint64_t n, const uint8_t new_root[MERKLE_HASH_BYTES],
                                   const struct merkle_proof *proof);

/* The path of a leaf in the tree of n, from its path in the tree of m and the consistency proof
 * between the two. ERR_PROOF, ERR_RANGE. What goes in is not checked here: verify what comes out.
 */
enum err merkle_extend(uint64_t index, uint64_t m, const struct merkle_proof *old, uint64_t n,
                       const struct merkle_proof *proof, struct merkle_proof *out);

/* Made from the source, which must know every complete subtree below `size` (below `n`). The same
 * question has the same answer for ever, however far the log has grown since. Errors of the
 * source pass through; ERR_RANGE when index >= size, m > n, or a size is above the limit. */
enum err merkle_root(const struct merkle_source *from, uint64_t size,
                     uint8_t out[MERKLE_HASH_BYTES]);
enum err merkle_inclusion(const struct merkle_source *from, uint64_t index, uint64_t size,
                          struct merkle_proof *out);
enum err merkle_consistency(const struct merkle_source *from, uint64_t m, uint64_t n,
                            struct merkle_proof *out);

#endif
