/* Chains after a restore, the hub's or our own (circles.h, PROTOCOL.md 10.5). */
#include <string.h>

#include "circles.h"
#include "contacts.h"
#include "log.h"
#include "meta.h"

#define ROW "circles_of" /* of TABLE_META: the incarnation whose chains were asked for */
#define MARKED_MOST 64   /* a transaction */

bool circle_is_doubtful(const struct node *n, const struct circle_info *i)
{
    return i->restores != contacts_restores(n);
}

enum err circle_settled(struct node *n, const uint8_t handle[ID_BYTES])
{
    struct txn *t = NULL;
    struct circle_info i;
    enum err e = store_begin(n->store, TXN_WRITE, &t);

    if (!e && !(e = circle_info_get(n, t, handle, &i))) {
        i.restores = contacts_restores(n);
        if (!(e = circle_info_put(n, t, &i)))
            e = node_commit(n, &t);
    }
    node_abort(n, &t);
    return e;
}

struct marking {
    size_t count;
    uint8_t handle[MARKED_MOST][ID_BYTES];
};

static enum err mark_gather(void *arg, const struct circle_info *i)
{
    struct marking *m = arg;

    if (i->incomplete)
        return ERR_OK;
    memcpy(m->handle[m->count++], i->handle, ID_BYTES);
    return m->count == MARKED_MOST ? ERR_ENOUGH : ERR_OK;
}

/* What was declared between the backup and the loss is at the hub; so is what others declared. */
static enum err mark_all(struct node *n, struct txn *t, size_t *marked)
{
    struct marking m = {0};
    enum err e = circle_info_each(n, t, mark_gather, &m);

    for (size_t i = 0; i < m.count && !e; i++)
        e = circle_mark(n, t, m.handle[i], true);
    *marked = m.count;
    return e;
}

enum err circles_after_restore(struct node *n)
{
    uint8_t now[STORE_INCARNATION_BYTES];
    struct bytes was = {0};
    struct txn *t = NULL;
    size_t marked = 0;
    enum err e;

    if ((e = store_incarnation(n->store, now)) || (e = store_begin(n->store, TXN_WRITE, &t)))
        goto out;
    e = meta_get(n, t, ROW, &was);
    if (e && e != ERR_NOT_FOUND)
        goto out;
    if (!e && span_equal(bytes_span(&was), SPAN_OF(now)))
        goto out;
    if (!e && (e = mark_all(n, t, &marked)))
        goto out;
    if (marked < MARKED_MOST && (e = meta_put(n, t, ROW, SPAN_OF(now))))
        goto out;
    if (!(e = node_commit(n, &t)) && marked > 0)
        log_warn("circles.asked_again", "count=%zu", marked);
out:
    node_abort(n, &t);
    bytes_free(&was);
    return e;
}
