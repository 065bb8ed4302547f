/*
 * core_world - a hub's core on the memory store, driven one group at a time, and members whose
 * frames go straight into its queue: no thread, no socket, a clock that is turned by hand. The
 * store fails where a strike says, and so do allocations (link with WORLD_LINK of each test).
 */
#ifndef TESTS_CORE_WORLD_H
#define TESTS_CORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "circle.h"
#include "control.h"
#include "core.h"
#include "failing_alloc.h"
#include "faulty_store.h"
#include "lasting.h"
#include "member.h"
#include "random.h"

#define PEOPLE 3

#define assert_ok(call) assert_int_equal((call), ERR_OK)

enum strike_at {
    STRIKE_NOTHING,
    STRIKE_PUT,
    STRIKE_GET,
    STRIKE_DEL,
    STRIKE_SCAN,
    STRIKE_BEGIN,
    STRIKE_COMMIT,
    STRIKE_ALLOC,
    STRIKES
};

/* What fails in the next groups, until disarmed: the n-th of that sort, from now. */
struct strike {
    enum strike_at at;
    unsigned long n;
    enum err error;
    enum commit_fault commit;
};

struct world {
    struct entropy entropy;
    struct entropy_seed seed;
    struct clock_fixed clock;
    struct identity id;
    struct fair *in;
    struct queue *out;
    struct store_faults faults;
    struct core *core;
    struct crew *crew;
    struct member_node *m[PEOPLE + 1];
    struct member_circle *circle;
    struct worker_options verify;

    /* what a door remembers */
    uint64_t next_session;
    uint64_t session[PEOPLE + 1];
    uint64_t after[PEOPLE + 1];
    uint64_t place[PEOPLE + 1]; /* "connection" of each member */
    size_t keys_told, invites_told, denied_told, penalties;
    json_t *answer;
    struct member_node *joining;

    struct strike strike;
    bool struck;
    enum err turned; /* of the last group that failed for good; ERR_OK: none */
    bool damaged;    /* the store is, on purpose: a core that gives up cannot start anew */
};

static struct store_faults *world_faults;

enum err __real_store_open(const char *engine, const struct store_options *o, struct store **out);
enum err __wrap_store_open(const char *engine, const struct store_options *o, struct store **out);
enum err __wrap_store_open(const char *engine, const struct store_options *o, struct store **out)
{
    struct store *inner = NULL;
    enum err e = __real_store_open(engine, o, &inner);

    if (e)
        return e;
    *out = store_wrap(inner, world_faults);
    return *out ? ERR_OK : ERR_NOMEM;
}

/* --- strikes ------------------------------------------------------------------------------------
 */

static inline long strike_count(const struct world *w)
{
    const struct store_faults *f = &w->faults;

    switch (w->strike.at) {
    case STRIKE_PUT:
        return (long)f->puts;
    case STRIKE_GET:
        return (long)f->gets;
    case STRIKE_DEL:
        return (long)f->dels;
    case STRIKE_SCAN:
        return (long)f->scans;
    case STRIKE_BEGIN:
        return (long)f->begins;
    case STRIKE_COMMIT:
        return (long)f->commits;
    case STRIKE_ALLOC:
        return alloc_count();
    default:
        return 0;
    }
}

static inline void strike_arm(struct world *w)
{
    struct store_faults *f = &w->faults;
    unsigned long at = (unsigned long)strike_count(w) + w->strike.n;

    f->put_error = f->get_error = f->del_error = f->scan_error = f->begin_error = w->strike.error;
    f->commit_fault = w->strike.commit;
    f->fail_put = w->strike.at == STRIKE_PUT ? at : 0;
    f->fail_get = w->strike.at == STRIKE_GET ? at : 0;
    f->fail_del = w->strike.at == STRIKE_DEL ? at : 0;
    f->fail_scan = w->strike.at == STRIKE_SCAN ? at : 0;
    f->fail_begin = w->strike.at == STRIKE_BEGIN ? at : 0;
    f->fail_commit = w->strike.at == STRIKE_COMMIT ? at : 0;
    if (w->strike.at == STRIKE_ALLOC)
        alloc_fail_after((long)w->strike.n);
}

