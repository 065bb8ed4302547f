/* The control socket: who may speak, what is refused, how long it waits, who gets the answer. */
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
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "control_socket.h"

#define TURN_MS 20
#define HELD_MAX 32

struct fixture {
    struct clock_fixed clock;
    struct loop *loop;
    struct control *control;
    char dir[32], path[64];
    struct control_request *held[HELD_MAX]; /* of hold() */
    size_t held_count;
    int calls;
    uint32_t uid;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    *state = f;
    if (!f)
        return -1;
    clock_fixed_init(&f->clock, 0);
    snprintf(f->dir, sizeof f->dir, "/tmp/relais-control-XXXXXX");
    if (!mkdtemp(f->dir) || loop_signals_block() || loop_open(&f->clock.clock, &f->loop))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/control", f->dir);
    return 0;
}

static int teardown(void **state)
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

/* --- handlers --- */

static void echo(struct control_request *r, void *arg)
{
    struct fixture *f = arg;

    f->calls++;
    f->uid = control_uid(r);
    assert_false(control_gone(r));
    assert_int_equal(control_answer(r, json_pack("{s:O}", "echo", control_body(r))), ERR_OK);
}

static void hold(struct control_request *r, void *arg)
{
    struct fixture *f = arg;

    assert_true(f->held_count < HELD_MAX);
    f->held[f->held_count++] = r;
}

static void progresses(struct control_request *r, void *arg)
{
    (void)arg;
    for (int i = 1; i <= 3; i++)
        assert_int_equal(control_progress(r, json_integer(i)), ERR_OK);
    assert_int_equal(control_answer(r, json_pack("{s:b}", "done", 1)), ERR_OK);
}

static void answers_nothing(struct control_request *r, void *arg)
{
    (void)arg;
    assert_int_equal(control_answer(r, NULL), ERR_TYPE);
}

static json_t *long_text(size_t n)
{
    char *text = malloc(n + 1);
    json_t *answer;

    assert_non_null(text);
    memset(text, 'x', n);
    text[n] = '\0';
    answer = json_pack("{s:s}", "t", text);
    free(text);
    return answer;
}

static void answers_the_longest(struct control_request *r, void *arg)
{
    (void)arg;
    assert_int_equal(control_answer(r, long_text(CONTROL_LINE_MAX - 8)), ERR_OK);
}

static void answers_too_much(struct control_request *r, void *arg)
{
    (void)arg;
    assert_int_equal(control_answer(r, long_text(CONTROL_LINE_MAX - 7)), ERR_SIZE);
}

static void listens(struct fixture *f, void (*handler)(struct control_request *, void *))
{
    assert_int_equal(control_listen(f->loop, f->path, handler, f, &f->control), ERR_OK);
}

static void turns(struct fixture *f)
{
    assert_int_equal(loop_turn(f->loop, TURN_MS), ERR_OK);
}

/* --- a caller in a thread of its own, and a raw one --- */

struct caller {
    struct control_call call;
    json_t *request, *answer;
    enum err result;
    int progress_sum;
    _Atomic int done;
};

static void sums(const json_t *progress, void *arg)
{
    struct caller *c = arg;

    c->progress_sum = c->progress_sum * 10 + (int)json_integer_value(progress);
}

static void *calls(void *arg)
{
    struct caller *c = arg;

    c->result = control_call(&c->call, c->request, &c->answer);
    atomic_store(&c->done, 1);
    return NULL;
}

/* Calls with this request while the loop turns; the answer is the caller's. */
static enum err call(struct fixture *f, json_t *request, struct caller *c)
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

