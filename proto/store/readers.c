#include "readers.h"

#include <stdlib.h>
#include <string.h>

int readers_line(const char *line, void *readers)
{
    struct readers *r = readers;
    const char *last = strrchr(line, ' ');
    char *end;
    uint64_t sees = last ? strtoull(last + 1, &end, 10) : 0;

    if (!last || end == last + 1 || strtol(line, NULL, 10) == r->own)
        return 0;
    r->count++;
    if (sees < r->oldest)
        r->oldest = sees;
    return 0;
}

uint64_t readers_lag(const struct readers *r, uint64_t commits)
{
    return r->count > 0 && commits > r->oldest ? commits - r->oldest : 0;
}
