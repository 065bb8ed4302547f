/* Commands about witnesses: a set is prepared here and signed by the registrar like every other act
 * (PROTOCOL.md 7.6). */
#include <inttypes.h>
#include <string.h>

#include "operator.h"

/* The newest active node of each organisation that was named. */
static enum err seats_read(const struct asked *a, struct witness_set_statement *s)
{
    const json_t *list = json_object_get(a->args, "orgs");
    const struct directory *d = a->c->dir;

    s->count = json_array_size(list);
    if (s->count < 1)
        return ERR_FIELD_MISSING;
    if (s->count > WITNESS_SET_MAX)
        return ERR_ITEMS;
    for (size_t i = 0; i < s->count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        const struct directory_org *o = NULL;
        uint32_t at;
        enum err e = org_typed(a, text ? text : "", &o);

        if (e)
            return e;
        at = o->newest_node;
        while (at != DIRECTORY_NONE && directory_node(d, at)->revoked)
            at = directory_node(d, at)->previous_of_org;
        if (at == DIRECTORY_NONE)
            return ERR_REVOKED;
        memcpy(s->node[i], directory_node(d, at)->id, ID_BYTES);
    }
    return ERR_OK;
}

/* What the registrar would sign in vain is refused now: as the keys log will judge it. */
static enum err set_check(struct asked *a, const struct witness_set_statement *s)
{
    const struct federation *f = directory_federation(a->c->dir);

    if (!f)
        return ERR_STATE;
    if (f->mode != MODE_EXERCISE && s->count < WITNESS_SET_FULL)
        return because(a, ERR_FIELD_VALUE,
                       "%zu témoin(s) : une fédération réelle en demande %d au moins, chacun d'une "
                       "organisation différente, et jamais celle qui exploite le hub ; rien n'a "
                       "été préparé",
                       s->count, WITNESS_SET_FULL);
    if (s->quorum > s->count || 2 * s->quorum <= s->count)
        return because(a, ERR_FIELD_VALUE,
                       "--quorum %llu ne va pas avec %zu témoin(s) : il en faut plus de la moitié, "
                       "et pas plus que tous (de %zu à %zu) ; rien n'a été préparé",
                       (unsigned long long)s->quorum, s->count, s->count / 2 + 1, s->count);
    for (size_t i = 0; i < s->count; i++) {
        const struct directory_node *n = directory_find_node(a->c->dir, s->node[i]);

        if (memcmp(directory_org(a->c->dir, n->org)->id, f->operator_org, ID_BYTES) == 0)
            return because(a, ERR_FIELD_VALUE,
                           "« %.*s » exploite le hub : elle ne peut pas être témoin de ses "
                           "journaux ; rien n'a été préparé",
                           (int)directory_org(a->c->dir, n->org)->name.len,
                           (const char *)directory_org(a->c->dir, n->org)->name.ptr);
        for (size_t k = 0; k < i; k++)
            if (directory_find_node(a->c->dir, s->node[k])->org == n->org)
                return because(a, ERR_FIELD_VALUE,
                               "« %.*s » est donnée deux fois ; rien n'a été préparé",
                               (int)directory_org(a->c->dir, n->org)->name.len,
                               (const char *)directory_org(a->c->dir, n->org)->name.ptr);
    }
    return ERR_OK;
}

enum err witness_set(struct asked *a)
{
    struct witness_set_statement s = {.ts_ms = a->c->now_ms};
    struct bytes stmt = {0};
    enum err e;

    if ((e = seats_read(a, &s)))
        return e;
    s.quorum = arg_uint(a, "quorum", s.count / 2 + 1);
    memcpy(s.federation, a->c->id->federation.id, ID_BYTES);
    if ((e = set_check(a, &s)))
        return e;
    if ((e = witness_set_encode(&s, &stmt)))
        return e;
    if (!(e = request_new(a, bytes_span(&stmt))))
        e = bytes_printf(&a->text,
                         "Désignation de %zu témoin(s), quorum %" PRIu64
                         ", préparée : elle attend la signature du registraire.%s\n",
                         s.count, s.quorum,
                         s.count < WITNESS_SET_FULL
                             ? " Moins de cinq témoins : admis en exercice seulement."
                             : "");
    bytes_free(&stmt);
    return e;
}

