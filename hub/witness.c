/* Witnesses (PROTOCOL.md 10.4): heads are announced when the logs have grown, cosignatures are
 * checked, kept and shown. Nothing waits for them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "core.h"
#include "log.h"
#include "merkle.h"
#include "serve.h"

#define HEADS_AGAIN_MS 3600000 /* so that cosignatures stay fresh on a log that does not grow */
#define COSIGN_AHEAD_S 600
#define LOGS 2

static_assert(WITNESS_SET_MAX == WITNESSES_MAX, "a whole set fits HEADS");

/* A witness's newest cosignature of one log. */
struct vote {
    uint32_t number; /* of the node */
    uint32_t ordinal;
    uint64_t size;
    uint8_t root[32];
    uint64_t time_s;
    uint8_t sig[64];
};

/* Of one log: what HEADS shows, and when its quorum was reached. */
struct shown {
    struct cosigned best; /* newest head with a quorum; without one, the newest cosigned at all */
    bool quorum;
    uint64_t time_s;
};

struct witnessing {
    uint64_t told_ms; /* monotonic; 0: not since the start */
    uint64_t told_keys;
    uint64_t told_audit;
    bool news;              /* cosignatures that no HEADS has shown */
    struct shown log[LOGS]; /* LOG_KEYS - 1, LOG_AUDIT - 1 */
};

enum err witnessing_new(struct core *c)
{
    c->witnessing = calloc(1, sizeof *c->witnessing);
    return c->witnessing ? ERR_OK : ERR_NOMEM;
}

void witnessing_free(struct core *c)
{
    free(c->witnessing);
    c->witnessing = NULL;
}

/* --- votes on disk ----------------------------------------------------------------------------
 */

static struct span vote_key(uint32_t log, uint32_t number, uint8_t buf[5])
{
    buf[0] = (uint8_t)log;
    be32_write(number, buf + 1);
    return span_of(buf, 5);
}

static enum err vote_put(struct core *c, uint32_t log, const struct vote *v)
{
    uint8_t row[COSIGN_ROW_BYTES];
    uint8_t key[5];

    be32_write(v->ordinal, row);
    be64_write(v->size, row + 4);
    memcpy(row + 12, v->root, 32);
    be64_write(v->time_s, row + 44);
    memcpy(row + 52, v->sig, 64);
    return store_put(c->t, TABLE_COSIGN, vote_key(log, v->number, key), SPAN_OF(row));
}

static enum err vote_get(struct txn *t, uint32_t log, uint32_t number, struct vote *out)
{
    uint8_t key[5];
    struct span row;
    enum err e = store_get(t, TABLE_COSIGN, vote_key(log, number, key), &row);

    if (e)
        return e;
    if (row.len != COSIGN_ROW_BYTES)
        return ERR_CORRUPT;
    out->number = number;
    out->ordinal = be32_read(row.ptr);
    out->size = be64_read(row.ptr + 4);
    memcpy(out->root, row.ptr + 12, 32);
    out->time_s = be64_read(row.ptr + 44);
    memcpy(out->sig, row.ptr + 52, 64);
    return ERR_OK;
}

/* --- what they add up to ----------------------------------------------------------------------
 */

static uint32_t ordinal_of(const struct core *c, uint32_t log)
{
    return log == LOG_AUDIT ? (uint32_t)(c->epoch_count - 1) : 0;
}

/* The votes of those who count now: of the set, under the key in force, of the epoch in force. */
static enum err votes_read(struct core *c, struct txn *t, uint32_t log,
                           struct vote out[WITNESSES_MAX], size_t *count)
{
    const struct directory_witnesses *set = directory_witnesses(c->dir);

    *count = 0;
    for (size_t i = 0; set && i < set->count; i++) {
        const struct directory_node *n = directory_node(c->dir, set->node[i]);
        struct vote *v = &out[*count];
        enum err e;

        if (!directory_is_witness(c->dir, n))
            continue;
        e = vote_get(t, log, (uint32_t)n->enrolled_at, v);
        if (e == ERR_NOT_FOUND)
            continue;
        if (e)
            return e;
        if (v->ordinal != ordinal_of(c, log))
            continue;
        e = cosignature_verify(
            span_text(log == LOG_AUDIT ? epoch_now(c)->origin : c->id->keys_origin), v->size,
            v->root, v->time_s, &n->witness, v->sig);
        if (e == ERR_NOMEM)
            return e;
        *count += e == ERR_OK;
    }
    return ERR_OK;
}

static int by_time(const void *a, const void *b)
{
    uint64_t x = ((const struct cosignature *)a)->time_s;
    uint64_t y = ((const struct cosignature *)b)->time_s;

    return x < y ? 1 : x > y ? -1 : 0;
}

