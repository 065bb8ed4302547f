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
#define EXIT_REFUSED 1
#define EXIT_USAGE 2
#define EXIT_AWAY 3
#define EXIT_INPUT 4
#define EXIT_BROKEN 5
#define LIGHT_KIB 8192

/* --- parsing --------------------------------------------------------------------------------- */

static const char *const flags[] = {"json", "allow-core", "founder", "light", "help"};

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

    if (!parse(&c, argc, argv))
        return cli_usage(&c, "option sans valeur, ou trop d'arguments");
    c.dir = cli_option(&c, "dir", DIR_STANDARD);
    c.json = cli_flag(&c, "json");
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

/* --- errors ---------------------------------------------------------------------------------- */

int cli_usage(const struct cli *c, const char *what)
{
    (void)c;
    fprintf(stderr, "relais-hub : %s.\n", what);
    return EXIT_USAGE;
}

struct sentence {
    enum err code;
    int status;
    const char *text;
};

/* What an operator is told; the rest of the table keeps its English name, for the maintainers. */
static const struct sentence sentences[] = {
    {ERR_EXISTS,        EXIT_REFUSED, "existe déjà ; rien n'a été remplacé"                           },
    {ERR_NOT_FOUND,     EXIT_REFUSED, "introuvable ; rien n'a changé. Vérifiez l'identifiant"            },
    {ERR_PASSPHRASE,    EXIT_REFUSED,
     "phrase de passe fausse, ou fichier de clés modifié. Rien n'a changé ; réessayez, ou "
     "restaurez la sauvegarde du fichier"                                                                  },
    {ERR_LOCKED,        EXIT_REFUSED,
     "un autre processus sert déjà ce dossier. Arrêtez-le d'abord (son numéro est dans le fichier "
     "lock)"                                                                                               },
    {ERR_PERMISSION,    EXIT_REFUSED,
     "droits refusés ou trop ouverts : le dossier et les fichiers secrets ne doivent être lisibles "
     "que par le service (chmod 700 et 600)"                                                               },
    {ERR_FULL,          EXIT_BROKEN,
     "plus de place ; rien n'a été écrit. Libérez de la place et recommencez"                          },
    {ERR_READONLY,      EXIT_BROKEN,  "système de fichiers en lecture seule ; rien n'a été écrit"      },
    {ERR_FILESYSTEM,    EXIT_BROKEN,
     "ce dossier est sur un disque réseau : un entrepôt n'y est pas sûr. Choisissez un disque "
     "local"                                                                                               },
    {ERR_FINGERPRINT,   EXIT_REFUSED,
     "l'empreinte diffère de celle que le nœud a envoyée. Rien n'est approuvé : relisez-la au "
     "téléphone ; si elle diffère encore, quelqu'un s'est interposé"                                   },
    {ERR_WAITING,       EXIT_REFUSED,
     "il manque encore quelqu'un : un fondateur invité n'est pas venu ou n'est pas vérifié"             },
    {ERR_NOT_YET,       EXIT_REFUSED,
     "les signatures sont arrivées trop tard : le délai d'opposition d'un service d'urgence court "
     "à partir de la publication. Rien n'est publié ; approuvez de nouveau (« relais-hub org "
     "approve »), et faites signer la nouvelle demande"                                                   },
    {ERR_STATE,         EXIT_REFUSED, "pas possible dans l'état présent ; rien n'a changé"              },
    {ERR_FORGED,        EXIT_REFUSED, "signature fausse ; elle n'a pas été gardée"                      },
    {ERR_TEXT_FORM,     EXIT_INPUT,   "texte abîmé (hexadécimal ou armure) ; rien n'a changé"          },
    {ERR_FIELD_VALUE,   EXIT_INPUT,   "une valeur n'est pas admise ; rien n'a changé"                     },
    {ERR_FIELD_MISSING, EXIT_INPUT,   "il manque un argument ; « relais-hub --help »"                    },
    {ERR_TIMEOUT,       EXIT_AWAY,    "le service ne répond pas à temps ; relancez la commande"          },
    {ERR_CLOSED,        EXIT_AWAY,    "le service s'est arrêté avant de répondre ; relancez la commande"},
    {ERR_UNKNOWN,       EXIT_BROKEN,
     "l'entrepôt n'a pas confirmé l'écriture ; relancez la commande, elle ne sera pas faite deux "
     "fois"                                                                                                },
};

static const struct sentence *sentence_of(enum err e)
{
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
        if (sentences[i].code == e)
            return &sentences[i];
    return NULL;
}

int cli_error(const struct cli *c, enum err e)
{
    const struct sentence *s = sentence_of(e);

    if (c->json)
        printf("{\"error\":\"%s\",\"code\":%d}\n", err_name(e), (int)e);
    fprintf(stderr, "relais-hub : %s (%s).\n", s ? s->text : err_text(e), err_name(e));
    return s ? s->status : EXIT_REFUSED;
}

