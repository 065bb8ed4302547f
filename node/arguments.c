/* Reading the arguments of a command (commands.h). */
#include <stdlib.h>
#include <string.h>

#include "circles.h"
#include "commands.h"
#include "contacts.h"
#include "text.h"
#include "vault.h"

#define DIGITS_MIN 4

const char *arg_text(const struct call *c, const char *name)
{
    return json_string_value(json_object_get(c->args, name));
}

enum err arg_id(const struct call *c, const char *name, uint8_t id[ID_BYTES])
{
    const char *text = arg_text(c, name);

    return text && hex_read_fixed(id, ID_BYTES, span_text(text)) == ERR_OK ? ERR_OK : ERR_USAGE;
}

enum err arg_uint(const struct call *c, const char *name, uint64_t standard, uint64_t max,
                  uint64_t *out)
{
    const json_t *value = json_object_get(c->args, name);

    if (!value || json_is_null(value)) {
        *out = standard;
        return ERR_OK;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > max)
        return ERR_USAGE;
    *out = (uint64_t)json_integer_value(value);
    return ERR_OK;
}

bool arg_bool(const struct call *c, const char *name)
{
    return json_is_true(json_object_get(c->args, name));
}

bool id_is_typed(const char *typed)
{
    size_t digits = strlen(typed);

    return digits >= DIGITS_MIN && digits <= 2 * ID_BYTES &&
           strspn(typed, "0123456789abcdef") == digits;
}

bool id_fits(const char *typed, const uint8_t id[ID_BYTES])
{
    size_t digits = strlen(typed);
    char hex[2 * ID_BYTES];

    if (!id_is_typed(typed))
        return false;
    for (size_t i = 0; i < sizeof hex; i++)
        hex[i] = "0123456789abcdef"[i % 2 ? id[i / 2] & 15u : id[i / 2] >> 4];
    return memcmp(hex, typed, digits) == 0 || memcmp(hex + sizeof hex - digits, typed, digits) == 0;
}

/* One that fits, none, or several. */
struct match {
    const char *typed;
    size_t count;
    uint8_t id[ID_BYTES];
};

static void match_try(struct match *m, const uint8_t id[ID_BYTES])
{
    if (!id_fits(m->typed, id) || (m->count > 0 && memcmp(m->id, id, ID_BYTES) == 0))
        return;
    memcpy(m->id, id, ID_BYTES);
    m->count++;
}

static enum err match_end(const struct match *m, uint8_t id[ID_BYTES])
{
    if (m->count != 1)
        return m->count == 0 ? ERR_NOT_FOUND : ERR_USAGE;
    memcpy(id, m->id, ID_BYTES);
    return ERR_OK;
}

/* --- organisations ---------------------------------------------------------------------------- */

static enum err by_name(const struct directory *d, const char *typed, uint8_t org[ID_BYTES])
{
    struct bytes wanted = {0};
    struct match m = {.typed = ""};
    enum err e = text_fold(span_text(typed), &wanted);

    if (!e && wanted.len == 0)
        e = ERR_NOT_FOUND;
    for (size_t i = 0; !e && i < directory_org_count(d); i++) {
        const struct directory_org *o = directory_org(d, i);
        struct bytes name = {0};

        e = text_fold(o->name, &name);
        if (!e && name.len >= wanted.len && memcmp(name.ptr, wanted.ptr, wanted.len) == 0) {
            memcpy(m.id, o->id, ID_BYTES);
            m.count++;
        }
        bytes_free(&name);
    }
    bytes_free(&wanted);
    return e ? e : match_end(&m, org);
}

enum err arg_org(struct node *n, const char *value, uint8_t org[ID_BYTES])
{
    const struct directory *d = contacts_directory(n);
    struct match m = {.typed = value};

    if (!value || !*value)
        return ERR_USAGE;
    for (size_t i = 0; i < directory_org_count(d); i++)
        match_try(&m, directory_org(d, i)->id);
    return m.count > 0 ? match_end(&m, org) : by_name(d, value, org);
}

/* --- circles ------------------------------------------------------------------------------------
 */

static enum err circle_try(void *arg, const struct circle_info *i)
{
    match_try(arg, i->handle);
    return ERR_OK;
}

static enum err invited_try(void *arg, const struct circle_invited *i)
{
    match_try(arg, i->handle);
    return ERR_OK;
}

enum err arg_circle(struct node *n, struct txn *t, const struct call *c, const char *name,
                    uint8_t handle[ID_BYTES])
{
    struct match m = {.typed = arg_text(c, name)};
    enum err e;

    if (!m.typed)
        return ERR_USAGE;
    if ((e = circle_info_each(n, t, circle_try, &m)) ||
        (e = circle_invited_each(n, t, invited_try, &m)))
        return e;
    return match_end(&m, handle);
}

/* --- values for answers
 * --------------------------------------------------------------------------- */

json_t *json_hex(const uint8_t *bytes, size_t size)
{
    struct bytes text = {0};
    json_t *value = NULL;

    if (hex_write(&text, span_of(bytes, size)) == ERR_OK)
        value = json_string((const char *)text.ptr);
    bytes_free(&text);
    return value;
}

json_t *json_time(uint64_t ms)
{
    char text[TIME_TEXT_BYTES];

    return ms == 0 || time_text(ms, text) ? json_null() : json_string(text);
}

json_t *json_span(struct span text)
{
    return json_stringn(text.len ? (const char *)text.ptr : "", text.len);
}
