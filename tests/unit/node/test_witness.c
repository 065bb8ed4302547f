/* The node as a witness, what it makes of the cosignatures of all witnesses, and when it seals. */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "witness_rig.h"

#include "commands_internal.h"
#include "failing_alloc.h"
#include "heads.h"
#include "meta.h"

#define PLACES_MAX 400

static int up(void **state)
{
    struct watched *w = calloc(1, sizeof *w);
    void *rig = NULL;

    assert_non_null(w);
    rig_up(&rig);
    watched_begin(w, rig);
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct watched *w = *state;
    void *rig = w->r;

    watched_end(w);
    rig_down(&rig);
    free(w);
    return 0;
}

static struct attestation attested_of(const struct watched *w, uint32_t log)
{
    struct attestation a;

    witness_attested(w->r->n, log, &a);
    return a;
}

/* --- what all witnesses have attested ----------------------------------------------------------
 */

static void of_two_heads_of_one_second_the_longer_is_the_attested(void **state)
{
    struct watched *w = *state;
    struct msg_heads h;

    for (size_t size = 1; size < 4; size++) {
        audit_grow(w, 1);
        h = heads_now(w);
        cosign_all(w, &h.audit_seen, LOG_AUDIT, RIG_NOW_S);
        assert_int_equal(witness_announced(w->r->n, &h), ERR_OK);
        assert_int_equal(attested_of(w, LOG_AUDIT).what->head.size, size);
    }
    rig_restart(w->r);
    assert_int_equal(attested_of(w, LOG_AUDIT).what->head.size, 3);
}

/* One witness may have cosigned the longer head before the others cosigned the shorter. */
static void a_longer_log_takes_nothing_back_of_when_it_was_attested(void **state)
{
    struct watched *w = *state;
    struct msg_heads h;
    struct msg_heads former;

    audit_grow(w, 1);
    former = heads_now(w);
    cosign_all(w, &former.audit_seen, LOG_AUDIT, RIG_NOW_S + 9);
    assert_int_equal(witness_announced(w->r->n, &former), ERR_OK);
    audit_grow(w, 1);
    h = heads_now(w);
    cosign_all(w, &h.audit_seen, LOG_AUDIT, RIG_NOW_S + 5);
    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK);
    assert_int_equal(attested_of(w, LOG_AUDIT).what->head.size, 2);
    assert_int_equal(attested_of(w, LOG_AUDIT).time_s, RIG_NOW_S + 9);
    assert_int_equal(witness_announced(w->r->n, &former), ERR_OK); /* said again, too late */
    assert_int_equal(attested_of(w, LOG_AUDIT).what->head.size, 2);
}

static void a_head_is_attested_at_the_time_of_the_quorum(void **state)
{
    struct watched *w = *state;
    struct msg_heads h = heads_now(w);

    for (size_t i = 0; i < QUORUM - 1; i++)
        cosign_as(w, &h.keys_seen, LOG_KEYS, i, RIG_NOW_S + 50 - i);
    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK);
    assert_int_equal(attested_of(w, LOG_KEYS).time_s, 0); /* one is missing */
    cosign_as(w, &h.keys_seen, LOG_KEYS, 3, RIG_NOW_S + 7);
    cosign_as(w, &h.keys_seen, LOG_KEYS, 2, RIG_NOW_S + 3);
    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK);
    assert_int_equal(attested_of(w, LOG_KEYS).time_s, RIG_NOW_S + 7); /* the third newest */
    assert_int_equal(attested_of(w, LOG_KEYS).quorum, QUORUM);
    assert_int_equal(attested_of(w, LOG_KEYS).members, HOUSES);
    assert_true(attested_of(w, LOG_KEYS).is_witness);
}

/* Two honest ones, and a third that is spoiled in some way: no quorum. */
static struct msg_heads two_and(struct watched *w, size_t third)
{
    struct msg_heads h = heads_now(w);

    cosign_as(w, &h.keys_seen, LOG_KEYS, 0, RIG_NOW_S);
    cosign_as(w, &h.keys_seen, LOG_KEYS, 1, RIG_NOW_S);
    cosign_as(w, &h.keys_seen, LOG_KEYS, third, RIG_NOW_S);
    return h;
}

static void assert_attests_nothing(struct watched *w, const struct msg_heads *h)
{
    assert_int_equal(witness_announced(w->r->n, h), ERR_OK);
    assert_int_equal(attested_of(w, LOG_KEYS).time_s, 0);
    assert_int_equal(attested_of(w, LOG_KEYS).what->n, 0);
}

