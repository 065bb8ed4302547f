/* Commands of the running hub: what is asked of it over its control socket, and what is shown or
 * written of the answer (cli.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "control.h"
#include "file.h"
#include "statement.h"

/* What a command asks, and where the text it answers goes. */
struct remote {
    const char *name;
    const char *save; /* member of the answer's data that is written to `path`, or NULL */
    const char *path;
    bool secret;       /* it is a key: never replaces a file, never shown */
    const char *about; /* the organisation that was named, or NULL */
};

static int refused(const struct cli *c, const struct remote *r, const json_t *answer)
{
    enum err e = (enum err)json_integer_value(json_object_get(answer, "code"));
    const char *why = json_string_value(json_object_get(answer, "why"));

    if (why)
        return cli_refuse(c, e, cli_status(e), "%s", why);
    if (r->about && e == ERR_NOT_FOUND)
        return cli_refuse(c, e, EXIT_REFUSED,
                          "aucune organisation ne correspond à « %s » (« org list »)", r->about);
    if (r->about && e == ERR_ITEMS)
        return cli_refuse(c, e, EXIT_REFUSED,
                          "plusieurs organisations correspondent à « %s » : donnez plus de "
                          "chiffres de l'identifiant (« org list »)",
                          r->about);
    return cli_error(c, e);
}

static int call(const struct cli *c, const struct remote *r, json_t *args, json_t **answer)
{
    json_t *request = json_pack("{s:s,s:o}", "cmd", r->name, "args", args ? args : json_object());
    char path[SERVE_PATH_MAX];
    struct control_call how = {.path = path};
    enum err e;

    snprintf(path, sizeof path, "%s/control.sock", c->dir);
    e = request ? control_call(&how, request, answer) : ERR_UTF8;
    json_decref(request);
    if (e == ERR_NOT_FOUND)
        return cli_refuse(c, e, EXIT_AWAY, "aucun service n'écoute dans %s ; démarrez-le (serve)",
                          c->dir);
    if (e == ERR_PERMISSION)
        return cli_error_at(c, e, path);
    if (e)
        return cli_error(c, e);
    if (json_object_get(*answer, "error"))
        return refused(c, r, *answer);
    return EXIT_SUCCESS;
}

static void show(const struct cli *c, const json_t *answer)
{
    const char *text = json_string_value(json_object_get(answer, "text"));

    if (c->json) {
        json_dumpf(json_object_get(answer, "data"), stdout, JSON_INDENT(2));
        printf("\n");
    } else if (text) {
        fputs(text, stdout);
    }
}

static bool number_of(const char *text, json_int_t *out)
{
    size_t n = strspn(text, "0123456789");

    *out = n > 0 && n < 10 && !text[n] ? (json_int_t)strtoll(text, NULL, 10) : -1;
    return *out >= 0;
}

/* The options whose value is a number; all others are text, even when made of digits. */
json_t *cli_args(const struct cli *c)
{
    json_t *args = json_object();

    for (size_t i = 0; args && i < c->options; i++) {
        const char *name = c->option_name[i];
        const char *value = c->option_value[i];
        bool is_number =
            strcmp(name, "last") == 0 || strcmp(name, "reason") == 0 || strcmp(name, "quorum") == 0;
        json_int_t number = 0;

        if (is_number && !number_of(value, &number)) {
            json_decref(args);
            return NULL;
        }
        if (json_object_set_new(args, name,
                                is_number ? json_integer(number)
                                : *value  ? json_string(value)
                                          : json_true()))
            break;
    }
    return args;
}

static int save_answer(const struct cli *c, const struct remote *r, json_t *data)
{
    const char *text = json_string_value(json_object_get(data, r->save));
    enum err e = ERR_INTERNAL;

    if (text)
        e = r->secret ? file_write_new(r->path, span_text(text), 0600)
                      : file_write_atomic(r->path, span_text(text), 0600);
    if (e && r->secret) {
        const char *id = json_string_value(json_object_get(data, "id"));

        return cli_refuse(c, e, EXIT_REFUSED,
                          "l'invitation n'a pas pu être écrite dans %s, et sa clé est perdue : "
                          "annulez-la (« relais-hub org refuse %s ») et recommencez",
                          r->path, id ? id : "ID");
    }
    if (e)
        return cli_error_at(c, e, r->path);
    if (r->secret &&
        (json_object_del(data, r->save) || json_object_set_new(data, "path", json_string(r->path))))
        return cli_error(c, ERR_NOMEM);
    return EXIT_SUCCESS;
}

