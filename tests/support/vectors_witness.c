/* witnesses.json: cosignatures, consistency, the messages about them, and how an epoch begins
 * (PROTOCOL.md 10.4, 10.5, 11). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vectors.h"
#include "vectors_log.h"

#define COSIGN_S UINT64_C(1790000060)
#define NEXT_ORIGIN VEC_FEDERATION "/audit/2027"

static const char *const witness_names[] = {"hospital witness 1", "ehpad witness 2"};
static const enum vec_member witness_members[] = {HOSPITAL, EHPAD};

static void root_of(size_t size, uint8_t root[32])
{
    vec_tree_root(vec_log()->hash, size, root);
}

/* ---- cosignatures ---- */

static void cosigned_text(const char *first, uint64_t time_s, const char *origin, uint64_t size,
                          const uint8_t root[32], struct bytes *out)
{
    struct bytes text = {0};

    vec_note_text(origin, size, root, &text);
    bytes_free(out);
    MUST(bytes_printf(out, "%stime %" PRIu64 "\n%.*s", first, time_s, (int)text.len,
                      (const char *)text.ptr));
    bytes_free(&text);
}

static void cosign(const char *key, uint64_t time_s, const char *origin, uint64_t size,
                   const uint8_t root[32], uint8_t sig[64])
{
    struct secret_sign *secret = vec_sign_key(key);
    struct bytes text = {0};

    cosigned_text("cosignature/v1\n", time_s, origin, size, root, &text);
    MUST(sign_note(secret, bytes_span(&text), sig));
    bytes_free(&text);
    secret_sign_free(secret);
}

static void name_of(size_t i, char name[128])
{
    uint8_t node[ID_BYTES];
    int at = snprintf(name, 128, VEC_FEDERATION "/witness/");

    vec_node(witness_members[i], node);
    for (int k = 0; k < ID_BYTES; k++)
        at += snprintf(name + at, (size_t)(128 - at), "%02x", node[k]);
}

/* c2sp.org/tlog-cosignature: key id = SHA-256(name, newline, type 04, key), four bytes. */
static void put_line(json_t *v, const char *name, const char *key, uint64_t time_s,
                     const uint8_t sig[64])
{
    struct sign_public pk = vec_sign_pk(key);
    struct bytes id = {0}, base64 = {0}, line = {0};
    uint8_t hash[32];
    uint8_t blob[4 + 8 + 64];

    MUST(bytes_printf(&id, "%s\n\x04", name));
    MUST(bytes_append(&id, SPAN_OF(pk.b)));
    sha256(bytes_span(&id), hash);
    memcpy(blob, hash, 4);
    for (int i = 0; i < 8; i++)
        blob[4 + i] = (uint8_t)(time_s >> (56 - 8 * i));
    memcpy(blob + 12, sig, 64);
    MUST(base64_write(&base64, SPAN_OF(blob)));
    MUST(bytes_printf(&line, "\u2014 %s %.*s\n", name, (int)base64.len, (const char *)base64.ptr));
    json_object_set_new(v, "line", json_stringn((const char *)line.ptr, line.len));
    bytes_free(&id);
    bytes_free(&base64);
    bytes_free(&line);
}

static json_t *put_cosignature(json_t *list, const char *what, size_t i, const char *origin,
                               uint64_t size, uint64_t time_s)
{
    json_t *v = add_object(list);
    struct sign_public pk = vec_sign_pk(witness_names[i]);
    struct bytes text = {0};
    uint8_t root[32], seed[32], sig[64];
    char name[128];

    root_of((size_t)size, root);
    vec_secret(witness_names[i], seed);
    name_of(i, name);
    cosign(witness_names[i], time_s, origin, size, root, sig);
    cosigned_text("cosignature/v1\n", time_s, origin, size, root, &text);
    put_text(v, "what", what);
    put_text(v, "name", name);
    put_span(v, "seed", SPAN_OF(seed));
    put_span(v, "pk", SPAN_OF(pk.b));
    put_text(v, "origin", origin);
    put_uint(v, "size", size);
    put_span(v, "root", SPAN_OF(root));
    put_uint(v, "time", time_s);
    json_object_set_new(v, "signed", json_stringn((const char *)text.ptr, text.len));
    put_span(v, "sig", SPAN_OF(sig));
    put_line(v, name, witness_names[i], time_s, sig);
    bytes_free(&text);
    return v;
}

