#include "campaign.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "clock.h"
#include "rounds.h"
#include "storecopy.h"
#include "tree.h"

#define MEMBERS 4
#define DAY_MS (UINT64_C(24) * 60 * 60 * 1000)
#define PATIENCE_MS 30000 /* four times that for the end */
#define READY_MS 30000
#define NOTICE_MS 20000
#define SHEET_EVERY_MS 400
#define SHEET_ACCEPTED 3 /* as the list says it */
#define SHEETS_MAX 900   /* of each node: a list shows a thousand */
#define HUB_BOUND_KIB (320 * 1024)
#define NODE_BOUND_KIB (96 * 1024)
#define HUB_CONF                                                                                   \
    "restore_wait = 6s\nmemory_max = 256m\nnodes_max = 100\nwaiting_max = 500000\nstore_max = "    \
    "2g\n"

static uint64_t mono(void)
{
    return clock_mono_ms(clock_system());
}

/* --- opening -----------------------------------------------------------------------------------
 */

static enum err far_enrol(struct campaign *c)
{
    struct scene s = c->scene; /* its hub, our crew */
    struct bytes request = {0};
    enum join_state state;
    enum err code;
    enum err e;

    s.crew = c->far_crew;
    if ((e = scene_invite(&s, "far", ORG_ESSMS, false, NULL, &c->far)))
        return e;
    if (c->links) {
        snprintf(member_hub(c->far)->endpoint, 256, "tcp://%s:%d", links_hub(c->links, SITE_FAR),
                 hubproc_port(s.hub));
        snprintf(member_hub(c->far)->join_endpoint, 256, "tcp://%s:%d",
                 links_hub(c->links, SITE_FAR), hubproc_join_port(s.hub));
    }
    if ((e = member_join(c->far, &state, &code)) || (e = state == JOIN_APPROVAL ? ERR_OK : code) ||
        (e = scene_approve(&s, c->far, &request)))
        goto out;
    if ((e = scene_sign(&s, bytes_span(&request), NULL)) || (e = member_open(c->far)))
        goto out;
    e = member_circle_join(s.m[0], c->far, s.circle, NULL);
out:
    bytes_free(&request);
    return e;
}

/* A crew lives where its sockets are made: at the far site. */
static enum err far_open(struct campaign *c)
{
    enum err e;

    if (c->links && (e = links_enter(c->links, SITE_FAR)))
        return e;
    e = crew_open("far", &c->far_crew);
    if (!e)
        e = far_enrol(c);
    if (c->links && links_leave(c->links))
        abort();
    return e;
}

static enum err load_open(struct campaign *c)
{
    char name[LOAD_NAME];
    enum err e;

    if ((e = load_new(c->history, &c->scene, &c->load)))
        return e;
    for (size_t i = 0; i < c->scene.n; i++) {
        snprintf(name, sizeof name, "m%u", (unsigned)i % 100);
        if ((e = member_sync(c->scene.m[i])) || (e = load_add(c->load, name, c->scene.m[i])))
            return e;
    }
    return load_add(c->load, "far", c->far);
}

static enum err nodes_open(struct campaign *c)
{
    static const char *const names[CAMPAIGN_NODES] = {"A", "B"};
    char top[1024];
    enum err e;

    snprintf(top, sizeof top, "%.900s/..", hubproc_dir(c->scene.hub));
    for (size_t i = 0; i < CAMPAIGN_NODES; i++) {
        struct noded_options o = {.name = names[i], .top = top, .links = c->links, .site = i};

        if ((e = noded_new(&o, &c->scene, &c->node[i])) ||
            (e = noded_clock(c->node[i], -NODES_BEHIND_MIN * INT64_C(60000))) ||
            (e = noded_start(c->node[i], NULL)))
            return e;
        c->node_behind_min[i] = NODES_BEHIND_MIN;
        c->node_up[i] = true;
        if (!noded_ready(c->node[i], READY_MS))
            return ERR_TIMEOUT;
    }
    return nodeds_meet(c->node[0], c->node[1]);
}

/* The store as it is now, for the end; the hub stops for it. */
static enum err first_keep(struct campaign *c)
{
    char store[1200];
    enum err e;

