#include "vectors_bad_payload.h"

#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "vectors_chain.h"
#include "vectors_edits.h"
#include "vectors_payload.h"

/* ---- patches ---- */

static void take_away(struct bytes *b)
{
    bytes_free(b);
    *b = (struct bytes){0};
}

static void new_value(const struct patch *p, struct span old, struct writer *w)
{
    struct bytes raw = {0};

    switch (p->op) {
    case PATCH_HEX:
        raw = vec_unhex(p->text);
        break;
    case PATCH_TEXT:
        wr_text(w, span_text(p->text));
        return;
    case PATCH_LETTERS:
        for (size_t i = 0; i < p->number; i++)
            MUST(bytes_append(&raw, SPAN_STR("a")));
        wr_text(w, bytes_span(&raw));
        take_away(&raw);
        return;
    case PATCH_UINT:
        wr_uint(w, p->number);
        return;
    default:
        MUST(bytes_append(&raw, old));
    }
    MUST(bytes_append(&w->out, bytes_span(&raw))); /* as it is: it may be no MP1 */
    take_away(&raw);
}

static void rebuild(const struct patch *p, const char *path, struct span value, struct writer *w);

/* The key or index in front of the path, and the rest of it; NULL: this was the last. */
static uint64_t step_of(const char *path, const char **rest)
{
    char *end;
    uint64_t step = strtoull(path, &end, 10);

    *rest = *end == '.' ? end + 1 : NULL;
    return step;
}

static void rebuild_one(const struct patch *p, const char *rest, struct span one, struct writer *w)
{
    if (rest)
        rebuild(p, rest, one, w);
    else if (p->op == PATCH_ADD || p->op == PATCH_REPEAT)
        rebuild(p, "", one, w);
    else
        new_value(p, one, w);
}

static void rebuild_map(const struct patch *p, const char *path, struct span value,
                        struct writer *w)
{
    struct reader r = reader_over(value);
    struct rd_map m = rd_map(&r, MP_KEY_MAX + 1);
    bool here = *path == '\0'; /* PATCH_ADD to this map */
    const char *rest = NULL;
    uint64_t wanted = here ? UINT64_MAX : step_of(path, &rest);
    bool drop = !here && !rest && p->op == PATCH_DROP;
    uint64_t key;

    wr_map(w, (size_t)m.pairs + here - drop);
    while (rd_map_next(&r, &m, &key)) {
        struct span one = rd_raw(&r);

        if (key == wanted && drop)
            continue;
        wr_key(w, key);
        if (key == wanted)
            rebuild_one(p, rest, one, w);
        else
            wr_raw(w, one);
    }
    if (here) {
        struct bytes raw = vec_unhex(p->text);

        MUST(bytes_append(&w->out, bytes_span(&raw)));
        take_away(&raw);
    }
    MUST(rd_end(&r));
}

static void rebuild_array(const struct patch *p, const char *path, struct span value,
                          struct writer *w)
{
    struct reader r = reader_over(value);
    uint32_t n = rd_array_between(&r, 0, UINT32_MAX);
    bool here = *path == '\0';
    const char *rest = NULL;
    uint64_t wanted = here ? UINT64_MAX : step_of(path, &rest);
    bool drop = !here && !rest && p->op == PATCH_DROP;
    bool repeat = here && p->op == PATCH_REPEAT;

    wr_array(w, repeat ? p->number : n + (here && p->op == PATCH_ADD) - drop);
    for (uint32_t i = 0; i < n; i++) {
        struct span one = rd_raw(&r);

        for (size_t k = 0; repeat && i == 0 && k < p->number; k++)
            wr_raw(w, one);
        if (repeat || (i == wanted && drop))
            continue;
        if (i == wanted)
            rebuild_one(p, rest, one, w);
        else
            wr_raw(w, one);
    }
    if (here && p->op == PATCH_ADD)
        new_value(&(struct patch){.op = PATCH_HEX, .text = p->text}, value, w);
    MUST(rd_end(&r));
}

