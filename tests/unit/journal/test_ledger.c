/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "ledger_fixture.h"

#include "failing_alloc.h"
#include "tlogproof.h"

#define BIG 100000

static hash32 leaves[BIG];

static int set_up(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < BIG; i++)
        entry_leaf(i, leaves[i]);
    return 0;
}

/* Roots of every size up to `most`, from leaf hashes alone: a compact range, independent of tiles.
 */
static void roots_make(size_t most, hash32 *roots)
{
    hash32 stack[64];
    size_t depth = 0;

    merkle_empty_root(roots[0]);
    for (size_t n = 1; n <= most; n++) {
        memcpy(stack[depth++], leaves[n - 1], sizeof(hash32));
        for (size_t bits = n; (bits & 1) == 0; bits >>= 1, depth--)
            merkle_node_hash(stack[depth - 2], stack[depth - 1], stack[depth - 2]);
        memcpy(roots[n], stack[depth - 1], sizeof(hash32));
        for (size_t i = depth - 1; i-- > 0;)
            merkle_node_hash(stack[i], roots[n], roots[n]);
    }
}

static void a_new_log_is_empty(void **state)
{
    struct fixture *f = *state;
    hash32 root, empty;

    merkle_empty_root(empty);
    assert_int_equal(ledger_size(f->l), 0);
    assert_int_equal(ledger_committed_size(f->l), 0);
    assert_true(span_equal(ledger_origin(f->l), SPAN_STR(ORIGIN)));
    assert_int_equal(ledger_root(f->l, NULL, 0, root), ERR_OK);
    assert_memory_equal(root, empty, sizeof root);
    assert_int_equal(ledger_root(f->l, NULL, 1, root), ERR_RANGE);
}

static void every_root_up_to_300_is_the_naive_one_before_and_after_a_restart(void **state)
{
    struct fixture *f = *state;

    for (size_t n = 1; n <= 300; n++) {
        hash32 naive, root;

        naive_root(leaves, 0, n, naive);
        grow_by(f, n, 1);
        assert_int_equal(ledger_root(f->l, NULL, n, root), ERR_OK);
        assert_memory_equal(root, naive, sizeof root);
        if (n % 16 > 2 && n % 16 < 14)
            continue;
        ledger_again(f);
        assert_int_equal(ledger_size(f->l), n);
        assert_int_equal(ledger_root(f->l, NULL, n, root), ERR_OK);
        assert_memory_equal(root, naive, sizeof root);
    }
}

static void every_proof_up_to_300_verifies_and_stays_the_same(void **state)
{
    static struct merkle_proof first[300];
    struct fixture *f = *state;
    struct txn *t;

    for (size_t n = 1; n <= 300; n++) { /* the newest leaf of each size, asked at once */
        grow_by(f, n, 1);
        t = begin(f, TXN_READ);
        assert_int_equal(ledger_inclusion(f->l, t, n - 1, n, &first[n - 1]), ERR_OK);
        store_abort(&t);
    }
    t = begin(f, TXN_READ);
    for (size_t n = 1; n <= 300; n++) {
        hash32 root;

        naive_root(leaves, 0, n, root);
        for (size_t i = 0; i<n; i += n> 40 ? 7 : 1) {
            struct merkle_proof p;

            assert_int_equal(ledger_inclusion(f->l, t, i, n, &p), ERR_OK);
            assert_int_equal(merkle_verify_inclusion(root, n, i, leaves[i], &p), ERR_OK);
        }
        for (size_t m = 1; m <= n; m += n > 40 ? 11 : 1) {
            struct merkle_proof p;
            hash32 old_root;

            naive_root(leaves, 0, m, old_root);
            assert_int_equal(ledger_consistency(f->l, t, m, n, &p), ERR_OK);
            assert_int_equal(merkle_verify_consistency(m, old_root, n, root, &p), ERR_OK);
        }
    }
    for (size_t n = 1; n <= 300; n++) { /* asked again, the log being larger */
        struct merkle_proof p;

        assert_int_equal(ledger_inclusion(f->l, t, n - 1, n, &p), ERR_OK);
        assert_int_equal(p.count, first[n - 1].count);
        assert_memory_equal(p.hash, first[n - 1].hash, p.count * sizeof(hash32));
    }
    store_abort(&t);
}

