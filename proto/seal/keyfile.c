#include "keyfile.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "file.h"
#include "keyring.h"
#include "secretbox.h"

#define MAGIC "RELAISK1"
#define MAGIC_BYTES 8
#define MEMORY_AT 8
#define PASSES_AT 12
#define SALT_AT 16
#define NONCE_AT 32
#define MEMORY_MIN_KIB (crypto_pwhash_argon2id_MEMLIMIT_MIN / 1024U)
#define FILE_MODE 0600U

static_assert(KEYFILE_SALT_BYTES == crypto_pwhash_argon2id_SALTBYTES, "salt");
static_assert(SALT_AT + KEYFILE_SALT_BYTES == NONCE_AT, "the nonce follows the salt");
static_assert(NONCE_AT + AEAD_NONCE_BYTES == KEYFILE_HEADER_BYTES, "and ends the header");
static_assert(KEYFILE_HEADER_BYTES + KEYRING_BODY_MAX + AEAD_TAG_BYTES <= KEYFILE_MAX,
              "a full key file is one we read");
static_assert(crypto_pwhash_argon2id_OPSLIMIT_MIN == 1, "one pass is possible");

static void be32_write(uint8_t *out, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (8 * (3 - i)));
}

static uint32_t be32_read(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

static int cost_within(struct keyfile_cost cost, struct keyfile_cost caps)
{
    return cost.memory_kib >= MEMORY_MIN_KIB && cost.memory_kib <= caps.memory_kib &&
           cost.passes >= 1 && cost.passes <= caps.passes;
}

static int passphrase_ok(struct span passphrase)
{
    return passphrase.len >= PASSPHRASE_MIN && passphrase.len <= PASSPHRASE_MAX;
}

/* The caller has checked cost and passphrase: what can still fail is the memory. */
static enum err derive(struct span passphrase, struct keyfile_cost cost, const uint8_t *salt,
                       struct secret32 *key)
{
    if (crypto_pwhash(key->b, sizeof key->b, (const char *)passphrase.ptr, passphrase.len, salt,
                      cost.passes, (size_t)cost.memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13))
        return ERR_NOMEM;
    return ERR_OK;
}

enum err keyring_rekey(struct keyring *r, struct span passphrase, struct keyfile_cost cost,
                       const struct entropy *source)
{
    uint8_t salt[KEYFILE_SALT_BYTES];
    struct secret32 *key = NULL;
    enum err e;

    if (!passphrase_ok(passphrase) || !cost_within(cost, KEYFILE_CAPS))
        return ERR_RANGE;
    if ((e = secret32_new(&key)))
        goto out;
    if ((e = entropy_fill(source, salt, sizeof salt)))
        goto out;
    if ((e = derive(passphrase, cost, salt, key)))
        goto out;
    memcpy(r->salt, salt, sizeof salt);
    r->key = *key;
    r->cost = cost;
out:
    secret32_free(key);
    return e;
}

static void header_write(const struct keyring *r, const uint8_t *nonce, uint8_t *out)
{
    memcpy(out, MAGIC, MAGIC_BYTES);
    be32_write(out + MEMORY_AT, r->cost.memory_kib);
    be32_write(out + PASSES_AT, r->cost.passes);
    memcpy(out + SALT_AT, r->salt, KEYFILE_SALT_BYTES);
    memcpy(out + NONCE_AT, nonce, AEAD_NONCE_BYTES);
}

enum err keyring_seal(const struct keyring *r, const struct entropy *source, struct bytes *out)
{
    uint8_t nonce[AEAD_NONCE_BYTES];
    struct bytes file = {0};
    uint8_t *body = NULL;
    size_t len;
    enum err e;

    if ((body = secret_alloc(KEYRING_BODY_MAX)) == NULL) {
        e = ERR_NOMEM;
        goto out;
    }
    if ((e = keyring_body_write(r, body, &len)))
        goto out;
    if ((e = entropy_fill(source, nonce, sizeof nonce)))
        goto out;
    if ((e = bytes_reserve(&file, KEYFILE_HEADER_BYTES + len + AEAD_TAG_BYTES)))
        goto out;
    header_write(r, nonce, file.ptr);
    aead_seal(r->key.b, nonce, (struct span){file.ptr, KEYFILE_HEADER_BYTES},
              (struct span){body, len}, file.ptr + KEYFILE_HEADER_BYTES);
    file.len = KEYFILE_HEADER_BYTES + len + AEAD_TAG_BYTES;
    bytes_free(out);
    *out = file;
out:
    secret_release(body);
    return e;
}

/* Decrypts and reads the entries into a ring whose key and cost are set. */
static enum err body_open(struct keyring *r, struct span file)
{
    struct span header = {file.ptr, KEYFILE_HEADER_BYTES};
    struct span sealed = {file.ptr + KEYFILE_HEADER_BYTES, file.len - KEYFILE_HEADER_BYTES};
    uint8_t *body = NULL;
    enum err e;

    if ((body = secret_alloc(sealed.len)) == NULL)
        return ERR_NOMEM;
    if (aead_open(r->key.b, file.ptr + NONCE_AT, header, sealed, body)) {
        e = ERR_PASSPHRASE;
        goto out;
    }
    e = keyring_body_read(r, (struct span){body, sealed.len - AEAD_TAG_BYTES});
out:
    secret_release(body);
    return e;
}

enum err keyring_unseal(struct span file, struct span passphrase, struct keyfile_cost caps,
                        struct keyring **out)
{
    struct keyring *r = NULL;
    struct keyfile_cost cost;
    enum err e;

    if (file.len < KEYFILE_HEADER_BYTES + AEAD_TAG_BYTES || file.len > KEYFILE_MAX)
        return ERR_PASSPHRASE;
    if (memcmp(file.ptr, MAGIC, MAGIC_BYTES) != 0 || !passphrase_ok(passphrase))
        return ERR_PASSPHRASE;
    cost = (struct keyfile_cost){be32_read(file.ptr + MEMORY_AT), be32_read(file.ptr + PASSES_AT)};
    if (!cost_within(cost, caps) || !cost_within(cost, KEYFILE_CAPS))
        return ERR_RANGE; /* before any memory is taken for it */
    if ((r = secret_alloc(sizeof *r)) == NULL)
        return ERR_NOMEM;
    r->cost = cost;
    memcpy(r->salt, file.ptr + SALT_AT, KEYFILE_SALT_BYTES);
    if ((e = derive(passphrase, cost, r->salt, &r->key)))
        goto out;
    if ((e = body_open(r, file)))
        goto out;
    *out = r;
    r = NULL;
out:
    keyring_free(r);
    return e;
}

static enum err path_keep(struct keyring *r, const char *path)
{
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof r->path)
        return ERR_RANGE;
    memcpy(r->path, path, len + 1);
    return ERR_OK;
}

