#include "sheet.h"

#include <stdlib.h>
#include <string.h>

#include "absence.h"
#include "attaching.h"
#include "circles.h"
#include "contacts.h"
#include "courier.h"
#include "deputy.h"
#include "mail.h"
#include "outbox.h"
#include "payload.h"
#include "person.h"
#include "show.h"
#include "told.h"
#include "words.h"

#define CIRCLES_OF_PERSON_MAX 16
#define WAIT_MS 5000
#define WAIT_MAX_MS (10 * 60 * 1000)

struct sending {
    struct node *n;
    struct call *c;
    struct txn *t;
    struct draft *d;
    struct out_intent intent;
    uint8_t person[ID_BYTES]; /* whom the sheet is about: an own person */
};

/* --- about whom, in which circle ------------------------------------------------------------- */

struct circles_of {
    struct sending *s;
    size_t count;
    uint8_t handle[CIRCLES_OF_PERSON_MAX][ID_BYTES];
};

static enum err collect_circle(void *arg, const struct circle_info *i)
{
    struct circles_of *of = arg;
    uint8_t resolved[ID_BYTES];
    enum err e;

    if (!i->has_person)
        return ERR_OK;
    if ((e = person_resolve(of->s->n, of->s->t, i->person, resolved)))
        return e;
    if (memcmp(resolved, of->s->person, ID_BYTES) != 0)
        return ERR_OK;
    if (of->count == CIRCLES_OF_PERSON_MAX)
        return ERR_USAGE; /* --circle must say which */
    memcpy(of->handle[of->count++], i->handle, ID_BYTES);
    return ERR_OK;
}

/* Which ones there are to choose from: handle and members. */
static enum err circle_named(struct sending *s, const uint8_t handle[ID_BYTES])
{
    struct bytes *text = &s->c->text;
    struct bytes hex = {0};
    struct circle *c;
    size_t named = 0;
    enum err e;

    if ((e = circles_get(s->n, s->t, handle, &c)) || (e = hex_write(&hex, span_of(handle, 8))) ||
        (e = bytes_printf(text, "  %.*s :", (int)hex.len, (const char *)hex.ptr)))
        goto out;
    for (size_t i = 0; !e && i < circle_member_count(c); i++) {
        const struct circle_member *m = circle_member(c, i);

        if (m->current && !(e = bytes_printf(text, named++ ? ", " : " ")))
            e = word_printable(contacts_org_name(s->n, m->row.org), text);
    }
    if (!e)
        e = bytes_printf(text, "\n");
out:
    bytes_free(&hex);
    return e;
}

static enum err which_circle(struct sending *s, const struct circles_of *of)
{
    enum err e = bytes_printf(&s->c->text, "Cette personne a plusieurs cercles ouverts. Rien n'est "
                                           "parti. Dites lequel avec « --circle » :\n");

    for (size_t i = 0; !e && i < of->count; i++) {
        struct circle *c;

        if ((e = circles_get(s->n, s->t, of->handle[i], &c)) == ERR_NOT_FOUND)
            e = ERR_OK;
        else if (!e && !circle_closed(c))
            e = circle_named(s, of->handle[i]);
    }
    return e ? e : ERR_USAGE;
}

/* The one open circle of the person. */
static enum err circle_of_person(struct sending *s)
{
    struct circles_of of = {.s = s};
    size_t open = 0;
    enum err e;

    if ((e = circle_info_each(s->n, s->t, collect_circle, &of)))
        return e;
    for (size_t i = 0; i < of.count; i++) {
        struct circle *c;

        if ((e = circles_get(s->n, s->t, of.handle[i], &c)) == ERR_NOT_FOUND)
            continue; /* its create statement has not come back yet */
        if (e)
            return e;
        if (circle_closed(c))
            continue;
        memcpy(s->intent.circle, of.handle[i], ID_BYTES);
        open++;
    }
    if (open == 1)
        return ERR_OK;
    if (open > 1)
        return which_circle(s, &of);
    return of.count > 0 ? ERR_CIRCLE_CLOSED : ERR_NOT_IN_CIRCLE;
}

