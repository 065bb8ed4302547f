/*
 * transport - authenticated network sockets: a listener for many peers, a connector to one.
 * Every socket has the one profile of PROTOCOL.md (CURVE, bounded frames, bounded queues,
 * mandatory routing). A message is exactly one frame. On a listener a frame is handed over only
 * with the user that our own ZAP thread named for its connection (zap.h): the name carries a tag
 * drawn at transport_open(), so that neither a missing ZAP thread nor a name the peer puts into
 * its own handshake lets anybody in. The routing id a peer chooses is an address, never an
 * identity.
 * Thread rule: a link is confined to one thread; a transport may be shared. "Sent" means queued:
 * delivery is what the other side acknowledges.
 */
#ifndef RELAIS_TRANSPORT_H
#define RELAIS_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "random.h"
#include "span.h"

#define LINK_PAYLOAD_MAX (320 * 1024) /* one byte more, and the peer is closed */
#define LINK_KEY_BYTES 32
#define LINK_USER_MAX 127  /* bytes of a user text, without its NUL */
#define LINK_DOMAIN_MAX 31 /* the same for a ZAP domain */
#define LINK_ROUTING_MAX 255
#define LINK_ADDRESS_MAX 63 /* "address:port", numeric */
#define LINK_ENDPOINT_MAX 255
#define LINK_PARTS_DRAIN_MAX 256 /* frames of a refused multi-part thrown away in one call */

struct transport;
struct link_socket;

struct transport_options {
    int io_threads;                /* 0 is 1; 2 above 2,000 peers */
    int max_sockets;               /* 0 is the library's 1,023 (simulators raise it) */
    const struct entropy *entropy; /* required; borrowed until transport_close() */
};

/* ERR_UNSUPPORTED: the library has no CURVE. Blocks the signals of loop.h in this thread. */
enum err transport_open(const struct transport_options *options, struct transport **out);
/* After every link_close() and zap_stop(). A connector's unsent frames get two seconds. */
void transport_close(struct transport *t); /* NULL is fine */

/* Where a frame came from: reply to exactly this, for as long as it lives. */
struct link_peer {
    uint64_t connection; /* kernel's number of the TCP connection; never reused; 0: not known */
    int fd;              /* of that connection inside the library, for this module only */
    uint8_t routing[LINK_ROUTING_MAX];
    uint8_t routing_len;
    char user[LINK_USER_MAX + 1];       /* as zap_allow() was told; "" on a connector */
    char address[LINK_ADDRESS_MAX + 1]; /* numeric, without port; "" if not known */
};

struct link_frame {
    struct link_peer peer;
    struct span payload; /* borrowed until the next call on this link */
    enum err fault;      /* ERR_OK, or ERR_MESSAGE_STATE: came in several parts, payload empty */
};

struct link_listen_options {
    const char *endpoint;      /* "tcp://127.0.0.1:7411"; port * asks for a free one */
    const char *domain;        /* ZAP domain, one of zap_start()'s */
    const uint8_t *secret_key; /* LINK_KEY_BYTES; copied into the library's ordinary memory */
    int handshake_ms;          /* 0 is 5,000: a peer that has not finished by then is closed */
    int receive_queue;         /* 0 is 16 messages per peer */
    uint64_t io_threads;       /* bit i: the i-th I/O thread may serve it; 0: any */
};

struct link_connect_options {
    const char *endpoint;
    const uint8_t *server_key; /* the listener's public key */
    const uint8_t *public_key;
    const uint8_t *secret_key; /* copied into the library's ordinary memory */
    int reconnect_ms;          /* 0 is 500, grows to 30 s; drawn from 1 to 2 times this */
    int linger_ms;             /* 0 is 2,000; -1 is none at all */
};

/* tcp://HOST:PORT; a listener may ask for any port with *. What the calls below refuse as
 * ERR_USAGE, for whoever checks settings before. NULL is not. */
bool link_endpoint_ok(const char *endpoint, bool listener);

/* A listener. ERR_STATE: no ZAP thread serves this transport or it does not know the domain;
 * ERR_USAGE: an endpoint that is not tcp://, a missing key; ERR_EXISTS: address in use. */
enum err link_listen(struct transport *t, const struct link_listen_options *options,
                     struct link_socket **out);
/* A connector; connects and reconnects by itself, from now on. */
enum err link_connect(struct transport *t, const struct link_connect_options *options,
                      struct link_socket **out);
