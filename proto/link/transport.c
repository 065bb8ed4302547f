/* transport - the context and the one socket profile; the traps it answers are in its rows. */
#include "link.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOT_SET INT_MIN
#define RECONNECT_MS 500
#define RECONNECT_MAX_MS 30000
#define HANDSHAKE_MS 5000
#define LINGER_MS 2000
#define RECEIVE_QUEUE 16
#define CURVE_OVERHEAD 33 /* "MESSAGE", nonce, flags and authenticator of one frame */

struct profile_row {
    int option;
    int listener;
    int connector;
};

/* Queues are per peer: a listener can be made to hold peers x 16 x 320 KiB, no more. A connector
 * has one peer, and trusts it no further: 20 MiB. Heartbeats come from the connector alone: on a
 * listener each costs a linear search among the timers of all peers. Without MANDATORY what is sent
 * to a full queue vanishes with success; with IMMEDIATE nothing queues without a connection. */
static const struct profile_row profile[] = {
    {ZMQ_LINGER,              0,             LINGER_MS       },
    {ZMQ_RCVHWM,              RECEIVE_QUEUE, 64              },
    {ZMQ_SNDHWM,              64,            64              },
    {ZMQ_HANDSHAKE_IVL,       HANDSHAKE_MS,  HANDSHAKE_MS    },
    {ZMQ_ROUTER_MANDATORY,    1,             NOT_SET         },
    {ZMQ_IMMEDIATE,           NOT_SET,       1               },
    {ZMQ_HEARTBEAT_IVL,       NOT_SET,       15000           }, /* milliseconds */
    {ZMQ_HEARTBEAT_TIMEOUT,   NOT_SET,       30000           },
    {ZMQ_HEARTBEAT_TTL,       NOT_SET,       60000           },
    {ZMQ_CONNECT_TIMEOUT,     NOT_SET,       10000           },
    {ZMQ_RECONNECT_IVL_MAX,   NOT_SET,       RECONNECT_MAX_MS},
    {ZMQ_BACKLOG,             4096,          NOT_SET         },
    {ZMQ_IPV6,                1,             1               },
    {ZMQ_TCP_KEEPALIVE,       1,             1               },
    {ZMQ_TCP_KEEPALIVE_IDLE,  60,            60              }, /* seconds */
    {ZMQ_TCP_KEEPALIVE_INTVL, 15,            15              },
    {ZMQ_TCP_KEEPALIVE_CNT,   4,             4               },
};

enum err zmq_error(void)
{
    switch (zmq_errno()) {
    case EAGAIN:
        return ERR_AGAIN;
    case ETERM:
    case ENOTSOCK:
        return ERR_STOPPING;
    case ENOMEM:
        return ERR_NOMEM;
    case EMFILE:
        return ERR_FULL;
    case EADDRINUSE:
        return ERR_EXISTS;
    case EADDRNOTAVAIL:
    case ENODEV:
        return ERR_NOT_FOUND;
    case EACCES:
        return ERR_PERMISSION;
    case EINVAL:
    case EPROTONOSUPPORT:
        return ERR_USAGE;
    case EHOSTUNREACH:
        return ERR_CLOSED;
    default:
        return ERR_IO;
    }
}

enum err zmq_set_int(void *zsock, int option, int value)
{
    return zmq_setsockopt(zsock, option, &value, sizeof value) ? zmq_error() : ERR_OK;
}

enum err zmq_recv_part(void *zsock, zmq_msg_t *part)
{
    int rc;

    do
        rc = zmq_msg_recv(part, zsock, ZMQ_DONTWAIT);
    while (rc < 0 && zmq_errno() == EINTR);
    return rc < 0 ? zmq_error() : ERR_OK;
}

/* The one place where a network socket gets its limits. MAXMSGSIZE counts before authentication
 * too: without it one unknown peer makes the process allocate what it announces. */
static enum err net_socket_defaults(void *zsock, int listener)
{
    int64_t largest = LINK_PAYLOAD_MAX + CURVE_OVERHEAD;
    enum err e;

    if (zmq_setsockopt(zsock, ZMQ_MAXMSGSIZE, &largest, sizeof largest))
        return zmq_error();
    for (size_t i = 0; i < sizeof profile / sizeof *profile; i++) {
        int value = listener ? profile[i].listener : profile[i].connector;

        if (value != NOT_SET && (e = zmq_set_int(zsock, profile[i].option, value)))
            return e;
    }
    return ERR_OK;
}

