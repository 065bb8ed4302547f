/* The replica of the keys log, and what happens to a hub that tells two stories. */
#include "node_rig.h"

static struct msg_keys_page page; /* large */

#define RIG_NEXT_ORIGIN RIG_NAME "/audit/2027"

static void a_page_is_replayed_after_a_restart(void **state)
{
    struct rig *r = *state;

    assert_int_equal(contacts_keys_size(r->n), 3);
    rig_restart(r);
    assert_int_equal(contacts_keys_size(r->n), 3);
    assert_true(span_equal(contacts_org_name(r->n, r->other.org), span_text("Autre")));
    assert_int_equal(contacts_org_name(r->n, r->other.node).len, 0);
}

/* The hub adds a prekey of the other organisation and shows it. */
static void next_leaf(struct rig *r)
{
    struct prekey_statement s = {.ts_ms = RIG_NOW + 1, .number = 2};
    struct secret_box *key = NULL;
    struct bytes ss = {0};

    assert_int_equal(secret_box_generate(&r->entropy, &key), ERR_OK);
    s.pk = *secret_box_public(key);
    memcpy(s.federation, r->federation.id, ID_BYTES);
    memcpy(s.org, r->other.org, ID_BYTES);
    memcpy(s.node, r->other.node, ID_BYTES);
    box_kid(secret_box_public(r->other.prekey.key), s.previous);
    assert_int_equal(prekey_sign(&s, r->other.sign, &ss), ERR_OK);
    rig_append(&r->keys, bytes_span(&ss));
    bytes_free(&ss);
    secret_box_free(key);
}

static void a_page_under_another_key_is_not_the_hubs(void **state)
{
    struct rig *r = *state;

    next_leaf(r);
    rig_page(r, 3, &page);
    page.head.sig[0] ^= 1;
    assert_int_equal(contacts_page(r->n, &page), ERR_CHECKPOINT);
    assert_int_equal(r->n->alarm, ERR_OK);
    assert_int_equal(contacts_keys_size(r->n), 3);
}

static void a_signed_root_that_is_not_ours_is_evidence(void **state)
{
    struct rig *r = *state;
    struct rig_log split = {0};

    next_leaf(r);
    rig_page(r, 3, &page);
    for (size_t i = 0; i < 4; i++)
        rig_append(&split, i == 1 ? SPAN_STR("other") : bytes_span(&r->keys.entry[i]));
    page.head = rig_head(&split, 4, RIG_KEYS_ORIGIN, r->keys_log);
    assert_int_equal(contacts_page(r->n, &page), ERR_SPLIT_VIEW);
    assert_int_equal(r->n->alarm, ERR_SPLIT_VIEW);
    assert_int_equal(contacts_keys_size(r->n), 3);
    assert_int_equal(rig_rows(r, TABLE_ALARM), 1);
    rig_restart(r);
    assert_int_equal(r->n->alarm, ERR_SPLIT_VIEW);
    rig_log_free(&split);
}

static void a_shorter_log_than_before_is_a_rollback(void **state)
{
    struct rig *r = *state;
    struct ckpt head = rig_head(&r->keys, 2, RIG_KEYS_ORIGIN, r->keys_log);

    assert_int_equal(contacts_see_keys(r->n, &head), ERR_ROLLBACK);
    assert_int_equal(r->n->alarm, ERR_ROLLBACK);
    assert_int_equal(rig_rows(r, TABLE_ALARM), 1);
}

static void an_older_head_of_a_sender_is_no_rollback(void **state)
{
    struct rig *r = *state;
    struct ckpt keys = rig_head(&r->keys, 2, RIG_KEYS_ORIGIN, r->keys_log);
    struct ckpt none = {0};

    assert_int_equal(contacts_check_dir(r->n, &keys, &none), ERR_OK);
    assert_int_equal(r->n->alarm, ERR_OK);
}

static void an_audit_log_that_shrinks_or_forks_is_evidence(void **state)
{
    struct rig *r = *state;
    struct rig_log split = {0};
    struct ckpt head;

    rig_append(&r->audit, SPAN_STR("1"));
    rig_append(&r->audit, SPAN_STR("2"));
    rig_append(&split, SPAN_STR("1"));
    rig_append(&split, SPAN_STR("x"));
    head = rig_audit_head(r);
    assert_int_equal(contacts_see_audit(r->n, RIG_EPOCH_NUMBER, &head), ERR_OK);
    head = rig_head(&split, 2, RIG_AUDIT_ORIGIN, r->audit_log);
    assert_int_equal(contacts_see_audit(r->n, RIG_EPOCH_NUMBER, &head), ERR_SPLIT_VIEW);
    head = rig_head(&r->audit, 1, RIG_AUDIT_ORIGIN, r->audit_log);
    assert_int_equal(contacts_see_audit(r->n, RIG_EPOCH_NUMBER, &head), ERR_ROLLBACK);
    assert_int_equal(rig_rows(r, TABLE_ALARM), 2);
    rig_log_free(&split);
}

