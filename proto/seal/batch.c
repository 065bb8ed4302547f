#include "batch.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static_assert(1 << BATCH_PATH_MAX == BATCH_MAX, "the longest path of the largest batch");
static_assert(BATCH_MAX <= UINT16_MAX, "index and count fit le16");

struct hash {
    uint8_t b[BATCH_HASH_BYTES];
};

static enum err leaf_hash(const uint8_t digest[DIGEST_512], struct hash *out)
{
    return digest_of("relais/env1/leaf", span_of(digest, DIGEST_512), out->b, sizeof out->b);
}

static enum err node_hash(const uint8_t *left, const uint8_t *right, struct hash *out)
{
    const struct span parts[] = {span_of(left, BATCH_HASH_BYTES), span_of(right, BATCH_HASH_BYTES)};

    return digest_parts("relais/env1/node", NO_KEY, parts, 2, out->b, sizeof out->b);
}

static enum err root_claim(const uint8_t from[ID_BYTES], const uint8_t skid[KID_BYTES],
                           size_t count, const struct hash *root, uint8_t claim[DIGEST_512])
{
    const uint8_t le32[4] = {(uint8_t)count, (uint8_t)(count >> 8)};
    const struct span parts[] = {span_of(from, ID_BYTES), span_of(skid, KID_BYTES), SPAN_OF(le32),
                                 SPAN_OF(root->b)};

    return digest_parts("relais/env1/batchroot", NO_KEY, parts, sizeof parts / sizeof parts[0],
                        claim, DIGEST_512);
}

/* --- reading ------------------------------------------------------------------------------- */

struct place {
    size_t index;
    size_t count;
};

static struct place place_of(struct span sig)
{
    const uint8_t *p = sig.ptr + SIG_BYTES;

    return (struct place){(size_t)p[0] | (size_t)p[1] << 8, (size_t)p[2] | (size_t)p[3] << 8};
}

/* One level: a neighbour is there unless the last of the level stands alone and moves up as it
 * is (the tree of RFC 6962 2.1, seen from below). */
static bool has_neighbour(struct place p)
{
    return (p.index ^ 1) < p.count;
}

static struct place above(struct place p)
{
    return (struct place){p.index / 2, (p.count + 1) / 2};
}

static size_t path_length(struct place p)
{
    size_t n = 0;

    for (; p.count > 1; p = above(p))
        n += has_neighbour(p) ? 1 : 0;
    return n;
}

enum err batch_check(struct span sig)
{
    struct place p;

    if (sig.len < SIG_BYTES + BATCH_PLACE_BYTES || sig.len > BATCH_SIG_MAX)
        return ERR_SIZE;
    p = place_of(sig);
    if (p.count < BATCH_MIN || p.count > BATCH_MAX || p.index >= p.count)
        return ERR_FIELD_VALUE;
    return sig.len == SIG_BYTES + BATCH_PLACE_BYTES + path_length(p) * BATCH_HASH_BYTES ? ERR_OK
                                                                                        : ERR_SIZE;
}

enum err batch_claim(struct span sig, const uint8_t from[ID_BYTES], const uint8_t skid[KID_BYTES],
                     const uint8_t digest[DIGEST_512], uint8_t claim[DIGEST_512])
{
    const uint8_t *step = sig.ptr + SIG_BYTES + BATCH_PLACE_BYTES;
    struct hash at;
    struct place p;
    enum err e;

    if ((e = batch_check(sig)) || (e = leaf_hash(digest, &at)))
        return e;
    for (p = place_of(sig); p.count > 1; p = above(p)) {
        if (!has_neighbour(p))
            continue;
        e = p.index & 1 ? node_hash(step, at.b, &at) : node_hash(at.b, step, &at);
        if (e)
            return e;
        step += BATCH_HASH_BYTES;
    }
    return root_claim(from, skid, place_of(sig).count, &at, claim);
}

/* --- signing ------------------------------------------------------------------------------- */

/* All levels, one after the other: 2 * count hashes are enough for any count, with a spare one a
 * level for the last that moves up alone. */
struct tree {
    size_t count;
    struct hash *node; /* owned */
};

static size_t tree_room(size_t count)
{
    return 2 * count + BATCH_PATH_MAX;
}

static enum err tree_grow(struct tree *t, const uint8_t (*digests)[DIGEST_512])
{
    struct hash *level = t->node;
    size_t n = t->count;
    enum err e;

    for (size_t i = 0; i < n; i++)
        if ((e = leaf_hash(digests[i], &level[i])))
            return e;
    for (; n > 1; level += n, n = (n + 1) / 2) {
        struct hash *up = level + n;

        for (size_t i = 0; i + 1 < n; i += 2)
            if ((e = node_hash(level[i].b, level[i + 1].b, &up[i / 2])))
                return e;
        if (n & 1)
            up[n / 2] = level[n - 1];
    }
    return ERR_OK;
}

static const struct hash *tree_root(const struct tree *t)
{
    const struct hash *level = t->node;

    for (size_t n = t->count; n > 1; n = (n + 1) / 2)
        level += n;
    return level;
}

static enum err sig_write(const struct tree *t, size_t index, const uint8_t sig[SIG_BYTES],
                          struct bytes *out)
{
    const uint8_t place[BATCH_PLACE_BYTES] = {(uint8_t)index, (uint8_t)(index >> 8),
                                              (uint8_t)t->count, (uint8_t)(t->count >> 8)};
    const struct hash *level = t->node;
    enum err e;

    if ((e = bytes_append(out, span_of(sig, SIG_BYTES))) || (e = bytes_append(out, SPAN_OF(place))))
        return e;
    for (struct place p = {index, t->count}; p.count > 1; level += p.count, p = above(p))
        if (has_neighbour(p) && (e = bytes_append(out, SPAN_OF(level[p.index ^ 1].b))))
            return e;
    return ERR_OK;
}

static enum err tree_sign(const struct tree *t, const struct secret_sign *signer,
                          const uint8_t from[ID_BYTES], uint8_t sig[SIG_BYTES])
{
    uint8_t skid[KID_BYTES];
    uint8_t claim[DIGEST_512];
    enum err e;

    sign_kid(secret_sign_public(signer), skid);
    if ((e = root_claim(from, skid, t->count, tree_root(t), claim)))
        return e;
    return sign_digest(SIGN_BATCH, signer, claim, sig);
}

enum err batch_sign(const struct secret_sign *signer, const uint8_t from[ID_BYTES],
                    const uint8_t (*digests)[DIGEST_512], size_t count, struct bytes *sigs)
{
    struct tree t = {.count = count};
    struct bytes *made = NULL;
    uint8_t sig[SIG_BYTES];
    enum err e = ERR_NOMEM;

    if (count < BATCH_MIN || count > BATCH_MAX)
        return ERR_RANGE;
    if (!(t.node = calloc(tree_room(count), sizeof *t.node)))
        goto out;
    if (!(made = calloc(count, sizeof *made)))
        goto out;
    if ((e = tree_grow(&t, digests)) || (e = tree_sign(&t, signer, from, sig)))
        goto out;
    for (size_t i = 0; i < count; i++)
        if ((e = sig_write(&t, i, sig, &made[i])))
            goto out;
    for (size_t i = 0; i < count; i++) {
        bytes_free(&sigs[i]);
        sigs[i] = made[i];
        made[i] = (struct bytes){0};
    }
out:
    for (size_t i = 0; made && i < count; i++)
        bytes_free(&made[i]);
    free(made);
    free(t.node);
    return e;
}
