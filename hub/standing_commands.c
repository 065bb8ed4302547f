/* Commands about organisations that are enrolled: suspending, revoking, releasing after a clone
 * alarm, and the trust anchors that verifiers need. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "checkpoint.h"
#include "invites.h"
#include "operator.h"
#include "warnings.h"

/* --- what the operator types for an organisation or a node ------------------------------------ */

#define PREFIX_DIGITS 4

/* The whole id or its first digits, four at least. */
static bool id_begins(const uint8_t id[ID_BYTES], const char *text)
{
    char hex[2 * ID_BYTES + 1];

    hex_text(id, ID_BYTES, hex);
    return strlen(text) >= PREFIX_DIGITS && strncasecmp(hex, text, strlen(text)) == 0;
}

static bool name_begins(struct span name, const char *text)
{
    return strlen(text) <= name.len && strncasecmp((const char *)name.ptr, text, strlen(text)) == 0;
}

enum err org_typed(const struct asked *a, const char *text, const struct directory_org **out)
{
    const struct directory_org *whole = NULL;
    const struct directory_org *begun = NULL;
    const struct directory_org *o;
    size_t wholes = 0;
    size_t begins = 0;

    if (!*text)
        return ERR_FIELD_MISSING;
    for (size_t i = 0; (o = directory_org(a->c->dir, i)); i++) {
        bool name = name_begins(o->name, text);

        if (name && o->name.len == strlen(text)) {
            whole = o;
            wholes++;
        }
        if (name || id_begins(o->id, text)) {
            begun = o;
            begins++;
        }
    }
    if (begins == 0)
        return ERR_NOT_FOUND;
    if (wholes != 1 && begins != 1)
        return ERR_ITEMS;
    *out = wholes == 1 ? whole : begun;
    return ERR_OK;
}

enum err arg_org(const struct asked *a, uint8_t org[ID_BYTES])
{
    const struct directory_org *o = NULL;
    enum err e = org_typed(a, arg_text(a, "org"), &o);

    if (e)
        return e;
    memcpy(org, o->id, ID_BYTES);
    return ERR_OK;
}

struct invite_search {
    const char *text;
    uint8_t *id;
    size_t found;
    size_t named;
    uint8_t by_name[ID_BYTES];
};

static enum err invite_one(void *arg, const struct invite *i)
{
    struct invite_search *s = arg;

    if (id_begins(i->id, s->text)) {
        memcpy(s->id, i->id, ID_BYTES);
        s->found++;
    } else if (i->state != INVITE_ENROLLED && i->state != INVITE_REFUSED &&
               name_begins(i->name, s->text)) {
        memcpy(s->by_name, i->id, ID_BYTES);
        s->named++;
    }
    return ERR_OK;
}

enum err invite_typed(struct asked *a, const char *argument, uint8_t id[ID_BYTES])
{
    const char *text = arg_text(a, argument);
    struct invite_search s = {.text = text, .id = id};
    enum err e;

    if (!*text)
        return ERR_FIELD_MISSING;
    if ((e = invite_each(a->c, invite_one, &s)))
        return e;
    if (s.found + s.named > 1)
        return because(a, ERR_ITEMS,
                       "plusieurs invitations correspondent à « %.64s » : donnez plus de chiffres "
                       "du numéro d'invitation (« org list ») ; rien n'a changé",
                       text);
    if (s.found + s.named == 0)
        return because(a, ERR_NOT_FOUND,
                       "aucune invitation en cours ne correspond à « %.64s » : donnez le début du "
                       "nom, ou du numéro d'invitation (« org list ») ; rien n'a changé",
                       text);
    if (s.named)
        memcpy(id, s.by_name, ID_BYTES);
    return ERR_OK;
}

enum err arg_node(const struct asked *a, bool (*is)(const struct mailbox *m), struct mailbox **out)
{
    const char *text = arg_text(a, "node");
    const struct directory_org *o = NULL;
    const struct directory_node *n;
    struct mailbox *cloned = NULL;
    struct mailbox *by_id = NULL;
    struct mailbox *m;
    size_t found = 0;
    size_t alarms = 0;
    enum err e;

