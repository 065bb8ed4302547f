/* The node's own keys: others in their place, and what became of that. */
#include "commands_internal.h"
#include "contacts.h"
#include "rekey.h"
#include "words.h"

static const char *why_not(enum err e)
{
    switch (e) {
    case ERR_STATE:
        return "Un changement de clés est déjà en cours (« status » dit où il en est). Rien n'a "
               "été "
               "fait.";
    case ERR_AGAIN:
        return "La dernière clé de messagerie de ce nœud est encore en route vers le hub. Rien n'a "
               "été fait ; recommencez quand la liaison est rétablie.";
    case ERR_KEY_REVOKED:
        return "L'annuaire connaît d'autres clés pour ce nœud : celles-ci sont anciennes et ne "
               "valent plus. Rien n'a été fait. Voyez « A node lost its keys » dans le manuel de "
               "l'opérateur.";
    default:
        return NULL;
    }
}

enum err key_rotate(struct node *n, struct call *c)
{
    enum err e = rekey_begin(n);
    const char *text = why_not(e);

    if (text) {
        c->done = bytes_printf(&c->text, "%s", text) == ERR_OK;
        return e;
    }
    if (e)
        return e;
    node_kick(n);
    return bytes_printf(
        &c->text,
        "Nouvelles clés préparées (signature, liaison, messagerie). Ce qui est déjà signé part "
        "d'abord ; ce qui est écrit entre-temps attend ici. « status » dira quand l'annuaire les "
        "a. Ensuite, faites une nouvelle sauvegarde et un nouveau jeu de parts de secours : les "
        "précédents portent les anciennes clés.");
}

static const char *const phases[] = {"none", "draining", "offered", "refused"};

json_t *rekey_status(const struct node *n)
{
    const struct directory_node *me =
        n->self.joined ? directory_find_node(contacts_directory(n), n->self.node) : NULL;

    return json_pack("{s:s, s:s, s:I}", "phase", phases[n->rekey.phase], "why",
                     n->rekey.phase == REKEY_REFUSED ? err_name(n->rekey.why) : "", "changes",
                     (json_int_t)(me ? me->rekeyed : 0));
}

enum err rekey_text(const struct node *n, struct bytes *text)
{
    switch (n->rekey.phase) {
    case REKEY_DRAINING:
        return bytes_printf(text, "Changement des clés de ce nœud : le hub doit d'abord répondre à "
                                  "ce qui est déjà signé ; rien de nouveau n'est scellé.\n");
    case REKEY_OFFERED:
        return bytes_printf(text, "Changement des clés de ce nœud : remis au hub, en attente de "
                                  "l'annuaire ; rien n'est signé entre-temps.\n");
    case REKEY_REFUSED:
        return bytes_printf(text,
                            "Changement des clés de ce nœud REFUSÉ, les clés d'avant restent en "
                            "vigueur : %s\n",
                            word_error(n->rekey.why));
    case REKEY_NONE:
        break;
    }
    return ERR_OK;
}
