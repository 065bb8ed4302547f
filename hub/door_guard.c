/* Guarding the door: who may connect at all, and the memory that a peer can make us hold. */
#include <stdlib.h>
#include <string.h>

#include "door_internal.h"
#include "log.h"
#include "machine.h"

#define SURVEY_MAX 8192
#define GUESSES_SURE 3
#define SURVEY_STEP (8u << 20) /* grown by that much, or after that long: look again */
#define SURVEY_EVERY_MS 1000
#define UNFINISHED_MAX                                                                             \
    (12u << 20) /* of one connection: more than any honest peer can have here                      \
                 */

static void on_denied(const struct zap_denial *z, void *arg)
{
    struct door *d = arg;

    __atomic_add_fetch(&d->count.denied, 1, __ATOMIC_RELAXED);
    log_limited(LEVEL_INFO, "zap.denied", "reason=%d domain=%s", (int)z->reason, z->domain);
}

/* Without its ZAP thread a CURVE listener lets everybody in: the process stops. */
static void on_fatal(enum err why, void *arg)
{
    (void)arg;
    log_error("zap.dead", "why=%s", err_name(why));
    abort();
}

enum err door_zap_start(struct door *d)
{
    static const char *const domains[] = {"hub", "join", "emergency", NULL};
    struct zap_options o = {domains, on_denied, on_fatal, d};

    enum err e = zap_start(d->o.transport, &o, &d->zap);

    if (!e)
        zap_hold(d->zap, 1);
    return e;
}

/* Each has one door, and at the other its key is not known. */
static const char *domain_of(const struct door *d, const struct directory_node *n)
{
    bool emergency = directory_org(d->dir, n->org)->kind == ORG_EMERGENCY;

    return emergency && *d->o.emergency_listen ? "emergency" : "hub";
}

static enum err allow_one(struct door *d, const struct directory_node *n)
{
    const struct directory_org *o = directory_org(d->dir, n->org);
    struct bytes user = {0};
    enum err e;

    if (n->revoked) {
        e = zap_deny(d->zap, domain_of(d, n), n->transport.b);
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    if ((e = bytes_append(&user, SPAN_STR("node:"))))
        goto out;
    for (int i = 0; i < ID_BYTES; i++)
        if ((e = bytes_printf(&user, "%02x", o->id[i])))
            goto out;
    if ((e = bytes_append(&user, SPAN_STR(":"))))
        goto out;
    for (int i = 0; i < ID_BYTES; i++)
        if ((e = bytes_printf(&user, "%02x", n->id[i])))
            goto out;
    if ((e = bytes_append(&user, span_of("", 1))))
        goto out;
    e = zap_allow(d->zap, domain_of(d, n), n->transport.b, (const char *)user.ptr);
out:
    bytes_free(&user);
    return e;
}

/* New nodes are let in once; a revocation goes over all, it is rare. Suspended nodes may connect:
 * they are told by name that they are. */
enum err door_allow(struct door *d)
{
    enum err e;
    size_t i = d->allowed;

