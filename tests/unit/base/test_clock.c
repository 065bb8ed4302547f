#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"

static void a_fixed_clock_moves_only_when_turned(void **state)
{
    struct clock_fixed f;

    (void)state;
    clock_fixed_init(&f, 1000);
    assert_int_equal(clock_now_ms(&f.clock), 1000);
    assert_int_equal(clock_mono_ms(&f.clock), 0);
    clock_fixed_advance(&f, 5);
    assert_int_equal(clock_now_ms(&f.clock), 1005);
    assert_int_equal(clock_mono_ms(&f.clock), 5);
    clock_fixed_jump(&f, 10); /* somebody set the wall clock */
    assert_int_equal(clock_now_ms(&f.clock), 10);
    assert_int_equal(clock_mono_ms(&f.clock), 5);
}

static void the_system_clock_runs(void **state)
{
    const struct clock *c = clock_system();
    uint64_t before = clock_mono_ms(c);

    (void)state;
    assert_true(clock_now_ms(c) > UINT64_C(1700000000000)); /* after 2023 */
    assert_true(clock_mono_ms(c) >= before);
}

static void times_are_written_as_rfc_3339(void **state)
{
    char text[TIME_TEXT_BYTES];

    (void)state;
    assert_int_equal(time_text(0, text), ERR_OK);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    assert_int_equal(time_text(UINT64_C(1709209845007), text), ERR_OK); /* a 29 February */
    assert_string_equal(text, "2024-02-29T12:30:45.007Z");
    assert_int_equal(time_text(UINT64_C(253402300799999), text), ERR_OK);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void times_after_the_year_9999_are_refused(void **state)
{
    char text[TIME_TEXT_BYTES] = "kept";

    (void)state;
    assert_int_equal(time_text(UINT64_C(253402300800000), text), ERR_RANGE);
    assert_int_equal(time_text(UINT64_MAX, text), ERR_RANGE);
    assert_string_equal(text, "kept");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fixed_clock_moves_only_when_turned),
        cmocka_unit_test(the_system_clock_runs),
        cmocka_unit_test(times_are_written_as_rfc_3339),
        cmocka_unit_test(times_after_the_year_9999_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
