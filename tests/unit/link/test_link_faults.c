/* link: -Wl,--wrap=zmq_has,--wrap=zmq_ctx_new,--wrap=zmq_ctx_set,--wrap=zmq_ctx_term */
/* link: -Wl,--wrap=zmq_socket,--wrap=zmq_setsockopt,--wrap=zmq_getsockopt,--wrap=zmq_bind */
/* link: -Wl,--wrap=zmq_connect,--wrap=zmq_socket_monitor,--wrap=zmq_poll,--wrap=zmq_msg_recv */
/* link: -Wl,--wrap=zmq_msg_send,--wrap=zmq_msg_init_size,--wrap=zmq_recv,--wrap=zmq_send */
/* link: -Wl,--wrap=eventfd,--wrap=signalfd,--wrap=pthread_create,--wrap=pthread_sigmask */
/* link: -Wl,--wrap=socket,--wrap=bind,--wrap=listen,--wrap=connect,--wrap=accept4 */
/* link: -Wl,--wrap=fchmod,--wrap=flock,--wrap=lstat,--wrap=setsockopt,--wrap=getsockopt */
/* link: -Wl,--wrap=opendir,--wrap=recv,--wrap=send,--wrap=poll,--wrap=read,--wrap=write */
/* link: -Wl,--wrap=recvmsg,--wrap=sendmsg,--wrap=malloc,--wrap=calloc,--wrap=realloc */
/* Every call into the system and the library fails once, at each place: what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "failing_alloc.h"
#include "link.h"
#include "link_rig.h"

/* --- the machine that makes a call fail --- */

static struct {
    const char *name; /* of the function, NULL: nothing fails */
    int error;
    atomic_int countdown; /* 0: this call fails */
    atomic_int hit;
    int elsewhere; /* 1: in any thread but the one that armed */
    pthread_t armed_in;
} fault;

static int fails(const char *name)
{
    if (!fault.name || strcmp(fault.name, name) != 0)
        return 0;
    if (fault.elsewhere == (pthread_equal(pthread_self(), fault.armed_in) != 0))
        return 0;
    if (atomic_fetch_sub(&fault.countdown, 1) != 0)
        return 0;
    atomic_store(&fault.hit, 1);
    errno = fault.error;
    return 1;
}

static void arm(const char *name, int nth, int error, int elsewhere)
{
    fault.error = error;
    fault.elsewhere = elsewhere;
    fault.armed_in = pthread_self();
    atomic_store(&fault.countdown, nth);
    atomic_store(&fault.hit, 0);
    fault.name = name;
}

static int disarm(void)
{
    fault.name = NULL;
    return atomic_load(&fault.hit);
}

