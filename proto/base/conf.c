#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "file.h"
#include "utf8.h"

enum {
    KEY_MAX = 128,
    REASON_MAX = CONF_WHY_BYTES,
    MS_PER_S = 1000
};

struct parse {
    const struct setting *rows;
    size_t n;
    void *target; /* NULL: check only */
    const char *name;
    bool beside_name; /* relative paths start where the file is */
    struct span rest;
    unsigned line;
    bool failed;
    bool seen[CONF_SETTINGS_MAX];
    char reason[REASON_MAX];
};

__attribute__((format(printf, 2, 3))) static void refuse(struct parse *p, const char *format, ...)
{
    va_list args;

    if (p->failed)
        return;
    p->failed = true;
    va_start(args, format);
    vsnprintf(p->reason, sizeof p->reason, format, args);
    va_end(args);
}

/* ---- values ---- */

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit plain_units[] = {
    {"",   1},
    {NULL, 0}
};
static const struct unit size_units[] = {
    {"",   1       },
    {"k",  1U << 10},
    {"m",  1U << 20},
    {"g",  1U << 30},
    {NULL, 0       }
};
static const struct unit time_units[] = {
    {"ms", 1       },
    {"s",  1000    },
    {"m",  60000   },
    {"h",  3600000 },
    {"d",  86400000},
    {NULL, 0       }
};

/* Digits and one of the units. False: neither, or too large for 64 bits. */
static bool read_number(const char *text, const struct unit *units, uint64_t *out)
{
    uint64_t n = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *at - '0', &n))
            return false;
    if (at == text)
        return false;
    if (n == 0 && *at == '\0') { /* nothing is nothing in any unit */
        *out = 0;
        return true;
    }
    for (; units->name; units++)
        if (strcmp(at, units->name) == 0)
            return !__builtin_mul_overflow(n, units->factor, out);
    return false;
}

static uint64_t room_max(size_t room)
{
    return room == 8 ? UINT64_MAX : room == 4 ? UINT32_MAX : room == 2 ? UINT16_MAX : 0;
}

static void store_number(void *at, size_t room, uint64_t value)
{
    uint32_t four = (uint32_t)value;
    uint16_t two = (uint16_t)value;

    if (room == 8)
        memcpy(at, &value, sizeof value);
    else if (room == 4)
        memcpy(at, &four, sizeof four);
    else
        memcpy(at, &two, sizeof two);
}

static void set_number(struct parse *p, const struct setting *row, const char *text)
{
    bool duration = row->kind == SET_DURATION || row->kind == SET_DURATION_MS;
    uint64_t max = row->max ? row->max : room_max(row->room);
    uint64_t value;

    if (room_max(row->room) == 0 || max > room_max(row->room)) {
        refuse(p, "la ligne de « %s » ne va pas avec son membre", row->key);
        return;
    }
    if (!read_number(text,
                     duration                ? time_units
                     : row->kind == SET_SIZE ? size_units
                                             : plain_units,
                     &value) ||
        (row->kind == SET_DURATION && value % MS_PER_S != 0)) {
        refuse(p, "« %s » vaut « %.*s » : il faut %s", row->key, CONF_LINE_MAX, text,
               row->kind == SET_DURATION_MS ? "une durée comme 500ms, 30s, 5m, 2h ou 30d"
               : duration              ? "une durée en secondes entières, comme 30s, 5m ou 30d"
               : row->kind == SET_SIZE ? "une taille comme 4096, 64k, 20m ou 2g"
                                       : "un nombre entier");
        return;
    }
    if (row->kind == SET_DURATION)
        value /= MS_PER_S;
    if (value < row->min || value > max) {
        refuse(p, "« %s » vaut « %.*s » : de %llu à %llu%s", row->key, CONF_LINE_MAX, text,
               (unsigned long long)row->min, (unsigned long long)max,
               row->kind == SET_DURATION_MS ? " millisecondes"
               : duration                   ? " secondes"
                                            : "");
        return;
    }
    if (p->target)
        store_number((char *)p->target + row->at, row->room, value);
}

static void set_bool(struct parse *p, const struct setting *row, const char *text)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

    if (row->room != sizeof(bool)) {
        refuse(p, "la ligne de « %s » ne va pas avec son membre", row->key);
        return;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) == 0) {
            if (p->target)
                memcpy((char *)p->target + row->at, &(bool){i % 2 == 1}, sizeof(bool));
            return;
        }
    }
    refuse(p, "« %s » vaut « %.*s » : il faut yes ou no", row->key, CONF_LINE_MAX, text);
}

