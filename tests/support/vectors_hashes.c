/* hashes.json: labels, key ids, signatures by context, the fingerprint, padding (2, 4, 5.2). */
#include "vectors.h"

static void put_hash(json_t *list, const char *label, size_t bits, struct span key,
                     struct span data)
{
    json_t *v = add_object(list);
    uint8_t out[64];

    put_text(v, "label", label);
    put_uint(v, "bits", bits);
    if (key.len)
        put_span(v, "key", key);
    put_span(v, "data", data);
    MUST(digest_parts(label, key, &data, 1, out, bits / 8));
    put_span(v, "hash", span_of(out, bits / 8));
}

/* Every label of the protocol once, over data that tells them apart, keyed where it is keyed. */
static void put_labels(json_t *file)
{
    static const struct {
        const char *label;
        size_t bits;
        bool keyed;
    } rows[] = {
        {"relais/env1/hdr",          512, false},
        {"relais/env1/rcp",          512, false},
        {"relais/env1/commit",       256, true },
        {"relais/env1/body",         512, true },
        {"relais/env1/aad",          512, false},
        {"relais/env1/ct",           512, false},
        {"relais/env1/digest",       512, false},
        {"relais/chain1/stmt",       512, false},
        {"relais/chain1/link",       256, false},
        {"relais/chain1/create",     256, false},
        {"relais/chain1/offer",      512, false},
        {"relais/keys1/stmt",        512, false},
        {"relais/keys1/possession",  512, false},
        {"relais/ack1/body",         512, false},
        {"relais/report1/stmt",      512, false},
        {"relais/doc1/doc",          512, false},
        {"relais/invitation1/body",  512, false},
        {"relais/kid/sign",          128, false},
        {"relais/kid/box",           128, false},
        {"relais/fingerprint",       256, false},
        {"relais/audit1",            256, true },
        {"relais/audit1/link",       256, false},
        {"relais/join1",             256, true },
        {"relais/file1",             256, false},
        {"relais/recall1/stmt",      512, false},
        {"relais/operator1/act",     512, false},
        {"relais/operator1/request", 256, false},
        {"relais/share1/check",      128, false},
        {"relais/share1/sheet",      128, false},
        {"relais/share1/line",       128, false},
        {"relais/att1/chunk",        256, false},
        {"relais/att1/address",      256, false},
    };
    json_t *list = put_array(file, "labels");
    uint8_t key[32];
    uint8_t long_data[200];

    vec_secret("hash key", key);
    for (size_t i = 0; i < sizeof long_data; i++)
        long_data[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span k = rows[i].keyed ? SPAN_OF(key) : NO_KEY;

        put_hash(list, rows[i].label, rows[i].bits, k, span_of(NULL, 0));
        put_hash(list, rows[i].label, rows[i].bits, k, SPAN_OF(long_data));
    }
}

static void put_key_ids(json_t *file)
{
    json_t *list = put_array(file, "key_ids");

    for (unsigned i = 0; i < 4; i++) {
        json_t *v = add_object(list);
        struct sign_public sign_pk = vec_sign_pk(vec_key(i, "signing"));
        struct box_public box_pk = vec_box_pk(vec_key(i, "prekey 1"));
        uint8_t seed[32];
        uint8_t kid[16];

        vec_secret(vec_key(i, "signing"), seed);
        put_span(v, "signing_seed", SPAN_OF(seed));
        put_span(v, "signing_pk", SPAN_OF(sign_pk.b));
        vec_skid(i, kid);
        put_span(v, "signing_kid", SPAN_OF(kid));
        vec_secret(vec_key(i, "prekey 1"), seed);
        put_span(v, "box_secret", SPAN_OF(seed));
        put_span(v, "box_pk", SPAN_OF(box_pk.b));
        vec_prekey_kid(i, 1, kid);
        put_span(v, "box_kid", SPAN_OF(kid));
    }
}

static void put_signatures(json_t *file)
{
    json_t *list = put_array(file, "signatures");
    struct sign_public pk = vec_sign_pk("hospital signing");
    uint8_t digest[64];
    uint8_t seed[32];
    uint8_t sig[64];

    vec_secret("hospital signing", seed);
    MUST(digest_of("relais/vectors1/digest", SPAN_OF(seed), digest, 64));
    for (enum sign_context c = 0; c < SIGN_CONTEXT_COUNT; c++) {
        json_t *v = add_object(list);

        put_text(v, "context", sign_label(c));
        put_span(v, "seed", SPAN_OF(seed));
        put_span(v, "pk", SPAN_OF(pk.b));
        put_span(v, "digest", SPAN_OF(digest));
        vec_sign_as("hospital signing", c, digest, sig);
        put_span(v, "sig", SPAN_OF(sig));
    }
}

static void put_fingerprint(json_t *file)
{
    static const char *const names[] = {"signing_pk",       "transport_pk", "first_prekey_pk",
                                        "hub_transport_pk", "hub_pk",       "keys_log_pk",
                                        "audit_log_pk",     "registrar_pk"};
    const struct box_public transport = vec_box_pk("ehpad transport");
    const struct box_public prekey = vec_box_pk("ehpad prekey 1");
    const struct box_public hub_transport = vec_box_pk("hub transport");
    const struct sign_public signing = vec_sign_pk("ehpad signing");
    const struct sign_public hub = vec_sign_pk("hub");
    const struct sign_public keys_log = vec_sign_pk("keys log");
    const struct sign_public audit_log = vec_sign_pk("audit log");
    const struct sign_public registrar = vec_sign_pk("registrar");
    const struct span parts[] = {
        SPAN_OF(signing.b), SPAN_OF(transport.b), SPAN_OF(prekey.b),    SPAN_OF(hub_transport.b),
        SPAN_OF(hub.b),     SPAN_OF(keys_log.b),  SPAN_OF(audit_log.b), SPAN_OF(registrar.b)};
    json_t *v = put_object(file, "fingerprint");
    struct bytes text = {0};
    uint8_t hash[32];
    json_t *groups;

    MUST(digest_parts("relais/fingerprint", NO_KEY, parts, 8, hash, 32));
    MUST(base32_write(&text, SPAN_OF(hash), 100));
    for (size_t i = 0; i < 8; i++)
        put_span(v, names[i], parts[i]);
    put_span(v, "hash", SPAN_OF(hash));
    groups = put_array(v, "groups");
    for (size_t i = 0; i < 5; i++)
        json_array_append_new(groups, json_stringn((const char *)text.ptr + 4 * i, 4));
    bytes_free(&text);
}

static void put_padding(json_t *file)
{
    static const size_t lengths[] = {
        1,     2,     254,   255,   256,   511,   512,    2047,   3839,   3840,   4094,  4095,
        4096,  4097,  5119,  5120,  8190,  8191,  8192,   8703,   8704,   10000,  16383, 16384,
        32767, 32768, 50000, 65535, 65536, 99999, 131071, 131072, 200000, 262143, 262144};
    json_t *list = put_array(file, "padded_lengths");

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        json_t *v = add_object(list);

        put_uint(v, "body", lengths[i]);
        put_uint(v, "padded", forge_padded_len(lengths[i]));
    }
}

json_t *vectors_hashes(void)
{
    json_t *file = json_object();

    put_text(file, "about", "H-n under every label, key ids, signatures, fingerprint, padding");
    put_labels(file);
    put_key_ids(file);
    put_signatures(file);
    put_fingerprint(file);
    put_padding(file);
    return file;
}
