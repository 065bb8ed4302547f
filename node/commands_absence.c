/* absence.set, absence.clear, absence.list: closings that everybody may know of. */
#include <string.h>
#include <time.h>

#include "absence.h"
#include "commands_internal.h"
#include "contacts.h"
#include "words.h"

/* --- days --------------------------------------------------------------------------------------
 */

static bool digits(const char *text, size_t at, size_t count, int *out)
{
    int value = 0;

    for (size_t i = at; i < at + count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = 10 * value + text[i] - '0';
    }
    *out = value;
    return true;
}

/* YYYY-MM-DD or DD/MM/YYYY, the midnight (UTC) that begins it: a day is the same for everybody. */
static bool day_read(const char *text, uint64_t *ms)
{
    struct tm day = {0};
    struct tm same;
    time_t at;
    bool ok;

    if (!text || strlen(text) != 10)
        return false;
    if (text[2] == '/' && text[5] == '/')
        ok = digits(text, 0, 2, &day.tm_mday) && digits(text, 3, 2, &day.tm_mon) &&
             digits(text, 6, 4, &day.tm_year);
    else
        ok = text[4] == '-' && text[7] == '-' && digits(text, 0, 4, &day.tm_year) &&
             digits(text, 5, 2, &day.tm_mon) && digits(text, 8, 2, &day.tm_mday);
    if (!ok || day.tm_year < 1970)
        return false;
    day.tm_year -= 1900;
    day.tm_mon -= 1;
    same = day;
    at = timegm(&same);
    if (at <= 0 || same.tm_mon != day.tm_mon || same.tm_mday != day.tm_mday)
        return false; /* 31 June */
    *ms = (uint64_t)at * 1000;
    return true;
}

static enum err say_error(struct call *c, enum err e, const char *text)
{
    c->done = !bytes_printf(&c->text, "%s Rien n'a été annoncé.", text);
    return e;
}

static enum err days_read(const struct node *n, struct call *c, uint64_t *from_ms,
                          uint64_t *until_ms)
{
    uint64_t last_ms;

    if (!day_read(arg_text(c, "from"), from_ms) || !day_read(arg_text(c, "until"), &last_ms))
        return say_error(c, ERR_USAGE,
                         "Écrivez le premier et le dernier jour de fermeture : --from AAAA-MM-JJ "
                         "--until AAAA-MM-JJ (ou JJ/MM/AAAA).");
    if (last_ms < *from_ms)
        return say_error(c, ERR_RANGE, "Le dernier jour de fermeture précède le premier.");
    *until_ms = last_ms + ABSENCE_DAY_MS;
    if (*until_ms <= node_now_ms(n))
        return say_error(c, ERR_RANGE, "Cette fermeture est déjà passée.");
    if (*until_ms - node_now_ms(n) > ABSENCE_AHEAD_MS)
        return say_error(c, ERR_RANGE,
                         "Une fermeture s'annonce au plus 366 jours à l'avance, dernier jour "
                         "compris.");
    return ERR_OK;
}

/* --- acts --------------------------------------------------------------------------------------
 */

static enum err announce(struct node *n, struct call *c, uint64_t from_ms, uint64_t until_ms,
                         const uint8_t *substitute)
{
    uint8_t actor[ID_BYTES];
    struct txn *t = NULL;
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if (!(e = actor_id(n, t, c->actor, actor)) &&
        !(e = absence_queue(n, t, from_ms, until_ms, substitute)) &&
        !(e = journal_add(n, t, JOURNAL_ADMIN, actor, NULL, substitute)))
        e = node_commit(n, &t);
    node_abort(n, &t);
    if (!e)
        node_kick(n);
    return e;
}

#define ON_ITS_WAY                                                                                     \
    " Tout l'annuaire l'apprendra dès que le hub l'aura reçue ; « absence list » dit où elle en " \
    "est."

enum err absence_set(struct node *n, struct call *c)
{
    const char *typed = arg_text(c, "substitute");
    uint8_t substitute[ID_BYTES];
    uint64_t from_ms, until_ms;
    enum err e;

    if (!n->self.joined)
        return ERR_NOT_JOINED;
    if ((e = days_read(n, c, &from_ms, &until_ms)))
        return e;
    if (typed && (e = arg_org(n, typed, substitute)))
        return e;
    if (typed && memcmp(substitute, n->self.org, ID_BYTES) == 0)
        return say_error(c, ERR_FIELD_VALUE,
                         "--substitute nomme une autre structure que la vôtre.");
    if ((e = announce(n, c, from_ms, until_ms, typed ? substitute : NULL)))
        return e;
    if ((e = bytes_printf(&c->text, "Fermeture")) ||
        (e = absence_days(from_ms, until_ms, &c->text)))
        return e;
    if (typed && ((e = bytes_printf(&c->text, " ; s'adresser à ")) ||
                  (e = word_printable(contacts_org_name(n, substitute), &c->text))))
        return e;
    return bytes_printf(&c->text, " : annonce signée et conservée." ON_ITS_WAY);
}

enum err absence_clear(struct node *n, struct call *c)
{
    struct absence waits = {0};
    struct txn *t = NULL;
    bool any;
    enum err e;

