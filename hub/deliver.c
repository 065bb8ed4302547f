/* Delivery: what a node's credit allows is issued after a commit, in order, judged again by the
 * circle as it is now (PROTOCOL.md 12). */
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "declared.h"

#define HOLDS_A_PUMP 256 /* the next group writes them all */
/* One mailbox's turn, and a whole pump: then the core looks at what has come in meanwhile. */
#define TURN_MESSAGES 32
#define TURN_BYTES (256u << 10)
#define PUMP_MESSAGES 1024
#define PUMP_BYTES (4u << 20)

struct pump {
    struct core *c;
    struct txn *t;
    size_t held;
    size_t messages;
    uint64_t bytes;
    enum err e;
};

enum err item_judge(struct core *c, const struct mailbox *m, struct span body)
{
    struct envelope_view view;
    struct env_header header;
    struct circle *circle = NULL;
    struct disclosure ask;
    enum err e;
    size_t i;

    if ((e = envelope_parse(body, &view, &header, NULL)))
        return ERR_OPEN;
    e = circles_get(c, header.circle, &circle);
    if (e && e != ERR_NOT_FOUND)
        return e;
    i = header_recipient(&header, m->who.org);
    if (i == header.to_count)
        return ERR_OPEN;
    disclosure_of_header(&header, &ask);
    memcpy(ask.to, m->who.org, sizeof ask.to);
    ask.rcat = header.rcat[i];
    return disclosure_judge(circle, &ask, JUDGE_HUB, NULL);
}

static enum err receipt_for(struct core *c, struct txn *t, const struct item *it, struct span body,
                            struct bytes *out)
{
    struct receipt extra;

    if (it->kind != DELIVER_RECEIPT || body.len == 0)
        return audit_receipt(c, t, it->index, NULL, out);
    if (receipt_extra_decode(body, &extra))
        return ERR_OPEN;
    return audit_receipt(c, t, it->index, &extra.path, out);
}

static enum err issue(struct core *c, struct txn *t, struct mailbox *m, const struct entry *at,
                      const struct item *it, struct span body)
{
    struct message say = {.type = MSG_DELIVER};
    struct parcel *p = calloc(1, sizeof *p);
    struct bytes receipt = {0};
    enum err e;

    if (!p)
        return ERR_NOMEM;
    p->kind = PARCEL_FRAME;
    p->peer = m->peer;
    p->session = m->session;
    p->who = m->who;
    if ((e = receipt_for(c, t, it, body, &receipt)))
        goto out;
    say.deliver = (struct msg_deliver){.seq = it->seq,
                                       .previous = m->issued,
                                       .kind = it->kind,
                                       .item = it->kind == DELIVER_RECEIPT ? span_text("") : body,
                                       .receipt = bytes_span(&receipt)};
    if ((e = message_encode(&say, &p->frame)))
        goto out;
    outflow_add(&c->outflow, p);
    if ((e = queue_push_wait(c->out, p, QUEUE_FOREVER)))
        goto out;
    p = NULL;
    m->issued = it->seq;
    if (it->seq > m->may_have)
        m->may_have = it->seq;
    window_issued(m, at);
out:
    bytes_free(&receipt);
    parcel_free(p);
    return e;
}

/* Held back: no longer for this recipient, and both sides are told by the next group. */
static enum err hold(struct core *c, struct mailbox *m, uint64_t seq, enum err why)
{
    struct held *h = calloc(1, sizeof *h);

    if (!h)
        return ERR_NOMEM;
    *h = (struct held){.next = c->holds, .seq = seq, .number = m->who.number, .why = why};
    c->holds = h;
    mailbox_end(m, seq);
    return ERR_OK;
}

/* ERR_EXISTS: who was invited is a member by now. */
bool item_is_held_for(enum err e)
{
    return (e >= ERR_NOT_IN_CIRCLE && e <= ERR_AUDIENCE) || e == ERR_EXISTS;
}

static enum err next_one(struct core *c, struct txn *t, struct mailbox *m, const struct entry *at)
{
    struct span body;
    struct item it;
    enum err e;

    if ((e = item_read(t, at->seq, &it)))
        return e;
    e = item_body(t, at->seq, &body);
    if (!e && it.kind == DELIVER_ENVELOPE)
        e = item_judge(c, m, body);
    if (!e)
        e = issue(c, t, m, at, &it, body);
    if (e == ERR_OPEN) /* its bytes are lost; what is behind it need not wait */
        e = ERR_CORRUPT;
    else if (!item_is_held_for(e))
        return e;
    return hold(c, m, it.seq, e);
}

/* Its turn: some messages, some bytes; it comes back to the end of the list if more would go. */
static void pump_turn(struct pump *p, struct mailbox *m)
{
    size_t messages = p->messages + TURN_MESSAGES;
    uint64_t bytes = p->bytes + TURN_BYTES;

    if (!m->open || m->cloned || core_standing(p->c, &m->who))
        return;
    while (m->out < m->len) {
        struct entry at = m->ring[(m->head + m->out) & (m->cap - 1)];
        const struct held *before = p->c->holds;
        enum window_says says = window_says(m, &at);

        if (says == WINDOW_BOUND)
            window_starved(m);
        if (says != WINDOW_OPEN) {
            window_stopped(m);
            return;
        }
        if (p->messages >= messages || p->bytes >= bytes || p->held >= HOLDS_A_PUMP)
            break;
        if ((p->e = next_one(p->c, p->t, m, &at)))
            return;
        p->held += p->c->holds != before;
        p->messages++;
        p->bytes += at.bytes + DELIVER_EXTRA;
    }
    window_ready(m);
}

bool mailboxes_wait(struct core *c)
{
    return window_waits(&c->window) && !outflow_is_full(&c->outflow);
}

static void ready_one(struct mailbox *m, void *arg)
{
    (void)arg;
    window_ready(m);
}

void mailboxes_ready(struct core *c)
{
    mailbox_each(c, ready_one, NULL);
}

enum err mailboxes_pump(struct core *c)
{
    struct pump p = {.c = c};
    struct mailbox *m;

    if (!mailboxes_wait(c))
        return ERR_OK;
    if ((p.e = store_begin(c->store, TXN_READ, &p.t)))
        return p.e;
    while (!p.e && p.messages < PUMP_MESSAGES && p.bytes < PUMP_BYTES && p.held < HOLDS_A_PUMP &&
           !outflow_is_full(&c->outflow) && (m = window_next(&c->window)))
        pump_turn(&p, m);
    store_abort(&p.t);
    return p.e == ERR_CLOSED ? ERR_OK : p.e; /* the door has closed: the hub is stopping */
}
