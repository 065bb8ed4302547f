/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exposition.h"
#include "failing_alloc.h"
#include "metrics.h"

static void fill(struct bytes *out, enum err *failed)
{
    struct metrics m = metrics_over(out);
    struct histogram h = {0};

    histogram_add(&h, 100);
    histogram_add(&h, 101);
    histogram_add(&h, 60000000);
    metric_one(&m, "relais_a", METRIC_GAUGE, "One figure.", 7);
    metric_family(&m, "relais_b_total", METRIC_COUNTER, "Two.");
    metric_labelled(&m, "why", "plain", 1);
    metric_labelled(&m, "why", "a \"quoted\" \\ line\nbreak", 2);
    metric_family(&m, "relais_c", METRIC_GAUGE, "Below zero.");
    metric_signed(&m, -3);
    metric_histogram(&m, "relais_d_seconds", "Latency.", &h);
    *failed = m.failed;
}

static void figures_follow_the_text_format(void **state)
{
    struct exposition_facts facts = {0};
    struct bytes out = {0};
    enum err e;

    (void)state;
    fill(&out, &e);
    assert_int_equal(e, ERR_OK);
    assert_null(exposition_check(bytes_span(&out), &facts));
    assert_int_equal(facts.families, 4);
    assert_int_equal(facts.histograms, 1);
    assert_true(exposition_value(bytes_span(&out), "relais_a") == 7);
    assert_true(exposition_value(bytes_span(&out), "relais_c") == -3);
    assert_true(exposition_value(bytes_span(&out),
                                 "relais_b_total{why=\"a \\\"quoted\\\" \\\\ line\\nbreak\"}") ==
                2);
    assert_true(exposition_value(bytes_span(&out), "relais_d_seconds_bucket{le=\"0.000100\"}") ==
                1);
    assert_true(exposition_value(bytes_span(&out), "relais_d_seconds_bucket{le=\"+Inf\"}") == 3);
    assert_true(exposition_value(bytes_span(&out), "relais_d_seconds_sum") > 60.0002);
    bytes_free(&out);
}

static void percentiles_are_the_step_that_holds_them(void **state)
{
    struct histogram h = {0};

    (void)state;
    assert_int_equal(histogram_percentile_us(&h, 50), 0);
    for (int i = 0; i < 98; i++)
        histogram_add(&h, 150);
    histogram_add(&h, 4000);
    histogram_add(&h, 99000000);
    assert_int_equal(histogram_count(&h), 100);
    assert_int_equal(histogram_percentile_us(&h, 50), 200);
    assert_int_equal(histogram_percentile_us(&h, 99), 5000);
    assert_int_equal(histogram_percentile_us(&h, 100), 10000000);
}

static void without_memory_a_page_is_refused_and_not_cut(void **state)
{
    size_t failures = 0;

    (void)state;
    for (long n = 1;; n++) {
        struct bytes out = {0};
        enum err e;

        alloc_fail_after(n);
        fill(&out, &e);
        alloc_fail_after(-1);
        bytes_free(&out);
        if (e == ERR_OK)
            break;
        assert_int_equal(e, ERR_NOMEM);
        failures++;
    }
    assert_true(failures > 2);
}

static void a_reader_of_figures_notices_what_is_wrong(void **state)
{
    static const char *const wrong[] = {
        "",
        "relais_a 1\n",
        "# HELP relais_a x\nrelais_a 1\n",
        "# HELP relais_a x\n# TYPE relais_a gauge\nrelais_a 1",
        "# HELP relais_a x\n# TYPE relais_a gauge\nrelais_a x\n",
        "# HELP relais_a x\n# TYPE relais_a counter\nrelais_a 1\n",
        "# HELP relais_a x\n# TYPE relais_a gauge\nrelais_a 1\nrelais_a 2\n",
        "# HELP relais_a x\n# TYPE relais_a gauge\nrelais_a{b=c} 2\n",
        "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\n",
        "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_sum 1\na_count 2\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_non_null(exposition_check(span_text(wrong[i]), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_follow_the_text_format),
        cmocka_unit_test(percentiles_are_the_step_that_holds_them),
        cmocka_unit_test(without_memory_a_page_is_refused_and_not_cut),
        cmocka_unit_test(a_reader_of_figures_notices_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
