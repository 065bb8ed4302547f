/* What waits for a human at the hub: circles without somebody who answers for them, silent nodes, a
 * clock that is not believed. Part of `status`; clock.confirm. */
#include <inttypes.h>
#include <string.h>

#include "operator.h"
#include "screen.h"
#include "warnings.h"

#define MINUTE_MS 60000
#define LISTED_MAX 200 /* of each kind: who makes more of them does not make status unsayable */

struct list {
    struct asked *a;
    json_t *all;
    size_t n;
};

static enum err org_name(struct asked *a, const uint8_t org[ID_BYTES])
{
    const struct directory_org *o = directory_find_org(a->c->dir, org);

    return o ? bytes_append(&a->text, o->name) : bytes_printf(&a->text, "?");
}

static const char *roles_word(unsigned roles)
{
    return roles == (ROLE_RESPONSIBLE | ROLE_REFERENT) ? "responsable et référent"
           : roles == ROLE_RESPONSIBLE                 ? "responsable"
                                                       : "référent";
}

static enum err escalated_one(void *arg, const struct escalated *x)
{
    struct list *l = arg;
    char circle[2 * ID_BYTES + 1];
    char org[2 * ID_BYTES + 1];
    enum err e;

    if (++l->n > LISTED_MAX)
        return ERR_OK;
    hex_text(x->circle, ID_BYTES, circle);
    hex_text(x->org, ID_BYTES, org);
    if (json_array_append_new(l->all,
                              json_pack("{s:s,s:s,s:i,s:s}", "circle", circle, "org", org, "roles",
                                        (int)x->roles, "code", err_name((enum err)x->code))))
        return ERR_NOMEM;
    if ((e = bytes_printf(&l->a->text, "ALARME : cercle %s sans %s en état d'agir : ", circle,
                          roles_word(x->roles))) ||
        (e = org_name(l->a, x->org)))
        return e;
    return bytes_printf(&l->a->text, " est %s\n",
                        x->code == ERR_REVOKED ? "révoquée" : "suspendue");
}

enum err escalated_say(struct asked *a)
{
    struct list l = {a, json_array(), 0};
    size_t unread = 0;
    enum err e = l.all ? escalated_each(a->c, escalated_one, &l, &unread) : ERR_NOMEM;

    l.n += unread;
    if (!e && l.n > LISTED_MAX)
        e = bytes_printf(&a->text, "ALARME : et %zu autre(s) cercle(s) dans le même cas\n",
                         l.n - LISTED_MAX);
    if (!e && a->c->escalating)
        e = bytes_printf(&a->text, "Le parcours des cercles n'est pas fini : d'autres peuvent "
                                   "s'y ajouter.\n");
    if (!e)
        e = data_set(a, "escalating", json_boolean(a->c->escalating));
    if (!e)
        e = data_set(a, "escalated_count", json_integer((json_int_t)l.n));
    if (e) {
        json_decref(l.all);
        return e;
    }
    return data_set(a, "escalated", l.all);
}

static void silent_one(struct mailbox *m, void *arg)
{
    struct list *l = arg;
    char utc[TIME_TEXT_BYTES];
    char when[WHEN_BYTES];
    char node[2 * ID_BYTES + 1];

    if (!m->silent || ++l->n > LISTED_MAX)
        return;
    hex_text(m->who.node, ID_BYTES, node);
    if (time_text(m->heard_ms, utc) || when_said(m->heard_ms, when) ||
        json_array_append_new(l->all,
                              json_pack("{s:s,s:s,s:I}", "node", node, "heard",
                                        m->heard_ms ? utc : "", "waiting", (json_int_t)m->len)) ||
        bytes_printf(&l->a->text, "Muet : ") || org_name(l->a, m->who.org))
        return;
    if (bytes_printf(&l->a->text, ", %zu en attente, entendu pour la dernière fois : %s\n", m->len,
                     m->heard_ms ? when : "jamais"))
        return;
}

enum err silent_say(struct asked *a)
{
    struct list l = {a, json_array(), 0};

    if (!l.all)
        return ERR_NOMEM;
    mailbox_each(a->c, silent_one, &l);
    if (json_array_size(l.all) != (l.n < LISTED_MAX ? l.n : LISTED_MAX) ||
        (l.n > LISTED_MAX &&
         bytes_printf(&a->text, "Muet : et %zu autre(s) nœud(s)\n", l.n - LISTED_MAX)) ||
        data_set(a, "silent_count", json_integer((json_int_t)l.n))) {
        json_decref(l.all);
        return ERR_NOMEM;
    }
    return data_set(a, "silent", l.all);
}

enum err clock_say(struct asked *a)
{
    uint64_t left_ms = clock_doubt_left_ms(a->c);
    enum err e = data_set(a, "clock_doubt_ms", json_integer((json_int_t)left_ms));

    if (e || left_ms == 0)
        return e;
    return bytes_printf(&a->text,
                        "ALARME : l'horloge a sauté. Rien n'expire pendant %" PRIu64
                        " min ; si elle est juste : « relais-hub clock confirm »\n",
                        left_ms / MINUTE_MS + 1);
}

enum err clock_confirm(struct asked *a)
{
    if (clock_doubt_left_ms(a->c) == 0)
        return ERR_STATE;
    clock_believe(a->c);
    return bytes_printf(&a->text,
                        "L'horloge est tenue pour juste ; les délais courent de nouveau.\n");
}
