#include "document.h"

#include <string.h>

#include "document_keys.h"
#include "text.h"

#define MAP_PAIRS (MP_KEY_MAX + 1) /* extensions from key 64 on included */

/* --- reading --------------------------------------------------------------------------------- */

static struct span take_text(struct reader *r, size_t min, size_t max)
{
    struct span text = rd_text_between(r, min, max);
    enum err e;

    if (!rd_error(r) && (e = text_check_nfc(text)))
        rd_fail(r, e);
    return text;
}

static void take_id(struct reader *r, uint8_t id[ID_BYTES])
{
    rd_fixed(r, id, ID_BYTES);
}

static uint64_t take_class(struct reader *r, uint64_t least)
{
    uint64_t mask = rd_uint_between(r, least, CLASS_RESTRICTED);

    if (!rd_error(r) && (mask & (mask - 1)) != 0)
        rd_fail(r, ERR_FIELD_VALUE);
    return mask;
}

static void section_decode(struct reader *r, struct sheet_section *s)
{
    struct rd_map m = rd_map(r, MAP_PAIRS);
    uint64_t key;

    while (rd_map_next(r, &m, &key)) {
        switch (key) {
        case SECTION_CLASS:
            s->class_mask = take_class(r, CLASS_SOCIAL);
            break;
        case SECTION_TEXT:
            s->text = take_text(r, 1, SHEET_TEXT_MAX);
            break;
        default:
            rd_unknown(r, key);
        }
    }
    rd_map_require(r, &m, RD_KEY(SECTION_CLASS) | RD_KEY(SECTION_TEXT));
}

static void addressee_decode(struct reader *r, struct sheet_addressee *a)
{
    struct rd_map m = rd_map(r, MAP_PAIRS);
    uint64_t key;

    while (rd_map_next(r, &m, &key)) {
        switch (key) {
        case ADDRESSEE_KEY_ORG:
            take_id(r, a->org);
            break;
        case ADDRESSEE_KEY_KIND:
            a->kind = rd_uint_between(r, ADDRESSEE_ORG, ADDRESSEE_UNIT);
            break;
        case ADDRESSEE_KEY_LABEL:
            a->label = take_text(r, 1, SHEET_LABEL_MAX);
            break;
        case ADDRESSEE_KEY_CATEGORY:
            a->category = rd_uint_between(r, CATEGORY_HEALTH, CATEGORY_HEALTH | CATEGORY_SOCIAL);
            break;
        default:
            rd_unknown(r, key);
        }
    }
    rd_map_require(r, &m,
                   RD_KEY(ADDRESSEE_KEY_ORG) | RD_KEY(ADDRESSEE_KEY_KIND) |
                       RD_KEY(ADDRESSEE_KEY_CATEGORY));
    if (!rd_error(r) && (a->kind != ADDRESSEE_ORG) != rd_map_has(&m, ADDRESSEE_KEY_LABEL))
        rd_fail(r, ERR_FIELD_VALUE);
}

static void rpps_decode(struct reader *r, struct span *out)
{
    *out = take_text(r, RPPS_BYTES, RPPS_BYTES);
    for (size_t i = 0; !rd_error(r) && i < out->len; i++)
        if (out->ptr[i] < '0' || out->ptr[i] > '9')
            rd_fail(r, ERR_FIELD_VALUE);
}

static void author_decode(struct reader *r, struct doc_author *a)
{
    struct rd_map m = rd_map(r, MAP_PAIRS);
    uint64_t key;

    while (rd_map_next(r, &m, &key)) {
        switch (key) {
        case AUTHOR_NAME:
            a->name = take_text(r, 1, AUTHOR_NAME_MAX);
            break;
        case AUTHOR_PROFESSION:
            a->profession = take_text(r, 1, AUTHOR_PROFESSION_MAX);
            break;
        case AUTHOR_CATEGORY:
            a->category = rd_uint_between(r, CATEGORY_HEALTH, CATEGORY_SOCIAL);
            break;
        case AUTHOR_RPPS:
            rpps_decode(r, &a->rpps);
            break;
        case AUTHOR_ORGANISATION:
            a->organisation = take_text(r, 1, AUTHOR_ORG_MAX);
            break;
        default:
            rd_unknown(r, key);
        }
    }
    rd_map_require(r, &m,
                   RD_KEY(AUTHOR_NAME) | RD_KEY(AUTHOR_PROFESSION) | RD_KEY(AUTHOR_CATEGORY) |
                       RD_KEY(AUTHOR_ORGANISATION));
}

