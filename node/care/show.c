#include "show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "contacts.h"
#include "words.h"

#define SHORT_DIGITS 8

/* --- JSON ------------------------------------------------------------------------------------ */

static int put_text(json_t *o, const char *key, const char *text)
{
    return *text ? json_object_set_new(o, key, json_string(text)) : 0;
}

static int put_span(json_t *o, const char *key, struct span text)
{
    return json_object_set_new(o, key, json_span(text));
}

static int put_uint(json_t *o, const char *key, uint64_t value)
{
    return json_object_set_new(o, key, json_integer((json_int_t)value));
}

static int put_id(json_t *o, const char *key, const uint8_t id[ID_BYTES])
{
    return json_object_set_new(o, key, json_hex(id, ID_BYTES));
}

/* The object if everything went in, else NULL. */
static json_t *finished(json_t *o, int failed)
{
    if (!failed)
        return o;
    json_decref(o);
    return NULL;
}

static json_t *representation_json(const struct representation *r)
{
    json_t *o = json_object();
    int bad = put_uint(o, "measure", r->measure) | put_uint(o, "scope", r->scope) |
              put_text(o, "measure_word", word_measure(r->measure)) | put_text(o, "from", r->from) |
              put_text(o, "until", r->until) | put_text(o, "representative", r->representative);

    return finished(o, bad);
}

static json_t *ins_json(const struct identity *p)
{
    json_t *o = json_object();
    int bad =
        put_uint(o, "status", p->status) | put_text(o, "status_word", word_ins_status(p->status));

    if (*p->matricule)
        bad |= put_text(o, "matricule", p->matricule) | put_text(o, "oid", ins_oid_text(p->oid));
    return finished(o, bad);
}

json_t *identity_json(const struct identity *p)
{
    json_t *o = json_object();
    json_t *first = json_array();
    int bad = put_text(o, "local", p->local) | put_text(o, "birth_name", p->birth_name);

    for (size_t i = 0; i < p->birth_first_count; i++)
        bad |= json_array_append_new(first, json_string(p->birth_first[i]));
    bad |= json_object_set_new(o, "birth_first_names", first);
    bad |= put_text(o, "birth_date", p->birth_date) | put_text(o, "birth_place", p->birth_place) |
           put_text(o, "used_name", p->used_name) | put_text(o, "used_first_name", p->used_first);
    if (p->sex > 0)
        bad |= put_uint(o, "sex", p->sex);
    if (p->status != INS_NONE)
        bad |= json_object_set_new(o, "ins", ins_json(p));
    if (p->representation.stated)
        bad |= json_object_set_new(o, "representation", representation_json(&p->representation));
    return finished(o, bad);
}

json_t *person_json(const struct person *p)
{
    json_t *o = json_object();
    int bad = put_id(o, "id", p->id) |
              json_object_set_new(o, "provisional", json_boolean(p->provisional)) |
              json_object_set_new(o, "created", json_time(p->created_ms)) |
              json_object_set_new(o, "identity", identity_json(&p->identity));

    if (p->provisional)
        bad |= put_id(o, "from", p->from);
    return finished(o, bad);
}

static json_t *author_json(const struct doc_author *a)
{
    json_t *o = json_object();
    int bad = put_span(o, "name", a->name) | put_span(o, "profession", a->profession) |
              put_uint(o, "category", a->category) | put_span(o, "organisation", a->organisation);

    if (a->rpps.len > 0)
        bad |= put_span(o, "rpps", a->rpps);
    return finished(o, bad);
}

static json_t *addressee_json(const struct node *n, const struct sheet_addressee *a)
{
    json_t *o = json_object();
    int bad = put_id(o, "org", a->org) | put_span(o, "org_name", contacts_org_name(n, a->org)) |
              put_uint(o, "kind", a->kind) | put_uint(o, "category", a->category);

    if (a->label.len > 0)
        bad |= put_span(o, "label", a->label);
    return finished(o, bad);
}

static json_t *section_json(const struct sheet_section *s)
{
    json_t *o = json_object();
    int bad = put_uint(o, "class", s->class_mask) |
              put_text(o, "class_word", word_class(s->class_mask)) | put_span(o, "text", s->text);

    return finished(o, bad);
}

static json_t *attachment_json(const struct sheet_attachment *a)
{
    json_t *o = json_object();
    int bad = put_span(o, "name", a->name) | put_span(o, "type", a->type) |
              put_uint(o, "class", a->class_mask) |
              put_text(o, "class_word", word_class(a->class_mask)) |
              put_uint(o, "size", a->chunks ? a->size : a->content.len);

    return finished(o, bad);
}

