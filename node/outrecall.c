/* Taking back what was sent (outbox.h, PROTOCOL.md 11 Recall). */
#include <string.h>

#include "commands.h"
#include "contacts.h"
#include "disclosure.h"
#include "intake.h"
#include "log.h"
#include "outrow.h"
#include "vault.h"

void outbox_recall_id(const uint8_t mid[ID_BYTES], uint8_t id[ID_BYTES])
{
    for (size_t i = 0; i < ID_BYTES; i++)
        id[i] = (uint8_t)~mid[i];
}

/* Signed now, by whoever asks; sent when there is a link. */
static enum err queue(struct node *n, struct txn *t, struct out_row *row)
{
    struct out_status *s = &row->status;
    struct in_status about = {0};

    memcpy(about.mid, s->mid, ID_BYTES);
    memcpy(about.from, n->self.org, ID_BYTES);
    memcpy(about.digest, row->digest, DIGEST_BYTES);
    s->recall = OUT_RECALL_ASKED;
    return report_add(n, t, AUDIT_RECALLED, &about, s->recall_reason, s->recall_actor);
}

/* Has it ended for everybody, as far as we were told? */
static bool all_ended(const struct out_status *s)
{
    const unsigned ends = OUT_DELIVERED | OUT_LAPSED | OUT_HELD | OUT_RECALLED;

    for (size_t i = 0; i < s->count; i++)
        if (out_concerns(&s->to[i]) && !(s->to[i].marks & ends))
            return false;
    return true;
}

enum err outbox_recall(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                       enum recall_reason why, const uint8_t actor[ID_BYTES])
{
    struct out_row row;
    struct out_status *s = &row.status;
    enum err e;

    if ((e = out_row_get(n, t, mid, &row)))
        return e;
    if (s->recall == OUT_RECALL_ASKED || s->recall == OUT_RECALL_DONE || s->state == OUT_WITHDRAWN)
        return ERR_OK; /* said before: the first words stand */
    if (s->state == OUT_REFUSED || s->state == OUT_EXPIRED)
        return ERR_STATE;
    if (s->state == OUT_ACCEPTED && all_ended(s))
        return ERR_TOO_LATE;
    s->recall_reason = why;
    s->recall_ms = node_now_ms(n);
    memcpy(s->recall_actor, actor, ID_BYTES);
    if (s->state == OUT_TO_SEAL)
        return out_row_end(n, t, &row, OUT_WITHDRAWN, ERR_RECALLED, DISCLOSURE_ROWS);
    if ((e = queue(n, t, &row)))
        return e;
    return out_row_put(n, t, &row);
}

enum err out_row_had_flown(struct node *n, struct txn *t, struct out_row *row)
{
    struct out_status *s = &row->status;
    bool withdrawn = s->state == OUT_WITHDRAWN;

    if (s->state != OUT_SEALED && !withdrawn && !out_withheld(s))
        return ERR_OK;
    s->state = OUT_ACCEPTED;
    s->code = ERR_OK;
    s->row = DISCLOSURE_ROWS;
    return withdrawn ? queue(n, t, row) : ERR_OK;
}

/* --- the hub's answers ------------------------------------------------------------------------ */

static enum err row_settle(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES])
{
    uint8_t key[REPORT_KEY_BYTES];
    enum err e;

    memcpy(key, mid, ID_BYTES);
    memcpy(key + ID_BYTES, n->self.org, ID_BYTES);
    key[2 * ID_BYTES] = AUDIT_RECALLED;
    e = store_del(t, TABLE_REPORT, SPAN_OF(key));
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static void said(struct node *n, const uint8_t mid[ID_BYTES], enum err why)
{
    uint8_t id[ID_BYTES];

    outbox_recall_id(mid, id);
    log_info("outbox.recall", "why=%s", err_name(why));
    waits_settle(n, id, why);
    waits_settle(n, mid, ERR_RECALLED);
}

static enum err done_in(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                        struct span receipt)
{
    struct receipt_facts facts;
    struct out_row row;
    struct receipt r;
    enum err e;

    if ((e = receipt_decode(receipt, &r)) || (e = contacts_receipt(n, &r, &facts)))
        return e;
    if (facts.type != AUDIT_RECALLED || memcmp(facts.detail.mid, mid, ID_BYTES) != 0)
        return ERR_PROOF;
    if ((e = outbox_receipt(n, t, receipt, &facts)) || (e = out_row_get(n, t, mid, &row)))
        return e;
    row.status.recall = OUT_RECALL_DONE;
    if ((e = out_row_end(n, t, &row, OUT_ACCEPTED, ERR_OK, DISCLOSURE_ROWS)))
        return e;
    return row_settle(n, t, mid);
}

/* NOT_FOUND: the hub never had it, and gets it no more. */
static enum err refused_in(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES], enum err why)
{
    struct out_row row;
    enum err e;

    if ((e = out_row_get(n, t, mid, &row)))
        return e;
    if (why == ERR_NOT_FOUND && row.status.state == OUT_SEALED) {
        row.status.recall = OUT_NOT_RECALLED;
        e = out_row_end(n, t, &row, OUT_WITHDRAWN, ERR_RECALLED, DISCLOSURE_ROWS);
    } else if (row.status.state == OUT_SEALED || row.status.state == OUT_ACCEPTED) {
        row.status.recall = OUT_RECALL_LATE;
        e = out_row_end(n, t, &row, OUT_ACCEPTED, ERR_OK, DISCLOSURE_ROWS);
    } else { /* it has ended meanwhile, and says how */
        row.status.recall = OUT_NOT_RECALLED;
        e = out_row_put(n, t, &row);
    }
    return e ? e : row_settle(n, t, mid);
}

enum err outbox_recall_done(struct node *n, const uint8_t mid[ID_BYTES], struct span receipt)
{
    struct txn *t = NULL;
    enum err e = store_begin(n->store, TXN_WRITE, &t);

    if (!e && !(e = done_in(n, t, mid, receipt)) && !(e = node_commit(n, &t)))
        said(n, mid, ERR_OK);
    node_abort(n, &t);
    return e;
}

enum err outbox_recall_refused(struct node *n, const uint8_t mid[ID_BYTES], enum err why)
{
    struct txn *t = NULL;
    enum err e = store_begin(n->store, TXN_WRITE, &t);

    if (!e && !(e = refused_in(n, t, mid, why)) && !(e = node_commit(n, &t)))
        said(n, mid, why == ERR_NOT_FOUND ? ERR_OK : why);
    node_abort(n, &t);
    return e;
}
