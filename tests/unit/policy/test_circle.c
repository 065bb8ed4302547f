/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
/* The chain of a circle folded: what is accepted, and the state it leads to (PROTOCOL.md 8). */
#include "circle_world.h"

#include "failing_alloc.h"

static bool is_current(const struct circle *c, const struct house *h)
{
    const struct circle_member *m = circle_find(c, h->org);

    return m && m->current;
}

static void create_makes_the_author_member_referent_and_responsible(void **state)
{
    struct circle *c = circle_begun();

    (void)state;
    assert_int_equal(circle_size(c), 1);
    assert_int_equal(circle_member_count(c), 1);
    assert_true(is_current(c, &houses[0]));
    assert_memory_equal(circle_responsible(c), houses[0].org, ID_BYTES);
    assert_memory_equal(circle_referent(c), houses[0].org, ID_BYTES);
    assert_int_equal(circle_member(c, 0)->row.team, 1);
    assert_false(circle_closed(c));
    circle_free(c);
}

/* PROTOCOL.md 8.1, spelt out with the labelled hashes of section 2. */
static void the_handle_and_the_head_are_hashes_of_what_was_said(void **state)
{
    struct circle_statement s = statement_of(NULL, CIRCLE_CREATE, &houses[0]);
    struct bytes stmt = {0};
    struct bytes ss = {0};
    struct circle *c = NULL;
    uint8_t hash[DIGEST_256];

    (void)state;
    s.row = row_of(&houses[0], 1);
    assert_int_equal(circle_encode(&s, &stmt), ERR_OK);
    assert_int_equal(circle_sign(&s, houses[0].sign, &ss), ERR_OK);
    assert_int_equal(circle_new(NULL, &c), ERR_OK);
    assert_null(circle_handle(c));
    assert_null(circle_head(c));
    assert_null(circle_responsible(c));
    assert_null(circle_referent(c));
    assert_int_equal(circle_apply(c, bytes_span(&ss), &all_houses, NOW), ERR_OK);
    assert_int_equal(digest_of("relais/chain1/create", bytes_span(&stmt), hash, sizeof hash),
                     ERR_OK);
    assert_memory_equal(circle_handle(c), hash, ID_BYTES);
    assert_int_equal(digest_of("relais/chain1/link", bytes_span(&stmt), hash, sizeof hash), ERR_OK);
    assert_memory_equal(circle_head(c), hash, STMT_LINK_BYTES);
    bytes_free(&stmt);
    bytes_free(&ss);
    circle_free(c);
}

static void members_join_by_offer_leave_and_are_removed(void **state)
{
    struct circle *c = circle_of_four();

    (void)state;
    assert_int_equal(circle_member_count(c), 4);
    assert_int_equal(leave(c, &houses[2]), ERR_OK);
    assert_false(is_current(c, &houses[2]));
    assert_int_equal(circle_find(c, houses[2].org)->since, 2);
    assert_int_equal(circle_find(c, houses[2].org)->until, 4);
    assert_int_equal(expel(c, &houses[0], &houses[3]), ERR_OK);
    assert_false(is_current(c, &houses[3]));
    assert_int_equal(circle_member_count(c), 4); /* former ones stay on the list */
    circle_free(c);
}

static void a_former_member_comes_back_under_a_new_offer(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_row row = row_of(&houses[2], 7);

    (void)state;
    assert_int_equal(leave(c, &houses[2]), ERR_OK);
    assert_int_equal(join_row(c, &houses[0], &houses[2], &row), ERR_OK);
    assert_true(is_current(c, &houses[2]));
    assert_int_equal(circle_find(c, houses[2].org)->row.team, 7);
    assert_int_equal(circle_find(c, houses[2].org)->until, 0);
    assert_int_equal(circle_find(c, houses[2].org)->left, 4);
    assert_int_equal(circle_member_count(c), 4);
    circle_free(c);
}

static void the_referent_hands_over_by_offer(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_offer o = offer_plan(c, CIRCLE_REFERENT, &houses[0], &houses[1], 1);

    (void)state;
    assert_int_equal(take_up(c, &o, &houses[0], &houses[1]), ERR_OK);
    assert_memory_equal(circle_referent(c), houses[1].org, ID_BYTES);
    assert_memory_equal(circle_responsible(c), houses[0].org, ID_BYTES);
    assert_int_equal(expel(c, &houses[1], &houses[3]), ERR_OK); /* a référent removes */
    assert_int_equal(leave(c, &houses[1]), ERR_OK);
    assert_null(circle_referent(c));
    circle_free(c);
}

