/* The hub's own keys, as the keys log and the invitation name them (PROTOCOL.md 7.8): who may have
 * signed a head, and under which key the hub is met. */
#include <string.h>

#include "contacts_internal.h"
#include "heads.h"

/* What the invitation said holds until the log is read as far as that key. */
static const uint8_t *pinned(const struct contacts *c, enum hub_key which)
{
    switch (which) {
    case HUB_KEY_TRANSPORT:
        return c->pins.hub_transport.b;
    case HUB_KEY_SIGNING:
        return c->pins.hub.b;
    case HUB_KEY_KEYS_LOG:
        return c->pins.keys_log.b;
    default:
        return c->pins.audit_log.b;
    }
}

static bool is_listed(const struct hub_key_used *list, size_t count, const uint8_t pk[KEY_BYTES])
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(list[i].pk, pk, KEY_BYTES) == 0)
            return true;
    return false;
}

static enum err try_key(const char *origin, const uint8_t pk[KEY_BYTES], const struct ckpt *head,
                        struct sign_public *out)
{
    struct sign_public key;
    enum err e;

    memcpy(key.b, pk, KEY_BYTES);
    if (!(e = head_verify(origin, &key, head)))
        *out = key;
    return e;
}

static enum err signer_of(const struct contacts *c, enum hub_key which, uint64_t at,
                          const char *origin, const struct ckpt *head, struct sign_public *out)
{
    const struct hub_key_used *list;
    size_t count = directory_hub_keys(c->dir, which, &list);
    enum err e = ERR_CHECKPOINT;

    for (size_t i = 0; i < count && e == ERR_CHECKPOINT; i++)
        if (hub_key_signs(list, count, i, at))
            e = try_key(origin, list[i].pk, head, out);
    if (e == ERR_CHECKPOINT && !is_listed(list, count, pinned(c, which)))
        e = try_key(origin, pinned(c, which), head, out);
    return e;
}

enum err keys_signer(const struct contacts *c, const struct ckpt *head, struct sign_public *out)
{
    char origin[ORIGIN_ROOM];

    keys_origin(&c->pins, origin);
    return signer_of(c, HUB_KEY_KEYS_LOG, head->size, origin, head, out);
}

enum err audit_signer(const struct contacts *c, uint32_t epoch, const struct ckpt *head,
                      struct sign_public *out)
{
    char origin[ORIGIN_ROOM];

    audit_origin(&c->pins, epoch, origin);
    return signer_of(c, HUB_KEY_AUDIT_LOG, epoch, origin, head, out);
}

enum err contacts_signer(const struct node *n, uint32_t log, uint32_t epoch,
                         const struct ckpt *head, struct sign_public *out)
{
    return log == LOG_KEYS ? keys_signer(n->contacts, head, out)
                           : audit_signer(n->contacts, epoch, head, out);
}

size_t contacts_hub_transport(const struct node *n, uint64_t now_ms, struct box_public out[2])
{
    const struct contacts *c = n->contacts;
    const struct hub_key_used *list;
    size_t count = directory_hub_keys(c->dir, HUB_KEY_TRANSPORT, &list);
    size_t i = count;

    out[0] = c->pins.hub_transport;
    if (!is_listed(list, count, c->pins.hub_transport.b))
        return 1;
    while (i > 1 && list[i - 1].from > now_ms)
        i--;
    memcpy(out[0].b, list[i - 1].pk, KEY_BYTES);
    if (i == count || !list[i].agreed)
        return 1;
    memcpy(out[1].b, list[i].pk, KEY_BYTES);
    return 2;
}

bool contacts_pins_logged(const struct node *n)
{
    const struct contacts *c = n->contacts;
    const struct hub_key_used *list;

    for (int which = HUB_KEY_TRANSPORT; which <= HUB_KEY_AUDIT_LOG; which++) {
        size_t count = directory_hub_keys(c->dir, (enum hub_key)which, &list);

        if (!is_listed(list, count, pinned(c, (enum hub_key)which)))
            return false;
    }
    return true;
}
