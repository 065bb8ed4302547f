/*
 * Every offer that a small circle can see, against an oracle that knows the words of PROTOCOL.md
 * 8.3 and a list of facts, and nothing of the code under test: who makes it, with which row, what
 * he gives, to whom, and how old it is. Signatures are test_circle_attacks.c's.
 *
 * House 0 is responsible, 1 is a member who may make the offer, 2 a second one, 4 takes it up, 6 is
 * a stranger.
 */
#include "circle_world.h"

enum standing {
    BOTH,        /* responsible and référent: house 0 */
    RESPONSIBLE, /* house 0, while house 2 is référent */
    ALONE,       /* house 0, while nobody is référent */
    REFERENT,    /* house 1 */
    PLAIN,       /* house 1, a member and no more */
    GONE,        /* house 1, a former member */
    STRANGER,    /* house 6 */
    STANDINGS
};
enum history {
    NEVER, /* was a member */
    LEFT,  /* once */
    RETURNED_AND_LEFT,
    PRESENT,
    RETURNED, /* a member again: left in between */
    HISTORIES
};
enum age {
    BEFORE_LEAVING,
    AT_LEAVING,
    AT_HEAD,
    BEYOND_HEAD,
    AGES
};

struct plan {
    unsigned standing, history;
    unsigned own_rights, own_team; /* of the maker */
};

static void must(enum err e)
{
    assert_int_equal(e, ERR_OK);
}

static void must_take(struct circle *c, enum circle_kind kind, const struct house *by,
                      const struct house *who, const struct circle_row *row)
{
    static uint32_t nonce;
    struct circle_offer o = offer_plan(c, kind, by, who, 0);
    struct circle_statement s = statement_of(c, kind, who);
    struct bytes offer = {0};

    memcpy(o.nonce, &(uint32_t){++nonce}, sizeof nonce);
    if (row)
        o.row = *row;
    must(circle_offer_sign(&o, by->sign, &offer));
    s.row = o.row;
    s.offer = bytes_span(&offer);
    must(load_unsigned(c, &s));
    bytes_free(&offer);
}

static void must_leave(struct circle *c, const struct house *who)
{
    struct circle_statement s = statement_of(c, CIRCLE_LEAVE, who);

    must(load_unsigned(c, &s));
}

static const struct house *maker(unsigned standing)
{
    if (standing <= ALONE)
        return &houses[0];
    return standing == STRANGER ? &houses[6] : &houses[1];
}

/* House 4 comes and goes. */
static void live(struct circle *c, unsigned history)
{
    static const unsigned moves[HISTORIES] = {
        [NEVER] = 0, [PRESENT] = 1, [LEFT] = 2, [RETURNED] = 3, [RETURNED_AND_LEFT] = 4};

    for (unsigned i = 0; i < moves[history]; i++) {
        if (i % 2)
            must_leave(c, &houses[4]);
        else
            must_take(c, CIRCLE_JOIN, &houses[0], &houses[4], NULL);
    }
}

/* House 0 invites all the others: it must have right 1 for that, so its own row is another one
 * only where nobody else has to be invited after it. */
static struct circle *circle_of(const struct plan *p)
{
    struct circle_statement s = statement_of(NULL, CIRCLE_CREATE, &houses[0]);
    struct circle_row row = row_of(&houses[1], p->own_team);
    struct circle *c = NULL;

    s.row = row_of(&houses[0], p->own_team);
    if (p->standing <= ALONE)
        s.row.rights = (uint8_t)p->own_rights | CIRCLE_RIGHT_INVITE;
    row.rights = (uint8_t)p->own_rights;
    must(circle_new(NULL, &c));
    must(load_unsigned(c, &s));
    must_take(c, CIRCLE_JOIN, &houses[0], &houses[1], &row);
    must_take(c, CIRCLE_JOIN, &houses[0], &houses[2], NULL);
    if (p->standing == RESPONSIBLE || p->standing == ALONE)
        must_take(c, CIRCLE_REFERENT, &houses[0], &houses[2], NULL);
    if (p->standing == REFERENT)
        must_take(c, CIRCLE_REFERENT, &houses[0], &houses[1], NULL);
    if (p->standing == ALONE)
        must_leave(c, &houses[2]);
    if (p->standing == GONE)
        must_leave(c, &houses[1]);
    live(c, p->history);
    return c;
}

static bool member_now(unsigned history)
{
    return history == PRESENT || history == RETURNED;
}

