/* Acts that others have to sign: the signatures they bring, and what still waits for some
 * (PROTOCOL.md 7). */
#include <string.h>

#include "invites.h"
#include "operator.h"
#include "registrar.h"

struct listing {
    struct asked *a;
    json_t *list;
};

enum err request_import(struct asked *a)
{
    struct bytes data = {0};
    bool done;
    enum err e;

    if ((e = armour_read(ARMOUR_SIGNATURE, span_text(arg_text(a, "signature")), &data)))
        return e;
    if ((e = request_sign(a->c, bytes_span(&data), &done)))
        goto out;
    if ((e = data_set(a, "complete", json_boolean(done))))
        goto out;
    e = bytes_printf(&a->text, done ? "Signature vérifiée : l'acte est complet et publié dans le "
                                      "journal des clés.\n"
                                    : "Signature gardée ; il en manque encore.\n");
out:
    seal_bytes_free(&data);
    return e;
}

static enum err directory_name(const void *arg, const uint8_t *org, const uint8_t *node,
                               struct bytes *text)
{
    const struct directory *d = arg;
    const struct directory_node *n = node ? directory_find_node(d, node) : NULL;
    const struct directory_org *o = n     ? directory_org(d, n->org)
                                    : org ? directory_find_org(d, org)
                                          : NULL;

    return o ? bytes_append(text, o->name) : ERR_NOT_FOUND;
}

static enum err request_one(void *arg, struct span request)
{
    struct listing *l = arg;
    struct bytes text = {0};
    enum err e = armour_write(ARMOUR_REQUEST, request, &text);

    if (!e && json_array_append_new(l->list, json_stringn((char *)text.ptr, text.len)))
        e = ERR_NOMEM;
    if (!e)
        e = request_describe(bytes_span(&text),
                             &(struct request_names){directory_name, l->a->c->dir}, &l->a->text);
    if (!e)
        e = bytes_append(&l->a->text, bytes_span(&text));
    bytes_free(&text);
    return e;
}

enum err request_list(struct asked *a)
{
    struct listing l = {a, json_array()};
    enum err e = l.list ? ERR_OK : ERR_NOMEM;

    if (!e)
        e = request_each(a->c, request_one, &l);
    if (!e && json_array_size(l.list) == 0)
        e = bytes_printf(&a->text, "Aucun acte n'attend de signature.\n");
    if (e) {
        json_decref(l.list);
        return e;
    }
    return data_set(a, "requests", l.list);
}
