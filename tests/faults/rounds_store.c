/* The rounds about files: current that is cut, bits that turn over, old stores put back, and a hub
 * that dies while it is made. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "powercut.h"
#include "proctree.h"
#include "rounds_internal.h"
#include "storecopy.h"

#define PATH_BYTES 1200

/* Paths beside the hub's directory. */
static const char *beside(const struct campaign *c, const char *name, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%.1000s/../%s", hubproc_dir(c->scene.hub), name);
    return out;
}

static const char *store_of(const struct campaign *c, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%.1000s/store", hubproc_dir(c->scene.hub));
    return out;
}

/* --- current -----------------------------------------------------------------------------------
 */

/* What the disk may hold takes the place of what the page cache held. */
static void rebuild(struct campaign *c, const char *log, const char *dir, const char *image)
{
    struct powercut_facts facts;
    struct powercut *p = NULL;
    struct bytes why = {0};
    enum err e;

    if ((e = powercut_open(log, &p, &why)))
        history_say(c->history, "bad recorder %s", err_name(e));
    if (why.len)
        fprintf(stderr, "recorder: %.*s\n", (int)why.len, (const char *)why.ptr);
    tree_remove(image);
    if (!e && (e = powercut_rebuild(p, powercut_records(p), dice_draw(&c->dice, 0), image, &facts)))
        history_say(c->history, "bad recorder %s", err_name(e));
    if (!e && storecopy_move(image, dir))
        abort();
    bytes_free(&why);
    powercut_close(p);
    if (remove(log))
        abort();
}

struct recording {
    char dir[PATH_MAX], top[PATH_MAX], log[PATH_MAX + 16], image[PATH_MAX + 16];
    char where[PATH_MAX + 32], out[PATH_MAX + 48], library[1024];
    const char *env[3];
};

static void recording_make(const struct campaign *c, const char *dir, struct recording *r)
{
    char top[PATH_BYTES];

    if (!realpath(dir, r->dir) || !realpath(beside(c, "", top), r->top))
        abort();
    snprintf(r->image, sizeof r->image, "%s/image", r->top);
    snprintf(r->log, sizeof r->log, "%s/record", r->top);
    snprintf(r->where, sizeof r->where, "RELAIS_RECORD_DIR=%s", r->dir);
    snprintf(r->out, sizeof r->out, "RELAIS_RECORD_OUT=%s", r->log);
    r->env[0] = r->where;
    r->env[1] = r->out;
    r->env[2] = NULL;
    hubproc_program("recorder.so", r->library);
}

void round_power(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    struct recording r;
    char store[PATH_BYTES];

    (void)n;
    hub_stop(c);
    recording_make(c, store_of(c, store), &r);
    write_some(c, 6);
    if (hub_start_with(c,
                       &(struct hubproc_start){.clock = true, .preload = r.library, .env = r.env},
                       "power-cut"))
        world_run(c, 20 + dice_draw(&c->dice, 200));
    hub_kill(c);
    load_reconnect(c->load); /* what nobody has heard was never said */
    rebuild(c, r.log, r.dir, r.image);
    fault_happened(c, k->name);
    c->cuts++;
    round_end(c);
}

static const char *record; /* of the node that has been started */

static bool record_begins(struct campaign *c)
{
    (void)c;
    return access(record, F_OK) == 0;
}

void round_power_node(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    size_t i = (size_t)(n % CAMPAIGN_NODES);
    struct recording r;

    node_stop(c, i);
    for (size_t sheet = 0; sheet < 3 && node_alive(c, 1 - i); sheet++)
        sheet_send(c, 1 - i);
    recording_make(c, noded_dir(c->node[i]), &r);
    node_start_recorded(c, i, r.log);
    write_some(c, 1);
    record = r.log;
    if (!world_until(c, record_begins, c->patience_ms))
        history_say(c->history, "bad recorder records-nothing");
    world_run(c, 100 + dice_draw(&c->dice, 400));
    noded_kill(c->node[i]);
    rebuild(c, r.log, r.dir, r.image);
    fault_happened(c, k->name);
    c->cuts++;
    round_end(c);
}

