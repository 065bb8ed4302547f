/* Sheets as a professional meets them: written, refused, read, answered. */
#include "sheet_rig.h"

#include "courier_internal.h"
#include "mail.h"

/* Received, identified as an own person: a desk from which one can write. */
static void identified(struct desk *d, int status, char mid[33], char person[33])
{
    struct sheet s = letter_sheet(d);
    char unknown[33];

    receive_sheet(d, &s, mid);
    enter_zoe(d, "EHPAD-12", status, person);
    provisional_id(d, unknown);
    assert_int_equal(
        ask(d, NURSE, "person.link", "{\"person\":\"%s\",\"to\":\"%s\"}", unknown, person), ERR_OK);
}

#define SEND_START                                                                                 \
    "{\"note\":5,\"subject\":\"Nuit calme\",\"to\":[{\"org\":\"Autre\",\"category\":1}],"
/* Whoever the circle knows there: of both categories. */
#define SEND_TO_ALL "{\"note\":5,\"subject\":\"Nuit calme\",\"to\":[{\"org\":\"Autre\"}],"
#define SECTION "\"sections\":[{\"class\":8,\"text\":\"Rien à signaler.\"}],"

/* --- reading --------------------------------------------------------------------------------- */

static void what_was_sent_is_what_is_read(void **state)
{
    struct desk *d = *state;
    struct sheet s = letter_sheet(d);
    struct bytes pdf = {0};
    const json_t *document;
    char mid[33];

    receive_sheet(d, &s, mid);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%.8s\"}", mid), ERR_OK);
    document = answered(d, "document");
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(json_object_get(document, "sections"), 0), "text")),
                        "Furosémide 40 mg.\nÀ jeun, naïveté.");
    assert_string_equal(answered_string(d, "from_name"), "Autre");
    assert_non_null(strstr(answered_text(d), "personne à identifier"));
    assert_int_equal(ask(d, NURSE, "sheet.attachment", "{\"mid\":\"%s\",\"number\":1}", mid),
                     ERR_NOT_SCANNED);
    assert_int_equal(
        ask(d, NURSE, "sheet.attachment", "{\"mid\":\"%s\",\"number\":1,\"unscanned\":true}", mid),
        ERR_OK);
    pdf = desk_given(d);
    assert_true(span_equal(bytes_span(&pdf), SPAN_OF(desk_pdf)));
    bytes_free(&pdf);
    assert_int_equal(ask(d, NURSE, "sheet.attachment", "{\"mid\":\"%s\",\"number\":2}", mid),
                     ERR_NOT_FOUND);
    assert_int_equal(ask(d, NURSE, "sheet.attachment", "{\"mid\":\"%s\"}", mid), ERR_NOT_FOUND);
}

static void the_first_reading_is_told_once_and_a_list_is_no_reading(void **state)
{
    struct desk *d = *state;
    struct sheet s = letter_sheet(d);
    size_t journal;
    char mid[33];

    receive_sheet(d, &s, mid);
    assert_int_equal(ask(d, NURSE, "inbox.list", "{}"), ERR_OK);
    assert_int_equal(rig_rows(d->r, TABLE_REPORT), 0);
    journal = rig_rows(d->r, TABLE_JOURNAL);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\",\"export\":true}", mid), ERR_OK);
    assert_int_equal(rig_rows(d->r, TABLE_REPORT), 0);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_OK);
    assert_int_equal(rig_rows(d->r, TABLE_REPORT), 1);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_OK);
    assert_int_equal(rig_rows(d->r, TABLE_REPORT), 1);
    assert_int_equal(rig_rows(d->r, TABLE_JOURNAL), journal + 3); /* every time in the journal */
}

static void send_two(struct desk *d, char first[33], char second[33])
{
    char *mids[] = {first, second};

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ask(d, NURSE, "sheet.send",
                             "{\"subject\":\"Nuit calme\",\"note\":1,\"to\":[{\"org\":\"Autre\","
                             "\"category\":1}],\"sections\":[{\"class\":8,\"text\":\"x\"}],"
                             "\"basis\":2,\"person\":\"EHPAD-12\"}"),
                         ERR_OK);
        snprintf(mids[i], 33, "%s", answered_string(d, "mid"));
    }
}

