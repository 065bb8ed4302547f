#include "journal_support.h"

#include "../../vectors/rfc6962-roots.h"

#define SIZES 300
#define BIG 100000

static hash32 leaves[BIG];

/* A source over `leaves`: every complete subtree, made once. */
#define LAYERS 17
static hash32 *layer[LAYERS];

static enum err leaf_source(void *arg, unsigned level, uint64_t index, uint8_t out[32])
{
    (void)arg;
    memcpy(out, layer[level][index], 32);
    return ERR_OK;
}

static void layers_make(void)
{
    for (unsigned level = 0; level < LAYERS; level++) {
        size_t n = (size_t)BIG >> level;

        if (layer[level] == NULL)
            layer[level] = calloc(n, sizeof(hash32));
        assert_non_null(layer[level]);
        for (size_t i = 0; i < n; i++)
            if (level == 0)
                memcpy(layer[0][i], leaves[i], sizeof(hash32));
            else
                merkle_node_hash(layer[level - 1][2 * i], layer[level - 1][2 * i + 1],
                                 layer[level][i]);
    }
}

/* MTH(D[begin:end]), remembered: thousands of proofs ask for the same ranges. */
static const uint8_t *range_root(size_t begin, size_t end)
{
    static hash32 known[SIZES + 1][SIZES + 1];
    static uint8_t is_known[SIZES + 1][SIZES + 1];

    if (!is_known[begin][end])
        naive_root(leaves, begin, end, known[begin][end]);
    is_known[begin][end] = 1;
    return known[begin][end];
}

static void proof_add(struct merkle_proof *p, size_t begin, size_t end)
{
    memcpy(p->hash[p->count++], range_root(begin, end), MERKLE_HASH_BYTES);
}

static enum err failing_source(void *arg, unsigned level, uint64_t index, uint8_t out[32])
{
    int *left = arg;

    if ((*left)-- == 0)
        return ERR_IO;
    return leaf_source(NULL, level, index, out);
}

static const struct merkle_source source = {leaf_source, NULL};

static int set_up(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < BIG; i++)
        entry_leaf(i, leaves[i]);
    layers_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned level = 0; level < LAYERS; level++)
        free(layer[level]);
    return 0;
}

/* PATH(m, D[begin:end]) and SUBPROOF(m, D[begin:end], whole) as the RFC writes them. */
static void naive_path(size_t m, size_t begin, size_t end, struct merkle_proof *p)
{
    size_t k = 1;

    if (end - begin == 1)
        return;
    while (k * 2 < end - begin)
        k *= 2;
    if (m < k) {
        naive_path(m, begin, begin + k, p);
        proof_add(p, begin + k, end);
    } else {
        naive_path(m - k, begin + k, end, p);
        proof_add(p, begin, begin + k);
    }
}

static void naive_subproof(size_t m, size_t begin, size_t end, int whole, struct merkle_proof *p)
{
    size_t k = 1;

    if (m == end - begin) {
        if (!whole)
            proof_add(p, begin, end);
        return;
    }
    while (k * 2 < end - begin)
        k *= 2;
    if (m <= k) {
        naive_subproof(m, begin, begin + k, whole, p);
        proof_add(p, begin + k, end);
    } else {
        naive_subproof(m - k, begin + k, end, 0, p);
        proof_add(p, begin, begin + k);
    }
}

static void assert_same_proof(const struct merkle_proof *a, const struct merkle_proof *b)
{
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->hash, b->hash, a->count * MERKLE_HASH_BYTES);
}