/* --- an old store ------------------------------------------------------------------------------
 */

static void all_away(struct campaign *c, bool away)
{
    for (size_t i = 0; i < load_actors(c->load); i++)
        load_away(c->load, i, away);
}

/* What is put back is not what was served: members look, and see that it is old. The nodes, who
 * would stop for good, have their turn at the end (campaign_end()). */
void round_old_store(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    char store[PATH_BYTES], old[PATH_BYTES], real[PATH_BYTES];
    bool seen;

    (void)n;
    store_of(c, store);
    for (size_t i = 0; c->node[0] && i < CAMPAIGN_NODES; i++)
        node_stop(c, i);
    hub_stop(c);
    if (storecopy_copy(store, beside(c, "old-store", old)))
        abort();
    hub_start(c, NULL);
    write_some(c, 6);
    world_until(c, all_decided, 5000);
    all_away(c, true);
    hub_stop(c);
    if (storecopy_move(store, beside(c, "real-store", real)) || storecopy_move(old, store))
        abort();
    history_say(c->history, "restored hub");
    hub_start(c, NULL);
    load_away(c->load, 0, false);
    seen = load_sees_rollback(c->load, 0, 5000);
    if (!seen)
        history_say(c->history, "bad m0 sees-no-rollback");
    load_away(c->load, 0, true);
    hub_kill(c);
    if (storecopy_move(real, store))
        abort();
    history_say(c->history, "replaced hub");
    if (seen)
        fault_happened(c, k->name);
    hub_start(c, NULL);
    all_away(c, false);
    round_end(c);
}

/* --- restored ----------------------------------------------------------------------------------
 */

#define SHEETS 3
#define RESTORE_MS 60000

static bool nodes_are_there(struct campaign *c)
{
    for (size_t i = 0; i < CAMPAIGN_NODES; i++)
        if (!noded_ready(c->node[i], 0))
            return false;
    return true;
}

/* The hub is put back from a backup by the book: what it accepted since then is missing from it.
 * Its nodes show what they hold, it opens a new epoch of its log, and they offer again what is
 * lost; nothing may be lost, doubled or out of order for them. Members look on from afar. */
void round_restored(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    char top[PATH_MAX], backup[PATH_MAX + 16], lost[PATH_MAX + 16], path[PATH_BYTES];
    size_t waiting = 0;
    size_t first;

    (void)n;
    all_away(c, true);
    hub_ensure(c);
    if (!realpath(beside(c, "", path), top)) /* which stays when the hub's directory moves */
        abort();
    snprintf(backup, sizeof backup, "%s/backup", top);
    snprintf(lost, sizeof lost, "%s/lost-hub", top);
    tree_remove(lost);
    if (operate(c, (const char *[]){"backup", backup, NULL}, NULL))
        goto failed;
    first = c->sheets;
    for (size_t i = 0; i < SHEETS; i++) /* delivered, and lost to the hub */
        sheet_send(c, i % CAMPAIGN_NODES);
    if (!world_until(c, sheets_arrived, 10000))
        goto failed;
    for (size_t i = 0; i < SHEETS; i++)
        history_say(c->history, "gone %s-%05zu", noded_name(c->node[i % CAMPAIGN_NODES]),
                    first + i);
    node_stop(c, 1);
    for (size_t i = 0; i < SHEETS; i++) /* accepted, and waiting in what is lost */
        sheet_send(c, 0);
    world_until(c, sheets_accepted, 10000);
    waiting = sheets_waiting(c);
    hub_kill(c);
    if (rename(hubproc_dir(c->scene.hub), lost) ||
        operate(c, (const char *[]){"restore", backup, "--to", hubproc_dir(c->scene.hub), NULL},
                NULL) ||
        !hub_start(c, NULL) || !operators_agree(c))
        goto failed;
    node_start(c, 1, NULL);
    if (!world_until(c, nodes_are_there, RESTORE_MS))
        goto failed;
    for (size_t i = 0; i < SHEETS; i++) /* in the new epoch */
        sheet_send(c, i % CAMPAIGN_NODES);
    if (world_until(c, sheets_arrived, RESTORE_MS) && waiting == SHEETS)
        fault_happened(c, k->name);
    return;
failed:
    history_say(c->history, "bad hub is-not-restored");
}

