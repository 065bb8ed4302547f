/* The identity of a person, as it travels and as it is kept. */
#include "care_fixture.h"

#include "dossier.h"

static struct bytes encoded(const struct identity *p, enum identity_form form)
{
    struct bytes out = {0};
    struct writer w;

    wr_init(&w);
    identity_encode(&w, p, form);
    assert_int_equal(wr_take(&w, &out), ERR_OK);
    return out;
}

static enum err decoded(struct span bytes, enum identity_form form, struct identity *out)
{
    struct reader r = reader_over(bytes);

    identity_decode(&r, form, out);
    return rd_end(&r);
}

static enum err again(const struct identity *p, enum identity_form form, struct identity *out)
{
    struct bytes b = encoded(p, form);
    enum err e = decoded(bytes_span(&b), form, out);

    bytes_free(&b);
    return e;
}

static bool contains(struct span all, const char *text)
{
    return memmem(all.ptr, all.len, text, strlen(text)) != NULL;
}

static struct identity with_measure(void)
{
    struct identity p = zoe();

    p.representation = (struct representation){.stated = true,
                                               .measure = 3,
                                               .scope = 3,
                                               .from = "2024-03-01",
                                               .until = "2029-02-28",
                                               .representative = "Mme Ève Château, mandataire"};
    return p;
}

static void what_was_written_is_read(void **state)
{
    struct identity p = with_measure();
    struct identity back;

    (void)state;
    assert_int_equal(again(&p, IDENTITY_KEPT, &back), ERR_OK);
    assert_same_identity(&back, &p);
    assert_int_equal(again(&p, IDENTITY_TRAVELS, &back), ERR_OK);
    assert_same_identity(&back, &p);
}

static void an_identity_that_is_not_qualified_never_sends_the_matricule(void **state)
{
    (void)state;
    for (unsigned status = INS_PROV; status <= INS_VALI; status++) {
        struct identity p = zoe();
        struct identity back;
        struct bytes b;

        p.status = (enum ins_status)status;
        b = encoded(&p, IDENTITY_TRAVELS);
        assert_false(contains(bytes_span(&b), "2380544"));
        assert_false(contains(bytes_span(&b), "1.2.250"));
        assert_int_equal(decoded(bytes_span(&b), IDENTITY_TRAVELS, &back), ERR_OK);
        assert_int_equal(back.status, status);
        assert_string_equal(back.matricule, "");
        bytes_free(&b);
        assert_int_equal(again(&p, IDENTITY_KEPT, &back), ERR_OK);
        assert_string_equal(back.matricule, p.matricule);
    }
}

static void a_matricule_that_should_not_have_travelled_is_refused(void **state)
{
    struct identity p = zoe();
    struct identity back;
    struct bytes b;

    (void)state;
    p.status = INS_PROV;
    b = encoded(&p, IDENTITY_KEPT);
    assert_int_equal(decoded(bytes_span(&b), IDENTITY_TRAVELS, &back), ERR_FIELD_VALUE);
    bytes_free(&b);
}

static void a_wrong_key_is_refused(void **state)
{
    struct identity p = zoe();

    (void)state;
    memcpy(p.matricule, "238054410941734", INS_MATRICULE);
    assert_int_equal(identity_ins_check(&p, MODE_EXERCISE), ERR_INS_KEY);
    assert_int_equal(identity_check(&p, MODE_EXERCISE), ERR_INS_KEY);
}

static void qualified_without_five_traits_is_refused(void **state)
{
    struct identity cases[4] = {zoe(), zoe(), zoe(), zoe()};
    struct identity back;

    (void)state;
    cases[0].birth_first_count = 0;
    cases[1].birth_date[0] = '\0';
    cases[2].sex = 0;
    cases[3].birth_place[0] = '\0';
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(again(&cases[i], IDENTITY_TRAVELS, &back), ERR_FIELD_MISSING);
        assert_int_equal(identity_check(&cases[i], MODE_EXERCISE), ERR_TRAITS);
        cases[i].status = INS_PROV;
        assert_int_equal(identity_check(&cases[i], MODE_EXERCISE), ERR_OK);
    }
}

static void test_numbers_are_for_exercises_and_real_ones_for_service(void **state)
{
    struct identity p = zoe();

    (void)state;
    assert_int_equal(identity_check(&p, MODE_EXERCISE), ERR_OK);
    assert_int_equal(identity_check(&p, MODE_REAL), ERR_INS_MODE);
    p.oid = INS_OID_NIR;
    assert_int_equal(identity_check(&p, MODE_EXERCISE), ERR_INS_MODE);
    assert_int_equal(identity_check(&p, MODE_REAL), ERR_OK);
    assert_int_equal(identity_check(&p, 0), ERR_NOT_JOINED);
    p.status = INS_NONE;
    p.matricule[0] = '\0';
    assert_int_equal(identity_check(&p, 0), ERR_OK); /* without INS, no hub is needed */
}

