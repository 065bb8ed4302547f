/* Bad envelopes that step 4 refuses: the header, each fault alone and properly signed. */
#include "vectors_edits.h"

static void two_recipients(struct forge *f)
{
    static const enum vec_member to[] = {EHPAD, DAC};

    forge_address(f, to, 2);
}

static void two_recipients_last(struct forge *f)
{
    two_recipients(f);
    f->receiver = DAC;
}

static void three_recipients(struct forge *f)
{
    static const enum vec_member to[] = {EHPAD, DAC, SAMU};

    forge_address(f, to, 3);
}

static void four_recipients(struct forge *f)
{
    static const enum vec_member to[] = {EHPAD, DAC, SAMU, HOSPITAL};

    forge_address(f, to, 4);
}

static void basis_3(struct forge *f)
{
    f->h.basis = BASIS_CONSENTI;
}

static void an_answer(struct forge *f)
{
    f->h.has_re = true;
    vec_id("the mid answered", f->h.re);
}

static void same_twice(struct forge *f)
{
    static const enum vec_member to[] = {EHPAD, EHPAD};

    forge_address(f, to, 2);
}

/* Header keys i and i + 1 change places. */
static EDIT(swap_with_next)
{
    struct forge_pair *p = forge_pair_of(f, how->number);
    struct forge_pair kept = p[0];

    p[0] = p[1];
    p[1] = kept;
}

static EDIT(repeat)
{
    struct forge_pair *p = forge_pair_of(f, how->number);

    forge_insert_pair(f, (size_t)(p - f->pair) + 1, bytes_span(&p->key), bytes_span(&p->value));
}

static EDIT(ignorable_twice)
{
    (void)how;
    forge_insert_pair(f, f->pair_count, SPAN_STR("\x40"), SPAN_STR("\x01"));
    forge_insert_pair(f, f->pair_count, SPAN_STR("\x40"), SPAN_STR("\x02"));
}

/* `to`: only the first organisation stays. */
static EDIT(first_element_only)
{
    struct bytes *v = &forge_pair_of(f, how->number)->value;

    v->ptr[0] = 0x91;
    v->len = 1 + 18; /* one organisation */
}

static EDIT(one_stanza_less)
{
    (void)how;
    f->rcp.len -= FORGE_STANZA;
}

static EDIT(one_stanza_more)
{
    uint8_t again[FORGE_STANZA];

    (void)how;
    forge_stanza(f, 0, again);
    MUST(bytes_append(&f->rcp, SPAN_OF(again)));
}

static EDIT(sixty_five)
{
    struct bytes made = vec_unhex("dc0041");

    (void)how;
    for (unsigned i = 0; i < 65; i++) {
        uint8_t org[ID_BYTES];

        vec_numbered_id("crowd org", i, org);
        MUST(bytes_append(&made, SPAN_STR("\xc4\x10")));
        MUST(bytes_append(&made, SPAN_OF(org)));
    }
    bytes_free(&forge_pair_of(f, 6)->value);
    forge_pair_of(f, 6)->value = made;
}

static EDIT(thirty_three_deputies)
{
    struct bytes made = vec_unhex("13dc0021");

    (void)how;
    for (unsigned i = 0; i < 33; i++)
        MUST(bytes_append(&made, span_of((uint8_t[]){0x92, (uint8_t)i, 0x3c}, 3)));
    forge_insert_pair(f, (size_t)(forge_pair_of(f, 17) - f->pair) + 1, span_of(made.ptr, 1),
                      span_of(made.ptr + 1, made.len - 1));
    bytes_free(&made);
}

static EDIT(one_head)
{
    struct bytes *v = &forge_pair_of(f, 20)->value;

    (void)how;
    v->ptr[0] = 0x91;
    v->len = 1 + (v->len - 1) / 2; /* both heads are of one length */
}

/* The first head of dir loses its signature. */
static EDIT(head_of_two)
{
    struct bytes *v = &forge_pair_of(f, 20)->value;
    struct bytes made = vec_unhex("9292");
    size_t half = (v->len - 1) / 2;

    (void)how;
    MUST(bytes_append(&made, span_of(v->ptr + 2, half - 1 - 66)));
    MUST(bytes_append(&made, span_of(v->ptr + 1 + half, half)));
    bytes_free(v);
    *v = made;
}

