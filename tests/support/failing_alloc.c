#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "failing_alloc.h"

/* The linker's --wrap sends malloc here and gives the real one the other name. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

static atomic_long seen;
static atomic_long fails_at; /* value of `seen` at which one call fails; 0: none */
static atomic_bool quiet;

void alloc_fail_after(long n)
{
    atomic_store(&fails_at, n < 0 ? 0 : atomic_load(&seen) + (n ? n : 1));
}

long alloc_count(void)
{
    return atomic_load(&seen);
}

void alloc_quiet(bool on)
{
    atomic_store(&quiet, on);
}

static bool fails_now(void)
{
    return !atomic_load(&quiet) && atomic_fetch_add(&seen, 1) + 1 == atomic_load(&fails_at);
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails_now() ? NULL : __real_realloc(old, size);
}
