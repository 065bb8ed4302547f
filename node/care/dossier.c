#include "dossier.h"

#include <string.h>

#include "contacts.h"
#include "mail.h"
#include "match.h"
#include "person.h"
#include "show.h"
#include "text.h"
#include "words.h"

#define PERSONS_STANDARD 200
#define PERSONS_MAX 1000
#define LOCAL_RANDOM_BYTES 5

/* --- pieces ---------------------------------------------------------------------------------- */

static enum err put_down(struct node *n, struct txn *t, const struct call *c, enum journal_act act,
                         const uint8_t *person, const uint8_t *about, uint8_t actor[ID_BYTES])
{
    enum err e = actor_id(n, t, c->actor, actor);

    return e ? e : journal_add(n, t, act, actor, person, about);
}

static enum err put_new(json_t *o, const char *key, json_t *value)
{
    return json_object_set_new(o, key, value) ? ERR_NOMEM : ERR_OK;
}

static enum err person_line(const struct node *n, const struct person *p, struct bytes *out)
{
    enum err e = short_id(p->id, out);

    if (e || (e = bytes_printf(out, "  ")) || (e = identity_say(&p->identity, out)))
        return e;
    if (!p->provisional)
        return bytes_printf(out, "  [%s]\n", p->identity.local);
    if ((e = bytes_printf(out, "  (à identifier, selon ")) ||
        (e = word_printable(contacts_org_name(n, p->from), out)))
        return e;
    return bytes_printf(out, ")\n");
}

static enum err match_say(struct node *n, struct txn *t, struct call *c, json_t *list,
                          const struct match *m)
{
    json_t *o = json_object();
    struct person p;
    enum err e;

    if (json_array_append_new(list, o))
        return ERR_NOMEM;
    if ((e = person_get(n, t, m->person, &p)))
        return e;
    if ((e = put_new(o, "person", json_hex(m->person, ID_BYTES))) ||
        (e = put_new(o, "grade", json_integer(m->grade))) ||
        (e = put_new(o, "grade_word", json_string(match_word(m->grade)))) ||
        (e = put_new(o, "provisional", json_boolean(m->provisional))) ||
        (e = put_new(o, "identity", identity_json(&p.identity))) ||
        (e = bytes_printf(&c->text, "  %s :\n    ", match_word(m->grade))))
        goto out;
    e = person_line(n, &p, &c->text);
out:
    seal_wipe(&p.identity, sizeof p.identity);
    return e;
}

/* Those that `who` might be, told and listed. own: also own persons (an alert of doubles). */
static enum err matches_say(struct node *n, struct txn *t, struct call *c,
                            const struct identity *who, const uint8_t *except, const char *title,
                            const char *none)
{
    struct match found[MATCHES_MAX];
    json_t *list = json_array();
    bool truncated = false;
    size_t count = 0;
    enum err e = match_find(n, t, who, except, found, &count, &truncated);

    if (!e && (count > 0 ? *title : *none))
        e = bytes_printf(&c->text, "%s\n", count > 0 ? title : none);
    for (size_t i = 0; !e && i < count; i++)
        e = match_say(n, t, c, list, &found[i]);
    if (!e && truncated)
        e = bytes_printf(&c->text, "  (il y en a d'autres : précisez les traits)\n");
    if (!e)
        e = put_new(c->data, "truncated", json_boolean(truncated));
    if (json_object_set_new(c->data, "matches", list) && !e)
        e = ERR_NOMEM;
    return e;
}

struct candidates {
    const struct node *n;
    const char *typed;
    struct bytes *out;
};

static enum err candidate_say(void *arg, const struct person *p)
{
    struct candidates *of = arg;
    enum err e;

    if (!id_fits(of->typed, p->id))
        return ERR_OK;
    return (e = bytes_printf(of->out, "  ")) ? e : person_line(of->n, p, of->out);
}

static enum err nobody_say(struct node *n, struct txn *t, struct call *c, const char *typed,
                           enum err why)
{
    struct candidates of = {n, typed, &c->text};
    enum err e = bytes_printf(&c->text, why == ERR_NOT_FOUND ? "Personne introuvable : "
                                                             : "Plusieurs personnes : ");

