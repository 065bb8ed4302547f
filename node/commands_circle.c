/* Circles: what a professional says in the name of the organisation becomes a signed statement. */
#include <string.h>

#include "circles.h"
#include "commands_internal.h"
#include "contacts.h"
#include "courier.h"
#include "intake.h"
#include "outbox.h"
#include "person.h"
#include "vault.h"
#include "words.h"

#define WAIT_MS 5000
#define WAIT_MAX_MS 60000
#define OFFER_DAYS 14
#define OFFER_DAYS_MAX 90
#define DAY_MS UINT64_C(86400000)

#define OFFLINE_TEXT                                                                               \
    "Le hub n'a pas encore répondu : rien n'est fait pour l'instant. La demande est conservée "  \
    "ici "                                                                                         \
    "et sera envoyée dès qu'il répondra. Suivez l'état avec « status »."

/* --- one statement, from words to the hub's answer -----------------------------------------------
 */

struct saying {
    struct node *n;
    struct call *c;
    struct txn *t;
    struct circle_statement s;
    struct circle *circle; /* as it is now, NULL for create and join */
    uint8_t person[ID_BYTES];
    bool has_person;         /* create and join: whose circle it becomes */
    uint8_t about[ID_BYTES]; /* whom the journal names */
    uint32_t at;             /* n of the head that an offer is made on */
    uint64_t wait_ms;
};

static const char *recorded_text(enum circle_kind kind)
{
    switch (kind) {
    case CIRCLE_OPPOSITION:
        return "Opposition consignée ici.";
    case CIRCLE_WITHDRAWAL:
        return "Retrait du consentement consigné ici.";
    case CIRCLE_LEAVE:
        return "Départ du cercle consigné ici.";
    case CIRCLE_REMOVE:
        return "Retrait de l'organisation consigné ici.";
    default:
        return "Fermeture du cercle consignée ici.";
    }
}

/* What binds this node already, and nobody else yet. */
static enum err away_text(struct call *c, enum circle_kind kind, struct bytes *text)
{
    json_int_t held = json_integer_value(json_object_get(c->data, "held"));
    enum err e;

    if (!circle_narrows(kind))
        return bytes_printf(text, "%s", OFFLINE_TEXT);
    if ((e = bytes_printf(text, "%s Ce nœud %s dès maintenant", recorded_text(kind),
                          kind == CIRCLE_OPPOSITION ? "la respecte" : "en tient compte")))
        return e;
    if (held > 0 && (e = bytes_printf(text, " ; %lld fiche%s en attente retenue%s", (long long)held,
                                      held > 1 ? "s" : "", held > 1 ? "s" : "")))
        return e;
    return bytes_printf(text, ". Le hub et les autres structures ne le sauront qu'au retour de la "
                              "liaison : prévenez-les par téléphone s'il y a urgence.");
}

static enum circle_kind kind_of_act(struct node *n, const uint8_t id[ID_BYTES])
{
    enum circle_kind kind = CIRCLE_CREATE;
    struct circle_statement s;
    struct txn *t = NULL;
    struct act a = {0};

    if (store_begin(n->store, TXN_READ, &t) == ERR_OK && act_get(n, t, id, &a) == ERR_OK &&
        act_statement(&a, &s) == ERR_OK)
        kind = s.kind;
    act_wipe(&a);
    store_abort(&t);
    return kind;
}

static void said(struct node *n, struct call *c, const uint8_t id[ID_BYTES], enum err why)
{
    struct bytes text = {0};
    bool away = why == ERR_OFFLINE;

    if (why && !away)
        return; /* the refusal has its own sentence */
    if (json_object_set_new(c->data, "state", json_string(away ? "waiting" : "committed")) || !away)
        return;
    if (away_text(c, kind_of_act(n, id), &text)) {
        bytes_free(&text);
        return;
    }
    bytes_free(&c->text);
    c->text = text;
}

static enum err say_begin(struct node *n, struct call *c, enum circle_kind kind, struct saying *y)
{
    struct circle_info info;
    enum err e;

