/*
 * A keys log told by the fuzzer: each four bytes are one statement, made and signed with the keys
 * of a few houses, rightly or not, and perhaps damaged in one bit. After each, the directory must
 * be sound and a refusal must have had no effect; a damaged statement is never accepted. A first
 * byte of 255 gives the rest as one raw SS to a small directory instead.
 */
#include <stdlib.h>
#include <string.h>

#include "directory.h"
#include "fuzz.h"

enum {
    HOUSES = 5,
    PREKEYS = 4,
    STEP = 4,
    STEPS_MAX = 64,
    TS = 1000,
    DELAY_S = 1,
    A_CLOSING = 64 /* first byte of a step */
};

struct house {
    uint8_t org[ID_BYTES], node[ID_BYTES];
    struct secret_sign *sign;
    struct secret_box *transport;
    struct secret_box *prekeys[PREKEYS];
};

static struct house houses[HOUSES];
static struct secret_sign *hub, *registrar, *log_key;
static struct secret_box *hub_box;
static struct entropy source;

static void must(bool so)
{
    if (!so)
        __builtin_trap();
}

static void world_open(void)
{
    static const uint8_t seed[SEED_BYTES] = {3};
    static struct entropy_seed state;

    if (hub)
        return;
    must(seal_init() == ERR_OK);
    source = entropy_seeded(seed, &state);
    must(secret_sign_generate(&source, &hub) == ERR_OK);
    must(secret_sign_generate(&source, &registrar) == ERR_OK);
    must(secret_sign_generate(&source, &log_key) == ERR_OK);
    must(secret_box_generate(&source, &hub_box) == ERR_OK);
    for (unsigned i = 0; i < HOUSES; i++) {
        struct house *h = &houses[i];
        h->org[0] = (uint8_t)(i + 1);
        h->node[0] = (uint8_t)(i + 101);
        must(secret_sign_generate(&source, &h->sign) == ERR_OK);
        must(secret_box_generate(&source, &h->transport) == ERR_OK);
        for (size_t k = 0; k < PREKEYS; k++)
            must(secret_box_generate(&source, &h->prekeys[k]) == ERR_OK);
    }
}

static struct statement_sig signature(struct span stmt, enum statement_role role,
                                      const uint8_t *org, const struct secret_sign *key)
{
    struct statement_sig s;

    must(statement_sign(STATEMENT_KEYS, stmt, role, org, key, &s) == ERR_OK);
    return s;
}

static struct bytes joined(struct bytes stmt, const struct statement_sig *sigs, size_t count)
{
    struct bytes ss = {0};

    must(statement_join(bytes_span(&stmt), sigs, count, &ss) == ERR_OK);
    bytes_free(&stmt);
    return ss;
}

static struct bytes genesis(void)
{
    struct federation f = {.ts_ms = TS,
                           .name = SPAN_STR("a.example"),
                           .mode = MODE_REAL,
                           .hub_transport = *secret_box_public(hub_box),
                           .hub = *secret_sign_public(hub),
                           .keys_log = *secret_sign_public(log_key),
                           .audit_log = *secret_sign_public(log_key),
                           .registrar = *secret_sign_public(registrar),
                           .founder_count = 1,
                           .emergency_delay_s = DELAY_S};
    struct statement_sig sigs[2];
    struct bytes stmt = {0};

    memcpy(f.founders[0].org, houses[0].org, ID_BYTES);
    f.founders[0].pk = *secret_sign_public(houses[0].sign);
    must(genesis_encode(&f, &stmt) == ERR_OK);
    sigs[0] = signature(bytes_span(&stmt), ROLE_REGISTRAR, NULL, registrar);
    sigs[1] = signature(bytes_span(&stmt), ROLE_FOUNDER, houses[0].org, houses[0].sign);
    return joined(stmt, sigs, 2);
}

static const uint8_t federation[ID_BYTES];

/* of: whose; step[2] says in which respect it is wrong, if in any. */
static struct bytes prekey(const struct house *of, uint64_t number, const uint8_t step[STEP])
{
    struct prekey_statement p = {.ts_ms = TS, .number = number};
    const struct house *by = step[2] & 2 ? &houses[step[3] % HOUSES] : of;
    struct bytes ss = {0};

