/*
 * node_rig - one node under test and the world around it, in one process: a federation whose hub
 * is a few arrays (keys log, audit log), two organisations (the node's own, and `other`), a clock
 * that is turned by hand, seeded randomness, a store that fails on demand. What the hub would sign
 * is signed here with the same code that a hub uses, so that the node verifies for real.
 *
 * Documents are stood in for by a payload of five bytes and a text (care_hooks of the rig): type,
 * class, person (0 none, 1.. which of three), and whether it is to be refused as damaged or
 * mislabelled.
 */
#ifndef NODE_RIG_H
#define NODE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "checkpoint.h"
#include "circles.h"
#include "commands.h"
#include "contacts.h"
#include "directory.h"
#include "envelope.h"
#include "faulty_store.h"
#include "file.h"
#include "intake.h"
#include "node.h"
#include "outbox.h"
#include "prekeys.h"
#include "receipt.h"
#include "vault.h"
#include "writer.h"

#define RIG_EPOCH "2026"
#define RIG_EPOCH_NUMBER 2026
#define RIG_NOW UINT64_C(1790000000000) /* September 2026 */
#define RIG_LOG_MAX 256
#define RIG_NAME "essai.test"
#define RIG_KEYS_ORIGIN RIG_NAME "/keys"
#define RIG_AUDIT_ORIGIN RIG_NAME "/audit/" RIG_EPOCH

struct rig_log {
    size_t size;
    struct bytes entry[RIG_LOG_MAX];
    uint8_t leaf[RIG_LOG_MAX][MERKLE_HASH_BYTES];
};

struct rig_org {
    uint8_t org[ID_BYTES];
    uint8_t node[ID_BYTES];
    struct secret_sign *sign;
    struct secret_box *curve;
    struct prekey prekey;
};

struct rig {
    char dir[64];
    struct clock_fixed clock;
    struct entropy_seed seed;
    struct entropy entropy;
    struct store_faults faults;
    struct node *n;
    struct federation federation;
    struct secret_sign *registrar, *hub, *keys_log, *audit_log;
    struct secret_box *hub_transport;
    struct rig_org own, other;
    struct rig_log keys, audit;
    uint8_t person[3][ID_BYTES]; /* made at the node */
    uint64_t seq;
};

/* --- logs of the hub -------------------------------------------------------------------------- */

static inline enum err rig_subtree(void *arg, unsigned level, uint64_t index, uint8_t out[32])
{
    const struct rig_log *l = arg;
    uint8_t left[32], right[32];
    enum err e;

    if (level == 0) {
        memcpy(out, l->leaf[index], 32);
        return ERR_OK;
    }
    if ((e = rig_subtree(arg, level - 1, 2 * index, left)) ||
        (e = rig_subtree(arg, level - 1, 2 * index + 1, right)))
        return e;
    merkle_node_hash(left, right, out);
    return ERR_OK;
}

static inline void rig_append(struct rig_log *l, struct span entry)
{
    assert_true(l->size < RIG_LOG_MAX);
    assert_int_equal(bytes_copy(&l->entry[l->size], entry), ERR_OK);
    merkle_leaf_hash(entry, l->leaf[l->size++]);
}

static inline struct ckpt rig_head(struct rig_log *l, uint64_t size, const char *origin,
                                   const struct secret_sign *key)
{
    struct merkle_source source = {rig_subtree, l};
    struct ckpt head = {.size = size};
    struct bytes body = {0};

    assert_int_equal(merkle_root(&source, size, head.root), ERR_OK);
    assert_int_equal(checkpoint_body(span_text(origin), size, head.root, &body), ERR_OK);
    assert_int_equal(sign_note(key, bytes_span(&body), head.sig), ERR_OK);
    bytes_free(&body);
    return head;
}

static inline struct ckpt rig_keys_head(struct rig *r)
{
    return rig_head(&r->keys, r->keys.size, RIG_KEYS_ORIGIN, r->keys_log);
}

static inline struct ckpt rig_audit_head(struct rig *r)
{
    return rig_head(&r->audit, r->audit.size, RIG_AUDIT_ORIGIN, r->audit_log);
}

