/* control - the daemon's side. A connection carries one request: it is read, handed over, answered
 * at once or later, and closed when the answer is out. */
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_line.h"
#include "control_socket.h"
#include "link.h"

#define READ_BYTES 16384
#define SWEEP_MS 1000

enum stage {
    FREE,
    READING,
    WAITING,  /* the handler has the request */
    ANSWERED, /* what is in `out` goes, then the connection */
};

struct connection {
    struct control *control;
    enum stage stage;
    int fd;
    int file; /* that came along with the request; -1 */
    uint32_t uid;
    uint64_t moved_ms; /* accepted, or last bytes taken */
    struct bytes in;
    struct bytes out;
    size_t sent; /* of out */
    struct control_request *request;
};

struct control_request {
    struct connection *connection; /* NULL: the caller has gone */
    json_t *body;
    uint32_t uid;
    int file;
};

struct control {
    struct loop *loop;
    char path[sizeof((struct sockaddr_un *)0)->sun_path]; /* "" before the socket is ours */
    int listener, lock;
    void (*handler)(struct control_request *r, void *arg);
    void *arg;
    size_t open;
    struct connection connections[CONTROL_CONNECTIONS_MAX];
};

static void file_close(int file)
{
    if (file >= 0)
        close(file);
}

static void connection_close(struct connection *c)
{
    struct control *owner = c->control;

    if (c->request)
        c->request->connection = NULL;
    loop_fd_remove(owner->loop, c->fd);
    close(c->fd);
    file_close(c->file);
    bytes_free(&c->in);
    bytes_free(&c->out);
    memset(c, 0, sizeof *c);
    if (owner->open-- == CONTROL_CONNECTIONS_MAX)
        (void)!loop_fd_events(owner->loop, owner->listener, LOOP_READ); /* it is there */
}

/* Waits for what the stage needs; errors and hang-ups are reported without asking. */
static void connection_wait(struct connection *c, int half_closed)
{
    unsigned events = c->sent < c->out.len ? LOOP_WRITE : 0;

    if (c->stage == READING || (c->stage == WAITING && !half_closed))
        events |= LOOP_READ;
    (void)!loop_fd_events(c->control->loop, c->fd, events); /* it is there */
}

/* Sends what there is; closes the connection when it has failed, or has everything. */
static void connection_flush(struct connection *c)
{
    while (c->sent < c->out.len) {
        ssize_t n = send(c->fd, c->out.ptr + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            if (errno == EAGAIN)
                connection_wait(c, 0);
            else
                connection_close(c);
            return;
        }
        c->sent += (size_t)n;
        c->moved_ms = loop_now_ms(c->control->loop);
    }
    c->out.len = 0;
    c->sent = 0;
    if (c->stage == ANSWERED)
        connection_close(c);
    else
        connection_wait(c, 0);
}

/* On ERR_OK the connection may be gone afterwards; on error nothing has changed. */
static enum err connection_say(struct connection *c, const json_t *line)
{
    int quiet = c->out.len == 0;
    enum err e;

    if ((e = line_write(&c->out, line)))
        return e;
    if (quiet)
        c->moved_ms = loop_now_ms(c->control->loop);
    connection_flush(c);
    return ERR_OK;
}

/* The last line of a connection that has no request, or no longer. */
static void connection_refuse(struct connection *c, enum err why)
{
    json_t *answer = control_error(why);

    c->stage = ANSWERED;
    if (connection_say(c, answer))
        connection_close(c); /* no memory even for that: the caller sees the end of file */
    json_decref(answer);
}

/* A whole line is here: n bytes without its newline. */
static void request_begin(struct connection *c, size_t n)
{
    struct control_request *r;
    json_t *body = NULL;
    enum err e;

    e = n + 1 < c->in.len ? ERR_TRAILING : line_read(span_of(c->in.ptr, n), &body);
    r = e ? NULL : calloc(1, sizeof *r);
    if (!r) {
        json_decref(body);
        connection_refuse(c, e ? e : ERR_NOMEM);
        return;
    }
    bytes_free(&c->in);
    *r = (struct control_request){.connection = c, .body = body, .uid = c->uid, .file = c->file};
    c->file = -1; /* the request's now */
    c->request = r;
    c->stage = WAITING;
    c->control->handler(r, c->control->arg);
}

static void connection_read(struct connection *c)
{
    size_t before = c->in.len;
    const uint8_t *newline;
    ssize_t n;

    if (bytes_reserve(&c->in, READ_BYTES)) {
        connection_refuse(c, ERR_NOMEM);
        return;
    }
    n = control_recv(c->fd, c->in.ptr + before, READ_BYTES, &c->file);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return; /* the loop calls again */
    if (n < 0 && errno == EMFILE) {
        connection_refuse(c, ERR_ITEMS);
        return;
    }
    if (n <= 0) {
        connection_close(c);
        return;
    }
    c->in.len += (size_t)n;
    newline = memchr(c->in.ptr + before, '\n', (size_t)n);
    if (newline)
        request_begin(c, (size_t)(newline - c->in.ptr));
    else if (c->in.len > CONTROL_LINE_MAX)
        connection_refuse(c, ERR_SIZE);
}

