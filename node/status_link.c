/* How the link to the hub is, in words, for `status`. */
#include <inttypes.h>

#include "commands_internal.h"
#include "courier.h"

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
