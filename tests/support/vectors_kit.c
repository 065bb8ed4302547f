#include "vectors_kit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_INTEGER_SAFE ((UINT64_C(1) << 53) - 1) /* what every language counts exactly */

/* clang-format off */
const struct vec_person vec_cast[MEMBERS] = {
    {"hospital", "Centre hospitalier de Saint-Aubin-sur-Loire", ORG_HOSPITAL, CATEGORY_HEALTH, "Dr Éloïse Lefèvre-Nuñez", "Médecin gériatre"},
    {"ehpad", "EHPAD Les Tilleuls d'Argent", ORG_ESSMS, CATEGORY_SOCIAL, "Noémie D'Hœdt", "Infirmière coordinatrice"},
    {"dac", "DAC Loire-Bruyères", ORG_DAC, CATEGORY_SOCIAL, "Gaëlle Prud'homme", "Coordinatrice de parcours"},
    {"samu", "SAMU 99", ORG_EMERGENCY, CATEGORY_HEALTH, "Dr Anaïs Çelik", "Médecin régulateur"},
    {"ssiad", "SSIAD de l'Île-Verte", ORG_ESSMS, CATEGORY_SOCIAL, "Benoît Guérin", "Infirmier"},
    {"newcomer", "SMUR de Mâchecourt", ORG_EMERGENCY, CATEGORY_HEALTH, "Dr Zoé Müller", "Médecin urgentiste"},
};
/* clang-format on */

void vec_must(enum err e, const char *file, int line)
{
    if (e == ERR_OK)
        return;
    fprintf(stderr, "%s:%d: %s\n", file, line, err_name(e));
    abort();
}

void vec_secret(const char *name, uint8_t out[32])
{
    MUST(digest_of("relais/vectors1", span_text(name), out, 32));
}

void vec_id(const char *name, uint8_t out[ID_BYTES])
{
    uint8_t whole[32];

    vec_secret(name, whole);
    memcpy(out, whole, ID_BYTES);
}

void vec_numbered_id(const char *name, unsigned number, uint8_t out[ID_BYTES])
{
    char text[64];

    snprintf(text, sizeof text, "%s %u", name, number);
    vec_id(text, out);
}

struct secret_sign *vec_sign_key(const char *name)
{
    struct secret_sign *key = NULL;
    struct secret32 *seed = NULL;
    uint8_t raw[32];

    vec_secret(name, raw);
    MUST(secret32_copy(SPAN_OF(raw), &seed));
    MUST(secret_sign_from_seed(seed, &key));
    secret32_free(seed);
    return key;
}

struct secret_box *vec_box_of(const uint8_t sk[32])
{
    struct secret_box *key = NULL;
    struct secret32 *raw = NULL;

    MUST(secret32_copy(span_of(sk, 32), &raw));
    MUST(secret_box_from(raw, &key));
    secret32_free(raw);
    return key;
}

struct secret_box *vec_box_key(const char *name)
{
    uint8_t raw[32];

    vec_secret(name, raw);
    return vec_box_of(raw);
}

struct sign_public vec_sign_pk(const char *name)
{
    struct secret_sign *key = vec_sign_key(name);
    struct sign_public pk = *secret_sign_public(key);

    secret_sign_free(key);
    return pk;
}

struct box_public vec_box_pk(const char *name)
{
    struct secret_box *key = vec_box_key(name);
    struct box_public pk = *secret_box_public(key);

    secret_box_free(key);
    return pk;
}

void vec_sign_as(const char *name, enum sign_context c, const uint8_t digest[64], uint8_t sig[64])
{
    struct secret_sign *key = vec_sign_key(name);

    MUST(sign_digest(c, key, digest, sig));
    secret_sign_free(key);
}

const char *vec_key(enum vec_member m, const char *which)
{
    static char names[8][64];
    static unsigned next;
    char *name = names[next++ % 8];

    snprintf(name, sizeof names[0], "%s %s", vec_cast[m].key, which);
    return name;
}

