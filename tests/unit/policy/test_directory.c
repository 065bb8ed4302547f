/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
/* The keys log replayed: what is accepted, and what it answers afterwards. */
#include "directory_world.h"

#include "failing_alloc.h"

#define LATER (T0 + (uint64_t)DELAY_S * 1000)

static void genesis_is_leaf_0_and_tells_the_federation(void **state)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);
    const struct federation *f = directory_federation(d);
    struct federation plan = federation_plan();

    (void)state;
    assert_true(span_equal(f->name, SPAN_STR("essai.example")));
    assert_memory_equal(f->id, plan.id, ID_BYTES);
    assert_int_equal(f->mode, MODE_REAL);
    assert_int_equal(f->founder_count, 3);
    assert_memory_equal(f->founders[2].org, houses[2].org, ID_BYTES);
    assert_int_equal(f->emergency_delay_s, DELAY_S);
    assert_memory_equal(f->operator_org, houses[0].org, ID_BYTES);
    directory_free(d);
}

static void an_enrolled_house_is_found_by_each_of_its_names(void **state)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);
    const struct directory_node *n;
    const struct directory_org *o;
    uint8_t kid[KID_BYTES];

    (void)state;
    assert_int_equal(enrol(d, &houses[1]), ERR_OK);
    o = directory_find_org(d, houses[1].org);
    n = directory_find_node(d, houses[1].node);
    assert_non_null(o);
    assert_non_null(n);
    assert_true(span_equal(o->name, SPAN_STR("Maison 1")));
    assert_true(span_equal(o->territory, SPAN_STR("Ardèche")));
    assert_int_equal(o->national_id.len, 0);
    assert_int_equal(o->kind, ORG_ESSMS);
    assert_int_equal(o->enrolled_at, 1);
    assert_ptr_equal(directory_org(d, n->org), o);
    assert_ptr_equal(directory_find_transport(d, secret_box_public(houses[1].transport)), n);
    sign_kid(secret_sign_public(houses[1].sign), kid);
    assert_ptr_equal(directory_find_signing(d, kid), n);
    assert_memory_equal(n->kid, kid, KID_BYTES);
    box_kid(secret_box_public(houses[1].prekeys[0]), kid);
    assert_int_equal(directory_find_prekey(d, kid)->number, 1);
    directory_free(d);
}

static void what_is_not_there_is_not_found(void **state)
{
    struct entropy source = fixed_entropy(1);
    struct directory *d = NULL;
    struct span services[1];
    size_t count = 9;

    (void)state;
    assert_int_equal(directory_new(DIRECTORY_LEAF_TIME, &source, &d), ERR_OK);
    assert_null(directory_federation(d));
    assert_null(directory_find_org(d, houses[1].org)); /* nothing at all yet */
    assert_null(directory_find_prekey(d, houses[1].org));
    directory_free(d);
    d = directory_begun(DIRECTORY_LEAF_TIME);
    assert_int_equal(enrol(d, &houses[1]), ERR_OK);
    assert_null(directory_find_org(d, houses[2].org));
    assert_null(directory_find_node(d, houses[2].node));
    assert_null(directory_find_transport(d, secret_box_public(hub_box)));
    assert_null(directory_find_signing(d, houses[1].org));
    assert_null(directory_org(d, 1));
    assert_null(directory_node(d, DIRECTORY_NONE));
    assert_null(directory_prekey(d, 1));
    assert_null(directory_suspension(d, 0));
    assert_int_equal(directory_services(directory_org(d, 0), services, 1, &count), ERR_ITEMS);
    assert_int_equal(count, 9);
    directory_free(d);
    directory_free(NULL);
}

