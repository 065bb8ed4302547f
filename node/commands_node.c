/* The node itself: state, directory, receipts, signatures, journal. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "absence.h"
#include "bell.h"
#include "circles.h"
#include "commands_internal.h"
#include "contacts.h"
#include "courier.h"
#include "gauges.h"
#include "heads.h"
#include "intake.h"
#include "join.h"
#include "meta.h"
#include "outbox.h"
#include "policy.h"
#include "prekeys.h"
#include "scan.h"
#include "told.h"
#include "vault.h"
#include "words.h"

#define CLONE_ALARM                                                                                    \
    "ALARME : le hub a vu ce nœud en deux copies et ne lui remet plus rien ; ce qu'il envoie "        \
    "passe encore. Arrêtez l'autre copie, puis demandez à l'opérateur du hub de libérer le nœud " \
    "(« org release ») ; ensuite « relais-node hub resume ».\n"

/* --- status --------------------------------------------------------------------------------- */

struct tally {
    int to_seal, sealed, accepted, refused, expired;
    int received, held, quarantined, in_refused, unreadable, unopened;
    int acts;
};

static enum err tally_out(void *arg, const struct out_status *s)
{
    struct tally *x = arg;

    x->to_seal += s->state == OUT_TO_SEAL;
    x->sealed += s->state == OUT_SEALED;
    x->accepted += s->state == OUT_ACCEPTED;
    x->refused += s->state == OUT_REFUSED;
    x->expired += s->state == OUT_EXPIRED;
    return ERR_OK;
}

static enum err tally_in(void *arg, const struct in_status *s)
{
    struct tally *x = arg;

    x->received += s->state == IN_RECEIVED;
    x->unopened += s->state == IN_RECEIVED && s->opened_ms == 0;
    x->held += s->state == IN_HELD;
    x->quarantined += s->state == IN_QUARANTINED;
    x->in_refused += s->state == IN_REFUSED || s->state >= IN_LAPSED;
    x->unreadable += s->state == IN_UNREADABLE;
    return ERR_OK;
}

static enum err tally_act(void *arg, const struct act *a)
{
    struct tally *x = arg;

    (void)a;
    x->acts++;
    return ERR_OK;
}

static json_t *tally_json(const struct tally *x)
{
    return json_pack("{s:{s:i, s:i, s:i, s:i, s:i}, s:{s:i, s:i, s:i, s:i, s:i, s:i}, s:i}",
                     "outbox", "to_seal", x->to_seal, "sealed", x->sealed, "accepted", x->accepted,
                     "refused", x->refused, "expired", x->expired, "inbox", "received", x->received,
                     "unopened", x->unopened, "held", x->held, "quarantined", x->quarantined,
                     "refused", x->in_refused, "unreadable", x->unreadable, "statements_waiting",
                     x->acts);
}

static enum err prekey_json(struct node *n, struct txn *t, json_t *data)
{
    struct prekey p = {0};
    enum err e = prekey_newest(n, t, &p);

    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    if (json_object_set_new(data, "prekey",
                            json_pack("{s:I, s:o}", "number", (json_int_t)p.number, "made",
                                      json_time(p.created_ms))))
        e = ERR_NOMEM;
    prekey_wipe(&p);
    return e;
}

static enum err self_json(struct node *n, json_t *data)
{
    struct ckpt keys;
    struct ckpt audit;

    contacts_heads(n, &keys, &audit);
    if (json_object_set_new(data, "joined", json_boolean(n->self.joined)) ||
        json_object_set_new(data, "alarm", json_string(n->alarm ? err_name(n->alarm) : "")) ||
        json_object_set_new(data, "link", courier_status(n)) ||
        json_object_set_new(data, "health", gauges_facts(n->gauges)) ||
        json_object_set_new(data, "witness", witness_status(n)) ||
        json_object_set_new(data, "rekey", rekey_status(n)))
        return ERR_NOMEM;
    if (!n->self.joined)
        return ERR_OK;
    if (json_object_set_new(data, "org", json_hex(n->self.org, ID_BYTES)) ||
        json_object_set_new(data, "node", json_hex(n->self.node, ID_BYTES)) ||
        json_object_set_new(data, "name", json_string(n->self.org_name)) ||
        json_object_set_new(data, "federation", json_string(n->self.federation_name)) ||
        json_object_set_new(data, "mode", json_integer((json_int_t)n->self.mode)) ||
        json_object_set_new(data, "keys_size", json_integer((json_int_t)keys.size)) ||
        json_object_set_new(data, "audit_size", json_integer((json_int_t)audit.size)))
        return ERR_NOMEM;
    return ERR_OK;
}

