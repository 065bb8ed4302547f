/* link_rig - see link_rig.h. */
#include "link_rig.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_MS 60000
#define TURN_MS 20

static void denied(const struct zap_denial *d, void *arg)
{
    struct rig *r = arg;

    atomic_store(&r->last_reason, (int)d->reason);
    atomic_fetch_add(&r->denied, 1);
}

static void fatal(enum err why, void *arg)
{
    struct rig *r = arg;

    atomic_fetch_add(&r->fatal, why ? 1 : 0);
}

static void into_inbox(struct link_socket *link, const struct link_frame *f, void *arg)
{
    struct inbox *in = arg;

    (void)link;
    bytes_free(&in->copy);
    if (bytes_copy(&in->copy, f->payload))
        return;
    in->last = *f;
    in->last.payload = bytes_span(&in->copy);
    in->faults += f->fault ? 1 : 0;
    in->count++;
}

enum err rig_open(struct rig *r, int handshake_ms)
{
    static const char *const domains[] = {RIG_DOMAIN, RIG_OTHER_DOMAIN, NULL};
    const uint8_t seed[SEED_BYTES] = "link rig";
    struct link_listen_options listen = {
        .endpoint = "tcp://127.0.0.1:*", .domain = RIG_DOMAIN, .handshake_ms = handshake_ms};
    enum err e;

    memset(r, 0, sizeof *r);
    r->entropy = entropy_seeded(seed, &r->seed);
    if ((e = seal_init()) ||
        (e = transport_open(&(struct transport_options){.entropy = &r->entropy}, &r->transport)) ||
        (e = zap_start(r->transport,
                       &(struct zap_options){
                           .domains = domains, .on_denied = denied, .on_fatal = fatal, .arg = r},
                       &r->zap)) ||
        (e = loop_open(clock_system(), &r->loop)) ||
        (e = secret_box_generate(&r->entropy, &r->key)))
        return e;
    listen.secret_key = secret_box_span(r->key).ptr;
    if ((e = link_listen(r->transport, &listen, &r->hub)))
        return e;
    r->port = (int)strtol(strrchr(link_endpoint(r->hub), ':') + 1, NULL, 10);
    return loop_link(r->loop, r->hub, into_inbox, &r->inbox);
}

void rig_close(struct rig *r)
{
    for (size_t i = 0; i < RIG_NODES_MAX; i++)
        rig_leave(r, &r->nodes[i]);
    loop_close(r->loop);
    link_close(r->hub);
    zap_stop(r->zap);
    transport_close(r->transport);
    secret_box_free(r->key);
    bytes_free(&r->inbox.copy);
}

enum err rig_key(struct rig *r, const char *user, struct secret_box **out)
{
    struct secret_box *key = NULL;
    enum err e;

    if ((e = secret_box_generate(&r->entropy, &key)))
        return e;
    if (user && (e = zap_allow(r->zap, RIG_DOMAIN, secret_box_public(key)->b, user))) {
        secret_box_free(key);
        return e;
    }
    *out = key;
    return ERR_OK;
}

enum err rig_connect(struct rig *r, const struct secret_box *key, struct link_socket **out)
{
    struct link_connect_options o = {
        .endpoint = link_endpoint(r->hub),
        .server_key = secret_box_public(r->key)->b,
        .public_key = secret_box_public(key)->b,
        .secret_key = secret_box_span(key).ptr,
        .reconnect_ms = 20,
        .linger_ms = -1,
    };

    return link_connect(r->transport, &o, out);
}

struct rig_node *rig_join(struct rig *r, const char *user)
{
    struct rig_node *n = r->nodes;

    while (n < r->nodes + RIG_NODES_MAX && n->key)
        n++;
    if (n == r->nodes + RIG_NODES_MAX || rig_key(r, user, &n->key) ||
        rig_connect(r, n->key, &n->link) || loop_link(r->loop, n->link, into_inbox, &n->inbox))
        return NULL;
    return n;
}

void rig_leave(struct rig *r, struct rig_node *n)
{
    if (n->link)
        loop_link_remove(r->loop, n->link);
    link_close(n->link);
    secret_box_free(n->key);
    bytes_free(&n->inbox.copy);
    memset(n, 0, sizeof *n);
}

int rig_until(struct rig *r, int (*done)(void *arg), void *arg)
{
    uint64_t end = clock_mono_ms(clock_system()) + LIMIT_MS;

    while (!done(arg))
        if (clock_mono_ms(clock_system()) > end || loop_turn(r->loop, TURN_MS))
            return 0;
    return 1;
}

struct expected {
    const struct inbox *in;
    size_t count;
};

static int has_come(void *arg)
{
    const struct expected *x = arg;

    return x->in->count >= x->count;
}

int rig_receives(struct rig *r, struct inbox *in, size_t count)
{
    return rig_until(r, has_come, &(struct expected){in, count});
}

struct sending {
    struct link_socket *s;
    const struct link_peer *to;
    struct span payload;
    enum err result;
};

static int is_sent(void *arg)
{
    struct sending *s = arg;

    s->result = link_send(s->s, s->to, s->payload);
    return s->result != ERR_BUSY;
}

enum err rig_send(struct rig *r, struct link_socket *s, const struct link_peer *to,
                  struct span payload)
{
    struct sending out = {.s = s, .to = to, .payload = payload};

    (void)rig_until(r, is_sent, &out);
    return out.result;
}

int rig_says(struct rig *r, struct rig_node *n, const char *text)
{
    size_t before = r->inbox.count;

    return !rig_send(r, n->link, NULL, span_text(text)) && rig_receives(r, &r->inbox, before + 1);
}

struct returning {
    struct rig *r;
    struct rig_node *n;
    const char *user;
    size_t before;
};

static int has_returned(void *arg)
{
    const struct returning *x = arg;

    if (x->r->inbox.count > x->before && strcmp(x->r->inbox.last.peer.user, x->user) == 0)
        return 1;
    (void)!link_send(x->n->link, NULL, SPAN_STR("here again")); /* busy, or lost: once more */
    return 0;
}

int rig_returns(struct rig *r, struct rig_node *n, const char *user)
{
    return rig_until(r, has_returned, &(struct returning){r, n, user, r->inbox.count});
}

size_t rig_memory_kib(void)
{
    char text[128] = "";
    FILE *f = fopen("/proc/self/statm", "re");
    char *resident;

    if (!f)
        return 0;
    resident = fgets(text, sizeof text, f) ? strchr(text, ' ') : NULL; /* the second number */
    fclose(f);
    return resident ? strtoul(resident, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE) / 1024 : 0;
}
