/* Other keys of the hub in the keys log: with the hub's word, and without it. */
#include "directory_world.h"
#include "writer.h"

static struct secret_sign *fresh, *second;

static const struct federation *plan(void)
{
    static struct federation f;

    f = federation_plan();
    return &f;
}

static struct bytes stmt_of(const struct secret_sign *key, uint64_t ts_ms, uint64_t effect_ms)
{
    struct hub_key_statement s = {.ts_ms = ts_ms, .which = HUB_KEY_SIGNING, .effect_ms = effect_ms};
    struct bytes stmt = {0};

    memcpy(s.federation, plan()->id, ID_BYTES);
    assert_int_equal(hub_key_encode(&s, key, &stmt), ERR_OK);
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
    assert_true(directory_hub_key_was(d, HUB_KEY_SIGNING, secret_sign_public(hub_key)->b));
    assert_false(directory_hub_key_was(d, HUB_KEY_SIGNING, secret_sign_public(fresh)->b));
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
            copy.ptr[at + 1] = HUB_KEY_KEYS_LOG; /* for one purpose, and no other */
            assert_int_equal(put(d, ss_of(copy, by, 2)), ERR_POSSESSION);
            refused++;
        } else {
            bytes_free(&copy);
        }
    }
    assert_int_equal(refused, 2);
    bytes_free(&stmt);
    directory_free(d);
}

/* --- the other keys --------------------------------------------------------------------------- */

static struct bytes other_stmt(enum hub_key which, const struct secret_sign *key,
                               const struct secret_box *box, uint64_t effect_ms, uint64_t epoch)
{
    struct hub_key_statement s = {
        .ts_ms = T0 + 10, .which = which, .effect_ms = effect_ms, .epoch = epoch};
    struct bytes stmt = {0};

    memcpy(s.federation, plan()->id, ID_BYTES);
    if (box)
        memcpy(s.pk, secret_box_public(box)->b, KEY_BYTES);
    assert_int_equal(hub_key_encode(&s, key, &stmt), ERR_OK);
    return stmt;
}

static enum err put_other(struct directory *d, struct bytes stmt)
{
    const struct signer by[] = {registrar(), by_hub(hub_key)};

    return put(d, ss_of(stmt, by, 2));
}

static enum err put_lost(struct directory *d, struct bytes stmt)
{
    const struct signer by[] = {registrar(), countersigner(&houses[1]), countersigner(&houses[2])};

    return put(d, ss_of(stmt, by, 3));
}

static void a_log_is_signed_by_the_key_of_its_place_and_by_later_ones(void **state)
{
    struct directory *d = peopled();
    const uint64_t at = directory_size(d);
    const struct hub_key_used *list;

    (void)state;
    assert_int_equal(put_other(d, other_stmt(HUB_KEY_KEYS_LOG, fresh, NULL, T0 + 10, 0)), ERR_OK);
    assert_int_equal(directory_hub_keys(d, HUB_KEY_KEYS_LOG, &list), 2);
    assert_int_equal(list[1].from, at + 1);
    assert_true(hub_key_signs(list, 2, 0, at)); /* the tree before its leaf */
    assert_false(hub_key_signs(list, 2, 0, at + 1));
    assert_true(hub_key_signs(list, 2, 1, at + 1));
    assert_true(hub_key_signs(list, 2, 1, 1)); /* signed anew: the former may be lost */
    assert_memory_equal(directory_federation(d)->keys_log.b, secret_sign_public(fresh)->b,
                        KEY_BYTES);
    assert_memory_equal(directory_federation(d)->audit_log.b, secret_sign_public(audit_log_key)->b,
                        KEY_BYTES);
    assert_int_equal(directory_hub_hold_ms(d), 0);
    directory_free(d);
}