static void forged_doubled_and_foreign_cosignatures_do_not_count(void **state)
{
    struct watched *w = *state;
    struct msg_heads h = two_and(w, 2);
    struct cosignature *third = &h.keys_seen.by[2];

    third->sig[0] ^= 1;
    assert_attests_nothing(w, &h);
    h = two_and(w, 2);
    third->time_s++;
    assert_attests_nothing(w, &h);
    h = two_and(w, 1); /* twice the same */
    assert_attests_nothing(w, &h);
    h = two_and(w, 2);
    rig_fill(w->r, third->node, ID_BYTES); /* nobody's */
    assert_attests_nothing(w, &h);
    h = two_and(w, 2);
    memcpy(third->node, w->house[3]->node, ID_BYTES); /* under another's name */
    assert_attests_nothing(w, &h);
    h = two_and(w, 2); /* the control */
    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK);
    assert_int_equal(attested_of(w, LOG_KEYS).time_s, RIG_NOW_S);
}

static void who_has_left_the_set_does_not_count(void **state)
{
    struct watched *w = *state;
    struct msg_heads h;

    set_name(w, 0, HOUSES - 1, QUORUM, RIG_NOW + 1);
    h = two_and(w, 3);
    assert_attests_nothing(w, &h);
    h = two_and(w, 2);
    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK);
    assert_int_equal(attested_of(w, LOG_KEYS).time_s, RIG_NOW_S);
}

static void house_stands(struct watched *w, size_t i, bool resume)
{
    struct bytes stmt = {0}, ss = {0};

    assert_int_equal(
        suspend_encode(w->r->federation.id, RIG_NOW, resume, w->house[i]->org, 1, &stmt), ERR_OK);
    assert_int_equal(
        statement_sign_alone(STATEMENT_KEYS, bytes_span(&stmt), ROLE_HUB, NULL, w->r->hub, &ss),
        ERR_OK);
    statement_append(w->r, &ss);
    bytes_free(&stmt);
}

static void a_suspended_witness_and_a_retired_key_do_not_count(void **state)
{
    struct watched *w = *state;
    struct secret_sign *retired;
    struct msg_heads h;

    house_stands(w, 2, false);
    h = two_and(w, 2);
    assert_attests_nothing(w, &h);
    house_stands(w, 2, true);
    retired = w->key[2];
    w->key[2] = NULL;
    house_key(w, 2, 2);
    h = heads_now(w);
    cosign_as(w, &h.keys_seen, LOG_KEYS, 0, RIG_NOW_S);
    cosign_as(w, &h.keys_seen, LOG_KEYS, 1, RIG_NOW_S);
    secret_sign_free(w->key[2]);
    w->key[2] = retired;
    cosign_as(w, &h.keys_seen, LOG_KEYS, 2, RIG_NOW_S);
    assert_attests_nothing(w, &h);
}

static void without_a_set_nothing_is_attested_and_nobody_cosigns(void **state)
{
    struct rig *r = *state;
    struct watched w = {
        .r = r, .house = {&r->own, &r->other}
    };
    struct msg_heads h = heads_now(&w);
    struct msg_cosign s;
    struct bytes note = {0};

    cosign_as(&w, &h.keys_seen, LOG_KEYS, 0, RIG_NOW_S);
    assert_int_equal(witness_announced(r->n, &h), ERR_OK);
    assert_false(attested_of(&w, LOG_KEYS).named);
    assert_int_equal(witness_due(r->n, &s), ERR_AGAIN);
    assert_int_equal(witness_note(r->n, LOG_KEYS, &note), ERR_NOT_FOUND);
    clock_fixed_advance(&r->clock, 400ull * DAY_S * 1000);
    assert_int_equal(witness_may_seal(r->n), ERR_OK); /* there is no rule before there is a set */
}

/* Not read yet: who knows whether it is of our history. */
static void a_cosigned_head_beyond_our_replica_waits(void **state)
{
    struct watched *w = *state;
    struct prekey_statement s = {.ts_ms = RIG_NOW + 1, .number = 2};
    struct secret_box *fresh = NULL;
    struct msg_heads h;
    struct bytes ss = {0};

    assert_int_equal(secret_box_generate(&w->r->entropy, &fresh), ERR_OK);
    memcpy(s.federation, w->r->federation.id, ID_BYTES);
    memcpy(s.org, w->r->other.org, ID_BYTES);
    memcpy(s.node, w->r->other.node, ID_BYTES);
    box_kid(secret_box_public(w->r->other.prekey.key), s.previous);
    s.pk = *secret_box_public(fresh);
    secret_box_free(fresh);
    assert_int_equal(prekey_sign(&s, w->r->other.sign, &ss), ERR_OK);
    rig_append(&w->r->keys, bytes_span(&ss));
    h = heads_now(w);
    cosign_all(w, &h.keys_seen, LOG_KEYS, RIG_NOW_S);
    assert_attests_nothing(w, &h);
    rig_sync(w->r);
    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK);
    assert_int_equal(attested_of(w, LOG_KEYS).time_s, RIG_NOW_S);
    bytes_free(&ss);
}

