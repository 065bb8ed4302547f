/* Documents: what is written is read, and every size at its limit. What the tables refuse beside
 * that is in proto/vectors/payload-bad.json. */
#include "care_fixture.h"

#include "document.h"
#include "payload.h"

static const uint8_t ehpad[ID_BYTES] = {2};

static struct sheet a_sheet(void)
{
    struct sheet s = {.note = NOTE_INST,
                      .subject = SPAN_STR("Retour d'hospitalisation : cœur, naïveté, O'Brien"),
                      .section_count = 2,
                      .urgent = true,
                      .audience_count = 1,
                      .written_ms = 1767609000000};

    s.person = zoe();
    s.sections[0].class_mask = CLASS_MEDICAL;
    s.sections[0].text = SPAN_STR("Furosémide 40 mg, à jeun.");
    s.sections[1].class_mask = CLASS_SOCIAL;
    s.sections[1].text = SPAN_STR("Fille joignable le soir.");
    s.audience[0].kind = ADDRESSEE_FUNCTION;
    s.audience[0].label = SPAN_STR("IDE de nuit");
    s.audience[0].category = 3;
    s.author.name = SPAN_STR("Dr Anaïs N'Guyen");
    s.author.profession = SPAN_STR("Médecin");
    s.author.category = 1;
    s.author.rpps = SPAN_STR("10999990038");
    s.author.organisation = SPAN_STR("Centre hospitalier d'Étaples");
    memcpy(s.audience[0].org, ehpad, ID_BYTES);
    return s;
}

static enum err read_back(const struct sheet *s, struct document *d, struct bytes *hold)
{
    struct writer w;

    wr_init(&w);
    sheet_encode(&w, s);
    assert_int_equal(wr_take(&w, hold), ERR_OK);
    return document_decode(bytes_span(hold), ENVELOPE_SHEET, d);
}

static enum err verdict(const struct sheet *s)
{
    struct document *d = malloc(sizeof *d);
    struct bytes hold = {0};
    enum err e;

    assert_non_null(d);
    e = read_back(s, d, &hold);
    bytes_free(&hold);
    free(d);
    return e;
}

static void a_sheet_is_read_as_it_was_written(void **state)
{
    struct document *d = malloc(sizeof *d);
    struct sheet s = a_sheet();
    struct bytes hold = {0};

    (void)state;
    assert_non_null(d);
    s.has_re = s.has_restricted = s.restricted = s.has_answer_by = true;
    s.re[3] = 7;
    s.answer_by_ms = 5;
    assert_int_equal(read_back(&s, d, &hold), ERR_OK);
    assert_true(span_equal(d->sheet.subject, s.subject));
    assert_true(span_equal(d->sheet.sections[1].text, s.sections[1].text));
    assert_true(span_equal(d->sheet.audience[0].label, s.audience[0].label));
    assert_true(span_equal(d->sheet.author.rpps, s.author.rpps));
    assert_true(d->sheet.urgent && d->sheet.restricted && d->sheet.has_answer_by);
    assert_memory_equal(d->sheet.re, s.re, ID_BYTES);
    assert_same_identity(document_identity(d), &s.person);
    assert_int_equal(document_classes(d), CLASS_IDENTITY | CLASS_MEDICAL | CLASS_SOCIAL);
    bytes_free(&hold);
    free(d);
}

static void an_attachment_of_128_kib_passes_and_one_byte_more_does_not(void **state)
{
    uint8_t *content = calloc(1, ATTACHMENT_MAX + 1);
    struct sheet s = a_sheet();

    (void)state;
    assert_non_null(content);
    memcpy(content, "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", 15);
    s.attachment_count = 1;
    s.attachments[0] = (struct sheet_attachment){
        .name = SPAN_STR("Compte rendu opératoire.pdf"),
        .type = SPAN_STR("application/pdf"),
        .class_mask = CLASS_MEDICAL,
        .content = {content, ATTACHMENT_MAX}
    };
    assert_int_equal(verdict(&s), ERR_OK);
    s.attachments[0].content.len++;
    assert_int_equal(verdict(&s), ERR_SCHEMA);
    free(content);
}

static void texts_end_at_their_limits(void **state)
{
    uint8_t *letters = malloc(SHEET_TEXT_MAX + 1);
    struct sheet s = a_sheet();

    (void)state;
    assert_non_null(letters);
    memset(letters, 'a', SHEET_TEXT_MAX + 1);
    s.sections[0].text = span_of(letters, SHEET_TEXT_MAX);
    s.subject = span_of(letters, SHEET_SUBJECT_MAX);
    s.audience[0].label = span_of(letters, SHEET_LABEL_MAX);
    s.author.name = span_of(letters, AUTHOR_NAME_MAX);
    s.author.profession = span_of(letters, AUTHOR_PROFESSION_MAX);
    s.author.organisation = span_of(letters, AUTHOR_ORG_MAX);
    assert_int_equal(verdict(&s), ERR_OK);
    s.sections[0].text.len++;
    assert_int_equal(verdict(&s), ERR_SCHEMA);
    s.sections[0].text.len--;
    s.subject.len++;
    assert_int_equal(verdict(&s), ERR_SCHEMA);
    s.subject.len--;
    s.audience[0].label.len++;
    assert_int_equal(verdict(&s), ERR_SCHEMA);
    s.audience[0].label.len--;
    s.author.organisation.len++;
    assert_int_equal(verdict(&s), ERR_SCHEMA);
    free(letters);
}

