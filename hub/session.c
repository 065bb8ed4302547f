/* HELLO and the end of sessions: one live session per node, and the watch for a second copy of a
 * node (PROTOCOL.md 11, Session). */
#include <string.h>

#include "core.h"
#include "log.h"
#include "recovery.h"
#include "warnings.h"

enum claim {
    CLAIM_FRESH,
    CLAIM_SAME,
    CLAIM_CLONE
};

/* A node counts its sessions on its disk. A number that is not higher, or another incarnation,
 * means that two copies of one node are about, or that one was put back to an older state. */
static enum claim claim_of(const struct mailbox *m, const struct msg_hello *h)
{
    if (!m->known)
        return CLAIM_FRESH;
    if (memcmp(m->incarnation, h->incarnation, ID_BYTES) != 0)
        return CLAIM_CLONE;
    if (h->session > m->session_number)
        return CLAIM_FRESH;
    if (h->session == m->session_number && memcmp(m->nonce, h->nonce, ID_BYTES) == 0)
        return CLAIM_SAME; /* the same HELLO again: its answer was lost */
    return CLAIM_CLONE;
}

/* Who was there first may be the one that its people use: it learns why nothing comes any more. */
static enum err clone_tell(struct core *c, const struct mailbox *m)
{
    struct message say = {.type = MSG_ERR, .err = {.code = ERR_CLONED}};
    struct job former = {.kind = JOB_MEMBER, .peer = m->peer, .session = m->session, .who = m->who};

    return core_say(c, &former, &say, false);
}

static enum err clone_alarm(struct core *c, const struct job *j, struct mailbox *m)
{
    struct detail d = {.has = RD_KEY(DETAIL_BY_ORG) | RD_KEY(DETAIL_BY_NODE) | RD_KEY(DETAIL_ACT),
                       .act = ACT_CLONE};
    uint64_t index;
    enum err e;

    if (!m->cloned) {
        memcpy(d.by_org, m->who.org, sizeof d.by_org);
        memcpy(d.by_node, m->who.node, sizeof d.by_node);
        if ((e = audit_add(c, AUDIT_ALARM, &d, &index)))
            return e;
        m->cloned = true;
        c->count.clones++;
        if ((e = mailbox_save(c, m)))
            return e;
        log_error("node.cloned", "number=%u", m->who.number);
        if (m->open && (e = clone_tell(c, m)))
            return e;
    }
    return core_refuse(c, j, ERR_CLONED);
}

static bool same_connection(const struct link_peer *a, const struct link_peer *b)
{
    return a->connection == b->connection && a->routing_len == b->routing_len &&
           memcmp(a->routing, b->routing, a->routing_len) == 0;
}

/* A node that greets anew where it was is not told that somebody else has taken over. */
static enum err fence(struct core *c, const struct job *j, struct mailbox *m)
{
    struct message say = {.type = MSG_ERR, .err = {.code = ERR_FENCED}};
    struct job former = {.kind = JOB_MEMBER, .peer = m->peer, .session = m->session, .who = m->who};

    window_shut(m);
    return same_connection(&m->peer, &j->peer) ? ERR_OK : core_say(c, &former, &say, false);
}

static enum err welcome(struct core *c, const struct job *j, const struct mailbox *m)
{
    struct message say = {
        .type = MSG_WELCOME,
        .welcome = {.version = WIRE_VERSION,
                    .head_seq = c->next_seq - 1,
                    .time_ms = c->now_ms,
                    .acked_seq = m->acked}
    };
    struct bytes opening = {0};
    struct parcel *p = NULL;
    enum err e;

    memcpy(say.welcome.federation, c->id->federation.id, ID_BYTES);
    memcpy(say.welcome.hub, c->incarnation, ID_BYTES);
    if ((e = keys_head(c, c->t, ledger_committed_size(c->keys), &say.welcome.keys)))
        return e;
    if ((e = audit_head(c, c->t, ledger_committed_size(c->audit), &say.welcome.audit)))
        return e;
    if ((e = epoch_opening(c, &opening)))
        return e;
    say.welcome.epoch = epoch_now(c)->number;
    say.welcome.opening = bytes_span(&opening);
    if (!(p = calloc(1, sizeof *p))) {
        bytes_free(&opening);
        return ERR_NOMEM;
    }
    p->kind = PARCEL_OPEN;
    p->peer = j->peer;
    p->session = j->session;
    p->who = m->who;
    p->acked_seq = m->acked;
    e = message_encode(&say, &p->frame);
    bytes_free(&opening);
    if (e) {
        parcel_free(p);
        return e;
    }
    if ((e = core_stage(c, p)))
        return e;
    return heads_tell(c, j);
}

