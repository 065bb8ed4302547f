/* What the guarded commands mean, as bytes that two operators sign (operators.h). */
#include <stdlib.h>
#include <string.h>

#include "invites.h"
#include "operators_internal.h"

/* --- which commands --------------------------------------------------------------------------- */

static enum err meant_id(struct meant *m, const char *name, const uint8_t id[ID_BYTES])
{
    char hex[2 * ID_BYTES + 1];

    memcpy(m->subject, id, ID_BYTES);
    m->subject_len = ID_BYTES;
    hex_text(id, ID_BYTES, hex);
    return json_object_set_new(m->args, name, json_string(hex)) ? ERR_NOMEM : ERR_OK;
}

/* Who signs reads a name, not thirty-two digits. The command itself goes by the digits. */
static enum err meant_name(struct meant *m, struct span name)
{
    return json_object_set_new(m->args, "organisation",
                               json_stringn((const char *)name.ptr, name.len))
               ? ERR_NOMEM
               : ERR_OK;
}

static enum err mean_revoke(struct asked *a, struct meant *m)
{
    const struct directory_org *o;
    struct mailbox *node = NULL;
    enum err e;

    if ((e = arg_revoked(a, &o, &node)))
        return e;
    if ((node && (e = meant_id(m, "node", node->who.node))) || (e = meant_id(m, "org", o->id)) ||
        (e = meant_name(m, o->name)))
        return e;
    return json_object_set_new(m->args, "reason",
                               json_integer((json_int_t)arg_uint(a, "reason", REVOKE_ENDED)))
               ? ERR_NOMEM
               : ERR_OK;
}

static bool is_cloned(const struct mailbox *m)
{
    return m->cloned;
}

static bool is_locked(const struct mailbox *m)
{
    return m->locked;
}

static enum err mean_node(struct asked *a, struct meant *m, bool (*is)(const struct mailbox *m))
{
    const struct directory_org *o;
    struct mailbox *box;
    enum err e;

    if ((e = arg_node(a, is, &box)) || (e = meant_id(m, "node", box->who.node)))
        return e;
    o = directory_find_org(a->c->dir, box->who.org);
    return o ? meant_name(m, o->name) : ERR_OK;
}

static enum err mean_release(struct asked *a, struct meant *m)
{
    return mean_node(a, m, is_cloned);
}

static enum err mean_allow(struct asked *a, struct meant *m)
{
    return mean_node(a, m, is_locked);
}

/* Other keys for an organisation that has some: a reset. A newcomer is one operator's business,
 * because the registrar decides it. ERR_AGAIN: not guarded. */
static enum err mean_approve(struct asked *a, struct meant *m)
{
    uint8_t id[ID_BYTES];
    struct invite i;
    enum err e;

    if ((e = invite_typed(a, "id", id)) || (e = invite_get(a->c, id, &i)))
        return e;
    if (!directory_find_org(a->c->dir, i.org))
        return ERR_AGAIN;
    if ((e = meant_id(m, "id", id)) || (e = meant_name(m, i.name)))
        return e;
    return json_object_set_new(m->args, "fingerprint", json_string(arg_text(a, "fingerprint"))) ||
                   json_object_set_new(m->args, "lost", json_boolean(arg_flag(a, "lost")))
               ? ERR_NOMEM
               : ERR_OK;
}

static enum err mean_add(struct asked *a, struct meant *m)
{
    char hex[2 * KEY_BYTES + 1];
    struct sign_public pk;
    const char *name;
    enum err e;

    if ((e = operator_arg_key(a, &pk)) || (e = operator_arg_name(a, &name)))
        return e;
    sign_kid(&pk, m->subject);
    m->subject_len = KID_BYTES;
    hex_text(pk.b, KEY_BYTES, hex);
    return json_object_set_new(m->args, "name", json_string(name)) ||
                   json_object_set_new(m->args, "key", json_string(hex))
               ? ERR_NOMEM
               : ERR_OK;
}

static enum err mean_remove(struct asked *a, struct meant *m)
{
    const char *name;
    struct named n;
    enum err e;

