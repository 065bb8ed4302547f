/*
 * image - what a running process has in memory, as a file: a core image without ending it.
 * Needs the right to look into the process (its own user, or root; a process that made itself
 * undumpable: root alone). Thread rule: any thread.
 */
#ifndef TESTS_IMAGE_H
#define TESTS_IMAGE_H

#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct image_facts {
    uint64_t mappings; /* of which something could be read */
    uint64_t bytes;    /* read; whole pages of zeros are not written */
    uint64_t written;
};

/* Writes every mapping of /proc/<pid>/maps, one behind the other, to a new file `out` (0600):
 * anonymous, shared, of files, and those that the process itself may not read (guarded secrets).
 * ERR_NOT_FOUND: no such process. ERR_PERMISSION. ERR_EXISTS: `out` is there.
 * ERR_SIZE: a mapping beyond all reason (a process built with a sanitizer). On error no
 * file stays. */
enum err image_write(pid_t pid, const char *out, struct image_facts *facts);

#endif
