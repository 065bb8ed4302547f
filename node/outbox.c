#include "outbox.h"

#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "circles.h"
#include "commands.h"
#include "contacts.h"
#include "envelope.h"
#include "log.h"
#include "meta.h"
#include "outrow.h"
#include "vault.h"
#include "witness.h"

/* --- adding ------------------------------------------------------------------------------------
 */

/* Those whose category is not the acting professional's: whom a notice must name (row 8). */
static size_t across_categories(const struct env_header *h, uint8_t (*orgs)[ID_BYTES])
{
    size_t count = 0;

    for (size_t i = 0; i < h->to_count; i++)
        if (h->rcat[i] & ~h->scat)
            memcpy(orgs[count++], h->to[i], ID_BYTES);
    return count;
}

/* Fills the positions the sender did not choose himself. None found is the table's to refuse. */
static enum err bases_find(struct node *n, struct txn *t, struct out_row *row)
{
    struct env_header *h = &row->header;
    uint8_t orgs[RECIPIENTS_MAX][ID_BYTES];
    struct circle *ahead = NULL;
    struct circle *c = NULL;
    size_t count = across_categories(h, orgs);
    enum err e;

    if ((e = circles_ahead(n, t, h->circle, &ahead)))
        return e;
    if ((e = circles_get(n, t, h->circle, &c))) {
        circle_free(ahead);
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    c = ahead ? ahead : c;
    if (row->find_consent && h->basis == BASIS_CONSENTI) {
        e = circles_consent_for(c, (const uint8_t(*)[ID_BYTES])h->to, h->to_count, h->class_mask,
                                &h->consent);
        h->has_consent = true; /* mandatory; 0 is the create and names none */
        if (e)
            h->consent = 0;
    }
    if (row->find_notice && count > 0 && h->type == ENVELOPE_SHEET)
        h->has_notice = circles_notice_for(c, (const uint8_t(*)[ID_BYTES])orgs, count,
                                           h->class_mask, &h->notice) == ERR_OK;
    circle_free(ahead);
    return ERR_OK;
}

static enum err header_fill(struct node *n, struct txn *t, const struct out_intent *i,
                            struct env_header *h)
{
    uint64_t seq;
    enum err e;

    if (i->to_count < 1 || i->to_count > RECIPIENTS_MAX)
        return ERR_USAGE;
    *h = (struct env_header){.suite = ENVELOPE_SUITE,
                             .type = i->type,
                             .to_count = i->to_count,
                             .ts = node_now_ms(n),
                             .exp = i->exp_ms,
                             .class_mask = i->class_mask,
                             .basis = i->basis,
                             .purpose = i->purpose,
                             .has_consent = i->has_consent,
                             .consent = i->consent,
                             .status = n->self.mode,
                             .sign = ENVELOPE_SIGN_SINGLE,
                             .prio = i->prio,
                             .has_re = i->has_re,
                             .scat = i->scat,
                             .has_notice = i->has_notice,
                             .notice = i->notice};
    if (!h->exp)
        h->exp = h->ts + n->settings.keep_for_s * 1000;
    memcpy(h->from, n->self.org, ID_BYTES);
    memcpy(h->skid, n->self.kid, ID_BYTES);
    memcpy(h->to, i->to, i->to_count * sizeof h->to[0]);
    memcpy(h->rcat, i->rcat, i->to_count * sizeof h->rcat[0]);
    memcpy(h->circle, i->circle, ID_BYTES);
    h->has_deputy = i->deputy_count > 0;
    h->deputy_count = i->deputy_count;
    memcpy(h->deputy, i->deputy, sizeof h->deputy);
    h->has_att = i->att_count > 0;
    h->att_count = i->att_count;
    memcpy(h->att, i->att, sizeof h->att);
    memcpy(h->re, i->re, ID_BYTES);
    memcpy(h->actor, i->actor, ID_BYTES);
    if ((e = meta_get_u64(n, t, "env_seq", 0, &seq)))
        return e;
    h->seq = seq + 1;
    if ((e = meta_put_u64(n, t, "env_seq", h->seq)))
        return e;
    return node_new_mid(n, h->mid);
}

static void status_fill(struct out_row *row, const struct out_intent *i, uint64_t now_ms)
{
    struct out_status *s = &row->status;

    s->state = OUT_TO_SEAL;
    s->row = DISCLOSURE_ROWS;
    s->made_ms = now_ms;
    memcpy(s->mid, row->header.mid, ID_BYTES);
    memcpy(s->person, i->person, ID_BYTES);
    s->count = i->to_count;
    for (size_t k = 0; k < s->count; k++)
        memcpy(s->to[k].org, i->to[k], ID_BYTES);
}

/* What a receiver's strict decoder would refuse is refused now, not when the hub is there. */
static enum err header_readable(const struct env_header *h)
{
    struct env_header again;
    struct bytes bytes = {0};
    struct writer w;
    struct reader r;
    enum err e;

