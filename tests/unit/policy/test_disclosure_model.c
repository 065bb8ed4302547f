/*
 * Every combination of membership, team, category, class, notice, opposition, consent, closure and
 * basis on a small circle, against an oracle that knows the law's words (CSP L1110-4, L1110-12,
 * R1110-1 to R1110-3, D1110-3-1) and a list of facts, and nothing of the code under test. Then: an
 * act that narrows never opens what was shut; and each row of the table has cases in which it alone
 * decides.
 *
 * House 0 is responsible and speaks for everybody; 1 sends, 2 receives, 3 is another member.
 */
#include "circle_world.h"

#include "disclosure.h"

enum membership {
    MEMBER,
    FORMER,
    STRANGER
};
enum whom {
    TO_RECIPIENT,
    TO_ANOTHER,
    TO_EVERYBODY
};

/* What the oracle knows of an act. n 0: there is none. */
struct fact {
    uint32_t n;
    unsigned classes;
    enum whom whom;
    bool ended;
    bool emergency;
};

struct facts {
    enum membership sender, recipient;
    uint32_t sender_team, recipient_team;
    unsigned sender_categories, recipient_categories;
    unsigned recipient_classes;
    struct fact notice, opposition;
    struct fact consents[2];
    bool closed;
};

/* --- the oracle ------------------------------------------------------------------------------- */

static enum err not_taking_part(enum membership m)
{
    return m == FORMER ? ERR_FORMER_MEMBER : ERR_NOT_IN_CIRCLE;
}

/* "informed of the nature of the information and the recipient's identity": her name needs no
 * line of its own. */
static bool told_of(const struct fact *f, const struct disclosure *ask)
{
    if (f->n == 0 || f->whom != TO_RECIPIENT)
        return false;
    for (unsigned bit = CLASS_SOCIAL; bit <= CLASS_RESTRICTED; bit *= 2) {
        if ((ask->class_mask & bit) && !(f->classes & bit))
            return false;
    }
    return true;
}

static bool opposed(const struct fact *o, const struct disclosure *ask)
{
    bool about_him = o->whom != TO_ANOTHER;
    bool about_this = (o->classes & ask->class_mask) != 0;

    if (o->n == 0 || o->ended || !about_him || !about_this)
        return false;
    if (ask->basis == BASIS_URGENCE)
        return o->emergency || o->whom == TO_RECIPIENT;
    return true;
}

/* "prior consent ... until withdrawn": the one relied on, in force, and the newest that speaks of
 * this; what a newer one replaced stays replaced. */
static enum err consented(const struct facts *f, const struct disclosure *ask)
{
    const struct fact *relied = NULL;
    const struct fact *newer = NULL;

    for (size_t i = 0; i < 2; i++) {
        if (ask->has_consent && f->consents[i].n != 0 && f->consents[i].n == ask->consent)
            relied = &f->consents[i];
    }
    if (relied == &f->consents[0])
        newer = &f->consents[1];
    if (!relied || !told_of(relied, ask))
        return ERR_CONSENT_MISSING;
    if (relied->ended)
        return ERR_CONSENT_WITHDRAWN;
    if (newer && told_of(newer, ask))
        return ERR_CONSENT_VERSION;
    return ERR_OK;
}

static bool across_categories(const struct disclosure *ask)
{
    return ask->scat == CATEGORY_HEALTH ? (ask->rcat & CATEGORY_SOCIAL) != 0
                                        : (ask->rcat & CATEGORY_HEALTH) != 0;
}

static enum err law(const struct facts *f, const struct disclosure *ask)
{
    bool informed = ask->has_notice && ask->notice == f->notice.n && told_of(&f->notice, ask);

