#include "plant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity.h"
#include "member_internal.h"
#include "registrar.h"
#include "serve.h"

#define OUT_DEPTH 65536

void plant_open(struct plant *p, struct world *w)
{
    static struct hub_conf conf;
    char where[1100];
    char why[256];
    struct core_options o = {.engine = "lmdb", .where = where, .clock = clock_system()};
    const char *dir = hubproc_dir(w->scene.hub);

    if (hubproc_running(w->scene.hub))
        ok(hubproc_stop(w->scene.hub, NULL), "stop");
    *p = (struct plant){.entropy = entropy_system()};
    snprintf(where, sizeof where, "%s/store", dir);
    ok(hub_conf_read(dir, &conf, why, sizeof why), "settings");
    ok(identity_open(dir, span_text(HUBPROC_PASSPHRASE), &p->id), "identity");
    ok(fair_new(false, &p->in), "queue");
    ok(queue_new(OUT_DEPTH, &p->out), "queue");
    o.store_max_bytes = conf.store_max;
    o.conf = &conf;
    o.entropy = &p->entropy;
    o.identity = p->id;
    o.in = p->in;
    o.out = p->out;
    ok(core_open(&o, &p->core), "core");
}

void plant_close(struct plant *p)
{
    core_close(p->core);
    fair_free(p->in);
    queue_free(p->out);
    identity_close(p->id);
}

static void said_drop(struct plant *p)
{
    void *item;

    while (queue_pop(p->out, &item) == ERR_OK)
        parcel_free(item);
}

void plant_work(struct plant *p)
{
    enum err e;

    while ((e = core_turn(p->core, 0)) == ERR_OK)
        said_drop(p);
    ok_or(e, ERR_AGAIN, "core");
    said_drop(p);
}

/* --- nodes -------------------------------------------------------------------------------------
 */

static void enrolment_make(struct world *w, const struct federation *f, struct member_node *m,
                           struct bytes *ss)
{
    struct prekey_statement first = {.ts_ms = crew_now_ms(m->crew), .number = 1};
    struct enrolment en = {.name = span_text(member_name(m)),
                           .kind = ORG_ESSMS,
                           .national_id = span_text(""),
                           .territory = span_text("")};
    struct bytes prekey = {0};
    struct bytes body = {0};
    struct bytes stmt = {0};
    uint8_t possession[SIG_BYTES];

    m->hub = w->m[0]->hub;
    member_random(m, m->org, sizeof m->org);
    memcpy(first.federation, m->hub.federation, ID_BYTES);
    memcpy(first.org, m->org, ID_BYTES);
    memcpy(first.node, m->id, ID_BYTES);
    first.pk = *secret_box_public(m->prekey);
    ok(prekey_sign(&first, m->sign, &prekey), "prekey");
    en.signing = *secret_sign_public(m->sign);
    en.transport = *secret_box_public(m->curve);
    en.prekey = bytes_span(&prekey);
    memcpy(en.org, m->org, ID_BYTES);
    memcpy(en.node, m->id, ID_BYTES);
    member_random(m, en.invitation, sizeof en.invitation);
    ok(enrolment_encode(&en, &body), "enrolment");
    ok(possession_sign(bytes_span(&body), m->sign, possession), "possession");
    ok(enrol_encode(KEYS_ENROL, f->id, first.ts_ms, bytes_span(&body), possession, first.ts_ms,
                    &stmt),
       "statement");
    ok(statement_sign_alone(STATEMENT_KEYS, bytes_span(&stmt), ROLE_REGISTRAR, NULL,
                            hubproc_registrar(w->scene.hub), ss),
       "signature");
    bytes_free(&prekey);
    bytes_free(&body);
    bytes_free(&stmt);
}

#define ENROL_GROUP 256

static void enrol_group(struct world *w, struct plant *p, struct member_node **m, size_t n)
{
    struct core *c = p->core;

    c->now_ms = clock_now_ms(c->clock);
    ok(store_begin(c->store, TXN_WRITE, &c->t), "begin");
    for (size_t i = 0; i < n; i++) {
        struct bytes ss = {0};

        enrolment_make(w, &c->id->federation, m[i], &ss);
        ok(registry_append(c, bytes_span(&ss)), "enrol");
        bytes_free(&ss);
    }
    ok(store_commit(&c->t), "commit");
    ledger_committed(c->keys);
    staged_say(c);
    c->keys_told = ledger_committed_size(c->keys);
    said_drop(p);
}

