/* What the core has to say waits here until its group is on disk. */
#include <stdlib.h>
#include <string.h>

#include "lasting.h"
#include "log.h"

/* Something to say once the group is on disk. */
struct staged {
    struct staged *next;
    struct parcel *parcel;
    bool receipt_wanted;
    uint64_t index;
    uint64_t req;
    uint64_t heard_us; /* a PUT: when its frame came in; 0: not measured */
};

/* --- saying -------------------------------------------------------------------------------- */

static enum err staged_add(struct core *c, struct parcel *p, struct staged **out)
{
    struct staged *s = calloc(1, sizeof *s);

    if (!s) {
        parcel_free(p);
        return ERR_NOMEM;
    }
    s->parcel = p;
    *c->staged_end = s;
    c->staged_end = &s->next;
    if (out)
        *out = s;
    return ERR_OK;
}

void staged_forget(struct core *c)
{
    while (c->staged) {
        struct staged *s = c->staged;

        c->staged = s->next;
        parcel_free(s->parcel);
        free(s);
    }
    c->staged_end = &c->staged;
}

/* settles: it ends the request, and takes its place in what the organisation has under way. */
static struct parcel *parcel_to(const struct job *to, enum parcel_kind kind, bool settles)
{
    struct parcel *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->kind = kind;
    p->peer = to->peer;
    p->session = to->session;
    p->who = to->who;
    if (settles)
        p->charge = charge_share(to->charge);
    return p;
}

enum err core_stage(struct core *c, struct parcel *p)
{
    return staged_add(c, p, NULL);
}

enum err core_say(struct core *c, const struct job *to, const struct message *m, bool settles)
{
    struct parcel *p = parcel_to(to, PARCEL_FRAME, settles);
    enum err e;

    if (!p)
        return ERR_NOMEM;
    if ((e = message_encode(m, &p->frame))) {
        parcel_free(p);
        return e;
    }
    return staged_add(c, p, NULL);
}

enum err core_say_receipt(struct core *c, const struct job *to, uint64_t index)
{
    struct parcel *p = parcel_to(to, PARCEL_FRAME, true);
    struct staged *s;
    enum err e;

    if (!p)
        return ERR_NOMEM;
    if ((e = staged_add(c, p, &s)))
        return e;
    s->receipt_wanted = true;
    s->index = index;
    s->req = to->req;
    s->heard_us = to->message.type == MSG_PUT ? to->heard_us : 0;
    return ERR_OK;
}

enum err core_answer(struct core *c, const struct job *j, json_t *answer)
{
    struct parcel *p = parcel_to(j, PARCEL_ANSWER, true);

    if (!p) {
        json_decref(answer);
        return ERR_NOMEM;
    }
    p->control = j->control;
    p->answer = answer;
    return staged_add(c, p, NULL);
}

/* --- refusing ------------------------------------------------------------------------------ */

static enum err refusal_log(struct core *c, const struct job *j, enum err why)
{
    struct detail d = {.has = RD_KEY(DETAIL_FROM) | RD_KEY(DETAIL_CODE), .code = (uint32_t)why};
    uint64_t index;
    enum err e;

    if (!refusal_is_final(why) || why == ERR_DUPLICATE || !mailbox_of(c, j->who.number))
        return ERR_OK;
    if ((e = lasting_refusal(c, j->who.org, why)))
        return e == ERR_AGAIN ? ERR_OK : e;
    memcpy(d.from, j->who.org, sizeof d.from);
    if (j->message.type == MSG_PUT && j->view.count > 0) {
        d.has |= RD_KEY(DETAIL_MID);
        memcpy(d.mid, j->header.mid, sizeof d.mid);
    }
    return lasting_leaf(c, j->who.org, AUDIT_REJECTED, &d, &index);
}

enum err core_refuse_with(struct core *c, const struct job *j, const struct msg_err *m)
{
    struct message say = {.type = MSG_ERR, .err = *m};
    struct parcel *p = parcel_to(j, PARCEL_FRAME, true);
    enum err e;

    if (!p)
        return ERR_NOMEM;
    if (say.err.about.len == 0 && j->message.type == MSG_PUT && j->view.count > 0)
        say.err.about = SPAN_OF(j->header.mid);
    if ((e = message_encode(&say, &p->frame))) {
        parcel_free(p);
        return e;
    }
    p->penalty = j->costly;
    c->count.refused++;
    if (m->code < ERR_CODES)
        c->figures.refused[m->code]++;
    log_limited(LEVEL_INFO, "refused", "what=%s code=%s number=%u", message_name(j->message.type),
                err_name((enum err)m->code), j->who.number);
    if ((e = staged_add(c, p, NULL)))
        return e;
    return refusal_log(c, j, (enum err)m->code);
}

enum err core_refuse(struct core *c, const struct job *j, enum err why)
{
    return core_refuse_with(c, j, &(struct msg_err){.req = j->req, .code = (uint32_t)why});
}

static enum err staged_finish(struct core *c, struct staged *s, struct txn *t)
{
    struct message m = {.type = MSG_RECEIPT, .receipt = {.req = s->req}};
    struct bytes receipt = {0};
    enum err e;

    if (!s->receipt_wanted)
        return ERR_OK;
    if ((e = audit_receipt(c, t, s->index, NULL, &receipt)))
        return e;
    m.receipt.receipt = bytes_span(&receipt);
    e = message_encode(&m, &s->parcel->frame);
    bytes_free(&receipt);
    return e;
}

/* The receipt cannot be made now: its sender is told to ask again. What was encoded before the
 * commit needs no store and stays as it is. */
static enum err staged_apologise(struct staged *s)
{
    struct message m = {
        .type = MSG_ERR, .err = {.req = s->req, .code = ERR_UNKNOWN}
    };

    return s->receipt_wanted ? message_encode(&m, &s->parcel->frame) : ERR_OK;
}

static void said(struct core *c, struct staged *s)
{
    s->parcel = NULL;
    if (s->heard_us)
        histogram_add(&c->figures.accept, clock_mono_us(c->clock) - s->heard_us);
}

/* After the commit. */
void staged_say(struct core *c)
{
    struct txn *t = NULL;
    enum err e = store_begin(c->store, TXN_READ, &t);

    while (c->staged) {
        struct staged *s = c->staged;

        c->staged = s->next;
        if ((e || staged_finish(c, s, t)) && staged_apologise(s))
            log_limited(LEVEL_WARN, "answer.lost", "number=%u", s->parcel->who.number);
        else if (queue_push_wait(c->out, s->parcel, -1) == ERR_OK)
            said(c, s);
        parcel_free(s->parcel);
        free(s);
    }
    c->staged_end = &c->staged;
    store_abort(&t);
}