struct bad_cosignature {
    const char *what;
    uint64_t size, time_s; /* claimed; signed are 11 and COSIGN_S */
    const char *origin;    /* signed */
    const char *first;     /* line of what is signed */
    const char *key;       /* that signs */
};
static const struct bad_cosignature bad_cosignatures[] = {
    {"another time than was signed",            11, COSIGN_S + 1, VEC_LOG_ORIGIN, "cosignature/v1\n",
     "ehpad witness 2"                                                                                                    },
    {"another size than was signed",            10, COSIGN_S,     VEC_LOG_ORIGIN, "cosignature/v1\n",
     "ehpad witness 2"                                                                                                    },
    {"a head of the next epoch",                11, COSIGN_S,     NEXT_ORIGIN,    "cosignature/v1\n", "ehpad witness 2"   },
    {"without the first line",                  11, COSIGN_S,     VEC_LOG_ORIGIN, "",                 "ehpad witness 2"   },
    {"by the key that the witness has retired", 11, COSIGN_S,     VEC_LOG_ORIGIN, "cosignature/v1\n",
     "ehpad witness 1"                                                                                                    },
    {"by another witness",                      11, COSIGN_S,     VEC_LOG_ORIGIN, "cosignature/v1\n", "hospital witness 1"},
    {"by the node's signing key",               11, COSIGN_S,     VEC_LOG_ORIGIN, "cosignature/v1\n",
     "ehpad signing"                                                                                                      },
};

static void put_bad_cosignature(json_t *list, const struct bad_cosignature *b)
{
    json_t *v = add_object(list);
    struct sign_public pk = vec_sign_pk("ehpad witness 2");
    struct secret_sign *secret = vec_sign_key(b->key);
    struct bytes text = {0};
    uint8_t root[32], sig[64];

    root_of(11, root);
    cosigned_text(b->first, COSIGN_S, b->origin, 11, root, &text);
    MUST(sign_note(secret, bytes_span(&text), sig));
    put_text(v, "what", b->what);
    put_span(v, "pk", SPAN_OF(pk.b));
    put_text(v, "origin", VEC_LOG_ORIGIN);
    put_uint(v, "size", b->size);
    put_span(v, "root", SPAN_OF(root));
    put_uint(v, "time", b->time_s);
    put_span(v, "sig", SPAN_OF(sig));
    put_text(v, "error", "CHECKPOINT");
    bytes_free(&text);
    secret_sign_free(secret);
}

static void put_cosignatures(json_t *file)
{
    json_t *list = put_array(file, "cosignatures");

    put_cosignature(list, "of the audit log, by the hospital", 0, VEC_LOG_ORIGIN, 11, COSIGN_S);
    put_cosignature(list, "of the audit log, by the EHPAD", 1, VEC_LOG_ORIGIN, 11, COSIGN_S + 3);
    put_cosignature(list, "the same head an hour later", 1, VEC_LOG_ORIGIN, 11, COSIGN_S + 3603);
    list = put_array(file, "bad_cosignatures");
    for (size_t i = 0; i < sizeof bad_cosignatures / sizeof bad_cosignatures[0]; i++)
        put_bad_cosignature(list, &bad_cosignatures[i]);
}

/* ---- consistency ---- */

static size_t half(size_t n)
{
    size_t k = 1;

    while (2 * k < n)
        k *= 2;
    return k;
}

/* RFC 6962 2.1.2, SUBPROOF. */
static void subproof(const uint8_t (*leaves)[32], size_t m, size_t n, bool whole,
                     struct vec_path *path)
{
    size_t k = half(n);

    if (m == n) {
        if (!whole)
            vec_tree_root(leaves, n, path->hash[path->count++]);
        return;
    }
    if (m <= k) {
        subproof(leaves, m, k, whole, path);
        vec_tree_root(leaves + k, n - k, path->hash[path->count++]);
    } else {
        subproof(leaves + k, m - k, n - k, false, path);
        vec_tree_root(leaves, k, path->hash[path->count++]);
    }
}

