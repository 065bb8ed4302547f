#include <string.h>

#include "reader.h"
#include "token.h"
#include "utf8.h"

enum {
    ANY_TYPE = ~0
};

#define TYPE_BIT(type) (1 << (type))

/* What the head promises must be there: compared with the bytes and items left, never allocated. */
static enum err promise(const struct reader *r, const struct token *t)
{
    size_t after = (size_t)(r->end - r->at) - t->head;
    uint64_t per_entry = t->type == MP_MAP ? 2 : 1; /* an entry's smallest size is its items */

    switch (t->type) {
    case MP_TEXT:
    case MP_BIN:
        return t->value > after ? ERR_TRUNCATED : ERR_OK;
    case MP_ARRAY:
    case MP_MAP:
        if (r->depth == MP_DEPTH_MAX)
            return ERR_DEPTH;
        if (t->value * per_entry > after) /* value < 2^32 */
            return ERR_TRUNCATED;
        if (t->value * per_entry >= r->items_left) /* the container is an item itself */
            return ERR_ITEMS;
        return ERR_OK;
    default:
        return ERR_OK;
    }
}

/* ---- the cursor ---- */

void rd_fail(struct reader *r, enum err e)
{
    if (!r->error)
        r->error = e;
}

static bool key_is_next(const struct reader *r)
{
    const struct rd_level *l = &r->level[r->depth];

    return l->is_map && l->left % 2 == 0 && l->left > 0;
}

static enum err look_at(const struct reader *r, struct token *t)
{
    size_t left = (size_t)(r->end - r->at);
    enum err e;

    if (r->level[r->depth].left == 0) /* only the root stays open when it has nothing left */
        return left ? ERR_TRAILING : ERR_TRUNCATED;
    if (r->items_left == 0)
        return ERR_ITEMS;
    if ((e = token_read(r->at, left, t)))
        return e;
    return promise(r, t);
}

/* Sees the next value without reading it. False: the reader has failed. */
static bool look(struct reader *r, int types, struct token *t)
{
    enum err e;

    if (r->error)
        return false;
    if ((e = look_at(r, t)))
        rd_fail(r, e);
    else if (!(types & TYPE_BIT(t->type)))
        rd_fail(r, ERR_TYPE);
    return !r->error;
}

static bool look_value(struct reader *r, int types, struct token *t)
{
    if (key_is_next(r))
        rd_fail(r, ERR_INTERNAL);
    return look(r, types, t);
}

/* Reads what look() saw: a container's content is next, or what follows the value. */
static void take(struct reader *r, const struct token *t)
{
    uint32_t content = (uint32_t)t->value;

    if (t->type == MP_TEXT && !utf8_valid(span_of(t->body, t->value))) {
        rd_fail(r, ERR_UTF8);
        return;
    }
    r->at = t->body;
    if (t->type == MP_TEXT || t->type == MP_BIN)
        r->at += t->value;
    r->items_left--;
    r->level[r->depth].left--;
    if (t->type == MP_ARRAY)
        r->level[++r->depth] = (struct rd_level){content, -1, false};
    if (t->type == MP_MAP)
        r->level[++r->depth] = (struct rd_level){content * 2, -1, true};
    while (r->depth > 0 && r->level[r->depth].left == 0)
        r->depth--;
}

static bool take_key(struct reader *r, uint64_t *key)
{
    struct rd_level *l = &r->level[r->depth];
    struct token t;

    if (!look(r, TYPE_BIT(MP_UINT), &t))
        return false;
    if (t.value > MP_KEY_MAX)
        rd_fail(r, ERR_RANGE);
    else if ((int64_t)t.value == l->last_key)
        rd_fail(r, ERR_DUPLICATE_KEY);
    else if ((int64_t)t.value < l->last_key)
        rd_fail(r, ERR_KEY_ORDER);
    if (r->error)
        return false;
    l->last_key = (int16_t)t.value;
    take(r, &t);
    *key = t.value;
    return true;
}

struct reader reader_over_limits(struct span whole, uint32_t items_max)
{
    static const uint8_t nothing[1];
    const uint8_t *start = whole.len ? whole.ptr : nothing; /* NULL + 0 is not defined */

    return (struct reader){
        .start = start,
        .at = start,
        .end = start + whole.len,
        .items_left = items_max,
        .error = ERR_OK,
        .level[0] = {1, -1, false},
    };
}

struct reader reader_over(struct span whole)
{
    return reader_over_limits(whole, MP_ITEMS_MAX);
}

enum err mp_check(struct span whole)
{
    struct reader r = reader_over(whole);

    rd_skip(&r);
    return rd_end(&r);
}

enum err rd_error(const struct reader *r)
{
    return r->error;
}

size_t rd_where(const struct reader *r)
{
    return (size_t)(r->at - r->start);
}

enum err rd_end(struct reader *r)
{
    if (r->at != r->end)
        rd_fail(r, ERR_TRAILING);
    else if (r->level[0].left > 0)
        rd_fail(r, ERR_TRUNCATED);
    return r->error;
}

/* ---- single values ---- */

enum mp_type rd_peek(struct reader *r)
{
    struct token t;

    if (r->level[r->depth].left == 0 && r->at == r->end)
        return MP_NONE;
    return look_value(r, ANY_TYPE, &t) ? t.type : MP_NONE;
}

void rd_nil(struct reader *r)
{
    struct token t;

    if (look_value(r, TYPE_BIT(MP_NIL), &t))
        take(r, &t);
}

bool rd_skip_nil(struct reader *r)
{
    if (rd_peek(r) != MP_NIL)
        return false;
    rd_nil(r);
    return true;
}