static enum err status_text(struct node *n, struct txn *t, const struct tally *x,
                            struct bytes *text)
{
    enum err e;

    if ((e = disk_text(n, text)) || (e = gauges_text(n->gauges, text)) ||
        (e = witness_text(n, text)) || (e = rekey_text(n, text)))
        return e;
    if (!n->self.joined) {
        e = bytes_printf(
            text, "Ce nœud n'est encore inscrit à aucun hub : ce qui est écrit reste ici.\n");
        return e ? e : join_say(n, t, text);
    }
    return bytes_printf(
        text,
        "%s, fédération %s (%s).\nLiaison avec le hub : %s%s%s\n%s"
        "Envois : %d à sceller, %d en attente, %d acceptés, %d refusés, %d expirés ; "
        "%d déclaration(s) en attente.\n"
        "Reçus : %d dont %d à lire, %d en attente de leur cercle, %d mis à part, "
        "%d refusés, rappelés ou échus, %d illisibles.\n",
        n->self.org_name, n->self.federation_name, word_mode(n->self.mode), link_text(n),
        courier_why(n->courier) && n->courier ? " " : "",
        courier_why(n->courier) && n->courier ? word_error(courier_why(n->courier)) : "",
        courier_cloned(n->courier) ? CLONE_ALARM : "", x->to_seal, x->sealed, x->accepted,
        x->refused, x->expired, x->acts, x->received, x->unopened, x->held, x->quarantined,
        x->in_refused, x->unreadable);
}

static enum err run_status(struct node *n, struct call *c)
{
    struct tally x = {0};
    struct txn *t = NULL;
    json_t *counts;
    enum err e;

    if ((e = self_json(n, c->data)))
        return e;
    if ((e = store_begin(n->store, TXN_READ, &t)))
        return e;
    if (!(e = outbox_each(n, t, tally_out, &x)) && !(e = inbox_each(n, t, tally_in, &x)) &&
        !(e = act_each_waiting(n, t, tally_act, &x)) && !(e = prekey_json(n, t, c->data)) &&
        !(e = status_text(n, t, &x, &c->text)) && !(e = absence_status(n, t, &c->text)) &&
        !(e = told_say(n, t, c)))
        e = bells_say(n, t, c);
    if (!e)
        e = scans_say(n, t, c);
    store_abort(&t);
    if (e)
        return e;
    counts = tally_json(&x);
    if (!counts || json_object_update(c->data, counts))
        e = ERR_NOMEM;
    json_decref(counts);
    return e;
}

/* --- organisations --------------------------------------------------------------------------- */

static const char *state_text(enum directory_state s)
{
    switch (s) {
    case DIRECTORY_ACTIVE:
        return "active";
    case DIRECTORY_PENDING:
        return "inscrite, pas encore en vigueur";
    case DIRECTORY_SUSPENDED:
        return "suspendue";
    case DIRECTORY_REVOKED:
        return "radiée";
    case DIRECTORY_ABSENT:
        break;
    }
    return "inconnue";
}

static enum err org_row(struct node *n, struct call *c, const struct directory_org *o, json_t *list)
{
    const struct directory *d = contacts_directory(n);
    enum directory_state s = directory_org_state(d, o, DIRECTORY_NOW, node_now_ms(n));
    const struct directory_absence *a = directory_absence(d, o->id, node_now_ms(n));
    json_t *row = json_pack("{s:o, s:o, s:i, s:o, s:o, s:i, s:b}", "org", json_hex(o->id, ID_BYTES),
                            "name", json_span(o->name), "kind", (int)o->kind, "national_id",
                            json_span(o->national_id), "territory", json_span(o->territory),
                            "state", (int)s, "own", memcmp(o->id, n->self.org, ID_BYTES) == 0);
    struct bytes id = {0};
    enum err e;

