/* What the store thread writes on the board (board.h): cheap things each second, what needs a walk
 * through tables every ten. */
#include <string.h>

#include "attachments.h"
#include "core.h"
#include "invites.h"
#include "lasting.h"
#include "log.h"

#define SLOW_MS 10000
#define READER_CHECK_MS 60000
#define SAMPLE_MS UINT64_C(3600000) /* the size of the store is noted so often */
#define DAY_MS (24 * SAMPLE_MS)

static const uint64_t age_limit_ms[AGES - 1] = {UINT64_C(60) * 1000, UINT64_C(3600) * 1000,
                                                UINT64_C(86400) * 1000, UINT64_C(7) * 86400 * 1000};

/* --- ages ------------------------------------------------------------------------------------ */

struct found {
    bool any;
    uint64_t seq;
    uint64_t index;
};

static enum err first_item(void *arg, const struct item *it)
{
    struct found *f = arg;

    *f = (struct found){true, it->seq, it->index};
    return ERR_ENOUGH;
}

/* The first item from `seq` on, and since when the log has it. */
static enum err item_time(struct core *c, uint64_t seq, struct found *f, uint64_t *ms)
{
    const struct epoch *at;
    struct span entry;
    struct span side;
    uint8_t commitment[32];
    uint64_t index;
    uint64_t type;
    enum err e;

    *f = (struct found){0};
    if ((e = items_scan(c->t, seq, 1, first_item, f)) || !f->any)
        return e;
    if ((e = place_read(c, f->index, &at, &index)) ||
        (e = ledger_entry(at->ledger, c->t, index, &entry, &side, NULL)))
        return e;
    return entry_decode(entry, &type, ms, commitment);
}

/* The first sequence number that is younger than `since_ms`: items lie in the order of the log. */
static enum err seq_since(struct core *c, uint64_t since_ms, uint64_t *out)
{
    uint64_t low = 0;
    uint64_t high = c->next_seq;
    struct found f;
    uint64_t ms = 0;
    enum err e;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if ((e = item_time(c, middle, &f, &ms)))
            return e;
        if (!f.any || ms >= since_ms)
            high = middle;
        else
            low = f.seq + 1;
    }
    *out = low;
    return ERR_OK;
}

struct ages {
    uint64_t bound[AGES - 1]; /* below it: at least so old */
    uint64_t n[AGES - 1];
};

static void age_one(struct mailbox *m, void *arg)
{
    struct ages *a = arg;

    for (int i = 0; i < AGES - 1; i++)
        a->n[i] += mailbox_before(m, a->bound[i]);
}

static enum err ages_look(struct core *c)
{
    struct figures *f = &c->figures;
    struct ages a = {0};
    struct found oldest;
    uint64_t ms = c->now_ms;
    enum err e;

    for (int i = 0; i < AGES - 1; i++) {
        uint64_t since = c->now_ms > age_limit_ms[i] ? c->now_ms - age_limit_ms[i] : 0;

        if ((e = seq_since(c, since, &a.bound[i])))
            return e;
    }
    if ((e = item_time(c, 0, &oldest, &ms)))
        return e;
    f->oldest_ms = oldest.any && c->now_ms > ms ? c->now_ms - ms : 0;
    mailbox_each(c, age_one, &a);
    f->waiting_by_age[AGE_MINUTE] = f->waiting - (a.n[0] < f->waiting ? a.n[0] : f->waiting);
    for (int i = 1; i < AGES - 1; i++)
        f->waiting_by_age[i] = a.n[i - 1] - a.n[i];
    f->waiting_by_age[AGE_OLDER] = a.n[AGES - 2];
    return ERR_OK;
}

/* --- the store ------------------------------------------------------------------------------- */

/* Growth is what was added since the oldest note of the last day, as if it went on for a day. */
static void growth_look(struct core *c, uint64_t mono_ms)
{
    struct growth *g = &c->growth;
    uint64_t used = c->figures.store.used_bytes;
    uint64_t span_ms;

    if (g->n == 0 || mono_ms - g->at_ms[(g->n - 1) % GROWTH_NOTES] >= SAMPLE_MS) {
        g->at_ms[g->n % GROWTH_NOTES] = mono_ms;
        g->used[g->n % GROWTH_NOTES] = used;
        g->n++;
    }
    size_t oldest = g->n > GROWTH_NOTES ? g->n % GROWTH_NOTES : 0;

    span_ms = mono_ms - g->at_ms[oldest];
    if (span_ms < SAMPLE_MS)
        return; /* too short to say anything */
    c->figures.growth_per_day =
        (int64_t)(((double)used - (double)g->used[oldest]) * (double)DAY_MS / (double)span_ms);
}

