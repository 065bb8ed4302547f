/* The length-hiding part of secretbox.h, apart because it has nothing to do with keys. */
#include "secretbox.h"

#include <assert.h>
#include <string.h>

#define PAD_MARK 0x80

/*
 * Padmé (PURBs, Nikitin et al. 2019): with E = floor(log2 n) and S = floor(log2 E) + 1, round up
 * to a multiple of 2^(E - S). Here n lies above 2^12 and not above 2^30 + 1, so E is 12..30, and
 * S is 4 below 16 and 5 from there on.
 */
static size_t padme_up(size_t n)
{
    unsigned exponent = 12;
    size_t mask;

    static_assert(PAD_BLOCK_LIMIT == 1 << 12 && PAD_PLAIN_MAX < (size_t)1 << 31, "E is 12..30");
    while (n >> (exponent + 1))
        exponent++;
    mask = ((size_t)1 << (exponent - (exponent < 16 ? 4 : 5))) - 1;
    return (n + mask) & ~mask;
}

size_t padded_len(size_t plain_len)
{
    size_t marked = plain_len + 1;

    if (plain_len > PAD_PLAIN_MAX)
        return 0;
    if (marked <= PAD_BLOCK_LIMIT)
        return (marked + PAD_BLOCK - 1) / PAD_BLOCK * PAD_BLOCK;
    return padme_up(marked);
}

enum err pad(struct span plain, struct bytes *out)
{
    size_t len = padded_len(plain.len);
    struct bytes padded = {0};
    enum err e;

    if (len == 0)
        return ERR_SIZE;
    if ((e = bytes_reserve(&padded, len)))
        return e;
    if (plain.len > 0)
        memcpy(padded.ptr, plain.ptr, plain.len);
    padded.ptr[plain.len] = PAD_MARK;
    memset(padded.ptr + plain.len + 1, 0, len - plain.len - 1);
    padded.len = len;
    seal_bytes_free(out);
    *out = padded;
    return ERR_OK;
}

static size_t equal_byte(uint8_t a, uint8_t b)
{
    return (((uint32_t)(a ^ b) - 1) >> 31) & 1;
}

/*
 * Reads the whole tail where a mark may stand, whatever it holds, so that time does not tell
 * where the payload ends. Only whether the padding is good is told.
 */
enum err unpad(struct span padded, size_t *plain_len)
{
    size_t tail = padded.len / 8 > PAD_BLOCK ? padded.len / 8 : PAD_BLOCK;
    size_t mark_at = 0, found = 0, bad = 0;

    if (tail > padded.len)
        return ERR_OPEN;
    for (size_t i = padded.len; i-- > padded.len - tail;) {
        size_t mark = equal_byte(padded.ptr[i], PAD_MARK);
        size_t zero = equal_byte(padded.ptr[i], 0);
        size_t first = mark & ~found;

        bad |= ~found & ~mark & ~zero & 1;
        mark_at |= i & (0 - (first & 1));
        found |= mark;
    }
    if (bad | (found ^ 1))
        return ERR_OPEN;
    if (padded_len(mark_at) != padded.len)
        return ERR_OPEN;
    *plain_len = mark_at;
    return ERR_OK;
}
