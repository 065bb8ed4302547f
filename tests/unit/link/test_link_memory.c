/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
/* Without memory: every call fails by name, releases what it had, and works the next time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "control_socket.h"
#include "failing_alloc.h"
#include "link_rig.h"

#define TRIES_MAX 64

struct fixture {
    struct rig rig;
    char dir[32], path[64];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    *state = f;
    if (!f || rig_open(&f->rig, 0))
        return -1;
    snprintf(f->dir, sizeof f->dir, "/tmp/relais-memory-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/control", f->dir);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char lock[80];

    alloc_fail_after(-1);
    rig_close(&f->rig);
    snprintf(lock, sizeof lock, "%s.lock", f->path);
    unlink(lock);
    unlink(f->path);
    rmdir(f->dir);
    free(f);
    return 0;
}

/* Runs attempt() with the first, second, ... allocation failing until it needs no more. */
static void fails_cleanly(struct fixture *f, enum err (*attempt)(struct fixture *f), int at_least)
{
    enum err e = ERR_NOMEM;
    int failed = 0;

    for (long n = 1; e && n < TRIES_MAX; n++) {
        alloc_fail_after(n);
        e = attempt(f);
        alloc_fail_after(-1);
        if (e)
            assert_int_equal(e, ERR_NOMEM);
        failed += e ? 1 : 0;
    }
    assert_int_equal(e, ERR_OK);
    assert_true(failed >= at_least);
}

static enum err opens_transport(struct fixture *f)
{
    static const char *const domains[] = {"hub", NULL};
    struct transport_options options = {.entropy = &f->rig.entropy};
    struct transport *t = NULL;
    struct zap *z = NULL;
    enum err e;

    if (!(e = transport_open(&options, &t)))
        e = zap_start(t, &(struct zap_options){.domains = domains}, &z);
    zap_stop(z);
    transport_close(t);
    return e;
}

static enum err opens_links(struct fixture *f)
{
    const uint8_t *key = secret_box_span(f->rig.key).ptr;
    struct link_listen_options l = {
        .endpoint = "tcp://127.0.0.1:*", .domain = RIG_DOMAIN, .secret_key = key};
    struct link_connect_options c = {.endpoint = "tcp://127.0.0.1:1",
                                     .server_key = key,
                                     .public_key = key,
                                     .secret_key = key,
                                     .linger_ms = -1};
    struct link_socket *a = NULL, *b = NULL;
    enum err e;

    if (!(e = link_listen(f->rig.transport, &l, &a)))
        e = link_connect(f->rig.transport, &c, &b);
    link_close(a);
    link_close(b);
    return e;
}

static enum err opens_loop(struct fixture *f)
{
    struct loop *l = NULL;
    enum err e;

    (void)f;
    e = loop_open(clock_system(), &l);
    loop_close(l);
    return e;
}

static enum err lets_in(struct fixture *f)
{
    static uint32_t number;
    uint8_t key[LINK_KEY_BYTES] = "lets in";

    number++;
    memcpy(key + 8, &number, sizeof number);
    return zap_allow(f->rig.zap, RIG_OTHER_DOMAIN, key, "u");
}

static enum err surveys(struct fixture *f)
{
    struct link_connection c;
    size_t n = 0;

    return link_survey(f->rig.hub, &c, 1, &n);
}

static void ignores(struct control_request *r, void *arg)
{
    (void)arg;
    (void)!control_answer(r, json_object());
}

static enum err opens_control(struct fixture *f)
{
    struct control *c = NULL;
    enum err e = control_listen(f->rig.loop, f->path, ignores, NULL, &c);

    control_close(c);
    return e;
}

static void opening_fails_cleanly(void **state)
{
    fails_cleanly(*state, opens_transport, 2);
    fails_cleanly(*state, opens_links, 2);
    fails_cleanly(*state, opens_loop, 1);
    fails_cleanly(*state, opens_control, 1);
}

static void letting_a_key_in_fails_cleanly(void **state)
{
    struct fixture *f = *state;

    fails_cleanly(f, lets_in, 2); /* the entry, and the table of the first one */
    for (int i = 0; i < 2000; i++) {
        alloc_fail_after(2); /* the table, whenever it has to grow */
        enum err e = lets_in(f);
        alloc_fail_after(-1);
        if (e) {
            assert_int_equal(e, ERR_NOMEM);
            assert_int_equal(lets_in(f), ERR_OK);
        }
    }
    assert_true(zap_stats(f->rig.zap).keys > 2000);
}

static void a_survey_fails_cleanly(void **state)
{
    struct fixture *f = *state;
    struct rig_node *n;

    assert_non_null(n = rig_join(&f->rig, "a"));
    assert_true(rig_says(&f->rig, n, "hello"));
    fails_cleanly(f, surveys, 1);
}

static void a_frame_is_handed_over_even_if_it_cannot_be_accounted(void **state)
{
    struct fixture *f = *state;
    struct link_connection c;
    struct link_frame frame;
    struct rig_node *n;
    size_t count = 0;
    enum err e;

    assert_non_null(n = rig_join(&f->rig, "a"));
    loop_link_remove(f->rig.loop, f->rig.hub); /* received here, by hand */
    assert_int_equal(rig_send(&f->rig, n->link, NULL, SPAN_STR("hello")), ERR_OK);
    do {
        alloc_fail_after(1);
        e = link_recv(f->rig.hub, &frame);
        alloc_fail_after(-1);
    } while (e == ERR_AGAIN);

    assert_int_equal(e, ERR_OK);
    assert_string_equal(frame.peer.user, "a");
    assert_int_equal(link_survey(f->rig.hub, &c, 1, &count), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(c.accounted, 0);
    assert_string_equal(c.user, "a"); /* by address */
    assert_int_equal(c.guessed, 1);
}

static int asks(struct fixture *f)
{
    struct sockaddr_un a;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    assert_int_equal(control_address(f->path, &a), ERR_OK);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(send(fd, "{\"a\":1}\n", 8, MSG_NOSIGNAL), 8);
    return fd;
}

/* With the n-th allocation failing the caller gets an answer, an error, or the end: never silence;
 * and the next caller is served. */
static void a_request_without_memory_is_refused_or_closed(void **state)
{
    struct fixture *f = *state;
    struct control *c = NULL;
    char answer[256];
    int errors = 0, ends = 0, served = 0;

    assert_int_equal(control_listen(f->rig.loop, f->path, ignores, NULL, &c), ERR_OK);
    for (long n = 1; n < 8; n++) {
        int fd = asks(f);
        ssize_t got;

        alloc_fail_after(n);
        while ((got = recv(fd, answer, sizeof answer - 1, 0)) < 0)
            assert_int_equal(loop_turn(f->rig.loop, 20), ERR_OK);
        alloc_fail_after(-1);
        answer[got] = '\0';
        errors += strstr(answer, "ERR_NOMEM") != NULL;
        served += strcmp(answer, "{}\n") == 0;
        ends += got == 0;
        close(fd);
    }
    control_close(c);

    assert_true(errors >= 1);
    assert_true(served >= 1);
    assert_int_equal(errors + served + ends, 7);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(opening_fails_cleanly),
        T(letting_a_key_in_fails_cleanly),
        T(a_survey_fails_cleanly),
        T(a_frame_is_handed_over_even_if_it_cannot_be_accounted),
        T(a_request_without_memory_is_refused_or_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
