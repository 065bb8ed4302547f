/* mp1.json: single encodings that every reader of profile MP1 accepts or refuses (PROTOCOL.md 1).
 */
#include "vectors.h"
#include "vectors_edits.h"

struct mp1 {
    const char *what;
    const char *hex;
    enum err err;
};

/* clang-format off */
static const struct mp1 rows[] = {
    {"nil", "c0", ERR_OK},
    {"false", "c2", ERR_OK},
    {"true", "c3", ERR_OK},
    {"0", "00", ERR_OK},
    {"127, the last fixint", "7f", ERR_OK},
    {"128, the first uint 8", "cc80", ERR_OK},
    {"255", "ccff", ERR_OK},
    {"256, the first uint 16", "cd0100", ERR_OK},
    {"65,535", "cdffff", ERR_OK},
    {"65,536, the first uint 32", "ce00010000", ERR_OK},
    {"2^32 - 1", "ceffffffff", ERR_OK},
    {"2^32, the first uint 64", "cf0000000100000000", ERR_OK},
    {"2^64 - 1", "cfffffffffffffffff", ERR_OK},
    {"-1", "ff", ERR_OK},
    {"-32, the last negative fixint", "e0", ERR_OK},
    {"-33, the first int 8", "d0df", ERR_OK},
    {"-128", "d080", ERR_OK},
    {"-129, the first int 16", "d1ff7f", ERR_OK},
    {"-32,768", "d18000", ERR_OK},
    {"-32,769, the first int 32", "d2ffff7fff", ERR_OK},
    {"-2^31", "d280000000", ERR_OK},
    {"-2^31 - 1, the first int 64", "d3ffffffff7fffffff", ERR_OK},
    {"-2^63", "d38000000000000000", ERR_OK},
    {"empty text", "a0", ERR_OK},
    {"text with accents", "ae4cc3a9612044e2809948c5936474", ERR_OK},
    {"a text of the last code point", "a4f48fbfbf", ERR_OK},
    {"text of 32 bytes, the first str 8", "d9206161616161616161616161616161616161616161616161616161616161616161", ERR_OK},
    {"empty bin", "c400", ERR_OK},
    {"bin with a NUL", "c40100", ERR_OK},
    {"empty array", "90", ERR_OK},
    {"empty map", "80", ERR_OK},
    {"array of 16, the first array 16", "dc0010c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0", ERR_OK},
    {"map of keys 0 and 255", "8200c0ccffc0", ERR_OK},
    {"depth 8", "9191919191919190", ERR_OK},
    {"depth 8, maps", "8100810081008100810081008100" "80", ERR_OK},

    {"no byte", "", ERR_TRUNCATED},
    {"two values", "c0c0", ERR_TRAILING},
    {"uint 8 without its byte", "cc", ERR_TRUNCATED},
    {"uint 64 without its last byte", "cfffffffffffffff", ERR_TRUNCATED},
    {"text of 3 with 2", "a36161", ERR_TRUNCATED},
    {"bin of 4 GiB - 1", "c6ffffffff", ERR_TRUNCATED},
    {"array of 2 with 1", "92c0", ERR_TRUNCATED},
    {"array of 2^32 - 1", "ddffffffff", ERR_TRUNCATED},
    {"map of 2^32 - 1", "dfffffffff", ERR_TRUNCATED},
    {"map of 2^31, whose items overflow 32 bits", "df80000000", ERR_TRUNCATED},
    {"map of one with a key alone", "8101", ERR_TRUNCATED},
    {"float 32", "ca00000000", ERR_TYPE},
    {"float 64", "cb0000000000000000", ERR_TYPE},
    {"fixext 1", "d40100", ERR_TYPE},
    {"fixext 16", "d80100000000000000000000000000000000", ERR_TYPE},
    {"timestamp", "d6ff00000000", ERR_TYPE},
    {"ext 8", "c70101" "00", ERR_TYPE},
    {"ext 32", "c90000000101" "00", ERR_TYPE},
    {"the byte that is never used", "c1", ERR_TYPE},
    {"0 as uint 8", "cc00", ERR_NOT_CANONICAL},
    {"127 as uint 8", "cc7f", ERR_NOT_CANONICAL},
    {"255 as uint 16", "cd00ff", ERR_NOT_CANONICAL},
    {"65,535 as uint 32", "ce0000ffff", ERR_NOT_CANONICAL},
    {"2^32 - 1 as uint 64", "cf00000000ffffffff", ERR_NOT_CANONICAL},
    {"1 as int 8", "d001", ERR_NOT_CANONICAL},
    {"128 as int 16", "d10080", ERR_NOT_CANONICAL},
    {"2^40 as int 64", "d30000010000000000", ERR_NOT_CANONICAL},
    {"-1 as int 8", "d0ff", ERR_NOT_CANONICAL},
    {"-128 as int 16", "d1ff80", ERR_NOT_CANONICAL},
    {"-32,768 as int 32", "d2ffff8000", ERR_NOT_CANONICAL},
    {"-2^31 as int 64", "d3ffffffff80000000", ERR_NOT_CANONICAL},
    {"text of 1 as str 8", "d90161", ERR_NOT_CANONICAL},
    {"text of 1 as str 16", "da000161", ERR_NOT_CANONICAL},
    {"text of 1 as str 32", "db0000000161", ERR_NOT_CANONICAL},
    {"bin of 1 as bin 16", "c5000100", ERR_NOT_CANONICAL},
    {"bin of 1 as bin 32", "c60000000100", ERR_NOT_CANONICAL},
    {"array of 1 as array 16", "dc0001c0", ERR_NOT_CANONICAL},
    {"array of 1 as array 32", "dd00000001c0", ERR_NOT_CANONICAL},
    {"map of 1 as map 16", "de000100c0", ERR_NOT_CANONICAL},
    {"map of 1 as map 32", "df0000000100c0", ERR_NOT_CANONICAL},
    {"depth 9", "919191919191919190", ERR_DEPTH},
    {"depth 9 in a map", "81009191919191919190", ERR_DEPTH},
    {"a key twice", "8201c001c0", ERR_DUPLICATE_KEY},
    {"a key twice, far below", "91918201c001c0", ERR_DUPLICATE_KEY},
    {"keys descending", "8202c001c0", ERR_KEY_ORDER},
    {"key 256", "81cd0100c0", ERR_RANGE},
    {"a key of text", "81a161c0", ERR_TYPE},
    {"a key -1", "81ffc0", ERR_TYPE},
    {"a key nil", "81c0c0", ERR_TYPE},
    {"a key that is an array", "8190c0", ERR_TYPE},
    {"key 1 as uint 8", "81cc01c0", ERR_NOT_CANONICAL},
    {"a lone continuation byte", "a180", ERR_UTF8},
    {"a sequence cut short", "a1c3", ERR_UTF8},
    {"overlong 'a'", "a2c1a1", ERR_UTF8},
    {"overlong NUL", "a2c080", ERR_UTF8},
    {"overlong in three bytes", "a3e081a1", ERR_UTF8},
    {"half a surrogate pair", "a3eda080", ERR_UTF8},
    {"above the last code point", "a4f4908080", ERR_UTF8},
    {"five-byte form", "a5f888808080", ERR_UTF8},
    {"ISO 8859-1", "a2e961", ERR_UTF8},
    {"text with a NUL", "a3610062", ERR_UTF8},
};
/* clang-format on */

