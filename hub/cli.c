#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "file.h"
#include "statement.h"

#define DIR_STANDARD "/var/lib/relais-hub"
#define LIGHT_KIB 8192

/* --- parsing --------------------------------------------------------------------------------- */

static const char *const flags[] = {"json", "allow-core", "founder", "light", "help", "standard"};

static bool is_flag(const char *name)
{
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (strcmp(flags[i], name) == 0)
            return true;
    return false;
}

static bool take_option(struct cli *c, char **argv, int argc, int *i)
{
    const char *name = argv[*i] + 2;
    const char *value = "";

    if (c->options == CLI_OPTIONS_MAX)
        return false;
    if (!is_flag(name)) {
        if (*i + 1 >= argc)
            return false;
        value = argv[++*i];
    }
    c->option_name[c->options] = name;
    c->option_value[c->options++] = value;
    return true;
}

static bool parse(struct cli *c, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            if (!take_option(c, argv, argc, &i))
                return false;
        } else if (!c->command) {
            c->command = argv[i];
        } else if (c->words < CLI_WORDS_MAX) {
            c->word[c->words++] = argv[i];
        } else {
            return false;
        }
    }
    return true;
}

const char *cli_option(const struct cli *c, const char *name, const char *standard)
{
    for (size_t i = 0; i < c->options; i++)
        if (strcmp(c->option_name[i], name) == 0)
            return c->option_value[i];
    return standard;
}

bool cli_flag(const struct cli *c, const char *name)
{
    return cli_option(c, name, NULL) != NULL;
}

const char *cli_argument(const struct cli *c, size_t i)
{
    return i < c->words ? c->word[i] : NULL;
}

void cli_shift(struct cli *c)
{
    if (c->words == 0)
        return;
    memmove(c->word, c->word + 1, (c->words - 1) * sizeof c->word[0]);
    c->words--;
}

const char *cli_year(void)
{
    static char year[8];
    time_t now = time(NULL);
    struct tm tm;

    strftime(year, sizeof year, "%Y", gmtime_r(&now, &tm));
    return year;
}

struct keyfile_cost cli_cost(const struct cli *c)
{
    return cli_flag(c, "light") ? (struct keyfile_cost){LIGHT_KIB, 1} : KEYFILE_COST;
}

static void help(const struct cli_command *commands, size_t n)
{
    printf("relais-hub [--dir DOSSIER] [--json] COMMANDE …\n\n");
    for (size_t i = 0; i < n; i++)
        printf("  %-12s %s\n", commands[i].name, commands[i].help);
    printf("\nOptions : --dir (%s), --passphrase-file FICHIER, --json, --light (clés d'exercice,\n"
           "dérivation rapide), --allow-core (laisse le système faire une image mémoire).\n"
           "Codes de sortie : 0 fait, 1 refusé, 2 usage, 3 service injoignable, 4 entrée "
           "invalide, 5 panne.\n\nRéglages de hub.conf :\n",
           DIR_STANDARD);
    hub_conf_help();
}

int cli_run(int argc, char **argv, const struct cli_command *commands, size_t n)
{
    struct cli c = {.program = argv[0]};

    for (int i = 1; i < argc; i++)
        c.json = c.json || strcmp(argv[i], "--json") == 0; /* for what parse() refuses, too */
    if (!parse(&c, argc, argv))
        return cli_usage(&c, "option sans valeur, ou trop d'arguments");
    c.dir = cli_option(&c, "dir", DIR_STANDARD);
    c.allow_core = cli_flag(&c, "allow-core");
    c.passphrase_file = cli_option(&c, "passphrase-file", NULL);
    if (cli_flag(&c, "help") || !c.command) {
        help(commands, n);
        return c.command || cli_flag(&c, "help") ? EXIT_SUCCESS : EXIT_USAGE;
    }
    for (size_t i = 0; i < n; i++)
        if (strcmp(commands[i].name, c.command) == 0)
            return commands[i].run(&c);
    return cli_usage(&c, "commande inconnue ; « relais-hub --help » les donne toutes");
}

/* --- configuration and passphrase ------------------------------------------------------------ */

