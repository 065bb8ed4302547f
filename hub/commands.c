#include "operator.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "control.h"
#include "invites.h"
#include "log.h"
#include "operators.h"
#include "screen.h"

/* --- arguments and answers ------------------------------------------------------------------- */

const char *arg_text(const struct asked *a, const char *name)
{
    const char *text = json_string_value(json_object_get(a->args, name));

    return text ? text : "";
}

uint64_t arg_uint(const struct asked *a, const char *name, uint64_t standard)
{
    const json_t *v = json_object_get(a->args, name);

    return json_is_integer(v) && json_integer_value(v) >= 0 ? (uint64_t)json_integer_value(v)
                                                            : standard;
}

bool arg_flag(const struct asked *a, const char *name)
{
    return json_is_true(json_object_get(a->args, name));
}

enum err arg_id(const struct asked *a, const char *name, uint8_t out[ID_BYTES])
{
    const char *text = arg_text(a, name);

    if (!*text)
        return ERR_FIELD_MISSING;
    return hex_read_fixed(out, ID_BYTES, span_text(text));
}

void hex_text(const uint8_t *in, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", in[i]);
}

enum err data_set(struct asked *a, const char *name, json_t *value)
{
    return value && json_object_set_new(a->data, name, value) == 0 ? ERR_OK : ERR_NOMEM;
}

enum err data_text(struct asked *a, const char *name, struct span text)
{
    return data_set(a, name, json_stringn((const char *)text.ptr, text.len));
}

enum err data_hex(struct asked *a, const char *name, const uint8_t *in, size_t n)
{
    char text[2 * 64 + 1];

    if (n > 64)
        return ERR_INTERNAL;
    hex_text(in, n, text);
    return data_set(a, name, json_string(text));
}

enum err act_log(struct core *c, enum audit_act act, const uint8_t *org, struct span about)
{
    struct detail d = {.has = RD_KEY(DETAIL_ACT), .act = act};
    uint64_t index;

    if (org) {
        d.has |= RD_KEY(DETAIL_BY_ORG);
        memcpy(d.by_org, org, sizeof d.by_org);
    }
    if (about.len) {
        d.has |= RD_KEY(DETAIL_ABOUT);
        d.about = about;
    }
    return audit_add(c, AUDIT_ACT, &d, &index);
}

/* --- requests: statements that lack signatures -------------------------------------------- */

static enum err request_answer(struct asked *a, struct span request)
{
    struct bytes text = {0};
    enum err e = armour_write(ARMOUR_REQUEST, request, &text);

    if (!e)
        e = data_text(a, "request", bytes_span(&text));
    bytes_free(&text);
    return e;
}

enum err request_keep(struct asked *a, struct span ss)
{
    uint8_t about[32];
    enum err e = request_put(a->c, ss, about);

    return e ? e : request_answer(a, ss);
}

enum err request_new(struct asked *a, struct span stmt)
{
    struct bytes ss = {0};
    enum err e;

    if ((e = statement_join(stmt, NULL, 0, &ss)))
        return e;
    e = request_keep(a, bytes_span(&ss));
    bytes_free(&ss);
    return e;
}

/* --- log ------------------------------------------------------------------------------------- */

static const char *type_name(uint64_t type)
{
    static const char *const names[] = {
        [AUDIT_ACCEPTED] = "accepté",
        [AUDIT_DELIVERED] = "remis",
        [AUDIT_OPENED] = "ouvert",
        [AUDIT_REFUSED] = "refusé par le destinataire",
        [AUDIT_UNREADABLE] = "illisible",
        [AUDIT_MISLABELLED] = "étiquette fausse",
        [AUDIT_EXPIRED] = "expiré",
        [AUDIT_RECALLED] = "rappelé par l'expéditeur",
        [AUDIT_STATEMENT] = "déclaration de cercle",
        [AUDIT_REJECTED] = "refusé par le hub",
        [AUDIT_HELD] = "retenu à la remise",
        [AUDIT_ACT] = "acte d'administration",
        [AUDIT_ALARM] = "alarme",
        [AUDIT_EPOCH] = "journal ouvert après une restauration",
        [AUDIT_DEPUTY] = "échu : remis au suppléant, ou non (motif)",
        [AUDIT_SILENT] = "nœud muet, expéditeur prévenu",
        [AUDIT_ESCALATED] = "cercle sans responsable en état d'agir",
        [AUDIT_OPERATORS] = "accord des opérateurs",
    };

    return type < sizeof names / sizeof names[0] && names[type] ? names[type] : "?";
}

/* What the leaf's code says: of a recall the sender's reason, of all others the error. */
static const char *code_text(uint64_t type, uint64_t code)
{
    static const char *const reasons[] = {
        [RECALL_CONTENT] = "contenu",
        [RECALL_PERSON] = "mauvaise personne",
        [RECALL_RECIPIENT] = "mauvais destinataire",
        [RECALL_REPLACED] = "remplacée",
    };

    if (code == 0)
        return "";
    if (type == AUDIT_RECALLED)
        return code < sizeof reasons / sizeof reasons[0] ? reasons[code] : "?";
    return err_name((enum err)code);
}

static enum err log_line(struct asked *a, json_t *list, uint64_t i)
{
    char utc[TIME_TEXT_BYTES];
    char when[WHEN_BYTES];
    struct span entry;
    struct span side;
    struct detail d = {0};
    uint64_t type;
    uint64_t ms;
    uint8_t commitment[32];
    enum err e;

