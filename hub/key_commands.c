/* Keys of the hub: which are in force, and another signing key (PROTOCOL.md 7.5, kind 8). The new
 * one is made beforehand in hub.key (`key new hub`, service stopped); the registrar's signature on
 * what is prepared here puts it in force. */
#include <string.h>

#include "operator.h"

#define SIGNING_MS (UINT64_C(72) * 60 * 60 * 1000) /* so long may three houses take to sign */

static const struct sign_public *hub_pk(const struct core *c)
{
    const struct federation *f = directory_federation(c->dir);

    return f ? &f->hub : secret_sign_public(c->id->hub);
}

const struct secret_sign *core_hub_key(const struct core *c)
{
    const struct sign_public *pk = hub_pk(c);

    for (size_t i = 0; i < c->id->hub_later_count; i++)
        if (memcmp(secret_sign_public(c->id->hub_later[i])->b, pk->b, KEY_BYTES) == 0)
            return c->id->hub_later[i];
    return c->id->hub;
}

struct federation core_federation(const struct core *c)
{
    struct federation f = c->id->federation;

    f.hub = *hub_pk(c);
    return f;
}

/* The newest of hub.key, if it never was in force. */
static const struct secret_sign *candidate(const struct core *c)
{
    size_t n = c->id->hub_later_count;
    const struct secret_sign *key = n ? c->id->hub_later[n - 1] : NULL;

    if (!key || key == core_hub_key(c) || directory_hub_key_was(c->dir, secret_sign_public(key)))
        return NULL;
    return key;
}

enum err hub_key_subject(const struct core *c, uint8_t kid[KID_BYTES])
{
    const struct secret_sign *fresh = candidate(c);

    if (!fresh)
        return ERR_STATE;
    sign_kid(secret_sign_public(fresh), kid);
    return ERR_OK;
}

static enum err statement_make(struct asked *a, const struct secret_sign *fresh, bool lost,
                               struct bytes *ss)
{
    const struct federation *f = &a->c->id->federation;
    const struct federation *now = directory_federation(a->c->dir);
    uint64_t effect = a->c->now_ms;
    struct statement_sig sig;
    struct bytes stmt = {0};
    enum err e;

    if (lost && now->emergency_delay_s > 0)
        effect += now->emergency_delay_s * 1000 + SIGNING_MS;
    if ((e = hub_key_encode(f->id, a->c->now_ms, fresh, effect, &stmt)))
        return e;
    if (lost)
        e = statement_join(bytes_span(&stmt), NULL, 0, ss);
    else if (!(e = statement_sign(STATEMENT_KEYS, bytes_span(&stmt), ROLE_HUB, NULL,
                                  core_hub_key(a->c), &sig)))
        e = statement_join(bytes_span(&stmt), &sig, 1, ss);
    bytes_free(&stmt);
    return e;
}

enum err key_rotate(struct asked *a)
{
    bool lost = arg_flag(a, "lost");
    const struct secret_sign *fresh = candidate(a->c);
    struct bytes ss = {0};
    enum err e;

    if (strcmp(arg_text(a, "which"), "hub") != 0)
        return ERR_UNSUPPORTED;
    if (!directory_federation(a->c->dir) || !fresh)
        return ERR_STATE;
    if ((e = statement_make(a, fresh, lost, &ss)))
        return e;
    if (!(e = request_keep(a, bytes_span(&ss))))
        e = act_log(a->c, ACT_HUB_KEY, NULL, SPAN_OF(secret_sign_public(fresh)->b));
    if (!e)
        e = bytes_printf(&a->text,
                         "Nouvelle clé de signature du hub : elle vaudra quand le registraire%s "
                         "aura signé la demande. Jusque-là rien ne change.\n",
                         lost ? " et deux organisations de types différents" : "");
    bytes_free(&ss);
    return e;
}

static enum err key_line(struct asked *a, json_t *list, const char *name,
                         const uint8_t pk[KEY_BYTES], const char *state)
{
    char hex[2 * KEY_BYTES + 1];

    hex_text(pk, KEY_BYTES, hex);
    if (json_array_append_new(
            list, json_pack("{s:s,s:s,s:s}", "key", name, "public", hex, "state", state)))
        return ERR_NOMEM;
    return bytes_printf(&a->text, "%-10s %s  %s\n", name, hex, state);
}

enum err key_list(struct asked *a)
{
    const struct federation *f = &a->c->id->federation;
    const struct secret_sign *fresh = candidate(a->c);
    json_t *list = json_array();
    enum err e = list ? ERR_OK : ERR_NOMEM;

    if (!e)
        e = key_line(a, list, "transport", f->hub_transport.b, "en vigueur");
    if (!e)
        e = key_line(
            a, list, "hub", hub_pk(a->c)->b,
            memcmp(secret_sign_public(core_hub_key(a->c))->b, hub_pk(a->c)->b, KEY_BYTES) == 0
                ? "en vigueur"
                : "en vigueur, et ABSENTE de hub.key");
    if (!e && fresh)
        e = key_line(a, list, "hub", secret_sign_public(fresh)->b, "préparée (« key rotate hub »)");
    if (!e)
        e = key_line(a, list, "keys-log", f->keys_log.b, "en vigueur");
    if (!e)
        e = key_line(a, list, "audit-log", f->audit_log.b, "en vigueur");
    if (e) {
        json_decref(list);
        return e;
    }
    return data_set(a, "keys", list);
}