void vec_org(enum vec_member m, uint8_t org[ID_BYTES])
{
    vec_id(vec_key(m, "org"), org);
}

void vec_node(enum vec_member m, uint8_t node[ID_BYTES])
{
    vec_id(vec_key(m, "node"), node);
}

void vec_skid(enum vec_member m, uint8_t skid[KID_BYTES])
{
    struct sign_public pk = vec_sign_pk(vec_key(m, "signing"));

    MUST(digest_of("relais/kid/sign", SPAN_OF(pk.b), skid, DIGEST_128));
}

void vec_prekey_kid(enum vec_member m, unsigned number, uint8_t kid[KID_BYTES])
{
    struct box_public pk = vec_box_pk(vec_key(m, number == 1 ? "prekey 1" : "prekey 2"));

    MUST(digest_of("relais/kid/box", SPAN_OF(pk.b), kid, DIGEST_128));
}

/* ---- JSON ---- */

json_t *vec_json_hex(struct span value)
{
    struct bytes text = {0};
    json_t *made;

    MUST(hex_write(&text, value));
    made = json_stringn((const char *)text.ptr, text.len);
    bytes_free(&text);
    return made;
}

json_t *json_number(uint64_t value)
{
    char text[24];

    if (value <= JSON_INTEGER_SAFE)
        return json_integer((json_int_t)value);
    snprintf(text, sizeof text, "%" PRIu64, value);
    return json_string(text);
}

void put_span(json_t *o, const char *key, struct span value)
{
    json_object_set_new(o, key, vec_json_hex(value));
}

void put_id(json_t *o, const char *key, const uint8_t id[ID_BYTES])
{
    put_span(o, key, span_of(id, ID_BYTES));
}

void put_uint(json_t *o, const char *key, uint64_t value)
{
    json_object_set_new(o, key, json_number(value));
}

void put_text(json_t *o, const char *key, const char *value)
{
    json_object_set_new(o, key, json_string(value));
}

json_t *put_object(json_t *o, const char *key)
{
    json_t *made = json_object();

    json_object_set_new(o, key, made);
    return made;
}

json_t *put_array(json_t *o, const char *key)
{
    json_t *made = json_array();

    json_object_set_new(o, key, made);
    return made;
}

json_t *add_object(json_t *array)
{
    json_t *made = json_object();

    json_array_append_new(array, made);
    return made;
}

const char *vec_err(enum err e)
{
    return err_name(e) + strlen("ERR_");
}

/* ---- MP1 and logs ---- */

struct bytes vec_take(struct writer *w)
{
    struct bytes made = {0};

    MUST(wr_take(w, &made));
    return made;
}

void vec_note_text(const char *origin, uint64_t size, const uint8_t root[32], struct bytes *out)
{
    struct bytes base64 = {0};

    MUST(base64_write(&base64, span_of(root, 32)));
    bytes_free(out);
    MUST(bytes_printf(out, "%s\n%" PRIu64 "\n%.*s\n", origin, size, (int)base64.len,
                      (const char *)base64.ptr));
    bytes_free(&base64);
}

void vec_head_sig(const char *origin, const char *key, uint64_t size, const uint8_t root[32],
                  uint8_t sig[64])
{
    struct secret_sign *log = vec_sign_key(key);
    struct bytes text = {0};

    vec_note_text(origin, size, root, &text);
    MUST(sign_note(log, bytes_span(&text), sig));
    bytes_free(&text);
    secret_sign_free(log);
}

void wr_vec_head(struct writer *w, const char *origin, const char *key, uint64_t size,
                 const uint8_t root[32])
{
    uint8_t sig[64];

    vec_head_sig(origin, key, size, root, sig);
    wr_array(w, 3);
    wr_uint(w, size);
    wr_bin(w, span_of(root, 32));
    wr_bin(w, SPAN_OF(sig));
}
