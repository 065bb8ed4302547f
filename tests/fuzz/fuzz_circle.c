/*
 * A circle told by the fuzzer: each four bytes are one thing that one of six houses says, rightly
 * or not; the chain is kept by us, so that statements are accepted and the state grows. After each,
 * the state must be sound, a refusal must have had no effect, and narrowing must have opened
 * nothing. A first byte of 255 gives the rest as one raw SS to a small circle instead.
 */
#include <string.h>

#include "circle.h"
#include "disclosure.h"
#include "fuzz.h"
#include "random.h"

enum {
    HOUSES = 6,
    STEP = 4,
    STEPS_MAX = 512
};

static uint8_t orgs[HOUSES][ID_BYTES];

static void must(bool so)
{
    if (!so)
        __builtin_trap();
}

static struct circle_row row_of(unsigned house, uint8_t bits)
{
    struct circle_row row = {.team = bits & 1U,
                             .category = (uint8_t)(1 + (bits >> 1) % 3),
                             .class_mask = bits & 8 ? CLASS_ALL : CLASS_IDENTITY | CLASS_SOCIAL,
                             .rights = bits >> 6};

    memcpy(row.org, orgs[house], ID_BYTES);
    return row;
}

/* [offer, by, skid, sig] by nobody's key: loading does not ask. */
static void offer_make(const struct circle *c, struct circle_statement *s, unsigned by,
                       const uint8_t step[STEP], struct bytes *out)
{
    static struct secret_sign *key;
    static struct entropy_seed state;
    struct circle_offer o = {.kind = s->kind,
                             .row = row_of(step[1] % HOUSES, step[3]),
                             .expires_ms = step[2] & 64 ? 0 : 1000,
                             .at = step[2] & 32 ? 0 : circle_size(c) - 1};

    if (!key) {
        static const uint8_t seed[SEED_BYTES] = {1};
        struct entropy source = entropy_seeded(seed, &state);
        must(secret_sign_generate(&source, &key) == ERR_OK);
    }
    memcpy(o.circle, circle_handle(c), ID_BYTES);
    memcpy(o.by, orgs[by], ID_BYTES);
    memcpy(o.to, s->author, ID_BYTES);
    o.nonce[0] = step[3];
    must(circle_offer_sign(&o, key, out) == ERR_OK);
    s->offer = bytes_span(out);
    s->row = o.row;
}

static struct circle_statement statement_from(const struct circle *c, const uint8_t step[STEP],
                                              struct bytes *offer)
{
    static const uint8_t actor[ID_BYTES];
    enum circle_kind kind = (enum circle_kind)(step[0] % CIRCLE_CLOSE + 1);
    struct circle_statement s = {0};

    if (kind == CIRCLE_CREATE)
        kind = CIRCLE_NOTICE;
    must(circle_next(c, kind, orgs[step[1] % HOUSES], actor, 500, &s) == ERR_OK);
    s.class_mask = (uint8_t)(step[2] % CLASS_ALL + 1);
    s.org_count = kind == CIRCLE_OPPOSITION && (step[3] & 1) ? 0 : 1;
    memcpy(s.orgs[0], orgs[step[3] % HOUSES], ID_BYTES);
    s.way = WAY_FALC;
    s.given_by = GIVEN_BY_PERSON;
    s.emergency = step[3] & 128;
    s.reason = END_NORMAL;
    s.about = step[2] % 64;
    s.n += step[0] & 128 && step[2] == 1; /* not at the head */
    memcpy(s.target, orgs[step[2] % HOUSES], ID_BYTES);
    if (kind == CIRCLE_CONSENT && step[3] & 64) {
        const uint8_t(*named)[ID_BYTES] = (const uint8_t(*)[ID_BYTES])s.orgs;
        s.supersedes = circle_supersedes(c, s.class_mask, named, 1);
        s.has_supersedes = s.supersedes != 0;
    }
    if (kind == CIRCLE_JOIN || kind == CIRCLE_REFERENT)
        offer_make(c, &s, step[2] % HOUSES, step, offer);
    return s;
}

static enum err load(struct circle *c, const struct circle_statement *s)
{
    struct statement_sig sig = {.role = ROLE_AUTHOR};
    struct bytes stmt = {0};
    struct bytes ss = {0};
    enum err e;