    *y = (struct saying){.n = n, .c = c};
    y->s.kind = kind;
    y->s.ts_ms = node_now_ms(n);
    y->s.date_ms = y->s.ts_ms;
    memcpy(y->s.author, n->self.org, ID_BYTES);
    if (!n->self.joined)
        return ERR_NOT_JOINED;
    if ((e = arg_uint(c, "wait_ms", WAIT_MS, WAIT_MAX_MS, &y->wait_ms)) ||
        (e = arg_uint(c, "date", y->s.ts_ms, STMT_TIME_MAX, &y->s.date_ms)))
        return e;
    if ((e = store_begin(n->store, TXN_WRITE, &y->t)))
        return e;
    if ((e = actor_id(n, y->t, c->actor, y->s.actor)))
        return e;
    if (kind == CIRCLE_CREATE)
        return ERR_OK;
    if ((e = arg_circle(n, y->t, c, "circle", y->s.circle)))
        return e;
    if (kind == CIRCLE_JOIN)
        return ERR_OK;
    if ((e = circles_get(n, y->t, y->s.circle, &y->circle)))
        return e == ERR_NOT_FOUND ? ERR_NOT_IN_CIRCLE : e;
    if (!(e = circle_info_get(n, y->t, y->s.circle, &info)) && info.has_person)
        memcpy(y->about, info.person, ID_BYTES);
    return e;
}

/* Ends the transaction whatever e is, and waits for the hub when all went well. */
static enum err say_end(struct saying *y, enum err e, const char *text)
{
    uint8_t id[ID_BYTES];
    const uint8_t *wait_for = id;
    size_t held = 0;

    if (!e)
        e = act_add(y->n, y->t, &y->s, y->has_person ? y->person : NULL, id);
    if (!e && circle_narrows(y->s.kind))
        e = outbox_withhold(y->n, y->t, y->s.circle, &held);
    if (!e)
        e = journal_add(y->n, y->t, JOURNAL_CIRCLE, y->s.actor,
                        y->has_person ? y->person : y->about, y->s.circle);
    if (!e)
        e = node_commit(y->n, &y->t);
    node_abort(y->n, &y->t);
    if (e)
        return e;
    node_kick(y->n);
    if (json_object_set_new(y->c->data, "circle", json_hex(y->s.circle, ID_BYTES)) ||
        json_object_set_new(y->c->data, "act", json_hex(id, ID_BYTES)) ||
        json_object_set_new(y->c->data, "held", json_integer((json_int_t)held)))
        return ERR_NOMEM;
    if ((e = bytes_printf(&y->c->text, "%s", text)))
        return e;
    if (y->s.kind == CIRCLE_JOIN) /* of use only with its chain, which is read afterwards */
        wait_for = y->s.circle;
    return call_wait(y->n, y->c, wait_for, y->wait_ms, said);
}

static enum err args_orgs(struct saying *y, size_t least)
{
    const json_t *list = json_object_get(y->c->args, "orgs");
    size_t count = json_array_size(list);
    enum err e;

    if (count < least || count > CIRCLE_ACT_ORGS_MAX)
        return ERR_USAGE;
    for (size_t i = 0; i < count; i++)
        if ((e = arg_org(y->n, json_string_value(json_array_get(list, i)), y->s.orgs[i])))
            return e;
    y->s.org_count = count;
    return ERR_OK;
}

static enum err arg_u8(const struct call *c, const char *name, uint64_t standard, uint64_t least,
                       uint64_t most, uint8_t *out)
{
    uint64_t value;
    enum err e = arg_uint(c, name, standard, most, &value);

    if (e || value < least)
        return e ? e : ERR_USAGE;
    *out = (uint8_t)value;
    return ERR_OK;
}

static enum err arg_classes(struct saying *y)
{
    return arg_u8(y->c, "classes", 0, 1, CLASS_ALL, &y->s.class_mask);
}

static enum err arg_way(struct saying *y)
{
    return arg_u8(y->c, "way", WAY_ORAL, WAY_ORAL, WAY_REPRESENTATIVE, &y->s.way);
}

static enum err arg_row(struct call *c, const uint8_t org[ID_BYTES], uint8_t rights,
                        struct circle_row *row)
{
    uint64_t team;
    enum err e;