/* --- bits --------------------------------------------------------------------------------------
 */

#define FLIPS_A_ROUND 4

/* How a hub begins on it: it says by name that its store is damaged and ends, or it serves. */
static const char *begins(struct campaign *c)
{
    size_t mark = hubproc_log_mark(c->scene.hub);
    const char *how = "served";

    if (hubproc_start(c->scene.hub, &(struct hubproc_start){.clock = true}))
        how = hubproc_log_count(c->scene.hub, mark, "store.corrupt") ? "refused" : "nameless";
    hub_kill(c);
    return how;
}

/* Bits of the store turn over, one at a time: where a row or a page is another after that, fsck
 * must find it and the hub must not serve it. The copy made before is put back each time, as an
 * operator does with a backup. Nobody is connected: what is served here was never so. */
void round_flip(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    struct storecopy_digest before, after;
    char store[PATH_BYTES], safe[PATH_BYTES];

    (void)n;
    write_some(c, 2);
    world_until(c, all_decided, 5000);
    for (size_t i = 0; c->node[0] && i < CAMPAIGN_NODES; i++)
        node_stop(c, i);
    all_away(c, true);
    hub_stop(c);
    store_of(c, store);
    if (storecopy_copy(store, beside(c, "safe-store", safe)) || storecopy_digest(store, &before))
        abort();
    for (int i = 0; i < FLIPS_A_ROUND; i++) {
        const char *where;
        bool found;

        if (storecopy_flip(store, dice_draw(&c->dice, 0)))
            abort();
        where = storecopy_digest(store, &after) ? "pages" : storecopy_differs(&before, &after);
        found = hub_finds_damage(c);
        history_say(c->history, "flip %s %s %s", where ? where : "-", found ? "found" : "clean",
                    begins(c));
        if (where && found)
            fault_happened(c, k->name);
        if (storecopy_copy(safe, store))
            abort();
    }
    hub_start(c, NULL);
    all_away(c, false);
    round_end(c);
}

/* --- a hub in the making -----------------------------------------------------------------------
 */

/* The program (or a child of its own), killed on entering the n-th rename, sync or write; whether
 * it came to that. */
static bool dies_at(const struct campaign *c, const char *program, const char *const *args,
                    uint64_t n, char fault[64])
{
    static const char *const points[] = {"kill-rename", "kill-sync", "kill-write"};
    char path[1024], preload[1100], armed[96], library[1024], struck[PATH_BYTES];
    char log[PATH_BYTES + 32];
    const char *env[] = {preload, armed, log, NULL};
    struct child child = {0};
    int status = 0;

    snprintf(preload, sizeof preload, "LD_PRELOAD=%s",
             hubproc_program("preload_faults.so", library));
    snprintf(fault, 64, "%s:%llu", points[n % 3], (unsigned long long)(1 + n / 3 % 8));
    snprintf(armed, sizeof armed, "RELAIS_FAULT=%s", fault);
    snprintf(log, sizeof log, "RELAIS_FAULT_LOG=%s", beside(c, "command.faults", struck));
    if (child_start(&child, hubproc_program(program, path), args, env, NULL) ||
        child_wait(&child, 20000, &status))
        abort();
    child_end(&child);
    return remove(struck) == 0;
}

/* There is a whole hub after `init` was killed or none, and the same command makes one or says that
 * there is one. */