static void the_reference_roots_of_rfc_6962_are_reproduced(void **state)
{
    hash32 saved[8], root, expected;

    (void)state;
    memcpy(saved, leaves, sizeof saved);
    for (size_t i = 0; i < 8; i++) {
        struct bytes raw = {0};

        assert_int_equal(hex_read(&raw, span_text(rfc6962_leaves[i])), ERR_OK);
        merkle_leaf_hash(bytes_span(&raw), leaves[i]);
        bytes_free(&raw);
    }
    layers_make();
    for (size_t n = 0; n <= 8; n++) {
        assert_int_equal(hex_read_fixed(expected, sizeof expected, span_text(rfc6962_roots[n])),
                         ERR_OK);
        assert_int_equal(merkle_root(&source, n, root), ERR_OK);
        assert_memory_equal(root, expected, sizeof root);
    }
    memcpy(leaves, saved, sizeof saved);
    layers_make();
}

static void every_inclusion_up_to_300_is_the_naive_one_and_verifies(void **state)
{
    (void)state;
    for (size_t n = 1; n <= SIZES; n++) {
        hash32 root, naive;

        memcpy(naive, range_root(0, n), sizeof naive);
        assert_int_equal(merkle_root(&source, n, root), ERR_OK);
        assert_memory_equal(root, naive, sizeof root);
        for (size_t i = 0; i < n; i++) {
            struct merkle_proof expected = {0}, made;

            naive_path(i, 0, n, &expected);
            assert_int_equal(merkle_inclusion(&source, i, n, &made), ERR_OK);
            assert_same_proof(&made, &expected);
            assert_int_equal(made.count, merkle_inclusion_count(i, n));
            assert_int_equal(merkle_verify_inclusion(root, n, i, leaves[i], &made), ERR_OK);
        }
    }
}

static void every_consistency_up_to_300_is_the_naive_one_and_verifies(void **state)
{
    static hash32 roots[SIZES + 1];

    (void)state;
    for (size_t n = 0; n <= SIZES; n++)
        naive_root(leaves, 0, n, roots[n]);
    for (size_t n = 1; n <= SIZES; n++) {
        for (size_t m = 1; m <= n; m++) {
            struct merkle_proof expected = {0}, made;

            naive_subproof(m, 0, n, 1, &expected);
            assert_int_equal(merkle_consistency(&source, m, n, &made), ERR_OK);
            assert_same_proof(&made, &expected);
            assert_int_equal(merkle_verify_consistency(m, roots[m], n, roots[n], &made), ERR_OK);
        }
    }
}

static void a_wrong_index_or_size_is_refused_for_every_tree_up_to_40(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 40; n++) {
        hash32 root;

        naive_root(leaves, 0, n, root);
        for (size_t i = 0; i < n; i++) {
            struct merkle_proof p;

            assert_int_equal(merkle_inclusion(&source, i, n, &p), ERR_OK);
            for (size_t j = 0; j < 41; j++)
                if (j != i)
                    assert_int_equal(merkle_verify_inclusion(root, n, j, leaves[i], &p), ERR_PROOF);
            /* a proof does not commit to the size by itself; the signed root does. What must hold:
             * another size never makes another leaf acceptable */
            for (size_t s = 0; s <= 41; s++)
                for (size_t j = 0; j < n; j++)
                    if (j != i)
                        assert_int_not_equal(merkle_verify_inclusion(root, s, i, leaves[j], &p),
                                             ERR_OK);
        }
    }
}

static void a_wrong_old_or_new_size_is_refused_for_every_pair_up_to_24(void **state)
{
    hash32 roots[25];

    (void)state;
    for (size_t n = 0; n <= 24; n++)
        naive_root(leaves, 0, n, roots[n]);
    for (size_t n = 1; n <= 24; n++)
        for (size_t m = 1; m < n; m++) {
            struct merkle_proof p;

            assert_int_equal(merkle_consistency(&source, m, n, &p), ERR_OK);
            for (size_t other = 0; other <= 24; other++) {
                if (other != m)
                    assert_int_not_equal(
                        merkle_verify_consistency(m, roots[other], n, roots[n], &p), ERR_OK);
                if (other != n)
                    assert_int_not_equal(
                        merkle_verify_consistency(m, roots[m], n, roots[other], &p), ERR_OK);
            }
        }
}