    for (size_t k = 0; k < i; k++) {
        const struct directory_node *n = directory_node(d->dir, k);

        if (n->revoked && (e = allow_one(d, n)))
            return e;
    }
    for (; directory_node(d->dir, i); i++)
        if ((e = allow_one(d, directory_node(d->dir, i))))
            return e;
    d->allowed = i;
    return ERR_OK;
}

void door_lock(struct door *d, const uint8_t node[ID_BYTES], bool locked)
{
    const struct directory_node *n = directory_find_node(d->dir, node);
    struct session *s = session_find(d->sessions, node);
    enum err e;

    if (locked && s)
        session_gone(d, s);
    if (!n || n->revoked)
        return;
    e = locked ? zap_deny(d->zap, domain_of(d, n), n->transport.b) : allow_one(d, n);
    if (e && e != ERR_NOT_FOUND)
        log_warn("node.lock", "why=%s", err_name(e));
    log_warn(locked ? "node.locked" : "node.allowed", "number=%llu",
             (unsigned long long)n->enrolled_at);
}

/* Into the log and onto the disk: it stays so until the operator allows the node again. */
static void lock_out(struct door *d, const char *user)
{
    struct member who;
    const struct directory_node *n;
    struct job *j;

    if (user_member(user, &who) || !(n = directory_find_node(d->dir, who.node)))
        return;
    door_lock(d, who.node, true);
    if (!(j = calloc(1, sizeof *j)))
        return;
    j->kind = JOB_LOCK;
    j->lane = LANE_HUB;
    j->who = who;
    j->who.number = (uint32_t)n->enrolled_at;
    if (fair_push(d->o.core, j))
        job_free(j);
}

/* The only way to be rid of what one connection holds: all of that endpoint's are closed. */
static void clear(struct door *d, struct link_socket *link)
{
    d->count.kicks++;
    sessions_gone(d, link);
    if (link_rebind(link)) {
        d->fatal = ERR_IO;
        loop_stop(d->loop);
    }
}

void door_again(struct door *d)
{
    log_info("door.again", "sessions=%zu", d->open);
    if (d->emergency)
        clear(d, d->emergency);
    clear(d, d->members);
}

static enum err rekey(struct door *d, struct link_socket *link, const uint8_t *secret)
{
    sessions_gone(d, link);
    return link_rekey(link, secret);
}

void door_bind_key(struct door *d)
{
    const struct secret_box *key =
        identity_transport(d->o.identity, d->dir, clock_now_ms(d->o.clock));
    const uint8_t *secret = secret_box_span(key).ptr;
    enum err e;

    if (key == d->bound)
        return;
    d->bound = key;
    log_info("door.key", "sessions=%zu", d->open);
    e = d->emergency ? rekey(d, d->emergency, secret) : ERR_OK;
    if (e || (e = rekey(d, d->members, secret)) || (e = rekey(d, d->join, secret))) {
        d->fatal = e;
        loop_stop(d->loop);
    }
}

/* Who was found because he alone had said nothing may be somebody slow to speak: cut off with all
 * others each time, locked out at the third in a row. */
static bool is_sure(struct door *d, const struct link_connection *worst)
{
    if (worst->guessed != LINK_GUESS_SILENT)
        return true;
    if (strcmp(d->guessed_user, worst->user) != 0)
        d->guesses = 0;
    snprintf(d->guessed_user, sizeof d->guessed_user, "%s", worst->user);
    return ++d->guesses >= GUESSES_SURE;
}

static void cut_off(struct door *d, struct link_socket *link, const struct link_connection *worst,
                    uint64_t resident)
{
    bool sure = is_sure(d, worst);

    log_error(sure ? "memory.culprit" : "memory.suspect", "user=%s held=%llu resident=%llu",
              worst->user, (unsigned long long)(worst->received - worst->accounted),
              (unsigned long long)resident);
    if (sure)
        lock_out(d, worst->user);
    clear(d, link);
}

/* A survey can name the wrong user for a moment (transport.h): only what the next one finds again,
 * the same connection under the same name, is acted on. */
static void suspect(struct door *d, struct link_socket *link, const struct link_connection *worst,
                    uint64_t resident)
{
    if (d->suspected == worst->connection && strcmp(d->suspected_user, worst->user) == 0) {
        d->suspected = 0;
        cut_off(d, link, worst, resident);
        return;
    }
    d->suspected = worst->connection;
    snprintf(d->suspected_user, sizeof d->suspected_user, "%s", worst->user);
}

static void survey(struct door *d, struct link_socket *link, uint64_t resident)
{
    struct link_connection *list = calloc(SURVEY_MAX, sizeof *list);
    size_t n = 0;

    if (list && link_survey(link, list, SURVEY_MAX, &n) == ERR_OK && n > 0 &&
        list[0].received > list[0].accounted &&
        list[0].received - list[0].accounted > UNFINISHED_MAX)
        suspect(d, link, &list[0], resident);
    free(list);
}

/*
 * libzmq holds the frames of a message that never ends where no application can see them, and has
 * no way to close one connection (PROTOCOL.md 4). So the memory is watched; when it grows beyond
 * half of what is allowed, and one connection has sent far more than it was ever credited with,
 * its key is let in no more until the operator says so, and the socket is bound anew: that frees
 * the memory, and everybody else comes back within seconds. If it grows to the end of what is
 * allowed and no single connection is to blame, all of the members' are closed: what many peers
 * together make the library hold is bounded too.
 */
void door_watch_memory(struct door *d)
{
    uint64_t resident = machine_held_bytes();
    uint64_t kicks = d->count.kicks;

    if (resident < d->o.memory_max_bytes / 2)
        return;
    if (!d->suspected && resident < d->surveyed_bytes + SURVEY_STEP &&
        d->now_ms < d->surveyed_ms + SURVEY_EVERY_MS)
        return;
    d->surveyed_bytes = resident;
    d->surveyed_ms = d->now_ms;
    if (d->emergency)
        survey(d, d->emergency, resident);
    survey(d, d->members, resident);
    if (d->count.kicks != kicks || resident < d->o.memory_max_bytes - d->o.memory_max_bytes / 16)
        return;
    log_error("memory.brake", "resident=%llu", (unsigned long long)resident);
    d->count.brakes++;
    clear(d, d->members);
}

uint64_t door_refused(const struct door *d, unsigned code)
{
    return code < ERR_CODES ? d->refused_by[code] : 0;
}

void door_metrics(const struct door *d, struct metrics *m)
{
    struct link_stats s = link_stats(d->members);

    metric_family(m, "relais_hub_door_total", METRIC_COUNTER, "What the door turned away or lost.");
    metric_labelled(m, "what", "unsent", d->count.unsent);
    metric_labelled(m, "what", "strangers", d->count.strangers);
    metric_labelled(m, "what", "banned", d->count.banned);
    metric_labelled(m, "what", "held", d->count.held);
    metric_labelled(m, "what", "denied", __atomic_load_n(&d->count.denied, __ATOMIC_RELAXED));
    metric_labelled(m, "what", "kicks", d->count.kicks);
    metric_labelled(m, "what", "multipart", s.multipart);
    metric_labelled(m, "what", "nameless", s.nameless);
}

json_t *door_facts(const struct door *d)
{
    struct link_stats s = link_stats(d->members);
    struct accounts_use work = accounts_use(d->o.accounts);

    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s,s:s,s:s,s:I,s:I,s:I,s:I}",
                     "sessions", (json_int_t)d->open, "refused", (json_int_t)d->count.refused,
                     "unsent", (json_int_t)d->count.unsent, "multipart", (json_int_t)s.multipart,
                     "nameless", (json_int_t)s.nameless, "denied",
                     (json_int_t)__atomic_load_n(&d->count.denied, __ATOMIC_RELAXED), "kicks",
                     (json_int_t)d->count.kicks, "held", (json_int_t)d->count.held, "resident",
                     (json_int_t)machine_held_bytes(), "endpoint", link_endpoint(d->members),
                     "join_endpoint", link_endpoint(d->join), "emergency_endpoint",
                     door_emergency_endpoint(d), "brakes", (json_int_t)d->count.brakes, "work_max",
                     (json_int_t)work.budget_bytes, "work", (json_int_t)work.bytes, "work_highest",
                     (json_int_t)work.highest);
}
