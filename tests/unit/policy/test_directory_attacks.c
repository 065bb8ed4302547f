/* The keys log under attack: each statement is wrong in one respect, and has no effect (PROTOCOL.md
 * 7; put_at() holds that the size did not move and that looking agrees with doing). */
#include "directory_world.h"

#include "writer.h"

static struct directory *empty_directory(void)
{
    struct entropy source = fixed_entropy(251);
    struct directory *d = NULL;

    assert_int_equal(directory_new(DIRECTORY_LEAF_TIME, &source, &d), ERR_OK);
    return d;
}

/* Houses 1 (ESSMS), 2 (hospital), 0 (operator's DAC) and 6 (a second ESSMS) are enrolled. */
static struct directory *populated(void)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);

    assert_int_equal(enrol(d, &houses[1]), ERR_OK);
    assert_int_equal(enrol(d, &houses[2]), ERR_OK);
    assert_int_equal(enrol(d, &houses[0]), ERR_OK);
    assert_int_equal(enrol(d, &houses[6]), ERR_OK);
    return d;
}

/* --- genesis -------------------------------------------------------------------------------- */

static void the_first_leaf_is_a_genesis_and_no_other_is(void **state)
{
    struct directory *d = empty_directory();
    struct federation f = federation_plan();
    struct bytes ss = genesis_ss(&f);

    (void)state;
    assert_int_equal(enrol(d, &houses[1]), ERR_STATE);
    assert_int_equal(directory_apply(d, 1, T0, bytes_span(&ss)), ERR_STATE);
    assert_int_equal(directory_size(d), 0);
    assert_int_equal(put(d, ss), ERR_OK);
    assert_int_equal(put(d, genesis_ss(&f)), ERR_STATE);
    f.id[3] ^= 1;
    assert_int_equal(put(d, genesis_ss(&f)), ERR_STATE);
    directory_free(d);
}

static enum err founded_by(const struct federation *f, const struct signer *by, size_t count)
{
    struct directory *d = empty_directory();
    struct bytes stmt = {0};
    enum err e;

    assert_int_equal(genesis_encode(f, &stmt), ERR_OK);
    e = put(d, ss_of(stmt, by, count));
    directory_free(d);
    return e;
}

static void a_genesis_is_signed_by_the_registrar_and_every_founder_and_nobody_else(void **state)
{
    struct federation f = federation_plan();
    const struct signer by[] = {
        registrar(),
        {ROLE_FOUNDER, houses[0].org, houses[0].sign},
        {ROLE_FOUNDER, houses[1].org, houses[1].sign},
        {ROLE_FOUNDER, houses[2].org, houses[2].sign},
        {ROLE_FOUNDER, houses[5].org, houses[5].sign}
    };
    struct signer wrong[4] = {by[0], by[1], by[2], by[3]};

    (void)state;
    assert_int_equal(founded_by(&f, by, 4), ERR_OK);
    assert_int_equal(founded_by(&f, by, 3), ERR_FIELD_MISSING);
    assert_int_equal(founded_by(&f, by + 1, 3), ERR_FIELD_MISSING); /* no registrar */
    assert_int_equal(founded_by(&f, by, 5), ERR_FIELD_VALUE);
    wrong[2].key = houses[5].sign;
    assert_int_equal(founded_by(&f, wrong, 4), ERR_KEY_UNKNOWN);
    wrong[2] = by[2];
    wrong[0].key = hub_key; /* the hub is no registrar */
    assert_int_equal(founded_by(&f, wrong, 4), ERR_KEY_UNKNOWN);
}

static enum err founded(const struct federation *f)
{
    struct directory *d = empty_directory();
    enum err e = put(d, genesis_ss(f));

    directory_free(d);
    return e;
}

static void the_keys_of_a_federation_have_one_purpose_each(void **state)
{
    struct federation f = federation_plan();

    (void)state;
    f.registrar = f.hub; /* a hub that enrols by itself */
    assert_int_equal(founded(&f), ERR_FIELD_VALUE);
    f = federation_plan();
    f.keys_log = f.hub;
    assert_int_equal(founded(&f), ERR_FIELD_VALUE);
    f = federation_plan();
    f.audit_log = f.registrar;
    assert_int_equal(founded(&f), ERR_FIELD_VALUE);
    f = federation_plan();
    f.audit_log = f.founders[1].pk;
    assert_int_equal(founded(&f), ERR_FIELD_VALUE);
    f = federation_plan();
    f.hub = f.founders[1].pk;
    assert_int_equal(founded(&f), ERR_FIELD_VALUE);
    f = federation_plan();
    f.audit_log = f.keys_log; /* the text signed names the log */
    assert_int_equal(founded(&f), ERR_OK);
}

