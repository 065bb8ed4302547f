/* receipts.json: a small audit log, receipts from it, an acknowledgement, a report (9 to 11). */
#include <string.h>

#include "vectors.h"
#include "vectors_log.h"

/* What a receipt is made of, so that bad ones can differ in one place. */
struct parts {
    uint64_t index;
    struct bytes entry;
    uint8_t salt[32];
    struct bytes detail;
    uint64_t size;
    struct vec_path inclusion;
    uint8_t root[32];
    uint8_t sig[64];
    bool has_path;
    uint8_t mid[16];
    uint8_t digest[64];
    uint64_t place;
    uint64_t count;
    struct vec_path path;
};

static void parts_of(struct parts *p, size_t index, size_t size)
{
    const struct vec_log *l = vec_log();
    const struct vec_delivered *d = &l->delivered;

    *p = (struct parts){.index = index, .size = size};
    MUST(bytes_copy(&p->entry, bytes_span(&l->leaf[index].entry)));
    MUST(bytes_copy(&p->detail, bytes_span(&l->leaf[index].detail)));
    memcpy(p->salt, l->leaf[index].salt, 32);
    vec_tree_path(l->hash, size, index, &p->inclusion);
    vec_tree_root(l->hash, size, p->root);
    vec_head_sig(VEC_LOG_ORIGIN, "audit log", size, p->root, p->sig);
    if (l->leaf[index].type != 2)
        return;
    p->has_path = true;
    p->place = 1;
    p->count = d->count;
    memcpy(p->mid, d->item[1], 16);
    memcpy(p->digest, d->item[1] + 16, 64);
    vec_tree_path(d->leaf, d->count, 1, &p->path);
}

static void parts_free(struct parts *p)
{
    bytes_free(&p->entry);
    bytes_free(&p->detail);
}

static void write_hashes(struct writer *w, const struct vec_path *path)
{
    wr_array(w, path->count);
    for (size_t i = 0; i < path->count; i++)
        wr_bin(w, SPAN_OF(path->hash[i]));
}

static void write_path(struct writer *w, const struct parts *p)
{
    if (!p->has_path) {
        wr_nil(w);
        return;
    }
    wr_array(w, 5);
    wr_bin(w, SPAN_OF(p->mid));
    wr_bin(w, SPAN_OF(p->digest));
    wr_uint(w, p->place);
    wr_uint(w, p->count);
    write_hashes(w, &p->path);
}

static struct bytes write_receipt(const struct parts *p)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, 10);
    wr_uint(&w, 2);
    wr_uint(&w, p->index);
    wr_bin(&w, bytes_span(&p->entry));
    wr_bin(&w, SPAN_OF(p->salt));
    wr_bin(&w, bytes_span(&p->detail));
    wr_uint(&w, p->size);
    write_hashes(&w, &p->inclusion);
    wr_bin(&w, SPAN_OF(p->root));
    wr_bin(&w, SPAN_OF(p->sig));
    write_path(&w, p);
    return vec_take(&w);
}

/* ---- the file form ---- */

static void line(struct bytes *text, const char *before, struct span raw)
{
    struct bytes base64 = {0};

    MUST(base64_write(&base64, raw));
    MUST(bytes_printf(text, "%s%.*s\n", before, (int)base64.len, (const char *)base64.ptr));
    bytes_free(&base64);
}

/* c2sp.org/signed-note: key id = SHA-256(name, newline, type 01, key), four bytes. */
static void write_note(const struct parts *p, struct bytes *note)
{
    struct sign_public pk = vec_sign_pk("audit log");
    struct bytes id = {0};
    uint8_t hash[32];
    uint8_t blob[4 + 64];

    MUST(bytes_printf(&id, "%s\n\x01", VEC_LOG_ORIGIN));
    MUST(bytes_append(&id, SPAN_OF(pk.b)));
    sha256(bytes_span(&id), hash);
    memcpy(blob, hash, 4);
    memcpy(blob + 4, p->sig, 64);
    vec_note_text(VEC_LOG_ORIGIN, p->size, p->root, note);
    MUST(bytes_append(note, SPAN_STR("\n")));
    line(note, "\u2014 " VEC_LOG_ORIGIN " ", SPAN_OF(blob));
    bytes_free(&id);
}

