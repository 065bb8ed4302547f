/* The rounds about what members decide while the hub dies: envelopes taken back, a consent that is
 * withdrawn, and many envelopes under one signature. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "rounds_internal.h"

#define DAY_MS (UINT64_C(24) * 60 * 60 * 1000)
#define SOON_MS 5000
#define STRIKE_MS 1500
#define LETTERS 3 /* of each to the one who is away */
#define BATCH 7

/* Where the hub dies, in turn: before and after its commit, in its writes, with its answer unsaid.
 */
static void strike(const struct campaign *c, uint64_t n, char fault[64])
{
    static const char *const points[] = {"before-commit", "kill-write", "before-receipt",
                                         "after-commit"};
    static const unsigned deep[] = {4, 24, 8, 4};
    struct dice dice = c->dice;
    unsigned at = 1 + (unsigned)dice_draw(&dice, deep[n % 4]);

    snprintf(fault, 64, "%s:%u", points[n % 4], at);
}

static bool all_asked(struct campaign *c)
{
    return load_asking(c->load) == 0 && all_decided(c);
}

static bool ended_or_asked(struct campaign *c)
{
    return hub_ended(c) || all_asked(c);
}

static bool all_ended(struct campaign *c)
{
    return all_asked(c) && load_outstanding(c->load) == 0;
}

/* The hub dies while it hears what was asked; then everybody has an answer. */
static void dies_over(struct campaign *c, const char *fault)
{
    if (hub_start(c, fault))
        world_until(c, ended_or_asked, STRIKE_MS);
    hub_ensure(c);
    if (!world_until(c, all_asked, c->patience_ms))
        history_say(c->history, "bad hub leaves-statements-without-an-answer");
}

/* --- recall ------------------------------------------------------------------------------------
 */

void round_recall(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t who = 1 + (size_t)dice_draw(&c->dice, 3);
    size_t before = load_ended_so(c->load, AUDIT_RECALLED);
    size_t asked = 0;
    char fault[64];

    load_away(c->load, who, true);
    for (size_t i = 0; i < load_actors(c->load); i++)
        for (size_t each = 0; i != who && each < LETTERS; each++)
            if (load_write_as(c->load, i, 1u << who,
                              &(struct load_wish){.life_ms = DAY_MS, .bytes = 300, .keep = true}))
                abort();
    if (!world_until(c, all_decided, SOON_MS))
        goto back;
    hub_stop(c);
    strike(c, n, fault);
    for (size_t i = 0; i < load_actors(c->load); i++)
        if (i != who)
            asked += load_recall(c->load, i);
    dies_over(c, fault);
back:
    load_away(c->load, who, false);
    round_end(c);
    if (asked > 0 && world_until(c, all_ended, c->patience_ms) &&
        load_ended_so(c->load, AUDIT_RECALLED) > before)
        fault_happened(c, k->name);
}

/* --- narrowing ---------------------------------------------------------------------------------
 */

/* A statement of the first member, until the hub has decided it. */
static enum err declare(struct campaign *c, const struct circle_statement *s, const char *fault)
{
    struct scene *scene = &c->scene;
    struct bytes ss = {0};
    struct bytes again = {0};
    struct ask *a;
    enum err code = ERR_TIMEOUT;

    if (circle_sign(s, member_sign_key(scene->m[0]), &ss) || bytes_copy(&again, bytes_span(&ss)))
        abort();
    a = load_ask(c->load, 0, MSG_DECLARE, &ss);
    if (fault)
        dies_over(c, fault);
    else
        world_until(c, all_asked, SOON_MS);
    if (!load_asked(a, &code))
        code = ERR_TIMEOUT;
    if (!code && circle_load(scene->circle->state, bytes_span(&again)))
        abort();
    if (code)
        history_say(c->history, "bad m0 statement-refused-%s", err_name(code));
    bytes_free(&again);
    return code;
}

