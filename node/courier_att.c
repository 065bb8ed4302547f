/* Attachments on the wire: one on its way to the hub and one from it, each with a few chunks under
 * way. What the other side has on disk is asked first, so a cut costs what was under way and no
 * more (PROTOCOL.md 11, Attachments). */
#include <inttypes.h>
#include <string.h>

#include "attach.h"
#include "courier_internal.h"
#include "intake.h"
#include "log.h"
#include "outbox.h"

#define ATT_STALL_MS 30000
#define ATT_WAIT_MS 200
#define ATT_WAIT_MAX_MS 60000
#define SYNC_EVERY 16 /* chunks: a machine that stops loses no more of them */

static struct att_flow *flow_of(struct courier *c, const uint8_t *address, enum att_way way)
{
    struct att_flow *f = &c->flow[way - 1];

    return f->running && memcmp(f->row.address, address, sizeof f->row.address) == 0 ? f : NULL;
}

static void flow_land(struct att_flow *f)
{
    attfile_close(f->file);
    f->file = NULL;
    f->running = false;
    f->telling = false;
}

void flows_landed(struct courier *c)
{
    for (size_t i = 0; i < ATT_WAYS; i++) {
        flow_land(&c->flow[i]);
        c->flow[i].due_ms = 0;
    }
}

/* Why it does not go on, for people: what was told last of each, of the last few. */
static struct att_trouble *trouble_of(struct courier *c, enum att_way way, const uint8_t *address)
{
    for (size_t i = 0; i < ATT_TROUBLES; i++)
        if (c->trouble[i].way == way &&
            memcmp(c->trouble[i].address, address, ATTACHMENT_ADDRESS_BYTES) == 0)
            return &c->trouble[i];
    return NULL;
}

static void trouble_note(struct courier *c, const struct att_flow *f, enum err why)
{
    struct att_trouble *x = trouble_of(c, f->row.way, f->row.address);

    if (!x)
        x = &c->trouble[c->trouble_next++ % ATT_TROUBLES];
    *x = (struct att_trouble){.way = f->row.way, .why = why};
    memcpy(x->address, f->row.address, sizeof x->address);
}

static void trouble_over(struct courier *c, const struct att_flow *f)
{
    struct att_trouble *x = trouble_of(c, f->row.way, f->row.address);

    if (x)
        *x = (struct att_trouble){0};
}

enum err att_trouble_of(struct courier *c, enum att_way way,
                        const uint8_t address[ATTACHMENT_ADDRESS_BYTES])
{
    const struct att_trouble *x = c ? trouble_of(c, way, address) : NULL;

    return x ? x->why : ERR_OK;
}

/* Later; the others get their turn first. */
static void flow_again(struct courier *c, struct att_flow *f, enum err why)
{
    log_limited(LEVEL_INFO, "attachment.again", "why=%s", err_name(why));
    trouble_note(c, f, why);
    flow_land(f);
    f->wait_ms = f->wait_ms ? 2 * f->wait_ms : ATT_WAIT_MS;
    if (f->wait_ms > ATT_WAIT_MAX_MS)
        f->wait_ms = ATT_WAIT_MAX_MS;
    f->due_ms = courier_mono(c) + courier_jitter(c, f->wait_ms);
}

static void flow_done(struct courier *c, struct att_flow *f)
{
    trouble_over(c, f);
    flow_land(f);
    f->wait_ms = 0;
    f->due_ms = 0;
    courier_want_work(c);
}

/* Its state moves on, on disk. */
static void flow_end(struct courier *c, struct att_flow *f, enum att_state state, enum err why)
{
    struct att_row row;
    struct txn *t = NULL;
    enum err e = store_begin(c->n->store, TXN_READ, &t);

    if (!e)
        e = attach_get(c->n, t, f->row.way, f->row.address, &row);
    store_abort(&t);
    if (!e) {
        row.state = state;
        row.code = (uint32_t)why;
        e = attach_keep(c->n, &row);
    }
    if (e)
        flow_again(c, f, e);
    else
        flow_done(c, f);
}

/* --- sending -------------------------------------------------------------------------------- */

static enum err send_numbered(struct courier *c, struct att_flow *f, struct message *m,
                              uint64_t *req)
{
    enum err e;

    *req = ++c->next_req;
    e = courier_send(c, m);
    if (!e)
        f->last_req = *req;
    return e;
}

static enum err ask(struct courier *c, struct att_flow *f)
{
    struct message m = {.type = MSG_ATT_OPEN};

    memcpy(m.att_open.address, f->row.address, sizeof m.att_open.address);
    if (f->row.way == ATT_OUT) {
        m.att_open.size = f->row.size;
        m.att_open.hashes = attfile_hashes(f->file);
    }
    return send_numbered(c, f, &m, &m.att_open.req);
}

