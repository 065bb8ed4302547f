#include "identity.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "secretbox.h"

#define UNFINISHED_NAME KEYFILE_NAME ".new" /* while init makes it */
#define REMADE_NAME KEYFILE_NAME ".remade"  /* while remake makes it: init leaves it alone */
#define FILE_VERSION 1
#define FILE_MAX 512
#define BACKUP_KEY_ID 1
#define PATH_BYTES 1200

static enum err path_in(const char *dir, const char *name, char out[PATH_BYTES])
{
    int n = snprintf(out, PATH_BYTES, "%s/%s", dir, name);

    return n < 0 || n >= PATH_BYTES ? ERR_RANGE : ERR_OK;
}

bool identity_name_ok(const char *name)
{
    size_t n = strlen(name);

    return n >= 1 && n <= FEDERATION_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == n;
}

static enum err facts_write(const char *path, const struct identity_plan *plan,
                            const uint8_t id[ID_BYTES], uint64_t now_ms)
{
    struct bytes file = {0};
    struct writer w;
    enum err e;

    wr_init(&w);
    wr_array(&w, 9);
    wr_uint(&w, FILE_VERSION);
    wr_bin(&w, span_of(id, ID_BYTES));
    wr_text(&w, span_text(plan->name));
    wr_uint(&w, plan->mode);
    wr_bin(&w, SPAN_OF(plan->registrar.b));
    wr_uint(&w, plan->emergency_delay_s);
    wr_bin(&w, SPAN_OF(plan->operator_org));
    wr_uint(&w, plan->epoch);
    wr_uint(&w, now_ms);
    if ((e = wr_take(&w, &file)))
        return e;
    e = file_write_new(path, bytes_span(&file), 0600);
    bytes_free(&file);
    return e;
}

static enum err secret_add(struct keyring *ring, const char *name, const struct entropy *entropy)
{
    struct secret32 *s = NULL;
    enum err e = secret32_generate(entropy, &s);

    if (!e)
        e = keyring_add(ring, name, s);
    secret32_free(s);
    return e;
}

static enum err secrets_add(struct keyring *ring, const struct entropy *entropy)
{
    enum err e = ERR_OK;

    for (size_t which = HUB_KEY_TRANSPORT; which < HUB_KEY_SORTS && !e; which++)
        e = secret_add(ring, hub_key_name((enum hub_key)which), entropy);
    return e;
}

/* The keys under their final name are the last thing written: who finds them there has a whole hub.
 */
static enum err keys_publish(const char *unfinished, const char *keys)
{
    struct bytes file = {0};
    enum err e;

    if ((e = file_read_secret(unfinished, KEYFILE_MAX, &file)))
        return e;
    if (!(e = file_write_new(keys, bytes_span(&file), 0600)))
        e = file_remove(unfinished);
    file_secret_free(&file);
    return e;
}

/* What an init that was killed has left: keys that never had their name, and perhaps the facts. */
static enum err unfinished_clear(const char *unfinished, const char *keys, const char *facts)
{
    enum err e;

    if (access(keys, F_OK) == 0) {
        e = file_remove(unfinished); /* killed between the two: a copy */
        return e && e != ERR_NOT_FOUND ? e : ERR_EXISTS;
    }
    if (access(unfinished, F_OK) != 0)
        return ERR_OK;
    e = file_remove(facts);
    return e && e != ERR_NOT_FOUND ? e : file_remove(unfinished);
}

static enum err parts_make(const char *unfinished, const char *facts,
                           const struct identity_plan *plan, struct span passphrase,
                           struct keyfile_cost cost, const struct entropy *entropy)
{
    struct keyring *ring = NULL;
    uint8_t id[ID_BYTES];
    enum err e;

    if ((e = entropy_fill(entropy, id, sizeof id)))
        return e;
    if ((e = keyfile_create(unfinished, passphrase, cost, entropy, &ring)))
        return e;
    if ((e = secrets_add(ring, entropy)) || (e = keyring_save(ring, entropy)))
        goto out;
    e = facts_write(facts, plan, id, clock_now_ms(clock_system()));
out:
    keyring_free(ring);
    return e;
}

enum err identity_make(const char *dir, const struct identity_plan *plan, struct span passphrase,
                       struct keyfile_cost cost, const struct entropy *entropy)
{
    char unfinished[PATH_BYTES];
    char keys[PATH_BYTES];
    char facts[PATH_BYTES];
    enum err undone;
    enum err e;

