/* Lists of documents, and the one that some typed digits name. */
#include <stdlib.h>
#include <string.h>

#include "bell.h"
#include "contacts.h"
#include "dossier.h"
#include "person.h"
#include "reading_internal.h"
#include "sheet.h"
#include "show.h"
#include "words.h"

#define ROWS_STANDARD 200
#define ROWS_MAX 1000

/* --- lists ----------------------------------------------------------------------------------- */

struct rows { /* the last `room` of a walk */
    struct mail *ring;
    size_t room;
    size_t total;
};

static enum err keep_row(void *arg, const struct mail *m)
{
    struct rows *r = arg;

    r->ring[r->total++ % r->room] = *m;
    return ERR_OK;
}

/* Subject and person, of what this professional may read. */
static enum err row_content(struct node *n, struct txn *t, struct call *c, const struct mail *m,
                            json_t *row)
{
    struct document *d = malloc(sizeof *d);
    struct bytes body = {0};
    enum err e = d ? mail_open(n, t, m, &body, d) : ERR_NOMEM;

    if (e || may_read(n, m, d, c->actor)) {
        e = e == ERR_NOMEM ? e : bytes_printf(&c->text, "(non montré)"); /* sheet.show says why */
        goto out;
    }
    if ((e = identity_say(document_identity(d), &c->text)) || (e = bytes_printf(&c->text, " : ")))
        goto out;
    if (d->type == ENVELOPE_INVITATION) {
        e = bytes_printf(&c->text, "invitation à un cercle de soins");
        goto out;
    }
    e = word_printable(d->sheet.subject, &c->text);
    if (!e && json_object_set_new(row, "subject", json_span(d->sheet.subject)))
        e = ERR_NOMEM;
out:
    seal_bytes_free(&body);
    if (d)
        seal_wipe(d, sizeof *d);
    free(d);
    return e;
}

static size_t marked(const struct out_status *s, unsigned mark)
{
    size_t count = 0;

    for (size_t i = 0; i < s->count; i++)
        count += (s->to[i].marks & mark) != 0;
    return count;
}

static size_t concerned(const struct out_status *s)
{
    size_t count = 0;

    for (size_t i = 0; i < s->count; i++)
        count += out_concerns(&s->to[i]) ? 1 : 0;
    return count;
}

