/*
 * reader - strict, allocation-free cursor over one msgpack object of profile MP1.
 *
 * MP1: nil, bool, 64-bit integers, str (valid UTF-8, no NUL), bin, array, map. No float, no ext.
 * Shortest form only, a non-negative integer only in the uint family. Map keys are uint <= 255,
 * strictly ascending. At most MP_DEPTH_MAX containers deep and MP_ITEMS_MAX items in all, where
 * every value, container and map key is one item. A declared length is compared with the bytes
 * left before it is used. One object, no trailing bytes. So a value has exactly one encoding.
 *
 * The reader keeps its FIRST error: after it every getter does nothing and returns zero or the
 * empty span, so a decoder is a straight list of getters closed by rd_end(). Whatever the getters
 * returned may be used only if rd_end() returned ERR_OK. Spans are borrowed from the bytes given
 * to reader_over() and live as long as they do.
 *
 * Errors: ERR_TRUNCATED, ERR_TRAILING, ERR_TYPE, ERR_NOT_CANONICAL, ERR_DEPTH, ERR_ITEMS,
 * ERR_DUPLICATE_KEY, ERR_KEY_ORDER, ERR_UTF8; ERR_SIZE for a length or count and ERR_RANGE for a
 * number outside the limits the caller gave; ERR_FIELD_UNKNOWN and ERR_FIELD_MISSING from
 * rd_unknown() and rd_map_require(). ERR_INTERNAL says that the decoder, not the input, is wrong
 * (it left a map's value unread, or read a key as a value).
 *
 * Needs libc only. Thread rule: a reader belongs to one thread; it has no hidden state.
 */
#ifndef RELAIS_READER_H
#define RELAIS_READER_H

#include <stdbool.h>

#include "span.h"

enum {
    MP_DEPTH_MAX = 8,
    MP_ITEMS_MAX = 4096,
    MP_KEY_MAX = 255,
    MP_KEY_IGNORABLE = 64, /* an unknown key from here on is skipped, below it is refused */
};

enum mp_type {
    MP_NONE,
    MP_NIL,
    MP_BOOL,
    MP_UINT,
    MP_INT,
    MP_TEXT,
    MP_BIN,
    MP_ARRAY,
    MP_MAP
};

struct rd_level {
    uint32_t left;    /* values (and keys) not begun yet; the root level has 1 */
    int16_t last_key; /* -1 before the first */
    bool is_map;
};

struct reader { /* caller's memory; the fields are reader.c's */
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    uint32_t items_left;
    uint32_t depth; /* index of the current level */
    enum err error;
    struct rd_level level[MP_DEPTH_MAX + 1];
};

struct rd_map {
    uint64_t seen;  /* bit k: key k < 64 occurred */
    uint32_t pairs; /* as declared */
    uint32_t left;  /* pairs not begun yet */
    uint32_t depth; /* level of its content */
};

struct reader reader_over(struct span whole);
/* Same, for our own larger objects: `items_max` instead of MP_ITEMS_MAX. */
struct reader reader_over_limits(struct span whole, uint32_t items_max);

/* Is it exactly one MP1 object? The answer of a reader that skips it. */
enum err mp_check(struct span whole);

enum mp_type rd_peek(struct reader *r); /* type of the next value; MP_NONE: error or the end */

void rd_nil(struct reader *r);
bool rd_skip_nil(struct reader *r); /* true: the next value was nil, and is read */
bool rd_bool(struct reader *r);
uint64_t rd_uint(struct reader *r, uint64_t max); /* 0..max */
uint64_t rd_uint_between(struct reader *r, uint64_t min, uint64_t max);
uint32_t rd_u32(struct reader *r, uint32_t max);
uint16_t rd_u16(struct reader *r, uint16_t max);
uint8_t rd_u8(struct reader *r, uint8_t max);
int64_t rd_int(struct reader *r); /* either family, if it fits */
int64_t rd_int_between(struct reader *r, int64_t min, int64_t max);

void rd_fixed(struct reader *r, uint8_t *out, size_t n);       /* bin of n; zeroed on error */
struct span rd_blob(struct reader *r, size_t min, size_t max); /* bin, borrowed */
struct span rd_text(struct reader *r, size_t max);             /* str of 0..max bytes */
struct span rd_text_between(struct reader *r, size_t min, size_t max);

void rd_array(struct reader *r, uint32_t n); /* exactly n elements follow */
uint32_t rd_array_between(struct reader *r, uint32_t min, uint32_t max);

/*
 *   struct rd_map m = rd_map(r, 8);
 *   uint64_t key;
 *   while (rd_map_next(r, &m, &key)) {
 *       switch (key) {
 *       case 1: x->a = rd_uint(r, 9); break;
 *       default: rd_unknown(r, key);
 *       }
 *   }
 *   rd_map_require(r, &m, RD_KEY(1));
 */
#define RD_KEY(key) (UINT64_C(1) << (key))
struct rd_map rd_map(struct reader *r, uint32_t most);
bool rd_map_next(struct reader *r, struct rd_map *m, uint64_t *key); /* false: done, or error */
bool rd_map_has(const struct rd_map *m, unsigned key);               /* key < 64 */
void rd_map_require(struct reader *r, const struct rd_map *m, uint64_t keys); /* RD_KEY | ... */
void rd_unknown(struct reader *r, uint64_t key); /* < 64: ERR_FIELD_UNKNOWN; else skips its value */

struct span rd_raw(struct reader *r); /* the next whole value, checked: its own encoding */
void rd_skip(struct reader *r);       /* the next whole value, checked */

void rd_fail(struct reader *r, enum err e); /* the decoder's own finding; the first stands */
enum err rd_error(const struct reader *r);  /* ERR_OK so far, or the first error */
size_t rd_where(const struct reader *r);    /* offset of the next, or of the failed, value */
enum err rd_end(struct reader *r);          /* the first error; ERR_TRAILING; or ERR_OK */

#endif
