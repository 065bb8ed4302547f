/* A circle as people read it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "circles.h"
#include "clock.h"
#include "commands_internal.h"
#include "contacts.h"
#include "person.h"
#include "show.h"
#include "words.h"

#define LINE_MAX_BYTES 1024

static void tell(struct call *c, enum err *e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void tell(struct call *c, enum err *e, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list list;

    if (*e)
        return;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    *e = bytes_printf(&c->text, "%s", line);
}

static void hex_text(const uint8_t id[ID_BYTES], char out[2 * ID_BYTES + 1])
{
    for (int i = 0; i < ID_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", id[i]);
}

/* NUL-terminated in room, until the next call. */
static const char *classes_text(uint64_t mask, struct bytes *room)
{
    bytes_free(room);
    if (word_classes(mask, room) || bytes_reserve(room, 1))
        return "";
    room->ptr[room->len] = 0;
    return (const char *)room->ptr;
}

/* Whose circle it is, as `person list` calls him; nothing when this node does not know yet. */
static enum err person_say(struct node *n, struct txn *t, const struct circle_info *i,
                           const char *before, struct bytes *out)
{
    struct person *p = i->has_person ? malloc(sizeof *p) : NULL;
    enum err e = p ? person_get(n, t, i->person, p) : i->has_person ? ERR_NOMEM : ERR_NOT_FOUND;

    if (!e && !(e = bytes_printf(out, "%s", before)))
        e = identity_say(&p->identity, out);
    if (p)
        seal_wipe(p, sizeof *p);
    free(p);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* --- members ------------------------------------------------------------------------------------
 */

static json_t *member_json(struct node *n, const struct circle *circle,
                           const struct circle_member *m)
{
    const uint8_t *referent = circle_referent(circle);
    const uint8_t *responsible = circle_responsible(circle);

    return json_pack("{s:o, s:o, s:b, s:i, s:i, s:i, s:i, s:b, s:b}", "org",
                     json_hex(m->row.org, ID_BYTES), "name",
                     json_span(contacts_org_name(n, m->row.org)), "current", (int)m->current,
                     "team", (int)m->row.team, "category", (int)m->row.category, "classes",
                     (int)m->row.class_mask, "rights", (int)m->row.rights, "referent",
                     referent && memcmp(referent, m->row.org, ID_BYTES) == 0, "responsible",
                     responsible && memcmp(responsible, m->row.org, ID_BYTES) == 0);
}

static const char *role_text(const struct circle *circle, const struct circle_member *m)
{
    const uint8_t *referent = circle_referent(circle);
    const uint8_t *responsible = circle_responsible(circle);
    bool refers = referent && memcmp(referent, m->row.org, ID_BYTES) == 0;
    bool answers = responsible && memcmp(responsible, m->row.org, ID_BYTES) == 0;

    return refers && answers ? " ; référente et responsable"
           : answers         ? " ; responsable"
           : refers          ? " ; référente"
                             : "";
}

static const char *standing_text(const struct node *n, const struct circle_member *m)
{
    return !m->current || contacts_org_active(n, m->row.org)
               ? ""
               : " ; ATTENTION : suspendue ou révoquée, elle ne reçoit et n'envoie plus rien";
}

static enum err members_shown(struct node *n, const struct circle *circle, struct call *c)
{
    json_t *list = json_array();
    struct bytes classes = {0};
    enum err e = ERR_OK;

    for (size_t i = 0; i < circle_member_count(circle) && !e; i++) {
        const struct circle_member *m = circle_member(circle, i);
        struct span name = contacts_org_name(n, m->row.org);

        if (json_array_append_new(list, member_json(n, circle, m)))
            e = ERR_NOMEM;
        tell(c, &e, "  %s %.*s : %s ; %s%s%s%s\n", m->current ? "membre" : "ancien membre",
             (int)name.len, (const char *)name.ptr, word_category(m->row.category),
             classes_text(m->row.class_mask, &classes), m->row.team ? " ; équipe de soins" : "",
             role_text(circle, m), standing_text(n, m));
    }
    bytes_free(&classes);
    if (json_object_set_new(c->data, "members", list))
        e = ERR_NOMEM;
    return e;
}

/* --- acts ---------------------------------------------------------------------------------------
 */

static json_t *act_json(const struct circle *circle, const struct circle_act *a, const char *kind)
{
    json_t *orgs = json_array();

    for (size_t i = 0; i < a->org_count; i++)
        if (json_array_append_new(orgs, json_hex(circle_act_org(circle, a, i), ID_BYTES))) {
            json_decref(orgs);
            return NULL;
        }
    return json_pack("{s:s, s:i, s:o, s:i, s:b, s:b, s:i, s:o, s:o}", "kind", kind, "n", (int)a->n,
                     "author", json_hex(a->author, ID_BYTES), "classes", (int)a->class_mask, "live",
                     (int)a->live, "emergency", (int)a->emergency, "ended", (int)a->ended_n, "date",
                     json_time(a->date_ms), "orgs", orgs);
}

static const char *kind_text(enum circle_kind kind, const char **code)
{
    switch (kind) {
    case CIRCLE_NOTICE:
        *code = "notice";
        return "information";
    case CIRCLE_CONSENT:
        *code = "consent";
        return "consentement";
    default:
        *code = "opposition";
        return "opposition";
    }
}

static enum err acts_shown(struct node *n, const struct circle *circle, struct call *c)
{
    json_t *list = json_array();
    struct bytes classes = {0};
    enum err e = ERR_OK;

    for (size_t i = 0; i < circle_act_count(circle) && !e; i++) {
        const struct circle_act *a = circle_act(circle, i);
        const char *code;
        const char *kind = kind_text(a->kind, &code);

        if (json_array_append_new(list, act_json(circle, a, code)))
            e = ERR_NOMEM;
        tell(c, &e, "  n° %u %s : %s%s%s", (unsigned)a->n, kind,
             classes_text(a->class_mask, &classes), a->live ? "" : " (terminé)",
             a->org_count == 0 ? " ; envers tous" : "");
        for (size_t k = 0; k < a->org_count; k++) {
            struct span name = contacts_org_name(n, circle_act_org(circle, a, k));

            tell(c, &e, "%s%.*s", k ? ", " : " ; ", (int)name.len, (const char *)name.ptr);
        }
        tell(c, &e, "\n");
    }
    bytes_free(&classes);
    if (json_object_set_new(c->data, "acts", list))
        e = ERR_NOMEM;
    return e;
}

/* --- ours, on their way --------------------------------------------------------------------- */

struct awaiting {
    struct call *c;
    const uint8_t *handle;
    json_t *list;
};

static const char *declared_text(enum circle_kind kind, const char **code)
{
    switch (kind) {
    case CIRCLE_WITHDRAWAL:
        *code = "withdrawal";
        return "retrait de consentement";
    case CIRCLE_LIFT:
        *code = "lift";
        return "levée d'opposition";
    case CIRCLE_LEAVE:
        *code = "leave";
        return "départ";
    case CIRCLE_REMOVE:
        *code = "remove";
        return "retrait d'une organisation";
    case CIRCLE_CLOSE:
        *code = "close";
        return "fermeture";
    case CIRCLE_NOTICE:
    case CIRCLE_CONSENT:
    case CIRCLE_OPPOSITION:
        return kind_text(kind, code);
    default:
        *code = "other";
        return "déclaration";
    }
}

static enum err awaiting_one(void *arg, const struct act *a)
{
    struct awaiting *w = arg;
    struct circle_statement s;
    const char *code;
    const char *kind;
    enum err e;

    if ((e = act_statement(a, &s)) || memcmp(s.circle, w->handle, ID_BYTES) != 0)
        return e;
    kind = declared_text(s.kind, &code);
    if (json_array_append_new(w->list,
                              json_pack("{s:s, s:o, s:i, s:b}", "kind", code, "act",
                                        json_hex(a->id, ID_BYTES), "classes", (int)s.class_mask,
                                        "binds", (int)circle_narrows(s.kind))))
        return ERR_NOMEM;
    tell(w->c, &e, "  %s : le hub ne le sait pas encore%s\n", kind,
         circle_narrows(s.kind) ? " ; ce nœud le respecte déjà" : " ; sans effet d'ici là");
    return e;
}

static enum err awaiting_shown(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                               struct call *c)
{
    struct awaiting w = {c, handle, json_array()};
    enum err e = act_each_waiting(n, t, awaiting_one, &w);

    return json_object_set_new(c->data, "pending", w.list) ? ERR_NOMEM : e;
}

enum err circle_shown(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES], struct call *c)
{
    struct circle *circle = NULL;
    struct circle_info info;
    char hex[2 * ID_BYTES + 1];
    enum err e;