/* A read that still sees the same commit as at the last look has grown older. */
static void reader_look(struct core *c, uint64_t mono_ms)
{
    const struct store_stats *s = &c->figures.store;
    uint64_t sees = s->commits - s->oldest_reader_lag;

    if (s->oldest_reader_lag == 0 || sees != c->reader_sees) {
        c->reader_sees = sees;
        c->reader_since_ms = mono_ms;
    }
    c->figures.reader_age_ms = mono_ms - c->reader_since_ms;
}

static enum err count_invite(void *arg, const struct invite *i)
{
    struct core *c = arg;

    c->figures.invitations +=
        i->state < INVITE_ENROLLED && (i->state != INVITE_OPEN || i->expires_ms > c->now_ms);
    return ERR_OK;
}

static void attachments_look(struct core *c)
{
    struct attachments_use u = attachments_use(c->attachments);
    struct figures *f = &c->figures;

    f->att.count = u.count;
    f->att.bytes = u.bytes;
    f->att.max_bytes = u.max_bytes;
    f->att.fullest_bytes = u.fullest_bytes;
    f->att.quota_bytes = u.quota_bytes;
    f->att.removed = u.removed;
    f->att.refused = u.refused;
    f->att.strangers = u.strangers;
}

static enum err slow_look(struct core *c, uint64_t mono_ms)
{
    size_t freed = 0;
    enum err e;

    if (mono_ms - c->readers_ms >= READER_CHECK_MS) {
        c->readers_ms = mono_ms;
        if ((e = store_reader_check(c->store, &freed)))
            log_warn("store.readers", "why=%s", err_name(e));
        else if (freed > 0)
            log_warn("store.readers", "dead=%zu", freed);
    }
    if ((e = store_stats(c->store, &c->figures.store)))
        return e == ERR_BUSY ? ERR_OK : e;
    growth_look(c, mono_ms);
    reader_look(c, mono_ms);
    attachments_look(c);
    c->figures.invitations = 0;
    if ((e = invite_each(c, count_invite, c)))
        return e;
    return ages_look(c);
}

/* --- witnesses ------------------------------------------------------------------------------- */

static void witnesses_look(struct core *c)
{
    struct figures *f = &c->figures;
    uint64_t now_s = c->now_ms / 1000;
    struct witness_lag w;
    uint64_t since;

    witness_lag(c, &w);
    f->witnesses = w.named ? w.members : 0;
    f->witness_lag = w.named ? ledger_committed_size(c->audit) - w.audit_size : 0;
    since = w.audit_time_s < w.keys_time_s ? w.audit_time_s : w.keys_time_s;
    f->witness_age_s = w.named && since && now_s > since ? now_s - since : 0;
}

/* --- every second ---------------------------------------------------------------------------- */

static void count_box(struct mailbox *m, void *arg)
{
    struct figures *f = arg;

    f->sessions += m->open;
    f->cloned += m->cloned;
    f->waiting += m->len;
}

void figures_tick(struct core *c)
{
    struct figures *f = &c->figures;
    uint64_t mono_ms = clock_mono_ms(c->clock);
    enum err e;

    if (!c->board)
        return;
    f->sessions = f->cloned = f->waiting = 0;
    f->nodes = mailbox_each(c, count_box, f);
    if (f->told_ms == 0 || mono_ms - c->looked_ms >= SLOW_MS) {
        c->looked_ms = mono_ms;
        if ((e = slow_look(c, mono_ms))) /* figures are a help, never a reason to stop */
            log_limited(LEVEL_WARN, "figures", "why=%s", err_name(e));
    }
    f->accepted = c->count.accepted;
    f->delivered = c->count.delivered;
    f->reports = c->count.reports;
    f->statements = c->count.statements;
    f->held = c->count.held;
    f->expired = c->count.expired;
    f->recalled = c->count.recalled;
    f->released = c->count.released;
    f->damaged = c->count.damaged;
    f->clones = c->count.clones;
    f->untold = c->count.untold;
    f->commits = c->count.commits;
    f->failed_commits = c->count.failed_commits;
    f->keys_size = ledger_committed_size(c->keys);
    f->audit_size = ledger_committed_size(c->audit);
    f->log_percent = quota_most(c, lasting_percent);
    f->member_percent = quota_most(c, quota_percent);
    f->waiting_percent = quota_hub_percent(c);
    witnesses_look(c);
    f->tight = c->tight;
    f->constituted = directory_federation(c->dir) != NULL;
    f->told_ms = mono_ms;
    board_write(c->board, f);
}