static inline void strike_disarm(struct world *w)
{
    struct store_faults *f = &w->faults;

    alloc_fail_after(-1);
    f->fail_put = f->fail_get = f->fail_del = f->fail_scan = f->fail_begin = f->fail_commit = 0;
}

/* --- groups -------------------------------------------------------------------------------------
 */

static inline size_t member_index(const struct world *w, const struct member_node *m)
{
    for (size_t i = 0; i <= PEOPLE; i++)
        if (w->m[i] == m)
            return i;
    return PEOPLE;
}

static inline size_t whose(const struct world *w, const uint8_t node[ID_BYTES])
{
    for (size_t i = 0; i <= PEOPLE; i++)
        if (w->m[i] && memcmp(member_id(w->m[i]), node, ID_BYTES) == 0)
            return i;
    return PEOPLE + 1;
}

static inline void parcel_frame_out(struct world *w, struct parcel *p)
{
    size_t i = whose(w, p->who.node);

    if (p->session == 0) {
        if (w->joining)
            member_hears(w->joining, bytes_span(&p->frame), true);
        return;
    }
    w->penalties += p->penalty;
    if (i <= PEOPLE) /* an old session's goodbye goes to where nobody is any more */
        member_hears(w->m[i], bytes_span(&p->frame), false);
}

static inline void parcel_out(struct world *w, struct parcel *p)
{
    size_t i = whose(w, p->who.node);

    if (p->kind == PARCEL_FRAME) {
        parcel_frame_out(w, p);
    } else if (p->kind == PARCEL_OPEN && i <= PEOPLE) {
        w->session[i] = p->session;
        w->after[i] = p->acked_seq;
        member_hears(w->m[i], bytes_span(&p->frame), false);
    } else if (p->kind == PARCEL_ANSWER) {
        json_decref(w->answer);
        w->answer = p->answer;
        p->answer = NULL;
    } else if (p->kind == PARCEL_INVITE) {
        w->invites_told += p->allow;
        w->denied_told += !p->allow;
    } else if (p->kind == PARCEL_KEYS) {
        w->keys_told++;
    }
    parcel_free(p);
}

static inline void parcels_out(struct world *w)
{
    void *item;

    while (queue_pop(w->out, &item) == ERR_OK)
        parcel_out(w, item);
}

static inline void forget_session(struct mailbox *m, void *arg)
{
    (void)arg;
    m->open = false;
}

/* All that waits, in groups, under the strike; a core that gives up is started anew. */
static inline void world_turn(struct world *w)
{
    long before = strike_count(w);
    enum err e = ERR_OK;

    if (w->strike.at)
        strike_arm(w);
    while (e == ERR_OK)
        e = core_turn(w->core, 0);
    if (w->strike.at) {
        strike_disarm(w);
        w->struck = strike_count(w) - before >= (long)w->strike.n;
        w->strike.at = STRIKE_NOTHING;
    }
    if (e != ERR_AGAIN && e != ERR_TIMEOUT) {
        w->turned = e;
        mailbox_each(w->core, forget_session, NULL);
        memset(w->session, 0, sizeof w->session);
        if (!w->damaged)
            assert_ok(core_reload(w->core));
    }
    parcels_out(w);
}

static inline struct job *job_of(const struct world *w, enum job_kind kind,
                                 const struct member_node *m)
{
    const struct directory_node *n;
    struct job *j = calloc(1, sizeof *j);

    assert_non_null(j);
    j->kind = kind;
    if (!m)
        return j;
    memcpy(j->who.org, member_org(m), ID_BYTES);
    memcpy(j->who.node, member_id(m), ID_BYTES);
    n = directory_find_node(w->core->dir, member_id(m));
    j->who.number = n ? (uint32_t)n->enrolled_at : 0;
    j->who.keyed_at = n ? (uint32_t)n->keyed_at : 0;
    j->peer.connection = w->place[member_index(w, m)];
    return j;
}