static void services_are_those_of_the_newest_enrolment(void **state)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);
    struct house second = second_of(&houses[1], &houses[6]);
    struct enrol_plan p;
    struct span services[ORG_SERVICES_MAX];
    size_t count = 0;

    (void)state;
    assert_int_equal(enrol(d, &houses[1]), ERR_OK);
    assert_int_equal(directory_services(directory_org(d, 0), services, ORG_SERVICES_MAX, &count),
                     ERR_OK);
    assert_int_equal(count, 2);
    assert_true(span_equal(services[1], SPAN_STR("2.3.4")));
    p = second_plan(&houses[1], &second);
    p.body.service_count = 0;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_OK);
    assert_int_equal(directory_services(directory_org(d, 0), services, ORG_SERVICES_MAX, &count),
                     ERR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(directory_org_count(d), 1);
    directory_free(d);
}

static void many_houses_are_found_after_every_growth(void **state)
{
    enum {
        MANY = 90
    };
    static struct house many[MANY];
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        house_build(&many[i], (uint8_t)(i + 20U), ORG_OTHER);
        assert_int_equal(enrol(d, &many[i]), ERR_OK);
    }
    for (unsigned i = 0; i < MANY; i++) {
        const struct directory_org *o = directory_find_org(d, many[i].org);
        assert_non_null(o);
        assert_true(span_equal(o->name, span_text(many[i].name)));
        assert_ptr_equal(directory_org(d, i), o);
        house_clear(&many[i]);
    }
    directory_free(d);
}

/* --- prekeys -------------------------------------------------------------------------------- */

static const struct directory_prekey *prekey_of(const struct directory *d, const struct house *h,
                                                size_t number)
{
    uint8_t kid[KID_BYTES];

    box_kid(secret_box_public(h->prekeys[number - 1]), kid);
    return directory_find_prekey(d, kid);
}

static void a_replaced_prekey_lives_fourteen_days_by_hub_time(void **state)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);
    const uint64_t replaced = T0 + 30 * MS_PER_DAY;

    (void)state;
    assert_int_equal(enrol(d, &houses[1]), ERR_OK);
    assert_int_equal(put_at(d, prekey_ss(&houses[1], 2), replaced), ERR_OK);
    const struct directory_prekey *old = prekey_of(d, &houses[1], 1);
    const struct directory_prekey *newest = prekey_of(d, &houses[1], 2);
    assert_true(old->replaced);
    assert_int_equal(old->replaced_ms, replaced);
    assert_true(directory_prekey_live(d, old, replaced - 1));
    assert_true(directory_prekey_live(d, old, replaced + PREKEY_LIVE_MS - 1));
    assert_false(directory_prekey_live(d, old, replaced + PREKEY_LIVE_MS));
    assert_true(directory_prekey_live(d, newest, replaced + 400 * MS_PER_DAY));
    assert_int_equal(newest->previous, 0);
    assert_ptr_equal(directory_prekey(d, directory_node(d, 0)->prekey), newest);
    directory_free(d);
}

static void a_node_counts_by_the_time_in_the_statement(void **state)
{
    struct directory *d = directory_begun(DIRECTORY_STATEMENT_TIME);

    (void)state;
    assert_int_equal(enrol(d, &houses[1]), ERR_OK);
    assert_int_equal(put_at(d, prekey_ss(&houses[1], 2), T0 + 99 * MS_PER_DAY), ERR_OK);
    assert_int_equal(prekey_of(d, &houses[1], 1)->since_ms, T0 + MS_PER_DAY);
    assert_int_equal(prekey_of(d, &houses[1], 1)->replaced_ms, T0 + 2 * MS_PER_DAY);
    directory_free(d);
}

