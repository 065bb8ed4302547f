/* What the hub tells of envelopes meant for us that ended otherwise than by delivery: expired, held
 * back, recalled, or gone to our deputy, too (PROTOCOL.md 11). It may be here already. What a human
 * has opened stays; what nobody has is shown no more. */
#include <string.h>

#include "actor.h"
#include "bell.h"
#include "circles.h"
#include "inbox.h"
#include "log.h"
#include "outbox.h"

static enum err announced(struct node *n, struct txn *t, const struct receipt_facts *f)
{
    bool recalled = f->type == AUDIT_RECALLED;
    struct in_status s = {.state = recalled ? IN_RECALLED : IN_LAPSED,
                          .code = recalled ? ERR_RECALLED : f->detail.code,
                          .received_ms = node_now_ms(n),
                          .ended = (enum audit_type)f->type,
                          .ended_ms = f->time_ms};

    memcpy(s.mid, f->detail.mid, ID_BYTES);
    memcpy(s.from, f->detail.from, ID_BYTES);
    memcpy(s.circle, f->detail.circle, ID_BYTES);
    memcpy(s.digest, f->detail.digest, DIGEST_BYTES);
    return in_put(n, t, &s);
}

/* An invitation that was taken back cannot be accepted any more. */
static enum err offer_forget(struct node *n, struct txn *t, const struct in_status *s)
{
    struct circle_invited i;
    enum err e = circle_invited_get(n, t, s->circle, &i);

    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    if (memcmp(i.mid, s->mid, ID_BYTES) == 0)
        e = store_del(t, TABLE_OFFER, SPAN_OF(s->circle));
    circle_invited_wipe(&i);
    return e;
}

/* A recall is signed by the sender. That its circle has narrowed is the hub's word alone: where our
 * own copy of the chain does not say so too, the content is kept aside. */
static enum err may_destroy(struct node *n, struct txn *t, const struct in_status *s, bool *yes)
{
    struct env_header h;
    struct bytes row = {0};
    enum err e;

    *yes = s->ended == AUDIT_RECALLED || s->state == IN_HELD;
    if (*yes)
        return ERR_OK;
    if (!(e = proof_header(n, t, s, &row, &h))) {
        e = intake_judge_now(n, t, &h);
        *yes = e != ERR_OK && e != ERR_AGAIN && !err_of_machine(e);
        e = err_of_machine(e) ? e : ERR_OK;
    }
    seal_bytes_free(&row);
    if (!e && !*yes)
        log_limited(LEVEL_WARN, "envelope.withheld", "why=%s chain=agrees-not",
                    err_name((enum err)s->code));
    return e;
}

static enum err hide(struct node *n, struct txn *t, struct in_status *s, uint32_t code)
{
    bool destroy;
    enum err e;

    if ((e = may_destroy(n, t, s, &destroy)) || (destroy && (e = content_destroy(n, t, s))) ||
        (e = offer_forget(n, t, s)))
        return e;
    s->state = s->ended == AUDIT_RECALLED ? IN_RECALLED : IN_WITHHELD;
    s->code = s->ended == AUDIT_RECALLED ? (uint32_t)ERR_RECALLED : code;
    if ((e = in_put(n, t, s)) || (e = bell_over(n, t, s)))
        return e;
    return journal_add(n, t, JOURNAL_HIDDEN, NULL, in_person(s), s->mid);
}

static enum err here_already(struct node *n, struct txn *t, struct in_status *s,
                             const struct receipt_facts *f)
{
    if (memcmp(s->digest, f->detail.digest, DIGEST_BYTES) != 0)
        return ERR_PROOF;
    if (f->type == AUDIT_EXPIRED || s->ended)
        return ERR_OK; /* it came in time for us; or it was said before */
    s->ended = (enum audit_type)f->type;
    s->ended_ms = f->time_ms;
    if ((s->state == IN_RECEIVED && !s->opened_ms) || s->state == IN_HELD)
        return hide(n, t, s, f->detail.code);
    return in_put(n, t, s); /* read, or evidence that stays as it is */
}

/* Our deputy has it too, as its sender had said: told with the envelope, whatever became of it. */
static enum err deputed(struct node *n, struct txn *t, struct span receipt,
                        const struct receipt_facts *f)
{
    const struct detail *d = &f->detail;
    struct in_status s;
    enum err e;

    if (d->to_count != 1 || d->code || memcmp(d->instead, n->self.org, ID_BYTES) != 0)
        return ERR_PROOF;
    if ((e = inbox_get(n, t, d->mid, d->from, &s)))
        return e == ERR_NOT_FOUND ? ERR_OK : e; /* its own receipts have told what became of it */
    if (memcmp(s.digest, d->digest, DIGEST_BYTES) != 0)
        return ERR_PROOF;
    s.as_deputy = false;
    s.deputed_ms = f->time_ms;
    memcpy(s.deputed, d->to[0], ID_BYTES);
    if ((e = in_put(n, t, &s)))
        return e;
    return receipts_put(n, t, d->mid, f->type, d->to[0], receipt);
}

enum err intake_ended(struct node *n, struct txn *t, struct span receipt,
                      const struct receipt_facts *f)
{
    struct in_status s;
    enum err e;

    if (f->type == AUDIT_DEPUTY)
        return deputed(n, t, receipt, f);
    if (f->type != AUDIT_EXPIRED && f->type != AUDIT_HELD && f->type != AUDIT_RECALLED)
        return ERR_OK;
    if (f->detail.to_count != 1 || memcmp(f->detail.to[0], n->self.org, ID_BYTES) != 0)
        return ERR_PROOF;
    e = inbox_get(n, t, f->detail.mid, f->detail.from, &s);
    if (e == ERR_NOT_FOUND)
        e = announced(n, t, f);
    else if (!e)
        e = here_already(n, t, &s, f);
    return e ? e : receipts_put(n, t, f->detail.mid, f->type, n->self.org, receipt);
}