/* While the handler works nothing more may come: an end of file is a caller that has closed its
 * writing side and still listens, bytes are not. */
static void connection_peek(struct connection *c)
{
    char more;
    ssize_t n = recv(c->fd, &more, sizeof more, 0);

    if (n == 0)
        connection_wait(c, 1);
    else if (n > 0 || errno != EAGAIN)
        connection_close(c);
}

static void connection_ready(int fd, unsigned events, void *arg)
{
    struct connection *c = arg;

    (void)fd;
    if (c->stage == READING)
        connection_read(c);
    else if (events & LOOP_ERROR)
        connection_close(c);
    else if (events & LOOP_WRITE)
        connection_flush(c);
    else
        connection_peek(c);
}

static void connection_open(struct control *ctl, int fd)
{
    struct connection *c = ctl->connections;
    uint32_t uid;

    while (c->stage != FREE)
        c++; /* there is one: a full table does not accept */
    if (control_caller(fd, &uid) || loop_fd(ctl->loop, fd, connection_ready, c)) {
        close(fd);
        return;
    }
    *c = (struct connection){.control = ctl, .stage = READING, .fd = fd, .file = -1, .uid = uid};
    c->moved_ms = loop_now_ms(ctl->loop);
    if (++ctl->open == CONTROL_CONNECTIONS_MAX)
        (void)!loop_fd_events(ctl->loop, ctl->listener, 0); /* it is there */
}

static void accept_ready(int fd, unsigned events, void *arg)
{
    struct control *ctl = arg;

    (void)events;
    while (ctl->open < CONTROL_CONNECTIONS_MAX) {
        int caller = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (caller < 0)
            return; /* none left, or one that has gone already: the loop calls again */
        connection_open(ctl, caller);
    }
}

static void sweep(void *arg)
{
    struct control *ctl = arg;
    uint64_t now = loop_now_ms(ctl->loop);

    for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
        struct connection *c = &ctl->connections[i];
        uint64_t idle_ms = now - c->moved_ms;

        if (c->stage == READING && idle_ms > CONTROL_REQUEST_MS)
            connection_refuse(c, ERR_TIMEOUT);
        else if (c->stage > READING && c->sent < c->out.len && idle_ms > CONTROL_STALL_MS)
            connection_close(c);
    }
}

enum err control_listen(struct loop *loop, const char *path,
                        void (*handler)(struct control_request *r, void *arg), void *arg,
                        struct control **out)
{
    struct control *ctl = calloc(1, sizeof *ctl);
    enum err e;

    if (!ctl)
        return ERR_NOMEM;
    ctl->loop = loop;
    ctl->handler = handler;
    ctl->arg = arg;
    ctl->listener = ctl->lock = -1;
    if ((e = control_socket_open(path, &ctl->listener, &ctl->lock)))
        goto out;
    snprintf(ctl->path, sizeof ctl->path, "%s", path);
    if ((e = loop_fd(loop, ctl->listener, accept_ready, ctl)))
        goto out;
    if ((e = loop_timer(loop, SWEEP_MS, sweep, ctl)))
        goto out;
    *out = ctl;
    ctl = NULL;
out:
    control_close(ctl);
    return e;
}

void control_close(struct control *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++)
        if (c->connections[i].stage != FREE)
            connection_close(&c->connections[i]);
    loop_cancel(c->loop, sweep, c);
    if (c->listener >= 0) {
        loop_fd_remove(c->loop, c->listener);
        close(c->listener);
    }
    if (c->path[0])
        (void)!unlink(c->path); /* ours: the lock is still held */
    if (c->lock >= 0)
        close(c->lock);
    free(c);
}

const json_t *control_body(const struct control_request *r)
{
    return r->body;
}

uint32_t control_uid(const struct control_request *r)
{
    return r->uid;
}

int control_file(const struct control_request *r)
{
    return r->file;
}

int control_gone(const struct control_request *r)
{
    return r->connection == NULL;
}

enum err control_progress(struct control_request *r, json_t *progress)
{
    json_t *line = json_pack("{s:o}", "progress", progress); /* steals, on failure too */
    enum err e;

    if (!line)
        e = ERR_NOMEM;
    else if (!r->connection)
        e = ERR_CLOSED;
    else if (r->connection->out.len > CONTROL_LINE_MAX)
        e = ERR_BUSY;
    else
        e = connection_say(r->connection, line);
    json_decref(line);
    return e == ERR_OK && !r->connection ? ERR_CLOSED : e;
}

enum err control_answer(struct control_request *r, json_t *answer)
{
    struct connection *c = r->connection;
    enum err e = ERR_CLOSED;

    if (c) {
        c->request = NULL;
        c->stage = ANSWERED;
        if ((e = connection_say(c, answer)))
            connection_refuse(c, e);
    }
    json_decref(answer);
    json_decref(r->body);
    file_close(r->file);
    free(r);
    return e;
}
