/* Chains as they come, and statements of ours until the hub has decided. */
#include "node_rig.h"

static const uint8_t actor[ID_BYTES] = {1};

static enum err take(struct rig *r, struct span ss, bool *gap)
{
    struct txn *t = NULL;
    enum err e = store_begin(r->n->store, TXN_WRITE, &t);

    if (!e && !(e = circles_take(r->n, t, ss, gap)))
        e = node_commit(r->n, &t);
    node_abort(r->n, &t);
    return e;
}

static uint32_t size_of(struct rig *r, const uint8_t *handle)
{
    struct circle *c = NULL;
    struct txn *t = NULL;
    uint32_t size;
    enum err e;

    assert_int_equal(store_begin(r->n->store, TXN_READ, &t), ERR_OK);
    e = circles_get(r->n, t, handle, &c);
    size = e ? 0 : circle_size(c);
    store_abort(&t);
    return size;
}

static void a_chain_is_kept_and_read_back(void **state)
{
    struct rig *r = *state;
    struct rig_circle c;

    rig_circle_new(r, &c);
    rig_circle_tell(r, &c, 0, 2);
    assert_int_equal(size_of(r, circle_handle(c.c)), 2);
    rig_restart(r);
    assert_int_equal(size_of(r, circle_handle(c.c)), 2);
    rig_circle_free(&c);
}

static void a_statement_held_already_is_fine_and_another_in_its_place_is_evidence(void **state)
{
    struct rig *r = *state;
    struct rig_circle c;
    struct circle_statement s;
    struct circle *fork = NULL;
    struct bytes other = {0};
    bool gap;

    rig_circle_new(r, &c);
    rig_circle_tell(r, &c, 0, 2);
    assert_int_equal(take(r, bytes_span(&c.ss[1]), &gap), ERR_OK);
    assert_false(gap);
    assert_int_equal(circle_new(circle_handle(c.c), &fork), ERR_OK);
    assert_int_equal(circle_load(fork, bytes_span(&c.ss[0])), ERR_OK);
    assert_int_equal(circle_next(fork, CIRCLE_CLOSE, r->other.org, actor, RIG_NOW, &s), ERR_OK);
    s.date_ms = RIG_NOW;
    s.reason = END_NORMAL;
    rig_say(r, fork, &r->other, &s, &other);
    assert_int_equal(take(r, bytes_span(&other), &gap), ERR_SPLIT_VIEW);
    assert_int_equal(size_of(r, circle_handle(c.c)), 2);
    bytes_free(&other);
    circle_free(fork);
    rig_circle_free(&c);
}

