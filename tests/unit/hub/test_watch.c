/* Each limit warns before it is reached, and says so again; what makes a hub not ready. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "watch_internal.h"

#define GIB (UINT64_C(1) << 30)
#define WHOLE (100 * GIB)

/* A machine and a store where all is well. */
static struct seen fine(void)
{
    struct seen s = {.memory_max_bytes = WHOLE};

    s.m = (struct machine){.disk_bytes = WHOLE,
                           .disk_free_bytes = WHOLE,
                           .descriptors_max = 1000,
                           .clock_synchronised = true};
    s.f.told_ms = 1;
    s.f.store.quota_bytes = WHOLE;
    s.f.att.max_bytes = WHOLE;
    s.f.att.quota_bytes = WHOLE;
    return s;
}

/* How each figure is raised to `v` of its own unit. */
static void raise_to(struct seen *s, const char *name, uint64_t v)
{
    const struct {
        const char *name;
        uint64_t *at;
        uint64_t unit;
    } rows[] = {
        {"store",        &s->f.store.used_bytes,  GIB },
        {"memory",       &s->m.held_bytes,        GIB },
        {"descriptors",  &s->m.descriptors,       10  },
        {"oldest",       &s->f.oldest_ms,         1000},
        {"reader",       &s->f.reader_age_ms,     1000},
        {"store_thread", &s->silent_ms,           1000},
        {"witnesses",    &s->f.witness_age_s,     1   },
        {"clones",       &s->f.cloned,            1   },
        {"attachments",  &s->f.att.bytes,         GIB },
        {"att_quota",    &s->f.att.fullest_bytes, GIB },
        {"member_log",   &s->f.log_percent,       1   },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0) {
            *rows[i].at = v * rows[i].unit;
            return;
        }
    if (strcmp(name, "disk") == 0)
        s->m.disk_free_bytes = WHOLE - v * GIB;
    else if (strcmp(name, "queue") == 0)
        s->queue_percent = (unsigned)v;
    else if (strcmp(name, "clock") == 0)
        s->m.clock_synchronised = v == 0;
    else
        fail_msg("no test raises the limit %s", name);
}

static enum limit_level level_at(const struct limit *l, uint64_t v)
{
    struct seen s = fine();

    raise_to(&s, l->name, v);
    return limit_judge(l->value(&s), l->near, l->reached);
}

static void every_limit_warns_before_it_is_reached(void **state)
{
    size_t warned = 0;

    (void)state;
    for (size_t i = 0; i < LIMITS; i++) {
        const struct limit *l = &limits[i];

        assert_int_equal(level_at(l, 0), LIMIT_FINE);
        assert_true(l->near || l->reached);
        if (l->near) {
            assert_int_equal(level_at(l, l->near - 1), LIMIT_FINE);
            assert_int_equal(level_at(l, l->near), LIMIT_NEAR);
        }
        if (l->reached) {
            assert_int_equal(level_at(l, l->reached - 1), l->near ? LIMIT_NEAR : LIMIT_FINE);
            assert_int_equal(level_at(l, l->reached), LIMIT_REACHED);
        }
        warned += l->near && l->reached;
    }
    assert_int_equal(warned, LIMITS - 2); /* a clone and a lost clock have no before */
}

static const char *why_not(const struct seen *s)
{
    struct watch w = {.ready = true, .seen = *s};

    return watch_why_not_ready(&w);
}

static void a_hub_says_why_it_is_not_ready(void **state)
{
    struct seen s = fine();

    (void)state;
    assert_null(why_not(&s));
    s.m.disk_free_bytes = DISK_FREE_MIN_BYTES;
    assert_null(why_not(&s));
    s.m.disk_free_bytes--;
    assert_string_equal(why_not(&s), "disk_full");
    s.m.disk_bytes = 0; /* not known: no reason to stop */
    s.m.disk_free_bytes = 0;
    assert_null(why_not(&s));
    s.f.tight = true;
    assert_string_equal(why_not(&s), "store_full");
    s.f.told_ms = 0;
    assert_string_equal(why_not(&s), "starting");
    s.silent_ms = 3600000;
    assert_string_equal(why_not(&s), "store_thread");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_limit_warns_before_it_is_reached),
        cmocka_unit_test(a_hub_says_why_it_is_not_ready),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
