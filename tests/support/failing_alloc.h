/*
 * failing_alloc - makes the n-th allocation fail, and counts them.
 * Link with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc: seen is what our own objects call,
 * not what shared libraries call inside. realloc to a size of 0 is not used in this project.
 * Thread rule: atomic counters; arm and disarm from one thread.
 */
#ifndef TESTS_FAILING_ALLOC_H
#define TESTS_FAILING_ALLOC_H

#include <stdbool.h>

void alloc_fail_after(long n); /* the n-th from now fails, once (0 counts as 1); -1: never */
long alloc_count(void);        /* malloc, calloc and realloc calls since the program started */
/* While on, calls neither count nor fail: for what allocates another number of times each time. */
void alloc_quiet(bool on);

#endif
