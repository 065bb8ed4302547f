/* The bounds of a circle (PROTOCOL.md 8.3, Limits): what is the most of each, and that no one
 * member can use up the room in which the others leave, remove, withdraw, oppose and close. */
#include "circle_world.h"

#define FREE_ROOM (CIRCLE_STATEMENTS_MAX - CIRCLE_NARROWING_ROOM)
#define FREE_OPPOSITIONS (CIRCLE_LIVE_MAX - CIRCLE_OPPOSITION_ROOM)

static struct house guest_of(uint16_t number)
{
    struct house guest = houses[1]; /* his keys do not matter: nobody verifies */

    guest.org[0] = 0x77;
    guest.org[1] = (uint8_t)number;
    guest.org[2] = (uint8_t)(number >> 8);
    return guest;
}

/* JOIN or REFERENT under an offer of house 0. */
static enum err take(struct circle *c, enum circle_kind kind, const struct house *who)
{
    struct circle_offer o = offer_plan(c, kind, &houses[0], who, 1);
    struct circle_statement s = statement_of(c, kind, who);
    struct bytes offer = {0};
    enum err e;

    memcpy(o.nonce, who->org, ID_BYTES);
    o.nonce[ID_BYTES - 1] ^= (uint8_t)circle_size(c);
    assert_int_equal(circle_offer_sign(&o, houses[0].sign, &offer), ERR_OK);
    s.row = o.row;
    s.offer = bytes_span(&offer);
    e = load_unsigned(c, &s);
    bytes_free(&offer);
    return e;
}

/* An act about house 1, or the end of act `about`. */
static enum err tell(struct circle *c, enum circle_kind kind, const struct house *who,
                     uint32_t about)
{
    struct circle_statement s = act_of(c, kind, who, CLASS_SOCIAL, &houses[1]);

    s.about = about;
    s.reason = END_NORMAL;
    memcpy(s.target, houses[2].org, ID_BYTES);
    return load_unsigned(c, &s);
}

static enum err tell_of(struct circle *c, enum circle_kind kind, const struct house *who,
                        const struct house *whom)
{
    struct circle_statement s = statement_of(c, kind, who);

    memcpy(s.target, whom->org, ID_BYTES);
    return load_unsigned(c, &s);
}

static void fill(struct circle *c, uint32_t until)
{
    while (circle_size(c) < until)
        assert_int_equal(tell(c, CIRCLE_WITHDRAWAL, &houses[1], 0), ERR_OK);
}

static struct circle *copy_of(const struct circle *c)
{
    struct circle *copy = NULL;

    assert_int_equal(circle_clone(c, &copy), ERR_OK);
    return copy;
}

static void two_hundred_fifty_six_live_notices_and_consents_are_the_most(void **state)
{
    static const enum circle_kind kinds[] = {CIRCLE_NOTICE, CIRCLE_CONSENT};
    struct circle *c = circle_of_four();

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < CIRCLE_LIVE_MAX; i++)
            assert_int_equal(tell(c, kinds[k], &houses[0], 0), ERR_OK);
        assert_int_equal(tell(c, kinds[k], &houses[0], 0), ERR_QUOTA);
        assert_int_equal(tell(c, kinds[k], &houses[2], 0), ERR_QUOTA);
    }
    assert_int_equal(end(c, CIRCLE_WITHDRAWAL, &houses[0], 0), ERR_OK);
    assert_int_equal(regrant(c, &houses[0], CLASS_SOCIAL, &houses[1], circle_size(c) - 1), ERR_OK);
    circle_free(c);
}

static void two_hundred_fifty_six_houses_are_the_most_ever(void **state)
{
    struct circle *c = circle_begun();

    (void)state;
    for (uint16_t i = 1; i <= CIRCLE_MEMBERS_MAX; i++) {
        struct house guest = guest_of(i);
        assert_int_equal(take(c, CIRCLE_JOIN, &guest), i < CIRCLE_MEMBERS_MAX ? ERR_OK : ERR_QUOTA);
    }
    assert_int_equal(circle_member_count(c), CIRCLE_MEMBERS_MAX);
    circle_free(c);
}

/* --- oppositions ------------------------------------------------------------------------------ */

static void sixty_four_live_oppositions_are_the_most_of_one_author(void **state)
{
    struct circle *c = circle_of_four();
    uint32_t first = circle_size(c);

    (void)state;
    for (size_t i = 0; i < CIRCLE_OPPOSITIONS_OF_ONE; i++)
        assert_int_equal(tell(c, CIRCLE_OPPOSITION, &houses[1], 0), ERR_OK);
    assert_int_equal(tell(c, CIRCLE_OPPOSITION, &houses[1], 0), ERR_QUOTA);
    assert_int_equal(tell(c, CIRCLE_OPPOSITION, &houses[2], 0), ERR_OK);
    assert_int_equal(tell(c, CIRCLE_NOTICE, &houses[1], 0), ERR_OK); /* another sort */
    assert_int_equal(tell(c, CIRCLE_LIFT, &houses[1], first), ERR_OK);
    assert_int_equal(tell(c, CIRCLE_OPPOSITION, &houses[1], 0), ERR_OK); /* live ones count */
    assert_int_equal(tell(c, CIRCLE_OPPOSITION, &houses[1], 0), ERR_QUOTA);
    circle_free(c);
}

