/*
 * directory_world - a federation of houses, and every statement of its keys log, right or wrong in
 * one respect. Included once by each test of the directory, and by its fuzzer.
 */
#ifndef TESTS_DIRECTORY_WORLD_H
#define TESTS_DIRECTORY_WORLD_H

#include "policy_world.h"

#define T0 UINT64_C(1700000000000)
#define DELAY_S 86400

/* Who founds: houses 0 (DAC, and the operator), 1 (ESSMS) and 2 (hospital). */
static inline struct federation federation_plan(void)
{
    struct federation f = {.ts_ms = T0,
                           .name = SPAN_STR("essai.example"),
                           .mode = MODE_REAL,
                           .hub_transport = *secret_box_public(hub_box),
                           .hub = *secret_sign_public(hub_key),
                           .keys_log = *secret_sign_public(keys_log_key),
                           .audit_log = *secret_sign_public(audit_log_key),
                           .registrar = *secret_sign_public(registrar_key),
                           .founder_count = 3,
                           .emergency_delay_s = DELAY_S};

    id_of(f.id, 0xfe, 1);
    for (size_t i = 0; i < f.founder_count; i++) {
        memcpy(f.founders[i].org, houses[i].org, ID_BYTES);
        f.founders[i].pk = *secret_sign_public(houses[i].sign);
    }
    memcpy(f.operator_org, houses[0].org, ID_BYTES);
    return f;
}

/* A signature slot: whose key, in which role, in whose name. */
struct signer {
    enum statement_role role;
    const uint8_t *org;
    const struct secret_sign *key;
};

static inline struct bytes ss_of(struct bytes stmt, const struct signer *by, size_t count)
{
    struct statement_sig sigs[SS_SIGNATURES_MAX];
    struct bytes ss = {0};

    for (size_t i = 0; i < count; i++)
        assert_int_equal(statement_sign(STATEMENT_KEYS, bytes_span(&stmt), by[i].role, by[i].org,
                                        by[i].key, &sigs[i]),
                         ERR_OK);
    assert_int_equal(statement_join(bytes_span(&stmt), sigs, count, &ss), ERR_OK);
    bytes_free(&stmt);
    return ss;
}

static inline struct signer registrar(void)
{
    return (struct signer){ROLE_REGISTRAR, NULL, registrar_key};
}

static inline struct signer countersigner(const struct house *h)
{
    return (struct signer){ROLE_COUNTERSIGNER, h->org, h->sign};
}

static inline struct bytes genesis_ss(const struct federation *f)
{
    struct signer by[SS_SIGNATURES_MAX] = {registrar()};
    struct bytes stmt = {0};

    for (size_t i = 0; i < f->founder_count; i++)
        by[i + 1] = (struct signer){ROLE_FOUNDER, f->founders[i].org, houses[i].sign};
    assert_int_equal(genesis_encode(f, &stmt), ERR_OK);
    return ss_of(stmt, by, 1 + f->founder_count);
}

static inline struct prekey_statement prekey_plan(const struct house *h, uint64_t number)
{
    struct prekey_statement p = {.ts_ms = T0 + number * MS_PER_DAY,
                                 .number = number,
                                 .pk = *secret_box_public(h->prekeys[number - 1])};

    id_of(p.federation, 0xfe, 1);
    memcpy(p.org, h->org, ID_BYTES);
    memcpy(p.node, h->node, ID_BYTES);
    if (number > 1)
        box_kid(secret_box_public(h->prekeys[number - 2]), p.previous);
    return p;
}

/* Everything about an enrolment that a test may want otherwise. */
struct enrol_plan {
    enum keys_kind kind; /* 0: KEYS_ENROL */
    struct enrolment body;
    struct prekey_statement prekey;
    const struct secret_sign *prekey_by;
    const struct secret_sign *possession_by;
    uint64_t ts_ms;
    uint64_t effect_ms;
    struct signer by[4];
    size_t by_count;
};

static inline struct enrol_plan enrol_plan_of(const struct house *h)
{
    struct enrol_plan p = {
        .body = {.name = span_text(h->name),
                 .kind = h->kind,
                 .territory = SPAN_STR("Ardèche"),
                 .service_count = 2,
                 .services = {SPAN_STR("2.1"), SPAN_STR("2.3.4")},
                 .signing = *secret_sign_public(h->sign),
                 .transport = *secret_box_public(h->transport)},
        .prekey = prekey_plan(h, 1),
        .prekey_by = h->sign,
        .possession_by = h->sign,
        .ts_ms = T0,
        .effect_ms = T0,
        .by = {registrar()},
        .by_count = 1
    };

    memcpy(p.body.org, h->org, ID_BYTES);
    memcpy(p.body.node, h->node, ID_BYTES);
    if (h->kind == ORG_EMERGENCY) {
        p.effect_ms += (uint64_t)DELAY_S * 1000;
        p.by[1] = countersigner(&houses[1]);
        p.by[2] = countersigner(&houses[2]);
        p.by_count = 3;
    }
    return p;
}

