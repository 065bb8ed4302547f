/* readers - the live reads of other processes, from the lines of LMDB's own list of them. */
#ifndef RELAIS_STORE_READERS_H
#define RELAIS_STORE_READERS_H

#include <stdint.h>

struct readers {
    uint64_t count;
    uint64_t oldest; /* the oldest commit that one of them sees; UINT64_MAX without any */
    long own;        /* our process: not counted */
};

/* One line: process, thread, number of the commit that is read or "-". Always 0: go on. */
int readers_line(const char *line, void *readers);
uint64_t readers_lag(const struct readers *r, uint64_t commits);

#endif
