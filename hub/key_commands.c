/* Keys of the hub: which are in force, and other ones (PROTOCOL.md 7.8, kind 8). A new one is made
 * beforehand in hub.key (`key new`, service stopped); the registrar's signature on what is prepared
 * here puts it in force. Every stage is on disk, so that `key list` always says where it is. */
#include <string.h>

#include "invites.h"
#include "operator.h"
#include "screen.h"

#define SIGNING_MS (UINT64_C(72) * 60 * 60 * 1000) /* so long may three houses take to sign */
#define OVERLAP_STANDARD_S (UINT64_C(30) * 24 * 3600)
#define OVERLAP_MAX_S (UINT64_C(366) * 24 * 3600)

/* The newest of hub.key, if the keys log does not know it. NULL: there is none. */
static const uint8_t *candidate(const struct core *c, enum hub_key which)
{
    const uint8_t *pk = identity_newest(c->id, which);
    const struct hub_key_used *list;
    size_t count = directory_hub_keys(c->dir, which, &list);

    if (count == 0)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (memcmp(list[i].pk, pk, KEY_BYTES) == 0)
            return NULL;
    return pk;
}

static enum err asked_key(const struct asked *a, enum hub_key *which, const uint8_t **pk)
{
    if (!hub_key_named(arg_text(a, "which"), which))
        return ERR_UNSUPPORTED;
    *pk = candidate(a->c, *which);
    return *pk ? ERR_OK : ERR_STATE;
}

enum err hub_key_subject(const struct asked *a, uint8_t kid[KID_BYTES])
{
    struct sign_public sign;
    struct box_public box;
    enum hub_key which;
    const uint8_t *pk;
    enum err e = asked_key(a, &which, &pk);

    if (e)
        return e;
    memcpy(sign.b, pk, KEY_BYTES);
    memcpy(box.b, pk, KEY_BYTES);
    if (which == HUB_KEY_TRANSPORT)
        box_kid(&box, kid);
    else
        sign_kid(&sign, kid);
    return ERR_OK;
}

/* --- preparing -------------------------------------------------------------------------------- */

static uint64_t effect_of(const struct asked *a, enum hub_key which, bool lost)
{
    const struct federation *f = directory_federation(a->c->dir);

    if (lost)
        return a->c->now_ms +
               (f->emergency_delay_s > 0 ? f->emergency_delay_s * 1000 + SIGNING_MS : 0);
    return a->c->now_ms +
           (which == HUB_KEY_TRANSPORT ? arg_uint(a, "overlap", OVERLAP_STANDARD_S) * 1000 : 0);
}

static enum err statement_make(struct asked *a, enum hub_key which, const uint8_t *pk, bool lost,
                               struct bytes *ss)
{
    struct hub_key_statement h = {.ts_ms = a->c->now_ms,
                                  .which = which,
                                  .effect_ms = effect_of(a, which, lost),
                                  .epoch = (uint64_t)epoch_now(a->c)->number + 1};
    struct statement_sig sig;
    struct bytes stmt = {0};
    enum err e;

    memcpy(h.federation, a->c->id->federation.id, ID_BYTES);
    memcpy(h.pk, pk, KEY_BYTES);
    if ((e = hub_key_encode(
             &h, which == HUB_KEY_TRANSPORT ? NULL : identity_sign_key(a->c->id, which, pk),
             &stmt)))
        return e;
    if (lost)
        e = statement_join(bytes_span(&stmt), NULL, 0, ss);
    else if (!(e = statement_sign(STATEMENT_KEYS, bytes_span(&stmt), ROLE_HUB, NULL,
                                  core_hub_key(a->c), &sig)))
        e = statement_join(bytes_span(&stmt), &sig, 1, ss);
    bytes_free(&stmt);
    return e;
}

