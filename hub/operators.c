#include "operators.h"

#include <stdlib.h>
#include <string.h>

#include "invites.h"
#include "log.h"
#include "operators_internal.h"
#include "recovery.h"
#include "serve.h"

static bool is_real(const struct core *c)
{
    return c->id->federation.mode == MODE_REAL;
}

/* --- who ------------------------------------------------------------------------------------- */

static enum err count_one(void *arg, const struct named *n)
{
    size_t *count = arg;

    *count += n->removed_ms == 0;
    return ERR_OK;
}

enum err operators_needed(struct core *c, size_t *named, size_t *out)
{
    enum err e;

    *named = 0;
    if ((e = named_each(c, count_one, named)))
        return e;
    if (is_real(c) || !c->conf)
        *out = is_real(c) ? OPERATORS_REAL : 0;
    else
        *out = *named ? c->conf->operators_required : 0;
    return ERR_OK;
}

struct search {
    const char *name;
    const uint8_t *key; /* or NULL */
    bool name_taken, key_taken;
    uint8_t kid[KID_BYTES];
    size_t count;
};

static enum err search_one(void *arg, const struct named *n)
{
    struct search *s = arg;

    s->count++;
    if (s->key && memcmp(n->pk.b, s->key, KEY_BYTES) == 0)
        s->key_taken = true;
    if (n->removed_ms == 0 && strcmp(n->name, s->name) == 0) {
        s->name_taken = true;
        memcpy(s->kid, n->kid, KID_BYTES);
    }
    return ERR_OK;
}

enum err operator_arg_key(const struct asked *a, struct sign_public *pk)
{
    const char *text = arg_text(a, "key");

    return *text ? hex_read_fixed(pk->b, KEY_BYTES, span_text(text)) : ERR_FIELD_MISSING;
}

enum err operator_arg_name(const struct asked *a, const char **out)
{
    const char *name = arg_text(a, "name");
    size_t len = strlen(name);

    if (!len)
        return ERR_FIELD_MISSING;
    if (len > OPERATOR_NAME_MAX)
        return ERR_FIELD_VALUE;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < ' ')
            return ERR_FIELD_VALUE;
    *out = name;
    return ERR_OK;
}

enum err operator_add(struct asked *a)
{
    struct named n = {.since_ms = a->c->now_ms};
    struct search s = {.key = n.pk.b};
    enum err e;

    if ((e = operator_arg_name(a, &s.name)) || (e = operator_arg_key(a, &n.pk)))
        return e;
    if ((e = named_each(a->c, search_one, &s)))
        return e;
    if (s.name_taken || s.key_taken)
        return ERR_EXISTS;
    if (s.count == OPERATORS_MAX)
        return ERR_QUOTA;
    sign_kid(&n.pk, n.kid);
    snprintf(n.name, sizeof n.name, "%s", s.name);
    if ((e = named_put(a->c, &n)) || (e = act_log(a->c, ACT_OPERATOR_ADD, NULL, SPAN_OF(n.pk.b))) ||
        (e = data_hex(a, "operator", n.kid, KID_BYTES)))
        return e;
    return bytes_printf(&a->text, "« %s » est opérateur de ce hub.\n", n.name);
}

enum err named_find(struct core *c, const char *name, struct named *out)
{
    struct search s = {.name = name};
    enum err e = named_each(c, search_one, &s);

    if (!e && !s.name_taken)
        e = ERR_NOT_FOUND;
    return e ? e : named_get(c, s.kid, out);
}

enum err operator_remove(struct asked *a)
{
    const char *name;
    struct named n;
    enum err e;

    if ((e = operator_arg_name(a, &name)) || (e = named_find(a->c, name, &n)))
        return e;
    n.removed_ms = a->c->now_ms;
    if ((e = named_put(a->c, &n)) || (e = act_log(a->c, ACT_OPERATOR_REMOVE, NULL, SPAN_OF(n.kid))))
        return e;
    return bytes_printf(&a->text, "« %s » n'est plus opérateur ; ses signatures ne valent plus.\n",
                        n.name);
}

/* --- the gate -------------------------------------------------------------------------------- */