    memcpy(row->org, org, ID_BYTES);
    if ((e = arg_uint(c, "team", 0, CIRCLE_TEAM_MAX, &team)))
        return e;
    row->team = (uint32_t)team;
    if ((e = arg_u8(c, "category", 3, 1, 3, &row->category)) ||
        (e = arg_u8(c, "classes", CLASS_ALL, 1, CLASS_ALL, &row->class_mask)))
        return e;
    row->class_mask |= CLASS_IDENTITY; /* every document says whom it is about */
    return arg_u8(c, "rights", rights, 0, CIRCLE_RIGHT_ALL, &row->rights);
}

/* --- create, join, leave
 * ---------------------------------------------------------------------------- */

static enum err run_create(struct node *n, struct call *c)
{
    const char *who = arg_text(c, "person");
    struct saying y;
    enum err e = say_begin(n, c, CIRCLE_CREATE, &y);

    if (!e && !who)
        e = ERR_USAGE;
    if (!e)
        e = person_find(n, y.t, who, y.person);
    if (!e)
        e = n->care->circle_ready(n, y.t, y.person);
    if (!e)
        e = circle_is_first(n, y.t, y.person, c);
    if (!e)
        e = node_random(n, y.s.nonce, sizeof y.s.nonce);
    if (!e)
        e = arg_row(c, n->self.org, CIRCLE_RIGHT_ALL, &y.s.row);
    y.has_person = true;
    return say_end(&y, e, "Cercle créé ; votre organisation en est référente et responsable.");
}

static enum err run_accept(struct node *n, struct call *c)
{
    struct circle_invited i = {0};
    struct circle_offer o = {0};
    struct saying y;
    enum err e = say_begin(n, c, CIRCLE_JOIN, &y);

    if (!e)
        e = circle_invited_get(n, y.t, y.s.circle, &i);
    if (!e)
        e = circle_offer_decode(bytes_span(&i.offer), &o, NULL);
    if (!e && o.expires_ms < node_now_ms(n))
        e = ERR_EXPIRED;
    if (!e) {
        y.s.row = o.row;
        y.s.offer = bytes_span(&i.offer);
        y.has_person = true;
        memcpy(y.person, i.person, ID_BYTES);
    }
    e = say_end(&y, e, "Invitation acceptée : votre organisation est membre du cercle.");
    circle_invited_wipe(&i);
    return e;
}

static enum err run_leave(struct node *n, struct call *c)
{
    struct saying y;
    enum err e = say_begin(n, c, CIRCLE_LEAVE, &y);

    return say_end(&y, e, "Votre organisation a quitté le cercle.");
}

static enum err run_remove(struct node *n, struct call *c)
{
    struct saying y;
    enum err e = say_begin(n, c, CIRCLE_REMOVE, &y);

    if (!e)
        e = arg_org(n, arg_text(c, "org"), y.s.target);
    return say_end(&y, e, "L'organisation n'est plus membre du cercle.");
}

static enum err run_close(struct node *n, struct call *c)
{
    struct saying y;
    enum err e = say_begin(n, c, CIRCLE_CLOSE, &y);

    if (!e)
        e = arg_u8(c, "reason", END_NORMAL, END_NORMAL, END_MOVED, &y.s.reason);
    return say_end(&y, e, "Le cercle est fermé.");
}

/* --- notice, consent, opposition
 * --------------------------------------------------------------------- */

static enum err run_notice(struct node *n, struct call *c)
{
    struct saying y;
    enum err e = say_begin(n, c, CIRCLE_NOTICE, &y);

    if (!e && !(e = arg_classes(&y)) && !(e = arg_way(&y)))
        e = args_orgs(&y, 1);
    return say_end(&y, e, "Information de la personne enregistrée (article R1110-3).");
}

static enum err run_consent_give(struct node *n, struct call *c)
{
    struct saying y;
    enum err e = say_begin(n, c, CIRCLE_CONSENT, &y);

