/*
 * log - events of hub and node: one line, a stable name, key=value. Libraries never call it.
 *
 *   2026-01-01T00:00:00.000Z info deposit.accepted from=clinic-a seq=7
 *
 * An event has at least one value (compilers warn of an empty format). A value printed with %s is
 * quoted and escaped when it holds anything but plain visible ASCII, so that no value can forge a
 * field or a line. Never pass a payload, a key, a person or raw bytes of a peer. A line is at most
 * LOG_LINE_MAX bytes, is written by one write() and never allocates.
 * Conversions: %s %.*s %c %d %i %u %x %X with hh h l ll z j t, and %%; others print as "?".
 *
 * Thread rule: log_setup() before the second thread starts; the rest from any thread.
 */
#ifndef RELAIS_LOG_H
#define RELAIS_LOG_H

#include <stdint.h>

#include "clock.h"

enum {
    LOG_LINE_MAX = 1024,
    LOG_LIMITED_MAX = 64,
    LOG_BURST = 5,
    LOG_WINDOW_MS = 10000
};

enum log_level {
    LEVEL_DEBUG,
    LEVEL_INFO,
    LEVEL_WARN,
    LEVEL_ERROR
};

/* Without it: stderr, LEVEL_INFO, system clock. Borrows the clock; NULL: the system's. */
void log_setup(int fd, enum log_level least, const struct clock *clock);
enum err log_level_read(const char *name, enum log_level *out); /* debug info warn error */

void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For what a peer can cause at will: LOG_BURST lines per event name in each LOG_WINDOW_MS, then
 * only counted; the count is printed ("suppressed=N") when the window has ended, by the next
 * log_limited() of that name or by log_tick(). `event` is a string constant. */
void log_limited(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void log_tick(void); /* from the loop, about once a second */

#define log_debug(...) log_event(LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_event(LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_event(LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_event(LEVEL_ERROR, __VA_ARGS__)

#endif