static void tile_boundaries_hold_through_restarts_and_inside_one_transaction(void **state)
{
    static const uint64_t sizes[] = {1, 255, 256, 257, 511, 512, 513, 65535, 65536, 65537, 65793};
    static hash32 roots[65793 + 1];
    struct fixture *f = *state;

    roots_make(65793, roots);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        uint64_t n = sizes[k];
        const uint64_t ask[] = {0, 254, 255, 256, 511, 65279, 65280, 65534, 65535, 65536, n - 1};
        hash32 root;
        struct txn *t;

        grow(f, n);
        root_of(f, n, root);
        assert_memory_equal(root, roots[n], sizeof root);
        ledger_again(f);
        assert_int_equal(ledger_size(f->l), n);
        root_of(f, n, root);
        assert_memory_equal(root, roots[n], sizeof root);
        t = begin(f, TXN_READ);
        for (size_t i = 0; i < sizeof ask / sizeof ask[0]; i++) {
            struct merkle_proof p;

            if (ask[i] >= n)
                continue;
            assert_int_equal(ledger_inclusion(f->l, t, ask[i], n, &p), ERR_OK);
            assert_int_equal(merkle_verify_inclusion(roots[n], n, ask[i], leaves[ask[i]], &p),
                             ERR_OK);
        }
        for (size_t i = 0; i <= k; i++) {
            struct merkle_proof p;
            uint64_t m = sizes[i];

            assert_int_equal(ledger_root(f->l, t, m, root), ERR_OK);
            assert_memory_equal(root, roots[m], sizeof root);
            assert_int_equal(ledger_consistency(f->l, t, m, n, &p), ERR_OK);
            assert_int_equal(merkle_verify_consistency(m, roots[m], n, roots[n], &p), ERR_OK);
        }
        store_abort(&t);
    }
}

static void what_is_staged_can_be_proven_in_its_own_transaction(void **state)
{
    struct fixture *f = *state;
    struct merkle_proof p;
    struct txn *t;
    hash32 root;

    grow(f, 200);
    t = begin(f, TXN_WRITE);
    while (ledger_size(f->l) < 600)
        assert_int_equal(append_next(f, t), ERR_OK);
    naive_root(leaves, 0, 600, root);
    assert_int_equal(ledger_inclusion(f->l, t, 300, 600, &p), ERR_OK);
    assert_int_equal(merkle_verify_inclusion(root, 600, 300, leaves[300], &p), ERR_OK);
    store_abort(&t);
    assert_int_equal(ledger_reload(f->l), ERR_OK);
    assert_int_equal(ledger_size(f->l), 200);
}

static void random_proofs_of_a_hundred_thousand_verify_and_repeat(void **state)
{
    static hash32 roots[BIG + 1];
    struct fixture *f = *state;
    uint64_t seed = 11;
    struct txn *t;

    roots_make(BIG, roots);
    grow(f, BIG);
    t = begin(f, TXN_READ);
    for (int round = 0; round < 2000; round++) {
        uint64_t n = 1 + next_random(&seed) % BIG;
        uint64_t m = 1 + next_random(&seed) % n;
        uint64_t i = next_random(&seed) % n;
        struct merkle_proof p;
        hash32 root;

        assert_int_equal(ledger_root(f->l, t, n, root), ERR_OK);
        assert_memory_equal(root, roots[n], sizeof root);
        assert_int_equal(ledger_consistency(f->l, t, m, n, &p), ERR_OK);
        assert_int_equal(merkle_verify_consistency(m, roots[m], n, roots[n], &p), ERR_OK);
        assert_int_equal(ledger_inclusion(f->l, t, i, n, &p), ERR_OK);
        assert_int_equal(merkle_verify_inclusion(roots[n], n, i, leaves[i], &p), ERR_OK);
    }
    store_abort(&t);
}

