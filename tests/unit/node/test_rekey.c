/* Other keys of a node (rekey.h): in doubt, killed, and with another node.key. */
#include "node_rig.h"

#include "keyring.h"
#include "rekey.h"

static void kid_of_next(const struct rig *r, uint8_t kid[KID_BYTES])
{
    assert_non_null(r->n->rekey.sign);
    sign_kid(secret_sign_public(r->n->rekey.sign), kid);
}

static void log_takes(struct rig *r)
{
    struct bytes ss = {0};

    assert_int_equal(rekey_statement(r->n, &ss), ERR_OK);
    rig_append(&r->keys, bytes_span(&ss));
    rig_sync(r);
    bytes_free(&ss);
}

static void assert_settled(struct rig *r, const uint8_t kid[KID_BYTES])
{
    uint8_t own[KID_BYTES];

    assert_int_equal(r->n->rekey.phase, REKEY_NONE);
    sign_kid(secret_sign_public(r->n->sign), own);
    assert_memory_equal(own, kid, KID_BYTES);
    assert_memory_equal(r->n->self.kid, kid, KID_BYTES);
}

static void a_beginning_in_doubt_is_not_begun_with_other_keys(void **state)
{
    struct rig *r = *state;
    uint8_t kid[KID_BYTES];

    r->faults.fail_commit = r->faults.commits + 1;
    r->faults.commit_fault = COMMIT_UNKNOWN_WRITTEN;
    assert_int_equal(rekey_begin(r->n), ERR_UNKNOWN);
    kid_of_next(r, kid);
    assert_int_equal(rekey_begin(r->n), ERR_STATE); /* it stands */
    assert_int_equal(r->n->rekey.phase, REKEY_DRAINING);
    rig_restart(r);
    assert_int_equal(rekey_offer(r->n), ERR_OK);
    log_takes(r);
    assert_int_equal(rekey_settle(r->n), ERR_OK);
    assert_settled(r, kid);
    rig_restart(r);
    assert_settled(r, kid);
}

static void a_beginning_that_is_lost_is_begun_anew(void **state)
{
    struct rig *r = *state;

    r->faults.fail_commit = r->faults.commits + 1;
    r->faults.commit_fault = COMMIT_UNKNOWN_LOST;
    assert_int_equal(rekey_begin(r->n), ERR_UNKNOWN);
    assert_int_equal(rekey_begin(r->n), ERR_OK);
    assert_int_equal(rekey_begin(r->n), ERR_STATE);
}

static void an_end_in_doubt_is_ended_again(void **state)
{
    struct rig *r = *state;
    uint8_t kid[KID_BYTES];

    assert_int_equal(rekey_begin(r->n), ERR_OK);
    kid_of_next(r, kid);
    assert_int_equal(rekey_offer(r->n), ERR_OK);
    log_takes(r);
    assert_true(rekey_logged(r->n));
    r->faults.fail_commit = r->faults.commits + 1;
    r->faults.commit_fault = COMMIT_UNKNOWN_WRITTEN;
    assert_int_equal(rekey_settle(r->n), ERR_UNKNOWN);
    assert_int_equal(rekey_settle(r->n), ERR_OK);
    assert_settled(r, kid);
}

static void a_node_key_put_back_from_before_keeps_the_former_keys(void **state)
{
    struct rig *r = *state;
    uint8_t former[KID_BYTES];

    memcpy(former, r->n->self.kid, sizeof former);
    assert_int_equal(rekey_begin(r->n), ERR_OK);
    assert_int_equal(keyring_remove(r->n->ring, "sign.next"), ERR_OK);
    assert_int_equal(keyring_remove(r->n->ring, "curve.next"), ERR_OK);
    assert_int_equal(keyring_save(r->n->ring, &r->n->entropy), ERR_OK);
    rig_restart(r);
    assert_true(rekey_lost(r->n));
    assert_int_equal(rekey_abandon(r->n, ERR_NOT_FOUND), ERR_OK);
    assert_false(rekey_lost(r->n));
    assert_memory_equal(r->n->self.kid, former, KID_BYTES);
    assert_int_equal(rekey_begin(r->n), ERR_OK); /* and once more, with others */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_up, rig_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_beginning_in_doubt_is_not_begun_with_other_keys),
        TEST(a_beginning_that_is_lost_is_begun_anew),
        TEST(an_end_in_doubt_is_ended_again),
        TEST(a_node_key_put_back_from_before_keeps_the_former_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
