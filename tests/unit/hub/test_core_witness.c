/* Witnesses at the hub: whose cosignature counts, which are refused and why, what HEADS shows of
 * them, and that nothing of it is lost or made up when store or memory fail. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_deeds.h"

#include "checkpoint.h"

#define HEADS_MS 10000
#define DAY_MS UINT64_C(86400000)
#define AHEAD_S 600 /* of our clock, as far as a cosignature may be */

static struct secret_sign *key[PEOPLE];
static uint64_t key_number[PEOPLE];

/* --- a federation that is watched --------------------------------------------------------------
 */

static void key_publish(struct world *w, size_t i)
{
    struct witness_key_statement s = {.ts_ms = clock_now_ms(&w->clock.clock),
                                      .number = ++key_number[i]};
    struct message say = {.type = MSG_KEYS_PUT};
    struct bytes ss = {0};

    secret_sign_free(key[i]);
    key[i] = NULL;
    assert_ok(secret_sign_generate(&w->entropy, &key[i]));
    s.pk = *secret_sign_public(key[i]);
    memcpy(s.federation, w->id.federation.id, ID_BYTES);
    memcpy(s.org, member_org(w->m[i]), ID_BYTES);
    memcpy(s.node, member_id(w->m[i]), ID_BYTES);
    assert_ok(witness_key_sign(&s, member_sign_key(w->m[i]), &ss));
    say.statement = (struct msg_statement){member_next_req(w->m[i]), bytes_span(&ss)};
    assert_ok(member_ask(w->m[i], &say, NULL));
    bytes_free(&ss);
}

/* Prepares a set of members [from, from + count). The registrar's REQUEST is owned. */
static enum err set_prepare(struct world *w, size_t from, size_t count, int quorum,
                            struct bytes *request)
{
    json_t *orgs = json_array();
    json_t *data = NULL;
    enum err e;

    for (size_t i = from; i < from + count; i++)
        assert_int_equal(json_array_append_new(orgs, json_string(member_name(w->m[i]))), 0);
    e = world_command(w, "witness.set", json_pack("{s:o,s:i}", "orgs", orgs, "quorum", quorum),
                      &data);
    if (!e && request)
        assert_ok(
            bytes_copy(request, span_text(json_string_value(json_object_get(data, "request")))));
    json_decref(data);
    return e;
}

static void set_name(struct world *w, size_t from, size_t count, int quorum)
{
    struct bytes request = {0};
    bool complete = false;

    assert_ok(set_prepare(w, from, count, quorum, &request));
    assert_ok(world_sign(w, bytes_span(&request), &complete));
    assert_true(complete);
    bytes_free(&request);
}

static int watched_up(void **state)
{
    memset(key_number, 0, sizeof key_number);
    world_up(state);
    for (size_t i = 0; i < PEOPLE; i++)
        key_publish(*state, i);
    set_name(*state, 0, PEOPLE, 2);
    return 0;
}

static int watched_down(void **state)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        secret_sign_free(key[i]);
        key[i] = NULL;
    }
    return world_down(state);
}

/* member-0 operates the hub: it has a key, and is not of the set. */
static int operated_up(void **state)
{
    memset(key_number, 0, sizeof key_number);
    world_operator = "member-0";
    world_up(state);
    world_operator = NULL;
    for (size_t i = 0; i < PEOPLE; i++)
        key_publish(*state, i);
    set_name(*state, 1, PEOPLE - 1, 2);
    return 0;
}

/* --- cosigning --------------------------------------------------------------------------------
 */

static const char *origin_of(const struct world *w, uint32_t log)
{
    return log == LOG_AUDIT ? epoch_now(w->core)->origin : w->id.keys_origin;
}

static struct ledger *log_of(const struct world *w, uint32_t log)
{
    return log == LOG_AUDIT ? w->core->audit : w->core->keys;
}