/* Another node for the house of `of`, which says so itself. */
static inline struct house second_of(const struct house *of, const struct house *keys)
{
    struct house h = *keys;

    memcpy(h.org, of->org, ID_BYTES);
    memcpy(h.name, of->name, sizeof h.name);
    h.kind = of->kind;
    return h;
}

static inline struct enrol_plan second_plan(const struct house *of, const struct house *second)
{
    struct enrol_plan p = enrol_plan_of(second);

    p.by[p.by_count++] = (struct signer){ROLE_NODE, of->org, of->sign};
    return p;
}

/* In place of all that `of` had: the registrar and houses 2 and 4 say so. */
static inline struct enrol_plan reset_plan(const struct house *second)
{
    struct enrol_plan p = enrol_plan_of(second);

    p.kind = KEYS_RESET;
    p.effect_ms = p.ts_ms + (uint64_t)DELAY_S * 1000;
    p.by[1] = countersigner(&houses[2]);
    p.by[2] = countersigner(&houses[4]);
    p.by_count = 3;
    return p;
}

static inline struct bytes enrol_ss(const struct enrol_plan *p)
{
    struct enrolment body = p->body;
    uint8_t possession[SIG_BYTES];
    uint8_t federation[ID_BYTES];
    struct bytes prekey = {0};
    struct bytes encoded = {0};
    struct bytes stmt = {0};

    id_of(federation, 0xfe, 1);
    if (!body.prekey.ptr) {
        assert_int_equal(prekey_sign(&p->prekey, p->prekey_by, &prekey), ERR_OK);
        body.prekey = bytes_span(&prekey);
    }
    assert_int_equal(enrolment_encode(&body, &encoded), ERR_OK);
    assert_int_equal(possession_sign(bytes_span(&encoded), p->possession_by, possession), ERR_OK);
    assert_int_equal(enrol_encode(p->kind ? p->kind : KEYS_ENROL, federation, p->ts_ms,
                                  bytes_span(&encoded), possession, p->effect_ms, &stmt),
                     ERR_OK);
    bytes_free(&prekey);
    bytes_free(&encoded);
    return ss_of(stmt, p->by, p->by_count);
}

static inline struct bytes prekey_ss(const struct house *h, uint64_t number)
{
    struct prekey_statement p = prekey_plan(h, number);
    struct bytes ss = {0};

    assert_int_equal(prekey_sign(&p, h->sign, &ss), ERR_OK);
    return ss;
}

/* On whole days after T0; both 0: taken back. */
static inline struct absence_statement absence_plan(const struct house *h, uint64_t ts_ms,
                                                    uint64_t first, uint64_t end)
{
    struct absence_statement s = {.ts_ms = ts_ms};

    id_of(s.federation, 0xfe, 1);
    memcpy(s.org, h->org, ID_BYTES);
    memcpy(s.node, h->node, ID_BYTES);
    s.from_ms = end ? (T0 / MS_PER_DAY + first) * MS_PER_DAY : 0;
    s.until_ms = end ? (T0 / MS_PER_DAY + end) * MS_PER_DAY : 0;
    return s;
}

static inline struct bytes absence_ss(const struct absence_statement *s, const struct house *by)
{
    struct bytes ss = {0};

    assert_int_equal(absence_sign(s, by->sign, &ss), ERR_OK);
    return ss;
}

static inline struct bytes suspend_ss(bool resume, const uint8_t *org,
                                      const struct secret_sign *key)
{
    struct signer by = {ROLE_HUB, NULL, key};
    uint8_t federation[ID_BYTES];
    struct bytes stmt = {0};

    id_of(federation, 0xfe, 1);
    assert_int_equal(suspend_encode(federation, T0, resume, org, 7, &stmt), ERR_OK);
    return ss_of(stmt, &by, 1);
}

static inline struct bytes revoke_ss(const uint8_t *org, const uint8_t *node, struct signer by)
{
    uint8_t federation[ID_BYTES];
    struct bytes stmt = {0};

    id_of(federation, 0xfe, 1);
    assert_int_equal(revoke_encode(federation, T0, org, node, REVOKE_LOST, &stmt), ERR_OK);
    return ss_of(stmt, &by, 1);
}

/* Applies at the end and frees. */
static inline enum err put_at(struct directory *d, struct bytes ss, uint64_t time_ms)
{
    uint64_t size = directory_size(d);
    enum err looked = directory_check(d, size, bytes_span(&ss));
    enum err e = directory_apply(d, size, time_ms, bytes_span(&ss));

    assert_int_equal(looked, e);
    assert_int_equal(directory_size(d), e ? size : size + 1);
    bytes_free(&ss);
    return e;
}

static inline enum err put(struct directory *d, struct bytes ss)
{
    return put_at(d, ss, T0);
}

static inline struct directory *directory_begun(enum directory_clock clock)
{
    struct entropy source = fixed_entropy(250);
    struct federation f = federation_plan();
    struct directory *d = NULL;

    assert_int_equal(directory_new(clock, &source, &d), ERR_OK);
    assert_int_equal(put(d, genesis_ss(&f)), ERR_OK);
    return d;
}

static inline enum err enrol(struct directory *d, const struct house *h)
{
    struct enrol_plan p = enrol_plan_of(h);

    return put(d, enrol_ss(&p));
}

#endif