static void founders_are_different_houses(void **state)
{
    struct federation f = federation_plan();
    struct bytes stmt = {0};
    struct signer by[4] = {registrar()};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        by[i + 1] = (struct signer){ROLE_FOUNDER, houses[i].org, houses[i].sign};
    memcpy(f.founders[2].org, f.founders[1].org, ID_BYTES);
    assert_int_equal(founded_by(&f, by, 4), ERR_FIELD_VALUE);
    f = federation_plan();
    f.founders[2].pk = f.founders[1].pk;
    assert_int_equal(founded_by(&f, by, 4), ERR_FIELD_VALUE);
    f = federation_plan();
    memset(f.founders[0].org, 0, ID_BYTES);
    assert_int_equal(founded_by(&f, by, 4), ERR_FIELD_VALUE);
    f.founder_count = 0;
    assert_int_equal(founded_by(&f, by, 1), ERR_SIZE);
    f.founder_count = FOUNDERS_MAX + 1;
    assert_int_equal(genesis_encode(&f, &stmt), ERR_ITEMS);
}

static void values_of_a_genesis_are_held_to_their_ranges(void **state)
{
    struct federation f = federation_plan();

    (void)state;
    f.mode = 3;
    assert_int_equal(founded(&f), ERR_RANGE);
    f = federation_plan();
    f.name = SPAN_STR("Essai");
    assert_int_equal(founded(&f), ERR_FIELD_VALUE);
    f.name = SPAN_STR("a b");
    assert_int_equal(founded(&f), ERR_FIELD_VALUE);
    f.name = SPAN_STR("");
    assert_int_equal(founded(&f), ERR_SIZE);
    f.name = SPAN_STR("0-9.az");
    assert_int_equal(founded(&f), ERR_OK);
    f.emergency_delay_s = (uint64_t)EMERGENCY_DELAY_MAX_S + 1;
    assert_int_equal(founded(&f), ERR_RANGE);
}

/* --- enrolment ------------------------------------------------------------------------------ */

static void only_the_registrar_enrols(void **state)
{
    struct directory *d = populated();
    struct enrol_plan p = enrol_plan_of(&houses[5]);

    (void)state;
    p.by[0] = (struct signer){ROLE_HUB, NULL, hub_key};
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_MISSING);
    p.by[0] = (struct signer){ROLE_REGISTRAR, NULL, hub_key};
    assert_int_equal(put(d, enrol_ss(&p)), ERR_KEY_UNKNOWN);
    p.by[0] = (struct signer){ROLE_NODE, houses[5].org, houses[5].sign};
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_MISSING);
    p.by[0] = registrar();
    p.by[1] = countersigner(&houses[1]); /* nobody asked for it */
    p.by_count = 2;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_VALUE);
    directory_free(d);
}

static void a_signature_of_the_registrar_covers_every_bit(void **state)
{
    struct directory *d = populated();
    struct enrol_plan p = enrol_plan_of(&houses[5]);
    struct bytes ss = enrol_ss(&p);

    (void)state;
    for (size_t at = 0; at < ss.len; at++) {
        bit_flip(&ss, at);
        assert_int_not_equal(directory_check(d, directory_size(d), bytes_span(&ss)), ERR_OK);
        bit_flip(&ss, at);
    }
    assert_int_equal(put(d, ss), ERR_OK);
    directory_free(d);
}

static void keys_and_node_ids_are_used_once(void **state)
{
    struct directory *d = populated();
    struct enrol_plan p = enrol_plan_of(&houses[5]);

    (void)state;
    memcpy(p.body.node, houses[1].node, ID_BYTES);
    memcpy(p.prekey.node, houses[1].node, ID_BYTES);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_EXISTS);
    p = enrol_plan_of(&houses[5]);
    p.body.transport = *secret_box_public(houses[1].transport);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_EXISTS);
    p.body.transport = *secret_box_public(houses[1].prekeys[0]); /* another's prekey */
    assert_int_equal(put(d, enrol_ss(&p)), ERR_EXISTS);
    p.body.transport = *secret_box_public(hub_box);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_EXISTS);
    p.body.transport = p.prekey.pk; /* the own prekey */
    assert_int_equal(put(d, enrol_ss(&p)), ERR_EXISTS);
    p = enrol_plan_of(&houses[5]);
    p.prekey.pk = *secret_box_public(houses[1].prekeys[0]);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_EXISTS);
    p = enrol_plan_of(&houses[5]);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_OK);
    directory_free(d);
}

