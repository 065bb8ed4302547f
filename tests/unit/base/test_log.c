#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

#define AT "2024-02-29T12:30:45.007Z "

static struct clock_fixed now;
static int ends[2];
static char text[8192];

static int setup(void **state)
{
    (void)state;
    clock_fixed_init(&now, UINT64_C(1709209845007));
    if (pipe2(ends, 0) < 0)
        return -1;
    log_setup(ends[1], LEVEL_DEBUG, &now.clock);
    return 0;
}

/* Ends windows that are open, so that one test's counts are not another's. */
static int teardown(void **state)
{
    (void)state;
    log_setup(ends[1], LEVEL_DEBUG, &now.clock);
    clock_fixed_advance(&now, UINT64_C(1) << 40);
    log_tick();
    log_setup(STDERR_FILENO, LEVEL_INFO, NULL);
    return close(ends[0]) || close(ends[1]);
}

/* What was logged since the last call. */
static const char *logged(void)
{
    ssize_t n;

    if (write(ends[1], "", 1) != 1) /* so that read() never waits */
        fail();
    n = read(ends[0], text, sizeof text - 1);
    assert_true(n > 0);
    text[n - 1] = '\0';
    return text;
}

static void an_event_is_one_line_with_time_level_and_name(void **state)
{
    (void)state;
    log_info("deposit.accepted", "from=%s seq=%" PRIu64, "clinic-a", UINT64_C(7));
    assert_string_equal(logged(), AT "info deposit.accepted from=clinic-a seq=7\n");
    log_debug("a.b", "%s", "x");
    log_warn("a.b", "n=%d", -1);
    log_error("a.b", "%s", "");
    assert_string_equal(logged(), AT "debug a.b x\n" AT "warn a.b n=-1\n" AT "error a.b \"\"\n");
}

static void levels_below_the_least_are_silent(void **state)
{
    (void)state;
    log_setup(ends[1], LEVEL_WARN, &now.clock);
    log_info("a.b", "%s", "x");
    log_limited(LEVEL_INFO, "a.b", "%s", "x");
    log_event((enum log_level)9, "a.b", "%s", "x");
    assert_string_equal(logged(), "");
    log_warn("a.b", "%s", "x");
    assert_string_equal(logged(), AT "warn a.b x\n");
}

static void a_value_cannot_forge_a_field_or_a_line(void **state)
{
    (void)state;
    log_info("a.b", "v=%s w=%s", "x seq=9", "x\n2024 info fake");
    assert_string_equal(logged(), AT "info a.b v=\"x seq=9\" w=\"x\\x0a2024 info fake\"\n");
    log_info("a.b", "v=%s", "x=1");
    assert_string_equal(logged(), AT "info a.b v=\"x=1\"\n");
    log_info("a.b", "v=%s", "a\"b\\c");
    assert_string_equal(logged(), AT "info a.b v=\"a\\\"b\\\\c\"\n");
    log_info("a.b", "v=%s", "\x1b[2J\xc3\xa9\x7f");
    assert_string_equal(logged(), AT "info a.b v=\"\\x1b[2J\\xc3\\xa9\\x7f\"\n");
    log_info("a.b", "v=%c", '\n');
    assert_string_equal(logged(), AT "info a.b v=\"\\x0a\"\n");
}

static void every_listed_conversion_prints_as_printf_would(void **state)
{
    const char *volatile none = NULL;

    (void)state;
    log_info("a.b", "%d %i %u %x %X %c %%", -5, 6, 7U, 0xabU, 0xabU, 'c');
    assert_string_equal(logged(), AT "info a.b -5 6 7 ab AB c %\n");
    log_info("a.b", "%ld %lld %zd %jd %td", LONG_MIN, LLONG_MAX, (ssize_t)-1, (intmax_t)-2,
             (ptrdiff_t)-3);
    assert_string_equal(logged(),
                        AT "info a.b -9223372036854775808 9223372036854775807 -1 -2 -3\n");
    log_info("a.b", "%lu %llu %zu %ju %hhu %hu", ULONG_MAX, ULLONG_MAX, (size_t)1, (uintmax_t)2,
             (unsigned char)3, (unsigned short)4);
    assert_string_equal(logged(),
                        AT "info a.b 18446744073709551615 18446744073709551615 1 2 3 4\n");
    log_info("a.b", "%08x %3d|%-3d|%+d", 0xbeefU, 1, 2, 3);
    assert_string_equal(logged(), AT "info a.b 0000beef   1|2  |+3\n");
    log_info("a.b", "%.*s %.2s %s", 3, "abcdef", "abcdef", none);
    assert_string_equal(logged(), AT "info a.b abc ab -\n");
}

