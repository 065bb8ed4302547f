#include "node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "circles.h"
#include "commands.h"
#include "contacts.h"
#include "courier.h"
#include "file.h"
#include "rekey.h"
#include "secretbox.h"
#include "vault.h"
#include "witness.h"

enum {
    DIR_MODE = 0700,
    PATH_ROOM = 640,
    BACKUP_KEY_ID = 1
};

void put_be32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

void put_be64(uint8_t *out, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

uint32_t get_be32(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

uint64_t get_be64(const uint8_t *in)
{
    return (uint64_t)get_be32(in) << 32 | get_be32(in + 4);
}

bool err_of_machine(enum err e)
{
    switch (e) {
    case ERR_NOMEM:
    case ERR_IO:
    case ERR_BUSY:
    case ERR_FULL:
    case ERR_READONLY:
    case ERR_CORRUPT:
    case ERR_INTERNAL:
    case ERR_CONFLICT:
    case ERR_UNKNOWN:
    case ERR_RANDOM:
        return true;
    default:
        return false;
    }
}

uint64_t node_now_ms(const struct node *n)
{
    return clock_now_ms(n->clock);
}

enum err node_random(struct node *n, uint8_t *out, size_t size)
{
    return entropy_fill(&n->entropy, out, size);
}

enum err node_new_mid(struct node *n, uint8_t mid[ID_BYTES])
{
    uint8_t now[8];

    put_be64(now, node_now_ms(n));
    memcpy(mid, now + 2, 6);
    return node_random(n, mid + 6, ID_BYTES - 6);
}

static enum err path_in(const char *dir, const char *name, char out[PATH_ROOM])
{
    int size = snprintf(out, PATH_ROOM, "%s/%s", dir, name);

    return size < 0 || size >= PATH_ROOM ? ERR_SIZE : ERR_OK;
}

/* --- a new node ------------------------------------------------------------------------------ */

static enum err keys_make(struct keyring *ring, const struct entropy *source)
{
    struct secret_sign *sign = NULL;
    struct secret_box *curve = NULL;
    struct secret32 *master = NULL;
    struct secret32 *seed = NULL;
    struct secret32 *secret = NULL;
    enum err e;

    if ((e = secret32_generate(source, &master)) || (e = keyring_add(ring, "master", master)))
        goto out;
    if ((e = secret_sign_generate(source, &sign)) || (e = secret_sign_seed(sign, &seed)) ||
        (e = keyring_add(ring, "sign", seed)))
        goto out;
    if ((e = secret_box_generate(source, &curve)) || (e = secret_box_secret(curve, &secret)) ||
        (e = keyring_add(ring, "curve", secret)))
        goto out;
    if ((e = witness_key_make(ring, source)))
        goto out;
    e = keyring_save(ring, source);
out:
    secret_sign_free(sign);
    secret_box_free(curve);
    secret32_free(master);
    secret32_free(seed);
    secret32_free(secret);
    return e;
}

enum err node_create(const struct node_options *options, struct keyfile_cost cost)
{
    struct keyring *ring = NULL;
    char path[PATH_ROOM];
    enum err e;

    if ((e = dir_make(options->dir, DIR_MODE)))
        return e;
    if ((e = path_in(options->dir, "node.key", path)))
        return e;
    if ((e = keyfile_create(path, options->passphrase, cost, &options->entropy, &ring)))
        return e;
    if ((e = path_in(options->dir, "node.conf", path)))
        goto out;
    if ((e = settings_write(path)) && e != ERR_EXISTS) /* an administrator prepared it */
        goto out;
    e = keys_make(ring, &options->entropy); /* last: who finds them has a whole node */
out:
    keyring_free(ring);
    return e;
}

/* --- opening --------------------------------------------------------------------------------- */

static enum err fill(void *arg, uint8_t *out, size_t size)
{
    return entropy_fill(arg, out, size);
}

static enum err keys_open(struct node *n, const struct node_options *o, struct secret32 **master)
{
    struct secret32 *seed = NULL;
    struct secret32 *secret = NULL;
    char path[PATH_ROOM];
    enum err e;

    if ((e = path_in(o->dir, "node.key", path)))
        goto out;
    if ((e = keyfile_open(path, o->passphrase, o->caps, &n->ring)))
        goto out;
    if ((e = keyring_get(n->ring, "master", master)) || (e = keyring_get(n->ring, "sign", &seed)) ||
        (e = keyring_get(n->ring, "curve", &secret)))
        goto out;
    if ((e = secret_sign_from_seed(seed, &n->sign)))
        goto out;
    if ((e = secret_box_from(secret, &n->curve)))
        goto out;
    e = witness_key_open(n->ring, &n->witness);
out:
    secret32_free(seed);
    secret32_free(secret);
    return e;
}

static enum err store_make(struct node *n, const struct node_options *o)
{
    struct store_options options = {.names = vault_table_names(),
                                    .n = NODE_TABLES,
                                    .schema = NODE_SCHEMA,
                                    .max_bytes = n->settings.store_max_bytes,
                                    .access = o->access,
                                    .check_bytes = o->check_bytes,
                                    .damaged = o->damaged,
                                    .damaged_arg = o->damaged_arg,
                                    .random_fill = fill,
                                    .random_arg = &n->entropy};
    char path[PATH_ROOM];
    enum err e = path_in(o->dir, "store", path);

    options.where = o->store ? o->store : path;
    return e ? e : store_open(o->engine, &options, &n->store);
}

enum err node_open_vault(const struct node_options *options, struct node **out)
{
    struct node *n = calloc(1, sizeof *n);
    struct secret32 *master = NULL;
    char path[PATH_ROOM];
    char why[400];
    enum err e = ERR_NOMEM;

    if (!n)
        goto out;
    n->clock = options->clock;
    n->entropy = options->entropy;
    n->care = options->care;
    snprintf(n->dir, sizeof n->dir, "%s", options->dir);
    if ((e = path_in(options->dir, "node.conf", path)))
        goto out;
    if ((e = settings_read(path, &n->settings, why, sizeof why)))
        goto out;
    if ((e = keys_open(n, options, &master)))
        goto out;
    if ((e = store_make(n, options)))
        goto out;
    if ((e = vault_open(master, &n->entropy, &n->vault)))
        goto out;
    *out = n;
    n = NULL;
out:
    secret32_free(master);
    node_close(n);
    return e;
}

enum err node_open(const struct node_options *options, struct node **out)
{
    struct node *n = NULL;
    enum err e = node_open_vault(options, &n);

    if (e)
        return e;
    if ((e = waits_open(&n->waits)))
        goto out;
    if ((e = circles_open(n, &n->circles)))
        goto out;
    if ((e = contacts_open(n, &n->contacts)) || (e = witness_open(n, &n->watch)))
        goto out;
    if (n->self.joined && (e = rekey_open(n)))
        goto out;
    if (options->access == STORE_WRITE && (e = attach_open(n, &n->attach)))
        goto out;
    *out = n;
    n = NULL;
out:
    node_close(n);
    return e;
}

enum err node_backup_key(const struct keyring *ring, struct secret32 **out)
{
    struct secret32 *master = NULL;
    enum err e = keyring_get(ring, "master", &master);

    if (!e)
        e = kdf_derive(master, BACKUP_KEY_ID, "relaisbk", out);
    secret32_free(master);
    return e;
}

void node_close(struct node *n)
{
    if (!n)
        return;
    waits_close(n->waits);
    rekey_close(n);
    attach_close(n->attach);
    contacts_close(n->contacts);
    circles_close(n->circles);
    vault_close(n->vault);
    store_close(n->store);
    witness_close(n->watch);
    secret_sign_free(n->sign);
    secret_sign_free(n->witness);
    secret_box_free(n->curve);
    keyring_free(n->ring);
    free(n);
}

enum err node_forget(struct node *n)
{
    circles_forget(n);
    return contacts_reload(n);
}

enum err node_commit(struct node *n, struct txn **t)
{
    enum err e = store_commit(t);
    enum err again = e ? node_forget(n) : ERR_OK;

    contacts_alarm_flush(n);
    return e ? e : again;
}

void node_abort(struct node *n, struct txn **t)
{
    if (!*t)
        return;
    store_abort(t);
    circles_forget(n); /* a chain may have grown in memory alone */
    contacts_alarm_flush(n);
}

void node_kick(struct node *n)
{
    if (n->courier)
        courier_kick(n->courier);
}
