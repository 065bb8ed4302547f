#include "door.h"

#include <stdlib.h>
#include <string.h>

#include "attachments.h"
#include "door_internal.h"
#include "log.h"
#include "text.h"

#define PAGE_COST 300000 /* the largest KEYS_PAGE or CHAIN_PAGE */
#define JOINS_OF_ONE 5   /* a second, of one invitation */
#define JOINS_AT_ONCE 20
#define JOINS_A_SECOND 500 /* of all invited together: each is three public key operations */

/* --- refusing at the door ------------------------------------------------------------------ */

void door_refuse(struct door *d, struct link_socket *link, const struct link_frame *f, uint64_t req,
                 enum err why)
{
    struct message m = {
        .type = MSG_ERR, .err = {.req = req, .code = (uint32_t)why}
    };
    struct bytes frame = {0};

    d->count.refused++;
    if ((unsigned)why < ERR_CODES)
        d->refused_by[why]++;
    log_limited(LEVEL_INFO, "door.refused", "why=%s user=%s", err_name(why), f->peer.user);
    if (message_encode(&m, &frame) == ERR_OK && link_send(link, &f->peer, bytes_span(&frame)))
        d->count.unsent++;
    bytes_free(&frame);
}

static uint64_t type_of(struct span frame)
{
    struct reader r = reader_over(frame);
    uint64_t type;

    rd_array_between(&r, 1, UINT8_MAX);
    type = rd_uint(&r, UINT16_MAX);
    return rd_error(&r) ? 0 : type;
}

/* What a refusal of this frame names; the second field of an ACK or a PING is no req. */
static uint64_t req_of(struct span frame)
{
    uint64_t type = type_of(frame);

    return type == MSG_ACK || type == MSG_PING || type == MSG_HELLO ? 0 : message_req(frame);
}

/* --- giving work to the inside --------------------------------------------------------------- */

/* Beside the frame: the job itself, and the answer it may ask for. */
#define ANSWER_COST 8192
#define CHARGE_FIXED (sizeof(struct job) + ANSWER_COST)

static uint64_t page_cost(struct span frame)
{
    uint64_t type = type_of(frame);

    return type == MSG_KEYS || type == MSG_CHAIN || type == MSG_ATT_GET ? PAGE_COST : 0;
}

/* An ACK has no answer, a COSIGN only when it is refused, and a HELLO has a limit of its own. */
static uint32_t counts_as(struct span frame)
{
    uint64_t type = type_of(frame);

    return type == MSG_ACK || type == MSG_HELLO || type == MSG_COSIGN ? 0 : 1;
}

/* ERR_BUSY: his organisation, or all together, have too much under way. */
static enum err job_for(const struct door *d, const struct link_frame *f, enum job_kind kind,
                        const struct member *who, struct account *account, struct job **out)
{
    uint64_t bytes = f->payload.len + page_cost(f->payload);
    struct charge *charge = NULL;
    struct job *j;
    enum err e;

    if ((e = charge_take(account, counts_as(f->payload), CHARGE_FIXED + bytes, &charge)))
        return e;
    if (!(j = calloc(1, sizeof *j))) {
        charge_drop(charge);
        return ERR_NOMEM;
    }
    j->kind = kind;
    j->charge = charge;
    j->cost = (uint32_t)(JOB_COST_FIXED + bytes);
    j->peer = f->peer;
    j->heard_us = clock_mono_us(d->o.clock);
    j->who = *who;
    if ((e = bytes_copy(&j->frame, f->payload))) {
        job_free(j);
        return e;
    }
    *out = j;
    return ERR_OK;
}

void session_gone(struct door *d, struct session *s)
{
    struct job *j;

    if (!s->number)
        return;
    j = calloc(1, sizeof *j);
    if (j) {
        j->kind = JOB_GONE;
        j->session = s->number;
        j->lane = s->lane;
        j->who = s->who;
        if (fair_push(d->o.core, j))
            job_free(j); /* stopping, or no memory: the next HELLO of this node fences it */
    }
    s->number = 0;
    d->open--;
    session_drop_waiting(s);
}

struct link_socket *door_link(const struct door *d, const uint8_t node[ID_BYTES])
{
    const struct directory_node *n = directory_find_node(d->dir, node);

    return n && d->emergency && directory_org(d->dir, n->org)->kind == ORG_EMERGENCY ? d->emergency
                                                                                     : d->members;
}

void sessions_gone(struct door *d, const struct link_socket *link)
{
    struct session *s;
    struct session *next;

    HASH_ITER (hh, d->sessions, s, next)
        if (door_link(d, s->node) == link)
            session_gone(d, s);
}

