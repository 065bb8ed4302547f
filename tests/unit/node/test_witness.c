/* The node as a witness, and what it makes of the cosignatures of all witnesses. */
#include "witness_rig.h"

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_two_heads_of_one_second_the_longer_is_the_attested),
        TEST(a_longer_log_takes_nothing_back_of_when_it_was_attested),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
