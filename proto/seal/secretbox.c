#include "secretbox.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "digest.h"
#include "secret.h"

static_assert(AEAD_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
static_assert(AEAD_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
static_assert(AEAD_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");
static_assert(AEAD_KEY_BYTES == KEY_BYTES && KEY_BYTES == crypto_kdf_KEYBYTES, "one key size");
static_assert(KDF_CONTEXT_BYTES == crypto_kdf_CONTEXTBYTES, "context");

#define RECORD_HEAD_BYTES 5 /* version || be32 key id */
#define RECORD_TEXT_AT (RECORD_HEAD_BYTES + AEAD_NONCE_BYTES)

void aead_seal(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
               struct span aad, struct span plain, uint8_t *out)
{
    crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain.ptr, plain.len, aad.ptr, aad.len,
                                               NULL, nonce, key);
}

enum err aead_open(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
                   struct span aad, struct span sealed, uint8_t *out)
{
    if (sealed.len < AEAD_TAG_BYTES)
        return ERR_OPEN;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.ptr, sealed.len, aad.ptr,
                                                   aad.len, nonce, key))
        return ERR_OPEN;
    return ERR_OK;
}

/* What the tag covers: version || key id || aad */
struct record_aad {
    uint8_t b[RECORD_HEAD_BYTES + RECORD_AAD_MAX];
    size_t len;
};

static struct span record_aad_join(struct record_aad *j, const uint8_t *head, struct span aad)
{
    memcpy(j->b, head, RECORD_HEAD_BYTES);
    if (aad.len > 0)
        memcpy(j->b + RECORD_HEAD_BYTES, aad.ptr, aad.len);
    j->len = RECORD_HEAD_BYTES + aad.len;
    return (struct span){j->b, j->len};
}

enum err record_seal(const struct secret32 *key, uint32_t key_id, struct span aad,
                     struct span plain, const struct entropy *source, struct bytes *out)
{
    struct bytes record = {0};
    struct record_aad joined;
    uint8_t *nonce;
    enum err e;

    if (plain.len > RECORD_PLAIN_MAX || aad.len > RECORD_AAD_MAX)
        return ERR_SIZE;
    if ((e = bytes_reserve(&record, RECORD_OVERHEAD + plain.len)))
        goto out;
    record.len = RECORD_OVERHEAD + plain.len;
    record.ptr[0] = RECORD_VERSION;
    for (size_t i = 0; i < 4; i++)
        record.ptr[1 + i] = (uint8_t)(key_id >> (8 * (3 - i)));
    nonce = record.ptr + RECORD_HEAD_BYTES;
    if ((e = entropy_fill(source, nonce, AEAD_NONCE_BYTES)))
        goto out;
    aead_seal(key->b, nonce, record_aad_join(&joined, record.ptr, aad), plain,
              record.ptr + RECORD_TEXT_AT);
    bytes_free(out);
    *out = record;
    record = (struct bytes){0};
out:
    bytes_free(&record);
    return e;
}

enum err record_key_id(struct span record, uint32_t *key_id)
{
    uint32_t id = 0;

    if (record.len < RECORD_OVERHEAD)
        return ERR_OPEN;
    if (record.ptr[0] != RECORD_VERSION)
        return ERR_VERSION;
    for (size_t i = 0; i < 4; i++)
        id = id << 8 | record.ptr[1 + i];
    *key_id = id;
    return ERR_OK;
}

enum err record_open(const struct secret32 *key, struct span aad, struct span record,
                     struct bytes *out)
{
    struct bytes plain = {0};
    struct record_aad joined;
    struct span sealed;
    uint32_t key_id;
    enum err e;

    if ((e = record_key_id(record, &key_id)))
        return e;
    if (record.len > RECORD_OVERHEAD + RECORD_PLAIN_MAX || aad.len > RECORD_AAD_MAX)
        return ERR_OPEN;
    sealed = (struct span){record.ptr + RECORD_TEXT_AT, record.len - RECORD_TEXT_AT};
    if ((e = bytes_reserve(&plain, record.len - RECORD_OVERHEAD)))
        goto out;
    plain.len = record.len - RECORD_OVERHEAD;
    if ((e = aead_open(key->b, record.ptr + RECORD_HEAD_BYTES,
                       record_aad_join(&joined, record.ptr, aad), sealed, plain.ptr)))
        goto out;
    seal_bytes_free(out);
    *out = plain;
    plain = (struct bytes){0};
out:
    seal_bytes_free(&plain);
    return e;
}

enum err kdf_derive(const struct secret32 *master, uint64_t id,
                    const char context[KDF_CONTEXT_BYTES], struct secret32 **out)
{
    struct secret32 *s = NULL;
    enum err e;

    if ((e = secret32_new(&s)))
        return e;
    crypto_kdf_derive_from_key(s->b, sizeof s->b, id, context, master->b);
    *out = s;
    return ERR_OK;
}

enum err blind_token(const struct secret32 *key, const char *label, struct span value,
                     uint8_t out[BLIND_TOKEN_BYTES])
{
    static_assert(BLIND_TOKEN_BYTES == DIGEST_256, "a token is a 256-bit digest");
    return digest_parts(label, secret32_span(key), &value, 1, out, BLIND_TOKEN_BYTES);
}
