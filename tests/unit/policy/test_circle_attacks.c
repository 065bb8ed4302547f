/* A circle under attack: each statement is wrong in one respect and has no effect (PROTOCOL.md 8;
 * say_as() holds that neither size nor head moved). */
#include "circle_world.h"

/* --- who speaks ------------------------------------------------------------------------------ */

static void a_stranger_and_a_former_member_can_add_nothing(void **state)
{
    static const enum circle_kind kinds[] = {CIRCLE_NOTICE, CIRCLE_CONSENT, CIRCLE_OPPOSITION};
    struct circle *c = circle_of_four();

    (void)state;
    assert_int_equal(leave(c, &houses[2]), ERR_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(record(c, kinds[i], &houses[5], CLASS_SOCIAL, &houses[1]),
                         ERR_NOT_IN_CIRCLE);
        assert_int_equal(record(c, kinds[i], &houses[2], CLASS_SOCIAL, &houses[1]),
                         ERR_FORMER_MEMBER);
    }
    assert_int_equal(leave(c, &houses[5]), ERR_NOT_IN_CIRCLE);
    assert_int_equal(leave(c, &houses[2]), ERR_FORMER_MEMBER);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[2], 0), ERR_FORMER_MEMBER);
    assert_int_equal(expel(c, &houses[2], &houses[1]), ERR_FORMER_MEMBER);
    assert_int_equal(shut(c, &houses[5]), ERR_NOT_IN_CIRCLE);
    circle_free(c);
}

static void a_statement_in_anothers_name_is_refused(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_statement s = act_of(c, CIRCLE_NOTICE, &houses[0], CLASS_SOCIAL, &houses[1]);
    struct statement_sig sig;
    struct bytes stmt = {0};
    struct bytes ss = {0};

    (void)state;
    assert_int_equal(say(c, &s, &houses[1]), ERR_KEY_UNKNOWN); /* member 1 as member 0 */
    assert_int_equal(circle_encode(&s, &stmt), ERR_OK);
    assert_int_equal(statement_sign(STATEMENT_CHAIN, bytes_span(&stmt), ROLE_AUTHOR, houses[1].org,
                                    houses[1].sign, &sig),
                     ERR_OK);
    assert_int_equal(statement_join(bytes_span(&stmt), &sig, 1, &ss), ERR_OK);
    assert_int_equal(circle_check(c, bytes_span(&ss), &all_houses, NOW), ERR_FORGED);
    bytes_free(&stmt);
    bytes_free(&ss);
    circle_free(c);
}

static void no_bit_of_a_statement_can_be_changed(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_statement s = act_of(c, CIRCLE_NOTICE, &houses[0], CLASS_SOCIAL, &houses[1]);
    struct bytes ss = {0};

    (void)state;
    assert_int_equal(circle_sign(&s, houses[0].sign, &ss), ERR_OK);
    for (size_t at = 0; at < ss.len; at++) {
        bit_flip(&ss, at);
        assert_int_not_equal(circle_check(c, bytes_span(&ss), &all_houses, NOW), ERR_OK);
        bit_flip(&ss, at);
    }
    bit_flip(&ss, ss.len - 1); /* in the signature itself */
    assert_int_equal(circle_check(c, bytes_span(&ss), &all_houses, NOW), ERR_FORGED);
    bit_flip(&ss, ss.len - 1);
    assert_int_equal(circle_check(c, bytes_span(&ss), &all_houses, NOW), ERR_OK);
    bytes_free(&ss);
    circle_free(c);
}

