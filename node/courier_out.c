/* What this node asks of the hub: keys, envelopes, statements, chains, reports. */
#include <string.h>

#include "absence.h"
#include "circles.h"
#include "contacts.h"
#include "courier_internal.h"
#include "intake.h"
#include "log.h"
#include "outbox.h"
#include "prekeys.h"
#include "rekey.h"

#define PREKEY_LOOK_MS 600000

static void unsent(enum err e, const char *what)
{
    if (e)
        log_limited(LEVEL_DEBUG, "courier.unsent", "what=%s why=%s", what, err_name(e));
}

/* --- keys log ------------------------------------------------------------------------------------
 */

void courier_sync_keys(struct courier *c)
{
    uint64_t size = contacts_keys_size(c->n);
    struct message m = {.type = MSG_KEYS, .keys = {.from = size}};
    struct task *x;

    if (size >= c->keys_target)
        return;
    x = task_make(c, TASK_KEYS, span_text(""));
    if (task_due(c, x))
        unsent(task_send(c, x, &m, &m.keys.req), "keys");
}

static void prekeys_work(struct courier *c)
{
    struct message m = {.type = MSG_KEYS_PUT};
    struct bytes ss = {0};
    struct task *x;
    uint64_t look_ms;
    enum err e;

    if (courier_mono(c) < c->prekey_ms || task_find(c, TASK_KEYS_PUT) ||
        c->n->rekey.phase == REKEY_DRAINING) /* it brings the next one */
        return;
    look_ms = c->n->settings.prekey_every_s * 1000 / 2;
    c->prekey_ms = courier_mono(c) + (look_ms < PREKEY_LOOK_MS ? look_ms : PREKEY_LOOK_MS);
    e = prekey_due(c->n, &ss);
    if (!e && (x = task_make(c, TASK_KEYS_PUT, span_text("")))) {
        m.statement.ss = bytes_span(&ss);
        unsent(task_send(c, x, &m, &m.statement.req), "prekey");
    } else if (e != ERR_AGAIN) {
        log_warn("prekey.due", "why=%s", err_name(e));
    }
    bytes_free(&ss);
}

/* One at a time, and only when our copy of the log is whole: perhaps it is there already. */
static void absence_work(struct courier *c)
{
    struct message m = {.type = MSG_KEYS_PUT};
    struct task *x = task_find(c, TASK_ABSENCE_PUT);
    struct bytes ss = {0};
    uint64_t ts_ms = 0;
    enum err e;

    if (x ? !task_due(c, x) : contacts_keys_size(c->n) < c->keys_target)
        return;
    e = absence_due(c->n, &ts_ms, &ss);
    if (e == ERR_AGAIN && x)
        task_end(c, x);
    if (!e && (x = task_make(c, TASK_ABSENCE_PUT, span_text("")))) {
        x->from = ts_ms;
        m.statement.ss = bytes_span(&ss);
        e = task_send(c, x, &m, &m.statement.req);
    }
    bytes_free(&ss);
    if (e != ERR_AGAIN)
        unsent(e, "absence");
}

/* --- envelopes
 * -------------------------------------------------------------------------------------- */

static void put_one(struct courier *c, struct task *x, const uint8_t mid[ID_BYTES])
{
    struct message m = {.type = MSG_PUT};
    struct bytes sealed = {0};
    enum err e = outbox_take(c->n, mid, &sealed);

    if (e) {
        log_limited(LEVEL_WARN, "outbox.take", "why=%s", err_name(e));
        task_again(c, x);
    } else if (sealed.len == 0) {
        task_end(c, x);
    } else {
        m.put.envelope = bytes_span(&sealed);
        unsent(task_send(c, x, &m, &m.put.req), "put");
    }
    bytes_free(&sealed);
}

#define PUTS_LOOKED_AT 256

/*
 * The hub sees what one recipient gets from us in the order of the outbox: of envelopes that share
 * a recipient only the oldest undecided one is on its way, and until its answer is final and on our
 * disk nothing behind it is sent, whatever it was told (BUSY, RATE, UNKNOWN, FULL, a quota) or not
 * told. To different recipients up to PUTS_FLYING_MAX fly. A window of several for one recipient
 * could not keep the order: what flies behind one whose commit fails is accepted with the next
 * commit. The price is one round trip and one commit at the hub for each envelope in a line; those
 * behind are sealed meanwhile, so that they share a signature.
 *
 * What remains: one whose circle waits for a statement of ours to be decided is not in line
 * before that (it would hold up other circles), nor one whose attachments are not all at the hub: a
 * line of text, urgent perhaps, does not wait for 256 MiB. And an outbox with more than
 * PUTS_LOOKED_AT undecided is looked at from its oldest end only.
 */