static void a_referent_may_be_removed_by_the_responsible(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_offer o = offer_plan(c, CIRCLE_REFERENT, &houses[0], &houses[1], 1);

    (void)state;
    assert_int_equal(take_up(c, &o, &houses[0], &houses[1]), ERR_OK);
    assert_int_equal(expel(c, &houses[0], &houses[1]), ERR_OK);
    assert_null(circle_referent(c));
    circle_free(c);
}

static void acts_are_kept_with_their_houses_and_their_end(void **state)
{
    struct circle *c = circle_of_four(); /* n 0..3 */
    const struct circle_act *a;

    (void)state;
    assert_int_equal(record(c, CIRCLE_NOTICE, &houses[3], CLASS_SOCIAL, &houses[2]), ERR_OK);
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[1], CLASS_MEDICAL, &houses[2]), ERR_OK);
    assert_int_equal(record(c, CIRCLE_OPPOSITION, &houses[2], CLASS_ALL, NULL), ERR_OK);
    assert_int_equal(circle_act_count(c), 3);
    a = circle_act_of(c, 5);
    assert_ptr_equal(a, circle_act(c, 1));
    assert_int_equal(a->kind, CIRCLE_CONSENT);
    assert_int_equal(a->class_mask, CLASS_MEDICAL);
    assert_memory_equal(a->author, houses[1].org, ID_BYTES);
    assert_memory_equal(circle_act_org(c, a, 0), houses[2].org, ID_BYTES);
    assert_null(circle_act_org(c, a, 1));
    assert_true(circle_act_names(c, a, houses[2].org));
    assert_false(circle_act_names(c, a, houses[1].org));
    assert_int_equal(circle_act_of(c, 6)->org_count, 0);
    assert_null(circle_act_of(c, 3));
    assert_null(circle_act_of(c, 7));
    assert_null(circle_act(c, 3));
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[3], 5), ERR_OK);
    assert_int_equal(end(c, CIRCLE_LIFT, &houses[0], 6), ERR_OK);
    assert_false(circle_act_of(c, 5)->live);
    assert_int_equal(circle_act_of(c, 5)->ended_n, 7);
    assert_false(circle_act_of(c, 6)->live);
    assert_true(circle_act_of(c, 4)->live);
    circle_free(c);
}

static void a_withdrawal_of_everything_ends_every_consent_and_nothing_else(void **state)
{
    struct circle *c = circle_of_four();

    (void)state;
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[0], CLASS_SOCIAL, &houses[1]), ERR_OK);
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[1], CLASS_MEDICAL, &houses[2]), ERR_OK);
    assert_int_equal(record(c, CIRCLE_NOTICE, &houses[1], CLASS_MEDICAL, &houses[2]), ERR_OK);
    assert_int_equal(record(c, CIRCLE_OPPOSITION, &houses[1], CLASS_MEDICAL, &houses[2]), ERR_OK);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[3], 0), ERR_OK);
    for (uint32_t n = 4; n < 8; n++)
        assert_int_equal(circle_act_of(c, n)->live, n >= 6);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[3], 0), ERR_OK); /* nothing left: fine */
    circle_free(c);
}

/* Widening (PROTOCOL.md 8.3): names what it supersedes, by the responsible or within the own scope.
 */
static void a_regrant_names_the_latest_withdrawal_of_what_it_covers(void **state)
{
    struct circle *c = circle_of_four();
    const uint8_t both[2][ID_BYTES] = {{0}};

    (void)state;
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[1], CLASS_MEDICAL, &houses[2]), ERR_OK);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[2], 4), ERR_OK); /* n 5 */
    assert_int_equal(
        circle_supersedes(c, CLASS_MEDICAL, (const uint8_t(*)[ID_BYTES]) & houses[2].org, 1), 5);
    assert_int_equal(circle_supersedes(c, CLASS_MEDICAL, both, 2), 0);
    assert_int_equal(regrant(c, &houses[1], CLASS_MEDICAL | CLASS_SOCIAL, &houses[2], 5), ERR_OK);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[2], 6), ERR_OK); /* n 7 */
    assert_int_equal(regrant(c, &houses[0], CLASS_MEDICAL, &houses[2], 5), ERR_WIDENING);
    assert_int_equal(regrant(c, &houses[0], CLASS_MEDICAL, &houses[2], 7), ERR_OK);
    circle_free(c);
}