static void a_proof_of_another_height_is_refused_for_every_pair_up_to_24(void **state)
{
    hash32 roots[25];

    (void)state; /* such a proof alone does not tell 3 from 4; that sizes are signed does */
    for (size_t n = 0; n <= 24; n++)
        naive_root(leaves, 0, n, roots[n]);
    for (size_t n = 2; n <= 24; n++)
        for (size_t m = 1; m < n; m++)
            for (size_t claimed = m + 1; claimed <= 24; claimed++) {
                struct merkle_proof p, of_claimed;

                assert_int_equal(merkle_consistency(&source, m, n, &p), ERR_OK);
                assert_int_equal(merkle_consistency(&source, m, claimed, &of_claimed), ERR_OK);
                if (p.count != of_claimed.count)
                    assert_int_equal(merkle_verify_consistency(m, roots[m], claimed, roots[n], &p),
                                     ERR_PROOF);
            }
}

struct damage {
    const char *what;
    void (*apply)(struct merkle_proof *p);
};

static void truncated(struct merkle_proof *p)
{
    p->count--;
}

static void extended(struct merkle_proof *p)
{
    memset(p->hash[p->count++], 0xab, MERKLE_HASH_BYTES);
}

static void doubled_last(struct merkle_proof *p)
{
    memcpy(p->hash[p->count], p->hash[p->count - 1], MERKLE_HASH_BYTES);
    p->count++;
}

static void without_first(struct merkle_proof *p)
{
    memmove(p->hash[0], p->hash[1], (p->count - 1) * MERKLE_HASH_BYTES);
    p->count--;
}

static void swapped(struct merkle_proof *p)
{
    hash32 first;

    memcpy(first, p->hash[0], sizeof first);
    memcpy(p->hash[0], p->hash[1], sizeof first);
    memcpy(p->hash[1], first, sizeof first);
}

static void reversed(struct merkle_proof *p)
{
    struct merkle_proof was = *p;

    for (size_t i = 0; i < p->count; i++)
        memcpy(p->hash[i], was.hash[p->count - 1 - i], MERKLE_HASH_BYTES);
}

static void emptied(struct merkle_proof *p)
{
    p->count = 0;
}

static void absurdly_long(struct merkle_proof *p)
{
    p->count = SIZE_MAX;
}

static const struct damage damages[] = {
    {"truncated",     truncated    },
    {"extra hash",    extended     },
    {"last doubled",  doubled_last },
    {"first missing", without_first},
    {"swapped",       swapped      },
    {"reversed",      reversed     },
    {"emptied",       emptied      },
    {"absurd count",  absurdly_long},
};

static void every_named_damage_to_a_proof_is_refused(void **state)
{
    struct merkle_proof inclusion, consistency, p;
    hash32 root, old_root;

    (void)state;
    naive_root(leaves, 0, 201, root);
    naive_root(leaves, 0, 77, old_root);
    assert_int_equal(merkle_inclusion(&source, 42, 201, &inclusion), ERR_OK);
    assert_int_equal(merkle_consistency(&source, 77, 201, &consistency), ERR_OK);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        p = inclusion;
        damages[i].apply(&p);
        if (merkle_verify_inclusion(root, 201, 42, leaves[42], &p) != ERR_PROOF)
            fail_msg("inclusion, %s: accepted", damages[i].what);
        p = consistency;
        damages[i].apply(&p);
        if (merkle_verify_consistency(77, old_root, 201, root, &p) != ERR_PROOF)
            fail_msg("consistency, %s: accepted", damages[i].what);
    }
}