static json_t *put_consistency(json_t *list, const char *what, size_t from, size_t to)
{
    json_t *v = add_object(list);
    struct vec_path path = {0};
    uint8_t root[32];
    json_t *hashes;

    put_text(v, "what", what);
    put_uint(v, "from", from);
    root_of(from, root);
    put_span(v, "from_root", SPAN_OF(root));
    put_uint(v, "to", to);
    root_of(to, root);
    put_span(v, "to_root", SPAN_OF(root));
    subproof(vec_log()->hash, from, to, true, &path);
    hashes = put_array(v, "hashes");
    for (size_t i = 0; i < path.count; i++)
        json_array_append_new(hashes, vec_json_hex(SPAN_OF(path.hash[i])));
    return v;
}

static void put_proofs(json_t *file)
{
    static const size_t pairs[][2] = {
        {1, 2 },
        {1, 11},
        {4, 11},
        {6, 11},
        {8, 11},
        {7, 8 },
        {3, 12},
        {9, 12}
    };
    json_t *list = put_array(file, "consistency");
    char what[64];
    json_t *v;

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        snprintf(what, sizeof what, "from %zu to %zu", pairs[i][0], pairs[i][1]);
        put_consistency(list, what, pairs[i][0], pairs[i][1]);
    }
    put_consistency(list, "a log that has not grown", 11, 11);
    list = put_array(file, "bad_consistency");
    v = put_consistency(list, "another root at the same size", 11, 11);
    json_object_set_new(v, "to_root",
                        json_incref(json_object_get(
                            json_array_get(json_object_get(file, "consistency"), 6), "to_root")));
    v = put_consistency(list, "a hash too few", 6, 11);
    json_array_remove(json_object_get(v, "hashes"), 0);
    v = put_consistency(list, "a hash too many", 6, 11);
    json_array_append(json_object_get(v, "hashes"), json_object_get(v, "to_root"));
    v = put_consistency(list, "the roots exchanged", 6, 11);
    json_object_set(v, "swap", json_object_get(v, "from_root"));
    json_object_set(v, "from_root", json_object_get(v, "to_root"));
    json_object_set(v, "to_root", json_object_get(v, "swap"));
    json_object_del(v, "swap");
    v = put_consistency(list, "the proof of another pair", 6, 11);
    json_object_set_new(v, "from", json_integer(7));
    v = put_consistency(list, "an older log that is longer", 6, 11);
    json_object_set_new(v, "from", json_integer(12));
    for (size_t i = 0; i < json_array_size(list); i++)
        put_text(json_array_get(list, i), "error", "PROOF");
}

/* ---- messages ---- */

static void head(struct writer *w, size_t size)
{
    uint8_t root[32];

    root_of(size, root);
    wr_vec_head(w, VEC_LOG_ORIGIN, "audit log", size, root);
}

static void cosigned(struct writer *w, size_t size, size_t count, size_t bytes)
{
    uint8_t root[32], node[ID_BYTES], sig[64];

    wr_array(w, 2);
    head(w, size);
    root_of(size, root);
    wr_array(w, count);
    for (size_t i = 0; i < count; i++) {
        cosign(witness_names[i % 2], COSIGN_S + i, VEC_LOG_ORIGIN, size, root, sig);
        vec_node(witness_members[i % 2], node);
        wr_array(w, 3);
        wr_bin(w, SPAN_OF(node));
        wr_uint(w, COSIGN_S + i);
        wr_bin(w, span_of(sig, bytes));
    }
}

static json_t *put_message(json_t *list, const char *what, struct writer *w)
{
    struct bytes frame = vec_take(w);
    json_t *v = add_object(list);

    put_text(v, "what", what);
    put_span(v, "frame", bytes_span(&frame));
    put_decoded(v, "decoded", bytes_span(&frame));
    bytes_free(&frame);
    return v;
}

static struct writer begin(uint64_t type, size_t fields)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, fields + 1);
    wr_uint(&w, type);
    return w;
}

static struct writer heads(size_t epoch, size_t cosigners, size_t sig_bytes)
{
    struct writer w = begin(17, 5);

