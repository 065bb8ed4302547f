/* The commands that do more than ask and show: exact bytes, files, what runs without a daemon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_rows.h"
#include "document.h"
#include "file.h"
#include "keyfile.h"
#include "random.h"
#include "upkeep.h"

#define PATH_ROOM 4096
#define LIGHT_KIB 8192
#define SECONDS_MAX 86400
#define SHARES_ASKED_MAX 255

/* --- without a daemon ------------------------------------------------------------------------ */

int cli_run_init(struct cli *c)
{
    struct keyfile_cost light = {LIGHT_KIB, 1};

    return init_main(&c->flags, c->light ? light : KEYFILE_COST);
}

int cli_run_serve(struct cli *c)
{
    return serve_main(&c->flags);
}

int cli_run_check(struct cli *c)
{
    return check_main(&c->flags);
}

int cli_run_backup(struct cli *c)
{
    return upkeep_backup(&c->flags, cli_local(c, "to"), c->json);
}

int cli_run_restore(struct cli *c)
{
    return upkeep_restore(&c->flags, cli_local(c, "from"), cli_local(c, "to"), c->json);
}

int cli_run_fsck(struct cli *c)
{
    return upkeep_fsck(&c->flags, c->json);
}

int cli_run_compact(struct cli *c)
{
    return upkeep_compact(&c->flags, c->json);
}

/* A decimal argument of the command line alone. */
static int small_number(const struct cli *c, const char *typed, unsigned long max,
                        unsigned long *out)
{
    char *end;
    unsigned long value = strtoul(typed, &end, 10);

    if (*typed < '0' || *typed > '9' || *end || value > max)
        return cli_usage(c, "un nombre n'est pas valable");
    *out = value;
    return EXIT_DONE;
}

int cli_run_join(struct cli *c)
{
    const char *wait = cli_local(c, "wait");
    unsigned long wait_s = 0;
    int status;

    if (wait && (status = small_number(c, wait, SECONDS_MAX, &wait_s)))
        return status;
    return join_main(&c->flags, cli_local(c, "file"), cli_local(c, "confirm"),
                     json_is_true(json_object_get(c->args, "replace")), (uint64_t)wait_s * 1000,
                     c->json);
}

int cli_run_key_shares(struct cli *c)
{
    unsigned long threshold = 0;
    unsigned long count = 0;
    int status;

    if ((status = small_number(c, cli_local(c, "threshold"), SHARES_ASKED_MAX, &threshold)) ||
        (status = small_number(c, cli_local(c, "of"), SHARES_ASKED_MAX, &count)))
        return status;
    return shares_main(&c->flags, (unsigned)threshold, (unsigned)count, cli_local(c, "output"),
                       c->json);
}

int cli_run_key_recover(struct cli *c)
{
    struct keyfile_cost light = {LIGHT_KIB, 1};

    return recover_main(&c->flags, cli_local(c, "output"), json_object_get(c->args, "share"),
                        c->light ? light : KEYFILE_COST);
}

/* --- files ----------------------------------------------------------------------------------- */

int cli_fail_path(const struct cli *c, enum err e, const char *path)
{
    struct bytes text = {0};
    int status;

    if (bytes_printf(&text, "« %s » : %s", path, word_error(e)) ||
        bytes_append(&text, SPAN_STR("\0")))
        status = cli_fail(c, e, NULL);
    else
        status = cli_fail(c, e, (const char *)text.ptr);
    bytes_free(&text);
    return status;
}

static int save(const struct cli *c, const char *path, struct span content)
{
    enum err e = file_write_new(path, content, 0600);

    return e ? cli_fail_path(c, e, path) : EXIT_DONE;
}

static int save_text(const struct cli *c, const char *path, const json_t *text)
{
    if (!json_is_string(text))
        return cli_fail(c, ERR_INTERNAL, NULL);
    return save(c, path, span_of(json_string_value(text), json_string_length(text)));
}

static int save_json(const struct cli *c, const char *path, const json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2));
    int status = text ? save(c, path, span_text(text)) : cli_fail(c, ERR_NOMEM, NULL);

    free(text);
    return status;
}

