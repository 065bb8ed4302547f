/* Named operators, at a core driven one group at a time: who signs, who confirms, and what stands
 * in the log. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "checkpoint.h"
#include "core_operators.h"

/* The newest leaf of type 19, and how many there are. */
static size_t leaves(struct world *w, struct detail *last, struct bytes *kept)
{
    struct txn *t = NULL;
    size_t n = 0;

    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    for (uint64_t i = 0; i < ledger_committed_size(w->core->audit); i++) {
        struct span entry, side;
        uint64_t type, ms;
        uint8_t c[32];

        assert_ok(ledger_entry(w->core->audit, t, i, &entry, &side, NULL));
        assert_ok(entry_decode(entry, &type, &ms, c));
        if (type != AUDIT_OPERATORS)
            continue;
        n++;
        assert_ok(bytes_copy(kept, span_of(side.ptr + SALT_BYTES, side.len - SALT_BYTES)));
    }
    store_abort(&t);
    if (n)
        assert_ok(detail_decode(bytes_span(kept), last));
    return n;
}

static void two_persons_revoke_and_one_does_not(void **state)
{
    struct world *w = *state;
    struct bytes kept = {0};
    struct detail d;
    json_t *act, *data = NULL;

    set_conf(w, MODE_REAL);
    assert_int_equal(world_command(w, "org.revoke", of_org(w, 2), NULL), ERR_OPERATORS_FEW);
    name_persons(w, 2);
    assert_int_equal(world_command(w, "org.revoke", of_org(w, 2), NULL), ERR_OPERATOR);
    act = prepare(w, "org.revoke", of_org(w, 2));
    assert_ok(sign_as(w, act, 0, 0, &data));
    assert_true(json_is_false(json_object_get(data, "done")));
    assert_null(json_object_get(data, "request"));
    json_decref(data);
    assert_int_equal(leaves(w, &d, &kept), 1);
    assert_int_equal(d.code, ERR_WAITING);
    assert_false(d.has & RD_KEY(DETAIL_SECOND));
    assert_int_equal(sign(w, act, 0), ERR_OPERATOR_SAME);
    assert_int_equal(directory_org_state(w->core->dir,
                                         directory_find_org(w->core->dir, member_org(w->m[2])),
                                         DIRECTORY_NOW, w->core->now_ms),
                     DIRECTORY_ACTIVE);
    assert_ok(sign_as(w, act, 1, 1, &data));
    assert_non_null(json_object_get(data, "request")); /* for the registrar */
    json_decref(data);
    assert_int_equal(directory_org_state(w->core->dir,
                                         directory_find_org(w->core->dir, member_org(w->m[2])),
                                         DIRECTORY_NOW, w->core->now_ms),
                     DIRECTORY_SUSPENDED);
    assert_int_equal(sign(w, act, 1), ERR_DUPLICATE);
    assert_int_equal(sign(w, act, 0), ERR_DUPLICATE);
    json_decref(act);
    bytes_free(&kept);
}

/* What a third person can check: both signatures, over the act that the leaf shows. */
static void the_log_proves_who_agreed_and_names_nobody(void **state)
{
    struct world *w = *state;
    struct bytes kept = {0};
    struct operator_act o;
    struct detail d;
    json_t *act;
    uint8_t kid[KID_BYTES];

    set_conf(w, MODE_REAL);
    name_persons(w, 2);
    act = prepare(w, "operator.add", who(2));
    assert_ok(sign(w, act, 1));
    assert_ok(sign(w, act, 0));
    assert_int_equal(leaves(w, &d, &kept), 2);
    assert_int_equal(d.code, ERR_OK);
    assert_int_equal(d.act, ACT_OPERATOR_ADD);
    assert_ok(operator_act_decode(d.about, &o));
    assert_int_equal(o.act, ACT_OPERATOR_ADD);
    sign_kid(secret_sign_public(person[2]), kid);
    assert_memory_equal(o.subject.ptr, kid, KID_BYTES);
    sign_kid(secret_sign_public(person[1]), kid);
    assert_memory_equal(d.operator1, kid, KID_BYTES);
    assert_ok(operator_act_verify(d.about, secret_sign_public(person[1]), d.operator1_sig));
    assert_ok(operator_act_verify(d.about, secret_sign_public(person[0]), d.operator2_sig));
    for (size_t i = 0; i < PERSONS; i++)
        assert_null(memmem(kept.ptr, kept.len, names[i], strlen(names[i])));
    json_decref(act);
    bytes_free(&kept);
}