    if (f->sender != MEMBER) /* L1110-4 II: all take part in the care */
        return not_taking_part(f->sender);
    if (f->recipient != MEMBER)
        return not_taking_part(f->recipient);
    if (f->closed)
        return ERR_CIRCLE_CLOSED;
    if (opposed(&f->opposition, ask)) /* L1110-4 IV */
        return ERR_OPPOSITION;
    for (unsigned bit = 1; bit <= CLASS_RESTRICTED; bit *= 2) { /* R1110-1: his mission */
        if ((ask->class_mask & bit) && !(f->recipient_classes & bit))
            return ERR_CLASS;
    }
    if (ask->class_mask >= CLASS_RESTRICTED && ask->recipients != 1)
        return ERR_AUDIENCE;
    if (!(f->sender_categories & ask->scat)) /* R1110-2 */
        return ERR_CATEGORY;
    if ((ask->rcat | f->recipient_categories) != f->recipient_categories)
        return ERR_CATEGORY;
    switch (ask->basis) {
    case BASIS_ECHANGE: /* R1110-3 I */
        return across_categories(ask) && !informed ? ERR_NOTICE_MISSING : ERR_OK;
    case BASIS_EQUIPE: /* R1110-3 II, then L1110-4 III al. 1 and L1110-12 */
        if (across_categories(ask) && !informed)
            return ERR_NOTICE_MISSING;
        if (f->sender_team == 0 || f->sender_team != f->recipient_team)
            return ERR_NOT_IN_TEAM;
        return ERR_OK;
    case BASIS_CONSENTI: /* L1110-4 III al. 2, D1110-3-1 */
        return consented(f, ask);
    default: /* R1110-3 III: urgency dispenses, and nothing else does */
        return ask->purpose == 5 ? ERR_OK : ERR_BASIS;
    }
}

/* --- worlds ----------------------------------------------------------------------------------- */

/* Thousands of circles are made: nobody signs. */
static void put(struct circle *c, const struct circle_statement *s)
{
    assert_int_equal(load_unsigned(c, s), ERR_OK);
}

static void put_join(struct circle *c, const struct circle_row *row, const struct house *who,
                     uint8_t nonce)
{
    struct circle_offer o = offer_plan(c, CIRCLE_JOIN, &houses[0], who, nonce);
    struct circle_statement s = statement_of(c, CIRCLE_JOIN, who);
    struct bytes offer = {0};

    o.row = *row;
    assert_int_equal(circle_offer_sign(&o, houses[0].sign, &offer), ERR_OK);
    s.row = *row;
    s.offer = bytes_span(&offer);
    put(c, &s);
    bytes_free(&offer);
}

static struct fact put_act(struct circle *c, enum circle_kind kind, unsigned classes,
                           enum whom whom, bool emergency)
{
    static const uint8_t house_of[] = {[TO_RECIPIENT] = 2, [TO_ANOTHER] = 3};
    struct circle_statement s = act_of(c, kind, &houses[0], (uint8_t)classes,
                                       whom == TO_EVERYBODY ? NULL : &houses[house_of[whom]]);

    s.emergency = emergency;
    put(c, &s);
    return (struct fact){circle_size(c) - 1, classes, whom, false, emergency};
}

static void put_end(struct circle *c, enum circle_kind kind, struct fact *f)
{
    struct circle_statement s = statement_of(c, kind, &houses[0]);

    s.about = f->n;
    put(c, &s);
    f->ended = true;
}

static void put_quit(struct circle *c, const struct house *who)
{
    struct circle_statement s = statement_of(c, CIRCLE_LEAVE, who);

    put(c, &s);
}

/* One way in which a world can be; each dimension multiplies the worlds. */
struct world {
    struct circle *c;
    struct facts f;
};

static struct world world_copy(const struct world *w)
{
    struct world copy = {.f = w->f};

    assert_int_equal(circle_clone(w->c, &copy.c), ERR_OK);
    return copy;
}

typedef void world_fn(const struct world *w, void *arg);

enum {
    MEMBERS = 72,
    NOTICES = 3,
    OPPOSITIONS = 7,
    CONSENTS = 6,
    ENDS = 6
};
#define SOME (CLASS_SOCIAL | CLASS_MEDICAL)

