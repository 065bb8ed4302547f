#include "core.h"

void be64_write(uint64_t v, uint8_t *p)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        p[i] = (uint8_t)v;
}

void be32_write(uint32_t v, uint8_t *p)
{
    for (int i = 3; i >= 0; i--, v >>= 8)
        p[i] = (uint8_t)v;
}

uint64_t be64_read(const uint8_t *p)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

uint32_t be32_read(const uint8_t *p)
{
    uint32_t v = 0;

    for (int i = 0; i < 4; i++)
        v = v << 8 | p[i];
    return v;
}

struct span key_u64(uint64_t v, uint8_t buf[8])
{
    be64_write(v, buf);
    return span_of(buf, 8);
}

struct span key_u32(uint32_t v, uint8_t buf[4])
{
    be32_write(v, buf);
    return span_of(buf, 4);
}
