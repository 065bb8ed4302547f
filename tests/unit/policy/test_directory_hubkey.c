/* Another signing key of the hub in the keys log: with the old one's word, and without it. */
#include "directory_world.h"

static struct secret_sign *fresh, *second;

static const struct federation *plan(void)
{
    static struct federation f;

    f = federation_plan();
    return &f;
}

static struct bytes stmt_of(const struct secret_sign *key, uint64_t ts_ms, uint64_t effect_ms)
{
    struct bytes stmt = {0};

    assert_int_equal(hub_key_encode(plan()->id, ts_ms, key, effect_ms, &stmt), ERR_OK);
    return stmt;
}

static struct signer by_hub(const struct secret_sign *key)
{
    return (struct signer){ROLE_HUB, NULL, key};
}

static struct bytes rotated(const struct secret_sign *to, const struct secret_sign *from)
{
    const struct signer by[] = {registrar(), by_hub(from)};

    return ss_of(stmt_of(to, T0 + 10, T0 + 10), by, 2);
}

static struct bytes suspended_by(const struct secret_sign *key, uint64_t ts_ms, bool resume)
{
    const struct signer by[] = {by_hub(key)};
    struct bytes stmt = {0};

    assert_int_equal(suspend_encode(plan()->id, ts_ms, resume, houses[1].org, 1, &stmt), ERR_OK);
    return ss_of(stmt, by, 1);
}

static struct directory *peopled(void)
{
    struct directory *d = directory_begun(DIRECTORY_STATEMENT_TIME);

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(enrol(d, &houses[i]), ERR_OK);
    return d;
}

static void from_its_leaf_on_the_new_key_signs_and_the_former_does_not(void **state)
{
    struct directory *d = peopled();

    (void)state;
    assert_int_equal(put(d, suspended_by(fresh, T0 + 5, false)), ERR_KEY_UNKNOWN);
    assert_int_equal(put(d, rotated(fresh, hub_key)), ERR_OK);
    assert_memory_equal(directory_federation(d)->hub.b, secret_sign_public(fresh)->b, KEY_BYTES);
    assert_true(directory_hub_key_was(d, secret_sign_public(hub_key)));
    assert_false(directory_hub_key_was(d, secret_sign_public(fresh)));
    assert_int_equal(put(d, suspended_by(hub_key, T0 + 20, false)), ERR_KEY_UNKNOWN);
    assert_int_equal(put(d, suspended_by(fresh, T0 + 20, false)), ERR_OK);
    assert_int_equal(put(d, suspended_by(fresh, T0 + 21, true)), ERR_OK);
    directory_free(d);
}

static void a_key_that_was_in_use_does_not_come_back(void **state)
{
    struct directory *d = peopled();

    (void)state;
    assert_int_equal(put(d, rotated(hub_key, hub_key)), ERR_EXISTS);
    assert_int_equal(put(d, rotated(registrar_key, hub_key)), ERR_EXISTS);
    assert_int_equal(put(d, rotated(houses[1].sign, hub_key)), ERR_EXISTS);
    assert_int_equal(put(d, rotated(fresh, hub_key)), ERR_OK);
    assert_int_equal(put(d, rotated(second, hub_key)), ERR_KEY_UNKNOWN); /* by the former */
    assert_int_equal(put(d, rotated(hub_key, fresh)), ERR_EXISTS);
    assert_int_equal(put(d, rotated(second, fresh)), ERR_OK);
    assert_int_equal(put(d, rotated(fresh, second)), ERR_EXISTS);
    directory_free(d);
}

static void neither_hub_nor_registrar_can_do_it_alone(void **state)
{
    const struct signer hub[] = {by_hub(hub_key)};
    const struct signer reg[] = {registrar()};
    const struct signer forged[] = {registrar(), by_hub(second)};
    const struct signer wrong[] = {
        {ROLE_REGISTRAR, NULL, second},
        by_hub(hub_key)
    };
    const struct signer more[] = {registrar(), by_hub(hub_key), countersigner(&houses[1])};
    struct directory *d = peopled();

    (void)state;
    assert_int_equal(put(d, ss_of(stmt_of(fresh, T0 + 10, T0 + 10), hub, 1)), ERR_FIELD_MISSING);
    assert_int_equal(put(d, ss_of(stmt_of(fresh, T0 + 10, T0 + 10), reg, 1)), ERR_COUNTERSIGN);
    assert_int_equal(put(d, ss_of(stmt_of(fresh, T0 + 10, T0 + 10), forged, 2)), ERR_KEY_UNKNOWN);
    assert_int_equal(put(d, ss_of(stmt_of(fresh, T0 + 10, T0 + 10), wrong, 2)), ERR_KEY_UNKNOWN);
    assert_int_equal(put(d, ss_of(stmt_of(fresh, T0 + 10, T0 + 10), more, 3)), ERR_FIELD_VALUE);
    assert_int_equal(put(d, ss_of(stmt_of(fresh, T0 + 10, T0 + 11), forged, 2)), ERR_KEY_UNKNOWN);
    directory_free(d);
}