    snprintf(store, sizeof store, "%.1000s/store", hubproc_dir(c->scene.hub));
    snprintf(c->first, sizeof c->first, "%.1000s/../first-store", hubproc_dir(c->scene.hub));
    snprintf(c->old, sizeof c->old, "%.1000s/../old-store", hubproc_dir(c->scene.hub));
    snprintf(c->real, sizeof c->real, "%.1000s/../real-store", hubproc_dir(c->scene.hub));
    if ((e = hubproc_stop(c->scene.hub, NULL)) || (e = storecopy_copy(store, c->first)))
        return e;
    return hub_start(c, NULL) ? ERR_OK : ERR_CLOSED;
}

enum err campaign_open(const struct campaign_options *o, struct campaign *c)
{
    struct scene_options so = {.members = MEMBERS,
                               .conf = HUB_CONF,
                               .seed = "faults",
                               .listen = "0.0.0.0",
                               .start = &(struct hubproc_start){.clock = true}};
    enum err e;

    *c = (struct campaign){.patience_ms = o->patience_ms ? o->patience_ms : PATIENCE_MS,
                           .seed = o->seed,
                           .dice = {dice_named(o->seed, "campaign", 0)}};
    if ((e = history_open(o->history, &c->history)) ||
        (o->links && (e = links_open(SITES, &c->links))) || (e = scene_open(&so, &c->scene)) ||
        (e = far_open(c)) || (e = load_open(c)) || (o->nodes && (e = nodes_open(c)))) {
        campaign_close(c);
        return e;
    }
    return first_keep(c);
}

void campaign_close(struct campaign *c)
{
    for (size_t i = 0; i < CAMPAIGN_NODES; i++)
        noded_free(c->node[i]);
    load_free(c->load);
    member_free(c->far);
    crew_close(c->far_crew);
    scene_close(&c->scene);
    links_close(c->links);
    history_close(c->history);
    *c = (struct campaign){0};
}

/* --- processes ---------------------------------------------------------------------------------
 */

void fault_happened(struct campaign *c, const char *kind)
{
    const struct round_kind *kinds;
    size_t count = round_kinds(&kinds);

    history_say(c->history, "fault %s", kind);
    for (size_t i = 0; i < count; i++)
        c->happened[i] += strcmp(kinds[i].name, kind) == 0;
    c->kills += strncmp(kind, "kill", 4) == 0;
}

static void how_it_ended(struct campaign *c, const char *who, int status, const char *armed)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && armed)
        return; /* the fault was that */
    if (WIFSIGNALED(status))
        history_say(c->history, "exit %s signal%d %s", who, WTERMSIG(status), armed ? armed : "-");
    else
        history_say(c->history, "exit %s status%d %s", who, WEXITSTATUS(status),
                    armed ? armed : "-");
}

bool hub_alive(struct campaign *c)
{
    int status = 0;

    if (hubproc_pid(c->scene.hub) <= 0)
        return false;
    if (hubproc_wait(c->scene.hub, 0, &status) == ERR_TIMEOUT)
        return true;
    how_it_ended(c, "hub", status, c->armed);
    return false;
}

bool hub_ended(struct campaign *c)
{
    return !hub_alive(c);
}

bool hub_start_with(struct campaign *c, const struct hubproc_start *how, const char *armed)
{
    enum err e;

    c->armed = armed;
    load_reconnect(c->load);
    e = hubproc_start(c->scene.hub, how);
    if (e == ERR_OK)
        return true;
    if (e != ERR_CLOSED || !armed) {
        fprintf(stderr, "the hub does not start: %s\n", err_name(e));
        hubproc_log_print(c->scene.hub);
        history_say(c->history, "exit hub %s %s", err_name(e), armed ? armed : "-");
    }
    return false;
}

bool hub_start(struct campaign *c, const char *fault)
{
    return hub_start_with(c, &(struct hubproc_start){.fault = fault, .clock = true}, fault);
}

void hub_stop(struct campaign *c)
{
    if (hub_alive(c) && hubproc_stop(c->scene.hub, NULL))
        history_say(c->history, "bad hub does-not-stop");
}

void hub_kill(struct campaign *c)
{
    if (hubproc_kill(c->scene.hub))
        abort();
}

void hub_ensure(struct campaign *c)
{
    if (c->armed)
        hub_stop(c);
    for (int tries = 0; !hub_alive(c) && tries < 3; tries++)
        hub_start(c, NULL);
    c->given_up = !hub_alive(c);
}

