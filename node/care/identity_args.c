/* An identity out of a command's arguments. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dossier.h"
#include "random.h"
#include "text.h"

/* One refusal that names its field; e, or ERR_NOMEM. */
__attribute__((format(printf, 3, 4))) static enum err refuse(struct bytes *why, enum err e,
                                                             const char *format, ...)
{
    char text[400];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return bytes_printf(why, "%s Rien n'a été enregistré.\n", text) ? ERR_NOMEM : e;
}

static bool is_control(const uint8_t *p, size_t left)
{
    return *p < 0x20 || *p == 0x7f || (*p == 0xc2 && left > 1 && p[1] < 0xa0);
}

/* Spaces around go, of several one stays; ERR_FIELD_VALUE: a control character. */
static enum err tidy(struct bytes *text)
{
    size_t len = 0;

    for (size_t i = 0; i < text->len; i++) {
        if (is_control(text->ptr + i, text->len - i))
            return ERR_FIELD_VALUE;
        if (text->ptr[i] == ' ' && (len == 0 || text->ptr[len - 1] == ' '))
            continue;
        text->ptr[len++] = text->ptr[i];
    }
    text->len = len > 0 && text->ptr[len - 1] == ' ' ? len - 1 : len;
    return ERR_OK;
}

/* Absent is fine and leaves out empty. */
static enum err take(const json_t *value, const char *field, size_t max, char *out,
                     struct bytes *why)
{
    struct bytes nfc = {0};
    struct span raw;
    enum err e;

    if (!value || json_is_null(value))
        return ERR_OK;
    if (!json_is_string(value))
        return refuse(why, ERR_FIELD_VALUE, "%s : ce n'est pas un texte.", field);
    raw = span_of(json_string_value(value), json_string_length(value));
    if (memchr(raw.ptr, 0, raw.len))
        return ERR_UTF8;
    if ((e = text_nfc(raw, &nfc)))
        return e;
    if ((e = tidy(&nfc)))
        e = refuse(why, e,
                   "%s : un caractère de commande (retour à la ligne, échappement) s'y trouve ; "
                   "retirez-le.",
                   field);
    else if (nfc.len == 0 && raw.len > 0)
        e = refuse(why, ERR_FIELD_VALUE, "%s : il n'y a que des espaces.", field);
    else if (nfc.len > max)
        e = refuse(why, ERR_SIZE, "%s : %zu octets, il en faut %zu au plus.", field, nfc.len, max);
    if (!e) {
        if (nfc.len > 0)
            memcpy(out, nfc.ptr, nfc.len);
        out[nfc.len] = '\0';
    }
    seal_bytes_free(&nfc);
    return e;
}

/* DD/MM/YYYY becomes YYYY-MM-DD. */
static enum err take_date(const json_t *value, const char *field, char out[IDENTITY_DATE + 1],
                          struct bytes *why)
{
    const char *typed = json_string_value(value);
    char text[IDENTITY_DATE + 1] = "";

    if (!value || json_is_null(value) || (typed && !*typed))
        return ERR_OK;
    if (typed && strlen(typed) == IDENTITY_DATE && typed[2] == '/' && typed[5] == '/')
        snprintf(text, sizeof text, "%.4s-%.2s-%.2s", typed + 6, typed + 3, typed);
    else if (typed && strlen(typed) == IDENTITY_DATE)
        memcpy(text, typed, sizeof text);
    if (!date_is_valid(text))
        return refuse(why, ERR_TRAITS,
                      "%s « %.40s » : ce n'est pas une date. Écrivez JJ/MM/AAAA (17/05/1938).",
                      field, typed ? typed : "");
    memcpy(out, text, sizeof text);
    return ERR_OK;
}

static enum err take_birth(const json_t *args, uint64_t now_ms, struct identity *p,
                           struct bytes *why)
{
    time_t s = (time_t)(now_ms / 1000) + 14 * 3600; /* today has begun there first */
    char today[IDENTITY_DATE + 1] = "";
    struct tm tm;
    enum err e;