    if (e || (e = word_printable(span_text(typed), &c->text)) ||
        (e = bytes_printf(&c->text,
                          why == ERR_NOT_FOUND
                              ? ". Rien n'a été modifié. « person list » les montre toutes.\n"
                              : ". Rien n'a été modifié. Écrivez plus de chiffres :\n")))
        return e;
    if (why == ERR_USAGE && (e = person_each(n, t, candidate_say, &of)))
        return e;
    c->done = true;
    return why;
}

enum err person_asked(struct node *n, struct txn *t, struct call *c, const char *name,
                      uint8_t id[ID_BYTES])
{
    const char *typed = arg_text(c, name);
    enum err e;

    if (!typed)
        return ERR_FIELD_MISSING;
    e = person_find(n, t, typed, id);
    return e == ERR_NOT_FOUND || e == ERR_USAGE ? nobody_say(n, t, c, typed, e) : e;
}

/* The argument `name`, as a person. */
static enum err person_arg(struct node *n, struct txn *t, struct call *c, const char *name,
                           struct person *out)
{
    uint8_t id[ID_BYTES];
    enum err e = person_asked(n, t, c, name, id);

    return e ? e : person_get(n, t, id, out);
}

/* The end of every command here: committed, or nothing said. */
static enum err finish(struct node *n, struct call *c, struct txn **t, enum err e)
{
    if (!e)
        e = node_commit(n, t);
    node_abort(n, t);
    if (e) {
        if (!c->done)
            bytes_free(&c->text);
        json_object_clear(c->data);
    }
    return e;
}

/* --- commands -------------------------------------------------------------------------------- */

static enum err local_default(struct node *n, struct identity *p)
{
    uint8_t random[LOCAL_RANDOM_BYTES];
    struct bytes text = {0};
    enum err e;

    if (*p->local)
        return ERR_OK;
    if ((e = node_random(n, random, sizeof random)) ||
        (e = base32_write(&text, SPAN_OF(random), (size_t)LOCAL_RANDOM_BYTES * 8)))
        return e;
    memcpy(p->local, "P-", 2);
    memcpy(p->local + 2, text.ptr, text.len);
    p->local[2 + text.len] = '\0';
    bytes_free(&text);
    return ERR_OK;
}

enum err run_person_add(struct node *n, struct call *c)
{
    struct person p = {.provisional = false};
    uint8_t actor[ID_BYTES];
    struct txn *t = NULL;
    enum err e;

    if ((e = identity_read(c->args, n->self.mode, node_now_ms(n), &p.identity, &c->text))) {
        c->done = c->text.len > 0;
        goto out;
    }
    if ((e = local_default(n, &p.identity)) || (e = store_begin(n->store, TXN_WRITE, &t)))
        goto out;
    if ((e = person_add(n, t, &p)) == ERR_EXISTS)
        c->done = !bytes_printf(&c->text,
                                "Un dossier a déjà l'identifiant local « %s » : rien n'a été "
                                "modifié. « person show %s » le montre ; sinon donnez-en un "
                                "autre (--local).\n",
                                p.identity.local, p.identity.local);
    if (e || (e = put_down(n, t, c, JOURNAL_PERSON, p.id, p.id, actor)) ||
        (e = put_new(c->data, "id", json_hex(p.id, ID_BYTES))) ||
        (e = put_new(c->data, "local", json_string(p.identity.local))) ||
        (e = bytes_printf(&c->text, "Dossier créé : ")) || (e = person_line(n, &p, &c->text)))
        goto out;
    e = matches_say(
        n, t, c, &p.identity, p.id,
        "Attention : ces dossiers lui ressemblent. Rien n'est fusionné ; vérifiez :", "");
out:
    seal_wipe(&p.identity, sizeof p.identity);
    return finish(n, c, &t, e);
}

struct linked {
    const uint8_t *to;
    json_t *list;
};

static enum err linked_here(void *arg, const uint8_t from[ID_BYTES], const uint8_t to[ID_BYTES])
{
    struct linked *l = arg;

    if (memcmp(to, l->to, ID_BYTES) != 0)
        return ERR_OK;
    return json_array_append_new(l->list, json_hex(from, ID_BYTES)) ? ERR_NOMEM : ERR_OK;
}

static enum err links_say(struct node *n, struct txn *t, struct call *c, const struct person *p)
{
    struct linked l = {.to = p->id, .list = json_array()};
    uint8_t resolved[ID_BYTES];
    size_t count;
    enum err e = person_resolve(n, t, p->id, resolved);

