#include "trim.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* "7f52c1a00000-7f5301a00000 r--s 00000000 fe:00 1234 /path" */
void trim_mapping(const void *inside)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];

    if (!maps)
        return;
    while (fgets(line, sizeof line, maps)) {
        char *at;
        uintptr_t from = strtoull(line, &at, 16);
        uintptr_t to = *at == '-' ? strtoull(at + 1, &at, 16) : 0;

        if ((uintptr_t)inside < from || (uintptr_t)inside >= to)
            continue;
        if (strncmp(at, " r--s ", 6) == 0) /* should it fail, all stays as it is */
            madvise((void *)from, to - from, MADV_DONTNEED);
        break;
    }
    fclose(maps);
}
