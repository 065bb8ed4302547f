/* Opening and closing the door: its sockets, what the loop calls, who is told where it is. */
#include <stdlib.h>

#include "door_internal.h"
#include "log.h"

/* --- time ------------------------------------------------------------------------------------ */

/* One peer can send hundreds of megabytes a second: looked at often enough to stay in bounds. */
static void every_20_ms(void *arg)
{
    struct door *d = arg;

    d->now_ms = clock_mono_ms(d->o.clock);
    door_flush_all(d);
    door_let_go(d);
    door_watch_memory(d);
}

static void every_second(void *arg)
{
    struct door *d = arg;
    struct job *j = calloc(1, sizeof *j);
    struct session *s;
    struct session *next;

    d->now_ms = clock_mono_ms(d->o.clock);
    d->joins = 0;
    door_bind_key(d);
    log_tick();
    if (j) {
        j->kind = JOB_TICK;
        j->lane = LANE_HUB;
        if (fair_push(d->o.core, j))
            job_free(j);
    }
    door_watch_crowd(d);
    HASH_ITER (hh, d->sessions, s, next) {
        if (s->number && d->now_ms - s->heard_ms > SESSION_IDLE_MS)
            session_gone(d, s);
    }
}

/* --- opening --------------------------------------------------------------------------------- */

enum err door_keys(struct door *d, uint64_t index, uint64_t time_ms, struct span ss)
{
    enum err e = directory_apply(d->dir, index, time_ms, ss);

    return e ? e : door_allow(d);
}

void door_admit(struct door *d)
{
    door_parcels(d, SIZE_MAX); /* keys of invitations, nodes that are locked out */
    zap_hold(d->zap, 0);
}

/* The library's first I/O thread serves members and those who join, the second emergency
 * organisations, if they have an endpoint of their own. One context: one table of keys. */
#define IO_MEMBERS 1u
#define IO_EMERGENCY 2u

static enum err listen_at(struct door *d, const char *endpoint, const char *domain, uint64_t io,
                          void (*frame)(struct link_socket *, const struct link_frame *, void *),
                          struct link_socket **out)
{
    struct link_listen_options o = {.endpoint = endpoint,
                                    .domain = domain,
                                    .secret_key = secret_box_span(d->bound).ptr,
                                    .io_threads = io};
    enum err e = link_listen(d->o.transport, &o, out);

    return e ? e : loop_link(d->loop, *out, frame, d);
}

/* In the order in which a turn of the loop hears them. */
static enum err sockets_open(struct door *d)
{
    enum err e = ERR_OK;

    if (*d->o.emergency_listen)
        e = listen_at(d, d->o.emergency_listen, "emergency", IO_EMERGENCY, door_on_member,
                      &d->emergency);
    if (e || (e = listen_at(d, d->o.listen, "hub", IO_MEMBERS, door_on_member, &d->members)))
        return e;
    return listen_at(d, d->o.join_listen, "join", IO_MEMBERS, door_on_join, &d->join);
}

static enum err wire_up(struct door *d)
{
    enum err e;

    if ((e = loop_fd(d->loop, queue_fd(d->o.out), door_on_parcels, d)))
        return e;
    if ((e = loop_timer(d->loop, 20, every_20_ms, d)))
        return e;
    if ((e = loop_timer(d->loop, 1000, every_second, d)))
        return e;
    return control_listen(d->loop, d->o.control_path, door_on_control, d, &d->control);
}

enum err door_open(const struct door_options *options, struct loop *loop, struct door **out)
{
    struct door *d = calloc(1, sizeof *d);
    enum err e;

    if (!d)
        return ERR_NOMEM;
    d->o = *options;
    d->loop = loop;
    d->bound = options->bound;
    if ((e = directory_new(DIRECTORY_LEAF_TIME, options->entropy, &d->dir)))
        goto fail;
    if ((e = door_zap_start(d)))
        goto fail;
    if ((e = sockets_open(d)) || (e = wire_up(d)))
        goto fail;
    *out = d;
    return ERR_OK;
fail:
    door_close(d);
    return e;
}

void door_close(struct door *d)
{
    if (!d)
        return;
    control_close(d->control);
    if (d->emergency)
        loop_link_remove(d->loop, d->emergency);
    if (d->members)
        loop_link_remove(d->loop, d->members);
    if (d->join)
        loop_link_remove(d->loop, d->join);
    link_close(d->emergency);
    link_close(d->members);
    link_close(d->join);
    zap_stop(d->zap);
    sessions_free(&d->sessions);
    sessions_free(&d->joiners);
    directory_free(d->dir);
    free(d);
}

const char *door_endpoint(const struct door *d)
{
    return link_endpoint(d->members);
}

const char *door_join_endpoint(const struct door *d)
{
    return link_endpoint(d->join);
}

const char *door_emergency_endpoint(const struct door *d)
{
    return d->emergency ? link_endpoint(d->emergency) : "";
}

enum err door_fatal(const struct door *d)
{
    return d->fatal;
}