    wr_init(&w);
    header_encode(&w, h);
    if ((e = wr_take(&w, &bytes)))
        return e;
    r = reader_over(bytes_span(&bytes));
    e = header_decode(&r, &again);
    bytes_free(&bytes);
    return e;
}

enum err outbox_add(struct node *n, struct txn *t, const struct out_intent *intent,
                    struct span payload, uint8_t mid[ID_BYTES], struct verdict *v)
{
    struct out_row row = {.find_consent = !intent->has_consent, .find_notice = !intent->has_notice};
    size_t which;
    enum err e;

    if (!n->self.joined)
        return ERR_NOT_JOINED;
    if (payload.len < 1 || payload.len > ENVELOPE_BODY_MAX)
        return ERR_SIZE;
    if ((e = header_fill(n, t, intent, &row.header)))
        return e;
    if ((e = bases_find(n, t, &row)))
        return e;
    if ((e = header_readable(&row.header)) || (e = header_check_times(&row.header, row.header.ts)))
        return e;
    if ((e = circles_judge(n, t, &row.header, v, &which)))
        return e;
    status_fill(&row, intent, row.header.ts);
    if ((e = out_row_put(n, t, &row)))
        return e;
    if ((e = vault_put(n->vault, t, TABLE_OUT_BODY, intent->person, SPAN_OF(row.header.mid),
                       payload)))
        return e;
    memcpy(mid, row.header.mid, ID_BYTES);
    return attach_sent(n, t, mid, intent->att, intent->att_count);
}

/* --- reading -------------------------------------------------------------------------------------
 */

enum err outbox_get(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                    struct out_status *out)
{
    struct out_row row;
    enum err e = out_row_get(n, t, mid, &row);

    if (!e)
        *out = row.status;
    return e;
}

struct out_visit {
    enum err (*visit)(void *arg, const struct out_status *s);
    void *arg;
};

static enum err out_one(void *arg, struct span key, struct span value)
{
    struct out_visit *v = arg;
    struct out_row row;
    enum err e = out_row_decode(key, value, &row);

    return e ? e : v->visit(v->arg, &row.status);
}

enum err outbox_each(struct node *n, struct txn *t,
                     enum err (*visit)(void *arg, const struct out_status *s), void *arg)
{
    struct out_visit v = {visit, arg};

    return vault_scan(n->vault, t, TABLE_OUT, span_text(""), span_text(""), SIZE_MAX, out_one, &v);
}

enum err outbox_payload(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                        struct bytes *out)
{
    struct out_row row;
    enum err e = out_row_get(n, t, mid, &row);

    if (e)
        return e;
    return vault_get(n->vault, t, TABLE_OUT_BODY, row.status.person, span_of(mid, ID_BYTES), out);
}

/* --- sealing
 * --------------------------------------------------------------------------------------- */

enum err out_row_seal(struct node *n, struct txn *t, struct out_row *row, struct bytes *sealed)
{
    struct verdict v = {.row = DISCLOSURE_ROWS};
    size_t which;
    enum err e;

