#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_rows.h"
#include "control.h"
#include "messages.h"
#include "version.h"

#define PATH_ROOM 4096
#define ANSWER_MS 60000

/* --- what is told ---------------------------------------------------------------------------- */

struct status_row {
    enum err first;
    enum err last;
    int status;
};
/* The first row that holds decides; what is in none is a refusal. */
static const struct status_row statuses[] = {
    {ERR_OK,            ERR_OK,            EXIT_DONE   },
    {ERR_RANGE,         ERR_RANGE,         EXIT_DATA   },
    {ERR_USAGE,         ERR_USAGE,         EXIT_USAGE  },
    {ERR_NOT_FOUND,     ERR_STATE,         EXIT_REFUSED},
    {ERR_BUSY,          ERR_TIMEOUT,       EXIT_AWAY   },
    {ERR_LOCKED,        ERR_LOCKED,        EXIT_REFUSED},
    {ERR_CONF,          ERR_CONF,          EXIT_DATA   },
    {ERR_CLOSED,        ERR_CLOSED,        EXIT_AWAY   },
    {ERR_PERMISSION,    ERR_PERMISSION,    EXIT_REFUSED},
    {ERR_STOPPING,      ERR_STOPPING,      EXIT_AWAY   },
    {ERR_NOMEM,         ERR_ENOUGH,        EXIT_BROKEN },
    {ERR_FIELD_MISSING, ERR_FIELD_MISSING, EXIT_USAGE  },
    {ERR_SIZE,          ERR_TEXT_FORM,     EXIT_DATA   },
    {ERR_INS_KEY,       ERR_INS_KEY,       EXIT_DATA   },
    {ERR_INS_STATUS,    ERR_TRAITS,        EXIT_DATA   },
    {ERR_SCHEMA,        ERR_SCHEMA,        EXIT_DATA   },
    {ERR_ACTOR,         ERR_ACTOR,         EXIT_USAGE  },
    {ERR_RATE,          ERR_RATE,          EXIT_AWAY   },
    {ERR_FILE_KIND,     ERR_FILE_CHANGED,  EXIT_DATA   },
    {ERR_OFFLINE,       ERR_OFFLINE,       EXIT_AWAY   },
};

int cli_status(enum err e)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (e >= statuses[i].first && e <= statuses[i].last)
            return statuses[i].status;
    return EXIT_REFUSED;
}

static void print_json(const json_t *o)
{
    json_dumpf(o, stdout, JSON_INDENT(2));
    printf("\n");
}

static void print_error(enum err e, struct span text)
{
    json_t *o = json_pack("{s:s,s:i,s:s%}", "error", err_name(e), "code", (int)e, "text",
                          (const char *)text.ptr, text.len);

    if (!o) /* what was typed is no UTF-8 */
        o = json_pack("{s:s,s:i,s:s}", "error", err_name(e), "code", (int)e, "text", word_error(e));
    print_json(o);
    json_decref(o);
}

int cli_usage(const struct cli *c, const char *what)
{
    char text[400];

    snprintf(text, sizeof text,
             "relais-node%s%s : %.240s. « relais-node --help » montre chaque "
             "commande.",
             c && c->row ? " " : "", c && c->row ? c->row->words : "", what);
    if (c && c->json)
        print_error(ERR_USAGE, span_text(text));
    fprintf(stderr, "%s\n", text);
    return EXIT_USAGE;
}

int cli_fail(const struct cli *c, enum err e, const char *text)
{
    const char *words = text && *text ? text : word_error(e);
    size_t len = strlen(words);

    while (len > 0 && words[len - 1] == '\n')
        len--;
    if (c && c->json)
        print_error(e, span_of(words, len));
    fprintf(stderr, "relais-node : %.*s (%s)\n", (int)len, words, err_name(e));
    return cli_status(e);
}

void cli_show(const struct cli *c, const json_t *answer)
{
    const char *text = json_string_value(json_object_get(answer, "text"));

    if (c->json)
        print_json(json_object_get(answer, "data"));
    else if (text)
        printf("%s%s", text, *text && text[strlen(text) - 1] != '\n' ? "\n" : "");
}

/* --- asking the daemon ----------------------------------------------------------------------- */

static int told(const struct cli *c, json_t *answer)
{
    const char *name = json_string_value(json_object_get(answer, "error"));
    enum err e = (enum err)json_integer_value(json_object_get(answer, "code"));
    const char *text = json_string_value(json_object_get(answer, "text"));
    struct bytes named = {0};

    if (!name)
        return EXIT_DONE;
    if (!err_known((unsigned)e) || e == ERR_OK)
        e = ERR_INTERNAL;
    if (text && strcmp(text, word_error(e)) == 0 && cli_name(c, e, &named) &&
        json_object_set_new(answer, "text", json_string((const char *)named.ptr)) == 0)
        text = json_string_value(json_object_get(answer, "text"));
    bytes_free(&named);
    if (c->json) {
        print_json(answer);
        return cli_status(e);
    }
    return cli_fail(c, e, text && strcmp(text, err_text(e)) != 0 ? text : NULL);
}

static json_t *request_of(const struct cli *c, const char *command, json_t *args)
{
    json_t *o = json_pack("{s:s,s:O}", "cmd", command, "args", args);

    if (o && c->row && c->row->acts && c->actor && json_object_set(o, "actor", c->actor)) {
        json_decref(o);
        return NULL;
    }
    return o;
}

