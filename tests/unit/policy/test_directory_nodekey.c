/* Other keys of a node in the keys log: with its former key's word and the next one's. */
#include "directory_world.h"

static struct secret_sign *next_sign, *third_sign;
static struct secret_box *next_box, *third_box;

/* Everything about a rotation that a test may want otherwise. */
struct plan {
    const struct house *of;
    struct node_key_statement s;
    struct prekey_statement prekey;
    const struct secret_sign *prekey_by;
    const struct secret_sign *former, *next;
};

static struct plan plan_of(const struct house *h, uint64_t number)
{
    struct plan p = {
        .of = h,
        .s = {.ts_ms = T0 + 10, .transport = *secret_box_public(next_box)},
        .prekey = prekey_plan(h, number),
        .prekey_by = next_sign,
        .former = h->sign,
        .next = next_sign
    };

    id_of(p.s.federation, 0xfe, 1);
    memcpy(p.s.org, h->org, ID_BYTES);
    memcpy(p.s.node, h->node, ID_BYTES);
    return p;
}

static struct bytes rotation_ss(const struct plan *p)
{
    struct node_key_statement s = p->s;
    struct bytes prekey = {0};
    struct bytes ss = {0};

    assert_int_equal(prekey_sign(&p->prekey, p->prekey_by, &prekey), ERR_OK);
    s.prekey = bytes_span(&prekey);
    assert_int_equal(node_key_sign(&s, p->former, p->next, &ss), ERR_OK);
    bytes_free(&prekey);
    return ss;
}

static enum err rotate(struct directory *d, const struct plan *p)
{
    return put(d, rotation_ss(p));
}

static struct directory *peopled(void)
{
    struct directory *d = directory_begun(DIRECTORY_STATEMENT_TIME);

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(enrol(d, &houses[i]), ERR_OK);
    return d;
}

static enum err signer_at(const struct directory *d, const struct secret_sign *key, uint64_t size)
{
    uint8_t kid[KID_BYTES];
    struct sign_public pk;
    enum err e;

    sign_kid(secret_sign_public(key), kid);
    e = directory_signer(d, houses[1].org, kid, size, T0, &pk);
    if (!e)
        assert_memory_equal(pk.b, secret_sign_public(key)->b, KEY_BYTES);
    return e;
}

static void the_place_in_the_log_decides_which_key_has_signed(void **state)
{
    struct directory *d = peopled();
    struct plan p = plan_of(&houses[1], 2);
    uint64_t at = directory_size(d);

    (void)state;
    assert_int_equal(rotate(d, &p), ERR_OK);
    assert_int_equal(signer_at(d, houses[1].sign, at), ERR_OK);
    assert_int_equal(signer_at(d, next_sign, at), ERR_KEY_UNKNOWN);
    assert_int_equal(signer_at(d, houses[1].sign, at + 1), ERR_KEY_REVOKED);
    assert_int_equal(signer_at(d, next_sign, at + 1), ERR_OK);
    assert_int_equal(signer_at(d, houses[1].sign, 0), ERR_KEY_UNKNOWN);
    p = plan_of(&houses[1], 3); /* and once more */
    p.former = next_sign;
    p.next = p.prekey_by = third_sign;
    p.s.transport = *secret_box_public(third_box);
    assert_int_equal(rotate(d, &p), ERR_OK);
    assert_int_equal(signer_at(d, houses[1].sign, at), ERR_OK);
    assert_int_equal(signer_at(d, houses[1].sign, at + 1), ERR_KEY_REVOKED);
    assert_int_equal(signer_at(d, next_sign, at + 1), ERR_OK);
    assert_int_equal(signer_at(d, next_sign, at + 2), ERR_KEY_REVOKED);
    assert_int_equal(signer_at(d, third_sign, at + 2), ERR_OK);
    assert_int_equal(directory_find_node(d, houses[1].node)->rekeyed, 2);
    directory_free(d);
}

