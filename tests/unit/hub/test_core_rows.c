/* Rows that are there and make no sense: whoever meets one asks to be asked again, or gives up.
 * Nobody is refused for them. An envelope whose own bytes are lost ends, and both sides are told.
 */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_world.h"
#include "fsck.h"

struct row {
    int table;
    struct bytes key, value;
};

static enum err row_take(void *arg, struct span key, struct span value)
{
    struct row *r = arg;

    assert_ok(bytes_copy(&r->key, key));
    assert_ok(bytes_copy(&r->value, value));
    return ERR_OK;
}

/* The last row of a table; for a test to spoil. */
static struct row row_last(struct world *w, int table)
{
    struct row r = {.table = table};
    struct txn *t = NULL;

    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    assert_ok(store_scan(t, table, (struct span){0}, (struct span){0}, SIZE_MAX, row_take, &r));
    store_abort(&t);
    assert_true(r.key.len > 0);
    return r;
}

static void row_put(struct world *w, int table, struct span key, struct span value)
{
    struct txn *t = NULL;

    assert_ok(store_begin(w->core->store, TXN_WRITE, &t));
    assert_ok(store_put(t, table, key, value));
    assert_ok(store_commit(&t));
    w->damaged = true;
}

/* Writes it back as it is now. */
static void row_spoilt(struct world *w, struct row *r)
{
    row_put(w, r->table, bytes_span(&r->key), bytes_span(&r->value));
    bytes_free(&r->key);
    bytes_free(&r->value);
}

static uint32_t number_of(const struct world *w, size_t i)
{
    return world_box(w, i)->who.number;
}

/* No more is sent to him before he greets with credit again. */
static void pause_member(struct world *w, size_t i)
{
    member_credit(w->m[i], 0, 0);
    assert_ok(member_ack(w->m[i], member_acked(w->m[i])));
}

static void greet(struct world *w, size_t i)
{
    struct msg_hello hello;

    member_credit(w->m[i], 100, 1 << 20);
    assert_ok(member_hello_make(w->m[i], &hello));
    w->turned = ERR_OK;
    assert_int_not_equal(member_hello(w->m[i], &hello), ERR_UNKNOWN);
}

/* --- chains
 * ------------------------------------------------------------------------------------- */

/* A row that others build on, as a disk might: one bit. */
static void chain_flip(struct world *w)
{
    struct row r = row_last(w, TABLE_CHAIN);
    struct txn *t = NULL;
    struct span row;

    be32_write(1, r.key.ptr + ID_BYTES);
    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    assert_ok(store_get(t, TABLE_CHAIN, bytes_span(&r.key), &row));
    assert_ok(bytes_copy(&r.value, row));
    store_abort(&t);
    r.value.ptr[r.value.len / 2] ^= 1;
    row_spoilt(w, &r);
    circles_forget(w->core->circles);
}

static void a_flipped_byte_in_a_chain_refuses_nobody(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);
    uint64_t audit = ledger_committed_size(w->core->audit);
    struct circle_statement s;

    chain_flip(w);
    assert_int_equal(member_put(w->m[0], bytes_span(&whole), NULL), ERR_UNKNOWN);
    assert_ok(member_statement(w->m[0], w->circle, CIRCLE_NOTICE, &s));
    s.class_mask = CLASS_SOCIAL;
    s.way = WAY_ORAL;
    s.org_count = 1;
    memcpy(s.orgs[0], member_org(w->m[1]), ID_BYTES);
    assert_int_equal(member_declare(w->m[0], w->circle, &s, NULL), ERR_UNKNOWN);
    assert_int_equal(ledger_committed_size(w->core->audit), audit); /* no refusal was logged */
    bytes_free(&whole);
}

static void a_flipped_byte_in_a_chain_holds_nothing_back(void **state)
{
    struct world *w = *state;

    pause_member(w, 1);
    world_send(w, 0, 1);
    chain_flip(w);
    greet(w, 1);
    assert_int_equal(w->turned, ERR_CORRUPT);
    assert_null(w->core->holds);
    assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), 0);
    assert_int_equal(world_box(w, 1)->len, 1); /* it waits for a mended store */
}

static void a_damaged_page_of_a_chain_is_not_handed_out(void **state)
{
    struct world *w = *state;
    struct message ask = {.type = MSG_CHAIN};
    struct row r = row_last(w, TABLE_CHAIN);

    r.value.len = CHAIN_ROW_SS;
    row_spoilt(w, &r);
    memcpy(ask.chain.circle, w->circle->handle, ID_BYTES);
    ask.chain.req = member_next_req(w->m[1]);
    assert_int_equal(member_ask(w->m[1], &ask, NULL), ERR_UNKNOWN);
}

