/* survey - see survey.h. The descriptors are the library's, but they are in our process. */
#include "link.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define FRAME_SHORT_MAX 255 /* ZMTP: flags and one length byte up to here, else eight */
#define CURVE_BYTES 33
#define ESTABLISHED_STATE 1 /* tcp_info.tcpi_state */
#define CLOSE_WAIT_STATE 8

uint64_t connection_of(int fd)
{
    uint64_t cookie = 0;
    socklen_t n = sizeof cookie;

    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &n))
        return 0;
    return cookie;
}

uint64_t wire_bytes(size_t n)
{
    uint64_t body = (uint64_t)n + CURVE_BYTES;

    return body + (body > FRAME_SHORT_MAX ? 9 : 2);
}

const char *address_plain(const char *address)
{
    return strncmp(address, "::ffff:", 7) == 0 ? address + 7 : address;
}

void seen_free(struct seen_table *t)
{
    free(t->rows);
    t->rows = NULL;
    t->n = 0;
}

static int seen_grow(struct seen_table *t, size_t need)
{
    size_t n = t->n ? t->n : 64;
    struct seen *rows;

    while (n < need)
        n *= 2;
    if (!(rows = realloc(t->rows, n * sizeof *rows)))
        return 0;
    memset(rows + t->n, 0, (n - t->n) * sizeof *rows);
    t->rows = rows;
    t->n = n;
    return 1;
}

struct seen *seen_row(struct seen_table *t, int fd, uint64_t connection)
{
    struct seen *row;

    if (fd < 0 || fd >= SEEN_FD_MAX || !connection)
        return NULL;
    if ((size_t)fd >= t->n && !seen_grow(t, (size_t)fd + 1))
        return NULL;
    row = &t->rows[fd];
    if (row->connection != connection)
        *row = (struct seen){.connection = connection};
    return row;
}

static int port_of(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)a)->sin_port);
    if (a->ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)a)->sin6_port);
    return -1;
}

static int endpoint_port(const char *endpoint)
{
    const char *colon = strrchr(endpoint, ':');

    return colon ? (int)strtol(colon + 1, NULL, 10) : -1;
}

/* "192.0.2.7" and "41234" of the far end. */
static int far_end(int fd, char host[LINK_ADDRESS_MAX + 1], char port[8])
{
    struct sockaddr_storage a = {0};
    socklen_t n = sizeof a;

    return getpeername(fd, (struct sockaddr *)&a, &n) == 0 &&
           getnameinfo((struct sockaddr *)&a, n, host, LINK_ADDRESS_MAX + 1, port, 8,
                       NI_NUMERICHOST | NI_NUMERICSERV) == 0;
}

/* Bytes the library has read from this socket: received by the kernel less still in it. And those
 * that the far end has acknowledged. */
static int taken_bytes(int fd, uint64_t *out, uint64_t *acked)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof info;
    int waiting = 0;

    if (ioctl(fd, FIONREAD, &waiting) || /* first: what comes between makes no negative sum */
        getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) ||
        (info.tcpi_state != ESTABLISHED_STATE && info.tcpi_state != CLOSE_WAIT_STATE))
        return 0;
    *out = (uint64_t)info.tcpi_bytes_received - (uint64_t)waiting;
    *acked = (uint64_t)info.tcpi_bytes_acked;
    return 1;
}

/* 1 if fd is a connection that came in at `port`, described in *out. */
static int describe(const struct link_socket *s, int port, int fd, struct link_connection *out)
{
    struct sockaddr_storage a = {0};
    socklen_t n = sizeof a;
    char host[LINK_ADDRESS_MAX + 1], service[8];
    const struct seen *row;
    uint64_t acked;

    memset(out, 0, sizeof *out);
    if (getsockname(fd, (struct sockaddr *)&a, &n) || port_of(&a) != port)
        return 0;
    if (!taken_bytes(fd, &out->received, &acked) || !far_end(fd, host, service))
        return 0;
    snprintf(out->address, sizeof out->address,
             strchr(address_plain(host), ':') ? "[%.54s]:%s" : "%.54s:%s", address_plain(host),
             service);
    out->connection = connection_of(fd);
    out->fd = fd;
    row = (size_t)fd < s->seen.n ? &s->seen.rows[fd] : NULL;
    if (row && row->connection == out->connection) {
        out->accounted = row->accounted;
        out->unread = row->sent > acked ? row->sent - acked : 0;
        out->multipart = row->multipart;
        snprintf(out->user, sizeof out->user, "%s", row->user);
    }
    return 1;
}

