/* The two ends of the control socket: who may listen, who may call, what a caller is told. */
#include "control_fixture.h"

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

static void a_daemon_that_only_just_begins_is_respected(void **state)
{
    struct fixture *f = *state;
    char lock[80];
    int fd;

    snprintf(lock, sizeof lock, "%s.lock", f->path);
    fd = open(lock, O_RDWR | O_CREAT, 0600);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    close(foreign_socket(f, 1)); /* stale, but it has the lock */
    assert_int_equal(control_listen(f->loop, f->path, echo, f, &f->control), ERR_LOCKED);
    close(fd);
    listens(f, echo);
}

static void a_lock_that_cannot_be_made_is_an_error(void **state)
{
    struct fixture *f = *state;
    char lock[80];

    snprintf(lock, sizeof lock, "%s.lock", f->path);
    assert_int_equal(symlink("/dev/null", lock), 0);
    assert_int_equal(control_listen(f->loop, f->path, echo, f, &f->control), ERR_IO);
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
        T(the_socket_is_for_its_owner_alone),
        T(an_open_directory_is_refused),
        T(a_path_too_long_for_a_socket_is_refused),
        T(a_caller_of_another_user_is_sent_away),
        T(a_second_daemon_is_refused_and_the_first_goes_on),
        T(a_socket_left_by_a_dead_daemon_is_replaced),
        T(a_socket_somebody_answers_at_is_left_alone),
        T(a_file_that_is_no_socket_is_left_alone),
        T(a_daemon_that_only_just_begins_is_respected),
        T(a_lock_that_cannot_be_made_is_an_error),
        T(without_a_daemon_the_caller_is_told),
        T(answers_that_make_no_sense_are_errors),
        T(a_daemon_that_does_not_answer_is_timed_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