int cli_data(const struct cli *c, const char *name, json_t *args, json_t **answer)
{
    return call(c, &(struct remote){.name = name}, args, answer);
}

int cli_act_send(const struct cli *c, const json_t *prepared, const char *save, const char *path)
{
    const struct remote r = {.name = "operator.sign", .save = save, .path = path};
    json_t *answer = NULL;
    json_t *args = NULL;
    json_t *data;
    int status;

    if ((status = cli_act_sign(c, prepared, &args)))
        return status;
    status = call(c, &r, args, &answer);
    data = json_object_get(answer, "data");
    if (status == EXIT_SUCCESS && save && json_object_get(data, save))
        status = save_answer(c, &r, data);
    if (status == EXIT_SUCCESS)
        show(c, answer);
    json_decref(answer);
    return status;
}

/* A named operator signs what this command means; it runs when enough of them have. */
static int signed_remote(const struct cli *c, const struct remote *r, json_t *args)
{
    const struct remote prepare = {.name = "operator.prepare", .about = r->about};
    json_t *prepared = NULL;
    int status = call(c, &prepare, json_pack("{s:s,s:o}", "cmd", r->name, "args", args), &prepared);

    if (status == EXIT_SUCCESS)
        status = cli_act_send(c, prepared, r->save, r->path);
    json_decref(prepared);
    return status;
}

static int remote(const struct cli *c, const struct remote *r, json_t *args)
{
    json_t *answer = NULL;
    int status;

    if (!args)
        return cli_usage(c, "--last, --reason et --quorum attendent un nombre");
    if (cli_option(c, "as", NULL))
        return signed_remote(c, r, args);
    status = call(c, r, args, &answer);
    if (status == EXIT_SUCCESS && r->save)
        status = save_answer(c, r, json_object_get(answer, "data"));
    if (status == EXIT_SUCCESS)
        show(c, answer);
    json_decref(answer);
    return status;
}

int cli_ask(const struct cli *c, const char *name, const char *save, const char *path, json_t *args)
{
    return remote(c, &(struct remote){.name = name, .save = save, .path = path}, args);
}

int cli_remote(struct cli *c)
{
    return remote(c, &(struct remote){.name = c->command}, cli_args(c));
}

static const char *const kinds[] = {"?",       "dac",  "essms",   "hopital",
                                    "urgence", "mdph", "liberal", "autre"};

static json_t *services_array(const char *text)
{
    json_t *list = json_array();
    char copy[1024];
    char *rest = copy;
    char *one;

    snprintf(copy, sizeof copy, "%s", text);
    while (list && (one = strsep(&rest, ",")))
        if (*one && json_array_append_new(list, json_string(one)))
            break;
    return list;
}

int cli_invite(struct cli *c)
{
    const char *output = cli_option(c, "output", NULL);
    const char *kind = cli_option(c, "kind", "");
    json_int_t hours;
    json_t *args;
    size_t k = 1;

    while (k < sizeof kinds / sizeof kinds[0] && strcmp(kinds[k], kind) != 0)
        k++;
    if (!output || k == sizeof kinds / sizeof kinds[0])
        return cli_usage(c, "invite --name NOM --kind dac|essms|hopital|urgence|mdph|liberal|autre "
                            "--output FICHIER [--national-id N] [--territory T] [--services A,B] "
                            "[--org ID] [--founder] [--hours N]");
    if (!number_of(cli_option(c, "hours", "168"), &hours))
        return cli_usage(c, "--hours attend un nombre d'heures");
    if (access(output, F_OK) == 0)
        return cli_refuse(c, ERR_EXISTS, EXIT_REFUSED,
                          "%s existe déjà ; rien n'a été préparé. Donnez un autre nom de fichier",
                          output);
    args = json_pack("{s:s,s:I,s:s,s:s,s:s,s:b,s:I,s:o}", "name", cli_option(c, "name", ""), "kind",
                     (json_int_t)k, "national_id", cli_option(c, "national-id", ""), "territory",
                     cli_option(c, "territory", ""), "org", cli_option(c, "org", ""), "founder",
                     cli_flag(c, "founder"), "hours", hours, "services",
                     services_array(cli_option(c, "services", "")));
    if (!args)
        return cli_error(c, ERR_UTF8);
    return remote(
        c, &(struct remote){.name = "invite", .save = "invitation", .path = output, .secret = true},
        args);
}

