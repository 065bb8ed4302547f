/* How the link to the hub is, in words, for `status`. */
#include <inttypes.h>

#include "commands_internal.h"
#include "courier_internal.h"

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
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "state",
                     names[c->state], "why", c->why ? err_name(c->why) : "", "endpoint",
                     c->endpoint, "session", (json_int_t)c->session, "last_seq",
                     (json_int_t)c->last_seq, "acked_seq", (json_int_t)c->acked, "skew_ms",
                     (json_int_t)c->skew_ms, "hellos", (json_int_t)c->count.hellos, "gaps",
                     (json_int_t)c->count.gaps, "delivered", (json_int_t)c->count.delivered,
                     "refused", (json_int_t)c->count.refused, "failed_batches",
                     (json_int_t)c->count.failed_batches);
}
