#include "disclosure.h"

#include <string.h>

#define EVERYBODY (JUDGE_SENDER | JUDGE_HUB | JUDGE_RECIPIENT)
#define CATEGORY_ALL (CATEGORY_HEALTH | CATEGORY_SOCIAL)

static enum err standing(const struct circle *c, const uint8_t org[ID_BYTES])
{
    const struct circle_member *m = c ? circle_find(c, org) : NULL;

    if (!m)
        return ERR_NOT_IN_CIRCLE;
    return m->current ? ERR_OK : ERR_FORMER_MEMBER;
}

/* Class 1 (identity) is covered by any notice or consent for the recipient. */
static bool covers(const struct circle *c, const struct circle_act *a, const struct disclosure *ask)
{
    uint64_t wanted = ask->class_mask & ~(uint64_t)CLASS_IDENTITY;

    return (wanted & ~(uint64_t)a->class_mask) == 0 && circle_act_names(c, a, ask->to);
}

/* The act that a header's n names, if it is of that kind and covers what is asked. */
static const struct circle_act *named(const struct circle *c, uint64_t n, enum circle_kind kind,
                                      const struct disclosure *ask)
{
    const struct circle_act *a = n <= CIRCLE_STATEMENTS_MAX ? circle_act_of(c, (uint32_t)n) : NULL;

    return a && a->kind == kind && covers(c, a, ask) ? a : NULL;
}

/* Needs no circle: is every declared value a code, and do they go together? */
static enum err values(const struct circle *c, const struct disclosure *ask)
{
    (void)c;
    if (ask->type != ENVELOPE_SHEET && ask->type != ENVELOPE_INVITATION)
        return ERR_UNSUPPORTED;
    if (ask->class_mask == 0 || ask->class_mask > CLASS_ALL)
        return ERR_FIELD_VALUE;
    if (ask->basis < BASIS_ECHANGE || ask->basis > BASIS_URGENCE)
        return ERR_FIELD_VALUE;
    if (ask->purpose < 1 || ask->purpose > PURPOSE_MAX)
        return ERR_FIELD_VALUE;
    if (ask->scat != CATEGORY_HEALTH && ask->scat != CATEGORY_SOCIAL)
        return ERR_FIELD_VALUE;
    if (ask->rcat < 1 || ask->rcat > CATEGORY_ALL || ask->recipients == 0)
        return ERR_FIELD_VALUE;
    if (ask->has_consent && ask->basis != BASIS_CONSENTI)
        return ERR_FIELD_VALUE;
    if (ask->type == ENVELOPE_INVITATION && ask->class_mask != CLASS_IDENTITY)
        return ERR_CLASS;
    if (ask->type == ENVELOPE_INVITATION && ask->recipients != 1)
        return ERR_AUDIENCE;
    return ERR_OK;
}

static enum err sender(const struct circle *c, const struct disclosure *ask)
{
    return standing(c, ask->from);
}

static enum err recipient(const struct circle *c, const struct disclosure *ask)
{
    return standing(c, ask->to);
}

static enum err closed(const struct circle *c, const struct disclosure *ask)
{
    (void)ask;
    return circle_closed(c) ? ERR_CIRCLE_CLOSED : ERR_OK;
}

static bool opposes(const struct circle *c, const struct circle_act *a,
                    const struct disclosure *ask)
{
    bool by_name = circle_act_names(c, a, ask->to);

    if (a->kind != CIRCLE_OPPOSITION || !a->live || (a->class_mask & ask->class_mask) == 0)
        return false;
    if (!by_name && a->org_count > 0)
        return false;
    return ask->basis != BASIS_URGENCE || a->emergency || by_name;
}

static enum err opposition(const struct circle *c, const struct disclosure *ask)
{
    for (size_t i = 0; i < circle_act_count(c); i++) {
        if (opposes(c, circle_act(c, i), ask))
            return ERR_OPPOSITION;
    }
    return ERR_OK;
}

static enum err class_open(const struct circle *c, const struct disclosure *ask)
{
    const struct circle_member *m = circle_find(c, ask->to);

    return m && (ask->class_mask & ~(uint64_t)m->row.class_mask) == 0 ? ERR_OK : ERR_CLASS;
}

static enum err audience(const struct circle *c, const struct disclosure *ask)
{
    (void)c;
    return (ask->class_mask & CLASS_RESTRICTED) && ask->recipients > 1 ? ERR_AUDIENCE : ERR_OK;
}

static enum err category(const struct circle *c, const struct disclosure *ask)
{
    const struct circle_member *from = circle_find(c, ask->from);
    const struct circle_member *to = circle_find(c, ask->to);

    if (!from || (from->row.category & ask->scat) == 0)
        return ERR_CATEGORY;
    return to && (ask->rcat & ~(uint64_t)to->row.category) == 0 ? ERR_OK : ERR_CATEGORY;
}

static enum err notice(const struct circle *c, const struct disclosure *ask)
{
    if (ask->basis != BASIS_ECHANGE && ask->basis != BASIS_EQUIPE)
        return ERR_OK;
    if ((ask->rcat & ~ask->scat) == 0)
        return ERR_OK;
    return ask->has_notice && named(c, ask->notice, CIRCLE_NOTICE, ask) ? ERR_OK
                                                                        : ERR_NOTICE_MISSING;
}

static enum err team(const struct circle *c, const struct disclosure *ask)
{
    const struct circle_member *from = circle_find(c, ask->from);
    const struct circle_member *to = circle_find(c, ask->to);

    if (ask->basis != BASIS_EQUIPE)
        return ERR_OK;
    return from && to && from->row.team != 0 && from->row.team == to->row.team ? ERR_OK
                                                                               : ERR_NOT_IN_TEAM;
}