static struct msg_cosign unsigned_cosign(struct world *w, uint32_t log, uint64_t size)
{
    struct msg_cosign s = {.of.log = log, .size = size};
    struct txn *t = NULL;

    s.of.epoch = log == LOG_AUDIT ? epoch_now(w->core)->number : 0;
    s.time_s = clock_now_ms(&w->clock.clock) / 1000;
    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    assert_ok(ledger_root(log_of(w, log), t, size, s.root));
    store_abort(&t);
    return s;
}

static void cosign_sign(const struct world *w, struct msg_cosign *s, const char *origin,
                        const struct secret_sign *by)
{
    (void)w;
    assert_ok(cosignature_make(span_text(origin), s->size, s->root, s->time_s, by, s->sig));
}

static struct msg_cosign cosign_of(struct world *w, size_t i, uint32_t log, uint64_t size)
{
    struct msg_cosign s = unsigned_cosign(w, log, size);

    cosign_sign(w, &s, origin_of(w, log), key[i]);
    return s;
}

/* What the hub answers; silence is consent (10.4). */
static enum err said(struct world *w, size_t i, const struct msg_cosign *s)
{
    struct message m = {.type = MSG_COSIGN, .cosign = *s};
    struct member_answer a = {0};
    enum err e;

    m.cosign.req = member_next_req(w->m[i]);
    assert_ok(member_tell(w->m[i], &m));
    e = member_answer(w->m[i], m.cosign.req, 0, &a);
    if (e == ERR_TIMEOUT)
        return ERR_OK;
    assert_ok(e);
    assert_int_not_equal(a.code, ERR_OK);
    e = a.code;
    member_answer_free(&a);
    return e;
}

static uint64_t size_of(const struct world *w, uint32_t log)
{
    return ledger_committed_size(log_of(w, log));
}

static struct witness_lag lag_of(const struct world *w)
{
    struct witness_lag lag;

    witness_lag(w->core, &lag);
    return lag;
}

static bool text_says(const struct world *w, const char *part, const char *words)
{
    const char *text = json_string_value(json_object_get(w->answer, part));

    return text && strstr(text, words);
}

static void tick_later(struct world *w, uint64_t ms)
{
    clock_fixed_advance(&w->clock, ms);
    world_job(w, JOB_TICK);
}

/* --- each refusal -----------------------------------------------------------------------------
 */

/* Nothing that is refused leaves a vote: the next honest one is the first. */
static void nothing_counts_yet(struct world *w)
{
    assert_int_equal(lag_of(w).keys_size, 0);
    assert_int_equal(lag_of(w).audit_size, 0);
    assert_ok(core_reload(w->core));
    assert_int_equal(lag_of(w).keys_size, 0);
    assert_int_equal(lag_of(w).audit_size, 0);
}

static void who_is_no_witness_is_refused(void **state)
{
    struct world *w = *state;
    struct msg_cosign s;

    set_name(w, 0, 2, 2);
    s = cosign_of(w, 2, LOG_KEYS, size_of(w, LOG_KEYS)); /* it has a key, and is not of the set */
    assert_int_equal(said(w, 2, &s), ERR_RIGHT);
    nothing_counts_yet(w);
}

static void who_is_of_the_set_and_has_no_key_is_refused(void **state)
{
    struct world *w = *state;
    struct msg_cosign s;

    set_name(w, 0, 2, 2);
    assert_ok(secret_sign_generate(&w->entropy, &key[0]));
    s = cosign_of(w, 0, LOG_KEYS, size_of(w, LOG_KEYS));
    assert_int_equal(said(w, 0, &s), ERR_RIGHT);
    nothing_counts_yet(w);
}

