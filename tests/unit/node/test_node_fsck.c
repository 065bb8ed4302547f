/* Every kind of record that a node keeps is missed when it is damaged, and named. */
#include "actor.h"
#include "attach.h"
#include "fsck.h"
#include "node_rig.h"

struct seen {
    char table[64];
    size_t count;
};

static void found(void *arg, const char *table, struct span key, const char *what)
{
    struct seen *s = arg;

    (void)key;
    assert_non_null(what);
    if (s->count++ == 0)
        snprintf(s->table, sizeof s->table, "%s", table);
}

static enum err check(struct rig *r, struct seen *s, struct fsck_result *out)
{
    *s = (struct seen){0};
    return node_fsck(r->n, found, s, out);
}

/* A circle, a sheet on its way, an attachment each way, three lines of the journal. */
static void fill(struct rig *r, struct rig_circle *circle)
{
    struct out_intent i = {.type = ENVELOPE_SHEET,
                           .class_mask = CLASS_IDENTITY | CLASS_MEDICAL,
                           .basis = BASIS_ECHANGE,
                           .purpose = 1,
                           .scat = CATEGORY_HEALTH,
                           .to_count = 1,
                           .rcat = {CATEGORY_HEALTH}};
    const struct att_row out = {.way = ATT_OUT, .size = 1000, .state = ATT_WAITS};
    const struct att_row in = {.way = ATT_IN, .size = 1000, .state = ATT_TOLD};
    uint8_t mid[ID_BYTES];
    struct verdict v;
    struct txn *t = NULL;

    rig_circle_new(r, circle);
    rig_circle_tell(r, circle, 0, circle->n);
    memcpy(i.circle, circle_handle(circle->c), ID_BYTES);
    memcpy(i.person, r->person[0], ID_BYTES);
    memcpy(i.to[0], r->other.org, ID_BYTES);
    assert_int_equal(store_begin(r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(outbox_add(r->n, t, &i, SPAN_STR("une fiche"), mid, &v), ERR_OK);
    for (int k = 0; k < 3; k++)
        assert_int_equal(journal_add(r->n, t, JOURNAL_READ, NULL, r->person[0], NULL), ERR_OK);
    assert_int_equal(attach_put(r->n, t, &out), ERR_OK);
    assert_int_equal(attach_put(r->n, t, &in), ERR_OK);
    assert_int_equal(node_commit(r->n, &t), ERR_OK);
}

struct row {
    uint8_t key[64], value[70000];
    size_t key_len, value_len;
};

static enum err take(void *arg, struct span key, struct span value)
{
    struct row *x = arg;

    assert_true(value.len <= sizeof x->value);
    memcpy(x->key, key.ptr, key.len);
    memcpy(x->value, value.ptr, value.len);
    x->key_len = key.len;
    x->value_len = value.len;
    return ERR_ENOUGH;
}

static bool first_of(struct rig *r, int table, struct row *x)
{
    struct span all = {0};
    struct txn *t = NULL;

    x->key_len = 0;
    assert_int_equal(store_begin(r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(store_scan(t, table, all, all, 1, take, x), ERR_OK);
    store_abort(&t);
    return x->key_len > 0;
}

static void write_row(struct rig *r, int table, const struct row *x, bool drop)
{
    struct txn *t = NULL;
    struct span key = span_of(x->key, x->key_len);

    assert_int_equal(store_begin(r->n->store, TXN_WRITE, &t), ERR_OK);
    if (drop)
        assert_int_equal(store_del(t, table, key), ERR_OK);
    else
        assert_int_equal(store_put(t, table, key, span_of(x->value, x->value_len)), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
}

static void must_name(struct rig *r, int table)
{
    const char *name = vault_table_names()[table];
    struct fsck_result f;
    struct seen s;

    if (check(r, &s, &f) != ERR_CORRUPT)
        fail_msg("damage in %s was not found", name);
    assert_true(f.findings > 0 && s.count == f.findings);
    if (strcmp(s.table, name) != 0)
        fail_msg("damage in %s was found in %s", name, s.table);
}

static void a_changed_byte_in_any_table_is_named(void **state)
{
    static struct row x;
    struct rig *r = *state;
    struct rig_circle circle;
    struct fsck_result f;
    struct seen s;
    size_t tables = 0;

    fill(r, &circle);
    assert_int_equal(check(r, &s, &f), ERR_OK);
    assert_true(f.rows > 10 && f.keys_size > 0 && f.findings == 0);
    for (int table = 0; table < NODE_TABLES; table++) {
        if (!first_of(r, table, &x) || x.value_len == 0)
            continue;
        tables++;
        x.value[x.value_len - 1] ^= 1;
        write_row(r, table, &x, false);
        must_name(r, table);
        x.value[x.value_len - 1] ^= 1;
        write_row(r, table, &x, false);
    }
    assert_true(tables >= 9);
    assert_int_equal(check(r, &s, &f), ERR_OK);
    rig_circle_free(&circle);
}

static void a_record_put_elsewhere_does_not_open(void **state)
{
    static const int sealed[] = {TABLE_META, TABLE_PKEY, TABLE_OUT, TABLE_OUT_BODY, TABLE_CHAIN};
    static struct row x;
    struct rig *r = *state;
    struct rig_circle circle;

    fill(r, &circle);
    for (size_t i = 0; i < sizeof sealed / sizeof *sealed; i++) {
        assert_true(first_of(r, sealed[i], &x));
        x.key[0] ^= 0x40;
        write_row(r, sealed[i], &x, false);
        must_name(r, sealed[i]);
        write_row(r, sealed[i], &x, true);
    }
    rig_circle_free(&circle);
}

static void a_line_taken_out_of_the_journal_is_missed(void **state)
{
    static struct row x;
    struct rig *r = *state;
    struct rig_circle circle;

    fill(r, &circle);
    assert_true(first_of(r, TABLE_JOURNAL, &x));
    write_row(r, TABLE_JOURNAL, &x, true);
    must_name(r, TABLE_JOURNAL);
    rig_circle_free(&circle);
}

static void what_waits_without_being_there_is_named(void **state)
{
    struct row x = {.key_len = ID_BYTES};
    struct rig *r = *state;

    write_row(r, TABLE_OUT_LIVE, &x, false);
    must_name(r, TABLE_OUT_LIVE);
    write_row(r, TABLE_OUT_LIVE, &x, true);
    x.key_len = 8 + ID_BYTES;
    write_row(r, TABLE_ACT_LIVE, &x, false);
    must_name(r, TABLE_ACT_LIVE);
    write_row(r, TABLE_ACT_LIVE, &x, true);
    x.key_len = 5;
    write_row(r, TABLE_INDEX, &x, false);
    must_name(r, TABLE_INDEX);
    write_row(r, TABLE_INDEX, &x, true);
    x.key_len = 1 + ATTACHMENT_ADDRESS_BYTES;
    x.value_len = ID_BYTES;
    write_row(r, TABLE_ATT_LIVE, &x, false);
    must_name(r, TABLE_ATT_LIVE);
    write_row(r, TABLE_ATT_LIVE, &x, true);
    write_row(r, TABLE_ATT, &x, false);
    must_name(r, TABLE_ATT);
    write_row(r, TABLE_ATT, &x, true);
    x.key_len = ATTACHMENT_ADDRESS_BYTES;
    x.value_len = 1;
    write_row(r, TABLE_ATT_SCAN, &x, false);
    must_name(r, TABLE_ATT_SCAN);
    write_row(r, TABLE_ATT_SCAN, &x, true);
    x.value_len = 0;
    x.key_len = 2 * ID_BYTES;
    write_row(r, TABLE_IN_BODY, &x, false);
    must_name(r, TABLE_IN_BODY);
}

/* Erasing destroys her key: what is left of hers opens for nobody, and that is no damage. */
static void records_of_an_erased_person_are_counted_and_no_finding(void **state)
{
    struct rig *r = *state;
    struct rig_circle circle;
    struct fsck_result f;
    struct seen s;
    struct txn *t = NULL;

    fill(r, &circle);
    assert_int_equal(store_begin(r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(vault_person_erase(r->n->vault, t, r->person[0]), ERR_OK);
    assert_int_equal(node_commit(r->n, &t), ERR_OK);
    assert_int_equal(check(r, &s, &f), ERR_OK);
    assert_true(f.erased > 0);
    rig_circle_free(&circle);
}

/* A table that is added to node.h and not to fsck would be believed whatever it holds. */
static void fsck_looks_at_every_table(void **state)
{
    (void)state;
    for (int table = 0; table < NODE_TABLES; table++) {
        if (!fsck_knows((enum node_table)table))
            print_error("fsck does not know %s\n", vault_table_names()[table]);
        assert_true(fsck_knows((enum node_table)table));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fsck_looks_at_every_table),
        cmocka_unit_test_setup_teardown(a_changed_byte_in_any_table_is_named, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_record_put_elsewhere_does_not_open, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_line_taken_out_of_the_journal_is_missed, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(what_waits_without_being_there_is_named, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(records_of_an_erased_person_are_counted_and_no_finding,
                                        rig_up, rig_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