int cli_conf(struct cli *c, struct hub_conf *out)
{
    char path[SERVE_PATH_MAX + 16];
    char why[SERVE_PATH_MAX + 512] = "";
    const char *reason = why;
    unsigned long line = 0;
    char *end;
    enum err e = hub_conf_read(c->dir, out, why, sizeof why);

    if (!e)
        return EXIT_SUCCESS;
    if (e != ERR_CONF || !why[0])
        return cli_error_at(c, e, "hub.conf");
    snprintf(path, sizeof path, "%s/hub.conf", c->dir);
    if (strncmp(why, path, strlen(path)) == 0 && why[strlen(path)] == ':') {
        line = strtoul(why + strlen(path) + 1, &end, 10);
        reason = *end == ':' ? end + 2 : end;
    }
    if (line)
        return cli_refuse(c, e, EXIT_INPUT,
                          "le réglage de la ligne %lu de %s n'est pas valide ; raison : %s", line,
                          path, reason);
    return cli_refuse(c, e, EXIT_INPUT, "les réglages de %s ne sont pas valides ; raison : %s",
                      path, reason);
}

static enum err ask_terminal(struct bytes *out)
{
    struct termios before;
    struct termios silent;
    char line[PASSPHRASE_MAX + 2];
    enum err e = ERR_PASSPHRASE;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before))
        return ERR_USAGE;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "Phrase de passe : ");
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    if (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        e = bytes_copy(out, span_text(line));
    }
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fprintf(stderr, "\n");
    seal_wipe(line, sizeof line);
    return e;
}

static void strip_newline(struct bytes *b)
{
    while (b->len > 0 && (b->ptr[b->len - 1] == '\n' || b->ptr[b->len - 1] == '\r'))
        b->len--;
}

int cli_passphrase(struct cli *c, const char *configured, struct bytes *out)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    const char *path = c->passphrase_file ? c->passphrase_file : configured;
    char from_system[SERVE_PATH_MAX];
    enum err e;

    if (!*path && credentials) {
        snprintf(from_system, sizeof from_system, "%s/relais-passphrase", credentials);
        path = from_system;
    }
    e = *path ? file_read_secret(path, PASSPHRASE_MAX, out) : ask_terminal(out);
    if (e == ERR_USAGE)
        return cli_usage(c, "phrase de passe : donnez --passphrase-file, ou un terminal");
    if (e)
        return cli_error_at(c, e, *path ? path : "phrase de passe");
    strip_newline(out);
    return EXIT_SUCCESS;
}

/* --- commands of the daemon ------------------------------------------------------------------ */

/* What a command asks, and where the text it answers goes. */
struct remote {
    const char *name;
    const char *save; /* member of the answer's data that is written to `path`, or NULL */
    const char *path;
    bool secret;       /* it is a key: never replaces a file, never shown */
    const char *about; /* the organisation that was named, or NULL */
};

static int refused(const struct cli *c, const struct remote *r, enum err e)
{
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
        return refused(c, r, (enum err)json_integer_value(json_object_get(*answer, "code")));
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

static int remote(const struct cli *c, const struct remote *r, json_t *args)
{
    json_t *answer = NULL;
    int status;

    if (!args)
        return cli_usage(c, "--last, --reason et --quorum attendent un nombre");
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

static const char *const kinds[] = {"?",         "dac",  "essms",   "hospital",
                                    "emergency", "mdph", "liberal", "other"};

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
        return cli_usage(c,
                         "invite --name NOM --kind dac|essms|hospital|emergency|mdph|liberal|other "
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
            return cli_usage(c, "org approve ID --fingerprint EMPREINTE --output FICHIER ; org "
                                "revoke ORG --output FICHIER ; les autres : org VERBE ID");
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
    return cli_usage(c, "org list|approve|refuse|suspend|resume|revoke|release|quota");
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

static int import_one(const struct cli *c, const struct bytes *text)
{
    json_t *args = json_pack("{s:s%}", "signature", (char *)text->ptr, text->len);

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

        status = e ? cli_error_at(c, e, cli_argument(c, i)) : import_one(c, &text);
        bytes_free(&text);
    }
    return status;
}
