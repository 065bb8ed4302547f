/* Commands about organisations: inviting, approving, suspending, revoking, and the signatures that
 * others bring (PROTOCOL.md 7, 14). */
#include <inttypes.h>
#include <string.h>

#include "invites.h"
#include "operator.h"
#include "screen.h"
#include "utf8.h"

#define INVITE_HOURS 168
#define INVITE_HOURS_MAX (24 * 90)
#define HOUR_MS UINT64_C(3600000)

/* --- invite ---------------------------------------------------------------------------------- */

static enum err services_of(const struct asked *a, struct span *out, size_t *count)
{
    const json_t *list = json_object_get(a->args, "services");
    size_t n = json_array_size(list);

    if (n > ORG_SERVICES_MAX)
        return ERR_ITEMS;
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(list, i));

        if (!text || strlen(text) > ORG_SERVICE_MAX || !*text)
            return ERR_FIELD_VALUE;
        out[i] = span_text(text);
    }
    *count = n;
    return ERR_OK;
}

static enum err invite_read(struct asked *a, struct invite *i)
{
    uint64_t hours = arg_uint(a, "hours", INVITE_HOURS);
    enum err e;

    i->name = span_text(arg_text(a, "name"));
    i->kind = arg_uint(a, "kind", 0);
    i->national_id = span_text(arg_text(a, "national_id"));
    i->territory = span_text(arg_text(a, "territory"));
    i->founder = arg_flag(a, "founder");
    i->expires_ms = a->c->now_ms + hours * HOUR_MS;
    if (i->name.len == 0)
        return ERR_FIELD_MISSING;
    if (i->name.len > ORG_NAME_MAX || !utf8_plain(i->name))
        return because(a, ERR_FIELD_VALUE,
                       "--name : %d octets au plus, sur une ligne ; rien n'a été préparé",
                       ORG_NAME_MAX);
    if (hours < 1 || hours > INVITE_HOURS_MAX)
        return because(a, ERR_FIELD_VALUE, "--hours : de 1 à %d heures ; rien n'a été préparé",
                       INVITE_HOURS_MAX);
    if (i->kind < ORG_DAC || i->kind > ORG_OTHER || i->national_id.len > 15 ||
        i->territory.len > ORG_TERRITORY_MAX)
        return ERR_FIELD_VALUE;
    if (i->founder && directory_federation(a->c->dir))
        return because(a, ERR_STATE,
                       "la fédération est déjà constituée : invitez sans --founder ; rien n'a été "
                       "préparé");
    if ((e = services_of(a, i->services, &i->service_count)))
        return e;
    if ((e = entropy_fill(a->c->entropy, i->id, sizeof i->id)))
        return e;
    if (*arg_text(a, "org"))
        return arg_id(a, "org", i->org);
    return entropy_fill(a->c->entropy, i->org, sizeof i->org);
}

static enum err invitation_text(struct core *c, const struct invite *i, struct span secret,
                                struct bytes *text)
{
    bool urgent = i->kind == ORG_EMERGENCY && c->emergency_endpoint;
    const char *endpoint = urgent ? c->emergency_endpoint : c->endpoint;
    const struct federation now = core_federation(c);
    const struct federation *f = &now;
    struct invitation inv = {.federation_name = f->name,
                             .mode = f->mode,
                             .endpoint = span_text(endpoint),
                             .join_endpoint = span_text(c->join_endpoint),
                             .hub_transport = f->hub_transport,
                             .hub = f->hub,
                             .keys_log = f->keys_log,
                             .audit_log = f->audit_log,
                             .registrar = f->registrar,
                             .secret = secret,
                             .expires_ms = i->expires_ms,
                             .org_name = i->name,
                             .kind = i->kind,
                             .national_id = i->national_id,
                             .territory = i->territory,
                             .service_count = i->service_count,
                             .founder = i->founder};
    struct bytes data = {0};
    enum err e;