static void an_addressee_is_a_live_prekey_of_an_active_node_of_that_house(void **state)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);
    const struct directory_prekey *p = NULL;
    uint8_t kid[KID_BYTES];

    (void)state;
    assert_int_equal(enrol(d, &houses[1]), ERR_OK);
    assert_int_equal(enrol(d, &houses[2]), ERR_OK);
    box_kid(secret_box_public(houses[1].prekeys[0]), kid);
    assert_int_equal(directory_addressee(d, houses[1].org, kid, T0, &p), ERR_OK);
    assert_ptr_equal(p, prekey_of(d, &houses[1], 1));
    assert_int_equal(directory_addressee(d, houses[2].org, kid, T0, &p), ERR_ADDRESSEE);
    assert_int_equal(put_at(d, prekey_ss(&houses[1], 2), T0), ERR_OK);
    assert_int_equal(directory_addressee(d, houses[1].org, kid, T0 + PREKEY_LIVE_MS, &p),
                     ERR_ADDRESSEE);
    assert_int_equal(put(d, suspend_ss(false, houses[1].org, hub_key)), ERR_OK);
    assert_int_equal(directory_addressee(d, houses[1].org, kid, T0, &p), ERR_ADDRESSEE);
    kid[0] ^= 1;
    assert_int_equal(directory_addressee(d, houses[1].org, kid, T0, &p), ERR_ADDRESSEE);
    directory_free(d);
}

static void a_sender_seals_to_the_newest_prekey_of_the_newest_active_node(void **state)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);
    const struct directory_prekey *p = NULL;
    struct house second = second_of(&houses[1], &houses[6]);
    struct enrol_plan plan = second_plan(&houses[1], &second);

    (void)state;
    assert_int_equal(enrol(d, &houses[1]), ERR_OK);
    assert_int_equal(put(d, enrol_ss(&plan)), ERR_OK);
    assert_int_equal(put(d, prekey_ss(&second, 2)), ERR_OK);
    assert_int_equal(directory_seal_to(d, houses[1].org, T0, &p), ERR_OK);
    assert_ptr_equal(p, prekey_of(d, &second, 2));
    assert_int_equal(put(d, revoke_ss(second.org, second.node, registrar())), ERR_OK);
    assert_int_equal(directory_seal_to(d, houses[1].org, T0, &p), ERR_OK);
    assert_ptr_equal(p, prekey_of(d, &houses[1], 1));
    assert_int_equal(put(d, revoke_ss(houses[1].org, NULL, registrar())), ERR_OK);
    assert_int_equal(directory_seal_to(d, houses[1].org, T0, &p), ERR_ADDRESSEE);
    assert_int_equal(directory_seal_to(d, houses[5].org, T0, &p), ERR_ADDRESSEE);
    directory_free(d);
}

/* --- states --------------------------------------------------------------------------------- */

static enum directory_state state_at(const struct directory *d, const struct house *h,
                                     uint64_t size, uint64_t now_ms)
{
    return directory_org_state(d, directory_find_org(d, h->org), size, now_ms);
}

static void the_position_in_the_log_decides_who_was_suspended_when(void **state)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);

    (void)state;
    assert_int_equal(enrol(d, &houses[1]), ERR_OK);                              /* 1 */
    assert_int_equal(put(d, suspend_ss(false, houses[1].org, hub_key)), ERR_OK); /* 2 */
    assert_int_equal(put(d, suspend_ss(true, houses[1].org, hub_key)), ERR_OK);  /* 3 */
    assert_int_equal(put(d, suspend_ss(false, houses[1].org, hub_key)), ERR_OK); /* 4 */
    assert_int_equal(state_at(d, &houses[1], 1, T0), DIRECTORY_ABSENT);
    assert_int_equal(state_at(d, &houses[1], 2, T0), DIRECTORY_ACTIVE);
    assert_int_equal(state_at(d, &houses[1], 3, T0), DIRECTORY_SUSPENDED);
    assert_int_equal(state_at(d, &houses[1], 4, T0), DIRECTORY_ACTIVE);
    assert_int_equal(state_at(d, &houses[1], 5, T0), DIRECTORY_SUSPENDED);
    assert_int_equal(state_at(d, &houses[1], DIRECTORY_NOW, T0), DIRECTORY_SUSPENDED);
    assert_int_equal(directory_suspension(d, 1)->reason, 7);
    directory_free(d);
}