static void set_text(struct parse *p, const struct setting *row, const char *text)
{
    const char *slash = p->beside_name ? strrchr(p->name, '/') : NULL;
    bool joined = row->kind == SET_PATH && slash && text[0] != '/' && text[0] != '\0';
    size_t base = joined ? (size_t)(slash - p->name) + 1 : 0;
    size_t len = strlen(text);
    uint64_t max = row->max && row->max < row->room ? row->max : row->room - 1;

    if (!utf8_plain(span_text(text))) {
        refuse(p, "« %s » n'est pas du texte UTF-8 sans caractère de commande", row->key);
        return;
    }
    if (row->room == 0 || len < row->min || len > max || base + len >= row->room) {
        refuse(p, "« %s » a %zu octets : de %llu à %llu%s", row->key, base + len,
               (unsigned long long)row->min, (unsigned long long)max,
               joined ? " avec le dossier de ce fichier" : "");
        return;
    }
    if (!p->target)
        return;
    memcpy((char *)p->target + row->at, p->name, base);
    memcpy((char *)p->target + row->at + base, text, len + 1);
}

static void set(struct parse *p, const struct setting *row, const char *text)
{
    switch (row->kind) {
    case SET_TEXT:
    case SET_PATH:
        set_text(p, row, text);
        break;
    case SET_UINT:
    case SET_SIZE:
    case SET_DURATION:
    case SET_DURATION_MS:
        set_number(p, row, text);
        break;
    case SET_BOOL:
        set_bool(p, row, text);
        break;
    }
}

static const struct setting *row_of(const struct parse *p, const char *key)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->rows[i].key, key) == 0)
            return &p->rows[i];
    return NULL;
}

/* ---- the file ---- */

/* inih asks for a line as fgets() gives it. What it would cut or split is refused here. */
static char *next_line(char *out, int room, void *arg)
{
    struct parse *p = arg;
    const uint8_t *newline;
    struct span line;

    if (p->failed || p->rest.len == 0)
        return NULL;
    newline = memchr(p->rest.ptr, '\n', p->rest.len);
    line = span_of(p->rest.ptr, newline ? (size_t)(newline - p->rest.ptr) : p->rest.len);
    p->rest.ptr += line.len + (newline != NULL);
    p->rest.len -= line.len + (newline != NULL);
    p->line++;
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (line.len > CONF_LINE_MAX || line.len + 2 > (size_t)room) {
        refuse(p, "la ligne dépasse %d octets", CONF_LINE_MAX);
        return NULL;
    }
    memcpy(out, line.ptr, line.len);
    for (size_t i = 0; i < line.len; i++)
        if (out[i] == '\t')
            out[i] = ' ';
    if (!utf8_plain(span_of(out, line.len))) {
        refuse(p, "la ligne contient un caractère de commande, ou n'est pas en UTF-8");
        return NULL;
    }
    out[line.len] = '\n';
    out[line.len + 1] = '\0';
    return out;
}

static int on_pair(void *arg, const char *section, const char *name, const char *value)
{
    struct parse *p = arg;
    const struct setting *row;
    char key[KEY_MAX];

    snprintf(key, sizeof key, "%s%s%s", section, *section ? "." : "", name);
    row = row_of(p, key);
    if (!row) {
        refuse(p, "réglage inconnu « %s »", key);
        return 0;
    }
    if (p->seen[row - p->rows]) {
        refuse(p, "« %s » est donné deux fois, ou sur plusieurs lignes", key);
        return 0;
    }
    p->seen[row - p->rows] = true;
    set(p, row, value);
    return !p->failed;
}

/* One pass. Checks only if target is NULL. */
static void pass(struct parse *p, struct span text, void *target)
{
    int bad_line;

    p->rest = text;
    p->line = 0;
    p->target = target;
    memset(p->seen, 0, sizeof p->seen);
    bad_line = ini_parse_stream(next_line, p, on_pair, p);
    if (bad_line > 0 && (!p->failed || (unsigned)bad_line < p->line)) {
        p->failed = false; /* a line inih could not read came before what we found */
        p->line = (unsigned)bad_line;
        refuse(p, "il faut « réglage = valeur » ou « [section] »");
    }
}

