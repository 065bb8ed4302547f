/* Rows that do not check, a store that is full, and questions that come at the wrong moment. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_world.h"

/* --- damaged rows
 * --------------------------------------------------------------------------------- */

struct first_row {
    uint8_t key[STORE_KEY_MAX];
    size_t key_len;
    struct bytes value;
};

static enum err row_take(void *arg, struct span key, struct span value)
{
    struct first_row *r = arg;

    memcpy(r->key, key.ptr, key.len);
    r->key_len = key.len;
    assert_ok(bytes_copy(&r->value, value));
    return ERR_OK;
}

/* The last row of the table keeps `left` of its bytes, or becomes a row under another key. */
static void damage(struct world *w, int table, size_t left, bool key_too)
{
    struct first_row r = {0};
    struct txn *t = NULL;

    assert_ok(store_begin(w->core->store, TXN_WRITE, &t));
    assert_ok(store_scan(t, table, (struct span){0}, (struct span){0}, SIZE_MAX, row_take, &r));
    assert_true(r.key_len > 0);
    if (key_too)
        assert_ok(store_put(t, table, SPAN_STR("\xff\xff\xff"), bytes_span(&r.value)));
    else
        assert_ok(store_put(t, table, span_of(r.key, r.key_len), span_of(r.value.ptr, left)));
    assert_ok(store_commit(&t));
    bytes_free(&r.value);
    w->damaged = true;
}

static void put_again(struct world *w, const struct bytes *whole)
{
    struct message say = {
        .type = MSG_PUT, .put = {member_next_req(w->m[0]), bytes_span(whole)}
    };
    enum err e = member_ask(w->m[0], &say, NULL);

    assert_true(e == ERR_UNKNOWN || e == ERR_TIMEOUT);
}

static void a_damaged_dedupe_row_is_no_acceptance(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);
    uint64_t audit;

    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    audit = ledger_committed_size(w->core->audit);
    damage(w, TABLE_SEEN, 5, false);
    put_again(w, &whole);
    assert_int_equal(ledger_committed_size(w->core->audit), audit);
    world_job(w, JOB_TICK); /* the sweep sees it too */
    bytes_free(&whole);
}

static void a_damaged_circle_row_stops_what_would_build_on_it(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);
    uint64_t audit = ledger_committed_size(w->core->audit);

    damage(w, TABLE_CIRCLE, 5, false);
    put_again(w, &whole);
    assert_int_equal(ledger_committed_size(w->core->audit), audit);
    bytes_free(&whole);
}

static void a_damaged_chain_is_not_judged_by(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);
    struct message ask = {.type = MSG_CHAIN};

    damage(w, TABLE_CHAIN, 3, false);
    circles_forget(w->core->circles);
    put_again(w, &whole);
    memcpy(ask.chain.circle, w->circle->handle, ID_BYTES);
    ask.chain.req = member_next_req(w->m[1]);
    assert_int_not_equal(member_ask(w->m[1], &ask, NULL), ERR_OK);
    bytes_free(&whole);
}

static void a_damaged_item_is_found_when_it_is_needed_and_at_the_start(void **state)
{
    struct world *w = *state;
    struct msg_hello hello;

    member_credit(w->m[1], 0, 0);
    assert_ok(member_ack(w->m[1], member_acked(w->m[1])));
    world_send(w, 0, 1);
    damage(w, TABLE_ITEM, 20, false);
    member_credit(w->m[1], 10, 1 << 20);
    assert_ok(member_hello_make(w->m[1], &hello));
    w->turned = ERR_OK;
    assert_int_not_equal(member_hello(w->m[1], &hello), ERR_UNKNOWN); /* it may be greeted */
    assert_int_equal(w->turned, ERR_CORRUPT); /* and then the core gives up */
    assert_int_equal(core_reload(w->core), ERR_CORRUPT);
}

static void rows_of_the_wrong_form_are_found_at_the_start(void **state)
{
    struct world *w = *state;

    damage(w, TABLE_NODE, 7, false);
    assert_int_equal(core_reload(w->core), ERR_CORRUPT);
}

static void a_key_of_the_wrong_form_is_found_at_the_start(void **state)
{
    struct world *w = *state;

    world_send(w, 0, 1);
    damage(w, TABLE_ITEM, 0, true);
    assert_int_equal(core_reload(w->core), ERR_CORRUPT);
}