/* An entry of the audit log, and its receipt as on the wire. */
static inline void rig_receipt(struct rig *r, enum audit_type type, const struct detail *d,
                               const struct receipt_path *path, struct bytes *out)
{
    struct merkle_source source = {rig_subtree, &r->audit};
    struct receipt receipt = {.log = LOG_AUDIT, .index = r->audit.size};
    struct bytes detail = {0}, entry = {0};
    uint8_t c[32];

    assert_int_equal(entropy_fill(&r->entropy, receipt.salt, sizeof receipt.salt), ERR_OK);
    assert_int_equal(detail_encode(d, &detail), ERR_OK);
    assert_int_equal(detail_commit(receipt.salt, bytes_span(&detail), c), ERR_OK);
    assert_int_equal(entry_encode(type, clock_now_ms(&r->clock.clock), c, &entry), ERR_OK);
    rig_append(&r->audit, bytes_span(&entry));
    receipt.entry = bytes_span(&entry);
    receipt.detail = bytes_span(&detail);
    receipt.head = rig_audit_head(r);
    assert_int_equal(merkle_inclusion(&source, receipt.index, r->audit.size, &receipt.inclusion),
                     ERR_OK);
    if (path) {
        receipt.has_path = true;
        receipt.path = *path;
    }
    assert_int_equal(receipt_encode(&receipt, out), ERR_OK);
    bytes_free(&detail);
    bytes_free(&entry);
}

/* --- the stand-in for documents ------------------------------------------------------------------
 */

enum {
    DOC_TYPE,
    DOC_CLASS,
    DOC_PERSON,
    DOC_FAULT,
    DOC_TEXT
};
enum {
    FAULT_NONE,
    FAULT_SCHEMA,
    FAULT_LABEL,
    FAULT_DISK
};

static struct rig *rig_now; /* hooks have no argument of their own */

static inline enum err rig_open(struct node *n, struct span body, const struct env_header *h,
                                struct care_payload *out)
{
    (void)n;
    if (body.len < DOC_TEXT)
        return ERR_SCHEMA;
    if (body.ptr[DOC_FAULT] == FAULT_SCHEMA)
        return ERR_SCHEMA;
    if (body.ptr[DOC_FAULT] == FAULT_DISK)
        return ERR_NOMEM;
    if (body.ptr[DOC_FAULT] == FAULT_LABEL || body.ptr[DOC_TYPE] != h->type ||
        body.ptr[DOC_CLASS] != h->class_mask)
        return ERR_MISLABELLED;
    *out = (struct care_payload){.type = body.ptr[DOC_TYPE],
                                 .class_mask = body.ptr[DOC_CLASS],
                                 .offer = span_of(body.ptr + DOC_TEXT, body.len - DOC_TEXT),
                                 .doc = malloc(1)};
    memcpy(out->doc, body.ptr + DOC_PERSON, 1);
    return ERR_OK;
}

static inline void rig_release(struct care_payload *p)
{
    free(p->doc);
    *p = (struct care_payload){0};
}

static inline enum err rig_person(struct node *n, struct txn *t, const struct care_payload *p,
                                  const struct env_header *h, const uint8_t *circle_person,
                                  uint8_t person[ID_BYTES])
{
    const uint8_t *who = rig_now->person[*(const uint8_t *)p->doc];

    (void)n;
    (void)t;
    (void)h;
    if (circle_person && memcmp(circle_person, who, ID_BYTES) != 0)
        return ERR_MISLABELLED;
    memcpy(person, who, ID_BYTES);
    return ERR_OK;
}

static const struct care_hooks rig_hooks = {
    .open = rig_open, .release = rig_release, .person = rig_person};

/* --- the federation
 * ------------------------------------------------------------------------------- */

static inline void rig_fill(struct rig *r, uint8_t *out, size_t size)
{
    assert_int_equal(entropy_fill(&r->entropy, out, size), ERR_OK);
}

