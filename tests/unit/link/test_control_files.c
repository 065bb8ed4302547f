/* Open files that come along with a request: one, the request's, and none is ever left open. */
#include "control_fixture.h"

#include <dirent.h>
#include <sys/mman.h>

static size_t files_open(void)
{
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static int memory_file(const char *content)
{
    int fd = memfd_create("file", 0);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    return fd;
}

static void reads_the_file(struct control_request *r, void *arg)
{
    struct fixture *f = arg;
    char room[64] = "";
    int file = control_file(r);

    f->calls++;
    if (file >= 0) {
        assert_true(fcntl(file, F_GETFD) & FD_CLOEXEC);
        assert_true(pread(file, room, sizeof room - 1, 0) >= 0);
        assert_int_equal(pwrite(file, "seen", 4, 0), 4);
    }
    assert_int_equal(control_answer(r, json_pack("{s:i, s:s}", "file", file, "text", room)),
                     ERR_OK);
}

struct handing {
    struct fixture *f;
    struct caller c;
    pthread_t thread;
};

static void hand(struct handing *h, struct fixture *f, const int *file)
{
    memset(h, 0, sizeof *h);
    h->f = f;
    h->c.call = (struct control_call){.path = f->path, .file = file};
    h->c.request = json_pack("{s:s}", "cmd", "attachment.take");
    assert_int_equal(pthread_create(&h->thread, NULL, calls, &h->c), 0);
    while (!atomic_load(&h->c.done))
        turns(f);
    assert_int_equal(pthread_join(h->thread, NULL), 0);
    json_decref(h->c.request);
    assert_int_equal(h->c.result, ERR_OK);
}

static void a_file_handed_along_is_the_requests_until_it_is_answered(void **state)
{
    struct fixture *f = *state;
    int file = memory_file("irm");
    size_t open_before;
    char room[8] = "";
    struct handing h;

    listens(f, reads_the_file);
    open_before = files_open();
    hand(&h, f, &file);
    assert_string_equal(json_string_value(json_object_get(h.c.answer, "text")), "irm");
    assert_int_equal(pread(file, room, 4, 0), 4);
    assert_string_equal(room, "seen"); /* the very same file */
    assert_int_equal(f->calls, 1);
    assert_int_equal(files_open(), open_before);
    json_decref(h.c.answer);
    close(file);
}

static void a_request_without_one_has_none(void **state)
{
    struct fixture *f = *state;
    struct handing h;

    listens(f, reads_the_file);
    hand(&h, f, NULL);
    assert_int_equal(json_integer_value(json_object_get(h.c.answer, "file")), -1);
    json_decref(h.c.answer);
}

/* So many descriptors in one message. */
static void raw_hand(int socket, const char *text, int file, size_t count)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(4 * sizeof(int))];
    } all = {0};
    struct iovec io = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
    struct msghdr m = {.msg_iov = &io,
                       .msg_iovlen = 1,
                       .msg_control = all.room,
                       .msg_controllen = CMSG_SPACE(count * sizeof(int))};

    assert_true(count <= 4);
    all.head.cmsg_level = SOL_SOCKET;
    all.head.cmsg_type = SCM_RIGHTS;
    all.head.cmsg_len = CMSG_LEN(count * sizeof(int));
    for (size_t i = 0; i < count; i++)
        memcpy(CMSG_DATA(&all.head) + i * sizeof(int), &file, sizeof file);
    assert_int_equal(sendmsg(socket, &m, MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void two_files_are_refused_and_both_are_closed(void **state)
{
    struct fixture *f = *state;
    int file = memory_file("irm");
    size_t open_before;

    listens(f, reads_the_file);
    open_before = files_open();
    for (size_t together = 1; together <= 4; together++) {
        int fd = raw_open(f);
        char *heard;

        raw_hand(fd, "{", file, together);
        turns(f);
        raw_hand(fd, "}\n", file, 1);
        heard = raw_hear(f, fd);
        assert_non_null(strstr(heard, "ERR_ITEMS"));
        free(heard);
        assert_int_equal(files_open(), open_before);
    }
    assert_int_equal(f->calls, 0);
    close(file);
}

static void the_file_of_a_caller_who_leaves_in_the_middle_is_closed(void **state)
{
    struct fixture *f = *state;
    int file = memory_file("irm");
    size_t open_before;
    int fd;

    listens(f, hold);
    open_before = files_open();
    fd = raw_open(f);
    raw_hand(fd, "{\"cmd\":", file, 1);
    while (files_open() < open_before + 3) /* two ends, and the file */
        turns(f);
    close(fd);
    while (files_open() > open_before)
        turns(f);
    assert_int_equal(f->held_count, 0);
    close(file);
}

static void a_file_that_comes_while_the_handler_works_is_closed(void **state)
{
    struct fixture *f = *state;
    int file = memory_file("irm");
    size_t open_before;
    int fd;

    listens(f, hold);
    open_before = files_open();
    fd = raw_open(f);
    raw_say(f, fd, "{}\n", 3);
    while (!f->held_count)
        turns(f);
    assert_int_equal(control_file(f->held[0]), -1);
    raw_hand(fd, "x", file, 1);
    while (!control_gone(f->held[0]))
        turns(f);
    close(fd);
    assert_int_equal(files_open(), open_before);
    close(file);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_file_handed_along_is_the_requests_until_it_is_answered),
        T(a_request_without_one_has_none),
        T(two_files_are_refused_and_both_are_closed),
        T(the_file_of_a_caller_who_leaves_in_the_middle_is_closed),
        T(a_file_that_comes_while_the_handler_works_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
