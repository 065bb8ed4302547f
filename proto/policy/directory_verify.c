/*
 * What a statement of the keys log must fulfil (PROTOCOL.md 7), looked at and nothing changed. The
 * verdict depends on the log alone: where a moment is needed it is the statement's own ts.
 */
#include <string.h>

#include "directory_state.h"
#include "keys_codec.h"

#define COUNTERSIGNERS 2

static bool same_id(const uint8_t a[ID_BYTES], const uint8_t b[ID_BYTES])
{
    return memcmp(a, b, ID_BYTES) == 0;
}

static bool same_key(const uint8_t a[KEY_BYTES], const uint8_t b[KEY_BYTES])
{
    return memcmp(a, b, KEY_BYTES) == 0;
}

enum err directory_signed_by(const struct statement *s, enum statement_role role,
                             const uint8_t *org, const struct sign_public *pk)
{
    const struct statement_sig *sig = statement_find(s, role, org);

    if (!sig)
        return ERR_FIELD_MISSING;
    return statement_verify(STATEMENT_KEYS, s->stmt, sig, pk);
}

enum err directory_signed_alone(const struct statement *s, enum statement_role role,
                                const uint8_t *org, const struct sign_public *pk)
{
    enum err e;

    if ((e = directory_signed_by(s, role, org, pk)))
        return e;
    return s->count == 1 ? ERR_OK : ERR_FIELD_VALUE;
}

/* --- genesis ------------------------------------------------------------------------------- */

/* The registrar is a key off the hub, keys of notes sign nothing else, founders are different
 * houses. The two logs may share a key, because the text signed names the log. */
static bool signers_apart(const struct federation *f)
{
    const uint8_t *signers[FOUNDERS_MAX + 2] = {f->hub.b, f->registrar.b};
    const size_t count = f->founder_count + 2;

    for (size_t i = 2; i < count; i++)
        signers[i] = f->founders[i - 2].pk.b;
    for (size_t i = 0; i < count; i++) {
        if (same_key(signers[i], f->keys_log.b) || same_key(signers[i], f->audit_log.b))
            return false;
        for (size_t j = 0; j < i; j++) {
            if (same_key(signers[i], signers[j]))
                return false;
        }
    }
    return true;
}

static bool founders_apart(const struct federation *f)
{
    static const uint8_t nobody[ID_BYTES];

    for (size_t i = 0; i < f->founder_count; i++) {
        if (same_id(f->founders[i].org, nobody))
            return false;
        for (size_t j = 0; j < i; j++) {
            if (same_id(f->founders[i].org, f->founders[j].org))
                return false;
        }
    }
    return true;
}

static enum err genesis_verify(const struct directory *d, const struct statement *s,
                               struct verified *v)
{
    struct federation *f = &v->federation;
    enum err e;

    if (d->founded)
        return ERR_STATE;
    if ((e = genesis_decode(s->stmt, f)))
        return e;
    if (!signers_apart(f) || !founders_apart(f))
        return ERR_FIELD_VALUE;
    if (f->emergency_delay_s == 0 && f->mode != MODE_EXERCISE)
        return ERR_FIELD_VALUE;
    if ((e = directory_signed_by(s, ROLE_REGISTRAR, NULL, &f->registrar)))
        return e;
    for (size_t i = 0; i < f->founder_count; i++) {
        if ((e = directory_signed_by(s, ROLE_FOUNDER, f->founders[i].org, &f->founders[i].pk)))
            return e;
    }
    return s->count == 1 + f->founder_count ? ERR_OK : ERR_FIELD_VALUE;
}

/* --- enrolment ------------------------------------------------------------------------------ */

/* Signing keys of the genesis are taken; a founder's by its own organisation. */
bool directory_signing_free(const struct directory *d, const uint8_t org[ID_BYTES],
                            const struct sign_public *pk)
{
    const struct federation *f = &d->federation;
    uint8_t kid[KID_BYTES];

    if (directory_key_is_hubs(d, pk->b))
        return false;
    for (size_t i = 0; i < f->founder_count; i++) {
        if (same_key(pk->b, f->founders[i].pk.b) && !same_id(org, f->founders[i].org))
            return false;
    }
    sign_kid(pk, kid);
    return idmap_get(&d->by_signing, kid) == IDMAP_NONE &&
           idmap_get(&d->by_witness, kid) == IDMAP_NONE;
}

/* Never a transport key, a prekey or the hub's: X25519 keys have one purpose each. */
bool directory_box_free(const struct directory *d, const struct box_public *pk)
{
    uint8_t kid[KID_BYTES];

    box_kid(pk, kid);
    return !directory_key_is_hubs(d, pk->b) && idmap_get(&d->by_transport, kid) == IDMAP_NONE &&
           idmap_get(&d->by_prekey, kid) == IDMAP_NONE;
}