/* --- two histories ----------------------------------------------------------------------------
 */

/* Both heads of the newest alarm, as an operator gets them: C2SP notes under the log's key. */
static void assert_both_heads_are_kept(struct watched *w, const char *origin,
                                       const struct secret_sign *log_key)
{
    struct call c = {.args = json_object(), .data = json_object()};
    const json_t *files;
    struct note_key key;

    assert_int_equal(evidence_run(w->r->n, &c), ERR_OK);
    files = json_object_get(c.data, "files");
    assert_int_equal(json_array_size(files), 2);
    for (size_t i = 0; i < 2; i++) {
        const char *name = json_string_value(json_object_get(json_array_get(files, i), "file"));
        const char *text = json_string_value(json_object_get(json_array_get(files, i), "text"));
        struct checkpoint head;

        assert_non_null(strstr(name, i ? "-b.note" : "-a.note"));
        assert_int_equal(checkpoint_read(span_text(text), &head), ERR_OK);
        assert_true(span_equal(head.origin, span_text(origin)));
        assert_int_equal(
            note_key_init(&key, span_text(origin), NOTE_SIGNED, secret_sign_public(log_key)),
            ERR_OK);
        assert_int_equal(checkpoint_verify(&head, &key), ERR_OK);
    }
    bytes_free(&c.text);
    json_decref((json_t *)c.args);
    json_decref(c.data);
}

static void split(struct rig_log *from, struct rig_log *to)
{
    for (size_t i = 0; i < from->size; i++)
        rig_append(to, i == 1 ? SPAN_STR("une autre") : bytes_span(&from->entry[i]));
}

/* Of every place of HEADS in which a head stands. */
static void another_history_in_heads_stops_the_node_and_keeps_both(void **state)
{
    struct watched *w = *state;
    struct rig_log other = {0};
    struct msg_heads h;
    struct msg_cosign s;
    struct ckpt lie;

    audit_grow(w, 3);
    h = heads_now(w);
    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK);
    questions_answered(w);
    split(&w->r->audit, &other);
    lie = rig_head(&other, 3, RIG_AUDIT_ORIGIN, w->r->audit_log);
    h.audit_seen = (struct cosigned){.head = lie};
    cosign_all(w, &h.audit_seen, LOG_AUDIT, RIG_NOW_S); /* and whoever cosigned it */
    assert_int_equal(witness_announced(w->r->n, &h), ERR_SPLIT_VIEW);
    assert_int_equal(w->r->n->alarm, ERR_SPLIT_VIEW);
    assert_int_equal(witness_due(w->r->n, &s), ERR_AGAIN); /* cosigns nothing more */
    assert_int_equal(rig_rows(w->r, TABLE_ALARM), 1);
    assert_both_heads_are_kept(w, RIG_AUDIT_ORIGIN, w->r->audit_log);
    rig_restart(w->r);
    assert_int_equal(w->r->n->alarm, ERR_SPLIT_VIEW);
    assert_both_heads_are_kept(w, RIG_AUDIT_ORIGIN, w->r->audit_log);
    rig_log_free(&other);
}

static void another_directory_in_heads_stops_the_node_and_keeps_both(void **state)
{
    struct watched *w = *state;
    struct rig_log other = {0};
    struct msg_heads h = heads_now(w);

    split(&w->r->keys, &other);
    h.keys_seen.head = rig_head(&other, other.size, RIG_KEYS_ORIGIN, w->r->keys_log);
    cosign_all(w, &h.keys_seen, LOG_KEYS, RIG_NOW_S);
    assert_int_equal(witness_announced(w->r->n, &h), ERR_SPLIT_VIEW);
    assert_int_equal(rig_rows(w->r, TABLE_ALARM), 1);
    assert_both_heads_are_kept(w, RIG_KEYS_ORIGIN, w->r->keys_log);
    assert_int_equal(attested_of(w, LOG_KEYS).time_s, 0);
    rig_log_free(&other);
}

/* The tail is cut and the log grows anew, beyond where it was: nothing is shorter, no size is
 * shown twice, and no witness was there. What shows it is the proof that cannot be given. */
