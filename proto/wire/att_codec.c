/* ATT_OPEN, ATT_STATE, ATT_PUT, ATT_GET, ATT_CHUNK, ATT_DONE (PROTOCOL.md 11). */
#include "attachment.h"
#include "codec.h"

static uint64_t number_read(struct reader *r, uint64_t max)
{
    uint64_t value = rd_uint(r, UINT64_MAX);

    if (value <= max)
        return value;
    rd_fail(r, ERR_FIELD_VALUE);
    return 0;
}

/* With size 0 there are no hashes, else one for each chunk. */
void att_open_read(struct reader *r, struct message *m)
{
    struct msg_att_open *a = &m->att_open;

    a->req = rd_uint(r, UINT64_MAX);
    rd_fixed(r, a->address, sizeof a->address);
    a->size = number_read(r, ATTACHMENT_SEALED_MAX);
    a->hashes = rd_blob(r, 0, ATTACHMENT_LIST_MAX);
    if (a->hashes.len != (size_t)attachment_chunks(a->size) * ATTACHMENT_HASH_BYTES ||
        (a->size > 0 && a->hashes.len == 0))
        rd_fail(r, ERR_SIZE);
}

void att_open_write(struct writer *w, const struct message *m)
{
    wr_uint(w, m->att_open.req);
    wr_bin(w, SPAN_OF(m->att_open.address));
    wr_uint(w, m->att_open.size);
    wr_bin(w, m->att_open.hashes);
}

void att_state_read(struct reader *r, struct message *m)
{
    struct msg_att_state *a = &m->att_state;

    a->req = rd_uint(r, UINT64_MAX);
    rd_fixed(r, a->address, sizeof a->address);
    a->size = number_read(r, ATTACHMENT_SEALED_MAX);
    a->next = (uint32_t)number_read(r, ATTACHMENT_CHUNKS_MAX);
    a->whole = rd_bool(r);
    a->hashes = rd_blob(r, 0, ATTACHMENT_LIST_MAX);
    if (a->hashes.len > 0 &&
        a->hashes.len != (size_t)attachment_chunks(a->size) * ATTACHMENT_HASH_BYTES)
        rd_fail(r, ERR_SIZE);
}

void att_state_write(struct writer *w, const struct message *m)
{
    wr_uint(w, m->att_state.req);
    wr_bin(w, SPAN_OF(m->att_state.address));
    wr_uint(w, m->att_state.size);
    wr_uint(w, m->att_state.next);
    wr_bool(w, m->att_state.whole);
    wr_bin(w, m->att_state.hashes);
}

void att_get_read(struct reader *r, struct message *m)
{
    att_done_read(r, m);
    m->att_chunk.i = (uint32_t)number_read(r, ATTACHMENT_CHUNKS_MAX - 1);
}

void att_get_write(struct writer *w, const struct message *m)
{
    att_done_write(w, m);
    wr_uint(w, m->att_chunk.i);
}

void att_chunk_read(struct reader *r, struct message *m)
{
    att_get_read(r, m);
    m->att_chunk.chunk = rd_blob(r, ATTACHMENT_TAG_BYTES + 1, ATTACHMENT_CHUNK);
}

void att_chunk_write(struct writer *w, const struct message *m)
{
    att_get_write(w, m);
    wr_bin(w, m->att_chunk.chunk);
}

void att_done_read(struct reader *r, struct message *m)
{
    m->att_chunk.req = rd_uint(r, UINT64_MAX);
    rd_fixed(r, m->att_chunk.address, sizeof m->att_chunk.address);
}

void att_done_write(struct writer *w, const struct message *m)
{
    wr_uint(w, m->att_chunk.req);
    wr_bin(w, SPAN_OF(m->att_chunk.address));
}
