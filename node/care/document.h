/*
 * document - the two documents that travel (PROTOCOL.md 6.2, 6.3): fiche de liaison and invitation.
 * Strict reading at the door, one encoding, spans borrowed from the bytes read.
 *
 * Reading answers the encoding errors of reader.h (section 1), ERR_NFC, ERR_FIELD_UNKNOWN, and
 * ERR_SCHEMA for everything else that is not as the tables say.
 * Thread rule: pure functions.
 */
#ifndef CARE_DOCUMENT_H
#define CARE_DOCUMENT_H

#include "circle.h"
#include "header.h"
#include "identity.h"

enum {
    DOCUMENT_SCHEMA = 1,
    SHEET_SUBJECT_MAX = 200,
    SHEET_SECTIONS_MAX = 32,
    SHEET_TEXT_MAX = 65536,
    SHEET_LABEL_MAX = 120,
    SHEET_ATTACHMENTS_MAX = 16,
    ATTACHMENT_NAME_MAX = 200,
    ATTACHMENT_TYPE_MAX = 100,
    ATTACHMENT_MAX = 131072,
    AUTHOR_NAME_MAX = 120,
    AUTHOR_PROFESSION_MAX = 80,
    AUTHOR_ORG_MAX = 200,
    INVITATION_MESSAGE_MAX = 2000,
};

enum sheet_note {
    NOTE_OBS = 1,
    NOTE_INTERV,
    NOTE_INST,
    NOTE_DEM_AVIS,
    NOTE_GEN
};
enum addressee_kind {
    ADDRESSEE_ORG = 1,
    ADDRESSEE_PERSON,
    ADDRESSEE_FUNCTION,
    ADDRESSEE_UNIT
};

struct doc_author {
    struct span name;
    struct span profession;
    uint64_t category;
    struct span rpps; /* empty: none */
    struct span organisation;
};
struct sheet_section {
    uint64_t class_mask; /* one bit, 2..16 */
    struct span text;
};
struct sheet_addressee {
    uint8_t org[ID_BYTES];
    uint64_t kind;
    struct span label; /* empty for ADDRESSEE_ORG */
    uint64_t category;
};
struct sheet_attachment {
    struct span name;
    struct span type;
    uint64_t class_mask; /* one bit */
    struct span content; /* empty: beside the envelope, as follows */
    uint8_t key[ATTACHMENT_KEY_BYTES];
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
    uint64_t size;   /* in clear */
    uint64_t chunks; /* 0 with content */
};

struct sheet {
    struct identity person;
    uint64_t note;
    struct span subject;
    size_t section_count;
    struct sheet_section sections[SHEET_SECTIONS_MAX];
    bool urgent;
    size_t audience_count;
    struct sheet_addressee audience[RECIPIENTS_MAX];
    struct doc_author author;
    uint64_t written_ms;
    bool has_re;
    uint8_t re[ID_BYTES];
    size_t attachment_count;
    struct sheet_attachment attachments[SHEET_ATTACHMENTS_MAX];
    bool has_restricted;
    bool restricted;
    bool has_answer_by;
    uint64_t answer_by_ms;
};

struct invitation_doc {
    struct identity person;
    struct span offer;
    struct doc_author author;
    struct span message;
    uint64_t written_ms;
};

struct document {
    uint64_t type; /* enum envelope_type: which of the two */
    union {
        struct sheet sheet;
        struct invitation_doc invitation;
    };
};

void sheet_encode(struct writer *w, const struct sheet *s);
void invitation_doc_encode(struct writer *w, const struct invitation_doc *d);
/* type: the header's, which says by which table to read. On failure *out is undefined. */
enum err document_decode(struct span doc, uint64_t type, struct document *out);

const struct identity *document_identity(const struct document *d); /* whom it is about */
/* What the document says it is: identity, and the classes of its sections and attachments. */
uint64_t document_classes(const struct document *d);
/* Step 16: what the header repeats. ERR_MISLABELLED. */
enum err document_matches(const struct document *d, const struct env_header *h);

#endif