    e = org_typed(a, text, &o);
    if (e == ERR_FIELD_MISSING)
        return e;
    for (size_t i = 0; (n = directory_node(a->c->dir, i)); i++) {
        if (!(m = mailbox_of(a->c, (uint32_t)n->enrolled_at)))
            continue;
        if (id_begins(n->id, text)) {
            by_id = m;
            found++;
        }
        if (!e && directory_org(a->c->dir, n->org) == o && is(m)) {
            cloned = m;
            alarms++;
        }
    }
    if (found > 1 || alarms > 1 || (found && !e))
        return ERR_ITEMS;
    if (!found && e)
        return e;
    if (!found && !cloned)
        return ERR_STATE;
    *out = found ? by_id : cloned;
    return ERR_OK;
}

/* --- suspend, resume, revoke, release -------------------------------------------------------- */

static enum err suspension(struct asked *a, const uint8_t org[ID_BYTES], bool resume)
{
    struct bytes stmt = {0};
    struct bytes ss = {0};
    enum err e;

    if ((e = suspend_encode(a->c->id->federation.id, a->c->now_ms, resume, org,
                            arg_uint(a, "reason", 1), &stmt)))
        return e;
    if (!(e = statement_sign_alone(STATEMENT_KEYS, bytes_span(&stmt), ROLE_HUB, NULL,
                                   core_hub_key(a->c), &ss)))
        e = registry_append(a->c, bytes_span(&ss));
    if (!e)
        e = act_log(a->c, resume ? ACT_RESUME : ACT_SUSPEND, org, (struct span){0});
    bytes_free(&stmt);
    bytes_free(&ss);
    return e;
}

/* What it answered for is not left to chance: the other members are told, the operator too. */
static enum err escalation(struct asked *a, const uint8_t org[ID_BYTES], enum err why)
{
    size_t count;
    bool end;
    enum err e = escalate(a->c, org, why, &count, &end);

    if (e || (count == 0 && end))
        return e ? e : data_set(a, "escalated", json_array());
    if ((e = bytes_printf(
             &a->text, "Elle répond de %s%zu cercle(s) ; leurs autres membres sont prévenus%s :\n",
             end ? "" : "plus de ", count,
             end ? "" : ", et ceux des suivants le seront dans l'ordre")))
        return e;
    return escalated_say(a);
}

enum err org_suspend(struct asked *a)
{
    uint8_t org[ID_BYTES];
    enum err e;

    if ((e = arg_org(a, org)) || (e = suspension(a, org, false)))
        return e;
    if ((e = bytes_printf(&a->text,
                          "Organisation suspendue : le hub ne la sert plus. Ce qui l'attend "
                          "est conservé.\n")))
        return e;
    return escalation(a, org, ERR_SUSPENDED);
}

enum err org_resume(struct asked *a)
{
    uint8_t org[ID_BYTES];
    enum err e;

    if ((e = arg_org(a, org)) || (e = suspension(a, org, true)))
        return e;
    return bytes_printf(&a->text, "Organisation rétablie.\n");
}

/* One of its nodes, by its first digits; not the last one. */
static enum err node_of_org(struct asked *a, const struct directory_org *o, struct mailbox **out)
{
    const char *text = arg_text(a, "node");
    const struct directory_node *n;
    struct mailbox *m = NULL;
    size_t found = 0;
    size_t others = 0;