static void a_page_that_cannot_be_kept_changes_nothing(void **state)
{
    struct rig *r = *state;

    next_leaf(r);
    rig_page(r, 3, &page);
    r->faults.fail_commit = r->faults.commits + 1;
    r->faults.commit_fault = COMMIT_FULL;
    assert_int_equal(contacts_page(r->n, &page), ERR_FULL);
    assert_int_equal(contacts_keys_size(r->n), 3);
    assert_int_equal(contacts_page(r->n, &page), ERR_OK);
    assert_int_equal(contacts_keys_size(r->n), 4);
    rig_restart(r);
    assert_int_equal(contacts_keys_size(r->n), 4);
}

/* The hub has another key for its keys log: signed by its signing key and the registrar. */
static void key_leaf(struct rig *r, enum hub_key which, const struct secret_sign *key,
                     const struct box_public *box, uint64_t effect_ms)
{
    struct hub_key_statement s = {.ts_ms = RIG_NOW + 1,
                                  .which = which,
                                  .effect_ms = effect_ms,
                                  .epoch = RIG_EPOCH_NUMBER + 1};
    struct statement_sig sigs[2];
    struct bytes stmt = {0}, ss = {0};

    memcpy(s.federation, r->federation.id, ID_BYTES);
    if (box)
        memcpy(s.pk, box->b, KEY_BYTES);
    assert_int_equal(hub_key_encode(&s, key, &stmt), ERR_OK);
    assert_int_equal(statement_sign(STATEMENT_KEYS, bytes_span(&stmt), ROLE_REGISTRAR, NULL,
                                    r->registrar, &sigs[0]),
                     ERR_OK);
    assert_int_equal(
        statement_sign(STATEMENT_KEYS, bytes_span(&stmt), ROLE_HUB, NULL, r->hub, &sigs[1]),
        ERR_OK);
    assert_int_equal(statement_join(bytes_span(&stmt), sigs, 2, &ss), ERR_OK);
    rig_append(&r->keys, bytes_span(&ss));
    bytes_free(&ss);
    bytes_free(&stmt);
}

static void after_a_change_the_former_key_signs_no_longer_tree(void **state)
{
    struct rig *r = *state;
    struct secret_sign *fresh = NULL;
    struct ckpt old = rig_head(&r->keys, 3, RIG_KEYS_ORIGIN, r->keys_log);
    struct ckpt stolen;

    assert_int_equal(secret_sign_generate(&r->entropy, &fresh), ERR_OK);
    key_leaf(r, HUB_KEY_KEYS_LOG, fresh, NULL, RIG_NOW + 1);
    rig_page(r, 3, &page);
    assert_int_equal(contacts_page(r->n, &page), ERR_CHECKPOINT); /* under the former key */
    assert_int_equal(contacts_keys_size(r->n), 3);
    page.head = rig_head(&r->keys, 4, RIG_KEYS_ORIGIN, fresh);
    assert_int_equal(contacts_note_keys(r->n, &page.head), ERR_OK); /* not judged yet */
    assert_int_equal(contacts_page(r->n, &page), ERR_OK);
    assert_int_equal(contacts_keys_size(r->n), 4);
    assert_int_equal(contacts_note_keys(r->n, &old), ERR_OK); /* of before: as good as ever */
    stolen = rig_head(&r->keys, 4, RIG_KEYS_ORIGIN, r->keys_log);
    assert_int_equal(contacts_note_keys(r->n, &stolen), ERR_CHECKPOINT);
    next_leaf(r);
    rig_page(r, 4, &page); /* the thief's page, under the former key */
    assert_int_equal(contacts_page(r->n, &page), ERR_CHECKPOINT);
    assert_int_equal(contacts_keys_size(r->n), 4);
    assert_int_equal(r->n->alarm, ERR_OK);
    rig_restart(r);
    assert_int_equal(contacts_note_keys(r->n, &stolen), ERR_CHECKPOINT);
    secret_sign_free(fresh);
}