static void a_damaged_row_is_no_proof_of_repetition(void **state)
{
    struct world *w = *state;
    struct row r = row_last(w, TABLE_CHAIN);
    struct bytes ss = {0};

    assert_ok(bytes_copy(&ss, span_of(r.value.ptr + CHAIN_ROW_SS, r.value.len - CHAIN_ROW_SS)));
    assert_ok(member_declare_ss(w->m[2], bytes_span(&ss), NULL)); /* the control */
    r.value.len = CHAIN_ROW_SS;
    row_spoilt(w, &r);
    assert_int_equal(member_declare_ss(w->m[2], bytes_span(&ss), NULL), ERR_UNKNOWN);
    bytes_free(&ss);
}

/* --- what waits
 * ------------------------------------------------------------------------------------- */

static void a_letter_waits(struct world *w)
{
    struct env_header h;
    struct bytes whole = {0};

    pause_member(w, 1);
    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 1, &h));
    h.exp = h.ts + 60000;
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("x"), &whole, NULL));
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    bytes_free(&whole);
}

static void row_gone(struct world *w, struct row *r)
{
    struct txn *t = NULL;

    assert_ok(store_begin(w->core->store, TXN_WRITE, &t));
    assert_ok(store_del(t, r->table, bytes_span(&r->key)));
    assert_ok(store_commit(&t));
    bytes_free(&r->key);
    bytes_free(&r->value);
}

static uint32_t code_of_held(const struct member_node *m)
{
    struct receipt_facts facts;

    assert_non_null(member_receipt_of(m, AUDIT_HELD, 0));
    assert_null(member_receipt_of(m, AUDIT_HELD, 1));
    assert_ok(member_item_facts(member_receipt_of(m, AUDIT_HELD, 0), &facts));
    return facts.detail.code;
}

/* Known from nuts-node#469: one missing payload, and nothing at all was delivered any more. */
static void trap_one_missing_payload_blocks_all(void **state)
{
    struct world *w = *state;

    for (int gone = 0; gone < 2; gone++) {
        size_t had = member_items_of(w->m[1], DELIVER_ENVELOPE);
        struct row r;

        a_letter_waits(w);
        a_letter_waits(w);
        r = row_last(w, TABLE_BODY);
        if (gone) {
            row_gone(w, &r);
        } else {
            r.value.len--;
            row_spoilt(w, &r);
        }
        a_letter_waits(w);
        greet(w, 1);
        world_turn(w);
        assert_int_equal(w->turned, ERR_OK); /* the hub serves */
        assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), had + 2);
        assert_int_equal(w->core->count.held, 1);
        assert_int_equal(code_of_held(w->m[0]), ERR_CORRUPT);
        assert_int_equal(code_of_held(w->m[1]), ERR_CORRUPT);
        assert_ok(member_ack_all(w->m[1]));
        assert_ok(member_ack_all(w->m[0]));
        assert_int_equal(world_box(w, 1)->len, 0);
        w->core->count.held = 0;
        for (size_t i = 0; i < 2; i++)
            member_forget_mail(w->m[i]);
    }
}

/* The same when somebody withdraws: what is on its way and lost must not keep him from it. */
static void what_is_lost_on_its_way_hinders_no_withdrawal(void **state)
{
    struct world *w = *state;
    struct circle_statement st;
    struct row r;

    world_send(w, 0, 1);
    assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), 1);
    r = row_last(w, TABLE_BODY);
    row_gone(w, &r);
    assert_ok(member_statement(w->m[1], w->circle, CIRCLE_OPPOSITION, &st));
    st.class_mask = CLASS_SOCIAL;
    st.way = WAY_ORAL;
    assert_ok(member_declare(w->m[1], w->circle, &st, NULL));
    assert_int_equal(w->turned, ERR_OK);
    assert_int_equal(code_of_held(w->m[0]), ERR_CORRUPT);
}