static void write_file(const struct parts *p, struct bytes *text)
{
    struct bytes note = {0};
    struct bytes extra;
    struct writer w;

    wr_init(&w);
    wr_array(&w, 5);
    wr_uint(&w, 1);
    wr_bin(&w, bytes_span(&p->entry));
    wr_bin(&w, SPAN_OF(p->salt));
    wr_bin(&w, bytes_span(&p->detail));
    write_path(&w, p);
    extra = vec_take(&w);
    MUST(bytes_printf(text, "c2sp.org/tlog-proof@v1\n"));
    line(text, "extra ", bytes_span(&extra));
    MUST(bytes_printf(text, "index %u\n", (unsigned)p->index));
    for (size_t i = 0; i < p->inclusion.count; i++)
        line(text, "", SPAN_OF(p->inclusion.hash[i]));
    write_note(p, &note);
    MUST(bytes_append(text, SPAN_STR("\n")));
    MUST(bytes_append(text, bytes_span(&note)));
    bytes_free(&extra);
    bytes_free(&note);
}

static void put_bytes_text(json_t *o, const char *key, const struct bytes *text)
{
    json_object_set_new(o, key, json_stringn((const char *)text->ptr, text->len));
}

/* ---- good ---- */

static void put_receipt(json_t *list, size_t index, size_t size)
{
    json_t *v = add_object(list);
    struct bytes receipt;
    struct bytes text = {0};
    struct parts p;

    parts_of(&p, index, size);
    receipt = write_receipt(&p);
    write_file(&p, &text);
    put_text(v, "what", vec_log()->leaf[index].what);
    put_uint(v, "type", vec_log()->leaf[index].type);
    put_uint(v, "index", index);
    put_uint(v, "size", size);
    put_span(v, "receipt", bytes_span(&receipt));
    put_bytes_text(v, "file", &text);
    bytes_free(&receipt);
    bytes_free(&text);
    parts_free(&p);
}

static void put_receipts(json_t *file)
{
    json_t *list = put_array(file, "receipts");

    put_receipt(list, 0, 1);
    put_receipt(list, 2, 11);
    put_receipt(list, 3, 4);
    put_receipt(list, 3, 11);
    put_receipt(list, 4, 11);
    put_receipt(list, 5, 6);
    put_receipt(list, 5, 11);
    put_receipt(list, 6, 11);
    put_receipt(list, 7, 11);
    put_receipt(list, 8, 9);
    put_receipt(list, 9, 11);
    put_receipt(list, 10, 11);
    put_receipt(list, 11, 12);
    put_receipt(list, 12, 13);
    put_receipt(list, 13, 14);
}

/* ---- bad ---- */

static void bad_salt(struct parts *p)
{
    p->salt[0] ^= 1;
}
static void bad_detail(struct parts *p)
{
    p->detail.ptr[p->detail.len - 1] ^= 1;
}
static void bad_entry_time(struct parts *p)
{
    p->entry.ptr[10] ^= 1; /* array, type, then a uint 64 whose last byte this is */
}
static void bad_index(struct parts *p)
{
    p->index ^= 1;
}
static void index_beyond(struct parts *p)
{
    p->index = p->size;
}
static void bad_inclusion(struct parts *p)
{
    p->inclusion.hash[1][31] ^= 0x80;
}
static void inclusion_short(struct parts *p)
{
    p->inclusion.count--;
}
static void inclusion_long(struct parts *p)
{
    p->inclusion.count++;
}
static void bad_root(struct parts *p)
{
    p->root[0] ^= 1;
}
static void bad_signature(struct parts *p)
{
    p->sig[63] ^= 1;
}
static void signed_by_hub(struct parts *p)
{
    vec_head_sig(VEC_LOG_ORIGIN, "hub", p->size, p->root, p->sig);
}
static void signed_other_origin(struct parts *p)
{
    vec_head_sig(VEC_FEDERATION "/keys", "audit log", p->size, p->root, p->sig);
}
static void signed_other_size(struct parts *p)
{
    vec_head_sig(VEC_LOG_ORIGIN, "audit log", p->size + 1, p->root, p->sig);
}
static void bad_path_mid(struct parts *p)
{
    p->mid[15] ^= 1;
}
static void bad_path_digest(struct parts *p)
{
    p->digest[0] ^= 1;
}
static void bad_path_place(struct parts *p)
{
    p->place = 0;
}
static void bad_path_count(struct parts *p)
{
    p->count++;
}
static void bad_path_hash(struct parts *p)
{
    p->path.hash[0][0] ^= 1;
}
static void no_path(struct parts *p)
{
    p->has_path = false;
}