static void a_new_epoch_is_under_its_own_key_and_the_old_one_ends(void **state)
{
    struct rig *r = *state;
    struct secret_sign *fresh = NULL;
    struct sign_public pk;
    struct ckpt head;

    assert_int_equal(secret_sign_generate(&r->entropy, &fresh), ERR_OK);
    key_leaf(r, HUB_KEY_AUDIT_LOG, fresh, NULL, RIG_NOW + 1);
    rig_page(r, 3, &page);
    assert_int_equal(contacts_page(r->n, &page), ERR_OK);
    rig_append(&r->audit, SPAN_STR("one"));
    head = rig_head(&r->audit, 1, RIG_AUDIT_ORIGIN, r->audit_log);
    assert_int_equal(contacts_signer(r->n, LOG_AUDIT, RIG_EPOCH_NUMBER, &head, &pk), ERR_OK);
    assert_int_equal(contacts_signer(r->n, LOG_AUDIT, RIG_EPOCH_NUMBER + 1, &head, &pk),
                     ERR_CHECKPOINT);
    head = rig_head(&r->audit, 1, RIG_NEXT_ORIGIN, r->audit_log); /* a thief's */
    assert_int_equal(contacts_signer(r->n, LOG_AUDIT, RIG_EPOCH_NUMBER + 1, &head, &pk),
                     ERR_CHECKPOINT);
    head = rig_head(&r->audit, 1, RIG_NEXT_ORIGIN, fresh);
    assert_int_equal(contacts_signer(r->n, LOG_AUDIT, RIG_EPOCH_NUMBER + 1, &head, &pk), ERR_OK);
    assert_memory_equal(pk.b, secret_sign_public(fresh)->b, KEY_BYTES);
    head = rig_head(&r->audit, 1, RIG_AUDIT_ORIGIN, fresh); /* old heads, the former key lost */
    assert_int_equal(contacts_signer(r->n, LOG_AUDIT, RIG_EPOCH_NUMBER, &head, &pk), ERR_OK);
    secret_sign_free(fresh);
}

static void the_hub_is_met_under_two_keys_until_the_hour_and_under_one_from_then_on(void **state)
{
    struct rig *r = *state;
    struct box_public keys[2];
    struct secret_box *fresh = NULL;

    assert_int_equal(secret_box_generate(&r->entropy, &fresh), ERR_OK);
    assert_int_equal(contacts_hub_transport(r->n, RIG_NOW, keys), 1);
    key_leaf(r, HUB_KEY_TRANSPORT, NULL, secret_box_public(fresh), RIG_NOW + 1000);
    rig_page(r, 3, &page);
    assert_int_equal(contacts_page(r->n, &page), ERR_OK);
    assert_int_equal(contacts_hub_transport(r->n, RIG_NOW + 999, keys), 2);
    assert_memory_equal(keys[0].b, r->federation.hub_transport.b, KEY_BYTES);
    assert_memory_equal(keys[1].b, secret_box_public(fresh)->b, KEY_BYTES);
    assert_int_equal(contacts_hub_transport(r->n, RIG_NOW + 1000, keys), 1);
    assert_memory_equal(keys[0].b, secret_box_public(fresh)->b, KEY_BYTES);
    assert_true(contacts_pins_logged(r->n));
    secret_box_free(fresh);
}

/* Whatever became of it, the next question finds the truth. */
static void a_page_of_unknown_outcome_is_read_again_from_the_store(void **state)
{
    struct rig *r = *state;

    next_leaf(r);
    rig_page(r, 3, &page);
    r->faults.fail_commit = r->faults.commits + 1;
    r->faults.commit_fault = COMMIT_UNKNOWN_WRITTEN;
    assert_int_equal(contacts_page(r->n, &page), ERR_UNKNOWN);
    assert_int_equal(contacts_keys_size(r->n), 4);
    assert_int_equal(contacts_page(r->n, &page), ERR_OK); /* nothing of it is new */
    assert_int_equal(contacts_keys_size(r->n), 4);
}

static void a_page_with_a_statement_nobody_may_make_is_refused_whole(void **state)
{
    struct rig *r = *state;
    struct bytes stmt = {0}, ss = {0};

    next_leaf(r);
    assert_int_equal(
        revoke_encode(r->federation.id, RIG_NOW, r->other.org, NULL, REVOKE_ENDED, &stmt), ERR_OK);
    assert_int_equal(statement_sign_alone(STATEMENT_KEYS, bytes_span(&stmt), ROLE_REGISTRAR, NULL,
                                          r->other.sign, &ss),
                     ERR_OK);
    rig_append(&r->keys, bytes_span(&ss));
    rig_page(r, 3, &page);
    assert_int_not_equal(contacts_page(r->n, &page), ERR_OK);
    assert_int_equal(contacts_keys_size(r->n), 3);
    assert_int_equal(rig_rows(r, TABLE_K_ENTRY), 3);
    bytes_free(&stmt);
    bytes_free(&ss);
}

