/* Any MP1 value as JSON, for a person and for an independent implementation to compare with. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "reader.h"
#include "vectors.h"

static json_t *decoded(struct reader *r);

static json_t *decoded_array(struct reader *r)
{
    json_t *list = json_array();
    uint32_t n = rd_array_between(r, 0, MP_ITEMS_MAX);

    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(list, decoded(r));
    return list;
}

static json_t *decoded_map(struct reader *r)
{
    struct rd_map m = rd_map(r, MP_KEY_MAX + 1);
    json_t *o = json_object();
    uint64_t key;

    while (rd_map_next(r, &m, &key)) {
        char name[8];

        snprintf(name, sizeof name, "%" PRIu64, key);
        json_object_set_new(o, name, decoded(r));
    }
    return o;
}

static json_t *decoded_text(struct reader *r)
{
    struct span text = rd_text(r, SIZE_MAX);

    return json_stringn((const char *)text.ptr, text.len);
}

static json_t *decoded_bin(struct reader *r)
{
    json_t *o = json_object();

    put_span(o, "bin", rd_blob(r, 0, SIZE_MAX));
    return o;
}

static json_t *decoded(struct reader *r)
{
    switch (rd_peek(r)) {
    case MP_NIL:
        rd_nil(r);
        return json_null();
    case MP_BOOL:
        return json_boolean(rd_bool(r));
    case MP_UINT:
        return json_number(rd_uint(r, UINT64_MAX));
    case MP_TEXT:
        return decoded_text(r);
    case MP_BIN:
        return decoded_bin(r);
    case MP_ARRAY:
        return decoded_array(r);
    case MP_MAP:
        return decoded_map(r);
    case MP_INT: /* no structure of Relais has one */
    case MP_NONE:
        break;
    }
    abort();
}

void put_decoded(json_t *o, const char *key, struct span value)
{
    struct reader r = reader_over(value);

    json_object_set_new(o, key, decoded(&r));
    MUST(rd_end(&r));
}
