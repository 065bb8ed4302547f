/* Refusals with what was typed in them: of an argument, and those of the daemon whose sentence is
 * a general one. */
#include <string.h>

#include "cli_rows.h"
#include "document.h"

/* --- of the daemon --------------------------------------------------------------------------- */

struct thing {
    const char *arg;   /* of the request */
    const char *none;  /* before what was typed, when nothing has that name */
    const char *many;  /* when several may have */
    const char *where; /* the list to look at */
};
/* clang-format off */
static const struct thing things[] = {
    {"person", "Personne introuvable : « ", "personne : « ", "person list"},
    {"circle", "Cercle introuvable : « ", "cercle : « ", "circle list"},
    {"mid", "Fiche introuvable : « ", "fiche : « ", "sheet list"},
    {"re", "Fiche introuvable : « ", "fiche : « ", "sheet list"},
    {"org", "Aucune structure de l'annuaire ne commence par « ", "structure : « ", "org list"},
    {"orgs", "Aucune structure de l'annuaire ne commence par « ", "structure : « ", "org list"},
    {"substitute", "Aucune structure de l'annuaire ne commence par « ", "structure : « ", "org list"},
    {"to", "Aucune structure de l'annuaire ne commence par « ", "structure : « ", "org list"},
};
/* clang-format on */

static enum err name_one(const struct thing *t, enum err why, const json_t *value,
                         struct bytes *text)
{
    const char *typed = json_string_value(value);
    enum err e;

    if (!typed)
        typed = json_string_value(json_object_get(value, "org"));
    if (!typed)
        return ERR_OK;
    if ((e = bytes_printf(text, "%s%s", text->len > 0 ? " Ou bien : " : "",
                          why == ERR_NOT_FOUND ? t->none : t->many)) ||
        (e = word_printable(span_text(typed), text)))
        return e;
    return bytes_printf(text, " » (« %s »).", t->where);
}

static enum err name_all(const struct cli *c, enum err why, struct bytes *text)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < sizeof things / sizeof things[0]; i++) {
        const json_t *value = json_object_get(c->args, things[i].arg);

        if (!json_is_array(value)) {
            e = name_one(&things[i], why, value, text);
            continue;
        }
        for (size_t k = 0; !e && k < json_array_size(value); k++)
            e = name_one(&things[i], why, json_array_get(value, k), text);
    }
    return e;
}

static enum err name_missing(const struct cli *c, struct bytes *text)
{
    if (strcmp(c->row->words, "sheet send") != 0)
        return ERR_OK;
    if (!json_object_get(c->args, "person") && !json_object_get(c->args, "re"))
        return bytes_printf(text, "Il manque la personne : écrivez --person, ou --re FICHE pour "
                                  "répondre. Rien n'est parti.");
    if (!json_object_get(c->args, "sections"))
        return bytes_printf(text, "Fiche sans texte : écrivez --text CLASSE=TEXTE, ou --text-file "
                                  "CLASSE=FICHIER. Rien n'est parti.");
    return ERR_OK;
}

bool cli_name(const struct cli *c, enum err why, struct bytes *text)
{
    enum err e = ERR_OK;

    if (!c->row)
        return false;
    if (why == ERR_FIELD_MISSING)
        e = name_missing(c, text);
    else if (why == ERR_NOT_FOUND || why == ERR_USAGE)
        e = name_all(c, why, text);
    if (!e && text->len > 0 && why == ERR_NOT_FOUND)
        e = bytes_printf(text, " Rien n'est parti et rien n'a été modifié.");
    else if (!e && text->len > 0 && why == ERR_USAGE)
        e = bytes_printf(text, " La demande est incomplète, ou l'un de ces mots en désigne "
                               "plusieurs : précisez-le. Rien n'a été modifié.");
    return !e && text->len > 0 && !bytes_append(text, SPAN_STR("\0"));
}

/* --- of an argument -------------------------------------------------------------------------- */

static bool is_classed(enum cli_kind kind)
{
    return kind == CLI_SECTION || kind == CLI_SECTION_OF || kind == CLI_ATTACH;
}

