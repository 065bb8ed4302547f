/* attachments.json: files beside the envelope as chunks, what is offered for them, and the messages
 * about them (PROTOCOL.md 6.4, 11). */
#include <stdio.h>
#include <string.h>

#include "attachment.h"
#include "secretbox.h"
#include "vectors.h"
#include "vectors_kit.h"

#define OFFERS_MAX 5
#define FILE_CHUNKS 3

/* Content: the 32 bytes of secret "NAME content" again and again. Key: secret "NAME key". */
struct vec_file {
    const char *name;
    uint64_t plain;
};
enum {
    ONE_BYTE,
    NEARLY_ONE,
    ONE_CHUNK,
    ONE_AND_A_BYTE,
    TWO_CHUNKS,
    THREE_CHUNKS,
    FILES
};
static const struct vec_file files[FILES] = {
    {"one byte",                   1                                    },
    {"a byte less than one chunk", ATTACHMENT_PLAIN - 1                 },
    {"exactly one chunk",          ATTACHMENT_PLAIN                     },
    {"one chunk and a byte",       ATTACHMENT_PLAIN + 1                 },
    {"exactly two chunks",         UINT64_C(2) * ATTACHMENT_PLAIN       },
    {"three chunks",               UINT64_C(2) * ATTACHMENT_PLAIN + 1000},
};

static void secret_of(const struct vec_file *f, const char *which, uint8_t out[32])
{
    char name[80];

    snprintf(name, sizeof name, "%s %s", f->name, which);
    vec_secret(name, out);
}

static unsigned count_of(uint64_t plain)
{
    return (unsigned)((plain + ATTACHMENT_PLAIN - 1) / ATTACHMENT_PLAIN);
}

/* Chunk i into out; its length. */
static size_t chunk_make(const struct vec_file *f, unsigned i, uint8_t out[ATTACHMENT_CHUNK])
{
    static uint8_t piece[ATTACHMENT_PLAIN];
    const bool last = i + 1 == count_of(f->plain);
    const size_t len = last ? (size_t)(f->plain - (uint64_t)i * ATTACHMENT_PLAIN) : sizeof piece;
    uint8_t nonce[24] = {(uint8_t)i, (uint8_t)(i >> 8), 0, 0, last};
    uint8_t key[32], content[32];

    secret_of(f, "key", key);
    secret_of(f, "content", content);
    for (size_t at = 0; at < len; at++)
        piece[at] = content[((uint64_t)i * ATTACHMENT_PLAIN + at) % sizeof content];
    aead_seal(key, nonce, span_text(""), span_of(piece, len), out);
    return len + 16;
}

static void hash_of(unsigned i, struct span chunk, uint8_t out[32])
{
    const uint8_t place[4] = {(uint8_t)i};
    const struct span parts[] = {SPAN_OF(place), chunk};

    MUST(digest_parts("relais/att1/chunk", NO_KEY, parts, 2, out, 32));
}

static void address_of(uint64_t size, struct span hashes, uint8_t out[32])
{
    uint8_t le[8];
    const struct span parts[] = {SPAN_OF(le), hashes};

    for (unsigned i = 0; i < 8; i++)
        le[i] = (uint8_t)(size >> (8 * i));
    MUST(digest_parts("relais/att1/address", NO_KEY, parts, 2, out, 32));
}

/* ---- files ---- */