static enum err enrolled_with_key(struct directory *d, const struct house *h,
                                  const struct secret_sign *key)
{
    struct enrol_plan p = enrol_plan_of(h);

    p.body.signing = *secret_sign_public(key);
    p.prekey_by = key;
    p.possession_by = key;
    return put(d, enrol_ss(&p));
}

static void a_signing_key_is_used_once_and_never_one_of_the_federation(void **state)
{
    struct directory *d = populated();

    (void)state;
    assert_int_equal(enrolled_with_key(d, &houses[5], houses[1].sign), ERR_EXISTS);
    assert_int_equal(enrolled_with_key(d, &houses[5], hub_key), ERR_EXISTS);
    assert_int_equal(enrolled_with_key(d, &houses[5], registrar_key), ERR_EXISTS);
    assert_int_equal(enrolled_with_key(d, &houses[5], keys_log_key), ERR_EXISTS);
    assert_int_equal(enrolled_with_key(d, &houses[5], audit_log_key), ERR_EXISTS);
    directory_free(d);
}

static void a_founders_key_is_its_own_houses_only(void **state)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);

    (void)state;
    assert_int_equal(enrolled_with_key(d, &houses[5], houses[1].sign), ERR_EXISTS);
    assert_int_equal(enrolled_with_key(d, &houses[1], houses[1].sign), ERR_OK);
    directory_free(d);
}

static void possession_is_proven_by_the_key_that_is_enrolled(void **state)
{
    struct directory *d = populated();
    struct enrol_plan p = enrol_plan_of(&houses[5]);

    (void)state;
    p.possession_by = houses[4].sign;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_POSSESSION);
    directory_free(d);
}

static void the_first_prekey_is_the_nodes_own(void **state)
{
    struct directory *d = populated();
    struct enrol_plan p = enrol_plan_of(&houses[5]);
    struct bytes other = {0};

    (void)state;
    p.prekey_by = houses[4].sign;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_KEY_UNKNOWN);
    p = enrol_plan_of(&houses[5]);
    p.prekey.federation[0] ^= 1;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_VALUE);
    p = enrol_plan_of(&houses[5]);
    p.prekey.node[0] ^= 1;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_VALUE);
    p = enrol_plan_of(&houses[5]);
    p.prekey.org[0] ^= 1;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_VALUE);
    p = enrol_plan_of(&houses[5]);
    p.prekey.number = 2;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_CHAIN);
    p = enrol_plan_of(&houses[5]);
    p.body.prekey = SPAN_STR("no statement");
    assert_int_not_equal(put(d, enrol_ss(&p)), ERR_OK);
    other = suspend_ss(false, houses[1].org, hub_key);
    p.body.prekey = bytes_span(&other);
    assert_int_not_equal(put(d, enrol_ss(&p)), ERR_OK);
    bytes_free(&other);
    directory_free(d);
}

static void the_first_prekey_has_one_signature_of_the_node(void **state)
{
    struct directory *d = populated();
    struct enrol_plan p = enrol_plan_of(&houses[5]);
    const struct signer by[] = {
        {ROLE_NODE,          houses[5].org, houses[5].sign},
        {ROLE_COUNTERSIGNER, houses[4].org, houses[4].sign}
    };
    struct bytes stmt = {0};
    struct bytes prekey = {0};

    (void)state;
    assert_int_equal(prekey_encode(&p.prekey, &stmt), ERR_OK);
    prekey = ss_of(stmt, by, 2);
    p.body.prekey = bytes_span(&prekey);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_VALUE);
    bytes_free(&prekey);
    stmt = (struct bytes){0};
    assert_int_equal(prekey_encode(&p.prekey, &stmt), ERR_OK);
    prekey = ss_of(stmt, by + 1, 1);
    p.body.prekey = bytes_span(&prekey);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_MISSING);
    bytes_free(&prekey);
    directory_free(d);
}

static void a_house_enrolled_again_keeps_name_and_kind(void **state)
{
    struct directory *d = populated();
    struct enrol_plan p = enrol_plan_of(&houses[5]);

    (void)state;
    memcpy(p.body.org, houses[1].org, ID_BYTES);
    memcpy(p.prekey.org, houses[1].org, ID_BYTES);
    p.body.kind = ORG_ESSMS;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_VALUE); /* another name */
    p.body.name = SPAN_STR("Maison 1");
    p.body.kind = ORG_EMERGENCY; /* the back door to the pepper */
    p.effect_ms += (uint64_t)DELAY_S * 1000;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_VALUE);
    p.body.kind = ORG_ESSMS;
    p.effect_ms = p.ts_ms;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_MISSING); /* without a word of its own */
    p.by[p.by_count++] = (struct signer){ROLE_NODE, houses[1].org, houses[2].sign};
    assert_int_equal(put(d, enrol_ss(&p)), ERR_KEY_UNKNOWN);
    p.by[1].key = houses[1].sign;
    p.by[p.by_count++] = countersigner(&houses[2]);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_VALUE);
    p.by_count--;
    assert_int_equal(put(d, suspend_ss(false, houses[1].org, hub_key)), ERR_OK);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_SUSPENDED);
    assert_int_equal(put(d, suspend_ss(true, houses[1].org, hub_key)), ERR_OK);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_OK);
    directory_free(d);
}

