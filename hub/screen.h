/*
 * screen - what people read on the hub's screens, said in one way: moments in the machine's own
 * time and zone, kinds of organisations. JSON keeps UTC (time_text()) and numbers.
 */
#ifndef HUB_SCREEN_H
#define HUB_SCREEN_H

#include <stdint.h>

#include "err.h"

#define WHEN_BYTES 96

/* "22/11/2026 à 10:30 (UTC+1)". ERR_RANGE: beyond the year 9999. */
enum err when_said(uint64_t unix_ms, char out[WHEN_BYTES]);
const char *org_kind_said(uint64_t kind); /* enum org_kind, in French */

#endif