static enum err chunk_send(struct courier *c, struct att_flow *f)
{
    struct message m = {.type = f->row.way == ATT_OUT ? MSG_ATT_PUT : MSG_ATT_GET};
    enum err e = ERR_OK;

    m.att_chunk.i = f->next;
    memcpy(m.att_chunk.address, f->row.address, sizeof m.att_chunk.address);
    if (f->row.way == ATT_OUT)
        e = attfile_read(f->file, f->next, attach_room(c->n), &m.att_chunk.chunk);
    if (!e && !(e = send_numbered(c, f, &m, &m.att_chunk.req))) {
        f->next++;
        c->att.sent += f->row.way == ATT_OUT;
    }
    return e;
}

/* As many under way as may be. */
static void fill(struct courier *c, struct att_flow *f)
{
    enum err e = ERR_OK;

    while (!e && f->next < f->count && f->next - f->got < ATT_WINDOW)
        e = chunk_send(c, f);
    if (e && e != ERR_BUSY) /* a full line empties: the next answer or tick goes on */
        flow_again(c, f, e);
}

static void tell_done(struct courier *c, struct att_flow *f)
{
    struct message m = {.type = MSG_ATT_DONE};
    enum err e;

    memcpy(m.att_chunk.address, f->row.address, sizeof m.att_chunk.address);
    f->telling = true;
    if ((e = send_numbered(c, f, &m, &m.att_chunk.req)))
        flow_again(c, f, e);
}

/* --- receiving ------------------------------------------------------------------------------ */

static enum err target_make(struct courier *c, struct att_flow *f, const struct msg_att_state *m)
{
    struct attfile_facts facts = {.size = f->row.size, .made_ms = node_now_ms(c->n)};

    if (m->size != f->row.size || m->hashes.len == 0)
        return ERR_ATTACHMENT_ADDRESS;
    memcpy(facts.address, f->row.address, sizeof facts.address);
    memcpy(facts.owner, f->row.org, ID_BYTES);
    return attfile_create(attach_dir(c->n, ATT_IN), &facts, m->hashes, &f->file);
}

static void begin_chunks(struct courier *c, struct att_flow *f, uint32_t next)
{
    f->opened = true;
    f->count = attachment_chunks(f->row.size);
    f->next = next;
    f->got = next;
    fill(c, f);
}

static void state_out(struct courier *c, struct att_flow *f, const struct msg_att_state *m)
{
    if (m->whole) {
        flow_end(c, f, ATT_WHOLE, ERR_OK);
        return;
    }
    if (!f->opened) {
        begin_chunks(c, f, m->next);
        return;
    }
    if (m->next < f->got || m->next > f->next) {
        flow_again(c, f, ERR_AGAIN);
        return;
    }
    if (m->next > f->got)
        trouble_over(c, f);
    f->got = m->next;
    fill(c, f);
}

static void state_in(struct courier *c, struct att_flow *f, const struct msg_att_state *m)
{
    enum err e;

    if (f->telling) {
        flow_end(c, f, ATT_TOLD, ERR_OK);
        return;
    }
    if (f->opened)
        return;
    if ((e = target_make(c, f, m))) {
        flow_again(c, f, e == ERR_FULL ? ERR_NO_ROOM : e);
        return;
    }
    begin_chunks(c, f, 0);
}

void on_att_state(struct courier *c, const struct link_frame *frame, const struct message *m)
{
    const struct msg_att_state *s = &m->att_state;
    struct att_flow *f;

    (void)frame;
    if ((f = flow_of(c, s->address, ATT_OUT)) && s->req >= f->first_req) {
        f->heard_ms = courier_mono(c);
        state_out(c, f, s);
    }
    if ((f = flow_of(c, s->address, ATT_IN)) && s->req >= f->first_req) {
        f->heard_ms = courier_mono(c);
        state_in(c, f, s);
    }
}

static void fetched(struct courier *c, struct att_flow *f)
{
    enum err e = attfile_finish(f->file);

    if (e) {
        flow_again(c, f, e);
        return;
    }
    log_info("attachment.fetched", "size=%" PRIu64 " chunks=%u", f->row.size, f->count);
    flow_end(c, f, ATT_WHOLE, ERR_OK); /* the next turn tells the hub */
}

void on_att_chunk(struct courier *c, const struct link_frame *frame, const struct message *m)
{
    const struct msg_att_chunk *k = &m->att_chunk;
    struct att_flow *f = flow_of(c, k->address, ATT_IN);
    enum err e;

    (void)frame;
    if (!f || !f->opened || !f->file || k->i != f->got || k->req < f->first_req)
        return;
    f->heard_ms = courier_mono(c);
    if ((e = attfile_write(f->file, k->i, k->chunk))) {
        flow_again(c, f, e == ERR_FULL ? ERR_NO_ROOM : e);
        return;
    }
    trouble_over(c, f);
    c->att.received++;
    f->got++;
    f->wait_ms = 0;
    if (f->got == f->count)
        fetched(c, f);
    else if (f->got % SYNC_EVERY == 0 && (e = attfile_sync(f->file)))
        flow_again(c, f, e);
    else
        fill(c, f);
}