    for (uint32_t at = o->newest_node; at != DIRECTORY_NONE; at = n->previous_of_org) {
        n = directory_node(a->c->dir, at);
        if (n->revoked)
            continue;
        if (id_begins(n->id, text)) {
            m = mailbox_of(a->c, (uint32_t)n->enrolled_at);
            found++;
        } else {
            others++;
        }
    }
    if (!m || found != 1)
        return because(a, ERR_NOT_FOUND,
                       "« %.64s » n'est pas le début d'un nœud en service de « %.*s », ou de "
                       "plusieurs (« org list ») ; rien n'a changé",
                       text, (int)o->name.len, (const char *)o->name.ptr);
    if (others == 0)
        return because(a, ERR_STATE,
                       "c'est le seul nœud de « %.*s » : pour qu'il n'en ait plus, révoquez "
                       "l'organisation, sans --node ; rien n'a changé",
                       (int)o->name.len, (const char *)o->name.ptr);
    *out = m;
    return ERR_OK;
}

enum err arg_revoked(struct asked *a, const struct directory_org **org, struct mailbox **node)
{
    const struct directory_org *o;
    struct mailbox *m = NULL;
    enum err e = org_typed(a, arg_text(a, "org"), &o);

    if (e)
        return e;
    if (directory_org_state(a->c->dir, o, DIRECTORY_NOW, a->c->now_ms) == DIRECTORY_REVOKED)
        e = because(a, ERR_REVOKED, "« %.*s » est déjà révoquée ; rien n'a changé",
                    (int)o->name.len, (const char *)o->name.ptr);
    else if (*arg_text(a, "node"))
        e = node_of_org(a, o, &m);
    if (e)
        return e;
    *org = o;
    *node = m;
    return ERR_OK;
}

/* Until the registrar has signed; what was asked for is served no more from now on. */
static enum err stop_serving(struct asked *a, const struct directory_org *o, struct mailbox *node)
{
    enum err e = ERR_OK;

    if (node)
        e = node_lock(a->c, node, true);
    else if (directory_org_state(a->c->dir, o, DIRECTORY_NOW, a->c->now_ms) == DIRECTORY_ACTIVE)
        e = suspension(a, o->id, false);
    if (e)
        return e;
    return bytes_printf(&a->text,
                        node ? "Nœud écarté dès maintenant, les autres de l'organisation restent "
                               "servis ; la révocation attend la signature du registraire.\n"
                             : "Organisation suspendue dès maintenant ; la révocation attend la "
                               "signature du registraire.\n");
}

/* The hub cannot revoke: it stops serving at once, and the registrar makes it final. */
enum err org_revoke(struct asked *a)
{
    const struct directory_org *o;
    struct mailbox *node = NULL;
    struct bytes stmt = {0};
    enum err e;

    if ((e = arg_revoked(a, &o, &node)))
        return e;
    if ((e = revoke_encode(a->c->id->federation.id, a->c->now_ms, o->id,
                           node ? node->who.node : NULL,
                           (enum revoke_reason)arg_uint(a, "reason", REVOKE_ENDED), &stmt)))
        return e;
    if (!(e = stop_serving(a, o, node)) && !(e = request_new(a, bytes_span(&stmt))))
        e = act_log(a->c, ACT_REVOKE, o->id, node ? SPAN_OF(node->who.node) : (struct span){0});
    if (!e && !node)
        e = escalation(a, o->id, ERR_REVOKED);
    bytes_free(&stmt);
    return e;
}

static bool is_cloned(const struct mailbox *m)
{
    return m->cloned;
}

enum err org_release(struct asked *a)
{
    struct mailbox *m = NULL;
    enum err e;

