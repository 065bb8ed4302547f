#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define STALL_S 10              /* a connection that says nothing for so long is closed */
#define MEMORY_BYTES (8 * 1024) /* of one connection: its request line and headers */
#define RUNS_A_TURN 32
#define TIMER_MS 1000

struct http {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    const struct http_page *pages;
    size_t n;
    void *arg;
    int fd; /* of its epoll set; -1: not in the loop */
    char endpoint[HTTP_ENDPOINT_BYTES];
};

/* --- where to listen ------------------------------------------------------------------------- */

/* "HOST:PORT" in two; brackets around an IPv6 address. */
static bool split(const char *listen, char host[HTTP_ENDPOINT_BYTES], unsigned *port)
{
    const char *colon = strrchr(listen, ':');
    size_t len = colon ? (size_t)(colon - listen) : 0;
    char *end;
    unsigned long n = 0;

    if (len == 0 || len >= HTTP_ENDPOINT_BYTES)
        return false;
    if (strcmp(colon + 1, "*") != 0) {
        if (strspn(colon + 1, "0123456789") != strlen(colon + 1))
            return false;
        n = strtoul(colon + 1, &end, 10);
        if (n == 0 || n > UINT16_MAX)
            return false;
    }
    if (listen[0] == '[' && listen[len - 1] == ']') {
        listen++;
        len -= 2;
    }
    memcpy(host, listen, len);
    host[len] = '\0';
    *port = (unsigned)n;
    return true;
}

static bool address_of(const char *listen, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    char host[HTTP_ENDPOINT_BYTES];
    unsigned port;

    memset(out, 0, sizeof *out);
    if (!split(listen, host, &port))
        return false;
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
        return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static void endpoint_learn(struct http *h, const struct sockaddr_storage *at, unsigned port)
{
    char host[INET6_ADDRSTRLEN] = "";

    if (at->ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)at)->sin6_addr, host, sizeof host);
        snprintf(h->endpoint, sizeof h->endpoint, "[%s]:%u", host, port);
    } else {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)at)->sin_addr, host, sizeof host);
        snprintf(h->endpoint, sizeof h->endpoint, "%s:%u", host, port);
    }
}

/* --- answering ------------------------------------------------------------------------------- */

/* A page of another site, under a name of its own that leads here, is not answered. */
static bool host_is_ours(const struct http *h, const char *host)
{
    const char *port = strrchr(h->endpoint, ':');
    char local[HTTP_ENDPOINT_BYTES];

    if (!host)
        return false;
    snprintf(local, sizeof local, "localhost%s", port);
    return strcmp(host, h->endpoint) == 0 || strcmp(host, local) == 0;
}

static enum MHD_Result say(struct MHD_Connection *c, unsigned status, const char *type,
                           struct bytes *body)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(body->len, body->ptr, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result done = MHD_NO;

    if (r && MHD_add_response_header(r, "Content-Type", type) == MHD_YES &&
        MHD_add_response_header(r, "Cache-Control", "no-store") == MHD_YES &&
        MHD_add_response_header(r, "X-Content-Type-Options", "nosniff") == MHD_YES)
        done = MHD_queue_response(c, status, r);
    MHD_destroy_response(r); /* NULL is fine */
    bytes_free(body);
    return done;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *why)
{
    struct bytes body = {0};

    if (bytes_printf(&body, "%s\n", why))
        return MHD_NO;
    return say(c, status, "text/plain; charset=utf-8", &body);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    static int seen;
    struct http *h = arg;
    struct bytes body = {0};
    unsigned status;

    (void)version;
    (void)upload;
    if (*upload_size > 0)
        return MHD_NO; /* nobody is asked for a body */
    if (!*state) {     /* the headers are here; libmicrohttpd calls again at the end */
        *state = &seen;
        return MHD_YES;
    }
    if (!host_is_ours(h, MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host")))
        return refuse(c, MHD_HTTP_MISDIRECTED_REQUEST, "wrong host");
    for (size_t i = 0; i < h->n; i++) {
        if (strcmp(h->pages[i].path, url) != 0)
            continue;
        if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
            return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET");
        status = h->pages[i].answer(h->arg, &body);
        return say(c, status, h->pages[i].type, &body);
    }
    return refuse(c, MHD_HTTP_NOT_FOUND, "no such page");
}

/* --- in the loop ----------------------------------------------------------------------------- */

static void run(struct http *h)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;

    for (int i = 0; i < RUNS_A_TURN && wait_ms == 0; i++) {
        if (MHD_run(h->daemon) != MHD_YES || MHD_get_timeout(h->daemon, &wait_ms) != MHD_YES)
            return;
    }
}

static void on_ready(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    run(arg);
}

static void every_second(void *arg)
{
    run(arg); /* closes who stalls */
}

static enum err daemon_start(struct http *h, const struct sockaddr_storage *at)
{
    struct sockaddr_storage address = *at;

    errno = 0;
    h->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | (at->ss_family == AF_INET6 ? MHD_USE_IPv6 : 0), 0, NULL, NULL, on_request,
        h, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)STALL_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES, MHD_OPTION_END);
    if (h->daemon)
        return ERR_OK;
    return errno == EADDRINUSE ? ERR_BUSY : errno == EACCES ? ERR_PERMISSION : ERR_IO;
}

static enum err join_loop(struct http *h, const struct sockaddr_storage *at)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT);
    enum err e;

    if (!info)
        return ERR_IO;
    endpoint_learn(h, at, info->port);
    if (!(info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)))
        return ERR_IO;
    if ((e = loop_fd(h->loop, info->epoll_fd, on_ready, h)))
        return e;
    h->fd = info->epoll_fd;
    return loop_timer(h->loop, TIMER_MS, every_second, h);
}

enum err http_open(struct loop *loop, const char *listen, const struct http_page *pages, size_t n,
                   void *arg, struct http **out)
{
    struct sockaddr_storage at;
    struct http *h;
    enum err e;

    if (!address_of(listen, &at))
        return ERR_CONF;
    if (!(h = calloc(1, sizeof *h)))
        return ERR_NOMEM;
    *h = (struct http){.loop = loop, .pages = pages, .n = n, .arg = arg, .fd = -1};
    if ((e = daemon_start(h, &at)) || (e = join_loop(h, &at))) {
        http_close(h);
        return e;
    }
    *out = h;
    return ERR_OK;
}

bool http_listen_ok(const char *listen)
{
    struct sockaddr_storage at;

    return address_of(listen, &at);
}

void http_close(struct http *h)
{
    if (!h)
        return;
    loop_cancel(h->loop, every_second, h);
    if (h->fd >= 0)
        loop_fd_remove(h->loop, h->fd);
    if (h->daemon)
        MHD_stop_daemon(h->daemon);
    free(h);
}

const char *http_endpoint(const struct http *h)
{
    return h->endpoint;
}