static void the_author_signs_and_he_alone(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_statement s = act_of(c, CIRCLE_NOTICE, &houses[0], CLASS_SOCIAL, &houses[1]);
    static const enum statement_role others[] = {ROLE_NODE, ROLE_COUNTER};
    struct statement_sig sigs[2];
    struct bytes stmt = {0};
    struct bytes ss = {0};

    (void)state;
    assert_int_equal(circle_encode(&s, &stmt), ERR_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(statement_sign(STATEMENT_CHAIN, bytes_span(&stmt), others[i],
                                        houses[0].org, houses[0].sign, &sigs[0]),
                         ERR_OK);
        assert_int_equal(statement_join(bytes_span(&stmt), sigs, 1, &ss), ERR_OK);
        assert_int_equal(circle_check(c, bytes_span(&ss), &all_houses, NOW), ERR_FIELD_VALUE);
        bytes_free(&ss);
    }
    assert_int_equal(statement_sign(STATEMENT_CHAIN, bytes_span(&stmt), ROLE_AUTHOR, houses[0].org,
                                    houses[0].sign, &sigs[0]),
                     ERR_OK); /* sigs[1] is a counter signature, which nobody asked for */
    assert_int_equal(statement_join(bytes_span(&stmt), sigs, 1, &ss), ERR_OK);
    bytes_free(&ss);
    assert_int_equal(statement_sign(STATEMENT_CHAIN, bytes_span(&stmt), ROLE_COUNTER, houses[1].org,
                                    houses[1].sign, &sigs[1]),
                     ERR_OK);
    assert_int_equal(statement_join(bytes_span(&stmt), sigs, 2, &ss), ERR_OK);
    assert_int_equal(circle_check(c, bytes_span(&ss), &all_houses, NOW), ERR_FIELD_VALUE);
    bytes_free(&stmt);
    bytes_free(&ss);
    circle_free(c);
}

/* --- where in the chain ----------------------------------------------------------------------- */

static void a_statement_on_a_stale_head_is_refused(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_statement s = act_of(c, CIRCLE_NOTICE, &houses[0], CLASS_SOCIAL, &houses[1]);
    struct circle_statement wrong = s;

    (void)state;
    wrong.n++;
    assert_int_equal(say(c, &wrong, &houses[0]), ERR_STALE_HEAD);
    wrong = s;
    wrong.prev[5] ^= 1;
    assert_int_equal(say(c, &wrong, &houses[0]), ERR_STALE_HEAD);
    assert_int_equal(say(c, &s, &houses[0]), ERR_OK);
    assert_int_equal(say(c, &s, &houses[0]), ERR_STALE_HEAD); /* replayed */
    circle_free(c);
}

static void who_is_not_of_the_circle_does_not_learn_where_its_head_is(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_statement s = act_of(c, CIRCLE_NOTICE, &houses[5], CLASS_SOCIAL, &houses[1]);

    (void)state;
    s.n++;
    assert_int_equal(say(c, &s, &houses[5]), ERR_NOT_IN_CIRCLE);
    s = act_of(c, CIRCLE_NOTICE, &houses[0], CLASS_SOCIAL, &houses[1]);
    s.n++;
    assert_int_equal(say(c, &s, &houses[5]), ERR_KEY_UNKNOWN); /* in a member's name */
    circle_free(c);
}

static void a_statement_of_another_circle_is_refused(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_statement s = act_of(c, CIRCLE_NOTICE, &houses[0], CLASS_SOCIAL, &houses[1]);

    (void)state;
    s.circle[0] ^= 1;
    assert_int_equal(say(c, &s, &houses[0]), ERR_CHAIN);
    circle_free(c);
}

static void a_circle_begins_once_with_a_create(void **state)
{
    struct circle *c = circle_begun();
    struct circle_statement create = statement_of(NULL, CIRCLE_CREATE, &houses[0]);
    struct circle_statement s = act_of(c, CIRCLE_NOTICE, &houses[0], CLASS_SOCIAL, &houses[1]);
    struct circle *empty = NULL;

    (void)state;
    create.row = row_of(&houses[0], 1);
    assert_int_equal(say(c, &create, &houses[0]), ERR_CHAIN);
    assert_int_equal(circle_new(NULL, &empty), ERR_OK);
    assert_int_equal(say(empty, &s, &houses[0]), ERR_CHAIN);
    create.row.org[0] ^= 1; /* a row that is not the author's */
    assert_int_equal(say(empty, &create, &houses[0]), ERR_FIELD_VALUE);
    circle_free(c);
    circle_free(empty);
}