    if ((e = circles_get(n, t, handle, &circle)))
        return e == ERR_NOT_FOUND ? ERR_AGAIN : e;
    if ((e = circle_info_get(n, t, handle, &info)))
        return e;
    hex_text(handle, hex);
    if (json_object_set_new(c->data, "circle", json_hex(handle, ID_BYTES)) ||
        json_object_set_new(c->data, "person",
                            info.has_person ? json_hex(info.person, ID_BYTES) : json_null()) ||
        json_object_set_new(c->data, "size", json_integer(circle_size(circle))) ||
        json_object_set_new(c->data, "head", json_hex(circle_head(circle), STMT_LINK_BYTES)) ||
        json_object_set_new(c->data, "closed", json_boolean(circle_closed(circle))) ||
        json_object_set_new(c->data, "incomplete", json_boolean(info.incomplete)))
        return ERR_NOMEM;
    if ((e = bytes_printf(&c->text, "Cercle %s", hex)) ||
        (e = person_say(n, t, &info, "  ", &c->text)))
        return e;
    tell(c, &e, "%s%s\n", circle_closed(circle) ? ", fermé" : "",
         info.incomplete ? ", chaîne en cours de lecture" : "");
    if (!e)
        e = members_shown(n, circle, c);
    if (!e)
        e = acts_shown(n, circle, c);
    return e ? e : awaiting_shown(n, t, handle, c);
}