/* A newer covering consent replaces the older, and keeps it replaced when it is withdrawn itself:
 * a withdrawal opens nothing. */
static enum err consent(const struct circle *c, const struct disclosure *ask)
{
    const struct circle_act *relied;

    if (ask->basis != BASIS_CONSENTI)
        return ERR_OK;
    relied = ask->has_consent ? named(c, ask->consent, CIRCLE_CONSENT, ask) : NULL;
    if (!relied)
        return ERR_CONSENT_MISSING;
    if (!relied->live)
        return ERR_CONSENT_WITHDRAWN;
    for (size_t i = circle_act_count(c); i-- > 0 && circle_act(c, i)->n > relied->n;) {
        if (circle_act(c, i)->kind == CIRCLE_CONSENT && covers(c, circle_act(c, i), ask))
            return ERR_CONSENT_VERSION;
    }
    return ERR_OK;
}

static enum err basis(const struct circle *c, const struct disclosure *ask)
{
    (void)c;
    return ask->basis == BASIS_URGENCE && ask->purpose != PURPOSE_URGENCE ? ERR_BASIS : ERR_OK;
}

static enum err inviter(const struct circle *c, const struct disclosure *ask)
{
    const struct circle_member *m = circle_find(c, ask->from);

    return m && m->current && (m->row.rights & CIRCLE_RIGHT_INVITE) ? ERR_OK : ERR_RIGHT;
}

static enum err invited(const struct circle *c, const struct disclosure *ask)
{
    return standing(c, ask->to) == ERR_OK ? ERR_EXISTS : ERR_OK;
}

/* Who is invited has no chain yet: the rows of an invitation are judged by sender and hub. */
#define INSIDE (JUDGE_SENDER | JUDGE_HUB)

/* clang-format off */
const struct disclosure_rule disclosure_table[DISCLOSURE_ROWS] = {
    /* row            name          sheet      invitation */
    {ROW_VALUES,     "values",     EVERYBODY, EVERYBODY, values,     "PROTOCOL.md 3"},
    {ROW_SENDER,     "sender",     EVERYBODY, INSIDE,    sender,     "CSP L1110-4 II"},
    {ROW_RECIPIENT,  "recipient",  EVERYBODY, 0,         recipient,  "CSP L1110-4 II"},
    {ROW_CLOSED,     "closed",     EVERYBODY, INSIDE,    closed,     "CSP L1110-4 II"},
    {ROW_OPPOSITION, "opposition", EVERYBODY, INSIDE,    opposition, "CSP L1110-4 IV"},
    {ROW_CLASS,      "class",      EVERYBODY, 0,         class_open, "CSP R1110-1"},
    {ROW_AUDIENCE,   "audience",   EVERYBODY, 0,         audience,   "CSP R1110-1"},
    {ROW_CATEGORY,   "category",   EVERYBODY, 0,         category,   "CSP R1110-2"},
    {ROW_NOTICE,     "notice",     EVERYBODY, 0,         notice,     "CSP R1110-3 I, II"},
    {ROW_TEAM,       "team",       EVERYBODY, 0,         team,       "CSP L1110-4 III al. 1, L1110-12"},
    {ROW_CONSENT,    "consent",    EVERYBODY, 0,         consent,    "CSP L1110-4 III al. 2, D1110-3-1"},
    {ROW_BASIS,      "basis",      EVERYBODY, 0,         basis,      "CSP R1110-3 III"},
    {ROW_INVITER,    "inviter",    0,         INSIDE,    inviter,    "PROTOCOL.md 8.3"},
    {ROW_INVITED,    "invited",    0,         INSIDE,    invited,    "PROTOCOL.md 8.3"},
};
/* clang-format on */

/* Who judges this row of such an envelope. An unknown type has row 0 alone, which refuses it. */
static unsigned judges_of(const struct disclosure_rule *rule, uint64_t type)
{
    if (type == ENVELOPE_SHEET)
        return rule->sheet;
    if (type == ENVELOPE_INVITATION)
        return rule->invitation;
    return rule->row == ROW_VALUES ? EVERYBODY : 0;
}

enum err disclosure_judge(const struct circle *c, const struct disclosure *ask, enum judge who,
                          struct verdict *out)
{
    struct verdict v = {.row = DISCLOSURE_ROWS, .name = "", .source = ""};

    for (size_t i = 0; i < DISCLOSURE_ROWS && !v.code; i++) {
        const struct disclosure_rule *rule = &disclosure_table[i];
        unsigned judges = judges_of(rule, ask->type);
        if (judges == 0)
            continue;
        if ((judges & who) == 0) {
            v.unjudged |= 1U << rule->row;
            continue;
        }
        if ((v.code = rule->ask(c, ask))) {
            v.row = rule->row;
            v.name = rule->name;
            v.source = rule->source;
        }
    }
    v.inform_later = !v.code && ask->basis == BASIS_URGENCE;
    if (out)
        *out = v;
    return v.code;
}

enum err disclosure_judge_all(const struct circle *c, const struct disclosure *ask,
                              const uint8_t (*to)[ID_BYTES], const uint64_t *rcat, size_t count,
                              enum judge who, struct verdict *out, size_t *which)
{
    struct disclosure one = *ask;
    enum err e = ERR_OK;
    size_t i = 0;

    one.recipients = count;
    if (count == 0) /* an envelope to nobody: row 0 says so */
        e = disclosure_judge(c, &one, who, out);
    for (; i < count && !e; i++) {
        memcpy(one.to, to[i], ID_BYTES);
        one.rcat = rcat[i];
        e = disclosure_judge(c, &one, who, out);
    }
    if (which)
        *which = e && count > 0 ? i - 1 : count;
    return e;
}
