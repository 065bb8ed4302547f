#include "history.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "file.h"

struct history {
    FILE *file;
    uint64_t from_ms;
    size_t lines;
};

enum err history_open(const char *path, struct history **out)
{
    struct history *h = calloc(1, sizeof *h);

    if (!h)
        return ERR_NOMEM;
    h->from_ms = clock_mono_ms(clock_system());
    if (!(h->file = fopen(path, "we"))) {
        free(h);
        return err_from_errno(errno);
    }
    *out = h;
    return ERR_OK;
}

void history_close(struct history *h)
{
    if (!h)
        return;
    history_flush(h);
    if (fclose(h->file))
        abort();
    free(h);
}

void history_flush(struct history *h)
{
    if (fflush(h->file) || ferror(h->file)) {
        perror("history");
        abort();
    }
}

void history_say(struct history *h, const char *form, ...)
{
    va_list args;

    va_start(args, form);
    if (fprintf(h->file, "%llu ",
                (unsigned long long)(clock_mono_ms(clock_system()) - h->from_ms)) < 0 ||
        vfprintf(h->file, form, args) < 0 || fputc('\n', h->file) == EOF) {
        perror("history");
        abort();
    }
    va_end(args);
    h->lines++;
}

size_t history_lines(const struct history *h)
{
    return h->lines;
}

size_t history_split(char *line, char *words[HISTORY_WORDS_MAX])
{
    char *rest = NULL;
    size_t n = 0;

    for (char *w = strtok_r(line, " \n", &rest); w && n < HISTORY_WORDS_MAX;
         w = strtok_r(NULL, " \n", &rest))
        words[n++] = w;
    return n;
}