/* Neither can it be named, nor does its cosignature count. */
static void the_operator_of_the_hub_is_never_counted(void **state)
{
    struct world *w = *state;
    struct msg_cosign s = cosign_of(w, 0, LOG_KEYS, size_of(w, LOG_KEYS));
    struct witness_set_statement set = {.quorum = 2, .count = 2};
    struct bytes stmt = {0}, ss = {0};

    assert_int_equal(said(w, 0, &s), ERR_RIGHT);
    assert_int_equal(set_prepare(w, 0, PEOPLE, 2, NULL), ERR_FIELD_VALUE);
    assert_true(text_says(w, "why", "exploite"));
    set.ts_ms = clock_now_ms(&w->clock.clock);
    memcpy(set.federation, w->id.federation.id, ID_BYTES);
    memcpy(set.node[0], member_id(w->m[0]), ID_BYTES);
    memcpy(set.node[1], member_id(w->m[1]), ID_BYTES);
    assert_ok(witness_set_encode(&set, &stmt));
    assert_ok(statement_sign_alone(STATEMENT_KEYS, bytes_span(&stmt), ROLE_REGISTRAR, NULL,
                                   world_registrar, &ss));
    assert_int_equal(directory_check(w->core->dir, size_of(w, LOG_KEYS), bytes_span(&ss)),
                     ERR_FIELD_VALUE); /* under the registrar's own signature */
    nothing_counts_yet(w);
    bytes_free(&stmt);
    bytes_free(&ss);
}

static void a_cosignature_by_another_key_is_refused(void **state)
{
    struct world *w = *state;
    struct msg_cosign s = unsigned_cosign(w, LOG_KEYS, size_of(w, LOG_KEYS));

    cosign_sign(w, &s, origin_of(w, LOG_KEYS),
                key[1]); /* another witness's: it says nothing for m[0] */
    assert_int_equal(said(w, 0, &s), ERR_CHECKPOINT);
    cosign_sign(w, &s, origin_of(w, LOG_KEYS), member_sign_key(w->m[0]));
    assert_int_equal(said(w, 0, &s), ERR_CHECKPOINT);
    nothing_counts_yet(w);
}

static void a_cosignature_of_another_origin_is_refused(void **state)
{
    struct world *w = *state;
    struct msg_cosign s = unsigned_cosign(w, LOG_KEYS, size_of(w, LOG_KEYS));

    cosign_sign(w, &s, origin_of(w, LOG_AUDIT), key[0]);
    assert_int_equal(said(w, 0, &s), ERR_CHECKPOINT);
    cosign_sign(w, &s, "ailleurs.test/keys", key[0]);
    assert_int_equal(said(w, 0, &s), ERR_CHECKPOINT);
    nothing_counts_yet(w);
}

static void a_spoiled_cosignature_is_refused_and_paid_for(void **state)
{
    struct world *w = *state;
    struct msg_cosign s = cosign_of(w, 0, LOG_KEYS, size_of(w, LOG_KEYS));
    size_t penalties = w->penalties;

    s.sig[7] ^= 1;
    assert_int_equal(said(w, 0, &s), ERR_CHECKPOINT);
    assert_int_equal(w->penalties, penalties + 1);
    s.sig[7] ^= 1;
    s.time_s++; /* the time is signed too */
    assert_int_equal(said(w, 0, &s), ERR_CHECKPOINT);
    nothing_counts_yet(w);
}

static void a_head_that_is_not_this_logs_is_refused(void **state)
{
    struct world *w = *state;

    for (uint32_t log = LOG_KEYS; log <= LOG_AUDIT; log++) {
        struct msg_cosign s = unsigned_cosign(w, log, size_of(w, log));

        s.root[0] ^= 1; /* another history */
        cosign_sign(w, &s, origin_of(w, log), key[0]);
        assert_int_equal(said(w, 0, &s), ERR_SPLIT_VIEW);
        s.root[0] ^= 1;
        s.size++; /* one that we do not have */
        cosign_sign(w, &s, origin_of(w, log), key[0]);
        assert_int_equal(said(w, 0, &s), ERR_SPLIT_VIEW);
    }
    nothing_counts_yet(w);
}

