#include "core.h"
#include "recovery.h"
#include "warnings.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "attached.h"
#include "circle.h"
#include "control.h"
#include "lasting.h"
#include "log.h"

#define REFUSALS_PER_GROUP 64
#define CORE_WAIT_MS 1000
#define TIGHT_LOOK_MS 1000

static const char *const table_names[HUB_TABLES] = {
    [TABLE_META] = "meta",           [TABLE_INVITE] = "invite",     [TABLE_NODE] = "node",
    [TABLE_ITEM] = "item",           [TABLE_BODY] = "body",         [TABLE_SEEN] = "seen",
    [TABLE_REPORTED] = "report",     [TABLE_CIRCLE] = "circle",     [TABLE_CHAIN] = "chain",
    [TABLE_HEAD] = "head",           [TABLE_K_ENTRY] = "k_entry",   [TABLE_K_SIDE] = "k_side",
    [TABLE_K_TILE] = "k_tile",       [TABLE_K_ROOT] = "k_root",     [TABLE_A_ENTRY] = "a_entry",
    [TABLE_A_SIDE] = "a_side",       [TABLE_A_TILE] = "a_tile",     [TABLE_A_ROOT] = "a_root",
    [TABLE_QUOTA] = "quota",         [TABLE_COSIGN] = "cosign",     [TABLE_SILENT] = "silent",
    [TABLE_ESCALATED] = "escalated", [TABLE_OPERATOR] = "operator", [TABLE_ATT_REF] = "att_ref",
    [TABLE_DEPUTY] = "deputy",       [TABLE_RELEASED] = "released", [TABLE_LASTING] = "lasting",
};

const char *const *core_table_names(void)
{
    return table_names;
}

static const struct ledger_tables keys_tables = {TABLE_K_ENTRY, TABLE_K_SIDE, TABLE_K_TILE,
                                                 TABLE_K_ROOT, 0};

/* --- open, reload -------------------------------------------------------------------------- */

static enum err next_seq_load(struct core *c, struct txn *t)
{
    struct span key;
    struct span value;
    enum err e = store_get(t, TABLE_META, SPAN_STR("next_seq"), &value);

    if (e == ERR_OK && value.len == 8)
        c->next_seq = be64_read(value.ptr);
    else if (e == ERR_NOT_FOUND)
        c->next_seq = 1;
    else
        return e ? e : ERR_CORRUPT;
    e = store_last(t, TABLE_ITEM, &key, &value);
    if (e == ERR_OK && key.len == 8 && be64_read(key.ptr) >= c->next_seq)
        c->next_seq = be64_read(key.ptr) + 1;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err core_reload(struct core *c)
{
    struct txn *t = NULL;
    enum err e;

    staged_forget(c);
    holds_forget(c);
    circles_forget(c->circles);
    heads_forget(c->heads);
    if ((e = ledger_reload(c->keys)) || (e = epochs_open(c)) || (e = recovery_load(c)))
        return e;
    if ((e = registry_load(c)) || (e = witnessing_load(c)))
        return e;
    if ((e = mailboxes_load(c)) || (e = attached_load(c)))
        return e;
    if ((e = store_begin(c->store, TXN_READ, &t)))
        return e;
    if (!(e = next_seq_load(c, t)))
        e = escalation_load(c, t);
    store_abort(&t);
    return e;
}

/* A sixteenth is kept back, for a full hub must still be able to hand out what it holds. */
static enum err store_room(struct core *c, uint64_t max_bytes)
{
    if (max_bytes < 2 * STORE_QUOTA_MIN)
        return ERR_OK;
    c->reserve = max_bytes / 16;
    c->quota = max_bytes - c->reserve;
    return store_set_quota(c->store, c->quota);
}

/* Between groups. */
static void tight_begin(struct core *c)
{
    if (c->tight || !c->quota || store_set_quota(c->store, c->quota + c->reserve))
        return;
    c->tight = c->tight_room = true;
    c->tight_ms = clock_mono_ms(c->clock);
    log_error("store.full", "quota=%llu", (unsigned long long)c->quota);
}

static void tight_end(struct core *c)
{
    struct store_stats s;

    if (!c->tight || clock_mono_ms(c->clock) - c->tight_ms < TIGHT_LOOK_MS)
        return;
    c->tight_ms = clock_mono_ms(c->clock);
    if (store_stats(c->store, &s))
        return;
    c->tight_room = s.used_bytes < c->quota + c->reserve / 2;
    if (s.used_bytes > c->quota - c->quota / 16 || store_set_quota(c->store, c->quota))
        return;
    c->tight = false;
    log_info("store.room", "used=%llu", (unsigned long long)s.used_bytes);
}

enum err core_logs_open(struct core *c)
{
    enum err e = ledger_open(c->store, &keys_tables, span_text(c->id->keys_origin), &c->keys);

