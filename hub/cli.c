#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "file.h"
#include "messages.h"
#include "statement.h"
#include "version.h"

#define DIR_STANDARD "/var/lib/relais-hub"
#define LIGHT_KIB 8192

/* --- parsing --------------------------------------------------------------------------------- */

/* Every option there is: one that is misspelt would else be left out without a word. */
static const struct option {
    const char *name;
    bool is_flag;
} options[] = {
    {"json",              true },
    {"allow-core",        true },
    {"founder",           true },
    {"light",             true },
    {"lost",              true },
    {"help",              true },
    {"version",           true },
    {"standard",          true },
    {"dir",               false},
    {"passphrase-file",   false},
    {"name",              false},
    {"registrar",         false},
    {"mode",              false},
    {"epoch",             false},
    {"emergency-delay",   false},
    {"last",              false},
    {"kind",              false},
    {"national-id",       false},
    {"territory",         false},
    {"services",          false},
    {"org",               false},
    {"hours",             false},
    {"output",            false},
    {"fingerprint",       false},
    {"reason",            false},
    {"messages",          false},
    {"bytes",             false},
    {"inflight-messages", false},
    {"inflight-bytes",    false},
    {"log-day",           false},
    {"log-total",         false},
    {"circles-day",       false},
    {"circles-total",     false},
    {"operator",          false},
    {"quorum",            false},
    {"as",                false},
    {"key",               false},
    {"to",                false},
    {"against",           false},
    {"overlap",           false},
    {"from",              false},
    {"node",              false},
};

static const struct option *option_named(const char *name)
{
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

static bool take_option(struct cli *c, char **argv, int argc, int *i)
{
    const char *name = argv[*i] + 2;
    const struct option *option = option_named(name);
    const char *value = "";

    if (!option || c->options == CLI_OPTIONS_MAX)
        return false;
    if (!option->is_flag) {
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
           "dérivation rapide), --allow-core (laisse le système faire une image mémoire),\n"
           "--version.\n"
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
        return cli_usage(&c, "option inconnue ou sans valeur, ou trop d'arguments ; rien n'a été "
                             "fait. « relais-hub --help » les donne toutes");
    c.dir = cli_option(&c, "dir", DIR_STANDARD);
    c.allow_core = cli_flag(&c, "allow-core");
    c.passphrase_file = cli_option(&c, "passphrase-file", NULL);
    if (cli_flag(&c, "version")) {
        printf(c.json ? "{\"version\": \"%s\", \"protocol\": %d}\n"
                      : "relais-hub %s, protocole %d\n",
               RELAIS_VERSION, WIRE_VERSION);
        return EXIT_SUCCESS;
    }
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

int cli_passphrase(const struct cli *c, const char *configured, struct bytes *out)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    const char *path = c->passphrase_file ? c->passphrase_file : configured;
    char from_system[SERVE_PATH_MAX];
    enum err e;

    if (!*path && credentials) {
        snprintf(from_system, sizeof from_system, "%s/relais-passphrase", credentials);
        path = from_system;
    }
    /* The manager closes the directory of a credential, and may leave the file root's with an entry
     * for the service alone, which the plain mode shows as readable by a group. */
    e = path == from_system ? file_read(path, PASSPHRASE_MAX, out)
        : *path             ? file_read_secret(path, PASSPHRASE_MAX, out)
                            : ask_terminal(out);
    if (e == ERR_USAGE)
        return cli_usage(c, "phrase de passe : donnez --passphrase-file, ou un terminal");
    if (e)
        return cli_error_at(c, e, *path ? path : "phrase de passe");
    strip_newline(out);
    return EXIT_SUCCESS;
}
