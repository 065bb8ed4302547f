/* What the hub answers (PROTOCOL.md 11). An answer ends its task only once it is on our disk. */
#include <string.h>

#include "absence.h"
#include "circles.h"
#include "commands.h"
#include "contacts.h"
#include "courier_internal.h"
#include "intake.h"
#include "log.h"
#include "outbox.h"

/* --- pages ------------------------------------------------------------------------------------ */

/* The log is longer than we know, by how much the next page tells. */
static void keys_grown(struct courier *c)
{
    uint64_t least = contacts_keys_size(c->n) + 1;

    c->keys_target = least > c->keys_target ? least : c->keys_target;
    courier_sync_keys(c);
}

void on_keys_page(struct courier *c, const struct link_frame *f, const struct message *m)
{
    struct task *x = task_of_req(c, m->keys_page.req);
    enum err e;

    (void)f;
    if (!x ||
        (x->id.kind != TASK_KEYS && x->id.kind != TASK_KEYS_PUT && x->id.kind != TASK_WITNESS_PUT &&
         x->id.kind != TASK_ABSENCE_PUT && x->id.kind != TASK_REKEY))
        return;
    if (x->id.kind == TASK_REKEY) { /* logged: the former keys are nobody's now */
        task_end(c, x);
        rekey_turn(c);
        return;
    }
    if (x->id.kind != TASK_KEYS) { /* accepted: the log has grown by it */
        task_end(c, x);
        keys_grown(c);
        return;
    }
    e = contacts_page(c->n, &m->keys_page);
    if (is_evidence(e)) {
        courier_stop(c, e, false);
        return;
    }
    if (e || m->keys_page.n == 0) {
        log_limited(LEVEL_WARN, "keys.page", "why=%s", err_name(e));
        if (!e) /* the log is no longer than this: whoever named more was wrong */
            c->keys_target = contacts_keys_size(c->n);
        task_again(c, x);
    } else {
        task_end(c, x);
    }
    courier_sync_keys(c);
    courier_want_work(c);
}

static enum err chain_take(struct courier *c, struct txn *t, const struct msg_chain_page *p,
                           bool *whole)
{
    uint8_t handle[ID_BYTES];
    enum err e;

    for (size_t i = 0; i < p->n; i++) {
        bool gap;

        if ((e = circles_take(c->n, t, p->ss[i], &gap)))
            return e;
        if (gap)
            return ERR_CHAIN;
    }
    *whole = p->from + p->n >= p->total;
    if (!*whole)
        return p->n > 0 ? ERR_OK : ERR_CHAIN;
    memcpy(handle, p->circle, ID_BYTES);
    if ((e = circle_mark(c->n, t, handle, false)))
        return e;
    return intake_release(c->n, t, handle);
}

void on_chain_page(struct courier *c, const struct link_frame *f, const struct message *m)
{
    struct task *x = task_of_req(c, m->chain_page.req);
    struct txn *t = NULL;
    bool whole = false;
    enum err e;

    (void)f;
    if (!x || x->id.kind != TASK_CHAIN || memcmp(x->id.key, m->chain_page.circle, ID_BYTES) != 0)
        return;
    if (!(e = store_begin(c->n->store, TXN_WRITE, &t)) &&
        !(e = chain_take(c, t, &m->chain_page, &whole)))
        e = node_commit(c->n, &t);
    node_abort(c->n, &t);
    if (e == ERR_SPLIT_VIEW) {
        if (!c->n->alarm && contacts_alarm(c->n, e, span_text("chain"), span_text(""), f->payload))
            log_error("node.alarm.unwritten", "why=%s", err_name(e));
        courier_stop(c, e, false);
        return;
    }
    if (e) {
        log_limited(LEVEL_WARN, "chain.page", "why=%s", err_name(e));
        if (e == ERR_KEY_UNKNOWN) /* signed by somebody who is newer than our copy of the keys */
            c->keys_target = contacts_keys_size(c->n) + 1;
        task_again(c, x);
        return;
    }
    task_end(c, x);
    if (whole)
        waits_settle(c->n, m->chain_page.circle, ERR_OK);
    courier_want_work(c);
}