    if (!e && !(e = arg_classes(&y)) && !(e = arg_way(&y)) &&
        !(e = arg_u8(c, "by", GIVEN_BY_PERSON, GIVEN_BY_PERSON, GIVEN_BY_REPRESENTATIVE,
                     &y.s.given_by)))
        e = args_orgs(&y, 1);
    if (!e) {
        y.s.own_opinion = arg_bool(c, "opinion");
        y.s.supersedes = circle_supersedes(y.circle, y.s.class_mask,
                                           (const uint8_t(*)[ID_BYTES])y.s.orgs, y.s.org_count);
        y.s.has_supersedes = y.s.supersedes != 0;
    }
    return say_end(&y, e, "Consentement enregistré (article D1110-3-1).");
}

static enum err arg_about(struct saying *y, uint64_t least)
{
    uint64_t number;
    enum err e = arg_uint(y->c, "n", 0, CIRCLE_STATEMENTS_MAX, &number);

    if (e || number < least)
        return e ? e : ERR_USAGE;
    y->s.about = (uint32_t)number;
    return ERR_OK;
}

static enum err run_consent_withdraw(struct node *n, struct call *c)
{
    struct saying y;
    enum err e = say_begin(n, c, CIRCLE_WITHDRAWAL, &y);

    if (!e)
        e = arg_about(&y, 0);
    return say_end(&y, e, "Retrait du consentement enregistré : il vaut dès maintenant.");
}

static enum err run_oppose(struct node *n, struct call *c)
{
    struct saying y;
    enum err e = say_begin(n, c, CIRCLE_OPPOSITION, &y);

    if (!e && !(e = arg_classes(&y)))
        e = args_orgs(&y, 0);
    y.s.emergency = arg_bool(c, "emergency");
    return say_end(&y, e,
                   "Opposition de la personne enregistrée : elle vaut dès maintenant "
                   "(article L1110-4 IV).");
}

static enum err run_lift(struct node *n, struct call *c)
{
    struct saying y;
    enum err e = say_begin(n, c, CIRCLE_LIFT, &y);

    if (!e && !(e = arg_about(&y, 1)))
        e = arg_way(&y);
    return say_end(&y, e, "L'opposition est levée.");
}

/* --- inviting
 * ------------------------------------------------------------------------------------------- */

static void invited(struct node *n, struct call *c, const uint8_t mid[ID_BYTES], enum err why)
{
    (void)mid;
    if (!why && bytes_printf(&c->text, "Invitation acceptée par le hub ; elle attend la réponse de "
                                       "l'organisation."))
        return;
    if (why == ERR_OFFLINE)
        said(n, c, mid, why);
}

static enum err offer_make(struct saying *y, const uint8_t to[ID_BYTES], struct bytes *offer)
{
    struct circle_offer o = {.kind = CIRCLE_JOIN, .at = circle_size(y->circle) - 1};
    uint64_t days;
    enum err e;

    memcpy(o.circle, y->s.circle, ID_BYTES);
    memcpy(o.by, y->n->self.org, ID_BYTES);
    memcpy(o.to, to, ID_BYTES);
    if ((e = arg_uint(y->c, "days", OFFER_DAYS, OFFER_DAYS_MAX, &days)))
        return e;
    o.expires_ms = node_now_ms(y->n) + days * DAY_MS;
    o.at = y->at;
    if ((e = node_random(y->n, o.nonce, sizeof o.nonce)) || (e = arg_row(y->c, to, 0, &o.row)))
        return e;
    return circle_offer_sign(&o, y->n->sign, offer);
}

static enum err invite_intent(struct saying *y, const uint8_t to[ID_BYTES],
                              struct out_intent *intent)
{
    struct circle_row row = {0};
    enum err e = arg_row(y->c, to, 0, &row);

    *intent = (struct out_intent){.type = ENVELOPE_INVITATION,
                                  .class_mask = CLASS_IDENTITY,
                                  .basis = BASIS_ECHANGE,
                                  .purpose = 1,
                                  .scat = y->c->actor->category,
                                  .to_count = 1};
    intent->rcat[0] = row.category;
    memcpy(intent->circle, y->s.circle, ID_BYTES);
    memcpy(intent->person, y->about, ID_BYTES);
    memcpy(intent->actor, y->s.actor, ID_BYTES);
    memcpy(intent->to[0], to, ID_BYTES);
    return e;
}

