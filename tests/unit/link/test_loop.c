/* The loop: timers on a clock turned by hand, descriptors, links, signals, stopping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link_rig.h"

struct fixture {
    struct clock_fixed clock;
    struct loop *loop;
    int pair[2];
    int other[2];
    int calls, other_calls;
    unsigned events;
    int signals[4], signal_count;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    *state = f;
    if (!f)
        return -1;
    clock_fixed_init(&f->clock, 0);
    return loop_signals_block() || loop_open(&f->clock.clock, &f->loop) ||
           socketpair(AF_UNIX, SOCK_STREAM, 0, f->pair) ||
           socketpair(AF_UNIX, SOCK_STREAM, 0, f->other);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    loop_close(f->loop);
    for (int i = 0; i < 2; i++) {
        if (f->pair[i] >= 0)
            close(f->pair[i]);
        close(f->other[i]);
    }
    free(f);
    return 0;
}

static void counts(void *arg)
{
    struct fixture *f = arg;

    f->calls++;
}

static void turn_after(struct fixture *f, uint64_t by_ms)
{
    clock_fixed_advance(&f->clock, by_ms);
    assert_int_equal(loop_turn(f->loop, 0), ERR_OK);
}

static void a_periodic_timer_is_called_every_period(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_timer(f->loop, 100, counts, f), ERR_OK);
    turn_after(f, 99);
    assert_int_equal(f->calls, 0);
    turn_after(f, 1);
    assert_int_equal(f->calls, 1);
    turn_after(f, 0);
    assert_int_equal(f->calls, 1);
    turn_after(f, 100);
    assert_int_equal(f->calls, 2);
}

static void a_late_loop_calls_once_and_not_once_per_missed_period(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_timer(f->loop, 100, counts, f), ERR_OK);
    turn_after(f, 1050);
    assert_int_equal(f->calls, 1);
    turn_after(f, 99);
    assert_int_equal(f->calls, 1);
    turn_after(f, 1);
    assert_int_equal(f->calls, 2);
}

static void a_single_timer_is_called_once(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_once(f->loop, 5, counts, f), ERR_OK);
    turn_after(f, 5);
    turn_after(f, 50);
    assert_int_equal(f->calls, 1);
}

static void a_cancelled_timer_is_not_called(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_timer(f->loop, 5, counts, f), ERR_OK);
    assert_int_equal(loop_once(f->loop, 5, counts, f), ERR_OK);
    loop_cancel(f->loop, counts, NULL); /* another pair */
    loop_cancel(f->loop, counts, f);
    turn_after(f, 50);
    assert_int_equal(f->calls, 0);
}

static void two_more_at_once(void *arg)
{
    struct fixture *f = arg;

    f->calls++;
    assert_int_equal(loop_once(f->loop, 0, counts, f), ERR_OK); /* in the place of this one */
    assert_int_equal(loop_once(f->loop, 0, counts, f), ERR_OK); /* and behind it */
}

static void what_a_timer_adds_waits_for_the_next_turn(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_once(f->loop, 0, two_more_at_once, f), ERR_OK);
    turn_after(f, 0);
    assert_int_equal(f->calls, 1);
    turn_after(f, 0);
    assert_int_equal(f->calls, 3);
}

static void cancels_itself(void *arg)
{
    struct fixture *f = arg;

    f->calls++;
    loop_cancel(f->loop, cancels_itself, f);
}

static void a_timer_may_cancel_itself(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_timer(f->loop, 1, cancels_itself, f), ERR_OK);
    turn_after(f, 1);
    turn_after(f, 10);
    assert_int_equal(f->calls, 1);
}

static void timers_have_a_limit_and_a_period(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_timer(f->loop, 0, counts, f), ERR_USAGE);
    for (int i = 0; i < LOOP_TIMERS_MAX; i++)
        assert_int_equal(loop_once(f->loop, 10, counts, f), ERR_OK);
    assert_int_equal(loop_once(f->loop, 10, counts, f), ERR_FULL);
    turn_after(f, 10);
    assert_int_equal(f->calls, LOOP_TIMERS_MAX);
    assert_int_equal(loop_once(f->loop, 10, counts, f), ERR_OK);
}

