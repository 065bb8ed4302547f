/* What is known of operators and of the acts that wait for a second one (operators.h). */
#include <string.h>

#include "log.h"
#include "operators_internal.h"
#include "screen.h"

/* --- what waits ------------------------------------------------------------------------------- */

struct lapse {
    struct core *c;
    uint8_t nonce[OPERATOR_WAITING_MAX][ID_BYTES];
    size_t n;
};

static enum err lapse_one(void *arg, const uint8_t nonce[ID_BYTES], const struct waiting *w)
{
    struct lapse *l = arg;
    struct operator_act o;
    enum err e = operator_act_decode(bytes_span(&w->act), &o);

    if (e)
        return ERR_CORRUPT;
    if (o.expires_ms <= l->c->now_ms && l->n < OPERATOR_WAITING_MAX)
        memcpy(l->nonce[l->n++], nonce, ID_BYTES);
    return ERR_OK;
}

enum err operators_sweep(struct core *c)
{
    struct lapse l = {.c = c};
    enum err e = waiting_each(c, lapse_one, &l);

    for (size_t i = 0; i < l.n && !e; i++) {
        struct waiting w = {0};
        struct operator_act o;

        if (!(e = waiting_get(c, l.nonce[i], &w)) && w.state == ACT_WAITS) {
            if (!(e = operator_act_decode(bytes_span(&w.act), &o)))
                e = operators_leaf(c, &w, &o, ERR_EXPIRED);
            log_warn("operator.lapsed", "act=%u", (unsigned)o.act);
        }
        if (!e)
            e = waiting_del(c, l.nonce[i]);
        waiting_wipe(&w);
    }
    return e;
}

struct listing {
    struct asked *a;
    json_t *list;
    const char *begins; /* NULL: all */
    size_t found;
};

static enum err wait_say(struct listing *l, const char *id, const struct waiting *w,
                         const struct operator_act *o)
{
    const struct guard *g = guard_of_act(o->act);
    char since[TIME_TEXT_BYTES], until[TIME_TEXT_BYTES];
    char from[WHEN_BYTES], to[WHEN_BYTES];
    struct named by;
    json_t *one;
    enum err e;

    if ((e = named_get(l->a->c, w->kid, &by)) || (e = time_text(w->at_ms, since)) ||
        (e = time_text(o->expires_ms, until)) || (e = when_said(w->at_ms, from)) ||
        (e = when_said(o->expires_ms, to)))
        return e;
    one = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s%}", "id", id, "by", by.name, "since", since,
                    "expires", until, "what", g ? g->words : "?", "request",
                    (const char *)w->request.ptr, w->request.len);
    if (json_array_append_new(l->list, one))
        return ERR_NOMEM;
    return bytes_printf(&l->a->text,
                        "En attente d'un second opérateur : %s %.*s\n    signé par « %s » le %s, "
                        "jusqu'au %s ; « operator confirm %.8s »\n",
                        g ? g->words : "?", (int)w->request.len, (const char *)w->request.ptr,
                        by.name, from, to, id);
}

static enum err list_waiting(void *arg, const uint8_t nonce[ID_BYTES], const struct waiting *w)
{
    struct listing *l = arg;
    struct operator_act o;
    char id[2 * ID_BYTES + 1];
    enum err e;

    hex_text(nonce, ID_BYTES, id);
    if (w->state != ACT_WAITS || (l->begins && strncmp(id, l->begins, strlen(l->begins)) != 0))
        return ERR_OK;
    l->found++;
    if ((e = operator_act_decode(bytes_span(&w->act), &o)))
        return ERR_CORRUPT;
    if (l->begins && (e = operator_act_tell(l->a, bytes_span(&w->act), bytes_span(&w->request))))
        return e;
    if (l->begins && (o.act == ACT_REVOKE || o.act == ACT_APPROVE || o.act == ACT_HUB_KEY) &&
        (e = data_text(l->a, "output", SPAN_STR("request"))))
        return e;
    return wait_say(l, id, w, &o);
}

static enum err list_named(void *arg, const struct named *n)
{
    struct listing *l = arg;
    char id[2 * KID_BYTES + 1];
    char since[TIME_TEXT_BYTES];
    char when[WHEN_BYTES];
    enum err e;

    hex_text(n->kid, KID_BYTES, id);
    if ((e = time_text(n->since_ms, since)) || (e = when_said(n->since_ms, when)))
        return e;
    if (json_array_append_new(l->list,
                              json_pack("{s:s,s:s,s:s,s:b}", "name", n->name, "operator", id,
                                        "since", since, "removed", n->removed_ms != 0)))
        return ERR_NOMEM;
    return bytes_printf(&l->a->text, "%s  %s  depuis le %s%s\n", id, n->name, when,
                        n->removed_ms ? "  (retiré)" : "");
}

static enum err waiting_list(struct asked *a, const char *begins, size_t *found)
{
    struct listing l = {.a = a, .list = json_array(), .begins = begins};
    enum err e = l.list ? waiting_each(a->c, list_waiting, &l) : ERR_NOMEM;

    *found = l.found;
    if (e) {
        json_decref(l.list);
        return e;
    }
    return data_set(a, "acts_waiting", l.list);
}

enum err operator_list(struct asked *a)
{
    struct listing l = {.a = a, .list = json_array()};
    enum err e = l.list ? named_each(a->c, list_named, &l) : ERR_NOMEM;
    size_t found;

    if (!e && json_array_size(l.list) == 0)
        e = bytes_printf(&a->text, "Aucun opérateur n'est nommé (« operator add »).\n");
    if (e) {
        json_decref(l.list);
        return e;
    }
    return (e = data_set(a, "operators", l.list)) ? e : waiting_list(a, NULL, &found);
}

enum err operator_pending(struct asked *a)
{
    const char *id = arg_text(a, "id");
    size_t found;
    enum err e;

    if (strlen(id) < 4)
        return ERR_FIELD_MISSING;
    if ((e = waiting_list(a, id, &found)))
        return e;
    if (found == 1)
        return ERR_OK;
    return found ? because(a, ERR_ITEMS,
                           "plusieurs actes commencent par « %.32s » : donnez plus de chiffres "
                           "(« operator list »)",
                           id)
                 : because(a, ERR_NOT_FOUND,
                           "aucun acte en attente ne commence par « %.32s » : il est déjà "
                           "confirmé, ou ses 24 heures sont passées (« operator list »)",
                           id);
}

enum err operators_facts(struct asked *a)
{
    bool held;
    size_t named, needed, found;
    enum err e;

    if ((e = operators_needed(a->c, &named, &needed)))
        return e;
    if ((e = data_set(
             a, "operators",
             json_pack("{s:I,s:I}", "named", (json_int_t)named, "required", (json_int_t)needed))))
        return e;
    if (named < needed)
        e = bytes_printf(&a->text,
                         "ATTENTION : %zu opérateur(s) nommé(s), il en faut %zu ; les actes qui "
                         "demandent leur accord sont refusés (« operator add »).\n",
                         named, needed);
    else if (needed == 0)
        e = bytes_printf(&a->text, "Opérateurs : aucun n'est nommé (exercice) ; aucun acte ne "
                                   "demande leur accord.\n");
    else
        e = bytes_printf(&a->text, "Opérateurs : %zu nommés, %zu doivent s'accorder.\n", named,
                         needed);
    if (!e && a->c->recovery.on && !(e = operators_hold(a->c, &held)) && held)
        e = bytes_printf(&a->text, "La restauration attend l'accord des opérateurs (« operator "
                                   "accept-restore --as CLÉ »).\n");
    return e ? e : waiting_list(a, NULL, &found);
}