int cli_run_sign(struct cli *c)
{
    const char *output = cli_local(c, "output");
    bool confirm = json_is_true(json_object_get(c->args, "confirm"));
    json_t *answer = NULL;
    int status;

    if (confirm && !output)
        return cli_usage(c, "avec --confirm, il faut --output FICHIER pour la signature");
    status = cli_ask(c, c->row->command, c->args, &answer);
    if (status == EXIT_DONE && confirm)
        status =
            save_text(c, output, json_object_get(json_object_get(answer, "data"), "signature"));
    if (status == EXIT_DONE)
        cli_show(c, answer);
    json_decref(answer);
    return status;
}

int cli_run_policy(struct cli *c)
{
    const char *output = cli_local(c, "output");
    json_t *answer = NULL;
    int status = cli_ask(c, c->row->command, c->args, &answer);

    if (status == EXIT_DONE && output)
        status = save_text(c, output, json_object_get(json_object_get(answer, "data"), "policy"));
    else if (status == EXIT_DONE)
        cli_show(c, answer);
    json_decref(answer);
    return status;
}

/* --- documents ------------------------------------------------------------------------------- */

static int show_section(const struct cli *c, const json_t *answer, const char *typed, bool raw)
{
    const json_t *document = json_object_get(json_object_get(answer, "data"), "document");
    const json_t *sections = json_object_get(document, "sections");
    struct bytes text = {0};
    unsigned long number = 0;
    const json_t *value;
    struct span bytes;
    int status;

    if ((status = small_number(c, typed, SHEET_SECTIONS_MAX, &number)))
        return status;
    value = number ? json_object_get(json_array_get(sections, number - 1), "text") : NULL;
    if (!value)
        return cli_fail(c, ERR_NOT_FOUND,
                        "Cette fiche n'a pas de partie de ce numéro. Elle est "
                        "intacte ; « sheet show » les montre toutes.");
    bytes = span_of(json_string_value(value), json_string_length(value));
    if (!raw) {
        if (word_printable(bytes, &text) || bytes_append(&text, SPAN_STR("\n"))) {
            bytes_free(&text);
            return cli_fail(c, ERR_NOMEM, NULL);
        }
        bytes = bytes_span(&text);
    }
    if (fwrite(bytes.ptr, 1, bytes.len, stdout) != bytes.len)
        status = cli_fail(c, ERR_IO, NULL);
    seal_bytes_free(&text);
    return status;
}

int cli_run_show(struct cli *c)
{
    bool raw = json_is_true(json_object_get(c->args, "raw"));
    const char *section = cli_local(c, "section");
    json_t *answer = NULL;
    int status;

    if (raw && !section)
        return cli_usage(c, "--raw va avec --section");
    json_object_del(c->args, "raw");
    status = cli_ask(c, c->row->command, c->args, &answer);
    if (status == EXIT_DONE && section)
        status = show_section(c, answer, section, raw);
    else if (status == EXIT_DONE)
        cli_show(c, answer);
    json_decref(answer);
    return status;
}

int cli_run_attachment(struct cli *c)
{
    json_t *answer = NULL;
    int status = cli_attachment_save(c, c->args, cli_local(c, "output"), &answer);

    if (status == EXIT_DONE)
        cli_show(c, answer);
    json_decref(answer);
    return status;
}

/* A directory of our own; one that exists must be closed to others. */
static int make_directory(const struct cli *c, const char *path)
{
    enum err e = dir_make(path, 0700);

    return e ? cli_fail(c, e, NULL) : EXIT_DONE;
}

/* Names come from the daemon: nothing in them may leave the directory. */
static bool is_plain_name(const char *name)
{
    return name && *name && *name != '.' && !strchr(name, '/');
}

int cli_run_receipts(struct cli *c)
{
    const char *output = cli_local(c, "output");
    json_t *answer = NULL;
    const json_t *list;
    const json_t *one;
    size_t i;
    int status = cli_ask(c, c->row->command, c->args, &answer);

    if (status == EXIT_DONE && output)
        status = make_directory(c, output);
    list = json_object_get(json_object_get(answer, "data"), "receipts");
    if (!list)
        list = json_object_get(json_object_get(answer, "data"), "files");
    json_array_foreach(list, i, one)
    {
        const char *name = json_string_value(json_object_get(one, "file"));
        char path[PATH_ROOM];

        if (status != EXIT_DONE || !output)
            break;
        if (!is_plain_name(name)) {
            status = cli_fail(c, ERR_INTERNAL, NULL);
            break;
        }
        snprintf(path, sizeof path, "%s/%s", output, name);
        status = save_text(c, path, json_object_get(one, "text"));
    }
    if (status == EXIT_DONE)
        cli_show(c, answer);
    json_decref(answer);
    return status;
}

