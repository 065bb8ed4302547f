#include "told.h"

#include <inttypes.h>
#include <string.h>

#include "circles.h"
#include "commands.h"
#include "contacts.h"
#include "log.h"
#include "meta.h"
#include "vault.h"
#include "words.h"

#define TOLD_FIELDS 5
#define TOLD_KEY (1 + 2 * ID_BYTES)
#define TOLD_A_TURN 64

static void key_of(const struct told *x, uint8_t key[TOLD_KEY])
{
    key[0] = (uint8_t)x->kind;
    memcpy(key + 1, x->first, ID_BYTES);
    memcpy(key + 1 + ID_BYTES, x->second, ID_BYTES);
}

static enum err told_put(struct node *n, struct txn *t, const struct told *x)
{
    uint8_t key[TOLD_KEY];
    struct writer w;

    key_of(x, key);
    wr_init(&w);
    wr_array(&w, TOLD_FIELDS);
    wr_uint(&w, x->at_ms);
    wr_uint(&w, x->count);
    wr_uint(&w, x->heard_ms);
    wr_uint(&w, x->roles);
    wr_uint(&w, x->code);
    return row_put(n, t, TABLE_TOLD, NULL, SPAN_OF(key), &w);
}

static enum err told_decode(struct span key, struct span row, struct told *out)
{
    struct reader r = reader_over(row);
    enum err e;

    *out = (struct told){0};
    if (key.len != TOLD_KEY)
        return ERR_CORRUPT;
    out->kind = (enum told_kind)key.ptr[0];
    memcpy(out->first, key.ptr + 1, ID_BYTES);
    memcpy(out->second, key.ptr + 1 + ID_BYTES, ID_BYTES);
    rd_array(&r, TOLD_FIELDS);
    out->at_ms = rd_uint(&r, UINT64_MAX);
    out->count = rd_uint(&r, UINT64_MAX);
    out->heard_ms = rd_uint(&r, UINT64_MAX);
    out->roles = rd_uint(&r, UINT64_MAX);
    out->code = rd_u32(&r, UINT32_MAX);
    e = row_end(&r);
    return e;
}

static enum err silent_receipt(struct node *n, struct txn *t, const struct detail *d,
                               uint64_t at_ms)
{
    struct told x = {
        .kind = TOLD_SILENT, .at_ms = at_ms, .count = d->count, .heard_ms = d->heard_ms};

    if (d->to_count != 1 || memcmp(d->to[0], n->self.org, ID_BYTES) != 0)
        return ERR_PROOF;
    memcpy(x.first, d->by_org, ID_BYTES);
    memcpy(x.second, d->by_node, ID_BYTES);
    return told_put(n, t, &x);
}

static enum err escalated_receipt(struct node *n, struct txn *t, const struct detail *d,
                                  uint64_t at_ms)
{
    struct told x = {.kind = TOLD_ESCALATED, .at_ms = at_ms, .roles = d->roles, .code = d->code};

    memcpy(x.first, d->circle, ID_BYTES);
    memcpy(x.second, d->by_org, ID_BYTES);
    log_error("circle.escalated", "why=%s", err_name((enum err)d->code));
    return told_put(n, t, &x);
}

enum err told_receipt(struct node *n, struct txn *t, const struct receipt_facts *f)
{
    switch (f->type) {
    case AUDIT_SILENT:
        return silent_receipt(n, t, &f->detail, f->time_ms);
    case AUDIT_ESCALATED:
        return escalated_receipt(n, t, &f->detail, f->time_ms);
    default:
        return ERR_NOT_FOUND;
    }
}

/* --- what is over ------------------------------------------------------------------------------
 */

struct told_list {
    size_t n;
    uint8_t keys[TOLD_A_TURN][TOLD_KEY];
};

static enum err key_gather(void *arg, struct span key, struct span row)
{
    struct told_list *l = arg;

    (void)row;
    if (key.len != TOLD_KEY)
        return ERR_CORRUPT;
    memcpy(l->keys[l->n++], key.ptr, TOLD_KEY);
    return l->n == TOLD_A_TURN ? ERR_ENOUGH : ERR_OK;
}

enum err told_heard(struct node *n, struct txn *t, const uint8_t org[ID_BYTES])
{
    uint8_t from[1 + ID_BYTES];
    uint8_t to[TOLD_KEY + 1];
    struct told_list l = {0};
    enum err e;

    (void)n;
    from[0] = TOLD_SILENT;
    memcpy(from + 1, org, ID_BYTES);
    memset(to, 0xff, sizeof to);
    memcpy(to, from, sizeof from);
    e = store_scan(t, TABLE_TOLD, SPAN_OF(from), SPAN_OF(to), TOLD_A_TURN, key_gather, &l);
    for (size_t i = 0; i < l.n && !e; i++)
        e = store_del(t, TABLE_TOLD, SPAN_OF(l.keys[i]));
    return e;
}