uint64_t link_held(const struct link_connection *c)
{
    return (c->received > c->accounted ? c->received - c->accounted : 0) + c->unread;
}

static int by_held(const void *a, const void *b)
{
    uint64_t x = link_held(a), y = link_held(b);

    return (x < y) - (x > y);
}

/* A hostile peer need not complete a single message, and then no message tells its name. */
struct others {
    const struct link_connection *all;
    size_t n;
};

/* Has he a connection that has named him? */
static int has_spoken(const char *user, void *arg)
{
    const struct others *o = arg;

    for (size_t i = 0; i < o->n; i++)
        if (!o->all[i].guessed && strcmp(o->all[i].user, user) == 0)
            return 1;
    return 0;
}

static void guess_user(struct link_socket *s, struct link_connection *c, struct others *o)
{
    struct zap *zap = atomic_load(&s->transport->zap);
    char host[LINK_ADDRESS_MAX + 1];
    char *colon;

    snprintf(host, sizeof host, "%s", c->address[0] == '[' ? c->address + 1 : c->address);
    if ((colon = strrchr(host, ':')))
        colon[colon > host && colon[-1] == ']' ? -1 : 0] = '\0';
    if (!zap)
        return;
    if (zap_only_user_from(zap, s->domain, host, NULL, NULL, c->user) == ERR_OK)
        c->guessed = LINK_GUESS_ADDRESS;
    else if (zap_only_user_from(zap, s->domain, host, has_spoken, o, c->user) == ERR_OK)
        c->guessed = LINK_GUESS_SILENT;
}

static enum err collect(struct link_socket *s, struct link_connection **all, size_t *n)
{
    int port = endpoint_port(s->endpoint);
    size_t cap = 0;
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;

    if (!dir)
        return ERR_IO;
    /* cppcheck-suppress readdirCalled ; nobody else reads this DIR */
    while ((entry = readdir(dir))) {
        struct link_connection one;
        struct link_connection *more;

        if (entry->d_name[0] == '.' ||
            !describe(s, port, (int)strtol(entry->d_name, NULL, 10), &one))
            continue;
        if (*n == cap) {
            cap = cap ? 2 * cap : 64;
            if (!(more = realloc(*all, cap * sizeof **all))) {
                closedir(dir);
                return ERR_NOMEM;
            }
            *all = more;
        }
        (*all)[(*n)++] = one;
    }
    closedir(dir);
    return ERR_OK;
}

enum err link_survey(struct link_socket *s, struct link_connection *out, size_t most, size_t *n)
{
    struct link_connection *all = NULL;
    size_t found = 0;
    enum err e;

    if (!s->listener)
        return ERR_USAGE;
    if (!s->zsock)
        return ERR_CLOSED;
    if ((e = collect(s, &all, &found)))
        goto out;
    if (found)
        qsort(all, found, sizeof *all, by_held);
    for (size_t i = 0; i < found && i < GUESS_MAX; i++)
        if (!all[i].user[0])
            guess_user(s, &all[i], &(struct others){all, found});
    if (found && most)
        memcpy(out, all, (found < most ? found : most) * sizeof *out);
    *n = found;
out:
    free(all);
    return e;
}

bool link_gone(const struct link_connection *c)
{
    return !c->connection || connection_of(c->fd) != c->connection;
}

enum err link_drop(struct link_socket *s, const struct link_connection *c)
{
    const struct linger none = {.l_onoff =
                                    1}; /* a peer that is stuck in sending hears of it, too */

    if (link_gone(c) || setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none) ||
        shutdown(c->fd, SHUT_RDWR))
        return ERR_CLOSED;
    s->stats.cuts++;
    return ERR_OK;
}