static void a_tail_cut_while_nobody_looked_cannot_be_proven(void **state)
{
    struct watched *w = *state;
    struct merkle_source source;
    struct head_question q;
    struct rig_log other = {0};
    struct merkle_proof proof;
    struct msg_consistency_proof p = {0};
    struct msg_heads h;

    audit_grow(w, 4);
    h = heads_now(w);
    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK);
    questions_answered(w);
    for (size_t i = 0; i < 6; i++)
        rig_append(&other, i < 2 ? bytes_span(&w->r->audit.entry[i]) : SPAN_STR("après"));
    h.audit = rig_head(&other, 6, RIG_AUDIT_ORIGIN, w->r->audit_log);
    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK); /* nothing to see yet */
    assert_int_equal(contacts_heads_flush(w->r->n), ERR_OK);
    assert_int_equal(contacts_question(w->r->n, &q), ERR_OK);
    assert_int_equal(q.from.size, 4);
    assert_int_equal(q.to.size, 6);
    source = (struct merkle_source){rig_subtree, &other};
    assert_int_equal(merkle_consistency(&source, 4, 6, &proof), ERR_OK);
    p.of = (struct log_name){LOG_AUDIT, RIG_EPOCH_NUMBER};
    p.from = 4;
    p.to = 6;
    p.n = proof.count;
    memcpy(p.hash, proof.hash, proof.count * sizeof proof.hash[0]);
    assert_int_equal(contacts_proved(w->r->n, &q, &p), ERR_SPLIT_VIEW);
    assert_both_heads_are_kept(w, RIG_AUDIT_ORIGIN, w->r->audit_log);
    rig_log_free(&other);
}

/* --- sealing ----------------------------------------------------------------------------------
 */

static void letter_add(struct watched *w, const struct rig_circle *circle, uint8_t mid[ID_BYTES])
{
    struct out_intent i = {.type = ENVELOPE_SHEET,
                           .class_mask = CLASS_IDENTITY | CLASS_MEDICAL,
                           .basis = BASIS_ECHANGE,
                           .purpose = 1,
                           .scat = CATEGORY_HEALTH,
                           .to_count = 1,
                           .rcat = {CATEGORY_HEALTH}};
    struct txn *t = NULL;

    memcpy(i.circle, circle_handle(circle->c), ID_BYTES);
    memcpy(i.person, w->r->person[0], ID_BYTES);
    memcpy(i.to[0], w->r->other.org, ID_BYTES);
    assert_int_equal(store_begin(w->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(outbox_add(w->r->n, t, &i, SPAN_STR("une fiche"), mid, NULL), ERR_OK);
    assert_int_equal(node_commit(w->r->n, &t), ERR_OK);
}

static enum err taken(struct watched *w, const uint8_t mid[ID_BYTES], bool *sealed)
{
    struct bytes out = {0};
    enum err e = outbox_take(w->r->n, mid, &out);

    *sealed = out.len > 0;
    bytes_free(&out);
    return e;
}

static bool warns(const struct watched *w, const char *words)
{
    struct bytes text = {0};
    bool said;

    assert_int_equal(witness_text(w->r->n, &text), ERR_OK);
    assert_int_equal(bytes_append(&text, span_of("", 1)), ERR_OK);
    said = text.len > 1 && strstr((const char *)text.ptr, words);
    bytes_free(&text);
    return said;
}

static void clock_at(struct watched *w, uint64_t s)
{
    clock_fixed_advance(&w->r->clock, (RIG_NOW_S + s) * 1000 - clock_now_ms(&w->r->clock.clock));
}

/* A letter is written at any time; it is sealed while the directory is attested. */
static void seals(struct watched *w, const struct rig_circle *circle, uint8_t mid[ID_BYTES])
{
    bool sealed;

    letter_add(w, circle, mid);
    assert_int_equal(taken(w, mid, &sealed), ERR_OK);
    assert_true(sealed);
}

static void a_day_without_witnesses_warns_a_week_stops_sealing_and_never_writing(void **state)
{
    struct watched *w = *state;
    struct rig_circle circle;
    uint8_t mid[6][ID_BYTES];
    bool sealed;

    rig_circle_new(w->r, &circle);
    rig_circle_tell(w->r, &circle, 0, circle.n);
    clock_at(w, 100);
    attested_now(w);
    clock_at(w, 100 + DAY_S);
    assert_false(warns(w, "TÉMOINS"));
    seals(w, &circle, mid[0]);
    clock_at(w, 100 + DAY_S + 1);
    assert_true(warns(w, "24 heures"));
    assert_true(warns(w, "Au bout de sept jours"));
    seals(w, &circle, mid[1]);
    clock_at(w, 100 + 7 * DAY_S);
    seals(w, &circle, mid[2]);
    clock_at(w, 100 + 7 * DAY_S + 1);
    assert_int_equal(witness_may_seal(w->r->n), ERR_UNWITNESSED);
    assert_true(warns(w, "plus rien de nouveau n'est scellé. Appelez"));
    letter_add(w, &circle, mid[3]); /* writing never waits */
    letter_add(w, &circle, mid[4]);
    assert_int_equal(taken(w, mid[3], &sealed), ERR_UNWITNESSED);
    assert_false(sealed);
    assert_int_equal(outbox_batch(w->r->n, &mid[3], 2), ERR_OK); /* nor many at once */
    assert_int_equal(taken(w, mid[4], &sealed), ERR_UNWITNESSED);
    assert_int_equal(taken(w, mid[2], &sealed), ERR_OK); /* what was sealed before goes on */
    assert_true(sealed);
    rig_restart(w->r);
    assert_int_equal(taken(w, mid[3], &sealed), ERR_UNWITNESSED);
    attested_now(w);
    assert_false(warns(w, "TÉMOINS"));
    assert_int_equal(taken(w, mid[3], &sealed), ERR_OK);
    assert_true(sealed);
    rig_circle_free(&circle);
}

/* A set that was just named has a day, and a week, to begin. */
static void the_week_begins_when_the_set_is_named(void **state)
{
    struct watched *w = *state;

    clock_at(w, 7 * DAY_S);
    assert_int_equal(witness_may_seal(w->r->n), ERR_OK);
    clock_at(w, 7 * DAY_S + 1);
    assert_int_equal(witness_may_seal(w->r->n), ERR_UNWITNESSED);
    set_name(w, 0, HOUSES - 1, 2, RIG_NOW + 7 * DAY_S * 1000ull);
    assert_int_equal(witness_may_seal(w->r->n), ERR_OK);
}

/* The audit log says nothing of keys, and too few say nothing at all. */
static void only_a_quorum_over_the_keys_log_lets_it_seal(void **state)
{
    struct watched *w = *state;
    struct msg_heads h;

    clock_at(w, 8 * DAY_S);
    audit_grow(w, 1);
    h = heads_now(w);
    cosign_all(w, &h.audit_seen, LOG_AUDIT, RIG_NOW_S + 8 * DAY_S);
    cosign_as(w, &h.keys_seen, LOG_KEYS, 1, RIG_NOW_S + 8 * DAY_S);
    cosign_as(w, &h.keys_seen, LOG_KEYS, 2, RIG_NOW_S + 8 * DAY_S);
    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK);
    assert_int_equal(attested_of(w, LOG_AUDIT).time_s, RIG_NOW_S + 8 * DAY_S);
    assert_int_equal(witness_may_seal(w->r->n), ERR_UNWITNESSED);
    cosign_as(w, &h.keys_seen, LOG_KEYS, 3, RIG_NOW_S + 8 * DAY_S);
    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK);
    assert_int_equal(witness_may_seal(w->r->n), ERR_OK);
}

