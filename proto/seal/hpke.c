#include "hpke.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "hkdf.h"
#include "secret.h"

#define NONCE_BYTES crypto_aead_chacha20poly1305_ietf_NPUBBYTES
#define MODE_BASE 0x00

static_assert(HPKE_TAG_BYTES == crypto_aead_chacha20poly1305_ietf_ABYTES, "a Poly1305 tag");
static_assert(KEY_BYTES == crypto_aead_chacha20poly1305_ietf_KEYBYTES, "a ChaCha20 key");

/* RFC 9180 7: DHKEM(X25519, HKDF-SHA256) is KEM 0x0020; KDF 0x0001, AEAD 0x0003. */
#define SUITE_KEM SPAN_STR("KEM\x00\x20")
#define SUITE_HPKE SPAN_STR("HPKE\x00\x20\x00\x01\x00\x03")
#define EMPTY ((struct span){NULL, 0})

/* Everything secret between the key agreement and the AEAD; wiped as one. */
struct schedule {
    uint8_t dh[KEY_BYTES];
    uint8_t prk[HKDF_BYTES];
    uint8_t shared[HKDF_BYTES];
    uint8_t context[1 + 2 * HKDF_BYTES]; /* mode || psk_id_hash || info_hash */
    uint8_t secret[HKDF_BYTES];
    uint8_t key[KEY_BYTES];
    uint8_t nonce[NONCE_BYTES];
};

/* RFC 9180 4: LabeledExtract */
static void extract(struct span salt, struct span suite, struct span label, struct span ikm,
                    uint8_t prk[HKDF_BYTES])
{
    const struct span parts[] = {SPAN_STR("HPKE-v1"), suite, label, ikm};

    hkdf_extract(salt, parts, sizeof parts / sizeof parts[0], prk);
}

/* RFC 9180 4: LabeledExpand */
static enum err expand(const uint8_t prk[HKDF_BYTES], struct span suite, struct span label,
                       struct span info, uint8_t *out, size_t n)
{
    const uint8_t be16[2] = {(uint8_t)(n >> 8), (uint8_t)n};
    const struct span parts[] = {SPAN_OF(be16), SPAN_STR("HPKE-v1"), suite, label, info};

    return hkdf_expand(prk, parts, sizeof parts / sizeof parts[0], out, n);
}

/* RFC 9180 4.1: ExtractAndExpand over dh with kem_context = enc || pkR */
static enum err kem_secret(struct schedule *s, const uint8_t enc[HPKE_ENC_BYTES],
                           const struct box_public *to)
{
    uint8_t context[HPKE_ENC_BYTES + KEY_BYTES];

    memcpy(context, enc, HPKE_ENC_BYTES);
    memcpy(context + HPKE_ENC_BYTES, to->b, KEY_BYTES);
    extract(EMPTY, SUITE_KEM, SPAN_STR("eae_prk"), SPAN_OF(s->dh), s->prk);
    return expand(s->prk, SUITE_KEM, SPAN_STR("shared_secret"), SPAN_OF(context), s->shared,
                  sizeof s->shared);
}

/* RFC 9180 5.1: KeySchedule of mode base, no PSK; sequence number 0, so nonce = base_nonce */
static enum err key_schedule(struct schedule *s, struct span info)
{
    enum err e;

    s->context[0] = MODE_BASE;
    extract(EMPTY, SUITE_HPKE, SPAN_STR("psk_id_hash"), EMPTY, s->context + 1);
    extract(EMPTY, SUITE_HPKE, SPAN_STR("info_hash"), info, s->context + 1 + HKDF_BYTES);
    extract(SPAN_OF(s->shared), SUITE_HPKE, SPAN_STR("secret"), EMPTY, s->secret);
    if ((e = expand(s->secret, SUITE_HPKE, SPAN_STR("key"), SPAN_OF(s->context), s->key,
                    sizeof s->key)))
        return e;
    return expand(s->secret, SUITE_HPKE, SPAN_STR("base_nonce"), SPAN_OF(s->context), s->nonce,
                  sizeof s->nonce);
}

/* mine is the ephemeral pair when sealing and the recipient's when opening */
static enum err agree(struct schedule *s, const struct secret32 *mine,
                      const struct box_public *theirs, const uint8_t enc[HPKE_ENC_BYTES],
                      const struct box_public *to, struct span info)
{
    enum err e;

    if ((e = x25519(mine, theirs, s->dh)))
        return e;
    if ((e = kem_secret(s, enc, to)))
        return e;
    return key_schedule(s, info);
}

enum err hpke_seal_with(const struct secret_box *ephemeral, const struct box_public *to,
                        struct span info, struct span aad, struct span plain,
                        uint8_t enc[HPKE_ENC_BYTES], uint8_t *sealed)
{
    struct schedule s;
    enum err e;

    if ((e = agree(&s, &ephemeral->sk, to, ephemeral->pk.b, to, info)))
        goto out;
    crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, plain.ptr, plain.len, aad.ptr, aad.len,
                                              NULL, s.nonce, s.key);
    memcpy(enc, ephemeral->pk.b, HPKE_ENC_BYTES);
out:
    sodium_memzero(&s, sizeof s);
    return e;
}

enum err hpke_seal(const struct box_public *to, struct span info, struct span aad,
                   struct span plain, const struct entropy *source, uint8_t enc[HPKE_ENC_BYTES],
                   uint8_t *sealed)
{
    struct secret_box *ephemeral = NULL;
    enum err e;

    if ((e = secret_box_generate(source, &ephemeral)))
        goto out;
    e = hpke_seal_with(ephemeral, to, info, aad, plain, enc, sealed);
out:
    secret_box_free(ephemeral);
    return e;
}

enum err hpke_open(const struct secret_box *key, const uint8_t enc[HPKE_ENC_BYTES],
                   struct span info, struct span aad, struct span sealed, uint8_t *plain)
{
    struct box_public point;
    struct schedule s;
    enum err e = ERR_OPEN;

    memcpy(point.b, enc, sizeof point.b);
    if (sealed.len < HPKE_TAG_BYTES)
        return ERR_OPEN;
    if (agree(&s, &key->sk, &point, enc, &key->pk, info))
        goto out;
    if (crypto_aead_chacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed.ptr, sealed.len,
                                                  aad.ptr, aad.len, s.nonce, s.key))
        goto out;
    e = ERR_OK;
out:
    sodium_memzero(&s, sizeof s);
    return e;
}