/* A circle speaks of one person: never of another by a slip of the hand. */
static enum err circle_is_hers(struct sending *s)
{
    uint8_t resolved[ID_BYTES];
    struct circle_info i;
    enum err e;

    if ((e = circle_info_get(s->n, s->t, s->intent.circle, &i)))
        return e;
    if (!i.has_person)
        return ERR_UNIDENTIFIED;
    if ((e = person_resolve(s->n, s->t, i.person, resolved)))
        return e;
    return memcmp(resolved, s->person, ID_BYTES) == 0 ? ERR_OK : ERR_MISLABELLED;
}

static enum err answered(struct sending *s, const char *typed, uint8_t person[ID_BYTES])
{
    struct mail m;
    enum err e = mail_find(s->n, s->t, typed, &m);

    if (e)
        return e;
    s->intent.has_re = true;
    memcpy(s->intent.re, mail_mid(&m), ID_BYTES);
    memcpy(s->intent.circle, m.incoming ? m.in.circle : m.out.circle, ID_BYTES);
    memcpy(person, mail_person(&m), ID_BYTES);
    return ERR_OK;
}

static enum err about_whom(struct sending *s)
{
    const char *typed = arg_text(s->c, "person");
    const char *re = arg_text(s->c, "re");
    uint8_t id[ID_BYTES] = {0};
    struct person p;
    enum err e;

    if (!typed && !re)
        return ERR_FIELD_MISSING;
    if (re && (e = answered(s, re, id)))
        return e;
    if (typed && (e = person_find(s->n, s->t, typed, id)))
        return e;
    if ((e = person_resolve(s->n, s->t, id, s->person)) ||
        (e = person_get(s->n, s->t, s->person, &p)))
        return e;
    if (p.provisional)
        return ERR_UNIDENTIFIED;
    s->d->sheet.person = p.identity;
    seal_wipe(&p.identity, sizeof p.identity);
    memcpy(s->intent.person, s->person, ID_BYTES);
    if (arg_text(s->c, "circle"))
        e = arg_circle(s->n, s->t, s->c, "circle", s->intent.circle);
    else if (!re)
        e = circle_of_person(s);
    return e ? e : circle_is_hers(s);
}

/* --- to whom, on which basis ----------------------------------------------------------------- */

/* Who was addressed without a category is addressed as the circle knows him. */
static enum err fill_categories(struct sending *s)
{
    struct sheet *sheet = &s->d->sheet;
    struct circle *c;
    enum err e;

    if ((e = circles_get(s->n, s->t, s->intent.circle, &c)))
        return e == ERR_NOT_FOUND ? ERR_NOT_IN_CIRCLE : e;
    for (size_t i = 0; i < sheet->audience_count; i++) {
        const struct circle_member *m = circle_find(c, sheet->audience[i].org);

        if (sheet->audience[i].category == 0 && !m)
            return ERR_NOT_IN_CIRCLE;
        if (sheet->audience[i].category == 0)
            sheet->audience[i].category = m->row.category;
        memcpy(s->intent.to[i], sheet->audience[i].org, ID_BYTES);
        s->intent.rcat[i] = sheet->audience[i].category;
    }
    s->intent.to_count = sheet->audience_count;
    return ERR_OK;
}

static enum err numbered(const struct call *c, const char *name, bool *has, uint64_t *out)
{
    *has = json_object_get(c->args, name) != NULL;
    return *has ? arg_uint(c, name, 0, UINT32_MAX, out) : ERR_OK;
}

static enum err urgency_unsaid(struct call *c)
{
    enum err e = bytes_printf(
        &c->text, "La base « urgence » dispense d'informer avant l'envoi : elle demande "
                  "aussi « --purpose urgence », écrit en toutes lettres. Rien n'est "
                  "parti.\n");

    return e ? e : ERR_BASIS;
}

static enum err on_which_basis(struct sending *s)
{
    struct out_intent *i = &s->intent;
    enum err e;

