/* What people read on the hub's screens: moments and kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "ids.h"
#include "screen.h"

#define WINTER_MS UINT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define SUMMER_MS UINT64_C(1785542400000) /* 2026-08-01T00:00:00Z */

static void says(const char *zone, uint64_t ms, const char *wanted)
{
    char text[WHEN_BYTES];

    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
    assert_int_equal(when_said(ms, text), ERR_OK);
    assert_string_equal(text, wanted);
}

static void a_moment_is_in_the_machines_own_time_and_names_its_zone(void **state)
{
    (void)state;
    says("CET-1CEST,M3.5.0,M10.5.0/3", WINTER_MS, "01/01/2026 à 01:00 (UTC+1)");
    says("CET-1CEST,M3.5.0,M10.5.0/3", SUMMER_MS, "01/08/2026 à 02:00 (UTC+2)");
    says("<-04>4", WINTER_MS, "31/12/2025 à 20:00 (UTC-4)"); /* Martinique, Guadeloupe */
    says("<+0530>-5:30", WINTER_MS, "01/01/2026 à 05:30 (UTC+5:30)");
    says("UTC0", WINTER_MS, "01/01/2026 à 00:00 (UTC)");
    says("UTC0", 0, "01/01/1970 à 00:00 (UTC)");
}

static void a_moment_beyond_the_year_9999_is_an_error(void **state)
{
    char text[WHEN_BYTES] = "as it was";

    (void)state;
    assert_int_equal(when_said(UINT64_MAX, text), ERR_RANGE);
    assert_string_equal(text, "as it was");
}

static void kinds_of_organisations_are_in_french(void **state)
{
    (void)state;
    assert_string_equal(org_kind_said(ORG_HOSPITAL), "hôpital");
    assert_string_equal(org_kind_said(ORG_EMERGENCY), "service d'urgence");
    assert_string_equal(org_kind_said(ORG_OTHER), "autre");
    assert_string_equal(org_kind_said(0), "type inconnu");
    assert_string_equal(org_kind_said(ORG_OTHER + 1), "type inconnu");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_is_in_the_machines_own_time_and_names_its_zone),
        cmocka_unit_test(a_moment_beyond_the_year_9999_is_an_error),
        cmocka_unit_test(kinds_of_organisations_are_in_french),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
