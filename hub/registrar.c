#include "registrar.h"

#include <stdio.h>
#include <string.h>

#include "directory.h"
#include "file.h"
#include "screen.h"
#include "statement.h"
#include "utf8.h"

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

/* Is it an organisation that has a node already, and not this one? */
static enum err is_another_node(const struct request_names *names, const struct enrolment *en,
                                bool *out)
{
    struct bytes name = {0};
    enum err e = names->name(names->arg, en->org, NULL, &name);

    *out = e == ERR_OK;
    if (!e && (e = names->name(names->arg, NULL, en->node, &name)) == ERR_OK)
        *out = false;
    bytes_free(&name);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err enrol_describe(struct span stmt, enum keys_kind kind,
                               const struct request_names *names, struct bytes *text)
{
    struct enrolment en;
    struct span body;
    uint64_t effect;
    bool another;
    enum err e;

    if ((e = enrol_decode(stmt, &body, &effect)) || (e = enrolment_decode(body, &en)) ||
        (e = is_another_node(names, &en, &another)))
        return e;
    return bytes_printf(text, "%s « %.*s » (%s%s%.*s).\n",
                        kind == KEYS_RESET
                            ? "Clés entièrement nouvelles, SANS les anciennes (perdues), que deux "
                              "organisations contresignent, pour"
                        : another ? "Enrôlement d'un AUTRE nœud, avec d'autres clés, de"
                                  : "Enrôlement de",
                        (int)en.name.len, (const char *)en.name.ptr, org_kind_said(en.kind),
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
    char when[WHEN_BYTES];
    struct bytes hex = {0};
    enum err e;

    if ((e = hub_key_decode(s->stmt, &h)) || (e = when_said(h.effect_ms, when)) ||
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

/* --- names ------------------------------------------------------------------------------------ */

#define NAMES_FILE "organisations" /* a line for each enrolment: organisation, node, name */
#define NAMES_MAX (16u << 20)
#define NAME_AT (2 * (2 * ID_BYTES + 1))

static enum err names_read(const char *dir, char path[PATH_BYTES], struct bytes *out)
{
    int n = snprintf(path, PATH_BYTES, "%s/" NAMES_FILE, dir);
    enum err e = n < 0 || n >= PATH_BYTES ? ERR_RANGE : file_read(path, NAMES_MAX, out);

    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* The last line that speaks of it. */
static enum err noted_name(const void *arg, const uint8_t *org, const uint8_t *node,
                           struct bytes *text)
{
    struct bytes all = {0}, hex = {0};
    struct span line, name = {0};
    char path[PATH_BYTES];
    size_t at = org ? 0 : 2 * ID_BYTES + 1;
    enum err e = names_read(arg, path, &all);

    if (!e)
        e = hex_write(&hex, span_of(org ? org : node, ID_BYTES));
    for (struct span rest = bytes_span(&all); !e && rest.len > 0;) {
        const uint8_t *end = memchr(rest.ptr, '\n', rest.len);

        line = span_of(rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len);
        rest = span_of(line.ptr + line.len, rest.len - line.len);
        if (rest.len > 0)
            rest = span_of(rest.ptr + 1, rest.len - 1);
        if (line.len > NAME_AT && memcmp(line.ptr + at, hex.ptr, 2 * ID_BYTES) == 0)
            name = span_of(line.ptr + NAME_AT, line.len - NAME_AT);
    }
    if (!e)
        e = name.len ? bytes_append(text, name) : ERR_NOT_FOUND;
    bytes_free(&all);
    bytes_free(&hex);
    return e;
}

struct request_names registrar_names(const char *dir)
{
    return (struct request_names){noted_name, dir};
}

/* ERR_EXISTS: it was signed for under another name, which is what he would read of it later. */
static enum err name_agrees(const char *dir, const uint8_t *org, const uint8_t *node,
                            struct span name)
{
    struct bytes noted = {0};
    enum err e = noted_name(dir, org, node, &noted);

    if (!e && !span_equal(bytes_span(&noted), name))
        e = ERR_EXISTS;
    bytes_free(&noted);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err name_note(const char *dir, struct span stmt)
{
    struct bytes all = {0}, org = {0}, node = {0};
    char path[PATH_BYTES];
    struct enrolment en;
    struct span body;
    uint64_t effect;
    enum err e;

    if ((e = enrol_decode(stmt, &body, &effect)) || (e = enrolment_decode(body, &en)))
        return e;
    if (!utf8_plain(en.name)) /* a line is a line */
        return ERR_TEXT_FORM;
    if ((e = name_agrees(dir, en.org, NULL, en.name)) ||
        (e = name_agrees(dir, NULL, en.node, en.name)))
        return e;
    if (!(e = names_read(dir, path, &all)) && !(e = hex_write(&org, SPAN_OF(en.org))) &&
        !(e = hex_write(&node, SPAN_OF(en.node))) &&
        !(e = bytes_printf(&all, "%s %s %.*s\n", (const char *)org.ptr, (const char *)node.ptr,
                           (int)en.name.len, (const char *)en.name.ptr)))
        e = file_write_atomic(path, bytes_span(&all), 0600);
    bytes_free(&all);
    bytes_free(&org);
    bytes_free(&node);
    return e;
}

/* « name », or the whole id and what that means for who signs. */
static enum err known_as(const struct request_names *names, const uint8_t *org, const uint8_t *node,
                         struct bytes *text)
{
    struct bytes name = {0}, hex = {0};
    enum err e = names->name(names->arg, org, node, &name);

    if (!e)
        e = bytes_printf(text, "« %.*s »", (int)name.len, (const char *)name.ptr);
    else if (e == ERR_NOT_FOUND && !(e = hex_write(&hex, span_of(org ? org : node, ID_BYTES))))
        e = bytes_printf(text, "%s (nom inconnu ici : faites-vous le dire avant de signer)",
                         (const char *)hex.ptr);
    bytes_free(&name);
    bytes_free(&hex);
    return e;
}

static enum err revoke_describe(struct span stmt, const struct request_names *names,
                                struct bytes *text)
{
    static const char *const reasons[] = {
        [REVOKE_ENDED] = "fin de participation",
        [REVOKE_LOST] = "clés perdues",
        [REVOKE_COMPROMISED] = "clés volées",
    };
    struct revoke_statement r;
    struct bytes hex = {0};
    enum err e = revoke_decode(stmt, &r);

    if (e)
        return e;
    if (r.has_node && !(e = hex_write(&hex, SPAN_OF(r.node))))
        e = bytes_printf(text, "Révocation définitive d'un nœud, %s, les autres restant, de ",
                         (const char *)hex.ptr);
    else if (!e)
        e = bytes_printf(text, "Révocation définitive, avec tous ses nœuds, de ");
    bytes_free(&hex);
    if (e || (e = known_as(names, r.org, NULL, text)))
        return e;
    return bytes_printf(text, " ; motif : %s.\n", reasons[r.reason]);
}

static enum err witnesses_describe(struct span stmt, const struct request_names *names,
                                   struct bytes *text)
{
    struct witness_set_statement s;
    enum err e = witness_set_decode(stmt, &s);

    if (e || (e = bytes_printf(text,
                               "Désignation des témoins des deux journaux (%u doivent attester) : ",
                               (unsigned)s.quorum)))
        return e;
    for (size_t i = 0; i < s.count && !e; i++) {
        e = i ? bytes_printf(text, ", ") : ERR_OK;
        if (!e)
            e = known_as(names, NULL, s.node[i], text);
    }
    return e ? e : bytes_printf(text, ".\n");
}

enum err request_describe(struct span request, const struct request_names *names,
                          struct bytes *text)
{
    static const char *const words[] = {
        [KEYS_GENESIS] = "Acte de constitution de la fédération.\n",
        [KEYS_PREKEY] = "Clé de messagerie d'un nœud.\n",
        [KEYS_SUSPEND] = "Suspension d'une organisation.\n",
        [KEYS_RESUME] = "Rétablissement d'une organisation.\n",
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
    if (kind == KEYS_ENROL || kind == KEYS_RESET)
        e = enrol_describe(s.stmt, kind, names, text);
    else if (kind == KEYS_ROTATE_HUB)
        e = hub_key_describe(&s, text);
    else if (kind == KEYS_REVOKE)
        e = revoke_describe(s.stmt, names, text);
    else if (kind == KEYS_WITNESS_SET)
        e = witnesses_describe(s.stmt, names, text);
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
    uint8_t federation[ID_BYTES];
    struct secret_sign *key = NULL;
    struct bytes data = {0}, file = {0};
    struct statement_sig sig;
    struct statement s;
    enum keys_kind kind;
    enum err e;

    if ((e = armour_read(ARMOUR_REQUEST, request, &data)))
        return e;
    if ((e = statement_parse_request(bytes_span(&data), &s)) ||
        (e = keys_stmt_peek(s.stmt, &kind, federation)))
        goto out;
    if ((e = key_open(dir, passphrase, &key)))
        goto out;
    if ((kind == KEYS_ENROL || kind == KEYS_RESET) && (e = name_note(dir, s.stmt)))
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