    memcpy(sig.org, s->author, ID_BYTES);
    if ((e = circle_encode(s, &stmt)))
        return e;
    must(statement_join(bytes_span(&stmt), &sig, 1, &ss) == ERR_OK);
    e = circle_load(c, bytes_span(&ss));
    bytes_free(&stmt);
    bytes_free(&ss);
    return e;
}

static struct circle *circle_small(void)
{
    static const uint8_t actor[ID_BYTES];
    struct circle_statement s;
    struct circle *c = NULL;

    must(circle_new(NULL, &c) == ERR_OK);
    must(circle_next(NULL, CIRCLE_CREATE, orgs[0], actor, 1, &s) == ERR_OK);
    s.row = row_of(0, 0xff);
    must(load(c, &s) == ERR_OK);
    return c;
}

static void must_be_sound(const struct circle *c)
{
    const struct circle_member *responsible = circle_find(c, circle_responsible(c));
    const struct circle_member *referent = NULL;
    uint32_t before = 0;

    must(responsible && responsible->current);
    if (circle_referent(c))
        referent = circle_find(c, circle_referent(c));
    must(!circle_referent(c) || (referent && referent->current));
    for (size_t i = 0; i < circle_member_count(c); i++) {
        const struct circle_member *m = circle_member(c, i);
        must(m->current == (m->until == 0) && m->since < circle_size(c));
        must(m->current ? m->left <= m->since : m->left == m->until);
        must(circle_find(c, m->row.org) == m);
    }
    for (size_t i = 0; i < circle_act_count(c); i++) {
        const struct circle_act *a = circle_act(c, i);
        must(a->n > before && a->n < circle_size(c) && circle_act_of(c, a->n) == a);
        must(a->live == (a->ended_n == 0));
        before = a->n;
    }
}

/* Any question, of which the bytes say all. */
static struct disclosure question(const uint8_t step[STEP])
{
    struct disclosure ask = {.type = ENVELOPE_SHEET,
                             .recipients = 1,
                             .class_mask = step[3] % CLASS_ALL + 1U,
                             .basis = step[2] % 4 + 1U,
                             .purpose = PURPOSE_URGENCE,
                             .scat = step[1] % 2 + 1U,
                             .rcat = step[0] % 3 + 1U,
                             .notice = step[1] % 32,
                             .consent = step[1] % 32};

    memcpy(ask.from, orgs[step[0] % HOUSES], ID_BYTES);
    memcpy(ask.to, orgs[step[3] % HOUSES], ID_BYTES);
    ask.has_consent = ask.basis == BASIS_CONSENTI;
    ask.has_notice = !ask.has_consent;
    return ask;
}

static bool narrows(enum circle_kind kind)
{
    return kind == CIRCLE_LEAVE || kind == CIRCLE_REMOVE || kind == CIRCLE_WITHDRAWAL ||
           kind == CIRCLE_OPPOSITION || kind == CIRCLE_CLOSE;
}

static void one_step(struct circle *c, const uint8_t step[STEP])
{
    struct disclosure ask = question(step);
    struct bytes offer = {0};
    struct circle_statement s = statement_from(c, step, &offer);
    enum err before = disclosure_judge(c, &ask, JUDGE_HUB, NULL);
    uint32_t size = circle_size(c);
    size_t acts = circle_act_count(c);
    uint8_t head[STMT_LINK_BYTES];
    enum err e;

    memcpy(head, circle_head(c), sizeof head);
    e = load(c, &s);
    bytes_free(&offer);
    must(circle_size(c) == (e ? size : size + 1));
    must((memcmp(head, circle_head(c), sizeof head) == 0) == (e != ERR_OK));
    must(e == ERR_OK || circle_act_count(c) == acts);
    must_be_sound(c);
    if (e == ERR_OK && narrows(s.kind))
        must(before == ERR_OK || disclosure_judge(c, &ask, JUDGE_HUB, NULL) != ERR_OK);
    fuzz_accepted += e == ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct circle *c;

    if (size == 0 || seal_init())
        return 0;
    for (unsigned i = 0; i < HOUSES; i++)
        orgs[i][0] = (uint8_t)(i + 1);
    c = circle_small();
    if (data[0] == 255) {
        if (circle_load(c, span_of(data + 1, size - 1)) == ERR_OK)
            fuzz_accepted++;
        must_be_sound(c);
    } else {
        for (size_t i = 0; i < STEPS_MAX && (i + 1) * STEP <= size; i++)
            one_step(c, data + i * STEP);
    }
    circle_free(c);
    return 0;
}
