/* PUT, RECEIPT, DELIVER, ACK, REPORT, DECLARE, KEYS_PUT and the pages (PROTOCOL.md 11). */
#include "codec.h"

#define SIG_BYTES_WIRE 64

void put_read(struct reader *r, struct message *m)
{
    m->put.req = rd_uint(r, UINT64_MAX);
    m->put.envelope = rd_blob(r, 1, MESSAGE_ENVELOPE_MAX);
}

void put_write(struct writer *w, const struct message *m)
{
    wr_uint(w, m->put.req);
    wr_bin(w, m->put.envelope);
}

void receipt_message_read(struct reader *r, struct message *m)
{
    m->receipt.req = rd_uint(r, UINT64_MAX);
    m->receipt.receipt = rd_blob(r, 1, FRAME_MAX);
}

void receipt_message_write(struct writer *w, const struct message *m)
{
    wr_uint(w, m->receipt.req);
    wr_bin(w, m->receipt.receipt);
}

void deliver_read(struct reader *r, struct message *m)
{
    struct msg_deliver *d = &m->deliver;

    d->seq = rd_uint_between(r, 1, UINT64_MAX);
    d->previous = rd_uint(r, UINT64_MAX);
    d->kind = (enum deliver_kind)rd_uint_between(r, DELIVER_ENVELOPE, DELIVER_RECEIPT);
    d->item = rd_blob(r, 0, MESSAGE_ENVELOPE_MAX);
    d->receipt = rd_blob(r, 0, FRAME_MAX);
}

void deliver_write(struct writer *w, const struct message *m)
{
    const struct msg_deliver *d = &m->deliver;

    wr_uint(w, d->seq);
    wr_uint(w, d->previous);
    wr_uint(w, d->kind);
    wr_bin(w, d->item);
    wr_bin(w, d->receipt);
}

void ack_read(struct reader *r, struct message *m)
{
    struct msg_ack *a = &m->ack;
    struct span sig;

    a->upto = rd_uint(r, UINT64_MAX);
    a->count = rd_u32(r, UINT32_MAX);
    rd_fixed(r, a->root, sizeof a->root);
    a->credit_messages = rd_u32(r, UINT32_MAX);
    a->credit_bytes = rd_u32(r, UINT32_MAX);
    sig = rd_blob(r, 0, SIG_BYTES_WIRE);
    if (sig.len != 0 && sig.len != SIG_BYTES_WIRE)
        rd_fail(r, ERR_SIZE);
    a->is_signed = sig.len == SIG_BYTES_WIRE;
    for (size_t i = 0; i < sig.len && i < sizeof a->sig; i++)
        a->sig[i] = sig.ptr[i];
}

void ack_write(struct writer *w, const struct message *m)
{
    const struct msg_ack *a = &m->ack;

    wr_uint(w, a->upto);
    wr_uint(w, a->count);
    wr_bin(w, SPAN_OF(a->root));
    wr_uint(w, a->credit_messages);
    wr_uint(w, a->credit_bytes);
    wr_bin(w, span_of(a->sig, a->is_signed ? sizeof a->sig : 0));
}

void statement_read(struct reader *r, struct message *m)
{
    m->statement.req = rd_uint(r, UINT64_MAX);
    m->statement.ss = rd_blob(r, 1, STATEMENT_MAX);
}

void statement_write(struct writer *w, const struct message *m)
{
    wr_uint(w, m->statement.req);
    wr_bin(w, m->statement.ss);
}

void chain_read(struct reader *r, struct message *m)
{
    m->chain.req = rd_uint(r, UINT64_MAX);
    rd_fixed(r, m->chain.circle, sizeof m->chain.circle);
    m->chain.from = rd_uint(r, UINT64_MAX);
}

void chain_write(struct writer *w, const struct message *m)
{
    wr_uint(w, m->chain.req);
    wr_bin(w, SPAN_OF(m->chain.circle));
    wr_uint(w, m->chain.from);
}

static size_t page_read(struct reader *r, struct span *ss)
{
    size_t n = rd_array_between(r, 0, PAGE_ITEMS_MAX);

    for (size_t i = 0; i < n; i++)
        ss[i] = rd_blob(r, 1, STATEMENT_MAX);
    return n;
}

static void page_write(struct writer *w, const struct span *ss, size_t n)
{
    wr_array(w, n);
    for (size_t i = 0; i < n; i++)
        wr_bin(w, ss[i]);
}

void chain_page_read(struct reader *r, struct message *m)
{
    struct msg_chain_page *p = &m->chain_page;

    p->req = rd_uint(r, UINT64_MAX);
    rd_fixed(r, p->circle, sizeof p->circle);
    p->from = rd_uint(r, UINT64_MAX);
    p->total = rd_uint(r, UINT64_MAX);
    p->n = page_read(r, p->ss);
}

void chain_page_write(struct writer *w, const struct message *m)
{
    const struct msg_chain_page *p = &m->chain_page;

    wr_uint(w, p->req);
    wr_bin(w, SPAN_OF(p->circle));
    wr_uint(w, p->from);
    wr_uint(w, p->total);
    page_write(w, p->ss, p->n);
}

void keys_read(struct reader *r, struct message *m)
{
    m->keys.req = rd_uint(r, UINT64_MAX);
    m->keys.from = rd_uint(r, UINT64_MAX);
}

void keys_write(struct writer *w, const struct message *m)
{
    wr_uint(w, m->keys.req);
    wr_uint(w, m->keys.from);
}

void keys_page_read(struct reader *r, struct message *m)
{
    struct msg_keys_page *p = &m->keys_page;

    p->req = rd_uint(r, UINT64_MAX);
    p->from = rd_uint(r, UINT64_MAX);
    p->n = page_read(r, p->ss);
    rd_ckpt(r, &p->head);
}

void keys_page_write(struct writer *w, const struct message *m)
{
    const struct msg_keys_page *p = &m->keys_page;

    wr_uint(w, p->req);
    wr_uint(w, p->from);
    page_write(w, p->ss, p->n);
    wr_ckpt(w, &p->head);
}