    if (!identity_name_ok(plan->name))
        return ERR_FIELD_VALUE;
    if ((e = path_in(dir, KEYFILE_NAME, keys)) || (e = path_in(dir, UNFINISHED_NAME, unfinished)) ||
        (e = path_in(dir, FEDERATION_FILE, facts)))
        return e;
    if ((e = unfinished_clear(unfinished, keys, facts)))
        return e;
    if (!(e = parts_make(unfinished, facts, plan, passphrase, cost, entropy)) &&
        !(e = keys_publish(unfinished, keys)))
        return ERR_OK;
    undone = unfinished_clear(unfinished, keys, facts); /* it would be in the way of the next */
    (void)undone;
    return e;
}

static enum err facts_decode(struct span file, struct identity *id, uint32_t *epoch)
{
    struct federation *f = &id->federation;
    struct reader r = reader_over(file);
    struct span name;

    rd_array(&r, 9);
    rd_uint_between(&r, FILE_VERSION, FILE_VERSION);
    rd_fixed(&r, f->id, sizeof f->id);
    name = rd_text_between(&r, 1, FEDERATION_NAME_MAX);
    f->mode = rd_uint_between(&r, MODE_REAL, MODE_EXERCISE);
    rd_fixed(&r, f->registrar.b, sizeof f->registrar.b);
    f->emergency_delay_s = rd_uint(&r, EMERGENCY_DELAY_MAX_S);
    rd_fixed(&r, f->operator_org, sizeof f->operator_org);
    *epoch = rd_u32(&r, UINT16_MAX);
    f->ts_ms = rd_uint(&r, STMT_TIME_MAX);
    if (rd_end(&r))
        return ERR_CORRUPT;
    return bytes_copy(&id->name, name);
}

static enum err facts_read(const char *dir, struct identity *id)
{
    struct bytes file = {0};
    char path[PATH_BYTES];
    uint32_t epoch;
    enum err e;

    if ((e = path_in(dir, FEDERATION_FILE, path)))
        return e;
    if ((e = file_read(path, FILE_MAX, &file)))
        return e;
    if ((e = facts_decode(bytes_span(&file), id, &epoch)))
        goto out;
    id->epoch = epoch;
    id->federation.name = bytes_span(&id->name);
    snprintf(id->keys_origin, sizeof id->keys_origin, "%.*s/keys", (int)id->name.len,
             (const char *)id->name.ptr);
    snprintf(id->audit_origin, sizeof id->audit_origin, "%.*s/audit/%u", (int)id->name.len,
             (const char *)id->name.ptr, epoch);
out:
    bytes_free(&file);
    return e;
}

static enum err sign_key(const struct keyring *ring, const char *name, struct secret_sign **out,
                         struct sign_public *pk)
{
    struct secret32 *seed = NULL;
    enum err e;

    if ((e = keyring_get(ring, name, &seed)))
        return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
    e = secret_sign_from_seed(seed, out);
    secret32_free(seed);
    if (!e)
        *pk = *secret_sign_public(*out);
    return e;
}

/* hub-2, hub-3 ...: keys made since, in order; the same of the other sorts. */
static void later_name(enum hub_key which, size_t i, char out[KEYRING_NAME_MAX + 1])
{
    snprintf(out, KEYRING_NAME_MAX + 1, "%s-%zu", hub_key_name(which), i + 2);
}

static enum err box_key(const struct keyring *ring, const char *name, struct secret_box **out)
{
    struct secret32 *secret = NULL;
    enum err e = keyring_get(ring, name, &secret);

    if (e)
        return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
    e = secret_box_from(secret, out);
    secret32_free(secret);
    return e;
}

static enum err later_take(const struct keyring *ring, struct identity *id, enum hub_key which)
{
    char name[KEYRING_NAME_MAX + 1];
    struct sign_public pk;
    struct span found;
    enum err e = ERR_OK;

    for (size_t i = 0; i < HUB_KEYS_KEPT && !e; i++) {
        later_name(which, i, name);
        if (keyring_find(ring, name, &found) == ERR_NOT_FOUND)
            break;
        e = which == HUB_KEY_TRANSPORT ? box_key(ring, name, &id->transport_later[i])
                                       : sign_key(ring, name, &id->later[which][i], &pk);
        if (!e)
            id->later_count[which] = i + 1;
    }
    return e;
}

/* Public half of the secret of that sort. */
static enum err public_of(enum hub_key which, const struct secret32 *secret, uint8_t pk[KEY_BYTES])
{
    struct secret_sign *sign = NULL;
    struct secret_box *box = NULL;
    enum err e = which == HUB_KEY_TRANSPORT ? secret_box_from(secret, &box)
                                            : secret_sign_from_seed(secret, &sign);

    if (!e)
        memcpy(pk, box ? secret_box_public(box)->b : secret_sign_public(sign)->b, KEY_BYTES);
    secret_sign_free(sign);
    secret_box_free(box);
    return e;
}