static void a_gap_marks_the_circle_incomplete(void **state)
{
    struct rig *r = *state;
    struct rig_circle c;
    struct circle_info i;
    struct txn *t = NULL;
    bool gap = false;

    rig_circle_new(r, &c);
    assert_int_equal(take(r, bytes_span(&c.ss[1]), &gap), ERR_OK);
    assert_true(gap);
    assert_int_equal(store_begin(r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(circle_info_get(r->n, t, circle_handle(c.c), &i), ERR_OK);
    assert_true(i.incomplete);
    store_abort(&t);
    rig_circle_free(&c);
}

static void a_forged_statement_is_refused_and_the_chain_stays(void **state)
{
    struct rig *r = *state;
    struct rig_circle c;
    struct circle_statement s;
    struct bytes ss = {0};
    bool gap;

    rig_circle_new(r, &c);
    rig_circle_tell(r, &c, 0, 2);
    assert_int_equal(circle_next(c.c, CIRCLE_CLOSE, r->other.org, actor, RIG_NOW, &s), ERR_OK);
    s.date_ms = RIG_NOW;
    s.reason = END_NORMAL;
    assert_int_equal(circle_sign(&s, r->own.sign, &ss), ERR_OK);
    assert_int_not_equal(take(r, bytes_span(&ss), &gap), ERR_OK);
    assert_int_equal(size_of(r, circle_handle(c.c)), 2);
    bytes_free(&ss);
    rig_circle_free(&c);
}

static void a_statement_that_was_not_committed_is_not_in_memory_either(void **state)
{
    struct rig *r = *state;
    struct rig_circle c;
    bool gap;

    rig_circle_new(r, &c);
    rig_circle_tell(r, &c, 0, 1);
    r->faults.fail_commit = r->faults.commits + 1;
    r->faults.commit_fault = COMMIT_FULL;
    assert_int_equal(take(r, bytes_span(&c.ss[1]), &gap), ERR_FULL);
    assert_int_equal(size_of(r, circle_handle(c.c)), 1);
    assert_int_equal(take(r, bytes_span(&c.ss[1]), &gap), ERR_OK);
    assert_int_equal(size_of(r, circle_handle(c.c)), 2);
    rig_circle_free(&c);
}

static void an_abandoned_transaction_leaves_no_statement_in_memory(void **state)
{
    struct rig *r = *state;
    struct rig_circle c;
    struct txn *t = NULL;
    bool gap;

    rig_circle_new(r, &c);
    rig_circle_tell(r, &c, 0, 1);
    assert_int_equal(store_begin(r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(circles_take(r->n, t, bytes_span(&c.ss[1]), &gap), ERR_OK);
    node_abort(r->n, &t);
    assert_int_equal(size_of(r, circle_handle(c.c)), 1);
    rig_circle_free(&c);
}

static void the_chain_as_it_was_is_read_from_the_store(void **state)
{
    struct rig *r = *state;
    struct rig_circle c;
    struct circle *then = NULL;
    struct txn *t = NULL;

    rig_circle_new(r, &c);
    rig_circle_tell(r, &c, 0, 2);
    assert_int_equal(store_begin(r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(circles_at(r->n, t, circle_handle(c.c), 1, &then), ERR_OK);
    assert_int_equal(circle_size(then), 1);
    assert_null(circle_find(then, r->own.org));
    circle_free(then);
    then = NULL;
    assert_int_equal(circles_at(r->n, t, circle_handle(c.c), 3, &then), ERR_RANGE);
    store_abort(&t);
    rig_circle_free(&c);
}

/* --- acts ------------------------------------------------------------------------------------ */

static enum err add(struct rig *r, struct circle_statement *s, const uint8_t *person,
                    uint8_t id[ID_BYTES])
{
    struct txn *t = NULL;
    enum err e = store_begin(r->n->store, TXN_WRITE, &t);

    if (!e && !(e = act_add(r->n, t, s, person, id)))
        e = node_commit(r->n, &t);
    node_abort(r->n, &t);
    return e;
}

static enum err sign(struct rig *r, const uint8_t id[ID_BYTES], struct bytes *ss)
{
    struct txn *t = NULL;
    enum err e = store_begin(r->n->store, TXN_WRITE, &t);

    if (!e && !(e = act_sign(r->n, t, id, ss)))
        e = node_commit(r->n, &t);
    node_abort(r->n, &t);
    return e;
}

static struct act get(struct rig *r, const uint8_t id[ID_BYTES])
{
    struct act a = {0};
    struct txn *t = NULL;

    assert_int_equal(store_begin(r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(act_get(r->n, t, id, &a), ERR_OK);
    store_abort(&t);
    return a;
}

static void statement_new(struct rig *r, const struct rig_circle *c, enum circle_kind kind,
                          struct circle_statement *s)
{
    *s = (struct circle_statement){.kind = kind, .ts_ms = RIG_NOW, .date_ms = RIG_NOW};
    if (c)
        memcpy(s->circle, circle_handle(c->c), ID_BYTES);
    memcpy(s->author, r->own.org, ID_BYTES);
    memcpy(s->actor, actor, ID_BYTES);
}

static void hub_receipt(struct rig *r, struct span ss, struct bytes *receipt)
{
    struct detail d = {.has = RD_KEY(DETAIL_STATEMENT) | RD_KEY(DETAIL_CHAIN_N)};
    struct statement st;

    assert_int_equal(statement_parse(ss, &st), ERR_OK);
    assert_int_equal(statement_link(st.stmt, d.statement), ERR_OK);
    rig_receipt(r, AUDIT_STATEMENT, &d, NULL, receipt);
}

static void a_circle_of_ours_exists_once_the_hub_has_committed_it(void **state)
{
    struct rig *r = *state;
    struct circle_statement s;
    struct bytes ss = {0}, receipt = {0};
    struct act a;
    uint8_t id[ID_BYTES];

    statement_new(r, NULL, CIRCLE_CREATE, &s);
    s.row = rig_row(&r->own, CIRCLE_RIGHT_ALL);
    assert_int_equal(add(r, &s, r->person[0], id), ERR_OK);
    assert_int_equal(size_of(r, s.circle), 0);
    rig_restart(r);
    assert_int_equal(sign(r, id, &ss), ERR_OK);
    hub_receipt(r, bytes_span(&ss), &receipt);
    assert_int_equal(act_committed(r->n, id, bytes_span(&receipt)), ERR_OK);
    assert_int_equal(size_of(r, s.circle), 1);
    a = get(r, id);
    assert_int_equal(a.state, ACT_DONE);
    assert_int_equal(rig_rows(r, TABLE_ACT_LIVE), 0);
    act_wipe(&a);
    bytes_free(&ss);
    bytes_free(&receipt);
}

static void a_receipt_about_another_statement_commits_nothing(void **state)
{
    struct rig *r = *state;
    struct rig_circle c;
    struct circle_statement s;
    struct bytes ss = {0}, receipt = {0};
    uint8_t id[ID_BYTES];

    rig_circle_new(r, &c);
    rig_circle_tell(r, &c, 0, 2);
    statement_new(r, &c, CIRCLE_LEAVE, &s);
    assert_int_equal(add(r, &s, NULL, id), ERR_OK);
    hub_receipt(r, bytes_span(&c.ss[1]), &receipt);
    assert_int_equal(act_committed(r->n, id, bytes_span(&receipt)), ERR_PROOF);
    assert_int_equal(size_of(r, circle_handle(c.c)), 2);
    assert_int_equal(rig_rows(r, TABLE_ACT_LIVE), 1);
    bytes_free(&ss);
    bytes_free(&receipt);
    rig_circle_free(&c);
}

static void the_same_bytes_are_declared_again_while_the_head_stands(void **state)
{
    struct rig *r = *state;
    struct rig_circle c;
    struct circle_statement s;
    struct bytes first = {0}, again = {0};
    uint8_t id[ID_BYTES];

    rig_circle_new(r, &c);
    rig_circle_tell(r, &c, 0, 2);
    statement_new(r, &c, CIRCLE_LEAVE, &s);
    assert_int_equal(add(r, &s, NULL, id), ERR_OK);
    assert_int_equal(sign(r, id, &first), ERR_OK);
    rig_restart(r);
    assert_int_equal(sign(r, id, &again), ERR_OK);
    assert_true(span_equal(bytes_span(&first), bytes_span(&again)));
    bytes_free(&first);
    bytes_free(&again);
    rig_circle_free(&c);
}

static void a_statement_on_an_old_head_is_signed_again_on_the_new_one(void **state)
{
    struct rig *r = *state;
    struct rig_circle c;
    struct circle_statement s, other;
    struct bytes first = {0}, again = {0};
    struct statement st;
    uint8_t id[ID_BYTES];

    rig_circle_new(r, &c);
    rig_circle_tell(r, &c, 0, 2);
    statement_new(r, &c, CIRCLE_OPPOSITION, &s);
    s.class_mask = CLASS_MEDICAL;
    assert_int_equal(add(r, &s, NULL, id), ERR_OK);
    assert_int_equal(sign(r, id, &first), ERR_OK);
    assert_int_equal(circle_next(c.c, CIRCLE_NOTICE, r->other.org, actor, RIG_NOW, &other), ERR_OK);
    other.class_mask = CLASS_SOCIAL;
    other.org_count = 1;
    memcpy(other.orgs[0], r->own.org, ID_BYTES);
    other.date_ms = RIG_NOW;
    other.way = WAY_ORAL;
    rig_say(r, c.c, &r->other, &other, &c.ss[c.n++]);
    /* the hub says so before the statement itself has come: the chain must be read first */
    assert_int_equal(act_stale(r->n, id, 2, circle_head(c.c)), ERR_OK);
    rig_circle_tell(r, &c, 2, 3);
    assert_int_equal(sign(r, id, &again), ERR_OK);
    assert_false(span_equal(bytes_span(&first), bytes_span(&again)));
    assert_int_equal(statement_parse(bytes_span(&again), &st), ERR_OK);
    assert_int_equal(circle_decode(st.stmt, &s), ERR_OK);
    assert_int_equal(s.n, 3);
    assert_memory_equal(s.prev, circle_head(c.c), STMT_LINK_BYTES);
    bytes_free(&first);
    bytes_free(&again);
    rig_circle_free(&c);
}

static void what_the_new_head_does_not_allow_is_not_signed_again(void **state)
{
    struct rig *r = *state;
    struct rig_circle c;
    struct circle_statement s, close;
    struct bytes ss = {0};
    uint8_t id[ID_BYTES];

    rig_circle_new(r, &c);
    rig_circle_tell(r, &c, 0, 2);
    statement_new(r, &c, CIRCLE_NOTICE, &s);
    s.class_mask = CLASS_SOCIAL;
    s.org_count = 1;
    memcpy(s.orgs[0], r->other.org, ID_BYTES);
    s.way = WAY_ORAL;
    assert_int_equal(add(r, &s, NULL, id), ERR_OK);
    assert_int_equal(circle_next(c.c, CIRCLE_CLOSE, r->other.org, actor, RIG_NOW, &close), ERR_OK);
    close.date_ms = RIG_NOW;
    close.reason = END_DEATH;
    rig_say(r, c.c, &r->other, &close, &c.ss[c.n++]);
    rig_circle_tell(r, &c, 2, 3);
    assert_int_equal(sign(r, id, &ss), ERR_CIRCLE_CLOSED);
    assert_int_equal(ss.len, 0);
    assert_int_equal(act_refused(r->n, id, ERR_CIRCLE_CLOSED), ERR_OK);
    assert_int_equal(rig_rows(r, TABLE_ACT_LIVE), 0);
    rig_circle_free(&c);
}

static void our_own_statement_that_came_back_before_its_receipt_is_declared_unchanged(void **state)
{
    struct rig *r = *state;
    struct rig_circle c;
    struct circle_statement s;
    struct bytes ss = {0}, again = {0}, receipt = {0};
    uint8_t id[ID_BYTES];
    bool gap;

    rig_circle_new(r, &c);
    rig_circle_tell(r, &c, 0, 2);
    statement_new(r, &c, CIRCLE_OPPOSITION, &s);
    s.class_mask = CLASS_SOCIAL;
    assert_int_equal(add(r, &s, NULL, id), ERR_OK);
    assert_int_equal(sign(r, id, &ss), ERR_OK);
    assert_int_equal(take(r, bytes_span(&ss), &gap), ERR_OK);
    rig_restart(r);
    assert_int_equal(sign(r, id, &again), ERR_OK);
    assert_true(span_equal(bytes_span(&ss), bytes_span(&again)));
    hub_receipt(r, bytes_span(&ss), &receipt);
    assert_int_equal(act_committed(r->n, id, bytes_span(&receipt)), ERR_OK);
    assert_int_equal(size_of(r, circle_handle(c.c)), 3);
    bytes_free(&ss);
    bytes_free(&again);
    bytes_free(&receipt);
    rig_circle_free(&c);
}

static void a_joiner_takes_the_head_from_the_hubs_refusal(void **state)
{
    struct rig *r = *state;
    struct circle_statement s, said;
    struct rig_circle c;
    struct bytes offer = {0}, ss = {0};
    struct statement st;
    uint8_t id[ID_BYTES];
    uint8_t head[STMT_LINK_BYTES] = {5};

    rig_circle_new(r, &c);
    rig_offer(r, c.c, &offer);
    statement_new(r, &c, CIRCLE_JOIN, &s);
    s.row = rig_row(&r->own, CIRCLE_RIGHT_ALL);
    s.offer = bytes_span(&offer);
    assert_int_equal(add(r, &s, r->person[0], id), ERR_OK);
    assert_int_equal(act_stale(r->n, id, 41, head), ERR_OK);
    assert_int_equal(sign(r, id, &ss), ERR_OK);
    assert_int_equal(statement_parse(bytes_span(&ss), &st), ERR_OK);
    assert_int_equal(circle_decode(st.stmt, &said), ERR_OK);
    assert_int_equal(said.n, 42);
    assert_memory_equal(said.prev, head, sizeof head);
    assert_true(span_equal(said.offer, bytes_span(&offer)));
    bytes_free(&offer);
    bytes_free(&ss);
    rig_circle_free(&c);
}

static void a_statement_without_the_right_is_refused_at_once(void **state)
{
    struct rig *r = *state;
    struct rig_circle c;
    struct circle_statement s;
    uint8_t id[ID_BYTES];

    rig_circle_new(r, &c);
    rig_circle_tell(r, &c, 0, 2);
    statement_new(r, &c, CIRCLE_CLOSE, &s);
    s.reason = END_NORMAL;
    assert_int_equal(add(r, &s, NULL, id), ERR_RIGHT);
    assert_int_equal(rig_rows(r, TABLE_ACT), 0);
    rig_circle_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_chain_is_kept_and_read_back, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(
            a_statement_held_already_is_fine_and_another_in_its_place_is_evidence, rig_up,
            rig_down),
        cmocka_unit_test_setup_teardown(a_gap_marks_the_circle_incomplete, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_forged_statement_is_refused_and_the_chain_stays, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(a_statement_that_was_not_committed_is_not_in_memory_either,
                                        rig_up, rig_down),
        cmocka_unit_test_setup_teardown(an_abandoned_transaction_leaves_no_statement_in_memory,
                                        rig_up, rig_down),
        cmocka_unit_test_setup_teardown(the_chain_as_it_was_is_read_from_the_store, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(a_circle_of_ours_exists_once_the_hub_has_committed_it,
                                        rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_receipt_about_another_statement_commits_nothing, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(the_same_bytes_are_declared_again_while_the_head_stands,
                                        rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_statement_on_an_old_head_is_signed_again_on_the_new_one,
                                        rig_up, rig_down),
        cmocka_unit_test_setup_teardown(what_the_new_head_does_not_allow_is_not_signed_again,
                                        rig_up, rig_down),
        cmocka_unit_test_setup_teardown(
            our_own_statement_that_came_back_before_its_receipt_is_declared_unchanged, rig_up,
            rig_down),
        cmocka_unit_test_setup_teardown(a_joiner_takes_the_head_from_the_hubs_refusal, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(a_statement_without_the_right_is_refused_at_once, rig_up,
                                        rig_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