static int raw_open(struct fixture *f)
{
    struct sockaddr_un a;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(control_address(f->path, &a), ERR_OK);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void raw_say(struct fixture *f, int fd, const char *text, size_t n)
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
static char *raw_hear(struct fixture *f, int fd)
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

static void is_refused_as(struct fixture *f, const char *text, size_t n, const char *name)
{
    int fd = raw_open(f);
    char *heard;
    char expected[64];

    raw_say(f, fd, text, n);
    heard = raw_hear(f, fd);
    snprintf(expected, sizeof expected, "\"error\":\"%s\"", name);
    if (!strstr(heard, expected))
        fail_msg("%s instead of %s for %.40s", heard, name, text);
    free(heard);
}

/* --- asking and answering --- */

static void a_request_is_answered(void **state)
{
    struct fixture *f = *state;
    struct caller c;

    listens(f, echo);
    assert_int_equal(call(f, json_pack("{s:s, s:[i,i]}", "cmd", "status", "n", 1, 2), &c), ERR_OK);
    json_t *inner = json_object_get(c.answer, "echo");
    assert_string_equal(json_string_value(json_object_get(inner, "cmd")), "status");
    assert_int_equal(f->uid, geteuid());
    json_decref(c.answer);
}

static void progress_comes_before_the_answer(void **state)
{
    struct fixture *f = *state;
    struct caller c;

    listens(f, progresses);
    assert_int_equal(call(f, json_object(), &c), ERR_OK);
    assert_int_equal(c.progress_sum, 123);
    assert_true(json_is_true(json_object_get(c.answer, "done")));
    json_decref(c.answer);
}

static void answers_held(void *arg)
{
    struct fixture *f = arg;

    if (f->held_count) {
        f->held_count = 0;
        assert_int_equal(control_answer(f->held[0], json_pack("{s:i}", "late", 1)), ERR_OK);
    }
}

static void an_answer_may_come_in_a_later_turn(void **state)
{
    struct fixture *f = *state;
    struct caller c;
    pthread_t thread;

    listens(f, hold);
    memset(&c, 0, sizeof c);
    c.call.path = f->path;
    c.request = json_object();
    assert_int_equal(pthread_create(&thread, NULL, calls, &c), 0);
    while (!f->held_count)
        turns(f);
    assert_int_equal(loop_once(f->loop, 60000, answers_held, f), ERR_OK);
    for (int i = 0; i < 60; i++) { /* longer than any limit of a caller's own delays */
        clock_fixed_advance(&f->clock, 1000);
        assert_int_equal(loop_turn(f->loop, 0), ERR_OK);
    }
    while (!atomic_load(&c.done))
        turns(f);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(c.result, ERR_OK);
    assert_int_equal(json_integer_value(json_object_get(c.answer, "late")), 1);
    json_decref(c.request);
    json_decref(c.answer);
}

static void the_longest_answer_passes_and_a_longer_one_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct caller c;

    listens(f, answers_the_longest);
    assert_int_equal(call(f, json_object(), &c), ERR_OK);
    assert_int_equal(json_string_length(json_object_get(c.answer, "t")), CONTROL_LINE_MAX - 8);
    json_decref(c.answer);
    control_close(f->control);
    listens(f, answers_too_much);
    assert_int_equal(call(f, json_object(), &c), ERR_OK);
    assert_string_equal(json_string_value(json_object_get(c.answer, "error")), "ERR_SIZE");
    json_decref(c.answer);
}

static void an_answer_that_is_no_object_becomes_an_error(void **state)
{
    struct fixture *f = *state;
    struct caller c;

    listens(f, answers_nothing);
    assert_int_equal(call(f, json_object(), &c), ERR_OK);
    assert_int_equal(json_integer_value(json_object_get(c.answer, "code")), ERR_TYPE);
    json_decref(c.answer);
}

static void a_large_request_passes_and_a_larger_one_is_not_sent(void **state)
{
    struct fixture *f = *state;
    struct caller c;

    listens(f, answers_the_longest);
    assert_int_equal(call(f, long_text(CONTROL_LINE_MAX - 8), &c), ERR_OK);
    json_decref(c.answer);
    assert_int_equal(call(f, long_text(CONTROL_LINE_MAX - 7), &c), ERR_SIZE);
    assert_int_equal(call(f, json_array(), &c), ERR_TYPE);
}

/* --- refusals --- */

static void what_is_no_sound_object_is_refused_by_name(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        const char *name;
    } rows[] = {
        {"hello\n",               "ERR_TEXT_FORM"    },
        {"\n",                    "ERR_TEXT_FORM"    },
        {"{\"a\":1\n",            "ERR_TEXT_FORM"    },
        {"{\"a\":1} x\n",         "ERR_TEXT_FORM"    },
        {"{\"a\":\"\\u0000\"}\n", "ERR_TEXT_FORM"    },
        {"[1]\n",                 "ERR_TYPE"         },
        {"\"{\"\n",               "ERR_TYPE"         },
        {"null\n",                "ERR_TYPE"         },
        {"{\"a\":1,\"a\":2}\n",   "ERR_DUPLICATE_KEY"},
        {"{\"a\":\"\xff\"}\n",    "ERR_UTF8"         },
        {"{}\n{}\n",              "ERR_TRAILING"     },
        {"{}\n ",                 "ERR_TRAILING"     },
    };

    listens(f, echo);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        is_refused_as(f, rows[i].text, strlen(rows[i].text), rows[i].name);
    is_refused_as(f, "{\"a\":\"\0\"}\n", 10, "ERR_TEXT_FORM");
    assert_int_equal(f->calls, 0);
}

