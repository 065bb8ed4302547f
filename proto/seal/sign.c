#include "sign.h"

#include <assert.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>

#include "secret.h"

static_assert(SIG_BYTES == crypto_sign_BYTES, "an Ed25519 signature");

#define LABEL_MAX 32
#define MESSAGE_MAX (1 + LABEL_MAX + DIGEST_512)

/* One room for the label plus its NUL: a row that is too long does not compile. */
#define X(name, label, meaning)                                                                    \
    static_assert(sizeof(label) - 1 <= LABEL_MAX, "the label of " #name " fits its room");
SIGN_CONTEXTS(X)
#undef X

static const char *const labels[] = {
#define X(name, label, meaning) [name] = (label),
    SIGN_CONTEXTS(X)
#undef X
};

const char *sign_label(enum sign_context c)
{
    return (size_t)c < SIGN_CONTEXT_COUNT ? labels[c] : NULL;
}

/* The signed bytes: u8(len(label)) || label || digest. Returns their length, 0: no such context. */
static size_t message_write(enum sign_context c, const uint8_t *digest, uint8_t out[MESSAGE_MAX])
{
    const char *label = sign_label(c);
    size_t len;

    if (label == NULL)
        return 0;
    len = strlen(label);
    out[0] = (uint8_t)len;
    memcpy(out + 1, label, len);
    memcpy(out + 1 + len, digest, DIGEST_512);
    return 1 + len + DIGEST_512;
}

static void sign_raw(const struct secret_sign *key, struct span message, uint8_t *sig)
{
    crypto_sign_detached(sig, NULL, message.ptr, message.len, key->sk);
}

static _Atomic uint64_t verifications;

uint64_t sign_verifications(void)
{
    return atomic_load_explicit(&verifications, memory_order_relaxed);
}

static enum err verify_raw(const struct sign_public *key, struct span message, const uint8_t *sig)
{
    atomic_fetch_add_explicit(&verifications, 1, memory_order_relaxed);
    if (crypto_sign_verify_detached(sig, message.ptr, message.len, key->b))
        return ERR_FORGED;
    return ERR_OK;
}

enum err sign_digest(enum sign_context c, const struct secret_sign *key,
                     const uint8_t digest[DIGEST_512], uint8_t sig[SIG_BYTES])
{
    uint8_t message[MESSAGE_MAX];
    size_t len = message_write(c, digest, message);

    if (len == 0)
        return ERR_RANGE;
    sign_raw(key, (struct span){message, len}, sig);
    return ERR_OK;
}

enum err verify_digest(enum sign_context c, const struct sign_public *key,
                       const uint8_t digest[DIGEST_512], const uint8_t sig[SIG_BYTES])
{
    uint8_t message[MESSAGE_MAX];
    size_t len = message_write(c, digest, message);

    if (len == 0)
        return ERR_RANGE;
    return verify_raw(key, (struct span){message, len}, sig);
}

enum err sign_note(const struct secret_sign *key, struct span text, uint8_t sig[SIG_BYTES])
{
    sign_raw(key, text, sig);
    return ERR_OK;
}

enum err verify_note(const struct sign_public *key, struct span text, const uint8_t sig[SIG_BYTES])
{
    return verify_raw(key, text, sig);
}
