#include "ckpt.h"

void rd_ckpt(struct reader *r, struct ckpt *out)
{
    rd_array(r, 3);
    out->size = rd_uint(r, UINT64_MAX);
    rd_fixed(r, out->root, sizeof out->root);
    rd_fixed(r, out->sig, sizeof out->sig);
}

void wr_ckpt(struct writer *w, const struct ckpt *c)
{
    wr_array(w, 3);
    wr_uint(w, c->size);
    wr_bin(w, SPAN_OF(c->root));
    wr_bin(w, SPAN_OF(c->sig));
}