    memcpy(p.org, of->org, ID_BYTES);
    memcpy(p.node, of->node, ID_BYTES);
    p.pk = *secret_box_public(of->prekeys[(number - 1) % PREKEYS]);
    if (number > 1)
        box_kid(secret_box_public(of->prekeys[(number - 2) % PREKEYS]), p.previous);
    must(prekey_sign(&p, by->sign, &ss) == ERR_OK);
    return ss;
}

static struct bytes enrolment(const struct house *h, const uint8_t step[STEP])
{
    static const uint8_t kinds[HOUSES] = {ORG_DAC, ORG_ESSMS, ORG_HOSPITAL, ORG_EMERGENCY,
                                          ORG_MDPH};
    const struct house *keys = step[2] & 4 ? &houses[step[3] % HOUSES] : h;
    const struct house *a = &houses[step[3] % HOUSES];
    const struct house *b = &houses[(step[3] >> 4) % HOUSES];
    struct bytes first = prekey(h, 1, step);
    struct enrolment en = {.name = SPAN_STR("Maison"),
                           .kind = kinds[h - houses],
                           .signing = *secret_sign_public(keys->sign),
                           .transport = *secret_box_public(keys->transport),
                           .prekey = bytes_span(&first)};
    struct statement_sig sigs[3];
    struct bytes body = {0};
    struct bytes stmt = {0};
    uint8_t possession[SIG_BYTES];
    uint64_t effect = en.kind == ORG_EMERGENCY ? TS + DELAY_S * 1000 : TS;

    memcpy(en.org, h->org, ID_BYTES);
    memcpy(en.node, h->node, ID_BYTES);
    must(enrolment_encode(&en, &body) == ERR_OK);
    must(possession_sign(bytes_span(&body), keys->sign, possession) == ERR_OK);
    must(enrol_encode(KEYS_ENROL, federation, TS, bytes_span(&body), possession, effect, &stmt) ==
         ERR_OK);
    bytes_free(&first);
    bytes_free(&body);
    sigs[0] = signature(bytes_span(&stmt), ROLE_REGISTRAR, NULL, step[2] & 8 ? hub : registrar);
    sigs[1] = signature(bytes_span(&stmt), ROLE_COUNTERSIGNER, a->org, a->sign);
    sigs[2] = signature(bytes_span(&stmt), ROLE_COUNTERSIGNER, b->org, b->sign);
    return joined(stmt, sigs, en.kind == ORG_EMERGENCY && a != b ? 3 : 1);
}

static struct bytes act_of_hub(const struct house *h, const uint8_t step[STEP])
{
    struct statement_sig sig;
    struct bytes stmt = {0};

    must(suspend_encode(federation, TS, step[2] & 1, h->org, 1, &stmt) == ERR_OK);
    sig = signature(bytes_span(&stmt), ROLE_HUB, NULL, step[2] & 8 ? registrar : hub);
    return joined(stmt, &sig, 1);
}

static struct bytes revocation(const struct house *h, const uint8_t step[STEP])
{
    struct statement_sig sig;
    struct bytes stmt = {0};

    must(revoke_encode(federation, TS, h->org, step[2] & 1 ? h->node : NULL, REVOKE_LOST, &stmt) ==
         ERR_OK);
    sig = signature(bytes_span(&stmt), ROLE_REGISTRAR, NULL, step[2] & 8 ? hub : registrar);
    return joined(stmt, &sig, 1);
}

/* step[2]: 1 taken back, 2 signed by another, 8 with a substitute; its high half is the moment. */
static struct bytes closing(const struct house *h, const uint8_t step[STEP])
{
    struct absence_statement s = {.ts_ms = TS + (step[2] >> 4),
                                  .from_ms = ABSENCE_DAY_MS * (step[3] % 16U),
                                  .until_ms = ABSENCE_DAY_MS * (step[3] / 16U * 26U),
                                  .has_substitute = step[2] & 8};
    struct bytes ss = {0};