static void another_epoch_is_refused(void **state)
{
    struct world *w = *state;
    struct msg_cosign s = cosign_of(w, 0, LOG_AUDIT, size_of(w, LOG_AUDIT));

    s.of.epoch++;
    assert_int_equal(said(w, 0, &s), ERR_EPOCH);
    nothing_counts_yet(w);
}

static void a_time_ahead_of_ours_is_refused(void **state)
{
    struct world *w = *state;
    struct msg_cosign s = unsigned_cosign(w, LOG_KEYS, size_of(w, LOG_KEYS));

    s.time_s += AHEAD_S + 1;
    cosign_sign(w, &s, origin_of(w, LOG_KEYS), key[0]);
    assert_int_equal(said(w, 0, &s), ERR_SKEW);
    nothing_counts_yet(w);
    s.time_s--;
    cosign_sign(w, &s, origin_of(w, LOG_KEYS), key[0]);
    assert_int_equal(said(w, 0, &s), ERR_OK);
}

/* It may have been on its way for long: no refusal, and no effect. */
static void an_older_size_or_time_changes_nothing(void **state)
{
    struct world *w = *state;
    uint64_t size = size_of(w, LOG_KEYS);
    struct msg_cosign older = cosign_of(w, 0, LOG_KEYS, size - 1);
    struct msg_cosign before = unsigned_cosign(w, LOG_KEYS, size);
    struct msg_cosign s;

    before.time_s -= 60;
    cosign_sign(w, &before, origin_of(w, LOG_KEYS), key[0]);
    for (size_t i = 0; i < 2; i++) {
        s = cosign_of(w, i, LOG_KEYS, size);
        assert_int_equal(said(w, i, &s), ERR_OK);
    }
    assert_int_equal(lag_of(w).keys_size, size);
    assert_int_equal(said(w, 0, &older), ERR_OK);
    assert_int_equal(said(w, 0, &before), ERR_OK);
    assert_int_equal(lag_of(w).keys_size, size);
    assert_ok(core_reload(w->core)); /* nor on the disk */
    assert_int_equal(lag_of(w).keys_size, size);
    assert_int_equal(lag_of(w).keys_time_s, s.time_s);
}

static void a_retired_key_counts_no_more(void **state)
{
    struct world *w = *state;
    struct msg_cosign s;
    struct secret_sign *former;
    uint64_t size = size_of(w, LOG_KEYS);

    for (size_t i = 0; i < 2; i++) {
        s = cosign_of(w, i, LOG_KEYS, size);
        assert_int_equal(said(w, i, &s), ERR_OK);
    }
    former = key[0];
    key[0] = NULL;
    key_publish(w, 0);
    s = unsigned_cosign(w, LOG_KEYS, size_of(w, LOG_KEYS));
    cosign_sign(w, &s, origin_of(w, LOG_KEYS), former);
    assert_int_equal(said(w, 0, &s), ERR_CHECKPOINT);
    assert_ok(core_reload(w->core));
    assert_int_equal(lag_of(w).keys_size, 0); /* one voice of two is left */
    s = cosign_of(w, 0, LOG_KEYS, size);
    assert_int_equal(said(w, 0, &s), ERR_OK);
    assert_int_equal(lag_of(w).keys_size, size);
    secret_sign_free(former);
}

static void a_suspended_witness_counts_no_more(void **state)
{
    struct world *w = *state;
    struct msg_cosign s;
    size_t heard;
    uint64_t size = size_of(w, LOG_KEYS);

    for (size_t i = 1; i < PEOPLE; i++) {
        s = cosign_of(w, i, LOG_KEYS, size);
        assert_int_equal(said(w, i, &s), ERR_OK);
    }
    assert_int_equal(lag_of(w).keys_size, size);
    assert_ok(world_about(w, "org.suspend", "org", member_org(w->m[2]), NULL));
    assert_int_equal(lag_of(w).keyed, PEOPLE - 1);
    tick_later(w, HEADS_MS);
    assert_int_equal(lag_of(w).keys_size, 0);
    assert_int_equal(member_heads(w->m[0], &heard)->keys_seen.n, 1);
    assert_ok(core_reload(w->core));
    assert_int_equal(lag_of(w).keys_size, 0);
    assert_ok(world_about(w, "org.resume", "org", member_org(w->m[2]), NULL));
    assert_ok(core_reload(w->core));
    assert_int_equal(lag_of(w).keys_size, size);
}