static void ready(int fd, unsigned events, void *arg)
{
    struct fixture *f = arg;
    char byte;

    f->calls++;
    f->events = events;
    if (events & LOOP_READ)
        assert_in_range(read(fd, &byte, 1), 0, 1);
}

static void a_descriptor_is_called_when_it_has_something(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_fd(f->loop, f->pair[0], ready, f), ERR_OK);
    turn_after(f, 0);
    assert_int_equal(f->calls, 0);
    assert_int_equal(write(f->pair[1], "x", 1), 1);
    turn_after(f, 0);
    assert_int_equal(f->calls, 1);
    assert_int_equal(f->events, LOOP_READ);
    turn_after(f, 0);
    assert_int_equal(f->calls, 1);
}

static void writing_is_reported_only_when_asked_for(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_fd(f->loop, f->pair[0], ready, f), ERR_OK);
    assert_int_equal(loop_fd_events(f->loop, f->pair[0], LOOP_READ | LOOP_WRITE), ERR_OK);
    turn_after(f, 0);
    assert_int_equal(f->events, LOOP_WRITE);
    assert_int_equal(loop_fd_events(f->loop, f->pair[0], 0), ERR_OK);
    assert_int_equal(write(f->pair[1], "x", 1), 1);
    turn_after(f, 0);
    assert_int_equal(f->calls, 1);
}

static void a_hang_up_is_reported_without_asking(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_fd(f->loop, f->pair[0], ready, f), ERR_OK);
    assert_int_equal(loop_fd_events(f->loop, f->pair[0], 0), ERR_OK);
    close(f->pair[1]);
    f->pair[1] = -1;
    turn_after(f, 0);
    assert_int_equal(f->events, LOOP_ERROR);
}

static void a_descriptor_has_one_row(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_fd(f->loop, -1, ready, f), ERR_USAGE);
    assert_int_equal(loop_fd(f->loop, f->pair[0], ready, f), ERR_OK);
    assert_int_equal(loop_fd(f->loop, f->pair[0], ready, f), ERR_EXISTS);
    loop_fd_remove(f->loop, f->pair[0]);
    loop_fd_remove(f->loop, f->pair[0]);
    assert_int_equal(loop_fd_events(f->loop, f->pair[0], LOOP_READ), ERR_NOT_FOUND);
    assert_int_equal(write(f->pair[1], "x", 1), 1);
    turn_after(f, 0);
    assert_int_equal(f->calls, 0);
}

static void sources_have_a_limit(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < LOOP_SOURCES_MAX; i++)
        assert_int_equal(loop_fd(f->loop, 1000 + i, ready, f), ERR_OK);
    assert_int_equal(loop_fd(f->loop, 5000, ready, f), ERR_FULL);
    loop_fd_remove(f->loop, 1007);
    assert_int_equal(loop_fd(f->loop, 5000, ready, f), ERR_OK);
}

static void removes_both(int fd, unsigned events, void *arg)
{
    struct fixture *f = arg;

    (void)fd;
    (void)events;
    f->calls++;
    loop_fd_remove(f->loop, f->pair[0]);
    loop_fd_remove(f->loop, f->other[0]);
    /* a newcomer in the place of the one removed is not called for the other's event */
    assert_int_equal(loop_fd(f->loop, f->pair[1], removes_both, f), ERR_OK);
    assert_int_equal(loop_fd(f->loop, f->other[1], removes_both, f), ERR_OK);
}

static void what_a_handler_removes_is_not_called_in_the_same_turn(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_fd(f->loop, f->pair[0], removes_both, f), ERR_OK);
    assert_int_equal(loop_fd(f->loop, f->other[0], removes_both, f), ERR_OK);
    assert_int_equal(write(f->pair[1], "x", 1), 1);
    assert_int_equal(write(f->other[1], "x", 1), 1);
    turn_after(f, 0);
    assert_int_equal(f->calls, 1);
    turn_after(f, 0);
    assert_int_equal(f->calls, 1);
}