void plant_enrol(struct world *w, struct member_node **m, size_t n)
{
    struct plant p;
    char name[32];

    plant_open(&p, w);
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "planted-%zu", i);
        ok(member_new(w->scene.crew, name, &m[i]), "member");
    }
    for (size_t i = 0; i < n; i += ENROL_GROUP)
        enrol_group(w, &p, m + i, n - i < ENROL_GROUP ? n - i : ENROL_GROUP);
    plant_close(&p);
}

/* --- mail --------------------------------------------------------------------------------------
 */

static uint32_t number_of(const struct core *c, const struct member_node *m)
{
    const struct directory_node *n = directory_find_node(c->dir, m->id);

    must(n != NULL, "a sender that the hub does not know");
    return (uint32_t)n->enrolled_at;
}

/* A copy of the sealed frame under another mid, and another end of its signature. */
static void frame_vary(struct span sealed, size_t mid_at, uint64_t i, struct bytes *out)
{
    ok(bytes_copy(out, sealed), "memory");
    be64_write(i, out->ptr + mid_at + 6); /* behind the 48 bits of time */
    be64_write(i * 0x9e3779b97f4a7c15, out->ptr + out->len - 8);
}

static struct job *mail_job(const struct core *c, const struct member_node *m, struct bytes *frame,
                            uint8_t leaf[32])
{
    struct job *j = calloc(1, sizeof *j);

    must(j != NULL, "memory");
    j->kind = JOB_MEMBER;
    memcpy(j->who.org, m->org, ID_BYTES);
    memcpy(j->who.node, m->id, ID_BYTES);
    j->who.number = number_of(c, m);
    j->who.keyed_at = j->who.number; /* nobody rotates here */
    j->frame = *frame;
    *frame = (struct bytes){0};
    ok(message_decode(bytes_span(&j->frame), SENT_BY_NODE, &j->message), "decode");
    ok(envelope_parse(j->message.put.envelope, &j->view, &j->header, NULL), "parse");
    ok(envelope_digest(&j->view, j->digest), "digest");
    receipt_path_leaf(j->header.mid, j->digest, leaf);
    return j;
}

void plant_mail(struct world *w, size_t recipients, size_t n, size_t body_bytes, struct load *out)
{
    struct load one = load_make(w->m[0], w->scene.circle->handle, w->to, recipients, 1, body_bytes);
    struct span sealed = bytes_span(&one.frame[0]);
    struct load l = {.n = n, .body_bytes = body_bytes};
    struct msg_put put;
    struct message m;
    struct envelope_view view;
    struct env_header header;
    struct plant p;
    uint64_t first;
    uint8_t leaf[32];
    size_t mid_at;

    ok(message_decode(sealed, SENT_BY_NODE, &m), "decode");
    put = m.put;
    ok(envelope_parse(put.envelope, &view, &header, NULL), "parse");
    mid_at = (size_t)((const uint8_t *)memmem(sealed.ptr, sealed.len, header.mid, ID_BYTES) -
                      sealed.ptr);
    if (out) {
        l.frame = calloc(n, sizeof *l.frame);
        l.leaf = calloc(n, sizeof *l.leaf);
        must(l.frame && l.leaf, "memory");
    }
    plant_open(&p, w);
    first = ledger_size(p.core->audit);
    for (size_t i = 0; i < n; i++) {
        struct bytes frame = {0};
        struct job *j;

        frame_vary(sealed, mid_at, first + i, &frame);
        if (out)
            ok(bytes_copy(&l.frame[i], bytes_span(&frame)), "memory");
        j = mail_job(p.core, w->m[0], &frame, out ? l.leaf[i] : leaf);
        ok(fair_push(p.in, j), "queue");
        if (i % HUB_GROUP_MAX == HUB_GROUP_MAX - 1)
            plant_work(&p);
    }
    plant_work(&p);
    must(p.core->count.accepted == n, "an envelope was refused");
    plant_close(&p);
    load_free(&one);
    if (out)
        *out = l;
}