    if (step[2] & 1)
        s.from_ms = s.until_ms = 0;
    memcpy(s.org, h->org, ID_BYTES);
    memcpy(s.node, h->node, ID_BYTES);
    memcpy(s.substitute, houses[step[3] % HOUSES].org, ID_BYTES);
    must(absence_sign(&s, houses[step[2] & 2 ? step[3] % HOUSES : h - houses].sign, &ss) == ERR_OK);
    return ss;
}

static struct bytes statement_from(const uint8_t step[STEP])
{
    const struct house *h = &houses[step[1] % HOUSES];

    if ((step[0] & 127) == A_CLOSING)
        return closing(h, step);
    switch (step[0] % 8) {
    case 0:
        return genesis();
    case 1:
    case 2:
    case 3:
        return enrolment(h, step);
    case 4:
    case 5:
        return prekey(h, 1 + (step[2] >> 4) % (PREKEYS + 1), step);
    case 6:
        return act_of_hub(h, step);
    default:
        return revocation(h, step);
    }
}

static void must_be_sound(const struct directory *d)
{
    const struct directory_prekey *p = NULL;
    struct sign_public pk;

    must(directory_org_count(d) <= HOUSES);
    for (size_t i = 0; i < directory_org_count(d); i++) {
        const struct directory_org *o = directory_org(d, i);
        enum directory_state s = directory_org_state(d, o, DIRECTORY_NOW, TS);
        must(directory_find_org(d, o->id) == o && s != DIRECTORY_ABSENT);
        must(!o->absence.at || (o->absence.at < directory_size(d) && o->absence.ts_ms >= TS));
        must(o->absence.until_ms <= o->absence.ts_ms + ABSENCE_AHEAD_MS);
        must((directory_seal_to(d, o->id, TS, &p) == ERR_OK) == (s == DIRECTORY_ACTIVE));
    }
    for (size_t i = 0; directory_node(d, i); i++) {
        const struct directory_node *n = directory_node(d, i);
        const struct directory_org *o = directory_org(d, n->org);
        enum err e = directory_signer(d, o->id, n->kid, DIRECTORY_NOW, UINT64_MAX, &pk);
        must(directory_find_node(d, n->id) == n && directory_find_signing(d, n->kid) == n);
        must(directory_find_transport(d, &n->transport) == n);
        must(e == (n->revoked ? ERR_KEY_REVOKED : ERR_OK));
        must(directory_org_state(d, o, 0, TS) == DIRECTORY_ABSENT);
    }
    for (size_t i = 0; (p = directory_prekey(d, i)); i++) {
        must(directory_find_prekey(d, p->kid) == p);
        must(p->replaced == (directory_node(d, p->node)->prekey != i));
    }
}

static void one_step(struct directory *d, const uint8_t step[STEP])
{
    struct bytes ss = statement_from(step);
    uint64_t size = directory_size(d);
    bool damaged = step[0] & 128;
    enum err e;

    if (damaged)
        ss.ptr[(step[1] * 256U + step[3]) % ss.len] ^= (uint8_t)(1U << step[2] % 8);
    e = directory_check(d, size, bytes_span(&ss));
    must(directory_apply(d, size, TS, bytes_span(&ss)) == e);
    must(directory_size(d) == (e ? size : size + 1));
    must(!damaged || e != ERR_OK);
    must_be_sound(d);
    fuzz_accepted += e == ERR_OK;
    bytes_free(&ss);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t begin[STEP] = {0};
    struct directory *d = NULL;

    if (size == 0)
        return 0;
    world_open();
    must(directory_new(DIRECTORY_LEAF_TIME, &source, &d) == ERR_OK);
    if (data[0] == 255) {
        one_step(d, begin);
        if (directory_apply(d, 1, TS, span_of(data + 1, size - 1)) == ERR_OK)
            fuzz_accepted++;
        must_be_sound(d);
    } else {
        for (size_t i = 0; i < STEPS_MAX && (i + 1) * STEP <= size; i++)
            one_step(d, data + i * STEP);
    }
    directory_free(d);
    return 0;
}
