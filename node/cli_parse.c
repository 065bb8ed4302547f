/* Options, the acting professional, and the help that is made from the same table. */
#include <stdio.h>
#include <string.h>

#include "actor.h"
#include "cli_rows.h"
#include "conf.h"
#include "text.h"

/* --- the acting professional ----------------------------------------------------------------- */

struct actor_file {
    char name[ACTOR_NAME_MAX + 1];
    char profession[ACTOR_PROFESSION_MAX + 1];
    char category[32];
    char rpps[RPPS_DIGITS + 1];
};
#define AT(member) SETTING_AT(struct actor_file, member)
static const struct setting actor_rows[] = {
    {"name",       SET_TEXT, AT(name),       NULL, 1, 0,           "nom du professionnel"},
    {"profession", SET_TEXT, AT(profession), NULL, 1, 0,           "profession"          },
    {"category",   SET_TEXT, AT(category),   NULL, 1, 0,           "santé ou social"    },
    {"rpps",       SET_TEXT, AT(rpps),       "",   0, RPPS_DIGITS, "numéro RPPS"        },
};

static enum err actor_set(struct cli *c, const char *key, const char *typed)
{
    struct bytes nfc = {0};
    uint64_t category;
    json_t *value;
    enum err e;

    if (!c->actor && !(c->actor = json_object()))
        return ERR_NOMEM;
    if (strcmp(key, "category") == 0) {
        if ((e = word_read(WORDS_CATEGORY, span_text(typed), &category)))
            return e == ERR_NOMEM ? e : ERR_ACTOR;
        value = json_integer((json_int_t)category);
    } else {
        if ((e = text_nfc(span_text(typed), &nfc)))
            return e;
        value = json_stringn(nfc.len ? (const char *)nfc.ptr : "", nfc.len);
        bytes_free(&nfc);
    }
    return json_object_set_new(c->actor, key, value) ? ERR_NOMEM : ERR_OK;
}

static int actor_from_file(struct cli *c, const char *path)
{
    struct actor_file f;
    char why[CONF_WHY_BYTES];
    enum err e =
        conf_read(path, actor_rows, sizeof actor_rows / sizeof actor_rows[0], &f, why, sizeof why);

    if (e) {
        char text[600];

        snprintf(
            text, sizeof text,
            "Le fichier « %.200s » ne décrit pas un professionnel, ou n'est pas lisible. Il lui "
            "faut des lignes « name = … », « profession = … », « category = santé » (ou "
            "social) et, s'il existe, « rpps = … ».",
            path);
        return cli_fail(c, ERR_CONF, text);
    }
    if ((e = actor_set(c, "name", f.name)) || (e = actor_set(c, "profession", f.profession)) ||
        (e = actor_set(c, "category", f.category)) ||
        (*f.rpps && (e = actor_set(c, "rpps", f.rpps))))
        return cli_fail(c, e, NULL);
    return EXIT_DONE;
}

/* --- global options -------------------------------------------------------------------------- */

static int with_value(struct cli *c, const char *option, const char *value)
{
    static const char *const as[] = {"as-name", "as-profession", "as-category", "as-rpps"};
    enum err e;

    if (strcmp(option, "dir") == 0) {
        c->flags.dir = value;
        return EXIT_DONE;
    }
    if (strcmp(option, "passphrase-file") == 0) {
        c->flags.passphrase_file = value;
        return EXIT_DONE;
    }
    if (strcmp(option, "as") == 0)
        return actor_from_file(c, value);
    for (size_t i = 0; i < sizeof as / sizeof as[0]; i++)
        if (strcmp(option, as[i]) == 0) {
            e = actor_set(c, as[i] + strlen("as-"), value);
            return e ? cli_fail(c, e, NULL) : EXIT_DONE;
        }
    return -1;
}

int cli_parse_global(struct cli *c, int argc, char **argv, int *i)
{
    const char *option = argv[*i];
    int status;

    if (strncmp(option, "--", 2) != 0)
        return -1;
    option += 2;
    if (strcmp(option, "json") == 0)
        c->json = true;
    else if (strcmp(option, "light") == 0)
        c->light = true;
    else if (strcmp(option, "allow-core") == 0)
        c->flags.allow_core = true;
    else if (*i + 1 < argc && (status = with_value(c, option, argv[*i + 1])) >= 0) {
        *i += status == EXIT_DONE ? 2 : 0;
        return status;
    } else
        return -1;
    *i += 1;
    return EXIT_DONE;
}

/* --- a command's own ------------------------------------------------------------------------- */

const struct cli_arg *cli_option(const struct cli_row *row, const char *option)
{
    for (size_t i = 0; i < row->count; i++)
        if (*row->args[i].option && strcmp(row->args[i].option, option) == 0)
            return &row->args[i];
    return NULL;
}

static const struct cli_arg *word_of(const struct cli_row *row, size_t which)
{
    for (size_t i = 0; i < row->count; i++)
        if (!*row->args[i].option && which-- == 0)
            return &row->args[i];
    return NULL;
}

