#include <stddef.h>

#include "err.h"

static const struct row {
    unsigned code;
    const char *name;
    const char *text;
} rows[] = {
#define X(name, code, text) {code, #name, text},
    ERRORS(X)
#undef X
};

static const struct row *row_of(unsigned code)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

const char *err_name(enum err e)
{
    const struct row *row = row_of((unsigned)e);

    return row ? row->name : "ERR_?";
}

const char *err_text(enum err e)
{
    const struct row *row = row_of((unsigned)e);

    return row ? row->text : "unknown error";
}

int err_known(unsigned code)
{
    return row_of(code) != NULL;
}