    if ((e = ledger_entry(a->c->audit, a->c->t, i, &entry, &side, NULL)) ||
        (e = entry_decode(entry, &type, &ms, commitment)) || (e = time_text(ms, utc)) ||
        (e = when_said(ms, when)))
        return e;
    if (side.len > SALT_BYTES &&
        (e = detail_decode(span_of(side.ptr + SALT_BYTES, side.len - SALT_BYTES), &d)))
        return e;
    if (json_array_append_new(list, json_pack("{s:I,s:I,s:s,s:i,s:b}", "index", (json_int_t)i,
                                              "type", (json_int_t)type, "time", utc, "code",
                                              (int)d.code, "erased", side.len == 0)))
        return ERR_NOMEM;
    if ((e = bytes_printf(&a->text, "%8" PRIu64 "  %s  %s%s%s", i, when, type_name(type),
                          d.code ? "  " : "", code_text(type, d.code))))
        return e;
    if (type == AUDIT_REJECTED && (d.has & RD_KEY(DETAIL_COUNT)) &&
        (e = bytes_printf(&a->text, " et semblables : %" PRIu64 " dans la journée", d.count)))
        return e;
    return bytes_printf(&a->text, "\n");
}

#define LOG_LINES 50
#define LOG_LINES_MAX 1000

static enum err run_log(struct asked *a)
{
    uint64_t size = ledger_committed_size(a->c->audit);
    uint64_t want = arg_uint(a, "last", LOG_LINES);
    const struct secret_sign *key = core_log_key(a->c, HUB_KEY_AUDIT_LOG, epoch_now(a->c)->number);
    struct bytes note = {0};
    json_t *list = json_array();
    enum err e = list ? ERR_OK : ERR_NOMEM;

    if (want > LOG_LINES_MAX)
        want = LOG_LINES_MAX;
    for (uint64_t i = want < size ? size - want : 0; i < size && !e; i++)
        e = log_line(a, list, i);
    if (!e && !key)
        e = bytes_printf(&a->text, "Sans tête signée : hub.key n'a pas la clé de ce journal (« key "
                                   "list »).\n");
    else if (!e)
        e = ledger_checkpoint_note(a->c->audit, a->c->t, size, key, &note);
    if (!e)
        e = data_text(a, "checkpoint", bytes_span(&note));
    if (!e)
        e = bytes_append(&a->text, bytes_span(&note));
    bytes_free(&note);
    if (e) {
        json_decref(list);
        return e;
    }
    return data_set(a, "entries", list);
}

/* --- dispatch -------------------------------------------------------------------------------- */

static const struct hub_command own_commands[] = {
    {"status",           status_run      },
    {"log",              run_log         },
    {"key.list",         key_list        },
    {"key.rotate",       key_rotate      },
    {"key.export",       key_export      },
    {"restore.accept",   restore_accept  },
    {"evidence",         evidence_run    },
    {"operator.add",     operator_add    },
    {"operator.remove",  operator_remove },
    {"operator.list",    operator_list   },
    {"operator.prepare", operator_prepare},
    {"operator.pending", operator_pending},
    {"operator.sign",    operator_sign   },
};

static const struct hub_command *find_in(const struct hub_command *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

const struct hub_command *command_find(const char *name)
{
    const struct hub_command *found =
        find_in(own_commands, sizeof own_commands / sizeof own_commands[0], name);

    return found ? found : find_in(org_commands, org_command_count, name);
}

/* A failure of the store ends the group; everything else is an answer to the operator. */
bool command_ends_group(enum err e)
{
    return e == ERR_NOMEM || e == ERR_IO || e == ERR_FULL || e == ERR_READONLY || e == ERR_CORRUPT;
}

#define BECAUSE_BYTES 512

enum err because(struct asked *a, enum err e, const char *format, ...)
{
    char text[BECAUSE_BYTES];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    bytes_free(&a->why);
    /* without memory the sentence of the error is told */
    return bytes_copy(&a->why, span_text(text)) == ERR_NOMEM ? ERR_NOMEM : e;
}

static enum err answer(struct asked *a, enum err e)
{
    json_t *body;

    if (e) {
        body = control_error(e);
        if (body && a->why.len &&
            json_object_set_new(body, "why", json_stringn((char *)a->why.ptr, a->why.len))) {
            json_decref(body);
            body = NULL;
        }
        return body ? core_answer(a->c, a->j, body) : ERR_NOMEM;
    }
    body = json_pack("{s:b,s:s%,s:O}", "ok", 1, "text", a->text.ptr ? (char *)a->text.ptr : "",
                     a->text.len, "data", a->data);
    return body ? core_answer(a->c, a->j, body) : ERR_NOMEM; /* then nothing was done either */
}

/* What a restored hub answers before it serves: nothing that writes a leaf. */
static bool runs_in_recovery(const char *name)
{
    static const char *const names[] = {"status",           "operator.list", "operator.prepare",
                                        "operator.pending", "operator.sign", "restore.accept",
                                        "evidence"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

enum err on_command(struct core *c, struct job *j)
{
    const char *name = json_string_value(json_object_get(j->request, "cmd"));
    const struct hub_command *command = name ? command_find(name) : NULL;
    struct asked a = {.c = c, .j = j, .args = json_object_get(j->request, "args")};
    enum err e;

    if (!command)
        return core_answer(c, j, control_error(ERR_USAGE));
    if (c->recovery.behind && strcmp(name, "status") != 0 && strcmp(name, "evidence") != 0)
        return core_answer(c, j, control_error(ERR_BEHIND));
    if (c->recovery.on && !runs_in_recovery(name))
        return core_answer(c, j, control_error(ERR_RECOVERING));
    if (!(a.data = json_object()))
        return ERR_NOMEM;
    if (!(e = operators_gate(&a, name)))
        e = command->run(&a);
    log_info("command", "name=%s result=%s", name, err_name(e));
    if (!command_ends_group(e))
        e = answer(&a, e);
    bytes_free(&a.text);
    bytes_free(&a.why);
    json_decref(a.data);
    return e;
}
