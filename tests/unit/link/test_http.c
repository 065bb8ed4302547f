/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "http.h"
#include "httpget.h"

static unsigned say_well(void *arg, struct bytes *body)
{
    ++*(int *)arg;
    return bytes_append(body, SPAN_STR("well\n")) ? 500 : 200;
}

static unsigned say_unwell(void *arg, struct bytes *body)
{
    (void)arg;
    (void)body;
    return 503;
}

static const struct http_page pages[] = {
    {"/well",   "text/plain", say_well  },
    {"/unwell", "text/plain", say_unwell},
};

struct rig {
    struct loop *loop;
    struct http *http;
    int port;
    int asked;
    pthread_t thread;
};

static void *run(void *arg)
{
    struct rig *r = arg;

    assert_int_equal(loop_run(r->loop), ERR_OK);
    return NULL;
}

static void rig_open(struct rig *r, const char *listen)
{
    *r = (struct rig){0};
    assert_int_equal(loop_open(clock_system(), &r->loop), ERR_OK);
    assert_int_equal(http_open(r->loop, listen, pages, 2, &r->asked, &r->http), ERR_OK);
    r->port = (int)strtol(strrchr(http_endpoint(r->http), ':') + 1, NULL, 10);
    assert_int_equal(pthread_create(&r->thread, NULL, run, r), 0);
}

static void rig_close(struct rig *r)
{
    loop_stop(r->loop);
    pthread_join(r->thread, NULL);
    http_close(r->http);
    loop_close(r->loop);
}

static void pages_of_the_table_are_answered_and_nothing_else(void **state)
{
    struct bytes body = {0};
    struct rig r;

    (void)state;
    rig_open(&r, "127.0.0.1:*");
    assert_int_equal(http_ask(r.port, "GET", "/well", NULL, &body), 200);
    assert_memory_equal(body.ptr, "well\n", 5);
    assert_int_equal(http_ask(r.port, "HEAD", "/well", NULL, NULL), 200);
    assert_int_equal(http_ask(r.port, "GET", "/unwell", NULL, NULL), 503);
    assert_int_equal(http_ask(r.port, "GET", "/well/", NULL, NULL), 404);
    assert_int_equal(http_ask(r.port, "GET", "/../well", NULL, NULL), 404);
    assert_int_equal(http_ask(r.port, "GET", "/", NULL, NULL), 404);
    assert_int_equal(http_ask(r.port, "DELETE", "/well", NULL, NULL), 405);
    rig_close(&r);
    assert_int_equal(r.asked, 2);
    bytes_free(&body);
}

static void another_host_is_not_answered(void **state)
{
    char host[64];
    struct rig r;

    (void)state;
    rig_open(&r, "127.0.0.1:*");
    snprintf(host, sizeof host, "localhost:%d", r.port);
    assert_int_equal(http_ask(r.port, "GET", "/well", host, NULL), 200);
    snprintf(host, sizeof host, "elsewhere.example:%d", r.port);
    assert_int_equal(http_ask(r.port, "GET", "/well", host, NULL), 421);
    assert_int_equal(http_ask(r.port, "GET", "/well", "127.0.0.1", NULL), 421);
    rig_close(&r);
    assert_int_equal(r.asked, 1);
}

/* Bytes as they are; the status of what comes back, 0: the connection is closed without. */
static int ask_raw(int port, const char *bytes)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char text[64] = "";

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_true(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL) > 0);
    if (recv(fd, text, sizeof text - 1, 0) <= 0)
        text[0] = '\0';
    close(fd);
    return strncmp(text, "HTTP/1.1 ", 9) == 0 ? (int)strtol(text + 9, NULL, 10) : 0;
}

static void a_body_or_no_host_gets_nothing(void **state)
{
    char long_header[12000];
    struct rig r;

    (void)state;
    rig_open(&r, "127.0.0.1:*");
    assert_int_equal(ask_raw(r.port, "GET /well HTTP/1.0\r\n\r\n"), 421);
    assert_int_equal(
        ask_raw(r.port, "POST /well HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"), 0);
    memset(long_header, 'a', sizeof long_header);
    memcpy(long_header, "GET /well HTTP/1.1\r\nX: ", 23);
    long_header[sizeof long_header - 1] = '\0';
    assert_true(ask_raw(r.port, long_header) >= 400);
    assert_int_equal(http_ask(r.port, "GET", "/unwell", NULL, NULL), 503); /* it lives */
    rig_close(&r);
    assert_int_equal(r.asked, 0);
}

static void only_this_machine_may_be_listened_for(void **state)
{
    static const char *const wrong[] = {
        "",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "0.0.0.0:80",
        "192.168.0.1:*",
        "[::]:*",
        "localhost:*",
        "127.0.0.1:8x",
        ":7413",
        "[fe80::1]:7413",
        "127.0.0.1:-1",
        "*:*",
        "a-name-that-is-longer-than-any-address-of-a-machine-could-ever-be.example:1",
    };
    struct loop *loop;
    struct http *h;

    (void)state;
    assert_int_equal(loop_open(clock_system(), &loop), ERR_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(http_open(loop, wrong[i], pages, 2, NULL, &h), ERR_CONF);
    assert_int_equal(http_open(loop, "[::1]:*", pages, 2, NULL, &h), ERR_OK);
    assert_memory_equal(http_endpoint(h), "[::1]:", 6);
    http_close(h);
    loop_close(loop);
}

static void a_port_that_is_taken_is_told(void **state)
{
    struct loop *loop;
    struct http *h;
    struct http *other;

    (void)state;
    assert_int_equal(loop_open(clock_system(), &loop), ERR_OK);
    assert_int_equal(http_open(loop, "127.0.0.1:*", pages, 2, NULL, &h), ERR_OK);
    assert_int_equal(http_open(loop, http_endpoint(h), pages, 2, NULL, &other), ERR_BUSY);
    http_close(h);
    http_close(NULL);
    loop_close(loop);
}

static void without_memory_nothing_is_left_open(void **state)
{
    struct loop *loop;
    struct http *h;
    size_t failures = 0;
    enum err e = ERR_NOMEM;

    (void)state;
    assert_int_equal(loop_open(clock_system(), &loop), ERR_OK);
    for (long n = 1; e && n < 50; n++) {
        alloc_fail_after(n);
        e = http_open(loop, "127.0.0.1:*", pages, 2, NULL, &h);
        alloc_fail_after(-1);
        failures += e != ERR_OK;
    }
    assert_int_equal(e, ERR_OK);
    assert_true(failures > 0);
    http_close(h);
    loop_close(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_the_table_are_answered_and_nothing_else),
        cmocka_unit_test(another_host_is_not_answered),
        cmocka_unit_test(a_body_or_no_host_gets_nothing),
        cmocka_unit_test(only_this_machine_may_be_listened_for),
        cmocka_unit_test(a_port_that_is_taken_is_told),
        cmocka_unit_test(without_memory_nothing_is_left_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
