/*
 * witness_rig - a node_rig whose hub is watched: four houses, ours among them, each with a witness
 * key, all of the set, a quorum of three. What the others cosign is signed here.
 */
#ifndef WITNESS_RIG_H
#define WITNESS_RIG_H

#include "node_rig.h"
#include "witness.h"

#define HOUSES 4 /* 0 is the node under test, 1 `other` */
#define QUORUM 3
#define RIG_NOW_S (RIG_NOW / 1000)
#define HOUR_S 3600
#define DAY_S 86400

struct watched {
    struct rig *r;
    struct rig_org more[HOUSES - 2];
    struct rig_org *house[HOUSES];
    struct secret_sign *key[HOUSES]; /* 0: NULL, the node has it */
};

static inline void statement_append(struct rig *r, struct bytes *ss)
{
    rig_append(&r->keys, bytes_span(ss));
    bytes_free(ss);
    rig_sync(r);
}

static inline void house_enrol(struct rig *r, struct rig_org *o, const char *name)
{
    struct prekey_statement s = {.ts_ms = RIG_NOW, .number = 1};

    rig_fill(r, o->org, ID_BYTES);
    rig_fill(r, o->node, ID_BYTES);
    assert_int_equal(secret_sign_generate(&r->entropy, &o->sign), ERR_OK);
    assert_int_equal(secret_box_generate(&r->entropy, &o->curve), ERR_OK);
    assert_int_equal(secret_box_generate(&r->entropy, &o->prekey.key), ERR_OK);
    s.pk = *secret_box_public(o->prekey.key);
    memcpy(s.federation, r->federation.id, ID_BYTES);
    memcpy(s.org, o->org, ID_BYTES);
    memcpy(s.node, o->node, ID_BYTES);
    assert_int_equal(prekey_sign(&s, o->sign, &o->prekey.ss), ERR_OK);
    rig_enrol(r, o, name, &o->prekey);
    rig_sync(r);
}

static inline void house_key(struct watched *w, size_t i, uint64_t number)
{
    const struct rig_org *o = w->house[i];
    struct witness_key_statement s = {.ts_ms = RIG_NOW, .number = number};
    struct bytes ss = {0};

    secret_sign_free(w->key[i]);
    w->key[i] = NULL;
    assert_int_equal(secret_sign_generate(&w->r->entropy, &w->key[i]), ERR_OK);
    s.pk = *secret_sign_public(w->key[i]);
    memcpy(s.federation, w->r->federation.id, ID_BYTES);
    memcpy(s.org, o->org, ID_BYTES);
    memcpy(s.node, o->node, ID_BYTES);
    assert_int_equal(witness_key_sign(&s, o->sign, &ss), ERR_OK);
    statement_append(w->r, &ss);
}

/* What the node itself publishes, as soon as it sees that its key is not in the log. */
static inline void own_key(struct watched *w)
{
    struct bytes ss = {0};

    assert_int_equal(witness_key_due(w->r->n, &ss), ERR_OK);
    statement_append(w->r, &ss);
    assert_int_equal(witness_key_due(w->r->n, &ss), ERR_AGAIN);
}

static inline void set_name(struct watched *w, size_t from, size_t count, uint64_t quorum,
                            uint64_t ts_ms)
{
    struct witness_set_statement s = {.ts_ms = ts_ms, .quorum = quorum, .count = count};
    struct bytes stmt = {0};
    struct bytes ss = {0};

    memcpy(s.federation, w->r->federation.id, ID_BYTES);
    for (size_t i = 0; i < count; i++)
        memcpy(s.node[i], w->house[from + i]->node, ID_BYTES);
    assert_int_equal(witness_set_encode(&s, &stmt), ERR_OK);
    assert_int_equal(statement_sign_alone(STATEMENT_KEYS, bytes_span(&stmt), ROLE_REGISTRAR, NULL,
                                          w->r->registrar, &ss),
                     ERR_OK);
    statement_append(w->r, &ss);
    bytes_free(&stmt);
}

static inline void watched_begin(struct watched *w, struct rig *r)
{
    *w = (struct watched){.r = r};
    w->house[0] = &r->own;
    w->house[1] = &r->other;
    for (size_t i = 2; i < HOUSES; i++) {
        w->house[i] = &w->more[i - 2];
        house_enrol(r, w->house[i], i == 2 ? "Trois" : "Quatre");
    }
    own_key(w);
    for (size_t i = 1; i < HOUSES; i++)
        house_key(w, i, 1);
    set_name(w, 0, HOUSES, QUORUM, RIG_NOW);
}

static inline void watched_end(struct watched *w)
{
    for (size_t i = 0; i < HOUSES; i++)
        secret_sign_free(w->key[i]);
    for (size_t i = 0; i < HOUSES - 2; i++) {
        secret_sign_free(w->more[i].sign);
        secret_box_free(w->more[i].curve);
        prekey_wipe(&w->more[i].prekey);
    }
}

static inline void cosign_as(struct watched *w, struct cosigned *c, uint32_t log, size_t who,
                             uint64_t time_s)
{
    const char *origin = log == LOG_KEYS ? RIG_KEYS_ORIGIN : RIG_AUDIT_ORIGIN;
    struct cosignature *one = &c->by[c->n++];

    memcpy(one->node, w->house[who]->node, ID_BYTES);
    one->time_s = time_s;
    assert_int_equal(cosignature_make(span_text(origin), c->head.size, c->head.root, time_s,
                                      who ? w->key[who] : w->r->n->witness, one->sig),
                     ERR_OK);
}

static inline void cosign_all(struct watched *w, struct cosigned *c, uint32_t log, uint64_t time_s)
{
    for (size_t i = 1; i < HOUSES; i++)
        cosign_as(w, c, log, i, time_s);
}

/* HEADS of now, seen by nobody yet; whoever cosigns does so over the same two heads. */
static inline struct msg_heads heads_now(struct watched *w)
{
    struct msg_heads h = {.epoch = RIG_EPOCH_NUMBER, .keys = rig_keys_head(w->r)};

    if (w->r->audit.size > 0)
        h.audit = rig_audit_head(w->r);
    h.keys_seen.head = h.keys;
    h.audit_seen.head = h.audit;
    return h;
}

static inline void audit_grow(struct watched *w, size_t by)
{
    while (by-- > 0)
        rig_append(&w->r->audit, SPAN_STR("une entrée"));
}

/* What the hub would answer, until the node has no more to ask. */
static inline size_t questions_answered(struct watched *w)
{
    struct merkle_source source = {rig_subtree, &w->r->audit};
    struct head_question q;
    size_t asked = 0;

    assert_int_equal(contacts_heads_flush(w->r->n), ERR_OK);
    for (; contacts_question(w->r->n, &q) == ERR_OK; asked++) {
        struct msg_consistency_proof p = {
            .of = {LOG_AUDIT, q.epoch},
              .from = q.from.size, .to = q.to.size
        };
        struct merkle_proof proof;

        assert_true(asked < 16);
        assert_int_equal(merkle_consistency(&source, p.from, p.to, &proof), ERR_OK);
        p.n = proof.count;
        memcpy(p.hash, proof.hash, proof.count * sizeof proof.hash[0]);
        assert_int_equal(contacts_proved(w->r->n, &q, &p), ERR_OK);
    }
    return asked;
}

/* All of a log attested now by the three others; the clock is what it is. */
static inline void attested_now(struct watched *w)
{
    struct msg_heads h = heads_now(w);

    cosign_all(w, &h.keys_seen, LOG_KEYS, node_now_ms(w->r->n) / 1000);
    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK);
}

#endif