    memcpy(inv.id, i->id, sizeof inv.id);
    memcpy(inv.federation, f->id, sizeof inv.federation);
    memcpy(inv.org, i->org, sizeof inv.org);
    for (size_t k = 0; k < i->service_count; k++)
        inv.services[k] = i->services[k];
    if ((e = invitation_encode(&inv, core_hub_key(c), &data)))
        return e;
    e = armour_write(ARMOUR_INVITATION, bytes_span(&data), text);
    seal_bytes_free(&data);
    return e;
}

struct namesake {
    const struct invite *of;
    size_t others;
};

static enum err namesake_one(void *arg, const struct invite *i)
{
    struct namesake *n = arg;

    n->others += i->state != INVITE_REFUSED && span_equal(i->name, n->of->name) &&
                 memcmp(i->org, n->of->org, ID_BYTES) != 0;
    return ERR_OK;
}

static enum err invite_say(struct asked *a, const struct invite *i, size_t others)
{
    char until[WHEN_BYTES];
    enum err e = when_said(i->expires_ms, until);

    if (!e && others)
        e = bytes_printf(&a->text,
                         "Attention : « %.*s » est déjà le nom d'une autre organisation ou "
                         "invitation (« org list »). Si c'est la même, recommencez avec --org.\n",
                         (int)i->name.len, (const char *)i->name.ptr);
    if (e)
        return e;
    return bytes_printf(&a->text,
                        "Invitation préparée pour « %.*s », valable jusqu'au %s. Elle contient une "
                        "clé à usage unique : remettez-la en main propre ou par messagerie "
                        "sécurisée.\n",
                        (int)i->name.len, (const char *)i->name.ptr, until);
}

static enum err run_invite(struct asked *a)
{
    struct secret_box *once = NULL;
    struct bytes text = {0};
    struct invite i = {0};
    struct namesake same = {.of = &i};
    enum err e;

    if ((e = invite_read(a, &i)) || (e = invite_each(a->c, namesake_one, &same)))
        return e;
    if ((e = secret_box_generate(a->c->entropy, &once)))
        return e;
    memcpy(i.key, secret_box_public(once)->b, sizeof i.key);
    if ((e = invitation_text(a->c, &i, secret_box_span(once), &text)))
        goto out;
    if ((e = invite_put(a->c, &i)) || (e = invite_tell(a->c, &i, true)) ||
        (e = act_log(a->c, ACT_INVITE, i.org, SPAN_OF(i.id))))
        goto out;
    if ((e = data_text(a, "invitation", bytes_span(&text))) ||
        (e = data_hex(a, "id", i.id, sizeof i.id)) || (e = data_hex(a, "org", i.org, ID_BYTES)))
        goto out;
    e = invite_say(a, &i, same.others);
out:
    seal_bytes_free(&text);
    secret_box_free(once);
    return e;
}

/* --- list ------------------------------------------------------------------------------------ */

static const char *state_word(enum invite_state s)
{
    static const char *const words[] = {
        [INVITE_OPEN] = "invitée",      [INVITE_ASKED] = "à vérifier (empreinte)",
        [INVITE_APPROVED] = "à signer", [INVITE_ENROLLED] = "enrôlée",
        [INVITE_REFUSED] = "refusée",
    };

    return words[s];
}

static const char *standing_word(enum directory_state s)
{
    static const char *const words[] = {
        [DIRECTORY_ABSENT] = "absente",   [DIRECTORY_PENDING] = "pas encore en vigueur",
        [DIRECTORY_ACTIVE] = "active",    [DIRECTORY_SUSPENDED] = "suspendue",
        [DIRECTORY_REVOKED] = "révoquée",
    };

    return words[s];
}

static enum err fingerprint_for(const struct core *c, const struct invite *i,
                                char text[FINGERPRINT_TEXT])
{
    struct federation now;
    struct enrolment en;
    struct prekey_statement prekey;
    struct statement first;
    enum err e;

    text[0] = '\0';
    if (i->body.len == 0)
        return ERR_OK;
    if ((e = enrolment_decode(i->body, &en)) || (e = statement_parse(en.prekey, &first)) ||
        (e = prekey_decode(first.stmt, &prekey)))
        return e;
    now = core_federation(c);
    return fingerprint_of(&en.signing, &en.transport, &prekey.pk, &now, text);
}