static void a_large_attachment_says_where_it_is_or_holds_its_content(void **state)
{
    struct sheet s = a_sheet();
    struct sheet_attachment *a = &s.attachments[0];

    (void)state;
    s.attachment_count = 1;
    *a = (struct sheet_attachment){.name = SPAN_STR("scanner.dcm"),
                                   .type = SPAN_STR("application/dicom"),
                                   .class_mask = CLASS_MEDICAL,
                                   .size = ATTACHMENT_PLAIN_MAX,
                                   .chunks = ATTACHMENT_CHUNKS_MAX};
    assert_int_equal(verdict(&s), ERR_OK);
    a->chunks--; /* not those of its size */
    assert_int_equal(verdict(&s), ERR_SCHEMA);
    a->chunks = 1;
    a->size = ATTACHMENT_PLAIN;
    assert_int_equal(verdict(&s), ERR_OK);
    a->size++;
    assert_int_equal(verdict(&s), ERR_SCHEMA);
}

static void thirty_two_sections_and_sixteen_attachments_fit(void **state)
{
    struct sheet s = a_sheet();

    (void)state;
    for (size_t i = 0; i < SHEET_SECTIONS_MAX; i++)
        s.sections[i] = (struct sheet_section){CLASS_AUTONOMY, SPAN_STR("x")};
    for (size_t i = 0; i < SHEET_ATTACHMENTS_MAX; i++)
        s.attachments[i] = (struct sheet_attachment){.name = SPAN_STR(".."),
                                                     .type = SPAN_STR("a/b"),
                                                     .class_mask = CLASS_IDENTITY,
                                                     .content = SPAN_STR("x")};
    s.section_count = SHEET_SECTIONS_MAX;
    s.attachment_count = SHEET_ATTACHMENTS_MAX;
    assert_int_equal(verdict(&s), ERR_OK);
}

static void a_text_received_that_is_not_composed_is_refused(void **state)
{
    struct sheet s = a_sheet();

    (void)state;
    s.sections[0].text = SPAN_STR("nai\xcc\x88vete\xcc\x81");
    assert_int_equal(verdict(&s), ERR_NFC);
    s = a_sheet();
    s.author.name = SPAN_STR("Anai\xcc\x88s");
    assert_int_equal(verdict(&s), ERR_NFC);
    s = a_sheet();
    s.person.birth_name[0] = 'e';
    memcpy(s.person.birth_name, "e\xcc\x81", 4);
    assert_int_equal(verdict(&s), ERR_NFC);
}

static void a_matricule_is_judged_by_key_and_world_when_it_arrives(void **state)
{
    static const struct {
        const char *matricule;
        uint64_t mode;
        enum err wanted;
    } cases[] = {
        {"238054410941733", MODE_EXERCISE, ERR_OK      },
        {"238054410941734", MODE_EXERCISE, ERR_INS_KEY },
        {"238054410941733", MODE_REAL,     ERR_INS_MODE},
        {"238054410941734", 0,             ERR_OK      }, /* the protocol alone */
    };
    struct document *d = malloc(sizeof *d);
    struct env_header h = {.type = ENVELOPE_SHEET,
                           .prio = 1,
                           .to_count = 1,
                           .rcat = {3},
                           .scat = 1,
                           .class_mask = 11,
                           .from = {1}};
    struct care *c = *state;
    struct secret_sign *key = NULL;

    assert_non_null(d);
    assert_int_equal(secret_sign_generate(&c->n.entropy, &key), ERR_OK);
    sign_kid(secret_sign_public(key), h.skid);
    memcpy(h.to[0], ehpad, ID_BYTES);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sheet s = a_sheet();
        struct bytes doc = {0};
        struct bytes body = {0};
        int step = -1;

        memcpy(s.person.matricule, cases[i].matricule, INS_MATRICULE);
        assert_int_equal(read_back(&s, d, &doc), ERR_OK);
        assert_int_equal(payload_write(bytes_span(&doc), h.from, h.skid, key, &body), ERR_OK);
        assert_int_equal(payload_receive(bytes_span(&body), &h, secret_sign_public(key),
                                         cases[i].mode, d, &step),
                         cases[i].wanted);
        assert_int_equal(step, cases[i].wanted ? 15 : 0);
        bytes_free(&doc);
        bytes_free(&body);
    }
    secret_sign_free(key);
    free(d);
}

static void a_payload_beyond_the_body_of_an_envelope_is_not_made(void **state)
{
    uint8_t *much = calloc(1, PAYLOAD_BYTES_MAX);
    struct care *c = *state;
    struct secret_sign *key = NULL;
    struct bytes body = {0};
    uint8_t id[ID_BYTES] = {0};

    assert_non_null(much);
    assert_int_equal(secret_sign_generate(&c->n.entropy, &key), ERR_OK);
    assert_int_equal(payload_write(span_of(much, PAYLOAD_BYTES_MAX), id, id, key, &body), ERR_SIZE);
    assert_null(body.ptr);
    secret_sign_free(key);
    free(much);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, care_up, care_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sheet_is_read_as_it_was_written),
        TEST(an_attachment_of_128_kib_passes_and_one_byte_more_does_not),
        TEST(texts_end_at_their_limits),
        TEST(a_large_attachment_says_where_it_is_or_holds_its_content),
        TEST(thirty_two_sections_and_sixteen_attachments_fit),
        TEST(a_text_received_that_is_not_composed_is_refused),
        TEST(a_matricule_is_judged_by_key_and_world_when_it_arrives),
        TEST(a_payload_beyond_the_body_of_an_envelope_is_not_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
