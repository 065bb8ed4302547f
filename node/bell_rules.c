#include "bell_rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "file.h"
#include "text.h"
#include "utf8.h"
#include "words.h"

#define PATH_ROOM 640
#define KIND_ALL 1 /* ADDRESSEE_ORG: the organisation itself */

struct rule {
    uint64_t kind;
    struct bytes folded; /* the name; empty: the kind alone */
    char label[BELL_LABEL_MAX + 1];
    char command[BELL_COMMAND_MAX + 1];
};
struct bell_rules {
    char command[BELL_COMMAND_MAX + 1]; /* of node.conf; "": none */
    size_t count;
    struct rule rule[BELL_RULES_MAX];
};

void bell_rules_free(struct bell_rules *rules)
{
    for (size_t i = 0; rules && i < rules->count; i++)
        bytes_free(&rules->rule[i].folded);
    free(rules);
}

static const struct rule *rule_of(const struct bell_rules *rules, uint64_t kind, struct span folded)
{
    for (size_t i = 0; i < rules->count; i++)
        if (rules->rule[i].kind == kind && span_equal(bytes_span(&rules->rule[i].folded), folded))
            return &rules->rule[i];
    return NULL;
}

/* --- reading --------------------------------------------------------------------------------- */

struct parse {
    const char *path;
    unsigned line;
    char *why;
    size_t why_size;
    struct bell_rules *rules;
};

[[gnu::format(printf, 2, 3)]] static enum err refuse(const struct parse *p, const char *format, ...)
{
    char reason[CONF_WHY_BYTES];
    va_list list;

    va_start(list, format);
    vsnprintf(reason, sizeof reason, format, list);
    va_end(list);
    if (p->line)
        snprintf(p->why, p->why_size, "%s:%u: %s", p->path, p->line, reason);
    else
        snprintf(p->why, p->why_size, "%s: %s", p->path, reason);
    return ERR_CONF;
}

static struct span trim(struct span s)
{
    while (s.len > 0 && s.ptr[0] == ' ')
        s = span_of(s.ptr + 1, s.len - 1);
    while (s.len > 0 && s.ptr[s.len - 1] == ' ')
        s.len--;
    return s;
}

/* Cuts at the first `mark`; false: there is none. */
static bool cut(struct span all, char mark, struct span *left, struct span *right)
{
    const uint8_t *at = all.len ? memchr(all.ptr, mark, all.len) : NULL;

    if (!at)
        return false;
    *left = trim(span_of(all.ptr, (size_t)(at - all.ptr)));
    *right = trim(span_of(at + 1, all.len - (size_t)(at - all.ptr) - 1));
    return true;
}

static enum err who_read(struct parse *p, struct span who, struct rule *out)
{
    struct span kind = who;
    struct span name = span_text("");
    bool named = cut(who, ':', &kind, &name);
    enum err e;

    if (who.len > BELL_LABEL_MAX)
        return refuse(p, "le destinataire dépasse %d octets", BELL_LABEL_MAX);
    if (word_read(WORDS_ADDRESSEE, kind, &out->kind) || out->kind < 1 || out->kind > 4)
        return refuse(p, "il faut structure, personne:NOM, fonction:NOM ou unité:NOM");
    if ((e = text_fold(name, &out->folded)))
        return e == ERR_NOMEM ? e : refuse(p, "le nom ne se lit pas");
    if ((out->kind == KIND_ALL) != !named || (named && out->folded.len == 0))
        return refuse(p, out->kind == KIND_ALL ? "« structure » ne prend pas de nom"
                                               : "il manque un nom après les deux points");
    memcpy(out->label, who.ptr, who.len);
    return ERR_OK;
}

static enum err line_read(struct parse *p, struct span line)
{
    struct rule *out = &p->rules->rule[p->rules->count];
    struct span who, command;
    enum err e;

