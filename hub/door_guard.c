/* Guarding the door: who may connect at all, and what the door tells of itself. */
#include <stdlib.h>
#include <string.h>

#include "door_internal.h"
#include "log.h"
#include "machine.h"

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

static enum err deny_one(struct door *d, const struct directory_node *n,
                         const struct box_public *transport)
{
    enum err e = zap_deny(d->zap, domain_of(d, n), transport->b);

    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* The user names the key too: live connections under a former one are known by it. */
static enum err allow_one(struct door *d, const struct directory_node *n)
{
    struct member who = {.keyed_at = (uint32_t)n->keyed_at};
    char user[USER_MEMBER_TEXT];

    if (n->revoked)
        return deny_one(d, n, &n->transport);
    memcpy(who.org, directory_org(d->dir, n->org)->id, sizeof who.org);
    memcpy(who.node, n->id, sizeof who.node);
    user_of_member(&who, user);
    return zap_allow(d->zap, domain_of(d, n), n->transport.b, user);
}

/* A node that has other keys is let in under them alone, and its open session ends. */
static enum err keys_turned(struct door *d)
{
    const struct directory_former *f;
    enum err e;

    for (; (f = directory_former(d->dir, d->turned)); d->turned++) {
        const struct directory_node *n = directory_node(d->dir, f->node);
        struct session *s = session_find(d->sessions, n->id);

        if ((e = deny_one(d, n, &f->transport)) || (e = allow_one(d, n)))
            return e;
        if (s)
            session_gone(d, s);
        log_info("node.rekeyed", "number=%llu", (unsigned long long)n->enrolled_at);
    }
    return ERR_OK;
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
    return keys_turned(d);
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

size_t door_sessions(const struct door *d)
{
    return d->open;
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
    metric_labelled(m, "what", "cuts", s.cuts);
    metric_labelled(m, "what", "sheds", d->count.sheds);
    metric_labelled(m, "what", "brakes", d->count.brakes);
    metric_labelled(m, "what", "multipart", s.multipart);
    metric_labelled(m, "what", "nameless", s.nameless);
}

json_t *door_facts(const struct door *d)
{
    struct link_stats s = link_stats(d->members);
    struct accounts_use work = accounts_use(d->o.accounts);

    return json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "sessions",
        (json_int_t)d->open, "frames", (json_int_t)s.frames, "refused",
        (json_int_t)d->count.refused, "unsent", (json_int_t)d->count.unsent, "multipart",
        (json_int_t)s.multipart, "nameless", (json_int_t)s.nameless, "denied",
        (json_int_t)__atomic_load_n(&d->count.denied, __ATOMIC_RELAXED), "kicks",
        (json_int_t)d->count.kicks, "held", (json_int_t)d->count.held, "resident",
        (json_int_t)machine_held_bytes(), "endpoint", link_endpoint(d->members), "join_endpoint",
        link_endpoint(d->join), "emergency_endpoint", door_emergency_endpoint(d), "brakes",
        (json_int_t)d->count.brakes, "work_max", (json_int_t)work.budget_bytes, "work",
        (json_int_t)work.bytes, "work_highest", (json_int_t)work.highest, "cuts",
        (json_int_t)s.cuts, "sheds", (json_int_t)d->count.sheds);
}