/* n of the head when the letter was written; false: there was no such moment. */
static bool written_at(const struct circle *c, const struct plan *p, unsigned age, uint32_t *out)
{
    uint32_t head = circle_size(c) - 1;
    uint32_t last_leaving = p->history == RETURNED ? head - 1 : head;

    if (age <= AT_LEAVING && (p->history == NEVER || p->history == PRESENT))
        return false;
    *out = (const uint32_t[]){[BEFORE_LEAVING] = last_leaving - 1,
                              [AT_LEAVING] = last_leaving,
                              [AT_HEAD] = head,
                              [BEYOND_HEAD] = head + 1}[age];
    return true;
}

/* The code of a statement under that offer, the circle unchanged. */
static enum err attempt(const struct circle *c, enum circle_kind kind, const struct house *by,
                        uint32_t at, const struct circle_row *row)
{
    struct circle_offer o = offer_plan(c, kind, by, &houses[4], 200);
    struct circle_statement s = statement_of(c, kind, &houses[4]);
    struct circle *copy = NULL;
    struct bytes offer = {0};
    enum err e;

    o.at = at;
    o.row = *row;
    must(circle_offer_sign(&o, by->sign, &offer));
    s.row = o.row;
    s.offer = bytes_span(&offer);
    must(circle_clone(c, &copy));
    e = load_unsigned(copy, &s);
    assert_int_equal(circle_size(copy), circle_size(c) + (e == ERR_OK));
    circle_free(copy);
    bytes_free(&offer);
    return e;
}

/* --- joining ---------------------------------------------------------------------------------- */

static enum err join_said(const struct plan *p, const struct circle_row *given, unsigned age)
{
    static const bool beyond[4][4] = {
  /* he has / gives: nothing, inviting, consent, both */
        {false, true,  true,  true },
        {false, false, true,  true },
        {false, true,  false, true },
        {false, false, false, false}
    };
    bool member = p->standing != GONE && p->standing != STRANGER;
    bool invites = p->standing <= ALONE || p->own_rights == 1 || p->own_rights == 3;
    bool answers = p->standing <= REFERENT;

    if (member_now(p->history))
        return ERR_EXISTS;
    if (!member || !invites)
        return ERR_RIGHT;
    if (!answers && beyond[p->own_rights][given->rights])
        return ERR_RIGHT;
    if (!answers && given->team != 0 && given->team != p->own_team)
        return ERR_RIGHT;
    if (age == BEFORE_LEAVING)
        return ERR_FORMER_MEMBER;
    return age == BEYOND_HEAD ? ERR_STALE_HEAD : ERR_OK;
}

struct tally {
    unsigned long judged, accepted, right, former, stale;
};

static void count(struct tally *t, enum err e)
{
    t->judged++;
    t->accepted += e == ERR_OK;
    t->right += e == ERR_RIGHT;
    t->former += e == ERR_FORMER_MEMBER;
    t->stale += e == ERR_STALE_HEAD;
}

static void every_row(const struct circle *c, const struct plan *p, struct tally *t)
{
    for (unsigned i = 0; i < AGES * 4 * 4; i++) {
        struct circle_row given = row_of(&houses[4], i / 4 % 4);
        uint32_t at;
        enum err e, said;
        given.rights = i % 4;
        if (!written_at(c, p, i / 16, &at))
            continue;
        said = join_said(p, &given, i / 16);
        e = attempt(c, CIRCLE_JOIN, maker(p->standing), at, &given);
        if (e != said)
            fail_msg("standing %u rights %u team %u, gives rights %u team %u, history %u age %u: "
                     "%s, the page says %s",
                     p->standing, p->own_rights, p->own_team, given.rights, given.team, p->history,
                     i / 16, err_name(e), err_name(said));
        count(t, e);
    }
}

static void an_offer_to_join_lets_in_as_the_page_says(void **state)
{
    struct tally t = {0};

    (void)state;
    for (unsigned i = 0; i < STANDINGS * HISTORIES * 4 * 3; i++) {
        struct plan p = {i / 12 % STANDINGS, i / 12 / STANDINGS, i % 4, i / 4 % 3};
        struct circle *c = circle_of(&p);
        every_row(c, &p, &t);
        circle_free(c);
    }
    print_message("%lu offers, %lu accepted\n", t.judged, t.accepted);
    assert_true(t.accepted && t.right && t.former && t.stale);
}

