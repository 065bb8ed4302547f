/*
 * sheet_rig - the node rig with the real documents: a sheet from `other` about Zoé, delivered into
 * a circle, and requests as the control socket gets them.
 */
#ifndef TESTS_SHEET_RIG_H
#define TESTS_SHEET_RIG_H

#include "node_rig.h"

#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include "care.h"
#include "payload.h"
#include "person.h"

struct desk {
    struct rig *r;
    struct rig_circle circle;
    json_t *answer; /* of the last request */
    int file;       /* that the last sheet.attachment wrote; -1 */
};

static inline struct identity zoe(void)
{
    return (struct identity){.local = "HSA-2026-00417",
                             .status = INS_QUAL,
                             .matricule = "238054410941733",
                             .oid = INS_OID_TEST,
                             .birth_name = "Œuvrard-D'Almeïda",
                             .birth_first_count = 1,
                             .birth_first = {"Zoé"},
                             .birth_date = "1938-05-17",
                             .sex = 2,
                             .birth_place = "44109",
                             .used_name = "Le Goff"};
}

static inline int desk_up(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    void *rig = NULL;

    assert_non_null(d);
    rig_up(&rig);
    d->r = rig;
    d->file = -1;
    d->r->n->care = &care_hooks;
    rig_circle_new(d->r, &d->circle);
    rig_circle_tell(d->r, &d->circle, 0, d->circle.n);
    *state = d;
    return 0;
}

static inline int desk_down(void **state)
{
    struct desk *d = *state;
    void *rig = d->r;

    json_decref(d->answer);
    if (d->file >= 0)
        close(d->file);
    rig_circle_free(&d->circle);
    rig_down(&rig);
    free(d);
    return 0;
}

/* --- requests -------------------------------------------------------------------------------- */

#define NURSE "\"name\":\"Loïc Vanhœcke\",\"profession\":\"Infirmier\",\"category\":1"
#define SOCIAL "\"name\":\"Maëlys D'Hondt\",\"profession\":\"Assistante sociale\",\"category\":2"

/* A new, empty one to write into. */
static inline void desk_file(struct desk *d)
{
    if (d->file >= 0)
        close(d->file);
    d->file = memfd_create("attachment", MFD_CLOEXEC);
    assert_true(d->file >= 0);
}

/* What it holds; the caller's. */
static inline struct bytes desk_given(const struct desk *d)
{
    off_t size = lseek(d->file, 0, SEEK_END);
    struct bytes all = {0};

    assert_true(size >= 0);
    assert_int_equal(bytes_reserve(&all, (size_t)size + 1), ERR_OK);
    assert_true(pread(d->file, all.ptr, (size_t)size, 0) == size);
    all.len = (size_t)size;
    return all;
}

/* Steals args; the answer's code. */
static inline enum err ask_with(struct desk *d, const char *actor, const char *cmd, json_t *args)
{
    json_t *request = json_pack("{s:s,s:o}", "cmd", cmd, "args", args);
    char text[256];

    assert_non_null(request);
    if (actor) {
        snprintf(text, sizeof text, "{%s}", actor);
        json_object_set_new(request, "actor", json_loads(text, 0, NULL));
    }
    json_decref(d->answer);
    if (strcmp(cmd, "sheet.attachment") == 0)
        desk_file(d);
    command_run(d->r->n, request, RIGHT_ALL, NULL, d->file, &d->answer);
    json_decref(request);
    assert_non_null(d->answer);
    return (enum err)json_integer_value(json_object_get(d->answer, "code"));
}

/* args: JSON, printed. */
__attribute__((format(printf, 4, 5))) static inline enum err
ask(struct desk *d, const char *actor, const char *cmd, const char *args, ...)
{
    char text[4096];
    json_t *o;
    va_list list;

    va_start(list, args);
    vsnprintf(text, sizeof text, args, list);
    va_end(list);
    o = json_loads(text, 0, NULL);
    assert_non_null(o);
    return ask_with(d, actor, cmd, o);
}

static inline const char *answered_text(const struct desk *d)
{
    const char *text = json_string_value(json_object_get(d->answer, "text"));

    return text ? text : "";
}