static enum err invite_add(struct saying *y, uint8_t mid[ID_BYTES])
{
    const char *message = arg_text(y->c, "message");
    uint8_t to[ID_BYTES];
    struct out_intent intent;
    struct bytes offer = {0};
    struct bytes payload = {0};
    enum err e;

    if ((e = arg_org(y->n, arg_text(y->c, "to"), to)))
        return e;
    if ((e = offer_make(y, to, &offer)) || (e = invite_intent(y, to, &intent)))
        goto out;
    if ((e = y->n->care->invite(y->n, y->t, y->about, bytes_span(&offer), y->c->actor,
                                span_text(message ? message : ""), &payload)))
        goto out;
    if ((e = outbox_add(y->n, y->t, &intent, bytes_span(&payload), mid, NULL)))
        goto out;
    e = journal_add(y->n, y->t, JOURNAL_CIRCLE, y->s.actor, y->about, mid);
out:
    bytes_free(&offer);
    seal_bytes_free(&payload);
    return e;
}

static enum err run_invite(struct node *n, struct call *c)
{
    struct circle_info info = {0};
    uint8_t mid[ID_BYTES];
    struct saying y;
    enum err e = say_begin(n, c, CIRCLE_JOIN, &y);

    if (!e && (e = circles_get(n, y.t, y.s.circle, &y.circle)) == ERR_NOT_FOUND)
        e = ERR_NOT_IN_CIRCLE;
    if (!e && !(e = circle_info_get(n, y.t, y.s.circle, &info)) && !info.has_person)
        e = ERR_UNIDENTIFIED;
    if (!e)
        y.at = circle_size(y.circle) - 1;
    memcpy(y.about, info.person, ID_BYTES);
    if (!e)
        e = invite_add(&y, mid);
    if (!e)
        e = node_commit(n, &y.t);
    node_abort(n, &y.t);
    if (e)
        return e;
    node_kick(n);
    if (json_object_set_new(c->data, "mid", json_hex(mid, ID_BYTES)))
        return ERR_NOMEM;
    return call_wait(n, c, mid, y.wait_ms, invited);
}

/* clang-format off */
const struct command circle_commands[] = {
    {"circle.create",      RIGHT_WRITE, true,  run_create,           "crée le cercle de soins d'une personne"},
    {"circle.invite",      RIGHT_WRITE, true,  run_invite,           "invite une organisation dans un cercle"},
    {"circle.invitations", RIGHT_READ,  false, circle_invitations,      "liste les invitations reçues et non acceptées"},
    {"circle.accept",      RIGHT_WRITE, true,  run_accept,           "accepte une invitation"},
    {"circle.show",        RIGHT_READ,  false, circle_show,             "montre membres, informations, consentements, oppositions"},
    {"circle.list",        RIGHT_READ,  false, circle_list,             "liste les cercles de cette organisation"},
    {"circle.leave",       RIGHT_WRITE, true,  run_leave,            "quitte un cercle"},
    {"circle.remove",      RIGHT_WRITE, true,  run_remove,           "retire une organisation d'un cercle"},
    {"circle.close",       RIGHT_WRITE, true,  run_close,            "ferme un cercle"},
    {"circle.ask",         RIGHT_READ,  false, circle_ask,              "demande au hub la chaîne d'un cercle"},
    {"notice",             RIGHT_WRITE, true,  run_notice,           "enregistre que la personne a été informée"},
    {"consent.give",       RIGHT_WRITE, true,  run_consent_give,     "enregistre un consentement au partage"},
    {"consent.withdraw",   RIGHT_WRITE, true,  run_consent_withdraw, "enregistre le retrait d'un consentement"},
    {"oppose",             RIGHT_WRITE, true,  run_oppose,           "enregistre une opposition de la personne"},
    {"oppose.lift",        RIGHT_WRITE, true,  run_lift,             "lève une opposition"},
};
/* clang-format on */
const size_t circle_command_count = sizeof circle_commands / sizeof circle_commands[0];
