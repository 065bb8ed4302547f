/* merkle - see merkle.h. Names follow RFC 6962 2.1 and, for the checks, RFC 9162 2.1.3 and 2.1.4.
 */
#include "merkle.h"

#include <assert.h>
#include <string.h>

#include "digest.h"

static_assert(MERKLE_PROOF_MAX >= 63, "a consistency proof of the largest tree fits");

void merkle_leaf_hash(struct span entry, uint8_t out[MERKLE_HASH_BYTES])
{
    sha256_leaf(entry, out);
}

void merkle_node_hash(const uint8_t left[MERKLE_HASH_BYTES], const uint8_t right[MERKLE_HASH_BYTES],
                      uint8_t out[MERKLE_HASH_BYTES])
{
    sha256_node(left, right, out);
}

void merkle_empty_root(uint8_t out[MERKLE_HASH_BYTES])
{
    sha256((struct span){NULL, 0}, out);
}

/* The largest power of two smaller than n, for n >= 2: where RFC 6962 splits a tree. */
static uint64_t split_of(uint64_t n)
{
    return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

static int is_power_of_two(uint64_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static int hash_equal(const uint8_t a[MERKLE_HASH_BYTES], const uint8_t b[MERKLE_HASH_BYTES])
{
    return memcmp(a, b, MERKLE_HASH_BYTES) == 0;
}

/* Checking */

size_t merkle_inclusion_count(uint64_t index, uint64_t size)
{
    size_t count = 0;

    if (index >= size)
        return 0;
    for (uint64_t n = size; n > 1; count++) {
        uint64_t k = split_of(n);

        if (index < k) {
            n = k;
        } else {
            index -= k;
            n -= k;
        }
    }
    return count;
}

enum err merkle_verify_inclusion(const uint8_t root[MERKLE_HASH_BYTES], uint64_t size,
                                 uint64_t index, const uint8_t leaf[MERKLE_HASH_BYTES],
                                 const struct merkle_proof *proof)
{
    uint8_t hash[MERKLE_HASH_BYTES];
    uint64_t node = index;
    uint64_t last = size - 1;

    if (size > MERKLE_SIZE_MAX)
        return ERR_RANGE;
    if (index >= size || proof->count != merkle_inclusion_count(index, size))
        return ERR_PROOF;

    memcpy(hash, leaf, sizeof hash);
    for (size_t i = 0; i < proof->count; i++) {
        if ((node & 1) || node == last) {
            merkle_node_hash(proof->hash[i], hash, hash);
            while (!(node & 1)) { /* a right edge without siblings: climb to where it is a right
                                     child; the count was checked, so node is not 0 here */
                node >>= 1;
                last >>= 1;
            }
        } else {
            merkle_node_hash(hash, proof->hash[i], hash);
        }
        node >>= 1;
        last >>= 1;
    }
    return hash_equal(hash, root) ? ERR_OK : ERR_PROOF;
}

/* Walks up from the last complete subtree of the old tree, building both roots side by side. */
static enum err climb_both(uint64_t m, uint64_t n, const struct merkle_proof *proof,
                           uint8_t old_hash[MERKLE_HASH_BYTES], uint8_t new_hash[MERKLE_HASH_BYTES],
                           size_t next)
{
    uint64_t node = m - 1;
    uint64_t last = n - 1;

    while (node & 1) {
        node >>= 1;
        last >>= 1;
    }
    for (; next < proof->count; next++) {
        const uint8_t *sibling = proof->hash[next];

        if (last == 0)
            return ERR_PROOF; /* more hashes than the tree is high */
        if ((node & 1) || node == last) {
            merkle_node_hash(sibling, old_hash, old_hash);
            merkle_node_hash(sibling, new_hash, new_hash);
            while (!(node & 1) && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            merkle_node_hash(new_hash, sibling, new_hash);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 ? ERR_OK : ERR_PROOF;
}

enum err merkle_verify_consistency(uint64_t m, const uint8_t old_root[MERKLE_HASH_BYTES],
                                   uint64_t n, const uint8_t new_root[MERKLE_HASH_BYTES],
                                   const struct merkle_proof *proof)
{
    uint8_t old_hash[MERKLE_HASH_BYTES];
    uint8_t new_hash[MERKLE_HASH_BYTES];
    size_t next = 0;
    enum err e;

    if (m > MERKLE_SIZE_MAX || n > MERKLE_SIZE_MAX)
        return ERR_RANGE;
    if (m > n || proof->count > MERKLE_PROOF_MAX)
        return ERR_PROOF;
    if (m == 0)
        merkle_empty_root(old_hash);
    if (m == 0 && !hash_equal(old_hash, old_root))
        return ERR_PROOF;
    if (m == n)
        return proof->count == 0 && hash_equal(old_root, new_root) ? ERR_OK : ERR_PROOF;
    if (m == 0)
        return proof->count == 0 ? ERR_OK : ERR_PROOF;

    if (!is_power_of_two(m) && proof->count == 0)
        return ERR_PROOF;
    /* A complete old tree is itself the first node, so the proof leaves it out. */
    memcpy(old_hash, is_power_of_two(m) ? old_root : proof->hash[next++], sizeof old_hash);
    memcpy(new_hash, old_hash, sizeof new_hash);
    if ((e = climb_both(m, n, proof, old_hash, new_hash, next)))
        return e;
    return hash_equal(old_hash, old_root) && hash_equal(new_hash, new_root) ? ERR_OK : ERR_PROOF;
}

/* Making */

/* Root over leaves [begin, begin + size), size > 0; begin is a multiple of every complete subtree
 * inside, as it is for every range RFC 6962 ever splits off. */
static enum err range_root(const struct merkle_source *from, uint64_t begin, uint64_t size,
                           uint8_t out[MERKLE_HASH_BYTES])
{
    unsigned level = (unsigned)__builtin_ctzll(size);
    uint8_t hash[MERKLE_HASH_BYTES];
    uint8_t left[MERKLE_HASH_BYTES];
    enum err e;

    /* from the smallest subtree, on the right, to the largest */
    size &= size - 1;
    if ((e = from->subtree(from->arg, level, (begin + size) >> level, hash)))
        return e;
    while (size != 0) {
        level = (unsigned)__builtin_ctzll(size);
        size &= size - 1;
        if ((e = from->subtree(from->arg, level, (begin + size) >> level, left)))
            return e;
        merkle_node_hash(left, hash, hash);
    }
    memcpy(out, hash, sizeof hash);
    return ERR_OK;
}

enum err merkle_root(const struct merkle_source *from, uint64_t size,
                     uint8_t out[MERKLE_HASH_BYTES])
{
    if (size > MERKLE_SIZE_MAX)
        return ERR_RANGE;
    if (size == 0) {
        merkle_empty_root(out);
        return ERR_OK;
    }
    return range_root(from, 0, size, out);
}

/* Proofs are found from the root down and told from the leaf up. */
static void reverse_into(const struct merkle_proof *down, struct merkle_proof *out)
{
    for (size_t i = 0; i < down->count; i++)
        memcpy(out->hash[i], down->hash[down->count - 1 - i], MERKLE_HASH_BYTES);
    out->count = down->count;
}

enum err merkle_inclusion(const struct merkle_source *from, uint64_t index, uint64_t size,
                          struct merkle_proof *out)
{
    struct merkle_proof down;
    uint64_t begin = 0;
    enum err e;

    if (size > MERKLE_SIZE_MAX || index >= size)
        return ERR_RANGE;
    down.count = 0;
    for (uint64_t n = size; n > 1;) {
        uint64_t k = split_of(n);
        int on_left = index - begin < k;

        if ((e = range_root(from, on_left ? begin + k : begin, on_left ? n - k : k,
                            down.hash[down.count])))
            return e;
        down.count++;
        begin += on_left ? 0 : k;
        n = on_left ? k : n - k;
    }
    reverse_into(&down, out);
    return ERR_OK;
}

enum err merkle_consistency(const struct merkle_source *from, uint64_t m, uint64_t n,
                            struct merkle_proof *out)
{
    struct merkle_proof down;
    uint64_t begin = 0;
    uint64_t end = n;
    enum err e;

    if (m > n || n > MERKLE_SIZE_MAX)
        return ERR_RANGE;
    down.count = 0;
    while (m != 0 && end != m) { /* invariant: begin < m < end, the old tree ends inside */
        uint64_t k = split_of(end - begin);
        int on_left = m - begin <= k;

        if ((e = range_root(from, on_left ? begin + k : begin, on_left ? end - begin - k : k,
                            down.hash[down.count])))
            return e;
        down.count++;
        if (on_left)
            end = begin + k;
        else
            begin += k;
    }
    if (m != 0 && begin != 0) { /* the subtree that ends at m; the whole old tree is known */
        if ((e = range_root(from, begin, m - begin, down.hash[down.count])))
            return e;
        down.count++;
    }
    reverse_into(&down, out);
    return ERR_OK;
}

/* --- a path in a later tree --------------------------------------------------------------------
 */

/* The root of a tree of n leaves, from a consistency proof with its part of m that leaves none of
 * its hashes out (RFC 6962 2.1.2, SUBPROOF with b false). */
static enum err root_of_part(uint64_t m, uint64_t n, const struct merkle_proof *proof, size_t count,
                             uint8_t out[MERKLE_HASH_BYTES])
{
    uint64_t k;
    enum err e;

    if (count == 0)
        return ERR_PROOF;
    if (m == n) {
        memcpy(out, proof->hash[0], MERKLE_HASH_BYTES);
        return count == 1 ? ERR_OK : ERR_PROOF;
    }
    k = split_of(n);
    e = m <= k ? root_of_part(m, k, proof, count - 1, out)
               : root_of_part(m - k, n - k, proof, count - 1, out);
    if (e)
        return e;
    if (m <= k)
        merkle_node_hash(out, proof->hash[count - 1], out);
    else
        merkle_node_hash(proof->hash[count - 1], out, out);
    return ERR_OK;
}

static void reversed_add(struct merkle_proof *path, const struct merkle_proof *top)
{
    for (size_t i = top->count; i-- > 0;)
        memcpy(path->hash[path->count++], top->hash[i], MERKLE_HASH_BYTES);
}

enum err merkle_extend(uint64_t index, uint64_t m, const struct merkle_proof *old, uint64_t n,
                       const struct merkle_proof *proof, struct merkle_proof *out)
{
    struct merkle_proof path = *old;
    struct merkle_proof top = {0}; /* from the root down */
    size_t left = proof->count;

    if (n > MERKLE_SIZE_MAX || index >= m || m > n || old->count > MERKLE_PROOF_MAX ||
        proof->count > MERKLE_PROOF_MAX)
        return ERR_RANGE;
    while (m != n) {
        uint64_t k = split_of(n);
        uint8_t *next = top.hash[top.count++];

        if (left == 0 || (m > k && path.count == 0))
            return ERR_PROOF;
        left--;
        if (m <= k) { /* all that was is on the left */
            memcpy(next, proof->hash[left], MERKLE_HASH_BYTES);
            n = k;
        } else if (index < k) { /* beside us, what was not full has grown */
            path.count--;
            if (root_of_part(m - k, n - k, proof, left, next))
                return ERR_PROOF;
            break;
        } else {
            memcpy(next, path.hash[--path.count], MERKLE_HASH_BYTES);
            index -= k;
            m -= k;
            n -= k;
        }
    }
    if (path.count + top.count > MERKLE_PROOF_MAX)
        return ERR_PROOF;
    reversed_add(&path, &top);
    *out = path;
    return ERR_OK;
}