static void the_latest_withdrawal_counts_whatever_the_order_of_the_consents(void **state)
{
    struct circle *c = circle_of_four();

    (void)state;
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[0], CLASS_MEDICAL, &houses[2]), ERR_OK);
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[0], CLASS_MEDICAL, &houses[2]), ERR_OK);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[1], 5), ERR_OK); /* n 6 */
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[1], 4), ERR_OK); /* n 7 */
    assert_int_equal(regrant(c, &houses[0], CLASS_MEDICAL, &houses[2], 6), ERR_WIDENING);
    assert_int_equal(regrant(c, &houses[0], CLASS_MEDICAL, &houses[2], 7), ERR_OK);
    circle_free(c);
}

static void what_has_ended_does_not_end_again(void **state)
{
    struct circle *c = circle_of_four();

    (void)state;
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[0], CLASS_MEDICAL, &houses[2]), ERR_OK);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[1], 4), ERR_OK);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[1], 0), ERR_OK);
    assert_int_equal(circle_act_of(c, 4)->ended_n, 5);
    circle_free(c);
}

static void a_consent_to_something_else_supersedes_nothing(void **state)
{
    struct circle *c = circle_of_four();

    (void)state;
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[1], CLASS_MEDICAL, &houses[2]), ERR_OK);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[2], 4), ERR_OK);
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[2], CLASS_SOCIAL, &houses[2]), ERR_OK);
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[2], CLASS_MEDICAL, &houses[3]), ERR_OK);
    circle_free(c);
}

static void a_closed_circle_says_no_more(void **state)
{
    struct circle *c = circle_of_four();

    (void)state;
    assert_int_equal(shut(c, &houses[0]), ERR_OK);
    assert_true(circle_closed(c));
    assert_int_equal(leave(c, &houses[1]), ERR_CIRCLE_CLOSED);
    assert_int_equal(record(c, CIRCLE_NOTICE, &houses[1], CLASS_SOCIAL, &houses[2]),
                     ERR_CIRCLE_CLOSED);
    assert_int_equal(join(c, &houses[0], &houses[5]), ERR_CIRCLE_CLOSED);
    circle_free(c);
}

static void a_clone_is_a_circle_of_its_own(void **state)
{
    struct circle *c = circle_of_four();
    struct circle *copy = NULL;
    struct circle *empty = NULL;

    (void)state;
    assert_int_equal(record(c, CIRCLE_NOTICE, &houses[1], CLASS_SOCIAL, &houses[2]), ERR_OK);
    assert_int_equal(circle_clone(c, &copy), ERR_OK);
    assert_true(circle_bytes(copy) <= circle_bytes(c));
    assert_true(circle_bytes(copy) > 4 * sizeof(struct circle_member));
    assert_int_equal(leave(c, &houses[2]), ERR_OK);
    assert_true(is_current(copy, &houses[2]));
    assert_int_equal(circle_size(copy), 5);
    assert_int_equal(leave(copy, &houses[1]), ERR_OK);
    assert_true(is_current(c, &houses[1]));
    circle_free(copy);
    circle_free(c);
    assert_int_equal(circle_new(NULL, &empty), ERR_OK);
    assert_int_equal(circle_clone(empty, &copy), ERR_OK);
    circle_free(copy);
    circle_free(empty);
    circle_free(NULL);
}

static enum err find_nobody(void *arg, const uint8_t org[ID_BYTES], const uint8_t kid[KID_BYTES],
                            struct sign_public *pk)
{
    (void)arg;
    (void)org;
    (void)kid;
    (void)pk;
    return ERR_KEY_REVOKED;
}

static void loading_checks_everything_but_signatures(void **state)
{
    static const struct circle_signers nobody = {find_nobody, NULL};
    struct circle *c = circle_begun();
    struct circle_statement s = statement_of(c, CIRCLE_NOTICE, &houses[0]);
    struct circle_offer o = offer_plan(c, CIRCLE_JOIN, &houses[0], &houses[1], 1);
    struct bytes offer = {0};
    struct bytes ss = {0};

    (void)state;
    s = act_of(c, CIRCLE_NOTICE, &houses[0], CLASS_SOCIAL, &houses[1]);
    assert_int_equal(circle_sign(&s, houses[3].sign, &ss), ERR_OK); /* not the author's key */
    assert_int_equal(circle_apply(c, bytes_span(&ss), &all_houses, NOW), ERR_KEY_UNKNOWN);
    assert_int_equal(circle_apply(c, bytes_span(&ss), &nobody, NOW), ERR_KEY_REVOKED);
    assert_int_equal(circle_apply(c, bytes_span(&ss), NULL, NOW), ERR_USAGE);
    assert_int_equal(circle_check(c, bytes_span(&ss), NULL, NOW), ERR_USAGE);
    assert_int_equal(circle_load(c, bytes_span(&ss)), ERR_OK);
    assert_int_equal(circle_load(c, bytes_span(&ss)), ERR_STALE_HEAD);
    bytes_free(&ss);
    assert_int_equal(circle_offer_sign(&o, houses[0].sign, &offer), ERR_OK);
    s = statement_of(c, CIRCLE_JOIN, &houses[1]);
    s.offer = bytes_span(&offer);
    s.row = o.row;
    assert_int_equal(circle_sign(&s, houses[1].sign, &ss), ERR_OK);
    assert_int_equal(circle_load(c, bytes_span(&ss)), ERR_OK);
    bytes_free(&ss);
    bytes_free(&offer);
    circle_free(c);
}