static void rebuild(const struct patch *p, const char *path, struct span value, struct writer *w)
{
    struct reader r = reader_over(value);

    if (rd_peek(&r) == MP_MAP)
        rebuild_map(p, path, value, w);
    else if (rd_peek(&r) == MP_ARRAY)
        rebuild_array(p, path, value, w);
    else
        MUST(ERR_TYPE); /* the path leads nowhere */
}

void patch_apply(const struct patch *p, struct span value, struct bytes *out)
{
    struct bytes raw = {0};
    struct writer w;

    if (p->op == PATCH_NONE || p->op == PATCH_CUT || p->op == PATCH_APPEND) {
        MUST(bytes_copy(out, value));
        out->len -= p->op == PATCH_CUT ? p->number : 0;
        if (p->op == PATCH_APPEND) {
            raw = vec_unhex(p->text);
            MUST(bytes_append(out, bytes_span(&raw)));
            take_away(&raw);
        }
        return;
    }
    wr_init(&w);
    if (*p->path == '\0' && p->op == PATCH_HEX)
        new_value(p, value, &w);
    else
        rebuild(p, p->path, value, &w);
    MUST(wr_take(&w, out));
}

/* ---- the table ---- */

struct bad_payload {
    const char *name;
    const char *what;
    int step;
    enum err err;
    void (*scene)(struct forge *f); /* the header, or who signs; NULL: the plain one */
    struct patch doc;
    struct patch payload; /* after the author has signed */
};

static const struct vec_sheet sheet = {
    .note = 4,
    .subject = "Avis demandé : plaie du talon",
    .sections = {{CLASS_MEDICAL, "Escarre du talon gauche, stade 2 ; pansement d'hydrocolloïde."}},
    .section_count = 1,
    .function = "IDE de nuit",
    .with_attachment = true,
};

static void urgent(struct forge *f)
{
    f->h.prio = 1;
}

static void an_answer(struct forge *f)
{
    f->h.has_re = true;
    vec_id("answered sheet", f->h.re);
}

static void to_two(struct forge *f)
{
    static const enum vec_member to[] = {EHPAD, DAC};

    forge_address(f, to, 2);
}

static void as_social(struct forge *f)
{
    f->h.scat = CATEGORY_SOCIAL;
}

static void to_both_categories(struct forge *f)
{
    f->h.rcat[0] = CATEGORY_HEALTH | CATEGORY_SOCIAL;
}

static void invitation(struct forge *f)
{
    f->h.type = ENVELOPE_INVITATION;
}

static void invitation_to_two(struct forge *f)
{
    to_two(f);
    invitation(f);
}

static void invitation_as_social(struct forge *f)
{
    as_social(f);
    invitation(f);
}

#define DOC(op_, path_, text_, number_)                                                            \
    {                                                                                              \
        .op = op_, .path = path_, .text = text_, .number = number_                                 \
    }
#define NONE                                                                                       \
    {                                                                                              \
        .op = PATCH_NONE                                                                           \
    }
#define D(name, what, err, op, path, text, number)                                                 \
    {                                                                                              \
        name, what, 15, err, NULL, DOC(op, path, text, number), NONE                               \
    }
#define P(name, what, err, op, path, text, number)                                                 \
    {                                                                                              \
        name, what, 15, err, NULL, NONE, DOC(op, path, text, number)                               \
    }