static void put_file(json_t *list, const struct vec_file *f)
{
    static uint8_t chunk[ATTACHMENT_CHUNK];
    json_t *o = add_object(list);
    json_t *chunks;
    uint8_t hashes[FILE_CHUNKS][32], bytes[32];
    uint64_t size = 0;

    put_text(o, "what", f->name);
    secret_of(f, "key", bytes);
    put_span(o, "key", SPAN_OF(bytes));
    secret_of(f, "content", bytes);
    put_span(o, "content", SPAN_OF(bytes));
    put_uint(o, "plain", f->plain);
    chunks = put_array(o, "chunks");
    for (unsigned i = 0; i < count_of(f->plain); i++) {
        const size_t len = chunk_make(f, i, chunk);
        json_t *one = add_object(chunks);

        hash_of(i, span_of(chunk, len), hashes[i]);
        put_uint(one, "bytes", len);
        put_span(one, "tag", span_of(chunk + len - 16, 16));
        put_span(one, "hash", SPAN_OF(hashes[i]));
        size += len;
    }
    put_uint(o, "size", size);
    address_of(size, span_of(hashes[0], (size_t)32 * count_of(f->plain)), bytes);
    put_span(o, "address", SPAN_OF(bytes));
}

static void put_sizes(json_t *file)
{
    static const uint64_t bad[] = {0,      1,      16,        262145,
                                   262160, 524289, 268435457, UINT64_C(268451857)};
    static const uint64_t plain[] = {1, 262127, 262128, 262129, 524256, 524257, 268435456};
    json_t *list = put_array(file, "sizes");

    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        json_t *o = add_object(list);

        put_uint(o, "plain", plain[i]);
        put_uint(o, "size", plain[i] + UINT64_C(16) * count_of(plain[i]));
        put_uint(o, "chunks", count_of(plain[i]));
    }
    list = put_array(file, "bad_sizes");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        put_uint(add_object(list), "size", bad[i]);
}

/* ---- what is offered for a file ---- */

struct offer {
    unsigned file, i;
    unsigned as;  /* the number it is offered under */
    size_t cut;   /* so many bytes less at its end */
    size_t zeros; /* so many more */
    size_t flip;  /* this byte, from 1, has another lowest bit; 0: none */
};

struct offered {
    const char *what, *error;
    unsigned file;      /* whose size, list and address are given */
    bool as_offered;    /* or those of the offered chunks */
    const char *key_of; /* NULL: the file's */
    int more_size;      /* given beyond the true size */
    int more_hashes;
    bool swapped, flipped; /* the first two hashes; the address */
    unsigned n, next, opens;
    bool whole;
    struct offer offer[OFFERS_MAX];
};