/* ERR_OK: this would approve other keys for an organisation that has some. */
static enum err is_reset(struct asked *a)
{
    uint8_t id[ID_BYTES];
    struct invite i;
    enum err e;

    if ((e = arg_id(a, "id", id)) || (e = invite_get(a->c, id, &i)))
        return e;
    return directory_find_org(a->c->dir, i.org) ? ERR_OK : ERR_STATE;
}

enum err operators_gate(struct asked *a, const char *command)
{
    const struct guard *g = guard_of(command);
    size_t named, needed;
    enum err e;

    if (!g)
        return ERR_OK;
    if ((e = operators_needed(a->c, &named, &needed)))
        return e;
    if (g->act == ACT_OPERATOR_ADD && named < needed)
        return ERR_OK; /* the first ones: there is nobody yet who could sign */
    if (needed == 0 || (g->act == ACT_RESTORE && named < needed))
        return ERR_OK;
    if (g->act == ACT_APPROVE && (e = is_reset(a))) /* a newcomer, or what is refused by name */
        return command_ends_group(e) ? e : ERR_OK;
    return named < needed ? ERR_OPERATORS_FEW : ERR_OPERATOR;
}

/* --- signing an act -------------------------------------------------------------------------- */

enum err operator_act_tell(struct asked *a, struct span act, struct span request)
{
    struct bytes hex = {0};
    enum err e = hex_write(&hex, act);

    if (!e)
        e = data_text(a, "act", bytes_span(&hex));
    if (!e)
        e = data_text(a, "request", request);
    bytes_free(&hex);
    return e;
}

enum err operator_prepare(struct asked *a)
{
    const json_t *args = a->args;
    const struct guard *g = guard_of(arg_text(a, "cmd"));
    struct bytes act = {0}, request = {0};
    uint8_t nonce[ID_BYTES];
    enum err e;

    if (!g)
        return ERR_STATE; /* no signature is asked for */
    if ((e = entropy_fill(a->c->entropy, nonce, sizeof nonce)))
        return e;
    a->args = json_object_get(args, "args");
    if (!(e = act_make(a, g, nonce, a->c->now_ms + OPERATOR_WAIT_MS, &act, &request)))
        e = operator_act_tell(a, bytes_span(&act), bytes_span(&request));
    a->args = args;
    if (!e)
        e = bytes_printf(&a->text, "Acte : %s.\n", g->words);
    bytes_free(&act);
    bytes_free(&request);
    return e;
}

/* --- signing it ------------------------------------------------------------------------------- */

enum err operators_leaf(struct core *c, const struct waiting *w, const struct operator_act *o,
                        enum err code)
{
    static const uint8_t nobody[KID_BYTES];
    struct detail d = {.has = RD_KEY(DETAIL_CODE) | RD_KEY(DETAIL_ACT) | RD_KEY(DETAIL_ABOUT) |
                              RD_KEY(DETAIL_OPERATOR) | RD_KEY(DETAIL_OPERATOR_SIG),
                       .code = (uint32_t)code,
                       .act = o->act,
                       .about = bytes_span(&w->act)};
    uint64_t index;

    if (c->recovery.on)
        return ERR_OK;
    memcpy(d.operator1, w->kid, KID_BYTES);
    memcpy(d.operator1_sig, w->sig, SIG_BYTES);
    if (memcmp(w->kid2, nobody, KID_BYTES) != 0) {
        d.has |= RD_KEY(DETAIL_SECOND) | RD_KEY(DETAIL_SECOND_SIG);
        memcpy(d.operator2, w->kid2, KID_BYTES);
        memcpy(d.operator2_sig, w->sig2, SIG_BYTES);
    }
    return audit_add(c, AUDIT_OPERATORS, &d, &index);
}

struct signing {
    struct bytes act;      /* owned */
    struct operator_act o; /* borrows from act */
    struct span request;
    json_t *command; /* the same, read; owned */
    const struct guard *guard;
    uint8_t kid[KID_BYTES];
    uint8_t sig[SIG_BYTES];
    struct named by;
};

static enum err signing_read(struct asked *a, struct signing *s)
{
    const char *name;
    enum err e;

