#include "identity_keys.h"

#include <string.h>

static const char *const names[HUB_KEY_SORTS] = {[HUB_KEY_TRANSPORT] = "transport",
                                                 [HUB_KEY_SIGNING] = "hub",
                                                 [HUB_KEY_KEYS_LOG] = "keys-log",
                                                 [HUB_KEY_AUDIT_LOG] = "audit-log"};

const char *hub_key_name(enum hub_key which)
{
    return names[which];
}

bool hub_key_named(const char *name, enum hub_key *out)
{
    for (size_t i = HUB_KEY_TRANSPORT; i < HUB_KEY_SORTS; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum hub_key)i;
            return true;
        }
    return false;
}

static const struct secret_sign *first_of(const struct identity *id, enum hub_key which)
{
    if (which == HUB_KEY_SIGNING)
        return id->hub;
    return which == HUB_KEY_KEYS_LOG ? id->keys_log : id->audit_log;
}

static bool is_sign(const struct secret_sign *key, const uint8_t pk[KEY_BYTES])
{
    return memcmp(secret_sign_public(key)->b, pk, KEY_BYTES) == 0;
}

const struct secret_sign *identity_sign_key(const struct identity *id, enum hub_key which,
                                            const uint8_t pk[KEY_BYTES])
{
    if (is_sign(first_of(id, which), pk))
        return first_of(id, which);
    for (size_t i = 0; i < id->later_count[which]; i++)
        if (is_sign(id->later[which][i], pk))
            return id->later[which][i];
    return NULL;
}

const struct secret_box *identity_box_key(const struct identity *id, const uint8_t pk[KEY_BYTES])
{
    if (memcmp(secret_box_public(id->transport)->b, pk, KEY_BYTES) == 0)
        return id->transport;
    for (size_t i = 0; i < id->later_count[HUB_KEY_TRANSPORT]; i++)
        if (memcmp(secret_box_public(id->transport_later[i])->b, pk, KEY_BYTES) == 0)
            return id->transport_later[i];
    return NULL;
}

const uint8_t *identity_newest(const struct identity *id, enum hub_key which)
{
    size_t n = id->later_count[which];

    if (which == HUB_KEY_TRANSPORT)
        return secret_box_public(n ? id->transport_later[n - 1] : id->transport)->b;
    return secret_sign_public(n ? id->later[which][n - 1] : first_of(id, which))->b;
}

const struct secret_box *identity_transport(const struct identity *id, const struct directory *d,
                                            uint64_t now_ms)
{
    const struct hub_key_used *list = NULL;
    size_t count = d ? directory_hub_keys(d, HUB_KEY_TRANSPORT, &list) : 0;
    const struct secret_box *key;

    if (count == 0)
        return id->transport;
    for (size_t i = count; i-- > 0;)
        if (list[i].from <= now_ms && (key = identity_box_key(id, list[i].pk)))
            return key;
    return identity_box_key(id, identity_newest(id, HUB_KEY_TRANSPORT));
}
