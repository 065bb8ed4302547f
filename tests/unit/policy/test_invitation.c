/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "policy_world.h"

#include "failing_alloc.h"
#include "reader.h"

static const uint8_t one_time[KEY_BYTES] = {9, 8, 7};

static struct invitation invitation_of_house(const struct house *h)
{
    struct invitation i = {
        .federation_name = SPAN_STR("essai.example"),
        .mode = MODE_EXERCISE,
        .endpoint = SPAN_STR("tcp://127.0.0.1:7411"),
        .join_endpoint = SPAN_STR("tcp://127.0.0.1:7412"),
        .hub_transport = *secret_box_public(hub_box),
        .hub = *secret_sign_public(hub_key),
        .keys_log = *secret_sign_public(keys_log_key),
        .audit_log = *secret_sign_public(audit_log_key),
        .registrar = *secret_sign_public(registrar_key),
        .secret = SPAN_OF(one_time),
        .expires_ms = 1000,
        .org_name = SPAN_STR("Maison É"),
        .kind = ORG_ESSMS,
        .national_id = SPAN_STR("1750712184"),
        .service_count = 2,
        .services = {SPAN_STR("2.1"), SPAN_STR("2.2")},
        .founder = true
    };

    id_of(i.id, 7, 1);
    id_of(i.federation, 8, 1);
    memcpy(i.org, h->org, ID_BYTES);
    return i;
}

static void an_invitation_reads_back(void **state)
{
    struct invitation i = invitation_of_house(&houses[1]);
    struct invitation back;
    struct bytes data = {0};

    (void)state;
    assert_int_equal(invitation_encode(&i, hub_key, &data), ERR_OK);
    assert_int_equal(invitation_decode(bytes_span(&data), &back), ERR_OK);
    assert_memory_equal(back.id, i.id, ID_BYTES);
    assert_memory_equal(back.federation, i.federation, ID_BYTES);
    assert_true(span_equal(back.federation_name, i.federation_name));
    assert_int_equal(back.mode, MODE_EXERCISE);
    assert_true(span_equal(back.endpoint, i.endpoint));
    assert_true(span_equal(back.join_endpoint, i.join_endpoint));
    assert_memory_equal(&back.hub_transport, &i.hub_transport, KEY_BYTES);
    assert_memory_equal(&back.hub, &i.hub, KEY_BYTES);
    assert_memory_equal(&back.keys_log, &i.keys_log, KEY_BYTES);
    assert_memory_equal(&back.audit_log, &i.audit_log, KEY_BYTES);
    assert_memory_equal(&back.registrar, &i.registrar, KEY_BYTES);
    assert_true(span_equal(back.secret, i.secret));
    assert_int_equal(back.expires_ms, 1000);
    assert_memory_equal(back.org, houses[1].org, ID_BYTES);
    assert_true(span_equal(back.org_name, i.org_name));
    assert_int_equal(back.kind, ORG_ESSMS);
    assert_true(span_equal(back.national_id, i.national_id));
    assert_int_equal(back.territory.len, 0);
    assert_int_equal(back.service_count, 2);
    assert_true(span_equal(back.services[1], SPAN_STR("2.2")));
    assert_true(back.founder);
    seal_bytes_free(&data);
}

static void no_bit_of_an_invitation_can_be_changed(void **state)
{
    struct invitation i = invitation_of_house(&houses[1]);
    struct invitation back;
    struct bytes data = {0};

    (void)state;
    assert_int_equal(invitation_encode(&i, hub_key, &data), ERR_OK);
    for (size_t at = 0; at < data.len; at++) {
        bit_flip(&data, at);
        assert_int_not_equal(invitation_decode(bytes_span(&data), &back), ERR_OK);
        bit_flip(&data, at);
        assert_int_not_equal(invitation_decode(span_of(data.ptr, at), &back), ERR_OK);
    }
    assert_int_equal(invitation_decode(bytes_span(&data), &back), ERR_OK);
    seal_bytes_free(&data);
}

