#include "outrow.h"

#include <string.h>

#include "disclosure.h"
#include "meta.h"
#include "vault.h"

#define ROW_FIELDS 15
#define RECIPIENT_FIELDS 6
#define MARKS_MAX 1023

static enum err header_bytes(const struct env_header *h, struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    header_encode(&w, h);
    return wr_take(&w, out);
}

static void recipient_write(struct writer *w, const struct out_recipient *r)
{
    wr_array(w, RECIPIENT_FIELDS);
    wr_fixed(w, r->org, ID_BYTES);
    wr_uint(w, r->marks);
    wr_uint(w, r->delivered_ms);
    wr_uint(w, r->opened_ms);
    wr_uint(w, r->code);
    wr_uint(w, r->released_ms);
}

static void recipient_read(struct reader *r, struct out_recipient *out)
{
    rd_array(r, RECIPIENT_FIELDS);
    rd_fixed(r, out->org, ID_BYTES);
    out->marks = (unsigned)rd_uint(r, MARKS_MAX);
    out->delivered_ms = rd_uint(r, UINT64_MAX);
    out->opened_ms = rd_uint(r, UINT64_MAX);
    out->code = rd_u32(r, UINT32_MAX);
    out->released_ms = rd_uint(r, UINT64_MAX);
}

/* In the order of writing, whatever the clock did meanwhile. */
static struct span live_key(const struct out_row *row, uint8_t out[OUT_LIVE_BYTES])
{
    put_be64(out, row->header.seq);
    memcpy(out + 8, row->status.mid, ID_BYTES);
    return span_of(out, OUT_LIVE_BYTES);
}

static bool ended_for_all(const struct out_status *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (out_concerns(&s->to[i]) && (s->to[i].marks & ~(unsigned)OUT_RELEASED) == 0)
            return false;
    return true;
}

bool out_concerns(const struct out_recipient *r)
{
    return !r->is_deputy || (r->marks & OUT_RELEASED) != 0;
}

enum err out_row_put(struct node *n, struct txn *t, const struct out_row *row)
{
    const struct out_status *s = &row->status;
    struct bytes header = {0};
    struct span key = SPAN_OF(s->mid);
    uint8_t live[OUT_LIVE_BYTES];
    struct writer w;
    enum err e;

    if ((e = header_bytes(&row->header, &header)))
        return e;
    wr_init(&w);
    wr_array(&w, ROW_FIELDS);
    wr_uint(&w, (uint64_t)s->state);
    wr_uint(&w, s->code);
    wr_uint(&w, s->row);
    wr_uint(&w, s->made_ms);
    wr_uint(&w, s->accepted_ms);
    wr_fixed(&w, s->person, ID_BYTES);
    wr_bin(&w, bytes_span(&header));
    wr_bool(&w, row->find_consent);
    wr_bool(&w, row->find_notice);
    wr_fixed(&w, row->digest, DIGEST_BYTES);
    wr_uint(&w, (uint64_t)s->recall);
    wr_uint(&w, s->recall_reason);
    wr_uint(&w, s->recall_ms);
    wr_fixed(&w, s->recall_actor, ID_BYTES);
    wr_array(&w, s->count);
    for (size_t i = 0; i < s->count; i++)
        recipient_write(&w, &s->to[i]);
    bytes_free(&header);
    if ((e = row_put(n, t, TABLE_OUT, NULL, key, &w)))
        return e;
    if (s->state == OUT_ACCEPTED && ended_for_all(s)) {
        e = store_del(t, TABLE_OUT_SEALED, key);
        if (e && e != ERR_NOT_FOUND)
            return e;
    }
    if (s->state == OUT_TO_SEAL || (s->state == OUT_SEALED && s->recall != OUT_RECALL_ASKED))
        return store_put(t, TABLE_OUT_LIVE, live_key(row, live), span_text(""));
    e = store_del(t, TABLE_OUT_LIVE, live_key(row, live));
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static void from_header(struct out_status *s, const struct env_header *h)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct env_deputy *d = header_deputy(h, i);

        s->to[i].is_deputy = d != NULL;
        s->to[i].instead = d ? (size_t)d->instead : 0;
        s->to[i].after_s = d ? d->after_s : 0;
    }
    s->exp_ms = h->exp;
    s->type = h->type;
    s->class_mask = h->class_mask;
    s->basis = h->basis;
    s->urgent = h->prio == 1;
    memcpy(s->circle, h->circle, ID_BYTES);
    memcpy(s->actor, h->actor, ID_BYTES);
}

enum err out_row_decode(struct span key, struct span row, struct out_row *out)
{
    struct reader r = reader_over(row);
    struct out_status *s = &out->status;
    struct reader hr;
    struct span header;
    enum err e;

    memset(out, 0, sizeof *out);
    rd_array(&r, ROW_FIELDS);
    s->state = (enum out_state)rd_uint_between(&r, OUT_TO_SEAL, OUT_WITHDRAWN);
    s->code = rd_u32(&r, UINT32_MAX);
    s->row = rd_u32(&r, UINT32_MAX);
    s->made_ms = rd_uint(&r, UINT64_MAX);
    s->accepted_ms = rd_uint(&r, UINT64_MAX);
    rd_fixed(&r, s->person, ID_BYTES);
    header = rd_blob(&r, 1, HEADER_MAX);
    out->find_consent = rd_bool(&r);
    out->find_notice = rd_bool(&r);
    rd_fixed(&r, out->digest, DIGEST_BYTES);
    s->recall = (enum out_recall)rd_uint(&r, OUT_RECALL_LATE);
    s->recall_reason = rd_u32(&r, RECALL_REPLACED);
    s->recall_ms = rd_uint(&r, UINT64_MAX);
    rd_fixed(&r, s->recall_actor, ID_BYTES);
    s->count = rd_array_between(&r, 1, RECIPIENTS_MAX);
    for (size_t i = 0; i < s->count; i++)
        recipient_read(&r, &s->to[i]);
    if ((e = row_end(&r)))
        return e;
    hr = reader_over(header);
    if (key.len != ID_BYTES || header_decode(&hr, &out->header) || s->count != out->header.to_count)
        return ERR_CORRUPT;
    memcpy(s->mid, key.ptr, ID_BYTES);
    from_header(s, &out->header);
    return ERR_OK;
}

enum err out_row_get(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                     struct out_row *out)
{
    struct span key = span_of(mid, ID_BYTES);
    struct bytes row = {0};
    enum err e = vault_get(n->vault, t, TABLE_OUT, NULL, key, &row);

    if (!e)
        e = out_row_decode(key, bytes_span(&row), out);
    seal_bytes_free(&row);
    return e;
}

enum err out_row_end(struct node *n, struct txn *t, struct out_row *row, enum out_state state,
                     enum err why, uint32_t which)
{
    enum err e;

    row->status.state = state;
    row->status.code = (uint32_t)why;
    row->status.row = which;
    e = state == OUT_ACCEPTED ? ERR_OK /* kept until it has ended: the hub may be restored */
                              : store_del(t, TABLE_OUT_SEALED, SPAN_OF(row->status.mid));
    if (e && e != ERR_NOT_FOUND)
        return e;
    return out_row_put(n, t, row);
}

bool out_withheld(const struct out_status *s)
{
    return s->state == OUT_REFUSED && s->row != DISCLOSURE_ROWS;
}
