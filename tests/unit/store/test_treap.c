/*
 * The treap under the memory engine. What it stores is checked by the suites of the store; here
 * is what they do not see: that an old root stays as it was, and that the tree stays shallow.
 */
#include "store_fixture.h"
#include "treap.h"

static struct treap *counted(uint32_t n, uint32_t step)
{
    struct treap *root = NULL;

    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(treap_put(&root, number(i * step), number(i)), ERR_OK);
    return root;
}

static void assert_counted(const struct treap *root, uint32_t n)
{
    const struct treap *at = treap_from(root, (struct span){NULL, 0});

    for (uint32_t i = 0; i < n; i++, at = treap_above(root, treap_key(at))) {
        assert_non_null(at);
        assert_span(treap_key(at), number(i));
        assert_span(treap_value(at), number(i));
    }
    assert_null(at);
}

static void an_old_root_stays_as_it_was(void **state)
{
    struct treap *root = counted(500, 1), *old = treap_retain(root);

    (void)state;
    for (uint32_t i = 0; i < 500; i += 2)
        assert_int_equal(treap_del(&root, number(i)), ERR_OK);
    for (uint32_t i = 1; i < 500; i += 2)
        assert_int_equal(treap_put(&root, number(i), text("other")), ERR_OK);
    assert_counted(old, 500);
    assert_span(treap_value(treap_at(root, number(7))), text("other"));
    assert_null(treap_at(root, number(8)));
    treap_release(old);
    assert_span(treap_value(treap_at(root, number(499))), text("other"));
    treap_release(root);
}

static void a_key_and_value_may_lie_in_the_treap_itself(void **state)
{
    struct treap *root = counted(3, 1);
    const struct treap *at = treap_at(root, number(1));

    (void)state;
    assert_int_equal(treap_put(&root, treap_key(at), treap_key(at)), ERR_OK);
    assert_counted(root, 3);
    treap_release(root);
}

static void an_emptied_treap_is_null_and_deleting_more_is_not_found(void **state)
{
    struct treap *root = counted(50, 7);

    (void)state;
    for (uint32_t i = 0; i < 50; i++)
        assert_int_equal(treap_del(&root, number(i * 7)), ERR_OK);
    assert_null(root);
    assert_int_equal(treap_del(&root, number(7)), ERR_NOT_FOUND);
    assert_null(treap_at(root, number(7)));
    assert_null(treap_from(root, number(7)));
    assert_null(treap_above(root, number(7)));
    assert_null(treap_below(root, number(7)));
    treap_release(NULL);
    assert_null(treap_retain(NULL));
}

/* A tree that degenerates to a list would need a stack frame for each of these. */
static void keys_in_sequence_do_not_make_it_deep(void **state)
{
    struct treap *root = counted(200000, 1);

    (void)state;
    assert_span(treap_value(treap_below(root, (struct span){NULL, 0})), number(199999));
    for (uint32_t i = 0; i < 200000; i++)
        assert_int_equal(treap_del(&root, number(i)), ERR_OK);
    assert_null(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_old_root_stays_as_it_was),
        cmocka_unit_test(a_key_and_value_may_lie_in_the_treap_itself),
        cmocka_unit_test(an_emptied_treap_is_null_and_deleting_more_is_not_found),
        cmocka_unit_test(keys_in_sequence_do_not_make_it_deep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
