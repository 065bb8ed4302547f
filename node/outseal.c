/* Sealing one envelope of the outbox: to which node of each addressee, and under which heads. */
#include <string.h>

#include "contacts.h"
#include "envelope.h"
#include "inbox.h"
#include "outrow.h"
#include "vault.h"

/* Which node of that organisation signed what is answered. NULL: nothing is, or it serves no more.
 */
static enum err writer_of(struct node *n, struct txn *t, const struct env_header *h, size_t i,
                          const struct directory_node **out)
{
    const struct directory *d = contacts_directory(n);
    const struct directory_node *writer;
    struct bytes row = {0};
    struct in_status about;
    struct env_header said;
    enum err e = h->has_re ? inbox_get(n, t, h->re, h->to[i], &about) : ERR_NOT_FOUND;

    *out = NULL;
    if (!e && !(e = proof_header(n, t, &about, &row, &said))) {
        writer = directory_find_signing(d, said.skid);
        if (writer &&
            directory_node_state(d, writer, DIRECTORY_NOW, node_now_ms(n)) == DIRECTORY_ACTIVE)
            *out = writer;
    }
    seal_bytes_free(&row);
    return err_of_machine(e) ? e : ERR_OK;
}

/* An answer goes to the node that wrote: another of its organisation does not know what it is
 * about. All else goes to the newest (PROTOCOL.md 7.4). */
static enum err prekeys_of(struct node *n, struct txn *t, const struct env_header *h,
                           struct box_public *out)
{
    const struct directory *d = contacts_directory(n);

    for (size_t i = 0; i < h->to_count; i++) {
        const struct directory_node *writer;
        const struct directory_prekey *p;
        enum err e = writer_of(n, t, h, i, &writer);

        if (!e && writer)
            p = directory_prekey(d, writer->prekey);
        else if (!e)
            e = directory_seal_to(d, h->to[i], node_now_ms(n), &p);
        if (e)
            return e;
        out[i] = p->pk;
    }
    return ERR_OK;
}

enum err out_seal(struct node *n, struct txn *t, struct out_row *row, struct bytes *sealed)
{
    struct box_public prekeys[RECIPIENTS_MAX];
    struct env_header *h = &row->header;
    struct bytes body = {0};
    enum err e;

    if ((e = prekeys_of(n, t, h, prekeys)))
        return e;
    h->ts = node_now_ms(n);
    memcpy(h->skid, n->self.kid, ID_BYTES);
    contacts_heads(n, &h->keys_head, &h->audit_head);
    if ((e = vault_get(n->vault, t, TABLE_OUT_BODY, row->status.person, SPAN_OF(row->status.mid),
                       &body)))
        return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
    e = envelope_seal(h, prekeys, bytes_span(&body), n->sign, &n->entropy, sealed, row->digest);
    seal_bytes_free(&body);
    return e;
}