/* --- cosigning --------------------------------------------------------------------------------
 */

static void announce(struct watched *w)
{
    struct msg_heads h = heads_now(w);

    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK);
}

/* What it has to say now, judged with its public key; how many. */
static size_t says(struct watched *w, struct msg_cosign last[2])
{
    struct msg_cosign s;
    size_t n = 0;

    while (witness_due(w->r->n, &s) == ERR_OK) {
        const char *origin = s.of.log == LOG_KEYS ? RIG_KEYS_ORIGIN : RIG_AUDIT_ORIGIN;

        assert_true(n < 2);
        assert_int_equal(s.of.epoch, s.of.log == LOG_KEYS ? 0 : RIG_EPOCH_NUMBER);
        assert_int_equal(cosignature_verify(span_text(origin), s.size, s.root, s.time_s,
                                            secret_sign_public(w->r->n->witness), s.sig),
                         ERR_OK);
        last[n++] = s;
        witness_said(w->r->n, &s);
    }
    return n;
}

static void what_it_has_checked_it_cosigns_once_and_again_after_an_hour(void **state)
{
    struct watched *w = *state;
    struct msg_cosign s[2];

    assert_int_equal(says(w, s), 0); /* nothing announced */
    audit_grow(w, 2);
    announce(w);
    assert_int_equal(says(w, s), 2);
    assert_int_equal(s[0].size, w->r->keys.size);
    assert_int_equal(s[1].size, 2);
    assert_int_equal(says(w, s), 0);
    audit_grow(w, 1);
    announce(w);
    assert_int_equal(says(w, s), 0); /* it has grown, and that is not proven */
    assert_int_equal(questions_answered(w), 1);
    assert_int_equal(says(w, s), 1);
    assert_int_equal(s[0].size, 3);
    clock_fixed_advance(&w->r->clock, HOUR_S * 1000 - 1);
    announce(w);
    assert_int_equal(says(w, s), 0);
    clock_fixed_advance(&w->r->clock, 1);
    assert_int_equal(says(w, s), 2);
    assert_int_equal(s[1].time_s, RIG_NOW_S + HOUR_S);
}