static bool is_given(const struct cli *c, const struct cli_arg *a)
{
    const char *dot = strchr(a->name, '.');
    const json_t *o = c->args;
    char group[32];

    if (a->kind == CLI_LOCAL)
        return cli_local(c, a->name) != NULL;
    if (dot) {
        snprintf(group, sizeof group, "%.*s", (int)(dot - a->name), a->name);
        o = json_object_get(o, group);
    }
    return json_object_get(o, dot ? dot + 1 : a->name) != NULL;
}

static const char *place(const struct cli_arg *a);

static int complete(struct cli *c)
{
    char what[160];

    for (size_t i = 0; i < c->row->count; i++) {
        const struct cli_arg *a = &c->row->args[i];
        int status;

        if (is_given(c, a))
            continue;
        if (a->must) {
            snprintf(what, sizeof what, *a->option ? "il manque --%s" : "il manque « %s »",
                     *a->option ? a->option : place(a));
            return cli_usage(c, what);
        }
        if (a->standard && (status = cli_take(c, a, a->standard)))
            return status;
    }
    return EXIT_DONE;
}

static int one_option(struct cli *c, int argc, char **argv, int *i)
{
    const struct cli_arg *a = cli_option(c->row, argv[*i] + 2);
    char what[160];

    if (!a) {
        int status = cli_parse_global(c, argc, argv, i);

        if (status >= 0)
            return status;
        snprintf(what, sizeof what, "l'option « %.60s » est inconnue ici, ou sans valeur",
                 argv[*i]);
        return cli_usage(c, what);
    }
    *i += 1;
    if (a->kind == CLI_FLAG)
        return cli_take(c, a, "");
    if (*i >= argc)
        return cli_usage(c, "la dernière option n'a pas de valeur");
    return cli_take(c, a, argv[(*i)++]);
}

static int one_too_many(struct cli *c, const char *word)
{
    char what[320];

    snprintf(
        what, sizeof what,
        "« %.60s » est de trop ; une option qui prend plusieurs valeurs se répète (--to A --to "
        "B), et une valeur de plusieurs mots se met entre guillemets",
        word);
    return cli_usage(c, what);
}

int cli_parse_args(struct cli *c, int argc, char **argv)
{
    size_t words = 0;
    int status = EXIT_DONE;

    for (int i = 0; i < argc && status == EXIT_DONE;) {
        const struct cli_arg *a;

        if (strncmp(argv[i], "--", 2) == 0) {
            status = one_option(c, argc, argv, &i);
            continue;
        }
        a = word_of(c->row, words++);
        status = a ? cli_take(c, a, argv[i++]) : one_too_many(c, argv[i]);
    }
    return status == EXIT_DONE ? complete(c) : status;
}

/* --- help ------------------------------------------------------------------------------------ */

static const char *shape(const struct cli_arg *a)
{
    static const char *const shapes[] = {
        [CLI_TEXT] = "TEXTE",
        [CLI_NUMBER] = "N",
        [CLI_FLAG] = "",
        [CLI_DAY] = "JJ/MM/AAAA",
        [CLI_LINE] = "TEXTE",
        [CLI_LINE_OF] = "FICHIER",
        [CLI_ROWS] = "FICHIER",
        [CLI_DATE] = "JJ/MM/AAAA",
        [CLI_SECONDS] = "SECONDES",
        [CLI_DURATION] = "DURÉE",
        [CLI_WORD] = "MOT",
        [CLI_MASK] = "MOT,MOT",
        [CLI_LIST] = "STRUCTURE",
        [CLI_COMMAS] = "TEXTE,TEXTE",
        [CLI_TO] = "DESTINATAIRE",
        [CLI_SECTION] = "CLASSE=TEXTE",
        [CLI_SECTION_OF] = "CLASSE=FICHIER",
        [CLI_ATTACH] = "CLASSE=FICHIER",
        [CLI_FILE] = "FICHIER",
        [CLI_LOCAL] = "VALEUR",
    };

    return shapes[a->kind];
}

/* What a value is called where its kind says too little. */
static const char *value(const struct cli_arg *a)
{
    static const struct {
        enum cli_kind kind;
        const char *name, *words;
    } rows[] = {
        {CLI_LOCAL, "confirm",    "EMPREINTE"},
        {CLI_LOCAL, "wait",       "SECONDES" },
        {CLI_LOCAL, "output",     "CHEMIN"   },
        {CLI_LOCAL, "to",         "DOSSIER"  },
        {CLI_LOCAL, "threshold",  "K"        },
        {CLI_LOCAL, "of",         "N"        },
        {CLI_LOCAL, "section",    "N"        },
        {CLI_LIST,  "share",      "FICHIER"  },
        {CLI_TEXT,  "substitute", "STRUCTURE"},
        {CLI_TEXT,  "person",     "PERSONNE" },
        {CLI_TEXT,  "circle",     "CERCLE"   },
        {CLI_TEXT,  "re",         "FICHE"    },
        {CLI_TEXT,  "org",        "STRUCTURE"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].kind == a->kind && strcmp(rows[i].name, a->name) == 0)
            return rows[i].words;
    return shape(a);
}