static void hello(struct door *d, struct link_socket *link, const struct link_frame *f,
                  struct session *s)
{
    struct job *j = NULL;
    enum err e;

    if (!s->number && d->open >= d->o.nodes_max) {
        door_refuse(d, link, f, 0, ERR_FULL);
        return;
    }

    if (d->now_ms < s->banned_until_ms ||
        !bucket_take(&s->hellos, d->now_ms, HELLOS_A_SECOND, HELLOS_AT_ONCE, 1)) {
        door_refuse(d, link, f, 0, ERR_RATE);
        return;
    }
    if ((e = job_for(d, f, JOB_HELLO, &s->who, s->account, &j)) ||
        (e = message_decode(bytes_span(&j->frame), SENT_BY_NODE, &j->message)))
        goto out;
    j->lane = s->lane;
    j->session = ++d->next_session;
    if ((e = fair_push(d->o.core, j)))
        goto out;
    j = NULL;
    s->asked = d->next_session;
    s->asked_peer = f->peer;
out:
    if (e)
        door_refuse(d, link, f, 0, e);
    job_free(j);
}

static void ping(struct door *d, struct link_socket *link, const struct link_frame *f)
{
    struct message m = {0};
    struct bytes frame = {0};
    enum err e = message_decode(f->payload, SENT_BY_NODE, &m);

    if (e) {
        door_refuse(d, link, f, 0, e);
        return;
    }
    m.ping =
        (struct msg_ping){.time_ms = clock_now_ms(d->o.clock), .keys_size = directory_size(d->dir)};
    if (message_encode(&m, &frame) == ERR_OK && link_send(link, &f->peer, bytes_span(&frame)))
        d->count.unsent++;
    bytes_free(&frame);
}

/* An ACK's signature names where the former ACK stood: the door sees them in order and tells. */
static void ack_chain(struct session *s, struct job *j)
{
    struct message m;

    if (type_of(bytes_span(&j->frame)) != MSG_ACK ||
        message_decode(bytes_span(&j->frame), SENT_BY_NODE, &m))
        return;
    j->after = s->after;
    if (m.ack.upto > s->after)
        s->after = m.ack.upto;
}

static enum err give(struct door *d, struct job *j)
{
    uint64_t type = type_of(bytes_span(&j->frame));
    bool file = type == MSG_ATT_OPEN || type == MSG_ATT_PUT || type == MSG_ATT_GET;

    return file ? attachments_give(d->o.attachments, j) : workers_give(d->o.workers, j);
}

static void pass_on(struct door *d, struct link_socket *link, const struct link_frame *f,
                    struct session *s)
{
    struct job *j = NULL;
    uint64_t after = s->after;
    enum err e = job_for(d, f, JOB_MEMBER, &s->who, s->account, &j);

    if (e)
        goto out;
    j->lane = s->lane;
    j->session = s->number;
    j->can_wait = type_of(f->payload) == MSG_ACK;
    ack_chain(s, j);
    if ((e = give(d, j)))
        s->after = after; /* it comes again */
    else
        j = NULL;
out:
    if (e)
        door_refuse(d, link, f, req_of(f->payload), e);
    job_free(j);
}

static bool same_connection(const struct link_peer *a, const struct link_peer *b)
{
    return a->connection == b->connection && a->routing_len == b->routing_len &&
           memcmp(a->routing, b->routing, a->routing_len) == 0;
}

/* What the directory says of the node now, so that a revocation works on live connections. */
static enum err standing(const struct door *d, struct member *who)
{
    const struct directory_node *n = directory_find_node(d->dir, who->node);

    if (!n || memcmp(directory_org(d->dir, n->org)->id, who->org, ID_BYTES) != 0)
        return ERR_NOT_ENROLLED;
    who->number = (uint32_t)n->enrolled_at;
    if (who->keyed_at != n->keyed_at)
        return ERR_KEY_REVOKED;
    return directory_state_err(
        directory_node_state(d->dir, n, DIRECTORY_NOW, clock_now_ms(d->o.clock)));
}

/* An act of somebody who was suspended or revoked within his session is refused by the core, for
 * that refusal is a leaf; all else that he says is refused here. */
static bool in_the_log(const struct door *d, const struct link_frame *f, const struct member *who,
                       uint64_t type)
{
    const struct session *s = session_find(d->sessions, who->node);

    return (type == MSG_PUT || type == MSG_REPORT || type == MSG_DECLARE || type == MSG_RECALL ||
            type == MSG_KEYS_PUT) &&
           s && s->number && same_connection(&s->peer, &f->peer);
}

static struct session *session_of(struct door *d, const struct member *who)
{
    struct session *s = session_make(&d->sessions, who);

