#include "registrar.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "directory.h"
#include "file.h"
#include "statement.h"

#define PATH_BYTES 1200
#define KEY_NAME "registrar"

static enum err key_path(const char *dir, char out[PATH_BYTES])
{
    int n = snprintf(out, PATH_BYTES, "%s/%s", dir, REGISTRAR_KEYFILE);

    return n < 0 || n >= PATH_BYTES ? ERR_RANGE : ERR_OK;
}

enum err registrar_make(const char *dir, struct span passphrase, struct keyfile_cost cost,
                        const struct entropy *entropy, struct sign_public *pk)
{
    struct secret_sign *key = NULL;
    struct secret32 *seed = NULL;
    struct keyring *ring = NULL;
    char path[PATH_BYTES];
    enum err e;

    if ((e = key_path(dir, path)))
        return e;
    if ((e = secret_sign_generate(entropy, &key)) || (e = secret_sign_seed(key, &seed)))
        goto out;
    if ((e = keyfile_create(path, passphrase, cost, entropy, &ring)))
        goto out;
    if ((e = keyring_add(ring, KEY_NAME, seed)) || (e = keyring_save(ring, entropy)))
        goto out;
    *pk = *secret_sign_public(key);
out:
    keyring_free(ring);
    secret32_free(seed);
    secret_sign_free(key);
    return e;
}

static enum err key_open(const char *dir, struct span passphrase, struct secret_sign **out)
{
    struct secret32 *seed = NULL;
    struct keyring *ring = NULL;
    char path[PATH_BYTES];
    enum err e;

    if ((e = key_path(dir, path)) || (e = keyfile_open(path, passphrase, KEYFILE_CAPS, &ring)))
        return e;
    if (!(e = keyring_get(ring, KEY_NAME, &seed)))
        e = secret_sign_from_seed(seed, out);
    secret32_free(seed);
    keyring_free(ring);
    return e;
}

enum err registrar_public(const char *dir, struct span passphrase, struct sign_public *pk)
{
    struct secret_sign *key = NULL;
    enum err e = key_open(dir, passphrase, &key);

    if (!e)
        *pk = *secret_sign_public(key);
    secret_sign_free(key);
    return e;
}

static const char *kind_word(uint64_t kind)
{
    static const char *const words[] = {
        [ORG_DAC] = "DAC",          [ORG_ESSMS] = "ESSMS",
        [ORG_HOSPITAL] = "hôpital", [ORG_EMERGENCY] = "service d'urgence",
        [ORG_MDPH] = "MDPH",        [ORG_LIBERAL] = "libéral",
        [ORG_OTHER] = "autre",
    };

    return kind < sizeof words / sizeof words[0] && words[kind] ? words[kind] : "type inconnu";
}

static enum err enrol_describe(struct span stmt, struct bytes *text)
{
    struct enrolment en;
    struct span body;
    uint64_t effect;
    enum err e;

    if ((e = enrol_decode(stmt, &body, &effect)) || (e = enrolment_decode(body, &en)))
        return e;
    return bytes_printf(text, "Enrôlement de « %.*s » (%s%s%.*s).\n", (int)en.name.len,
                        (const char *)en.name.ptr, kind_word(en.kind),
                        en.national_id.len ? ", identifiant national " : "",
                        (int)en.national_id.len, (const char *)en.national_id.ptr);
}

/* The registrar sees which key it is: each means something else. */
static enum err hub_key_describe(const struct statement *s, struct bytes *text)
{
    static const char *const keys[] = {
        [HUB_KEY_TRANSPORT] = "Nouvelle clé de transport du hub",
        [HUB_KEY_SIGNING] = "Nouvelle clé de signature du hub",
        [HUB_KEY_KEYS_LOG] = "Nouvelle clé du journal des clés",
        [HUB_KEY_AUDIT_LOG] = "Nouvelle clé du journal d'audit",
    };
    struct hub_key_statement h;
    char when[TIME_TEXT_BYTES];
    struct bytes hex = {0};
    enum err e;

    if ((e = hub_key_decode(s->stmt, &h)) || (e = time_text(h.effect_ms, when)) ||
        (e = hex_write(&hex, SPAN_OF(h.pk))))
        return e;
    e = bytes_printf(text, "%s, %s, en vigueur le %s : %s\n", keys[h.which],
                     statement_find(s, ROLE_HUB, NULL)
                         ? "avec l'accord du hub"
                         : "SANS l'ancienne (perdue), que deux organisations contresignent",
                     when, (const char *)hex.ptr);
    bytes_free(&hex);
    return e;
}

enum err request_describe(struct span request, struct bytes *text)
{
    static const char *const words[] = {
        [KEYS_GENESIS] = "Acte de constitution de la fédération.\n",
        [KEYS_PREKEY] = "Clé de messagerie d'un nœud.\n",
        [KEYS_SUSPEND] = "Suspension d'une organisation.\n",
        [KEYS_RESUME] = "Rétablissement d'une organisation.\n",
        [KEYS_REVOKE] = "Révocation définitive d'une organisation ou d'un nœud.\n",
        [KEYS_WITNESS_SET] = "Désignation des témoins des deux journaux.\n",
    };
    uint8_t federation[ID_BYTES];
    struct bytes data = {0};
    struct statement s;
    enum keys_kind kind;
    enum err e;

    if ((e = armour_read(ARMOUR_REQUEST, request, &data)))
        return e;
    if ((e = statement_parse_request(bytes_span(&data), &s)) ||
        (e = keys_stmt_peek(s.stmt, &kind, federation)))
        goto out;
    if (kind == KEYS_ENROL)
        e = enrol_describe(s.stmt, text);
    else if (kind == KEYS_ROTATE_HUB)
        e = hub_key_describe(&s, text);
    else if (kind < sizeof words / sizeof words[0] && words[kind])
        e = bytes_printf(text, "%s", words[kind]);
    else
        e = ERR_UNSUPPORTED;
out:
    bytes_free(&data);
    return e;
}

enum err registrar_sign(const char *dir, struct span passphrase, struct span request,
                        struct bytes *signature)
{
    struct secret_sign *key = NULL;
    struct bytes data = {0}, file = {0};
    struct statement_sig sig;
    struct statement s;
    enum err e;

    if ((e = armour_read(ARMOUR_REQUEST, request, &data)))
        return e;
    if ((e = statement_parse_request(bytes_span(&data), &s)))
        goto out;
    if ((e = key_open(dir, passphrase, &key)))
        goto out;
    if ((e = statement_sign(STATEMENT_KEYS, s.stmt, ROLE_REGISTRAR, NULL, key, &sig)) ||
        (e = signature_encode(s.stmt, &sig, &file)))
        goto out;
    e = armour_write(ARMOUR_SIGNATURE, bytes_span(&file), signature);
out:
    secret_sign_free(key);
    bytes_free(&data);
    bytes_free(&file);
    return e;
}