static void values_of_an_enrolment_are_held_to_their_ranges(void **state)
{
    static const struct {
        const char *national_id;
        enum err expected;
    } ids[] = {
        {"1750712184",      ERR_OK         },
        {"12A0000001",      ERR_OK         },
        {"373282932000074", ERR_OK         },
        {"2750712184",      ERR_FIELD_VALUE},
        {"175071218",       ERR_FIELD_VALUE},
        {"37328293200007A", ERR_FIELD_VALUE},
        {"17507121x4",      ERR_FIELD_VALUE},
    };
    struct bytes body = {0};
    struct enrolment out;
    struct enrol_plan p;

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct directory *d = populated();
        p = enrol_plan_of(&houses[5]);
        p.body.national_id = span_text(ids[i].national_id);
        assert_int_equal(put(d, enrol_ss(&p)), ids[i].expected);
        directory_free(d);
    }
    p = enrol_plan_of(&houses[5]);
    p.body.prekey = SPAN_STR("x");
    p.body.service_count = ORG_SERVICES_MAX + 1;
    assert_int_equal(enrolment_encode(&p.body, &body), ERR_ITEMS);
    p.body.service_count = 0;
    p.body.name = SPAN_STR("e\xcc\x81"); /* e and an accent apart: not normal form C */
    assert_int_equal(enrolment_encode(&p.body, &body), ERR_OK);
    assert_int_equal(enrolment_decode(bytes_span(&body), &out), ERR_NFC);
    bytes_free(&body);
    p.body.name = SPAN_STR("a\nb");
    assert_int_equal(enrolment_encode(&p.body, &body), ERR_OK);
    assert_int_equal(enrolment_decode(bytes_span(&body), &out), ERR_FIELD_VALUE);
    bytes_free(&body);
    p.body.name = SPAN_STR("a");
    memset(p.body.org, 0, ID_BYTES); /* the name of registrar and hub in an SS */
    assert_int_equal(enrolment_encode(&p.body, &body), ERR_OK);
    assert_int_equal(enrolment_decode(bytes_span(&body), &out), ERR_FIELD_VALUE);
    bytes_free(&body);
    p.body.kind = 8;
    assert_int_equal(enrolment_encode(&p.body, &body), ERR_OK);
    assert_int_equal(enrolment_decode(bytes_span(&body), &out), ERR_RANGE);
    bytes_free(&body);
}

static void an_enrolment_takes_effect_at_its_time(void **state)
{
    struct directory *d = populated();
    struct enrol_plan p = enrol_plan_of(&houses[5]);

    (void)state;
    p.effect_ms = p.ts_ms + 1;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_VALUE);
    p.effect_ms = p.ts_ms - 1;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_VALUE);
    p = enrol_plan_of(&houses[3]);
    p.effect_ms--; /* shorter than the delay of genesis */
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_VALUE);
    p.effect_ms += MS_PER_DAY;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_OK);
    directory_free(d);
}

/* --- emergency: two houses of two kinds, strangers to the matter --------------------------------
 */

static enum err countersigned_by(struct directory *d, struct signer a, struct signer b,
                                 size_t count)
{
    struct enrol_plan p = enrol_plan_of(&houses[3]);

    p.by[1] = a;
    p.by[2] = b;
    p.by_count = 1 + count;
    return put(d, enrol_ss(&p));
}

static void an_emergency_service_needs_two_countersigners_of_two_kinds(void **state)
{
    struct directory *d = populated();
    const struct signer essms = countersigner(&houses[1]);
    const struct signer hospital = countersigner(&houses[2]);
    struct signer as_node = {ROLE_NODE, houses[2].org, houses[2].sign};

    (void)state;
    assert_int_equal(countersigned_by(d, essms, essms, 0), ERR_COUNTERSIGN);
    assert_int_equal(countersigned_by(d, essms, essms, 1), ERR_COUNTERSIGN);
    assert_int_equal(countersigned_by(d, essms, countersigner(&houses[6]), 2), ERR_COUNTERSIGN);
    assert_int_equal(countersigned_by(d, essms, countersigner(&houses[0]), 2),
                     ERR_COUNTERSIGN); /* the operator's */
    assert_int_equal(countersigned_by(d, essms, countersigner(&houses[3]), 2),
                     ERR_COUNTERSIGN); /* itself */
    assert_int_equal(countersigned_by(d, essms, countersigner(&houses[5]), 2),
                     ERR_COUNTERSIGN); /* not enrolled */
    assert_int_equal(countersigned_by(d, essms, as_node, 2), ERR_COUNTERSIGN);
    assert_int_equal(countersigned_by(d, essms, hospital, 2), ERR_OK);
    directory_free(d);
}

