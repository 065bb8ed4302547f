/* procstat - numbers of /proc/<pid>/stat and /proc/stat, by their place (proc(5)). */
#ifndef TESTS_BENCH_PROCSTAT_H
#define TESTS_BENCH_PROCSTAT_H

#include <stdint.h>
#include <stdlib.h>

/* The nth number from `text` on, counted from 0, blanks between; letters count as one, too. */
static inline uint64_t nth_number(const char *text, unsigned n)
{
    char *end;
    uint64_t v = 0;

    for (unsigned i = 0; i <= n; i++, text = end) {
        while (*text == ' ')
            text++;
        v = strtoull(text, &end, 10);
        while (*end && *end != ' ')
            end++;
    }
    return v;
}

#endif
