#include "operator_act.h"

#include <string.h>

#include "file.h"
#include "reader.h"
#include "statement.h"
#include "writer.h"

#define PARTS 6
#define KEY_NAME "operator"

enum err operator_act_encode(const struct operator_act *a, struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, PARTS);
    wr_bin(&w, SPAN_OF(a->federation));
    wr_uint(&w, a->act);
    wr_bin(&w, a->subject);
    wr_bin(&w, SPAN_OF(a->request));
    wr_bin(&w, SPAN_OF(a->nonce));
    wr_uint(&w, a->expires_ms);
    return wr_take(&w, out);
}

enum err operator_act_decode(struct span bytes, struct operator_act *out)
{
    struct operator_act a = {0};
    struct reader r = reader_over(bytes);
    enum err e;

    if (bytes.len > OPERATOR_ACT_MAX)
        return ERR_SIZE;
    rd_array(&r, PARTS);
    rd_fixed(&r, a.federation, sizeof a.federation);
    a.act = rd_uint(&r, UINT16_MAX);
    a.subject = rd_blob(&r, 1, OPERATOR_SUBJECT_MAX);
    rd_fixed(&r, a.request, sizeof a.request);
    rd_fixed(&r, a.nonce, sizeof a.nonce);
    a.expires_ms = rd_uint(&r, STMT_TIME_MAX);
    if ((e = rd_end(&r)))
        return e;
    *out = a;
    return ERR_OK;
}

static enum err digest_act(struct span act, uint8_t digest[DIGEST_512])
{
    return digest_of("relais/operator1/act", act, digest, DIGEST_512);
}

enum err operator_act_sign(struct span act, const struct secret_sign *key, uint8_t sig[SIG_BYTES])
{
    uint8_t digest[DIGEST_512];
    enum err e = digest_act(act, digest);

    return e ? e : sign_digest(SIGN_OPERATOR, key, digest, sig);
}

enum err operator_act_verify(struct span act, const struct sign_public *pk,
                             const uint8_t sig[SIG_BYTES])
{
    uint8_t digest[DIGEST_512];
    enum err e = digest_act(act, digest);

    return e ? e : verify_digest(SIGN_OPERATOR, pk, digest, sig);
}

enum err operator_request_hash(struct span request, uint8_t out[DIGEST_256])
{
    return digest_of("relais/operator1/request", request, out, DIGEST_256);
}

enum err operator_key_make(const char *path, struct span passphrase, struct keyfile_cost cost,
                           const struct entropy *entropy, struct sign_public *pk)
{
    struct secret_sign *key = NULL;
    struct secret32 *seed = NULL;
    struct keyring *ring = NULL;
    enum err e;

    if ((e = secret_sign_generate(entropy, &key)) || (e = secret_sign_seed(key, &seed)))
        goto out;
    if ((e = keyfile_create(path, passphrase, cost, entropy, &ring)))
        goto out;
    if ((e = keyring_add(ring, KEY_NAME, seed)) || (e = keyring_save(ring, entropy)))
        goto out;
    *pk = *secret_sign_public(key);
out:
    keyring_free(ring);
    secret32_free(seed);
    secret_sign_free(key);
    return e;
}

enum err operator_key_open(const char *path, struct span passphrase, struct secret_sign **out)
{
    struct secret32 *seed = NULL;
    struct keyring *ring = NULL;
    enum err e;

    if ((e = keyfile_open(path, passphrase, KEYFILE_CAPS, &ring)))
        return e;
    if (!(e = keyring_get(ring, KEY_NAME, &seed)))
        e = secret_sign_from_seed(seed, out);
    secret32_free(seed);
    keyring_free(ring);
    return e;
}