static enum err consent(struct campaign *c, size_t about, uint32_t *n)
{
    struct circle_statement s;
    enum err e = member_statement(c->scene.m[0], c->scene.circle, CIRCLE_CONSENT, &s);

    if (e)
        return e;
    s.class_mask = CLASS_SOCIAL;
    s.way = WAY_WRITTEN;
    s.given_by = GIVEN_BY_PERSON;
    s.org_count = 1;
    memcpy(s.orgs[0], member_org(c->scene.m[about]), ID_BYTES);
    s.supersedes = circle_supersedes(c->scene.circle->state, s.class_mask, s.orgs, s.org_count);
    s.has_supersedes = s.supersedes != 0;
    *n = s.n;
    return declare(c, &s, NULL);
}

/* What waits under a consent when it is withdrawn comes to nobody: both sides are told. */
void round_narrow(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t who = 1 + (size_t)dice_draw(&c->dice, 3);
    size_t before = load_ended_so(c->load, AUDIT_HELD);
    struct circle_statement s;
    uint32_t at = 0;
    char fault[64];

    hub_ensure(c);
    if (!world_until(c, all_ended, SOON_MS) || consent(c, who, &at))
        goto out;
    load_away(c->load, who, true);
    for (size_t i = 0; i < load_actors(c->load); i++)
        for (size_t each = 0; i != who && each < LETTERS; each++)
            if (load_write_as(c->load, i, 1u << who,
                              &(struct load_wish){.life_ms = DAY_MS, .bytes = 300, .consent = at}))
                abort();
    if (!world_until(c, all_decided, SOON_MS))
        goto out;
    hub_stop(c);
    strike(c, n, fault);
    if (member_statement(c->scene.m[0], c->scene.circle, CIRCLE_WITHDRAWAL, &s))
        abort();
    s.about = at;
    if (declare(c, &s, fault) == ERR_OK)
        history_say(c->history, "withdrawn m%zu", who);
out:
    load_away(c->load, who, false);
    round_end(c);
    if (world_until(c, all_ended, c->patience_ms) && load_ended_so(c->load, AUDIT_HELD) > before)
        fault_happened(c, k->name);
}

/* --- deputies ----------------------------------------------------------------------------------
 */

#define SWEEP_MS 1200
#define AFTER_S 60         /* the shortest that a sender may set */
#define DUE_MS (70 * 1000) /* and a jump that the hub does not doubt */

/* In the hub's first commits, when nobody is there: one of them releases. */
static void strike_release(struct campaign *c, uint64_t n, char fault[64])
{
    static const char *const points[] = {"before-commit", "kill-write", "after-commit",
                                         "kill-sync"};
    static const unsigned deep[] = {3, 12, 3, 6};

    snprintf(fault, 64, "%s:%u", points[n % 4], 1 + (unsigned)dice_draw(&c->dice, deep[n % 4]));
}

static size_t due; /* releases that must have been told */

static bool all_released(struct campaign *c)
{
    return load_released(c->load) >= due;
}

static void others_away(struct campaign *c, size_t who, bool away)
{
    for (size_t i = 0; i < load_actors(c->load); i++)
        if (i != who)
            load_away(c->load, i, away);
}

