/*
 * link.h - what the files of this folder share, and nobody else includes.
 * Thread rule: as transport.h, zap.h and loop.h say of the same things.
 */
#ifndef RELAIS_LINK_PRIVATE_H
#define RELAIS_LINK_PRIVATE_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <zmq.h>

#include "loop.h"
#include "survey.h"
#include "transport.h"
#include "zap.h"

#define TAG_BYTES 16
#define TAG_CHARS (2 * TAG_BYTES)
#define ZAP_ENDPOINT "inproc://zeromq.zap.01"

static_assert(TAG_CHARS + LINK_USER_MAX <= 255, "ZAP allows 255 bytes of user id");

struct transport {
    void *ctx;
    const struct entropy *entropy;
    _Atomic(struct zap *) zap;
    _Atomic unsigned monitors; /* ever opened: each has a name of its own */
    /* Before every user our ZAP thread names. The peer never sees it, so that a "User-Id" which
     * the peer itself puts into its handshake, and which the library hands over just the same
     * when no ZAP thread answers, is recognised as none of ours. */
    char tag[TAG_CHARS + 1];
};

struct link_socket {
    struct transport *transport;
    void *zsock; /* NULL after a failed rebind */
    int listener;
    struct link_listen_options listen; /* numbers only; what rebind needs again */
    char endpoint[LINK_ENDPOINT_MAX + 1];
    char domain[LINK_DOMAIN_MAX + 1];
    zmq_msg_t held; /* the payload lent by the last link_recv() */
    int discarding; /* the last message had more parts than one call throws away */
    struct seen_table seen;
    struct link_stats stats;
};

/* enum err for the errno of a failed zmq_ call; ERR_IO for what has no better name. */
enum err zmq_error(void);
enum err zmq_set_int(void *zsock, int option, int value);
/* EINTR-proof; parts are received without waiting. ERR_AGAIN, ERR_STOPPING. */
enum err zmq_recv_part(void *zsock, zmq_msg_t *part);

/* A listener socket with its profile and options set, not yet bound; from `secret`. */
enum err listener_make(const struct link_socket *s, const uint8_t *secret, void **out);
enum err listener_bind(struct link_socket *s, const char *endpoint);

int zap_knows(const struct zap *z, const char *domain);
/* The one user of the domain whose last handshake came from there, and of whom not() does not hold
 * (NULL: nobody); ERR_NOT_FOUND: none, or two. */
enum err zap_only_user_from(struct zap *z, const char *domain, const char *address,
                            int (*not )(const char *user, void *arg), void *arg,
                            char user[LINK_USER_MAX + 1]);

uint64_t loop_now_ms(const struct loop *l);

#endif
