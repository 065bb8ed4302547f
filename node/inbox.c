/* Rows of received envelopes (intake.h). */
#include "inbox.h"

#include <string.h>

#include "bell.h"
#include "meta.h"
#include "vault.h"

#define ROW_FIELDS 23

void in_key(const uint8_t mid[ID_BYTES], const uint8_t from[ID_BYTES], uint8_t key[IN_KEY_BYTES])
{
    memcpy(key, mid, ID_BYTES);
    memcpy(key + ID_BYTES, from, ID_BYTES);
}

const uint8_t *in_person(const struct in_status *s)
{
    static const uint8_t nobody[ID_BYTES];

    return memcmp(s->person, nobody, ID_BYTES) == 0 ? NULL : s->person;
}

enum err in_put(struct node *n, struct txn *t, const struct in_status *s)
{
    uint8_t key[IN_KEY_BYTES];
    struct writer w;

    in_key(s->mid, s->from, key);
    wr_init(&w);
    wr_array(&w, ROW_FIELDS);
    wr_uint(&w, (uint64_t)s->state);
    wr_uint(&w, s->code);
    wr_uint(&w, s->step);
    wr_uint(&w, s->received_ms);
    wr_uint(&w, s->accepted_ms);
    wr_uint(&w, s->opened_ms);
    wr_uint(&w, s->seq);
    wr_uint(&w, s->type);
    wr_uint(&w, s->class_mask);
    wr_uint(&w, s->basis);
    wr_uint(&w, s->ts_ms);
    wr_uint(&w, s->exp_ms);
    wr_bool(&w, s->urgent);
    wr_bool(&w, s->has_re);
    wr_fixed(&w, s->re, ID_BYTES);
    wr_fixed(&w, s->circle, ID_BYTES);
    wr_fixed(&w, s->person, ID_BYTES);
    wr_fixed(&w, s->digest, DIGEST_BYTES);
    wr_uint(&w, (uint64_t)s->ended);
    wr_uint(&w, s->ended_ms);
    wr_bool(&w, s->as_deputy);
    wr_fixed(&w, s->deputed, ID_BYTES);
    wr_uint(&w, s->deputed_ms);
    return row_put(n, t, TABLE_IN, NULL, SPAN_OF(key), &w);
}

static enum err in_decode(struct span key, struct span row, struct in_status *out)
{
    struct reader r = reader_over(row);
    struct in_status s = {0};
    enum err e;

    rd_array(&r, ROW_FIELDS);
    s.state = (enum in_state)rd_uint_between(&r, IN_RECEIVED, IN_WITHHELD);
    s.code = rd_u32(&r, UINT32_MAX);
    s.step = rd_u32(&r, STEP_CIRCLE);
    s.received_ms = rd_uint(&r, UINT64_MAX);
    s.accepted_ms = rd_uint(&r, UINT64_MAX);
    s.opened_ms = rd_uint(&r, UINT64_MAX);
    s.seq = rd_uint(&r, UINT64_MAX);
    s.type = rd_uint(&r, UINT64_MAX);
    s.class_mask = rd_uint(&r, UINT64_MAX);
    s.basis = rd_uint(&r, UINT64_MAX);
    s.ts_ms = rd_uint(&r, UINT64_MAX);
    s.exp_ms = rd_uint(&r, UINT64_MAX);
    s.urgent = rd_bool(&r);
    s.has_re = rd_bool(&r);
    rd_fixed(&r, s.re, ID_BYTES);
    rd_fixed(&r, s.circle, ID_BYTES);
    rd_fixed(&r, s.person, ID_BYTES);
    rd_fixed(&r, s.digest, DIGEST_BYTES);
    s.ended = (enum audit_type)rd_uint(&r, AUDIT_HELD);
    s.ended_ms = rd_uint(&r, UINT64_MAX);
    s.as_deputy = rd_bool(&r);
    rd_fixed(&r, s.deputed, ID_BYTES);
    s.deputed_ms = rd_uint(&r, UINT64_MAX);
    if ((e = row_end(&r)))
        return e;
    if (key.len != IN_KEY_BYTES)
        return ERR_CORRUPT;
    memcpy(s.mid, key.ptr, ID_BYTES);
    memcpy(s.from, key.ptr + ID_BYTES, ID_BYTES);
    *out = s;
    return ERR_OK;
}

enum err inbox_get(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                   const uint8_t from[ID_BYTES], struct in_status *out)
{
    uint8_t key[IN_KEY_BYTES];
    struct bytes row = {0};
    enum err e;

    in_key(mid, from, key);
    e = vault_get(n->vault, t, TABLE_IN, NULL, SPAN_OF(key), &row);
    if (!e)
        e = in_decode(SPAN_OF(key), bytes_span(&row), out);
    seal_bytes_free(&row);
    return e;
}

struct in_visit {
    enum err (*visit)(void *arg, const struct in_status *s);
    void *arg;
};

static enum err in_one(void *arg, struct span key, struct span row)
{
    struct in_visit *v = arg;
    struct in_status s;
    enum err e = in_decode(key, row, &s);

    return e ? e : v->visit(v->arg, &s);
}

enum err inbox_each(struct node *n, struct txn *t,
                    enum err (*visit)(void *arg, const struct in_status *s), void *arg)
{
    struct in_visit v = {visit, arg};

    return vault_scan(n->vault, t, TABLE_IN, span_text(""), span_text(""), SIZE_MAX, in_one, &v);
}