struct listing {
    struct asked *a;
    json_t *list;
};

/* Every node of the organisation, the newest first; "nodes" and "cloned" of its JSON. */
static enum err list_nodes(struct listing *l, const struct directory_org *o, json_t *one)
{
    const struct directory *d = l->a->c->dir;
    uint32_t at = o ? o->newest_node : DIRECTORY_NONE;
    json_t *nodes;
    json_t *cloned;
    char id[2 * ID_BYTES + 1];
    enum err e;

    if (json_object_set_new(one, "nodes", (nodes = json_array())) ||
        json_object_set_new(one, "cloned", (cloned = json_array())))
        return ERR_NOMEM;
    for (; at != DIRECTORY_NONE; at = directory_node(d, at)->previous_of_org) {
        const struct mailbox *m = mailbox_of(l->a->c, (uint32_t)directory_node(d, at)->enrolled_at);
        bool alarm = m && m->cloned;

        hex_text(directory_node(d, at)->id, ID_BYTES, id);
        if (json_array_append_new(nodes, json_string(id)) ||
            (alarm && json_array_append_new(cloned, json_string(id))))
            return ERR_NOMEM;
        if ((e = bytes_printf(&l->a->text, "    nœud         %s%s\n", id,
                              alarm ? "  ALARME : vu en deux copies, rien ne lui est remis "
                                      "(« org release »)"
                                    : "")))
            return e;
    }
    return ERR_OK;
}

static enum err list_one(void *arg, const struct invite *i)
{
    struct listing *l = arg;
    char print[FINGERPRINT_TEXT];
    char utc[TIME_TEXT_BYTES];
    char until[WHEN_BYTES] = "";
    char id[2 * ID_BYTES + 1];
    char org[2 * ID_BYTES + 1];
    const struct directory_org *o = directory_find_org(l->a->c->dir, i->org);
    enum directory_state s = DIRECTORY_ABSENT;
    json_t *one;
    enum err e;

    if ((e = fingerprint_for(l->a->c, i, print)))
        return e;
    if (o)
        s = directory_org_state(l->a->c->dir, o, DIRECTORY_NOW, l->a->c->now_ms);
    hex_text(i->id, sizeof i->id, id);
    hex_text(i->org, sizeof i->org, org);
    one = json_pack("{s:s,s:s,s:s%,s:I,s:s,s:s,s:s,s:b}", "id", id, "org", org, "name",
                    (const char *)i->name.ptr, i->name.len, "kind", (json_int_t)i->kind, "state",
                    state_word(i->state), "standing", standing_word(s), "fingerprint", print,
                    "founder", i->founder);
    if (json_array_append_new(l->list, one))
        return ERR_NOMEM;
    if (i->state == INVITE_OPEN &&
        ((e = time_text(i->expires_ms, utc)) || (e = when_said(i->expires_ms, until)) ||
         json_object_set_new(one, "expires", json_string(utc))))
        return e ? e : ERR_NOMEM;
    if ((e = bytes_printf(
             &l->a->text, "%.*s (%s)  %s%s%s%s%s%s%s\n    invitation   %s\n    organisation %s\n",
             (int)i->name.len, (const char *)i->name.ptr, org_kind_said(i->kind),
             state_word(i->state), *until ? ", valable jusqu'au " : "", until, o ? ", " : "",
             o ? standing_word(s) : "", print[0] ? "  empreinte " : "", print, id, org)))
        return e;
    if (o && ((e = absence_say(l->a, o->id, one)) || (e = quota_say(l->a, o->id, one))))
        return e;
    return list_nodes(l, o, one);
}

static enum err run_list(struct asked *a)
{
    struct listing l = {a, json_array()};
    enum err e = l.list ? ERR_OK : ERR_NOMEM;