    if ((e = take_date(json_object_get(args, "birth_date"), "Date de naissance", p->birth_date,
                       why)))
        return e;
    if (now_ms == 0 || !*p->birth_date || !gmtime_r(&s, &tm) ||
        strftime(today, sizeof today, "%Y-%m-%d", &tm) == 0 || strcmp(p->birth_date, today) <= 0)
        return ERR_OK;
    return refuse(why, ERR_TRAITS, "Date de naissance « %.2s/%.2s/%.4s » : elle est à venir.",
                  p->birth_date + 8, p->birth_date + 5, p->birth_date);
}

static enum err take_place(const json_t *args, struct identity *p, struct bytes *why)
{
    const char *typed = json_string_value(json_object_get(args, "birth_place"));
    size_t len = typed ? strspn(typed, "0123456789AB") : 0;

    if (typed && *typed && (len != IDENTITY_PLACE || typed[len]))
        return refuse(why, ERR_TRAITS,
                      "Lieu de naissance « %.40s » : il faut le code INSEE de la commune ou du "
                      "pays, cinq caractères (44109, 2A004).",
                      typed);
    return take(json_object_get(args, "birth_place"), "Lieu de naissance", IDENTITY_PLACE,
                p->birth_place, why);
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

static enum err take_first_names(const json_t *list, struct identity *p, struct bytes *why)
{
    size_t n = json_array_size(list);
    enum err e = ERR_OK;

    if (list && !json_is_array(list))
        return ERR_FIELD_VALUE;
    if (n > IDENTITY_FIRST_NAMES)
        return ERR_ITEMS;
    for (size_t i = 0; !e && i < n; i++)
        if (!(e = take(json_array_get(list, i), "Prénom de naissance", IDENTITY_NAME_MAX,
                       p->birth_first[i], why)) &&
            !*p->birth_first[i])
            e = refuse(why, ERR_TRAITS, "Prénoms de naissance : l'un est vide.");
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

static enum err take_representation(const json_t *from, struct representation *r, struct bytes *why)
{
    enum err e;

    if (!from || json_is_null(from))
        return ERR_OK;
    r->stated = true;
    if ((e = take_code(from, "measure", IDENTITY_MEASURE_MAX, &r->measure)) ||
        (e = take_code(from, "scope", IDENTITY_SCOPE_ALL, &r->scope)) ||
        (e = take_date(json_object_get(from, "from"), "Début de la mesure", r->from, why)) ||
        (e = take_date(json_object_get(from, "until"), "Fin de la mesure", r->until, why)))
        return e;
    return take(json_object_get(from, "representative"), "Représentant",
                IDENTITY_REPRESENTATIVE_MAX, r->representative, why);
}

enum err identity_read(const json_t *args, uint64_t mode, uint64_t now_ms, struct identity *out,
                       struct bytes *why)
{
    struct identity p = {.status = INS_NONE};
    enum err e;

    if ((e = take(json_object_get(args, "local"), "Identifiant local", IDENTITY_LOCAL_MAX, p.local,
                  why)) ||
        (e = take(json_object_get(args, "birth_name"), "Nom de naissance", IDENTITY_NAME_MAX,
                  p.birth_name, why)) ||
        (e = take_first_names(json_object_get(args, "birth_first_names"), &p, why)) ||
        (e = take_birth(args, now_ms, &p, why)) || (e = take_code(args, "sex", 3, &p.sex)) ||
        (e = take_place(args, &p, why)) ||
        (e = take(json_object_get(args, "used_name"), "Nom d'usage", IDENTITY_NAME_MAX, p.used_name,
                  why)) ||
        (e = take(json_object_get(args, "used_first_name"), "Prénom d'usage", IDENTITY_NAME_MAX,
                  p.used_first, why)) ||
        (e = take_ins(json_object_get(args, "ins"), mode, &p)) ||
        (e = take_representation(json_object_get(args, "representation"), &p.representation, why)))
        goto out;
    *out = p;
out:
    seal_wipe(&p, sizeof p);
    return e;
}