static void an_unknown_conversion_ends_the_line(void **state)
{
    (void)state;
    log_info("a.b", "x=%f y=%d", 1.5, 2);
    assert_string_equal(logged(), AT "info a.b x=?\n");
}

static void a_long_line_is_cut_and_shows_it(void **state)
{
    char value[2 * LOG_LINE_MAX];

    (void)state;
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    log_info("a.b", "v=%s", value);
    assert_true(strlen(logged()) <= LOG_LINE_MAX);
    assert_string_equal(text + strlen(text) - 5, "x...\n");
    log_info("a.b", "%100d", 5); /* wider than any number */
    assert_true(strlen(logged()) <= LOG_LINE_MAX);
}

static void a_time_beyond_rfc_3339_is_a_dash(void **state)
{
    (void)state;
    clock_fixed_jump(&now, UINT64_MAX);
    log_info("a.b", "%s", "x");
    assert_string_equal(logged(), "- info a.b x\n");
}

static void the_system_clock_is_used_when_none_is_given(void **state)
{
    (void)state;
    log_setup(ends[1], LEVEL_INFO, NULL);
    log_info("a.b", "%s", "x");
    assert_memory_equal(logged(), "20", 2);
    log_tick();
}

static void a_repeated_event_is_counted_instead_of_printed(void **state)
{
    (void)state;
    for (int i = 0; i < LOG_BURST + 3; i++)
        log_limited(LEVEL_WARN, "peer.noise", "i=%d", i);
    log_limited(LEVEL_WARN, "peer.other", "%s", "x"); /* has a window of its own */
    assert_string_equal(logged(), AT "warn peer.noise i=0\n" AT "warn peer.noise i=1\n" AT
                                     "warn peer.noise i=2\n" AT "warn peer.noise i=3\n" AT
                                     "warn peer.noise i=4\n" AT "warn peer.other x\n");

    clock_fixed_jump(&now, 0);
    log_tick(); /* the window counts elapsed time, not the wall clock's jump */
    assert_string_equal(logged(), "");
    clock_fixed_advance(&now, LOG_WINDOW_MS);
    log_tick();
    assert_string_equal(logged(), "1970-01-01T00:00:10.000Z warn peer.noise suppressed=3\n");
    log_tick();
    assert_string_equal(logged(), "");
}

static void the_next_event_after_the_window_tells_the_count_too(void **state)
{
    (void)state;
    for (int i = 0; i < LOG_BURST + 1; i++)
        log_limited(LEVEL_WARN, "peer.again", "i=%d", i);
    (void)logged();
    clock_fixed_jump(&now, 0);
    clock_fixed_advance(&now, LOG_WINDOW_MS);
    log_limited(LEVEL_WARN, "peer.again", "i=%d", 9);
    assert_string_equal(logged(), "1970-01-01T00:00:10.000Z warn peer.again suppressed=1\n"
                                  "1970-01-01T00:00:10.000Z warn peer.again i=9\n");
}

static void names_beyond_the_table_are_printed_unlimited(void **state)
{
    static char names[LOG_LIMITED_MAX + 1][8];

    (void)state;
    for (int i = 0; i <= LOG_LIMITED_MAX; i++) {
        snprintf(names[i], sizeof names[i], "n.%d", i);
        log_limited(LEVEL_WARN, names[i], "%s", "x");
    }
    (void)logged();
    for (int i = 0; i < 2 * LOG_BURST; i++)
        log_limited(LEVEL_WARN, names[LOG_LIMITED_MAX], "i=%d", i);
    (void)logged();
    assert_non_null(strstr(text, "i=9"));
}

static void level_names_are_read(void **state)
{
    enum log_level level = LEVEL_INFO;

    (void)state;
    assert_int_equal(log_level_read("error", &level), ERR_OK);
    assert_int_equal(level, LEVEL_ERROR);
    assert_int_equal(log_level_read("loud", &level), ERR_RANGE);
    assert_int_equal(level, LEVEL_ERROR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_is_one_line_with_time_level_and_name),
        TEST(levels_below_the_least_are_silent),
        TEST(a_value_cannot_forge_a_field_or_a_line),
        TEST(every_listed_conversion_prints_as_printf_would),
        TEST(an_unknown_conversion_ends_the_line),
        TEST(a_long_line_is_cut_and_shows_it),
        TEST(a_time_beyond_rfc_3339_is_a_dash),
        TEST(the_system_clock_is_used_when_none_is_given),
        TEST(a_repeated_event_is_counted_instead_of_printed),
        TEST(the_next_event_after_the_window_tells_the_count_too),
        TEST(names_beyond_the_table_are_printed_unlimited),
        TEST(level_names_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