    s->request = span_text(arg_text(a, "request"));
    if ((e = hex_read(&s->act, span_text(arg_text(a, "act")))) ||
        (e = operator_act_decode(bytes_span(&s->act), &s->o)))
        return e;
    if ((e = arg_id(a, "operator", s->kid)) ||
        (e = hex_read_fixed(s->sig, SIG_BYTES, span_text(arg_text(a, "sig")))))
        return e;
    s->command =
        json_loadb((const char *)s->request.ptr, s->request.len, JSON_REJECT_DUPLICATES, NULL);
    name = json_string_value(json_object_get(s->command, "cmd"));
    s->guard = name ? guard_of(name) : NULL;
    return s->guard ? ERR_OK : ERR_FIELD_VALUE;
}

/* As if it had been asked for without a signature; each guard has its row in the table. */
static enum err act_run(struct asked *a, const struct signing *s)
{
    const json_t *args = a->args;
    enum err e;

    a->args = json_object_get(s->command, "args");
    e = command_find(s->guard->command)->run(a);
    a->args = args;
    return e;
}

/* The bytes signed are those that the request means now: whom it names has not changed since. */
static enum err signing_check(struct asked *a, struct signing *s)
{
    struct bytes act = {0}, request = {0};
    const json_t *args = a->args;
    enum err e;

    a->args = json_object_get(s->command, "args");
    e = act_make(a, s->guard, s->o.nonce, s->o.expires_ms, &act, &request);
    a->args = args;
    if (!e && !span_equal(bytes_span(&act), bytes_span(&s->act)))
        e = ERR_CONFLICT;
    bytes_free(&act);
    bytes_free(&request);
    if (e)
        return e;
    if (s->o.expires_ms <= a->c->now_ms)
        return ERR_EXPIRED;
    if (s->o.expires_ms > a->c->now_ms + OPERATOR_WAIT_MS)
        return ERR_EXPIRY_LIMIT;
    if ((e = named_get(a->c, s->kid, &s->by)) || s->by.removed_ms)
        return e && e != ERR_NOT_FOUND ? e : ERR_KEY_UNKNOWN;
    return operator_act_verify(bytes_span(&s->act), &s->by.pk, s->sig);
}

static enum err wait_begin(struct asked *a, const struct signing *s)
{
    struct waiting w = {.at_ms = a->c->now_ms, .state = ACT_WAITS};
    char id[2 * ID_BYTES + 1];
    enum err e;

    hex_text(s->o.nonce, ID_BYTES, id);
    memcpy(w.kid, s->kid, KID_BYTES);
    memcpy(w.sig, s->sig, SIG_BYTES);
    if ((e = bytes_copy(&w.act, bytes_span(&s->act))) || (e = bytes_copy(&w.request, s->request)))
        goto out;
    if ((e = waiting_room(a->c, OPERATOR_WAITING_MAX)) || (e = waiting_put(a->c, s->o.nonce, &w)) ||
        (e = operators_leaf(a->c, &w, &s->o, ERR_WAITING)))
        goto out;
    if ((e = data_text(a, "id", span_text(id))) || (e = data_set(a, "done", json_false())))
        goto out;
    e = bytes_printf(&a->text,
                     "Acte signé par « %s », en attente d'un second opérateur pendant 24 heures :\n"
                     "    relais-hub operator confirm %.8s --as SA-CLÉ\n",
                     s->by.name, id);
out:
    waiting_wipe(&w);
    return e;
}

static enum err finish(struct asked *a, const struct signing *s, struct waiting *w)
{
    enum err e;

    if ((e = act_run(a, s)))
        return e;
    w->state = ACT_DONE; /* remembered until it would have expired: it runs once */
    if ((e = waiting_put(a->c, s->o.nonce, w)) || (e = operators_leaf(a->c, w, &s->o, ERR_OK)))
        return e;
    return data_set(a, "done", json_true());
}

static enum err sign_first(struct asked *a, const struct signing *s, size_t needed)
{
    struct waiting w = {.at_ms = a->c->now_ms};
    enum err e;