    if (!utf8_plain(line))
        return refuse(p, "la ligne contient un caractère de commande, ou n'est pas en UTF-8");
    line = trim(line);
    if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';')
        return ERR_OK;
    if (!cut(line, '=', &who, &command))
        return refuse(p, "il faut « destinataire = /chemin/de/la/commande »");
    if (p->rules->count == BELL_RULES_MAX)
        return refuse(p, "plus de %d destinataires", BELL_RULES_MAX);
    if (command.len == 0 || command.ptr[0] != '/' || command.len > BELL_COMMAND_MAX)
        return refuse(p, "la commande n'est pas un chemin absolu de %d octets au plus",
                      BELL_COMMAND_MAX);
    memset(out, 0, sizeof *out);
    e = who_read(p, who, out);
    if (!e && rule_of(p->rules, out->kind, bytes_span(&out->folded)))
        e = refuse(p, "« %s » est donné deux fois", out->label);
    if (e) {
        bytes_free(&out->folded);
        return e;
    }
    memcpy(out->command, command.ptr, command.len);
    p->rules->count++;
    return ERR_OK;
}

static enum err lines_read(struct parse *p, struct span text)
{
    enum err e = ERR_OK;

    while (text.len > 0 && !e) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        struct span line = span_of(text.ptr, end ? (size_t)(end - text.ptr) : text.len);

        text = span_of(text.ptr + line.len + (end != NULL), text.len - line.len - (end != NULL));
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        p->line++;
        e = line_read(p, line);
    }
    return e;
}

enum err bell_rules_read(const char *dir, const struct node_settings *settings,
                         struct bell_rules **out, char *why, size_t why_size)
{
    struct parse p = {.why = why, .why_size = why_size};
    struct bytes text = {0};
    char path[PATH_ROOM];
    enum err e;

    if ((size_t)snprintf(path, sizeof path, "%s/notify.conf", dir) >= sizeof path)
        return ERR_SIZE;
    p.path = path;
    if (!(p.rules = calloc(1, sizeof *p.rules)))
        return ERR_NOMEM;
    snprintf(p.rules->command, sizeof p.rules->command, "%s", settings->notify);
    e = file_read(path, CONF_FILE_MAX, &text);
    if (e == ERR_NOT_FOUND)
        e = ERR_OK;
    else if (e)
        snprintf(why, why_size, "%s: %s", path, err_text(e));
    else
        e = lines_read(&p, bytes_span(&text));
    p.line = 0;
    p.path = "node.conf";
    if (!e && settings->notify[0] && settings->notify[0] != '/')
        e = refuse(&p, "'notify' is no absolute path");
    bytes_free(&text);
    if (e)
        bell_rules_free(p.rules);
    else
        *out = p.rules;
    return e;
}

/* --- asking ---------------------------------------------------------------------------------- */

const char *bell_rules_label(const struct bell_rules *rules, uint64_t kind, struct span name)
{
    struct bytes folded = {0};
    const struct rule *rule = NULL;

    if (kind != KIND_ALL && !text_fold(name, &folded) && folded.len > 0)
        rule = rule_of(rules, kind, bytes_span(&folded));
    bytes_free(&folded);
    if (rule)
        return rule->label;
    return bell_rules_command(rules, BELL_ALL) ? BELL_ALL : NULL;
}

const char *bell_rules_command(const struct bell_rules *rules, const char *label)
{
    const struct rule *all = rule_of(rules, KIND_ALL, span_text(""));

    for (size_t i = 0; i < rules->count; i++)
        if (strcmp(rules->rule[i].label, label) == 0)
            return rules->rule[i].command;
    if (all)
        return all->command;
    return rules->command[0] ? rules->command : NULL;
}

static bool executable(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 && S_ISREG(s.st_mode) && access(path, X_OK) == 0;
}

const char *bell_rules_broken(const struct bell_rules *rules)
{
    if (rules->command[0] && !executable(rules->command))
        return rules->command;
    for (size_t i = 0; i < rules->count; i++)
        if (!executable(rules->rule[i].command))
            return rules->rule[i].command;
    return NULL;
}
