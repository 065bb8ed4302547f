#include "exposition.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 512
#define SAMPLES_MAX 1024

enum kind {
    KIND_NONE,
    KIND_GAUGE,
    KIND_COUNTER,
    KIND_HISTOGRAM
};

struct reading {
    char family[LINE_MAX_BYTES];
    bool helped;
    enum kind kind;
    size_t of_family; /* samples of it */
    double last_le, last_count;
    bool inf, sum, count;
    char *seen[SAMPLES_MAX]; /* family names with a blank before, and samples */
    size_t seen_count;
    struct exposition_facts facts;
    char why[LINE_MAX_BYTES + 128];
};

static bool bad(struct reading *r, const char *what, const char *line)
{
    snprintf(r->why, sizeof r->why, "%s: %s", what, line);
    return false;
}

static bool once(struct reading *r, const char *what)
{
    for (size_t i = 0; i < r->seen_count; i++)
        if (strcmp(r->seen[i], what) == 0)
            return false;
    return r->seen_count < SAMPLES_MAX && (r->seen[r->seen_count++] = strdup(what));
}

static size_t name_len(const char *at)
{
    size_t n = 0;

    if (!isalpha((unsigned char)*at) && *at != '_' && *at != ':')
        return 0;
    while (isalnum((unsigned char)at[n]) || at[n] == '_' || at[n] == ':')
        n++;
    return n;
}

static bool family_ends(struct reading *r)
{
    if (!r->family[0])
        return true;
    if (r->kind == KIND_NONE)
        return bad(r, "family without TYPE", r->family);
    if (r->kind == KIND_HISTOGRAM && !(r->inf && r->sum && r->count))
        return bad(r, "histogram not complete", r->family);
    r->facts.histograms += r->kind == KIND_HISTOGRAM;
    return true;
}

static bool on_help(struct reading *r, const char *line)
{
    const char *name = line + strlen("# HELP ");
    size_t n = name_len(name);
    char mark[LINE_MAX_BYTES];

    if (!family_ends(r))
        return false;
    if (n == 0 || name[n] != ' ' || !name[n + 1])
        return bad(r, "HELP without name or text", line);
    snprintf(r->family, sizeof r->family, "%.*s", (int)n, name);
    snprintf(mark, sizeof mark, " %.*s", (int)n, name);
    r->kind = KIND_NONE;
    r->of_family = 0;
    r->last_le = r->last_count = -1;
    r->inf = r->sum = r->count = false;
    r->facts.families++;
    return once(r, mark) || bad(r, "family twice", line);
}

static bool on_type(struct reading *r, const char *line)
{
    static const char *const words[] = {"", "gauge", "counter", "histogram"};
    const char *name = line + strlen("# TYPE ");
    size_t n = name_len(name);

    if (r->kind != KIND_NONE || n != strlen(r->family) || strncmp(name, r->family, n) != 0 ||
        name[n] != ' ')
        return bad(r, "TYPE without its HELP", line);
    for (int k = KIND_GAUGE; k <= KIND_HISTOGRAM; k++)
        if (strcmp(name + n + 1, words[k]) == 0)
            r->kind = (enum kind)k;
    if (r->kind == KIND_COUNTER && (n < 6 || strcmp(r->family + n - 6, "_total") != 0))
        return bad(r, "counter not named _total", line);
    return r->kind != KIND_NONE || bad(r, "unknown TYPE", line);
}

/* {name="value",...}: at is behind it afterwards. */
static bool labels(const char **at)
{
    const char *p = *at + 1;

    for (;;) {
        size_t n = name_len(p);

        if (n == 0 || p[n] != '=' || p[n + 1] != '"')
            return false;
        for (p += n + 2; *p && *p != '"'; p++)
            if (*p == '\\' && *++p != '\\' && *p != '"' && *p != 'n')
                return false;
        if (*p++ != '"')
            return false;
        if (*p == '}')
            break;
        if (*p++ != ',')
            return false;
    }
    *at = p + 1;
    return true;
}