    if (!e)
        e = invite_each(a->c, list_one, &l);
    if (!e && json_array_size(l.list) == 0)
        e = bytes_printf(&a->text, "Aucune organisation, aucune invitation (« invite »).\n");
    if (e) {
        json_decref(l.list);
        return e;
    }
    return data_set(a, "orgs", l.list);
}

/* --- approve, refuse ------------------------------------------------------------------------- */

/* The delay counts from publication (PROTOCOL.md 7.3): so long may three houses take to sign. */
#define SIGNING_MS (UINT64_C(72) * 60 * 60 * 1000)

static enum err approved_request(struct asked *a, const struct invite *i)
{
    const struct federation *f = &a->c->id->federation;
    enum keys_kind kind = arg_flag(a, "lost") ? KEYS_RESET : KEYS_ENROL;
    uint64_t effect = a->c->now_ms;
    struct bytes stmt = {0};
    enum err e;

    if ((i->kind == ORG_EMERGENCY || kind == KEYS_RESET) && f->emergency_delay_s > 0)
        effect += f->emergency_delay_s * 1000 + SIGNING_MS;
    if ((e = enrol_encode(kind, f->id, a->c->now_ms, i->body, i->possession, effect, &stmt)))
        return e;
    e = request_new(a, bytes_span(&stmt));
    bytes_free(&stmt);
    return e;
}

/* Who has to sign, beside the registrar. */
static const char *signers_text(const struct asked *a, const struct invite *i)
{
    bool known = directory_find_org(a->c->dir, i->org) != NULL;

    if (arg_flag(a, "lost"))
        return " et le contreseing de deux organisations de types différents, ni l'opérateur ni "
               "elle-même. À sa publication, tous ses nœuds d'avant seront révoqués";
    if (known && i->kind == ORG_EMERGENCY)
        return ", celle d'un de ses nœuds et le contreseing de deux organisations de types "
               "différents";
    if (known)
        return " et celle d'un de ses nœuds (si elle n'en a plus : « --lost »)";
    return i->kind == ORG_EMERGENCY ? " et le contreseing de deux organisations de types différents"
                                    : "";
}

static enum err run_approve(struct asked *a)
{
    char print[FINGERPRINT_TEXT];
    struct bytes kept = {0};
    uint8_t id[ID_BYTES];
    struct span row;
    struct invite i;
    enum err e;

    if ((e = invite_typed(a, "id", id)))
        return e;
    if ((e = store_get(a->c->t, TABLE_INVITE, SPAN_OF(id), &row)) || (e = bytes_copy(&kept, row)) ||
        (e = invite_decode(bytes_span(&kept), &i)))
        goto out;
    e = i.state == INVITE_ASKED || i.state == INVITE_APPROVED ? ERR_OK : ERR_STATE;
    if (e || (e = fingerprint_for(a->c, &i, print)))
        goto out;
    if ((e = fingerprint_compare(print, span_text(arg_text(a, "fingerprint")))))
        goto out;
    if (arg_flag(a, "lost") && !directory_find_org(a->c->dir, i.org)) {
        e = because(a, ERR_NOT_FOUND,
                    "« %.*s » n'a encore aucune clé à perdre : approuvez sans --lost ; rien n'a "
                    "été préparé",
                    (int)i.name.len, (const char *)i.name.ptr);
        goto out;
    }
    i.state = INVITE_APPROVED;
    if ((e = invite_put(a->c, &i)) || (e = approved_request(a, &i)) ||
        (e = act_log(a->c, ACT_APPROVE, i.org, SPAN_OF(i.id))))
        goto out;
    e = bytes_printf(&a->text,
                     "Empreinte vérifiée. La demande d'enrôlement attend maintenant la signature "
                     "du registraire%s.\n",
                     signers_text(a, &i));
out:
    bytes_free(&kept);
    return e;
}

static enum err run_refuse(struct asked *a)
{
    struct bytes kept = {0};
    uint8_t id[ID_BYTES];
    struct span row;
    struct invite i;
    enum err e;