void round_init(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    char dir[PATH_BYTES], program[1024], fault[64];
    const char *args[] = {"--dir",
                          dir,
                          "--passphrase-file",
                          hubproc_passphrase_file(c->scene.hub),
                          "--light",
                          "init",
                          "--name",
                          "x.test",
                          "--registrar",
                          "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                          NULL};
    const char *check[] = {"--dir", dir, "--passphrase-file", hubproc_passphrase_file(c->scene.hub),
                           "check", NULL};

    beside(c, "fresh-hub", dir);
    tree_remove(dir);
    hubproc_program("relais-hub", program);
    if (dies_at(c, "relais-hub", args, n, fault))
        fault_happened(c, k->name);
    if (hubproc_run(program, args, NULL) != 0 && hubproc_run(program, check, NULL) != 0)
        history_say(c->history, "bad hub half-made-under-%s", fault);
    tree_remove(dir);
    round_end(c);
}

/* --- a backup in the making --------------------------------------------------------------------
 */

/* Of the hub, or of a node; which of the two commands dies. The other is for what it leaves. */
struct copying {
    const char *program, *dir, *passphrase;
    char backup[PATH_BYTES], back[PATH_BYTES]; /* directories */
};

/* fault: NULL, or the command dies at `place` and the fault is said there. */
static bool copies(const struct campaign *c, const struct copying *x, bool restores, uint64_t place,
                   char *fault)
{
    const char *save[] = {"--dir",   x->dir, "--passphrase-file", x->passphrase, "backup",
                          x->backup, NULL};
    const char *load[] = {"--dir",       x->dir,    "--passphrase-file",
                          x->passphrase, "restore", x->backup,
                          "--to",        x->back,   NULL};
    const char *const *args = restores ? load : save;
    char program[1024];

    if (fault)
        return dies_at(c, x->program, args, place, fault);
    return hubproc_run(hubproc_program(x->program, program), args, NULL) == 0;
}

static bool is_whole(const struct copying *x, const char *dir)
{
    const char *check[] = {"--dir", dir, "--passphrase-file", x->passphrase, "check", NULL};
    char program[1024];

    return hubproc_run(hubproc_program(x->program, program), check, NULL) == 0;
}

static void copying_remove(const struct copying *x)
{
    char part[PATH_BYTES + 16];

    snprintf(part, sizeof part, "%s.restore", x->back); /* where it is made ready */
    tree_remove(part);
    tree_remove(x->back);
}

/* After `restore` died: a whole directory, or none, and the same command makes it. */
static bool restored_anyway(const struct campaign *c, const struct copying *x)
{
    if (access(x->back, F_OK) == 0)
        return is_whole(x, x->back);
    copying_remove(x);
    return copies(c, x, true, 0, NULL) && is_whole(x, x->back);
}

/* After `backup` died: it is whole, or it is none: nobody finds out on the day that he needs it. */
static bool backed_up_anyway(const struct campaign *c, const struct copying *x)
{
    if (copies(c, x, true, 0, NULL))
        return is_whole(x, x->back);
    copying_remove(x);
    tree_remove(x->backup);
    return copies(c, x, false, 0, NULL) && copies(c, x, true, 0, NULL) && is_whole(x, x->back);
}

/* `backup` or `restore` dies beside a daemon that serves. */
void round_backup(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    const struct noded *node = c->node[n / 4 % CAMPAIGN_NODES];
    bool of_hub = n % 2 == 0;
    bool restores = n / 2 % 2 == 0;
    struct copying x = {.program = of_hub ? "relais-hub" : "relais-node",
                        .dir = of_hub ? hubproc_dir(c->scene.hub) : noded_dir(node),
                        .passphrase = of_hub ? hubproc_passphrase_file(c->scene.hub)
                                             : noded_passphrase_file(node)};
    char fault[64];
    bool died;

    hub_ensure(c);
    write_some(c, 2);
    beside(c, "half-backup", x.backup);
    beside(c, "half-back", x.back);
    if (restores && !copies(c, &x, false, 0, NULL))
        history_say(c->history, "bad %s makes-no-backup", x.program);
    died = copies(c, &x, restores, dice_draw(&c->dice, 0), fault);
    if (!(restores ? restored_anyway(c, &x) : backed_up_anyway(c, &x)))
        history_say(c->history, "bad %s half-a-%s-under-%s", x.program,
                    restores ? "restore" : "backup", fault);
    if (died)
        fault_happened(c, k->name);
    copying_remove(&x);
    tree_remove(x.backup);
    round_end(c);
}