static void it_never_cosigns_less_than_it_has_cosigned_not_even_after_a_crash(void **state)
{
    struct watched *w = *state;
    struct msg_heads h;
    struct msg_cosign s[2];

    audit_grow(w, 3);
    announce(w);
    assert_int_equal(says(w, s), 2);
    rig_restart(w->r);
    clock_fixed_advance(&w->r->clock, 2 * HOUR_S * 1000);
    h = heads_now(w);
    h.audit = rig_head(&w->r->audit, 2, RIG_AUDIT_ORIGIN, w->r->audit_log);
    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK); /* late, and of our history */
    questions_answered(w);
    assert_int_equal(says(w, s), 1);
    assert_int_equal(s[0].of.log, LOG_KEYS);
    announce(w);
    assert_int_equal(says(w, s), 1);
    assert_int_equal(s[0].size, 3);
}

static void what_could_not_be_kept_is_not_said(void **state)
{
    static const enum commit_fault faults[] = {COMMIT_FULL, COMMIT_IO, COMMIT_UNKNOWN_LOST};
    struct watched *w = *state;
    struct rig *r = w->r;
    struct msg_cosign s[2];

    announce(w);
    for (size_t i = 0; i < 3; i++) {
        r->faults.fail_commit = r->faults.commits + 1;
        r->faults.commit_fault = faults[i];
        assert_int_not_equal(witness_due(r->n, &s[0]), ERR_OK);
    }
    r->faults.fail_put = r->faults.puts + 1;
    assert_int_equal(witness_due(r->n, &s[0]), ERR_IO);
    r->faults.fail_begin = r->faults.begins + 1; /* whether it is ours cannot be read: later */
    assert_int_equal(witness_due(r->n, &s[0]), ERR_AGAIN);
    r->faults.fail_begin = r->faults.begins + 2;
    assert_int_equal(witness_due(r->n, &s[0]), ERR_IO);
    assert_int_equal(says(w, s), 1);
    rig_restart(r); /* it is known that it was cosigned: not again within the hour */
    announce(w);
    assert_int_equal(says(w, s), 0);
}

/* It was on disk, and the line broke before it was said: the next turn says it. */
static void what_was_not_said_is_said_again(void **state)
{
    struct watched *w = *state;
    struct msg_cosign first, again;

    announce(w);
    assert_int_equal(witness_due(w->r->n, &first), ERR_OK);
    assert_int_equal(witness_due(w->r->n, &again), ERR_OK);
    assert_memory_equal(&first, &again, sizeof first);
    witness_said(w->r->n, &again);
    assert_int_equal(witness_due(w->r->n, &again), ERR_AGAIN);
}

/* --- its key ----------------------------------------------------------------------------------
 */

static void a_restored_nodes_new_key_retires_the_former(void **state)
{
    struct watched *w = *state;
    struct sign_public former = *secret_sign_public(w->r->n->witness);
    struct msg_cosign s[2];
    const struct directory_node *me;

    announce(w);
    assert_int_equal(says(w, s), 1);
    assert_int_equal(witness_key_renew(w->r->n->ring, &w->r->n->entropy), ERR_OK);
    rig_restart(w->r);
    assert_memory_not_equal(secret_sign_public(w->r->n->witness)->b, former.b, KEY_BYTES);
    clock_fixed_advance(&w->r->clock, 2 * HOUR_S * 1000);
    announce(w);
    assert_int_equal(says(w, s), 0); /* nobody knows that key yet */
    assert_false(attested_of(w, LOG_KEYS).is_witness);
    own_key(w);
    me = directory_find_node(contacts_directory(w->r->n), w->r->own.node);
    assert_int_equal(me->witness_number, 2);
    assert_memory_not_equal(me->witness.b, former.b, KEY_BYTES);
    announce(w);
    assert_int_equal(says(w, s), 1); /* verified under the new one */
    assert_int_not_equal(cosignature_verify(SPAN_STR(RIG_KEYS_ORIGIN), s[0].size, s[0].root,
                                            s[0].time_s, &former, s[0].sig),
                         ERR_OK);
}

static void a_key_file_without_a_witness_key_is_damaged(void **state)
{
    struct watched *w = *state;
    struct secret_sign *key = NULL;

    assert_int_equal(keyring_remove(w->r->n->ring, "witness"), ERR_OK);
    assert_int_equal(witness_key_open(w->r->n->ring, &key), ERR_CORRUPT);
    assert_int_equal(witness_key_renew(w->r->n->ring, &w->r->n->entropy), ERR_OK);
    assert_int_equal(witness_key_open(w->r->n->ring, &key), ERR_OK);
    secret_sign_free(key);
}