    if (!e && memcmp(resolved, p->id, ID_BYTES) != 0 &&
        !(e = put_new(c->data, "linked_to", json_hex(resolved, ID_BYTES))) &&
        !(e = bytes_printf(&c->text, "Reliée au dossier ")) && !(e = short_id(resolved, &c->text)))
        e = bytes_printf(&c->text, "\n");
    if (!e)
        e = person_links_each(n, t, linked_here, &l);
    count = json_array_size(l.list);
    if (json_object_set_new(c->data, "linked_from", l.list) && !e)
        e = ERR_NOMEM;
    if (!e && count > 0)
        e = bytes_printf(&c->text, "%zu identité(s) d'autres structures reliée(s)\n", count);
    return e;
}

enum err run_person_show(struct node *n, struct call *c)
{
    uint8_t actor[ID_BYTES];
    struct txn *t = NULL;
    struct person p = {0};
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)) || (e = person_arg(n, t, c, "person", &p)) ||
        (e = put_down(n, t, c, JOURNAL_READ, p.id, p.id, actor)) ||
        (e = put_new(c->data, "person", person_json(&p))) ||
        (e = identity_say_fully(&p.identity, &c->text)))
        goto out;
    if (p.provisional)
        e = bytes_printf(&c->text, "Personne à identifier.\n");
    if (!e)
        e = links_say(n, t, c, &p);
out:
    seal_wipe(&p.identity, sizeof p.identity);
    return finish(n, c, &t, e);
}

struct listing {
    struct node *n;
    struct call *c;
    json_t *list;
    struct bytes name; /* folded; empty: everybody */
    uint64_t most;
    size_t total;
};

static bool contains(struct span text, struct span part)
{
    return part.len == 0 || (text.len > 0 && memmem(text.ptr, text.len, part.ptr, part.len));
}

static bool is_wanted(const struct listing *l, const struct identity *p)
{
    const char *names[] = {p->birth_name, p->used_name,
                           p->birth_first_count > 0 ? p->birth_first[0] : "", p->used_first};
    bool hit = l->name.len == 0;

    for (size_t i = 0; !hit && i < sizeof names / sizeof names[0]; i++) {
        struct bytes folded = {0};

        hit = !text_fold(span_text(names[i]), &folded) &&
              contains(bytes_span(&folded), bytes_span(&l->name));
        seal_bytes_free(&folded);
    }
    return hit;
}

static enum err list_row(void *arg, const struct person *p)
{
    struct listing *l = arg;

    if (!is_wanted(l, &p->identity))
        return ERR_OK;
    if (l->total++ >= l->most)
        return ERR_OK;
    if (json_array_append_new(l->list, person_json(p)))
        return ERR_NOMEM;
    return person_line(l->n, p, &l->c->text);
}

enum err run_person_list(struct node *n, struct call *c)
{
    struct listing l = {.n = n, .c = c, .list = json_array()};
    const char *name = arg_text(c, "name");
    uint8_t actor[ID_BYTES];
    struct txn *t = NULL;
    enum err e;

    if ((e = arg_uint(c, "most", PERSONS_STANDARD, PERSONS_MAX, &l.most)) ||
        (name && (e = text_fold(span_text(name), &l.name))) ||
        (e = store_begin(n->store, TXN_WRITE, &t)) || (e = person_each(n, t, list_row, &l)) ||
        (e = put_down(n, t, c, JOURNAL_READ, NULL, NULL, actor)))
        goto out;
    if (json_object_set(c->data, "persons", l.list) ||
        json_object_set_new(c->data, "total", json_integer((json_int_t)l.total)))
        e = ERR_NOMEM;
    else if (l.total > l.most)
        e = bytes_printf(&c->text, "(%zu en tout ; précisez un nom, ou --most)\n", l.total);
    else if (l.total == 0)
        e = bytes_printf(&c->text, "Aucune personne.\n");
out:
    seal_bytes_free(&l.name);
    json_decref(l.list);
    return finish(n, c, &t, e);
}

enum err run_person_matches(struct node *n, struct call *c)
{
    uint8_t actor[ID_BYTES];
    struct txn *t = NULL;
    struct person p = {0};
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)) || (e = person_arg(n, t, c, "person", &p)) ||
        (e = put_down(n, t, c, JOURNAL_READ, p.id, p.id, actor)))
        goto out;
    e = matches_say(n, t, c, &p.identity, p.id,
                    "Propositions, de la plus à la moins sûre ; c'est vous qui décidez :",
                    "Aucun dossier ne lui ressemble.");