void link_close(struct link_socket *s);                 /* NULL is fine */
const char *link_endpoint(const struct link_socket *s); /* the real port; borrowed */

/* The next frame, without waiting. ERR_AGAIN: none now, or much was thrown away and others should
 * have their turn; ERR_STOPPING: the transport is closing.
 * A message in several parts is thrown away and handed over as a frame with its fault. Messages
 * without a user of ours are dropped and counted, never handed over. */
enum err link_recv(struct link_socket *s, struct link_frame *out);
/* Queues one frame without waiting. `to` is the peer of a received frame; NULL on a connector.
 * ERR_BUSY: the peer's queue is full, or a connector has no connection; ERR_CLOSED: that
 * connection is gone, and nothing goes to whoever took its routing id; ERR_SIZE: too large. */
enum err link_send(struct link_socket *s, const struct link_peer *to, struct span payload);

/* Closes every connection of a listener and listens again on the same port, then gives freed
 * memory back to the system: for when nobody can be found to cut (link_drop). Honest peers
 * reconnect with jitter. Takes milliseconds, and at most LINK_REBIND_MS: the one call here that
 * waits. On error the link is dead: close it (the program should end). */
enum err link_rebind(struct link_socket *s);
/* The same, and from then on the listener has that CURVE key. */
enum err link_rekey(struct link_socket *s, const uint8_t secret[LINK_KEY_BYTES]);
#define LINK_REBIND_MS 5000

/* A connection from which nothing more is taken: what comes on it is as lost in the network, and
 * its peer's kernel offers it again, less and less often, until it is let go. The only way to read
 * one peer more slowly than it sends, and to be spared the deciphering. What has come before is
 * still handed over, and it may be sent to all the while. ERR_CLOSED: it is gone. */
struct link_held {
    uint64_t connection; /* as in link_peer */
    int fd;
};
enum err link_hold(const struct link_peer *peer, struct link_held *out);
void link_let_go(const struct link_held *held); /* it may be gone */

struct link_stats {
    uint64_t frames, bytes; /* handed over */
    uint64_t multipart;     /* messages thrown away for having several parts */
    uint64_t nameless;      /* messages dropped for having no user of ours */
    uint64_t busy, closed;  /* refused sends */
    uint64_t rebinds, cuts;
};
struct link_stats link_stats(const struct link_socket *s);

enum {
    LINK_GUESS_ADDRESS = 1, /* the only one whose last handshake came from this address */
    LINK_GUESS_SILENT       /* the only one of those who has said nothing on any connection */
};

/* One live TCP connection of a listener. */
struct link_connection {
    char user[LINK_USER_MAX + 1];       /* "" while it has completed no message */
    int guessed;                        /* 0, or how user was found without a message */
    char address[LINK_ADDRESS_MAX + 1]; /* with port: "192.0.2.7:41234", "[2001:db8::7]:41234" */
    uint64_t connection;                /* as in link_peer */
    int fd;                             /* as in link_peer */
    uint64_t received;                  /* bytes the library took from the kernel */
    uint64_t accounted; /* bytes of messages handed over or dropped, framing incl. */
    uint64_t unread;    /* bytes sent to it that its kernel has not acknowledged */
    uint64_t multipart; /* messages in several parts */
};
/* What the library may hold for it: received and not handed over, sent and not read. */
uint64_t link_held(const struct link_connection *c);

/* Every connection, the one that is held most for first. Handshake and heartbeats
 * are never accounted: about 1 KiB, and 300 KiB a day. An honest peer holds at most its receive
 * queue of frames beside that; one that never ends a message holds all it has sent.
 * *n is how many there are; at most `most` are written. Reads /proc/self/fd: for once a second.
 * A name can be another's for a moment when a descriptor is reused while frames of its former
 * connection still wait: take a second survey before acting on one. */
enum err link_survey(struct link_socket *s, struct link_connection *out, size_t most, size_t *n);

/* Ends one connection that a survey has found, and no other: the library has no call for it, so
 * its descriptor is shut down, and the library finds its peer gone and frees what it held for it.
 * The peer may come back at once. ERR_CLOSED: it has gone already. If the descriptor is given to
 * somebody else between our look and our call, he has to connect again. */
enum err link_drop(struct link_socket *s, const struct link_connection *c);
/* Has the library let go of it? link_drop() comes before that, and what was held is freed after. */
bool link_gone(const struct link_connection *c);

#endif