static EDIT(root_of_31)
{
    struct bytes *v = &forge_pair_of(f, 20)->value;
    struct bytes made = {0};
    size_t root = 4; /* array, array, size of one byte, then c4 20 */

    (void)how;
    MUST(bytes_append(&made, span_of(v->ptr, root)));
    MUST(bytes_append(&made, SPAN_STR("\x1f")));
    MUST(bytes_append(&made, span_of(v->ptr + root + 2, v->len - root - 2)));
    bytes_free(v);
    *v = made;
}

/* clang-format off */
#define AT(where, what, number, hex) {NULL, where, what, number, hex}
#define IS(key, hex) AT(AT_PAIRS, set_value, key, hex)
#define WITHOUT(name, key)                                                                         \
    {"missing-" name, "header key " #key " is not there", 4, ERR_FIELD_MISSING,                    \
     AT(AT_PAIRS, drop_key, key, NULL)}
#define DEPUTY(scene, pair) {scene, AT_PAIRS, add_after, 17, pair}
#define ID15 "c40f000102030405060708090a0b0c0d0e"
#define ID17 "c411000102030405060708090a0b0c0d0e0f10"

const struct bad_envelope bad_header[] = {
    {"header-array", "an array", 4, ERR_TYPE, AT(AT_HDR, set_hdr, 0, "93010203")},
    {"header-empty-map", "no pair at all", 4, ERR_FIELD_MISSING, AT(AT_HDR, set_hdr, 0, "80")},
    {"header-suite-alone", "the first pair and nothing else", 4, ERR_FIELD_MISSING, AT(AT_HDR, set_hdr, 0, "810101")},
    {"header-garbage", "four bytes of ff", 4, ERR_TYPE, AT(AT_HDR, set_hdr, 0, "ffffffff")},
    {"header-truncated", "the last byte is missing", 4, ERR_TRUNCATED, AT(AT_HDR, cut_hdr, 1, NULL)},
    {"header-trailing", "one byte follows the map", 4, ERR_TRAILING, AT(AT_HDR, append_hdr, 0, "00")},
    {"header-one-pair-too-many", "declares a pair more than there is", 4, ERR_TRUNCATED, AT(AT_HDR, set_hdr_head, 3, "de0016")},
    {"header-one-pair-too-few", "declares a pair less than there is", 4, ERR_TRAILING, AT(AT_HDR, set_hdr_head, 3, "de0014")},
    {"header-head-not-canonical", "map 32 for 21 pairs", 4, ERR_NOT_CANONICAL, AT(AT_HDR, set_hdr_head, 3, "df00000015")},
    {"header-of-2-32-pairs", "declares 2^32 - 1 pairs", 4, ERR_TRUNCATED, AT(AT_HDR, set_hdr_head, 3, "dfffffffff")},

    WITHOUT("suite", 1), WITHOUT("mid", 2), WITHOUT("type", 3), WITHOUT("from", 4),
    WITHOUT("skid", 5), WITHOUT("to", 6), WITHOUT("ts", 7), WITHOUT("exp", 8),
    WITHOUT("seq", 9), WITHOUT("circle", 10), WITHOUT("class", 11), WITHOUT("basis", 12),
    WITHOUT("purpose", 13), WITHOUT("status", 15), WITHOUT("sign", 16), WITHOUT("prio", 17),
    WITHOUT("dir", 20), WITHOUT("actor", 22), WITHOUT("scat", 23), WITHOUT("rcat", 24),
    {"missing-consent", "basis 3 without key 14", 4, ERR_FIELD_MISSING, {basis_3, AT_WHOLE, NULL, 0, NULL}},

    {"unknown-key-0", "key 0", 4, ERR_FIELD_UNKNOWN, AT(AT_PAIRS, add_first, 0, "0001")},
    {"unknown-key-26", "key 26", 4, ERR_FIELD_UNKNOWN, AT(AT_PAIRS, add_last, 0, "1a01")},
    {"unknown-key-63", "key 63", 4, ERR_FIELD_UNKNOWN, AT(AT_PAIRS, add_last, 0, "3f01")},
    {"key-256", "key 256", 4, ERR_RANGE, AT(AT_PAIRS, add_last, 0, "cd010001")},
    {"key-text", "a key that is text", 4, ERR_TYPE, AT(AT_PAIRS, add_last, 0, "a17a01")},
    {"key-negative", "key -1", 4, ERR_TYPE, AT(AT_PAIRS, add_last, 0, "ff01")},
    {"key-not-minimal", "key 64 in two bytes", 4, ERR_NOT_CANONICAL, AT(AT_PAIRS, add_last, 0, "cc4001")},
    {"duplicate-key", "mid twice", 4, ERR_DUPLICATE_KEY, AT(AT_PAIRS, repeat, 2, NULL)},
    {"duplicate-ignorable-key", "key 64 twice", 4, ERR_DUPLICATE_KEY, AT(AT_PAIRS, ignorable_twice, 0, NULL)},
    {"keys-out-of-order", "seq after circle", 4, ERR_KEY_ORDER, AT(AT_PAIRS, swap_with_next, 9, NULL)},
    {"suite-not-first", "suite after mid", 4, ERR_KEY_ORDER, AT(AT_PAIRS, swap_with_next, 1, NULL)},

    {"suite-text", "suite \"1\"", 4, ERR_TYPE, IS(1, "a131")},
    {"suite-not-minimal", "suite 1 in two bytes", 4, ERR_NOT_CANONICAL, IS(1, "cc01")},
    {"mid-15", "mid of 15 bytes", 4, ERR_SIZE, IS(2, ID15)},
    {"mid-17", "mid of 17 bytes", 4, ERR_SIZE, IS(2, ID17)},
    {"mid-text", "mid that is text", 4, ERR_TYPE, IS(2, "b030313233343536373839616263646566")},
    {"type-0", "envelope type 0", 4, ERR_FIELD_VALUE, IS(3, "00")},
    {"type-3", "envelope type 3", 4, ERR_FIELD_VALUE, IS(3, "03")},
    {"type-not-minimal", "envelope type 1 in three bytes", 4, ERR_NOT_CANONICAL, IS(3, "cd0001")},
    {"type-bool", "true", 4, ERR_TYPE, IS(3, "c3")},
    {"from-nil", "nil", 4, ERR_TYPE, IS(4, "c0")},
    {"skid-15", "skid of 15 bytes", 4, ERR_SIZE, IS(5, ID15)},
    {"to-empty", "addressed to nobody", 4, ERR_SIZE, IS(6, "90")},
    {"to-not-array", "an identifier, not an array", 4, ERR_TYPE, IS(6, "c410000102030405060708090a0b0c0d0e0f")},
    {"to-65", "65 organisations", 4, ERR_SIZE, AT(AT_PAIRS, sixty_five, 0, NULL)},
    {"to-twice-the-same", "one organisation twice, with two stanzas", 4, ERR_FIELD_VALUE, {same_twice, AT_WHOLE, NULL, 0, NULL}},
    {"to-short-of-stanzas", "one organisation, two stanzas and categories", 4, ERR_FIELD_VALUE, {two_recipients, AT_PAIRS, first_element_only, 6, NULL}},
    {"stanzas-short-of-to", "two organisations and categories, one stanza", 4, ERR_FIELD_VALUE, {two_recipients_last, AT_RCP, one_stanza_less, 0, NULL}},
    {"stanzas-long-of-to", "one organisation and category, two stanzas", 4, ERR_FIELD_VALUE, AT(AT_RCP, one_stanza_more, 0, NULL)},
    {"rcat-short-of-to", "two organisations and stanzas, one category", 4, ERR_FIELD_VALUE, {two_recipients, AT_PAIRS, set_value, 24, "9102"}},
    {"rcat-long-of-to", "one organisation and stanza, two categories", 4, ERR_FIELD_VALUE, IS(24, "920202")},
    {"rcat-empty", "no category", 4, ERR_SIZE, IS(24, "90")},
    {"rcat-0", "no category for a recipient", 4, ERR_FIELD_VALUE, IS(24, "9100")},
    {"rcat-4", "category mask 4", 4, ERR_FIELD_VALUE, IS(24, "9104")},
    {"ts-negative", "ts -1", 4, ERR_TYPE, IS(7, "ff")},
    {"ts-float", "ts as a double", 4, ERR_TYPE, IS(7, "cb4278bcfe56800000")},
    {"exp-timestamp", "exp in the timestamp extension", 4, ERR_TYPE, IS(8, "d6ff695b9a08")},
    {"seq-not-minimal", "seq 417 in nine bytes", 4, ERR_NOT_CANONICAL, IS(9, "cf00000000000001a1")},
    {"circle-17", "circle of 17 bytes", 4, ERR_SIZE, IS(10, ID17)},
    {"class-0", "no class", 4, ERR_FIELD_VALUE, IS(11, "00")},
    {"class-32", "a sixth class", 4, ERR_FIELD_VALUE, IS(11, "20")},
    {"basis-0", "basis 0", 4, ERR_FIELD_VALUE, IS(12, "00")},
    {"basis-5", "basis 5", 4, ERR_FIELD_VALUE, IS(12, "05")},
    {"purpose-0", "purpose 0", 4, ERR_FIELD_VALUE, IS(13, "00")},
    {"purpose-8", "purpose 8", 4, ERR_FIELD_VALUE, IS(13, "08")},
    {"consent-without-basis-3", "key 14 with basis 1", 4, ERR_FIELD_VALUE, AT(AT_PAIRS, add_after, 13, "0e05")},
    {"status-0", "mode 0", 4, ERR_FIELD_VALUE, IS(15, "00")},
    {"status-3", "mode 3", 4, ERR_FIELD_VALUE, IS(15, "03")},
    {"sign-0", "sign 0", 4, ERR_FIELD_VALUE, IS(16, "00")},
    {"sign-batch", "says batch, and carries a single signature", 4, ERR_SIZE, IS(16, "02")},
    {"sig-65", "single, and one byte more than a signature", 4, ERR_SIZE, AT(AT_PARTS, size_part, 500065, NULL)},
    {"sign-3", "sign 3", 4, ERR_FIELD_VALUE, IS(16, "03")},
    {"prio-2", "prio 2", 4, ERR_FIELD_VALUE, IS(17, "02")},
    {"prio-bool", "prio true", 4, ERR_TYPE, IS(17, "c3")},
    {"re-15", "re of 15 bytes", 4, ERR_SIZE, {an_answer, AT_PAIRS, set_value, 18, ID15}},
    {"deputy-empty", "an empty list of deputies", 4, ERR_SIZE, DEPUTY(two_recipients, "1390")},
    {"deputy-not-array", "nil", 4, ERR_TYPE, DEPUTY(two_recipients, "13c0")},
    {"deputy-33", "33 deputies", 4, ERR_SIZE, AT(AT_PAIRS, thirty_three_deputies, 0, NULL)},
    {"deputy-without-time", "a deputy of one element", 4, ERR_SIZE, DEPUTY(two_recipients, "139191" "00")},
    {"deputy-by-name", "an identifier, not a place", 4, ERR_TYPE, DEPUTY(two_recipients, "139192c410000102030405060708090a0b0c0d0e0fcd0e10")},
    {"deputy-of-nobody", "the one organisation is the deputy", 4, ERR_FIELD_VALUE, AT(AT_PAIRS, add_after, 17, "13919200cd0e10")},
    {"deputies-for-one", "two deputies, one recipient", 4, ERR_FIELD_VALUE, DEPUTY(three_recipients, "13929200cd0e109200cd0e10")},
    {"deputy-for-itself", "the deputy stands in for itself", 4, ERR_FIELD_VALUE, DEPUTY(two_recipients, "13919201cd0e10")},
    {"deputy-for-a-deputy", "the second stands in for the first", 4, ERR_FIELD_VALUE, DEPUTY(four_recipients, "13929200cd0e109202cd0e10")},
    {"deputy-twice", "both stand in for the first", 4, ERR_FIELD_VALUE, DEPUTY(four_recipients, "13929200cd0e109200cd0e10")},
    {"deputies-descending", "for the second, then for the first", 4, ERR_FIELD_VALUE, DEPUTY(four_recipients, "13929201cd0e109200cd0e10")},
    {"deputy-at-once", "after 59 seconds", 4, ERR_FIELD_VALUE, DEPUTY(two_recipients, "139192003b")},
    {"deputy-too-late", "after thirty days and a second", 4, ERR_FIELD_VALUE, DEPUTY(two_recipients, "13919200ce00278d01")},
    {"deputy-time-not-minimal", "after 3,600 seconds in five bytes", 4, ERR_NOT_CANONICAL, DEPUTY(two_recipients, "13919200ce00000e10")},
    {"att-empty", "an empty list of attachments", 4, ERR_SIZE, AT(AT_PAIRS, add_after, 20, "1590")},
    {"att-size", "an attachment of a size that none has", 4, ERR_FIELD_VALUE, AT(AT_PAIRS, add_after, 20, "159192c420000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f10")},
    {"att-twice", "one attachment twice", 4, ERR_FIELD_VALUE, AT(AT_PAIRS, add_after, 20, "159292c420000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f1192c420000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f11")},
    {"dir-one-checkpoint", "the keys log alone", 4, ERR_SIZE, AT(AT_PAIRS, one_head, 0, NULL)},
    {"dir-not-array", "nil", 4, ERR_TYPE, IS(20, "c0")},
    {"dir-checkpoint-of-two", "a checkpoint without signature", 4, ERR_SIZE, AT(AT_PAIRS, head_of_two, 0, NULL)},
    {"dir-root-31", "a root of 31 bytes", 4, ERR_SIZE, AT(AT_PAIRS, root_of_31, 0, NULL)},
    {"actor-text", "the actor by name", 4, ERR_TYPE, IS(22, "a5c3896c6f6d")},
    {"scat-0", "no category", 4, ERR_FIELD_VALUE, IS(23, "00")},
    {"scat-3", "two categories at once", 4, ERR_FIELD_VALUE, IS(23, "03")},
    {"notice-text", "notice that is text", 4, ERR_TYPE, IS(25, "a134")},

    {"ignorable-float", "key 64 holds a float", 4, ERR_TYPE, AT(AT_PAIRS, add_last, 0, "40ca3f800000")},
    {"ignorable-ext", "key 64 holds an extension type", 4, ERR_TYPE, AT(AT_PAIRS, add_last, 0, "40d40100")},
    {"ignorable-reserved-byte", "key 64 holds c1", 4, ERR_TYPE, AT(AT_PAIRS, add_last, 0, "40c1")},
    {"ignorable-bad-utf8", "key 64 holds text that is none", 4, ERR_UTF8, AT(AT_PAIRS, add_last, 0, "40a2c328")},
    {"ignorable-surrogate", "key 64 holds half a surrogate pair", 4, ERR_UTF8, AT(AT_PAIRS, add_last, 0, "40a3eda080")},
    {"ignorable-nul", "key 64 holds text with a NUL", 4, ERR_UTF8, AT(AT_PAIRS, add_last, 0, "40a3610062")},
    {"ignorable-text-not-minimal", "key 64 holds text of one byte under a two-byte head", 4, ERR_NOT_CANONICAL, AT(AT_PAIRS, add_last, 0, "40d90161")},
    {"ignorable-too-deep", "key 64 holds a value at depth 9", 4, ERR_DEPTH, AT(AT_PAIRS, add_last, 0, "409191919191919190")},
    {"ignorable-inner-duplicate", "key 64 holds a map with a key twice", 4, ERR_DUPLICATE_KEY, AT(AT_PAIRS, add_last, 0, "408201000101")},
    {"ignorable-inner-order", "key 64 holds a map out of order", 4, ERR_KEY_ORDER, AT(AT_PAIRS, add_last, 0, "408202000101")},
    {"ignorable-4-gi", "key 64 declares 2^32 - 1 elements", 4, ERR_TRUNCATED, AT(AT_PAIRS, add_last, 0, "40ddffffffff")},
};
/* clang-format on */
const size_t bad_header_count = sizeof bad_header / sizeof bad_header[0];