json_t *in_json(const struct node *n, const struct in_status *s)
{
    json_t *o =
        json_pack("{s:s,s:i,s:s,s:i,s:b,s:i,s:i,s:i}", "direction", "in", "state", (int)s->state,
                  "state_word", word_in_state(s->state), "code", (int)s->code, "urgent", s->urgent,
                  "type", (int)s->type, "class", (int)s->class_mask, "basis", (int)s->basis);
    int bad = json_object_set_new(o, "mid", json_hex(s->mid, ID_BYTES)) |
              json_object_set_new(o, "from", json_hex(s->from, ID_BYTES)) |
              json_object_set_new(o, "from_name", json_span(contacts_org_name(n, s->from))) |
              json_object_set_new(o, "circle", json_hex(s->circle, ID_BYTES)) |
              json_object_set_new(o, "person", json_hex(s->person, ID_BYTES)) |
              json_object_set_new(o, "received", json_time(s->received_ms)) |
              json_object_set_new(o, "accepted", json_time(s->accepted_ms)) |
              json_object_set_new(o, "opened", json_time(s->opened_ms)) |
              json_object_set_new(o, "recalled", json_boolean(s->ended == AUDIT_RECALLED)) |
              json_object_set_new(o, "held_back", json_boolean(s->ended == AUDIT_HELD));

    if (s->has_re)
        bad |= json_object_set_new(o, "re", json_hex(s->re, ID_BYTES));
    if (s->deputed_ms)
        bad |= json_object_set_new(o, s->as_deputy ? "deputy_for" : "deputy",
                                   json_hex(s->deputed, ID_BYTES)) |
               json_object_set_new(o, "deputy_since", json_time(s->deputed_ms));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

json_t *out_json(const struct out_status *s)
{
    json_t *o =
        json_pack("{s:s,s:i,s:s,s:i,s:b,s:i,s:i,s:i,s:I,s:I,s:I}", "direction", "out", "state",
                  (int)s->state, "state_word", word_out_state(s->state), "code", (int)s->code,
                  "urgent", s->urgent, "type", (int)s->type, "class", (int)s->class_mask, "basis",
                  (int)s->basis, "recipients", (json_int_t)concerned(s), "delivered",
                  (json_int_t)marked(s, OUT_DELIVERED), "read", (json_int_t)marked(s, OUT_OPENED));
    int bad =
        json_object_set_new(o, "mid", json_hex(s->mid, ID_BYTES)) |
        json_object_set_new(o, "circle", json_hex(s->circle, ID_BYTES)) |
        json_object_set_new(o, "person", json_hex(s->person, ID_BYTES)) |
        json_object_set_new(o, "made", json_time(s->made_ms)) |
        json_object_set_new(o, "recall", json_integer(s->recall)) |
        json_object_set_new(o, "recalled", json_integer((json_int_t)marked(s, OUT_RECALLED))) |
        json_object_set_new(o, "accepted", json_time(s->accepted_ms));

    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

/* Of a sheet, which is feminine. */
static const char *sheet_out_word(enum out_state state)
{
    return state == OUT_ACCEPTED    ? "acceptée"
           : state == OUT_REFUSED   ? "refusée"
           : state == OUT_EXPIRED   ? "expirée"
           : state == OUT_WITHDRAWN ? "retirée avant l'envoi"
                                    : word_out_state(state);
}

static const char *sheet_in_word(enum in_state state)
{
    return state == IN_RECEIVED   ? "reçue"
           : state == IN_REFUSED  ? "refusée"
           : state == IN_LAPSED   ? "échue"
           : state == IN_RECALLED ? "rappelée par l'expéditeur"
           : state == IN_WITHHELD ? "retenue"
                                  : word_in_state(state);
}

static enum err recipients_named(const struct node *n, const struct out_status *s,
                                 struct bytes *out)
{
    enum err e = bytes_printf(out, "  à ");

    for (size_t i = 0; !e && i < s->count; i++)
        if (out_concerns(&s->to[i]) && !(e = bytes_printf(out, "%s", i > 0 ? ", " : "")))
            e = word_printable(contacts_org_name(n, s->to[i].org), out);
    return e;
}

static enum err recall_row(const struct out_status *s, struct bytes *out)
{
    size_t for_whom = marked(s, OUT_RECALLED);

    if (s->recall == OUT_RECALL_ASKED)
        return bytes_printf(out, ", rappel demandé");
    if (s->recall == OUT_RECALL_LATE)
        return bytes_printf(out, ", rappel trop tardif");
    return for_whom > 0 ? bytes_printf(out, ", rappelée pour %zu", for_whom) : ERR_OK;
}

static uint64_t row_time(const struct mail *m)
{
    return m->incoming ? m->in.received_ms : m->out.made_ms;
}

static enum err row_state(const struct node *n, struct call *c, const struct mail *m)
{
    bool urgent = m->incoming ? m->in.urgent : m->out.urgent;
    enum err e = short_id(mail_mid(m), &c->text);

    if (e || (e = bytes_printf(&c->text, "  ")) || (e = say_time(row_time(m), &c->text)) ||
        (urgent && (e = bytes_printf(&c->text, "  URGENT"))))
        return e;
    if (!m->incoming) {
        if ((e = recipients_named(n, &m->out, &c->text)))
            return e;
        if ((e = bytes_printf(&c->text, ", %s, remise à %zu sur %zu, ouverte par %zu",
                              sheet_out_word(m->out.state), marked(&m->out, OUT_DELIVERED),
                              concerned(&m->out), marked(&m->out, OUT_OPENED))) ||
            (e = recall_row(&m->out, &c->text)))
            return e;
        return bytes_printf(&c->text, "  ");
    }
    if ((e = bytes_printf(&c->text, "  de ")) ||
        (e = word_printable(contacts_org_name(n, m->in.from), &c->text)))
        return e;
    return bytes_printf(&c->text, ", %s%s%s  ", sheet_in_word(m->in.state),
                        m->in.state == IN_RECEIVED && !m->in.opened_ms ? ", non ouverte" : "",
                        m->in.state != IN_RECEIVED || !m->in.ended ? ""
                        : m->in.ended == AUDIT_RECALLED            ? ", rappelée depuis"
                                                                   : ", retenue depuis");
}

/* For whom we stand in, so that nobody takes it for one of our own. */
static enum err deputy_row(const struct node *n, const struct in_status *s, struct bytes *out)
{
    enum err e;

    if (!s->deputed_ms || !s->as_deputy)
        return ERR_OK;
    if ((e = bytes_printf(out, "en suppléance de ")) ||
        (e = word_printable(contacts_org_name(n, s->deputed), out)))
        return e;
    return bytes_printf(out, "  ");
}

static enum err row_say(struct node *n, struct txn *t, struct call *c, const struct mail *m,
                        json_t *list)
{
    json_t *row = m->incoming ? in_json(n, &m->in) : out_json(&m->out);
    enum err e = ERR_NOMEM;

    if (!row || json_array_append_new(list, row))
        return e; /* json_array_append_new() steals it either way */
    if ((e = row_state(n, c, m)))
        return e;
    if (m->incoming &&
        ((e = deputy_row(n, &m->in, &c->text)) || (e = bell_say(n, t, &m->in, &c->text, row))))
        return e;
    if (!m->incoming || m->in.state == IN_RECEIVED)
        e = row_content(n, t, c, m, row);
    return e ? e : bytes_printf(&c->text, "\n");
}

/* What came in one millisecond stands as the hub delivered it. */
static int by_time(const void *a, const void *b)
{
    const struct mail *ma = a;
    const struct mail *mb = b;
    uint64_t ta = row_time(ma);
    uint64_t tb = row_time(mb);

    if (ta == tb && ma->incoming && mb->incoming) {
        ta = ma->in.seq;
        tb = mb->in.seq;
    }
    return (ta > tb) - (ta < tb);
}

/* The newest `room` of each side, oldest first. */
static enum err list_rows(struct node *n, struct txn *t, struct call *c, const uint8_t *person,
                          const bool sides[2], json_t *list, size_t room, size_t *total)
{
    struct mail *all = calloc(2 * room, sizeof *all);
    size_t count = 0;
    enum err e = all ? ERR_OK : ERR_NOMEM;

    for (int side = 0; !e && side < 2; side++) {
        struct rows r = {.ring = all + count, .room = room};

        if (!sides[side])
            continue;
        e = mail_each(n, t, person, side == 0, side == 1, keep_row, &r);
        count += r.total < room ? r.total : room;
        *total += r.total;
    }
    if (!e)
        qsort(all, count, sizeof *all, by_time);
    for (size_t i = 0; !e && i < count; i++)
        e = row_say(n, t, c, &all[i], list);
    free(all);
    return e;
}

enum err journal_read(struct node *n, struct txn *t, const struct call *c, enum journal_act act,
                      const uint8_t *person, const uint8_t *about, uint8_t actor[ID_BYTES])
{
    enum err e = actor_id(n, t, c->actor, actor);

    return e ? e : journal_add(n, t, act, actor, person, about);
}

static enum err list(struct node *n, struct call *c, bool in, bool out)
{
    const char *typed = arg_text(c, "person");
    const bool sides[2] = {in, out};
    uint8_t resolved[ID_BYTES];
    uint8_t actor[ID_BYTES];
    struct txn *t = NULL;
    json_t *rows = json_array();
    size_t total = 0;
    uint64_t most;
    enum err e;

    if ((e = arg_uint(c, "most", ROWS_STANDARD, ROWS_MAX, &most)) ||
        (e = store_begin(n->store, TXN_WRITE, &t)))
        goto out;
    if (typed && ((e = person_asked(n, t, c, "person", resolved)) ||
                  (e = person_resolve(n, t, resolved, resolved))))
        goto out;
    most = most ? most : ROWS_STANDARD;
    if ((e = list_rows(n, t, c, typed ? resolved : NULL, sides, rows, most, &total)))
        goto out;
    if ((e = journal_read(n, t, c, JOURNAL_READ, typed ? resolved : NULL, NULL, actor)) ||
        (e = node_commit(n, &t)))
        goto out;
    if (json_object_set(c->data, "sheets", rows) ||
        json_object_set_new(c->data, "total", json_integer((json_int_t)total)))
        e = ERR_NOMEM;
    else if (total == 0)
        e = bytes_printf(&c->text, "Aucun document.\n");
out:
    node_abort(n, &t);
    json_decref(rows);
    if (e && !c->done)
        bytes_free(&c->text);
    return e;
}

enum err run_sheet_list(struct node *n, struct call *c)
{
    const char *box = arg_text(c, "box");
    bool in = !box || strcmp(box, "out") != 0;
    bool out = !box || strcmp(box, "in") != 0;

    if (box && strcmp(box, "in") != 0 && strcmp(box, "out") != 0 && strcmp(box, "all") != 0)
        return ERR_USAGE;
    return list(n, c, in, out);
}

enum err run_inbox_list(struct node *n, struct call *c)
{
    return list(n, c, true, false);
}

/* --- which document --------------------------------------------------------------------------- */

struct candidates {
    struct node *n;
    struct txn *t;
    struct call *c;
    const char *typed;
    json_t *list; /* not shown */
};

static enum err candidate_say(void *arg, const struct mail *m)
{
    struct candidates *of = arg;

    return id_fits(of->typed, mail_mid(m)) ? row_say(of->n, of->t, of->c, m, of->list) : ERR_OK;
}

enum err mail_asked(struct node *n, struct txn *t, struct call *c, struct mail *out)
{
    const char *typed = arg_text(c, "mid");
    struct candidates of = {n, t, c, typed, NULL};
    bool several;
    enum err why;
    enum err e;

    if (!typed)
        return ERR_FIELD_MISSING;
    why = mail_find(n, t, typed, out);
    if (why != ERR_NOT_FOUND && why != ERR_USAGE)
        return why;
    several = why == ERR_USAGE && id_is_typed(typed);
    if ((e = bytes_printf(&c->text, several ? "Plusieurs fiches : " : "Fiche introuvable : ")) ||
        (e = word_printable(span_text(typed), &c->text)))
        return e;
    if (!several) {
        e = bytes_printf(&c->text, ". Rien n'a été modifié. Écrivez les huit chiffres que montre "
                                   "« sheet list ».\n");
    } else if ((of.list = json_array()) &&
               !(e = bytes_printf(&c->text, ". Écrivez plus de chiffres :\n"))) {
        e = mail_each(n, t, NULL, true, true, candidate_say, &of);
    }
    json_decref(of.list);
    c->done = !e;
    return e ? e : why;
}