/* The ids of messages begin with their date: the same for all of a day. */
static void a_sheet_is_named_by_its_last_digits_and_several_are_listed(void **state)
{
    struct desk *d = *state;
    char mid[33], person[33], first[33], second[33], begin[9];

    identified(d, INS_QUAL, mid, person);
    send_two(d, first, second);
    assert_int_equal(ask(d, NURSE, "sheet.list", "{}"), ERR_OK);
    assert_non_null(strstr(answered_text(d), first + 24));
    assert_non_null(strstr(answered_text(d), second + 24));
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", second + 24), ERR_OK);
    assert_string_equal(answered_string(d, "mid"), second);
    assert_memory_equal(first, second, 8);
    snprintf(begin, sizeof begin, "%.8s", first);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", begin), ERR_USAGE);
    assert_non_null(strstr(answered_text(d), "Plusieurs fiches"));
    assert_non_null(strstr(answered_text(d), first + 24));
    assert_non_null(strstr(answered_text(d), second + 24));
    assert_non_null(strstr(answered_text(d), "Nuit calme"));
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"123456789abc\"}"), ERR_NOT_FOUND);
    assert_non_null(strstr(answered_text(d), "Fiche introuvable : 123456789abc"));
    assert_int_equal(ask(d, NURSE, "sheet.list", "{\"person\":\"Ghost\"}"), ERR_NOT_FOUND);
    assert_non_null(strstr(answered_text(d), "Personne introuvable : Ghost"));
}

static void nobody_reads_without_saying_who_he_is(void **state)
{
    struct desk *d = *state;

    assert_int_equal(ask(d, NULL, "inbox.list", "{}"), ERR_ACTOR);
    assert_int_equal(ask(d, NULL, "sheet.show", "{\"mid\":\"abcd\"}"), ERR_ACTOR);
    assert_int_equal(ask(d, NULL, "person.list", "{}"), ERR_ACTOR);
    assert_int_equal(ask(d, NULL, "sheet.send", "{}"), ERR_ACTOR);
}

static void who_was_not_addressed_does_not_read(void **state)
{
    struct desk *d = *state;
    struct sheet s = letter_sheet(d);
    char mid[33];

    receive_sheet(d, &s, mid);
    assert_int_equal(ask(d, SOCIAL, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_CATEGORY);
    assert_null(strstr(answered_text(d), "Furos"));
    assert_int_equal(ask(d, SOCIAL, "sheet.attachment", "{\"mid\":\"%s\",\"number\":1}", mid),
                     ERR_CATEGORY);
    assert_int_equal(ask(d, SOCIAL, "inbox.list", "{}"), ERR_OK);
    assert_null(strstr(answered_text(d), "œdème")); /* nor the subject */
    assert_int_equal(rig_rows(d->r, TABLE_REPORT), 0);
}

static void a_sheet_for_one_person_alone_is_hers(void **state)
{
    struct desk *d = *state;
    struct sheet s = letter_sheet(d);
    char mid[33];

    s.has_restricted = s.restricted = true;
    s.audience[0].kind = ADDRESSEE_PERSON;
    s.audience[0].label = SPAN_STR("LOIC VANHOECKE");
    receive_sheet(d, &s, mid);
    assert_int_equal(ask(d, "\"name\":\"Éva Petit\",\"profession\":\"Infirmière\",\"category\":1",
                         "sheet.show", "{\"mid\":\"%s\"}", mid),
                     ERR_RIGHT);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_OK);
}

static void a_sheet_about_somebody_else_is_kept_aside(void **state)
{
    struct desk *d = *state;
    struct sheet s = letter_sheet(d);
    char mid[33];

    receive_sheet(d, &s, mid);
    memcpy(s.person.birth_date, "1951-02-03", IDENTITY_DATE);
    receive_sheet(d, &s, mid);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_QUARANTINED);
    assert_null(strstr(answered_text(d), "Furos"));
    assert_int_equal(ask(d, NURSE, "inbox.list", "{}"), ERR_OK);
    assert_non_null(strstr(answered_text(d), "quarantaine"));
}

static void a_matricule_of_the_other_world_is_not_shown(void **state)
{
    struct desk *d = *state;
    struct sheet s = letter_sheet(d);
    char mid[33];

    s.person.oid = INS_OID_NIR; /* a real one, in an exercise */
    receive_sheet(d, &s, mid);
    assert_int_not_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_OK);
    assert_int_equal(ask(d, NURSE, "person.list", "{}"), ERR_OK);
    assert_int_equal(json_integer_value(answered(d, "total")), 0);
}