/* The handle is a hash of the create statement: nobody can begin another circle under it. */
static void a_handle_cannot_be_squatted(void **state)
{
    struct circle *original = circle_begun();
    struct circle_statement s = statement_of(NULL, CIRCLE_CREATE, &houses[5]);
    struct circle *squatter = NULL;

    (void)state;
    s.row = row_of(&houses[5], 1);
    assert_int_equal(circle_new(circle_handle(original), &squatter), ERR_OK);
    assert_null(circle_handle(squatter));
    assert_int_equal(say(squatter, &s, &houses[5]), ERR_CHAIN);
    s = statement_of(NULL, CIRCLE_CREATE, &houses[0]); /* the same author, another nonce */
    s.row = row_of(&houses[0], 1);
    assert_int_equal(say(squatter, &s, &houses[0]), ERR_CHAIN);
    id_of(s.nonce, 0x33, 1);
    s.date_ms = 0;
    assert_int_equal(say(squatter, &s, &houses[0]), ERR_OK);
    assert_memory_equal(circle_handle(squatter), circle_handle(original), ID_BYTES);
    circle_free(squatter);
    circle_free(original);
}

/* --- offers ---------------------------------------------------------------------------------- */

static void an_offer_is_signed_by_a_present_member_who_may_invite(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_offer o = offer_plan(c, CIRCLE_JOIN, &houses[3], &houses[5], 1);

    (void)state;
    assert_int_equal(take_up(c, &o, &houses[3], &houses[5]), ERR_RIGHT); /* has no rights */
    o = offer_plan(c, CIRCLE_JOIN, &houses[6], &houses[5], 1);
    assert_int_equal(take_up(c, &o, &houses[6], &houses[5]), ERR_RIGHT); /* a stranger */
    o = offer_plan(c, CIRCLE_JOIN, &houses[5], &houses[5], 1);
    assert_int_equal(take_up(c, &o, &houses[5], &houses[5]), ERR_RIGHT); /* himself */
    o = offer_plan(c, CIRCLE_JOIN, &houses[2], &houses[5], 1);
    assert_int_equal(leave(c, &houses[2]), ERR_OK);
    assert_int_equal(take_up(c, &o, &houses[2], &houses[5]), ERR_RIGHT); /* has left since */
    o = offer_plan(c, CIRCLE_JOIN, &houses[0], &houses[5], 1);
    assert_int_equal(take_up(c, &o, &houses[5], &houses[5]), ERR_KEY_UNKNOWN); /* forged */
    assert_int_equal(take_up(c, &o, &houses[0], &houses[5]), ERR_OK);
    circle_free(c);
}

static void an_altered_offer_is_forged(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_offer o = offer_plan(c, CIRCLE_JOIN, &houses[0], &houses[5], 1);
    struct circle_statement s = statement_of(c, CIRCLE_JOIN, &houses[5]);
    struct circle_offer back;
    struct bytes offer = {0};

    (void)state;
    assert_int_equal(circle_offer_sign(&o, houses[0].sign, &offer), ERR_OK);
    for (size_t at = 0; at < offer.len; at++) {
        bit_flip(&offer, at);
        assert_int_not_equal(circle_offer_verify(bytes_span(&offer), &all_houses, &back), ERR_OK);
        bit_flip(&offer, at);
    }
    bit_flip(&offer, offer.len - 1);
    s.offer = bytes_span(&offer);
    s.row = o.row;
    assert_int_equal(say(c, &s, &houses[5]), ERR_FORGED);
    bytes_free(&offer);
    circle_free(c);
}

static void an_offer_is_for_one_house_one_circle_and_one_row(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_offer o = offer_plan(c, CIRCLE_JOIN, &houses[0], &houses[5], 1);
    struct circle_statement s = statement_of(c, CIRCLE_JOIN, &houses[5]);
    struct bytes offer = {0};

    (void)state;
    assert_int_equal(take_up(c, &o, &houses[0], &houses[6]), ERR_RIGHT); /* someone else's */
    o.circle[3] ^= 1;
    assert_int_equal(take_up(c, &o, &houses[0], &houses[5]), ERR_RIGHT);
    o.circle[3] ^= 1;
    o.kind = CIRCLE_REFERENT;
    assert_int_equal(circle_offer_sign(&o, houses[0].sign, &offer), ERR_OK);
    s.offer = bytes_span(&offer);
    s.row = row_of(&houses[5], 0);
    assert_int_equal(say(c, &s, &houses[5]), ERR_RIGHT);
    bytes_free(&offer);
    o.kind = CIRCLE_JOIN;
    memcpy(o.row.org, houses[6].org, ID_BYTES);
    assert_int_equal(take_up(c, &o, &houses[0], &houses[5]), ERR_RIGHT); /* a row of another */
    circle_free(c);
}