static inline void rig_genesis(struct rig *r)
{
    struct federation *f = &r->federation;
    struct statement_sig sigs[2];
    struct bytes stmt = {0}, ss = {0};

    rig_fill(r, f->id, ID_BYTES);
    f->ts_ms = RIG_NOW;
    f->name = span_text(RIG_NAME);
    f->mode = MODE_EXERCISE;
    f->hub_transport = *secret_box_public(r->hub_transport);
    f->hub = *secret_sign_public(r->hub);
    f->keys_log = *secret_sign_public(r->keys_log);
    f->audit_log = *secret_sign_public(r->audit_log);
    f->registrar = *secret_sign_public(r->registrar);
    f->founder_count = 1;
    memcpy(f->founders[0].org, r->other.org, ID_BYTES);
    f->founders[0].pk = *secret_sign_public(r->other.sign);
    assert_int_equal(genesis_encode(f, &stmt), ERR_OK);
    assert_int_equal(statement_sign(STATEMENT_KEYS, bytes_span(&stmt), ROLE_REGISTRAR, NULL,
                                    r->registrar, &sigs[0]),
                     ERR_OK);
    assert_int_equal(statement_sign(STATEMENT_KEYS, bytes_span(&stmt), ROLE_FOUNDER, r->other.org,
                                    r->other.sign, &sigs[1]),
                     ERR_OK);
    assert_int_equal(statement_join(bytes_span(&stmt), sigs, 2, &ss), ERR_OK);
    rig_append(&r->keys, bytes_span(&ss));
    bytes_free(&stmt);
    bytes_free(&ss);
}

/* prekey: signed already, by who->sign. */
static inline void rig_enrol(struct rig *r, struct rig_org *who, const char *name,
                             const struct prekey *prekey)
{
    struct enrolment en = {.name = span_text(name), .kind = ORG_HOSPITAL};
    struct bytes body = {0}, stmt = {0}, ss = {0};
    uint8_t possession[SIG_BYTES];

    memcpy(en.org, who->org, ID_BYTES);
    memcpy(en.node, who->node, ID_BYTES);
    rig_fill(r, en.invitation, ID_BYTES);
    en.signing = *secret_sign_public(who->sign);
    en.transport = *secret_box_public(who->curve);
    en.prekey = bytes_span(&prekey->ss);
    assert_int_equal(enrolment_encode(&en, &body), ERR_OK);
    assert_int_equal(possession_sign(bytes_span(&body), who->sign, possession), ERR_OK);
    assert_int_equal(enrol_encode(KEYS_ENROL, r->federation.id, RIG_NOW, bytes_span(&body),
                                  possession, RIG_NOW, &stmt),
                     ERR_OK);
    assert_int_equal(statement_sign_alone(STATEMENT_KEYS, bytes_span(&stmt), ROLE_REGISTRAR, NULL,
                                          r->registrar, &ss),
                     ERR_OK);
    rig_append(&r->keys, bytes_span(&ss));
    bytes_free(&body);
    bytes_free(&stmt);
    bytes_free(&ss);
}

static inline void rig_other(struct rig *r)
{
    struct prekey_statement s = {.ts_ms = RIG_NOW, .number = 1};
    struct prekey *p = &r->other.prekey;

    assert_int_equal(secret_box_generate(&r->entropy, &p->key), ERR_OK);
    s.pk = *secret_box_public(p->key);
    memcpy(s.federation, r->federation.id, ID_BYTES);
    memcpy(s.org, r->other.org, ID_BYTES);
    memcpy(s.node, r->other.node, ID_BYTES);
    assert_int_equal(prekey_sign(&s, r->other.sign, &p->ss), ERR_OK);
    rig_enrol(r, &r->other, "Autre", p);
}

/* --- the node
 * ------------------------------------------------------------------------------------- */

