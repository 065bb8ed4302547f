/*
 * ckpt - a log's signed head in its short wire form: [size, root, sig] (PROTOCOL.md 10.1). The
 * signature is the log's over the C2SP note text that origin, size and root give.
 * Thread rule: plain data.
 */
#ifndef RELAIS_CKPT_H
#define RELAIS_CKPT_H

#include <stdint.h>

#include "reader.h"
#include "writer.h"

struct ckpt {
    uint64_t size;
    uint8_t root[32];
    uint8_t sig[64];
};

void rd_ckpt(struct reader *r, struct ckpt *out);
void wr_ckpt(struct writer *w, const struct ckpt *c);

#endif