static bool names_org(const char *argument)
{
    return argument && strcmp(argument, "id") != 0; /* "id" is the invitation's */
}

int cli_org(struct cli *c)
{
    static const struct {
        const char *word;
        const char *command;
        const char *argument;
        bool request;
    } rows[] = {
        {"list",    "org.list",    NULL,   false},
        {"approve", "org.approve", "id",   true },
        {"refuse",  "org.refuse",  "id",   false},
        {"suspend", "org.suspend", "org",  false},
        {"resume",  "org.resume",  "org",  false},
        {"revoke",  "org.revoke",  "org",  true },
        {"release", "org.release", "node", false},
        {"quota",   "org.quota",   "org",  false},
    };
    const char *word = cli_argument(c, 0);
    const char *output = cli_option(c, "output", NULL);

    for (size_t i = 0; word && i < sizeof rows / sizeof rows[0]; i++) {
        json_t *args;

        if (strcmp(rows[i].word, word) != 0)
            continue;
        if ((rows[i].argument && !cli_argument(c, 1)) || (rows[i].request && !output))
            return cli_usage(
                c, "org approve NOM --fingerprint EMPREINTE [--lost] --output FICHIER ; "
                   "org revoke ORG [--node NOEUD] --output FICHIER ; les autres : org VERBE "
                   "NOM");
        args = cli_args(c);
        if (args && rows[i].argument &&
            json_object_set_new(args, rows[i].argument, json_string(cli_argument(c, 1))))
            return cli_error(c, ERR_UTF8);
        return remote(
            c,
            &(struct remote){.name = rows[i].command,
                             .save = rows[i].request ? "request" : NULL,
                             .path = output,
                             .about = names_org(rows[i].argument) ? cli_argument(c, 1) : NULL},
            args);
    }
    return cli_usage(
        c, "org list | approve NOM --fingerprint F --output FICHIER | refuse NOM | suspend ORG | "
           "resume ORG | revoke ORG [--node NOEUD] --output FICHIER | release NOEUD | quota ORG");
}

int cli_node(struct cli *c)
{
    const char *word = cli_argument(c, 0);
    const char *node = cli_argument(c, 1);

    if (!word || !node || strcmp(word, "allow") != 0)
        return cli_usage(c, "node allow NOEUD");
    return remote(c, &(struct remote){.name = "node.allow", .about = node},
                  json_pack("{s:s}", "node", node));
}

int cli_genesis(struct cli *c)
{
    const char *output = cli_option(c, "output", NULL);

    if (!output)
        return cli_usage(c, "genesis --output FICHIER [--operator ORG]");
    return remote(c, &(struct remote){.name = "genesis", .save = "request", .path = output},
                  cli_args(c));
}

#define REQUEST_BEGINS "-----BEGIN RELAIS REQUEST"

static int import_one(const struct cli *c, const char *path, const struct bytes *text)
{
    json_t *args = json_pack("{s:s%}", "signature", (char *)text->ptr, text->len);

    if (text->len > strlen(REQUEST_BEGINS) &&
        memcmp(text->ptr, REQUEST_BEGINS, strlen(REQUEST_BEGINS)) == 0)
        return cli_refuse(c, ERR_TYPE, EXIT_INPUT,
                          "%s est la demande, pas encore une signature : faites-la signer "
                          "(« registrar sign », « relais-node sign »), puis importez ce fichier-là",
                          path);

    return args ? remote(c, &(struct remote){.name = "sign.import"}, args)
                : cli_error(c, ERR_TEXT_FORM);
}

int cli_import(struct cli *c)
{
    int status = EXIT_SUCCESS;

    if (c->words == 0)
        return cli_usage(c, "sign-import FICHIER…");
    for (size_t i = 0; i < c->words && status == EXIT_SUCCESS; i++) {
        struct bytes text = {0};
        enum err e = file_read(cli_argument(c, i), ARMOUR_TEXT_MAX, &text);

        status =
            e ? cli_error_at(c, e, cli_argument(c, i)) : import_one(c, cli_argument(c, i), &text);
        bytes_free(&text);
    }
    return status;
}
