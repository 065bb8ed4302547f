#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"
#include "writer.h"

/* msgpack-c's output callback: anything but 0 is a failure. */
static int append(void *arg, const char *data, size_t len)
{
    struct writer *w = arg;

    if (!w->error && len > 0)
        w->error = bytes_append(&w->out, span_of(data, len));
    return w->error ? -1 : 0;
}

static struct msgpack_packer packer_of(struct writer *w)
{
    struct msgpack_packer p;

    msgpack_packer_init(&p, w, append);
    return p;
}

/* msgpack counts in 32 bits; its packer would cut the number silently. */
static bool countable(struct writer *w, size_t n)
{
    if (n > UINT32_MAX)
        wr_fail(w, ERR_SIZE);
    return !w->error;
}

void wr_init(struct writer *w)
{
    *w = (struct writer){.error = ERR_OK};
}

void wr_wipe(struct writer *w)
{
    if (w->out.ptr)
        explicit_bzero(w->out.ptr, w->out.cap);
    bytes_free(&w->out);
    w->error = ERR_OK;
}

void wr_fail(struct writer *w, enum err e)
{
    if (!w->error)
        w->error = e;
}

enum err wr_error(const struct writer *w)
{
    return w->error;
}

struct span wr_span(const struct writer *w)
{
    return bytes_span(&w->out);
}

void wr_array(struct writer *w, size_t n)
{
    struct msgpack_packer p = packer_of(w);

    if (countable(w, n))
        msgpack_pack_array(&p, n);
}

void wr_map(struct writer *w, size_t pairs)
{
    struct msgpack_packer p = packer_of(w);

    if (countable(w, pairs))
        msgpack_pack_map(&p, pairs);
}

void wr_uint(struct writer *w, uint64_t value)
{
    struct msgpack_packer p = packer_of(w);

    msgpack_pack_uint64(&p, value);
}

void wr_key(struct writer *w, uint64_t key)
{
    wr_uint(w, key);
}

void wr_int(struct writer *w, int64_t value)
{
    struct msgpack_packer p = packer_of(w);

    msgpack_pack_int64(&p, value);
}

void wr_bool(struct writer *w, bool value)
{
    struct msgpack_packer p = packer_of(w);

    if (value)
        msgpack_pack_true(&p);
    else
        msgpack_pack_false(&p);
}

void wr_nil(struct writer *w)
{
    struct msgpack_packer p = packer_of(w);

    msgpack_pack_nil(&p);
}

void wr_bin(struct writer *w, struct span value)
{
    struct msgpack_packer p = packer_of(w);

    if (!countable(w, value.len))
        return;
    msgpack_pack_bin(&p, value.len);
    append(w, (const char *)value.ptr, value.len);
}

void wr_text(struct writer *w, struct span value)
{
    struct msgpack_packer p = packer_of(w);

    if (!countable(w, value.len))
        return;
    if (!utf8_valid(value)) {
        wr_fail(w, ERR_UTF8);
        return;
    }
    msgpack_pack_str(&p, value.len);
    append(w, (const char *)value.ptr, value.len);
}

void wr_raw(struct writer *w, struct span value)
{
    append(w, (const char *)value.ptr, value.len);
}

enum err wr_take(struct writer *w, struct bytes *out)
{
    enum err e = w->error;

    if (e) {
        wr_wipe(w);
        return e;
    }
    bytes_free(out);
    *out = w->out;
    wr_init(w);
    return ERR_OK;
}

void wr_key_uint(struct writer *w, uint64_t key, uint64_t value)
{
    wr_key(w, key);
    wr_uint(w, value);
}

void wr_key_bin(struct writer *w, uint64_t key, struct span value)
{
    wr_key(w, key);
    wr_bin(w, value);
}

void wr_key_text(struct writer *w, uint64_t key, struct span value)
{
    wr_key(w, key);
    wr_text(w, value);
}