/* --- quorum, HEADS ----------------------------------------------------------------------------
 */

static void what_a_quorum_has_cosigned_is_shown_to_all(void **state)
{
    struct world *w = *state;
    uint64_t size = size_of(w, LOG_AUDIT);
    const struct msg_heads *h;
    struct msg_cosign s;
    size_t before, heard;

    s = cosign_of(w, 2, LOG_AUDIT, size);
    assert_int_equal(said(w, 2, &s), ERR_OK);
    assert_int_equal(lag_of(w).audit_size, 0); /* one of three is no quorum */
    tick_later(w, HEADS_MS);
    h = member_heads(w->m[1], &before);
    assert_int_equal(h->audit_seen.n, 1); /* and shown all the same */
    s.time_s = clock_now_ms(&w->clock.clock) / 1000;
    cosign_sign(w, &s, origin_of(w, LOG_AUDIT), key[1]);
    assert_int_equal(said(w, 1, &s), ERR_OK);
    assert_int_equal(lag_of(w).audit_size, size);
    tick_later(w, HEADS_MS - 1);
    member_heads(w->m[1], &heard);
    assert_int_equal(heard, before); /* at most every ten seconds */
    tick_later(w, 1);
    h = member_heads(w->m[1], &heard);
    assert_int_equal(heard, before + 1);
    assert_int_equal(h->audit_seen.n, 2);
    assert_int_equal(h->audit_seen.head.size, size);
    assert_true(h->audit_seen.by[0].time_s >= h->audit_seen.by[1].time_s);
    for (size_t i = 0; i < 2; i++) {
        const struct cosignature *one = &h->audit_seen.by[i];
        size_t who = memcmp(one->node, member_id(w->m[1]), ID_BYTES) == 0 ? 1 : 2;

        assert_memory_equal(one->node, member_id(w->m[who]), ID_BYTES);
        assert_ok(cosignature_verify(span_text(origin_of(w, LOG_AUDIT)), h->audit_seen.head.size,
                                     h->audit_seen.head.root, one->time_s,
                                     secret_sign_public(key[who]), one->sig));
    }
    tick_later(w, HEADS_MS);
    member_heads(w->m[1], &heard);
    assert_int_equal(heard, before + 1); /* no news */
    tick_later(w, 3600000);
    member_heads(w->m[1], &heard);
    assert_int_equal(heard, before + 2); /* at least hourly */
}

/* A log that grows faster than they cosign: the newest head that two share, not the newest of all.
 */
static void a_quorum_once_reached_is_shown_until_a_newer_one_is(void **state)
{
    struct world *w = *state;
    uint64_t size = size_of(w, LOG_AUDIT);
    struct msg_cosign s;

    for (size_t i = 0; i < 2; i++) {
        s = cosign_of(w, i, LOG_AUDIT, size);
        assert_int_equal(said(w, i, &s), ERR_OK);
    }
    world_send(w, 0, 1);
    assert_true(size_of(w, LOG_AUDIT) > size);
    s = cosign_of(w, 0, LOG_AUDIT, size_of(w, LOG_AUDIT));
    assert_int_equal(said(w, 0, &s), ERR_OK);
    assert_int_equal(lag_of(w).audit_size, size);
    s = cosign_of(w, 2, LOG_AUDIT, size_of(w, LOG_AUDIT));
    assert_int_equal(said(w, 2, &s), ERR_OK);
    assert_int_equal(lag_of(w).audit_size, size_of(w, LOG_AUDIT));
    assert_ok(core_reload(w->core));
    assert_int_equal(lag_of(w).audit_size, size_of(w, LOG_AUDIT));
    assert_ok(member_ack_all(w->m[1]));
}

