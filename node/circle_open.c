/* The circle that a person has already (circles.h). */
#include <string.h>

#include "circles.h"
#include "commands_internal.h"
#include "person.h"

struct having {
    struct node *n;
    struct txn *t;
    const uint8_t *person;
    bool found;
    uint8_t handle[ID_BYTES];
};

/* Open with us in it, or about to be: its create or join waits for the hub. */
static enum err is_open(struct having *h, const uint8_t handle[ID_BYTES], bool *open)
{
    const struct circle_member *me;
    struct circle *c = NULL;
    enum err e = circles_get(h->n, h->t, handle, &c);

    if (e == ERR_NOT_FOUND)
        return act_unsettled(h->n, h->t, handle, open);
    if (e)
        return e;
    me = circle_find(c, h->n->self.org);
    *open = !circle_closed(c) && me && me->current;
    return ERR_OK;
}

static enum err having_one(void *arg, const struct circle_info *i)
{
    struct having *h = arg;
    uint8_t resolved[ID_BYTES];
    bool open;
    enum err e;

    if (!i->has_person)
        return ERR_OK;
    if ((e = person_resolve(h->n, h->t, i->person, resolved)) ||
        memcmp(resolved, h->person, ID_BYTES) != 0)
        return e;
    if ((e = is_open(h, i->handle, &open)) || !open)
        return e;
    h->found = true;
    memcpy(h->handle, i->handle, ID_BYTES);
    return ERR_ENOUGH;
}

static enum err circle_open_of(struct node *n, struct txn *t, const uint8_t person[ID_BYTES],
                               uint8_t handle[ID_BYTES])
{
    uint8_t resolved[ID_BYTES];
    struct having h = {.n = n, .t = t, .person = resolved};
    enum err e;

    if ((e = person_resolve(n, t, person, resolved)) ||
        (e = circle_info_each(n, t, having_one, &h)))
        return e;
    if (!h.found)
        return ERR_NOT_FOUND;
    memcpy(handle, h.handle, ID_BYTES);
    return ERR_OK;
}

enum err circle_is_first(struct node *n, struct txn *t, const uint8_t person[ID_BYTES],
                         struct call *c)
{
    uint8_t handle[ID_BYTES];
    struct bytes hex = {0};
    enum err e = circle_open_of(n, t, person, handle);

    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    if ((e = hex_write(&hex, span_of(handle, 8))))
        return e;
    c->done = !bytes_printf(&c->text,
                            "Cette personne a déjà un cercle ouvert : %.*s. Aucun autre n'a été "
                            "créé. Invitez-y les organisations qui manquent, ou fermez-le d'abord.",
                            (int)hex.len, (const char *)hex.ptr);
    bytes_free(&hex);
    return ERR_EXISTS;
}
