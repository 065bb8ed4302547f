/* loop - see loop.h. Sources and timers live in fixed tables; a row knows by its serial number
 * whether it is still the one that a poll or a turn began with. */
#include "loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "link.h"

struct source {
    uint64_t serial; /* 0: free */
    int fd;          /* -1 for a link */
    unsigned events;
    struct link_socket *link; /* NULL for a descriptor */
    void (*ready)(int fd, unsigned events, void *arg);
    void (*frame)(struct link_socket *link, const struct link_frame *f, void *arg);
    void *arg;
};

struct timer {
    uint64_t serial; /* 0: free */
    uint64_t due_ms;
    uint64_t every_ms; /* 0: once */
    void (*due)(void *arg);
    void *arg;
};

struct loop {
    const struct clock *clock;
    uint64_t serial; /* of the newest row */
    struct source sources[LOOP_SOURCES_MAX];
    struct timer timers[LOOP_TIMERS_MAX];
    int wake; /* eventfd of loop_stop() */
    _Atomic int stopping;
    int signals; /* signalfd, -1 before loop_signals() */
    void (*caught)(int signal, void *arg);
    void *caught_arg;
};

uint64_t loop_now_ms(const struct loop *l)
{
    return clock_mono_ms(l->clock);
}

enum err loop_open(const struct clock *clock, struct loop **out)
{
    struct loop *l = calloc(1, sizeof *l);

    if (!l)
        return ERR_NOMEM;
    l->clock = clock;
    l->signals = -1;
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->wake < 0) {
        free(l);
        return ERR_IO;
    }
    *out = l;
    return ERR_OK;
}

void loop_close(struct loop *l)
{
    if (!l)
        return;
    close(l->wake);
    if (l->signals >= 0)
        close(l->signals);
    free(l);
}