static inline void rig_join(struct rig *r)
{
    struct pins p = {.mode = MODE_EXERCISE, .name = RIG_NAME, .org_name = "Nous"};
    struct prekey mine = {0};
    struct txn *t = NULL;

    memcpy(p.federation, r->federation.id, ID_BYTES);
    p.hub_transport = r->federation.hub_transport;
    p.hub = r->federation.hub;
    p.keys_log = r->federation.keys_log;
    p.audit_log = r->federation.audit_log;
    p.registrar = r->federation.registrar;
    memcpy(p.org, r->own.org, ID_BYTES);
    memcpy(p.node, r->own.node, ID_BYTES);
    assert_int_equal(genesis_pin(bytes_span(&r->keys.entry[0]), p.genesis), ERR_OK);
    assert_int_equal(prekey_make(r->n, r->n->sign, p.federation, p.org, p.node, 1, NULL, &mine),
                     ERR_OK);
    assert_int_equal(store_begin(r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(pins_put(r->n, t, &p), ERR_OK);
    assert_int_equal(prekey_keep(r->n, t, &mine), ERR_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(vault_person_new(r->n->vault, t, r->person[i]), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
    rig_enrol(r, &r->own, "Nous", &mine);
    prekey_wipe(&mine);
    assert_int_equal(node_forget(r->n), ERR_OK);
}

static inline void rig_page(struct rig *r, uint64_t from, struct msg_keys_page *p)
{
    *p = (struct msg_keys_page){.from = from, .n = r->keys.size - from};
    for (size_t i = 0; i < p->n; i++)
        p->ss[i] = bytes_span(&r->keys.entry[from + i]);
    p->head = rig_keys_head(r);
}

static inline void rig_sync(struct rig *r)
{
    static struct msg_keys_page p;

    rig_page(r, contacts_keys_size(r->n), &p);
    assert_int_equal(contacts_page(r->n, &p), ERR_OK);
    assert_int_equal(contacts_see_epoch(r->n, RIG_EPOCH_NUMBER, span_text("")), ERR_OK);
}

static inline struct node_options rig_options(struct rig *r)
{
    return (struct node_options){.dir = r->dir,
                                 .engine = "lmdb",
                                 .passphrase = span_text("une phrase"),
                                 .clock = &r->clock.clock,
                                 .entropy = r->entropy,
                                 .care = &rig_hooks,
                                 .caps = KEYFILE_CAPS};
}

static inline void rig_node_open(struct rig *r)
{
    struct node_options o = rig_options(r);

    assert_int_equal(node_open(&o, &r->n), ERR_OK);
    memset(&r->faults, 0, sizeof r->faults);
    r->n->store = store_wrap(r->n->store, &r->faults);
    assert_non_null(r->n->store);
    assert_int_equal(node_forget(r->n), ERR_OK); /* the ledger borrows the store */
}

/* As after a crash: everything in memory is gone. */
static inline void rig_restart(struct rig *r)
{
    node_close(r->n);
    rig_node_open(r);
}

static inline int rig_up(void **state)
{
    static const uint8_t seed[SEED_BYTES] = {7};
    struct rig *r = calloc(1, sizeof *r);
    struct node_options o;
    struct secret32 *raw = NULL;

    assert_non_null(r);
    rig_now = r;
    assert_int_equal(seal_init(), ERR_OK);
    clock_fixed_init(&r->clock, RIG_NOW);
    r->entropy = entropy_seeded(seed, &r->seed);
    snprintf(r->dir, sizeof r->dir, "/tmp/node-rig-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    rig_fill(r, r->own.org, ID_BYTES);
    rig_fill(r, r->own.node, ID_BYTES);
    rig_fill(r, r->other.org, ID_BYTES);
    rig_fill(r, r->other.node, ID_BYTES);
    assert_int_equal(secret_sign_generate(&r->entropy, &r->registrar), ERR_OK);
    assert_int_equal(secret_sign_generate(&r->entropy, &r->hub), ERR_OK);
    assert_int_equal(secret_sign_generate(&r->entropy, &r->keys_log), ERR_OK);
    assert_int_equal(secret_sign_generate(&r->entropy, &r->audit_log), ERR_OK);
    assert_int_equal(secret_box_generate(&r->entropy, &r->hub_transport), ERR_OK);
    assert_int_equal(secret_sign_generate(&r->entropy, &r->other.sign), ERR_OK);
    assert_int_equal(secret_box_generate(&r->entropy, &r->other.curve), ERR_OK);
    o = rig_options(r);
    assert_int_equal(node_create(&o, (struct keyfile_cost){8, 1}), ERR_OK);
    rig_node_open(r);
    assert_int_equal(secret_sign_seed(r->n->sign, &raw), ERR_OK);
    assert_int_equal(secret_sign_from_seed(raw, &r->own.sign), ERR_OK);
    secret32_free(raw);
    assert_int_equal(secret_box_secret(r->n->curve, &raw), ERR_OK);
    assert_int_equal(secret_box_from(raw, &r->own.curve), ERR_OK);
    secret32_free(raw);
    rig_genesis(r);
    rig_other(r);
    rig_join(r);
    rig_sync(r);
    *state = r;
    return 0;
}

static inline void rig_log_free(struct rig_log *l)
{
    for (size_t i = 0; i < l->size; i++)
        bytes_free(&l->entry[i]);
}

static inline int rig_down(void **state)
{
    struct rig *r = *state;
    static const char *const files[] = {"node.key", "node.conf", "store/data.mdb", "store/lock.mdb",
                                        "store"};
    char path[128];

    node_close(r->n);
    secret_sign_free(r->registrar);
    secret_sign_free(r->hub);
    secret_sign_free(r->keys_log);
    secret_sign_free(r->audit_log);
    secret_sign_free(r->own.sign);
    secret_sign_free(r->other.sign);
    secret_box_free(r->hub_transport);
    secret_box_free(r->own.curve);
    secret_box_free(r->other.curve);
    prekey_wipe(&r->other.prekey);
    rig_log_free(&r->keys);
    rig_log_free(&r->audit);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", r->dir, files[i]);
        if (remove(path) != 0)
            print_message("# not removed: %s\n", path);
    }
    rmdir(r->dir);
    free(r);
    return 0;
}

/* --- circles
 * -------------------------------------------------------------------------------------- */

/* A statement by `who` on the chain c (NULL: a create), applied to c. */
static inline void rig_say(struct rig *r, struct circle *c, const struct rig_org *who,
                           struct circle_statement *s, struct bytes *ss)
{
    struct circle_signers signers = contacts_signers(r->n);

    assert_int_equal(circle_sign(s, who->sign, ss), ERR_OK);
    assert_int_equal(circle_apply(c, bytes_span(ss), &signers, clock_now_ms(&r->clock.clock)),
                     ERR_OK);
}

/* DELIVER of a statement, with the hub's receipt. */
static inline enum err rig_deliver_statement(struct rig *r, struct txn *t, struct span ss)
{
    struct detail d = {.has = RD_KEY(DETAIL_FROM) | RD_KEY(DETAIL_CIRCLE) |
                              RD_KEY(DETAIL_STATEMENT) | RD_KEY(DETAIL_CHAIN_N) |
                              RD_KEY(DETAIL_ACTOR)};
    struct msg_deliver m = {.seq = ++r->seq, .previous = r->seq - 1, .kind = DELIVER_STATEMENT};
    struct bytes receipt = {0};
    struct covered covers;
    struct statement st;
    enum err e;

    assert_int_equal(statement_parse(ss, &st), ERR_OK);
    assert_int_equal(statement_link(st.stmt, d.statement), ERR_OK);
    rig_receipt(r, AUDIT_STATEMENT, &d, NULL, &receipt);
    m.item = ss;
    m.receipt = bytes_span(&receipt);
    e = intake_item(r->n, t, &m, &covers);
    bytes_free(&receipt);
    return e;
}

/* A circle of `other` with us in it, both in team 1, and its statements. */
struct rig_circle {
    struct circle *c;
    struct bytes ss[8];
    size_t n;
};

static inline struct circle_row rig_row(const struct rig_org *who, uint8_t rights)
{
    struct circle_row row = {.team = 1, .category = 3, .class_mask = CLASS_ALL, .rights = rights};

    memcpy(row.org, who->org, ID_BYTES);
    return row;
}

static inline void rig_offer(struct rig *r, struct circle *c, struct bytes *offer)
{
    struct circle_offer o = {.kind = CIRCLE_JOIN,
                             .row = rig_row(&r->own, CIRCLE_RIGHT_ALL),
                             .at = circle_size(c) - 1,
                             .expires_ms = clock_now_ms(&r->clock.clock) + 86400000};

    memcpy(o.circle, circle_handle(c), ID_BYTES);
    memcpy(o.by, r->other.org, ID_BYTES);
    memcpy(o.to, r->own.org, ID_BYTES);
    rig_fill(r, o.nonce, ID_BYTES);
    assert_int_equal(circle_offer_sign(&o, r->other.sign, offer), ERR_OK);
}

static inline void rig_circle_new(struct rig *r, struct rig_circle *out)
{
    static const uint8_t actor[ID_BYTES] = {1};
    struct circle_statement s;
    struct bytes offer = {0};

    *out = (struct rig_circle){0};
    assert_int_equal(circle_new(NULL, &out->c), ERR_OK);
    assert_int_equal(circle_next(NULL, CIRCLE_CREATE, r->other.org, actor, RIG_NOW, &s), ERR_OK);
    rig_fill(r, s.nonce, ID_BYTES);
    s.row = rig_row(&r->other, CIRCLE_RIGHT_ALL);
    rig_say(r, out->c, &r->other, &s, &out->ss[out->n++]);
    rig_offer(r, out->c, &offer);
    assert_int_equal(circle_next(out->c, CIRCLE_JOIN, r->own.org, actor, RIG_NOW, &s), ERR_OK);
    s.row = rig_row(&r->own, CIRCLE_RIGHT_ALL);
    s.offer = bytes_span(&offer);
    rig_say(r, out->c, &r->own, &s, &out->ss[out->n++]);
    bytes_free(&offer);
}

static inline void rig_circle_free(struct rig_circle *c)
{
    circle_free(c->c);
    for (size_t i = 0; i < c->n; i++)
        bytes_free(&c->ss[i]);
}

/* The node gets the statements [from, to) and keeps them. */
static inline void rig_circle_tell(struct rig *r, const struct rig_circle *c, size_t from,
                                   size_t to)
{
    struct txn *t = NULL;

    assert_int_equal(store_begin(r->n->store, TXN_WRITE, &t), ERR_OK);
    for (size_t i = from; i < to; i++)
        assert_int_equal(rig_deliver_statement(r, t, bytes_span(&c->ss[i])), ERR_OK);
    assert_int_equal(node_commit(r->n, &t), ERR_OK);
}

/* --- envelopes
 * ------------------------------------------------------------------------------------- */

struct rig_letter {
    struct env_header header;
    struct bytes sealed;
    uint8_t digest[DIGEST_BYTES];
    struct bytes receipt; /* accepted */
};

static inline void rig_letter_free(struct rig_letter *l)
{
    bytes_free(&l->sealed);
    bytes_free(&l->receipt);
}

/* From `other` to us, in circle c, seen as accepted with the chain at chain_n. */
static inline void rig_header(struct rig *r, const struct rig_circle *c, struct env_header *h)
{
    *h = (struct env_header){.suite = ENVELOPE_SUITE,
                             .type = ENVELOPE_SHEET,
                             .to_count = 1,
                             .ts = clock_now_ms(&r->clock.clock),
                             .exp = clock_now_ms(&r->clock.clock) + 86400000,
                             .seq = 1,
                             .class_mask = CLASS_IDENTITY | CLASS_MEDICAL,
                             .basis = BASIS_ECHANGE,
                             .purpose = 1,
                             .status = MODE_EXERCISE,
                             .sign = ENVELOPE_SIGN_SINGLE,
                             .scat = CATEGORY_HEALTH};
    rig_fill(r, h->mid, ID_BYTES);
    memcpy(h->from, r->other.org, ID_BYTES);
    sign_kid(secret_sign_public(r->other.sign), h->skid);
    memcpy(h->to[0], r->own.org, ID_BYTES);
    memcpy(h->circle, circle_handle(c->c), ID_BYTES);
    h->rcat[0] = CATEGORY_HEALTH;
    h->keys_head = rig_keys_head(r);
}

static inline void rig_accept(struct rig *r, struct rig_letter *l, uint64_t chain_n)
{
    struct detail d = {.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_DIGEST) | RD_KEY(DETAIL_FROM) |
                              RD_KEY(DETAIL_ACTOR) | RD_KEY(DETAIL_CIRCLE) | RD_KEY(DETAIL_TO) |
                              RD_KEY(DETAIL_CHAIN_N),
                       .to_count = 1,
                       .chain_n = chain_n};

    memcpy(d.mid, l->header.mid, ID_BYTES);
    memcpy(d.digest, l->digest, DIGEST_BYTES);
    memcpy(d.from, l->header.from, ID_BYTES);
    memcpy(d.circle, l->header.circle, ID_BYTES);
    memcpy(d.to[0], r->own.org, ID_BYTES);
    rig_receipt(r, AUDIT_ACCEPTED, &d, NULL, &l->receipt);
}

static inline void rig_seal(struct rig *r, struct rig_letter *l, const struct box_public *to,
                            struct span body)
{
    assert_int_equal(
        envelope_seal(&l->header, to, body, r->other.sign, &r->entropy, &l->sealed, l->digest),
        ERR_OK);
}

static inline struct box_public rig_own_prekey(struct rig *r)
{
    struct box_public pk;
    struct prekey p = {0};
    struct txn *t = NULL;

    assert_int_equal(store_begin(r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(prekey_newest(r->n, t, &p), ERR_OK);
    store_abort(&t);
    pk = *secret_box_public(p.key);
    prekey_wipe(&p);
    return pk;
}

static const uint8_t rig_body[] = {ENVELOPE_SHEET,
                                   CLASS_IDENTITY | CLASS_MEDICAL,
                                   0,
                                   FAULT_NONE,
                                   'b',
                                   'o',
                                   'n',
                                   'j',
                                   'o',
                                   'u',
                                   'r'};

static inline void rig_letter_new(struct rig *r, const struct rig_circle *c, struct span body,
                                  uint64_t chain_n, struct rig_letter *l)
{
    struct box_public to = rig_own_prekey(r);

    *l = (struct rig_letter){0};
    rig_header(r, c, &l->header);
    rig_seal(r, l, &to, body);
    rig_accept(r, l, chain_n);
}

/* One DELIVER in its own transaction; commits when the node says ERR_OK. */
static inline enum err rig_deliver(struct rig *r, struct span item, struct span receipt,
                                   struct covered *covers)
{
    struct msg_deliver m = {.seq = ++r->seq,
                            .previous = r->seq - 1,
                            .kind = DELIVER_ENVELOPE,
                            .item = item,
                            .receipt = receipt};
    struct covered none;
    struct txn *t = NULL;
    enum err e;

    if ((e = store_begin(r->n->store, TXN_WRITE, &t)))
        return e;
    if (!(e = intake_item(r->n, t, &m, covers ? covers : &none)))
        e = node_commit(r->n, &t);
    node_abort(r->n, &t);
    return e;
}

static inline enum err rig_deliver_letter(struct rig *r, const struct rig_letter *l)
{
    return rig_deliver(r, bytes_span(&l->sealed), bytes_span(&l->receipt), NULL);
}

static inline enum err rig_inbox(struct rig *r, const struct rig_letter *l, struct in_status *s)
{
    struct txn *t = NULL;
    enum err e = store_begin(r->n->store, TXN_READ, &t);

    if (!e)
        e = inbox_get(r->n, t, l->header.mid, l->header.from, s);
    store_abort(&t);
    return e;
}

static inline enum err rig_count(void *arg, struct span key, struct span value)
{
    (void)key;
    (void)value;
    ++*(size_t *)arg;
    return ERR_OK;
}

static inline size_t rig_rows(struct rig *r, int table)
{
    struct txn *t = NULL;
    size_t count = 0;

    assert_int_equal(store_begin(r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(
        store_scan(t, table, span_text(""), span_text(""), SIZE_MAX, rig_count, &count), ERR_OK);
    store_abort(&t);
    return count;
}

#endif