    if (!s)
        return NULL;
    s->who = *who;
    if (!s->account) {
        const struct directory_org *o = directory_find_org(d->dir, who->org);

        s->lane = o && o->kind == ORG_EMERGENCY ? LANE_EMERGENCY : LANE_MEMBERS;
        s->account = account_of(d->o.accounts, who->org);
    }
    return s->account ? s : NULL;
}

uint32_t frame_weight(size_t bytes)
{
    return (uint32_t)(bytes / 8192 + 1);
}

/* Chunks of attachments have bounds of their own (attachments.h). */
static uint32_t weight(uint64_t type, size_t bytes)
{
    return type == MSG_ATT_PUT ? 1 : frame_weight(bytes);
}

/* For what he does, not for what the hub has too much of. */
static void turn_away(struct door *d, struct link_socket *link, const struct link_frame *f,
                      struct session *s, enum err why)
{
    door_refuse(d, link, f, req_of(f->payload), why);
    door_hold(d, s, f);
}

void door_on_member(struct link_socket *link, const struct link_frame *f, void *arg)
{
    struct door *d = arg;
    struct member who;
    struct session *s;
    uint64_t type;
    enum err e;

    d->now_ms = clock_mono_ms(d->o.clock);
    if (user_member(f->peer.user, &who)) {
        d->count.strangers++; /* let in under a name that is no node's: never answered */
        return;
    }
    type = type_of(f->payload);
    e = standing(d, &who);
    if (!(s = session_of(d, &who)))
        return;
    if (f->fault || (e && !in_the_log(d, f, &who, type))) {
        turn_away(d, link, f, s, e ? e : f->fault);
        return;
    }
    s->heard_ms = d->now_ms;
    if (!bucket_take(&s->messages, d->now_ms, d->o.rate_per_s, d->o.rate_burst,
                     weight(type, f->payload.len)) ||
        (type == MSG_COSIGN &&
         !bucket_take(&s->cosigns, d->now_ms, COSIGNS_A_SECOND, COSIGNS_AT_ONCE, 1)))
        turn_away(d, link, f, s, ERR_RATE);
    else if (type == MSG_HELLO)
        hello(d, link, f, s);
    else if (!s->number || !same_connection(&s->peer, &f->peer))
        turn_away(d, link, f, s, ERR_MESSAGE_STATE);
    else if (type == MSG_PING)
        ping(d, link, f);
    else
        pass_on(d, link, f, s);
}

/* Each invitation has an account, a turn and a rate of its own: who repeats it all day keeps nobody
 * else out. As many as invitations were used since the start. */
static struct session *joiner_of(struct door *d, struct member *who)
{
    struct session *s;

    memcpy(who->node, who->org, ID_BYTES);
    if (!(s = session_make(&d->joiners, who)))
        return NULL;
    memset(who->node, 0, ID_BYTES);
    if (!s->account)
        s->account = account_of(d->o.accounts, who->org);
    return s->account ? s : NULL;
}

void door_on_join(struct link_socket *link, const struct link_frame *f, void *arg)
{
    struct door *d = arg;
    struct member who = {0};
    struct session *s;
    struct job *j = NULL;
    char invite[33];

    (void)link;
    d->now_ms = clock_mono_ms(d->o.clock);
    if (f->fault)
        return;
    s = user_invite(f->peer.user, invite) || hex_read_fixed(who.org, ID_BYTES, span_text(invite))
            ? NULL
            : joiner_of(d, &who);
    if (!s || !bucket_take(&s->hellos, d->now_ms, JOINS_OF_ONE, JOINS_AT_ONCE, 1) ||
        d->joins == JOINS_A_SECOND) {
        d->count.refused++;
        return;
    }
    d->joins++;
    if (job_for(d, f, JOB_JOIN, &who, s->account, &j) ||
        !memcpy(j->invite, invite, sizeof invite) ||
        message_decode(bytes_span(&j->frame), SENT_BY_NODE, &j->message) ||
        j->message.type != MSG_JOIN || fair_push(d->o.core, j)) {
        d->count.refused++;
        job_free(j);
    }
}

void door_on_control(struct control_request *r, void *arg)
{
    struct door *d = arg;
    struct job *j = calloc(1, sizeof *j);
    enum err e = ERR_NOMEM;

    if (j) {
        j->kind = JOB_COMMAND;
        j->lane = LANE_HUB;
        j->request = control_body(r);
        j->control = r;
        j->door = door_facts(d);
        if (d->o.facts && j->door &&
            json_object_set_new(j->door, "watch", d->o.facts(d->o.facts_arg)))
            d->count.unsent++;
        if ((e = fair_push(d->o.core, j)) == ERR_OK)
            return;
    }
    job_free(j);
    if (control_answer(r, control_error(e)))
        d->count.unsent++;
}