static void caught(int signal, void *arg)
{
    struct fixture *f = arg;

    f->signals[f->signal_count++ % 4] = signal;
    loop_stop(f->loop);
}

static void signals_arrive_as_calls(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_signals(f->loop, caught, f), ERR_OK);
    assert_int_equal(loop_signals(f->loop, caught, f), ERR_EXISTS);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(raise(SIGHUP), 0);

    assert_int_equal(loop_run(f->loop), ERR_OK);

    assert_int_equal(f->signal_count, 2);
    assert_true(f->signals[0] == SIGTERM || f->signals[1] == SIGTERM);
    assert_true(f->signals[0] == SIGHUP || f->signals[1] == SIGHUP);
}

static void a_stop_asked_early_is_kept_and_used_once(void **state)
{
    struct fixture *f = *state;

    loop_stop(f->loop);
    assert_int_equal(loop_run(f->loop), ERR_OK);
    assert_int_equal(loop_once(f->loop, 0, counts, f), ERR_OK);
    loop_stop(f->loop);
    assert_int_equal(loop_run(f->loop), ERR_OK);
    assert_int_equal(f->calls, 0);
}

static void stops(void *arg)
{
    struct fixture *f = arg;

    f->calls++;
    loop_stop(f->loop);
}

static void a_handler_may_stop_the_loop(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_once(f->loop, 0, stops, f), ERR_OK);
    assert_int_equal(loop_run(f->loop), ERR_OK);
    assert_int_equal(f->calls, 1);
}

static void *stops_from_afar(void *arg)
{
    loop_stop(arg);
    return NULL;
}