static enum err why_not(const struct in_status *s)
{
    switch (s->state) {
    case IN_RECEIVED:
        return ERR_OK;
    case IN_HELD:
        return ERR_AGAIN;
    case IN_QUARANTINED:
        return ERR_QUARANTINED;
    case IN_UNREADABLE:
        return ERR_OPEN;
    case IN_RECALLED:
        return ERR_RECALLED;
    case IN_REFUSED:
    case IN_LAPSED:
    case IN_WITHHELD:
        break;
    }
    return s->code ? (enum err)s->code : ERR_STATE;
}

enum err inbox_payload(struct node *n, struct txn *t, const struct in_status *s, struct bytes *out)
{
    uint8_t key[IN_KEY_BYTES];
    enum err e = why_not(s);

    if (e)
        return e;
    in_key(s->mid, s->from, key);
    return vault_get(n->vault, t, TABLE_IN_BODY, in_person(s), SPAN_OF(key), out);
}

enum err inbox_opened(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                      const uint8_t from[ID_BYTES], const uint8_t actor[ID_BYTES])
{
    struct in_status s;
    enum err e;

    if ((e = inbox_get(n, t, mid, from, &s)) || (e = why_not(&s)))
        return e;
    if (s.opened_ms)
        return ERR_OK;
    s.opened_ms = node_now_ms(n);
    if ((e = bell_over(n, t, &s)))
        return e;
    if ((e = report_add(n, t, AUDIT_OPENED, &s, ERR_OK, actor)))
        return e;
    return in_put(n, t, &s);
}

/* --- evidence -------------------------------------------------------------------------------- */

#define PROOF_FIELDS 7

struct proof {
    struct span hdr, rcp, com, sig, ct, mk, receipt;
};

/* Borrows from *row, which the caller wipes. */
static enum err proof_get(struct node *n, struct txn *t, const struct in_status *s,
                          struct bytes *row, struct proof *out)
{
    uint8_t key[IN_KEY_BYTES];
    struct reader r;
    enum err e;

    in_key(s->mid, s->from, key);
    if ((e = vault_get(n->vault, t, TABLE_IN_PROOF, in_person(s), SPAN_OF(key), row)))
        return e;
    r = reader_over(bytes_span(row));
    rd_array(&r, PROOF_FIELDS);
    out->hdr = rd_blob(&r, 0, HEADER_MAX);
    out->rcp = rd_blob(&r, 0, ENVELOPE_MAX);
    out->com = rd_blob(&r, 0, ENVELOPE_MAX);
    out->sig = rd_blob(&r, 0, BATCH_SIG_MAX);
    out->ct = rd_blob(&r, 0, DIGEST_BYTES);
    out->mk = rd_blob(&r, 0, ENVELOPE_MAX);
    out->receipt = rd_blob(&r, 0, RECEIPT_MAX);
    return row_end(&r);
}

static enum err proof_write(struct node *n, struct txn *t, const struct in_status *s,
                            const struct proof *p)
{
    uint8_t key[IN_KEY_BYTES];
    struct writer w;

    in_key(s->mid, s->from, key);
    wr_init(&w);
    wr_array(&w, PROOF_FIELDS);
    wr_bin(&w, p->hdr);
    wr_bin(&w, p->rcp);
    wr_bin(&w, p->com);
    wr_bin(&w, p->sig);
    wr_bin(&w, p->ct);
    wr_bin(&w, p->mk);
    wr_bin(&w, p->receipt);
    return row_put(n, t, TABLE_IN_PROOF, in_person(s), SPAN_OF(key), &w);
}

enum err proof_put(struct node *n, struct txn *t, const struct in_status *s,
                   const struct received *r, struct span receipt)
{
    struct proof p = {.hdr = r->view.hdr,
                      .rcp = r->view.rcp,
                      .com = r->view.com,
                      .sig = r->view.sig,
                      .mk = r->mk ? secret32_span(r->mk) : span_text(""),
                      .receipt = receipt};
    uint8_t ct[DIGEST_BYTES];
    enum err e = digest_of("relais/env1/ct", r->view.ct, ct, DIGEST_512);

    p.ct = SPAN_OF(ct);
    return e ? e : proof_write(n, t, s, &p);
}

enum err proof_header(struct node *n, struct txn *t, const struct in_status *s, struct bytes *row,
                      struct env_header *out)
{
    struct proof p;
    struct reader r;
    enum err e = proof_get(n, t, s, row, &p);

    if (e)
        return e;
    r = reader_over(p.hdr);
    return header_decode(&r, out) ? ERR_CORRUPT : ERR_OK;
}

enum err content_destroy(struct node *n, struct txn *t, const struct in_status *s)
{
    uint8_t key[IN_KEY_BYTES];
    struct bytes row = {0};
    struct proof p;
    enum err e;

    in_key(s->mid, s->from, key);
    if ((e = store_del(t, TABLE_IN_BODY, SPAN_OF(key))) && e != ERR_NOT_FOUND)
        return e;
    if ((e = store_del(t, TABLE_IN_HELD, SPAN_OF(key))) && e != ERR_NOT_FOUND)
        return e;
    e = proof_get(n, t, s, &row, &p);
    if (!e) {
        p.mk = span_text("");
        e = proof_write(n, t, s, &p);
    }
    seal_bytes_free(&row);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err inbox_receipt(struct node *n, struct txn *t, const struct in_status *s, struct bytes *out)
{
    struct bytes row = {0};
    struct proof p;
    enum err e = proof_get(n, t, s, &row, &p);

    if (!e)
        e = bytes_copy(out, p.receipt);
    seal_bytes_free(&row);
    return e;
}