/* One countersigner: in effect at the moment the statement names, and a stranger to the matter. */
static enum err countersigner_verify(const struct directory *d, const struct statement *s,
                                     const struct statement_sig *sig, const struct verified *v,
                                     uint64_t *kind)
{
    const struct directory_node *n = directory_find_signing(d, sig->kid);
    const struct directory_org *o = n ? directory_org(d, n->org) : NULL;

    if (!o || !same_id(o->id, sig->org) || memcmp(n->kid, sig->kid, KID_BYTES) != 0)
        return ERR_COUNTERSIGN;
    if (same_id(o->id, d->federation.operator_org) || same_id(o->id, v->enrolment.org))
        return ERR_COUNTERSIGN;
    if (directory_node_state(d, n, DIRECTORY_NOW, v->ts_ms) != DIRECTORY_ACTIVE)
        return ERR_COUNTERSIGN;
    *kind = o->kind;
    return statement_verify(STATEMENT_KEYS, s->stmt, sig, &n->signing);
}

enum err directory_countersigned(const struct directory *d, const struct statement *s,
                                 const struct verified *v)
{
    uint64_t kinds[COUNTERSIGNERS] = {0};
    size_t found = 0;
    enum err e;

    if (s->count != 1U + (v->by_own_node ? 1U : 0U) + COUNTERSIGNERS)
        return ERR_COUNTERSIGN;
    for (size_t i = 0; i < s->count; i++) {
        if (s->sig[i].role == ROLE_REGISTRAR || (v->by_own_node && s->sig[i].role == ROLE_NODE))
            continue;
        if (s->sig[i].role != ROLE_COUNTERSIGNER || found == COUNTERSIGNERS)
            return ERR_COUNTERSIGN;
        if ((e = countersigner_verify(d, s, &s->sig[i], v, &kinds[found++])))
            return e;
    }
    return kinds[0] != kinds[1] ? ERR_OK : ERR_COUNTERSIGN;
}

/* Where others must have the time to object: two houses sign too, and the delay has to pass. */
static bool is_grave(const struct verified *v)
{
    return v->kind == KEYS_RESET || v->enrolment.kind == ORG_EMERGENCY;
}

static bool effect_right(const struct directory *d, const struct verified *v)
{
    if (!is_grave(v))
        return v->effect_ms == v->ts_ms;
    return v->effect_ms >= v->ts_ms + d->federation.emergency_delay_s * 1000;
}

/* Another node of an organisation that has one: one of those says so too. */
static enum err own_node_verify(const struct directory *d, const struct statement *s,
                                struct verified *v)
{
    const struct statement_sig *sig = statement_find(s, ROLE_NODE, v->enrolment.org);
    const struct directory_node *n = sig ? directory_find_signing(d, sig->kid) : NULL;
    struct sign_public pk;
    enum err e;

    if (!sig)
        return ERR_FIELD_MISSING;
    if ((e = directory_signer(d, v->enrolment.org, sig->kid, DIRECTORY_NOW, v->ts_ms, &pk)) ||
        (e = statement_verify(STATEMENT_KEYS, s->stmt, sig, &pk)))
        return e;
    /* perhaps its keys are in other hands: they make no node that works on when they are changed */
    if ((e = directory_state_err(directory_node_state(d, n, DIRECTORY_NOW, v->ts_ms))))
        return e;
    v->by_own_node = true;
    return ERR_OK;
}

/* Its organisation is known for a reset, and signs for another node; *v says which it is. */
static enum err organisation_verify(const struct directory *d, const struct statement *s,
                                    struct verified *v)
{
    const struct directory_org *known = directory_find_org(d, v->enrolment.org);

    if (known && (known->kind != v->enrolment.kind || !span_equal(known->name, v->enrolment.name)))
        return ERR_FIELD_VALUE;
    v->org = known ? (uint32_t)(known - d->orgs) : DIRECTORY_NONE;
    if (v->kind == KEYS_RESET)
        return known ? ERR_OK : ERR_NOT_FOUND;
    return known ? own_node_verify(d, s, v) : ERR_OK;
}

static enum err enrol_verify(const struct directory *d, const struct statement *s,
                             struct verified *v)
{
    struct enrol_statement es;
    struct statement first;
    enum err e;

    if ((e = enrol_statement_decode(s->stmt, &es)))
        return e;
    v->body = es.body;
    v->effect_ms = es.effect_ms;
    if ((e = directory_signed_by(s, ROLE_REGISTRAR, NULL, &d->federation.registrar)))
        return e;
    if ((e = enrolment_verify(es.body, es.possession, d->federation.id, &v->enrolment)))
        return e;
    if ((e = statement_parse(v->enrolment.prekey, &first)))
        return e;
    if ((e = prekey_decode(first.stmt, &v->prekey)))
        return e;
    if (!directory_signing_free(d, v->enrolment.org, &v->enrolment.signing) ||
        !directory_box_free(d, &v->enrolment.transport) || !directory_box_free(d, &v->prekey.pk) ||
        directory_find_node(d, v->enrolment.node))
        return ERR_EXISTS;
    if (same_key(v->enrolment.transport.b, v->prekey.pk.b))
        return ERR_EXISTS;
    if ((e = organisation_verify(d, s, v)))
        return e;
    if (!effect_right(d, v))
        return ERR_FIELD_VALUE;
    if (is_grave(v))
        return directory_countersigned(d, s, v);
    return s->count == 1U + (v->by_own_node ? 1U : 0U) ? ERR_OK : ERR_FIELD_VALUE;
}

