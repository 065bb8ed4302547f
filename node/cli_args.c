/* Words and options into the arguments of a request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cli_rows.h"
#include "document.h"
#include "file.h"
#include "statement.h"
#include "text.h"

#define ROWS_MAX 16384 /* bytes of a file of options */

/* --- what one argument may be ---------------------------------------------------------------- */

/* Composed; NULL and *e on failure. */
static json_t *composed(struct span typed, enum err *e)
{
    struct bytes nfc = {0};
    json_t *value = NULL;

    if (!(*e = text_nfc(typed, &nfc)) &&
        !(value = json_stringn(nfc.len ? (const char *)nfc.ptr : "", nfc.len)))
        *e = ERR_NOMEM;
    bytes_free(&nfc);
    return value;
}

static json_t *number(const char *typed, enum err *e)
{
    char *end;
    long long value = strtoll(typed, &end, 10);

    *e = !*typed || *end || value < 0 || strlen(typed) > 15 ? ERR_FIELD_VALUE : ERR_OK;
    return *e ? NULL : json_integer(value);
}

static bool date_scan(const char *typed, struct tm *tm)
{
    const char *rest;

    memset(tm, 0, sizeof *tm);
    tm->tm_isdst = -1;
    rest = strptime(typed, strchr(typed, '/') ? "%d/%m/%Y" : "%Y-%m-%d", tm);
    if (rest && (*rest == 'T' || *rest == ' '))
        rest = strptime(rest + 1, "%H:%M", tm);
    return rest && !*rest;
}

/* What somebody did on a day has been done: only the dates of a document may be to come. */
static json_t *date(const struct cli_arg *a, const char *typed, enum err *e)
{
    struct tm asked;
    struct tm tm;
    time_t s;

    if (!date_scan(typed, &tm))
        goto bad;
    asked = tm;
    s = mktime(&tm);
    if (s < 0 ||
        tm.tm_mday != asked.tm_mday) /* mktime() takes the 31st of April for the 1st of May */
        goto bad;
    *e = strcmp(a->name, "date") == 0 && s > time(NULL) ? ERR_RANGE : ERR_OK;
    return *e ? NULL : json_integer((json_int_t)s * 1000);
bad:
    *e = ERR_FIELD_VALUE;
    return NULL;
}

/* One line of at most SHEET_SUBJECT_MAX bytes. */
static json_t *line(struct span typed, enum err *e)
{
    while (typed.len > 0 && strchr(" \r\n", typed.ptr[typed.len - 1]))
        typed.len--;
    for (; typed.len > 0 && *typed.ptr == ' '; typed.len--)
        typed.ptr++;
    *e = typed.len == 0 ? ERR_FIELD_MISSING : typed.len > SHEET_SUBJECT_MAX ? ERR_SIZE : ERR_OK;
    for (size_t i = 0; !*e && i < typed.len; i++)
        if (typed.ptr[i] < 0x20 || typed.ptr[i] == 0x7f ||
            (typed.ptr[i] == 0xc2 && i + 1 < typed.len && typed.ptr[i + 1] < 0xa0))
            *e = ERR_FIELD_VALUE;
    return *e ? NULL : composed(typed, e);
}

static json_t *line_of(const char *path, enum err *e)
{
    struct bytes text = {0};
    json_t *value = NULL;

    if (!(*e = file_read(path, SHEET_SUBJECT_MAX + 2, &text)))
        value = line(bytes_span(&text), e);
    seal_bytes_free(&text);
    return value;
}

static json_t *seconds(const char *typed, enum err *e)
{
    json_t *value = number(typed, e);

    if (value)
        json_integer_set(value, json_integer_value(value) * 1000);
    return value;
}

