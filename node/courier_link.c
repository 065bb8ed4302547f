/* The courier's one connection: made, and made anew when libzmq has given it up or when the hub has
 * another key. */
#include <stdio.h>
#include <string.h>

#include "courier_internal.h"
#include "log.h"
#include "loop.h"

#define CHANGING_ANEW_MS                                                                           \
    4000 /* while the hub or the node changes its key, one is tried so long, then the other */

static bool same(const struct box_public *a, const struct box_public *b)
{
    return memcmp(a->b, b->b, KEY_BYTES) == 0;
}

/* Of two keys the one that was not tried last. */
static void server_choose(struct courier *c)
{
    struct box_public keys[2];
    size_t count = contacts_hub_transport(c->n, node_now_ms(c->n), keys);

    c->server = keys[count == 2 && same(&c->server, &keys[0]) ? 1 : 0];
}

bool courier_link_stale(const struct courier *c)
{
    struct box_public keys[2];
    size_t count = contacts_hub_transport(c->n, node_now_ms(c->n), keys);

    return !same(&c->server, &keys[0]) && (count == 1 || !same(&c->server, &keys[1]));
}

bool courier_link_old(const struct courier *c)
{
    struct box_public keys[2];
    bool changing = contacts_hub_transport(c->n, node_now_ms(c->n), keys) == 2 || rekey_silent(c);

    return courier_link_stale(c) ||
           courier_mono(c) - c->linked_ms > (changing ? CHANGING_ANEW_MS : LINK_ANEW_MS);
}

static enum err connect_link(struct courier *c)
{
    const struct pins *p = contacts_pins(c->n);
    const struct secret_box *own = c->next_keys ? c->n->rekey.curve : c->n->curve;
    const char *set = c->n->settings.endpoint;
    struct link_connect_options o = {.reconnect_ms = 200, .linger_ms = 200};

    snprintf(c->endpoint, sizeof c->endpoint, "%s", *set ? set : p->endpoint);
    o.endpoint = c->endpoint;
    o.server_key = c->server.b;
    o.public_key = secret_box_public(own)->b;
    o.secret_key = secret_box_span(own).ptr;
    return link_connect(c->transport, &o, &c->link);
}

enum err courier_connect(struct courier *c)
{
    server_choose(c);
    return connect_link(c);
}

/* Whoever was turned away once (locked out, until the operator allows it again) is never let in on
 * the same socket: libzmq ends a session that met a protocol error, a ZAP 400 among them, and
 * neither reports it nor tries again (its issue 4196). What has had no connection for longer than
 * its own attempts are apart is made anew. */
void courier_link_anew(struct courier *c)
{
    struct box_public server = c->server;
    struct link_socket *former = c->link;

    c->linked_ms = courier_mono(c);
    c->link = NULL;
    if (courier_connect(c) || loop_link(c->n->loop, c->link, courier_on_frame, c)) {
        link_close(c->link);
        c->link = former; /* at the next look */
        c->server = server;
        return;
    }
    loop_link_remove(c->n->loop, former);
    link_close(former);
    log_info("courier.link", "made=%s key=%s", "anew",
             same(&server, &c->server) ? "same" : "other");
}
