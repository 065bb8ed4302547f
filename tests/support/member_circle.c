/* Statements of circles, right or wrong (PROTOCOL.md 8). */
#include <stdlib.h>
#include <string.h>

#include "member_internal.h"

#define OFFER_MS (UINT64_C(24) * 60 * 60 * 1000)

void member_circle_free(struct member_circle *c)
{
    if (!c)
        return;
    circle_free(c->state);
    free(c);
}

struct circle_row member_row(const struct member_node *m)
{
    struct circle_row row = {.category = CATEGORY_HEALTH | CATEGORY_SOCIAL,
                             .class_mask = CLASS_ALL,
                             .rights = CIRCLE_RIGHT_ALL};

    memcpy(row.org, m->org, ID_BYTES);
    return row;
}

enum err member_statement(struct member_node *m, const struct member_circle *c,
                          enum circle_kind kind, struct circle_statement *out)
{
    enum err e =
        circle_next(c ? c->state : NULL, kind, m->org, m->actor, crew_now_ms(m->crew), out);

    if (!e)
        out->date_ms = out->ts_ms;
    return e;
}

enum err member_declare_ss(struct member_node *m, struct span ss, struct member_answer *out)
{
    struct message say = {
        .type = MSG_DECLARE, .statement = {.req = member_next_req(m), .ss = ss}
    };

    return member_ask(m, &say, out);
}

enum err member_declare(struct member_node *m, struct member_circle *c,
                        const struct circle_statement *s, struct bytes *receipt)
{
    struct member_answer a = {0};
    struct bytes ss = {0};
    enum err e;

    if ((e = circle_sign(s, m->sign, &ss)))
        return e;
    e = member_declare_ss(m, bytes_span(&ss), &a);
    if (!e)
        e = circle_load(c->state, bytes_span(&ss));
    if (!e && receipt)
        e = bytes_copy(receipt, a.message.receipt.receipt);
    member_answer_free(&a);
    bytes_free(&ss);
    return e;
}

enum err member_circle_create(struct member_node *m, struct member_circle **out)
{
    struct member_circle *c = calloc(1, sizeof *c);
    struct circle_statement s;
    struct bytes stmt = {0};
    enum err e = ERR_NOMEM;

    if (!c || (e = member_statement(m, NULL, CIRCLE_CREATE, &s)))
        goto out;
    member_random(m, s.nonce, sizeof s.nonce);
    s.row = member_row(m);
    if ((e = circle_encode(&s, &stmt)) || (e = circle_handle_of(bytes_span(&stmt), c->handle)) ||
        (e = circle_new(c->handle, &c->state)) || (e = member_declare(m, c, &s, NULL)))
        goto out;
    *out = c;
    c = NULL;
out:
    bytes_free(&stmt);
    member_circle_free(c);
    return e;
}

enum err member_offer(struct member_node *m, const struct member_circle *c, enum circle_kind kind,
                      const uint8_t to[ID_BYTES], const struct circle_row *row, struct bytes *out)
{
    struct circle_offer o = {.kind = kind,
                             .expires_ms = crew_now_ms(m->crew) + OFFER_MS,
                             .at = circle_size(c->state) - 1};

    memcpy(o.circle, c->handle, ID_BYTES);
    memcpy(o.by, m->org, ID_BYTES);
    memcpy(o.to, to, ID_BYTES);
    if (row)
        o.row = *row;
    member_random(m, o.nonce, sizeof o.nonce);
    return circle_offer_sign(&o, m->sign, out);
}

enum err member_circle_join(struct member_node *inviter, struct member_node *joiner,
                            struct member_circle *c, const struct circle_row *row)
{
    struct circle_row usual = member_row(joiner);
    struct circle_statement s;
    struct bytes offer = {0};
    enum err e;

    if (!row)
        row = &usual;
    if ((e = member_offer(inviter, c, CIRCLE_JOIN, joiner->org, row, &offer)) ||
        (e = member_statement(joiner, c, CIRCLE_JOIN, &s)))
        goto out;
    s.row = *row;
    s.offer = bytes_span(&offer);
    e = member_declare(joiner, c, &s, NULL);
out:
    bytes_free(&offer);
    return e;
}

static void name_org(struct circle_statement *s, const struct member_node *about)
{
    if (!about)
        return;
    s->org_count = 1;
    memcpy(s->orgs[0], about->org, ID_BYTES);
}

static enum err act(struct member_node *m, struct member_circle *c, struct circle_statement *s,
                    uint32_t *n)
{
    enum err e = member_declare(m, c, s, NULL);

    if (!e && n)
        *n = s->n;
    return e;
}

enum err member_notice(struct member_node *m, struct member_circle *c, uint8_t classes,
                       const struct member_node *about, uint32_t *n)
{
    struct circle_statement s;
    enum err e = member_statement(m, c, CIRCLE_NOTICE, &s);

    if (e)
        return e;
    s.class_mask = classes;
    s.way = WAY_ORAL;
    name_org(&s, about);
    return act(m, c, &s, n);
}

enum err member_consent(struct member_node *m, struct member_circle *c, uint8_t classes,
                        const struct member_node *about, uint32_t *n)
{
    struct circle_statement s;
    enum err e = member_statement(m, c, CIRCLE_CONSENT, &s);

    if (e)
        return e;
    s.class_mask = classes;
    s.way = WAY_WRITTEN;
    s.given_by = GIVEN_BY_PERSON;
    name_org(&s, about);
    s.supersedes = circle_supersedes(c->state, classes, s.orgs, s.org_count);
    s.has_supersedes = s.supersedes != 0;
    return act(m, c, &s, n);
}

enum err member_withdraw(struct member_node *m, struct member_circle *c, uint32_t consent_n)
{
    struct circle_statement s;
    enum err e = member_statement(m, c, CIRCLE_WITHDRAWAL, &s);

    if (e)
        return e;
    s.about = consent_n;
    return act(m, c, &s, NULL);
}

enum err member_oppose(struct member_node *m, struct member_circle *c, uint8_t classes,
                       const struct member_node *about)
{
    struct circle_statement s;
    enum err e = member_statement(m, c, CIRCLE_OPPOSITION, &s);

    if (e)
        return e;
    s.class_mask = classes;
    name_org(&s, about);
    return act(m, c, &s, NULL);
}

enum err member_leave(struct member_node *m, struct member_circle *c)
{
    struct circle_statement s;
    enum err e = member_statement(m, c, CIRCLE_LEAVE, &s);

    return e ? e : act(m, c, &s, NULL);
}
