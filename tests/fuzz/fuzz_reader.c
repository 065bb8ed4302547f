/*
 * fuzz_reader - the strict reader. What mp_check() accepts, msgpack-c must unpack and pack to the
 * same bytes, and a decoder made of getters must see and our writer must write the same bytes.
 * What it refuses, the getters refuse with the same error.
 */
#include <msgpack.h>
#include <stdlib.h>

#include "fuzz.h"
#include "reader.h"
#include "writer.h"

static void must(int holds)
{
    if (!holds)
        abort();
}

static void copy_value(struct reader *r, struct writer *w);

static void copy_map(struct reader *r, struct writer *w)
{
    struct rd_map m = rd_map(r, UINT32_MAX);
    uint64_t key;

    wr_map(w, m.pairs);
    while (rd_map_next(r, &m, &key)) {
        wr_key(w, key);
        copy_value(r, w);
    }
}

static void copy_value(struct reader *r, struct writer *w)
{
    uint32_t n;

    switch (rd_peek(r)) {
    case MP_NONE:
        rd_skip(r); /* the end, where a value should be */
        break;
    case MP_NIL:
        rd_nil(r);
        wr_nil(w);
        break;
    case MP_BOOL:
        wr_bool(w, rd_bool(r));
        break;
    case MP_UINT:
        wr_uint(w, rd_uint(r, UINT64_MAX));
        break;
    case MP_INT:
        wr_int(w, rd_int(r));
        break;
    case MP_TEXT:
        wr_text(w, rd_text(r, SIZE_MAX));
        break;
    case MP_BIN:
        wr_bin(w, rd_blob(r, 0, SIZE_MAX));
        break;
    case MP_ARRAY:
        n = rd_array_between(r, 0, UINT32_MAX);
        wr_array(w, n);
        while (n-- > 0)
            copy_value(r, w);
        break;
    case MP_MAP:
        copy_map(r, w);
        break;
    }
}

static void msgpack_c_must_agree(struct span in)
{
    msgpack_unpacked u;
    msgpack_sbuffer sb;
    msgpack_packer p;
    size_t used = 0;

    msgpack_unpacked_init(&u);
    must(msgpack_unpack_next(&u, (const char *)in.ptr, in.len, &used) == MSGPACK_UNPACK_SUCCESS);
    must(used == in.len);
    msgpack_sbuffer_init(&sb);
    msgpack_packer_init(&p, &sb, msgpack_sbuffer_write);
    must(msgpack_pack_object(&p, u.data) == 0);
    must(span_equal(span_of(sb.data, sb.size), in));
    msgpack_sbuffer_destroy(&sb);
    msgpack_unpacked_destroy(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = {data, size};
    struct reader r = reader_over(in);
    struct bytes again = {0};
    struct writer w;
    enum err checked = mp_check(in);

    wr_init(&w);
    copy_value(&r, &w);
    must(rd_end(&r) == checked);
    if (checked == ERR_OK) {
        fuzz_accepted++;
        must(wr_take(&w, &again) == ERR_OK);
        must(span_equal(bytes_span(&again), in));
        msgpack_c_must_agree(in);
        r = reader_over(in);
        must(span_equal(rd_raw(&r), in));
    }
    wr_wipe(&w);
    bytes_free(&again);
    return 0;
}