static void the_last_oppositions_are_for_who_has_none(void **state)
{
    struct circle *c = circle_of_four();
    uint32_t first;

    (void)state;
    for (uint16_t i = 0; i < CIRCLE_OPPOSITION_ROOM; i++) {
        struct house guest = guest_of(i);
        assert_int_equal(take(c, CIRCLE_JOIN, &guest), ERR_OK);
    }
    first = circle_size(c);
    for (size_t i = 0; i < FREE_OPPOSITIONS - 1; i++)
        assert_int_equal(tell(c, CIRCLE_OPPOSITION, &houses[i % 3], 0), ERR_OK);
    struct circle *copy = copy_of(c);
    assert_int_equal(tell(copy, CIRCLE_OPPOSITION, &houses[2], 0), ERR_OK); /* the 192nd */
    assert_int_equal(tell(copy, CIRCLE_OPPOSITION, &houses[2], 0), ERR_QUOTA);
    circle_free(copy);
    assert_int_equal(tell(c, CIRCLE_OPPOSITION, &houses[3], 0), ERR_OK);
    assert_int_equal(tell(c, CIRCLE_OPPOSITION, &houses[3], 0), ERR_QUOTA); /* has one */
    assert_int_equal(tell(c, CIRCLE_OPPOSITION, &houses[2], 0), ERR_QUOTA); /* has 63 */
    for (uint16_t i = 0; i < CIRCLE_OPPOSITION_ROOM; i++) {
        struct house guest = guest_of(i);
        assert_int_equal(tell(c, CIRCLE_OPPOSITION, &guest, 0), ERR_OK);
    }
    struct house late = guest_of(CIRCLE_OPPOSITION_ROOM);
    assert_int_equal(take(c, CIRCLE_JOIN, &late), ERR_OK);
    assert_int_equal(tell(c, CIRCLE_OPPOSITION, &late, 0), ERR_QUOTA); /* 256 of them */
    assert_int_equal(tell(c, CIRCLE_LIFT, &houses[0], first), ERR_OK);
    assert_int_equal(tell(c, CIRCLE_OPPOSITION, &late, 0), ERR_OK);
    circle_free(c);
}

/* --- statements ------------------------------------------------------------------------------- */

/* One statement of each kind that would be accepted, were there room. */
static enum err one_of(struct circle *c, enum circle_kind kind, uint32_t consent,
                       uint32_t opposition)
{
    switch (kind) {
    case CIRCLE_JOIN:
        return take(c, kind, &houses[5]);
    case CIRCLE_REFERENT:
        return take(c, kind, &houses[1]);
    case CIRCLE_LEAVE:
        return tell(c, kind, &houses[3], 0);
    case CIRCLE_WITHDRAWAL:
        return tell(c, kind, &houses[3], consent);
    case CIRCLE_LIFT:
        return tell(c, kind, &houses[0], opposition);
    default:
        return tell(c, kind, &houses[0], 0);
    }
}

static void the_last_five_hundred_and_twelve_positions_are_for_narrowing(void **state)
{
    static const bool narrows[CIRCLE_CLOSE + 1] = {[CIRCLE_LEAVE] = true,
                                                   [CIRCLE_REMOVE] = true,
                                                   [CIRCLE_WITHDRAWAL] = true,
                                                   [CIRCLE_OPPOSITION] = true,
                                                   [CIRCLE_CLOSE] = true};
    struct circle *c = circle_of_four();
    uint32_t opposition, consent;

    (void)state;
    opposition = circle_size(c);
    assert_int_equal(tell(c, CIRCLE_OPPOSITION, &houses[1], 0), ERR_OK);
    fill(c, FREE_ROOM - 2);
    consent = circle_size(c);
    assert_int_equal(tell(c, CIRCLE_CONSENT, &houses[1], 0), ERR_OK);
    for (uint32_t at = FREE_ROOM - 1; at <= FREE_ROOM; at++) {
        for (unsigned kind = CIRCLE_JOIN; kind <= CIRCLE_CLOSE; kind++) {
            struct circle *copy = copy_of(c);
            if (kind < CIRCLE_RESPONSIBILITY || kind == CIRCLE_CLOSE)
                assert_int_equal(one_of(copy, (enum circle_kind)kind, consent, opposition),
                                 at < FREE_ROOM || narrows[kind] ? ERR_OK : ERR_QUOTA);
            circle_free(copy);
        }
        if (at < FREE_ROOM) /* not another consent: house 0 could not widen twice */
            assert_int_equal(tell(c, CIRCLE_NOTICE, &houses[0], 0), ERR_OK);
    }
    assert_int_equal(tell(c, CIRCLE_WITHDRAWAL, &houses[1], 0), ERR_OK);    /* ends a consent */
    assert_int_equal(tell(c, CIRCLE_WITHDRAWAL, &houses[1], 0), ERR_QUOTA); /* ends nothing */
    circle_free(c);
}