    if (json_array_append_new(list, row) ||
        json_object_set_new(row, "absence", a ? absence_json(n, a) : json_null()))
        return ERR_NOMEM;
    if ((e = hex_write(&id, SPAN_OF(o->id))))
        return e;
    e = bytes_printf(&c->text, "%s  %.*s (%s) : %s", (const char *)id.ptr, (int)o->name.len,
                     (const char *)o->name.ptr, word_org_kind(o->kind), state_text(s));
    if (!e && a && !(e = bytes_printf(&c->text, ", fermeture annoncée")))
        e = absence_days(a->from_ms, a->until_ms, &c->text);
    bytes_free(&id);
    return e ? e : bytes_printf(&c->text, "\n");
}

static enum err run_org_list(struct node *n, struct call *c)
{
    const struct directory *d = contacts_directory(n);
    json_t *list = json_array();
    enum err e = n->self.joined ? ERR_OK : ERR_NOT_JOINED;

    for (size_t i = 0; !e && i < directory_org_count(d); i++)
        e = org_row(n, c, directory_org(d, i), list);
    if (json_object_set_new(c->data, "orgs", list))
        return ERR_NOMEM;
    return e;
}

/* --- signing, policy ------------------------------------------------------------------
 */

static enum err run_sign(struct node *n, struct call *c)
{
    const char *request = arg_text(c, "request");
    struct bytes signature = {0};
    enum err e;

    if (!request)
        return ERR_USAGE;
    e = sign_request(n, span_text(request), arg_bool(c, "confirm"), &c->text, &signature);
    if (!e && signature.len > 0 &&
        json_object_set_new(c->data, "signature", json_span(bytes_span(&signature))))
        e = ERR_NOMEM;
    bytes_free(&signature);
    return e;
}

static enum err run_policy(struct node *n, struct call *c)
{
    struct bytes text = {0};
    enum err e = policy_write(n, &text);

    if (!e && json_object_set_new(c->data, "policy", json_span(bytes_span(&text))))
        e = ERR_NOMEM;
    if (!e)
        e = bytes_printf(&c->text, "%.*s", (int)text.len, (const char *)text.ptr);
    bytes_free(&text);
    return e;
}

/* clang-format off */
const struct command node_commands[] = {
    {"status",     RIGHT_READ,  false, run_status,   "état du nœud, de la liaison et des files"},
    {"hub.resume", RIGHT_ADMIN, false, hub_resume,   "reprend la liaison après une décision"},
    {"hub.keys",   RIGHT_ADMIN, false, hub_keys,     "lit le journal des clés du hub dans un fichier"},
    {"key.rotate", RIGHT_ADMIN, false, key_rotate,   "donne d'autres clés à ce nœud"},
    {"org.list",   RIGHT_READ,  false, run_org_list, "annuaire de la fédération"},
    {"absence.set",   RIGHT_WRITE, true,  absence_set,   "annonce une fermeture à tout l'annuaire"},
    {"absence.clear", RIGHT_WRITE, true,  absence_clear, "lève la fermeture annoncée"},
    {"absence.list",  RIGHT_READ,  false, absence_list,  "fermetures annoncées"},
    {"sign",       RIGHT_ADMIN, false, run_sign,     "montre ou signe une demande du registre"},
    {"receipts",   RIGHT_READ,  false, receipts_run, "récépissés d'un envoi, en fichiers vérifiables"},
    {"evidence",   RIGHT_READ,  false, evidence_run, "preuves d'histoires contradictoires du hub, en fichiers"},
    {"policy",     RIGHT_READ,  false, run_policy,   "ancres de confiance pour relais-verify"},
    {"journal",    RIGHT_READ,  true,  journal_shown,  "journal local des lectures et écritures"},
};
/* clang-format on */
const size_t node_command_count = sizeof node_commands / sizeof node_commands[0];
