/* What relais-verify says, in French. */
#include "verify.h"

#include <stdio.h>

#include "clock.h"
#include "receipt.h"

const char verify_help[] =
    "relais-verify receipt FICHIER --policy POLITIQUE [--witnesses]\n"
    "\n"
    "Vérifie hors ligne un reçu Relais (.tlog-proof) : ce qui est prouvé, à quel degré, par\n"
    "la clé de qui, dans quel journal, quand. La politique est un fichier que vous tenez :\n"
    "journaux et témoins reconnus, clés des organisations.\n"
    "--witnesses : refuse (1) ce que le quorum de témoins de la politique n'a pas cosigné.\n"
    "\n"
    "relais-verify histories FICHIER FICHIER --policy POLITIQUE\n"
    "\n"
    "Deux têtes signées d'un même journal (.note) : prouvent-elles que son hub a tenu deux\n"
    "histoires ? Oui (0) si elles ont la même taille et des racines différentes ; deux tailles\n"
    "différentes ne le prouvent pas à elles seules (1).\n"
    "\n"
    "Degrés : « journalisé » (le journal l'a signé), « attesté » (le quorum de témoins de la\n"
    "politique a cosigné).\n"
    "\n"
    "Codes de sortie :\n"
    "  0  prouvé\n"
    "  1  pas prouvé : reçu abîmé, falsifié, ou d'un journal inconnu de la politique\n"
    "  2  ligne de commande\n"
    "  3  fichier du reçu illisible\n"
    "  4  politique illisible ou incorrecte\n"
    "  5  journalisé, mais signé par un membre dont la politique n'a pas la clé\n";

/* --- what was proven, in words --------------------------------------------------------------- */

const char *event_words(uint64_t type, uint64_t code)
{
    static const char *const words[] = {
        [AUDIT_ACCEPTED] = "accepté par le hub",
        [AUDIT_DELIVERED] = "remis (sur le disque du destinataire)",
        [AUDIT_OPENED] = "ouvert par une personne chez le destinataire",
        [AUDIT_REFUSED] = "refusé par le destinataire",
        [AUDIT_UNREADABLE] = "illisible chez le destinataire",
        [AUDIT_MISLABELLED] = "mis en quarantaine : étiquette et contenu se contredisent",
        [AUDIT_EXPIRED] = "expiré sans avoir été remis",
        [AUDIT_RECALLED] = "rappelé par son expéditeur avant d'être remis",
        [AUDIT_STATEMENT] = "déclaration de cercle enregistrée",
        [AUDIT_REJECTED] = "refusé par le hub",
        [AUDIT_HELD] = "retenu par le hub à la remise",
        [AUDIT_DEPUTY] = "non reçu à temps : remis à son suppléant",
        [AUDIT_ACT] = "acte d'administration du hub",
        [AUDIT_ALARM] = "alarme du hub",
        [AUDIT_SILENT] = "destinataire muet, alors que des messages l'attendent",
        [AUDIT_ESCALATED] = "suspension ou révocation du responsable ou du référent d'un cercle",
        [AUDIT_EPOCH] = "début d'un nouveau journal d'audit",
        [AUDIT_OPERATORS] = "accord d'opérateurs du hub",
        [AUDIT_ATTACHMENT_REMOVED] = "pièce jointe retirée du hub",
    };

    if (type == AUDIT_DEPUTY && code)
        return "non reçu à temps, et NON remis au suppléant prévu";
    return type < sizeof words / sizeof words[0] && words[type] ? words[type] : "événement inconnu";
}

void hex_print(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%02x", p[i]);
}

void org_print(const struct trust *policy, const uint8_t org[ID_BYTES])
{
    const char *name = trust_org_name(policy, org);

    if (name)
        printf("« %s »", name);
    else {
        hex_print(org, ID_BYTES);
        printf(" (nom inconnu de la politique)");
    }
}

