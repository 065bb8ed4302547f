/* `relais-hub witness`: who watches the logs. */
#include "cli.h"

#include <string.h>

int cli_witness(struct cli *c)
{
    const char *word = cli_argument(c, 0);
    const char *output = cli_option(c, "output", NULL);
    json_t *args = cli_args(c);
    json_t *orgs = json_array();

    if (word && strcmp(word, "list") == 0) {
        json_decref(orgs);
        return cli_ask(c, "witness.list", NULL, NULL, args);
    }
    if (!word || strcmp(word, "set") != 0 || !output || c->words < 2) {
        json_decref(orgs);
        json_decref(args);
        return cli_usage(c, "witness set ORG... [--quorum N] --output FICHIER ; witness list");
    }
    for (size_t i = 1; i < c->words; i++)
        if (json_array_append_new(orgs, json_string(cli_argument(c, i))))
            return cli_error(c, ERR_UTF8);
    if (args && json_object_set_new(args, "orgs", orgs))
        return cli_error(c, ERR_NOMEM);
    return cli_ask(c, "witness.set", "request", output, args);
}

/* Two heads of one log, one of which we do not have: where each is kept. */
int cli_evidence(struct cli *c)
{
    const char *shown = cli_argument(c, 0);
    const char *own = cli_argument(c, 1);
    int status;

    if (!shown || !own || c->words > 2)
        return cli_usage(c, "evidence FICHIER FICHIER");
    status = cli_ask(c, "evidence", "shown", shown, cli_args(c));
    return status ? status : cli_ask(c, "evidence", "own", own, cli_args(c));
}