/* Does one fly in this turn that is not sealed yet, it is sealed with the oldest behind it. */
static void puts_bundle(struct courier *c, const struct out_pending *list, size_t count)
{
    uint8_t unsealed[OUTBOX_BATCH_MAX][ID_BYTES];
    bool wanted = false;
    size_t n = 0;
    enum err e;

    for (size_t i = 0; i < count && n < OUTBOX_BATCH_MAX; i++) {
        const struct out_pending *o = &list[i];

        if (o->sealed || !task_due(c, task_make(c, TASK_PUT, SPAN_OF(o->mid))))
            continue;
        wanted |= o->first;
        memcpy(unsealed[n++], o->mid, ID_BYTES);
    }
    if (wanted && (e = outbox_batch(c->n, (const uint8_t(*)[ID_BYTES])unsealed, n)))
        log_limited(LEVEL_WARN, "outbox.batch", "why=%s", err_name(e)); /* each alone, then */
}

static void puts_work(struct courier *c)
{
    struct out_pending list[PUTS_LOOKED_AT];
    struct txn *t = NULL;
    size_t count = 0;
    enum err e;

    if (c->flying[TASK_PUT] >= PUTS_FLYING_MAX)
        return;
    e = store_begin(c->n->store, TXN_READ, &t);
    if (!e)
        e = outbox_pending(c->n, t, list, PUTS_LOOKED_AT, &count);
    store_abort(&t);
    if (e)
        log_limited(LEVEL_WARN, "outbox.pending", "why=%s", err_name(e));
    puts_bundle(c, list, count);
    for (size_t i = 0; i < count && c->flying[TASK_PUT] < PUTS_FLYING_MAX; i++) {
        struct task *x;

        if (!list[i].first || (c->n->rekey.phase == REKEY_DRAINING && !list[i].sealed))
            continue;
        x = task_make(c, TASK_PUT, SPAN_OF(list[i].mid));
        if (task_due(c, x))
            put_one(c, x, list[i].mid);
    }
}

/* --- statements
 * -------------------------------------------------------------------------------------- */

struct gathered {
    struct courier *c;
    struct txn *t;
    size_t count;
    struct {
        uint8_t key[TASK_KEY_MAX];
        uint8_t circle[ID_BYTES];
    } list[OTHERS_FLYING_MAX];
};

static bool same_circle_flies(const struct gathered *g, const uint8_t circle[ID_BYTES])
{
    struct task *x;
    struct task *next;

    for (size_t i = 0; i < g->count; i++)
        if (memcmp(g->list[i].circle, circle, ID_BYTES) == 0)
            return true;
    HASH_ITER (hh, g->c->tasks, x, next)
        if (x->id.kind == TASK_DECLARE && x->flying && memcmp(x->circle, circle, ID_BYTES) == 0)
            return true;
    return false;
}

static enum err act_gather(void *arg, const struct act *a)
{
    struct gathered *g = arg;
    struct circle_statement s;
    struct circle_info info = {0};
    enum err e;

    if (circle_decode(bytes_span(&a->stmt), &s))
        return ERR_CORRUPT;
    if (s.kind == CIRCLE_CREATE && (e = circle_handle_of(bytes_span(&a->stmt), s.circle)))
        return e;
    e = circle_info_get(g->c->n, g->t, s.circle, &info);
    if (e && e != ERR_NOT_FOUND)
        return e;
    if ((info.incomplete && s.kind != CIRCLE_JOIN) || same_circle_flies(g, s.circle) ||
        (!e && circle_is_doubtful(g->c->n, &info)))
        return ERR_OK;
    memcpy(g->list[g->count].key, a->id, ID_BYTES);
    memcpy(g->list[g->count++].circle, s.circle, ID_BYTES);
    return g->count == OTHERS_FLYING_MAX ? ERR_ENOUGH : ERR_OK;
}

static enum err sign_now(struct courier *c, const uint8_t id[ID_BYTES], struct bytes *ss)
{
    struct txn *t = NULL;
    enum err e = store_begin(c->n->store, TXN_WRITE, &t);

    if (!e && !(e = act_sign(c->n, t, id, ss)))
        e = node_commit(c->n, &t);
    node_abort(c->n, &t);
    return e;
}

static void declare_one(struct courier *c, struct task *x, const uint8_t id[ID_BYTES])
{
    struct message m = {.type = MSG_DECLARE};
    struct bytes ss = {0};
    enum err e = sign_now(c, id, &ss);

    if (e && !err_of_machine(e)) /* what it meets now does not allow it any more */
        e = act_refused(c->n, id, e);
    if (e) {
        log_limited(LEVEL_WARN, "statement.sign", "why=%s", err_name(e));
        task_again(c, x);
    } else if (ss.len == 0) {
        task_end(c, x);
    } else {
        m.statement.ss = bytes_span(&ss);
        unsent(task_send(c, x, &m, &m.statement.req), "declare");
    }
    bytes_free(&ss);
}