#define LAST_OF_THREE 1016 /* bytes */
#define AT(of, number, place) .file = (of), .i = (number), .as = (place)
/* clang-format off */
static const struct offered rows[] = {
    {.what = "in order, one twice, one too early, one too many", .error = "OK", .file = THREE_CHUNKS, .n = 5, .next = 3, .opens = 3, .whole = true,
     .offer = {{AT(THREE_CHUNKS, 0, 0)}, {AT(THREE_CHUNKS, 0, 0)}, {AT(THREE_CHUNKS, 1, 1)}, {AT(THREE_CHUNKS, 2, 2)}, {AT(THREE_CHUNKS, 2, 3)}}},
    {.what = "the second comes first", .error = "OK", .file = THREE_CHUNKS, .n = 2, .next = 1, .opens = 1,
     .offer = {{AT(THREE_CHUNKS, 1, 1)}, {AT(THREE_CHUNKS, 0, 0)}}},
    {.what = "the last is missing", .error = "OK", .file = THREE_CHUNKS, .n = 2, .next = 2, .opens = 2,
     .offer = {{AT(THREE_CHUNKS, 0, 0)}, {AT(THREE_CHUNKS, 1, 1)}}},
    {.what = "the last is a byte short", .error = "ATTACHMENT_ADDRESS", .file = THREE_CHUNKS, .n = 3, .next = 2,
     .offer = {{AT(THREE_CHUNKS, 0, 0)}, {AT(THREE_CHUNKS, 1, 1)}, {AT(THREE_CHUNKS, 2, 2), .cut = 1}}},
    {.what = "a byte follows the last", .error = "ATTACHMENT_ADDRESS", .file = THREE_CHUNKS, .n = 3, .next = 2,
     .offer = {{AT(THREE_CHUNKS, 0, 0)}, {AT(THREE_CHUNKS, 1, 1)}, {AT(THREE_CHUNKS, 2, 2), .zeros = 1}}},
    {.what = "the second offered as the first", .error = "ATTACHMENT_ADDRESS", .file = THREE_CHUNKS, .n = 1,
     .offer = {{AT(THREE_CHUNKS, 1, 0)}}},
    {.what = "the first of another file", .error = "ATTACHMENT_ADDRESS", .file = THREE_CHUNKS, .n = 1,
     .offer = {{AT(TWO_CHUNKS, 0, 0)}}},
    {.what = "a byte changed", .error = "ATTACHMENT_ADDRESS", .file = ONE_CHUNK, .n = 1,
     .offer = {{AT(ONE_CHUNK, 0, 0), .flip = 100}}},
    {.what = "a byte of the tag changed", .error = "ATTACHMENT_ADDRESS", .file = ONE_BYTE, .n = 1,
     .offer = {{AT(ONE_BYTE, 0, 0), .flip = 17}}},
    {.what = "a size one larger", .error = "ATTACHMENT_ADDRESS", .file = ONE_BYTE, .more_size = 1, .n = 1,
     .offer = {{AT(ONE_BYTE, 0, 0)}}},
    {.what = "a size one smaller, of less than a tag and a byte", .error = "FIELD_VALUE", .file = ONE_BYTE, .more_size = -1, .n = 1,
     .offer = {{AT(ONE_BYTE, 0, 0)}}},
    {.what = "a hash too many", .error = "SIZE", .file = TWO_CHUNKS, .more_hashes = 1, .n = 1,
     .offer = {{AT(TWO_CHUNKS, 0, 0)}}},
    {.what = "a hash too few", .error = "SIZE", .file = TWO_CHUNKS, .more_hashes = -1, .n = 1,
     .offer = {{AT(TWO_CHUNKS, 0, 0)}}},
    {.what = "hashes in another order", .error = "ATTACHMENT_ADDRESS", .file = TWO_CHUNKS, .swapped = true, .n = 1,
     .offer = {{AT(TWO_CHUNKS, 0, 0)}}},
    {.what = "another address", .error = "ATTACHMENT_ADDRESS", .file = TWO_CHUNKS, .flipped = true, .n = 1,
     .offer = {{AT(TWO_CHUNKS, 0, 0)}}},

    {.what = "listed, and the key is another", .error = "OPEN", .file = TWO_CHUNKS, .key_of = "three chunks", .n = 2, .next = 2, .whole = true,
     .offer = {{AT(TWO_CHUNKS, 0, 0)}, {AT(TWO_CHUNKS, 1, 1)}}},
    {.what = "listed: a byte changed", .error = "OPEN", .as_offered = true, .file = ONE_CHUNK, .n = 1, .next = 1, .whole = true,
     .offer = {{AT(ONE_CHUNK, 0, 0), .flip = 1}}},
    {.what = "listed: a byte of the last tag changed", .error = "OPEN", .as_offered = true, .file = THREE_CHUNKS, .n = 3, .next = 3, .opens = 2, .whole = true,
     .offer = {{AT(THREE_CHUNKS, 0, 0)}, {AT(THREE_CHUNKS, 1, 1)}, {AT(THREE_CHUNKS, 2, 2), .flip = LAST_OF_THREE}}},
    {.what = "listed: the first two in another order", .error = "OPEN", .as_offered = true, .file = THREE_CHUNKS, .n = 3, .next = 3, .whole = true,
     .offer = {{AT(THREE_CHUNKS, 1, 0)}, {AT(THREE_CHUNKS, 0, 1)}, {AT(THREE_CHUNKS, 2, 2)}}},
    {.what = "listed: the first is left out", .error = "OPEN", .as_offered = true, .file = THREE_CHUNKS, .n = 2, .next = 2, .whole = true,
     .offer = {{AT(THREE_CHUNKS, 1, 0)}, {AT(THREE_CHUNKS, 2, 1)}}},
    {.what = "listed: the last is left out", .error = "OPEN", .as_offered = true, .file = THREE_CHUNKS, .n = 2, .next = 2, .opens = 1, .whole = true,
     .offer = {{AT(THREE_CHUNKS, 0, 0)}, {AT(THREE_CHUNKS, 1, 1)}}},
    {.what = "listed: the last is a byte short", .error = "OPEN", .as_offered = true, .file = THREE_CHUNKS, .n = 3, .next = 3, .opens = 2, .whole = true,
     .offer = {{AT(THREE_CHUNKS, 0, 0)}, {AT(THREE_CHUNKS, 1, 1)}, {AT(THREE_CHUNKS, 2, 2), .cut = 1}}},
    {.what = "listed: zeros follow in the last", .error = "OPEN", .as_offered = true, .file = ONE_BYTE, .n = 1, .next = 1, .whole = true,
     .offer = {{AT(ONE_BYTE, 0, 0), .zeros = 3}}},
    {.what = "listed: a chunk follows the last", .error = "OPEN", .as_offered = true, .file = TWO_CHUNKS, .n = 3, .next = 3, .opens = 1, .whole = true,
     .offer = {{AT(TWO_CHUNKS, 0, 0)}, {AT(TWO_CHUNKS, 1, 1)}, {AT(THREE_CHUNKS, 2, 2)}}},
    {.what = "listed: the last again", .error = "OPEN", .as_offered = true, .file = ONE_CHUNK, .n = 2, .next = 2, .whole = true,
     .offer = {{AT(ONE_CHUNK, 0, 0)}, {AT(ONE_CHUNK, 0, 1)}}},
    {.what = "listed: a tag and nothing else", .error = "FIELD_VALUE", .as_offered = true, .file = ONE_BYTE, .n = 1,
     .offer = {{AT(ONE_BYTE, 0, 0), .cut = 1}}},
    {.what = "listed: a tag and nothing else behind a whole chunk", .error = "FIELD_VALUE", .as_offered = true, .file = ONE_AND_A_BYTE, .n = 2,
     .offer = {{AT(ONE_AND_A_BYTE, 0, 0)}, {AT(ONE_AND_A_BYTE, 1, 1), .cut = 1}}},
};
/* clang-format on */