static void a_joiner_gives_himself_nothing_beyond_the_offer(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_offer o = offer_plan(c, CIRCLE_JOIN, &houses[0], &houses[5], 1);
    struct bytes offer = {0};

    (void)state;
    o.row.rights = 0;
    o.row.class_mask = CLASS_IDENTITY;
    o.row.category = CATEGORY_SOCIAL;
    assert_int_equal(circle_offer_sign(&o, houses[0].sign, &offer), ERR_OK);
    for (int wish = 0; wish < 4; wish++) {
        struct circle_statement s = statement_of(c, CIRCLE_JOIN, &houses[5]);
        s.offer = bytes_span(&offer);
        s.row = o.row;
        s.row.rights = wish == 0 ? CIRCLE_RIGHT_CONSENT : s.row.rights;
        s.row.class_mask = wish == 1 ? CLASS_ALL : s.row.class_mask;
        s.row.category = wish == 2 ? CATEGORY_HEALTH : s.row.category;
        s.row.team = wish == 3 ? 1 : s.row.team;
        assert_int_equal(say(c, &s, &houses[5]), ERR_RIGHT);
    }
    bytes_free(&offer);
    assert_int_equal(take_up(c, &o, &houses[0], &houses[5]), ERR_OK);
    circle_free(c);
}

static void an_offer_expires_by_the_statement_and_by_the_hubs_clock(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_offer o = offer_plan(c, CIRCLE_JOIN, &houses[0], &houses[5], 1);
    struct circle_statement s = statement_of(c, CIRCLE_JOIN, &houses[5]);
    struct bytes offer = {0};

    (void)state;
    o.expires_ms = NOW - 1;
    assert_int_equal(take_up(c, &o, &houses[0], &houses[5]), ERR_EXPIRED);
    o.expires_ms = NOW;
    assert_int_equal(circle_offer_sign(&o, houses[0].sign, &offer), ERR_OK);
    s.offer = bytes_span(&offer);
    s.row = o.row;
    s.ts_ms = NOW + 1; /* by its own word too late */
    assert_int_equal(say_as(c, &s, houses[5].sign, NOW), ERR_EXPIRED);
    assert_int_equal(say_as(c, &s, houses[5].sign, 0), ERR_EXPIRED);
    s.ts_ms = NOW;
    assert_int_equal(say_as(c, &s, houses[5].sign, NOW + 1), ERR_EXPIRED); /* backdated ts */
    assert_int_equal(say_as(c, &s, houses[5].sign, 0), ERR_OK); /* a node reads the chain later */
    bytes_free(&offer);
    circle_free(c);
}

/* A former member who kept the letter that once let him in. */
static void an_offer_lets_in_once(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_offer o = offer_plan(c, CIRCLE_JOIN, &houses[0], &houses[5], 1);

    (void)state;
    assert_int_equal(take_up(c, &o, &houses[0], &houses[5]), ERR_OK);
    assert_int_equal(take_up(c, &o, &houses[0], &houses[5]), ERR_EXISTS); /* is a member */
    assert_int_equal(expel(c, &houses[0], &houses[5]), ERR_OK);
    o.at = circle_size(c) - 1;
    assert_int_equal(take_up(c, &o, &houses[0], &houses[5]), ERR_EXISTS); /* the same nonce */
    id_of(o.nonce, 0x44, 2);
    assert_int_equal(take_up(c, &o, &houses[0], &houses[5]), ERR_OK);
    circle_free(c);
}

