#include "intake.h"

#include <string.h>

#include "attach.h"
#include "circles.h"
#include "contacts.h"
#include "inbox.h"
#include "log.h"
#include "meta.h"
#include "statement.h"
#include "told.h"
#include "vault.h"

/* --- what the ACK must name ------------------------------------------------------------------ */

static enum err covers_of_receipt(struct span receipt, struct covered *out)
{
    struct receipt r;
    struct detail d;
    enum err e;

    if ((e = receipt_decode(receipt, &r)) || (e = detail_decode(r.detail, &d)))
        return e;
    memcpy(out->mid, d.mid, ID_BYTES);
    memcpy(out->digest, d.digest, DIGEST_BYTES);
    return ERR_OK;
}

/* From the envelope itself; from the hub's own receipt if it cannot be read at all, so that even
 * such an item does not stop what lies behind it. */
enum err intake_again(struct node *n, const struct msg_deliver *d, struct covered *covers)
{
    struct envelope_view view;
    struct env_header header;
    enum err e;

    (void)n;
    *covers = (struct covered){.is_envelope = d->kind == DELIVER_ENVELOPE};
    if (!covers->is_envelope)
        return ERR_OK;
    e = envelope_parse(d->item, &view, &header, NULL);
    if (e == ERR_NOMEM)
        return e;
    if (e) {
        e = covers_of_receipt(d->receipt, covers);
        return e == ERR_NOMEM ? e : ERR_OK;
    }
    memcpy(covers->mid, header.mid, ID_BYTES);
    return envelope_digest(&view, covers->digest);
}

/* Whose signature a circle's statement or a receipt brings: NULL when it brings none. */
static const uint8_t *signer_of(const struct msg_deliver *d, struct statement *st, struct detail *x)
{
    struct receipt r;

    if (d->kind == DELIVER_STATEMENT)
        return statement_parse(d->item, st) ? NULL : st->sig[0].kid;
    if (receipt_decode(d->receipt, &r) || detail_decode(r.detail, x))
        return NULL;
    return x->has & RD_KEY(DETAIL_KID) ? x->kid : NULL;
}

uint64_t intake_keys_size(const struct node *n, const struct msg_deliver *d)
{
    struct envelope_view view;
    struct env_header header;
    struct statement st;
    struct detail x;
    const uint8_t *kid;

    if (d->kind == DELIVER_ENVELOPE)
        return envelope_parse(d->item, &view, &header, NULL) ? 0 : header.keys_head.size;
    kid = signer_of(d, &st, &x);
    if (!kid || directory_find_signing(contacts_directory(n), kid))
        return 0;
    return contacts_keys_size(n) + 1;
}

/* --- statements ---------------------------------------------------------------------------------
 */

static enum err statement_receipt(struct node *n, struct span ss, struct span receipt)
{
    uint8_t link[STMT_LINK_BYTES];
    struct receipt_facts facts;
    struct statement st;
    struct receipt r;
    enum err e;

    if ((e = statement_parse(ss, &st)) || (e = statement_link(st.stmt, link)))
        return e;
    if ((e = receipt_decode(receipt, &r)) || (e = contacts_receipt(n, &r, &facts)))
        return e;
    if (facts.type != AUDIT_STATEMENT || memcmp(link, facts.detail.statement, sizeof link) != 0)
        return ERR_PROOF;
    return ERR_OK;
}

static enum err handle_of_ss(struct span ss, uint8_t handle[ID_BYTES])
{
    struct circle_statement s;
    struct statement st;
    enum err e;

    if ((e = statement_parse(ss, &st)) || (e = circle_decode(st.stmt, &s)))
        return e;
    if (s.kind == CIRCLE_CREATE)
        return circle_handle_of(st.stmt, handle);
    memcpy(handle, s.circle, ID_BYTES);
    return ERR_OK;
}

/* What we cannot accept leaves the chain incomplete: nothing of this circle is judged by a state
 * that lacks it, and the chain is asked for again. */
static enum err take_statement(struct node *n, struct txn *t, struct span ss, struct span receipt)
{
    uint8_t handle[ID_BYTES];
    bool gap = false;
    enum err e;

