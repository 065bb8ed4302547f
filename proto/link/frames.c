/* frames - receiving and sending on a link: one message is one frame, and a frame has a user. */
#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name our ZAP thread gave to the connection, NULL if the name is not from our ZAP thread. */
static const char *user_of(const struct link_socket *s, zmq_msg_t *part)
{
    const char *user = zmq_msg_gets(part, "User-Id");

    if (!user || strlen(user) <= TAG_CHARS || strlen(user) > TAG_CHARS + LINK_USER_MAX)
        return NULL;
    return seal_equal(user, s->transport->tag, TAG_CHARS) ? user + TAG_CHARS : NULL;
}

static void account(struct link_socket *s, const struct link_peer *peer, size_t n, int multipart)
{
    struct seen *row = seen_row(&s->seen, peer->fd, peer->connection);

    if (!row)
        return;
    row->accounted += wire_bytes(n);
    row->multipart += multipart ? 1 : 0;
    if (peer->user[0])
        snprintf(row->user, sizeof row->user, "%s", peer->user);
}

/* Fills in what the connection of this part tells; the routing id is there already. */
static void peer_read(const struct link_socket *s, zmq_msg_t *part, struct link_peer *peer)
{
    const char *address = zmq_msg_gets(part, "Peer-Address");
    const char *user = s->listener ? user_of(s, part) : NULL;

    peer->fd = zmq_msg_get(part, ZMQ_SRCFD);
    peer->connection = connection_of(peer->fd);
    snprintf(peer->user, sizeof peer->user, "%s", user ? user : "");
    snprintf(peer->address, sizeof peer->address, "%s", address ? address_plain(address) : "");
}

/* Throws away the parts that follow. They are all here: the library hands over whole messages. */
static enum err parts_drain(struct link_socket *s)
{
    struct link_peer peer = {0};
    zmq_msg_t part;
    enum err e = ERR_OK;

    zmq_msg_init(&part);
    for (int i = 0; s->discarding && i < LINK_PARTS_DRAIN_MAX; i++) {
        if ((e = zmq_recv_part(s->zsock, &part)))
            break;
        peer_read(s, &part, &peer);
        if (s->listener)
            account(s, &peer, zmq_msg_size(&part), 0);
        s->discarding = zmq_msg_more(&part);
    }
    zmq_msg_close(&part);
    if (!e && s->discarding)
        e = ERR_AGAIN; /* more than a turn's worth: the rest next time */
    return e;
}

/* One message into s->held and *peer. ERR_AGAIN: none. */
static enum err message_recv(struct link_socket *s, struct link_peer *peer)
{
    enum err e;

    if (s->listener) {
        if ((e = zmq_recv_part(s->zsock, &s->held)))
            return e;
        if (zmq_msg_size(&s->held) > LINK_ROUTING_MAX || !zmq_msg_more(&s->held))
            return ERR_INTERNAL; /* the library's promise, not the peer's */
        peer->routing_len = (uint8_t)zmq_msg_size(&s->held);
        memcpy(peer->routing, zmq_msg_data(&s->held), peer->routing_len);
    }
    if ((e = zmq_recv_part(s->zsock, &s->held)))
        return e;
    peer_read(s, &s->held, peer);
    return ERR_OK;
}

static void frame_fill(struct link_socket *s, const struct link_peer *peer, int multipart,
                       struct link_frame *out)
{
    out->peer = *peer;
    out->fault = multipart ? ERR_MESSAGE_STATE : ERR_OK;
    out->payload = (struct span){0};
    if (multipart) {
        s->stats.multipart++;
        return;
    }
    out->payload = span_of(zmq_msg_data(&s->held), zmq_msg_size(&s->held));
    s->stats.frames++;
    s->stats.bytes += out->payload.len;
}

enum err link_recv(struct link_socket *s, struct link_frame *out)
{
    struct link_peer peer;
    enum err e;

    if (!s->zsock)
        return ERR_CLOSED;
    if (s->discarding && (e = parts_drain(s)))
        return e;
    for (int i = 0; i < LINK_PARTS_DRAIN_MAX; i++) {
        memset(&peer, 0, sizeof peer);
        if ((e = message_recv(s, &peer)))
            return e;
        s->discarding = zmq_msg_more(&s->held);
        int multipart = s->discarding;
        int named = !s->listener || peer.user[0];

        if (s->listener)
            account(s, &peer, zmq_msg_size(&s->held), multipart);
        if (!named)
            s->stats.nameless++;
        if (multipart && (e = parts_drain(s)) && (e != ERR_AGAIN || !named))
            return e;
        if (!named)
            continue;
        frame_fill(s, &peer, multipart, out);
        return ERR_OK;
    }
    return ERR_AGAIN;
}

static enum err part_send(void *zsock, zmq_msg_t *part, int flags)
{
    int rc;

    do
        rc = zmq_msg_send(part, zsock, flags | ZMQ_DONTWAIT);
    while (rc < 0 && zmq_errno() == EINTR);
    return rc < 0 ? zmq_error() : ERR_OK;
}

static enum err part_make(zmq_msg_t *part, const void *data, size_t n)
{
    if (zmq_msg_init_size(part, n)) {
        zmq_msg_init(part);
        return ERR_NOMEM;
    }
    if (n)
        memcpy(zmq_msg_data(part), data, n);
    return ERR_OK;
}

/* Both parts exist before the first is sent: a message begun must be finished. */
static enum err message_send(struct link_socket *s, const struct link_peer *to, struct span payload)
{
    zmq_msg_t routing, body;
    enum err e;

    zmq_msg_init(&routing);
    if ((e = part_make(&body, payload.ptr, payload.len)))
        goto out;
    if (s->listener) {
        if ((e = part_make(&routing, to->routing, to->routing_len)))
            goto out;
        if ((e = part_send(s->zsock, &routing, ZMQ_SNDMORE)))
            goto out;
    }
    e = part_send(s->zsock, &body, 0);
out:
    zmq_msg_close(&routing); /* empty if it was sent */
    zmq_msg_close(&body);
    return e;
}

static void sent(struct link_socket *s, const struct link_peer *to, size_t n)
{
    struct seen *row = seen_row(&s->seen, to->fd, to->connection);

    if (row)
        row->sent += wire_bytes(n);
}

enum err link_send(struct link_socket *s, const struct link_peer *to, struct span payload)
{
    enum err e;

    if (!s->zsock)
        return ERR_CLOSED;
    if (s->listener != (to != NULL))
        return ERR_USAGE;
    if (payload.len > LINK_PAYLOAD_MAX)
        return ERR_SIZE;
    /* While the connection lives nobody else can have its routing id; once it is gone anybody
     * can ask for it, and would get this frame. */
    if (to && (!to->connection || connection_of(to->fd) != to->connection))
        e = ERR_CLOSED;
    else
        e = message_send(s, to, payload);
    if (e == ERR_AGAIN)
        e = ERR_BUSY;
    if (!e && to)
        sent(s, to, payload.len);
    s->stats.busy += e == ERR_BUSY;
    s->stats.closed += e == ERR_CLOSED;
    return e;
}