/* --- consistency ------------------------------------------------------------------------------
 */

static enum err consistency_of(struct world *w, uint32_t log, uint32_t epoch, uint64_t from,
                               uint64_t to, struct member_answer *a)
{
    struct message m = {.type = MSG_CONSISTENCY};

    m.consistency = (struct msg_consistency){
        member_next_req(w->m[0]), {log, epoch},
         from, to
    };
    return member_ask(w->m[0], &m, a);
}

static void any_two_sizes_are_proven_and_no_others(void **state)
{
    struct world *w = *state;
    uint32_t epoch = epoch_now(w->core)->number;
    uint64_t size = size_of(w, LOG_AUDIT);
    struct member_answer a = {0};
    struct msg_cosign from, to;
    size_t proven = 0;

    for (uint64_t m = 1; m <= size; m++) {
        struct merkle_proof proof = {0};

        assert_ok(consistency_of(w, LOG_AUDIT, epoch, m, size, &a));
        from = unsigned_cosign(w, LOG_AUDIT, m);
        to = unsigned_cosign(w, LOG_AUDIT, size);
        proof.count = a.message.consistency_proof.n;
        memcpy(proof.hash, a.message.consistency_proof.hash, proof.count * sizeof proof.hash[0]);
        assert_ok(merkle_verify_consistency(m, from.root, size, to.root, &proof));
        member_answer_free(&a);
        proven++;
    }
    assert_true(proven > 3);
    assert_ok(consistency_of(w, LOG_KEYS, 0, 1, size_of(w, LOG_KEYS), NULL));
    assert_int_equal(consistency_of(w, LOG_AUDIT, epoch, 1, size + 100, NULL), ERR_RANGE);
    assert_int_equal(consistency_of(w, LOG_AUDIT, epoch, 3, 2, NULL), ERR_RANGE);
    assert_int_equal(consistency_of(w, LOG_AUDIT, epoch + 1, 1, 2, NULL), ERR_NOT_FOUND);
}

/* --- the set ----------------------------------------------------------------------------------
 */

static void what_the_registrar_would_sign_in_vain_is_refused_at_once(void **state)
{
    struct world *w = *state;

    assert_int_equal(set_prepare(w, 0, 0, 1, NULL), ERR_FIELD_MISSING);
    assert_int_equal(set_prepare(w, 0, 2, 1, NULL), ERR_FIELD_VALUE); /* half is not a majority */
    assert_true(text_says(w, "why", "--quorum 1"));
    assert_int_equal(set_prepare(w, 0, 2, 3, NULL), ERR_FIELD_VALUE);
    assert_int_equal(world_command(w, "witness.set",
                                   json_pack("{s:[s,s]}", "orgs", "member-1", "member-1"), NULL),
                     ERR_FIELD_VALUE);
    assert_true(text_says(w, "why", "deux fois"));
    assert_int_not_equal(
        world_command(w, "witness.set", json_pack("{s:[s]}", "orgs", "personne"), NULL), ERR_OK);
    assert_int_not_equal(world_command(w, "witness.set", json_pack("{s:[i]}", "orgs", 7), NULL),
                         ERR_OK);
    assert_int_equal(lag_of(w).members, PEOPLE);
}

static void too_many_are_refused(void **state)
{
    struct world *w = *state;
    json_t *orgs = json_array();

    for (size_t i = 0; i <= WITNESS_SET_MAX; i++)
        json_array_append_new(orgs, json_string("member-1"));
    assert_int_equal(world_command(w, "witness.set", json_pack("{s:o}", "orgs", orgs), NULL),
                     ERR_ITEMS);
}