static void next_begins_only_a_new_circle(void **state)
{
    struct circle *c = circle_begun();
    struct circle_statement s;

    (void)state;
    assert_int_equal(circle_next(c, CIRCLE_CREATE, houses[0].org, houses[0].actor, NOW, &s),
                     ERR_STATE);
    assert_int_equal(circle_next(NULL, CIRCLE_LEAVE, houses[0].org, houses[0].actor, NOW, &s),
                     ERR_STATE);
    circle_free(c);
}

static void without_memory_a_statement_has_no_effect(void **state)
{
    struct circle *c = circle_begun();
    struct circle *copy = NULL;
    struct circle_statement s;
    struct bytes ss = {0};
    enum err e = ERR_NOMEM;
    long n = 0;

    (void)state;
    assert_int_equal(record(c, CIRCLE_NOTICE, &houses[0], CLASS_SOCIAL, &houses[1]), ERR_OK);
    assert_int_equal(join(c, &houses[0], &houses[1]), ERR_OK);
    while (e != ERR_OK) { /* a clone has not a byte to spare: the next statement must grow */
        alloc_fail_after(++n);
        e = circle_clone(c, &copy);
        alloc_fail_after(-1);
        assert_true(e == ERR_OK || e == ERR_NOMEM);
    }
    assert_int_equal(n, 1 + 4 + 1);
    s = act_of(copy, CIRCLE_NOTICE, &houses[0], CLASS_SOCIAL, &houses[1]);
    assert_int_equal(circle_sign(&s, houses[0].sign, &ss), ERR_OK);
    e = ERR_NOMEM;
    for (n = 1; e != ERR_OK; n++) {
        alloc_fail_after(n);
        e = circle_apply(copy, bytes_span(&ss), &all_houses, NOW);
        alloc_fail_after(-1);
        assert_true(e == ERR_OK || e == ERR_NOMEM);
        assert_int_equal(circle_size(copy), e ? 3 : 4);
        assert_int_equal(circle_act_count(copy), e ? 1 : 2);
    }
    assert_true(n > 3);
    alloc_fail_after(1);
    struct circle *none = NULL;
    assert_int_equal(circle_new(NULL, &none), ERR_NOMEM);
    alloc_fail_after(-1);
    assert_null(none);
    bytes_free(&ss);
    circle_free(copy);
    circle_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_makes_the_author_member_referent_and_responsible),
        cmocka_unit_test(the_handle_and_the_head_are_hashes_of_what_was_said),
        cmocka_unit_test(members_join_by_offer_leave_and_are_removed),
        cmocka_unit_test(a_former_member_comes_back_under_a_new_offer),
        cmocka_unit_test(the_referent_hands_over_by_offer),
        cmocka_unit_test(a_referent_may_be_removed_by_the_responsible),
        cmocka_unit_test(acts_are_kept_with_their_houses_and_their_end),
        cmocka_unit_test(a_withdrawal_of_everything_ends_every_consent_and_nothing_else),
        cmocka_unit_test(a_regrant_names_the_latest_withdrawal_of_what_it_covers),
        cmocka_unit_test(the_latest_withdrawal_counts_whatever_the_order_of_the_consents),
        cmocka_unit_test(what_has_ended_does_not_end_again),
        cmocka_unit_test(a_consent_to_something_else_supersedes_nothing),
        cmocka_unit_test(a_closed_circle_says_no_more),
        cmocka_unit_test(a_clone_is_a_circle_of_its_own),
        cmocka_unit_test(loading_checks_everything_but_signatures),
        cmocka_unit_test(next_begins_only_a_new_circle),
        cmocka_unit_test(without_memory_a_statement_has_no_effect),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