/* Enrolled and in effect, it still does not vouch for its own second node. */
static void an_emergency_service_does_not_countersign_itself(void **state)
{
    struct directory *d = populated();
    struct house second = houses[7];
    struct enrol_plan p;

    (void)state;
    assert_int_equal(enrol(d, &houses[3]), ERR_OK);
    memcpy(second.org, houses[3].org, ID_BYTES);
    memcpy(second.name, houses[3].name, sizeof second.name);
    p = enrol_plan_of(&second);
    p.ts_ms += 2 * MS_PER_DAY;
    p.effect_ms += 2 * MS_PER_DAY;
    p.by[3] = (struct signer){ROLE_NODE, houses[3].org, houses[3].sign};
    p.by_count = 4;
    p.by[2] = countersigner(&houses[3]);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_COUNTERSIGN);
    p.by[2] = countersigner(&houses[2]);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_OK);
    directory_free(d);
}

static void a_countersigner_signs_with_its_own_key_in_its_own_name(void **state)
{
    struct directory *d = populated();
    const struct signer essms = countersigner(&houses[1]);
    struct signer in_anothers_name = {ROLE_COUNTERSIGNER, houses[2].org, houses[1].sign};
    struct enrol_plan p = enrol_plan_of(&houses[3]);
    struct statement s;
    struct bytes ss = enrol_ss(&p);
    struct bytes forged = {0};

    (void)state;
    assert_int_equal(countersigned_by(d, essms, in_anothers_name, 2), ERR_COUNTERSIGN);
    in_anothers_name = (struct signer){ROLE_COUNTERSIGNER, houses[6].org, houses[2].sign};
    assert_int_equal(countersigned_by(d, essms, in_anothers_name, 2), ERR_COUNTERSIGN);
    assert_int_equal(statement_parse(bytes_span(&ss), &s), ERR_OK);
    s.sig[2].sig[0] ^= 1;
    assert_int_equal(statement_join(s.stmt, s.sig, s.count, &forged), ERR_OK);
    assert_int_equal(put(d, forged), ERR_FORGED);
    bytes_free(&ss);
    directory_free(d);
}

static void a_countersigner_is_in_effect_and_not_suspended_or_revoked(void **state)
{
    struct directory *d = populated();
    const struct signer essms = countersigner(&houses[1]);
    const struct signer hospital = countersigner(&houses[2]);
    struct enrol_plan p = enrol_plan_of(&houses[7]);

    (void)state;
    assert_int_equal(put(d, suspend_ss(false, houses[2].org, hub_key)), ERR_OK);
    assert_int_equal(countersigned_by(d, essms, hospital, 2), ERR_COUNTERSIGN);
    assert_int_equal(put(d, suspend_ss(true, houses[2].org, hub_key)), ERR_OK);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_OK); /* an emergency service, still pending */
    assert_int_equal(countersigned_by(d, essms, countersigner(&houses[7]), 2), ERR_COUNTERSIGN);
    assert_int_equal(put(d, revoke_ss(houses[2].org, NULL, registrar())), ERR_OK);
    assert_int_equal(countersigned_by(d, essms, hospital, 2), ERR_COUNTERSIGN);
    directory_free(d);
}

/* --- prekeys -------------------------------------------------------------------------------- */

static enum err prekey_as(struct directory *d, const struct prekey_statement *p,
                          const struct secret_sign *key)
{
    struct bytes ss = {0};

    assert_int_equal(prekey_sign(p, key, &ss), ERR_OK);
    return put(d, ss);
}

