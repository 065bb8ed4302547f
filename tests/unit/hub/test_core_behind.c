/* A hub whose store was put back to an older state, and nobody said so: a node shows what the hub
 * has signed and does not have. It stops, keeps both heads, and tells everybody. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_world.h"

#include "checkpoint.h"
#include "recovery.h"

/* A head under the log's true key; its root is nobody's. */
static struct ckpt signed_head(const char *origin, const struct secret_sign *key, uint64_t size)
{
    struct ckpt head = {.size = size, .root = {0x5a}};
    struct bytes body = {0};

    assert_ok(checkpoint_body(span_text(origin), size, head.root, &body));
    assert_ok(sign_note(key, bytes_span(&body), head.sig));
    bytes_free(&body);
    return head;
}

static struct ckpt audit_signed(struct world *w, uint64_t size)
{
    return signed_head(w->id.audit_origin, w->id.audit_log, size);
}

static uint64_t audit_size(const struct world *w)
{
    return ledger_committed_size(w->core->audit);
}

/* What member i says in HELLO: the newest heads, as a node does. */
static struct msg_hello hello_of(struct world *w, size_t i)
{
    struct msg_hello h;

    assert_ok(member_hello_make(w->m[i], &h));
    h.epoch = epoch_now(w->core)->number;
    return h;
}

static enum err greet_with(struct world *w, size_t i, const struct ckpt *audit)
{
    struct msg_hello h = hello_of(w, i);

    h.audit = *audit;
    return member_hello(w->m[i], &h);
}

static enum err put_letter(struct world *w, size_t i)
{
    struct bytes whole = {0};
    struct env_header h;
    enum err e;

    assert_ok(member_header(w->m[i], w->circle->handle, &w->m[1], 1, &h));
    assert_ok(member_seal(w->m[i], &h, SPAN_STR("corps"), &whole, NULL));
    e = member_put(w->m[i], bytes_span(&whole), NULL);
    bytes_free(&whole);
    return e;
}

static size_t told_behind(struct world *w, size_t i, struct member_answer *last)
{
    size_t n = 0;

    while (member_answers(w->m[i]) > 0) {
        struct member_answer a = {0};

        assert_ok(member_answer(w->m[i], 0, 0, &a));
        if (a.code == ERR_BEHIND) {
            n++;
            member_answer_free(last);
            *last = a;
        } else {
            member_answer_free(&a);
        }
    }
    return n;
}

static void a_head_beyond_our_log_stops_the_hub(void **state)
{
    struct world *w = *state;
    struct ckpt head = audit_signed(w, audit_size(w) + 3);
    uint64_t audit = audit_size(w);
    struct member_answer a = {0};
    json_t *data = NULL;

    member_forget_answers(w->m[0]);
    assert_ok(put_letter(w, 0)); /* the control: it serves */
    audit = audit_size(w);
    head = audit_signed(w, audit + 3);
    assert_int_equal(greet_with(w, 2, &head), ERR_BEHIND);
    assert_true(w->core->recovery.behind);
    assert_int_equal(audit_size(w), audit + 1); /* the alarm, and no leaf after it */
    assert_int_equal(told_behind(w, 0, &a), 1); /* who said nothing is told as well */
    assert_int_equal(a.message.err.extra, EXTRA_OWN);
    assert_int_equal(a.message.err.own_log.log, LOG_AUDIT);
    assert_int_equal(a.message.err.own.size, audit);
    member_answer_free(&a);
    assert_int_equal(put_letter(w, 0), ERR_BEHIND);
    assert_int_equal(greet_with(w, 1, &(struct ckpt){0}), ERR_BEHIND);
    world_job(w, JOB_TICK);
    assert_int_equal(audit_size(w), audit + 1);
    assert_int_equal(world_command(w, "log", NULL, NULL), ERR_BEHIND);
    assert_int_equal(world_command(w, "restore.accept", NULL, NULL), ERR_BEHIND);
    assert_ok(world_command(w, "status", NULL, &data));
    assert_non_null(strstr(json_string_value(json_object_get(w->answer, "text")), "ARRÊT"));
    json_decref(data);
}

