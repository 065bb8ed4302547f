/* Arguments of sheet.send as a sheet: every text composed (NFC), every limit named. */
#include <stdlib.h>
#include <string.h>

#include "attaching.h"
#include "contacts.h"
#include "sheet.h"
#include "text.h"
#include "utf8.h"

void draft_free(struct draft *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->count; i++)
        seal_bytes_free(&d->hold[i]);
    seal_wipe(&d->sheet, sizeof d->sheet);
    free(d);
}

static struct bytes *hold(struct draft *d)
{
    return d->count < DRAFT_TEXTS ? &d->hold[d->count++] : NULL;
}

static enum err take_text(struct draft *d, const json_t *from, const char *name, size_t max,
                          struct span *out)
{
    const json_t *value = json_object_get(from, name);
    struct bytes *own = hold(d);
    struct span raw;
    enum err e;

    if (!own)
        return ERR_ITEMS;
    if (!value || json_is_null(value))
        return ERR_FIELD_MISSING;
    if (!json_is_string(value))
        return ERR_FIELD_VALUE;
    raw = span_of(json_string_value(value), json_string_length(value));
    if (memchr(raw.ptr, 0, raw.len))
        return ERR_UTF8;
    if ((e = text_nfc(raw, own)))
        return e;
    if (own->len == 0)
        return ERR_FIELD_MISSING;
    if (own->len > max)
        return ERR_SIZE;
    *out = bytes_span(own);
    return ERR_OK;
}

static enum err take_uint(const json_t *from, const char *name, uint64_t min, uint64_t max,
                          uint64_t *out)
{
    const json_t *value = json_object_get(from, name);

    if (!value || json_is_null(value))
        return ERR_FIELD_MISSING;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) < min || (uint64_t)json_integer_value(value) > max)
        return ERR_FIELD_VALUE;
    *out = (uint64_t)json_integer_value(value);
    return ERR_OK;
}

static enum err optional_uint(const json_t *from, const char *name, uint64_t standard, uint64_t min,
                              uint64_t max, uint64_t *out)
{
    enum err e = take_uint(from, name, min, max, out);

    if (e != ERR_FIELD_MISSING)
        return e;
    *out = standard;
    return ERR_OK;
}

static bool one_bit(uint64_t mask)
{
    return mask != 0 && (mask & (mask - 1)) == 0;
}

static enum err take_class(const json_t *from, uint64_t least, uint64_t *out)
{
    enum err e = take_uint(from, "class", least, CLASS_RESTRICTED, out);

    return e ? e : one_bit(*out) ? ERR_OK : ERR_FIELD_VALUE;
}

static enum err sections_read(struct draft *d, const json_t *list)
{
    size_t n = json_array_size(list);
    enum err e = ERR_OK;

    if (n == 0)
        return ERR_FIELD_MISSING;
    if (n > SHEET_SECTIONS_MAX)
        return ERR_ITEMS;
    for (size_t i = 0; !e && i < n; i++) {
        struct sheet_section *s = &d->sheet.sections[i];

        if (!(e = take_class(json_array_get(list, i), CLASS_SOCIAL, &s->class_mask)))
            e = take_text(d, json_array_get(list, i), "text", SHEET_TEXT_MAX, &s->text);
    }
    d->sheet.section_count = n;
    return e;
}

/* Category 0 stands for "as in the circle": the caller fills it in. */
static enum err addressee_read(struct node *n, struct draft *d, const json_t *from,
                               struct sheet_addressee *a)
{
    const char *org = json_string_value(json_object_get(from, "org"));
    enum err e;

    if (!org)
        return ERR_FIELD_MISSING;
    if ((e = arg_org(n, org, a->org)) ||
        (e = optional_uint(from, "kind", ADDRESSEE_ORG, ADDRESSEE_ORG, ADDRESSEE_UNIT, &a->kind)) ||
        (e = optional_uint(from, "category", 0, 1, CATEGORY_HEALTH | CATEGORY_SOCIAL,
                           &a->category)))
        return e;
    return a->kind == ADDRESSEE_ORG ? ERR_OK
                                    : take_text(d, from, "label", SHEET_LABEL_MAX, &a->label);
}

static enum err audience_read(struct node *n, struct draft *d, const json_t *list)
{
    size_t count = json_array_size(list);
    enum err e = ERR_OK;

    if (count == 0)
        return ERR_FIELD_MISSING;
    if (count > RECIPIENTS_MAX)
        return ERR_ITEMS;
    for (size_t i = 0; !e && i < count; i++) {
        e = addressee_read(n, d, json_array_get(list, i), &d->sheet.audience[i]);
        for (size_t k = 0; !e && k < i; k++)
            if (memcmp(d->sheet.audience[k].org, d->sheet.audience[i].org, ID_BYTES) == 0)
                e = ERR_USAGE;
    }
    d->sheet.audience_count = count;
    return e;
}

static enum err name_check(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];

        if (c < 0x20 || c == 0x7f || c == '/' || c == '\\' ||
            (c == 0xc2 && i + 1 < name.len && name.ptr[i + 1] < 0xa0))
            return ERR_FIELD_VALUE;
    }
    return ERR_OK;
}

static enum err attachment_read(struct node *n, struct draft *d, const json_t *from,
                                struct sheet_attachment *a)
{
    const json_t *content = json_object_get(from, "base64");
    struct bytes *own;
    enum err e;

    if ((e = take_text(d, from, "name", ATTACHMENT_NAME_MAX, &a->name)) ||
        (e = name_check(a->name)) ||
        (e = take_text(d, from, "type", ATTACHMENT_TYPE_MAX, &a->type)) ||
        (e = take_class(from, CLASS_IDENTITY, &a->class_mask)))
        return e;
    if (json_object_get(from, "upload"))
        return attaching_take(n, from, a);
    if (!json_is_string(content) || json_string_length(content) == 0)
        return ERR_FIELD_MISSING;
    if (!(own = hold(d)))
        return ERR_ITEMS;
    e = base64_read(own, span_of(json_string_value(content), json_string_length(content)),
                    ATTACHMENT_MAX);
    a->content = bytes_span(own);
    return e == ERR_SIZE ? ERR_ATTACHMENT_SIZE : e;
}

static enum err attachments_read(struct node *n, struct draft *d, const json_t *list)
{
    size_t count = json_array_size(list);
    enum err e = ERR_OK;

    if (count > SHEET_ATTACHMENTS_MAX)
        return ERR_ITEMS;
    for (size_t i = 0; !e && i < count; i++)
        e = attachment_read(n, d, json_array_get(list, i), &d->sheet.attachments[i]);
    d->sheet.attachment_count = count;
    return e;
}

enum err draft_read(struct node *n, const json_t *args, struct draft *d)
{
    struct sheet *s = &d->sheet;
    enum err e;

    if ((e = take_uint(args, "note", NOTE_OBS, NOTE_GEN, &s->note)) ||
        (e = take_text(d, args, "subject", SHEET_SUBJECT_MAX, &s->subject)) ||
        (e = sections_read(d, json_object_get(args, "sections"))) ||
        (e = audience_read(n, d, json_object_get(args, "to"))) ||
        (e = attachments_read(n, d, json_object_get(args, "attachments"))))
        return e;
    s->urgent = json_is_true(json_object_get(args, "urgent"));
    s->restricted = json_is_true(json_object_get(args, "restricted"));
    s->has_restricted = s->restricted;
    if (json_object_get(args, "answer_by")) {
        s->has_answer_by = true;
        e = take_uint(args, "answer_by", 1, (uint64_t)INT64_MAX, &s->answer_by_ms);
    }
    return e;
}