static void declares_work(struct courier *c)
{
    struct gathered g = {.c = c};
    enum err e = store_begin(c->n->store, TXN_READ, &g.t);

    if (!e)
        e = act_each_waiting(c->n, g.t, act_gather, &g);
    store_abort(&g.t);
    if (e)
        log_limited(LEVEL_WARN, "statements.pending", "why=%s", err_name(e));
    for (size_t i = 0; i < g.count; i++) {
        struct task *x = task_make(c, TASK_DECLARE, span_of(g.list[i].key, ID_BYTES));

        if (!task_due(c, x))
            continue;
        memcpy(x->circle, g.list[i].circle, ID_BYTES);
        declare_one(c, x, g.list[i].key);
    }
}

/* --- chains
 * ------------------------------------------------------------------------------------------ */

static uint32_t size_here(struct courier *c, const uint8_t handle[ID_BYTES])
{
    struct circle *circle = NULL;
    struct txn *t = NULL;
    uint32_t size = 0;

    if (store_begin(c->n->store, TXN_READ, &t) == ERR_OK &&
        circles_get(c->n, t, handle, &circle) == ERR_OK)
        size = circle_size(circle);
    store_abort(&t);
    return size;
}

static void chain_ask(struct courier *c, const uint8_t handle[ID_BYTES])
{
    struct message m = {.type = MSG_CHAIN};
    struct task *x = task_make(c, TASK_CHAIN, span_of(handle, ID_BYTES));

    if (!task_due(c, x))
        return;
    memcpy(m.chain.circle, handle, ID_BYTES);
    m.chain.from = size_here(c, handle);
    unsent(task_send(c, x, &m, &m.chain.req), "chain");
}

enum err courier_ask_chain(struct node *n, const uint8_t handle[ID_BYTES], uint32_t from)
{
    struct courier *c = n->courier;

    (void)from;
    if (!c || c->state != COURIER_READY)
        return ERR_OFFLINE;
    chain_ask(c, handle);
    return ERR_OK;
}

static enum err incomplete_gather(void *arg, const struct circle_info *i)
{
    struct gathered *g = arg;

    if (!i->incomplete)
        return ERR_OK;
    memcpy(g->list[g->count++].circle, i->handle, ID_BYTES);
    return g->count == OTHERS_FLYING_MAX ? ERR_ENOUGH : ERR_OK;
}

static void chains_work(struct courier *c)
{
    struct gathered g = {.c = c};
    enum err e = store_begin(c->n->store, TXN_READ, &g.t);

    if (!e)
        e = circle_info_each(c->n, g.t, incomplete_gather, &g);
    store_abort(&g.t);
    if (e)
        log_limited(LEVEL_WARN, "circles.incomplete", "why=%s", err_name(e));
    for (size_t i = 0; i < g.count; i++)
        chain_ask(c, g.list[i].circle);
}

/* --- reports
 * ------------------------------------------------------------------------------------------- */

struct report_list {
    size_t count;
    struct {
        uint8_t key[REPORT_KEY_BYTES];
        struct bytes ss;
    } list[OTHERS_FLYING_MAX];
};

static enum err report_gather(void *arg, struct span key, struct span ss)
{
    struct report_list *l = arg;
    enum err e;

    if (key.len != REPORT_KEY_BYTES)
        return ERR_CORRUPT;
    memcpy(l->list[l->count].key, key.ptr, REPORT_KEY_BYTES);
    if ((e = bytes_copy(&l->list[l->count].ss, ss)))
        return e;
    return ++l->count == OTHERS_FLYING_MAX ? ERR_ENOUGH : ERR_OK;
}

static void reports_work(struct courier *c)
{
    struct report_list l = {0};
    struct txn *t = NULL;
    enum err e = store_begin(c->n->store, TXN_READ, &t);

    if (!e)
        e = reports_each(c->n, t, report_gather, &l);
    store_abort(&t);
    if (e)
        log_limited(LEVEL_WARN, "reports.pending", "why=%s", err_name(e));
    for (size_t i = 0; i < l.count; i++) {
        bool recall = l.list[i].key[2 * ID_BYTES] == AUDIT_RECALLED;
        struct task *x = task_make(c, recall ? TASK_RECALL : TASK_REPORT, SPAN_OF(l.list[i].key));
        struct message m = {.type = recall ? MSG_RECALL : MSG_REPORT,
                            .statement = {.ss = bytes_span(&l.list[i].ss)}};

        if (task_due(c, x))
            unsent(task_send(c, x, &m, &m.statement.req), "report");
        bytes_free(&l.list[i].ss);
    }
}

void courier_work(struct courier *c)
{
    if (c->n->alarm) {
        courier_stop(c, c->n->alarm, false);
        return;
    }
    courier_sync_keys(c);
    heads_work(c);
    if (c->state != COURIER_READY) /* what it found stops everything */
        return;
    if (c->n->rekey.phase != REKEY_NONE)
        rekey_work(c);
    if (rekey_silent(c) || rekey_logged(c->n))
        return;
    prekeys_work(c);
    absence_work(c);
    restates_work(c);
    declares_work(c);
    chains_work(c);
    reports_work(c);
    if (contacts_keys_size(c->n) >= c->keys_target) /* sealed only against a fresh directory */
        puts_work(c);
    att_work(c);
}