/* --- lists
 * ---------------------------------------------------------------------------------------- */

struct listing {
    struct node *n;
    struct txn *t;
    struct call *c;
    json_t *list;
};

static enum err list_circle(void *arg, const struct circle_info *i)
{
    struct listing *l = arg;
    struct circle *circle = NULL;
    char hex[2 * ID_BYTES + 1];
    const struct circle_member *me = NULL;
    json_t *row;
    enum err e = circles_get(l->n, l->t, i->handle, &circle);

    if (e && e != ERR_NOT_FOUND)
        return e;
    if (circle)
        me = circle_find(circle, l->n->self.org);
    row = json_pack("{s:o, s:o, s:i, s:b, s:b, s:b}", "circle", json_hex(i->handle, ID_BYTES),
                    "person", i->has_person ? json_hex(i->person, ID_BYTES) : json_null(), "size",
                    circle ? (int)circle_size(circle) : 0, "member", me && me->current, "closed",
                    circle && circle_closed(circle), "incomplete", (int)i->incomplete);
    if (json_array_append_new(l->list, row))
        return ERR_NOMEM;
    hex_text(i->handle, hex);
    e = ERR_OK;
    tell(l->c, &e, "%s  ", hex);
    if (!e && !(e = person_say(l->n, l->t, i, "", &l->c->text)))
        tell(l->c, &e, "%s", i->has_person ? " : " : "");
    tell(l->c, &e, "%s\n",
         !circle                 ? "en attente du hub"
         : circle_closed(circle) ? "fermé"
         : !me || !me->current   ? "nous n'en sommes plus membre"
         : i->incomplete         ? "chaîne en cours de lecture"
                                 : "ouvert");
    return e;
}

static enum err list_end(struct listing *l, enum err e, const char *name, const char *none)
{
    size_t count = json_array_size(l->list);

    if (json_object_set_new(l->c->data, name, l->list))
        return ERR_NOMEM;
    if (!e && count == 0)
        e = bytes_printf(&l->c->text, "%s", none);
    return e;
}

enum err circles_listed(struct node *n, struct txn *t, struct call *c)
{
    struct listing l = {n, t, c, json_array()};
    enum err e = circle_info_each(n, t, list_circle, &l);

    return list_end(&l, e, "circles", "Aucun cercle.");
}

static enum err list_invited(void *arg, const struct circle_invited *i)
{
    struct listing *l = arg;
    struct span name = contacts_org_name(l->n, i->from);
    struct circle_info info = {.has_person = true};
    struct circle_offer o;
    char hex[2 * ID_BYTES + 1];
    char until[TIME_TEXT_BYTES];
    enum err e;
    json_t *row;

    if ((e = circle_offer_decode(bytes_span(&i->offer), &o, NULL)))
        return ERR_CORRUPT;
    row = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "circle", json_hex(i->handle, ID_BYTES),
                    "from", json_hex(i->from, ID_BYTES), "name", json_span(name), "mid",
                    json_hex(i->mid, ID_BYTES), "person", json_hex(i->person, ID_BYTES), "received",
                    json_time(i->received_ms), "expires", json_time(o.expires_ms));
    if (json_array_append_new(l->list, row))
        return ERR_NOMEM;
    hex_text(i->handle, hex);
    if ((e = time_text(o.expires_ms, until)))
        return e;
    memcpy(info.person, i->person, ID_BYTES);
    tell(l->c, &e, "%s  ", hex);
    if (!e)
        e = person_say(l->n, l->t, &info, "", &l->c->text);
    tell(l->c, &e, " : invitation de %.*s, à accepter avant le %.2s/%.2s/%.4s à %.5s\n",
         (int)name.len, (const char *)name.ptr, until + 8, until + 5, until, until + 11);
    return e;
}

enum err invited_listed(struct node *n, struct txn *t, struct call *c)
{
    struct listing l = {n, t, c, json_array()};
    enum err e = circle_invited_each(n, t, list_invited, &l);

    return list_end(&l, e, "invitations", "Aucune invitation en attente.");
}