static void the_list_says_who_counts(void **state)
{
    struct world *w = *state;
    json_t *data = NULL;
    struct msg_cosign s;

    assert_ok(world_command(w, "status", NULL, NULL));
    assert_true(text_says(w, "text", "n'a encore rien cosigné"));
    for (size_t i = 0; i < 2; i++) {
        s = cosign_of(w, i, LOG_KEYS, size_of(w, LOG_KEYS));
        assert_int_equal(said(w, i, &s), ERR_OK);
    }
    assert_ok(world_command(w, "status", NULL, NULL));
    assert_true(text_says(w, "text", "journal des clés attesté"));
    assert_ok(world_about(w, "org.suspend", "org", member_org(w->m[2]), NULL));
    assert_ok(world_command(w, "witness.list", NULL, &data));
    assert_int_equal(json_array_size(json_object_get(data, "witnesses")), PEOPLE);
    for (size_t i = 0; i < PEOPLE; i++)
        assert_int_equal(json_is_true(json_object_get(
                             json_array_get(json_object_get(data, "witnesses"), i), "counts")),
                         i < 2);
    assert_true(text_says(w, "text", "Quorum : 2 sur 3"));
    assert_true(text_says(w, "text", "ne compte pas"));
    json_decref(data);
}

static void without_a_set_it_says_so(void **state)
{
    struct world *w = *state;
    json_t *data = NULL;

    assert_ok(world_command(w, "witness.list", NULL, &data));
    assert_true(text_says(w, "text", "Aucun témoin"));
    assert_int_equal(json_integer_value(json_object_get(data, "quorum")), 0);
    json_decref(data);
    assert_ok(world_command(w, "status", NULL, NULL));
    assert_true(text_says(w, "text", "aucun n'est désigné"));
    assert_false(lag_of(w).named);
}

/* --- failures ---------------------------------------------------------------------------------
 */

static struct msg_cosign next;

static void cosign_prepare(struct world *w, struct deed *d)
{
    world_send(w, 0, 1);
    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_ack_all(w->m[0]));
    next = cosign_of(w, 1, LOG_AUDIT, size_of(w, LOG_AUDIT));
    assert_int_equal(said(w, 1, &next), ERR_OK);
    cosign_sign(w, &next, origin_of(w, LOG_AUDIT), key[2]);
    d->count = next.size;
}

static enum err cosign_act(struct world *w, struct deed *d)
{
    (void)d;
    return said(w, 2, &next);
}

static void cosign_check(struct world *w, struct deed *d)
{
    assert_int_equal(lag_of(w).audit_size, d->count);
    assert_ok(core_reload(w->core));
    assert_int_equal(lag_of(w).audit_size, d->count);
}

static void a_cosignature_survives_every_failure(void **state)
{
    struct deed d = {.prepare = cosign_prepare, .act = cosign_act, .check = cosign_check};

    every_place(*state, &d);
}

static void heads_prepare(struct world *w, struct deed *d)
{
    (void)d;
    world_send(w, 0, 1);
    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_ack_all(w->m[0]));
}

static enum err heads_act(struct world *w, struct deed *d)
{
    (void)d;
    tick_later(w, HEADS_MS);
    return ERR_OK;
}

static void heads_check(struct world *w, struct deed *d)
{
    size_t heard;

    (void)d;
    for (size_t i = 0; i < PEOPLE; i++)
        assert_int_equal(member_heads(w->m[i], &heard)->audit.size, size_of(w, LOG_AUDIT));
}

/* Nothing is written then, so nothing that is written can fail. */
static void heads_are_told_after_every_failure(void **state)
{
    static const struct strike some[] = {
        {STRIKE_GET,   0, ERR_IO, COMMIT_CONFLICT},
        {STRIKE_BEGIN, 0, ERR_IO, COMMIT_CONFLICT},
        {STRIKE_ALLOC, 0, ERR_OK, COMMIT_CONFLICT},
    };
    struct deed d = {.prepare = heads_prepare, .act = heads_act, .check = heads_check};
    size_t struck = 0;

    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        struct strike s = some[i];

        for (s.n = 1; struck_once(*state, &d, s); s.n++, struck++)
            assert_true(s.n < PLACES_MAX);
    }
    assert_true(struck > 5);
}