/* A number and its unit, as in the settings: 90s, 30m, 4h, 2d. */
static json_t *duration(const char *typed, enum err *e)
{
    static const struct {
        char unit;
        json_int_t s;
    } units[] = {
        {'s', 1        },
        {'m', 60       },
        {'h', 3600     },
        {'d', 24 * 3600},
        {'j', 24 * 3600},
    };
    size_t len = strlen(typed);
    char digits[16];

    *e = ERR_FIELD_VALUE;
    if (len < 2 || len > 8)
        return NULL;
    memcpy(digits, typed, len - 1);
    digits[len - 1] = 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (typed[len - 1] == units[i].unit) {
            json_t *value = number(digits, e);

            if (value)
                json_integer_set(value, json_integer_value(value) * units[i].s);
            return value;
        }
    return NULL;
}

static json_t *word(const struct cli_arg *a, const char *typed, enum err *e)
{
    uint64_t value = 0;

    *e = a->kind == CLI_WORD ? word_read(a->table, span_text(typed), &value)
                             : word_read_mask(a->table, span_text(typed), &value);
    return *e ? NULL : json_integer((json_int_t)value);
}

static json_t *commas(const char *typed, enum err *e)
{
    json_t *list = json_array();
    const char *from = typed;

    *e = ERR_OK;
    for (const char *at = typed; !*e; at++) {
        json_t *one;

        if (*at && *at != ',')
            continue;
        while (*from == ' ')
            from++;
        one = composed(span_of(from, (size_t)(at - from)), e);
        if (json_array_append_new(list, one) && !*e)
            *e = ERR_NOMEM;
        if (!*at)
            break;
        from = at + 1;
    }
    if (!*e)
        return list;
    json_decref(list);
    return NULL;
}

/* ORG[/kind:label][@category]; a label may itself hold '/', ':' and '@'. */
static json_t *addressee(const char *typed, enum err *e)
{
    struct span all = span_text(typed);
    const char *at = strrchr(typed, '@');
    json_t *o = json_object();
    uint64_t code;

    *e = ERR_OK;
    if (at && !word_read(WORDS_CATEGORY, span_text(at + 1), &code)) {
        all.len = (size_t)(at - typed);
        *e =
            json_object_set_new(o, "category", json_integer((json_int_t)code)) ? ERR_NOMEM : ERR_OK;
    }
    for (const char *slash = memchr(typed, '/', all.len); !*e && slash;) {
        size_t left = all.len - (size_t)(slash + 1 - typed);
        const char *colon = memchr(slash + 1, ':', left);

        if (colon &&
            !word_read(WORDS_ADDRESSEE, span_of(slash + 1, (size_t)(colon - slash - 1)), &code)) {
            json_t *label = composed(span_of(colon + 1, (size_t)(typed + all.len - colon - 1)), e);

            if (json_object_set_new(o, "label", label) ||
                json_object_set_new(o, "kind", json_integer((json_int_t)code)))
                *e = *e ? *e : ERR_NOMEM;
            all.len = (size_t)(slash - typed);
            break;
        }
        slash = memchr(slash + 1, '/', left);
    }
    if (!*e && json_object_set_new(o, "org", composed(all, e)) && !*e)
        *e = ERR_NOMEM;
    if (!*e)
        return o;
    json_decref(o);
    return NULL;
}

/* CLASS=rest; NULL: no class stands in front. */
static const char *class_of(const char *typed, uint64_t *mask)
{
    const char *equals = strchr(typed, '=');

    if (!equals || word_read(WORDS_CLASS, span_of(typed, (size_t)(equals - typed)), mask))
        return NULL;
    return equals + 1;
}

static json_t *section(uint64_t mask, struct span text, enum err *e)
{
    json_t *value = composed(text, e);
    json_t *o = value ? json_pack("{s:I,s:o}", "class", (json_int_t)mask, "text", value) : NULL;

    if (!o && !*e)
        *e = ERR_NOMEM;
    return o;
}

static json_t *section_of(uint64_t mask, const char *path, enum err *e)
{
    struct bytes text = {0};
    json_t *o = NULL;

    if (!(*e = file_read(path, SHEET_TEXT_MAX, &text)))
        o = section(mask, bytes_span(&text), e);
    bytes_free(&text);
    return o;
}

