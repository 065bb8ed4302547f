/* link: -Wl,--wrap=opendir,--wrap=adjtimex,--wrap=statvfs,--wrap=getrlimit */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include <cmocka.h>

#include "machine.h"

static bool blind;
static int time_state = TIME_OK;

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
    return blind ? NULL : __real_opendir(path);
}

int __wrap_adjtimex(struct timex *t);
int __wrap_adjtimex(struct timex *t)
{
    (void)t;
    return time_state;
}

int __real_statvfs(const char *path, struct statvfs *out);
int __wrap_statvfs(const char *path, struct statvfs *out);
int __wrap_statvfs(const char *path, struct statvfs *out)
{
    return blind ? -1 : __real_statvfs(path, out);
}

int __real_getrlimit(__rlimit_resource_t what, struct rlimit *out);
int __wrap_getrlimit(__rlimit_resource_t what, struct rlimit *out);
int __wrap_getrlimit(__rlimit_resource_t what, struct rlimit *out)
{
    return blind ? -1 : __real_getrlimit(what, out);
}

static void a_machine_says_what_it_has(void **state)
{
    struct machine m;

    (void)state;
    machine_look(".", &m);
    assert_true(m.held_bytes > 0);
    assert_true(m.descriptors >= 3 && m.descriptors < m.descriptors_max);
    assert_true(m.disk_bytes >= m.disk_free_bytes && m.disk_bytes > 0);
    assert_true(m.clock_synchronised);
}

static void what_cannot_be_read_is_zero_and_no_failure(void **state)
{
    struct machine m;

    (void)state;
    blind = true;
    machine_look(".", &m);
    blind = false;
    assert_int_equal(m.descriptors, 0);
    assert_int_equal(m.descriptors_max, 0);
    assert_int_equal(m.disk_bytes, 0);
}

static void a_clock_that_nobody_keeps_is_told(void **state)
{
    struct machine m;

    (void)state;
    time_state = TIME_ERROR;
    machine_look(".", &m);
    assert_false(m.clock_synchronised);
    time_state = -1; /* not allowed to ask */
    machine_look(".", &m);
    assert_true(m.clock_synchronised);
    time_state = TIME_OK;
}

static void parts_are_percents_without_overflow(void **state)
{
    (void)state;
    assert_int_equal(percent_of(0, 0), 0);
    assert_int_equal(percent_of(5, 0), 0);
    assert_int_equal(percent_of(79, 100), 79);
    assert_int_equal(percent_of(799, 1000), 79);
    assert_int_equal(percent_of(UINT64_MAX, UINT64_MAX), 100);
    assert_int_equal(percent_of(UINT64_MAX / 2, UINT64_MAX), 50);
}

static void a_figure_is_fine_near_or_reached(void **state)
{
    (void)state;
    assert_int_equal(limit_judge(79, 80, 95), LIMIT_FINE);
    assert_int_equal(limit_judge(80, 80, 95), LIMIT_NEAR);
    assert_int_equal(limit_judge(95, 80, 95), LIMIT_REACHED);
    assert_int_equal(limit_judge(1000, 0, 0), LIMIT_FINE);
    assert_int_equal(limit_judge(1, 1, 0), LIMIT_NEAR);
    assert_int_equal(limit_judge(1, 0, 1), LIMIT_REACHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_says_what_it_has),
        cmocka_unit_test(what_cannot_be_read_is_zero_and_no_failure),
        cmocka_unit_test(a_clock_that_nobody_keeps_is_told),
        cmocka_unit_test(parts_are_percents_without_overflow),
        cmocka_unit_test(a_figure_is_fine_near_or_reached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
