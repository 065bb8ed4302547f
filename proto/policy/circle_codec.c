/*
 * Statements and offers of a circle, bytes to structs and back (PROTOCOL.md 8.1 to 8.3). One table
 * says which fields each kind has; who may say it is circle_judge.c's.
 */
#include <assert.h>
#include <string.h>

#include "circle.h"
#include "circle_row.h"
#include "reader.h"
#include "writer.h"

enum field {
    F_KIND = 1,
    F_CIRCLE,
    F_PREV,
    F_AUTHOR,
    F_ACTOR,
    F_TS,
    F_N,
    F_NONCE,
    F_ROW,
    F_OFFER,
    F_TARGET,
    F_CLASS,
    F_ORGS,
    F_DATE = 15,
    F_WAY,
    F_EVIDENCE,
    F_GIVEN_BY,
    F_SUPERSEDES,
    F_OWN_OPINION,
    F_ABOUT,
    F_EMERGENCY,
    F_REASON,
    F_END
};
static_assert(F_REASON == 23, "field numbers of PROTOCOL.md 8.3");

#define SAID (RD_KEY(F_KIND) | RD_KEY(F_AUTHOR) | RD_KEY(F_ACTOR) | RD_KEY(F_TS) | RD_KEY(F_N))
#define CHAINED (SAID | RD_KEY(F_CIRCLE) | RD_KEY(F_PREV))
#define COVERS (RD_KEY(F_CLASS) | RD_KEY(F_ORGS) | RD_KEY(F_DATE))

static const struct fields {
    uint64_t must; /* 0: no such kind, or reserved */
    uint64_t may;
} fields[CIRCLE_CLOSE + 1] = {
    [CIRCLE_CREATE] = {SAID | RD_KEY(F_NONCE) | RD_KEY(F_ROW),                     0                 },
    [CIRCLE_JOIN] = {CHAINED | RD_KEY(F_ROW) | RD_KEY(F_OFFER),                  0                 },
    [CIRCLE_LEAVE] = {CHAINED,                                                    0                 },
    [CIRCLE_REMOVE] = {CHAINED | RD_KEY(F_TARGET),                                 0                 },
    [CIRCLE_REFERENT] = {CHAINED | RD_KEY(F_OFFER),                                  0                 },
    [CIRCLE_NOTICE] = {CHAINED | COVERS | RD_KEY(F_WAY),                           RD_KEY(F_EVIDENCE)},
    [CIRCLE_CONSENT] = {CHAINED | COVERS | RD_KEY(F_WAY) | RD_KEY(F_GIVEN_BY) |
                            RD_KEY(F_OWN_OPINION),
                       RD_KEY(F_EVIDENCE) | RD_KEY(F_SUPERSEDES)                                     },
    [CIRCLE_WITHDRAWAL] = {CHAINED | RD_KEY(F_ABOUT) | RD_KEY(F_DATE),                 0                 },
    [CIRCLE_OPPOSITION] = {CHAINED | COVERS | RD_KEY(F_EMERGENCY),                     0                 },
    [CIRCLE_LIFT] = {CHAINED | RD_KEY(F_ABOUT) | RD_KEY(F_DATE) | RD_KEY(F_WAY), 0                 },
    [CIRCLE_CLOSE] = {CHAINED | RD_KEY(F_DATE) | RD_KEY(F_REASON),                0                 },
};

/* --- statement ------------------------------------------------------------------------------- */

static void orgs_write(struct writer *w, const struct circle_statement *s)
{
    if (s->org_count > CIRCLE_ACT_ORGS_MAX) {
        wr_fail(w, ERR_ITEMS);
        return;
    }
    wr_array(w, s->org_count);
    for (size_t i = 0; i < s->org_count; i++)
        wr_bin(w, SPAN_OF(s->orgs[i]));
}

/* Fields 1 to 7: who says it, and where in the chain. */
static void said_write(struct writer *w, enum field f, const struct circle_statement *s)
{
    switch (f) {
    case F_KIND:
        wr_uint(w, s->kind);
        break;
    case F_CIRCLE:
        wr_bin(w, SPAN_OF(s->circle));
        break;
    case F_PREV:
        wr_bin(w, SPAN_OF(s->prev));
        break;
    case F_AUTHOR:
        wr_bin(w, SPAN_OF(s->author));
        break;
    case F_ACTOR:
        wr_bin(w, SPAN_OF(s->actor));
        break;
    case F_TS:
        wr_uint(w, s->ts_ms);
        break;
    case F_N:
        wr_uint(w, s->n);
        break;
    default:
        break;
    }
}

