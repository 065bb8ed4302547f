/*
 * circle_world - a circle of the houses of policy_world.h: house 0 begins it, and each function
 * here is one thing a house can say. Included once by each test of the circle.
 */
#ifndef TESTS_CIRCLE_WORLD_H
#define TESTS_CIRCLE_WORLD_H

#include "policy_world.h"

#define NOW UINT64_C(1700000000000)
#define HOUR UINT64_C(3600000)

static inline struct circle_row row_of(const struct house *h, uint32_t team)
{
    struct circle_row row = {.team = team,
                             .category = CATEGORY_HEALTH | CATEGORY_SOCIAL,
                             .class_mask = CLASS_ALL,
                             .rights = CIRCLE_RIGHT_ALL};

    memcpy(row.org, h->org, ID_BYTES);
    return row;
}

static inline struct circle_statement statement_of(const struct circle *c, enum circle_kind kind,
                                                   const struct house *author)
{
    struct circle_statement s;

    assert_int_equal(circle_next(c, kind, author->org, author->actor, NOW, &s), ERR_OK);
    s.date_ms = NOW;
    s.way = WAY_ORAL;
    return s;
}

/* Signs, looks, applies; holds that looking and doing agree and that a refusal has no effect. */
static inline enum err say_as(struct circle *c, const struct circle_statement *s,
                              const struct secret_sign *key, uint64_t now_ms)
{
    uint32_t size = circle_size(c);
    uint8_t head[STMT_LINK_BYTES] = {0};
    struct bytes ss = {0};
    enum err looked;
    enum err e;

    if (size)
        memcpy(head, circle_head(c), sizeof head);
    assert_int_equal(circle_sign(s, key, &ss), ERR_OK);
    looked = circle_check(c, bytes_span(&ss), &all_houses, now_ms);
    e = circle_apply(c, bytes_span(&ss), &all_houses, now_ms);
    bytes_free(&ss);
    assert_int_equal(looked, e);
    assert_int_equal(circle_size(c), e ? size : size + 1);
    if (e && size)
        assert_memory_equal(head, circle_head(c), sizeof head);
    return e;
}

static inline enum err say(struct circle *c, const struct circle_statement *s,
                           const struct house *author)
{
    return say_as(c, s, author->sign, NOW);
}

/* Signed by nobody, read back as from the own store: for long chains and many circles. */
static inline enum err load_unsigned(struct circle *c, const struct circle_statement *s)
{
    struct statement_sig sig = {.role = ROLE_AUTHOR};
    struct bytes stmt = {0};
    struct bytes ss = {0};
    enum err e;

    memcpy(sig.org, s->author, ID_BYTES);
    assert_int_equal(circle_encode(s, &stmt), ERR_OK);
    assert_int_equal(statement_join(bytes_span(&stmt), &sig, 1, &ss), ERR_OK);
    e = circle_load(c, bytes_span(&ss));
    bytes_free(&stmt);
    bytes_free(&ss);
    return e;
}

static inline struct circle *circle_begun(void)
{
    struct circle *c = NULL;
    struct circle_statement s = statement_of(NULL, CIRCLE_CREATE, &houses[0]);

    s.row = row_of(&houses[0], 1);
    id_of(s.nonce, 0x33, 1);
    assert_int_equal(circle_new(NULL, &c), ERR_OK);
    assert_int_equal(say(c, &s, &houses[0]), ERR_OK);
    return c;
}

static inline struct circle_offer offer_plan(const struct circle *c, enum circle_kind kind,
                                             const struct house *by, const struct house *to,
                                             uint8_t nonce)
{
    struct circle_offer o = {.kind = kind, .expires_ms = NOW + HOUR, .at = circle_size(c) - 1};

    memcpy(o.circle, circle_handle(c), ID_BYTES);
    memcpy(o.by, by->org, ID_BYTES);
    memcpy(o.to, to->org, ID_BYTES);
    o.row = row_of(to, 0);
    id_of(o.nonce, 0x44, nonce);
    return o;
}

