/* The rounds: processes that die or stop, disks that fail, links that break, clocks that jump. */
#include "rounds_internal.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define BURST 6        /* envelopes of each member and round */
#define WAITING 3      /* sheets that await a node */
#define STRIKE_MS 1500 /* for a fault to come */
#define HOUR_MS INT64_C(3600000)

/* --- under a fault of the preloaded library ----------------------------------------------------
 */

/* Every system call of the kind in its turn, and between two of those one that lies deeper. */
static uint64_t place_of(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    return n % 2 ? 1 + n / 2 % k->deep : 1 + dice_draw(&c->dice, k->deep);
}

static bool hub_ended_or_quiet(struct campaign *c)
{
    return hub_ended(c) || all_decided(c);
}

/* The hub runs under it while everybody sends; whether it dies depends on the fault. */
static void hub_under(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t before = hubproc_faults(c->scene.hub);
    char fault[64];

    if (n % 4 == 0)
        hub_kill(c);
    else
        hub_stop(c);
    snprintf(fault, sizeof fault, "%s:%llu", k->point, (unsigned long long)place_of(c, k, n));
    write_some(c, BURST);
    if (hub_start(c, fault))
        world_until(c, hub_ended_or_quiet, STRIKE_MS);
    for (size_t i = before; i < hubproc_faults(c->scene.hub); i++)
        fault_happened(c, k->name);
    if (strncmp(k->point, "kill", 4) != 0)
        hub_ensure(c);
    round_end(c);
}

/* For a few in a row: a disk that is full, or fails, and recovers. */
static void hub_under_some(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t before = hubproc_faults(c->scene.hub);
    char fault[96];

    hub_stop(c);
    snprintf(fault, sizeof fault, "%s:%llu:%u", k->point, (unsigned long long)place_of(c, k, n),
             1 + (unsigned)dice_draw(&c->dice, 6));
    write_some(c, BURST);
    if (hub_start(c, fault))
        world_until(c, hub_ended_or_quiet, 2 * STRIKE_MS);
    if (hubproc_faults(c->scene.hub) > before)
        fault_happened(c, k->name);
    round_end(c);
}

static void node_under(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t i = (size_t)(n % CAMPAIGN_NODES);
    size_t before = noded_faults(c->node[i]);
    char fault[64];
    uint64_t until;

    node_stop(c, i);
    for (size_t sheet = 0; sheet < WAITING && node_alive(c, 1 - i); sheet++)
        sheet_send(c, 1 - i); /* so that it begins with something to take in */
    snprintf(fault, sizeof fault, "%s:%llu", k->point, (unsigned long long)place_of(c, k, n));
    write_some(c, 1);
    node_start(c, i, fault);
    until = clock_mono_ms(clock_system()) + STRIKE_MS;
    while (clock_mono_ms(clock_system()) < until && node_alive(c, i) &&
           noded_faults(c->node[i]) == before)
        world_turn(c);
    if (noded_faults(c->node[i]) > before)
        fault_happened(c, k->name);
    round_end(c);
}

/* --- stopped for a while -----------------------------------------------------------------------
 */

static void stopped(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t i = (size_t)(n % (CAMPAIGN_NODES + 1));
    pid_t pid = i < CAMPAIGN_NODES && c->node[i] ? noded_pid(c->node[i]) : 0;

    if (pid <= 0)
        pid = hubproc_pid(c->scene.hub);
    write_some(c, BURST);
    world_run(c, dice_draw(&c->dice, 30));
    if (kill(pid, SIGSTOP) == 0) {
        c->sheet_ms = clock_mono_ms(clock_system()) + 2000; /* nobody would answer */
        world_run(c, 100 + dice_draw(&c->dice, 700));
        if (kill(pid, SIGCONT) == 0)
            fault_happened(c, k->name);
    }
    c->sheet_ms = 0;
    round_end(c);
}

/* --- links -------------------------------------------------------------------------------------
 */