static void a_signature_under_another_name_or_for_another_act_is_refused(void **state)
{
    struct world *w = *state;
    json_t *act, *other;

    set_conf(w, MODE_REAL);
    name_persons(w, 2);
    act = prepare(w, "org.revoke", of_org(w, 2));
    assert_int_equal(sign_as(w, act, 2, 2, NULL), ERR_KEY_UNKNOWN);
    assert_int_equal(sign_as(w, act, 2, 1, NULL), ERR_FORGED);
    other = prepare(w, "org.revoke", of_org(w, 1));
    json_object_set(act, "request", json_object_get(other, "request"));
    assert_int_equal(sign(w, act, 0), ERR_CONFLICT);
    json_object_set_new(act, "request", json_string("{\"args\":{},\"cmd\":\"status\"}"));
    assert_int_equal(sign(w, act, 0), ERR_FIELD_VALUE);
    json_object_set_new(act, "request", json_string("not JSON"));
    assert_int_equal(sign(w, act, 0), ERR_FIELD_VALUE);
    json_object_set_new(other, "act", json_string("00"));
    assert_int_equal(sign(w, other, 0), ERR_TYPE);
    assert_int_equal(
        world_command(w, "operator.prepare", json_pack("{s:s}", "cmd", "status"), NULL), ERR_STATE);
    json_decref(act);
    json_decref(other);
}

static void what_nobody_confirms_in_a_day_ends_and_is_in_the_log(void **state)
{
    struct world *w = *state;
    struct bytes kept = {0};
    struct detail d;
    json_t *act, *late;

    set_conf(w, MODE_REAL);
    name_persons(w, 2);
    act = prepare(w, "org.revoke", of_org(w, 2));
    late = prepare(w, "org.revoke", of_org(w, 1));
    assert_ok(sign(w, act, 0));
    clock_fixed_advance(&w->clock, OPERATOR_WAIT_MS - 1);
    world_job(w, JOB_TICK);
    assert_int_equal(leaves(w, &d, &kept), 1);
    clock_fixed_advance(&w->clock, 1);
    assert_int_equal(sign(w, late, 0), ERR_EXPIRED);
    world_job(w, JOB_TICK);
    assert_int_equal(leaves(w, &d, &kept), 2);
    assert_int_equal(d.code, ERR_EXPIRED);
    assert_int_equal(sign(w, act, 1), ERR_EXPIRED);
    assert_int_equal(leaves(w, &d, &kept), 2);
    json_decref(act);
    json_decref(late);
    bytes_free(&kept);
}

static void who_was_removed_signs_nothing_and_what_he_had_signed_does_not_run(void **state)
{
    struct world *w = *state;
    json_t *act, *away;

    set_conf(w, MODE_REAL);
    name_persons(w, 2);
    away = prepare(w, "operator.add", who(2));
    assert_ok(sign(w, away, 0));
    assert_ok(sign(w, away, 1));
    json_decref(away);
    act = prepare(w, "org.revoke", of_org(w, 2));
    assert_ok(sign(w, act, 0));
    away = prepare(w, "operator.remove", json_pack("{s:s}", "name", names[0]));
    assert_ok(sign(w, away, 1));
    assert_ok(sign(w, away, 2));
    assert_int_equal(sign(w, act, 1), ERR_KEY_REVOKED);
    json_decref(act);
    act = prepare(w, "org.revoke", of_org(w, 2));
    assert_int_equal(sign(w, act, 0), ERR_KEY_UNKNOWN);
    assert_int_equal(world_command(w, "operator.add", who(0), NULL), ERR_OPERATOR);
    json_decref(away);
    away = prepare(w, "operator.add", who(0));
    assert_ok(sign(w, away, 1));
    assert_int_equal(sign(w, away, 2), ERR_EXISTS); /* a key that was removed does not come back */
    assert_ok(world_command(w, "operator.list", NULL, NULL));
    json_decref(act);
    json_decref(away);
}