static void all_that_it_has_signed_can_be_checked_for_ever(void **state)
{
    struct directory *d = peopled();
    struct plan p = plan_of(&houses[1], 2);
    uint8_t kid[KID_BYTES];
    struct sign_public pk;

    (void)state;
    assert_int_equal(rotate(d, &p), ERR_OK);
    sign_kid(secret_sign_public(houses[1].sign), kid);
    assert_int_equal(directory_signed(d, houses[1].org, kid, &pk), ERR_OK);
    assert_memory_equal(pk.b, secret_sign_public(houses[1].sign)->b, KEY_BYTES);
    assert_int_equal(directory_signed(d, houses[2].org, kid, &pk), ERR_KEY_UNKNOWN);
    sign_kid(secret_sign_public(next_sign), kid);
    assert_int_equal(directory_signed(d, houses[1].org, kid, &pk), ERR_OK);
    assert_memory_equal(pk.b, secret_sign_public(next_sign)->b, KEY_BYTES);
    sign_kid(secret_sign_public(third_sign), kid);
    assert_int_equal(directory_signed(d, houses[1].org, kid, &pk), ERR_KEY_UNKNOWN);
    directory_free(d);
}

static void the_former_transport_key_is_nobodys_and_never_comes_back(void **state)
{
    struct directory *d = peopled();
    struct plan p = plan_of(&houses[1], 2);
    struct enrol_plan thief = enrol_plan_of(&houses[4]);

    (void)state;
    assert_int_equal(rotate(d, &p), ERR_OK);
    assert_null(directory_find_transport(d, secret_box_public(houses[1].transport)));
    assert_ptr_equal(directory_find_transport(d, secret_box_public(next_box)),
                     directory_find_node(d, houses[1].node));
    thief.body.transport = *secret_box_public(houses[1].transport);
    assert_int_equal(put(d, enrol_ss(&thief)), ERR_EXISTS);
    thief = enrol_plan_of(&houses[4]);
    thief.body.signing = *secret_sign_public(houses[1].sign);
    thief.prekey_by = thief.possession_by = houses[1].sign;
    assert_int_equal(put(d, enrol_ss(&thief)), ERR_EXISTS);
    directory_free(d);
}

static void
what_is_sealed_goes_to_the_prekey_that_came_with_it_and_the_one_before_still_opens(void **state)
{
    struct directory *d = peopled();
    struct plan p = plan_of(&houses[1], 2);
    const struct directory_prekey *k = NULL;
    uint8_t kid[KID_BYTES];

    (void)state;
    assert_int_equal(rotate(d, &p), ERR_OK);
    assert_int_equal(directory_seal_to(d, houses[1].org, T0, &k), ERR_OK);
    assert_memory_equal(k->pk.b, secret_box_public(houses[1].prekeys[1])->b, KEY_BYTES);
    box_kid(secret_box_public(houses[1].prekeys[0]), kid);
    assert_int_equal(directory_addressee(d, houses[1].org, kid, T0, &k), ERR_OK);
    directory_free(d);
}

static void it_takes_both_keys_and_nobody_else(void **state)
{
    struct directory *d = peopled();
    struct plan p = plan_of(&houses[1], 2);
    struct signer by[3] = {
        {ROLE_NODE,      houses[1].org, houses[1].sign},
        {ROLE_SUCCESSOR, houses[1].org, next_sign     },
        registrar()
    };
    struct bytes whole = rotation_ss(&p);
    struct bytes stmt = {0};
    struct statement s;

    (void)state;
    assert_int_equal(statement_parse(bytes_span(&whole), &s), ERR_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(bytes_copy(&stmt, s.stmt), ERR_OK);
        assert_int_equal(put(d, ss_of(stmt, i ? by : by + 1, i == 2 ? 3 : 1)),
                         i == 2 ? ERR_FIELD_VALUE : ERR_FIELD_MISSING);
        stmt = (struct bytes){0};
    }
    bytes_free(&whole);
    p.former = third_sign; /* who has not the key in force */
    assert_int_equal(rotate(d, &p), ERR_KEY_UNKNOWN);
    p = plan_of(&houses[1], 2);
    p.former = houses[2].sign;
    assert_int_equal(rotate(d, &p), ERR_KEY_UNKNOWN);
    p = plan_of(&houses[1], 2);
    assert_int_equal(rotate(d, &p), ERR_OK);
    p = plan_of(&houses[1], 3); /* by the one that is former now */
    p.next = p.prekey_by = third_sign;
    p.s.transport = *secret_box_public(third_box);
    assert_int_equal(rotate(d, &p), ERR_KEY_UNKNOWN);
    directory_free(d);
}