static void a_revoked_key_signs_before_its_leaf_and_not_after(void **state)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);
    struct sign_public pk;
    uint8_t kid[KID_BYTES];

    (void)state;
    sign_kid(secret_sign_public(houses[1].sign), kid);
    assert_int_equal(enrol(d, &houses[1]), ERR_OK);
    assert_int_equal(directory_signer(d, houses[1].org, kid, DIRECTORY_NOW, T0, &pk), ERR_OK);
    assert_memory_equal(pk.b, secret_sign_public(houses[1].sign)->b, KEY_BYTES);
    assert_int_equal(put(d, revoke_ss(houses[1].org, NULL, registrar())), ERR_OK);
    assert_int_equal(directory_signer(d, houses[1].org, kid, 2, T0, &pk), ERR_OK);
    assert_int_equal(directory_signer(d, houses[1].org, kid, 3, T0, &pk), ERR_KEY_REVOKED);
    assert_int_equal(directory_signer(d, houses[1].org, kid, 1, T0, &pk), ERR_KEY_UNKNOWN);
    assert_int_equal(directory_signer(d, houses[2].org, kid, 2, T0, &pk), ERR_KEY_UNKNOWN);
    kid[3] ^= 1;
    assert_int_equal(directory_signer(d, houses[1].org, kid, 2, T0, &pk), ERR_KEY_UNKNOWN);
    assert_int_equal(state_at(d, &houses[1], 2, T0), DIRECTORY_ACTIVE);
    assert_int_equal(state_at(d, &houses[1], 3, T0), DIRECTORY_REVOKED);
    assert_int_equal(directory_node(d, 0)->revoked_reason, REVOKE_LOST);
    directory_free(d);
}

static void a_house_without_its_keys_comes_back_with_others_after_the_delay(void **state)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);
    struct house second = second_of(&houses[1], &houses[6]);
    struct enrol_plan p = reset_plan(&second);
    const struct directory_prekey *prekey = NULL;
    uint64_t later = p.effect_ms;
    struct sign_public pk;
    uint8_t kid[KID_BYTES];

    (void)state;
    assert_int_equal(enrol(d, &houses[2]), ERR_OK);
    assert_int_equal(enrol(d, &houses[4]), ERR_OK);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_NOT_FOUND); /* it has none that it could lose */
    assert_int_equal(enrol(d, &houses[1]), ERR_OK);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_OK);
    assert_int_equal(
        directory_node_state(d, directory_find_node(d, houses[1].node), DIRECTORY_NOW, T0),
        DIRECTORY_REVOKED);
    sign_kid(secret_sign_public(houses[1].sign), kid);
    assert_int_equal(directory_signer(d, houses[1].org, kid, DIRECTORY_NOW, T0, &pk),
                     ERR_KEY_REVOKED);
    assert_int_equal(state_at(d, &houses[1], DIRECTORY_NOW, later - 1), DIRECTORY_PENDING);
    assert_int_equal(directory_seal_to(d, houses[1].org, later - 1, &prekey), ERR_ADDRESSEE);
    assert_int_equal(state_at(d, &houses[1], DIRECTORY_NOW, later), DIRECTORY_ACTIVE);
    assert_int_equal(directory_seal_to(d, houses[1].org, later, &prekey), ERR_OK);
    assert_ptr_equal(prekey, prekey_of(d, &second, 1));
    directory_free(d);
}

static void an_emergency_service_waits_for_its_delay(void **state)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);
    const struct directory_prekey *p = NULL;
    struct sign_public pk;
    uint8_t kid[KID_BYTES];

    (void)state;
    assert_int_equal(enrol(d, &houses[1]), ERR_OK);
    assert_int_equal(enrol(d, &houses[2]), ERR_OK);
    assert_int_equal(enrol(d, &houses[3]), ERR_OK);
    sign_kid(secret_sign_public(houses[3].sign), kid);
    assert_int_equal(state_at(d, &houses[3], DIRECTORY_NOW, LATER - 1), DIRECTORY_PENDING);
    assert_int_equal(state_at(d, &houses[3], DIRECTORY_NOW, LATER), DIRECTORY_ACTIVE);
    assert_int_equal(directory_seal_to(d, houses[3].org, LATER - 1, &p), ERR_ADDRESSEE);
    assert_int_equal(directory_seal_to(d, houses[3].org, LATER, &p), ERR_OK);
    assert_int_equal(directory_signer(d, houses[3].org, kid, DIRECTORY_NOW, LATER - 1, &pk),
                     ERR_KEY_UNKNOWN);
    assert_int_equal(directory_signer(d, houses[3].org, kid, DIRECTORY_NOW, LATER, &pk), ERR_OK);
    /* whether its next prekey is accepted does not depend on a clock */
    assert_int_equal(put(d, prekey_ss(&houses[3], 2)), ERR_OK);
    directory_free(d);
}