#define BESIDE                                                                                     \
    (RD_KEY(ATTACHMENT_KEY) | RD_KEY(ATTACHMENT_ADDRESS) | RD_KEY(ATTACHMENT_SIZE) |               \
     RD_KEY(ATTACHMENT_CHUNKS))

/* A name is shown and may become a file's: no separator, nothing that steers a terminal. */
static struct span attachment_name_decode(struct reader *r)
{
    struct span name = take_text(r, 1, ATTACHMENT_NAME_MAX);

    for (size_t i = 0; !rd_error(r) && i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool c1 = c == 0xc2 && i + 1 < name.len && name.ptr[i + 1] < 0xa0;

        if (c < 0x20 || c == 0x7f || c == '/' || c == '\\' || c1)
            rd_fail(r, ERR_FIELD_VALUE);
    }
    return name;
}

/* Its content is in the document, or beside the envelope: exactly one of both. */
static void attachment_place(struct reader *r, const struct rd_map *m,
                             const struct sheet_attachment *a)
{
    if (rd_map_has(m, ATTACHMENT_CONTENT)) {
        if (m->seen & BESIDE)
            rd_fail(r, ERR_FIELD_VALUE);
        return;
    }
    rd_map_require(r, m, BESIDE);
    if (a->chunks != attachment_chunks(attachment_sealed_size(a->size)))
        rd_fail(r, ERR_FIELD_VALUE);
}

static void attachment_decode(struct reader *r, struct sheet_attachment *a)
{
    struct rd_map m = rd_map(r, MAP_PAIRS);
    uint64_t key;

    while (rd_map_next(r, &m, &key)) {
        switch (key) {
        case ATTACHMENT_NAME:
            a->name = attachment_name_decode(r);
            break;
        case ATTACHMENT_TYPE:
            a->type = take_text(r, 1, ATTACHMENT_TYPE_MAX);
            break;
        case ATTACHMENT_CLASS:
            a->class_mask = take_class(r, CLASS_IDENTITY);
            break;
        case ATTACHMENT_CONTENT:
            a->content = rd_blob(r, 1, ATTACHMENT_MAX);
            break;
        case ATTACHMENT_KEY:
            rd_fixed(r, a->key, sizeof a->key);
            break;
        case ATTACHMENT_ADDRESS:
            rd_fixed(r, a->address, sizeof a->address);
            break;
        case ATTACHMENT_SIZE:
            a->size = rd_uint_between(r, 1, ATTACHMENT_PLAIN_MAX);
            break;
        case ATTACHMENT_CHUNKS:
            a->chunks = rd_uint_between(r, 1, ATTACHMENT_CHUNKS_MAX);
            break;
        default:
            rd_unknown(r, key);
        }
    }
    rd_map_require(r, &m,
                   RD_KEY(ATTACHMENT_NAME) | RD_KEY(ATTACHMENT_TYPE) | RD_KEY(ATTACHMENT_CLASS));
    attachment_place(r, &m, a);
}