static json_t *row(json_t *list, const char *what, struct span encoding)
{
    json_t *v = add_object(list);

    put_text(v, "what", what);
    put_span(v, "hex", encoding);
    return v;
}

/* An array of n nils: n + 1 items. */
static json_t *many(json_t *list, const char *what, unsigned n)
{
    struct writer w;
    struct bytes made;
    json_t *v;

    wr_init(&w);
    wr_array(&w, n);
    for (unsigned i = 0; i < n; i++)
        wr_nil(&w);
    made = vec_take(&w);
    v = row(list, what, bytes_span(&made));
    bytes_free(&made);
    return v;
}

json_t *vectors_mp1(void)
{
    json_t *file = json_object();
    json_t *good = json_array();
    json_t *bad = json_array();

    put_text(file, "about", "Encodings of one value under profile MP1 (PROTOCOL.md 1)");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes raw = vec_unhex(rows[i].hex);
        json_t *v = row(rows[i].err ? bad : good, rows[i].what, bytes_span(&raw));

        if (rows[i].err)
            put_text(v, "error", vec_err(rows[i].err));
        bytes_free(&raw);
    }
    many(good, "4,096 items", 4095);
    put_text(many(bad, "4,097 items", 4096), "error", vec_err(ERR_ITEMS));
    json_object_set_new(file, "good", good);
    json_object_set_new(file, "bad", bad);
    return file;
}
