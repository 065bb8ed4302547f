/* An identity out of a command's arguments. */
#include <string.h>

#include "dossier.h"
#include "random.h"
#include "text.h"

/* Absent is fine and leaves out empty. */
static enum err take(const json_t *value, size_t max, char *out)
{
    struct bytes nfc = {0};
    struct span raw;
    enum err e;

    if (!value || json_is_null(value))
        return ERR_OK;
    if (!json_is_string(value))
        return ERR_FIELD_VALUE;
    raw = span_of(json_string_value(value), json_string_length(value));
    if (memchr(raw.ptr, 0, raw.len))
        return ERR_UTF8;
    if ((e = text_nfc(raw, &nfc)))
        return e;
    if (nfc.len <= max) {
        if (nfc.len > 0)
            memcpy(out, nfc.ptr, nfc.len);
        out[nfc.len] = '\0';
    } else {
        e = ERR_SIZE;
    }
    seal_bytes_free(&nfc);
    return e;
}

static enum err take_code(const json_t *from, const char *name, uint64_t max, uint64_t *out)
{
    const json_t *value = json_object_get(from, name);

    if (!value || json_is_null(value))
        return ERR_OK;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > max)
        return ERR_FIELD_VALUE;
    *out = (uint64_t)json_integer_value(value);
    return ERR_OK;
}

static enum err take_first_names(const json_t *list, struct identity *p)
{
    size_t n = json_array_size(list);
    enum err e = ERR_OK;

    if (list && !json_is_array(list))
        return ERR_FIELD_VALUE;
    if (n > IDENTITY_FIRST_NAMES)
        return ERR_ITEMS;
    for (size_t i = 0; !e && i < n; i++)
        if (!(e = take(json_array_get(list, i), IDENTITY_NAME_MAX, p->birth_first[i])) &&
            !*p->birth_first[i])
            e = ERR_TRAITS;
    p->birth_first_count = n;
    return e;
}

static enum err take_ins(const json_t *ins, uint64_t mode, struct identity *p)
{
    const char *typed = json_string_value(json_object_get(ins, "matricule"));
    const char *oid = json_string_value(json_object_get(ins, "oid"));
    uint64_t status = INS_NONE;
    enum err e;

    if (!ins || json_is_null(ins))
        return ERR_OK;
    if ((e = take_code(ins, "status", INS_QUAL, &status)))
        return e;
    p->status = (enum ins_status)status;
    if (!typed || !*typed)
        return ERR_OK;
    if ((e = ins_compact(span_text(typed), p->matricule)))
        return e;
    if (oid)
        return ins_oid_read(span_text(oid), &p->oid);
    p->oid = ins_oid_standard(p->matricule, mode);
    return ERR_OK;
}

static enum err take_representation(const json_t *from, struct representation *r)
{
    enum err e;

    if (!from || json_is_null(from))
        return ERR_OK;
    r->stated = true;
    if ((e = take_code(from, "measure", IDENTITY_MEASURE_MAX, &r->measure)) ||
        (e = take_code(from, "scope", IDENTITY_SCOPE_ALL, &r->scope)) ||
        (e = take(json_object_get(from, "from"), IDENTITY_DATE, r->from)) ||
        (e = take(json_object_get(from, "until"), IDENTITY_DATE, r->until)))
        return e;
    return take(json_object_get(from, "representative"), IDENTITY_REPRESENTATIVE_MAX,
                r->representative);
}

enum err identity_read(const json_t *args, uint64_t mode, struct identity *out)
{
    struct identity p = {.status = INS_NONE};
    enum err e;

    if ((e = take(json_object_get(args, "local"), IDENTITY_LOCAL_MAX, p.local)) ||
        (e = take(json_object_get(args, "birth_name"), IDENTITY_NAME_MAX, p.birth_name)) ||
        (e = take_first_names(json_object_get(args, "birth_first_names"), &p)) ||
        (e = take(json_object_get(args, "birth_date"), IDENTITY_DATE, p.birth_date)) ||
        (e = take_code(args, "sex", 3, &p.sex)) ||
        (e = take(json_object_get(args, "birth_place"), IDENTITY_PLACE, p.birth_place)) ||
        (e = take(json_object_get(args, "used_name"), IDENTITY_NAME_MAX, p.used_name)) ||
        (e = take(json_object_get(args, "used_first_name"), IDENTITY_NAME_MAX, p.used_first)) ||
        (e = take_ins(json_object_get(args, "ins"), mode, &p)) ||
        (e = take_representation(json_object_get(args, "representation"), &p.representation)))
        goto out;
    *out = p;
out:
    seal_wipe(&p, sizeof p);
    return e;
}
