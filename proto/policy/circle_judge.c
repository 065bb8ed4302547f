/*
 * May this statement be the next of this circle (PROTOCOL.md 8.1 to 8.3)? Looks and changes
 * nothing. First who it is and whether he belongs here, and only then where the head is: who is not
 * of the circle learns nothing about it.
 */
#include <string.h>

#include "circle_state.h"

static bool same_id(const uint8_t a[ID_BYTES], const uint8_t b[ID_BYTES])
{
    return memcmp(a, b, ID_BYTES) == 0;
}

static bool is_responsible(const struct circle *c, const uint8_t org[ID_BYTES])
{
    return same_id(org, c->responsible);
}

static bool is_referent(const struct circle *c, const uint8_t org[ID_BYTES])
{
    return c->has_referent && same_id(org, c->referent);
}

static bool has_right(const struct circle *c, const uint8_t org[ID_BYTES], enum circle_right right)
{
    const struct circle_member *m = circle_find(c, org);

    return m && m->current && (m->row.rights & right) != 0;
}

static enum err present(const struct circle *c, const uint8_t org[ID_BYTES])
{
    const struct circle_member *m = circle_find(c, org);

    if (!m)
        return ERR_NOT_IN_CIRCLE;
    return m->current ? ERR_OK : ERR_FORMER_MEMBER;
}

static bool same_row(const struct circle_row *a, const struct circle_row *b)
{
    return same_id(a->org, b->org) && a->team == b->team && a->category == b->category &&
           a->class_mask == b->class_mask && a->rights == b->rights;
}

/* An offer works once: who leaves does not come back with the letter that once let him in. */
static bool nonce_used(const struct circle *c, const uint8_t nonce[ID_BYTES])
{
    for (size_t i = 0; i < c->nonce_count; i++) {
        if (same_id(c->nonces[i], nonce))
            return true;
    }
    return false;
}

/* Does the letter say where it was written, and has its taker not been sent away since? */
static enum err offer_dated(const struct circle *c, const struct circle_offer *o)
{
    const struct circle_member *m = circle_find(c, o->to);

    if (m && o->at < m->left)
        return ERR_FORMER_MEMBER;
    return o->at < c->size ? ERR_OK : ERR_STALE_HEAD;
}

/* What any offer must be: of this circle, for the author, fresh. */
static enum err offer_judge(const struct circle *c, const struct circle_step *step, uint64_t now_ms)
{
    const struct circle_offer *o = &step->offer;

    if (o->kind != step->s.kind || !same_id(o->circle, c->handle) ||
        !same_id(o->to, step->s.author))
        return ERR_RIGHT;
    if (nonce_used(c, o->nonce))
        return ERR_EXISTS;
    if (step->s.ts_ms > o->expires_ms || now_ms > o->expires_ms)
        return ERR_EXPIRED;
    return ERR_OK;
}

/* Nobody gives more than he has, but those who answer for the circle. */
static bool may_offer(const struct circle *c, const struct circle_offer *o)
{
    const struct circle_member *by = circle_find(c, o->by);

    if (!has_right(c, o->by, CIRCLE_RIGHT_INVITE))
        return false;
    if (is_referent(c, o->by) || is_responsible(c, o->by))
        return true;
    return (o->row.rights & ~by->row.rights) == 0 &&
           (o->row.team == 0 || o->row.team == by->row.team);
}

static enum err join_judge(const struct circle *c, const struct circle_step *step, uint64_t now_ms)
{
    enum err e;

    if (present(c, step->s.author) == ERR_OK)
        return ERR_EXISTS;
    if ((e = offer_judge(c, step, now_ms)))
        return e;
    if (!may_offer(c, &step->offer))
        return ERR_RIGHT;
    if (!same_id(step->s.row.org, step->s.author) || !same_row(&step->s.row, &step->offer.row))
        return ERR_RIGHT;
    if ((e = offer_dated(c, &step->offer)))
        return e;
    if (!circle_find(c, step->s.author) && c->member_count >= CIRCLE_MEMBERS_MAX)
        return ERR_QUOTA;
    return ERR_OK;
}

static enum err remove_judge(const struct circle *c, const struct circle_statement *s)
{
    if (!is_referent(c, s->author) && !is_responsible(c, s->author))
        return ERR_RIGHT;
    if (is_responsible(c, s->target))
        return ERR_RIGHT;
    return present(c, s->target);
}

