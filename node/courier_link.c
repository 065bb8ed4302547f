/* The courier's one connection: made, and made anew when libzmq has given it up. */
#include <stdio.h>

#include "courier_internal.h"
#include "log.h"
#include "loop.h"

enum err courier_connect(struct courier *c)
{
    const struct pins *p = contacts_pins(c->n);
    const char *set = c->n->settings.endpoint;
    struct link_connect_options o = {.reconnect_ms = 200, .linger_ms = 200};

    snprintf(c->endpoint, sizeof c->endpoint, "%s", *set ? set : p->endpoint);
    o.endpoint = c->endpoint;
    o.server_key = p->hub_transport.b;
    o.public_key = secret_box_public(c->n->curve)->b;
    o.secret_key = secret_box_span(c->n->curve).ptr;
    return link_connect(c->transport, &o, &c->link);
}

/* Whoever was turned away once (locked out, until the operator allows it again) is never let in on
 * the same socket: libzmq ends a session that met a protocol error, a ZAP 400 among them, and
 * neither reports it nor tries again (its issue 4196). What has had no connection for longer than
 * its own attempts are apart is made anew. */
void courier_link_anew(struct courier *c)
{
    struct link_socket *former = c->link;

    c->linked_ms = courier_mono(c);
    c->link = NULL;
    if (courier_connect(c) || loop_link(c->n->loop, c->link, courier_on_frame, c)) {
        link_close(c->link);
        c->link = former; /* at the next look */
        return;
    }
    loop_link_remove(c->n->loop, former);
    link_close(former);
    log_info("courier.link", "made=%s", "anew");
}
