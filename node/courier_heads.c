/* Heads of the hub's logs, as they travel: HEADS, CONSISTENCY, COSIGN (PROTOCOL.md 10.4). */
#include <string.h>

#include "contacts.h"
#include "courier_internal.h"
#include "log.h"
#include "witness.h"

bool is_evidence(enum err e)
{
    return e == ERR_SPLIT_VIEW || e == ERR_ROLLBACK || e == ERR_CHECKPOINT || e == ERR_EPOCH;
}

static void judged(struct courier *c, enum err e, const char *what)
{
    if (is_evidence(e))
        courier_stop(c, e, false);
    else if (e)
        log_limited(LEVEL_WARN, "heads", "what=%s why=%s", what, err_name(e));
}

static enum err courier_give(void *arg, const struct message *page)
{
    return courier_send(arg, page);
}

void on_heads(struct courier *c, const struct link_frame *f, const struct message *m)
{
    (void)f;
    if (!c->welcome.held) /* else what WELCOME said of the same log is not judged yet */
        judged(c, witness_announced(c->n, &m->heads), "announced");
    if (m->heads.keys.size > c->keys_target)
        c->keys_target = m->heads.keys.size;
    courier_want_work(c);
}

void on_consistency_proof(struct courier *c, const struct link_frame *f, const struct message *m)
{
    struct task *x = task_of_req(c, m->consistency_proof.req);
    enum err e;

    (void)f;
    if (x && x->id.kind == TASK_ATTEST) {
        attest_proved(c, x, &m->consistency_proof);
        return;
    }
    if (!x || x->id.kind != TASK_CONSISTENCY)
        return;
    e = contacts_proved(c->n, &x->question, &m->consistency_proof);
    if (e)
        task_again(c, x);
    else
        task_end(c, x);
    judged(c, e, "proof");
    courier_want_work(c);
}

/* A hub restored from a backup asks for what it has lost of the keys log (PROTOCOL.md 10.5). All of
 * it is public, and signed by others; the next HELLO finds the hub serving, or asking on. */
void on_keys_asked(struct courier *c, const struct link_frame *f, const struct message *m)
{
    enum err e = contacts_keys_give(c->n, &m->keys, courier_give, c);

    (void)f;
    log_warn("hub.recovering", "from=%llu why=%s", (unsigned long long)m->keys.from, err_name(e));
}

static void ask(struct courier *c, struct task *x)
{
    struct message m = {
        .type = MSG_CONSISTENCY,
        .consistency = {.of = {LOG_AUDIT, x->question.epoch},
                        .from = x->question.from.size,
                        .to = x->question.to.size}
    };
    enum err e = task_send(c, x, &m, &m.consistency.req);

    if (e)
        log_limited(LEVEL_DEBUG, "courier.unsent", "what=consistency why=%s", err_name(e));
}

/* One question at a time: the newest head first, then what it has overtaken. */
static void questions_work(struct courier *c)
{
    struct task *x = task_find(c, TASK_CONSISTENCY);
    struct head_question q;
    enum err e;

    if (x && !task_due(c, x))
        return;
    if ((e = contacts_question(c->n, &q))) { /* or no longer: an epoch may have ended meanwhile */
        if (e != ERR_AGAIN)
            judged(c, e, "question");
        else if (x)
            task_end(c, x);
        return;
    }
    if (!x && !(x = task_make(c, TASK_CONSISTENCY, span_text(""))))
        return;
    x->question = q;
    ask(c, x);
}

static void cosign_work(struct courier *c)
{
    struct message m = {.type = MSG_COSIGN};
    enum err e;

    while (!(e = witness_due(c->n, &m.cosign))) {
        m.cosign.req = ++c->next_req;
        if ((e = courier_send(c, &m)))
            return; /* on disk: said in the next turn */
        witness_said(c->n, &m.cosign);
    }
    if (e != ERR_AGAIN)
        judged(c, e, "cosign");
}

static void key_work(struct courier *c)
{
    struct message m = {.type = MSG_KEYS_PUT};
    struct task *x = task_find(c, TASK_WITNESS_PUT);
    struct bytes ss = {0};
    enum err e;

    if (x ? !task_due(c, x) : contacts_keys_size(c->n) < c->keys_target)
        return;
    e = witness_key_due(c->n, &ss);
    if (e == ERR_AGAIN && x)
        task_end(c, x);
    if (!e && (x = task_make(c, TASK_WITNESS_PUT, span_text("")))) {
        m.statement.ss = bytes_span(&ss);
        e = task_send(c, x, &m, &m.statement.req);
    }
    bytes_free(&ss);
    if (e && e != ERR_AGAIN)
        log_limited(LEVEL_DEBUG, "courier.unsent", "what=witness key why=%s", err_name(e));
}

void heads_work(struct courier *c)
{
    enum err e = contacts_heads_flush(c->n);

    if (e) {
        judged(c, e, "seen");
        return;
    }
    questions_work(c);
    attest_work(c);
    cosign_work(c);
    if (!rekey_silent(c))
        key_work(c);
}