static bool is_file(enum cli_kind kind)
{
    return kind == CLI_FILE || kind == CLI_LINE_OF || kind == CLI_ROWS || kind == CLI_SECTION_OF ||
           kind == CLI_ATTACH;
}

/* The sentence for what has one of its own; nothing appended: it has none. */
static enum err complain_of(const struct cli_arg *a, const char *typed, enum err e,
                            struct bytes *text)
{
    const char *rest = is_classed(a->kind) ? strchr(typed, '=') : NULL;
    const char *path = rest ? rest + 1 : typed;

    if (is_file(a->kind) && e == ERR_NOT_FOUND)
        return bytes_printf(text, "Fichier introuvable : %s. Rien n'est parti.", path);
    if (is_file(a->kind) && (e == ERR_PERMISSION || e == ERR_IO))
        return bytes_printf(text,
                            "Fichier illisible : %s (droits, ou ce n'est pas un fichier). Rien "
                            "n'est parti.",
                            path);
    if (a->kind == CLI_DATE && e == ERR_RANGE)
        return bytes_printf(text, "--%s « %s » : cette date est à venir. Rien n'a été modifié.",
                            a->option, typed);
    if (a->kind == CLI_DATE)
        return bytes_printf(text,
                            "--%s « %s » : ce n'est pas une date. Écrivez JJ/MM/AAAA, avec "
                            "« 10:30 » ou non. Rien n'a été modifié.",
                            a->option, typed);
    if ((a->kind == CLI_LINE || a->kind == CLI_LINE_OF) && e == ERR_FIELD_MISSING)
        return bytes_printf(text, "Objet vide : écrivez --subject. Rien n'est parti.");
    if (a->kind == CLI_LINE && e == ERR_SIZE)
        return bytes_printf(text, "Objet : %zu octets, il en faut %d au plus. Rien n'est parti.",
                            strlen(typed), SHEET_SUBJECT_MAX);
    if ((a->kind == CLI_LINE || a->kind == CLI_LINE_OF) && e == ERR_FIELD_VALUE)
        return bytes_printf(text, "Objet : une seule ligne, sans caractère de commande. Rien n'est "
                                  "parti.");
    if (a->kind == CLI_SECTION_OF && e == ERR_SIZE)
        return bytes_printf(text, "Texte trop long : %s dépasse %d octets. Rien n'est parti.", path,
                            SHEET_TEXT_MAX);
    if (a->kind == CLI_SECTION && e == ERR_SIZE)
        return bytes_printf(text, "Texte : %zu octets, il en faut %d au plus. Rien n'est parti.",
                            strlen(path), SHEET_TEXT_MAX);
    if (e == ERR_USAGE)
        return bytes_printf(text, "--%s est donné deux fois. Rien n'a été modifié.", a->option);
    return ERR_OK;
}

int cli_complain(const struct cli *c, const struct cli_arg *a, const char *typed, enum err e)
{
    struct bytes text = {0};
    struct bytes names = {0};
    int status;

    if (complain_of(a, typed, e, &text) || text.len > 0)
        ;
    else if (e == ERR_ATTACHMENT_SIZE)
        (void)!bytes_printf(&text, "« %s » : %s", typed, word_error(e));
    else if (a->kind == CLI_WORD || a->kind == CLI_MASK)
        (void)!(word_list(a->table, &names) ||
                bytes_printf(&text,
                             "--%s « %s » n'est pas admis. Rien n'est parti. Choisissez : "
                             "%.*s.",
                             a->option, typed, (int)names.len, (const char *)names.ptr));
    else
        (void)!bytes_printf(&text, "%s%s « %s » : %s", *a->option ? "--" : "",
                            *a->option ? a->option : a->name, typed, word_error(e));
    (void)!bytes_append(&text, SPAN_STR("\0"));
    status = cli_fail(c, e, text.len > 1 ? (const char *)text.ptr : NULL);
    bytes_free(&text);
    bytes_free(&names);
    return status;
}