/* Resumes after what the hub knows to be on the node's disk. A node that says less has lost
 * something that it had acknowledged: it is not delivered twice without anybody knowing. */
static enum err cursor_check(const struct core *c, const struct mailbox *m,
                             const struct msg_hello *h)
{
    if (memcmp(h->hub, c->incarnation, ID_BYTES) != 0)
        return ERR_OK; /* another hub store: the node starts again at our cursor */
    return h->last_seq >= m->acked ? ERR_OK : ERR_ROLLBACK;
}

/* What a node allows beyond this would only lie in our memory. */
#define CREDIT_MESSAGES_MAX 1024

void session_credit(struct mailbox *m, uint32_t messages, uint32_t bytes)
{
    m->credit_messages = messages < CREDIT_MESSAGES_MAX ? messages : CREDIT_MESSAGES_MAX;
    m->credit_bytes = bytes < WINDOW_MAX ? bytes : WINDOW_MAX;
}

static void open_session(struct mailbox *m, const struct job *j)
{
    const struct msg_hello *h = &j->message.hello;

    m->known = true;
    m->session_number = h->session;
    memcpy(m->nonce, h->nonce, ID_BYTES);
    memcpy(m->incarnation, h->incarnation, ID_BYTES);
    m->open = true;
    m->session = j->session;
    m->peer = j->peer;
    session_credit(m, h->credit_messages, h->credit_bytes);
    m->issued = m->acked;
    m->window_bytes = WINDOW_FIRST;
    window_ready(m);
}

enum err core_standing(const struct core *c, const struct member *who)
{
    const struct directory_node *n = directory_find_node(c->dir, who->node);
    const struct mailbox *m = mailbox_of(c, who->number);
    enum err e;

    if (!n)
        return ERR_NOT_ENROLLED;
    e = directory_state_err(directory_node_state(c->dir, n, DIRECTORY_NOW, c->now_ms));
    return !e && m && m->locked ? ERR_SUSPENDED : e;
}

enum err core_speaker(const struct core *c, const struct member *who)
{
    const struct directory_node *n = directory_find_node(c->dir, who->node);

    return n && who->keyed_at != n->keyed_at ? ERR_KEY_REVOKED : core_standing(c, who);
}

void hello_undo(struct core *c, const struct job *j)
{
    struct mailbox *m = mailbox_of(c, j->who.number);

    if (m && m->session == j->session)
        window_shut(m);
}

enum err on_hello(struct core *c, struct job *j)
{
    const struct msg_hello *h = &j->message.hello;
    struct msg_err versions = {
        .req = 0, .code = ERR_VERSION, .extra = EXTRA_SUPPORTED, .supported = {1, {WIRE_VERSION}}
    };
    struct mailbox *m = mailbox_of(c, j->who.number);
    enum claim claim;
    bool stopped;
    enum err e;

    if ((e = core_speaker(c, &j->who)))
        return core_refuse(c, j, c->recovery.on ? ERR_RECOVERING : e);
    if (versions_common(&h->versions) == 0)
        return core_refuse_with(c, j, &versions);
    if (!m)
        return ERR_INTERNAL;
    if (!core_log_keys_here(c)) /* no head that we could show would be believed */
        return core_refuse(c, j, ERR_HUB_KEY);
    if (c->recovery.on)
        return recovery_hello(c, j, m);
    if ((e = behind_check(c, j, h->epoch, &h->keys, &h->audit, &stopped)) || stopped)
        return e;
    claim = claim_of(m, h);
    if (m->cloned || claim == CLAIM_CLONE)
        return clone_alarm(c, j, m);
    if ((e = cursor_check(c, m, h)))
        return core_refuse(c, j, e);
    if (m->open && m->session != j->session && (e = fence(c, j, m)))
        return e;
    if ((e = mailbox_session_over(c, m)) || (e = silence_over(c, m)))
        return e;
    m->heard_ms = c->now_ms;
    open_session(m, j);
    c->count.hellos++;
    if ((e = mailbox_save(c, m)))
        return e;
    return welcome(c, j, m);
}

enum err on_gone(struct core *c, struct job *j)
{
    struct mailbox *m = mailbox_of(c, j->who.number);
    enum err e;

    if (!m || !m->open || m->session != j->session)
        return ERR_OK;
    m->heard_ms = c->now_ms;
    if ((e = mailbox_session_over(c, m)))
        return e;
    return mailbox_save(c, m);
}