static enum err consistency_act(struct world *w, struct deed *d)
{
    (void)d;
    return consistency_of(w, LOG_AUDIT, epoch_now(w->core)->number, 1, size_of(w, LOG_AUDIT), NULL);
}

static enum err list_act(struct world *w, struct deed *d)
{
    (void)d;
    return world_command(w, "witness.list", NULL, NULL);
}

static void reading_of_witnesses_survives_every_failure(void **state)
{
    reading_fails_and_is_asked_again(*state, consistency_act);
    reading_fails_and_is_asked_again(*state, list_act);
}

static enum err set_act(struct world *w, struct deed *d)
{
    bytes_free(&d->note);
    return set_prepare(w, 0, 2, 2, &d->note);
}

/* What was prepared can be signed; the statement of the same instant is one and the same request.
 */
static void set_verified(struct world *w, struct deed *d)
{
    bool complete = false;

    assert_ok(world_sign(w, bytes_span(&d->note), &complete));
    assert_true(complete);
    assert_int_equal(lag_of(w).members, 2);
    set_name(w, 0, PEOPLE, 2);
    clock_fixed_advance(&w->clock, 1000);
}

static void naming_witnesses_survives_every_failure(void **state)
{
    struct deed d = {.prepare = nothing_to_do, .act = set_act, .check = set_verified};

    every_place(*state, &d);
}

static void a_vote_that_makes_no_sense_is_damage(void **state)
{
    struct world *w = *state;
    uint8_t row_key[5] = {LOG_KEYS};

    be32_write((uint32_t)directory_find_node(w->core->dir, member_id(w->m[1]))->enrolled_at,
               row_key + 1);
    assert_ok(store_begin(w->core->store, TXN_WRITE, &w->core->t));
    assert_ok(store_put(w->core->t, TABLE_COSIGN, SPAN_OF(row_key), SPAN_STR("x")));
    assert_ok(store_commit(&w->core->t));
    w->damaged = true;
    assert_int_equal(core_reload(w->core), ERR_CORRUPT);
}

#define WATCHED(f) cmocka_unit_test_setup_teardown(f, watched_up, watched_down)
#define BARE(f) cmocka_unit_test_setup_teardown(f, world_up, watched_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WATCHED(who_is_no_witness_is_refused),
        BARE(who_is_of_the_set_and_has_no_key_is_refused),
        cmocka_unit_test_setup_teardown(the_operator_of_the_hub_is_never_counted, operated_up,
                                        watched_down),
        WATCHED(a_cosignature_by_another_key_is_refused),
        WATCHED(a_cosignature_of_another_origin_is_refused),
        WATCHED(a_spoiled_cosignature_is_refused_and_paid_for),
        WATCHED(a_head_that_is_not_this_logs_is_refused),
        WATCHED(another_epoch_is_refused),
        WATCHED(a_time_ahead_of_ours_is_refused),
        WATCHED(an_older_size_or_time_changes_nothing),
        WATCHED(a_retired_key_counts_no_more),
        WATCHED(a_suspended_witness_counts_no_more),
        WATCHED(what_a_quorum_has_cosigned_is_shown_to_all),
        WATCHED(a_quorum_once_reached_is_shown_until_a_newer_one_is),
        WATCHED(any_two_sizes_are_proven_and_no_others),
        WATCHED(what_the_registrar_would_sign_in_vain_is_refused_at_once),
        WATCHED(too_many_are_refused),
        WATCHED(the_list_says_who_counts),
        BARE(without_a_set_it_says_so),
        WATCHED(a_cosignature_survives_every_failure),
        WATCHED(heads_are_told_after_every_failure),
        WATCHED(reading_of_witnesses_survives_every_failure),
        WATCHED(naming_witnesses_survives_every_failure),
        WATCHED(a_vote_that_makes_no_sense_is_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