/* The new référent takes what the present one offers him, or the responsible when there is none. */
static enum err referent_judge(const struct circle *c, const struct circle_step *step,
                               uint64_t now_ms)
{
    const uint8_t *giver = c->has_referent ? c->referent : c->responsible;
    enum err e;

    if ((e = offer_judge(c, step, now_ms)))
        return e;
    if (!same_id(step->offer.by, giver))
        return ERR_RIGHT;
    if (is_referent(c, step->s.author))
        return ERR_EXISTS;
    return offer_dated(c, &step->offer);
}

static bool meets(const struct circle *c, const struct circle_act *a, uint8_t class_mask,
                  const uint8_t (*orgs)[ID_BYTES], size_t count)
{
    if ((a->class_mask & class_mask) == 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (circle_act_names(c, a, orgs[i]))
            return true;
    }
    return false;
}

uint32_t circle_supersedes(const struct circle *c, uint8_t class_mask,
                           const uint8_t (*orgs)[ID_BYTES], size_t count)
{
    uint32_t latest = 0;

    for (size_t i = 0; i < c->act_count; i++) {
        const struct circle_act *a = &c->acts[i];
        if (a->kind == CIRCLE_CONSENT && !a->live && a->ended_n > latest &&
            meets(c, a, class_mask, orgs, count))
            latest = a->ended_n;
    }
    return latest;
}

/* Is every withdrawn consent that this one covers again the author's own? */
static bool own_scope(const struct circle *c, const struct circle_statement *s)
{
    for (size_t i = 0; i < c->act_count; i++) {
        const struct circle_act *a = &c->acts[i];
        if (a->kind == CIRCLE_CONSENT && !a->live && !same_id(a->author, s->author) &&
            meets(c, a, s->class_mask, s->orgs, s->org_count))
            return false;
    }
    return true;
}

static enum err consent_judge(const struct circle *c, const struct circle_statement *s)
{
    uint32_t withdrawal = circle_supersedes(c, s->class_mask, s->orgs, s->org_count);

    if (!is_responsible(c, s->author) && !has_right(c, s->author, CIRCLE_RIGHT_CONSENT))
        return ERR_RIGHT;
    if (s->has_supersedes != (withdrawal != 0) || s->supersedes != withdrawal)
        return ERR_WIDENING;
    if (withdrawal != 0 && !is_responsible(c, s->author) && !own_scope(c, s))
        return ERR_WIDENING;
    return ERR_OK;
}

/* The act of that n and kind, as long as it lasts. */
static enum err ends(const struct circle *c, uint32_t n, enum circle_kind kind,
                     const struct circle_act **out)
{
    const struct circle_act *a = circle_act_of(c, n);

    if (!a || a->kind != kind)
        return ERR_NOT_FOUND;
    if (!a->live)
        return ERR_STATE;
    *out = a;
    return ERR_OK;
}

static enum err lift_judge(const struct circle *c, const struct circle_statement *s)
{
    const struct circle_act *a;
    enum err e;

    if ((e = ends(c, s->about, CIRCLE_OPPOSITION, &a)))
        return e;
    return is_responsible(c, s->author) || same_id(s->author, a->author) ? ERR_OK : ERR_RIGHT;
}

/* By kind, for a member who speaks at the head. */
static enum err kind_judge(const struct circle *c, const struct circle_step *step, uint64_t now_ms)
{
    const struct circle_statement *s = &step->s;
    const struct circle_act *a;

    switch (s->kind) {
    case CIRCLE_LEAVE: /* the responsible hands over first */
        return is_responsible(c, s->author) ? ERR_RIGHT : ERR_OK;
    case CIRCLE_REMOVE:
        return remove_judge(c, s);
    case CIRCLE_REFERENT:
        return referent_judge(c, step, now_ms);
    case CIRCLE_CONSENT:
        return consent_judge(c, s);
    case CIRCLE_WITHDRAWAL:
        return s->about == 0 ? ERR_OK : ends(c, s->about, CIRCLE_CONSENT, &a);
    case CIRCLE_LIFT:
        return lift_judge(c, s);
    case CIRCLE_CLOSE:
        return is_responsible(c, s->author) ? ERR_OK : ERR_RIGHT;
    default: /* JOIN was judged before; NOTICE and OPPOSITION are any member's */
        return ERR_OK;
    }
}

static size_t oppositions_of(const struct circle *c, const uint8_t org[ID_BYTES])
{
    size_t count = 0;

    for (size_t i = 0; i < c->act_count; i++) {
        const struct circle_act *a = &c->acts[i];
        count += a->kind == CIRCLE_OPPOSITION && a->live && same_id(a->author, org);
    }
    return count;
}