/* {"a":[[...]]}, so many levels with the object's own; \\[ and [ in texts do not count. */
static size_t nested(char *out, size_t levels)
{
    static const char head[] = "{\"[[[\":\"\\\"[[[\",\"a\":";
    size_t n = sizeof head - 1;

    memcpy(out, head, n);
    memset(out + n, '[', levels - 1);
    n += levels - 1;
    memset(out + n, ']', levels - 1);
    n += levels - 1;
    out[n++] = '}';
    out[n++] = '\n';
    return n;
}

static void nesting_is_limited(void **state)
{
    struct fixture *f = *state;
    char text[256];
    char *heard;
    int fd;

    listens(f, hold);
    is_refused_as(f, text, nested(text, CONTROL_DEPTH_MAX + 1), "ERR_DEPTH");
    fd = raw_open(f);
    raw_say(f, fd, text, nested(text, CONTROL_DEPTH_MAX));
    while (!f->held_count)
        turns(f);
    answers_held(f);
    heard = raw_hear(f, fd);
    assert_string_equal(heard, "{\"late\":1}\n");
    free(heard);
}

static void a_line_that_never_ends_is_refused(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(CONTROL_LINE_MAX + 20000);

    assert_non_null(text);
    memset(text, ' ', CONTROL_LINE_MAX + 20000);
    text[0] = '{';
    listens(f, echo);
    is_refused_as(f, text, CONTROL_LINE_MAX + 20000, "ERR_SIZE");
    free(text);
}

