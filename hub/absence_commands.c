/* Who is closed, as he announced it himself (PROTOCOL.md 7.7): of organisations in "org list", of
 * nodes for whom mail waits in `status`. */
#include <string.h>

#include "operator.h"

#define DATE_CHARS 10 /* of a time's text: YYYY-MM-DD */

/* The first day and the last. */
static enum err days_of(const struct directory_absence *x, char from[TIME_TEXT_BYTES],
                        char last[TIME_TEXT_BYTES])
{
    enum err e = time_text(x->from_ms, from);

    return e ? e : time_text(x->until_ms - 1, last);
}

static json_t *absence_json(const struct directory_absence *x, const struct directory_org *instead,
                            uint64_t now_ms, const char *from, const char *last)
{
    return json_pack("{s:s%,s:s%,s:b,s:s%}", "from", from, (size_t)DATE_CHARS, "until", last,
                     (size_t)DATE_CHARS, "begun", x->from_ms <= now_ms, "substitute",
                     instead ? (const char *)instead->name.ptr : "",
                     instead ? instead->name.len : (size_t)0);
}

enum err absence_say(struct asked *a, const uint8_t org[ID_BYTES], json_t *one)
{
    const struct directory *d = a->c->dir;
    const struct directory_absence *x = directory_absence(d, org, a->c->now_ms);
    const struct directory_org *instead = x ? directory_org(d, x->substitute) : NULL;
    char from[TIME_TEXT_BYTES], last[TIME_TEXT_BYTES];
    enum err e;

    if (!x)
        return json_object_set_new(one, "absence", json_null()) ? ERR_NOMEM : ERR_OK;
    if ((e = days_of(x, from, last)))
        return e;
    if (json_object_set_new(one, "absence", absence_json(x, instead, a->c->now_ms, from, last)))
        return ERR_NOMEM;
    return bytes_printf(
        &a->text, "    %s du %.2s/%.2s/%.4s au %.2s/%.2s/%.4s%s%.*s\n",
        x->from_ms <= a->c->now_ms ? "absente : fermeture annoncée" : "fermeture annoncée",
        from + 8, from + 5, from, last + 8, last + 5, last, instead ? " ; s'adresser à " : "",
        instead ? (int)instead->name.len : 0, instead ? (const char *)instead->name.ptr : "");
}

struct absent_list {
    struct asked *a;
    json_t *all;
    enum err e;
};

/* Who announced it is in the directory. */
static enum err absent_add(struct absent_list *l, const struct mailbox *m,
                           const struct directory_absence *x)
{
    const struct directory_org *o = directory_find_org(l->a->c->dir, m->who.org);
    char from[TIME_TEXT_BYTES], last[TIME_TEXT_BYTES];
    char node[2 * ID_BYTES + 1];
    enum err e;

    if ((e = days_of(x, from, last)))
        return e;
    hex_text(m->who.node, ID_BYTES, node);
    if (json_array_append_new(l->all, json_pack("{s:s,s:s%,s:s%,s:I}", "node", node, "from", from,
                                                (size_t)DATE_CHARS, "until", last,
                                                (size_t)DATE_CHARS, "waiting", (json_int_t)m->len)))
        return ERR_NOMEM;
    return bytes_printf(&l->a->text,
                        "Absent : %.*s, du %.2s/%.2s/%.4s au %.2s/%.2s/%.4s (annoncé), %zu en "
                        "attente\n",
                        (int)o->name.len, (const char *)o->name.ptr, from + 8, from + 5, from,
                        last + 8, last + 5, last, m->len);
}

static void absent_one(struct mailbox *m, void *arg)
{
    struct absent_list *l = arg;
    const struct directory_absence *x =
        directory_absence(l->a->c->dir, m->who.org, l->a->c->now_ms);

    if (!l->e && x && x->from_ms <= l->a->c->now_ms && !m->open && m->len > 0)
        l->e = absent_add(l, m, x);
}

enum err absent_say(struct asked *a)
{
    struct absent_list l = {a, json_array(), ERR_OK};

    if (!l.all)
        return ERR_NOMEM;
    mailbox_each(a->c, absent_one, &l);
    if (l.e) {
        json_decref(l.all);
        return l.e;
    }
    return data_set(a, "absent", l.all);
}