static bool bucket(struct reading *r, const char *label, double value, const char *line)
{
    const char *le = strstr(label, "le=\"");
    double bound = le ? strtod(le + 4, NULL) : -1;

    if (!le || r->inf)
        return bad(r, "bucket without le, or after +Inf", line);
    if (strncmp(le + 4, "+Inf\"", 5) == 0)
        r->inf = true;
    else if (bound <= r->last_le)
        return bad(r, "buckets not ascending", line);
    if (value < r->last_count)
        return bad(r, "counts of buckets fall", line);
    r->last_le = bound;
    r->last_count = value;
    return true;
}

static bool of_histogram(struct reading *r, const char *suffix, const char *label, double value,
                         const char *line)
{
    if (strncmp(suffix, "_bucket{", 8) == 0)
        return bucket(r, label, value, line);
    if (strncmp(suffix, "_sum ", 5) == 0)
        return r->sum ? bad(r, "sum twice", line) : (r->sum = true);
    if (strncmp(suffix, "_count ", 7) == 0) {
        r->count = true;
        return (r->inf && value == r->last_count) || bad(r, "count is not the +Inf bucket", line);
    }
    return bad(r, "no part of a histogram", line);
}

static bool on_sample(struct reading *r, const char *line)
{
    size_t n = name_len(line), family = strlen(r->family);
    const char *at = line + n;
    char sample[LINE_MAX_BYTES];
    char *end;
    double value;

    if (n == 0 || r->kind == KIND_NONE || n < family || strncmp(line, r->family, family) != 0 ||
        (r->kind != KIND_HISTOGRAM && n != family))
        return bad(r, "sample of no family", line);
    if (*at == '{' && !labels(&at))
        return bad(r, "labels not well formed", line);
    if (*at != ' ')
        return bad(r, "no value", line);
    snprintf(sample, sizeof sample, "%.*s", (int)(at - line), line);
    if (!once(r, sample))
        return bad(r, "sample twice", line);
    value = strtod(at + 1, &end);
    if (end == at + 1 || *end)
        return bad(r, "value is no number", line);
    if (r->kind == KIND_COUNTER && value < 0)
        return bad(r, "counter below zero", line);
    r->of_family++;
    r->facts.samples++;
    return r->kind != KIND_HISTOGRAM || of_histogram(r, line + family, line, value, line);
}

static bool on_line(struct reading *r, const char *line)
{
    if (strncmp(line, "# HELP ", 7) == 0)
        return on_help(r, line);
    if (strncmp(line, "# TYPE ", 7) == 0)
        return on_type(r, line);
    return *line ? on_sample(r, line) : bad(r, "empty line", "");
}

const char *exposition_check(struct span text, struct exposition_facts *out)
{
    static char why[LINE_MAX_BYTES + 128];
    struct reading *r = calloc(1, sizeof *r);
    char line[LINE_MAX_BYTES];
    bool ok = r != NULL;

    if (text.len == 0 || text.ptr[text.len - 1] != '\n')
        ok = ok && bad(r, "does not end in a newline", "");
    for (size_t at = 0; ok && at < text.len;) {
        const uint8_t *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t n = (size_t)(end - (text.ptr + at));

        ok = n < sizeof line || bad(r, "line too long", "");
        if (ok) {
            memcpy(line, text.ptr + at, n);
            line[n] = '\0';
            ok = on_line(r, line);
        }
        at += n + 1;
    }
    ok = ok && family_ends(r);
    if (ok && out)
        *out = r->facts;
    snprintf(why, sizeof why, "%s", r ? r->why : "no memory");
    for (size_t i = 0; r && i < r->seen_count; i++)
        free(r->seen[i]);
    free(r);
    return ok ? NULL : why;
}

double exposition_value(struct span text, const char *sample)
{
    size_t n = strlen(sample);
    const char *p = (const char *)text.ptr;
    const char *end = p + text.len;

    while (p < end) {
        if ((size_t)(end - p) > n && memcmp(p, sample, n) == 0 && p[n] == ' ')
            return strtod(p + n + 1, NULL);
        p = memchr(p, '\n', (size_t)(end - p));
        if (!p)
            break;
        p++;
    }
    return -1;
}