bool hub_finds_damage(struct campaign *c)
{
    const char *args[] = {"--dir",
                          hubproc_dir(c->scene.hub),
                          "--passphrase-file",
                          hubproc_passphrase_file(c->scene.hub),
                          "fsck",
                          NULL};
    struct bytes said = {0};
    char program[1024];
    int status = hubproc_run(hubproc_program("relais-hub", program), args, &said);

    if (status < 0) /* it crashed over it */
        history_say(c->history, "bad hub fsck-ends-without-a-word");
    if (getenv("FAULTS_VERBOSE"))
        fprintf(stderr, "fsck: %d: %.*s\n", status, (int)said.len, (const char *)said.ptr);
    bytes_free(&said);
    return status != 0;
}

bool node_alive(struct campaign *c, size_t i)
{
    int status = 0;

    if (!c->node[i] || noded_pid(c->node[i]) <= 0)
        return false;
    if (noded_running(c->node[i], &status))
        return true;
    how_it_ended(c, noded_name(c->node[i]), status, c->node_armed[i]);
    return false;
}

void node_start(struct campaign *c, size_t i, const char *fault)
{
    c->node_armed[i] = fault;
    c->node_up[i] = true;
    if (noded_start(c->node[i], fault))
        abort();
}

void node_start_recorded(struct campaign *c, size_t i, const char *log)
{
    noded_record(c->node[i], log, NULL);
    node_start(c, i, NULL);
    c->node_armed[i] = "power-cut";
    noded_record(c->node[i], NULL, NULL); /* this once */
}

void node_stop(struct campaign *c, size_t i)
{
    if (node_alive(c, i))
        noded_stop(c->node[i]);
    c->node_up[i] = false;
    c->node_armed[i] = NULL;
}

/* --- the world ---------------------------------------------------------------------------------
 */

void write_some(struct campaign *c, size_t each)
{
    size_t actors = load_actors(c->load);

    for (size_t i = 0; i < actors; i++)
        for (size_t k = 0; k < each; k++) {
            unsigned to = (unsigned)dice_draw(&c->dice, 1u << actors);
            size_t bytes = dice_draw(&c->dice, 8) ? 200 : 20000;

            if (load_write(c->load, i, to, DAY_MS, bytes))
                abort();
        }
}

/* An answer that does not come leaves it open whether the sheet is kept: the checker knows the
 * difference. */
void sheet_send(struct campaign *c, size_t from)
{
    char token[32];

    if (c->sent[from] == SHEETS_MAX)
        return;
    c->sent[from]++;
    snprintf(token, sizeof token, "%s-%05zu", noded_name(c->node[from]), c->sheets++);
    history_say(c->history, "wrote %s %s %s", noded_name(c->node[from]), token,
                noded_name(c->node[1 - from]));
    if (noded_send(c->node[from], token) == ERR_OK)
        history_say(c->history, "kept %s %s", noded_name(c->node[from]), token);
}

bool sheet_attach(struct campaign *c, size_t from, size_t bytes, char token[32])
{
    bool kept;

    if (c->sent[from] == SHEETS_MAX)
        return false;
    c->sent[from]++;
    snprintf(token, 32, "%s-%05zu", noded_name(c->node[from]), c->sheets++);
    history_say(c->history, "wrote %s %s %s", noded_name(c->node[from]), token,
                noded_name(c->node[1 - from]));
    history_say(c->history, "filed %s", token);
    kept = noded_attach(c->node[from], token, bytes) == ERR_OK;
    if (kept)
        history_say(c->history, "kept %s %s", noded_name(c->node[from]), token);
    return kept;
}

bool sheet_attached(struct campaign *c, size_t to, const char *token, size_t bytes)
{
    json_t *list = NULL;
    enum err e = ERR_NOT_FOUND;
    json_t *row;
    size_t i;

    if (noded_box(c->node[to], "in", &list))
        return false;
    json_array_foreach(list, i, row)
    {
        const char *subject = json_string_value(json_object_get(row, "subject"));

        if (subject && strcmp(subject, token) == 0)
            e = noded_attached(c->node[to], json_string_value(json_object_get(row, "mid")), token,
                               bytes);
    }
    json_decref(list);
    if (e == ERR_CORRUPT)
        history_say(c->history, "bad %s another-file-with-%s", noded_name(c->node[to]), token);
    return e == ERR_OK;
}