static void set_standards(struct parse *p, void *target)
{
    p->target = target;
    p->line = 0;
    for (size_t i = 0; i < p->n && !p->failed; i++) {
        if (p->seen[i])
            continue;
        if (p->rows[i].standard)
            set(p, &p->rows[i], p->rows[i].standard);
        else
            refuse(p, "« %s » doit être donné : %s", p->rows[i].key, p->rows[i].help);
    }
}

static enum err told(const struct parse *p, char *why, size_t why_size)
{
    if (!p->failed)
        return ERR_OK;
    if (p->line > 0)
        snprintf(why, why_size, "%s:%u: %s", p->name, p->line, p->reason);
    else
        snprintf(why, why_size, "%s: %s", p->name, p->reason);
    return ERR_CONF;
}

static struct parse parse_of(const char *name, const struct setting *rows, size_t n)
{
    struct parse p = {.rows = rows, .n = n, .name = name};

    if (n > CONF_SETTINGS_MAX)
        refuse(&p, "la table a plus de %d lignes", CONF_SETTINGS_MAX);
    return p;
}

enum err conf_parse(const char *name, struct span text, const struct setting *rows, size_t n,
                    void *target, char *why, size_t why_size)
{
    struct parse p = parse_of(name, rows, n);

    p.beside_name = true;
    if (!p.failed)
        pass(&p, text, NULL);
    if (!p.failed)
        set_standards(&p, NULL);
    if (!p.failed) { /* all of it is good: the second time for the target */
        set_standards(&p, target);
        pass(&p, text, target);
    }
    return told(&p, why, why_size);
}

enum err conf_read(const char *path, const struct setting *rows, size_t n, void *target, char *why,
                   size_t why_size)
{
    struct bytes text = {0};
    enum err e;

    if ((e = file_read(path, CONF_FILE_MAX, &text)))
        snprintf(why, why_size, "%s: %s", path, err_text(e));
    else
        e = conf_parse(path, bytes_span(&text), rows, n, target, why, why_size);
    bytes_free(&text);
    return e;
}

enum err conf_defaults(const struct setting *rows, size_t n, void *target, char *why,
                       size_t why_size)
{
    struct parse p = parse_of("standards", rows, n);

    if (!p.failed)
        set_standards(&p, NULL);
    if (!p.failed)
        set_standards(&p, target);
    return told(&p, why, why_size);
}

enum err conf_set(const char *key, const char *value, const struct setting *rows, size_t n,
                  void *target, char *why, size_t why_size)
{
    struct parse p = parse_of("ligne de commande", rows, n);
    const struct setting *row = row_of(&p, key);

    p.target = target;
    if (!row)
        refuse(&p, "réglage inconnu « %.*s »", CONF_LINE_MAX, key);
    else if (!p.failed)
        set(&p, row, value);
    return told(&p, why, why_size);
}

/* ---- help ---- */

static void print_row(FILE *out, const struct setting *row, const char *key)
{
    bool limited = row->max > 0 && row->kind != SET_TEXT && row->kind != SET_PATH;
    const char *unit = row->kind == SET_DURATION ? " s" : row->kind == SET_DURATION_MS ? " ms" : "";

    fprintf(out, "# %s", row->help);
    if (limited)
        fprintf(out, " (%llu … %llu%s)", (unsigned long long)row->min, (unsigned long long)row->max,
                unit);
    fprintf(out, row->standard ? "\n" : " - à donner\n");
    fprintf(out, "#%s = %s\n", key, row->standard ? row->standard : "");
}

void conf_print_help(FILE *out, const struct setting *rows, size_t n)
{
    const char *section = "";
    size_t section_len = 0;

    for (size_t i = 0; i < n; i++)
        if (!strchr(rows[i].key, '.'))
            print_row(out, &rows[i], rows[i].key);
    for (size_t i = 0; i < n; i++) {
        const char *dot = strchr(rows[i].key, '.');
        size_t len = dot ? (size_t)(dot - rows[i].key) : 0;

        if (!dot)
            continue;
        if (len != section_len || strncmp(section, rows[i].key, len) != 0)
            fprintf(out, "\n[%.*s]\n", (int)len, rows[i].key);
        section = rows[i].key;
        section_len = len;
        print_row(out, &rows[i], dot + 1);
    }
}