static void every_single_bit_change_of_a_proof_is_refused(void **state)
{
    struct merkle_proof inclusion, consistency;
    hash32 root, old_root, leaf;

    (void)state;
    naive_root(leaves, 0, 201, root);
    naive_root(leaves, 0, 77, old_root);
    assert_int_equal(merkle_inclusion(&source, 42, 201, &inclusion), ERR_OK);
    assert_int_equal(merkle_consistency(&source, 77, 201, &consistency), ERR_OK);
    for (unsigned flip = 1; flip < 256; flip *= 2) {
        for (size_t at = 0; at < inclusion.count * MERKLE_HASH_BYTES; at++) {
            inclusion.hash[at / 32][at % 32] ^= (uint8_t)flip;
            assert_int_equal(merkle_verify_inclusion(root, 201, 42, leaves[42], &inclusion),
                             ERR_PROOF);
            inclusion.hash[at / 32][at % 32] ^= (uint8_t)flip;
        }
        for (size_t at = 0; at < consistency.count * MERKLE_HASH_BYTES; at++) {
            consistency.hash[at / 32][at % 32] ^= (uint8_t)flip;
            assert_int_equal(merkle_verify_consistency(77, old_root, 201, root, &consistency),
                             ERR_PROOF);
            consistency.hash[at / 32][at % 32] ^= (uint8_t)flip;
        }
    }
    for (size_t at = 0; at < 32; at++) {
        memcpy(leaf, leaves[42], sizeof leaf);
        leaf[at] ^= 1;
        assert_int_equal(merkle_verify_inclusion(root, 201, 42, leaf, &inclusion), ERR_PROOF);
        root[at] ^= 1;
        assert_int_equal(merkle_verify_inclusion(root, 201, 42, leaves[42], &inclusion), ERR_PROOF);
        assert_int_equal(merkle_verify_consistency(77, old_root, 201, root, &consistency),
                         ERR_PROOF);
        root[at] ^= 1;
    }
}

static void a_node_cannot_pass_for_a_leaf(void **state)
{
    struct merkle_proof p;
    hash32 root, node;

    (void)
        state; /* second preimage: the parent of leaves 0 and 1 as leaf 0 of a tree half as deep */
    naive_root(leaves, 0, 8, root);
    merkle_node_hash(leaves[0], leaves[1], node);
    assert_int_equal(merkle_inclusion(&source, 0, 8, &p), ERR_OK);
    without_first(&p);
    assert_int_equal(merkle_verify_inclusion(root, 8, 0, node, &p), ERR_PROOF);
}

static void an_empty_and_an_equal_tree_have_the_empty_proof_only(void **state)
{
    struct merkle_proof none = {0}, one = {.count = 1};
    hash32 empty, root, other = {1};

    (void)state;
    merkle_empty_root(empty);
    naive_root(leaves, 0, 5, root);
    assert_int_equal(merkle_verify_consistency(0, empty, 0, empty, &none), ERR_OK);
    assert_int_equal(merkle_verify_consistency(0, empty, 5, root, &none), ERR_OK);
    assert_int_equal(merkle_verify_consistency(5, root, 5, root, &none), ERR_OK);
    assert_int_equal(merkle_verify_consistency(0, other, 5, root, &none), ERR_PROOF);
    assert_int_equal(merkle_verify_consistency(0, empty, 5, root, &one), ERR_PROOF);
    assert_int_equal(merkle_verify_consistency(5, root, 5, other, &none), ERR_PROOF);
    assert_int_equal(merkle_verify_consistency(5, root, 5, root, &one), ERR_PROOF);
    assert_int_equal(merkle_verify_consistency(6, root, 5, root, &none), ERR_PROOF);
    assert_int_equal(merkle_consistency(&source, 0, 5, &one), ERR_OK);
    assert_int_equal(one.count, 0);
    assert_int_equal(merkle_consistency(&source, 5, 5, &one), ERR_OK);
    assert_int_equal(one.count, 0);
}