static void link_cut(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t site = (size_t)(n % SITES);

    write_some(c, BURST);
    world_run(c, dice_draw(&c->dice, 40));
    if (links_cut(c->links, site))
        return;
    world_run(c, 200 + dice_draw(&c->dice, 800));
    write_some(c, 1);
    if (links_mend(c->links, site) == ERR_OK)
        fault_happened(c, k->name);
    round_end(c);
}

/* The hub keeps a connection with nobody behind it. The far member makes another one from where it
 * is now; a node is killed, or (seldom) left to find out by itself. */
static void link_half_open(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t site = (size_t)(n % SITES);
    bool by_itself = n % 8 == 1;

    write_some(c, BURST);
    world_run(c, dice_draw(&c->dice, 40));
    if (links_move(c->links, site))
        return;
    fault_happened(c, k->name);
    world_run(c, 100);
    if (site == SITE_FAR)
        load_reconnect_one(c->load, load_actors(c->load) - 1);
    else if (c->node[site] && !by_itself) {
        noded_kill(c->node[site]);
        node_start(c, site, NULL);
    }
    round_end(c);
}

/* --- time --------------------------------------------------------------------------------------
 */

/* The hub's clock alone: some hours ahead, and back; or back by what members bear. */
static void clock_jump(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    bool ahead = strcmp(k->name, "clock-ahead") == 0;
    int64_t by = ahead ? (int64_t)(1 + dice_draw(&c->dice, 12)) * HOUR_MS
                       : -(int64_t)(1 + dice_draw(&c->dice, 9)) * 60000;

    (void)n;
    write_some(c, BURST);
    world_run(c, dice_draw(&c->dice, 30));
    if (hubproc_clock(c->scene.hub, by))
        return;
    write_some(c, 2);
    world_until(c, all_decided, 3000);
    world_run(c, 50);
    if (hubproc_clock(c->scene.hub, 0) == ERR_OK)
        fault_happened(c, k->name);
    write_some(c, 2);
    round_end(c);
}

static bool all_ended(struct campaign *c)
{
    return load_undecided(c->load) == 0 && load_outstanding(c->load) == 0;
}

/* One member is away while what was sent to it expires; meanwhile the hub may die. */
static void expires(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t who = 1 + (size_t)dice_draw(&c->dice, 3);

    if (!world_until(c, all_ended, 5000))
        return; /* somebody is away or slow: another round */
    load_away(c->load, who, true);
    for (size_t i = 0; i < load_actors(c->load); i++)
        if (i != who && load_write(c->load, i, 1u << who, 20 * 60000, 300))
            abort();
    if (!world_until(c, all_decided, 5000))
        goto back;
    if (n % 2) {
        hub_kill(c);
        hub_start(c, NULL);
    }
    if (hubproc_clock(c->scene.hub, HOUR_MS))
        goto back;
    for (int i = 0; i < 100; i++) { /* the hub doubts such a clock until somebody confirms it */
        if (hubproc_command(c->scene.hub, "clock.confirm", NULL, NULL) == ERR_OK)
            break;
        world_run(c, 50);
    }
    if (world_until(c, all_ended, 10000))
        fault_happened(c, k->name);
    if (hubproc_clock(c->scene.hub, 0))
        abort();
back:
    load_away(c->load, who, false);
    round_end(c);
}

/* Somebody is away for a while: what is for him waits across the deaths of the hub. */
static void away(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t who = 1 + (size_t)dice_draw(&c->dice, 4);

    (void)n;
    load_away(c->load, who, true);
    write_some(c, 2 * BURST);
    world_until(c, all_decided, STRIKE_MS);
    hub_kill(c);
    hub_start(c, NULL);
    write_some(c, BURST);
    world_until(c, all_decided, STRIKE_MS);
    fault_happened(c, k->name);
    load_away(c->load, who, false);
    round_end(c);
}

/* --- the table ---------------------------------------------------------------------------------
 */

