/* The rounds about what only a node has: files it is given, its own clock, an old copy of itself.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "proctree.h"
#include "rounds_internal.h"

#define FILE_BYTES (300u * 1024)
#define SOON_MS 10000
#define LOOK_MS 300
#define MINUTE_MS INT64_C(60000)

static uint64_t mono(void)
{
    return clock_mono_ms(clock_system());
}

static bool is_ready(struct campaign *c, size_t i)
{
    uint64_t until = mono() + c->patience_ms;

    while (!noded_ready(c->node[i], 0) && mono() < until)
        world_run(c, LOOK_MS);
    return noded_ready(c->node[i], 0);
}

static bool has_file(struct campaign *c, size_t to, const char *token)
{
    uint64_t until = mono() + 2 * c->patience_ms;
    bool whole = false;

    while (!whole && mono() < until) {
        world_run(c, LOOK_MS);
        whole = sheet_attached(c, to, token, FILE_BYTES);
    }
    return whole;
}

/* --- renames -----------------------------------------------------------------------------------
 */

/* A file that a node was given gets its name when it is complete; the node dies there. Whoever gave
 * it had no answer, and gives it again. */
void round_rename(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t from = (size_t)(n % CAMPAIGN_NODES);
    size_t struck = noded_faults(c->node[from]);
    char fault[64], token[32];

    snprintf(fault, sizeof fault, "%s:%u", k->point, k->deep);
    node_stop(c, from);
    node_start(c, from, fault);
    if (!is_ready(c, from))
        goto out;
    if (sheet_attach(c, from, FILE_BYTES, token))
        history_say(c->history, "bad %s answers-and-dies", noded_name(c->node[from]));
    struck = noded_faults(c->node[from]) - struck;
    node_stop(c, from);
    node_start(c, from, NULL);
    if (is_ready(c, from) && sheet_attach(c, from, FILE_BYTES, token)) {
        if (!has_file(c, 1 - from, token))
            history_say(c->history, "bad %s never-has-the-file-of-%s",
                        noded_name(c->node[1 - from]), token);
        else if (struck > 0)
            fault_happened(c, k->name);
    }
out:
    round_end(c);
}

/* --- time --------------------------------------------------------------------------------------
 */

/* A node's clock, which is behind, jumps ahead while sheets go both ways. Back it never goes: a box
 * is listed by the time of its node, and nothing else says here what came first. */
void round_clock_node(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t i = (size_t)(n % CAMPAIGN_NODES);

    if (c->node_behind_min[i] == 0)
        return; /* it is right by now */
    for (size_t sheet = 0; sheet < 2 * CAMPAIGN_NODES; sheet++) {
        if (sheet == CAMPAIGN_NODES &&
            noded_clock(c->node[i], --c->node_behind_min[i] * -MINUTE_MS))
            abort();
        if (node_alive(c, sheet % CAMPAIGN_NODES))
            sheet_send(c, sheet % CAMPAIGN_NODES);
    }
    write_some(c, 1);
    if (world_until(c, sheets_arrived, SOON_MS))
        fault_happened(c, k->name);
    round_end(c);
}

/* --- an old copy of itself ---------------------------------------------------------------------
 */

static int of_node(const struct campaign *c, size_t i, const char *word, const char *path,
                   const char *to)
{
    const char *args[] = {"--dir",
                          noded_dir(c->node[i]),
                          "--passphrase-file",
                          noded_passphrase_file(c->node[i]),
                          word,
                          path,
                          to ? "--to" : NULL,
                          to,
                          NULL};
    struct bytes said = {0};
    char program[1024];
    int status = hubproc_run(hubproc_program("relais-node", program), args, &said);

    if (status)
        fprintf(stderr, "%s: %d: %.*s\n", word, status, (int)said.len, (const char *)said.ptr);
    bytes_free(&said);
    return status;
}

static bool is_fenced(struct campaign *c, size_t i)
{
    uint64_t until = mono() + c->patience_ms;

    while (!noded_fenced(c->node[i]) && mono() < until)
        world_run(c, LOOK_MS);
    return noded_fenced(c->node[i]);
}

/* A node comes back from a backup. The hub has heard a later session of it, takes it for a copy and
 * keeps its mail until the operators release it; then everything goes on. What it had sent and
 * taken in meanwhile would be missing from the backup, so it only lived. */
void round_old_node(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t i = (size_t)(n % CAMPAIGN_NODES);
    char backup[PATH_MAX], lost[PATH_MAX];

    hub_ensure(c);
    c->sheet_ms = UINT64_MAX; /* nobody writes */
    snprintf(backup, sizeof backup, "%.1000s/../old-node", hubproc_dir(c->scene.hub));
    snprintf(lost, sizeof lost, "%.1000s/../lost-node", hubproc_dir(c->scene.hub));
    tree_remove(backup);
    tree_remove(lost);
    if (!world_until(c, sheets_arrived, SOON_MS) || of_node(c, i, "backup", backup, NULL))
        goto out;
    node_stop(c, i);
    node_start(c, i, NULL); /* a later session */
    if (!is_ready(c, i))
        goto out;
    noded_kill(c->node[i]);
    if (rename(noded_dir(c->node[i]), lost) ||
        of_node(c, i, "restore", backup, noded_dir(c->node[i])))
        abort();
    node_start(c, i, NULL);
    if (!is_fenced(c, i))
        history_say(c->history, "bad %s comes-back-old-and-nobody-notices", noded_name(c->node[i]));
    else if (!operators_release(c, noded_org(c->node[i])) ||
             noded_call(c->node[i], "hub.resume", NULL, SOON_MS, NULL))
        history_say(c->history, "bad hub does-not-release-a-node");
    else if (is_ready(c, i)) {
        for (size_t sheet = 0; sheet < CAMPAIGN_NODES; sheet++)
            sheet_send(c, sheet);
        if (world_until(c, sheets_arrived, c->patience_ms))
            fault_happened(c, k->name);
    }
out:
    c->sheet_ms = 0;
    round_end(c);
}
