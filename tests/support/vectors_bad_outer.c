/* Bad envelopes that steps 1 to 3 refuse: the size, the outer array, the version, the suite. */
#include "vectors_edits.h"

static EDIT(fill_to)
{
    f->zeros = how->number - f->whole.len;
}

static EDIT(twice)
{
    struct bytes again = {0};

    (void)how;
    MUST(bytes_copy(&again, bytes_span(&f->whole)));
    MUST(bytes_append(&f->whole, bytes_span(&again)));
    bytes_free(&again);
}

static EDIT(fewer_parts)
{
    (void)how;
    bytes_free(&f->part[--f->part_count]);
}

static EDIT(one_part_more)
{
    struct bytes nil = vec_unhex(how->text);

    f->part[f->part_count++] = nil;
}

/* The same array under another head. */
static EDIT(other_head)
{
    struct bytes made = vec_unhex(how->text);

    MUST(bytes_append(&made, span_of(f->whole.ptr + 1, f->whole.len - 1)));
    bytes_free(&f->whole);
    f->whole = made;
}

/* com again, its length written in two bytes where one is enough */
static EDIT(long_length)
{
    struct bytes made = vec_unhex("c50020");

    (void)how;
    MUST(bytes_append(&made, SPAN_OF(f->com)));
    bytes_free(&f->part[3]);
    f->part[3] = made;
}

static void version_2(struct forge *f)
{
    f->version = 2;
}

static void version_0(struct forge *f)
{
    f->version = 0;
}

static void suite_2(struct forge *f)
{
    f->h.suite = 2;
}

static void suite_0(struct forge *f)
{
    f->h.suite = 0;
}

static void both(struct forge *f)
{
    f->version = 2;
    f->h.suite = 2;
}

/* clang-format off */
#define AT(where, what, number, hex) {NULL, where, what, number, hex}
#define BIN(part, size) AT(AT_PARTS, size_part, (part)*100000 + (size), NULL)