static void an_audit_log_key_begins_with_an_epoch_and_epochs_go_up(void **state)
{
    struct directory *d = peopled();
    const struct hub_key_used *list;

    (void)state;
    assert_int_equal(put_other(d, other_stmt(HUB_KEY_AUDIT_LOG, fresh, NULL, T0 + 10, 0)),
                     ERR_FIELD_VALUE);
    assert_int_equal(put_other(d, other_stmt(HUB_KEY_AUDIT_LOG, fresh, NULL, T0 + 10, 2027)),
                     ERR_OK);
    assert_int_equal(put_other(d, other_stmt(HUB_KEY_AUDIT_LOG, second, NULL, T0 + 10, 2027)),
                     ERR_FIELD_VALUE);
    assert_int_equal(directory_hub_keys(d, HUB_KEY_AUDIT_LOG, &list), 2);
    assert_true(hub_key_signs(list, 2, 0, 2026));
    assert_false(hub_key_signs(list, 2, 0, 2027));
    assert_true(hub_key_signs(list, 2, 1, 2027));
    directory_free(d);
}

static void a_transport_key_has_its_hour_and_is_nobody_elses(void **state)
{
    const uint64_t year = UINT64_C(366) * 24 * 3600 * 1000;
    struct entropy source = entropy_system();
    struct directory *d = peopled();
    const struct hub_key_used *list;
    struct secret_box *box = NULL;

    (void)state;
    assert_int_equal(secret_box_generate(&source, &box), ERR_OK);
    assert_int_equal(put_other(d, other_stmt(HUB_KEY_TRANSPORT, NULL, box, T0 + 9, 0)),
                     ERR_FIELD_VALUE);
    assert_int_equal(put_other(d, other_stmt(HUB_KEY_TRANSPORT, NULL, box, T0 + 11 + year, 0)),
                     ERR_FIELD_VALUE);
    assert_int_equal(
        put_other(d, other_stmt(HUB_KEY_TRANSPORT, NULL, houses[1].transport, T0 + 99, 0)),
        ERR_EXISTS);
    assert_int_equal(put_other(d, other_stmt(HUB_KEY_TRANSPORT, NULL, box, T0 + 99, 0)), ERR_OK);
    assert_int_equal(put_other(d, other_stmt(HUB_KEY_TRANSPORT, NULL, box, T0 + 99, 0)),
                     ERR_EXISTS);
    assert_int_equal(directory_hub_keys(d, HUB_KEY_TRANSPORT, &list), 2);
    assert_int_equal(list[1].from, T0 + 99);
    assert_true(list[1].agreed);
    secret_box_free(box);
    directory_free(d);
}

static void a_key_serves_one_sort_for_ever(void **state)
{
    struct directory *d = peopled();

    (void)state;
    assert_int_equal(put_other(d, other_stmt(HUB_KEY_KEYS_LOG, audit_log_key, NULL, T0 + 10, 0)),
                     ERR_EXISTS);
    assert_int_equal(put_other(d, other_stmt(HUB_KEY_KEYS_LOG, hub_key, NULL, T0 + 10, 0)),
                     ERR_EXISTS);
    assert_int_equal(put_other(d, other_stmt(HUB_KEY_KEYS_LOG, fresh, NULL, T0 + 10, 0)), ERR_OK);
    assert_int_equal(put_other(d, other_stmt(HUB_KEY_AUDIT_LOG, fresh, NULL, T0 + 10, 2027)),
                     ERR_EXISTS);
    assert_int_equal(put_other(d, other_stmt(HUB_KEY_KEYS_LOG, keys_log_key, NULL, T0 + 10, 0)),
                     ERR_EXISTS);
    directory_free(d);
}

static void a_log_key_without_the_hubs_word_holds_back_what_is_sealed(void **state)
{
    const uint64_t later = T0 + 10 + DELAY_S * 1000ULL;
    struct directory *d = peopled();
    const struct hub_key_used *list;

    (void)state;
    assert_int_equal(put_lost(d, other_stmt(HUB_KEY_KEYS_LOG, fresh, NULL, later - 1, 0)),
                     ERR_FIELD_VALUE);
    assert_int_equal(put_lost(d, other_stmt(HUB_KEY_KEYS_LOG, fresh, NULL, later, 0)), ERR_OK);
    assert_int_equal(directory_hub_hold_ms(d), later);
    assert_int_equal(directory_hub_keys(d, HUB_KEY_KEYS_LOG, &list), 2);
    assert_false(list[1].agreed);
    directory_free(d);
}