static void who_lost_the_old_key_needs_two_houses_and_a_day(void **state)
{
    const uint64_t later = T0 + 10 + DELAY_S * 1000ULL;
    const struct signer two[] = {registrar(), countersigner(&houses[1]), countersigner(&houses[2])};
    const struct signer own[] = {registrar(), countersigner(&houses[0]), countersigner(&houses[2])};
    struct directory *d = peopled();

    (void)state;
    assert_int_equal(put(d, ss_of(stmt_of(fresh, T0 + 10, later - 1), two, 3)), ERR_FIELD_VALUE);
    assert_int_equal(put(d, ss_of(stmt_of(fresh, T0 + 10, later), own, 3)), ERR_COUNTERSIGN);
    assert_int_equal(put(d, ss_of(stmt_of(fresh, T0 + 10, later), two, 3)), ERR_OK);
    assert_int_equal(put(d, suspended_by(hub_key, later + 1, false)), ERR_KEY_UNKNOWN);
    assert_int_equal(put(d, suspended_by(fresh, later - 1, false)), ERR_NOT_YET);
    assert_int_equal(put(d, suspended_by(fresh, later, false)), ERR_OK);
    directory_free(d);
}

/* The bytes of a good statement, changed at one place each: field by field. */
static void possession_and_purpose_are_part_of_it(void **state)
{
    struct bytes stmt = stmt_of(fresh, T0 + 10, T0 + 10);
    struct hub_key_statement h;
    struct directory *d = peopled();
    size_t refused = 0;

    (void)state;
    assert_int_equal(hub_key_decode(bytes_span(&stmt), &h), ERR_OK);
    assert_int_equal(h.which, HUB_KEY_SIGNING);
    for (size_t at = 0; at < stmt.len; at++) {
        const struct signer by[] = {registrar(), by_hub(hub_key)};
        struct bytes copy = {0};

        assert_int_equal(bytes_copy(&copy, bytes_span(&stmt)), ERR_OK);
        if (memcmp(copy.ptr + at, h.possession, 8) == 0) { /* of another key: made by none */
            copy.ptr[at] ^= 1;
            assert_int_equal(put(d, ss_of(copy, by, 2)), ERR_POSSESSION);
            refused++;
        } else if (at + 3 < copy.len && copy.ptr[at] == 4 && copy.ptr[at + 1] == HUB_KEY_SIGNING &&
                   copy.ptr[at + 2] == 5) {
            copy.ptr[at + 1] = HUB_KEY_AUDIT_LOG;
            assert_int_equal(put(d, ss_of(copy, by, 2)), ERR_UNSUPPORTED);
            refused++;
        } else {
            bytes_free(&copy);
        }
    }
    assert_int_equal(refused, 2);
    bytes_free(&stmt);
    directory_free(d);
}

static int keys_up(void **state)
{
    struct entropy source = entropy_system();

    if (world_open(state))
        return -1;
    assert_int_equal(secret_sign_generate(&source, &fresh), ERR_OK);
    assert_int_equal(secret_sign_generate(&source, &second), ERR_OK);
    return 0;
}

static int keys_down(void **state)
{
    secret_sign_free(fresh);
    secret_sign_free(second);
    return world_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_its_leaf_on_the_new_key_signs_and_the_former_does_not),
        cmocka_unit_test(a_key_that_was_in_use_does_not_come_back),
        cmocka_unit_test(neither_hub_nor_registrar_can_do_it_alone),
        cmocka_unit_test(who_lost_the_old_key_needs_two_houses_and_a_day),
        cmocka_unit_test(possession_and_purpose_are_part_of_it),
    };

    return cmocka_run_group_tests(tests, keys_up, keys_down);
}
