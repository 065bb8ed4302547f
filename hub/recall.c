/* RECALL: a sender takes a message back from everybody who has not acknowledged it (PROTOCOL.md
 * 11). The commit order decides between it and the ACKs. */
#include <string.h>

#include "deputy.h"

static enum err decode(const struct job *j, struct report *out)
{
    enum err e = report_decode(j->ss.stmt, AUDIT_RECALLED, AUDIT_RECALLED, out);

    return !e && out->code > RECALL_REPLACED ? ERR_FIELD_VALUE : e;
}

bool recall_goes_first(struct core *c, const struct job *j)
{
    struct report r = {0};
    struct seen seen;

    return !decode(j, &r) && !seen_get(c->t, r.mid, r.from, &seen);
}

/* For each who has it not on his disk. None is fine. */
static enum err take_back(struct core *c, const struct job *j, const struct report *r, uint64_t seq)
{
    const struct ending how = {AUDIT_RECALLED, r->code, &j->ss};
    struct item it;
    enum err e = item_read(c->t, seq, &it);

    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    for (size_t i = 0; i < it.count; i++) {
        const struct mailbox *m = mailbox_of(c, it.to[i]);

        if (it.done[i] != ITEM_WAITS || !m || m->acked >= seq)
            continue;
        if ((e = item_end(c, &it, it.to[i], &how)))
            return e;
        c->count.recalled++;
    }
    return ERR_OK;
}

/* Deputies who have not got it yet have lost it too: it is not waited for any more. */
static enum err take_back_all(struct core *c, const struct job *j, const struct report *r,
                              const struct seen *seen)
{
    enum err e = take_back(c, j, r, seen->seq);

    for (uint8_t i = 0; i < seen->deputies && !e; i++) {
        uint64_t seq;

        e = deputy_released(c->t, seen->seq, i, &seq);
        e = e == ERR_NOT_FOUND ? ERR_OK : e ? e : take_back(c, j, r, seq);
    }
    return e;
}

/* The leaf of the first recipient in the order of `to`: the same whenever it is asked. */
static enum err first_recalled(struct core *c, const struct report *r, const struct seen *seen,
                               struct ended *out)
{
    struct detail d;
    enum err e = audit_detail(c, seen->index, &d);

    if (e)
        return e;
    e = ERR_NOT_FOUND;
    for (size_t i = 0; i < d.to_count && e == ERR_NOT_FOUND; i++)
        e = ended_get(c->t, r->mid, d.to[i], AUDIT_RECALLED, out);
    return e;
}

enum err on_recall(struct core *c, struct job *j)
{
    struct report r = {0};
    struct ended first;
    struct seen seen;
    enum err e;

    if ((e = decode(j, &r)))
        return core_refuse(c, j, e);
    if (memcmp(r.by, j->who.org, ID_BYTES) != 0 || memcmp(r.from, r.by, ID_BYTES) != 0)
        return core_refuse(c, j, ERR_FROM);
    e = seen_get(c->t, r.mid, r.from, &seen);
    if (e == ERR_NOT_FOUND || (!e && memcmp(seen.digest, r.digest, DIGEST_BYTES) != 0))
        return core_refuse(c, j, ERR_NOT_FOUND);
    if (e || (e = take_back_all(c, j, &r, &seen)))
        return e;
    e = first_recalled(c, &r, &seen, &first);
    if (e == ERR_NOT_FOUND)
        return core_refuse(c, j, ERR_TOO_LATE);
    return e ? e : core_say_receipt(c, j, first.index);
}