    return e ? e : epochs_open(c);
}

/* A body that is lost ends one delivery, and both its sides are told when its turn comes. */
static bool damaged(void *arg, const char *table, struct span key)
{
    (void)arg;
    (void)key;
    log_limited(LEVEL_ERROR, "store.damaged", "table=%s", table ? table : "page");
    return table && strcmp(table, table_names[TABLE_BODY]) == 0;
}

enum err core_open(const struct core_options *options, struct core **out)
{
    const struct store_look look = {options->check_bytes, damaged, NULL};
    struct core *c = calloc(1, sizeof *c);
    enum err e;

    if (!c)
        return ERR_NOMEM;
    c->staged_end = &c->staged;
    c->clock = options->clock;
    c->entropy = options->entropy;
    c->id = options->identity;
    c->in = options->in;
    c->out = options->out;
    c->outflow.wake = options->in;
    c->window.most = options->deliver_max_bytes;
    c->conf = options->conf;
    c->silent_after_ms =
        (options->silent_after_s ? options->silent_after_s : SILENT_AFTER_S) * 1000;
    c->started_ms = clock_now_ms(c->clock);
    c->started_mono_ms = clock_mono_ms(c->clock);
    c->board = options->board;
    c->attachments = options->attachments;
    if ((e = core_store_open(options->engine, options->where, STORE_WRITE, options->store_max_bytes,
                             &look, options->entropy, &c->store)))
        goto fail;
    if ((e = store_room(c, options->store_max_bytes)))
        goto fail;
    if ((e = store_incarnation(c->store, c->incarnation)))
        goto fail;
    if ((e = core_logs_open(c)))
        goto fail;
    if ((e = witnessing_new(c)) || (e = circles_new(&c->circles)) ||
        (e = mailboxes_new(&c->mail)) || (e = heads_new(&c->heads)) || (e = quotas_new(&c->quotas)))
        goto fail;
    if ((e = core_reload(c)))
        goto fail;
    *out = c;
    return ERR_OK;
fail:
    core_close(c);
    return e;
}

void core_close(struct core *c)
{
    if (!c)
        return;
    staged_forget(c);
    holds_forget(c);
    circles_free(c->circles);
    mailboxes_free(c->mail);
    quotas_free(c->quotas);
    heads_free(c->heads);
    directory_free(c->dir);
    ledger_close(c->keys);
    epochs_close(c);
    witnessing_free(c);
    store_close(c->store);
    free(c);
}

/* --- one group ----------------------------------------------------------------------------- */

static bool narrows(const struct job *j)
{
    struct circle_statement s;

    return circle_decode(j->ss.stmt, &s) == ERR_OK && circle_narrows(s.kind);
}

/* Who opposes or withdraws does not wait until there is room again: half of the reserve is his, and
 * the other half empties the store. */
static bool grows(const struct core *c, const struct job *j)
{
    enum message_type type = j->message.type;

    return type == MSG_PUT || type == MSG_REPORT || type == MSG_KEYS_PUT ||
           (type == MSG_DECLARE && !(c->tight_room && narrows(j)));
}

static enum err member_dispatch(struct core *c, struct job *j)
{
    enum err e = core_speaker(c, &j->who);

