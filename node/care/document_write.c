#include "document.h"
#include "document_keys.h"

static void key_text(struct writer *w, uint64_t key, struct span text)
{
    wr_key(w, key);
    wr_text(w, text);
}

static void key_uint(struct writer *w, uint64_t key, uint64_t value)
{
    wr_key(w, key);
    wr_uint(w, value);
}

static void key_bin(struct writer *w, uint64_t key, struct span value)
{
    wr_key(w, key);
    wr_bin(w, value);
}

static void author_encode(struct writer *w, const struct doc_author *a)
{
    wr_map(w, (size_t)4 + (a->rpps.len > 0));
    key_text(w, AUTHOR_NAME, a->name);
    key_text(w, AUTHOR_PROFESSION, a->profession);
    key_uint(w, AUTHOR_CATEGORY, a->category);
    if (a->rpps.len > 0)
        key_text(w, AUTHOR_RPPS, a->rpps);
    key_text(w, AUTHOR_ORGANISATION, a->organisation);
}

static void sections_encode(struct writer *w, const struct sheet *s)
{
    wr_key(w, SHEET_SECTIONS);
    wr_array(w, s->section_count);
    for (size_t i = 0; i < s->section_count; i++) {
        wr_map(w, 2);
        key_uint(w, SECTION_CLASS, s->sections[i].class_mask);
        key_text(w, SECTION_TEXT, s->sections[i].text);
    }
}

static void audience_encode(struct writer *w, const struct sheet *s)
{
    wr_key(w, SHEET_AUDIENCE);
    wr_array(w, s->audience_count);
    for (size_t i = 0; i < s->audience_count; i++) {
        const struct sheet_addressee *a = &s->audience[i];

        wr_map(w, (size_t)3 + (a->label.len > 0));
        key_bin(w, ADDRESSEE_KEY_ORG, SPAN_OF(a->org));
        key_uint(w, ADDRESSEE_KEY_KIND, a->kind);
        if (a->label.len > 0)
            key_text(w, ADDRESSEE_KEY_LABEL, a->label);
        key_uint(w, ADDRESSEE_KEY_CATEGORY, a->category);
    }
}

static void attachments_encode(struct writer *w, const struct sheet *s)
{
    wr_key(w, SHEET_ATTACHMENTS);
    wr_array(w, s->attachment_count);
    for (size_t i = 0; i < s->attachment_count; i++) {
        const struct sheet_attachment *a = &s->attachments[i];

        wr_map(w, a->chunks ? 7 : 4);
        key_text(w, ATTACHMENT_NAME, a->name);
        key_text(w, ATTACHMENT_TYPE, a->type);
        key_uint(w, ATTACHMENT_CLASS, a->class_mask);
        if (a->chunks == 0) {
            key_bin(w, ATTACHMENT_CONTENT, a->content);
            continue;
        }
        key_bin(w, ATTACHMENT_KEY, SPAN_OF(a->key));
        key_bin(w, ATTACHMENT_ADDRESS, SPAN_OF(a->address));
        key_uint(w, ATTACHMENT_SIZE, a->size);
        key_uint(w, ATTACHMENT_CHUNKS, a->chunks);
    }
}

static void person_encode(struct writer *w, uint64_t key, const struct identity *p)
{
    wr_key(w, key);
    identity_encode(w, p, IDENTITY_TRAVELS);
}

void sheet_encode(struct writer *w, const struct sheet *s)
{
    wr_map(w, (size_t)9 + s->has_re + (s->attachment_count > 0) + s->has_restricted +
                  s->has_answer_by);
    key_uint(w, SHEET_SCHEMA, DOCUMENT_SCHEMA);
    person_encode(w, SHEET_PERSON, &s->person);
    key_uint(w, SHEET_NOTE, s->note);
    key_text(w, SHEET_SUBJECT, s->subject);
    sections_encode(w, s);
    wr_key(w, SHEET_URGENT);
    wr_bool(w, s->urgent);
    audience_encode(w, s);
    wr_key(w, SHEET_AUTHOR);
    author_encode(w, &s->author);
    key_uint(w, SHEET_WRITTEN, s->written_ms);
    if (s->has_re)
        key_bin(w, SHEET_RE, SPAN_OF(s->re));
    if (s->attachment_count > 0)
        attachments_encode(w, s);
    if (s->has_restricted) {
        wr_key(w, SHEET_RESTRICTED);
        wr_bool(w, s->restricted);
    }
    if (s->has_answer_by)
        key_uint(w, SHEET_ANSWER_BY, s->answer_by_ms);
}

void invitation_doc_encode(struct writer *w, const struct invitation_doc *d)
{
    wr_map(w, 6);
    key_uint(w, INVITATION_SCHEMA, DOCUMENT_SCHEMA);
    person_encode(w, INVITATION_PERSON, &d->person);
    key_bin(w, INVITATION_OFFER, d->offer);
    wr_key(w, INVITATION_AUTHOR);
    author_encode(w, &d->author);
    key_text(w, INVITATION_MESSAGE, d->message);
    key_uint(w, INVITATION_WRITTEN, d->written_ms);
}