static void an_exercise_is_free_until_somebody_is_named(void **state)
{
    struct world *w = *state;
    json_t *act;

    set_conf(w, MODE_EXERCISE);
    assert_ok(world_command(w, "org.revoke", of_org(w, 2), NULL));
    conf.operators_required = 1;
    name_persons(w, 1);
    assert_int_equal(world_command(w, "org.revoke", of_org(w, 1), NULL), ERR_OPERATOR);
    act = prepare(w, "org.revoke", of_org(w, 1));
    assert_ok(sign(w, act, 0));
    assert_int_equal(sign(w, act, 0), ERR_DUPLICATE);
    json_decref(act);
}

static void a_newcomer_is_approved_by_one_operator(void **state)
{
    struct world *w = *state;
    struct member_node *m = world_invite(w, "new", ORG_LIBERAL, false);
    struct bytes request = {0};

    set_conf(w, MODE_REAL);
    name_persons(w, 2);
    world_ask(m, JOIN_APPROVAL);
    assert_ok(world_approve(w, m, &request));
    bytes_free(&request);
    member_free(m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)

/* --- another signing key of the hub ------------------------------------------------------------
 */

static const uint8_t *newest_signer(struct world *w, uint8_t kid[KID_BYTES])
{
    struct txn *t = NULL;
    struct span entry, side;
    struct statement s;

    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    assert_ok(ledger_entry(w->core->keys, t, ledger_committed_size(w->core->keys) - 1, &entry,
                           &side, NULL));
    assert_ok(statement_parse(entry, &s));
    memcpy(kid, s.sig[s.count - 1].kid, KID_BYTES);
    store_abort(&t);
    return kid;
}

static void another_key_of_the_hub_is_prepared_signed_and_used(void **state)
{
    struct world *w = *state;
    struct secret_sign *fresh = NULL;
    struct member_node *m;
    json_t *data = NULL;
    uint8_t kid[KID_BYTES], wanted[KID_BYTES];
    bool complete = false;

    set_conf(w, MODE_EXERCISE);
    assert_int_equal(world_command(w, "key.rotate", json_pack("{s:s}", "which", "hub"), NULL),
                     ERR_STATE); /* none was made */
    assert_ok(secret_sign_generate(&w->entropy, &fresh));
    w->id.later[HUB_KEY_SIGNING][0] = fresh;
    w->id.later_count[HUB_KEY_SIGNING] = 1;
    sign_kid(secret_sign_public(fresh), wanted);
    assert_int_equal(world_command(w, "key.rotate", json_pack("{s:s}", "which", "transport"), NULL),
                     ERR_STATE); /* none was made of that sort */
    assert_int_equal(world_command(w, "key.rotate", json_pack("{s:s}", "which", "registrar"), NULL),
                     ERR_UNSUPPORTED);
    assert_ok(world_command(w, "key.rotate", json_pack("{s:s}", "which", "hub"), &data));
    assert_ok(world_about(w, "org.suspend", "org", member_org(w->m[1]), NULL));
    assert_memory_not_equal(newest_signer(w, kid), wanted, KID_BYTES); /* not in force yet */
    assert_ok(world_about(w, "org.resume", "org", member_org(w->m[1]), NULL));
    assert_ok(
        world_sign(w, span_text(json_string_value(json_object_get(data, "request"))), &complete));
    assert_true(complete);
    json_decref(data);
    assert_memory_equal(directory_federation(w->core->dir)->hub.b, secret_sign_public(fresh)->b,
                        KEY_BYTES);
    assert_ok(world_about(w, "org.suspend", "org", member_org(w->m[1]), NULL));
    assert_memory_equal(newest_signer(w, kid), wanted, KID_BYTES);
    assert_ok(world_about(w, "org.resume", "org", member_org(w->m[1]), NULL));
    assert_int_equal(world_command(w, "key.rotate", json_pack("{s:s}", "which", "hub"), NULL),
                     ERR_STATE); /* in force: there is no newer one */
    assert_ok(world_command(w, "key.list", NULL, NULL));
    m = world_enrol(w, "newcomer", ORG_LIBERAL); /* under an invitation by the new key */
    member_free(m);
    w->id.later_count[HUB_KEY_SIGNING] = 0;
    secret_sign_free(fresh);
}

static void a_key_of_the_hub_takes_two_operators(void **state)
{
    struct world *w = *state;
    struct secret_sign *fresh = NULL;
    json_t *act, *data = NULL;

    set_conf(w, MODE_REAL);
    assert_ok(secret_sign_generate(&w->entropy, &fresh));
    w->id.later[HUB_KEY_SIGNING][0] = fresh;
    w->id.later_count[HUB_KEY_SIGNING] = 1;
    name_persons(w, 2);
    assert_int_equal(world_command(w, "key.rotate", json_pack("{s:s}", "which", "hub"), NULL),
                     ERR_OPERATOR);
    act = prepare(w, "key.rotate", json_pack("{s:s}", "which", "hub"));
    assert_ok(sign(w, act, 0));
    assert_ok(sign_as(w, act, 1, 1, &data));
    assert_non_null(json_object_get(data, "request"));
    json_decref(act);
    json_decref(data);
    w->id.later_count[HUB_KEY_SIGNING] = 0;
    secret_sign_free(fresh);
}

/* Makes another key of that sort and has it published by the registrar. */
static struct secret_sign *replaced(struct world *w, enum hub_key which)
{
    struct secret_sign *fresh = NULL;
    json_t *data = NULL;
    bool complete = false;

    assert_ok(secret_sign_generate(&w->entropy, &fresh));
    w->id.later[which][0] = fresh;
    w->id.later_count[which] = 1;
    assert_ok(
        world_command(w, "key.rotate", json_pack("{s:s}", "which", hub_key_name(which)), &data));
    assert_ok(world_command(w, "key.list", NULL, NULL)); /* asked for */
    assert_ok(
        world_sign(w, span_text(json_string_value(json_object_get(data, "request"))), &complete));
    assert_true(complete);
    json_decref(data);
    return fresh;
}

static struct ckpt head_of(struct world *w, bool audit, uint64_t size)
{
    struct txn *t = NULL;
    struct ckpt head;

    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    assert_ok(audit ? audit_head(w->core, t, size, &head) : keys_head(w->core, t, size, &head));
    store_abort(&t);
    return head;
}

static bool is_by(const char *origin, const struct ckpt *head, const struct secret_sign *key)
{
    struct bytes body = {0};
    bool good;

    assert_ok(checkpoint_body(span_text(origin), head->size, head->root, &body));
    good = verify_note(secret_sign_public(key), bytes_span(&body), head->sig) == ERR_OK;
    bytes_free(&body);
    return good;
}

static void resign(const char *origin, struct ckpt *head, const struct secret_sign *key)
{
    struct bytes body = {0};

    assert_ok(checkpoint_body(span_text(origin), head->size, head->root, &body));
    assert_ok(sign_note(key, bytes_span(&body), head->sig));
    bytes_free(&body);
}

static void another_keys_log_key_signs_from_its_leaf_on(void **state)
{
    struct world *w = *state;
    uint64_t before = ledger_committed_size(w->core->keys);
    struct secret_sign *fresh;
    struct ckpt head;

    set_conf(w, MODE_EXERCISE);
    fresh = replaced(w, HUB_KEY_KEYS_LOG);
    head = head_of(w, false, before);
    assert_true(is_by(w->id.keys_origin, &head, w->id.keys_log));
    head = head_of(w, false, before + 1);
    assert_true(is_by(w->id.keys_origin, &head, fresh));
    assert_ok(keys_check_head(w->core, &head));
    resign(w->id.keys_origin, &head, w->id.keys_log); /* whoever has stolen it */
    assert_int_equal(keys_check_head(w->core, &head), ERR_CHECKPOINT);
    assert_ok(world_command(w, "trust", NULL, NULL));
    w->id.later_count[HUB_KEY_KEYS_LOG] = 0; /* lost again: nobody is served */
    assert_false(core_log_keys_here(w->core));
    assert_ok(world_command(w, "log", NULL, NULL)); /* without a head */
    assert_ok(world_command(w, "key.list", NULL, NULL));
    assert_ok(core_reload(w->core));
    w->id.later_count[HUB_KEY_KEYS_LOG] = 1;
    assert_true(core_log_keys_here(w->core));
    w->id.later_count[HUB_KEY_KEYS_LOG] = 0;
    secret_sign_free(fresh);
}

static void another_audit_log_key_opens_an_epoch_that_loses_nothing(void **state)
{
    struct world *w = *state;
    uint32_t number = epoch_now(w->core)->number;
    struct secret_sign *fresh;
    struct ckpt head;
    uint64_t size;

    set_conf(w, MODE_EXERCISE);
    fresh = replaced(w, HUB_KEY_AUDIT_LOG);
    assert_int_equal(epoch_now(w->core)->number, number + 1);
    size = ledger_committed_size(w->core->epochs[0].ledger);
    assert_true(ledger_committed_size(w->core->audit) > 0);
    head = head_of(w, true, ledger_committed_size(w->core->audit));
    assert_true(is_by(epoch_now(w->core)->origin, &head, fresh));
    resign(epoch_now(w->core)->origin, &head, w->id.audit_log);
    assert_int_equal(audit_check_head(w->core, &head), ERR_CHECKPOINT);
    assert_ok(world_command(w, "trust", NULL, NULL));
    assert_ok(core_reload(w->core)); /* as after a kill: it is all on disk */
    assert_int_equal(epoch_now(w->core)->number, number + 1);
    assert_int_equal(ledger_committed_size(w->core->epochs[0].ledger), size);
    w->id.later_count[HUB_KEY_AUDIT_LOG] = 0;
    secret_sign_free(fresh);
}

/* At every write and commit of the publication: the hub is as before, or has the whole of it. */
static void a_publication_is_whole_or_has_not_been(void **state)
{
    struct world *w = *state;
    struct secret_sign *fresh = NULL;
    struct bytes request = {0};
    json_t *data = NULL;
    size_t asked_again = 0;
    bool complete = false;

    set_conf(w, MODE_EXERCISE);
    assert_ok(secret_sign_generate(&w->entropy, &fresh));
    w->id.later[HUB_KEY_AUDIT_LOG][0] = fresh;
    w->id.later_count[HUB_KEY_AUDIT_LOG] = 1;
    assert_ok(world_command(w, "key.rotate", json_pack("{s:s}", "which", "audit-log"), &data));
    assert_ok(bytes_copy(&request, span_text(json_string_value(json_object_get(data, "request")))));
    for (unsigned long n = 1; !complete; n++) {
        uint32_t number = epoch_now(w->core)->number;
        uint64_t keys = ledger_committed_size(w->core->keys);
        enum err e;

        w->strike = (struct strike){STRIKE_PUT, n, ERR_OK, COMMIT_CONFLICT};
        w->struck = false;
        e = world_sign(w, bytes_span(&request), &complete);
        w->strike = (struct strike){0};
        if (e == ERR_OK)
            continue;
        assert_false(complete);
        asked_again++;
        assert_int_equal(epoch_now(w->core)->number, number);
        assert_int_equal(ledger_committed_size(w->core->keys), keys);
    }
    assert_true(asked_again > 0);
    bytes_free(&request);
    json_decref(data);
    w->id.later_count[HUB_KEY_AUDIT_LOG] = 0;
    secret_sign_free(fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_persons_revoke_and_one_does_not),
        TEST(the_log_proves_who_agreed_and_names_nobody),
        TEST(a_signature_under_another_name_or_for_another_act_is_refused),
        TEST(what_nobody_confirms_in_a_day_ends_and_is_in_the_log),
        TEST(who_was_removed_signs_nothing_and_what_he_had_signed_does_not_run),
        TEST(an_exercise_is_free_until_somebody_is_named),
        TEST(a_newcomer_is_approved_by_one_operator),
        TEST(another_key_of_the_hub_is_prepared_signed_and_used),
        TEST(a_key_of_the_hub_takes_two_operators),
        TEST(another_keys_log_key_signs_from_its_leaf_on),
        TEST(another_audit_log_key_opens_an_epoch_that_loses_nothing),
        TEST(a_publication_is_whole_or_has_not_been),
    };
    int failed;

    if (persons_born())
        return EXIT_FAILURE;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    persons_gone();
    return failed;
}