static void sizes_out_of_range_are_refused(void **state)
{
    const uint64_t too_large = MERKLE_SIZE_MAX + 1;
    struct merkle_proof p = {0};
    hash32 root;

    (void)state;
    assert_int_equal(merkle_root(&source, too_large, root), ERR_RANGE);
    assert_int_equal(merkle_inclusion(&source, 0, too_large, &p), ERR_RANGE);
    assert_int_equal(merkle_inclusion(&source, 5, 5, &p), ERR_RANGE);
    assert_int_equal(merkle_consistency(&source, 6, 5, &p), ERR_RANGE);
    assert_int_equal(merkle_consistency(&source, 1, too_large, &p), ERR_RANGE);
    assert_int_equal(merkle_verify_inclusion(leaves[0], too_large, 0, leaves[0], &p), ERR_RANGE);
    assert_int_equal(merkle_verify_inclusion(leaves[0], 0, 0, leaves[0], &p), ERR_PROOF);
    assert_int_equal(merkle_verify_inclusion(leaves[0], 1, 1, leaves[0], &p), ERR_PROOF);
    assert_int_equal(merkle_verify_consistency(1, root, too_large, root, &p), ERR_RANGE);
    assert_int_equal(merkle_verify_consistency(too_large, root, 1, root, &p), ERR_RANGE);
    assert_int_equal(merkle_inclusion_count(5, 5), 0);
    assert_int_equal(merkle_inclusion_count(0, MERKLE_SIZE_MAX), 62);
}

static void an_error_of_the_source_comes_back_whenever_it_happens(void **state)
{
    int failed = 0;

    (void)state;
    for (int after = 0; after < 12; after++) {
        struct merkle_proof p;
        hash32 root;
        int left = after;
        struct merkle_source failing = {failing_source, &left};
        enum err e = merkle_root(&failing, 201, root);

        assert_true(e == ERR_IO || (e == ERR_OK && after >= 4)); /* 201 has four bits */
        left = after;
        failed += merkle_inclusion(&failing, 42, 201, &p) == ERR_IO;
        left = after;
        failed += merkle_consistency(&failing, 77, 201, &p) == ERR_IO;
    }
    assert_in_range(failed, 20, 24);
}

static void random_proofs_of_a_tree_of_a_hundred_thousand_verify(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        uint64_t n = 1 + next_random(&seed) % BIG;
        uint64_t m = 1 + next_random(&seed) % n;
        uint64_t i = next_random(&seed) % m;
        struct merkle_proof p;
        hash32 old_root, new_root;

        assert_int_equal(merkle_root(&source, m, old_root), ERR_OK);
        assert_int_equal(merkle_root(&source, n, new_root), ERR_OK);
        assert_int_equal(merkle_consistency(&source, m, n, &p), ERR_OK);
        assert_int_equal(merkle_verify_consistency(m, old_root, n, new_root, &p), ERR_OK);
        assert_int_equal(merkle_inclusion(&source, i, n, &p), ERR_OK);
        assert_int_equal(merkle_verify_inclusion(new_root, n, i, leaves[i], &p), ERR_OK);
        assert_int_not_equal(merkle_verify_inclusion(new_root, n, i ^ 1, leaves[i], &p),
                             n == 1 ? ERR_INTERNAL : ERR_OK);
    }
}

#define EXTENDED 70 /* three complete levels above a byte, and all that is between */

static void every_path_up_to_70_is_carried_into_every_later_tree(void **state)
{
    (void)state;
    for (size_t n = 1; n <= EXTENDED; n++)
        for (size_t m = 1; m <= n; m++)
            for (size_t i = 0; i < m; i++) {
                struct merkle_proof old, between, made, expected;

                assert_int_equal(merkle_inclusion(&source, i, m, &old), ERR_OK);
                assert_int_equal(merkle_inclusion(&source, i, n, &expected), ERR_OK);
                assert_int_equal(merkle_consistency(&source, m, n, &between), ERR_OK);
                assert_int_equal(merkle_extend(i, m, &old, n, &between, &made), ERR_OK);
                assert_same_proof(&made, &expected);
            }
}