struct told_visit {
    enum err (*visit)(void *arg, const struct told *x);
    void *arg;
};

static enum err told_one(void *arg, struct span key, struct span row)
{
    struct told_visit *v = arg;
    struct told x;
    enum err e = told_decode(key, row, &x);

    return e ? e : v->visit(v->arg, &x);
}

enum err told_each(struct node *n, struct txn *t,
                   enum err (*visit)(void *arg, const struct told *x), void *arg)
{
    struct told_visit v = {visit, arg};

    return vault_scan(n->vault, t, TABLE_TOLD, span_text(""), span_text(""), SIZE_MAX, told_one,
                      &v);
}

/* --- for people --------------------------------------------------------------------------------
 */

struct saying {
    struct node *n;
    struct txn *t;
    struct bytes *out;
    json_t *list;       /* may be NULL */
    const uint8_t *org; /* this one's silence alone; NULL: everything */
};

static enum err date_say(uint64_t ms, struct bytes *out)
{
    char text[TIME_TEXT_BYTES];
    enum err e = time_text(ms, text);

    return e ? e : bytes_printf(out, "%.2s/%.2s/%.4s %.5s", text + 8, text + 5, text, text + 11);
}

static enum err silent_say(struct saying *s, const struct told *x)
{
    enum err e = word_printable(contacts_org_name(s->n, x->first), s->out);

    if (e)
        return e;
    if (x->heard_ms == 0)
        e = bytes_printf(s->out, " ne s'est jamais connectée");
    else if (!(e = bytes_printf(s->out, " ne répond pas depuis le ")))
        e = date_say(x->heard_ms, s->out);
    if (e)
        return e;
    return bytes_printf(s->out,
                        " : %" PRIu64 " %s ; le hub les garde jusqu'à leur date limite. Si c'est "
                        "pressé, appelez la structure.\n",
                        x->count, x->count > 1 ? "messages l'attendent" : "message l'attend");
}

/* Does it still have these roles there, and can it still not act? A new responsible ends the alarm,
 * as does an organisation that is active again. */
static enum err still_has(struct saying *s, const struct told *x, bool *yes)
{
    struct circle *c = NULL;
    const uint8_t *who;
    enum err e;

    *yes = !contacts_org_active(s->n, x->second);
    if (!*yes)
        return ERR_OK;
    if ((e = circles_get(s->n, s->t, x->first, &c)))
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    who = circle_responsible(c);
    *yes = !circle_closed(c) && ((x->roles & 1) && who && memcmp(who, x->second, ID_BYTES) == 0);
    who = circle_referent(c);
    *yes = *yes ||
           (!circle_closed(c) && (x->roles & 2) && who && memcmp(who, x->second, ID_BYTES) == 0);
    return ERR_OK;
}

static enum err escalated_say(struct saying *s, const struct told *x)
{
    enum err e;

    if ((e = bytes_printf(s->out, "ALARME : cercle %02x%02x%02x%02x : ", x->first[0], x->first[1],
                          x->first[2], x->first[3])) ||
        (e = word_printable(contacts_org_name(s->n, x->second), s->out)))
        return e;
    return bytes_printf(s->out,
                        ", %s, est %s et ne peut plus agir. Convenez avec le DAC de qui reprend.\n",
                        x->roles == 3   ? "responsable et référent"
                        : x->roles == 1 ? "responsable"
                                        : "référent",
                        x->code == ERR_REVOKED ? "révoquée" : "suspendue");
}

static enum err told_say_one(void *arg, const struct told *x)
{
    struct saying *s = arg;
    bool silent = x->kind == TOLD_SILENT;
    bool yes = true;
    enum err e;

    if (s->org && (!silent || memcmp(s->org, x->first, ID_BYTES) != 0))
        return ERR_OK;
    if (!silent && ((e = still_has(s, x, &yes)) || !yes))
        return e;
    if (s->list &&
        json_array_append_new(
            s->list, json_pack("{s:s,s:o,s:o,s:I,s:o}", "kind", silent ? "silent" : "escalated",
                               "org", json_hex(silent ? x->first : x->second, ID_BYTES), "circle",
                               silent ? json_null() : json_hex(x->first, ID_BYTES), "waiting",
                               (json_int_t)x->count, "since", json_time(x->heard_ms))))
        return ERR_NOMEM;
    return silent ? silent_say(s, x) : escalated_say(s, x);
}

enum err told_say(struct node *n, struct txn *t, struct call *c)
{
    struct saying s = {n, t, &c->text, json_array(), NULL};

    if (!s.list || json_object_set_new(c->data, "warnings", s.list))
        return ERR_NOMEM;
    return told_each(n, t, told_say_one, &s);
}

enum err told_silence_say(struct node *n, struct txn *t, const uint8_t org[ID_BYTES],
                          struct bytes *out)
{
    struct saying s = {n, t, out, NULL, org};

    return told_each(n, t, told_say_one, &s);
}
