/* What the node's signing key has to do with the outbox (rekey.h): what it has sealed and the hub
 * not decided, and documents that wait to be sealed, whose author signs again. */
#include <string.h>

#include "intake.h"
#include "outrow.h"
#include "vault.h"

/* One row of TABLE_OUT_LIVE at a time, in order: visit writes in between. */
struct walk {
    uint8_t key[OUT_LIVE_BYTES + 1]; /* and a zero: the next scan begins behind it */
    size_t len;
};

static enum err step(void *arg, struct span key, struct span value)
{
    struct walk *w = arg;

    (void)value;
    if (key.len != OUT_LIVE_BYTES)
        return ERR_CORRUPT;
    memcpy(w->key, key.ptr, OUT_LIVE_BYTES);
    w->len = sizeof w->key;
    return ERR_ENOUGH;
}

/* ERR_NOT_FOUND: no more. */
static enum err next_live(struct node *n, struct txn *t, struct walk *w, struct out_row *row)
{
    size_t before = w->len;
    uint8_t last[OUT_LIVE_BYTES];
    enum err e;

    memcpy(last, w->key, sizeof last);
    e = store_scan(t, TABLE_OUT_LIVE, span_of(w->key, w->len), span_text(""), SIZE_MAX, step, w);
    if (e)
        return e;
    if (before && memcmp(last, w->key, sizeof last) == 0)
        return ERR_NOT_FOUND;
    if (!before && w->len == 0)
        return ERR_NOT_FOUND;
    return out_row_get(n, t, w->key + OUT_LIVE_BYTES - ID_BYTES, row);
}

enum err outbox_has_sealed(struct node *n, struct txn *t, bool *has)
{
    struct walk w = {0};
    struct out_row row;
    enum err e;

    while (!(e = next_live(n, t, &w, &row)) && row.status.state != OUT_SEALED)
        ;
    if (e && e != ERR_NOT_FOUND)
        return e;
    *has = !e;
    return ERR_OK;
}

static enum err body_resign(struct node *n, struct txn *t, const struct out_row *row)
{
    const struct span mid = SPAN_OF(row->status.mid);
    struct bytes body = {0};
    struct bytes fresh = {0};
    enum err e;

    if ((e = vault_get(n->vault, t, TABLE_OUT_BODY, row->status.person, mid, &body)))
        return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
    if (!(e = n->care->resign(n, bytes_span(&body), &fresh)))
        e = vault_put(n->vault, t, TABLE_OUT_BODY, row->status.person, mid, bytes_span(&fresh));
    seal_bytes_free(&body);
    seal_bytes_free(&fresh);
    return e;
}

enum err outbox_resign(struct node *n, struct txn *t)
{
    struct walk w = {0};
    struct out_row row;
    enum err e;

    if (!n->care || !n->care->resign)
        return ERR_OK;
    while (!(e = next_live(n, t, &w, &row)))
        if (row.status.state == OUT_TO_SEAL && (e = body_resign(n, t, &row)))
            return e;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}