static void status_and_matricule_go_together(void **state)
{
    struct identity p = zoe();

    (void)state;
    p.matricule[0] = '\0';
    assert_int_equal(identity_check(&p, MODE_EXERCISE), ERR_INS_STATUS);
    p.status = INS_RECUP;
    assert_int_equal(identity_check(&p, MODE_EXERCISE), ERR_INS_STATUS);
    p.status = INS_VALI;
    assert_int_equal(identity_check(&p, MODE_EXERCISE), ERR_OK);
    p = zoe();
    p.status = INS_NONE;
    assert_int_equal(identity_check(&p, MODE_EXERCISE), ERR_INS_STATUS);
}

static void values_that_have_no_such_form_are_refused(void **state)
{
    struct identity p = zoe();

    (void)state;
    memcpy(p.birth_date, "1938-02-30", IDENTITY_DATE);
    assert_int_equal(identity_check(&p, MODE_EXERCISE), ERR_TRAITS);
    p = zoe();
    memcpy(p.birth_place, "4410X", IDENTITY_PLACE);
    assert_int_equal(identity_check(&p, MODE_EXERCISE), ERR_TRAITS);
    p = zoe();
    memcpy(p.birth_place, "2A004", IDENTITY_PLACE);
    assert_int_equal(identity_check(&p, MODE_EXERCISE), ERR_OK);
    p = zoe();
    p.birth_first[1][0] = '\0';
    assert_int_equal(identity_check(&p, MODE_EXERCISE), ERR_TRAITS);
    p = zoe();
    memcpy(p.used_name, "e\xcc\x81", 4); /* e and a combining accent */
    assert_int_equal(identity_check(&p, MODE_EXERCISE), ERR_NFC);
    p = with_measure();
    p.representation.representative[0] = '\0';
    assert_int_equal(identity_check(&p, MODE_EXERCISE), ERR_FIELD_VALUE);
    p = zoe();
    p.local[0] = '\0';
    assert_int_equal(identity_check(&p, MODE_EXERCISE), ERR_FIELD_MISSING);
}

