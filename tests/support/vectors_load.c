#include "vectors_load.h"

#include <stdio.h>
#include <stdlib.h>

static void give_up(const char *what, const char *which)
{
    fprintf(stderr, "proto/vectors: %s \"%s\"\n", what, which);
    abort();
}

json_t *vec_load(const char *name)
{
    char path[256];
    json_t *file;

    snprintf(path, sizeof path, "proto/vectors/%s", name);
    file = json_load_file(path, 0, NULL);
    if (!file)
        give_up("cannot read", path);
    return file;
}

const json_t *vec_list(const json_t *o, const char *key)
{
    const json_t *list = json_object_get(o, key);

    if (!json_is_array(list) || json_array_size(list) == 0)
        give_up("no list", key);
    return list;
}

const char *vec_text(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    if (!text)
        give_up("no text", key);
    return text;
}

uint64_t vec_uint(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return json_is_string(v) ? strtoull(json_string_value(v), NULL, 10)
                             : (uint64_t)json_integer_value(v);
}

struct bytes vec_hex(const json_t *o, const char *key)
{
    struct bytes raw = {0};

    if (hex_read(&raw, span_text(vec_text(o, key))))
        give_up("no hex in", key);
    return raw;
}

void vec_fixed(const json_t *o, const char *key, uint8_t *out, size_t n)
{
    if (hex_read_fixed(out, n, span_text(vec_text(o, key))))
        give_up("hex of another length in", key);
}

bool vec_is(const json_t *o, const char *key, struct span value)
{
    struct bytes wanted = vec_hex(o, key);
    bool same = span_equal(bytes_span(&wanted), value);

    bytes_free(&wanted);
    return same;
}