/* What the person who prepares it has to know of what comes. */
static const char *consequence(enum hub_key which)
{
    switch (which) {
    case HUB_KEY_TRANSPORT:
        return "Les nœuds qui l'auront lue d'ici sa date passeront d'eux-mêmes à la nouvelle clé ; "
               "aux autres il faudra le fichier de « key export ».\n";
    case HUB_KEY_KEYS_LOG:
        return "Dès sa publication, elle signe le journal des clés ; l'ancienne ne vaut plus que "
               "pour ce qui précède.\n";
    case HUB_KEY_AUDIT_LOG:
        return "Dès sa publication, un nouveau journal d'audit commence sous elle ; rien de "
               "l'ancien n'est perdu. Refaites une sauvegarde aussitôt après.\n";
    case HUB_KEY_SIGNING:
        break;
    }
    return "";
}

enum err key_rotate(struct asked *a)
{
    bool lost = arg_flag(a, "lost");
    struct bytes ss = {0};
    enum hub_key which;
    const uint8_t *pk;
    enum err e;

    if (arg_uint(a, "overlap", 0) > OVERLAP_MAX_S)
        return ERR_RANGE;
    if ((e = asked_key(a, &which, &pk)) || (e = statement_make(a, which, pk, lost, &ss)))
        return e;
    if (!(e = request_keep(a, bytes_span(&ss))))
        e = act_log(a->c, ACT_HUB_KEY, NULL, span_of(pk, KEY_BYTES));
    if (!e)
        e = bytes_printf(&a->text,
                         "Nouvelle clé du hub (%s) : elle vaudra quand le registraire%s aura "
                         "signé la demande. Jusque-là rien ne change.\n%s",
                         hub_key_name(which),
                         lost ? " et deux organisations de types différents" : "",
                         consequence(which));
    bytes_free(&ss);
    return e;
}

/* --- where it is ------------------------------------------------------------------------------ */

static enum err key_line(struct asked *a, json_t *list, enum hub_key which,
                         const uint8_t pk[KEY_BYTES], const char *state)
{
    char hex[2 * KEY_BYTES + 1];

    hex_text(pk, KEY_BYTES, hex);
    if (json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "key", hub_key_name(which), "public",
                                              hex, "state", state)))
        return ERR_NOMEM;
    return bytes_printf(&a->text, "%-10s %s  %s\n", hub_key_name(which), hex, state);
}

struct pending {
    const uint8_t *pk;
    bool found;
};

static enum err pending_one(void *arg, struct span request)
{
    struct pending *p = arg;
    struct hub_key_statement h;
    struct statement s;

    if (statement_parse_request(request, &s) == ERR_OK && hub_key_decode(s.stmt, &h) == ERR_OK &&
        memcmp(h.pk, p->pk, KEY_BYTES) == 0)
        p->found = true;
    return ERR_OK;
}

static bool is_here(const struct core *c, enum hub_key which, const uint8_t pk[KEY_BYTES])
{
    return which == HUB_KEY_TRANSPORT ? identity_box_key(c->id, pk) != NULL
                                      : identity_sign_key(c->id, which, pk) != NULL;
}

/* A transport key has a day of its own; a lost signing key's successor too. */
static bool is_ahead(const struct core *c, enum hub_key which, const struct hub_key_used *row)
{
    return (which == HUB_KEY_TRANSPORT || which == HUB_KEY_SIGNING) && row->from > c->now_ms;
}

static enum err row_say(struct asked *a, json_t *list, enum hub_key which,
                        const struct hub_key_used *rows, size_t count, size_t i)
{
    const bool next_waits = i + 1 < count && is_ahead(a->c, which, &rows[i + 1]);
    const bool in_force = i + 1 == count || next_waits;
    const bool ahead = is_ahead(a->c, which, &rows[i]);
    char when[WHEN_BYTES] = "";
    char state[128];
    enum err e;

    if (ahead && (e = when_said(rows[i].from, when)))
        return e;
    snprintf(state, sizeof state, "%s%s%s",
             !in_force ? "remplacée"
             : ahead   ? "publiée, en vigueur le "
                       : "en vigueur",
             when, in_force && !is_here(a->c, which, rows[i].pk) ? ", et ABSENTE de hub.key" : "");
    return key_line(a, list, which, rows[i].pk, state);
}

