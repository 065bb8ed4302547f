/* HELLO, WELCOME, PING, ERR, JOIN, JOIN_STATE (PROTOCOL.md 11). */
#include "codec.h"

#define CREDIT_MAX UINT32_MAX
#define CODE_MAX 65535
#define OPENING_MAX 3500 /* a receipt without recipients */

void versions_read(struct reader *r, struct versions *v)
{
    v->n = rd_array_between(r, 1, VERSIONS_MAX);
    for (size_t i = 0; i < v->n; i++)
        v->v[i] = rd_u32(r, UINT16_MAX);
}

void versions_write(struct writer *w, const struct versions *v)
{
    wr_array(w, v->n);
    for (size_t i = 0; i < v->n; i++)
        wr_uint(w, v->v[i]);
}

void hello_read(struct reader *r, struct message *m)
{
    struct msg_hello *h = &m->hello;

    versions_read(r, &h->versions);
    rd_fixed(r, h->incarnation, sizeof h->incarnation);
    h->session = rd_uint_between(r, 1, UINT64_MAX);
    rd_fixed(r, h->nonce, sizeof h->nonce);
    rd_fixed(r, h->hub, sizeof h->hub);
    h->last_seq = rd_uint(r, UINT64_MAX);
    h->credit_messages = rd_u32(r, CREDIT_MAX);
    h->credit_bytes = rd_u32(r, CREDIT_MAX);
    rd_ckpt(r, &h->keys);
    h->epoch = rd_u32(r, EPOCH_MAX);
    rd_ckpt(r, &h->audit);
}

void hello_write(struct writer *w, const struct message *m)
{
    const struct msg_hello *h = &m->hello;

    versions_write(w, &h->versions);
    wr_bin(w, SPAN_OF(h->incarnation));
    wr_uint(w, h->session);
    wr_bin(w, SPAN_OF(h->nonce));
    wr_bin(w, SPAN_OF(h->hub));
    wr_uint(w, h->last_seq);
    wr_uint(w, h->credit_messages);
    wr_uint(w, h->credit_bytes);
    wr_ckpt(w, &h->keys);
    wr_uint(w, h->epoch);
    wr_ckpt(w, &h->audit);
}

void welcome_read(struct reader *r, struct message *m)
{
    struct msg_welcome *h = &m->welcome;

    h->version = rd_u32(r, UINT16_MAX);
    rd_fixed(r, h->federation, sizeof h->federation);
    rd_fixed(r, h->hub, sizeof h->hub);
    h->head_seq = rd_uint(r, UINT64_MAX);
    rd_ckpt(r, &h->keys);
    h->epoch = rd_u32(r, EPOCH_MAX);
    rd_ckpt(r, &h->audit);
    h->opening = rd_blob(r, 0, OPENING_MAX);
    h->time_ms = rd_uint(r, UINT64_MAX);
    h->acked_seq = rd_uint(r, UINT64_MAX);
}

void welcome_write(struct writer *w, const struct message *m)
{
    const struct msg_welcome *h = &m->welcome;

    wr_uint(w, h->version);
    wr_bin(w, SPAN_OF(h->federation));
    wr_bin(w, SPAN_OF(h->hub));
    wr_uint(w, h->head_seq);
    wr_ckpt(w, &h->keys);
    wr_uint(w, h->epoch);
    wr_ckpt(w, &h->audit);
    wr_bin(w, h->opening);
    wr_uint(w, h->time_ms);
    wr_uint(w, h->acked_seq);
}

void ping_read(struct reader *r, struct message *m)
{
    m->ping.seq = rd_uint(r, UINT64_MAX);
    m->ping.time_ms = rd_uint(r, UINT64_MAX);
    m->ping.keys_size = rd_uint(r, UINT64_MAX);
}

void ping_write(struct writer *w, const struct message *m)
{
    wr_uint(w, m->ping.seq);
    wr_uint(w, m->ping.time_ms);
    wr_uint(w, m->ping.keys_size);
}

/* nil; [n, head] for STALE_HEAD; [log, epoch, ckpt] for BEHIND; or the versions supported. */
static void extra_read(struct reader *r, struct msg_err *v)
{
    if (rd_skip_nil(r)) {
        v->extra = EXTRA_NONE;
    } else if (v->code == ERR_STALE_HEAD) {
        v->extra = EXTRA_HEAD;
        rd_array(r, 2);
        v->head_n = rd_uint(r, UINT64_MAX);
        rd_fixed(r, v->head, sizeof v->head);
    } else if (v->code == ERR_BEHIND) {
        v->extra = EXTRA_OWN;
        rd_array(r, 3);
        log_name_read(r, &v->own_log);
        rd_ckpt(r, &v->own);
    } else {
        v->extra = EXTRA_SUPPORTED;
        versions_read(r, &v->supported);
    }
}

static void extra_write(struct writer *w, const struct msg_err *v)
{
    switch (v->extra) {
    case EXTRA_NONE:
        wr_nil(w);
        break;
    case EXTRA_HEAD:
        wr_array(w, 2);
        wr_uint(w, v->head_n);
        wr_bin(w, SPAN_OF(v->head));
        break;
    case EXTRA_SUPPORTED:
        versions_write(w, &v->supported);
        break;
    case EXTRA_OWN:
        wr_array(w, 3);
        log_name_write(w, &v->own_log);
        wr_ckpt(w, &v->own);
        break;
    }
}

void err_message_read(struct reader *r, struct message *m)
{
    struct msg_err *v = &m->err;

    v->req = rd_uint(r, UINT64_MAX);
    v->code = rd_u32(r, CODE_MAX);
    v->about = rd_blob(r, 0, ID_BYTES);
    if (v->about.len != 0 && v->about.len != ID_BYTES)
        rd_fail(r, ERR_SIZE);
    v->receipt = rd_blob(r, 0, FRAME_MAX);
    extra_read(r, v);
}

void err_message_write(struct writer *w, const struct message *m)
{
    wr_uint(w, m->err.req);
    wr_uint(w, m->err.code);
    wr_bin(w, m->err.about);
    wr_bin(w, m->err.receipt);
    extra_write(w, &m->err);
}

void join_read(struct reader *r, struct message *m)
{
    versions_read(r, &m->join.versions);
    m->join.body = rd_blob(r, 1, STATEMENT_MAX);
    rd_fixed(r, m->join.possession, sizeof m->join.possession);
    rd_fixed(r, m->join.mac, sizeof m->join.mac);
}

void join_write(struct writer *w, const struct message *m)
{
    versions_write(w, &m->join.versions);
    wr_bin(w, m->join.body);
    wr_bin(w, SPAN_OF(m->join.possession));
    wr_bin(w, SPAN_OF(m->join.mac));
}

void join_state_read(struct reader *r, struct message *m)
{
    m->join_state.state = (enum join_state)rd_uint_between(r, JOIN_APPROVAL, JOIN_REFUSED);
    m->join_state.code = rd_u32(r, CODE_MAX);
    m->join_state.enrolment = rd_blob(r, 0, STATEMENT_MAX);
    m->join_state.genesis = rd_blob(r, 0, STATEMENT_MAX);
}

void join_state_write(struct writer *w, const struct message *m)
{
    wr_uint(w, m->join_state.state);
    wr_uint(w, m->join_state.code);
    wr_bin(w, m->join_state.enrolment);
    wr_bin(w, m->join_state.genesis);
}
