/* Who is cut off for the memory that the hub holds for him: what two looks in a row have found. */
/* link: -Wl,--wrap=link_survey,--wrap=link_drop,--wrap=machine_held_bytes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "door_internal.h"

#define MEMORY_MAX (UINT64_C(1) << 30)
#define LIGHT (1u << 20)
#define HEAVY (13u << 20) /* more than a look lets pass, and no proof */

/* What the next look finds. */
static struct link_connection found;
static size_t drops;

enum err __wrap_link_survey(struct link_socket *s, struct link_connection *out, size_t most,
                            size_t *n);
enum err __wrap_link_survey(struct link_socket *s, struct link_connection *out, size_t most,
                            size_t *n)
{
    (void)s;
    assert_true(most > 0);
    out[0] = found;
    *n = 1;
    return ERR_OK;
}

enum err __wrap_link_drop(struct link_socket *s, const struct link_connection *c);
enum err __wrap_link_drop(struct link_socket *s, const struct link_connection *c)
{
    (void)s;
    (void)c;
    drops++;
    return ERR_OK;
}

uint64_t __wrap_machine_held_bytes(void);
uint64_t __wrap_machine_held_bytes(void)
{
    return MEMORY_MAX / 2 + 1;
}

static struct door door;

static int door_up(void **state)
{
    memset(&door, 0, sizeof door);
    door.o.memory_max_bytes = MEMORY_MAX;
    door.members = (struct link_socket *)&door; /* only handed on to the survey */
    drops = 0;
    *state = &door;
    return 0;
}

static void look(struct door *d, const char *user, int guessed, uint64_t held)
{
    found = (struct link_connection){.connection = 7, .unread = held, .guessed = guessed};
    snprintf(found.user, sizeof found.user, "%s", user);
    d->now_ms += 1000;
    door_watch_memory(d);
}

static void who_is_heavy_twice_in_a_row_is_cut_off(void **state)
{
    struct door *d = *state;

    look(d, "one", 0, HEAVY);
    assert_int_equal(drops, 0);
    look(d, "one", 0, HEAVY);
    assert_int_equal(drops, 1);
}

/* It is no suspicion for life; nor is everybody looked at fifty times a second for it. */
static void who_was_heavy_once_is_forgotten_at_the_next_look(void **state)
{
    struct door *d = *state;

    look(d, "one", 0, HEAVY);
    assert_int_not_equal(d->suspected, 0);
    look(d, "one", 0, LIGHT);
    assert_int_equal(d->suspected, 0);
    look(d, "one", 0, HEAVY);
    assert_int_equal(drops, 0);
    look(d, "one", 0, HEAVY);
    assert_int_equal(drops, 1);
}

static void a_guess_counts_when_the_next_one_is_the_same(void **state)
{
    struct door *d = *state;

    look(d, "one", LINK_GUESS_ADDRESS, HEAVY);
    look(d, "two", LINK_GUESS_ADDRESS, HEAVY);
    assert_int_equal(drops, 0);
    look(d, "two", LINK_GUESS_ADDRESS, HEAVY);
    assert_int_equal(drops, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, door_up)
    static const struct CMUnitTest tests[] = {
        TEST(who_is_heavy_twice_in_a_row_is_cut_off),
        TEST(who_was_heavy_once_is_forgotten_at_the_next_look),
        TEST(a_guess_counts_when_the_next_one_is_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