/* Its chain can still be asked for, and who answers for the disk is told. */
static void a_statement_whose_bytes_are_lost_is_in_nobodys_way(void **state)
{
    struct world *w = *state;
    struct circle_statement st;
    struct row r;

    pause_member(w, 2);
    assert_ok(member_statement(w->m[0], w->circle, CIRCLE_NOTICE, &st));
    st.class_mask = CLASS_SOCIAL;
    st.way = WAY_ORAL;
    st.org_count = 1;
    memcpy(st.orgs[0], member_org(w->m[1]), ID_BYTES);
    assert_ok(member_declare(w->m[0], w->circle, &st, NULL));
    r = row_last(w, TABLE_BODY);
    row_gone(w, &r);
    world_send(w, 0, 2);
    greet(w, 2);
    world_turn(w);
    assert_int_equal(w->turned, ERR_OK);
    assert_int_equal(member_items_of(w->m[2], DELIVER_ENVELOPE), 1);
    assert_int_equal(w->core->count.held, 0);
}

/* What it said nobody can read any more: both sides are told of its end all the same. */
static void a_damaged_body_expires_like_another(void **state)
{
    struct world *w = *state;
    uint64_t failed;
    struct row r;

    a_letter_waits(w);
    r = row_last(w, TABLE_BODY);
    row_gone(w, &r);
    a_letter_waits(w);
    r = row_last(w, TABLE_BODY);
    r.value.len--;
    row_spoilt(w, &r);
    clock_fixed_advance(&w->clock, 120000);
    failed = w->core->count.failed_commits;
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.failed_commits, failed);
    assert_int_equal(w->core->count.expired, 2);
    greet(w, 1);
    assert_non_null(member_receipt_of(w->m[1], AUDIT_EXPIRED, 0));
}

static void an_item_for_another_than_its_envelope_says_is_not_handed_out(void **state)
{
    struct world *w = *state;
    struct row r;

    a_letter_waits(w);
    pause_member(w, 2);
    r = row_last(w, TABLE_ITEM);
    be32_write(number_of(w, 2), r.value.ptr + r.value.len - 5);
    row_spoilt(w, &r);
    assert_ok(core_reload(w->core));
    assert_int_equal(world_box(w, 2)->len, 1);
    greet(w, 2);
    world_turn(w);
    assert_int_equal(w->turned, ERR_OK);
    assert_int_equal(member_items_of(w->m[2], DELIVER_ENVELOPE), 0);
    assert_int_equal(code_of_held(w->m[2]), ERR_CORRUPT);
}

static void an_item_for_a_node_that_is_not_there_waits_for_nobody(void **state)
{
    struct world *w = *state;
    struct row r;

    a_letter_waits(w);
    r = row_last(w, TABLE_ITEM);
    be32_write(9999, r.value.ptr + r.value.len - 5);
    row_spoilt(w, &r);
    assert_ok(core_reload(w->core));
    assert_int_equal(world_box(w, 1)->len, 0);
    clock_fixed_advance(&w->clock, 120000);
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.expired, 0);
    assert_null(member_receipt_of(w->m[0], AUDIT_EXPIRED, 0));
}

static void an_item_whose_length_does_not_fit_its_count_is_found(void **state)
{
    struct world *w = *state;
    struct row r, whole;

    a_letter_waits(w);
    r = row_last(w, TABLE_ITEM);
    whole = row_last(w, TABLE_ITEM);
    r.value.len--;
    row_spoilt(w, &r);
    assert_int_equal(core_reload(w->core), ERR_CORRUPT);
    whole.value.ptr[whole.value.len - 5 - 2] = 0x7f; /* more recipients than an item may have */
    row_spoilt(w, &whole);
    assert_int_equal(core_reload(w->core), ERR_CORRUPT);
}

static void a_receipt_with_a_damaged_path_is_not_handed_out(void **state)
{
    struct world *w = *state;
    struct row r;

    pause_member(w, 0);
    world_send(w, 0, 1);
    assert_ok(member_ack_all(w->m[1]));
    assert_int_equal(world_box(w, 0)->len, 1);
    r = row_last(w, TABLE_BODY);
    assert_true(r.value.len > 0);
    r.value.len--;
    row_spoilt(w, &r);
    greet(w, 0);
    world_turn(w);
    assert_int_equal(w->turned, ERR_OK);
    assert_int_equal(member_items_of(w->m[0], DELIVER_RECEIPT), 0);
    assert_int_equal(world_box(w, 0)->len, 0); /* and in nobody's way */
    world_send(w, 0, 1);
    assert_ok(member_ack_all(w->m[1]));
    assert_int_equal(member_items_of(w->m[0], DELIVER_RECEIPT), 1);
}