static void a_receipt_of_another_log_proves_nothing(void **state)
{
    struct rig *r = *state;
    struct detail d = {.has = RD_KEY(DETAIL_MID), .mid = {1}};
    struct bytes wire = {0};
    struct receipt_facts facts;
    struct receipt receipt;

    rig_receipt(r, AUDIT_ACCEPTED, &d, NULL, &wire);
    assert_int_equal(receipt_decode(bytes_span(&wire), &receipt), ERR_OK);
    assert_int_equal(contacts_receipt(r->n, &receipt, &facts), ERR_OK);
    receipt.head.sig[3] ^= 1;
    assert_int_equal(contacts_receipt(r->n, &receipt, &facts), ERR_CHECKPOINT);
    receipt.head.sig[3] ^= 1;
    receipt.salt[0] ^= 1;
    assert_int_equal(contacts_receipt(r->n, &receipt, &facts), ERR_PROOF);
    bytes_free(&wire);
}

static void a_week_old_prekey_has_a_successor_and_the_same_one_when_asked_again(void **state)
{
    struct rig *r = *state;
    struct bytes first = {0}, again = {0};

    assert_int_equal(prekey_due(r->n, &first), ERR_AGAIN);
    clock_fixed_advance(&r->clock, PREKEY_EVERY_MS);
    assert_int_equal(prekey_due(r->n, &first), ERR_OK);
    rig_restart(r);
    assert_int_equal(prekey_due(r->n, &again), ERR_OK);
    assert_true(span_equal(bytes_span(&first), bytes_span(&again)));
    rig_append(&r->keys, bytes_span(&first));
    rig_sync(r);
    bytes_free(&again);
    again = (struct bytes){0};
    clock_fixed_advance(&r->clock, PREKEY_EVERY_MS);
    assert_int_equal(prekey_due(r->n, &again), ERR_OK); /* its ts is a week old by now */
    bytes_free(&first);
    bytes_free(&again);
}

static void a_prekey_is_destroyed_only_after_its_grace_and_a_drained_mailbox(void **state)
{
    struct rig *r = *state;
    struct bytes ss = {0};
    uint64_t replaced_ms;

    clock_fixed_advance(&r->clock, PREKEY_EVERY_MS);
    assert_int_equal(prekey_due(r->n, &ss), ERR_OK);
    replaced_ms = clock_now_ms(&r->clock.clock);
    rig_append(&r->keys, bytes_span(&ss));
    rig_sync(r);
    clock_fixed_advance(&r->clock, PREKEY_GRACE_MS - 1);
    assert_int_equal(prekey_prune(r->n, clock_now_ms(&r->clock.clock)), ERR_OK);
    assert_int_equal(rig_rows(r, TABLE_PREKEY), 2);
    clock_fixed_advance(&r->clock, 1);
    assert_int_equal(prekey_prune(r->n, replaced_ms), ERR_OK);
    assert_int_equal(rig_rows(r, TABLE_PREKEY), 2);
    assert_int_equal(prekey_prune(r->n, clock_now_ms(&r->clock.clock)), ERR_OK);
    assert_int_equal(rig_rows(r, TABLE_PREKEY), 1);
    bytes_free(&ss);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_page_is_replayed_after_a_restart, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_page_under_another_key_is_not_the_hubs, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_signed_root_that_is_not_ours_is_evidence, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(a_shorter_log_than_before_is_a_rollback, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(an_older_head_of_a_sender_is_no_rollback, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(after_a_change_the_former_key_signs_no_longer_tree, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(a_new_epoch_is_under_its_own_key_and_the_old_one_ends,
                                        rig_up, rig_down),
        cmocka_unit_test_setup_teardown(
            the_hub_is_met_under_two_keys_until_the_hour_and_under_one_from_then_on, rig_up,
            rig_down),
        cmocka_unit_test_setup_teardown(an_audit_log_that_shrinks_or_forks_is_evidence, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(a_page_that_cannot_be_kept_changes_nothing, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(a_page_of_unknown_outcome_is_read_again_from_the_store,
                                        rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_page_with_a_statement_nobody_may_make_is_refused_whole,
                                        rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_receipt_of_another_log_proves_nothing, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(
            a_week_old_prekey_has_a_successor_and_the_same_one_when_asked_again, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(
            a_prekey_is_destroyed_only_after_its_grace_and_a_drained_mailbox, rig_up, rig_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
