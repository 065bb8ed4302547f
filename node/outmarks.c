/* What the mailbox tells of envelopes we sent: marks per recipient (outbox.h). */
#include <string.h>

#include "log.h"
#include "outrow.h"
#include "told.h"

struct mark_rule {
    uint64_t type; /* enum audit_type */
    unsigned mark;
    bool
        by_org; /* whose act it is: the reporting member, or else the one recipient named in `to` */
};

static const struct mark_rule rules[] = {
    {AUDIT_DELIVERED,   OUT_DELIVERED,   true },
    {AUDIT_OPENED,      OUT_OPENED,      true },
    {AUDIT_REFUSED,     OUT_REJECTED,    true },
    {AUDIT_UNREADABLE,  OUT_UNREADABLE,  true },
    {AUDIT_MISLABELLED, OUT_MISLABELLED, true },
    {AUDIT_EXPIRED,     OUT_LAPSED,      false},
    {AUDIT_HELD,        OUT_HELD,        false},
    {AUDIT_RECALLED,    OUT_RECALLED,    false},
    {AUDIT_DEPUTY,      OUT_RELEASED,    false},
};

static const struct mark_rule *rule_of(uint64_t type)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].type == type)
            return &rules[i];
    return NULL;
}

static struct out_recipient *recipient_of(struct out_status *s, const uint8_t org[ID_BYTES])
{
    for (size_t i = 0; i < s->count; i++)
        if (memcmp(s->to[i].org, org, ID_BYTES) == 0)
            return &s->to[i];
    return NULL;
}

/* Which envelope the receipt is about: a path names it for a delivery, the detail for the rest. */
static enum err subject_of(struct span receipt, const struct receipt_facts *f, struct receipt *r,
                           const uint8_t **mid, const uint8_t **digest)
{
    enum err e = receipt_decode(receipt, r);

    if (e)
        return e;
    if (f->type == AUDIT_DELIVERED && !r->has_path)
        return ERR_PROOF;
    *mid = f->type == AUDIT_DELIVERED ? r->path.mid : f->detail.mid;
    *digest = f->type == AUDIT_DELIVERED ? r->path.digest : f->detail.digest;
    return ERR_OK;
}

/* The receipt is about a deputy of ours, for the one whom we said. */
static bool deputy_fits(const struct out_row *row, const struct out_recipient *who,
                        const struct detail *d)
{
    return who->is_deputy && memcmp(row->status.to[who->instead].org, d->instead, ID_BYTES) == 0;
}

static void mark(struct out_recipient *r, const struct mark_rule *rule,
                 const struct receipt_facts *f)
{
    if (f->type == AUDIT_DEPUTY && f->detail.code) {
        r->marks |= OUT_UNRELEASED;
        r->code = f->detail.code;
        return;
    }
    r->marks |= rule->mark;
    if (rule->mark == OUT_RELEASED && !r->released_ms)
        r->released_ms = f->time_ms;
    if (rule->mark == OUT_DELIVERED && !r->delivered_ms)
        r->delivered_ms = f->time_ms;
    if (rule->mark == OUT_OPENED && !r->opened_ms)
        r->opened_ms = f->time_ms;
    if (rule->mark & (OUT_REJECTED | OUT_UNREADABLE | OUT_MISLABELLED | OUT_HELD | OUT_RECALLED))
        r->code = f->detail.code;
}

enum err outbox_receipt(struct node *n, struct txn *t, struct span receipt,
                        const struct receipt_facts *facts)
{
    const struct mark_rule *rule = rule_of(facts->type);
    struct out_recipient *who;
    const uint8_t *mid;
    const uint8_t *digest;
    struct out_row row;
    struct receipt r;
    enum err e;

    if (!rule)
        return ERR_NOT_FOUND;
    if ((e = subject_of(receipt, facts, &r, &mid, &digest)))
        return e;
    if ((e = out_row_get(n, t, mid, &row)))
        return e;
    if (memcmp(digest, row.digest, DIGEST_BYTES) != 0)
        return ERR_PROOF;
    if (!rule->by_org && facts->detail.to_count != 1)
        return ERR_PROOF;
    who = recipient_of(&row.status, rule->by_org ? facts->detail.by_org : facts->detail.to[0]);
    if (!who || (facts->type == AUDIT_DEPUTY && !deputy_fits(&row, who, &facts->detail)))
        return ERR_PROOF;
    mark(who, rule, facts);
    if (rule->by_org && (e = told_heard(n, t, who->org)))
        return e;
    if ((e = out_row_had_flown(n, t, &row)))
        return e;
    if ((e = receipts_put(n, t, row.status.mid, facts->type, who->org, receipt)))
        return e;
    return out_row_put(n, t, &row);
}