    if (e || (e = j->verdict))
        return core_refuse(c, j, e);
    if (c->tight && grows(c, j))
        return core_refuse(c, j, ERR_FULL);
    switch (j->message.type) {
    case MSG_PUT:
        return on_put(c, j);
    case MSG_ACK:
        return on_ack(c, j);
    case MSG_REPORT:
        return on_report(c, j);
    case MSG_RECALL:
        return on_recall(c, j);
    case MSG_DECLARE:
        return on_declare(c, j);
    case MSG_CHAIN:
        return on_chain(c, j);
    case MSG_KEYS:
        return on_keys(c, j);
    case MSG_KEYS_PUT:
        return on_keys_put(c, j);
    case MSG_CONSISTENCY:
        return on_consistency(c, j);
    case MSG_ATT_DONE:
        return on_att_done(c, j);
    case MSG_COSIGN:
        return on_cosign(c, j);
    default:
        return core_refuse(c, j, ERR_MESSAGE_STATE);
    }
}

/* A restored hub hears members, answers its operator, and decides nothing. */
static enum err recovery_dispatch(struct core *c, struct job *j)
{
    switch (j->kind) {
    case JOB_MEMBER:
        return recovery_member(c, j);
    case JOB_HELLO:
        return on_hello(c, j);
    case JOB_COMMAND:
        return on_command(c, j);
    case JOB_TICK:
        return recovery_tick(c);
    default:
        return ERR_OK;
    }
}

static enum err dispatch(struct core *c, struct job *j)
{
    if (c->recovery.on)
        return recovery_dispatch(c, j);
    switch (j->kind) {
    case JOB_MEMBER:
        return member_dispatch(c, j);
    case JOB_HELLO:
        return on_hello(c, j);
    case JOB_GONE:
        return on_gone(c, j);
    case JOB_JOIN: /* who waits to be let in asks again */
        return c->tight ? ERR_OK : on_join(c, j);
    case JOB_COMMAND:
        return on_command(c, j);
    case JOB_TICK:
        return on_tick(c, j);
    case JOB_LOCK:
        return on_lock(c, j);
    case JOB_KEYS: /* of workers alone */
        break;
    }
    return ERR_OK;
}

/* Circle statements and recalls go first in each commit: no envelope of this group is judged by a
 * circle that a withdrawal beside it has just narrowed, and no ACK overtakes a recall. */
static bool goes_first(struct core *c, const struct job *j)
{
    if (j->kind != JOB_MEMBER || j->verdict)
        return false;
    return j->message.type == MSG_DECLARE ||
           (j->message.type == MSG_RECALL && recall_goes_first(c, j));
}

static enum err group_decide(struct core *c, struct job **jobs, size_t n)
{
    bool first[HUB_GROUP_MAX];
    enum err e;

    for (size_t i = 0; i < n; i++)
        first[i] = goes_first(c, jobs[i]);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < n; i++)
            if (first[i] == (round == 0) && (e = dispatch(c, jobs[i])))
                return e;
    return ERR_OK;
}

enum err core_head_row(struct core *c)
{
    uint8_t key[8];
    uint8_t value[8];

    if (ledger_size(c->audit) == ledger_committed_size(c->audit))
        return ERR_OK;
    be64_write(c->now_ms, value);
    return store_append(c->t, TABLE_HEAD, key_u64(leaf_place(c, ledger_size(c->audit)), key),
                        SPAN_OF(value));
}

static enum err seq_row(struct core *c, uint64_t before)
{
    uint8_t value[8];

    if (c->next_seq == before)
        return ERR_OK;
    be64_write(c->next_seq, value);
    return store_put(c->t, TABLE_META, SPAN_STR("next_seq"), SPAN_OF(value));
}

static void fatal(struct core *c, enum err why)
{
    struct parcel *p = calloc(1, sizeof *p);

    log_error("core.fatal", "why=%s", err_name(why));
    if (!p)
        abort();
    p->kind = PARCEL_FATAL;
    p->why = why;
    if (queue_push_wait(c->out, p, -1))
        parcel_free(p);
}

/* The group is lost: forget, read again, and tell everybody of it to come back. A commit of
 * unknown outcome is told as such, so that senders repeat the same id. */
static enum err group_failed(struct core *c, struct job **jobs, size_t n, enum err why)
{
    enum err e;

    store_abort(&c->t);
    if (why == ERR_FULL)
        tight_begin(c);
    c->count.failed_commits++;
    log_limited(LEVEL_ERROR, "commit.failed", "why=%s items=%zu", err_name(why), n);
    if ((e = core_reload(c)) || (e = registry_tell_missed(c)))
        return e;
    for (size_t i = 0; i < n; i++) {
        enum err told = why == ERR_FULL || why == ERR_READONLY ? why : ERR_UNKNOWN;

        if (jobs[i]->kind == JOB_HELLO)
            hello_undo(c, jobs[i]);
        if (jobs[i]->kind == JOB_COMMAND)
            e = core_answer(c, jobs[i], control_error(told));
        else if (jobs[i]->kind == JOB_MEMBER || jobs[i]->kind == JOB_HELLO)
            e = core_refuse(c, jobs[i], told);
        if (e)
            return e;
    }
    staged_say(c);
    c->keys_told = ledger_committed_size(c->keys);
    return ERR_OK;
}

/* So many as are decided within HUB_GROUP_US. */
static size_t group_most(const struct core *c)
{
    uint64_t most = c->item_ns ? HUB_GROUP_US * UINT64_C(1000) / c->item_ns : HUB_GROUP_MAX;

    if (most < HUB_GROUP_LEAST)
        return HUB_GROUP_LEAST;
    return most < HUB_GROUP_MAX ? (size_t)most : HUB_GROUP_MAX;
}