static void after_an_unknown_commit_the_head_is_what_the_store_holds(void **state)
{
    static const enum commit_fault faults[] = {COMMIT_UNKNOWN_WRITTEN, COMMIT_UNKNOWN_LOST,
                                               COMMIT_CONFLICT, COMMIT_FULL, COMMIT_IO};
    struct fixture *f = *state;

    /* across a tile's end, so that tiles and roots of tiles are in doubt as well */
    for (uint64_t from = 250; from <= 256; from += 3) {
        for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
            uint64_t before, expected;
            hash32 root, naive;
            struct txn *t;

            grow(f, ledger_size(f->l) / 256 * 256 + from);
            before = ledger_size(f->l);
            t = begin(f, TXN_WRITE);
            for (int k = 0; k < 10; k++)
                assert_int_equal(append_next(f, t), ERR_OK);
            f->faults.fail_commit = f->faults.commits + 1;
            f->faults.commit_fault = faults[i];
            assert_int_not_equal(store_commit(&t), ERR_OK);
            assert_int_equal(ledger_size(f->l), before + 10); /* what memory still believes */
            assert_int_equal(ledger_committed_size(f->l), before);

            assert_int_equal(ledger_reload(f->l), ERR_OK);
            expected = faults[i] == COMMIT_UNKNOWN_WRITTEN ? before + 10 : before;
            assert_int_equal(ledger_size(f->l), expected);
            assert_int_equal(ledger_committed_size(f->l), expected);
            naive_root(leaves, 0, expected, naive);
            assert_int_equal(ledger_root(f->l, NULL, expected, root), ERR_OK);
            assert_memory_equal(root, naive, sizeof root);
            grow(f, expected + 7); /* and the log goes on */
            naive_root(leaves, 0, expected + 7, naive);
            assert_int_equal(ledger_root(f->l, NULL, expected + 7, root), ERR_OK);
            assert_memory_equal(root, naive, sizeof root);
        }
    }
}