bool att_refused(struct courier *c, uint64_t req, enum err why, bool final)
{
    for (size_t i = 0; i < ATT_WAYS; i++) {
        struct att_flow *f = &c->flow[i];

        if (!f->running || req < f->first_req || req > f->last_req)
            continue;
        if (!final || why == ERR_NOMEM || why == ERR_CORRUPT) {
            flow_again(c, f, why == ERR_FULL ? ERR_HUB_FULL : why);
        } else {
            log_warn("attachment.refused", "way=%d why=%s", (int)f->row.way, err_name(why));
            if (f->row.way == ATT_OUT && outbox_fail(c->n, f->row.mid, why))
                flow_again(c, f, why);
            else
                flow_end(c, f, ATT_REFUSED, why);
        }
        return true;
    }
    return false;
}

/* --- turns ---------------------------------------------------------------------------------- */

/* Is the sheet that names it still one that a human may read? */
static bool is_wanted(struct courier *c, const struct att_row *row)
{
    struct in_status s = {0};
    struct txn *t = NULL;
    enum err e = store_begin(c->n->store, TXN_READ, &t);

    if (!e)
        e = inbox_get(c->n, t, row->mid, row->org, &s);
    store_abort(&t);
    return e || s.state == IN_RECEIVED;
}

static void unwanted(struct courier *c, struct att_flow *f)
{
    enum err e = attfile_remove(attach_dir(c->n, ATT_IN), f->row.address);

    if (e && e != ERR_NOT_FOUND)
        flow_again(c, f, e);
    else
        flow_end(c, f, ATT_REFUSED, ERR_RECALLED);
}

static void flow_start(struct courier *c, struct att_flow *f)
{
    enum err e;

    f->running = true;
    f->opened = false;
    f->first_req = c->next_req + 1;
    f->last_req = f->first_req;
    f->heard_ms = courier_mono(c);
    if (f->row.way == ATT_IN && !is_wanted(c, &f->row)) {
        unwanted(c, f);
        return;
    }
    if (f->row.way == ATT_IN && f->row.state == ATT_WHOLE) {
        tell_done(c, f);
        return;
    }
    e = attfile_open(attach_dir(c->n, f->row.way), f->row.address, &f->file);
    if (f->row.way == ATT_IN && e == ERR_OK) {
        if (attfile_next(f->file) == attachment_chunks(f->row.size))
            fetched(c, f);
        else
            begin_chunks(c, f, attfile_next(f->file));
        return;
    }
    if (f->row.way == ATT_IN && (e == ERR_NOT_FOUND || e == ERR_CORRUPT))
        e = ERR_OK;
    if (e || (e = ask(c, f)))
        flow_again(c, f, e);
}

static void flow_work(struct courier *c, struct att_flow *f, enum att_way way)
{
    uint64_t now_ms = courier_mono(c);
    uint8_t after[ATTACHMENT_ADDRESS_BYTES];
    bool had = f->row.way != 0;
    enum err e;

    if (f->running) {
        if (now_ms - f->heard_ms > ATT_STALL_MS)
            flow_again(c, f, ERR_TIMEOUT);
        else if (f->opened && f->next == f->got && f->next < f->count)
            fill(c, f); /* the line was full */
        return;
    }
    if (now_ms < f->due_ms)
        return;
    memcpy(after, f->row.address, sizeof after);
    e = attach_live(c->n, way, had ? after : NULL, &f->row);
    if (e == ERR_NOT_FOUND && had)
        e = attach_live(c->n, way, NULL, &f->row);
    if (!e)
        flow_start(c, f);
    else if (e != ERR_NOT_FOUND)
        flow_again(c, f, e);
}

void att_work(struct courier *c)
{
    flow_work(c, &c->flow[ATT_OUT - 1], ATT_OUT);
    flow_work(c, &c->flow[ATT_IN - 1], ATT_IN);
}

bool att_progress(const struct courier *c, enum att_way way,
                  const uint8_t address[ATTACHMENT_ADDRESS_BYTES], uint32_t *chunks)
{
    const struct att_flow *f = c ? &c->flow[way - 1] : NULL;

    if (!f || !f->running || !f->opened ||
        memcmp(f->row.address, address, ATTACHMENT_ADDRESS_BYTES) != 0)
        return false;
    *chunks = f->got;
    return true;
}