/* --- answers
 * --------------------------------------------------------------------------------------------- */

void on_receipt(struct courier *c, const struct link_frame *f, const struct message *m)
{
    struct task *x = task_of_req(c, m->receipt.req);
    enum err e = ERR_MESSAGE_STATE;

    (void)f;
    if (!x)
        return;
    if (x->id.kind == TASK_RESTATE) {
        restated(c, x, m->receipt.receipt);
        return;
    }
    if (x->id.kind == TASK_PUT)
        e = outbox_accepted(c->n, x->id.key, m->receipt.receipt);
    else if (x->id.kind == TASK_DECLARE)
        e = act_committed(c->n, x->id.key, m->receipt.receipt);
    else if (x->id.kind == TASK_REPORT)
        e = reports_done(c->n, x->id.key, m->receipt.receipt);
    else if (x->id.kind == TASK_RECALL)
        e = outbox_recall_done(c->n, x->id.key, m->receipt.receipt);
    if (e) { /* not on our disk, or it proves nothing: it is asked for again */
        log_limited(LEVEL_WARN, "receipt.not_kept", "why=%s", err_name(e));
        task_again(c, x);
        return;
    }
    task_end(c, x);
    courier_want_work(c);
}

struct stop_rule {
    enum err code;
    bool may_retry;
};

/* Answers that speak of this node as a whole. */
static const struct stop_rule stops[] = {
    {ERR_FENCED,       false},
    {ERR_CLONED,       false},
    {ERR_ROLLBACK,     false},
    {ERR_SPLIT_VIEW,   false},
    {ERR_VERSION,      false},
    {ERR_REVOKED,      false},
    {ERR_SUSPENDED,    true },
    {ERR_NOT_ENROLLED, true },
    {ERR_NOT_YET,      true },
    {ERR_BEHIND,       true },
};

static bool stopped_by(struct courier *c, enum err why)
{
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        if (stops[i].code == why) {
            courier_stop(c, why, stops[i].may_retry);
            return true;
        }
    return false;
}

static enum err stale(struct courier *c, struct task *x, const struct msg_err *m)
{
    enum err e;

    if (m->extra != EXTRA_HEAD)
        return act_refused(c->n, x->id.key, ERR_STALE_HEAD);
    e = act_stale(c->n, x->id.key, m->head_n, m->head);
    return e && !err_of_machine(e) ? act_refused(c->n, x->id.key, e) : e;
}

static void chain_refused(struct courier *c, struct task *x, enum err why)
{
    struct txn *t = NULL;
    struct circle_info i;
    enum err e = store_begin(c->n->store, TXN_WRITE, &t);

    if (!e && !(e = circle_info_get(c->n, t, x->id.key, &i)) &&
        !(e = circle_mark(c->n, t, x->id.key, false)))
        e = node_commit(c->n, &t);
    node_abort(c->n, &t);
    if (e && e != ERR_NOT_FOUND)
        log_limited(LEVEL_WARN, "chain.refused", "why=%s", err_name(e));
    waits_settle(c->n, x->id.key, why);
}

static enum err task_refused(struct courier *c, struct task *x, const struct msg_err *m,
                             enum err why)
{
    switch (x->id.kind) {
    case TASK_PUT:
        if (why == ERR_DUPLICATE && m->receipt.len > 0)
            return outbox_accepted(c->n, x->id.key, m->receipt);
        return outbox_refused(c->n, x->id.key, why, m->receipt);
    case TASK_DECLARE:
        return act_refused(c->n, x->id.key, why);
    case TASK_REPORT:
        return reports_done(c->n, x->id.key, span_text(""));
    case TASK_RECALL:
        return outbox_recall_refused(c->n, x->id.key, why);
    case TASK_CHAIN:
        chain_refused(c, x, why);
        return ERR_OK;
    case TASK_CONSISTENCY: /* a log's keeper who cannot show that it is one log */
        courier_stop(c, contacts_unproved(c->n, &x->question), false);
        return ERR_OK;
    case TASK_ABSENCE_PUT:
        if (why != ERR_EXISTS)
            return absence_refused(c->n, x->from, why);
        keys_grown(c); /* it is there, and the answer was lost */
        return ERR_OK;
    case TASK_REKEY: /* for good; or its answer was lost, and the log tells */
        c->rekey_why = why;
        keys_grown(c);
        return ERR_OK;
    case TASK_WITNESS_PUT:
    case TASK_KEYS_PUT: /* perhaps it is there already, and the answer was lost */
        log_warn("prekey.refused", "why=%s", err_name(why));
        keys_grown(c);
        return ERR_OK;
    default:
        log_warn("keys.refused", "why=%s", err_name(why));
        return ERR_OK;
    }
}