struct listing {
    uint64_t size;
    size_t count;
    uint8_t hash[FILE_CHUNKS + 1][32];
};

static size_t offer_make(const struct offer *o, uint8_t out[ATTACHMENT_CHUNK + 16])
{
    size_t len = chunk_make(&files[o->file], o->i, out);

    if (o->flip)
        out[o->flip - 1] ^= 1;
    memset(out + len, 0, o->zeros);
    return len - o->cut + o->zeros;
}

static void listing_add(struct listing *l, struct span chunk)
{
    hash_of((unsigned)l->count, chunk, l->hash[l->count]);
    l->size += chunk.len;
    l->count++;
}

static void listing_make(struct listing *l, const struct offered *row)
{
    static uint8_t chunk[ATTACHMENT_CHUNK + 16];
    const unsigned n = row->as_offered ? row->n : count_of(files[row->file].plain);

    *l = (struct listing){0};
    for (unsigned i = 0; i < n; i++) {
        const size_t len = row->as_offered ? offer_make(&row->offer[i], chunk)
                                           : chunk_make(&files[row->file], i, chunk);

        listing_add(l, span_of(chunk, len));
    }
}

static void put_offers(json_t *o, const struct offered *row)
{
    json_t *list = put_array(o, "offers");

    for (unsigned i = 0; i < row->n; i++) {
        json_t *one = add_object(list);

        put_uint(one, "as", row->offer[i].as);
        put_text(one, "file", files[row->offer[i].file].name);
        put_uint(one, "chunk", row->offer[i].i);
        if (row->offer[i].cut)
            put_uint(one, "cut", row->offer[i].cut);
        if (row->offer[i].zeros)
            put_uint(one, "then_zeros", row->offer[i].zeros);
        if (row->offer[i].flip)
            put_uint(one, "flip", row->offer[i].flip - 1);
    }
}