/* clang-format off */
static const struct bad_payload table[] = {
    /* the outer array */
    P("payload-cut", "the last byte is missing", ERR_TRUNCATED, PATCH_CUT, "", NULL, 1),
    P("payload-trailing", "a byte follows", ERR_TRAILING, PATCH_APPEND, "", "c0", 0),
    P("payload-not-an-array", "a map", ERR_SCHEMA, PATCH_HEX, "", "8101c0", 0),
    P("payload-of-four", "no signature", ERR_SCHEMA, PATCH_DROP, "4", NULL, 0),
    P("payload-of-six", "an element more", ERR_SCHEMA, PATCH_ADD, "", "c0", 0),
    P("payload-version-2", "another version", ERR_SCHEMA, PATCH_UINT, "0", NULL, 2),
    P("payload-version-long", "1 in two bytes", ERR_NOT_CANONICAL, PATCH_HEX, "0", "cc01", 0),
    P("payload-doc-as-text", "the document is text", ERR_SCHEMA, PATCH_TEXT, "1", "document", 0),
    P("payload-doc-empty", "the document has no byte", ERR_SCHEMA, PATCH_HEX, "1", "c400", 0),
    P("payload-org-of-15", "an organisation of 15 bytes", ERR_SCHEMA, PATCH_HEX, "2", "c40f000102030405060708090a0b0c0d0e", 0),
    P("payload-sig-of-1", "a signature of one byte", ERR_SCHEMA, PATCH_HEX, "4", "c40100", 0),
    P("payload-float", "a number that is a float", ERR_TYPE, PATCH_HEX, "0", "ca3f800000", 0),

    /* the document as MP1 */
    D("doc-cut", "the document's last byte is missing", ERR_TRUNCATED, PATCH_CUT, "", NULL, 1),
    D("doc-trailing", "a byte follows the document", ERR_TRAILING, PATCH_APPEND, "", "c0", 0),
    D("doc-not-a-map", "an array", ERR_SCHEMA, PATCH_HEX, "", "9101", 0),
    D("doc-key-twice", "the schema twice", ERR_DUPLICATE_KEY, PATCH_ADD, "", "0b01", 0),
    D("doc-key-order", "a key that should come first", ERR_KEY_ORDER, PATCH_ADD, "", "0a01", 0),
    D("doc-text-not-utf8", "a subject that is no UTF-8", ERR_UTF8, PATCH_HEX, "4", "a241ff", 0),
    D("doc-text-with-nul", "a NUL in the subject", ERR_UTF8, PATCH_HEX, "4", "a3410042", 0),
    D("doc-too-deep", "an extension nine deep", ERR_DEPTH, PATCH_ADD, "", "409191919191919191c0", 0),
    D("doc-long-length", "a subject with a longer length than needed", ERR_NOT_CANONICAL, PATCH_HEX, "4", "d90141", 0),

    /* fields */
    D("unknown-key", "key 14", ERR_FIELD_UNKNOWN, PATCH_ADD, "", "0ec0", 0),
    D("unknown-key-in-person", "key 11 of a person", ERR_FIELD_UNKNOWN, PATCH_ADD, "2", "0b01", 0),
    D("unknown-key-in-section", "key 3 of a section", ERR_FIELD_UNKNOWN, PATCH_ADD, "5.0", "0301", 0),
    D("no-schema", "without schema", ERR_SCHEMA, PATCH_DROP, "1", NULL, 0),
    D("schema-2", "another schema", ERR_SCHEMA, PATCH_UINT, "1", NULL, 2),
    D("no-person", "about nobody", ERR_SCHEMA, PATCH_DROP, "2", NULL, 0),
    D("note-0", "no note type", ERR_SCHEMA, PATCH_UINT, "3", NULL, 0),
    D("note-6", "a note type that is none", ERR_SCHEMA, PATCH_UINT, "3", NULL, 6),
    D("subject-empty", "an empty subject", ERR_SCHEMA, PATCH_TEXT, "4", "", 0),
    D("subject-of-201", "a subject of 201 bytes", ERR_SCHEMA, PATCH_LETTERS, "4", NULL, 201),
    D("subject-not-nfc", "é as e and an accent", ERR_NFC, PATCH_TEXT, "4", "Bien arrive\xcc\x81" "e", 0),
    D("sections-none", "no section", ERR_SCHEMA, PATCH_HEX, "5", "90", 0),
    D("sections-of-33", "33 sections", ERR_SCHEMA, PATCH_REPEAT, "5", NULL, 33),
    D("section-of-identity", "a section of class 1", ERR_SCHEMA, PATCH_UINT, "5.0.1", NULL, 1),
    D("section-of-two-classes", "a section of classes 4 and 8", ERR_SCHEMA, PATCH_UINT, "5.0.1", NULL, 12),
    D("section-of-class-32", "a class that is none", ERR_SCHEMA, PATCH_UINT, "5.0.1", NULL, 32),
    D("section-empty", "a section without text", ERR_SCHEMA, PATCH_TEXT, "5.0.2", "", 0),
    D("section-not-nfc", "a section that is not composed", ERR_NFC, PATCH_TEXT, "5.0.2", "nai\xcc\x88" "f", 0),
    D("urgent-as-number", "urgent is 0", ERR_SCHEMA, PATCH_UINT, "6", NULL, 0),
    D("audience-none", "nobody addressed", ERR_SCHEMA, PATCH_HEX, "7", "90", 0),
    D("audience-kind-5", "a kind of addressee that is none", ERR_SCHEMA, PATCH_UINT, "7.0.2", NULL, 5),
    D("function-without-label", "a function without its name", ERR_SCHEMA, PATCH_DROP, "7.0.3", NULL, 0),
    D("organisation-with-label", "a whole organisation with a label", ERR_SCHEMA, PATCH_UINT, "7.0.2", NULL, 1),
    D("audience-category-0", "nobody's category", ERR_SCHEMA, PATCH_UINT, "7.0.4", NULL, 0),
    D("audience-category-4", "a category that is none", ERR_SCHEMA, PATCH_UINT, "7.0.4", NULL, 4),
    D("author-category-3", "an author of both categories", ERR_SCHEMA, PATCH_UINT, "8.3", NULL, 3),
    D("author-without-name", "an author without name", ERR_SCHEMA, PATCH_DROP, "8.1", NULL, 0),
    D("author-without-organisation", "an author without organisation", ERR_SCHEMA, PATCH_DROP, "8.5", NULL, 0),
    D("rpps-of-10", "an RPPS of ten digits", ERR_SCHEMA, PATCH_TEXT, "8.4", "9970001234", 0),
    D("written-as-text", "a moment as text", ERR_SCHEMA, PATCH_TEXT, "9", "hier", 0),
    D("re-of-15", "an answer to 15 bytes", ERR_SCHEMA, PATCH_HEX, "9", "c40f000102030405060708090a0b0c0d0e", 0),
    D("attachments-none", "an empty list of attachments", ERR_SCHEMA, PATCH_HEX, "11", "90", 0),
    D("attachment-named-by-path", "a name with a slash", ERR_SCHEMA, PATCH_TEXT, "11.0.1", "../compte rendu.pdf", 0),
    D("attachment-named-by-backslash", "a name with a backslash", ERR_SCHEMA, PATCH_TEXT, "11.0.1", "..\\compte rendu.pdf", 0),
    D("attachment-named-by-escape", "a name that steers a terminal", ERR_SCHEMA, PATCH_TEXT, "11.0.1", "compte\x1b[2Jrendu.pdf", 0),
    D("attachment-named-by-c1", "a name with U+0085", ERR_SCHEMA, PATCH_TEXT, "11.0.1", "compte\xc2\x85rendu.pdf", 0),
    D("attachment-of-two-classes", "an attachment of classes 2 and 8", ERR_SCHEMA, PATCH_UINT, "11.0.3", NULL, 10),
    D("attachment-empty", "an attachment without a byte", ERR_SCHEMA, PATCH_HEX, "11.0.4", "c400", 0),
    D("attachment-as-text", "an attachment that is text", ERR_SCHEMA, PATCH_TEXT, "11.0.4", "%PDF", 0),
    D("restricted-as-number", "restricted audience is 1", ERR_SCHEMA, PATCH_ADD, "", "0c01", 0),
    D("answer-by-as-text", "an answer expected some day", ERR_SCHEMA, PATCH_ADD, "", "0da462696573", 0),

    /* identity */
    D("no-local-identifier", "a person without local identifier", ERR_SCHEMA, PATCH_DROP, "2.1", NULL, 0),
    D("no-birth-name", "a person without name", ERR_SCHEMA, PATCH_DROP, "2.3", NULL, 0),
    D("provisional-with-matricule", "the matricule of an identity that is not qualified", ERR_SCHEMA, PATCH_UINT, "2.2.3", NULL, 1),
    D("qualified-without-matricule", "a qualified identity without matricule", ERR_SCHEMA, PATCH_DROP, "2.2.1", NULL, 0),
    D("qualified-without-oid", "a matricule of nobody knows where", ERR_SCHEMA, PATCH_DROP, "2.2.2", NULL, 0),
    D("ins-without-status", "an INS without status", ERR_SCHEMA, PATCH_DROP, "2.2.3", NULL, 0),
    D("ins-status-5", "a status that is none", ERR_SCHEMA, PATCH_UINT, "2.2.3", NULL, 5),
    D("matricule-of-14", "a matricule of 14 characters", ERR_SCHEMA, PATCH_TEXT, "2.2.1", "23805441094176", 0),
    D("qualified-without-first-names", "four traits: no first names", ERR_SCHEMA, PATCH_DROP, "2.4", NULL, 0),
    D("qualified-without-date", "four traits: no date of birth", ERR_SCHEMA, PATCH_DROP, "2.5", NULL, 0),
    D("qualified-without-sex", "four traits: no sex", ERR_SCHEMA, PATCH_DROP, "2.6", NULL, 0),
    D("qualified-without-place", "four traits: no place of birth", ERR_SCHEMA, PATCH_DROP, "2.7", NULL, 0),
    D("birth-date-in-french", "a date in another form", ERR_SCHEMA, PATCH_TEXT, "2.5", "17/05/1938", 0),
    D("birth-date-month-13", "a month that is none", ERR_SCHEMA, PATCH_TEXT, "2.5", "1938-13-17", 0),
    D("sex-4", "a sex that is none", ERR_SCHEMA, PATCH_UINT, "2.6", NULL, 4),
    D("first-names-of-11", "eleven first names", ERR_SCHEMA, PATCH_REPEAT, "2.4", NULL, 11),
    D("name-not-nfc", "a name that is not composed", ERR_NFC, PATCH_TEXT, "2.3", "Bru\xcc\x82le\xcc\x81", 0),
    D("measure-12", "a protection measure that is none", ERR_SCHEMA, PATCH_UINT, "2.10.1", NULL, 12),
    D("measure-without-representative", "a measure without representative", ERR_SCHEMA, PATCH_DROP, "2.10.5", NULL, 0),

    /* signature */
    P("signature-changed", "another signature", ERR_FORGED, PATCH_HEX, "4", "c440000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f", 0),
    P("author-is-not-the-sender", "an organisation that did not send it", ERR_FORGED, PATCH_HEX, "2", "c41000112233445566778899aabbccddeeff", 0),
    P("key-is-not-the-senders", "another signing key id", ERR_FORGED, PATCH_HEX, "3", "c41000112233445566778899aabbccddeeff", 0),

    /* another document than the header says */
    {"invitation-without-offer", "an invitation that invites nowhere", 15, ERR_SCHEMA, invitation, DOC(PATCH_HEX, "3", "c40190", 0), NONE},
    {"invitation-message-of-2001", "a message of 2,001 bytes", 15, ERR_SCHEMA, invitation, DOC(PATCH_LETTERS, "5", NULL, 2001), NONE},
    {"invitation-not-nfc", "a message that is not composed", 15, ERR_NFC, invitation, DOC(PATCH_TEXT, "5", "e\xcc\x81", 0), NONE},
    {"invitation-unknown-key", "key 7", 15, ERR_FIELD_UNKNOWN, invitation, DOC(PATCH_ADD, "", "07c0", 0), NONE},

    /* step 16 */
    {"class-more-than-said", "a social section under a medical label", 16, ERR_MISLABELLED, NULL, DOC(PATCH_UINT, "5.0.1", NULL, 2), NONE},
    {"class-restricted-hidden", "a restricted attachment under a medical label", 16, ERR_MISLABELLED, NULL, DOC(PATCH_UINT, "11.0.3", NULL, 16), NONE},
    {"urgent-inside-only", "urgent inside, not outside", 16, ERR_MISLABELLED, NULL, DOC(PATCH_HEX, "6", "c3", 0), NONE},
    {"urgent-outside-only", "urgent outside, not inside", 16, ERR_MISLABELLED, urgent, DOC(PATCH_HEX, "6", "c2", 0), NONE},
    {"answer-outside-only", "an answer outside, not inside", 16, ERR_MISLABELLED, an_answer, DOC(PATCH_DROP, "10", NULL, 0), NONE},
    {"answer-to-another", "an answer to another sheet", 16, ERR_MISLABELLED, an_answer, DOC(PATCH_HEX, "10", "c41000112233445566778899aabbccddeeff", 0), NONE},
    {"audience-of-another", "another organisation addressed inside", 16, ERR_MISLABELLED, NULL, DOC(PATCH_HEX, "7.0.1", "c41000112233445566778899aabbccddeeff", 0), NONE},
    {"audience-shorter", "one addressed inside, two outside", 16, ERR_MISLABELLED, to_two, DOC(PATCH_DROP, "7.1", NULL, 0), NONE},
    {"audience-category", "another category addressed inside", 16, ERR_MISLABELLED, to_both_categories, DOC(PATCH_UINT, "7.0.4", NULL, 1), NONE},
    {"author-category", "a health professional under a social label", 16, ERR_MISLABELLED, as_social, NONE, NONE},
    {"invitation-to-two", "an invitation to two", 16, ERR_MISLABELLED, invitation_to_two, NONE, NONE},
    {"invitation-author-category", "an invitation by another category", 16, ERR_MISLABELLED, invitation_as_social, NONE, NONE},
};
/* clang-format on */