static void add_up(struct core *c, const struct vote *votes, size_t count, uint64_t size,
                   struct cosigned *out)
{
    *out = (struct cosigned){.head.size = size};
    for (size_t i = 0; i < count; i++) {
        struct cosignature *one = &out->by[out->n];
        const struct directory_node *n = NULL;

        if (votes[i].size != size)
            continue;
        for (size_t k = 0; (n = directory_node(c->dir, k)); k++)
            if (n->enrolled_at == votes[i].number)
                break;
        if (!n)
            continue;
        memcpy(one->node, n->id, ID_BYTES);
        one->time_s = votes[i].time_s;
        memcpy(one->sig, votes[i].sig, sizeof one->sig);
        out->n++;
    }
    qsort(out->by, out->n, sizeof out->by[0], by_time);
}

/* A quorum once reached stays shown until a newer one is, or until who counts is looked at anew. */
static enum err shown_update(struct core *c, struct txn *t, uint32_t log)
{
    const struct directory_witnesses *set = directory_witnesses(c->dir);
    struct shown *s = &c->witnessing->log[log - 1];
    struct vote votes[WITNESSES_MAX];
    struct cosigned best = {0};
    size_t count;
    enum err e;

    if ((e = votes_read(c, t, log, votes, &count)))
        return e;
    for (size_t i = 0; i < count; i++) {
        struct cosigned one;

        add_up(c, votes, count, votes[i].size, &one);
        if (one.n > best.n || (one.n == best.n && one.head.size > best.head.size))
            best = one;
    }
    if (best.n == 0 || (s->quorum && best.n < set->quorum))
        return ERR_OK;
    if (s->quorum && best.head.size < s->best.head.size)
        return ERR_OK;
    if ((e = log == LOG_AUDIT ? audit_head(c, t, best.head.size, &best.head)
                              : keys_head(c, t, best.head.size, &best.head)))
        return e;
    s->quorum = best.n >= set->quorum;
    s->time_s = s->quorum ? best.by[set->quorum - 1].time_s : 0;
    s->best = best;
    return ERR_OK;
}

static enum err shown_anew(struct core *c, struct txn *t)
{
    enum err e;

    memset(c->witnessing->log, 0, sizeof c->witnessing->log);
    if (!core_log_keys_here(c))
        return ERR_OK;
    e = shown_update(c, t, LOG_KEYS);
    return e ? e : shown_update(c, t, LOG_AUDIT);
}

enum err witnessing_load(struct core *c)
{
    struct txn *t = NULL;
    enum err e = store_begin(c->store, TXN_READ, &t);

    if (e)
        return e;
    e = shown_anew(c, t);
    store_abort(&t);
    return e;
}

void witnessing_epoch(struct core *c)
{
    c->witnessing->log[LOG_AUDIT - 1] = (struct shown){0};
}

void witness_lag(const struct core *c, struct witness_lag *out)
{
    const struct directory_witnesses *set = directory_witnesses(c->dir);
    const struct shown *keys = &c->witnessing->log[LOG_KEYS - 1];
    const struct shown *audit = &c->witnessing->log[LOG_AUDIT - 1];

    *out = (struct witness_lag){.named = set != NULL};
    if (!set)
        return;
    out->members = set->count;
    out->quorum = set->quorum;
    for (size_t i = 0; i < set->count; i++)
        out->keyed += directory_is_witness(c->dir, directory_node(c->dir, set->node[i]));
    out->keys_size = keys->quorum ? keys->best.head.size : 0;
    out->keys_time_s = keys->time_s;
    out->audit_size = audit->quorum ? audit->best.head.size : 0;
    out->audit_time_s = audit->time_s;
}

/* --- HEADS ------------------------------------------------------------------------------------
 */

static enum err heads_make(struct core *c, struct message *m)
{
    struct msg_heads *h = &m->heads;
    enum err e;

    *m = (struct message){.type = MSG_HEADS};
    h->epoch = epoch_now(c)->number;
    if ((e = audit_head(c, c->t, ledger_committed_size(c->audit), &h->audit)) ||
        (e = keys_head(c, c->t, ledger_committed_size(c->keys), &h->keys)))
        return e;
    h->audit_seen = c->witnessing->log[LOG_AUDIT - 1].best;
    h->keys_seen = c->witnessing->log[LOG_KEYS - 1].best;
    return ERR_OK;
}

enum err heads_tell(struct core *c, const struct job *to)
{
    struct message m;
    enum err e = heads_make(c, &m);

    return e ? e : core_say(c, to, &m, false);
}

struct telling {
    struct core *c;
    struct message m;
    enum err e;
};

static void tell_one(struct mailbox *m, void *arg)
{
    struct telling *x = arg;
    struct job to = {.kind = JOB_MEMBER, .peer = m->peer, .session = m->session, .who = m->who};

    if (x->e == ERR_OK && m->open && !m->cloned)
        x->e = core_say(x->c, &to, &x->m, false);
}

enum err heads_tell_due(struct core *c)
{
    struct witnessing *w = c->witnessing;
    uint64_t now_ms = clock_mono_ms(c->clock);
    uint64_t every_ms = c->conf ? (uint64_t)c->conf->heads_every_s * 1000 : 10000;
    struct telling x = {.c = c};
    bool grown = ledger_committed_size(c->keys) > w->told_keys ||
                 leaf_place(c, ledger_committed_size(c->audit)) > w->told_audit || w->news;