    wr_uint(&w, epoch);
    head(&w, 12);
    head(&w, 9);
    if (cosigners == SIZE_MAX) {
        wr_nil(&w);
        wr_nil(&w);
    } else {
        cosigned(&w, 11, cosigners, sig_bytes);
        wr_nil(&w);
    }
    return w;
}

static struct writer question(uint64_t log, uint64_t epoch)
{
    struct writer w = begin(18, 5);

    wr_uint(&w, 7);
    wr_uint(&w, log);
    wr_uint(&w, epoch);
    wr_uint(&w, 6);
    wr_uint(&w, 11);
    return w;
}

static struct writer answer(size_t count, bool true_path)
{
    struct writer w = begin(19, 6);
    struct vec_path path = {0};
    uint8_t filler[32] = {0x11};

    wr_uint(&w, 7);
    wr_uint(&w, 2);
    wr_uint(&w, 2026);
    wr_uint(&w, 6);
    wr_uint(&w, 11);
    if (true_path)
        subproof(vec_log()->hash, 6, 11, true, &path);
    wr_array(&w, true_path ? path.count : count);
    for (size_t i = 0; i < (true_path ? path.count : count); i++)
        wr_bin(&w, true_path ? SPAN_OF(path.hash[i]) : SPAN_OF(filler));
    return w;
}

static struct writer cosign_message(uint64_t log, uint64_t epoch, uint64_t time_s)
{
    struct writer w = begin(22, 7);
    uint8_t root[32], sig[64];

    root_of(11, root);
    cosign(witness_names[1], COSIGN_S, VEC_LOG_ORIGIN, 11, root, sig);
    wr_uint(&w, 8);
    wr_uint(&w, log);
    wr_uint(&w, epoch);
    wr_uint(&w, 11);
    wr_bin(&w, SPAN_OF(root));
    wr_uint(&w, time_s);
    wr_bin(&w, SPAN_OF(sig));
    return w;
}

static struct writer behind(uint64_t log, uint64_t epoch)
{
    struct writer w = begin(15, 5);

    wr_uint(&w, 0);
    wr_uint(&w, 66);
    wr_bin(&w, span_text(""));
    wr_bin(&w, span_text(""));
    wr_array(&w, 3);
    wr_uint(&w, log);
    wr_uint(&w, epoch);
    head(&w, 9);
    return w;
}

static void put_messages(json_t *file)
{
    struct bad {
        const char *what, *error;
        struct writer w;
    } bad[] = {
        {"HEADS: cosigned by nobody, and not nil", "SIZE",        heads(2026,                         0,64)},
        {"HEADS: sixteen cosignatures",                                        "SIZE",                         heads(2026,              16,64)},
        {"HEADS: a signature of 63 bytes",                                     "SIZE",                                                  heads(2026,                                                     1,                                63)},
        {"CONSISTENCY: the keys log has no epochs",                                       "FIELD_VALUE",                                                 question(1,                               2026)},
        {"CONSISTENCY: the audit log has epochs",                              "FIELD_VALUE",question(2,0)},
        {"CONSISTENCY: a third log",                              "FIELD_VALUE",                                                    question(3,                                                                                             0)},
        {"CONSISTENCY_PROOF: 65 hashes",                              "SIZE",answer(65,false)},
        {"COSIGN: a time that is none",                               "FIELD_VALUE",                                                 cosign_message(2,                                                                                                                                                        2026,                                                                                                                                                                          UINT64_C(1) << 63)},
        {"COSIGN: an epoch of the keys log",                        "FIELD_VALUE",cosign_message(1,1,COSIGN_S)},
        {"ERR BEHIND: a head of no log",    "FIELD_VALUE",                 behind(0,                                                                                                                                                                                                         0)                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               },
    };
    json_t *list = put_array(file, "messages");
    struct writer w;

    w = heads(2026, SIZE_MAX, 64);
    put_message(list, "HEADS: nothing is cosigned yet", &w);
    w = heads(2026, 2, 64);
    put_message(list, "HEADS: the audit log, cosigned by two", &w);
    w = question(2, 2026);
    put_message(list, "CONSISTENCY of the audit log", &w);
    w = question(1, 0);
    put_message(list, "CONSISTENCY of the keys log", &w);
    w = answer(0, true);
    put_message(list, "CONSISTENCY_PROOF", &w);
    w = answer(0, false);
    put_message(list, "CONSISTENCY_PROOF: nothing has grown", &w);
    w = cosign_message(2, 2026, COSIGN_S);
    put_message(list, "COSIGN", &w);
    w = behind(2, 2026);
    put_message(list, "ERR BEHIND: what the hub has", &w);
    list = put_array(file, "bad_messages");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        put_text(put_message(list, bad[i].what, &bad[i].w), "error", bad[i].error);
}

