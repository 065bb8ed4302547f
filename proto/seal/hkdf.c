#include "hkdf.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static_assert(HKDF_BYTES == crypto_auth_hmacsha256_BYTES, "HMAC-SHA256");

/* An empty span may have no address, which libsodium's prototypes exclude. */
static const uint8_t *address(struct span s)
{
    static const uint8_t nothing[1];

    return s.ptr ? s.ptr : nothing;
}

static void hmac_parts(crypto_auth_hmacsha256_state *h, const struct span *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        crypto_auth_hmacsha256_update(h, address(parts[i]), parts[i].len);
}

void hkdf_extract(struct span salt, const struct span *ikm, size_t n, uint8_t prk[HKDF_BYTES])
{
    crypto_auth_hmacsha256_state h;

    crypto_auth_hmacsha256_init(&h, address(salt), salt.len);
    hmac_parts(&h, ikm, n);
    crypto_auth_hmacsha256_final(&h, prk);
    sodium_memzero(&h, sizeof h);
}

enum err hkdf_expand(const uint8_t prk[HKDF_BYTES], const struct span *info, size_t n, uint8_t *out,
                     size_t out_len)
{
    crypto_auth_hmacsha256_state h;
    uint8_t block[HKDF_BYTES];
    uint8_t counter = 0;

    if (out_len > HKDF_OUT_MAX)
        return ERR_RANGE;
    for (size_t done = 0, step; done < out_len; done += step) {
        crypto_auth_hmacsha256_init(&h, prk, HKDF_BYTES);
        if (done > 0)
            crypto_auth_hmacsha256_update(&h, block, sizeof block);
        hmac_parts(&h, info, n);
        counter++;
        crypto_auth_hmacsha256_update(&h, &counter, 1);
        crypto_auth_hmacsha256_final(&h, block);
        step = out_len - done < sizeof block ? out_len - done : sizeof block;
        memcpy(out + done, block, step);
    }
    sodium_memzero(&h, sizeof h);
    sodium_memzero(block, sizeof block);
    return ERR_OK;
}