    if (ledger_committed_size(c->keys) == 0 || !core_log_keys_here(c) ||
        now_ms - w->told_ms < every_ms || (!grown && now_ms - w->told_ms < HEADS_AGAIN_MS))
        return ERR_OK;
    if (ledger_committed_size(c->keys) != w->told_keys && (x.e = shown_anew(c, c->t)))
        return x.e; /* who counts may be others by now */
    if ((x.e = heads_make(c, &x.m)))
        return x.e;
    mailbox_each(c, tell_one, &x);
    if (x.e)
        return x.e;
    w->told_ms = now_ms;
    w->told_keys = ledger_committed_size(c->keys);
    w->told_audit = leaf_place(c, ledger_committed_size(c->audit));
    w->news = false;
    return ERR_OK;
}

/* --- CONSISTENCY ------------------------------------------------------------------------------
 */

static struct ledger *ledger_named(struct core *c, const struct log_name *of)
{
    const struct epoch *at;

    if (of->log == LOG_KEYS)
        return c->keys;
    at = epoch_numbered(c, of->epoch);
    return at ? at->ledger : NULL;
}

enum err on_consistency(struct core *c, struct job *j)
{
    const struct msg_consistency *q = &j->message.consistency;
    struct ledger *l = ledger_named(c, &q->of);
    struct message m = {
        .type = MSG_CONSISTENCY_PROOF,
        .consistency_proof = {.req = q->req, .of = q->of, .from = q->from, .to = q->to}
    };
    struct merkle_proof proof;
    enum err e;

    static_assert(MERKLE_PROOF_MAX <= CONSISTENCY_HASHES_MAX, "every proof fits the message");
    if (!l)
        return core_refuse(c, j, ERR_NOT_FOUND);
    if (q->from > q->to || q->to > ledger_committed_size(l))
        return core_refuse(c, j, ERR_RANGE);
    if ((e = ledger_consistency(l, c->t, q->from, q->to, &proof)))
        return e;
    m.consistency_proof.n = proof.count;
    memcpy(m.consistency_proof.hash, proof.hash, proof.count * sizeof proof.hash[0]);
    return core_say(c, j, &m, true);
}

/* --- COSIGN -----------------------------------------------------------------------------------
 */

static enum err vote_check(struct core *c, struct job *j, const struct vote *v)
{
    const struct msg_cosign *s = &j->message.cosign;
    const struct directory_node *n = directory_find_node(c->dir, j->who.node);
    struct ledger *l = s->of.log == LOG_AUDIT ? c->audit : c->keys;
    const char *origin = s->of.log == LOG_AUDIT ? epoch_now(c)->origin : c->id->keys_origin;
    uint8_t root[32];
    enum err e;

    if (!n || !directory_is_witness(c->dir, n))
        return ERR_RIGHT;
    if (s->of.log == LOG_AUDIT && s->of.epoch != epoch_now(c)->number)
        return ERR_EPOCH;
    if (v->time_s > c->now_ms / 1000 + COSIGN_AHEAD_S)
        return ERR_SKEW;
    if ((e = cosignature_verify(span_text(origin), v->size, v->root, v->time_s, &n->witness,
                                v->sig))) {
        j->costly = e == ERR_CHECKPOINT;
        return e;
    }
    if (v->size > ledger_committed_size(l))
        return ERR_SPLIT_VIEW;
    if ((e = ledger_root(l, c->t, v->size, root)))
        return e;
    return memcmp(root, v->root, sizeof root) == 0 ? ERR_OK : ERR_SPLIT_VIEW;
}

static bool is_of_member(enum err e)
{
    return e == ERR_RIGHT || e == ERR_EPOCH || e == ERR_SKEW || e == ERR_CHECKPOINT ||
           e == ERR_SPLIT_VIEW;
}

enum err on_cosign(struct core *c, struct job *j)
{
    const struct msg_cosign *s = &j->message.cosign;
    struct vote v = {.number = j->who.number,
                     .ordinal = ordinal_of(c, s->of.log),
                     .size = s->size,
                     .time_s = s->time_s};
    struct vote last;
    enum err e;

    memcpy(v.root, s->root, sizeof v.root);
    memcpy(v.sig, s->sig, sizeof v.sig);
    if ((e = vote_check(c, j, &v))) {
        if (e == ERR_SPLIT_VIEW) /* a head cosigned that is not ours: somebody has our log's key */
            log_error("witness.split_view", "number=%u size=%llu", j->who.number,
                      (unsigned long long)v.size);
        return is_of_member(e) ? core_refuse(c, j, e) : e;
    }
    e = vote_get(c->t, s->of.log, v.number, &last);
    if (e && e != ERR_NOT_FOUND)
        return e;
    if (!e && last.ordinal == v.ordinal && (last.size > v.size || last.time_s > v.time_s))
        return ERR_OK; /* an older one, late */
    if ((e = vote_put(c, s->of.log, &v)))
        return e;
    c->witnessing->news = true;
    return shown_update(c, c->t, s->of.log);
}