static void sheet_lists_decode(struct reader *r, uint64_t key, struct sheet *s)
{
    switch (key) {
    case SHEET_SECTIONS:
        s->section_count = rd_array_between(r, 1, SHEET_SECTIONS_MAX);
        for (size_t i = 0; i < s->section_count; i++)
            section_decode(r, &s->sections[i]);
        break;
    case SHEET_AUDIENCE:
        s->audience_count = rd_array_between(r, 1, RECIPIENTS_MAX);
        for (size_t i = 0; i < s->audience_count; i++)
            addressee_decode(r, &s->audience[i]);
        break;
    case SHEET_ATTACHMENTS:
        s->attachment_count = rd_array_between(r, 1, SHEET_ATTACHMENTS_MAX);
        for (size_t i = 0; i < s->attachment_count; i++)
            attachment_decode(r, &s->attachments[i]);
        break;
    default:
        rd_unknown(r, key);
    }
}

static void sheet_field_decode(struct reader *r, uint64_t key, struct sheet *s)
{
    switch (key) {
    case SHEET_SCHEMA:
        (void)rd_uint_between(r, DOCUMENT_SCHEMA, DOCUMENT_SCHEMA);
        break;
    case SHEET_PERSON:
        identity_decode(r, IDENTITY_TRAVELS, &s->person);
        break;
    case SHEET_NOTE:
        s->note = rd_uint_between(r, NOTE_OBS, NOTE_GEN);
        break;
    case SHEET_SUBJECT:
        s->subject = take_text(r, 1, SHEET_SUBJECT_MAX);
        break;
    case SHEET_URGENT:
        s->urgent = rd_bool(r);
        break;
    case SHEET_AUTHOR:
        author_decode(r, &s->author);
        break;
    case SHEET_WRITTEN:
        s->written_ms = rd_uint(r, UINT64_MAX);
        break;
    case SHEET_RE:
        take_id(r, s->re);
        s->has_re = true;
        break;
    case SHEET_RESTRICTED:
        s->restricted = rd_bool(r);
        s->has_restricted = true;
        break;
    case SHEET_ANSWER_BY:
        s->answer_by_ms = rd_uint(r, UINT64_MAX);
        s->has_answer_by = true;
        break;
    default:
        sheet_lists_decode(r, key, s);
    }
}

static void sheet_decode(struct reader *r, struct sheet *s)
{
    struct rd_map m = rd_map(r, MAP_PAIRS);
    uint64_t key;

    while (rd_map_next(r, &m, &key))
        sheet_field_decode(r, key, s);
    rd_map_require(r, &m,
                   RD_KEY(SHEET_SCHEMA) | RD_KEY(SHEET_PERSON) | RD_KEY(SHEET_NOTE) |
                       RD_KEY(SHEET_SUBJECT) | RD_KEY(SHEET_SECTIONS) | RD_KEY(SHEET_URGENT) |
                       RD_KEY(SHEET_AUDIENCE) | RD_KEY(SHEET_AUTHOR) | RD_KEY(SHEET_WRITTEN));
}

/* Its form; its signature is judged when it is accepted. */
static void offer_decode(struct reader *r, struct span *out)
{
    struct circle_offer offer;
    enum err e;

    *out = rd_blob(r, 1, CIRCLE_OFFER_MAX);
    if (!rd_error(r) && (e = circle_offer_decode(*out, &offer, NULL)))
        rd_fail(r, e);
}

static void invitation_doc_decode(struct reader *r, struct invitation_doc *d)
{
    struct rd_map m = rd_map(r, MAP_PAIRS);
    uint64_t key;

    while (rd_map_next(r, &m, &key)) {
        switch (key) {
        case INVITATION_SCHEMA:
            (void)rd_uint_between(r, DOCUMENT_SCHEMA, DOCUMENT_SCHEMA);
            break;
        case INVITATION_PERSON:
            identity_decode(r, IDENTITY_TRAVELS, &d->person);
            break;
        case INVITATION_OFFER:
            offer_decode(r, &d->offer);
            break;
        case INVITATION_AUTHOR:
            author_decode(r, &d->author);
            break;
        case INVITATION_MESSAGE:
            d->message = take_text(r, 0, INVITATION_MESSAGE_MAX);
            break;
        case INVITATION_WRITTEN:
            d->written_ms = rd_uint(r, UINT64_MAX);
            break;
        default:
            rd_unknown(r, key);
        }
    }
    rd_map_require(r, &m,
                   RD_KEY(INVITATION_SCHEMA) | RD_KEY(INVITATION_PERSON) |
                       RD_KEY(INVITATION_OFFER) | RD_KEY(INVITATION_AUTHOR) |
                       RD_KEY(INVITATION_MESSAGE) | RD_KEY(INVITATION_WRITTEN));
}