    if ((e = operator_arg_name(a, &name)) || (e = named_find(a->c, name, &n)))
        return e;
    memcpy(m->subject, n.kid, KID_BYTES);
    m->subject_len = KID_BYTES;
    return json_object_set_new(m->args, "name", json_string(name)) ? ERR_NOMEM : ERR_OK;
}

static enum err mean_key(struct asked *a, struct meant *m)
{
    enum err e = hub_key_subject(a, m->subject);

    if (e)
        return e;
    m->subject_len = KID_BYTES;
    return json_object_set_new(m->args, "which", json_string(arg_text(a, "which"))) ||
                   json_object_set_new(m->args, "lost", json_boolean(arg_flag(a, "lost"))) ||
                   json_object_set_new(m->args, "overlap",
                                       json_integer((json_int_t)arg_uint(a, "overlap", 0)))
               ? ERR_NOMEM
               : ERR_OK;
}

/* This restore, and no later one: each has an incarnation of its own. */
static enum err mean_restore(struct asked *a, struct meant *m)
{
    if (!a->c->recovery.on)
        return ERR_STATE;
    return meant_id(m, "incarnation", a->c->incarnation);
}

static const struct guard guards[] = {
    {"org.revoke",      ACT_REVOKE,          mean_revoke,  "révoquer une organisation"                  },
    {"org.release",     ACT_RELEASE,         mean_release, "libérer un nœud après une alerte de clone"},
    {"org.approve",     ACT_APPROVE,         mean_approve, "donner d'autres clés à une organisation"   },
    {"node.allow",      ACT_ALLOW,           mean_allow,   "réadmettre un nœud écarté"               },
    {"key.rotate",      ACT_HUB_KEY,         mean_key,     "changer une clé du hub"                     },
    {"restore.accept",  ACT_RESTORE,         mean_restore, "laisser servir un hub restauré"             },
    {"operator.add",    ACT_OPERATOR_ADD,    mean_add,     "nommer un opérateur"                        },
    {"operator.remove", ACT_OPERATOR_REMOVE, mean_remove,  "retirer un opérateur"                       },
};

const struct guard *guard_of(const char *command)
{
    for (size_t i = 0; i < sizeof guards / sizeof guards[0]; i++)
        if (strcmp(guards[i].command, command) == 0)
            return &guards[i];
    return NULL;
}

const struct guard *guard_of_act(uint64_t act)
{
    for (size_t i = 0; i < sizeof guards / sizeof guards[0]; i++)
        if ((uint64_t)guards[i].act == act)
            return &guards[i];
    return NULL;
}

/* --- an act to sign --------------------------------------------------------------------------- */

static enum err request_text(const char *command, json_t *args, struct bytes *out)
{
    json_t *o = json_pack("{s:s,s:O}", "cmd", command, "args", args);
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    enum err e = text ? bytes_copy(out, span_text(text)) : ERR_NOMEM;

    json_decref(o);
    free(text);
    if (!e && out->len > OPERATOR_REQUEST_MAX)
        e = ERR_SIZE;
    return e;
}

enum err act_make(struct asked *a, const struct guard *g, const uint8_t nonce[ID_BYTES],
                  uint64_t expires_ms, struct bytes *act, struct bytes *request)
{
    struct operator_act o = {.act = g->act, .expires_ms = expires_ms};
    struct meant m = {.args = json_object()};
    enum err e = m.args ? g->mean(a, &m) : ERR_NOMEM;

    if (e == ERR_AGAIN)
        e = ERR_STATE; /* no signature is asked for */
    if (!e && !(e = request_text(g->command, m.args, request))) {
        memcpy(o.federation, a->c->id->federation.id, ID_BYTES);
        memcpy(o.nonce, nonce, ID_BYTES);
        o.subject = span_of(m.subject, m.subject_len);
        if (!(e = operator_request_hash(bytes_span(request), o.request)))
            e = operator_act_encode(&o, act);
    }
    json_decref(m.args);
    return e;
}