static int put_lists(json_t *o, const struct node *n, const struct sheet *s)
{
    json_t *sections = json_array();
    json_t *audience = json_array();
    json_t *attachments = json_array();
    int bad = 0;

    for (size_t i = 0; i < s->section_count; i++)
        bad |= json_array_append_new(sections, section_json(&s->sections[i]));
    for (size_t i = 0; i < s->audience_count; i++)
        bad |= json_array_append_new(audience, addressee_json(n, &s->audience[i]));
    for (size_t i = 0; i < s->attachment_count; i++)
        bad |= json_array_append_new(attachments, attachment_json(&s->attachments[i]));
    return bad | json_object_set_new(o, "sections", sections) |
           json_object_set_new(o, "audience", audience) |
           json_object_set_new(o, "attachments", attachments);
}

json_t *sheet_json(const struct node *n, const struct sheet *s)
{
    json_t *o = json_object();
    int bad = json_object_set_new(o, "person", identity_json(&s->person)) |
              put_uint(o, "note", s->note) | put_text(o, "note_word", word_note(s->note)) |
              put_span(o, "subject", s->subject) |
              json_object_set_new(o, "urgent", json_boolean(s->urgent)) |
              json_object_set_new(o, "author", author_json(&s->author)) |
              json_object_set_new(o, "written", json_time(s->written_ms)) | put_lists(o, n, s);

    if (s->has_re)
        bad |= put_id(o, "re", s->re);
    if (s->has_restricted)
        bad |= json_object_set_new(o, "restricted", json_boolean(s->restricted));
    if (s->has_answer_by)
        bad |= json_object_set_new(o, "answer_by", json_time(s->answer_by_ms));
    return finished(o, bad);
}

json_t *invitation_json(const struct node *n, const struct invitation_doc *d)
{
    json_t *o = json_object();
    int bad = json_object_set_new(o, "person", identity_json(&d->person)) |
              json_object_set_new(o, "author", author_json(&d->author)) |
              put_span(o, "message", d->message) |
              json_object_set_new(o, "written", json_time(d->written_ms));

    (void)n;
    return finished(o, bad);
}

/* --- French ---------------------------------------------------------------------------------- */

enum err short_id(const uint8_t id[ID_BYTES], struct bytes *out)
{
    struct bytes hex = {0};
    enum err e = hex_write(&hex, span_of(id, ID_BYTES));

    if (!e)
        e = bytes_append(out, span_of(hex.ptr + hex.len - SHORT_DIGITS, SHORT_DIGITS));
    bytes_free(&hex);
    return e;
}

enum err say(struct bytes *out, const char *label, struct span text)
{
    enum err e = bytes_printf(out, "%s : ", label);

    if (!e)
        e = word_printable(text, out);
    return e ? e : bytes_printf(out, "\n");
}

enum err say_time(uint64_t ms, struct bytes *out)
{
    time_t s = (time_t)(ms / 1000);
    char text[64];
    struct tm tm;

    if (ms == 0)
        return bytes_printf(out, "jamais");
    if (ms / 1000 > UINT64_C(253402300799) || !localtime_r(&s, &tm) ||
        strftime(text, sizeof text, "%d/%m/%Y à %H:%M", &tm) == 0)
        return bytes_printf(out, "date impossible");
    return bytes_printf(out, "%s", text);
}

enum err say_duration(uint64_t s, struct bytes *out)
{
    static const struct {
        uint64_t s;
        const char *one, *many;
    } units[] = {
        {24 * 3600, "jour",    "jours"   },
        {3600,      "heure",   "heures"  },
        {60,        "minute",  "minutes" },
        {1,         "seconde", "secondes"},
    };
    size_t i = 0;

    while (s % units[i].s != 0)
        i++;
    return bytes_printf(out, "%" PRIu64 " %s", s / units[i].s,
                        s / units[i].s > 1 ? units[i].many : units[i].one);
}

enum err identity_say(const struct identity *p, struct bytes *out)
{
    enum err e = word_printable(span_text(p->birth_name), out);

    for (size_t i = 0; !e && i < p->birth_first_count; i++)
        if (!(e = bytes_printf(out, " ")))
            e = word_printable(span_text(p->birth_first[i]), out);
    if (!e && (*p->used_name || *p->used_first)) {
        if (!(e = bytes_printf(out, " (d'usage : ")) &&
            !(e = word_printable(span_text(p->used_first), out)) &&
            !(e = bytes_printf(out, "%s", *p->used_first && *p->used_name ? " " : "")) &&
            !(e = word_printable(span_text(p->used_name), out)))
            e = bytes_printf(out, ")");
    }
    if (!e && *p->birth_date)
        e = bytes_printf(out, ", %s le %.2s/%.2s/%.4s",
                         p->sex == 2   ? "née"
                         : p->sex == 1 ? "né"
                                       : "né(e)",
                         p->birth_date + 8, p->birth_date + 5, p->birth_date);
    return e;
}

