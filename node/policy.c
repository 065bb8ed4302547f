#include "policy.h"

#include <inttypes.h>
#include <string.h>

#include "checkpoint.h"
#include "contacts.h"
#include "heads.h"
#include "witness.h"

/* most: 0, or the largest tree that this key may have signed: it was replaced since, or its log is
 * closed. */
static enum err log_line(const char *origin, const uint8_t pk[KEY_BYTES], uint64_t most,
                         struct bytes *text)
{
    struct sign_public key_pk;
    struct note_key key;
    struct bytes vkey = {0};
    enum err e;

    memcpy(key_pk.b, pk, KEY_BYTES);
    if ((e = note_key_init(&key, span_text(origin), NOTE_SIGNED, &key_pk)) ||
        (e = note_key_write(&key, &vkey)))
        return e;
    if (most)
        e = bytes_printf(text, "former %s %" PRIu64 "\n", (const char *)vkey.ptr, most);
    else
        e = bytes_printf(text, "log %s\n", (const char *)vkey.ptr);
    bytes_free(&vkey);
    return e;
}

static enum err epoch_lines(const struct node *n, uint32_t epoch, struct bytes *text)
{
    const struct hub_key_used *list;
    size_t count = directory_hub_keys(contacts_directory(n), HUB_KEY_AUDIT_LOG, &list);
    char origin[ORIGIN_ROOM];
    enum err e = ERR_OK;

    audit_origin(contacts_pins(n), epoch, origin);
    for (size_t k = 0; k < count && !e; k++)
        if (hub_key_signs(list, count, k, epoch))
            e = log_line(origin, list[k].pk, contacts_epoch_end(n, epoch), text);
    return e;
}

static enum err logs(const struct node *n, struct bytes *text)
{
    const struct hub_key_used *list;
    size_t count = directory_hub_keys(contacts_directory(n), HUB_KEY_KEYS_LOG, &list);
    char origin[ORIGIN_ROOM];
    uint32_t epochs[EPOCHS_KNOWN_MAX + 1];
    size_t known = contacts_epochs(n, epochs);
    enum err e = ERR_OK;

    keys_origin(contacts_pins(n), origin);
    for (size_t k = 0; k < count && !e; k++)
        e = log_line(origin, list[k].pk, k + 1 < count ? list[k + 1].from - 1 : 0, text);
    for (size_t i = 0; i < known && !e; i++)
        e = epoch_lines(n, epochs[i], text);
    return e;
}

static enum err witness_line(const struct node *n, const struct directory_node *node,
                             struct bytes *text, struct bytes *names)
{
    char name[WITNESS_NAME_ROOM];
    struct note_key key;
    struct bytes vkey = {0};
    enum err e;

    witness_name(n, node->id, name);
    if ((e = note_key_init(&key, span_text(name), NOTE_COSIGNED, &node->witness)))
        return e;
    if (!(e = note_key_write(&key, &vkey)) &&
        !(e = bytes_printf(text, "witness %s %s\n", strrchr(name, '/') + 1,
                           (const char *)vkey.ptr)))
        e = bytes_printf(names, " %s", strrchr(name, '/') + 1);
    bytes_free(&vkey);
    return e;
}

/* Those of the set that have a key today, and the set's quorum. */
static enum err witnesses(const struct node *n, struct bytes *text)
{
    const struct directory *d = contacts_directory(n);
    const struct directory_witnesses *set = directory_witnesses(d);
    struct bytes names = {0};
    size_t keyed = 0;
    enum err e = ERR_OK;

    for (size_t i = 0; set && i < set->count && !e; i++) {
        const struct directory_node *node = directory_node(d, set->node[i]);

        if (!directory_is_witness(d, node))
            continue;
        e = witness_line(n, node, text, &names);
        keyed++;
    }
    if (!e && (!set || keyed < set->quorum))
        e = bytes_printf(text, "quorum none\n");
    else if (!e)
        e = bytes_printf(text, "group temoins %u%.*s\nquorum temoins\n", (unsigned)set->quorum,
                         (int)names.len, (const char *)names.ptr);
    bytes_free(&names);
    return e;
}

static enum err key_line(const char *org, const uint8_t kid[KID_BYTES],
                         const struct sign_public *signing, struct bytes *text)
{
    struct bytes hex = {0};
    struct bytes pk = {0};
    enum err e;

    if (!(e = hex_write(&hex, span_of(kid, KID_BYTES))) &&
        !(e = base64_write(&pk, SPAN_OF(signing->b))))
        e = bytes_printf(text, "key %s %s %s\n", org, (const char *)hex.ptr, (const char *)pk.ptr);
    bytes_free(&hex);
    bytes_free(&pk);
    return e;
}

/* The keys that the node had before stand for what they have signed. */
static enum err node_lines(const struct directory *d, const struct directory_node *n,
                           const char *org, struct bytes *text)
{
    const struct directory_former *f = directory_former(d, n->former);
    enum err e = key_line(org, n->kid, &n->signing, text);

    for (; f && !e; f = directory_former(d, f->previous))
        e = key_line(org, f->kid, &f->signing, text);
    return e;
}

static enum err org_lines(const struct directory *d, const struct directory_org *o,
                          struct bytes *text)
{
    struct bytes hex = {0};
    enum err e = hex_write(&hex, SPAN_OF(o->id));

    if (!e)
        e = bytes_printf(text, "org %s %.*s\n", (const char *)hex.ptr, (int)o->name.len,
                         (const char *)o->name.ptr);
    for (uint32_t i = o->newest_node; !e && i != DIRECTORY_NONE;) {
        const struct directory_node *node = directory_node(d, i);

        e = node_lines(d, node, (const char *)hex.ptr, text);
        i = node->previous_of_org;
    }
    bytes_free(&hex);
    return e;
}

enum err policy_write(const struct node *n, struct bytes *text)
{
    const struct directory *d = contacts_directory(n);
    enum err e;

    if (!n->self.joined)
        return ERR_NOT_JOINED;
    if ((e = logs(n, text)) || (e = witnesses(n, text)))
        return e;
    for (size_t i = 0; !e && i < directory_org_count(d); i++)
        e = org_lines(d, directory_org(d, i), text);
    return e;
}
