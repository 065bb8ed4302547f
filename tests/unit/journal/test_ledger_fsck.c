/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "ledger_fixture.h"

#include "failing_alloc.h"

#define SIZE 66000 /* 257 full tiles, one of level 1, open tiles of three levels */

static enum err check(struct fixture *f, struct ledger_audit *audit)
{
    struct txn *t = begin(f, TXN_READ);
    enum err e = ledger_fsck(f->l, t, NULL, NULL, audit);

    store_abort(&t);
    return e;
}

static void assert_found(struct fixture *f, uint64_t index, const char *what)
{
    struct ledger_audit audit = {0};

    assert_int_equal(check(f, &audit), ERR_CORRUPT);
    assert_string_equal(audit.what, what);
    assert_int_equal(audit.bad_index, index);
}

static void a_sound_log_passes_with_its_root(void **state)
{
    struct fixture *f = *state;
    struct ledger_audit audit;
    hash32 root;

    assert_int_equal(check(f, &audit), ERR_OK);
    assert_int_equal(audit.size, 0);
    grow(f, SIZE);
    assert_int_equal(check(f, &audit), ERR_OK);
    assert_int_equal(audit.size, SIZE);
    assert_int_equal(audit.sideless, SIZE / 3);
    root_of(f, SIZE, root);
    assert_memory_equal(audit.root, root, sizeof root);
}

static void a_flipped_bit_of_any_byte_of_an_entry_row_is_found(void **state)
{
    struct fixture *f = *state;
    uint8_t key[12];

    grow(f, 300);
    for (size_t at = 0; at < 32 + 8; at++) {
        struct ledger_audit audit = {0};

        row_flip(f, TABLE_ENTRY, entry_key(key, 77), at, (uint8_t)(1 << at % 8));
        assert_int_equal(check(f, &audit), ERR_CORRUPT);
        assert_int_equal(audit.bad_index, 77);
        row_flip(f, TABLE_ENTRY, entry_key(key, 77), at, (uint8_t)(1 << at % 8));
    }
}

static void trap_stored_leaf_edited_and_proofs_still_pass(void **state)
{
    struct fixture *f = *state;
    struct merkle_proof p;
    uint8_t key[12];
    hash32 root, leaf;
    struct txn *t;

    grow(f, 600);
    row_flip(f, TABLE_ENTRY, entry_key(key, 5), 32 + 3, 0x20); /* "entry" becomes "entRy" */
    ledger_again(f);
    root_of(f, 600, root);
    t = begin(f, TXN_READ);
    assert_int_equal(ledger_inclusion(f->l, t, 5, 600, &p), ERR_OK);
    store_abort(&t);
    entry_leaf(5, leaf);
    assert_int_equal(merkle_verify_inclusion(root, 600, 5, leaf, &p), ERR_OK);
    assert_found(f, 5, "entry differs from its leaf hash");
}

static void a_flipped_bit_anywhere_in_a_tile_is_found_with_its_first_leaf(void **state)
{
    static const struct {
        uint8_t level;
        uint64_t n;
        size_t node; /* of the row: 256 hashes, then layers 2 to 8 */
        uint64_t first_leaf;
    } at[] = {
        {0, 0,   0,             0          },
        {0, 0,   255,           255        },
        {0, 1,   7,             256 + 7    },
        {0, 256, 3,             65536 + 3  },
        {0, 2,   256,           512        }, /* layer 2 begins */
        {0, 2,   256 + 63,      512 + 252  },
        {0, 2,   256 + 64,      512        }, /* layer 3 */
        {0, 2,   256 + 64 + 31, 512 + 248  },
        {0, 2,   382,           512        }, /* root of the tile */
        {1, 0,   0,             0          },
        {1, 0,   9,             9 * 256    },
        {1, 0,   256 + 5,       5 * 4 * 256},
        {1, 0,   381,           128 * 256  }, /* right half */
    };
    struct fixture *f = *state;
    uint8_t key[13];

    grow(f, SIZE);
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        struct span row = tile_row_key(key, at[i].level, at[i].n);
        size_t byte = at[i].node * 32 + i % 32;

        row_flip(f, TABLE_TILE, row, byte, 0x10);
        assert_found(f, at[i].first_leaf, "tile differs from the entries");
        row_flip(f, TABLE_TILE, row, byte, 0x10);
    }
}

