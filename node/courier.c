#include "courier.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "circles.h"
#include "commands.h"
#include "contacts.h"
#include "courier_internal.h"
#include "log.h"
#include "loop.h"
#include "meta.h"
#include "prekeys.h"

#define PRUNE_EVERY_MS 3600000

uint64_t courier_mono(const struct courier *c)
{
    return clock_mono_ms(c->n->clock);
}

uint64_t courier_jitter(struct courier *c, uint64_t ms)
{
    uint8_t random[4];

    if (ms < 2 || node_random(c->n, random, sizeof random))
        return ms;
    return ms / 2 + get_be32(random) % (ms / 2 + 1);
}

enum err courier_send(struct courier *c, const struct message *m)
{
    struct bytes frame = {0};
    enum err e = message_encode(m, &frame);

    if (!e)
        e = link_send(c->link, NULL, bytes_span(&frame));
    bytes_free(&frame);
    return e;
}

void courier_enter(struct courier *c, enum courier_state state, uint64_t for_ms)
{
    c->state = state;
    c->state_until_ms = courier_mono(c) + for_ms;
}

void courier_down(struct courier *c, const char *why)
{
    log_limited(LEVEL_INFO, "courier.down", "why=%s", why);
    batch_drop(c);
    tasks_landed(c);
    flows_landed(c);
    courier_enter(c, COURIER_DOWN, courier_jitter(c, c->hello_wait_ms));
    c->hello_wait_ms *= 2;
    if (c->hello_wait_ms > HELLO_WAIT_MAX_MS)
        c->hello_wait_ms = HELLO_WAIT_MAX_MS;
}

void courier_fault(struct courier *c, const char *why)
{
    if (c->faults < FAULTS_MAX)
        c->faults++;
    c->hello_wait_ms = (uint64_t)HELLO_WAIT_MS << c->faults;
    courier_down(c, why);
}

void courier_stop(struct courier *c, enum err why, bool may_retry)
{
    if (c->state != COURIER_STOPPED || c->why != why)
        log_error("courier.stopped", "why=%s", err_name(why));
    batch_drop(c);
    tasks_landed(c);
    flows_landed(c);
    c->why = why;
    c->may_retry = may_retry;
    courier_enter(c, COURIER_STOPPED, courier_jitter(c, STOPPED_RETRY_MS));
}

void courier_resume(struct courier *c)
{
    if (c->n->alarm || (c->state != COURIER_STOPPED && !c->cloned))
        return;
    if (c->cloned) { /* released, delivery begins with the next HELLO */
        courier_down(c, "resumed");
        return;
    }
    c->why = ERR_OK;
    c->hello_wait_ms = HELLO_WAIT_MS;
    courier_enter(c, COURIER_DOWN, 0);
}

/* --- HELLO -------------------------------------------------------------------------------------
 */

/* The number is on disk before it is said: after a crash the next one is higher. */
static enum err hello_prepare(struct courier *c)
{
    struct node *n = c->n;
    struct txn *t = NULL;
    uint64_t session;
    enum err e;

    if (c->hello_prepared)
        return ERR_OK;
    if ((e = node_random(n, c->nonce, sizeof c->nonce)))
        return e;
    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if ((e = meta_get_u64(n, t, "session", 0, &session)))
        goto out;
    if ((e = meta_put_u64(n, t, "session", session + 1)))
        goto out;
    if ((e = node_commit(n, &t)))
        goto out;
    c->session = session + 1;
    c->hello_prepared = true;
out:
    node_abort(n, &t);
    return e;
}

static enum err hello_send(struct courier *c)
{
    struct message m = {
        .type = MSG_HELLO,
        .hello = {.versions = {1, {WIRE_VERSION}},
                  .session = c->session,
                  .last_seq = c->last_seq,
                  .credit_messages = CREDIT_MESSAGES,
                  .credit_bytes = CREDIT_BYTES,
                  .epoch = contacts_epoch(c->n)}
    };
    enum err e;

    contacts_newest(c->n, &m.hello.keys, &m.hello.audit);
    memcpy(m.hello.nonce, c->nonce, ID_BYTES);
    memcpy(m.hello.hub, c->hub, ID_BYTES);
    if ((e = store_incarnation(c->n->store, m.hello.incarnation)))
        return e;
    return courier_send(c, &m);
}

static void hello(struct courier *c)
{
    enum err e = hello_prepare(c);

    if (!e)
        e = hello_send(c);
    if (e == ERR_BUSY) { /* no connection: nothing was said, the same words wait */
        if (courier_link_old(c) && rekey_silent(c))
            rekey_other(c);
        else if (courier_link_old(c))
            courier_link_anew(c);
        courier_enter(c, COURIER_DOWN, courier_jitter(c, HELLO_WAIT_MS));
        return;
    }
    c->linked_ms = courier_mono(c);
    if (e) {
        courier_down(c, err_name(e));
        return;
    }
    c->hello_prepared = false;
    c->count.hellos++;
    courier_enter(c, COURIER_GREETING, HELLO_TIMEOUT_MS);
}