static void the_socket_is_for_its_owner_alone(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    listens(f, echo);
    assert_int_equal(stat(f->path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0600);
    control_close(f->control);
    f->control = NULL;
    assert_int_equal(stat(f->path, &st), -1);
}

static void an_open_directory_is_refused(void **state)
{
    struct fixture *f = *state;
    int here = open(".", O_PATH | O_DIRECTORY);

    assert_int_equal(chmod(f->dir, 0750), 0);
    assert_int_equal(control_listen(f->loop, f->path, echo, f, &f->control), ERR_PERMISSION);
    assert_int_equal(chdir(f->dir), 0);
    assert_int_equal(control_listen(f->loop, "control", echo, f, &f->control), ERR_PERMISSION);
    assert_int_equal(fchdir(here), 0);
    close(here);
    assert_int_equal(chmod(f->dir, 0700), 0);
    assert_int_equal(control_listen(f->loop, "/control", echo, f, &f->control), ERR_PERMISSION);
    assert_int_equal(control_listen(f->loop, "/nonexistent/control", echo, f, &f->control),
                     ERR_NOT_FOUND);
    assert_int_equal(control_listen(f->loop, "/dev/null/x/control", echo, f, &f->control), ERR_IO);
    assert_null(f->control);
}

static void a_path_too_long_for_a_socket_is_refused(void **state)
{
    struct fixture *f = *state;
    char path[200];
    json_t *answer = NULL;

    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_int_equal(control_listen(f->loop, path, echo, f, &f->control), ERR_SIZE);
    assert_int_equal(control_listen(f->loop, "", echo, f, &f->control), ERR_SIZE);
    json_t *request = json_object();
    assert_int_equal(control_call(&(struct control_call){.path = path}, request, &answer),
                     ERR_SIZE);
    assert_int_equal(control_call(&(struct control_call){.path = f->path, .timeout_ms = 1u << 31},
                                  request, &answer),
                     ERR_RANGE);
    json_decref(request);
    assert_null(answer);
}

static void a_caller_of_another_user_is_sent_away(void **state)
{
    struct fixture *f = *state;
    char byte;
    pid_t child;
    int status;

    if (geteuid() != 0)
        skip();
    listens(f, echo);
    if ((child = fork()) == 0) {
        struct sockaddr_un a;
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        /* another user, who reaches the path all the same */
        if (control_address(f->path, &a) || seteuid(65534))
            _exit(2);
        setfsuid(0);
        if (connect(fd, (struct sockaddr *)&a, sizeof a))
            _exit(3);
        (void)!send(fd, "{}\n", 3, MSG_NOSIGNAL);
        _exit(recv(fd, &byte, 1, 0) == 1 ? 1 : 0);
    }
    while (waitpid(child, &status, WNOHANG) == 0)
        turns(f);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(f->calls, 0);
}

/* --- one daemon --- */

static void a_second_daemon_is_refused_and_the_first_goes_on(void **state)
{
    struct fixture *f = *state;
    struct control *second = NULL;
    struct caller c;

    listens(f, echo);
    assert_int_equal(control_listen(f->loop, f->path, hold, f, &second), ERR_LOCKED);
    assert_null(second);
    assert_int_equal(call(f, json_object(), &c), ERR_OK);
    json_decref(c.answer);
    assert_int_equal(f->calls, 1);
}

/* A socket file at the path, listening or left by the dead; the descriptor. */
static int foreign_socket(struct fixture *f, int listening)
{
    struct sockaddr_un a;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(control_address(f->path, &a), ERR_OK);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    if (listening)
        assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void a_socket_left_by_a_dead_daemon_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct caller c;

    close(foreign_socket(f, 1));
    listens(f, echo);
    assert_int_equal(call(f, json_object(), &c), ERR_OK);
    json_decref(c.answer);
}

static void a_socket_somebody_answers_at_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    int fd = foreign_socket(f, 1);

    assert_int_equal(control_listen(f->loop, f->path, echo, f, &f->control), ERR_LOCKED);
    assert_int_equal(stat(f->path, &st), 0);
    close(fd);
    assert_null(f->control);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    close(open(f->path, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(control_listen(f->loop, f->path, echo, f, &f->control), ERR_EXISTS);
    assert_int_equal(stat(f->path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
}

static void a_lock_that_cannot_be_made_is_an_error(void **state)
{
    struct fixture *f = *state;
    char lock[80];

    snprintf(lock, sizeof lock, "%s.lock", f->path);
    assert_int_equal(symlink("/dev/null", lock), 0);
    assert_int_equal(control_listen(f->loop, f->path, echo, f, &f->control), ERR_IO);
}

/* --- limits and callers that leave --- */

static void connections_are_limited_and_the_next_waits(void **state)
{
    struct fixture *f = *state;
    int fd[CONTROL_CONNECTIONS_MAX + 1];
    char *heard;

    listens(f, hold);
    for (size_t i = 0; i <= CONTROL_CONNECTIONS_MAX; i++) {
        fd[i] = raw_open(f);
        raw_say(f, fd[i], "{}\n", 3);
    }
    for (int i = 0; i < 5; i++)
        turns(f);
    assert_int_equal(f->held_count, CONTROL_CONNECTIONS_MAX);

    assert_int_equal(control_answer(f->held[0], json_object()), ERR_OK);
    f->held[0] = f->held[--f->held_count];
    while (f->held_count < CONTROL_CONNECTIONS_MAX)
        turns(f);

    heard = raw_hear(f, fd[0]);
    assert_string_equal(heard, "{}\n");
    free(heard);
    for (size_t i = 1; i <= CONTROL_CONNECTIONS_MAX; i++)
        close(fd[i]);
}

static void pass(struct fixture *f, uint64_t ms)
{
    for (uint64_t t = 0; t <= ms; t += 1000) {
        clock_fixed_advance(&f->clock, 1000);
        assert_int_equal(loop_turn(f->loop, 0), ERR_OK);
    }
}

static void a_request_that_does_not_come_is_timed_out(void **state)
{
    struct fixture *f = *state;
    int fd;
    char *heard;

    listens(f, echo);
    fd = raw_open(f);
    raw_say(f, fd, "{\"slow", 6);
    pass(f, CONTROL_REQUEST_MS);
    heard = raw_hear(f, fd);
    assert_non_null(strstr(heard, "ERR_TIMEOUT"));
    free(heard);
}

static void an_answer_that_is_not_taken_is_thrown_away(void **state)
{
    struct fixture *f = *state;
    int fd;
    char *heard;

    listens(f, answers_the_longest);
    fd = raw_open(f);
    raw_say(f, fd, "{}\n", 3);
    turns(f);
    pass(f, CONTROL_STALL_MS);
    heard = raw_hear(f, fd);
    assert_true(strlen(heard) < CONTROL_LINE_MAX);
    free(heard);
}

static void a_caller_may_take_his_time_while_the_answer_moves(void **state)
{
    struct fixture *f = *state;
    static char some[65536];
    size_t got = 0;
    int fd;

    listens(f, answers_the_longest);
    fd = raw_open(f);
    raw_say(f, fd, "{}\n", 3);
    for (;;) {
        ssize_t n = recv(fd, some, sizeof some, 0);

        if (n == 0)
            break;
        got += n > 0 ? (size_t)n : 0;
        clock_fixed_advance(&f->clock, 5000);
        turns(f);
    }
    close(fd);
    assert_int_equal(got, CONTROL_LINE_MAX + 1);
}

static void a_caller_that_left_is_known_and_costs_nothing(void **state)
{
    struct fixture *f = *state;
    int fd;

    listens(f, hold);
    fd = raw_open(f);
    raw_say(f, fd, "{}\n", 3);
    while (!f->held_count)
        turns(f);
    close(fd);
    while (!control_gone(f->held[0]))
        turns(f);
    assert_int_equal(control_progress(f->held[0], json_true()), ERR_CLOSED);
    f->held_count = 0;
    assert_int_equal(control_answer(f->held[0], json_object()), ERR_CLOSED);
}

static void a_caller_that_left_before_asking_costs_nothing(void **state)
{
    struct fixture *f = *state;

    listens(f, echo);
    for (int i = 0; i < 2 * CONTROL_CONNECTIONS_MAX; i++) {
        int fd = raw_open(f);

        turns(f);
        close(fd);
        turns(f);
    }
    is_refused_as(f, "[]\n", 3, "ERR_TYPE");
}

static void a_caller_that_only_listens_on_still_gets_his_answer(void **state)
{
    struct fixture *f = *state;
    int fd;
    char *heard;

    listens(f, hold);
    fd = raw_open(f);
    raw_say(f, fd, "{}\n", 3);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    while (!f->held_count)
        turns(f);
    for (int i = 0; i < 3; i++)
        turns(f);
    assert_int_equal(control_progress(f->held[0], json_true()), ERR_OK);
    turns(f);
    answers_held(f);
    heard = raw_hear(f, fd);
    assert_string_equal(heard, "{\"progress\":true}\n{\"late\":1}\n");
    free(heard);
}

static void a_caller_that_goes_on_talking_is_closed(void **state)
{
    struct fixture *f = *state;
    int fd;

    listens(f, hold);
    fd = raw_open(f);
    raw_say(f, fd, "{}\n", 3);
    while (!f->held_count)
        turns(f);
    raw_say(f, fd, "{}\n", 3);
    while (!control_gone(f->held[0]))
        turns(f);
    close(fd);
}

static void progress_that_is_not_taken_is_refused(void **state)
{
    struct fixture *f = *state;
    enum err e = ERR_OK;
    int fd, said = 0;

    listens(f, hold);
    fd = raw_open(f);
    raw_say(f, fd, "{}\n", 3);
    while (!f->held_count)
        turns(f);
    while (!e && said++ < 10)
        e = control_progress(f->held[0], long_text(CONTROL_LINE_MAX / 2));
    assert_int_equal(e, ERR_BUSY);
    assert_int_equal(control_progress(f->held[0], NULL), ERR_NOMEM);
    close(fd);
}

static void requests_outlive_the_daemon_door(void **state)
{
    struct fixture *f = *state;
    char *heard;
    int fd;

    listens(f, hold);
    fd = raw_open(f);
    raw_say(f, fd, "{}\n", 3);
    while (!f->held_count)
        turns(f);
    control_close(f->control);
    f->control = NULL;
    assert_true(control_gone(f->held[0]));
    assert_true(json_is_object(control_body(f->held[0])));
    f->held_count = 0;
    assert_int_equal(control_answer(f->held[0], json_object()), ERR_CLOSED);
    heard = raw_hear(f, fd);
    assert_string_equal(heard, "");
    free(heard);
}

/* --- the caller's side --- */

static void without_a_daemon_the_caller_is_told(void **state)
{
    struct fixture *f = *state;
    struct caller c;

    assert_int_equal(call(f, json_object(), &c), ERR_NOT_FOUND);
    close(foreign_socket(f, 1));
    assert_int_equal(call(f, json_object(), &c), ERR_NOT_FOUND);
}

struct impostor {
    int listener;
    const char *says; /* NULL: waits for the end of the caller */
};

/* Answers one caller with a text that no daemon of ours says, then closes. */
static void *impersonates(void *arg)
{
    struct impostor *i = arg;
    int fd = accept(i->listener, NULL, NULL);
    static char ignored[4096];

    if (i->says) {
        (void)!recv(fd, ignored, sizeof ignored, 0);
        for (size_t n = strlen(i->says), at = 0; at < n;) {
            ssize_t sent = send(fd, i->says + at, n - at, MSG_NOSIGNAL);

            if (sent <= 0)
                break;
            at += (size_t)sent;
        }
    } else {
        while (recv(fd, ignored, sizeof ignored, 0) > 0)
            ;
    }
    close(fd);
    return NULL;
}

static enum err call_impostor(struct fixture *f, const char *says, uint64_t timeout_ms)
{
    struct impostor i = {.listener = foreign_socket(f, 1), .says = says};
    struct control_call cc = {.path = f->path, .timeout_ms = timeout_ms};
    json_t *request = json_object();
    json_t *answer = NULL;
    pthread_t thread;
    enum err e;

    assert_int_equal(pthread_create(&thread, NULL, impersonates, &i), 0);
    e = control_call(&cc, request, &answer);
    assert_int_equal(pthread_join(thread, NULL), 0);
    json_decref(request);
    json_decref(answer);
    close(i.listener);
    unlink(f->path);
    return e;
}

static void answers_that_make_no_sense_are_errors(void **state)
{
    struct fixture *f = *state;
    char *lengthy = malloc(CONTROL_LINE_MAX + 20000);

    assert_non_null(lengthy);
    memset(lengthy, ' ', CONTROL_LINE_MAX + 20000);
    lengthy[CONTROL_LINE_MAX + 20000 - 1] = '\0';
    assert_int_equal(call_impostor(f, "", 0), ERR_CLOSED);
    assert_int_equal(call_impostor(f, "{\"half\":", 0), ERR_CLOSED);
    assert_int_equal(call_impostor(f, "[]\n", 0), ERR_TYPE);
    assert_int_equal(call_impostor(f, "{\"progress\":1}\n", 0), ERR_CLOSED);
    assert_int_equal(call_impostor(f, "{\"progress\":1}\n{\"progress\":2,\"x\":1}\n", 0), ERR_OK);
    assert_int_equal(call_impostor(f, lengthy, 0), ERR_SIZE);
    free(lengthy);
}

static void a_daemon_that_does_not_answer_is_timed_out(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(call_impostor(f, NULL, 50), ERR_TIMEOUT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_request_is_answered),
        T(progress_comes_before_the_answer),
        T(an_answer_may_come_in_a_later_turn),
        T(the_longest_answer_passes_and_a_longer_one_is_an_error),
        T(an_answer_that_is_no_object_becomes_an_error),
        T(a_large_request_passes_and_a_larger_one_is_not_sent),
        T(what_is_no_sound_object_is_refused_by_name),
        T(nesting_is_limited),
        T(a_line_that_never_ends_is_refused),
        T(the_socket_is_for_its_owner_alone),
        T(an_open_directory_is_refused),
        T(a_path_too_long_for_a_socket_is_refused),
        T(a_caller_of_another_user_is_sent_away),
        T(a_second_daemon_is_refused_and_the_first_goes_on),
        T(a_socket_left_by_a_dead_daemon_is_replaced),
        T(a_socket_somebody_answers_at_is_left_alone),
        T(a_file_that_is_no_socket_is_left_alone),
        T(a_lock_that_cannot_be_made_is_an_error),
        T(connections_are_limited_and_the_next_waits),
        T(a_request_that_does_not_come_is_timed_out),
        T(an_answer_that_is_not_taken_is_thrown_away),
        T(a_caller_may_take_his_time_while_the_answer_moves),
        T(a_caller_that_left_is_known_and_costs_nothing),
        T(a_caller_that_left_before_asking_costs_nothing),
        T(a_caller_that_only_listens_on_still_gets_his_answer),
        T(a_caller_that_goes_on_talking_is_closed),
        T(progress_that_is_not_taken_is_refused),
        T(requests_outlive_the_daemon_door),
        T(without_a_daemon_the_caller_is_told),
        T(answers_that_make_no_sense_are_errors),
        T(a_daemon_that_does_not_answer_is_timed_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