#define WRAP(type, failure, name, params, args)                                                    \
    type __real_##name params;                                                                     \
    type __wrap_##name params;                                                                     \
    type __wrap_##name params                                                                      \
    {                                                                                              \
        return fails(#name) ? (failure) : __real_##name args;                                      \
    }

/* clang-format off */
WRAP(int, 0, zmq_has, (const char *c), (c))
WRAP(void *, NULL, zmq_ctx_new, (void), ())
WRAP(int, -1, zmq_ctx_set, (void *c, int o, int v), (c, o, v))
WRAP(int, -1, zmq_ctx_term, (void *c), (c))
WRAP(void *, NULL, zmq_socket, (void *c, int t), (c, t))
WRAP(int, -1, zmq_setsockopt, (void *s, int o, const void *v, size_t n), (s, o, v, n))
WRAP(int, -1, zmq_getsockopt, (void *s, int o, void *v, size_t *n), (s, o, v, n))
WRAP(int, -1, zmq_bind, (void *s, const char *a), (s, a))
WRAP(int, -1, zmq_connect, (void *s, const char *a), (s, a))
WRAP(int, -1, zmq_socket_monitor, (void *s, const char *a, int e), (s, a, e))
WRAP(int, -1, zmq_poll, (zmq_pollitem_t *i, int n, long t), (i, n, t))
WRAP(int, -1, zmq_msg_recv, (zmq_msg_t *m, void *s, int f), (m, s, f))
WRAP(int, -1, zmq_msg_send, (zmq_msg_t *m, void *s, int f), (m, s, f))
WRAP(int, -1, zmq_msg_init_size, (zmq_msg_t *m, size_t n), (m, n))
WRAP(int, -1, zmq_recv, (void *s, void *b, size_t n, int f), (s, b, n, f))
WRAP(int, -1, zmq_send, (void *s, const void *b, size_t n, int f), (s, b, n, f))
WRAP(int, -1, eventfd, (unsigned n, int f), (n, f))
WRAP(int, -1, signalfd, (int d, const sigset_t *s, int f), (d, s, f))
WRAP(int, EAGAIN, pthread_create,
     (pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *g), (t, a, f, g))
WRAP(int, EINVAL, pthread_sigmask, (int h, const sigset_t *s, sigset_t *o), (h, s, o))
WRAP(int, -1, socket, (int d, int t, int p), (d, t, p))
WRAP(int, -1, bind, (int s, const struct sockaddr *a, socklen_t n), (s, a, n))
WRAP(int, -1, listen, (int s, int n), (s, n))
WRAP(int, -1, connect, (int s, const struct sockaddr *a, socklen_t n), (s, a, n))
WRAP(int, -1, accept4, (int s, struct sockaddr *a, socklen_t *n, int f), (s, a, n, f))
WRAP(int, -1, fchmod, (int f, mode_t m), (f, m))
WRAP(int, -1, flock, (int f, int o), (f, o))
WRAP(int, -1, lstat, (const char *p, struct stat *s), (p, s))
WRAP(int, -1, setsockopt, (int s, int l, int o, const void *v, socklen_t n), (s, l, o, v, n))
WRAP(int, -1, getsockopt, (int s, int l, int o, void *v, socklen_t *n), (s, l, o, v, n))
WRAP(DIR *, NULL, opendir, (const char *p), (p))
WRAP(ssize_t, -1, recv, (int s, void *b, size_t n, int f), (s, b, n, f))
WRAP(ssize_t, -1, send, (int s, const void *b, size_t n, int f), (s, b, n, f))
WRAP(ssize_t, -1, recvmsg, (int s, struct msghdr *m, int f), (s, m, f))
WRAP(ssize_t, -1, sendmsg, (int s, const struct msghdr *m, int f), (s, m, f))
WRAP(int, -1, poll, (struct pollfd *p, nfds_t n, int t), (p, n, t))
WRAP(ssize_t, -1, read, (int f, void *b, size_t n), (f, b, n))
WRAP(ssize_t, -1, write, (int f, const void *b, size_t n), (f, b, n))
/* clang-format on */

/* --- what is run while one call fails --- */

struct run {
    struct rig rig;
    struct loop *loop; /* of the control socket */
    struct control *control;
    char dir[32], path[64];
    _Atomic int done;
    enum err answer;
};

static int setup(void **state)
{
    struct run *x = calloc(1, sizeof *x);

    *state = x;
    if (!x)
        return -1;
    snprintf(x->dir, sizeof x->dir, "/tmp/relais-faults-XXXXXX");
    if (!mkdtemp(x->dir))
        return -1;
    snprintf(x->path, sizeof x->path, "%s/control", x->dir);
    return 0;
}

static int teardown(void **state)
{
    struct run *x = *state;
    char lock[80];

    disarm();
    snprintf(lock, sizeof lock, "%s.lock", x->path);
    unlink(lock);
    unlink(x->path);
    rmdir(x->dir);
    free(x);
    return 0;
}

static void ignores_signal(int signal, void *arg)
{
    (void)signal;
    (void)arg;
}

static int hub_answers(void *arg)
{
    struct run *x = arg;
    struct rig_node *n = &x->rig.nodes[0];

    if (n->inbox.count > 0)
        return 1;
    (void)!link_send(n->link, NULL, SPAN_STR("hello"));
    if (x->rig.inbox.count > 0)
        (void)!link_send(x->rig.hub, &x->rig.inbox.last.peer, SPAN_STR("welcome"));
    return 0;
}

/* A hub and a node from the start to the end: open, talk, survey, kick, talk again. */
static enum err networks(struct run *x)
{
    struct link_connection c;
    struct rig_node *n;
    size_t count;
    enum err e;

    if ((e = rig_open(&x->rig, 0)))
        goto out;
    if ((e = loop_signals(x->rig.loop, ignores_signal, x)))
        goto out;
    e = ERR_IO;
    if (!(n = rig_join(&x->rig, "a")))
        goto out;
    e = ERR_TIMEOUT;
    if (!rig_until(&x->rig, hub_answers, x))
        goto out;
    if ((e = link_survey(x->rig.hub, &c, 1, &count)))
        goto out;
    if ((e = link_rebind(x->rig.hub)))
        goto out;
    e = rig_returns(&x->rig, n, "a") ? ERR_OK : ERR_TIMEOUT;
out:
    rig_close(&x->rig);
    return e;
}

static void answers(struct control_request *r, void *arg)
{
    (void)arg;
    (void)!control_progress(r, json_integer(1));
    (void)!control_answer(r, json_object());
}

static enum err calls_control(struct run *x)
{
    struct control_call call = {.path = x->path, .timeout_ms = 2000};
    json_t *request = json_object();
    json_t *answer = NULL;
    enum err e = control_call(&call, request, &answer);

    json_decref(request);
    json_decref(answer);
    return e;
}

static void *caller_thread(void *arg)
{
    struct run *x = arg;

    x->answer = calls_control(x);
    atomic_store(&x->done, 1);
    return NULL;
}

static void *loop_thread(void *arg)
{
    struct run *x = arg;

    while (!atomic_load(&x->done))
        (void)!loop_turn(x->loop, 5);
    return NULL;
}

static enum err control_opens(struct run *x)
{
    enum err e;

    x->control = NULL;
    x->loop = NULL;
    atomic_store(&x->done, 0);
    if ((e = loop_open(clock_system(), &x->loop)))
        return e;
    if ((e = control_listen(x->loop, x->path, answers, x, &x->control))) {
        loop_close(x->loop);
        x->loop = NULL;
    }
    return e;
}

static void control_ends(struct run *x)
{
    control_close(x->control);
    loop_close(x->loop);
}

/* A daemon's door in this thread, its caller in another. */
static enum err serves(struct run *x)
{
    pthread_t thread;
    enum err e;

    if ((e = control_opens(x)))
        return e;
    if (pthread_create(&thread, NULL, caller_thread, x)) {
        control_ends(x);
        return ERR_NOMEM;
    }
    while (!atomic_load(&x->done))
        (void)!loop_turn(x->loop, 5);
    pthread_join(thread, NULL);
    control_ends(x);
    return x->answer;
}

/* The caller in this thread; only what it calls is to fail. */
static enum err asks(struct run *x)
{
    const char *name = fault.name;
    pthread_t thread;
    enum err e;

    fault.name = NULL;
    assert_int_equal(control_opens(x), ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, loop_thread, x), 0);
    fault.name = name;
    e = calls_control(x);
    fault.name = NULL;
    atomic_store(&x->done, 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    control_ends(x);
    return e;
}

/* Lets the first, second, ... call of the function fail, until a run makes no more of them. Returns
 * how many runs met their fault; *errors: how many of these ended in an error. */
static int at_each_place(struct run *x, enum err (*what)(struct run *x), const char *name,
                         int error, int most, int *errors)
{
    int met = 0;

    *errors = 0;
    for (int n = 0; n < most; n++) {
        arm(name, n, error, 0);
        enum err e = what(x);
        if (!disarm()) {
            assert_int_equal(e, ERR_OK); /* nothing failed, so nothing may */
            return met;
        }
        met++;
        *errors += e ? 1 : 0;
    }
    return met;
}

struct row {
    const char *name;
    int places; /* at least so many calls are met, at most `most` are tried */
    int most;
    int errors; /* at least so many of the runs end in an error */
};

static void run_rows(struct run *x, enum err (*what)(struct run *x), const struct row *rows,
                     size_t n, int error)
{
    for (size_t i = 0; i < n; i++) {
        int errors, met = at_each_place(x, what, rows[i].name, error, rows[i].most, &errors);

        if (met < rows[i].places || errors < rows[i].errors)
            fail_msg("%s: %d met, %d errors", rows[i].name, met, errors);
    }
}

static void every_failing_call_of_the_network_is_told_or_survived(void **state)
{
    static const struct row rows[] = {
        {"zmq_has",            1,  9,  1 },
        {"zmq_ctx_new",        1,  9,  1 },
        {"zmq_ctx_set",        1,  9,  1 },
        {"zmq_ctx_term",       0,  0,  0 },
        {"zmq_socket",         5,  9,  5 },
        {"zmq_setsockopt",     40, 99, 40},
        {"zmq_getsockopt",     3,  9,  3 },
        {"zmq_bind",           3,  9,  3 },
        {"zmq_connect",        2,  9,  2 },
        {"zmq_socket_monitor", 1,  9,  1 },
        {"zmq_poll",           4,  6,  1 },
        {"zmq_msg_recv",       4,  6,  0 },
        {"zmq_msg_send",       3,  5,  0 },
        {"zmq_msg_init_size",  2,  4,  0 },
        {"eventfd",            2,  9,  2 },
        {"signalfd",           1,  9,  1 },
        {"pthread_create",     1,  9,  1 },
        {"pthread_sigmask",    1,  9,  1 },
        {"opendir",            1,  9,  1 },
        {"getsockopt",         3,  9,  0 },
    };

    run_rows(*state, networks, rows, sizeof rows / sizeof *rows, EIO);
}

/* Its descriptor became another's between the look and the call, or the system refuses. */
static void who_cannot_be_held_is_not_held(void **state)
{
    static const struct {
        const char *name;
        int nth;
    } call[] = {
        {"getsockopt", 0},
        {"getsockopt", 1},
        {"setsockopt", 0},
    };
    struct run *x = *state;
    struct link_held held = {0};
    struct rig_node *n;

    assert_int_equal(rig_open(&x->rig, 0), ERR_OK);
    assert_non_null(n = rig_join(&x->rig, "a"));
    for (size_t i = 0; i < sizeof call / sizeof *call; i++) {
        assert_true(rig_says(&x->rig, n, "heard each time"));
        arm(call[i].name, call[i].nth, EINVAL, 0);
        assert_int_equal(link_hold(&x->rig.inbox.last.peer, &held), ERR_CLOSED);
        assert_true(disarm());
        assert_int_equal(held.connection, 0);
    }
    assert_true(rig_says(&x->rig, n, "heard again"));
    rig_close(&x->rig);
}

static void an_interrupted_call_of_the_network_changes_nothing(void **state)
{
    static const char *const names[] = {"zmq_ctx_term", "zmq_poll", "zmq_msg_recv", "zmq_msg_send",
                                        "write"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int errors, met = at_each_place(*state, networks, names[i], EINTR, 8, &errors);

        assert_true(met > 0);
        assert_int_equal(errors, 0);
    }
}

static void every_failing_call_of_the_control_socket_is_told_or_survived(void **state)
{
    static const struct row serving[] = {
        {"socket",     1, 9, 1},
        {"fchmod",     1, 9, 1},
        {"bind",       1, 9, 1},
        {"listen",     1, 9, 1},
        {"flock",      1, 9, 1},
        {"lstat",      1, 9, 1},
        {"getsockopt", 1, 9, 1},
        {"recvmsg",    1, 9, 1},
        {"send",       1, 9, 1},
        {"eventfd",    1, 9, 1},
        {"accept4",    1, 9, 0},
    };
    static const struct row asking[] = {
        {"socket",     1, 9, 1},
        {"setsockopt", 1, 9, 1},
        {"connect",    1, 9, 1},
        {"sendmsg",    1, 9, 0},
        {"poll",       1, 9, 1},
        {"recv",       1, 9, 1},
    };

    run_rows(*state, serves, serving, sizeof serving / sizeof *serving, EIO);
    run_rows(*state, asks, asking, sizeof asking / sizeof *asking, EIO);
}

static void an_interrupted_call_of_the_control_socket_changes_nothing(void **state)
{
    static const char *const serving[] = {"recvmsg", "send", "zmq_poll", "accept4"};
    static const char *const asking[] = {"recv", "sendmsg", "poll", "connect"};
    int errors;

    for (size_t i = 0; i < 4; i++) {
        assert_true(at_each_place(*state, serves, serving[i], EINTR, 5, &errors) > 0);
        assert_int_equal(errors, 0);
        assert_true(at_each_place(*state, asks, asking[i], EINTR, 5, &errors) > 0);
        assert_int_equal(errors, 0);
    }
}

static void a_caller_is_told_why_it_does_not_get_through(void **state)
{
    static const struct {
        const char *name;
        int error;
        enum err expected;
    } rows[] = {
        {"connect", EACCES, ERR_PERMISSION},
        {"connect", EPERM,  ERR_PERMISSION},
        {"connect", EAGAIN, ERR_TIMEOUT   },
        {"connect", ENOENT, ERR_NOT_FOUND },
        {"sendmsg", EAGAIN, ERR_TIMEOUT   },
        {"poll",    EIO,    ERR_IO        },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        arm(rows[i].name, 0, rows[i].error, 0);
        assert_int_equal(asks(*state), rows[i].expected);
    }
}

static void a_caller_without_memory_is_told(void **state)
{
    int failed = 0;
    enum err e = ERR_NOMEM;

    for (long n = 1; e && n < 8; n++) {
        struct run *x = *state;

        assert_int_equal(control_opens(x), ERR_OK);
        /* nobody serves: what the caller itself allocates before it waits */
        struct control_call call = {.path = x->path, .timeout_ms = 50};
        json_t *request = json_object(), *answer = NULL;
        alloc_fail_after(n);
        e = control_call(&call, request, &answer);
        alloc_fail_after(-1);
        json_decref(request);
        control_ends(x);
        failed += e == ERR_NOMEM;
        if (e == ERR_TIMEOUT)
            break; /* got as far as waiting */
    }
    assert_true(failed >= 2);
}

static void errors_of_the_library_have_their_names(void **state)
{
    static const struct {
        int error;
        enum err expected;
    } rows[] = {
        {EADDRINUSE,      ERR_EXISTS    },
        {EADDRNOTAVAIL,   ERR_NOT_FOUND },
        {ENODEV,          ERR_NOT_FOUND },
        {EACCES,          ERR_PERMISSION},
        {EINVAL,          ERR_USAGE     },
        {EPROTONOSUPPORT, ERR_USAGE     },
        {ENOMEM,          ERR_NOMEM     },
        {EMFILE,          ERR_FULL      },
        {ETERM,           ERR_STOPPING  },
        {ENOTSOCK,        ERR_STOPPING  },
        {EHOSTUNREACH,    ERR_CLOSED    },
        {ENXIO,           ERR_IO        },
    };
    struct run *x = *state;
    struct link_socket *s = NULL;

    assert_int_equal(rig_open(&x->rig, 0), ERR_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct link_listen_options l = {.endpoint = "tcp://127.0.0.1:*",
                                        .domain = RIG_DOMAIN,
                                        .secret_key = secret_box_span(x->rig.key).ptr};

        arm("zmq_bind", 0, rows[i].error, 0);
        assert_int_equal(link_listen(x->rig.transport, &l, &s), rows[i].expected);
        assert_true(disarm());
    }
    rig_close(&x->rig);
}

static int option(const struct link_socket *s, int name)
{
    int value = INT_MIN;
    size_t n = sizeof value;

    assert_int_equal(zmq_getsockopt(s->zsock, name, &value, &n), 0);
    return value;
}

static void every_socket_has_the_one_profile(void **state)
{
    static const struct {
        int option, listener, connector;
    } rows[] = {
        {ZMQ_RCVHWM,              16,        64       },
        {ZMQ_SNDHWM,              64,        64       },
        {ZMQ_HANDSHAKE_IVL,       5000,      5000     },
        {ZMQ_IMMEDIATE,           0,         1        },
        {ZMQ_HEARTBEAT_IVL,       0,         15000    },
        {ZMQ_HEARTBEAT_TIMEOUT,   -1,        30000    },
        {ZMQ_HEARTBEAT_TTL,       0,         60000    },
        {ZMQ_RECONNECT_IVL_MAX,   0,         30000    },
        {ZMQ_IPV6,                1,         1        },
        {ZMQ_TCP_KEEPALIVE,       1,         1        },
        {ZMQ_TCP_KEEPALIVE_IDLE,  60,        60       },
        {ZMQ_TCP_KEEPALIVE_INTVL, 15,        15       },
        {ZMQ_TCP_KEEPALIVE_CNT,   4,         4        },
        {ZMQ_MECHANISM,           ZMQ_CURVE, ZMQ_CURVE},
        {ZMQ_CURVE_SERVER,        1,         0        },
    };
    struct run *x = *state;
    struct link_socket *node = NULL;
    struct link_connect_options o = {.endpoint = "tcp://127.0.0.1:1"};
    char domain[LINK_DOMAIN_MAX + 1];
    size_t n = sizeof domain;

    assert_int_equal(rig_open(&x->rig, 0), ERR_OK);
    o.secret_key = secret_box_span(x->rig.key).ptr;
    o.public_key = o.server_key = secret_box_public(x->rig.key)->b;
    assert_int_equal(link_connect(x->rig.transport, &o, &node), ERR_OK);
    for (int turn = 0; turn < 2; turn++) { /* as opened, and as opened again */
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            assert_int_equal(option(x->rig.hub, rows[i].option), rows[i].listener);
            assert_int_equal(option(node, rows[i].option), rows[i].connector);
        }
        assert_int_equal(option(x->rig.hub, ZMQ_LINGER), 0);
        assert_int_equal(option(x->rig.hub, ZMQ_BACKLOG), 4096);
        assert_int_equal(zmq_getsockopt(x->rig.hub->zsock, ZMQ_ZAP_DOMAIN, domain, &n), 0);
        assert_string_equal(domain, RIG_DOMAIN);
        n = sizeof domain;
        const struct link_socket *both[] = {x->rig.hub, node};
        for (int i = 0; i < 2; i++) {
            int64_t largest = -1;
            size_t size = sizeof largest;

            assert_int_equal(zmq_getsockopt(both[i]->zsock, ZMQ_MAXMSGSIZE, &largest, &size), 0);
            assert_int_equal(largest, LINK_PAYLOAD_MAX + 33);
        }
        assert_int_equal(link_rebind(x->rig.hub), ERR_OK);
    }
    assert_int_equal(option(node, ZMQ_LINGER), 2000);
    assert_in_range(option(node, ZMQ_RECONNECT_IVL), 500, 1000);
    link_close(node);
    rig_close(&x->rig);
}