    if (needed > 1)
        return wait_begin(a, s);
    memcpy(w.kid, s->kid, KID_BYTES);
    memcpy(w.sig, s->sig, SIG_BYTES);
    if (!(e = bytes_copy(&w.act, bytes_span(&s->act))) &&
        !(e = bytes_copy(&w.request, s->request)) &&
        !(e = waiting_room(a->c, OPERATOR_WAITING_MAX)))
        e = finish(a, s, &w);
    waiting_wipe(&w);
    return e;
}

static enum err sign_second(struct asked *a, const struct signing *s, struct waiting *w)
{
    struct named first;
    enum err e;

    if (w->state == ACT_DONE)
        return ERR_DUPLICATE;
    if (memcmp(w->kid, s->kid, KID_BYTES) == 0)
        return ERR_OPERATOR_SAME;
    if (!span_equal(bytes_span(&w->act), bytes_span(&s->act)))
        return ERR_CONFLICT;
    if ((e = named_get(a->c, w->kid, &first)))
        return e;
    if (first.removed_ms)
        return ERR_KEY_REVOKED;
    memcpy(w->kid2, s->kid, KID_BYTES);
    memcpy(w->sig2, s->sig, SIG_BYTES);
    return finish(a, s, w);
}

enum err operator_sign(struct asked *a)
{
    struct signing s = {0};
    struct waiting w = {0};
    size_t named, needed;
    enum err e;

    if ((e = signing_read(a, &s)) || (e = operators_needed(a->c, &named, &needed)))
        goto out;
    if (named < needed || named == 0)
        e = ERR_OPERATORS_FEW;
    else if (a->c->recovery.on && s.guard->act != ACT_RESTORE)
        e = ERR_RECOVERING;
    if (e)
        goto out;
    if ((e = waiting_get(a->c, s.o.nonce, &w)) && e != ERR_NOT_FOUND)
        goto out;
    if (!e && w.state == ACT_DONE) {
        e = ERR_DUPLICATE;
        goto out;
    }
    if (!e)
        e = (e = signing_check(a, &s)) ? e : sign_second(a, &s, &w);
    else
        e = (e = signing_check(a, &s)) ? e : sign_first(a, &s, needed);
    log_info("operator.sign", "act=%s result=%s", s.guard->command, err_name(e));
out:
    waiting_wipe(&w);
    bytes_free(&s.act);
    json_decref(s.command);
    return e;
}

/* --- a hub put back from a backup --------------------------------------------------------------
 */

enum err restore_accept(struct asked *a)
{
    enum err e;

    if (!a->c->recovery.on || a->c->recovery.accepted)
        return ERR_STATE;
    if ((e = recovery_accept(a->c)))
        return e;
    return bytes_printf(&a->text, "Restauration acceptée : le hub servira dès qu'il aura entendu "
                                  "ses membres.\n");
}

enum err operators_hold(struct core *c, bool *held)
{
    size_t named, needed;
    enum err e = operators_needed(c, &named, &needed);

    *held = !e && needed > 0 && named >= needed && !c->recovery.accepted;
    return e;
}

/* The agreement to this restore: a store that is being scanned is not written to. */
struct agreement {
    const struct core *c;
    uint8_t nonce[ID_BYTES];
    bool found;
};

static enum err agreement_find(void *arg, const uint8_t nonce[ID_BYTES], const struct waiting *w)
{
    struct agreement *x = arg;
    struct operator_act o;

    if (operator_act_decode(bytes_span(&w->act), &o))
        return ERR_CORRUPT;
    if (w->state != ACT_DONE || o.act != ACT_RESTORE ||
        !span_equal(o.subject, SPAN_OF(x->c->incarnation)))
        return ERR_OK;
    memcpy(x->nonce, nonce, ID_BYTES);
    x->found = true;
    return ERR_OK;
}

enum err operators_recovered(struct core *c)
{
    struct agreement x = {.c = c};
    struct operator_act o;
    struct waiting w = {0};
    enum err e = waiting_each(c, agreement_find, &x);

    if (e || !x.found)
        return e;
    if (!(e = waiting_get(c, x.nonce, &w)) && !(e = operator_act_decode(bytes_span(&w.act), &o)))
        e = operators_leaf(c, &w, &o, ERR_OK);
    waiting_wipe(&w);
    return e;
}