enum err identity_new_key(const char *dir, enum hub_key which, struct span passphrase,
                          const struct entropy *entropy, uint8_t pk[KEY_BYTES])
{
    struct secret32 *secret = NULL;
    struct keyring *ring = NULL;
    char name[KEYRING_NAME_MAX + 1];
    char path[PATH_BYTES];
    struct span found;
    size_t i = 0;
    enum err e;

    if ((e = path_in(dir, KEYFILE_NAME, path)))
        return e;
    if ((e = keyfile_open(path, passphrase, KEYFILE_CAPS, &ring)))
        return e;
    do
        later_name(which, i, name);
    while (keyring_find(ring, name, &found) == ERR_OK && ++i < HUB_KEYS_KEPT);
    e = i == HUB_KEYS_KEPT ? ERR_QUOTA : ERR_OK;
    if (!e && !(e = secret32_generate(entropy, &secret)) && !(e = public_of(which, secret, pk)) &&
        !(e = keyring_add(ring, name, secret)))
        e = keyring_save(ring, entropy);
    secret32_free(secret);
    keyring_free(ring);
    return e;
}

enum err identity_remake(const char *dir, struct span passphrase, struct keyfile_cost cost,
                         const struct entropy *entropy)
{
    struct keyring *ring = NULL;
    char unfinished[PATH_BYTES];
    char keys[PATH_BYTES];
    char facts[PATH_BYTES];
    enum err e;

    if ((e = path_in(dir, KEYFILE_NAME, keys)) || (e = path_in(dir, REMADE_NAME, unfinished)) ||
        (e = path_in(dir, FEDERATION_FILE, facts)))
        return e;
    if (access(keys, F_OK) == 0)
        return ERR_EXISTS;
    if (access(facts, F_OK) != 0)
        return ERR_NOT_FOUND;
    if ((e = file_remove(unfinished)) && e != ERR_NOT_FOUND) /* of one that was killed */
        return e;
    if (!(e = keyfile_create(unfinished, passphrase, cost, entropy, &ring)) &&
        !(e = secrets_add(ring, entropy)) && !(e = keyring_save(ring, entropy)))
        e = keys_publish(unfinished, keys);
    keyring_free(ring);
    return e;
}

static enum err keys_take(const struct keyring *ring, struct identity *id)
{
    struct federation *f = &id->federation;
    enum err e;

    if ((e = sign_key(ring, "hub", &id->hub, &f->hub)) ||
        (e = sign_key(ring, "keys-log", &id->keys_log, &f->keys_log)) ||
        (e = sign_key(ring, "audit-log", &id->audit_log, &f->audit_log)) ||
        (e = box_key(ring, "transport", &id->transport)))
        return e;
    f->hub_transport = *secret_box_public(id->transport);
    for (size_t which = HUB_KEY_TRANSPORT; which < HUB_KEY_SORTS && !e; which++)
        e = later_take(ring, id, (enum hub_key)which);
    return e;
}

enum err identity_open(const char *dir, struct span passphrase, struct identity **out)
{
    struct identity *id = calloc(1, sizeof *id);
    struct keyring *ring = NULL;
    char path[PATH_BYTES];
    enum err e;

    if (!id)
        return ERR_NOMEM;
    if ((e = path_in(dir, KEYFILE_NAME, path)))
        goto out;
    if ((e = facts_read(dir, id)))
        goto out;
    if ((e = keyfile_open(path, passphrase, KEYFILE_CAPS, &ring)))
        goto out;
    e = keys_take(ring, id);
out:
    keyring_free(ring);
    if (e)
        identity_close(id);
    else
        *out = id;
    return e;
}

enum err identity_backup_key(const struct identity *id, struct secret32 **out)
{
    struct secret32 *seed = NULL;
    enum err e = secret_sign_seed(id->hub, &seed);

    if (!e)
        e = kdf_derive(seed, BACKUP_KEY_ID, "relaisbk", out);
    secret32_free(seed);
    return e;
}

void identity_close(struct identity *id)
{
    if (!id)
        return;
    secret_sign_free(id->hub);
    for (size_t which = HUB_KEY_SIGNING; which < HUB_KEY_SORTS; which++)
        for (size_t i = 0; i < id->later_count[which]; i++)
            secret_sign_free(id->later[which][i]);
    for (size_t i = 0; i < id->later_count[HUB_KEY_TRANSPORT]; i++)
        secret_box_free(id->transport_later[i]);
    secret_sign_free(id->keys_log);
    secret_sign_free(id->audit_log);
    secret_box_free(id->transport);
    bytes_free(&id->name);
    free(id);
}