    if (!n->self.joined)
        return ERR_NOT_JOINED;
    if ((e = store_begin(n->store, TXN_READ, &t)))
        return e;
    e = absence_get(n, t, &waits);
    store_abort(&t);
    any = !e || directory_absence(contacts_directory(n), n->self.org, node_now_ms(n));
    absence_wipe(&waits);
    if (e && e != ERR_NOT_FOUND)
        return e;
    if (!any) {
        c->done = !bytes_printf(&c->text, "Votre structure n'a annoncé aucune fermeture : il n'y a "
                                          "rien à lever.");
        return ERR_NOT_FOUND;
    }
    if ((e = announce(n, c, 0, 0, NULL)))
        return e;
    return bytes_printf(&c->text, "Fin de fermeture : annonce signée et conservée." ON_ITS_WAY);
}

/* --- list --------------------------------------------------------------------------------------
 */

static json_t *day_json(uint64_t ms)
{
    char text[TIME_TEXT_BYTES];

    return ms == 0 || time_text(ms, text) ? json_null() : json_stringn(text, strlen("YYYY-MM-DD"));
}

json_t *absence_json(struct node *n, const struct directory_absence *a)
{
    const struct directory_org *instead = directory_org(contacts_directory(n), a->substitute);

    return json_pack("{s:o, s:o, s:b, s:o}", "from", day_json(a->from_ms), "until",
                     day_json(a->until_ms - 1), "begun", a->from_ms <= node_now_ms(n), "substitute",
                     instead ? json_hex(instead->id, ID_BYTES) : json_null());
}

static enum err list_one(struct node *n, struct call *c, const struct directory_org *o,
                         json_t *list)
{
    const struct directory *d = contacts_directory(n);
    const struct directory_absence *a = directory_absence(d, o->id, node_now_ms(n));
    const struct directory_org *instead = a ? directory_org(d, a->substitute) : NULL;
    json_t *row;
    enum err e;

    if (!a)
        return ERR_OK;
    row = absence_json(n, a);
    if (!row || json_object_set_new(row, "org", json_hex(o->id, ID_BYTES)) ||
        json_object_set_new(row, "name", json_span(o->name))) {
        json_decref(row);
        return ERR_NOMEM;
    }
    if (json_array_append_new(list, row))
        return ERR_NOMEM;
    if ((e = word_printable(o->name, &c->text)) || (e = bytes_printf(&c->text, " : fermeture")) ||
        (e = absence_days(a->from_ms, a->until_ms, &c->text)))
        return e;
    if (instead && ((e = bytes_printf(&c->text, " ; s'adresser à ")) ||
                    (e = word_printable(instead->name, &c->text))))
        return e;
    return bytes_printf(&c->text, "\n");
}

static const char *why_text(uint32_t code)
{
    if (code == ERR_QUOTA)
        return "Le hub n'en prend que quatre par jour d'une même structure. Rien n'a été publié : "
               "recommencez demain.";
    if (code == ERR_CHAIN)
        return "Une annonce plus récente de votre structure l'a remplacée.";
    if (code == ERR_SKEW)
        return "L'horloge de ce poste avance : mettez-la à l'heure, puis annoncez de nouveau.";
    return word_error((enum err)code);
}

/* Ours, until the log has it. */
static enum err own_say(struct node *n, struct txn *t, struct call *c)
{
    struct absence a = {0};
    enum err e = absence_get(n, t, &a);
    bool refused = a.state == ABSENCE_REFUSED;

    if (e == ERR_NOT_FOUND)
        return json_object_set_new(c->data, "own", json_null()) ? ERR_NOMEM : ERR_OK;
    if (e)
        return e;
    if (json_object_set_new(c->data, "own",
                            json_pack("{s:s, s:o, s:o, s:s}", "state",
                                      refused ? "refused" : "waiting", "from", day_json(a.from_ms),
                                      "until", day_json(a.until_ms ? a.until_ms - 1 : 0), "why",
                                      refused ? err_name((enum err)a.code) : "")))
        e = ERR_NOMEM;
    if (!e)
        e = bytes_printf(&c->text, a.until_ms ? "Votre annonce de fermeture"
                                              : "Votre annonce de fin de fermeture");
    if (!e && a.until_ms)
        e = absence_days(a.from_ms, a.until_ms, &c->text);
    if (!e)
        e = refused ? bytes_printf(&c->text, " est refusée par le hub. %s\n", why_text(a.code))
                    : bytes_printf(&c->text, " attend le hub.\n");
    absence_wipe(&a);
    return e;
}

enum err absence_list(struct node *n, struct call *c)
{
    const struct directory *d = contacts_directory(n);
    json_t *list = json_array();
    struct txn *t = NULL;
    enum err e = n->self.joined ? ERR_OK : ERR_NOT_JOINED;

    for (size_t i = 0; !e && i < directory_org_count(d); i++)
        e = list_one(n, c, directory_org(d, i), list);
    if (!e && !(e = store_begin(n->store, TXN_READ, &t)))
        e = own_say(n, t, c);
    store_abort(&t);
    if (json_object_set_new(c->data, "absences", list))
        return ERR_NOMEM;
    if (!e && c->text.len == 0)
        e = bytes_printf(&c->text, "Aucune fermeture n'est annoncée.");
    return e;
}