static void put_bad(json_t *file)
{
    static const struct {
        const char *what;
        void (*damage)(struct parts *p);
        enum err err;
        size_t index;
    } rows[] = {
        {"another salt",                     bad_salt,            ERR_PROOF,      3},
        {"one bit of the detail",            bad_detail,          ERR_PROOF,      3},
        {"one bit of the time in the entry", bad_entry_time,      ERR_PROOF,      3},
        {"the index of the neighbour",       bad_index,           ERR_PROOF,      3},
        {"an index beyond the tree",         index_beyond,        ERR_PROOF,      3},
        {"one bit of a hash",                bad_inclusion,       ERR_PROOF,      3},
        {"a hash too few",                   inclusion_short,     ERR_PROOF,      3},
        {"a hash too many",                  inclusion_long,      ERR_PROOF,      3},
        {"one bit of the root",              bad_root,            ERR_PROOF,      3},
        {"one bit of the signature",         bad_signature,       ERR_CHECKPOINT, 3},
        {"signed by the hub's key",          signed_by_hub,       ERR_CHECKPOINT, 3},
        {"signed for another origin",        signed_other_origin, ERR_CHECKPOINT, 3},
        {"signed for another size",          signed_other_size,   ERR_CHECKPOINT, 3},
        {"delivered: another mid",           bad_path_mid,        ERR_PROOF,      5},
        {"delivered: another digest",        bad_path_digest,     ERR_PROOF,      5},
        {"delivered: another place",         bad_path_place,      ERR_PROOF,      5},
        {"delivered: another count",         bad_path_count,      ERR_PROOF,      5},
        {"delivered: one bit of a hash",     bad_path_hash,       ERR_PROOF,      5},
        {"delivered: no path at all",        no_path,             ERR_PROOF,      5},
    };
    json_t *list = put_array(file, "bad_receipts");

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *v = add_object(list);
        struct bytes receipt;
        struct parts p;

        parts_of(&p, rows[i].index, vec_log()->size);
        rows[i].damage(&p);
        receipt = write_receipt(&p);
        put_text(v, "what", rows[i].what);
        put_span(v, "receipt", bytes_span(&receipt));
        put_text(v, "error", vec_err(rows[i].err));
        bytes_free(&receipt);
        parts_free(&p);
    }
}

/* A log of one entry, by a hub that puts another signature under its member's name: everything
 * but that signature checks. */
static void put_lie(json_t *list, const char *what, size_t index)
{
    const struct vec_leaf *leaf = &vec_log()->leaf[index];
    uint8_t sig_head[] = {17, 0xc4, 64}; /* detail key 17, bin of 64 */
    json_t *v = add_object(list);
    struct bytes receipt;
    struct span detail;
    struct writer w;
    struct parts p;
    uint8_t c[32];

    parts_of(&p, index, index + 1);
    ((uint8_t *)memmem(p.detail.ptr, p.detail.len, sig_head, sizeof sig_head))[20] ^= 1;
    detail = bytes_span(&p.detail);
    MUST(digest_parts("relais/audit1", SPAN_OF(p.salt), &detail, 1, c, 32));
    wr_init(&w);
    wr_array(&w, 3);
    wr_uint(&w, leaf->type);
    wr_uint(&w, VEC_T0);
    wr_bin(&w, SPAN_OF(c));
    MUST(wr_take(&w, &p.entry));
    p.index = 0;
    p.size = 1;
    p.inclusion.count = 0;
    sha256_leaf(bytes_span(&p.entry), p.root);
    vec_head_sig(VEC_LOG_ORIGIN, "audit log", 1, p.root, p.sig);
    receipt = write_receipt(&p);
    put_text(v, "what", what);
    put_span(v, "receipt", bytes_span(&receipt));
    put_text(v, "error", vec_err(ERR_FORGED));
    bytes_free(&receipt);
    parts_free(&p);
}