static void only_the_present_referent_offers_his_part(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_offer o = offer_plan(c, CIRCLE_REFERENT, &houses[1], &houses[2], 1);
    struct circle_offer old = offer_plan(c, CIRCLE_REFERENT, &houses[0], &houses[2], 2);

    (void)state;
    assert_int_equal(take_up(c, &o, &houses[1], &houses[2]), ERR_RIGHT);
    o = offer_plan(c, CIRCLE_REFERENT, &houses[0], &houses[5], 3);
    assert_int_equal(take_up(c, &o, &houses[0], &houses[5]), ERR_NOT_IN_CIRCLE);
    o = offer_plan(c, CIRCLE_REFERENT, &houses[0], &houses[0], 3);
    assert_int_equal(take_up(c, &o, &houses[0], &houses[0]), ERR_EXISTS);
    o = offer_plan(c, CIRCLE_REFERENT, &houses[0], &houses[1], 3);
    assert_int_equal(take_up(c, &o, &houses[0], &houses[2]), ERR_RIGHT); /* not for him */
    o.expires_ms = NOW - 1;
    assert_int_equal(take_up(c, &o, &houses[0], &houses[1]), ERR_EXPIRED);
    o.expires_ms = NOW;
    assert_int_equal(take_up(c, &o, &houses[0], &houses[1]), ERR_OK);
    assert_int_equal(take_up(c, &old, &houses[0], &houses[2]), ERR_RIGHT); /* no longer his */
    old = offer_plan(c, CIRCLE_REFERENT, &houses[2], &houses[3], 4);
    assert_int_equal(leave(c, &houses[1]), ERR_OK);
    assert_int_equal(take_up(c, &old, &houses[2], &houses[3]), ERR_RIGHT); /* nobody's */
    circle_free(c);
}

static void a_referent_who_left_is_not_referent_when_he_returns(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_offer o = offer_plan(c, CIRCLE_REFERENT, &houses[0], &houses[1], 1);

    (void)state;
    assert_int_equal(take_up(c, &o, &houses[0], &houses[1]), ERR_OK);
    assert_int_equal(leave(c, &houses[1]), ERR_OK);
    assert_int_equal(join(c, &houses[0], &houses[1]), ERR_OK);
    assert_null(circle_referent(c));
    o = offer_plan(c, CIRCLE_REFERENT, &houses[1], &houses[2], 2);
    assert_int_equal(take_up(c, &o, &houses[1], &houses[2]), ERR_RIGHT);
    assert_int_equal(expel(c, &houses[1], &houses[3]), ERR_RIGHT);
    circle_free(c);
}

static void an_offer_of_the_referent_works_once(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_offer there = offer_plan(c, CIRCLE_REFERENT, &houses[0], &houses[1], 1);
    struct circle_offer back = offer_plan(c, CIRCLE_REFERENT, &houses[1], &houses[0], 2);

    (void)state;
    assert_int_equal(take_up(c, &there, &houses[0], &houses[1]), ERR_OK);
    assert_int_equal(take_up(c, &back, &houses[1], &houses[0]), ERR_OK);
    assert_int_equal(take_up(c, &there, &houses[0], &houses[1]), ERR_EXISTS);
    circle_free(c);
}

/* --- rights ---------------------------------------------------------------------------------- */

static void the_responsible_neither_leaves_nor_is_removed(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_offer o = offer_plan(c, CIRCLE_REFERENT, &houses[0], &houses[1], 1);

    (void)state;
    assert_int_equal(leave(c, &houses[0]), ERR_RIGHT);
    assert_int_equal(expel(c, &houses[0], &houses[0]), ERR_RIGHT);
    assert_int_equal(take_up(c, &o, &houses[0], &houses[1]), ERR_OK);
    assert_int_equal(expel(c, &houses[1], &houses[0]), ERR_RIGHT); /* by the référent */
    circle_free(c);
}

static void only_referent_and_responsible_remove_and_only_members(void **state)
{
    struct circle *c = circle_of_four();

    (void)state;
    assert_int_equal(expel(c, &houses[1], &houses[2]), ERR_RIGHT);
    assert_int_equal(expel(c, &houses[0], &houses[5]), ERR_NOT_IN_CIRCLE);
    assert_int_equal(expel(c, &houses[0], &houses[2]), ERR_OK);
    assert_int_equal(expel(c, &houses[0], &houses[2]), ERR_FORMER_MEMBER);
    circle_free(c);
}