static void dates_are_days_of_the_calendar(void **state)
{
    static const char *const good[] = {"1938-05-17", "2000-02-29", "2024-02-29", "1999-12-31"};
    static const char *const bad[] = {"1900-02-29", "2023-02-29", "1938-13-01", "1938-00-10",
                                      "1938-01-00", "1938-1-01",  "1799-01-01", "1938/05/17",
                                      "19380517",   "1938-05-1x", "",           "1938-04-31"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(date_is_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(date_is_valid(bad[i]));
}

static void the_same_person_written_differently_agrees(void **state)
{
    struct identity a = zoe();
    struct identity b = zoe();

    (void)state;
    strncpy(b.birth_name, "OEUVRARD D'ALMEIDA", IDENTITY_NAME_MAX);
    strncpy(b.birth_first[0], "ZOE", IDENTITY_NAME_MAX);
    assert_true(identity_agree(&a, &b));
    b.birth_date[0] = '\0'; /* what is not stated contradicts nothing */
    b.sex = 0;
    b.birth_first_count = 0;
    b.used_first[0] = '\0';
    assert_true(identity_agree(&a, &b));
    strncpy(b.birth_name, "Le Goff", IDENTITY_NAME_MAX); /* known by the married name */
    b.used_name[0] = '\0';
    assert_true(identity_agree(&a, &b) && identity_agree(&b, &a));
}

static void what_contradicts_is_another_person(void **state)
{
    struct identity a = zoe();
    struct identity b[6] = {zoe(), zoe(), zoe(), zoe(), zoe(), zoe()};

    (void)state;
    memcpy(b[0].birth_date, "1938-05-18", IDENTITY_DATE);
    b[1].sex = 1;
    memcpy(b[2].birth_place, "44110", IDENTITY_PLACE);
    strncpy(b[3].birth_first[0], "Léa", IDENTITY_NAME_MAX); /* a twin */
    strncpy(b[4].birth_name, "Martin", IDENTITY_NAME_MAX);
    b[4].used_name[0] = '\0';
    memcpy(b[5].matricule, "255081416802538", INS_MATRICULE);
    for (size_t i = 0; i < 6; i++)
        assert_false(identity_agree(&a, &b[i]) || identity_agree(&b[i], &a));
}

#define NOW_MS UINT64_C(1767609000000) /* 5 January 2026 */

static json_t *json(const char *text)
{
    json_t *o = json_loads(text, 0, NULL);

    assert_non_null(o);
    return o;
}

static void arguments_are_composed(void **state)
{
    json_t *args = json("{\"local\":\"A1\",\"birth_name\":\"E\\u0301cole-Cœur\","
                        "\"birth_first_names\":[\"Zoe\\u0308\"],\"sex\":2,"
                        "\"ins\":{\"matricule\":\"2 38 05 44 109 417 33\",\"status\":1}}");
    struct bytes why = {0};
    struct identity p;

    (void)state;
    assert_int_equal(identity_read(args, MODE_EXERCISE, 0, &p, &why), ERR_OK);
    assert_string_equal(p.birth_name, "École-Cœur");
    assert_string_equal(p.birth_first[0], "Zoë");
    assert_string_equal(p.matricule, "238054410941733");
    assert_int_equal(p.oid, INS_OID_TEST);
    assert_int_equal(identity_check(&p, MODE_EXERCISE), ERR_OK);
    json_decref(args);
}

static void arguments_out_of_their_limits_are_refused(void **state)
{
    static const struct {
        const char *text;
        enum err wanted;
    } cases[] = {
        {"{\"birth_name\":7}",                                                         ERR_FIELD_VALUE},
        {"{\"sex\":4}",                                                                ERR_FIELD_VALUE},
        {"{\"sex\":-1}",                                                               ERR_FIELD_VALUE},
        {"{\"sex\":\"F\"}",                                                            ERR_FIELD_VALUE},
        {"{\"birth_first_names\":\"Zoé\"}",                                           ERR_FIELD_VALUE},
        {"{\"birth_first_names\":[\"\"]}",                                             ERR_TRAITS     },
        {"{\"birth_first_names\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\","
         "\"k\"]}",                                                           ERR_ITEMS      },
        {"{\"birth_date\":\"1938-05-170\"}",                                           ERR_TRAITS     },
        {"{\"birth_name\":\"   \"}",                                                   ERR_FIELD_VALUE},
        {"{\"birth_name\":\"A\\nB\"}",                                                 ERR_FIELD_VALUE},
        {"{\"birth_name\":\"A\\u001b[2J\"}",                                           ERR_FIELD_VALUE},
        {"{\"birth_date\":\"31/04/1938\"}",                                            ERR_TRAITS     },
        {"{\"birth_date\":\"07/01/2026\"}",                                            ERR_TRAITS     },
        {"{\"birth_place\":\"Nantes\"}",                                               ERR_TRAITS     },
        {"{\"ins\":{\"matricule\":\"12\",\"status\":1}}",                              ERR_INS_KEY    },
        {"{\"ins\":{\"status\":5}}",                                                   ERR_FIELD_VALUE},
        {"{\"ins\":{\"matricule\":\"238054410941733\",\"status\":1,\"oid\":\"1.2\"}}",
         ERR_FIELD_VALUE                                                                              },
        {"{\"representation\":{\"measure\":12}}",                                      ERR_FIELD_VALUE},
        {"{\"representation\":{\"scope\":8}}",                                         ERR_FIELD_VALUE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *args = json(cases[i].text);
        struct bytes why = {0};
        struct identity p;

        assert_int_equal(identity_read(args, MODE_EXERCISE, NOW_MS, &p, &why), cases[i].wanted);
        json_decref(args);
        bytes_free(&why);
    }
}

static void a_refusal_names_its_field_and_limit(void **state)
{
    char name[IDENTITY_NAME_MAX + 2];
    struct bytes why = {0};
    struct identity p;
    json_t *args;

    (void)state;
    memset(name, 'A', sizeof name);
    name[sizeof name - 1] = '\0';
    args = json_pack("{s:s}", "used_name", name);
    assert_int_equal(identity_read(args, MODE_EXERCISE, NOW_MS, &p, &why), ERR_SIZE);
    assert_true(span_equal(bytes_span(&why), SPAN_STR("Nom d'usage : 101 octets, il en faut 100 au "
                                                      "plus. Rien n'a été enregistré.\n")));
    bytes_free(&why);
    json_decref(args);
}

static void spaces_are_tidied_and_a_french_date_is_one(void **state)
{
    json_t *args = json("{\"birth_name\":\"  Le   Goff \",\"birth_date\":\"05/01/2026\"}");
    struct bytes why = {0};
    struct identity p;

    (void)state;
    assert_int_equal(identity_read(args, MODE_EXERCISE, NOW_MS, &p, &why), ERR_OK);
    assert_string_equal(p.birth_name, "Le Goff");
    assert_string_equal(p.birth_date, "2026-01-05");
    json_decref(args);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(an_identity_that_is_not_qualified_never_sends_the_matricule),
        cmocka_unit_test(a_matricule_that_should_not_have_travelled_is_refused),
        cmocka_unit_test(a_wrong_key_is_refused),
        cmocka_unit_test(qualified_without_five_traits_is_refused),
        cmocka_unit_test(test_numbers_are_for_exercises_and_real_ones_for_service),
        cmocka_unit_test(status_and_matricule_go_together),
        cmocka_unit_test(values_that_have_no_such_form_are_refused),
        cmocka_unit_test(dates_are_days_of_the_calendar),
        cmocka_unit_test(the_same_person_written_differently_agrees),
        cmocka_unit_test(what_contradicts_is_another_person),
        cmocka_unit_test(arguments_are_composed),
        cmocka_unit_test(arguments_out_of_their_limits_are_refused),
        cmocka_unit_test(a_refusal_names_its_field_and_limit),
        cmocka_unit_test(spaces_are_tidied_and_a_french_date_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
