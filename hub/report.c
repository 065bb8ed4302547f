/* REPORT: what recipients say became of what they were sent (PROTOCOL.md 11). */
#include <string.h>

#include "deputy.h"
#include "reader.h"

enum err report_decode(struct span stmt, enum audit_type least, enum audit_type most,
                       struct report *out)
{
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, 64);
    uint64_t key;

    while (rd_map_next(&r, &m, &key)) {
        switch (key) {
        case 1:
            out->outcome = rd_uint_between(&r, least, most);
            break;
        case 2:
            rd_fixed(&r, out->mid, sizeof out->mid);
            break;
        case 3:
            rd_fixed(&r, out->digest, sizeof out->digest);
            break;
        case 4:
            rd_fixed(&r, out->from, sizeof out->from);
            break;
        case 5:
            rd_fixed(&r, out->by, sizeof out->by);
            break;
        case 6:
            out->ts_ms = rd_uint(&r, STMT_TIME_MAX);
            break;
        case 7:
            out->code = rd_u32(&r, UINT16_MAX);
            break;
        case 8:
            rd_fixed(&r, out->actor, sizeof out->actor);
            break;
        default:
            rd_unknown(&r, key);
        }
    }
    rd_map_require(&r, &m, 0x1fe);
    if (out->outcome == 4) /* taken: for handoffs, not yet */
        rd_fail(&r, ERR_UNSUPPORTED);
    return rd_end(&r);
}

/* What has ended otherwise was never his, however far he has acknowledged since; but what was on
 * its way to him when it ended a human may have read, and that is said. */
static enum err never_had(struct core *c, const struct report *r)
{
    static const enum audit_type ends[] = {AUDIT_HELD, AUDIT_EXPIRED, AUDIT_RECALLED};
    struct ended was;

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        enum err e = ended_get(c->t, r->mid, r->by, ends[i], &was);

        if (e != ERR_NOT_FOUND)
            return e ? e : was.had && r->outcome == AUDIT_OPENED ? ERR_OK : ERR_STATE;
    }
    return ERR_OK;
}

/* The item that he had to acknowledge: a deputy's is his own, from its release on. */
static enum err item_of(struct core *c, const struct seen *seen, const struct detail *accepted,
                        size_t i, uint64_t *seq)
{
    size_t recipients = accepted->to_count - seen->deputies;
    enum err e;

    *seq = seen->seq;
    if (i < recipients)
        return ERR_OK;
    e = deputy_released(c->t, seen->seq, (uint8_t)(i - recipients), seq);
    return e == ERR_NOT_FOUND ? ERR_STATE : e;
}

/* Was this message for him, and does he have it? */
static enum err report_check(struct core *c, const struct job *j, const struct report *r,
                             struct seen *seen, uint8_t circle[ID_BYTES])
{
    const struct mailbox *m = mailbox_of(c, j->who.number);
    struct detail d;
    uint64_t seq;
    enum err e;

    if (memcmp(r->by, j->who.org, ID_BYTES) != 0)
        return ERR_FROM;
    if ((e = seen_get(c->t, r->mid, r->from, seen)))
        return e;
    if (memcmp(seen->digest, r->digest, DIGEST_BYTES) != 0)
        return ERR_NOT_FOUND;
    if ((e = audit_detail(c, seen->index, &d)))
        return e;
    memcpy(circle, d.circle, ID_BYTES);
    for (size_t i = 0; i < d.to_count; i++)
        if (memcmp(d.to[i], r->by, ID_BYTES) == 0) {
            if ((e = item_of(c, seen, &d, i, &seq)))
                return e;
            return m && m->acked >= seq ? never_had(c, r) : ERR_STATE;
        }
    return ERR_NOT_FOUND;
}

static enum err report_log(struct core *c, const struct job *j, const struct report *r,
                           const uint8_t circle[ID_BYTES], uint64_t *index)
{
    struct detail d = {.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_DIGEST) | RD_KEY(DETAIL_FROM) |
                              RD_KEY(DETAIL_CIRCLE) | RD_KEY(DETAIL_CODE) | RD_KEY(DETAIL_BY_ORG) |
                              RD_KEY(DETAIL_KID) | RD_KEY(DETAIL_SIG) | RD_KEY(DETAIL_ABOUT),
                       .code = r->code,
                       .about = j->ss.stmt};

    memcpy(d.mid, r->mid, sizeof d.mid);
    memcpy(d.digest, r->digest, sizeof d.digest);
    memcpy(d.from, r->from, sizeof d.from);
    memcpy(d.circle, circle, sizeof d.circle);
    memcpy(d.by_org, r->by, sizeof d.by_org);
    memcpy(d.kid, j->ss.sig[0].kid, sizeof d.kid);
    memcpy(d.sig, j->ss.sig[0].sig, sizeof d.sig);
    return audit_add(c, (enum audit_type)r->outcome, &d, index);
}

static enum err report_keep(struct core *c, const struct job *j, const struct report *r,
                            const struct seen *seen, const uint8_t circle[ID_BYTES])
{
    uint64_t index;
    enum err e;

    if ((e = report_log(c, j, r, circle, &index)))
        return e;
    if ((e = ended_put(c, r->mid, r->by, (enum audit_type)r->outcome,
                       &(struct ended){index, true})))
        return e;
    if ((e = item_add_receipt(c, seen->sender, NULL, index, NULL)))
        return e;
    c->count.reports++;
    return core_say_receipt(c, j, index);
}

enum err on_report(struct core *c, struct job *j)
{
    struct report r = {0};
    struct seen seen;
    uint8_t circle[ID_BYTES];
    struct ended was;
    enum err e;

    if ((e = report_decode(j->ss.stmt, AUDIT_OPENED, AUDIT_MISLABELLED, &r)))
        return core_refuse(c, j, e);
    if ((e = report_check(c, j, &r, &seen, circle)))
        return e == ERR_FROM || e == ERR_NOT_FOUND || e == ERR_STATE ? core_refuse(c, j, e) : e;
    e = ended_get(c->t, r.mid, r.by, (enum audit_type)r.outcome, &was);
    if (e == ERR_OK)
        return core_say_receipt(c, j, was.index); /* said before: the same receipt */
    return e == ERR_NOT_FOUND ? report_keep(c, j, &r, &seen, circle) : e;
}