    if (row->status.exp_ms < node_now_ms(n))
        return out_row_end(n, t, row, OUT_EXPIRED, ERR_EXPIRED, DISCLOSURE_ROWS);
    if ((e = bases_find(n, t, row)))
        return e;
    e = circles_judge(n, t, &row->header, &v, &which);
    if (!e)
        e = out_seal(n, t, row, sealed);
    if (!e || err_of_machine(e))
        return e;
    return out_row_end(n, t, row, OUT_REFUSED, e, v.code ? v.row : DISCLOSURE_ROWS);
}

enum err out_row_sealed(struct node *n, struct txn *t, struct out_row *row,
                        const struct bytes *sealed)
{
    enum err e;

    row->status.state = OUT_SEALED;
    if ((e = vault_put(n->vault, t, TABLE_OUT_SEALED, NULL, SPAN_OF(row->status.mid),
                       bytes_span(sealed))))
        return e;
    return out_row_put(n, t, row);
}

struct live_list {
    uint8_t (*mids)[ID_BYTES]; /* owned */
    size_t count;
    size_t room;
};

static enum err live_one(void *arg, struct span key, struct span value)
{
    struct live_list *l = arg;

    (void)value;
    if (key.len != OUT_LIVE_BYTES)
        return ERR_CORRUPT;
    if (l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        void *more = realloc(l->mids, room * sizeof *l->mids);

        if (!more)
            return ERR_NOMEM;
        l->mids = more;
        l->room = room;
    }
    memcpy(l->mids[l->count++], key.ptr + OUT_LIVE_BYTES - ID_BYTES, ID_BYTES);
    return ERR_OK;
}

static enum err withhold_one(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                             const uint8_t circle[ID_BYTES], bool *held)
{
    struct verdict v = {.row = DISCLOSURE_ROWS};
    struct out_row row;
    size_t which;
    enum err e;

    *held = false;
    if ((e = out_row_get(n, t, mid, &row)) || memcmp(row.header.circle, circle, ID_BYTES) != 0)
        return e;
    if (row.status.state == OUT_TO_SEAL && (e = bases_find(n, t, &row)))
        return e;
    e = circles_judge(n, t, &row.header, &v, &which);
    if (!e || err_of_machine(e))
        return e;
    *held = true;
    return out_row_end(n, t, &row, OUT_REFUSED, e, v.code ? v.row : DISCLOSURE_ROWS);
}

enum err outbox_withhold(struct node *n, struct txn *t, const uint8_t circle[ID_BYTES],
                         size_t *count)
{
    struct live_list l = {0};
    size_t held = 0;
    bool one;
    enum err e =
        store_scan(t, TABLE_OUT_LIVE, span_text(""), span_text(""), SIZE_MAX, live_one, &l);

    for (size_t i = 0; !e && i < l.count; i++)
        if (!(e = withhold_one(n, t, l.mids[i], circle, &one)))
            held += one;
    free(l.mids);
    if (!e)
        *count = held;
    return e;
}

static enum err take_in(struct node *n, struct txn *t, struct out_row *row, struct bytes *sealed)
{
    enum err e = out_row_seal(n, t, row, sealed);