/* --- the note ---------------------------------------------------------------------------------
 */

static void the_note_of_what_is_attested_can_be_checked_by_anybody(void **state)
{
    struct watched *w = *state;
    struct msg_heads h;
    struct bytes note = {0};
    struct checkpoint c;
    struct note_key key;
    char name[WITNESS_NAME_ROOM];

    assert_int_equal(witness_note(w->r->n, LOG_AUDIT, &note), ERR_NOT_FOUND);
    audit_grow(w, 5);
    h = heads_now(w);
    cosign_all(w, &h.audit_seen, LOG_AUDIT, RIG_NOW_S);
    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK);
    assert_int_equal(witness_note(w->r->n, LOG_AUDIT, &note), ERR_OK);
    assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_OK);
    assert_int_equal(c.size, 5);
    assert_int_equal(note_key_init(&key, SPAN_STR(RIG_AUDIT_ORIGIN), NOTE_SIGNED,
                                   secret_sign_public(w->r->audit_log)),
                     ERR_OK);
    assert_int_equal(checkpoint_verify(&c, &key), ERR_OK);
    for (size_t i = 1; i < HOUSES; i++) {
        uint64_t time_s = 0;

        witness_name(w->r->n, w->house[i]->node, name);
        assert_int_equal(
            note_key_init(&key, span_text(name), NOTE_COSIGNED, secret_sign_public(w->key[i])),
            ERR_OK);
        assert_int_equal(checkpoint_verify_cosigned(&c, &key, &time_s), ERR_OK);
        assert_int_equal(time_s, RIG_NOW_S);
    }
    bytes_free(&note);
}

/* --- failures ---------------------------------------------------------------------------------
 */

static enum err announced_again(struct watched *w, struct msg_heads *h)
{
    return witness_announced(w->r->n, h);
}

static void an_attestation_survives_every_failure(void **state)
{
    struct watched *w = *state;
    struct store_faults *f = &w->r->faults;
    struct msg_heads h;
    size_t struck = 0;
    uint64_t at = 0;

    for (int sort = 0; sort < 5; sort++) {
        enum err e = ERR_IO;

        for (unsigned long n = 1; e; n++) {
            assert_true(n < PLACES_MAX);
            audit_grow(w, 1);
            h = heads_now(w);
            cosign_all(w, &h.keys_seen, LOG_KEYS, RIG_NOW_S + ++at);
            cosign_all(w, &h.audit_seen, LOG_AUDIT, RIG_NOW_S + at);
            f->quiet = alloc_quiet;
            f->fail_put = sort == 0 ? f->puts + n : 0;
            f->fail_get = sort == 1 ? f->gets + n : 0;
            f->fail_begin = sort == 2 ? f->begins + n : 0;
            f->fail_commit = sort == 3 ? f->commits + n : 0;
            f->commit_fault = COMMIT_IO;
            alloc_fail_after(sort == 4 ? (long)n : -1);
            e = announced_again(w, &h);
            alloc_fail_after(-1);
            f->fail_put = f->fail_get = f->fail_begin = f->fail_commit = 0;
            if (e)
                struck++;
            assert_true(e == ERR_OK || e == (sort == 4 ? ERR_NOMEM : ERR_IO));
            assert_int_equal(w->r->n->alarm, ERR_OK);
            if (e) /* half of it may be kept; told again, all of it is */
                assert_int_equal(announced_again(w, &h), ERR_OK);
            assert_int_equal(attested_of(w, LOG_KEYS).time_s, RIG_NOW_S + at);
            assert_int_equal(attested_of(w, LOG_AUDIT).time_s, RIG_NOW_S + at);
            assert_int_equal(attested_of(w, LOG_AUDIT).what->head.size, w->r->audit.size);
            questions_answered(w);
        }
    }
    assert_true(struck > 10);
    rig_restart(w->r);
    assert_int_equal(attested_of(w, LOG_AUDIT).time_s, RIG_NOW_S + at);
}

enum doing {
    DOING_DUE,
    DOING_NOTE,
    DOING_OPEN,
    DOING_KEY,
    DOINGS
};

static enum err doing(struct watched *w, enum doing what)
{
    struct witness *again = NULL;
    struct bytes out = {0};
    struct msg_cosign s;
    enum err e = ERR_OK;

    if (what == DOING_DUE) {
        e = witness_due(w->r->n, &s);
    } else if (what == DOING_NOTE) {
        e = witness_note(w->r->n, LOG_KEYS, &out);
        assert_int_equal(e == ERR_OK, out.len > 0);
    } else if (what == DOING_OPEN) {
        e = witness_open(w->r->n, &again);
        assert_int_equal(e == ERR_OK, again != NULL);
        witness_close(again);
    } else {
        e = witness_key_due(w->r->n, &out);
        assert_int_equal(e == ERR_OK, out.len > 0);
    }
    bytes_free(&out);
    return e;
}