    if ((e = arg_uint(s->c, "basis", 0, BASIS_URGENCE, &i->basis)))
        return e;
    if (i->basis == 0)
        return ERR_BASIS; /* no basis, no sending */
    if ((e = arg_uint(s->c, "purpose", 1, PURPOSE_MAX, &i->purpose)) ||
        (e = numbered(s->c, "consent", &i->has_consent, &i->consent)) ||
        (e = numbered(s->c, "notice", &i->has_notice, &i->notice)) ||
        (e = arg_uint(s->c, "expires", 0, (uint64_t)INT64_MAX, &i->exp_ms)))
        return e;
    if (i->basis == BASIS_URGENCE && i->purpose != PURPOSE_URGENCE)
        return urgency_unsaid(s->c); /* an emergency is said, never filled in */
    return i->purpose == 0 ? ERR_FIELD_VALUE : ERR_OK;
}

/* --- as bytes -------------------------------------------------------------------------------- */

static enum err payload_make(struct sending *s, struct bytes *payload)
{
    struct document *check = malloc(sizeof *check);
    struct bytes doc = {0};
    struct writer w;
    enum err e = ERR_NOMEM;

    if (!check)
        return e;
    wr_init(&w);
    sheet_encode(&w, &s->d->sheet);
    if ((e = wr_take(&w, &doc)))
        goto out;
    if ((e = document_decode(bytes_span(&doc), ENVELOPE_SHEET, check)))
        goto out; /* what a recipient would refuse is refused here */
    s->intent.class_mask = document_classes(check);
    e = payload_write(bytes_span(&doc), s->n->self.org, s->n->self.kid, s->n->sign, payload);
    if (e == ERR_SIZE &&
        !bytes_printf(&s->c->text, "La fiche entière (textes et pièces jointes) dépasse "
                                   "256 Kio. Rien n'est parti. Répartissez-la sur plusieurs "
                                   "fiches.\n"))
        s->c->done = true;
out:
    seal_bytes_free(&doc);
    seal_wipe(check, sizeof *check);
    free(check);
    return e;
}

static enum err build(struct sending *s, struct bytes *payload)
{
    const struct actor *a = s->c->actor;
    struct sheet *sheet = &s->d->sheet;
    enum err e;

    if ((e = about_whom(s)) || (e = draft_read(s->n, s->c->args, s->d)) ||
        (e = deputy_read(s->n, s->c, sheet, &s->intent)) || (e = fill_categories(s)) ||
        (e = on_which_basis(s)) || (e = deputy_in_time(s->n, s->c, &s->intent)))
        return e;
    sheet->has_re = s->intent.has_re;
    memcpy(sheet->re, s->intent.re, ID_BYTES);
    sheet->written_ms = node_now_ms(s->n);
    sheet->author = (struct doc_author){.name = span_text(a->name),
                                        .profession = span_text(a->profession),
                                        .category = a->category,
                                        .rpps = span_text(a->rpps),
                                        .organisation = span_text(s->n->self.org_name)};
    s->intent.type = ENVELOPE_SHEET;
    s->intent.att_count = attaching_named(sheet, s->intent.att);
    s->intent.prio = sheet->urgent;
    s->intent.scat = a->category;
    if ((e = actor_id(s->n, s->t, a, s->intent.actor)))
        return e;
    return payload_make(s, payload);
}

/* --- what is said ---------------------------------------------------------------------------- */

static enum err say_sent(struct call *c, const uint8_t mid[ID_BYTES], const char *rest)
{
    enum err e = bytes_printf(&c->text, "Fiche ");

    if (e || (e = short_id(mid, &c->text)))
        return e;
    return bytes_printf(&c->text, " : %s\n", rest);
}

/* Not decided yet, and why: no link, a link that a human stopped, or a hub that asks to wait. */
static const char *undecided_text(const struct node *n)
{
    switch (courier_state(n->courier)) {
    case COURIER_READY:
        return "enregistrée ; le hub n'a pas encore dit oui : il est occupé, ou trop de vos "
               "messages y attendent leurs destinataires. C'est conservé et sera envoyé. Il n'y a "
               "rien à refaire ; « relais-node status » dira quand c'est parti.";
    case COURIER_STOPPED:
        return word_error(courier_why(n->courier));
    default:
        return word_error(ERR_OFFLINE);
    }
}

