/* Circles, read only: what this node knows of them, and what the hub says when asked. */
#include "commands_internal.h"
#include "courier.h"

#define WAIT_MS 5000
#define WAIT_MAX_MS 60000

#define NOT_ASKED                                                                                  \
    "Le hub n'a pas répondu : la chaîne du cercle n'est pas lue. Rien n'est conservé de cette " \
    "demande ; redemandez quand la liaison est revenue."

static enum err looking(struct node *n, struct call *c,
                        enum err (*look)(struct node *n, struct txn *t, struct call *c))
{
    struct txn *t = NULL;
    enum err e = store_begin(n->store, TXN_READ, &t);

    if (!e)
        e = look(n, t, c);
    store_abort(&t);
    return e;
}

enum err circle_list(struct node *n, struct call *c)
{
    return looking(n, c, circles_listed);
}

enum err circle_invitations(struct node *n, struct call *c)
{
    return looking(n, c, invited_listed);
}

static enum err show_one(struct node *n, struct txn *t, struct call *c)
{
    uint8_t handle[ID_BYTES];
    enum err e = arg_circle(n, t, c, "circle", handle);

    return e ? e : circle_shown(n, t, handle, c);
}

enum err circle_show(struct node *n, struct call *c)
{
    return looking(n, c, show_one);
}

/* Asks the hub for a chain by its handle, as a member would: anybody else is told no, and why. */
static void asked(struct node *n, struct call *c, const uint8_t handle[ID_BYTES], enum err why)
{
    struct txn *t = NULL;

    if (why == ERR_OFFLINE && bytes_printf(&c->text, NOT_ASKED))
        bytes_free(&c->text);
    if (!why && store_begin(n->store, TXN_READ, &t) == ERR_OK &&
        circle_shown(n, t, handle, c) != ERR_OK)
        bytes_free(&c->text);
    store_abort(&t);
}

enum err circle_ask(struct node *n, struct call *c)
{
    uint8_t handle[ID_BYTES];
    uint64_t wait_ms;
    enum err e;

    if ((e = arg_uint(c, "wait_ms", WAIT_MS, WAIT_MAX_MS, &wait_ms)))
        return e;
    if ((e = arg_id(c, "circle", handle)))
        return e;
    if (!n->self.joined)
        return ERR_NOT_JOINED;
    if ((e = courier_ask_chain(n, handle, 0))) {
        c->done = e == ERR_OFFLINE && !bytes_printf(&c->text, NOT_ASKED);
        return e;
    }
    return call_wait(n, c, handle, wait_ms, asked);
}