/* ---- making them ---- */

static struct bytes doc_of(struct span body)
{
    struct reader r = reader_over(body);
    struct bytes doc = {0};

    rd_array(&r, 5);
    rd_skip(&r);
    MUST(bytes_copy(&doc, rd_blob(&r, 0, 262144)));
    for (int i = 0; i < 3; i++)
        rd_skip(&r);
    MUST(rd_end(&r));
    return doc;
}

static void make(struct forge *f, const struct bad_payload *bad)
{
    struct bytes patched = {0};
    struct bytes whole = {0};
    struct bytes doc;
    uint64_t type;

    forge_init(f, bad->name);
    if (bad->scene)
        bad->scene(f);
    type = f->h.type;
    if (type == ENVELOPE_INVITATION) {
        payload_invitation(f, bytes_span(&vec_chain()->offer_dac));
    } else {
        payload_sheet(f, &sheet);
    }
    doc = doc_of(bytes_span(&f->body));
    patch_apply(&bad->doc, bytes_span(&doc), &patched);
    bytes_free(&f->body);
    f->body = (struct bytes){0};
    payload_sign(f->sender, bytes_span(&patched), &f->body);
    patch_apply(&bad->payload, bytes_span(&f->body), &whole);
    forge_set_bytes(&f->body, bytes_span(&whole));
    forge_seal(f, NULL);
    bytes_free(&doc);
    bytes_free(&patched);
    bytes_free(&whole);
}

json_t *vectors_payload_bad(void)
{
    static struct forge f;
    json_t *file = json_object();
    json_t *list;

    put_text(file, "about",
             "Envelopes that open, and whose payload step 15 or 16 refuses (PROTOCOL.md 5.4, 6)");
    vectors_put_world(file);
    list = put_array(file, "vectors");
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        json_t *v = add_object(list);
        json_t *expect;

        make(&f, &table[i]);
        put_text(v, "name", table[i].name);
        put_text(v, "what", table[i].what);
        vectors_put_scene(v, &f);
        expect = put_object(v, "expect");
        put_uint(expect, "step", (uint64_t)table[i].step);
        put_text(expect, "error", vec_err(table[i].err));
        forge_free(&f);
    }
    return file;
}

const struct vectors_file vectors_payload_file = {"payload-bad.json", vectors_payload_bad};