    if ((e = arg_node(a, is_cloned, &m)))
        return e;
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

/* most: 0, or the largest tree that this key, replaced since, may have signed. */
static enum err vkey_line(struct asked *a, const char *origin, const uint8_t pk[KEY_BYTES],
                          uint64_t most)
{
    struct sign_public key;
    struct bytes vkey = {0};
    struct note_key k;
    enum err e;

    memcpy(key.b, pk, KEY_BYTES);
    if ((e = note_key_init(&k, span_text(origin), NOTE_SIGNED, &key)) ||
        (e = note_key_write(&k, &vkey)))
        return e;
    if (most)
        e = bytes_printf(&a->text, "former %.*s %" PRIu64 "\n", (int)vkey.len,
                         (const char *)vkey.ptr, most);
    else
        e = bytes_printf(&a->text, "log %.*s\n", (int)vkey.len, (const char *)vkey.ptr);
    bytes_free(&vkey);
    return e;
}

static enum err key_line(struct asked *a, const char *org, const uint8_t kid[KID_BYTES],
                         const struct sign_public *signing)
{
    char text[2 * KID_BYTES + 1];
    struct bytes pk = {0};
    enum err e = base64_write(&pk, SPAN_OF(signing->b));

    hex_text(kid, KID_BYTES, text);
    if (!e)
        e = bytes_printf(&a->text, "key %s %s %s\n", org, text, (const char *)pk.ptr);
    bytes_free(&pk);
    return e;
}

/* The keys that it had before stand for what they have signed. */
static enum err org_lines(struct asked *a, const struct directory_node *n)
{
    const struct directory_org *o = directory_org(a->c->dir, n->org);
    const struct directory_former *f = directory_former(a->c->dir, n->former);
    char org[2 * ID_BYTES + 1];
    enum err e = ERR_OK;

    hex_text(o->id, sizeof o->id, org);
    if (n->previous_of_org == DIRECTORY_NONE)
        e = bytes_printf(&a->text, "org %s %.*s\n", org, (int)o->name.len,
                         (const char *)o->name.ptr);
    if (!e)
        e = key_line(a, org, n->kid, &n->signing);
    for (; f && !e; f = directory_former(a->c->dir, f->previous))
        e = key_line(a, org, f->kid, &f->signing);
    return e;
}

/* A closed epoch is bounded by what its successor says of it: at most what was lost. */
static enum err epoch_most(struct asked *a, size_t i, uint64_t *most)
{
    const uint64_t first = (uint64_t)(i + 1) << PLACE_SHIFT;
    struct detail d;
    enum err e;

    *most = 0;
    if (i + 1 == a->c->epoch_count)
        return ERR_OK;
    if ((e = audit_detail(a->c, first, &d)))
        return e;
    *most = d.lost;
    return ERR_OK;
}

static enum err audit_lines(struct asked *a)
{
    const struct hub_key_used *list;
    size_t count = directory_hub_keys(a->c->dir, HUB_KEY_AUDIT_LOG, &list);
    uint64_t most;
    enum err e = ERR_OK;

    if (count == 0) /* before genesis */
        return vkey_line(a, epoch_now(a->c)->origin, a->c->id->federation.audit_log.b, 0);

    for (size_t i = 0; i < a->c->epoch_count && !e; i++) {
        const struct epoch *at = &a->c->epochs[i];

        e = epoch_most(a, i, &most);
        for (size_t k = 0; k < count && !e; k++)
            if (hub_key_signs(list, count, k, at->number))
                e = vkey_line(a, at->origin, list[k].pk, most);
    }
    return e;
}

static enum err keys_lines(struct asked *a)
{
    const struct hub_key_used *list;
    size_t count = directory_hub_keys(a->c->dir, HUB_KEY_KEYS_LOG, &list);
    enum err e = ERR_OK;

    if (count == 0) /* before genesis */
        return vkey_line(a, a->c->id->keys_origin, a->c->id->federation.keys_log.b, 0);

    for (size_t k = 0; k < count && !e; k++)
        e = vkey_line(a, a->c->id->keys_origin, list[k].pk,
                      k + 1 < count ? list[k + 1].from - 1 : 0);
    return e;
}

enum err org_trust(struct asked *a)
{
    enum err e;

    if ((e = keys_lines(a)) || (e = audit_lines(a)) ||
        (e = bytes_printf(&a->text, "quorum none\n")))
        return e;
    for (size_t i = 0; directory_node(a->c->dir, i); i++)
        if ((e = org_lines(a, directory_node(a->c->dir, i))))
            return e;
    return data_text(a, "policy", bytes_span(&a->text));
}