static void every_key_in_it_is_new(void **state)
{
    struct directory *d = peopled();
    struct plan p = plan_of(&houses[1], 2);

    (void)state;
    p.s.transport = *secret_box_public(houses[1].transport);
    assert_int_equal(rotate(d, &p), ERR_EXISTS);
    p.s.transport = *secret_box_public(houses[2].prekeys[0]);
    assert_int_equal(rotate(d, &p), ERR_EXISTS);
    p.s.transport = *secret_box_public(houses[1].prekeys[1]); /* the prekey beside it */
    assert_int_equal(rotate(d, &p), ERR_EXISTS);
    p = plan_of(&houses[1], 2);
    p.next = p.prekey_by = houses[1].sign;
    assert_int_equal(rotate(d, &p), ERR_EXISTS);
    p.next = p.prekey_by = houses[2].sign;
    assert_int_equal(rotate(d, &p), ERR_EXISTS);
    p.next = p.prekey_by = hub_key;
    assert_int_equal(rotate(d, &p), ERR_EXISTS);
    p = plan_of(&houses[1], 2);
    p.prekey.pk = *secret_box_public(houses[2].prekeys[0]);
    assert_int_equal(rotate(d, &p), ERR_EXISTS);
    directory_free(d);
}

static void its_prekey_is_the_next_one_of_that_node_by_the_next_key(void **state)
{
    struct directory *d = peopled();
    struct plan p = plan_of(&houses[1], 3);

    (void)state;
    assert_int_equal(rotate(d, &p), ERR_CHAIN);
    p = plan_of(&houses[1], 2);
    p.prekey_by = houses[1].sign;
    assert_int_equal(rotate(d, &p), ERR_KEY_UNKNOWN);
    p = plan_of(&houses[1], 2);
    p.prekey.previous[0] ^= 1;
    assert_int_equal(rotate(d, &p), ERR_CHAIN);
    for (size_t i = 0; i < 3; i++) {
        p = plan_of(&houses[1], 2);
        (i == 0 ? p.prekey.federation : i == 1 ? p.prekey.org : p.prekey.node)[3] ^= 1;
        assert_int_equal(rotate(d, &p), ERR_FIELD_VALUE);
    }
    directory_free(d);
}

static void only_a_node_that_is_there_and_in_force_may(void **state)
{
    struct directory *d = peopled();
    struct plan p = plan_of(&houses[5], 2);

    (void)state;
    assert_int_equal(rotate(d, &p), ERR_NOT_FOUND);
    p = plan_of(&houses[1], 2);
    memcpy(p.s.org, houses[2].org, ID_BYTES);
    assert_int_equal(rotate(d, &p), ERR_NOT_FOUND);
    p = plan_of(&houses[1], 2);
    assert_int_equal(put(d, suspend_ss(false, houses[1].org, hub_key)), ERR_OK);
    assert_int_equal(rotate(d, &p), ERR_SUSPENDED);
    assert_int_equal(put(d, suspend_ss(true, houses[1].org, hub_key)), ERR_OK);
    assert_int_equal(put(d, revoke_ss(houses[1].org, NULL, registrar())), ERR_OK);
    assert_int_equal(rotate(d, &p), ERR_REVOKED);
    directory_free(d);
}