static void only_the_responsible_closes(void **state)
{
    struct circle *c = circle_of_four();

    (void)state;
    assert_int_equal(shut(c, &houses[1]), ERR_RIGHT);
    assert_int_equal(shut(c, &houses[0]), ERR_OK);
    circle_free(c);
}

static void consent_is_collected_by_who_has_the_right(void **state)
{
    struct circle *c = circle_of_four();

    (void)state;
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[3], CLASS_SOCIAL, &houses[1]), ERR_RIGHT);
    assert_int_equal(record(c, CIRCLE_NOTICE, &houses[3], CLASS_SOCIAL, &houses[1]), ERR_OK);
    assert_int_equal(record(c, CIRCLE_OPPOSITION, &houses[3], CLASS_SOCIAL, NULL), ERR_OK);
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[2], CLASS_SOCIAL, &houses[1]), ERR_OK);
    circle_free(c);
}

/* --- widening -------------------------------------------------------------------------------- */

static void a_withdrawn_consent_is_not_given_again_in_silence(void **state)
{
    struct circle *c = circle_of_four();

    (void)state;
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[1], CLASS_MEDICAL, &houses[2]), ERR_OK);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[3], 4), ERR_OK); /* n 5, by any member */
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[1], CLASS_MEDICAL, &houses[2]),
                     ERR_WIDENING);
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[0], CLASS_ALL, &houses[2]), ERR_WIDENING);
    assert_int_equal(regrant(c, &houses[1], CLASS_MEDICAL, &houses[2], 4), ERR_WIDENING);
    assert_int_equal(regrant(c, &houses[1], CLASS_MEDICAL, &houses[2], 0), ERR_WIDENING);
    assert_int_equal(regrant(c, &houses[1], CLASS_MEDICAL, &houses[2], 6), ERR_WIDENING);
    assert_int_equal(regrant(c, &houses[1], CLASS_MEDICAL, &houses[2], 5), ERR_OK);
    circle_free(c);
}

static void any_other_member_cannot_widen_what_was_withdrawn(void **state)
{
    struct circle *c = circle_of_four();

    (void)state;
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[1], CLASS_MEDICAL, &houses[2]), ERR_OK);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[1], 4), ERR_OK);
    /* house 2 may collect consent, but this one was not its own */
    assert_int_equal(regrant(c, &houses[2], CLASS_MEDICAL, &houses[2], 5), ERR_WIDENING);
    assert_int_equal(regrant(c, &houses[3], CLASS_MEDICAL, &houses[2], 5), ERR_RIGHT);
    assert_int_equal(regrant(c, &houses[0], CLASS_MEDICAL, &houses[2], 5), ERR_OK);
    circle_free(c);
}

static void a_collector_widens_within_its_own_scope_only(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_statement s;

    (void)state;
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[1], CLASS_MEDICAL, &houses[2]), ERR_OK);
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[2], CLASS_SOCIAL, &houses[3]), ERR_OK);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[3], 0), ERR_OK); /* n 6 */
    s = act_of(c, CIRCLE_CONSENT, &houses[1], CLASS_MEDICAL | CLASS_SOCIAL, &houses[2]);
    memcpy(s.orgs[s.org_count++], houses[3].org, ID_BYTES); /* and what house 2 had collected */
    s.has_supersedes = true;
    s.supersedes = 6;
    assert_int_equal(say(c, &s, &houses[1]), ERR_WIDENING);
    s.class_mask = CLASS_MEDICAL;
    assert_int_equal(say(c, &s, &houses[1]), ERR_OK);
    circle_free(c);
}

static void what_supersedes_must_exist(void **state)
{
    struct circle *c = circle_of_four();

    (void)state;
    assert_int_equal(regrant(c, &houses[0], CLASS_MEDICAL, &houses[2], 3), ERR_WIDENING);
    assert_int_equal(regrant(c, &houses[0], CLASS_MEDICAL, &houses[2], 0), ERR_WIDENING);
    circle_free(c);
}