bool rd_bool(struct reader *r)
{
    struct token t;

    if (!look_value(r, TYPE_BIT(MP_BOOL), &t))
        return false;
    take(r, &t);
    return t.value != 0;
}

uint64_t rd_uint_between(struct reader *r, uint64_t min, uint64_t max)
{
    struct token t;

    if (!look_value(r, TYPE_BIT(MP_UINT), &t))
        return 0;
    if (t.value < min || t.value > max) {
        rd_fail(r, ERR_RANGE);
        return 0;
    }
    take(r, &t);
    return t.value;
}

uint64_t rd_uint(struct reader *r, uint64_t max)
{
    return rd_uint_between(r, 0, max);
}

uint32_t rd_u32(struct reader *r, uint32_t max)
{
    return (uint32_t)rd_uint(r, max);
}

uint16_t rd_u16(struct reader *r, uint16_t max)
{
    return (uint16_t)rd_uint(r, max);
}

uint8_t rd_u8(struct reader *r, uint8_t max)
{
    return (uint8_t)rd_uint(r, max);
}

int64_t rd_int_between(struct reader *r, int64_t min, int64_t max)
{
    struct token t;
    bool fits;

    if (!look_value(r, TYPE_BIT(MP_UINT) | TYPE_BIT(MP_INT), &t))
        return 0;
    fits = t.type == MP_INT || t.value <= INT64_MAX;
    if (!fits || (int64_t)t.value < min || (int64_t)t.value > max) {
        rd_fail(r, ERR_RANGE);
        return 0;
    }
    take(r, &t);
    return (int64_t)t.value;
}

int64_t rd_int(struct reader *r)
{
    return rd_int_between(r, INT64_MIN, INT64_MAX);
}

static struct span body_between(struct reader *r, enum mp_type type, size_t min, size_t max)
{
    struct token t;

    if (!look_value(r, TYPE_BIT(type), &t))
        return (struct span){0};
    if (t.value < min || t.value > max)
        rd_fail(r, ERR_SIZE);
    else
        take(r, &t);
    if (r->error)
        return (struct span){0};
    return span_of(t.body, t.value);
}

struct span rd_blob(struct reader *r, size_t min, size_t max)
{
    return body_between(r, MP_BIN, min, max);
}

struct span rd_text_between(struct reader *r, size_t min, size_t max)
{
    return body_between(r, MP_TEXT, min, max);
}

struct span rd_text(struct reader *r, size_t max)
{
    return body_between(r, MP_TEXT, 0, max);
}

void rd_fixed(struct reader *r, uint8_t *out, size_t n)
{
    struct span body = body_between(r, MP_BIN, n, n);

    memset(out, 0, n);
    if (body.len)
        memcpy(out, body.ptr, n);
}

void rd_skip(struct reader *r)
{
    uint32_t here = r->depth;
    uint64_t key;
    struct token t;

    do {
        if (look_value(r, ANY_TYPE, &t))
            take(r, &t);
        if (!r->error && r->depth > here && key_is_next(r) && !take_key(r, &key))
            return;
    } while (!r->error && r->depth > here);
}

struct span rd_raw(struct reader *r)
{
    const uint8_t *from = r->at;

    rd_skip(r);
    if (r->error)
        return (struct span){0};
    return span_of(from, (size_t)(r->at - from));
}

/* ---- containers ---- */

uint32_t rd_array_between(struct reader *r, uint32_t min, uint32_t max)
{
    struct token t;

    if (!look_value(r, TYPE_BIT(MP_ARRAY), &t))
        return 0;
    if (t.value < min || t.value > max) {
        rd_fail(r, ERR_SIZE);
        return 0;
    }
    take(r, &t);
    return (uint32_t)t.value;
}

void rd_array(struct reader *r, uint32_t n)
{
    rd_array_between(r, n, n);
}

struct rd_map rd_map(struct reader *r, uint32_t most)
{
    uint32_t outside = r->depth;
    struct token t;

    if (!look_value(r, TYPE_BIT(MP_MAP), &t))
        return (struct rd_map){0};
    if (t.value > most) {
        rd_fail(r, ERR_SIZE);
        return (struct rd_map){0};
    }
    take(r, &t);
    return (struct rd_map){
        .pairs = (uint32_t)t.value, .left = (uint32_t)t.value, .depth = outside + 1};
}

bool rd_map_next(struct reader *r, struct rd_map *m, uint64_t *key)
{
    if (r->error)
        return false;
    if (m->left == 0) {
        if (r->depth >= m->depth) /* the last value was not read */
            rd_fail(r, ERR_INTERNAL);
        return false;
    }
    if (r->depth != m->depth || r->level[r->depth].left != m->left * 2) {
        rd_fail(r, ERR_INTERNAL); /* the value before was not read, or not only it */
        return false;
    }
    if (!take_key(r, key))
        return false;
    m->left--;
    if (*key < 64)
        m->seen |= RD_KEY(*key);
    return true;
}

bool rd_map_has(const struct rd_map *m, unsigned key)
{
    return key < 64 && (m->seen & RD_KEY(key));
}

void rd_map_require(struct reader *r, const struct rd_map *m, uint64_t keys)
{
    if (keys & ~m->seen)
        rd_fail(r, ERR_FIELD_MISSING);
}

void rd_unknown(struct reader *r, uint64_t key)
{
    if (key < MP_KEY_IGNORABLE)
        rd_fail(r, ERR_FIELD_UNKNOWN);
    else
        rd_skip(r);
}