static const char *media_type(const char *name)
{
    static const char *const types[][2] = {
        {".pdf",  "application/pdf"                                                        },
        {".txt",  "text/plain"                                                             },
        {".csv",  "text/csv"                                                               },
        {".jpg",  "image/jpeg"                                                             },
        {".jpeg", "image/jpeg"                                                             },
        {".png",  "image/png"                                                              },
        {".tif",  "image/tiff"                                                             },
        {".odt",  "application/vnd.oasis.opendocument.text"                                },
        {".ods",  "application/vnd.oasis.opendocument.spreadsheet"                         },
        {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
        {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"      },
    };
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
        if (strcasecmp(dot, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

static json_t *attachment(uint64_t mask, const char *path, enum err *e)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    struct bytes content = {0};
    struct bytes base64 = {0};
    json_t *name = NULL;
    json_t *o = NULL;

    *e = file_read(path, ATTACHMENT_MAX, &content);
    if ((*e && *e != ERR_SIZE) || !(name = composed(span_text(base), e)))
        goto out;
    if (content.len == 0) { /* a large one goes ahead, as an open file (cli_att.c) */
        o = json_pack("{s:I,s:o,s:s,s:s}", "class", (json_int_t)mask, "name", name, "type",
                      media_type(base), "path", path);
        *e = o ? ERR_OK : ERR_NOMEM;
        goto out;
    }
    if ((*e = base64_write(&base64, bytes_span(&content)))) {
        json_decref(name);
        goto out;
    }
    o = json_pack("{s:I,s:o,s:s,s:s%}", "class", (json_int_t)mask, "name", name, "type",
                  media_type(base), "base64", (const char *)base64.ptr, base64.len);
    *e = o ? ERR_OK : ERR_NOMEM;
out:
    bytes_free(&content);
    bytes_free(&base64);
    return o;
}

static json_t *classed(const struct cli_arg *a, const char *typed, enum err *e)
{
    uint64_t mask;
    const char *rest = class_of(typed, &mask);

    if (!rest) {
        *e = ERR_FIELD_VALUE;
        return NULL;
    }
    if (a->kind == CLI_SECTION && strlen(rest) > SHEET_TEXT_MAX) {
        *e = ERR_SIZE;
        return NULL;
    }
    if (a->kind == CLI_SECTION)
        return section(mask, span_text(rest), e);
    return a->kind == CLI_SECTION_OF ? section_of(mask, rest, e) : attachment(mask, rest, e);
}

#define FILE_TEXT_MAX (900 * 1024) /* with its request a control line */

static json_t *whole_file(const char *path, enum err *e)
{
    struct bytes text = {0};
    json_t *value = NULL;

    if (!(*e = file_read(path, FILE_TEXT_MAX, &text)) &&
        !(value = json_stringn((const char *)text.ptr, text.len)))
        *e = ERR_TEXT_FORM;
    bytes_free(&text);
    return value;
}

static json_t *value_of(const struct cli_arg *a, const char *typed, enum err *e)
{
    switch (a->kind) {
    case CLI_NUMBER:
        return number(typed, e);
    case CLI_FLAG:
        *e = ERR_OK;
        return json_true();
    case CLI_DATE:
        return date(a, typed, e);
    case CLI_SECONDS:
        return seconds(typed, e);
    case CLI_DURATION:
        return duration(typed, e);
    case CLI_WORD:
    case CLI_MASK:
        return word(a, typed, e);
    case CLI_COMMAS:
        return commas(typed, e);
    case CLI_TO:
        return addressee(typed, e);
    case CLI_SECTION:
    case CLI_SECTION_OF:
    case CLI_ATTACH:
        return classed(a, typed, e);
    case CLI_FILE:
        return whole_file(typed, e);
    case CLI_LINE:
        return line(span_text(typed), e);
    case CLI_LINE_OF:
        return line_of(typed, e);
    case CLI_TEXT:
    case CLI_DAY:
    case CLI_ROWS:
    case CLI_LIST:
    case CLI_LOCAL:
        break;
    }
    return composed(span_text(typed), e);
}

/* --- where it goes --------------------------------------------------------------------------- */

static bool is_repeated(enum cli_kind kind)
{
    return kind == CLI_LIST || kind == CLI_TO || kind == CLI_SECTION || kind == CLI_SECTION_OF ||
           kind == CLI_ATTACH;
}

/* Steals value. ERR_USAGE: given twice. */
static enum err put(json_t *args, const struct cli_arg *a, json_t *value)
{
    const char *dot = strchr(a->name, '.');
    const char *name = dot ? dot + 1 : a->name;
    char group[32];
    json_t *o = args;

    if (dot) {
        snprintf(group, sizeof group, "%.*s", (int)(dot - a->name), a->name);
        if (!json_object_get(args, group) && json_object_set_new(args, group, json_object())) {
            json_decref(value);
            return ERR_NOMEM;
        }
        o = json_object_get(args, group);
    }
    if (is_repeated(a->kind)) {
        if (!json_object_get(o, name) && json_object_set_new(o, name, json_array())) {
            json_decref(value);
            return ERR_NOMEM;
        }
        return json_array_append_new(json_object_get(o, name), value) ? ERR_NOMEM : ERR_OK;
    }
    if (json_object_get(o, name)) {
        json_decref(value);
        return ERR_USAGE;
    }
    return json_object_set_new(o, name, value) ? ERR_NOMEM : ERR_OK;
}

static char *trimmed(char *text)
{
    size_t len;

    text += strspn(text, " \t");
    for (len = strlen(text); len > 0 && strchr(" \t\r", text[len - 1]); len--)
        text[len - 1] = '\0';
    return text;
}

/* Lines "option = value", '#' begins a comment. */
static int take_rows(struct cli *c, const struct cli_arg *a, const char *path)
{
    struct bytes text = {0};
    enum err e = file_read(path, ROWS_MAX, &text);
    int status = EXIT_DONE;
    char *rest;
    char *row;

    if (!e)
        e = memchr(text.len ? text.ptr : (const uint8_t *)"", 0, text.len)
                ? ERR_UTF8
                : bytes_append(&text, SPAN_STR("\0"));
    if (e) {
        seal_bytes_free(&text);
        return cli_complain(c, a, path, e);
    }
    rest = (char *)text.ptr;
    while (status == EXIT_DONE && (row = strsep(&rest, "\n"))) {
        char *equals = strchr(row, '=');
        const struct cli_arg *one;

        if (!*(row = trimmed(row)) || *row == '#')
            continue;
        if (equals)
            *equals = '\0';
        one = equals ? cli_option(c->row, trimmed(row)) : NULL;
        status = !one || one->kind == CLI_ROWS || one->kind == CLI_LOCAL
                     ? cli_usage(c, "une ligne du fichier n'est pas « option=valeur »")
                     : cli_take(c, one, trimmed(equals + 1));
    }
    seal_bytes_free(&text);
    return status;
}

int cli_take(struct cli *c, const struct cli_arg *a, const char *typed)
{
    enum err e = ERR_OK;
    json_t *value;

    if (a->kind == CLI_LOCAL) {
        if (c->locals == CLI_LOCALS_MAX || cli_local(c, a->name))
            return cli_usage(c, "un argument est donné deux fois");
        c->local_name[c->locals] = a->name;
        c->local_value[c->locals++] = typed;
        return EXIT_DONE;
    }
    if (a->kind == CLI_ROWS)
        return take_rows(c, a, typed);
    value = value_of(a, typed, &e);
    if (!value && !e)
        e = ERR_NOMEM;
    if (!e)
        e = put(c->args, a, value);
    return e ? cli_complain(c, a, typed, e) : EXIT_DONE;
}

const char *cli_local(const struct cli *c, const char *name)
{
    for (size_t i = 0; i < c->locals; i++)
        if (strcmp(c->local_name[i], name) == 0)
            return c->local_value[i];
    return NULL;
}