/* JJ/MM/AAAA HH:MM:SS UTC */
void time_print(uint64_t ms)
{
    char text[TIME_TEXT_BYTES]; /* 2026-01-01T00:00:00.000Z */

    if (time_text(ms, text))
        printf("à une date illisible");
    else
        printf("le %.2s/%.2s/%.4s %.8s UTC", text + 8, text + 5, text, text + 11);
}

static const char *recall_words(uint64_t reason)
{
    static const char *const words[] = {
        [RECALL_NO_REASON] = "non dit",
        [RECALL_CONTENT] = "contenu erroné",
        [RECALL_PERSON] = "erreur sur la personne",
        [RECALL_RECIPIENT] = "erreur de destinataire",
        [RECALL_REPLACED] = "remplacé par un autre",
    };

    return reason < sizeof words / sizeof words[0] ? words[reason] : "autre";
}

/* Codes that receipts carry; "refus" says the rest, with the code's name beside it. */
const char *motive_words(uint64_t type, uint64_t code)
{
    if (type == AUDIT_RECALLED)
        return recall_words(code);
    switch (code) {
    case ERR_EXPIRED:
        return "date limite dépassée";
    case ERR_NOT_IN_CIRCLE:
        return "pas membre du cercle";
    case ERR_FORMER_MEMBER:
        return "plus membre du cercle";
    case ERR_OPPOSITION:
        return "la personne s'oppose à cet échange";
    case ERR_CONSENT_MISSING:
    case ERR_CONSENT_WITHDRAWN:
    case ERR_CONSENT_VERSION:
        return "pas de consentement en vigueur";
    case ERR_NOTICE_MISSING:
        return "la personne n'a pas été informée";
    case ERR_CLASS:
        return "classe d'information non ouverte à ce destinataire";
    case ERR_MISLABELLED:
        return "étiquette et contenu se contredisent";
    case ERR_SUSPENDED:
        return "organisation suspendue";
    case ERR_REVOKED:
    case ERR_KEY_REVOKED:
        return "organisation ou clé révoquée";
    case ERR_ADDRESSEE:
        return "destinataire inconnu, ou clé périmée";
    case ERR_CIRCLE_CLOSED:
        return "cercle clos";
    case ERR_FORGED:
        return "signature fausse";
    case ERR_OPEN:
        return "contenu impossible à ouvrir";
    case ERR_DUPLICATE:
        return "déjà accepté";
    default:
        return "autre refus";
    }
}

const char *why_words(enum err e)
{
    switch (e) {
    case ERR_PROOF:
        return "les empreintes ne mènent pas à la racine signée, ou le contenu ne correspond pas";
    case ERR_CHECKPOINT:
        return "la signature du journal est fausse";
    case ERR_FORGED:
        return "la signature du membre est fausse";
    case ERR_KEY_UNKNOWN:
        return "la politique ne connaît pas la clé de ce journal";
    case ERR_KEY_REVOKED:
        return "cette clé du journal avait été remplacée avant cette entrée";
    default:
        return "le fichier n'est pas un reçu bien formé";
    }
}

const char *file_words(enum err e)
{
    switch (e) {
    case ERR_NOT_FOUND:
        return "n'existe pas";
    case ERR_PERMISSION:
        return "ne peut pas être lu : droits refusés";
    case ERR_SIZE:
    case ERR_RANGE:
        return "dépasse la taille permise";
    default:
        return "est illisible";
    }
}

const char *line_words(enum err e)
{
    switch (e) {
    case ERR_FIELD_UNKNOWN:
        return "mot inconnu au début de la ligne (attendus : log, former, witness, group, quorum, "
               "org, key)";
    case ERR_FIELD_MISSING:
        return "il manque un champ, ou la ligne « quorum »";
    case ERR_FIELD_VALUE:
        return "une valeur n'est pas admise";
    case ERR_TEXT_FORM:
        return "une clé ou un identifiant est abîmé";
    case ERR_DUPLICATE_KEY:
        return "déjà donné plus haut";
    case ERR_ITEMS:
        return "trop de lignes de cette sorte";
    case ERR_UTF8:
        return "le texte n'est pas en UTF-8";
    default:
        return "le contenu n'est pas celui d'une politique";
    }
}