static void a_flipped_bit_of_a_root_row_is_found(void **state)
{
    struct fixture *f = *state;
    uint8_t key[13];

    grow(f, SIZE);
    row_flip(f, TABLE_ROOT, tile_row_key(key, 0, 200), 31, 1);
    assert_found(f, 200 * 256, "root of a tile missing or different");
    row_flip(f, TABLE_ROOT, tile_row_key(key, 0, 200), 31, 1);
    row_flip(f, TABLE_ROOT, tile_row_key(key, 1, 0), 0, 0x80);
    assert_found(f, 0, "root of a tile missing or different");
}

static void rows_that_are_missing_are_found(void **state)
{
    struct fixture *f = *state;
    uint8_t key[13];

    grow(f, 1000);
    row_delete(f, TABLE_ROOT, tile_row_key(key, 0, 2));
    assert_found(f, 512, "root of a tile missing or different");
    row_delete(f, TABLE_TILE, tile_row_key(key, 0, 1));
    assert_found(f, 256, "tile missing");
    row_put(f, TABLE_TILE, tile_row_key(key, 0, 1), SPAN_STR("x"));
    assert_found(f, 256, "tile of another length");
    row_delete(f, TABLE_ENTRY, entry_key(key, 200));
    assert_found(f, 200, "entry missing");
    row_put(f, TABLE_ENTRY, entry_key(key, 100), SPAN_STR("x"));
    assert_found(f, 100, "entry row damaged");
    row_delete(f, TABLE_ENTRY, entry_key(key, 0));
    assert_found(f, 0, "entry missing");
}

static void a_truncated_log_is_found(void **state)
{
    struct fixture *f = *state;
    uint8_t key[12];

    grow(f, 10);
    row_delete(f, TABLE_ENTRY, entry_key(key, 9)); /* behind the ledger's back */
    assert_found(f, 9, "entry missing");
}

static void rows_left_over_are_found(void **state)
{
    struct fixture *f = *state;
    uint8_t key[13];

    grow(f, 600);
    row_put(f, TABLE_SIDE, entry_key(key, 600), SPAN_STR("x"));
    assert_found(f, 600, "sides beyond the end");
    row_put(f, TABLE_ROOT, tile_row_key(key, 0, 2), SPAN_STR("x"));
    assert_found(f, 600, "roots of tiles beyond the end");
    row_put(f, TABLE_TILE, tile_row_key(key, 3, 0), SPAN_STR("x"));
    assert_found(f, 600, "tiles beyond the end");
    row_put(f, TABLE_ENTRY, entry_key(key, 700), SPAN_STR("x"));
    assert_found(f, 600, "entries beyond the end");
}

static void a_key_of_another_length_among_the_entries_is_found(void **state)
{
    struct fixture *f = *state;
    uint8_t key[13] = {0};

    grow(f, 10);
    entry_key(key, 4);
    key[12] = 1; /* sorts behind entry 4 */
    row_put(f, TABLE_ENTRY, span_of(key, 13), SPAN_STR("x"));
    assert_found(f, 5, "entry missing");
}

static void memory_that_differs_from_the_store_is_found(void **state)
{
    struct fixture *f = *state;
    uint8_t row[32 + 7];
    uint8_t key[12];

    grow(f, 10); /* the whole row is exchanged: entry and leaf hash agree, memory knows better */
    memcpy(row + 32, "entry X", 7);
    merkle_leaf_hash(span_of(row + 32, 7), row);
    row_put(f, TABLE_ENTRY, entry_key(key, 9), SPAN_OF(row));
    assert_found(f, 0, "memory differs from the entries");
}

