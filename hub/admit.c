/* PUT: admission of an envelope (PROTOCOL.md 12). The worker has done steps 1 to 5 and 7; here is
 * everything that only the committed state can answer. Nothing is written before the last check. */
#include <string.h>

#include "attached.h"
#include "circle.h"
#include "declared.h"
#include "deputy.h"
#include "lasting.h"
#include "log.h"
#include "recovery.h"

static enum err sender_check(struct core *c, const struct job *j)
{
    struct sign_public pk;

    return directory_signer(c->dir, j->header.from, j->header.skid, DIRECTORY_NOW, c->now_ms, &pk);
}

static enum err addressees_check(struct core *c, const struct job *j, struct item *it)
{
    enum err e;

    for (size_t i = 0; i < j->header.to_count; i++) {
        const struct directory_prekey *prekey;

        if ((e = directory_addressee(c->dir, j->header.to[i], envelope_kid(&j->view, i), c->now_ms,
                                     &prekey)))
            return e;
        it->to[i] = (uint32_t)directory_node(c->dir, prekey->node)->enrolled_at;
    }
    it->count = header_principals(&j->header); /* the deputies' are behind it */
    return ERR_OK;
}

static enum err heads_check(struct core *c, const struct job *j)
{
    enum err e = keys_check_head(c, &j->header.keys_head);

    if (!e)
        e = audit_check_head(c, &j->header.audit_head);
    return e;
}

static enum err circle_judge(struct core *c, const struct job *j, uint64_t *chain_n)
{
    struct circle *circle = NULL;
    struct disclosure ask;
    struct verdict v;
    enum err e = circles_get(c, j->header.circle, &circle);

    if (e && e != ERR_NOT_FOUND)
        return e;
    disclosure_of_header(&j->header, &ask);
    if ((e = disclosure_judge_all(circle, &ask, j->header.to, j->header.rcat, j->header.to_count,
                                  JUDGE_HUB, &v, NULL)))
        return e;
    *chain_n = circle_size(circle) - 1;
    return ERR_OK;
}

static enum err accept(struct core *c, const struct job *j, struct item *it, uint64_t chain_n,
                       uint64_t *index)
{
    const struct env_header *h = &j->header;
    struct detail d = {.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_DIGEST) | RD_KEY(DETAIL_FROM) |
                              RD_KEY(DETAIL_ACTOR) | RD_KEY(DETAIL_CIRCLE) | RD_KEY(DETAIL_TO) |
                              RD_KEY(DETAIL_CHAIN_N),
                       .to_count = h->to_count,
                       .chain_n = chain_n};
    struct seen seen = {
        .exp_ms = h->exp, .sender = j->who.number, .deputies = (uint8_t)h->deputy_count};
    enum err e;

    memcpy(d.mid, h->mid, sizeof d.mid);
    memcpy(d.digest, j->digest, sizeof d.digest);
    memcpy(d.from, h->from, sizeof d.from);
    memcpy(d.actor, h->actor, sizeof d.actor);
    memcpy(d.circle, h->circle, sizeof d.circle);
    memcpy(d.to, h->to, h->to_count * sizeof h->to[0]);
    if ((e = lasting_leaf(c, h->from, AUDIT_ACCEPTED, &d, index)) ||
        (e = lasting_add(c, h->from, h->to_count * LASTING_ENDS)))
        return e;
    it->kind = DELIVER_ENVELOPE;
    it->exp_ms = h->exp;
    it->index = *index;
    it->sender = j->who.number;
    memcpy(it->mid, h->mid, sizeof it->mid);
    memcpy(it->from, h->from, sizeof it->from);
    memcpy(it->circle, h->circle, sizeof it->circle);
    memcpy(it->digest, j->digest, sizeof it->digest);
    if ((e = item_add(c, it, j->message.put.envelope)) || (e = attached_grant(c, h, it)) ||
        (e = deputies_note(c, h, it)))
        return e;
    memcpy(seen.digest, j->digest, sizeof seen.digest);
    seen.index = *index;
    seen.seq = it->seq;
    return seen_put(c, h->mid, h->from, &seen);
}

/* ERR_OK, or why not: a refusal of the member, or a failure of ours (is_store_failure). */
static enum err judge(struct core *c, struct job *j, struct item *it, uint64_t *chain_n)
{
    enum err e;

    if ((e = sender_check(c, j)))
        return e;
    if ((e = addressees_check(c, j, it)))
        return e;
    if ((e = header_check_times(&j->header, c->now_ms)))
        return e;
    if ((e = heads_check(c, j)))
        return e;
    if ((e = circle_judge(c, j, chain_n)) || (e = attached_check(c, j)))
        return e;
    if ((e = quota_check(c, j->who.org, j->header.to_count, j->message.put.envelope.len)))
        return e;
    return lasting_check(c, j->who.org, false);
}

static bool is_store_failure(enum err e)
{
    return e == ERR_NOMEM || e == ERR_IO || e == ERR_FULL || e == ERR_CORRUPT ||
           e == ERR_INTERNAL || e == ERR_READONLY || e == ERR_RANDOM;
}

/* A head signed by us that is none of ours: we stop. One of a closed epoch is an alarm alone: what
 * lay behind it was lost before, and said so (restore.c). */
static enum err split_view(struct core *c, const struct job *j)
{
    struct detail d = {.has = RD_KEY(DETAIL_BY_ORG) | RD_KEY(DETAIL_BY_NODE) | RD_KEY(DETAIL_ACT),
                       .act = ACT_SPLIT_VIEW};
    uint64_t index;
    bool stopped;
    enum err e = behind_check(c, j, epoch_now(c)->number, &j->header.keys_head,
                              &j->header.audit_head, &stopped);

    if (e || stopped)
        return e;
    log_error("split_view", "number=%u", j->who.number);
    memcpy(d.by_org, j->who.org, sizeof d.by_org);
    memcpy(d.by_node, j->who.node, sizeof d.by_node);
    if ((e = audit_add(c, AUDIT_ALARM, &d, &index)))
        return e;
    return core_refuse(c, j, ERR_SPLIT_VIEW);
}

/* The same id again: with the same bytes the first receipt stands, whatever has changed since. */
static enum err repeat(struct core *c, struct job *j, bool *known)
{
    struct seen seen;
    enum err e = seen_get(c->t, j->header.mid, j->header.from, &seen);

    *known = e != ERR_NOT_FOUND;
    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    if (memcmp(seen.digest, j->digest, sizeof seen.digest) == 0)
        return core_say_receipt(c, j, seen.index);
    return core_refuse(c, j, ERR_MID_REUSED);
}

enum err on_put(struct core *c, struct job *j)
{
    struct item it = {0};
    uint64_t chain_n = 0;
    uint64_t index;
    bool known;
    enum err e;

    if (memcmp(j->header.from, j->who.org, ID_BYTES) != 0)
        return core_refuse(c, j, ERR_FROM);
    if ((e = repeat(c, j, &known)) || known)
        return e;
    if ((e = judge(c, j, &it, &chain_n))) {
        if (is_store_failure(e))
            return e;
        return e == ERR_SPLIT_VIEW ? split_view(c, j) : core_refuse(c, j, e);
    }
    if ((e = accept(c, j, &it, chain_n, &index)))
        return e;
    c->count.accepted++;
    return core_say_receipt(c, j, index);
}