/* Teams 3, categories of the sender 2 and of the recipient 3, classes 2, strangers 2. */
static struct world with_members(unsigned i)
{
    static const uint32_t teams[3][2] = {
        {1, 1},
        {1, 2},
        {0, 0}
    };
    struct circle_statement s = statement_of(NULL, CIRCLE_CREATE, &houses[0]);
    struct circle_row from = row_of(&houses[1], teams[i % 3][0]);
    struct circle_row to = row_of(&houses[2], teams[i % 3][1]);
    struct circle_row third = row_of(&houses[3], 0);
    bool all_there = i / 36 == 0;
    struct world w = {0};

    from.category = i / 3 % 2 ? CATEGORY_HEALTH : CATEGORY_HEALTH | CATEGORY_SOCIAL;
    to.category = (uint8_t)(i / 6 % 3 + 1);
    to.class_mask = i / 18 % 2 ? CLASS_IDENTITY | CLASS_SOCIAL : CLASS_ALL;
    w.f = (struct facts){.sender = all_there ? MEMBER : STRANGER,
                         .recipient = all_there || i % 2 ? MEMBER : STRANGER,
                         .sender_team = from.team,
                         .recipient_team = to.team,
                         .sender_categories = from.category,
                         .recipient_categories = to.category,
                         .recipient_classes = to.class_mask};
    s.row = row_of(&houses[0], 1);
    assert_int_equal(circle_new(NULL, &w.c), ERR_OK);
    put(w.c, &s);
    if (w.f.sender == MEMBER)
        put_join(w.c, &from, &houses[1], 1);
    if (w.f.recipient == MEMBER)
        put_join(w.c, &to, &houses[2], 2);
    put_join(w.c, &third, &houses[3], 3);
    return w;
}

static void add_notice(struct world *w, unsigned i)
{
    if (i == 1)
        w->f.notice = put_act(w->c, CIRCLE_NOTICE, SOME, TO_RECIPIENT, false);
    if (i == 2)
        w->f.notice = put_act(w->c, CIRCLE_NOTICE, CLASS_SOCIAL, TO_RECIPIENT, false);
}

static void add_opposition(struct world *w, unsigned i)
{
    static const struct fact kinds[OPPOSITIONS] = {
        {0     },
        { 1, CLASS_SOCIAL,   TO_EVERYBODY, false, false},
        { 1, CLASS_SOCIAL,   TO_EVERYBODY, false, true},
        {  1, CLASS_MEDICAL,  TO_RECIPIENT, false, false},
        { 1, CLASS_ALL,      TO_ANOTHER,   false, true},
        {  1, CLASS_IDENTITY, TO_RECIPIENT, false, true},
        {  1, CLASS_ALL,      TO_EVERYBODY, true, true},
    };

    if (i == 0)
        return;
    w->f.opposition =
        put_act(w->c, CIRCLE_OPPOSITION, kinds[i].classes, kinds[i].whom, kinds[i].emergency);
    if (kinds[i].ended)
        put_end(w->c, CIRCLE_LIFT, &w->f.opposition);
}

/* None; one; withdrawn; for another; replaced in part; replaced, and the newer one withdrawn. */
static void add_consent(struct world *w, unsigned i)
{
    struct fact *c = w->f.consents;

    if (i == 0)
        return;
    c[0] = put_act(w->c, CIRCLE_CONSENT, SOME, i == 3 ? TO_ANOTHER : TO_RECIPIENT, false);
    if (i == 2)
        put_end(w->c, CIRCLE_WITHDRAWAL, &c[0]);
    if (i >= 4)
        c[1] = put_act(w->c, CIRCLE_CONSENT, CLASS_SOCIAL, TO_RECIPIENT, false);
    if (i == 5)
        put_end(w->c, CIRCLE_WITHDRAWAL, &c[1]);
}

