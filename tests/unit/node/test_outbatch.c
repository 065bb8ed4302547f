/* Many that wait are sealed in one commit under one signature, each worth what it would be alone.
 */
#include "node_rig.h"

#define LETTERS 5

struct post {
    struct rig *r;
    struct rig_circle circle;
    uint8_t mids[LETTERS][ID_BYTES];
};

static void intent_new(struct post *x, struct out_intent *i)
{
    *i = (struct out_intent){.type = ENVELOPE_SHEET,
                             .class_mask = CLASS_IDENTITY | CLASS_MEDICAL,
                             .basis = BASIS_ECHANGE,
                             .purpose = 1,
                             .scat = CATEGORY_HEALTH,
                             .to_count = 1,
                             .rcat = {CATEGORY_HEALTH}};
    memcpy(i->circle, circle_handle(x->circle.c), ID_BYTES);
    memcpy(i->person, x->r->person[0], ID_BYTES);
    memcpy(i->to[0], x->r->other.org, ID_BYTES);
}

static void add(struct post *x, const struct out_intent *i, uint8_t mid[ID_BYTES])
{
    struct txn *t = NULL;

    assert_int_equal(store_begin(x->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(outbox_add(x->r->n, t, i, SPAN_STR("une fiche"), mid, NULL), ERR_OK);
    assert_int_equal(node_commit(x->r->n, &t), ERR_OK);
}

static int up(void **state)
{
    struct post *x = calloc(1, sizeof *x);
    struct out_intent i;
    void *rig = NULL;

    assert_non_null(x);
    rig_up(&rig);
    x->r = rig;
    rig_circle_new(x->r, &x->circle);
    rig_circle_tell(x->r, &x->circle, 0, x->circle.n);
    for (size_t k = 0; k < LETTERS; k++) {
        intent_new(x, &i);
        if (k == 0)
            i.exp_ms = RIG_NOW + 1000; /* the first does not keep */
        add(x, &i, x->mids[k]);
    }
    *state = x;
    return 0;
}

static int down(void **state)
{
    struct post *x = *state;
    void *rig = x->r;

    rig_circle_free(&x->circle);
    rig_down(&rig);
    free(x);
    return 0;
}

static enum err bundle(struct post *x, size_t count)
{
    return outbox_batch(x->r->n, (const uint8_t(*)[ID_BYTES])x->mids, count);
}

static struct out_status status_of(struct post *x, const uint8_t mid[ID_BYTES])
{
    struct out_status s;
    struct txn *t = NULL;

    assert_int_equal(store_begin(x->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(outbox_get(x->r->n, t, mid, &s), ERR_OK);
    store_abort(&t);
    return s;
}

/* What goes over the wire for number k, signed as its header says, by us. */
static uint64_t taken(struct post *x, size_t k, uint8_t sig[SIG_BYTES])
{
    struct bytes sealed = {0};
    struct envelope_view v;
    struct env_header h;
    uint8_t digest[DIGEST_BYTES];

    assert_int_equal(outbox_take(x->r->n, x->mids[k], &sealed), ERR_OK);
    assert_int_equal(envelope_parse(bytes_span(&sealed), &v, &h, NULL), ERR_OK);
    assert_memory_equal(h.mid, x->mids[k], ID_BYTES);
    assert_int_equal(envelope_digest(&v, digest), ERR_OK);
    assert_int_equal(envelope_verify(&v, &h, digest, secret_sign_public(x->r->own.sign)), ERR_OK);
    memcpy(sig, v.sig.ptr, SIG_BYTES);
    bytes_free(&sealed);
    return h.sign;
}

static void many_are_sealed_in_one_commit_under_one_signature(void **state)
{
    struct post *x = *state;
    unsigned long before = x->r->faults.commits;
    uint8_t first[SIG_BYTES];
    uint8_t sig[SIG_BYTES];

    assert_int_equal(bundle(x, LETTERS), ERR_OK);
    assert_int_equal(x->r->faults.commits - before, 1);
    for (size_t k = 0; k < LETTERS; k++) {
        assert_int_equal(status_of(x, x->mids[k]).state, OUT_SEALED);
        assert_int_equal(taken(x, k, k ? sig : first), ENVELOPE_SIGN_BATCH);
        if (k)
            assert_memory_equal(sig, first, SIG_BYTES);
    }
}

static void the_same_bytes_are_offered_after_a_crash(void **state)
{
    struct post *x = *state;
    struct bytes first = {0};
    struct bytes again = {0};

    assert_int_equal(bundle(x, LETTERS), ERR_OK);
    assert_int_equal(outbox_take(x->r->n, x->mids[3], &first), ERR_OK);
    rig_restart(x->r);
    assert_int_equal(bundle(x, LETTERS), ERR_OK); /* all sealed: nothing to do */
    assert_int_equal(outbox_take(x->r->n, x->mids[3], &again), ERR_OK);
    assert_true(span_equal(bytes_span(&first), bytes_span(&again)));
    bytes_free(&first);
    bytes_free(&again);
}

static void what_has_expired_ends_and_the_rest_goes_together(void **state)
{
    struct post *x = *state;
    uint8_t sig[SIG_BYTES];

    clock_fixed_advance(&x->r->clock, 2000);
    assert_int_equal(bundle(x, LETTERS), ERR_OK);
    assert_int_equal(status_of(x, x->mids[0]).state, OUT_EXPIRED);
    for (size_t k = 1; k < LETTERS; k++)
        assert_int_equal(taken(x, k, sig), ENVELOPE_SIGN_BATCH);
}

static void who_is_left_alone_signs_alone(void **state)
{
    struct post *x = *state;
    uint8_t sig[SIG_BYTES];

    clock_fixed_advance(&x->r->clock, 2000);
    assert_int_equal(bundle(x, 2), ERR_OK); /* one of the two has expired */
    assert_int_equal(status_of(x, x->mids[0]).state, OUT_EXPIRED);
    assert_int_equal(taken(x, 1, sig), ENVELOPE_SIGN_SINGLE);
    assert_int_equal(bundle(x, 1), ERR_OK);
    assert_int_equal(status_of(x, x->mids[2]).state, OUT_TO_SEAL);
}

static void a_commit_that_fails_leaves_all_as_they_were(void **state)
{
    struct post *x = *state;
    uint8_t sig[SIG_BYTES];

    x->r->faults.fail_commit = x->r->faults.commits + 1;
    x->r->faults.commit_fault = COMMIT_FULL;
    assert_int_equal(bundle(x, LETTERS), ERR_FULL);
    for (size_t k = 0; k < LETTERS; k++)
        assert_int_equal(status_of(x, x->mids[k]).state, OUT_TO_SEAL);
    assert_int_equal(taken(x, 1, sig), ENVELOPE_SIGN_SINGLE);
    assert_int_equal(bundle(x, LETTERS), ERR_OK);
    assert_int_equal(taken(x, 2, sig), ENVELOPE_SIGN_BATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_are_sealed_in_one_commit_under_one_signature, up,
                                        down),
        cmocka_unit_test_setup_teardown(the_same_bytes_are_offered_after_a_crash, up, down),
        cmocka_unit_test_setup_teardown(what_has_expired_ends_and_the_rest_goes_together, up, down),
        cmocka_unit_test_setup_teardown(who_is_left_alone_signs_alone, up, down),
        cmocka_unit_test_setup_teardown(a_commit_that_fails_leaves_all_as_they_were, up, down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