static void terminal_commands_of_others_are_shown_as_nothing(void **state)
{
    struct desk *d = *state;
    struct sheet s = letter_sheet(d);
    char mid[33];

    s.subject = SPAN_STR("\x1b]0;rouge\x07 urgent");
    receive_sheet(d, &s, mid);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_OK);
    assert_null(strchr(answered_text(d), '\x1b'));
    assert_int_equal(ask(d, NURSE, "inbox.list", "{}"), ERR_OK);
    assert_null(strchr(answered_text(d), '\x1b'));
}

/* --- whose documents ------------------------------------------------------------------------- */

static long listed(struct desk *d, const char *person)
{
    assert_int_equal(ask(d, NURSE, "sheet.list", "{\"person\":\"%s\"}", person), ERR_OK);
    return (long)json_integer_value(answered(d, "total"));
}

static void documents_follow_the_link_and_come_back(void **state)
{
    struct desk *d = *state;
    struct sheet s = letter_sheet(d);
    char mid[33], person[33], unknown[33];

    receive_sheet(d, &s, mid);
    receive_sheet(d, &s, mid);
    enter_zoe(d, "EHPAD-12", INS_QUAL, person);
    assert_int_equal(json_array_size(answered(d, "matches")), 1); /* said when she is entered */
    provisional_id(d, unknown);
    assert_int_equal(listed(d, person), 0); /* nothing merges by itself */
    assert_int_equal(listed(d, unknown), 2);
    assert_int_equal(ask(d, NURSE, "person.matches", "{\"person\":\"%s\"}", unknown), ERR_OK);
    assert_int_equal(
        json_integer_value(json_object_get(json_array_get(answered(d, "matches"), 0), "grade")), 1);
    assert_int_equal(
        ask(d, NURSE, "person.link", "{\"person\":\"%s\",\"to\":\"%s\"}", unknown, person), ERR_OK);
    assert_int_equal(listed(d, person), 2);
    receive_sheet(d, &s, mid); /* later ones too */
    assert_int_equal(listed(d, person), 3);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_OK);
    assert_true(json_is_true(answered(d, "identified")));
    assert_int_equal(ask(d, NURSE, "person.unlink", "{\"person\":\"%s\"}", unknown), ERR_OK);
    assert_int_equal(listed(d, person), 0);
    assert_int_equal(listed(d, unknown), 3);
}

static void an_export_names_every_document_and_identity(void **state)
{
    struct desk *d = *state;
    char mid[33], person[33];

    identified(d, INS_QUAL, mid, person);
    assert_int_equal(ask(d, NURSE, "person.export", "{\"person\":\"EHPAD-12\"}"), ERR_OK);
    assert_int_equal(json_array_size(answered(d, "documents")), 1);
    assert_int_equal(json_array_size(answered(d, "provisional")), 1);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(answered(d, "documents"), 0), "mid")),
        mid);
}

/* --- writing --------------------------------------------------------------------------------- */

static void one_who_is_not_identified_is_not_written_about(void **state)
{
    struct desk *d = *state;
    struct sheet s = letter_sheet(d);
    char mid[33], unknown[33];

    receive_sheet(d, &s, mid);
    provisional_id(d, unknown);
    assert_int_equal(
        ask(d, NURSE, "sheet.send", SEND_START SECTION "\"basis\":2,\"re\":\"%s\"}", mid),
        ERR_UNIDENTIFIED);
    assert_int_equal(
        ask(d, NURSE, "sheet.send", SEND_START SECTION "\"basis\":2,\"person\":\"%s\"}", unknown),
        ERR_UNIDENTIFIED);
    assert_int_equal(rig_rows(d->r, TABLE_OUT), 0);
}