out:
    seal_wipe(&p.identity, sizeof p.identity);
    return finish(n, c, &t, e);
}

/* --- link, unlink, export -------------------------------------------------------------------- */

enum err run_person_link(struct node *n, struct call *c)
{
    struct person from = {0};
    struct person to = {0};
    uint8_t actor[ID_BYTES];
    struct txn *t = NULL;
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)) || (e = person_arg(n, t, c, "person", &from)) ||
        (e = person_arg(n, t, c, "to", &to)) ||
        (e = put_down(n, t, c, JOURNAL_PERSON, to.id, from.id, actor)) ||
        (e = person_link(n, t, from.id, to.id, actor)) ||
        (e = put_new(c->data, "person", json_hex(from.id, ID_BYTES))) ||
        (e = put_new(c->data, "to", json_hex(to.id, ID_BYTES))))
        goto out;
    if (!identity_agree(&from.identity, &to.identity))
        e = bytes_printf(&c->text, "Attention : des traits se contredisent. ");
    if (!e)
        e = bytes_printf(&c->text, "Reliée. Ses documents sont listés sous ce dossier ; rien n'est "
                                   "fusionné, « person unlink » rétablit tout.\n");
out:
    seal_wipe(&from.identity, sizeof from.identity);
    seal_wipe(&to.identity, sizeof to.identity);
    return finish(n, c, &t, e);
}

enum err run_person_unlink(struct node *n, struct call *c)
{
    uint8_t was[ID_BYTES];
    uint8_t actor[ID_BYTES];
    struct txn *t = NULL;
    struct person p = {0};
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)) || (e = person_arg(n, t, c, "person", &p)) ||
        (e = person_unlink(n, t, p.id, was)) ||
        (e = put_down(n, t, c, JOURNAL_PERSON, was, p.id, actor)) ||
        (e = put_new(c->data, "person", json_hex(p.id, ID_BYTES))) ||
        (e = put_new(c->data, "was", json_hex(was, ID_BYTES))))
        goto out;
    e = bytes_printf(&c->text, "Le lien est défait : ses documents sont de nouveau à part, tous et "
                               "seulement les siens.\n");
out:
    seal_wipe(&p.identity, sizeof p.identity);
    return finish(n, c, &t, e);
}

static enum err document_row(void *arg, const struct mail *m)
{
    json_t *o = json_pack("{s:s,s:i,s:o}", "direction", m->incoming ? "in" : "out", "type",
                          (int)mail_type(m), "mid", json_hex(mail_mid(m), ID_BYTES));

    return json_array_append_new(arg, o) ? ERR_NOMEM : ERR_OK;
}

static enum err provisional_identities(struct node *n, struct txn *t, json_t *ids, json_t *out)
{
    struct person p;
    size_t i;
    const json_t *id;
    enum err e = ERR_OK;

    json_array_foreach(ids, i, id)
    {
        uint8_t raw[ID_BYTES];

        if (e || (e = hex_read_fixed(raw, sizeof raw, span_text(json_string_value(id)))) ||
            (e = person_get(n, t, raw, &p)))
            break;
        if (json_array_append_new(out, person_json(&p)))
            e = ERR_NOMEM;
        seal_wipe(&p.identity, sizeof p.identity);
    }
    return e;
}

enum err run_person_export(struct node *n, struct call *c)
{
    json_t *documents = json_array();
    json_t *provisional = json_array();
    uint8_t actor[ID_BYTES];
    struct txn *t = NULL;
    struct person p = {0};
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)) || (e = person_arg(n, t, c, "person", &p)) ||
        (e = person_resolve(n, t, p.id, p.id)) || (e = person_get(n, t, p.id, &p)) ||
        (e = put_down(n, t, c, JOURNAL_EXPORT, p.id, p.id, actor)) ||
        (e = put_new(c->data, "person", person_json(&p))) || (e = links_say(n, t, c, &p)) ||
        (e = provisional_identities(n, t, json_object_get(c->data, "linked_from"), provisional)) ||
        (e = mail_each(n, t, p.id, true, true, document_row, documents)))
        goto out;
    if (json_object_set(c->data, "provisional", provisional) ||
        json_object_set(c->data, "documents", documents))
        e = ERR_NOMEM;
out:
    json_decref(documents);
    json_decref(provisional);
    seal_wipe(&p.identity, sizeof p.identity);
    return finish(n, c, &t, e);
}
