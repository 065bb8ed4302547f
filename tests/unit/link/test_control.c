/* The control socket: what is refused, how long it waits, who gets the answer. */
#include "control_fixture.h"

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
