/* What this organisation has declared and the hub has not decided: it binds us at once (circles.h).
 */
#include <string.h>

#include "circles.h"

enum err act_statement(const struct act *a, struct circle_statement *s)
{
    if (circle_decode(bytes_span(&a->stmt), s))
        return ERR_CORRUPT;
    return s->kind == CIRCLE_CREATE ? circle_handle_of(bytes_span(&a->stmt), s->circle) : ERR_OK;
}

struct looking_ahead {
    struct node *n;
    struct txn *t;
    const uint8_t *handle;
    struct circle *ahead; /* owned; NULL until something narrows */
};

static enum err ahead_begin(struct looking_ahead *l)
{
    struct circle *circle = NULL;
    enum err e;

    if (l->ahead)
        return ERR_OK;
    e = circles_get(l->n, l->t, l->handle, &circle);
    return e ? e : circle_clone(circle, &l->ahead);
}

/* One that the state does not take any more adds nothing to it: it is left to the hub. */
static enum err ahead_one(void *arg, const struct act *a)
{
    struct looking_ahead *l = arg;
    struct circle_statement s;
    struct bytes ss = {0};
    enum err e;

    if ((e = act_statement(a, &s)))
        return e;
    if (!circle_narrows(s.kind) || memcmp(s.circle, l->handle, ID_BYTES) != 0)
        return ERR_OK;
    if ((e = ahead_begin(l)))
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    s.n = circle_size(l->ahead);
    memcpy(s.prev, circle_head(l->ahead), STMT_LINK_BYTES);
    if (!(e = circle_sign(&s, l->n->sign, &ss)))
        e = circle_load(l->ahead, bytes_span(&ss));
    bytes_free(&ss);
    return err_of_machine(e) ? e : ERR_OK;
}

enum err circles_ahead(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                       struct circle **out)
{
    struct looking_ahead l = {.n = n, .t = t, .handle = handle};
    enum err e = act_each_waiting(n, t, ahead_one, &l);

    if (e) {
        circle_free(l.ahead);
        return e;
    }
    *out = l.ahead;
    return ERR_OK;
}

struct unsettled {
    const uint8_t *handle;
    bool found;
};

static enum err unsettled_one(void *arg, const struct act *a)
{
    struct unsettled *u = arg;
    struct circle_statement s;
    enum err e = act_statement(a, &s);

    if (e || memcmp(s.circle, u->handle, ID_BYTES) != 0)
        return e;
    u->found = true;
    return ERR_ENOUGH;
}

enum err act_unsettled(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES], bool *out)
{
    struct unsettled u = {.handle = handle};
    struct circle_info i;
    enum err e = circle_info_get(n, t, handle, &i);

    if (e && e != ERR_NOT_FOUND)
        return e;
    u.found = !e && circle_is_doubtful(n, &i);
    if (!u.found)
        e = act_each_waiting(n, t, unsettled_one, &u);
    else
        e = ERR_OK;

    if (!e)
        *out = u.found;
    return e;
}
