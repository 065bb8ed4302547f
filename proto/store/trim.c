#include "trim.h"

#include <inttypes.h>
#include <stdio.h>
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
        uintptr_t from, to;
        char may[5];

        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, may) != 3 ||
            (uintptr_t)inside < from || (uintptr_t)inside >= to)
            continue;
        if (strcmp(may, "r--s") == 0) /* should it fail, all stays as it is */
            madvise((void *)from, to - from, MADV_DONTNEED);
        break;
    }
    fclose(maps);
}
