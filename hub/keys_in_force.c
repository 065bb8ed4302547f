/* Which of its keys the hub works with: what the keys log has in force, as far as hub.key holds it
 * (PROTOCOL.md 7.8). */
#include <string.h>

#include "core.h"

const struct secret_sign *core_hub_key(const struct core *c)
{
    const struct federation *f = directory_federation(c->dir);
    const struct secret_sign *key = f ? identity_sign_key(c->id, HUB_KEY_SIGNING, f->hub.b) : NULL;

    return key ? key : c->id->hub;
}

const struct secret_sign *core_log_key(const struct core *c, enum hub_key which, uint64_t at)
{
    const struct hub_key_used *list;
    size_t count = directory_hub_keys(c->dir, which, &list);
    const struct secret_sign *key = NULL;

    if (count == 0)
        return which == HUB_KEY_KEYS_LOG ? c->id->keys_log : c->id->audit_log;
    for (size_t i = 0; i < count && !key; i++)
        if (hub_key_signs(list, count, i, at))
            key = identity_sign_key(c->id, which, list[i].pk);
    return key;
}

bool core_log_keys_here(const struct core *c)
{
    return core_log_key(c, HUB_KEY_KEYS_LOG, UINT64_MAX) &&
           core_log_key(c, HUB_KEY_AUDIT_LOG, UINT64_MAX);
}

static bool by_key(const struct sign_public *pk, struct span note, const uint8_t sig[SIG_BYTES],
                   struct sign_public *out)
{
    if (verify_note(pk, note, sig) != ERR_OK)
        return false;
    if (out)
        *out = *pk;
    return true;
}

static bool is_listed(const struct hub_key_used *list, size_t count, const struct secret_sign *key)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(list[i].pk, secret_sign_public(key)->b, KEY_BYTES) == 0)
            return true;
    return false;
}

/* By a key of hub.key that our log does not know: a hub put back from a backup reads less of the
 * log than it once wrote. */
static bool by_own(const struct core *c, enum hub_key which, const struct hub_key_used *list,
                   size_t count, struct span note, const uint8_t sig[SIG_BYTES],
                   struct sign_public *out)
{
    const struct secret_sign *first =
        which == HUB_KEY_KEYS_LOG ? c->id->keys_log : c->id->audit_log;

    if (!is_listed(list, count, first) && by_key(secret_sign_public(first), note, sig, out))
        return true;
    for (size_t i = 0; i < c->id->later_count[which]; i++)
        if (!is_listed(list, count, c->id->later[which][i]) &&
            by_key(secret_sign_public(c->id->later[which][i]), note, sig, out))
            return true;
    return false;
}

bool core_log_signed(const struct core *c, enum hub_key which, uint64_t at, struct span note,
                     const uint8_t sig[SIG_BYTES], struct sign_public *out)
{
    const struct hub_key_used *list;
    size_t count = directory_hub_keys(c->dir, which, &list);
    struct sign_public pk;

    for (size_t i = 0; i < count; i++) {
        if (!hub_key_signs(list, count, i, at))
            continue;
        memcpy(pk.b, list[i].pk, KEY_BYTES);
        if (by_key(&pk, note, sig, out))
            return true;
    }
    return by_own(c, which, list, count, note, sig, out);
}

struct federation core_federation(const struct core *c)
{
    const struct federation *now = directory_federation(c->dir);
    struct federation f = c->id->federation;

    f.hub_transport = *secret_box_public(identity_transport(c->id, c->dir, c->now_ms));
    if (now) {
        f.hub = now->hub;
        f.keys_log = now->keys_log;
        f.audit_log = now->audit_log;
    }
    return f;
}
