#include "care.h"

#include <stdlib.h>
#include <string.h>

#include "attaching.h"
#include "circles.h"
#include "contacts.h"
#include "mail.h"
#include "payload.h"
#include "person.h"

static void release(struct care_payload *p)
{
    if (p->doc)
        seal_wipe(p->doc, sizeof(struct document)); /* names, not keys: still nobody's leftovers */
    free(p->doc);
    *p = (struct care_payload){0};
}

/* Whom of this organisation the sheet is for. */
static void addressed(const struct node *n, const struct sheet *s, struct care_payload *out)
{
    for (size_t i = s->audience_count; i-- > 0;)
        if (memcmp(s->audience[i].org, n->self.org, ID_BYTES) == 0) {
            out->to_kind = s->audience[i].kind;
            out->to_name = s->audience[i].label;
        }
}

static enum err open_body(struct node *n, struct span body, const struct env_header *h,
                          struct care_payload *out)
{
    struct circle_signers signers = contacts_signers(n);
    struct document *d = calloc(1, sizeof *d);
    struct sign_public author;
    enum err e = ERR_NOMEM;
    int step;

    if (!d)
        goto out;
    if ((e = signers.find(signers.arg, h->from, h->skid, &author)))
        goto out;
    if ((e = payload_receive(body, h, &author, n->self.mode, d, &step)))
        goto out;
    *out = (struct care_payload){.type = d->type, .class_mask = document_classes(d), .doc = d};
    if (d->type == ENVELOPE_INVITATION)
        out->offer = d->invitation.offer;
    else
        addressed(n, &d->sheet, out);
    d = NULL;
out:
    if (d)
        seal_wipe(d, sizeof *d);
    free(d);
    return e;
}

static enum err resign(struct node *n, struct span body, struct bytes *out)
{
    struct payload p;
    enum err e = payload_decode(body, &p);

    return e ? e : payload_write(p.doc, n->self.org, n->self.kid, n->sign, out);
}

static enum err person_of(struct node *n, struct txn *t, const struct care_payload *p,
                          const struct env_header *h, const uint8_t *circle_person,
                          uint8_t person[ID_BYTES])
{
    return person_of_document(n, t, document_identity(p->doc), h->from, circle_person, person);
}

/* A circle that nobody here has said whose it is becomes that of its first document's person: from
 * then on, one about somebody else is noticed. */
static enum err kept(struct node *n, struct txn *t, const struct care_payload *p,
                     const struct env_header *h, const uint8_t person[ID_BYTES])
{
    struct circle_info i;
    enum err e;

    if (p->type != ENVELOPE_SHEET)
        return ERR_OK;
    if ((e = attaching_kept(n, t, h, &((const struct document *)p->doc)->sheet)))
        return e;
    if ((e = circle_info_get(n, t, h->circle, &i)))
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    if (i.has_person)
        return ERR_OK;
    i.has_person = true;
    memcpy(i.person, person, ID_BYTES);
    return circle_info_put(n, t, &i);
}

static void author_of(const struct node *n, const struct actor *a, struct doc_author *out)
{
    *out = (struct doc_author){.name = span_text(a->name),
                               .profession = span_text(a->profession),
                               .category = a->category,
                               .rpps = span_text(a->rpps),
                               .organisation = span_text(n->self.org_name)};
}

static enum err invite(struct node *n, struct txn *t, const uint8_t person[ID_BYTES],
                       struct span offer, const struct actor *author, struct span message,
                       struct bytes *payload)
{
    struct invitation_doc d = {.offer = offer, .message = message, .written_ms = node_now_ms(n)};
    uint8_t resolved[ID_BYTES];
    struct document check;
    struct bytes doc = {0};
    struct person p;
    struct writer w;
    enum err e;

    if ((e = person_resolve(n, t, person, resolved)) || (e = person_get(n, t, resolved, &p)))
        return e;
    if (p.provisional)
        return ERR_UNIDENTIFIED;
    d.person = p.identity;
    author_of(n, author, &d.author);
    wr_init(&w);
    invitation_doc_encode(&w, &d);
    if ((e = wr_take(&w, &doc)))
        goto out;
    if ((e = document_decode(bytes_span(&doc), ENVELOPE_INVITATION, &check)))
        goto out;
    e = payload_write(bytes_span(&doc), n->self.org, n->self.kid, n->sign, payload);
out:
    seal_bytes_free(&doc);
    seal_wipe(&p.identity, sizeof p.identity);
    seal_wipe(&d.person, sizeof d.person);
    return e;
}

const struct care_hooks care_hooks = {
    .open = open_body,
    .release = release,
    .person = person_of,
    .attachment = attaching_source,
    .resign = resign,
    .kept = kept,
    .invite = invite,
    .circle_ready = person_circle_ready,
};
