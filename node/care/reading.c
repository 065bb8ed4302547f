/* The commands that show one document: each is journalled, the first reading of one received is
 * told to its sender. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "attaching.h"
#include "carry.h"
#include "contacts.h"
#include "person.h"
#include "reading_internal.h"
#include "sheet.h"
#include "show.h"
#include "text.h"
#include "words.h"

/* --- who may read ---------------------------------------------------------------------------- */

static bool is_named(struct span label, const struct actor *a)
{
    struct bytes wanted = {0};
    struct bytes name = {0};
    bool same = !text_fold(label, &wanted) && !text_fold(span_text(a->name), &name) &&
                wanted.len > 0 && span_equal(bytes_span(&wanted), bytes_span(&name));

    bytes_free(&wanted);
    bytes_free(&name);
    return same;
}

enum err sheet_may_read(const struct sheet *s, const uint8_t org[ID_BYTES], const struct actor *a)
{
    for (size_t i = 0; i < s->audience_count; i++) {
        const struct sheet_addressee *to = &s->audience[i];

        if (memcmp(to->org, org, ID_BYTES) != 0)
            continue;
        if ((to->category & a->category) == 0)
            return ERR_CATEGORY;
        if (s->restricted && to->kind == ADDRESSEE_PERSON && !is_named(to->label, a))
            return ERR_RIGHT;
        return ERR_OK;
    }
    return ERR_OK; /* not addressed here: our own */
}

enum err may_read(const struct node *n, const struct mail *m, const struct document *d,
                  const struct actor *a)
{
    if (!m->incoming || d->type != ENVELOPE_SHEET)
        return ERR_OK;
    return sheet_may_read(&d->sheet, n->self.org, a);
}

/* --- one document ---------------------------------------------------------------------------- */

struct reading {
    struct txn *t;
    struct mail mail;
    struct bytes body;
    struct document doc;
};

static void reading_end(struct node *n, struct reading *r)
{
    if (!r)
        return;
    node_abort(n, &r->t);
    seal_bytes_free(&r->body);
    seal_wipe(&r->doc, sizeof r->doc);
    free(r);
}

/* Finds, opens, and puts down who read it; not committed yet. */
static enum err reading_begin(struct node *n, struct call *c, struct reading **out)
{
    struct reading *r = calloc(1, sizeof *r);
    bool export = arg_bool(c, "export");
    uint8_t actor[ID_BYTES];
    enum err e = r ? ERR_OK : ERR_NOMEM;

    if (e || (e = store_begin(n->store, TXN_WRITE, &r->t)) ||
        (e = mail_asked(n, r->t, c, &r->mail)) ||
        (e = mail_open(n, r->t, &r->mail, &r->body, &r->doc)) ||
        (e = may_read(n, &r->mail, &r->doc, c->actor)))
        goto out;
    if ((e = journal_read(n, r->t, c, export ? JOURNAL_EXPORT : JOURNAL_READ, mail_person(&r->mail),
                          mail_mid(&r->mail), actor)))
        goto out;
    if (r->mail.incoming && !export &&
        (e = inbox_opened(n, r->t, r->mail.in.mid, r->mail.in.from, actor)))
        goto out;
    *out = r;
    return ERR_OK;
out:
    reading_end(n, r);
    return e;
}

static enum err marks_say(unsigned marks, struct bytes *out)
{
    static const struct {
        unsigned mark;
        const char *word;
    } words[] = {
        {OUT_DELIVERED,   "remise"                                  },
        {OUT_OPENED,      "ouverte"                                 },
        {OUT_REJECTED,    "refusée par le destinataire"            },
        {OUT_UNREADABLE,  "illisible chez le destinataire"          },
        {OUT_MISLABELLED, "mise en quarantaine chez le destinataire"},
        {OUT_LAPSED,      "échue au hub"                           },
        {OUT_HELD,        "retenue par le hub"                      },
        {OUT_RECALLED,    "rappelée"                               },
    };
    enum err e = marks & ~(unsigned)OUT_RELEASED ? ERR_OK : bytes_printf(out, " pas encore remise");

    for (size_t i = 0; !e && i < sizeof words / sizeof words[0]; i++)
        if (marks & words[i].mark)
            e = bytes_printf(out, " %s", words[i].word);
    if (!e && (marks & OUT_OPENED) && (marks & (OUT_RECALLED | OUT_HELD)))
        e = bytes_printf(out, " (quelqu'un l'avait déjà lue)");
    return e;
}

static int deputy_json(const struct out_status *s, const struct out_recipient *r, json_t *o)
{
    return json_object_set_new(o, "deputy_for", json_hex(s->to[r->instead].org, ID_BYTES)) |
           json_object_set_new(o, "after_s", json_integer((json_int_t)r->after_s)) |
           json_object_set_new(o, "released_at", json_time(r->released_ms));
}