/* Before genesis: what it will name is what init made. */
static enum err sort_unborn(struct asked *a, json_t *list, enum hub_key which)
{
    const struct federation *f = &a->c->id->federation;
    const uint8_t *newest = identity_newest(a->c->id, which);
    const uint8_t *first = which == HUB_KEY_TRANSPORT  ? f->hub_transport.b
                           : which == HUB_KEY_SIGNING  ? f->hub.b
                           : which == HUB_KEY_KEYS_LOG ? f->keys_log.b
                                                       : f->audit_log.b;
    enum err e = key_line(a, list, which, first, "faite à la création");

    if (e || memcmp(first, newest, KEY_BYTES) == 0)
        return e;
    return key_line(a, list, which, newest, "préparée, pour après la constitution");
}

static enum err sort_say(struct asked *a, json_t *list, enum hub_key which)
{
    const struct hub_key_used *rows;
    size_t count = directory_hub_keys(a->c->dir, which, &rows);
    struct pending p = {.pk = candidate(a->c, which)};
    char state[96];
    enum err e = ERR_OK;

    if (count == 0)
        return sort_unborn(a, list, which);
    for (size_t i = 0; i < count && !e; i++)
        e = row_say(a, list, which, rows, count, i);
    if (e || !p.pk || (e = request_each(a->c, pending_one, &p)))
        return e;
    snprintf(state, sizeof state,
             p.found ? "demandée : des signatures manquent (« requests »)"
                     : "préparée (« key rotate %s »)",
             hub_key_name(which));
    return key_line(a, list, which, p.pk, state);
}

enum err key_list(struct asked *a)
{
    json_t *list = json_array();
    enum err e = list ? ERR_OK : ERR_NOMEM;

    for (size_t which = HUB_KEY_TRANSPORT; which < HUB_KEY_SORTS && !e; which++)
        e = sort_say(a, list, (enum hub_key)which);
    if (e) {
        json_decref(list);
        return e;
    }
    return data_set(a, "keys", list);
}

/* The newest of that sort is what nodes believe: absent, the hub is mute towards them. */
static enum err absent_key_say(struct asked *a, enum hub_key which)
{
    const struct hub_key_used *rows;
    size_t count = directory_hub_keys(a->c->dir, which, &rows);

    if (count == 0 || is_here(a->c, which, rows[count - 1].pk))
        return ERR_OK;
    return bytes_printf(&a->text,
                        "ATTENTION : la clé « %s » en vigueur n'est pas dans hub.key ; %s. "
                        "Remettez la bonne copie de hub.key, ou « key list ».\n",
                        hub_key_name(which),
                        which == HUB_KEY_SIGNING     ? "le hub ne suspend ni n'invite plus"
                        : which == HUB_KEY_TRANSPORT ? "aucun nœud ne peut se relier"
                                                     : "personne n'est servi");
}

enum err key_facts(struct asked *a)
{
    enum err e = ERR_OK;

    for (size_t which = HUB_KEY_TRANSPORT; which < HUB_KEY_SORTS && !e; which++)
        e = absent_key_say(a, (enum hub_key)which);
    return e;
}

/* --- for nodes that cannot connect ------------------------------------------------------------ */

/* A page of the keys log, for a file: what it says is signed by others, so that it may travel by
 * any way. The head that closes it is that of the page's end. */
enum err key_export(struct asked *a)
{
    static struct message m; /* large, and of the core's thread alone */
    struct bytes frame = {0}, text = {0};
    uint64_t from = arg_uint(a, "from", 0);
    uint64_t next;
    enum err e;

    if (from >= ledger_committed_size(a->c->keys))
        return ERR_RANGE;
    if ((e = keys_page(a->c, from, &m)) || (e = message_encode(&m, &frame)))
        return e;
    next = from + m.keys_page.n;
    if (!(e = base64_write(&text, bytes_span(&frame))) &&
        !(e = data_text(a, "page", bytes_span(&text))))
        e = data_set(a, "next", json_integer((json_int_t)next));
    if (!e)
        e = data_set(a, "size", json_integer((json_int_t)ledger_committed_size(a->c->keys)));
    bytes_free(&frame);
    bytes_free(&text);
    return e;
}