static void put_offered(json_t *list, const struct offered *row)
{
    const struct vec_file key_of = {.name = row->key_of ? row->key_of : files[row->file].name};
    json_t *o = add_object(list);
    json_t *hashes;
    struct listing l;
    uint8_t bytes[32];

    listing_make(&l, row);
    put_text(o, "what", row->what);
    secret_of(&key_of, "key", bytes);
    put_span(o, "key", SPAN_OF(bytes));
    address_of(l.size, span_of(l.hash[0], 32 * l.count), bytes);
    bytes[0] ^= row->flipped;
    put_span(o, "address", SPAN_OF(bytes));
    put_uint(o, "size", l.size + (uint64_t)(int64_t)row->more_size);
    if (row->swapped) {
        memcpy(bytes, l.hash[0], 32);
        memcpy(l.hash[0], l.hash[1], 32);
        memcpy(l.hash[1], bytes, 32);
    }
    hashes = put_array(o, "hashes");
    for (size_t i = 0; i < l.count + (size_t)row->more_hashes; i++)
        json_array_append_new(hashes, vec_json_hex(SPAN_OF(l.hash[i])));
    put_offers(o, row);
    put_uint(o, "next", row->next);
    json_object_set_new(o, "whole", json_boolean(row->whole));
    put_uint(o, "opens", row->opens);
    put_text(o, "error", row->error);
}

/* ---- messages ---- */

#define NO_I UINT64_MAX /* of messages that have no i */

static const char *const by_node = "node", *const by_hub = "hub";

/* Zeros at the end of the frame are counted, not written; decoded only where there are none. */
static json_t *put_message(json_t *list, const char *what, const char *from, struct writer *w,
                           size_t zeros)
{
    struct bytes frame = vec_take(w);
    json_t *v = add_object(list);

    put_text(v, "what", what);
    put_text(v, "from", from);
    put_span(v, "frame", span_of(frame.ptr, frame.len - zeros));
    if (zeros)
        put_uint(v, "then_zeros", zeros);
    else
        put_decoded(v, "decoded", bytes_span(&frame));
    bytes_free(&frame);
    return v;
}

static struct writer begin(uint64_t type, size_t fields, uint64_t req, size_t address_bytes)
{
    struct writer w;
    uint8_t address[33];

    vec_secret("address", address);
    address[32] = 0;
    wr_init(&w);
    wr_array(&w, fields + 1);
    wr_uint(&w, type);
    wr_uint(&w, req);
    wr_bin(&w, span_of(address, address_bytes));
    return w;
}

static const uint8_t zeros[ATTACHMENT_CHUNK + 1];

static struct span some_hashes(size_t bytes)
{
    static uint8_t hashes[3 * 32];

    for (unsigned i = 0; i < 3; i++)
        hash_of(i, span_text("chunk"), hashes + (size_t)32 * i);
    return span_of(bytes > sizeof hashes ? zeros : hashes, bytes);
}

static struct writer open_message(uint64_t size, size_t hash_bytes, size_t address_bytes)
{
    struct writer w = begin(23, 4, 7, address_bytes);

    wr_uint(&w, size);
    wr_bin(&w, some_hashes(hash_bytes));
    return w;
}

static struct writer state_message(uint64_t size, uint64_t next, bool whole, size_t hash_bytes)
{
    struct writer w = begin(24, 6, 7, 32);

    wr_uint(&w, size);
    wr_uint(&w, next);
    wr_bool(&w, whole);
    wr_bin(&w, some_hashes(hash_bytes));
    return w;
}

