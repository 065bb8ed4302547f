/*
 * control_fixture - a control socket in a directory of its own, on a clock turned by hand, with
 * callers: one in a thread (call), one that says what it likes (raw_*).
 * Every wait ends after LIMIT_MS of the system's time. Thread rule: the test's thread.
 */
#ifndef TESTS_CONTROL_FIXTURE_H
#define TESTS_CONTROL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "control_socket.h"

#define TURN_MS 20
#define LIMIT_MS 20000
#define HELD_MAX 32

struct fixture {
    struct clock_fixed clock;
    struct loop *loop;
    struct control *control;
    char dir[32], path[64];
    struct control_request *held[HELD_MAX]; /* of hold() */
    size_t held_count;
    int calls;
    uint64_t began_ms; /* by the system's clock */
    uint32_t uid;
};

static inline int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    *state = f;
    if (!f)
        return -1;
    clock_fixed_init(&f->clock, 0);
    f->began_ms = clock_mono_ms(clock_system());
    snprintf(f->dir, sizeof f->dir, "/tmp/relais-control-XXXXXX");
    if (!mkdtemp(f->dir) || loop_signals_block() || loop_open(&f->clock.clock, &f->loop))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/control", f->dir);
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    char lock[80];

    control_close(f->control);
    for (size_t i = 0; i < f->held_count; i++)
        (void)!control_answer(f->held[i], NULL);
    loop_close(f->loop);
    snprintf(lock, sizeof lock, "%s.lock", f->path);
    unlink(lock);
    unlink(f->path);
    rmdir(f->dir);
    free(f);
    return 0;
}

static inline void echo(struct control_request *r, void *arg)
{
    struct fixture *f = arg;

    f->calls++;
    f->uid = control_uid(r);
    assert_false(control_gone(r));
    assert_int_equal(control_answer(r, json_pack("{s:O}", "echo", control_body(r))), ERR_OK);
}

static inline void hold(struct control_request *r, void *arg)
{
    struct fixture *f = arg;

    assert_true(f->held_count < HELD_MAX);
    f->held[f->held_count++] = r;
}

static inline void listens(struct fixture *f, void (*handler)(struct control_request *, void *))
{
    assert_int_equal(control_listen(f->loop, f->path, handler, f, &f->control), ERR_OK);
}

static inline void turns(struct fixture *f)
{
    if (clock_mono_ms(clock_system()) > f->began_ms + LIMIT_MS)
        fail_msg("waited for what does not come");
    assert_int_equal(loop_turn(f->loop, TURN_MS), ERR_OK);
}

struct caller {
    struct control_call call;
    json_t *request, *answer;
    enum err result;
    int progress_sum;
    _Atomic int done;
};

static inline void sums(const json_t *progress, void *arg)
{
    struct caller *c = arg;

    c->progress_sum = c->progress_sum * 10 + (int)json_integer_value(progress);
}

static inline void *calls(void *arg)
{
    struct caller *c = arg;

    c->result = control_call(&c->call, c->request, &c->answer);
    atomic_store(&c->done, 1);
    return NULL;
}

/* Calls with this request while the loop turns; the answer is the caller's. */
static inline enum err call(struct fixture *f, json_t *request, struct caller *c)
{
    pthread_t thread;

    memset(c, 0, sizeof *c);
    c->call = (struct control_call){.path = f->path, .on_progress = sums, .arg = c};
    c->request = request;
    assert_int_equal(pthread_create(&thread, NULL, calls, c), 0);
    while (!atomic_load(&c->done))
        turns(f);
    assert_int_equal(pthread_join(thread, NULL), 0);
    json_decref(request);
    return c->result;
}

static inline int raw_open(struct fixture *f)
{
    struct sockaddr_un a;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(control_address(f->path, &a), ERR_OK);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static inline void raw_say(struct fixture *f, int fd, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

        if (sent < 0 && errno != EAGAIN)
            return; /* refused already */
        if (sent > 0) {
            text += sent;
            n -= (size_t)sent;
        }
        turns(f);
    }
}

/* All that comes until the daemon closes; NUL-terminated, the caller's. */
static inline char *raw_hear(struct fixture *f, int fd)
{
    struct bytes in = {0};
    ssize_t n = 1;

    while (n != 0) {
        assert_int_equal(bytes_reserve(&in, 65536), ERR_OK);
        n = recv(fd, in.ptr + in.len, 65535, 0);
        if (n > 0)
            in.len += (size_t)n;
        else if (n < 0 && errno == ECONNRESET)
            n = 0;
        else if (n < 0)
            turns(f);
    }
    in.ptr[in.len] = '\0';
    close(fd);
    return (char *)in.ptr;
}

/* A socket file at the path, listening or left by the dead; the descriptor. */
static inline int foreign_socket(struct fixture *f, int listening)
{
    struct sockaddr_un a;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(control_address(f->path, &a), ERR_OK);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    if (listening)
        assert_int_equal(listen(fd, 1), 0);
    return fd;
}

#endif
