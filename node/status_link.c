/* How the link to the hub is, in words, for `status`. */
#include <inttypes.h>

#include "commands_internal.h"
#include "courier_internal.h"
#include "witness.h"

const char *link_text(const struct node *n)
{
    uint64_t waiting;

    if (n->alarm)
        return "ARRÊT : le hub a montré deux histoires contradictoires. Les preuves sont gardées. "
               "Prévenez le DAC et le délégué à la protection des données.";
    if (courier_full(n->courier, &waiting) && courier_state(n->courier) != COURIER_STOPPED)
        return "les remises sont suspendues jusqu'à ce qu'il y ait de la place.";
    switch (courier_state(n->courier)) {
    case COURIER_STOPPED:
        return "Arrêtée : une décision humaine est nécessaire.";
    case COURIER_READY:
        return "En ligne.";
    case COURIER_GREETING:
    case COURIER_SYNCING:
        return "Connexion en cours.";
    case COURIER_DOWN:
        break;
    }
    return n->courier ? "Hors ligne : ce qui est écrit est conservé et sera envoyé."
                      : "Service arrêté.";
}

#define HOUR_S 3600

/* When nobody has attested the directory for a day, who writes should know. */
enum err witness_text(const struct node *n, struct bytes *text)
{
    uint32_t epochs[EPOCHS_KNOWN_MAX + 1];
    struct attestation a;
    uint64_t now_s = node_now_ms(n) / 1000;
    uint64_t from_s;
    enum err e;

    if (!n->self.joined)
        return ERR_OK;
    if (contacts_epochs(n, epochs) > 1 &&
        (e = bytes_printf(
             text,
             "Le hub a été restauré depuis une sauvegarde : il tient désormais le "
             "journal d'audit %u. Ce qu'il avait perdu lui est offert de nouveau ; les "
             "reçus de l'ancien journal restent vérifiables.\n",
             (unsigned)contacts_epoch(n))))
        return e;
    witness_attested(n, LOG_KEYS, &a);
    from_s = a.time_s > a.since_s ? a.time_s : a.since_s;
    if (!a.named || now_s <= from_s + WITNESS_WARN_S)
        return ERR_OK;
    return bytes_printf(
        text, "TÉMOINS : l'annuaire n'a plus été attesté depuis %" PRIu64 " heures%s\n",
        (now_s - from_s) / HOUR_S,
        witness_may_seal(n) ? " : plus rien de nouveau n'est scellé. Appelez l'opérateur du hub."
                            : ". Au bout de sept jours, plus rien de nouveau ne sera scellé.");
}

json_t *witness_status(const struct node *n)
{
    struct attestation keys;
    struct attestation audit;

    if (!n->self.joined)
        return json_object();
    witness_attested(n, LOG_KEYS, &keys);
    witness_attested(n, LOG_AUDIT, &audit);
    return json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "named", keys.named, "is_witness",
                     keys.is_witness, "members", (json_int_t)keys.members, "quorum",
                     (json_int_t)keys.quorum, "keys_time", (json_int_t)keys.time_s, "audit_time",
                     (json_int_t)audit.time_s, "audit_size",
                     (json_int_t)(audit.what ? audit.what->head.size : 0), "epoch",
                     (json_int_t)contacts_epoch(n));
}

/* Before anything else: a human has to make room. */
enum err disk_text(const struct node *n, struct bytes *text)
{
    uint64_t waiting;

    if (!courier_full(n->courier, &waiting))
        return ERR_OK;
    return bytes_printf(text,
                        "DISQUE PLEIN (%s) : %" PRIu64 " remise%s au hub et ne peu%s pas entrer. "
                        "Libérez de la place.\n",
                        n->dir, waiting, waiting > 1 ? "s attendent" : " attend",
                        waiting > 1 ? "vent" : "t");
}

json_t *courier_status(const struct node *n)
{
    static const char *const names[] = {"stopped", "down", "greeting", "syncing", "ready"};
    const struct courier *c = n->courier;

    if (!c)
        return json_pack("{s:s}", "state", "none");
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
                     "state", names[c->state], "why", c->why ? err_name(c->why) : "", "endpoint",
                     c->endpoint, "session", (json_int_t)c->session, "last_seq",
                     (json_int_t)c->last_seq, "acked_seq", (json_int_t)c->acked, "skew_ms",
                     (json_int_t)c->skew_ms, "hellos", (json_int_t)c->count.hellos, "gaps",
                     (json_int_t)c->count.gaps, "delivered", (json_int_t)c->count.delivered,
                     "refused", (json_int_t)c->count.refused, "failed_batches",
                     (json_int_t)c->count.failed_batches, "chunks_sent", (json_int_t)c->att.sent,
                     "chunks_received", (json_int_t)c->att.received);
}