static void on_synced(struct courier *c, const struct link_frame *f, const struct message *m)
{
    on_keys_page(c, f, m);
    if (c->state == COURIER_SYNCING && contacts_keys_size(c->n) >= c->keys_target)
        courier_synced(c);
}

static void on_ping(struct courier *c, const struct link_frame *f, const struct message *m)
{
    (void)f;
    if (m->ping.keys_size > c->keys_target)
        c->keys_target = m->ping.keys_size;
    c->skew_ms = (int64_t)(m->ping.time_ms - node_now_ms(c->n));
    courier_sync_keys(c);
}

static void ignored(struct courier *c, const struct link_frame *f, const struct message *m)
{
    (void)c, (void)f, (void)m;
}

/* --- the conversation
 * ----------------------------------------------------------------------------- */

struct step {
    enum courier_state in;
    enum message_type on;
    void (*then)(struct courier *c, const struct link_frame *f, const struct message *m);
};

/* What is not listed ends the session, except what a former one left on the wire. */
static const struct step steps[] = {
    {COURIER_GREETING, MSG_KEYS,              on_keys_asked       },
    {COURIER_GREETING, MSG_WELCOME,           on_welcome          },
    {COURIER_GREETING, MSG_ERR,               on_err              },
    {COURIER_GREETING, MSG_PING,              ignored             },
    {COURIER_GREETING, MSG_RECEIPT,           ignored             },
    {COURIER_GREETING, MSG_DELIVER,           ignored             },
    {COURIER_GREETING, MSG_KEYS_PAGE,         ignored             },
    {COURIER_GREETING, MSG_CHAIN_PAGE,        ignored             },
    {COURIER_GREETING, MSG_HEADS,             ignored             },
    {COURIER_GREETING, MSG_CONSISTENCY_PROOF, ignored             },
    {COURIER_GREETING, MSG_ATT_STATE,         ignored             },
    {COURIER_GREETING, MSG_ATT_CHUNK,         ignored             },
    {COURIER_SYNCING,  MSG_KEYS_PAGE,         on_synced           },
    {COURIER_SYNCING,  MSG_DELIVER,           on_deliver          }, /* kept until the log is read */
    {COURIER_SYNCING,  MSG_ERR,               on_err              },
    {COURIER_SYNCING,  MSG_PING,              on_ping             },
    {COURIER_SYNCING,  MSG_HEADS,             on_heads            },
    {COURIER_SYNCING,  MSG_ATT_STATE,         ignored             },
    {COURIER_SYNCING,  MSG_ATT_CHUNK,         ignored             },
    {COURIER_READY,    MSG_DELIVER,           on_deliver          },
    {COURIER_READY,    MSG_RECEIPT,           on_receipt          },
    {COURIER_READY,    MSG_CHAIN_PAGE,        on_chain_page       },
    {COURIER_READY,    MSG_KEYS_PAGE,         on_keys_page        },
    {COURIER_READY,    MSG_PING,              on_ping             },
    {COURIER_READY,    MSG_ERR,               on_err              },
    {COURIER_READY,    MSG_HEADS,             on_heads            },
    {COURIER_READY,    MSG_CONSISTENCY_PROOF, on_consistency_proof},
    {COURIER_READY,    MSG_ATT_STATE,         on_att_state        },
    {COURIER_READY,    MSG_ATT_CHUNK,         on_att_chunk        },
};

void courier_on_frame(struct link_socket *link, const struct link_frame *f, void *arg)
{
    struct courier *c = arg;
    struct message m;
    enum err e = f->fault;

    (void)link;
    if (c->state == COURIER_STOPPED || c->state == COURIER_DOWN)
        return;
    if (!e)
        e = message_decode(f->payload, SENT_BY_HUB, &m);
    if (e) {
        courier_fault(c, err_name(e));
        return;
    }
    c->heard_ms = courier_mono(c);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (steps[i].in == c->state && steps[i].on == m.type) {
            steps[i].then(c, f, &m);
            return;
        }
    courier_fault(c, message_name(m.type));
}

/* --- time
 * -------------------------------------------------------------------------------------------- */

static void ping(struct courier *c, uint64_t now_ms)
{
    struct message m = {
        .type = MSG_PING,
        .ping = {.seq = c->last_seq,
                 .time_ms = node_now_ms(c->n),
                 .keys_size = contacts_keys_size(c->n)}
    };

    c->pinged_ms = now_ms;
    if (courier_send(c, &m))
        courier_down(c, "no connection");
}