static enum err set_key(void *zsock, int option, const uint8_t *key)
{
    return zmq_setsockopt(zsock, option, key, LINK_KEY_BYTES) ? zmq_error() : ERR_OK;
}

enum err transport_open(const struct transport_options *options, struct transport **out)
{
    uint8_t tag[TAG_BYTES];
    struct transport *t;
    enum err e;

    if (!zmq_has("curve"))
        return ERR_UNSUPPORTED;
    if (!options->entropy)
        return ERR_USAGE;
    if (!(t = calloc(1, sizeof *t)))
        return ERR_NOMEM;
    t->entropy = options->entropy;
    if ((e = entropy_fill(t->entropy, tag, sizeof tag)))
        goto out;
    for (size_t i = 0; i < sizeof tag; i++)
        snprintf(t->tag + 2 * i, 3, "%02x", tag[i]);
    if ((e = loop_signals_block()))
        goto out;
    e = ERR_NOMEM;
    if (!(t->ctx = zmq_ctx_new()))
        goto out;
    e = ERR_RANGE;
    if (zmq_ctx_set(t->ctx, ZMQ_BLOCKY, 0) ||
        (options->io_threads && zmq_ctx_set(t->ctx, ZMQ_IO_THREADS, options->io_threads)) ||
        (options->max_sockets && zmq_ctx_set(t->ctx, ZMQ_MAX_SOCKETS, options->max_sockets)))
        goto out;
    *out = t;
    t = NULL;
    e = ERR_OK;
out:
    seal_wipe(tag, sizeof tag);
    transport_close(t);
    return e;
}

void transport_close(struct transport *t)
{
    if (!t)
        return;
    if (t->ctx)
        while (zmq_ctx_term(t->ctx) && zmq_errno() == EINTR)
            ; /* a signal is no reason to leave the frames unsent */
    seal_wipe(t->tag, sizeof t->tag);
    free(t);
}

/* tcp://HOST:PORT. The library looks at a connector's port only when it connects, and says
 * nothing then. */
bool link_endpoint_ok(const char *endpoint, bool listener)
{
    const char *colon = endpoint ? strrchr(endpoint, ':') : NULL;
    char *end;
    long port;

    if (!colon || strncmp(endpoint, "tcp://", 6) != 0 || colon <= endpoint + 6 ||
        strlen(endpoint) > LINK_ENDPOINT_MAX)
        return false;
    if (listener && strcmp(colon, ":*") == 0)
        return true;
    port = strtol(colon + 1, &end, 10);
    return colon[1] >= '0' && colon[1] <= '9' && *end == '\0' && port > 0 && port <= UINT16_MAX;
}

static struct link_socket *socket_new(struct transport *t)
{
    struct link_socket *s = calloc(1, sizeof *s);

    if (s) {
        s->transport = t;
        zmq_msg_init(&s->held); /* cannot fail: an empty message */
    }
    return s;
}

void link_close(struct link_socket *s)
{
    if (!s)
        return;
    zmq_msg_close(&s->held);
    if (s->zsock)
        zmq_close(s->zsock);
    seen_free(&s->seen);
    free(s);
}

const char *link_endpoint(const struct link_socket *s)
{
    return s->endpoint;
}

struct link_stats link_stats(const struct link_socket *s)
{
    return s->stats;
}

enum err listener_make(const struct link_socket *s, const uint8_t *secret, void **out)
{
    void *z = zmq_socket(s->transport->ctx, ZMQ_ROUTER);
    enum err e;

    if (!z)
        return zmq_error();
    if ((e = net_socket_defaults(z, 1)))
        goto out;
    if (s->listen.handshake_ms && (e = zmq_set_int(z, ZMQ_HANDSHAKE_IVL, s->listen.handshake_ms)))
        goto out;
    if (s->listen.receive_queue && (e = zmq_set_int(z, ZMQ_RCVHWM, s->listen.receive_queue)))
        goto out;
    if (s->listen.io_threads &&
        zmq_setsockopt(z, ZMQ_AFFINITY, &s->listen.io_threads, sizeof s->listen.io_threads)) {
        e = zmq_error();
        goto out;
    }
    if ((e = zmq_set_int(z, ZMQ_CURVE_SERVER, 1)) || (e = set_key(z, ZMQ_CURVE_SECRETKEY, secret)))
        goto out;
    if (zmq_setsockopt(z, ZMQ_ZAP_DOMAIN, s->domain, strlen(s->domain))) {
        e = zmq_error();
        goto out;
    }
    *out = z;
    z = NULL;
out:
    if (z)
        zmq_close(z);
    return e;
}