static void both_heads_are_kept_for_anybody_to_check(void **state)
{
    struct world *w = *state;
    struct ckpt head = audit_signed(w, audit_size(w)); /* as long as ours, and another */
    struct note_key key;
    struct checkpoint a, b;
    json_t *data = NULL;

    assert_ok(note_key_init(&key, span_text(w->id.audit_origin), NOTE_SIGNED,
                            secret_sign_public(w->id.audit_log)));
    assert_int_equal(world_command(w, "evidence", NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(greet_with(w, 2, &head), ERR_BEHIND);
    assert_ok(core_reload(w->core)); /* as after a new start */
    assert_true(w->core->recovery.on && w->core->recovery.behind);
    assert_ok(world_command(w, "evidence", NULL, &data));
    assert_ok(checkpoint_read(span_text(json_string_value(json_object_get(data, "shown"))), &a));
    assert_ok(checkpoint_read(span_text(json_string_value(json_object_get(data, "own"))), &b));
    assert_ok(checkpoint_verify(&a, &key));
    assert_ok(checkpoint_verify(&b, &key));
    assert_int_equal(a.size, b.size);
    assert_memory_not_equal(a.root, b.root, sizeof a.root); /* two histories, proven */
    json_decref(data);
}

static void a_stopped_hub_writes_nothing_at_its_next_start(void **state)
{
    struct world *w = *state;
    struct ckpt head = audit_signed(w, audit_size(w) + 1);
    uint64_t audit;

    assert_int_equal(greet_with(w, 2, &head), ERR_BEHIND);
    audit = audit_size(w);
    assert_ok(core_reload(w->core));
    assert_ok(core_started(w->core));
    assert_int_equal(audit_size(w), audit);
}

static void heads_of_our_history_and_forged_ones_stop_nobody(void **state)
{
    struct world *w = *state;
    struct ckpt head;
    struct msg_hello h = hello_of(w, 2);
    const struct msg_welcome *said = member_welcome(w->m[2]);

    head = said->audit; /* an older one of ours */
    assert_true(head.size > 0);
    assert_ok(greet_with(w, 2, &head));
    head = audit_signed(w, audit_size(w) + 7);
    head.sig[3] ^= 1; /* nobody's signature */
    assert_ok(greet_with(w, 2, &head));
    head = signed_head(w->id.keys_origin, w->id.keys_log, audit_size(w) + 7); /* another log's */
    assert_ok(greet_with(w, 2, &head));
    h = hello_of(w, 2);
    h.epoch--; /* one that never was */
    h.audit = audit_signed(w, audit_size(w) + 7);
    assert_ok(member_hello(w->m[2], &h));
    assert_false(w->core->recovery.on);
}

static void the_keys_log_and_a_later_epoch_count_too(void **state)
{
    struct world *w = *state;
    struct msg_hello h = hello_of(w, 2);

    h.keys =
        signed_head(w->id.keys_origin, w->id.keys_log, ledger_committed_size(w->core->keys) + 1);
    assert_int_equal(member_hello(w->m[2], &h), ERR_BEHIND);
    assert_true(w->core->recovery.behind);
}

static void a_later_epoch_than_ours_stops_the_hub(void **state)
{
    struct world *w = *state;
    struct msg_hello h = hello_of(w, 2);

    h.epoch++;
    h.audit = signed_head("exercice.test/audit/2027", w->id.audit_log, 1); /* shorter than ours */
    assert_int_equal(member_hello(w->m[2], &h), ERR_BEHIND);
    assert_true(w->core->recovery.behind);
}

static void restore_begins_anew(void **state)
{
    struct world *w = *state;
    struct ckpt head = audit_signed(w, audit_size(w) + 1);

    assert_int_equal(greet_with(w, 2, &head), ERR_BEHIND);
    assert_ok(restore_mark(w->core->store));
    w->core->recovery.on = false; /* as a new process */
    assert_ok(core_reload(w->core));
    assert_true(w->core->recovery.on);
    assert_false(w->core->recovery.behind);
    assert_int_equal(greet_with(w, 2, &head), ERR_RECOVERING);
}

/* Whatever fails: it stops or is asked again, and never serves who has shown it more. */
static void nothing_that_fails_lets_it_go_on(void **state)
{
    struct world *w = *state;
    static const enum strike_at sorts[] = {STRIKE_ALLOC,  STRIKE_PUT,   STRIKE_GET,
                                           STRIKE_COMMIT, STRIKE_BEGIN, STRIKE_SCAN};
    struct ckpt head = audit_signed(w, audit_size(w) + 40);
    size_t failed = 0;

    for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
        for (unsigned long n = 1;; n++) {
            enum err e;

            w->strike = (struct strike){sorts[i], n, ERR_IO, COMMIT_UNKNOWN_LOST};
            w->struck = false;
            e = greet_with(w, 2, &head);
            if (!w->struck)
                break;
            assert_int_not_equal(e, ERR_OK);
            failed += e != ERR_BEHIND;
            assert_true(n < 400);
        }
        assert_true(w->core->recovery.behind);
        /* once more, as if it had not been seen */
        assert_ok(store_begin(w->core->store, TXN_WRITE, &w->core->t));
        assert_ok(behind_forget(w->core->t));
        assert_ok(store_commit(&w->core->t));
        assert_ok(core_reload(w->core));
        assert_false(w->core->recovery.on);
    }
    assert_true(failed > 10);
}

static void a_row_that_makes_no_sense_is_damage(void **state)
{
    struct world *w = *state;

    assert_ok(store_begin(w->core->store, TXN_WRITE, &w->core->t));
    assert_ok(store_put(w->core->t, TABLE_META, SPAN_STR("behind"), SPAN_STR("x")));
    assert_ok(store_commit(&w->core->t));
    w->damaged = true;
    assert_int_equal(core_reload(w->core), ERR_CORRUPT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_head_beyond_our_log_stops_the_hub),
        TEST(both_heads_are_kept_for_anybody_to_check),
        TEST(a_stopped_hub_writes_nothing_at_its_next_start),
        TEST(heads_of_our_history_and_forged_ones_stop_nobody),
        TEST(the_keys_log_and_a_later_epoch_count_too),
        TEST(a_later_epoch_than_ours_stops_the_hub),
        TEST(restore_begins_anew),
        TEST(nothing_that_fails_lets_it_go_on),
        TEST(a_row_that_makes_no_sense_is_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