static void field_write(struct writer *w, enum field f, const struct circle_statement *s)
{
    wr_key(w, f);
    switch (f) {
    case F_NONCE:
        wr_bin(w, SPAN_OF(s->nonce));
        break;
    case F_ROW:
        circle_row_write(w, &s->row);
        break;
    case F_OFFER:
        wr_bin(w, s->offer);
        break;
    case F_TARGET:
        wr_bin(w, SPAN_OF(s->target));
        break;
    case F_CLASS:
        wr_uint(w, s->class_mask);
        break;
    case F_ORGS:
        orgs_write(w, s);
        break;
    case F_DATE:
        wr_uint(w, s->date_ms);
        break;
    case F_WAY:
        wr_uint(w, s->way);
        break;
    case F_EVIDENCE:
        wr_bin(w, SPAN_OF(s->evidence));
        break;
    case F_GIVEN_BY:
        wr_uint(w, s->given_by);
        break;
    case F_SUPERSEDES:
        wr_uint(w, s->supersedes);
        break;
    case F_OWN_OPINION:
        wr_bool(w, s->own_opinion);
        break;
    case F_ABOUT:
        wr_uint(w, s->about);
        break;
    case F_EMERGENCY:
        wr_bool(w, s->emergency);
        break;
    case F_REASON:
        wr_uint(w, s->reason);
        break;
    default:
        said_write(w, f, s);
    }
}

enum err circle_encode(const struct circle_statement *s, struct bytes *out)
{
    struct writer w;
    uint64_t present;
    size_t pairs = 0;

    if (s->kind < CIRCLE_CREATE || s->kind > CIRCLE_CLOSE || fields[s->kind].must == 0)
        return ERR_UNSUPPORTED;
    present = fields[s->kind].must;
    if (s->has_evidence)
        present |= fields[s->kind].may & RD_KEY(F_EVIDENCE);
    if (s->has_supersedes)
        present |= fields[s->kind].may & RD_KEY(F_SUPERSEDES);
    for (unsigned f = F_KIND; f < F_END; f++)
        pairs += (present & RD_KEY(f)) != 0;
    wr_init(&w);
    wr_map(&w, pairs);
    for (unsigned f = F_KIND; f < F_END; f++) {
        if (present & RD_KEY(f))
            field_write(&w, (enum field)f, s);
    }
    return wr_take(&w, out);
}

/* The first field: a reserved kind is named as such, whatever follows. */
static enum circle_kind rd_kind(struct reader *r)
{
    uint64_t kind = rd_uint_between(r, CIRCLE_CREATE, CIRCLE_CLOSE);

    if (!rd_error(r) && fields[kind].must == 0)
        rd_fail(r, ERR_UNSUPPORTED);
    return (enum circle_kind)kind;
}

static void orgs_read(struct reader *r, struct circle_statement *s)
{
    s->org_count = rd_array_between(r, 0, CIRCLE_ACT_ORGS_MAX);
    for (size_t i = 0; i < s->org_count && !rd_error(r); i++) {
        rd_fixed(r, s->orgs[i], ID_BYTES);
        for (size_t j = 0; j < i; j++) {
            if (memcmp(s->orgs[i], s->orgs[j], ID_BYTES) == 0)
                rd_fail(r, ERR_FIELD_VALUE);
        }
    }
}

static void said_read(struct reader *r, uint64_t key, struct circle_statement *s)
{
    switch (key) {
    case F_KIND:
        s->kind = rd_kind(r);
        break;
    case F_CIRCLE:
        rd_fixed(r, s->circle, sizeof s->circle);
        break;
    case F_PREV:
        rd_fixed(r, s->prev, sizeof s->prev);
        break;
    case F_AUTHOR:
        rd_fixed(r, s->author, sizeof s->author);
        break;
    case F_ACTOR:
        rd_fixed(r, s->actor, sizeof s->actor);
        break;
    case F_TS:
        s->ts_ms = rd_uint(r, STMT_TIME_MAX);
        break;
    case F_N:
        s->n = rd_u32(r, CIRCLE_STATEMENTS_MAX);
        break;
    default:
        rd_unknown(r, key);
    }
}