    if ((e = handle_of_ss(ss, handle))) {
        log_limited(LEVEL_WARN, "statement.unreadable", "why=%s", err_name(e));
        return e == ERR_NOMEM ? e : ERR_OK;
    }
    if (!(e = statement_receipt(n, ss, receipt)))
        e = circles_take(n, t, ss, &gap);
    if (e == ERR_SPLIT_VIEW || err_of_machine(e))
        return e;
    if (e) {
        log_limited(LEVEL_WARN, "statement.not_taken", "why=%s", err_name(e));
        return circle_mark(n, t, handle, true);
    }
    return gap ? ERR_OK : intake_release(n, t, handle);
}

/* --- receipts
 * ------------------------------------------------------------------------------------- */

static enum err take_receipt(struct node *n, struct txn *t, struct span receipt)
{
    struct receipt_facts facts;
    struct receipt r;
    enum err e;

    if (!(e = receipt_decode(receipt, &r)) && !(e = contacts_receipt(n, &r, &facts))) {
        e = facts.type == AUDIT_ATTACHMENT_REMOVED ? attach_removed(n, t, &facts)
                                                   : outbox_receipt(n, t, receipt, &facts);
        if (e == ERR_NOT_FOUND)
            e = told_receipt(n, t, &facts);
        if (e == ERR_NOT_FOUND)
            e = intake_ended(n, t, receipt, &facts);
    }
    if (e && !err_of_machine(e)) {
        log_limited(LEVEL_WARN, "receipt.not_taken", "why=%s", err_name(e));
        return ERR_OK; /* what proves nothing changes nothing */
    }
    return e;
}

enum err intake_item(struct node *n, struct txn *t, const struct msg_deliver *d,
                     struct covered *covers)
{
    enum err e = intake_again(n, d, covers);

    if (e)
        return e;
    switch (d->kind) {
    case DELIVER_ENVELOPE:
        return intake_envelope(n, t, d->seq, d->item, d->receipt);
    case DELIVER_STATEMENT:
        return take_statement(n, t, d->item, d->receipt);
    case DELIVER_RECEIPT:
        return take_receipt(n, t, d->receipt);
    }
    return ERR_OK;
}

/* --- what waited for its chain
 * ---------------------------------------------------------------------- */

#define RELEASE_MAX 64

struct held {
    struct node *n;
    struct txn *t;
    const uint8_t *handle;
    size_t count;
    uint8_t keys[RELEASE_MAX][IN_KEY_BYTES];
};

static enum err held_one(void *arg, struct span key, struct span value)
{
    struct held *h = arg;
    struct in_status s;
    enum err e;

    (void)value;
    if (key.len != IN_KEY_BYTES)
        return ERR_CORRUPT;
    if ((e = inbox_get(h->n, h->t, key.ptr, key.ptr + ID_BYTES, &s)))
        return e;
    if (memcmp(s.circle, h->handle, ID_BYTES) != 0)
        return ERR_OK;
    memcpy(h->keys[h->count++], key.ptr, IN_KEY_BYTES);
    return h->count == RELEASE_MAX ? ERR_ENOUGH : ERR_OK;
}

static enum err release_one(struct node *n, struct txn *t, const uint8_t key[IN_KEY_BYTES])
{
    struct bytes row = {0};
    struct span item;
    struct span receipt;
    struct reader r;
    uint64_t seq;
    enum err e = vault_get(n->vault, t, TABLE_IN_HELD, NULL, span_of(key, IN_KEY_BYTES), &row);

    if (e)
        return e;
    r = reader_over(bytes_span(&row));
    rd_array(&r, 3);
    seq = rd_uint(&r, UINT64_MAX);
    item = rd_blob(&r, 1, ENVELOPE_MAX);
    receipt = rd_blob(&r, 1, RECEIPT_MAX);
    if ((e = row_end(&r)))
        goto out;
    if ((e = store_del(t, TABLE_IN_HELD, span_of(key, IN_KEY_BYTES))) ||
        (e = store_del(t, TABLE_IN, span_of(key, IN_KEY_BYTES))))
        goto out;
    e = intake_envelope(n, t, seq, item, receipt);
out:
    seal_bytes_free(&row);
    return e;
}

enum err intake_release(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES])
{
    struct held h = {.n = n, .t = t, .handle = handle};
    enum err e = store_scan(t, TABLE_IN_HELD, span_text(""), span_text(""), SIZE_MAX, held_one, &h);

    for (size_t i = 0; i < h.count && !e; i++)
        e = release_one(n, t, h.keys[i]);
    return e;
}