enum err keyfile_create(const char *path, struct span passphrase, struct keyfile_cost cost,
                        const struct entropy *source, struct keyring **out)
{
    struct keyring *r = NULL;
    enum err e;

    if ((r = secret_alloc(sizeof *r)) == NULL)
        return ERR_NOMEM;
    if ((e = path_keep(r, path)))
        goto out;
    if ((e = file_is_free(path))) /* told before anybody works for nothing; the save decides */
        goto out;
    if ((e = keyring_rekey(r, passphrase, cost, source)))
        goto out;
    r->unwritten = true;
    *out = r;
    r = NULL;
out:
    keyring_free(r);
    return e;
}

enum err keyfile_open(const char *path, struct span passphrase, struct keyfile_cost caps,
                      struct keyring **out)
{
    struct keyring *r = NULL;
    struct bytes file = {0};
    enum err e;

    if ((e = file_read_secret(path, KEYFILE_MAX, &file)))
        goto out;
    if ((e = keyring_unseal(bytes_span(&file), passphrase, caps, &r)))
        goto out;
    if ((e = path_keep(r, path)))
        goto out;
    *out = r;
    r = NULL;
out:
    file_secret_free(&file);
    keyring_free(r);
    return e;
}

enum err keyring_save(struct keyring *r, const struct entropy *source)
{
    struct bytes file = {0};
    enum err e;

    if (r->path[0] == '\0')
        return ERR_STATE;
    if ((e = keyring_seal(r, source, &file)))
        goto out;
    e = r->unwritten ? file_write_new(r->path, bytes_span(&file), FILE_MODE)
                     : file_write_atomic(r->path, bytes_span(&file), FILE_MODE);
    if (!e || e == ERR_UNKNOWN) /* it is in its place, and ours to replace */
        r->unwritten = false;
out:
    bytes_free(&file);
    return e;
}
