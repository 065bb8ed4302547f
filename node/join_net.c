/* JOIN over the network: one connection with the invitation's one-time key, asked until there is
 * an answer (join.h). The only place where a node waits. */
#include <stdio.h>
#include <string.h>

#include "join.h"
#include "loop.h"
#include "transport.h"

#define ASK_EVERY_MS 1000
#define TURN_MS 100

struct asking {
    struct node *n;
    struct joining *j;
    struct link_socket *link;
    struct bytes frame;
    enum err answer; /* ERR_AGAIN: none yet */
    enum join_state state;
    bool done;
    bool wait_final;
};

static void on_answer(struct link_socket *link, const struct link_frame *f, void *arg)
{
    struct asking *a = arg;
    struct message m;

    (void)link;
    if (f->fault || message_decode(f->payload, SENT_BY_HUB, &m) || m.type != MSG_JOIN_STATE)
        return;
    a->state = m.join_state.state;
    a->answer = join_answer(a->n, a->j, &m.join_state, &a->done);
}

static bool is_enough(const struct asking *a)
{
    if (a->answer == ERR_AGAIN)
        return false;
    return !a->wait_final || a->answer != ERR_WAITING;
}

static enum err connect_join(struct asking *a, struct transport *t)
{
    const char *set = a->n->settings.join_endpoint;
    struct link_connect_options o = {.reconnect_ms = 200, .linger_ms = 200};
    struct secret32 *secret = NULL;
    struct secret_box *once = NULL;
    char endpoint[LINK_ENDPOINT_MAX + 1];
    struct invitation i;
    enum err e;

    if (invitation_decode(bytes_span(&a->j->invitation), &i))
        return ERR_CORRUPT;
    if (*set)
        snprintf(endpoint, sizeof endpoint, "%s", set);
    else
        snprintf(endpoint, sizeof endpoint, "%.*s", (int)i.join_endpoint.len,
                 (const char *)i.join_endpoint.ptr);
    if ((e = secret32_copy(i.secret, &secret)) || (e = secret_box_from(secret, &once)))
        goto out;
    o.endpoint = endpoint;
    o.server_key = i.hub_transport.b;
    o.public_key = secret_box_public(once)->b;
    o.secret_key = secret_box_span(once).ptr;
    e = link_connect(t, &o, &a->link);
out:
    secret32_free(secret);
    secret_box_free(once);
    return e;
}

static enum err ask(struct asking *a, struct loop *l, uint64_t wait_ms)
{
    uint64_t begin_ms = clock_mono_ms(a->n->clock);
    uint64_t next_ms = begin_ms;
    enum err e = ERR_OK;

    while (!e && !is_enough(a)) {
        uint64_t now_ms = clock_mono_ms(a->n->clock);

        if (now_ms - begin_ms > wait_ms)
            break;
        if (now_ms >= next_ms) {
            e = link_send(a->link, NULL, bytes_span(&a->frame));
            next_ms = now_ms + (e ? TURN_MS : ASK_EVERY_MS);
            e = e == ERR_BUSY ? ERR_OK : e; /* no connection yet */
        }
        if (!e)
            e = loop_turn(l, TURN_MS);
    }
    if (e)
        return e;
    return a->answer == ERR_AGAIN ? ERR_TIMEOUT : a->answer;
}

#define FIRST_WAIT_MS 5000

enum err join_run(struct node *n, struct joining *j, uint64_t wait_ms, enum join_state *state)
{
    struct transport_options options = {.entropy = &n->entropy};
    struct asking a = {.n = n, .j = j, .answer = ERR_AGAIN, .wait_final = wait_ms > 0};
    struct transport *t = NULL;
    struct loop *l = NULL;
    enum err e;

    if ((e = join_message(j, &a.frame)))
        goto out;
    if ((e = transport_open(&options, &t)) || (e = loop_open(n->clock, &l)))
        goto out;
    if ((e = connect_join(&a, t)) || (e = loop_link(l, a.link, on_answer, &a)))
        goto out;
    e = ask(&a, l, wait_ms > FIRST_WAIT_MS ? wait_ms : FIRST_WAIT_MS);
    if (state)
        *state = a.state;
out:
    if (a.link && l)
        loop_link_remove(l, a.link);
    link_close(a.link);
    loop_close(l);
    transport_close(t);
    bytes_free(&a.frame);
    return e;
}