/* What its recipient does not fetch goes to his deputy, once, although the hub dies over it. */
void round_deputy(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t who = 1 + (size_t)dice_draw(&c->dice, 3);
    size_t deputy = 1 + who % 3;
    size_t struck = hubproc_faults(c->scene.hub);
    struct load_wish wish = {
        .life_ms = DAY_MS, .bytes = 300, .deputy = deputy + 1, .after_s = AFTER_S};
    bool whole = false;
    char fault[64];

    due = load_released(c->load);
    load_away(c->load, who, true);
    for (size_t i = 0; i < load_actors(c->load); i++)
        for (size_t each = 0; i != who && i != deputy && each < LETTERS; each++, due++)
            if (load_write_as(c->load, i, 1u << who, &wish))
                abort();
    if (!world_until(c, all_decided, SOON_MS))
        goto back;
    others_away(c, who, true);
    hub_stop(c);
    strike_release(c, n, fault);
    if (hubproc_clock(c->scene.hub, DUE_MS))
        abort();
    if (hub_start(c, fault))
        world_until(c, hub_ended, STRIKE_MS);
    hub_ensure(c);
    others_away(c, who, false);
    if (!(whole = world_until(c, all_released, c->patience_ms)))
        history_say(c->history, "bad hub releases-nothing-to-deputies");
    world_run(c, SWEEP_MS); /* the hub looks again, and finds nothing more to release */
back:
    if (hubproc_clock(c->scene.hub, 0))
        abort();
    load_away(c->load, who, false);
    round_end(c);
    if (whole && world_until(c, all_ended, c->patience_ms) && hubproc_faults(c->scene.hub) > struck)
        fault_happened(c, k->name);
}

/* --- common signatures -------------------------------------------------------------------------
 */

void round_batch(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t before = load_batched(c->load);
    size_t struck = hubproc_faults(c->scene.hub);
    size_t actors = load_actors(c->load);
    char fault[64];

    hub_stop(c);
    strike(c, n, fault);
    for (size_t i = 0; i < actors; i++)
        if (load_write_batch(c->load, i, (unsigned)dice_draw(&c->dice, 1u << actors), BATCH))
            abort();
    if (hub_start(c, fault))
        world_until(c, ended_or_asked, STRIKE_MS);
    hub_ensure(c);
    round_end(c);
    if (load_batched(c->load) > before && hubproc_faults(c->scene.hub) > struck)
        fault_happened(c, k->name);
}

/* --- files --------------------------------------------------------------------------------------
 */

#define FILE_BYTES (700u * 1024)
#define LOOK_MS 300

/* Whoever carries it dies at one of its writes, in turn: the hub, who sends, who receives. Files of
 * attachments are written chunk by chunk, and what was written before is not sent again. */
void round_attachment(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t from = (size_t)(n / 3 % CAMPAIGN_NODES);
    uint64_t until = clock_mono_ms(clock_system()) + 2 * c->patience_ms;
    size_t who = (size_t)(n % 3); /* 0: the hub */
    size_t node = who == 1 ? from : 1 - from;
    size_t struck = 0;
    char fault[64], token[32];
    bool whole = false;
    bool kept = false;

    hub_ensure(c);
    snprintf(fault, sizeof fault, "%s:%u", k->point, 1 + (unsigned)dice_draw(&c->dice, k->deep));
    if (who == 0) {
        kept = node_alive(c, from) && sheet_attach(c, from, FILE_BYTES, token);
        struck = hubproc_faults(c->scene.hub);
        hub_stop(c);
        if (hub_start(c, fault))
            world_until(c, hub_ended, STRIKE_MS);
        struck = hubproc_faults(c->scene.hub) - struck;
    } else {
        struck = noded_faults(c->node[node]);
        if (who == 1)
            kept = node_alive(c, from) && sheet_attach(c, from, FILE_BYTES, token);
        node_stop(c, node);
        node_start(c, node, fault);
        if (who == 2)
            kept = node_alive(c, from) && sheet_attach(c, from, FILE_BYTES, token);
        world_run(c, STRIKE_MS);
        struck = noded_faults(c->node[node]) - struck;
    }
    round_end(c);
    while (kept && !whole && clock_mono_ms(clock_system()) < until) {
        world_run(c, LOOK_MS);
        whole = sheet_attached(c, 1 - from, token, FILE_BYTES);
    }
    if (kept && !whole)
        history_say(c->history, "bad %s never-has-the-file-of-%s", noded_name(c->node[1 - from]),
                    token);
    if (whole && struck > 0)
        fault_happened(c, k->name);
}
