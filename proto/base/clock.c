#include <stdio.h>
#include <time.h>

#include "clock.h"

enum {
    MS_PER_S = 1000,
    US_PER_MS = 1000,
    NS_PER_US = 1000,
    NS_PER_MS = 1000000
};
#define US_PER_S UINT64_C(1000000)

static const uint64_t TIME_TEXT_END_MS = UINT64_C(253402300800000); /* 10000-01-01T00:00:00Z */

static uint64_t read_ms(clockid_t which)
{
    struct timespec t = {0};

    clock_gettime(which, &t); /* cannot fail for these clocks */
    return (uint64_t)t.tv_sec * MS_PER_S + (uint64_t)t.tv_nsec / NS_PER_MS;
}

static uint64_t system_now(void *arg)
{
    (void)arg;
    return read_ms(CLOCK_REALTIME);
}

/* Counts while the machine sleeps: a laptop's pending deadline has passed when it wakes. */
static uint64_t system_mono(void *arg)
{
    (void)arg;
    return read_ms(CLOCK_BOOTTIME);
}

static uint64_t system_mono_us(void *arg)
{
    struct timespec t = {0};

    (void)arg;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * US_PER_S + (uint64_t)t.tv_nsec / NS_PER_US;
}

const struct clock *clock_system(void)
{
    static const struct clock the_system = {system_now, system_mono, system_mono_us, NULL};

    return &the_system;
}

uint64_t clock_now_ms(const struct clock *c)
{
    return c->now_ms(c->arg);
}

uint64_t clock_mono_ms(const struct clock *c)
{
    return c->mono_ms(c->arg);
}

uint64_t clock_mono_us(const struct clock *c)
{
    return c->mono_us(c->arg);
}

static uint64_t fixed_now(void *arg)
{
    struct clock_fixed *f = arg;

    return f->now_ms;
}

static uint64_t fixed_mono(void *arg)
{
    struct clock_fixed *f = arg;

    return f->mono_ms;
}

static uint64_t fixed_mono_us(void *arg)
{
    return fixed_mono(arg) * US_PER_MS;
}

void clock_fixed_init(struct clock_fixed *f, uint64_t now_ms)
{
    f->clock = (struct clock){fixed_now, fixed_mono, fixed_mono_us, f};
    f->now_ms = now_ms;
    f->mono_ms = 0;
}

void clock_fixed_advance(struct clock_fixed *f, uint64_t by_ms)
{
    f->now_ms += by_ms;
    f->mono_ms += by_ms;
}

void clock_fixed_jump(struct clock_fixed *f, uint64_t to_ms)
{
    f->now_ms = to_ms;
}

enum err time_text(uint64_t unix_ms, char out[TIME_TEXT_BYTES])
{
    time_t seconds = (time_t)(unix_ms / MS_PER_S);
    struct tm t;

    if (unix_ms >= TIME_TEXT_END_MS || !gmtime_r(&seconds, &t))
        return ERR_RANGE;
    strftime(out, TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(out + sizeof "2026-01-01T00:00:00" - 1, sizeof ".000Z", ".%03uZ",
             (unsigned)(unix_ms % MS_PER_S));
    return ERR_OK;
}