static void field_read(struct reader *r, uint64_t key, struct circle_statement *s)
{
    switch (key) {
    case F_NONCE:
        rd_fixed(r, s->nonce, sizeof s->nonce);
        break;
    case F_ROW:
        circle_row_read(r, &s->row);
        break;
    case F_OFFER:
        s->offer = rd_blob(r, 1, CIRCLE_OFFER_MAX);
        break;
    case F_TARGET:
        rd_fixed(r, s->target, sizeof s->target);
        break;
    case F_CLASS:
        s->class_mask = (uint8_t)rd_uint_between(r, 1, CLASS_ALL);
        break;
    case F_ORGS:
        orgs_read(r, s);
        break;
    case F_DATE:
        s->date_ms = rd_uint(r, STMT_TIME_MAX);
        break;
    case F_WAY:
        s->way = (uint8_t)rd_uint_between(r, WAY_ORAL, WAY_REPRESENTATIVE);
        break;
    case F_EVIDENCE:
        rd_fixed(r, s->evidence, sizeof s->evidence);
        break;
    case F_GIVEN_BY:
        s->given_by = (uint8_t)rd_uint_between(r, GIVEN_BY_PERSON, GIVEN_BY_REPRESENTATIVE);
        break;
    case F_SUPERSEDES:
        s->supersedes = rd_u32(r, CIRCLE_STATEMENTS_MAX);
        break;
    case F_OWN_OPINION:
        s->own_opinion = rd_bool(r);
        break;
    case F_ABOUT:
        s->about = rd_u32(r, CIRCLE_STATEMENTS_MAX);
        break;
    case F_EMERGENCY:
        s->emergency = rd_bool(r);
        break;
    case F_REASON:
        s->reason = (uint8_t)rd_uint_between(r, END_NORMAL, END_MOVED);
        break;
    default:
        said_read(r, key, s);
    }
}

/* What one field alone cannot tell. */
static enum err consistent(const struct circle_statement *s)
{
    if ((s->kind == CIRCLE_CREATE) != (s->n == 0))
        return ERR_FIELD_VALUE;
    if (s->org_count == 0 && (s->kind == CIRCLE_NOTICE || s->kind == CIRCLE_CONSENT))
        return ERR_FIELD_VALUE; /* only an opposition is to everybody */
    return ERR_OK;
}

enum err circle_decode(struct span stmt, struct circle_statement *out)
{
    struct circle_statement s = {0};
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key))
        field_read(&r, key, &s);
    rd_map_require(&r, &m, RD_KEY(F_KIND));
    if (!rd_error(&r) && (m.seen & ~(fields[s.kind].must | fields[s.kind].may)))
        rd_fail(&r, ERR_FIELD_UNKNOWN); /* a field, but of another kind */
    rd_map_require(&r, &m, fields[s.kind].must);
    if ((e = rd_end(&r)))
        return e;
    if ((e = consistent(&s)))
        return e;
    s.has_evidence = rd_map_has(&m, F_EVIDENCE);
    s.has_supersedes = rd_map_has(&m, F_SUPERSEDES);
    *out = s;
    return ERR_OK;
}

enum err circle_sign(const struct circle_statement *s, const struct secret_sign *key,
                     struct bytes *out)
{
    struct bytes stmt = {0};
    enum err e;

    if ((e = circle_encode(s, &stmt)))
        return e;
    e = statement_sign_alone(STATEMENT_CHAIN, bytes_span(&stmt), ROLE_AUTHOR, s->author, key, out);
    bytes_free(&stmt);
    return e;
}

enum err circle_handle_of(struct span stmt, uint8_t handle[ID_BYTES])
{
    uint8_t hash[DIGEST_256];
    enum err e;

    if ((e = digest_of("relais/chain1/create", stmt, hash, sizeof hash)))
        return e;
    memcpy(handle, hash, ID_BYTES);
    return ERR_OK;
}
