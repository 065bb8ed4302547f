/*
 * hkdf - HKDF-SHA256 (RFC 5869), which libsodium 1.0.18 does not have. Only hpke uses it.
 * Inputs come in parts that are read one after the other, so nobody has to join them.
 * Thread rule: pure functions, any thread.
 */
#ifndef RELAIS_SEAL_HKDF_H
#define RELAIS_SEAL_HKDF_H

#include "err.h"
#include "span.h"

#define HKDF_BYTES 32
#define HKDF_OUT_MAX ((size_t)255 * HKDF_BYTES)

void hkdf_extract(struct span salt, const struct span *ikm, size_t n, uint8_t prk[HKDF_BYTES]);
/* ERR_RANGE: out_len beyond HKDF_OUT_MAX; out is untouched. */
enum err hkdf_expand(const uint8_t prk[HKDF_BYTES], const struct span *info, size_t n, uint8_t *out,
                     size_t out_len);

#endif