/* In these tests every third entry is of a kind without side; one more may be excused. */
static enum err excused(void *arg, uint64_t index, struct span entry)
{
    const uint64_t *erased = arg;
    char expected[32];

    assert_true(span_equal(entry, entry_text(index, expected)));
    return index % 3 == 2 || index == *erased ? ERR_OK : ERR_FIELD_MISSING;
}

static void a_missing_side_passes_only_with_a_reason(void **state)
{
    struct fixture *f = *state;
    struct ledger_audit audit;
    uint64_t named = UINT64_MAX;
    struct txn *t;

    grow(f, 300);
    t = begin(f, TXN_WRITE);
    assert_int_equal(ledger_fsck(f->l, t, excused, &named, &audit), ERR_OK);
    assert_int_equal(audit.sideless, 100);
    assert_int_equal(ledger_erase(f->l, t, 7), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
    assert_int_equal(check(f, &audit), ERR_OK);
    assert_int_equal(audit.sideless, 101);
    t = begin(f, TXN_READ);
    assert_int_equal(ledger_fsck(f->l, t, excused, &named, &audit), ERR_FIELD_MISSING);
    assert_int_equal(audit.bad_index, 7);
    assert_string_equal(audit.what, "a side is missing without reason");
    named = 7;
    assert_int_equal(ledger_fsck(f->l, t, excused, &named, &audit), ERR_OK);
    store_abort(&t);
}

static void nothing_is_checked_while_something_is_staged(void **state)
{
    struct fixture *f = *state;
    struct ledger_audit audit;
    struct txn *t;

    grow(f, 3);
    t = begin(f, TXN_WRITE);
    assert_int_equal(append_next(f, t), ERR_OK);
    assert_int_equal(ledger_fsck(f->l, t, NULL, NULL, &audit), ERR_STATE);
    store_abort(&t);
    assert_int_equal(ledger_reload(f->l), ERR_OK);
    assert_int_equal(check(f, &audit), ERR_OK);
}

static void faults_of_the_machine_are_not_called_corruption(void **state)
{
    struct fixture *f = *state;
    struct ledger_audit audit;
    struct txn *t;

    grow(f, 300);
    t = begin(f, TXN_READ);
    alloc_fail_after(1);
    assert_int_equal(ledger_fsck(f->l, t, NULL, NULL, &audit), ERR_NOMEM);
    alloc_fail_after(-1);
    store_abort(&t);
    for (unsigned long k = 1; k <= 5; k++) { /* entries, then the four counts */
        f->faults.fail_scan = f->faults.scans + k;
        assert_int_equal(check(f, &audit), ERR_IO);
    }
    f->faults.fail_scan = 0;
    for (unsigned long k = 1; k <= 302; k++) { /* a side for each entry, one tile, one root */
        f->faults.fail_get = f->faults.gets + k;
        assert_int_equal(check(f, &audit), ERR_IO);
    }
    f->faults.fail_get = 0;
    assert_int_equal(check(f, &audit), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_sound_log_passes_with_its_root),
        ON_BOTH(a_flipped_bit_of_any_byte_of_an_entry_row_is_found),
        ON_BOTH(trap_stored_leaf_edited_and_proofs_still_pass),
        ON("mem", a_flipped_bit_anywhere_in_a_tile_is_found_with_its_first_leaf),
        ON_BOTH(a_flipped_bit_of_a_root_row_is_found),
        ON_BOTH(rows_that_are_missing_are_found),
        ON_BOTH(a_truncated_log_is_found),
        ON_BOTH(rows_left_over_are_found),
        ON_BOTH(a_key_of_another_length_among_the_entries_is_found),
        ON_BOTH(memory_that_differs_from_the_store_is_found),
        ON_BOTH(a_missing_side_passes_only_with_a_reason),
        ON_BOTH(nothing_is_checked_while_something_is_staged),
        ON("mem", faults_of_the_machine_are_not_called_corruption),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
