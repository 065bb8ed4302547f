/* notekey - names and keys of C2SP signed notes; declared in checkpoint.h. */
#include <string.h>

#include "checkpoint.h"
#include "digest.h"
#include "lines.h"

enum err note_name_check(struct span name)
{
    if (name.len == 0 || name.len > NOTE_NAME_MAX || text_check(name) != ERR_OK ||
        text_has_space(name) || memchr(name.ptr, '+', name.len) != NULL)
        return ERR_FIELD_VALUE;
    return ERR_OK;
}

enum err note_key_init(struct note_key *k, struct span name, enum note_kind kind,
                       const struct sign_public *pk)
{
    uint8_t text[NOTE_NAME_MAX + 2 + KEY_BYTES];
    uint8_t hash[SHA256_BYTES];
    enum err e;

    if ((e = note_name_check(name)))
        return e;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\n';
    text[name.len + 1] = (uint8_t)kind;
    memcpy(text + name.len + 2, pk->b, KEY_BYTES);
    sha256(span_of(text, name.len + 2 + KEY_BYTES), hash);

    memset(k, 0, sizeof *k);
    k->pk = *pk;
    k->kind = kind;
    memcpy(k->id, hash, sizeof k->id);
    k->name_len = name.len;
    memcpy(k->name, name.ptr, name.len);
    return ERR_OK;
}

enum err note_key_read(struct span vkey, struct note_key *out)
{
    uint8_t typed[1 + KEY_BYTES];
    uint8_t id[NOTE_KEY_ID_BYTES];
    struct sign_public pk;
    struct note_key k;
    struct span name, hex;
    enum err e;

    if (!line_until(&vkey, '+', &name) || !line_until(&vkey, '+', &hex))
        return ERR_TEXT_FORM;
    if (hex_read_fixed(id, sizeof id, hex) != ERR_OK)
        return ERR_TEXT_FORM;
    if ((e = line_fixed(vkey, typed, sizeof typed)))
        return e;
    if (typed[0] != NOTE_SIGNED && typed[0] != NOTE_COSIGNED)
        return ERR_UNSUPPORTED;
    memcpy(pk.b, typed + 1, sizeof pk.b);
    if ((e = note_key_init(&k, name, typed[0] == NOTE_SIGNED ? NOTE_SIGNED : NOTE_COSIGNED, &pk)))
        return e;
    if (memcmp(id, k.id, sizeof id) != 0) /* a slip of the pen in name or key */
        return ERR_FIELD_VALUE;
    *out = k;
    return ERR_OK;
}

enum err note_key_write(const struct note_key *k, struct bytes *out)
{
    struct bytes text = {0}, base64 = {0};
    uint8_t typed[1 + KEY_BYTES];
    enum err e;

    typed[0] = (uint8_t)k->kind;
    memcpy(typed + 1, k->pk.b, KEY_BYTES);
    if ((e = base64_write(&base64, SPAN_OF(typed))))
        goto out;
    if ((e = bytes_printf(&text, "%s+%02x%02x%02x%02x+%s", k->name, k->id[0], k->id[1], k->id[2],
                          k->id[3], (const char *)base64.ptr)))
        goto out;
    bytes_replace(out, &text);
out:
    bytes_free(&base64);
    bytes_free(&text);
    return e;
}