/* Nothing; the sender left; the recipient; both; the circle was closed; closed after one left. */
static void add_end(struct world *w, unsigned i)
{
    struct circle_statement s;

    if ((i == 1 || i == 3) && w->f.sender == MEMBER) {
        put_quit(w->c, &houses[1]);
        w->f.sender = FORMER;
    }
    if ((i == 2 || i == 3 || i == 5) && w->f.recipient == MEMBER) {
        put_quit(w->c, &houses[2]);
        w->f.recipient = FORMER;
    }
    if (i < 4)
        return;
    s = statement_of(w->c, CIRCLE_CLOSE, &houses[0]);
    s.reason = END_NORMAL;
    put(w->c, &s);
    w->f.closed = true;
}

/* All of them: members x notices x oppositions x consents x ends. */
static unsigned long for_each_world(world_fn *visit, void *arg)
{
    static void (*const add[])(struct world *, unsigned) = {add_notice, add_opposition, add_consent,
                                                            add_end};
    static const unsigned ways[] = {NOTICES, OPPOSITIONS, CONSENTS, ENDS};
    struct world stack[5];
    unsigned at[4] = {0};
    unsigned long worlds = 0;

    for (unsigned m = 0; m < MEMBERS; m++) {
        int depth = 0;
        stack[0] = with_members(m);
        while (depth >= 0) {
            if (depth == 4) {
                visit(&stack[4], arg);
                worlds++;
            }
            if (depth == 4 || at[depth] == ways[depth]) {
                if (depth < 4)
                    at[depth] = 0;
                circle_free(stack[depth].c);
                depth--;
                continue;
            }
            stack[depth + 1] = world_copy(&stack[depth]);
            add[depth](&stack[depth + 1], at[depth]++);
            depth++;
        }
    }
    return worlds;
}

/* --- questions ---------------------------------------------------------------------------------
 */

enum {
    ASKS = 4 * 7 * 2 * 3 * 2 * 2 * 4
}; /* basis class scat rcat recipients purpose header */

static struct disclosure ask_of(unsigned i, const struct facts *f)
{
    static const uint64_t classes[7] = {1, 2, 3, 8, 11, 16, 31};
    struct disclosure ask = {.type = ENVELOPE_SHEET};
    unsigned header;

    memcpy(ask.from, houses[1].org, ID_BYTES);
    memcpy(ask.to, houses[2].org, ID_BYTES);
    ask.basis = i % 4 + 1;
    i /= 4;
    ask.class_mask = classes[i % 7];
    i /= 7;
    ask.scat = i % 2 + 1;
    i /= 2;
    ask.rcat = i % 3 + 1;
    i /= 3;
    ask.recipients = i % 2 + 1;
    i /= 2;
    ask.purpose = i % 2 ? 5 : 1;
    header = i / 2; /* what the header relies on: nothing, the right one, the newer, a wrong one */
    if (ask.basis == BASIS_CONSENTI) {
        ask.has_consent = header > 0;
        ask.consent = header < 3 ? f->consents[header == 2].n : 1;
    } else {
        ask.has_notice = header == 1 || header == 3;
        ask.notice = header == 1 ? f->notice.n : 1;
    }
    return ask;
}

struct tally {
    unsigned long judged;
    unsigned long alone[DISCLOSURE_ROWS]; /* cases in which this row alone refuses */
    unsigned long opened;                 /* passes */
};

static bool ordinary(const struct facts *f)
{
    return f->sender == MEMBER && f->recipient == MEMBER && !f->closed;
}

static void note_alone(const struct circle *c, const struct disclosure *ask, struct tally *t)
{
    int refusing = 0;
    size_t which = 0;

    for (size_t row = 0; row < DISCLOSURE_ROWS; row++) {
        if (disclosure_table[row].sheet == 0 || disclosure_table[row].ask(c, ask) == ERR_OK)
            continue;
        refusing++;
        which = row;
    }
    if (refusing == 1)
        t->alone[which]++;
}