/* What is good MP1 but not as the tables say has one name for the outside. */
static enum err as_schema(enum err e)
{
    switch (e) {
    case ERR_TYPE:
    case ERR_SIZE:
    case ERR_RANGE:
    case ERR_FIELD_VALUE:
    case ERR_FIELD_MISSING:
        return ERR_SCHEMA;
    default:
        return e;
    }
}

static enum err decode_as(struct span doc, uint64_t type, struct document *out)
{
    struct reader r = reader_over(doc);

    memset(out, 0, sizeof *out);
    out->type = type;
    if (type == ENVELOPE_SHEET)
        sheet_decode(&r, &out->sheet);
    else
        invitation_doc_decode(&r, &out->invitation);
    return as_schema(rd_end(&r));
}

enum err document_decode(struct span doc, uint64_t type, struct document *out)
{
    enum err e;

    if (type != ENVELOPE_SHEET && type != ENVELOPE_INVITATION)
        return ERR_SCHEMA;
    if ((e = mp_check(doc)))
        return e;
    return decode_as(doc, type, out);
}

/* --- what the header repeats ----------------------------------------------------------------- */

const struct identity *document_identity(const struct document *d)
{
    return d->type == ENVELOPE_SHEET ? &d->sheet.person : &d->invitation.person;
}

uint64_t document_classes(const struct document *d)
{
    uint64_t mask = CLASS_IDENTITY;

    if (d->type != ENVELOPE_SHEET)
        return mask;
    for (size_t i = 0; i < d->sheet.section_count; i++)
        mask |= d->sheet.sections[i].class_mask;
    for (size_t i = 0; i < d->sheet.attachment_count; i++)
        mask |= d->sheet.attachments[i].class_mask;
    return mask;
}

static bool audience_matches(const struct sheet *s, const struct env_header *h)
{
    if (s->audience_count != h->to_count)
        return false;
    for (size_t i = 0; i < h->to_count; i++)
        if (memcmp(s->audience[i].org, h->to[i], ID_BYTES) != 0 ||
            s->audience[i].category != h->rcat[i])
            return false;
    return true;
}

/* The header names those that travel beside, in their order, and no others. */
static bool attachments_match(const struct sheet *s, const struct env_header *h)
{
    size_t n = 0;

    for (size_t i = 0; i < s->attachment_count; i++) {
        const struct sheet_attachment *a = &s->attachments[i];

        if (a->chunks == 0)
            continue;
        if (n == h->att_count || memcmp(h->att[n].address, a->address, sizeof a->address) != 0 ||
            h->att[n].size != attachment_sealed_size(a->size))
            return false;
        n++;
    }
    return n == h->att_count;
}

static bool sheet_matches(const struct sheet *s, const struct env_header *h)
{
    return s->urgent == (h->prio == 1) && s->has_re == h->has_re &&
           (!s->has_re || memcmp(s->re, h->re, ID_BYTES) == 0) && audience_matches(s, h) &&
           s->author.category == h->scat && attachments_match(s, h);
}

enum err document_matches(const struct document *d, const struct env_header *h)
{
    bool same = d->type == h->type && document_classes(d) == h->class_mask;

    if (same && d->type == ENVELOPE_SHEET)
        same = sheet_matches(&d->sheet, h);
    if (same && d->type == ENVELOPE_INVITATION)
        same = h->to_count == 1 && h->att_count == 0 && d->invitation.author.category == h->scat;
    return same ? ERR_OK : ERR_MISLABELLED;
}