static void refused(struct courier *c, struct task *x, const struct msg_err *m, enum err why)
{
    enum err e;

    c->count.refused++;
    if (x->id.kind == TASK_RESTATE) {
        restate_refused(c, x, m, why);
        return;
    }
    if (x->id.kind == TASK_ATTEST) {
        attest_refused(c, x, why);
        return;
    }
    if (why == ERR_STALE_HEAD && x->id.kind == TASK_DECLARE) {
        if (stale(c, x, m) || x->tries > STALE_TRIES_MAX)
            task_again(c, x);
        else
            task_now(c, x);
        return;
    }
    if (why == ERR_STATE && x->id.kind == TASK_REPORT && x->tries < REPORT_TRIES_MAX) {
        task_again(c, x); /* our ACK is still on its way */
        return;
    }
    if ((e = task_refused(c, x, m, why))) {
        log_limited(LEVEL_WARN, "refusal.not_kept", "why=%s", err_name(e));
        task_again(c, x);
        return;
    }
    task_end(c, x);
}

static void missing_sent(struct courier *c, const struct task *x)
{
    enum err e = attach_again(c->n, x->id.key);

    if (e)
        log_limited(LEVEL_WARN, "attachment.again", "why=%s", err_name(e));
}

/* It says so itself, and that is no lie of it: what we hold beyond is kept, and we ask again. */
static void hub_behind(struct courier *c, const struct msg_err *m)
{
    enum err e = contacts_behind(c->n, &m->own_log, &m->own);

    if (e)
        log_limited(LEVEL_WARN, "hub.behind", "why=%s", err_name(e));
}

bool courier_cloned(const struct courier *c)
{
    return c && c->cloned;
}

void on_err(struct courier *c, const struct link_frame *f, const struct message *m)
{
    enum err why = err_known(m->err.code) ? (enum err)m->err.code : ERR_INTERNAL;
    struct task *x = m->err.req ? task_of_req(c, m->err.req) : NULL;

    (void)f;
    if (why == ERR_CLONED && c->state == COURIER_READY) { /* of another's HELLO, not of ours */
        c->cloned = true;
        log_error("node.cloned", "sending=1");
        return;
    }
    if (why == ERR_BEHIND && m->err.extra == EXTRA_OWN)
        hub_behind(c, &m->err);
    if (why == ERR_KEY_REVOKED && rekey_silent(c) && !c->next_keys) {
        rekey_turn(c);
        return;
    }
    if (stopped_by(c, why))
        return;
    if (c->state == COURIER_GREETING) {
        if (why != ERR_MESSAGE_STATE) /* that is about what we sent before HELLO */
            courier_down(c, err_name(why));
        return;
    }
    if (why == ERR_MESSAGE_STATE) {
        courier_down(c, err_name(why));
        return;
    }
    if (!x && m->err.req && att_refused(c, m->err.req, why, refusal_is_final(m->err.code)))
        return;
    if (!x) {
        log_limited(LEVEL_INFO, "hub.err", "why=%s", err_name(why));
        /* Of an ACK, or the session itself: say HELLO, and agree again on where both stand. After
         * BUSY and RATE the next ACK, which is cumulative, says it all. */
        if (m->err.req == 0 && why != ERR_BUSY && why != ERR_RATE)
            courier_fault(c, err_name(why));
        return;
    }
    if (!refusal_is_final(m->err.code)) {
        if (why == ERR_ATTACHMENT_MISSING && x->id.kind == TASK_PUT)
            missing_sent(c, x);
        task_again(c, x);
        return;
    }
    refused(c, x, &m->err, why);
}