/* --- prekey, suspension, revocation ------------------------------------------------------------
 */

enum err directory_prekey_follows(const struct directory *d, const struct directory_node *n,
                                  const struct prekey_statement *p)
{
    const struct directory_prekey *last = &d->prekeys[n->prekey];

    if (p->number != last->number + 1 || !same_id(p->previous, last->kid))
        return ERR_CHAIN;
    return directory_box_free(d, &p->pk) ? ERR_OK : ERR_EXISTS;
}

static enum err prekey_verify(const struct directory *d, const struct statement *s,
                              struct verified *v)
{
    const struct directory_node *n;
    enum err e;

    if ((e = prekey_decode(s->stmt, &v->prekey)))
        return e;
    n = directory_find_node(d, v->prekey.node);
    if (!n || !same_id(d->orgs[n->org].id, v->prekey.org))
        return ERR_NOT_FOUND;
    if ((e = directory_signed_alone(s, ROLE_NODE, v->prekey.org, &n->signing)))
        return e;
    /* pending is no obstacle: it does not depend on a clock whether this is accepted */
    if ((e = directory_state_err(directory_node_state(d, n, DIRECTORY_NOW, UINT64_MAX))))
        return e;
    if ((e = directory_prekey_follows(d, n, &v->prekey)))
        return e;
    v->node = (uint32_t)(n - d->nodes);
    return ERR_OK;
}

static enum err suspend_verify(const struct directory *d, const struct statement *s,
                               struct verified *v)
{
    const struct directory_suspension *last;
    const struct directory_org *o;
    struct suspend_statement st;
    bool is_suspended;
    enum err e;

    if ((e = suspend_decode(s->stmt, &st)))
        return e;
    if ((e = directory_signed_alone(s, ROLE_HUB, NULL, &d->federation.hub)))
        return e;
    if (v->ts_ms < hub_signs_since(d))
        return ERR_NOT_YET;
    if (!(o = directory_find_org(d, st.org)))
        return ERR_NOT_FOUND;
    last = directory_suspension(d, o->newest_suspension);
    is_suspended = last && last->to == UINT64_MAX;
    if (is_suspended != (v->kind == KEYS_RESUME))
        return ERR_STATE;
    v->org = (uint32_t)(o - d->orgs);
    v->reason = st.reason;
    return ERR_OK;
}

static enum err revoke_verify(const struct directory *d, const struct statement *s,
                              struct verified *v)
{
    const struct directory_node *n = NULL;
    const struct directory_org *o;
    struct revoke_statement st;
    enum err e;

    if ((e = revoke_decode(s->stmt, &st)))
        return e;
    if ((e = directory_signed_alone(s, ROLE_REGISTRAR, NULL, &d->federation.registrar)))
        return e;
    if (!(o = directory_find_org(d, st.org)))
        return ERR_NOT_FOUND;
    if (st.has_node && (!(n = directory_find_node(d, st.node)) || &d->orgs[n->org] != o))
        return ERR_NOT_FOUND;
    if (n ? n->revoked : directory_org_state(d, o, DIRECTORY_NOW, 0) == DIRECTORY_REVOKED)
        return ERR_STATE;
    v->org = (uint32_t)(o - d->orgs);
    v->node = n ? (uint32_t)(n - d->nodes) : DIRECTORY_NONE;
    v->reason = st.reason;
    return ERR_OK;
}

/* --- all kinds ---------------------------------------------------------------------------------
 */

enum err directory_verify(const struct directory *d, uint64_t index, struct span ss,
                          struct verified *v)
{
    struct statement s;
    struct keys_head h;
    enum err e;

    if (index != d->size)
        return ERR_STATE;
    if ((e = statement_parse(ss, &s)))
        return e;
    if ((e = keys_head_decode(s.stmt, &h)))
        return e;
    v->kind = (enum keys_kind)h.kind;
    v->ts_ms = h.ts_ms;
    if (v->kind == KEYS_GENESIS)
        return genesis_verify(d, &s, v);
    if (!d->founded)
        return ERR_STATE;
    if (!same_id(h.federation, d->federation.id))
        return ERR_FIELD_VALUE;
    switch (v->kind) {
    case KEYS_ENROL:
    case KEYS_RESET:
        return enrol_verify(d, &s, v);
    case KEYS_PREKEY:
        return prekey_verify(d, &s, v);
    case KEYS_SUSPEND:
    case KEYS_RESUME:
        return suspend_verify(d, &s, v);
    case KEYS_REVOKE:
        return revoke_verify(d, &s, v);
    case KEYS_ROTATE_NODE:
        return node_key_verify(d, &s, v);
    case KEYS_ROTATE_HUB:
        return hub_key_verify(d, &s, v);
    case KEYS_ABSENCE:
        return absence_verify(d, &s, v);
    case KEYS_WITNESS_SET:
        return witness_set_verify(d, &s, v);
    case KEYS_WITNESS_KEY:
        return witness_key_verify(d, &s, v);
    default:
        return ERR_UNSUPPORTED;
    }
}