enum err listener_bind(struct link_socket *s, const char *endpoint)
{
    size_t n = sizeof s->endpoint;

    if (zmq_bind(s->zsock, endpoint) ||
        zmq_getsockopt(s->zsock, ZMQ_LAST_ENDPOINT, s->endpoint, &n))
        return zmq_error();
    return ERR_OK;
}

enum err link_listen(struct transport *t, const struct link_listen_options *options,
                     struct link_socket **out)
{
    struct zap *zap = atomic_load(&t->zap);
    struct link_socket *s;
    enum err e;

    if (!link_endpoint_ok(options->endpoint, true) || !options->secret_key || !options->domain ||
        strlen(options->domain) > LINK_DOMAIN_MAX)
        return ERR_USAGE;
    if (!zap || !zap_alive(zap) || !zap_knows(zap, options->domain))
        return ERR_STATE; /* the library would let everybody in */
    if (!(s = socket_new(t)))
        return ERR_NOMEM;
    s->listener = 1;
    s->listen.handshake_ms = options->handshake_ms;
    s->listen.receive_queue = options->receive_queue;
    s->listen.io_threads = options->io_threads;
    snprintf(s->domain, sizeof s->domain, "%s", options->domain);
    if ((e = listener_make(s, options->secret_key, &s->zsock)))
        goto out;
    if ((e = listener_bind(s, options->endpoint)))
        goto out;
    *out = s;
    s = NULL;
out:
    link_close(s);
    return e;
}

/* Between one and two times the interval, drawn per socket, so that the nodes of a hub that
 * restarted do not come back in step; the library adds as much again at every attempt. */
static enum err reconnect_draw(struct transport *t, int asked_ms, int *out)
{
    int base_ms = asked_ms > 0 ? asked_ms : RECONNECT_MS;
    uint32_t r;
    enum err e;

    if (base_ms > RECONNECT_MAX_MS)
        return ERR_RANGE;
    if ((e = entropy_fill(t->entropy, (uint8_t *)&r, sizeof r)))
        return e;
    *out = base_ms + (int)(r % (uint32_t)base_ms);
    return ERR_OK;
}

enum err link_connect(struct transport *t, const struct link_connect_options *options,
                      struct link_socket **out)
{
    struct link_socket *s;
    int reconnect_ms;
    enum err e;

    if (!link_endpoint_ok(options->endpoint, false) || !options->server_key ||
        !options->public_key || !options->secret_key)
        return ERR_USAGE;
    if ((e = reconnect_draw(t, options->reconnect_ms, &reconnect_ms)))
        return e;
    if (!(s = socket_new(t)))
        return ERR_NOMEM;
    if (!(s->zsock = zmq_socket(t->ctx, ZMQ_DEALER))) {
        e = zmq_error();
        goto out;
    }
    if ((e = net_socket_defaults(s->zsock, 0)) ||
        (e = zmq_set_int(s->zsock, ZMQ_RECONNECT_IVL, reconnect_ms)) ||
        (e = set_key(s->zsock, ZMQ_CURVE_SERVERKEY, options->server_key)) ||
        (e = set_key(s->zsock, ZMQ_CURVE_PUBLICKEY, options->public_key)) ||
        (e = set_key(s->zsock, ZMQ_CURVE_SECRETKEY, options->secret_key)))
        goto out;
    if (options->linger_ms &&
        (e = zmq_set_int(s->zsock, ZMQ_LINGER, options->linger_ms > 0 ? options->linger_ms : 0)))
        goto out;
    snprintf(s->endpoint, sizeof s->endpoint, "%s", options->endpoint);
    if (zmq_connect(s->zsock, s->endpoint)) {
        e = zmq_error();
        goto out;
    }
    *out = s;
    s = NULL;
out:
    link_close(s);
    return e;
}