/* A clock that is behind, or was put back, does not undo an enrolment that was not delayed. */
static void an_enrolment_without_delay_is_in_force_at_its_leaf_whatever_the_clock_says(void **state)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);
    const struct directory_prekey *p = NULL;
    struct sign_public pk;
    uint8_t kid[KID_BYTES];

    (void)state;
    assert_int_equal(enrol(d, &houses[1]), ERR_OK);
    sign_kid(secret_sign_public(houses[1].sign), kid);
    assert_int_equal(state_at(d, &houses[1], DIRECTORY_NOW, T0 - 1), DIRECTORY_ACTIVE);
    assert_int_equal(state_at(d, &houses[1], DIRECTORY_NOW, 1), DIRECTORY_ACTIVE);
    assert_int_equal(directory_seal_to(d, houses[1].org, T0 - 1, &p), ERR_OK);
    assert_int_equal(directory_signer(d, houses[1].org, kid, DIRECTORY_NOW, T0 - 1, &pk), ERR_OK);
    directory_free(d);
}

static void each_state_has_its_error(void **state)
{
    (void)state;
    assert_int_equal(directory_state_err(DIRECTORY_ACTIVE), ERR_OK);
    assert_int_equal(directory_state_err(DIRECTORY_ABSENT), ERR_NOT_ENROLLED);
    assert_int_equal(directory_state_err(DIRECTORY_PENDING), ERR_NOT_YET);
    assert_int_equal(directory_state_err(DIRECTORY_SUSPENDED), ERR_SUSPENDED);
    assert_int_equal(directory_state_err(DIRECTORY_REVOKED), ERR_REVOKED);
}

/* --- the rest ------------------------------------------------------------------------------- */

static void an_exercise_federation_may_do_without_the_delay(void **state)
{
    struct entropy source = fixed_entropy(3);
    struct federation f = federation_plan();
    struct directory *d = NULL;

    (void)state;
    f.emergency_delay_s = 0;
    assert_int_equal(directory_new(DIRECTORY_LEAF_TIME, &source, &d), ERR_OK);
    assert_int_equal(put(d, genesis_ss(&f)), ERR_FIELD_VALUE);
    f.mode = MODE_EXERCISE;
    assert_int_equal(put(d, genesis_ss(&f)), ERR_OK);
    directory_free(d);
}

static void a_request_shows_what_it_is_about(void **state)
{
    struct enrol_plan p = enrol_plan_of(&houses[1]);
    struct bytes ss = enrol_ss(&p);
    struct enrolment en;
    struct statement s;
    struct span body;
    enum keys_kind kind = 0;
    uint8_t federation[ID_BYTES];
    uint64_t effect = 0;

    (void)state;
    assert_int_equal(statement_parse(bytes_span(&ss), &s), ERR_OK);
    assert_int_equal(keys_stmt_peek(s.stmt, &kind, federation), ERR_OK);
    assert_int_equal(kind, KEYS_ENROL);
    assert_memory_equal(federation, federation_plan().id, ID_BYTES);
    assert_int_equal(enrol_decode(s.stmt, &body, &effect), ERR_OK);
    assert_int_equal(effect, T0);
    assert_int_equal(enrolment_decode(body, &en), ERR_OK);
    assert_true(span_equal(en.name, SPAN_STR("Maison 1")));
    assert_int_equal(keys_stmt_peek(SPAN_STR("\x80"), &kind, federation), ERR_FIELD_MISSING);
    bytes_free(&ss);
    ss = prekey_ss(&houses[1], 2);
    assert_int_equal(statement_parse(bytes_span(&ss), &s), ERR_OK);
    assert_int_not_equal(enrol_decode(s.stmt, &body, &effect), ERR_OK);
    bytes_free(&ss);
}

