/*
 * The arithmetic of the map: limits, growth, what a record is counted as.
 */
#include "mapsize.h"
#include "store_fixture.h"

static const uint64_t mib = 1 << 20;

static void a_map_goes_on_beyond_its_quota_so_that_a_full_store_can_be_emptied(void **state)
{
    (void)state;
    assert_true(map_limit(STORE_QUOTA_MIN) == 2 * mib);
    assert_true(map_limit(160 * mib) == 170 * mib);
    assert_true(map_limit(160 * mib + 1) == 170 * mib + MAP_GRAIN);
    assert_true(map_limit(0) == MAP_MAX);
    assert_true(map_limit(UINT64_MAX) == MAP_MAX);
}

static void the_first_map_is_what_was_asked_within_the_limit(void **state)
{
    (void)state;
    assert_true(map_first(0, 0) == STORE_FIRST_MAP_BYTES);
    assert_true(map_first(1, 0) == MAP_GRAIN);
    assert_true(map_first(0, 4 * mib) == 5 * mib);
    assert_true(map_first(3 * mib, 4 * mib) == 3 * mib);
    assert_true(map_first(UINT64_MAX, 0) == MAP_MAX);
}

static void a_map_doubles_until_it_is_not_crowded_and_stops_at_its_limit(void **state)
{
    (void)state;
    assert_false(map_is_crowded(80, 100));
    assert_true(map_is_crowded(85, 100));
    assert_true(map_next(85 * mib, 100 * mib, MAP_MAX) == 200 * mib);
    assert_true(map_next(700 * mib, 100 * mib, MAP_MAX) == 1600 * mib);
    assert_true(map_next(85 * mib, 100 * mib, 150 * mib) == 150 * mib);
    assert_true(map_next(99 * mib, 100 * mib, 100 * mib) == 100 * mib);
    assert_true(map_next(1 * mib, MAP_MAX, MAP_MAX) == MAP_MAX);
}

static void a_record_over_half_a_page_is_counted_in_pages(void **state)
{
    (void)state;
    assert_true(record_cost(4096, 8, 0) == 48);
    assert_true(record_cost(4096, 8, 2024) == 4096);
    assert_true(record_cost(4096, 8, 2025) == 48 + 4096);
    assert_true(record_cost(4096, 8, 4080) == 48 + 4096);
    assert_true(record_cost(4096, 8, 4081) == 48 + 2 * 4096);
}

static void a_list_of_pages_is_counted_within_its_bytes(void **state)
{
    const size_t list[] = {4, 90, 50, 30, 20};

    (void)state;
    assert_int_equal(page_list_count(list, sizeof list, 0), 4);
    assert_int_equal(page_list_count(list, sizeof list, 50), 2);
    assert_int_equal(page_list_count(list, sizeof list, 91), 0);
    assert_int_equal(page_list_count(list, sizeof list - 8, 0), 3); /* one is cut off */
    assert_int_equal(page_list_count(list, 8, 0), 0);
    assert_int_equal(page_list_count(list, 7, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_goes_on_beyond_its_quota_so_that_a_full_store_can_be_emptied),
        cmocka_unit_test(the_first_map_is_what_was_asked_within_the_limit),
        cmocka_unit_test(a_map_doubles_until_it_is_not_crowded_and_stops_at_its_limit),
        cmocka_unit_test(a_record_over_half_a_page_is_counted_in_pages),
        cmocka_unit_test(a_list_of_pages_is_counted_within_its_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
