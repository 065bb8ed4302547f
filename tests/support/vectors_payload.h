/*
 * vectors_payload - payloads of PROTOCOL.md 6 for the vectors: a document about a person who does
 * not exist, signed by the node of its author. Written from the specification with the writer
 * alone. Thread rule: one thread.
 */
#ifndef TESTS_VECTORS_PAYLOAD_H
#define TESTS_VECTORS_PAYLOAD_H

#include "forge.h"

struct vec_section {
    uint64_t class_mask;
    const char *text;
};

struct vec_sheet { /* what the document says */
    uint64_t note; /* 1 OBS .. 5 GEN */
    const char *subject;
    struct vec_section sections[4];
    size_t section_count;
    const char *function;  /* NULL, or the first addressee is this function of it */
    bool poor;             /* a person known by a local identifier and a name alone */
    bool with_attachment;  /* class 8 */
    size_t lengthen_by;    /* bytes added to the last section */
    uint64_t answer_by_ms; /* 0: absent */
};

/* The fiche de liaison that belongs to the header of f, into f->body. Sets h.class_mask. */
void payload_sheet(struct forge *f, const struct vec_sheet *s);
/* The invitation with `offer` in it: type 2, class 1. */
void payload_invitation(struct forge *f, struct span offer);
/* [1, doc, org, skid, sig] */
void payload_sign(enum vec_member author, struct span doc, struct bytes *out);

extern const struct vec_sheet vec_short_sheet;

#endif
