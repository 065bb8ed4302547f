#include "vectors_edits.h"

#include <stdlib.h>
#include <string.h>

struct bytes vec_unhex(const char *text)
{
    struct bytes raw = {0};

    MUST(hex_read(&raw, span_text(text)));
    return raw;
}

static void set_hex(struct bytes *b, const char *text)
{
    struct bytes raw = vec_unhex(text);

    bytes_free(b);
    *b = raw;
}

EDIT(set_value)
{
    set_hex(&forge_pair_of(f, how->number)->value, how->text);
}

EDIT(drop_key)
{
    forge_drop_pair(f, how->number);
}

static void add_at(struct forge *f, size_t at, const char *text)
{
    struct bytes raw = vec_unhex(text);

    forge_insert_pair(f, at, bytes_span(&raw), span_of(NULL, 0));
    bytes_free(&raw);
}

EDIT(add_first)
{
    add_at(f, 0, how->text);
}

EDIT(add_after)
{
    add_at(f, (size_t)(forge_pair_of(f, how->number) - f->pair) + 1, how->text);
}

EDIT(add_last)
{
    add_at(f, f->pair_count, how->text);
}

EDIT(set_hdr)
{
    set_hex(&f->hdr, how->text);
}

EDIT(cut_hdr)
{
    f->hdr.len -= how->number;
}

static void append(struct bytes *b, const char *text)
{
    struct bytes raw = vec_unhex(text);

    MUST(bytes_append(b, bytes_span(&raw)));
    bytes_free(&raw);
}

EDIT(append_hdr)
{
    append(&f->hdr, how->text);
}

EDIT(set_hdr_head)
{
    struct bytes made = vec_unhex(how->text);

    MUST(bytes_append(&made, span_of(f->hdr.ptr + how->number, f->hdr.len - how->number)));
    bytes_free(&f->hdr);
    f->hdr = made;
}

EDIT(set_part)
{
    set_hex(&f->part[how->number], how->text);
}

EDIT(size_part)
{
    size_t size = how->number % 100000;
    uint8_t *filled = calloc(1, size + 1);

    if (!filled)
        abort();
    forge_set_bin_part(f, how->number / 100000, span_of(filled, size));
    free(filled);
}

EDIT(set_whole)
{
    set_hex(&f->whole, how->text);
}

EDIT(cut_whole)
{
    f->whole.len -= how->number;
}

EDIT(append_whole)
{
    append(&f->whole, how->text);
}