/* A few items cost what waking up costs: they say nothing of many. */
static void group_paced(struct core *c, size_t n, uint64_t took_us)
{
    if (n >= HUB_GROUP_LEAST / 2)
        c->item_ns = (3 * c->item_ns + took_us * 1000 / n) / 4;
}

/* Not while the hub is put back, when it writes no leaf, nor out of the reserve of a full one. */
static bool escalates(const struct core *c)
{
    return c->escalating && !c->recovery.on && !c->tight;
}

static enum err group_commit(struct core *c, struct job **jobs, size_t n)
{
    uint64_t seq_before = c->next_seq;
    uint64_t began_us;
    enum err e;

    c->now_ms = clock_now_ms(c->clock);
    tight_end(c);
    c->refusals_left = c->tight ? 0 : REFUSALS_PER_GROUP;
    if ((e = store_begin(c->store, TXN_WRITE, &c->t)))
        return group_failed(c, jobs, n, e);
    began_us = clock_mono_us(c->clock);
    if ((e = holds_write(c)) || (e = group_decide(c, jobs, n)) ||
        (escalates(c) && (e = escalate_on(c))) || (e = lasting_write(c)) ||
        (e = core_head_row(c)) || (e = seq_row(c, seq_before)))
        return group_failed(c, jobs, n, e);
    group_paced(c, n, clock_mono_us(c->clock) - began_us);
    began_us = clock_mono_us(c->clock);
    if ((e = store_commit(&c->t)))
        return group_failed(c, jobs, n, e);
    histogram_add(&c->figures.commit, clock_mono_us(c->clock) - began_us);
    ledger_committed(c->keys);
    epochs_committed(c);
    c->count.commits++;
    if (c->attachments)
        attachments_committed(c->attachments);
    staged_say(c);
    c->keys_told = ledger_committed_size(c->keys);
    return c->recovery.on ? ERR_OK : mailboxes_pump(c);
}

/* A group of its own, before any job: invitations to the door, and the start in the log. */
enum err core_started(struct core *c)
{
    struct detail d = {.has = RD_KEY(DETAIL_ACT), .act = ACT_START};
    uint64_t index;
    enum err e;

    c->now_ms = clock_now_ms(c->clock);
    if ((e = store_begin(c->store, TXN_WRITE, &c->t)))
        return e;
    if ((e = clock_start(c)) || (!c->recovery.on && (e = audit_add(c, AUDIT_ACT, &d, &index))) ||
        (e = registry_announce(c)) || (e = quotas_announce(c)) || (e = locks_announce(c)) ||
        (e = core_head_row(c))) {
        store_abort(&c->t);
        return e;
    }
    figures_tick(c);
    if ((e = store_commit(&c->t)))
        return e;
    ledger_committed(c->keys);
    epochs_committed(c);
    staged_say(c);
    c->keys_told = ledger_committed_size(c->keys);
    return ERR_OK;
}

enum err core_turn(struct core *c, int64_t wait_ms)
{
    const struct fair_group most = {group_most(c), HUB_GROUP_BYTES, HUB_GROUP_SHARE,
                                    window_acks_wait_ms(&c->window)};
    struct job *jobs[HUB_GROUP_MAX];
    size_t n = 0;
    enum err e;

    if (c->holds || escalates(c) || mailboxes_wait(c))
        wait_ms = 0; /* somebody is to be told */
    e = fair_pop_many(c->in, jobs, &most, wait_ms, &n);
    if (e && e != ERR_TIMEOUT && e != ERR_AGAIN)
        return e;
    if (e && !c->holds && !escalates(c)) {
        if (e == ERR_TIMEOUT && !mailboxes_wait(c))
            return ERR_AGAIN;
        return mailboxes_pump(c);
    }
    e = group_commit(c, jobs, n);
    for (size_t i = 0; i < n; i++)
        job_free(jobs[i]);
    return e;
}

void *core_thread(void *arg)
{
    struct core *c = arg;
    enum err e;

    pthread_setname_np(pthread_self(), "hub-core");
    do {
        if (c->board)
            board_beat(c->board, clock_mono_ms(c->clock));
        e = core_turn(c, CORE_WAIT_MS);
    } while (e == ERR_OK || e == ERR_AGAIN);
    if (e != ERR_CLOSED) /* closed: the hub is stopping */
        fatal(c, e);
    return NULL;
}
