/*
 * clock - time as a parameter, so that tests turn it.
 * now_ms is wall time (Unix, milliseconds; may jump), mono_ms only ever grows and has no meaning
 * beyond differences. Whoever needs time borrows a const struct clock *.
 * Thread rule: clock_system() from any thread; a fixed clock may be turned while others read it.
 */
#ifndef RELAIS_CLOCK_H
#define RELAIS_CLOCK_H

#include <stdint.h>

#include "err.h"

struct clock {
    uint64_t (*now_ms)(void *arg);
    uint64_t (*mono_ms)(void *arg);
    uint64_t (*mono_us)(void *arg); /* the same in finer steps, for measuring */
    void *arg;
};

const struct clock *clock_system(void); /* static */
uint64_t clock_now_ms(const struct clock *c);
uint64_t clock_mono_ms(const struct clock *c);
uint64_t clock_mono_us(const struct clock *c);

/* A clock that stands still until it is turned. Pass &fixed.clock; do not move the struct. */
struct clock_fixed {
    struct clock clock;
    _Atomic uint64_t now_ms;
    _Atomic uint64_t mono_ms;
};

void clock_fixed_init(struct clock_fixed *f, uint64_t now_ms);   /* mono starts at 0 */
void clock_fixed_advance(struct clock_fixed *f, uint64_t by_ms); /* both move */
void clock_fixed_jump(struct clock_fixed *f, uint64_t to_ms);    /* the wall clock alone is set */

enum {
    TIME_TEXT_BYTES = sizeof "2026-01-01T00:00:00.000Z"
};

/* RFC 3339, UTC, milliseconds, NUL-terminated. ERR_RANGE after the year 9999. */
enum err time_text(uint64_t unix_ms, char out[TIME_TEXT_BYTES]);

#endif
