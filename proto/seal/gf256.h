/*
 * gf256 - the field of 256 elements (x^8 + x^4 + x^3 + x + 1) and polynomials over it, for
 * shares.c. No table and no branch depends on a value: the time says nothing of it. Thread rule:
 * pure functions.
 */
#ifndef RELAIS_SEAL_GF256_H
#define RELAIS_SEAL_GF256_H

#include <stddef.h>
#include <stdint.h>

uint8_t gf256_mul(uint8_t a, uint8_t b);
uint8_t gf256_inv(uint8_t a); /* of 0: 0 */
/* c[0] + c[1] x + ... + c[n - 1] x^(n - 1) */
uint8_t gf256_poly(const uint8_t *c, size_t n, uint8_t x);
/* At 0, the polynomial of degree below n through all (x[i], y[i]); x are distinct and not 0. */
uint8_t gf256_at_zero(const uint8_t *x, const uint8_t *y, size_t n);

#endif
