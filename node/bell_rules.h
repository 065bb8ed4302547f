/*
 * bell_rules - notify.conf: which command tells whom. One addressee a line, as sheets name them:
 *
 *     structure = /chemin/commande
 *     fonction:IDE de nuit = /chemin/commande
 *
 * Kinds: structure, personne, fonction, unité. Accents and case do not matter. Empty lines and
 * lines of comment after # or ; are skipped. Anything else, an addressee that comes twice, or a
 * command that is no absolute path is ERR_CONF, and `why` names file, line and reason.
 * Thread rule: plain data.
 */
#ifndef NODE_BELL_RULES_H
#define NODE_BELL_RULES_H

#include <stddef.h>

#include "settings.h"
#include "span.h"

#define BELL_RULES_MAX 64
#define BELL_LABEL_MAX 200
#define BELL_COMMAND_MAX 511
#define BELL_ALL "structure" /* an addressee that has no line of its own */

struct bell_rules;

/* <dir>/notify.conf (none is fine) and the command for all the others, from node.conf. */
enum err bell_rules_read(const char *dir, const struct node_settings *settings,
                         struct bell_rules **out, char *why, size_t why_size);
void bell_rules_free(struct bell_rules *rules); /* NULL is fine */
/* How this addressee is spelt here: of a line of its own, else BELL_ALL; NULL: nobody is told.
 * kind: enum addressee_kind. */
const char *bell_rules_label(const struct bell_rules *rules, uint64_t kind, struct span name);
/* The command of a label as bell_rules_label() gave it; NULL: there is none any more. */
const char *bell_rules_command(const struct bell_rules *rules, const char *label);
/* The first command that could not be executed now; NULL: all could. */
const char *bell_rules_broken(const struct bell_rules *rules);

#endif