static void live(struct courier *c, uint64_t now_ms)
{
    uint64_t every_ms = c->n->settings.ping_ms;

    if (courier_link_stale(c)) { /* the hub's former key counts no more */
        courier_link_anew(c);
        courier_down(c, "another key of the hub");
        return;
    }
    if (now_ms - c->heard_ms > 3 * every_ms) {
        courier_down(c, "silence");
        return;
    }
    if (now_ms - c->pinged_ms >= every_ms) /* also tells how long the keys log is */
        ping(c, now_ms);
    if (c->state == COURIER_READY || c->state == COURIER_SYNCING) {
        tasks_time(c);
        courier_sync_keys(c);
    }
    if (c->faults && c->state == COURIER_READY && now_ms - c->ready_ms > FAULTS_FORGET_MS)
        c->faults = 0;
    if (c->state == COURIER_READY)
        courier_work(c);
    if (c->state == COURIER_READY && c->batch_count > 0)
        batch_flush(c);
}

static void every_tick(void *arg)
{
    struct courier *c = arg;
    uint64_t now_ms = courier_mono(c);

    rekey_tick(c);
    switch (c->state) {
    case COURIER_STOPPED:
        if (c->may_retry && now_ms >= c->state_until_ms)
            courier_resume(c);
        break;
    case COURIER_DOWN:
        if (now_ms >= c->state_until_ms)
            hello(c);
        break;
    case COURIER_GREETING:
        if (now_ms >= c->state_until_ms) {
            courier_down(c, "no WELCOME");
            rekey_other(c);
        }
        break;
    case COURIER_SYNCING:
    case COURIER_READY:
        live(c, now_ms);
        break;
    }
}

static void every_hour(void *arg)
{
    struct courier *c = arg;
    uint64_t now_ms = node_now_ms(c->n);
    enum err e;

    if (c->state != COURIER_READY || c->last_seq < c->head_seq)
        return;
    if ((e = prekey_prune(c->n, now_ms)))
        log_warn("prekey.prune", "why=%s", err_name(e));
}

static void do_work(void *arg)
{
    struct courier *c = arg;

    c->work_due = false;
    if (c->state == COURIER_READY)
        courier_work(c);
    if (c->state == COURIER_READY && c->batch_count > 0)
        batch_flush(c);
}

void courier_want_work(struct courier *c)
{
    if (c->work_due)
        return;
    if (loop_once(c->n->loop, 0, do_work, c) == ERR_OK)
        c->work_due = true; /* else the next tick */
}

void courier_kick(struct courier *c)
{
    if (c->state == COURIER_READY)
        courier_want_work(c);
}

/* --- opening
 * ------------------------------------------------------------------------------------------- */

static enum err cursor_load(struct courier *c)
{
    struct bytes hub = {0};
    struct txn *t = NULL;
    enum err e = store_begin(c->n->store, TXN_READ, &t);

    if (e)
        return e;
    e = meta_get(c->n, t, "hub", &hub);
    if (!e && hub.len == ID_BYTES) {
        memcpy(c->hub, hub.ptr, ID_BYTES);
        e = meta_get_u64(c->n, t, "last_seq", 0, &c->last_seq);
    }
    store_abort(&t);
    seal_bytes_free(&hub);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err courier_open(struct node *n, struct transport *t, struct courier **out)
{
    struct courier *c;
    enum err e;

    if (!contacts_pins(n))
        return ERR_NOT_JOINED;
    if (!(c = calloc(1, sizeof *c)))
        return ERR_NOMEM;
    c->n = n;
    c->transport = t;
    c->hello_wait_ms = HELLO_WAIT_MS;
    c->linked_ms = courier_mono(c);
    courier_enter(c, COURIER_DOWN, 0);
    if (n->alarm)
        courier_stop(c, n->alarm, false);
    if ((e = cursor_load(c)) || (e = courier_connect(c)) ||
        (e = loop_link(n->loop, c->link, courier_on_frame, c)) ||
        (e = loop_timer(n->loop, TICK_MS, every_tick, c)) ||
        (e = loop_timer(n->loop, PRUNE_EVERY_MS, every_hour, c))) {
        courier_close(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

void courier_close(struct courier *c)
{
    if (!c)
        return;
    loop_cancel(c->n->loop, every_tick, c);
    loop_cancel(c->n->loop, every_hour, c);
    loop_cancel(c->n->loop, do_work, c);
    if (c->link)
        loop_link_remove(c->n->loop, c->link);
    link_close(c->link);
    batch_drop(c);
    bytes_free(&c->welcome.opening);
    flows_landed(c);
    tasks_free(c);
    attest_free(c);
    free(c);
}

enum courier_state courier_state(const struct courier *c)
{
    return c ? c->state : COURIER_DOWN;
}

enum err courier_why(const struct courier *c)
{
    return c ? c->why : ERR_OFFLINE;
}
