#include "policy.h"

#include "checkpoint.h"
#include "contacts.h"
#include "heads.h"

static enum err log_line(const char *origin, const struct sign_public *pk, struct bytes *text)
{
    struct note_key key;
    struct bytes vkey = {0};
    enum err e;

    if ((e = note_key_init(&key, span_text(origin), NOTE_SIGNED, pk)))
        return e;
    if (!(e = note_key_write(&key, &vkey)))
        e = bytes_printf(text, "log %s\n", (const char *)vkey.ptr);
    bytes_free(&vkey);
    return e;
}

static enum err logs(const struct node *n, struct bytes *text)
{
    const struct pins *p = contacts_pins(n);
    char origin[ORIGIN_ROOM];
    struct ckpt keys;
    struct ckpt audit;
    uint32_t epoch;
    enum err e;

    keys_origin(p, origin);
    if ((e = log_line(origin, &p->keys_log, text)))
        return e;
    contacts_heads(n, &keys, &audit);
    if (audit.size == 0)
        return ERR_OK;
    if ((e = audit_epoch_find(p, &audit, 0, node_now_ms(n), &epoch)))
        return e;
    audit_origin(p, epoch, origin);
    return log_line(origin, &p->audit_log, text);
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
        struct bytes kid = {0};
        struct bytes pk = {0};

        if (!(e = hex_write(&kid, SPAN_OF(node->kid))) &&
            !(e = base64_write(&pk, SPAN_OF(node->signing.b))))
            e = bytes_printf(text, "key %s %s %s\n", (const char *)hex.ptr, (const char *)kid.ptr,
                             (const char *)pk.ptr);
        bytes_free(&kid);
        bytes_free(&pk);
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
    if ((e = logs(n, text)) || (e = bytes_printf(text, "quorum none\n")))
        return e;
    for (size_t i = 0; !e && i < directory_org_count(d); i++)
        e = org_lines(d, directory_org(d, i), text);
    return e;
}