    return e || sealed->len == 0 ? e : out_row_sealed(n, t, row, sealed);
}

void out_row_settled(struct node *n, const struct out_row *row)
{
    const struct out_status *s = &row->status;

    log_info("outbox.ended", "state=%d why=%s", (int)s->state, err_name((enum err)s->code));
    waits_settle(n, s->mid, s->state == OUT_ACCEPTED ? ERR_OK : (enum err)s->code);
}

enum err outbox_take(struct node *n, const uint8_t mid[ID_BYTES], struct bytes *out)
{
    struct bytes sealed = {0};
    struct txn *t = NULL;
    struct out_row row;
    bool behind;
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if ((e = out_row_get(n, t, mid, &row)) || (e = act_unsettled(n, t, row.header.circle, &behind)))
        goto out;
    if (behind && (row.status.state == OUT_SEALED || row.status.state == OUT_TO_SEAL)) {
        e = ERR_AGAIN;
        goto out;
    }
    if (row.status.state == OUT_SEALED) {
        e = vault_get(n->vault, t, TABLE_OUT_SEALED, NULL, span_of(mid, ID_BYTES), &sealed);
        goto out;
    }
    if (row.status.state != OUT_TO_SEAL)
        goto out;
    /* With the next key; and to no keys of an old directory. */
    if ((e = n->rekey.phase == REKEY_DRAINING ? ERR_AGAIN : witness_may_seal(n)))
        goto out;
    if ((e = take_in(n, t, &row, &sealed)))
        goto out;
    e = node_commit(n, &t);
    if (!e && row.status.state != OUT_SEALED)
        out_row_settled(n, &row);
out:
    node_abort(n, &t);
    if (e) {
        bytes_free(&sealed);
        return e;
    }
    bytes_free(out);
    *out = sealed;
    return ERR_OK;
}

/* --- the hub's answers
 * ------------------------------------------------------------------------------ */

static enum err accepted_check(struct node *n, const struct out_row *row, struct span receipt,
                               struct receipt_facts *facts)
{
    struct receipt r;
    enum err e;

    if ((e = receipt_decode(receipt, &r)) || (e = contacts_receipt(n, &r, facts)))
        return e;
    if (facts->type != AUDIT_ACCEPTED ||
        memcmp(facts->detail.mid, row->status.mid, ID_BYTES) != 0 ||
        memcmp(facts->detail.digest, row->digest, DIGEST_BYTES) != 0)
        return ERR_PROOF;
    return ERR_OK;
}

enum err outbox_accepted(struct node *n, const uint8_t mid[ID_BYTES], struct span receipt)
{
    struct receipt_facts facts;
    struct txn *t = NULL;
    struct out_row row;
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if ((e = out_row_get(n, t, mid, &row)))
        goto out;
    if (row.status.state != OUT_SEALED && row.status.state != OUT_WITHDRAWN &&
        !out_withheld(&row.status))
        goto out;
    if ((e = accepted_check(n, &row, receipt, &facts)))
        goto out;
    if ((e = out_row_had_flown(n, t, &row)))
        goto out;
    row.status.accepted_ms = facts.time_ms;
    if ((e = receipts_put(n, t, mid, AUDIT_ACCEPTED, n->self.org, receipt)))
        goto out;
    if ((e = out_row_end(n, t, &row, OUT_ACCEPTED, ERR_OK, DISCLOSURE_ROWS)))
        goto out;
    if (!(e = node_commit(n, &t)))
        out_row_settled(n, &row);
out:
    node_abort(n, &t);
    return e;
}

enum err outbox_refused(struct node *n, const uint8_t mid[ID_BYTES], enum err why,
                        struct span receipt)
{
    struct txn *t = NULL;
    struct out_row row;
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if ((e = out_row_get(n, t, mid, &row)) || row.status.state != OUT_SEALED)
        goto out;
    if (receipt.len > 0 && (e = receipts_put(n, t, mid, AUDIT_REJECTED, n->self.org, receipt)))
        goto out;
    if ((e = out_row_end(n, t, &row, why == ERR_EXPIRED ? OUT_EXPIRED : OUT_REFUSED, why,
                         DISCLOSURE_ROWS)))
        goto out;
    if (!(e = node_commit(n, &t)))
        out_row_settled(n, &row);
out:
    node_abort(n, &t);
    return e;
}

enum err outbox_fail(struct node *n, const uint8_t mid[ID_BYTES], enum err why)
{
    struct txn *t = NULL;
    struct out_row row;
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if ((e = out_row_get(n, t, mid, &row)) ||
        (row.status.state != OUT_TO_SEAL && row.status.state != OUT_SEALED))
        goto out;
    if ((e = out_row_end(n, t, &row, OUT_REFUSED, why, DISCLOSURE_ROWS)))
        goto out;
    if (!(e = node_commit(n, &t)))
        out_row_settled(n, &row);
out:
    node_abort(n, &t);
    return e;
}