/* 256 consents, guests and the free room full; what is left is the room for narrowing. */
static struct circle *circle_at_its_last_room(uint16_t guests)
{
    struct circle *c = circle_of_four();

    fill(c, FREE_ROOM - CIRCLE_LIVE_MAX - guests);
    for (uint16_t i = 0; i < guests; i++) {
        struct house guest = guest_of(i);
        assert_int_equal(take(c, CIRCLE_JOIN, &guest), ERR_OK);
    }
    while (circle_size(c) < FREE_ROOM)
        assert_int_equal(tell(c, CIRCLE_CONSENT, &houses[0], 0), ERR_OK);
    return c;
}

/* House 1 says all that is open to it, for as long as something is accepted. */
static void rage(struct circle *c)
{
    for (uint32_t n = FREE_ROOM - CIRCLE_LIVE_MAX; n < FREE_ROOM; n++)
        assert_int_equal(tell(c, CIRCLE_WITHDRAWAL, &houses[1], n), ERR_OK);
    while (tell(c, CIRCLE_OPPOSITION, &houses[1], 0) == ERR_OK)
        ;
    assert_int_equal(tell(c, CIRCLE_OPPOSITION, &houses[1], 0), ERR_QUOTA);
    assert_int_equal(tell(c, CIRCLE_WITHDRAWAL, &houses[1], 0), ERR_QUOTA);
    assert_int_equal(tell(c, CIRCLE_WITHDRAWAL, &houses[1], FREE_ROOM - 1), ERR_STATE);
    assert_int_equal(tell(c, CIRCLE_NOTICE, &houses[1], 0), ERR_QUOTA);
}

static void one_member_cannot_silence_the_others(void **state)
{
    struct circle *c = circle_at_its_last_room(0);

    (void)state;
    rage(c);
    assert_int_equal(circle_size(c), FREE_ROOM + CIRCLE_LIVE_MAX + CIRCLE_OPPOSITIONS_OF_ONE);
    assert_int_equal(tell(c, CIRCLE_OPPOSITION, &houses[2], 0), ERR_OK);
    assert_int_equal(tell(c, CIRCLE_LEAVE, &houses[3], 0), ERR_OK);
    assert_int_equal(tell_of(c, CIRCLE_REMOVE, &houses[0], &houses[1]), ERR_OK);
    assert_int_equal(tell(c, CIRCLE_CLOSE, &houses[0], 0), ERR_OK);
    circle_free(c);
}

static void four_thousand_and_ninety_six_statements_are_the_most(void **state)
{
    enum {
        GUESTS = 80
    };
    struct circle *c = circle_at_its_last_room(GUESTS);
    uint16_t gone = 0;

    (void)state;
    rage(c);
    for (size_t i = 0; i < 2 * CIRCLE_OPPOSITIONS_OF_ONE; i++)
        assert_int_equal(tell(c, CIRCLE_OPPOSITION, &houses[i % 2 * 2], 0), ERR_OK);
    for (; circle_size(c) < CIRCLE_STATEMENTS_MAX; gone++) {
        struct house guest = guest_of(gone);
        assert_int_equal(tell(c, CIRCLE_LEAVE, &guest, 0), ERR_OK);
    }
    assert_true(gone < GUESTS);
    struct house guest = guest_of(gone);
    assert_int_equal(tell(c, CIRCLE_LEAVE, &guest, 0), ERR_QUOTA);
    assert_int_equal(tell(c, CIRCLE_OPPOSITION, &guest, 0), ERR_QUOTA);
    assert_int_equal(tell(c, CIRCLE_CLOSE, &houses[0], 0), ERR_QUOTA);
    circle_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hundred_fifty_six_live_notices_and_consents_are_the_most),
        cmocka_unit_test(two_hundred_fifty_six_houses_are_the_most_ever),
        cmocka_unit_test(sixty_four_live_oppositions_are_the_most_of_one_author),
        cmocka_unit_test(the_last_oppositions_are_for_who_has_none),
        cmocka_unit_test(the_last_five_hundred_and_twelve_positions_are_for_narrowing),
        cmocka_unit_test(one_member_cannot_silence_the_others),
        cmocka_unit_test(four_thousand_and_ninety_six_statements_are_the_most),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
