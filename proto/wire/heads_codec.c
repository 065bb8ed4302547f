/* HEADS, CONSISTENCY, CONSISTENCY_PROOF, COSIGN (PROTOCOL.md 10.4, 11). */
#include "codec.h"

#define LOG_KEYS_NUMBER 1
#define LOG_AUDIT_NUMBER 2
#define TIME_S_MAX INT64_MAX

static uint64_t time_read(struct reader *r)
{
    uint64_t time_s = rd_uint(r, UINT64_MAX);

    if (time_s > TIME_S_MAX)
        rd_fail(r, ERR_FIELD_VALUE);
    return time_s;
}

static void cosigned_read(struct reader *r, struct cosigned *c)
{
    if (rd_skip_nil(r))
        return;
    rd_array(r, 2);
    rd_ckpt(r, &c->head);
    c->n = rd_array_between(r, 1, WITNESSES_MAX);
    for (size_t i = 0; i < c->n && !rd_error(r); i++) {
        rd_array(r, 3);
        rd_fixed(r, c->by[i].node, sizeof c->by[i].node);
        c->by[i].time_s = time_read(r);
        rd_fixed(r, c->by[i].sig, sizeof c->by[i].sig);
    }
}

static void cosigned_write(struct writer *w, const struct cosigned *c)
{
    if (c->n == 0) {
        wr_nil(w);
        return;
    }
    wr_array(w, 2);
    wr_ckpt(w, &c->head);
    wr_array(w, c->n);
    for (size_t i = 0; i < c->n; i++) {
        wr_array(w, 3);
        wr_bin(w, SPAN_OF(c->by[i].node));
        wr_uint(w, c->by[i].time_s);
        wr_bin(w, SPAN_OF(c->by[i].sig));
    }
}

void heads_read(struct reader *r, struct message *m)
{
    struct msg_heads *h = &m->heads;

    h->epoch = rd_u32(r, EPOCH_MAX);
    rd_ckpt(r, &h->audit);
    rd_ckpt(r, &h->keys);
    cosigned_read(r, &h->audit_seen);
    cosigned_read(r, &h->keys_seen);
}

void heads_write(struct writer *w, const struct message *m)
{
    const struct msg_heads *h = &m->heads;

    wr_uint(w, h->epoch);
    wr_ckpt(w, &h->audit);
    wr_ckpt(w, &h->keys);
    cosigned_write(w, &h->audit_seen);
    cosigned_write(w, &h->keys_seen);
}

/* The keys log has no epochs. */
void log_name_read(struct reader *r, struct log_name *of)
{
    of->log = rd_u32(r, UINT16_MAX);
    of->epoch = rd_u32(r, EPOCH_MAX);
    if (!(of->log == LOG_KEYS_NUMBER && of->epoch == 0) &&
        !(of->log == LOG_AUDIT_NUMBER && of->epoch > 0))
        rd_fail(r, ERR_FIELD_VALUE);
}

void log_name_write(struct writer *w, const struct log_name *of)
{
    wr_uint(w, of->log);
    wr_uint(w, of->epoch);
}

void consistency_read(struct reader *r, struct message *m)
{
    struct msg_consistency *q = &m->consistency;

    q->req = rd_uint(r, UINT64_MAX);
    log_name_read(r, &q->of);
    q->from = rd_uint(r, UINT64_MAX);
    q->to = rd_uint(r, UINT64_MAX);
}

void consistency_write(struct writer *w, const struct message *m)
{
    wr_uint(w, m->consistency.req);
    log_name_write(w, &m->consistency.of);
    wr_uint(w, m->consistency.from);
    wr_uint(w, m->consistency.to);
}

void consistency_proof_read(struct reader *r, struct message *m)
{
    struct msg_consistency_proof *p = &m->consistency_proof;

    p->req = rd_uint(r, UINT64_MAX);
    log_name_read(r, &p->of);
    p->from = rd_uint(r, UINT64_MAX);
    p->to = rd_uint(r, UINT64_MAX);
    p->n = rd_array_between(r, 0, CONSISTENCY_HASHES_MAX);
    for (size_t i = 0; i < p->n; i++)
        rd_fixed(r, p->hash[i], sizeof p->hash[i]);
}

void consistency_proof_write(struct writer *w, const struct message *m)
{
    const struct msg_consistency_proof *p = &m->consistency_proof;

    wr_uint(w, p->req);
    log_name_write(w, &p->of);
    wr_uint(w, p->from);
    wr_uint(w, p->to);
    wr_array(w, p->n);
    for (size_t i = 0; i < p->n; i++)
        wr_bin(w, SPAN_OF(p->hash[i]));
}

void cosign_read(struct reader *r, struct message *m)
{
    struct msg_cosign *c = &m->cosign;

    c->req = rd_uint(r, UINT64_MAX);
    log_name_read(r, &c->of);
    c->size = rd_uint(r, UINT64_MAX);
    rd_fixed(r, c->root, sizeof c->root);
    c->time_s = time_read(r);
    rd_fixed(r, c->sig, sizeof c->sig);
}

void cosign_write(struct writer *w, const struct message *m)
{
    const struct msg_cosign *c = &m->cosign;

    wr_uint(w, c->req);
    log_name_write(w, &c->of);
    wr_uint(w, c->size);
    wr_bin(w, SPAN_OF(c->root));
    wr_uint(w, c->time_s);
    wr_bin(w, SPAN_OF(c->sig));
}
