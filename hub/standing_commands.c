/* Commands about organisations that are enrolled: suspending, revoking, releasing after a clone
 * alarm, and the trust anchors that verifiers need. */
#include <string.h>

#include "checkpoint.h"
#include "operator.h"

/* --- suspend, resume, revoke, release -------------------------------------------------------- */

static enum err suspension(struct asked *a, const uint8_t org[ID_BYTES], bool resume)
{
    struct bytes stmt = {0};
    struct bytes ss = {0};
    enum err e;

    if ((e = suspend_encode(a->c->id->federation.id, a->c->now_ms, resume, org,
                            arg_uint(a, "reason", 1), &stmt)))
        return e;
    if (!(e = statement_sign_alone(STATEMENT_KEYS, bytes_span(&stmt), ROLE_HUB, NULL, a->c->id->hub,
                                   &ss)))
        e = registry_append(a->c, bytes_span(&ss));
    if (!e)
        e = act_log(a->c, resume ? ACT_RESUME : ACT_SUSPEND, org, (struct span){0});
    bytes_free(&stmt);
    bytes_free(&ss);
    return e;
}

enum err org_suspend(struct asked *a)
{
    uint8_t org[ID_BYTES];
    enum err e;

    if ((e = arg_id(a, "org", org)) || (e = suspension(a, org, false)))
        return e;
    return bytes_printf(&a->text,
                        "Organisation suspendue : le hub ne la sert plus. Ce qui l'attend "
                        "est conservé.\n");
}

enum err org_resume(struct asked *a)
{
    uint8_t org[ID_BYTES];
    enum err e;

    if ((e = arg_id(a, "org", org)) || (e = suspension(a, org, true)))
        return e;
    return bytes_printf(&a->text, "Organisation rétablie.\n");
}

/* The hub cannot revoke: it stops serving at once, and the registrar makes it final. */
enum err org_revoke(struct asked *a)
{
    const struct directory_org *o;
    struct bytes stmt = {0};
    uint8_t org[ID_BYTES];
    enum err e;

    if ((e = arg_id(a, "org", org)))
        return e;
    if (!(o = directory_find_org(a->c->dir, org)))
        return ERR_NOT_FOUND;
    if ((e = revoke_encode(a->c->id->federation.id, a->c->now_ms, org, NULL,
                           (enum revoke_reason)arg_uint(a, "reason", REVOKE_ENDED), &stmt)))
        return e;
    if (directory_org_state(a->c->dir, o, DIRECTORY_NOW, a->c->now_ms) == DIRECTORY_ACTIVE)
        e = suspension(a, org, false);
    if (!e && !(e = request_new(a, bytes_span(&stmt))))
        e = act_log(a->c, ACT_REVOKE, org, (struct span){0});
    if (!e)
        e = bytes_printf(&a->text,
                         "Organisation suspendue dès maintenant ; la révocation attend la "
                         "signature du registraire.\n");
    bytes_free(&stmt);
    return e;
}

enum err org_release(struct asked *a)
{
    const struct directory_node *n;
    struct mailbox *m;
    uint8_t node[ID_BYTES];
    enum err e;

    if ((e = arg_id(a, "node", node)))
        return e;
    n = directory_find_node(a->c->dir, node);
    m = n ? mailbox_of(a->c, (uint32_t)n->enrolled_at) : NULL;
    if (!m)
        return ERR_NOT_FOUND;
    if (!m->cloned)
        return ERR_STATE;
    m->cloned = false;
    m->known = false;
    if ((e = mailbox_save(a->c, m)) ||
        (e = act_log(a->c, ACT_RELEASE, m->who.org, SPAN_OF(m->who.node))))
        return e;
    return bytes_printf(&a->text, "Nœud libéré : la prochaine connexion fait foi. Assurez-vous que "
                                  "l'autre copie est détruite.\n");
}

/* --- trust anchors --------------------------------------------------------------------------- */

static enum err vkey_line(struct asked *a, const char *origin, const struct secret_sign *key)
{
    struct bytes vkey = {0};
    struct note_key k;
    enum err e;

    if ((e = note_key_init(&k, span_text(origin), NOTE_SIGNED, secret_sign_public(key))) ||
        (e = note_key_write(&k, &vkey)))
        return e;
    e = bytes_printf(&a->text, "log %.*s\n", (int)vkey.len, (const char *)vkey.ptr);
    bytes_free(&vkey);
    return e;
}

static enum err org_lines(struct asked *a, const struct directory_node *n)
{
    const struct directory_org *o = directory_org(a->c->dir, n->org);
    char org[2 * ID_BYTES + 1];
    char kid[2 * KID_BYTES + 1];
    struct bytes pk = {0};
    enum err e = ERR_OK;

    hex_text(o->id, sizeof o->id, org);
    hex_text(n->kid, sizeof n->kid, kid);
    if (n->previous_of_org == DIRECTORY_NONE)
        e = bytes_printf(&a->text, "org %s %.*s\n", org, (int)o->name.len,
                         (const char *)o->name.ptr);
    if (!e)
        e = base64_write(&pk, SPAN_OF(n->signing.b));
    if (!e)
        e = bytes_printf(&a->text, "key %s %s %s\n", org, kid, (const char *)pk.ptr);
    bytes_free(&pk);
    return e;
}

enum err org_trust(struct asked *a)
{
    enum err e;

    if ((e = vkey_line(a, a->c->id->keys_origin, a->c->id->keys_log)) ||
        (e = vkey_line(a, a->c->id->audit_origin, a->c->id->audit_log)) ||
        (e = bytes_printf(&a->text, "quorum none\n")))
        return e;
    for (size_t i = 0; directory_node(a->c->dir, i); i++)
        if ((e = org_lines(a, directory_node(a->c->dir, i))))
            return e;
    return ERR_OK;
}