static void no_sequence_number_is_given_twice(void **state)
{
    struct world *w = *state;
    uint64_t before;
    uint8_t one[8];

    a_letter_waits(w);
    before = w->core->next_seq;
    be64_write(1, one);
    row_put(w, TABLE_META, SPAN_STR("next_seq"), SPAN_OF(one));
    assert_ok(core_reload(w->core));
    assert_int_equal(w->core->next_seq, before);
}

/* --- what was
 * ------------------------------------------------------------------------------------- */

static void a_dedupe_row_of_another_form_stops_the_sweep(void **state)
{
    struct world *w = *state;
    uint64_t failed = w->core->count.failed_commits;

    row_put(w, TABLE_SEEN, SPAN_STR("short"), SPAN_STR("x"));
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.failed_commits, failed + 1);
}

static void a_report_on_a_damaged_leaf_is_not_taken(void **state)
{
    struct world *w = *state;
    struct row r;

    world_send(w, 0, 1);
    r = row_last(w, TABLE_A_SIDE); /* of the leaf that accepted it */
    assert_ok(member_ack_all(w->m[1]));
    memset(r.value.ptr + SALT_BYTES, 0xc1, r.value.len - SALT_BYTES);
    row_spoilt(w, &r);
    assert_int_equal(member_report(w->m[1], last_item(w, 1), AUDIT_OPENED, ERR_OK, NULL),
                     ERR_UNKNOWN);
    assert_int_equal(w->core->count.reports, 0);
}

static void nodes_of_another_form_are_found_and_unknown_ones_are_not_served(void **state)
{
    struct world *w = *state;
    struct row r = row_last(w, TABLE_NODE);
    uint8_t key[4];

    assert_null(mailbox_of(w->core, 9999));
    row_put(w, TABLE_NODE, key_u32(9999, key), bytes_span(&r.value));
    assert_ok(core_reload(w->core));
    assert_non_null(mailbox_of(w->core, 9999)); /* a mailbox, but who greets is not enrolled */
    row_put(w, TABLE_NODE, SPAN_STR("key"), bytes_span(&r.value));
    assert_int_equal(core_reload(w->core), ERR_CORRUPT);
    bytes_free(&r.key);
    bytes_free(&r.value);
}

static void a_head_beyond_the_log_gives_no_receipt(void **state)
{
    struct world *w = *state;
    uint64_t size = ledger_committed_size(w->core->audit);
    struct bytes out = {0};
    struct txn *t = NULL;
    uint8_t key[8];

    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    assert_int_equal(audit_receipt(w->core, t, size + 5, NULL, &out), ERR_NOT_FOUND);
    store_abort(&t);
    row_put(w, TABLE_HEAD, key_u64(size + 9, key), SPAN_STR("12345678"));
    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    assert_int_equal(audit_receipt(w->core, t, size + 5, NULL, &out), ERR_STATE);
    store_abort(&t);
    assert_int_equal(out.len, 0);
}

/* A table that is added to core.h and not to fsck would be believed whatever it holds. */
static void fsck_looks_at_every_table(void **state)
{
    (void)state;
    for (int table = 0; table < HUB_TABLES; table++) {
        if (!fsck_knows((enum hub_table)table))
            print_error("fsck does not know %s\n", core_table_names()[table]);
        assert_true(fsck_knows((enum hub_table)table));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(fsck_looks_at_every_table),
        TEST(a_flipped_byte_in_a_chain_refuses_nobody),
        TEST(a_flipped_byte_in_a_chain_holds_nothing_back),
        TEST(a_damaged_page_of_a_chain_is_not_handed_out),
        TEST(a_damaged_row_is_no_proof_of_repetition),
        TEST(trap_one_missing_payload_blocks_all),
        TEST(what_is_lost_on_its_way_hinders_no_withdrawal),
        TEST(a_statement_whose_bytes_are_lost_is_in_nobodys_way),
        TEST(a_damaged_body_expires_like_another),
        TEST(an_item_for_another_than_its_envelope_says_is_not_handed_out),
        TEST(an_item_for_a_node_that_is_not_there_waits_for_nobody),
        TEST(an_item_whose_length_does_not_fit_its_count_is_found),
        TEST(a_receipt_with_a_damaged_path_is_not_handed_out),
        TEST(no_sequence_number_is_given_twice),
        TEST(a_dedupe_row_of_another_form_stops_the_sweep),
        TEST(a_report_on_a_damaged_leaf_is_not_taken),
        TEST(nodes_of_another_form_are_found_and_unknown_ones_are_not_served),
        TEST(a_head_beyond_the_log_gives_no_receipt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