/* Whatever is wrong with what goes in, what comes out does not verify, or nothing comes out. */
static void a_path_is_not_carried_over_by_a_wrong_proof(void **state)
{
    size_t refused = 0, tried = 0;

    (void)state;
    for (size_t n = 2; n <= 40; n++)
        for (size_t m = 1; m < n; m++)
            for (size_t i = 0; i < m; i++) {
                struct merkle_proof old, between, made;
                hash32 root;

                assert_int_equal(merkle_root(&source, n, root), ERR_OK);
                assert_int_equal(merkle_inclusion(&source, i, m, &old), ERR_OK);
                assert_int_equal(merkle_consistency(&source, m, n, &between), ERR_OK);
                assert_int_equal(merkle_extend(i, m, &old, m, &between, &made), ERR_OK);
                between.count--; /* the one nearest to the root */
                tried++;
                refused += merkle_extend(i, m, &old, n, &between, &made) ||
                           merkle_verify_inclusion(root, n, i, leaves[i], &made);
                between.count += 2;
                memset(between.hash[between.count - 1], 7, MERKLE_HASH_BYTES);
                tried++;
                refused += merkle_extend(i, m, &old, n, &between, &made) ||
                           merkle_verify_inclusion(root, n, i, leaves[i], &made);
                between.count--;
                old.count = 0;
                if (merkle_inclusion_count(i, m) == 0)
                    continue;
                tried++;
                refused += merkle_extend(i, m, &old, n, &between, &made) ||
                           merkle_verify_inclusion(root, n, i, leaves[i], &made);
            }
    assert_int_equal(refused, tried);
}

static void a_path_is_carried_within_range_only(void **state)
{
    struct merkle_proof none = {0}, much = {.count = MERKLE_PROOF_MAX + 1}, out;

    (void)state;
    assert_int_equal(merkle_extend(1, 1, &none, 2, &none, &out), ERR_RANGE);
    assert_int_equal(merkle_extend(0, 3, &none, 2, &none, &out), ERR_RANGE);
    assert_int_equal(merkle_extend(0, 1, &none, MERKLE_SIZE_MAX + 1, &none, &out), ERR_RANGE);
    assert_int_equal(merkle_extend(0, 1, &much, 2, &none, &out), ERR_RANGE);
    assert_int_equal(merkle_extend(0, 1, &none, 2, &much, &out), ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_roots_of_rfc_6962_are_reproduced),
        cmocka_unit_test(every_inclusion_up_to_300_is_the_naive_one_and_verifies),
        cmocka_unit_test(every_consistency_up_to_300_is_the_naive_one_and_verifies),
        cmocka_unit_test(a_wrong_index_or_size_is_refused_for_every_tree_up_to_40),
        cmocka_unit_test(a_wrong_old_or_new_size_is_refused_for_every_pair_up_to_24),
        cmocka_unit_test(a_proof_of_another_height_is_refused_for_every_pair_up_to_24),
        cmocka_unit_test(every_named_damage_to_a_proof_is_refused),
        cmocka_unit_test(every_single_bit_change_of_a_proof_is_refused),
        cmocka_unit_test(a_node_cannot_pass_for_a_leaf),
        cmocka_unit_test(an_empty_and_an_equal_tree_have_the_empty_proof_only),
        cmocka_unit_test(sizes_out_of_range_are_refused),
        cmocka_unit_test(an_error_of_the_source_comes_back_whenever_it_happens),
        cmocka_unit_test(every_path_up_to_70_is_carried_into_every_later_tree),
        cmocka_unit_test(a_path_is_not_carried_over_by_a_wrong_proof),
        cmocka_unit_test(a_path_is_carried_within_range_only),
        cmocka_unit_test(random_proofs_of_a_tree_of_a_hundred_thousand_verify),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