static void put_lies(json_t *file)
{
    json_t *list = put_array(file, "bad_member_signatures");

    put_lie(list, "delivered, and not signed by the member", 5);
    put_lie(list, "opened, and not signed by the member", 6);
    put_lie(list, "recalled, and not signed by the sender", 11);
}

/* ---- log, acknowledgement, report ---- */

static void put_log(json_t *file)
{
    const struct vec_log *l = vec_log();
    struct sign_public pk = vec_sign_pk("audit log");
    json_t *o = put_object(file, "log");
    uint8_t seed[32];
    json_t *list;

    vec_secret("audit log", seed);
    put_text(o, "origin", VEC_LOG_ORIGIN);
    put_span(o, "seed", SPAN_OF(seed));
    put_span(o, "pk", SPAN_OF(pk.b));
    list = put_array(o, "leaves");
    for (size_t i = 0; i < l->size; i++) {
        json_t *v = add_object(list);
        struct parts p;
        struct bytes note = {0};

        put_text(v, "what", l->leaf[i].what);
        put_uint(v, "type", l->leaf[i].type);
        put_span(v, "salt", SPAN_OF(l->leaf[i].salt));
        put_span(v, "detail", bytes_span(&l->leaf[i].detail));
        put_decoded(v, "decoded", bytes_span(&l->leaf[i].detail));
        put_span(v, "entry", bytes_span(&l->leaf[i].entry));
        put_span(v, "leaf_hash", SPAN_OF(l->hash[i]));
        parts_of(&p, i, i + 1);
        write_note(&p, &note);
        put_span(v, "root_after", SPAN_OF(p.root));
        put_bytes_text(v, "checkpoint_after", &note);
        bytes_free(&note);
        parts_free(&p);
    }
}

static void put_ack(json_t *file)
{
    const struct vec_delivered *d = &vec_log()->delivered;
    struct sign_public pk = vec_sign_pk("ehpad signing");
    json_t *o = put_object(file, "ack");
    json_t *list;

    put_id(o, "federation", d->federation);
    put_id(o, "hub_incarnation", d->incarnation);
    put_id(o, "org", d->org);
    put_id(o, "node", d->node);
    put_uint(o, "after", d->after);
    put_uint(o, "up_to", d->upto);
    put_uint(o, "count", d->count);
    list = put_array(o, "items");
    for (size_t i = 0; i < d->count; i++) {
        json_t *v = add_object(list);

        put_span(v, "mid", span_of(d->item[i], 16));
        put_span(v, "digest", span_of(d->item[i] + 16, 64));
        put_span(v, "leaf_hash", SPAN_OF(d->leaf[i]));
    }
    put_span(o, "root", SPAN_OF(d->root));
    put_span(o, "data", bytes_span(&d->data));
    put_span(o, "digest", SPAN_OF(d->digest));
    put_span(o, "pk", SPAN_OF(pk.b));
    put_span(o, "sig", SPAN_OF(d->sig));
}

static void put_statement(json_t *file, const char *name, const char *label,
                          const struct bytes *stmt, const struct bytes *ss)
{
    json_t *o = put_object(file, name);
    uint8_t digest[64];

    put_span(o, "stmt", bytes_span(stmt));
    put_decoded(o, "decoded", bytes_span(stmt));
    MUST(digest_of(label, bytes_span(stmt), digest, 64));
    put_span(o, "digest", SPAN_OF(digest));
    put_span(o, "ss", bytes_span(ss));
}

static void put_recall(json_t *file)
{
    const struct vec_log *l = vec_log();
    struct sign_public pk = vec_sign_pk("hospital signing");
    uint8_t org[ID_BYTES];
    json_t *o;

    put_statement(file, "recall", "relais/recall1/stmt", &l->recall, &l->recall_ss);
    o = json_object_get(file, "recall");
    vec_org(HOSPITAL, org);
    put_id(o, "org", org);
    put_span(o, "pk", SPAN_OF(pk.b));
}

json_t *vectors_receipts(void)
{
    json_t *file = json_object();

    put_text(file, "about", "An audit log of twelve entries and what is proven from it (9 to 11)");
    put_log(file);
    put_receipts(file);
    put_bad(file);
    put_lies(file);
    put_ack(file);
    put_statement(file, "report", "relais/report1/stmt", &vec_log()->report, &vec_log()->report_ss);
    put_recall(file);
    return file;
}