static void prekeys_are_numbered_without_a_gap_and_name_their_predecessor(void **state)
{
    struct directory *d = populated();
    struct prekey_statement p = prekey_plan(&houses[1], 3);

    (void)state;
    assert_int_equal(prekey_as(d, &p, houses[1].sign), ERR_CHAIN); /* 2 is missing */
    box_kid(secret_box_public(houses[1].prekeys[0]), p.previous);
    assert_int_equal(prekey_as(d, &p, houses[1].sign), ERR_CHAIN); /* and only left out */
    p = prekey_plan(&houses[1], 2);
    p.previous[0] ^= 1;
    assert_int_equal(prekey_as(d, &p, houses[1].sign), ERR_CHAIN);
    p = prekey_plan(&houses[1], 1);
    p.pk = *secret_box_public(houses[1].prekeys[3]);
    assert_int_equal(prekey_as(d, &p, houses[1].sign), ERR_CHAIN); /* 1 again */
    assert_int_equal(put(d, prekey_ss(&houses[1], 2)), ERR_OK);
    assert_int_equal(put(d, prekey_ss(&houses[1], 2)), ERR_CHAIN);
    assert_int_equal(put(d, prekey_ss(&houses[1], 3)), ERR_OK);
    directory_free(d);
}

static void a_prekey_is_signed_by_its_node_and_by_it_alone(void **state)
{
    struct directory *d = populated();
    struct prekey_statement p = prekey_plan(&houses[1], 2);
    const struct signer by[] = {
        {ROLE_NODE, houses[1].org, houses[1].sign},
        registrar()
    };
    struct bytes stmt = {0};

    (void)state;
    assert_int_equal(prekey_as(d, &p, houses[2].sign), ERR_KEY_UNKNOWN);
    memcpy(p.org, houses[2].org, ID_BYTES); /* in the name of another house */
    assert_int_equal(prekey_as(d, &p, houses[2].sign), ERR_NOT_FOUND);
    p = prekey_plan(&houses[5], 2);
    assert_int_equal(prekey_as(d, &p, houses[5].sign), ERR_NOT_FOUND);
    p = prekey_plan(&houses[1], 2);
    assert_int_equal(prekey_encode(&p, &stmt), ERR_OK);
    assert_int_equal(put(d, ss_of(stmt, by, 2)), ERR_FIELD_VALUE);
    directory_free(d);
}

static void a_prekey_is_a_key_nobody_has_used(void **state)
{
    struct directory *d = populated();
    struct prekey_statement p = prekey_plan(&houses[1], 2);

    (void)state;
    p.pk = *secret_box_public(houses[2].prekeys[0]);
    assert_int_equal(prekey_as(d, &p, houses[1].sign), ERR_EXISTS);
    p.pk = *secret_box_public(houses[1].prekeys[0]); /* its own former one */
    assert_int_equal(prekey_as(d, &p, houses[1].sign), ERR_EXISTS);
    p.pk = *secret_box_public(houses[1].transport);
    assert_int_equal(prekey_as(d, &p, houses[1].sign), ERR_EXISTS);
    directory_free(d);
}

static void who_is_suspended_or_revoked_has_no_new_prekey(void **state)
{
    struct directory *d = populated();

    (void)state;
    assert_int_equal(put(d, suspend_ss(false, houses[1].org, hub_key)), ERR_OK);
    assert_int_equal(put(d, prekey_ss(&houses[1], 2)), ERR_SUSPENDED);
    assert_int_equal(put(d, suspend_ss(true, houses[1].org, hub_key)), ERR_OK);
    assert_int_equal(put(d, revoke_ss(houses[1].org, houses[1].node, registrar())), ERR_OK);
    assert_int_equal(put(d, prekey_ss(&houses[1], 2)), ERR_REVOKED);
    directory_free(d);
}

/* --- suspend, revoke ------------------------------------------------------------------------- */

static void only_the_hub_suspends_and_only_what_changes_something(void **state)
{
    struct directory *d = populated();

    (void)state;
    assert_int_equal(put(d, suspend_ss(false, houses[1].org, registrar_key)), ERR_KEY_UNKNOWN);
    assert_int_equal(put(d, suspend_ss(true, houses[1].org, hub_key)), ERR_STATE);
    assert_int_equal(put(d, suspend_ss(false, houses[1].org, hub_key)), ERR_OK);
    assert_int_equal(put(d, suspend_ss(false, houses[1].org, hub_key)), ERR_STATE);
    assert_int_equal(put(d, suspend_ss(false, houses[5].org, hub_key)), ERR_NOT_FOUND);
    directory_free(d);
}