/* --- référent --------------------------------------------------------------------------------- */

static enum err referent_said(const struct plan *p, unsigned age)
{
    bool gives = p->standing == BOTH || p->standing == REFERENT || p->standing == ALONE;

    if (p->history == NEVER)
        return ERR_NOT_IN_CIRCLE;
    if (!member_now(p->history))
        return ERR_FORMER_MEMBER;
    if (!gives)
        return ERR_RIGHT;
    if (age == BEFORE_LEAVING)
        return ERR_FORMER_MEMBER;
    return age == BEYOND_HEAD ? ERR_STALE_HEAD : ERR_OK;
}

static void an_offer_of_the_referent_is_his_or_else_the_responsibles(void **state)
{
    struct circle_row none = {0};
    struct tally t = {0};

    (void)state;
    for (unsigned i = 0; i < STANDINGS * HISTORIES * AGES; i++) {
        struct plan p = {i % STANDINGS, i / STANDINGS % HISTORIES, CIRCLE_RIGHT_ALL, 1};
        unsigned age = i / STANDINGS / HISTORIES;
        struct circle *c = circle_of(&p);
        uint32_t at;
        if (written_at(c, &p, age, &at)) {
            enum err e = attempt(c, CIRCLE_REFERENT, maker(p.standing), at, &none);
            if (e != referent_said(&p, age))
                fail_msg("standing %u history %u age %u: %s, the page says %s", p.standing,
                         p.history, age, err_name(e), err_name(referent_said(&p, age)));
            count(&t, e);
        }
        circle_free(c);
    }
    assert_true(t.accepted && t.right && t.former && t.stale);
}

/* --- what the circle is afterwards ------------------------------------------------------------ */

static void the_responsible_fills_the_place_that_the_referent_left(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_offer o = offer_plan(c, CIRCLE_REFERENT, &houses[0], &houses[1], 1);

    (void)state;
    must(take_up(c, &o, &houses[0], &houses[1]));
    o = offer_plan(c, CIRCLE_REFERENT, &houses[0], &houses[2], 2);
    assert_int_equal(take_up(c, &o, &houses[0], &houses[2]), ERR_RIGHT); /* the place is taken */
    must(leave(c, &houses[1]));
    assert_null(circle_referent(c));
    must(take_up(c, &o, &houses[0], &houses[2]));
    assert_memory_equal(circle_referent(c), houses[2].org, ID_BYTES);
    must(expel(c, &houses[0], &houses[2]));
    o = offer_plan(c, CIRCLE_REFERENT, &houses[0], &houses[0], 3); /* takes it himself */
    must(take_up(c, &o, &houses[0], &houses[0]));
    assert_memory_equal(circle_referent(c), houses[0].org, ID_BYTES);
    circle_free(c);
}

/* He was sent away with an unused letter in his pocket, and came back: it stays refused. */
static void a_letter_from_before_a_removal_makes_nobody_referent(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_offer o = offer_plan(c, CIRCLE_REFERENT, &houses[0], &houses[3], 1);

    (void)state;
    must(expel(c, &houses[0], &houses[3]));
    must(join(c, &houses[0], &houses[3]));
    assert_int_equal(take_up(c, &o, &houses[0], &houses[3]), ERR_FORMER_MEMBER);
    circle_free(c);
}

static void what_is_judged_is_the_makers_row_of_today(void **state)
{
    struct circle *c = circle_of_four();
    struct circle_offer o = offer_plan(c, CIRCLE_JOIN, &houses[1], &houses[5], 1);
    struct circle_row less = row_of(&houses[1], 0);

    (void)state;
    o.row.team = 1; /* his own when he wrote it */
    must(leave(c, &houses[1]));
    must(join_row(c, &houses[0], &houses[1], &less));
    assert_int_equal(take_up(c, &o, &houses[1], &houses[5]), ERR_RIGHT);
    o.row.team = 0;
    must(take_up(c, &o, &houses[1], &houses[5]));
    circle_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_to_join_lets_in_as_the_page_says),
        cmocka_unit_test(an_offer_of_the_referent_is_his_or_else_the_responsibles),
        cmocka_unit_test(the_responsible_fills_the_place_that_the_referent_left),
        cmocka_unit_test(a_letter_from_before_a_removal_makes_nobody_referent),
        cmocka_unit_test(what_is_judged_is_the_makers_row_of_today),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
