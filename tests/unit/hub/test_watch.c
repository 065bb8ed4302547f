/* Each limit warns before it is reached, and says so again; every setting that bounds something has
 * one; what makes a hub not ready. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf.h"
#include "serve.h"
#include "watch_internal.h"

#define GIB (UINT64_C(1) << 30)
#define WHOLE (100 * GIB)

/* A machine and a store where all is well. */
static struct seen fine(void)
{
    struct seen s = {.memory_max_bytes = WHOLE, .nodes_max = 1000};

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
        {"store",          &s->f.store.used_bytes,  GIB },
        {"memory",         &s->m.held_bytes,        GIB },
        {"descriptors",    &s->m.descriptors,       10  },
        {"nodes",          &s->sessions,            10  },
        {"waiting",        &s->f.waiting_percent,   1   },
        {"member_waiting", &s->f.member_percent,    1   },
        {"oldest",         &s->f.oldest_ms,         1000},
        {"reader",         &s->f.reader_age_ms,     1000},
        {"store_thread",   &s->silent_ms,           1000},
        {"witnesses",      &s->f.witness_age_s,     1   },
        {"clones",         &s->f.cloned,            1   },
        {"attachments",    &s->f.att.bytes,         GIB },
        {"att_quota",      &s->f.att.fullest_bytes, GIB },
        {"member_log",     &s->f.log_percent,       1   },
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

/* --- the settings ---------------------------------------------------------------------------- */

/* Every setting of hub.conf: the limit that warns of it, or why it needs none. */
static const struct {
    const char *setting;
    const char *limit; /* NULL: none */
    const char *why;
} covered[] = {
    {"store_max",                 "store",          NULL                                         },
    {"memory_max",                "memory",         NULL                                         },
    {"nodes_max",                 "nodes",          NULL                                         },
    {"waiting_max",               "waiting",        NULL                                         },
    {"quota_messages",            "member_waiting", NULL                                         },
    {"quota_bytes",               "member_waiting", NULL                                         },
    {"log_day",                   "member_log",     NULL                                         },
    {"log_total",                 "member_log",     NULL                                         },
    {"circles_day",               "member_log",     NULL                                         },
    {"circles_total",             "member_log",     NULL                                         },
    {"attachment_max",            "attachments",    NULL                                         },
    {"attachment_quota",          "att_quota",      NULL                                         },
    {"silent_after",              NULL,             "is itself a warning, of a node"             },
    {"rate_per_s",                NULL,             "over within a second; refusals are counted" },
    {"rate_burst",                NULL,             "over within a second; refusals are counted" },
    {"inflight_messages",         NULL,             "a window: a busy node is always at its edge"},
    {"inflight_bytes",            NULL,             "a window: a busy node is always at its edge"},
    {"workers",                   NULL,             "threads; what waits for them: queue"        },
    {"store_check",               NULL,             "how much is read at a start"                },
    {"operators_required",        NULL,             "a rule of persons"                          },
    {"heads_every",               NULL,             "a rhythm"                                   },
    {"restore_wait",              NULL,             "a delay, once after a restore"              },
    {"passphrase_file",           NULL,             "a path"                                     },
    {"listen",                    NULL,             "an address"                                 },
    {"join_listen",               NULL,             "an address"                                 },
    {"emergency_listen",          NULL,             "an address"                                 },
    {"public_endpoint",           NULL,             "an address"                                 },
    {"public_join_endpoint",      NULL,             "an address"                                 },
    {"public_emergency_endpoint", NULL,             "an address"                                 },
    {"metrics_listen",            NULL,             "an address"                                 },
};
#define COVERED (sizeof covered / sizeof covered[0])

static bool is_limit(const char *name)
{
    for (size_t i = 0; i < LIMITS; i++)
        if (strcmp(limits[i].name, name) == 0)
            return true;
    return false;
}

static void every_setting_that_bounds_something_has_a_limit_that_warns(void **state)
{
    size_t n;
    const struct setting *rows = hub_settings(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;

        while (at < COVERED && strcmp(covered[at].setting, rows[i].key) != 0)
            at++;
        if (at == COVERED)
            fail_msg("no limit warns of the setting %s, and nobody says why not", rows[i].key);
        if (covered[at].limit ? !is_limit(covered[at].limit) : !covered[at].why)
            fail_msg("the setting %s has neither a limit nor a reason", rows[i].key);
    }
    assert_int_equal(n, COVERED); /* none for a setting that has gone */
}

static void every_limit_says_what_it_is_and_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < LIMITS; i++) {
        assert_true(strlen(limits[i].text) > 5);
        assert_true(strlen(limits[i].advice) > 20);
    }
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
        cmocka_unit_test(every_setting_that_bounds_something_has_a_limit_that_warns),
        cmocka_unit_test(every_limit_says_what_it_is_and_what_to_do),
        cmocka_unit_test(a_hub_says_why_it_is_not_ready),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