static void only_the_registrar_revokes(void **state)
{
    struct directory *d = populated();
    const struct signer hub_as_hub = {ROLE_HUB, NULL, hub_key};
    const struct signer hub_as_registrar = {ROLE_REGISTRAR, NULL, hub_key};

    (void)state;
    assert_int_equal(put(d, revoke_ss(houses[1].org, NULL, hub_as_hub)), ERR_FIELD_MISSING);
    assert_int_equal(put(d, revoke_ss(houses[1].org, NULL, hub_as_registrar)), ERR_KEY_UNKNOWN);
    assert_int_equal(put(d, revoke_ss(houses[5].org, NULL, registrar())), ERR_NOT_FOUND);
    assert_int_equal(put(d, revoke_ss(houses[1].org, houses[2].node, registrar())), ERR_NOT_FOUND);
    assert_int_equal(put(d, revoke_ss(houses[1].org, houses[5].node, registrar())), ERR_NOT_FOUND);
    assert_int_equal(put(d, revoke_ss(houses[1].org, NULL, registrar())), ERR_OK);
    assert_int_equal(put(d, revoke_ss(houses[1].org, NULL, registrar())), ERR_STATE);
    assert_int_equal(put(d, revoke_ss(houses[1].org, houses[1].node, registrar())), ERR_STATE);
    directory_free(d);
}

/* --- reset ---------------------------------------------------------------------------------- */

static struct directory *of_four(void)
{
    struct directory *d = directory_begun(DIRECTORY_LEAF_TIME);
    static const size_t who[] = {0, 1, 2, 4, 6};

    for (size_t i = 0; i < sizeof who / sizeof who[0]; i++)
        assert_int_equal(enrol(d, &houses[who[i]]), ERR_OK);
    return d;
}

/* Houses: 0 the operator's, 1 who lost its keys, 2 a hospital, 4 an MDPH, 6 an ESSMS. */
static void a_reset_takes_two_houses_of_two_kinds_neither_the_operators_nor_its_own(void **state)
{
    static const struct {
        size_t first, second, count;
        enum err expected;
    } cases[] = {
        {2, 4, 1, ERR_COUNTERSIGN}, /* the registrar alone */
        {2, 4, 2, ERR_COUNTERSIGN},
        {2, 0, 3, ERR_COUNTERSIGN},
        {2, 1, 3, ERR_COUNTERSIGN},
        {2, 5, 3, ERR_COUNTERSIGN}, /* not enrolled */
        {2, 4, 3, ERR_OK         },
    };
    struct directory *d = of_four();
    struct house second = second_of(&houses[1], &houses[5]);
    struct enrol_plan p;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        p = reset_plan(&second);
        p.by[1] = countersigner(&houses[cases[i].first]);
        p.by[2] = countersigner(&houses[cases[i].second]);
        p.by_count = cases[i].count;
        assert_int_equal(put(d, enrol_ss(&p)), cases[i].expected);
    }
    directory_free(d);
}

static void two_houses_of_one_kind_reset_nobody(void **state)
{
    struct directory *d = of_four();
    struct house second = second_of(&houses[2], &houses[5]);
    struct enrol_plan p = reset_plan(&second);

    (void)state;
    p.by[1] = countersigner(&houses[1]);
    p.by[2] = countersigner(&houses[6]);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_COUNTERSIGN);
    p.by[2] = countersigner(&houses[4]);
    assert_int_equal(put(d, enrol_ss(&p)), ERR_OK);
    directory_free(d);
}

static void a_reset_is_in_effect_after_the_whole_delay_and_nobody_else_signs_it(void **state)
{
    struct directory *d = of_four();
    struct house second = second_of(&houses[1], &houses[5]);
    struct enrol_plan p = reset_plan(&second);

    (void)state;
    p.effect_ms--;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_VALUE);
    p.effect_ms++;
    p.by[3] = (struct signer){ROLE_NODE, houses[1].org, houses[1].sign};
    p.by_count = 4;
    assert_int_equal(put(d, enrol_ss(&p)), ERR_COUNTERSIGN);
    p.by_count = 3;
    p.body.name = SPAN_STR("Maison 2");
    assert_int_equal(put(d, enrol_ss(&p)), ERR_FIELD_VALUE);
    directory_free(d);
}

/* --- form ----------------------------------------------------------------------------------- */

/* {1: kind, 2: federation, 3: ts, more: 1}, signed by the hub. */
static struct bytes odd_ss(uint64_t kind, uint64_t more, bool right_federation)
{
    const struct signer by = {ROLE_HUB, NULL, hub_key};
    uint8_t federation[ID_BYTES];
    struct bytes stmt = {0};
    struct writer w;

    id_of(federation, 0xfe, right_federation ? 1 : 2);
    wr_init(&w);
    wr_map(&w, 4);
    wr_key(&w, 1);
    wr_uint(&w, kind);
    wr_key(&w, 2);
    wr_bin(&w, SPAN_OF(federation));
    wr_key(&w, 3);
    wr_uint(&w, T0);
    wr_key(&w, more);
    wr_uint(&w, 1);
    assert_int_equal(wr_take(&w, &stmt), ERR_OK);
    return ss_of(stmt, &by, 1);
}