static void an_opposition_is_lifted_by_its_author_or_the_responsible(void **state)
{
    struct circle *c = circle_of_four();

    (void)state;
    assert_int_equal(record(c, CIRCLE_OPPOSITION, &houses[3], CLASS_SOCIAL, NULL), ERR_OK);
    assert_int_equal(end(c, CIRCLE_LIFT, &houses[1], 4), ERR_RIGHT);
    assert_int_equal(end(c, CIRCLE_LIFT, &houses[3], 4), ERR_OK);
    assert_int_equal(end(c, CIRCLE_LIFT, &houses[3], 4), ERR_STATE);
    assert_int_equal(record(c, CIRCLE_OPPOSITION, &houses[3], CLASS_SOCIAL, NULL), ERR_OK);
    assert_int_equal(leave(c, &houses[3]), ERR_OK);
    assert_int_equal(end(c, CIRCLE_LIFT, &houses[3], 6), ERR_FORMER_MEMBER);
    assert_int_equal(end(c, CIRCLE_LIFT, &houses[0], 6), ERR_OK);
    circle_free(c);
}

static void what_ends_must_be_there_and_of_the_kind(void **state)
{
    struct circle *c = circle_of_four();

    (void)state;
    assert_int_equal(record(c, CIRCLE_NOTICE, &houses[0], CLASS_SOCIAL, &houses[1]), ERR_OK);
    assert_int_equal(record(c, CIRCLE_CONSENT, &houses[0], CLASS_SOCIAL, &houses[1]), ERR_OK);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[0], 4), ERR_NOT_FOUND);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[0], 99), ERR_NOT_FOUND);
    assert_int_equal(end(c, CIRCLE_LIFT, &houses[0], 5), ERR_NOT_FOUND);
    assert_int_equal(end(c, CIRCLE_LIFT, &houses[0], 0), ERR_NOT_FOUND);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[0], 5), ERR_OK);
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[0], 5), ERR_STATE);
    circle_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stranger_and_a_former_member_can_add_nothing),
        cmocka_unit_test(a_statement_in_anothers_name_is_refused),
        cmocka_unit_test(no_bit_of_a_statement_can_be_changed),
        cmocka_unit_test(the_author_signs_and_he_alone),
        cmocka_unit_test(a_statement_on_a_stale_head_is_refused),
        cmocka_unit_test(who_is_not_of_the_circle_does_not_learn_where_its_head_is),
        cmocka_unit_test(a_statement_of_another_circle_is_refused),
        cmocka_unit_test(a_circle_begins_once_with_a_create),
        cmocka_unit_test(a_handle_cannot_be_squatted),
        cmocka_unit_test(an_offer_is_signed_by_a_present_member_who_may_invite),
        cmocka_unit_test(an_altered_offer_is_forged),
        cmocka_unit_test(an_offer_is_for_one_house_one_circle_and_one_row),
        cmocka_unit_test(a_joiner_gives_himself_nothing_beyond_the_offer),
        cmocka_unit_test(an_offer_expires_by_the_statement_and_by_the_hubs_clock),
        cmocka_unit_test(an_offer_lets_in_once),
        cmocka_unit_test(only_the_present_referent_offers_his_part),
        cmocka_unit_test(a_referent_who_left_is_not_referent_when_he_returns),
        cmocka_unit_test(an_offer_of_the_referent_works_once),
        cmocka_unit_test(the_responsible_neither_leaves_nor_is_removed),
        cmocka_unit_test(only_referent_and_responsible_remove_and_only_members),
        cmocka_unit_test(only_the_responsible_closes),
        cmocka_unit_test(consent_is_collected_by_who_has_the_right),
        cmocka_unit_test(a_withdrawn_consent_is_not_given_again_in_silence),
        cmocka_unit_test(any_other_member_cannot_widen_what_was_withdrawn),
        cmocka_unit_test(a_collector_widens_within_its_own_scope_only),
        cmocka_unit_test(what_supersedes_must_exist),
        cmocka_unit_test(an_opposition_is_lifted_by_its_author_or_the_responsible),
        cmocka_unit_test(what_ends_must_be_there_and_of_the_kind),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
