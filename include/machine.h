/*
 * machine - what the machine under a daemon says of itself: memory, descriptors, disk, clock.
 * And the judgement of a figure against its two bounds.
 * Thread rule: any thread.
 */
#ifndef RELAIS_MACHINE_H
#define RELAIS_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct machine {
    uint64_t held_bytes; /* resident and not shared: the pages of a store's map are the kernel's */
    uint64_t descriptors;
    uint64_t descriptors_max;
    uint64_t disk_bytes; /* of the file system of `dir` */
    uint64_t disk_free_bytes;
    bool clock_synchronised; /* what the kernel was told by a time service */
};

/* What cannot be read stays zero (the clock: true); a figure is a help, never a reason to stop. */
void machine_look(const char *dir, struct machine *out);
uint64_t machine_held_bytes(void);
uint64_t machine_descriptors(uint64_t *most); /* open now; *most: LimitNOFILE */
void machine_give_back(void);                 /* freed memory, to the system */

/* Below it a daemon is not ready: what commits and receives files has room for a while no more. */
#define DISK_FREE_MIN_BYTES (64u << 20)
bool machine_disk_full(const struct machine *m);
unsigned machine_disk_percent(const struct machine *m); /* taken; 100 when it is full */

/* part of whole in percent, rounded down; 0 of nothing. */
unsigned percent_of(uint64_t part, uint64_t whole);

enum limit_level {
    LIMIT_FINE,
    LIMIT_NEAR,
    LIMIT_REACHED
};
/* Rising figures: near from `near` on, reached from `reached` on. A bound of 0 is none. */
enum limit_level limit_judge(uint64_t value, uint64_t near, uint64_t reached);

#endif