static void an_answer_knows_person_and_circle_by_itself(void **state)
{
    struct desk *d = *state;
    char mid[33], person[33], sent[33];

    identified(d, INS_QUAL, mid, person);
    assert_int_equal(
        ask(d, NURSE, "sheet.send", SEND_START SECTION "\"basis\":2,\"re\":\"%.10s\"}", mid),
        ERR_OK);
    assert_non_null(strstr(answered_text(d), "conservée, sera envoyée"));
    snprintf(sent, sizeof sent, "%s", answered_string(d, "mid"));
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", sent), ERR_OK);
    assert_string_equal(answered_string(d, "direction"), "out");
    assert_string_equal(json_string_value(json_object_get(answered(d, "document"), "re")), mid);
    assert_string_equal(answered_string(d, "known_as"), person);
    assert_int_equal(listed(d, person), 2);
}

/* The payload as it will travel. */
static struct bytes outgoing(struct desk *d)
{
    uint8_t mid[ID_BYTES];
    struct bytes body = {0};
    struct txn *t = NULL;

    assert_int_equal(hex_read_fixed(mid, ID_BYTES, span_text(answered_string(d, "mid"))), ERR_OK);
    assert_int_equal(store_begin(d->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(outbox_payload(d->r->n, t, mid, &body), ERR_OK);
    store_abort(&t);
    return body;
}

static bool contains(const struct bytes *b, const char *text)
{
    return memmem(b->ptr, b->len, text, strlen(text)) != NULL;
}

static void only_a_qualified_identity_sends_the_matricule(void **state)
{
    struct desk *d = *state;
    char mid[33], person[33];
    struct bytes body;

    identified(d, INS_PROV, mid, person);
    assert_int_equal(
        ask(d, NURSE, "sheet.send", SEND_START SECTION "\"basis\":2,\"person\":\"EHPAD-12\"}"),
        ERR_OK);
    body = outgoing(d);
    assert_false(contains(&body, "238054410941733") || contains(&body, "1.2.250"));
    assert_true(contains(&body, "OEUVRARD"));
    seal_bytes_free(&body);
}

static void a_qualified_identity_sends_it(void **state)
{
    struct desk *d = *state;
    char mid[33], person[33];
    struct bytes body;

    identified(d, INS_QUAL, mid, person);
    assert_int_equal(
        ask(d, NURSE, "sheet.send", SEND_START SECTION "\"basis\":2,\"person\":\"EHPAD-12\"}"),
        ERR_OK);
    body = outgoing(d);
    assert_true(contains(&body, "238054410941733"));
    seal_bytes_free(&body);
}

static void decomposed_text_travels_composed(void **state)
{
    struct desk *d = *state;
    char mid[33], person[33];
    struct bytes body;

    identified(d, INS_QUAL, mid, person);
    assert_int_equal(
        ask(d, NURSE, "sheet.send",
            "{\"subject\":\"Re\\u0301veil\",\"note\":1,\"to\":[{\"org\":\"Autre\",\"category\":1,"
            "\"kind\":3,\"label\":\"IDE de "
            "re\\u0301serve\"}],\"sections\":[{\"class\":8,\"text\":\"nai\\u0308ve\"}],\"basis\":2,"
            "\"person\":\"EHPAD-12\"}"),
        ERR_OK);
    body = outgoing(d);
    assert_true(contains(&body, "Réveil") && contains(&body, "IDE de réserve") &&
                contains(&body, "naïve"));
    seal_bytes_free(&body);
}

static void no_basis_no_sending(void **state)
{
    struct desk *d = *state;
    char mid[33], person[33];

    identified(d, INS_QUAL, mid, person);
    assert_int_equal(ask(d, NURSE, "sheet.send", SEND_START SECTION "\"person\":\"EHPAD-12\"}"),
                     ERR_BASIS);
    assert_non_null(strstr(answered_text(d), "L1110-4"));
    /* categories differ, and she was not told */
    assert_int_equal(
        ask(d, NURSE, "sheet.send", SEND_TO_ALL SECTION "\"basis\":1,\"person\":\"EHPAD-12\"}"),
        ERR_NOTICE_MISSING);
    assert_non_null(strstr(answered_text(d), "R1110-3"));
    assert_string_equal(answered_string(d, "rule"), "notice");
    /* partage outside the team asks for a consent */
    assert_int_equal(
        ask(d, NURSE, "sheet.send", SEND_START SECTION "\"basis\":3,\"person\":\"EHPAD-12\"}"),
        ERR_CONSENT_MISSING);
    assert_int_equal(ask(d, NURSE, "sheet.send",
                         SEND_START SECTION "\"basis\":4,\"purpose\":1,\"person\":\"EHPAD-12\"}"),
                     ERR_BASIS);
    assert_int_equal(rig_rows(d->r, TABLE_OUT), 0);
    assert_int_equal(rig_rows(d->r, TABLE_OUT_BODY), 0);
}

static void she_must_have_a_circle_and_it_must_be_hers(void **state)
{
    struct desk *d = *state;
    char mid[33], person[33], handle[33];

    identified(d, INS_QUAL, mid, person);
    assert_int_equal(
        ask(d, NURSE, "person.add", "{\"local\":\"EHPAD-13\",\"birth_name\":\"Martin\"}"), ERR_OK);
    assert_int_equal(
        ask(d, NURSE, "sheet.send", SEND_START SECTION "\"basis\":2,\"person\":\"EHPAD-13\"}"),
        ERR_NOT_IN_CIRCLE);
    hex_of(circle_handle(d->circle.c), handle);
    assert_int_equal(
        ask(d, NURSE, "sheet.send",
            SEND_START SECTION "\"basis\":2,\"person\":\"EHPAD-13\",\"circle\":\"%s\"}", handle),
        ERR_MISLABELLED);
    assert_int_equal(rig_rows(d->r, TABLE_OUT), 0);
}

static void wrong_arguments_are_refused_before_anything_is_kept(void **state)
{
    static const struct {
        const char *args;
        enum err wanted;
    } cases[] = {
        {"\"basis\":2}",                                                                       ERR_FIELD_MISSING},
        {SECTION "\"basis\":2,\"note\":6}",                                                    ERR_FIELD_VALUE  },
        {SECTION "\"basis\":5}",                                                               ERR_USAGE        },
        {SECTION "\"basis\":2,\"purpose\":0}",                                                 ERR_FIELD_VALUE  },
        {SECTION "\"basis\":2,\"to\":[]}",                                                     ERR_FIELD_MISSING},
        {SECTION "\"basis\":2,\"to\":[{\"org\":\"Autre\"},{\"org\":\"Autre\"}]}",              ERR_USAGE        },
        {SECTION "\"basis\":2,\"to\":[{\"org\":\"Personne\"}]}",                               ERR_NOT_FOUND    },
        {SECTION "\"basis\":2,\"to\":[{\"org\":\"Autre\",\"kind\":3}]}",                       ERR_FIELD_MISSING},
        {SECTION "\"basis\":2,\"to\":[{\"org\":\"Autre\",\"kind\":5}]}",                       ERR_FIELD_VALUE  },
        {SECTION "\"basis\":2,\"to\":[{\"org\":\"Autre\",\"category\":4}]}",                   ERR_FIELD_VALUE  },
        {SECTION "\"basis\":2,\"answer_by\":0}",                                               ERR_FIELD_VALUE  },
        {SECTION "\"basis\":2,\"subject\":\"\"}",                                              ERR_FIELD_MISSING},
        {SECTION "\"basis\":2,\"re\":\"xyz\"}",                                                ERR_USAGE        },
        {SECTION "\"basis\":2,\"re\":\"00000000\"}",                                           ERR_NOT_FOUND    },
        {"\"sections\":[{\"class\":1,\"text\":\"x\"}],\"basis\":2}",                           ERR_FIELD_VALUE  },
        {"\"sections\":[{\"class\":12,\"text\":\"x\"}],\"basis\":2}",                          ERR_FIELD_VALUE  },
        {"\"sections\":[{\"class\":8,\"text\":\"a\\u0000b\"}],\"basis\":2}",                   ERR_UTF8         },
        {SECTION "\"basis\":2,\"attachments\":[{\"name\":\"a/"
                 "b\",\"type\":\"x\",\"class\":8,\"base64\":\"YQ==\"}]}",             ERR_FIELD_VALUE  },
        {SECTION "\"basis\":2,\"attachments\":[{\"name\":\"a\\u0085\",\"type\":\"x\",\"class\":8,"
                 "\"base64\":\"YQ==\"}]}",                                            ERR_FIELD_VALUE  },
        {SECTION "\"basis\":2,\"attachments\":[{\"name\":\"a\",\"type\":\"x\",\"class\":8,"
                 "\"base64\":\"YQ\"}]}",                                              ERR_TEXT_FORM    },
        {SECTION "\"basis\":2,\"attachments\":[{\"name\":\"a\",\"type\":\"x\",\"class\":8}]}",
         ERR_FIELD_MISSING                                                                                      },
        {SECTION "\"basis\":2,\"attachments\":[{\"name\":\"a\",\"type\":\"x\",\"class\":3,"
                 "\"base64\":\"YQ==\"}]}",                                            ERR_FIELD_VALUE  },
    };
    struct desk *d = *state;
    char mid[33], person[33];

    identified(d, INS_QUAL, mid, person);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        json_t *args;
        json_t *base;

        snprintf(text, sizeof text, "{%s", cases[i].args);
        assert_non_null(args = json_loads(text, JSON_ALLOW_NUL, NULL));
        base = json_pack("{s:i,s:s,s:s,s:[{s:s}]}", "note", 5, "subject", "Nuit", "person",
                         "EHPAD-12", "to", "org", "Autre");
        assert_int_equal(json_object_update(base, args), 0);
        json_decref(args);
        if (ask_with(d, NURSE, "sheet.send", base) != cases[i].wanted)
            fail_msg("%s: %s", cases[i].args,
                     json_string_value(json_object_get(d->answer, "error")));
        assert_int_equal(rig_rows(d->r, TABLE_OUT), 0);
    }
}

/* --- attachments ----------------------------------------------------------------------------- */

static enum err send_attached(struct desk *d, const char *name, size_t size, size_t copies)
{
    struct bytes raw = {0};
    struct bytes base64 = {0};
    json_t *list = json_array();
    enum err e;