/* Now and then a sheet from one node to the other. */
static void sheets_turn(struct campaign *c)
{
    size_t i = c->sheets % CAMPAIGN_NODES;

    if (!c->node[0] || mono() < c->sheet_ms)
        return;
    c->sheet_ms = mono() + SHEET_EVERY_MS;
    if (!c->node_up[i] || !node_alive(c, i))
        i = 1 - i;
    if (c->node_up[i] && node_alive(c, i))
        sheet_send(c, i);
}

void world_turn(struct campaign *c)
{
    load_turn(c->load);
    sheets_turn(c);
}

bool world_until(struct campaign *c, bool (*done)(struct campaign *c), uint64_t within_ms)
{
    uint64_t until = mono() + within_ms;

    while (!done(c)) {
        if (mono() >= until)
            return false;
        world_turn(c);
    }
    return true;
}

static bool never(struct campaign *c)
{
    (void)c;
    return false;
}

void world_run(struct campaign *c, uint64_t ms)
{
    world_until(c, never, ms);
}

bool all_decided(struct campaign *c)
{
    return load_undecided(c->load) == 0;
}

static void memory_look(struct campaign *c)
{
    history_say(c->history, "memory hub %zu %d", hubproc_resident_kib(c->scene.hub), HUB_BOUND_KIB);
    for (size_t i = 0; i < CAMPAIGN_NODES; i++)
        if (c->node[i])
            history_say(c->history, "memory %s %zu %d", noded_name(c->node[i]),
                        noded_resident_kib(c->node[i]), NODE_BOUND_KIB);
}

void round_end(struct campaign *c)
{
    hub_ensure(c);
    for (size_t i = 0; i < CAMPAIGN_NODES; i++)
        if (c->node[i] && (c->node_armed[i] || !node_alive(c, i))) {
            node_stop(c, i);
            node_start(c, i, NULL);
        }
    if (c->given_up || !world_until(c, all_decided, c->patience_ms)) {
        c->stuck++;
        history_say(c->history, "bad hub leaves-offers-without-an-answer");
        load_explain(c->load);
    }
    memory_look(c);
    history_flush(c->history);
}

/* --- the end -----------------------------------------------------------------------------------
 */

static bool drained(struct campaign *c)
{
    return load_undecided(c->load) == 0 && load_outstanding(c->load) == 0;
}

/* What a node has in a box, line by line; counts what is not delivered yet. */
static size_t box_tell(struct campaign *c, size_t i, const char *box, bool tell)
{
    char received[32] = "";
    json_t *list = NULL;
    size_t waiting = 0;
    size_t place = 0;

    if (noded_box(c->node[i], box, &list))
        return 1;
    for (size_t k = 0; k < json_array_size(list); k++) {
        const json_t *row = json_array_get(list, k);
        const char *subject = json_string_value(json_object_get(row, "subject"));
        long long delivered = json_integer_value(json_object_get(row, "delivered"));

        if (!subject)
            continue; /* the invitation */
        waiting += strcmp(box, "out") == 0 && delivered == 0 &&
                   json_integer_value(json_object_get(row, "code")) == 0;
        if (tell && strcmp(box, "in") == 0) {
            char *when = json_dumps(json_object_get(row, "received"), JSON_ENCODE_ANY);

            place += when && strncmp(when, received, sizeof received - 1) != 0;
            snprintf(received, sizeof received, "%s", when ? when : "");
            free(when);
            history_say(c->history, "listed %s %s %zu %lld", noded_name(c->node[i]), subject, place,
                        (long long)json_integer_value(json_object_get(row, "state")));
        } else if (tell)
            history_say(c->history, "outbox %s %s %s %lld %lld %lld", noded_name(c->node[i]),
                        subject, json_string_value(json_object_get(row, "mid")),
                        (long long)json_integer_value(json_object_get(row, "state")),
                        (long long)json_integer_value(json_object_get(row, "code")), delivered);
    }
    json_decref(list);
    return waiting;
}

size_t sheets_waiting(struct campaign *c)
{
    size_t n = 0;

    for (size_t i = 0; i < CAMPAIGN_NODES; i++)
        if (c->node_up[i])
            n += box_tell(c, i, "out", false);
    return n;
}