static void a_head_is_never_signed_before_its_commit_is_confirmed(void **state)
{
    struct fixture *f = *state;
    struct bytes note = {0};
    struct txn *t;

    grow(f, 3);
    t = begin(f, TXN_WRITE);
    assert_int_equal(append_next(f, t), ERR_OK);
    assert_int_equal(ledger_checkpoint_note(f->l, t, 4, f->key, &note), ERR_STATE);
    assert_int_equal(ledger_checkpoint_note(f->l, t, 3, f->key, &note), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
    assert_int_equal(ledger_checkpoint_note(f->l, NULL, 4, f->key, &note), ERR_STATE);
    ledger_committed(f->l);
    assert_int_equal(ledger_checkpoint_note(f->l, NULL, 4, f->key, &note), ERR_OK);
    assert_int_equal(ledger_checkpoint_note(f->l, NULL, 5, f->key, &note), ERR_STATE);
    bytes_free(&note);
}

static void a_checkpoint_is_the_same_bytes_at_every_call(void **state)
{
    struct fixture *f = *state;
    struct bytes first = {0}, again = {0};
    struct checkpoint c;
    struct txn *t;

    grow(f, 300);
    assert_int_equal(ledger_checkpoint_note(f->l, NULL, 300, f->key, &first), ERR_OK);
    grow(f, 1000);
    ledger_again(f);
    t = begin(f, TXN_READ);
    assert_int_equal(ledger_checkpoint_note(f->l, t, 300, f->key, &again), ERR_OK);
    store_abort(&t);
    assert_true(span_equal(bytes_span(&first), bytes_span(&again)));
    assert_int_equal(checkpoint_read(bytes_span(&first), &c), ERR_OK);
    assert_int_equal(checkpoint_verify(&c, &f->note_key), ERR_OK);
    assert_int_equal(c.size, 300);
    bytes_free(&again);
    bytes_free(&first);
}

static void a_receipt_proves_its_leaf_and_is_refused_over_a_foreign_head(void **state)
{
    struct fixture *f = *state;
    struct bytes note = {0}, file = {0}, foreign = {0};
    struct tlog_proof p = {0};
    hash32 root = {1};
    struct txn *t;

    grow(f, 700);
    t = begin(f, TXN_READ);
    assert_int_equal(ledger_checkpoint_note(f->l, t, 600, f->key, &note), ERR_OK);
    assert_int_equal(ledger_receipt(f->l, t, 17, bytes_span(&note), SPAN_STR("salt"), &file),
                     ERR_OK);
    assert_int_equal(tlog_proof_read(bytes_span(&file), &p), ERR_OK);
    assert_int_equal(tlog_proof_check(&p, leaves[17], &f->note_key), ERR_OK);
    assert_int_equal(tlog_proof_check(&p, leaves[18], &f->note_key), ERR_PROOF);
    tlog_proof_wipe(&p);

    assert_int_equal(ledger_receipt(f->l, t, 600, bytes_span(&note), span_of(NULL, 0), &file),
                     ERR_RANGE);
    assert_int_equal(ledger_receipt(f->l, t, 1, SPAN_STR("?"), span_of(NULL, 0), &file),
                     ERR_TRUNCATED);
    assert_int_equal(checkpoint_sign(SPAN_STR(ORIGIN), 600, root, f->key, &foreign), ERR_OK);
    assert_int_equal(ledger_receipt(f->l, t, 1, bytes_span(&foreign), span_of(NULL, 0), &file),
                     ERR_CHECKPOINT);
    assert_int_equal(ledger_root(f->l, t, 600, root), ERR_OK);
    assert_int_equal(checkpoint_sign(SPAN_STR("demo/keys"), 600, root, f->key, &foreign), ERR_OK);
    assert_int_equal(ledger_receipt(f->l, t, 1, bytes_span(&foreign), span_of(NULL, 0), &file),
                     ERR_CHECKPOINT);
    assert_int_equal(checkpoint_sign(SPAN_STR(ORIGIN), 701, root, f->key, &foreign), ERR_OK);
    assert_int_equal(ledger_receipt(f->l, t, 1, bytes_span(&foreign), span_of(NULL, 0), &file),
                     ERR_RANGE);
    store_abort(&t);
    bytes_free(&foreign);
    bytes_free(&file);
    bytes_free(&note);
}

static void entries_come_back_with_their_side_until_it_is_erased(void **state)
{
    struct fixture *f = *state;
    struct span entry, side;
    hash32 before, after;
    struct txn *t;
    int has_side = -1;

    grow(f, 10);
    root_of(f, 10, before);
    t = begin(f, TXN_WRITE);
    assert_int_equal(ledger_entry(f->l, t, 4, &entry, &side, &has_side), ERR_OK);
    assert_true(span_equal(entry, SPAN_STR("entry 4")));
    assert_true(span_equal(side, SPAN_STR("side 4")));
    assert_int_equal(has_side, 1);
    assert_int_equal(ledger_erase(f->l, t, 4), ERR_OK);
    assert_int_equal(ledger_entry(f->l, t, 4, &entry, &side, &has_side), ERR_OK);
    assert_true(span_equal(entry, SPAN_STR("entry 4")));
    assert_null(side.ptr);
    assert_int_equal(has_side, 0);
    assert_int_equal(ledger_erase(f->l, t, 4), ERR_OK); /* gone already */
    assert_int_equal(ledger_entry(f->l, t, 5, &entry, &side, NULL), ERR_OK);
    assert_null(side.ptr); /* never had one */
    assert_int_equal(ledger_entry(f->l, t, 6, &entry, &side, NULL), ERR_OK);
    assert_int_equal(ledger_entry(f->l, t, 10, &entry, &side, NULL), ERR_NOT_FOUND);
    assert_int_equal(ledger_erase(f->l, t, 10), ERR_NOT_FOUND);
    assert_int_equal(store_commit(&t), ERR_OK);
    root_of(f, 10, after);
    assert_memory_equal(before, after, sizeof before);
}

static void an_entry_may_be_empty_or_as_long_as_a_bundle_allows(void **state)
{
    static uint8_t longest[LEDGER_ENTRY_MAX + 1];
    struct fixture *f = *state;
    struct txn *t = begin(f, TXN_WRITE);
    struct span entry, side;
    uint64_t index = 99;
    hash32 root, two[2];

    assert_int_equal(
        ledger_append(f->l, t, span_of(longest, sizeof longest), span_of(NULL, 0), &index),
        ERR_SIZE);
    assert_int_equal(
        ledger_append(f->l, t, span_of(NULL, 0), span_of(longest, LEDGER_SIDE_MAX + 1), &index),
        ERR_SIZE);
    assert_int_equal(index, 99);
    assert_int_equal(
        ledger_append(f->l, t, span_of(NULL, 0), span_of(longest, LEDGER_SIDE_MAX), &index),
        ERR_OK);
    assert_int_equal(index, 0);
    assert_int_equal(
        ledger_append(f->l, t, span_of(longest, LEDGER_ENTRY_MAX), span_of(NULL, 0), &index),
        ERR_OK);
    assert_int_equal(index, 1);
    assert_int_equal(store_commit(&t), ERR_OK);
    ledger_committed(f->l);
    ledger_again(f);
    merkle_leaf_hash(span_of(NULL, 0), two[0]);
    merkle_leaf_hash(span_of(longest, LEDGER_ENTRY_MAX), two[1]);
    merkle_node_hash(two[0], two[1], two[0]);
    assert_int_equal(ledger_root(f->l, NULL, 2, root), ERR_OK);
    assert_memory_equal(root, two[0], sizeof root);
    t = begin(f, TXN_READ);
    assert_int_equal(ledger_entry(f->l, t, 0, &entry, &side, NULL), ERR_OK);
    assert_int_equal(entry.len, 0);
    assert_int_equal(side.len, LEDGER_SIDE_MAX);
    store_abort(&t);
}

static void a_failed_append_stops_everything_until_the_reload(void **state)
{
    struct fixture *f = *state;
    uint64_t size;
    long failures = 0;

    grow(f, 65535); /* the next append fills a tile of both levels: seven puts at most */
    size = ledger_size(f->l);
    for (unsigned long k = 1;; k++) {
        struct txn *t = begin(f, TXN_WRITE);
        struct merkle_proof p;
        struct bytes note = {0};
        struct span entry, side;
        struct ledger_audit audit;
        hash32 root;
        enum err e;

        f->faults.fail_put = f->faults.puts + k;
        e = append_next(f, t);
        f->faults.fail_put = 0;
        if (e == ERR_OK) {
            store_abort(&t);
            break;
        }
        failures++;
        assert_int_equal(e, ERR_IO);
        assert_int_equal(append_next(f, t), ERR_STATE);
        assert_int_equal(ledger_root(f->l, t, 1, root), ERR_STATE);
        assert_int_equal(ledger_inclusion(f->l, t, 0, 1, &p), ERR_STATE);
        assert_int_equal(ledger_consistency(f->l, t, 1, 1, &p), ERR_STATE);
        assert_int_equal(ledger_checkpoint_note(f->l, t, 1, f->key, &note), ERR_STATE);
        assert_int_equal(ledger_entry(f->l, t, 0, &entry, &side, NULL), ERR_STATE);
        assert_int_equal(ledger_erase(f->l, t, 0), ERR_STATE);
        assert_int_equal(ledger_fsck(f->l, t, NULL, NULL, &audit), ERR_STATE);
        ledger_committed(f->l); /* a mistake of the caller must not make it usable */
        assert_int_equal(ledger_root(f->l, t, 1, root), ERR_STATE);
        store_abort(&t);
        assert_int_equal(ledger_reload(f->l), ERR_OK);
        assert_int_equal(ledger_size(f->l), size);
    }
    assert_int_equal(failures, 6); /* entry, side, then tile and root of both levels */
    assert_int_equal(ledger_reload(f->l), ERR_OK);
    grow(f, size + 300);
    {
        static hash32 roots[65535 + 301];
        hash32 root;

        roots_make(size + 300, roots);
        root_of(f, size + 300, root);
        assert_memory_equal(root, roots[size + 300], sizeof root);
    }
}

static void a_failed_reload_leaves_the_ledger_unusable_and_can_be_repeated(void **state)
{
    struct fixture *f = *state;
    hash32 root;

    grow(f, 300);
    for (unsigned long k = 1; k <= 1; k++) {
        f->faults.fail_begin = f->faults.begins + k;
        assert_int_equal(ledger_reload(f->l), ERR_IO);
        f->faults.fail_begin = 0;
        assert_int_equal(ledger_root(f->l, NULL, 300, root), ERR_STATE);
    }
    for (unsigned long k = 1;; k++) {
        enum err e;

        f->faults.fail_scan = f->faults.scans + k;
        e = ledger_reload(f->l);
        f->faults.fail_scan = 0;
        if (e == ERR_OK) {
            assert_in_range(k, 4, 10); /* the last key, then each level that has rows */
            break;
        }
        assert_int_equal(e, ERR_IO);
        assert_int_equal(ledger_root(f->l, NULL, 300, root), ERR_STATE);
    }
    assert_int_equal(ledger_root(f->l, NULL, 300, root), ERR_OK);
}

static void read_faults_of_the_store_come_back(void **state)
{
    struct fixture *f = *state;
    struct merkle_proof p;
    struct span entry, side;
    struct txn *t;
    hash32 root;

    grow(f, 600);
    t = begin(f, TXN_READ);
    f->faults.fail_get = f->faults.gets + 1;
    assert_int_equal(ledger_root(f->l, t, 256, root), ERR_OK); /* memory knows this one */
    assert_int_equal(ledger_root(f->l, t, 100, root), ERR_IO);
    f->faults.fail_get = f->faults.gets + 1;
    assert_int_equal(ledger_inclusion(f->l, t, 1, 600, &p), ERR_IO);
    f->faults.fail_get = f->faults.gets + 1;
    assert_int_equal(ledger_consistency(f->l, t, 100, 600, &p), ERR_IO);
    f->faults.fail_get = f->faults.gets + 1;
    assert_int_equal(ledger_entry(f->l, t, 1, &entry, &side, NULL), ERR_IO);
    f->faults.fail_get = f->faults.gets + 2;
    assert_int_equal(ledger_entry(f->l, t, 1, &entry, &side, NULL), ERR_IO);
    assert_int_equal(ledger_root(f->l, NULL, 100, root), ERR_USAGE);
    assert_int_equal(ledger_inclusion(f->l, t, 600, 600, &p), ERR_RANGE);
    assert_int_equal(ledger_inclusion(f->l, t, 0, 601, &p), ERR_RANGE);
    assert_int_equal(ledger_consistency(f->l, t, 5, 4, &p), ERR_RANGE);
    assert_int_equal(ledger_consistency(f->l, t, 5, 601, &p), ERR_RANGE);
    store_abort(&t);
    t = begin(f, TXN_WRITE);
    f->faults.fail_del = f->faults.dels + 1;
    assert_int_equal(ledger_erase(f->l, t, 1), ERR_IO);
    store_abort(&t);
}

static void a_row_that_is_missing_is_noticed_when_opening_or_proving(void **state)
{
    struct fixture *f = *state;
    struct ledger *l = NULL;
    struct merkle_proof p;
    struct span entry, side;
    uint8_t key[13];
    struct txn *t;

    grow(f, 600);
    row_delete(f, TABLE_TILE, tile_row_key(key, 0, 0));
    row_put(f, TABLE_TILE, tile_row_key(key, 0, 1), SPAN_STR("short"));
    row_delete(f, TABLE_ENTRY, entry_key(key, 100));
    row_put(f, TABLE_ENTRY, entry_key(key, 101), SPAN_STR("short"));
    t = begin(f, TXN_READ);
    assert_int_equal(ledger_inclusion(f->l, t, 5, 600, &p), ERR_CORRUPT);
    assert_int_equal(ledger_inclusion(f->l, t, 300, 600, &p), ERR_CORRUPT);
    assert_int_equal(ledger_entry(f->l, t, 100, &entry, &side, NULL), ERR_CORRUPT);
    assert_int_equal(ledger_entry(f->l, t, 101, &entry, &side, NULL), ERR_CORRUPT);
    assert_int_equal(ledger_erase(f->l, t, 100), ERR_CORRUPT);
    store_abort(&t);

    row_delete(f, TABLE_ENTRY, entry_key(key, 520)); /* in the open tile */
    assert_int_equal(ledger_open(f->s, &f->tables, SPAN_STR(ORIGIN), &l), ERR_CORRUPT);
    row_put(f, TABLE_ENTRY, entry_key(key, 520), SPAN_STR("too short for a hash"));
    assert_int_equal(ledger_open(f->s, &f->tables, SPAN_STR(ORIGIN), &l), ERR_CORRUPT);
    assert_null(l);
}

static void a_missing_root_row_or_a_foreign_key_is_noticed_when_opening(void **state)
{
    struct fixture *f = *state;
    struct ledger *l = NULL;
    uint8_t key[13];
    uint8_t huge[12];

    grow(f, 600);
    row_delete(f, TABLE_ROOT, tile_row_key(key, 0, 1));
    assert_int_equal(ledger_open(f->s, &f->tables, SPAN_STR(ORIGIN), &l), ERR_CORRUPT);
    row_put(f, TABLE_ROOT, tile_row_key(key, 0, 1), SPAN_STR("0123456789abcdef0123456789abcdef"));
    assert_int_equal(ledger_open(f->s, &f->tables, SPAN_STR(ORIGIN), &l), ERR_OK);
    ledger_close(l);
    l = NULL;
    row_put(f, TABLE_ROOT, span_of(tile_row_key(key, 0, 1).ptr, 12), SPAN_STR("between the rows"));
    assert_int_equal(ledger_open(f->s, &f->tables, SPAN_STR(ORIGIN), &l), ERR_OK);
    ledger_close(l);
    l = NULL;
    memcpy(huge, entry_key(huge, UINT64_MAX).ptr, 12);
    row_put(f, TABLE_ENTRY, SPAN_OF(huge), SPAN_STR("x"));
    assert_int_equal(ledger_open(f->s, &f->tables, SPAN_STR(ORIGIN), &l), ERR_CORRUPT);
    row_delete(f, TABLE_ENTRY, SPAN_OF(huge));
    entry_key(huge, (uint64_t)1 << 62);
    row_put(f, TABLE_ENTRY, SPAN_OF(huge), SPAN_STR("x"));
    assert_int_equal(ledger_open(f->s, &f->tables, SPAN_STR(ORIGIN), &l), ERR_CORRUPT);
    row_delete(f, TABLE_ENTRY, SPAN_OF(huge));
    huge[11] = 0x77;
    row_put(f, TABLE_ENTRY, span_of(huge, 11), SPAN_STR("x"));
    assert_int_equal(ledger_open(f->s, &f->tables, SPAN_STR(ORIGIN), &l), ERR_CORRUPT);
    assert_null(l);
}

static void epochs_share_tables_and_only_the_newest_grows(void **state)
{
    struct fixture *f = *state;
    struct ledger_tables next = f->tables, last = f->tables;
    struct ledger *newer = NULL, *newest = NULL;
    struct ledger_audit audit;
    uint64_t index;
    struct txn *t;
    hash32 before, after;

    grow(f, 700);
    root_of(f, 700, before);
    next.epoch++;
    last.epoch = UINT32_MAX;
    assert_int_equal(ledger_open(f->s, &next, SPAN_STR("demo/audit/2027"), &newer), ERR_OK);
    assert_int_equal(ledger_size(newer), 0);
    t = begin(f, TXN_WRITE);
    for (int i = 0; i < 300; i++)
        assert_int_equal(ledger_append(newer, t, SPAN_STR("x"), SPAN_STR("y"), &index), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
    ledger_committed(newer);
    assert_int_equal(ledger_open(f->s, &last, SPAN_STR("demo/audit/9999"), &newest), ERR_OK);
    assert_int_equal(ledger_size(newest), 0);

    ledger_again(f);
    assert_int_equal(ledger_size(f->l), 700);
    root_of(f, 700, after);
    assert_memory_equal(before, after, sizeof before);
    t = begin(f, TXN_READ);
    assert_int_equal(ledger_fsck(f->l, t, NULL, NULL, &audit), ERR_OK);
    assert_int_equal(audit.size, 700);
    assert_int_equal(ledger_fsck(newer, t, NULL, NULL, &audit), ERR_OK);
    assert_int_equal(audit.size, 300);
    assert_int_equal(ledger_fsck(newest, t, NULL, NULL, &audit), ERR_OK);
    assert_int_equal(audit.size, 0);
    store_abort(&t);

    t = begin(f, TXN_WRITE);
    assert_int_equal(append_next(f, t), ERR_RANGE);
    assert_int_equal(append_next(f, t), ERR_STATE);
    store_abort(&t);
    ledger_close(newer);
    ledger_close(newest);
}

static void opening_fails_cleanly(void **state)
{
    struct fixture *f = *state;
    struct ledger *l = NULL;

    assert_int_equal(ledger_open(f->s, &f->tables, SPAN_STR("a b"), &l), ERR_FIELD_VALUE);
    assert_int_equal(ledger_open(f->s, &f->tables, SPAN_STR(""), &l), ERR_FIELD_VALUE);
    alloc_fail_after(1);
    assert_int_equal(ledger_open(f->s, &f->tables, SPAN_STR(ORIGIN), &l), ERR_NOMEM);
    alloc_fail_after(-1);
    f->faults.fail_begin = f->faults.begins + 1;
    assert_int_equal(ledger_open(f->s, &f->tables, SPAN_STR(ORIGIN), &l), ERR_IO);
    assert_null(l);
    ledger_close(NULL);
}

static void appending_needs_no_memory_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct txn *t = begin(f, TXN_WRITE);
    long before;

    assert_int_equal(append_next(f, t), ERR_OK);
    before = alloc_count(); /* on LMDB: the engine's own memory is not ours to count */
    while (ledger_size(f->l) < 70000)
        assert_int_equal(append_next(f, t), ERR_OK);
    assert_int_equal(alloc_count(), before);
    store_abort(&t);
}

static void every_failed_allocation_of_a_signed_head_comes_back(void **state)
{
    struct fixture *f = *state;
    struct bytes note = {0}, file = {0};
    struct txn *t;
    enum err e = ERR_NOMEM;
    long n;

    grow(f, 300);
    t = begin(f, TXN_READ);
    for (n = 1; e == ERR_NOMEM; n++) {
        alloc_fail_after(n);
        e = ledger_checkpoint_note(f->l, t, 300, f->key, &note);
        if (e == ERR_OK)
            e = ledger_receipt(f->l, t, 3, bytes_span(&note), SPAN_STR("x"), &file);
        alloc_fail_after(-1);
    }
    assert_int_equal(e, ERR_OK);
    assert_in_range(n, 15, 60);
    store_abort(&t);
    bytes_free(&file);
    bytes_free(&note);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_new_log_is_empty),
        ON_BOTH(every_root_up_to_300_is_the_naive_one_before_and_after_a_restart),
        ON_BOTH(every_proof_up_to_300_verifies_and_stays_the_same),
        ON_BOTH(tile_boundaries_hold_through_restarts_and_inside_one_transaction),
        ON_BOTH(what_is_staged_can_be_proven_in_its_own_transaction),
        ON("lmdb", random_proofs_of_a_hundred_thousand_verify_and_repeat),
        ON_BOTH(after_an_unknown_commit_the_head_is_what_the_store_holds),
        ON_BOTH(a_head_is_never_signed_before_its_commit_is_confirmed),
        ON_BOTH(a_checkpoint_is_the_same_bytes_at_every_call),
        ON_BOTH(a_receipt_proves_its_leaf_and_is_refused_over_a_foreign_head),
        ON_BOTH(entries_come_back_with_their_side_until_it_is_erased),
        ON_BOTH(an_entry_may_be_empty_or_as_long_as_a_bundle_allows),
        ON("mem", a_failed_append_stops_everything_until_the_reload),
        ON_BOTH(a_failed_reload_leaves_the_ledger_unusable_and_can_be_repeated),
        ON_BOTH(read_faults_of_the_store_come_back),
        ON_BOTH(a_row_that_is_missing_is_noticed_when_opening_or_proving),
        ON_BOTH(a_missing_root_row_or_a_foreign_key_is_noticed_when_opening),
        ON_BOTH(epochs_share_tables_and_only_the_newest_grows),
        ON("mem", opening_fails_cleanly),
        ON("lmdb", appending_needs_no_memory_of_its_own),
        ON("mem", every_failed_allocation_of_a_signed_head_comes_back),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
