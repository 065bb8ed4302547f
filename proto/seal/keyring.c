#include "keyring.h"

#include <string.h>

#include "reader.h"
#include "writer.h"

static int name_ok(struct span name)
{
    if (name.len == 0 || name.len > KEYRING_NAME_MAX)
        return 0;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'))
            return 0;
    }
    return 1;
}

/* Where the name is, or where it belongs. Names are no secrets. */
static size_t position(const struct keyring *r, const char *name)
{
    size_t i = 0;

    while (i < r->count && strcmp(r->entries[i].name, name) < 0)
        i++;
    return i;
}

static const struct keyring_entry *entry_at(const struct keyring *r, const char *name)
{
    size_t i = position(r, name);

    if (i == r->count || strcmp(r->entries[i].name, name) != 0)
        return NULL;
    return &r->entries[i];
}

enum err keyring_add_bytes(struct keyring *r, const char *name, struct span secret)
{
    struct keyring_entry fresh = {.len = (uint8_t)secret.len};
    struct span text = span_text(name);
    size_t i;

    if (!name_ok(text) || secret.len == 0 || secret.len > KEYRING_VALUE_MAX)
        return ERR_RANGE;
    if (entry_at(r, name) != NULL)
        return ERR_EXISTS;
    if (r->count == KEYRING_MAX)
        return ERR_FULL;
    memcpy(fresh.name, text.ptr, text.len);
    memcpy(fresh.value, secret.ptr, secret.len); /* first: it may lie in an entry that moves */
    i = position(r, name);
    memmove(&r->entries[i + 1], &r->entries[i], (r->count - i) * sizeof fresh);
    r->entries[i] = fresh;
    r->count++;
    seal_wipe(&fresh, sizeof fresh);
    return ERR_OK;
}

enum err keyring_add(struct keyring *r, const char *name, const struct secret32 *secret)
{
    return keyring_add_bytes(r, name, secret32_span(secret));
}

enum err keyring_find(const struct keyring *r, const char *name, struct span *out)
{
    const struct keyring_entry *entry = entry_at(r, name);

    if (entry == NULL)
        return ERR_NOT_FOUND;
    *out = (struct span){entry->value, entry->len};
    return ERR_OK;
}

enum err keyring_get(const struct keyring *r, const char *name, struct secret32 **out)
{
    struct span value;
    enum err e;

    if ((e = keyring_find(r, name, &value)))
        return e;
    if (value.len != KEY_BYTES)
        return ERR_TYPE;
    return secret32_copy(value, out);
}

enum err keyring_remove(struct keyring *r, const char *name)
{
    size_t i = position(r, name);
    struct keyring_entry *last;

    if (entry_at(r, name) == NULL)
        return ERR_NOT_FOUND;
    last = &r->entries[r->count - 1];
    memmove(&r->entries[i], &r->entries[i + 1], (r->count - i - 1) * sizeof *last);
    seal_wipe(last, sizeof *last);
    r->count--;
    return ERR_OK;
}

size_t keyring_count(const struct keyring *r)
{
    return r->count;
}

const char *keyring_name(const struct keyring *r, size_t i)
{
    return i < r->count ? r->entries[i].name : NULL;
}

void keyring_free(struct keyring *r)
{
    secret_release(r);
}

enum err keyring_body_write(const struct keyring *r, uint8_t *body, size_t *len)
{
    struct writer w;

    wr_init(&w);
    /* The writer works in the caller's guarded memory, which is large enough that it never grows:
     * on the heap each growth would leave a copy of the secrets behind. Hence no wr_take(). */
    w.out = (struct bytes){body, 0, KEYRING_BODY_MAX};
    wr_array(&w, r->count);
    for (size_t i = 0; i < r->count; i++) {
        const struct keyring_entry *entry = &r->entries[i];

        wr_array(&w, 2);
        wr_text(&w, span_text(entry->name));
        wr_bin(&w, (struct span){entry->value, entry->len});
    }
    *len = wr_span(&w).len;
    return wr_error(&w);
}

/* One [name, secret], which must come after all that were read before. */
static void entry_read(struct keyring *r, struct reader *in)
{
    char name[KEYRING_NAME_MAX + 1] = {0};
    struct span text, value;

    rd_array(in, 2);
    text = rd_text_between(in, 1, KEYRING_NAME_MAX);
    value = rd_blob(in, 1, KEYRING_VALUE_MAX);
    if (rd_error(in))
        return;
    memcpy(name, text.ptr, text.len);
    if (r->count > 0 && strcmp(r->entries[r->count - 1].name, name) >= 0)
        rd_fail(in, ERR_NOT_CANONICAL);
    else if (keyring_add_bytes(r, name, value))
        rd_fail(in, ERR_FIELD_VALUE);
}

enum err keyring_body_read(struct keyring *r, struct span body)
{
    struct reader in = reader_over(body);
    uint32_t n = rd_array_between(&in, 0, KEYRING_MAX);

    for (uint32_t i = 0; i < n && !rd_error(&in); i++)
        entry_read(r, &in);
    return rd_end(&in) ? ERR_CORRUPT : ERR_OK;
}