static void memory_that_runs_out_is_said_and_nothing_is_made_up(void **state)
{
    struct watched *w = *state;
    struct msg_heads h = heads_now(w);
    size_t struck = 0;

    cosign_all(w, &h.keys_seen, LOG_KEYS, RIG_NOW_S);
    assert_int_equal(witness_announced(w->r->n, &h), ERR_OK);
    w->r->faults.quiet = alloc_quiet;
    for (enum doing what = 0; what < DOINGS; what++) {
        enum err e = ERR_NOMEM;

        if (what == DOING_KEY) { /* due once more */
            assert_int_equal(witness_key_renew(w->r->n->ring, &w->r->n->entropy), ERR_OK);
            secret_sign_free(w->r->n->witness);
            w->r->n->witness = NULL;
            assert_int_equal(witness_key_open(w->r->n->ring, &w->r->n->witness), ERR_OK);
        }
        for (long n = 1; e; n++, struck++) {
            assert_true(n < PLACES_MAX);
            alloc_fail_after(n);
            e = doing(w, what);
            alloc_fail_after(-1);
            if (e && e != ERR_NOMEM && !(e == ERR_AGAIN && what == DOING_DUE))
                fail_msg("%d at %ld: %s", (int)what, n, err_name(e));
        }
    }
    assert_true(struck > 2 * DOINGS);
    w->r->faults.fail_begin = w->r->faults.begins + 1;
    assert_int_equal(doing(w, DOING_OPEN), ERR_IO);
    w->r->faults.fail_get = w->r->faults.gets + 1;
    assert_int_equal(doing(w, DOING_OPEN), ERR_IO);
}

static void rows_that_make_no_sense_are_damage(void **state)
{
    static const char *const names[] = {"cosigned_keys", "cosigned_audit", "attested_keys",
                                        "attested_audit"};
    struct watched *w = *state;
    struct witness *again = NULL;

    for (size_t i = 0; i < 4; i++) {
        struct txn *t = NULL;

        assert_int_equal(store_begin(w->r->n->store, TXN_WRITE, &t), ERR_OK);
        assert_int_equal(meta_put(w->r->n, t, names[i], SPAN_STR("\x95\x01")), ERR_OK);
        assert_int_equal(store_commit(&t), ERR_OK);
        assert_int_equal(witness_open(w->r->n, &again), ERR_CORRUPT);
        assert_int_equal(store_begin(w->r->n->store, TXN_WRITE, &t), ERR_OK);
        assert_int_equal(store_del(t, TABLE_META, span_text(names[i])), ERR_OK);
        assert_int_equal(store_commit(&t), ERR_OK);
    }
    assert_int_equal(witness_open(w->r->n, &again), ERR_OK);
    witness_close(again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_two_heads_of_one_second_the_longer_is_the_attested),
        TEST(a_longer_log_takes_nothing_back_of_when_it_was_attested),
        TEST(a_head_is_attested_at_the_time_of_the_quorum),
        TEST(forged_doubled_and_foreign_cosignatures_do_not_count),
        TEST(who_has_left_the_set_does_not_count),
        TEST(a_suspended_witness_and_a_retired_key_do_not_count),
        cmocka_unit_test_setup_teardown(without_a_set_nothing_is_attested_and_nobody_cosigns,
                                        rig_up, rig_down),
        TEST(a_cosigned_head_beyond_our_replica_waits),
        TEST(another_history_in_heads_stops_the_node_and_keeps_both),
        TEST(another_directory_in_heads_stops_the_node_and_keeps_both),
        TEST(a_tail_cut_while_nobody_looked_cannot_be_proven),
        TEST(a_day_without_witnesses_warns_a_week_stops_sealing_and_never_writing),
        TEST(the_week_begins_when_the_set_is_named),
        TEST(only_a_quorum_over_the_keys_log_lets_it_seal),
        TEST(what_it_has_checked_it_cosigns_once_and_again_after_an_hour),
        TEST(it_never_cosigns_less_than_it_has_cosigned_not_even_after_a_crash),
        TEST(what_could_not_be_kept_is_not_said),
        TEST(what_was_not_said_is_said_again),
        TEST(a_restored_nodes_new_key_retires_the_former),
        TEST(a_key_file_without_a_witness_key_is_damaged),
        TEST(the_note_of_what_is_attested_can_be_checked_by_anybody),
        TEST(an_attestation_survives_every_failure),
        TEST(memory_that_runs_out_is_said_and_nothing_is_made_up),
        TEST(rows_that_make_no_sense_are_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