/* clang-format off */
static const struct round_kind kinds[] = {
    /* name              run             point              deep share short links  nodes */
    {"kill-write",      hub_under,      "kill-write",      70,  12,   3, false, false},
    {"kill-torn",       hub_under,      "kill-torn",       70,  6,    1, false, false},
    {"kill-sync",       hub_under,      "kill-sync",       40,  12,   3, false, false},
    {"kill-send",       hub_under,      "kill-send",       200, 12,   2, false, false},
    {"kill-commit",     hub_under,      "before-commit",   12,  4,    1, false, false},
    {"kill-answer",     hub_under,      "before-receipt",  25,  6,    2, false, false},
    {"kill-deliver",    hub_under,      "during-delivery", 60,  4,    1, false, false},
    {"kill-away",       away,           NULL,              0,   4,    1, false, false},
    {"kill-node-write", node_under,     "kill-write",      30,  6,    1, false, true },
    {"kill-node-sync",  node_under,     "kill-sync",       20,  6,    1, false, true },
    {"kill-node-send",  node_under,     "kill-send",       40,  6,    1, false, true },
    {"stop",            stopped,        NULL,              0,   4,    1, false, false},
    {"cut",             link_cut,       NULL,              0,   4,    1, true,  false},
    {"half-open",       link_half_open, NULL,              0,   4,    1, true,  false},
    {"disk-full",       hub_under_some, "write-enospc",    60,  4,    2, false, false},
    {"short-write",     hub_under_some, "write-short",     60,  3,    1, false, false},
    {"io-error-write",  hub_under_some, "write-eio",       60,  3,    1, false, false},
    {"io-error-sync",   hub_under_some, "sync-eio",        20,  5,    2, false, false},
    {"io-error-read",   hub_under,      "read-eio",        8,   2,    1, false, false},
    {"io-error-node",   node_under,     "file-eio",        30,  2,    1, false, true },
    {"disk-full-node",  node_under,     "file-enospc",     30,  2,    1, false, true },
    {"clock-ahead",     clock_jump,     NULL,              0,   2,    1, false, false},
    {"clock-back",      clock_jump,     NULL,              0,   2,    1, false, false},
    {"kill-init",       round_init,     NULL,              0,   6,    2, false, false},
    {"power-cut",       round_power,    NULL,              0,   14,   3, false, false},
    {"power-cut-node",  round_power_node, NULL,            0,   6,    1, false, true },
    {"old-store",       round_old_store, NULL,             0,   3,    1, false, false},
    {"flipped-bit",     round_flip,     NULL,              0,   6,    2, false, false},
    {"expiry",          expires,        NULL,              0,   3,    1, false, false},
    {"kill-recall",     round_recall,   NULL,              0,   6,    2, false, false},
    {"kill-narrow",     round_narrow,   NULL,              0,   6,    2, false, false},
    {"kill-batch",      round_batch,    NULL,              0,   6,    1, false, false},
    {"kill-deputy",     round_deputy,   NULL,              0,   5,    1, false, false},
    {"kill-operator",   round_operator, NULL,              0,   3,    1, false, false},
    {"kill-attachment", round_attachment, "kill-write",    30,  4,    1, false, true },
    {"kill-rename",     round_rename,   "kill-rename",     1,   3,    1, false, true },
    {"kill-backup",     round_backup,   NULL,              0,   6,    3, false, true },
    {"clock-node",      round_clock_node, NULL,            0,   3,    1, false, true },
    {"old-node",        round_old_node, NULL,              0,   3,    1, false, true },
    {"restored",        round_restored, NULL,              0,   0,    0, false, true },
};
/* clang-format on */

static_assert(sizeof kinds / sizeof *kinds <= ROUND_KINDS_MAX, "each is counted");

size_t round_kinds(const struct round_kind **out)
{
    *out = kinds;
    return sizeof kinds / sizeof *kinds;
}