static enum err list_one(struct asked *a, const struct directory_node *n, json_t *list)
{
    const struct directory_org *o = directory_org(a->c->dir, n->org);
    bool counts = directory_is_witness(a->c->dir, n);
    char id[2 * ID_BYTES + 1];

    hex_text(n->id, ID_BYTES, id);
    if (json_array_append_new(list,
                              json_pack("{s:s,s:s%,s:b}", "node", id, "name",
                                        (const char *)o->name.ptr, o->name.len, "counts", counts)))
        return ERR_NOMEM;
    return bytes_printf(&a->text, "%.*s  nœud %s%s\n", (int)o->name.len, (const char *)o->name.ptr,
                        id,
                        counts ? ""
                               : "  (ne compte pas : sans clé de témoin, suspendu ou "
                                 "révoqué)");
}

enum err witness_list(struct asked *a)
{
    const struct directory_witnesses *set = directory_witnesses(a->c->dir);
    json_t *list = json_array();
    enum err e = list ? ERR_OK : ERR_NOMEM;

    if (!e && !set)
        e = bytes_printf(&a->text, "Aucun témoin n'est désigné.\n");
    for (size_t i = 0; set && i < set->count && !e; i++)
        e = list_one(a, directory_node(a->c->dir, set->node[i]), list);
    if (!e && set)
        e = bytes_printf(
            &a->text, "Quorum : %" PRIu64 " sur %zu.%s\n", set->quorum, set->count,
            set->count < WITNESS_SET_FULL ? " Moins de cinq témoins : valeur d'exercice." : "");
    if (!e)
        e = data_set(a, "quorum", json_integer(set ? (json_int_t)set->quorum : 0));
    if (e) {
        json_decref(list);
        return e;
    }
    return data_set(a, "witnesses", list);
}

/* --- status ----------------------------------------------------------------------------------- */

static enum err witness_words(struct asked *a, const struct witness_lag *w)
{
    uint64_t now_s = a->c->now_ms / 1000;
    uint64_t since_s = w->keys_time_s && w->keys_time_s < now_s ? now_s - w->keys_time_s : 0;

    if (!w->named)
        return bytes_printf(&a->text, "Témoins : aucun n'est désigné (« witness set »).\n");
    if (!w->keys_time_s)
        return bytes_printf(&a->text,
                            "Témoins : %zu désignés, %zu avec leur clé ; le quorum (%" PRIu64
                            ") n'a encore rien cosigné.\n",
                            w->members, w->keyed, w->quorum);
    return bytes_printf(&a->text,
                        "Témoins : %zu désignés, %zu avec leur clé, quorum %" PRIu64
                        " ; journal des clés attesté il y a %" PRIu64 " s (%" PRIu64
                        " entrées), journal d'audit attesté jusqu'à l'entrée %" PRIu64 ".\n",
                        w->members, w->keyed, w->quorum, since_s, w->keys_size, w->audit_size);
}

enum err witness_facts(struct asked *a)
{
    struct witness_lag w;
    json_t *facts;
    enum err e;

    witness_lag(a->c, &w);
    facts = json_pack("{s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "named", w.named, "members",
                      (json_int_t)w.members, "keyed", (json_int_t)w.keyed, "quorum",
                      (json_int_t)w.quorum, "keys_size", (json_int_t)w.keys_size, "keys_time",
                      (json_int_t)w.keys_time_s, "audit_size", (json_int_t)w.audit_size,
                      "audit_time", (json_int_t)w.audit_time_s, "audit_lag",
                      (json_int_t)(ledger_committed_size(a->c->audit) - w.audit_size));
    if ((e = data_set(a, "witness", facts)) ||
        (e = data_set(a, "epoch", json_integer((json_int_t)epoch_now(a->c)->number))) ||
        (e = data_set(a, "behind", json_boolean(a->c->recovery.behind))))
        return e;
    return witness_words(a, &w);
}