static void a_library_without_curve_is_refused(void **state)
{
    struct run *x = *state;

    arm("zmq_has", 0, 0, 0);
    assert_int_equal(rig_open(&x->rig, 0), ERR_UNSUPPORTED);
    disarm();
    rig_close(&x->rig);
}

static void a_failed_rebind_leaves_a_dead_link_that_says_so(void **state)
{
    struct run *x = *state;
    struct link_connection c;
    struct link_frame f;
    size_t n;

    assert_int_equal(rig_open(&x->rig, 0), ERR_OK);
    arm("zmq_bind", 0, EADDRINUSE, 0);
    assert_int_equal(link_rebind(x->rig.hub), ERR_EXISTS);
    disarm();

    assert_int_equal(link_recv(x->rig.hub, &f), ERR_CLOSED);
    assert_int_equal(link_send(x->rig.hub, NULL, SPAN_STR("x")), ERR_CLOSED);
    assert_int_equal(link_rebind(x->rig.hub), ERR_CLOSED);
    assert_int_equal(link_survey(x->rig.hub, &c, 1, &n), ERR_CLOSED);
    assert_int_equal(loop_turn(x->rig.loop, 0), ERR_OK); /* not polled */
    rig_close(&x->rig);
}

static void a_zap_thread_that_cannot_go_on_ends_and_tells(void **state)
{
    static const char *const names[] = {"zmq_poll", "zmq_recv", "zmq_getsockopt", "zmq_send"};
    struct run *x = *state;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(rig_open(&x->rig, 0), ERR_OK);
        arm(names[i], 0, EIO, 1);
        assert_non_null(rig_join(&x->rig, "a"));
        while (!atomic_load(&x->rig.fatal))
            assert_int_equal(loop_turn(x->rig.loop, 20), ERR_OK);
        assert_true(disarm());
        assert_int_equal(zap_alive(x->rig.zap), 0);
        assert_int_equal(x->rig.inbox.count, 0);
        rig_close(&x->rig);
    }
}