/* The room that is left over belongs to everybody's last word, and each has his share of it. */
static bool oppositions_full(const struct circle *c, const uint8_t author[ID_BYTES])
{
    size_t live = c->live[CIRCLE_OPPOSITION];
    size_t own = oppositions_of(c, author);

    return live >= CIRCLE_LIVE_MAX || own >= CIRCLE_OPPOSITIONS_OF_ONE ||
           (live >= CIRCLE_LIVE_MAX - CIRCLE_OPPOSITION_ROOM && own > 0);
}

/* May this kind of statement have the last positions? A withdrawal of nothing could be said without
 * end by one member. */
static bool takes_narrowing_room(const struct circle *c, const struct circle_statement *s)
{
    switch (s->kind) {
    case CIRCLE_LEAVE:
    case CIRCLE_REMOVE:
    case CIRCLE_OPPOSITION:
    case CIRCLE_CLOSE:
        return true;
    case CIRCLE_WITHDRAWAL:
        return s->about != 0 || c->live[CIRCLE_CONSENT] > 0;
    default:
        return false;
    }
}

static bool full(const struct circle *c, const struct circle_statement *s)
{
    if (c->size >= CIRCLE_STATEMENTS_MAX)
        return true;
    if (c->size >= CIRCLE_STATEMENTS_MAX - CIRCLE_NARROWING_ROOM && !takes_narrowing_room(c, s))
        return true;
    if (s->kind == CIRCLE_NOTICE || s->kind == CIRCLE_CONSENT)
        return c->live[s->kind] >= CIRCLE_LIVE_MAX;
    return s->kind == CIRCLE_OPPOSITION && oppositions_full(c, s->author);
}

static enum err create_judge(const struct circle *c, struct span stmt, struct circle_step *step)
{
    enum err e;

    if (step->s.kind != CIRCLE_CREATE)
        return ERR_CHAIN;
    if ((e = circle_handle_of(stmt, step->handle)))
        return e;
    if (c->handle_given && !same_id(step->handle, c->handle))
        return ERR_CHAIN;
    return same_id(step->s.row.org, step->s.author) ? ERR_OK : ERR_FIELD_VALUE;
}

static enum err author_verify(const struct statement *st, const struct circle_statement *s,
                              const struct circle_signers *signers)
{
    struct sign_public pk;
    enum err e;

    if (st->count != 1 || st->sig[0].role != ROLE_AUTHOR)
        return ERR_FIELD_VALUE;
    if (!same_id(st->sig[0].org, s->author))
        return ERR_FORGED; /* in somebody else's name */
    if (!signers)
        return ERR_OK;
    if ((e = signers->find(signers->arg, s->author, st->sig[0].kid, &pk)))
        return e;
    return statement_verify(STATEMENT_CHAIN, st->stmt, &st->sig[0], &pk);
}

static enum err offer_read(const struct circle_signers *signers, struct circle_step *step)
{
    if (step->s.kind != CIRCLE_JOIN && step->s.kind != CIRCLE_REFERENT)
        return ERR_OK;
    if (!signers)
        return circle_offer_decode(step->s.offer, &step->offer, NULL);
    return circle_offer_verify(step->s.offer, signers, &step->offer);
}

static enum err next_judge(const struct circle *c, const struct circle_step *step, uint64_t now_ms)
{
    const struct circle_statement *s = &step->s;
    enum err e;

    if (s->kind == CIRCLE_JOIN)
        e = join_judge(c, step, now_ms);
    else
        e = present(c, s->author);
    if (e)
        return e;
    if (c->closed)
        return ERR_CIRCLE_CLOSED;
    if (s->n != c->size || memcmp(s->prev, c->head, STMT_LINK_BYTES) != 0)
        return ERR_STALE_HEAD;
    if (full(c, s))
        return ERR_QUOTA;
    return kind_judge(c, step, now_ms);
}

enum err circle_judge(const struct circle *c, struct span ss, const struct circle_signers *signers,
                      uint64_t now_ms, struct circle_step *out)
{
    struct statement st;
    enum err e;

    if ((e = statement_parse(ss, &st)))
        return e;
    if ((e = circle_decode(st.stmt, &out->s)))
        return e;
    if (c->size == 0)
        e = create_judge(c, st.stmt, out);
    else if (out->s.kind == CIRCLE_CREATE || !same_id(out->s.circle, c->handle))
        e = ERR_CHAIN;
    if (e)
        return e;
    if ((e = author_verify(&st, &out->s, signers)))
        return e;
    if ((e = statement_link(st.stmt, out->link)))
        return e;
    if (c->size == 0)
        return ERR_OK;
    if ((e = offer_read(signers, out)))
        return e;
    return next_judge(c, out, now_ms);
}