/* For whoever sits there; what reads our output is told the end alone. */
static void show_progress(const json_t *progress, void *arg)
{
    json_int_t size = json_integer_value(json_object_get(progress, "size"));
    json_int_t done = json_integer_value(json_object_get(progress, "done"));

    (void)arg;
    if (size > 0 && done <= size && isatty(STDERR_FILENO))
        fprintf(stderr, "\r%3d %%\r", (int)(100 * done / size));
}

int cli_ask_file(const struct cli *c, const char *command, json_t *args, int file, json_t **answer)
{
    json_t *request = request_of(c, command, args);
    json_int_t wait_ms = json_integer_value(json_object_get(args, "wait_ms"));
    char path[PATH_ROOM];
    struct control_call how = {.path = path,
                               .timeout_ms = ANSWER_MS + (uint64_t)wait_ms,
                               .on_progress = show_progress,
                               .file = file < 0 ? NULL : &file};
    json_t *got = NULL;
    enum err e;
    int status;

    snprintf(path, sizeof path, "%s/control.sock", c->flags.dir);
    e = request ? control_call(&how, request, &got) : ERR_NOMEM;
    if (e == ERR_NOT_FOUND && c->row->alone &&
        (e = command_alone(&c->flags, request, file, &got))) {
        json_decref(request);
        return cli_status(e); /* it has said why */
    }
    json_decref(request);
    if (e == ERR_NOT_FOUND) {
        cli_fail(c, e,
                 "Le service du nœud ne tourne pas dans ce dossier. Rien n'a été modifié. "
                 "Démarrez-le (« relais-node serve »), puis recommencez.");
        return EXIT_AWAY;
    }
    if (e == ERR_CLOSED || e == ERR_TIMEOUT)
        return cli_fail(c, e,
                        "Le service du nœud s'est arrêté avant de répondre : on ne sait pas si "
                        "c'est enregistré. Relancez-le, puis regardez « sheet list » avant de "
                        "réécrire.");
    if (e)
        return cli_fail(c, e, NULL);
    if ((status = told(c, got)) == EXIT_DONE)
        *answer = got;
    else
        json_decref(got);
    return status;
}

int cli_ask(const struct cli *c, const char *command, json_t *args, json_t **answer)
{
    return cli_ask_file(c, command, args, -1, answer);
}

static int ask_and_show(struct cli *c)
{
    json_t *answer = NULL;
    int status = cli_ask(c, c->row->command, c->args, &answer);

    if (status == EXIT_DONE)
        cli_show(c, answer);
    json_decref(answer);
    return status;
}

/* --- which command --------------------------------------------------------------------------- */

/* How many of argv's words name this row: 0 when they do not. */
static int names_row(const struct cli_row *row, int argc, char **argv)
{
    const char *space = strchr(row->words, ' ');

    if (!space)
        return strcmp(argv[0], row->words) == 0;
    return argc >= 2 && strlen(argv[0]) == (size_t)(space - row->words) &&
                   strncmp(argv[0], row->words, (size_t)(space - row->words)) == 0 &&
                   strcmp(argv[1], space + 1) == 0
               ? 2
               : 0;
}

static int find_row(struct cli *c, int argc, char **argv)
{
    for (size_t i = 0; i < cli_row_count; i++) {
        int words = names_row(&cli_rows[i], argc, argv);

        if (words > 0) {
            c->row = &cli_rows[i];
            return words;
        }
    }
    return 0;
}

static bool asks(int argc, char **argv, const char *option)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], option) == 0)
            return true;
    return false;
}

static int run(struct cli *c, int argc, char **argv)
{
    int at = 1;
    int words;
    int status;

    for (int i = 1; i < argc; i++) /* what is refused before it is read is JSON too */
        c->json |= strcmp(argv[i], "--json") == 0;
    while (at < argc && (status = cli_parse_global(c, argc, argv, &at)) >= 0)
        if (status != EXIT_DONE)
            return status;
    if (at == argc) {
        cli_help(stderr);
        return EXIT_USAGE;
    }
    if ((words = find_row(c, argc - at, argv + at)) == 0)
        return cli_usage(c, "cette commande n'existe pas");
    if ((status = cli_parse_args(c, argc - at - words, argv + at + words)) != EXIT_DONE)
        return status;
    return c->row->run ? c->row->run(c) : ask_and_show(c);
}

int cli_main(int argc, char **argv)
{
    struct cli c = {.flags = {.dir = CLI_DIR}, .args = json_object()};
    int status;

    if (asks(argc, argv, "--help")) {
        cli_help(stdout);
        status = EXIT_DONE;
    } else if (asks(argc, argv, "--version")) {
        printf(asks(argc, argv, "--json") ? "{\"version\": \"%s\", \"protocol\": %d}\n"
                                          : "relais-node %s, protocole %d\n",
               RELAIS_VERSION, WIRE_VERSION);
        status = EXIT_DONE;
    } else {
        status = c.args ? run(&c, argc, argv) : EXIT_BROKEN;
    }
    json_decref(c.args);
    json_decref(c.actor);
    if (fflush(stdout) && status == EXIT_DONE)
        status = EXIT_BROKEN; /* nobody got what was said */
    return status;
}