/* Listing is dear: now and then. */
static bool time_to_look(void)
{
    static uint64_t look_ms;

    if (mono() < look_ms)
        return false;
    look_ms = mono() + 500;
    return true;
}

bool sheets_accepted(struct campaign *c)
{
    size_t n = 0;

    if (!time_to_look())
        return false;
    for (size_t i = 0; i < CAMPAIGN_NODES; i++) {
        json_t *list = NULL;
        size_t k;
        json_t *row;

        if (!c->node_up[i])
            continue;
        if (noded_box(c->node[i], "out", &list))
            return false;
        json_array_foreach(list, k, row)
        {
            n += json_integer_value(json_object_get(row, "state")) < SHEET_ACCEPTED;
        }
        json_decref(list);
    }
    return n == 0;
}

bool sheets_arrived(struct campaign *c)
{
    return time_to_look() && sheets_waiting(c) == 0;
}

/* And the nodes have seen the hub as it is now: who has not could not know an old one. */
static bool all_arrived(struct campaign *c)
{
    if (!drained(c) || (c->node[0] && !sheets_arrived(c)))
        return false;
    for (size_t i = 0; i < CAMPAIGN_NODES && c->node[i]; i++)
        if (!noded_ready(c->node[i], 0))
            return false;
    return true;
}

/* The store as it was when the campaign began is put back. A node that has seen more stops, for
 * good, and keeps the evidence. */
static void nodes_look_back(struct campaign *c)
{
    uint64_t until = mono() + NOTICE_MS;
    bool noticed[CAMPAIGN_NODES] = {false};
    char store[1200];
    size_t n = 0;

    snprintf(store, sizeof store, "%.1000s/store", hubproc_dir(c->scene.hub));
    for (size_t i = 0; i < load_actors(c->load); i++)
        load_away(c->load, i, true);
    hub_stop(c);
    if (storecopy_move(store, c->real) || storecopy_move(c->old, store))
        abort();
    history_say(c->history, "restored hub");
    hub_start(c, NULL);
    while (n < CAMPAIGN_NODES && mono() < until)
        for (size_t i = 0; i < CAMPAIGN_NODES; i++) {
            world_turn(c);
            if (noticed[i] || !noded_alarmed(c->node[i]))
                continue;
            noticed[i] = true;
            n++;
            history_say(c->history, "noticed %s rollback", noded_name(c->node[i]));
        }
    for (size_t i = 0; i < CAMPAIGN_NODES; i++)
        if (!noticed[i])
            history_say(c->history, "bad %s does-not-notice-an-old-store", noded_name(c->node[i]));
    hub_stop(c);
    if (storecopy_move(c->real, store))
        abort();
    history_say(c->history, "replaced hub");
}

enum err campaign_end(struct campaign *c, void (*last)(struct campaign *c))
{
    enum err e = ERR_OK;

    round_end(c);
    for (size_t i = 0; i < load_actors(c->load); i++)
        load_away(c->load, i, false);
    c->sheet_ms = UINT64_MAX; /* no more */
    if (c->given_up || !world_until(c, all_arrived, 4 * c->patience_ms)) {
        fprintf(stderr, "not everything has arrived:\n");
        load_explain(c->load);
        e = ERR_TIMEOUT;
    }
    if (last && !e && !c->given_up)
        last(c);
    for (size_t i = 0; i < CAMPAIGN_NODES && c->node[i]; i++) {
        box_tell(c, i, "out", true);
        box_tell(c, i, "in", true);
    }
    world_run(c, 300); /* the last ACKs and what they cause */
    if (c->node[0] && !c->given_up && storecopy_copy(c->first, c->old) == ERR_OK)
        nodes_look_back(c);
    for (size_t i = 0; i < CAMPAIGN_NODES && c->node[i]; i++)
        node_stop(c, i);
    hub_stop(c);
    {
        char dir[1200];
        enum err told;

        snprintf(dir, sizeof dir, "%s/store", hubproc_dir(c->scene.hub));
        if ((told = tree_tell(dir, c->history)))
            history_say(c->history, "bad hub log-cannot-be-read:%s", err_name(told));
    }
    history_say(c->history, "end");
    history_flush(c->history);
    return e;
}