/* ---- how an epoch begins ---- */

struct opening {
    const char *what;
    const char *error; /* NULL: a node enters the epoch with it */
    uint64_t common, lost;
    const char *origin;
};
static const struct opening openings[] = {
    {"nine leaves remain, three are lost",            NULL,         9, 12, NEXT_ORIGIN   },
    {"nothing is lost, and a new epoch all the same", NULL,         9, 9,  NEXT_ORIGIN   },
    {"less is lost than remains",                     "EPOCH",      9, 8,  NEXT_ORIGIN   },
    {"signed as a head of the former epoch",          "CHECKPOINT", 9, 12, VEC_LOG_ORIGIN},
};

static void put_opening(json_t *list, const struct opening *o)
{
    json_t *v = add_object(list);
    struct bytes detail, entry, receipt;
    uint8_t root[32], leaf[32], salt[32], c[32], sig[64];
    struct span said;
    struct writer w;

    root_of((size_t)o->common, root);
    wr_init(&w);
    wr_map(&w, 4);
    wr_key(&w, 26);
    wr_uint(&w, 2026);
    wr_key(&w, 27);
    wr_uint(&w, o->common);
    wr_key(&w, 28);
    wr_bin(&w, SPAN_OF(root));
    wr_key(&w, 29);
    wr_uint(&w, o->lost);
    detail = vec_take(&w);
    vec_secret("salt of an epoch", salt);
    said = bytes_span(&detail);
    MUST(digest_parts("relais/audit1", SPAN_OF(salt), &said, 1, c, 32));
    wr_init(&w);
    wr_array(&w, 3);
    wr_uint(&w, 18);
    wr_uint(&w, COSIGN_S * 1000);
    wr_bin(&w, SPAN_OF(c));
    entry = vec_take(&w);
    sha256_leaf(bytes_span(&entry), leaf);
    wr_init(&w);
    wr_array(&w, 10);
    wr_uint(&w, 2);
    wr_uint(&w, 0);
    wr_bin(&w, bytes_span(&entry));
    wr_bin(&w, SPAN_OF(salt));
    wr_bin(&w, bytes_span(&detail));
    vec_head_sig(o->origin, "audit log", 1, leaf, sig);
    wr_uint(&w, 1); /* alone in its tree: the root is the leaf */
    wr_array(&w, 0);
    wr_bin(&w, SPAN_OF(leaf));
    wr_bin(&w, SPAN_OF(sig));
    wr_nil(&w);
    receipt = vec_take(&w);
    put_text(v, "what", o->what);
    put_text(v, "origin", NEXT_ORIGIN);
    put_span(v, "receipt", bytes_span(&receipt));
    put_decoded(v, "decoded", bytes_span(&detail));
    if (o->error)
        put_text(v, "error", o->error);
    bytes_free(&detail);
    bytes_free(&entry);
    bytes_free(&receipt);
}

json_t *vectors_witnesses(void)
{
    json_t *file = json_object();
    struct sign_public log = vec_sign_pk("audit log");
    json_t *list;

    put_text(file, "about",
             "Cosignatures, consistency, their messages, the first leaf of an epoch (PROTOCOL.md "
             "10.4, 10.5, 11)");
    put_span(file, "audit_log", SPAN_OF(log.b));
    list = put_array(file, "leaf_hashes");
    for (size_t i = 0; i < vec_log()->size; i++)
        json_array_append_new(list, vec_json_hex(SPAN_OF(vec_log()->hash[i])));
    put_cosignatures(file);
    put_proofs(file);
    put_messages(file);
    list = put_array(file, "openings");
    for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++)
        put_opening(list, &openings[i]);
    return file;
}