const struct bad_envelope bad_outer[] = {
    {"too-large", "300,001 bytes", 1, ERR_SIZE, AT(AT_WHOLE, fill_to, 300001, NULL)},
    {"too-large-by-far", "a million bytes", 1, ERR_SIZE, AT(AT_WHOLE, fill_to, 1000000, NULL)},

    {"empty", "no byte", 2, ERR_TRUNCATED, AT(AT_WHOLE, set_whole, 0, "")},
    {"truncated-by-one", "the last byte is missing", 2, ERR_TRUNCATED, AT(AT_WHOLE, cut_whole, 1, NULL)},
    {"truncated-in-ct", "ends in the ciphertext", 2, ERR_TRUNCATED, AT(AT_WHOLE, cut_whole, 100, NULL)},
    {"trailing-byte", "one byte follows", 2, ERR_TRAILING, AT(AT_WHOLE, append_whole, 0, "00")},
    {"trailing-zeros", "as large as allowed, but zeros follow", 2, ERR_TRAILING, AT(AT_WHOLE, fill_to, 300000, NULL)},
    {"trailing-copy", "the envelope twice", 2, ERR_TRAILING, AT(AT_WHOLE, twice, 0, NULL)},
    {"nil", "nil instead of an array", 2, ERR_TYPE, AT(AT_WHOLE, set_whole, 0, "c0")},
    {"reserved-byte", "the byte that MessagePack never uses", 2, ERR_TYPE, AT(AT_WHOLE, set_whole, 0, "c1")},
    {"map-for-array", "a map of three pairs", 2, ERR_TYPE, AT(AT_WHOLE, other_head, 0, "83")},
    {"five-parts", "no signature", 2, ERR_SIZE, AT(AT_PARTS, fewer_parts, 0, NULL)},
    {"seven-parts", "nil after the signature", 2, ERR_SIZE, AT(AT_PARTS, one_part_more, 0, "c0")},
    {"array-head-not-canonical", "array 16 for six elements", 2, ERR_NOT_CANONICAL, AT(AT_WHOLE, other_head, 0, "dc0006")},
    {"array-of-4-gi", "declares 2^32 - 1 elements", 2, ERR_TRUNCATED, AT(AT_WHOLE, set_whole, 0, "ddffffffff")},
    {"nested-arrays", "nothing but arrays in arrays", 2, ERR_SIZE, AT(AT_WHOLE, set_whole, 0, "9191919191919191919191919191919101")},
    {"nested-in-version", "arrays in arrays where ver should be", 2, ERR_TYPE, AT(AT_PARTS, set_part, 0, "9191919191919191919101")},
    {"version-not-minimal", "uint 8 for 1", 2, ERR_NOT_CANONICAL, AT(AT_PARTS, set_part, 0, "cc01")},
    {"version-signed", "int 8 for 1", 2, ERR_NOT_CANONICAL, AT(AT_PARTS, set_part, 0, "d001")},
    {"version-negative", "-1", 2, ERR_TYPE, AT(AT_PARTS, set_part, 0, "ff")},
    {"version-float", "1.0", 2, ERR_TYPE, AT(AT_PARTS, set_part, 0, "ca3f800000")},
    {"version-text", "\"1\"", 2, ERR_TYPE, AT(AT_PARTS, set_part, 0, "a131")},
    {"hdr-empty", "bin of 0", 2, ERR_SIZE, BIN(1, 0)},
    {"hdr-too-large", "bin of 4,097", 2, ERR_SIZE, BIN(1, 4097)},
    {"hdr-not-bin", "a map, not bytes that hold one", 2, ERR_TYPE, AT(AT_PARTS, set_part, 1, "810101")},
    {"rcp-empty", "no stanza", 2, ERR_SIZE, BIN(2, 0)},
    {"rcp-uneven", "one byte more than a stanza", 2, ERR_SIZE, BIN(2, 97)},
    {"rcp-short", "one byte less than a stanza", 2, ERR_SIZE, BIN(2, 95)},
    {"rcp-65", "65 stanzas", 2, ERR_SIZE, BIN(2, 65 * 96)},
    {"com-31", "commitment of 31 bytes", 2, ERR_SIZE, BIN(3, 31)},
    {"com-33", "commitment of 33 bytes", 2, ERR_SIZE, BIN(3, 33)},
    {"com-length-not-canonical", "bin 16 for 32 bytes", 2, ERR_NOT_CANONICAL, AT(AT_PARTS, long_length, 0, NULL)},
    {"com-nil", "nil", 2, ERR_TYPE, AT(AT_PARTS, set_part, 3, "c0")},
    {"ct-too-short", "271 bytes", 2, ERR_SIZE, BIN(4, 271)},
    {"ct-longer-than-the-rest", "declares 4 GiB - 1", 2, ERR_TRUNCATED, AT(AT_PARTS, set_part, 4, "c6ffffffff")},
    {"sig-63", "signature of 63 bytes", 2, ERR_SIZE, BIN(5, 63)},
    {"sig-389", "longer than the longest of a batch", 2, ERR_SIZE, BIN(5, 389)},
    {"sig-ext", "signature in an extension type", 2, ERR_TYPE, AT(AT_PARTS, set_part, 5, "d40100")},

    {"version-2", "the next version, signed as such", 3, ERR_VERSION, {version_2, AT_WHOLE, NULL, 0, NULL}},
    {"version-0", "no version", 3, ERR_VERSION, {version_0, AT_WHOLE, NULL, 0, NULL}},
    {"version-2-64", "2^64 - 1", 3, ERR_VERSION, AT(AT_PARTS, set_part, 0, "cfffffffffffffffff")},
    {"suite-2", "a suite to come", 3, ERR_SUITE, {suite_2, AT_WHOLE, NULL, 0, NULL}},
    {"suite-0", "no suite", 3, ERR_SUITE, {suite_0, AT_WHOLE, NULL, 0, NULL}},
    {"version-before-suite", "both are others", 3, ERR_VERSION, {both, AT_WHOLE, NULL, 0, NULL}},
    {"suite-before-header", "another suite, and a header this version cannot read", 3, ERR_SUITE, {suite_2, AT_PAIRS, add_last, 0, "1a00"}},
    {"suite-before-end-of-header", "another suite, and a header cut short", 3, ERR_SUITE, {suite_2, AT_HDR, cut_hdr, 1, NULL}},
};
/* clang-format on */
const size_t bad_outer_count = sizeof bad_outer / sizeof bad_outer[0];