/* --- export ---------------------------------------------------------------------------------- */

static int export_attachment(struct cli *c, const char *dir, const char *mid, size_t number,
                             const char *name)
{
    json_t *args =
        json_pack("{s:s,s:I,s:b,s:b}", "mid", mid, "number", (json_int_t)number, "export", 1,
                  "unscanned", json_is_true(json_object_get(c->args, "unscanned")));
    json_t *answer = NULL;
    char path[PATH_ROOM];
    int status;

    if (!args || !name || strchr(name, '/')) {
        json_decref(args);
        return cli_fail(c, args ? ERR_INTERNAL : ERR_NOMEM, NULL);
    }
    snprintf(path, sizeof path, "%s/%s-piece-%zu-%s", dir, mid, number, name);
    status = cli_attachment_save(c, args, path, &answer);
    json_decref(args);
    json_decref(answer);
    return status;
}

static int export_attachments(struct cli *c, const char *dir, const char *mid, const json_t *list)
{
    int status = EXIT_DONE;
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        if (status == EXIT_DONE)
            status = export_attachment(c, dir, mid, i + 1,
                                       json_string_value(json_object_get(one, "name")));
    }
    return status;
}

static int export_texts(const struct cli *c, const char *dir, const char *mid,
                        const json_t *sections)
{
    int status = EXIT_DONE;
    const json_t *one;
    size_t i;

    json_array_foreach(sections, i, one)
    {
        char path[PATH_ROOM];

        if (status != EXIT_DONE)
            break;
        snprintf(path, sizeof path, "%s/%s-texte-%zu.txt", dir, mid, i + 1);
        status = save_text(c, path, json_object_get(one, "text"));
    }
    return status;
}

/* What cannot be opened (quarantine, erased) is said, and does not stop the rest. */
static int export_document(struct cli *c, const char *dir, const char *mid)
{
    json_t *args = json_pack("{s:s,s:b}", "mid", mid, "export", 1);
    json_t *answer = NULL;
    const json_t *document;
    char path[PATH_ROOM];
    int status = args ? cli_ask(c, "sheet.show", args, &answer) : cli_fail(c, ERR_NOMEM, NULL);

    if (status == EXIT_DONE) {
        document = json_object_get(json_object_get(answer, "data"), "document");
        snprintf(path, sizeof path, "%s/%s.json", dir, mid);
        if ((status = save_json(c, path, json_object_get(answer, "data"))) == EXIT_DONE &&
            (status = export_texts(c, dir, mid, json_object_get(document, "sections"))) ==
                EXIT_DONE)
            status = export_attachments(c, dir, mid, json_object_get(document, "attachments"));
    }
    json_decref(args);
    json_decref(answer);
    return status;
}

static int export_all(struct cli *c, const char *dir, const json_t *data, size_t *count)
{
    char path[PATH_ROOM];
    const json_t *one;
    size_t i;
    int status = make_directory(c, dir);

    snprintf(path, sizeof path, "%s/personne.json", dir);
    if (status != EXIT_DONE || (status = save_json(c, path, data)))
        return status;
    json_array_foreach(json_object_get(data, "documents"), i, one)
    {
        const char *mid = json_string_value(json_object_get(one, "mid"));
        int each = mid && !strchr(mid, '/') ? export_document(c, dir, mid) : EXIT_BROKEN;

        *count += each == EXIT_DONE;
        status = each == EXIT_DONE ? status : each;
    }
    return status;
}

int cli_run_export(struct cli *c)
{
    const char *dir = cli_local(c, "output");
    json_t *answer = NULL;
    size_t count = 0;
    int status;

    if (strlen(dir) > PATH_ROOM / 2)
        return cli_usage(c, "le nom du dossier est trop long");
    if ((status = cli_ask(c, c->row->command, c->args, &answer)) == EXIT_DONE)
        status = export_all(c, dir, json_object_get(answer, "data"), &count);
    if (status == EXIT_DONE && c->json)
        printf("{\"documents\": %zu}\n", count);
    else if (status == EXIT_DONE)
        printf("%zu document(s) écrit(s) en clair dans « %s ». Protégez ce dossier, et effacez-le "
               "quand il ne sert plus.\n",
               count, dir);
    json_decref(answer);
    return status;
}