static void another_thread_may_stop_the_loop(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, stops_from_afar, f->loop), 0);
    assert_int_equal(loop_run(f->loop), ERR_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void on_usr1(int signal)
{
    (void)signal;
}

static void *interrupts(void *arg)
{
    struct fixture *f = arg;

    for (int i = 0; i < 100; i++)
        kill(getpid(), SIGUSR1);
    loop_stop(f->loop);
    return NULL;
}

static void an_interrupted_poll_is_no_error(void **state)
{
    struct fixture *f = *state;
    struct sigaction sa = {.sa_handler = on_usr1};
    pthread_t thread;

    assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, interrupts, f), 0);
    assert_int_equal(loop_run(f->loop), ERR_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* --- links --- */

struct stream {
    struct rig *rig;
    struct link_socket *link; /* what is read */
    int count, timer_calls, remove_at;
};

static void on_frame(struct link_socket *link, const struct link_frame *frame, void *arg)
{
    struct stream *s = arg;

    (void)frame;
    if (++s->count == s->remove_at)
        loop_link_remove(s->rig->loop, link);
}

static void on_timer(void *arg)
{
    struct stream *s = arg;

    s->timer_calls++;
}

static struct rig_node *stream_open(struct rig *r, struct stream *s)
{
    struct rig_node *n;

    assert_int_equal(rig_open(r, 0), ERR_OK);
    assert_non_null(n = rig_join(r, "a"));
    assert_true(rig_says(r, n, "hello"));
    loop_link_remove(r->loop, n->link); /* the hub sends, the node is read here */
    *s = (struct stream){.rig = r, .link = n->link};
    assert_int_equal(loop_link(r->loop, n->link, on_frame, s), ERR_OK);
    assert_int_equal(loop_link(r->loop, n->link, on_frame, s), ERR_EXISTS);
    return n;
}

#define QUEUED 600

static int are_all_there(void *arg)
{
    struct stream *s = arg;
    struct link_connection c;
    size_t n = 0;

    return link_survey(s->link, &c, 1, &n) == ERR_OK && n == 1 &&
           c.received - c.accounted > QUEUED * 36; /* one byte, 35 of frame and CURVE */
}

static void a_full_link_lets_timers_have_their_turn(void **state)
{
    struct rig r;
    struct stream s = {.rig = &r};
    struct link_listen_options o = {
        .endpoint = "tcp://127.0.0.1:*", .domain = RIG_DOMAIN, .receive_queue = 2 * QUEUED};
    struct rig_node *n;

    (void)state;
    assert_int_equal(rig_open(&r, 0), ERR_OK);
    loop_link_remove(r.loop, r.hub);
    link_close(r.hub);
    o.secret_key = secret_box_span(r.key).ptr;
    assert_int_equal(link_listen(r.transport, &o, &r.hub), ERR_OK);
    s.link = r.hub;
    assert_non_null(n = rig_join(&r, "a"));
    for (int i = 0; i < QUEUED; i++)
        assert_int_equal(rig_send(&r, n->link, NULL, SPAN_STR("x")), ERR_OK);
    assert_true(rig_until(&r, are_all_there, &s));
    assert_int_equal(loop_link(r.loop, r.hub, on_frame, &s), ERR_OK);
    assert_int_equal(loop_once(r.loop, 0, on_timer, &s), ERR_OK);

    assert_int_equal(loop_turn(r.loop, 1000), ERR_OK);

    assert_int_equal(s.count, LOOP_DRAIN_MAX);
    assert_int_equal(s.timer_calls, 1);
    while (s.count < QUEUED)
        assert_int_equal(loop_turn(r.loop, 20), ERR_OK);
    rig_close(&r);
}

static void a_removed_link_is_not_called_again_even_in_its_drain(void **state)
{
    struct rig r;
    struct stream s;

    (void)state;
    stream_open(&r, &s);
    s.remove_at = 3;
    for (int i = 0; i < 20; i++)
        assert_int_equal(link_send(r.hub, &r.inbox.last.peer, SPAN_STR("x")), ERR_OK);
    while (s.count < 3)
        assert_int_equal(loop_turn(r.loop, 20), ERR_OK);
    assert_int_equal(loop_turn(r.loop, 20), ERR_OK);
    assert_int_equal(s.count, 3);
    rig_close(&r);
}

static void a_paused_link_is_not_read_until_it_goes_on(void **state)
{
    struct rig r;
    struct stream s;

    (void)state;
    stream_open(&r, &s);
    assert_int_equal(loop_link_pause(r.loop, s.link, 1), ERR_OK);
    assert_int_equal(link_send(r.hub, &r.inbox.last.peer, SPAN_STR("x")), ERR_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(loop_turn(r.loop, 10), ERR_OK);
    assert_int_equal(s.count, 0);
    assert_int_equal(loop_link_pause(r.loop, s.link, 0), ERR_OK);
    while (s.count < 1)
        assert_int_equal(loop_turn(r.loop, 20), ERR_OK);
    loop_link_remove(r.loop, s.link);
    assert_int_equal(loop_link_pause(r.loop, s.link, 1), ERR_NOT_FOUND);
    rig_close(&r);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_periodic_timer_is_called_every_period),
        T(a_late_loop_calls_once_and_not_once_per_missed_period),
        T(a_single_timer_is_called_once),
        T(a_cancelled_timer_is_not_called),
        T(what_a_timer_adds_waits_for_the_next_turn),
        T(a_timer_may_cancel_itself),
        T(timers_have_a_limit_and_a_period),
        T(a_descriptor_is_called_when_it_has_something),
        T(writing_is_reported_only_when_asked_for),
        T(a_hang_up_is_reported_without_asking),
        T(a_descriptor_has_one_row),
        T(sources_have_a_limit),
        T(what_a_handler_removes_is_not_called_in_the_same_turn),
        T(signals_arrive_as_calls),
        T(a_stop_asked_early_is_kept_and_used_once),
        T(a_handler_may_stop_the_loop),
        T(another_thread_may_stop_the_loop),
        T(an_interrupted_poll_is_no_error),
        cmocka_unit_test(a_full_link_lets_timers_have_their_turn),
        cmocka_unit_test(a_removed_link_is_not_called_again_even_in_its_drain),
        cmocka_unit_test(a_paused_link_is_not_read_until_it_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