/* Every allocation on the way fails once; nothing changes, and afterwards it works. */
static void without_memory_a_statement_has_no_effect(void **state)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);
    struct enrol_plan p = enrol_plan_of(&houses[1]);
    struct bytes ss = enrol_ss(&p);
    enum err e = ERR_NOMEM;
    long n = 0;

    (void)state;
    while (e != ERR_OK) {
        alloc_fail_after(++n);
        e = directory_apply(d, 1, T0, bytes_span(&ss));
        alloc_fail_after(-1);
        assert_int_equal(directory_size(d), e ? 1 : 2);
        assert_int_equal(directory_org_count(d), e ? 0 : 1);
        assert_true(e == ERR_OK || e == ERR_NOMEM);
    }
    assert_true(n > 1);
    bytes_free(&ss);
    directory_free(d);
}

static enum err fill_nothing(void *arg, uint8_t *out, size_t n)
{
    (void)arg;
    (void)out;
    (void)n;
    return ERR_RANDOM;
}

static void a_first_leaf_survives_every_allocation_failure(void **state)
{
    struct entropy source = fixed_entropy(3);
    struct entropy none = {fill_nothing, NULL};
    struct federation f = federation_plan();
    struct bytes ss = genesis_ss(&f);
    struct directory *d = NULL;
    enum err e = ERR_NOMEM;
    long n = 0;

    (void)state;
    assert_int_equal(directory_new(DIRECTORY_LEAF_TIME, &none, &d), ERR_RANDOM);
    while (e != ERR_OK) {
        d = NULL;
        alloc_fail_after(++n);
        e = directory_new(DIRECTORY_LEAF_TIME, &source, &d);
        if (!e)
            e = directory_apply(d, 0, T0, bytes_span(&ss));
        alloc_fail_after(-1);
        assert_true(e == ERR_OK || e == ERR_NOMEM);
        directory_free(d);
    }
    assert_true(n > 1 + 5 + 5); /* itself, five maps, five arrays */
    bytes_free(&ss);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genesis_is_leaf_0_and_tells_the_federation),
        cmocka_unit_test(an_enrolled_house_is_found_by_each_of_its_names),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(services_are_those_of_the_newest_enrolment),
        cmocka_unit_test(many_houses_are_found_after_every_growth),
        cmocka_unit_test(a_replaced_prekey_lives_fourteen_days_by_hub_time),
        cmocka_unit_test(a_node_counts_by_the_time_in_the_statement),
        cmocka_unit_test(an_addressee_is_a_live_prekey_of_an_active_node_of_that_house),
        cmocka_unit_test(a_sender_seals_to_the_newest_prekey_of_the_newest_active_node),
        cmocka_unit_test(the_position_in_the_log_decides_who_was_suspended_when),
        cmocka_unit_test(a_revoked_key_signs_before_its_leaf_and_not_after),
        cmocka_unit_test(a_house_without_its_keys_comes_back_with_others_after_the_delay),
        cmocka_unit_test(an_emergency_service_waits_for_its_delay),
        cmocka_unit_test(
            an_enrolment_without_delay_is_in_force_at_its_leaf_whatever_the_clock_says),
        cmocka_unit_test(each_state_has_its_error),
        cmocka_unit_test(an_exercise_federation_may_do_without_the_delay),
        cmocka_unit_test(a_request_shows_what_it_is_about),
        cmocka_unit_test(without_memory_a_statement_has_no_effect),
        cmocka_unit_test(a_first_leaf_survives_every_allocation_failure),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
