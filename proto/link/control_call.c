/* control_call - the client's side: one request, its progress, its answer. Blocks, with a limit. */
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "control_line.h"
#include "control_socket.h"

#define READ_BYTES 16384

static enum err caller_connect(const char *path, uint64_t timeout_ms, int *out)
{
    struct timeval limit = {.tv_sec = (time_t)(timeout_ms / 1000),
                            .tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000)};
    struct sockaddr_un address;
    enum err e;
    int fd, rc;

    if ((e = control_address(path, &address)))
        return e;
    if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        return ERR_IO;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit)) {
        close(fd);
        return ERR_IO;
    }
    do
        rc = connect(fd, (struct sockaddr *)&address, sizeof address);
    while (rc && errno == EINTR);
    if (rc) {
        e = errno == ENOENT || errno == ECONNREFUSED ? ERR_NOT_FOUND
            : errno == EACCES || errno == EPERM      ? ERR_PERMISSION
            : errno == EAGAIN                        ? ERR_TIMEOUT
                                                     : ERR_IO;
        close(fd);
        return e;
    }
    *out = fd;
    return ERR_OK;
}

static enum err request_send(int fd, struct span line, const int *file)
{
    while (line.len > 0) {
        ssize_t n = control_send(fd, line.ptr, line.len, file);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) /* an early answer may be waiting: it says more than this error */
            return errno == EAGAIN ? ERR_TIMEOUT : ERR_CLOSED;
        line = span_of(line.ptr + n, line.len - (size_t)n);
        file = NULL;
    }
    return ERR_OK;
}

static enum err more_recv(int fd, int timeout_ms, struct bytes *in)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    enum err e;
    ssize_t n;
    int rc;

    if ((e = bytes_reserve(in, READ_BYTES)))
        return e;
    do
        rc = poll(&p, 1, timeout_ms);
    while (rc < 0 && errno == EINTR);
    if (rc <= 0)
        return rc ? ERR_IO : ERR_TIMEOUT;
    do
        n = recv(fd, in->ptr + in->len, READ_BYTES, 0);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return ERR_CLOSED;
    in->len += (size_t)n;
    return ERR_OK;
}

/* The next line as JSON; what came behind it stays in `in`. */
static enum err line_recv(int fd, int timeout_ms, struct bytes *in, json_t **out)
{
    const uint8_t *newline = NULL;
    size_t searched = 0;
    enum err e;

    while (in->len == searched ||
           !(newline = memchr(in->ptr + searched, '\n', in->len - searched))) {
        searched = in->len;
        if (searched > CONTROL_LINE_MAX)
            return ERR_SIZE;
        if ((e = more_recv(fd, timeout_ms, in)))
            return e;
    }
    size_t n = (size_t)(newline - in->ptr);
    e = line_read(span_of(in->ptr, n), out);
    memmove(in->ptr, in->ptr + n + 1, in->len - n - 1);
    in->len -= n + 1;
    return e;
}

enum err control_call(const struct control_call *call, const json_t *request, json_t **answer)
{
    uint64_t timeout_ms = call->timeout_ms ? call->timeout_ms : CONTROL_CALL_MS;
    struct bytes line = {0}, in = {0};
    json_t *got = NULL;
    const json_t *progress;
    int fd = -1;
    enum err e;

    if (timeout_ms > INT32_MAX)
        return ERR_RANGE;
    if ((e = line_write(&line, request)))
        goto out;
    if ((e = caller_connect(call->path, timeout_ms, &fd)))
        goto out;
    if ((e = request_send(fd, bytes_span(&line), call->file)) && e != ERR_CLOSED)
        goto out;
    while (!(e = line_recv(fd, (int)timeout_ms, &in, &got))) {
        if (!(progress = json_object_get(got, "progress")) || json_object_size(got) != 1)
            break;
        if (call->on_progress)
            call->on_progress(progress, call->arg);
        json_decref(got);
        got = NULL;
    }
    if (!e)
        *answer = got;
out:
    if (fd >= 0)
        close(fd);
    bytes_free(&line);
    bytes_free(&in);
    return e;
}
