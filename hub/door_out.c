/* What the inside says, on its way out: to sessions, to ZAP, to the control socket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "door_internal.h"
#include "log.h"

/* Behind what waits already, in order; who reads nothing of what he asks for is gone. */
static void wait_for_room(struct door *d, struct session *s, struct parcel *p)
{
    if (session_wait(s, p)) {
        session_gone(d, s);
        return;
    }
    if (s->listed)
        return;
    s->listed = true;
    s->next_waiting = d->waiting;
    d->waiting = s;
}

static void send_now(struct door *d, struct session *s, struct parcel *p)
{
    enum err e;

    if (s && s->waiting) {
        wait_for_room(d, s, p);
        return;
    }
    e = link_send(door_link(d, p->who.node), &p->peer, bytes_span(&p->frame));
    if (e == ERR_BUSY && s) {
        wait_for_room(d, s, p);
        return;
    }
    if (e)
        d->count.unsent++;
    if (e == ERR_CLOSED && s && s->number == p->session)
        session_gone(d, s);
    parcel_free(p);
}

static void penalty(struct door *d, struct session *s, const struct parcel *p)
{
    if (!p->penalty)
        return;
    if (++s->bad < SESSION_BAD_MAX)
        return;
    log_limited(LEVEL_WARN, "session.banned", "number=%u", s->who.number);
    d->count.banned++;
    s->bad = 0;
    s->banned_until_ms = d->now_ms + SESSION_BAN_MS;
    session_gone(d, s);
}

static void parcel_frame(struct door *d, struct parcel *p)
{
    struct session *s = session_find(d->sessions, p->who.node);

    if (s && s->number == p->session)
        penalty(d, s, p);
    if (p->session == 0) { /* of the JOIN port */
        if (link_send(d->join, &p->peer, bytes_span(&p->frame)))
            d->count.unsent++;
        parcel_free(p);
        return;
    }
    send_now(d, s && s->number == p->session ? s : NULL, p);
}

static void parcel_open(struct door *d, struct parcel *p)
{
    struct session *s = session_find(d->sessions, p->who.node);

    if (s && s->asked == p->session) {
        session_drop_waiting(s);
        d->open += s->number == 0;
        s->number = p->session;
        s->peer = s->asked_peer;
        s->asked = 0;
        s->after = p->acked_seq;
        s->bad = 0;
    }
    send_now(d, s, p);
}

static void parcel_invite(struct door *d, struct parcel *p)
{
    char user[64];
    enum err e;

    snprintf(user, sizeof user, "invite:%s", p->invite);
    e = p->allow ? zap_allow(d->zap, "join", p->key, user) : zap_deny(d->zap, "join", p->key);
    if (e && e != ERR_NOT_FOUND)
        log_warn("invite.key", "why=%s", err_name(e));
    parcel_free(p);
}

static void parcel_keys(struct door *d, struct parcel *p)
{
    enum err e = door_keys(d, p->index, p->time_ms, bytes_span(&p->frame));

    if (!e)
        e = workers_keys(d->o.workers, p->index, p->time_ms, bytes_span(&p->frame));
    if (e) {
        log_error("door.directory", "why=%s", err_name(e));
        d->fatal = e;
        loop_stop(d->loop);
    }
    parcel_free(p);
}

static void parcel_limits(struct door *d, struct parcel *p)
{
    struct account *one = account_of(d->o.accounts, p->who.org);

    if (one)
        account_limit(one, &p->limits);
    else
        log_warn("account.limit", "why=%s", err_name(ERR_NOMEM));
    parcel_free(p);
}

static void parcel_do(struct door *d, struct parcel *p)
{
    parcel_arrived(p);
    switch (p->kind) {
    case PARCEL_FRAME:
        parcel_frame(d, p);
        break;
    case PARCEL_OPEN:
        parcel_open(d, p);
        break;
    case PARCEL_KEYS:
        parcel_keys(d, p);
        break;
    case PARCEL_INVITE:
        parcel_invite(d, p);
        break;
    case PARCEL_LIMITS:
        parcel_limits(d, p);
        break;
    case PARCEL_LOCK:
        door_lock(d, p->who.node, !p->allow);
        parcel_free(p);
        break;
    case PARCEL_AGAIN:
        door_again(d);
        parcel_free(p);
        break;
    case PARCEL_ANSWER:
        if (control_answer(p->control, p->answer))
            d->count.unsent++;
        p->answer = NULL;
        parcel_free(p);
        break;
    case PARCEL_FATAL:
        d->fatal = p->why;
        loop_stop(d->loop);
        parcel_free(p);
        break;
    }
}

#define PARCELS_A_TURN 512

void door_parcels(struct door *d, size_t most)
{
    void *item;

    d->now_ms = clock_mono_ms(d->o.clock);
    for (; most && queue_pop(d->o.out, &item) == ERR_OK; most--)
        parcel_do(d, item);
}

void door_on_parcels(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    door_parcels(arg, PARCELS_A_TURN);
}

static void flush(struct door *d, struct session *s)
{
    struct link_socket *link = door_link(d, s->node);

    while (s->waiting) {
        struct waiting *w = s->waiting;
        enum err e = link_send(link, &w->parcel->peer, bytes_span(&w->parcel->frame));

        if (e == ERR_BUSY)
            return;
        s->waiting = w->next;
        if (!s->waiting)
            s->waiting_end = &s->waiting;
        s->waiting_count--;
        s->waiting_bytes -= sizeof *w->parcel + w->parcel->frame.len;
        parcel_free(w->parcel);
        free(w);
        if (e == ERR_CLOSED) {
            session_gone(d, s);
            return;
        }
    }
}

void door_flush_all(struct door *d)
{
    struct session *s = d->waiting;

    d->waiting = NULL;
    while (s) {
        struct session *next = s->next_waiting;

        s->listed = false;
        flush(d, s);
        if (s->waiting) {
            s->listed = true;
            s->next_waiting = d->waiting;
            d->waiting = s;
        }
        s = next;
    }
}
