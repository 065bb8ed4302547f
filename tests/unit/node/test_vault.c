/* Encryption at rest: a record opens where it was put, under whose key, and nowhere else. */
#include "node_rig.h"

#include "secretbox.h"

static struct txn *write_in(struct rig *r)
{
    struct txn *t = NULL;

    assert_int_equal(store_begin(r->n->store, TXN_WRITE, &t), ERR_OK);
    return t;
}

static void a_record_reads_back_after_a_restart(void **state)
{
    struct rig *r = *state;
    struct txn *t = write_in(r);
    struct bytes out = {0};

    assert_int_equal(
        vault_put(r->n->vault, t, TABLE_PERSON, r->person[0], SPAN_STR("k"), SPAN_STR("Élodie")),
        ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
    rig_restart(r);
    t = write_in(r);
    assert_int_equal(vault_get(r->n->vault, t, TABLE_PERSON, r->person[0], SPAN_STR("k"), &out),
                     ERR_OK);
    assert_true(span_equal(bytes_span(&out), span_text("Élodie")));
    store_abort(&t);
    seal_bytes_free(&out);
}

static void the_disk_holds_no_word_of_it(void **state)
{
    static const char secret[] = "Marie-Thérèse N'GUESSAN 2690549588157";
    struct rig *r = *state;
    struct txn *t = write_in(r);
    struct bytes file = {0};
    char path[128];

    assert_int_equal(
        vault_put(r->n->vault, t, TABLE_PERSON, r->person[0], SPAN_STR("k"), SPAN_STR(secret)),
        ERR_OK);
    assert_int_equal(vault_index_put(r->n->vault, t, "nom", SPAN_STR(secret), r->person[0]),
                     ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
    snprintf(path, sizeof path, "%s/store/data.mdb", r->dir);
    assert_int_equal(file_read(path, 64 << 20, &file), ERR_OK);
    assert_null(memmem(file.ptr, file.len, secret, sizeof secret - 1));
    assert_null(memmem(file.ptr, file.len, "N'GUESSAN", 9));
    bytes_free(&file);
}

static void a_record_moved_to_another_key_does_not_open(void **state)
{
    struct rig *r = *state;
    struct txn *t = write_in(r);
    struct bytes copy = {0};
    struct bytes out = {0};
    struct span record;

    assert_int_equal(vault_put(r->n->vault, t, TABLE_META, NULL, SPAN_STR("a"), SPAN_STR("1")),
                     ERR_OK);
    assert_int_equal(store_get(t, TABLE_META, SPAN_STR("a"), &record), ERR_OK);
    assert_int_equal(bytes_copy(&copy, record), ERR_OK);
    assert_int_equal(store_put(t, TABLE_META, SPAN_STR("b"), bytes_span(&copy)), ERR_OK);
    assert_int_equal(store_put(t, TABLE_OUT, SPAN_STR("a"), bytes_span(&copy)), ERR_OK);
    assert_int_equal(vault_get(r->n->vault, t, TABLE_META, NULL, SPAN_STR("b"), &out), ERR_CORRUPT);
    assert_int_equal(vault_get(r->n->vault, t, TABLE_OUT, NULL, SPAN_STR("a"), &out), ERR_CORRUPT);
    assert_int_equal(vault_get(r->n->vault, t, TABLE_META, r->person[0], SPAN_STR("a"), &out),
                     ERR_CORRUPT);
    assert_int_equal(vault_get(r->n->vault, t, TABLE_META, NULL, SPAN_STR("a"), &out), ERR_OK);
    store_abort(&t);
    bytes_free(&copy);
    seal_bytes_free(&out);
}

static void one_persons_key_does_not_open_anothers_record(void **state)
{
    struct rig *r = *state;
    struct txn *t = write_in(r);
    struct bytes out = {0};

    assert_int_equal(
        vault_put(r->n->vault, t, TABLE_PERSON, r->person[0], SPAN_STR("k"), SPAN_STR("x")),
        ERR_OK);
    assert_int_equal(vault_get(r->n->vault, t, TABLE_PERSON, r->person[1], SPAN_STR("k"), &out),
                     ERR_CORRUPT);
    store_abort(&t);
}

static void an_erased_person_opens_no_more(void **state)
{
    struct rig *r = *state;
    struct txn *t = write_in(r);
    struct bytes out = {0};

    assert_int_equal(
        vault_put(r->n->vault, t, TABLE_PERSON, r->person[0], SPAN_STR("k"), SPAN_STR("x")),
        ERR_OK);
    assert_int_equal(vault_person_erase(r->n->vault, t, r->person[0]), ERR_OK);
    assert_int_equal(vault_person_check(r->n->vault, t, r->person[0]), ERR_NOT_FOUND);
    assert_int_equal(vault_get(r->n->vault, t, TABLE_PERSON, r->person[0], SPAN_STR("k"), &out),
                     ERR_NOT_FOUND);
    assert_int_equal(
        vault_put(r->n->vault, t, TABLE_PERSON, r->person[0], SPAN_STR("k"), SPAN_STR("x")),
        ERR_NOT_FOUND);
    store_abort(&t);
}

/* Else her records would be sealed under a key that is nowhere. */
static void a_person_whose_making_was_not_committed_has_no_key(void **state)
{
    struct rig *r = *state;
    struct txn *t = write_in(r);
    uint8_t person[ID_BYTES];

    assert_int_equal(vault_person_new(r->n->vault, t, person), ERR_OK);
    assert_int_equal(vault_put(r->n->vault, t, TABLE_PERSON, person, SPAN_STR("k"), SPAN_STR("x")),
                     ERR_OK);
    store_abort(&t);
    t = write_in(r);
    assert_int_equal(vault_put(r->n->vault, t, TABLE_PERSON, person, SPAN_STR("k"), SPAN_STR("x")),
                     ERR_NOT_FOUND);
    store_abort(&t);
}

static void more_persons_than_the_cache_holds_are_all_readable(void **state)
{
    enum {
        MANY = VAULT_DEKS_CACHED + 10
    };
    static uint8_t person[MANY][ID_BYTES];
    struct rig *r = *state;
    struct txn *t = write_in(r);
    struct bytes out = {0};

    for (int i = 0; i < MANY; i++) {
        assert_int_equal(vault_person_new(r->n->vault, t, person[i]), ERR_OK);
        assert_int_equal(vault_put(r->n->vault, t, TABLE_PERSON, person[i],
                                   span_of(person[i], ID_BYTES), SPAN_STR("x")),
                         ERR_OK);
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(
            vault_get(r->n->vault, t, TABLE_PERSON, person[i], span_of(person[i], ID_BYTES), &out),
            ERR_OK);
    store_abort(&t);
    seal_bytes_free(&out);
}

static void the_index_finds_by_value_and_by_name_of_the_index(void **state)
{
    struct rig *r = *state;
    struct txn *t = write_in(r);
    uint8_t found[2][ID_BYTES];
    size_t count = 9;

    assert_int_equal(vault_index_put(r->n->vault, t, "nom", SPAN_STR("durand"), r->person[0]),
                     ERR_OK);
    assert_int_equal(vault_index_put(r->n->vault, t, "nom", SPAN_STR("durand"), r->person[1]),
                     ERR_OK);
    assert_int_equal(vault_index_find(r->n->vault, t, "nom", SPAN_STR("durand"), found, 2, &count),
                     ERR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(vault_index_find(r->n->vault, t, "ins", SPAN_STR("durand"), found, 2, &count),
                     ERR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(vault_index_find(r->n->vault, t, "nom", SPAN_STR("duran"), found, 2, &count),
                     ERR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(vault_index_find(r->n->vault, t, "nom", SPAN_STR("durand"), found, 1, &count),
                     ERR_FULL);
    assert_int_equal(vault_index_del(r->n->vault, t, "nom", SPAN_STR("durand"), r->person[0]),
                     ERR_OK);
    assert_int_equal(vault_index_del(r->n->vault, t, "nom", SPAN_STR("durand"), r->person[0]),
                     ERR_NOT_FOUND);
    assert_int_equal(vault_index_find(r->n->vault, t, "nom", SPAN_STR("durand"), found, 2, &count),
                     ERR_OK);
    assert_int_equal(count, 1);
    assert_memory_equal(found[0], r->person[1], ID_BYTES);
    store_abort(&t);
}

static void the_same_professional_has_one_pseudonym(void **state)
{
    struct rig *r = *state;
    struct txn *t = write_in(r);
    struct actor a = {.name = "Paul", .profession = "IDE", .category = CATEGORY_HEALTH};
    struct actor back;
    uint8_t one[ID_BYTES], two[ID_BYTES];

    assert_int_equal(actor_id(r->n, t, &a, one), ERR_OK);
    assert_int_equal(actor_id(r->n, t, &a, two), ERR_OK);
    assert_memory_equal(one, two, ID_BYTES);
    assert_int_equal(actor_get(r->n, t, one, &back), ERR_OK);
    assert_string_equal(back.name, "Paul");
    snprintf(a.name, sizeof a.name, "Paule");
    assert_int_equal(actor_id(r->n, t, &a, two), ERR_OK);
    assert_memory_not_equal(one, two, ID_BYTES);
    store_abort(&t);
}

static void an_actor_without_name_or_with_odd_fields_is_refused(void **state)
{
    static const char *const bad[] = {
        "{}",
        "{\"name\":\"A\",\"profession\":\"B\"}",
        "{\"name\":\"\",\"profession\":\"B\",\"category\":1}",
        "{\"name\":\"A\",\"profession\":\"B\",\"category\":3}",
        "{\"name\":\"A\",\"profession\":\"B\",\"category\":1,\"rpps\":\"123\"}",
        "{\"name\":\"A\",\"profession\":\"B\",\"category\":1,\"rpps\":\"1000034580x\"}",
        "{\"name\":\"A\",\"profession\":\"B\",\"category\":1,\"rpps\":7}",
        "{\"name\":\"A\\nB\",\"profession\":\"B\",\"category\":1}",
    };
    struct actor a;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *from = json_loads(bad[i], 0, NULL);

        assert_non_null(from);
        assert_int_equal(actor_read(from, &a), ERR_ACTOR);
        json_decref(from);
    }
}

static void a_doubtful_rpps_is_kept_with_a_warning(void **state)
{
    json_t *from = json_pack("{s:s,s:s,s:i,s:s}", "name", "A", "profession", "B", "category", 1,
                             "rpps", "10000000001");
    struct actor a;

    (void)state;
    assert_int_equal(actor_read(from, &a), ERR_OK);
    assert_true(a.rpps_doubtful);
    json_decref(from);
    assert_true(rpps_check("10000000009"));
    assert_false(rpps_check("10000000008"));
}

static void the_journal_chains_its_rows(void **state)
{
    struct rig *r = *state;
    struct txn *t = write_in(r);

    for (int i = 0; i < 3; i++)
        assert_int_equal(journal_add(r->n, t, JOURNAL_READ, NULL, r->person[0], NULL), ERR_OK);
    assert_int_equal(node_commit(r->n, &t), ERR_OK);
    assert_int_equal(rig_rows(r, TABLE_JOURNAL), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_record_reads_back_after_a_restart, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(the_disk_holds_no_word_of_it, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_record_moved_to_another_key_does_not_open, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(one_persons_key_does_not_open_anothers_record, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(an_erased_person_opens_no_more, rig_up, rig_down),
        cmocka_unit_test_setup_teardown(a_person_whose_making_was_not_committed_has_no_key, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(more_persons_than_the_cache_holds_are_all_readable, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(the_index_finds_by_value_and_by_name_of_the_index, rig_up,
                                        rig_down),
        cmocka_unit_test_setup_teardown(the_same_professional_has_one_pseudonym, rig_up, rig_down),
        cmocka_unit_test(an_actor_without_name_or_with_odd_fields_is_refused),
        cmocka_unit_test(a_doubtful_rpps_is_kept_with_a_warning),
        cmocka_unit_test_setup_teardown(the_journal_chains_its_rows, rig_up, rig_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