static inline uint64_t type_of_frame(struct span f)
{
    return f.len > 1 ? f.ptr[1] : 0;
}

/* As the door and a worker do it. */
static inline void job_prepare(struct world *w, struct job *j, size_t i)
{
    struct message m;

    if (j->kind == JOB_HELLO) {
        assert_ok(message_decode(bytes_span(&j->frame), SENT_BY_NODE, &j->message));
        j->session = ++w->next_session;
        return;
    }
    j->session = w->session[i];
    if (message_decode(bytes_span(&j->frame), SENT_BY_NODE, &m) == ERR_OK && m.type == MSG_ACK) {
        j->after = w->after[i];
        if (m.ack.upto > w->after[i])
            w->after[i] = m.ack.upto;
    }
    job_verify(j, w->core->dir, &w->verify, NULL);
}

static inline enum err world_say(struct member_node *m, struct span frame, bool join, void *arg)
{
    struct world *w = arg;
    size_t i = member_index(w, m);
    struct job *j;

    if (join) {
        j = job_of(w, JOB_JOIN, NULL);
        w->joining = m;
        assert_ok(bytes_copy(&j->frame, frame));
        assert_ok(message_decode(bytes_span(&j->frame), SENT_BY_NODE, &j->message));
        for (int k = 0; k < ID_BYTES; k++) {
            struct enrolment en;

            assert_ok(enrolment_decode(member_enrol_body(m), &en));
            snprintf(j->invite + 2 * k, 3, "%02x", en.invitation[k]);
        }
    } else {
        j = job_of(w, type_of_frame(frame) == MSG_HELLO ? JOB_HELLO : JOB_MEMBER, m);
        assert_ok(bytes_copy(&j->frame, frame));
        job_prepare(w, j, i);
    }
    assert_ok(fair_push(w->in, j));
    world_turn(w);
    return ERR_OK;
}

static inline void world_job(struct world *w, enum job_kind kind)
{
    assert_ok(fair_push(w->in, job_of(w, kind, NULL)));
    world_turn(w);
}

/* The operator's command; *data (may be NULL) is owned. Steals args. Silence is ERR_TIMEOUT. */
static inline enum err world_command(struct world *w, const char *name, json_t *args, json_t **data)
{
    json_t *request = json_pack("{s:s,s:o}", "cmd", name, "args", args ? args : json_object());
    struct job *j = job_of(w, JOB_COMMAND, NULL);
    enum err e = ERR_OK;

    assert_non_null(request);
    j->request = request;
    j->door = json_object();
    json_decref(w->answer);
    w->answer = NULL;
    assert_ok(fair_push(w->in, j));
    world_turn(w);
    if (!w->answer)
        e = ERR_TIMEOUT;
    else if (json_object_get(w->answer, "error"))
        e = (enum err)json_integer_value(json_object_get(w->answer, "code"));
    else if (data)
        *data = json_incref(json_object_get(w->answer, "data"));
    json_decref(request);
    return e;
}