void loop_stop(struct loop *l)
{
    const uint64_t one = 1;
    int saved = errno; /* may run inside a signal handler */

    atomic_store(&l->stopping, 1);
    while (write(l->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
    errno = saved;
}

static struct source *source_find(struct loop *l, int fd, const struct link_socket *link)
{
    for (size_t i = 0; i < LOOP_SOURCES_MAX; i++)
        if (l->sources[i].serial && l->sources[i].fd == fd && l->sources[i].link == link)
            return &l->sources[i];
    return NULL;
}

static enum err source_add(struct loop *l, const struct source *new)
{
    if (source_find(l, new->fd, new->link))
        return ERR_EXISTS;
    for (size_t i = 0; i < LOOP_SOURCES_MAX; i++) {
        if (l->sources[i].serial)
            continue;
        l->sources[i] = *new;
        l->sources[i].serial = ++l->serial;
        l->sources[i].events = LOOP_READ;
        return ERR_OK;
    }
    return ERR_FULL;
}

static void source_remove(struct loop *l, int fd, const struct link_socket *link)
{
    struct source *s = source_find(l, fd, link);

    if (s)
        s->serial = 0;
}

static enum err source_events(struct loop *l, int fd, const struct link_socket *link,
                              unsigned events)
{
    struct source *s = source_find(l, fd, link);

    if (!s)
        return ERR_NOT_FOUND;
    s->events = events;
    return ERR_OK;
}

enum err loop_fd(struct loop *l, int fd, void (*ready)(int fd, unsigned events, void *arg),
                 void *arg)
{
    if (fd < 0)
        return ERR_USAGE;
    return source_add(l, &(struct source){.fd = fd, .ready = ready, .arg = arg});
}

enum err loop_fd_events(struct loop *l, int fd, unsigned events)
{
    return source_events(l, fd, NULL, events);
}

void loop_fd_remove(struct loop *l, int fd)
{
    source_remove(l, fd, NULL);
}

enum err loop_link(struct loop *l, struct link_socket *link,
                   void (*frame)(struct link_socket *link, const struct link_frame *f, void *arg),
                   void *arg)
{
    return source_add(l, &(struct source){.fd = -1, .link = link, .frame = frame, .arg = arg});
}

enum err loop_link_pause(struct loop *l, struct link_socket *link, int paused)
{
    return source_events(l, -1, link, paused ? 0 : LOOP_READ);
}

void loop_link_remove(struct loop *l, struct link_socket *link)
{
    source_remove(l, -1, link);
}

static enum err timer_add(struct loop *l, uint64_t after_ms, uint64_t every_ms,
                          void (*due)(void *arg), void *arg)
{
    for (size_t i = 0; i < LOOP_TIMERS_MAX; i++) {
        if (l->timers[i].serial)
            continue;
        l->timers[i] = (struct timer){
            .serial = ++l->serial,
            .due_ms = loop_now_ms(l) + after_ms,
            .every_ms = every_ms,
            .due = due,
            .arg = arg,
        };
        return ERR_OK;
    }
    return ERR_FULL;
}

enum err loop_timer(struct loop *l, uint64_t every_ms, void (*due)(void *arg), void *arg)
{
    return every_ms ? timer_add(l, every_ms, every_ms, due, arg) : ERR_USAGE;
}

enum err loop_once(struct loop *l, uint64_t after_ms, void (*due)(void *arg), void *arg)
{
    return timer_add(l, after_ms, 0, due, arg);
}

void loop_cancel(struct loop *l, void (*due)(void *arg), void *arg)
{
    for (size_t i = 0; i < LOOP_TIMERS_MAX; i++)
        if (l->timers[i].due == due && l->timers[i].arg == arg)
            l->timers[i].serial = 0;
}

static void signal_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

enum err loop_signals_block(void)
{
    sigset_t set;

    signal_set(&set);
    sigaddset(&set, SIGPIPE); /* a peer that left is an error code, not a death */
    return pthread_sigmask(SIG_BLOCK, &set, NULL) ? ERR_IO : ERR_OK;
}

enum err loop_signals(struct loop *l, void (*caught)(int signal, void *arg), void *arg)
{
    sigset_t set;

    if (l->signals >= 0)
        return ERR_EXISTS;
    signal_set(&set);
    l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (l->signals < 0)
        return ERR_IO;
    l->caught = caught;
    l->caught_arg = arg;
    return ERR_OK;
}

static void signals_drain(struct loop *l)
{
    struct signalfd_siginfo info;

    for (int i = 0; i < LOOP_DRAIN_MAX && read(l->signals, &info, sizeof info) == sizeof info; i++)
        l->caught((int)info.ssi_signo, l->caught_arg);
}

/* The events of a source, in the library's bits and back. */
static short to_poll(unsigned events)
{
    return (short)((events & LOOP_READ ? ZMQ_POLLIN : 0) | (events & LOOP_WRITE ? ZMQ_POLLOUT : 0));
}

static unsigned from_poll(short events)
{
    return (events & ZMQ_POLLIN ? LOOP_READ : 0u) | (events & ZMQ_POLLOUT ? LOOP_WRITE : 0u) |
           (events & ZMQ_POLLERR ? LOOP_ERROR : 0u);
}

static long poll_wait_ms(const struct loop *l, uint64_t wait_ms)
{
    uint64_t now = loop_now_ms(l);

    for (size_t i = 0; i < LOOP_TIMERS_MAX; i++) {
        const struct timer *t = &l->timers[i];
        uint64_t left = t->due_ms > now ? t->due_ms - now : 0;

        if (t->serial && left < wait_ms)
            wait_ms = left;
    }
    return wait_ms < LOOP_TURN_MS ? (long)wait_ms : LOOP_TURN_MS;
}

/* A link hands over frames until it has none, or has had its share, or its handler removed it. */
static void link_drain(struct source *s, uint64_t serial)
{
    struct link_frame f;
    enum err e;

    for (int i = 0; i < LOOP_DRAIN_MAX && s->serial == serial && s->events; i++) {
        if ((e = link_recv(s->link, &f)))
            break; /* ERR_AGAIN; what is worse, the next send or the stopping program finds */
        s->frame(s->link, &f, s->arg);
    }
}

static void source_call(struct source *s, uint64_t serial, short revents)
{
    if (s->serial != serial)
        return; /* removed or replaced by an earlier handler of this turn */
    if (s->link)
        link_drain(s, serial);
    else
        s->ready(s->fd, from_poll(revents), s->arg);
}

static void timers_call(struct loop *l)
{
    uint64_t newest = l->serial; /* what handlers add now waits for the next turn */
    uint64_t now = loop_now_ms(l);

    for (size_t i = 0; i < LOOP_TIMERS_MAX; i++) {
        struct timer *t = &l->timers[i];
        struct timer copy = *t;

        if (!t->serial || t->serial > newest || t->due_ms > now)
            continue;
        if (t->every_ms)
            t->due_ms = t->due_ms + t->every_ms > now ? t->due_ms + t->every_ms : now + t->every_ms;
        else
            t->serial = 0;
        copy.due(copy.arg);
    }
}

enum err loop_turn(struct loop *l, uint64_t wait_ms)
{
    zmq_pollitem_t items[2 + LOOP_SOURCES_MAX];
    struct source *source[2 + LOOP_SOURCES_MAX];
    uint64_t serial[2 + LOOP_SOURCES_MAX];
    int n = 0;

    items[n++] = (zmq_pollitem_t){.fd = l->wake, .events = ZMQ_POLLIN};
    if (l->signals >= 0)
        items[n++] = (zmq_pollitem_t){.fd = l->signals, .events = ZMQ_POLLIN};
    const int first = n;
    for (size_t i = 0; i < LOOP_SOURCES_MAX; i++) {
        struct source *s = &l->sources[i];
        void *zsock = s->serial && s->link ? s->link->zsock : NULL;

        if (!s->serial || (s->link && (!zsock || !s->events)))
            continue;
        source[n] = s;
        serial[n] = s->serial;
        items[n++] = (zmq_pollitem_t){.socket = zsock, .fd = s->fd, .events = to_poll(s->events)};
    }
    if (zmq_poll(items, n, poll_wait_ms(l, wait_ms)) < 0) {
        if (zmq_errno() != EINTR)
            return zmq_error();
        n = 0;
    }
    timers_call(l);
    if (n > 1 && first == 2 && items[1].revents)
        signals_drain(l);
    for (int i = first; i < n; i++)
        if (items[i].revents)
            source_call(source[i], serial[i], items[i].revents);
    return ERR_OK;
}

enum err loop_run(struct loop *l)
{
    uint64_t count;
    enum err e = ERR_OK;

    while (!e && !atomic_load(&l->stopping))
        e = loop_turn(l, LOOP_TURN_MS);
    atomic_store(&l->stopping, 0);
    while (read(l->wake, &count, sizeof count) < 0 && errno == EINTR)
        ;
    return e;
}
