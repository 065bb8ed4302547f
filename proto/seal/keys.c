#include "keys.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "digest.h"
#include "secret.h"

static_assert(KEY_BYTES == crypto_sign_SEEDBYTES, "an Ed25519 seed");
static_assert(KEY_BYTES == crypto_scalarmult_BYTES, "an X25519 point");
static_assert(2 * KEY_BYTES == crypto_sign_SECRETKEYBYTES, "an Ed25519 pair");

void *secret_alloc(size_t n)
{
    void *p;

    if (seal_init()) /* sodium_malloc() aborts when libsodium was not started */
        return NULL;
    if ((p = sodium_malloc(n)) == NULL)
        return NULL;
    sodium_memzero(p, n); /* sodium_malloc() fills with 0xdb */
    return p;
}

void secret_release(void *p)
{
    sodium_free(p); /* wipes, checks the canary, NULL is fine */
}

enum err secret32_new(struct secret32 **out)
{
    struct secret32 *s = secret_alloc(sizeof *s);

    if (s == NULL)
        return ERR_NOMEM;
    *out = s;
    return ERR_OK;
}

enum err secret32_generate(const struct entropy *source, struct secret32 **out)
{
    struct secret32 *s = NULL;
    enum err e;

    if ((e = secret32_new(&s)))
        goto out;
    if ((e = entropy_fill(source, s->b, sizeof s->b)))
        goto out;
    *out = s;
    s = NULL;
out:
    secret32_free(s);
    return e;
}

enum err secret32_copy(struct span from, struct secret32 **out)
{
    struct secret32 *s = NULL;
    enum err e;

    if (from.len != KEY_BYTES)
        return ERR_SIZE;
    if ((e = secret32_new(&s)))
        return e;
    memcpy(s->b, from.ptr, KEY_BYTES);
    *out = s;
    return ERR_OK;
}

void secret32_free(struct secret32 *s)
{
    secret_release(s);
}

struct span secret32_span(const struct secret32 *s)
{
    return SPAN_OF(s->b);
}

uint8_t *secret32_bytes(struct secret32 *s)
{
    return s->b;
}

int secret32_equal(const struct secret32 *a, const struct secret32 *b)
{
    return seal_equal(a->b, b->b, sizeof a->b);
}

enum err secret_sign_generate(const struct entropy *source, struct secret_sign **out)
{
    struct secret32 *seed = NULL;
    enum err e;

    if ((e = secret32_generate(source, &seed)))
        goto out;
    e = secret_sign_from_seed(seed, out);
out:
    secret32_free(seed);
    return e;
}

enum err secret_sign_from_seed(const struct secret32 *seed, struct secret_sign **out)
{
    struct secret_sign *k = secret_alloc(sizeof *k);

    if (k == NULL)
        return ERR_NOMEM;
    crypto_sign_seed_keypair(k->pk.b, k->sk, seed->b);
    *out = k;
    return ERR_OK;
}

enum err secret_sign_seed(const struct secret_sign *k, struct secret32 **out)
{
    return secret32_copy((struct span){k->sk, KEY_BYTES}, out);
}

const struct sign_public *secret_sign_public(const struct secret_sign *k)
{
    return &k->pk;
}

void secret_sign_free(struct secret_sign *k)
{
    secret_release(k);
}

enum err secret_box_generate(const struct entropy *source, struct secret_box **out)
{
    struct secret32 *secret = NULL;
    enum err e;

    if ((e = secret32_generate(source, &secret)))
        goto out;
    e = secret_box_from(secret, out);
out:
    secret32_free(secret);
    return e;
}

enum err secret_box_from(const struct secret32 *secret, struct secret_box **out)
{
    struct secret_box *k = secret_alloc(sizeof *k);

    if (k == NULL)
        return ERR_NOMEM;
    k->sk = *secret;
    crypto_scalarmult_base(k->pk.b, k->sk.b);
    *out = k;
    return ERR_OK;
}

enum err secret_box_secret(const struct secret_box *k, struct secret32 **out)
{
    return secret32_copy(secret32_span(&k->sk), out);
}

const struct box_public *secret_box_public(const struct secret_box *k)
{
    return &k->pk;
}

struct span secret_box_span(const struct secret_box *k)
{
    return secret32_span(&k->sk);
}

void secret_box_free(struct secret_box *k)
{
    secret_release(k);
}

enum err x25519(const struct secret32 *secret, const struct box_public *point,
                uint8_t shared[KEY_BYTES])
{
    return crypto_scalarmult(shared, secret->b, point->b) ? ERR_FIELD_VALUE : ERR_OK;
}

enum err secret_box_shared(const struct secret_box *mine, const struct box_public *theirs,
                           struct secret32 **out)
{
    struct secret32 *shared = NULL;
    enum err e;

    if ((e = secret32_new(&shared)))
        goto out;
    if ((e = x25519(&mine->sk, theirs, shared->b)))
        goto out;
    *out = shared;
    shared = NULL;
out:
    secret32_free(shared);
    return e;
}

static void kid_of(const char *label, const uint8_t pk[KEY_BYTES], uint8_t kid[KID_BYTES])
{
    static_assert(KID_BYTES == DIGEST_128, "a key id is a 128-bit digest");
    enum err e = digest_of(label, (struct span){pk, KEY_BYTES}, kid, KID_BYTES);

    (void)e; /* cannot fail: label and size are constants */
}

void sign_kid(const struct sign_public *pk, uint8_t kid[KID_BYTES])
{
    kid_of("relais/kid/sign", pk->b, kid);
}

void box_kid(const struct box_public *pk, uint8_t kid[KID_BYTES])
{
    kid_of("relais/kid/box", pk->b, kid);
}