/* For whom, and whether he has been called upon. */
static enum err deputy_state_say(const struct node *n, const struct out_status *s,
                                 const struct out_recipient *r, struct bytes *out)
{
    const struct out_recipient *instead = &s->to[r->instead];
    enum err e;

    if ((e = bytes_printf(out, ", suppléance de ")) ||
        (e = word_printable(contacts_org_name(n, instead->org), out)) ||
        (e = bytes_printf(out, " :")))
        return e;
    if (r->marks & OUT_RELEASED) {
        if ((e = bytes_printf(out, " transmise le ")) || (e = say_time(r->released_ms, out)) ||
            (e = bytes_printf(out, " faute de remise à temps ;")))
            return e;
        return marks_say(r->marks, out);
    }
    if (r->marks & OUT_UNRELEASED)
        return bytes_printf(out, " NON transmise à l'échéance. %s", word_error((enum err)r->code));
    if (instead->marks)
        return bytes_printf(out, " sans objet");
    if ((e = bytes_printf(out, " en réserve, si la fiche n'est pas remise dans un délai de ")) ||
        (e = say_duration(r->after_s, out)))
        return e;
    return ERR_OK;
}

static enum err recipient_state_say(const struct node *n, const struct out_status *s,
                                    const struct out_recipient *r, struct bytes *out)
{
    enum err e;

    if (r->is_deputy)
        return deputy_state_say(n, s, r, out);
    e = bytes_printf(out, " :");
    return e ? e : marks_say(r->marks, out);
}

static enum err recall_say(const struct out_status *s, struct bytes *out)
{
    enum err e = bytes_printf(out, "Rappel demandé le ");

    if (e || (e = say_time(s->recall_ms, out)))
        return e;
    return bytes_printf(out, " (%s)%s\n", word_recall(s->recall_reason),
                        s->recall == OUT_RECALL_LATE ? " : trop tard, tous l'avaient reçue" : "");
}

enum err recipients_say(const struct node *n, struct call *c, const struct out_status *s)
{
    json_t *list_ = json_array();
    enum err e = bytes_printf(&c->text, "État : %s\n", word_out_state(s->state));

    if (!e && s->recall_ms)
        e = recall_say(s, &c->text);
    if (!e && s->state == OUT_REFUSED)
        e = bytes_printf(&c->text, "%s\n", word_error((enum err)s->code));
    for (size_t i = 0; !e && i < s->count; i++) {
        const struct out_recipient *r = &s->to[i];
        json_t *o =
            json_pack("{s:b,s:b,s:i,s:i}", "delivered", (r->marks & OUT_DELIVERED) != 0, "opened",
                      (r->marks & OUT_OPENED) != 0, "marks", (int)r->marks, "code", (int)r->code);
        int bad = json_object_set_new(o, "org", json_hex(r->org, ID_BYTES)) |
                  json_object_set_new(o, "org_name", json_span(contacts_org_name(n, r->org))) |
                  json_object_set_new(o, "delivered_at", json_time(r->delivered_ms)) |
                  json_object_set_new(o, "opened_at", json_time(r->opened_ms)) |
                  (r->is_deputy ? deputy_json(s, r, o) : 0);

        bad |= json_array_append_new(list_, o);
        if (bad)
            e = ERR_NOMEM;
        else if (!(e = bytes_printf(&c->text, "  ")) &&
                 !(e = word_printable(contacts_org_name(n, r->org), &c->text)) &&
                 !(e = recipient_state_say(n, s, r, &c->text)))
            e = bytes_printf(&c->text, "\n");
    }
    if (json_object_set_new(c->data, "recipients", list_) && !e)
        e = ERR_NOMEM;
    return e;
}

static enum err known_as(struct node *n, struct txn *t, const uint8_t id[ID_BYTES], struct call *c)
{
    uint8_t resolved[ID_BYTES];
    struct person p;
    enum err e;

    if ((e = person_resolve(n, t, id, resolved)) || (e = person_get(n, t, resolved, &p)))
        return e;
    if (json_object_set_new(c->data, "known_as", json_hex(resolved, ID_BYTES)) ||
        json_object_set_new(c->data, "identified", json_boolean(!p.provisional)))
        e = ERR_NOMEM;
    else if (p.provisional)
        e = bytes_printf(&c->text, "Ici : personne à identifier (« person matches », puis « person "
                                   "link »).\n");
    else if (!(e = bytes_printf(&c->text, "Ici : ")) && !(e = identity_say(&p.identity, &c->text)))
        e = bytes_printf(&c->text, "\n");
    seal_wipe(&p.identity, sizeof p.identity);
    return e;
}

/* The one basis that the person has not been told of: the reader has to know. */
static enum err basis_say(uint64_t basis, struct bytes *out)
{
    if (basis == BASIS_URGENCE)
        return bytes_printf(out, "Base : URGENCE, sans information préalable\n");
    return bytes_printf(out, "Base : %s\n", word_basis(basis));
}

/* It had been opened before that was known: it stays, and whoever reads it again is told. */
static enum err ended_say(const struct in_status *s, struct bytes *out)
{
    enum err e;