static inline const json_t *answered(const struct desk *d, const char *key)
{
    return json_object_get(json_object_get(d->answer, "data"), key);
}

static inline const char *answered_string(const struct desk *d, const char *key)
{
    const char *text = json_string_value(answered(d, key));

    assert_non_null(text);
    return text;
}

static inline void hex_of(const uint8_t *id, char out[33])
{
    struct bytes hex = {0};

    assert_int_equal(hex_write(&hex, span_of(id, ID_BYTES)), ERR_OK);
    memcpy(out, hex.ptr, 33);
    bytes_free(&hex);
}

/* --- documents ------------------------------------------------------------------------------- */

static const uint8_t desk_pdf[] =
    "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj<</Type/Catalog>>endobj\n\0\xff";

/* Medical, to our health professionals. */
static inline struct sheet letter_sheet(const struct desk *d)
{
    struct sheet s = {
        .person = zoe(),
        .note = NOTE_INST,
        .subject = SPAN_STR("Consignes pour la nuit : l'œdème"),
        .section_count = 1,
        .sections = {{CLASS_MEDICAL, SPAN_STR("Furosémide 40 mg.\nÀ jeun, naïveté.")}},
        .audience_count = 1,
        .author = { .name = SPAN_STR("Dr Anaïs N'Guyen"),
                     .profession = SPAN_STR("Médecin"),
                     .category = CATEGORY_HEALTH,
                     .organisation = SPAN_STR("Autre")},
        .written_ms = RIG_NOW,
        .attachment_count = 1,
    };

    s.attachments[0].name = SPAN_STR("ordonnance.pdf");
    s.attachments[0].type = SPAN_STR("application/pdf");
    s.attachments[0].class_mask = CLASS_MEDICAL;
    s.attachments[0].content = SPAN_OF(desk_pdf);
    memcpy(s.audience[0].org, d->r->own.org, ID_BYTES);
    s.audience[0].kind = ADDRESSEE_ORG;
    s.audience[0].category = CATEGORY_HEALTH;
    return s;
}

/* The node gets it; its mid in hex. */
static inline void receive_sheet(struct desk *d, const struct sheet *s, char mid[33])
{
    uint8_t skid[KID_BYTES];
    struct rig_letter l;
    struct bytes doc = {0};
    struct bytes body = {0};
    struct writer w;

    wr_init(&w);
    sheet_encode(&w, s);
    assert_int_equal(wr_take(&w, &doc), ERR_OK);
    sign_kid(secret_sign_public(d->r->other.sign), skid);
    assert_int_equal(
        payload_write(bytes_span(&doc), d->r->other.org, skid, d->r->other.sign, &body), ERR_OK);
    rig_letter_new(d->r, &d->circle, bytes_span(&body), 1, &l);
    assert_int_equal(rig_deliver_letter(d->r, &l), ERR_OK);
    hex_of(l.header.mid, mid);
    bytes_free(&doc);
    bytes_free(&body);
    rig_letter_free(&l);
}

/* An own person by the command; her id in hex. */
static inline void enter_zoe(struct desk *d, const char *local, int status, char id[33])
{
    assert_int_equal(ask(d, NURSE, "person.add",
                         "{\"local\":\"%s\",\"birth_name\":\"OEUVRARD "
                         "D'ALMEIDA\",\"birth_first_names\":[\"Zoé\"],"
                         "\"birth_date\":\"1938-05-17\",\"sex\":2,\"birth_place\":\"44109\","
                         "\"ins\":{\"matricule\":\"238054410941733\",\"status\":%d}}",
                         local, status),
                     ERR_OK);
    snprintf(id, 33, "%s", answered_string(d, "id"));
}

/* The one person to identify. */
static inline void provisional_id(struct desk *d, char id[33])
{
    const json_t *p;
    size_t i;

    assert_int_equal(ask(d, NURSE, "person.list", "{}"), ERR_OK);
    id[0] = '\0';
    json_array_foreach(answered(d, "persons"), i,
                       p) if (json_is_true(json_object_get(p, "provisional")))
        snprintf(id, 33, "%s", json_string_value(json_object_get(p, "id")));
    assert_int_equal(strlen(id), 32);
}

#endif