static void a_damaged_counter_is_found_at_the_start(void **state)
{
    struct world *w = *state;
    struct txn *t = NULL;

    assert_ok(store_begin(w->core->store, TXN_WRITE, &t));
    assert_ok(store_put(t, TABLE_META, SPAN_STR("next_seq"), SPAN_STR("x")));
    assert_ok(store_commit(&t));
    w->damaged = true;
    assert_int_equal(core_reload(w->core), ERR_CORRUPT);
}

static void a_damaged_keys_log_is_found_at_the_start(void **state)
{
    struct world *w = *state;

    damage(w, TABLE_K_SIDE, 3, false);
    assert_int_equal(core_reload(w->core), ERR_CORRUPT);
}

static void a_damaged_report_row_is_no_report(void **state)
{
    struct world *w = *state;
    enum err e;

    world_send(w, 0, 1);
    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_report(w->m[1], last_item(w, 1), AUDIT_OPENED, ERR_OK, NULL));
    damage(w, TABLE_REPORTED, 3, false);
    e = member_report(w->m[1], last_item(w, 1), AUDIT_OPENED, ERR_OK, NULL);
    assert_true(e == ERR_UNKNOWN || e == ERR_TIMEOUT);
}

static void a_damaged_invitation_invites_nobody(void **state)
{
    struct world *w = *state;
    struct member_node *m = world_invite(w, "new", ORG_LIBERAL, false);
    enum join_state joined;
    enum err code;

    damage(w, TABLE_INVITE, 4, false);
    assert_int_equal(world_command(w, "org.list", NULL, NULL), ERR_UNKNOWN);
    if (member_join(m, &joined, &code) == ERR_OK)
        assert_int_not_equal(joined, JOIN_ENROLLED);
    member_free(m);
}

static void without_the_row_of_its_commit_a_leaf_has_no_receipt(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1), out = {0};
    struct txn *t = NULL;

    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    damage(w, TABLE_HEAD, 0, true); /* a key that is no size */
    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    assert_int_equal(audit_receipt(w->core, t, UINT32_MAX, NULL, &out), ERR_CORRUPT);
    store_abort(&t);
    bytes_free(&whole);
    bytes_free(&out);
}

/* A leaf whose salt and detail were erased keeps its place, and has nothing more to show. */
static void an_erased_leaf_is_shown_as_erased(void **state)
{
    struct world *w = *state;
    struct bytes out = {0};
    json_t *data = NULL;
    struct txn *t = NULL;
    uint64_t last;

    world_send(w, 0, 1);
    last = ledger_committed_size(w->core->audit) - 1;
    damage(w, TABLE_A_SIDE, 0, false);
    w->damaged = false;
    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    assert_int_equal(audit_receipt(w->core, t, last, NULL, &out), ERR_NOT_FOUND);
    store_abort(&t);
    assert_ok(world_command(w, "log", json_pack("{s:i}", "last", 1), &data));
    assert_true(json_is_true(
        json_object_get(json_array_get(json_object_get(data, "entries"), 0), "erased")));
    assert_ok(member_ack_all(w->m[1]));
    assert_int_equal(member_report(w->m[1], last_item(w, 1), AUDIT_OPENED, ERR_OK, NULL),
                     ERR_NOT_FOUND);
    json_decref(data);
}

/* --- a store that is full
 * --------------------------------------------------------------------------- */

static void a_full_store_takes_nothing_more_but_hands_out_what_it_holds(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);
    struct message say = {
        .type = MSG_PUT, .put = {member_next_req(w->m[0]), bytes_span(&whole)}
    };
    struct member_node *m = world_invite(w, "new", ORG_LIBERAL, false);
    struct circle_statement s;
    enum join_state joined;
    enum err code;

    world_send(w, 2, 1);
    w->strike = (struct strike){STRIKE_COMMIT, 1, ERR_OK, COMMIT_FULL};
    assert_int_equal(member_ask(w->m[0], &say, NULL), ERR_FULL);
    assert_true(w->core->tight);
    assert_int_equal(member_put(w->m[0], bytes_span(&whole), NULL), ERR_FULL);
    assert_ok(member_statement(w->m[0], w->circle, CIRCLE_OPPOSITION, &s));
    s.class_mask = CLASS_MEDICAL;
    assert_ok(member_declare(w->m[0], w->circle, &s, NULL)); /* what narrows has the reserve */
    assert_ok(member_statement(w->m[0], w->circle, CIRCLE_NOTICE, &s));
    assert_int_equal(member_declare(w->m[0], w->circle, &s, NULL), ERR_FULL);
    assert_int_equal(member_join(m, &joined, &code), ERR_TIMEOUT);
    assert_ok(member_ack_all(w->m[1])); /* what empties the store goes on */
    assert_int_equal(w->core->count.delivered, 1);
    clock_fixed_advance(&w->clock, 1100); /* there is room: it is found a second later */
    world_job(w, JOB_TICK);
    assert_false(w->core->tight);
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    member_free(m);
    bytes_free(&whole);
}