static inline void hex_id(const uint8_t id[ID_BYTES], char out[33])
{
    for (int i = 0; i < ID_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", id[i]);
}

static inline enum err world_about(struct world *w, const char *command, const char *argument,
                                   const uint8_t id[ID_BYTES], json_t **data)
{
    char hex[33];

    hex_id(id, hex);
    return world_command(w, command, json_pack("{s:s}", argument, hex), data);
}

/* --- people -------------------------------------------------------------------------------------
 */

static struct secret_sign *world_registrar;
static const char *world_operator; /* of the hub, as genesis names it; NULL: nobody */

static inline struct member_node *world_invite(struct world *w, const char *name, int kind,
                                               bool founder)
{
    struct member_node *m = NULL;
    json_t *data = NULL;

    assert_ok(world_command(w, "invite",
                            json_pack("{s:s,s:i,s:b,s:[s]}", "name", name, "kind", kind, "founder",
                                      founder, "services", "urgences"),
                            &data));
    assert_ok(member_new(w->crew, name, &m));
    member_wire(m, world_say, w);
    assert_ok(member_invited(m, span_text(json_string_value(json_object_get(data, "invitation")))));
    json_decref(data);
    return m;
}

static inline enum err world_approve(struct world *w, struct member_node *m, struct bytes *request)
{
    struct enrolment en;
    json_t *data = NULL;
    char id[33];
    enum err e;

    assert_ok(enrolment_decode(member_enrol_body(m), &en));
    hex_id(en.invitation, id);
    e = world_command(w, "org.approve",
                      json_pack("{s:s,s:s}", "id", id, "fingerprint", member_fingerprint(m)),
                      &data);
    if (!e)
        e = bytes_copy(request, span_text(json_string_value(json_object_get(data, "request"))));
    json_decref(data);
    return e;
}

static inline enum err world_import(struct world *w, struct span signature, bool *complete)
{
    json_t *data = NULL;
    enum err e = world_command(
        w, "sign.import",
        json_pack("{s:s%}", "signature", (const char *)signature.ptr, signature.len), &data);

    if (!e && complete)
        *complete = json_is_true(json_object_get(data, "complete"));
    json_decref(data);
    return e;
}

static inline enum err world_sign(struct world *w, struct span request, bool *complete)
{
    struct bytes signature = {0};
    enum err e;

    assert_ok(request_sign_with(world_registrar, ROLE_REGISTRAR, NULL, request, &signature));
    e = world_import(w, bytes_span(&signature), complete);
    bytes_free(&signature);
    return e;
}

static inline void world_ask(struct member_node *m, enum join_state wanted)
{
    enum join_state state;
    enum err code;

    assert_ok(member_join(m, &state, &code));
    assert_int_equal(state, wanted);
}

static inline void world_found(struct world *w)
{
    struct bytes request = {0}, signature = {0};
    json_t *data = NULL;
    bool complete = false;
    struct span genesis;

    w->m[0] = world_invite(w, "member-0", ORG_HOSPITAL, true);
    world_ask(w->m[0], JOIN_APPROVAL);
    assert_ok(world_approve(w, w->m[0], &request));
    assert_ok(world_command(w, "genesis",
                            world_operator ? json_pack("{s:s}", "operator", world_operator) : NULL,
                            &data));
    genesis = span_text(json_string_value(json_object_get(data, "request")));
    assert_ok(member_sign_request(w->m[0], ROLE_FOUNDER, genesis, &signature));
    assert_ok(world_import(w, bytes_span(&signature), &complete));
    assert_false(complete);
    assert_ok(world_sign(w, genesis, &complete));
    assert_true(complete);
    assert_ok(world_sign(w, bytes_span(&request), &complete));
    assert_true(complete);
    json_decref(data);
    bytes_free(&request);
    bytes_free(&signature);
}

static inline struct member_node *world_enrol(struct world *w, const char *name, int kind)
{
    struct member_node *m = world_invite(w, name, kind, false);
    struct bytes request = {0};
    bool complete = false;

    world_ask(m, JOIN_APPROVAL);
    assert_ok(world_approve(w, m, &request));
    assert_ok(world_sign(w, bytes_span(&request), &complete));
    assert_true(complete);
    bytes_free(&request);
    return m;
}

/* --- the world ----------------------------------------------------------------------------------
 */

static inline void identity_draw(struct world *w)
{
    struct identity *id = &w->id;
    struct federation *f = &id->federation;

    assert_ok(secret_sign_generate(&w->entropy, &id->hub));
    assert_ok(secret_sign_generate(&w->entropy, &id->keys_log));
    assert_ok(secret_sign_generate(&w->entropy, &id->audit_log));
    assert_ok(secret_box_generate(&w->entropy, &id->transport));
    assert_ok(secret_sign_generate(&w->entropy, &world_registrar));
    assert_ok(entropy_fill(&w->entropy, f->id, sizeof f->id));
    assert_ok(bytes_copy(&id->name, SPAN_STR("exercice.test")));
    f->name = bytes_span(&id->name);
    f->mode = MODE_EXERCISE;
    f->hub = *secret_sign_public(id->hub);
    f->keys_log = *secret_sign_public(id->keys_log);
    f->audit_log = *secret_sign_public(id->audit_log);
    f->hub_transport = *secret_box_public(id->transport);
    f->registrar = *secret_sign_public(world_registrar);
    snprintf(id->keys_origin, sizeof id->keys_origin, "exercice.test/keys");
    id->epoch = 2026;
    snprintf(id->audit_origin, sizeof id->audit_origin, "exercice.test/audit/2026");
}

static inline struct core_options world_options(struct world *w)
{
    return (struct core_options){.engine = "mem",
                                 .where = "",
                                 .store_max_bytes = 64u << 20,
                                 .clock = &w->clock.clock,
                                 .entropy = &w->entropy,
                                 .identity = &w->id,
                                 .in = w->in,
                                 .out = w->out};
}

static inline void world_core(struct world *w)
{
    struct core_options o = world_options(w);

    w->faults.quiet = alloc_quiet; /* every allocation of the hub's own code fails in its turn */
    world_faults = &w->faults;
    assert_ok(core_open(&o, &w->core));
    w->core->endpoint = "tcp://127.0.0.1:1";
    w->core->join_endpoint = "tcp://127.0.0.1:2";
    assert_ok(core_started(w->core));
    w->verify =
        (struct worker_options){.count = 1, .entropy = &w->entropy, .clock = &w->clock.clock};
    w->verify.mode = MODE_EXERCISE;
    memcpy(w->verify.federation, w->id.federation.id, ID_BYTES);
    memcpy(w->verify.incarnation, w->core->incarnation, ID_BYTES);
}

static inline void world_meet(struct world *w)
{
    assert_ok(member_circle_create(w->m[0], &w->circle));
    for (size_t i = 1; i < PEOPLE; i++)
        assert_ok(member_circle_join(w->m[0], w->m[i], w->circle, NULL));
    for (size_t i = 0; i < PEOPLE; i++)
        assert_ok(member_ack_all(w->m[i]));
}

/* Three members with open sessions in one circle, all mailboxes empty. */
static inline int world_up(void **state)
{
    static const uint8_t seed[SEED_BYTES] = {0x77};
    struct world *w = calloc(1, sizeof *w);
    char name[16];

    assert_non_null(w);
    assert_ok(seal_init());
    w->entropy = entropy_seeded(seed, &w->seed);
    clock_fixed_init(&w->clock, clock_now_ms(clock_system()));
    assert_ok(fair_new(false, &w->in));
    assert_ok(queue_new(65536, &w->out));
    assert_ok(crew_open("world", &w->crew));
    identity_draw(w);
    world_core(w);
    world_found(w);
    for (size_t i = 1; i < PEOPLE; i++) {
        snprintf(name, sizeof name, "member-%zu", i);
        w->m[i] = world_enrol(w, name, i == 1 ? ORG_ESSMS : ORG_DAC);
    }
    for (size_t i = 0; i < PEOPLE; i++) {
        w->place[i] = i + 1;
        assert_ok(member_open(w->m[i]));
    }
    world_meet(w);
    *state = w;
    return 0;
}

static inline int world_down(void **state)
{
    struct world *w = *state;
    void *item;

    for (size_t i = 0; i <= PEOPLE; i++)
        member_free(w->m[i]);
    member_circle_free(w->circle);
    core_close(w->core);
    while (queue_pop(w->out, &item) == ERR_OK)
        parcel_free(item);
    fair_free(w->in);
    queue_free(w->out);
    crew_close(w->crew);
    secret_sign_free(w->id.hub);
    secret_sign_free(w->id.keys_log);
    secret_sign_free(w->id.audit_log);
    secret_box_free(w->id.transport);
    bytes_free(&w->id.name);
    secret_sign_free(world_registrar);
    json_decref(w->answer);
    free(w);
    return 0;
}

/* --- what the core holds in memory is what the store holds
 * ----------------------------------------- */

struct memory {
    uint64_t keys, audit, next_seq, directory;
    uint64_t sum;     /* over mailboxes: number, cursor, what waits */
    uint64_t lasting; /* over organisations: what they have put in for ever */
};

static inline void memory_one(struct mailbox *m, void *arg)
{
    struct memory *all = arg;
    uint64_t one = m->who.number * 1000003u + m->acked * 7919u + m->len + (m->cloned ? 77 : 0);

    for (size_t i = 0; i < m->len; i++)
        one = one * 31 + m->ring[(m->head + i) & (m->cap - 1)].seq * 17 +
              m->ring[(m->head + i) & (m->cap - 1)].bytes;
    all->sum += one * (m->who.number + 1);
}

static inline struct memory memory_of(struct world *w)
{
    struct memory all = {.keys = ledger_committed_size(w->core->keys),
                         .audit = ledger_committed_size(w->core->audit),
                         .next_seq = w->core->next_seq,
                         .directory = directory_size(w->core->dir)};

    mailbox_each(w->core, memory_one, &all);
    for (const struct usage *u = w->core->quotas->each; u; u = u->hh.next) {
        const struct lasting *l = &u->lasting;

        all.lasting += (l->bytes * 31 + l->day_bytes * 17 + l->circles * 13 + l->day_circles * 7 +
                        l->day_refusals * 5 + l->untold * 3 + l->day) *
                       (u->org[0] + 1u);
    }
    return all;
}

static inline void assert_same_memory(const struct memory *a, const struct memory *b)
{
    assert_int_equal(a->keys, b->keys);
    assert_int_equal(a->audit, b->audit);
    assert_int_equal(a->next_seq, b->next_seq);
    assert_int_equal(a->directory, b->directory);
    assert_int_equal(a->sum, b->sum);
}

static inline void assert_memory_is_the_store(struct world *w)
{
    struct memory before = memory_of(w);
    struct memory after;

    assert_int_equal(ledger_size(w->core->audit), before.audit);
    assert_int_equal(ledger_size(w->core->keys), before.keys);
    assert_ok(core_reload(w->core));
    after = memory_of(w);
    assert_same_memory(&before, &after);
    assert_int_equal(after.lasting, before.lasting);
}

/* --- small words
 * ------------------------------------------------------------------------------------ */

static inline struct bytes world_letter(struct world *w, size_t from, size_t to)
{
    struct bytes whole = {0};

    assert_ok(
        member_letter(w->m[from], w->circle->handle, &w->m[to], 1, SPAN_STR("corps"), &whole));
    return whole;
}

static inline void world_send(struct world *w, size_t from, size_t to)
{
    struct bytes whole = world_letter(w, from, to);

    assert_ok(member_put(w->m[from], bytes_span(&whole), NULL));
    bytes_free(&whole);
}

static inline struct mailbox *world_box(const struct world *w, size_t i)
{
    return mailbox_of(w->core,
                      (uint32_t)directory_find_node(w->core->dir, member_id(w->m[i]))->enrolled_at);
}

/* A new session, with that much credit. */
static inline void world_greet(struct world *w, size_t i, uint32_t messages, uint32_t bytes)
{
    struct msg_hello hello;

    member_credit(w->m[i], messages, bytes);
    assert_ok(member_hello_make(w->m[i], &hello));
    assert_ok(member_hello(w->m[i], &hello));
}

static inline const struct member_item *last_item(const struct world *w, size_t i)
{
    return member_item(w->m[i], member_items(w->m[i]) - 1);
}

#endif