static void sent_settled(struct node *n, struct call *c, const uint8_t id[ID_BYTES], enum err why)
{
    const char *said = why == ERR_OK        ? "acceptée par le hub, en route."
                       : why == ERR_OFFLINE ? undecided_text(n)
                                            : word_error(why);

    if (say_sent(c, id, said) ||
        json_object_set_new(c->data, "state",
                            json_string(word_out_state(why == ERR_OK        ? OUT_ACCEPTED
                                                       : why == ERR_OFFLINE ? OUT_TO_SEAL
                                                                            : OUT_REFUSED))))
        bytes_free(&c->text); /* the code speaks for itself */
}

static enum err answer(struct sending *s, const uint8_t mid[ID_BYTES])
{
    bool ready = s->n->courier && courier_state(s->n->courier) == COURIER_READY;
    uint64_t wait_ms;
    enum err e = arg_uint(s->c, "wait_ms", ready ? WAIT_MS : 0, WAIT_MAX_MS, &wait_ms);

    if (e)
        return e;
    if (json_object_set_new(s->c->data, "mid", json_hex(mid, ID_BYTES)))
        return ERR_NOMEM;
    if (s->c->request && wait_ms > 0)
        return call_wait(s->n, s->c, mid, wait_ms, sent_settled);
    if (json_object_set_new(s->c->data, "state", json_string(word_out_state(OUT_TO_SEAL))))
        return ERR_NOMEM;
    return say_sent(s->c, mid,
                    ready ? "enregistrée, en attente du hub."
                          : "hors ligne : conservée, sera envoyée dès que le hub est joignable.");
}

static void say_refused(struct call *c, enum err e, const struct verdict *v)
{
    if (c->done || c->text.len > 0) {
        c->done = c->text.len > 0;
        return;
    }
    if (!e || v->code != e || !*v->source)
        return; /* the general sentence */
    c->done = !bytes_printf(&c->text, "%s\n", word_error(e));
    if (json_object_set_new(c->data, "row", json_integer(v->row)) ||
        json_object_set_new(c->data, "rule", json_string(v->name)) ||
        json_object_set_new(c->data, "source", json_string(v->source)))
        c->done = false;
}

/* It will wait for them: whoever writes in a hurry should know now. */
static enum err silence_warn(struct sending *s)
{
    struct txn *t = NULL;
    enum err e = store_begin(s->n->store, TXN_READ, &t);

    for (size_t i = 0; i < s->intent.to_count && !e; i++)
        if (!(e = absence_warn(s->n, s->intent.to[i], &s->c->text)))
            e = told_silence_say(s->n, t, s->intent.to[i], &s->c->text);
    store_abort(&t);
    return e;
}

enum err run_sheet_send(struct node *n, struct call *c)
{
    struct sending s = {.n = n, .c = c, .d = calloc(1, sizeof *s.d)};
    struct verdict v = {.row = DISCLOSURE_ROWS, .name = "", .source = ""};
    struct bytes payload = {0};
    uint8_t mid[ID_BYTES];
    enum err e = ERR_NOMEM;

    if (!s.d)
        goto out;
    if ((e = store_begin(n->store, TXN_WRITE, &s.t)))
        goto out;
    if ((e = build(&s, &payload)))
        goto out;
    if ((e = outbox_add(n, s.t, &s.intent, bytes_span(&payload), mid, &v)))
        goto out;
    if ((e = journal_add(n, s.t, JOURNAL_WRITE, s.intent.actor, s.person, mid)))
        goto out;
    if ((e = node_commit(n, &s.t)))
        goto out;
    attaching_end(n, c->args, true);
    node_kick(n);
    if (silence_warn(&s))
        bytes_free(&c->text); /* it is sent all the same */
    e = answer(&s, mid);
out:
    node_abort(n, &s.t);
    if (e)
        attaching_end(n, c->args, false); /* after the commit there is none left */
    say_refused(c, e, &v);
    seal_bytes_free(&payload);
    draft_free(s.d);
    return e;
}
