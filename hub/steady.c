/* May the wall clock be believed? A clock that is set forward by a month would expire everything at
 * once, and for good (PROTOCOL.md 12). */
#include "core.h"
#include "log.h"
#include "warnings.h"

static void doubt(struct core *c, const char *why, uint64_t by_ms)
{
    c->steady.jumps++;
    c->steady.doubt = true;
    log_error("clock.doubt", "why=%s by_ms=%llu", why, (unsigned long long)by_ms);
}

static uint64_t apart(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* The newest leaf tells when this hub was last alive. */
enum err clock_start(struct core *c)
{
    struct span key;
    struct span value;
    uint64_t last_ms = 0;
    enum err e = store_last(c->t, TABLE_HEAD, &key, &value);

    if (e && e != ERR_NOT_FOUND)
        return e;
    if (!e && value.len == 8)
        last_ms = be64_read(value.ptr);
    if (last_ms && apart(c->now_ms, last_ms) > CLOCK_GAP_MS)
        doubt(c, "start", apart(c->now_ms, last_ms));
    c->steady.known = true;
    c->steady.wall_ms = c->now_ms;
    c->steady.mono_ms = c->steady.since_ms = clock_mono_ms(c->clock);
    return ERR_OK;
}

bool clock_steady(struct core *c)
{
    struct steady *s = &c->steady;
    uint64_t wall_ms = c->now_ms;
    uint64_t mono_ms = clock_mono_ms(c->clock);
    uint64_t expected_ms = s->wall_ms + (mono_ms - s->mono_ms);

    if (s->known && apart(wall_ms, expected_ms) > CLOCK_JUMP_MS) {
        doubt(c, "jump", apart(wall_ms, expected_ms));
        s->since_ms = mono_ms;
    }
    s->known = true;
    s->wall_ms = wall_ms;
    s->mono_ms = mono_ms;
    if (s->doubt && mono_ms - s->since_ms >= CLOCK_SETTLE_MS)
        clock_believe(c);
    return !s->doubt;
}

uint64_t clock_doubt_left_ms(const struct core *c)
{
    uint64_t gone_ms = clock_mono_ms(c->clock) - c->steady.since_ms;

    if (!c->steady.doubt)
        return 0;
    return gone_ms < CLOCK_SETTLE_MS ? CLOCK_SETTLE_MS - gone_ms : 1;
}

void clock_believe(struct core *c)
{
    if (c->steady.doubt)
        log_info("clock.believed", "jumps=%llu", (unsigned long long)c->steady.jumps);
    c->steady.doubt = false;
}
