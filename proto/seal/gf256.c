#include "gf256.h"

#define REDUCE 0x1b /* x^8 = x^4 + x^3 + x + 1 */

uint8_t gf256_mul(uint8_t a, uint8_t b)
{
    unsigned sum = 0;
    unsigned power = a; /* a x^i */

    for (unsigned i = 0; i < 8; i++) {
        unsigned has = 0U - ((unsigned)(b >> i) & 1U); /* all ones, or none */
        unsigned over = 0U - ((power >> 7) & 1U);

        sum ^= power & has;
        power = ((power << 1) & 0xffU) ^ (over & REDUCE);
    }
    return (uint8_t)sum;
}

/* a^254: every element but 0 has order dividing 255. */
uint8_t gf256_inv(uint8_t a)
{
    uint8_t power = a;
    uint8_t result = 1;

    for (unsigned i = 1; i < 8; i++) {
        power = gf256_mul(power, power); /* a^(2^i) */
        result = gf256_mul(result, power);
    }
    return result;
}

uint8_t gf256_poly(const uint8_t *c, size_t n, uint8_t x)
{
    uint8_t value = 0;

    while (n > 0)
        value = gf256_mul(value, x) ^ c[--n];
    return value;
}

/* Lagrange: sum of y[i] times the product of x[j] / (x[j] - x[i]); minus is plus here. */
uint8_t gf256_at_zero(const uint8_t *x, const uint8_t *y, size_t n)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        uint8_t weight = 1;

        for (size_t j = 0; j < n; j++)
            if (j != i)
                weight = gf256_mul(weight, gf256_mul(x[j], gf256_inv(x[j] ^ x[i])));
        sum ^= gf256_mul(y[i], weight);
    }
    return sum;
}
