#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "notify.h"

/* name: a path, or '@' and an abstract one. */
static int manager(const char *name)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    memcpy(at.sun_path, name, strlen(name));
    if (*name == '@')
        at.sun_path[0] = '\0';
    else
        unlink(name);
    assert_int_equal(bind(fd, (struct sockaddr *)&at,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                     0);
    return fd;
}

static void hears(const char *name)
{
    int fd = manager(name);
    char text[64] = "";

    assert_int_equal(notify_send(name, "READY=1"), ERR_OK);
    assert_int_equal(recv(fd, text, sizeof text - 1, 0), 7);
    assert_string_equal(text, "READY=1");
    close(fd);
}

static void a_manager_hears_one_datagram(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "/tmp/relais-notify-unit-%d", (int)getpid());
    hears(path);
    unlink(path);
    snprintf(path, sizeof path, "@relais-notify-unit-%d", (int)getpid());
    hears(path);
}

static void without_a_manager_nothing_is_said(void **state)
{
    (void)state;
    assert_int_equal(notify_send(NULL, "READY=1"), ERR_OK);
    assert_int_equal(notify_send("", "READY=1"), ERR_OK);
}

static void a_socket_that_is_none_is_told(void **state)
{
    char longer[200];
    struct rlimit before;
    struct rlimit none;

    (void)state;
    memset(longer, 'x', sizeof longer);
    longer[0] = '/';
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(notify_send(longer, "READY=1"), ERR_USAGE);
    assert_int_equal(notify_send("relative", "READY=1"), ERR_USAGE);
    assert_int_equal(notify_send("/nonexistent/notify", "READY=1"), ERR_NOT_FOUND);
    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit){0, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    enum err e = notify_send("/nonexistent/notify", "READY=1");
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_not_equal(e, ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manager_hears_one_datagram),
        cmocka_unit_test(without_a_manager_nothing_is_said),
        cmocka_unit_test(a_socket_that_is_none_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