static void what_a_decoder_would_refuse_is_not_encoded(void **state)
{
    struct invitation i = invitation_of_house(&houses[1]);
    struct bytes data = {0};

    (void)state;
    i.kind = 9;
    assert_int_equal(invitation_encode(&i, hub_key, &data), ERR_RANGE);
    i = invitation_of_house(&houses[1]);
    i.mode = 0;
    assert_int_equal(invitation_encode(&i, hub_key, &data), ERR_RANGE);
    i = invitation_of_house(&houses[1]);
    i.org_name = SPAN_STR("with\x1b"
                          "escape");
    assert_int_equal(invitation_encode(&i, hub_key, &data), ERR_FIELD_VALUE);
    i = invitation_of_house(&houses[1]);
    i.secret.len = 31;
    assert_int_equal(invitation_encode(&i, hub_key, &data), ERR_SIZE);
    i = invitation_of_house(&houses[1]);
    i.org_name = SPAN_STR("\xff");
    assert_int_equal(invitation_encode(&i, hub_key, &data), ERR_UTF8);
    i = invitation_of_house(&houses[1]);
    i.service_count = INVITATION_SERVICES_MAX + 1;
    assert_int_equal(invitation_encode(&i, hub_key, &data), ERR_ITEMS);
    i = invitation_of_house(&houses[1]);
    assert_int_equal(invitation_encode(&i, registrar_key, &data), ERR_USAGE);
    assert_null(data.ptr);
}

static void an_endless_invitation_is_refused(void **state)
{
    static uint8_t large[ARMOUR_DATA_MAX + 1];
    struct invitation back;

    (void)state;
    assert_int_equal(invitation_decode(SPAN_OF(large), &back), ERR_SIZE);
}

static struct federation federation_of(const struct invitation *i)
{
    struct federation f = {.name = i->federation_name,
                           .mode = i->mode,
                           .hub_transport = i->hub_transport,
                           .hub = i->hub,
                           .keys_log = i->keys_log,
                           .audit_log = i->audit_log,
                           .registrar = i->registrar};

    memcpy(f.id, i->federation, ID_BYTES);
    return f;
}

static void a_genesis_is_compared_with_the_invitation_in_every_part(void **state)
{
    struct invitation i = invitation_of_house(&houses[1]);
    const struct federation right = federation_of(&i);
    struct federation f = right;
    uint8_t *const keys[] = {f.id, f.registrar.b};
    uint8_t *const later[] = {f.hub_transport.b, f.hub.b, f.keys_log.b, f.audit_log.b};

    (void)state;
    assert_int_equal(federation_matches(&f, &i), ERR_OK);
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        keys[k][0] ^= 1;
        assert_int_equal(federation_matches(&f, &i), ERR_FINGERPRINT);
        keys[k][0] ^= 1;
    }
    for (size_t k = 0; k < sizeof later / sizeof later[0]; k++)
        later[k][0] ^= 1; /* others since then: the fingerprint covers them, and the log */
    assert_int_equal(federation_matches(&f, &i), ERR_OK);
    f.mode = MODE_REAL;
    assert_int_equal(federation_matches(&f, &i), ERR_FINGERPRINT);
    f = right;
    f.name = SPAN_STR("essai.example.org");
    assert_int_equal(federation_matches(&f, &i), ERR_FINGERPRINT);
}

static void without_memory_nothing_is_made_and_nothing_leaks(void **state)
{
    struct invitation i = invitation_of_house(&houses[1]);
    struct bytes data = {0};
    enum err e = ERR_NOMEM;
    long n = 0;

    (void)state;
    while (e != ERR_OK) {
        alloc_fail_after(++n);
        e = invitation_encode(&i, hub_key, &data);
        alloc_fail_after(-1);
        assert_true(e == ERR_OK || e == ERR_NOMEM);
    }
    assert_true(n > 2);
    seal_bytes_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invitation_reads_back),
        cmocka_unit_test(no_bit_of_an_invitation_can_be_changed),
        cmocka_unit_test(what_a_decoder_would_refuse_is_not_encoded),
        cmocka_unit_test(an_endless_invitation_is_refused),
        cmocka_unit_test(a_genesis_is_compared_with_the_invitation_in_every_part),
        cmocka_unit_test(without_memory_nothing_is_made_and_nothing_leaks),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