    assert_int_equal(bytes_reserve(&raw, size), ERR_OK);
    for (size_t i = 0; i < size; i++)
        raw.ptr[i] = (uint8_t)(i * 7 + 3);
    raw.len = size;
    assert_int_equal(base64_write(&base64, bytes_span(&raw)), ERR_OK);
    for (size_t i = 0; i < copies; i++)
        json_array_append_new(list, json_pack("{s:s,s:s,s:i,s:s%}", "name", name, "type",
                                              "application/pdf", "class", 8, "base64",
                                              (char *)base64.ptr, base64.len));
    e = ask_with(d, NURSE, "sheet.send",
                 json_pack("{s:i,s:s,s:s,s:i,s:[{s:s,s:i}],s:[{s:i,s:s}],s:o}", "note", 5,
                           "subject", "Radio", "person", "EHPAD-12", "basis", 2, "to", "org",
                           "Autre", "category", 1, "sections", "class", 8, "text", "Voir la pièce.",
                           "attachments", list));
    bytes_free(&raw);
    bytes_free(&base64);
    return e;
}

static void attachments_of_128_kib_pass_and_one_byte_more_is_refused_by_name(void **state)
{
    struct desk *d = *state;
    char mid[33], person[33];
    struct bytes raw = {0};

    identified(d, INS_QUAL, mid, person);
    assert_int_equal(send_attached(d, "Radio du col d'Émilie.pdf", ATTACHMENT_MAX + 1, 1),
                     ERR_ATTACHMENT_SIZE);
    assert_int_equal(rig_rows(d->r, TABLE_OUT), 0);
    assert_int_equal(send_attached(d, "Radio du col d'Émilie.pdf", ATTACHMENT_MAX, 1), ERR_OK);
    snprintf(mid, sizeof mid, "%s", answered_string(d, "mid"));
    assert_int_equal(ask(d, NURSE, "sheet.attachment", "{\"mid\":\"%s\",\"number\":1}", mid),
                     ERR_OK);
    raw = desk_given(d);
    assert_int_equal(raw.len, ATTACHMENT_MAX);
    for (size_t i = 0; i < raw.len; i++)
        assert_int_equal(raw.ptr[i], (uint8_t)(i * 7 + 3));
    bytes_free(&raw);
}

static void together_they_fit_one_envelope_or_are_refused_with_a_word(void **state)
{
    struct desk *d = *state;
    char mid[33], person[33];

    identified(d, INS_QUAL, mid, person);
    assert_int_equal(send_attached(d, "moitié.pdf", ATTACHMENT_MAX, 2), ERR_SIZE);
    assert_non_null(strstr(answered_text(d), "256 Kio"));
    assert_int_equal(rig_rows(d->r, TABLE_OUT), 0);
}

/* --- invitation ------------------------------------------------------------------------------ */

static void an_invitation_says_who_it_is_about(void **state)
{
    struct desk *d = *state;
    struct node *n = d->r->n;
    struct actor nurse = {.name = "Loïc Vanhœcke", .profession = "Infirmier", .category = 1};
    char mid[33], person[33];
    uint8_t id[ID_BYTES];
    struct document *doc = malloc(sizeof *doc);
    struct bytes offer = {0};
    struct bytes body = {0};
    struct payload p;
    struct txn *t = NULL;

    assert_non_null(doc);
    identified(d, INS_QUAL, mid, person);
    rig_offer(d->r, d->circle.c, &offer);
    assert_int_equal(hex_read_fixed(id, ID_BYTES, span_text(person)), ERR_OK);
    assert_int_equal(store_begin(n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(
        care_hooks.invite(n, t, id, bytes_span(&offer), &nurse, SPAN_STR("Rejoignez-nous."), &body),
        ERR_OK);
    assert_int_equal(payload_decode(bytes_span(&body), &p), ERR_OK);
    assert_int_equal(document_decode(p.doc, ENVELOPE_INVITATION, doc), ERR_OK);
    assert_string_equal(doc->invitation.person.local, "EHPAD-12");
    assert_true(span_equal(doc->invitation.offer, bytes_span(&offer)));
    store_abort(&t);
    bytes_free(&offer);
    bytes_free(&body);
    free(doc);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_up, desk_down)

/* --- the law's corners ------------------------------------------------------------------------ */

static void an_emergency_is_said_and_never_filled_in(void **state)
{
    struct desk *d = *state;
    char mid[33], person[33];

    identified(d, INS_QUAL, mid, person);
    assert_int_equal(
        ask(d, NURSE, "sheet.send", SEND_START SECTION "\"basis\":4,\"person\":\"EHPAD-12\"}"),
        ERR_BASIS);
    assert_non_null(strstr(answered_text(d), "--purpose urgence"));
    assert_int_equal(rig_rows(d->r, TABLE_OUT), 0);
    assert_int_equal(ask(d, NURSE, "sheet.send",
                         SEND_START SECTION "\"basis\":%d,\"purpose\":%d,\"person\":\"EHPAD-12\"}",
                         BASIS_URGENCE, PURPOSE_URGENCE),
                     ERR_OK);
    snprintf(mid, sizeof mid, "%s", answered_string(d, "mid"));
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_OK);
    assert_non_null(strstr(answered_text(d), "Base : URGENCE, sans information préalable"));
}

static void an_opposition_without_the_hub_binds_here_and_says_who_does_not_know(void **state)
{
    struct desk *d = *state;
    char mid[33], person[33], circle[33];

    identified(d, INS_QUAL, mid, person);
    hex_of(circle_handle(d->circle.c), circle);
    assert_int_equal(
        ask(d, NURSE, "sheet.send", SEND_START SECTION "\"basis\":2,\"person\":\"EHPAD-12\"}"),
        ERR_OK);
    assert_int_equal(
        ask(d, NURSE, "oppose", "{\"circle\":\"%s\",\"classes\":%d}", circle, CLASS_ALL), ERR_OK);
    assert_non_null(strstr(answered_text(d), "Opposition consignée ici. Ce nœud la respecte dès "
                                             "maintenant ; 1 fiche en attente retenue. Le hub"));
    assert_int_equal(
        ask(d, NURSE, "sheet.send", SEND_START SECTION "\"basis\":2,\"person\":\"EHPAD-12\"}"),
        ERR_OPPOSITION);
    assert_int_equal(ask(d, NURSE, "circle.show", "{\"circle\":\"%s\"}", circle), ERR_OK);
    assert_non_null(strstr(answered_text(d), "opposition : le hub ne le sait pas encore"));
    assert_int_equal(json_array_size(answered(d, "pending")), 1);
    assert_int_equal(
        ask(d, NURSE, "notice", "{\"circle\":\"%s\",\"classes\":8,\"orgs\":[\"Autre\"]}", circle),
        ERR_OK);
    assert_non_null(strstr(answered_text(d), "rien n'est fait pour l'instant"));
    assert_null(strstr(answered_text(d), "enregistrée"));
}

static void a_second_circle_is_refused_and_of_two_one_is_to_be_named(void **state)
{
    struct desk *d = *state;
    struct rig_circle second;
    struct circle_info i = {0};
    struct txn *t = NULL;
    char mid[33], person[33], circle[33];

    identified(d, INS_QUAL, mid, person);
    hex_of(circle_handle(d->circle.c), circle);
    circle[16] = '\0';
    assert_int_equal(ask(d, NURSE, "circle.create", "{\"person\":\"EHPAD-12\"}"), ERR_EXISTS);
    assert_non_null(strstr(answered_text(d), circle));
    rig_circle_new(d->r, &second);
    rig_circle_tell(d->r, &second, 0, second.n);
    memcpy(i.handle, circle_handle(second.c), ID_BYTES);
    i.has_person = true;
    assert_int_equal(hex_read_fixed(i.person, ID_BYTES, span_text(person)), ERR_OK);
    assert_int_equal(store_begin(d->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(circle_info_put(d->r->n, t, &i), ERR_OK);
    assert_int_equal(node_commit(d->r->n, &t), ERR_OK);
    assert_int_equal(
        ask(d, NURSE, "sheet.send", SEND_START SECTION "\"basis\":2,\"person\":\"EHPAD-12\"}"),
        ERR_USAGE);
    assert_non_null(strstr(answered_text(d), "plusieurs cercles ouverts"));
    assert_non_null(strstr(answered_text(d), circle));
    assert_non_null(strstr(answered_text(d), "Autre"));
    rig_circle_free(&second);
}

static void a_full_disk_is_said_and_asking_offline_keeps_nothing(void **state)
{
    struct desk *d = *state;
    struct courier fake = {.state = COURIER_DOWN, .full = true, .head_seq = 9, .last_seq = 6};
    char circle[33];
    enum err e;

    hex_of(circle_handle(d->circle.c), circle);
    d->r->n->courier = &fake;
    e = ask(d, NURSE, "status", "{}");
    d->r->n->courier = NULL;
    assert_int_equal(e, ERR_OK);
    assert_non_null(strstr(answered_text(d), "DISQUE PLEIN ("));
    assert_non_null(strstr(answered_text(d), ") : 3 remises attendent au hub"));
    assert_null(strstr(answered_text(d), "Hors ligne"));
    assert_int_equal(ask(d, NURSE, "circle.ask", "{\"circle\":\"%s\"}", circle), ERR_OFFLINE);
    assert_non_null(strstr(answered_text(d), "Rien n'est conservé"));
    assert_null(strstr(answered_text(d), "sera envoyé"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_sent_is_what_is_read),
        TEST(the_first_reading_is_told_once_and_a_list_is_no_reading),
        TEST(a_sheet_is_named_by_its_last_digits_and_several_are_listed),
        TEST(nobody_reads_without_saying_who_he_is),
        TEST(who_was_not_addressed_does_not_read),
        TEST(a_sheet_for_one_person_alone_is_hers),
        TEST(a_sheet_about_somebody_else_is_kept_aside),
        TEST(a_matricule_of_the_other_world_is_not_shown),
        TEST(terminal_commands_of_others_are_shown_as_nothing),
        TEST(documents_follow_the_link_and_come_back),
        TEST(an_export_names_every_document_and_identity),
        TEST(one_who_is_not_identified_is_not_written_about),
        TEST(an_answer_knows_person_and_circle_by_itself),
        TEST(only_a_qualified_identity_sends_the_matricule),
        TEST(a_qualified_identity_sends_it),
        TEST(decomposed_text_travels_composed),
        TEST(no_basis_no_sending),
        TEST(she_must_have_a_circle_and_it_must_be_hers),
        TEST(wrong_arguments_are_refused_before_anything_is_kept),
        TEST(attachments_of_128_kib_pass_and_one_byte_more_is_refused_by_name),
        TEST(together_they_fit_one_envelope_or_are_refused_with_a_word),
        TEST(an_invitation_says_who_it_is_about),
        TEST(an_emergency_is_said_and_never_filled_in),
        TEST(an_opposition_without_the_hub_binds_here_and_says_who_does_not_know),
        TEST(a_second_circle_is_refused_and_of_two_one_is_to_be_named),
        TEST(a_full_disk_is_said_and_asking_offline_keeps_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
