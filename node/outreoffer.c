/* After a hub was restored: what it has lost of our envelopes is offered again, byte for byte
 * (PROTOCOL.md 10.5). The accepted receipt of the lost range stays beside the new one. */
#include <string.h>

#include "contacts.h"
#include "log.h"
#include "meta.h"
#include "outrow.h"
#include "receipt.h"
#include "vault.h"

#define REOFFER_MOST 64 /* a transaction */

struct lost {
    struct node *n;
    struct txn *t;
    uint64_t common;
    uint32_t epoch;
    bool there; /* of the receipts that are looked through */
    size_t count;
    uint8_t mid[REOFFER_MOST][ID_BYTES];
};

static enum err accepted_there(void *arg, uint64_t type, const uint8_t org[ID_BYTES],
                               struct span receipt)
{
    struct lost *l = arg;
    struct sign_public pk;
    struct receipt r;
    uint32_t epoch;
    enum err e;

    (void)org;
    if (type != AUDIT_ACCEPTED)
        return ERR_OK;
    if ((e = receipt_decode(receipt, &r)))
        return ERR_CORRUPT;
    if ((e = contacts_epoch_of(l->n, &r.head, &epoch, &pk)))
        return e == ERR_CHECKPOINT ? ERR_OK : e;
    l->there = l->there || (epoch == l->epoch && r.index >= l->common);
    return ERR_OK;
}

static enum err look(void *arg, const struct out_status *s)
{
    struct lost *l = arg;
    struct span sealed;
    enum err e;

    if (s->state != OUT_ACCEPTED)
        return ERR_OK;
    e = store_get(l->t, TABLE_OUT_SEALED, span_of(s->mid, ID_BYTES), &sealed);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e; /* it has ended for everybody */
    l->there = false;
    if ((e = receipts_each(l->n, l->t, s->mid, accepted_there, l)) || !l->there)
        return e;
    memcpy(l->mid[l->count++], s->mid, ID_BYTES);
    return l->count == REOFFER_MOST ? ERR_ENOUGH : ERR_OK;
}

/* The receipt we had is evidence of what was lost: kept under no organisation. */
static enum err receipt_aside(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES])
{
    static const uint8_t nobody[ID_BYTES];
    uint8_t key[ID_BYTES + 1 + ID_BYTES];
    struct bytes row = {0};
    enum err e;

    memcpy(key, mid, ID_BYTES);
    key[ID_BYTES] = AUDIT_ACCEPTED;
    memcpy(key + ID_BYTES + 1, n->self.org, ID_BYTES);
    e = vault_get(n->vault, t, TABLE_RECEIPT, NULL, SPAN_OF(key), &row);
    if (!e)
        e = receipts_put(n, t, mid, AUDIT_ACCEPTED, nobody, bytes_span(&row));
    if (!e)
        e = store_del(t, TABLE_RECEIPT, SPAN_OF(key));
    seal_bytes_free(&row);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err offer_again(struct lost *l)
{
    enum err e = ERR_OK;

    for (size_t i = 0; i < l->count && !e; i++) {
        struct out_row row;

        if ((e = out_row_get(l->n, l->t, l->mid[i], &row)) ||
            (e = receipt_aside(l->n, l->t, l->mid[i])))
            return e;
        row.status.state = OUT_SEALED;
        e = out_row_put(l->n, l->t, &row);
    }
    return e;
}

enum err outbox_reoffer(struct node *n)
{
    struct lost l = {.n = n};
    uint64_t epoch;
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &l.t)))
        return e;
    if ((e = meta_get_u64(n, l.t, "reoffer_epoch", 0, &epoch)) || epoch == 0)
        goto out;
    l.epoch = (uint32_t)epoch;
    if ((e = meta_get_u64(n, l.t, "reoffer_from", 0, &l.common)))
        goto out;
    if ((e = outbox_each(n, l.t, look, &l)) || (e = offer_again(&l)))
        goto out;
    if (l.count < REOFFER_MOST && (e = meta_del(n, l.t, "reoffer_epoch")))
        goto out;
    if (!(e = node_commit(n, &l.t)) && l.count > 0)
        log_warn("outbox.reoffered", "count=%zu", l.count);
out:
    node_abort(n, &l.t);
    return e;
}