static const char *place(const struct cli_arg *a)
{
    static const char *const places[][2] = {
        {"person",  "PERSONNE"  },
        {"circle",  "CERCLE"    },
        {"mid",     "FICHE"     },
        {"number",  "NUMÉRO"   },
        {"file",    "FICHIER"   },
        {"to",      "DOSSIER"   },
        {"from",    "SAUVEGARDE"},
        {"request", "FICHIER"   },
    };

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (strcmp(a->name, places[i][0]) == 0)
            return places[i][1];
    return "VALEUR";
}

static bool is_repeatable(const struct cli_arg *a)
{
    return a->kind == CLI_LIST || a->kind == CLI_TO || a->kind == CLI_SECTION ||
           a->kind == CLI_SECTION_OF || a->kind == CLI_ATTACH;
}

static void help_row(FILE *out, const struct cli_row *row)
{
    int column = fprintf(out, "  %s", row->words);

    for (size_t i = 0; i < row->count; i++) {
        const struct cli_arg *a = &row->args[i];
        char text[96];

        if (*a->option)
            snprintf(text, sizeof text, " %s--%s%s%s%s%s", a->must ? "" : "[", a->option,
                     *value(a) ? " " : "", value(a), is_repeatable(a) ? " …" : "",
                     a->must ? "" : "]");
        else
            snprintf(text, sizeof text, " %s", place(a));
        if (column + (int)strlen(text) > 98)
            column = fprintf(out, "\n     ") - 1;
        column += fprintf(out, "%s", text);
    }
    fprintf(out, "\n      %s\n", row->help);
}

static void help_words(FILE *out)
{
    static const struct {
        const char *title;
        enum word_table table;
    } lists[] = {
        {"classes",               WORDS_CLASS     },
        {"catégories",           WORDS_CATEGORY  },
        {"bases",                 WORDS_BASIS     },
        {"finalités",            WORDS_PURPOSE   },
        {"notes",                 WORDS_NOTE      },
        {"destinataires",         WORDS_ADDRESSEE },
        {"moyens (--way)",        WORDS_WAY       },
        {"statuts INS",           WORDS_INS_STATUS},
        {"mesures",               WORDS_MEASURE   },
        {"portées d'une mesure", WORDS_SCOPE     },
        {"droits dans un cercle", WORDS_RIGHT     },
        {"motifs de clôture",    WORDS_CIRCLE_END},
        {"motifs de rappel",      WORDS_RECALL    },
    };

    fprintf(out, "\nMots admis (sans égard aux accents ni aux majuscules)\n");
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct bytes names = {0};

        if (!word_list(lists[i].table, &names))
            fprintf(out, "  %s : %.*s\n", lists[i].title, (int)names.len, (const char *)names.ptr);
        bytes_free(&names);
    }
}

void cli_help(FILE *out)
{
    fprintf(
        out,
        "relais-node [--dir DOSSIER] [--json] [--as FICHIER] COMMANDE …\n\n"
        "Le nœud d'une structure : ses dossiers, ses cercles de soins, ses fiches de liaison.\n\n"
        "Options de toutes les commandes\n"
        "  --dir DOSSIER             dossier du nœud (%s)\n"
        "  --json                    réponse pour un programme\n"
        "  --as FICHIER              le professionnel qui agit : name, profession, category, rpps\n"
        "  --as-name, --as-profession, --as-category santé|social, --as-rpps\n"
        "                            le même, un trait à la fois\n"
        "  --passphrase-file FICHIER phrase de passe des clés (init, serve, check, join)\n"
        "  --light                   dérivation rapide des clés, pour l'exercice (init)\n"
        "  --allow-core              laisse le système faire une image mémoire (essais)\n"
        "  --version                 version du programme et du protocole\n\n"
        "Commandes\n",
        CLI_DIR);
    for (size_t i = 0; i < cli_row_count; i++)
        help_row(out, &cli_rows[i]);
    fprintf(
        out,
        "\nDESTINATAIRE : STRUCTURE[/fonction:IDE de nuit][@santé|@social|@mixte] ; une structure "
        "est\ndésignée par le début de son nom ou de son identifiant, s'il n'en désigne qu'une. "
        "De même\nPERSONNE, CERCLE et FICHE par le début ou la fin de leur identifiant (quatre "
        "chiffres au\nmoins ; les listes montrent les huit derniers), et PERSONNE par "
        "l'identifiant local du\ndossier. "
        "Une date peut aussi s'écrire AAAA-MM-JJ, et porter une heure : "
        "« 05/01/2026 10:30 ».\n");
    help_words(out);
    fprintf(out, "\nCodes de sortie\n"
                 "  0  fait\n"
                 "  1  refusé par une règle (la phrase dit laquelle, et que faire)\n"
                 "  2  commande mal écrite\n"
                 "  3  service ou hub injoignable ; la phrase dit ce qui est conservé\n"
                 "  4  données non valables\n"
                 "  5  panne interne\n");
}