/* `who` takes up an offer that `by` has signed; joining, with the row of the offer. */
static inline enum err take_up(struct circle *c, const struct circle_offer *o,
                               const struct house *by, const struct house *who)
{
    struct circle_statement s = statement_of(c, o->kind, who);
    struct bytes offer = {0};
    enum err e;

    assert_int_equal(circle_offer_sign(o, by->sign, &offer), ERR_OK);
    s.offer = bytes_span(&offer);
    s.row = o->row;
    e = say(c, &s, who);
    bytes_free(&offer);
    return e;
}

static inline enum err join_row(struct circle *c, const struct house *by, const struct house *who,
                                const struct circle_row *row)
{
    static uint8_t nonce = 100;
    struct circle_offer o = offer_plan(c, CIRCLE_JOIN, by, who, nonce++);

    o.row = *row;
    return take_up(c, &o, by, who);
}

static inline enum err join(struct circle *c, const struct house *by, const struct house *who)
{
    struct circle_row row = row_of(who, 0);

    return join_row(c, by, who, &row);
}

static inline enum err leave(struct circle *c, const struct house *who)
{
    struct circle_statement s = statement_of(c, CIRCLE_LEAVE, who);

    return say(c, &s, who);
}

static inline enum err expel(struct circle *c, const struct house *by, const struct house *who)
{
    struct circle_statement s = statement_of(c, CIRCLE_REMOVE, by);

    memcpy(s.target, who->org, ID_BYTES);
    return say(c, &s, by);
}

/* NOTICE, CONSENT, OPPOSITION about one house (NULL: everybody). */
static inline struct circle_statement act_of(const struct circle *c, enum circle_kind kind,
                                             const struct house *author, uint8_t class_mask,
                                             const struct house *about)
{
    struct circle_statement s = statement_of(c, kind, author);

    s.class_mask = class_mask;
    s.given_by = GIVEN_BY_PERSON;
    s.own_opinion = true;
    if (about)
        memcpy(s.orgs[s.org_count++], about->org, ID_BYTES);
    return s;
}

static inline enum err record(struct circle *c, enum circle_kind kind, const struct house *author,
                              uint8_t class_mask, const struct house *about)
{
    struct circle_statement s = act_of(c, kind, author, class_mask, about);

    return say(c, &s, author);
}

/* A consent that names the withdrawal it supersedes. */
static inline enum err regrant(struct circle *c, const struct house *author, uint8_t class_mask,
                               const struct house *about, uint32_t withdrawal)
{
    struct circle_statement s = act_of(c, CIRCLE_CONSENT, author, class_mask, about);

    s.has_supersedes = true;
    s.supersedes = withdrawal;
    return say(c, &s, author);
}

/* WITHDRAWAL (0: all) and LIFT. */
static inline enum err end(struct circle *c, enum circle_kind kind, const struct house *author,
                           uint32_t about)
{
    struct circle_statement s = statement_of(c, kind, author);

    s.about = about;
    return say(c, &s, author);
}

static inline enum err shut(struct circle *c, const struct house *author)
{
    struct circle_statement s = statement_of(c, CIRCLE_CLOSE, author);

    s.reason = END_DEATH;
    return say(c, &s, author);
}

/* House 0 (responsible, référent, team 1), 1 (team 1), 2 and 3 (no team). */
static inline struct circle *circle_of_four(void)
{
    struct circle *c = circle_begun();
    struct circle_row row = row_of(&houses[1], 1);

    assert_int_equal(join_row(c, &houses[0], &houses[1], &row), ERR_OK);
    assert_int_equal(join(c, &houses[0], &houses[2]), ERR_OK);
    row = row_of(&houses[3], 0);
    row.rights = 0;
    assert_int_equal(join_row(c, &houses[0], &houses[3], &row), ERR_OK);
    return c;
}

#endif