    if (!s->ended)
        return ERR_OK;
    if ((e = bytes_printf(out, s->ended == AUDIT_RECALLED
                                   ? "RAPPELÉE par l'expéditeur le "
                                   : "RETENUE par le hub, car le cercle a changé, le ")) ||
        (e = say_time(s->ended_ms, out)))
        return e;
    return bytes_printf(out, ", après avoir été ouverte ici. Ne vous appuyez plus sur elle.\n");
}

/* Who else has it, and why, at both ends. */
static enum err deputed_say(const struct node *n, const struct in_status *s, struct bytes *out)
{
    enum err e;

    if (!s->deputed_ms)
        return ERR_OK;
    if ((e = bytes_printf(out, s->as_deputy ? "SUPPLÉANCE : vous recevez cette fiche à la place de "
                                            : "Cette fiche est allée aussi à votre suppléant, ")) ||
        (e = word_printable(contacts_org_name(n, s->deputed), out)) ||
        (e = bytes_printf(out, s->as_deputy ? ", qui ne l'avait pas encore reçue le " : ", le ")) ||
        (e = say_time(s->deputed_ms, out)))
        return e;
    return bytes_printf(out, s->as_deputy ? ". Cette structure la recevra aussi à son retour.\n"
                                          : " : vous ne l'aviez pas encore reçue.\n");
}

static enum err show(struct node *n, struct call *c, const struct reading *r)
{
    const struct document *d = &r->doc;
    json_t *head = r->mail.incoming ? in_json(n, &r->mail.in) : out_json(&r->mail.out);
    json_t *doc =
        d->type == ENVELOPE_SHEET ? sheet_json(n, &d->sheet) : invitation_json(n, &d->invitation);
    int bad = json_object_update(c->data, head) | json_object_set_new(c->data, "document", doc);
    enum err e = bad ? ERR_NOMEM : ERR_OK;

    json_decref(head);
    if (e ||
        (e = d->type == ENVELOPE_SHEET ? sheet_say(n, &d->sheet, &c->text)
                                       : invitation_say(n, &d->invitation, &c->text)) ||
        (e = basis_say(r->mail.incoming ? r->mail.in.basis : r->mail.out.basis, &c->text)) ||
        (e = bytes_printf(&c->text, "\n")) || (e = known_as(n, r->t, mail_person(&r->mail), c)))
        return e;
    if (d->type == ENVELOPE_SHEET && (e = attaching_say(n, r->t, &r->mail, &d->sheet, c)))
        return e;
    if (!r->mail.incoming)
        return recipients_say(n, c, &r->mail.out);
    e = deputed_say(n, &r->mail.in, &c->text);
    return e ? e : ended_say(&r->mail.in, &c->text);
}

enum err run_sheet_show(struct node *n, struct call *c)
{
    struct reading *r = NULL;
    enum err e;

    if ((e = reading_begin(n, c, &r)))
        return e;
    if ((e = show(n, c, r)) || (e = node_commit(n, &r->t)))
        bytes_free(&c->text); /* nothing is shown that was not put down first */
    else
        node_kick(n);
    if (e)
        json_object_clear(c->data);
    reading_end(n, r);
    return e;
}

static enum err attachment(struct call *c, const struct sheet_attachment *a)
{
    uint64_t size = a->chunks ? a->size : a->content.len;
    enum err e = ERR_OK;

    if (json_object_set_new(c->data, "name", json_span(a->name)) ||
        json_object_set_new(c->data, "type", json_span(a->type)) ||
        json_object_set_new(c->data, "class", json_integer((json_int_t)a->class_mask)) ||
        json_object_set_new(c->data, "size", json_integer((json_int_t)size)))
        return ERR_NOMEM;
    if ((e = bytes_printf(&c->text, "Pièce jointe « ")) || (e = word_printable(a->name, &c->text)))
        return e;
    return bytes_printf(&c->text, " », %" PRIu64 " octets.\n", size);
}

enum err run_sheet_attachment(struct node *n, struct call *c)
{
    const struct sheet_attachment *a;
    struct reading *r = NULL;
    uint64_t number;
    enum err e;

    if ((e = arg_uint(c, "number", 0, SHEET_ATTACHMENTS_MAX, &number)) || (e = carry_may_give(c)) ||
        (e = reading_begin(n, c, &r)))
        return e;
    if (r->doc.type != ENVELOPE_SHEET || number == 0 || number > r->doc.sheet.attachment_count)
        e = ERR_NOT_FOUND;
    if (!e)
        e = attaching_may_open(n, r->t, c, &r->mail, &r->doc.sheet, number);
    if (e || (e = node_commit(n, &r->t)))
        goto out;
    node_kick(n);
    a = &r->doc.sheet.attachments[number - 1];
    if (!(e = attachment(c, a)))
        e = attaching_give(n, c, r->mail.incoming, a);
out:
    if (e)
        bytes_free(&c->text);
    reading_end(n, r);
    return e;
}
