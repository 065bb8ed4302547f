/* rebind - the kick: the library cannot close one connection, so all of them are closed. */
#include "link.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name is new each time: that of the last monitor goes away in the background, and as long as
 * it is there it is taken. The library says MONITOR_STOPPED from the socket's destructor, when the
 * listener and every connection with all its memory are gone; only then is the port free again. */
static enum err monitor_open(struct link_socket *s, void **out)
{
    char name[64];
    void *monitor;

    snprintf(name, sizeof name, "inproc://relais-rebind-%u",
             atomic_fetch_add(&s->transport->monitors, 1));
    if (zmq_socket_monitor(s->zsock, name, ZMQ_EVENT_MONITOR_STOPPED))
        return zmq_error();
    if (!(monitor = zmq_socket(s->transport->ctx, ZMQ_PAIR)))
        return zmq_error();
    if (zmq_set_int(monitor, ZMQ_LINGER, 0) || zmq_connect(monitor, name)) {
        zmq_close(monitor);
        return ERR_IO;
    }
    *out = monitor;
    return ERR_OK;
}

static enum err monitor_wait(void *monitor)
{
    zmq_pollitem_t item = {.socket = monitor, .events = ZMQ_POLLIN};
    int rc;

    do
        rc = zmq_poll(&item, 1, LINK_REBIND_MS);
    while (rc < 0 && zmq_errno() == EINTR);
    if (rc < 0)
        return zmq_error();
    return rc == 0 ? ERR_TIMEOUT : ERR_OK;
}

static void table_forget(struct link_socket *s)
{
    seen_free(&s->seen);
    s->discarding = 0;
    zmq_msg_close(&s->held);
    zmq_msg_init(&s->held);
}

static enum err rebind(struct link_socket *s, const uint8_t *other)
{
    uint8_t secret[LINK_KEY_BYTES];
    size_t n = sizeof secret;
    char endpoint[LINK_ENDPOINT_MAX + 1];
    void *fresh = NULL;
    void *monitor = NULL;
    enum err e;

    if (!s->listener)
        return ERR_USAGE;
    if (!s->zsock)
        return ERR_CLOSED;
    snprintf(endpoint, sizeof endpoint, "%s", s->endpoint);
    if (other) {
        memcpy(secret, other, sizeof secret);
    } else if (zmq_getsockopt(s->zsock, ZMQ_CURVE_SECRETKEY, secret, &n)) {
        e = zmq_error();
        goto out;
    }
    if ((e = listener_make(s, secret, &fresh)) || (e = monitor_open(s, &monitor)))
        goto out;
    table_forget(s);
    zmq_close(s->zsock);
    s->zsock = NULL;
    if ((e = monitor_wait(monitor)))
        goto out;
    malloc_trim(0);
    s->zsock = fresh;
    fresh = NULL;
    if ((e = listener_bind(s, endpoint))) {
        zmq_close(s->zsock);
        s->zsock = NULL;
        goto out;
    }
    s->stats.rebinds++;
out:
    seal_wipe(secret, sizeof secret);
    if (monitor)
        zmq_close(monitor);
    if (fresh)
        zmq_close(fresh);
    return e;
}

enum err link_rebind(struct link_socket *s)
{
    return rebind(s, NULL);
}

enum err link_rekey(struct link_socket *s, const uint8_t secret[LINK_KEY_BYTES])
{
    return rebind(s, secret);
}