    if ((e = invite_typed(a, "id", id)))
        return e;
    if ((e = store_get(a->c->t, TABLE_INVITE, SPAN_OF(id), &row)) || (e = bytes_copy(&kept, row)) ||
        (e = invite_decode(bytes_span(&kept), &i)))
        goto out;
    if ((e = i.state == INVITE_ENROLLED ? ERR_STATE : ERR_OK))
        goto out;
    i.state = INVITE_REFUSED;
    if ((e = invite_put(a->c, &i)) || (e = invite_tell(a->c, &i, false)))
        goto out;
    e = bytes_printf(&a->text, "Demande refusée. La clé de l'invitation ne sert plus.\n");
out:
    bytes_free(&kept);
    return e;
}

/* --- genesis --------------------------------------------------------------------------------- */

static enum err founder_one(void *arg, const struct invite *i)
{
    struct federation *f = arg;
    struct enrolment en;
    enum err e;

    if (!i->founder || i->state == INVITE_REFUSED)
        return ERR_OK;
    if (i->state != INVITE_APPROVED)
        return ERR_WAITING; /* a founder has not come, or is not verified yet */
    if (f->founder_count == FOUNDERS_MAX || f->founder_count + 1 == SS_SIGNATURES_MAX)
        return ERR_ITEMS; /* each signs, and the registrar */
    if ((e = enrolment_decode(i->body, &en)))
        return e;
    memcpy(f->founders[f->founder_count].org, i->org, ID_BYTES);
    f->founders[f->founder_count++].pk = en.signing;
    return ERR_OK;
}

/* A founder by name, by the number of its invitation, or by the whole id of the organisation. */
static enum err operator_of_genesis(struct asked *a, uint8_t org[ID_BYTES])
{
    uint8_t id[ID_BYTES];
    struct invite i;
    enum err e;

    if (arg_id(a, "operator", org) == ERR_OK)
        return ERR_OK;
    if ((e = invite_typed(a, "operator", id)) || (e = invite_get(a->c, id, &i)))
        return e;
    if (!i.founder)
        return because(a, ERR_FIELD_VALUE,
                       "« %.*s » n'est pas invitée comme fondatrice ; rien n'a été préparé",
                       (int)i.name.len, (const char *)i.name.ptr);
    memcpy(org, i.org, ID_BYTES);
    return ERR_OK;
}

static enum err run_genesis(struct asked *a)
{
    struct federation f = a->c->id->federation;
    struct bytes stmt = {0};
    enum err e;

    if (directory_federation(a->c->dir))
        return ERR_STATE;
    f.founder_count = 0;
    f.ts_ms = a->c->now_ms;
    if ((e = invite_each(a->c, founder_one, &f)))
        return e;
    if (f.founder_count == 0)
        return ERR_WAITING;
    if (*arg_text(a, "operator") && (e = operator_of_genesis(a, f.operator_org)))
        return e;
    if ((e = genesis_encode(&f, &stmt)))
        return e;
    if (!(e = request_new(a, bytes_span(&stmt))))
        e = act_log(a->c, ACT_GENESIS, NULL, (struct span){0});
    if (!e)
        e = bytes_printf(&a->text,
                         "Acte de constitution préparé : %zu membre(s) fondateur(s). Il attend la "
                         "signature de chacun et celle du registraire.\n",
                         f.founder_count);
    bytes_free(&stmt);
    return e;
}

const struct hub_command org_commands[] = {
    {"invite",        run_invite    },
    {"org.list",      run_list      },
    {"org.approve",   run_approve   },
    {"org.refuse",    run_refuse    },
    {"org.suspend",   org_suspend   },
    {"org.resume",    org_resume    },
    {"org.revoke",    org_revoke    },
    {"org.release",   org_release   },
    {"org.quota",     org_quota     },
    {"node.allow",    node_allow    },
    {"genesis",       run_genesis   },
    {"sign.import",   request_import},
    {"requests",      request_list  },
    {"trust",         org_trust     },
    {"witness.set",   witness_set   },
    {"witness.list",  witness_list  },
    {"clock.confirm", clock_confirm },
};
const size_t org_command_count = sizeof org_commands / sizeof org_commands[0];