/* --- configuration and passphrase ------------------------------------------------------------ */

int cli_conf(struct cli *c, struct hub_conf *out)
{
    char why[512] = "";
    enum err e = hub_conf_read(c->dir, out, why, sizeof why);

    if (!e)
        return EXIT_SUCCESS;
    fprintf(stderr, "relais-hub : hub.conf : %s.\n", why[0] ? why : err_text(e));
    return EXIT_INPUT;
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
        return cli_error(c, e);
    strip_newline(out);
    return EXIT_SUCCESS;
}

/* --- commands of the daemon ------------------------------------------------------------------ */

static int call(const struct cli *c, const char *name, json_t *args, json_t **answer)
{
    json_t *request = json_pack("{s:s,s:o}", "cmd", name, "args", args ? args : json_object());
    char path[SERVE_PATH_MAX];
    struct control_call how = {.path = path};
    const char *error;
    enum err e;

    snprintf(path, sizeof path, "%s/control.sock", c->dir);
    e = request ? control_call(&how, request, answer) : ERR_NOMEM;
    json_decref(request);
    if (e == ERR_NOT_FOUND) {
        fprintf(stderr, "relais-hub : aucun service n'écoute dans %s ; démarrez-le (serve).\n",
                c->dir);
        return EXIT_AWAY;
    }
    if (e)
        return cli_error(c, e);
    error = json_string_value(json_object_get(*answer, "error"));
    if (error)
        return cli_error(c, (enum err)json_integer_value(json_object_get(*answer, "code")));
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

static json_t *args_from_options(const struct cli *c)
{
    json_t *args = json_object();

    for (size_t i = 0; args && i < c->options; i++) {
        const char *value = c->option_value[i];
        char *end;
        long long number = strtoll(value, &end, 10);
        bool is_number = *value && !*end && strlen(value) < 10;

        if (json_object_set_new(args, c->option_name[i],
                                !*value     ? json_true()
                                : is_number ? json_integer(number)
                                            : json_string(value)))
            break;
    }
    return args;
}

static int remote(const struct cli *c, const char *name, json_t *args, const char *save,
                  const char *path)
{
    json_t *answer = NULL;
    int status = call(c, name, args, &answer);

    if (status == EXIT_SUCCESS && save) {
        const char *text =
            json_string_value(json_object_get(json_object_get(answer, "data"), save));
        enum err e = text ? file_write_atomic(path, span_text(text), 0600) : ERR_INTERNAL;

        if (e)
            status = cli_error(c, e);
    }
    if (status == EXIT_SUCCESS)
        show(c, answer);
    json_decref(answer);
    return status;
}

int cli_remote(struct cli *c)
{
    return remote(c, c->command, args_from_options(c), NULL, NULL);
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
    json_t *args;
    size_t k = 1;

    while (k < sizeof kinds / sizeof kinds[0] && strcmp(kinds[k], kind) != 0)
        k++;
    if (!output || k == sizeof kinds / sizeof kinds[0])
        return cli_usage(c,
                         "invite --name NOM --kind dac|essms|hospital|emergency|mdph|liberal|other "
                         "--output FICHIER [--national-id N] [--territory T] [--services A,B] "
                         "[--org ID] [--founder] [--hours N]");
    args = json_pack("{s:s,s:I,s:s,s:s,s:s,s:b,s:I,s:o}", "name", cli_option(c, "name", ""), "kind",
                     (json_int_t)k, "national_id", cli_option(c, "national-id", ""), "territory",
                     cli_option(c, "territory", ""), "org", cli_option(c, "org", ""), "founder",
                     cli_flag(c, "founder"), "hours",
                     (json_int_t)strtoll(cli_option(c, "hours", "168"), NULL, 10), "services",
                     services_array(cli_option(c, "services", "")));
    return remote(c, "invite", args, "invitation", output);
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
        args = args_from_options(c);
        if (args && rows[i].argument &&
            json_object_set_new(args, rows[i].argument, json_string(cli_argument(c, 1))))
            return cli_error(c, ERR_NOMEM);
        return remote(c, rows[i].command, args, rows[i].request ? "request" : NULL, output);
    }
    return cli_usage(c, "org list|approve|refuse|suspend|resume|revoke|release");
}

int cli_genesis(struct cli *c)
{
    const char *output = cli_option(c, "output", NULL);

    if (!output)
        return cli_usage(c, "genesis --output FICHIER [--operator ORG]");
    return remote(c, "genesis", args_from_options(c), "request", output);
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
            e ? cli_error(c, e)
              : remote(c, "sign.import",
                       json_pack("{s:s%}", "signature", (char *)text.ptr, text.len), NULL, NULL);
        bytes_free(&text);
    }
    return status;
}