static void compare(const struct world *w, void *arg)
{
    struct tally *t = arg;
    /* who has left or a closed circle needs no more than a sample of the questions */
    unsigned step = ordinary(&w->f) ? 1 : 37;

    for (unsigned i = 0; i < ASKS; i += step) {
        struct disclosure ask = ask_of(i, &w->f);
        enum err expected = law(&w->f, &ask);
        struct verdict sender;
        struct verdict hub;
        enum err e = disclosure_judge(w->c, &ask, JUDGE_HUB, &hub);
        if (e != expected)
            fail_msg("ask %u: the table says %s, the law %s", i, err_name(e), err_name(expected));
        t->judged++;
        t->opened += e == ERR_OK;
        if (t->judged % 5 != 0) /* all see the same: a sample tells */
            continue;
        assert_int_equal(disclosure_judge(w->c, &ask, JUDGE_SENDER, &sender), e);
        assert_int_equal(sender.row, hub.row);
        assert_int_equal(disclosure_judge(w->c, &ask, JUDGE_RECIPIENT, NULL), e);
        if (e != ERR_OK)
            note_alone(w->c, &ask, t);
    }
}

static void the_table_says_what_the_law_says(void **state)
{
    struct tally t = {0};
    unsigned long worlds = for_each_world(compare, &t);

    (void)state;
    print_message("%lu worlds, %lu questions, %lu passed\n", worlds, t.judged, t.opened);
    assert_int_equal(worlds, (unsigned long)MEMBERS * NOTICES * OPPOSITIONS * CONSENTS * ENDS);
    assert_true(t.opened > 0 && t.opened < t.judged);
    for (size_t row = ROW_SENDER; row <= ROW_BASIS; row++) {
        print_message("%s alone decides %lu\n", disclosure_table[row].name, t.alone[row]);
        assert_true(t.alone[row] > 0);
    }
}

/* --- monotony -----------------------------------------------------------------------------------
 */

enum {
    NARROWINGS = 7
};

/* false: there is nothing of that sort to narrow in this world. */
static bool narrow(struct world *w, unsigned how)
{
    struct circle_statement s = statement_of(w->c, CIRCLE_WITHDRAWAL, &houses[3]);

    switch (how) {
    case 0:
    case 1:
        s.about = w->f.consents[how].n;
        if (s.about == 0 || w->f.consents[how].ended)
            return false;
        break;
    case 2: /* everything */
        break;
    case 3:
        s = act_of(w->c, CIRCLE_OPPOSITION, &houses[3], CLASS_SOCIAL, NULL);
        break;
    case 4:
        s = act_of(w->c, CIRCLE_OPPOSITION, &houses[3], CLASS_MEDICAL, &houses[2]);
        s.emergency = true;
        break;
    case 5:
        s = statement_of(w->c, CIRCLE_REMOVE, &houses[0]);
        memcpy(s.target, houses[2].org, ID_BYTES);
        break;
    default:
        s = statement_of(w->c, CIRCLE_CLOSE, &houses[0]);
        s.reason = END_DEATH;
    }
    put(w->c, &s);
    return true;
}

static void narrow_and_compare(const struct world *w, void *arg)
{
    unsigned long *shut_now = arg;

    if (!ordinary(&w->f))
        return;
    for (unsigned how = 0; how < NARROWINGS; how++) {
        struct world narrower = world_copy(w);
        bool narrowed = narrow(&narrower, how);
        for (unsigned i = how; narrowed && i < ASKS; i += 11) {
            struct disclosure ask = ask_of(i, &w->f);
            enum err before = disclosure_judge(w->c, &ask, JUDGE_HUB, NULL);
            enum err after = disclosure_judge(narrower.c, &ask, JUDGE_HUB, NULL);
            if (before != ERR_OK && after == ERR_OK)
                fail_msg("narrowing %u opened ask %u, which was %s", how, i, err_name(before));
            shut_now[how] += before == ERR_OK && after != ERR_OK;
        }
        circle_free(narrower.c);
    }
}

static void narrowing_never_opens_what_was_shut(void **state)
{
    unsigned long shut_now[NARROWINGS] = {0};

    (void)state;
    (void)for_each_world(narrow_and_compare, shut_now);
    for (size_t how = 0; how < NARROWINGS; how++)
        assert_true(shut_now[how] > 0); /* each sort does shut something */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_says_what_the_law_says),
        cmocka_unit_test(narrowing_never_opens_what_was_shut),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