static struct writer chunk_message(uint64_t type, uint64_t i, size_t bytes)
{
    struct writer w = begin(type, 4, 8, 32);

    wr_uint(&w, i);
    wr_bin(&w, bytes > 32 ? span_of(zeros, bytes) : span_of(some_hashes(96).ptr, bytes));
    return w;
}

static struct writer short_message(uint64_t type, uint64_t i, size_t address_bytes)
{
    struct writer w = begin(type, i == NO_I ? 2 : 3, 9, address_bytes);

    if (i != NO_I)
        wr_uint(&w, i);
    return w;
}

static struct writer text_for_hashes(void)
{
    struct writer w = begin(23, 4, 7, 32);

    wr_uint(&w, 0);
    wr_text(&w, span_text(""));
    return w;
}

static struct writer number_for_whole(void)
{
    struct writer w = begin(24, 6, 7, 32);

    wr_uint(&w, 300000);
    wr_uint(&w, 2);
    wr_uint(&w, 1);
    wr_bin(&w, span_text(""));
    return w;
}

static void put_good_messages(json_t *file)
{
    /* clang-format off */
    const struct good {
        const char *what, *from;
        struct writer w;
        size_t zeros;
    } good[] = {
        {"ATT_OPEN: one chunk", by_node, open_message(17, 32, 32), 0},
        {"ATT_OPEN: three chunks", by_node, open_message(524289 + 16, 96, 32), 0},
        {"ATT_OPEN: what has the hub of it?", by_node, open_message(0, 0, 32), 0},
        {"ATT_OPEN: the largest", by_node, open_message(268451856, 32800, 32), 32800},
        {"ATT_STATE: one of three chunks", by_hub, state_message(524289 + 16, 1, false, 0), 0},
        {"ATT_STATE: whole", by_hub, state_message(524289 + 16, 3, true, 0), 0},
        {"ATT_STATE: whole, with its hashes", by_hub, state_message(524289 + 16, 3, true, 96), 0},
        {"ATT_STATE: the answer to ATT_DONE", by_hub, state_message(0, 0, true, 0), 0},
        {"ATT_STATE: the largest", by_hub, state_message(268451856, 1025, true, 32800), 32800},
        {"ATT_PUT: the shortest chunk", by_node, chunk_message(25, 0, 17), 0},
        {"ATT_PUT: the longest chunk, at the last place", by_node, chunk_message(25, 1024, 262144), 262144},
        {"ATT_GET", by_node, short_message(26, 1024, 32), 0},
        {"ATT_CHUNK: the shortest", by_hub, chunk_message(27, 1024, 17), 0},
        {"ATT_CHUNK: the longest", by_hub, chunk_message(27, 0, 262144), 262144},
        {"ATT_DONE", by_node, short_message(28, NO_I, 32), 0},
    };
    /* clang-format on */
    json_t *list = put_array(file, "messages");

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct writer w = good[i].w;

        put_message(list, good[i].what, good[i].from, &w, good[i].zeros);
    }
}

