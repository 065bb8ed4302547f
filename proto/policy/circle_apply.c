/* The one writer of a circle: what circle_judge() found good is written, after room was made. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "circle_state.h"

static bool same_id(const uint8_t a[ID_BYTES], const uint8_t b[ID_BYTES])
{
    return memcmp(a, b, ID_BYTES) == 0;
}

static void enter(struct circle *c, const struct circle_row *row)
{
    uint32_t left = 0;
    size_t i = 0;

    while (i < c->member_count && !same_id(c->members[i].row.org, row->org))
        i++;
    if (i == c->member_count)
        c->member_count++;
    else
        left = c->members[i].left;
    c->members[i] =
        (struct circle_member){.row = *row, .current = true, .since = c->size, .left = left};
}

static void quit(struct circle *c, const uint8_t org[ID_BYTES])
{
    for (size_t i = 0; i < c->member_count; i++) {
        if (!same_id(c->members[i].row.org, org))
            continue;
        c->members[i].current = false;
        c->members[i].until = c->size;
        c->members[i].left = c->size;
    }
    if (same_id(org, c->referent))
        c->has_referent = false;
}

static void spend(struct circle *c, const struct circle_offer *o)
{
    memcpy(c->nonces[c->nonce_count++], o->nonce, ID_BYTES);
}

static void act_put(struct circle *c, const struct circle_statement *s)
{
    struct circle_act *a = &c->acts[c->act_count++];

    *a = (struct circle_act){.kind = s->kind,
                             .n = s->n,
                             .class_mask = s->class_mask,
                             .emergency = s->emergency,
                             .live = true,
                             .date_ms = s->date_ms,
                             .first_org = (uint32_t)c->org_count,
                             .org_count = (uint32_t)s->org_count};
    memcpy(a->author, s->author, ID_BYTES);
    memcpy(c->orgs + c->org_count, s->orgs, s->org_count * ID_BYTES);
    c->org_count += s->org_count;
    c->live[s->kind]++;
}

/* about 0: every live act of the kind. */
static void acts_end(struct circle *c, enum circle_kind kind, const struct circle_statement *s)
{
    for (size_t i = 0; i < c->act_count; i++) {
        struct circle_act *a = &c->acts[i];
        if (a->kind != kind || !a->live || (s->about != 0 && a->n != s->about))
            continue;
        a->live = false;
        a->ended_n = s->n;
        c->live[kind]--;
    }
}

static void create(struct circle *c, const struct circle_step *step)
{
    memcpy(c->handle, step->handle, ID_BYTES);
    memcpy(c->responsible, step->s.author, ID_BYTES);
    memcpy(c->referent, step->s.author, ID_BYTES);
    c->has_referent = true;
    enter(c, &step->s.row);
}

static void step_write(struct circle *c, const struct circle_step *step)
{
    const struct circle_statement *s = &step->s;

    switch (s->kind) {
    case CIRCLE_CREATE:
        create(c, step);
        break;
    case CIRCLE_JOIN:
        spend(c, &step->offer);
        enter(c, &s->row);
        break;
    case CIRCLE_LEAVE:
        quit(c, s->author);
        break;
    case CIRCLE_REMOVE:
        quit(c, s->target);
        break;
    case CIRCLE_REFERENT:
        spend(c, &step->offer);
        memcpy(c->referent, s->author, ID_BYTES);
        c->has_referent = true;
        break;
    case CIRCLE_NOTICE:
    case CIRCLE_CONSENT:
    case CIRCLE_OPPOSITION:
        act_put(c, s);
        break;
    case CIRCLE_WITHDRAWAL:
        acts_end(c, CIRCLE_CONSENT, s);
        break;
    case CIRCLE_LIFT:
        acts_end(c, CIRCLE_OPPOSITION, s);
        break;
    case CIRCLE_CLOSE:
        c->closed = true;
        break;
    case CIRCLE_RESPONSIBILITY: /* reserved: the codec knows no such statement */
    case CIRCLE_MERGE:
    case CIRCLE_ERASE:
        break;
    }
    memcpy(c->head, step->link, STMT_LINK_BYTES);
    c->size++;
}

/* array: address of the pointer to its elements. */
static enum err grow(void *array, size_t count, size_t more, size_t *cap, size_t each)
{
    size_t wanted = *cap ? 2 * *cap : 4;
    void *held;
    void *bigger;

    if (count + more <= *cap)
        return ERR_OK;
    if (wanted < count + more)
        wanted = count + more;
    memcpy(&held, array, sizeof held); /* pointers to objects are alike, as POSIX has them */
    if (!(bigger = realloc(held, wanted * each)))
        return ERR_NOMEM;
    memcpy(array, &bigger, sizeof bigger);
    *cap = wanted;
    return ERR_OK;
}

/* Room for whatever one statement can add: after this nothing can fail. */
static enum err make_room(struct circle *c, const struct circle_statement *s)
{
    enum err e;

    if ((e = grow(&c->members, c->member_count, 1, &c->member_cap, sizeof *c->members)))
        return e;
    if ((e = grow(&c->acts, c->act_count, 1, &c->act_cap, sizeof *c->acts)))
        return e;
    if ((e = grow(&c->orgs, c->org_count, s->org_count + 1, &c->org_cap, sizeof *c->orgs)))
        return e;
    return grow(&c->nonces, c->nonce_count, 1, &c->nonce_cap, sizeof *c->nonces);
}

static enum err apply(struct circle *c, struct span ss, const struct circle_signers *signers,
                      uint64_t now_ms)
{
    struct circle_step step = {0};
    enum err e;

    if ((e = circle_judge(c, ss, signers, now_ms, &step)))
        return e;
    if ((e = make_room(c, &step.s)))
        return e;
    step_write(c, &step);
    return ERR_OK;
}

enum err circle_check(const struct circle *c, struct span ss, const struct circle_signers *signers,
                      uint64_t now_ms)
{
    struct circle_step step = {0};

    if (!signers)
        return ERR_USAGE;
    return circle_judge(c, ss, signers, now_ms, &step);
}

enum err circle_apply(struct circle *c, struct span ss, const struct circle_signers *signers,
                      uint64_t now_ms)
{
    return signers ? apply(c, ss, signers, now_ms) : ERR_USAGE;
}

enum err circle_load(struct circle *c, struct span ss)
{
    return apply(c, ss, NULL, 0);
}