static void reserved_kinds_and_unknown_fields_are_refused_by_name(void **state)
{
    struct directory *d = populated();

    (void)state;
    assert_int_equal(put(d, odd_ss(KEYS_ROTATE_NODE, 9, true)), ERR_FIELD_UNKNOWN);
    assert_int_equal(put(d, odd_ss(KEYS_ROTATE_HUB, 40, true)), ERR_FIELD_UNKNOWN);
    assert_int_equal(put(d, odd_ss(11, 4, true)), ERR_UNSUPPORTED);
    assert_int_equal(put(d, odd_ss(KEYS_ABSENCE, 63, true)), ERR_FIELD_UNKNOWN);
    assert_int_equal(put(d, odd_ss(KEYS_ABSENCE, 64, true)), ERR_FIELD_MISSING);
    assert_int_equal(put(d, odd_ss(14, 4, true)), ERR_RANGE);
    assert_int_equal(put(d, odd_ss(0, 4, true)), ERR_RANGE);
    assert_int_equal(put(d, odd_ss(KEYS_SUSPEND, 4, false)), ERR_FIELD_VALUE); /* federation */
    for (uint64_t kind = KEYS_ENROL; kind <= KEYS_REVOKE; kind++) {
        assert_int_equal(put(d, odd_ss(kind, 63, true)), ERR_FIELD_UNKNOWN);
        assert_int_equal(put(d, odd_ss(kind, 64, true)), ERR_FIELD_MISSING);
    }
    directory_free(d);
}

static void an_index_out_of_turn_is_refused(void **state)
{
    struct directory *d = populated();
    struct bytes ss = prekey_ss(&houses[1], 2);

    (void)state;
    assert_int_equal(directory_apply(d, 4, T0, bytes_span(&ss)), ERR_STATE);
    assert_int_equal(directory_apply(d, 6, T0, bytes_span(&ss)), ERR_STATE);
    assert_int_equal(directory_apply(d, 5, T0, bytes_span(&ss)), ERR_OK);
    bytes_free(&ss);
    directory_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_leaf_is_a_genesis_and_no_other_is),
        cmocka_unit_test(a_genesis_is_signed_by_the_registrar_and_every_founder_and_nobody_else),
        cmocka_unit_test(the_keys_of_a_federation_have_one_purpose_each),
        cmocka_unit_test(founders_are_different_houses),
        cmocka_unit_test(values_of_a_genesis_are_held_to_their_ranges),
        cmocka_unit_test(only_the_registrar_enrols),
        cmocka_unit_test(a_signature_of_the_registrar_covers_every_bit),
        cmocka_unit_test(keys_and_node_ids_are_used_once),
        cmocka_unit_test(a_signing_key_is_used_once_and_never_one_of_the_federation),
        cmocka_unit_test(a_founders_key_is_its_own_houses_only),
        cmocka_unit_test(possession_is_proven_by_the_key_that_is_enrolled),
        cmocka_unit_test(the_first_prekey_is_the_nodes_own),
        cmocka_unit_test(the_first_prekey_has_one_signature_of_the_node),
        cmocka_unit_test(a_house_enrolled_again_keeps_name_and_kind),
        cmocka_unit_test(values_of_an_enrolment_are_held_to_their_ranges),
        cmocka_unit_test(an_enrolment_takes_effect_at_its_time),
        cmocka_unit_test(an_emergency_service_needs_two_countersigners_of_two_kinds),
        cmocka_unit_test(an_emergency_service_does_not_countersign_itself),
        cmocka_unit_test(a_countersigner_signs_with_its_own_key_in_its_own_name),
        cmocka_unit_test(a_countersigner_is_in_effect_and_not_suspended_or_revoked),
        cmocka_unit_test(prekeys_are_numbered_without_a_gap_and_name_their_predecessor),
        cmocka_unit_test(a_prekey_is_signed_by_its_node_and_by_it_alone),
        cmocka_unit_test(a_prekey_is_a_key_nobody_has_used),
        cmocka_unit_test(who_is_suspended_or_revoked_has_no_new_prekey),
        cmocka_unit_test(only_the_hub_suspends_and_only_what_changes_something),
        cmocka_unit_test(only_the_registrar_revokes),
        cmocka_unit_test(a_reset_takes_two_houses_of_two_kinds_neither_the_operators_nor_its_own),
        cmocka_unit_test(two_houses_of_one_kind_reset_nobody),
        cmocka_unit_test(a_reset_is_in_effect_after_the_whole_delay_and_nobody_else_signs_it),
        cmocka_unit_test(reserved_kinds_and_unknown_fields_are_refused_by_name),
        cmocka_unit_test(an_index_out_of_turn_is_refused),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