static void former_keys_of_a_sort_are_counted(void **state)
{
    struct entropy source = entropy_system();
    struct directory *d = peopled();
    enum err e = ERR_OK;
    size_t taken = 0;

    (void)state;
    while (e == ERR_OK && taken <= HUB_KEYS_MAX) {
        struct secret_sign *key = NULL;

        assert_int_equal(secret_sign_generate(&source, &key), ERR_OK);
        e = put_other(d, other_stmt(HUB_KEY_KEYS_LOG, key, NULL, T0 + 10, 0));
        secret_sign_free(key);
        taken += e == ERR_OK;
    }
    assert_int_equal(e, ERR_QUOTA);
    assert_int_equal(taken, HUB_KEYS_MAX);
    directory_free(d);
}

/* Each field taken away, or put where it has no place. */
static void which_fields_there_are_follows_from_the_sort(void **state)
{
    static const struct {
        uint64_t which;
        bool possession, epoch;
        enum err expected;
    } cases[] = {
        {HUB_KEY_TRANSPORT, false, false, ERR_OK           },
        {HUB_KEY_TRANSPORT, true,  false, ERR_FIELD_VALUE  },
        {HUB_KEY_TRANSPORT, false, true,  ERR_FIELD_VALUE  },
        {HUB_KEY_SIGNING,   true,  false, ERR_OK           },
        {HUB_KEY_SIGNING,   false, false, ERR_FIELD_MISSING},
        {HUB_KEY_KEYS_LOG,  true,  true,  ERR_FIELD_VALUE  },
        {HUB_KEY_AUDIT_LOG, true,  true,  ERR_OK           },
        {HUB_KEY_AUDIT_LOG, true,  false, ERR_FIELD_MISSING},
        {5,                 true,  false, ERR_FIELD_VALUE  },
        {0,                 true,  false, ERR_FIELD_VALUE  },
    };
    const uint8_t zero[64] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hub_key_statement h;
        struct bytes stmt = {0};
        struct writer w;

        wr_init(&w);
        wr_map(&w, 6U + (cases[i].possession ? 1U : 0U) + (cases[i].epoch ? 1U : 0U));
        for (uint64_t key = 1; key <= 8; key++) {
            if ((key == 6 && !cases[i].possession) || (key == 8 && !cases[i].epoch))
                continue;
            wr_key(&w, key);
            if (key == 2)
                wr_bin(&w, SPAN_OF(plan()->id));
            else if (key == 5)
                wr_bin(&w, span_of(zero, 32));
            else if (key == 6)
                wr_bin(&w, span_of(zero, 64));
            else
                wr_uint(&w, key == 1   ? KEYS_ROTATE_HUB
                            : key == 4 ? cases[i].which
                            : key == 8 ? 2027
                                       : T0);
        }
        assert_int_equal(wr_take(&w, &stmt), ERR_OK);
        assert_int_equal(hub_key_decode(bytes_span(&stmt), &h), cases[i].expected);
        bytes_free(&stmt);
    }
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
        cmocka_unit_test(a_log_is_signed_by_the_key_of_its_place_and_by_later_ones),
        cmocka_unit_test(an_audit_log_key_begins_with_an_epoch_and_epochs_go_up),
        cmocka_unit_test(a_transport_key_has_its_hour_and_is_nobody_elses),
        cmocka_unit_test(a_key_serves_one_sort_for_ever),
        cmocka_unit_test(a_log_key_without_the_hubs_word_holds_back_what_is_sealed),
        cmocka_unit_test(former_keys_of_a_sort_are_counted),
        cmocka_unit_test(which_fields_there_are_follows_from_the_sort),
    };

    return cmocka_run_group_tests(tests, keys_up, keys_down);
}
