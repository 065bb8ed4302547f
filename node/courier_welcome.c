/* WELCOME: what the hub says of its logs is judged before anything else is believed of it. */
#include <inttypes.h>
#include <string.h>

#include "circles.h"
#include "contacts.h"
#include "courier_internal.h"
#include "log.h"
#include "outbox.h"

static void ready(struct courier *c)
{
    enum err e;

    c->cloned = false; /* the hub would have refused our HELLO */
    courier_enter(c, COURIER_READY, 0);
    c->hello_wait_ms = (uint64_t)HELLO_WAIT_MS << c->faults;
    c->ready_ms = courier_mono(c);
    c->prekey_ms = 0;
    if ((e = circles_after_restore(c->n)))
        log_warn("circles.restored", "why=%s", err_name(e));
    if ((e = outbox_reoffer(c->n)))
        log_warn("outbox.reoffer", "why=%s", err_name(e));
    log_info("courier.ready", "keys=%" PRIu64 " seq=%" PRIu64, contacts_keys_size(c->n),
             c->last_seq);
    courier_want_work(c);
}

/* Another store at the hub: its numbers mean nothing to ours, and we begin where it says. */
static void cursor_take(struct courier *c, const struct msg_welcome *w)
{
    if (memcmp(c->hub, w->hub, ID_BYTES) != 0) {
        log_info("courier.hub", "new=1 seq=%" PRIu64, w->acked_seq);
        memcpy(c->hub, w->hub, ID_BYTES);
        c->last_seq = w->acked_seq;
    }
    c->acked = w->acked_seq;
    c->got = w->acked_seq;
    c->head_seq = w->head_seq;
    c->skew_ms = (int64_t)(w->time_ms - node_now_ms(c->n));
}

static enum err welcome_hold(struct courier *c, const struct msg_welcome *w)
{
    c->welcome.held = false;
    c->welcome.epoch = w->epoch;
    c->welcome.audit = w->audit;
    if (bytes_copy(&c->welcome.opening, w->opening))
        return ERR_NOMEM;
    c->welcome.held = true;
    return ERR_OK;
}

/* What the hub says of its audit log. The keys that sign it may be news of the keys log. */
static enum err welcome_judge(struct courier *c)
{
    struct held_welcome *w = &c->welcome;
    enum err e = contacts_see_epoch(c->n, w->epoch, bytes_span(&w->opening));

    if (!e)
        e = contacts_see_audit(c->n, w->epoch, &w->audit);
    if (!e)
        w->held = false;
    return e;
}

/* Signed by a key that the rest of the keys log may bring. */
static bool may_be_news(enum err e)
{
    return e == ERR_CHECKPOINT || e == ERR_EPOCH;
}

static void refused(struct courier *c, enum err e)
{
    if (is_evidence(e))
        courier_stop(c, e, false);
    else
        courier_down(c, err_name(e));
}

/* The log is read as far as the hub says that it goes. */
void courier_synced(struct courier *c)
{
    enum err e = c->welcome.held ? welcome_judge(c) : ERR_OK;

    if (e)
        refused(c, e);
    else if (!contacts_pins_logged(c->n)) /* whom two humans compared is not whom the log names */
        courier_stop(c, ERR_FINGERPRINT, false);
    else
        ready(c);
}

void on_welcome(struct courier *c, const struct link_frame *f, const struct message *m)
{
    const struct msg_welcome *w = &m->welcome;
    bool behind = contacts_keys_size(c->n) < w->keys.size;
    enum err e;

    (void)f;
    c->count.welcomes++;
    if (w->version != WIRE_VERSION) {
        courier_stop(c, ERR_VERSION, false);
        return;
    }
    if (memcmp(w->federation, c->n->self.federation, ID_BYTES) != 0) {
        courier_stop(c, ERR_FINGERPRINT, false);
        return;
    }
    if ((e = contacts_see_keys(c->n, &w->keys)) || (e = welcome_hold(c, w))) {
        refused(c, e);
        return;
    }
    e = welcome_judge(c);
    if (e && !(behind && may_be_news(e))) {
        refused(c, e);
        return;
    }
    cursor_take(c, w);
    c->keys_target = w->keys.size;
    if (!behind) {
        courier_synced(c);
        return;
    }
    courier_enter(c, COURIER_SYNCING, 0);
    courier_sync_keys(c);
}