static void an_interrupted_zap_thread_goes_on(void **state)
{
    static const char *const names[] = {"zmq_poll", "zmq_recv", "zmq_send", "read"};
    struct run *x = *state;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct rig_node *n;

        assert_int_equal(rig_open(&x->rig, 0), ERR_OK);
        arm(names[i], 0, strcmp(names[i], "read") == 0 ? EAGAIN : EINTR, 1);
        assert_non_null(n = rig_join(&x->rig, "a"));
        assert_true(rig_says(&x->rig, n, "hello"));
        disarm();
        assert_true(zap_alive(x->rig.zap) > 0);
        assert_int_equal(atomic_load(&x->rig.fatal), 0);
        rig_close(&x->rig);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_failing_call_of_the_network_is_told_or_survived),
        T(who_cannot_be_held_is_not_held),
        T(an_interrupted_call_of_the_network_changes_nothing),
        T(every_failing_call_of_the_control_socket_is_told_or_survived),
        T(an_interrupted_call_of_the_control_socket_changes_nothing),
        T(a_caller_is_told_why_it_does_not_get_through),
        T(a_caller_without_memory_is_told),
        T(errors_of_the_library_have_their_names),
        T(every_socket_has_the_one_profile),
        T(a_library_without_curve_is_refused),
        T(a_failed_rebind_leaves_a_dead_link_that_says_so),
        T(a_zap_thread_that_cannot_go_on_ends_and_tells),
        T(an_interrupted_zap_thread_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