static enum err representation_say(const struct representation *r, struct bytes *out)
{
    enum err e = bytes_printf(out, "Mesure : %s depuis le %s%s%s\n", word_measure(r->measure),
                              r->from, *r->until ? " jusqu'au " : "", r->until);

    return e ? e : say(out, "Représentant", span_text(r->representative));
}

enum err identity_say_fully(const struct identity *p, struct bytes *out)
{
    enum err e = bytes_printf(out, "Personne : ");

    if (e || (e = identity_say(p, out)) || (e = bytes_printf(out, "\n")) ||
        (e = say(out, "Identifiant local", span_text(p->local))))
        return e;
    if (p->sex > 0)
        e = bytes_printf(out, "Sexe : %s\n", word_sex(p->sex));
    if (!e && *p->birth_place)
        e = bytes_printf(out, "Lieu de naissance (code INSEE) : %s\n", p->birth_place);
    if (!e && p->status != INS_NONE)
        e = bytes_printf(out, "INS : %s, identité %s%s\n",
                         *p->matricule ? p->matricule : "sans matricule",
                         word_ins_status(p->status),
                         p->oid == INS_OID_TEST || p->oid == INS_OID_DEMO ? " (essai)" : "");
    if (!e && p->representation.stated)
        e = representation_say(&p->representation, out);
    return e;
}

static enum err author_say(const struct doc_author *a, uint64_t written_ms, struct bytes *out)
{
    enum err e = bytes_printf(out, "Écrit par : ");

    if (e || (e = word_printable(a->name, out)) || (e = bytes_printf(out, ", ")) ||
        (e = word_printable(a->profession, out)) ||
        (e = bytes_printf(out, " (%s), ", word_category(a->category))) ||
        (e = word_printable(a->organisation, out)) || (e = bytes_printf(out, ", le ")) ||
        (e = say_time(written_ms, out)))
        return e;
    return bytes_printf(out, "\n");
}

static enum err audience_say(const struct node *n, const struct sheet *s, struct bytes *out)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < s->audience_count; i++) {
        const struct sheet_addressee *a = &s->audience[i];

        if ((e = bytes_printf(out, "Pour : ")) ||
            (e = word_printable(contacts_org_name(n, a->org), out)) ||
            (e = bytes_printf(out, " (%s)", word_category(a->category))))
            break;
        if (a->label.len > 0 && (e = bytes_printf(out, ", %s ", word_addressee(a->kind))) == ERR_OK)
            e = word_printable(a->label, out);
        if (!e)
            e = bytes_printf(out, "\n");
    }
    return e;
}

static enum err contents_say(const struct sheet *s, struct bytes *out)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < s->section_count; i++)
        if (!(e = bytes_printf(out, "\n[%zu] %s\n", i + 1,
                               word_class(s->sections[i].class_mask))) &&
            !(e = word_printable(s->sections[i].text, out)))
            e = bytes_printf(out, "\n");
    for (size_t i = 0; !e && i < s->attachment_count; i++)
        if (!(e = bytes_printf(out, "\nPièce jointe %zu (%s) : ", i + 1,
                               word_class(s->attachments[i].class_mask))) &&
            !(e = word_printable(s->attachments[i].name, out)))
            e = bytes_printf(out, ", %" PRIu64 " octets\n",
                             s->attachments[i].chunks ? s->attachments[i].size
                                                      : (uint64_t)s->attachments[i].content.len);
    return e;
}

enum err sheet_say(const struct node *n, const struct sheet *s, struct bytes *out)
{
    enum err e = bytes_printf(out, "Fiche de liaison : %s%s%s\n", word_note(s->note),
                              s->urgent ? ", URGENT" : "",
                              s->restricted ? ", réservée aux seuls nommés" : "");

    if (e || (e = say(out, "Objet", s->subject)) || (e = identity_say_fully(&s->person, out)) ||
        (e = author_say(&s->author, s->written_ms, out)) || (e = audience_say(n, s, out)))
        return e;
    if (s->has_re && ((e = bytes_printf(out, "En réponse à : ")) || (e = short_id(s->re, out)) ||
                      (e = bytes_printf(out, "\n"))))
        return e;
    if (s->has_answer_by && ((e = bytes_printf(out, "Réponse attendue avant : ")) ||
                             (e = say_time(s->answer_by_ms, out)) || (e = bytes_printf(out, "\n"))))
        return e;
    return contents_say(s, out);
}

enum err invitation_say(const struct node *n, const struct invitation_doc *d, struct bytes *out)
{
    enum err e = bytes_printf(out, "Invitation à rejoindre un cercle de soins\n");

    (void)n;
    if (e || (e = identity_say_fully(&d->person, out)) ||
        (e = author_say(&d->author, d->written_ms, out)))
        return e;
    return d->message.len > 0 ? say(out, "Message", d->message) : ERR_OK;
}