static void put_bad_messages(json_t *file)
{
    /* clang-format off */
    const struct bad {
        const char *what, *from, *error;
        struct writer w;
        size_t zeros;
    } bad[] = {
        {"ATT_OPEN: hashes, and no size", by_node, "SIZE", open_message(0, 32, 32), 0},
        {"ATT_OPEN: a size, and no hashes", by_node, "SIZE", open_message(17, 0, 32), 0},
        {"ATT_OPEN: a hash too few", by_node, "SIZE", open_message(262145 + 16, 32, 32), 0},
        {"ATT_OPEN: a hash too many", by_node, "SIZE", open_message(262144, 64, 32), 0},
        {"ATT_OPEN: a hash and a byte", by_node, "SIZE", open_message(17, 33, 32), 0},
        {"ATT_OPEN: a size of a tag and nothing else", by_node, "SIZE", open_message(16, 32, 32), 0},
        {"ATT_OPEN: the last chunk a tag and nothing else", by_node, "SIZE", open_message(262144 + 16, 64, 32), 0},
        {"ATT_OPEN: 1,026 hashes", by_node, "SIZE", open_message(268451856, 32832, 32), 32832},
        {"ATT_OPEN: above the largest size", by_node, "FIELD_VALUE", open_message(268451857, 32800, 32), 32800},
        {"ATT_OPEN: an address of 31 bytes", by_node, "SIZE", open_message(17, 32, 31), 0},
        {"ATT_OPEN: text for hashes", by_node, "TYPE", text_for_hashes(), 0},
        {"ATT_OPEN: said by a hub", by_hub, "MESSAGE_STATE", open_message(17, 32, 32), 0},
        {"ATT_STATE: next is 1,026", by_hub, "FIELD_VALUE", state_message(268451856, 1026, false, 0), 0},
        {"ATT_STATE: above the largest size", by_hub, "FIELD_VALUE", state_message(268451857, 0, false, 0), 0},
        {"ATT_STATE: a hash too few", by_hub, "SIZE", state_message(262145 + 16, 0, false, 32), 0},
        {"ATT_STATE: hashes, and no size", by_hub, "SIZE", state_message(0, 0, false, 32), 0},
        {"ATT_STATE: whole is a number", by_hub, "TYPE", number_for_whole(), 0},
        {"ATT_STATE: said by a node", by_node, "MESSAGE_STATE", state_message(17, 0, false, 0), 0},
        {"ATT_PUT: a tag and nothing else", by_node, "SIZE", chunk_message(25, 0, 16), 0},
        {"ATT_PUT: a byte too many", by_node, "SIZE", chunk_message(25, 0, 262145), 262145},
        {"ATT_PUT: place 1,025", by_node, "FIELD_VALUE", chunk_message(25, 1025, 17), 0},
        {"ATT_PUT: said by a hub", by_hub, "MESSAGE_STATE", chunk_message(25, 0, 17), 0},
        {"ATT_GET: place 1,025", by_node, "FIELD_VALUE", short_message(26, 1025, 32), 0},
        {"ATT_GET: without a place", by_node, "SIZE", short_message(26, NO_I, 32), 0},
        {"ATT_GET: said by a hub", by_hub, "MESSAGE_STATE", short_message(26, 0, 32), 0},
        {"ATT_CHUNK: nothing", by_hub, "SIZE", chunk_message(27, 0, 0), 0},
        {"ATT_CHUNK: place 1,025", by_hub, "FIELD_VALUE", chunk_message(27, 1025, 17), 0},
        {"ATT_CHUNK: said by a node", by_node, "MESSAGE_STATE", chunk_message(27, 0, 17), 0},
        {"ATT_DONE: an address of 33 bytes", by_node, "SIZE", short_message(28, NO_I, 33), 0},
        {"ATT_DONE: with a place", by_node, "SIZE", short_message(28, 0, 32), 0},
        {"ATT_DONE: said by a hub", by_hub, "MESSAGE_STATE", short_message(28, NO_I, 32), 0},
    };
    /* clang-format on */
    json_t *list = put_array(file, "bad_messages");

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct writer w = bad[i].w;

        put_text(put_message(list, bad[i].what, bad[i].from, &w, bad[i].zeros), "error",
                 bad[i].error);
    }
}

json_t *vectors_attachments(void)
{
    json_t *file = json_object();
    json_t *list;

    put_text(file, "about", "Attachments beside the envelope, and their messages (6.4, 11)");
    put_sizes(file);
    list = put_array(file, "files");
    for (size_t i = 0; i < FILES; i++)
        put_file(list, &files[i]);
    list = put_array(file, "offered");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        put_offered(list, &rows[i]);
    put_good_messages(file);
    put_bad_messages(file);
    return file;
}
