#include "rowsum.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL UINT32_C(0x82f63b78) /* Castagnoli, reflected */
#define LANES 8

static uint32_t lane[LANES][256];
static pthread_once_t made = PTHREAD_ONCE_INIT;
static bool by_processor;

static void make(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;

        for (int bit = 0; bit < 8; bit++)
            c = c >> 1 ^ (c & 1 ? POLYNOMIAL : 0);
        lane[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int n = 1; n < LANES; n++)
            lane[n][i] = lane[n - 1][i] >> 8 ^ lane[0][lane[n - 1][i] & 0xff];
#ifdef __x86_64__
    by_processor = __builtin_cpu_supports("sse4.2") != 0;
#endif
}

static uint32_t plain(uint32_t crc, const uint8_t *p, size_t n)
{
    for (; n >= LANES; n -= LANES, p += LANES) {
        uint32_t low =
            crc ^ (p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);

        crc = lane[7][low & 0xff] ^ lane[6][low >> 8 & 0xff] ^ lane[5][low >> 16 & 0xff] ^
              lane[4][low >> 24] ^ lane[3][p[4]] ^ lane[2][p[5]] ^ lane[1][p[6]] ^ lane[0][p[7]];
    }
    for (; n; n--)
        crc = crc >> 8 ^ lane[0][(crc ^ *p++) & 0xff];
    return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t fast(uint32_t crc, const uint8_t *p, size_t n)
{
    uint64_t c = crc;
    uint64_t word;

    for (; n >= sizeof word; n -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        c = __builtin_ia32_crc32di(c, word);
    }
    crc = (uint32_t)c;
    for (; n; n--)
        crc = __builtin_ia32_crc32qi(crc, *p++);
    return crc;
}
#else
static uint32_t fast(uint32_t crc, const uint8_t *p, size_t n)
{
    return plain(crc, p, n);
}
#endif

uint32_t rowsum_plain(uint32_t crc, struct span bytes)
{
    pthread_once(&made, make);
    return ~plain(~crc, bytes.ptr, bytes.len);
}

uint32_t rowsum_fast(uint32_t crc, struct span bytes)
{
    pthread_once(&made, make);
    return by_processor ? ~fast(~crc, bytes.ptr, bytes.len) : rowsum_plain(crc, bytes);
}

uint32_t rowsum_seed(const char *table)
{
    return rowsum_fast(0, span_text(table));
}

uint32_t rowsum_of(uint32_t seed, struct span key, struct span value)
{
    const uint8_t len = (uint8_t)key.len; /* where the key ends is part of it */

    return rowsum_fast(rowsum_fast(rowsum_fast(seed, span_of(&len, 1)), key), value);
}

void rowsum_write(uint32_t sum, uint8_t out[ROWSUM_BYTES])
{
    for (int i = 0; i < ROWSUM_BYTES; i++, sum >>= 8)
        out[i] = (uint8_t)sum;
}

uint32_t rowsum_read(const uint8_t in[ROWSUM_BYTES])
{
    return in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}