static void a_revoked_node_has_no_key_that_signs_former_ones_neither(void **state)
{
    struct directory *d = peopled();
    struct plan p = plan_of(&houses[1], 2);

    (void)state;
    assert_int_equal(rotate(d, &p), ERR_OK);
    assert_int_equal(put(d, revoke_ss(houses[1].org, NULL, registrar())), ERR_OK);
    assert_int_equal(signer_at(d, houses[1].sign, DIRECTORY_NOW), ERR_KEY_REVOKED);
    assert_int_equal(signer_at(d, next_sign, DIRECTORY_NOW), ERR_KEY_REVOKED);
    directory_free(d);
}

static void a_former_key_countersigns_nothing(void **state)
{
    struct directory *d = peopled();
    struct plan p = plan_of(&houses[1], 2);
    struct enrol_plan e = enrol_plan_of(&houses[3]);
    struct house now = houses[1];

    (void)state;
    assert_int_equal(rotate(d, &p), ERR_OK);
    assert_int_equal(put(d, enrol_ss(&e)), ERR_COUNTERSIGN);
    now.sign = next_sign;
    e.by[1] = countersigner(&now);
    assert_int_equal(put(d, enrol_ss(&e)), ERR_OK);
    directory_free(d);
}

static void a_statement_that_is_short_of_a_field_is_none(void **state)
{
    struct node_key_statement s;
    struct plan p = plan_of(&houses[1], 2);
    struct bytes stmt = {0};

    (void)state;
    p.s.prekey = SPAN_STR("x");
    assert_int_equal(node_key_encode(&p.s, &stmt), ERR_OK);
    assert_int_equal(node_key_decode(bytes_span(&stmt), &s), ERR_OK);
    assert_int_equal(s.ts_ms, T0 + 10);
    for (size_t len = 0; len < stmt.len; len++)
        assert_int_not_equal(node_key_decode(span_of(stmt.ptr, len), &s), ERR_OK);
    stmt.ptr[2] = KEYS_PREKEY;
    assert_int_equal(node_key_decode(bytes_span(&stmt), &s), ERR_FIELD_VALUE);
    bytes_free(&stmt);
}

static int keys_up(void **state)
{
    struct entropy source = entropy_system();

    if (world_open(state))
        return -1;
    assert_int_equal(secret_sign_generate(&source, &next_sign), ERR_OK);
    assert_int_equal(secret_sign_generate(&source, &third_sign), ERR_OK);
    assert_int_equal(secret_box_generate(&source, &next_box), ERR_OK);
    assert_int_equal(secret_box_generate(&source, &third_box), ERR_OK);
    return 0;
}

static int keys_down(void **state)
{
    secret_sign_free(next_sign);
    secret_sign_free(third_sign);
    secret_box_free(next_box);
    secret_box_free(third_box);
    return world_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_place_in_the_log_decides_which_key_has_signed),
        cmocka_unit_test(all_that_it_has_signed_can_be_checked_for_ever),
        cmocka_unit_test(the_former_transport_key_is_nobodys_and_never_comes_back),
        cmocka_unit_test(
            what_is_sealed_goes_to_the_prekey_that_came_with_it_and_the_one_before_still_opens),
        cmocka_unit_test(it_takes_both_keys_and_nobody_else),
        cmocka_unit_test(every_key_in_it_is_new),
        cmocka_unit_test(its_prekey_is_the_next_one_of_that_node_by_the_next_key),
        cmocka_unit_test(only_a_node_that_is_there_and_in_force_may),
        cmocka_unit_test(a_revoked_node_has_no_key_that_signs_former_ones_neither),
        cmocka_unit_test(a_former_key_countersigns_nothing),
        cmocka_unit_test(a_statement_that_is_short_of_a_field_is_none),
    };

    return cmocka_run_group_tests(tests, keys_up, keys_down);
}
