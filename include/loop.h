/*
 * loop - one thread, one poll: network sockets, file descriptors, timers and signals together.
 * Handlers never block and never run inside one another. Time is the monotonic side of the
 * injected clock, so tests turn it by hand and call loop_turn(). A ready source gets at most
 * LOOP_DRAIN_MAX calls in a row, then timers and the others have their turn.
 * Handlers may add and remove sources, timers and links, their own included. What is removed is
 * not called again, not even later in the same turn.
 * Thread rule: confined to the thread that runs it; only loop_stop() may come from elsewhere.
 */
#ifndef RELAIS_LOOP_H
#define RELAIS_LOOP_H

#include <stdint.h>

#include "clock.h"
#include "err.h"
#include "transport.h"

#define LOOP_DRAIN_MAX 256   /* calls in a row for one ready source */
#define LOOP_SOURCES_MAX 256 /* descriptors and links together */
#define LOOP_TIMERS_MAX 256  /* tens are meant; for thousands of deadlines, sweep with one timer */
#define LOOP_TURN_MS 1000    /* loop_run() looks at the injected clock at least this often */

enum loop_events {
    LOOP_READ = 1,
    LOOP_WRITE = 2,
    LOOP_ERROR = 4, /* always reported: error or hang-up */
};

struct loop;

enum err loop_open(const struct clock *clock, struct loop **out); /* borrows clock */
void loop_close(struct loop *l); /* NULL is fine; closes no descriptor or link of others */

/* Until loop_stop(); ERR_OK then, another code if the poll itself fails. */
enum err loop_run(struct loop *l);
/* One turn: waits at most wait_ms (real time) for an event, calls what is due. */
enum err loop_turn(struct loop *l, uint64_t wait_ms);
void loop_stop(struct loop *l); /* any thread, any signal handler; a stop asked early is kept */

/* Calls due(arg) every every_ms; a late loop calls once, not once per missed period. */
enum err loop_timer(struct loop *l, uint64_t every_ms, void (*due)(void *arg), void *arg);
/* Calls due(arg) once, after_ms from now; 0 is the next turn. */
enum err loop_once(struct loop *l, uint64_t after_ms, void (*due)(void *arg), void *arg);
void loop_cancel(struct loop *l, void (*due)(void *arg), void *arg); /* every timer of this pair */

/* Borrows fd. ERR_EXISTS: the fd is here already; ERR_FULL: LOOP_SOURCES_MAX. A descriptor is
 * called once a turn: the handler drains within its own bound and is called again while ready. */
enum err loop_fd(struct loop *l, int fd, void (*ready)(int fd, unsigned events, void *arg),
                 void *arg);
/* Which of LOOP_READ and LOOP_WRITE to wait for; starts as LOOP_READ. ERR_NOT_FOUND. */
enum err loop_fd_events(struct loop *l, int fd, unsigned events);
void loop_fd_remove(struct loop *l, int fd);

/* Borrows the link. The frame is borrowed until the handler returns. The link must leave the loop
 * before link_close(); link_rebind() may be called while it is here, from the handler too. */
enum err loop_link(struct loop *l, struct link_socket *link,
                   void (*frame)(struct link_socket *link, const struct link_frame *f, void *arg),
                   void *arg);
/* A paused link is not read: its peers fill their high-water marks and wait. ERR_NOT_FOUND. */
enum err loop_link_pause(struct loop *l, struct link_socket *link, int paused);
void loop_link_remove(struct loop *l, struct link_socket *link);

/* SIGTERM, SIGINT and SIGHUP arrive here as calls, one handler per loop (ERR_EXISTS). They must
 * be blocked in every thread: call loop_signals_block() first thing in main; transport_open()
 * calls it too, because the I/O threads inherit the mask of the thread that opens it. */
enum err loop_signals(struct loop *l, void (*caught)(int signal, void *arg), void *arg);
enum err loop_signals_block(void); /* these and SIGPIPE, in the calling thread */

#endif