static void a_read_only_disk_is_named(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);

    w->strike = (struct strike){STRIKE_PUT, 1, ERR_READONLY, COMMIT_CONFLICT};
    assert_int_equal(member_put(w->m[0], bytes_span(&whole), NULL), ERR_READONLY);
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    bytes_free(&whole);
}

/* --- the wrong moment
 * ------------------------------------------------------------------------------- */

/* Suspended, or revoked, between the worker's look and the core's. */
static void what_was_verified_before_a_suspension_is_refused_after_it(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 1, 2);
    struct message say = {
        .type = MSG_PUT, .put = {member_next_req(w->m[1]), bytes_span(&whole)}
    };
    struct job *j = job_of(w, JOB_MEMBER, w->m[1]);
    struct member_answer a = {0};
    uint64_t accepted = w->core->count.accepted;

    assert_ok(message_encode(&say, &j->frame));
    job_prepare(w, j, 1);
    assert_ok(j->verdict);
    assert_ok(world_about(w, "org.suspend", "org", member_org(w->m[1]), NULL));
    assert_ok(fair_push(w->in, j));
    world_turn(w);
    assert_ok(member_answer(w->m[1], say.put.req, 0, &a));
    assert_int_equal(a.code, ERR_SUSPENDED);
    assert_int_equal(w->core->count.accepted, accepted);
    member_answer_free(&a);
    bytes_free(&whole);
}

static void many_waiting_entries_keep_their_order(void **state)
{
    struct world *w = *state;
    uint64_t before = 0;

    member_credit(w->m[1], 0, 0);
    assert_ok(member_ack(w->m[1], member_acked(w->m[1])));
    for (int i = 0; i < 70; i++) /* the ring grows, while its head is somewhere */
        world_send(w, i % 2 ? 0 : 2, 1);
    for (int i = 0; i < 12; i++) {
        member_credit(w->m[1], 7, 1 << 20);
        assert_ok(member_ack_all(w->m[1]));
        assert_ok(member_ack(w->m[1], member_acked(w->m[1])));
    }
    assert_int_equal(member_items_of(w->m[1], DELIVER_ENVELOPE), 70);
    for (size_t i = 0; i < member_items(w->m[1]); i++) {
        assert_true(member_item(w->m[1], i)->seq > before);
        assert_int_equal(member_item(w->m[1], i)->copies, 1);
        before = member_item(w->m[1], i)->seq;
    }
    assert_memory_is_the_store(w);
}

/* A mailbox names, for each item, the one before it: so a node can see a gap. */
static void each_delivery_names_the_one_before(void **state)
{
    struct world *w = *state;
    uint64_t before = member_acked(w->m[1]);
    size_t had = member_items(w->m[1]);

    for (int i = 0; i < 5; i++) {
        world_send(w, 0, 2); /* sequence numbers of others lie between */
        world_send(w, 0, 1);
    }
    for (size_t i = had; i < member_items(w->m[1]); i++) {
        assert_int_equal(member_item(w->m[1], i)->previous, before);
        before = member_item(w->m[1], i)->seq;
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    static const struct CMUnitTest tests[] = {
        TEST(a_damaged_dedupe_row_is_no_acceptance),
        TEST(a_damaged_circle_row_stops_what_would_build_on_it),
        TEST(a_damaged_chain_is_not_judged_by),
        TEST(a_damaged_item_is_found_when_it_is_needed_and_at_the_start),
        TEST(rows_of_the_wrong_form_are_found_at_the_start),
        TEST(a_key_of_the_wrong_form_is_found_at_the_start),
        TEST(a_damaged_counter_is_found_at_the_start),
        TEST(a_damaged_keys_log_is_found_at_the_start),
        TEST(a_damaged_report_row_is_no_report),
        TEST(a_damaged_invitation_invites_nobody),
        TEST(without_the_row_of_its_commit_a_leaf_has_no_receipt),
        TEST(an_erased_leaf_is_shown_as_erased),
        TEST(a_full_store_takes_nothing_more_but_hands_out_what_it_holds),
        TEST(a_read_only_disk_is_named),
        TEST(what_was_verified_before_a_suspension_is_refused_after_it),
        TEST(many_waiting_entries_keep_their_order),
        TEST(each_delivery_names_the_one_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
